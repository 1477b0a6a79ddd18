/* interp.c - evaluates tensor IR by its definition; see interp.h.
 *
 * Idea: `at[axis id]` is the current position along every axis; walk_next steps through the index
 * space of some axes; an operand's element is found from `at` by its own axes and strides.
 */
#ifndef DGM_F64
#define DGM_F64
#endif
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "interp.h"
#include "../../compiler/tensor/tir_build.h"
#include "../../runtime/math/vmath.h"
#include "../../runtime/math/special.h"

typedef double Real;

typedef struct Run {
    Arena *arena;
    const Interp *in;
    double **data;                     /* by value id; on the heap, freed after the last use */
    int *uses;                         /* still to come, by value id */
    int64_t *at;                       /* by axis id */
} Run;

double interp_map(Op op, double a, double b, double c)
{
    (void)b;
    (void)c;
    switch (op) {
#include "interp_ops.h"
    default: ice("`%s` is no map", op_info[op].name);
    }
}

static int64_t axis_size(const Interp *in, const Axis *a)
{
    return a->size ? a->size : a->kind == AXIS_ROW ? in->rows : in->samples;
}

int64_t interp_count(const Interp *in, const Tir *v)
{
    int64_t n = 1;
    for (int i = 0; i < v->n_axes; i++)
        n *= axis_size(in, v->axes[i]);
    return n;
}

/* ---- positions --------------------------------------------------------------------------- */

static int64_t offset_of(const Run *r, Axis *const *axes, int n)
{
    int64_t offset = 0;
    for (int i = 0; i < n; i++)
        offset = offset * axis_size(r->in, axes[i]) + r->at[axes[i]->id];
    return offset;
}

static double *element(const Run *r, const Tir *v)
{
    return &r->data[v->id][offset_of(r, v->axes, v->n_axes)];
}

/* The element with the position along one axis replaced. */
static double *element_at(const Run *r, const Tir *v, const Axis *axis, int64_t position)
{
    int64_t kept = r->at[axis->id];
    r->at[axis->id] = position;
    double *e = element(r, v);
    r->at[axis->id] = kept;
    return e;
}

static double *entry(const Run *r, const Tir *v, const Axis *rows, const Axis *cols, int64_t i,
                     int64_t j)
{
    r->at[rows->id] = i;
    r->at[cols->id] = j;
    return element(r, v);
}

static void walk_start(Run *r, const AxisSet *s)
{
    for (int i = 0; i < s->n; i++)
        r->at[s->axis[i]->id] = 0;
}

static bool walk_next(Run *r, const AxisSet *s)
{
    for (int i = s->n; i-- > 0; ) {
        if (++r->at[s->axis[i]->id] < axis_size(r->in, s->axis[i]))
            return true;
        r->at[s->axis[i]->id] = 0;
    }
    return false;
}

static AxisSet union_of(const Tir *a, const Tir *b)
{
    AxisSet s = axes_of(a);
    for (int i = 0; i < b->n_axes; i++)
        axes_add(&s, b->axes[i]);
    return s;
}

/* ---- sources and draws ------------------------------------------------------------------- */

static const double *find_array(const Interp *in, const char *name)
{
    for (int i = 0; i < in->n_arrays; i++)
        if (!strcmp(in->arrays[i].name, name))
            return in->arrays[i].data;
    return NULL;
}

static double run_scalar(const Interp *in, const char *name)
{
    if (!strcmp(name, "inv_rows") || !strcmp(name, "inv_total"))
        return 1 / (double)in->rows;
    if (!strcmp(name, "inv_samples"))
        return 1 / (double)in->samples;
    if (!strcmp(name, "total"))
        return (double)in->rows;
    if (!strncmp(name, "weight_", 7))
        return 1;
    ice("no array is given for input %s", name);
}

static void eval_input(Run *r, const Tir *v)
{
    const double *given = find_array(r->in, v->name);
    if (!given && v->input != INPUT_SCALAR)
        ice("no array is given for input %s", v->name);
    for (int64_t i = 0, n = interp_count(r->in, v); i < n; i++)
        r->data[v->id][i] = given ? given[i] : run_scalar(r->in, v->name);
}

