/* test_rt_optim.c - optimisers and schedules: steps by hand, convergence, panels, clipping. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "optim/optim.h"
#include "optim/stationary.h"

enum { PARAMS = 1000 };

static const char *const adam_names[] = { "schedule.cosine", "lr", "final", "warmup" };
static const double adam_values[] = { 1, 0.25, 0.5, 4 };

static const DgmProgram program = { .name = "step", .n_tasks = 3 };
static const DgmModel plain = { .name = "toy", .param_reals = PARAMS };
static const DgmModel with_block = { .name = "toy", .param_reals = PARAMS, .optimizer = "adam",
                                     .hyper_names = adam_names, .hyper_values = adam_values,
                                     .n_hyper = 4 };

/* A context over one slab of parameters; bad_term = -1 as dgm_bind leaves it. */
typedef struct Toy {
    Real param[PARAMS], grad[PARAMS];
    double norm2[3];
    DgmCtx c;
} Toy;

static Toy *toy_new(const char *optimiser)
{
    Toy *t = calloc(1, sizeof *t);
    t->c = (DgmCtx){ .model = &plain, .program = &program, .param = t->param, .grad = t->grad,
                     .norm2 = t->norm2, .bad_term = -1, .optim = dgm_optim_new(optimiser, &plain) };
    return t;
}

static void toy_free(Toy *t)
{
    dgm_optim_free(t->c.optim);
    free(t);
}

static void assert_close(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("%.17g is not %.17g", got, want);
}

/* Gradients 1, 2, -1 at one parameter. */
static void three_steps(const char *name, double lr, const char *other, double value,
                        const double want[3])
{
    Toy *t = toy_new(name);
    const double g[] = { 1, 2, -1 };
    assert_true(dgm_optim_set(t->c.optim, "lr", lr));
    assert_true(other == NULL || dgm_optim_set(t->c.optim, other, value));
    for (int i = 0; i < 3; i++) {
        t->grad[7] = (Real)g[i];
        dgm_optim_begin(t->c.optim, (uint64_t)i, 3);
        dgm_update(&t->c, 0, 7, 1);
        assert_close((double)t->param[7], want[i], sizeof(Real) == 8 ? 1e-14 : 1e-7);
        assert_close(t->norm2[0], g[i] * g[i], 0);
    }
    toy_free(t);
}

static void by_hand(void **state)
{
    (void)state;
    three_steps("sgd", 0.1, "momentum", 0.9, (double[]){ 0.1, 0.39, 0.551 });
    three_steps("adagrad", 0.5, NULL, 0,
                (double[]){ 0.49999999995, 0.947213595429958, 0.74308945020636 });
    three_steps("adam", 0.1, NULL, 0,
                (double[]){ 0.0999999990000001, 0.196518200971834, 0.238527131031813 });
}

/* max of -1/2 sum a_i (p_i - t_i)^2, from 0: every rule gets there. */
static void converges(void **state)
{
    (void)state;
    const struct { const char *name; double lr; int steps; } rows[] = {
        { "sgd", 0.5, 400 }, { "adagrad", 1, 1500 }, { "adam", 0.05, 1500 } };
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        Toy *t = toy_new(rows[k].name);
        dgm_optim_set(t->c.optim, "lr", rows[k].lr);
        for (int s = 0; s < rows[k].steps; s++) {
            for (int i = 0; i < PARAMS; i++)
                t->grad[i] = (Real)(1 + i % 3) / 3 * ((Real)(i % 11 - 5) / 5 - t->param[i]);
            dgm_optim_begin(t->c.optim, (uint64_t)s, (uint64_t)rows[k].steps);
            dgm_update(&t->c, 0, 0, PARAMS);
        }
        for (int i = 0; i < PARAMS; i++)
            assert_close((double)t->param[i], (i % 11 - 5) / 5.0, 1e-4);
        toy_free(t);
    }
}

