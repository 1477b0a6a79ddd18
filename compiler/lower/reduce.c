/* reduce.c - binders, and the reductions over them.
 *
 * Idea: a binder opens an axis for the time its body is evaluated. A domain whose ends are known at
 * run time only, as `s in t` for prefix sums, is the whole axis with a mask; so is `where c`.
 *     sum[s in t](y[s])   s = iota over the steps; select(s < t, y[s], 0), summed
 */
#include "lower.h"

#include <math.h>
#include <string.h>

/* ---- binders --------------------------------------------------------------------------------- */

static bool is_open(const Lower *L, const Axis *axis)
{
    for (size_t i = 0; i < vec_len(L->open); i++)
        if (L->open[i] == axis)
            return true;
    return false;
}

/* Both true; NULL: always. */
static Val *both(Lower *L, Val *a, Val *b)
{
    return a && b ? val_op2(L, OP_AND, a, b) : a ? a : b;
}

/* Where position i lies in a domain whose ends are only known at run time, as `s in t`. */
static Val *within(Lower *L, Env *env, const Ast *domain, Val *i)
{
    bool range = domain->kind == AST_RANGE;
    Val *end = eval(L, env, range ? domain->kids[RANGE_B] : domain);
    Val *before = val_op2(L, OP_LT, i, end);
    bool first = !range || (domain->kids[RANGE_A]->kind == AST_NUM && !domain->kids[RANGE_A]->num);
    return !first ? both(L, before, val_op2(L, OP_GE, i, eval(L, env, domain->kids[RANGE_A])))
                 : before;
}

/* The positions of a domain, as a range of constant size; *fixed: they are exactly these. */
static int64_t domain_size(Lower *L, Env *env, const Ast *binder, int64_t *low, bool *fixed)
{
    const Ast *domain = binder->kids[BINDER_DOMAIN];
    bool range = domain->kind == AST_RANGE;
    const Ast *a = range ? domain->kids[RANGE_A] : NULL;
    const Ast *b = range ? domain->kids[RANGE_B] : domain;
    double x;
    int64_t n;
    Str missing;
    *fixed = (!a || eval_number(L, env, a, &x)) && eval_number(L, env, b, &x);
    *low = 0;
    const Size *limit = binder->type ? binder->type->classes : NULL;
    if (!*fixed && limit && size_value(L->c, limit, &n, &missing))
        return n;
    *fixed = true;
    *low = a ? eval_size(L, env, a) : 0;
    return eval_size(L, env, b) - *low;
}

/* Opens `name in domain where c`: returns the scope with name bound; the axis goes to *axis, and
 * where its positions count to *mask (NULL: everywhere). */
static Env *open_binder(Lower *L, Env *env, const Ast *binder, Axis **axis, Val **mask)
{
    int64_t low;
    bool fixed;
    int64_t size = domain_size(L, env, binder, &low, &fixed);
    Str key = str_fmt(L->c, "binder %p", (const void *)binder);
    *axis = axis_keyed(L, key, AXIS_EVENT, binder->name, size);
    if (is_open(L, *axis))
        *axis = tir_axis(L->f, AXIS_EVENT, binder->name, size);
    vec_push(L->c, L->open, *axis);
    Val *v = val_tensor(L, tir_iota(L->f, *axis), NULL, 0);
    if (low)
        v = val_op2(L, OP_ADD, v, val_const(L, (double)low));
    v->index_of = *axis;
    v->first = low;
    if (!fixed)
        *mask = both(L, *mask, within(L, env, binder->kids[BINDER_DOMAIN], v));
    env = env_bind(L, env, binder->name, v);
    if (binder->kids[BINDER_WHERE])
        *mask = both(L, *mask, eval(L, env, binder->kids[BINDER_WHERE]));
    return env;
}

static void close_binders(Lower *L, size_t n)
{
    if (L->open)
        ((size_t *)L->open)[-1] -= n;
}

