/* summary.c - means, standard deviations and quantiles of weighted draws. */
#include "math/order.h"
#include "query/query.h"

#include <math.h>
#include <stdlib.h>

enum { MEAN, SD, Q05, Q50, Q95, N_STATISTICS };
static const char *const statistic[N_STATISTICS] = { "mean", "sd", "q05", "q50", "q95" };

/* Of element j; w [M]: scratch. */
static void summarise(const Quantity *q, long j, long M, const double *weight, Weighted *w,
                      double *out)
{
    double sum = 0, square = 0, square_weight = 0;
    const long all = M;

    for (long k = 0; k < M; k++) {
        w[k] = (Weighted){q->draws[k * q->shape.count + j], weight ? weight[k] : 1 / (double)M};
        if (w[k].weight == 0)          /* may be anything, NaN included */
            w[k].x = INFINITY;
        else
            sum += w[k].weight * w[k].x;
        square_weight += w[k].weight * w[k].weight;
    }
    for (long k = 0; k < M; k++)
        if (w[k].weight > 0)
            square += w[k].weight * (w[k].x - sum) * (w[k].x - sum);
    weighted_sort(w, M);
    while (M > 1 && w[M - 1].weight == 0)
        M--;
    out[MEAN] = sum;
    out[SD] = square_weight < 1 ? sqrt(square / (1 - square_weight)) : 0;
    out[Q05] = weighted_quantile(w, M, 0.05);
    out[Q50] = weighted_quantile(w, M, 0.5);
    out[Q95] = weighted_quantile(w, M, 0.95);
    for (int k = SD; k < N_STATISTICS && all == 1; k++)
        out[k] = NAN;                  /* one draw has no spread */
}

static void print_statistic(double x)
{
    if (isnan(x))
        printf(" %12s", "-");
    else
        printf(" %12.5g", x);
}

void summaries_print(const Quantity *q, int n, long M, const double *weight)
{
    enum { SHOWN = 20 };
    Weighted *w = dgm_alloc((size_t)M * sizeof *w);
    double of[N_STATISTICS];

    printf("%-20s", "quantity");
    for (int i = 0; i < N_STATISTICS; i++)
        printf(" %12s", statistic[i]);
    printf("\n");
    for (int i = 0; i < n; i++) {
        for (long j = 0; j < q[i].shape.count && j < SHOWN; j++) {
            char name[240];

            summarise(&q[i], j, M, weight, w, of);
            element_text(q[i].name, q[i].shape, j, name, sizeof name);
            if (isnan(of[MEAN]) && isnan(of[Q50])) {     /* of a cell that does not count */
                printf("%-20s %12s\n", name, "no value");
                continue;
            }
            printf("%-20s", name);
            for (int k = 0; k < N_STATISTICS; k++)
                print_statistic(of[k]);
            printf("\n");
        }
        if (q[i].shape.count > SHOWN)
            printf("%-20s %ld more: --out has all\n", "..", q[i].shape.count - SHOWN);
    }
    free(w);
}

json_t *summary_json(const Quantity *q, long M, const double *weight)
{
    Weighted *w = dgm_alloc((size_t)M * sizeof *w);
    double *all = dgm_alloc((size_t)(N_STATISTICS * q->shape.count + 1) * sizeof *all);
    double of[N_STATISTICS];
    json_t *object = json_object();

    for (long j = 0; j < q->shape.count; j++) {
        summarise(q, j, M, weight, w, of);
        for (int k = 0; k < N_STATISTICS; k++)
            all[k * q->shape.count + j] = of[k];
    }
    for (int k = 0; k < N_STATISTICS; k++)
        json_object_set_new(object, statistic[k],
                            values_json(all + k * q->shape.count, q->shape, DGM_ELEM_REAL));
    free(all);
    free(w);
    return object;
}

json_t *quantity_json(const Quantity *q, long M)
{
    return values_json(q->draws, shape_of(true, M, q->shape.rank, q->shape.axis), q->elem);
}
