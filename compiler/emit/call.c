/* call.c - runtime calls: products, factorizations, random fills.
 *
 * An operand is an address and strides. The address of a view is its buffer plus constant shifts,
 * plus the start of the body's range, plus the positions of the loops around the call.
 */
#include <string.h>

#include "emit.h"

/* Start of what the body may touch along the domain axis. */
static Str domain_start(const Emit *e, const Body *b)
{
    Str lo, hi;
    text_from(e, b, &lo, &hi);
    return lo;
}

static bool listed(Axis *const *axes, int n, const Axis *a)
{
    for (int i = 0; i < n; i++)
        if (axes[i] == a)
            return true;
    return false;
}

/* Position along axis a at the start of the call: a loop variable, the range's start, or 0. */
static Str start_of(const Emit *e, const Body *b, const Axis *a, Axis *const *loops, int n_loops)
{
    if (listed(loops, n_loops, a) || a == e->p->chunk)
        return text_axis(e, a);
    return a == b->domain ? domain_start(e, b) : str(e->c, "0");
}

static Str address(const Emit *e, const Body *b, const Use *u, Axis *const *loops, int n_loops)
{
    Str sum = text_base(e, u->node->buffer);
    for (int i = 0; i < u->node->n_axes; i++) {
        Extent stride = node_stride(e->p, u->node, i);
        Str at = start_of(e, b, u->index[i], loops, n_loops);
        if (u->shift[i])
            at = text_sum(e, at, str_fmt(e->c, "%lld", (long long)u->shift[i]));
        Str offset = text_product(e, at, text_extent(e, stride));
        if (strcmp(offset, "0"))
            sum = str_fmt(e->c, "%s + %s", sum, offset);
    }
    return sum;
}

/* Number of points of an axis that the body covers. */
static Str points(const Emit *e, const Body *b, const Axis *a)
{
    Str lo, hi;
    if (a != b->domain)
        return text_size(e, a);
    text_from(e, b, &lo, &hi);
    return str_fmt(e->c, "%s - %s", hi, lo);
}

static Str group_points(const Emit *e, const Body *b, Axis *const *axes, int n)
{
    Str product = str(e->c, "1");
    for (int i = 0; i < n; i++)
        product = text_product(e, product, points(e, b, axes[i]));
    return product;
}

static void open_loops(const Emit *e, const Body *b, Out *o, Axis *const *axes, int n)
{
    for (int i = 0; i < n; i++) {
        Str v = text_axis(e, axes[i]), lo = str(e->c, "0"), hi = text_size(e, axes[i]);
        if (axes[i] == b->domain)
            text_from(e, b, &lo, &hi);
        out_printf(o, "for (long %s = %s; %s < %s; %s++)\n", v, lo, v, hi, v);
        out_indent(o, 1);
    }
}

static const char *truth(bool b)
{
    return b ? "true" : "false";
}

static void shape_comment(const Emit *e, const Node *n, Out *o)
{
    Str place = text_place(e, n), text = str_fmt(e->c, "/* %s [", n->buffer->name);
    for (int i = 0; i < n->n_axes; i++)
        text = str_fmt(e->c, "%s%s%s", text, i ? ", " : "", text_axis(e, n->axes[i]));
    if (*place)
        place = str_fmt(e->c, "  [%s]", place);
    if (n->call == CALL_GEMM) {
        Str product = str_fmt(e->c, "= %s %s, %.3g Mflop for 100 rows%s",
                              n->in[0].node->buffer->name, n->in[1].node->buffer->name,
                              node_cost(e->p, n, 100, 1) / 1e6, place);
        bool one_line = strlen(text) + strlen(product) < 90;
        out_printf(o, "%s]%s%s */\n", text, one_line ? " " : "\n *   ", product);
    } else {
        out_printf(o, "%s]%s */\n", text, place);
    }
}

static void emit_gemm(const Emit *e, const Body *b, const Node *n, Out *o)
{
    const Gemm *g = &n->gemm;
    const Use *A = &n->in[g->swap], *B = &n->in[!g->swap];
    Use C = use_whole((Node *)n);
    Axis *const *loops = g->loops;
    open_loops(e, b, o, loops, g->n_loops);
    text_wrapped(o, str_fmt(e->c, "dgm_gemm(%s, %s, %s, %s, %s, %s, %s, %s, %s, %d, %s, %s);",
                            truth(g->ta), truth(g->tb), group_points(e, b, g->m, g->n_m),
                            group_points(e, b, g->n, g->n_n), group_points(e, b, g->k, g->n_k),
                            address(e, b, A, loops, g->n_loops), text_extent(e, g->lda),
                            address(e, b, B, loops, g->n_loops), text_extent(e, g->ldb),
                            n->inplace != NULL, address(e, b, &C, loops, g->n_loops),
                            text_extent(e, g->ldc)));
    out_puts(o, "\n");
    out_indent(o, -g->n_loops);
}

