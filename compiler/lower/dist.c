/* dist.c - distributions and supports: their members, inlined where a model uses them.
 *
 * Idea: a law is written for one event. Before a member is evaluated, axes of its arguments beyond
 * their declared rank ("batch" axes: array axes, or the event axes of a variable under a scalar
 * law) are made implicit, so that the member's formula sees exactly the ranks it was written for:
 *     x : bit[784] ~ bernoulli(logits: l)   x, l explicit [784] -> implicit; x * l - softplus(l)
 * and are explicit again in the result. A parameterization (`also`) that lacks a member is
 * converted to the base parameterization.
 */
#include "lower.h"

#include <math.h>
#include <string.h>

static int law_event_rank(const Ast *law)
{
    return declared_rank(law_base(law)->kids[DIST_SUPPORT]);
}

/* ---- a law with its arguments ---------------------------------------------------------------- */

static Val *make_dist(Lower *L, const Ast *law, Env *args)
{
    Val *v = arena_alloc(L->c->arena, sizeof *v);
    v->kind = VAL_DIST;
    v->law = law;
    v->args = args;
    return v;
}

/* Binds the ARGs of a call to parameters; values are evaluated in env. */
static Env *bind_args(Lower *L, Env *env, Ast **params, Ast *const *args)
{
    Env *bound = NULL;
    for (size_t i = 0; i < vec_len(args); i++) {
        const Ast *param = law_param(params, args[i], i);
        if (!param)
            ice_span(args[i]->span, "an argument without parameter");
        bound = env_bind(L, bound, param->name, eval(L, env, args[i]->kids[ARG_VALUE]));
    }
    return bound;
}

static Val *arg_value(Env *args, Str name)
{
    for (; args; args = args->up)
        if (args->name == name)
            return args->val;
    return NULL;
}

static Env *bind_known(Lower *L, Env *env, const Ast *name, Size *size)
{
    int64_t n;
    if (name->kind != AST_NAME || !size || !size_value(L->c, size, &n, NULL))
        return env;
    return env_bind(L, env, name->name, val_const(L, (double)n));
}

/* The sizes in `simplex[K]` or `index(K)`, of what a call of the law draws. */
static Env *drawn_sizes(Lower *L, const Ast *law, const Type *of)
{
    const Ast *support = law_base(law)->kids[DIST_SUPPORT];
    const Ast *axes = support->kids[TYPE_AXES], *classes = support->kids[TYPE_ARGS];
    size_t n = axes ? vec_len(axes->kids) : 0, n_event = vec_len(of->event);
    Env *env = NULL;
    for (size_t i = 0; of->core < 2 && i < n && n_event >= n; i++)
        env = bind_known(L, env, axes->kids[i], of->event[n_event - n + i]);
    if (classes && vec_len(classes->kids) == 1)
        env = bind_known(L, env, classes->kids[0], of->classes);
    return env;
}

/* Sizes named in a type, real[K] or real[K - 1], are bound by the value's last axes. */
static Env *bind_type_sizes(Lower *L, Env *env, const Ast *type, const Val *v)
{
    int rank = declared_rank(type);
    if (v->kind != VAL_TENSOR || v->n_axes < rank)
        return env;
    const Ast *axes = type ? type->kids[TYPE_AXES] : NULL;
    for (int i = 0; axes && i < (int)vec_len(axes->kids); i++) {
        const Ast *size = axes->kids[i];
        double n = (double)v->axes[v->n_axes - rank + i]->size;
        bool shifted = size->kind == AST_BINARY && size->kids[BINARY_A]->kind == AST_NAME
                    && size->kids[BINARY_B]->kind == AST_NUM && strchr("+-", size->name[0]);
        if (shifted) {                 /* K - 1 against n binds K */
            double by = size->kids[BINARY_B]->num;
            n = size->name[0] == '-' ? n + by : n - by;
            size = size->kids[BINARY_A];
        }
        if (size->kind == AST_NAME && !arg_value(env, size->name))
            env = env_bind(L, env, size->name, val_const(L, n));
    }
    return env;
}

