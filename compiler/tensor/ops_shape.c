/* ops_shape.c - shape rules, and the builders of the ops that change axes.
 *
 * Idea: every op's result axes follow from its operands and attributes (tir_shape); elementwise
 * ops take the union, the others remove, add or replace axes. A builder normalises its arguments:
 * an axis the operand lacks is one along which it is constant, so most ops have nothing to do
 * there, and those that do (SUM, LOGSUMEXP, PAD, CUMSUM, matrices) count or expand it.
 *
 * requires:    operands and axes of one fn
 * establishes: result axes as tir_shape says, in the layout stated in tir_build.h
 */
#include <math.h>
#include <string.h>

#include "tir_build.h"

/* ---- shape rules ------------------------------------------------------------------------- */

/* Union of all operands' axes, in the layout of the first that has them all, else canonical. */
static AxisSet shape_union(const Tir *v)
{
    AxisSet s = { .n = 0 };
    for (int k = 0; k < v->n_in; k++)
        for (int i = 0; i < v->in[k]->n_axes; i++)
            axes_add(&s, v->in[k]->axes[i]);
    for (int k = 0; k < v->n_in; k++)
        if (v->in[k]->n_axes == s.n)
            return axes_of(v->in[k]);
    axes_sort(&s);
    return s;
}

static bool over_has(const Tir *v, const Axis *a)
{
    for (int i = 0; i < v->n_over; i++)
        if (v->over[i] == a)
            return true;
    return false;
}

static void add_kept(AxisSet *s, const Tir *v, const Tir *operand)
{
    for (int i = 0; i < operand->n_axes; i++)
        if (!over_has(v, operand->axes[i]))
            axes_add(s, operand->axes[i]);
}

/* Each axis of the operand, those in `over` replaced by their partner in `to`. A pad is written
 * anew: where it makes a plate of an event axis, the plate stands where plates do. */
static AxisSet shape_replaced(const Tir *v)
{
    AxisSet s = { .n = 0 };
    for (int i = 0; i < v->in[0]->n_axes; i++) {
        Axis *a = v->in[0]->axes[i];
        for (int k = 0; k < v->n_over; k++)
            if (v->over[k] == v->in[0]->axes[i])
                a = v->to[k];
        axes_add(&s, a);
    }
    if (v->op == OP_PAD && v->over[0]->kind != v->to[0]->kind)
        axes_sort(&s);
    return s;
}

static AxisSet shape_trisolve(const Tir *v)
{
    AxisSet s = axes_of(v->in[1]);
    add_kept(&s, v, v->in[0]);
    if (s.n != v->in[1]->n_axes)
        axes_sort(&s);
    return s;
}

AxisSet tir_shape(const Tir *v)
{
    AxisSet s = { .n = 0 };
    if (op_info[v->op].kind == OP_KIND_MAP)
        return shape_union(v);
    switch (v->op) {
    case OP_SUM: case OP_MAXIMUM: case OP_LOGSUMEXP:
        add_kept(&s, v, v->in[0]);
        return s;
    case OP_CONTRACT:
        add_kept(&s, v, v->in[0]);
        add_kept(&s, v, v->in[1]);
        break;
    case OP_EXPAND:
        s = axes_of(v->in[0]);
        for (int i = 0; i < v->n_over; i++)
            axes_add(&s, v->over[i]);
        break;
    case OP_GATHER:                    /* the index may run along the very axis it picks from */
        add_kept(&s, v, v->in[0]);
        for (int i = 0; i < v->in[1]->n_axes; i++)
            axes_add(&s, v->in[1]->axes[i]);
        break;
    case OP_SCATTER:
        add_kept(&s, v, v->in[0]);
        add_kept(&s, v, v->in[1]);
        axes_add(&s, v->to[0]);
        break;
    case OP_FLATTEN: case OP_SPLIT:
        add_kept(&s, v, v->in[0]);
        for (int i = 0; i < (v->op == OP_SPLIT ? 2 : 1); i++)
            axes_add(&s, v->to[i]);
        break;
    case OP_RENAME: case OP_SLICE: case OP_PAD:
        return shape_replaced(v);
    case OP_CUMSUM: case OP_CHOLESKY: case OP_INVERSE:
        return axes_of(v->in[0]);
    case OP_TRISOLVE:
        return shape_trisolve(v);
    case OP_SCAN:
        for (int k = 0; k < v->n_in; k++)
            add_kept(&s, v, v->in[k]);
        axes_add(&s, v->over[0]);
        axes_add(&s, v->to[0]);
        break;
    default:                           /* sources and draws carry their own axes */
        return axes_of(v);
    }
    axes_sort(&s);
    return s;
}

