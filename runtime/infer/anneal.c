/* anneal.c - draws of a Gaussian carried over to the density, where plain weights are too uneven.
 *
 * Idea: annealed importance sampling (Neal 2001). Between q and p lie laws proportional to
 * q^(1 - b) p^b, b = 1/K, 2/K, .. 1; a draw is weighted by the ratio of each law to the one before,
 * and moved by a Hamiltonian step that leaves each law as it is. The weights are importance weights
 * on the space of whole paths: unbiased for the normaliser, and k-hat says of them what it says of
 * plain ones.
 */
#include "infer/infer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PILOT_DRAWS = 64, MOST_LEAPS = 12 };
static const double WAY = 1.5;         /* of a trajectory: a quarter turn of the normal law */
static const double ACCEPTED = 0.8;    /* share wanted */

static long leaps_of(double step)
{
    long leaps = (long)(WAY / step + 0.5);

    return leaps < 1 ? 1 : leaps > MOST_LEAPS ? MOST_LEAPS : leaps;
}

/* step[k] at level k; chosen here if `pilot`: from level to level by what was accepted. */
static void run(Particles *p, long K, double *step, bool pilot, uint64_t seed, uint64_t stream,
                double *log_weight)
{
    noise_normal(seed, stream, p->M, p->n, p->z);
    particles_look(p);
    for (long i = 0; i < p->M; i++)
        log_weight[i] = p->log_volume;
    for (long k = 1; k <= K; k++) {
        double b = (double)k / (double)K;

        for (long i = 0; i < p->M; i++)
            log_weight[i] += (p->log_p[i] + dense_square(p->n, p->z + i * p->n) / 2) / (double)K;
        double accepted = particles_move(p, b, step[k], leaps_of(step[k]), seed,
                                         stream + (uint64_t)k);
        if (pilot && k < K)
            step[k + 1] = step[k] * exp(accepted - ACCEPTED);
    }
    particles_place(p, p->u);
}

void anneal(Target *t, const Gaussian *q, long K, uint64_t seed, uint64_t stream, long M, double *U,
            double *log_weight)
{
    long n = q->n;
    double *L = gaussian_factor(q), *step = dgm_alloc((size_t)(K + 2) * sizeof *step);
    double *unused = dgm_alloc(PILOT_DRAWS * sizeof *unused);
    Particles pilot = particles_new(t, q->mean, L, NULL, PILOT_DRAWS);
    Particles p = particles_new(t, q->mean, L, NULL, M);

    step[1] = 0.8 * pow((double)n, -0.25);
    run(&pilot, K, step, true, seed, stream + (uint64_t)K + 1, unused);
    run(&p, K, step, false, seed, stream, log_weight);
    memcpy(U, p.u, (size_t)(M * n) * sizeof *U);
    particles_free(&pilot);
    particles_free(&p);
    free(unused);
    free(step);
    free(L);
}
