/* scan.c - SCAN: a sequence, each step a small function of the one before.
 *
 *     y[t] = step(s[t - 1], x[t], c),   s[t] the first elements of y[t],   s[-1] given
 * Idea: what a step reads and writes are vectors, so that SCAN has three operands and one result
 * whatever the step is; scan_pack and scan_unpack put values side by side. The adjoint is a SCAN
 * too, from the last step to the first: it carries ds, is given s[t - 1], x[t] and the adjoint of
 * y[t], and its step is the reverse mode of the step,
 *     (ds[t - 1], dx[t], dc at t) = J' (g[t] + ds[t])
 * establishes: a fn of a step has inputs of INPUT_GIVEN by the names of scan_inputs, and the single
 * output `next`
 */
#include <string.h>

#include "tir_build.h"

const char *const scan_inputs[3] = { "state", "each", "fixed" };

/* ---- vectors ----------------------------------------------------------------------------- */

int64_t scan_part_size(const ScanPart *p)
{
    int64_t n = 1;
    for (int i = 0; i < p->n_axes; i++)
        n *= p->axes[i]->size;
    return n;
}

/* Position along axis i of the part, at positions `flat` of all its elements in order. */
static Tir *position_in(TirFn *f, const ScanPart *p, int i, Tir *flat)
{
    int64_t stride = 1;
    for (int k = i + 1; k < p->n_axes; k++)
        stride *= p->axes[k]->size;
    Tir *at = tir_map(f, OP_FLOOR, tir_map(f, OP_DIV, flat, tir_const(f, (double)stride), NULL),
                      NULL, NULL);
    double size = (double)p->axes[i]->size;
    Tir *turns = tir_map(f, OP_FLOOR, tir_map(f, OP_DIV, at, tir_const(f, size), NULL), NULL, NULL);
    return tir_map(f, OP_SUB, at, tir_map(f, OP_MUL, turns, tir_const(f, size), NULL), NULL);
}

/* The part as a vector along a fresh axis. */
static Tir *flatten(TirFn *f, const ScanPart *p, Axis **axis)
{
    if (p->n_axes == 1) {
        *axis = p->axes[0];
        return tir_expand(f, p->value, axis, 1);
    }
    *axis = tir_axis(f, AXIS_EVENT, str(f->c, "flat"), scan_part_size(p));
    Tir *v = tir_expand(f, p->value, p->axes, p->n_axes);
    if (p->n_axes == 0)
        return tir_expand(f, v, axis, 1);
    Tir *flat = tir_iota(f, *axis);
    for (int i = 0; i < p->n_axes; i++)
        v = tir_gather(f, v, p->axes[i], position_in(f, p, i, flat));
    return v;
}

Tir *scan_pack(TirFn *f, const ScanPart *parts, Axis *vector)
{
    Tir *sum = NULL;
    int64_t at = 0;
    for (size_t i = 0; i < vec_len(parts); i++) {
        Axis *axis;
        Tir *v = flatten(f, &parts[i], &axis);
        v = tir_pad(f, v, axis, vector, at);
        sum = sum ? tir_map(f, OP_ADD, sum, v, NULL) : v;
        at += scan_part_size(&parts[i]);
    }
    return sum ? sum : tir_expand(f, tir_const(f, 0), &vector, 1);
}

Tir *scan_unpack(TirFn *f, Tir *vector, Axis *axis, int64_t at, const ScanPart *like)
{
    if (like->n_axes <= 1) {
        return like->n_axes ? tir_slice(f, vector, axis, like->axes[0], at)
                            : tir_element(f, vector, axis, at);
    }
    Tir *flat = tir_const(f, 0);
    for (int i = 0; i < like->n_axes; i++) {
        flat = tir_map(f, OP_MUL, flat, tir_const(f, (double)like->axes[i]->size), NULL);
        flat = tir_map(f, OP_ADD, flat, tir_iota(f, like->axes[i]), NULL);
    }
    return tir_gather(f, vector, axis, tir_map(f, OP_ADD, flat, tir_const(f, (double)at), NULL));
}

