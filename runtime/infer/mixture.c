/* mixture.c - laws of several Gaussian parts, of which one Gaussian is the case of one part.
 *
 * Idea: draws are stratified: of M draws part k gives its share, weight_k M, by balanced noise of
 * its own. The weights are first rounded to whole pairs of draws, so that the law whose density is
 * taken is the one that the draws have, and means of p / q over them are unbiased for the
 * normaliser of p (deterministic mixture sampling: Owen & Zhou 2000).
 */
#include "infer/infer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double LEAST_WEIGHT = 1e-4;                     /* of the largest */

Mixture mixture_new(long n)
{
    return (Mixture){.n = n};
}

Mixture mixture_of(Gaussian part)
{
    Mixture q = mixture_new(part.n);

    mixture_add(&q, part, 1);
    return q;
}

void mixture_add(Mixture *q, Gaussian part, double weight)
{
    Gaussian *parts = dgm_alloc((size_t)(q->parts + 1) * sizeof *parts);
    double *weights = dgm_alloc((size_t)(q->parts + 1) * sizeof *weights);

    for (long k = 0; k < q->parts; k++) {
        parts[k] = q->part[k];
        weights[k] = q->weight[k];
    }
    parts[q->parts] = part;
    weights[q->parts++] = weight;
    free(q->part);
    free(q->weight);
    q->part = parts;
    q->weight = weights;
}

Mixture mixture_copy(const Mixture *q)
{
    Mixture to = mixture_new(q->n);

    for (long k = 0; k < q->parts; k++)
        mixture_add(&to, gaussian_copy(&q->part[k]), q->weight[k]);
    return to;
}

void mixture_free(Mixture *q)
{
    for (long k = 0; k < q->parts; k++)
        gaussian_free(&q->part[k]);
    free(q->part);
    free(q->weight);
    *q = mixture_new(q->n);
}

void mixture_weigh(Mixture *q, const double *log_weight)
{
    double top = -INFINITY, sum = 0;

    for (long k = 0; k < q->parts; k++)
        top = log_weight[k] > top ? log_weight[k] : top;
    for (long k = 0; k < q->parts; k++)
        sum += q->weight[k] = fmax(LEAST_WEIGHT, exp(log_weight[k] - top));
    for (long k = 0; k < q->parts; k++)
        q->weight[k] /= sum;
}

/* ---- shares of draws ------------------------------------------------------------------------- */

/* The part whose share of `pairs` has the most left to it. */
static long most_left(const Mixture *q, const long *has, const long *most, long pairs)
{
    long best = -1;
    double left = -INFINITY;

    for (long k = 0; k < q->parts; k++) {
        double lacks = q->weight[k] * (double)pairs - (double)has[k];

        if (has[k] < most[k] && lacks > left) {
            best = k;
            left = lacks;
        }
    }
    return best;
}

void mixture_round(Mixture *q, long M)
{
    long H = M / 2, given = 0, *has = dgm_alloc((size_t)(2 * q->parts + 1) * sizeof *has);
    long *most = has + q->parts;

    for (long k = 0; k < q->parts; k++) {
        has[k] = (long)floor(q->weight[k] * (double)H);
        has[k] = has[k] < 1 ? 1 : has[k];
        given += has[k];
        most[k] = H;
    }
    for (; given < H; given++)
        has[most_left(q, has, most, H)]++;
    while (given > H) {                /* a pair for those with less comes from the largest */
        long largest = 0;

        for (long k = 1; k < q->parts; k++)
            largest = has[k] > has[largest] ? k : largest;
        has[largest]--;
        given--;
    }
    for (long k = 0; k < q->parts; k++)
        q->weight[k] = (double)has[k] / (double)H;
    free(has);
}

long mixture_share(const Mixture *q, long k, long M)
{
    return 2 * (long)floor(q->weight[k] * (double)(M / 2) + 0.5);
}

/* The part of each pair. All parts stand in any stretch of pairs by their weights. */
static long *deal(const Mixture *q, long H)
{
    long *part = dgm_alloc((size_t)(H + 1) * sizeof *part);
    long *has = dgm_alloc((size_t)(2 * q->parts + 1) * sizeof *has), *most = has + q->parts;

    for (long k = 0; k < q->parts; k++)
        most[k] = mixture_share(q, k, 2 * H) / 2;
    for (long i = 0; i < H; i++) {
        part[i] = most_left(q, has, most, i + 1);
        has[part[i]]++;
    }
    free(has);
    return part;
}

