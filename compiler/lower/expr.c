/* expr.c - expressions of the language as tensor values.
 *
 * Idea: one case per AST kind, names resolved in lexical scopes (Env), then among the variables of
 * the model. A binder opens an axis for the time its body is evaluated:
 *     sum[k in K](w[k] * x[k])   k = iota over axis k; w[k]: w's explicit axis renamed to k
 *                                (implicit); the product has k implicit; the sum removes it
 * requires: a checked tree (shapes agree); what only evaluation can see (a size that is not a
 * constant, say) is still reported as a user's error.
 */
#include "lower.h"

#include <string.h>

/* ---- names ----------------------------------------------------------------------------------- */

static Val *plate_index(Lower *L, const Ast *e)
{
    for (size_t i = vec_len(L->active); i-- > 0;) {
        Plate *plate = L->active[i].plate;
        bool same = plate->index == e->name;
        for (size_t k = 0; k < vec_len(plate->binders); k++)
            same |= e->decl == plate->binders[k];
        if (!same)
            continue;
        Val *v = val_tensor(L, tir_iota(L->f, L->active[i].axis), NULL, 0);
        if (plate->low) {
            double low = (double)eval_size(L, NULL, plate->low);
            return val_op2(L, OP_ADD, v, val_const(L, low));
        }
        v->index_of = L->active[i].axis;
        return v;
    }
    return NULL;
}

/* By declaration; by name where a derived expression has none. */
static Var *find_var(const Derivation *d, const Ast *e)
{
    Var *var = e->decl ? model_var(d->model, e->decl) : NULL;
    for (size_t i = 0; !var && i < vec_len(d->params); i++)
        if (d->params[i]->name == e->name || (e->decl && d->params[i]->decl == e->decl))
            var = d->params[i];
    for (size_t i = 0; !var && i < vec_len(d->model->vars); i++)
        if (d->model->vars[i]->name == e->name)
            var = d->model->vars[i];
    return var;
}

static Val *eval_name(Lower *L, Env *env, const Ast *e)
{
    Env *found = env_find(env, e->name, false);
    if (found && !found->val)
        found->val = eval_let(L, found->scope, found->node);
    if (found)
        return found->val;
    double x;
    if (constant_value(e, &x))
        return val_const(L, x);
    Var *var = L->d ? find_var(L->d, e) : NULL;
    if (var)
        return var_value(L, var);
    Val *index = plate_index(L, e);
    if (index)
        return index;
    if (argument_value(L, e->name, &x))
        return val_const(L, x);
    diag_error(L->c, E_LOWER_UNBOUND, e->span, e->name);
    diag_help(L->c, "give it on the command line: -D %s=..., or --data NAME=FILE", e->name);
    return val_const(L, 1);
}

/* ---- indexing -------------------------------------------------------------------------------- */

static Val *index_range(Lower *L, Env *env, Val *v, int position, const Ast *range)
{
    Axis *from = v->axes[position];
    int64_t a = eval_size(L, env, range->kids[RANGE_A]),
            b = eval_size(L, env, range->kids[RANGE_B]);
    if (a > b || b > from->size) {
        diag_error(L->c, E_LOWER_RANGE, range->span, (long long)a, (long long)b,
                   (long long)from->size);
        diag_help(L->c, "the whole axis is `0 .. %lld`", (long long)from->size);
        return v;
    }
    if (a == 0 && b == from->size)
        return v;
    Str key = str_fmt(L->c, "slice %d %lld", from->id, (long long)a);
    Axis *to = axis_keyed(L, key, from->kind, from->name, b - a);
    Tir *t = tir_slice(L->f, tir_expand(L->f, v->t, &from, 1), from, to, a);
    Val *out = val_tensor(L, t, v->axes, v->n_axes);
    out->axes[position] = to;
    return out;
}

