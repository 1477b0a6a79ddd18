/* apply.c - functions, nets, layers and flows at work: by a call, and by `|>`.
 *
 * Idea: a body is typed anew for each kind of arguments, in a Frame of its own; results are kept,
 * so that nested calls cost no more than there are kinds. A layer binds the sizes of its input from
 * what it is applied to.
 */
#include "check.h"

#include <math.h>
#include <string.h>

/* ---- keys: equal arguments, equal result ----------------------------------------------------- */
static void key_type(Check *s, Out *o, const Type *t)
{
    if (t->kind == KIND_RECORD)
        for (size_t i = 0; i < vec_len(t->fields); i++) {
            out_printf(o, "%s:", t->names[i]);
            key_type(s, o, t->fields[i]);
        }
    out_printf(o, "%d %s %s %.17g %.17g %d %d %p;", t->kind, type_text(s->c, t),
               t->size ? (const char *)t->size : "", t->range.lo, t->range.hi, t->declared,
               t->core, (const void *)t->callable);
    if (t->of) key_type(s, o, t->of);
}

static Str key_of(Check *s, const Ast *f, Type **args, size_t n)
{
    Out *o = out_new(s->c);
    size_t length;
    out_printf(o, "%p ", (const void *)f);
    if (map_get(s->local, f)) out_printf(o, "%p ", (const void *)s->frame);
    for (size_t i = 0; i < vec_len(s->plates); i++)
        out_printf(o, "%p ", (const void *)s->plates[i]);
    for (size_t i = 0; i < n; i++) {
        out_puts(o, "| ");
        key_type(s, o, args[i]);
    }
    const char *text = out_text(o, &length);
    return str_n(s->c, text, length);
}

/* ---- functions and nets ---------------------------------------------------------------------- */
static Ast *body_of(const Ast *f)
{
    return f->kind == AST_FUNCTION ? f->kids[FUNCTION_BODY]
         : f->kind == AST_NET ? f->kids[NET_BODY] : f->kids[FLOW_BODY];
}

static bool check_count(Check *s, Ast *formals, size_t n, Str name, Ast *at)
{
    size_t most = list_len(formals), least = 0;
    for (size_t i = 0; i < most; i++) least += formals->kids[i]->kids[ARGDECL_DEFAULT] == NULL;
    if (n >= least && n <= most) return true;
    FAIL(s, E_ARGUMENT_COUNT, at->span, name, (int)most, most == 1 ? "" : "s", (int)n);
    if (formals) diag_note(s->c, formals->span, "declared here");
    return false;
}

static Type *too_deep(Check *s, Ast *at, Ast *f)
{
    FAIL(s, E_INLINE_DEPTH, at->span, f->name, LIMIT_INLINE);
    diag_help(s->c, "write the innermost formulas out where they are used");
    return type_bad(s);
}

Type *apply_function(Check *s, Ast *f, Type **args, size_t n, Ast *at)
{
    Ast *formals = f->kids[FUNCTION_ARGS];
    if (!check_count(s, formals, n, f->name, at)) return type_bad(s);
    for (size_t i = 0; i < n; i++)
        if (is_bad(args[i])) return type_bad(s);
    if (s->depth >= LIMIT_INLINE) return too_deep(s, at, f);
    Str key = key_of(s, f, args, n);
    Type *result = map_get(s->applied, key);
    if (result) return result;
    frame_push(s, at->span, f->name);
    bool good = true;
    for (size_t i = 0; i < list_len(formals); i++) {
        Ast *formal = formals->kids[i];
        Ast *value = formal->kids[ARGDECL_DEFAULT];
        Type *t = i < n ? type_flat(s, args[i]) : type_flat(s, infer(s, value));
        set_type(s, formal, t);
        Size **batch = NULL;
        if (formal->kids[ARGDECL_TYPE])
            good &= !is_bad(bind_formal(s, formal, t, at, f->name, &batch));
    }
    size_t guards = vec_len(s->guarded);
    result = good ? type_flat(s, infer(s, body_of(f))) : type_bad(s);
    if (s->guarded) ((size_t *)s->guarded)[-1] = guards;
    frame_pop(s);
    map_put(s->applied, key, result);
    return result;
}

/* ---- layers ---------------------------------------------------------------------------------- */
typedef struct Search { const Ast *formal; bool found; } Search;

/* A TYPE whose axes name the argument. */
static bool find_size_use(Ast *a, void *data)
{
    Search *search = data;
    Ast *axes = a->kind == AST_TYPE ? a->kids[TYPE_AXES] : NULL;
    for (size_t i = 0; i < list_len(axes); i++)
        if (axes->kids[i]->kind == AST_NAME && axes->kids[i]->decl == search->formal)
            search->found = true;
    return true;
}