void mixture_draw(const Mixture *q, uint64_t seed, uint64_t stream, long M, double *U)
{
    long n = q->n, H = M / 2, *part = deal(q, H);
    size_t row = (size_t)n * sizeof *U;

    for (long k = 0; k < q->parts; k++) {
        long share = mixture_share(q, k, M), noise = gaussian_noise(&q->part[k]), next = 0;
        double *E = dgm_alloc((size_t)(share * (noise + n) + 1) * sizeof *E);
        double *own = E + share * noise;

        noise_balanced(seed, stream + (uint64_t)k * STREAMS_OF_PART, share, noise, E);
        gaussian_draw(&q->part[k], share, E, own);
        for (long i = 0; i < H; i++)
            if (part[i] == k) {
                memcpy(U + i * n, own + next * n, row);
                memcpy(U + (H + i) * n, own + (share / 2 + next) * n, row);
                next++;
            }
        free(E);
    }
    free(part);
}

/* ---- the density ----------------------------------------------------------------------------- */

void mixture_log_density(const Mixture *q, long M, const double *U, double *value)
{
    double *each = dgm_alloc((size_t)(q->parts * M + 1) * sizeof *each);

    for (long k = 0; k < q->parts; k++)
        gaussian_log_density(&q->part[k], M, U, each + k * M);
    for (long i = 0; i < M; i++) {
        double top = -INFINITY, sum = 0;

        for (long k = 0; k < q->parts; k++) {
            each[k * M + i] += log(q->weight[k]);
            top = each[k * M + i] > top ? each[k * M + i] : top;
        }
        for (long k = 0; k < q->parts; k++)
            sum += exp(each[k * M + i] - top);
        value[i] = isfinite(top) ? top + log(sum) : top;
    }
    free(each);
}

void mixture_part_log_ratio(const Mixture *q, long k, Target *t, uint64_t seed, uint64_t stream,
                            long M, double *U, double *ratio)
{
    long noise = gaussian_noise(&q->part[k]);
    double *E = dgm_alloc((size_t)(M * (noise + 1) + 1) * sizeof *E), *log_q = E + M * noise;

    noise_balanced(seed, stream + (uint64_t)k * STREAMS_OF_PART, M, noise, E);
    gaussian_draw(&q->part[k], M, E, U);
    mixture_log_density(q, M, U, log_q);
    target_rows(t, M, U, ratio, NULL);
    for (long i = 0; i < M; i++)
        ratio[i] -= log_q[i];
    free(E);
}

void mixture_log_ratio(const Mixture *q, Target *t, uint64_t seed, uint64_t stream, long M,
                       double *U, double *ratio)
{
    double *log_q = dgm_alloc((size_t)(M + 1) * sizeof *log_q);

    mixture_draw(q, seed, stream, M, U);
    mixture_log_density(q, M, U, log_q);
    target_rows(t, M, U, ratio, NULL);
    for (long i = 0; i < M; i++)
        ratio[i] -= log_q[i];
    free(log_q);
}

/* A part whose density at u is that of a point among its draws, nearly: a Gaussian's log density
 * lies below the one at its mean by half a chi-squared number of n degrees of freedom, of variance
 * 2 n. */
bool mixture_reaches(const Mixture *q, const double *u)
{
    double n = (double)q->n, most = n + fmin(25, 4 * sqrt(2 * n));
    bool near = false;

    for (long k = 0; k < q->parts && !near; k++) {
        double at_mean, at_u;

        gaussian_log_density(&q->part[k], 1, q->part[k].mean, &at_mean);
        gaussian_log_density(&q->part[k], 1, u, &at_u);
        near = !(at_mean - at_u > most / 2);
    }
    return near;
}

/* ---- moments --------------------------------------------------------------------------------- */

void mixture_mean(const Mixture *q, double *mean)
{
    for (long i = 0; i < q->n; i++) {
        mean[i] = 0;
        for (long k = 0; k < q->parts; k++)
            mean[i] += q->weight[k] * q->part[k].mean[i];
    }
}

void mixture_covariance(const Mixture *q, double *C)
{
    long n = q->n;
    double *own = dgm_alloc((size_t)(n * n + n + 1) * sizeof *own), *mean = own + n * n;

    mixture_mean(q, mean);
    memset(C, 0, (size_t)(n * n) * sizeof *C);
    for (long k = 0; k < q->parts; k++) {
        const double *at = q->part[k].mean;

        gaussian_covariance(&q->part[k], own);
        for (long i = 0; i < n; i++)
            for (long j = 0; j < n; j++)
                C[i * n + j] += q->weight[k] * (own[i * n + j]
                                                + (at[i] - mean[i]) * (at[j] - mean[j]));
    }
    free(own);
}

void mixture_sds(const Mixture *q, double *sd)
{
    long n = q->n;
    double *own = dgm_alloc((size_t)(2 * n + 1) * sizeof *own), *mean = own + n;

    mixture_mean(q, mean);
    memset(sd, 0, (size_t)n * sizeof *sd);
    for (long k = 0; k < q->parts; k++) {
        gaussian_sds(&q->part[k], own);
        for (long i = 0; i < n; i++)
            sd[i] += q->weight[k] * (own[i] * own[i] + pow(q->part[k].mean[i] - mean[i], 2));
    }
    for (long i = 0; i < n; i++)
        sd[i] = sqrt(sd[i]);
    free(own);
}
