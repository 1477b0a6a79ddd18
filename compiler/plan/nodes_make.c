/* nodes_make.c - one node of the kernel IR and its operands: making them, asking about them.
 *
 * establishes: a node's axes stand in the order of layouts: chunks, then rows, or draws and rows;
 *              what a call reads is stored
 */
#include "nodes.h"

static Axis fixed = {.name = "fixed", .size = 1};
Axis *const axis_fixed = &fixed;

bool node_has(const Node *n, const Axis *a)
{
    for (int i = 0; i < n->n_axes; i++)
        if (n->axes[i] == a)
            return true;
    return false;
}

bool node_reduces(const Node *n)
{
    return n->class == NODE_LOOP && (n->op == OP_SUM || n->op == OP_MAXIMUM);
}

bool node_is_scalar_input(const Node *n)
{
    return n->class == NODE_SOURCE && n->op == OP_INPUT && n->buffer->space == SPACE_SCALAR;
}

bool use_walks(const Use *u, const Axis *a)
{
    for (int i = 0; i < u->node->n_axes; i++)
        if (u->index[i] == a)
            return true;
    return false;
}

bool use_same(const Use *u)
{
    for (int i = 0; i < u->node->n_axes; i++)
        if (u->index[i] != u->node->axes[i] || u->shift[i])
            return false;
    return true;
}

bool flat_in_place(const Node *n)
{
    const Use *u = &n->in[0];
    for (int i = 0; i + 1 < u->node->n_axes; i++)
        if (!u->index[i] && !u->index[i + 1] && u->part[i] == n->over[0]
            && u->part[i + 1] == n->over[1])
            return u->node->axes[i + 1]->size == n->over[1]->size;
    return false;
}

Use use_whole(Node *n)
{
    Use u = {.node = n};
    for (int i = 0; i < n->n_axes; i++)
        u.index[i] = n->axes[i];
    return u;
}

/* Chunks stand outermost and then rows, or draws and rows, whatever order was asked for. */
static void set_axes(const Plan *p, Node *n, Axis *const *axes, int count)
{
    AxisSet all = {0}, chunks = {0};
    if (count > PLAN_RANK)
        ice("a value of more than %d axes", PLAN_RANK);
    for (int i = 0; i < count; i++)
        axes_add(axes[i] == p->chunk ? &chunks : &all, axes[i]);
    all = rows_first(p, &all);
    n->n_axes = 0;
    for (int i = 0; i < chunks.n; i++)
        n->axes[n->n_axes++] = chunks.axis[i];
    for (int i = 0; i < all.n; i++)
        n->axes[n->n_axes++] = all.axis[i];
}

Node *node_new(Plan *p, Op op, NodeClass class, Axis *const *axes, int count, const Tir *v)
{
    Node *n = arena_alloc(p->c->arena, sizeof *n);
    n->id = (int)vec_len(p->nodes);
    n->op = op;
    n->class = class;
    n->v = v;
    n->term = -1;
    set_axes(p, n, axes, count);
    if (class == NODE_LOOP) {
        n->n_iter = n->n_axes;
        for (int i = 0; i < n->n_axes; i++)
            n->iter[i] = n->axes[i];
    } else if (class == NODE_CALL) {
        n->call = CALL_OTHER;
        n->store = true;
    }
    vec_push(p->c, p->nodes, n);
    return n;
}

void node_add_in(Node *n, Use u)
{
    n->in[n->n_in++] = u;
    if (n->class == NODE_CALL)
        u.node->store = true;
}

Node *node_map(Plan *p, Op op, const Use *in, int n_in, Axis *const *axes, int n, const Tir *v)
{
    Node *node = node_new(p, op, NODE_LOOP, axes, n, v);
    for (int i = 0; i < n_in; i++)
        node_add_in(node, in[i]);
    return node;
}

Node *node_copy(Plan *p, Use u, Axis *const *axes, int n, const Tir *v)
{
    return node_map(p, OP_STOP_GRADIENT, &u, 1, axes, n, v);
}
