/* test_rt_mixture.c - mixtures of Gaussians: their densities, draws and moments against those of
 * the parts; posteriors with two modes in 1, 2 and 10 dimensions, of which mean, standard deviation
 * and evidence are known; a bound that a second part raises; annealing from several parts. */
#include "rt_infer.h"

enum { MOST = 10 };

/* ---- laws ---- */

/* n numbers; mean c + i / 10, sd 1 + i / 5, and for those with a factor columns sin, cos. */
static Gaussian gaussian(FamilyKind kind, long n, double c)
{
    long rank = kind == FAMILY_FULLRANK ? n : kind == FAMILY_LOWRANK ? 2 : 0;
    Gaussian q = { kind, n, rank, dgm_alloc((size_t)(n + 1) * sizeof(double)),
                   dgm_alloc((size_t)(n + 1) * sizeof(double)),
                   dgm_alloc((size_t)(n * rank + 1) * sizeof(double)) };

    for (long i = 0; i < n; i++) {
        q.mean[i] = c + (double)i / 10;
        q.sd[i] = kind == FAMILY_FULLRANK ? 0 : 1 + (double)i / 5;
        for (long k = 0; k < rank; k++)
            q.factor[i * rank + k] = kind == FAMILY_FULLRANK && k > i ? 0
                                   : k == i ? 1 + 0.1 * (double)i : 0.5 * sin((double)(i + 3 * k));
    }
    return q;
}

static const FamilyKind kinds[] = { FAMILY_MEANFIELD, FAMILY_LOWRANK, FAMILY_FULLRANK };

/* At one point as at many, and the gradient is that of differences. */
static void density_at(void **state)
{
    enum { N = 4 };
    const double step = 1e-5;

    (void)state;
    for (int f = 0; f < 3; f++) {
        Gaussian q = gaussian(kinds[f], N, 0.3);
        double u[N] = { 0.1, 2, -1, 0.4 }, gradient[N], unused[N], value;
        double *inner = q.kind == FAMILY_FULLRANK ? NULL : gaussian_inner(&q);

        gaussian_log_density(&q, 1, u, &value);
        assert_close(gaussian_log_density_at(&q, inner, u, gradient), value, 1e-12);
        gaussian_scores(&q, 1, u, unused);
        for (int i = 0; i < N; i++)
            assert_close(unused[i], -gradient[i], 1e-12);
        for (int i = 0; i < N; i++) {
            double old = u[i];

            u[i] = old + step;
            double above = gaussian_log_density_at(&q, inner, u, unused);
            u[i] = old - step;
            double below = gaussian_log_density_at(&q, inner, u, unused);
            u[i] = old;
            assert_close((above - below) / (2 * step), gradient[i], 1e-8);
        }
        free(inner);
        gaussian_free(&q);
    }
}

static Mixture three(long n)
{
    Mixture q = mixture_new(n);
    double weights[] = { log(0.5), log(0.3), log(0.2) };

    mixture_add(&q, gaussian(FAMILY_FULLRANK, n, -2), 0);
    mixture_add(&q, gaussian(FAMILY_MEANFIELD, n, 0.5), 0);
    mixture_add(&q, gaussian(FAMILY_LOWRANK, n, 3), 0);
    mixture_weigh(&q, weights);
    return q;
}

/* Draws of a mixture have its moments exactly, as those of each part have; any ten pairs have
 * the parts by their weights; the density is the sum over the parts. */
static void mixture_law(void **state)
{
    enum { N = 3, M = 1000 };
    Mixture q = three(N);
    double *U = dgm_alloc(M * N * sizeof *U), value[M], part[M], sum[M] = { 0 };
    double mean[N], sd[N], C[N * N];

    (void)state;
    mixture_round(&q, M);
    assert_close(q.weight[0], 0.5, 1e-15);
    assert_int_equal(mixture_share(&q, 1, M), 300);
    mixture_draw(&q, 3, 4, M, U);
    mixture_mean(&q, mean);
    mixture_sds(&q, sd);
    mixture_covariance(&q, C);
    for (int i = 0; i < N; i++) {
        double first = 0;

        for (int m = 0; m < M; m++)
            first += U[m * N + i] / M;
        assert_close(first, mean[i], 1e-12);
        assert_close(sd[i] * sd[i], C[i * N + i], 1e-12);
        for (int j = 0; j < N; j++) {
            double second = 0;

            for (int m = 0; m < M; m++)
                second += (U[m * N + i] - mean[i]) * (U[m * N + j] - mean[j]) / M;
            assert_close(second, C[i * N + j], 1e-10);
        }
    }
    mixture_log_density(&q, M, U, value);
    for (int k = 0; k < 3; k++) {
        gaussian_log_density(&q.part[k], M, U, part);
        for (int m = 0; m < M; m++)
            sum[m] += q.weight[k] * exp(part[m]);
    }
    for (int m = 0; m < M; m++)
        assert_close(value[m], log(sum[m]), 1e-12);
    free(U);
    mixture_free(&q);
}

