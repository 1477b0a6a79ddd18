/* modes.c - where the parts of a mixture begin, and Gaussians at several modes made one law.
 *
 * Idea: the start has seen other modes than the one that it took. A mode counts as one of its own
 * where no part of the law has draws near it (mixture_reaches). One with little of the mass may
 * matter by its distance; it is often so faint that a climb from there leads back to the rest. What
 * descents call a mode is often the end of a hierarchy, with no mass: a climb from there leads to
 * what is known. So a small climb goes first, and one of many ends at the same place is enough.
 */
#include "infer/infer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_JOINED = 7, JITTER = 700000 };                   /* JITTER: a stream of noise */
enum { EVIDENCE = 800000 };                                  /* a stream of noise */
static const double SAME = 0.1;        /* sds between two ends of descents at one mode */
static const double VALLEY = 1;        /* nats below the lower of two modes */
static const double FAINTEST = 12;     /* nats below the best */
static const double SEEN = 0.1;        /* of a variance */
static const double WIDER = 1.5;       /* sds of a part that begins near another one */

bool modes_same(long n, const double *sd, const double *u, const double *v)
{
    for (long i = 0; i < n; i++)
        if (!(fabs(u[i] - v[i]) < SAME * sd[i]))
            return false;
    return true;
}

Gaussian modes_gaussian(Target *t, const double *mode, uint64_t seed, double *bound)
{
    Start s = start_at(t, mode, seed);
    Gaussian q = gaussian_from(&s, s.factor != NULL ? FAMILY_FULLRANK : FAMILY_MEANFIELD, 0);

    memcpy(q.mean, mode, (size_t)t->n * sizeof *mode);
    if (bound != NULL)
        *bound = s.elbo;
    start_free(&s);
    return q;
}

bool modes_seen(const Mixture *q, long k)
{
    return q->weight[k] > exp(-RIVAL);
}

static Gaussian gaussian_at(Target *t, const double *mode, FamilyKind kind, long rank,
                            uint64_t seed)
{
    Start s = start_at(t, mode, seed);
    Gaussian q = gaussian_from(&s, kind, rank);

    start_free(&s);
    return q;
}

/* A draw of the part is the mean of a wider copy. */
static Gaussian jittered(const Gaussian *part, uint64_t seed, uint64_t stream)
{
    Gaussian q = gaussian_copy(part);
    double *e = dgm_alloc((size_t)(gaussian_noise(part) + 1) * sizeof *e);

    noise_normal(seed, stream, 1, gaussian_noise(part), e);
    gaussian_draw(part, 1, e, q.mean);
    gaussian_scale(&q, WIDER);
    free(e);
    return q;
}

Mixture modes_begin(Target *t, const Start *s, FamilyKind kind, long rank, long parts,
                    uint64_t seed)
{
    Mixture q = mixture_new(s->n);

    mixture_add(&q, gaussian_from(s, kind, rank), 1 / (double)parts);
    for (long k = 0; k < s->others && q.parts < parts; k++)
        if (!mixture_reaches(&q, s->other[k].mean))
            mixture_add(&q, gaussian_at(t, s->other[k].mean, kind, rank, seed), 1 / (double)parts);
    for (long modes = q.parts, k = 0; q.parts < parts; k++)
        mixture_add(&q, jittered(&q.part[k % modes], seed, JITTER + (uint64_t)k),
                    1 / (double)parts);
    return q;
}

/* Is mode k, in the scales of a Gaussian there, one before it that led elsewhere? */
static bool led_elsewhere(const Start *s, long k, const Gaussian *there)
{
    double *sd = dgm_alloc((size_t)(s->n + 1) * sizeof *sd);
    bool same = false;

    gaussian_sds(there, sd);
    for (long j = 0; j < k && !same; j++)
        same = s->other[j].bound == -INFINITY
            && modes_same(s->n, sd, s->other[j].mean, s->other[k].mean);
    free(sd);
    return same;
}

/* Does a climb of independent numbers from a mode, which is little work, lead to where q has
 * draws? */
static bool leads_to(Target *t, const Start *mode, const Mixture *q, uint64_t seed)
{
    Mixture alone = mixture_of(gaussian_from(mode, FAMILY_MEANFIELD, 0));

    climb(t, &alone, seed, (ClimbRules){-INFINITY, .scout = true});
    bool known = mixture_reaches(q, alone.part[0].mean);
    mixture_free(&alone);
    return known;
}

/* The best bound of a Gaussian at a mode that q reaches, or does not; not climbed yet, so that they
 * can be compared. */
static double best_at_modes(const Start *s, const Mixture *q, bool reached)
{
    double best = reached && s->mode ? s->elbo : -INFINITY;

    for (long k = 0; k < s->others; k++)
        if (mixture_reaches(q, s->other[k].mean) == reached)
            best = fmax(best, s->other[k].bound);
    return best;
}

static double best_reached(const Start *s, const Mixture *q)
{
    double best = best_at_modes(s, q, true);

    return isfinite(best) ? best : s->elbo;
}

