/* net.c - networks: layers that own weights, applied to values.
 *
 * A layer's weights belong to the place where it stands: net, then the fields and layers on the
 * way, counted per kind: decoder.dense_1.W, encoder.mu.dense_1.b. Applying the net again (for a
 * sample, say) finds the same weights.
 */
#include "lower.h"

#include <string.h>

/* ---- parameters ------------------------------------------------------------------------------ */

/* init uniform(a, b) | normal(mu, sd), on the free scale, or a NUMBER of the support itself; the
 * default is normal(0, 0.1). */
static void read_init(Lower *L, Env *env, LowParam *p, const Ast *init, const Type *type)
{
    p->init = INIT_NORMAL;
    p->a = 0;
    p->b = 0.1;
    if (!init)
        return;
    double x[2] = { 0, 0 };
    size_t n = init->kind == AST_CALL ? vec_len(init->kids) : 0;
    bool ok = n == 0 ? eval_number(L, env, init, &x[0]) : n == 2;
    for (size_t i = 0; ok && i < n; i++)
        ok = eval_number(L, env, init->kids[i]->kids[ARG_VALUE], &x[i]);
    if (ok && n == 0) {
        p->init = INIT_CONST;
        ok = !type || free_number(L, type, x[0], &x[0]);
    } else if (ok && !strcmp(init->name, "uniform")) {
        p->init = INIT_UNIFORM;
    } else if (!ok || strcmp(init->name, "normal")) {
        ok = false;
    }
    if (!ok)
        not_lowered(L, init->span,
                    "an `init` other than a number, uniform(a, b) or normal(mean, sd)");
    p->a = x[0];
    p->b = x[1];
}

static LowParam *find_param(Lower *L, Str name)
{
    for (size_t i = 0; i < vec_len(L->params); i++)
        if (L->params[i]->name == name)
            return L->params[i];
    return NULL;
}

static Str shape_text(Lower *L, const int64_t *shape, int rank)
{
    Str text = str(L->c, rank ? "" : "a number");
    for (int i = 0; i < rank; i++)
        text = str_fmt(L->c, "%s%s%lld", text, i ? " x " : "", (long long)shape[i]);
    return text;
}

/* `span` is where it is declared, `used` where the net is applied. */
static LowParam *declare_param(Lower *L, Env *env, Str name, const int64_t *shape, int rank,
                               const Type *type, const Ast *init, Span span, Span used)
{
    LowParam *p = find_param(L, name);
    if (!p) {
        p = arena_alloc(L->c->arena, sizeof *p);
        p->name = name;
        p->rank = rank;
        for (int i = 0; i < rank; i++)
            p->shape[i] = shape[i];
        p->support = type && type->support ? type->support : str(L->c, "real");
        p->span = span;
        read_init(L, env, p, init, type);
        vec_push(L->c, L->params, p);
    }
    if (rank != p->rank || memcmp(shape, p->shape, (size_t)rank * sizeof *shape)) {
        diag_error(L->c, E_LOWER_NET, used, name);
        diag_help(L->c, "here they would be %s, elsewhere they are %s: write a net for each size "
                        "of input",
                  shape_text(L, shape, rank), shape_text(L, p->shape, p->rank));
        LowParam *other = arena_alloc(L->c->arena, sizeof *other); /* so that lowering goes on */
        *other = *p;
        p = other;
        p->rank = rank;
        memcpy(p->shape, shape, (size_t)rank * sizeof *shape);
    }
    for (int i = 0; i < p->rank; i++)
        p->axes[i] = axis_keyed(L, str_fmt(L->c, "param %s %d", name, i), AXIS_EVENT,
                                str_fmt(L->c, "%s_%d", name, i), p->shape[i]);
    p->axes_of = L->f;
    return p;
}

static Val *param_input(Lower *L, const LowParam *p)
{
    Tir *t = tir_input(L->f, INPUT_PARAM, p->name, p->axes, p->rank);
    return val_tensor(L, tir_label(t, p->name, p->span), p->axes, p->rank);
}

