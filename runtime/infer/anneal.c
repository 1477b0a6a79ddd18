/* anneal.c - draws of a Gaussian carried over to the density, where plain weights are too uneven.
 *
 * Idea: annealed importance sampling (Neal 2001). Between q and p lie laws proportional to
 * q^(1 - b) p^b, b = 1/K, 2/K, .. 1; a draw is weighted by the ratio of each law to the one before,
 * and moved by a Hamiltonian step that leaves each law as it is. The weights are importance weights
 * on the space of whole paths: unbiased for the normaliser, and k-hat says of them what it says of
 * plain ones. Everything happens in coordinates z in which q is the standard normal law, so that
 * one step size serves all directions.
 */
#include "infer/infer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PILOT_DRAWS = 64, MOST_LEAPS = 12 };
static const double WAY = 1.5;         /* of a trajectory: a quarter turn of the normal law */
static const double ACCEPTED = 0.8;    /* share wanted */

typedef struct Particles {
    Target *t;
    const double *mean, *L;            /* u = mean + L z */
    long M, n;
    double log_volume;                 /* log det L - log normaliser of the normal law */
    double *z, *u;                     /* [M][n] */
    double *log_p, *by_z;              /* [M], [M][n]: log p and its gradient by z */
    double *momentum;
    double *z0, *by0, *log0;           /* before a move */
} Particles;

static Particles particles_new(Target *t, const double *mean, const double *L, long M)
{
    long n = t->n;
    double *x = dgm_alloc((size_t)(6 * M * n + 2 * M + 1) * sizeof *x);
    Particles p = {.t = t, .mean = mean, .L = L, .M = M, .n = n, .z = x, .u = x + M * n,
                   .by_z = x + 2 * M * n, .momentum = x + 3 * M * n, .z0 = x + 4 * M * n,
                   .by0 = x + 5 * M * n, .log_p = x + 6 * M * n, .log0 = x + 6 * M * n + M};

    p.log_volume = (double)n / 2 * log(2 * M_PI);
    for (long i = 0; i < n; i++)
        p.log_volume += log(L[i * n + i]);
    return p;
}

/* u, log p and its gradient at z. */
static void look(Particles *p)
{
    double *gradient = dgm_alloc((size_t)(p->M * p->n + 1) * sizeof *gradient);

    for (long i = 0; i < p->M * p->n; i++)
        p->u[i] = p->mean[i % p->n];
    dense_times_factor(p->M, p->n, p->n, p->z, p->n, p->L, p->u);
    target_rows(p->t, p->M, p->u, p->log_p, gradient);
    dense_product(false, false, p->M, p->n, p->n, gradient, p->L, 0, p->by_z);
    free(gradient);
}

/* log of q^(1 - b) p^b by z, up to a constant. */
static double tempered(const Particles *p, double b, const double *z, double log_p)
{
    return -(1 - b) * dense_square(p->n, z) / 2 + b * log_p;
}

static void kick(Particles *p, double b, double length)
{
    for (long i = 0; i < p->M * p->n; i++)
        p->momentum[i] += length * (b * p->by_z[i] - (1 - b) * p->z[i]);
}

/* One Hamiltonian trajectory of each draw, accepted or not; the mean probability of that. */
static double move(Particles *p, double b, double step, uint64_t seed, uint64_t stream)
{
    long M = p->M, n = p->n, leaps = (long)(WAY / step + 0.5);
    size_t all = (size_t)(M * n) * sizeof(double);
    double accepted = 0;

    leaps = leaps < 1 ? 1 : leaps > MOST_LEAPS ? MOST_LEAPS : leaps;
    noise_normal(seed, stream, M, n, p->momentum);
    memcpy(p->z0, p->z, all);
    memcpy(p->by0, p->by_z, all);
    memcpy(p->log0, p->log_p, (size_t)M * sizeof(double));
    double *before = dgm_alloc((size_t)M * sizeof *before);
    for (long i = 0; i < M; i++)
        before[i] = tempered(p, b, p->z + i * n, p->log_p[i])
                  - dense_square(n, p->momentum + i * n) / 2;
    kick(p, b, step / 2);
    for (long l = 0; l < leaps; l++) {
        for (long i = 0; i < M * n; i++)
            p->z[i] += step * p->momentum[i];
        look(p);
        kick(p, b, l + 1 < leaps ? step : step / 2);
    }
    for (long i = 0; i < M; i++) {
        double after = tempered(p, b, p->z + i * n, p->log_p[i])
                     - dense_square(n, p->momentum + i * n) / 2;
        double share = after >= before[i] ? 1 : exp(after - before[i]);      /* NaN: none */
        double unit = dgm_random_unit(seed, DGM_STREAM_POSTERIOR, stream, ~(uint64_t)i);

        accepted += isnan(share) ? 0 : share / (double)M;
        if (!(unit < share)) {
            memcpy(p->z + i * n, p->z0 + i * n, (size_t)n * sizeof(double));
            memcpy(p->by_z + i * n, p->by0 + i * n, (size_t)n * sizeof(double));
            p->log_p[i] = p->log0[i];
        }
    }
    free(before);
    return accepted;
}

/* step[k] at level k; chosen here if `pilot`: from level to level by what was accepted. */
static void run(Particles *p, long K, double *step, bool pilot, uint64_t seed, uint64_t stream,
                double *log_weight)
{
    noise_normal(seed, stream, p->M, p->n, p->z);
    look(p);
    for (long i = 0; i < p->M; i++)
        log_weight[i] = p->log_volume;
    for (long k = 1; k <= K; k++) {
        double b = (double)k / (double)K;

        for (long i = 0; i < p->M; i++)
            log_weight[i] += (p->log_p[i] + dense_square(p->n, p->z + i * p->n) / 2) / (double)K;
        double accepted = move(p, b, step[k], seed, stream + (uint64_t)k);
        if (pilot && k < K)
            step[k + 1] = step[k] * exp(accepted - ACCEPTED);
    }
    for (long i = 0; i < p->M * p->n; i++)
        p->u[i] = p->mean[i % p->n];
    dense_times_factor(p->M, p->n, p->n, p->z, p->n, p->L, p->u);
}

void anneal(Target *t, const Gaussian *q, long K, uint64_t seed, uint64_t stream, long M, double *U,
            double *log_weight)
{
    long n = q->n;
    double *L = gaussian_factor(q), *step = dgm_alloc((size_t)(K + 2) * sizeof *step);
    double *unused = dgm_alloc(PILOT_DRAWS * sizeof *unused);
    Particles pilot = particles_new(t, q->mean, L, PILOT_DRAWS);
    Particles p = particles_new(t, q->mean, L, M);

    step[1] = 0.8 * pow((double)n, -0.25);
    run(&pilot, K, step, true, seed, stream + (uint64_t)K + 1, unused);
    run(&p, K, step, false, seed, stream, log_weight);
    memcpy(U, p.u, (size_t)(M * n) * sizeof *U);
    free(pilot.z);
    free(p.z);
    free(unused);
    free(step);
    free(L);
}
