/* value.c - values of the lowering: tensors with explicit axes, and the names in scope.
 *
 * Idea: implicit axes (plates, samples, open binders) broadcast by themselves; explicit ones are
 * aligned from the last, by renaming those of the shorter operand to those of the longer.
 */
#include "lower.h"

#include <string.h>

/* ---- values ---------------------------------------------------------------------------------- */

Val *val_tensor(Lower *L, Tir *t, Axis *const *axes, int n)
{
    Val *v = arena_alloc(L->c->arena, sizeof *v);
    v->kind = VAL_TENSOR;
    v->t = t;
    v->n_axes = n;
    for (int i = 0; i < n; i++)
        v->axes[i] = axes[i];
    return v;
}

Val *val_const(Lower *L, double x)
{
    return val_tensor(L, tir_const(L->f, x), NULL, 0);
}

/* The same tensor with explicit axes `to`, by position. */
Val *val_rename(Lower *L, const Val *v, Axis *const *to)
{
    Axis *from[LIMIT_RANK], *into[LIMIT_RANK];
    int n = 0;
    for (int i = 0; i < v->n_axes; i++) {
        if (v->axes[i] == to[i] || !tir_has_axis(v->t, v->axes[i]))
            continue;
        from[n] = v->axes[i];
        into[n++] = to[i];
    }
    Tir *t = n ? tir_rename(L->f, v->t, from, into, n) : v->t;
    return val_tensor(L, t, to, v->n_axes);
}

/* Explicit axes are aligned from the last one: the shorter operand broadcasts. */
Val *val_map(Lower *L, Op op, Val *a, Val *b, Val *c)
{
    Val *in[3] = { a, b, c }, *widest = a;
    for (int i = 1; i < 3 && in[i]; i++)
        if (in[i]->n_axes > widest->n_axes)
            widest = in[i];
    Tir *t[3] = { 0 };
    for (int i = 0; i < 3 && in[i]; i++)
        t[i] = val_rename(L, in[i], widest->axes + (widest->n_axes - in[i]->n_axes))->t;
    return val_tensor(L, tir_map(L->f, op, t[0], t[1], t[2]), widest->axes, widest->n_axes);
}

Val *val_op1(Lower *L, Op op, Val *a)
{
    return val_map(L, op, a, NULL, NULL);
}

Val *val_op2(Lower *L, Op op, Val *a, Val *b)
{
    return val_map(L, op, a, b, NULL);
}

Val *val_select(Lower *L, Val *condition, Val *yes, Val *no)
{
    return val_map(L, OP_SELECT, condition, yes, no);
}

Val *val_sum_all(Lower *L, Val *v)
{
    if (v->n_axes == 0)
        return v;
    return val_tensor(L, tir_reduce(L->f, OP_SUM, v->t, v->axes, v->n_axes), NULL, 0);
}

Axis *axis_keyed(Lower *L, Str key, AxisKind kind, Str name, int64_t size)
{
    Str full = str_fmt(L->c, "%s:%lld", key, (long long)size);
    Axis *axis = map_get(L->axes, full);
    if (!axis) {
        axis = tir_axis(L->f, kind, name, size);
        map_put(L->axes, full, axis);
    }
    return axis;
}

Tir *element_of(Lower *L, Tir *t, Axis *axis, int64_t i)
{
    Axis *one = axis_keyed(L, str_fmt(L->c, "one of %d", axis->id), AXIS_EVENT, axis->name, 1);
    return tir_reduce(L->f, OP_SUM, tir_slice(L->f, t, axis, one, i), &one, 1);
}

/* ---- scopes ---------------------------------------------------------------------------------- */

Env *env_bind(Lower *L, Env *up, Str name, Val *val)
{
    Env *e = arena_alloc(L->c->arena, sizeof *e);
    e->name = name;
    e->val = val;
    e->up = up;
    return e;
}

Env *env_later(Lower *L, Env *up, Str name, const Ast *node)
{
    Env *e = env_bind(L, up, name, NULL);
    e->node = node;
    e->scope = up;
    return e;
}

Env *env_find(Env *e, Str name, bool function)
{
    for (; e; e = e->up)
        if (e->name == name && (e->node && e->node->kind == AST_FUNCTION) == function)
            return e;
    return NULL;
}