int free_shape(Lower *L, const Type *type, int64_t *shape)
{
    int rank = 0;
    Str missing;
    for (size_t i = 0; i < vec_len(type->array); i++, rank++)
        if (!size_value(L->c, type->array[i], &shape[rank], &missing))
            diag_error(L->c, E_LOWER_UNBOUND, L->at, missing);
    const Ast *s = type_support(L, type);
    const Ast *free = s && s->kids[SUPPORT_FREE] ? s->kids[SUPPORT_FREE] : NULL;
    size_t n_own = free ? vec_len(s->kids[SUPPORT_AXES]->kids) : 0;
    Env *sizes = NULL;
    for (size_t i = 0; i < vec_len(type->event); i++) {
        int64_t size = 1;
        if (!size_value(L->c, type->event[i], &size, &missing))
            diag_error(L->c, E_LOWER_UNBOUND, L->at, missing);
        size_t own = i + n_own - vec_len(type->event);
        if (i + n_own < vec_len(type->event) || !free)
            shape[rank++] = size;
        else
            sizes = env_bind(L, sizes, s->kids[SUPPORT_AXES]->kids[own]->name,
                             val_const(L, (double)size));
    }
    for (size_t i = 0; free && i < vec_len(free->kids); i++)
        shape[rank++] = eval_size(L, sizes, free->kids[i]);
    return rank;
}

/* A parameter on its own support. Its shape comes from a checked type (param of a model), or from
 * the declaration itself, evaluated in env (param of a layer, whose sizes differ by place). */
Val *param_value(Lower *L, Env *env, Str name, const Type *type, const Ast *type_node,
                 const Ast *declname, const Ast *init, Span span)
{
    int64_t shape[LIMIT_RANK] = { 0 };
    int rank = 0;
    Span saved = L->at;
    L->at = span;
    if (type) {
        rank = free_shape(L, type, shape);
    } else {
        for (size_t i = 0; i < vec_len(declname->kids) && rank < LIMIT_RANK; i++)
            shape[rank++] = eval_size(L, env, declname->kids[i]);
        const Ast *axes = type_node ? type_node->kids[TYPE_AXES] : NULL;
        for (size_t i = 0; axes && i < vec_len(axes->kids) && rank < LIMIT_RANK; i++)
            shape[rank++] = eval_size(L, env, axes->kids[i]);
    }
    Type written = { .kind = KIND_VALUE, .support = type_node ? type_node->name : NULL };
    bool mapped = type_node && strcmp(type_node->name, "real");
    const Type *own = type || !mapped ? type : &written;
    Val *u = param_input(L, declare_param(L, env, name, shape, rank, own, init, span, saved));
    Val *v = own ? support_apply(L, "constrain", own, u) : u;
    L->at = saved;
    return v;
}

/* ---- layers and stages ----------------------------------------------------------------------- */

static Str next_prefix(Lower *L, Str kind)
{
    Str key = str_fmt(L->c, "%s.%s", L->prefix, kind);
    intptr_t k = (intptr_t)map_get(L->counters, key) + 1;
    map_put(L->counters, key, (void *)k);
    return str_fmt(L->c, "%s.%s_%d", L->prefix, kind, (int)k);
}

static Env *bind_input(Lower *L, Env *env, const Ast *input, Val *x)
{
    const Ast *type = input->kids[ARGDECL_TYPE];
    const Ast *axes = type ? type->kids[TYPE_AXES] : NULL;
    size_t n = axes ? vec_len(axes->kids) : 0;
    for (size_t i = 0; i < n && x->n_axes >= (int)n; i++)
        if (axes->kids[i]->kind == AST_NAME)
            env = env_bind(L, env, axes->kids[i]->name,
                           val_const(L, (double)x->axes[x->n_axes - (int)n + (int)i]->size));
    return env_bind(L, env, input->name, x);
}

static Val *apply_layer(Lower *L, Env *env, const Ast *layer, const Ast *call, Val *x)
{
    Str saved = L->prefix;
    Str prefix = next_prefix(L, layer->name);
    Env *scope = NULL;
    const Ast *params = layer->kids[LAYER_ARGS];
    size_t position = 0, n = call->kind == AST_CALL ? vec_len(call->kids) : 0;
    for (size_t i = 0; i < n; i++) {
        Str name = call->kids[i]->name ? call->kids[i]->name : params->kids[position++]->name;
        scope = env_bind(L, scope, name, eval(L, env, call->kids[i]->kids[ARG_VALUE]));
    }
    scope = bind_input(L, scope, layer->kids[LAYER_INPUT], x);
    L->prefix = prefix;
    Val *out = NULL;
    const Ast *body = layer->kids[LAYER_BODY];
    for (size_t i = 0; i < vec_len(body->kids); i++) {
        const Ast *s = body->kids[i];
        if (s->kind == AST_PARAM) {
            const Ast *names = s->kids[PARAM_NAMES];
            for (size_t k = 0; k < vec_len(names->kids); k++) {
                const Ast *name = names->kids[k];
                Str full = str_fmt(L->c, "%s.%s", prefix, name->name);
                scope = env_bind(L, scope, name->name,
                                 param_value(L, scope, full, NULL, s->kids[PARAM_TYPE], name,
                                             s->kids[PARAM_INIT], call->span));
            }
        } else if (s->kind == AST_LET) {
            scope = env_later(L, scope, s->kids[LET_NAMES]->kids[0]->name, s);
        } else {
            out = eval(L, scope, s);
        }
    }
    L->prefix = saved;
    if (!out)
        ice_span(layer->span, "layer without a value");
    tir_label(out->t, prefix, call->span);
    return out;
}

