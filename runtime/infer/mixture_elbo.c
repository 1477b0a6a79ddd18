/* mixture_elbo.c - the bound of a mixture as a deterministic function, climbed as a Gaussian's.
 *
 * Idea: the bound of q = sum_k w_k q_k is stratified, sum_k w_k E_{q_k}[log p - log q], each mean
 * over M balanced draws u = mean_k + factor_k e of its part, with the noise held fixed (elbo.c).
 * The entropy is no closed form: log q stands in the mean. A parameter of part k moves its own
 * draws, by which log p and log q change, and the density of q at all draws: of the latter, part k
 * has the share r_k(u) = w_k q_k(u) / q(u). Parameters are those of each part (coordinates.c), then
 * logarithms of the weights up to a constant.
 */
#include "infer/infer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Of the bound by one part: [n], [n], [n][rank]. */
typedef struct Slopes { double *mean, *sd, *factor; } Slopes;

typedef struct Bound {
    Target *t;
    const Mixture *from;               /* where the fit began */
    Mixture q;                         /* of the present parameters */
    long M, all;                       /* draws of a part, of all parts */
    double **E;                        /* [parts], [M][noise] */
    double *U, *G, *value;             /* [all][n], [all][n], [all] */
    double *V;                         /* [all][n]: C_k^-1 (u - mean_k), of one part */
    double *share;                     /* [parts][all] */
    Slopes *slopes;                    /* [parts] */
} Bound;

static void set(Bound *b, const double *x)
{
    long K = b->q.parts;
    double *log_weight = dgm_alloc((size_t)(K + 1) * sizeof *log_weight);

    for (long k = 0; k < K; k++) {
        coordinates_set(&b->from->part[k], x, &b->q.part[k]);
        x += coordinates_count(&b->q.part[k]);
    }
    for (long k = 0; k < K; k++)
        log_weight[k] = log(b->from->weight[k]) + x[k];
    mixture_weigh(&b->q, log_weight);
    free(log_weight);
}

/* Shares of the parts at all draws; value becomes log p - log q. */
static void compare(Bound *b)
{
    long K = b->q.parts;

    for (long k = 0; k < K; k++)
        gaussian_log_density(&b->q.part[k], b->all, b->U, b->share + k * b->all);
    for (long m = 0; m < b->all; m++) {
        double top = -INFINITY, sum = 0;

        for (long k = 0; k < K; k++)
            top = fmax(top, b->share[k * b->all + m] += log(b->q.weight[k]));
        for (long k = 0; k < K; k++)
            sum += b->share[k * b->all + m] = exp(b->share[k * b->all + m] - top);
        for (long k = 0; k < K; k++)
            b->share[k * b->all + m] /= sum;
        b->value[m] -= top + log(sum);
    }
}

/* V of part k; G, of log p by u, gets what this part has in that of log p - log q. */
static void score(Bound *b, long k)
{
    long n = b->q.n;

    gaussian_scores(&b->q.part[k], b->all, b->U, b->V);
    for (long m = 0; m < b->all; m++)
        for (long i = 0; i < n; i++)
            b->G[m * n + i] += b->share[k * b->all + m] * b->V[m * n + i];
}

/* What the draws of part k do by moving, times its weight. */
static void add_moves(Bound *b, long k)
{
    const Gaussian *q = &b->q.part[k];
    Slopes s = b->slopes[k];
    long n = q->n, rank = q->rank, noise = gaussian_noise(q), M = b->M;
    const double *G = b->G + k * M * n, *E = b->E[k];
    double each = b->q.weight[k] / (double)M;
    double *moved = dgm_alloc((size_t)(n * rank + 1) * sizeof *moved);

    dense_slope(M, n, rank, G, E + noise - rank, noise, moved);
    for (long i = 0; i < n * rank; i++)
        s.factor[i] += b->q.weight[k] * moved[i];
    for (long m = 0; m < M; m++)
        for (long i = 0; i < n; i++) {
            s.mean[i] += each * G[m * n + i];
            s.sd[i] += noise > rank ? each * G[m * n + i] * E[m * noise + i] : 0;
        }
    free(moved);
}

/* Slopes of log |C| / 2 by the diagonal and the factor: those of a Gaussian's entropy. */
static void entropy_slopes(const Gaussian *q, double *by_sd, double *by_factor)
{
    long n = q->n;

    if (q->kind != FAMILY_FULLRANK) {
        elbo_diagonal_entropy(q, by_sd, by_factor);
        return;
    }
    double *inverse = dgm_alloc((size_t)(n * n + 1) * sizeof *inverse);
    dense_lower_inverse(n, q->factor, inverse);
    for (long i = 0; i < n * n; i++)
        by_factor[i] = inverse[i % n * n + i / n];
    free(inverse);
}

/* What part k does to log q at all draws: with C^-1 (u - mean) = v the slopes of log q_k are v by
 * the mean, v (F' v)' - C^-1 F by the factor and (v_i^2 - (C^-1)_ii) sd_i by the diagonal. Returns
 * its share of all draws. */
