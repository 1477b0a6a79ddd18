/* simulate.c - what only simulations and reports need: inverse distribution functions,
 * orders, draws put in their place, summaries of discrete latents.
 *
 *     quantile(d, u, a, b)   the x between a and b with F(x) = F(a) + u (F(b) - F(a))
 *     sorted(x)              the elements of a vector in increasing order
 *     centred(x)             a vector less the mean of its elements
 *     placed(x, x[i, 2], e)  x with e, a value in plate i, at its elements [i, 2]
 *     random_multinomial(n, p)   binomial draws one after the other, each of what is left
 *     marginal(z[i])         from the table that the query is given: see derive/report.c
 */
#include "lower.h"

#include <math.h>
#include <string.h>

/* ---- quantiles ------------------------------------------------------------------------------- */

enum { HALVINGS = 64 };

typedef struct Quantile {
    Lower *L;
    Val *law;
    Val *lower, *upper;                /* NULL: infinite */
    bool counts;
} Quantile;

/* A point of the support for each s in (0, 1), increasing. */
static Val *point(const Quantile *q, Val *s)
{
    Lower *L = q->L;
    Val *rest = val_op2(L, OP_SUB, val_const(L, 1), s), *x;
    if (q->lower && q->upper)
        x = val_op2(L, OP_ADD, q->lower,
                    val_op2(L, OP_MUL, val_op2(L, OP_SUB, q->upper, q->lower), s));
    else if (q->lower)
        x = val_op2(L, OP_ADD, q->lower, val_op2(L, OP_DIV, s, rest));
    else if (q->upper)
        x = val_op2(L, OP_SUB, q->upper, val_op2(L, OP_DIV, rest, s));
    else
        x = val_op2(L, OP_DIV, val_op2(L, OP_SUB, s, val_const(L, 0.5)),
                    val_op2(L, OP_MUL, s, rest));
    return q->counts ? val_op1(L, OP_FLOOR, x) : x;
}

/* The least point with F >= p, by halving (0, 1): a SCAN of the two ends. */
static Val *bisect(const Quantile *q, Val *p)
{
    Lower *L = q->L;
    Axis *steps = tir_axis(L->f, AXIS_PLATE, str(L->c, "halving"), HALVINGS);
    ScanState s[2] = { { 0 } }, *states = NULL;
    Val *low = scan_past(L, &s[0], "low", steps, p->t->axes, p->t->n_axes, p->axes, p->n_axes);
    Val *high = scan_past(L, &s[1], "high", steps, p->t->axes, p->t->n_axes, p->axes, p->n_axes);
    Val *at = val_tensor(L, tir_iota(L->f, steps), NULL, 0);
    high = val_select(L, val_op2(L, OP_LT, at, val_const(L, 1)), val_const(L, 1), high);
    Val *middle = val_op2(L, OP_MUL, val_const(L, 0.5), val_op2(L, OP_ADD, low, high));
    Val *above = val_op2(L, OP_GE, dist_cdf(L, q->law, point(q, middle)), p);
    scan_next(L, &s[0], val_select(L, above, low, middle));
    scan_next(L, &s[1], val_select(L, above, middle, high));
    vec_push(L->c, states, s[0]);
    vec_push(L->c, states, s[1]);
    Tir *values[2];
    if (scan_lift(L->f, str(L->c, "quantile"), steps, false, states, NULL, values))
        ice_span(L->at, "a quantile is no sequence");
    Tir *found = element_of(L, values[1], steps, HALVINGS - 1);
    return point(q, val_tensor(L, found, p->axes, p->n_axes));
}

static Val *bound_value(Lower *L, Env *env, const Ast *bound, double end)
{
    if (bound->kind == AST_NUM && isinf(bound->num))
        return isinf(end) ? NULL : val_const(L, end);
    return eval(L, env, bound);
}

Val *eval_quantile(Lower *L, Env *env, const Ast *call)
{
    const Ast *law = call->kids[0]->kids[ARG_VALUE];
    const Ast *lower = call->kids[2]->kids[ARG_VALUE], *upper = call->kids[3]->kids[ARG_VALUE];
    const Type *event = law->type ? law->type->of : NULL;
    Quantile q = { .L = L, .law = eval(L, env, law), .counts = event && event->elem != ELEM_REAL };
    Val *u = eval(L, env, call->kids[1]->kids[ARG_VALUE]);
    q.lower = bound_value(L, env, lower, event ? event->range.lo : -INFINITY);
    q.upper = bound_value(L, env, upper, event ? event->range.hi : INFINITY);
    Val *p = u;
    if (lower->kind != AST_NUM || upper->kind != AST_NUM || isfinite(lower->num)
        || isfinite(upper->num)) {
        Val *from = q.counts && q.lower ? val_before(L, q.lower) : q.lower;
        Val *low = from ? dist_cdf(L, q.law, from) : val_const(L, 0);
        Val *high = q.upper ? dist_cdf(L, q.law, q.upper) : val_const(L, 1);
        p = val_op2(L, OP_ADD, low, val_op2(L, OP_MUL, u, val_op2(L, OP_SUB, high, low)));
    }
    p = val_rename(L, p, u->axes + (u->n_axes - p->n_axes));
    Val *whole = dist_cdf(L, q.law, u);                /* has the axes of the law's arguments too */
    Tir *t = tir_expand(L->f, p->t, whole->t->axes, whole->t->n_axes);
    return bisect(&q, val_tensor(L, t, u->axes, u->n_axes));
}