Val *val_at(Lower *L, Val *v, int position, Val *i)
{
    Axis *axis = v->axes[position];
    Tir *t = v->t;
    if (i->index_of && !i->first && i->index_of->size == axis->size) {
        if (tir_has_axis(t, axis))
            t = tir_rename(L->f, t, &axis, &i->index_of, 1);
    } else if (tir_has_axis(t, axis)) {
        t = tir_gather(L->f, t, axis, i->t);
    }
    /* The index's own explicit axes take the place of the one removed. */
    Axis *axes[LIMIT_RANK];
    int n = 0;
    for (int k = 0; k < position; k++)
        axes[n++] = v->axes[k];
    for (int k = 0; k < i->n_axes && n < LIMIT_RANK; k++)
        axes[n++] = i->axes[k];
    for (int k = position + 1; k < v->n_axes && n < LIMIT_RANK; k++)
        axes[n++] = v->axes[k];
    Val *out = val_tensor(L, t, axes, n);
    if (!tir_has_axis(v->t, axis)) {   /* the same number at all positions */
        out->index_of = v->index_of;
        out->first = v->first;
    }
    return out;
}

/* Data of a plate is indexed by the plate's own index, which is an implicit axis already. */
static bool base_has_plate_axis(Lower *L, Env *env, const Ast *base)
{
    if (!L->d || base->kind != AST_NAME || env_find(env, base->name, false))
        return false;
    Var *var = base->decl ? model_var(L->d->model, base->decl) : NULL;
    return var && var->kind == VAR_DATA && var->plate;
}

/* z[m] in the plate n of an array of discrete latents, where z[n] is the name alone: over the last
 * plates of z, one for each index, as outside of them. NULL: it is something else. */
static Val *eval_elsewhere(Lower *L, Env *env, const Ast *e)
{
    const Ast *base = e->kids[INDEX_BASE];
    bool name = L->d && base->kind == AST_NAME && !env_find(env, base->name, false);
    Var *v = name && base->decl ? model_var(L->d->model, base->decl) : NULL;
    if (!v || !v->spread || !v->plate || !active_axis(L, v->plate))
        return NULL;
    Val *val = var_value(L, v);
    Axis *from[LIMIT_RANK], *to[LIMIT_RANK];
    int n = (int)vec_len(e->kids) - 1;
    const Plate *p = v->plate;
    for (int i = n - 1; i >= 0 && p; i--, p = p->outer) {
        from[i] = lower_plate_axis(L, p);
        to[i] = axis_keyed(L, str_fmt(L->c, "all of %d", from[i]->id), AXIS_EVENT, from[i]->name,
                           from[i]->size);
    }
    return val_tensor(L, tir_rename(L->f, val->t, from, to, n), to, n);
}

static Val *eval_index(Lower *L, Env *env, const Ast *e)
{
    bool step;
    Val *v = eval_step(L, env, e, &step);
    size_t first = step || base_has_plate_axis(L, env, e->kids[INDEX_BASE]) ? 2 : 1;
    int position = 0;
    if (!step)
        v = eval_elsewhere(L, env, e);
    if (!v)
        v = eval(L, env, e->kids[INDEX_BASE]);
    for (size_t k = first; k < vec_len(e->kids); k++) {
        if (position >= v->n_axes)
            ice_span(e->span, "more indices than axes");
        if (e->kids[k]->kind == AST_RANGE) {
            v = index_range(L, env, v, position++, e->kids[k]);
        } else {
            Val *i = eval(L, env, e->kids[k]);
            v = val_at(L, v, position, i);
            position += i->n_axes;
        }
    }
    return v;
}

/* ---- operators, vectors ---------------------------------------------------------------------- */

static bool is_among(const Axis *axis, Axis *const *axes, int n)
{
    for (int i = 0; i < n; i++)
        if (axes[i] == axis)
            return true;
    return false;
}

