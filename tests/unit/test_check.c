/* test_check.c - the checker: sizes, ranges, types of programs, and every error it can report.
 *
 * errors.def carries for each error the smallest bad program and its repair: the bad one must give
 * exactly this error and no other, the good one must pass.
 */
#include "check/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- helpers --------------------------------------------------------------------------------- */
typedef struct Run {
    Ctx *c;
    Ast *file, *library;
    char *text;                        /* what was printed */
    size_t length;
    int errors;
    bool good;
} Run;

static Run run_source(Ctx *c, Source *source, const char *path, char **text, size_t *length)
{
    Run r = { .c = c };
    c->err = open_memstream(text, length);
    r.library = parse_library(c);
    r.file = path ? parse_file(c, path) : parse_text(c, source);
    r.good = r.file && check(c, r.file, r.library);
    if (r.good) check_verify(c, r.file);
    fclose(c->err);
    r.errors = diag_count(c);
    r.text = *text;
    r.length = *length;
    return r;
}

static Run run_text(const char *program)
{
    Ctx *c = ctx_new();
    char *text = NULL;
    size_t length = 0;
    Source *s = source_text(c, "test.dgm", program, strlen(program), false);
    return run_source(c, s, NULL, &text, &length);
}

static void run_end(Run *r)
{
    ctx_free(r->c);
    free(r->text);
}

static void expect_good(const char *program)
{
    Run r = run_text(program);
    if (!r.good) fail_msg("refused:\n%s\n%s", program, r.text);
    run_end(&r);
}

/* The dump of types has a line `line`, whatever its indentation. */
static void expect_type(const char *program, const char *line)
{
    Run r = run_text(program);
    if (!r.good) fail_msg("refused:\n%s\n%s", program, r.text);
    Out *o = out_new(r.c);
    size_t n;
    check_dump(r.c, o, r.file);
    const char *dump = out_text(o, &n), *at = strstr(dump, line);
    size_t length = strlen(line);
    bool whole = at && (at == dump || at[-1] == '\n' || at[-1] == ' ') && at[length] == '\n';
    if (!whole) fail_msg("no line `%s` in\n%s", line, dump);
    run_end(&r);
}

static void expect_error(const char *program, const char *code)
{
    Run r = run_text(program);
    if (r.errors != 1 || !strstr(r.text, code))
        fail_msg("expected one %s in\n%s\ngot %d:\n%s", code, program, r.errors, r.text);
    run_end(&r);
}

/* ---- sizes and ranges ------------------------------------------------------------------------ */
static void sizes_are_polynomials(void **state)
{
    (void)state;
    Ctx *c = ctx_new();
    Size *k = size_name(c, str(c, "K")), *one = size_const(c, 1), *two = size_const(c, 2);
    assert_ptr_equal(size_sub(c, size_add(c, k, one), one), k);
    assert_ptr_equal(size_mul(c, size_add(c, k, one), size_sub(c, k, one)),
                     size_sub(c, size_mul(c, k, k), one));
    assert_string_equal(size_text(c, size_sub(c, k, one)), "K - 1");
    assert_string_equal(size_text(c, size_sub(c, one, k)), "-K + 1");
    assert_ptr_equal(size_div(c, size_mul(c, two, k), 2), k);
    assert_ptr_equal(size_pow(c, k, two), size_mul(c, k, k));
    assert_ptr_equal(size_sub(c, k, k), size_const(c, 0));
    ctx_free(c);
}

static void sizes_have_values(void **state)
{
    (void)state;
    Ctx *c = ctx_new();
    Str name = str(c, "K"), missing;
    Size *k = size_name(c, name);
    Size *triangle = size_div(c, size_mul(c, k, size_add(c, k, size_const(c, 1))), 2);
    int64_t value;
    assert_false(size_value(c, triangle, &value, &missing));
    assert_ptr_equal(missing, name);
    vec_push(c, c->defines, ((Define){ name, 4, NULL }));
    assert_true(size_value(c, triangle, &value, &missing));
    assert_int_equal(value, 10);
    assert_true(size_value(c, size_pow(c, size_const(c, 2), k), &value, &missing));
    assert_int_equal(value, 16);
    Size *odd = size_div(c, size_sub(c, size_const(c, 0), k), 3);
    assert_true(size_value(c, odd, &value, &missing));
    assert_int_equal(value, -2);       /* rounded down */
    Size *huge = size_mul(c, size_const(c, INT64_MAX), size_const(c, 2));
    assert_false(size_value(c, huge, &value, &missing));
    huge = size_mul(c, k, size_const(c, INT64_MAX));
    assert_false(size_value(c, huge, &value, &missing));
    assert_null(missing);
    ctx_free(c);
}

