/* infer.c - types of expressions: names, numbers, branches, vectors, records, blocks.
 *
 * Idea: one case for each kind of node. Arrays must be indexed first. Bounds and element follow
 * along.
 */
#include "check.h"

#include <math.h>
#include <string.h>

/* ---- names ----------------------------------------------------------------------------------- */
Ast *canonical(Ast *binder)
{
    return binder->decl && binder->decl->kind == AST_BINDER ? binder->decl : binder;
}

static bool standing_in(const Check *s, const Ast *binder)
{
    for (size_t i = 0; i < vec_len(s->plates); i++)
        if (s->plates[i] == binder) return true;
    return false;
}

/* A variable seen from here: without the axes of the plates we stand in. */
static Type *seen_from_here(Check *s, Ast *decl, Type *full)
{
    PlateList *list = map_get(s->plates_of, decl);
    size_t n = list ? vec_len(list->binders) : 0;
    if (!n || is_bad(full) || full->kind == KIND_DIST) return full;
    Type *t = type_copy(s, full);
    if (full->kind == KIND_RECORD) {
        t->fields = NULL;
        for (size_t i = 0; i < vec_len(full->fields); i++)
            vec_push(s->c, t->fields, seen_from_here(s, decl, full->fields[i]));
        return t;
    }
    t->array = NULL;
    for (size_t i = 0; i < vec_len(full->array); i++)
        if (i >= n || !standing_in(s, list->binders[i])) vec_push(s->c, t->array, full->array[i]);
    return t;
}

Type *type_of_decl(Check *s, Ast *decl)
{
    Type *t = local_type(s, decl);
    if (t) return t;
    switch (decl->kind) {
    case AST_DECLNAME:
        t = decl->type ? decl->type : later_type(s, decl);
        return seen_from_here(s, decl, t);
    case AST_NAME: {                   /* a size, bound by an axis */
        int64_t n;
        t = type_value(s, ELEM_COUNT, range_from(1, INFINITY), NULL);
        t->size = size_name(s->c, decl->name);
        if (size_value(s->c, t->size, &n, NULL)) t->range = range_point((double)n);
        return t;
    }
    case AST_FUNCTION: case AST_NET: case AST_LAYER: case AST_FLOW: case AST_DISTRIBUTION:
    case AST_ORDERING:
        t = type_new(s, KIND_FUNCTION);
        t->callable = decl;
        return t;
    default: return decl->type ? decl->type : type_bad(s);
    }
}

static Type *infer_name(Check *s, Ast *e)
{
    double value;
    if (e->decl) return type_of_decl(s, e->decl);
    if (builtin_constant(e->name, &value))
        return type_value(s, ELEM_REAL, range_point(value), NULL);
    if (builtin_find(s->c, e->name, 1)) {
        if (!strcmp(e->name, "flat")) {
            Type *flat = type_dist(s, type_real(s, NULL));
            flat->any_event = true;
            return flat;
        }
        return type_new(s, KIND_FUNCTION);
    }
    return type_bad(s);
}

static Type *infer_number(Check *s, Ast *e)
{
    bool whole = floor(e->num) == e->num && fabs(e->num) < 9007199254740992.0
              && !(e->name && strpbrk(e->name, ".eE"));
    Type *t = type_value(s, whole ? ELEM_COUNT : ELEM_REAL, range_point(e->num), NULL);
    if (whole) t->size = size_const(s->c, (int64_t)e->num);
    return t;
}

/* ---- what a place asks for ------------------------------------------------------------------- */
Type *as_value(Check *s, Ast *e, Type *t)
{
    if (is_bad(t) || t->kind == KIND_VALUE) return t;
    Str text = fmt_expr(s->c, e);
    if (t->kind == KIND_FUNCTION) {
        FAIL(s, E_FUNCTION_VALUE, e->span, text);
        diag_help(s->c, "call it: `%s(..)`, or pass a value through it: `x |> %s`", text, text);
    } else {
        FAIL(s, E_NOT_VALUE, e->span, text, type_text(s->c, t));
        if (t->kind == KIND_DIST)
            diag_help(s->c, "declare a latent with this distribution, or take logpdf(%s, x); a "
                            "mixture is `y ~ mixture([p, 1 - p], d0, d1)`", text);
        if (t->kind == KIND_RECORD && vec_len(t->names))
            diag_help(s->c, "take one of its fields: `.%s`", t->names[0]);
    }
    return e->type = type_bad(s);
}

