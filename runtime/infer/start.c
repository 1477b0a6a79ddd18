/* start.c - a Gaussian near the mass of a density, from which the bound is climbed.
 *
 * Idea: descents from several points lead towards modes. A mode may lie far from the mass, or the
 * density may grow without end (a hierarchical model whose scale goes to 0), so Gaussians are tried
 * at points all along each way, with the curvature found there, and the one with the highest bound is
 * taken (as Pathfinder does: Zhang, Carpenter, Gelman & Vehtari 2022). Curvature is by differences
 * of gradients, twice: with steps made for a scale of 1, then with steps made for the scales found.
 */
#include "infer/infer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DESCENTS = 4, TRIES = 40, KEPT = 10, TRIAL_DRAWS = 20, MODE_ITERATIONS = 300 };

/* Points of one descent, at doubling distances: all of the first, then every 2nd, 4th .. */
typedef struct Trail {
    Target *t;
    double *points;                    /* [KEPT][n] */
    double *last;
    long n_points, seen, stride;
} Trail;

static void visit(void *of, const double *x, double f, const double *gradient)
{
    Trail *trail = of;
    size_t bytes = (size_t)trail->t->n * sizeof *x;

    (void)f;
    (void)gradient;
    memcpy(trail->last, x, bytes);
    if (trail->seen++ % trail->stride != 0)
        return;
    if (trail->n_points == KEPT) {     /* every other one goes */
        for (long k = 1; 2 * k < KEPT; k++)
            memcpy(trail->points + k * trail->t->n, trail->points + 2 * k * trail->t->n, bytes);
        trail->n_points = (KEPT + 1) / 2;
        trail->stride *= 2;
    }
    memcpy(trail->points + trail->n_points++ * trail->t->n, x, bytes);
}

static double negative(void *of, const double *x, double *gradient)
{
    Trail *trail = of;
    double f = -target_at(trail->t, x, gradient);

    for (long i = 0; i < trail->t->n; i++)
        gradient[i] = -gradient[i];
    return f;
}

/* ---- curvature --------------------------------------------------------------------------------- */

void dsyev_(const char *job, const char *uplo, const int *n, double *a, const int *lda, double *w,
            double *work, const int *lwork, int *info, size_t job_length, size_t uplo_length);

/* P = - second derivatives at u; step[i]: of the differences. False: not finite. */
static bool precision(Target *t, const double *u, const double *step, double *P)
{
    long n = t->n;
    double *x = dgm_alloc(3 * (size_t)n * sizeof *x), *above = x + n, *below = above + n;
    bool finite = true;

    memcpy(x, u, (size_t)n * sizeof *x);
    for (long i = 0; i < n && finite; i++) {
        x[i] = u[i] + step[i];
        target_at(t, x, above);
        x[i] = u[i] - step[i];
        target_at(t, x, below);
        x[i] = u[i];
        for (long j = 0; j < n; j++) {
            P[i * n + j] = (below[j] - above[j]) / (2 * step[i]);
            finite = finite && isfinite(P[i * n + j]);
        }
    }
    for (long i = 0; i < n; i++)
        for (long j = 0; j < i; j++)
            P[i * n + j] = P[j * n + i] = (P[i * n + j] + P[j * n + i]) / 2;
    free(x);
    return finite;
}

/* The covariance |P|^-1, where |P| has the absolute eigenvalues of P in scales in which its diagonal
 * is 1, kept away from 0. */
static bool covariance(long n, double *P, double *C)
{
    int order = (int)n, room = 64 * (int)n + 64, info = 0;
    double *scale = dgm_alloc((size_t)(2 * n + room) * sizeof *scale), *w = scale + n;

    for (long i = 0; i < n; i++)
        scale[i] = P[i * n + i] != 0 ? 1 / sqrt(fabs(P[i * n + i])) : 1;
    for (long i = 0; i < n; i++)
        for (long j = 0; j < n; j++)
            P[i * n + j] *= scale[i] * scale[j];
    dsyev_("V", "U", &order, P, &order, w, w + n, &room, &info, 1, 1);
    for (long k = 0; k < n; k++) {     /* row k of P is eigenvector k */
        double least = w[k] > 0 ? 1e-10 : 1e-2, size = fabs(w[k]);

        size = 1 / sqrt(size > least ? size : least);
        for (long i = 0; i < n; i++)
            P[k * n + i] *= size * scale[i];
    }
    dense_product(true, false, n, n, n, P, P, 0, C);
    free(scale);
    return info == 0;
}

