/* counts.c - Poisson, binomial and hypergeometric draws, exact for any parameters.
 *
 * Small means are drawn by inversion, adding probabilities from 0 on. Large ones by transformed
 * rejection (Hormann, The transformed rejection method for generating Poisson random variables,
 * 1993; The generation of binomial random variates, 1993: algorithms PTRS and BTRS): a uniform is
 * bent by (2 a / (0.5 - |u|) + b) u + centre into a hat over the probabilities, and most points lie
 * in a box where no logarithm is needed. Probabilities are formed without differences of large
 * numbers, by special.h. Hypergeometric draws are by inversion too, from the most probable count
 * outwards: as many steps as the standard deviation has counts.
 */
#include "element.h"

enum { SMALL = 10 };                   /* means below it: by inversion */

static const double LOG_2PI = 1.83787706640934548356;

static double poisson_small(double mean, Element *e)
{
    double u, v, k = 0, p = exp(-mean);
    element_next(e, &u, &v);
    for (; u > p && k < 200; k++) {
        u -= p;
        p *= mean / (k + 1);
    }
    return k;
}

static double poisson_log_probability(double k, double mean)
{
    if (k < 1)
        return -mean;
    return k * dgm_log1p_minus_d((mean - k) / k) - dgm_stirling_rest_d(k)
        - 0.5 * (LOG_2PI + log(k));
}

static double poisson_large(double mean, Element *e)
{
    double b = 0.931 + 2.53 * sqrt(mean), a = -0.059 + 0.02483 * b;
    double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4), box = 0.9277 - 3.6224 / (b - 2);
    for (;;) {
        double u, v;
        element_next(e, &u, &v);
        u -= 0.5;
        double edge = 0.5 - fabs(u), k = floor((2 * a / edge + b) * u + mean + 0.43);
        if (edge >= 0.07 && v <= box)
            return k;
        if (k < 0 || (edge < 0.013 && v > edge))
            continue;
        if (log(v * inverse_alpha / (a / (edge * edge) + b)) <= poisson_log_probability(k, mean))
            return k;
    }
}

static double poisson_draw(double mean, Element *e)
{
    if (!(mean >= 0) || isinf(mean))
        return NAN;
    return mean < SMALL ? poisson_small(mean, e) : poisson_large(mean, e);
}

void dgm_fill_poisson(const DgmCtx *c, uint32_t site, Real *dst, const Real *mean, long first,
                      long count)
{
    for (long i = 0; i < count; i++) {
        Element e = element_stream(c, site, first + i);
        dst[i] = (Real)poisson_draw((double)mean[i], &e);
    }
}

/* p <= 1/2 from here on. */
static double binomial_small(double n, double p, Element *e)
{
    double u, v, k = 0, odds = p / (1 - p), q = exp(n * log1p(-p));
    element_next(e, &u, &v);
    for (; u > q && k < n && k < 400; k++) {
        u -= q;
        q *= odds * (n - k) / (k + 1);
    }
    return k;
}

static double binomial_large(double n, double p, Element *e)
{
    double spread = sqrt(n * p * (1 - p)), b = 1.15 + 2.53 * spread;
    double a = -0.0873 + 0.0248 * b + 0.01 * p, centre = n * p + 0.5;
    double alpha = (2.83 + 5.1 / b) * spread, box = 0.92 - 4.2 / b;
    double mode = floor((n + 1) * p), log_odds = log(p / (1 - p));
    double top = dgm_lbeta_d(mode + 1, n - mode + 1);
    for (;;) {
        double u, v;
        element_next(e, &u, &v);
        u -= 0.5;
        double edge = 0.5 - fabs(u), k = floor((2 * a / edge + b) * u + centre);
        if (edge >= 0.07 && v <= box)
            return k;
        if (k < 0 || k > n)
            continue;
        double log_ratio = top - dgm_lbeta_d(k + 1, n - k + 1) + (k - mode) * log_odds;
        if (log(v * alpha / (a / (edge * edge) + b)) <= log_ratio)
            return k;
    }
}

static double binomial_draw(double n, double p, Element *e)
{
    if (!(n >= 0 && p >= 0 && p <= 1) || isinf(n) || floor(n) != n)
        return NAN;
    if (p > 0.5)
        return n - binomial_draw(n, 1 - p, e);
    return n * p < SMALL ? binomial_small(n, p, e) : binomial_large(n, p, e);
}

void dgm_fill_binomial(const DgmCtx *c, uint32_t site, Real *dst, const Real *n, const Real *p,
                       long first, long count)
{
    for (long i = 0; i < count; i++) {
        Element e = element_stream(c, site, first + i);
        dst[i] = (Real)binomial_draw((double)n[i], (double)p[i], &e);
    }
}

static bool whole(double x)
{
    return x >= 0 && floor(x) == x && !isinf(x);
}

static double log_choose(double n, double k)
{
    return -log1p(n) - dgm_lbeta_d(n - k + 1, k + 1);
}

/* n drawn from a white and b black.
 * P(k + 1) / P(k) = (a - k) (n - k) / ((k + 1) (b - n + k + 1)). */
static double hypergeometric_draw(double n, double a, double b, Element *e)
{
    if (!whole(n) || !whole(a) || !whole(b) || n > a + b)
        return NAN;
    double least = fmax(0, n - b), most = fmin(n, a), u, v;
    double mode = fmin(fmax(floor((n + 1) * (a + 1) / (a + b + 2)), least), most);
    double down = mode, up = mode;
    double p = exp(log_choose(a, mode) + log_choose(b, n - mode) - log_choose(a + b, n)), q = p;
    element_next(e, &u, &v);
    u -= p;
    while (u > 0 && (down > least || up < most)) {
        if (down > least) {
            p *= down * (b - n + down) / ((a - down + 1) * (n - down + 1));
            down--;
            u -= p;
            if (u <= 0)
                return down;
        }
        if (up < most) {
            q *= (a - up) * (n - up) / ((up + 1) * (b - n + up + 1));
            up++;
            u -= q;
            if (u <= 0)
                return up;
        }
    }
    return mode;
}

void dgm_fill_hypergeometric(const DgmCtx *c, uint32_t site, Real *dst, const Real *n,
                             const Real *a, const Real *b, long first, long count)
{
    for (long i = 0; i < count; i++) {
        Element e = element_stream(c, site, first + i);
        dst[i] = (Real)hypergeometric_draw((double)n[i], (double)a[i], (double)b[i], &e);
    }
}
