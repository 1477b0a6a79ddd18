/* support.c - supports: the map from free numbers and its Jacobian, inlined from their files.
 *
 * Array axes, and event axes beyond the support's own, are batch axes, as for a law (dist.c).
 */
#include "lower.h"

#include <math.h>
#include <string.h>

/* The SUPPORT of a type; NULL for the real line and for types without a map. */
const Ast *type_support(const Lower *L, const Type *type)
{
    const Ast *s = type ? type->support_decl : NULL;
    if (type && !s && type->support)
        s = map_get(L->decls, type->support);
    return s && s->kind == AST_SUPPORT ? s : NULL;
}

/* A bound that the type states, or the one the support has by default. */
static const Ast *bound_of(const Ast *support, const Type *type, size_t i)
{
    const Ast *formal = support->kids[SUPPORT_ARGS]->kids[i];
    if (i < vec_len(type->bounds))
        return type->bounds[i];
    if (!formal->kids[ARGDECL_DEFAULT])
        ice_span(formal->span, "bound %s is missing", formal->name);
    return formal->kids[ARGDECL_DEFAULT];
}

/* The number x of a support, on its free scale. A vector or matrix has no such number: there x is
 * that of every free coordinate already (a derived Cholesky factor starts at 0, the identity). */
bool free_number(Lower *L, const Type *type, double x, double *free)
{
    const Ast *s = type_support(L, type), *f = s ? support_member(s, "unconstrain") : NULL;
    if (!s || vec_len(s->kids[SUPPORT_AXES]->kids))
        return *free = x, true;
    Env *scope = NULL;
    const Ast *bounds = s->kids[SUPPORT_ARGS];
    for (size_t i = 0; i < vec_len(bounds->kids); i++) {
        double bound;
        if (!eval_number(L, NULL, bound_of(s, type, i), &bound))
            return false;
        scope = env_bind(L, scope, bounds->kids[i]->name, val_const(L, bound));
    }
    if (f)
        scope = env_bind(L, scope, f->kids[FUNCTION_ARGS]->kids[0]->name, val_const(L, x));
    return f && eval_number(L, scope, f->kids[FUNCTION_BODY], free) && isfinite(*free);
}

/* constrain(u), log_jacobian(u) or unconstrain(x) of a type's support; array axes (the first ones)
 * are batch. */
Val *support_apply(Lower *L, const char *member, const Type *type, Val *u)
{
    const Ast *s = type_support(L, type);
    if (!s)
        return strcmp(member, "log_jacobian") ? u : val_const(L, 0);
    bool mapped = s->kids[SUPPORT_FREE] && vec_len(s->kids[SUPPORT_FREE]->kids);
    const Ast *free = mapped && strcmp(member, "unconstrain") ? s->kids[SUPPORT_FREE]
                                                              : s->kids[SUPPORT_AXES];
    int rank = free ? (int)vec_len(free->kids) : 0, n_batch = u->n_axes - rank;
    Axis *batch[LIMIT_RANK];
    for (int i = 0; i < n_batch; i++)
        batch[i] = u->axes[i];
    Env *scope = NULL;
    for (size_t i = 0; i < vec_len(s->kids[SUPPORT_ARGS]->kids); i++) {
        Val *bound = eval(L, NULL, bound_of(s, type, i));
        scope = env_bind(L, scope, s->kids[SUPPORT_ARGS]->kids[i]->name,
                         hide_batch(L, bound, 0, batch, n_batch));
    }
    const Ast *axes = s->kids[SUPPORT_AXES];
    for (size_t i = 0; axes && i < vec_len(axes->kids); i++) {
        int64_t size = 1;
        Str missing;
        size_t at = vec_len(type->event) - vec_len(axes->kids) + i;
        if (!size_value(L->c, type->event[at], &size, &missing))
            diag_error(L->c, E_LOWER_UNBOUND, L->at, missing);
        scope = env_bind(L, scope, axes->kids[i]->name, val_const(L, (double)size));
    }
    Val *x = hide_batch(L, u, rank, batch, n_batch);
    const Ast *m = support_member(s, member);
    if (!m) {
        not_lowered(L, L->at, str_fmt(L->c, "`%s` of support `%s`", member, s->name));
        return u;
    }
    scope = env_bind(L, scope, m->kids[FUNCTION_ARGS]->kids[0]->name, x);
    return show_batch(L, eval(L, scope, m->kids[FUNCTION_BODY]), batch, n_batch);
}
