/* ode.c - ode(f, z0, start: t0, at: ts, method: rk45(tolerance)): z' = f(t, z) solved.
 *
 * Idea: a solver is a recursion, so it is a SCAN of its steps and is differentiated as one (the
 * discrete adjoint: derivatives of what is computed, not of the equation).
 *     rk4(k)      k steps of the classical method between two times
 *     rk45(tol)   Dormand & Prince (1980) 5(4), local extrapolation, steps by their error. How long
 *                 a step is, is decided on values without derivatives; only accepted steps move the
 *                 state, and a refused one has length 0, so that it leaves no NaN in the gradient.
 * A state that is a record is solved as the vector of its fields.
 * The number of attempts between two times is fixed. Where they do not reach the end, the solution
 * is NaN: the density says so by the name of its term.
 */
#include "lower.h"

#include <math.h>
#include <string.h>

enum { ATTEMPTS = 100, MOST_STEPS = 1000000 };

typedef struct Ode {
    Lower *L;
    const Ast *f;
    Axis *steps;                       /* of all intervals */
    int64_t per_interval;
    Axis *state[LIMIT_RANK]; int n_state;
    Str *fields;                       /* vec: of a state that is a record */
} Ode;

static Val *number(Lower *L, double x) { return val_const(L, x); }
static Val *plus(Lower *L, Val *a, Val *b) { return val_op2(L, OP_ADD, a, b); }
static Val *times(Lower *L, Val *a, Val *b) { return val_op2(L, OP_MUL, a, b); }

/* The vector of the fields of a record; another value as it is. */
static Val *packed(const Ode *o, Val *record)
{
    Val **fields = NULL;
    for (size_t i = 0; i < vec_len(o->fields); i++)
        vec_push(o->L->c, fields, env_find(record->args, o->fields[i], false)->val);
    Str key = str_fmt(o->L->c, "state %p", (const void *)o->fields);
    return fields ? val_stack(o->L, key, fields, vec_len(fields)) : record;
}

/* The record whose fields stand along the last axis of v. */
static Val *unpacked(const Ode *o, Val *v)
{
    Lower *L = o->L;
    if (!o->fields)
        return v;
    Val *record = arena_alloc(L->c->arena, sizeof *record);
    record->kind = VAL_RECORD;
    for (size_t i = 0; i < vec_len(o->fields); i++)
        record->args = env_bind(L, record->args, o->fields[i],
                                val_at(L, v, v->n_axes - 1, number(L, (double)i)));
    return record;
}

/* f(t, z), with the axes of the state. */
static Val *rate(const Ode *o, Val *t, Val *z)
{
    Val *args[2] = { t, unpacked(o, z) };
    Val *r = packed(o, call_function(o->L, NULL, o->f, args, 2));
    if (r->kind != VAL_TENSOR || r->n_axes > o->n_state)
        ice_span(o->f->span, "a rate of another shape than the state");
    return val_rename(o->L, r, o->state + (o->n_state - r->n_axes));
}

/* ---- Runge-Kutta ----------------------------------------------------------------------------- */

typedef struct Tableau {
    int stages;
    double c[7], a[7][6], b[7], error[7];              /* error: b minus that of the lower order */
} Tableau;

static const Tableau classical = {
    4, { 0, 0.5, 0.5, 1 }, { { 0 }, { 0.5 }, { 0, 0.5 }, { 0, 0, 1 } },
    { 1. / 6, 1. / 3, 1. / 3, 1. / 6 }, { 0 },
};
static const Tableau dormand_prince = {
    7, { 0, 1. / 5, 3. / 10, 4. / 5, 8. / 9, 1, 1 },
    { { 0 },
      { 1. / 5 },
      { 3. / 40, 9. / 40 },
      { 44. / 45, -56. / 15, 32. / 9 },
      { 19372. / 6561, -25360. / 2187, 64448. / 6561, -212. / 729 },
      { 9017. / 3168, -355. / 33, 46732. / 5247, 49. / 176, -5103. / 18656 },
      { 35. / 384, 0, 500. / 1113, 125. / 192, -2187. / 6784, 11. / 84 } },
    { 35. / 384, 0, 500. / 1113, 125. / 192, -2187. / 6784, 11. / 84, 0 },
    { 71. / 57600, 0, -71. / 16695, 71. / 1920, -17253. / 339200, 22. / 525, -1. / 40 },
};

/* h times the sum of w[i] k[i]. */
static Val *weighted(Lower *L, Val *h, const double *w, Val *const *k, int n)
{
    Val *sum = NULL;
    for (int i = 0; i < n; i++) {
        if (w[i] == 0)
            continue;
        Val *part = times(L, number(L, w[i]), k[i]);
        sum = sum ? plus(L, sum, part) : part;
    }
    return times(L, h, sum);
}