static void ranges_contain_their_values(void **state)
{
    (void)state;
    const double points[] = { -3, -1, -0.5, 0, 0.25, 1, 2, 7 };
    const char *const ops[] = { "+", "-", "*", "/" };
    size_t n = sizeof points / sizeof *points;
    for (size_t a = 0; a < n; a++)
        for (size_t b = a; b < n; b++)
            for (size_t c = 0; c < n; c++)
                for (size_t d = c; d < n; d++)
                    for (int op = 0; op < 4; op++) {
                        Range r = range_binary(ops[op], range_from(points[a], points[b]),
                                               range_from(points[c], points[d]));
                        double x = 0.5 * (points[a] + points[b]), y = 0.5 * (points[c] + points[d]);
                        double v = op == 0 ? x + y : op == 1 ? x - y : op == 2 ? x * y : x / y;
                        if (op == 3 && y == 0) continue;
                        assert_true(r.lo - 1e-12 <= v && v <= r.hi + 1e-12);
                    }
}

/* ---- types ----------------------------------------------------------------------------------- */
#define IN_MODEL(text) "model m(D = 3, K = 2) { data x[N] : real[P]\n" text "\n}"

static void shapes_follow_operations(void **state)
{
    (void)state;
    expect_type(IN_MODEL("latent w : real[P] ~ normal(0, 1)\nfor n in N { let a = x[n] @ w }"),
                "let a : array[N] of real");
    expect_type(IN_MODEL("latent W : real[D, P] ~ normal(0, 1)\nlet A = W @ W'"),
                "let A : real[D, D]");
    expect_type(IN_MODEL("latent c[K] : real[P] ~ normal(0, 1)\nfor n in N { let d[k in K] = "
                         "sum(sq(x[n] - c[k])) }"), "let d : array[N, K] of nonnegative");
    expect_type(IN_MODEL("let s[n in N] = x[n][1 .. P]"), "let s : array[N] of real[P - 1]");
    expect_type(IN_MODEL("let r = { a: 1, b: [1, 2] }"), "let r : { a: count, b: count[2] }");
    expect_type(IN_MODEL("let m = argmax([1, 5, 2])"), "let m : index(3)");
    expect_type(IN_MODEL("let z = concat([1, 2], 3.5)"), "let z : positive[3]");
    expect_type(IN_MODEL("let u = 1 - logistic(0.3)"), "let u : unit");
}

static void nets_bind_input_sizes(void **state)
{
    (void)state;
    const char *vae =
        "model vae(D = 20, H = 500) {\n  data x[N] : bit[P]\n"
        "  net decoder(z) = z |> dense(H) |> tanh |> dense(P)\n"
        "  for n in N { latent z : real[D] ~ normal(0, 1)\n"
        "    x[n] ~ bernoulli(logits: decoder(z)) } }\n"
        "family for vae {\n"
        "  net encoder(x) = x |> dense(H) |> tanh\n"
        "    |> { mu: dense(D), sigma: dense(D) |> softplus }\n"
        "  for n in N { let q = encoder(x[n]); z ~ normal(q.mu, q.sigma) } }\n";
    expect_type(vae, "net decoder : real[P]");
    expect_type(vae, "let q : { mu: array[N] of real[D], sigma: array[N] of positive[D] }");
    expect_type(vae, "latent z : array[N] of real[D]");
}

static void latents_take_the_narrower_support(void **state)
{
    (void)state;
    expect_type("model m { latent s : real ~ gamma(1, 1); factor -s }", "latent s : positive");
    expect_type("model m { latent s : positive ~ normal(0, 1); factor -s }", "latent s : positive");
    expect_type("model m { latent p : real[3] ~ dirichlet(1); factor -sum(p) }",
                "latent p : simplex[3]");
    expect_good(
        "model m { latent s : real ~ gamma(1, 1); latent y : real ~ normal(0, s); factor -y }");
}

