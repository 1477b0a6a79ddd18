/* incomplete.c - regularised incomplete gamma and beta functions, the derivative of a gamma draw by
 * its shape, and those of the beta function by its parameters.
 *
 * P(a, x) = D T(a, x)      with D = x^a e^-x / Gamma(a + 1),  T = sum_k x^k / ((a+1)...(a+k))
 * Q(a, x) = D a F(a, x)    with F a continued fraction (DLMF 8.9.2)
 * The series serves x < a + 1, the fraction the rest; each has positive terms there.
 *
 * Implicit reparameterization (Figurnov, Mohamed, Mnih 2018): a draw x moves with its shape a so
 * that P(a, x) stays, dx/da = -(dP/da)/(dP/dx). With dP/dx = D a / x the prefactor cancels:
 *   dx/da = (x/a) [(psi(a+1) - log x) T - T']   = x [(log x - psi(a)) F + F'],
 * ' by a: no differences of large numbers, for any a.
 */
#include "special.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>

static const double TWO_PI = 6.28318530717958647693;
enum { MAX_ITERATIONS = 4000000 };     /* some 20 sqrt(a) are needed when x is near a */

/* |x| is not above limit: NaN, which more terms would not mend, ends a series too. */
static bool within(double x, double limit) { return !(fabs(x) > limit); }

/* A denominator of Lentz's method that vanishes by rounding (Thompson and Barnett 1986). */
static double not_zero(double x) { return x == 0 ? 1e-30 : x; }

static double gamma_prefactor(double a, double x)
{
    if (a < 10)
        return exp(a * log(x) - x - dgm_lgamma_d(a + 1));
    double e = x < 0.5 * a ? a * log(x / a) + (a - x) : a * dgm_log1p_minus_d((x - a) / a);
    return exp(e - dgm_stirling_rest_d(a)) / sqrt(TWO_PI * a);
}

/* T and its derivative by a. */
static double gamma_series(double a, double x, double *by_a)
{
    double term = 1, sum = 1, harmonic = 0, slope = 0;
    for (double k = 1; k < MAX_ITERATIONS; k++) {
        term *= x / (a + k);
        harmonic += 1 / (a + k);
        sum += term;
        slope -= term * harmonic;
        if (within(term, 0.1 * DBL_EPSILON * sum)
            && within(term * harmonic, -0.1 * DBL_EPSILON * slope))
            break;
    }
    *by_a = slope;
    return sum;
}

/* F and its derivative by a: Lentz's method on pairs (value, derivative).
 * F = 1/(b_0 + a_1/(b_1 + a_2/(b_2 + ...))), b_i = x + 2 i + 1 - a, a_i = i (a - i). */
static double gamma_fraction(double a, double x, double *by_a)
{
    double b = x + 1 - a;
    double c = b, dc = -1;             /* ratio of successive numerators */
    double d = 1 / b, dd = d * d;      /* inverse ratio of successive denominators */
    double f = d, df = dd;
    /* the first numerator is 1: c starts at infinity, so the first step has c = b alone */
    c = INFINITY;
    dc = 0;
    for (double i = 1; i < MAX_ITERATIONS; i++) {
        double an = i * (a - i), ratio = an / c;
        double slope_c = i / c - ratio * (dc / c);
        b += 2;
        c = not_zero(b + ratio);
        dc = slope_c - 1;
        double den = b + an * d, slope_den = -1 + i * d + an * dd;
        d = 1 / not_zero(den);
        dd = -d * d * slope_den;
        double step = c * d, dstep = dc * d + c * dd;
        df = df * step + f * dstep;
        f *= step;
        if (within(step - 1, DBL_EPSILON / 2) && within(f * dstep, DBL_EPSILON * fabs(df)))
            break;
    }
    *by_a = df;
    return f;
}

double dgm_gamma_p_d(double a, double x)
{
    double slope;
    if (!(a > 0 && x >= 0))
        return NAN;
    if (x == 0)
        return 0;
    if (isinf(x))
        return 1;
    if (x < a + 1)
        return gamma_prefactor(a, x) * gamma_series(a, x, &slope);
    return 1 - gamma_prefactor(a, x) * a * gamma_fraction(a, x, &slope);
}

