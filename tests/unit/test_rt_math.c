/* test_rt_math.c - vmath.h and special.c against wider arithmetic, with asserted largest errors.
 *
 * Both precisions of vmath are tested in every build. The float functions are compared with libm in
 * double over a stride of all bit patterns, the double ones with long double over dense grids and
 * random bit patterns. Special functions are compared with identities, exact values (printed by
 * mpmath 1.3.0 with 40 digits) and finite differences.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dgm.h"

/* ---- ulp errors ----------------------------------------------------------------------------- */

static double ulp_error_f(float y, double exact)
{
    float want = (float)exact;
    if (isnan(exact) || isnan(y))
        return isnan(exact) && isnan(y) ? 0 : INFINITY;
    if (isinf(want) || isinf(y))
        return want == y ? 0 : INFINITY;
    int e;
    frexp(exact, &e);
    return fabs((double)y - exact) / ldexp(1, e - 24 < -149 ? -149 : e - 24);
}

static double ulp_error_d(double y, long double exact)
{
    double want = (double)exact;
    if (isnan(exact) || isnan(y))
        return isnan(exact) && isnan(y) ? 0 : INFINITY;
    if (isinf(want) || isinf(y))
        return want == y ? 0 : INFINITY;
    int e;
    frexpl(exact, &e);
    return (double)(fabsl((long double)y - exact) / ldexpl(1, e - 53 < -1074 ? -1074 : e - 53));
}

/* ---- references that libm does not have ----------------------------------------------------- */

static double logistic_ref(double x) { return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x)); }
static double softplus_ref(double x) { return (x > 0 ? x : 0) + log1p(exp(-fabs(x))); }
static long double logistic_refl(long double x)
{
    return x < 0 ? expl(x) / (1 + expl(x)) : 1 / (1 + expl(-x));
}
static long double softplus_refl(long double x)
{
    return (x > 0 ? x : 0) + log1pl(expl(-fabsl(x)));
}

/* sin and cos are promised up to 2^29 and are NaN beyond */
static double sin_ref(double x) { return fabs(x) <= 0x1p29 ? sin(x) : (double)NAN; }
static double cos_ref(double x) { return fabs(x) <= 0x1p29 ? cos(x) : (double)NAN; }
static long double sin_refl(long double x) { return fabsl(x) <= 0x1p29L ? sinl(x) : NAN; }
static long double cos_refl(long double x) { return fabsl(x) <= 0x1p29L ? cosl(x) : NAN; }

/* ---- the table: a loop over each function, so that what is tested is the vectorised code ---- */