/* ---- order ----------------------------------------------------------------------------------- */

/* out[k] = the element that k others are less than (of equal ones, those before it). */
Val *eval_sorted(Lower *L, Env *env, const Ast *call)
{
    Val *x = eval(L, env, call->kids[0]->kids[ARG_VALUE]);
    Axis *axis = x->axes[x->n_axes - 1], *to[2];
    for (int i = 0; i < 2; i++)
        to[i] = axis_keyed(L, str_fmt(L->c, "sorted %d %d", i, axis->id), AXIS_EVENT, axis->name,
                           axis->size);
    Val *mine = val_tensor(L, x->t, NULL, 0);
    Val *other = val_tensor(L, tir_rename(L->f, x->t, &axis, &to[0], 1), NULL, 0);
    Val *at = val_tensor(L, tir_iota(L->f, axis), NULL, 0);
    Val *other_at = val_tensor(L, tir_iota(L->f, to[0]), NULL, 0);
    Val *tie = val_op2(L, OP_AND, val_op2(L, OP_EQ, other, mine), val_op2(L, OP_LT, other_at, at));
    Val *before = val_op2(L, OP_OR, val_op2(L, OP_LT, other, mine), tie);
    Val *rank = val_tensor(L, tir_reduce(L->f, OP_SUM, before->t, &to[0], 1), NULL, 0);
    Val *here = val_op2(L, OP_EQ, rank, val_tensor(L, tir_iota(L->f, to[1]), NULL, 0));
    Val *kept = val_select(L, here, mine, val_const(L, 0));
    Tir *t = tir_reduce(L->f, OP_SUM, kept->t, &axis, 1);
    Axis *axes[LIMIT_RANK];
    memcpy(axes, x->axes, sizeof axes);
    axes[x->n_axes - 1] = to[1];
    return val_tensor(L, t, axes, x->n_axes);
}

/* A vector less the mean of its elements. */
Val *eval_centred(Lower *L, Env *env, const Ast *call)
{
    Val *x = eval(L, env, call->kids[0]->kids[ARG_VALUE]);
    Axis *axis = x->axes[x->n_axes - 1];
    Tir *sum = tir_reduce(L->f, OP_SUM, tir_expand(L->f, x->t, &axis, 1), &axis, 1);
    Tir *mean = tir_map(L->f, OP_DIV, sum, tir_const(L->f, (double)axis->size), NULL);
    return val_tensor(L, tir_map(L->f, OP_SUB, x->t, mean, NULL), x->axes, x->n_axes);
}

/* ---- counts ---------------------------------------------------------------------------------- */

/* Of what is left for each outcome and those after it, its share: p[k] / sum_{j >= k} p[j]. */
static Tir *shares(Lower *L, Tir *p, Axis *outcomes)
{
    TirFn *f = L->f;
    Tir *rest = tir_cumsum(f, tir_expand(f, p, &outcomes, 1), outcomes, true);
    Tir *zero = tir_const(f, 0), *one = tir_const(f, 1);
    Tir *some = tir_map(f, OP_GT, rest, zero, NULL);
    Tir *share = tir_map(f, OP_DIV, p, tir_map(f, OP_SELECT, some, rest, one), NULL);
    return tir_map(f, OP_MIN, share, one, NULL);
}

