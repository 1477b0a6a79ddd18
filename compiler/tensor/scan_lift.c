/* scan_lift.c - recursive equations become a SCAN.
 *
 *     e = y - m - r * past(e)      ->     e = scan(0; (y - m) at t; r),  step: x - c * s
 * Idea: the values of one fn that depend on a past state are the step; they are copied to a fn of
 * their own. What they read and do not depend on is given to it: at each step, if it has the axis
 * of the steps, else once for all. Plates and samples are none of the step's business: each of
 * their points is a sequence of its own - unless the step sums over them.
 * requires: `past` of the states are inputs that stand nowhere else
 */
#include <string.h>

#include "tir_build.h"

typedef struct Lift {
    TirFn *f, *step;
    const ScanGiven *given;            /* vec: inputs that a step reads as they are */
    Axis *steps;
    Tir **order;                       /* vec: what the states need, operands first */
    bool *depends;                     /* by id: on a past state or what is given */
    bool *inner;                       /* by id of axis: an axis within a step */
    Axis **axis;                       /* by id of axis: the same in `step` */
    Tir **copy;                        /* by id: the same in `step` */
    ScanPart *parts[3];                /* vecs: in f, by SCAN_ input */
} Lift;

/* ---- what is in a step ----------------------------------------------------------------------- */

static bool touches(const Tir *v, const Axis *a)
{
    bool found = false;
    for (int i = 0; i < LIMIT_RANK; i++)
        found |= (i < v->n_over && v->over[i] == a) || v->to[i] == a;
    return v->op != OP_EXPAND && found;
}

static void find_inner(Lift *l)
{
    const TirFn *f = l->f;
    l->inner = arena_alloc(f->c->arena, vec_len(f->axes) + 1);
    for (size_t i = 0; i < vec_len(f->axes); i++) {
        Axis *a = f->axes[i];
        bool in = a->kind == AXIS_EVENT;
        for (size_t k = 0; a->kind == AXIS_PLATE && k < vec_len(l->order); k++)
            in |= l->depends[l->order[k]->id] && touches(l->order[k], a);
        l->inner[a->id] = in && a != l->steps;
    }
}

/* A step may not read its own past through an axis, nor draw with parameters that do. */
static const Tir *find_bad(const Lift *l)
{
    for (size_t i = 0; i < vec_len(l->order); i++) {
        const Tir *v = l->order[i];
        if (!l->depends[v->id])
            continue;
        bool outer = op_info[v->op].kind == OP_KIND_RANDOM;
        for (size_t k = 0; k < vec_len(l->f->axes); k++)
            outer |= !l->inner[l->f->axes[k]->id] && touches(v, l->f->axes[k]);
        if (outer)
            return v;
    }
    return NULL;
}

static void find_dependent(Lift *l, const ScanState *states)
{
    TirFn view = *l->f;
    view.outs = NULL;
    for (size_t i = 0; i < vec_len(states); i++) {
        vec_push(l->f->c, view.outs, ((TirOut){ .name = l->f->name, .value = states[i].past }));
        vec_push(l->f->c, view.outs,
                 ((TirOut){ .name = l->f->name, .value = states[i].next.value }));
    }
    l->order = tir_order(&view);
    l->depends = arena_alloc(l->f->c->arena, (size_t)l->f->n_values + 1);
    for (size_t i = 0; i < vec_len(l->order); i++) {
        const Tir *v = l->order[i];
        for (size_t k = 0; k < vec_len(states); k++)
            l->depends[v->id] |= v == states[k].past;
        for (size_t k = 0; k < vec_len(l->given); k++)
            l->depends[v->id] |= v == l->given[k].input;
        for (int k = 0; k < v->n_in; k++)
            l->depends[v->id] |= l->depends[v->in[k]->id];
    }
}

/* ---- what is given --------------------------------------------------------------------------- */

static ScanPart part_of(const Lift *l, Tir *v)
{
    ScanPart p = { .value = v };
    for (int i = 0; i < v->n_axes; i++)
        if (l->inner[v->axes[i]->id])
            p.axes[p.n_axes++] = v->axes[i];
    return p;
}

static void add_part(Lift *l, Tir *v)
{
    int k = tir_has_axis(v, l->steps) ? SCAN_EACH : SCAN_FIXED;
    vec_push(l->f->c, l->parts[k], part_of(l, v));
}

static void give(Lift *l, Tir *v, bool *given)
{
    bool local = v->op == OP_CONST || (v->op == OP_IOTA && l->inner[v->over[0]->id]);
    if (l->depends[v->id] || given[v->id] || local)
        return;
    given[v->id] = true;
    add_part(l, v);
}

static void find_given(Lift *l, const ScanState *states)
{
    bool *given = arena_alloc(l->f->c->arena, (size_t)l->f->n_values + 1);
    for (size_t i = 0; i < vec_len(states); i++) {
        ScanPart past = states[i].next;
        past.value = states[i].past;
        vec_push(l->f->c, l->parts[SCAN_STATE], past);
        give(l, states[i].next.value, given);
    }
    for (size_t i = 0; i < vec_len(l->order); i++) {
        for (size_t k = 0; k < vec_len(l->given); k++)
            if (l->order[i] == l->given[k].input)
                add_part(l, l->order[i]);
        for (int k = 0; k < l->order[i]->n_in; k++)
            if (l->depends[l->order[i]->id])
                give(l, l->order[i]->in[k], given);
    }
}