/* z after a step of length h; *error: how far the two orders lie apart, or NULL. */
static Val *step(const Ode *o, const Tableau *m, Val *t, Val *h, Val *z, Val **error)
{
    Lower *L = o->L;
    Val *k[7];
    int n = error ? m->stages : m->stages - (m->b[m->stages - 1] == 0);
    for (int i = 0; i < n; i++) {
        Val *at = i ? plus(L, z, weighted(L, h, m->a[i], k, i)) : z;
        k[i] = rate(o, plus(L, t, times(L, number(L, m->c[i]), h)), at);
    }
    if (error)
        *error = weighted(L, h, m->error, k, n);
    return plus(L, z, weighted(L, h, m->b, k, n));
}

/* ---- the sequence of steps ------------------------------------------------------------------- */

static Val *past(const Ode *o, ScanState *s, const char *name, int n_axes)
{
    Lower *L = o->L;
    Axis *outer[LIMIT_RANK];
    int n = 0;
    for (size_t i = 0; i < vec_len(L->active); i++)
        outer[n++] = L->active[i].axis;
    return scan_past(L, s, name, o->steps, outer, n, o->state, n_axes);
}

static Val *held(Lower *L, Val *v) { return val_op1(L, OP_STOP_GRADIENT, v); }

/* RMS over the state of error / (tol + tol max(|z|, |next|)) (Hairer, Norsett & Wanner 1993,
 * II.4). */
static Val *error_norm(const Ode *o, Val *error, Val *z, Val *next, double tol)
{
    Lower *L = o->L;
    Val *size = val_op2(L, OP_MAX, val_op1(L, OP_ABS, z), val_op1(L, OP_ABS, next));
    Val *e = val_op2(L, OP_DIV, error, plus(L, number(L, tol), times(L, number(L, tol), size)));
    Val *sum = val_sum_all(L, times(L, e, e));
    double n = 1;
    for (int i = 0; i < o->n_state; i++)
        n *= (double)o->state[i]->size;
    return val_op1(L, OP_SQRT, val_op2(L, OP_DIV, sum, number(L, n)));
}

/* One attempt. States: z, the time t, the length h that is tried next. */
static void attempt(Ode *o, ScanState *s, Val *z0, Val *t0, Val *begins, Val *end, double tol)
{
    Lower *L = o->L;
    Val *z = past(o, &s[0], "state", o->n_state), *t = past(o, &s[1], "time", 0),
        *h = past(o, &s[2], "length", 0);
    z = val_select(L, begins, z0, z);
    t = val_select(L, begins, held(L, t0), t);
    Val *whole = val_op2(L, OP_SUB, held(L, end), held(L, t0));
    h = val_select(L, begins, times(L, number(L, 0.05), whole), h);
    Val *left = val_op2(L, OP_SUB, end, t), *done = val_op2(L, OP_LE, left, number(L, 0));
    Val *last = val_op2(L, OP_GE, h, left), *length = val_select(L, last, left, h);
    Val *error, *from = held(L, z);
    Val *to = step(o, &dormand_prince, t, held(L, length), from, &error);
    Val *norm = held(L, error_norm(o, error, from, to, tol));
    Val *good = val_op2(L, OP_AND, val_op2(L, OP_LE, norm, number(L, 1)), val_op1(L, OP_NOT, done));
    Val *some = val_op2(L, OP_MAX, norm, number(L, 1e-10));
    Val *factor = times(L, number(L, 0.9), val_op2(L, OP_POW, some, number(L, -0.2)));
    factor = val_op2(L, OP_MIN, number(L, 5), val_op2(L, OP_MAX, number(L, 0.2), factor));
    factor = val_select(L, val_op2(L, OP_LE, norm, number(L, 1e10)), factor, number(L, 0.2));
    Val *next_h = times(L, length, factor);
    next_h = val_select(L, val_op2(L, OP_AND, good, last), val_op2(L, OP_MAX, h, next_h), next_h);
    Val *taken = val_select(L, good, length, number(L, 0));
    scan_next(L, &s[0], step(o, &dormand_prince, t, taken, z, NULL));
    Val *next_t = val_select(L, last, end, plus(L, t, length));
    scan_next(L, &s[1], held(L, val_select(L, good, next_t, t)));
    scan_next(L, &s[2], held(L, val_select(L, done, h, next_h)));
}

/* ---- the call -------------------------------------------------------------------------------- */

/* ts at the interval of each step; `before`: of the interval before it. */
static Val *time_at(const Ode *o, Val *ts, Val *interval, double before)
{
    Lower *L = o->L;
    Val *i = val_op2(L, OP_SUB, interval, number(L, before));
    return val_tensor(L, tir_gather(L->f, tir_expand(L->f, ts->t, ts->axes, 1), ts->axes[0], i->t),
                      NULL, 0);
}

