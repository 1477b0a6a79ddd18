/* library.c - bodies of distributions, layers, supports and functions, checked as they stand.
 *
 * Idea: sizes of a body are rigid names (K stays K); arguments have their declared types. A density
 * is typed for a value of the support; what it yields must be a number, a sample must have the
 * shape of the support. The library's files and a user's go the same way.
 */
#include "check.h"

#include <math.h>
#include <string.h>

static void bind_rigid(Check *s, Ast *list)
{
    for (size_t i = 0; i < list_len(list); i++) {
        Ast *axis = size_bound_by(list->kids[i]);
        if (axis->kind != AST_NAME || axis->decl != axis) continue;
        Type *t = type_value(s, ELEM_COUNT, range_from(1, INFINITY), NULL);
        t->size = size_name(s->c, axis->name);
        set_type(s, axis, t);
    }
}

static void bind_arguments(Check *s, Ast *args)
{
    for (size_t i = 0; i < list_len(args); i++)
        if (args->kids[i]->kids[ARGDECL_TYPE])
            bind_rigid(s, args->kids[i]->kids[ARGDECL_TYPE]->kids[TYPE_AXES]);
    for (size_t i = 0; i < list_len(args); i++) {
        Ast *arg = args->kids[i], *type = arg->kids[ARGDECL_TYPE];
        Type *t = type ? type_from_ast(s, type)
                       : type_value(s, ELEM_COUNT, range_from(1, INFINITY), NULL);
        if (!is_bad(t) && (!type || t->kind == KIND_SIZE)) {
            t = type_value(s, ELEM_COUNT, range_from(1, INFINITY), NULL);
            t->size = size_name(s->c, arg->name);
        } else if (!is_bad(t) && t->elem != ELEM_REAL && !vec_len(t->event)) {
            t = type_copy(s, t);
            t->size = size_name(s->c, arg->name);
        }
        set_type(s, arg, t);
    }
}

/* ---- distributions --------------------------------------------------------------------------- */
static bool expect_shape(Check *s, Ast *item, Ast *value, Type *t, Size **event)
{
    if (is_bad(t)) return false;
    t = as_value(s, value, t);
    if (is_bad(t)) return false;
    t = type_flat(s, t);
    if (axes_agree(s, t->event, event)) return true;
    Type *wanted = type_real(s, event);
    FAIL(s, E_BODY_SHAPE, value->span, item->name ? item->name : "sample", type_text(s->c, wanted),
         type_text(s->c, t));
    if (!vec_len(event) && vec_len(t->event))
        diag_help(s->c, "add the elements: `sum(%s)`", fmt_expr(s->c, value));
    return false;
}

/* A function of a value of the support: logpdf, cdf. */
static void check_density(Check *s, Ast *f, const Type *of)
{
    Ast *args = f->kids[FUNCTION_ARGS];
    bool quantile = !strcmp(f->name, "quantile");
    if (list_len(args) != 1) {
        FAIL(s, E_ARGUMENT_COUNT, f->span, f->name, 1, "", (int)list_len(args));
        return;
    }
    Type *x = quantile ? type_value(s, ELEM_REAL, range_open(0, 1), NULL) : type_strip(s, of);
    x->classes = quantile ? NULL : of->classes;
    set_type(s, args->kids[0], x);
    Type *t = infer(s, f->kids[FUNCTION_BODY]);
    expect_shape(s, f, f->kids[FUNCTION_BODY], t, quantile ? of->event : NULL);
}

static bool is_density(Str name)
{
    return !strcmp(name, "logpdf") || !strcmp(name, "cdf") || !strcmp(name, "log_cdf")
        || !strcmp(name, "log_survival") || !strcmp(name, "quantile");
}

/* A law on the same support, of one element or of all. The map of the support takes each element by
 * itself, and its ends move with no parameter. */
static void check_standard(Check *s, Ast *fact, const Type *t, const Type *of)
{
    Ast *value = fact->kids[FACT_VALUE];
    bool law = t->kind == KIND_DIST && !t->any_event && t->of->support == of->support;
    bool simple = of->elem == ELEM_REAL && !of->core && !vec_len(of->bounds);
    if (is_bad(t)) return;
    if (simple && law && (!vec_len(t->of->event) || axes_agree(s, t->of->event, of->event)))
        return;
    FAIL(s, E_STANDARD, value->span, support_text(s, of),
         simple ? "this is no law on it" : vec_len(of->bounds) ? "its map has parameters"
                : "its map is not one of single numbers");
    if (!simple) return;
    diag_help(s->c, "a draw of this law is location + scale * a draw of the standard one, before "
              "the map of the support: `standard = normal(0, 1)`");
}

/* One for each element, or a matrix that the elements are multiplied by. */
static Size **scale_shape(Check *s, const Type *t, const Type *of)
{
    size_t n = vec_len(of->event);
    bool matrix = !is_bad(t) && t->kind == KIND_VALUE && vec_len(type_flat(s, t)->event) > n && n;
    if (!matrix) return of->event;
    Size **square = NULL;
    for (size_t i = 0; i < n; i++) vec_push(s->c, square, of->event[i]);
    vec_push(s->c, square, of->event[n - 1]);
    return square;
}

