/* verify.c - what a Derivation must look like for the lowering; broken rules are ours. */
#include "derive.h"

#include <ctype.h>

static void rule(bool holds, Span at, const char *text)
{
    if (!holds)
        ice_span(at, "objective: %s", text);
}

static bool is_identifier(Str s)
{
    bool ok = isalpha((unsigned char)s[0]) || s[0] == '_';
    for (const char *p = s; *p; p++)
        ok &= isalnum((unsigned char)*p) || *p == '_';
    return ok;
}

static bool bound_before(const Query *q, size_t n, const Var *v)
{
    for (size_t i = 0; i < n; i++)
        if (q->binds[i].var == v)
            return true;
    for (size_t i = 0; i < vec_len(q->given); i++)
        if (q->given[i] == v)
            return true;
    return false;
}

static bool bound_in_turn(const Query *q, const Var *v)
{
    for (size_t i = 0; i < vec_len(q->binds); i++)
        if (q->binds[i].var == v && q->binds[i].recursive)
            return true;
    return false;
}

typedef struct Look { const Ast *decl; bool found; } Look;

static bool visit_look(Ast *e, void *data)
{
    Look *look = data;
    look->found |= e->kind == AST_NAME && e->decl == look->decl;
    return !look->found;
}

/* Every latent that an expression mentions has its value from a binding above. */
static void verify_reads(const Derivation *d, const Query *q, size_t n, Ast *e, Span at)
{
    const Model *m = d->model;
    for (size_t i = 0; i < vec_len(m->vars); i++) {
        const Var *v = m->vars[i];
        if (v->kind != VAR_LATENT || v->synthetic || var_is_summed(v) || bound_before(q, n, v)
            || (n < vec_len(q->binds) && q->binds[n].recursive && bound_in_turn(q, v)))
            continue;
        Look look = { v->decl, false };
        ast_walk(e, visit_look, &look);
        if (look.found)
            ice_span(at, "objective: query %s reads %s before it has a value", q->name, v->name);
    }
}

static void verify_terms(const Query *q)
{
    for (size_t i = 0; i < vec_len(q->terms); i++) {
        const Term *t = &q->terms[i];
        rule(t->expr && t->name && is_identifier(t->name), t->span,
             "a term has a name and a formula");
        rule(t->kind < TERM_SURROGATE, t->span, "a term of the objective is no surrogate");
        rule(t->sign == 1 || t->sign == -1, t->span, "the sign of a term is 1 or -1");
        rule(t->kind != TERM_KL || t->sign < 0, t->span, "a divergence is subtracted");
        rule(!t->local || t->plate, t->span, "a local term stands in a plate");
        rule(vec_len(t->steps) > 0 && t->text && t->latex, t->span,
             "a term says how it came to be");
        for (size_t k = 0; k < i; k++)
            rule(q->terms[k].name != t->name, t->span, "names of terms are unique");
    }
}

static void verify_surrogates(const Derivation *d, const Query *q)
{
    rule(!q->surrogates || q == &d->step, NOSPAN, "only the step has surrogates");
    for (size_t i = 0; i < vec_len(q->surrogates); i++) {
        const Term *t = &q->surrogates[i];
        rule(t->kind == TERM_SURROGATE || t->kind == TERM_AVERAGE, t->span,
             "a surrogate is no term of the objective");
        rule(t->expr && is_identifier(t->name), t->span, "a surrogate has a name and a formula");
        verify_reads(d, q, vec_len(q->binds), t->expr, t->span);
    }
}

static void verify_query(const Derivation *d, const Query *q)
{
    rule(q->name != NULL, NOSPAN, "a query has a name");
    if (q->absent) {
        rule(!q->given && !q->binds && !q->terms && !q->results, NOSPAN,
             "an absent query is empty");
        return;
    }
    for (size_t i = 0; i < vec_len(q->binds); i++) {
        const Bind *b = &q->binds[i];
        rule(b->var && b->expr, b->span, "a binding has variable and expression");
        rule(!bound_before(q, i, b->var), b->span, "a variable is bound once");
        rule(b->kind == BIND_VALUE || b->expr->kind == AST_CALL, b->span, "a draw is from a law");
        verify_reads(d, q, i, b->expr, b->span);
        for (size_t k = 0; k < i; k++)
            rule(b->kind == BIND_VALUE || q->binds[k].kind == BIND_VALUE
                 || q->binds[k].site != b->site, b->span, "draws have streams of their own");
    }
    verify_terms(q);
    verify_surrogates(d, q);
    for (size_t i = 0; i < vec_len(q->terms); i++)
        verify_reads(d, q, vec_len(q->binds), q->terms[i].expr, q->terms[i].span);
    for (size_t i = 0; i < vec_len(q->results); i++) {
        rule(q->results[i].expr && q->results[i].name, NOSPAN, "a result has a name and a value");
        verify_reads(d, q, vec_len(q->binds), q->results[i].expr, q->results[i].expr->span);
    }
}

void derivation_verify(const Derivation *d)
{
    rule(d->model && d->objective, NOSPAN, "a derivation has a model and an objective");
    rule(!d->step.absent && vec_len(d->step.terms) > 0, NOSPAN, "the objective has terms");
    rule(vec_len(d->steps) > 0 && d->text && d->latex, NOSPAN, "the objective is explained");
    for (size_t i = 0; i < N_QUERIES; i++)
        verify_query(d, &d->query[i]);
    for (size_t i = 0; i < vec_len(d->params); i++)
        rule(d->params[i]->kind == VAR_PARAM && d->params[i]->type, NOSPAN,
             "parameters are variables with types");
}
