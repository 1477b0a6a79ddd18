/* partial.c - latents of plates with a condition: which they are, and who may read them.
 *
 *     for n in N where seen[n] { latent u : real ~ normal(0, s); y[n] ~ normal(u, 1) }
 * Such a latent has a number for every cell of its plates, and those of the cells that do not count
 * mean nothing. So it may be read where its own cell counts, which is shown by the plates around,
 * or by a reduction with the plate's own condition, `sum[n in N where seen[n]](u[n])`. In a
 * sequence, `previous` knows where the first step is.
 * requires: reads of the own cell are bare names (spread.c)
 */
#include "build.h"

#include <string.h>

/* A binder of a reduction or definition around the expression. */
typedef struct Open { const Ast *binder; struct Open *up; } Open;

typedef struct Walk {
    Ctx *c;
    const Model *m;
    const Plate *plate;                /* of the statement */
    Open *open;
    bool inlined;                      /* in the body of a function: its names may hide others */
    bool states;                       /* values of discrete latents are read too */
    Map *seen;                         /* bodies of functions and nets already walked */
} Walk;

const Plate *plate_partial(const Plate *p)
{
    while (p && !p->when)
        p = p->outer;
    return p;
}

bool var_is_partial(const Var *v)
{
    bool inferred = v->kind == VAR_LATENT || v->kind == VAR_DRAWN;
    return inferred && !v->synthetic && v->type->elem == ELEM_REAL && plate_partial(v->plate);
}

/* ---- which names ----------------------------------------------------------------------------- */

static bool has_gaps(const Walk *w, const Var *v)
{
    return var_is_partial(v) || (w->states && var_is_summed(v) && plate_partial(v->plate));
}

/* A latent, or what is computed from one in its plate. */
static bool is_partial(const Walk *w, const Var *v)
{
    if (v->kind != VAR_LET || !plate_partial(v->plate))
        return has_gaps(w, v);
    Var **reads = model_reads(w->c, w->m, v->value);
    for (size_t i = 0; i < vec_len(reads); i++)
        if (has_gaps(w, reads[i]))
            return true;
    return false;
}

/* ---- cells that count ------------------------------------------------------------------------ */

static bool same_text(Ctx *c, const Ast *a, const Ast *b)
{
    return a && b ? fmt_expr(c, a) == fmt_expr(c, b) : a == b;
}

/* Does e run over the positions of p that count: an index of the name, the range and the condition
 * of the plate? */
static bool runs_over(const Walk *w, const Ast *e, const Plate *p)
{
    const Open *o = w->open;
    while (o && o->binder != e->decl)
        o = o->up;
    for (size_t i = 0; o && i < vec_len(p->binders); i++) {
        const Ast *own = p->binders[i];
        if (own->name == o->binder->name
            && same_text(w->c, own->kids[BINDER_DOMAIN], o->binder->kids[BINDER_DOMAIN])
            && same_text(w->c, own->kids[BINDER_WHERE], o->binder->kids[BINDER_WHERE]))
            return true;
    }
    return false;
}

/* u[m, i]: the indices are those of the plates of u that the statement does not stand in. */
static bool cell_counts(const Walk *w, const Ast *index, const Var *v)
{
    const Plate *outside[LIMIT_RANK];
    size_t n = 0;
    for (const Plate *p = v->plate; p && n < LIMIT_RANK && !plate_within(w->plate, p); p = p->outer)
        outside[n++] = p;
    if (w->inlined || n + 1 > vec_len(index->kids))
        return false;
    for (size_t i = 0; i < n; i++) {
        const Ast *e = index->kids[n - i];
        if (e->kind != AST_NAME || !runs_over(w, e, outside[i]))
            return false;
    }
    return true;
}

/* ---- earlier steps --------------------------------------------------------------------------- */

typedef struct Mention { const Model *model; const Plate *plate; bool found; } Mention;

static bool visit_mention(Ast *e, void *data)
{
    Mention *m = data;
    const Var *v = e->kind == AST_NAME ? model_var(m->model, e->decl) : NULL;
    bool let = v && v->kind == VAR_LET && plate_within(v->plate, m->plate);
    bool function = e->kind == AST_CALL && e->decl && e->decl->kind == AST_FUNCTION;
    m->found |= let || function || plate_has_index(m->plate, e);
    return !m->found;
}

