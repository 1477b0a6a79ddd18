/* start.c - a Gaussian near the mass of a density, from which the bound is climbed.
 *
 * Idea: descents from several points lead towards modes. A mode may lie far from the mass, or the
 * density may grow without end (a hierarchical model whose scale goes to 0), so Gaussians are tried
 * at points all along each way, with the curvature found there, and the one with the highest
 * bound is taken (as Pathfinder does: Zhang, Carpenter, Gelman & Vehtari 2022). A few descents are
 * enough where all reach the same bound. Where some do not, the best may not have been seen yet,
 * the less likely the more of them reached it: more follow, as far as they are little work.
 * Curvature is by differences of gradients: with steps made for a scale of 1, and again where the
 * scales found are far from that. Of the same descents the highest mode can be asked for by itself.
 */
#include "infer/infer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Descents: that agree on the best, enough, enough where the best is no mode, and where these are
 * much work too; and at most. */
enum { AGREEING = 5, DESCENTS = 16, WITHOUT_MODE = 8, WITHOUT_MODE_LONG = 4, MOST_DESCENTS = 64 };
enum { TRIES = 40, KEPT = 10, TRIAL_DRAWS = 20, MODE_ITERATIONS = 300 };
static const double GOOD_SPREAD = 1;    /* of log p - log q: the mode is a good place to begin */
static const double SAME = 1e-3;       /* log densities of two ends that are one mode */
static const double SAME_BOUND = 1;    /* nats between two ways that reach the same mass */
static const double RESOLVED = 1e14;   /* a bound beyond is rounding: a nat of it is not resolved */
static const double SCATTERED = 1e8;   /* nor is it where draws lie so many nats apart */
static const double MORE_WORK = 8e9, SOME_WORK = 1e9;        /* of descents: see enough() */
static const double LAST_STEP = 0.01;  /* sds */
static const double NEAR = 2, FAR = 32; /* ranges in which descents begin */

/* Points of one descent, at doubling distances: all of the first, then every 2nd, 4th .. */
typedef struct Trail {
    Target *t;
    double *points;                    /* [KEPT][n] */
    long n_points, seen, stride;
} Trail;

static bool visit(void *of, const double *x, double f, const double *gradient)
{
    Trail *trail = of;
    size_t bytes = (size_t)trail->t->n * sizeof *x;

    (void)f;
    (void)gradient;
    if (trail->seen++ % trail->stride != 0)
        return true;
    if (trail->n_points == KEPT) {     /* every other one goes */
        for (long k = 1; 2 * k < KEPT; k++)
            memcpy(trail->points + k * trail->t->n, trail->points + 2 * k * trail->t->n, bytes);
        trail->n_points = (KEPT + 1) / 2;
        trail->stride *= 2;
    }
    memcpy(trail->points + trail->n_points++ * trail->t->n, x, bytes);
    return !target_late(trail->t);
}

static double negative(void *of, const double *x, double *gradient)
{
    Trail *trail = of;
    double f = -target_at(trail->t, x, gradient);

    for (long i = 0; i < trail->t->n; i++)
        gradient[i] = -gradient[i];
    return f;
}

/* ---- curvature ------------------------------------------------------------------------------- */

void dsyevd_(const char *job, const char *uplo, const int *n, double *a, const int *lda, double *w,
             double *work, const int *lwork, int *iwork, const int *liwork, int *info,
             size_t job_length, size_t uplo_length);