static double uniform(uint64_t seed, uint64_t site, uint64_t i)
{
    uint64_t h = seed * UINT64_C(0x9E3779B97F4A7C15) + site * UINT64_C(0xC2B2AE3D27D4EB4F) + i;
    for (int k = 0; k < 3; k++) {
        h = (h ^ (h >> 31)) * UINT64_C(0xBF58476D1CE4E5B9);
        h = (h ^ (h >> 29)) + UINT64_C(0x94D049BB133111EB);
    }
    return ((double)(h >> 11) + 0.5) / 9007199254740992.0;
}

/* x with P(a, x) = u: Newton's steps in log x, a bisection where one would leave the bracket. */
static double gamma_quantile(double a, double u)
{
    double low = -700, high = 700, at = log(a);
    for (int i = 0; i < 200; i++) {
        double p = dgm_gamma_p_d(a, exp(at));
        *(p < u ? &low : &high) = at;
        double next = at + (u - p) / exp(a * at - exp(at) - dgm_lgamma_d(a));
        if (!(next > low && next < high))
            next = 0.5 * (low + high);
        if (fabs(next - at) <= 1e-15 * (1 + fabs(at)))
            break;
        at = next;
    }
    return exp(at);
}

/* The smallest count with P(X <= k) >= u. */
static double count_quantile(Op op, double a, double b, double u)
{
    for (double k = 0;; k++) {
        double below = op == OP_RANDOM_POISSON ? dgm_gamma_q_d(k + 1, a)
                     : k >= a ? 1 : dgm_beta_i_d(a - k, k + 1, 1 - b);
        if (u <= below || k > 1e7)
            return k;
    }
}

/* The same of n balls of a white and b black: P(k) from that of the least count. */
static double hypergeometric_quantile(double n, double a, double b, double u)
{
    double k = fmax(0, n - b), p = 1;
    for (double i = 0; i < (k > 0 ? b : n); i++)       /* all black; or all the black ones */
        p *= k > 0 ? (n - i) / (a + b - i) : (b - i) / (a + b - i);
    for (double sum = p; sum < u && k < fmin(n, a); sum += p, k++)
        p *= (a - k) * (n - k) / ((k + 1) * (b - n + k + 1));
    return k;
}

/* By rejection under the uniform: the first of many points below the density. */
static double von_mises_draw(double k, uint64_t seed, uint64_t site, uint64_t i)
{
    for (uint64_t n = 0;; n++) {
        uint64_t at = i * UINT64_C(1000003) + n;
        double x = 3.14159265358979323846 * (2 * uniform(seed + 1, site, at) - 1);
        if (uniform(seed + 2, site, at) < exp(k * (cos(x) - 1)))
            return x;
    }
}

static void eval_random(Run *r, const Tir *v)
{
    char name[32];
    snprintf(name, sizeof name, "@%d", v->site);
    const double *given = find_array(r->in, name);
    AxisSet s = axes_of(v);
    int64_t i = 0;
    walk_start(r, &s);
    do {
        double u = uniform(r->in->seed, (uint64_t)v->site, (uint64_t)i);
        if (given)
            u = given[i];
        else if (v->op == OP_RANDOM_NORMAL)
            u = dgm_normal_quantile_d(u);
        else if (v->op == OP_RANDOM_GAMMA)
            u = gamma_quantile(*element(r, v->in[0]), u);
        else if (v->op == OP_RANDOM_POISSON)
            u = count_quantile(v->op, *element(r, v->in[0]), 0, u);
        else if (v->op == OP_RANDOM_BINOMIAL)
            u = count_quantile(v->op, *element(r, v->in[0]), *element(r, v->in[1]), u);
        else if (v->op == OP_RANDOM_HYPERGEOMETRIC)
            u = hypergeometric_quantile(*element(r, v->in[0]), *element(r, v->in[1]),
                                        *element(r, v->in[2]), u);
        else if (v->op == OP_RANDOM_VON_MISES)
            u = von_mises_draw(*element(r, v->in[0]), r->in->seed, (uint64_t)v->site, (uint64_t)i);
        r->data[v->id][i++] = u;
    } while (walk_next(r, &s));
}

