/* loops.c - the loop nest of one fused kernel.
 *
 * Idea: nodes are inserted in order into a tree of loops. A node descends into an existing loop
 * over its next axis if all it needs is complete there, preferring the loop that holds its
 * operands; otherwise it opens a loop at the end. So values live at the depth of the axes they
 * have (hoisting), several inner loops follow each other inside one outer loop, and a reduction is
 * complete after the loop of its outermost summed axis. A reduction whose remaining axes are all
 * outside accumulates in a local; else in its buffer, so that the innermost loop walks memory.
 *     for n { m = max_h; for h { m = max(m, x) }  for h { e = exp(x - m) ... } }
 * A slow function beside inner loops would run for one number at a time; it has a loop of its own,
 * which vectorises, unless what its neighbours would have to store for that is larger than it.
 *     for n { for h { s[n] += x * w } }  for n { r[n] = y - logistic(s[n]) }  for n { for h ... }
 * requires:    nodes of one kernel, operands first
 * establishes: path, depth and done of each node; `store` of those read outside their loop
 */
#include <string.h>

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

/* One way of building the loops of a kernel. */
typedef struct Nest {
    Ctx *c;
    Kernel *k;
    bool apart;                        /* slow functions and inner loops keep apart */
    Node **slow;                       /* vec: those that kept out of a loop */
} Nest;

static void insert_item(Nest *t, Item *list, size_t at, ItemKind kind, Node *n, Axis *axis,
                        Item **made)
{
    Item *item = arena_alloc(t->c->arena, sizeof *item);
    *item = (Item){.kind = kind, .node = n, .axis = axis};
    vec_push(t->c, list->items, item);
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

/* Would a function and an inner loop meet if v entered that loop? Quick functions stay with slow
 * ones, so that what they share need not be stored. */
static bool keeps_out(Nest *t, Node *v, int depth, const Item *loop)
{
    bool here = v->n_iter == depth + 1;
    if (!t->apart || (here && node_reduces(v)))
        return false;
    for (size_t i = 0; i < vec_len(loop->items); i++) {
        const Item *x = loop->items[i];
        if (here && x->kind == ITEM_LOOP) {
            if (op_slow(v->op))
                vec_push(t->c, t->slow, v);
            return true;
        }
        if (!here && x->kind == ITEM_STMT && op_slow(x->node->op)) {
            vec_push(t->c, t->slow, x->node);
            return true;
        }
    }
    return false;
}

/* Behind all operands of v in path[depth]. */
static size_t ready_at(const Node *v, Item *const *path, int depth)
{
    size_t at = 0;
    for (int k = 0; k < v->n_in; k++) {
        const Node *d = v->in[k].node;
        long i = d->kernel == v->kernel ? index_of(d, path, depth) : -1;
        if (i >= (long)at)
            at = (size_t)i + 1;
    }
    return at;
}

/* A loop of what was kept out of others stands as early as its operands allow: they can read it. */
static Item *enter_loop(Nest *t, Node *v, Item **path, int depth, Axis *axis)
{
    Item *list = path[depth], *best = NULL;
    size_t end = vec_len(list->items);
    int most = -1;
    for (size_t i = 0; i < vec_len(list->items); i++) {
        Item *x = list->items[i];
        if (x->kind != ITEM_LOOP || x->axis != axis)
            continue;
        if (keeps_out(t, v, depth, x)) {
            end = ready_at(v, path, depth);
            continue;
        }
        int s = score(v, path, depth, i);
        if (s >= 0 && s >= most) {
            most = s;
            best = x;
        }
    }
    if (!best)
        insert_item(t, list, end, ITEM_LOOP, NULL, axis, &best);
    return best;
}

/* A statement stands as early as its operands allow: later nodes can share loops after it. */
static void insert_stmt(Nest *t, Node *v)
{
    Item *list = v->path[v->depth];
    size_t at = ready_at(v, v->path, v->depth);
    while (at < vec_len(list->items) && (list->items[at]->kind == ITEM_DONE ||
                                         list->items[at]->kind == ITEM_STMT))
        at++;
    insert_item(t, list, at, ITEM_STMT, v, NULL, NULL);
}

static void insert_around(Nest *t, Node *v)
{
    Item *list = v->path[v->done], *loop = v->path[v->done + 1];
    size_t i = 0;
    while (list->items[i] != loop)
        i++;
    insert_item(t, list, i, ITEM_INIT, v, NULL, NULL);
    insert_item(t, list, i + 2, ITEM_DONE, v, NULL, NULL);
}

static void insert_node(Nest *t, Node *v)
{
    Item *path[PLAN_RANK + 1] = {t->k->root};
    for (int i = 0; i < v->n_iter; i++)
        path[i + 1] = enter_loop(t, v, path, i, v->iter[i]);
    for (int i = 0; i <= v->n_iter; i++)
        v->path[i] = path[i];
    v->depth = v->n_iter;
    v->done = done_depth(v);
    insert_stmt(t, v);
    if (node_reduces(v) && v->n_over)
        insert_around(t, v);
    v->store |= loops_memory_sum(v);
    for (int i = 0; i < v->n_in; i++)
        if (v->in[i].node->class == NODE_LOOP && !loops_local(v, &v->in[i]))
            v->in[i].node->store = true;
}

static void build(Nest *t, const bool *stored)
{
    for (size_t i = 0; i < vec_len(t->k->nodes); i++) {
        t->k->nodes[i]->store = stored[i];
        memset(t->k->nodes[i]->path, 0, sizeof t->k->nodes[i]->path);
    }
    t->k->root = arena_alloc(t->c->arena, sizeof *t->k->root);
    t->k->root->kind = ITEM_LOOP;
    for (size_t i = 0; i < vec_len(t->k->nodes); i++)
        insert_node(t, t->k->nodes[i]);
}

static bool has_all_axes(const Node *n, const Node *of)
{
    for (int i = 0; i < of->n_axes; i++)
        if (!node_has(n, of->axes[i]))
            return false;
    return true;
}

/* A slow function kept out, and what is stored for that alone has no more elements. */
static bool pays(const Nest *t, const bool *stored)
{
    if (!vec_len(t->slow))
        return false;
    for (size_t i = 0; i < vec_len(t->k->nodes); i++) {
        const Node *n = t->k->nodes[i];
        bool small = !n->store || stored[i];
        for (size_t k = 0; !small && k < vec_len(t->slow); k++)
            small = has_all_axes(t->slow[k], n);
        if (!small)
            return false;
    }
    return true;
}

void loops_build(Plan *p, Kernel *k)
{
    size_t n = vec_len(k->nodes);
    bool *before = arena_alloc(p->c->arena, sizeof *before * n);
    bool *stored = arena_alloc(p->c->arena, sizeof *stored * n);
    Nest together = {.c = p->c, .k = k}, apart = {.c = p->c, .k = k, .apart = true};
    bool slow = false;
    for (size_t i = 0; i < n; i++) {
        before[i] = k->nodes[i]->store;
        slow |= op_slow(k->nodes[i]->op);
    }
    build(&together, before);
    if (!slow)
        return;
    for (size_t i = 0; i < n; i++)
        stored[i] = k->nodes[i]->store;
    build(&apart, before);
    if (!pays(&apart, stored))
        build(&together, before);
}
