/* scan.c - sequences: values of earlier steps.
 *
 *     previous(x, init, lag: m)      x[t - m], or init where t < m; m a number wherever it is read
 *     x[t - m], x[e]                 inside the scan that x is declared in
 * Idea: data, given latents and lets that do not read their own past are known at all steps, so an
 * earlier step is the same array, shifted. A let that does is a recursion, and so is a latent whose
 * value is bound to what reads earlier ones (that of a non-centred one): while its equation is
 * evaluated a past value is an input of the fn, a state; the lets that are read so join it. A let
 * that is read at steps that vary, sum[s in t](x[s] * w[t - s]), has a state of all steps, in which
 * each step writes its own. What comes out is lifted to a SCAN (scan_lift.c), and everything else
 * is evaluated anew with the values of all steps at hand.
 */
#include "lower.h"

#include <math.h>
#include <string.h>

enum { ALL_STEPS = 0 };                /* as a lag: the values of all steps so far */

typedef struct Past {
    Var *v;
    int64_t lag;
    Tir *value;
    Axis *steps;                       /* ALL_STEPS: the axis that they lie along */
} Past;

struct Recursion {
    Plate *plate;
    Past *past;                        /* vec: the states, those of one variable by lag */
};

/* ---- the plate ------------------------------------------------------------------------------- */

Axis *active_axis(const Lower *L, const Plate *p)
{
    for (size_t i = 0; i < vec_len(L->active); i++)
        if (L->active[i].plate == p)
            return L->active[i].axis;
    return NULL;
}

/* The innermost sequence around the expression, or NULL. */
static Plate *around(const Lower *L)
{
    for (size_t i = vec_len(L->active); i-- > 0;)
        if (L->active[i].plate->sequence)
            return L->active[i].plate;
    return NULL;
}

/* The sequence whose steps `previous` and `[t - 1]` count for v: the innermost around that v stands
 * in; of data the innermost. NULL: none. */
static Plate *sequence_of(const Lower *L, const Var *v)
{
    Plate *p = v->kind == VAR_DATA ? around(L) : plate_sequence(v->plate);
    while (p && !active_axis(L, p))    /* v stands in a sequence within */
        p = plate_sequence(p->outer);
    return p;
}

/* ---- known values ---------------------------------------------------------------------------- */

/* v at the step `lag` before; where there is none, at the first. */
static Val *shifted(Lower *L, Val *v, Axis *steps, int64_t lag)
{
    if (!tir_has_axis(v->t, steps))
        return v;
    Tir *first = element_of(L, v->t, steps, 0);
    if (lag >= steps->size)
        return val_tensor(L, first, v->axes, v->n_axes);
    Axis *rest = axis_keyed(L, str_fmt(L->c, "rest of %d", steps->id), AXIS_PLATE, steps->name,
                            steps->size - lag);
    Tir *known = tir_pad(L->f, tir_slice(L->f, v->t, steps, rest, 0), rest, steps, lag);
    Tir *early = tir_map(L->f, OP_LT, tir_iota(L->f, steps), tir_const(L->f, (double)lag), NULL);
    return val_tensor(L, tir_map(L->f, OP_SELECT, early, first, known), v->axes, v->n_axes);
}

/* Data above the scan, as previous() takes them: their array axes are the innermost plates. */
static Val *data_here(Lower *L, Var *v)
{
    Val *val = var_value(L, v);
    size_t depth = vec_len(L->active), n = vec_len(v->type->array);
    for (size_t i = depth - n; n <= depth && i < depth; i++) {
        Axis *from = val->axes[0], *to = L->active[i].axis;
        const Ast *low = L->active[i].plate->low;
        int64_t at = low ? eval_size(L, NULL, low) : 0;
        if (at + to->size > from->size)
            ice_span(L->at, "`%s` is not an array over the sequence", v->name);
        Tir *t = tir_slice(L->f, tir_expand(L->f, val->t, &from, 1), from, to, at);
        val = val_tensor(L, t, val->axes + 1, val->n_axes - 1);
    }
    return val;
}

/* ---- states ---------------------------------------------------------------------------------- */

static Past state(Lower *L, Var *v, int64_t lag)
{
    struct Recursion *r = L->recursion;
    for (size_t i = 0; i < vec_len(r->past); i++)
        if (r->past[i].v == v && r->past[i].lag == lag)
            return r->past[i];
    if (lag != 1)                      /* what solve() reads the values of v off is that of lag 1 */
        state(L, v, lag > 1 ? lag - 1 : 1);
    Axis *axes[LIMIT_RANK], *explicit[LIMIT_RANK];
    int n = 0, m = lower_type_axes(L, v, explicit);
    Plate *chain[LIMIT_RANK];
    for (Plate *p = v->plate; p; p = p->outer)
        chain[n++] = p;
    for (int i = 0; i < n; i++)
        axes[i] = lower_plate_axis(L, chain[n - 1 - i]);
    Past p = { .v = v, .lag = lag };
    Axis *steps = lower_plate_axis(L, r->plate);
    if (lag == ALL_STEPS)
        axes[n++] = p.steps = tir_axis(L->f, AXIS_EVENT, steps->name, steps->size);
    for (int i = 0; i < m; i++)
        axes[n++] = explicit[i];
    Str name = str_fmt(L->c, "%s %lld before", v->name, (long long)lag);
    p.value = tir_input(L->f, INPUT_GIVEN, name, axes, n);
    vec_push(L->c, r->past, p);
    return p;
}

