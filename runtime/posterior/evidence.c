/* evidence.c - the log evidence of the data by several estimators, for report.json.
 *
 *     log, se                  importance sampling by the weights that the posterior has; of draws
 *                              that were moved, a bridge between them and those of the family
 *     importance_weighted      the bound of Burda et al. (2016) by groups of K draws of the family
 *     prior                    naive Monte Carlo: the mean likelihood of draws from the prior
 * Draws of the family come in pairs, which are not independent of each other: errors are those of
 * means over pairs, and a pair stays in one group.
 */
#include "posterior/posterior.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static json_t *estimate(double value, double error)
{
    return json_pack("{s:o, s:o}", "log", json_number(value), "se", json_number(error));
}

enum { ENOUGH = 20 };                  /* effective draws of the prior, for an error */

/* ---- by weights ------------------------------------------------------------------------------ */

/* Log weights of the family, the two of a pair next to each other. */
static double *paired(const Sample *s)
{
    double *x = dgm_alloc((size_t)(s->M + 1) * sizeof *x);

    for (long k = 0; k < s->M / 2; k++) {
        x[2 * k] = s->log_weight[k];
        x[2 * k + 1] = s->log_weight[s->M / 2 + k];
    }
    return x;
}

/* Plain weights: of the means of pairs. Those of annealing are independent. */
static double importance_error(const Sample *s)
{
    double *x = paired(s), error, unused;

    for (long k = 0; k < s->M / 2; k++)
        x[k] = log_mean(2, x + 2 * k, &unused);
    log_mean(s->M / 2, x, &error);
    free(x);
    return s->levels > 0 || s->moves > 0 ? s->evidence_se : error;
}

static json_t *bounds_json(const Sample *s)
{
    static const long sizes[] = {10, 100};
    double *x = paired(s), error;
    json_t *list = json_array();

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes && s->M >= 2 * sizes[i]; i++) {
        double bound = log_mean_of(s->M, sizes[i], x, &error);
        json_t *one = estimate(bound, error);

        json_object_set_new(one, "K", json_integer(sizes[i]));
        json_array_append_new(list, one);
    }
    free(x);
    return list;
}

/* ---- from the prior -------------------------------------------------------------------------- */

/* The term of the prior of latent i; NULL: it has none of its own. */
static const DgmTerm *prior_term(const DgmModel *m, int i)
{
    for (int t = 0; t < m->log_prob->n_terms; t++)
        if (m->log_prob->terms[t].kind == DGM_TERM_PRIOR
            && strcmp(m->log_prob->terms[t].name, m->latents[i].name) == 0)
            return &m->log_prob->terms[t];
    return NULL;
}

/* Why the density is not (laws of latents that can be drawn) x (laws of data); NULL: it is. */
static const char *not_generative(const DgmModel *m)
{
    if (m->log_prob == NULL)
        return "compiled for `run`: the `posterior` of a trainer that `dgmc FILE` makes has it";
    if (m->simulate == NULL)
        return "the model cannot be simulated";
    for (int i = 0; i < m->simulate->n_variables; i++)
        if (!m->simulate->variables[i].data && m->simulate->variables[i].only_given != NULL)
            return m->simulate->variables[i].only_given;
    for (int a = 0; a < m->n_data; a++)
        if (m->data[a].cells == DGM_CELLS_MISSING)
            return "data have missing cells";
    for (int t = 0; t < m->log_prob->n_terms; t++)
        if (m->log_prob->terms[t].kind != DGM_TERM_PRIOR
            && m->log_prob->terms[t].kind != DGM_TERM_LIKELIHOOD)
            return "the density has factors that no law stands for";
    for (int i = 0; i < m->n_latents; i++)
        if (prior_term(m, i) == NULL)
            return "a latent has no term of its own";
    return NULL;
}

/* Is the prior a density that integrates to 1, as the draws of `simulate` have it? Vectors in a
 * narrower support than their law's leave out the normaliser. */
static bool normalised(const DgmModel *m)
{
    for (int i = 0; i < m->n_latents; i++)
        if (strncmp(m->latents[i].support, "ordered", 7) == 0)
            return false;
    return true;
}

/* The drawn latents as one vector; false if a number is not finite. */
static bool take_latents(const Posterior *p, const Simulation *s, double *x)
{
    bool finite = true;

    for (int i = 0; i < p->model->n_latents; i++) {
        int v = simulation_find(s, p->model->latents[i].name);
        long at, n = density_latent(p->density, FORM_VALUES, i, &at);

        for (long k = 0; k < n; k++) {
            x[at + k] = v >= 0 ? (double)s->value[v][k] : NAN;
            finite = finite && isfinite(x[at + k]);
        }
    }
    return finite;
}

/* Log likelihood at x. */
static double log_likelihood(const Posterior *p, const double *x, double *terms)
{
    const DgmProgram *program = p->model->log_prob;
    double sum = 0;

    density_log_prob(p->density, FORM_VALUES, x, terms, NULL);
    for (int t = 0; t < program->n_terms; t++)
        if (program->terms[t].kind == DGM_TERM_LIKELIHOOD)
            sum += program->terms[t].sign * terms[t];
    return isnan(sum) ? -INFINITY : sum;
}

/* Where a few draws have all the likelihood, the error is as unknown as the mean: null. */
static json_t *mean_json(long M, const double *value)
{
    double error, mean = log_mean(M, value, &error);
    double effective = (double)M / (1 + (double)M * error * error);
    json_t *result = estimate(mean, effective < ENOUGH ? INFINITY : error);

    json_object_set_new(result, "ess", json_number(effective));
    return result;
}

static json_t *prior_json(Posterior *p)
{
    const DgmModel *m = p->model;
    const char *why = not_generative(m);

    if (why == NULL && !normalised(m))
        why = "the prior's normaliser is left out";
    if (why != NULL)
        return json_pack("{s:s}", "why_not", why);
    long M = p->fit.plain.M, finite = 0;
    Simulation s = simulation_new(m);
    double *x = dgm_alloc((size_t)(density_count(p->density, FORM_VALUES) + 1) * sizeof *x);
    double *value = dgm_alloc((size_t)(M + m->log_prob->n_terms + 1) * sizeof *value);

    simulation_bind(&s, &p->session, &p->data);
    for (int i = 0; i < s.n; i++)
        s.fixed[i] = s.variables[i].data;
    for (long k = 0; k < M; k++) {
        simulation_settle(&s, (uint64_t)k);
        bool good = take_latents(p, &s, x);

        finite += good;
        value[k] = good ? log_likelihood(p, x, value + M) : -INFINITY;
    }
    json_t *result = finite == M ? mean_json(M, value)
                   : json_pack("{s:s}", "why_not", "draws of the prior are not finite");
    json_object_set_new(result, "draws", json_integer(M));
    simulation_free(&s);
    free(value);
    free(x);
    return result;
}

json_t *posterior_evidence(Posterior *p)
{
    const Sample *s = fit_sample(&p->fit);
    if (fit_is_point(&p->fit))
        return json_pack("{s:s}", "why_not", "the mode alone has no evidence");
    json_t *root = estimate(s->evidence, importance_error(s));

    json_object_set_new(root, "by", json_string(s->moves > 0 ? "bridge sampling"
                                              : s->levels > 0 ? "annealed importance sampling"
                                                              : "importance sampling"));
    json_object_set_new(root, "levels", json_integer(s->levels));
    json_object_set_new(root, "importance_weighted", bounds_json(&p->fit.plain));
    json_object_set_new(root, "prior", prior_json(p));
    return root;
}
