/* scan_adjoint.c - the adjoint of a sequence.
 *
 *     y[t] = step(s[t - 1], x[t], c)          s[t] the first elements of y[t]
 *     (ds[t - 1], dx[t], dc at t) = J[t]' (g[t] + ds[t])          J: the derivatives of the step
 * Idea: backwards all states are known, so what J is made of is computed for all steps at once, and
 * what the step found on its way to y is read from y. Only the adjoint of the state goes from step
 * to step, in a linear recursion: scan_lift makes it a SCAN, from the last step to the first. Given
 * its values at all steps, dx and dc follow for all steps at once too.
 * A step with many values on its way would be given more numbers than it has operands: there it
 * finds them again from its operands.
 */
#include <string.h>

#include "tir_build.h"

enum { SEED = 3 };                     /* what a gradient is given after the three of the step */

/* ---- the gradient of a step ------------------------------------------------------------------ */

/* Outputs: next, then the derivatives of sum next * seed by state, each and fixed. */
static TirFn *step_gradient(TirFn *step, const int64_t *sizes)
{
    Ctx *c = step->c;
    if (step->gradient)
        return step->gradient;
    TirFn *f = tir_fn_like(c, step);
    Tir **given = NULL, *next = tir_copies(f, step)[step->outs[0].value->id];
    for (int k = 0; k < 3; k++) {
        const Tir *v = tir_scan_input(step, k);
        Str name = str(c, scan_inputs[k]);
        Axis *axis = v ? v->axes[0] : tir_axis(f, AXIS_EVENT, name, sizes[k]);
        vec_push(c, given, tir_input(f, INPUT_GIVEN, name, &axis, 1));
    }
    Tir *seed = tir_input(f, INPUT_GIVEN, str(c, "seed"), next->axes, 1);
    Tir *product = tir_map(f, OP_MUL, next, seed, NULL);
    tir_out(f, OUT_VALUE, str(c, "next"), 0, next);
    tir_out(f, OUT_TERM, str(c, "term"), 0, tir_reduce(f, OP_SUM, product, next->axes, 1));
    Tir *one = tir_const(f, 1);
    TirFn *g = tir_grad(c, f, &one, given);
    TirOut *outs = NULL;
    for (size_t i = 0; i < vec_len(g->outs); i++)
        if (g->outs[i].kind == OUT_VALUE)
            vec_push(c, outs, g->outs[i]);
    g->outs = outs;
    return step->gradient = tir_simplify(c, g);
}

/* ---- a step at all steps --------------------------------------------------------------------- */

typedef struct Unrolled {
    TirFn *f;
    const TirFn *g;                    /* the gradient of the step */
    Axis **axis;                       /* by id: in f, for an axis of g */
    Tir **known;                       /* by id: in f, for a value of g that y has; else NULL */
} Unrolled;

static Axis *axis_in_f(Unrolled *u, const Axis *a)
{
    if (!u->axis[a->id])
        u->axis[a->id] = tir_axis(u->f, AXIS_EVENT, a->name, a->size);
    return u->axis[a->id];
}

static void map_axes(Unrolled *u, Axis **axes, int n)
{
    for (int i = 0; i < n; i++)
        if (axes[i])
            axes[i] = axis_in_f(u, axes[i]);
}

static bool pads_apart(const Tir *v, const Tir *w)
{
    if (v->op == OP_ADD)
        return pads_apart(v->in[0], w) && pads_apart(v->in[1], w);
    if (w->op == OP_ADD)
        return pads_apart(v, w->in[0]) && pads_apart(v, w->in[1]);
    return v->op == OP_PAD && w->op == OP_PAD && v->to[0] == w->to[0]
        && (v->offset + v->over[0]->size <= w->offset || w->offset + w->over[0]->size <= v->offset);
}

/* Pads that do not overlap: each operand stands in the sum unchanged. */
static bool side_by_side(const Tir *v)
{
    return v->op == OP_PAD || (v->op == OP_ADD && side_by_side(v->in[0]) && side_by_side(v->in[1])
                               && pads_apart(v->in[0], v->in[1]));
}

/* v, of g, is `value` in f: and so are what v is put together of. */
static void know(Unrolled *u, const Tir *v, Tir *value)
{
    Tir w = *v;
    map_axes(u, w.over, LIMIT_RANK);
    map_axes(u, w.to, LIMIT_RANK);
    bool diagonal = v->n_in && v->n_axes < v->in[0]->n_axes;
    if (v->op == OP_RENAME && !diagonal)
        know(u, v->in[0], tir_rename(u->f, value, w.to, w.over, w.n_over));
    else if (v->op == OP_FLATTEN)
        know(u, v->in[0], tir_split(u->f, value, w.to[0], w.over));
    else if (v->op == OP_PAD)
        know(u, v->in[0], tir_slice(u->f, value, w.to[0], w.over[0], w.offset));
    else if (v->op == OP_ADD && side_by_side(v))
        for (int k = 0; k < 2; k++)
            know(u, v->in[k], value);
    else if (v->op != OP_INPUT && v->op != OP_CONST)
        u->known[v->id] = value;
}