/* The sizes that arguments of the rank of their parameters tell. */
static Env *argument_sizes(Lower *L, Env *sizes, Env *args, Ast **params)
{
    for (size_t i = 0; i < vec_len(params); i++) {
        const Ast *type = params[i]->kids[ARGDECL_TYPE];
        const Val *v = arg_value(args, params[i]->name);
        if (v->kind == VAL_TENSOR && v->n_axes >= declared_rank(type))
            sizes = bind_type_sizes(L, sizes, type, v);
    }
    return sizes;
}

/* A number given for a vector stands for a vector of it: dirichlet(2) on simplex[K]; and what lacks
 * the first axes of its parameter stands for each of them. */
static Env *spread_arguments(Lower *L, Env *args, const Ast *call, const Ast *law)
{
    const Type *t = call->type;
    Ast **params = law_params(L->c, law);
    Env *sizes = t && t->kind == KIND_DIST && !t->any_event ? drawn_sizes(L, law, t->of) : NULL;
    sizes = argument_sizes(L, sizes, args, params);
    for (size_t i = 0; i < vec_len(params); i++) {
        const Ast *type = params[i]->kids[ARGDECL_TYPE];
        const Ast *axes = type ? type->kids[TYPE_AXES] : NULL;
        Val *v = arg_value(args, params[i]->name);
        int rank = declared_rank(type), lacks = v->kind == VAL_TENSOR ? rank - v->n_axes : 0;
        Axis *all[LIMIT_RANK];
        double n;
        bool known = axes && (int)vec_len(axes->kids) >= lacks;
        for (int k = 0; known && k < lacks; k++) {
            known = eval_number(L, sizes, axes->kids[k], &n);
            if (known)
                all[k] = axis_keyed(L, str_fmt(L->c, "spread %d %d %g", v->t->id, k, n),
                                    AXIS_EVENT, str(L->c, "k"), (int64_t)n);
        }
        if (known && lacks > 0)
            args = env_bind(L, args, params[i]->name, show_batch(L, v, all, lacks));
    }
    return args;
}

Val *eval_dist(Lower *L, Env *env, const Ast *call, const Ast *law)
{
    Ast **params = law_params(L->c, law);
    Env *args = bind_args(L, env, params, call->kids);
    for (size_t i = 0; i < vec_len(params); i++) {
        const Ast *p = params[i];
        if (!arg_value(args, p->name)) {
            if (!p->kids[ARGDECL_DEFAULT])
                ice_span(call->span, "argument %s of %s is missing", p->name, call->name);
            args = env_bind(L, args, p->name, eval(L, args, p->kids[ARGDECL_DEFAULT]));
        }
    }
    return make_dist(L, law, spread_arguments(L, args, call, law));
}

/* ---- batch axes become implicit -------------------------------------------------------------- */

/* v with its axes before the last `rank` renamed to the last ones of `batch` and made implicit. */
Val *hide_batch(Lower *L, const Val *v, int rank, Axis *const *batch, int n_batch)
{
    int extra = v->n_axes - rank;
    if (v->kind != VAL_TENSOR || extra <= 0)
        return val_tensor(L, v->t, v->axes, v->n_axes);
    if (extra > n_batch)
        ice_span(L->at, "law applied to a value of too many axes");
    Axis *to[LIMIT_RANK];
    for (int i = 0; i < v->n_axes; i++)
        to[i] = i < extra ? batch[n_batch - extra + i] : v->axes[i];
    Val *renamed = val_rename(L, v, to);
    return val_tensor(L, renamed->t, to + extra, rank);
}

