/* test_supports.c - every support of lang/std obeys its laws; a new file is tested without a new
 * test. Its maps are lowered as a model would use them and run by the reference interpreter, for
 * several sizes and, if it takes bounds, for each end finite or infinite:
 *   there and back   unconstrain(constrain(u)) = u
 *   Jacobian         log_jacobian(u) equals that of central differences of constrain
 *   extremes         free numbers near 0 and as far as +-700 give finite values in the support
 * The volume a Jacobian is stated in: as many elements as there are free numbers where the support
 * is listed below, else the surface (the determinant of J' J).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../compiler/lower/lower.h"
#include "interp.h"

enum { MAX_SIZE = 4, MAX_ELEMENTS = 16, POINTS = 12 };

typedef enum { VOLUME_SURFACE, VOLUME_FIRST, VOLUME_LOWER, VOLUME_STRICTLY_LOWER } Volume;

/* far: the largest |u| whose value is a double. */
static const struct { const char *support; Volume volume; double far; } known[] = {
    { "simplex", VOLUME_FIRST, 700 },
    { "cholesky", VOLUME_LOWER, 700 },
    { "covariance", VOLUME_LOWER, 300 },
    { "corr", VOLUME_STRICTLY_LOWER, 700 },
    { "corr_cholesky", VOLUME_STRICTLY_LOWER, 700 },
};

/* A support at a size and between bounds. */
typedef struct Bench {
    Ctx *c;
    Lower L;
    const Ast *support;
    Type type;
    int n_in, n_out, k;                /* free numbers, elements, size */
    double low, high;
    Volume volume;
    double far;
} Bench;

static Ast *number(Bench *b, double x)
{
    Ast *e = ast_new(b->c, AST_NUM, NOSPAN, NULL, 0);
    e->num = x;
    return e;
}

/* The size of an axis of the support or of its free numbers, at K = k. */
static int64_t axis_at(Bench *b, const Ast *axis)
{
    Env *env = NULL;
    const Ast *axes = b->support->kids[SUPPORT_AXES];
    for (size_t i = 0; i < vec_len(axes->kids); i++)
        env = env_bind(&b->L, env, axes->kids[i]->name, val_const(&b->L, b->k));
    return eval_size(&b->L, env, axis);
}

static void bench_support(Bench *b, const Ast *support, int k, double low, double high)
{
    lower_begin(&b->L, str(b->c, "support"));
    b->support = support;
    b->k = k;
    b->low = low;
    b->high = high;
    b->volume = VOLUME_SURFACE;
    b->far = 700;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(known[i].support, support->name)) {
            b->volume = known[i].volume;
            b->far = known[i].far;
        }
    b->type = (Type){ .kind = KIND_VALUE, .support = support->name,
                      .support_decl = (Ast *)support };
    if (vec_len(support->kids[SUPPORT_ARGS]->kids)) {
        vec_push(b->c, b->type.bounds, number(b, low));
        vec_push(b->c, b->type.bounds, number(b, high));
    }
    const Ast *axes = support->kids[SUPPORT_AXES], *free = support->kids[SUPPORT_FREE];
    b->n_out = 1;
    for (size_t i = 0; i < vec_len(axes->kids); i++) {
        vec_push(b->c, b->type.event, size_const(b->c, k));
        b->n_out *= k;
    }
    bool mapped = free && vec_len(free->kids);
    b->n_in = mapped ? (int)axis_at(b, free->kids[0]) : b->n_out;
}

/* `member` at n points of `size` numbers each. */
static double *apply(Bench *b, const char *member, const double *u, int n, int size)
{
    lower_begin(&b->L, str(b->c, "support"));
    Axis *axes[3] = { tir_axis(b->L.f, AXIS_PLATE, str(b->c, "g"), n) };
    int rank = (int)vec_len(b->type.event), given = rank;
    bool square = rank == 2;
    if (square && size != b->n_out) given = 1;
    for (int i = 0; i < given; i++)
        axes[1 + i] = tir_axis(b->L.f, AXIS_EVENT, str(b->c, i ? "l" : "k"),
                               given == 2 ? b->k : size);
    Tir *in = tir_input(b->L.f, INPUT_DATA, str(b->c, "u"), axes, 1 + given);
    Val *v = support_apply(&b->L, member, &b->type, val_tensor(&b->L, in, axes + 1, given));
    Axis *all[3] = { axes[0] };
    for (int i = 0; i < v->n_axes; i++)
        all[1 + i] = v->axes[i];
    tir_out(b->L.f, OUT_VALUE, str(b->c, "out"), 0,
            tir_expand(b->L.f, v->t, all, 1 + v->n_axes));
    TirOut *o = &b->L.f->outs[0];
    o->n_axes = 1 + v->n_axes;
    memcpy(o->axes, all, sizeof *all * (size_t)o->n_axes);
    InterpArray array = { "u", u };
    Interp run = { .rows = 1, .samples = 1, .arrays = &array, .n_arrays = 1 };
    return interp_run(b->c->arena, b->L.f, &run)[0];
}

