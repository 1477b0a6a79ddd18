/* nodes.c - tensor IR to the nodes of the kernel IR.
 *
 * Idea: everything that moves no data disappears here. A rename, expansion or slice, or one
 * element of an axis, becomes a way of indexing the operand (Use); axes that renames connect
 * become one axis where no value has both, so that elementwise chains fuse across them. What
 * remains is split into steps that loops or calls can do:
 *     logsumexp        m + log sum exp(a - m)
 *     sum over rows    a sum within each chunk of rows, then a sum over chunks, in order
 *     many / one       products by a reciprocal
 *     contraction      a matrix product (choose.c), or product and sum as loops
 * requires:    verified tensor IR, simplified
 * establishes: nodes in order, operands first; every output has a node; layouts are final
 */
#include "nodes.h"

static Node *const_new(Plan *p, double x, const Tir *v)
{
    Node *n = node_new(p, OP_CONST, NODE_SOURCE, NULL, 0, v);
    n->num = x;
    return n;
}

/* ---- reductions ------------------------------------------------------------------------------ */

static Node *reduce_node(Plan *p, Op op, Use in, const AxisSet *iter, const AxisSet *over,
                         const AxisSet *result, const Tir *v)
{
    Node *n = node_new(p, op, NODE_LOOP, result->axis, result->n, v);
    node_add_in(n, in);
    n->n_iter = iter->n;
    for (int i = 0; i < iter->n; i++)
        n->iter[i] = iter->axis[i];
    n->n_over = over->n;
    for (int i = 0; i < over->n; i++)
        n->over[i] = over->axis[i];
    return n;
}

/* The sum over chunks of a node that has one result per chunk. */
static Node *sum_chunks(Plan *p, Node *partial, const Tir *v)
{
    AxisSet iter = {0}, over = {.n = 1, .axis = {p->chunk}};
    for (int i = 0; i < partial->n_axes; i++)
        axes_add(&iter, partial->axes[i]);
    AxisSet result = axes_without(&iter, &over);
    Node *n = reduce_node(p, OP_SUM, use_whole(partial), &iter, &over, &result, v);
    n->wide = result.n == 0;
    return n;
}

/* Innermost axes are summed first, in a local; rows last, within chunks. */
static Node *reduce(Plan *p, Op op, Use in, const AxisSet *axes, const AxisSet *over, const Tir *v)
{
    AxisSet iter = rows_first(p, axes), inner = {0};
    for (int i = iter.n - 1; i >= 0 && axes_has(over, iter.axis[i]); i--)
        if (iter.axis[i] != p->row)
            axes_add(&inner, iter.axis[i]);
    AxisSet rest = axes_without(over, &inner);
    if (inner.n && rest.n) {
        AxisSet left = axes_without(&iter, &inner);
        Node *n = reduce_node(p, op, in, &iter, &inner, &left, v);
        return reduce(p, op, use_whole(n), &left, &rest, v);
    }
    AxisSet result = axes_without(&iter, over);
    if (op != OP_SUM || !p->row || !axes_has(over, p->row))
        return reduce_node(p, op, in, &iter, over, &result, v);
    AxisSet chunked = {.n = 1, .axis = {p->chunk}};
    for (int i = 0; i < result.n; i++)
        axes_add(&chunked, result.axis[i]);
    Node *n = reduce_node(p, op, in, &iter, over, &chunked, v);
    n->partial = true;
    n->wide = result.n == 0;
    return sum_chunks(p, n, v);
}

static Node *logsumexp(Plan *p, Use a, const AxisSet *axes, const AxisSet *over, const Tir *v)
{
    Node *m = reduce(p, OP_MAXIMUM, a, axes, over, v);
    AxisSet result = axes_without(axes, over);
    Axis *const *r = result.axis;
    Node *zero = const_new(p, 0, v), *inf = const_new(p, __builtin_inf(), v);
    Use um = use_whole(m);
    Node *size = node_map(p, OP_ABS, &um, 1, r, result.n, v);
    Use lt[] = {use_whole(size), use_whole(inf)};
    Node *finite = node_map(p, OP_LT, lt, 2, r, result.n, v);
    Use pick[] = {use_whole(finite), um, use_whole(zero)};
    Node *m0 = node_map(p, OP_SELECT, pick, 3, r, result.n, v);
    Use sub[] = {a, use_whole(m0)};
    Node *d = node_map(p, OP_SUB, sub, 2, axes->axis, axes->n, v);
    Use ud = use_whole(d);
    Node *e = node_map(p, OP_EXP, &ud, 1, axes->axis, axes->n, v);
    Use us = use_whole(reduce(p, OP_SUM, use_whole(e), axes, over, v));
    Use add[] = {use_whole(m0), use_whole(node_map(p, OP_LOG, &us, 1, r, result.n, v))};
    return node_map(p, OP_ADD, add, 2, r, result.n, v);
}

