/* shares.c - bounds of a part of a whole, a / (a + b) or p / sum(p), which interval arithmetic
 * cannot see.
 *
 * Idea: where no term of a sum is negative, each is at most the sum. So a / b is within [0, 1] if
 * every term of a is one of b: the same expression, or an element of what b sums. A sum that has a
 * name, `let total = sum(p)`, is what the name stands for.
 */
#include "check.h"

#include <string.h>

enum { MAX_TERMS = 16 };

typedef struct Terms { Check *s; size_t n; Ast *term[MAX_TERMS]; bool taken[MAX_TERMS]; } Terms;

/* ---- expressions that are the same ----------------------------------------------------------- */

/* What the index of `binder` stands for in the other expression. */
typedef struct Element { Check *s; const Ast *binder, *at; } Element;

static bool same(const Ast *a, const Ast *b, Element *p);

/* The binder of p runs over axis i of the array of `index`. */
static bool runs_over(const Element *p, const Ast *index, size_t i)
{
    const Type *t = index->kids[INDEX_BASE]->type;
    Size *all = p->binder->kids[BINDER_DOMAIN]->type->size;
    size_t n = t ? vec_len(t->array) : 0;
    if (!all || !t || i >= n + vec_len(t->event)) return false;
    return sizes_agree(p->s, all, i < n ? t->array[i] : t->event[i - n]);
}

static bool same_kids(const Ast *a, const Ast *b, Element *p)
{
    if (vec_len(a->kids) != vec_len(b->kids)) return false;
    for (size_t i = 0; i < vec_len(a->kids); i++) {
        const Ast *of = a->kids[i], *element = b->kids[i];
        bool position = a->kind == AST_INDEX && i > INDEX_BASE && of->kind == AST_NAME
                     && p->binder && of->decl == p->binder && runs_over(p, a, i - 1);
        if (position && !p->at) p->at = element;
        else if (!same(position ? p->at : of, element, position ? &(Element){ 0 } : p))
            return false;
    }
    return true;
}

/* b is a, of the same declarations; where a is indexed with the index of p b has one and the same
 * position, which may be any. */
static bool same(const Ast *a, const Ast *b, Element *p)
{
    if (!a || !b) return a == b;
    return a->kind == b->kind && a->name == b->name && a->num == b->num && a->decl == b->decl
        && !(p->binder && a->decl == p->binder) && same_kids(a, b, p);
}

/* ---- terms ----------------------------------------------------------------------------------- */

static bool nonnegative(const Ast *e)
{
    return e->type && e->type->kind == KIND_VALUE && e->type->range.lo >= 0;
}

/* The expression of a `let` without axes; every other is itself. */
static Ast *meant(Ast *e)
{
    Ast *name = e->kind == AST_NAME ? e->decl : NULL;
    bool let = name && name->kind == AST_DECLNAME && name->decl && name->decl->kind == AST_LET
            && !vec_len(name->kids);
    return let ? name->decl->kids[LET_VALUE] : e;
}

static bool is_sum(const Ast *e)
{
    return e->kind == AST_BINARY ? !strcmp(e->name, "+")
         : (e->kind == AST_CALL || e->kind == AST_REDUCE) && !strcmp(e->name, "sum");
}

/* The terms of e, itself if it is no sum; false if they are too many or one may be negative. */
static bool terms_of(Ast *e, Terms *t)
{
    if (is_sum(meant(e))) e = meant(e);
    if (e->kind == AST_BINARY && is_sum(e))
        return terms_of(e->kids[BINARY_A], t) && terms_of(e->kids[BINARY_B], t);
    if (t->n == MAX_TERMS || !nonnegative(e)) return false;
    t->term[t->n++] = e;
    return true;
}

/* e is an element of what `sum(v)` or `sum[k in K](v)` adds up, or is all of v, elementwise. */
static bool is_summed(Check *s, const Ast *sum, const Ast *e)
{
    if (sum->kind == AST_CALL && vec_len(sum->kids) == 1) {
        const Ast *v = sum->kids[0]->kids[ARG_VALUE];
        return nonnegative(v) && (same(v, e, &(Element){ 0 })
            || (e->kind == AST_INDEX && same(v, e->kids[INDEX_BASE], &(Element){ 0 })));
    }
    if (sum->kind != AST_REDUCE || vec_len(sum->kids[REDUCE_BINDERS]->kids) != 1) return false;
    const Ast *binder = sum->kids[REDUCE_BINDERS]->kids[0];
    bool whole = !binder->kids[BINDER_WHERE] && binder->kids[BINDER_DOMAIN]->kind != AST_RANGE;
    Element p = { s, binder, NULL };
    return whole && nonnegative(sum->kids[REDUCE_VALUE])
        && same(sum->kids[REDUCE_VALUE], e, &p) && p.at;
}

static bool is_part(Check *s, const Ast *whole, const Ast *e)
{
    return same(whole, e, &(Element){ 0 }) || (is_sum(whole) && is_summed(s, whole, e));
}

/* e takes one of the terms. */
static bool take(Terms *t, const Ast *e)
{
    for (size_t i = 0; i < t->n; i++)
        if (!t->taken[i] && is_part(t->s, t->term[i], e)) return t->taken[i] = true;
    return false;
}

static bool all_taken(Terms *whole, const Terms *part)
{
    for (size_t i = 0; i < part->n; i++)
        if (!take(whole, part->term[i])) return false;
    return true;
}

static bool is_share(Check *s, Ast *a, Ast *b)
{
    Terms part = { 0 }, whole = { .s = s };
    return terms_of(a, &part) && terms_of(b, &whole) && all_taken(&whole, &part);
}

/* Of `a / b`: within [0, 1] where a is a part of b, times the factors that a has besides. */
Range range_share(Check *s, Ast *a, Ast *b, Range otherwise)
{
    if (is_share(s, a, b)) return range_meet(otherwise, range_from(0, 1));
    for (int i = 0; i < 2 && a->kind == AST_BINARY && !strcmp(a->name, "*"); i++) {
        Ast *part = a->kids[i == 0 ? BINARY_A : BINARY_B];
        Ast *other = a->kids[i == 0 ? BINARY_B : BINARY_A];
        Range share = range_share(s, part, b, range_real());
        Range r = range_binary("*", share, other->type->range);
        if (range_inside(share, range_from(0, 1))) return range_meet(otherwise, r);
    }
    return otherwise;
}