static Val *apply_record(Lower *L, Env *env, const Ast *record, Val *x)
{
    Str saved = L->prefix;
    Val *v = arena_alloc(L->c->arena, sizeof *v);
    v->kind = VAL_RECORD;
    for (size_t i = 0; i < vec_len(record->kids); i++) {
        const Ast *field = record->kids[i];
        L->prefix = str_fmt(L->c, "%s.%s", saved, field->name);
        Val *value = lower_stage(L, env, field->kids[ARG_VALUE], x);
        if (value->kind == VAL_TENSOR)
            tir_label(value->t, L->prefix, field->span);
        v->args = env_bind(L, v->args, field->name, value);
    }
    L->prefix = saved;
    return v;
}

static Val *apply_repeat(Lower *L, Env *env, const Ast *repeat, Val *x)
{
    const Ast *binder = repeat->kids[REPEAT_BINDER];
    int64_t n = eval_size(L, env, binder->kids[BINDER_DOMAIN]);
    for (int64_t k = 0; k < n; k++)
        x = lower_stage(L, env_bind(L, env, binder->name, val_const(L, (double)k)),
                        repeat->kids[REPEAT_BODY], x);
    return x;
}

/* Names v after the function of a net's chain that made it: decoder.tanh_1. A layer names its own,
 * and the end of a chain is named by what it is bound to. */
Val *lower_inner(Lower *L, const Ast *stage, Val *v)
{
    if (stage->kind == AST_PIPE)
        stage = stage->kids[PIPE_B];
    const Ast *decl = stage->name ? map_get(L->decls, stage->name) : NULL;
    bool function = stage->kind == AST_NAME || stage->kind == AST_CALL;
    if (function && *L->prefix && v->kind == VAL_TENSOR && !(decl && decl->kind == AST_LAYER))
        tir_label(v->t, next_prefix(L, stage->name), stage->span);
    return v;
}

/* x |> stage, where a stage is a layer, function or net, a record of stages, or stages in a row. */
Val *lower_stage(Lower *L, Env *env, const Ast *stage, Val *x)
{
    L->at = stage->span;
    if (x->kind == VAL_DIST) {
        not_lowered(L, stage->span, "passing a distribution through `|>`");
        return x;
    }
    switch (stage->kind) {
    case AST_PIPE:
        x = lower_inner(L, stage->kids[PIPE_A], lower_stage(L, env, stage->kids[PIPE_A], x));
        return lower_stage(L, env, stage->kids[PIPE_B], x);
    case AST_RECORD:
        return apply_record(L, env, stage, x);
    case AST_REPEAT:
        return apply_repeat(L, env, stage, x);
    case AST_NAME:
    case AST_CALL: {
        const Ast *decl = map_get(L->decls, stage->name);
        if (decl && decl->kind == AST_LAYER)
            return apply_layer(L, env, decl, stage, x);
        /* f, or f(b): a function of x first. */
        Str hidden = str(L->c, "|>");
        Ast *call = ast_new(L->c, AST_CALL, stage->span, stage->name, 0);
        Ast *name = ast_name(L->c, stage->span, hidden, NULL);
        ast_push(L->c, call, ast_new(L->c, AST_ARG, stage->span, NULL, 1, name));
        for (size_t i = 0; stage->kind == AST_CALL && i < vec_len(stage->kids); i++)
            ast_push(L->c, call, stage->kids[i]);
        return eval(L, env_bind(L, env, hidden, x), call);
    }
    default:
        not_lowered(L, stage->span, "this stage after `|>`");
        return x;
    }
}

/* A net applied to values: its layers count from 1 again. */
Val *call_net(Lower *L, Env *env, const Ast *net, Val **args, size_t n)
{
    Str saved = L->prefix;
    Map *counters = L->counters;
    L->prefix = net->name;
    L->counters = map_new(L->c);
    const Ast *params = net->kids[NET_ARGS];
    for (size_t i = 0; i < vec_len(params->kids) && i < n; i++)
        env = bind_input(L, env, params->kids[i], args[i]);
    Val *v = eval(L, env, net->kids[NET_BODY]);
    L->prefix = saved;
    L->counters = counters;
    return v;
}