/* The parts with the values that the given inputs stand for. */
static const ScanPart *true_parts(Lift *l, int k)
{
    for (size_t i = 0; i < vec_len(l->parts[k]); i++)
        for (size_t j = 0; j < vec_len(l->given); j++)
            if (l->parts[k][i].value == l->given[j].input)
                l->parts[k][i].value = l->given[j].value;
    return l->parts[k];
}

static int64_t total(const ScanPart *parts)
{
    int64_t n = 0;
    for (size_t i = 0; i < vec_len(parts); i++)
        n += scan_part_size(&parts[i]);
    return n ? n : 1;
}

/* ---- the step -------------------------------------------------------------------------------- */

static Axis *own_axis(Lift *l, Axis *a)
{
    if (!l->axis[a->id])
        l->axis[a->id] = tir_axis(l->step, AXIS_EVENT, a->name, a->size);
    return l->axis[a->id];
}

static ScanPart own_part(Lift *l, const ScanPart *p)
{
    ScanPart own = *p;
    for (int i = 0; i < p->n_axes; i++)
        own.axes[i] = own_axis(l, p->axes[i]);
    return own;
}

static int own_axes(Lift *l, Axis *const *axes, int n, Axis **out)
{
    int m = 0;
    for (int i = 0; i < n; i++)
        if (axes[i] && l->inner[axes[i]->id])
            out[m++] = own_axis(l, axes[i]);
    return m;
}

static Tir *own_value(Lift *l, const Tir *v)
{
    if (l->copy[v->id])
        return l->copy[v->id];
    if (v->op == OP_CONST)
        return tir_const(l->step, v->num);
    if (v->op == OP_IOTA)
        return tir_iota(l->step, own_axis(l, v->over[0]));
    Tir w = *v, *in[3] = { 0 };
    for (int k = 0; k < v->n_in; k++)
        in[k] = own_value(l, v->in[k]);
    w.n_axes = own_axes(l, v->axes, v->n_axes, w.axes);
    w.n_over = own_axes(l, v->over, v->n_over, w.over);
    own_axes(l, v->to, LIMIT_RANK, w.to);
    bool nothing = v->op == OP_EXPAND && !w.n_over && v->n_over;
    return l->copy[v->id] = nothing ? in[0] : tir_label(tir_rebuild(l->step, &w, in), v->label,
                                                        v->span);
}

static void unpack_inputs(Lift *l)
{
    for (int k = 0; k < 3; k++) {
        Str name = str(l->f->c, scan_inputs[k]);
        Axis *axis = tir_axis(l->step, AXIS_EVENT, name, total(l->parts[k]));
        Tir *vector = tir_input(l->step, INPUT_GIVEN, name, &axis, 1);
        int64_t at = 0;
        for (size_t i = 0; i < vec_len(l->parts[k]); i++) {
            const ScanPart *p = &l->parts[k][i];
            ScanPart own = own_part(l, p);
            l->copy[p->value->id] = scan_unpack(l->step, vector, axis, at, &own);
            at += scan_part_size(p);
        }
    }
}

static TirFn *make_step(Lift *l, const ScanState *states)
{
    Ctx *c = l->f->c;
    ScanPart *next = NULL;
    unpack_inputs(l);
    for (size_t i = 0; i < vec_len(states); i++) {
        ScanPart p = own_part(l, &states[i].next);
        p.value = own_value(l, states[i].next.value);
        vec_push(c, next, p);
    }
    Axis *y = tir_axis(l->step, AXIS_EVENT, str(c, "next"), total(next));
    tir_out(l->step, OUT_VALUE, str(c, "next"), 0,
            tir_expand(l->step, scan_pack(l->step, next, y), &y, 1));
    return tir_simplify(c, l->step);
}

/* ---- entry ----------------------------------------------------------------------------------- */

const Tir *scan_lift(TirFn *f, Str name, Axis *steps, bool reverse, const ScanState *states,
                     const ScanGiven *given, Tir **values)
{
    Ctx *c = f->c;
    Lift l = { .f = f, .step = tir_fn(c, name), .given = given, .steps = steps };
    find_dependent(&l, states);
    find_inner(&l);
    const Tir *bad = find_bad(&l);
    if (bad)
        return bad;
    l.axis = arena_alloc(c->arena, sizeof *l.axis * (vec_len(f->axes) + 1));
    l.copy = arena_alloc(c->arena, sizeof *l.copy * ((size_t)f->n_values + 1));
    find_given(&l, states);
    Axis *result = tir_axis(f, AXIS_EVENT, name, total(l.parts[SCAN_STATE]));
    l.step->name = result->name;                       /* unique in f */
    TirFn *step = make_step(&l, states);
    Axis *vectors[3];
    Tir *in[3];
    for (int k = 0; k < 3; k++) {
        vectors[k] = tir_axis(f, AXIS_EVENT, str(c, scan_inputs[k]), total(l.parts[k]));
        in[k] = k == SCAN_STATE ? tir_const(f, 0) : scan_pack(f, true_parts(&l, k), vectors[k]);
    }
    Tir *y = tir_label(tir_scan(f, step, steps, reverse, in, vectors, result), name, NOSPAN);
    int64_t at = 0;
    for (size_t i = 0; i < vec_len(states); i++) {
        values[i] = scan_unpack(f, y, result, at, &states[i].next);
        at += scan_part_size(&states[i].next);
    }
    return NULL;
}
