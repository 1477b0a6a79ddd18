/* ops_adjoint.c - the adjoint of every op: rows of ops.def, and the functions behind its FN cells.
 *
 * Notation: y = op(a, b, c), g is dE/dy, the result is this use's part of dE/da (or b, c). An
 * adjoint may lack axes of its value: it is constant along them. Axes of y that the operand lacks
 * are summed (the operand was broadcast along them).
 *
 * requires:    verified values; ops.def has no NONE in the operand asked for
 * establishes: a value whose axes are among those of the operand
 */
#include "tir_build.h"

static Tir *map1(TirFn *f, Op op, Tir *a) { return tir_map(f, op, a, NULL, NULL); }
static Tir *map2(TirFn *f, Op op, Tir *a, Tir *b) { return tir_map(f, op, a, b, NULL); }
static Tir *sum_over(TirFn *f, Tir *a, const AxisSet *s)
{
    return tir_reduce(f, OP_SUM, a, s->axis, s->n);
}

Tir *tir_sum_to(TirFn *f, Tir *g, const Tir *y, const Tir *to)
{
    AxisSet over = axes_minus(y, to);
    for (int i = 0; i < g->n_axes; i++)
        if (!tir_has_axis(to, g->axes[i]))
            axes_add(&over, g->axes[i]);
    return sum_over(f, g, &over);
}

/* ---- axes -------------------------------------------------------------------------------- */

/* The name of axis a of the operand in the result of a RENAME. */
static Axis *renamed(const Tir *y, Axis *a)
{
    for (int k = 0; k < y->n_over; k++)
        if (y->over[k] == a)
            return y->to[k];
    return a;
}

/* Gives g the operand's names again. Where two axes went to one (a diagonal), the first takes the
 * value and the others a mask: da[i, j] = g[i] where j == i, else 0. */
static Tir *adjoint_rename(TirFn *f, Tir *y, Tir *g)
{
    const Tir *a = y->in[0];
    AxisSet from = { .n = 0 }, to = { .n = 0 };
    Tir *mask = NULL;
    for (int i = 0; i < a->n_axes; i++) {
        Axis *name = renamed(y, a->axes[i]);
        int first = 0;
        while (first < from.n && from.axis[first] != name)
            first++;
        if (first == from.n) {
            from.axis[from.n++] = name;
            to.axis[to.n++] = a->axes[i];
            continue;
        }
        Tir *same = map2(f, OP_EQ, tir_iota(f, to.axis[first]), tir_iota(f, a->axes[i]));
        mask = mask ? map2(f, OP_AND, mask, same) : same;
    }
    Tir *da = tir_rename(f, g, from.axis, to.axis, from.n);
    return mask ? tir_map(f, OP_SELECT, mask, da, tir_const(f, 0)) : da;
}

/* 1 where a is the first of the largest along `over`, one axis after the other. */
static Tir *first_largest(TirFn *f, const Tir *y)
{
    Tir *mask = NULL, *rest = y->in[0], *far = tir_const(f, -1e30);
    for (int i = y->n_over; i-- > 0; ) {
        Axis *k = y->over[i];
        Tir *top = tir_reduce(f, OP_MAXIMUM, rest, &k, 1);
        Tir *here = map2(f, OP_EQ, rest, top), *iota = tir_iota(f, k);
        Tir *back = tir_map(f, OP_SELECT, here, map1(f, OP_NEG, iota), far);
        Tir *first = map1(f, OP_NEG, tir_reduce(f, OP_MAXIMUM, back, &k, 1));
        Tir *is_first = map2(f, OP_EQ, iota, first);
        mask = mask ? map2(f, OP_AND, mask, is_first) : is_first;
        rest = top;
    }
    return mask;
}

/* exp(a - y), finite also where both are -inf. */
static Tir *share(TirFn *f, Tir *a, Tir *y)
{
    Tir *largest = map2(f, OP_GE, a, y);
    return map1(f, OP_EXP, tir_map(f, OP_SELECT, largest, tir_const(f, 0), map2(f, OP_SUB, a, y)));
}

