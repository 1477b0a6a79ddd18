/* draws.c - functions of all draws of a step: means, bounds and shares over them, and slopes
 * by them alone.
 *
 *     others(e)             mean over the other draws            (sum e - e) / (S - 1)
 *     bound(f, a)           1/(1-a) log 1/S sum_s exp (1-a) f
 *     bound_without(f, a)   the same for each draw, with the mean of f over the others in its place
 *     shares(f, a)          exp((1-a) f) / sum_s exp((1-a) f)
 *     sum_draws(e)          sum over s
 *     shaped(v)             vector v over the axes of the call's type
 *     through_draws(e)      e with stop_gradient at what it reads beside the draws
 *     past_draws(e)         e with stop_gradient at the draws
 */
#include "lower.h"

#include <math.h>
#include <string.h>

#include "../tensor/tir_build.h"

static Tir *map1(Lower *L, Op op, Tir *a) { return tir_map(L->f, op, a, NULL, NULL); }

static Tir *map2(Lower *L, Op op, Tir *a, Tir *b) { return tir_map(L->f, op, a, b, NULL); }

static Tir *inv_samples(Lower *L)
{
    return tir_input(L->f, INPUT_SCALAR, str(L->c, "inv_samples"), NULL, 0);
}

static const Ast *argument(const Ast *call, size_t i)
{
    return call->kids[i]->kids[ARG_VALUE];
}

static Tir *over_draws(Lower *L, Op op, Tir *t)
{
    return tir_reduce(L->f, op, t, &L->samples, 1);
}

/* max(S - 1, 1) */
static Tir *rest_count(Lower *L)
{
    Tir *one = tir_const(L->f, 1);
    return map2(L, OP_MAX, map2(L, OP_SUB, map2(L, OP_DIV, one, inv_samples(L)), one), one);
}

/* The mean over the other draws; 0 where there is one draw only. */
static Tir *mean_of_others(Lower *L, Tir *t)
{
    return map2(L, OP_DIV, map2(L, OP_SUB, over_draws(L, OP_SUM, t), t), rest_count(L));
}

Val *eval_others(Lower *L, Env *env, const Ast *call)
{
    Val *v = eval(L, env, argument(call, 0));
    if (!L->samples || !tir_has_axis(v->t, L->samples))
        return val_const(L, 0);
    return val_tensor(L, mean_of_others(L, v->t), v->axes, v->n_axes);
}

/* One axis after the other is split off the front: [12] -> [2, 6] -> [2, 3, 2]. */
Val *eval_shaped(Lower *L, Env *env, const Ast *call)
{
    Val *v = eval(L, env, argument(call, 0));
    Axis *axes[LIMIT_RANK], *rest = v->axes[0];
    Tir *t = tir_expand(L->f, v->t, &rest, 1);
    const Type *type = call->type;
    int n_array = (int)vec_len(type->array), n = n_array + (int)vec_len(type->event);
    for (int i = 0; i < n - 1; i++) {
        int64_t size = 1;
        Str missing;
        size_value(L->c, i < n_array ? type->array[i] : type->event[i - n_array], &size, &missing);
        Axis *to[2];
        for (int k = 0; k < 2; k++)
            to[k] = axis_keyed(L, str_fmt(L->c, "shaped %d %lld %d", rest->id, (long long)size, k),
                               AXIS_EVENT, str_fmt(L->c, "i%d", i + k),
                               k ? rest->size / size : size);
        t = tir_split(L->f, t, rest, to);
        axes[i] = to[0];
        rest = to[1];
    }
    axes[n - 1] = rest;
    return val_tensor(L, t, axes, n);
}

/* ---- weights --------------------------------------------------------------------------------- */

/* The log of exp a + exp b. */
static Tir *log_add(Lower *L, Tir *a, Tir *b)
{
    Tir *apart = map1(L, OP_NEG, map1(L, OP_ABS, map2(L, OP_SUB, a, b)));
    return map2(L, OP_ADD, map2(L, OP_MAX, a, b), map1(L, OP_LOG1P, map1(L, OP_EXP, apart)));
}