/* ---- axes -------------------------------------------------------------------------------- */

/* Elements from one position along `axis` to the next: 0 where v has not that axis. */
static int64_t stride_of(const Run *r, const Tir *v, const Axis *axis)
{
    int64_t stride = 1;
    for (int i = v->n_axes; i-- > 0; ) {
        if (v->axes[i] == axis)
            return stride;
        stride *= axis_size(r->in, v->axes[i]);
    }
    return 0;
}

/* The longest axis is walked by strides. */
static void eval_map(Run *r, const Tir *v)
{
    AxisSet outer = axes_of(v);
    int at = 0;
    for (int i = 1; i < outer.n; i++)
        if (axis_size(r->in, outer.axis[i]) > axis_size(r->in, outer.axis[at]))
            at = i;
    Axis *along = outer.n ? outer.axis[at] : NULL;
    int64_t n = along ? axis_size(r->in, along) : 1;
    walk_start(r, &outer);
    if (along)
        outer.axis[at] = outer.axis[--outer.n];
    static const double zero = 0;      /* of an operand that the op has not */
    const double *x[3] = { &zero, &zero, &zero };
    int64_t step[3] = { 0 }, y_step = stride_of(r, v, along);
    for (int k = 0; k < v->n_in; k++)
        step[k] = stride_of(r, v->in[k], along);
    do {
        double *y = element(r, v);
        for (int k = 0; k < v->n_in; k++)
            x[k] = element(r, v->in[k]);
        for (int64_t i = 0; i < n; i++)
            y[i * y_step] = interp_map(v->op, x[0][i * step[0]], x[1][i * step[1]],
                                       x[2][i * step[2]]);
    } while (walk_next(r, &outer));
}

static void eval_reduce(Run *r, const Tir *v)
{
    AxisSet s = axes_of(v->in[0]);
    int64_t n = interp_count(r->in, v);
    double *top = malloc(sizeof *top * (size_t)n), *y = r->data[v->id];
    for (int64_t i = 0; i < n; i++)
        top[i] = -INFINITY;
    walk_start(r, &s);
    do {
        double x = *element(r, v->in[0]);
        int64_t i = offset_of(r, v->axes, v->n_axes);
        top[i] = x > top[i] || isnan(x) ? x : top[i];
    } while (walk_next(r, &s));
    walk_start(r, &s);
    do {
        double x = *element(r, v->in[0]);
        int64_t i = offset_of(r, v->axes, v->n_axes);
        y[i] += v->op == OP_SUM ? x : isfinite(top[i]) ? exp(x - top[i]) : 0;
    } while (walk_next(r, &s));
    for (int64_t i = 0; i < n && v->op != OP_SUM; i++)
        y[i] = v->op == OP_MAXIMUM || !isfinite(top[i]) ? top[i] : top[i] + log(y[i]);
    free(top);
}

static void eval_contract(Run *r, const Tir *v)
{
    AxisSet s = union_of(v->in[0], v->in[1]);
    walk_start(r, &s);
    do
        *element(r, v) += *element(r, v->in[0]) * *element(r, v->in[1]);
    while (walk_next(r, &s));
}

static void eval_rename(Run *r, const Tir *v)
{
    const Tir *a = v->in[0];
    Axis *from[LIMIT_RANK];            /* axis of the result for each axis of the operand */
    for (int i = 0; i < a->n_axes; i++) {
        from[i] = a->axes[i];
        for (int k = 0; k < v->n_over; k++)
            if (v->over[k] == a->axes[i])
                from[i] = v->to[k];
    }
    AxisSet s = axes_of(v);
    walk_start(r, &s);
    do
        *element(r, v) = r->data[a->id][offset_of(r, from, a->n_axes)];
    while (walk_next(r, &s));
}

