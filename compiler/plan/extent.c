/* extent.c - sizes and strides of the kernel IR: constants times powers of B, S and chunks.
 *
 * The layout of a stored node is the order of its axes, row-major and dense. Rows stand outermost,
 * so a stride never contains B.
 */
#include "plan.h"

Extent extent_one(void)
{
    return (Extent){.n = 1};
}

Extent extent_axis(const Plan *p, const Axis *a)
{
    if (a == p->chunk)
        return (Extent){.n = 1, .chunks = 1};
    if (a->kind == AXIS_ROW)
        return (Extent){.n = 1, .rows = 1};
    if (a->kind == AXIS_SAMPLE)
        return (Extent){.n = 1, .samples = 1};
    return (Extent){.n = a->size};
}

Extent extent_mul(Extent a, Extent b)
{
    int64_t n;
    if (__builtin_mul_overflow(a.n, b.n, &n))
        ice("size overflow");
    return (Extent){n, a.rows + b.rows, a.samples + b.samples, a.chunks + b.chunks};
}

bool extent_equal(Extent a, Extent b)
{
    return a.n == b.n && a.rows == b.rows && a.samples == b.samples && a.chunks == b.chunks;
}

double extent_guess(Extent e, double rows, double draws)
{
    double x = (double)e.n;
    for (int i = 0; i < e.rows; i++)
        x *= rows;
    for (int i = 0; i < e.samples; i++)
        x *= draws;
    for (int i = 0; i < e.chunks; i++)
        x *= 4;
    return x;
}

Extent node_stride(const Plan *p, const Node *n, int axis)
{
    Extent e = extent_one();
    for (int i = axis + 1; i < n->n_axes; i++)
        e = extent_mul(e, extent_axis(p, n->axes[i]));
    return e;
}

Extent node_size(const Plan *p, const Node *n)
{
    return node_stride(p, n, -1);
}

Extent use_stride(const Plan *p, const Use *u, const Axis *a)
{
    Extent sum = {0};
    for (int i = 0; i < u->node->n_axes; i++) {
        if (u->index[i] != a)
            continue;
        Extent e = node_stride(p, u->node, i);
        if (sum.n == 0)
            sum = e;
        else if (e.samples == sum.samples && e.rows == sum.rows)
            sum.n += e.n;              /* a diagonal */
        else
            ice("diagonal over a run-time stride");
    }
    return sum;
}
