/* lower_dist.c - distributions and supports: their members, inlined where a model uses them.
 *
 * Idea: a law is written for one event. Before a member is evaluated, axes of its arguments beyond
 * their declared rank ("batch" axes: array axes, or the event axes of a variable under a scalar law)
 * are made implicit, so that the member's formula sees exactly the ranks it was written for:
 *     x : bit[784] ~ bernoulli(logits: l)      x, l explicit [784]  ->  implicit axis;  x * l - softplus(l)
 * and are explicit again in the result. A parameterization (`also`) that lacks a member is converted
 * to the base parameterization.
 */
#include "lower.h"

#include <string.h>

/* ---- finding laws ---------------------------------------------------------------------------------- */

static bool takes_name(const Ast *args, Str name)
{
    for (size_t i = 0; i < vec_len(args->kids); i++)
        if (args->kids[i]->name == name)
            return true;
    return false;
}

static bool takes_all_names(const Ast *args, const Ast *call)
{
    for (size_t i = 0; i < vec_len(call->kids); i++)
        if (call->kids[i]->name && !takes_name(args, call->kids[i]->name))
            return false;
    return vec_len(call->kids) <= vec_len(args->kids);
}

static const Ast *law_args(const Ast *law)
{
    return law->kind == AST_ALSO ? law->kids[ALSO_ARGS] : law->kids[DIST_ARGS];
}

/* The DISTRIBUTION or ALSO that a call names; NULL if it is no distribution. The checker's choice
 * where there is one, else by the names of the arguments. */
const Ast *find_law(Lower *L, const Ast *call)
{
    if (call->decl && (call->decl->kind == AST_DISTRIBUTION || call->decl->kind == AST_ALSO))
        return call->decl;
    const Ast *d = map_get(L->decls, call->name);
    if (!d || d->kind != AST_DISTRIBUTION)
        return NULL;
    if (takes_all_names(d->kids[DIST_ARGS], call))
        return d;
    const Ast *body = d->kids[DIST_BODY];
    for (size_t i = 0; i < vec_len(body->kids); i++)
        if (body->kids[i]->kind == AST_ALSO && takes_all_names(body->kids[i]->kids[ALSO_ARGS], call))
            return body->kids[i];
    return d;
}

static const Ast *law_parent(Lower *L, const Ast *law)
{
    return law->kind == AST_ALSO ? map_get(L->parents, law) : law;
}

static const Ast *law_body(const Ast *law)
{
    return law->kind == AST_ALSO ? law->kids[ALSO_BODY] : law->kids[DIST_BODY];
}

/* Axes of a value of the type. Square matrices are written with one size: their support has two. */
static int type_rank(Lower *L, const Ast *type)
{
    size_t written = type && type->kids[TYPE_AXES] ? vec_len(type->kids[TYPE_AXES]->kids) : 0;
    const Ast *s = type ? map_get(L->decls, type->name) : NULL;
    size_t own = s && s->kind == AST_SUPPORT ? vec_len(s->kids[SUPPORT_AXES]->kids) : 0;
    return (int)(own > written ? own : written);
}

static int law_event_rank(Lower *L, const Ast *law)
{
    return type_rank(L, law_parent(L, law)->kids[DIST_SUPPORT]);
}

/* ---- a law with its arguments ------------------------------------------------------------------------ */

static Val *make_dist(Lower *L, const Ast *law, Env *args)
{
    Val *v = arena_alloc(L->c->arena, sizeof *v);
    v->kind = VAL_DIST;
    v->law = law;
    v->args = args;
    return v;
}

