/* test_dists.c - every distribution of lang/std obeys its laws; a new file is tested without a new
 * test. Each parameterization is lowered as a model would use it and run by the reference
 * interpreter:
 *   density  integrates (sums) to 1, and is a number at the ends of its support
 *   sample   moments equal mean and variance (|z| < 4); distribution equals cdf (Kolmogorov-
 *            Smirnov)
 *   entropy  equals -E log p, and every kl equals E[log p - log q], by Monte Carlo (|z| < 4)
 *   values   equal SciPy's (scipy_facts.def)
 * Test values of arguments follow from their declared types. Names on the command line choose laws;
 * `K/N` every Nth from the Kth, so that several runs share them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
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

/* Where the value of its type would not do. Shapes of heavy tails are large: their sample variance
 * is near normal only if there are moments beyond the fourth. */
static const struct { const char *law, *arg; double v[2]; } given[] = {
    { "uniform", "upper", { 2.5, 3.5 } },
    { "triangular", "upper", { 2.5, 3.5 } },
    { "triangular", "peak", { 1.1, 0.9 } },
    { "reciprocal", "b", { 2.5, 3.5 } },
    { "", "nu", { 9.5, 10.5 } },
    { "inv_chi_squared", "nu", { 24, 25 } },
    { "scaled_inv_chi_squared", "nu", { 24, 25 } },
    { "wishart", "nu", { 6.5, 7.5 } },
    { "inv_wishart", "nu", { 15.5, 13.5 } },
    { "inv_gamma", "shape", { 12.5, 13.5 } },
    { "pareto", "shape", { 12.5, 13.5 } },
    { "frechet", "shape", { 12.5, 13.5 } },
    { "log_logistic", "shape", { 12.5, 13.5 } },
    { "beta_prime", "b", { 12.5, 13.5 } },
    { "fisher_f", "d2", { 24, 25 } },
    { "generalized_normal", "shape", { 1.6, 2.4 } },
    { "lkj", "eta", { 1.7, 2.6 } },
    { "lkj_cholesky", "eta", { 1.7, 2.6 } },
    { "hypergeometric", "a", { 9, 8 } },
    { "hypergeometric", "b", { 4, 5 } },
    { "discrete_uniform", "lower", { -2, -3 } },
};

static void given_value(Str law, Str arg, int variant, double *out)
{
    for (size_t i = 0; i < sizeof given / sizeof *given; i++)
        if (!strcmp(given[i].arg, arg) && (!*given[i].law || !strcmp(given[i].law, law)))
            *out = given[i].v[variant];
}

/* Fills `out` with a value of an argument of `law` by its type: variant 0 or 1. Returns its rank;
 * sizes in dims. */
static int test_value(Str law, const Ast *arg, int variant, double *out, int64_t *dims)
{
    static const struct { const char *type; double v[2][3]; } by_type[] = {
        { "real", { { 0.7, -0.5, 0.2 }, { -0.4, 0.9, -1.1 } } },
        /* Small scales first: a sample variance of a heavy tail (log-normal) is itself far from
         * normal. */
        { "positive", { { 0.6, 0.7, 2.4 }, { 1.1, 1.9, 1.2 } } },
        { "nonnegative", { { 3.6, 0.7, 2.4 }, { 1.1, 1.9, 1.2 } } },
        { "simplex", { { 0.2, 0.5, 0.3 }, { 0.35, 0.25, 0.4 } } },
        { "unit", { { 0.2, 0.5, 0.3 }, { 0.35, 0.25, 0.4 } } },
        { "count", { { 5, 3, 2 }, { 4, 2, 1 } } },
        { "integer", { { 3, 2, 1 }, { 4, 2, 1 } } },
        { "ordered", { { -0.8, 0.3, 1.4 }, { -1.1, 0.1, 0.6 } } },
    };
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
    const double *from = NULL;
    for (size_t i = 0; i < sizeof by_type / sizeof *by_type; i++)
        if (!strcmp(by_type[i].type, name))
            from = by_type[i].v[variant];
    if (!from)
        fail_msg("no test value for a parameter on %s", name);
    memcpy(out, from, 3 * sizeof *out);
    given_value(law, arg->name, variant, out);
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
    TirOut *o = &b->L.f->outs[0];      /* laid out as its axes are listed: grid, rows, columns */
    o->n_axes = n;
    memcpy(o->axes, all, sizeof *all * (size_t)n);
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
    return declared_rank(base->kids[DIST_SUPPORT]);
}