/* P = - second derivatives at u; step[i]: of the differences. False: not finite. */
static bool precision(Target *t, const double *u, const double *step, double *P)
{
    long n = t->n;
    double *X = dgm_alloc((size_t)(4 * n * n + 2 * n) * sizeof *X), *G = X + 2 * n * n;
    bool finite = true;

    for (long i = 0; i < 2 * n; i++) { /* row 2 j lies above in direction j, row 2 j + 1 below */
        memcpy(X + i * n, u, (size_t)n * sizeof *u);
        X[i * n + i / 2] += i % 2 == 0 ? step[i / 2] : -step[i / 2];
    }
    target_rows(t, 2 * n, X, G + 2 * n * n, G);
    for (long i = 0; i < n; i++)
        for (long j = 0; j < n; j++) {
            P[i * n + j] = (G[(2 * i + 1) * n + j] - G[2 * i * n + j]) / (2 * step[i]);
            finite = finite && isfinite(P[i * n + j]);
        }
    for (long i = 0; i < n; i++)
        for (long j = 0; j < i; j++)
            P[i * n + j] = P[j * n + i] = (P[i * n + j] + P[j * n + i]) / 2;
    free(X);
    return finite;
}

/* C = P^-1 by its Cholesky factor; false if P is not safely positive definite. */
static bool definite(long n, const double *P, double *C)
{
    double *L = dgm_alloc((size_t)(2 * n * n) * sizeof *L), *inverse = L + n * n;

    memcpy(L, P, (size_t)(n * n) * sizeof *P);
    bool good = dense_cholesky(n, L);
    for (long i = 0; i < n && good; i++)
        good = L[i * n + i] > 1e-5;    /* of a matrix with diagonal 1 */
    if (good) {
        dense_lower_inverse(n, L, inverse);
        dense_product(true, false, n, n, n, inverse, inverse, 0, C);
    }
    free(L);
    return good;
}

/* C = |P|^-1, where |P| has the absolute eigenvalues of P, kept away from 0. */
static bool absolute(long n, double *P, double *C)
{
    int order = (int)n, room = 1 + 6 * order + 2 * order * order, whole = 3 + 5 * order, info = 0;
    double *w = dgm_alloc((size_t)(n + room) * sizeof *w);
    int *iw = dgm_alloc((size_t)whole * sizeof *iw);

    dsyevd_("V", "U", &order, P, &order, w, w + n, &room, iw, &whole, &info, 1, 1);
    for (long k = 0; k < n; k++) {     /* row k of P is eigenvector k */
        double least = w[k] > 0 ? 1e-10 : 1e-2, size = fabs(w[k]);

        size = 1 / sqrt(size > least ? size : least);
        for (long i = 0; i < n; i++)
            P[k * n + i] *= size;
    }
    dense_product(true, false, n, n, n, P, P, 0, C);
    free(iw);
    free(w);
    return info == 0;
}

/* The covariance of a Gaussian with precision P, made positive definite in scales in which its
 * diagonal is 1. */
static bool covariance(long n, double *P, double *C)
{
    double *scale = dgm_alloc((size_t)n * sizeof *scale);

    for (long i = 0; i < n; i++)
        scale[i] = P[i * n + i] != 0 ? 1 / sqrt(fabs(P[i * n + i])) : 1;
    for (long i = 0; i < n * n; i++)
        P[i] *= scale[i / n] * scale[i % n];
    bool good = definite(n, P, C) || absolute(n, P, C);
    for (long i = 0; i < n * n; i++)
        C[i] *= scale[i / n] * scale[i % n];
    free(scale);
    return good;
}

/* Steps of differences for the scales that P shows; true if they are far from those it was made
 * by. */
static bool fit_steps(long n, const double *u, const double *P, double *step)
{
    bool far = false;

    for (long i = 0; i < n; i++) {
        double least = 1e-9 * (1 + fabs(u[i])), own = P[i * n + i] != 0
               ? 1e-3 / sqrt(fabs(P[i * n + i])) : step[i];

        own = own < least ? least : own > 0.1 ? 0.1 : own;
        far = far || own < step[i] / 100 || own > step[i] * 1000;
        step[i] = own;
    }
    return far;
}

/* Factor of the covariance at u; false if there is none. */
static bool curvature(Target *t, const double *u, double *factor)
{
    long n = t->n;
    double *P = dgm_alloc((size_t)(n * n + n) * sizeof *P), *step = P + n * n;

    for (long i = 0; i < n; i++)
        step[i] = 1e-4 * (1 + fabs(u[i]));
    bool good = precision(t, u, step, P);
    if (good && fit_steps(n, u, P, step))
        good = precision(t, u, step, P);
    good = good && covariance(n, P, factor) && dense_cholesky(n, factor);
    free(P);
    return good;
}

