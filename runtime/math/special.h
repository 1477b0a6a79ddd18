/* special.h - special functions: scalar, in double, a few ulp to 1e-12; wrappers on Real.
 *
 * dgm_NAME_d is the double function (special.c, bessel.c, incomplete.c); dgm_NAME converts from and
 * to Real. All are pure and thread-safe. Outside the domain, and for NaN, they return NaN.
 * dgm_erf is in vmath.h.
 */
#ifndef DGM_MATH_SPECIAL_H
#define DGM_MATH_SPECIAL_H

/* special.c */
double dgm_lgamma_d(double x);                   /* log |Gamma(x)| */
double dgm_digamma_d(double x);                  /* d log Gamma / dx; NaN at 0, -1, -2, ... */
double dgm_trigamma_d(double x);                 /* d digamma / dx */
double dgm_lbeta_d(double a, double b);          /* log B(a, b), a, b > 0; stable for large a, b */
double dgm_erfc_d(double x);
double dgm_normal_cdf_d(double x);               /* relative accuracy in the lower tail */
double dgm_log_normal_cdf_d(double x);           /* its log; finite for any finite x */
double dgm_normal_quantile_d(double p);          /* inverse; -inf at 0, inf at 1 */
double dgm_log1p_minus_d(double x);              /* log(1 + x) - x without cancellation, x > -1 */
double dgm_stirling_rest_d(double x);            /* lgamma(x) - [(x-1/2) log x - x + log(2 pi)/2] */

/* bessel.c */
double dgm_log_bessel_i0e_d(double x);           /* log(e^-x I0(x)), x >= 0 */
double dgm_bessel_gap_d(double x);               /* 1 - I1(x) / I0(x), x >= 0 */

/* incomplete.c */
double dgm_gamma_p_d(double a, double x);        /* P(a, x), a > 0, x >= 0 */
double dgm_gamma_q_d(double a, double x);        /* 1 - P(a, x), accurate when small */
double dgm_gamma_dshape_d(double a, double x);   /* dx/da of a Gamma(a, 1) draw x, P(a, x) fixed */
double dgm_beta_i_d(double a, double b, double x); /* I_x(a, b), a, b > 0, 0 <= x <= 1 */
double dgm_beta_i_by_a_d(double a, double b, double x);      /* its derivatives */
double dgm_beta_i_by_b_d(double a, double b, double x);
double dgm_binomial_quantile_d(double u, double n, double p);  /* least k with P(X <= k) >= u */

#ifdef DGM_F64
typedef double DgmSpecialReal;
#else
typedef float DgmSpecialReal;
#endif

#define DGM_SPECIAL_1(name)                                                                      \
    static inline DgmSpecialReal dgm_##name(DgmSpecialReal x)                                    \
    { return (DgmSpecialReal)dgm_##name##_d((double)x); }
#define DGM_SPECIAL_2(name)                                                                      \
    static inline DgmSpecialReal dgm_##name(DgmSpecialReal a, DgmSpecialReal b)                  \
    { return (DgmSpecialReal)dgm_##name##_d((double)a, (double)b); }

DGM_SPECIAL_1(lgamma)
DGM_SPECIAL_1(digamma)
DGM_SPECIAL_1(trigamma)
DGM_SPECIAL_1(erfc)
DGM_SPECIAL_1(normal_cdf)
DGM_SPECIAL_1(normal_quantile)
DGM_SPECIAL_1(log_normal_cdf)
DGM_SPECIAL_1(log_bessel_i0e)
DGM_SPECIAL_1(bessel_gap)
DGM_SPECIAL_2(lbeta)
DGM_SPECIAL_2(gamma_p)
DGM_SPECIAL_2(gamma_q)
DGM_SPECIAL_2(gamma_dshape)

static inline DgmSpecialReal dgm_beta_i(DgmSpecialReal a, DgmSpecialReal b, DgmSpecialReal x)
{
    return (DgmSpecialReal)dgm_beta_i_d((double)a, (double)b, (double)x);
}

static inline DgmSpecialReal dgm_beta_i_by_a(DgmSpecialReal a, DgmSpecialReal b, DgmSpecialReal x)
{
    return (DgmSpecialReal)dgm_beta_i_by_a_d((double)a, (double)b, (double)x);
}

static inline DgmSpecialReal dgm_beta_i_by_b(DgmSpecialReal a, DgmSpecialReal b, DgmSpecialReal x)
{
    return (DgmSpecialReal)dgm_beta_i_by_b_d((double)a, (double)b, (double)x);
}

static inline DgmSpecialReal dgm_binomial_quantile(DgmSpecialReal u, DgmSpecialReal n,
                                                   DgmSpecialReal p)
{
    return (DgmSpecialReal)dgm_binomial_quantile_d((double)u, (double)n, (double)p);
}

#undef DGM_SPECIAL_1
#undef DGM_SPECIAL_2
#endif