/* The longest list of batch axes among the arguments. */
static int find_batch(Lower *L, const Val *dist, Axis **batch)
{
    Ast **params = law_params(L->c, dist->law);
    int n = 0;
    for (size_t i = 0; i < vec_len(params); i++) {
        const Val *v = arg_value(dist->args, params[i]->name);
        int extra = v->n_axes - declared_rank(params[i]->kids[ARGDECL_TYPE]);
        if (extra > n) {
            n = extra;
            for (int k = 0; k < n; k++)
                batch[k] = v->axes[k];
        }
    }
    return n;
}

/* The law with every argument at its declared rank, sizes of its types bound, over `batch`. */
static Val *prepare(Lower *L, const Val *dist, Axis *const *batch, int n_batch)
{
    Ast **params = law_params(L->c, dist->law);
    Env *env = NULL;
    for (size_t i = 0; i < vec_len(params); i++) {
        const Ast *p = params[i];
        const Ast *type = p->kids[ARGDECL_TYPE];
        Val *v = arg_value(dist->args, p->name);
        int rank = declared_rank(type) < v->n_axes ? declared_rank(type) : v->n_axes;
        v = hide_batch(L, v, rank, batch, n_batch);
        env = env_bind(L, env, p->name, v);
        env = bind_type_sizes(L, env, type, v);
    }
    return make_dist(L, dist->law, env);
}

/* ---- members --------------------------------------------------------------------------------- */

/* A prepared law in the parameterization of `holder`: its own, or the base one. */
Val *dist_as(Lower *L, const Val *dist, const Ast *holder)
{
    if (dist->law == holder)
        return make_dist(L, holder, dist->args);
    Ast **params = law_params(L->c, holder);
    Env *env = bind_args(L, dist->args, params, dist->law->kids[ALSO_BASE]->kids);
    for (Env *e = dist->args; e; e = e->up)               /* what both have; sizes stay known */
        if (!arg_value(env, e->name))
            env = env_bind(L, env, e->name, e->val);
    for (size_t i = 0; i < vec_len(params); i++)
        env =
            bind_type_sizes(L, env, params[i]->kids[ARGDECL_TYPE], arg_value(env, params[i]->name));
    return make_dist(L, holder, env);
}

/* Scope of a body: the arguments, then its lets and functions. */
static Env *body_scope(Lower *L, const Val *dist)
{
    const Ast *body =
        dist->law->kids[dist->law->kind == AST_ALSO ? (int)ALSO_BODY : (int)DIST_BODY];
    return body ? eval_statements(L, dist->args, body, NULL) : dist->args;
}

/* dist, or its base, whichever has the member; *member is NULL if neither has. */
static Val *with_member(Lower *L, const Val *dist, AstKind kind, const char *name,
                        const Ast **member)
{
    const Ast *holder;
    *member = law_member(dist->law, kind, name, &holder);
    return dist_as(L, dist, holder);
}

Val *dist_member(Lower *L, const Val *dist, const char *name, Val *x)
{
    const Ast *member;
    Val *d = with_member(L, dist, AST_FUNCTION, name, &member);
    if (!member)
        return NULL;
    Env *scope = env_bind(L, body_scope(L, d), member->kids[FUNCTION_ARGS]->kids[0]->name, x);
    return eval(L, scope, member->kids[FUNCTION_BODY]);
}

static Val *member_fact(Lower *L, const Val *dist, const char *name)
{
    const Ast *member;
    Val *d = with_member(L, dist, AST_FACT, name, &member);
    return member ? eval(L, body_scope(L, d), member->kids[FACT_VALUE]) : NULL;
}

/* Batch axes explicit again, in front; the value is constant along those it lacks. */
Val *show_batch(Lower *L, Val *v, Axis *const *batch, int n_batch)
{
    Axis *axes[LIMIT_RANK];
    int n = 0;
    for (int i = 0; i < n_batch; i++)
        axes[n++] = batch[i];
    for (int i = 0; i < v->n_axes && n < LIMIT_RANK; i++)
        axes[n++] = v->axes[i];
    Tir *t = n_batch ? tir_expand(L->f, v->t, batch, n_batch) : v->t;
    return val_tensor(L, t, axes, n);
}