Type *infer_value(Check *s, Ast *e) { return as_value(s, e, infer(s, e)); }

static void help_index(Check *s, Ast *e, const Type *t)
{
    Str name = fmt_expr(s->c, e), axis = size_text(s->c, t->array[0]);
    char index = axis[0] >= 'A' && axis[0] <= 'Z' && !axis[1] ? (char)(axis[0] - 'A' + 'a') : 'i';
    diag_help(s->c, "index it: `%s[%c]` inside `for %c in %s`, or in an array: `let a[%c in %s] = "
                    ".. %s[%c] ..`", name, index, index, axis, index, axis, name, index);
    Ast *statement = e->kind == AST_NAME && e->decl ? e->decl->decl : NULL;
    bool typed = statement && (statement->kind == AST_DATA || statement->kind == AST_LATENT
                               || statement->kind == AST_PARAM);
    if (!typed || vec_len(t->array) != 1 || vec_len(e->decl->kids) != 1 || vec_len(t->event))
        return;
    Type element = *t;
    element.array = NULL;
    diag_help(s->c, "or declare it as a vector, `%s : %s[%s]`: arithmetic on it is elementwise",
              name, type_text(s->c, &element), axis);
}

Type *as_element(Check *s, Ast *e, Type *t)
{
    t = as_value(s, e, t);
    if (is_bad(t) || !vec_len(t->array)) return t;
    FAIL(s, E_ARRAY_BARE, e->span, fmt_expr(s->c, e), axes_text(s, t->array));
    help_index(s, e, t);
    return e->type = type_bad(s);
}

Type *infer_element(Check *s, Ast *e) { return as_element(s, e, infer(s, e)); }

/* ---- branches -------------------------------------------------------------------------------- */
static bool guard_index(Ast *e, void *data)
{
    Check *s = data;
    if (e->kind == AST_NAME && e->decl && e->decl->kind == AST_BINDER)
        vec_push(s->c, s->guarded, canonical(e->decl));
    return true;
}

static Elem elem_join(const Type *a, const Type *b)
{
    if (a->elem == b->elem) return a->elem;
    if (a->elem == ELEM_REAL || b->elem == ELEM_REAL) return ELEM_REAL;
    return a->elem == ELEM_INTEGER || b->elem == ELEM_INTEGER ? ELEM_INTEGER : ELEM_COUNT;
}

/* One type for two values of the same shape; a shared support of vectors is kept. */
Type *type_union(Check *s, const Type *a, const Type *b, Size **event)
{
    Type *t = type_value(s, elem_join(a, b), range_union(a->range, b->range), event);
    if (a->core && a->core == b->core && a->support == b->support) {
        t->core = a->core;
        t->support = a->support;
        t->support_decl = a->support_decl;
    }
    if (a->elem == b->elem && a->classes && b->classes)
        t->classes = a->classes == b->classes ? a->classes : NULL;
    return t;
}

static Type *join_laws(Check *s, Ast *e, Type *a, Type *b)
{
    if (a->any_event) return b;
    if (b->any_event) return a;
    size_t n = vec_len(a->of->event), m = vec_len(b->of->event);
    bool discrete = (a->of->elem == ELEM_REAL) != (b->of->elem == ELEM_REAL);
    if ((n && m && !axes_agree(s, a->of->event, b->of->event)) || discrete
        || a->of->core != b->of->core) {
        FAIL(s, E_BRANCHES, e->span, type_text(s->c, a), type_text(s->c, b));
        diag_help(s->c,
                  "both laws must draw values of one shape, both discrete or both continuous");
        return type_bad(s);
    }
    return type_dist(s, type_union(s, a->of, b->of, n ? a->of->event : b->of->event));
}

/* A vector of conditions chooses a law for every element. */
static Type *for_each_condition(Check *s, const Type *c, Type *law)
{
    if (is_bad(law) || law->any_event || vec_len(law->of->event)) return law;
    Type *of = type_copy(s, law->of);
    of->event = c->event;
    return type_dist(s, of);
}

