/* gamma.c - Gamma(shape, 1) draws by Marsaglia and Tsang (2000).
 *
 * Idea: with d = a - 1/3, d (1 + x / sqrt(9 d))^3 for a normal x is accepted with probability over
 * 0.95. Rejection needs a random number of random numbers: block i of the stream gives element i a
 * key and counter of its own, and attempt t of that element is block t under them. So element i is
 * a pure function of the stream and i, whatever its neighbours do. For a < 1: Gamma(a + 1) U^(1/a).
 *
 * A draw too small for Real is returned as the smallest normal number, so that its log is finite.
 */
#include "../core/rng.h"

#include <float.h>

enum { BOOST = 0xffffffff };           /* counter of the uniform for shapes below 1 */

static double gamma_at_least_one(double a, philox4x32_ctr_t own, philox4x32_key_t key)
{
    double d = a - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (uint32_t attempt = 0;; attempt++) {
        own.v[0] = attempt;
        philox4x32_ctr_t r = philox4x32(own, key);
        double u1 = ((double)r.v[0] + 0.5) * 0x1p-32, u2 = ((double)r.v[1] + 0.5) * 0x1p-32;
        double x = dgm_sqrt_d(-2 * dgm_log_d(u1)) * dgm_cos_d(6.28318530717958647693 * u2);
        double v = 1 + c * x;
        if (v <= 0)
            continue;
        v = v * v * v;
        if (dgm_log_d(rng_unit(r.v[2], r.v[3])) < 0.5 * x * x + d - d * v + d * dgm_log_d(v))
            return d * v;
    }
}

static double gamma_draw(double a, philox4x32_ctr_t block)
{
    philox4x32_key_t key = { { block.v[0], block.v[1] } };
    philox4x32_ctr_t own = { { 0, block.v[2], block.v[3], 0 } };
    if (!(a > 0) || isinf(a))
        return NAN;
    if (a >= 1)
        return gamma_at_least_one(a, own, key);
    double g = gamma_at_least_one(a + 1, own, key);
    own.v[0] = (uint32_t)BOOST;
    philox4x32_ctr_t r = philox4x32(own, key);
    return dgm_exp_d(dgm_log_d(g) + dgm_log_d(rng_unit(r.v[0], r.v[1])) / a);
}

void dgm_fill_gamma(const DgmCtx *c, uint32_t site, Real *dst, const Real *shape, long first,
                    long count)
{
#ifdef DGM_F64
    const Real least = DBL_MIN;
#else
    const Real least = FLT_MIN;
#endif
    philox4x32_key_t key = rng_key(c->seed);
    for (long k = 0; k < count; k++) {
        philox4x32_ctr_t block = philox4x32(rng_counter(c, site, (uint64_t)(first + k), true), key);
        Real g = (Real)gamma_draw((double)shape[k], block);
        dst[k] = g < least ? least : g;
    }
}