/* ---- log density, draws ---------------------------------------------------------------------- */

/* Batch axes of a law and a value of it together: the longer list (a scalar datum may stand under
 * an array of laws, and one law over an array of data). */
static int common_batch(Lower *L, const Val *dist, const Val *x, int rank, Axis **batch)
{
    int n = find_batch(L, dist, batch), n_x = x->n_axes - rank;
    for (int i = 0; n <= n_x && i < n_x; i++)
        batch[i] = x->axes[i];
    return n > n_x ? n : n_x;
}

Val *dist_for(Lower *L, const Val *dist, const Val *x, int rank, Axis **batch, int *n_batch)
{
    *n_batch = common_batch(L, dist, x, rank, batch);
    return prepare(L, dist, batch, *n_batch);
}

/* log p(x), summed over all axes of x: arrays, and events beyond the law's own. */
Val *dist_logpdf(Lower *L, Val *dist, Val *x)
{
    Axis *batch[LIMIT_RANK];
    int n_batch, rank = law_event_rank(dist->law);
    Val *d = dist_for(L, dist, x, rank, batch, &n_batch);
    const Ast *support = law_base(dist->law)->kids[DIST_SUPPORT];
    Val *hidden = hide_batch(L, x, rank, batch, n_batch);
    d->args = bind_type_sizes(L, d->args, support, hidden);
    Val *v = dist_member(L, d, "logpdf", hidden);
    if (!v)
        ice_span(L->at, "law without logpdf");
    return val_sum_all(L, show_batch(L, v, batch, n_batch));
}

/* Asked for by name in the model, and stated nowhere. */
Val *dist_not_stated(Lower *L, const Ast *law, const char *member, const char *form)
{
    diag_error(L->c, E_NOT_STATED, L->at, law_base(law)->name, member);
    diag_help(L->c, "state it in the distribution: `%s`", form);
    return val_const(L, 0);
}

/* One draw over implicit axes (plates, samples) with explicit axes `axes`; site < 0: a draw within
 * the draw being made (sample { u : unit ~ uniform(0, 1); .. }). */
Val *dist_draw(Lower *L, Val *dist, Axis *const *implicit, int n_implicit, Axis *const *axes, int n,
               int site)
{
    int rank = law_event_rank(dist->law);
    int n_batch = n > rank ? n - rank : 0;
    Val *d = prepare(L, dist, axes, n_batch);
    Val shape = { .kind = VAL_TENSOR, .n_axes = n };
    for (int i = 0; i < n; i++)
        shape.axes[i] = axes[i];
    d->args = bind_type_sizes(L, d->args, law_base(dist->law)->kids[DIST_SUPPORT], &shape);

    Lower saved = *L;
    L->n_draw = 0;
    for (int i = 0; i < n_implicit; i++)
        L->draw_axes[L->n_draw++] = implicit[i];
    for (int i = 0; i < n; i++)
        L->draw_axes[L->n_draw++] = axes[i];
    L->n_draw_event = n - n_batch;
    if (site >= 0) {
        L->draw_site = site;
        L->draw_sub = 0;
    }
    const Ast *member;
    Val *with = with_member(L, d, AST_SAMPLE, NULL, &member);
    if (!member)
        not_lowered(L, L->at, "drawing from a distribution without `sample`");
    Val *v = member ? eval(L, body_scope(L, with), member->kids[SAMPLE_BODY]) : val_const(L, 0);
    int sub = L->draw_sub;
    memcpy(L->draw_axes, saved.draw_axes, sizeof L->draw_axes);
    L->n_draw = saved.n_draw;
    L->n_draw_event = saved.n_draw_event;
    L->draw_site = saved.draw_site;
    L->draw_sub = site >= 0 ? saved.draw_sub : sub;
    v = show_batch(L, v, axes, n_batch);
    return v->n_axes == n ? val_rename(L, v, axes) : v;
}

