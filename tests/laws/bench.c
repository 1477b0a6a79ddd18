/* bench.c - see bench.h. */
#include "bench.h"

#include <stdio.h>
#include <string.h>

void bench_open(Bench *b)
{
    b->c = ctx_new();
    b->library = parse_library(b->c);
    assert_non_null(b->library);
    assert_true(check(b->c, b->library, b->library));
    b->L = lower_open(b->c, NULL, NULL, b->library);
}

void bench_begin(Bench *b)
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

/* real[K, R], real[M, K]: K is 2, another 3; the numbers of a vector again and again, smaller. */
static int matrix_value(const Ast *axes, const double *from, double *out, int64_t *dims)
{
    int64_t n = 1;
    for (size_t i = 0; i < vec_len(axes->kids); i++)
        n *= dims[i] = strcmp(axes->kids[i]->name, "K") ? 3 : 2;
    for (int64_t i = 0; i < n; i++)
        out[i] = from[i % 3] * (1 - 0.3 * (double)(i / 3));
    return (int)vec_len(axes->kids);
}

/* cholesky[M, K]: three factors, each smaller than the one before. */
static int several_factors(const double *l, double *out, int64_t *dims)
{
    dims[0] = 3;
    dims[1] = dims[2] = 2;
    for (int i = 0; i < 12; i++)
        out[i] = l[i % 4] * (1 - 0.2 * (i / 4));
    return 3;
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
        if (rank > 1)
            return several_factors(l, out, dims);
        double cov[4] = { l[0] * l[0], l[0] * l[2], l[0] * l[2], l[2] * l[2] + l[3] * l[3] };
        memcpy(out, !strcmp(name, "cholesky") ? l : cov, sizeof cov);
        dims[0] = dims[1] = 2;
        return 2;
    }
    /* Vectors of a law on real[K] have 2 elements, so that the plane can be integrated over. */
    if (rank > 1 && !strcmp(name, "real"))
        return matrix_value(type->kids[TYPE_AXES], by_type[0].v[variant], out, dims);
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

Val *input(Bench *b, const char *name, const double *data, Axis *outer, int rank,
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
Val *law_value(Bench *b, const Ast *law, const char *prefix, int variant)
{
    Ast **params = law_params(b->c, law);
    Val *v = arena_alloc(b->c->arena, sizeof *v);
    v->kind = VAL_DIST;
    v->law = law;
    for (size_t i = 0; i < vec_len(params); i++) {
        double *data = arena_alloc(b->c->arena, 12 * sizeof *data);
        int64_t dims[3];
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

Val *eval_text(Bench *b, Env *env, const char *text)
{
    Ast *e = parse_expression(b->c, source_text(b->c, "law", text, strlen(text), false));
    assert_non_null(e);
    ast_walk(e, choose_law, b);
    return eval(&b->L, env, e);
}

double *run(Bench *b, Val *v, Axis *grid)
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

bool has(const Ast *law, const Ast *base, AstKind kind, const char *name)
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

const char *support_name(const Ast *base) { return base->kids[DIST_SUPPORT]->name; }

int event_rank(const Ast *base)
{
    return declared_rank(base->kids[DIST_SUPPORT]);
}