/* Standard deviations from the diagonal of the precision, where all of it would be too large:
 * the mean of v (P v) over random signs v (Hutchinson 1990, Bekas, Kokiopoulou & Saad 2007). */
static bool diagonal_curvature(Target *t, const double *u, uint64_t seed, double *sd)
{
    enum { PROBES = 20 };
    const double step = 1e-4;
    long n = t->n;
    double *x = dgm_alloc((size_t)(4 * n) * sizeof *x), *v = x + n, *above = v + n;
    double *below = above + n;
    bool finite = true;

    memset(sd, 0, (size_t)n * sizeof *sd);
    for (int k = 0; k < PROBES; k++) {
        noise_normal(seed, 900000 + (uint64_t)k, 1, n, v);
        for (long i = 0; i < n; i++)
            v[i] = v[i] < 0 ? -1 : 1;
        for (int side = 0; side < 2; side++) {
            for (long i = 0; i < n; i++)
                x[i] = u[i] + (side == 0 ? step : -step) * v[i];
            target_at(t, x, side == 0 ? above : below);
        }
        for (long i = 0; i < n; i++)
            sd[i] += v[i] * (below[i] - above[i]) / (2 * step * PROBES);
    }
    for (long i = 0; i < n; i++) {
        finite = finite && isfinite(sd[i]);
        sd[i] = 1 / sqrt(fmax(fabs(sd[i]), 0.1));
    }
    free(x);
    return finite;
}

/* ---- candidates ------------------------------------------------------------------------------ */

/* The bound of normal(mean, factor factor') by a few balanced draws, and how much log p - log q
 * varies over them. */
static void judge(Target *t, Start *s, uint64_t seed)
{
    long n = t->n, M = TRIAL_DRAWS;
    double *U = dgm_alloc((size_t)(M * n + M) * sizeof *U), *ratio = U + M * n, square = 0;
    Gaussian q = {s->factor ? FAMILY_FULLRANK : FAMILY_MEANFIELD, n, s->factor ? n : 0, s->mean,
                  s->sd, s->factor};

    gaussian_log_ratio(&q, t, seed, 0, M, U, ratio);
    s->elbo = 0;
    for (long i = 0; i < M; i++)
        s->elbo += ratio[i] / (double)M;
    for (long i = 0; i < M; i++)
        square += pow(ratio[i] - s->elbo, 2) / (double)M;
    if (fabs(s->elbo) > RESOLVED || sqrt(square) > SCATTERED)
        s->elbo = -INFINITY;
    s->spread = isfinite(s->elbo) ? sqrt(square) : INFINITY;
    free(U);
}

/* The mean is a Newton step from u, of at most two standard deviations in each direction. */
static void newton_step(Start *s, const double *u, const double *g)
{
    long n = s->n;
    double *move = dgm_alloc((size_t)n * sizeof *move), square = 0;

    memcpy(s->mean, u, (size_t)n * sizeof *u);
    if (s->factor == NULL) {
        free(move);
        return;
    }
    dense_product(true, false, n, 1, n, s->factor, g, 0, move);
    for (long i = 0; i < n; i++)
        square += move[i] * move[i] / (double)n;
    for (long i = 0; i < n && square > 4; i++)
        move[i] *= 2 / sqrt(square);
    dense_product(false, false, n, 1, n, s->factor, move, 1, s->mean);
    free(move);
}

static Start start_new(long n)
{
    size_t factor = n <= MOST_DENSE ? (size_t)(n * n) : 0;

    return (Start){.n = n, .found = true, .mean = dgm_alloc((size_t)n * sizeof(double)),
                   .sd = dgm_alloc((size_t)n * sizeof(double)),
                   .factor = factor > 0 ? dgm_alloc(factor * sizeof(double)) : NULL};
}

