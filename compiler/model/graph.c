/* graph.c - who depends on whom: reads of an expression, Markov blankets, plates.
 *
 * Idea: a dependency is a mention. Lets are seen through, so that `let q = encoder(x[n])` followed
 * by `z ~ normal(q.mu, q.sigma)` reads x; bodies of nets and of the model's functions are seen
 * through too, because they may mention variables of the model. Arguments of functions are no
 * variables of the model: what they stand for is mentioned where the function is called.
 * requires: a checked tree (NAME and CALL have decl).
 */
#include "model.h"

#include <string.h>

typedef struct Reader {
    Ctx *c;
    const Model *m;
    Var **found;                       /* vec */
    Map *seen;                         /* bodies already entered: LET, NET, FUNCTION nodes */
} Reader;

bool plate_within(const Plate *p, const Plate *outer)
{
    for (; p; p = p->outer)
        if (p == outer)
            return true;
    return outer == NULL;
}

Plate *model_plate(const Model *m, const Ast *binder)
{
    for (size_t i = 0; i < vec_len(m->plates); i++)
        for (size_t k = 0; k < vec_len(m->plates[i]->binders); k++)
            if (m->plates[i]->binders[k] == binder)
                return m->plates[i];
    return NULL;
}

Plate *plate_sequence(Plate *p)
{
    while (p && !p->sequence)
        p = p->outer;
    return p;
}

bool plate_has_index(const Plate *p, const Ast *e)
{
    for (size_t i = 0; i < vec_len(p->binders); i++)
        if (e->kind == AST_NAME && e->decl == p->binders[i])
            return true;
    return false;
}

Ast *index_base(Ast *e)
{
    while (e->kind == AST_INDEX)
        e = e->kids[INDEX_BASE];
    return e;
}

Str plate_text(Ctx *c, const Plate *p)
{
    return str_fmt(c, "%s in %s%s%s", p->index, size_text(c, p->size), p->when ? " where " : "",
                   p->when ? fmt_expr(c, p->when) : "");
}

static Var *var_in(Var **vars, const Ast *decl)
{
    for (size_t i = 0; i < vec_len(vars); i++)
        if (vars[i]->decl == decl)
            return vars[i];
    return NULL;
}

Var *model_var(const Model *m, const Ast *decl)
{
    if (!decl)
        return NULL;
    Var *v = var_in(m->vars, decl);
    return v || !m->family ? v : var_in(m->family->vars, decl);
}

bool model_has_states(const Model *m)
{
    for (size_t i = 0; i < vec_len(m->vars); i++)
        if (var_is_summed(m->vars[i]))
            return true;
    return false;
}

bool var_is_discrete(const Var *v)
{
    return v->kind == VAR_LATENT && v->type && v->type->elem != ELEM_REAL;
}

bool var_is_summed(const Var *v)
{
    return var_is_discrete(v) && !v->drawn;
}

static bool has_net(Var *const *vars)
{
    for (size_t i = 0; i < vec_len(vars); i++)
        if (vars[i]->kind == VAR_NET)
            return true;
    return false;
}

bool model_is_guided(const Model *m)
{
    const Ast *body = m->training.node ? m->training.node->kids[TRAIN_BODY] : NULL;
    bool says = m->family && m->family->node;
    for (size_t i = 0; body && i < vec_len(body->kids); i++)
        says |= body->kids[i]->kind == AST_BY;
    return says;
}

bool model_is_net(const Model *m)
{
    return has_net(m->vars);
}

bool model_has_nets(const Model *m)
{
    return model_is_net(m) || (m->family && has_net(m->family->vars));
}

bool reads_has(Var **reads, const Var *v)
{
    for (size_t i = 0; i < vec_len(reads); i++)
        if (reads[i] == v)
            return true;
    return false;
}

static bool visit_read(Ast *e, void *data);

static void enter(Reader *r, Ast *key, Ast *body)
{
    if (!key || !body || map_get(r->seen, key))
        return;
    map_put(r->seen, key, key);
    ast_walk(body, visit_read, r);
}

static void read_decl(Reader *r, Ast *decl)
{
    if (!decl)
        return;
    if (decl->kind == AST_FUNCTION) {
        enter(r, decl, decl->kids[FUNCTION_BODY]);
        return;
    }
    Var *v = model_var(r->m, decl);
    if (v && v->kind != VAR_LET && !reads_has(r->found, v))
        vec_push(r->c, r->found, v);
    if (v && v->missing && !reads_has(r->found, v->missing))
        vec_push(r->c, r->found, v->missing);
    if (v && v->kind == VAR_LET && v->value)
        enter(r, v->decl, v->value);
    if (v && v->kind == VAR_NET && v->statement)
        enter(r, v->decl, v->statement->kids[NET_BODY]);
}

static bool visit_read(Ast *e, void *data)
{
    if (e->kind == AST_NAME || e->kind == AST_CALL)
        read_decl(data, e->decl);
    return true;
}

Var **model_reads(Ctx *c, const Model *m, Ast *e)
{
    Reader r = { .c = c, .m = m, .seen = map_new(c) };
    if (e)
        ast_walk(e, visit_read, &r);
    return r.found;
}

typedef struct Past { Reader reader; const Var *v; bool found; } Past;

static bool visit_past(Ast *e, void *data)
{
    Past *p = data;
    const Ast *x = e->kind == AST_INDEX ? e->kids[INDEX_BASE]
                 : e->kind == AST_CALL && !e->decl && !strcmp(e->name, "previous")
                     ? e->kids[0]->kids[ARG_VALUE] : NULL;
    p->found |= x && x->kind == AST_NAME && x->decl == p->v->decl;
    Var *let = e->kind == AST_NAME ? model_var(p->reader.m, e->decl) : NULL;
    if (let && let->kind == VAR_LET && let->value && !map_get(p->reader.seen, let)) {
        map_put(p->reader.seen, let, let);
        ast_walk(let->value, visit_past, p);
    }
    return !p->found;
}

bool model_reads_past(Ctx *c, const Model *m, Ast *e, const Var *v)
{
    Past p = { .reader = { .c = c, .m = m, .seen = map_new(c) }, .v = v };
    ast_walk(e, visit_past, &p);
    return p.found;
}

Site **model_blanket(Ctx *c, const Model *m, const Var *v)
{
    Site **out = NULL;
    for (size_t i = 0; i < vec_len(m->sites); i++)
        if (m->sites[i].var == v || reads_has(m->sites[i].reads, v))
            vec_push(c, out, &m->sites[i]);
    return out;
}

Ast *law_see(const Model *m, Ast *law)
{
    for (int depth = 0; law && law->kind == AST_NAME && depth < LIMIT_INLINE; depth++) {
        Var *v = model_var(m, law->decl);
        if (!v || v->kind != VAR_LET || !v->value)
            break;
        law = v->value;
    }
    return law;
}
