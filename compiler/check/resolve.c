/* resolve.c - names to declarations: expressions, types, functions, and the order of a file.
 *
 * Idea: two name spaces. What stands before `(`, or after `|>`, is a function, distribution, net,
 * layer or flow; everything else is a value, and only if there is none of that name, a function
 * passed on. Items of the file see those above them; the library sees itself as a whole.
 * requires: a parsed file and library.   establishes: Ast.decl, except where an error was reported
 */
#include "check.h"

#include <string.h>

/* ---- declaring ------------------------------------------------------------------------------- */
static Scope *owner(Check *s)
{
    Scope *scope = s->scope;
    while (scope->plate) scope = scope->up;
    return scope;
}

static Ast *visible(const Check *s, Space space, Str name)
{
    for (const Scope *scope = s->scope; scope; scope = scope->up) {
        Ast *decl = scope_here(scope, space, name);
        if (decl) return decl;
        if (scope->shadows) return NULL;
    }
    return NULL;
}

void declare(Check *s, Space space, Str name, Ast *decl, Span at)
{
    Ast *before = visible(s, space, name);
    if (!before && space == SPACE_VALUE) before = visible(s, SPACE_SIZE, name);
    bool library = before && before->span.src && before->span.src->library;
    if (before && !library && before != decl) {
        bool binder = decl->kind == AST_BINDER;
        diag_error(s->c, binder ? E_BINDER_REUSED : E_DUPLICATE, at, name);
        diag_note(s->c, name_span(before), "first declared here");
        diag_help(s->c, binder ? "give the index another name" : "give one of them another name");
        scope_put_in(s, owner(s), space, name, decl);   /* what follows means this one */
        return;
    }
    bool ours = at.src && !at.src->library;
    if (library && ours)
        diag_warn(s->c, at, "`%s` hides the one of the library in this file", name);
    bool hides = space == SPACE_CALL && decl->kind != AST_DISTRIBUTION;
    if (!before && ours && hides && builtin_find(s->c, name, 1))
        diag_warn(s->c, at, "`%s` hides the builtin function in this file", name);
    scope_put_in(s, owner(s), space, name, decl);
}

/* ---- expressions ----------------------------------------------------------------------------- */
enum { ANY_COUNT = -1 };

/* What a name before `(` or after `|>` means; NULL: a builtin, or nothing. A distribution may share
 * its name with a builtin function (logistic): the distribution is meant where a law is expected,
 * and where the function does not take that many arguments. */
static Ast *callee(Check *s, Str name, int n_args, bool law)
{
    Ast *decl = scope_find(s, SPACE_CALL, name);
    if (law || !decl || decl->kind != AST_DISTRIBUTION) return decl;
    const Builtin *b = builtin_find(s->c, name, n_args < 0 ? 1 : (size_t)n_args);
    return b && (n_args < 0 || (n_args >= b->min && n_args <= b->max)) ? NULL : decl;
}

static void resolve_name(Check *s, Ast *e)
{
    double value;
    e->decl = scope_find(s, SPACE_VALUE, e->name);
    if (!e->decl) e->decl = scope_find(s, SPACE_SIZE, e->name);
    if (e->decl || builtin_constant(e->name, &value)) return;
    e->decl = callee(s, e->name, ANY_COUNT, false);
    if (!e->decl && !builtin_find(s->c, e->name, 1)) unknown_value(s, e);
}

static void resolve_callee(Check *s, Ast *e, size_t n_args, bool law)
{
    e->decl = callee(s, e->name, (int)n_args, law);
    if (!e->decl && !builtin_find(s->c, e->name, n_args)) unknown_call(s, e->span, e->name);
}

void resolve_list(Check *s, Ast *list)
{
    for (size_t i = 0; i < list_len(list); i++) resolve_expr(s, list->kids[i]);
}

static void resolve_kids(Check *s, Ast *e)
{
    for (size_t i = 0; i < vec_len(e->kids); i++)
        if (e->kids[i]) resolve_expr(s, e->kids[i]);
}

/* previous(x, init): x may be declared below, in the same scan. */
static void resolve_previous(Check *s, Ast *e)
{
    size_t n = vec_len(e->kids);
    Ast *x = n ? e->kids[0]->kids[ARG_VALUE] : NULL;
    size_t first = 0;
    if (x && x->kind == AST_NAME && !scope_find(s, SPACE_VALUE, x->name)) {
        x->decl = scope_find(s, SPACE_LATER, x->name);
        if (x->decl) first = 1;
    }
    for (size_t i = first; i < n; i++) resolve_expr(s, e->kids[i]);
}

