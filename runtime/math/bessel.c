/* bessel.c - the modified Bessel functions I0 and I1, as the von Mises distribution needs them.
 *
 * Below 30 their power series (DLMF 10.25.2), all terms positive; above it the asymptotic series
 * (DLMF 10.40.1), whose terms fall below 1e-17 before they grow again. Of the gap 1 - I1/I0 the
 * numerator is summed term by term there: the leading ones cancel exactly.
 */
#include "special.h"

#include <math.h>

static const double TWO_PI = 6.28318530717958647693;
enum { TERMS = 200 };

/* sum_k q^k / (k! (k + order)!), q = x^2 / 4: I_order(x) / (x / 2)^order. */
static double bessel_series(int order, double x)
{
    double q = 0.25 * x * x, term = 1, sum = 1;
    for (int k = 1; k < TERMS && term > 1e-18 * sum; k++) {
        term *= q / ((double)k * (k + order));
        sum += term;
    }
    return sum;
}

/* sqrt(2 pi x) e^-x I0(x), and the same of I0 - I1, for x >= 30. */
static double bessel_asymptotic(double x, double *difference)
{
    double a = 1, b = 1, sum = 1;
    *difference = 0;
    for (int k = 1; k < 30; k++) {
        double odd = 2.0 * k - 1, by = 8 * x * k;
        a *= odd * odd / by;
        b *= (odd * odd - 4) / by;
        sum += a;
        *difference += a - b;
        if (a < 1e-18)
            break;
    }
    return sum;
}

double dgm_log_bessel_i0e_d(double x)
{
    double difference;
    if (!(x >= 0))
        return NAN;
    if (x < 30)
        return log(bessel_series(0, x)) - x;
    return log(bessel_asymptotic(x, &difference)) - 0.5 * log(TWO_PI * x);
}

double dgm_bessel_gap_d(double x)
{
    double difference;
    if (!(x >= 0))
        return NAN;
    if (x < 30)
        return 1 - 0.5 * x * bessel_series(1, x) / bessel_series(0, x);
    double sum = bessel_asymptotic(x, &difference);
    return difference / sum;
}