/* The outputs of g, for all steps at once; in: state, each, fixed and seed along `vectors`. */
static void unroll(Unrolled *u, Tir *const *in, Axis *const *vectors, Tir **outs)
{
    Tir **order = tir_order(u->g);
    Tir **copy = arena_alloc(u->f->c->arena, sizeof *copy * ((size_t)u->g->n_values + 1));
    for (size_t i = 0; i < vec_len(order); i++) {
        const Tir *v = order[i];
        Tir w = *v, *operands[3] = { 0 };
        map_axes(u, w.axes, w.n_axes);
        map_axes(u, w.over, LIMIT_RANK);
        map_axes(u, w.to, LIMIT_RANK);
        for (int k = 0; k < v->n_in; k++)
            operands[k] = copy[v->in[k]->id];
        copy[v->id] = u->known[v->id];
        for (int k = 0; k <= SEED && v->op == OP_INPUT; k++)
            if (!strcmp(v->name, k == SEED ? "seed" : scan_inputs[k]))
                copy[v->id] = tir_rename(u->f, in[k], &vectors[k], w.axes, 1);
        if (!copy[v->id])
            copy[v->id] = tir_label(tir_rebuild(u->f, &w, operands), v->label, v->span);
    }
    for (int k = 0; k < 3; k++) {      /* after next, each along its own vector again */
        const Tir *v = u->g->outs[k + 1].value;
        Axis *axis = axis_in_f(u, v->axes[0]);
        outs[k] = tir_rename(u->f, copy[v->id], &axis, &vectors[k], 1);
    }
}

/* ---- the sequence ---------------------------------------------------------------------------- */

/* The state before each step: y one step earlier, and at the first what the scan began with. */
static Tir *states_before(TirFn *f, const Tir *y, Axis *to)
{
    Axis *t = y->over[0], *s = y->over[1 + SCAN_STATE];
    const Tir *begin = y->in[SCAN_STATE];
    Tir *first = tir_rename(f, y->in[SCAN_STATE], &s, &to, 1);
    if (t->size == 1)
        return tir_expand(f, first, &t, 1);
    Axis *rest = tir_axis(f, t->kind, t->name, t->size - 1);
    Tir *known = tir_slice(f, tir_slice(f, (Tir *)y, y->to[0], to, 0), t, rest, y->flag ? 1 : 0);
    Tir *shifted = tir_pad(f, known, rest, t, y->flag ? 0 : 1);
    if (begin->op == OP_EXPAND && begin->in[0]->op == OP_CONST && begin->in[0]->num == 0)
        return shifted;                /* a pad has zeros around it */
    Tir *start = tir_map(f, OP_EQ, tir_iota(f, t),
                         tir_const(f, y->flag ? (double)(t->size - 1) : 0), NULL);
    return tir_map(f, OP_SELECT, start, first, shifted);
}

/* ds of the step after, 0 after the last: ds has the axes of the steps and of the state. */
static Tir *from_after(TirFn *f, const Tir *y, Tir *ds)
{
    Axis *t = y->over[0];
    if (t->size == 1)
        return tir_const(f, 0);
    Axis *rest = tir_axis(f, t->kind, t->name, t->size - 1);
    return tir_pad(f, tir_slice(f, ds, t, rest, y->flag ? 0 : 1), rest, t, y->flag ? 1 : 0);
}

/* The equation that the adjoint of the state follows. */
static ScanState state_equation(Unrolled *u, const Tir *y, Tir *g, Tir **in, Axis *const *vectors)
{
    TirFn *f = u->f;
    Axis *s = vectors[SCAN_STATE], *axes[LIMIT_RANK];
    ScanState ds = { .next = { .n_axes = 0 } };
    for (int i = 0; i < y->n_axes; i++) {
        axes[i] = y->axes[i] == y->to[0] ? s : y->axes[i];
        if (axes[i]->kind == AXIS_EVENT && axes[i] != y->over[0])
            ds.next.axes[ds.next.n_axes++] = axes[i];
    }
    Str name = str_fmt(f->c, "%s after step of %d", s->name, y->id);
    ds.past = tir_input(f, INPUT_GIVEN, name, axes, y->n_axes);
    Tir *outs[3];
    in[SEED] = tir_map(f, OP_ADD, g, tir_pad(f, ds.past, s, y->to[0], 0), NULL);
    unroll(u, in, vectors, outs);
    ds.next.value = tir_expand(f, outs[SCAN_STATE], axes, y->n_axes);
    return ds;
}

static Tir *lift(TirFn *f, const Tir *y, const ScanState *ds, const ScanGiven *given)
{
    Tir *value;
    ScanState *states = NULL;
    vec_push(f->c, states, *ds);
    Str name = str_fmt(f->c, "%s_back", y->body->name);
    if (scan_lift(f, name, y->over[0], !y->flag, states, given, &value))
        ice("the adjoint of `%s` is no sequence", y->body->name);
    return value;
}