Val *eval_matmul(Lower *L, Val *a, Val *b)
{
    if (a->n_axes == 0 || b->n_axes == 0)
        ice_span(L->at, "@ needs axes on both sides");
    Axis *to[LIMIT_RANK];
    to[0] = a->axes[a->n_axes - 1];
    for (int i = 1; i < b->n_axes; i++) {
        to[i] = b->axes[i];            /* another one, where the left side has it too */
        while (is_among(to[i], a->axes, a->n_axes) || is_among(to[i], to, i))
            to[i] = axis_keyed(L, str_fmt(L->c, "matmul %d", to[i]->id), to[i]->kind, to[i]->name,
                               to[i]->size);
    }
    b = val_rename(L, b, to);
    Axis *axes[LIMIT_RANK];
    int n = 0;
    for (int i = 0; i + 1 < a->n_axes; i++)
        axes[n++] = a->axes[i];
    for (int i = 1; i < b->n_axes && n < LIMIT_RANK; i++)
        axes[n++] = b->axes[i];
    return val_tensor(L, tir_contract(L->f, a->t, b->t, &to[0], 1), axes, n);
}

static Val *eval_binary(Lower *L, Env *env, const Ast *e)
{
    double x;
    if (eval_number(L, env, e, &x))
        return val_const(L, x);
    Val *a = eval(L, env, e->kids[BINARY_A]), *b = eval(L, env, e->kids[BINARY_B]);
    L->at = e->span;
    if (!strcmp(e->name, "@"))
        return eval_matmul(L, a, b);
    Op op = op_of_operator(e->name, 2);
    if (op == N_OPS)
        ice_span(e->span, "operator %s", e->name);
    return val_op2(L, op, a, b);
}

static Val *eval_unary(Lower *L, Env *env, const Ast *e)
{
    Val *a = eval(L, env, e->kids[UNARY_A]);
    Op op = op_of_operator(e->name, 1);
    if (op == OP_NEG && a->t->op == OP_CONST)
        return val_const(L, -a->t->num);
    if (op != N_OPS)
        return val_op1(L, op, a);
    Val *out = val_tensor(L, a->t, a->axes, a->n_axes);       /* transpose: reversed axes */
    for (int i = 0; i < a->n_axes; i++)
        out->axes[i] = a->axes[a->n_axes - 1 - i];
    return out;
}

/* [a, b, c]: a new leading axis, filled by choosing on the position. */
Val *val_stack(Lower *L, Str key, Val *const *elements, size_t n)
{
    Axis *axis = axis_keyed(L, key, AXIS_EVENT, str(L->c, "i"), (int64_t)n);
    Val *at = val_tensor(L, tir_iota(L->f, axis), NULL, 0), *out = elements[n - 1];
    for (size_t k = n - 1; k-- > 0;) {
        Val *here = val_op2(L, OP_EQ, at, val_const(L, (double)k));
        out = val_select(L, here, elements[k], out);
    }
    Axis *axes[LIMIT_RANK] = { axis };
    for (int i = 0; i < out->n_axes && i + 1 < LIMIT_RANK; i++)
        axes[i + 1] = out->axes[i];
    return val_tensor(L, tir_expand(L->f, out->t, &axis, 1), axes, out->n_axes + 1);
}

static Val *eval_vector(Lower *L, Env *env, const Ast *e)
{
    size_t n = vec_len(e->kids);
    Val **elements = vec_new(L->c, n, sizeof *elements);
    for (size_t k = n; k-- > 0;)
        elements[k] = eval(L, env, e->kids[k]);
    return val_stack(L, str_fmt(L->c, "vector %p", (const void *)e), elements, n);
}

/* ---- calls ----------------------------------------------------------------------------------- */

Val *call_function(Lower *L, Env *scope, const Ast *fn, Val **args, size_t n)
{
    if (++L->depth > LIMIT_INLINE)
        ice_span(fn->span, "inlining deeper than %d", LIMIT_INLINE);
    const Ast *params = fn->kids[FUNCTION_ARGS];
    for (size_t i = 0; i < vec_len(params->kids); i++) {
        const Ast *p = params->kids[i];
        if (i < n)
            scope = env_bind(L, scope, p->name, args[i]);
        else if (p->kids[ARGDECL_DEFAULT])
            scope = env_bind(L, scope, p->name, eval(L, scope, p->kids[ARGDECL_DEFAULT]));
    }
    Val *v = eval(L, scope, fn->kids[FUNCTION_BODY]);
    L->depth--;
    return v;
}

/* An elementwise function of the language. It keeps its place, for the message that it has no
 * derivative; in a body of the library, the place that called it. */