/* ---- contractions ---------------------------------------------------------------------------- */

static bool unit_stride(const Plan *p, const Use *u, const Axis *a)
{
    return extent_equal(use_stride(p, u, a), extent_one());
}

static bool contiguous_sum(const Plan *p, const Use *u, const Axis *k)
{
    return !use_walks(u, k) || unit_stride(p, u, k);
}

/* Product and sum as loops; the innermost loop walks memory in order if one can. */
static Node *contract_loops(Plan *p, const Use *in, const AxisSet *result, const AxisSet *over,
                            const Tir *v)
{
    AxisSet axes = {0};
    bool last_k = true;
    if (result->n && over->n) {
        const Axis *x = result->axis[result->n - 1], *k = over->axis[over->n - 1];
        last_k = (contiguous_sum(p, &in[0], k) && contiguous_sum(p, &in[1], k)) ||
                 !(unit_stride(p, &in[0], x) || unit_stride(p, &in[1], x)) || x == p->row;
    }
    for (int i = 0; i < result->n - !last_k; i++)
        axes_add(&axes, result->axis[i]);
    for (int i = 0; i < over->n; i++)
        axes_add(&axes, over->axis[i]);
    for (int i = 0; i < result->n; i++)
        axes_add(&axes, result->axis[i]);
    Node *mul = node_map(p, OP_MUL, in, 2, axes.axis, axes.n, v);
    return over->n ? reduce(p, OP_SUM, use_whole(mul), &axes, over, v) : mul;
}

static Node *product_new(Plan *p, const Use *in, const AxisSet *axes, const AxisSet *over,
                         bool partial, const Tir *v)
{
    Node *n = node_new(p, OP_CONTRACT, NODE_CALL, axes->axis, axes->n, v);
    n->partial = partial;
    for (int i = 0; i < 2; i++)
        n->in[n->n_in++] = in[i];
    for (int i = 0; i < over->n; i++)
        n->over[n->n_over++] = over->axis[i];
    if (!choose_product(p, n))
        return NULL;                   /* the node is dead: nothing uses it */
    in[0].node->store = in[1].node->store = true;
    return n;
}

/* Axes summed that only one operand has: that operand is summed first. */
static void sum_alone(Plan *p, Use *in, AxisSet *over, const AxisSet *const axes[2], const Tir *v)
{
    for (int i = 0; i < 2; i++) {
        AxisSet alone = {0};
        for (int k = 0; k < over->n; k++)
            if (use_walks(&in[i], over->axis[k]) && !use_walks(&in[!i], over->axis[k]) &&
                over->axis[k] != p->row)
                axes_add(&alone, over->axis[k]);
        if (!alone.n)
            continue;
        AxisSet walked = {0};
        for (int k = 0; k < axes[i]->n; k++)
            if (use_walks(&in[i], axes[i]->axis[k]))
                axes_add(&walked, axes[i]->axis[k]);
        in[i] = use_whole(reduce(p, OP_SUM, in[i], &walked, &alone, v));
        *over = axes_without(over, &alone);
    }
}