static void run_split(Toy *t, long width, double clip)
{
    t->c.clip = clip;
    for (int s = 0; s < 5; s++) {
        for (int i = 0; i < PARAMS; i++)
            t->grad[i] = (Real)(dgm_random_unit(3, DGM_STREAM_CHECK, (uint64_t)s, (uint64_t)i) -
                                0.5);
        dgm_optim_begin(t->c.optim, (uint64_t)s, 5);
        for (long at = 0; at < PARAMS; at += width)
            dgm_update(&t->c, 0, at, PARAMS - at < width ? PARAMS - at : width);
        t->norm2[0] = 2;
        dgm_update_norm(&t->c);
        for (long at = 0; clip > 0 && at < PARAMS; at += width)
            dgm_update_clipped(&t->c, at, PARAMS - at < width ? PARAMS - at : width);
    }
}

/* However the parameters are cut into panels, the bits are the same; so are the moments. */
static void panels(void **state)
{
    (void)state;
    const long widths[] = { 1, 3, 7, 16, 33, 500 };
    for (int k = 0; k < dgm_optim_count(); k++)
        for (int clipped = 0; clipped < 2; clipped++) {
            Toy *whole = toy_new(dgm_optim_info(k)->name);
            run_split(whole, PARAMS, clipped ? 0.7 : 0);
            for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
                Toy *cut = toy_new(dgm_optim_info(k)->name);
                run_split(cut, widths[w], clipped ? 0.7 : 0);
                assert_memory_equal(whole->param, cut->param, sizeof whole->param);
                for (int s = 0; s < dgm_optim_info(k)->n_slabs; s++)
                    assert_memory_equal(whole->c.optim->slabs[s], cut->c.optim->slabs[s],
                                        sizeof(Real) * PARAMS);
                toy_free(cut);
            }
            toy_free(whole);
        }
}

static void clipping(void **state)
{
    (void)state;
    Toy *t = toy_new("sgd");
    dgm_optim_set(t->c.optim, "lr", 1);
    dgm_optim_begin(t->c.optim, 0, 1);
    t->c.clip = 1;
    t->grad[0] = 3, t->grad[500] = 4, t->grad[999] = 12;
    dgm_update(&t->c, 0, 0, 400);
    dgm_update(&t->c, 1, 400, 300);
    dgm_update(&t->c, 2, 700, 300);
    assert_true(t->param[0] == 0);                     /* measured only */
    dgm_update_norm(&t->c);
    assert_close(t->c.grad_norm, 13, 1e-12);
    dgm_update_clipped(&t->c, 0, PARAMS);
    assert_close((double)t->param[0], 3 / 13.0, 1e-7);
    assert_close((double)t->param[999], 12 / 13.0, 1e-7);
    t->c.clip = 20;                                    /* below the limit: untouched */
    dgm_update_clipped(&t->c, 999, 1);
    assert_close((double)t->param[999], 12 / 13.0 + 12, 1e-6);
    t->grad[1] = (Real)NAN;
    dgm_update(&t->c, 0, 0, 400);
    dgm_update_norm(&t->c);
    dgm_update_clipped(&t->c, 0, PARAMS);
    assert_true(isnan(t->c.grad_norm) && !isnan(t->param[1]));
    toy_free(t);
}

/* A bad term, or no optimiser: the norm is still there, nothing moves. */
static void nothing_moves(void **state)
{
    (void)state;
    Toy *t = toy_new("adam");
    t->grad[0] = 2;
    t->c.bad_term = 0;
    dgm_update(&t->c, 1, 0, PARAMS);
    dgm_update_clipped(&t->c, 0, PARAMS);
    DgmOptim *o = t->c.optim;
    t->c.bad_term = -1;
    t->c.optim = NULL;
    dgm_update(&t->c, 2, 0, PARAMS);
    assert_true(t->param[0] == 0 && o->slabs[0][0] == 0);
    assert_true(t->norm2[1] == 4 && t->norm2[2] == 4);
    t->c.optim = o;
    toy_free(t);
}

static double rate(DgmOptim *o, uint64_t step, uint64_t total)
{
    dgm_optim_begin(o, step, total);
    return dgm_optim_lr(o);
}

