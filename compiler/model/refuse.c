/* refuse.c - what the language has and the derivations have not yet: said, never misread.
 *
 * One walk over a tree reports constructs that no later stage can compute, each with its own code
 * and what works today. Statements (latent net, missing data, ..) are refused where they are built.
 */
#include "build.h"

#include <string.h>

static const struct { const char *name, *way_out; } calls[] = {
    { "marginal", "a summary of the posterior is a `report`, not a part of the density" },
    { "mode", "a summary of the posterior is a `report`, not a part of the density" },
};

static bool same_name(Str a, const char *b)
{
    return a && !strcmp(a, b);
}

static const char *node_name(const Ast *e)
{
    return e->name ? e->name : ast_kind_name(e->kind);
}

static void refuse_pipe(Ctx *c, Ast *e)
{
    Ast *from = e->kids[PIPE_A], *stage = e->kids[PIPE_B];
    if (!from->type || from->type->kind != KIND_DIST)
        return;
    static const char *const stages[] = { "truncate", "censor", "unnormalised" };
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++)
        if (same_name(stage->name, stages[i]))
            return;
    diag_error(c, E_ND_FLOW, stage->span, node_name(stage));
    diag_help(c, "use a distribution of lang/std, or write one in this file");
}

static void refuse_call(Ctx *c, Ast *e)
{
    if (e->decl)
        return;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        if (!strcmp(e->name, calls[i].name)) {
            diag_error(c, E_ND_SUMMARY, e->span, e->name);
            diag_help(c, "%s", calls[i].way_out);
        }
    }
}

/* Of an array that is declared with it. */
static void refuse_where(Ctx *c, Ast *binder)
{
    if (binder->kind == AST_BINDER && binder->kids[BINDER_WHERE]) {
        diag_error(c, E_ND_WHERE, binder->kids[BINDER_WHERE]->span);
        diag_help(c, "a latent may have one: give it a prior, which may be `flat`");
    }
}

static bool visit_refuse(Ast *e, void *data)
{
    Ctx *c = data;
    switch (e->kind) {
    case AST_REPORT:                   /* accepted and not evaluated: explain says so */
    case AST_PREDICT: case AST_DRAWN:
        return false;
    case AST_LATENT:
        return e->num != 1 || vec_len(e->kids[LATENT_NAMES]->kids) == 1;
    case AST_PIPE:
        refuse_pipe(c, e);
        return true;
    case AST_IMPLICIT:
        diag_error(c, E_ND_IMPLICIT, e->span);
        diag_help(c, "give the law a density: a distribution of lang/std or of this file");
        return false;
    case AST_CALL:
        refuse_call(c, e);
        return true;
    case AST_DECLNAME:
        for (size_t i = 0; i < vec_len(e->kids); i++)
            refuse_where(c, e->kids[i]);
        return true;
    default:
        return true;
    }
}

void refuse_tree(Ctx *c, Ast *tree)
{
    ast_walk(tree, visit_refuse, c);
}