static Node *contract(Plan *p, const Tir *v, const Use *operands, const AxisSet *result)
{
    Use in[2] = {operands[0], operands[1]};
    AxisSet over = plan_axes(p, v->over, v->n_over);
    AxisSet axes[2] = {plan_axes(p, v->in[0]->axes, v->in[0]->n_axes),
                       plan_axes(p, v->in[1]->axes, v->in[1]->n_axes)};
    sum_alone(p, in, &over, (const AxisSet *const[]){&axes[0], &axes[1]}, v);
    AxisSet row_result = rows_first(p, result), over_rows = rows_first(p, &over);
    Node *n = NULL;
    if (in[0].node->op != OP_CONST && in[1].node->op != OP_CONST) {
        AxisSet chunked = {.n = 1, .axis = {p->chunk}};
        bool rows = p->row && axes_has(&over, p->row);
        n = product_new(p, in, &row_result, &over_rows, false, v);
        if (!n || !rows || !choose_partial(p, n))
            return n ? n : contract_loops(p, in, &row_result, &over_rows, v);
        for (int i = 0; i < result->n; i++)
            axes_add(&chunked, result->axis[i]);
        n = product_new(p, in, &chunked, &over_rows, true, v);
    }
    return n ? sum_chunks(p, n, v) : contract_loops(p, in, &row_result, &over_rows, v);
}

/* ---- other ops ------------------------------------------------------------------------------- */

static Node *gather(Plan *p, const Tir *v, Use a, Use index)
{
    Axis *axis = plan_axis(p, v->over[0]);
    for (int i = 0; i < a.node->n_axes; i++)
        if (a.index[i] == axis)
            a.index[i] = NULL;
    AxisSet axes = plan_axes(p, v->axes, v->n_axes);
    Use in[] = {a, index};
    Node *n = node_map(p, OP_GATHER, in, 2, axes.axis, axes.n, v);
    n->over[n->n_over++] = axis;
    return n;
}

/* A part of the position along one axis, or the position that two make up. */
static Node *points(Plan *p, const Tir *v, Use a)
{
    AxisSet axes = plan_axes(p, v->axes, v->n_axes), over = plan_axes(p, v->over, v->n_over);
    for (int i = 0; i < a.node->n_axes; i++)
        if (a.index[i] && axes_has(&over, a.index[i])) {
            a.part[i] = a.index[i];
            a.index[i] = NULL;
        }
    Node *n = node_map(p, v->op, &a, 1, axes.axis, axes.n, v);
    for (int k = 0; k < v->n_over; k++)
        n->over[n->n_over++] = plan_axis(p, v->over[k]);
    for (int k = 0; k < (v->op == OP_SPLIT ? 2 : 1); k++)
        n->to[k] = plan_axis(p, v->to[k]);
    return n;
}

/* a / b for many a and each b: one division for each b, and products. They may differ from the
 * quotients in the last digit. */
static Node *divide(Plan *p, const Tir *v, const Use *in, const AxisSet *axes)
{
    const Tir *b = v->in[1];
    Use *u = map_get(p->reciprocal_of, b);
    if (!u) {
        AxisSet own = plan_axes(p, b->axes, b->n_axes);
        Use quotient[] = {use_whole(const_new(p, 1, v)), in[1]};
        u = arena_alloc(p->c->arena, sizeof *u);
        *u = use_whole(node_map(p, OP_DIV, quotient, 2, own.axis, own.n, v));
        map_put(p->reciprocal_of, b, u);
    }
    Use product[] = {in[0], *u};
    return node_map(p, OP_MUL, product, 2, axes->axis, axes->n, v);
}

static Use reindex(Use u, const Axis *from, Axis *to, int64_t shift)
{
    for (int i = 0; i < u.node->n_axes; i++)
        if (u.index[i] == from) {
            u.index[i] = to;
            u.shift[i] += shift;
        }
    return u;
}

/* Is there one position along all axes that the reduction is over? */
static bool reduces_one(const Tir *v)
{
    for (int i = 0; i < v->n_over; i++)
        if (axis_runtime(v->over[i]) || v->over[i]->size != 1)
            return false;
    return true;
}

/* All at once: a swap of two axes is a legal rename. */
static Use renamed(const Plan *p, const Tir *v, Use u)
{
    Use r = u;
    for (int i = 0; i < u.node->n_axes; i++)
        for (int k = 0; k < v->n_over; k++)
            if (u.index[i] == plan_axis(p, v->over[k]))
                r.index[i] = plan_axis(p, v->to[k]);
    return r;
}