static Val *past_state(Lower *L, Var *v, int64_t lag)
{
    Axis *axes[LIMIT_RANK];
    Tir *t = state(L, v, lag).value;
    return val_tensor(L, t, axes, lower_type_axes(L, v, axes));
}

/* The value at position i of the steps so far. */
static Val *past_at(Lower *L, Var *v, Val *i)
{
    Axis *axes[LIMIT_RANK];
    Past p = state(L, v, ALL_STEPS);
    bool whole = i->index_of && !i->first && i->index_of->size == p.steps->size;
    Tir *t = whole ? tir_rename(L->f, p.value, &p.steps, &i->index_of, 1)
                   : tir_gather(L->f, p.value, p.steps, i->t);
    return val_tensor(L, t, axes, lower_type_axes(L, v, axes));
}

/* A let, or a latent whose value is computed from others. */
static bool has_equation(const Lower *L, const Var *v)
{
    return v->kind == VAR_LET || map_get(L->equations, v);
}

static bool is_recursive(const Lower *L, const Var *v)
{
    return L->recursion && has_equation(L, v) && plate_sequence(v->plate) == L->recursion->plate
        && !map_get(L->recursion_known, v);
}

/* The past of a let that reads a state of its sequence depends on earlier states: while they are
 * summed out, only that of the step at hand is known. */
static bool past_is_known(Lower *L, const Var *v, Span at)
{
    Var **reads = v->kind == VAR_LET ? model_reads(L->c, L->d->model, v->value) : NULL;
    Axis *steps = active_axis(L, plate_sequence(v->plate));
    for (size_t i = 0; i < vec_len(reads); i++) {
        const Val *state = map_get(L->values, reads[i]);
        if (!var_is_summed(reads[i]) || !state || state->kind != VAL_TENSOR
            || plate_sequence(reads[i]->plate) != plate_sequence(v->plate)
            || tir_has_axis(state->t, steps))
            continue;
        diag_error(L->c, E_ND_DISCRETE, reads[i]->decl->span, reads[i]->name);
        diag_note(L->c, at, "an earlier value of `%s`, which depends on it, is read here", v->name);
        diag_help(L->c, "read an earlier state itself: `previous(%s, ..)`", reads[i]->name);
        return false;
    }
    return true;
}

/* x[t - lag]; where t < lag some value that is never used. */
static Val *at_lag(Lower *L, Var *v, int64_t lag, Span at)
{
    Plate *sequence = sequence_of(L, v);
    Val *before;
    if (chain_before(L, v, lag, false, at, &before))
        return before ? before : val_const(L, 0);
    if (var_is_summed(v) && !map_get(L->values, v)) {
        not_lowered(L, at, "an earlier state of what is no chain");
        return val_const(L, 0);
    }
    if (plate_sequence(v->plate) == sequence && !past_is_known(L, v, at))
        return val_const(L, 0);
    if (is_recursive(L, v))
        return past_state(L, v, lag);
    Val *x = v->kind == VAR_DATA ? data_here(L, v) : var_value(L, v);
    if (x->kind != VAL_TENSOR) {
        not_lowered(L, at, "an earlier step of a distribution or record");
        return val_const(L, 0);
    }
    return shifted(L, x, active_axis(L, sequence), lag);
}

static Val *previous_at(Lower *L, Env *env, const Ast *e, Var *v, int64_t lag)
{
    const Ast *init = e->kids[1]->kids[ARG_VALUE];
    Val *before;
    if (chain_before(L, v, lag, true, e->span, &before))
        return before ? before : eval(L, env, init);
    Plate *sequence = sequence_of(L, v);
    before = at_lag(L, v, lag, e->span);
    Val *at = val_tensor(L, tir_iota(L->f, active_axis(L, sequence)), NULL, 0);
    Val *first = sequence->start ? eval(L, env, sequence->start) : val_const(L, 0);
    Val *early = val_op2(L, OP_LT, at, val_op2(L, OP_ADD, first, val_const(L, (double)lag)));
    return val_select(L, early, eval(L, env, init), before);
}

