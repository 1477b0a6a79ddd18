/* elbo.c - the evidence lower bound as a deterministic function, climbed by quasi-Newton steps.
 *
 * Idea: with the noise of the draws held fixed, the average of log p over u = mean + factor e +
 * sd e' plus the exact entropy is a smooth function of (mean, factor, sd) (sample-average
 * approximation: Giordano, Ingram & Broderick 2024; Burroni, Domke & Sheldon 2023). The noise
 * comes in pairs with exact second moments, so that the bound of a Gaussian density has no error
 * at all. Free parameters are steps from where the fit began, in its own scales: near the optimum
 * the second derivatives are then close to 1 and few iterations are needed.
 */
#include "infer/infer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STRETCH = 40 };                 /* iterations in the scales of where they began */

/* The diagonal stays above this share of what it was: a factor may explain all of a direction. */
static const double LEAST_SD = 1e-3;

typedef struct Bound {
    Target *t;
    const Gaussian *from;              /* where the fit began */
    Gaussian q;                        /* of the present parameters */
    long M;
    const double *E;                   /* [M][noise] */
    double *U, *G, *value;             /* [M][n], [M][n], [M] */
    double *slope;                     /* [n][rank] of the factor, scratch */
    Trace *trace;
} Bound;

static bool full(const Bound *b)
{
    return b->q.kind == FAMILY_FULLRANK;
}

/* Parameters: n of the mean, then n logs of the diagonal, then the rest of the factor. */
static long parameters(const Gaussian *q)
{
    return 2 * q->n + (q->kind == FAMILY_FULLRANK ? q->n * (q->n - 1) / 2 : q->n * q->rank);
}

/* factor = from (lower triangle with exp on its diagonal) */
static void set_lower(Bound *b, const double *x)
{
    long n = b->q.n;
    const double *log_diagonal = x + n, *below = x + 2 * n;
    double *A = b->slope;

    memset(A, 0, (size_t)(n * n) * sizeof *A);
    for (long i = 0; i < n; i++) {
        A[i * n + i] = exp(log_diagonal[i]);
        for (long k = 0; k < i; k++)
            A[i * n + k] = *below++;
    }
    dense_product(false, false, n, n, n, b->from->factor, A, 0, b->q.factor);
}

static void set(Bound *b, const double *x)
{
    const Gaussian *from = b->from;
    long n = b->q.n, rank = b->q.rank;

    if (full(b)) {
        memcpy(b->q.mean, from->mean, (size_t)n * sizeof *x);
        dense_product(false, false, n, 1, n, from->factor, x, 1, b->q.mean);
        set_lower(b, x);
        return;
    }
    for (long i = 0; i < n; i++) {
        b->q.mean[i] = from->mean[i] + from->sd[i] * x[i];
        b->q.sd[i] = from->sd[i] * (exp(x[n + i]) + LEAST_SD) / (1 + LEAST_SD);
        for (long k = 0; k < rank; k++)
            b->q.factor[i * rank + k] = from->factor[i * rank + k]
                                      + from->sd[i] * x[2 * n + i * rank + k];
    }
}

/* ---- the gradient ---------------------------------------------------------------------------- */

static double mean_of(long M, const double *x)
{
    double sum = 0;

    for (long i = 0; i < M; i++)
        sum += x[i];
    return sum / (double)M;
}

/* slope[n][rank] = mean over draws of gradient noise' */
static void slope_of_factor(Bound *b)
{
    long noise = gaussian_noise(&b->q), rank = b->q.rank;

    dense_slope(b->M, b->q.n, rank, b->G, b->E + noise - rank, noise, b->slope);
}

static void mean_gradient(const Bound *b, double *g)
{
    long n = b->q.n;

    for (long i = 0; i < n; i++)
        g[i] = 0;
    for (long m = 0; m < b->M; m++)
        for (long i = 0; i < n; i++)
            g[i] += b->G[m * n + i] / (double)b->M;
}

/* Through mean = from + factor a and factor = from A; log |A| is the sum of its logs. */
static double full_gradient(Bound *b, const double *x, double *g)
{
    long n = b->q.n;
    double *mean = dgm_alloc((size_t)(n * n + n) * sizeof *mean), *A = mean + n;
    double *below = g + 2 * n, entropy = 0;

    mean_gradient(b, mean);
    dense_product(true, false, n, 1, n, b->from->factor, mean, 0, g);
    dense_product(true, false, n, n, n, b->from->factor, b->slope, 0, A);
    for (long i = 0; i < n; i++) {
        g[n + i] = A[i * n + i] * exp(x[n + i]) + 1;
        entropy += x[n + i] + log(fabs(b->from->factor[i * n + i]));
        for (long k = 0; k < i; k++)
            *below++ = A[i * n + k];
    }
    free(mean);
    return entropy;
}

/* Half the logarithm of det(sd^2 + F F'), and its gradient by sd and F: C^-1 has the form
 * D - D F (I + F' D F)^-1 F' D with D = sd^-2 (Woodbury). */
