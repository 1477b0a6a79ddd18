/* special.c - the gamma family and the normal distribution function, scalar, in double.
 *
 * Idea: asymptotic series above 10, reached from below by the recurrence, and from the left half
 * line by reflection. Differences of large numbers are never formed where a series gives them.
 */
#include "special.h"

#include <math.h>

static const double PI = 3.14159265358979323846;
static const double LOG_2PI_HALF = 0.91893853320467274178;

double dgm_lgamma_d(double x)
{
    int sign;
    return lgamma_r(x, &sign);         /* lgamma itself writes the global signgam: a data race */
}

static int is_pole(double x) { return x <= 0 && floor(x) == x; }

double dgm_digamma_d(double x)
{
    if (is_pole(x) || isnan(x))
        return NAN;
    if (x < 0)
        return dgm_digamma_d(1 - x) - PI / tan(PI * (x - floor(x)));
    double shift = 0;
    for (; x < 10; x += 1)
        shift += 1 / x;
    double u = 1 / (x * x);
    double s = 1.0 / 12;               /* B_2k / 2k for k = 7, 6, ... 1 */
    s = 691.0 / 32760 - u * s;
    s = 1.0 / 132 - u * s;
    s = 1.0 / 240 - u * s;
    s = 1.0 / 252 - u * s;
    s = 1.0 / 120 - u * s;
    s = 1.0 / 12 - u * s;
    return log(x) - 0.5 / x - u * s - shift;
}

double dgm_trigamma_d(double x)
{
    if (is_pole(x) || isnan(x))
        return NAN;
    if (x < 0) {
        double s = sin(PI * (x - floor(x)));
        return PI * PI / (s * s) - dgm_trigamma_d(1 - x);
    }
    double shift = 0;
    for (; x < 10; x += 1)
        shift += 1 / (x * x);
    double u = 1 / (x * x);
    double s = 7.0 / 6;                /* B_2k for k = 7, 6, ... 1 */
    s = 691.0 / 2730 - u * s;
    s = 5.0 / 66 - u * s;
    s = 1.0 / 30 - u * s;
    s = 1.0 / 42 - u * s;
    s = 1.0 / 30 - u * s;
    s = 1.0 / 6 - u * s;
    return 1 / x + 0.5 * u + u * s / x + shift;
}

/* With s = x / (2 + x), log(1 + x) = 2 s + 2 s^3/3 + ... and 2 s - x = -s x. */
double dgm_log1p_minus_d(double x)
{
    if (!(fabs(x) < 0.4))
        return log1p(x) - x;
    double s = x / (2 + x), u = s * s, power = u, sum = 1.0 / 3;
    for (int k = 5; power > 1e-18; k += 2) {
        sum += power / k;
        power *= u;
    }
    return 2 * s * u * sum - s * x;
}

double dgm_stirling_rest_d(double x)
{
    if (x < 10)
        return dgm_lgamma_d(x) - ((x - 0.5) * log(x) - x + LOG_2PI_HALF);
    double u = 1 / (x * x);
    double s = 1.0 / 156;              /* B_2k / (2k (2k - 1)) for k = 7, 6, ... 1 */
    s = 691.0 / 360360 - u * s;
    s = 1.0 / 1188 - u * s;
    s = 1.0 / 1680 - u * s;
    s = 1.0 / 1260 - u * s;
    s = 1.0 / 360 - u * s;
    s = 1.0 / 12 - u * s;
    return s / x;
}

double dgm_lbeta_d(double a, double b)
{
    if (!(a > 0 && b > 0))
        return NAN;
    if (a > b) {
        double t = a;
        a = b;
        b = t;
    }
    if (b < 10)
        return dgm_lgamma_d(a) + dgm_lgamma_d(b) - dgm_lgamma_d(a + b);
    double rest = dgm_stirling_rest_d(b) - dgm_stirling_rest_d(a + b);
    if (a < 10)
        return dgm_lgamma_d(a) + rest + (a - (b - 0.5) * log1p(a / b)) - a * log(a + b);
    return dgm_stirling_rest_d(a) + rest + LOG_2PI_HALF - 0.5 * log(b) +
           (a - 0.5) * log(a / (a + b)) - b * log1p(a / b);
}

double dgm_erfc_d(double x) { return erfc(x); }

double dgm_normal_cdf_d(double x)
{
    const double r = 0.70710678118654752440, r_low = -4.8336466567264573e-17;
    double t = -x * r;
    double z = 0.5 * erfc(t);
    if (!(t > 1 && t < 30))
        return z;
    /* far out, erfc magnifies the rounding of t by 2 t^2: put it back to first order */
    double lost = fma(-x, r, -t) - x * r_low;
    return z * (1 - 2 * t * lost);
}

/* Far out by the asymptotic series of Mills' ratio (DLMF 7.12.1), to 1e-15 from 30 on. */
double dgm_log_normal_cdf_d(double x)
{
    if (x > 0)
        return log1p(-dgm_normal_cdf_d(-x));
    if (x > -30)
        return log(dgm_normal_cdf_d(x));
    double u = 1 / (x * x);
    double s = 1 - 9 * u;              /* 1 - u + 3 u^2 - 15 u^3 + 105 u^4 - 945 u^5 */
    s = 1 - 7 * u * s;
    s = 1 - 5 * u * s;
    s = 1 - 3 * u * s;
    return log1p(-u * s) - 0.5 * x * x - log(-x) - LOG_2PI_HALF;
}

/* Abramowitz & Stegun 26.2.22 is right to 3e-3; each Halley step triples the digits. */
double dgm_normal_quantile_d(double p)
{
    if (!(p >= 0 && p <= 1))
        return NAN;
    if (p > 0.5)
        return -dgm_normal_quantile_d(1 - p);
    if (p == 0)
        return -INFINITY;
    if (p == 0.5)
        return 0;
    if (p < 0x1p-1022)                 /* denormal: erfc has no digits there */
        p = 0x1p-1022;
    double t = sqrt(-2 * log(p));
    double x = (2.30753 + 0.27061 * t) / (1 + t * (0.99229 + 0.04481 * t)) - t;
    for (int i = 0; i < 3; i++) {
        /* near the middle p - 1/2 is exact and keeps the relative accuracy of a small x */
        double off = p > 0.25 ? 0.5 * erf(x * 0.70710678118654752440) + (0.5 - p)
                              : dgm_normal_cdf_d(x) - p;
        double u = off / p * exp(log(p) + 0.5 * x * x + LOG_2PI_HALF);
        x -= u / (1 + 0.5 * x * u);
    }
    return x;
}
