/* far.c - modes that lie far from where the first descents begin.
 *
 * Idea: those begin near 0 on the unconstrained scale, whatever the units of the data, and may all
 * end at one mode of several: two groups of data that disagree, the frequencies that fit a few
 * points of a wave. So descents are begun from points about the mode that was found, 1, 2, 4 .. of
 * its standard deviations away, and then about the others that may matter. One that begins anywhere
 * there would seldom be in the way of a narrow mode: it begins at the best of a number of points.
 * Half of these differ from the mode in one number alone.
 */
#include "infer/infer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 12, DOUBLINGS = 13, POINTS = 32, STREAM = 600000 };
/* Evaluations: of a density that is little work, or of more a share of what went before. */
enum { CHEAP = 16000 };
static const double CHEAP_WORK = 2e9, SHARE = 0.125;

/* The mode found, as a law, and its standard deviations. */
typedef struct Around {
    Gaussian q;
    double *sd;
} Around;

static long allowed(const Target *t)
{
    double cheap = fmin(CHEAP, CHEAP_WORK / fmax(t->work, 1));

    return (long)fmax(cheap, SHARE * (double)t->evaluations);
}

/* [POINTS][n], so many standard deviations wide. */
static void points_about(const Around *a, double wide, uint64_t seed, uint64_t stream, double *U)
{
    long n = a->q.n, noise = gaussian_noise(&a->q);
    double *E = dgm_alloc((size_t)(POINTS * (noise + n)) * sizeof *E);

    noise_normal(seed, stream, POINTS, noise, E);
    for (long i = 0; i < POINTS * noise; i++)
        E[i] *= wide;
    gaussian_draw(&a->q, POINTS, E, U);
    for (long k = 1; k < POINTS; k += 2) {
        long j = (long)(dgm_random_unit(seed, DGM_STREAM_POSTERIOR, stream, (uint64_t)k)
                        * (double)n) % n;

        memcpy(U + k * n, a->q.mean, (size_t)n * sizeof *U);
        U[k * n + j] += a->sd[j] * E[k * noise];
    }
    free(E);
}

/* Where the best of them was; false: none has a density. */
static bool best_point(Target *t, const double *U, double *u)
{
    double value[POINTS];
    long best = 0;

    target_rows(t, POINTS, U, value, NULL);
    for (long k = 1; k < POINTS; k++)
        best = value[k] > value[best] ? k : best;
    memcpy(u, U + best * t->n, (size_t)t->n * sizeof *u);
    return isfinite(value[best]);
}

static bool is_known(const Around *a, const Start *s, const double *u)
{
    bool known = modes_same(s->n, a->sd, s->mean, u);

    for (long k = 0; k < s->others && !known; k++)
        known = modes_same(s->n, a->sd, s->other[k].mean, u);
    return known;
}

static void look_there(Target *t, Start *s, const Around *a, double *u, uint64_t seed)
{
    start_descend(t, u);
    if (is_known(a, s, u))
        return;
    Start end = start_at(t, u, seed);
    if (isfinite(end.elbo)) {
        start_keep(s, (Mode){end.mean, end.elbo, 0});
        end.mean = NULL;
    }
    start_free(&end);
}

/* Of the modes that may matter, s among them, number k, and over again. */
static const double *center(const Start *s, long k)
{
    double best = start_bound(s);
    long first = s->elbo < best - RIVAL, rivals = !first;

    while (rivals - !first < s->others && s->other[rivals - !first].bound >= best - RIVAL)
        rivals++;
    k = k % rivals - !first;
    return k < 0 ? s->mean : s->other[k].mean;
}

static Around around(Target *t, const double *mean, uint64_t seed)
{
    Around a = {modes_gaussian(t, mean, seed, NULL), dgm_alloc((size_t)t->n * sizeof *a.sd)};

    gaussian_sds(&a.q, a.sd);
    return a;
}

void modes_far(Target *t, Start *s, uint64_t seed)
{
    long n = s->n, end = t->evaluations + allowed(t);
    double *U = dgm_alloc((size_t)((POINTS + 1) * n + 1) * sizeof *U), *u = U + POINTS * n;

    for (int k = 0; k < ROUNDS && n > 0; k++) {
        Around a = around(t, center(s, k), seed);

        for (int d = 0; d < DOUBLINGS && t->evaluations < end && !target_late(t); d++) {
            points_about(&a, ldexp(1, d), seed, STREAM + (uint64_t)(k * DOUBLINGS + d), U);
            if (best_point(t, U, u))
                look_there(t, s, &a, u, seed);
        }
        gaussian_free(&a.q);
        free(a.sd);
        if (t->evaluations >= end || target_late(t))
            break;
    }
    free(U);
}
