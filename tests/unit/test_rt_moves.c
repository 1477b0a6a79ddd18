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
        Sample moved = settle_draws(&t, &q, &s, seed, false, &shift);
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
    Sample moved = settle_draws(&t, &q, &s, 1, false, &shift);
    assert_true(shift > 1 && moved.moves >= 512);
    sample_free(&moved);
    sample_free(&s);
    mixture_free(&q);
}

/* ---- several parts --------------------------------------------------------------------------- */

/* Normal laws of sd `sd` at (0, 0) and (at, 0), with these weights; q is of the same parts. */
typedef struct Islands { double at, sd[2], weight[2]; } Islands;

static double islands(void *of, const double *u, double *g)
{
    const Islands *s = of;
    double part[2], slope[2][2];

    for (int k = 0; k < 2; k++) {
        double x = (u[0] - k * s->at) / s->sd[k], y = u[1] / s->sd[k];

        part[k] = log(s->weight[k]) - 2 * log(s->sd[k]) - (x * x + y * y) / 2;
        slope[k][0] = -x / s->sd[k];
        slope[k][1] = -y / s->sd[k];
    }
    double top = fmax(part[0], part[1]), a = exp(part[0] - top), b = exp(part[1] - top);
    for (int j = 0; j < 2 && g != NULL; j++)
        g[j] = (a * slope[0][j] + b * slope[1][j]) / (a + b);
    return top + log(a + b);
}

static Mixture law_of_islands(const Islands *s)
{
    Mixture q = mixture_new(2);

    for (int k = 0; k < 2; k++) {
        Mixture one = law(s->sd[k]);

        one.part[0].mean[0] = k * s->at;
        one.part[0].mean[1] = 0;
        mixture_add(&q, gaussian_copy(&one.part[0]), s->weight[k]);
        mixture_free(&one);
    }
    return q;
}

static double share_beyond(const Sample *s, double from)
{
    double sum = 0;

    for (long i = 0; i < s->M; i++)
        sum += s->U[2 * i] > from ? s->weight[i] : 0;
    return sum;
}

/* A small island has draws enough to be moved, and its share is not one of counted draws. */
static void strata(void **state)
{
    Islands s = {20, {1, 1}, {0.99, 0.01}};
    void *of[] = {&s};
    Target t = {.n = 2, .log_density = islands, .of = of, .copies = 1};
    Mixture q = law_of_islands(&s);
    Sample from = draws(&q, false);
    double shift;

    (void)state;
    Strata taken = strata_take(&q, &from, 500);
    assert_close(taken.share[1], 0.01, 1e-12);
    assert_true(taken.count[1] >= 50 && taken.C == taken.count[0] + taken.count[1]);
    for (long i = 0; i < taken.C; i++)
        assert_true((taken.U[2 * i] > 10) == (i >= taken.count[0]));
    Sample moved = settle_draws(&t, &q, &from, 2, false, &shift);
    assert_true(shift <= 1);
    assert_close(share_beyond(&moved, 10), 0.01, 1.0 / (double)moved.M);
    strata_free(&taken);
    sample_free(&moved);
    sample_free(&from);
    mixture_free(&q);
}

/* A part that covers all is weighted by what the other one leaves to it. */
static void covered(void **state)
{
    Islands s = {0, {0.15, 2}, {0.98, 0.02}};
    void *of[] = {&s};
    Target t = {.n = 2, .log_density = islands, .of = of, .copies = 1};

    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        Mixture q = law_of_islands(&s);

        mixture_by_evidence(&t, &q, seed, 0);
        assert_close(q.weight[1], 0.02, 0.003);
        mixture_free(&q);
    }
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
        BoundFit fit = climb(&t, &q, 1, (ClimbRules){.floor = hopeless ? 1000 : -INFINITY});

        evaluations[hopeless] = t.evaluations;
        assert_true(hopeless ? fit.draws <= 64 : fit.error < 0.03);
        mixture_free(&q);
    }
    assert_true(evaluations[1] < evaluations[0] / 2);
}