static bool is_size_argument(Ast *layer, const Ast *formal)
{
    Ast *type = formal->kids[ARGDECL_TYPE];
    Search search = { formal, type && !strcmp(type->name, "size") };
    ast_walk(layer->kids[LAYER_BODY], find_size_use, &search);
    return search.found;
}

/* Arguments of a layer's call, by position or name, in the order of its declaration. */
static bool layer_arguments(Check *s, Ast *layer, Ast *call)
{
    Ast *formals = layer->kids[LAYER_ARGS];
    size_t n = call->kind == AST_CALL ? vec_len(call->kids) : 0, positional = 0;
    Map *given = map_new(s->c);
    for (size_t i = 0; i < n; i++) {
        Ast *arg = call->kids[i], *formal = NULL;
        if (!arg->name && positional < list_len(formals)) formal = formals->kids[positional++];
        for (size_t k = 0; arg->name && k < list_len(formals); k++)
            if (formals->kids[k]->name == arg->name) formal = formals->kids[k];
        if (!formal && arg->name) {
            FAIL(s, E_ARG_UNKNOWN, arg->span, layer->name, arg->name);
            return false;
        }
        if (!formal) return check_count(s, formals, n, layer->name, call);
        if (map_get(given, formal)) {
            FAIL(s, E_ARG_TWICE, arg->span, formal->name, layer->name);
            return false;
        }
        map_put(given, formal, arg);
        arg->decl = formal;
    }
    bool good = true;
    for (size_t k = 0; k < list_len(formals); k++) {
        Ast *formal = formals->kids[k], *arg = map_get(given, formal);
        Ast *value = arg ? arg->kids[ARG_VALUE] : formal->kids[ARGDECL_DEFAULT];
        if (!value) {
            FAIL(s, E_ARG_MISSING, call->span, layer->name, formal->name);
            return false;
        }
        Frame *own = s->frame;         /* the value belongs to the place of the call */
        s->frame = own->up;
        Type *t = infer(s, value);
        if (!is_bad(t) && is_size_argument(layer, formal)) {
            Size *n_units = as_size(s, value, as_value(s, value, t));
            t = n_units ? type_copy(s, t) : type_bad(s);
            t->size = n_units;
        }
        s->frame = own;
        set_type(s, formal, t);
        good &= !is_bad(t);
    }
    return good;
}

/* The body for this input and these arguments, typed once for each kind. */
static Type *layer_body(Check *s, Ast *layer, Type *input)
{
    Type **kinds = NULL;
    Ast *formals = layer->kids[LAYER_ARGS];
    vec_push(s->c, kinds, input);
    for (size_t i = 0; i < list_len(formals); i++) vec_push(s->c, kinds, formals->kids[i]->type);
    Str key = key_of(s, layer, kinds, vec_len(kinds));
    Type *result = map_get(s->applied, key);
    if (result) return result;
    result = type_flat(s, infer(s, layer->kids[LAYER_BODY]));
    map_put(s->applied, key, result);
    return result;
}

static Type *apply_layer(Check *s, Ast *layer, Type *input, Ast *call)
{
    Ast *x = layer->kids[LAYER_INPUT];
    Size **batch = NULL;
    if (is_bad(input)) return input;
    if (input->kind != KIND_VALUE)
        return FAIL(s, E_NOT_STAGE, call->span, layer->name, type_text(s->c, input));
    if (s->depth >= LIMIT_INLINE)
        return too_deep(s, call, layer);
    frame_push(s, call->span, layer->name);
    Type *result = type_bad(s);
    input = type_strip(s, type_flat(s, input));
    bool good = layer_arguments(s, layer, call);
    if (good) {
        set_type(s, x, input);
        if (x->kids[ARGDECL_TYPE])
            good = !is_bad(bind_formal(s, x, input, call, layer->name, &batch));
        Type *core = type_copy(s, input);
        core->event =
            sizes_from(s, input->event, vec_len(batch), vec_len(input->event) - vec_len(batch));
        set_type(s, x, core);
    }
    if (good) result = layer_body(s, layer, x->type);
    frame_pop(s);
    if (is_bad(result) || result->kind != KIND_VALUE) return result;
    result = type_copy(s, result);
    result->event = sizes_join(s, batch, result->event);
    return result;
}

