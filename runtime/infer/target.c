/* target.c - a log density on R^n, counted. */
#include "infer/infer.h"

#include <math.h>

double target_at(Target *t, const double *u, double *gradient)
{
    double value = t->log_density(t->of, u, gradient);

    t->evaluations++;
    return isnan(value) ? -INFINITY : value;
}

void target_rows(Target *t, long M, const double *U, double *value, double *gradient)
{
    for (long i = 0; i < M; i++)
        value[i] = target_at(t, U + i * t->n, gradient != NULL ? gradient + i * t->n : NULL);
}
