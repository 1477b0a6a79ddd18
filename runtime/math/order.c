/* order.c - values in rising order, and quantiles of weighted ones. */
#include "math/order.h"

#include <stdlib.h>

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static int by_weighted_value(const void *a, const void *b)
{
    return by_value(&((const Weighted *)a)->x, &((const Weighted *)b)->x);
}

void values_sort(double *x, long n)
{
    qsort(x, (size_t)n, sizeof *x, by_value);
}

void weighted_sort(Weighted *w, long n)
{
    qsort(w, (size_t)n, sizeof *w, by_weighted_value);
}

double weighted_quantile(const Weighted *w, long n, double p)
{
    double before = 0, last = 0, at = 0;

    for (long i = 0; i < n; i++) {
        if (w[i].weight >= 1)
            return w[i].x;
        at = before / (1 - w[i].weight);
        if (at >= p)
            return i == 0 || at == last
                 ? w[i].x : w[i - 1].x + (p - last) / (at - last) * (w[i].x - w[i - 1].x);
        last = at;
        before += w[i].weight;
    }
    return w[n - 1].x;
}