static double diagonal_entropy(const Gaussian *q, double *by_sd, double *by_factor)
{
    long n = q->n, r = q->rank;
    double *room = dgm_alloc((size_t)(r * r + n * r + 1) * sizeof *room);
    double *inner = gaussian_inner(q), *inverse = room, *DF = inverse + r * r;
    double sum = gaussian_half_log_det(q, inner);

    for (long i = 0; i < n * r; i++)
        DF[i] = q->factor[i] / (q->sd[i / r] * q->sd[i / r]);
    dense_lower_inverse(r, inner, inverse);
    for (long i = 0; i < n; i++) {     /* row i of D F L'^-1, then of C^-1 F = D F (inner)^-1 */
        double square = 0;

        for (long k = 0; k < r; k++) {
            double w = 0;

            for (long l = 0; l <= k; l++)
                w += inverse[k * r + l] * DF[i * r + l];
            square += w * w;
        }
        by_sd[i] = q->sd[i] * (1 / (q->sd[i] * q->sd[i]) - square);
        for (long k = 0; k < r; k++)
            by_factor[i * r + k] = DF[i * r + k];
        dense_solve_lower(r, inner, by_factor + i * r);
        dense_solve_upper(r, inner, by_factor + i * r);
    }
    free(inner);
    free(room);
    return sum;
}

static double diagonal_gradient(Bound *b, double *g)
{
    const Gaussian *from = b->from;
    long n = b->q.n, rank = b->q.rank, noise = gaussian_noise(&b->q);
    double *by_sd = dgm_alloc((size_t)(n + n * rank + 1) * sizeof *by_sd), *by_factor = by_sd + n;
    double entropy = diagonal_entropy(&b->q, by_sd, by_factor);

    mean_gradient(b, g);
    for (long i = 0; i < n; i++) {
        double slope = 0;

        for (long m = 0; m < b->M; m++)
            slope += b->G[m * n + i] * b->E[m * noise + i] / (double)b->M;
        g[i] *= from->sd[i];
        g[n + i] = (slope + by_sd[i]) * (b->q.sd[i] - from->sd[i] * LEAST_SD / (1 + LEAST_SD));
        for (long k = 0; k < rank; k++)
            g[2 * n + i * rank + k] = from->sd[i]
                                    * (b->slope[i * rank + k] + by_factor[i * rank + k]);
    }
    free(by_sd);
    return entropy;
}

static double negative_bound(void *of, const double *x, double *gradient)
{
    Bound *b = of;
    long n = b->q.n;

    set(b, x);
    gaussian_draw(&b->q, b->M, b->E, b->U);
    target_rows(b->t, b->M, b->U, b->value, b->G);
    double value = mean_of(b->M, b->value);
    if (!isfinite(value))
        return INFINITY;
    slope_of_factor(b);
    value += full(b) ? full_gradient(b, x, gradient) : diagonal_gradient(b, gradient);
    for (long i = 0; i < parameters(&b->q); i++)
        gradient[i] = -gradient[i];
    return -(value + (double)n / 2 * log(2 * M_PI * M_E));
}

/* ---- how much the draws matter --------------------------------------------------------------- */

/* Standard error of the means, in standard deviations of q, from the choice of the noise: where the
 * density is Gaussian, whitened gradients are -e; what they are beyond that varies from pair to
 * pair. */
static double mean_error(const Bound *b)
{
    long n = b->q.n, H = b->M / 2;
    double *W = dgm_alloc((size_t)(H * n + 1) * sizeof *W), *R = W, largest = 0;

    for (long i = 0; i < H * n; i++)   /* the noise of a pair cancels */
        W[i] = (b->G[i] + b->G[H * n + i]) / 2 * (full(b) ? 1 : b->q.sd[i % n]);
    if (full(b)) {
        R = dgm_alloc((size_t)(H * n + 1) * sizeof *R);
        dense_product(false, false, H, n, n, W, b->q.factor, 0, R);
    }
    for (long j = 0; j < n; j++) {
        double sum = 0, square = 0;

        for (long m = 0; m < H; m++) {
            sum += R[m * n + j] / (double)H;
            square += R[m * n + j] * R[m * n + j] / (double)H;
        }
        double error = sqrt(fmax(0, square - sum * sum) / (double)H);
        largest = error > largest ? error : largest;
    }
    if (R != W)
        free(R);
    free(W);
    return largest;
}

static void visit(void *of, const double *x, double f, const double *gradient)
{
    Trace *trace = ((Bound *)of)->t->trace;

    (void)x;
    (void)gradient;
    if (trace == NULL)
        return;
    if (trace->n == trace->room) {
        trace->room = 2 * trace->room + 64;
        double *more = dgm_alloc((size_t)trace->room * sizeof *more);
        if (trace->n > 0)
            memcpy(more, trace->bound, (size_t)trace->n * sizeof *more);
        free(trace->bound);
        trace->bound = more;
    }
    trace->bound[trace->n++] = -f;
}

BoundFit elbo_fit(Target *t, Gaussian *q, uint64_t seed, uint64_t stream, long M)
{
    long n = q->n, noise = gaussian_noise(q), count = parameters(q);
    size_t widest = (size_t)(n * (q->rank > n ? q->rank : n));
    double *E = dgm_alloc((size_t)(M * noise + 1) * sizeof *E);
    double *x = dgm_alloc((size_t)(2 * count + 1) * sizeof *x);
    double *room = dgm_alloc((size_t)(2 * M * n + M + 1) * sizeof *room);
    Bound b = {.t = t, .from = q, .q = gaussian_copy(q), .M = M, .E = E, .U = room,
               .G = room + M * n, .value = room + 2 * M * n,
               .slope = dgm_alloc((widest + 1) * sizeof(double))};

    noise_balanced(seed, stream, M, noise, E);
    Descent d = lbfgs(negative_bound, &b, count, x, (DescentRules){1e-5, STRETCH, visit});
    double f = negative_bound(&b, x, x + count);
    BoundFit fit = {.elbo = -f, .draws = M, .iterations = d.iterations, .converged = d.converged,
                    .error = mean_error(&b)};
    gaussian_free(q);
    *q = b.q;
    free(b.slope);
    free(room);
    free(x);
    free(E);
    return fit;
}
