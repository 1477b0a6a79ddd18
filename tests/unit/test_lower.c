/* test_lower.c - what the lowering makes of a model: parameters as they are stored, results by
 * shape. */
#include "lower/lower.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static Lowered *lowered(Ctx *c, const char *program)
{
    Ast *library = parse_library(c);
    Ast *file = parse_text(c, source_text(c, "test.dgm", program, strlen(program), false));
    assert_true(file && check(c, file, library));
    Model *m = model_build(c, file, NULL);
    assert_true(m && prove_plates(c, m, false));
    Derivation *d = derive(c, m, library);
    assert_non_null(d);
    Lowered *l = lower(c, d, file, library);
    assert_non_null(l);
    lowered_verify(l);
    return l;
}

static const LowParam *param(const Lowered *l, const char *name)
{
    for (size_t i = 0; i < vec_len(l->params); i++)
        if (!strcmp(l->params[i]->name, name))
            return l->params[i];
    fail_msg("no parameter %s", name);
    return NULL;
}

static const LowResult *result(const Lowered *l, const char *program, const char *name)
{
    const LowProgram *p = lowered_program(l, program);
    for (size_t i = 0; i < vec_len(p->results); i++)
        if (!strcmp(p->results[i].name, name))
            return &p->results[i];
    fail_msg("%s has no result %s", program, name);
    return NULL;
}

static void assert_shape(const int64_t *shape, int rank, int64_t a, int64_t b)
{
    int64_t expected[2] = { a, b };
    assert_int_equal(rank, (a > 0) + (b > 0));
    for (int i = 0; i < rank; i++)
        assert_int_equal(shape[i], expected[i]);
}

/* A number is where the parameter itself starts; its support's map says where the free one does. */
static void init_number_is_on_the_support(void **state)
{
    (void)state;
    static const struct { const char *declaration; double free; } cases[] = {
        { "real init 3", 3 },
        { "real init -0.5", -0.5 },
        { "positive init 2", 0.69314718055994531 },
        { "nonnegative init 1", 0 },
        { "unit init 0.25", -1.0986122886681098 },
        { "interval(1, 3) init 2", 0 },
        { "positive init sqrt(4) / 2", 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Ctx *c = ctx_new();
        Lowered *l = lowered(c, str_fmt(c, "model m { data y[N] : real; param s : %s\n"
                                           "for n in N { y[n] ~ normal(s, 1) } }",
                                        cases[i].declaration));
        assert_int_equal(param(l, "s")->init, INIT_CONST);
        assert_true(fabs(param(l, "s")->a - cases[i].free) < 1e-12);
        ctx_free(c);
    }
}

static void parameter_of_a_plate_has_its_axes(void **state)
{
    (void)state;
    Ctx *c = ctx_new();
    Lowered *l =
        lowered(c, "model m(J = 3, K = 2) {\n  data y[J, K] : real\n  param b[J] : real[2]\n"
                   "  for j in J {\n    param mu : real\n    param p : simplex[4]\n"
                   "    for k in K { param s : positive\n"
                   "      y[j, k] ~ normal(mu + p[0] + sum(b[j]), s) } } }");
    assert_shape(param(l, "mu")->shape, param(l, "mu")->rank, 3, 0);
    assert_shape(param(l, "p")->shape, param(l, "p")->rank, 3, 3);
    assert_shape(param(l, "s")->shape, param(l, "s")->rank, 3, 2);
    assert_shape(param(l, "b")->shape, param(l, "b")->rank, 3, 2);
    const LowResult *p = result(l, "constrain", "p");
    assert_shape(p->shape, p->rank, 3, 4);
    ctx_free(c);
}

/* mean(normal(mu, s)) of x : real[D] has D numbers, whichever of its arguments are numbers. */
static void mean_has_the_shape_of_what_is_drawn(void **state)
{
    (void)state;
    static const char *const means[] = { "m", "w", "m + w" };
    for (size_t i = 0; i < 3; i++) {
        Ctx *c = ctx_new();
        Lowered *l = lowered(c, str_fmt(c, "model t { data x[N] : real[5]\n"
                                           "  latent m : real ~ normal(0, 1)\n"
                                           "  latent w : real[5] ~ normal(0, 1)\n"
                                           "  for n in N { x[n] ~ normal(%s, 1) }\n"
                                           "  factor -sum(w) - m }", means[i]));
        const LowResult *x = result(l, "reconstruct", "x.mean");
        assert_shape(x->shape, x->rank, 5, 0);
        assert_true(x->rows);
        ctx_free(c);
    }
}

static bool step_reads(Ctx *c, const char *program, const char *param)
{
    Out *o = out_new(c);
    size_t n;
    tir_print(o, lowered_program(lowered(c, program), "step")->fn);
    return strstr(out_text(o, &n), str_fmt(c, "input param %s ", param)) != NULL;
}

/* `pi` is the model's own where it declares one, and the constant in bodies of the library. */
static void declared_names_hide_constants(void **state)
{
    (void)state;
    Ctx *c = ctx_new();
    assert_true(step_reads(c, "model m { data x[N] : real; param pi : real\n"
                              "for n in N { x[n] ~ normal(2 * pi, 1) } }", "pi"));
    assert_false(step_reads(c, "model m { data x[N] : real; param pi : real; param nu : positive\n"
                               "for n in N { x[n] ~ student_t(nu, 0, 1) } }", "pi"));
    ctx_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(init_number_is_on_the_support),
        cmocka_unit_test(parameter_of_a_plate_has_its_axes),
        cmocka_unit_test(mean_has_the_shape_of_what_is_drawn),
        cmocka_unit_test(declared_names_hide_constants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