/* ---- builders ---------------------------------------------------------------------------- */

static Tir *shaped(TirFn *f, Tir *v)
{
    AxisSet s = tir_shape(v);
    if (s.n > LIMIT_RANK)
        ice("`%s` makes a value of %d axes; the limit is %d", op_info[v->op].name, s.n,
            LIMIT_RANK);
    v->n_axes = s.n;
    memcpy(v->axes, s.axis, sizeof(Axis *) * (size_t)s.n);
    return tir_intern(f, v);
}

/* Attributes are sets: kept in canonical order, so that equal sets are equal values. */
static void set_over(Tir *v, AxisSet *s)
{
    if (s->n > LIMIT_RANK)
        ice("`%s` over %d axes; the limit is %d", op_info[v->op].name, s->n, LIMIT_RANK);
    axes_sort(s);
    v->n_over = s->n;
    memcpy(v->over, s->axis, sizeof(Axis *) * (size_t)s->n);
}

static void check_sizes(const char *what, const Axis *from, const Axis *to)
{
    if (from->size != to->size)
        ice("%s %s -> %s: sizes %lld and %lld", what, from->name, to->name,
            (long long)from->size, (long long)to->size);
}

Tir *tir_rename(TirFn *f, Tir *a, Axis *const *from, Axis *const *to, int n)
{
    Tir v = { .op = OP_RENAME, .n_in = 1, .in = { a } };
    for (int i = 0; i < a->n_axes; i++) {      /* attributes in the operand's order */
        int k = 0;
        while (k < n && from[k] != a->axes[i])
            k++;
        if (k == n || from[k] == to[k])
            continue;
        check_sizes("rename", from[k], to[k]);
        v.over[v.n_over] = from[k];
        v.to[v.n_over++] = to[k];
    }
    return v.n_over ? shaped(f, &v) : a;
}

Tir *tir_expand(TirFn *f, Tir *a, Axis *const *axes, int n)
{
    Tir v = { .op = OP_EXPAND, .n_in = 1, .in = { a } };
    AxisSet added = { .n = 0 };
    for (int i = 0; i < n; i++)
        if (!tir_has_axis(a, axes[i]))
            axes_add(&added, axes[i]);
    set_over(&v, &added);
    return v.n_over ? shaped(f, &v) : a;
}

/* Sum or logsumexp over axes of constant size along which the value does not change. */
static Tir *count_in(TirFn *f, Op op, Tir *v, double count)
{
    if (count == 1 || op == OP_MAXIMUM)
        return v;
    if (op == OP_LOGSUMEXP)
        return tir_map(f, OP_ADD, v, tir_const(f, log(count)), NULL);
    return tir_map(f, OP_MUL, tir_const(f, count), v, NULL);
}

