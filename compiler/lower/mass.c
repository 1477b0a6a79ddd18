/* mass.c - distribution functions, and how much of a law lies between two bounds.
 *
 *     cdf(d, x)              P(X <= x)
 *     log_mass(d, x, a, b)   log P(a <= X <= b) for each element of x, summed
 *     inside(d, x, a, b)     does every element of x lie in the support and between the bounds?
 * Idea: in a tail 1 - cdf is 0 long before its logarithm is far away. A distribution that states
 * `log_cdf` or `log_survival` is asked for them, on the side of the median on which the bounds lie.
 * Beyond its support, and at an open end, a law is not asked: there its formulas may be without a
 * value, or their gradient.
 */
#include "lower.h"

#include <math.h>
#include <string.h>

static bool law_is_counted(const Ast *law)
{
    return support_is_counted(law_base(law)->kids[DIST_SUPPORT]->name);
}

/* The largest whole number below x. */
Val *val_before(Lower *L, Val *x)
{
    Val *up = val_op1(L, OP_NEG, val_op1(L, OP_FLOOR, val_op1(L, OP_NEG, x)));
    return val_op2(L, OP_SUB, up, val_const(L, 1));
}

/* A bound over the batch axes, or NULL for an infinite one. A lower bound of a law of whole numbers
 * is itself within: what lies below begins one before. */
static Val *bound_at(Lower *L, const Val *d, Env *env, const Ast *bound, bool lower,
                     Axis *const *batch, int n_batch)
{
    double end;
    if (eval_number(L, env, bound, &end) && isinf(end))
        return NULL;
    Val *at = hide_batch(L, eval(L, env, bound), 0, batch, n_batch);
    if (!law_is_counted(d->law))
        return at;
    return lower ? val_before(L, at) : val_op1(L, OP_FLOOR, at);
}

static bool states(const Val *d, const char *member)
{
    return law_member(d->law, AST_FUNCTION, member, NULL) != NULL;
}

/* Where a number lies beside the ends of a support (NULL: there is no such end), and a number that
 * is within, itself if it is. A lower end that is of the support may have a mass of its own. */
typedef struct Place { Val *below, *above, *within; } Place;

/* An end of the support of a law of real numbers; NULL: infinite. */
static Val *end_of(Lower *L, Val *d, int side)
{
    const Ast *support = law_base(d->law)->kids[DIST_SUPPORT];
    double end = side;
    if (!strcmp(support->name, "interval")) {
        Val *base = dist_as(L, d, law_base(d->law));
        const Ast *bound = support->kids[TYPE_ARGS]->kids[side];
        if (eval_number(L, base->args, bound, &end) && isinf(end))
            return NULL;
        return eval(L, base->args, bound);
    }
    bool known = !strcmp(support->name, "unit") || (side == 0 && (!strcmp(support->name, "positive")
                 || !strcmp(support->name, "nonnegative")));
    return known ? val_const(L, end) : NULL;
}

static bool has_its_end(const Ast *law)
{
    const char *support = law_base(law)->kids[DIST_SUPPORT]->name;
    return !strcmp(support, "interval") || !strcmp(support, "nonnegative");
}

static Place place_of(Lower *L, Val *d, Val *at)
{
    Val *low = end_of(L, d, 0), *high = end_of(L, d, 1), *other = NULL;
    Place p = { .within = at };
    if (low) {
        p.below = val_op2(L, has_its_end(d->law) ? OP_LT : OP_LE, at, low);
        other = val_op2(L, OP_ADD, low, val_const(L, 1));
    }
    if (high) {
        p.above = val_op2(L, OP_GE, at, high);
        other = low ? val_op2(L, OP_MUL, val_const(L, 0.5), val_op2(L, OP_ADD, low, high))
                    : val_op2(L, OP_SUB, high, val_const(L, 1));
    }
    if (low)
        p.within = val_select(L, p.below, other, p.within);
    if (high)
        p.within = val_select(L, p.above, other, p.within);
    return p;
}

/* v, or at the ends and beyond what holds there. */
static Val *at_ends(Lower *L, Place p, Val *v, double below, double above)
{
    if (p.below)
        v = val_select(L, p.below, val_const(L, below), v);
    return p.above ? val_select(L, p.above, val_const(L, above), v) : v;
}

static Val *cdf_at(Lower *L, Val *d, Val *at)
{
    bool counted = law_is_counted(d->law);
    Place p = counted ? (Place){ .within = at } : place_of(L, d, at);
    Val *v = dist_member(L, d, "cdf", p.within);
    if (!v)
        ice_span(L->at, "law without cdf");
    if (!counted)
        return at_ends(L, p, v, 0, 1);
    if (!strcmp(law_base(d->law)->kids[DIST_SUPPORT]->name, "integer"))
        return v;
    Val *zero = val_const(L, 0), *inside = val_op2(L, OP_GE, at, zero);
    Val *safe = dist_member(L, d, "cdf", val_op2(L, OP_MAX, at, zero));
    return val_select(L, inside, safe, zero);
}