/* The index of a reduction that e reads, and its value; or NULL. */
static Str binder_in(Env *env, const Ast *e, Val **value)
{
    Env *bound = e->kind == AST_NAME ? env_find(env, e->name, false) : NULL;
    Str found = bound && bound->val && bound->val->index_of ? e->name : NULL;
    if (found)
        *value = bound->val;
    for (size_t i = 0; !found && i < vec_len(e->kids); i++)
        found = e->kids[i] ? binder_in(env, e->kids[i], value) : NULL;
    return found;
}

/* A lag that an index of a reduction decides, `lag: k + 1`, is a number at each position. */
static Val *previous_by(Lower *L, Env *env, const Ast *e, Var *v, const Ast *lag)
{
    Val *index = NULL, *out = NULL;
    double steps;
    Str name = eval_number(L, env, lag, &steps) ? NULL : binder_in(env, lag, &index);
    if (!name) {
        int64_t m = eval_size(L, env, lag);
        if (m >= 1)
            return previous_at(L, env, e, v, m);
        diag_error(L->c, E_ARGUMENT_SHAPE, lag->span, "previous",
                   "a whole number of steps, at least 1, as `lag`", fmt_expr(L->c, lag),
                   str_fmt(L->c, "%lld", (long long)m));
        diag_help(L->c, "count from 1: `lag: k + 1` for k in K");
        return val_const(L, 0);
    }
    for (int64_t k = 0; k < index->index_of->size; k++) {
        Val *position = val_const(L, (double)(k + index->first));
        Val *x = previous_by(L, env_bind(L, env, name, position), e, v, lag);
        out = out ? val_select(L, val_op2(L, OP_EQ, index, position), x, out) : x;
    }
    return out;
}

Val *eval_previous(Lower *L, Env *env, const Ast *e)
{
    const Ast *x = e->kids[0]->kids[ARG_VALUE];
    Var *v = x->kind == AST_NAME && x->decl ? model_var(L->d->model, x->decl) : NULL;
    if (!v || !sequence_of(L, v)) {
        not_lowered(L, e->span, "`previous` of an expression");
        return val_const(L, 0);
    }
    return vec_len(e->kids) > 2 ? previous_by(L, env, e, v, e->kids[2]->kids[ARG_VALUE])
                                : previous_at(L, env, e, v, 1);
}

/* t - m with a number m > 0, t the index of the sequence. */
static bool is_lag(Lower *L, Env *env, const Ast *e, const Plate *sequence, int64_t *lag)
{
    double m;
    if (e->kind != AST_BINARY || strcmp(e->name, "-"))
        return false;
    if (!plate_has_index(sequence, e->kids[BINARY_A])
        || !eval_number(L, env, e->kids[BINARY_B], &m) || !(m >= 1))
        return false;
    *lag = (int64_t)m;
    return true;
}

Val *eval_step(Lower *L, Env *env, const Ast *e, bool *handled)
{
    const Ast *base = e->kids[INDEX_BASE], *index = e->kids[1];
    Var *v = L->d && base->kind == AST_NAME ? model_var(L->d->model, base->decl) : NULL;
    Plate *sequence = v && v->kind != VAR_DATA ? sequence_of(L, v) : NULL;
    Axis *steps = sequence ? active_axis(L, sequence) : NULL;
    int64_t lag;
    *handled = steps != NULL && index->kind != AST_RANGE && !env_find(env, base->name, false);
    if (!*handled)
        return NULL;
    if (plate_has_index(sequence, index))
        return var_value(L, v);
    if (is_lag(L, env, index, sequence, &lag))
        return at_lag(L, v, lag, e->span);
    if (is_chain(L, v)) {
        diag_error(L->c, E_SCAN_PAST, e->span, v->name, fmt_expr(L->c, index));
        diag_help(L->c, "a state of the same chain is read a fixed number of steps back: "
                  "`%s[%s - 1]`", v->name, sequence->index);
        return val_const(L, 0);
    }
    if (!past_is_known(L, v, e->span))
        return val_const(L, 0);
    Val *i = eval(L, env, index);
    double low;
    if (sequence->low && eval_number(L, NULL, sequence->low, &low) && low != 0)
        i = val_op2(L, OP_SUB, i, val_const(L, low));
    if (is_recursive(L, v))
        return past_at(L, v, i);
    Val *x = var_value(L, v);
    if (!tir_has_axis(x->t, steps))
        return x;
    Axis *all = axis_keyed(L, str_fmt(L->c, "steps of %d", steps->id), AXIS_EVENT, steps->name,
                           steps->size);
    Tir *t = tir_gather(L->f, tir_rename(L->f, x->t, &steps, &all, 1), all, i->t);
    return val_tensor(L, t, x->axes, x->n_axes);
}

/* ---- states of what is a recursion by itself ------------------------------------------------- */

