/* mixture_anneal.c - draws of a mixture annealed part by part, and weights of parts by evidence.
 *
 * Idea: with the share r_k(u) = w_k q_k(u) / q(u) of part k in q at u, the density is the sum of
 * its parts r_k p. Draws of q_k are annealed to r_k p, of which their weights estimate the
 * normaliser without error in the mean; the sum over all parts is that of p. In between a draw
 * moves in the scales of its own part.
 */
#include "infer/infer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { EVIDENCE_DRAWS = 400 };

/* ---- by importance weights ------------------------------------------------------------------- */

void mixture_by_evidence(Target *t, Mixture *q, uint64_t seed, uint64_t stream)
{
    enum { M = EVIDENCE_DRAWS };
    double *log_evidence = dgm_alloc((size_t)(q->parts + 1) * sizeof *log_evidence), unused;
    double *U = dgm_alloc((size_t)(M * (q->n + 1)) * sizeof *U), *ratio = U + M * q->n;

    for (long k = 0; k < q->parts; k++) {
        gaussian_log_ratio(&q->part[k], t, seed, stream, M, U, ratio);
        log_evidence[k] = log_mean(M, ratio, &unused);
    }
    mixture_weigh(q, log_evidence);
    free(U);
    free(log_evidence);
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