static Node *input_new(Plan *p, const Tir *v)
{
    AxisSet axes = plan_axes(p, v->axes, v->n_axes);
    Node *n = node_new(p, OP_INPUT, NODE_SOURCE, axes.axis, axes.n, v);
    Buffer *b = arena_alloc(p->c->arena, sizeof *b);
    static const Space spaces[] = {
        [INPUT_PARAM] = SPACE_PARAM, [INPUT_DATA] = SPACE_DATA, [INPUT_SCALAR] = SPACE_SCALAR,
        [INPUT_GIVEN] = SPACE_GIVEN,
    };
    b->space = spaces[v->input];
    b->key = v->name;
    b->node = n;
    b->index = -1;
    n->buffer = b;
    n->store = true;
    p->loads_rows |= b->space == SPACE_DATA && p->row && node_has(n, p->row);
    return n;
}

static bool is_product(const Plan *p, const Use *u)
{
    const Node *n = u->node;
    bool plain = n->call == CALL_GEMM && !n->partial && use_same(u) && !n->buffer;
    for (int i = 0; i < n->n_over; i++)
        plain &= n->over[i] != p->row;
    return plain;
}

/* The sum of two products that nothing else reads: the second adds to the first's result. */
static Node *accumulate(const Plan *p, const Use *in)
{
    Node *a = in[0].node, *b = in[1].node;
    if (!is_product(p, &in[0]) || !is_product(p, &in[1]) || a == b || b->inplace ||
        a->n_axes != b->n_axes)
        return NULL;
    for (int i = 0; i < a->n_axes; i++)
        if (a->axes[i] != b->axes[i])
            return NULL;
    b->inplace = a;
    node_add_in(b, use_whole(a));
    return b;
}

/* The axes of v's node. A value that is flattened has the two axes last, as they will lie. */
static AxisSet layout_of(const Plan *p, const Tir *v)
{
    AxisSet axes = plan_axes(p, v->axes, v->n_axes);
    const Tir *flat = map_get(p->flattened, v);
    if (!flat || op_info[v->op].kind != OP_KIND_MAP)
        return axes;
    AxisSet two = plan_axes(p, flat->over, 2);
    axes = axes_without(&axes, &two);
    axes_add(&axes, two.axis[0]);
    axes_add(&axes, two.axis[1]);
    return rows_first(p, &axes);
}

static Use lower_value(Plan *p, const Tir *v, const Use *in, const AxisSet *layout, bool alone)
{
    AxisSet axes = layout_of(p, v);
    Node *n;
    switch (v->op) {
    case OP_CONST:     n = const_new(p, v->num, v); break;
    case OP_INPUT:     n = input_new(p, v); break;
    case OP_IOTA:
        n = node_map(p, OP_IOTA, NULL, 0, axes.axis, axes.n, v);
        break;
    case OP_STOP_GRADIENT: case OP_EXPAND: return in[0];
    case OP_RENAME:    return renamed(p, v, in[0]);
    case OP_SLICE:
        return reindex(in[0], plan_axis(p, v->over[0]), plan_axis(p, v->to[0]), v->offset);
    case OP_PAD: {
        Use u = reindex(in[0], plan_axis(p, v->over[0]), plan_axis(p, v->to[0]), -v->offset);
        n = node_map(p, OP_PAD, &u, 1, axes.axis, axes.n, v);
        n->over[n->n_over++] = plan_axis(p, v->over[0]);
        n->to[0] = plan_axis(p, v->to[0]);
        break;
    }
    case OP_SUM: case OP_MAXIMUM: case OP_LOGSUMEXP: {
        if (reduces_one(v)) {
            Use u = in[0];
            for (int i = 0; i < v->n_over; i++)
                u = reindex(u, plan_axis(p, v->over[i]), axis_fixed, 0);
            return u;
        }
        AxisSet from = plan_axes(p, v->in[0]->axes, v->in[0]->n_axes);
        AxisSet over = plan_axes(p, v->over, v->n_over);
        n = v->op == OP_LOGSUMEXP ? logsumexp(p, in[0], &from, &over, v)
                                  : reduce(p, v->op, in[0], &from, &over, v);
        break;
    }
    case OP_CONTRACT:  n = contract(p, v, in, layout ? layout : &axes); break;
    case OP_GATHER:    n = gather(p, v, in[0], in[1]); break;
    case OP_FLATTEN: case OP_SPLIT: n = points(p, v, in[0]); break;
    case OP_CHOLESKY: case OP_INVERSE: n = node_matrix(p, v, in[0]); break;
    case OP_TRISOLVE:  n = node_trisolve(p, v, in[0], in[1]); break;
    case OP_SCATTER: case OP_CUMSUM: n = node_sequential(p, v, in); break;
    case OP_SCAN:      n = node_scan(p, v, in); break;
    case OP_DIV:
        n = axes.n > v->in[1]->n_axes && v->in[1]->op != OP_CONST && !map_get(p->exact, v)
          ? divide(p, v, in, &axes) : node_map(p, v->op, in, v->n_in, axes.axis, axes.n, v);
        break;
    case OP_ADD:
        n = alone ? accumulate(p, in) : NULL;
        if (!n)
            n = node_map(p, v->op, in, v->n_in, axes.axis, axes.n, v);
        break;
    default:
        n = op_info[v->op].kind == OP_KIND_RANDOM ? node_draw(p, v, in)
          : node_map(p, v->op, in, v->n_in, axes.axis, axes.n, v);
    }
    return use_whole(n);
}

