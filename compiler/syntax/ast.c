/* ast.c - making, copying, walking and checking trees; what a node looks like is ast.def's.
 *
 * Idea: a row of ast.def names the kind's slots, and from that text their number is counted, so
 * that the row is all there is to a new kind. A node knows its depth: the parser refuses a tree
 * that a recursive walk could not survive.
 */
#include "ast.h"

#include <string.h>

typedef struct Row {
    const char *name;                  /* as ast_dump prints it */
    const char *slots;                 /* the slot names of the row; X_END closes a row without */
} Row;

static const Row rows[] = {
#define AST(id, name, ...) {name, #__VA_ARGS__},
#include "ast.def"
#undef AST
};

const char *ast_kind_name(AstKind kind) { return rows[kind].name; }

int ast_slots(AstKind kind)
{
    const char *text = rows[kind].slots;
    size_t n = strlen(text);
    int names = 1;
    for (const char *p = text; *p; p++) names += *p == ',';
    return n > 4 && strcmp(text + n - 4, "_END") == 0 ? names - 1 : names;
}

static void adopt(Ast *parent, const Ast *kid)
{
    if (kid && kid->depth >= parent->depth) parent->depth = kid->depth + 1;
}

static Ast *node_new(Ctx *c, AstKind kind, Span span, Str name, size_t n)
{
    Ast *a = arena_alloc(c->arena, sizeof *a);
    a->kind = kind;
    a->span = span;
    a->name = name;
    a->kids = vec_new(c, n, sizeof *a->kids);
    a->depth = 1;
    return a;
}

Ast *ast_new(Ctx *c, AstKind kind, Span span, Str name, size_t n, ...)
{
    Ast *a = node_new(c, kind, span, name, n);
    va_list kids;
    va_start(kids, n);
    for (size_t i = 0; i < n; i++) {
        a->kids[i] = va_arg(kids, Ast *);
        adopt(a, a->kids[i]);
    }
    va_end(kids);
    return a;
}

Ast *ast_push(Ctx *c, Ast *list, Ast *kid)
{
    vec_push(c, list->kids, kid);
    adopt(list, kid);
    return list;
}

/* The shortest text that reads back as the value, without an exponent where none is needed. */
static Str number_text(Ctx *c, double value)
{
    char text[32];
    if (value < 1e15 && value > -1e15 && value == (double)(int64_t)value)
        return str_fmt(c, "%.0f", value);
    for (int digits = 1; digits < 17; digits++) {
        double back;
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (sscanf(text, "%lf", &back) == 1 && back == value) return str(c, text);
    }
    return str_fmt(c, "%.17g", value);
}

Ast *ast_num(Ctx *c, Span span, double value)
{
    Ast *a = node_new(c, AST_NUM, span, number_text(c, value), 0);
    a->num = value;
    return a;
}

Ast *ast_name(Ctx *c, Span span, Str name, Ast *decl)
{
    Ast *a = node_new(c, AST_NAME, span, name, 0);
    a->decl = decl;
    return a;
}

Ast *ast_call(Ctx *c, Span span, const char *name, size_t n, ...)
{
    Ast *call = node_new(c, AST_CALL, span, str(c, name), n);
    va_list args;
    va_start(args, n);
    for (size_t i = 0; i < n; i++) {
        Ast *value = va_arg(args, Ast *);
        call->kids[i] = ast_new(c, AST_ARG, value ? value->span : span, NULL, 1, value);
        adopt(call, call->kids[i]);
    }
    va_end(args);
    return call;
}

Ast *ast_argument(const Ast *call, const char *name)
{
    for (size_t i = 0; i < vec_len(call->kids); i++)
        if (call->kids[i]->name && !strcmp(call->kids[i]->name, name))
            return call->kids[i]->kids[ARG_VALUE];
    return NULL;
}

Ast *ast_copy(Ctx *c, const Ast *a)
{
    if (!a) return NULL;
    Ast *copy = arena_alloc(c->arena, sizeof *copy);
    *copy = *a;
    copy->kids = vec_new(c, vec_len(a->kids), sizeof *copy->kids);
    for (size_t i = 0; i < vec_len(a->kids); i++) copy->kids[i] = ast_copy(c, a->kids[i]);
    return copy;
}