/* How many numbers each step of the scan behind v is given. */
static int64_t given_size(const Tir *v)
{
    while (v->op != OP_SCAN)
        v = v->in[0];
    return v->over[1 + SCAN_EACH]->size;
}

static Tir *stand_in(TirFn *f, const Tir *y, const char *what, Tir *value, ScanGiven **given)
{
    Str name = str_fmt(f->c, "%s of %d", what, y->id);
    Tir *input = tir_input(f, INPUT_GIVEN, name, value->axes, value->n_axes);
    vec_push(f->c, *given, ((ScanGiven){ input, value }));
    return input;
}

/* The adjoints of the states before all steps, along `s`. Its steps are given what depends on the
 * states alone, unless that is more numbers than those it is made of. */
static Tir *state_adjoints(Unrolled *u, Tir *y, Tir *g, Tir *const *in, Axis *const *vectors)
{
    TirFn *f = u->f;
    Axis *own = axis_in_f(u, u->g->outs[0].value->axes[0]);
    Tir *given_in[4] = { in[SCAN_STATE], in[SCAN_EACH], in[SCAN_FIXED] };
    ScanState ds = state_equation(u, y, g, given_in, vectors);
    Tir *value = lift(f, y, &ds, NULL);
    int64_t plain = vectors[SCAN_STATE]->size + vectors[SCAN_EACH]->size + 2 * y->to[0]->size;
    if (given_size(value) <= plain)
        return value;
    ScanGiven *given = NULL;
    for (int k = 0; k < 3; k++)
        given_in[k] = stand_in(f, y, scan_inputs[k], in[k], &given);
    Tir *result = stand_in(f, y, "result", y, &given);
    Unrolled w = { .f = f, .g = u->g, .axis = u->axis };
    w.known = arena_alloc(f->c->arena, sizeof *w.known * ((size_t)u->g->n_values + 1));
    know(&w, u->g->outs[0].value, tir_rename(f, result, &y->to[0], &own, 1));
    ds = state_equation(&w, y, stand_in(f, y, "adjoint", g, &given), given_in, vectors);
    return lift(f, y, &ds, given);
}

static Tir **adjoints(TirFn *f, Tir *y, Tir *g)
{
    Ctx *c = f->c;
    int64_t sizes[3];
    for (int k = 0; k < 3; k++)
        sizes[k] = y->over[k + 1]->size;
    Unrolled u = { .f = f, .g = step_gradient(y->body, sizes) };
    int n_axes = 0;
    for (size_t i = 0; i < vec_len(u.g->axes); i++)
        n_axes = u.g->axes[i]->id >= n_axes ? u.g->axes[i]->id + 1 : n_axes;
    u.axis = arena_alloc(c->arena, sizeof *u.axis * (size_t)(n_axes + 1));
    u.known = arena_alloc(c->arena, sizeof *u.known * ((size_t)u.g->n_values + 1));
    const Tir *next = u.g->outs[0].value;
    Axis *s = tir_axis(f, AXIS_EVENT, str(c, "ds"), sizes[SCAN_STATE]);
    Axis *own = axis_in_f(&u, next->axes[0]);
    know(&u, next, tir_rename(f, y, &y->to[0], &own, 1));
    Axis *vectors[4] = { s, y->over[1 + SCAN_EACH], y->over[1 + SCAN_FIXED], y->to[0] };
    Tir *in[4] = { states_before(f, y, s), y->in[SCAN_EACH], y->in[SCAN_FIXED] };
    g = tir_expand_like(f, g, y);
    Tir *ds = state_adjoints(&u, y, g, in, vectors);
    Tir **d = arena_alloc(c->arena, sizeof *d * 3);
    in[SEED] = tir_map(f, OP_ADD, g, tir_pad(f, from_after(f, y, ds), s, y->to[0], 0), NULL);
    unroll(&u, in, vectors, d);
    d[SCAN_STATE] = tir_rename(f, ds, &s, &y->over[1 + SCAN_STATE], 1);
    return d;
}

Tir *tir_scan_adjoint(TirFn *f, Tir *y, int k, Tir *g)
{
    if (y->adjoint_of != g)
        y->adjoints = adjoints(f, y, g);
    y->adjoint_of = g;
    Tir *d = y->adjoints[k];
    for (int i = 0; i < y->n_axes; i++)                /* d may be constant along some of them */
        if (y->axes[i] != y->to[0])
            d = tir_expand(f, d, &y->axes[i], 1);
    if (k == SCAN_STATE)               /* of the step taken first */
        d = tir_element(f, d, y->over[0], y->flag ? y->over[0]->size - 1 : 0);
    AxisSet over = axes_minus(d, y->in[k]);
    return tir_reduce(f, OP_SUM, d, over.axis, over.n);
}