static void plates_open_again(void **state)
{
    (void)state;
    expect_good(IN_MODEL("latent a[D] : real ~ normal(0, 1)\nfor n in N { latent u : real ~ "
                         "normal(0, 1) }\nfor i in N { x[i] ~ normal(u, 1) }"));
    expect_good(IN_MODEL("for n in N { latent u : real ~ normal(0, 1); x[n] ~ normal(u, 1) }\n"
                         "report r = sum[n in N](u[n])"));
    expect_error(IN_MODEL("for n in N { latent u : real ~ normal(0, 1); x[n] ~ normal(u, 1) }\n"
                          "factor u"), "E0402");
}

static void scans_see_their_past(void **state)
{
    (void)state;
    expect_good("model m { data y[T] : real[D]; scan t in T {\n"
                "  let nu = previous(err, 0); y[t] ~ normal(nu, 1); let err = y[t] - nu } }");
    expect_type("model m { data y[T] : real[D]; scan t in T {\n"
                "  let nu = previous(err, 0); y[t] ~ normal(nu, 1); let err = y[t] - nu } }",
                "let nu : array[T] of real[D]");
    expect_good("model m { data y[T] : real; scan t in T {\n"
                "  latent h : real ~ if t == 0 then normal(0, 1) else normal(h[t-1], 1)\n"
                "  y[t] ~ normal(h, 1) } }");
    expect_error("model m { data y[T] : real; for t in T {\n"
                 "  latent h : real ~ normal(h[t-1], 1); y[t] ~ normal(h, 1) } }", "E0309");
    const char *infected =
        "model m(T = 9) { data w : unit[2]; data y[T] : count\n"
        "  latent start : positive ~ exponential(1); latent r : real ~ normal(0, 1)\n"
        "  scan t in T {\n"
        "    let force = w[0] * previous(cases, start) + w[1] * previous(cases, start, lag: 2)\n"
        "    let cases = exp(r) * force; y[t] ~ poisson(cases) } }";
    expect_type(infected, "let force : array[T] of positive");
    expect_type(infected, "let cases : array[T] of positive");
    expect_error("model m(T = 9) { data y[T] : count; latent r : real ~ normal(0, 1)\n"
                 "  scan t in T { let f = previous(c, 1); let c = r * f; y[t] ~ poisson(c) } }",
                 "E0701");
}

static void sizes_are_compared_as_names(void **state)
{
    (void)state;
    expect_good("model m(K = 3) { latent a : real[K] ~ normal(0, 1); factor -sum(a * [1, 2, 3]) }");
    expect_error("model m(K = 3) { latent a : real[K] ~ normal(0, 1); factor -sum(a * [1, 2]) }",
                 "E0401");
    expect_good("model m { data a[N] : real[P]; for n in N { a[n] ~ normal([1, 2], 1) } }");
    expect_error(
        "model m(H = 5) { data a[N] : real[P]; for n in N { a[n] ~ normal(a[n] |> dense(H),"
        " 1) } }",
        "E0417");
}

static void own_definitions_are_like_the_library(void **state)
{
    (void)state;
    expect_good("distribution gumbel(mu : real, beta : positive) on real {\n"
                "  let z(x) = (x - mu) / beta\n  logpdf(x) = -(z(x) + exp(-z(x))) - log(beta)\n"
                "  cdf(x) = exp(-exp(-z(x)))\n"
                "  sample { u : unit ~ uniform(0, 1); mu - beta * log(-log(u)) }\n"
                "  mean = mu + beta * euler_gamma\n  variance = sq(pi * beta) / 6\n}\n"
                "model m { latent x : real ~ gumbel(0, 1); factor -x }");
    expect_good(
        "layer twice(H)(x : real[I]) { param W : real[I, H] init normal(0, 0.1)\n"
        "  2 * (x @ W) }\nmodel m { data x[N] : real[P]; net f(x) = x |> twice(3) |> twice(P)\n"
        "  for n in N { x[n] ~ normal(f(x[n]), 1) } }");
    expect_good(
        "support above_two { constrain(u) = 2 + exp(u); log_jacobian(u) = u }\n"
        "model m { latent x : above_two ~ flat; latent y : real ~ normal(0, x); factor -y }");
    expect_type("support pair[K] free [2 * K] { constrain(u) = u[0 .. K] + exp(u[K .. 2 * K])\n"
                "  log_jacobian(u) = sum(u[K .. 2 * K]) }\n"
                "model m { latent x : pair[4] ~ flat; factor -sum(x) }", "latent x : pair[4]");
    expect_good("distribution normal(mu : real, spread : positive) on real {\n"
                "  logpdf(x) = -sq((x - mu) / spread) - log(spread) }\n"
                "model m { latent x : real ~ normal(0, spread: 1); factor -x }");
}