/* Positions along an axis, as numbers. An index outside makes a gather NaN; a scatter skips it. */
static void eval_indexed(Run *r, const Tir *v)
{
    const Tir *a = v->in[0], *index = v->in[1];
    bool gather = v->op == OP_GATHER;
    const Axis *k = gather ? v->over[0] : v->to[0];
    AxisSet s = gather ? axes_of(v) : union_of(a, index);
    walk_start(r, &s);
    do {
        double position = *element(r, index);
        bool inside = position >= 0 && position < (double)axis_size(r->in, k);
        if (gather)
            *element(r, v) = inside ? *element_at(r, a, k, (int64_t)position) : NAN;
        else if (inside)
            *element_at(r, v, k, (int64_t)position) += *element(r, a);
    } while (walk_next(r, &s));
}

static void eval_moved(Run *r, const Tir *v)
{
    const Axis *from = v->over[0], *to = v->to[0];
    AxisSet s = axes_of(v);
    walk_start(r, &s);
    do {
        int64_t i = r->at[to->id] + (v->op == OP_SLICE ? v->offset : -v->offset);
        bool inside = i >= 0 && i < from->size;
        *element(r, v) = inside ? *element_at(r, v->in[0], from, i) : 0;
    } while (walk_next(r, &s));
}

static void eval_points(Run *r, const Tir *v)
{
    bool split = v->op == OP_SPLIT;
    Axis *const *two = split ? v->to : v->over;
    const Axis *one = split ? v->over[0] : v->to[0];
    AxisSet s = axes_of(v);
    walk_start(r, &s);
    do {
        if (split) {
            int64_t i = r->at[two[0]->id] * two[1]->size + r->at[two[1]->id];
            *element(r, v) = *element_at(r, v->in[0], one, i);
        } else {
            int64_t i = r->at[one->id];
            double *to = element(r, v);
            *to = *entry(r, v->in[0], two[0], two[1], i / two[1]->size, i % two[1]->size);
            r->at[one->id] = i;        /* which may be one of the two */
        }
    } while (walk_next(r, &s));
}

static void eval_cumsum(Run *r, const Tir *v)
{
    const Axis *k = v->over[0];
    AxisSet s = axes_of(v);
    walk_start(r, &s);
    do {
        int64_t here = r->at[k->id], n = axis_size(r->in, k);
        double sum = 0;
        for (int64_t i = v->flag ? here : 0; i < (v->flag ? n : here + 1); i++)
            sum += *element_at(r, v->in[0], k, i);
        *element(r, v) = sum;
    } while (walk_next(r, &s));
}

/* ---- matrices ---------------------------------------------------------------------------- */

static void eval_cholesky(Run *r, const Tir *v)
{
    const Tir *a = v->in[0];
    const Axis *rows = v->over[0], *cols = v->over[1];
    AxisSet batch = { .n = 0 };
    for (int i = 0; i < v->n_axes; i++)
        if (v->axes[i] != rows && v->axes[i] != cols)
            axes_add(&batch, v->axes[i]);
    walk_start(r, &batch);
    do {
        for (int64_t j = 0; j < cols->size; j++)
            for (int64_t i = j; i < rows->size; i++) {
                double sum = *entry(r, a, rows, cols, i, j);
                for (int64_t k = 0; k < j; k++)
                    sum -= *entry(r, v, rows, cols, i, k) * *entry(r, v, rows, cols, j, k);
                double L = i == j ? sqrt(sum) : sum / *entry(r, v, rows, cols, j, j);
                *entry(r, v, rows, cols, i, j) = L;
            }
    } while (walk_next(r, &batch));
}

/* Column by column of the identity, by elimination without exchanges: the matrices of the laws are
 * positive definite. */