/* A SCAN along the outcomes of two states: what is left of n, and the count. */
Val *eval_multinomial(Lower *L, Env *env, const Ast *call)
{
    TirFn *f = L->f;
    Val *n = eval(L, env, call->kids[0]->kids[ARG_VALUE]);
    Val *p = eval(L, env, call->kids[1]->kids[ARG_VALUE]);
    Val *u = eval_random(L, env, OP_RANDOM_UNIFORM, call);
    Axis *outcomes = u->axes[u->n_axes - 1], *outer[LIMIT_RANK];
    Axis *steps = tir_axis(f, AXIS_PLATE, str(L->c, "outcome"), outcomes->size);
    Tir *share = shares(L, val_rename(L, p, &outcomes)->t, outcomes);
    Tir *noise = tir_expand(f, tir_expand(f, u->t, share->axes, share->n_axes), n->t->axes,
                            n->t->n_axes);
    int n_outer = 0;
    for (int i = 0; i < noise->n_axes; i++)
        if (noise->axes[i] != outcomes)
            outer[n_outer++] = noise->axes[i];
    noise = tir_rename(f, noise, &outcomes, &steps, 1);
    share = tir_rename(f, share, &outcomes, &steps, 1);
    ScanState s[2] = { { 0 } }, *states = NULL;
    Tir *left = scan_past(L, &s[0], "left", steps, outer, n_outer, NULL, 0)->t;
    scan_past(L, &s[1], "drawn", steps, outer, n_outer, NULL, 0);
    Tir *first = tir_map(f, OP_LT, tir_iota(f, steps), tir_const(f, 1), NULL);
    left = tir_map(f, OP_SELECT, first, n->t, left);
    Tir *drawn = tir_map(f, OP_BINOMIAL_QUANTILE, noise, left, share);
    scan_next(L, &s[0], val_tensor(L, tir_map(f, OP_SUB, left, drawn, NULL), NULL, 0));
    scan_next(L, &s[1], val_tensor(L, drawn, NULL, 0));
    vec_push(L->c, states, s[0]);
    vec_push(L->c, states, s[1]);
    Tir *values[2];
    if (scan_lift(f, str(L->c, "multinomial"), steps, false, states, NULL, values))
        ice_span(L->at, "a multinomial draw is no sequence");
    return val_tensor(L, tir_rename(f, values[1], &steps, &outcomes, 1), &outcomes, 1);
}

/* ---- places ---------------------------------------------------------------------------------- */

/* t with axis `from` as positions `at`, at + 1, .. of axis `to`; zeros elsewhere. */
static Tir *along(Lower *L, Tir *t, Axis *from, Axis *to, int64_t at)
{
    t = tir_expand(L->f, t, &from, 1);
    if (from->size == to->size && at == 0)
        return tir_rename(L->f, t, &from, &to, 1);
    return tir_pad(L->f, t, from, to, at);
}

Val *eval_placed(Lower *L, Env *env, const Ast *call)
{
    const Ast *lhs = call->kids[1]->kids[ARG_VALUE];
    Val *x = eval(L, env, call->kids[0]->kids[ARG_VALUE]);
    const Var *v = model_var(L->d->model, lhs->kids[INDEX_BASE]->decl);
    const Var *e = model_var(L->d->model, call->kids[2]->kids[ARG_VALUE]->decl);
    const Val *value = map_get(L->values, e);
    Tir *t = val_rename(L, value, x->axes + (x->n_axes - value->n_axes))->t;
    Tir *here = tir_const(L->f, 1);
    size_t skip = v->plate ? 2 : 1;                    /* the index of the rows is implicit */
    for (size_t i = skip; i < vec_len(lhs->kids); i++) {
        const Ast *index = lhs->kids[i];
        Axis *to = x->axes[i - skip], *from;
        Plate *plate = model_plate(L->d->model, index->decl);
        int64_t at;
        if (plate) {
            from = lower_plate_axis(L, plate);
            at = plate->low ? eval_size(L, NULL, plate->low) : 0;
        } else {
            from = axis_keyed(L, str_fmt(L->c, "one of %d", to->id), AXIS_EVENT, to->name, 1);
            at = eval_size(L, NULL, index);
        }
        t = along(L, t, from, to, at);
        here = along(L, here, from, to, at);
    }
    Val *mask = val_tensor(L, here, x->axes, x->n_axes);
    return val_select(L, mask, val_tensor(L, t, x->axes, x->n_axes), x);
}

/* ---- summaries ------------------------------------------------------------------------------- */

/* The argument with the table in place of the latent: a number for each state on its last axis. */
Val *eval_summary(Lower *L, Env *env, const Ast *call)
{
    Ast *arg = call->kids[0]->kids[ARG_VALUE];
    Var *v = model_var(L->d->model, index_base(arg)->decl);
    bool mode = !strcmp(call->name, "mode");
    const Table *table = derivation_table(L->d, v);
    Val *had = map_get(L->values, v);
    map_put(L->values, v, map_get(L->values, mode ? table->mode : table->marginal));
    Val *x = eval(L, env, arg);
    map_put(L->values, v, had);
    Axis *states = x->axes[x->n_axes - 1];
    Tir *t = tir_expand(L->f, x->t, &states, 1);
    if (!mode && v->type->elem != ELEM_BIT)
        return x;
    if (mode)
        t = reduce_over(L, "argmax", t, NULL, &states, 1);
    else
        t = element_of(L, t, states, 1);               /* of a bit: that of 1 */
    return val_tensor(L, t, x->axes, x->n_axes - 1);
}