double dgm_gamma_q_d(double a, double x)
{
    double slope;
    if (!(a > 0 && x >= 0))
        return NAN;
    if (x == 0)
        return 1;
    if (isinf(x))
        return 0;
    if (x < a + 1)
        return 1 - gamma_prefactor(a, x) * gamma_series(a, x, &slope);
    return gamma_prefactor(a, x) * a * gamma_fraction(a, x, &slope);
}

double dgm_gamma_dshape_d(double a, double x)
{
    double slope;
    if (!(a > 0 && x >= 0))
        return NAN;
    if (x == 0)
        return 0;
    if (x < a + 1) {
        double t = gamma_series(a, x, &slope);
        return x / a * ((dgm_digamma_d(a + 1) - log(x)) * t - slope);
    }
    double f = gamma_fraction(a, x, &slope);
    return x * ((log(x) - dgm_digamma_d(a)) * f + slope);
}

/* x^a y^b / B(a, b), y = 1 - x. For large a and b around the mode x0 = a/(a+b), where the linear
 * terms of the two logarithms cancel exactly. */
static double beta_prefactor(double a, double b, double x, double y)
{
    if (a < 10 || b < 10)
        return exp(a * log(x) + b * log(y) - dgm_lbeta_d(a, b));
    double off = x * b - y * a;
    double e = a * dgm_log1p_minus_d(off / a) + b * dgm_log1p_minus_d(-off / b);
    e += dgm_stirling_rest_d(a + b) - dgm_stirling_rest_d(a) - dgm_stirling_rest_d(b);
    return exp(e) * sqrt(a / (a + b) * b / TWO_PI);
}

/* A number and its derivatives by a and b. */
typedef struct Triple { double value, by_a, by_b; } Triple;

/* 1 + coefficient * d, or 1 + coefficient / c. */
static Triple next_denominator(Triple coefficient, Triple d)
{
    return (Triple){not_zero(1 + coefficient.value * d.value),
                    coefficient.by_a * d.value + coefficient.value * d.by_a,
                    coefficient.by_b * d.value + coefficient.value * d.by_b};
}

static Triple inverse(Triple x)
{
    double v = 1 / x.value;
    return (Triple){v, -v * v * x.by_a, -v * v * x.by_b};
}

static Triple product(Triple x, Triple y)
{
    return (Triple){x.value * y.value, x.by_a * y.value + x.value * y.by_a,
                    x.by_b * y.value + x.value * y.by_b};
}

static Triple even_coefficient(double a, double b, double x, double m)
{
    double p = a + 2 * m - 1, q = a + 2 * m, scale = m * x / (p * q), value = (b - m) * scale;
    return (Triple){value, -value * (1 / p + 1 / q), scale};
}

static Triple odd_coefficient(double a, double b, double x, double m)
{
    double p = a + 2 * m, q = a + 2 * m + 1, value = -(a + m) * (a + b + m) * x / (p * q);
    double by_sum = value / (a + b + m);
    return (Triple){value, value / (a + m) + by_sum - value * (1 / p + 1 / q), by_sum};
}

/* f changes no more by a step c d: not its value, nor, but for rounding of c and d, its slopes. */
static bool is_last(Triple step, Triple f, Triple c, Triple d)
{
    double by_a = 1 + fabs(f.by_a / f.value) + fabs(c.by_a * d.value);
    double by_b = 1 + fabs(f.by_b / f.value) + fabs(c.by_b * d.value);
    return within(step.value - 1, DBL_EPSILON / 2) && within(step.by_a, DBL_EPSILON * by_a)
        && within(step.by_b, DBL_EPSILON * by_b);
}

/* 1 / (1 + d_1/(1 + d_2/(1 + ...))), DLMF 8.17.22, and its derivatives: Lentz's method. */
static Triple beta_fraction_slopes(double a, double b, double x)
{
    Triple one = {1, 0, 0}, c = one;
    Triple d = inverse(next_denominator(odd_coefficient(a, b, x, 0), one)), f = d;
    for (double m = 1; m < MAX_ITERATIONS; m++) {
        Triple even = even_coefficient(a, b, x, m), odd = odd_coefficient(a, b, x, m);
        d = inverse(next_denominator(even, d));
        c = next_denominator(even, inverse(c));
        Triple step = product(c, d);
        d = inverse(next_denominator(odd, d));
        c = next_denominator(odd, inverse(c));
        step = product(step, product(c, d));
        f = product(f, step);
        if (is_last(step, f, c, d))
            break;
    }
    return f;
}

