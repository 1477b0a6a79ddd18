/* weights.c - bounds of weighted means, which interval arithmetic cannot see.
 *
 * Idea: u * a + (1 - u) * b with u in [0, 1] lies between a and b, although u and 1 - u each may be
 * 1; so does sum[k in K](w[k] * a[k]) for a simplex w. And u * (1 - u) is at most 1/4. The weights
 * are recognised by their text.
 */
#include "check.h"

#include <math.h>
#include <string.h>

enum { MAX_FACTORS = 16 };

typedef struct Product { size_t n; Ast *factors[MAX_FACTORS]; } Product;

static bool is_operation(const Ast *e, const char *op)
{
    return e->kind == AST_BINARY && !strcmp(e->name, op);
}

/* The factors of e, which is one itself if it is no product; false if they are too many. */
static bool factors_of(Ast *e, Product *p)
{
    if (is_operation(e, "*"))
        return factors_of(e->kids[BINARY_A], p) && factors_of(e->kids[BINARY_B], p);
    if (p->n == MAX_FACTORS || is_bad(e->type) || e->type->kind != KIND_VALUE) return false;
    p->factors[p->n++] = e;
    return true;
}

/* Bounds of the product of all factors but one; of none left, 1. */
static Range others(const Product *p, size_t without)
{
    Range r = range_point(1);
    for (size_t i = 0; i < p->n; i++)
        if (i != without) r = range_binary("*", r, p->factors[i]->type->range);
    return r;
}

/* v is `1 - u`. */
static bool is_complement(Check *s, Ast *v, Ast *u)
{
    return is_operation(v, "-") && v->kids[BINARY_A]->kind == AST_NUM
        && v->kids[BINARY_A]->num == 1 && fmt_expr(s->c, v->kids[BINARY_B]) == fmt_expr(s->c, u);
}

static bool complementary(Check *s, Ast *u, Ast *v)
{
    Range unit = range_from(0, 1);
    return range_inside(u->type->range, unit) && range_inside(v->type->range, unit)
        && (is_complement(s, u, v) || is_complement(s, v, u));
}

/* Of `a + b`: the bounds of what a pair of weights u and 1 - u mixes; else `otherwise`. */
Range range_mixture(Check *s, Ast *a, Ast *b, Range otherwise)
{
    Product p = { 0 }, q = { 0 };
    if (!factors_of(a, &p) || !factors_of(b, &q)) return otherwise;
    for (size_t i = 0; i < p.n; i++)
        for (size_t k = 0; k < q.n; k++)
            if (complementary(s, p.factors[i], q.factors[k]))
                return range_meet(otherwise, range_union(others(&p, i), others(&q, k)));
    return otherwise;
}

/* Of `a * b`: each pair of factors u and 1 - u is at most a quarter; else `otherwise`. */
Range range_product(Check *s, Ast *a, Ast *b, Range otherwise)
{
    Product p = { 0 };
    bool paired[MAX_FACTORS] = { false };
    if (!factors_of(a, &p) || !factors_of(b, &p)) return otherwise;
    Range r = range_point(1);
    for (size_t i = 0; i < p.n; i++) {
        size_t k = i + 1;
        if (paired[i]) continue;
        while (k < p.n && (paired[k] || !complementary(s, p.factors[i], p.factors[k]))) k++;
        if (k < p.n) paired[k] = true;
        r = range_binary("*", r, k < p.n ? range_from(0, 0.25) : p.factors[i]->type->range);
    }
    return range_meet(otherwise, r);
}

static bool is_simplex(const Type *t)
{
    return t->kind == KIND_VALUE && t->core == 1 && !strcmp(t->support, "simplex");
}

/* The whole of a simplex, or a vector of it at every position of `binder`. */
static bool weighs(Check *s, Ast *e, const Ast *binder)
{
    if (!binder) return is_simplex(e->type) && vec_len(e->type->event) == 1;
    if (e->kind != AST_INDEX || is_bad(e->kids[INDEX_BASE]->type)) return false;
    const Type *t = e->kids[INDEX_BASE]->type;
    size_t axes = vec_len(t->array) + vec_len(t->event);
    Ast *last = e->kids[vec_len(e->kids) - 1];
    Size *all = binder->kids[BINDER_DOMAIN]->type->size;
    return is_simplex(t) && vec_len(e->kids) == axes + 1 && last->kind == AST_NAME
        && last->decl == binder && all && sizes_agree(s, all, t->event[0]);
}

/* Of the sum of e, over its axis or over `binder`: the bounds of what a simplex in it weighs. */
Range range_weighted(Check *s, Ast *e, const Ast *binder, Range otherwise)
{
    Product p = { 0 };
    if (!factors_of(e, &p)) return otherwise;
    for (size_t i = 0; i < p.n; i++)
        if (weighs(s, p.factors[i], binder)) return others(&p, i);
    return otherwise;
}

/* Of `a @ b`: those of the side that a simplex on the other weighs. */
Range range_inner(const Type *a, const Type *b, Range otherwise)
{
    if (is_simplex(a)) return b->range;
    return is_simplex(b) && vec_len(b->event) == 1 ? a->range : otherwise;
}
