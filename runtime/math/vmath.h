/* vmath.h - elementary functions as branch-free polynomials in plain C.
 *
 * Idea: a loop over any of these is vectorised by gcc and clang as it stands, for whatever vector
 * unit the target flags name (SSE2, AVX2, AVX-512, NEON), and fuses with the code around it. No
 * intrinsics, no calls, no tables, no fast-math. A selection is a ?: on values already computed.
 *
 * Requires -O3 -fno-math-errno -fno-trapping-math to vectorise; results are right under any flags
 * that keep IEEE semantics. -ffp-contract=fast changes last bits only.
 *
 * Accuracy (largest error, asserted by tests/unit/test_rt_math.c): at most 4 ulp over the whole
 * range in both precisions, relative also near zeros (tanh, expm1, log1p, erf of small x). Inf,
 * NaN and denormal arguments give the limits of the function; NaN in gives NaN out. sin and cos
 * hold for |x| <= 2^29 and give NaN beyond, rather than noise.
 *
 * Coefficients: minimax by the Remez exchange, recomputed by minimax.py.
 * Names: dgm_exp works on Real; dgm_exp_f and dgm_exp_d are the two precisions underneath.
 */
#ifndef DGM_MATH_VMATH_H
#define DGM_MATH_VMATH_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#define DGM_INLINE static inline __attribute__((always_inline))

#include "vmath_f64.h"
#include "vmath_f32.h"                 /* pow and the range reduction of sin go through double */
#include "sum8.h"

#ifdef DGM_F64
#define DGM_REAL_FN(name) dgm_##name##_d
typedef double DgmMathReal;
#else
#define DGM_REAL_FN(name) dgm_##name##_f
typedef float DgmMathReal;
#endif

DGM_INLINE DgmMathReal dgm_exp(DgmMathReal x) { return DGM_REAL_FN(exp)(x); }
DGM_INLINE DgmMathReal dgm_expm1(DgmMathReal x) { return DGM_REAL_FN(expm1)(x); }
DGM_INLINE DgmMathReal dgm_log(DgmMathReal x) { return DGM_REAL_FN(log)(x); }
DGM_INLINE DgmMathReal dgm_log1p(DgmMathReal x) { return DGM_REAL_FN(log1p)(x); }
DGM_INLINE DgmMathReal dgm_tanh(DgmMathReal x) { return DGM_REAL_FN(tanh)(x); }
DGM_INLINE DgmMathReal dgm_logistic(DgmMathReal x) { return DGM_REAL_FN(logistic)(x); }
DGM_INLINE DgmMathReal dgm_softplus(DgmMathReal x) { return DGM_REAL_FN(softplus)(x); }
DGM_INLINE DgmMathReal dgm_softplus_logistic(DgmMathReal x, DgmMathReal *logistic)
{
    return DGM_REAL_FN(softplus_logistic)(x, logistic);
}
DGM_INLINE DgmMathReal dgm_sqrt(DgmMathReal x) { return DGM_REAL_FN(sqrt)(x); }
DGM_INLINE DgmMathReal dgm_sin(DgmMathReal x) { return DGM_REAL_FN(sin)(x); }
DGM_INLINE DgmMathReal dgm_cos(DgmMathReal x) { return DGM_REAL_FN(cos)(x); }
DGM_INLINE DgmMathReal dgm_atan(DgmMathReal x) { return DGM_REAL_FN(atan)(x); }
DGM_INLINE DgmMathReal dgm_erf(DgmMathReal x) { return DGM_REAL_FN(erf)(x); }
DGM_INLINE DgmMathReal dgm_floor(DgmMathReal x) { return DGM_REAL_FN(floor)(x); }

/* x^y with the special cases of C's pow. The double version calls libm (not vectorised). */
DGM_INLINE DgmMathReal dgm_pow(DgmMathReal x, DgmMathReal y) { return DGM_REAL_FN(pow)(x, y); }

DGM_INLINE DgmMathReal dgm_abs(DgmMathReal x) { return DGM_REAL_FN(abs)(x); }
DGM_INLINE DgmMathReal dgm_sum8(const DgmMathReal *x) { return DGM_REAL_FN(sum8)(x); }
DGM_INLINE DgmMathReal dgm_sq(DgmMathReal x) { return x * x; }

/* -1, 0 or 1; zero and NaN are returned as they are. */
DGM_INLINE DgmMathReal dgm_sign(DgmMathReal x)
{
    return x > 0 ? (DgmMathReal)1 : x < 0 ? (DgmMathReal)-1 : x;
}

/* Unlike fmin and fmax these pass NaN on from either side: a NaN is found where it arose. */
DGM_INLINE DgmMathReal dgm_min(DgmMathReal a, DgmMathReal b)
{
    return ((a < b) | (a != a)) ? a : b;
}

DGM_INLINE DgmMathReal dgm_max(DgmMathReal a, DgmMathReal b)
{
    return ((a > b) | (a != a)) ? a : b;
}

#undef DGM_REAL_FN
#endif
