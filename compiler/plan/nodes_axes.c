/* nodes_axes.c - axes that renames connect become one.
 *
 * Idea: no data moves if the operand of a rename and its result are walked by the same loop. Two
 * axes are one wherever no value and no loop nest walks both, so that elementwise chains fuse
 * across a rename.
 * establishes: plan_axis of every axis of the fn
 */
#include "nodes.h"

Axis *plan_axis(const Plan *p, Axis *a)
{
    while (p->axis_rep[a->id] != a)
        a = p->axis_rep[a->id];
    return a;
}

static bool set_has_both(const Plan *p, const AxisSet *s, const Axis *a, const Axis *b)
{
    bool has_a = false, has_b = false;
    for (int i = 0; i < s->n; i++) {
        const Axis *x = plan_axis(p, s->axis[i]);
        has_a |= x == a;
        has_b |= x == b;
    }
    return has_a && has_b;
}

AxisSet axes_without(const AxisSet *s, const AxisSet *less)
{
    AxisSet r = {0};
    for (int i = 0; i < s->n; i++)
        if (!axes_has(less, s->axis[i]))
            axes_add(&r, s->axis[i]);
    return r;
}

/* A system is solved along one axis of its right side, which may have no other axis of the matrix;
 * nor may it be one of the batch axes of the matrix. */
static bool solve_tells_apart(const Plan *p, const Tir *v, const Axis *a, const Axis *b)
{
    AxisSet matrix = axes_of(v->in[0]), right = axes_of(v->in[1]);
    AxisSet solved = {.n = 1, .axis = {v->to[0]}}, square = {.n = 2, .axis = {v->over[0],
                                                                              v->over[1]}};
    AxisSet others = axes_without(&right, &solved), batch = axes_without(&matrix, &square);
    for (int i = 0; i < matrix.n; i++)
        axes_add(&others, matrix.axis[i]);
    axes_add(&batch, v->to[0]);
    return set_has_both(p, &others, a, b) || set_has_both(p, &batch, a, b);
}

/* Would some value, or some loop nest, walk both axes? */
static bool conflict(const Plan *p, Tir *const *order, const Axis *a, const Axis *b)
{
    for (size_t i = 0; i < vec_len(order); i++) {
        const Tir *v = order[i];
        AxisSet own = axes_of(v), all = {0};
        bool joint = op_info[v->op].kind == OP_KIND_MAP || v->op == OP_CONTRACT;
        for (int k = 0; k < v->n_in; k++) {
            AxisSet in = axes_of(v->in[k]);
            if (set_has_both(p, &in, a, b))
                return true;
            for (int j = 0; joint && j < in.n; j++)
                axes_add(&all, in.axis[j]);
        }
        if (set_has_both(p, &own, a, b) || set_has_both(p, &all, a, b)
            || (v->op == OP_TRISOLVE && solve_tells_apart(p, v, a, b)))
            return true;
    }
    return false;
}

void plan_unify_axes(Plan *p, Tir *const *order)
{
    int n = 0;
    for (size_t i = 0; i < vec_len(p->fn->axes); i++)
        if (p->fn->axes[i]->id >= n)
            n = p->fn->axes[i]->id + 1;
    p->axis_rep = arena_alloc(p->c->arena, sizeof *p->axis_rep * (size_t)(n + 1));
    for (size_t i = 0; i < vec_len(p->fn->axes); i++)
        p->axis_rep[p->fn->axes[i]->id] = p->fn->axes[i];
    for (size_t i = 0; i < vec_len(order); i++) {
        const Tir *v = order[i];
        for (int k = 0; v->op == OP_RENAME && k < v->n_over; k++) {
            Axis *a = plan_axis(p, v->over[k]), *b = plan_axis(p, v->to[k]);
            if (a == b || a->size != b->size || (a->size == 0 && a->kind != b->kind))
                continue;
            if (conflict(p, order, a, b))
                continue;
            bool keep_a = a->kind < b->kind || (a->kind == b->kind && a->id < b->id);
            p->axis_rep[keep_a ? b->id : a->id] = keep_a ? a : b;
        }
    }
}

AxisSet plan_axes(const Plan *p, Axis *const *axes, int n)
{
    AxisSet s = {0};
    for (int i = 0; i < n; i++)
        axes_add(&s, plan_axis(p, axes[i]));
    return s;
}

/* Values with rows and draws have no third axis, and nobody else knows their layout: inputs,
 * outputs and random fills are made in the order of rows. */
static bool draws_fit_outside(const Plan *p, const Tir *v)
{
    AxisSet s = plan_axes(p, v->axes, v->n_axes);
    if (!axes_has(&s, p->row) || !axes_has(&s, p->sample))
        return true;
    switch (v->op) {
    case OP_SUM: case OP_MAXIMUM: case OP_LOGSUMEXP: case OP_CONTRACT: case OP_GATHER:
    case OP_EXPAND: case OP_RENAME:
        return s.n == 2;
    default:
        return s.n == 2 && op_info[v->op].kind == OP_KIND_MAP;
    }
}

/* A loop over a few draws inside one over many rows leaves the vector unit idle. */
bool plan_draws_outside(const Plan *p, Tir *const *order)
{
    bool fit = p->row && p->sample;
    for (size_t i = 0; fit && i < vec_len(order); i++)
        fit = draws_fit_outside(p, order[i]);
    for (size_t i = 0; fit && i < vec_len(p->fn->outs); i++) {
        const Tir *v = p->fn->outs[i].value;
        AxisSet s = plan_axes(p, v->axes, v->n_axes);
        fit = !axes_has(&s, p->row) || !axes_has(&s, p->sample);
    }
    return fit;
}

AxisSet rows_first(const Plan *p, const AxisSet *s)
{
    AxisSet r = {0};
    if (p->draws_outside && axes_has(s, p->row) && axes_has(s, p->sample))
        axes_add(&r, p->sample);
    if (p->row && axes_has(s, p->row))
        axes_add(&r, p->row);
    for (int i = 0; i < s->n; i++)
        axes_add(&r, s->axis[i]);
    return r;
}