/* Is the draw the one of the largest weight (of several the first)? */
static Tir *is_largest(Lower *L, Tir *t)
{
    Tir *back = map1(L, OP_NEG, tir_expand(L->f, tir_iota(L->f, L->samples), &L->samples, 1));
    Tir *here = map2(L, OP_EQ, t, over_draws(L, OP_MAXIMUM, t));
    Tir *places = tir_map(L->f, OP_SELECT, here, back, tir_const(L->f, -INFINITY));
    return map2(L, OP_EQ, back, over_draws(L, OP_MAXIMUM, places));
}

/* log sum of exp t over the other draws. The sum less this one loses all digits where this one is
 * nearly all of it, so for the largest the others are summed by themselves. */
static Tir *log_sum_of_others(Lower *L, Tir *t)
{
    Tir *all = over_draws(L, OP_LOGSUMEXP, t), *largest = is_largest(L, t);
    Tir *share = map2(L, OP_MIN, map1(L, OP_EXP, map2(L, OP_SUB, t, all)), tir_const(L->f, 0.5));
    Tir *less = map2(L, OP_ADD, all, map1(L, OP_LOG1P, map1(L, OP_NEG, share)));
    Tir *rest = tir_map(L->f, OP_SELECT, largest, tir_const(L->f, -INFINITY), t);
    return tir_map(L->f, OP_SELECT, largest, over_draws(L, OP_LOGSUMEXP, rest), less);
}

/* bound, bound_without and shares of (f, a). */
Val *eval_weights(Lower *L, Env *env, const Ast *call)
{
    Tir *power = tir_const(L->f, 1 - argument(call, 1)->num);
    Tir *f = eval(L, env, argument(call, 0))->t;
    Tir *t = tir_expand(L->f, map2(L, OP_MUL, power, f), &L->samples, 1);
    Tir *sum;
    if (!strcmp(call->name, "shares"))
        return val_tensor(L, map1(L, OP_EXP, map2(L, OP_SUB, t, over_draws(L, OP_LOGSUMEXP, t))),
                          NULL, 0);
    if (!strcmp(call->name, "bound"))
        sum = over_draws(L, OP_LOGSUMEXP, t);
    else
        sum = log_add(L, log_sum_of_others(L, t), mean_of_others(L, t));
    sum = map2(L, OP_ADD, sum, map1(L, OP_LOG, inv_samples(L)));
    return val_tensor(L, map2(L, OP_DIV, sum, power), NULL, 0);
}

Val *eval_sum_draws(Lower *L, Env *env, const Ast *call)
{
    Val *v = eval(L, env, argument(call, 0));
    Tir *t = tir_expand(L->f, v->t, &L->samples, 1);
    return val_tensor(L, over_draws(L, OP_SUM, t), v->axes, v->n_axes);
}

/* ---- slopes ---------------------------------------------------------------------------------- */

typedef struct Hold {
    Lower *L;
    bool draws;                        /* they are held, not what is read beside them */
    Map *done;                         /* Tir -> Tir */
} Hold;

static bool is_draw(const Lower *L, const Tir *t)
{
    for (size_t i = 0; i < vec_len(L->draws); i++)
        if (L->draws[i] == t)
            return true;
    return false;
}

static Tir *hold(Hold *h, Tir *t)
{
    Tir *out = map_get(h->done, t);
    if (out)
        return out;
    bool draw = is_draw(h->L, t), param = t->op == OP_INPUT && t->input == INPUT_PARAM;
    Tir *in[3] = { 0 };
    bool changed = false;
    for (int k = 0; k < t->n_in && !draw; k++) {
        in[k] = hold(h, t->in[k]);
        changed |= in[k] != t->in[k];
    }
    if (draw ? h->draws : param && !h->draws)
        out = map1(h->L, OP_STOP_GRADIENT, t);
    else
        out = changed ? tir_label(tir_rebuild(h->L->f, t, in), t->label, t->span) : t;
    map_put(h->done, t, out);
    return out;
}

Val *eval_hold(Lower *L, Env *env, const Ast *call)
{
    Val *v = eval(L, env, argument(call, 0));
    Hold h = { L, !strcmp(call->name, "past_draws"), map_new(L->c) };
    return val_tensor(L, hold(&h, v->t), v->axes, v->n_axes);
}
