/* simplify_sum.c - sums, contractions and logsumexp.
 *
 * Idea: a sum of a product is taken apart until each axis is summed over only the factors that have
 * it; what remains is a contraction (a matrix product, when both sides have axes of their own) or a
 * plain sum that fuses with its operand.
 *     before  sum{k} (g * W[i,k] * z[n,k])         after  g * contract{k} W z : [n, i]
 *
 * requires:    simplified operands
 * establishes: no factor constant along a summed axis stays inside; CONTRACT only where it pays
 */
#include <math.h>

#include "simplify.h"

#define MAX_FACTORS 8

static Tir *mul(Simp *s, Tir *a, Tir *b) { return simp_map(s, OP_MUL, a, b, NULL); }
static Tir *neg(Simp *s, Tir *a) { return simp_map(s, OP_NEG, a, NULL, NULL); }
static Tir *lg(Simp *s, Tir *a) { return simp_map(s, OP_LOG, a, NULL, NULL); }

static bool lacks(const Tir *v, const AxisSet *over)
{
    for (int i = 0; i < over->n; i++)
        if (tir_has_axis(v, over->axis[i]))
            return false;
    return true;
}

/* In memory anyway, so a matrix product costs no extra pass over it. */
static bool stored(const Tir *v)
{
    if (v->op == OP_RENAME || v->op == OP_SLICE)
        return stored(v->in[0]);
    return op_info[v->op].kind != OP_KIND_MAP && v->op != OP_IOTA && v->op != OP_CONST;
}

/* 1 / size of a run-time axis. */
static Tir *inverse_size(Simp *s, const Axis *a)
{
    const char *name = a->kind == AXIS_ROW ? "inv_rows" : "inv_samples";
    return tir_input(s->f, INPUT_SCALAR, str(s->c, name), NULL, 0);
}

/* ---- when a product of two values is a contraction --------------------------------------- */

/* v has an axis that is neither summed nor one of w. */
static bool has_own_axis(const Tir *v, const Tir *w, const AxisSet *over)
{
    for (int i = 0; i < v->n_axes; i++)
        if (!axes_has(over, v->axes[i]) && !tir_has_axis(w, v->axes[i]))
            return true;
    return false;
}

/* An axis of both that stays: every position along it is a product of its own. */
static bool has_batch_axis(const Tir *v, const Tir *w, const AxisSet *over)
{
    for (int i = 0; i < v->n_axes; i++)
        if (!axes_has(over, v->axes[i]) && tir_has_axis(w, v->axes[i]))
            return true;
    return false;
}

/* Matrix times matrix: fewer elements than the product has. Matrix times vector: if the matrix is
 * in memory and there is one of it; otherwise the sum fuses with what makes the matrix. */
static bool contraction_pays(const Tir *a, const Tir *b, const AxisSet *over)
{
    bool a_own = has_own_axis(a, b, over), b_own = has_own_axis(b, a, over);
    if (a_own && b_own)
        return true;
    return ((a_own && stored(a)) || (b_own && stored(b))) && !has_batch_axis(a, b, over);
}

/* ---- factors ----------------------------------------------------------------------------- */

typedef struct Factors {
    int n;
    bool negative;
    Tir *v[MAX_FACTORS];
} Factors;

/* Collects the factors of nested products; false if there are too many. */
static bool collect(Factors *f, Tir *v)
{
    if (v->op == OP_NEG) {
        f->negative = !f->negative;
        return collect(f, v->in[0]);
    }
    if (v->op == OP_MUL)
        return collect(f, v->in[0]) && collect(f, v->in[1]);
    if (f->n == MAX_FACTORS)
        return false;
    f->v[f->n++] = v;
    return true;
}

static Tir *product(Simp *s, const Factors *f, unsigned which)
{
    Tir *v = NULL;
    for (int i = 0; i < f->n; i++)
        if (which >> i & 1)
            v = v ? mul(s, v, f->v[i]) : f->v[i];
    return v ? v : simp_num(s, 1);
}

/* The two groups around factors i and j: every other factor joins one that has its axes. 0: some
 * factor fits neither. A group of several is a new value, not in memory. */
static unsigned split_around(const Factors *f, int i, int j, const AxisSet *over)
{
    unsigned left = 1u << i, right = 1u << j;
    for (int k = 0; k < f->n; k++) {
        if (k == i || k == j)
            continue;
        if (axes_subset(f->v[k], f->v[i]))
            left |= 1u << k;
        else if (axes_subset(f->v[k], f->v[j]))
            right |= 1u << k;
    }
    bool own_left = has_own_axis(f->v[i], f->v[j], over);
    bool own_right = has_own_axis(f->v[j], f->v[i], over);
    bool pays = f->n == 2 ? contraction_pays(f->v[i], f->v[j], over) : own_left && own_right;
    return pays && (left | right) == (1u << f->n) - 1 ? left : 0;
}