/* The value of an expression over the parameters of a law: a bound of its support. */
static double of_parameters(Bench *b, const Ast *law, const Ast *e)
{
    bench_begin(b);
    Val *d = law_value(b, law, "p", 0);
    Env *env = d->args;
    for (const Ast *l = law; l->kind == AST_ALSO; l = law_base(law)) {  /* own ones it computes */
        const Ast *base = l->kids[ALSO_BASE];
        for (size_t i = 0; i < vec_len(base->kids); i++)
            env = env_bind(&b->L, env, base->kids[i]->name,
                           eval(&b->L, d->args, base->kids[i]->kids[ARG_VALUE]));
        break;
    }
    return run(b, eval(&b->L, env, e), NULL)[0];
}

/* How many labels: as many as an argument has elements, or one more (ordered[K - 1]). */
static int64_t labels(const Ast *base)
{
    const Ast *args = base->kids[DIST_ARGS];
    for (size_t i = 0; i < vec_len(args->kids); i++) {
        const Ast *type = args->kids[i]->kids[ARGDECL_TYPE];
        const Ast *axes = type ? type->kids[TYPE_AXES] : NULL;
        if (axes && vec_len(axes->kids))
            return axes->kids[0]->kind == AST_BINARY ? 4 : 3;
    }
    return 2;
}

typedef struct Points { int64_t n; double *x, *w; } Points;

static Points points_new(int64_t n, int64_t size)
{
    size_t count = n > 0 ? (size_t)n : 0, each = size > 0 ? (size_t)size : 0;
    return (Points){ n, calloc(count * each, sizeof(double)), calloc(count, sizeof(double)) };
}

/* Whole numbers `low` .. `low` + n - 1, or all vectors of `size` of them. */
static Points whole_points(double low, int64_t n, int64_t size)
{
    int64_t all = 1;
    for (int64_t k = 0; k < size; k++)
        all *= n;
    Points p = points_new(all, size);
    for (int64_t i = 0; i < all; i++) {
        int64_t rest = i;
        for (int64_t k = 0; k < size; k++, rest /= n)
            p.x[i * size + k] = low + (double)(rest % n);
        p.w[i] = 1;
    }
    return p;
}

/* A point of the line that doubles its distance to an infinite end, or halves it to a finite one,
 * with equal steps of t in (-1, 1). */
static void line_point(double low, double high, double t, double *x, double *w)
{
    double e;
    if (isinf(low) && isinf(high)) {
        *x = sinh(25 * t);
        *w = 25 * cosh(25 * t);
    } else if (isinf(high)) {
        e = exp(50 * t);
        *x = low + e;
        *w = 50 * e;
    } else {
        e = 1 / (1 + exp(-30 * t));
        *x = low + (high - low) * e;
        *w = (high - low) * 30 * e / (1 + exp(30 * t));
    }
}

static Points line_points(double low, double high)
{
    Points p = points_new(GRID, 1);
    for (int64_t i = 0; i < GRID; i++) {
        line_point(low, high, -1 + 2.0 * (double)i / (GRID - 1), &p.x[i], &p.w[i]);
        p.w[i] *= 2.0 / (GRID - 1);
    }
    return p;
}