/* How many of the first arguments of a builtin are laws: logpdf(d, x), kl(q, p). */
static size_t law_arguments(Check *s, const Ast *e)
{
    const Builtin *b = e->decl ? NULL : builtin_find(s->c, e->name, vec_len(e->kids));
    if (!b) return 0;
    switch (b->rule) {
    case RULE_KL: return 2;
    case RULE_LOGPDF: case RULE_DIST_SCALAR: case RULE_TRUNCATE: return 1;
    default: return 0;
    }
}

static void resolve_call(Check *s, Ast *e, bool law)
{
    resolve_callee(s, e, vec_len(e->kids), law);
    if (!e->decl && !strcmp(e->name, "previous")) {
        resolve_previous(s, e);
        return;
    }
    size_t laws = law_arguments(s, e);
    for (size_t i = 0; i < vec_len(e->kids); i++) {
        if (i < laws && !e->kids[i]->name) resolve_law(s, e->kids[i]->kids[ARG_VALUE]);
        else resolve_expr(s, e->kids[i]);
    }
}

static void resolve_reduce(Check *s, Ast *e)
{
    const Builtin *b = builtin_find(s->c, e->name, 1);
    if (!b || !b->reduces) {
        diag_error(s->c, E_UNKNOWN_REDUCTION, e->span, e->name);
        diag_help(s->c, "reductions are sum prod mean max min any all count logsumexp sd variance "
                  "argmax argmin; an array is indexed with x[i], a function called with f(x)");
    }
    scope_open(s);
    for (size_t i = 0; i < list_len(e->kids[REDUCE_BINDERS]); i++)
        resolve_binder(s, e->kids[REDUCE_BINDERS]->kids[i]);
    resolve_expr(s, e->kids[REDUCE_VALUE]);
    scope_close(s);
}

static void resolve_repeat(Check *s, Ast *e)
{
    scope_open(s);
    resolve_binder(s, e->kids[REPEAT_BINDER]);
    resolve_stage(s, e->kids[REPEAT_BODY]);
    scope_close(s);
}

static void resolve_blockexpr(Check *s, Ast *e, bool law)
{
    size_t n = vec_len(e->kids), statements = law && n ? n - 1 : n;
    scope_open(s);
    for (size_t i = 0; i < statements; i++) resolve_statement(s, e->kids[i]);
    if (statements < n) resolve_law(s, e->kids[n - 1]);
    scope_close(s);
}

void resolve_expr(Check *s, Ast *e)
{
    if (!e) return;
    switch (e->kind) {
    case AST_NAME: resolve_name(s, e); break;
    case AST_CALL: resolve_call(s, e, false); break;
    case AST_REDUCE: resolve_reduce(s, e); break;
    case AST_PIPE:
        resolve_expr(s, e->kids[PIPE_A]);
        resolve_stage(s, e->kids[PIPE_B]);
        break;
    case AST_REPEAT: resolve_repeat(s, e); break;
    case AST_BLOCKEXPR: resolve_blockexpr(s, e, false); break;
    case AST_TYPE: resolve_type(s, e); break;
    case AST_NUM: case AST_STRING: case AST_UNIT: case AST_HOLE: break;
    default: resolve_kids(s, e);
    }
}

/* Where a law is expected: right of `~`, in the argument of logpdf, in a branch of these. */
void resolve_law(Check *s, Ast *e)
{
    if (!e) return;
    switch (e->kind) {
    case AST_CALL: resolve_call(s, e, true); break;
    case AST_IF:
        resolve_expr(s, e->kids[IF_COND]);
        resolve_law(s, e->kids[IF_THEN]);
        resolve_law(s, e->kids[IF_ELSE]);
        break;
    case AST_PIPE:
        resolve_law(s, e->kids[PIPE_A]);
        resolve_stage(s, e->kids[PIPE_B]);
        break;
    case AST_BLOCKEXPR: resolve_blockexpr(s, e, true); break;
    default: resolve_expr(s, e);
    }
}

