/* loop.c - the two questions of gradients.sh to a log density with gradient, in C or C++.
 *
 *     PROGRAM DATA check      log p(b) - log p(a), then the gradient at b
 *     PROGRAM DATA speed      evaluations per second, the best of some windows
 * The density is dgmc.c's or stan.cpp's. In a window each point is the first one moved a little by
 * the gradient of the last: all sides do the same.
 */
#include "loop.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WINDOWS = 10 };
static const double window = 0.05;     /* at least, seconds */

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Seconds for `count` evaluations. */
static double run(long count, long n, const double *start, double *u, double *g)
{
    double total = 0, from = seconds();
    memcpy(u, start, (size_t)n * sizeof *u);
    for (long k = 0; k < count; k++) {
        total += density_gradient(u, g);
        for (long i = 0; i < n; i++)
            u[i] = start[i] + 1e-9 * g[i];
    }
    double taken = seconds() - from;
    if (!isfinite(total)) {
        fprintf(stderr, "the density is not finite\n");
        exit(1);
    }
    return taken;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s DATA check|speed\n", argv[0]);
        return 2;
    }
    long n = density_open(argv[1]), count = 1;
    double *a = calloc(4 * (size_t)n, sizeof *a), *b = a + n, *u = b + n, *g = u + n;
    for (long i = 0; i < n; i++) {
        a[i] = 0.1 * sin((double)i + 1);
        b[i] = 0.2 * cos((double)i + 1);
    }
    if (!strcmp(argv[2], "check")) {
        double at_a = density_gradient(a, g);
        printf("%.17g", density_gradient(b, g) - at_a);
        for (long i = 0; i < n; i++)
            printf(" %.17g", g[i]);
        printf("\n");
    } else {
        double best = INFINITY;
        while (run(count, n, b, u, g) < window)
            count *= 2;
        for (int w = 0; w < WINDOWS; w++)
            best = fmin(best, run(count, n, b, u, g));
        printf("%.0f\n", (double)count / best);
    }
    free(a);
    return 0;
}