/* ---- the op ------------------------------------------------------------------------------ */

/* One output, inputs by name, all vectors of constant size, and no draws. */
bool tir_is_step(const TirFn *f)
{
    bool ok = vec_len(f->outs) == 1 && f->outs[0].kind == OUT_VALUE && !f->outs[0].n_axes
           && f->outs[0].value->n_axes == 1;
    for (size_t i = 0; i < vec_len(f->axes); i++)
        ok = ok && f->axes[i]->kind == AXIS_EVENT;
    Tir **order = ok ? tir_order(f) : NULL;
    for (size_t i = 0; i < vec_len(order); i++) {
        bool known = false;
        for (int k = 0; k < 3; k++)
            known |= order[i]->op == OP_INPUT && !strcmp(order[i]->name, scan_inputs[k])
                  && order[i]->input == INPUT_GIVEN && order[i]->n_axes == 1;
        ok = ok && (order[i]->op != OP_INPUT || known)
          && op_info[order[i]->op].kind != OP_KIND_RANDOM;
    }
    return ok;
}

Axis *tir_scan_result(const TirFn *step)
{
    if (!tir_is_step(step))
        ice("`%s` is not the step of a sequence", step->name);
    return step->outs[0].value->axes[0];
}

static Tir *step_input(const TirFn *step, int k)
{
    Tir **order = tir_order(step);
    for (size_t i = 0; i < vec_len(order); i++)
        if (order[i]->op == OP_INPUT && !strcmp(order[i]->name, scan_inputs[k]))
            return order[i];
    return NULL;
}

int64_t tir_scan_size(const TirFn *step, int k)
{
    const Tir *v = step_input(step, k);
    return v ? v->axes[0]->size : 0;
}

Tir *tir_scan(TirFn *f, TirFn *step, Axis *steps, bool reverse, Tir *const *in,
              Axis *const *vectors, Axis *result)
{
    Tir v = { .op = OP_SCAN, .n_in = 3, .n_over = 4, .over = { steps }, .to = { result },
              .flag = reverse, .body = step };
    if (result->size != tir_scan_result(step)->size || vectors[SCAN_STATE]->size > result->size)
        ice("scan of `%s`: its result is a vector of another size", step->name);
    for (int k = 0; k < 3; k++) {
        int64_t size = tir_scan_size(step, k);
        if (size && size != vectors[k]->size)
            ice("scan of `%s`: %s is a vector of another size", step->name, scan_inputs[k]);
        v.over[k + 1] = vectors[k];
        v.in[k] = tir_expand(f, in[k], &v.over[k + 1], 1);
    }
    v.in[SCAN_EACH] = tir_expand(f, v.in[SCAN_EACH], v.over, 1);
    AxisSet s = tir_shape(&v);
    if (s.n > LIMIT_RANK)
        ice("scan of `%s` has %d axes; the limit is %d", step->name, s.n, LIMIT_RANK);
    v.n_axes = s.n;
    memcpy(v.axes, s.axis, sizeof(Axis *) * (size_t)s.n);
    return tir_intern(f, &v);
}

/* ---- the adjoint of a step --------------------------------------------------------------- */

/* Copies the values of `from` to `to`, which has its axes; inputs by name are those given. */
static Tir **copy_into(TirFn *to, const TirFn *from, const char *const *names,
                       Tir *const *values, int n)
{
    Tir **order = tir_order(from);
    Tir **copy = arena_alloc(to->c->arena, sizeof *copy * ((size_t)from->n_values + 1));
    for (size_t i = 0; i < vec_len(order); i++) {
        const Tir *v = order[i];
        Tir *in[3] = { 0 };
        for (int k = 0; k < v->n_in; k++)
            in[k] = copy[v->in[k]->id];
        for (int k = 0; k < n && v->op == OP_INPUT; k++)
            if (!strcmp(v->name, names[k]))
                copy[v->id] = values[k];
        if (!copy[v->id])
            copy[v->id] = tir_label(tir_rebuild(to, v, in), v->label, v->span);
    }
    return copy;
}

