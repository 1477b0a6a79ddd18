/* dgmc.c - the density of a model that dgmc compiled, for loop.c. */
#include <stdio.h>
#include <stdlib.h>

#include "dgm.h"
#include "loop.h"

static DgmDensity *density;

long density_open(const char *data)
{
    char error[1024];
    density = dgm_density_create(dgm_model(), &data, 1, error, sizeof error);
    if (density == NULL) {
        fprintf(stderr, "error: %s\n", error);
        exit(1);
    }
    return dgm_density_dimension(density);
}

double density_gradient(const double *u, double *gradient)
{
    return dgm_density_log_density_gradient(density, u, gradient);
}