/* Any 20 draws of the mixture in a row of pairs have all parts; every part has a pair. */
static void rounding(void **state)
{
    enum { M = 100 };
    Mixture q = three(1);
    const double steep[] = { 0, -40, -3 };
    double U[M], sum = 0, mean;

    (void)state;
    mixture_round(&q, M);
    mixture_mean(&q, &mean);
    mixture_draw(&q, 1, 1, M, U);
    for (int first = 0; first < M / 2; first += 10) {
        double near[3] = { 0 };

        for (int m = first; m < first + 10; m++) {
            double centre = (U[m] + U[M / 2 + m]) / 2;       /* of the pair: that of its part */

            near[centre < -1 ? 0 : centre < 1.5 ? 1 : 2]++;
        }
        assert_close(near[0], 5, 0);
        assert_close(near[1], 3, 0);
        assert_close(near[2], 2, 0);
    }
    mixture_weigh(&q, steep);
    mixture_round(&q, M);
    for (int k = 0; k < 3; k++) {
        assert_true(mixture_share(&q, k, M) >= 2 && mixture_share(&q, k, M) % 2 == 0);
        sum += q.weight[k];
    }
    assert_int_equal(mixture_share(&q, 1, M), 2);
    assert_close(sum, 1, 1e-12);
    mixture_free(&q);
}

/* ---- two modes ---- */

/* Number 0 has means -3 and 3 and standard deviations 1 and 0.5, all others are standard normal;
 * shares 0.6 and 0.4, normaliser e^2. */
static double two_modes(void *of, const double *u, double *g)
{
    static const double share[] = { 0.6, 0.4 }, at[] = { -3, 3 }, sds[] = { 1, 0.5 };
    long n = *(const long *)of;
    double value[2], top, sum;

    for (int k = 0; k < 2; k++) {
        value[k] = log(share[k] / sds[k]) - (double)n * log(2 * M_PI) / 2;
        for (long i = 0; i < n; i++)
            value[k] -= pow(i == 0 ? (u[0] - at[k]) / sds[k] : u[i], 2) / 2;
    }
    top = fmax(value[0], value[1]);
    sum = exp(value[0] - top) + exp(value[1] - top);
    for (long i = 0; g != NULL && i < n; i++) {
        g[i] = 0;
        for (int k = 0; k < 2; k++)
            g[i] -= exp(value[k] - top) / sum
                  * (i == 0 ? (u[0] - at[k]) / (sds[k] * sds[k]) : u[i]);
    }
    return 2 + top + log(sum);
}

/* Of weighted draws: means and standard deviations by the law of two_modes. */
static void assert_two(const Sample *s, long n)
{
    for (long i = 0; i < n; i++) {
        double mean = 0, square = 0, want = i == 0 ? 0.6 * -3 + 0.4 * 3 : 0;
        double variance = i == 0 ? 0.6 * 1 + 0.4 * 0.25 + 9 - want * want : 1;

        for (long m = 0; m < s->M; m++)
            mean += s->weight[m] * s->U[m * n + i];
        for (long m = 0; m < s->M; m++)
            square += s->weight[m] * pow(s->U[m * n + i] - mean, 2);
        assert_close(mean, want, 0.03 * sqrt(variance));
        assert_close(sqrt(square / variance), 1, 0.03);
    }
    assert_close(s->evidence, 2, 4 * s->evidence_se + 1e-3);
}

/* Both ways to several parts are exact here; one Gaussian alone leaves a mode, and says so. */
static void modes(void **state)
{
    static const long sizes[] = { 1, 2, 10 };
    enum { SEEDS = 6 };

    (void)state;
    for (int d = 0; d < 3; d++) {
        long n = sizes[d];
        void *of[] = { &n };
        int seen = 0;

        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            FitRules rules = { FAMILY_FULLRANK, 0, 1000, seed, 0, false, FIT_BOUND };
            Target t = { .n = n, .log_density = two_modes, .of = of, .copies = 1 };
            Fit one = fit_posterior(&t, rules);

            if (one.start.others > 0 && isfinite(one.left)) {
                seen++;
                assert_int_equal(one.q.parts, 1);
                assert_close(fabs(one.left), log(0.6 / 0.4), 0.05);
                rules.modes = true;
                Fit several = fit_posterior(&t, rules);
                rules.parts = 2;
                Fit mixture = fit_posterior(&t, rules);
                for (int k = 0; k < 2; k++) {
                    const Fit *f = k == 0 ? &several : &mixture;

                    assert_int_equal(f->q.parts, 2);
                    assert_true(isinf(f->left) && f->left < 0);
                    assert_true(fit_reliable(f) && f->bound.converged);
                    assert_close(f->q.weight[f->q.part[0].mean[0] < 0 ? 0 : 1], 0.6, 0.01);
                    assert_close(f->elbo, 2, 0.01);
                    assert_two(fit_sample(f), n);
                }
                fit_free(&several);
                fit_free(&mixture);
            }
            fit_free(&one);
        }
        assert_true(seen >= SEEDS / 2);
    }
}