static void check_fact(Check *s, Ast *fact, const Type *of)
{
    Ast *value = fact->kids[FACT_VALUE];
    bool scale = !strcmp(fact->name, "scale");
    bool scalar = !strcmp(fact->name, "entropy");
    bool event = !strcmp(fact->name, "mean") || !strcmp(fact->name, "variance")
              || !strcmp(fact->name, "mode") || !strcmp(fact->name, "median")
              || !strcmp(fact->name, "location");
    Type *t = infer(s, value);
    if (!strcmp(fact->name, "standard")) {
        check_standard(s, fact, t, of);
        return;
    }
    if (!scalar && !event && !scale) {
        FAIL(s, E_FACT_UNKNOWN, fact->span, fact->name);
        diag_help(s->c, "facts are mean, variance, mode, median, entropy, location, scale, "
                  "standard; else write `let %s = ..`", fact->name);
        return;
    }
    Size **shape = scalar ? NULL : scale ? scale_shape(s, t, of) : of->event;
    if (expect_shape(s, fact, value, t, shape))
        set_type(s, fact, type_flat(s, t));
}

static void check_kl(Check *s, Ast *kl, const Type *of)
{
    Ast *other = kl->kids[KL_OTHER], *dist = other->decl;
    if (!dist || dist->kind != AST_DISTRIBUTION) return;
    Ast *support = dist->kids[DIST_SUPPORT], *axes = support->kids[TYPE_AXES];
    Type *dist_call = NULL;
    (void)dist_call;
    frame_push(s, NOSPAN, NULL);
    /* Sizes of the other distribution are those of this one. */
    for (size_t i = 0; i < list_len(axes); i++) {
        Ast *axis = axes->kids[i];
        if (axis->kind != AST_NAME || !axis->decl || i >= vec_len(of->event)) continue;
        Type *t = type_value(s, ELEM_COUNT, range_from(1, INFINITY), NULL);
        t->size = of->event[i];
        set_type(s, axis->decl, t);
    }
    Ast *args = support->kids[TYPE_ARGS];
    if (list_len(args) && args->kids[0]->kind == AST_NAME && of->classes
        && args->kids[0]->decl && args->kids[0]->decl->kind == AST_NAME) {
        Type *t = type_value(s, ELEM_COUNT, range_from(1, INFINITY), NULL);
        t->size = of->classes;
        set_type(s, args->kids[0]->decl, t);
    }
    bool good = bind_pattern(s, other, dist);
    if (good) {
        Type *t = infer(s, kl->kids[KL_VALUE]);
        expect_shape(s, kl, kl->kids[KL_VALUE], t, NULL);
    }
    frame_pop(s);
}

static void check_sample(Check *s, Ast *item, const Type *of)
{
    Type *before = s->sample;
    s->sample = type_strip(s, of);
    Type *t = infer(s, item->kids[SAMPLE_BODY]);
    s->sample = before;
    expect_shape(s, item, item->kids[SAMPLE_BODY], t, of->event);
}

static void check_definitions(Check *s, Ast *body, const Type *of)
{
    for (size_t i = 0; i < list_len(body); i++) {
        Ast *item = body->kids[i];
        switch (item->kind) {
        case AST_FUNCTION:
            map_put(s->local, item, item);
            if (is_density(item->name)) check_density(s, item, of);
            break;
        case AST_FACT: check_fact(s, item, of); break;
        case AST_SAMPLE: check_sample(s, item, of); break;
        case AST_KL: check_kl(s, item, of); break;
        case AST_ALSO: break;
        default: infer_statement(s, item);
        }
    }
}

static void check_also(Check *s, Ast *also, Ast *dist, const Type *of)
{
    frame_push(s, NOSPAN, NULL);
    bind_arguments(s, also->kids[ALSO_ARGS]);
    Ast *base = also->kids[ALSO_BASE], *own = dist->kids[DIST_ARGS];
    for (size_t i = 0; i < list_len(base); i++) {
        Ast *value = base->kids[i]->kids[ARG_VALUE], *formal = NULL;
        for (size_t k = 0; k < list_len(own); k++)
            if (own->kids[k]->name == base->kids[i]->name) formal = own->kids[k];
        Type *t = infer_value(s, value);
        if (!formal) {
            FAIL(s, E_ARG_UNKNOWN, base->kids[i]->span, dist->name, base->kids[i]->name);
            continue;
        }
        base->kids[i]->decl = formal;
        Type *wanted = formal->type;
        if (is_bad(t) || is_bad(wanted)) continue;
        t = type_flat(s, t);
        if (vec_len(t->event) && !axes_agree(s, t->event, wanted->event))
            FAIL(s, E_BODY_SHAPE, value->span, formal->name, type_text(s->c, wanted),
                 type_text(s->c, t));
    }
    check_definitions(s, also->kids[ALSO_BODY], of);
    frame_pop(s);
}