static void library_checks(void **state)
{
    (void)state;
    Ctx *c = ctx_new();
    char *text = NULL;
    size_t length = 0;
    c->err = open_memstream(&text, &length);
    Ast *library = parse_library(c);
    bool good = library && check(c, library, library);
    fclose(c->err);
    if (!good) fail_msg("%s", text);
    ctx_free(c);
    free(text);
}

/* Bodies that call each other twice at every level are typed once for each kind of arguments. */
static void nested_calls_cost_no_more_than_their_kinds(void **state)
{
    (void)state;
    size_t size = 20000;
    char *program = malloc(size);
    int n = snprintf(program, size, "let f0(x) = x + 1\n");
    for (int i = 1; i < 150; i++)
        n += snprintf(program + n, size - (size_t)n, "let f%d(x) = f%d(x) + f%d(x)\n", i, i - 1,
                      i - 1);
    snprintf(program + n, size - (size_t)n,
             "model m { latent x : real ~ normal(f149(1), 1); factor x }");
    expect_good(program);
    free(program);
}

static void sizes_to_be_bound(void **state)
{
    (void)state;
    Run r = run_text("model m(K) { data x[N] : real[P]; latent w : real[P, K] ~ normal(0, 1)\n"
                     "  for n in N { x[n] ~ normal(sum(w), 1) } }");
    assert_true(r.good);
    char *text = NULL;
    size_t length = 0;
    r.c->err = open_memstream(&text, &length);
    assert_false(check_sizes_bound(r.c, r.file, r.file->kids[0]));
    fclose(r.c->err);
    assert_int_equal(diag_count(r.c), 2);
    assert_non_null(strstr(text, "--data x=FILE"));
    assert_non_null(strstr(text, "-D K="));
    free(text);
    vec_push(r.c, r.c->defines, ((Define){ str(r.c, "P"), 7, NULL }));
    vec_push(r.c, r.c->defines, ((Define){ str(r.c, "K"), 2, NULL }));
    assert_true(check_sizes_bound(r.c, r.file, r.file->kids[0]));
    run_end(&r);
}

/* ---- errors.def ------------------------------------------------------------------------------ */
static const struct { const char *code, *bad, *good; } rows[] = {
#define ERROR(id, code, message, explanation, bad, good) { code, bad, good },
#include "base/errors.def"
#undef ERROR
};

static bool ours(const char *code)
{
    return (code[1] == '0' && code[2] >= '3' && code[2] <= '7') || !strcmp(code, "E0901");
}

static void every_error_has_its_program(void **state)
{
    (void)state;
    int seen = 0, wrong = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char mark[32];
        if (!ours(rows[i].code) || !*rows[i].bad) continue;
        seen++;
        snprintf(mark, sizeof mark, "error[%s]", rows[i].code);
        Run bad = run_text(rows[i].bad);
        if (bad.errors != 1 || !strstr(bad.text, mark)) {
            print_error("%s: bad program gives %d errors:\n%s\n", rows[i].code, bad.errors,
                        bad.text);
            wrong++;
        }
        run_end(&bad);
        Run good = run_text(rows[i].good);
        if (!good.good) {
            print_error("%s: good program is refused:\n%s\n", rows[i].code, good.text);
            wrong++;
        }
        run_end(&good);
    }
    assert_true(seen > 70);
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_polynomials),
        cmocka_unit_test(sizes_have_values),
        cmocka_unit_test(ranges_contain_their_values),
        cmocka_unit_test(library_checks),
        cmocka_unit_test(shapes_follow_operations),
        cmocka_unit_test(nets_bind_input_sizes),
        cmocka_unit_test(latents_take_the_narrower_support),
        cmocka_unit_test(plates_open_again),
        cmocka_unit_test(scans_see_their_past),
        cmocka_unit_test(sizes_are_compared_as_names),
        cmocka_unit_test(own_definitions_are_like_the_library),
        cmocka_unit_test(nested_calls_cost_no_more_than_their_kinds),
        cmocka_unit_test(sizes_to_be_bound),
        cmocka_unit_test(every_error_has_its_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
