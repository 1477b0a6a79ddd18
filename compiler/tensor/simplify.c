/* simplify.c - rewrites a fn to an equal one that is cheaper and numerically stable.
 *
 * Idea: give each dimension one axis (simplify_axes.c); then rebuild every value, operands first,
 * through smart constructors (simplify_map.c: the rows of simplify.def; simplify_sum.c: sums,
 * contractions, logsumexp; simplify_choice.c: functions of choices); hash-consing merges equal
 * results, and what no output needs is left.
 * A rewritten value may lack axes along which it is
 * constant: EXPAND disappears wherever broadcasting does its work, and returns at outputs only.
 * Repeated until the text of the fn no longer changes.
 *
 *     before  %2 = logistic %1; %3 = log %2       after  %2 = neg %1; %3 = softplus %2; %4 = neg %3
 *
 * requires:    verified IR. Before gradients exist, stop_gradient is kept; afterwards it goes
 * establishes: verified IR; every output has the axes and layout it had
 * never:       merges random draws, or changes a value beyond rounding where it was defined
 */
#include <string.h>

#include "simplify.h"

#define MAX_ROUNDS 6
#define FUEL 500                       /* rewrites for one value; enough unless rows loop */

static AxisSet over_of(const Tir *v)
{
    AxisSet s = { .n = 0 };
    for (int i = 0; i < v->n_over; i++)
        axes_add(&s, v->over[i]);
    return s;
}

/* rename(rename(a)) is one renaming; of positions, positions along the other axis. */
static Tir *simp_rename(Simp *s, const Tir *v, Tir *a)
{
    if (a->op == OP_IOTA && v->over[0] == a->over[0])
        return tir_iota(s->f, v->to[0]);
    Tir *part = simp_renamed_part(s, v, a);
    if (part || a->op != OP_RENAME)
        return part ? part : tir_rename(s->f, a, v->over, v->to, v->n_over);
    const Tir *x = a->in[0];
    Axis *to[LIMIT_RANK];
    for (int i = 0; i < x->n_axes; i++) {
        to[i] = x->axes[i];
        for (int k = 0; k < a->n_over; k++)
            if (a->over[k] == x->axes[i])
                to[i] = a->to[k];
        Axis *middle = to[i];
        for (int k = 0; k < v->n_over; k++)
            if (v->over[k] == middle)
                to[i] = v->to[k];
    }
    return tir_rename(s->f, a->in[0], x->axes, to, x->n_axes);
}

/* Positions that run along an axis are a view: rename, or slice at an offset. */
static Tir *simp_gather(Simp *s, Tir *a, Axis *axis, Tir *index)
{
    int64_t offset = 0;
    Tir *iota = index;
    if (index->op == OP_ADD && index->in[1]->op == OP_CONST) {
        iota = index->in[0];
        offset = (int64_t)index->in[1]->num;
    }
    if (a->op == OP_IOTA && a->over[0] == axis)
        return index;
    if (iota->op != OP_IOTA || !tir_has_axis(a, axis) || tir_has_axis(a, iota->over[0]))
        return tir_gather(s->f, a, axis, index);
    Axis *to = iota->over[0];
    if (!offset && to->size == axis->size && to->kind == axis->kind)
        return tir_rename(s->f, a, &axis, &to, 1);
    bool inside = to->size && offset >= 0 && offset + to->size <= axis->size;
    return inside ? tir_slice(s->f, a, axis, to, offset) : tir_gather(s->f, a, axis, index);
}

static Tir *simp_maximum(Simp *s, const Tir *v, Tir *a)
{
    AxisSet over = over_of(v);
    for (int i = 0; a->op == OP_MAXIMUM && i < a->n_over; i++)
        axes_add(&over, a->over[i]);
    return tir_reduce(s->f, OP_MAXIMUM, a->op == OP_MAXIMUM ? a->in[0] : a, over.axis, over.n);
}

