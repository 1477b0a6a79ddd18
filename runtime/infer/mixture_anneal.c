/* mixture_anneal.c - draws of a mixture annealed part by part, and weights of parts by evidence.
 *
 * Idea: with the share r_k(u) = w_k q_k(u) / q(u) of part k in q at u, the density is the sum of
 * its parts r_k p. Draws of q_k are annealed to r_k p, of which their weights estimate the
 * normaliser without error in the mean; the sum over all parts is that of p. In between a draw
 * moves in the scales of its own part. The weights of the parts are fitted to draws of all of them,
 * weighted by p / q (Cappe et al. 2008): a part that covers several modes has not the evidence of
 * all, but what others do not explain.
 */
#include "infer/infer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { EVIDENCE_DRAWS = 400, EM_STEPS = 100 };                /* draws: of each part */

/* ---- by importance weights ------------------------------------------------------------------- */

/* Weights of parts from those of R draws of all parts alike, log p - log q: maximum likelihood of
 * the weighted draws by EM, which has one maximum. log_q: [K][R] of each part. */
static void fit_weights(long K, long R, const double *ratio, const double *log_q,
                        double *log_weight)
{
    double *w = dgm_alloc((size_t)(R + R * K + 2 * K + 1) * sizeof *w), *q = w + R, top = -INFINITY;
    double *share = q + R * K, *next = share + K;

    for (long i = 0; i < R; i++)
        top = fmax(top, ratio[i]);
    for (long i = 0; i < R; i++) {
        double highest = -INFINITY;

        for (long k = 0; k < K; k++)
            highest = fmax(highest, log_q[k * R + i]);
        for (long k = 0; k < K; k++)
            q[i * K + k] = exp(log_q[k * R + i] - highest);
        w[i] = isfinite(ratio[i]) ? exp(ratio[i] - top) : 0;
    }
    for (long k = 0; k < K; k++)
        share[k] = 1 / (double)K;
    for (int step = 0; step < EM_STEPS; step++) {
        double sum = 0;

        memset(next, 0, (size_t)K * sizeof *next);
        for (long i = 0; i < R; i++) {
            double all = 0;

            for (long k = 0; k < K; k++)
                all += share[k] * q[i * K + k];
            for (long k = 0; k < K && all > 0; k++)
                next[k] += w[i] * share[k] * q[i * K + k] / all;
        }
        for (long k = 0; k < K; k++)
            sum += next[k];
        for (long k = 0; k < K && sum > 0; k++)
            share[k] = next[k] / sum;
    }
    for (long k = 0; k < K; k++)
        log_weight[k] = log(share[k]);
    free(w);
}

void mixture_by_evidence(Target *t, Mixture *q, uint64_t seed, uint64_t stream)
{
    long M = EVIDENCE_DRAWS, K = q->parts, R = K * M, n = q->n;
    double *U = dgm_alloc((size_t)(R * (n + 1 + K) + K) * sizeof *U), *ratio = U + R * n;
    double *log_q = ratio + R, *log_weight = log_q + R * K;

    for (long k = 0; k < K; k++)
        q->weight[k] = 1 / (double)K;
    for (long k = 0; k < K; k++)
        mixture_part_log_ratio(q, k, t, seed, stream, M, U + k * M * n, ratio + k * M);
    for (long k = 0; k < K; k++)
        gaussian_log_density(&q->part[k], R, U, log_q + k * R);
    fit_weights(K, R, ratio, log_q, log_weight);
    mixture_weigh(q, log_weight);
    free(U);
}

void mixture_anneal(Target *t, const Mixture *of, long levels, uint64_t seed, uint64_t stream,
                    long M, double *U, double *log_weight)
{
    if (of->parts == 1) {
        anneal(t, &of->part[0], levels, seed, stream, M, U, log_weight);
        return;
    }
    Mixture q = mixture_copy(of);
    mixture_round(&q, M);
    for (long k = 0; k < q.parts; k++) {
        long share = mixture_share(&q, k, M);
        Target own = part_target(t, &q, k);

        anneal(&own, &q.part[k], levels, seed, stream + (uint64_t)k * STREAMS_OF_PART, share, U,
               log_weight);
        for (long i = 0; i < share; i++)
            log_weight[i] -= log(q.weight[k]);
        U += share * q.n;
        log_weight += share;
        part_target_free(&own, t);
    }
    mixture_free(&q);
}
