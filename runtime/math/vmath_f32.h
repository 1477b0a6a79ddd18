/* vmath_f32.h - the single precision half of vmath.h (which see; include that one).
 *
 * The same forms as vmath_f64.h with shorter polynomials; its comments explain each form once.
 */
#ifndef DGM_MATH_VMATH_F32_H
#define DGM_MATH_VMATH_F32_H

#define DGM_ROUND_F 0x1.8p23f
#define DGM_LN2_HI_F 0x1.62e4p-1f               /* 15 bits: exact times an exponent */
#define DGM_LN2_LO_F 0x1.7f7d1cp-20f
#define DGM_SQRT_HALF_BITS_F 0x3f3504f3u

DGM_INLINE uint32_t dgm_bits_f(float x)
{
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

DGM_INLINE float dgm_from_bits_f(uint32_t u)
{
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

DGM_INLINE float dgm_abs_f(float x) { return dgm_from_bits_f(dgm_bits_f(x) & 0x7fffffffu); }

DGM_INLINE float dgm_with_sign_f(float x, float s)
{
    return dgm_from_bits_f(dgm_bits_f(x) | (dgm_bits_f(s) & 0x80000000u));
}

DGM_INLINE float dgm_sqrt_f(float x) { return __builtin_sqrtf(x); }

DGM_INLINE float dgm_floor_f(float x)
{
    float a = dgm_abs_f(x);
    float t = dgm_with_sign_f((a + 0x1p23f) - 0x1p23f, x);
    t = t > x ? t - 1 : t;
    return a < 0x1p23f ? t : x;
}

DGM_INLINE float dgm_exp_poly_f(float r)
{
    float p = 0x1.6d7c46p-10f;
    p = p * r + 0x1.121072p-7f;
    p = p * r + 0x1.5554b2p-5f;
    p = p * r + 0x1.5554d8p-3f;
    p = p * r + 0x1.000000p-1f;
    return p;
}

DGM_INLINE float dgm_exp_reduce_f(float x, float *r)
{
    float t = x * 0x1.715476p+0f + DGM_ROUND_F;
    float n = t - DGM_ROUND_F;
    *r = (x - n * DGM_LN2_HI_F) - n * DGM_LN2_LO_F;
    return t;
}

DGM_INLINE float dgm_exp_f(float x)
{
    float y = x > 89.0f ? 89.0f : x, r;
    y = y < -104.0f ? -104.0f : y;
    float n = dgm_exp_reduce_f(y, &r) - DGM_ROUND_F;
    float p = 1 + (r + r * r * dgm_exp_poly_f(r));
    float th = n * 0.5f + DGM_ROUND_F;
    float tl = (n - (th - DGM_ROUND_F)) + DGM_ROUND_F;
    float sh = dgm_from_bits_f(dgm_bits_f(th + 127) << 23);
    float sl = dgm_from_bits_f(dgm_bits_f(tl + 127) << 23);
    return p * sh * sl;
}

/* e^-a for a >= 0. Its result only can underflow: it is computed 2^32 times too large. */
DGM_INLINE float dgm_exp_minus_f(float a)
{
    float r, t = dgm_exp_reduce_f(-(a > 104.0f ? 104.0f : a), &r);
    float p = 1 + (r + r * r * dgm_exp_poly_f(r));
    return p * dgm_from_bits_f(dgm_bits_f(t + (127 + 32)) << 23) * 0x1p-32f;
}

DGM_INLINE float dgm_expm1_f(float x)
{
    float y = x > 89.0f ? 89.0f : x, r;
    y = y < -18.0f ? -18.0f : y;
    float t = dgm_exp_reduce_f(y, &r);
    float p = r + r * r * dgm_exp_poly_f(r);
    float s = dgm_from_bits_f(dgm_bits_f(t + 126) << 23);
    float z = 2 * (s * p + (s - 0.5f));
    return dgm_abs_f(x) < 0x1p-25f ? x : z;
}

/* log(1 + f) = f - f^2/2 + f^3 P(f) for sqrt(1/2) - 1 <= f <= sqrt(2) - 1: no division. */
DGM_INLINE float dgm_log1p_core_f(float f)
{
    float p = -0x1.41eeeap-4f;
    p = p * f + 0x1.07d122p-3f;
    p = p * f - 0x1.0ce05ep-3f;
    p = p * f + 0x1.226e40p-3f;
    p = p * f - 0x1.54788ep-3f;
    p = p * f + 0x1.99a596p-3f;
    p = p * f - 0x1.000220p-2f;
    p = p * f + 0x1.55554ap-2f;
    float u = f * f;
    return f + u * (f * p - 0.5f);
}

DGM_INLINE float dgm_exponent_f(float u)
{
    return (float)((int32_t)(dgm_bits_f(u) - DGM_SQRT_HALF_BITS_F) >> 23);
}

/* log(2^-less y) of a normal y > 0. */
DGM_INLINE float dgm_log_scaled_f(float y, float less)
{
    float k = dgm_exponent_f(y) - less;
    uint32_t m = ((dgm_bits_f(y) - DGM_SQRT_HALF_BITS_F) & 0x7fffffu) + DGM_SQRT_HALF_BITS_F;
    float l = dgm_log1p_core_f(dgm_from_bits_f(m) - 1);
    return k * DGM_LN2_HI_F + (k * DGM_LN2_LO_F + l);
}

DGM_INLINE float dgm_log_f(float x)
{
    float small = x < 0x1p-126f ? 1.0f : 0.0f;
    float z = dgm_log_scaled_f(x < 0x1p-126f ? x * 0x1p25f : x, 25 * small);
    float edge = x == 0 ? -(float)INFINITY : (float)NAN;
    z = x < (float)INFINITY ? z : x;
    return x > 0 ? z : edge;
}

DGM_INLINE float dgm_log1p_f(float x)
{
    float one = x > 0x1p60f ? 0x1p-64f : 1.0f;
    float y = x * one;
    float k = dgm_exponent_f(y + one);
    float s = dgm_from_bits_f(dgm_bits_f(DGM_ROUND_F + (127 - k)) << 23);
    float l = dgm_log1p_core_f(y * s + (one * s - 1));
    k = x > 0x1p60f ? k + 64 : k;
    float z = k * DGM_LN2_HI_F + (k * DGM_LN2_LO_F + l);
    float edge = x == -1 ? -(float)INFINITY : (float)NAN;
    z = x < (float)INFINITY ? z : x;
    return x > -1 ? z : edge;
}

DGM_INLINE float dgm_tanh_f(float x)
{
    float a = dgm_abs_f(x), r;
    float y = a > 9.5f ? 9.5f : a;
    float t = dgm_exp_reduce_f(2 * y, &r);
    float p = r + r * r * dgm_exp_poly_f(r);
    float s = dgm_from_bits_f(dgm_bits_f(t + 127) << 23);
    float w = s * p + (s - 1);
    return dgm_with_sign_f(w / (w + 2), x);
}

DGM_INLINE float dgm_logistic_f(float x)
{
    float e = dgm_exp_minus_f(dgm_abs_f(x));
    return (x < 0 ? e : 1) / (1 + e);
}

/* log(1 + e) for 0 <= e <= 1, s = e / (2 + e): the form of dgm_log1p_core_d. */
DGM_INLINE float dgm_log1p_unit_f(float e, float s)
{
    float u = s * s;
    float p = 0x1.1349c6p-2f;
    p = p * u + 0x1.21169cp-2f;
    p = p * u + 0x1.99ae00p-2f;
    p = p * u + 0x1.55554cp-1f;
    return e - s * (e - u * p);
}

/* max(x, 0) + log(1 + e), e = e^-|x|. */
DGM_INLINE float dgm_softplus_f(float x)
{
    float e = dgm_exp_minus_f(dgm_abs_f(x));
    return (x > 0 ? x : 0) + dgm_log1p_unit_f(e, e / (2 + e));
}

/* Both, by one exponential. A division costs less here than in double: each has its own. */
DGM_INLINE float dgm_softplus_logistic_f(float x, float *logistic)
{
    float e = dgm_exp_minus_f(dgm_abs_f(x));
    *logistic = (x < 0 ? e : 1) / (1 + e);
    return (x > 0 ? x : 0) + dgm_log1p_unit_f(e, e / (2 + e));
}

DGM_INLINE float dgm_sin_poly_f(float r)
{
    float u = r * r, p = -0x1.993d72p-13f;
    p = p * u + 0x1.11072ep-7f;
    p = p * u - 0x1.555546p-3f;
    return r + r * (u * p);
}

DGM_INLINE float dgm_cos_poly_f(float r)
{
    float u = r * r, p = 0x1.99f2ecp-16f;
    p = p * u - 0x1.6c0c58p-10f;
    p = p * u + 0x1.55554ap-5f;
    float h = 0.5f * u, c = 1 - h;
    return c + (((1 - c) - h) + u * (u * p));
}

/* The range reduction runs in double: exact enough for every float up to 2^29. */
DGM_INLINE float dgm_sin_f(float x)
{
    double rd;
    uint32_t q = (uint32_t)dgm_trig_reduce_d(x, &rd);
    float r = (float)rd, s = dgm_sin_poly_f(r), c = dgm_cos_poly_f(r);
    float v = (q & 1) != 0 ? c : s;
    return dgm_from_bits_f(dgm_bits_f(v) ^ ((q & 2) << 30));
}

DGM_INLINE float dgm_cos_f(float x)
{
    double rd;
    uint32_t q = (uint32_t)dgm_trig_reduce_d(x, &rd);
    float r = (float)rd, s = dgm_sin_poly_f(r), c = dgm_cos_poly_f(r);
    float v = (q & 1) != 0 ? s : c;
    return dgm_from_bits_f(dgm_bits_f(v) ^ (((q + 1) & 2) << 30));
}

DGM_INLINE float dgm_atan_f(float x)
{
    float a = dgm_abs_f(x);
    float num = a > 0.41421354f ? a - 1 : a;
    float den = a > 0.41421354f ? a + 1 : 1;
    float base = a > 0.41421354f ? 0x1.921fb6p-1f : 0;
    num = a > 2.4142135f ? -1 : num;
    den = a > 2.4142135f ? a : den;
    base = a > 2.4142135f ? 0x1.921fb6p+0f : base;
    float t = num / den, u = t * t;
    float p = 0x1.4a261ep-4f;
    p = p * u - 0x1.1c4254p-3f;
    p = p * u + 0x1.9925dcp-3f;
    p = p * u - 0x1.555458p-2f;
    float z = base + (t + t * (u * p));
    return dgm_with_sign_f(dgm_abs_f(z), x);
}

DGM_INLINE float dgm_erf_f(float x)
{
    float a = dgm_abs_f(x), u = a * a;
    float p = 0x1.4ae484p-14f;
    p = p * u - 0x1.a485d0p-11f;
    p = p * u + 0x1.5419f2p-8f;
    p = p * u - 0x1.b7fbb4p-6f;
    p = p * u + 0x1.ce2d20p-4f;
    p = p * u - 0x1.81273ep-2f;
    p = p * u + 0x1.20dd74p+0f;

    float y = a > 4.2f ? 4.2f : a;
    float t = (y - 2) / (y + 2);
    float q = -0x1.e08cf2p-11f;
    q = q * t - 0x1.b72dc0p-11f;
    q = q * t + 0x1.ca129cp-8f;
    q = q * t + 0x1.e933f6p-9f;
    q = q * t - 0x1.437eb0p-4f;
    q = q * t + 0x1.eeea80p-3f;
    q = q * t - 0x1.b57036p-2f;
    q = q * t + 0x1.058672p-2f;
    float z = a < 1 ? a * p : 1 - dgm_exp_f(-y * y) * q;
    z = a != a ? a : z;
    return dgm_with_sign_f(z, x);
}

/* |x|^y in double, then the sign of an odd power; pow(1, y) = pow(x, 0) = 1. */
DGM_INLINE float dgm_pow_f(float x, float y)
{
    double z = dgm_exp_d((double)y * dgm_log_d((double)dgm_abs_f(x)));
    float h = 0.5f * y;
    int whole = dgm_floor_f(y) == y, odd = whole & (dgm_floor_f(h) != h);
    float v = (float)z;
    v = dgm_from_bits_f(dgm_bits_f(v) ^ (odd ? dgm_bits_f(x) & 0x80000000u : 0));
    v = ((x < 0) & (whole == 0) & (x != -(float)INFINITY)) ? (float)NAN : v;
    v = ((x == -1) & (dgm_abs_f(y) == (float)INFINITY)) ? 1.0f : v;
    return ((x == 1) | (y == 0)) ? 1.0f : v;
}

#endif
