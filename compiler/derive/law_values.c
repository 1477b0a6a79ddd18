/* law_values.c - densities that a model asks for by name, of laws that are no plain calls.
 *
 *     factor logpdf(normal(m, s) |> truncate(lower: 0), y)
 *  -> factor if inside(normal(m, s), y, 0, inf) then logpdf(normal(m, s), y) - log_mass(..)
 *            else -inf
 *     logpdf(if c then d0 else d1, y)  ->  if c then logpdf(d0, y) else logpdf(d1, y)
 * Idea: such a law right of `~` is expanded where its density becomes a term (joint.c). The same is
 * done here in place, for every call in the model.
 * establishes: no `logpdf` in the model whose law is an `if` or passed through `|>`
 */
#include "derive.h"

#include <string.h>

static bool expand_here(Ast *e, void *data)
{
    Derive *d = data;
    bool density = e->kind == AST_CALL && !e->decl && !strcmp(e->name, "logpdf")
                && vec_len(e->kids) == 2;
    Ast *law = density ? e->kids[0]->kids[ARG_VALUE] : NULL;
    if (!law || (law->kind != AST_IF && law->kind != AST_PIPE))
        return true;
    Ast *density_of = joint_logpdf(d, law, e->kids[1]->kids[ARG_VALUE], NULL);
    Type *type = e->type;
    *e = density_of ? *density_of : *ast_num(d->c, e->span, 0);
    e->type = type;
    return true;
}

void expand_law_values(Derive *d)
{
    ast_walk(d->m->node, expand_here, d);
}