/* Reads the method: rk4(k), or rk45(tolerance, attempts) by default; false after an error. */
static bool read_method(Ode *o, Env *env, const Ast *call, bool *fixed, double *tolerance)
{
    Lower *L = o->L;
    const Ast *method = ast_argument(call, "method");
    *fixed = method && !strcmp(method->name, "rk4");
    *tolerance = 1e-8;
    o->per_interval = ATTEMPTS;
    const Ast *first = method ? method->kids[0]->kids[ARG_VALUE] : NULL;
    bool known = !first || *fixed || eval_number(L, env, first, tolerance);
    if (*fixed)
        o->per_interval = eval_size(L, env, first);
    else if (method && vec_len(method->kids) > 1)
        o->per_interval = eval_size(L, env, method->kids[1]->kids[ARG_VALUE]);
    return known && *tolerance > 0 && o->per_interval >= 1;
}

/* Values along ts of the last step of each interval. */
static Val *at_ends(const Ode *o, Tir *v, Axis *const *axes, int n_axes, Val *rows)
{
    Lower *L = o->L;
    double k = (double)o->per_interval;
    Val *last = plus(L, times(L, rows, number(L, k)), number(L, k - 1));
    return val_tensor(L, tir_gather(L->f, v, o->steps, last->t), axes, n_axes);
}

/* The state at the end of each interval: [ts, state]. */
static Val *solution(const Ode *o, Val *ts, Tir *const *values, bool fixed)
{
    Lower *L = o->L;
    Axis *out = axis_keyed(L, str_fmt(L->c, "ode %d", o->steps->id), AXIS_EVENT,
                           ts->axes[0]->name, ts->axes[0]->size);
    Val *rows = val_tensor(L, tir_iota(L->f, out), NULL, 0);
    Val *z = at_ends(o, values[0], o->state, o->n_state, rows);
    if (!fixed) {
        Val *reached = at_ends(o, values[1], NULL, 0, rows);
        Val *there = val_op2(L, OP_GE, reached, time_at(o, ts, rows, 0));
        z = val_select(L, there, z, number(L, NAN));
    }
    Axis *axes[LIMIT_RANK] = { out };
    for (int i = 0; i < o->n_state; i++)
        axes[i + 1] = o->state[i];
    return val_tensor(L, tir_expand(L->f, z->t, &out, 1), axes, o->n_state + 1);
}

Val *eval_ode(Lower *L, Env *env, const Ast *e)
{
    const Ast *start = ast_argument(e, "start");
    Ode o = { .L = L, .f = e->kids[0]->kids[ARG_VALUE]->decl };
    o.fields = e->kids[1]->kids[ARG_VALUE]->type->names;
    Val *z0 = packed(&o, eval(L, env, e->kids[1]->kids[ARG_VALUE]));
    Val *ts = eval(L, env, ast_argument(e, "at"));
    Val *t0 = start ? eval(L, env, start) : number(L, 0);
    bool fixed;
    double tolerance;
    int64_t n = ts->axes[0]->size;
    if (!read_method(&o, env, e, &fixed, &tolerance) || o.per_interval * n > MOST_STEPS) {
        not_lowered(L, e->span, "an `ode` with this method");
        o.per_interval = 1;
    }
    o.steps = tir_axis(L->f, AXIS_PLATE, str(L->c, "step"), n * o.per_interval);
    for (int i = 0; i < z0->n_axes; i++)
        o.state[o.n_state++] = z0->axes[i];
    Val *at = val_tensor(L, tir_iota(L->f, o.steps), NULL, 0);
    Val *k = number(L, (double)o.per_interval);
    Val *interval = val_op1(L, OP_FLOOR, val_op2(L, OP_DIV, at, k));
    Val *begins = val_op2(L, OP_LT, at, number(L, 1)), *end = time_at(&o, ts, interval, 0);
    ScanState s[3] = { { 0 } }, *states = NULL;
    if (fixed) {
        Val *first = val_op2(L, OP_LT, interval, number(L, 1));
        Val *begin = val_select(L, first, t0, time_at(&o, ts, interval, 1));
        Val *h = val_op2(L, OP_DIV, val_op2(L, OP_SUB, end, begin), k);
        Val *t = plus(L, begin, times(L, val_op2(L, OP_SUB, at, times(L, interval, k)), h));
        Val *z = val_select(L, begins, z0, past(&o, &s[0], "state", o.n_state));
        scan_next(L, &s[0], step(&o, &classical, t, h, z, NULL));
    } else {
        attempt(&o, s, z0, t0, begins, end, tolerance);
    }
    for (int i = 0; i < (fixed ? 1 : 3); i++)
        vec_push(L->c, states, s[i]);
    Tir *values[3];
    if (scan_lift(L->f, str(L->c, "ode"), o.steps, false, states, NULL, values))
        ice_span(e->span, "an ode is no sequence");
    return unpacked(&o, solution(&o, ts, values, fixed));
}