/* E = sum over `over` of a b g: the adjoint of a is the contraction of g with b over every axis
 * that a lacks. Axes of a that g and b lack stay out: the adjoint is constant there. */
static Tir *adjoint_contract(TirFn *f, Tir *y, int k, Tir *g)
{
    Tir *to = y->in[k], *other = y->in[1 - k];
    AxisSet over = axes_minus(y, to);
    for (int i = 0; i < other->n_axes; i++)
        if (!tir_has_axis(to, other->axes[i]))
            axes_add(&over, other->axes[i]);
    Tir *da = k ? tir_contract(f, other, g, over.axis, over.n)
                : tir_contract(f, g, other, over.axis, over.n);
    if (da->n_axes == to->n_axes)      /* a weight's gradient lies as the weight does */
        da = tir_relayout(f, da, to->axes, to->n_axes);
    return da;
}

/* ---- positions --------------------------------------------------------------------------- */

static Tir *adjoint_gather(TirFn *f, Tir *y, Tir *g)
{
    const Tir *a = y->in[0], *index = y->in[1];
    Axis *k = y->over[0];
    AxisSet over = { .n = 0 };
    for (int i = 0; i < index->n_axes; i++)
        if (index->axes[i] == k || !tir_has_axis(a, index->axes[i]))
            axes_add(&over, index->axes[i]);
    return tir_scatter(f, g, y->in[1], over.axis, over.n, k);
}

static Tir *adjoint_scatter(TirFn *f, Tir *y, Tir *g)
{
    Tir *da = tir_gather(f, g, y->to[0], y->in[1]);
    return tir_sum_to(f, da, y->in[1], y->in[0]);
}

/* ---- matrices ---------------------------------------------------------------------------- */

/* 1 on and below the diagonal of [rows, columns], `half` on the diagonal itself. */
static Tir *lower_mask(TirFn *f, Axis *rows, Axis *columns, double half)
{
    Tir *r = tir_iota(f, rows), *c = tir_iota(f, columns);
    Tir *below = map2(f, OP_GT, r, c);
    return tir_map(f, OP_SELECT, map2(f, OP_EQ, r, c), tir_const(f, half), below);
}

/* Murray (2016), reverse mode: da = (L^-T (P + P') L^-1) / 2 with P = Phi(L' g), Phi taking the
 * lower triangle with half the diagonal. `a` is symmetric, and so is da. */
static Tir *adjoint_cholesky(TirFn *f, Tir *L, Tir *g)
{
    Axis *i = L->over[0], *j = L->over[1];
    Axis *t = tir_axis_like(f, i), *u = tir_axis_like(f, i);
    Tir *Lt = tir_rename(f, L, &j, &t, 1);                             /* [i, t] */
    Tir *P = tir_contract(f, Lt, tir_expand_like(f, g, L), &i, 1);     /* [t, j] */
    P = map2(f, OP_MUL, P, lower_mask(f, t, j, 0.5));
    Tir *S = map2(f, OP_ADD, P, tir_rename(f, P, (Axis *[]){ t, j }, (Axis *[]){ j, t }, 2));
    Tir *Lu = tir_rename(f, L, (Axis *[]){ i, j }, (Axis *[]){ u, i }, 2);    /* [u, i] */
    Tir *X = tir_trisolve(f, Lu, u, i, true, S, t);
    Tir *Z = tir_trisolve(f, Lu, u, i, true, X, j);
    return map2(f, OP_MUL, tir_const(f, 0.5), tir_rename(f, Z, &t, &i, 1));
}

/* da = -y' g y'. */
static Tir *adjoint_inverse(TirFn *f, Tir *y, Tir *g)
{
    Axis *i = y->over[0], *j = y->over[1];
    Axis *t = tir_axis_like(f, i), *u = tir_axis_like(f, i);
    Tir *yt = tir_rename(f, y, (Axis *[]){ i, j }, (Axis *[]){ t, i }, 2);
    Tir *left = tir_contract(f, yt, tir_rename(f, tir_expand_like(f, g, y), &i, &t, 1), &t, 1);
    Tir *right = tir_rename(f, y, (Axis *[]){ i, j }, (Axis *[]){ j, u }, 2);
    return map1(f, OP_NEG, tir_contract(f, tir_rename(f, left, &j, &u, 1), right, &u, 1));
}

