/* test_rt_climb.c - work that is not done: modes that are one, or lead to what is known; draws that
 * will be moved anyway; descents that all end at one place; moves on the way to others; and places
 * where a density is rounding alone. */
#include "rt_infer.h"

enum { N = 20 };
static void *const none[] = {NULL};

/* N / 2 curved pairs, side by side: no Gaussian is near. */
static double bananas(void *of, const double *u, double *g)
{
    double sum = 0;

    for (int i = 0; i < N; i += 2) {
        double x = u[i], d = u[i + 1] - 4 * x * x;

        if (g != NULL) {
            g[i] = -x + 8 * x * d;
            g[i + 1] = -d;
        }
        sum -= (x * x + d * d) / 2;
    }
    (void)of;
    return sum;
}

static double normal(void *of, const double *u, double *g)
{
    double sum = 0;

    for (int i = 0; i < N; i++) {
        if (g != NULL)
            g[i] = -u[i];
        sum -= u[i] * u[i] / 2;
    }
    (void)of;
    return sum;
}

static Target target(LogDensity *f)
{
    return (Target){.n = N, .log_density = f, .of = none, .copies = 1};
}

/* The standard normal law of N numbers about `at`. */
static Mixture law(double at)
{
    Start s = {.n = N, .mean = dgm_alloc(N * sizeof(double)),
               .factor = dgm_alloc(N * N * sizeof(double)), .found = true};

    for (int i = 0; i < N; i++) {
        s.mean[i] = at;
        for (int j = 0; j < N; j++)
            s.factor[i * N + j] = i == j;
    }
    Mixture q = mixture_of(gaussian_from(&s, FAMILY_FULLRANK, N));
    start_free(&s);
    return q;
}

/* Where weights would be poor, means to a tenth of a standard deviation are enough; else they are
 * as near as ever. */
static void rough(void **state)
{
    long evaluations[2];

    (void)state;
    for (int is_rough = 0; is_rough < 2; is_rough++) {
        Target t = target(bananas);
        Mixture q = law(0);
        BoundFit fit = climb(&t, &q, 1, (ClimbRules){-INFINITY, .rough = is_rough});

        evaluations[is_rough] = t.evaluations;
        assert_true(fit.converged && fit.error < (is_rough ? 0.1 : 0.045));
        mixture_free(&q);
    }
    assert_true(evaluations[1] < evaluations[0] / 2);
    for (int is_rough = 0; is_rough < 2; is_rough++) {
        Target t = {.n = 2, .log_density = skewed, .of = none, .copies = 1};
        Start s = start_find(&t, 1);
        Mixture q = mixture_of(gaussian_from(&s, FAMILY_FULLRANK, 0));
        BoundFit fit = climb(&t, &q, 1, (ClimbRules){-INFINITY, .rough = is_rough});

        assert_true(fit.converged && fit.error < 0.03);
        mixture_free(&q);
        start_free(&s);
    }
}

/* Evaluations of joining so many ends of descents, which are no modes, at one place or apart. */
static long joining(long ends, double apart)
{
    Target t = target(normal);
    Mixture q = law(0);
    Start s = {.n = N, .mean = dgm_alloc(N * sizeof(double)), .mode = true};
    BoundFit fit = {.fresh = 0};

    for (long k = 0; k < ends; k++) {
        double *mean = dgm_alloc(N * sizeof *mean);

        for (int i = 0; i < N; i++)
            mean[i] = 6 + apart * (double)k + 1e-6 * (double)(k * i);
        start_keep(&s, (Mode){mean, 0, 0});
    }
    modes_join(&t, &s, &q, &fit, N, 1);
    assert_true(q.parts == 1);
    for (long k = 0; k < ends; k++)
        assert_true(s.other[k].bound == -INFINITY && s.other[k].begun == 0);
    mixture_free(&q);
    free(s.mean);
    start_free(&s);
    return t.evaluations;
}

static void one_place(void **state)
{
    long one = joining(1, 0);

    (void)state;
    assert_true(joining(8, 0) < 3 * one);
    assert_true(joining(8, 1) > 7 * one);
}

/* A scale e^v and standard numbers x, of which e^v x is observed: at the mode of all of them the
 * curvature by v says nothing of the mass. */
static double neck(void *of, const double *u, double *g)
{
    double v = u[0], z = exp(v), by_v = -v / 9, sum = -v * v / 18;

    for (int i = 1; i < N; i++) {
        double x = u[i], d = 1.5 * (i % 3) - 1 - z * x;

        if (g != NULL)
            g[i] = -x + 4 * z * d;
        by_v += 4 * z * x * d;
        sum -= x * x / 2 + 2 * d * d;
    }
    if (g != NULL)
        g[0] = by_v;
    (void)of;
    return sum;
}

/* Descents that all end at a mode without mass: more than a few find nothing new. */
static void one_end(void **state)
{
    Target t = target(neck);
    Start s = start_find(&t, 1);

    (void)state;
    assert_true(s.found && !s.mode && s.others == 8);
    assert_true(t.evaluations < 10000);
    start_free(&s);
}

/* Normal; far from u[0] = 0 what rounding leaves of huge terms, as of a gamma law of huge shape. */
static double rounded(void *of, const double *u, double *g)
{
    double value = normal(of, u, g);

    return fabs(u[0]) < 30 ? value : (u[0] > 0 ? 1e50 : 1e11) * pow(cos(1e3 * u[0]), 2);
}

/* A bound of which no nat is resolved is none. */
static void unresolved(void **state)
{
    double u[N] = {0};

    (void)state;
    for (int far = -1; far < 2; far++) {
        Target t = target(rounded);

        u[0] = 50 * far;
        Start s = start_at(&t, u, 1);
        assert_true(isfinite(s.elbo) == (far == 0));
        start_free(&s);
    }
}

/* Draws on the way to other coordinates are not moved for the sake of their number. */
static void passing(void **state)
{
    long moves[2];

    (void)state;
    for (int pass = 0; pass < 2; pass++) {
        Target t = target(bananas);
        Mixture q = law(0);
        Sample from = sample_new(4000, N);
        double shift;

        t.work = 1e6;
        noise_normal(3, 7, from.M, N, from.U);
        for (long i = 0; i < from.M * N; i += 2)
            from.U[i + 1] += 4 * from.U[i] * from.U[i];
        for (long i = 0; i < from.M; i++)
            from.weight[i] = 1.0 / (double)from.M;
        Sample s = settle_draws(&t, &q, &from, 1, pass, &shift);
        moves[pass] = s.moves;
        assert_true(shift <= 1);
        sample_free(&s);
        sample_free(&from);
        mixture_free(&q);
    }
    assert_true(moves[0] == 128 && moves[1] == 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rough), cmocka_unit_test(one_place), cmocka_unit_test(one_end),
        cmocka_unit_test(passing),   cmocka_unit_test(unresolved),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