static Val *eval_map(Lower *L, Op op, Val **args, size_t n, const Ast *e, Span called)
{
    Val *v = val_map(L, op, args[0], n > 1 ? args[1] : NULL, n > 2 ? args[2] : NULL);
    for (size_t k = 0; k < n; k++)
        if (op_info[op].adjoint[k] == OP_NONE)
            tir_label(v->t, NULL, e->span.src && !e->span.src->library ? e->span : called);
    return v;
}

/* Calls whose arguments are not plain values. */
static const struct { const char *name; Val *(*eval)(Lower *L, Env *env, const Ast *e); }
special[] = {
    { "previous", eval_previous }, { "ode", eval_ode }, { "sum_states", eval_sum_states },
    { "quantile", eval_quantile }, { "sorted", eval_sorted }, { "placed", eval_placed },
    { "centred", eval_centred }, { "random_multinomial", eval_multinomial },
    { "terms", eval_terms }, { "all_terms", eval_terms },
    { "row_terms", eval_terms }, { "others", eval_others }, { "sum_draws", eval_sum_draws },
    { "bound", eval_weights }, { "bound_without", eval_weights }, { "shares", eval_weights },
    { "through_draws", eval_hold }, { "past_draws", eval_hold },
    { "shaped", eval_shaped },
    { "max_states", eval_sum_states }, { "draw_states", eval_sum_states },
    { "sum_picked", eval_sum_picked },
    { "marginal", eval_summary }, { "mode", eval_summary },
};

/* The function of a scope that a call means. Members of a distribution have one argument: with a
 * law before it, `logpdf` is that law's. */
static Env *local_function(Env *env, const Ast *e)
{
    Env *local = env_find(env, e->name, true);
    bool of_law = vec_len(e->kids) == 2 && !e->decl && is_dist_builtin(e->name);
    return of_law ? NULL : local;
}

static Val *eval_call(Lower *L, Env *env, const Ast *e)
{
    Op op;
    Env *local = local_function(env, e);
    const Ast *law = local ? NULL : law_called(e);
    Span called = L->at;
    L->at = e->span;
    if (law)
        return eval_dist(L, env, e, law);
    if (op_named(e->name, OP_KIND_RANDOM, &op))
        return eval_random(L, env, op, e);
    for (size_t i = 0; i < sizeof special / sizeof *special && !local && !e->decl; i++)
        if (!strcmp(e->name, special[i].name))
            return special[i].eval(L, env, e);
    if (is_dist_builtin(e->name) && !local) {
        Val *v = eval_dist_builtin(L, env, e);
        if (v)
            return v;
    }
    size_t n = vec_len(e->kids);
    Val **args = NULL;
    for (size_t i = 0; i < n; i++)
        vec_push(L->c, args, eval(L, env, e->kids[i]->kids[ARG_VALUE]));
    if (local)
        return call_function(L, local->scope, local->node, args, n);
    const Ast *net = map_get(L->nets, e->name);
    if (net)
        return call_net(L, NULL, net, args, n);
    const Ast *fn = map_get(L->decls, e->name);
    if (fn && fn->kind == AST_FUNCTION)
        return call_function(L, NULL, fn, args, n);
    if (op_named(e->name, OP_KIND_MAP, &op) && (size_t)op_info[op].arity == n)
        return eval_map(L, op, args, n, e, called);
    return eval_builtin(L, e->name, args, n, e);
}

/* ---- blocks and records ---------------------------------------------------------------------- */

/* `h : real[R] ~ law` in a sampler: over the axes that it declares; a matrix over those drawn. */
static Val *draw_within(Lower *L, Env *env, const Ast *s)
{
    Val *law = eval(L, env, s->kids[LATENT_LAW]);
    const Ast *type = s->kids[LATENT_TYPE], *list = type ? type->kids[TYPE_AXES] : NULL;
    int n_implicit = L->n_draw - L->n_draw_event, n = list ? (int)vec_len(list->kids) : 0;
    if (type && type->type && type->type->core == 2)
        return dist_draw(L, law, L->draw_axes, n_implicit, L->draw_axes + n_implicit,
                         L->n_draw_event, -1);
    Axis *axes[LIMIT_RANK];
    for (int i = 0; i < n; i++)
        axes[i] = axis_keyed(L, str_fmt(L->c, "within %p %d", (const void *)s, i), AXIS_EVENT,
                             str(L->c, "i"), eval_size(L, env, list->kids[i]));
    return dist_draw(L, law, L->draw_axes, n_implicit, axes, n, -1);
}