/* Where there is one mode, no other is fitted: the same bits. */
static double bump(void *of, const double *u, double *g)
{
    (void)of;
    for (int i = 0; g != NULL && i < 2; i++)
        g[i] = -6 * u[i] / (5 + u[i] * u[i]);
    return -3 * log1p(u[0] * u[0] / 5) - 3 * log1p(u[1] * u[1] / 5);
}

static void one_mode(void **state)
{
    void *of[] = { NULL };
    FitRules rules = { FAMILY_FULLRANK, 0, 400, 3, 0, false, FIT_BOUND };
    Target t = { .n = 2, .log_density = bump, .of = of, .copies = 1 };
    Fit plain = fit_posterior(&t, rules);
    long evaluations = t.evaluations;

    (void)state;
    rules.modes = true;
    t.evaluations = 0;
    Fit fit = fit_posterior(&t, rules);
    assert_int_equal(t.evaluations, evaluations);
    assert_memory_equal(plain.plain.U, fit.plain.U, 800 * sizeof(double));
    assert_memory_equal(plain.plain.weight, fit.plain.weight, 400 * sizeof(double));
    fit_free(&plain);
    fit_free(&fit);
}

/* ---- the bound of a mixture ---- */

/* 0.7 N(0, 1) + 0.3 N(2, 0.5^2): one mode with a shoulder, normaliser 1. */
static double shoulder(void *of, const double *u, double *g)
{
    double a = log(0.7) - u[0] * u[0] / 2, b = log(0.6) - 2 * (u[0] - 2) * (u[0] - 2);
    double top = fmax(a, b), p = exp(a - top), q = exp(b - top);

    (void)of;
    if (g != NULL)
        g[0] = (-p * u[0] - q * 4 * (u[0] - 2)) / (p + q);
    return top + log(p + q) - log(2 * M_PI) / 2;
}

/* Two parts can be this density, and find it: one begins at the mode, and one near it. */
static void rises(void **state)
{
    void *of[] = { NULL };
    FitRules rules = { FAMILY_FULLRANK, 0, 4000, 5, 0, false, FIT_BOUND };
    Target t = { .n = 1, .log_density = shoulder, .of = of, .copies = 1 };
    Fit one = fit_posterior(&t, rules);

    (void)state;
    rules.parts = 2;
    Fit two = fit_posterior(&t, rules);
    const Gaussian *part = two.q.part;
    int wide = part[0].factor[0] > part[1].factor[0] ? 0 : 1;
    assert_true(one.elbo < -0.05);
    assert_close(two.elbo, 0, 1e-3);
    assert_close(two.q.weight[wide], 0.7, 0.03);
    assert_close(part[wide].mean[0], 0, 0.05);
    assert_close(part[1 - wide].mean[0], 2, 0.05);
    assert_close(part[wide].factor[0], 1, 0.05);
    assert_close(part[1 - wide].factor[0], 0.5, 0.03);
    assert_true(two.bound.converged && two.plain.psis.ess > 0.99 * 4000);
    fit_free(&one);
    fit_free(&two);
}

/* What the fit climbs, anew, by the same noise. */
static double bound_of(Target *t, const Mixture *q, long M)
{
    double U[2 * 200], value[200], log_q[200], E[200 * 4], sum = 0;

    assert_true(M <= 200 && t->n == 2);
    for (long k = 0; k < q->parts; k++) {
        noise_balanced(7, 1 + (uint64_t)k * STREAMS_OF_PART, M, gaussian_noise(&q->part[k]), E);
        gaussian_draw(&q->part[k], M, E, U);
        mixture_log_density(q, M, U, log_q);
        target_rows(t, M, U, value, NULL);
        for (long m = 0; m < M; m++)
            sum += q->weight[k] * (value[m] - log_q[m]) / (double)M;
    }
    return sum;
}

/* Where a fit has ended no number of any part, nor a weight, can be changed for the better, by
 * differences: so its gradients are right, of each kind of part. */
