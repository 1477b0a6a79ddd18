/* dist.c - calls of distributions: sizes, supports of the arguments, the event.
 *
 * Idea: sizes of the parameterization are bound by the arguments, else by the variable that is
 * drawn: dirichlet(1) on simplex[K]. Axes that arguments have beyond their own make the law
 * elementwise: normal(mu, 1) with mu : real[D] is a law on real[D].
 */
#include "check.h"

#include <math.h>
#include <string.h>

/* ---- sizes ----------------------------------------------------------------------------------- */
static bool is_bound(const Check *s, const Ast *axis)
{
    for (const Frame *f = s->frame; f; f = f->up)
        if (map_get(f->types, axis)) return true;
    return false;
}

/* A size name of the parameterization that has no value yet. */
static bool is_open(const Check *s, const Ast *axis)
{
    return axis->kind == AST_NAME && axis->decl && axis->decl->kind == AST_NAME
        && axis->decl->decl == axis->decl && !map_get(s->rigid, axis->decl)
        && !is_bound(s, axis->decl);
}

static void bind_size(Check *s, Ast *axis, Size *size)
{
    Type *t = type_value(s, ELEM_COUNT, range_from(1, INFINITY), NULL);
    int64_t n;
    t->size = size;
    if (size_value(s->c, size, &n, NULL)) t->range = range_point((double)n);
    set_type(s, axis->decl, t);
}

/* K - 1 against a known size binds K. */
static bool bind_shifted(Check *s, Ast *axis, Size *size)
{
    bool shifted = axis->kind == AST_BINARY && (axis->name[0] == '-' || axis->name[0] == '+')
                && axis->kids[BINARY_B]->kind == AST_NUM && is_open(s, axis->kids[BINARY_A]);
    if (!shifted) return false;
    Size *by = size_const(s->c, (int64_t)axis->kids[BINARY_B]->num);
    bind_size(s, axis->kids[BINARY_A], axis->name[0] == '-' ? size_add(s->c, size, by)
                                                            : size_sub(s->c, size, by));
    return true;
}

static bool bind_axis(Check *s, Ast *axis, Size *size)
{
    if (is_open(s, axis)) return bind_size(s, axis, size), true;
    if (bind_shifted(s, axis, size)) return true;
    Size *have = infer_size(s, axis);
    return have && sizes_agree(s, have, size);
}

/* Without the first axes of its formal an argument stands for each position on them, if there are
 * more axes and their sizes are known. How many it lacks. */
static size_t lacking_axes(const Check *s, const Ast *axes, size_t core, size_t rank)
{
    size_t lacks = rank < core ? core - rank : 0;
    for (size_t i = 0; i < lacks; i++)
        if (i + 1 >= list_len(axes) || is_open(s, axes->kids[i])) return 0;
    return lacks;
}

/* Matches an actual argument with the axes its formal asks for, binding open sizes; leading axes
 * beyond these go to *batch. Returns the actual type, or BAD after an error. */
Type *bind_formal(Check *s, Ast *formal, const Type *actual, Ast *at, Str of, Size ***batch)
{
    Ast *type = formal->kids[ARGDECL_TYPE], *axes = type->kids[TYPE_AXES];
    const SupportRow *row = support_row(type->name);
    bool matrix = row && row->core == 2;
    size_t n = list_len(axes), core = n + matrix;
    *batch = NULL;
    if (is_bad(actual)) return type_bad(s);
    if (!strcmp(type->name, "size") && actual->size) return type_copy(s, actual);
    if (actual->kind != KIND_VALUE) return FAIL(s, E_NOT_VALUE, at->span, fmt_expr(s->c, at),
                                                type_text(s->c, actual));
    size_t rank = vec_len(actual->event);
    if (rank == 0 && !matrix) return type_copy(s, actual);
    size_t lacks = lacking_axes(s, axes, core, rank);
    bool fits = rank + lacks >= core;
    for (size_t i = lacks; fits && i < n; i++)
        fits = bind_axis(s, axes->kids[i], actual->event[rank - core + i]);
    if (fits && matrix) fits = sizes_agree(s, actual->event[rank - 1], actual->event[rank - 2]);
    if (!fits) {
        Str wanted = fmt_type(s, type);
        FAIL(s, E_ARGUMENT_SHAPE, at->span, str_fmt(s->c, "%s` of `%s", formal->name, of), wanted,
             fmt_expr(s->c, at), type_text(s->c, actual));
        diag_help(s->c,
                  "sizes are compared as names, and must agree with those of the other arguments");
        return type_bad(s);
    }
    *batch = lacks ? NULL : sizes_from(s, actual->event, 0, rank - core);
    return type_copy(s, actual);
}

