/* vmath_f64.h - the double precision half of vmath.h (which see; include that one).
 *
 * Powers of two are built and taken apart in the bits. Adding DGM_ROUND_D = 1.5 * 2^52 rounds to an
 * integer and leaves it in the low bits of the sum, which spares the 64-bit integer conversions
 * that SSE2 and AVX2 lack. Polynomials are summed in two chains, of even and of odd powers: where
 * one exponential waits for another, the shorter chains are the faster ones.
 */
#ifndef DGM_MATH_VMATH_F64_H
#define DGM_MATH_VMATH_F64_H

#define DGM_ROUND_D 0x1.8p52
#define DGM_LN2_HI_D 0x1.62e42feep-1            /* 32 bits: exact times an exponent */
#define DGM_LN2_LO_D 0x1.a39ef35793c76p-33
#define DGM_SQRT_HALF_BITS_D 0x3fe6a09e667f3bcdULL

DGM_INLINE uint64_t dgm_bits_d(double x)
{
    uint64_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

DGM_INLINE double dgm_from_bits_d(uint64_t u)
{
    double x;
    memcpy(&x, &u, sizeof x);
    return x;
}

DGM_INLINE double dgm_abs_d(double x)
{
    return dgm_from_bits_d(dgm_bits_d(x) & 0x7fffffffffffffffULL);
}

/* |x| with the sign of s; x >= 0. */
DGM_INLINE double dgm_with_sign_d(double x, double s)
{
    return dgm_from_bits_d(dgm_bits_d(x) | (dgm_bits_d(s) & 0x8000000000000000ULL));
}

DGM_INLINE double dgm_sqrt_d(double x) { return __builtin_sqrt(x); }

DGM_INLINE double dgm_floor_d(double x)
{
    double a = dgm_abs_d(x);
    double t = dgm_with_sign_d((a + 0x1p52) - 0x1p52, x);
    t = t > x ? t - 1 : t;
    return a < 0x1p52 ? t : x;
}

/* (e^r - 1 - r) / r^2 for |r| <= 0.35 */
DGM_INLINE double dgm_exp_poly_d(double r)
{
    double r2 = r * r, p = 0x1.1f8e6e952ceabp-29, q = 0x1.af5290d2b561ep-26;
    p = p * r2 + 0x1.27e4caeda8469p-22;
    q = q * r2 + 0x1.71ddffef60257p-19;
    p = p * r2 + 0x1.a01a01adc40cbp-16;
    q = q * r2 + 0x1.a01a01aca02c3p-13;
    p = p * r2 + 0x1.6c16c16c14fd5p-10;
    q = q * r2 + 0x1.111111110ff87p-7;
    p = p * r2 + 0x1.5555555555558p-5;
    q = q * r2 + 0x1.5555555555557p-3;
    p = p * r2 + 0x1.0000000000000p-1;
    return q * r + p;
}

/* x = n ln 2 + r. Returns DGM_ROUND_D + n. */
DGM_INLINE double dgm_exp_reduce_d(double x, double *r)
{
    double t = x * 0x1.71547652b82fep+0 + DGM_ROUND_D;
    double n = t - DGM_ROUND_D;
    *r = (x - n * DGM_LN2_HI_D) - n * DGM_LN2_LO_D;
    return t;
}

DGM_INLINE double dgm_exp_d(double x)
{
    double y = x > 710 ? 710 : x, r;
    y = y < -746 ? -746 : y;
    double n = dgm_exp_reduce_d(y, &r) - DGM_ROUND_D;
    double p = 1 + (r + r * r * dgm_exp_poly_d(r));
    /* 2^n in two factors: neither overflows where the result does not, nor underflows early */
    double th = n * 0.5 + DGM_ROUND_D;
    double tl = (n - (th - DGM_ROUND_D)) + DGM_ROUND_D;
    double sh = dgm_from_bits_d(dgm_bits_d(th + 1023) << 52);
    double sl = dgm_from_bits_d(dgm_bits_d(tl + 1023) << 52);
    return p * sh * sl;
}

/* e^-a for a >= 0. Its result only can underflow: it is computed 2^64 times too large. */
DGM_INLINE double dgm_exp_minus_d(double a)
{
    double r, t = dgm_exp_reduce_d(-(a > 746 ? 746 : a), &r);
    double p = 1 + (r + r * r * dgm_exp_poly_d(r));
    return p * dgm_from_bits_d(dgm_bits_d(t + (1023 + 64)) << 52) * 0x1p-64;
}

DGM_INLINE double dgm_expm1_d(double x)
{
    double y = x > 710 ? 710 : x, r;
    y = y < -38 ? -38 : y;
    double t = dgm_exp_reduce_d(y, &r);
    double p = r + r * r * dgm_exp_poly_d(r);
    double s = dgm_from_bits_d(dgm_bits_d(t + 1022) << 52);         /* 2^(n - 1) */
    double z = 2 * (s * p + (s - 0.5));
    return dgm_abs_d(x) < 0x1p-54 ? x : z;
}

/* log(1 + f) for sqrt(1/2) - 1 <= f <= sqrt(2) - 1. With s = f / (2 + f) it is
 * 2 atanh(s) = 2 s + s^3 P(s^2) = f - s (f - s^2 P), and the leading f is exact. */
DGM_INLINE double dgm_log1p_core_d(double f)
{
    double s = f / (2 + f), u = s * s;
    double u2 = u * u, p = 0x1.2b662bd0f467dp-3, q = 0x1.39fd33f4f0686p-3;
    p = p * u2 + 0x1.7462be2cad85ap-3;
    q = q * u2 + 0x1.c71c62c21a3a2p-3;
    p = p * u2 + 0x1.2492492e0efb2p-2;
    q = q * u2 + 0x1.99999999951c0p-2;
    p = p * u2 + 0x1.5555555555558p-1;
    return f - s * (f - u * (q * u + p));
}

/* The k of u = 2^k m, sqrt(1/2) <= m < sqrt(2), for normal u > 0. */
DGM_INLINE double dgm_exponent_d(double u)
{
    uint64_t b = dgm_bits_d(u) - DGM_SQRT_HALF_BITS_D + (1024ULL << 52);
    return dgm_from_bits_d((b >> 52) | 0x4330000000000000ULL) - (0x1p52 + 1024);
}

/* log(2^-less y) of a normal y > 0. */
DGM_INLINE double dgm_log_scaled_d(double y, double less)
{
    double k = dgm_exponent_d(y) - less;
    uint64_t m = ((dgm_bits_d(y) - DGM_SQRT_HALF_BITS_D) & 0xfffffffffffffULL) +
                 DGM_SQRT_HALF_BITS_D;
    double l = dgm_log1p_core_d(dgm_from_bits_d(m) - 1);
    return k * DGM_LN2_HI_D + (k * DGM_LN2_LO_D + l);
}

DGM_INLINE double dgm_log_d(double x)
{
    double small = x < 0x1p-1022 ? 1.0 : 0.0;
    double z = dgm_log_scaled_d(x < 0x1p-1022 ? x * 0x1p54 : x, 54 * small);
    double edge = x == 0 ? -(double)INFINITY : (double)NAN;
    z = x < (double)INFINITY ? z : x;
    return x > 0 ? z : edge;
}

/* 1 + x = 2^k (1 + f) with f = (2^-k x) + (2^-k - 1): both terms exact, so nothing of x is lost.
 * Large x are scaled by 2^-64 first, to keep 2^-k a normal number. */
DGM_INLINE double dgm_log1p_d(double x)
{
    double one = x > 0x1p60 ? 0x1p-64 : 1.0;
    double y = x * one;
    double k = dgm_exponent_d(y + one);
    double s = dgm_from_bits_d(dgm_bits_d(DGM_ROUND_D + (1023 - k)) << 52);
    double l = dgm_log1p_core_d(y * s + (one * s - 1));
    k = x > 0x1p60 ? k + 64 : k;
    double z = k * DGM_LN2_HI_D + (k * DGM_LN2_LO_D + l);
    double edge = x == -1 ? -(double)INFINITY : (double)NAN;
    z = x < (double)INFINITY ? z : x;
    return x > -1 ? z : edge;
}

/* With w = e^(2|x|) - 1, tanh |x| = w / (w + 2): relative accuracy for small x, one division. */
DGM_INLINE double dgm_tanh_d(double x)
{
    double a = dgm_abs_d(x), r;
    double y = a > 20 ? 20 : a;
    double t = dgm_exp_reduce_d(2 * y, &r);
    double p = r + r * r * dgm_exp_poly_d(r);
    double s = dgm_from_bits_d(dgm_bits_d(t + 1023) << 52);
    double w = s * p + (s - 1);
    return dgm_with_sign_d(w / (w + 2), x);
}

DGM_INLINE double dgm_logistic_d(double x)
{
    double e = dgm_exp_minus_d(dgm_abs_d(x));
    return (x < 0 ? e : 1) / (1 + e);
}

/* log(1 + e) for 0 <= e <= 1 as dgm_log1p_core_d has it; s = e / (2 + e) is up to 1/3. */
DGM_INLINE double dgm_log1p_unit_d(double e, double s)
{
    double u = s * s;
    double u2 = u * u, p = 0x1.67ff3a8be6123p-4, q = 0x1.4b8574862e268p-3;
    p = p * u2 + 0x1.10ab0579ff539p-3;
    q = q * u2 + 0x1.ebaa035ad0374p-4;
    p = p * u2 + 0x1.745cefc403313p-3;
    q = q * u2 + 0x1.3b18caac2563ap-3;
    p = p * u2 + 0x1.24924923cd3dap-2;
    q = q * u2 + 0x1.c71c72765ed30p-3;
    p = p * u2 + 0x1.5555555555555p-1;
    q = q * u2 + 0x1.999999999a455p-2;
    return e - s * (e - u * (q * u + p));
}

/* max(x, 0) + log(1 + e), e = e^-|x|. */
DGM_INLINE double dgm_softplus_d(double x)
{
    double e = dgm_exp_minus_d(dgm_abs_d(x));
    return (x > 0 ? x : 0) + dgm_log1p_unit_d(e, e / (2 + e));
}

/* Both, by one exponential and one division: with q = 1 / ((1 + e) (2 + e)), 1 / (1 + e) is
 * (2 + e) q, and e / (2 + e) is e (1 + e) q. */
DGM_INLINE double dgm_softplus_logistic_d(double x, double *logistic)
{
    double e = dgm_exp_minus_d(dgm_abs_d(x));
    double q = 1 / ((1 + e) * (2 + e));
    *logistic = (x < 0 ? e : 1) * ((2 + e) * q);
    return (x > 0 ? x : 0) + dgm_log1p_unit_d(e, e * ((1 + e) * q));
}

/* x = n pi/2 + r, |r| <= pi/4 (1 + tiny). pi/2 in three parts of 24 bits and a rest: the first
 * three products with n < 2^29 are exact. Returns the bits of n. */
DGM_INLINE uint64_t dgm_trig_reduce_d(double x, double *r)
{
    double t = x * 0x1.45f306dc9c883p-1 + DGM_ROUND_D;
    double n = t - DGM_ROUND_D;
    double y = x - n * 0x1.921fb4p+0;
    y = y - n * 0x1.4442dp-24;
    y = y - n * 0x1.846988p-48;
    y = y - n * 0x1.8cc51701b839ap-72;
    *r = dgm_abs_d(x) <= 0x1p29 ? y : (double)NAN;
    return dgm_bits_d(t);
}

DGM_INLINE double dgm_sin_poly_d(double r)
{
    double u = r * r, p = 0x1.5d8a16b8c93ecp-33;
    p = p * u - 0x1.ae5e485c3865fp-26;
    p = p * u + 0x1.71de3552cc55bp-19;
    p = p * u - 0x1.a01a019be89a1p-13;
    p = p * u + 0x1.111111110f740p-7;
    p = p * u - 0x1.5555555555548p-3;
    return r + r * (u * p);
}

DGM_INLINE double dgm_cos_poly_d(double r)
{
    double u = r * r, p = -0x1.8fa4da4a5ad70p-37;
    p = p * u + 0x1.1ee9d9a28e76cp-29;
    p = p * u - 0x1.27e4f7eff4a77p-22;
    p = p * u + 0x1.a01a019c8f1f7p-16;
    p = p * u - 0x1.6c16c16c1502ap-10;
    p = p * u + 0x1.555555555554bp-5;
    /* 1 - u/2 rounds; what it lost is put back with the small terms */
    double h = 0.5 * u, c = 1 - h;
    return c + (((1 - c) - h) + u * (u * p));
}

DGM_INLINE double dgm_sin_d(double x)
{
    double r;
    uint64_t q = dgm_trig_reduce_d(x, &r);
    double s = dgm_sin_poly_d(r), c = dgm_cos_poly_d(r);
    uint64_t odd = 0 - (q & 1);
    uint64_t v = (dgm_bits_d(c) & odd) | (dgm_bits_d(s) & ~odd);
    return dgm_from_bits_d(v ^ ((q & 2) << 62));
}

DGM_INLINE double dgm_cos_d(double x)
{
    double r;
    uint64_t q = dgm_trig_reduce_d(x, &r);
    double s = dgm_sin_poly_d(r), c = dgm_cos_poly_d(r);
    uint64_t odd = 0 - (q & 1);
    uint64_t v = (dgm_bits_d(s) & odd) | (dgm_bits_d(c) & ~odd);
    return dgm_from_bits_d(v ^ (((q + 1) & 2) << 62));
}

/* atan a = base + atan((a - c)/(1 + a c)) with c = 0, 1, infinity: |quotient| <= tan(pi/8). */
DGM_INLINE double dgm_atan_d(double x)
{
    double a = dgm_abs_d(x);
    double num = a > 0.41421356237309503 ? a - 1 : a;
    double den = a > 0.41421356237309503 ? a + 1 : 1;
    double base = a > 0.41421356237309503 ? 0x1.921fb54442d18p-1 : 0;
    double low = a > 0.41421356237309503 ? 0x1.1a62633145c07p-55 : 0;
    num = a > 2.414213562373095 ? -1 : num;
    den = a > 2.414213562373095 ? a : den;
    base = a > 2.414213562373095 ? 0x1.921fb54442d18p+0 : base;
    low = a > 2.414213562373095 ? 0x1.1a62633145c07p-54 : low;
    double t = num / den, u = t * t;
    double p = -0x1.25a382f7cab4fp-6;
    p = p * u + 0x1.37f009e0c933ep-5;
    p = p * u - 0x1.9cdd39c698384p-5;
    p = p * u + 0x1.df11a31103a0dp-5;
    p = p * u - 0x1.10ebe19a1ae4fp-4;
    p = p * u + 0x1.3b111cbb71be3p-4;
    p = p * u - 0x1.745cf90fce89bp-4;
    p = p * u + 0x1.c71c70e7ca34ep-4;
    p = p * u - 0x1.24924922b180ap-3;
    p = p * u + 0x1.99999999958f9p-3;
    p = p * u - 0x1.555555555553dp-2;
    double z = base + (t + (t * (u * p) + low));
    return dgm_with_sign_d(dgm_abs_d(z), x);
}

/* erf(x)/x as a polynomial in x^2 below 1; above, 1 - e^(-x^2) Q(t), t = (x - 2)/(x + 2). */
DGM_INLINE double dgm_erf_d(double x)
{
    double a = dgm_abs_d(x), u = a * a;
    double p = 0x1.0627a6a8e50acp-34;
    p = p * u - 0x1.38ac3da44f9dep-30;
    p = p * u + 0x1.f7b9a5ba9e56bp-27;
    p = p * u - 0x1.5f1f41b08e95ep-23;
    p = p * u + 0x1.b9df30701769ap-20;
    p = p * u - 0x1.f4d1e43610b25p-17;
    p = p * u + 0x1.f9a321e4c735fp-14;
    p = p * u - 0x1.c02db3db49dc3p-11;
    p = p * u + 0x1.565bcd0dbd939p-8;
    p = p * u - 0x1.b82ce31284f38p-6;
    p = p * u + 0x1.ce2f21a042b34p-4;
    p = p * u - 0x1.812746b0379e6p-2;
    p = p * u + 0x1.20dd750429b6dp+0;

    double y = a > 6.5 ? 6.5 : a;
    double t = (y - 2) / (y + 2);
    double q = -0x1.4d6a80178a61ep-22;
    q = q * t - 0x1.787c25f7d1269p-21;
    q = q * t + 0x1.46add7f3e1685p-20;
    q = q * t + 0x1.0215c593e29e2p-18;
    q = q * t + 0x1.6e674ab036fb9p-20;
    q = q * t - 0x1.d4e5e0c90a6adp-17;
    q = q * t - 0x1.cea0169e1c717p-16;
    q = q * t + 0x1.cdcd8b32dbc5ap-16;
    q = q * t + 0x1.6da92edd4a845p-13;
    q = q * t + 0x1.6d5efe883122ap-15;
    q = q * t - 0x1.016b5c780e9d8p-10;
    q = q * t - 0x1.bc25a4855a225p-11;
    q = q * t + 0x1.ca95ed528e7f7p-8;
    q = q * t + 0x1.e9471597aed2cp-9;
    q = q * t - 0x1.437f0b68c0a23p-4;
    q = q * t + 0x1.eeea7dc8a78abp-3;
    q = q * t - 0x1.b57034efd3f73p-2;
    q = q * t + 0x1.058671b52c776p-2;
    double z = a < 1 ? a * p : 1 - dgm_exp_d(-y * y) * q;
    z = a != a ? a : z;
    return dgm_with_sign_d(z, x);
}

DGM_INLINE double dgm_pow_d(double x, double y) { return pow(x, y); }

#endif
