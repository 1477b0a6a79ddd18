/* builtin.c - structural functions of builtins.def: reductions, vectors, matrices.
 *
 * They work on explicit axes: sum(x) removes all of them (reduce.c), concat joins the only
 * one. Elementwise functions are rows of ops.def and need nothing here.
 */
#include "lower.h"

#include <string.h>

/* concat(a, b, ..): each part padded with zeros to the whole length, then added. */
static Val *eval_concat(Lower *L, Val **part, size_t n, const Ast *e)
{
    int64_t total = 0, offset = 0;
    for (size_t k = 0; k < n; k++)
        total += part[k]->n_axes ? part[k]->axes[0]->size : 1;
    Str key = str_fmt(L->c, "concat %p", (const void *)e);
    Axis *whole = axis_keyed(L, key, AXIS_EVENT, str(L->c, "i"), total);
    Val *sum = NULL;
    for (size_t k = 0; k < n; k++) {
        Axis *from = part[k]->n_axes ? part[k]->axes[0]
            : axis_keyed(L, str_fmt(L->c, "one %p %zu", (const void *)e, k), AXIS_EVENT,
                         str(L->c, "i"), 1);
        Tir *t = tir_expand(L->f, part[k]->t, &from, 1);
        Val *padded = val_tensor(L, tir_pad(L->f, t, from, whole, offset), &whole, 1);
        sum = sum ? val_op2(L, OP_ADD, sum, padded) : padded;
        offset += from->size;
    }
    return sum;
}

/* Two axes of one matrix must differ from each other and from those of the other operand; so each
 * matrix has its own. */
static Val *fresh_matrix(Lower *L, Val *m, const char *tag)
{
    Axis *to[LIMIT_RANK];
    for (int i = 0; i < m->n_axes; i++)
        to[i] = axis_keyed(L, str_fmt(L->c, "%s %d of %d", tag, i, m->t->id), AXIS_EVENT,
                           m->axes[i]->name, m->axes[i]->size);
    return val_rename(L, m, to);
}

static Val *builtin_matrix(Lower *L, Str name, Val **a, const Ast *e)
{
    if (!strcmp(name, "diagonal")) {
        Axis *d = axis_keyed(L, str_fmt(L->c, "diagonal %d", a[0]->axes[0]->id), AXIS_EVENT,
                             a[0]->axes[0]->name, a[0]->axes[0]->size);
        Axis *to[2] = { d, d };
        return val_tensor(L, tir_rename(L->f, a[0]->t, a[0]->axes, to, 2), &d, 1);
    }
    if (!strcmp(name, "diag")) {
        Axis *i = a[0]->axes[0];
        Axis *j = axis_keyed(L, str_fmt(L->c, "diag %d", i->id), AXIS_EVENT, i->name, i->size);
        Tir *same = tir_map(L->f, OP_EQ, tir_iota(L->f, i), tir_iota(L->f, j), NULL);
        Axis *axes[2] = { i, j };
        return val_tensor(L, tir_map(L->f, OP_SELECT, same, a[0]->t, tir_const(L->f, 0)), axes, 2);
    }
    bool inverse = !strcmp(name, "inverse");
    if (inverse || !strcmp(name, "cholesky")) {
        Val *m = fresh_matrix(L, a[0], name);
        return val_tensor(L, tir_matrix(L->f, inverse ? OP_INVERSE : OP_CHOLESKY,
                                        tir_expand(L->f, m->t, m->axes, 2), m->axes[0],
                                        m->axes[1]), m->axes, 2);
    }
    if (!strcmp(name, "solve")) {
        Val *x = eval_matmul(L, builtin_matrix(L, str(L->c, "inverse"), a, e), a[1]);
        return val_rename(L, x, a[1]->axes);
    }
    if (!strcmp(name, "trisolve")) {
        Val *l = fresh_matrix(L, a[0], "trisolve");
        Tir *b = tir_expand(L->f, a[1]->t, a[1]->axes, a[1]->n_axes);
        return val_tensor(L, tir_trisolve(L->f, tir_expand(L->f, l->t, l->axes, 2), l->axes[0],
                                          l->axes[1], false, b, a[1]->axes[0]),
                          a[1]->axes, a[1]->n_axes);
    }
    not_lowered(L, e->span, str_fmt(L->c, "`%s`", name));
    return a[0];
}

Val *eval_builtin(Lower *L, Str name, Val **a, size_t n, const Ast *e)
{
    Tir *all = n == 1 ? tir_expand(L->f, a[0]->t, a[0]->axes, a[0]->n_axes) : NULL;
    Tir *reduced = all ? reduce_over(L, name, all, NULL, a[0]->axes, a[0]->n_axes) : NULL;
    if (reduced)
        return val_tensor(L, reduced, NULL, 0);
    if (n == 1 && !strcmp(name, "cumsum") && a[0]->n_axes) {
        Axis *last = a[0]->axes[a[0]->n_axes - 1];
        Tir *t = tir_cumsum(L->f, tir_expand(L->f, a[0]->t, &last, 1), last, false);
        return val_tensor(L, t, a[0]->axes, a[0]->n_axes);
    }
    if (!strcmp(name, "concat"))
        return eval_concat(L, a, n, e);
    if (!strcmp(name, "logdet")) {
        Val *l = builtin_matrix(L, str(L->c, "cholesky"), a, e);
        Val *d = builtin_matrix(L, str(L->c, "diagonal"), &l, e);
        Val *s = val_sum_all(L, val_op1(L, OP_LOG, d));
        return val_op2(L, OP_MUL, val_const(L, 2), s);
    }
    return builtin_matrix(L, name, a, e);
}
