/* test_rt_mode.c - Gaussians by the curvature at the mode, and the mode alone, of densities whose
 * mode and curvature are known; of two modes the higher one; a density without a mode; the
 * signal-to-noise ratio of a gradient. */
#include "rt_infer.h"

static Fit fitted(LogDensity *f, long n, FitBy by, uint64_t seed)
{
    static void *of[] = { NULL };
    Target t = { .n = n, .log_density = f, .of = of, .copies = 1 };

    return fit_posterior(&t, (FitRules){ FAMILY_FULLRANK, 0, 1000, seed, 0, false, by });
}

static void curvature(void **state)
{
    /* covariance of (a - 0.7 b, b) with a, b independent of variance 1/3 */
    const double want[] = { (1 + 0.49) / 3, -0.7 / 3, -0.7 / 3, 1.0 / 3 };
    double C[4];
    Fit f = fitted(skewed, 2, FIT_LAPLACE, 1);

    (void)state;
    assert_true(f.start.found && f.bound.converged && !fit_is_point(&f));
    assert_close(f.q.part[0].mean[1], log(3), 1e-6);
    assert_close(f.q.part[0].mean[0], 0.3 * log(3), 1e-6);
    gaussian_covariance(&f.q.part[0], C);
    for (int i = 0; i < 4; i++)
        assert_close(C[i], want[i], 1e-5);
    /* exact normaliser: Gamma(3)^2; the weights correct the Gaussian's own law */
    assert_close(f.plain.evidence, 2 * log(2), 4 * f.plain.evidence_se);
    assert_true(fit_reliable(&f) && f.elbo < 2 * log(2));
    assert_true(isinf(f.left) && f.left < 0);
    fit_free(&f);
}

static void point(void **state)
{
    Fit f = fitted(skewed, 2, FIT_MAP, 1);

    (void)state;
    assert_true(fit_is_point(&f) && fit_reliable(&f) && f.bound.converged);
    assert_int_equal(f.plain.M, 1);
    assert_close(f.plain.U[0], 0.3 * log(3), 1e-6);
    assert_close(f.plain.U[1], log(3), 1e-6);
    assert_close(f.plain.weight[0], 1, 0);
    assert_close(f.start.log_density, 2 * (3 * log(3) - 3), 1e-12);
    assert_true(isnan(f.elbo) && isnan(f.plain.evidence) && isnan(f.plain.psis.khat));
    fit_free(&f);
}

/* A narrow mode at 2, twice as high as a wide one at -2 that has more mass. */
static double two_heights(void *of, const double *u, double *g)
{
    double a = -(u[0] + 2) * (u[0] + 2) / 2, b = log(2) - 8 * (u[0] - 2) * (u[0] - 2);
    double top = fmax(a, b), p = exp(a - top), q = exp(b - top);

    (void)of;
    if (g != NULL)
        g[0] = (-p * (u[0] + 2) - q * 16 * (u[0] - 2)) / (p + q);
    return top + log(p + q);
}

static void highest(void **state)
{
    int seen = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        Fit map = fitted(two_heights, 1, FIT_MAP, seed);
        Fit f = fitted(two_heights, 1, FIT_LAPLACE, seed);
        double at = map.plain.U[0];

        assert_close(f.q.part[0].mean[0], at, 0);
        if (f.start.others > 0) {      /* both were seen */
            seen++;
            assert_close(at, 2, 1e-3);
            assert_close(f.q.part[0].factor[0], 0.25, 1e-3);
            assert_close(f.elbo, log(2) + log(2 * M_PI) / 2 + log(0.25), 1e-2);
            assert_close(f.left, log(2), 1e-2);     /* sd 1 by sd 1/4, half as high */
        }
        fit_free(&map);
        fit_free(&f);
    }
    assert_true(seen >= 5);
}