/* Scales of draws that are far wider in one direction than the law; else those of the law stay. */
static void rescaling(void **state)
{
    enum { M = 4000 };
    const double L[4] = {2, 0, 1, 0.5};
    double *U = dgm_alloc(2 * M * sizeof *U), *E = dgm_alloc(2 * M * sizeof *E);

    (void)state;
    noise_balanced(3, 7, M, 2, E);
    for (int wide = 0; wide < 2; wide++) {
        double by = wide ? 30 : 1.2;

        for (long i = 0; i < M; i++) { /* the factor is {2, 0}, {1, by / 2} */
            U[2 * i] = 5 + 2 * E[2 * i];
            U[2 * i + 1] = E[2 * i] + by / 2 * E[2 * i + 1];
        }
        double *own = rescale(M, 2, U, L);
        assert_true((own != NULL) == wide);
        if (own != NULL) {
            assert_close(own[0], 2, 1e-9);
            assert_close(own[2], 1, 1e-9);
            assert_close(own[3], 15, 1e-9);
        }
        free(own);
    }
    assert_null(rescale(30, 2, U, L));                         /* too few to have a covariance */
    free(U);
    free(E);
}

/* Draws in other scales are the same draws, and so is what they are moved to. */
static void other_scales(void **state)
{
    const double mean[2] = {0.3, -1}, L[4] = {1, 0, 0, 1}, other[4] = {2, 0, -1, 0.5};
    Target t = target();
    Particles p = particles_new(&t, mean, L, NULL, 2);

    (void)state;
    for (int i = 0; i < 4; i++)
        p.z[i] = 0.5 * i - 1;
    particles_look(&p);
    double u[4], log_p[2] = {p.log_p[0], p.log_p[1]}, by_z[4];
    memcpy(by_z, p.by_z, sizeof by_z);
    particles_place(&p, u);
    particles_scale(&p, other);
    particles_place(&p, p.u);
    for (int i = 0; i < 4; i++)
        assert_close(p.u[i], u[i], 1e-12);
    for (int i = 0; i < 2; i++) {
        assert_close(p.log_p[i], log_p[i], 1e-12);
        assert_close(p.by_z[2 * i], 2 * by_z[2 * i] - by_z[2 * i + 1], 1e-12);
        assert_close(p.by_z[2 * i + 1], 0.5 * by_z[2 * i + 1], 1e-12);
    }
    assert_close(p.log_volume, log(2 * M_PI), 1e-12);
    particles_free(&p);
}

/* Draws that drift away from a poor fit show a better start; where there is none the fit stays. */
static void again(void **state)
{
    (void)state;
    for (int drifts = 0; drifts < 2; drifts++) {
        Target t = target();
        FitRules rules = {.kind = FAMILY_FULLRANK, .rank = 2, .draws = 1000, .seed = 3};
        Fit f = fit_posterior(&t, rules);
        double elbo = f.elbo, far = elbo - 50;

        fit_move(&t, &f, fit_sample(&f));
        f.elbo = far;
        f.shift = drifts ? 2 : 0.5;
        fit_again(&t, &f);
        assert_close(f.elbo, drifts ? elbo : far, 0.1);
        assert_true(f.shift <= 1);
        fit_free(&f);
    }
}

/* Weights with a variance have a k-hat below a half, or are all but equal. */
static void variance_of_weights(void **state)
{
    (void)state;
    assert_true(psis_has_variance(&(Psis){.khat = 0.4, .ess = 2000}, 4000));
    assert_false(psis_has_variance(&(Psis){.khat = 0.6, .ess = 3500}, 4000));
    assert_true(psis_has_variance(&(Psis){.khat = 0.6, .ess = 3900}, 4000));
    assert_false(psis_has_variance(&(Psis){.khat = NAN, .ess = 10}, 4000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(standing), cmocka_unit_test(drifting),  cmocka_unit_test(running_away),
        cmocka_unit_test(strata),   cmocka_unit_test(covered),   cmocka_unit_test(bridging),
        cmocka_unit_test(giving_up), cmocka_unit_test(rescaling), cmocka_unit_test(other_scales),
        cmocka_unit_test(variance_of_weights), cmocka_unit_test(again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
