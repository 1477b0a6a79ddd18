/* part.c - the share of a density that one part of a mixture answers for, as a target of its own.
 *
 * Part k has the share r_k(u) = w_k q_k(u) / q(u) of the mixture at u. Over all parts the shares
 * sum to 1, so the targets r_k p add up to p.
 */
#include "infer/infer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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

Target part_target(const Target *p, const Mixture *q, long k)
{
    Shared *s = dgm_alloc(sizeof *s);
    ShareCopy *copies = dgm_alloc((size_t)p->copies * sizeof *copies);
    Target t = {.n = p->n, .log_density = shared_log_density, .copies = p->copies,
                .seconds = p->seconds, .stage = p->stage, .late = p->late,
                .clock = p->clock};

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

void part_target_free(Target *t, Target *p)
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
