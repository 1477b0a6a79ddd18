/* hamilton.c - many draws moved side by side by Hamiltonian steps that leave a law as it is.
 *
 * Idea: the law is q^(1 - b) p^b, with b = 1 the density itself. Everything happens in coordinates
 * z in which q is the standard normal law, so that one step size serves all directions (Neal 2011).
 */
#include "infer/infer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* log det L - log normaliser of the normal law. */
static double volume(const Particles *p)
{
    double log_volume = (double)p->n / 2 * log(2 * M_PI);

    for (long i = 0; i < p->n; i++)
        log_volume += log(p->L != NULL ? p->L[i * p->n + i] : p->sd[i]);
    return log_volume;
}

/* L NULL: of independent numbers. */
Particles particles_new(Target *t, const double *mean, const double *L, const double *sd, long M)
{
    long n = t->n;
    double *x = dgm_alloc((size_t)(6 * M * n + 2 * M + 1) * sizeof *x);
    Particles p = {.t = t, .mean = mean, .L = L, .sd = sd, .M = M, .n = n, .z = x, .u = x + M * n,
                   .by_z = x + 2 * M * n, .momentum = x + 3 * M * n, .z0 = x + 4 * M * n,
                   .by0 = x + 5 * M * n, .log_p = x + 6 * M * n, .log0 = x + 6 * M * n + M};

    p.log_volume = volume(&p);
    return p;
}

void particles_free(Particles *p)
{
    free(p->z);
}

void particles_place(const Particles *p, double *u)
{
    for (long i = 0; i < p->M * p->n; i++)
        u[i] = p->z[i] * (p->L != NULL ? 1 : p->sd[i % p->n]);
    if (p->L != NULL)
        dense_times_lower(true, p->M, p->n, p->L, u);
    for (long i = 0; i < p->M; i++)
        for (long j = 0; j < p->n; j++)
            u[i * p->n + j] += p->mean[j];
}

/* z of u, given in its place without the mean. */
void particles_take(const Particles *p)
{
    for (long i = 0; i < p->M * p->n && p->L == NULL; i++)
        p->z[i] /= p->sd[i % p->n];
    if (p->L != NULL)
        dense_solve_rows(p->M, p->n, p->L, p->z);
}

void particles_look(Particles *p)
{
    particles_place(p, p->u);
    target_rows(p->t, p->M, p->u, p->log_p, p->by_z);
    for (long i = 0; i < p->M && p->L == NULL; i++)
        for (long j = 0; j < p->n; j++)
            p->by_z[i * p->n + j] *= p->sd[j];
    if (p->L != NULL)
        dense_times_lower(false, p->M, p->n, p->L, p->by_z);
}

void particles_scale(Particles *p, const double *L)
{
    particles_place(p, p->u);
    for (long i = 0; i < p->M; i++)
        for (long j = 0; j < p->n; j++)
            p->z[i * p->n + j] = p->u[i * p->n + j] - p->mean[j];
    p->L = L;
    p->log_volume = volume(p);
    particles_take(p);
    particles_look(p);
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

double particles_move(Particles *p, double b, double step, long leaps, uint64_t seed,
                      uint64_t stream)
{
    long M = p->M, n = p->n;
    size_t all = (size_t)(M * n) * sizeof(double);
    double accepted = 0;

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
        particles_look(p);
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
