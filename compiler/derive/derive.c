/* derive.c - the objective of a model, and the queries that its trainer answers.
 *
 * Idea: one row per objective. Without latents the log density of the data is known: `likelihood`,
 * or `map` if parameters have laws. With latents it is an integral, and its bound is derived:
 *     log p(x) = log int p(x, z) dz >= E_q[log p(x | z)] + E_q[log p(z) - log q(z)]      (Jensen)
 * The first part has a term for each observed statement (joint.c), the second a closed divergence,
 * or prior, Jacobian and entropy, for each latent (kl.c), drawn as its family says (family.c).
 * requires:    a verified Model with its rows decided
 * establishes: every term, binding and result as an expression of the language, with its provenance
 */
#include "derive.h"

#include <string.h>

const RuleInfo rule_info[N_RULES] = {
#define RULE(id, name, sentence, latex) { name, sentence, latex },
#include "rules.def"
#undef RULE
};

static void step_elbo(Derive *d, Query *q)
{
    joint_likelihood(d, q);
    joint_factors(d, q, false);
    kl_terms(d, q);
    joint_factors(d, q, true);
    family_binds(d, q, true);
    score_surrogates(d, q);
}

static void step_exact(Derive *d, Query *q)
{
    joint_likelihood(d, q);
    joint_factors(d, q, false);
    joint_factors(d, q, true);
}

static const struct {
    const char *name;
    bool latents;                      /* needs them, or must not have any */
    void (*step)(Derive *d, Query *q);
} recipes[] = {
    { "elbo", true, step_elbo },
    { "iwae", true, step_weighted },
    { "renyi", true, step_weighted },
    { "map", false, step_exact },
    { "likelihood", false, step_exact },
};

static bool has_penalties(const Model *m)
{
    return vec_len(m->factors) > 0;
}

/* What the train block says, or the one that fits; -1 after an error. */
static int choose_recipe(Derive *d)
{
    Model *m = d->m;
    const Ast *at = m->training.objective_at;
    bool latents = m->family != NULL;
    const char *name = latents ? "elbo" : has_penalties(m) ? "map" : "likelihood";
    if (m->training.objective)
        name = m->training.objective;
    for (size_t i = 0; i < sizeof recipes / sizeof *recipes; i++) {
        if (strcmp(recipes[i].name, name))
            continue;
        if (recipes[i].latents && !latents) {
            diag_error(d->c, E_OBJECTIVE_FIT, at->span, name, "the model has no latents");
            diag_help(d->c, "write `objective %s`", has_penalties(m) ? "map" : "likelihood");
            return -1;
        }
        if (!recipes[i].latents && latents) {
            diag_error(d->c, E_OBJECTIVE_FIT, at->span, name,
                       "the latents must be integrated out");
            for (size_t k = 0; k < vec_len(m->vars); k++)
                if (m->vars[k]->kind == VAR_LATENT) {
                    diag_note(d->c, m->vars[k]->decl->span, "`%s` is a latent", m->vars[k]->name);
                    break;
                }
            diag_help(d->c, "write `objective elbo`, or `param` instead of `latent`");
            return -1;
        }
        if (!strcmp(name, "likelihood") && has_penalties(m)) {
            diag_error(d->c, E_OBJECTIVE_FIT, at->span, name,
                       "a parameter has a law, or the model has a factor");
            diag_note(d->c, m->factors[0].span, "here");
            diag_help(d->c, "write `objective map`, or leave the law out");
            return -1;
        }
        d->d->objective = str(d->c, name);
        return (int)i;
    }
    ice("no recipe for objective %s", name);
}

/* Names that new variables must not take. */
static void take_names(Derive *d)
{
    Model *m = d->m;
    const Ast *args = m->node->kids[MODEL_ARGS];
    for (size_t i = 0; i < vec_len(m->vars); i++)
        vec_push(d->c, d->taken, m->vars[i]->name);
    for (size_t i = 0; m->family && i < vec_len(m->family->vars); i++)
        vec_push(d->c, d->taken, m->family->vars[i]->name);
    for (size_t i = 0; args && i < vec_len(args->kids); i++)
        vec_push(d->c, d->taken, args->kids[i]->name);
    for (size_t i = 0; i < vec_len(m->plates); i++)
        vec_push(d->c, d->taken, m->plates[i]->index);
}

static void user_params(Derive *d, Var **vars)
{
    for (size_t i = 0; i < vec_len(vars); i++)
        if (vars[i]->kind == VAR_PARAM)
            vec_push(d->c, d->d->params, vars[i]);
}

Derivation *derive(Ctx *c, Model *m, Ast *library)
{
    int before = diag_count(c);
    Derive d = { .c = c, .m = m, .library = library };
    d.d = arena_alloc(c->arena, sizeof *d.d);
    d.d->model = m;
    int recipe = choose_recipe(&d);
    if (recipe < 0)
        return NULL;
    static const char *const names[] = {
#define Q(name) #name,
        QUERIES(Q)
#undef Q
    };
    for (size_t i = 0; i < N_QUERIES; i++)
        d.d->query[i].name = str(c, names[i]);
    take_names(&d);
    user_params(&d, m->vars);
    if (m->family)
        user_params(&d, m->family->vars);
    expand_law_values(&d);
    noncenter(&d);
    if (diag_count(c) > before)
        return NULL;
    family_latents(&d);
    check_by(&d);
    if (diag_count(c) > before)
        return NULL;
    derive_queries(&d);
    d.taken = NULL;
    recipes[recipe].step(&d, &d.d->step);
    if (diag_count(c) > before)
        return NULL;
    describe(&d);
    return d.d;
}

bool derivation_estimated(const Derivation *d)
{
    return vec_len(d->step.surrogates) > 0 || d->model->training.gradient == GRADIENT_PATH;
}
