/* report.c - what `posterior` prints, and report.json.
 *
 * report.json: converged, elbo, elbo_se, khat (null where the weights are all but equal, or the
 * draws were moved: moves), ess, warnings, steps, seconds; method: its name and why it was taken;
 * gradient: the signal-to-noise ratio of single draws at the fit (infer/snr.c), what an optimum has
 * by chance with as many draws, and their number; posterior and family by latent and reported
 * quantity, with mean, sd, q05, q50, q95 in the shape of each; fit: the family in full, on the free
 * numbers, and of a mixture its `components`; evidence by several estimators. held_out, where asked
 * for: the predictive density of other data (heldout.c). Of the mode alone all that a
 * point does not have is null.
 */
#include "posterior/posterior.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static json_t *summaries_json(const Drawn *d)
{
    json_t *object = json_object();

    for (int i = 0; i < d->n; i++)
        json_object_set_new(object, d->latents[i].name,
                            summary_json(&d->latents[i], d->M, d->weight));
    for (int i = 0; i < d->reporting.n; i++)
        json_object_set_new(object, d->reporting.quantities[i].name,
                            summary_json(&d->reporting.quantities[i], d->M, d->weight));
    return object;
}

json_t *posterior_warnings(const Posterior *p)
{
    json_t *list = json_array();

    for (int i = 0; i < p->n_warnings; i++)
        json_array_append_new(list, json_pack("{s:s, s:s}", "code", p->warnings[i].code, "text",
                                              p->warnings[i].text));
    return list;
}

json_t *posterior_method(const Posterior *p)
{
    return json_pack("{s:s, s:s}", "name", p->method, "why", p->why_method);
}

json_t *posterior_gradient(const Posterior *p)
{
    return json_pack("{s:o, s:o, s:i}", "snr", json_number(p->snr), "by_chance",
                     json_number(1 / sqrt(SNR_DRAWS)), "draws", (int)SNR_DRAWS);
}

/* ---- the family ------------------------------------------------------------------------------ */

static json_t *vector_json(long n, const double *x)
{
    json_t *list = json_array();

    for (long i = 0; i < n; i++)
        json_array_append_new(list, json_number(x[i]));
    return list;
}

void posterior_free_name(const Posterior *p, long number, char *text, size_t size)
{
    for (int i = 0; i < p->model->n_latents; i++) {
        long at, n = density_latent(p->density, FORM_FREE, i, &at);

        if (number < at + n) {
            if (n == 1)
                snprintf(text, size, "%s", p->model->latents[i].name);
            else
                snprintf(text, size, "%s[%ld]", p->model->latents[i].name, number - at);
            return;
        }
    }
}

/* Weight, means and standard deviations of each part of a mixture. */
static json_t *components_json(const Mixture *q)
{
    double *sd = dgm_alloc((size_t)(q->n + 1) * sizeof *sd);
    json_t *list = json_array();

    for (long k = 0; k < q->parts; k++) {
        const Gaussian *part = &q->part[k];

        gaussian_sds(part, sd);
        json_array_append_new(list, json_pack("{s:o, s:s, s:o, s:o}", "weight",
                                              json_number(q->weight[k]), "family",
                                              family_name(part->kind), "mean",
                                              vector_json(q->n, part->mean), "sd",
                                              vector_json(q->n, sd)));
    }
    free(sd);
    return list;
}

/* Means, standard deviations and correlations of the free numbers. */
static json_t *family_json(const Posterior *p)
{
    enum { MOST_CORRELATED = 200 };
    const Mixture *q = &p->fit.q;
    long n = q->n, kept = n <= MOST_CORRELATED && !fit_is_point(&p->fit) ? n : 0;
    double *C = dgm_alloc((size_t)(kept * kept + 1) * sizeof *C);
    double *mean = dgm_alloc((size_t)(2 * n + 1) * sizeof *mean), *sd = mean + n;
    json_t *names = json_array(), *rows = json_array();

    mixture_mean(q, mean);
    mixture_sds(q, sd);
    for (long i = 0; i < n && fit_is_point(&p->fit); i++)
        sd[i] = NAN;
    if (kept > 0)
        mixture_covariance(q, C);
    for (long i = 0; i < n; i++) {
        char name[240] = "";

        posterior_free_name(p, i, name, sizeof name);
        json_array_append_new(names, json_string(name));
    }
    for (long i = 0; i < kept; i++) {
        for (long j = 0; j < n; j++)
            C[i * n + j] /= sd[i] * sd[j];
        json_array_append_new(rows, vector_json(n, C + i * n));
    }
    json_t *object = json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "family", p->family_text, "why",
                               p->why_family, "names", names, "mean", vector_json(n, mean), "sd",
                               vector_json(n, sd), "correlation", rows);
    if (q->parts > 1)
        json_object_set_new(object, "components", components_json(q));
    free(mean);
    free(C);
    return object;
}

/* ---- all ------------------------------------------------------------------------------------- */

