/* test_dists.c - every distribution of lang/std obeys its laws; a new file is tested without a new
 * test. Each parameterization is lowered as a model would use it and run by the reference
 * interpreter:
 *   density  integrates (sums) to 1
 *   sample   moments equal mean and variance (|z| < 4); distribution equals cdf (Kolmogorov-
 *            Smirnov)
 *   entropy  equals -E log p, and every kl equals E[log p - log q], by Monte Carlo (|z| < 4)
 *   values   equal SciPy's (scipy_facts.def)
 * Test values of arguments follow from their declared types.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../compiler/tensor/lower.h"
#include "interp.h"

enum { DRAWS = 100000, GRID = 40001, SIDE = 401, MAX_INPUTS = 16 };

typedef struct Bench {
    Ctx *c;
    Ast *library;
    Lower L;
    InterpArray inputs[MAX_INPUTS];
    int n_inputs;
} Bench;

static void bench_open(Bench *b)
{
    b->c = ctx_new();
    b->library = parse_library(b->c);
    assert_non_null(b->library);
    assert_true(check(b->c, b->library, b->library));
    b->L = lower_open(b->c, NULL, NULL, b->library);
}

static void bench_begin(Bench *b)
{
    lower_begin(&b->L, str(b->c, "law"));
    b->n_inputs = 0;
}

/* ---- test values by type --------------------------------------------------------------------- */

/* Fills `out` with a value of an argument of `law` by its type: variant 0 or 1. Returns its rank;
 * sizes in dims. */
static int test_value(Str law, const Ast *arg, int variant, double *out, int64_t *dims)
{
    static const double real[2][3] = { { 0.7, -0.5, 0.2 }, { -0.4, 0.9, -1.1 } };
    /* Small scales first: a sample variance of a heavy tail (log-normal) is itself far from
     * normal. */
    static const double positive[2][3] = { { 0.6, 0.7, 2.4 }, { 1.1, 1.9, 1.2 } };
    static const double simplex[2][3] = { { 0.2, 0.5, 0.3 }, { 0.35, 0.25, 0.4 } };
    static const double chol[2][4] = { { 1.2, 0, 0.3, 0.8 }, { 0.7, 0, -0.4, 1.1 } };
    const Ast *type = arg->kids[ARGDECL_TYPE];
    const char *name = type ? type->name : "real";
    size_t rank = type && type->kids[TYPE_AXES] ? vec_len(type->kids[TYPE_AXES]->kids) : 0;
    bool square = !strcmp(name, "cholesky") || !strcmp(name, "covariance");
    if (square) {
        const double *l = chol[variant];
        double cov[4] = { l[0] * l[0], l[0] * l[2], l[0] * l[2], l[2] * l[2] + l[3] * l[3] };
        memcpy(out, !strcmp(name, "cholesky") ? l : cov, sizeof cov);
        dims[0] = dims[1] = 2;
        return 2;
    }
    /* Vectors of a law on real[K] have 2 elements, so that the plane can be integrated over. */
    bool planar = rank && (!strcmp(arg->name, "mu") || !strcmp(arg->name, "sd"));
    dims[0] = planar ? 2 : 3;
    const double *from = !strcmp(name, "positive") ? positive[variant]
        : !strcmp(name, "simplex") ? simplex[variant]
        : !strcmp(name, "unit") ? simplex[variant] : real[variant];
    memcpy(out, from, 3 * sizeof *out);
    if (!strcmp(arg->name, "upper"))
        out[0] = 2.5 + variant;
    if (!strcmp(arg->name, "nu"))
        out[0] = 9.5 + variant;
    /* More than 4 moments, so that its sample variance is near normal. */
    if (!strcmp(law, "inv_gamma") && !strcmp(arg->name, "shape"))
        out[0] = 12.5 + variant;
    return (int)rank;
}

static Val *input(Bench *b, const char *name, const double *data, Axis *outer, int rank,
                  const int64_t *dims)
{
    Axis *axes[4], *all[4];
    int n = 0;
    if (outer)
        all[n++] = outer;
    for (int i = 0; i < rank; i++)
        all[n++] = axes[i] = tir_axis(b->L.f, AXIS_EVENT, str(b->c, name), dims[i]);
    b->inputs[b->n_inputs++] = (InterpArray){ name, data };
    return val_tensor(&b->L, tir_input(b->L.f, INPUT_DATA, str(b->c, name), all, n), axes, rank);
}

