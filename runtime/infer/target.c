/* target.c - a log density on R^n, counted, at one point or at many side by side. */
#include "infer/infer.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

static const double WORTH = 3e-4;      /* seconds of work for which threads are woken */

static double at(const Target *t, int copy, const double *u, double *gradient)
{
    double value = t->log_density(t->of[copy], u, gradient);

    return isnan(value) ? -INFINITY : value;
}

bool target_late(const Target *t)
{
    return t->late != NULL && t->late(t->clock);
}

double target_at(Target *t, const double *u, double *gradient)
{
    t->evaluations++;
    return at(t, 0, u, gradient);
}

/* Each row is computed alone, so no value depends on the number of threads. */
void target_rows(Target *t, long M, const double *U, double *value, double *gradient)
{
    double start = omp_get_wtime();
    bool threads = t->copies > 1 && (double)M * t->seconds > WORTH;

    t->evaluations += M;
#pragma omp parallel for num_threads(t->copies) schedule(static) if (threads)
    for (long i = 0; i < M; i++)
        value[i] = at(t, omp_get_thread_num(), U + i * t->n,
                      gradient != NULL ? gradient + i * t->n : NULL);
    if (!threads && M > 0)
        t->seconds = (omp_get_wtime() - start) / (double)M;
}

void trace_add(Trace *trace, double bound)
{
    if (trace == NULL)
        return;
    if (trace->n == trace->room) {
        trace->room = 2 * trace->room + 64;
        double *more = dgm_alloc((size_t)trace->room * sizeof *more);
        if (trace->n > 0)
            memcpy(more, trace->bound, (size_t)trace->n * sizeof *more);
        free(trace->bound);
        trace->bound = more;
    }
    trace->bound[trace->n++] = bound;
}
