/* test_rt_infer.c - descents, fixed noise, the bound of each family against theory, starts, and
 * that threads change nothing. Weights and annealing: test_rt_weights.c. */
#include "rt_infer.h"

/* ---- lbfgs ---- */

static double rosenbrock(void *of, const double *x, double *g)
{
    double a = 1 - x[0], b = x[1] - x[0] * x[0];

    ++*(int *)of;
    g[0] = -2 * a - 400 * x[0] * b;
    g[1] = 200 * b;
    return a * a + 100 * b * b;
}

static void lbfgs_rosenbrock(void **state)
{
    int calls = 0;
    double x[] = { -1.2, 1 };
    Descent d = lbfgs(rosenbrock, &calls, 2, x, (DescentRules){ 1e-14, 1000, NULL });

    (void)state;
    assert_true(d.converged);
    assert_close(x[0], 1, 1e-6);
    assert_close(x[1], 1, 1e-6);
    assert_true(calls < 80);
}

/* sum of scale_i (x_i - 1)^2 / 2, scales from `of`[0] to `of`[1] */
static double quadratic(void *of, const double *x, double *g)
{
    const double *range = of;
    double f = 0;

    for (int i = 0; i < 10; i++) {
        double scale = range[0] * pow(range[1] / range[0], i / 9.0);

        g[i] = scale * (x[i] - 1);
        f += g[i] * (x[i] - 1) / 2;
    }
    return f;
}

/* Scales far apart, and all of them large: a step is kept or not whatever the units are. */
static void lbfgs_scales(void **state)
{
    static const double ranges[][2] = { { 1e-3, 1e5 }, { 1e14, 1e16 }, { 1e-9, 1e-8 } };

    (void)state;
    for (int r = 0; r < 3; r++) {
        double x[10] = { 0 };
        Descent d = lbfgs(quadratic, (void *)(uintptr_t)ranges[r], 10, x,
                          (DescentRules){ 1e-12 * ranges[r][0], 2000, NULL });

        assert_true(d.converged);
        for (int i = 0; i < 10; i++)
            assert_close(x[i], 1, 1e-4);
    }
}

/* x - log x - log(2 - x), not defined outside (0, 2); its minimum solves x^2 - 4 x + 2 = 0 */
static double barrier(void *of, const double *x, double *g)
{
    (void)of;
    g[0] = 1 - 1 / x[0] + 1 / (2 - x[0]);
    return x[0] > 0 && x[0] < 2 ? x[0] - log(x[0]) - log(2 - x[0]) : INFINITY;
}

static void lbfgs_region(void **state)
{
    static const double starts[] = { 1e-6, 0.5, 2 - 1e-9 };

    (void)state;
    for (int i = 0; i < 3; i++) {
        double x = starts[i];
        Descent d = lbfgs(barrier, NULL, 1, &x, (DescentRules){ 1e-14, 200, NULL });

        assert_true(d.converged);
        assert_close(x, 2 - sqrt(2), 1e-6);
    }
    double outside = 3;
    assert_false(lbfgs(barrier, NULL, 1, &outside, (DescentRules){ 1e-14, 200, NULL }).converged);
    assert_close(outside, 3, 0);
}

static double downhill(void *of, const double *x, double *g)
{
    (void)of;
    g[0] = 1;
    return x[0];
}

static void lbfgs_unbounded(void **state)
{
    double x = 0;
    Descent d = lbfgs(downhill, NULL, 1, &x, (DescentRules){ 1e-8, 20, NULL });

    (void)state;
    assert_false(d.converged);
    assert_true(d.f < -1e3 && d.iterations == 1);
}

/* ---- targets ---- */

enum { MOST = 12 };

/* A normal law: precision [n][n]. */
typedef struct Normal { long n; double mean[MOST], precision[MOST * MOST]; } Normal;

static double normal(void *of, const double *u, double *g)
{
    const Normal *t = of;
    double f = 0;

    for (long i = 0; i < t->n; i++) {
        double p = 0;

        for (long j = 0; j < t->n; j++)
            p += t->precision[i * t->n + j] * (u[j] - t->mean[j]);
        f -= p * (u[i] - t->mean[i]) / 2;
        if (g != NULL)
            g[i] = -p;
    }
    return f;
}

/* precision = covariance^-1 */
static void invert(long n, const double *covariance, double *precision)
{
    double L[MOST * MOST], inverse[MOST * MOST];

    memcpy(L, covariance, (size_t)(n * n) * sizeof *L);
    assert_true(dense_cholesky(n, L));
    dense_lower_inverse(n, L, inverse);
    dense_product(true, false, n, n, n, inverse, inverse, 0, precision);
}