static void eval_inverse(Run *r, const Tir *v)
{
    const Tir *a = v->in[0];
    const Axis *rows = v->over[0], *cols = v->over[1];
    int64_t n = rows->size;
    double *M = arena_alloc(r->arena, sizeof *M * (size_t)(2 * n * n));
    AxisSet batch = { .n = 0 };
    for (int i = 0; i < v->n_axes; i++)
        if (v->axes[i] != rows && v->axes[i] != cols)
            axes_add(&batch, v->axes[i]);
    walk_start(r, &batch);
    do {
        for (int64_t i = 0; i < n; i++)
            for (int64_t j = 0; j < 2 * n; j++)
                M[i * 2 * n + j] = j < n ? *entry(r, a, rows, cols, i, j) : j - n == i;
        for (int64_t k = 0; k < n; k++)
            for (int64_t i = 0; i < n; i++) {
                double part = M[i * 2 * n + k] / M[k * 2 * n + k];
                for (int64_t j = 0; j < 2 * n && i != k; j++)
                    M[i * 2 * n + j] -= part * M[k * 2 * n + j];
            }
        for (int64_t i = 0; i < n; i++)
            for (int64_t j = 0; j < n; j++)
                *entry(r, v, rows, cols, i, j) = M[i * 2 * n + n + j] / M[i * 2 * n + i];
    } while (walk_next(r, &batch));
}

static void eval_trisolve(Run *r, const Tir *v)
{
    const Tir *L = v->in[0], *b = v->in[1];
    const Axis *rows = v->over[0], *cols = v->over[1], *axis = v->to[0];
    int64_t n = rows->size;
    AxisSet batch = { .n = 0 };
    for (int i = 0; i < v->n_axes; i++)
        if (v->axes[i] != axis)
            axes_add(&batch, v->axes[i]);
    walk_start(r, &batch);
    do {
        for (int64_t step = 0; step < n; step++) {
            int64_t i = v->flag ? n - 1 - step : step;
            double sum = *element_at(r, b, axis, i);
            for (int64_t k = v->flag ? i + 1 : 0; k < (v->flag ? n : i); k++)
                sum -= *entry(r, L, rows, cols, v->flag ? k : i, v->flag ? i : k)
                     * *element_at(r, v, axis, k);
            double diagonal = *entry(r, L, rows, cols, i, i);
            *element_at(r, v, axis, i) = sum / diagonal;
        }
    } while (walk_next(r, &batch));
}

/* ---- sequences --------------------------------------------------------------------------- */

/* The elements of v along one axis, at the present positions of the others. */
static double *vector(const Run *r, const Tir *v, const Axis *axis)
{
    double *x = arena_alloc(r->arena, sizeof *x * (size_t)axis->size);
    for (int64_t i = 0; i < axis->size; i++)
        x[i] = *element_at(r, v, axis, i);
    return x;
}

static void eval_scan(Run *r, const Tir *v)
{
    const Axis *t = v->over[0], *y = v->to[0];
    AxisSet batch = { .n = 0 };
    for (int i = 0; i < v->n_axes; i++)
        if (v->axes[i] != t && v->axes[i] != y)
            axes_add(&batch, v->axes[i]);
    walk_start(r, &batch);
    do {
        const double *state = vector(r, v->in[SCAN_STATE], v->over[1 + SCAN_STATE]);
        for (int64_t step = 0; step < t->size; step++) {
            r->at[t->id] = v->flag ? t->size - 1 - step : step;
            InterpArray arrays[3] = { { scan_inputs[SCAN_STATE], state } };
            for (int k = SCAN_EACH; k <= SCAN_FIXED; k++)
                arrays[k] = (InterpArray){ scan_inputs[k], vector(r, v->in[k], v->over[1 + k]) };
            Interp in = { .rows = 1, .samples = 1, .arrays = arrays, .n_arrays = 3 };
            double *next = interp_run(r->arena, v->body, &in)[0];
            for (int64_t i = 0; i < y->size; i++)
                *element_at(r, v, y, i) = next[i];
            state = next;
        }
        r->at[t->id] = 0;
    } while (walk_next(r, &batch));
}