double modes_left(const Start *s, const Mixture *q)
{
    double left = best_at_modes(s, q, false);

    return isfinite(left) ? left - best_reached(s, q) : -INFINITY;
}

/* What the fits of the parts say together; those whose mass cannot be seen do not count. */
static BoundFit together(const Mixture *q, const BoundFit *of_part)
{
    BoundFit all = of_part[0];

    all.error = 0;
    all.draws = all.iterations = 0;
    all.converged = true;
    for (long k = 0; k < q->parts; k++) {
        BoundFit unseen = {.iterations = of_part[k].iterations, .converged = true};

        bound_join(&all, modes_seen(q, k) ? &of_part[k] : &unseen);
    }
    return all;
}

void modes_join(Target *t, Start *s, Mixture *q, BoundFit *fit, long rank, uint64_t seed)
{
    BoundFit of_part[MOST_JOINED + 1] = {*fit};
    double best = fit->fresh, at_modes;
    FamilyKind kind = q->part[0].kind;

    at_modes = fmax(best_at_modes(s, q, true), best_at_modes(s, q, false));
    if (t->n > MOST_DENSE)             /* a climb is dear; descents often end at no mode */
        at_modes = fmax(at_modes, s->elbo);
    for (long k = 0; k < s->others && q->parts <= MOST_JOINED && !target_late(t); k++) {
        if (s->other[k].bound < at_modes - RIVAL || mixture_reaches(q, s->other[k].mean))
            continue;
        Start mode = start_at(t, s->other[k].mean, seed);
        Mixture alone = mixture_of(gaussian_from(&mode, kind, rank));
        BoundFit own = {.fresh = -INFINITY};

        if (!led_elsewhere(s, k, &alone.part[0]) && !leads_to(t, &mode, q, seed))
            own = climb(t, &alone, seed, (ClimbRules){.floor = best - RIVAL});
        if (own.fresh > best - RIVAL && gaussian_resolved(&alone.part[0])
            && !mixture_reaches(q, alone.part[0].mean)) {
            best = own.fresh > best ? own.fresh : best;
            of_part[q->parts] = own;
            mixture_add(q, gaussian_copy(&alone.part[0]), 0);
        } else {
            s->other[k].begun = s->other[k].bound;
            s->other[k].bound = -INFINITY;
        }
        mixture_free(&alone);
        start_free(&mode);
    }
    if (q->parts > 1)
        mixture_by_evidence(t, q, seed, EVIDENCE);
    *fit = together(q, of_part);
}

/* ---- faint ones ------------------------------------------------------------------------------ */

/* Nats below the best within which a mode can be seen in a width: by its share exp(-nats) of the
 * mass times the square of its distance, in standard deviations of the first part. */
static double visible(const Mixture *q, const double *mode)
{
    const Gaussian *first = &q->part[0];
    double *sd = dgm_alloc((size_t)(q->n + 1) * sizeof *sd), far = 0;

    gaussian_sds(first, sd);
    for (long i = 0; i < q->n; i++)
        far = fmax(far, fabs(mode[i] - first->mean[i]) / sd[i]);
    free(sd);
    return fmin(FAINTEST, log(far * far / SEEN));
}

/* Does the density, on the way from the mean of each part to the mode, fall below both? */
static bool beyond_a_valley(Target *t, const Mixture *q, const double *mode)
{
    enum { POINTS = 20 };
    long n = q->n;
    double *U = dgm_alloc((size_t)(POINTS * (n + 1)) * sizeof *U), *value = U + POINTS * n;
    bool valley = true;

    for (long k = 0; k < q->parts && valley; k++) {
        const double *mean = q->part[k].mean;
        double lowest = INFINITY;

        for (long p = 0; p < POINTS; p++)
            for (long i = 0; i < n; i++)
                U[p * n + i] = mean[i] + (double)p / (POINTS - 1) * (mode[i] - mean[i]);
        target_rows(t, POINTS, U, value, NULL);
        for (long p = 0; p < POINTS; p++)
            lowest = fmin(lowest, value[p]);
        valley = lowest < fmin(value[0], value[POINTS - 1]) - VALLEY;
    }
    free(U);
    return valley;
}

bool modes_join_faint(Target *t, const Start *s, Mixture *q, long rank, uint64_t seed)
{
    double best = best_reached(s, q);
    long before = q->parts;
    FamilyKind kind = q->part[0].kind;

    for (long k = 0; k < s->others && q->parts <= MOST_JOINED && !target_late(t); k++) {
        const Mode *m = &s->other[k];
        double bound = isfinite(m->bound) ? m->bound : m->begun;

        if (bound > best - visible(q, m->mean) && !mixture_reaches(q, m->mean)
            && beyond_a_valley(t, q, m->mean))
            mixture_add(q, gaussian_at(t, m->mean, kind, rank, seed), 0);
    }
    if (q->parts > before)
        mixture_by_evidence(t, q, seed, EVIDENCE);
    return q->parts > before;
}
