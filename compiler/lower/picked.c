/* picked.c - sums over the positions that pick a discrete latent of other plates.
 *
 *     sum_picked(c, c[who[n]], e, n)    ->    scatter of e along n to the axis of c's plate, by who
 * Several indices, c[who[n], when[n]], are one number along one axis, which is split into those of
 * the plates. See derive/picked.c.
 */
#include "lower.h"

/* The axes of the plates of v that the indices of v[i, ..] are of, outermost first; how many. */
static int picked_axes(Lower *L, const Var *v, const Ast *read, Axis **axes)
{
    int n = (int)vec_len(read->kids) - 1;
    const Plate *p = v->plate;
    for (int i = n; i-- > 0; p = p->outer)
        axes[i] = lower_plate_axis(L, p);
    return n;
}

/* The axes in one, along which the indices are one number; *index: this number. */
static Axis *picked_axis(Lower *L, Env *env, const Ast *read, Axis *const *axes, int n, Tir **index)
{
    TirFn *f = L->f;
    int64_t size = axes[0]->size;
    *index = eval(L, env, read->kids[1])->t;
    for (int i = 1; i < n; i++) {
        Tir *scaled = tir_map(f, OP_MUL, *index, tir_const(f, (double)axes[i]->size), NULL);
        *index = tir_map(f, OP_ADD, scaled, eval(L, env, read->kids[i + 1])->t, NULL);
        size *= axes[i]->size;
    }
    return n == 1 ? axes[0] : tir_axis(f, AXIS_EVENT, axes[0]->name, size);
}

/* t with the one axis as the axes. */
static Tir *picked_apart(Lower *L, Tir *t, Axis *from, Axis *const *axes, int n)
{
    for (int i = 0; i + 1 < n; i++) {
        Axis *rest = i + 2 == n ? axes[n - 1]
                   : tir_axis(L->f, AXIS_EVENT, from->name, from->size / axes[i]->size);
        t = tir_split(L->f, t, from, (Axis *[]){ axes[i], rest });
        from = rest;
    }
    return t;
}

/* sum_picked(v, v[i, ..], e, n, ..): e is summed over the plates n, .. into those of v. It stands
 * in the plates n, .. alone, where v[i, ..] is the state that is put in for v. */
Val *eval_sum_picked(Lower *L, Env *env, const Ast *call)
{
    const Model *m = L->d->model;
    const Var *v = model_var(m, call->kids[0]->kids[ARG_VALUE]->decl);
    const Ast *read = call->kids[1]->kids[ARG_VALUE];
    Axis *to[LIMIT_RANK], *over[LIMIT_RANK];
    int n_to = picked_axes(L, v, read, to), n = 0;
    ActivePlate *saved = L->active;
    L->active = lower_plates(L, model_plate(m, call->kids[3]->kids[ARG_VALUE]->decl));
    for (size_t i = 3; i < vec_len(call->kids); i++)
        over[n++] = lower_plate_axis(L, model_plate(m, call->kids[i]->kids[ARG_VALUE]->decl));
    Tir *index;
    Axis *one = picked_axis(L, env, read, to, n_to, &index);
    Tir *e = tir_expand(L->f, eval(L, env, call->kids[2]->kids[ARG_VALUE])->t, over, n);
    L->active = saved;
    Tir *t = tir_scatter(L->f, e, index, over, n, one);
    return val_tensor(L, picked_apart(L, t, one, to, n_to), NULL, 0);
}
