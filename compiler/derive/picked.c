/* picked.c - discrete latents that the positions of another plate read by an index of data.
 *
 *     for j in J { latent c : index(K) ~ .. }
 *     for n in N { y[n] ~ normal(mu[c[who[n]]], 1) }
 *  -> in plate j: sum_picked(c, who[n], logpdf(normal(mu[c[who[n]]], 1), y[n]), n)
 * with sum_picked(c, i, e, n, ..) = the sum of e over the positions n, .. at which i is that of c.
 * Idea: each of them reads one state, so what it says belongs to the plate of that state, and the
 * sum over states goes on there: K states for each j, not K^J joint ones. Of a sequence it belongs
 * to the step: c[when[n]].
 */
#include "derive.h"

typedef struct Pick {
    Derive *d;
    const Var *v;
    const Plate *from;                 /* of the statement that reads v */
    Ast *index;                        /* by which v is read, or NULL */
    bool one;                          /* all reads are by this index, of data */
    Map *seen;                         /* lets looked into */
} Pick;

static bool visit_index(Ast *e, void *data)
{
    Pick *p = data;
    const Plate *plate = e->kind == AST_NAME && e->decl && e->decl->kind == AST_BINDER
                       ? model_plate(p->d->m, e->decl) : NULL;
    if (e->kind == AST_NAME && e->decl && e->decl->kind == AST_BINDER)
        p->one &= plate && plate_within(p->from, plate);
    return true;
}

/* Data, and indices of the plates of the statement. */
static void look_at_index(Pick *p, Ast *index)
{
    Var **reads = model_reads(p->d->c, p->d->m, index);
    for (size_t i = 0; i < vec_len(reads); i++)
        p->one &= reads[i]->kind == VAR_DATA && !reads[i]->absent;
    p->one &= index->kind != AST_RANGE
           && (!p->index || fmt_expr(p->d->c, index) == fmt_expr(p->d->c, p->index));
    ast_walk(index, visit_index, p);
    p->index = index;
}

/* Does the function that is called read v, whatever its arguments are? */
static bool function_reads(const Pick *p, const Ast *call)
{
    Ast *bare = ast_new(p->d->c, AST_CALL, call->span, call->name, 0);
    bare->decl = call->decl;
    return reads_has(model_reads(p->d->c, p->d->m, bare), p->v);
}

static bool visit_pick(Ast *e, void *data)
{
    Pick *p = data;
    bool read = e->kind == AST_INDEX && e->kids[INDEX_BASE]->kind == AST_NAME
             && e->kids[INDEX_BASE]->decl == p->v->decl;
    if (read && vec_len(e->kids) == 2) {
        look_at_index(p, e->kids[1]);
        return false;
    }
    if (e->kind == AST_NAME && e->decl == p->v->decl)
        p->one = false;                /* read whole, or with more indices than one */
    const Var *let = e->kind == AST_NAME ? model_var(p->d->m, e->decl) : NULL;
    Ast *inside = let && let->kind == VAR_LET ? let->value : NULL;
    if (e->kind == AST_CALL && e->decl)
        p->one &= !function_reads(p, e);
    if (inside && !map_get(p->seen, let)) {
        map_put(p->seen, let, inside);
        ast_walk(inside, visit_pick, p);
    }
    return p->one;
}

Ast *picked_by(Derive *d, const Var *v, Ast *e, const Plate *from)
{
    const Plate *own = v->plate;
    if (!own || own->rows || own->low || own->when || !from || plate_within(from, own)
        || (own->outer && !plate_within(from, own->outer)))
        return NULL;
    Pick p = { .d = d, .v = v, .from = from, .one = true, .seen = map_new(d->c) };
    ast_walk(e, visit_pick, &p);
    return p.one ? p.index : NULL;
}

Ast *sum_picked(Derive *d, const Var *v, Ast *index, Ast *e, Plate *from)
{
    for (const Plate *p = from; p != v->plate->outer; p = p->outer)
        e = make_counted(d->c, p, e);
    Ast *call = ast_call(d->c, e->span, "sum_picked", 3, make_name(d->c, v, e->span), index, e);
    for (const Plate *p = from; p != v->plate->outer; p = p->outer)
        ast_push(d->c, call, ast_new(d->c, AST_ARG, e->span, NULL, 1,
                                     plate_index_name(d->c, p, e->span)));
    call->type = real_scalar(d->c);
    return call;
}