static void check_distribution(Check *s, Ast *dist)
{
    Ast *body = dist->kids[DIST_BODY];
    bool density = false;
    frame_push(s, NOSPAN, NULL);
    bind_arguments(s, dist->kids[DIST_ARGS]);
    bind_rigid(s, dist->kids[DIST_SUPPORT]->kids[TYPE_AXES]);
    Type *of = type_from_ast(s, dist->kids[DIST_SUPPORT]);
    for (size_t i = 0; i < list_len(body); i++)
        density |= body->kids[i]->kind == AST_FUNCTION && !strcmp(body->kids[i]->name, "logpdf");
    if (!density) {
        FAIL(s, E_NO_LOGPDF, dist->span, dist->name);
        diag_help(s->c, "add `logpdf(x) = ..`");
    }
    if (!is_bad(of)) {
        check_definitions(s, body, of);
        for (size_t i = 0; i < list_len(body); i++)
            if (body->kids[i]->kind == AST_ALSO) check_also(s, body->kids[i], dist, of);
    }
    frame_pop(s);
}

/* ---- layers, supports ------------------------------------------------------------------------ */
static void check_layer(Check *s, Ast *layer)
{
    Ast *input = layer->kids[LAYER_INPUT], *type = input->kids[ARGDECL_TYPE];
    frame_push(s, NOSPAN, NULL);
    bind_arguments(s, layer->kids[LAYER_ARGS]);
    if (type) bind_rigid(s, type->kids[TYPE_AXES]);
    set_type(s, input, type ? type_from_ast(s, type) : type_real(s, NULL));
    Type *t = infer(s, layer->kids[LAYER_BODY]);
    if (!is_bad(t) && t->kind != KIND_RECORD) as_value(s, layer->kids[LAYER_BODY], t);
    frame_pop(s);
}

/* Free axes of a support: what `constrain` takes. */
static Size **free_axes(Check *s, Ast *support)
{
    Ast *list = support->kids[SUPPORT_FREE] ? support->kids[SUPPORT_FREE]
                                            : support->kids[SUPPORT_AXES];
    Size **axes = NULL;
    for (size_t i = 0; i < list_len(list); i++) {
        Size *size = infer_size(s, list->kids[i]);
        if (size) vec_push(s->c, axes, size);
    }
    return axes;
}

/* What `constrain` makes of free numbers, with the support's sizes and bounds bound in the
 * frame. */
Type *support_shape(Check *s, Ast *support)
{
    Ast *body = support->kids[SUPPORT_BODY];
    for (size_t i = 0; i < list_len(body); i++) {
        Ast *f = body->kids[i];
        if (f->kind != AST_FUNCTION || strcmp(f->name, "constrain")) continue;
        if (list_len(f->kids[FUNCTION_ARGS]) != 1) {
            FAIL(s, E_ARGUMENT_COUNT, f->span, f->name, 1, "",
                 (int)list_len(f->kids[FUNCTION_ARGS]));
            return type_bad(s);
        }
        set_type(s, f->kids[FUNCTION_ARGS]->kids[0], type_real(s, free_axes(s, support)));
        Type *t = infer(s, f->kids[FUNCTION_BODY]);
        return is_bad(t) ? t : type_flat(s, as_value(s, f->kids[FUNCTION_BODY], t));
    }
    return type_bad(s);
}

static void check_support(Check *s, Ast *support)
{
    Ast *body = support->kids[SUPPORT_BODY];
    frame_push(s, NOSPAN, NULL);
    bind_arguments(s, support->kids[SUPPORT_ARGS]);
    bind_rigid(s, support->kids[SUPPORT_AXES]);
    bool constrain = false;
    for (size_t i = 0; i < list_len(body); i++)
        constrain |=
            body->kids[i]->kind == AST_FUNCTION && !strcmp(body->kids[i]->name, "constrain");
    if (!constrain) {
        FAIL(s, E_NO_CONSTRAIN, support->span, support->name);
        diag_help(s->c, "add `constrain(u) = ..`, the map from free numbers");
    }
    Type *value = constrain ? support_shape(s, support) : type_bad(s);
    for (size_t i = 0; !is_bad(value) && i < list_len(body); i++) {
        Ast *f = body->kids[i];
        bool back = f->kind == AST_FUNCTION && !strcmp(f->name, "unconstrain");
        bool jacobian = f->kind == AST_FUNCTION && !strcmp(f->name, "log_jacobian");
        if (!back && !jacobian) continue;
        Size **free = free_axes(s, support);
        if (list_len(f->kids[FUNCTION_ARGS]) != 1) continue;
        set_type(s, f->kids[FUNCTION_ARGS]->kids[0],
                 back ? type_strip(s, value) : type_real(s, free));
        Type *t = infer(s, f->kids[FUNCTION_BODY]);
        expect_shape(s, f, f->kids[FUNCTION_BODY], t, back ? free : NULL);
    }
    frame_pop(s);
}

void check_library(Check *s, Ast *item)
{
    switch (item->kind) {
    case AST_DISTRIBUTION: check_distribution(s, item); break;
    case AST_LAYER: check_layer(s, item); break;
    case AST_SUPPORT: check_support(s, item); break;
    default: break;                    /* functions are typed where they are applied */
    }
}
