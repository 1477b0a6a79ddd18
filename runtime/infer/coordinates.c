/* coordinates.c - a Gaussian as a vector, for a descent over Gaussians.
 *
 * Idea: free parameters are steps from where a fit began, in its own scales: near the optimum the
 * second derivatives are then close to 1 and few iterations are needed. They are n steps of the
 * mean, then n logarithms of the diagonal, then the rest of the factor.
 */
#include "infer/infer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The diagonal stays above this share of what it was: a factor may explain all of a direction. */
static const double LEAST_SD = 1e-3;

static bool full(const Gaussian *q)
{
    return q->kind == FAMILY_FULLRANK;
}

long coordinates_count(const Gaussian *q)
{
    return 2 * q->n + (full(q) ? q->n * (q->n - 1) / 2 : q->n * q->rank);
}

/* factor = from (lower triangle with exp on its diagonal) */
static void set_lower(const Gaussian *from, const double *x, Gaussian *q)
{
    long n = q->n;
    const double *log_diagonal = x + n, *below = x + 2 * n;
    double *A = dgm_alloc((size_t)(n * n + 1) * sizeof *A);

    for (long i = 0; i < n; i++) {
        A[i * n + i] = exp(log_diagonal[i]);
        for (long k = 0; k < i; k++)
            A[i * n + k] = *below++;
    }
    dense_product(false, false, n, n, n, from->factor, A, 0, q->factor);
    free(A);
}

void coordinates_set(const Gaussian *from, const double *x, Gaussian *q)
{
    long n = q->n, rank = q->rank;

    if (full(q)) {
        memcpy(q->mean, from->mean, (size_t)n * sizeof *x);
        dense_product(false, false, n, 1, n, from->factor, x, 1, q->mean);
        set_lower(from, x, q);
        return;
    }
    for (long i = 0; i < n; i++) {
        q->mean[i] = from->mean[i] + from->sd[i] * x[i];
        q->sd[i] = from->sd[i] * (exp(x[n + i]) + LEAST_SD) / (1 + LEAST_SD);
        for (long k = 0; k < rank; k++)
            q->factor[i * rank + k] = from->factor[i * rank + k]
                                    + from->sd[i] * x[2 * n + i * rank + k];
    }
}

/* Through mean = from + factor a and factor = from A; log |A| is the sum of its logs. */
static void full_gradient(const Gaussian *from, const double *x, const double *by_mean,
                          const double *by_factor, double entropy, double *g)
{
    long n = from->n;
    double *A = dgm_alloc((size_t)(n * n + 1) * sizeof *A), *below = g + 2 * n;

    dense_product(true, false, n, 1, n, from->factor, by_mean, 0, g);
    dense_product(true, false, n, n, n, from->factor, by_factor, 0, A);
    for (long i = 0; i < n; i++) {
        g[n + i] = A[i * n + i] * exp(x[n + i]) + entropy;
        for (long k = 0; k < i; k++)
            *below++ = A[i * n + k];
    }
    free(A);
}

void coordinates_gradient(const Gaussian *from, const Gaussian *q, const double *x,
                          const double *by_mean, const double *by_sd, const double *by_factor,
                          double entropy, double *g)
{
    long n = q->n, rank = q->rank;

    if (full(q)) {
        full_gradient(from, x, by_mean, by_factor, entropy, g);
        return;
    }
    for (long i = 0; i < n; i++) {
        g[i] = by_mean[i] * from->sd[i];
        g[n + i] = by_sd[i] * (q->sd[i] - from->sd[i] * LEAST_SD / (1 + LEAST_SD));
        for (long k = 0; k < rank; k++)
            g[2 * n + i * rank + k] = from->sd[i] * by_factor[i * rank + k];
    }
}