static Points plane_points(bool simplex)
{
    Points p = points_new((int64_t)SIDE * SIDE, simplex ? 3 : 2);
    for (int64_t i = 0; i < p.n; i++) {
        double h = 60.0 / SIDE, a = h * (double)(i / SIDE) - 30 + h / 2,
               b = h * (double)(i % SIDE) - 30 + h / 2;
        if (simplex) {
            double m = fmax(0, fmax(a, b)), z = exp(a - m) + exp(b - m) + exp(-m);
            double q[3] = { exp(a - m) / z, exp(b - m) / z, exp(-m) / z };
            memcpy(p.x + 3 * i, q, sizeof q);
            p.w[i] = h * h * q[0] * q[1] * q[2];
        } else {
            p.x[2 * i] = sinh(a / 5);  /* heavy tails reach far */
            p.x[2 * i + 1] = sinh(b / 5);
            p.w[i] = h * h / 25 * cosh(a / 5) * cosh(b / 5);
        }
    }
    return p;
}

static int64_t side_of(const char *support) { return strncmp(support, "corr", 4) ? 2 : 3; }

/* The support of a law on matrices, at its side. */
static Type *matrix_type(Bench *b, const Ast *base)
{
    Type *t = arena_alloc(b->c->arena, sizeof *t);
    *t = *base->kids[DIST_SUPPORT]->type;
    t->event = NULL;
    for (int i = 0; i < 2; i++)
        vec_push(b->c, t->event, size_const(b->c, side_of(support_name(base))));
    return t;
}

/* Free number `at` of a matrix of three, s steps from the middle, with its weight. Those of a
 * covariance are two logarithms and between them an element that is nowhere near as wide. */
static double free_point(const char *support, int at, double s, double *w)
{
    if (!strncmp(support, "corr", 4))
        return *w = 0.25, 0.25 * s;
    if (at == 1)
        return *w = 0.15 * 0.19 * cosh(0.19 * s), 0.15 * sinh(0.19 * s);
    return *w = 0.125, -0.7 + 0.125 * s;
}

/* Matrices of three free numbers, by the map of their support and its Jacobian. */
static Points matrix_points(Bench *b, const Ast *base, int64_t side)
{
    enum { STEPS = 57, BLOCK = 3249 };
    Points p = points_new((int64_t)STEPS * STEPS * STEPS, side * side);
    const Type *t = matrix_type(b, base);
    for (int64_t first = 0; first < p.n; first += BLOCK) {
        double *u = calloc(BLOCK * 3, sizeof *u);
        for (int64_t i = 0; i < BLOCK; i++) {
            int64_t at = first + i;
            int64_t step[3] = { at / STEPS / STEPS, at / STEPS % STEPS, at % STEPS };
            p.w[at] = 1;
            for (int k = 0; k < 3; k++) {
                double w, s = (double)(step[k] - STEPS / 2);
                u[3 * i + k] = free_point(support_name(base), k, s, &w);
                p.w[at] *= w;
            }
        }
        for (int member = 0; member < 2; member++) {
            int64_t three = 3;
            bench_begin(b);
            Axis *grid = tir_axis(b->L.f, AXIS_PLATE, str(b->c, "g"), BLOCK);
            Val *free_numbers = input(b, "u", u, grid, 1, &three);
            double *out = run(b, support_apply(&b->L, member ? "log_jacobian" : "constrain", t,
                                               free_numbers), grid);
            for (int64_t i = 0; member && i < BLOCK; i++)
                p.w[first + i] *= exp(out[i]);
            if (!member)
                memcpy(p.x + first * side * side, out, sizeof *out * (size_t)(BLOCK * side * side));
        }
        free(u);
    }
    return p;
}

static int64_t point_size(const char *support, int rank)
{
    if (rank == 2)
        return side_of(support) * side_of(support);
    return rank ? (!strcmp(support, "simplex") || !strcmp(support, "count") ? 3 : 2) : 1;
}