/* ---- functions --------------------------------------------------------------------------- */

static void eval_value(Run *r, const Tir *v)
{
    AxisSet s = axes_of(v);
    switch (v->op) {
    case OP_CONST:    *r->data[v->id] = v->num; return;
    case OP_INPUT:    eval_input(r, v); return;
    case OP_SUM: case OP_MAXIMUM: case OP_LOGSUMEXP: eval_reduce(r, v); return;
    case OP_CONTRACT: eval_contract(r, v); return;
    case OP_RENAME:   eval_rename(r, v); return;
    case OP_GATHER: case OP_SCATTER: eval_indexed(r, v); return;
    case OP_SLICE: case OP_PAD: eval_moved(r, v); return;
    case OP_FLATTEN: case OP_SPLIT: eval_points(r, v); return;
    case OP_CUMSUM:   eval_cumsum(r, v); return;
    case OP_CHOLESKY: eval_cholesky(r, v); return;
    case OP_INVERSE: eval_inverse(r, v); return;
    case OP_TRISOLVE: eval_trisolve(r, v); return;
    case OP_SCAN:     eval_scan(r, v); return;
    default:          break;
    }
    if (op_info[v->op].kind == OP_KIND_MAP) {
        eval_map(r, v);
    } else if (op_info[v->op].kind == OP_KIND_RANDOM) {
        eval_random(r, v);
    } else {                           /* IOTA, EXPAND */
        walk_start(r, &s);
        do
            *element(r, v) = v->op == OP_IOTA ? (double)r->at[v->over[0]->id]
                                              : *element(r, v->in[0]);
        while (walk_next(r, &s));
    }
}

/* The output's numbers in its own layout, or else in the value's; in the arena. */
static double *lay_out(Run *r, const TirOut *o)
{
    AxisSet s = axes_of(o->value);
    if (o->n_axes) {
        s.n = o->n_axes;
        memcpy(s.axis, o->axes, sizeof(Axis *) * (size_t)o->n_axes);
    }
    double *y = arena_alloc(r->arena, sizeof *y * (size_t)interp_count(r->in, o->value));
    int64_t i = 0;
    walk_start(r, &s);
    do
        y[i++] = *element(r, o->value);
    while (walk_next(r, &s));
    return y;
}

static void use(Run *r, const Tir *v)
{
    if (!--r->uses[v->id])
        free(r->data[v->id]);
}

double **interp_run(Arena *arena, const TirFn *f, const Interp *in)
{
    int max_id = 0;
    for (size_t i = 0; i < vec_len(f->axes); i++)
        max_id = f->axes[i]->id > max_id ? f->axes[i]->id : max_id;
    Run r = { .arena = arena, .in = in };
    r.data = arena_alloc(arena, sizeof *r.data * ((size_t)f->n_values + 1));
    r.uses = arena_alloc(arena, sizeof *r.uses * ((size_t)f->n_values + 1));
    r.at = arena_alloc(arena, sizeof *r.at * ((size_t)max_id + 1));
    Tir **order = tir_order(f);
    for (size_t i = 0; i < vec_len(order); i++)
        for (int k = 0; k < order[i]->n_in; k++)
            r.uses[order[i]->in[k]->id]++;
    for (size_t i = 0; i < vec_len(f->outs); i++)
        r.uses[f->outs[i].value->id]++;
    for (size_t i = 0; i < vec_len(order); i++) {
        const Tir *v = order[i];
        r.data[v->id] = calloc((size_t)interp_count(in, v), sizeof(double));
        eval_value(&r, v);
        for (int k = 0; k < v->n_in; k++)
            use(&r, v->in[k]);
    }
    double **outs = arena_alloc(arena, sizeof *outs * (vec_len(f->outs) + 1));
    for (size_t i = 0; i < vec_len(f->outs); i++) {
        outs[i] = lay_out(&r, &f->outs[i]);
        use(&r, f->outs[i].value);
    }
    return outs;
}