Val *dist_cdf(Lower *L, Val *dist, Val *x)
{
    Axis *batch[LIMIT_RANK];
    int n_batch;
    Val *d = dist_for(L, dist, x, 0, batch, &n_batch);
    if (!states(d, "cdf"))
        return dist_not_stated(L, dist->law, "cdf", "cdf(x) = ..");
    return show_batch(L, cdf_at(L, d, hide_batch(L, x, 0, batch, n_batch)), batch, n_batch);
}

/* log P(X <= at), or log P(X > at): by the distribution's own `log_cdf` and `log_survival`, which
 * hold in the tails, where 1 - cdf is 0. */
static Val *log_tail(Lower *L, Val *d, Val *at, bool above)
{
    Place p = law_is_counted(d->law) ? (Place){ .within = at } : place_of(L, d, at);
    Val *v = dist_member(L, d, above ? "log_survival" : "log_cdf", p.within);
    if (v)
        return at_ends(L, p, v, above ? 0 : -INFINITY, above ? -INFINITY : 0);
    Val *cdf = cdf_at(L, d, at);
    return above ? val_op1(L, OP_LOG1P, val_op1(L, OP_NEG, cdf)) : val_op1(L, OP_LOG, cdf);
}

/* log(exp(u) - exp(v)) */
static Val *log_difference(Lower *L, Val *u, Val *v)
{
    Val *rest = val_op1(L, OP_NEG, val_op1(L, OP_EXPM1, val_op2(L, OP_SUB, v, u)));
    return val_op2(L, OP_ADD, u, val_op1(L, OP_LOG, rest));
}

/* log P(low < X <= high), from the side of the median on which low lies. */
static Val *log_between(Lower *L, Val *d, Val *low, Val *high)
{
    bool below = states(d, "log_cdf"), above = states(d, "log_survival");
    if (!below && !above)
        return val_op1(L, OP_LOG, val_op2(L, OP_SUB, cdf_at(L, d, high), cdf_at(L, d, low)));
    Val *s_low = above ? log_tail(L, d, low, true) : NULL;
    Val *s_high = above ? log_tail(L, d, high, true) : NULL;
    if (!below)
        return log_difference(L, s_low, s_high);
    Val *f_low = log_tail(L, d, low, false), *f_high = log_tail(L, d, high, false);
    if (!above)
        return log_difference(L, f_high, f_low);
    Val *upper = val_op2(L, OP_GT, f_low, val_const(L, -M_LN2));
    return log_difference(L, val_select(L, upper, s_low, f_high),
                          val_select(L, upper, s_high, f_low));
}

/* log P(lower <= X <= upper) for each element of x, summed: log_mass(law, x, lower, upper). */
Val *dist_log_mass(Lower *L, Env *env, Val *dist, const Ast *call)
{
    Axis *batch[LIMIT_RANK];
    Val *x = eval(L, env, call->kids[1]->kids[ARG_VALUE]);
    int n_batch;
    Val *d = dist_for(L, dist, x, 0, batch, &n_batch);
    Val *low = bound_at(L, d, env, call->kids[2]->kids[ARG_VALUE], true, batch, n_batch);
    Val *high = bound_at(L, d, env, call->kids[3]->kids[ARG_VALUE], false, batch, n_batch);
    Val *v = low && high ? log_between(L, d, low, high)
           : low || high ? log_tail(L, d, low ? low : high, low != NULL) : val_const(L, 0);
    return val_sum_all(L, show_batch(L, v, batch, n_batch));
}

/* Does every element of x lie in the law's interval and between the bounds?
 * inside(law, x, lower, upper) */
Val *dist_inside(Lower *L, Env *env, Val *dist, const Ast *call)
{
    Axis *batch[LIMIT_RANK];
    Val *whole = eval(L, env, call->kids[1]->kids[ARG_VALUE]);
    int n_batch;
    Val *d = dist_for(L, dist, whole, 0, batch, &n_batch);
    Val *x = hide_batch(L, whole, 0, batch, n_batch);
    d = dist_as(L, d, law_base(d->law));
    const Ast *support = d->law->kids[DIST_SUPPORT], *own = support->kids[TYPE_ARGS];
    Val *outside = val_const(L, 0);
    for (int side = 0; side < 2; side++) {
        Op op = side ? OP_GT : OP_LT;
        const Ast *given = call->kids[2 + side]->kids[ARG_VALUE];
        double end;
        if (!strcmp(support->name, "interval"))
            outside = val_op2(L, OP_OR, outside, val_op2(L, op, x, eval(L, d->args,
                                                                        own->kids[side])));
        if (eval_number(L, env, given, &end) && isinf(end))
            continue;
        Val *bound = hide_batch(L, eval(L, env, given), 0, batch, n_batch);
        outside = val_op2(L, OP_OR, outside, val_op2(L, op, x, bound));
    }
    Val *many = val_sum_all(L, show_batch(L, outside, batch, n_batch));
    return val_op2(L, OP_EQ, many, val_const(L, 0));
}