/* The law (DISTRIBUTION or ALSO) at its test values, as a value named p or q. */
static Val *law_value(Bench *b, const Ast *law, const char *prefix, int variant)
{
    Ast **params = law_params(b->c, law);
    Val *v = arena_alloc(b->c->arena, sizeof *v);
    v->kind = VAL_DIST;
    v->law = law;
    for (size_t i = 0; i < vec_len(params); i++) {
        double *data = arena_alloc(b->c->arena, 4 * sizeof *data);
        int64_t dims[2];
        int rank = test_value(law_base(law)->name, params[i], variant, data, dims);
        Str name = str_fmt(b->c, "%s_%s", prefix, params[i]->name);
        v->args = env_bind(&b->L, v->args, params[i]->name,
                           input(b, name, data, NULL, rank, dims));
    }
    return v;
}

/* What the checker does for a program: a call of a law has the law as its declaration. */
static bool choose_law(Ast *e, void *bench)
{
    Bench *b = bench;
    for (size_t i = 0; e->kind == AST_CALL && i < vec_len(b->library->kids); i++) {
        Ast *d = b->library->kids[i];
        if (d->kind == AST_DISTRIBUTION && d->name == e->name)
            assert_non_null(e->decl = law_chosen(b->c, d, e));
    }
    return true;
}

static Val *eval_text(Bench *b, Env *env, const char *text)
{
    Ast *e = parse_expression(b->c, source_text(b->c, "law", text, strlen(text), false));
    assert_non_null(e);
    ast_walk(e, choose_law, b);
    return eval(&b->L, env, e);
}

static double *run(Bench *b, Val *v, Axis *grid)
{
    Axis *all[4];
    int n = 0;
    if (grid)
        all[n++] = grid;
    for (int i = 0; i < v->n_axes; i++)
        all[n++] = v->axes[i];
    Tir *t = n ? tir_expand(b->L.f, v->t, all, n) : v->t;
    tir_out(b->L.f, OUT_VALUE, str(b->c, "out"), 0, t);
    Interp in = {
        .rows = 1, .samples = 1, .arrays = b->inputs, .n_arrays = b->n_inputs, .seed = 11
    };
    double *out = interp_run(b->c->arena, b->L.f, &in)[0];
    b->L.f->outs = NULL;
    return out;
}

/* ---- laws ------------------------------------------------------------------------------------ */

static bool has(const Ast *law, const Ast *base, AstKind kind, const char *name)
{
    const Ast *bodies[2] = { law->kind == AST_ALSO ? law->kids[ALSO_BODY] : NULL,
                             base->kids[DIST_BODY] };
    for (int k = 0; k < 2; k++)
        for (size_t i = 0; bodies[k] && i < vec_len(bodies[k]->kids); i++)
            if (bodies[k]->kids[i]->kind == kind &&
                (!name || !strcmp(bodies[k]->kids[i]->name, name)))
                return true;
    return false;
}

static const char *support_name(const Ast *base) { return base->kids[DIST_SUPPORT]->name; }

static int event_rank(const Ast *base)
{
    const Ast *axes = base->kids[DIST_SUPPORT]->kids[TYPE_AXES];
    return axes ? (int)vec_len(axes->kids) : 0;
}

/* Points and weights of a rule over the support, to be freed; returns how many. */
static int64_t quadrature(const char *support, int rank, double **x, double **w)
{
    bool bit = !strcmp(support, "bit"), discrete = bit || !strcmp(support, "index");
    int64_t n = discrete ? 3 - bit : rank ? SIDE * SIDE : GRID;
    *x = calloc((size_t)n * 3, sizeof **x);
    *w = calloc((size_t)n, sizeof **w);
    for (int64_t i = 0; i < n; i++) {
        double t = rank ? 0 : -1 + 2.0 * (double)i / (GRID - 1);
        if (discrete) {
            (*x)[i] = (double)i;
            (*w)[i] = 1;
        } else if (!strcmp(support, "interval")) {
            /* uniform: between its test bounds */
            (*x)[i] = 0.7 + (2.5 - 0.7) * ((double)i + 0.5) / GRID;
            (*w)[i] = (2.5 - 0.7) / GRID;
        } else if (rank) {
            double h = 60.0 / SIDE, a = h * (double)(i / SIDE) - 30 + h / 2,
                   b = h * (double)(i % SIDE) - 30 + h / 2;
            if (!strcmp(support, "simplex")) {
                double m = fmax(0, fmax(a, b)), z = exp(a - m) + exp(b - m) + exp(-m);
                double p[3] = { exp(a - m) / z, exp(b - m) / z, exp(-m) / z };
                memcpy(*x + 3 * i, p, sizeof p);
                (*w)[i] = h * h * p[0] * p[1] * p[2];
            } else {
                (*x)[2 * i] = a / 3;
                (*x)[2 * i + 1] = b / 3;
                (*w)[i] = h * h / 9;
            }
        } else if (!strcmp(support, "real")) {
            (*x)[i] = sinh(25 * t);
            (*w)[i] = cosh(25 * t) * 50 / (GRID - 1);
        } else if (!strcmp(support, "positive")) {
            (*x)[i] = exp(50 * t);
            (*w)[i] = (*x)[i] * 100 / (GRID - 1);
        } else if (!strcmp(support, "unit")) {
            (*x)[i] = 1 / (1 + exp(-30 * t));
            (*w)[i] = (*x)[i] * (1 - (*x)[i]) * 60 / (GRID - 1);
        } else {
            fail_msg("no quadrature over support %s", support);
        }
    }
    return n;
}

