/* test_rt_moves.c - draws that are moved: those of the density stand still, others drift and end as
 * the density's; the evidence by a bridge; a climb that is given up. */
#include "rt_infer.h"

static void *const none[] = {NULL};

static Target target(void)
{
    return (Target){.n = 2, .log_density = banana, .of = none, .copies = 1};
}

static Mixture law(double sd)
{
    Start s = {.n = 2, .mean = dgm_alloc(2 * sizeof(double)),
               .factor = dgm_alloc(4 * sizeof(double)), .found = true};

    s.mean[0] = 0;
    s.mean[1] = 0.5;
    memcpy(s.factor, (double[]){sd, 0, 0, sd}, 4 * sizeof(double));
    Mixture q = mixture_of(gaussian_from(&s, FAMILY_FULLRANK, 2));
    start_free(&s);
    return q;
}

/* Draws of the density itself, with equal weights, or of q as if they were. */
static Sample draws(const Mixture *q, bool exact)
{
    enum { M = 4000 };
    Sample s = sample_new(M, 2);

    noise_normal(3, 7, M, 2, s.U);
    for (long i = 0; i < M; i++) {
        s.U[2 * i + 1] += s.U[2 * i] * s.U[2 * i] / 2;
        s.weight[i] = 1.0 / M;
    }
    if (!exact)
        mixture_draw(q, 3, 7, M, s.U);
    s.psis.ess = M;
    return s;
}

/* Mean of u_i and the mean of its square about `mean`. */
static double moment(const Sample *s, int i, double mean, int power)
{
    double sum = 0;

    for (long k = 0; k < s->M; k++)
        sum += s->weight[k] * pow(s->U[2 * k + i] - mean, power);
    return sum;
}

/* By chance some seem to drift, which costs only time: at most one in ten of many. */
static void standing(void **state)
{
    enum { SEEDS = 40 };
    int alarms = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        Target t = target();
        Mixture q = law(1);
        Sample s = draws(&q, true);

        alarms += !settle_check(&t, &q, &s, seed);
        sample_free(&s);
        mixture_free(&q);
    }
    if (alarms > SEEDS / 10)
        fail_msg("%d of %d stand still and seem to drift", alarms, SEEDS);
}

static void drifting(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        Target t = target();
        Mixture q = law(0.6);
        Sample s = draws(&q, false);
        double shift;

        assert_false(settle_check(&t, &q, &s, seed));
        Sample moved = settle_draws(&t, &q, &s, seed, &shift);
        assert_true(shift <= 1 && moved.moves >= 64 && moved.M == 4000);
        assert_true(moved.psis.ess > 500 && moved.psis.ess <= 4000);
        double error = 4 / sqrt(moved.psis.ess);
        assert_close(moment(&moved, 0, 0, 1), 0, error);
        assert_close(moment(&moved, 1, 0, 1), 0.5, error * sqrt(1.5));
        assert_close(moment(&moved, 0, 0, 2), 1, error * sqrt(2));
        assert_close(moment(&moved, 1, 0.5, 2), 1.5, error * 3);
        assert_close(moved.log_weight[17], banana(NULL, moved.U + 34, NULL), 1e-12);
        sample_free(&moved);
        sample_free(&s);
        mixture_free(&q);
    }
}

/* An improper density: the draws run away for as long as they are moved. */
static double flat(void *of, const double *u, double *g)
{
    (void)of;
    if (g != NULL) {
        g[0] = 0;
        g[1] = -u[1];
    }
    return -u[1] * u[1] / 2;
}

static void running_away(void **state)
{
    Target t = {.n = 2, .log_density = flat, .of = none, .copies = 1};
    Mixture q = law(1);
    Sample s = draws(&q, false);
    double shift;

    (void)state;
    Sample moved = settle_draws(&t, &q, &s, 1, &shift);
    assert_true(shift > 1 && moved.moves >= 512);
    sample_free(&moved);
    sample_free(&s);
    mixture_free(&q);
}

/* From a law with too short tails, of which weights alone see too little. */
static void bridging(void **state)
{
    enum { M = 4000 };
    double evidence = log(2 * M_PI), error, of_q[M], of_p[M], *U = dgm_alloc(2 * M * sizeof *U);
    Target t = target();
    Mixture q = law(0.6);
    Sample s = draws(&q, true);

    (void)state;
    mixture_log_ratio(&q, &t, 5, 9, M, U, of_q);
    mixture_log_density(&q, M, s.U, of_p);
    for (long i = 0; i < M; i++)
        of_p[i] = banana(NULL, s.U + 2 * i, NULL) - of_p[i];
    double got = bridge(M, of_q, M, of_p, M, &error);
    assert_true(error > 0.005 && error < 0.05);
    assert_close(got, evidence, 4 * error);
    for (long i = 0; i < M; i++)       /* exact, where both are the same law */
        of_q[i] = of_p[i] = 3;
    assert_close(bridge(M, of_q, M, of_p, 100, &error), 3, 1e-12);
    assert_close(error, 0, 1e-6);
    sample_free(&s);
    mixture_free(&q);
    free(U);
}

static void giving_up(void **state)
{
    (void)state;
    long evaluations[2];

    for (int hopeless = 0; hopeless < 2; hopeless++) {
        Target t = target();
        Mixture q = law(1);
        BoundFit fit = climb(&t, &q, 1, hopeless ? 1000 : -INFINITY);

        evaluations[hopeless] = t.evaluations;
        assert_true(hopeless ? fit.draws <= 64 : fit.error < 0.03);
        mixture_free(&q);
    }
    assert_true(evaluations[1] < evaluations[0] / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(standing), cmocka_unit_test(drifting),  cmocka_unit_test(running_away),
        cmocka_unit_test(bridging), cmocka_unit_test(giving_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
