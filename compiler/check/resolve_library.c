/* resolve_library.c - bodies of distributions, layers and supports, the library's and a user's. */
#include "check.h"

/* Names of facts and functions of a body are visible in it; `mean` is a value, `logpdf` a
 * function. */
static void resolve_definition(Check *s, Ast *item)
{
    switch (item->kind) {
    case AST_FUNCTION:
        resolve_function(s, item);
        scope_put(s, SPACE_CALL, item->name, item);
        break;
    case AST_FACT:
        resolve_expr(s, item->kids[FACT_VALUE]);
        scope_put(s, SPACE_VALUE, item->name, item);
        break;
    case AST_SAMPLE: resolve_expr(s, item->kids[SAMPLE_BODY]); break;
    default: resolve_statement(s, item);
    }
}

/* kl(normal(m, s)) = e: m and s are bound in e. */
static void resolve_kl(Check *s, Ast *kl)
{
    Ast *other = kl->kids[KL_OTHER];
    other->decl = scope_find(s, SPACE_CALL, other->name);
    if (!other->decl || other->decl->kind != AST_DISTRIBUTION) {
        other->decl = NULL;
        diag_error(s->c, E_UNKNOWN_CALL, other->span, other->name);
        diag_help(s->c, "`kl(normal(m, s)) = ..` names another distribution and its parameters");
    }
    scope_open(s)->shadows = true;
    for (size_t i = 0; i < vec_len(other->kids); i++) {
        Ast *name = other->kids[i]->kids[ARG_VALUE];
        if (name->kind != AST_NAME) {
            diag_error(s->c, E_KL_NAME, name->span);
            continue;
        }
        name->decl = name;
        declare(s, SPACE_VALUE, name->name, name, name->span);
    }
    resolve_expr(s, kl->kids[KL_VALUE]);
    scope_close(s);
}

static void resolve_also(Check *s, Ast *also, Ast *dist)
{
    also->decl = dist;
    scope_open(s)->shadows = true;
    resolve_args(s, also->kids[ALSO_ARGS]);
    resolve_list(s, also->kids[ALSO_BASE]);
    for (size_t i = 0; i < list_len(also->kids[ALSO_BODY]); i++) {
        Ast *item = also->kids[ALSO_BODY]->kids[i];
        if (item->kind == AST_KL) resolve_kl(s, item);
        else resolve_definition(s, item);
    }
    scope_close(s);
}

void resolve_distribution(Check *s, Ast *dist)
{
    scope_open(s)->shadows = true;
    resolve_args(s, dist->kids[DIST_ARGS]);
    if (dist->kids[DIST_SUPPORT]) {
        bind_axes(s, dist->kids[DIST_SUPPORT]->kids[TYPE_AXES]);
        resolve_type(s, dist->kids[DIST_SUPPORT]);
    }
    for (size_t i = 0; i < list_len(dist->kids[DIST_BODY]); i++) {
        Ast *item = dist->kids[DIST_BODY]->kids[i];
        if (item->kind == AST_ALSO) resolve_also(s, item, dist);
        else if (item->kind == AST_KL) resolve_kl(s, item);
        else resolve_definition(s, item);
    }
    scope_close(s);
}

void resolve_layer(Check *s, Ast *layer)
{
    scope_open(s)->shadows = true;
    resolve_args(s, layer->kids[LAYER_ARGS]);
    Ast *input = layer->kids[LAYER_INPUT];
    if (input->kids[ARGDECL_TYPE]) bind_axes(s, input->kids[ARGDECL_TYPE]->kids[TYPE_AXES]);
    resolve_type(s, input->kids[ARGDECL_TYPE]);
    declare(s, SPACE_VALUE, input->name, input, input->span);
    resolve_expr(s, layer->kids[LAYER_BODY]);
    scope_close(s);
}

void resolve_support(Check *s, Ast *support)
{
    scope_open(s)->shadows = true;
    resolve_args(s, support->kids[SUPPORT_ARGS]);
    bind_axes(s, support->kids[SUPPORT_AXES]);
    resolve_list(s, support->kids[SUPPORT_FREE]);
    for (size_t i = 0; i < list_len(support->kids[SUPPORT_BODY]); i++)
        resolve_definition(s, support->kids[SUPPORT_BODY]->kids[i]);
    scope_close(s);
}
