/* loops.c - the loop nest of one fused kernel.
 *
 * Idea: nodes are inserted in order into a tree of loops. A node descends into an existing loop
 * over its next axis if all it needs is complete there, preferring the loop that holds its
 * operands; otherwise it opens a loop at the end. So values live at the depth of the axes they
 * have (hoisting), several inner loops follow each other inside one outer loop, and a reduction is
 * complete after the loop of its outermost summed axis. A reduction whose remaining axes are all
 * outside accumulates in a local; else in its buffer, so that the innermost loop walks memory.
 *     for n { m = max_h; for h { m = max(m, x) }  for h { e = exp(x - m) ... } }
 * requires:    nodes of one kernel, operands first
 * establishes: path, depth and done of each node; `store` of those read outside their loop
 */
#include "loops.h"

bool loops_memory_sum(const Node *n)
{
    if (!node_reduces(n))
        return false;
    bool inside = false;
    for (int i = 0; i < n->n_iter; i++) {
        bool over = false;
        for (int k = 0; k < n->n_over; k++)
            over |= n->over[k] == n->iter[i];
        if (inside && !over)
            return true;
        inside |= over;
    }
    return false;
}

/* Number of loops outside the outermost summed axis. */
static int done_depth(const Node *n)
{
    for (int i = 0; node_reduces(n) && i < n->n_iter; i++)
        for (int k = 0; k < n->n_over; k++)
            if (n->over[k] == n->iter[i])
                return i;
    return n->n_iter;
}

static bool same_path(const Node *a, const Node *b, int depth)
{
    if (a->depth < depth || b->depth < depth)
        return false;
    for (int i = 0; i <= depth; i++)
        if (a->path[i] != b->path[i])
            return false;
    return true;
}

bool loops_local(const Node *user, const Use *u)
{
    const Node *d = u->node;
    return d->class == NODE_LOOP && d->kernel == user->kernel && use_same(u) &&
           !loops_memory_sum(d) && same_path(user, d, d->done);
}

/* Is axis a read at another position than the loop's? */
static bool misaligned(const Use *u, const Axis *a)
{
    for (int i = 0; i < u->node->n_axes; i++)
        if (u->node->axes[i] == a && (u->index[i] != a || u->shift[i]))
            return true;
    return false;
}

/* Where in items of path[depth] node d stands; -1: not below that list. */
static long index_of(const Node *d, Item *const *path, int depth)
{
    if (!d->path[0] || d->depth < depth)
        return -1;
    for (int i = 0; i <= depth; i++)
        if (d->path[i] != path[i])
            return -1;
    Item **items = path[depth]->items;
    for (size_t i = 0; i < vec_len(items); i++)
        if (d->depth > depth ? items[i] == d->path[depth + 1]
                             : items[i]->kind == ITEM_STMT && items[i]->node == d)
            return (long)i;
    return -1;
}

static void insert_item(Plan *p, Item *list, size_t at, ItemKind kind, Node *n, Axis *axis,
                        Item **made)
{
    Item *item = arena_alloc(p->c->arena, sizeof *item);
    *item = (Item){.kind = kind, .node = n, .axis = axis};
    vec_push(p->c, list->items, item);
    for (size_t i = vec_len(list->items) - 1; i > at; i--)
        list->items[i] = list->items[i - 1];
    list->items[at] = item;
    if (made)
        *made = item;
}

/* How many operands v would find inside loop number `at` of the list; -1: it may not go there. */
static int score(const Node *v, Item *const *path, int depth, size_t at)
{
    Item *x = path[depth]->items[at];
    int n = 0;
    for (int k = 0; k < v->n_in; k++) {
        const Use *u = &v->in[k];
        if (u->node->kernel != v->kernel)
            continue;
        long i = index_of(u->node, path, depth);
        if (i == (long)at) {
            if (u->node->done <= depth || misaligned(u, x->axis))
                return -1;
            n++;
        } else if (i > (long)at) {
            return -1;
        }
    }
    return n;
}

static Item *enter_loop(Plan *p, Node *v, Item **path, int depth, Axis *axis)
{
    Item *list = path[depth], *best = NULL;
    int most = -1;
    for (size_t i = 0; i < vec_len(list->items); i++) {
        Item *x = list->items[i];
        if (x->kind != ITEM_LOOP || x->axis != axis)
            continue;
        int s = score(v, path, depth, i);
        if (s >= 0 && s >= most) {
            most = s;
            best = x;
        }
    }
    if (!best)
        insert_item(p, list, vec_len(list->items), ITEM_LOOP, NULL, axis, &best);
    return best;
}

/* A statement stands as early as its operands allow: later nodes can share loops after it. */
static void insert_stmt(Plan *p, Node *v)
{
    Item *list = v->path[v->depth];
    size_t at = 0;
    for (int k = 0; k < v->n_in; k++) {
        const Node *d = v->in[k].node;
        long i = d->kernel == v->kernel ? index_of(d, v->path, v->depth) : -1;
        if (i >= (long)at)
            at = (size_t)i + 1;
    }
    while (at < vec_len(list->items) && (list->items[at]->kind == ITEM_DONE ||
                                         list->items[at]->kind == ITEM_STMT))
        at++;
    insert_item(p, list, at, ITEM_STMT, v, NULL, NULL);
}

static void insert_around(Plan *p, Node *v)
{
    Item *list = v->path[v->done], *loop = v->path[v->done + 1];
    size_t i = 0;
    while (list->items[i] != loop)
        i++;
    insert_item(p, list, i, ITEM_INIT, v, NULL, NULL);
    insert_item(p, list, i + 2, ITEM_DONE, v, NULL, NULL);
}

static void insert_node(Plan *p, Kernel *k, Node *v)
{
    Item *path[PLAN_RANK + 1] = {k->root};
    for (int i = 0; i < v->n_iter; i++)
        path[i + 1] = enter_loop(p, v, path, i, v->iter[i]);
    for (int i = 0; i <= v->n_iter; i++)
        v->path[i] = path[i];
    v->depth = v->n_iter;
    v->done = done_depth(v);
    insert_stmt(p, v);
    if (node_reduces(v) && v->n_over)
        insert_around(p, v);
    v->store |= loops_memory_sum(v);
    for (int i = 0; i < v->n_in; i++)
        if (v->in[i].node->class == NODE_LOOP && !loops_local(v, &v->in[i]))
            v->in[i].node->store = true;
}

void loops_build(Plan *p, Kernel *k)
{
    k->root = arena_alloc(p->c->arena, sizeof *k->root);
    k->root->kind = ITEM_LOOP;
    for (size_t i = 0; i < vec_len(k->nodes); i++)
        insert_node(p, k, k->nodes[i]);
}
