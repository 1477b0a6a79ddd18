/* test_rt_weights.c - Pareto-smoothed weights against stored values and known tails, the log of a
 * mean, and annealing against densities whose normaliser and moments are known. */
#include "rt_infer.h"

static double sum_of(long M, const double *x)
{
    double sum = 0;

    for (long i = 0; i < M; i++)
        sum += x[i];
    return sum;
}

/* ---- psis ---- */

static int rising(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Log weights -shape log(1 - u_i) + wave cos(7 i), u_i the fraction of (i + 1) by the golden
 * section; k-hat, effective draws, the fourth weight and the fifth largest by psislw of ArviZ
 * 0.21.0. */
static void psis_reference(void **state)
{
    static const struct { long M; double shape, wave, khat, ess, fourth, fifth; } facts[] = {
        { 1000, 0.4, 0.3, 0.42945335854414, 651.035179841675, 0.000646032963390275,
          0.00543849189439889 },
        { 1000, 0.9, 0.3, 0.850984554215331, 38.7796062356875, 0.000265072328181194,
          0.0215368831821915 },
        { 4000, 0.6, 1, 0.538376264829034, 845.121610163085, 6.95448584024731e-05,
          0.00632479668167394 },
        { 100, 0.2, 2, 0.106595041234324, 44.50429461775, 0.00129887425176715, 0.0331406246991941 },
        { 2000, 1.5, 0, 1.38386483734392, 4.53805164264697, 1.10401510903678e-05,
          0.0297970012578362 },
    };

    (void)state;
    for (size_t f = 0; f < sizeof facts / sizeof *facts; f++) {
        long M = facts[f].M;
        double *x = dgm_alloc((size_t)M * sizeof *x);

        for (long i = 0; i < M; i++)
            x[i] = facts[f].wave * cos(7 * (double)i)
                 - facts[f].shape * log(1 - fmod((double)(i + 1) * 0.6180339887498949, 1));
        Psis p = psis_smooth(M, x);
        assert_close(p.khat, facts[f].khat, 1e-9);
        assert_close(p.ess / facts[f].ess, 1, 1e-9);
        assert_close(x[3] / facts[f].fourth, 1, 1e-9);
        assert_close(sum_of(M, x), 1, 1e-12);
        qsort(x, (size_t)M, sizeof *x, rising);
        assert_close(x[M - 5] / facts[f].fifth, 1, 1e-9);
        assert_close(p.threshold, fmin(0.7, 1 - 1 / log10((double)M)), 0);
        free(x);
    }
}

/* Quantiles of generalised Pareto laws: the estimate is near the shape, drawn towards 1/2 by a
 * prior that counts as 10 of the tail's draws. */
static void psis_shapes(void **state)
{
    enum { M = 10000, TAIL = 300 };
    static const double shapes[] = { -0.3, 0, 0.3, 0.5, 0.8, 1.2 };
    double *x = dgm_alloc(M * sizeof *x);

    (void)state;
    for (int s = 0; s < 6; s++) {
        double k = shapes[s];

        for (int i = 0; i < M; i++) {
            double u = (i + 0.5) / M;

            x[i] = log(2 + (k == 0 ? -log1p(-u) : expm1(-k * log1p(-u)) / k));
        }
        Psis p = psis_smooth(M, x);
        assert_close(p.khat, (TAIL * k + 5) / (TAIL + 10), 0.05);
        assert_close(sum_of(M, x), 1, 1e-12);
    }
    free(x);
}

static void psis_corners(void **state)
{
    enum { M = 4000 };
    double *x = dgm_alloc(M * sizeof *x);

    (void)state;
    for (int i = 0; i < M; i++)        /* impossible draws weigh nothing */
        x[i] = i % 4 == 0 ? -INFINITY : i % 4 == 1 ? NAN : sin(i);
    Psis p = psis_smooth(M, x);
    assert_true(isfinite(p.khat) && p.ess > 1000 && psis_reliable(&p, M));
    assert_close(sum_of(M, x), 1, 1e-12);
    assert_true(x[0] == 0 && x[1] == 0 && x[2] > 0);

    for (int i = 0; i < M; i++)        /* all the same, far from 0 */
        x[i] = -5000;
    p = psis_smooth(M, x);
    assert_close(p.ess, M, 1e-6);
    assert_true(psis_reliable(&p, M));
    assert_close(x[17], 1.0 / M, 1e-18);

    for (int i = 0; i < M; i++)        /* nothing possible */
        x[i] = -INFINITY;
    p = psis_smooth(M, x);
    assert_true(p.ess == 0 && isnan(p.khat) && !psis_reliable(&p, M));
    assert_close(sum_of(M, x), 1, 1e-12);
    free(x);
}

/* Ties at the edge of the tail, as draws in pairs make them, do not hide how heavy it is: 95 of
 * 1000 are in the tail, and the 95th is as large as the 96th. Nor do draws that weigh nothing. */
static void psis_ties(void **state)
{
    enum { M = 1000, BIG = 30000 };
    double *x = dgm_alloc(BIG * sizeof *x);

    (void)state;
    for (int i = 0; i < M; i++)
        x[i] = -1.5 * log((i / 2 + 0.5) / (M / 2));
    Psis p = psis_smooth(M, x);
    assert_close(p.khat, 1.4, 0.3);
    assert_false(psis_reliable(&p, M));

    for (int i = 0; i < BIG; i++)      /* fewer weigh something than the tail should hold */
        x[i] = i < 400 ? -0.9 * log((i + 0.5) / 400) : -INFINITY;
    p = psis_smooth(BIG, x);
    assert_true(p.khat > 0.2);
    assert_close(sum_of(BIG, x), 1, 1e-12);

    for (int i = 0; i < M; i++)        /* one alone stands out */
        x[i] = i == 500 ? 10 : 0;
    p = psis_smooth(M, x);
    assert_false(psis_reliable(&p, M));
    free(x);
}

static void means(void **state)
{
    const double x[] = { log(1), log(2), log(3), -INFINITY, log(4), NAN, log(5), log(6) };
    double error, none[] = { -INFINITY, NAN };

    (void)state;
    assert_close(log_mean(8, x, &error), log(21.0 / 8), 1e-14);
    /* sd of 1 2 3 0 4 0 5 6 by the mean, by sqrt(8) */
    assert_close(error, sqrt(91.0 / 8 - 21.0 * 21 / 64) / (21.0 / 8) / sqrt(8), 1e-14);
    assert_true(log_mean(2, none, &error) == -INFINITY && error == INFINITY);
    assert_close(log_mean_of(8, 2, x, &error), (log(1.5) + log(1.5) + log(2) + log(5.5)) / 4,
                 1e-14);
    assert_close(log_mean_of(8, 8, x, &error), log(21.0 / 8), 1e-14);
    assert_true(log_mean_of(8, 1, x, &error) == -INFINITY && !isfinite(error));
}

/* ---- annealing ---- */

/* Log gamma(shape 2) laws: normaliser 1 per number, mean digamma(2), variance trigamma(2). */
static double log_gamma(void *of, const double *u, double *g)
{
    double f = 0;

    (void)of;
    for (int i = 0; i < 3; i++) {
        f += 2 * u[i] - exp(u[i]);
        if (g != NULL)
            g[i] = 2 - exp(u[i]);
    }
    return f;
}

typedef struct Facts {
    LogDensity *log_density;
    long n;
    double evidence, mean[3], variance[3];
    double at[3], sd[3];               /* of the q to begin with */
} Facts;

static const Facts facts[] = {
    { log_gamma, 3, 0, { 0.42278433509846714, 0.42278433509846714, 0.42278433509846714 },
      { 0.6449340668482264, 0.6449340668482264, 0.6449340668482264 },
      { 0.6, 0.6, 0.6 }, { 0.7, 0.7, 0.7 } },
    { banana, 2, 1.8378770664093453, { 0, 0.5 }, { 1, 1.5 }, { 0, 0.4 }, { 1, 1.1 } },
};

/* q with these standard deviations. */
static Gaussian law(const Facts *f)
{
    Start s = { .n = f->n, .mean = dgm_alloc(3 * sizeof(double)),
                .factor = dgm_alloc(9 * sizeof(double)), .found = true };

    memset(s.factor, 0, 9 * sizeof *s.factor);
    for (long i = 0; i < f->n; i++) {
        s.mean[i] = f->at[i];
        s.factor[i * f->n + i] = f->sd[i];
    }
    Gaussian q = gaussian_from(&s, FAMILY_FULLRANK, f->n);
    start_free(&s);
    return q;
}

static void annealing(void **state)
{
    enum { M = 4000 };
    double *U = dgm_alloc(3 * M * sizeof *U), *w = dgm_alloc(M * sizeof *w), se;
    void *of[] = { NULL };

    (void)state;
    for (size_t k = 0; k < sizeof facts / sizeof *facts; k++) {
        const Facts *f = &facts[k];
        Target t = { .n = f->n, .log_density = f->log_density, .of = of, .copies = 1 };
        Gaussian q = law(f);

        anneal(&t, &q, 32, 17, 100, M, U, w);
        double evidence = log_mean(M, w, &se);
        assert_true(se < 0.05);
        assert_close(evidence, f->evidence, 4 * se);
        Psis p = psis_smooth(M, w);
        assert_true(psis_reliable(&p, M));
        for (long i = 0; i < f->n; i++) {
            double mean = 0, square = 0, fourth = 0, sd = sqrt(f->variance[i]);

            for (long m = 0; m < M; m++)
                mean += w[m] * U[m * f->n + i];
            for (long m = 0; m < M; m++) {
                double z = pow((U[m * f->n + i] - f->mean[i]) / sd, 2);

                square += w[m] * z;
                fourth += w[m] * z * z;
            }
            assert_close((mean - f->mean[i]) / sd, 0, 4 / sqrt(p.ess));
            assert_close(square, 1, 4 * sqrt((fourth - square * square) / p.ess));
        }
        gaussian_free(&q);
    }
    free(w);
    free(U);
}

/* One level from q to q itself: all weights are the normaliser. */
static double standard(void *of, const double *u, double *g)
{
    (void)of;
    if (g != NULL)
        g[0] = -u[0];
    return -u[0] * u[0] / 2;
}

static void annealing_nothing(void **state)
{
    enum { M = 100 };
    const Facts f = { .n = 1, .sd = { 1 } };
    double U[M], w[M];
    void *of[] = { NULL };
    Target t = { .n = 1, .log_density = standard, .of = of, .copies = 1 };
    Gaussian q = law(&f);

    (void)state;
    anneal(&t, &q, 5, 1, 0, M, U, w);
    for (int i = 0; i < M; i++)
        assert_close(w[i], log(2 * M_PI) / 2, 1e-12);
    gaussian_free(&q);
}

/* Student's t with 5 degrees of freedom, even around 0. */
static double student(void *of, const double *u, double *g)
{
    (void)of;
    if (g != NULL)
        g[0] = -6 * u[0] / (5 + u[0] * u[0]);
    return -3 * log1p(u[0] * u[0] / 5);
}

/* Standard errors are those over seeds, although draws come in pairs of u and -u, whose weights
 * here are the same. */
static void standard_errors(void **state)
{
    enum { SEEDS = 200 };
    void *of[] = { NULL };
    double elbo = 0, elbo2 = 0, evidence = 0, evidence2 = 0, se = 0, evidence_se = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        Target t = { .n = 1, .log_density = student, .of = of, .copies = 1 };
        Fit fit = fit_posterior(&t, (FitRules){ FAMILY_FULLRANK, 0, 400, seed, 0, false,
                                                FIT_BOUND });
        elbo += fit.elbo / SEEDS;
        elbo2 += fit.elbo * fit.elbo / SEEDS;
        se += fit.elbo_se * fit.elbo_se / SEEDS;
        evidence += fit.plain.evidence / SEEDS;
        evidence2 += fit.plain.evidence * fit.plain.evidence / SEEDS;
        evidence_se += fit.plain.evidence_se * fit.plain.evidence_se / SEEDS;
        fit_free(&fit);
    }
    assert_close(sqrt(se / (elbo2 - elbo * elbo)), 1, 0.2);
    assert_close(sqrt(evidence_se / (evidence2 - evidence * evidence)), 1, 0.2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(psis_reference), cmocka_unit_test(psis_shapes),
        cmocka_unit_test(psis_corners),   cmocka_unit_test(psis_ties),
        cmocka_unit_test(means),          cmocka_unit_test(annealing),
        cmocka_unit_test(annealing_nothing), cmocka_unit_test(standard_errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