/* Without end where u1 falls: normal(0, exp(u1)) for one number. */
static double without(void *of, const double *u, double *g)
{
    double p = exp(-2 * u[1]);

    (void)of;
    if (g != NULL) {
        g[0] = -u[0] * p;
        g[1] = u[0] * u[0] * p - 1;
    }
    return -u[0] * u[0] * p / 2 - u[1];
}

static void no_mode(void **state)
{
    Fit f = fitted(without, 2, FIT_MAP, 1);

    (void)state;
    assert_true(f.start.found && !f.bound.converged);
    fit_free(&f);
}

/* ---- the gradient ---- */

/* Standard normal numbers. */
static double standard(void *of, const double *u, double *g)
{
    (void)of;
    for (int i = 0; i < 2; i++)
        if (g != NULL)
            g[i] = -u[i];
    return -(u[0] * u[0] + u[1] * u[1]) / 2;
}

/* Of a law of sd s at distance d, gradients are -(d + s e): |mean| / noise is d / (s sqrt(2)); at
 * an optimum it is 1 / sqrt(M) in the root mean square over seeds. Of two equal parts in one place
 * it is the larger one. */
static void signal(void **state)
{
    enum { M = 200, SEEDS = 400 };
    static const double apart[] = { 0, 0.5, 2 };
    void *of[] = { NULL };

    (void)state;
    for (int k = 0; k < 3; k++) {
        double square = 0, s = 0.7, d = apart[k];

        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            Target t = { .n = 2, .log_density = standard, .of = of, .copies = 1 };
            Start at = { .n = 2, .found = true, .mean = (double[]){ d, 0 },
                         .factor = (double[]){ s, 0, 0, s } };
            Mixture q = mixture_of(gaussian_from(&at, FAMILY_FULLRANK, 2));
            double one = gradient_snr(&t, &q, seed, 1, M);

            mixture_add(&q, gaussian_copy(&q.part[0]), 1);
            q.weight[0] = q.weight[1] = 0.5;
            if (seed <= 3)
                assert_true(gradient_snr(&t, &q, seed, 1, M) >= one - 1e-12);
            square += one * one / SEEDS;
            mixture_free(&q);
        }
        assert_close(sqrt(square) / sqrt(d * d / (2 * s * s) + 1.0 / M), 1, 0.05);
    }
}

/* Linear coordinates do not matter: a law and a density that are both sheared. */
static double sheared(void *of, const double *u, double *g)
{
    const double x[] = { u[0] / 10, u[1] - 3 * u[0] };
    double by[2], f = standard(of, x, by);

    if (g != NULL) {
        g[0] = by[0] / 10 - 3 * by[1];
        g[1] = by[1];
    }
    return f;
}

static void signal_sheared(void **state)
{
    void *of[] = { NULL };
    Target t = { .n = 2, .log_density = standard, .of = of, .copies = 1 };
    Start at = { .n = 2, .found = true, .mean = (double[]){ 0.3, 0.2 },
                 .factor = (double[]){ 1.2, 0, 0.1, 0.8 } };
    Start there = { .n = 2, .found = true, .mean = (double[]){ 3, 9.2 },       /* x = A^-1 u */
                    .factor = (double[]){ 12, 0, 36.1, 0.8 } };
    Mixture q = mixture_of(gaussian_from(&at, FAMILY_FULLRANK, 2));
    Mixture r = mixture_of(gaussian_from(&there, FAMILY_FULLRANK, 2));

    (void)state;
    double want = gradient_snr(&t, &q, 1, 1, 100);
    t.log_density = sheared;
    assert_true(want > 0.05);
    assert_close(gradient_snr(&t, &r, 1, 1, 100), want, 1e-12);
    mixture_free(&q);
    mixture_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(curvature),
        cmocka_unit_test(point),
        cmocka_unit_test(highest),
        cmocka_unit_test(no_mode),
        cmocka_unit_test(signal),
        cmocka_unit_test(signal_sheared),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