static void emit_random(const Emit *e, const Body *b, const Node *n, Out *o)
{
    bool rows = b->domain && n->n_axes && n->axes[0] == b->domain;
    Extent per = rows ? node_stride(e->p, n, 0) : node_size(e->p, n);
    Str size = text_extent(e, per), first = str(e->c, "0"), count = size;
    Str parameters = str(e->c, "");
    Use out = use_whole((Node *)n);
    if (rows) {
        first = text_product(e, str_fmt(e->c, "c->first_row + %s", domain_start(e, b)), size);
        count = text_product(e, points(e, b, b->domain), size);
    }
    for (int k = 0; k < n->n_in; k++)
        parameters =
            str_fmt(e->c, "%s, %s", parameters, address(e, b, &n->in[k], NULL, 0));
    text_wrapped(o, str_fmt(e->c, "%s(c, %d, %s%s, %s, %s);", op_info[n->op].ctext, n->v->site,
                            address(e, b, &out, NULL, 0), parameters, first, count));
    out_puts(o, "\n");
}

static void emit_matrix(const Emit *e, const Body *b, const Node *n, Out *o)
{
    Use out = use_whole((Node *)n);
    text_wrapped(o, str_fmt(e->c, "%s(%s, %s, %s, %s);", op_info[n->op].ctext,
                            group_points(e, b, n->axes, n->n_axes - 2),
                            text_size(e, n->axes[n->n_axes - 1]),
                            address(e, b, &n->in[0], NULL, 0), address(e, b, &out, NULL, 0)));
    out_puts(o, "\n");
}

/* Leading axes of the result that L has too are a batch when they are all of L's; otherwise each
 * point is a call. */
static void emit_trisolve(const Emit *e, const Body *b, const Node *n, Out *o)
{
    int lead = 0;
    while (n->axes[lead] != n->to[0])
        lead++;
    const Node *L = n->in[0].node;
    bool batch = L->n_axes - 2 == lead;
    for (int i = 0; i < lead && batch; i++)
        batch = n->in[0].index[i] == n->axes[i];
    int n_loops = batch ? 0 : lead;
    Use out = use_whole((Node *)n);
    open_loops(e, b, o, n->axes, n_loops);
    text_wrapped(o, str_fmt(e->c, "dgm_trisolve(%s, %s, %s, %s, %s, %s, %s);",
                            batch ? group_points(e, b, n->axes, lead) : "1", truth(n->v->flag),
                            text_size(e, n->to[0]),
                            group_points(e, b, n->axes + lead + 1, n->n_axes - lead - 1),
                            address(e, b, &n->in[0], n->axes, n_loops),
                            address(e, b, &n->in[1], n->axes, n_loops),
                            address(e, b, &out, n->axes, n_loops)));
    out_puts(o, "\n");
    out_indent(o, -n_loops);
}

/* Each point of the batch axes is a call, which runs the program of the step along the sequence. */
static void emit_scan(const Emit *e, const Body *b, const Node *n, Out *o)
{
    int n_loops = n->n_axes - 2;
    const Axis *each = n->v->over[1 + SCAN_EACH];
    Use out = use_whole((Node *)n);
    open_loops(e, b, o, n->axes, n_loops);
    Str sizes = str_fmt(e->c, "%lld, %lld", (long long)each->size, (long long)n->v->to[0]->size);
    text_wrapped(o, str_fmt(e->c, "dgm_scan(&program_%s, %s, %s, %s, %s, %s, %s, %s);",
                            n->step->name, text_size(e, n->axes[n->n_axes - 2]),
                            truth(n->v->flag), sizes, address(e, b, &n->in[0], n->axes, n_loops),
                            address(e, b, &n->in[1], n->axes, n_loops),
                            address(e, b, &n->in[2], n->axes, n_loops),
                            address(e, b, &out, n->axes, n_loops)));
    out_puts(o, "\n");
    out_indent(o, -n_loops);
}

void emit_call(Emit *e, const Kernel *k, Out *o)
{
    const Node *n = k->nodes[0];
    shape_comment(e, n, o);
    if (n->call == CALL_GEMM)
        emit_gemm(e, k->body, n, o);
    else if (n->op == OP_CHOLESKY || n->op == OP_INVERSE)
        emit_matrix(e, k->body, n, o);
    else if (n->op == OP_TRISOLVE)
        emit_trisolve(e, k->body, n, o);
    else if (n->op == OP_SCAN)
        emit_scan(e, k->body, n, o);
    else
        emit_random(e, k->body, n, o);
}
