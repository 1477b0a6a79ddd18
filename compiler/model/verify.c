/* verify.c - what a Model must look like for the stages that follow; broken rules are ours. */
#include "model.h"

static void rule(bool holds, Span at, const char *text)
{
    if (!holds)
        ice_span(at, "model: %s", text);
}

static bool plate_known(const Model *m, const Plate *p)
{
    for (size_t i = 0; i < vec_len(m->plates); i++)
        if (m->plates[i] == p)
            return true;
    return p == NULL;
}

static void verify_vars(const Model *m, Var *const *vars)
{
    for (size_t i = 0; i < vec_len(vars); i++) {
        const Var *v = vars[i];
        rule(v->name && v->decl && v->statement, m->node->span, "a variable has a declaration");
        rule(v->kind == VAR_NET || v->kind == VAR_LET || v->type, v->decl->span,
             "a variable has a type");
        rule(plate_known(m, v->plate), v->decl->span, "the plate of a variable is in Model.plates");
        rule(v->kind != VAR_LATENT || v->law || v->synthetic, v->decl->span, "a latent has a law");
        rule(v->kind != VAR_LET || v->value, v->decl->span, "a let has a value");
    }
}

static void verify_guides(const Model *m)
{
    for (size_t i = 0; i < vec_len(m->vars); i++) {
        const Var *v = m->vars[i];
        int n = 0;
        for (size_t k = 0; m->family && k < vec_len(m->family->guides); k++)
            n += reads_has(m->family->guides[k].latents, v);
        bool drawn = v->kind == VAR_LATENT && !var_is_summed(v);
        rule(drawn ? n == 1 : n == 0, v->decl->span,
             "every latent that is not summed out, and nothing else, has exactly one guide");
    }
    for (size_t k = 0; m->family && k < vec_len(m->family->guides); k++) {
        const Guide *g = &m->family->guides[k];
        rule((g->kind == GUIDE_LAW) == (g->law != NULL), g->span, "only a law guide has a law");
        rule(g->joint || vec_len(g->latents) == 1, g->span, "a guide of several latents is joint");
    }
}

void model_verify(const Model *m)
{
    int rows = 0;
    for (size_t i = 0; i < vec_len(m->plates); i++) {
        const Plate *p = m->plates[i];
        rule(p->size && p->index && vec_len(p->binders) > 0, p->span,
             "a plate has size and binders");
        rule(plate_known(m, p->outer), p->span, "the outer plate is in Model.plates");
        rule(!p->rows || (!p->outer && m->rows == p), p->span, "the rows are a plate at the top");
        rows += p->rows;
    }
    rule(rows <= 1, m->node->span, "at most one plate has the rows");
    verify_vars(m, m->vars);
    if (m->family)
        verify_vars(m, m->family->vars);
    for (size_t i = 0; i < vec_len(m->sites); i++) {
        const Site *s = &m->sites[i];
        rule(s->var && s->lhs && s->law, s->span, "a site has variable, left side and law");
        rule(plate_known(m, s->plate), s->span, "the plate of a site is in Model.plates");
        rule(s->observed == (s->var->kind != VAR_LATENT), s->span, "latents are not observed");
    }
    verify_guides(m);
}
