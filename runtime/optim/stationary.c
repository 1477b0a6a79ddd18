/* stationary.c - the mean of paired differences and what can be said of it by Student's t.
 *
 * Of differences with a tail to the right most samples show neither the tail nor its spread: the
 * quantile is corrected for skewness (Johnson 1978, equation 2.8; Chen 1995), upwards only.
 * The levels of the tests of a run sum to DGM_FALSE_STOPS (sum 1/k^2 = pi^2/6), so that looking
 * often does not make a false stop likelier.
 */
#include "optim/stationary.h"

#include "math/special.h"

#include <math.h>

DgmGain dgm_gain(long n, const double *difference)
{
    DgmGain gain = { .n = n };
    double squares = 0, cubes = 0;
    for (long i = 0; i < n; i++)
        gain.mean += difference[i] / (double)n;
    for (long i = 0; i < n; i++) {
        double d = difference[i] - gain.mean;
        squares += d * d;
        cubes += d * d * d;
    }
    gain.skewness = squares > 0 ? cubes / (double)n / pow(squares / (double)n, 1.5) : 0;
    gain.se = n > 1 ? sqrt(squares / (double)(n - 1) / (double)n) : INFINITY;
    return gain;
}

/* Quantile of Student's t from that of the normal law (Abramowitz & Stegun 1964, 26.7.5). */
static double t_quantile(double p, double df)
{
    double z = dgm_normal_quantile_d(p), z2 = z * z;
    double g1 = z * (z2 + 1) / 4, g2 = z * ((5 * z2 + 16) * z2 + 3) / 96;
    double g3 = z * (((3 * z2 + 19) * z2 + 17) * z2 - 15) / 384;
    return z + (g1 + (g2 + g3 / df) / df) / df;
}

double dgm_gain_limit(const DgmGain *gain, int test)
{
    double k = M_PI * test, level = DGM_FALSE_STOPS * 6 / (k * k);
    if (gain->se == 0)
        return gain->mean;
    double t = t_quantile(1 - level, (double)(gain->n - 1));
    double skewed = fmax(0, gain->skewness) * (1 + 2 * t * t) / (6 * sqrt((double)gain->n));
    return gain->mean + (t + skewed) * gain->se;
}