static double take_density(Bound *b, long k)
{
    const Gaussian *q = &b->q.part[k];
    Slopes s = b->slopes[k];
    long n = q->n, r = q->rank;
    size_t size = (size_t)(n + n * r + b->all * r + 1);
    double *by_sd = dgm_alloc(size * sizeof *by_sd), *by_factor = by_sd + n;
    double *Y = by_factor + n * r, sum = 0;                  /* w F' v of each draw */

    dense_product(false, false, b->all, r, n, b->V, q->factor, 0, Y);
    for (long m = 0; m < b->all; m++) {
        const double *v = b->V + m * n;
        double w = b->q.weight[m / b->M] / (double)b->M * b->share[k * b->all + m];

        sum += w;
        for (long j = 0; j < r; j++)
            Y[m * r + j] *= w;
        for (long i = 0; i < n; i++) {
            s.mean[i] -= w * v[i];
            s.sd[i] -= w * v[i] * v[i] * q->sd[i];
        }
    }
    dense_product(true, false, n, r, b->all, b->V, Y, 0, by_factor);
    for (long i = 0; i < n * r; i++)
        s.factor[i] -= by_factor[i];
    entropy_slopes(q, by_sd, by_factor);
    for (long i = 0; i < n; i++)
        s.sd[i] += sum * by_sd[i];
    for (long i = 0; i < n * r; i++)
        s.factor[i] += sum * by_factor[i];
    free(by_sd);
    return sum;
}

/* Of the weights as exp(x) up to a constant; of_draws: the share of each part in all draws. */
static void weight_slopes(const Bound *b, const double *own, const double *of_draws, double *g)
{
    long K = b->q.parts;
    double sum = 0;

    for (long k = 0; k < K; k++) {
        g[k] = b->q.weight[k] * own[k] - of_draws[k];
        sum += g[k];
    }
    for (long k = 0; k < K; k++)
        g[k] -= b->q.weight[k] * sum;
}

static void clear(const Bound *b)
{
    for (long k = 0; k < b->q.parts; k++) {
        const Gaussian *q = &b->q.part[k];

        memset(b->slopes[k].mean, 0, (size_t)(q->n * (2 + q->rank)) * sizeof(double));
    }
}

static double negative_bound(void *of, const double *x, double *gradient)
{
    Bound *b = of;
    long n = b->q.n, K = b->q.parts, at = 0;
    double *own = dgm_alloc((size_t)(2 * K + 1) * sizeof *own), *of_draws = own + K, value = 0;

    set(b, x);
    for (long k = 0; k < K; k++)
        gaussian_draw(&b->q.part[k], b->M, b->E[k], b->U + k * b->M * n);
    target_rows(b->t, b->all, b->U, b->value, b->G);
    compare(b);
    clear(b);
    for (long k = 0; k < K; k++) {
        score(b, k);
        of_draws[k] = take_density(b, k);
    }
    for (long k = 0; k < K; k++) {
        const Slopes *s = &b->slopes[k];

        add_moves(b, k);
        coordinates_gradient(&b->from->part[k], &b->q.part[k], x + at, s->mean, s->sd, s->factor, 0,
                             gradient + at);
        at += coordinates_count(&b->q.part[k]);
        for (long m = 0; m < b->M; m++)
            own[k] += b->value[k * b->M + m] / (double)b->M;
        value += b->q.weight[k] * own[k];
    }
    weight_slopes(b, own, of_draws, gradient + at);
    for (long i = 0; i < at + K; i++)
        gradient[i] = -gradient[i];
    free(own);
    return isfinite(value) ? -value : INFINITY;
}

static bool visit(void *of, const double *x, double f, const double *gradient)
{
    (void)x;
    (void)gradient;
    trace_add(((Bound *)of)->t->trace, -f);
    return !target_late(((Bound *)of)->t);
}

/* Room and noise for M draws of each part; released with bound_free. */
static Bound bound_new(Target *t, const Mixture *q, uint64_t seed, uint64_t stream, long M)
{
    long n = q->n, K = q->parts, all = M * K;
    Bound b = {.t = t, .from = q, .q = mixture_copy(q), .M = M, .all = all,
               .E = dgm_alloc((size_t)(K + 1) * sizeof *b.E),
               .U = dgm_alloc((size_t)(3 * all * n + (1 + K) * all + 1) * sizeof *b.U),
               .slopes = dgm_alloc((size_t)(K + 1) * sizeof *b.slopes)};

    b.G = b.U + all * n;
    b.V = b.G + all * n;
    b.value = b.V + all * n;
    b.share = b.value + all;
    for (long k = 0; k < K; k++) {
        long noise = gaussian_noise(&q->part[k]), rank = q->part[k].rank;
        double *slopes = dgm_alloc((size_t)(n * (2 + rank) + 1) * sizeof *slopes);

        b.slopes[k] = (Slopes){slopes, slopes + n, slopes + 2 * n};
        b.E[k] = dgm_alloc((size_t)(M * noise + 1) * sizeof **b.E);
        noise_balanced(seed, stream + (uint64_t)k * STREAMS_OF_PART, M, noise, b.E[k]);
    }
    return b;
}

static void bound_free(Bound *b)
{
    for (long k = 0; k < b->q.parts; k++) {
        free(b->E[k]);
        free(b->slopes[k].mean);
    }
    free(b->E);
    free(b->slopes);
    free(b->U);
}

BoundFit mixture_elbo_fit(Target *t, Mixture *q, uint64_t seed, uint64_t stream, long M)
{
    long count = q->parts;

    if (q->parts == 1)
        return elbo_fit(t, &q->part[0], seed, stream, M);
    for (long k = 0; k < q->parts; k++)
        count += coordinates_count(&q->part[k]);
    double *x = dgm_alloc((size_t)(2 * count + 1) * sizeof *x);
    Bound b = bound_new(t, q, seed, stream, M);
    Descent d = lbfgs(negative_bound, &b, count, x, (DescentRules){1e-5, STRETCH, visit});
    double f = negative_bound(&b, x, x + count);
    BoundFit fit = {.elbo = -f, .draws = M, .iterations = d.iterations, .converged = d.converged};

    for (long k = 0; k < q->parts; k++)
        fit.error = fmax(fit.error, elbo_mean_error(&b.q.part[k], M, b.G + k * M * q->n));
    bound_free(&b);
    mixture_free(q);
    *q = b.q;
    free(x);
    return fit;
}