static Tir *simp_value(Simp *s, const Tir *v, Tir *const *in)
{
    AxisSet over = over_of(v);
    Axis *from = v->over[0], *to = v->to[0];
    bool whole = (v->op == OP_SLICE || v->op == OP_PAD) && !v->offset && from->size == to->size;
    if (op_info[v->op].kind == OP_KIND_MAP)
        return simp_map(s, v->op, in[0], in[1], in[2]);
    if (whole && !tir_has_axis(in[0], to))
        return tir_rename(s->f, in[0], &from, &to, 1);
    switch (v->op) {
    case OP_EXPAND:    return in[0];
    case OP_SUM:       return simp_sum(s, in[0], &over);
    case OP_LOGSUMEXP: return simp_logsumexp(s, in[0], &over);
    case OP_MAXIMUM:   return simp_maximum(s, v, in[0]);
    case OP_CONTRACT:  return simp_contract(s, in[0], in[1], &over);
    case OP_RENAME:    return simp_rename(s, v, in[0]);
    case OP_GATHER:    return simp_gather(s, in[0], v->over[0], in[1]);
    case OP_PAD:
        return in[0]->op == OP_CONST && !in[0]->num ? in[0] : tir_rebuild(s->f, v, in);
    case OP_SLICE:     return simp_slice(s, in[0], from, to, v->offset);
    case OP_FLATTEN:   return simp_flatten(s, in[0], v->over, to);
    case OP_SPLIT:     return simp_split(s, in[0], from, v->to);
    default:           return tir_rebuild(s->f, v, in);
    }
}

static bool has_gradients(const TirFn *f)
{
    for (size_t i = 0; i < vec_len(f->outs); i++)
        if (f->outs[i].kind == OUT_GRAD)
            return true;
    return false;
}

static void copy_outs(TirFn *to, const TirFn *f, Tir *const *copy)
{
    for (size_t i = 0; i < vec_len(f->outs); i++) {
        TirOut o = f->outs[i];
        const Tir *old = o.value;
        o.value = tir_expand_like(to, copy[old->id], old);
        tir_label(o.value, old->label, old->span);
        vec_push(to->c, to->outs, o);
    }
}

static TirFn *round_once(Ctx *c, const TirFn *f)
{
    Simp s = { .c = c, .f = tir_fn_like(c, f), .final = has_gradients(f) };
    simp_read_rules(&s);
    Tir **order = tir_order(f);
    Tir **copy = arena_alloc(c->arena, sizeof *copy * ((size_t)f->n_values + 1));
    for (size_t i = 0; i < vec_len(order); i++) {
        const Tir *v = order[i];
        Tir *in[3] = { 0 };
        for (int k = 0; k < v->n_in; k++)
            in[k] = copy[v->in[k]->id];
        s.fuel = FUEL;
        Tir *w = simp_value(&s, v, in);
        if (w->op == OP_CONTRACT && v->op == OP_CONTRACT && w->n_axes == v->n_axes)
            w = tir_relayout(s.f, w, v->axes, v->n_axes);
        copy[v->id] = tir_label(w, v->label, v->span);
    }
    copy_outs(s.f, f, copy);
    return s.f;
}

static void use_axes(Map *used, Axis *const *axes, int n)
{
    for (int i = 0; i < n; i++)
        if (axes[i])
            map_put(used, axes[i], axes[i]);
}

/* A fn with the axes that its values use; rows and samples are always declared. */
static TirFn *fn_with_used_axes(Ctx *c, const TirFn *f, Tir *const *order)
{
    Map *used = map_new(c);
    for (size_t i = 0; i < vec_len(order); i++) {
        use_axes(used, order[i]->axes, order[i]->n_axes);
        use_axes(used, order[i]->over, LIMIT_RANK);
        use_axes(used, order[i]->to, LIMIT_RANK);
    }
    TirFn *h = tir_fn(c, f->name);
    for (size_t i = 0; i < vec_len(f->axes); i++)
        if (axis_runtime(f->axes[i]) || map_get(used, f->axes[i]))
            vec_push(c, h->axes, f->axes[i]);
    return h;
}

/* Only what the outputs need, with dense ids. */
static TirFn *compact(Ctx *c, const TirFn *f)
{
    Tir **order = tir_order(f);
    TirFn *h = fn_with_used_axes(c, f, order);
    Tir **copy = arena_alloc(c->arena, sizeof *copy * ((size_t)f->n_values + 1));
    for (size_t i = 0; i < vec_len(order); i++) {
        Tir v = *order[i];
        for (int k = 0; k < v.n_in; k++)
            v.in[k] = copy[v.in[k]->id];
        copy[v.id] = tir_intern(h, &v);
    }
    copy_outs(h, f, copy);
    return h;
}

static const char *text_of(Ctx *c, const TirFn *f)
{
    Out *o = out_new(c);
    tir_print(o, f);
    return out_text(o, NULL);
}

TirFn *tir_simplify(Ctx *c, const TirFn *f)
{
    const char *text = text_of(c, f);
    TirFn *h = compact(c, simp_axes(c, f));
    for (int i = 0; i < MAX_ROUNDS; i++) {
        h = compact(c, round_once(c, h));
        const char *now = text_of(c, h);
        if (!strcmp(now, text))
            break;
        text = now;
    }
    return h;
}