/* ---- outputs --------------------------------------------------------------------------------- */

static Buffer *out_buffer(Plan *p, Node *n, Space space, Str key, int index)
{
    Buffer *b = arena_alloc(p->c->arena, sizeof *b);
    *b = (Buffer){.space = space, .key = key, .index = index, .node = n};
    n->buffer = b;
    n->store = true;
    return b;
}

static bool has_layout(const Use *u, const AxisSet *axes)
{
    bool same = u->node->class != NODE_SOURCE && !u->node->buffer && use_same(u) &&
                u->node->n_axes == axes->n && !u->node->wide;
    for (int i = 0; same && i < axes->n; i++)
        same = u->node->axes[i] == axes->axis[i];
    return same;
}

static Node *out_node(Plan *p, Use u, const AxisSet *axes, const Tir *v, bool alone)
{
    return alone && has_layout(&u, axes) ? u.node : node_copy(p, u, axes->axis, axes->n, v);
}

static void out_term(Plan *p, const TirOut *out, Use u, bool alone)
{
    Node *n = u.node, *part = n->n_in ? n->in[0].node : NULL;
    p->n_terms = out->index >= p->n_terms ? out->index + 1 : p->n_terms;
    bool direct = alone && n->op == OP_SUM && n->n_over == 1 && n->over[0] == p->chunk &&
                  n->n_axes == 0 && part->op == OP_SUM && !part->buffer;
    if (!direct)
        part = node_copy(p, u, NULL, 0, out->value);
    part->wide = true;
    part->term = out->index;
    out_buffer(p, part, SPACE_TERMS, out->name, out->index)->wide = true;
    PlanOut o = {out->name, out->index, part};
    vec_push(p->c, p->terms, o);
}

/* Axes of a parameter, in its own order. */
static AxisSet param_axes(Plan *p, const TirOut *out)
{
    for (size_t i = 0; i < vec_len(p->nodes); i++) {
        const Node *n = p->nodes[i];
        if (n->buffer && n->buffer->space == SPACE_PARAM && n->buffer->key == out->name)
            return plan_axes(p, n->axes, n->n_axes);
    }
    return plan_axes(p, out->value->axes, out->value->n_axes);
}

static void add_outputs(Plan *p, const Map *users)
{
    for (size_t i = 0; i < vec_len(p->fn->outs); i++) {
        const TirOut *out = &p->fn->outs[i];
        Use u = *(Use *)map_get(p->use_of, out->value);
        bool alone = (intptr_t)map_get(users, out->value) == 1;
        if (out->kind == OUT_TERM) {
            out_term(p, out, u, alone);
            continue;
        }
        bool grad = out->kind == OUT_GRAD;
        AxisSet axes = grad ? param_axes(p, out)
                     : out->n_axes ? plan_axes(p, out->axes, out->n_axes)
                     : plan_axes(p, out->value->axes, out->value->n_axes);
        Node *n = out_node(p, u, &axes, out->value, alone || !grad);
        out_buffer(p, n, grad ? SPACE_GRAD : SPACE_SLAB, out->name, out->index);
        PlanOut o = {out->name, out->index, n};
        if (grad)
            vec_push(p->c, p->grads, o);
        else
            vec_push(p->c, p->values, o);
    }
}

/* ---- entry ----------------------------------------------------------------------------------- */

static void mark(Node *n)
{
    if (n->visit)
        return;
    n->visit = 1;
    for (int i = 0; i < n->n_in; i++)
        mark(n->in[i].node);
}