/* "real[D]" with the sizes bound so far. */
Str fmt_type(Check *s, Ast *type)
{
    Ast *axes = type->kids[TYPE_AXES];
    for (size_t i = 0; i < list_len(axes); i++)
        if (is_open(s, axes->kids[i])) return str_fmt(s->c, "%s with %d ax%s", type->name,
                                                      (int)list_len(axes),
                                                      list_len(axes) == 1 ? "is" : "es");
    Type *t = type_from_ast(s, type);
    return is_bad(t) ? type->name : type_text(s->c, t);
}

/* Sizes that no argument bound come from the variable. */
static bool bind_from_event(Check *s, Ast *dist, const Type *event, Ast *call)
{
    Ast *support = dist->kids[DIST_SUPPORT], *axes = support->kids[TYPE_AXES];
    Ast *args = support->kids[TYPE_ARGS];
    size_t n = list_len(axes);
    Ast *open = NULL;
    bool unknown = event && is_bad(event);
    if (unknown) event = NULL;
    for (size_t i = 0; i < n; i++) {
        if (!is_open(s, axes->kids[i])) continue;
        if (event && vec_len(event->event) >= n)
            bind_size(s, axes->kids[i], event->event[vec_len(event->event) - n + i
                                                     - (event->core == 2 && n == 1)]);
        else
            open = axes->kids[i];
    }
    if (list_len(args) && is_open(s, args->kids[0])) {
        bool labels = event && event->classes;
        if (labels) bind_size(s, args->kids[0], event->classes);
        else if (event && event->elem == ELEM_BIT) bind_size(s, args->kids[0], size_const(s->c, 2));
        else open = args->kids[0];
    }
    if (!open) return true;
    if (unknown) return false;         /* the variable's error says it all */
    FAIL(s, E_DIST_SIZE, call->span, open->name, fmt_expr(s->c, call));
    diag_help(s->c, "give a vector as argument, or declare the axis of what is drawn");
    return false;
}

/* ---- supports of arguments ------------------------------------------------------------------- */
/* Vector supports of which every value has the other. */
static bool support_within(Str a, Str b)
{
    static const char *const inside[][2] = {
        { "corr", "covariance" }, { "corr_cholesky", "cholesky" },
    };
    if (a == b) return true;
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++)
        if (!strcmp(a, inside[i][0]) && !strcmp(b, inside[i][1])) return true;
    return false;
}

static bool support_fits(const Type *actual, const Type *formal)
{
    bool whole = formal->elem != ELEM_REAL;
    if (whole && actual->elem == ELEM_REAL
        && (actual->declared || (actual->range.lo == actual->range.hi
                                 && floor(actual->range.lo) != actual->range.lo)))
        return false;
    if (!range_inside(actual->range, formal->range) && formal->core < 2) return false;
    if (!formal->core) return true;
    if (!actual->core) return formal->core == 1 ? !actual->declared || !vec_len(actual->event)
                                                  || !strcmp(formal->support, actual->support)
                                                : !actual->declared;
    return support_within(actual->support, formal->support);
}

/* The only element of a list that may be below 0 or above 1, or NULL. */
static Ast *beyond_unit(const Ast *list)
{
    Ast *found = NULL;
    for (size_t i = 0; list->kind == AST_VECTOR && i < vec_len(list->kids); i++) {
        Ast *e = list->kids[i];
        if (range_inside(e->type->range, range_from(0, 1))) continue;
        if (found) return NULL;
        found = e;
    }
    return found;
}