Env *eval_statements(Lower *L, Env *env, const Ast *block, Val **last)
{
    for (size_t i = 0; i < vec_len(block->kids); i++) {
        const Ast *s = block->kids[i];
        if (s->kind == AST_LET) {
            env = env_later(L, env, s->kids[LET_NAMES]->kids[0]->name, s);
        } else if (s->kind == AST_FUNCTION) {
            env = env_later(L, env, s->name, s);
            env->scope = env->up;
        } else if (s->kind == AST_LATENT) {
            Val *v = draw_within(L, env, s);
            const Ast *names = s->kids[LATENT_NAMES];
            for (size_t k = 0; k < vec_len(names->kids); k++)
                env = env_bind(L, env, names->kids[k]->name, v);
        } else if (last) {
            *last = eval(L, env, s);
        }
    }
    return env;
}

static Val *eval_record(Lower *L, Env *env, const Ast *e)
{
    Val *v = arena_alloc(L->c->arena, sizeof *v);
    v->kind = VAL_RECORD;
    for (size_t i = 0; i < vec_len(e->kids); i++)
        v->args = env_bind(L, v->args, e->kids[i]->name, eval(L, env, e->kids[i]->kids[ARG_VALUE]));
    return v;
}

static Val *eval_field(Lower *L, Env *env, const Ast *e)
{
    Val *base = eval(L, env, e->kids[FIELD_BASE]);
    Env *field = base->kind == VAL_RECORD ? env_find(base->args, e->name, false) : NULL;
    if (!field)
        ice_span(e->span, "no field %s", e->name);
    return field->val;
}

static Val *eval_if(Lower *L, Env *env, const Ast *e)
{
    Val *cond = eval(L, env, e->kids[IF_COND]);
    Val *a = eval(L, env, e->kids[IF_THEN]), *b = eval(L, env, e->kids[IF_ELSE]);
    if (a->kind != VAL_TENSOR || b->kind != VAL_TENSOR) {
        not_lowered(L, e->span, "`if` between distributions");
        return a;
    }
    Val *taken = cond->t->op == OP_CONST && cond->t->num ? a : b;
    if (cond->t->op == OP_CONST && taken->n_axes == (a->n_axes > b->n_axes ? a : b)->n_axes)
        return taken;                  /* a bound that is infinite leaves no trace */
    return val_select(L, cond, a, b);
}

Val *eval(Lower *L, Env *env, const Ast *e)
{
    Val *v;
    switch (e->kind) {
    case AST_NUM:       return val_const(L, e->num);
    case AST_NAME:      return eval_name(L, env, e);
    case AST_CALL:      return eval_call(L, env, e);
    case AST_REDUCE:    return eval_reduce(L, env, e);
    case AST_INDEX:     return eval_index(L, env, e);
    case AST_FIELD:     return eval_field(L, env, e);
    case AST_UNARY:     return eval_unary(L, env, e);
    case AST_BINARY:    return eval_binary(L, env, e);
    case AST_IF:        return eval_if(L, env, e);
    case AST_VECTOR:    return eval_vector(L, env, e);
    case AST_RECORD:    return eval_record(L, env, e);
    case AST_PIPE:
        v = eval(L, env, e->kids[PIPE_A]);
        if (e->kids[PIPE_A]->kind == AST_PIPE)
            lower_inner(L, e->kids[PIPE_A], v);
        return lower_stage(L, env, e->kids[PIPE_B], v);
    case AST_BLOCKEXPR:
        v = NULL;
        eval_statements(L, env, e, &v);
        if (!v)
            ice_span(e->span, "block without a value");
        return v;
    default:
        not_lowered(L, e->span, ast_kind_name(e->kind));
        return val_const(L, 0);
    }
}