/* A split of the factors in two groups whose contraction pays; 0: there is none. */
static unsigned split(const Factors *f, const AxisSet *over)
{
    unsigned left = 0;
    for (int i = 0; i < f->n && !left; i++)
        for (int j = 0; j < f->n && !left; j++)
            if (i != j)
                left = split_around(f, i, j, over);
    return left;
}

/* The axes of `over` whose factors are fewest, with those factors. */
static unsigned fewest(const Factors *f, const AxisSet *over, AxisSet *axes)
{
    unsigned best = ~0u;
    for (int i = 0; i < over->n; i++) {
        unsigned which = 0;
        for (int k = 0; k < f->n; k++)
            which |= (unsigned)tir_has_axis(f->v[k], over->axis[i]) << k;
        if (__builtin_popcount(which) < __builtin_popcount(best)) {
            best = which;
            axes->n = 0;
        }
        if (which == best)
            axes_add(axes, over->axis[i]);
    }
    return best;
}

static AxisSet without(const AxisSet *over, const AxisSet *gone)
{
    AxisSet rest = { .n = 0 };
    for (int i = 0; i < over->n; i++)
        if (!axes_has(gone, over->axis[i]))
            axes_add(&rest, over->axis[i]);
    return rest;
}

/* Sum of a product over axes that it has; NULL if nothing is to be gained. */
static Tir *sum_product(Simp *s, Tir *v, const AxisSet *over)
{
    Factors f = { .n = 0 };
    if (!collect(&f, v))
        return NULL;
    AxisSet first = { .n = 0 };
    unsigned all = (1u << f.n) - 1, inner = fewest(&f, over, &first);
    Tir *sum = NULL;
    if (inner != all) {                /* the other factors are constant along these axes */
        Tir *part = simp_sum(s, product(s, &f, inner), &first);
        AxisSet rest = without(over, &first);
        sum = simp_sum(s, mul(s, product(s, &f, all & ~inner), part), &rest);
    } else {
        unsigned left = split(&f, over);
        if (left)
            sum = simp_contract(s, product(s, &f, left), product(s, &f, all & ~left), over);
        else if (f.negative)
            sum = simp_sum(s, product(s, &f, all), over);
    }
    return sum && f.negative ? neg(s, sum) : sum;
}

/* ---- sums -------------------------------------------------------------------------------- */

/* A matrix product, perhaps scaled, is worth a sum of its own. */
static bool hides_contraction(Tir *v, const AxisSet *over)
{
    Factors f = { .n = 0 };
    if (!collect(&f, v))
        return false;
    for (int i = 0; i < f.n; i++)
        for (int j = 0; j < i; j++)
            if (!lacks(f.v[i], over) && !lacks(f.v[j], over)
                && has_own_axis(f.v[i], f.v[j], over) && has_own_axis(f.v[j], f.v[i], over))
                return true;
    return false;
}

/* Summed over all positions, a scatter is what was scattered. */
static Tir *sum_scatter(Simp *s, Tir *v, const AxisSet *over)
{
    AxisSet scattered = { .n = 0 }, to = { .n = 1, .axis = { v->to[0] } };
    for (int i = 0; i < v->n_over; i++)
        axes_add(&scattered, v->over[i]);
    AxisSet rest = without(over, &to);
    return simp_sum(s, simp_sum(s, v->in[0], &scattered), &rest);
}

/* Is v put together of parts? */
static bool is_side_by_side(const Tir *v)
{
    return v->op == OP_PAD
        || (v->op == OP_ADD && is_side_by_side(v->in[0]) && is_side_by_side(v->in[1]));
}

/* The sum of a part that stands in a vector: along the vector that of the part. */
static Tir *sum_pad(Simp *s, Tir *v, const AxisSet *over)
{
    AxisSet padded = { .n = 1, .axis = { v->to[0] } }, own = without(over, &padded);
    if (axes_has(over, v->to[0])) {
        axes_add(&own, v->over[0]);
        return simp_sum(s, v->in[0], &own);
    }
    return tir_pad(s->f, simp_sum(s, v->in[0], over), v->over[0], v->to[0], v->offset);
}