/* May the value of e differ between the positions of p? */
static bool varies(const Model *m, Ast *e, const Plate *p)
{
    Mention mention = { m, p, false };
    ast_walk(e, visit_mention, &mention);
    return mention.found;
}

/* `t >= a and t < b`, where a is the start of the sequence: the steps between two. */
static bool is_interval(const Model *m, const Plate *p, const Ast *when)
{
    Ast *const *kids = when->kids;
    if (when->kind != AST_BINARY)
        return false;
    if (!strcmp(when->name, "and"))
        return is_interval(m, p, kids[BINARY_A]) && is_interval(m, p, kids[BINARY_B]);
    bool from = !strcmp(when->name, ">=") && kids[BINARY_B] == p->start;
    return (from || !strcmp(when->name, "<")) && plate_has_index(p, kids[BINARY_A])
        && !varies(m, kids[BINARY_B], p);
}

/* Where a step of v counts, do those before it that the sequence has? `previous` knows which is
 * the first. */
static bool step_counts(const Walk *w, const Var *v, const Plate *sequence, bool previous)
{
    for (const Plate *p = v->plate; p != sequence; p = p->outer)
        if (p->when && varies(w->m, p->when, sequence))
            return false;
    return !sequence->when || (previous && is_interval(w->m, sequence, sequence->when));
}

/* ---- the walk -------------------------------------------------------------------------------- */

static void refuse(Walk *w, Ast *e, const Var *v)
{
    const Plate *p = plate_partial(v->plate), *sequence = plate_sequence(v->plate);
    diag_error(w->c, E_PARTIAL, e->span, span_text(w->c, e->span), v->name,
               fmt_expr(w->c, p->when));
    diag_note(w->c, v->decl->span, "`%s` is declared here", v->name);
    if (e->kind == AST_INDEX && sequence && step_counts(w, v, sequence, true)
        && plate_within(w->plate, sequence))
        diag_help(w->c, "read the step before as `previous(%s, ..)`, which knows the first step",
                  v->name);
    else
        diag_help(w->c, "read it in that plate, or in a reduction with its index and condition");
}

static void walk(Walk *w, Ast *e);

static void walk_kids(Walk *w, Ast *e)
{
    for (size_t i = 0; i < vec_len(e->kids); i++)
        if (e->kids[i])
            walk(w, e->kids[i]);
}

/* The body of a function or net that is called, or handed to another. */
static void walk_body(Walk *w, const Ast *decl)
{
    bool inlined = w->inlined;
    Ast *body = decl && decl->kind == AST_FUNCTION ? decl->kids[FUNCTION_BODY]
              : decl && decl->kind == AST_NET ? decl->kids[NET_BODY] : NULL;
    if (!body || map_get(w->seen, decl))
        return;
    map_put(w->seen, decl, w);
    w->inlined = true;
    walk(w, body);
    w->inlined = inlined;
}

static void walk_name(Walk *w, Ast *e)
{
    const Var *v = model_var(w->m, e->decl);
    if (v && is_partial(w, v) && !plate_within(w->plate, plate_partial(v->plate)))
        refuse(w, e, v);
    walk_body(w, e->decl);
}

static void walk_index(Walk *w, Ast *e)
{
    Ast *base = e->kids[INDEX_BASE];
    const Var *v = base->kind == AST_NAME ? model_var(w->m, base->decl) : NULL;
    const Plate *sequence = v ? plate_sequence(v->plate) : NULL;
    bool inside = sequence && plate_within(w->plate, sequence);
    bool earlier = inside && !plate_has_index(sequence, e->kids[1]);
    if (!v || !is_partial(w, v))
        walk(w, base);
    else if (earlier ? !step_counts(w, v, sequence, false)
                     : !plate_within(w->plate, plate_partial(v->plate)) && !cell_counts(w, e, v))
        refuse(w, e, v);
    for (size_t k = 1; k < vec_len(e->kids); k++)
        walk(w, e->kids[k]);
}

/* previous(x, ..) of a name. */
static void walk_previous(Walk *w, Ast *e)
{
    Ast *x = e->kids[0]->kids[ARG_VALUE];
    const Var *v = x->kind == AST_NAME ? model_var(w->m, x->decl) : NULL;
    const Plate *sequence = v && is_partial(w, v) ? plate_sequence(v->plate) : NULL;
    if (sequence && !step_counts(w, v, sequence, true))
        refuse(w, e, v);
}