/* The Gaussian at u, narrower where the bound is not finite. */
static Start candidate(Target *t, const double *u, uint64_t seed, bool mode)
{
    double *g = dgm_alloc((size_t)t->n * sizeof *g);
    Start s = start_new(t->n);

    s.log_density = target_at(t, u, g);
    s.mode = mode;
    s.elbo = -INFINITY;
    s.spread = INFINITY;
    if (isfinite(s.log_density)
        && (s.factor ? curvature(t, u, s.factor) : diagonal_curvature(t, u, seed, s.sd))) {
        newton_step(&s, u, g);
        judge(t, &s, seed);
        for (int k = 0; k < 8 && !isfinite(s.elbo); k++) {
            for (long i = 0; s.factor && i < s.n * s.n; i++)
                s.factor[i] /= 2;
            for (long i = 0; i < s.n; i++)
                s.sd[i] /= 2;
            judge(t, &s, seed);
        }
    }
    free(g);
    return s;
}

Start start_at(Target *t, const double *mode, uint64_t seed)
{
    return candidate(t, mode, seed, true);
}

double start_bound(const Start *s)
{
    return s->others > 0 ? fmax(s->elbo, s->other[0].bound) : s->elbo;
}

void start_keep(Start *best, Mode m)
{
    Mode *more = dgm_alloc((size_t)(best->others + 1) * sizeof *more);
    long k = 0;

    while (k < best->others && best->other[k].bound >= m.bound)
        k++;
    for (long i = 0; i < best->others; i++)
        more[i < k ? i : i + 1] = best->other[i];
    more[k] = m;
    free(best->other);
    best->other = more;
    best->others++;
}

/* Keeps s or what there is; the other is remembered as a mode if it is one, or `any`. */
static void keep(Start *best, Start s, bool better, bool any)
{
    Start modes = {.other = best->other, .others = best->others};
    Start other = better ? *best : s;

    if (other.found && (any || other.mode) && isfinite(other.elbo)) {
        start_keep(&modes, (Mode){other.mean, other.elbo, 0});
        other.mean = NULL;
    }
    if (better)
        *best = s;
    best->other = modes.other;
    best->others = modes.others;
    if (other.found) {
        free(other.mean);
        free(other.sd);
        free(other.factor);
    }
}

/* The better of the two: a bound that rests on a few of its draws counts for less. */
static void keep_better(Start *best, Start s)
{
    bool better = isfinite(s.elbo)
               && (!best->found || s.elbo - s.spread > best->elbo - best->spread);

    keep(best, s, better, false);
}

/* Within half a standard deviation of the best mean in every direction, nearly. */
static bool known(const Start *best, const double *u)
{
    long n = best->n;
    double *x = dgm_alloc((size_t)n * sizeof *x), square = 0;

    for (long i = 0; i < n && best->found; i++)
        x[i] = u[i] - best->mean[i];
    if (best->found && best->factor)
        dense_solve_lower(n, best->factor, x);
    for (long i = 0; i < n && best->found && !best->factor; i++)
        x[i] /= best->sd[i];
    for (long i = 0; i < n; i++)
        square += x[i] * x[i];
    free(x);
    return best->found && best->mode && square < 0.25;
}

/* Try k of a descent: 0 first, then uniform in (-width, width). The log density and its gradient
 * there; -inf where these are not finite. */
static double try_point(Target *t, uint64_t seed, int number, int k, double width, double *u,
                        double *g)
{
    for (long i = 0; i < t->n; i++)
        u[i] = k == 0 ? 0 : width * (2 * dgm_random_unit(seed, DGM_STREAM_POSTERIOR,
                                                         (uint64_t)number << 32 | (uint64_t)k,
                                                         (uint64_t)i) - 1);
    double value = target_at(t, u, g);
    bool good = isfinite(value);
    for (long i = 0; i < t->n; i++)
        good = good && isfinite(g[i]);
    return good ? value : -INFINITY;
}