/* Correlation rho^|i - j|, standard deviations from 0.01 to 100; its covariance is in C. */
static Normal correlated(long n, double rho, double *C)
{
    Normal t = { .n = n };

    for (long i = 0; i < n; i++) {
        t.mean[i] = (double)(3 * i) - 4;
        for (long j = 0; j < n; j++)
            C[i * n + j] = pow(rho, labs(i - j))
                         * pow(10, 2 * (double)(i + j) / (double)(n - 1) - 4 + 2);
    }
    invert(n, C, t.precision);
    return t;
}

static Target target_of(LogDensity *f, void *const *of, long n)
{
    return (Target){ .n = n, .log_density = f, .of = of, .copies = 1 };
}

/* A fit that begins at the start, or `away` from it in means and scales. */
static Gaussian fitted(Target *t, FamilyKind kind, long rank, long M, double away, BoundFit *fit)
{
    Start s = start_find(t, 5);
    assert_true(s.found);
    Gaussian q = gaussian_from(&s, kind, rank);

    for (long i = 0; i < t->n; i++)
        q.mean[i] += away * s.factor[i * t->n + i];
    gaussian_scale(&q, 1 + away);
    *fit = elbo_fit(t, &q, 7, 1, M);
    start_free(&s);
    return q;
}

/* ---- families ---- */

/* log of the integral of exp(-x' P x / 2) */
static double evidence_of(long n, const double *C)
{
    double L[MOST * MOST], sum = (double)n / 2 * log(2 * M_PI);

    memcpy(L, C, (size_t)(n * n) * sizeof *L);
    assert_true(dense_cholesky(n, L));
    for (long i = 0; i < n; i++)
        sum += log(L[i * n + i]);
    return sum;
}

/* Means and covariance of q, in standard deviations. */
static void assert_law(const Gaussian *q, const double *mean, const double *C, double tolerance)
{
    long n = q->n;
    double got[MOST * MOST];

    gaussian_covariance(q, got);
    for (long i = 0; i < n; i++) {
        assert_close((q->mean[i] - mean[i]) / sqrt(C[i * n + i]), 0, tolerance);
        for (long j = 0; j < n; j++)
            assert_close((got[i * n + j] - C[i * n + j]) / sqrt(C[i * n + i] * C[j * n + j]), 0,
                         tolerance);
    }
}

/* Exact where the climb begins well, with as few as 16 draws; else to the tolerance of the climb,
 * which is one of the bound: its error is that of the law squared. */
static void fullrank_exact(void **state)
{
    enum { N = 6 };
    double C[N * N], away[] = { 0, 0.3 }, tolerance[] = { 1e-6, 1e-2 };
    Normal t = correlated(N, 0.9, C);
    void *of[] = { &t };
    Target target = target_of(normal, of, N);

    (void)state;
    for (int k = 0; k < 2; k++) {
        BoundFit fit;
        Gaussian q = fitted(&target, FAMILY_FULLRANK, N, 16, away[k], &fit);

        assert_true(fit.converged);
        assert_true(fit.error < 1e-2);
        assert_close(fit.elbo, evidence_of(N, C), k == 0 ? 1e-10 : 1e-4);
        assert_law(&q, t.mean, C, tolerance[k]);
        gaussian_free(&q);
    }
}

/* By theory the best has the means, and standard deviations 1 / sqrt(P_ii). */
static void meanfield_theory(void **state)
{
    enum { N = 6 };
    double C[N * N], best[N * N] = { 0 }, away[] = { 0, 0.3 }, tolerance[] = { 1e-4, 1e-2 };
    Normal t = correlated(N, 0.8, C);
    void *of[] = { &t };
    Target target = target_of(normal, of, N);

    (void)state;
    for (int i = 0; i < N; i++)
        best[i * N + i] = 1 / t.precision[i * N + i];
    for (int k = 0; k < 2; k++) {
        BoundFit fit;
        Gaussian q = fitted(&target, FAMILY_MEANFIELD, 0, 20, away[k], &fit);

        assert_true(fit.converged);
        assert_close(fit.elbo, evidence_of(N, best), 1e-4);
        assert_law(&q, t.mean, best, tolerance[k]);
        gaussian_free(&q);
    }
}