/* ---- there and back -------------------------------------------------------------------------- */

static void fill(double *u, int n, unsigned seed)
{
    for (int i = 0; i < n; i++) {
        seed = seed * 1103515245u + 12345u;
        u[i] = 3.2 * ((double)(seed >> 8) / 16777216.0 - 0.5);
    }
}

static void check_round_trip(Bench *b, const char *name)
{
    double u[POINTS * MAX_ELEMENTS];
    fill(u, POINTS * b->n_in, 7u + (unsigned)b->k);
    double *x = apply(b, "constrain", u, POINTS, b->n_in);
    double *back = apply(b, "unconstrain", x, POINTS, b->n_out);
    for (int i = 0; i < POINTS * b->n_in; i++)
        if (!(fabs(back[i] - u[i]) < 1e-9))
            fail_msg("%s[%d]: free number %g comes back as %g", name, b->k, u[i], back[i]);
    double *again = apply(b, "constrain", back, POINTS, b->n_in);
    for (int i = 0; i < POINTS * b->n_out; i++)
        if (!(fabs(again[i] - x[i]) < 1e-9))
            fail_msg("%s[%d]: element %g comes back as %g", name, b->k, x[i], again[i]);
}

/* ---- Jacobian -------------------------------------------------------------------------------- */

static bool counts(const Bench *b, int element)
{
    int i = element / b->k, j = element % b->k;
    switch (b->volume) {
    case VOLUME_FIRST: return element < b->n_in;
    case VOLUME_LOWER: return j <= i;
    case VOLUME_STRICTLY_LOWER: return j < i;
    default: return true;
    }
}

/* log |det| of an n x n matrix, by elimination. */
static double log_determinant(double a[MAX_ELEMENTS][MAX_ELEMENTS], int n)
{
    double sum = 0;
    for (int k = 0; k < n; k++) {
        int best = k;
        for (int i = k; i < n; i++)
            if (fabs(a[i][k]) > fabs(a[best][k]))
                best = i;
        for (int j = 0; j < n; j++) {
            double t = a[k][j];
            a[k][j] = a[best][j];
            a[best][j] = t;
        }
        sum += log(fabs(a[k][k]));
        for (int i = k + 1; i < n; i++)
            for (int j = n; j-- > k;)
                a[i][j] -= a[i][k] / a[k][k] * a[k][j];
    }
    return sum;
}

static void check_jacobian(Bench *b, const char *name)
{
    const double h = 1e-5;
    double u[MAX_ELEMENTS], moved[2 * MAX_ELEMENTS * MAX_ELEMENTS];
    for (unsigned point = 0; point < 5; point++) {
        fill(u, b->n_in, 31u + point);
        for (int i = 0; i < 2 * b->n_in; i++) {
            memcpy(moved + i * b->n_in, u, sizeof *u * (size_t)b->n_in);
            moved[i * b->n_in + i / 2] += i % 2 ? -h : h;
        }
        double *x = apply(b, "constrain", moved, 2 * b->n_in, b->n_in);
        double J[MAX_ELEMENTS][MAX_ELEMENTS] = { { 0 } }, g[MAX_ELEMENTS][MAX_ELEMENTS];
        int rows = 0;
        for (int e = 0; e < b->n_out; e++) {
            if (!counts(b, e))
                continue;
            for (int i = 0; i < b->n_in; i++)
                J[rows][i] = (x[2 * i * b->n_out + e] - x[(2 * i + 1) * b->n_out + e]) / (2 * h);
            rows++;
        }
        for (int i = 0; i < b->n_in; i++)
            for (int j = 0; j < b->n_in; j++) {
                g[i][j] = 0;
                for (int r = 0; r < rows; r++)
                    g[i][j] += J[r][i] * J[r][j];
            }
        double want = 0.5 * log_determinant(g, b->n_in);
        double got = apply(b, "log_jacobian", u, 1, b->n_in)[0];
        if (!(fabs(got - want) < 1e-6 * fmax(1, fabs(want))))
            fail_msg("%s[%d]: log_jacobian is %.10g, differences give %.10g", name, b->k, got,
                     want);
    }
}

/* ---- extremes -------------------------------------------------------------------------------- */