void ast_walk(Ast *a, bool (*visit)(Ast *, void *), void *data)
{
    if (!a || !visit(a, data)) return;
    for (size_t i = 0; i < vec_len(a->kids); i++) ast_walk(a->kids[i], visit, data);
}

bool ast_equal(const Ast *a, const Ast *b)
{
    if (!a || !b) return a == b;
    bool same_name = a->name == b->name || (a->name && b->name && strcmp(a->name, b->name) == 0);
    bool same_doc = a->doc == b->doc || (a->doc && b->doc && strcmp(a->doc, b->doc) == 0);
    if (a->kind != b->kind || !same_name || !same_doc || a->num != b->num
        || vec_len(a->kids) != vec_len(b->kids)) return false;
    for (size_t i = 0; i < vec_len(a->kids); i++)
        if (!ast_equal(a->kids[i], b->kids[i])) return false;
    return true;
}

/* ---- verifier -------------------------------------------------------------------------------- */

/* Kinds that have a list after their slots; every other has its slots and no more. */
static bool has_list(AstKind kind)
{
    return ast_slots(kind) == 0 || kind == AST_INDEX || kind == AST_ARGDECL;
}

/* Slots that may be empty, as ast.def says. */
static bool may_be_null(AstKind kind, size_t slot)
{
    switch (kind) {
    case AST_TRAIN:   return slot == TRAIN_WITH;
    case AST_SUPPORT: return slot == SUPPORT_FREE;
    case AST_ALSO:    return slot == ALSO_BODY;
    case AST_DATA:    return slot >= DATA_FIELD;
    case AST_LATENT:  return slot == LATENT_LAW;
    case AST_PARAM:   return slot == PARAM_LAW || slot == PARAM_INIT;
    case AST_NET:     return slot == NET_LAW;
    case AST_DRAWN:   return slot == DRAWN_TYPE;
    case AST_SITE:    return slot == SITE_ALONG;
    case AST_SETTING: return slot == SETTING_VALUE;
    case AST_ARGDECL: return true;
    case AST_BINDER:  return slot == BINDER_WHERE;
    default:          return false;
    }
}

static bool is_named(AstKind kind)
{
    switch (kind) {
    case AST_MODEL: case AST_TRAIN: case AST_DISTRIBUTION: case AST_LAYER: case AST_SUPPORT:
    case AST_FLOW: case AST_FUNCTION: case AST_FACT: case AST_NET: case AST_ORDERING:
    case AST_SETTING: case AST_UNTIL: case AST_DECLNAME: case AST_ARGDECL: case AST_TYPE:
    case AST_BINDER: case AST_NUM: case AST_STRING: case AST_NAME: case AST_CALL: case AST_REDUCE:
    case AST_FIELD: case AST_UNARY: case AST_BINARY: case AST_UNIT:
        return true;
    default:
        return false;
    }
}

void ast_verify(const Ast *a)
{
    if (!a) return;
    if (a->kind >= N_AST) ice_span(a->span, "tree: kind %d", (int)a->kind);
    const char *kind = rows[a->kind].name;
    size_t slots = (size_t)ast_slots(a->kind), n = vec_len(a->kids);
    if (n < slots || (n > slots && !has_list(a->kind)))
        ice_span(a->span, "tree: %s has %zu kids, its row %zu slots", kind, n, slots);
    if (is_named(a->kind) && !a->name) ice_span(a->span, "tree: %s without a name", kind);
    for (size_t i = 0; i < n; i++) {
        const Ast *kid = a->kids[i];
        if (!kid && (i >= slots || !may_be_null(a->kind, i)))
            ice_span(a->span, "tree: %s lacks kid %zu", kind, i);
        if (kid && kid->depth >= a->depth && a->span.src)
            ice_span(a->span, "tree: %s is not deeper than its kid %zu", kind, i);
        if (a->kind == AST_CALL && kid->kind != AST_ARG)
            ice_span(a->span, "tree: argument of %s is a %s", a->name, rows[kid->kind].name);
        ast_verify(kid);
    }
}
