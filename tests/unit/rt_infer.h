/* rt_infer.h - what the tests of fits, weights and moves share: a check, and densities of which the
 * normaliser, the moments or the mode are known. A density's gradient may be NULL. */
#ifndef TEST_RT_INFER_H
#define TEST_RT_INFER_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "infer/infer.h"

static inline void assert_close(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("%.17g is not %.17g", got, want);
}

/* Log gamma(shape 3) in a = u0 + 0.7 u1 and in b = u1: the mode has exp(a) = exp(b) = 3, and there
 * minus the second derivatives by a and b are 3. */
static inline double skewed(void *of, const double *u, double *g)
{
    double a = u[0] + 0.7 * u[1], by_a = 3 - exp(a), by_b = 3 - exp(u[1]);

    (void)of;
    if (g != NULL) {
        g[0] = by_a;
        g[1] = 0.7 * by_a + by_b;
    }
    return 3 * a - exp(a) + 3 * u[1] - exp(u[1]);
}

/* x ~ N(0, 1), y | x ~ N(x^2 / 2, 1), without constants: normaliser 2 pi; mean of y 1 / 2, its
 * variance 3 / 2. No Gaussian, and no two. */
static inline double banana(void *of, const double *u, double *g)
{
    double x = u[0], d = u[1] - x * x / 2;

    (void)of;
    if (g != NULL) {
        g[0] = -x + x * d;
        g[1] = -d;
    }
    return -x * x / 2 - d * d / 2;
}

#endif