Val *eval_random(Lower *L, Env *env, Op op, const Ast *call)
{
    int n_implicit = L->n_draw - L->n_draw_event;
    if (!L->n_draw && !L->draw_site)
        not_lowered(L, call->span, call->name);
    Tir *in[3] = { 0 };
    for (int k = 0; k < op_info[op].arity; k++) {
        Val *v = eval(L, env, call->kids[k]->kids[ARG_VALUE]);
        in[k] = val_rename(L, v, L->draw_axes + L->n_draw - v->n_axes)->t;
    }
    /* One number for each that the call's type has: a scalar inside a vector law is drawn once. */
    int rank = L->n_draw_event;
    if (op_info[op].arity && call->type && (int)vec_len(call->type->event) < rank)
        rank = (int)vec_len(call->type->event);
    Axis *axes[LIMIT_RANK];
    int n = 0;
    for (int i = 0; i < n_implicit; i++)
        axes[n++] = L->draw_axes[i];
    for (int i = L->n_draw - rank; i < L->n_draw; i++)
        axes[n++] = L->draw_axes[i];
    int site = L->draw_site * 16 + L->draw_sub++;
    Tir *t = tir_random(L->f, op, site, in, axes, n);
    return val_tensor(L, t, axes + n_implicit, rank);
}

/* ---- functions on distributions -------------------------------------------------------------- */

bool is_dist_builtin(Str name)
{
    static const char *const names[] = { "logpdf", "cdf", "kl", "entropy", "mean", "variance", "sd",
                                         "constrain", "log_jacobian", "unconstrain",
                                         "log_mass", "inside" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(name, names[i]))
            return true;
    return false;
}

/* KL(p || q) from p's `kl` member. */
static Val *dist_kl(Lower *L, Val *p, Val *q)
{
    Axis *batch[LIMIT_RANK], *other[LIMIT_RANK];
    int n = find_batch(L, p, batch), m = find_batch(L, q, other);
    Axis **all = m > n ? other : batch;
    n = m > n ? m : n;
    const Ast *holder, *kl = law_kl(p->law, q->law, &holder);
    if (!kl)
        return dist_not_stated(L, p->law, str_fmt(L->c, "kl(%s(..))", law_base(q->law)->name),
                          "kl(other(a, b)) = ..");
    const Ast *pattern = kl->kids[KL_OTHER];
    Val *from = dist_as(L, prepare(L, p, all, n), holder);
    Val *to = dist_as(L, prepare(L, q, all, n), pattern->decl);
    Env *scope = body_scope(L, from);
    for (size_t i = 0; i < vec_len(pattern->kids); i++)
        scope = env_bind(L, scope, pattern->kids[i]->kids[ARG_VALUE]->name,
                         arg_value(to->args, pattern->kids[i]->decl->name));
    return show_batch(L, eval(L, scope, kl->kids[KL_VALUE]), all, n);
}

/* A fact of a law. A size that no argument tells, as in lkj(2), comes from the type of the call. */
static Val *dist_fact(Lower *L, Val *dist, const char *name, const Type *type)
{
    Axis *batch[LIMIT_RANK];
    int n = find_batch(L, dist, batch), rank = law_event_rank(dist->law);
    Val *d = prepare(L, dist, batch, n);
    const Ast *axes = law_base(dist->law)->kids[DIST_SUPPORT]->kids[TYPE_AXES];
    size_t n_event = type && type->kind == KIND_VALUE ? vec_len(type->event) : 0;
    for (size_t i = 0; axes && i < vec_len(axes->kids) && n_event >= (size_t)rank; i++) {
        int64_t size;
        Str missing, K = axes->kids[i]->name;
        if (axes->kids[i]->kind == AST_NAME && !arg_value(d->args, K)
            && size_value(L->c, type->event[n_event - (size_t)rank + i], &size, &missing))
            d->args = env_bind(L, d->args, K, val_const(L, (double)size));
    }
    Val *v = member_fact(L, d, name);
    if (!v)
        return dist_not_stated(L, dist->law, name, str_fmt(L->c, "%s = ..", name));
    return show_batch(L, v, batch, n);
}

