/* simplify_choice.c - a function of a choice is computed in its branches, where these have fewer
 * axes than the choice.
 *
 *     log(select(t < a, x, select(t < b, y, z)))   over t, a, b
 *  -> select(t < a, log x, select(t < b, log y, log z)), three logarithms in place of |t| |a| |b|
 * Idea: a choice by the states of discrete latents has an axis of each, its branches have not. What
 * a branch gives where it is not chosen is dropped, and so is its slope, 0: before gradients exist
 * only functions go in whose derivative then is 0 too.
 *
 * requires:    simplified operands
 * establishes: an equal value, or NULL where that is not cheaper
 */
#include "simplify.h"

#define GAIN 2                         /* times as cheap, at least */
#define DEPTH 8                        /* of choices within choices */

/* May it go into the branches, though one that is never chosen is out of its domain? */
static bool may_go_in(Op op, bool final)
{
    switch (op) {
    case OP_NEG: case OP_ADD: case OP_SUB: case OP_MUL: case OP_EXP: case OP_EXPM1: case OP_LOG:
    case OP_LOG1P: case OP_LOGISTIC: case OP_SOFTPLUS: case OP_TANH: case OP_SIN: case OP_COS:
    case OP_ATAN: case OP_ERF: case OP_NORMAL_CDF: case OP_LOG_NORMAL_CDF: case OP_LGAMMA:
        return true;
    default:
        return final && op_cost(op) >= 10;
    }
}

/* The operand that is a choice, the one of most axes; or NULL. */
static const Tir *choice_of(const Tir *v)
{
    const Tir *choice = NULL;
    for (int k = 0; k < v->n_in; k++)
        if (v->in[k]->op == OP_SELECT && (!choice || v->in[k]->n_axes > choice->n_axes))
            choice = v->in[k];
    return choice;
}

/* v in a branch (1 or 2) of the choice: its operands, without axes. */
static Tir in_branch(const Tir *v, const Tir *choice, int branch)
{
    Tir w = { .op = v->op, .n_in = v->n_in };
    for (int k = 0; k < v->n_in; k++) {
        Tir *x = v->in[k];
        bool same = x->op == OP_SELECT && x->in[0] == choice->in[0];
        w.in[k] = same ? x->in[branch] : x;
    }
    return w;
}

/* How often v is computed, if it goes into choices as deep as it pays. */
static double times_within(const Tir *v, int depth)
{
    Tir all = { .n_axes = 0 };
    for (int k = 0; k < v->n_in; k++)
        for (int i = 0; i < v->in[k]->n_axes; i++)
            if (!tir_has_axis(&all, v->in[k]->axes[i]))
                all.axes[all.n_axes++] = v->in[k]->axes[i];
    double times = axes_cost(&all), within = 0;
    const Tir *choice = depth > 0 ? choice_of(v) : NULL;
    for (int b = 1; b < 3 && choice; b++) {
        Tir w = in_branch(v, choice, b);
        within += times_within(&w, depth - 1);
    }
    return choice && within < times ? within : times;
}

/* An addition saves no choice: it goes in only where the choice has its axes already. */
static bool is_worth(const Tir *v, const Tir *choice)
{
    bool slow = op_cost(v->op) >= 10;
    return (slow || v->n_axes <= choice->n_axes) && GAIN * times_within(v, DEPTH) <= axes_cost(v);
}

Tir *simp_choice(Simp *s, const Tir *v)
{
    const Tir *choice = choice_of(v);
    if (!choice || !may_go_in(v->op, s->final) || !is_worth(v, choice))
        return NULL;
    Tir *branch[3];
    for (int b = 1; b < 3; b++) {
        Tir w = in_branch(v, choice, b);
        branch[b] = simp_map(s, w.op, w.in[0], w.in[1], w.in[2]);
    }
    return simp_map(s, OP_SELECT, choice->in[0], branch[1], branch[2]);
}