static Tir *sum_parts(Simp *s, Tir *a, const AxisSet *over)
{
    Tir *p = a->in[0], *q = a->n_in > 1 ? a->in[1] : NULL;
    switch (a->op) {
    case OP_NEG:
        return neg(s, simp_sum(s, p, over));
    case OP_MUL:
        return sum_product(s, a, over);
    case OP_DIV:
        return lacks(q, over) ? simp_map(s, OP_DIV, simp_sum(s, p, over), q, NULL) : NULL;
    case OP_ADD: case OP_SUB:          /* a constant part leaves a total; a row of sums keeps it */
        if (((lacks(p, over) || lacks(q, over)) && a->n_axes == over->n)
            || hides_contraction(p, over) || hides_contraction(q, over)
            || is_side_by_side(a))
            return simp_map(s, a->op, simp_sum(s, p, over), simp_sum(s, q, over), NULL);
        return NULL;
    case OP_SUM: {
        AxisSet both = *over;
        for (int i = 0; i < a->n_over; i++)
            axes_add(&both, a->over[i]);
        return simp_sum(s, p, &both);
    }
    case OP_SCATTER:
        return axes_has(over, a->to[0]) ? sum_scatter(s, a, over) : NULL;
    case OP_PAD:
        return sum_pad(s, a, over);
    default:
        return NULL;
    }
}

/* The axes of a reduction of a: present, those that a has. Along the others a is constant: count is
 * the product of their known sizes, scale 1 / the product of those of a run, or NULL. */
typedef struct Over {
    AxisSet present;
    double count;
    Tir *scale;
} Over;

static Over split_over(Simp *s, const Tir *a, const AxisSet *axes)
{
    Over o = { .count = 1 };
    for (int i = 0; i < axes->n; i++) {
        Axis *k = axes->axis[i];
        if (tir_has_axis(a, k))
            axes_add(&o.present, k);
        else if (!axis_runtime(k))
            o.count *= (double)k->size;
        else
            o.scale = o.scale ? mul(s, o.scale, inverse_size(s, k)) : inverse_size(s, k);
    }
    return o;
}

/* a reduced along axes that it has: by its parts, if `parts` finds a way. */
static Tir *reduced(Simp *s, Op op, Tir *(*parts)(Simp *, Tir *, const AxisSet *), Tir *a,
                    const AxisSet *axes)
{
    if (!axes->n)
        return a;
    Tir *v = s->fuel-- > 0 ? parts(s, a, axes) : NULL;
    return v ? v : tir_reduce(s->f, op, a, axes->axis, axes->n);
}

Tir *simp_sum(Simp *s, Tir *a, const AxisSet *over)
{
    Over o = split_over(s, a, over);
    Tir *v = reduced(s, OP_SUM, sum_parts, a, &o.present);
    if (o.count != 1)
        v = mul(s, simp_num(s, o.count), v);
    return o.scale ? simp_map(s, OP_DIV, v, o.scale, NULL) : v;
}

/* ---- contractions ------------------------------------------------------------------------ */

/* Takes numbers without axes and signs out of an operand that is in memory without them. */
static Tir *take_scalars(Simp *s, Tir *v, Tir **scalar, double result_cost)
{
    if (v->op == OP_NEG && stored(v->in[0]) && result_cost <= axes_cost(v)) {
        *scalar = neg(s, *scalar);
        return take_scalars(s, v->in[0], scalar, result_cost);
    }
    if (v->op == OP_MUL && !v->in[0]->n_axes && stored(v->in[1]) && result_cost <= axes_cost(v)) {
        *scalar = mul(s, *scalar, v->in[0]);
        return v->in[1];
    }
    return v;
}

/* First the operand with the outermost axis that only one of them has. */
static Tir *ordered_contract(Simp *s, Tir *a, Tir *b, const AxisSet *over)
{
    Tir *ab = tir_contract(s->f, a, b, over->axis, over->n);
    for (int i = 0; i < ab->n_axes; i++) {
        bool in_a = tir_has_axis(a, ab->axes[i]), in_b = tir_has_axis(b, ab->axes[i]);
        if (in_a != in_b)
            return in_a ? ab : tir_contract(s->f, b, a, over->axis, over->n);
    }
    return ab;
}

Tir *simp_contract(Simp *s, Tir *a, Tir *b, const AxisSet *over)
{
    AxisSet shared = { .n = 0 }, only_a = { .n = 0 }, only_b = { .n = 0 };
    for (int i = 0; i < over->n; i++) {
        bool in_a = tir_has_axis(a, over->axis[i]), in_b = tir_has_axis(b, over->axis[i]);
        axes_add(in_a && in_b ? &shared : in_b ? &only_b : &only_a, over->axis[i]);
    }
    if (only_a.n)
        a = simp_sum(s, a, &only_a);
    if (only_b.n)
        b = simp_sum(s, b, &only_b);
    if (!shared.n)
        return mul(s, a, b);
    if (!contraction_pays(a, b, &shared))
        return simp_sum(s, mul(s, a, b), &shared);
    Tir *plain = ordered_contract(s, a, b, &shared);
    Tir *one = simp_num(s, 1), *scalar = one;
    a = take_scalars(s, a, &scalar, axes_cost(plain));
    b = take_scalars(s, b, &scalar, axes_cost(plain));
    if (scalar == one)
        return plain;
    return mul(s, scalar, simp_contract(s, a, b, &shared));
}

