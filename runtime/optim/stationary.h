/* stationary.h - has the objective stopped rising?
 *
 * Two points of a run are compared on the same rows and random numbers, in independent pairs of
 * evaluations. That a run stands is a statement that needs evidence: not that no gain was seen, but
 * that a gain of more than a tolerance can be excluded.
 */
#ifndef DGM_STATIONARY_H
#define DGM_STATIONARY_H

/* Of all tests of a run together: how often at most one says "less than the tolerance" although the
 * gain is at least that. */
#define DGM_FALSE_STOPS 0.01

/* Mean of n differences, its standard error, and the skewness of the differences. */
typedef struct DgmGain { double mean, se, skewness; long n; } DgmGain;

DgmGain dgm_gain(long n, const double *difference);
/* No more than this has been gained: upper confidence limit of test number 1, 2, .. of a run, at
 * level DGM_FALSE_STOPS * 6 / (pi test)^2, whose sum over all tests is DGM_FALSE_STOPS. n >= 2. */
double dgm_gain_limit(const DgmGain *gain, int test);

#endif