/* v at all positions of the axes, which become its first ones; of a record, each field. */
static Val *along(Lower *L, Val *v, Axis *const *opened, int n)
{
    Axis *axes[LIMIT_RANK];
    Val *record = arena_alloc(L->c->arena, sizeof *record);
    if (v->kind == VAL_DIST || n == 0)
        return v;
    if (v->kind == VAL_TENSOR) {
        Tir *t = tir_expand(L->f, v->t, opened, n);
        for (int i = 0; i < n; i++)
            axes[i] = opened[i];
        for (int i = 0; i < v->n_axes && n < LIMIT_RANK; i++)
            axes[n++] = v->axes[i];
        return val_tensor(L, t, axes, n);
    }
    record->kind = VAL_RECORD;
    for (const Env *field = v->args; field; field = field->up)
        record->args = env_bind(L, record->args, field->name, along(L, field->val, opened, n));
    return record;
}

Val *eval_let(Lower *L, Env *env, const Ast *let)
{
    const Ast *name = let->kids[LET_NAMES]->kids[0];
    Axis *opened[LIMIT_RANK];
    Val *mask = NULL;
    int n = 0;
    for (size_t i = 0; i < vec_len(name->kids); i++)
        if (name->kids[i]->kind == AST_BINDER
            && !(L->d && model_plate(L->d->model, name->kids[i])))
            env = open_binder(L, env, name->kids[i], &opened[n++], &mask);
    if (mask)
        not_lowered(L, let->span, "an axis whose length is not known when compiling");
    Val *v = eval(L, env, let->kids[LET_VALUE]);
    close_binders(L, (size_t)n);
    v = along(L, v, opened, n);
    if (v->kind == VAL_TENSOR)
        tir_label(v->t, name->name, let->span);
    return v;
}

ActivePlate *lower_enter(Lower *L, Plate *plate, Axis *axis)
{
    ActivePlate *active = NULL, *saved = L->active;
    for (size_t i = 0; i < vec_len(saved); i++)
        vec_push(L->c, active, saved[i]);
    vec_push(L->c, active, ((ActivePlate){ plate, axis }));
    L->active = active;
    return saved;
}

/* Sum over a plate of the model: inside it, what is declared there is implicit. */
static Val *sum_plate(Lower *L, Env *env, const Ast *e, Plate *plate)
{
    Axis *axis = lower_plate_axis(L, plate);
    ActivePlate *saved = lower_enter(L, plate, axis);
    Val *v = eval(L, env, e->kids[REDUCE_VALUE]);
    L->active = saved;
    Tir *t = tir_expand(L->f, v->t, &axis, 1);
    return val_tensor(L, tir_reduce(L->f, OP_SUM, t, &axis, 1), v->axes, v->n_axes);
}

/* The product along one axis: halves are multiplied until one element is left. */
static Tir *product(Lower *L, Tir *t, Axis *axis)
{
    t = tir_expand(L->f, t, &axis, 1);
    Tir *odd = NULL;
    while (axis->size > 1) {
        int64_t half = axis->size / 2;
        Axis *to = tir_axis(L->f, AXIS_EVENT, axis->name, half);
        Axis *one = axis->size % 2 ? tir_axis(L->f, AXIS_EVENT, axis->name, 1) : NULL;
        Tir *last = one ? tir_reduce(L->f, OP_SUM, tir_slice(L->f, t, axis, one, 2 * half), &one, 1)
                        : NULL;
        odd = odd && last ? tir_map(L->f, OP_MUL, odd, last, NULL) : last ? last : odd;
        t = tir_map(L->f, OP_MUL, tir_slice(L->f, t, axis, to, 0),
                    tir_slice(L->f, t, axis, to, half), NULL);
        axis = to;
    }
    t = tir_reduce(L->f, OP_SUM, t, &axis, 1);         /* of one element */
    return odd ? tir_map(L->f, OP_MUL, t, odd, NULL) : t;
}

/* ---- reductions ------------------------------------------------------------------------------ */

/* t where the position counts, else `otherwise`. */
static Tir *counting(Lower *L, const Val *mask, Tir *t, double otherwise)
{
    return mask ? tir_map(L->f, OP_SELECT, mask->t, t, tir_const(L->f, otherwise)) : t;
}

/* The number of positions that count. */
static Tir *counted(Lower *L, const Val *mask, Axis *const *over, int n)
{
    double all = 1;
    for (int i = 0; i < n; i++)
        all *= (double)over[i]->size;
    return mask ? tir_reduce(L->f, OP_SUM, tir_expand(L->f, mask->t, over, n), over, n)
                : tir_const(L->f, all);
}

