/* law_functions.c - functions whose value is a law, written out where a law stands.
 *
 *     let noise(s) = student_t(3, k, s)
 *     y[n] ~ noise(2) |> truncate(lower: 0)  ->  y[n] ~ student_t(3, k, 2) |> truncate(lower: 0)
 * Idea: a function is inlined; of laws it is done here, where they are still text, so that every
 * place for a law has them: right of `~`, in a branch, before `|>`, in `logpdf` and `mixture`.
 * requires:    a parsed file and library, names not yet resolved
 * establishes: no such call where a law is expected, but for wrong ones, which the checker reports
 */
#include "check.h"

#include <string.h>

enum { MAX_DEPTH = 16 };

typedef struct Laws { Ctx *c; const Ast *file, *library; Ast **functions; } Laws;

static bool visit_function(Ast *e, void *data)
{
    Laws *l = data;
    if (e->kind == AST_FUNCTION) vec_push(l->c, l->functions, e);
    return true;
}

static const Ast *function_named(const Laws *l, Str name)
{
    for (size_t i = 0; i < vec_len(l->functions); i++)
        if (l->functions[i]->name == name) return l->functions[i];
    return NULL;
}

/* Is e a law, whatever its parameters? */
static bool is_law(const Laws *l, const Ast *e, int depth)
{
    if (depth == MAX_DEPTH) return false;
    if (e->kind == AST_IF)
        return is_law(l, e->kids[IF_THEN], depth) && is_law(l, e->kids[IF_ELSE], depth);
    if (e->kind == AST_PIPE) return is_law(l, e->kids[PIPE_A], depth);
    if (e->kind != AST_CALL) return false;
    const Ast *f = function_named(l, e->name);
    return distribution_named(l->file, l->library, e->name) || !strcmp(e->name, "mixture")
        || (f && is_law(l, f->kids[FUNCTION_BODY], depth + 1));
}

/* What the call gives for argument i of f, or NULL. */
static Ast *given(const Ast *call, const Ast *f, size_t i)
{
    const Ast *formal = f->kids[FUNCTION_ARGS]->kids[i];
    for (size_t k = 0; k < vec_len(call->kids); k++)
        if (call->kids[k]->name ? call->kids[k]->name == formal->name : k == i)
            return call->kids[k]->kids[ARG_VALUE];
    return formal->kids[ARGDECL_DEFAULT];
}

/* A copy of e with the arguments of the call for those of f. */
static Ast *written_out(const Laws *l, const Ast *e, const Ast *call, const Ast *f)
{
    const Ast *formals = f->kids[FUNCTION_ARGS];
    if (!e) return NULL;
    for (size_t i = 0; e->kind == AST_NAME && i < list_len(formals); i++)
        if (formals->kids[i]->name == e->name) return ast_copy(l->c, given(call, f, i));
    Ast *copy = ast_new(l->c, e->kind, call->span, e->name, 0);
    copy->num = e->num;
    for (size_t i = 0; i < vec_len(e->kids); i++)
        ast_push(l->c, copy, written_out(l, e->kids[i], call, f));
    return copy;
}

static bool is_complete(const Ast *call, const Ast *f)
{
    size_t n = list_len(f->kids[FUNCTION_ARGS]);
    bool good = vec_len(call->kids) <= n;
    for (size_t i = 0; good && i < n; i++) good = given(call, f, i) != NULL;
    return good;
}

static void rewrite_law(const Laws *l, Ast *law)
{
    if (!law) return;
    if (law->kind == AST_IF) {
        rewrite_law(l, law->kids[IF_THEN]);
        rewrite_law(l, law->kids[IF_ELSE]);
    } else if (law->kind == AST_PIPE) {
        rewrite_law(l, law->kids[PIPE_A]);
    }
    for (int depth = 0; law->kind == AST_CALL && depth < MAX_DEPTH; depth++) {
        const Ast *f = function_named(l, law->name);
        if (!f || !is_complete(law, f) || !is_law(l, f->kids[FUNCTION_BODY], 0)) break;
        *law = *written_out(l, f->kids[FUNCTION_BODY], law, f);
        if (law->kind != AST_CALL) rewrite_law(l, law);
    }
}

static bool visit_laws(Ast *e, void *data)
{
    const Laws *l = data;
    switch (e->kind) {
    case AST_SITE: rewrite_law(l, e->kids[SITE_LAW]); break;
    case AST_LATENT: rewrite_law(l, e->kids[LATENT_LAW]); break;
    case AST_PARAM: rewrite_law(l, e->kids[PARAM_LAW]); break;
    case AST_DRAWN: rewrite_law(l, e->kids[DRAWN_LAW]); break;
    case AST_CALL:
        for (size_t i = 0; !strcmp(e->name, "mixture") && i < vec_len(e->kids); i++)
            rewrite_law(l, e->kids[i]->kids[ARG_VALUE]);
        if (!strcmp(e->name, "logpdf") && vec_len(e->kids))
            rewrite_law(l, e->kids[0]->kids[ARG_VALUE]);
        break;
    default: break;
    }
    return true;
}

void rewrite_law_functions(Ctx *c, Ast *file, const Ast *library)
{
    for (size_t i = 0; i < vec_len(file->kids); i++) {
        Laws l = { c, file, library, NULL };
        if (file->kids[i]->kind != AST_MODEL) continue;
        ast_walk(file->kids[i]->kids[MODEL_BODY], visit_function, &l);
        for (size_t k = 0; k < vec_len(file->kids); k++)
            if (file->kids[k]->kind == AST_FUNCTION) vec_push(c, l.functions, file->kids[k]);
        ast_walk(file->kids[i]->kids[MODEL_BODY], visit_laws, &l);
    }
}