static void lowrank_exact(void **state)
{
    enum { N = 10, RANK = 2 };
    double C[N * N];
    Normal t = { .n = N };

    (void)state;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            C[i * N + j] = (i == j ? 0.5 + 0.1 * i : 0) + cos(i) * cos(j) * 2
                         + (i - 4.0) * (j - 4.0) * 0.3;
    invert(N, C, t.precision);
    void *of[] = { &t };
    Target target = target_of(normal, of, N);
    BoundFit fit;
    Gaussian q = fitted(&target, FAMILY_LOWRANK, RANK, 40, 0.3, &fit);

    assert_true(fit.converged);
    assert_close(fit.elbo, evidence_of(N, C), 1e-4);
    assert_law(&q, t.mean, C, 2e-2);
    gaussian_free(&q);
}

/* What the fit climbs, anew: the average by the same noise, plus the entropy. */
static double bound_of(Target *t, const Gaussian *q, long M, const double *E)
{
    double *U = dgm_alloc((size_t)(M * t->n) * sizeof *U), value[64], C[MOST * MOST];
    double sum = (double)t->n / 2;

    assert_true(M <= 64);
    gaussian_draw(q, M, E, U);
    target_rows(t, M, U, value, NULL);
    for (long i = 0; i < M; i++)
        sum += value[i] / (double)M;
    free(U);
    gaussian_covariance(q, C);
    return sum + evidence_of(t->n, C);
}

/* Where a fit has ended no number of the family can be changed for the better, by differences: so
 * its gradients, entropy included, are right. */
static void stationary(void **state)
{
    enum { M = 40 };
    static const FamilyKind kinds[] = { FAMILY_MEANFIELD, FAMILY_LOWRANK, FAMILY_FULLRANK };
    void *of[] = { NULL };

    (void)state;
    for (int k = 0; k < 3; k++) {
        Target t = target_of(skewed, of, 2);
        BoundFit fit;
        Gaussian q = fitted(&t, kinds[k], 1, M, 0.3, &fit);
        double E[M * 3];
        struct { double *x; long n; } parts[] = { { q.mean, 2 }, { q.sd, q.rank == 2 ? 0 : 2 },
                                                  { q.factor, 2 * q.rank } };

        noise_balanced(7, 1, M, gaussian_noise(&q), E);
        assert_close(bound_of(&t, &q, M, E), fit.elbo, 1e-12);
        for (int p = 0; p < 3; p++)
            for (long i = 0; i < parts[p].n; i++) {
                double *x = &parts[p].x[i], old = *x, step = 1e-4;

                if (p == 2 && q.rank == 2 && i == 1)
                    continue;          /* above the diagonal */
                *x = old + step;
                double above = bound_of(&t, &q, M, E);
                *x = old - step;
                double below = bound_of(&t, &q, M, E);
                *x = old;
                assert_close((above - below) / (2 * step), 0, 2e-2);
                assert_true(above < fit.elbo + 1e-5 && below < fit.elbo + 1e-5);
            }
        gaussian_free(&q);
    }
}

/* ---- noise ---- */

static void balanced(void **state)
{
    enum { M = 50, N = 7 };
    double E[M * N], odd[2 * N];

    (void)state;
    noise_balanced(3, 9, M, N, E);
    for (int j = 0; j < N; j++) {
        double mean = 0;

        for (int i = 0; i < M; i++)
            mean += E[i * N + j] / M;
        assert_close(mean, 0, 1e-14);
        for (int k = 0; k < N; k++) {
            double moment = 0;

            for (int i = 0; i < M; i++)
                moment += E[i * N + j] * E[i * N + k] / M;
            assert_close(moment, j == k, 1e-12);
        }
    }
    noise_normal(3, 9, 2, N, E);       /* too few for that: pairs all the same */
    noise_balanced(3, 9, 2, N, odd);
    for (int j = 0; j < N; j++) {
        assert_close(odd[j], E[j], 0);
        assert_close(odd[N + j], -E[j], 0);
    }
}

/* ---- starts ---- */

/* Log density of 8 numbers around 0 whose scale exp(u_8) has a normal(0, 1) logarithm: without end
 * where the scale goes to 0 and the numbers with it. */
static double funnel(void *of, const double *u, double *g)
{
    enum { K = 8 };
    double t = u[K], precision = exp(-2 * t), sum = 0;

    (void)of;
    for (int i = 0; i < K; i++)
        sum += u[i] * u[i];
    if (g != NULL) {
        for (int i = 0; i < K; i++)
            g[i] = -u[i] * precision;
        g[K] = sum * precision - K - t / 4;
    }
    return -sum * precision / 2 - K * t - t * t / 8;
}