static void help_support(Check *s, const Type *formal, const Type *have, Ast *value, Way *ways,
                         Ast *dist, Str name)
{
    Str text = fmt_expr(s->c, value), want = formal->support;
    bool other = true;                 /* a help stands above that about the declaration */
    Ast *element = !strcmp(want, "simplex") ? beyond_unit(value) : NULL;
    bool compound = value->kind == AST_BINARY || value->kind == AST_IF || value->kind == AST_PIPE;
    Ast *base = value, *formal_logits;
    while (base->kind == AST_INDEX) base = base->kids[INDEX_BASE];
    bool variable = base->kind == AST_NAME && base->decl && base->decl->kind == AST_DECLNAME
                 && base->decl->decl && base->decl->decl->kind != AST_LET;
    if (variable)
        diag_note(s->c, base->decl->span, "`%s` is declared here", base->name);
    bool nonnegative = have->range.lo >= 0;
    if (element && element->type->range.lo >= 0)
        diag_help(s->c, "`min(1, %s)`, where it cannot be larger", fmt_expr(s->c, element));
    else if (element && element->type->range.hi <= 1)
        diag_help(s->c, "`max(0, %s)`, where it cannot be smaller", fmt_expr(s->c, element));
    else if (nonnegative && !strcmp(want, "unit"))
        diag_help(s->c, "`min(1, %s)`, where it cannot be larger", text);
    else if (nonnegative && !strcmp(want, "simplex") && vec_len(have->event) == 1)
        diag_help(s->c, "normalise it: `p / sum(p)`, where p is `%s`", text);
    else if (known_anywhere(ways, str(s->c, "logits"), &formal_logits)
        && (!strcmp(want, "unit") || !strcmp(want, "simplex")))
        diag_help(s->c, "for log odds write `%s(logits: %s)`", dist->name, text);
    else if (compound && !strcmp(want, "nonnegative"))
        diag_help(s->c, "`max(0, %s)`, where it cannot be smaller; else make it positive: "
                  "`softplus(..)` or `exp(..)`", text);
    else if (compound && !strcmp(want, "positive"))
        diag_help(s->c, "make it positive: `softplus(%s)` or `exp(..)`; of a part that cannot be "
                  "below 0, `max(0, ..)` says so", text);
    else if (!strcmp(want, "positive") || !strcmp(want, "nonnegative"))
        diag_help(s->c, "make it positive: `%s |> softplus` or `exp(..)`", text);
    else if (!strcmp(want, "unit")) diag_help(s->c, "map it into (0, 1): `logistic(%s)`", text);
    else if (!strcmp(want, "simplex")) diag_help(s->c, "normalise it: `softmax(%s)`", text);
    else if (!strcmp(want, "cholesky"))
        diag_help(s->c, "factor it: `%s: cholesky(%s)`", name, text);
    else if (!strcmp(want, "covariance") && strstr(have->support, "cholesky"))
        diag_help(s->c, "say that it is a factor: `chol: %s`", text);
    else other = false;
    if (variable)
        diag_help(s->c, "%sdeclare `%s` as `%s`", other ? "or " : "", base->name,
                  formal->core ? type_text(s->c, formal) : support_text(s, formal));
}

static bool check_support(Check *s, Ast *dist, Way *ways, Ast *formal, Ast *value,
                          const Type *actual)
{
    Type *t = type_from_ast(s, formal->kids[ARGDECL_TYPE]);
    if (is_bad(t) || t->kind != KIND_VALUE) return true;
    if (!strcmp(t->support, "simplex") && !check_simplex_sum(s, value, dist->name, formal->name))
        return false;
    if (support_fits(actual, t)) return true;
    Frame *own = s->frame;
    s->frame = own->up;
    FAIL(s, E_SUPPORT_ARG, value->span, formal->name, dist->name, support_text(s, t),
         fmt_expr(s->c, value), support_text(s, actual));
    help_support(s, t, actual, value, ways, dist, formal->name);
    s->frame = own;
    return false;
}

/* ---- the call -------------------------------------------------------------------------------- */
static Ast *substitute(Check *s, Ast *e, const Way *way, Ast *call)
{
    if (e->kind == AST_NAME && e->decl && e->decl->kind == AST_ARGDECL) {
        for (size_t i = 0; i < vec_len(call->kids); i++)
            if (law_param(way->formals, call->kids[i], i) == e->decl)
                return call->kids[i]->kids[ARG_VALUE];
        return e;
    }
    Ast *copy = ast_new(s->c, e->kind, e->span, e->name, 0);
    copy->num = e->num;
    copy->decl = e->decl;
    copy->type = e->type;
    for (size_t i = 0; i < vec_len(e->kids); i++)
        ast_push(s->c, copy, e->kids[i] ? substitute(s, e->kids[i], way, call) : NULL);
    return copy;
}

/* The types of the arguments, in the frame of the call; false after an error. */
static bool bind_arguments(Check *s, Ast *dist, const Way *way, Ast *call, Type **actual,
                           Size ***batch)
{
    bool good = true;
    Ast *batch_at = NULL;
    for (size_t i = 0; i < vec_len(call->kids); i++) {
        Ast *value = call->kids[i]->kids[ARG_VALUE],
            *formal = law_param(way->formals, call->kids[i], i);
        Size **extra;
        call->kids[i]->decl = formal;
        if (is_bad(actual[i])) { good = false; continue; }
        Type *t = bind_formal(s, formal, actual[i], value, dist->name, &extra);
        set_type(s, formal, t);
        if (is_bad(t)) { good = false; continue; }
        if (vec_len(extra) && batch_at && !axes_agree(s, *batch, extra)) {
            Frame *own = s->frame;
            s->frame = own->up;
            FAIL(s, E_SHAPES, call->span, fmt_expr(s->c, call));
            s->frame = own;
            diag_note(s->c, batch_at->span, "this is %s", type_text(s->c, batch_at->type));
            diag_note(s->c, value->span, "this is %s", type_text(s->c, actual[i]));
            diag_help(s->c, "arguments are numbers, or have the same axes");
            good = false;
        }
        if (vec_len(extra)) { *batch = extra; batch_at = value; }
    }
    return good;
}