Val *scan_past(Lower *L, ScanState *s, const char *name, Axis *steps, Axis *const *outer,
               int n_outer, Axis *const *event, int n_event)
{
    Axis *axes[LIMIT_RANK];
    int n = 0;
    for (int i = 0; i < n_outer; i++)
        axes[n++] = outer[i];
    axes[n++] = steps;
    for (int i = 0; i < n_event; i++) {
        bool there = false;
        for (int k = 0; k < n_outer; k++)
            there |= outer[k] == event[i];
        if (!there)
            axes[n++] = event[i];
        s->next.axes[i] = event[i];
    }
    s->next.n_axes = n_event;
    Str unique = str_fmt(L->c, "%s before step of %d", name, steps->id);
    s->past = tir_input(L->f, INPUT_GIVEN, unique, axes, n);
    return val_tensor(L, s->past, event, n_event);
}

void scan_next(Lower *L, ScanState *s, const Val *v)
{
    Axis *const *axes = s->next.axes;
    Val *r = val_rename(L, v, axes + (s->next.n_axes - v->n_axes));
    s->next.value = tir_expand(L->f, r->t, axes, s->next.n_axes);
}

/* ---- recursions ------------------------------------------------------------------------------ */

/* Over the axes of the type of p->v, behind that of all steps. */
static Tir *state_next(Lower *L, const Past *p, Axis *const *axes, int n)
{
    if (p->lag > 1)
        return state(L, p->v, p->lag - 1).value;
    Val *value = map_get(L->values, p->v);
    if (!value) {
        value = let_plain(L, p->v);
        map_put(L->values, p->v, value);
    }
    if (value->kind != VAL_TENSOR || value->n_axes > n)
        ice_span(L->at, "`%s` has no value for each step", p->v->name);
    Tir *next = tir_expand(L->f, val_rename(L, value, axes + (n - value->n_axes))->t, axes, n);
    if (p->lag != ALL_STEPS)
        return next;
    Tir *now = tir_iota(L->f, lower_plate_axis(L, L->recursion->plate));
    Tir *here = tir_map(L->f, OP_EQ, tir_iota(L->f, p->steps), now, NULL);
    return tir_map(L->f, OP_SELECT, here, next, p->value);
}

/* Fills recursion_known with the values of the states at all steps. */
static void solve(Lower *L)
{
    struct Recursion *r = L->recursion;
    ScanState *states = NULL;
    Var **vars = NULL;
    for (size_t i = 0; i < vec_len(r->past); i++) {    /* grows: equations read others' past */
        Past p = r->past[i];
        ScanState s = { .past = p.value };
        int all = p.lag == ALL_STEPS;
        s.next.axes[0] = p.steps;
        s.next.n_axes = all + lower_type_axes(L, p.v, s.next.axes + all);
        s.next.value = state_next(L, &p, s.next.axes + all, s.next.n_axes - all);
        vec_push(L->c, states, s);
        vec_push(L->c, vars, p.lag == 1 ? p.v : NULL);
    }
    Tir **values = arena_alloc(L->c->arena, sizeof *values * (vec_len(states) + 1));
    const Tir *bad = diag_count(L->c) > L->errors ? NULL
                   : scan_lift(L->f, str_fmt(L->c, "scan_%s", r->past[0].v->name),
                               lower_plate_axis(L, r->plate), false, states, NULL, values);
    if (bad)
        not_lowered(L, bad->span, "a sequence whose steps do this");
    for (size_t i = 0; i < vec_len(vars); i++)
        if (vars[i])
            map_put(L->recursion_known, vars[i],
                    val_tensor(L, values[i] ? values[i] : tir_const(L->f, 0), states[i].next.axes,
                               states[i].next.n_axes));
}

/* The value of a let of a sequence, or of a latent with an equation. */
Val *let_of_sequence(Lower *L, Var *v)
{
    const Model *m = L->d->model;
    if (L->recursion)
        return let_plain(L, v);
    struct Recursion r = { .plate = plate_sequence(v->plate) };
    Map *known = map_new(L->c);
    for (size_t i = 0; i < vec_len(m->vars); i++)
        if (has_equation(L, m->vars[i]) && map_get(L->values, m->vars[i]))
            map_put(known, m->vars[i], map_get(L->values, m->vars[i]));
    L->recursion = &r;
    L->recursion_known = known;
    L->errors = diag_count(L->c);
    Val *value = let_plain(L, v);
    if (r.past) {
        map_put(L->values, v, value);
        solve(L);
        for (size_t i = 0; i < vec_len(m->vars); i++)  /* what was read meanwhile is of one step */
            if (has_equation(L, m->vars[i]))
                map_put(L->values, m->vars[i], map_get(known, m->vars[i]));
    }
    L->recursion = NULL;
    L->recursion_known = NULL;
    if (r.past)
        value = map_get(known, v) ? map_get(known, v) : let_plain(L, v);
    return value;
}
