/* strata.c - draws taken by weight, of every part of a mixture a number of its own.
 *
 * Idea: a mode with a hundredth of the mass has 5 of 500 draws, give or take 2, and a variance
 * rests on them where the mode lies far off. So a part gets some draws however little it has, and
 * all of its draws together count for the sum of its weights (stratified sampling). Of one part
 * these are draws by systematic resampling, each of which counts alike.
 */
#include "infer/infer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FAIR = 5 };                     /* a part gets at least 1/FAIR of an even share */

void take_by_weight(long M, const double *U, const double *weight, long n, long C, double *to)
{
    double sum = 0, reached = 0;
    long taken = 0, last = 0;

    for (long i = 0; i < M; i++)
        sum += weight[i];
    for (long i = 0; i < M; i++) {
        reached += weight[i] / sum * (double)C;
        last = weight[i] > 0 ? i : last;
        while (taken < C && (double)taken + 0.5 < reached)
            memcpy(to + n * taken++, U + i * n, (size_t)n * sizeof *to);
    }
    while (taken < C)
        memcpy(to + n * taken++, U + last * n, (size_t)n * sizeof *to);
}

/* Weights of which few draws have most are evened out by a root, until `least` are effective. */
static double *even_weights(const Sample *s, double least)
{
    double *w = dgm_alloc((size_t)(s->M + 1) * sizeof *w), power = 1, effective = 0;

    for (; effective < least && power > 1e-3; power *= 0.8) {
        double sum = 0, square = 0;

        for (long i = 0; i < s->M; i++)
            sum += w[i] = pow(s->weight[i], power);
        for (long i = 0; i < s->M; i++) {
            w[i] /= sum;
            square += w[i] * w[i];
        }
        effective = 1 / square;
    }
    return w;
}

/* part[i]: that with the largest share in q at row i. */
static long *nearest_parts(const Mixture *q, long M, const double *U)
{
    long *part = dgm_alloc((size_t)(M + 1) * sizeof *part);
    double *best = dgm_alloc((size_t)(2 * M + 1) * sizeof *best), *own = best + M;

    memset(part, 0, (size_t)M * sizeof *part);
    for (long k = 0; k < q->parts && q->parts > 1; k++) {
        gaussian_log_density(&q->part[k], M, U, own);
        for (long i = 0; i < M; i++) {
            own[i] += log(q->weight[k]);
            if (k == 0 || own[i] > best[i]) {
                best[i] = own[i];
                part[i] = k;
            }
        }
    }
    free(best);
    return part;
}

Strata strata_take(const Mixture *q, const Sample *from, long C)
{
    long n = q->n, K = q->parts, least = C / (FAIR * K) + 1;
    double *w = even_weights(from, (double)C / FAIR);
    double *own = dgm_alloc((size_t)(from->M + 1) * sizeof *own);
    long *part = nearest_parts(q, from->M, from->U);
    Strata s = {.parts = K, .count = dgm_alloc((size_t)K * sizeof *s.count),
                .share = dgm_alloc((size_t)K * sizeof *s.share),
                .U = dgm_alloc((size_t)((C + K * least) * n + 1) * sizeof *s.U)};

    for (long k = 0; k < K; k++) {
        s.share[k] = 0;
        for (long i = 0; i < from->M; i++)
            s.share[k] += own[i] = part[i] == k ? w[i] : 0;
        s.count[k] = K == 1 ? C : (long)(s.share[k] * (double)C);
        s.count[k] = s.share[k] > 0 && s.count[k] < least ? least : s.count[k];
        take_by_weight(from->M, from->U, own, n, s.count[k], s.U + s.C * n);
        s.C += s.count[k];
    }
    free(part);
    free(own);
    free(w);
    return s;
}

void strata_free(Strata *s)
{
    free(s->count);
    free(s->share);
    free(s->U);
}
