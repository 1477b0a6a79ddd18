/* lbfgs.c - a smooth function climbed down with the curvature of the last steps.
 *
 * Idea: the direction is the two-loop recursion over the last MEMORY pairs of step and change of
 * gradient (Nocedal & Wright 2006, algorithm 7.4); the length satisfies the strong Wolfe conditions
 * (3.7), found by widening and then closing a bracket (algorithms 3.5 and 3.6, cubic steps). Where
 * the function is not finite it counts as too high, so a step simply becomes shorter.
 */
#include "infer/infer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MEMORY = 24, SEARCHES = 40 };
static const double DECREASE = 1e-4, CURVATURE = 0.9;

typedef struct Path {
    Objective *f;
    void *of;
    long n;
    double *x, *g;                     /* where it stands, and the gradient there */
    double *d;                         /* direction */
    double *at, *slope_at;             /* where the search looks */
    double *step[MEMORY], *change[MEMORY], rho[MEMORY];
    long pairs;                        /* made so far */
    bool open;                         /* the last search found no end: f falls without bound */
} Path;

/* d = - H g, where H approximates the inverse of the second derivatives. */
static void direction(Path *p)
{
    long first = p->pairs > MEMORY ? p->pairs - MEMORY : 0;
    double alpha[MEMORY];

    for (long i = 0; i < p->n; i++)
        p->d[i] = -p->g[i];
    for (long k = p->pairs - 1; k >= first; k--) {
        long m = k % MEMORY;

        alpha[m] = p->rho[m] * dense_dot(p->n, p->step[m], p->d);
        for (long i = 0; i < p->n; i++)
            p->d[i] -= alpha[m] * p->change[m][i];
    }
    if (p->pairs > 0) {
        long m = (p->pairs - 1) % MEMORY;
        double scale = 1 / (p->rho[m] * dense_dot(p->n, p->change[m], p->change[m]));

        for (long i = 0; i < p->n; i++)
            p->d[i] *= scale;
    }
    for (long k = first; k < p->pairs; k++) {
        long m = k % MEMORY;
        double beta = p->rho[m] * dense_dot(p->n, p->change[m], p->d);

        for (long i = 0; i < p->n; i++)
            p->d[i] += (alpha[m] - beta) * p->step[m][i];
    }
}

typedef struct Trial { double t, f, slope; } Trial;          /* along d */

static Trial look(Path *p, double t)
{
    Trial trial = {.t = t};

    for (long i = 0; i < p->n; i++)
        p->at[i] = p->x[i] + t * p->d[i];
    trial.f = p->f(p->of, p->at, p->slope_at);
    trial.slope = dense_dot(p->n, p->slope_at, p->d);
    if (!isfinite(trial.f) || !isfinite(trial.slope)) {
        trial.f = INFINITY;
        trial.slope = INFINITY;
    }
    return trial;
}

/* Where the cubic through both ends has its minimum, kept away from them. */
static double between(Trial low, Trial high)
{
    double width = high.t - low.t, t = low.t + width / 2;

    if (isfinite(high.f)) {
        double a = low.slope + high.slope - 3 * (high.f - low.f) / width;
        double square = a * a - low.slope * high.slope;

        if (square >= 0) {
            double root = width > 0 ? sqrt(square) : -sqrt(square);
            double cubic = high.t - width * (high.slope + root - a)
                                    / (high.slope - low.slope + 2 * root);
            double share = (cubic - low.t) / width;

            if (share > 0.1 && share < 0.9)
                return cubic;
        }
    } else {
        t = low.t + width / 4;
    }
    return t;
}

static bool low_enough(Trial start, Trial t)
{
    return t.f <= start.f + DECREASE * t.t * start.slope;
}

/* A length that satisfies the conditions, or the best seen; its point and gradient are in at. */
static Trial search(Path *p, Trial start, double first)
{
    Trial low = start, now = look(p, first), high = {0};
    bool closed = false;

    for (int k = 0; k < SEARCHES; k++) {
        if (low_enough(start, now) && fabs(now.slope) <= -CURVATURE * start.slope)
            return now;
        if (!low_enough(start, now) || now.f >= low.f) {
            high = now;
            closed = true;
        } else {
            if (now.slope * (closed ? high.t - low.t : 1) >= 0) {
                high = low;
                closed = true;
            }
            low = now;
        }
        if (closed && fabs(high.t - low.t) < 1e-12 * (first + fabs(low.t)))
            break;
        now = look(p, closed ? between(low, high) : 2.5 * now.t);
    }
    p->open = !closed;
    return low.t > 0 ? look(p, low.t) : start;
}

static void remember(Path *p)
{
    long m = p->pairs % MEMORY;
    double curvature;

    for (long i = 0; i < p->n; i++) {
        p->step[m][i] = p->at[i] - p->x[i];
        p->change[m][i] = p->slope_at[i] - p->g[i];
    }
    curvature = dense_dot(p->n, p->step[m], p->change[m]);
    if (curvature > 1e-12 * sqrt(dense_dot(p->n, p->step[m], p->step[m])
                                 * dense_dot(p->n, p->change[m], p->change[m]))) {
        p->rho[m] = 1 / curvature;
        p->pairs++;
    }
    memcpy(p->x, p->at, (size_t)p->n * sizeof *p->x);
    memcpy(p->g, p->slope_at, (size_t)p->n * sizeof *p->g);
}

static Descent descend(Path *p, DescentRules rules)
{
    Descent r = {.f = p->f(p->of, p->x, p->g)};
    int still = 0;

    while (isfinite(r.f) && r.iterations < rules.iterations) {
        if (rules.visit != NULL && !rules.visit(p->of, p->x, r.f, p->g))
            break;
        direction(p);
        Trial start = {.f = r.f, .slope = dense_dot(p->n, p->g, p->d)};
        r.slope = -start.slope;
        if (r.slope / 2 < rules.tolerance && (p->pairs > 0 || r.slope == 0)) {
            r.converged = true;
            break;
        }
        if (!(start.slope < 0)) {
            if (p->pairs == 0)
                break;
            p->pairs = 0;              /* the memory misleads: begin again */
            continue;
        }
        double first = p->pairs == 0 ? 1 / sqrt(-start.slope) : 1;
        Trial end = search(p, start, first > 1 ? 1 : first);
        if (!(end.f < r.f)) {
            if (p->pairs == 0) {
                r.converged = true;    /* no digit of f is left to win */
                break;
            }
            p->pairs = 0;
            continue;
        }
        still = r.f - end.f < rules.tolerance ? still + 1 : 0;
        r.f = end.f;
        r.iterations++;
        remember(p);
        if (p->open)
            break;
        if (still >= 5) {
            r.converged = true;
            break;
        }
    }
    return r;
}

Descent lbfgs(Objective *f, void *of, long n, double *x, DescentRules rules)
{
    size_t vectors = 4 + 2 * MEMORY;
    double *room = dgm_alloc(vectors * (size_t)(n + 1) * sizeof *room), *next = room;
    Path p = {.f = f, .of = of, .n = n, .x = x};

    p.g = next, next += n;
    p.d = next, next += n;
    p.at = next, next += n;
    p.slope_at = next, next += n;
    for (int m = 0; m < MEMORY; m++) {
        p.step[m] = next, next += n;
        p.change[m] = next, next += n;
    }
    Descent r = descend(&p, rules);
    free(room);
    return r;
}