static int64_t point_size(const char *support, int rank)
{
    return rank ? (!strcmp(support, "simplex") ? 3 : 2) : 1;
}

static void check_normalised(Bench *b, const Ast *base, const Ast *law)
{
    double *x, *w, sum = 0;
    const char *support = support_name(base);
    int rank = event_rank(base);
    int64_t n = quadrature(support, rank, &x, &w), dims = point_size(support, rank);
    bench_begin(b);
    Axis *grid = tir_axis(b->L.f, AXIS_PLATE, str(b->c, "g"), n);
    Env *env = env_bind(&b->L, NULL, str(b->c, "p"), law_value(b, law, "p", 0));
    env = env_bind(&b->L, env, str(b->c, "x"), input(b, "x", x, grid, rank, &dims));
    double *lp = run(b, eval_text(b, env, "logpdf(p, x)"), grid);
    for (int64_t i = 0; i < n; i++)
        if (w[i] > 0)
            sum += w[i] * exp(lp[i]);
    free(x);
    free(w);
    print_message("  %s: integral - 1 = %.2g\n", base->name, sum - 1);
    assert_true(fabs(sum - 1) < 1e-6);
}

typedef struct Moments { double mean, variance, fourth; } Moments;

static Moments moments(const double *x, int64_t n, int64_t stride)
{
    Moments m = { 0, 0, 0 };
    for (int64_t i = 0; i < n; i++)
        m.mean += x[i * stride] / (double)n;
    for (int64_t i = 0; i < n; i++) {
        double d = x[i * stride] - m.mean;
        m.variance += d * d / (double)n;
        m.fourth += d * d * d * d / (double)n;
    }
    return m;
}

static double *draw(Bench *b, const Ast *base, const Ast *law, int64_t *size)
{
    bench_begin(b);
    int rank = event_rank(base);
    Axis *grid = tir_axis(b->L.f, AXIS_PLATE, str(b->c, "g"), DRAWS), *event = NULL;
    *size = point_size(support_name(base), rank);
    if (rank)
        event = tir_axis(b->L.f, AXIS_EVENT, str(b->c, "k"), *size);
    Val *p = law_value(b, law, "p", 0);
    return run(b, dist_draw(&b->L, p, &grid, 1, &event, rank, 3), grid);
}

static double *fact(Bench *b, const Ast *law, const char *text)
{
    bench_begin(b);
    Env *env = env_bind(&b->L, NULL, str(b->c, "p"), law_value(b, law, "p", 0));
    return run(b, eval_text(b, env, text), NULL);
}

static void check_z(const char *name, const char *what, double z)
{
    print_message("  %s: %s z = %.2f\n", name, what, z);
    assert_true(fabs(z) < 4);
}

