/* drawn.c - which discrete latents are summed out, and which the family draws.
 *
 *     latent c : bit ~ bernoulli(0.5)                  summed out: exact, no family
 *     family for m { c ~ bernoulli(logits: e(x)) }     drawn: the family names a law for it
 *     train m { c by score }                           drawn, from mean field if no line names it
 * `c by sum` asks for the sum, and is refused where the family names a law.
 * requires:    the train block and the family are selected, the model is built
 * establishes: Var.drawn; every latent that is summed out has finitely many states
 */
#include "build.h"

#include <string.h>

static bool is_by(const Build *b, const Var *v, const char *method)
{
    const Ast *body = b->m->training.node ? b->m->training.node->kids[TRAIN_BODY] : NULL;
    for (size_t i = 0; body && i < vec_len(body->kids); i++) {
        const Ast *by = body->kids[i];
        if (by->kind == AST_BY && by->kids[BY_TARGET]->name == v->name
            && !strcmp(by->kids[BY_METHOD]->name, method))
            return true;
    }
    return false;
}

/* Is v, or v[n], what a line of the family draws? */
static bool has_line(const Ast *block, const Var *v)
{
    bool found = false;
    for (size_t i = 0; i < vec_len(block->kids); i++) {
        Ast *s = block->kids[i];
        if (s->kind == AST_FOR)
            found |= has_line(s->kids[FOR_BODY], v);
        if (s->kind != AST_SITE)
            continue;
        Ast *lhs = s->kids[SITE_LHS];
        for (size_t k = 0; k < (lhs->kind == AST_TUPLE ? vec_len(lhs->kids) : 1); k++) {
            Ast *base = index_base(lhs->kind == AST_TUPLE ? lhs->kids[k] : lhs);
            found |= base && base->decl == v->decl;
        }
    }
    return found;
}

static bool has_states(const Var *v)
{
    return v->type->elem == ELEM_BIT || v->type->classes != NULL;
}

static void check_states(Build *b, const Var *v)
{
    if (!v->drawn && !has_states(v)) {
        diag_error(b->c, E_NO_STATES, v->decl->span, v->name);
        diag_help(b->c, "say how many there are: `count(100)` for 0 .. 100, or `index(K)`; or let "
                  "the family draw it: `%s ~ poisson(..)`", v->name);
    }
    for (const Plate *p = v->plate; p && v->drawn; p = p->outer)
        if (p->when) {
            diag_error(b->c, E_ND_WHERE, p->when->span);
            diag_note(b->c, v->decl->span, "`%s` would be drawn at some positions only", v->name);
            diag_help(b->c, "sum it out: leave out its line in the family, and `by score`");
            return;
        }
}

void choose_drawn(Build *b)
{
    for (size_t i = 0; i < vec_len(b->m->vars); i++) {
        Var *v = b->m->vars[i];
        if (!var_is_discrete(v))
            continue;
        bool line = b->family && has_line(b->family->kids[FAMILY_BODY], v);
        v->drawn = (line && !is_by(b, v, "sum")) || is_by(b, v, "score");
        check_states(b, v);
    }
}