static void point_dims(const char *support, int rank, int64_t *dims)
{
    dims[0] = rank == 2 ? side_of(support) : point_size(support, rank);
    dims[1] = dims[0];
}

/* The bounds of a support of numbers at the test values. */
static void bounds_of(Bench *b, const Ast *base, const Ast *law, double *low, double *high)
{
    const Ast *type = base->kids[DIST_SUPPORT], *args = type->kids[TYPE_ARGS];
    *low = type->type->range.lo;
    *high = type->type->range.hi;
    if (args && vec_len(args->kids) == 2) {
        *low = of_parameters(b, law, args->kids[0]);
        *high = of_parameters(b, law, args->kids[1]);
    }
}

/* Points and weights of a rule over the support. */
static Points quadrature(Bench *b, const Ast *base, const Ast *law)
{
    const Ast *type = base->kids[DIST_SUPPORT], *args = type->kids[TYPE_ARGS];
    const char *support = support_name(base);
    int rank = event_rank(base);
    double low, high;
    if (!strcmp(support, "bit"))
        return whole_points(0, 2, 1);
    if (!strcmp(support, "index"))
        return whole_points(0, labels(base), 1);
    if (!strcmp(support, "count") && args && vec_len(args->kids))
        return whole_points(0, (int64_t)of_parameters(b, law, args->kids[0]) + 2,
                            point_size(support, rank));
    if (!strcmp(support, "count"))
        return whole_points(0, GRID, 1);
    if (!strcmp(support, "integer"))
        return whole_points(-GRID / 2, GRID, 1);
    if (rank == 2)
        return matrix_points(b, base, side_of(support));
    if (rank)
        return plane_points(!strcmp(support, "simplex"));
    bounds_of(b, base, law, &low, &high);
    return line_points(low, high);
}

/* log p at points in blocks: a matrix law has many intermediate values. */
static double *log_density(Bench *b, const Ast *base, const Ast *law, const double *x, int64_t n)
{
    enum { BLOCK = 40001 };
    const char *support = support_name(base);
    int rank = event_rank(base);
    int64_t dims[2], size = point_size(support, rank), block = rank == 2 ? BLOCK / 10 : BLOCK;
    double *out = calloc((size_t)n, sizeof *out);
    point_dims(support, rank, dims);
    for (int64_t first = 0; first < n; first += block) {
        int64_t count = n - first < block ? n - first : block;
        bench_begin(b);
        Axis *grid = tir_axis(b->L.f, AXIS_PLATE, str(b->c, "g"), count);
        Env *env = env_bind(&b->L, NULL, str(b->c, "p"), law_value(b, law, "p", 0));
        env = env_bind(&b->L, env, str(b->c, "x"),
                       input(b, "x", x + first * size, grid, rank, dims));
        memcpy(out + first, run(b, eval_text(b, env, "logpdf(p, x)"), grid),
               sizeof *out * (size_t)count);
    }
    return out;
}

static void check_normalised(Bench *b, const Ast *base, const Ast *law)
{
    double sum = 0;
    Points p = quadrature(b, base, law);
    double *lp = log_density(b, base, law, p.x, p.n);
    for (int64_t i = 0; i < p.n; i++)
        if (p.w[i] > 0)
            sum += p.w[i] * exp(lp[i]);
    free(p.x);
    free(p.w);
    free(lp);
    print_message("  %s: integral - 1 = %.2g\n", base->name, sum - 1);
    assert_true(fabs(sum - 1) < 1e-6);
}

