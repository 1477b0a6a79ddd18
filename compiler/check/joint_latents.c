/* joint_latents.c - several names with one joint law, in terms of latents and a factor.
 *
 *     latent (a, b) : real ~ mvnormal(m, cov: S)
 *  -> latent a, b : real ~ flat;  factor logpdf(mvnormal(m, cov: S), [a, b])
 * Idea: the names stay latents of their own, which a report, a family or a file of values may name;
 * only their law is joint. A law of numbers holds for each of them: `latent (a, b) ~ normal(0, 1)`.
 * requires:    a parsed file and library, names not yet resolved
 * establishes: a joint law is left only where it is none of real vectors, or of arrays
 */
#include "check.h"

#include <string.h>

typedef struct Joint { Ctx *c; const Ast *file, *library; } Joint;

static const Ast *support_of_law(const Joint *j, const Ast *law)
{
    const Ast *d = law && law->kind == AST_CALL
                 ? distribution_named(j->file, j->library, law->name) : NULL;
    return d ? d->kids[DIST_SUPPORT] : NULL;
}

static bool are_real_numbers(const Ast *latent)
{
    const Ast *names = latent->kids[LATENT_NAMES], *type = latent->kids[LATENT_TYPE];
    for (size_t i = 0; i < vec_len(names->kids); i++)
        if (vec_len(names->kids[i]->kids))
            return false;
    return !type || (!strcmp(type->name, "real") && !list_len(type->kids[TYPE_AXES]));
}

static Ast *factor_of(const Joint *j, const Ast *latent)
{
    Ast *law = latent->kids[LATENT_LAW], *all = ast_new(j->c, AST_VECTOR, law->span, NULL, 0);
    const Ast *names = latent->kids[LATENT_NAMES];
    for (size_t i = 0; i < vec_len(names->kids); i++)
        ast_push(j->c, all, ast_name(j->c, names->kids[i]->span, names->kids[i]->name, NULL));
    Ast *factor = ast_new(j->c, AST_FACTOR, latent->span, NULL, 1,
                          ast_call(j->c, law->span, "logpdf", 2, law, all));
    factor->num = 1;
    return factor;
}

static void rewrite_in_block(const Joint *j, Ast *block)
{
    Ast **kids = NULL;
    for (size_t i = 0; i < vec_len(block->kids); i++) {
        Ast *st = block->kids[i], *factor = NULL;
        if (st->kind == AST_FOR || st->kind == AST_SCAN)
            rewrite_in_block(j, st->kids[FOR_BODY]);
        const Ast *support = st->kind == AST_LATENT && st->num == 1
                           ? support_of_law(j, st->kids[LATENT_LAW]) : NULL;
        if (support && !list_len(support->kids[TYPE_AXES])) {
            st->num = 0;
        } else if (support && !strcmp(support->name, "real")
                   && list_len(support->kids[TYPE_AXES]) == 1 && are_real_numbers(st)) {
            factor = factor_of(j, st);
            st->kids[LATENT_LAW] = ast_name(j->c, st->kids[LATENT_LAW]->span, str(j->c, "flat"),
                                            NULL);
            st->num = 0;
        }
        vec_push(j->c, kids, st);
        if (factor)
            vec_push(j->c, kids, factor);
    }
    block->kids = kids;
}

void rewrite_joint_latents(Ctx *c, Ast *file, const Ast *library)
{
    const Joint j = { c, file, library };
    for (size_t i = 0; i < vec_len(file->kids); i++)
        if (file->kids[i]->kind == AST_MODEL)
            rewrite_in_block(&j, file->kids[i]->kids[MODEL_BODY]);
}