/* Up to rounding: the closed set, since a map reaches the ends of its support when u is far. */
static bool lies_inside(const Bench *b, const double *x)
{
    const char *s = b->support->name;
    double sum = 0, squares = 0, most = 0;
    bool increasing = true;
    for (int i = 0; i < b->n_out; i++) {
        sum += x[i];
        squares += x[i] * x[i];
        most = fmax(most, fabs(x[i]));
        increasing = increasing && (i == 0 || x[i] >= x[i - 1]);
        if (!isfinite(x[i]))
            return false;
        if (!strcmp(s, "positive") || !strcmp(s, "nonnegative"))
            if (x[i] < 0)
                return false;
        if ((!strcmp(s, "unit") || !strcmp(s, "simplex")) && !(x[i] >= 0 && x[i] <= 1))
            return false;
        if (!(x[i] >= b->low - 1e-12 && x[i] <= b->high + 1e-12) && vec_len(b->type.bounds))
            return false;
    }
    if (!strcmp(s, "simplex")) return fabs(sum - 1) < 1e-12;
    if (!strcmp(s, "zerosum")) return fabs(sum) <= 1e-12 * most;
    if (!strcmp(s, "unit_vector")) return fabs(squares - 1) < 1e-12;
    if (!strcmp(s, "ordered")) return increasing;
    bool matrix = vec_len(b->type.event) == 2, factor = strstr(s, "cholesky") != NULL;
    bool corr = !strncmp(s, "corr", 4);
    for (int i = 0; matrix && i < b->k; i++) {
        double length = 0;
        for (int j = 0; j < b->k; j++) {
            length += x[i * b->k + j] * x[i * b->k + j];
            if (factor ? j > i && x[i * b->k + j] != 0
                       : fabs(x[i * b->k + j] - x[j * b->k + i]) > 1e-12 * most)
                return false;
        }
        if (x[i * b->k + i] < 0) return false;
        if (corr && fabs((factor ? length : x[i * b->k + i]) - 1) > 1e-12) return false;
    }
    return true;
}

static void check_extremes(Bench *b, const char *name)
{
    const double at[] = { 0, 1e-300, -1e-300, 1e-8, 30, -30, b->far, -b->far };
    for (size_t k = 0; k < sizeof at / sizeof *at; k++)
        for (int one = -1; one < b->n_in; one++) {         /* all free numbers, then each alone */
            double u[MAX_ELEMENTS];
            for (int i = 0; i < b->n_in; i++)
                u[i] = one < 0 || one == i ? at[k] : 0.4 - 0.3 * i;
            double *x = apply(b, "constrain", u, 1, b->n_in);
            if (!lies_inside(b, x))
                fail_msg("%s[%d]: free number %d = %g leaves the support", name, b->k, one, at[k]);
            if (!isfinite(apply(b, "log_jacobian", u, 1, b->n_in)[0]))
                fail_msg("%s[%d]: log_jacobian at free number %d = %g", name, b->k, one, at[k]);
        }
}

/* ---- all of them ----------------------------------------------------------------------------- */

static void check_support(Bench *b, const Ast *support)
{
    const double ends[4][2] = {
        { 0.5, 2.25 }, { 0.5, INFINITY }, { -INFINITY, 2.25 }, { -INFINITY, INFINITY },
    };
    bool bounded = vec_len(support->kids[SUPPORT_ARGS]->kids) > 0;
    bool vector = vec_len(support->kids[SUPPORT_AXES]->kids) > 0;
    for (int i = 0; i < (bounded ? 4 : 1); i++)
        for (int k = 2; k <= (vector ? MAX_SIZE : 2); k++) {
            bench_support(b, support, k, ends[i][0], ends[i][1]);
            print_message("%s[%d] of %d free numbers\n", support->name, k, b->n_in);
            check_round_trip(b, support->name);
            check_jacobian(b, support->name);
            check_extremes(b, support->name);
        }
}

static void every_support_obeys_its_laws(void **state)
{
    (void)state;
    Bench b = { .c = ctx_new() };
    Ast *library = parse_library(b.c);
    assert_non_null(library);
    assert_true(check(b.c, library, library));
    b.L = lower_open(b.c, NULL, NULL, library);
    int n = 0;
    for (size_t i = 0; i < vec_len(library->kids); i++)
        if (library->kids[i]->kind == AST_SUPPORT) {
            check_support(&b, library->kids[i]);
            n++;
        }
    assert_true(n >= 12);
    assert_int_equal(diag_count(b.c), 0);
    ctx_free(b.c);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_support_obeys_its_laws) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