/* 0.7 N(-10, 1) + 0.3 N(10, 1), so its bounds are log 0.7 and log 0.3. */
static double two_modes(void *of, const double *u, double *g)
{
    double a = log(0.7) - (u[0] + 10) * (u[0] + 10) / 2, top;
    double b = log(0.3) - (u[0] - 10) * (u[0] - 10) / 2;

    (void)of;
    top = a > b ? a : b;
    double p = exp(a - top), q = exp(b - top);
    if (g != NULL)
        g[0] = (-p * (u[0] + 10) - q * (u[0] - 10)) / (p + q);
    return top + log(p + q) - log(2 * M_PI) / 2;
}

static double nowhere(void *of, const double *u, double *g)
{
    (void)of;
    (void)u;
    (void)g;
    return NAN;
}

static void starts(void **state)
{
    void *of[] = { NULL };
    Target t = target_of(funnel, of, 9);
    Start s = start_find(&t, 1);

    (void)state;
    assert_true(s.found && isfinite(s.elbo));
    start_free(&s);

    t = target_of(nowhere, of, 3);
    s = start_find(&t, 1);
    assert_false(s.found);
    start_free(&s);
    Fit fit = fit_posterior(&t, (FitRules){ FAMILY_FULLRANK, 3, 400, 1, 0, false, FIT_BOUND });
    assert_false(fit.start.found);
    fit_free(&fit);
}

/* Descents begin between the modes, and three that agree are enough: a mode that half of them reach
 * is seen by three seeds of four. Where it is seen, all of it is right. */
static void rivals(void **state)
{
    enum { SEEDS = 40 };
    void *of[] = { NULL };
    FitRules rules = { FAMILY_FULLRANK, 0, 400, 1, 0, false, FIT_BOUND };
    int seen = 0;

    (void)state;
    for (rules.seed = 1; rules.seed <= SEEDS; rules.seed++) {
        Target t = target_of(two_modes, of, 1);
        Fit fit = fit_posterior(&t, rules);
        const Start *s = &fit.start;

        assert_true(s->found && s->mode);
        assert_close(fabs(s->mean[0]), 10, 1e-3);
        assert_close(s->elbo, log(s->mean[0] < 0 ? 0.7 : 0.3), 1e-3);
        assert_close(s->factor[0], 1, 1e-3);
        if (s->others > 0) {
            seen++;
            assert_close(s->mean[0] + s->other[0].mean[0], 0, 1e-3);
            assert_close(s->other[0].bound, log(s->mean[0] < 0 ? 0.3 : 0.7), 1e-3);
            assert_close(fabs(fit.left), log(0.7 / 0.3), 1e-2);
        }
        fit_free(&fit);
    }
    assert_true(seen >= SEEDS / 2);
    for (rules.seed = 1; rules.seed <= SEEDS; rules.seed++) {
        Target t = target_of(skewed, of, 2);
        Fit fit = fit_posterior(&t, rules);

        assert_true(isinf(fit.left) && fit.left < 0);
        fit_free(&fit);
    }
}

/* ---- threads ---- */

static void threads(void **state)
{
    static const FamilyKind kinds[] = { FAMILY_MEANFIELD, FAMILY_LOWRANK, FAMILY_FULLRANK };
    void *of[] = { NULL, NULL, NULL };

    (void)state;
    for (int k = 0; k < 3; k++) {
        Fit first = { .rules.draws = 0 };

        for (int copies = 1; copies <= 3; copies++) {
            Target t = target_of(funnel, of, 9);

            t.copies = copies;
            t.seconds = 1;             /* as if dear, so that threads are used at once */
            Fit fit = fit_posterior(&t, (FitRules){ kinds[k], 2, 400, 11, 0, false, FIT_BOUND });
            if (copies == 1) {
                first = fit;
                continue;
            }
            assert_int_equal(first.annealed.M, fit.annealed.M);
            const Sample *a = fit_sample(&first), *b = fit_sample(&fit);
            assert_memory_equal(a->U, b->U, (size_t)(9 * a->M) * sizeof *a->U);
            assert_memory_equal(a->weight, b->weight, (size_t)a->M * sizeof *a->weight);
            assert_memory_equal(&first.elbo, &fit.elbo, sizeof fit.elbo);
            assert_memory_equal(&a->psis.khat, &b->psis.khat, sizeof a->psis.khat);
            fit_free(&fit);
        }
        fit_free(&first);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lbfgs_rosenbrock), cmocka_unit_test(lbfgs_scales),
        cmocka_unit_test(lbfgs_region),     cmocka_unit_test(lbfgs_unbounded),
        cmocka_unit_test(fullrank_exact),   cmocka_unit_test(meanfield_theory),
        cmocka_unit_test(lowrank_exact),    cmocka_unit_test(stationary),
        cmocka_unit_test(balanced),         cmocka_unit_test(starts),
        cmocka_unit_test(rivals),           cmocka_unit_test(threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