/* The same without derivatives. */
static double beta_fraction(double a, double b, double x)
{
    double c = 1, d = 1 / not_zero(1 - (a + b) * x / (a + 1)), f = d;
    for (double m = 1; m < MAX_ITERATIONS; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        d = 1 / not_zero(1 + even * d);
        c = not_zero(1 + even / c);
        f *= c * d;
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 / not_zero(1 + odd * d);
        c = not_zero(1 + odd / c);
        double step = c * d;
        f *= step;
        if (within(step - 1, DBL_EPSILON / 2))
            break;
    }
    return f;
}

double dgm_beta_i_d(double a, double b, double x)
{
    if (!(a > 0 && b > 0 && x >= 0 && x <= 1))
        return NAN;
    if (x == 0 || x == 1)
        return x;
    double y = 1 - x, p = beta_prefactor(a, b, x, y);
    bool low = x < (a + 1) / (a + b + 2);
    double part = low ? p * beta_fraction(a, b, x) / a : p * beta_fraction(b, a, y) / b;
    part = part > 1 ? 1 : part < 0 ? 0 : part;             /* by rounding */
    return low ? part : 1 - part;
}

/* I_x(a, b) = D F / a with D the prefactor, and its derivatives, for x < (a + 1) / (a + b + 2). The
 * 1 / a of small a, which nearly cancels, is avoided by I_x(a, b) = D / a + I_x(a + 1, b), DLMF
 * 8.17.20, with D / a = x^a y^b / ((a + b) B(a + 1, b)). */
static Triple low_slopes(double a, double b, double x, double y)
{
    double from_sum = dgm_digamma_d(a + b);
    if (a < 0.5) {
        Triple rest = low_slopes(a + 1, b, x, y);
        double first = exp(a * log(x) + b * log(y) - dgm_lbeta_d(a + 1, b)) / (a + b);
        rest.value += first;
        rest.by_a += first * (log(x) - dgm_digamma_d(a + 1) + from_sum);
        rest.by_b += first * (log(y) - dgm_digamma_d(b) + from_sum);
        return rest;
    }
    double p = beta_prefactor(a, b, x, y) / a;
    Triple f = beta_fraction_slopes(a, b, x);
    double log_a = log(x) - dgm_digamma_d(a) + from_sum - 1 / a;
    double log_b = log(y) - dgm_digamma_d(b) + from_sum;
    return (Triple){p * f.value, p * (f.by_a + f.value * log_a), p * (f.by_b + f.value * log_b)};
}

/* d/da and d/db of I_x(a, b): where the fraction serves 1 - I, those of I_y(b, a) with the other
 * sign. */
static Triple beta_slopes(double a, double b, double x)
{
    if (!(a > 0 && b > 0 && x >= 0 && x <= 1))
        return (Triple){NAN, NAN, NAN};
    if (x == 0 || x == 1)
        return (Triple){x, 0, 0};
    if (x < (a + 1) / (a + b + 2))
        return low_slopes(a, b, x, 1 - x);
    Triple other = low_slopes(b, a, 1 - x, x);
    return (Triple){1 - other.value, -other.by_b, -other.by_a};
}

double dgm_beta_i_by_a_d(double a, double b, double x)
{
    return beta_slopes(a, b, x).by_a;
}

double dgm_beta_i_by_b_d(double a, double b, double x)
{
    return beta_slopes(a, b, x).by_b;
}

/* From the normal approximation, step by step to the place. */
double dgm_binomial_quantile_d(double u, double n, double p)
{
    if (!(u >= 0 && u <= 1 && n >= 0 && p >= 0 && p <= 1) || isinf(n))
        return NAN;
    n = floor(n);
    if (u == 0 || p == 0)
        return 0;
    if (u == 1 || p == 1)
        return n;
    double guess = floor(n * p + sqrt(n * p * (1 - p)) * dgm_normal_quantile_d(u));
    double k = fmin(fmax(guess, 0), n), odds = p / (1 - p);
    double below = k < n ? dgm_beta_i_d(n - k, k + 1, 1 - p) : 1;
    double here = exp(k * log(p) + (n - k) * log1p(-p) - log1p(n)
                      - dgm_lbeta_d(n - k + 1, k + 1));
    while (k > 0 && below - here >= u) {
        below -= here;
        here *= k / ((n - k + 1) * odds);
        k--;
    }
    while (k < n && below < u) {
        here *= odds * (n - k) / (k + 1);
        k++;
        below += here;
    }
    return k;
}