static Tir *largest(Lower *L, const Val *mask, Tir *t, Axis *const *over, int n, bool smallest)
{
    Tir *in = smallest ? tir_map(L->f, OP_NEG, t, NULL, NULL) : t;
    Tir *out = tir_reduce(L->f, OP_MAXIMUM, counting(L, mask, in, -INFINITY), over, n);
    return smallest ? tir_map(L->f, OP_NEG, out, NULL, NULL) : out;
}

/* Of the squares about the mean, over n - 1. */
static Tir *variance(Lower *L, const Val *mask, Tir *t, Axis *const *over, int n)
{
    TirFn *f = L->f;
    Tir *count = counted(L, mask, over, n);
    Tir *mean = tir_map(f, OP_DIV, tir_reduce(f, OP_SUM, counting(L, mask, t, 0), over, n), count,
                        NULL);
    Tir *square = tir_map(f, OP_SQ, tir_map(f, OP_SUB, t, mean, NULL), NULL, NULL);
    return tir_map(f, OP_DIV, tir_reduce(f, OP_SUM, counting(L, mask, square, 0), over, n),
                   tir_map(f, OP_SUB, count, tir_const(f, 1), NULL), NULL);
}

/* The first position of the largest, or of the smallest. */
static Tir *position_of(Lower *L, const Val *mask, Tir *t, Axis *const *over, bool smallest)
{
    Tir *top = largest(L, mask, t, over, 1, smallest);
    Tir *here = tir_map(L->f, OP_EQ, t, top, NULL);
    Val at = { .kind = VAL_TENSOR, .t = mask ? tir_map(L->f, OP_AND, here, mask->t, NULL) : here };
    return largest(L, &at, tir_expand(L->f, tir_iota(L->f, over[0]), over, 1), over, 1, true);
}

/* t has the axes; mask: where positions count, or NULL. NULL: no such reduction. */
Tir *reduce_over(Lower *L, Str name, Tir *t, const Val *mask, Axis *const *over, int n)
{
    bool any = !strcmp(name, "any"), all = !strcmp(name, "all");
    if (!strcmp(name, "sum") || !strcmp(name, "count"))
        return tir_reduce(L->f, OP_SUM, counting(L, mask, t, 0), over, n);
    if (!strcmp(name, "mean"))
        return tir_map(L->f, OP_DIV, tir_reduce(L->f, OP_SUM, counting(L, mask, t, 0), over, n),
                       counted(L, mask, over, n), NULL);
    if (any || all)
        return largest(L, NULL, counting(L, mask, t, all), over, n, all);
    if (!strcmp(name, "max") || !strcmp(name, "min"))
        return largest(L, mask, t, over, n, !strcmp(name, "min"));
    if (!strcmp(name, "logsumexp"))
        return tir_reduce(L->f, OP_LOGSUMEXP, counting(L, mask, t, -INFINITY), over, n);
    if (!strcmp(name, "variance"))
        return variance(L, mask, t, over, n);
    if (!strcmp(name, "sd"))
        return tir_map(L->f, OP_SQRT, variance(L, mask, t, over, n), NULL, NULL);
    if ((!strcmp(name, "argmax") || !strcmp(name, "argmin")) && n == 1)
        return position_of(L, mask, t, over, !strcmp(name, "argmin"));
    if (strcmp(name, "prod"))
        return NULL;
    t = counting(L, mask, t, 1);
    for (int i = 0; i < n; i++)
        t = product(L, t, over[i]);
    return t;
}

Val *eval_reduce(Lower *L, Env *env, const Ast *e)
{
    Plate *plate = L->d ? model_plate(L->d->model, e->kids[REDUCE_BINDERS]->kids[0]) : NULL;
    if (plate)
        return sum_plate(L, env, e, plate);
    const Ast *binders = e->kids[REDUCE_BINDERS];
    Axis *over[LIMIT_RANK];
    Val *mask = NULL;
    int n = 0;
    for (size_t i = 0; i < vec_len(binders->kids); i++)
        env = open_binder(L, env, binders->kids[i], &over[n++], &mask);
    Val *v = eval(L, env, e->kids[REDUCE_VALUE]);
    close_binders(L, (size_t)n);
    Tir *t = reduce_over(L, e->name, tir_expand(L->f, v->t, over, n), mask, over, n);
    if (!t)
        not_lowered(L, e->span, str_fmt(L->c, "`%s`", e->name));
    return t ? val_tensor(L, t, v->axes, v->n_axes) : v;
}