/* At the ends of its support a density may be 0 or infinite, but is a number. */
static void check_edges(Bench *b, const Ast *base, const Ast *law)
{
    double ends[2];
    if (event_rank(base) || base->kids[DIST_SUPPORT]->type->elem != ELEM_REAL)
        return;
    bounds_of(b, base, law, &ends[0], &ends[1]);
    for (int i = 0; i < 2; i++)
        if (isinf(ends[i]))
            ends[i] = i ? 1e100 : -1e100;
    double *lp = log_density(b, base, law, ends, 2);
    if (isnan(lp[0]) || isnan(lp[1]))
        fail_msg("%s: log density %g at %g, %g at %g", base->name, lp[0], ends[0], lp[1], ends[1]);
    free(lp);
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

/* Fewer of matrices, which have many intermediate values. */
static int draws_of(const Ast *base) { return event_rank(base) == 2 ? DRAWS / 10 : DRAWS; }

static double *draw(Bench *b, const Ast *base, const Ast *law, int64_t *size)
{
    bench_begin(b);
    int rank = event_rank(base);
    int64_t dims[2];
    Axis *grid = tir_axis(b->L.f, AXIS_PLATE, str(b->c, "g"), draws_of(base)), *event[2];
    *size = point_size(support_name(base), rank);
    point_dims(support_name(base), rank, dims);
    for (int i = 0; i < rank; i++)
        event[i] = tir_axis(b->L.f, AXIS_EVENT, str(b->c, i ? "l" : "k"), dims[i]);
    Val *p = law_value(b, law, "p", 0);
    return run(b, dist_draw(&b->L, p, &grid, 1, event, rank, 3), grid);
}

/* A fact of every element; the type of the call tells lkj its size. */
static double *fact(Bench *b, const Ast *base, const Ast *law, const char *text)
{
    bench_begin(b);
    Env *env = env_bind(&b->L, NULL, str(b->c, "p"), law_value(b, law, "p", 0));
    Ast *e = parse_expression(b->c, source_text(b->c, "fact", text, strlen(text), false));
    if (event_rank(base) == 2)
        e->type = matrix_type(b, base);
    return run(b, eval(&b->L, env, e), NULL);
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
    double *mean = fact(b, base, law, "mean(p)"), *variance = fact(b, base, law, "variance(p)");
    for (int64_t k = 0; k < size; k++) {
        int n = draws_of(base);
        Moments m = moments(x + k, n, size);
        if (variance[k] == 0) {        /* the diagonal of a correlation */
            assert_true(fabs(m.mean - mean[k]) < 1e-12 && m.variance < 1e-20);
            continue;
        }
        check_z(base->name, "mean", (m.mean - mean[k]) / sqrt(variance[k] / n));
        double spread = sqrt((m.fourth - m.variance * m.variance) / n);
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
    bool whole = base->kids[DIST_SUPPORT]->type->elem != ELEM_REAL;
    memcpy(sorted, x, DRAWS * sizeof *sorted);
    qsort(sorted, DRAWS, sizeof *sorted, by_value);
    bench_begin(b);
    Axis *grid = tir_axis(b->L.f, AXIS_PLATE, str(b->c, "g"), DRAWS);
    Env *env = env_bind(&b->L, NULL, str(b->c, "p"), law_value(b, law, "p", 0));
    env = env_bind(&b->L, env, str(b->c, "x"), input(b, "x", sorted, grid, 0, NULL));
    double *f = run(b, eval_text(b, env, "cdf(p, x)"), grid);
    const char *const masses[] = {
        "log_mass(p, x, -inf, x)", whole ? "log_mass(p, x, x + 1, inf)" : "log_mass(p, x, x, inf)"
    };
    for (int side = 0; side < 2; side++) {
        const double *mass = run(b, eval_text(b, env, masses[side]), grid);
        for (int i = 0; i < DRAWS; i++)
            assert_true(fabs(exp(mass[i]) - (side ? 1 - f[i] : f[i])) < 1e-9);
    }
    for (int i = 0; i < DRAWS; i++) {  /* F is the share of draws up to its argument */
        bool last = i + 1 == DRAWS || sorted[i + 1] > sorted[i];
        if (last)
            distance = fmax(distance, fabs(f[i] - (double)(i + 1) / DRAWS));
        if (!whole)
            distance = fmax(distance, fabs(f[i] - (double)i / DRAWS));
    }
    print_message("  %s: sqrt(n) KS = %.2f\n", base->name, distance * sqrt(DRAWS));
    assert_true(distance * sqrt(DRAWS) < 2.2);               /* p = 1e-4 */
    free(sorted);
}

/* E over draws of `text`, an expression of p, q and x, against the closed form. */
static void check_expectation(Bench *b, const Ast *base, const Ast *law, const Ast *other,
                              const double *x, const char *text, const char *closed)
{
    int64_t dims[2];
    point_dims(support_name(base), event_rank(base), dims);
    bench_begin(b);
    Axis *grid = tir_axis(b->L.f, AXIS_PLATE, str(b->c, "g"), draws_of(base));
    Env *env = env_bind(&b->L, NULL, str(b->c, "p"), law_value(b, law, "p", 0));
    if (other)
        env = env_bind(&b->L, env, str(b->c, "q"), law_value(b, other, "q", 1));
    env = env_bind(&b->L, env, str(b->c, "x"), input(b, "x", x, grid, event_rank(base), dims));
    double *v = run(b, eval_text(b, env, text), grid);
    Moments m = moments(v, draws_of(base), 1);
    bench_begin(b);
    env = env_bind(&b->L, NULL, str(b->c, "p"), law_value(b, law, "p", 0));
    if (other)
        env = env_bind(&b->L, env, str(b->c, "q"), law_value(b, other, "q", 1));
    double exact = run(b, eval_text(b, env, closed), NULL)[0];
    double error = sqrt(m.variance / draws_of(base));
    if (error < 1e-12)
        assert_true(fabs(m.mean - exact) < 1e-9);
    else
        check_z(base->name, closed, (m.mean - exact) / error);
}

static void check_law(Bench *b, const Ast *base, const Ast *law)
{
    int64_t size;
    check_normalised(b, base, law);
    check_edges(b, base, law);
    if (!has(law, base, AST_SAMPLE, NULL))
        return;
    double *x = draw(b, base, law, &size);
    check_moments(b, base, law, x, size);
    check_cdf(b, base, law, x);
    if (has(law, base, AST_FACT, "entropy"))
        check_expectation(b, base, law, NULL, x, "-logpdf(p, x)", "entropy(p)");
    if (has(law, base, AST_KL, NULL))
        check_expectation(b, base, law, law, x, "logpdf(p, x) - logpdf(q, x)", "kl(p, q)");
}

static char **chosen;                  /* of the command line; NULL-terminated */
static int part, parts = 1;            /* K/N */

static bool is_chosen(const char *name, int number)
{
    if (parts > 1)
        return number % parts == part;
    for (char **c = chosen; *c; c++)
        if (!strcmp(*c, name))
            return true;
    return !*chosen;
}

static void every_distribution_obeys_its_laws(void **state)
{
    (void)state;
    Bench b = { 0 };
    bench_open(&b);
    int n = 0;
    for (size_t i = 0; i < vec_len(b.library->kids); i++) {
        const Ast *d = b.library->kids[i];
        if (d->kind != AST_DISTRIBUTION || !is_chosen(d->name, n++))
            continue;
        print_message("%s\n", d->name);
        check_law(&b, d, d);
        const Ast *body = d->kids[DIST_BODY];
        for (size_t k = 0; k < vec_len(body->kids); k++)
            if (body->kids[k]->kind == AST_ALSO) {
                print_message("%s, another parameterization\n", d->name);
                check_law(&b, d, body->kids[k]);
            }
    }
    assert_true(n >= 50);
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
    if (part > 0)
        return;                        /* the first part has them */
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

int main(int argc, char **argv)
{
    if (argc == 2 && sscanf(argv[1], "%d/%d", &part, &parts) == 2)
        assert_true(part >= 0 && part < parts);
    chosen = argv + 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_distribution_obeys_its_laws),
        cmocka_unit_test(log_densities_equal_scipy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