/* Factor of the covariance at u; false if there is none. */
static bool curvature(Target *t, const double *u, double *factor)
{
    long n = t->n;
    double *P = dgm_alloc((size_t)(n * n + n) * sizeof *P), *step = P + n * n;
    bool good = true;

    for (long i = 0; i < n; i++)
        step[i] = 1e-4 * (1 + fabs(u[i]));
    for (int pass = 0; pass < 2 && good; pass++) {
        good = precision(t, u, step, P);
        for (long i = 0; i < n && good; i++) {
            double own = P[i * n + i] != 0 ? 1e-3 / sqrt(fabs(P[i * n + i])) : step[i];

            step[i] = own < 1e-9 * (1 + fabs(u[i])) ? 1e-9 * (1 + fabs(u[i])) : own > 0.1 ? 0.1 : own;
        }
    }
    good = good && covariance(n, P, factor) && dense_cholesky(n, factor);
    free(P);
    return good;
}

/* ---- candidates -------------------------------------------------------------------------------- */

/* The bound of normal(mean, factor factor'), by a few balanced draws. */
static double bound_of(Target *t, const Start *s, uint64_t seed)
{
    long n = t->n, M = TRIAL_DRAWS;
    double *E = dgm_alloc((size_t)(2 * M * n + M) * sizeof *E), *U = E + M * n, *value = U + M * n;
    double sum = 0, entropy = (double)n / 2 * log(2 * M_PI * M_E);
    Gaussian q = {FAMILY_FULLRANK, n, n, s->mean, NULL, s->factor};

    noise_balanced(seed, 0, M, n, E);
    gaussian_draw(&q, M, E, U);
    target_rows(t, M, U, value, NULL);
    for (long i = 0; i < M; i++)
        sum += value[i];
    for (long i = 0; i < n; i++)
        entropy += log(s->factor[i * n + i]);
    free(E);
    return sum / (double)M + entropy;
}

/* The Gaussian at u: its mean is a Newton step away. Narrower where the bound is not finite. */
static void try_point(Target *t, const double *u, uint64_t seed, Start *best, bool mode)
{
    long n = t->n;
    double *room = dgm_alloc((size_t)(n * n + 3 * n) * sizeof *room);
    double *g = room + n * n + n, *move = g + n;
    Start s = {.n = n, .factor = room, .mean = room + n * n, .found = true, .mode = mode};

    s.log_density = target_at(t, u, g);
    bool good = isfinite(s.log_density) && curvature(t, u, s.factor);
    if (good) {
        dense_product(true, false, n, 1, n, s.factor, g, 0, move);
        double length = 0;
        for (long i = 0; i < n; i++)
            length += move[i] * move[i] / (double)n;
        for (long i = 0; i < n && length > 4; i++)           /* at most two sds in each direction */
            move[i] *= 2 / sqrt(length);
        memcpy(s.mean, u, (size_t)n * sizeof *u);
        dense_product(false, false, n, 1, n, s.factor, move, 1, s.mean);
        s.elbo = bound_of(t, &s, seed);
        for (int k = 0; k < 8 && !isfinite(s.elbo); k++) {
            for (long i = 0; i < n * n; i++)
                s.factor[i] /= 2;
            s.elbo = bound_of(t, &s, seed);
        }
    }
    if (good && isfinite(s.elbo) && (!best->found || s.elbo > best->elbo)) {
        start_free(best);
        *best = s;
        best->mean = dgm_alloc((size_t)n * sizeof *s.mean);
        best->factor = dgm_alloc((size_t)(n * n) * sizeof *s.factor);
        memcpy(best->mean, s.mean, (size_t)n * sizeof *s.mean);
        memcpy(best->factor, s.factor, (size_t)(n * n) * sizeof *s.factor);
    }
    free(room);
}

/* 0 first, then uniform in (-2, 2): the first of these with a finite density. */
static bool first_point(Target *t, uint64_t seed, int number, double *u, double *g)
{
    for (int k = number == 0 ? 0 : 1; k < TRIES; k++) {
        for (long i = 0; i < t->n; i++)
            u[i] = k == 0 ? 0 : 4 * dgm_random_unit(seed, DGM_STREAM_POSTERIOR,
                                                    (uint64_t)number << 32 | (uint64_t)k,
                                                    (uint64_t)i) - 2;
        bool good = isfinite(target_at(t, u, g));
        for (long i = 0; i < t->n; i++)
            good = good && isfinite(g[i]);
        if (good)
            return true;
    }
    return false;
}

Start start_find(Target *t, uint64_t seed)
{
    long n = t->n;
    double *room = dgm_alloc((size_t)(n * (KEPT + 3)) * sizeof *room), *u = room, *g = u + n;
    Start best = {.n = n};

    for (int d = 0; d < DESCENTS; d++) {
        Trail trail = {.t = t, .last = g + n, .points = g + 2 * n, .stride = 1};

        if (!first_point(t, seed, d, u, g))
            continue;
        lbfgs(negative, &trail, n, u, (DescentRules){1e-8, MODE_ITERATIONS, visit});
        try_point(t, u, seed, &best, true);
        for (long k = 0; k < trail.n_points; k++)
            try_point(t, trail.points + k * n, seed, &best, false);
    }
    free(room);
    return best;
}

void start_free(Start *s)
{
    if (s->found) {
        free(s->mean);
        free(s->factor);
    }
    s->found = false;
}