/* step with the derivatives of sum next * seed: outputs next, then one for each input. */
static TirFn *step_gradient(const TirFn *step, Axis *const *vectors)
{
    Ctx *c = step->c;
    TirFn *f = tir_fn_like(c, step);
    Tir **given = NULL;
    for (int k = 0; k < 3; k++) {
        Axis *axis = vectors[k];
        vec_push(c, given, tir_input(f, INPUT_GIVEN, str(c, scan_inputs[k]), &axis, 1));
    }
    Tir **copy = copy_into(f, step, scan_inputs, given, 3);
    Tir *next = copy[step->outs[0].value->id];
    Axis *result = tir_scan_result(step);
    Tir *seed = tir_input(f, INPUT_GIVEN, str(c, "seed"), &result, 1);
    Tir *term = tir_reduce(f, OP_SUM, tir_map(f, OP_MUL, next, seed, NULL), &result, 1);
    tir_out(f, OUT_TERM, str(c, "term"), 0, term);
    Tir *seeds[1] = { tir_const(f, 1) };
    return tir_grad(c, f, seeds, given);
}

/* The step that carries the adjoint of the state: see the head of this file. Its inputs are
 *     state ds    each (s, x, g)    fixed c       next (ds before, dx, dc) */
static TirFn *adjoint_step(TirFn *step, const int64_t *sizes)
{
    Ctx *c = step->c;
    if (step->adjoint)
        return step->adjoint;
    Axis *in[3];                       /* of the step, as it has them where it reads them */
    TirFn *with = tir_fn_like(c, step);
    for (int k = 0; k < 3; k++) {
        const Tir *v = step_input(step, k);
        in[k] = v ? v->axes[0] : tir_axis(with, AXIS_EVENT, str(c, scan_inputs[k]), sizes[k]);
    }
    TirFn view = *step;                /* the same values, with the axes of all three inputs */
    view.axes = with->axes;
    TirFn *g = step_gradient(&view, in), *f = tir_fn_like(c, g);
    Axis *result = tir_scan_result(step);
    int64_t n_s = sizes[SCAN_STATE], n_x = sizes[SCAN_EACH], n_y = result->size;
    Axis *ds = tir_axis(f, AXIS_EVENT, str(c, "ds"), n_s);
    Axis *e = tir_axis(f, AXIS_EVENT, str(c, "e"), n_s + n_x + n_y);
    Tir *state = tir_input(f, INPUT_GIVEN, str(c, scan_inputs[SCAN_STATE]), &ds, 1);
    Tir *each = tir_input(f, INPUT_GIVEN, str(c, scan_inputs[SCAN_EACH]), &e, 1);
    Axis *fixed_axis = in[SCAN_FIXED];
    Tir *values[4] = {
        tir_slice(f, each, e, in[SCAN_STATE], 0), tir_slice(f, each, e, in[SCAN_EACH], n_s),
        tir_input(f, INPUT_GIVEN, str(c, scan_inputs[SCAN_FIXED]), &fixed_axis, 1),
        tir_map(f, OP_ADD, tir_slice(f, each, e, result, n_s + n_x),
                tir_pad(f, state, ds, result, 0), NULL),
    };
    static const char *const names[] = { "state", "each", "fixed", "seed" };
    Tir **copy = copy_into(f, g, names, values, 4);
    ScanPart *parts = NULL;
    int64_t all = 0;
    for (size_t i = 0; i < vec_len(g->outs); i++) {
        const TirOut *o = &g->outs[i];
        if (o->kind != OUT_VALUE)
            continue;
        Axis *axis = in[vec_len(parts)];
        vec_push(c, parts, ((ScanPart){ copy[o->value->id], 1, { axis } }));
        all += axis->size;
    }
    Axis *y = tir_axis(f, AXIS_EVENT, str(c, "d"), all);
    tir_out(f, OUT_VALUE, str(c, "next"), 0, tir_expand(f, scan_pack(f, parts, y), &y, 1));
    step->adjoint = tir_simplify(c, f);
    step->adjoint->name = str_fmt(c, "%s_back", step->name);
    return step->adjoint;
}