void resolve_stage(Check *s, Ast *e)
{
    if (!e) return;
    switch (e->kind) {
    case AST_NAME:
        e->decl = callee(s, e->name, 1, false);
        if (!e->decl && !builtin_find(s->c, e->name, 1)) unknown_call(s, e->span, e->name);
        break;
    case AST_PIPE:
        resolve_stage(s, e->kids[PIPE_A]);
        resolve_stage(s, e->kids[PIPE_B]);
        break;
    case AST_RECORD:
        for (size_t i = 0; i < vec_len(e->kids); i++) resolve_stage(s, e->kids[i]->kids[ARG_VALUE]);
        break;
    case AST_CALL:
        resolve_callee(s, e, vec_len(e->kids) + 1, false);
        for (size_t i = 0; i < vec_len(e->kids); i++) {
            Ast *value = e->kids[i]->kids[ARG_VALUE];
            /* `residual(relu |> conv(3, C))`: stages are arguments of stages */
            bool stage = value->kind == AST_PIPE && value->kids[PIPE_A]->kind == AST_NAME
                      && !scope_find(s, SPACE_VALUE, value->kids[PIPE_A]->name);
            if (stage) resolve_stage(s, value);
            else resolve_expr(s, value);
        }
        break;
    default: resolve_expr(s, e);
    }
}

void resolve_binder(Check *s, Ast *binder)
{
    Ast *domain = binder->kids[BINDER_DOMAIN];
    if (domain->kind == AST_NAME && !scope_find(s, SPACE_VALUE, domain->name)
        && !scope_find(s, SPACE_SIZE, domain->name))
        unknown_size(s, domain);
    else
        resolve_expr(s, domain);
    Scope *scope = s->scope;
    Ast *before = visible(s, SPACE_VALUE, binder->name);
    if (before && !scope->shadows) {
        diag_error(s->c, E_BINDER_REUSED, binder->span, binder->name);
        diag_note(s->c, name_span(before), "first declared here");
        diag_help(s->c, "give the index another name");
    }
    scope_put(s, SPACE_VALUE, binder->name, binder);
    resolve_expr(s, binder->kids[BINDER_WHERE]);
}

/* ---- types, arguments ------------------------------------------------------------------------ */
static void resolve_size(Check *s, Ast *e)
{
    if (e->kind == AST_NAME && !scope_find(s, SPACE_VALUE, e->name)
        && !scope_find(s, SPACE_SIZE, e->name))
        unknown_size(s, e);
    else
        resolve_expr(s, e);
}

void resolve_type(Check *s, Ast *type)
{
    if (!type) return;
    type->decl = scope_find(s, SPACE_TYPE, type->name);
    bool size = !strcmp(type->name, "size");
    if (!type->decl && !support_row(type->name) && !size) unknown_type(s, type);
    bool counted = !strcmp(type->name, "index") || !strcmp(type->name, "count");
    for (size_t i = 0; i < list_len(type->kids[TYPE_ARGS]); i++) {
        Ast *arg = type->kids[TYPE_ARGS]->kids[i];
        if (counted) resolve_size(s, arg);
        else resolve_expr(s, arg);
    }
    for (size_t i = 0; i < list_len(type->kids[TYPE_AXES]); i++)
        resolve_size(s, type->kids[TYPE_AXES]->kids[i]);
}

Ast *size_bound_by(Ast *axis)
{
    bool shifted = axis->kind == AST_BINARY && (axis->name[0] == '-' || axis->name[0] == '+')
                && axis->kids[BINARY_B]->kind == AST_NUM;
    return shifted ? axis->kids[BINARY_A] : axis;
}

void bind_axes(Check *s, Ast *list)
{
    for (size_t i = 0; i < list_len(list); i++) {
        Ast *axis = size_bound_by(list->kids[i]);
        if (axis->kind != AST_NAME || scope_find(s, SPACE_VALUE, axis->name)
            || scope_find(s, SPACE_SIZE, axis->name))
            continue;
        axis->decl = axis;
        scope_put(s, SPACE_SIZE, axis->name, axis);
    }
}

void resolve_args(Check *s, Ast *list)
{
    for (size_t i = 0; i < list_len(list); i++) {
        Ast *arg = list->kids[i], *type = arg->kids[ARGDECL_TYPE];
        if (type) bind_axes(s, type->kids[TYPE_AXES]);
        resolve_expr(s, arg->kids[ARGDECL_DEFAULT]);
    }
    for (size_t i = 0; i < list_len(list); i++) {
        Ast *arg = list->kids[i];
        resolve_type(s, arg->kids[ARGDECL_TYPE]);
        declare(s, SPACE_VALUE, arg->name, arg, arg->span);
    }
}