/* ---- |> -------------------------------------------------------------------------------------- */
static Type *apply_flow(Check *s, Type *input, Ast *flow, Ast *stage)
{
    Ast *formals = flow->kids[FLOW_ARGS];
    size_t n = stage->kind == AST_CALL ? vec_len(stage->kids) : 0;
    if (n > list_len(formals) && !check_count(s, formals, n, flow->name, stage)) return type_bad(s);
    for (size_t i = 0; i < n; i++) infer(s, stage->kids[i]->kids[ARG_VALUE]);
    return input;
}

/* A stage with arguments: the value that comes through the pipe is the first. */
static Type *apply_call(Check *s, Type *input, Ast *stage)
{
    Type **args = NULL;
    Ast *f = stage->decl;
    vec_push(s->c, args, input);
    for (size_t i = 0; stage->kind == AST_CALL && i < vec_len(stage->kids); i++)
        vec_push(s->c, args, infer(s, stage->kids[i]->kids[ARG_VALUE]));
    return apply_function(s, f, args, vec_len(args), stage);
}

static Type *apply_named(Check *s, Type *input, Ast *from, Ast *stage)
{
    Ast *f = stage->decl;
    if (!f) return builtin_stage(s, input, from, stage);
    switch (f->kind) {
    case AST_FUNCTION: case AST_NET: return apply_call(s, input, stage);
    case AST_LAYER: return apply_layer(s, f, input, stage);
    case AST_FLOW: return apply_flow(s, input, f, stage);
    default:
        FAIL(s, E_NOT_STAGE, stage->span, stage->name, type_text(s->c, input));
        if (f->kind == AST_DISTRIBUTION || f->kind == AST_ALSO)
            diag_help(s->c, "values are drawn with `~`: `x ~ %s(..)`", stage->name);
        return type_bad(s);
    }
}

static Type *apply_record(Check *s, Type *input, Ast *stage)
{
    Type *t = type_new(s, KIND_RECORD);
    for (size_t i = 0; i < vec_len(stage->kids); i++) {
        vec_push(s->c, t->names, stage->kids[i]->name);
        vec_push(s->c, t->fields, apply_stage(s, input, stage->kids[i]->kids[ARG_VALUE], stage));
    }
    return t;
}

/* A repeated body may change the shape once (I inputs to H units), and then keeps it. */
static Type *apply_repeat(Check *s, Type *input, Ast *stage)
{
    if (is_bad(infer_binder(s, stage->kids[REPEAT_BINDER]))) return type_bad(s);
    not_yet(s, "repeat", stage->span);
    Type *once = apply_stage(s, input, stage->kids[REPEAT_BODY], stage);
    if (is_bad(once)) return once;
    Type *twice = apply_stage(s, once, stage->kids[REPEAT_BODY], stage);
    if (is_bad(twice) || once->kind != twice->kind) return type_bad(s);
    if (once->kind != KIND_VALUE || axes_agree(s, once->event, twice->event)) return twice;
    FAIL(s, E_REPEAT_SHAPE, stage->span, type_text(s->c, once), type_text(s->c, twice));
    diag_help(s->c, "end the body in %s, the shape that the second round begins with",
              type_text(s->c, once));
    return type_bad(s);
}

Type *apply_stage(Check *s, Type *input, Ast *stage, Ast *at)
{
    Type *t;
    switch (stage->kind) {
    case AST_NAME: case AST_CALL:
        t = apply_named(s, input, at->kind == AST_PIPE ? at->kids[PIPE_A] : stage, stage);
        break;
    case AST_RECORD: t = apply_record(s, input, stage); break;
    case AST_PIPE:
        t = apply_stage(s, input, stage->kids[PIPE_A], at);
        t = apply_stage(s, t, stage->kids[PIPE_B], at);
        break;
    case AST_REPEAT: t = apply_repeat(s, input, stage); break;
    default:
        FAIL(s, E_NOT_STAGE, stage->span, fmt_expr(s->c, stage), type_text(s->c, input));
        diag_help(s->c,
                  "right of `|>` stands a function, a layer, a net, a flow or a record of these");
        t = type_bad(s);
    }
    return stage->type = t;
}

Type *infer_pipe(Check *s, Ast *e, const Type *event)
{
    Ast *a = e->kids[PIPE_A];
    bool law = event && (a->kind != AST_NAME || a->decl == NULL);
    Type *input = law ? infer_law(s, a, event) : infer(s, a);
    if (input->kind == KIND_FUNCTION) {
        FAIL(s, E_FUNCTION_VALUE, a->span, fmt_expr(s->c, a));
        diag_help(s->c, "a pipe starts with a value: `x |> %s`", fmt_expr(s->c, a));
        return type_bad(s);
    }
    return apply_stage(s, input, e->kids[PIPE_B], e);
}