Tir *tir_reduce(TirFn *f, Op op, Tir *a, Axis *const *over, int n)
{
    if (op != OP_SUM && op != OP_MAXIMUM && op != OP_LOGSUMEXP)
        ice("`%s` is not a reduction", op_info[op].name);
    AxisSet present = { .n = 0 };
    double count = 1;
    for (int i = 0; i < n; i++) {
        if (tir_has_axis(a, over[i]) || axes_has(&present, over[i])) {
            axes_add(&present, over[i]);
        } else if (!axis_runtime(over[i])) {
            count *= (double)over[i]->size;
        } else if (op != OP_MAXIMUM) { /* the size is not a number yet: let the loop count */
            a = tir_expand(f, a, &over[i], 1);
            axes_add(&present, over[i]);
        }
    }
    Tir v = { .op = op, .n_in = 1, .in = { a } };
    set_over(&v, &present);
    return count_in(f, op, v.n_over ? shaped(f, &v) : a, count);
}

Tir *tir_contract(TirFn *f, Tir *a, Tir *b, Axis *const *over, int n)
{
    Tir v = { .op = OP_CONTRACT, .n_in = 2, .in = { a, b } };
    AxisSet shared = { .n = 0 }, only_a = { .n = 0 }, only_b = { .n = 0 };
    for (int i = 0; i < n; i++) {
        bool in_a = tir_has_axis(a, over[i]), in_b = tir_has_axis(b, over[i]);
        axes_add(in_a && in_b ? &shared : in_b ? &only_b : &only_a, over[i]);
    }
    /* An axis that one operand lacks is summed in the other before the product. */
    v.in[0] = tir_reduce(f, OP_SUM, a, only_a.axis, only_a.n);
    v.in[1] = tir_reduce(f, OP_SUM, b, only_b.axis, only_b.n);
    if (!shared.n)
        return tir_map(f, OP_MUL, v.in[0], v.in[1], NULL);
    set_over(&v, &shared);
    return shaped(f, &v);
}

/* One axis serves all, so that the same element is the same value wherever it is read. */
Tir *tir_element(TirFn *f, Tir *a, Axis *axis, int64_t at)
{
    Axis *one = NULL;
    for (size_t i = 0; !one && i < vec_len(f->axes); i++)
        if (f->axes[i]->size == 1 && !strcmp(f->axes[i]->name, "one")
            && !tir_has_axis(a, f->axes[i]))
            one = f->axes[i];
    if (!one)
        one = tir_axis(f, AXIS_EVENT, str(f->c, "one"), 1);
    return tir_reduce(f, OP_SUM, tir_slice(f, a, axis, one, at), &one, 1);
}

Tir *tir_gather(TirFn *f, Tir *a, Axis *axis, Tir *index)
{
    if (!tir_has_axis(a, axis))
        return a;                      /* the same number wherever the index points */
    if (index->op == OP_CONST && !axis_runtime(axis) && index->num == floor(index->num)
        && index->num >= 0 && index->num < (double)axis->size)
        return tir_element(f, a, axis, (int64_t)index->num);
    Tir v = { .op = OP_GATHER, .n_in = 2, .in = { a, index }, .n_over = 1, .over = { axis } };
    return shaped(f, &v);
}

Tir *tir_scatter(TirFn *f, Tir *a, Tir *index, Axis *const *over, int n, Axis *to)
{
    Tir v = { .op = OP_SCATTER, .n_in = 2, .in = { a, index }, .to = { to } };
    AxisSet summed = { .n = 0 };
    for (int i = 0; i < n; i++) {
        if (!tir_has_axis(a, over[i]) && !tir_has_axis(index, over[i]))
            v.in[0] = tir_expand(f, v.in[0], &over[i], 1);
        axes_add(&summed, over[i]);
    }
    if ((tir_has_axis(a, to) || tir_has_axis(index, to)) && !axes_has(&summed, to))
        ice("scatter along %s, which the operands have and keep", to->name);
    set_over(&v, &summed);
    return shaped(f, &v);
}

Tir *tir_slice(TirFn *f, Tir *a, Axis *from, Axis *to, int64_t offset)
{
    if (!tir_has_axis(a, from))
        return a;
    if (axis_runtime(from) || axis_runtime(to) || offset < 0 || offset + to->size > from->size)
        ice("slice %s[%lld..] -> %s leaves the axis", from->name, (long long)offset, to->name);
    Tir v = { .op = OP_SLICE, .n_in = 1, .in = { a }, .n_over = 1, .over = { from },
              .to = { to }, .offset = offset };
    return shaped(f, &v);
}