static void check_moments(Bench *b, const Ast *base, const Ast *law, const double *x, int64_t size)
{
    if (!has(law, base, AST_FACT, "mean") || !has(law, base, AST_FACT, "variance"))
        return;
    double *mean = fact(b, law, "mean(p)"), *variance = fact(b, law, "variance(p)");
    for (int64_t k = 0; k < size; k++) {
        Moments m = moments(x + k, DRAWS, size);
        check_z(base->name, "mean", (m.mean - mean[k]) / sqrt(variance[k] / DRAWS));
        double spread = sqrt((m.fourth - m.variance * m.variance) / DRAWS);
        check_z(base->name, "variance", (m.variance - variance[k]) / spread);
    }
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void check_cdf(Bench *b, const Ast *base, const Ast *law, const double *x)
{
    if (!has(law, base, AST_FUNCTION, "cdf"))
        return;
    double *sorted = malloc(DRAWS * sizeof *sorted), distance = 0;
    memcpy(sorted, x, DRAWS * sizeof *sorted);
    qsort(sorted, DRAWS, sizeof *sorted, by_value);
    bench_begin(b);
    Axis *grid = tir_axis(b->L.f, AXIS_PLATE, str(b->c, "g"), DRAWS);
    Env *env = env_bind(&b->L, NULL, str(b->c, "p"), law_value(b, law, "p", 0));
    env = env_bind(&b->L, env, str(b->c, "x"), input(b, "x", sorted, grid, 0, NULL));
    double *f = run(b, eval_text(b, env, "cdf(p, x)"), grid);
    for (int i = 0; i < DRAWS; i++)
        distance = fmax(distance, fmax(fabs(f[i] - (double)i / DRAWS),
                                       fabs(f[i] - (double)(i + 1) / DRAWS)));
    print_message("  %s: sqrt(n) KS = %.2f\n", base->name, distance * sqrt(DRAWS));
    assert_true(distance * sqrt(DRAWS) < 2.2);               /* p = 1e-4 */
    free(sorted);
}

/* E over draws of `text`, an expression of p, q and x, against the closed form. */
static void check_expectation(Bench *b, const Ast *base, const Ast *law, const Ast *other,
                              const double *x, int64_t size, const char *text, const char *closed)
{
    bench_begin(b);
    Axis *grid = tir_axis(b->L.f, AXIS_PLATE, str(b->c, "g"), DRAWS);
    Env *env = env_bind(&b->L, NULL, str(b->c, "p"), law_value(b, law, "p", 0));
    if (other)
        env = env_bind(&b->L, env, str(b->c, "q"), law_value(b, other, "q", 1));
    env = env_bind(&b->L, env, str(b->c, "x"), input(b, "x", x, grid, event_rank(base), &size));
    double *v = run(b, eval_text(b, env, text), grid);
    Moments m = moments(v, DRAWS, 1);
    bench_begin(b);
    env = env_bind(&b->L, NULL, str(b->c, "p"), law_value(b, law, "p", 0));
    if (other)
        env = env_bind(&b->L, env, str(b->c, "q"), law_value(b, other, "q", 1));
    double exact = run(b, eval_text(b, env, closed), NULL)[0];
    double error = sqrt(m.variance / DRAWS);
    if (error < 1e-12)
        assert_true(fabs(m.mean - exact) < 1e-9);
    else
        check_z(base->name, closed, (m.mean - exact) / error);
}

static void check_law(Bench *b, const Ast *base, const Ast *law)
{
    int64_t size;
    check_normalised(b, base, law);
    if (!has(law, base, AST_SAMPLE, NULL))
        return;
    double *x = draw(b, base, law, &size);
    check_moments(b, base, law, x, size);
    check_cdf(b, base, law, x);
    if (has(law, base, AST_FACT, "entropy"))
        check_expectation(b, base, law, NULL, x, size, "-logpdf(p, x)", "entropy(p)");
    /* A bounded law is not absolutely continuous with respect to another one. */
    if (has(law, base, AST_KL, NULL) && strcmp(support_name(base), "interval"))
        check_expectation(b, base, law, law, x, size, "logpdf(p, x) - logpdf(q, x)", "kl(p, q)");
}

static void every_distribution_obeys_its_laws(void **state)
{
    (void)state;
    Bench b = { 0 };
    bench_open(&b);
    int n = 0;
    for (size_t i = 0; i < vec_len(b.library->kids); i++) {
        const Ast *d = b.library->kids[i];
        if (d->kind != AST_DISTRIBUTION)
            continue;
        print_message("%s\n", d->name);
        check_law(&b, d, d);
        n++;
        const Ast *body = d->kids[DIST_BODY];
        for (size_t k = 0; k < vec_len(body->kids); k++)
            if (body->kids[k]->kind == AST_ALSO) {
                print_message("%s, another parameterization\n", d->name);
                check_law(&b, d, body->kids[k]);
            }
    }
    assert_true(n >= 13);
    assert_int_equal(diag_count(b.c), 0);
    ctx_free(b.c);
}

static const struct { const char *law, *x; double logpdf; } facts[] = {
#define FACT(law, x, value) { law, x, value },
#include "scipy_facts.def"
#undef FACT
};

static void log_densities_equal_scipy(void **state)
{
    (void)state;
    Bench b = { 0 };
    bench_open(&b);
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
        bench_begin(&b);
        Str text = str_fmt(b.c, "logpdf(%s, %s)", facts[i].law, facts[i].x);
        double v = run(&b, eval_text(&b, NULL, text), NULL)[0];
        if (!(fabs(v - facts[i].logpdf) <= 1e-10 * fmax(1, fabs(facts[i].logpdf))))
            fail_msg("%s is %.15g, SciPy says %.15g", text, v, facts[i].logpdf);
    }
    ctx_free(b.c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_distribution_obeys_its_laws),
        cmocka_unit_test(log_densities_equal_scipy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
