/* marginals.c - what a model of discrete latents alone reports where it asks for nothing.
 *
 *     latent rain : bit ~ bernoulli(0.2)
 *  -> latent rain : bit ~ bernoulli(0.2);  report marginal_rain = marginal(rain)
 * Idea: all latents are summed out, so there is no posterior but that of their states. Where there
 * are other latents, parameters, nets or a family, or the model says what it reports, nothing is
 * added.
 * requires:    a parsed file, names not yet resolved
 * establishes: a model of discrete latents alone has a report
 */
#include "check.h"

#include <string.h>

typedef struct Look {
    bool states, others;               /* discrete latents; anything else to infer or to report */
} Look;

/* A vector of them is refused in a place of its own. */
static bool has_states(const Ast *type)
{
    return type && support_is_counted(type->name)
        && (!type->kids[TYPE_AXES] || !vec_len(type->kids[TYPE_AXES]->kids));
}

static void look(Look *l, const Ast *block)
{
    for (size_t i = 0; i < vec_len(block->kids); i++) {
        const Ast *st = block->kids[i];
        switch (st->kind) {
        case AST_FOR: case AST_SCAN:
            look(l, st->kids[FOR_BODY]);
            break;
        case AST_LATENT:
            l->states |= has_states(st->kids[LATENT_TYPE]);
            l->others |= !has_states(st->kids[LATENT_TYPE]);
            break;
        case AST_PARAM: case AST_NET: case AST_REPORT: case AST_PREDICT: case AST_DRAWN:
            l->others = true;
            break;
        default:
            break;
        }
    }
}

/* report marginal_z[i in N] = marginal(z[i]) */
static Ast *report_of(Ctx *c, const Ast *latent)
{
    Span at = latent->span;
    Ast *name = ast_new(c, AST_DECLNAME, at, str_fmt(c, "marginal_%s", latent->name), 0);
    Ast *state = ast_name(c, at, latent->name, NULL);
    if (vec_len(latent->kids))
        state = ast_new(c, AST_INDEX, at, NULL, 1, state);
    for (size_t i = 0; i < vec_len(latent->kids); i++) {
        const Ast *axis = latent->kids[i];
        bool named = axis->kind == AST_BINDER;
        Str index = named ? axis->name : str_fmt(c, "%s_%zu", latent->name, i);
        ast_push(c, name, named ? ast_copy(c, axis)
                                : ast_new(c, AST_BINDER, at, index, 2, ast_copy(c, axis), NULL));
        ast_push(c, state, ast_name(c, at, index, NULL));
    }
    return ast_new(c, AST_REPORT, at, NULL, 2, ast_new(c, AST_LIST, at, NULL, 1, name),
                   ast_call(c, at, "marginal", 1, state));
}

/* Each report stands behind its latent. */
static void add_reports(Ctx *c, Ast *block)
{
    Ast **kids = NULL;
    for (size_t i = 0; i < vec_len(block->kids); i++) {
        Ast *st = block->kids[i];
        vec_push(c, kids, st);
        if (st->kind == AST_FOR || st->kind == AST_SCAN)
            add_reports(c, st->kids[FOR_BODY]);
        const Ast *names = st->kind == AST_LATENT ? st->kids[LATENT_NAMES] : NULL;
        for (size_t k = 0; names && k < vec_len(names->kids); k++)
            vec_push(c, kids, report_of(c, names->kids[k]));
    }
    block->kids = kids;
}

void report_marginals(Ctx *c, Ast *file)
{
    for (size_t i = 0; i < vec_len(file->kids); i++)
        if (file->kids[i]->kind == AST_FAMILY || file->kids[i]->kind == AST_TRAIN)
            return;
    for (size_t i = 0; i < vec_len(file->kids); i++) {
        Look l = { 0 };
        if (file->kids[i]->kind == AST_MODEL)
            look(&l, file->kids[i]->kids[MODEL_BODY]);
        if (l.states && !l.others)
            add_reports(c, file->kids[i]->kids[MODEL_BODY]);
    }
}