/* A number given for a vector stands for a vector of it. */
static void spread(Check *s, Ast *formal)
{
    Type *t = map_get(s->frame->types, formal);
    if (!t || t->kind != KIND_VALUE || vec_len(t->event) || !formal->kids[ARGDECL_TYPE]) return;
    Type *wanted = type_from_ast(s, formal->kids[ARGDECL_TYPE]);
    if (is_bad(wanted) || wanted->kind != KIND_VALUE || !vec_len(wanted->event)) return;
    t = type_strip(s, t);
    t->event = wanted->event;
    set_type(s, formal, t);
}

/* Arguments left out, and own parameters that an `also` computes. */
static bool fill_in(Check *s, Ast *dist, const Way *way)
{
    for (size_t k = 0; k < vec_len(way->formals); k++) {
        Ast *formal = way->formals[k];
        if (!map_get(s->frame->types, formal) && formal->kids[ARGDECL_DEFAULT])
            set_type(s, formal, infer(s, formal->kids[ARGDECL_DEFAULT]));
        spread(s, formal);
    }
    if (way->node == dist) return true;
    Ast *base = way->node->kids[ALSO_BASE], *own = dist->kids[DIST_ARGS];
    for (size_t i = 0; i < list_len(base); i++)
        for (size_t k = 0; k < list_len(own); k++)
            if (own->kids[k]->name == base->kids[i]->name &&
                !map_get(s->frame->types, own->kids[k]))
                set_type(s, own->kids[k], infer(s, base->kids[i]->kids[ARG_VALUE]));
    return true;
}

static Type *law_type(Check *s, Ast *dist, const Way *way, Ast *call, Size **batch)
{
    Ast *support = dist->kids[DIST_SUPPORT];
    Type *t = type_from_ast(s, support);
    if (is_bad(t)) return t;
    Type *of = type_copy(s, t);
    of->event = sizes_join(s, batch, t->event);
    of->declared = false;
    of->bounds = NULL;
    for (size_t i = 0; i < vec_len(t->bounds); i++)
        vec_push(s->c, of->bounds, substitute(s, t->bounds[i], way, call));
    if (of->range.lo > of->range.hi) {
        FAIL(s, E_SUPPORT_BOUNDS, call->span, of->range.lo, of->range.hi);
        diag_help(s->c, "the smaller bound comes first");
        return type_bad(s);
    }
    return type_dist(s, of);
}

Type *infer_dist_call(Check *s, Ast *call, const Type *event)
{
    Ast *dist = call->decl->kind == AST_ALSO ? call->decl->decl : call->decl;
    Way *ways = ways_of(s, dist);
    Type **actual = NULL;
    Size **batch = NULL;
    for (size_t i = 0; i < vec_len(call->kids); i++) {
        Ast *value = call->kids[i]->kids[ARG_VALUE];
        Type *t = infer_value(s, value);
        vec_push(s->c, actual, is_bad(t) ? t : type_flat(s, t));
    }
    Way *way = choose_way(s, call, dist, ways);
    if (!way || !check_labels(s, call, dist, ways, way)) return type_bad(s);
    call->decl = way->node;
    frame_push(s, call->span, NULL);
    Type *result = type_bad(s);
    bool good = bind_arguments(s, dist, way, call, actual, &batch)
             && bind_from_event(s, dist, event, call);
    for (size_t i = 0; good && i < vec_len(call->kids); i++)
        good = check_support(s, dist, ways, call->kids[i]->decl, call->kids[i]->kids[ARG_VALUE],
                             actual[i]);
    if (good && fill_in(s, dist, way)) result = law_type(s, dist, way, call, batch);
    frame_pop(s);
    return result;
}

/* kl(normal(m, s)): the names take the types of the parameters they stand for. */
bool bind_pattern(Check *s, Ast *pattern, Ast *dist)
{
    Way *ways = ways_of(s, dist);
    Way *way = choose_way(s, pattern, dist, ways);
    if (!way) return false;
    pattern->decl = way->node;
    for (size_t i = 0; i < vec_len(pattern->kids); i++) {
        Ast *formal = law_param(way->formals, pattern->kids[i], i),
            *name = pattern->kids[i]->kids[ARG_VALUE];
        pattern->kids[i]->decl = formal;
        Type *t = type_copy(s, type_from_ast(s, formal->kids[ARGDECL_TYPE]));
        t->declared = false;
        set_type(s, name, t);
    }
    return true;
}