#define LOOP(name)                                                                                \
    static void loop_##name##_f(float *y, const float *x, long n)                                 \
    { for (long i = 0; i < n; i++) y[i] = dgm_##name##_f(x[i]); }                                 \
    static void loop_##name##_d(double *y, const double *x, long n)                               \
    { for (long i = 0; i < n; i++) y[i] = dgm_##name##_d(x[i]); }

LOOP(exp) LOOP(expm1) LOOP(log) LOOP(log1p) LOOP(tanh) LOOP(logistic) LOOP(softplus) LOOP(sqrt)
LOOP(sin) LOOP(cos) LOOP(atan) LOOP(erf) LOOP(floor)

/* The two that are computed together. */
static void loop_softplus_of_both_f(float *y, const float *x, long n)
{ for (long i = 0; i < n; i++) { float l; y[i] = dgm_softplus_logistic_f(x[i], &l); } }
static void loop_softplus_of_both_d(double *y, const double *x, long n)
{ for (long i = 0; i < n; i++) { double l; y[i] = dgm_softplus_logistic_d(x[i], &l); } }
static void loop_logistic_of_both_f(float *y, const float *x, long n)
{ for (long i = 0; i < n; i++) { float l; dgm_softplus_logistic_f(x[i], &l); y[i] = l; } }
static void loop_logistic_of_both_d(double *y, const double *x, long n)
{ for (long i = 0; i < n; i++) { double l; dgm_softplus_logistic_d(x[i], &l); y[i] = l; } }

typedef struct Elementary {
    const char *name;
    void (*loop_f)(float *, const float *, long);
    double (*ref)(double);
    double ulp_f;                      /* asserted */
    void (*loop_d)(double *, const double *, long);
    long double (*refl)(long double);
    double ulp_d;
} Elementary;

static const Elementary table[] = {
    { "exp", loop_exp_f, exp, 1.5, loop_exp_d, expl, 1.5 },
    { "expm1", loop_expm1_f, expm1, 2.5, loop_expm1_d, expm1l, 2.5 },
    { "log", loop_log_f, log, 2, loop_log_d, logl, 2 },
    { "log1p", loop_log1p_f, log1p, 2, loop_log1p_d, log1pl, 2 },
    { "tanh", loop_tanh_f, tanh, 3.5, loop_tanh_d, tanhl, 3.5 },
    { "logistic", loop_logistic_f, logistic_ref, 3, loop_logistic_d, logistic_refl, 3 },
    { "softplus", loop_softplus_f, softplus_ref, 3, loop_softplus_d, softplus_refl, 3 },
    { "softplus_logistic", loop_softplus_of_both_f, softplus_ref, 3, loop_softplus_of_both_d,
      softplus_refl, 3 },
    { "its logistic", loop_logistic_of_both_f, logistic_ref, 3, loop_logistic_of_both_d,
      logistic_refl, 4 },
    { "sqrt", loop_sqrt_f, sqrt, 0.5, loop_sqrt_d, sqrtl, 0.5 },
    { "sin", loop_sin_f, sin_ref, 2, loop_sin_d, sin_refl, 2 },
    { "cos", loop_cos_f, cos_ref, 2, loop_cos_d, cos_refl, 2 },
    { "atan", loop_atan_f, atan, 3, loop_atan_d, atanl, 3 },
    { "erf", loop_erf_f, erf, 3, loop_erf_d, erfl, 3 },
    { "floor", loop_floor_f, floor, 0, loop_floor_d, floorl, 0 },
};
enum { TABLE = sizeof table / sizeof *table, BLOCK = 1000 };

static void check_block_f(const Elementary *t, const float *x, long n, double *worst)
{
    float y[BLOCK];
    t->loop_f(y, x, n);
    for (long i = 0; i < n; i++) {
        double e = ulp_error_f(y[i], t->ref((double)x[i]));
        if (e > t->ulp_f)
            fail_msg("dgm_%s_f(%a) = %a, exactly %a: %.2f ulp", t->name, (double)x[i],
                     (double)y[i], t->ref((double)x[i]), e);
        if (e > *worst)
            *worst = e;
    }
}

static void check_block_d(const Elementary *t, const double *x, long n, double *worst)
{
    double y[BLOCK];
    t->loop_d(y, x, n);
    for (long i = 0; i < n; i++) {
        double e = ulp_error_d(y[i], t->refl((long double)x[i]));
        if (e > t->ulp_d)
            fail_msg("dgm_%s_d(%a) = %a, exactly %La: %.2f ulp", t->name, x[i], y[i],
                     t->refl((long double)x[i]), e);
        if (e > *worst)
            *worst = e;
    }
}

static void float_functions(void **state)
{
    (void)state;
    for (int k = 0; k < TABLE; k++) {
        double worst = 0;
        float x[BLOCK];
        long n = 0;
        for (uint64_t u = 0; u <= 0xffffffffu; u += 6007) {      /* all exponents, both signs */
            x[n++] = dgm_from_bits_f((uint32_t)u);
            if (n == BLOCK) {
                check_block_f(&table[k], x, n, &worst);
                n = 0;
            }
        }
        check_block_f(&table[k], x, n, &worst);
        for (long b = 0; b < 200; b++) {                         /* dense where functions bend */
            for (long i = 0; i < BLOCK; i++)
                x[i] = -10 + 20 * (float)(b * BLOCK + i) / (200 * BLOCK);
            check_block_f(&table[k], x, BLOCK, &worst);
        }
        print_message("    %-9s f32 %.2f ulp\n", table[k].name, worst);
    }
}

static void double_functions(void **state)
{
    (void)state;
    for (int k = 0; k < TABLE; k++) {
        double worst = 0, x[BLOCK];
        for (long b = 0; b < 60; b++) {
            for (long i = 0; i < BLOCK; i++) {
                uint64_t r = dgm_random_u64(7, DGM_STREAM_CHECK, (uint64_t)b, (uint64_t)i);
                double u = (double)(r >> 11) * 0x1p-53;
                double wide[4] = { dgm_from_bits_d(r), 40 * u - 20, 1500 * u - 750,
                                   ldexp(2 * u - 1, -(int)(r % 60)) };
                x[i] = wide[b % 4];
            }
            check_block_d(&table[k], x, BLOCK, &worst);
        }
        print_message("    %-9s f64 %.2f ulp\n", table[k].name, worst);
    }
}

static void edges(void **state)
{
    (void)state;
    const double x[] = { 0, -0.0, 1, -1, INFINITY, -INFINITY, NAN, 0x1p-1074, 0x1p-1022, -0x1p-1074,
                         1.7976931348623157e308, -1.7976931348623157e308, 1000, -1000, 709.79, -745,
                         -745.2, 0.5, 2, 0x1p-53, -0x1p-53, 0x1p60, 0x1p61 };
    const float xf[] = { 0, -0.0f, 1, -1, INFINITY, -INFINITY, NAN, 0x1p-149f, 0x1p-126f,
                         -0x1p-149f, 3.4028235e38f, -3.4028235e38f, 1000, -1000, 88.72283f,
                         88.72284f, -103.9f, -104.1f, 0.5f, 2, 0x1p-24f, -0x1p-24f, 0x1p60f,
                         0x1p61f };
    for (int k = 0; k < TABLE; k++) {
        double worst = 0;
        check_block_d(&table[k], x, sizeof x / sizeof *x, &worst);
        check_block_f(&table[k], xf, sizeof xf / sizeof *xf, &worst);
    }
    assert_true(dgm_exp(1000) == (Real)INFINITY && dgm_log(0) == -(Real)INFINITY);
    assert_true(isnan(dgm_log(-1)) && dgm_softplus(1000) == 1000 && dgm_softplus(-1000) == 0);
    assert_true(signbit(dgm_tanh((Real)-0.0)) && dgm_tanh(50) == 1 && dgm_erf(-50) == -1);
    assert_true(isnan(dgm_max((Real)NAN, 0)) && isnan(dgm_max(0, (Real)NAN)));
    assert_true(isnan(dgm_min((Real)NAN, 0)) && isnan(dgm_min(0, (Real)NAN)));
    assert_true(dgm_max(1, 2) == 2 && dgm_min(1, 2) == 1 && dgm_sq(3) == 9 && dgm_abs(-2) == 2);
    assert_true(dgm_sign(-3) == -1 && dgm_sign(3) == 1 && dgm_sign(0) == 0);
}

static void power(void **state)
{
    (void)state;
    const float special[] = { 0, -0.0f, 1, -1, 2, -2, 3, -3, 0.5f, -0.5f, 1e30f, -1e30f, 1e-30f,
                              INFINITY, -INFINITY, NAN, 16777217.0f, 2.5f };
    const long n = sizeof special / sizeof *special;
    for (long i = 0; i < n; i++)
        for (long j = 0; j < n; j++) {
            float x = special[i], y = special[j], got = dgm_pow_f(x, y);
            double e = ulp_error_f(got, pow((double)x, (double)y));
            if (e > 1)
                fail_msg("dgm_pow_f(%g, %g) = %g, not %g", (double)x, (double)y, (double)got,
                         pow((double)x, (double)y));
        }
    for (uint64_t i = 0; i < 200000; i++) {
        float x = (float)exp(20 * dgm_random_unit(1, DGM_STREAM_CHECK, 0, i) - 10);
        float y = (float)(20 * dgm_random_unit(1, DGM_STREAM_CHECK, 1, i) - 10);
        assert_true(ulp_error_f(dgm_pow_f(x, y), pow((double)x, (double)y)) <= 1);
    }
    assert_true(dgm_pow(2, 10) == 1024);
}

/* A loop of any length gives what single calls give (vector body and scalar rest agree). */
static void lengths(void **state)
{
    (void)state;
    const long sizes[] = { 0, 1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 1000 };
    for (int k = 0; k < TABLE; k++)
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            float x[BLOCK], y[BLOCK];
            for (long i = 0; i < sizes[s]; i++)
                x[i] = 0.37f * (float)(i + 1) / (float)sizes[s];
            table[k].loop_f(y, x, sizes[s]);
            for (long i = 0; i < sizes[s]; i++) {
                float one;
                table[k].loop_f(&one, &x[i], 1);
                assert_true(ulp_error_f(y[i], (double)one) <= 2);
            }
        }
}

/* Eight numbers whose sum in another order than by halves is another number. */
static void sum_of_eight(void **state)
{
    (void)state;
    const double x[] = { 1, 0x1p-53, 0x1p60, 0x1p-53, -1, 0x1p-53, -0x1p60, 0x1p-53 };
    assert_true(dgm_sum8_d(x) == 0x1p-51);
    const float y[] = { 1, 0x1p-24f, 0x1p60f, 0x1p-24f, -1, 0x1p-24f, -0x1p60f, 0x1p-24f };
    assert_true(dgm_sum8_f(y) == 0x1p-22f);
    for (int place = 0; place < 8; place++) {
        Real one[8] = { 0 };
        one[place] = (Real)(place + 1);
        assert_true(dgm_sum8(one) == (Real)(place + 1));
    }
}

/* ---- special functions ---------------------------------------------------------------------- */

static void assert_close(double got, double want, double rel, const char *what, double a, double b)
{
    if (!(fabs(got - want) <= rel * fabs(want)))
        fail_msg("%s(%.17g, %.17g) = %.17g, not %.17g (relative %.2g)", what, a, b, got, want,
                 fabs(got - want) / fabs(want));
}

typedef struct Fact {
    double a, b, value;
} Fact;

#include "rt_math_facts.h"

#define CHECK_FACTS(facts, call, rel, what)                                                       \
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {                                   \
        double a = facts[i].a, b = facts[i].b;                                                    \
        (void)b;                                                                                  \
        assert_close(call, facts[i].value, rel, what, a, b);                                      \
    }

static void gamma_family(void **state)
{
    (void)state;
    CHECK_FACTS(lgamma_facts, dgm_lgamma_d(a), 1e-14, "lgamma")
    CHECK_FACTS(digamma_facts, dgm_digamma_d(a), 2e-14, "digamma")
    CHECK_FACTS(trigamma_facts, dgm_trigamma_d(a), 2e-14, "trigamma")
    CHECK_FACTS(lbeta_facts, dgm_lbeta_d(a, b), 1e-13, "lbeta")
    assert_true(isnan(dgm_digamma_d(0)) && isnan(dgm_digamma_d(-3)) && isnan(dgm_lbeta_d(-1, 2)));
    for (double x = 0.03; x < 100; x *= 1.37) {
        double h = 1e-4 * x;
        double slope = (dgm_digamma_d(x + h) - dgm_digamma_d(x - h)) / (2 * h);
        assert_close(dgm_trigamma_d(x), slope, 1e-6, "trigamma", x, 0);
    }
}

static void normal_family(void **state)
{
    (void)state;
    CHECK_FACTS(normal_cdf_facts, dgm_normal_cdf_d(a), 1e-13, "normal_cdf")
    CHECK_FACTS(normal_quantile_facts, dgm_normal_quantile_d(a), 1e-13, "normal_quantile")
    assert_true(dgm_normal_quantile_d(0) == -INFINITY && dgm_normal_quantile_d(1) == INFINITY);
    assert_true(dgm_normal_quantile_d(0.5) == 0 && isnan(dgm_normal_quantile_d(1.1)));
    for (double p = 1e-300; p < 0.5; p *= 7)
        assert_close(dgm_normal_cdf_d(dgm_normal_quantile_d(p)), p, 1e-12, "round trip", p, 0);
    assert_close(dgm_erfc_d(5), 1.5374597944280348502e-12, 1e-14, "erfc", 5, 0);
}

static void incomplete(void **state)
{
    (void)state;
    CHECK_FACTS(gamma_p_facts, dgm_gamma_p_d(a, b), 1e-12, "gamma_p")
    CHECK_FACTS(gamma_q_facts, dgm_gamma_q_d(a, b), 1e-12, "gamma_q")
    for (size_t i = 0; i < sizeof beta_i_facts / sizeof *beta_i_facts; i++) {
        const BetaFact *f = &beta_i_facts[i];
        assert_close(dgm_beta_i_d(f->a, f->b, f->x), f->value, 1e-12, "beta_i", f->a, f->b);
        assert_true(fabs(dgm_beta_i_d(f->b, f->a, 1 - f->x) - (1 - f->value)) < 1e-10);
    }
    assert_true(dgm_gamma_p_d(2, 0) == 0 && dgm_gamma_p_d(2, INFINITY) == 1);
    assert_true(isnan(dgm_gamma_p_d(-1, 1)) && isnan(dgm_gamma_p_d(1, -1)));
    assert_true(dgm_beta_i_d(2, 3, 0) == 0 && dgm_beta_i_d(2, 3, 1) == 1);
    assert_true(isnan(dgm_beta_i_d(2, 3, 1.5)));
}

/* The least k with P(X <= k) >= u, against sums of the probabilities. */
static void binomial_quantile(void **state)
{
    (void)state;
    for (double n = 0; n < 40; n += 3)
        for (double p = 0.02; p < 1; p += 0.12) {
            double k = 0, here = pow(1 - p, n), sum = here;
            for (double u = 0.0007; u < 1; u += 0.0131) {
                while (sum < u && k < n) {
                    here *= p * (n - k) / ((1 - p) * (k + 1));
                    k++;
                    sum += here;
                }
                assert_true(dgm_binomial_quantile_d(u, n, p) == k);
            }
        }
    assert_true(dgm_binomial_quantile_d(0, 5, 0.3) == 0 && dgm_binomial_quantile_d(1, 5, 0.3) == 5);
    assert_true(dgm_binomial_quantile_d(0.5, 5, 0) == 0 && dgm_binomial_quantile_d(0.5, 5, 1) == 5);
    assert_true(dgm_binomial_quantile_d(0.5, 1e9, 0.5) == 5e8);
    assert_true(isnan(dgm_binomial_quantile_d(0.5, -1, 0.5)));
    assert_true(isnan(dgm_binomial_quantile_d(0.5, 5, 1.5)));
}

static void gamma_by_shape(void **state)
{
    (void)state;
    CHECK_FACTS(gamma_dshape_facts, dgm_gamma_dshape_d(a, b), 1e-8, "gamma_dshape")
    /* independent of the facts: -(dP/da)/(dP/dx) by central differences of P itself */
    for (double a = 0.05; a < 2000; a *= 3.1)
        for (int s = -2; s <= 2; s++) {
            double x = a * exp(s / (1 + sqrt(a))), h = 1e-5 * a, k = 1e-5 * x;
            double da = (dgm_gamma_p_d(a + h, x) - dgm_gamma_p_d(a - h, x)) / (2 * h);
            double dx = (dgm_gamma_p_d(a, x + k) - dgm_gamma_p_d(a, x - k)) / (2 * k);
            assert_close(dgm_gamma_dshape_d(a, x), -da / dx, 1e-4, "gamma_dshape", a, x);
        }
    assert_true(dgm_gamma_dshape_d(2, 0) == 0 && isnan(dgm_gamma_dshape_d(-1, 1)));
}

/* By mpmath, and where that has no values by central differences of I itself. */
static void beta_by_parameters(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof beta_i_slopes / sizeof *beta_i_slopes; i++) {
        const BetaSlopes *f = &beta_i_slopes[i];

        assert_close(dgm_beta_i_by_a_d(f->a, f->b, f->x), f->by_a, 1e-10, "by a", f->a, f->b);
        assert_close(dgm_beta_i_by_b_d(f->a, f->b, f->x), f->by_b, 1e-10, "by b", f->a, f->b);
    }
    for (double a = 300; a < 1e6; a *= 7)
        for (int s = -2; s <= 2; s++) {
            double b = 2.5 * a, x = a / (a + b) * (1 + s / sqrt(a)), h = 1e-5 * a;
            double by_a = (dgm_beta_i_d(a + h, b, x) - dgm_beta_i_d(a - h, b, x)) / (2 * h);
            double by_b = (dgm_beta_i_d(a, b + h, x) - dgm_beta_i_d(a, b - h, x)) / (2 * h);

            assert_close(dgm_beta_i_by_a_d(a, b, x), by_a, 1e-4, "by a", a, b);
            assert_close(dgm_beta_i_by_b_d(a, b, x), by_b, 1e-4, "by b", a, b);
        }
    assert_true(dgm_beta_i_by_a_d(2, 3, 0) == 0 && dgm_beta_i_by_b_d(2, 3, 1) == 0);
    assert_true(isnan(dgm_beta_i_by_a_d(2, -3, 0.5)) && isnan(dgm_beta_i_by_b_d(2, 3, 1.5)));
}

/* Numbers wherever a search for a mode may ask: x = a / (a + mu), the law of counts of mean mu. */
static void beta_at_extremes(void **state)
{
    (void)state;
    for (double b = 0.5; b < 1e5; b *= 11)
        for (double a = 1e-26; a < 1e40; a *= 19)
            for (double mu = 1e-17; mu < 1e17; mu *= 13) {
                double x = a / (a + mu), value = dgm_beta_i_d(a, b, x);

                assert_true(value >= 0 && value <= 1);
                assert_true(isfinite(dgm_beta_i_by_a_d(a, b, x)));
                assert_true(isfinite(dgm_beta_i_by_b_d(a, b, x)));
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(float_functions), cmocka_unit_test(double_functions),
        cmocka_unit_test(edges),           cmocka_unit_test(power),
        cmocka_unit_test(lengths),         cmocka_unit_test(gamma_family),
        cmocka_unit_test(normal_family),   cmocka_unit_test(incomplete),
        cmocka_unit_test(gamma_by_shape),  cmocka_unit_test(binomial_quantile),
        cmocka_unit_test(sum_of_eight),    cmocka_unit_test(beta_by_parameters),
        cmocka_unit_test(beta_at_extremes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