static void schedules(void **state)
{
    (void)state;
    DgmOptim *o = dgm_optim_new("sgd", &plain);
    dgm_optim_set(o, "lr", 2);
    assert_close(rate(o, 70, 100), 2, 0);
    assert_true(dgm_optim_set_schedule(o, "decay") && dgm_optim_set(o, "final", 0.25));
    assert_close(rate(o, 0, 100), 2, 0);
    assert_close(rate(o, 50, 100), 1, 1e-15);
    assert_close(rate(o, 100, 100), 0.5, 1e-15);
    assert_close(rate(o, 50, 0), 2, 0);                /* length of the run unknown */
    assert_true(dgm_optim_set_schedule(o, "cosine") && dgm_optim_set(o, "final", 0));
    assert_close(rate(o, 50, 100), 1, 1e-15);
    assert_close(rate(o, 25, 100), 1 + sqrt(0.5), 1e-14);
    assert_true(dgm_optim_set_schedule(o, "linear") && dgm_optim_set(o, "final", 0.5));
    assert_close(rate(o, 50, 100), 1.5, 1e-15);
    assert_close(rate(o, 500, 100), 1, 1e-15);         /* past the end it stays */
    assert_true(dgm_optim_set_schedule(o, "robbins_monro") && dgm_optim_set(o, "delay", 3));
    assert_true(dgm_optim_set(o, "forgetting", 0.5));
    assert_close(rate(o, 0, 0), 1, 1e-15);
    assert_close(rate(o, 12, 0), 0.5, 1e-15);
    assert_true(dgm_optim_set_schedule(o, "constant") && dgm_optim_set(o, "warmup", 4));
    assert_close(rate(o, 0, 100), 0.5, 0);
    assert_close(rate(o, 2, 100), 1.5, 0);
    assert_close(rate(o, 3, 100), 2, 0);
    assert_false(dgm_optim_set_schedule(o, "sawtooth"));
    assert_false(dgm_optim_set(o, "delay", 1));        /* not of this schedule */
    dgm_optim_free(o);
}

static void tables(void **state)
{
    (void)state;
    for (int k = 0; k < dgm_optim_count(); k++) {
        const DgmOptimInfo *info = dgm_optim_info(k);
        assert_string_equal(info->hyper[0].name, "lr");
        assert_true(info == dgm_optim_find(info->name) && info->n_slabs <= DGM_OPTIM_MAX_SLABS);
        DgmOptim *o = dgm_optim_new(info->name, &with_block);
        const char *names[DGM_OPTIM_MAX_SLABS];
        Real *slabs[DGM_OPTIM_MAX_SLABS];
        assert_int_equal(dgm_optim_state(o, names, slabs), info->n_slabs);
        for (int s = 0; s < info->n_slabs; s++)
            assert_true(slabs[s][PARAMS - 1] == 0 && strcmp(names[s], info->slab_names[s]) == 0);
        for (int h = 0; h < info->n_hyper; h++)
            assert_true(info->hyper[h].doc != NULL && dgm_optim_set(o, info->hyper[h].name, 0.5));
        assert_false(dgm_optim_set(o, "no_such_number", 1));
        dgm_optim_free(o);
    }
    assert_null(dgm_optim_find("nadam"));
    /* the train block applies to the optimiser it names, whatever the order of its numbers */
    DgmOptim *o = dgm_optim_new("adam", &with_block), *other = dgm_optim_new("sgd", &with_block);
    DgmHyper all[16];
    assert_int_equal(dgm_optim_values(o, all, 16), 6);
    assert_close(all[0].value, 0.25, 0);
    assert_string_equal(o->schedule->name, "cosine");
    assert_close(all[4].value, 0.5, 0);
    assert_close(o->warmup, 4, 0);
    assert_close(other->hyper[0].value, 0.01, 0);
    assert_int_equal(dgm_optim_values(o, all, 2), 2);
    dgm_optim_free(o);
    dgm_optim_free(other);
}

static void unknown_optimiser(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        fclose(stderr);
        dgm_optim_new("nadam", &plain);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == DGM_EXIT_USAGE);
}

/* ---- when to stop --------------------------------------------------------------------------- */

typedef enum { NOISE_NORMAL, NOISE_STUDENT5, NOISE_EXPONENTIAL, N_NOISES } Noise;
typedef enum { GAIN_CONSTANT, GAIN_FALLING, GAIN_PAUSING, N_GAINS } Shape;

