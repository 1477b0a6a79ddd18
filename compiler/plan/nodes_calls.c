/* nodes_calls.c - values that a call of the runtime or a loop of its own computes.
 *
 * Idea: a call wants its operands in memory in one layout: batch axes, then those that it works on.
 * An operand that does not lie so is copied; one that was flattened lies so if its two axes follow
 * each other.
 */
#include "nodes.h"

/* The operand of a FLATTEN that has these axes but for the last, its two in that one's place. */
static Node *unflattened(const Use *u, const AxisSet *axes)
{
    const Node *n = u->node;
    if (n->op != OP_FLATTEN || !use_same(u) || !flat_in_place(n))
        return NULL;
    const Use *in = &n->in[0];
    bool same = in->node->n_axes == axes->n + 1 && in->node->op != OP_CONST
             && axes->axis[axes->n - 1] == n->to[0];
    for (int i = 0; same && i < axes->n - 1; i++)
        same = in->node->axes[i] == axes->axis[i] && in->index[i] == axes->axis[i]
            && !in->shift[i];
    return same && !in->shift[axes->n - 1] && !in->index[axes->n] ? in->node : NULL;
}

/* The operand itself if it has this layout in memory, else a copy that has. */
static Use laid_out(Plan *p, Use u, const AxisSet *axes, const Tir *v)
{
    bool same = u.node->n_axes == axes->n && use_same(&u) && u.node->op != OP_CONST;
    for (int i = 0; same && i < axes->n; i++)
        same = u.node->axes[i] == axes->axis[i];
    Node *flat = same ? unflattened(&u, axes) : NULL;
    if (flat)
        u = use_whole(flat);
    else if (!same)
        u = use_whole(node_copy(p, u, axes->axis, axes->n, v));
    u.node->store = true;
    return u;
}

/* Batch axes, then rows and columns. */
static AxisSet matrix_axes(const Plan *p, const Tir *a, Axis *rows, Axis *columns)
{
    AxisSet last = {.n = 2, .axis = {plan_axis(p, rows), plan_axis(p, columns)}};
    AxisSet all = plan_axes(p, a->axes, a->n_axes), s = axes_without(&all, &last);
    axes_add(&s, last.axis[0]);
    axes_add(&s, last.axis[1]);
    return rows_first(p, &s);
}

Node *node_matrix(Plan *p, const Tir *v, Use a)
{
    AxisSet axes = matrix_axes(p, v, v->over[0], v->over[1]);
    Node *n = node_new(p, v->op, NODE_CALL, axes.axis, axes.n, v);
    node_add_in(n, laid_out(p, a, &axes, v));
    return n;
}

/* Result and right-hand side: batch axes, the solved axis, then further columns. */
Node *node_trisolve(Plan *p, const Tir *v, Use L, Use b)
{
    AxisSet l_axes = matrix_axes(p, v->in[0], v->over[0], v->over[1]);
    AxisSet all = plan_axes(p, v->axes, v->n_axes), axes = {0};
    Axis *solved = plan_axis(p, v->to[0]);
    for (int i = 0; i < all.n; i++)
        if (all.axis[i] != solved && (all.axis[i]->kind != AXIS_EVENT ||
                                      axes_has(&l_axes, all.axis[i])))
            axes_add(&axes, all.axis[i]);
    axes_add(&axes, solved);
    for (int i = 0; i < all.n; i++)
        axes_add(&axes, all.axis[i]);
    axes = rows_first(p, &axes);
    Use left = laid_out(p, L, &l_axes, v), right = laid_out(p, b, &axes, v);
    Node *n = node_new(p, v->op, NODE_CALL, axes.axis, axes.n, v);
    node_add_in(n, left);
    node_add_in(n, right);
    n->to[0] = solved;
    return n;
}

static Plan *step_plan(Plan *p, const TirFn *step)
{
    for (size_t i = 0; i < vec_len(p->steps); i++)
        if (p->steps[i]->fn == step)
            return p->steps[i];
    Plan *s = plan_build(p->c, step);
    s->name = str_fmt(p->c, "%s_%s", p->name, plan_identifier(p->c, step->name));
    vec_push(p->c, p->steps, s);
    return s;
}

/* Each operand and the result: batch axes, the steps where it has them, then its vector. */
Node *node_scan(Plan *p, const Tir *v, const Use *in)
{
    Use u[3];
    for (int k = 0; k < 3; k++) {
        AxisSet last = {0}, all = plan_axes(p, v->in[k]->axes, v->in[k]->n_axes);
        if (k == SCAN_EACH)
            axes_add(&last, plan_axis(p, v->over[0]));
        axes_add(&last, plan_axis(p, v->over[k + 1]));
        AxisSet axes = axes_without(&all, &last);
        for (int i = 0; i < last.n; i++)
            axes_add(&axes, last.axis[i]);
        axes = rows_first(p, &axes);
        u[k] = laid_out(p, in[k], &axes, v);
    }
    AxisSet axes = matrix_axes(p, v, v->over[0], v->to[0]);
    Node *n = node_new(p, v->op, NODE_CALL, axes.axis, axes.n, v);
    for (int k = 0; k < 3; k++)
        node_add_in(n, u[k]);
    n->step = step_plan(p, v->body);
    return n;
}

Node *node_draw(Plan *p, const Tir *v, const Use *in)
{
    AxisSet axes = plan_axes(p, v->axes, v->n_axes);
    axes = rows_first(p, &axes);
    Use parameter[3] = {0};
    for (int k = 0; k < v->n_in; k++)
        parameter[k] = laid_out(p, in[k], &axes, v);
    Node *n = node_new(p, v->op, NODE_CALL, axes.axis, axes.n, v);
    for (int k = 0; k < v->n_in; k++)
        node_add_in(n, parameter[k]);
    return n;
}

/* CUMSUM and SCATTER: loops of their own. A constant operand is copied to have an address. */
Node *node_sequential(Plan *p, const Tir *v, const Use *in)
{
    AxisSet axes = plan_axes(p, v->axes, v->n_axes);
    Use u[2] = {0};
    for (int i = 0; i < v->n_in; i++) {
        AxisSet a = plan_axes(p, v->in[i]->axes, v->in[i]->n_axes);
        a = rows_first(p, &a);
        bool source = in[i].node->op == OP_CONST || node_is_scalar_input(in[i].node);
        u[i] = source ? laid_out(p, in[i], &a, v) : in[i];
    }
    Node *n = node_new(p, v->op, NODE_CALL, axes.axis, axes.n, v);
    for (int i = 0; i < v->n_in; i++)
        node_add_in(n, u[i]);
    for (int i = 0; i < v->n_over; i++)
        n->over[n->n_over++] = plan_axis(p, v->over[i]);
    if (v->op == OP_SCATTER)
        n->to[0] = plan_axis(p, v->to[0]);
    return n;
}