/* Of TRIES in (-2, 2) the first with a finite density. Where there is none, as of a scale that the
 * units of the data make large, the best of as many in a range that doubles, and stays so wide. */
static bool first_point(Target *t, uint64_t seed, int number, double *width, double *u, double *g)
{
    int first = number > 0, at = -1, k;

    for (;; *width *= 2, first += TRIES) {
        double best = -INFINITY;

        for (k = first; k < first / TRIES * TRIES + TRIES && (at < 0 || *width > NEAR); k++) {
            double value = try_point(t, seed, number, k, *width, u, g);

            if (value > best) {
                best = value;
                at = k;
            }
        }
        if (at >= 0 || *width >= FAR)
            break;
    }
    if (at >= 0 && at != k - 1)
        try_point(t, seed, number, at, *width, u, g);
    return at >= 0;
}

/* How far up a descent came: the best bound on its way, or that of a mode that was known; and the
 * log density where it ended. */
typedef struct Way { bool known; double bound, spread, top; } Way;

static void try_at(Target *t, Start *best, Way *way, const double *u, bool mode, uint64_t seed)
{
    Start s = candidate(t, u, seed, mode);

    if (isfinite(s.elbo) && s.elbo - s.spread > way->bound - way->spread)
        *way = (Way){false, s.elbo, s.spread, way->top};
    keep_better(best, s);
}

/* One descent from u, in place; what is tried on its way may become the best. points: [KEPT][n],
 * scratch. */
static Way descend(Target *t, Start *best, double *u, double *points, uint64_t seed)
{
    long n = t->n;
    Trail trail = {.t = t, .points = points, .stride = 1};
    Descent end = lbfgs(negative, &trail, n, u, (DescentRules){1e-8, MODE_ITERATIONS, visit});
    Way way = {false, -INFINITY, INFINITY, -end.f};

    if (known(best, u))
        return (Way){true, best->elbo, best->spread, -end.f};
    try_at(t, best, &way, u, true, seed);
    bool good = way.spread < GOOD_SPREAD;
    for (long k = 0; k < trail.n_points && !good && !target_late(t); k++)
        try_at(t, best, &way, points + k * n, false, seed);
    return way;
}

/* What is known after a number of descents. */
typedef struct Search {
    int descents, agreed;              /* agreed: ended at the best mode */
    double bound[MOST_DESCENTS];       /* that each reached */
    double highest, lowest;            /* log density where one ended */
    double width;                      /* of the range in which descents begin */
    long before;                       /* evaluations */
} Search;

/* Are there enough descents? Of those that do not agree, as many as are worth their work: more of
 * it where fewer than AGREEING reached the best bound. Those that all end at one mode, which is not
 * where the mass is, differ by the points that they came by alone: more would find nothing new. */
static bool enough(const Search *s, const Start *best, const Target *t)
{
    double work = t->work * (double)(t->evaluations - s->before);
    bool no_mode = best->found && !best->mode;
    int reached = 0, least = s->agreed >= AGREEING ? AGREEING : !no_mode ? DESCENTS
                           : work < MORE_WORK ? WITHOUT_MODE : WITHOUT_MODE_LONG;

    for (int d = 0; d < s->descents; d++)
        reached += best->found && s->bound[d] > best->elbo - SAME_BOUND;
    if (s->descents < least || s->descents == MOST_DESCENTS)
        return s->descents == MOST_DESCENTS;
    if (no_mode && s->highest - s->lowest < SAME)
        return true;
    return reached == s->descents || work > (reached < AGREEING ? MORE_WORK : SOME_WORK);
}

void start_descend(Target *t, double *u)
{
    Trail trail = {.t = t};

    lbfgs(negative, &trail, t->n, u, (DescentRules){1e-8, MODE_ITERATIONS, NULL});
}

