/* simplify_axes.c - one axis for each dimension.
 *
 * Idea: lowering gives every weight, variable and binder axes of its own and connects them by
 * RENAME. The names of axes mean nothing outside the fn, so two axes of one kind and size that a
 * RENAME connects may be one, as long as no operation tells them apart: none of its index spaces
 * has both. What is merged this way needs no renaming, and loops over it can fuse.
 *
 *     before  %2 = input param W [in, out]            after  %2 = input param W [x_0, z_0]
 *             %3 = rename{in -> x_0, out -> z_0} %2          (no renaming)
 *
 * requires:    verified IR
 * establishes: the same values under other names of axes; layouts are kept, axis by axis
 */
#include <string.h>

#include "simplify.h"

typedef struct Classes {
    Map *of;                           /* Axis -> its representative, where that is another */
    AxisSet *spaces;                   /* vec: axes that some operation tells apart */
} Classes;

static Axis *find(const Classes *k, Axis *a)
{
    for (Axis *up; a && (up = map_get(k->of, a)); )
        a = up;
    return a;
}

/* ---- index spaces ---------------------------------------------------------------------------- */

static void add_axes(AxisSet *s, Axis *const *axes, int n)
{
    for (int i = 0; i < n; i++)
        if (axes[i])
            axes_add(s, axes[i]);
}

static bool is_diagonal(const Tir *v)
{
    return v->n_axes < v->in[0]->n_axes;
}

/* A renaming tells apart the axes of its operand, and those of its result, but not one from the
 * other. Everything else tells apart all axes it mentions. */
static void add_spaces(Ctx *c, Classes *k, const Tir *v)
{
    AxisSet s = { .n = 0 };
    add_axes(&s, v->axes, v->n_axes);
    if (v->op == OP_RENAME && !is_diagonal(v)) {
        vec_push(c, k->spaces, axes_of(v->in[0]));
    } else {
        add_axes(&s, v->over, LIMIT_RANK);
        add_axes(&s, v->to, LIMIT_RANK);
        for (int i = 0; i < v->n_in; i++)
            add_axes(&s, v->in[i]->axes, v->in[i]->n_axes);
    }
    vec_push(c, k->spaces, s);
}

static bool told_apart(const Classes *k, Axis *a, Axis *b)
{
    for (size_t i = 0; i < vec_len(k->spaces); i++) {
        const AxisSet *s = &k->spaces[i];
        int n = 0;
        for (int j = 0; j < s->n; j++) {
            Axis *x = find(k, s->axis[j]);
            n += x == a || x == b;
        }
        if (n > 1)
            return true;
    }
    return false;
}

/* The older axis names both: those of the model's variables come first. */
static void merge(Classes *k, Axis *from, Axis *to)
{
    Axis *a = find(k, from), *b = find(k, to);
    if (a == b || a->kind != b->kind || a->size != b->size || told_apart(k, a, b))
        return;
    if (a->id < b->id)
        map_put(k->of, b, a);
    else
        map_put(k->of, a, b);
}

/* ---- rebuilding under the new names ---------------------------------------------------------- */

static void rename_all(const Classes *k, Axis **axes, int n)
{
    for (int i = 0; i < n; i++)
        axes[i] = find(k, axes[i]);
}

/* The attributes of these are sets, kept in canonical order. */
static bool over_is_set(Op op)
{
    return op == OP_SUM || op == OP_MAXIMUM || op == OP_LOGSUMEXP || op == OP_CONTRACT
        || op == OP_EXPAND || op == OP_SCATTER;
}

static Tir *renamed_value(TirFn *f, const Classes *k, const Tir *v, Tir *const *copy)
{
    Tir w = *v;
    for (int i = 0; i < w.n_in; i++)
        w.in[i] = copy[v->in[i]->id];
    rename_all(k, w.axes, w.n_axes);
    rename_all(k, w.over, LIMIT_RANK);
    rename_all(k, w.to, LIMIT_RANK);
    if (w.op == OP_RENAME) {
        Tir *r = tir_rename(f, w.in[0], w.over, w.to, w.n_over);
        return tir_label(r, v->label, v->span);
    }
    if (over_is_set(w.op)) {
        AxisSet s = { .n = 0 };
        add_axes(&s, w.over, w.n_over);
        axes_sort(&s);
        memcpy(w.over, s.axis, sizeof(Axis *) * (size_t)s.n);
    }
    return tir_intern(f, &w);
}

TirFn *simp_axes(Ctx *c, const TirFn *f)
{
    Classes k = { .of = map_new(c) };
    Tir **order = tir_order(f);
    for (size_t i = 0; i < vec_len(order); i++)
        add_spaces(c, &k, order[i]);
    for (size_t i = 0; i < vec_len(order); i++)
        for (int j = 0; order[i]->op == OP_RENAME && j < order[i]->n_over; j++)
            merge(&k, order[i]->over[j], order[i]->to[j]);
    TirFn *h = tir_fn_like(c, f);
    Tir **copy = arena_alloc(c->arena, sizeof *copy * ((size_t)f->n_values + 1));
    for (size_t i = 0; i < vec_len(order); i++)
        copy[order[i]->id] = renamed_value(h, &k, order[i], copy);
    for (size_t i = 0; i < vec_len(f->outs); i++) {
        TirOut o = f->outs[i];
        o.value = copy[o.value->id];
        rename_all(&k, o.axes, o.n_axes);
        vec_push(c, h->outs, o);
    }
    return h;
}