Tir *tir_pad(TirFn *f, Tir *a, Axis *from, Axis *to, int64_t offset)
{
    if (axis_runtime(from) || axis_runtime(to) || offset < 0 || offset + from->size > to->size)
        ice("pad %s -> %s[%lld..] leaves the axis", from->name, to->name, (long long)offset);
    Tir v = { .op = OP_PAD, .n_in = 1, .in = { tir_expand(f, a, &from, 1) }, .n_over = 1,
              .over = { from }, .to = { to }, .offset = offset };
    return shaped(f, &v);
}

static void check_product(const char *what, const Axis *one, const Axis *a, const Axis *b)
{
    if (axis_runtime(a) || axis_runtime(b) || a == b || one->size / a->size != b->size
        || one->size % a->size)
        ice("%s of %s and %s, %s: not as many points", what, a->name, b->name, one->name);
}

Tir *tir_flatten(TirFn *f, Tir *a, Axis *const *from, Axis *to)
{
    check_product("flatten", to, from[0], from[1]);
    if (!tir_has_axis(a, from[0]) && !tir_has_axis(a, from[1]))
        return a;
    Tir v = { .op = OP_FLATTEN, .n_in = 1, .in = { tir_expand(f, a, from, 2) }, .n_over = 2,
              .over = { from[0], from[1] }, .to = { to } };
    return shaped(f, &v);
}

Tir *tir_split(TirFn *f, Tir *a, Axis *from, Axis *const *to)
{
    check_product("split", from, to[0], to[1]);
    if (!tir_has_axis(a, from))
        return a;
    Tir v = { .op = OP_SPLIT, .n_in = 1, .in = { a }, .n_over = 1, .over = { from },
              .to = { to[0], to[1] } };
    return shaped(f, &v);
}

Tir *tir_cumsum(TirFn *f, Tir *a, Axis *axis, bool reverse)
{
    Tir v = { .op = OP_CUMSUM, .n_in = 1, .in = { tir_expand(f, a, &axis, 1) }, .n_over = 1,
              .over = { axis }, .flag = reverse };
    return shaped(f, &v);
}

static void check_square(const char *what, const Axis *rows, const Axis *columns)
{
    if (rows == columns || rows->size != columns->size || axis_runtime(rows))
        ice("%s over %s, %s: not a square matrix of constant size", what, rows->name,
            columns->name);
}

Tir *tir_matrix(TirFn *f, Op op, Tir *a, Axis *rows, Axis *columns)
{
    check_square(op_info[op].name, rows, columns);
    Tir v = { .op = op, .n_in = 1, .n_over = 2, .over = { rows, columns } };
    v.in[0] = tir_expand(f, a, v.over, 2);
    return shaped(f, &v);
}

Tir *tir_trisolve(TirFn *f, Tir *L, Axis *rows, Axis *columns, bool trans, Tir *b, Axis *axis)
{
    check_square("trisolve", rows, columns);
    check_sizes("trisolve", rows, axis);
    for (int i = 0; i < b->n_axes; i++)
        if (b->axes[i] != axis && (b->axes[i] == rows || b->axes[i] == columns))
            ice("trisolve along %s: the right side has axis %s of the matrix too", axis->name,
                b->axes[i]->name);
    if (tir_has_axis(L, axis) && axis != rows && axis != columns)
        ice("trisolve along %s, a batch axis of the matrix", axis->name);
    Tir v = { .op = OP_TRISOLVE, .n_in = 2, .n_over = 2, .over = { rows, columns },
              .to = { axis }, .flag = trans };
    v.in[0] = tir_expand(f, L, v.over, 2);
    v.in[1] = tir_expand(f, b, &axis, 1);
    return shaped(f, &v);
}