Start start_find(Target *t, uint64_t seed)
{
    long n = t->n;
    double *room = dgm_alloc((size_t)(n * (KEPT + 2)) * sizeof *room), *u = room, *g = u + n;
    Start best = {.n = n};
    Search s = {.before = t->evaluations, .highest = -INFINITY, .lowest = INFINITY, .width = NEAR};

    while (!enough(&s, &best, t) && !(best.found && target_late(t))) {
        double elbo = best.found ? best.elbo : -INFINITY;
        Way way = {.bound = -INFINITY, .top = -INFINITY};

        if (first_point(t, seed, s.descents, &s.width, u, g))
            way = descend(t, &best, u, g + n, seed);
        if (way.known)
            s.agreed++;
        else if (best.found && best.elbo > elbo)
            s.agreed = 1;
        s.bound[s.descents++] = way.bound;
        s.highest = fmax(s.highest, way.top);
        s.lowest = fmin(s.lowest, way.top);
    }
    free(room);
    return best;
}

Start start_from(Target *t, const double *from, uint64_t seed)
{
    long n = t->n;
    double *u = dgm_alloc((size_t)(n * (KEPT + 1)) * sizeof *u);
    Start best = {.n = n};

    memcpy(u, from, (size_t)n * sizeof *u);
    descend(t, &best, u, u + n, seed);
    free(u);
    return best;
}

static void keep_higher(Start *best, Start s)
{
    keep(best, s, !best->found || s.log_density > best->log_density, true);
}

/* The covariance at the mode itself, which a candidate may have made narrower. It is a mode where
 * the step that Newton would still make is nothing in the scales of the covariance. */
static void settle(Target *t, Start *s, uint64_t seed)
{
    long n = t->n;
    double *g = dgm_alloc((size_t)(2 * n) * sizeof *g), *step = g + n;

    s->log_density = target_at(t, s->mean, g);
    s->mode = s->factor ? curvature(t, s->mean, s->factor)
                        : diagonal_curvature(t, s->mean, seed, s->sd);
    if (s->factor != NULL)
        dense_product(true, false, n, 1, n, s->factor, g, 0, step);
    for (long i = 0; i < n && s->factor == NULL; i++)
        step[i] = s->sd[i] * g[i];
    s->mode = s->mode && dense_square(n, step) < LAST_STEP * LAST_STEP;
    free(g);
}

Start start_mode(Target *t, uint64_t seed)
{
    long n = t->n;
    double *u = dgm_alloc((size_t)(n * (KEPT + 2)) * sizeof *u), *g = u + n;
    Start best = {.n = n};
    double width = NEAR;

    for (int d = 0, agreed = 0; d < DESCENTS && agreed < AGREEING; d++) {
        Trail trail = {.t = t, .points = g + n, .stride = 1};

        if (!first_point(t, seed, d, &width, u, g))
            continue;
        Descent end = lbfgs(negative, &trail, n, u, (DescentRules){1e-8, MODE_ITERATIONS, NULL});
        bool same = best.found && fabs(-end.f - best.log_density) < SAME;
        agreed = same ? agreed + 1 : !best.found || -end.f > best.log_density ? 1 : agreed;
        if (!same)
            keep_higher(&best, candidate(t, u, seed, true));
        if (best.found && target_late(t))
            break;
    }
    if (best.found)
        settle(t, &best, seed);
    free(u);
    return best;
}

void start_take_highest(Target *t, Start *s, uint64_t seed)
{
    double highest = s->log_density + SAME;
    long at = -1;

    for (long k = 0; k < s->others; k++) {
        double height = target_at(t, s->other[k].mean, NULL);

        if (height > highest) {
            highest = height;
            at = k;
        }
    }
    if (at < 0)
        return;
    Start higher = candidate(t, s->other[at].mean, seed, true);
    settle(t, &higher, seed);
    if (higher.mode)
        keep(s, higher, true, true);
    else
        start_free(&higher);
}

void start_free(Start *s)
{
    if (s->found) {
        free(s->mean);
        free(s->sd);
        free(s->factor);
    }
    for (long k = 0; k < s->others; k++)
        free(s->other[k].mean);
    free(s->other);
    s->other = NULL;
    s->others = 0;
    s->found = false;
}