/* ---- the adjoint of a sequence ----------------------------------------------------------- */

/* The state before each step: y one step earlier, and at the first what the scan began with. */
static Tir *states_before(TirFn *f, const Tir *y, Axis *to)
{
    Axis *t = y->over[0], *s = y->over[1 + SCAN_STATE];
    Tir *first = tir_rename(f, y->in[SCAN_STATE], &s, &to, 1);
    Tir *states = tir_slice(f, (Tir *)y, y->to[0], to, 0);
    if (t->size == 1)
        return tir_expand(f, first, &t, 1);
    Axis *rest = tir_axis(f, t->kind, t->name, t->size - 1);
    Tir *known = tir_slice(f, states, t, rest, y->flag ? 1 : 0);
    Tir *shifted = tir_pad(f, known, rest, t, y->flag ? 0 : 1);
    Tir *start = tir_map(f, OP_EQ, tir_iota(f, t),
                         tir_const(f, y->flag ? (double)(t->size - 1) : 0), NULL);
    return tir_map(f, OP_SELECT, start, first, shifted);
}

/* All adjoints, packed: [.., t, (ds, dx, dc)]. */
static Tir *packed_adjoints(TirFn *f, Tir *y, Tir *g, const int64_t *sizes)
{
    Ctx *c = f->c;
    if (y->adjoint_of == g)
        return y->adjoint;
    TirFn *step = adjoint_step(y->body, sizes);
    Axis *state = tir_axis(f, AXIS_EVENT, str(c, "ds"), sizes[SCAN_STATE]);
    Axis *s = tir_axis(f, AXIS_EVENT, str(c, "s"), sizes[SCAN_STATE]), *x = y->over[1 + SCAN_EACH];
    ScanPart *parts = NULL;
    vec_push(c, parts, ((ScanPart){ states_before(f, y, s), 1, { s } }));
    vec_push(c, parts, ((ScanPart){ y->in[SCAN_EACH], 1, { x } }));
    vec_push(c, parts, ((ScanPart){ tir_expand_like(f, g, y), 1, { y->to[0] } }));
    Axis *each = tir_axis(f, AXIS_EVENT, str(c, "e"),
                          sizes[SCAN_STATE] + sizes[SCAN_EACH] + y->to[0]->size);
    Axis *packed = tir_axis(f, AXIS_EVENT, str(c, "d"), tir_scan_result(step)->size);
    Tir *in[3] = { tir_const(f, 0), scan_pack(f, parts, each), y->in[SCAN_FIXED] };
    Axis *vectors[3] = { state, each, y->over[1 + SCAN_FIXED] };
    y->adjoint_of = g;
    return y->adjoint = tir_scan(f, step, y->over[0], !y->flag, in, vectors, packed);
}

/* Summed over the axes that `to` lacks. */
static Tir *sum_beyond(TirFn *f, Tir *v, const Tir *to)
{
    AxisSet over = axes_minus(v, to);
    return tir_reduce(f, OP_SUM, v, over.axis, over.n);
}

Tir *tir_scan_adjoint(TirFn *f, Tir *y, int k, Tir *g)
{
    Axis *t = y->over[0], *vector = y->over[k + 1];
    int64_t sizes[3], at = 0;
    for (int i = 0; i < 3; i++)
        sizes[i] = y->over[i + 1]->size;
    for (int i = 0; i < k; i++)
        at += sizes[i];
    Tir *all = packed_adjoints(f, y, g, sizes);
    Tir *d = tir_slice(f, all, all->to[0], vector, at);
    if (k == SCAN_STATE)               /* of the step taken first */
        d = tir_element(f, d, t, y->flag ? t->size - 1 : 0);
    return sum_beyond(f, d, y->in[k]);
}