static Type *infer_if(Check *s, Ast *e, const Type *event, bool law)
{
    Type *c = infer_element(s, e->kids[IF_COND]);
    if (!is_bad(c) && !check_bit(s, e->kids[IF_COND], c, str(s->c, "if"))) c = type_bad(s);
    size_t guards = vec_len(s->guarded);
    ast_walk(e->kids[IF_COND], guard_index, s);
    vec_push(s->c, s->guarded, e);     /* whatever the condition compares */
    Type *a = law ? infer_law(s, e->kids[IF_THEN], event) : infer(s, e->kids[IF_THEN]);
    Type *b = law ? infer_law(s, e->kids[IF_ELSE], event) : infer(s, e->kids[IF_ELSE]);
    if (s->guarded) ((size_t *)s->guarded)[-1] = guards;
    if (is_bad(a) || is_bad(b) || is_bad(c)) return type_bad(s);
    if (a->kind == KIND_DIST && b->kind == KIND_DIST)
        return for_each_condition(s, c, join_laws(s, e, a, b));
    if (a->kind != KIND_VALUE || b->kind != KIND_VALUE)
        return FAIL(s, E_BRANCHES, e->span, type_text(s->c, a), type_text(s->c, b));
    Size **axes;
    a = as_element(s, e->kids[IF_THEN], a), b = as_element(s, e->kids[IF_ELSE], b);
    if (is_bad(a) || is_bad(b)) return type_bad(s);
    if (!broadcast(s, e, e->kids[IF_THEN], a, e->kids[IF_ELSE], b, &axes)) return type_bad(s);
    Type *t = type_union(s, a, b, axes);
    if (vec_len(c->event)) {
        if (!broadcast(s, e, e->kids[IF_COND], c, e, t, &axes)) return type_bad(s);
        t->event = axes;
    }
    return t;
}

/* ---- vectors, records, blocks ---------------------------------------------------------------- */
static Type *infer_vector(Check *s, Ast *e)
{
    Type *t = NULL;
    size_t n = vec_len(e->kids);
    bool bad = n == 0;
    for (size_t i = 0; i < n; i++) {
        Type *k = infer_element(s, e->kids[i]);
        if (is_bad(k)) bad = true;
        if (bad) continue;
        if (t && !axes_agree(s, t->event, k->event)) {
            FAIL(s, E_STACK, e->kids[i]->span, type_text(s->c, t), type_text(s->c, k));
            diag_note(s->c, e->kids[0]->span, "the first element");
            diag_help(s->c, "`[a, b]` stacks values of one shape; `concat(a, b)` joins vectors");
            bad = true;
            continue;
        }
        t = t ? type_union(s, t, k, t->event) : type_strip(s, k);
        if (i == 0) {
            t->core = k->core;
            t->support = k->support;
            t->support_decl = k->support_decl;
        }
    }
    if (bad) return type_bad(s);
    Size **event = NULL;
    vec_push(s->c, event, size_const(s->c, (int64_t)n));
    t->event = sizes_join(s, event, t->event);
    t->size = NULL;
    t->declared = false;
    return t;
}

static Type *infer_record(Check *s, Ast *e)
{
    Type *t = type_new(s, KIND_RECORD);
    for (size_t i = 0; i < vec_len(e->kids); i++) {
        Ast *field = e->kids[i];
        for (size_t k = 0; k < i; k++)
            if (field->name == t->names[k]) {
                diag_error(s->c, E_DUPLICATE, field->span, field->name);
                diag_note(s->c, e->kids[k]->span, "first declared here");
            }
        vec_push(s->c, t->names, field->name);
        vec_push(s->c, t->fields, infer(s, field->kids[ARG_VALUE]));
    }
    return t;
}

/* z[n].a of a record z of arrays is z.a[n]. */
static bool is_indexed_record(Check *s, const Ast *e)
{
    const Ast *of = e->kids[FIELD_BASE]->kind == AST_INDEX ? e->kids[FIELD_BASE] : NULL;
    Ast *base = of && of->kids[INDEX_BASE]->kind == AST_NAME ? of->kids[INDEX_BASE] : NULL;
    return base && infer(s, base)->kind == KIND_RECORD;
}

