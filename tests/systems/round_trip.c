/* round_trip.c - to be linked to an emitted model: free numbers lead to values and back to
 * themselves, and the gradient is that of central differences of the density. Prints both errors.
 * The density that is asked for without its gradient has the same bits.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "dgm.h"

static double worst(double a, double b, double so_far)
{
    double error = fabs(a - b) / (1 + fabs(b));

    return error <= so_far ? so_far : error;           /* NaN stays */
}

int main(int argc, char **argv)
{
    char error[500];
    DgmDensity *d = dgm_density_create(dgm_model(), (const char *const *)argv + 1, argc - 1, error,
                                       sizeof error);
    if (d == NULL) {
        fprintf(stderr, "%s\n", error);
        return 1;
    }
    long n = dgm_density_dimension(d);
    double *u = calloc((size_t)n, sizeof *u), *back = calloc((size_t)n, sizeof *back);
    double *gradient = calloc((size_t)n, sizeof *gradient);
    double *values = calloc((size_t)dgm_density_values(d), sizeof *values);
    double trip = 0, slope = 0, h = 1e-5;

    for (long i = 0; i < n; i++)
        u[i] = 2 * dgm_random_unit(1, DGM_STREAM_CHECK, 0, (uint64_t)i) - 1;
    dgm_density_constrain(d, u, values);
    dgm_density_unconstrain(d, values, back);
    double value = dgm_density_log_density_gradient(d, u, gradient);
    if (dgm_density_log_density_gradient(d, u, NULL) != value) {
        fprintf(stderr, "without its gradient the density is another one\n");
        return 1;
    }
    for (long i = 0; i < n; i++) {
        double at = u[i], sides[2];

        for (int k = 0; k < 2; k++) {
            u[i] = at + (k ? h : -h);
            sides[k] = dgm_density_log_density_gradient(d, u, NULL);
        }
        u[i] = at;
        trip = worst(back[i], at, trip);
        slope = worst((sides[1] - sides[0]) / (2 * h), gradient[i], slope);
    }
    printf("%.3g %.3g\n", trip, slope);
    dgm_density_free(d);
    free(u);
    free(back);
    free(gradient);
    free(values);
    return 0;
}
