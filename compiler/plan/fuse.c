/* fuse.c - the nodes of a body to kernels: as few passes over the data as possible.
 *
 * Idea: calls (products, factorizations, random fills) cut a body into levels, loops even, calls
 * odd; a node goes to the lowest level its operands allow, and all loop nodes of a level become
 * one kernel. Two corrections save memory traffic: a cheap value used at a later level is repeated
 * there (1 - h * h of a tanh need not be kept), and a node all of whose users come later moves to
 * them if its operands are kept anyway. loops.c then builds the loop nest of each kernel.
 *     before  %3 = contract %1 %2     %4 = add %3 %b    %5 = tanh %4    %6 = contract %5 %w
 *     after   gemm %3;  kernel { %4 local; %5 stored };  gemm %6
 * requires:    bodies, each with nodes in order
 * establishes: every node is in one kernel; `store` is set where a value leaves its loop
 * never:       changes the order of a sum
 */
#include "plan.h"
#include "loops.h"

static bool in_body(const Node *n, const Body *b)
{
    return n->class != NODE_SOURCE && n->body == b;
}

static void mark_crossing(Body *b)
{
    for (size_t i = 0; i < vec_len(b->nodes); i++)
        for (int k = 0; k < b->nodes[i]->n_in; k++) {
            const Use *u = &b->nodes[i]->in[k];
            if (u->node->class == NODE_LOOP && (u->node->body != b || !use_same(u)))
                u->node->store = true;
            u->node->kept |= u->node->body != b;
        }
}

static int level_of(const Node *n)
{
    int level = n->class == NODE_CALL;
    for (int k = 0; k < n->n_in; k++) {
        const Node *o = n->in[k].node;
        if (!in_body(o, n->body))
            continue;
        int at = o->level + (o->class != n->class);
        level = at > level ? at : level;
    }
    return level;
}

/* The lowest level of a user in the body, even; -1: none. */
static int first_user(const Node *n)
{
    int first = -1;
    for (size_t i = 0; i < vec_len(n->body->nodes); i++) {
        const Node *u = n->body->nodes[i];
        for (int k = 0; k < u->n_in; k++)
            if (u->in[k].node == n) {
                int at = u->level - (u->class != n->class);
                first = first < 0 || at < first ? at : first;
            }
    }
    return first;
}

/* Is a stored value kept until that level whatever we do? */
static bool alive_at(const Node *o, const Body *b, int level)
{
    if (o->class == NODE_SOURCE || o->body != b || o->n_axes == 0 || o->kept)
        return true;
    for (size_t i = 0; i < vec_len(b->nodes); i++) {
        const Node *u = b->nodes[i];
        for (int k = 0; u->level >= level && !u->clone_of && k < u->n_in; k++)
            if (u->in[k].node == o)
                return true;
    }
    return false;
}

/* Can o be had at that level without a buffer that would not exist otherwise: does it live on, or
 * can it move along with `user`, its only reader before? */
static bool follows(const Node *o, const Node *user, int level)
{
    const Body *b = user->body;
    if (o->class == NODE_SOURCE || alive_at(o, b, level))
        return true;
    if (o->class != NODE_LOOP || node_reduces(o) || o->store)
        return false;
    for (size_t i = 0; i < vec_len(b->nodes); i++)
        for (int k = 0; b->nodes[i] != user && k < b->nodes[i]->n_in; k++)
            if (b->nodes[i]->in[k].node == o)
                return false;
    for (int k = 0; k < o->n_in; k++)
        if (!follows(o->in[k].node, o, level))
            return false;
    return true;
}

static bool operands_follow(const Node *n, int level)
{
    for (int k = 0; k < n->n_in; k++)
        if (!follows(n->in[k].node, n, level))
            return false;
    return true;
}

static void move_late(Body *b)
{
    for (size_t i = vec_len(b->nodes); i-- > 0;) {
        Node *n = b->nodes[i];
        bool noise = n->class == NODE_CALL && op_info[n->op].kind == OP_KIND_RANDOM;
        if (noise ? n->n_in > 0 : n->class != NODE_LOOP || n->buffer || node_reduces(n))
            continue;
        int first = first_user(n);
        if (first > n->level && (noise || operands_follow(n, first)))
            n->level = first;
    }
}

/* Do all stored operands of the cheap tree at n outlive the level? */
static bool leaves_alive(const Node *n, const Body *b, int level)
{
    for (int k = 0; k < n->n_in; k++) {
        const Node *o = n->in[k].node;
        if (o->class == NODE_SOURCE || o->store ? !alive_at(o, b, level)
                                                : !leaves_alive(o, b, level))
            return false;
    }
    return true;
}

/* Values that are not cheap and are read at another level will be stored: cheap trees may end
 * there. */
static void mark_levels(Body *b)
{
    for (size_t i = 0; i < vec_len(b->nodes); i++)
        for (int k = 0; k < b->nodes[i]->n_in; k++) {
            Node *o = b->nodes[i]->in[k].node;
            if (in_body(o, b) && o->class == NODE_LOOP && o->level != b->nodes[i]->level &&
                !node_cheap(o, true))
                o->store = true;
        }
}