/* Binds the ARGs of a call to the parameters of `law`; values are evaluated in env. */
static Env *bind_args(Lower *L, Env *env, const Ast *params, Ast *const *args, size_t n)
{
    Env *bound = NULL;
    size_t position = 0;
    for (size_t i = 0; i < n; i++) {
        const Ast *arg = args[i];
        Str name = arg->name;
        if (!name) {
            if (position >= vec_len(params->kids))
                ice_span(arg->span, "too many arguments");
            name = params->kids[position++]->name;
        }
        bound = env_bind(L, bound, name, eval(L, env, arg->kids[ARG_VALUE]));
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

Val *eval_dist(Lower *L, Env *env, const Ast *call, const Ast *law)
{
    Env *args = bind_args(L, env, law_args(law), call->kids, vec_len(call->kids));
    const Ast *params = law_args(law);
    for (size_t i = 0; i < vec_len(params->kids); i++) {
        const Ast *p = params->kids[i];
        if (!arg_value(args, p->name)) {
            if (!p->kids[ARGDECL_DEFAULT])
                ice_span(call->span, "argument %s of %s is missing", p->name, call->name);
            args = env_bind(L, args, p->name, eval(L, args, p->kids[ARGDECL_DEFAULT]));
        }
    }
    return make_dist(L, law, args);
}

/* ---- batch axes become implicit ---------------------------------------------------------------------- */

/* Sizes named in a type, real[K], are bound by the value's last axes. */
static Env *bind_type_sizes(Lower *L, Env *env, const Ast *type, const Val *v)
{
    int rank = type_rank(L, type);
    if (v->kind != VAL_TENSOR || v->n_axes < rank)
        return env;
    const Ast *axes = type ? type->kids[TYPE_AXES] : NULL;
    for (int i = 0; axes && i < (int)vec_len(axes->kids); i++) {
        const Ast *size = axes->kids[i];
        if (size->kind == AST_NAME && !arg_value(env, size->name))
            env = env_bind(L, env, size->name,
                           val_const(L, (double)v->axes[v->n_axes - rank + i]->size));
    }
    return env;
}

/* v with its axes before the last `rank` renamed to the last ones of `batch` and made implicit. */
static Val *hide_batch(Lower *L, const Val *v, int rank, Axis *const *batch, int n_batch)
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
    const Ast *params = law_args(dist->law);
    int n = 0;
    for (size_t i = 0; i < vec_len(params->kids); i++) {
        const Val *v = arg_value(dist->args, params->kids[i]->name);
        int extra = v->n_axes - type_rank(L, params->kids[i]->kids[ARGDECL_TYPE]);
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
    const Ast *params = law_args(dist->law);
    Env *env = NULL;
    for (size_t i = 0; i < vec_len(params->kids); i++) {
        const Ast *p = params->kids[i];
        const Ast *type = p->kids[ARGDECL_TYPE];
        Val *v = arg_value(dist->args, p->name);
        int rank = type_rank(L, type) < v->n_axes ? type_rank(L, type) : v->n_axes;
        v = hide_batch(L, v, rank, batch, n_batch);
        env = env_bind(L, env, p->name, v);
        env = bind_type_sizes(L, env, type, v);
    }
    return make_dist(L, dist->law, env);
}

/* ---- members -------------------------------------------------------------------------------------------- */

/* The base parameterization of a prepared law. */
static Val *to_base(Lower *L, const Val *dist)
{
    if (dist->law->kind != AST_ALSO)
        return make_dist(L, dist->law, dist->args);
    const Ast *parent = law_parent(L, dist->law), *map = dist->law->kids[ALSO_BASE];
    Env *env = bind_args(L, dist->args, parent->kids[DIST_ARGS], map->kids, vec_len(map->kids));
    const Ast *params = parent->kids[DIST_ARGS];
    for (size_t i = 0; i < vec_len(params->kids); i++)
        env = bind_type_sizes(L, env, params->kids[i]->kids[ARGDECL_TYPE],
                              arg_value(env, params->kids[i]->name));
    for (Env *e = dist->args; e; e = e->up)               /* sizes stay known */
        if (!arg_value(env, e->name))
            env = env_bind(L, env, e->name, e->val);
    return make_dist(L, parent, env);
}

static const Ast *find_member(const Ast *law, AstKind kind, const char *name)
{
    const Ast *body = law_body(law);
    for (size_t i = 0; body && i < vec_len(body->kids); i++) {
        const Ast *m = body->kids[i];
        if (m->kind == kind && (!name || !strcmp(m->name, name)))
            return m;
    }
    return NULL;
}

/* Scope of a body: the arguments, then its lets and functions. */
static Env *body_scope(Lower *L, const Val *dist)
{
    const Ast *body = law_body(dist->law);
    return body ? eval_statements(L, dist->args, body, NULL) : dist->args;
}

/* dist, or its base, whichever has the member; *member is NULL if neither has. */
static Val *with_member(Lower *L, const Val *dist, AstKind kind, const char *name,
                        const Ast **member)
{
    *member = find_member(dist->law, kind, name);
    if (!*member && dist->law->kind == AST_ALSO) {
        Val *base = to_base(L, dist);
        *member = find_member(base->law, kind, name);
        return base;
    }
    return make_dist(L, dist->law, dist->args);
}

static Val *member_function(Lower *L, const Val *dist, const char *name, Val *x)
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
static Val *show_batch(Lower *L, Val *v, Axis *const *batch, int n_batch)
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

/* ---- log density, draws ------------------------------------------------------------------------------------ */

/* log p(x), summed over all axes of x: arrays, and events beyond the law's own. */
Val *dist_logpdf(Lower *L, Val *dist, Val *x)
{
    int rank = law_event_rank(L, dist->law), n_batch = x->n_axes - rank;
    Axis *own[LIMIT_RANK], **batch = x->axes;
    int n_own = find_batch(L, dist, own);
    if (n_own > n_batch) {               /* a scalar datum under an array of laws */
        batch = own;
        n_batch = n_own;
    }
    Val *d = prepare(L, dist, batch, n_batch);
    const Ast *support = law_parent(L, dist->law)->kids[DIST_SUPPORT];
    Val *hidden = hide_batch(L, x, rank, batch, n_batch);
    d->args = bind_type_sizes(L, d->args, support, hidden);
    Val *v = member_function(L, d, "logpdf", hidden);
    if (!v)
        ice_span(L->at, "law without logpdf");
    return val_sum_all(L, show_batch(L, v, batch, n_batch));
}

/* One draw over implicit axes (plates, samples) with explicit axes `axes`; site < 0: a draw within
 * the draw being made (sample { u : unit ~ uniform(0, 1); .. }). */
Val *dist_draw(Lower *L, Val *dist, Axis *const *implicit, int n_implicit, Axis *const *axes, int n,
               int site)
{
    int rank = law_event_rank(L, dist->law);
    int n_batch = n > rank ? n - rank : 0;
    Val *d = prepare(L, dist, axes, n_batch);
    Val shape = { .kind = VAL_TENSOR, .n_axes = n };
    for (int i = 0; i < n; i++)
        shape.axes[i] = axes[i];
    d->args = bind_type_sizes(L, d->args, law_parent(L, dist->law)->kids[DIST_SUPPORT], &shape);

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
        diag_error(L->c, E_LOWER_NOT_YET, L->at, "drawing from a distribution without `sample`");
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
        diag_error(L->c, E_LOWER_NOT_YET, call->span, call->name);
    Tir *a = NULL;
    if (op_info[op].arity) {
        Val *shape = eval(L, env, call->kids[0]->kids[ARG_VALUE]);
        a = val_rename(L, shape, L->draw_axes + L->n_draw - shape->n_axes)->t;
    }
    int site = L->draw_site * 16 + L->draw_sub++;
    Tir *t = tir_random(L->f, op, site, a, L->draw_axes, L->n_draw);
    return val_tensor(L, t, L->draw_axes + n_implicit, L->n_draw_event);
}

/* ---- functions on distributions ------------------------------------------------------------------------------- */

bool is_dist_builtin(Str name)
{
    static const char *const names[] = { "logpdf", "cdf", "kl", "entropy", "mean", "variance", "sd",
                                         "constrain", "log_jacobian" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(name, names[i]))
            return true;
    return false;
}

/* Does the pattern kl(NAME(args)) fit the law q? Positional patterns fit the base parameterization. */
static bool kl_pattern_fits(Lower *L, const Ast *pattern, const Val *q)
{
    if (pattern->name != law_parent(L, q->law)->name)
        return false;
    for (size_t i = 0; i < vec_len(pattern->kids); i++) {
        Str name = pattern->kids[i]->name;
        if (name ? !takes_name(law_args(q->law), name) : q->law->kind == AST_ALSO)
            return false;
    }
    return true;
}

static const Ast *find_kl(Lower *L, const Val *p, const Val *q)
{
    const Ast *body = law_body(p->law);
    for (size_t i = 0; body && i < vec_len(body->kids); i++)
        if (body->kids[i]->kind == AST_KL && kl_pattern_fits(L, body->kids[i]->kids[KL_OTHER], q))
            return body->kids[i];
    return NULL;
}

/* KL(p || q) from p's `kl` member; tries the parameterizations given, then the base ones. */
static Val *dist_kl(Lower *L, Val *p, Val *q)
{
    Axis *batch[LIMIT_RANK], *other[LIMIT_RANK];
    int n = find_batch(L, p, batch), m = find_batch(L, q, other);
    Axis **all = m > n ? other : batch;
    n = m > n ? m : n;
    Val *ps[2] = { prepare(L, p, all, n), NULL }, *qs[2] = { prepare(L, q, all, n), NULL };
    for (int i = 0; i < 2; i++) {
        if (i == 1)
            ps[1] = to_base(L, ps[0]);
        for (int k = 0; k < 2; k++) {
            if (k == 1)
                qs[1] = to_base(L, qs[0]);
            const Ast *kl = find_kl(L, ps[i], qs[k]);
            if (!kl)
                continue;
            const Ast *pattern = kl->kids[KL_OTHER], *params = law_args(qs[k]->law);
            Env *scope = body_scope(L, ps[i]);
            for (size_t a = 0; a < vec_len(pattern->kids); a++) {
                Str from = pattern->kids[a]->name ? pattern->kids[a]->name : params->kids[a]->name;
                scope = env_bind(L, scope, pattern->kids[a]->kids[ARG_VALUE]->name,
                                 arg_value(qs[k]->args, from));
            }
            return show_batch(L, eval(L, scope, kl->kids[KL_VALUE]), all, n);
        }
    }
    ice_span(L->at, "no closed KL between these laws");
}

static Val *dist_fact(Lower *L, Val *dist, const char *name)
{
    Axis *batch[LIMIT_RANK];
    int n = find_batch(L, dist, batch);
    Val *v = member_fact(L, prepare(L, dist, batch, n), name);
    if (!v)
        ice_span(L->at, "law without %s", name);
    return show_batch(L, v, batch, n);
}

/* A value that derive gave a type: constant along the axes of that type which it lacks. */
static Val *spread_over_type(Lower *L, Val *v, const Type *type)
{
    if (!type || type->kind != KIND_VALUE || v->n_axes)
        return v;
    int64_t count = 1, size;
    Str missing;
    for (size_t i = 0; i < vec_len(type->array) + vec_len(type->event); i++) {
        Size *s = i < vec_len(type->array) ? type->array[i] : type->event[i - vec_len(type->array)];
        if (size_value(L->c, s, &size, &missing))
            count *= size;
    }
    return count == 1 ? v : val_map(L, OP_MUL, v, val_const(L, (double)count), NULL);
}

Val *eval_dist_builtin(Lower *L, Env *env, const Ast *call)
{
    size_t n = vec_len(call->kids);
    if (n == 0)
        return NULL;
    Val *a = eval(L, env, call->kids[0]->kids[ARG_VALUE]);
    Str name = call->name;
    L->at = call->span;
    if (!strcmp(name, "constrain") || !strcmp(name, "log_jacobian"))
        return support_apply(L, name, call->type, a);
    if (a->kind != VAL_DIST)
        return NULL;                     /* mean(x) of numbers */
    if (!strcmp(name, "logpdf"))
        return dist_logpdf(L, a, eval(L, env, call->kids[1]->kids[ARG_VALUE]));
    if (!strcmp(name, "cdf")) {
        Val *x = eval(L, env, call->kids[1]->kids[ARG_VALUE]);
        Val *d = prepare(L, a, x->axes, x->n_axes);
        Val *v = member_function(L, d, "cdf", hide_batch(L, x, 0, x->axes, x->n_axes));
        return show_batch(L, v, x->axes, x->n_axes);
    }
    if (!strcmp(name, "kl"))
        return spread_over_type(L, dist_kl(L, a, eval(L, env, call->kids[1]->kids[ARG_VALUE])),
                                call->type);
    if (!strcmp(name, "sd"))
        return val_map(L, OP_SQRT, dist_fact(L, a, "variance"), NULL, NULL);
    Val *v = dist_fact(L, a, name);
    return !strcmp(name, "entropy") ? spread_over_type(L, v, call->type) : v;
}

/* ---- supports --------------------------------------------------------------------------------------- */

/* The SUPPORT of a type; NULL for the real line and for types without a map. */
const Ast *type_support(const Lower *L, const Type *type)
{
    const Ast *s = type ? type->support_decl : NULL;
    if (type && !s && type->support)
        s = map_get(L->decls, type->support);
    return s && s->kind == AST_SUPPORT ? s : NULL;
}

/* constrain(u) or log_jacobian(u) of a type's support; array axes (the first ones) are batch. */
Val *support_apply(Lower *L, const char *member, const Type *type, Val *u)
{
    const Ast *s = type_support(L, type);
    if (!s)
        return !strcmp(member, "constrain") ? u : val_const(L, 0);
    const Ast *free = s->kids[SUPPORT_FREE] && vec_len(s->kids[SUPPORT_FREE]->kids)
        ? s->kids[SUPPORT_FREE] : s->kids[SUPPORT_AXES];
    int rank = free ? (int)vec_len(free->kids) : 0, n_batch = u->n_axes - rank;
    Axis *batch[LIMIT_RANK];
    for (int i = 0; i < n_batch; i++)
        batch[i] = u->axes[i];
    Env *scope = NULL;
    for (size_t i = 0; i < vec_len(s->kids[SUPPORT_ARGS]->kids) && i < vec_len(type->bounds); i++) {
        Val *bound = eval(L, NULL, type->bounds[i]);
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
    const Ast *body = s->kids[SUPPORT_BODY];
    for (size_t i = 0; i < vec_len(body->kids); i++) {
        const Ast *m = body->kids[i];
        if (m->kind != AST_FUNCTION || strcmp(m->name, member))
            continue;
        scope = env_bind(L, scope, m->kids[FUNCTION_ARGS]->kids[0]->name, x);
        return show_batch(L, eval(L, scope, m->kids[FUNCTION_BODY]), batch, n_batch);
    }
    diag_error(L->c, E_LOWER_NOT_YET, L->at, str_fmt(L->c, "`%s` of support `%s`", member, s->name));
    return u;
}