/* Arguments of a function may have any name; those of one function differ. */
static void resolve_signature(Check *s, Ast *args)
{
    scope_open(s)->shadows = true;
    resolve_args(s, args);
}

void resolve_function(Check *s, Ast *f)
{
    switch (f->kind) {
    case AST_FUNCTION:
        resolve_signature(s, f->kids[FUNCTION_ARGS]);
        resolve_expr(s, f->kids[FUNCTION_BODY]);
        break;
    case AST_NET:
        resolve_signature(s, f->kids[NET_ARGS]);
        resolve_expr(s, f->kids[NET_BODY]);
        break;
    case AST_FLOW:
        resolve_signature(s, f->kids[FLOW_ARGS]);
        resolve_stage(s, f->kids[FLOW_BODY]);
        break;
    default: ice_span(f->span, "resolve_function on %s", ast_kind_name(f->kind));
    }
    scope_close(s);
    if (f->kind == AST_NET) resolve_law(s, f->kids[NET_LAW]);
}

/* ---- files ----------------------------------------------------------------------------------- */
static Space item_space(const Ast *item)
{
    return item->kind == AST_SUPPORT ? SPACE_TYPE : SPACE_CALL;
}

static bool is_declaration(const Ast *item)
{
    return item->kind == AST_DISTRIBUTION || item->kind == AST_LAYER || item->kind == AST_SUPPORT
        || item->kind == AST_FLOW || item->kind == AST_FUNCTION;
}

static void resolve_item(Check *s, Ast *item)
{
    switch (item->kind) {
    case AST_DISTRIBUTION: resolve_distribution(s, item); break;
    case AST_LAYER: resolve_layer(s, item); break;
    case AST_SUPPORT: resolve_support(s, item); break;
    case AST_FUNCTION: case AST_FLOW: resolve_function(s, item); break;
    case AST_MODEL: resolve_model(s, item); break;
    case AST_FAMILY: resolve_family(s, item); break;
    case AST_TRAIN: resolve_train(s, item); break;
    default: ice_span(item->span, "%s at file level", ast_kind_name(item->kind));
    }
}

/* Models share a name space with families of their own kind only: two models of one name
 * collide. */
static void check_item_names(Check *s)
{
    Ast **items = s->file->kids;
    for (size_t i = 0; i < vec_len(items); i++) {
        AstKind kind = items[i]->kind;
        if ((kind != AST_MODEL && kind != AST_FAMILY) || !items[i]->name) continue;
        for (size_t k = 0; k < i; k++) {
            bool same = items[k]->kind == kind && items[k]->name == items[i]->name;
            if (kind == AST_FAMILY && same)
                same = items[k]->kids[FAMILY_FOR]->name == items[i]->kids[FAMILY_FOR]->name;
            if (!same) continue;
            diag_error(s->c, E_DUPLICATE, items[i]->span, items[i]->name);
            diag_note(s->c, items[k]->span, "first declared here");
            break;
        }
    }
}

void resolve(Check *s)
{
    s->scope = NULL;
    scope_open(s);
    Ast **items = s->library ? s->library->kids : NULL;
    for (size_t i = 0; i < vec_len(items); i++)
        if (is_declaration(items[i]))
            declare(s, item_space(items[i]), items[i]->name, items[i], items[i]->span);
    for (size_t i = 0; i < vec_len(items); i++) resolve_item(s, items[i]);
    if (s->file == s->library) return;
    scope_open(s);
    check_item_names(s);
    items = s->file->kids;
    for (size_t i = 0; i < vec_len(items); i++) {
        /* A distribution may name itself in kl(..); a function may not call itself. */
        bool first = items[i]->kind == AST_DISTRIBUTION || items[i]->kind == AST_SUPPORT;
        if (first && is_declaration(items[i]))
            declare(s, item_space(items[i]), items[i]->name, items[i], items[i]->span);
        resolve_item(s, items[i]);
        if (!first && is_declaration(items[i]))
            declare(s, item_space(items[i]), items[i]->name, items[i], items[i]->span);
    }
}
