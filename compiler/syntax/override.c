/* override.c - lines of a train block that the command line gives.
 *
 *     train m { z by reparam; batch 10 } and --estimator "z=score(control: loo)"
 *  -> train m { batch 10; z by score(control: loo) }
 * Each is parsed as a text of its own, so that its errors are shown as those of any line.
 * requires: a parsed file; a model of that name, or one alone
 * establishes: the model's train block has the line, in the place of the file's own for the latent
 */
#include "ast.h"

#include <string.h>

static Ast *model_named(const Ast *file, const char *name)
{
    for (size_t i = 0; i < vec_len(file->kids); i++)
        if (file->kids[i]->kind == AST_MODEL && (!name || !strcmp(file->kids[i]->name, name)))
            return file->kids[i];
    return NULL;
}

static Ast *train_of(Ctx *c, Ast *file, const Ast *model, Ast *parsed)
{
    for (size_t i = 0; i < vec_len(file->kids); i++)
        if (file->kids[i]->kind == AST_TRAIN && !strcmp(file->kids[i]->name, model->name))
            return file->kids[i];
    parsed->kids[TRAIN_BODY]->kids = NULL;
    ast_push(c, file, parsed);
    return parsed;
}

static void put(Ctx *c, Ast *body, Ast *by)
{
    Ast **kept = NULL;
    for (size_t i = 0; i < vec_len(body->kids); i++) {
        Ast *old = body->kids[i];
        if (old->kind != AST_BY || strcmp(old->kids[BY_TARGET]->name, by->kids[BY_TARGET]->name))
            vec_push(c, kept, old);
    }
    vec_push(c, kept, by);
    body->kids = kept;
}

/* "z=METHOD" as the line `z by METHOD` of a train block; NULL after an error. */
static Ast *parse_line(Ctx *c, const Ast *model, const char *given)
{
    const char *equals = strchr(given, '=');
    int n = equals ? (int)(equals - given) : (int)strlen(given);
    Str text = str_fmt(c, "train %s { %.*s by %s }\n", model->name, n, given,
                       equals ? equals + 1 : "");
    Ast *file = parse_text(c, source_text(c, "--estimator", text, strlen(text), false));
    Ast *body = file && vec_len(file->kids) == 1 && file->kids[0]->kind == AST_TRAIN
                    ? file->kids[0]->kids[TRAIN_BODY] : NULL;
    if (body && vec_len(body->kids) == 1 && body->kids[0]->kind == AST_BY)
        return file->kids[0];
    if (file) {
        diag_error(c, E_OVERRIDE, NOSPAN, given);
        diag_help(c, "write --estimator NAME=METHOD, METHOD as after `by`: reparam, score, closed, "
                     "sum");
    }
    return NULL;
}

bool override_estimators(Ctx *c, Ast *file, const char *model_name, const char *const *given)
{
    const Ast *model = model_named(file, model_name);
    for (size_t i = 0; model && i < vec_len(given); i++) {
        Ast *parsed = parse_line(c, model, given[i]);
        if (!parsed)
            return false;
        Ast *by = parsed->kids[TRAIN_BODY]->kids[0];
        put(c, train_of(c, file, model, parsed)->kids[TRAIN_BODY], by);
    }
    return true;
}
