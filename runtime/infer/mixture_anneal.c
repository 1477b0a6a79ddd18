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

/* ---- r_k p ----------------------------------------------------------------------------------- */

typedef struct Shared {
    const Target *p;
    const Mixture *q;
    long k;
    double **inner;                    /* [parts], of gaussian_inner */
    void **copies;                     /* [copies] of ShareCopy */
} Shared;

typedef struct ShareCopy { const Shared *of; int copy; } ShareCopy;

/* log p + log r_k and its gradient. */
static double shared_log_density(void *of, const double *u, double *gradient)
{
    const ShareCopy *c = of;
    const Mixture *q = c->of->q;
    long n = q->n, K = q->parts;
    double *value = dgm_alloc((size_t)(K + K * n + 1) * sizeof *value), *slope = value + K;
    double p = c->of->p->log_density(c->of->p->of[c->copy], u, gradient), top = -INFINITY, sum = 0;

    for (long j = 0; j < K; j++) {
        value[j] = log(q->weight[j]) + gaussian_log_density_at(&q->part[j], c->of->inner[j], u,
                                                               slope + j * n);
        top = value[j] > top ? value[j] : top;
    }
    for (long j = 0; j < K; j++)
        sum += exp(value[j] - top);
    for (long j = 0; j < K && gradient != NULL; j++) {
        double share = exp(value[j] - top) / sum;

        for (long i = 0; i < n; i++)
            gradient[i] += ((j == c->of->k) - share) * slope[j * n + i];
    }
    p += value[c->of->k] - top - log(sum);
    free(value);
    return p;
}

/* To be released by shared_free; its evaluations are counted for p there. */
static Target shared_new(const Target *p, const Mixture *q, long k)
{
    Shared *s = dgm_alloc(sizeof *s);
    ShareCopy *copies = dgm_alloc((size_t)p->copies * sizeof *copies);
    Target t = {.n = p->n, .log_density = shared_log_density, .copies = p->copies,
                .seconds = p->seconds, .stage = p->stage};

    *s = (Shared){.p = p, .q = q, .k = k,
                  .inner = dgm_alloc((size_t)(q->parts + 1) * sizeof *s->inner),
                  .copies = dgm_alloc((size_t)p->copies * sizeof *s->copies)};
    for (long j = 0; j < q->parts; j++)
        s->inner[j] = q->part[j].kind == FAMILY_FULLRANK ? NULL : gaussian_inner(&q->part[j]);
    for (int i = 0; i < p->copies; i++) {
        copies[i] = (ShareCopy){s, i};
        s->copies[i] = &copies[i];
    }
    t.of = s->copies;
    return t;
}

static void shared_free(Target *t, Target *p)
{
    ShareCopy *copies = t->of[0];
    Shared *s = (Shared *)copies->of;

    p->evaluations += t->evaluations;
    for (long j = 0; j < s->q->parts; j++)
        free(s->inner[j]);
    free(s->inner);
    free(s->copies);
    free(s);
    free(copies);
}

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
        Target own = shared_new(t, &q, k);

        anneal(&own, &q.part[k], levels, seed, stream + (uint64_t)k * STREAMS_OF_PART, share, U,
               log_weight);
        for (long i = 0; i < share; i++)
            log_weight[i] -= log(q.weight[k]);
        U += share * q.n;
        log_weight += share;
        shared_free(&own, t);
    }
    mixture_free(&q);
}
