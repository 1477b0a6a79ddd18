/* hmc.c - Hamiltonian Monte Carlo over a compiled model: an outside sampler in sixty lines.
 *
 *     dgmc examples/posteriordb/eight_schools_noncentered.dgm -D J=8 --emit=c -o eight.c
 *     cc -O2 -fopenmp -DDGM_NO_MAIN -DDGM_F64 -I runtime eight.c examples/sampler/hmc.c \
 *        build/libdgm_f64.a -lopenblas -lpng -lz -ljansson -lm -o eight
 *     ./eight DATA.json
 * Leapfrog steps of a fixed size over the free numbers (Neal, MCMC using Hamiltonian dynamics, 2011).
 * It prints mean and standard deviation of every latent on its own support.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "dgm.h"

enum { DRAWS = 20000, WARMUP = 1000, LEAPS = 12 };
static const double step = 0.2;

static double unit(uint64_t i)
{
    return dgm_random_unit(1, DGM_STREAM_CHECK, 0, i);
}

static double normal(uint64_t i)
{
    return sqrt(-2 * log(unit(2 * i))) * cos(6.283185307179586 * unit(2 * i + 1));
}

int main(int argc, char **argv)
{
    char error[1024];
    const char *data[] = { argc > 1 ? argv[1] : "data.json" };
    DgmDensity *d = dgm_density_create(dgm_model(), data, 1, error, sizeof error);
    if (d == NULL) {
        fprintf(stderr, "error: %s\n", error);
        return DGM_EXIT_DATA;
    }
    long n = dgm_density_dimension(d), m = dgm_density_values(d), accepted = 0;
    double *u = calloc(4 * n + 3 * m, sizeof *u), *to = u + n, *p = to + n, *g = p + n;
    double *x = g + n, *sum = x + m, *squares = sum + m;
    uint64_t random = 0;
    double now = dgm_density_log_density_gradient(d, u, g);

    for (long k = 0; k < DRAWS; k++) {
        double energy = -now, after = 0, value = now;
        for (long i = 0; i < n; i++) {
            to[i] = u[i];
            p[i] = normal(random++);
            energy += p[i] * p[i] / 2;
        }
        dgm_density_log_density_gradient(d, to, g);
        for (int leap = 0; leap < LEAPS; leap++) {
            for (long i = 0; i < n; i++) {
                p[i] += step / 2 * g[i];
                to[i] += step * p[i];
            }
            value = dgm_density_log_density_gradient(d, to, g);
            for (long i = 0; i < n; i++)
                p[i] += step / 2 * g[i];
        }
        for (long i = 0; i < n; i++)
            after += p[i] * p[i] / 2;
        if (log(unit(random++ + ((uint64_t)1 << 40))) < energy - (after - value)) {
            accepted++;
            now = value;
            for (long i = 0; i < n; i++)
                u[i] = to[i];
        }
        if (k < WARMUP)
            continue;
        dgm_density_constrain(d, u, x);
        for (long i = 0; i < m; i++) {
            sum[i] += x[i];
            squares[i] += x[i] * x[i];
        }
    }
    printf("accepted %.2f\n", (double)accepted / DRAWS);
    const DgmModel *model = dgm_model();
    for (long z = 0, i = 0; z < model->n_latents; z++)
        for (long j = 0; j < model->latents[z].count; j++, i++) {
            double mean = sum[i] / (DRAWS - WARMUP);
            printf("%s[%ld] %.4f %.4f\n", model->latents[z].name, j, mean,
                   sqrt(squares[i] / (DRAWS - WARMUP) - mean * mean));
        }
    free(u);
    dgm_density_free(d);
    return 0;
}