/* x = L^-1 b: db = L^-T g, dL = -lower(db x'). Transposed: x = L^-T b, db = L^-1 g,
 * dL = -lower(x db'). Axes that b has and L lacks are summed in dL. */
static Tir *adjoint_trisolve(TirFn *f, Tir *x, int k, Tir *g)
{
    Tir *L = x->in[0];
    Axis *rows = x->over[0], *columns = x->over[1], *axis = x->to[0];
    Tir *db = tir_trisolve(f, L, rows, columns, !x->flag, tir_expand_like(f, g, x), axis);
    if (k == 1)
        return tir_sum_to(f, db, x, x->in[1]);
    Tir *left = tir_rename(f, x->flag ? x : db, &axis, &rows, 1);
    Tir *right = tir_rename(f, x->flag ? db : x, &axis, &columns, 1);
    AxisSet over = { .n = 0 };
    for (int i = 0; i < x->n_axes; i++)
        if (x->axes[i] != axis && !tir_has_axis(L, x->axes[i]))
            axes_add(&over, x->axes[i]);
    Tir *dL = tir_contract(f, left, right, over.axis, over.n);
    return map1(f, OP_NEG, map2(f, OP_MUL, dL, lower_mask(f, rows, columns, 1)));
}

static Tir *of_logsumexp(TirFn *f, Tir *y, const char *rule, Tir *g)
{
    (void)rule;
    return map2(f, OP_MUL, g, share(f, y->in[0], y));
}

/* ---- dispatch ---------------------------------------------------------------------------- */

static Tir *adjoint_shape(TirFn *f, Tir *y, int k, Tir *g)
{
    Tir *a = y->in[0];
    switch (y->op) {
    case OP_RENAME:    return adjoint_rename(f, y, g);
    case OP_EXPAND:    return tir_sum_to(f, g, y, a);
    case OP_SUM:       return g;
    case OP_MAXIMUM:   return tir_map(f, OP_SELECT, first_largest(f, y), g, tir_const(f, 0));
    case OP_LOGSUMEXP: return tir_by_choice(f, g, of_logsumexp, y, NULL);
    case OP_CONTRACT:  return adjoint_contract(f, y, k, g);
    case OP_GATHER:    return adjoint_gather(f, y, g);
    case OP_SCATTER:   return adjoint_scatter(f, y, g);
    case OP_SLICE:     return tir_pad(f, g, y->to[0], y->over[0], y->offset);
    case OP_PAD:       return tir_slice(f, g, y->to[0], y->over[0], y->offset);
    case OP_FLATTEN:   return tir_split(f, g, y->to[0], y->over);
    case OP_SPLIT:     return tir_flatten(f, g, y->to, y->over[0]);
    case OP_CUMSUM:    return tir_cumsum(f, g, y->over[0], !y->flag);
    case OP_CHOLESKY:  return adjoint_cholesky(f, y, g);
    case OP_INVERSE:   return adjoint_inverse(f, y, g);
    case OP_TRISOLVE:  return adjoint_trisolve(f, y, k, g);
    case OP_SCAN:      return tir_scan_adjoint(f, y, k, g);
    default:           ice("`%s` has no adjoint function", op_info[y->op].name);
    }
}

static Tir *of_map(TirFn *f, Tir *y, const char *rule, Tir *g)
{
    static const char *const names[] = { "g", "y", "a", "b", "c" };
    Tir *values[] = { g, y, y->in[0], y->in[1], y->in[2] };
    return tir_expr(f, rule, names, values, 5);
}

Tir *tir_adjoint(TirFn *f, Tir *y, int k, Tir *g)
{
    const char *rule = op_info[y->op].adjoint[k];
    if (!rule)
        return NULL;
    if (rule == OP_NONE)
        ice_span(y->span, "adjoint of `%s`: not differentiable", op_info[y->op].name);
    if (rule == OP_FN)
        return adjoint_shape(f, y, k, g);
    return tir_sum_to(f, tir_by_choice(f, g, of_map, y, rule), y, y->in[k]);
}