/* NaN where the weights have no tail. */
static double khat_of(const Sample *s)
{
    return psis_even(&s->psis, s->M) ? NAN : s->psis.khat;
}

json_t *posterior_json(Posterior *p)
{
    const Fit *f = &p->fit;
    const Sample *s = fit_sample(f);
    json_t *root = json_object();

    json_object_set_new(root, "model", json_string(p->model->name));
    json_object_set_new(root, "converged", json_boolean(f->bound.converged && fit_resolved(f)));
    json_object_set_new(root, "elbo", json_number(f->elbo));
    json_object_set_new(root, "elbo_se", json_number(f->elbo_se));
    json_object_set_new(root, "khat", json_number(khat_of(s)));
    json_object_set_new(root, "khat_limit", json_number(s->psis.threshold));
    json_object_set_new(root, "ess", json_number(s->psis.ess));
    json_object_set_new(root, "draws", json_integer(s->M));
    json_object_set_new(root, "moves", json_integer(s->moves));
    json_object_set_new(root, "warnings", posterior_warnings(p));
    json_object_set_new(root, "method", posterior_method(p));
    json_object_set_new(root, "parameterization", json_string(p->form == FORM_NONCENTRED
                                                              ? "noncentred" : "centred"));
    json_object_set_new(root, "posterior_by", json_string(p->source));
    json_object_set_new(root, "khat_of_family", json_number(khat_of(&f->plain)));
    json_object_set_new(root, "ess_of_family", json_number(f->plain.psis.ess));
    json_object_set_new(root, "error", json_number(f->bound.error));
    json_object_set_new(root, "fixed_draws", json_integer(f->bound.draws));
    json_object_set_new(root, "gradient", posterior_gradient(p));
    json_object_set_new(root, "steps", json_integer(f->bound.iterations));
    json_object_set_new(root, "evaluations", json_integer(p->target.evaluations));
    json_object_set_new(root, "seconds", json_number(p->seconds));
    json_object_set_new(root, "seed", json_integer((json_int_t)p->session.seed));
    json_object_set_new(root, "evidence", posterior_evidence(p));
    if (p->held_out.wanted)
        json_object_set_new(root, "held_out", heldout_json(p));
    json_object_set_new(root, "posterior", summaries_json(&p->posterior));
    json_object_set_new(root, "family", summaries_json(&p->family));
    json_object_set_new(root, "fit", family_json(p));
    return root;
}

/* Where several orders of labels are reported at once, a label alone tells nothing. */
static void print_labels(const Posterior *p)
{
    char names[200];

    if (!labels_mixed(&p->target, &p->fit.q))
        return;
    labels_text(p, names, sizeof names);
    printf("  the labels of %s can change places: each label has the posterior of all of them; an\n"
           "  `ordered` support, or priors that differ, would tell them apart\n", names);
}

static void print_weights(const Posterior *p)
{
    const Fit *f = &p->fit;
    const Sample *s = fit_sample(f);

    printf("  elbo %.3f (se %.3f), log evidence %.3f (se %.3f)\n", f->elbo, f->elbo_se, s->evidence,
           s->evidence_se);
    if (isfinite(khat_of(s)))
        printf("  k-hat %.2f (limit %.2f), ", s->psis.khat, s->psis.threshold);
    else
        printf("  %s", s->moves == 0 && psis_even(&s->psis, s->M) ? "weights all but equal, " : "");
    printf("%.0f effective draws of %ld, by %s\n", s->psis.ess, s->M, p->source);
    if (!isnan(p->snr))
        printf("  gradient signal-to-noise %.3f over %d draws (%.3f by chance)\n", p->snr,
               (int)SNR_DRAWS, 1 / sqrt(SNR_DRAWS));
    print_labels(p);
}

void posterior_print(const Posterior *p)
{
    const Fit *f = &p->fit;

    printf("%s: %ld free numbers, %s (%s), ", p->model->name, p->target.n, p->family_text,
           p->why_family);
    if (f->bound.draws > 0 && p->target.n > 0)
        printf("%ld steps on %ld fixed draws, ", f->bound.iterations, f->bound.draws);
    printf("%.2f s\n", p->seconds);
    printf("  method %s: %s\n", p->method, p->why_method);
    if (p->why_form != NULL)
        printf("  %s\n", p->why_form);
    if (fit_is_point(f))
        printf("  log density of the free numbers %.3f\n", f->start.log_density);
    else if (p->target.n == 0)
        printf("  log evidence %.6f\n", f->elbo);
    else
        print_weights(p);
    if (p->held_out.wanted)
        heldout_print(p);
    printf("\n");
    if (p->posterior.n > 0)
        summaries_print(p->posterior.latents, p->posterior.n, p->posterior.M, p->posterior.weight);
    if (p->posterior.reporting.n > 0)
        summaries_print(p->posterior.reporting.quantities, p->posterior.reporting.n, p->posterior.M,
                        p->posterior.weight);
}
