/* choose.c - how each contraction is computed: the one place that decides.
 *
 * A contraction sums a product of two operands over axes K. Of the axes of the result, M belong to
 * the first operand only, N to the second only, T to both. The table:
 *
 *     M  N  K  T     computed as                                           example
 *     x  x  x        one matrix product                                    x[n,p] W[p,h]
 *     x  x  x  x     a loop over T of matrix products                      z[n,s,p] W[s,p,h]
 *     x     x  *     loops: a reduction fused with its neighbours          x[n,p] w[p]    (gemv)
 *           x  *     loops                                                 a[n,d] b[n,d]  (dot)
 *     x  x     *     loops: an elementwise product                         a[n] b[h]      (ger)
 *     tiny products, operands whose axes cannot be seen as a matrix: loops
 *
 * Several axes act as one side of a matrix when they are adjacent in both layouts; those that are
 * not become loops around the product. With own register tiles a row of the table gets another
 * callee; nothing else changes.
 * requires:    operands, axes and over of the node are set
 * establishes: call and gemm, or false for loops
 */
#include "plan.h"

#define GUESS_ROWS 100                 /* run-time sizes, where a choice depends on them */
#define GUESS_DRAWS 4
#define PARTIAL_ELEMENTS 4096          /* results up to this size are summed per chunk of rows */
#define PANEL_ELEMENTS 65536           /* a panel of a gradient: fits the L2 cache with moments */

static Extent tir_stride(const Plan *p, const Node *n, const Axis *a)
{
    for (int i = 0; i < n->n_axes; i++)
        if (n->axes[i] == a)
            return node_stride(p, n, i);
    return (Extent){0};
}

/* Do the strides of axes[0..n) nest: is each the next one's stride times its size? */
static bool nests(const Plan *p, const Extent *stride, Axis *const *axes, int n)
{
    for (int i = 0; i + 1 < n; i++)
        if (!extent_equal(stride[i], extent_mul(stride[i + 1], extent_axis(p, axes[i + 1]))))
            return false;
    return true;
}

static bool nests_in_use(const Plan *p, const Use *u, Axis *const *axes, int n)
{
    Extent s[PLAN_RANK];
    for (int i = 0; i < n; i++)
        s[i] = use_stride(p, u, axes[i]);
    return nests(p, s, axes, n);
}

static bool nests_in_node(const Plan *p, const Node *node, Axis *const *axes, int n)
{
    Extent s[PLAN_RANK];
    for (int i = 0; i < n; i++)
        s[i] = tir_stride(p, node, axes[i]);
    return nests(p, s, axes, n);
}

static bool is_one(Extent e)
{
    return extent_equal(e, extent_one());
}

/* Moves leading axes of a group to the loops until the rest is one matrix dimension. */
static void shrink(const Plan *p, const Node *node, const Use *u, Axis **group, int *n, Gemm *g)
{
    while (*n > 1 && !(nests_in_use(p, u, group, *n) && nests_in_node(p, node, group, *n))) {
        g->loops[g->n_loops++] = group[0];
        for (int i = 1; i < *n; i++)
            group[i - 1] = group[i];
        --*n;
    }
}

/* Sorts the axes of the contraction into the four groups; false if one does not fit the pattern. */
static bool groups(const Node *node, const Use *a, const Use *b, Gemm *g)
{
    for (int i = 0; i < node->n_axes; i++) {
        Axis *x = node->axes[i];
        bool in_a = use_walks(a, x), in_b = use_walks(b, x);
        if (in_a && in_b)
            g->loops[g->n_loops++] = x;
        else if (in_a)
            g->m[g->n_m++] = x;
        else if (in_b)
            g->n[g->n_n++] = x;
        else if (!node->partial || i > 0)
            return false;
    }
    for (int j = 0; j < a->node->n_axes; j++)          /* K in the order of A's layout */
        for (int i = 0; i < node->n_over; i++)
            if (node->over[i] == a->index[j]) {
                if (!use_walks(b, node->over[i]))
                    return false;
                g->k[g->n_k++] = node->over[i];
            }
    return g->n_k == node->n_over && g->n_m && g->n_n && g->n_k;
}

/* Leading dimension and transposition of an operand with rows and columns of these strides. */
static bool leading(Extent rows, Extent columns, bool *trans, Extent *ld)
{
    *trans = !is_one(columns);
    *ld = *trans ? columns : rows;
    return is_one(*trans ? rows : columns);
}

static bool orient(const Plan *p, const Node *node, bool swap, Gemm *g)
{
    const Use *a = &node->in[swap], *b = &node->in[!swap];
    *g = (Gemm){.swap = swap};
    if (!groups(node, a, b, g) || node->axes[node->n_axes - 1] != g->n[g->n_n - 1])
        return false;
    shrink(p, node, a, g->m, &g->n_m, g);
    shrink(p, node, b, g->n, &g->n_n, g);
    if (!nests_in_use(p, a, g->k, g->n_k) || !nests_in_use(p, b, g->k, g->n_k))
        return false;
    const Axis *m = g->m[g->n_m - 1], *n = g->n[g->n_n - 1], *k = g->k[g->n_k - 1];
    if (!leading(use_stride(p, a, m), use_stride(p, a, k), &g->ta, &g->lda))
        return false;
    if (!leading(use_stride(p, b, k), use_stride(p, b, n), &g->tb, &g->ldb))
        return false;
    g->ldc = tir_stride(p, node, m);
    return is_one(tir_stride(p, node, n));
}

static double group_size(const Plan *p, Axis *const *axes, int n)
{
    double x = 1;
    for (int i = 0; i < n; i++)
        x *= extent_guess(extent_axis(p, axes[i]), GUESS_ROWS, GUESS_DRAWS);
    return x;
}

static bool whole(const Use *u)
{
    for (int i = 0; i < u->node->n_axes; i++)
        if (!u->index[i])
            return false;
    return true;
}

bool choose_product(Plan *p, Node *node)
{
    Gemm g;
    if (node->n_axes == 0 || !whole(&node->in[0]) || !whole(&node->in[1]))
        return false;
    if (!orient(p, node, false, &g) && !orient(p, node, true, &g))
        return false;
    double m = group_size(p, g.m, g.n_m), n = group_size(p, g.n, g.n_n);
    double k = group_size(p, g.k, g.n_k);
    if (m < 2 || n < 2 || m * n * k < 512)
        return false;
    for (int i = 0; i < g.n_loops; i++)
        if (g.loops[i] == p->row && m * n * k < 8192)
            return false;
    node->gemm = g;
    node->call = CALL_GEMM;
    return true;
}

bool choose_partial(const Plan *p, const Node *n)
{
    return extent_guess(node_size(p, n), GUESS_ROWS, GUESS_DRAWS) <= PARTIAL_ELEMENTS;
}

int64_t choose_panel(const Plan *p, const Node *n, Axis *domain)
{
    double all = extent_guess(node_size(p, n), GUESS_ROWS, GUESS_DRAWS);
    double inner = all / (double)domain->size;
    if (all <= PARTIAL_ELEMENTS)
        return domain->size;
    int64_t count = (int64_t)(all / PANEL_ELEMENTS) + 1;
    if (count < 4 && domain->size >= 64)
        count = 4;                     /* a few units of work for a few threads */
    int64_t panel = (domain->size + count - 1) / count;
    int64_t unit = inner >= 16 ? 8 : 16;
    panel = (panel + unit - 1) / unit * unit;
    return panel < domain->size ? panel : domain->size;
}