/* ---- logsumexp --------------------------------------------------------------------------- */

static Tir *logsumexp_parts(Simp *s, Tir *a, const AxisSet *over)
{
    Tir *p = a->in[0], *q = a->n_in > 1 ? a->in[1] : NULL;
    if (a->op == OP_ADD && lacks(p, over))
        return simp_map(s, OP_ADD, p, simp_logsumexp(s, q, over), NULL);
    if (a->op == OP_ADD && lacks(q, over))
        return simp_map(s, OP_ADD, simp_logsumexp(s, p, over), q, NULL);
    if (a->op == OP_SUB && lacks(p, over))
        return simp_map(s, OP_ADD, p, simp_logsumexp(s, neg(s, q), over), NULL);
    if (a->op == OP_SUB && lacks(q, over))
        return simp_map(s, OP_SUB, simp_logsumexp(s, p, over), q, NULL);
    if (a->op != OP_LOGSUMEXP)
        return NULL;
    AxisSet both = *over;
    for (int i = 0; i < a->n_over; i++)
        axes_add(&both, a->over[i]);
    return simp_logsumexp(s, p, &both);
}

Tir *simp_logsumexp(Simp *s, Tir *a, const AxisSet *over)
{
    Over o = split_over(s, a, over);
    Tir *v = reduced(s, OP_LOGSUMEXP, logsumexp_parts, a, &o.present);
    if (o.count != 1)
        v = simp_map(s, OP_ADD, v, simp_num(s, log(o.count)), NULL);
    return o.scale ? simp_map(s, OP_SUB, v, lg(s, o.scale), NULL) : v;
}

/* Sum of exp(..), or of products of positive factors with one. */
static bool is_sum_of_exp(Tir *v)
{
    Factors f = { .n = 0 };
    bool has_exp = false;
    if (v->op != OP_SUM || !collect(&f, v->in[0]) || f.negative)
        return false;
    for (int i = 0; i < f.n; i++) {
        has_exp |= f.v[i]->op == OP_EXP;
        if (!simp_positive(f.v[i]))
            return false;
    }
    return has_exp;
}

/* Does v only place the elements of its operand? A sum over one element is that element. */
static bool is_placing(const Tir *v)
{
    bool one = v->op == OP_SUM;
    for (int i = 0; i < v->n_over; i++)
        one = one && v->over[i]->size == 1;
    return one || v->op == OP_SLICE || v->op == OP_RENAME || v->op == OP_GATHER || v->op == OP_SPLIT
        || v->op == OP_FLATTEN;
}

/* Of elements of exp or logistic, which may be rounded to 0, the logarithm is finite; else NULL. */
static Tir *log_of_elements(Simp *s, Tir *v)
{
    if (v->op == OP_EXP || v->op == OP_LOGISTIC)
        return lg(s, v);
    Tir *inner = is_placing(v) ? log_of_elements(s, v->in[0]) : NULL;
    return inner ? tir_rebuild(s->f, v, (Tir *[]){ inner, v->in[1] }) : NULL;
}

Tir *simp_log(Simp *s, Tir *v)
{
    Tir *placed = log_of_elements(s, v);
    if (placed)
        return placed;
    if (v->op == OP_MUL || v->op == OP_DIV) {
        if (!is_sum_of_exp(v->in[0]) && !is_sum_of_exp(v->in[1]))
            return NULL;
        Op op = v->op == OP_MUL ? OP_ADD : OP_SUB;
        return simp_map(s, op, lg(s, v->in[0]), lg(s, v->in[1]), NULL);
    }
    if (!is_sum_of_exp(v))
        return NULL;
    Factors f = { .n = 0 };
    Tir *sum = simp_num(s, 0);
    collect(&f, v->in[0]);
    for (int i = 0; i < f.n; i++)
        sum = simp_map(s, OP_ADD, sum, lg(s, f.v[i]), NULL);
    AxisSet over = { .n = 0 };
    for (int i = 0; i < v->n_over; i++)
        axes_add(&over, v->over[i]);
    return simp_logsumexp(s, sum, &over);
}
