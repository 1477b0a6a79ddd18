/* elbo.c - the evidence lower bound as a deterministic function, climbed by quasi-Newton steps.
 *
 * Idea: with the noise of the draws held fixed, the average of log p over u = mean + factor e +
 * sd e' plus the exact entropy is a smooth function of (mean, factor, sd) (sample-average
 * approximation: Giordano, Ingram & Broderick 2024; Burroni, Domke & Sheldon 2023). The noise
 * comes in pairs with exact second moments, so that the bound of a Gaussian density has no error
 * at all. Mixtures: mixture_elbo.c.
 */
#include "infer/infer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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

static bool full(const Gaussian *q)
{
    return q->kind == FAMILY_FULLRANK;
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

static double full_gradient(Bound *b, const double *x, double *g)
{
    long n = b->q.n;
    double *mean = dgm_alloc((size_t)(n + 1) * sizeof *mean), entropy = 0;

    mean_gradient(b, mean);
    coordinates_gradient(b->from, &b->q, x, mean, NULL, b->slope, 1, g);
    for (long i = 0; i < n; i++)
        entropy += x[n + i] + log(fabs(b->from->factor[i * n + i]));
    free(mean);
    return entropy;
}

/* C^-1 has the form D - D F (I + F' D F)^-1 F' D with D = sd^-2 (Woodbury). */
double elbo_diagonal_entropy(const Gaussian *q, double *by_sd, double *by_factor)
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

static double diagonal_gradient(Bound *b, const double *x, double *g)
{
    long n = b->q.n, rank = b->q.rank, noise = gaussian_noise(&b->q);
    double *by_sd = dgm_alloc((size_t)(2 * n + n * rank + 1) * sizeof *by_sd), *mean = by_sd + n;
    double *by_factor = mean + n, entropy = elbo_diagonal_entropy(&b->q, by_sd, by_factor);

    mean_gradient(b, mean);
    for (long i = 0; i < n; i++) {
        double slope = 0;

        for (long m = 0; m < b->M; m++)
            slope += b->G[m * n + i] * b->E[m * noise + i] / (double)b->M;
        by_sd[i] += slope;
    }
    for (long i = 0; i < n * rank; i++)
        by_factor[i] += b->slope[i];
    coordinates_gradient(b->from, &b->q, x, mean, by_sd, by_factor, 0, g);
    free(by_sd);
    return entropy;
}

static double negative_bound(void *of, const double *x, double *gradient)
{
    Bound *b = of;
    long n = b->q.n;

    coordinates_set(b->from, x, &b->q);
    gaussian_draw(&b->q, b->M, b->E, b->U);
    target_rows(b->t, b->M, b->U, b->value, b->G);
    double value = mean_of(b->M, b->value);
    if (!isfinite(value))
        return INFINITY;
    slope_of_factor(b);
    value += full(&b->q) ? full_gradient(b, x, gradient) : diagonal_gradient(b, x, gradient);
    for (long i = 0; i < coordinates_count(&b->q); i++)
        gradient[i] = -gradient[i];
    return -(value + (double)n / 2 * log(2 * M_PI * M_E));
}

/* ---- how much the draws matter --------------------------------------------------------------- */

/* Where the density is Gaussian, whitened gradients are -e; what they are beyond that varies from
 * pair to pair. */
double elbo_mean_error(const Gaussian *q, long M, const double *G)
{
    long n = q->n, H = M / 2;
    double *W = dgm_alloc((size_t)(H * n + 1) * sizeof *W), *R = W, largest = 0;

    for (long i = 0; i < H * n; i++)   /* the noise of a pair cancels */
        W[i] = (G[i] + G[H * n + i]) / 2 * (full(q) ? 1 : q->sd[i % n]);
    if (full(q)) {
        R = dgm_alloc((size_t)(H * n + 1) * sizeof *R);
        dense_product(false, false, H, n, n, W, q->factor, 0, R);
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

static bool visit(void *of, const double *x, double f, const double *gradient)
{
    (void)x;
    (void)gradient;
    trace_add(((Bound *)of)->t->trace, -f);
    return !target_late(((Bound *)of)->t);
}

void bound_join(BoundFit *all, const BoundFit *fit)
{
    all->error = fmax(all->error, fit->error);
    all->draws = fit->draws > all->draws ? fit->draws : all->draws;
    all->iterations += fit->iterations;
    all->converged = all->converged && fit->converged;
}

BoundFit elbo_fit(Target *t, Gaussian *q, uint64_t seed, uint64_t stream, long M)
{
    long n = q->n, noise = gaussian_noise(q), count = coordinates_count(q);
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
                    .error = elbo_mean_error(&b.q, M, b.G)};
    gaussian_free(q);
    *q = b.q;
    free(b.slope);
    free(room);
    free(x);
    free(E);
    return fit;
}