static Node *repeat_at(Plan *p, Node *n, int level, Node ***made)
{
    if (n->class == NODE_SOURCE || n->store || n->level == level)
        return n;
    for (size_t i = 0; i < vec_len(*made); i++)
        if ((*made)[i]->clone_of == n && (*made)[i]->level == level)
            return (*made)[i];
    Node *r = node_repeat(p, n);
    r->level = level;
    for (int k = 0; k < r->n_in; k++)
        r->in[k].node = repeat_at(p, r->in[k].node, level, made);
    vec_push(p->c, *made, r);
    return r;
}

static void drop_unused(Plan *p, Body *b)
{
    for (size_t i = 0; i < vec_len(b->nodes); i++)
        b->nodes[i]->visit = 0;
    Node **live = NULL;
    for (size_t i = vec_len(b->nodes); i-- > 0;) {
        Node *n = b->nodes[i];
        if (!n->visit && !n->buffer && !n->store)
            continue;
        for (int k = 0; k < n->n_in; k++)
            n->in[k].node->visit = 1;
        vec_push(p->c, live, n);
    }
    b->nodes = plan_topological(p, live);
}

static void repeat_cheap(Plan *p, Body *b)
{
    Node **made = NULL;
    mark_levels(b);
    for (size_t i = 0; i < vec_len(b->nodes); i++) {
        Node *n = b->nodes[i];
        for (int k = 0; n->class == NODE_LOOP && k < n->n_in; k++) {
            Node *o = n->in[k].node;
            if (in_body(o, b) && o->class == NODE_LOOP && o->level != n->level &&
                use_same(&n->in[k]) && node_cheap(o, true) &&
                leaves_alive(o, b, n->level))
                n->in[k].node = repeat_at(p, o, n->level, &made);
        }
    }
    for (size_t i = 0; i < vec_len(made); i++)
        vec_push(p->c, b->nodes, made[i]);
    b->nodes = plan_topological(p, b->nodes);
    drop_unused(p, b);
}

/* ---- kernels --------------------------------------------------------------------------------- */

static Kernel *kernel_new(Plan *p, Body *b, bool call)
{
    Kernel *k = arena_alloc(p->c->arena, sizeof *k);
    k->call = call;
    k->body = b;
    vec_push(p->c, b->kernels, k);
    return k;
}

static void kernels_at(Plan *p, Body *b, int level)
{
    Kernel *k = NULL;
    for (size_t i = 0; i < vec_len(b->nodes); i++) {
        Node *n = b->nodes[i];
        if (n->level != level)
            continue;
        bool call = n->class == NODE_CALL;
        if (!k || call || vec_len(k->nodes) >= PLAN_KERNEL_NODES)
            k = kernel_new(p, b, call);
        vec_push(p->c, k->nodes, n);
        n->kernel = k;
    }
}

/* A number of its own for a kernel: several chunks may not share a stored one. */
static Node *repeat_in(Plan *p, Node *n, Kernel *k, Node ***made)
{
    if (n->class != NODE_LOOP || n->store || n->kernel == k)
        return n;
    for (size_t i = 0; i < vec_len(*made); i++)
        if ((*made)[i]->clone_of == n && (*made)[i]->kernel == k)
            return (*made)[i];
    Node *r = node_repeat(p, n);
    r->kernel = k;
    for (int i = 0; i < r->n_in; i++)
        r->in[i].node = repeat_in(p, r->in[i].node, k, made);
    vec_push(p->c, *made, r);
    return r;
}

static void mark_kernel_crossing(Plan *p, Body *b)
{
    Node **made = NULL;
    for (size_t i = 0; i < vec_len(b->nodes); i++) {
        Node *n = b->nodes[i];
        for (int k = 0; k < n->n_in; k++) {
            Node *o = n->in[k].node;
            if (o->class != NODE_LOOP || o->kernel == n->kernel)
                continue;
            if (o->n_axes == 0 && b->domain && o->body == b)
                n->in[k].node = repeat_in(p, o, n->kernel, &made);
            else
                o->store = true;
        }
    }
    for (size_t i = 0; i < vec_len(made); i++) {
        vec_push(p->c, b->nodes, made[i]);
        vec_push(p->c, made[i]->kernel->nodes, made[i]);
        made[i]->kernel->nodes = plan_topological(p, made[i]->kernel->nodes);
    }
}

static void fuse_body(Plan *p, Body *b)
{
    int last = 0;
    for (size_t i = 0; i < vec_len(b->nodes); i++)
        b->nodes[i]->level = level_of(b->nodes[i]);
    move_late(b);
    repeat_cheap(p, b);
    for (size_t i = 0; i < vec_len(b->nodes); i++)
        last = b->nodes[i]->level > last ? b->nodes[i]->level : last;
    for (int level = 0; level <= last; level++)
        kernels_at(p, b, level);
    mark_kernel_crossing(p, b);
    for (size_t i = 0; i < vec_len(b->kernels); i++)
        if (!b->kernels[i]->call)
            loops_build(p, b->kernels[i]);
}

void plan_fuse(Plan *p)
{
    for (size_t i = 0; i < vec_len(p->phases); i++)
        for (size_t k = 0; k < vec_len(p->phases[i].bodies); k++)
            mark_crossing(p->phases[i].bodies[k]);
    for (size_t i = 0; i < vec_len(p->phases); i++)
        for (size_t k = 0; k < vec_len(p->phases[i].bodies); k++)
            fuse_body(p, p->phases[i].bodies[k]);
}
