/* test_dists.c - every distribution of lang/std obeys its laws; a new file is tested without a new
 * test. Each parameterization is lowered as a model would use it and run by the reference
 * interpreter:
 *   density  integrates (sums) to 1, and is a number at the ends of its support
 *   sample   moments equal mean and variance (|z| < 4); distribution equals cdf (Kolmogorov-
 *            Smirnov)
 *   entropy  equals -E log p, and every kl equals E[log p - log q], by Monte Carlo (|z| < 4)
 *   standard the law is it, moved by location and stretched by scale
 *   values   equal SciPy's (scipy_facts.def)
 * Test values of arguments follow from their declared types. Names on the command line choose laws;
 * `K/N` every Nth from the Kth, so that several runs share them.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

enum { DRAWS = 100000, GRID = 40001, SIDE = 401 };

/* ---- laws ------------------------------------------------------------------------------------ */

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

/* ---- moved and stretched --------------------------------------------------------------------- */

/* A fact that no function of the language asks for, of a law whose arguments are prepared. */
static Val *part_of(Bench *b, const Val *dist, const char *name)
{
    const Ast *holder, *fact = law_member(dist->law, AST_FACT, name, &holder);
    Val *d = dist_as(&b->L, dist, holder);
    const Ast *body = holder->kids[holder->kind == AST_ALSO ? (int)ALSO_BODY : (int)DIST_BODY];
    return eval(&b->L, body ? eval_statements(&b->L, d->args, body, NULL) : d->args,
                fact->kids[FACT_VALUE]);
}

/* The density of x = T(location + scale u) is that of the standard law at T(u), by the slopes. */
static void check_standard(Bench *b, const Ast *base, const Ast *law)
{
    enum { POINTS = 41 };
    static const int64_t dims[1] = { 2 };
    double u[2 * POINTS];
    int rank = event_rank(base), n_batch;
    const Type *type = base->kids[DIST_SUPPORT]->type;
    if (!has(law, base, AST_FACT, "standard"))
        return;
    for (int i = 0; i < 2 * POINTS; i++)
        u[i] = 0.1 * (i % POINTS) - 2 + (i >= POINTS);
    bench_begin(b);
    Axis *grid = tir_axis(b->L.f, AXIS_PLATE, str(b->c, "g"), POINTS), *batch[LIMIT_RANK];
    Val *p = law_value(b, law, "p", 0), *free = input(b, "u", u, grid, rank, dims);
    Val *d = dist_for(&b->L, p, free, rank, batch, &n_batch);
    Val *scale = part_of(b, d, "scale");
    bool matrix = scale->n_axes > rank;
    Env *env = env_bind(&b->L, NULL, str(b->c, "u"), free);
    env = env_bind(&b->L, env, str(b->c, "location"), part_of(b, d, "location"));
    env = env_bind(&b->L, env, str(b->c, "scale"), scale);
    Val *y = eval_text(b, env, matrix ? "location + u @ scale'" : "location + scale * u");
    env = env_bind(&b->L, env, str(b->c, "p"), p);
    env = env_bind(&b->L, env, str(b->c, "standard"), part_of(b, d, "standard"));
    env = env_bind(&b->L, env, str(b->c, "x"), support_apply(&b->L, "constrain", type, y));
    env = env_bind(&b->L, env, str(b->c, "v"), support_apply(&b->L, "constrain", type, free));
    env = env_bind(&b->L, env, str(b->c, "dx"), support_apply(&b->L, "log_jacobian", type, y));
    env = env_bind(&b->L, env, str(b->c, "dv"), support_apply(&b->L, "log_jacobian", type, free));
    double *gap = run(b, eval_text(b, env, matrix
        ? "logpdf(p, x) + sum(dx) + sum(log(diagonal(scale))) - logpdf(standard, v) - sum(dv)"
        : rank ? "logpdf(p, x) + sum(dx) + sum(log(scale)) - logpdf(standard, v) - sum(dv)"
               : "logpdf(p, x) + dx + log(scale) - logpdf(standard, v) - dv"), grid);
    for (int i = 0; i < POINTS; i++)
        if (!(fabs(gap[i]) < 1e-10))
            fail_msg("%s: its density differs from the standard one by %g", base->name, gap[i]);
    print_message("  %s: location, scale and standard law fit\n", base->name);
}

static void check_law(Bench *b, const Ast *base, const Ast *law)
{
    int64_t size;
    check_normalised(b, base, law);
    check_edges(b, base, law);
    check_standard(b, base, law);
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
