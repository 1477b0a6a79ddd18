/* call_ode.c - `ode(f, z0, start: t0, at: ts, method: rk45(1e-8))`: the solution of z' = f(t, z),
 * z(t0) = z0, at each of the times ts.
 *
 * establishes: f is a function of time and state whose value has the shape of the state
 */
#include "call.h"

#include <math.h>
#include <string.h>

/* Reported here, as an argument that is not by position. */
static bool ode_argument(Check *s, Args *a, const char *name, bool fits, const char *needs)
{
    Ast *e = ast_argument(a->at, name);
    if (!e) FAIL(s, E_ARGUMENT_SHAPE, a->at->span, "ode", needs, name, "nothing");
    else if (!is_bad(e->type) && !fits)
        FAIL(s, E_ARGUMENT_SHAPE, e->span, "ode", needs, fmt_expr(s->c, e),
             type_text(s->c, e->type));
    if (!e || (!is_bad(e->type) && !fits))
        diag_help(s->c, "`ode(f, z0, start: t0, at: ts, method: rk45(1e-8))`");
    return e && !is_bad(e->type) && fits;
}

static bool ode_arguments(Check *s, Args *a)
{
    Ast *start = ast_argument(a->at, "start"), *method = ast_argument(a->at, "method");
    bool called = method && method->kind == AST_CALL && !method->decl
               && (!strcmp(method->name, "rk4") || !strcmp(method->name, "rk45"));
    bool number = start && start->type && start->type->kind == KIND_VALUE
               && !vec_len(start->type->event) && !vec_len(start->type->array);
    return (!start || ode_argument(s, a, "start", number, "a number for `start`"))
        && (!method || ode_argument(s, a, "method", called,
                                    "rk4(steps) or rk45(tolerance) for `method`"))
        && ode_argument(s, a, "at", true, "the times of the solution as `at`");
}

/* rk4(steps), rk45(tolerance, attempts): read by ode, in its place. */
Type *rule_method(Check *s, Args *a)
{
    bool tolerance = !strcmp(a->row->name, "rk45");
    for (size_t i = 0; i < a->n; i++) {
        const Type *t = a->types[i];
        bool small = tolerance && i == 0;
        if (is_bad(t)) return type_bad(s);
        if (t->kind != KIND_VALUE || vec_len(t->event) || (!small && t->elem == ELEM_REAL)
            || (small ? t->range.hi <= 0 : t->range.hi < 1))
            return bad_argument(s, a, i, small ? "a positive tolerance"
                                         : tolerance ? "a whole number of attempts, at least 1"
                                                     : "a whole number of steps, at least 1");
    }
    return type_new(s, KIND_FUNCTION);
}

/* Of a state that begins within r: equations are taken to keep signs, and shares shares. */
static Range state_range(Range r)
{
    Range unit = range_from(0, 1);
    if (r.lo < r.hi && range_inside(r, unit)) return unit;
    if (r.lo > 0 || (r.lo == 0 && r.lo_open)) return range_open(0, INFINITY);
    return r.lo == 0 ? range_from(0, INFINITY) : range_real();
}

/* The state as the function of time and state sees it. NULL: it is none. */
static Type *state_type(Check *s, const Type *t)
{
    if (t->kind == KIND_VALUE)
        return type_value(s, ELEM_REAL, state_range(t->range), type_flat(s, t)->event);
    Type *state = t->kind == KIND_RECORD ? type_copy(s, t) : NULL;
    if (state) state->fields = NULL;
    for (size_t i = 0; state && i < vec_len(t->fields); i++) {
        const Type *field = t->fields[i];
        if (is_bad(field) || field->kind != KIND_VALUE || !is_scalar(field)) return NULL;
        vec_push(s->c, state->fields, type_value(s, ELEM_REAL, state_range(field->range), NULL));
    }
    return state;
}

static bool same_fields(const Type *a, const Type *b)
{
    bool same = vec_len(a->names) == vec_len(b->names);
    for (size_t i = 0; same && i < vec_len(a->names); i++) {
        size_t k = 0;
        while (k < vec_len(b->names) && b->names[k] != a->names[i]) k++;
        same = k < vec_len(b->names) && b->fields[k]->kind == KIND_VALUE
            && is_scalar(b->fields[k]);
    }
    return same;
}

static bool has_shape_of(Check *s, const Type *rate, const Type *state)
{
    if (state->kind == KIND_RECORD)
        return rate->kind == KIND_RECORD && same_fields(state, rate);
    bool fits = rate->kind == KIND_VALUE && vec_len(rate->event) == vec_len(state->event);
    for (size_t i = 0; fits && i < vec_len(state->event); i++)
        fits = sizes_agree(s, rate->event[i], state->event[i]);
    return fits;
}

/* The state at each of the times: an array, or a record of arrays. */
static Type *along(Check *s, const Type *state, Size **times)
{
    Type *t = type_copy(s, state);
    if (state->kind != KIND_RECORD) {
        t->array = times;
        return t;
    }
    t->fields = NULL;
    for (size_t i = 0; i < vec_len(state->fields); i++)
        vec_push(s->c, t->fields, along(s, state->fields[i], times));
    return t;
}

Type *rule_ode(Check *s, Args *a)
{
    if (!ode_arguments(s, a)) return type_bad(s);
    Type *times = ast_argument(a->at, "at")->type;
    if (is_bad(a->types[0]) || is_bad(a->types[1])) return type_bad(s);
    if (a->types[0]->kind != KIND_FUNCTION)
        return bad_argument(s, a, 0, "a function of time and state");
    if (is_bad(times)) return type_bad(s);
    if (times->kind == KIND_VALUE) times = type_flat(s, times);
    Type *state = state_type(s, a->types[1]);
    if (!state) return bad_argument(s, a, 1, "a number, a vector or a record of numbers");
    if (times->kind != KIND_VALUE || vec_len(times->event) != 1) {
        ode_argument(s, a, "at", false, "a vector or an array of times as `at`");
        return type_bad(s);
    }
    Type *args[2] = { type_value(s, ELEM_REAL, times->range, NULL), state };
    Ast *f = a->types[0]->callable;
    bool two = f && f->kind == AST_FUNCTION && list_len(f->kids[FUNCTION_ARGS]) == 2;
    Type *rate = two ? apply_function(s, f, args, 2, a->at) : NULL;
    if (!rate) return bad_argument(s, a, 0, "a function of time and state");
    if (is_bad(rate)) return rate;
    if (!has_shape_of(s, rate, state)) {
        a->types[0] = rate;
        return bad_argument(s, a, 0, "a function whose value has the shape of the state");
    }
    return along(s, state, times->event);
}