static void mark_outs(const PlanOut *outs)
{
    for (size_t i = 0; i < vec_len(outs); i++)
        mark(outs[i].node);
}

static void drop_dead(Plan *p)
{
    Node **live = NULL;
    for (size_t i = 0; i < vec_len(p->nodes); i++)
        p->nodes[i]->visit = 0;
    mark_outs(p->grads);
    mark_outs(p->values);
    mark_outs(p->terms);
    for (size_t i = 0; i < vec_len(p->nodes); i++)
        if (p->nodes[i]->visit) {
            p->nodes[i]->id = (int)vec_len(live);
            vec_push(p->c, live, p->nodes[i]);
        }
    p->nodes = live;
}

/* What is flattened, and what has all its axes and is on the way to it. */
static void find_flattened(Plan *p, Tir *const *order)
{
    p->flattened = map_new(p->c);
    for (size_t i = vec_len(order); i-- > 0;) {
        const Tir *v = order[i], *flat = v->op == OP_FLATTEN ? v : map_get(p->flattened, v);
        for (int k = 0; flat && k < v->n_in; k++)
            if (op_info[v->in[k]->op].kind == OP_KIND_MAP && !map_get(p->flattened, v->in[k])
                && v->in[k]->n_axes == flat->in[0]->n_axes)
                map_put(p->flattened, v->in[k], (void *)flat);
    }
}

static bool is_step_function(Op op)
{
    switch (op) {
    case OP_FLOOR: case OP_LT: case OP_LE: case OP_GT: case OP_GE: case OP_EQ: case OP_NE:
        return true;
    default:
        return false;
    }
}

/* 49 / 49 is 1, 49 times the reciprocal of 49 is less: what is rounded down, compared or a position
 * is divided as written, and so are the sums and products that it is made of. */
static void find_exact(Plan *p, Tir *const *order)
{
    p->exact = map_new(p->c);
    for (size_t i = vec_len(order); i-- > 0;) {
        Tir *v = order[i];
        bool position = v->op == OP_GATHER || v->op == OP_SCATTER;
        bool passes = v->op == OP_ADD || v->op == OP_SUB || v->op == OP_MUL || v->op == OP_NEG
                   || v->op == OP_RENAME || v->op == OP_EXPAND || v->op == OP_SLICE;
        bool all = is_step_function(v->op) || (passes && map_get(p->exact, v));
        for (int k = 0; k < v->n_in; k++)
            if (all || (position && k == 1))
                map_put(p->exact, v->in[k], v);
    }
}

static void count_user(Map *users, const Tir *v)
{
    map_put(users, v, (void *)((intptr_t)map_get(users, v) + 1));
}

void plan_nodes(Plan *p)
{
    Tir **order = tir_order(p->fn);
    Map *users = map_new(p->c), *grads = map_new(p->c);
    p->reciprocal_of = map_new(p->c);
    find_flattened(p, order);
    find_exact(p, order);
    plan_unify_axes(p, order);
    p->draws_outside = plan_draws_outside(p, order);
    for (size_t i = 0; i < vec_len(order); i++)
        for (int k = 0; k < order[i]->n_in; k++)
            count_user(users, order[i]->in[k]);
    for (size_t i = 0; i < vec_len(p->fn->outs); i++) {
        const TirOut *out = &p->fn->outs[i];
        count_user(users, out->value);
        if (out->kind == OUT_GRAD)
            map_put(grads, out->value, (void *)out);
    }
    for (size_t i = 0; i < vec_len(order); i++) {
        const Tir *v = order[i];
        Use in[3] = {0}, *u = arena_alloc(p->c->arena, sizeof *u);
        for (int k = 0; k < v->n_in; k++)
            in[k] = *(Use *)map_get(p->use_of, v->in[k]);
        const TirOut *grad = map_get(grads, v);
        AxisSet layout;
        if (grad)
            layout = param_axes(p, grad);
        bool alone = true;             /* nothing else reads the operands */
        for (int k = 0; k < v->n_in; k++)
            alone &= (intptr_t)map_get(users, v->in[k]) == 1;
        *u = lower_value(p, v, in, grad ? &layout : NULL, alone);
        map_put(p->use_of, v, u);
    }
    add_outputs(p, users);
    drop_dead(p);
}