static void open_binders(Walk *w, Ast *const *binders)
{
    for (size_t i = 0; i < vec_len(binders); i++) {
        Open *o = arena_alloc(w->c->arena, sizeof *o);
        *o = (Open){ binders[i], w->open };
        w->open = o;
    }
}

static void walk_reduce(Walk *w, Ast *e)
{
    Open *up = w->open;
    open_binders(w, e->kids[REDUCE_BINDERS]->kids);
    walk_kids(w, e);
    w->open = up;
}

static void walk(Walk *w, Ast *e)
{
    if (!e)
        return;
    switch (e->kind) {
    case AST_NAME:
        walk_name(w, e);
        break;
    case AST_INDEX:
        walk_index(w, e);
        break;
    case AST_REDUCE:
        walk_reduce(w, e);
        break;
    case AST_TYPE:
        break;
    case AST_CALL:
        if (!e->decl && (!strcmp(e->name, "marginal") || !strcmp(e->name, "mode")))
            break;                     /* of a cell that does not count: 0 for all states */
        walk_body(w, e->decl);
        if (!e->decl && !strcmp(e->name, "previous"))
            walk_previous(w, e);
        walk_kids(w, e);
        break;
    default:
        walk_kids(w, e);
    }
}

static void walk_from(Ctx *c, const Model *m, const Plate *plate, Ast *e)
{
    Walk w = { .c = c, .m = m, .plate = plate, .seen = map_new(c) };
    walk(&w, e);
}

/* What is drawn after the fit reads states as they are drawn from their posterior. */
static void walk_drawn(Ctx *c, const Model *m, const Site *s)
{
    Walk w = { .c = c, .m = m, .plate = s->plate, .seen = map_new(c), .states = true };
    walk(&w, s->law);
}

/* `let a[m in M] = e`: its binders run over whole sizes. */
static void walk_lets(Ctx *c, const Model *m, Var *const *vars)
{
    for (size_t i = 0; i < vec_len(vars); i++) {
        Walk w = { .c = c, .m = m, .plate = vars[i]->plate, .seen = map_new(c),
                   .states = vars[i]->reported };
        if (vars[i]->kind != VAR_LET)
            continue;
        open_binders(&w, vars[i]->decl->kids);
        walk(&w, vars[i]->value);
    }
}

/* Which cells there are must not depend on what is inferred. */
static void check_conditions(Ctx *c, const Model *m, const Var *v)
{
    for (const Plate *p = v->plate; p; p = p->outer) {
        Var **reads = model_reads(c, m, p->when);
        for (size_t i = 0; i < vec_len(reads); i++)
            if (reads[i]->kind != VAR_DATA) {
                diag_error(c, E_ND_WHERE, p->when->span);
                diag_note(c, v->decl->span, "where `%s` has a value would depend on `%s`", v->name,
                          reads[i]->name);
                diag_help(c, "give the plate of a latent a condition on data");
            }
    }
}

bool partial_check(Ctx *c, const Model *m)
{
    int before = diag_count(c);
    bool any = false;
    for (size_t i = 0; i < vec_len(m->vars); i++)
        if (var_is_partial(m->vars[i])) {
            check_conditions(c, m, m->vars[i]);
            any = true;
        } else {
            any |= var_is_summed(m->vars[i]) && plate_partial(m->vars[i]->plate);
        }
    if (!any)
        return true;
    for (size_t i = 0; i < vec_len(m->sites); i++)
        walk_from(c, m, m->sites[i].plate, m->sites[i].law);
    for (size_t i = 0; i < vec_len(m->factors); i++)
        walk_from(c, m, m->factors[i].plate, m->factors[i].value);
    for (size_t i = 0; i < vec_len(m->drawn); i++)
        walk_drawn(c, m, &m->drawn[i]);
    walk_lets(c, m, m->vars);
    if (m->family)
        walk_lets(c, m, m->family->vars);
    for (size_t i = 0; m->family && i < vec_len(m->family->guides); i++)
        walk_from(c, m, m->family->guides[i].plate, m->family->guides[i].law);
    return diag_count(c) == before;
}