static Type *infer_field(Check *s, Ast *e)
{
    if (is_indexed_record(s, e)) {
        Ast *index = e->kids[FIELD_BASE], *field = ast_copy(s->c, e);
        field->kids[FIELD_BASE] = index->kids[INDEX_BASE];
        index->kids[INDEX_BASE] = field;
        *e = *index;
        return infer(s, e);
    }
    Type *t = infer(s, e->kids[FIELD_BASE]);
    if (is_bad(t)) return t;
    if (t->kind != KIND_RECORD) {
        FAIL(s, E_NOT_RECORD, e->span, fmt_expr(s->c, e->kids[FIELD_BASE]), type_text(s->c, t),
             e->name);
        return type_bad(s);
    }
    for (size_t i = 0; i < vec_len(t->names); i++)
        if (t->names[i] == e->name) return t->fields[i];
    FAIL(s, E_UNKNOWN_FIELD, e->span, e->name, fmt_expr(s->c, e->kids[FIELD_BASE]),
         type_text(s->c, t));
    Str near = vec_len(t->names) ? nearest(s->c, e->name, t->names, vec_len(t->names)) : NULL;
    if (near) diag_help(s->c, "did you mean `.%s`?", near);
    return type_bad(s);
}

Type *infer_blockexpr(Check *s, Ast *e, const Type *event)
{
    size_t n = vec_len(e->kids);
    for (size_t i = 0; i + 1 < n; i++) infer_statement(s, e->kids[i]);
    if (!n) return type_bad(s);
    Type *t = event ? infer_law(s, e->kids[n - 1], event) : infer(s, e->kids[n - 1]);
    return t;
}

/* `implicit { e : real[D] ~ normal(0, 1); g(e) }`: the law of what a network makes of noise. */
static Type *infer_implicit(Check *s, Ast *e)
{
    Type *t = infer(s, e->kids[IMPLICIT_BODY]);
    if (is_bad(t)) return t;
    if (t->kind != KIND_VALUE)
        return FAIL(s, E_NOT_VALUE, e->span, fmt_expr(s->c, e), type_text(s->c, t));
    return type_dist(s, type_flat(s, t));
}

/* ---- the switch ------------------------------------------------------------------------------ */
static Type *infer_kind(Check *s, Ast *e, const Type *event, bool law)
{
    switch (e->kind) {
    case AST_NUM: return infer_number(s, e);
    case AST_NAME: return infer_name(s, e);
    case AST_CALL: return infer_call(s, e, event);
    case AST_REDUCE: return infer_reduce(s, e);
    case AST_INDEX: return infer_index(s, e);
    case AST_FIELD: return infer_field(s, e);
    case AST_UNARY: return infer_unary(s, e);
    case AST_BINARY: return infer_binary(s, e);
    case AST_PIPE: return infer_pipe(s, e, event);
    case AST_IF: return infer_if(s, e, event, law);
    case AST_VECTOR: return infer_vector(s, e);
    case AST_RECORD: return infer_record(s, e);
    case AST_BLOCKEXPR: return infer_blockexpr(s, e, event);
    case AST_IMPLICIT: return infer_implicit(s, e);
    case AST_REPEAT:
        not_yet(s, "repeat", e->span);
        return type_new(s, KIND_FUNCTION);
    case AST_HOLE: return type_bad(s);
    default:
        FAIL(s, E_NO_MEANING, e->span, fmt_expr(s->c, e));
        diag_help(s->c, "write a number; lengths of training stand in `train m { epochs 10 }`");
        return type_bad(s);
    }
}

Type *infer(Check *s, Ast *e)
{
    return e->type = infer_kind(s, e, NULL, false);
}

Type *infer_law(Check *s, Ast *e, const Type *event)
{
    Type *t = e->type = infer_kind(s, e, event, true);
    if (is_bad(t) || t->kind == KIND_DIST) return t;
    Str text = fmt_expr(s->c, e);
    FAIL(s, E_NOT_DIST, e->span, text, type_text(s->c, t));
    if (t->kind == KIND_VALUE) diag_help(s->c, "what is computed is written `let x = %s`", text);
    else diag_help(s->c, "give its parameters in parentheses: `%s(..)`", text);
    return e->type = type_bad(s);
}
