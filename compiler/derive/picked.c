/* picked.c - discrete latents that the positions of other plates read by indices of data.
 *
 *     for j in J { latent c : index(K) ~ .. }
 *     for n in N { y[n] ~ normal(mu[c[who[n]]], 1) }
 *  -> in plate j: sum_picked(c, c[who[n]], logpdf(normal(mu[c[who[n]]], 1), y[n]), n)
 * with sum_picked(c, c[i], e, n, ..) = the sum of e over the positions n, .. where i is that of c.
 * Idea: each of them reads one state, so what it says belongs to the plate of that state, and the
 * sum over states goes on there: K states for each j, not K^J joint ones. Of a sequence it belongs
 * to the step, c[when[n]], and of one in a plate to the step there, c[who[n], when[n]].
 */
#include "derive.h"

typedef struct Pick {
    Derive *d;
    const Var *v;
    const Plate *from;                 /* of the statement that reads v */
    Ast *read;                         /* v[i], or NULL */
    bool one;                          /* all reads are by these indices, of data */
    Map *seen;                         /* lets looked into */
} Pick;

/* ---- indices --------------------------------------------------------------------------------- */

static bool visit_index(Ast *e, void *data)
{
    Pick *p = data;
    bool binder = e->kind == AST_NAME && e->decl && e->decl->kind == AST_BINDER;
    const Plate *plate = binder ? model_plate(p->d->m, e->decl) : NULL;
    if (binder)
        p->one &= plate && plate_within(p->from, plate);
    return true;
}

bool first_indices(Ctx *c, const Ast *a, const Ast *b, int more)
{
    bool same = vec_len(a->kids) + (size_t)more == vec_len(b->kids);
    for (size_t i = 1; same && i < vec_len(a->kids); i++)
        same = fmt_expr(c, a->kids[i]) == fmt_expr(c, b->kids[i]);
    return same;
}

/* The indices are data, at positions of the plates of the statement. */
static void look_at_read(Pick *p, Ast *read)
{
    for (size_t k = 1; k < vec_len(read->kids); k++) {
        Var **reads = model_reads(p->d->c, p->d->m, read->kids[k]);
        for (size_t i = 0; i < vec_len(reads); i++)
            p->one &= reads[i]->kind == VAR_DATA && !reads[i]->absent;
        p->one &= read->kids[k]->kind != AST_RANGE;
        ast_walk(read->kids[k], visit_index, p);
    }
    p->one &= !p->read || first_indices(p->d->c, read, p->read, 0);
    p->read = read;
}

/* ---- reads ----------------------------------------------------------------------------------- */

static Var *let_that_reads(const Pick *p, const Ast *e)
{
    Var *let = e->kind == AST_NAME ? model_var(p->d->m, e->decl) : NULL;
    bool reads = let && let->kind == VAR_LET
              && reads_has(model_reads(p->d->c, p->d->m, let->value), p->v);
    return reads ? let : NULL;
}

/* Does the function that is called read v, whatever its arguments are? */
static bool function_reads(const Pick *p, const Ast *call)
{
    Ast *bare = ast_new(p->d->c, AST_CALL, call->span, call->name, 0);
    bare->decl = call->decl;
    return call->decl && reads_has(model_reads(p->d->c, p->d->m, bare), p->v);
}

typedef struct Own { const Pick *p; bool good; } Own;

static bool is_own(const Pick *p, const Var *let);

static bool visit_own(Ast *e, void *data)
{
    Own *own = data;
    const Ast *base = e->kind == AST_INDEX ? e->kids[INDEX_BASE] : NULL;
    const Var *let = let_that_reads(own->p, e);
    if (base && base->kind == AST_NAME)
        own->good &= base->decl != own->p->v->decl && !let_that_reads(own->p, base);
    if (let)
        own->good &= is_own(own->p, let);
    own->good &= e->kind != AST_CALL || !function_reads(own->p, e);
    return own->good;
}

/* Is the let one of the plate of v, which reads the state of its position alone? */
static bool is_own(const Pick *p, const Var *let)
{
    Own own = { p, let->plate == p->v->plate && !let->plate->sequence };
    if (own.good)
        ast_walk(let->value, visit_own, &own);
    return own.good;
}

static bool visit_pick(Ast *e, void *data)
{
    Pick *p = data;
    const Ast *base = e->kind == AST_INDEX && e->kids[INDEX_BASE]->kind == AST_NAME
                    ? e->kids[INDEX_BASE] : NULL;
    Var *whole = base ? let_that_reads(p, base) : NULL, *let = let_that_reads(p, e);
    if (base && (base->decl == p->v->decl || (whole && is_own(p, whole)))) {
        look_at_read(p, e);
        return false;
    }
    if ((e->kind == AST_NAME && e->decl == p->v->decl)
        || (e->kind == AST_CALL && function_reads(p, e)))
        p->one = false;
    if (let && !map_get(p->seen, let)) {
        map_put(p->seen, let, let);
        ast_walk(let->value, visit_pick, p);
    }
    return p->one;
}

/* ---- the plates of v ------------------------------------------------------------------------- */

/* The plate around those of v that the indices of v[i, ..] are of. */
static Plate *around(const Var *v, const Ast *read)
{
    Plate *p = v->plate;
    for (size_t k = 1; k < vec_len(read->kids) && p; k++)
        p = p->outer;
    return p;
}

static bool has_all_positions(const Var *v, const Plate *outer)
{
    bool all = true;
    for (const Plate *p = v->plate; p != outer; p = p->outer)
        all &= !p->rows && !p->low && !p->when;
    return all;
}

Ast *picked_by(Derive *d, const Var *v, Ast *e, const Plate *from)
{
    Pick p = { .d = d, .v = v, .from = from, .one = true, .seen = map_new(d->c) };
    if (!v->plate || !from || plate_within(from, v->plate))
        return NULL;
    ast_walk(e, visit_pick, &p);
    if (!p.one || !p.read)
        return NULL;
    const Plate *outer = around(v, p.read), *inner = v->plate;
    size_t depth = 0;
    for (; inner; inner = inner->outer)
        depth++;
    bool apart = depth + 1 >= vec_len(p.read->kids) && plate_within(from, outer);
    for (inner = v->plate; apart && inner != outer; inner = inner->outer)
        apart = !plate_within(from, inner);
    return apart && has_all_positions(v, outer) ? p.read : NULL;
}

Ast *sum_picked(Derive *d, const Var *v, Ast *read, Ast *e, Plate *from)
{
    const Plate *outer = around(v, read);
    for (const Plate *p = from; p != outer; p = p->outer)
        e = make_counted(d->c, p, e);
    Ast *call = ast_call(d->c, e->span, "sum_picked", 3, make_name(d->c, v, e->span), read, e);
    for (const Plate *p = from; p != outer; p = p->outer)
        ast_push(d->c, call, ast_new(d->c, AST_ARG, e->span, NULL, 1,
                                     plate_index_name(d->c, p, e->span)));
    call->type = real_scalar(d->c);
    return call;
}