static void stationary(void **state)
{
    enum { M = 200 };
    void *of[] = { NULL };

    (void)state;
    for (int f = 0; f < 3; f++) {
        Target t = { .n = 2, .log_density = banana, .of = of, .copies = 1 };
        Start s = start_find(&t, 3);
        Mixture q = modes_begin(&t, &s, kinds[f], 1, 2, 3);
        BoundFit fit = { .converged = false };

        for (int k = 0; k < 20 && !fit.converged; k++)
            fit = mixture_elbo_fit(&t, &q, 7, 1, M);
        assert_true(fit.converged);
        assert_close(bound_of(&t, &q, M), fit.elbo, 1e-9);
        for (int k = 0; k < 2; k++) {
            Gaussian *p = &q.part[k];
            struct { double *x; long n; } parts[] = { { p->mean, 2 }, { p->factor, 2 * p->rank },
                                                      { p->sd, p->rank == 2 ? 0 : 2 } };

            for (int c = 0; c < 3; c++)
                for (long i = 0; i < parts[c].n; i++) {
                    double *x = &parts[c].x[i], old = *x, step = 1e-4;

                    if (c == 1 && p->rank == 2 && i == 1)
                        continue;      /* above the diagonal */
                    *x = old + step;
                    double above = bound_of(&t, &q, M);
                    *x = old - step;
                    double below = bound_of(&t, &q, M);
                    *x = old;
                    assert_close((above - below) / (2 * step), 0, 2e-2);
                    assert_true(above < fit.elbo + 1e-5 && below < fit.elbo + 1e-5);
                }
        }
        for (int side = -1; side <= 1; side += 2) {
            double old = q.weight[0];

            q.weight[0] = old + side * 1e-3;
            q.weight[1] = 1 - q.weight[0];
            assert_true(bound_of(&t, &q, M) < fit.elbo + 1e-5);
            q.weight[0] = old;
            q.weight[1] = 1 - old;
        }
        mixture_free(&q);
        start_free(&s);
    }
}

/* ---- annealing ---- */

/* 0.6 e^2 and 0.4 e^2 as above, from parts that are off in place, scale and weight. */
static void annealed(void **state)
{
    enum { N = 2, M = 4000 };
    long n = N;
    void *of[] = { &n };
    Target t = { .n = N, .log_density = two_modes, .of = of, .copies = 1 };
    Mixture q = mixture_new(N);
    double *U = dgm_alloc(M * N * sizeof *U), *weight = dgm_alloc(M * sizeof *weight), se;

    (void)state;
    for (int k = 0; k < 2; k++) {
        Gaussian part = gaussian(FAMILY_MEANFIELD, N, k == 0 ? -2.5 : 2.6);

        part.mean[1] = 0.4;
        mixture_add(&q, part, k == 0 ? 0.3 : 0.7);
    }
    mixture_anneal(&t, &q, 12, 17, 100, M, U, weight);
    double evidence = log_mean(M, weight, &se);
    assert_true(se < 0.05 && t.evaluations > M);
    assert_close(evidence, 2, 4 * se);
    Psis p = psis_smooth(M, weight);
    assert_true(psis_reliable(&p, M));
    for (int i = 0; i < N; i++) {
        double mean = 0, want = i == 0 ? -0.6 : 0, sd = i == 0 ? sqrt(0.7 + 9 - 0.36) : 1;

        for (long m = 0; m < M; m++)
            mean += weight[m] * U[m * N + i];
        assert_close((mean - want) / sd, 0, 4 / sqrt(p.ess));
    }
    mixture_free(&q);
    free(weight);
    free(U);
}

/* ---- threads ---- */

static void threads(void **state)
{
    long n = 2;
    void *of[] = { &n, &n, &n };
    Fit first = { .rules.draws = 0 };

    (void)state;
    for (int copies = 1; copies <= 3; copies++) {
        Target t = { .n = n, .log_density = two_modes, .of = of, .copies = copies, .seconds = 1 };
        Fit fit = fit_posterior(&t, (FitRules){ FAMILY_FULLRANK, 0, 400, 2, 3, false, FIT_BOUND });

        if (copies == 1) {
            first = fit;
            continue;
        }
        assert_memory_equal(first.plain.U, fit.plain.U, (size_t)(n * 400) * sizeof(double));
        assert_memory_equal(first.plain.weight, fit.plain.weight, 400 * sizeof(double));
        fit_free(&fit);
    }
    fit_free(&first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(density_at), cmocka_unit_test(mixture_law), cmocka_unit_test(rounding),
        cmocka_unit_test(modes),      cmocka_unit_test(one_mode),    cmocka_unit_test(rises),
        cmocka_unit_test(stationary), cmocka_unit_test(annealed),    cmocka_unit_test(threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