/* A fact of every element of what is drawn: leading axes that no argument of the law has are
 * added. */
static Val *repeat_over_type(Lower *L, Val *v, const Type *type)
{
    bool value = type && type->kind == KIND_VALUE;
    int n = value ? (int)(vec_len(type->array) + vec_len(type->event)) - v->n_axes : 0;
    Axis *axes[LIMIT_RANK];
    for (int i = 0; i < n; i++) {
        size_t n_array = vec_len(type->array), k = (size_t)i;
        int64_t size = 1;
        Str missing = NULL;
        if (!size_value(L->c, k < n_array ? type->array[k] : type->event[k - n_array], &size,
                        &missing))
            return v;
        axes[i] = axis_keyed(L, str_fmt(L->c, "fact %p %d", (const void *)type, i), AXIS_EVENT,
                             str_fmt(L->c, "i%d", i), size);
    }
    return n > 0 ? show_batch(L, v, axes, n) : v;
}

/* An entropy or divergence. A number by its type is the total over the elements drawn; with axes,
 * which derive sums later, it is constant along those that no argument of the law has. */
static Val *spread_over_type(Lower *L, Val *v, const Type *type)
{
    if (!type || type->kind != KIND_VALUE)
        return v;
    if (vec_len(type->array) + vec_len(type->event) == 0)
        return val_sum_all(L, v);
    if (v->n_axes)
        return v;
    int64_t count = 1, size;
    Str missing;
    for (size_t i = 0; i < vec_len(type->array) + vec_len(type->event); i++) {
        Size *s = i < vec_len(type->array) ? type->array[i] : type->event[i - vec_len(type->array)];
        if (size_value(L->c, s, &size, &missing))
            count *= size;
    }
    return count == 1 ? v : val_op2(L, OP_MUL, v, val_const(L, (double)count));
}

Val *eval_dist_builtin(Lower *L, Env *env, const Ast *call)
{
    size_t n = vec_len(call->kids);
    if (n == 0)
        return NULL;
    Val *a = eval(L, env, call->kids[0]->kids[ARG_VALUE]);
    Str name = call->name;
    L->at = call->span;
    if (!strcmp(name, "constrain") || !strcmp(name, "log_jacobian") || !strcmp(name, "unconstrain"))
        return support_apply(L, name, call->type, a);
    if (a->kind != VAL_DIST)
        return NULL;                     /* mean(x) of numbers */
    if (!strcmp(name, "log_mass"))
        return dist_log_mass(L, env, a, call);
    if (!strcmp(name, "inside"))
        return dist_inside(L, env, a, call);
    if (!strcmp(name, "logpdf"))
        return dist_logpdf(L, a, eval(L, env, call->kids[1]->kids[ARG_VALUE]));
    if (!strcmp(name, "cdf"))
        return dist_cdf(L, a, eval(L, env, call->kids[1]->kids[ARG_VALUE]));
    if (!strcmp(name, "kl"))
        return spread_over_type(L, dist_kl(L, a, eval(L, env, call->kids[1]->kids[ARG_VALUE])),
                                call->type);
    if (!strcmp(name, "entropy"))
        return spread_over_type(L, dist_fact(L, a, name, NULL), call->type);
    bool sd = !strcmp(name, "sd");
    Val *v = dist_fact(L, a, sd ? "variance" : name, call->type);
    return repeat_over_type(L, sd ? val_op1(L, OP_SQRT, v) : v, call->type);
}