static double unit(uint64_t a, uint64_t b) { return dgm_random_unit(1, DGM_STREAM_CHECK, a, b); }

/* Mean 0, variance 1. */
static double noise(Noise kind, uint64_t trace, uint64_t i)
{
    double z = dgm_normal_quantile_d(unit(trace, 8 * i)), squares = 0;
    if (kind == NOISE_EXPONENTIAL)
        return -log(unit(trace, 8 * i)) - 1;
    for (uint64_t k = 1; kind == NOISE_STUDENT5 && k <= 5; k++)
        squares += pow(dgm_normal_quantile_d(unit(trace, 8 * i + k)), 2);
    return kind == NOISE_NORMAL ? z : z / sqrt(squares / 5) / sqrt(5.0 / 3);
}

/* Gain of window k for a tolerance of 1: never below it. */
static double true_gain(Shape shape, int k)
{
    switch (shape) {
    case GAIN_FALLING: return 1 + 30 / (double)(k * k);
    case GAIN_PAUSING: return k % 4 == 0 ? 20 : 1;
    default: return 1;
    }
}

/* Do three windows in a row, of the 20 of a run, gain less than 1? sd: of one difference. */
static bool stops(Shape shape, Noise kind, double sd, bool stands, uint64_t trace, int *window)
{
    enum { PAIRS = 64, WINDOWS = 20 };
    double difference[PAIRS];
    int tests = 0, small = 0;
    for (*window = 1; *window <= WINDOWS && small < 3; ++*window) {
        bool less = false;
        double gain = stands ? 0 : true_gain(shape, *window);
        for (int i = 0; i < PAIRS; i++)
            difference[i] = gain + sd * noise(kind, trace, (uint64_t)(*window * PAIRS + i));
        for (long n = 16; n <= PAIRS && !less; n *= 2) {
            DgmGain g = dgm_gain(n, difference);
            less = dgm_gain_limit(&g, ++tests) < 1;
        }
        small = less ? small + 1 : 0;
    }
    return small == 3;
}

/* Of runs that still rise by the tolerance or more, at most DGM_FALSE_STOPS are stopped, whatever
 * the noise: 1000 each of nine kinds; those that stand are. */
static void test_false_stops(void **state)
{
    enum { TRACES = 1000 };
    int window;                        /* one more than it took */
    (void)state;
    for (int shape = 0; shape < N_GAINS; shape++)
        for (int kind = 0; kind < N_NOISES; kind++) {
            int stopped = 0, found = 0, delay = 0;
            for (int trace = 0; trace < TRACES; trace++) {
                uint64_t key = (uint64_t)((shape * N_NOISES + kind) * TRACES + trace);
                stopped += stops(shape, kind, 3, false, key, &window);
                if (stops(shape, kind, 1, true, key, &window)) {
                    found++;
                    delay += window;
                }
            }
            print_message("gain %d, noise %d: %d of %d false stops; standing: %d stopped, after "
                          "%.2f windows\n", shape, kind, stopped, TRACES, found,
                          (double)delay / found - 1);
            assert_true(stopped <= DGM_FALSE_STOPS * TRACES);
            assert_int_equal(found, TRACES);
        }
}

/* Against tables of Student's t: level 0.01 * 6 / pi^2 of the first test, one-sided. */
static void test_gain_limit(void **state)
{
    static const struct { long n; double t; } table[] = {
        { 16, 2.850323 }, { 31, 2.668930 }, { 121, 2.546132 } };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        DgmGain g = { .mean = 2, .se = 0.5, .n = table[i].n };
        assert_close(dgm_gain_limit(&g, 1), 2 + 0.5 * table[i].t, 2e-3);
    }
    double same[] = { 1, 1, 1 };
    DgmGain g = dgm_gain(3, same);
    assert_true(g.se == 0 && dgm_gain_limit(&g, 5) == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_hand),  cmocka_unit_test(converges),     cmocka_unit_test(panels),
        cmocka_unit_test(clipping), cmocka_unit_test(nothing_moves), cmocka_unit_test(schedules),
        cmocka_unit_test(tables),   cmocka_unit_test(unknown_optimiser),
        cmocka_unit_test(test_false_stops), cmocka_unit_test(test_gain_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
