/* bridge.c - the evidence from draws of a law and draws of the density.
 *
 * Idea: weights of draws of q say nothing of mass where q has none; draws of the density do. The
 * bridge between both (Meng & Wong 1996) takes the ratio of two means, each of a function that is
 * bounded, and so needs no tails of q.
 */
#include "infer/infer.h"

#include <math.h>
#include <stdlib.h>

enum { ROUNDS = 100 };

typedef struct Mean { double value, share; } Mean;           /* share: squared standard error */

/* Of exp(a x) / (s exp(x) + r exp(shift)), a 0 or 1, over draws of which `effective` are
 * independent. */
static Mean mean_of(long M, const double *x, double effective, double shift, bool ratio,
                    double s, double r)
{
    double sum = 0, square = 0;

    for (long i = 0; i < M; i++) {
        double e = exp(x[i] - shift), f = isfinite(e) ? (ratio ? e : 1) / (s * e + r)
                                        : ratio ? 1 / s : 0;
        sum += f / (double)M;
        square += f * f / (double)M;
    }
    return (Mean){sum, (square / (sum * sum) - 1) / effective};
}

double bridge(long M, const double *of_q, long N, const double *of_p, double effective,
              double *error)
{
    double a = (double)M / ((double)M + effective), b = 1 - a, r = 1, shift, unused;
    Mean above = {0, 0}, below = {0, 0};

    shift = log_mean(M, of_q, &unused);
    for (int k = 0; k < ROUNDS; k++) {
        above = mean_of(M, of_q, (double)M, shift, true, a, b * r);
        below = mean_of(N, of_p, effective, shift, false, a, b * r);
        r = above.value / below.value;
    }
    *error = sqrt(above.share + below.share);
    return shift + log(r);
}
