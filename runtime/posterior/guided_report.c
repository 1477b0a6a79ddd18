/* guided_report.c - what `posterior` by the family of the spec says, and report.json.
 *
 * Fields are those of report.c where they mean the same; beside them `gain` (of the last
 * window, nats per row), `gradient`, `parameters`, `khat_of_rows`; `held_out` is in nats per row,
 * and its `best` the step of best.safetensors, where that is not the last.
 */
#include "posterior/guided.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- quantities of `report` ------------------------------------------------------------------ */

static const Quantity *drawn_latent(const Guided *g, const char *name)
{
    for (int i = 0; i < g->p->posterior.n; i++)
        if (strcmp(g->p->posterior.latents[i].name, name) == 0)
            return &g->p->posterior.latents[i];
    return NULL;
}

/* Values of the parameters, on their supports. */
static Gathered parameters(Guided *g)
{
    DataSet none = data_none(g->p->model, 1);
    Gathered of = gather(&g->t.s, &none, g->p->model->constrain, DGM_STREAM_SAMPLE, 1, 1, 1);

    data_close(&none);
    return of;
}

/* Is latent i of the density drawn in full, or a parameter? */
static bool known(const Guided *g, int i)
{
    const DgmModel *m = g->p->model;
    const Quantity *q = drawn_latent(g, m->latents[i].name);
    Shape all = shape_of_latent(&m->latents[i], g->t.plan.N);

    return q != NULL ? q->shape.count == all.count
                     : m->constrain != NULL && output_find(m->constrain, m->latents[i].name) >= 0;
}

void guided_report(Guided *g)
{
    const DgmModel *m = g->p->model;
    long M = g->p->posterior.M;
    Reporting *r = &g->p->posterior.reporting;

    *r = (Reporting){.model = m, .M = M, .N = g->t.plan.N};
    bool any = (m->report != NULL || m->n_predicted > 0) && m->n_latents > 0;
    for (int i = 0; i < m->n_latents && any; i++)
        any = known(g, i);
    r->latent = dgm_alloc(((size_t)m->n_latents + 1) * sizeof *r->latent);
    if (!any)
        return;
    Gathered values = parameters(g);
    for (int i = 0; i < m->n_latents; i++) {
        const Quantity *q = drawn_latent(g, m->latents[i].name);
        long count = shape_of_latent(&m->latents[i], r->N).count;

        r->latent[i] = dgm_alloc((size_t)(M * count + 1) * sizeof **r->latent);
        for (long k = 0; k < M * count; k++)
            r->latent[i][k] = q != NULL ? q->draws[k] : (double)values.value[
                output_find(m->constrain, m->latents[i].name)][k % count];
    }
    gathered_free(&values);
    data_room(&g->t.train, g->t.plan.N);
    report_all(r, &g->t.s, &g->t.train);
}

/* ---- doubts ---------------------------------------------------------------------------------- */

void guided_doubts(Guided *g)
{
    const Automatic *a = &g->t.state.automatic;
    Posterior *p = g->p;

    if (!a->converged && g->fixed)
        doubt(p, "converged", "the bound may gain %.2g nats by more than %ld fixed draws: the "
              "posterior may be improper, or have a shape that the family cannot follow",
              a->limit * (double)g->t.plan.N, a->draws);
    else if (!a->converged)
        doubt(p, "converged", "the bound may still be rising after %llu steps, from window to "
              "window by %.2g nats a row: give more --steps",
              (unsigned long long)g->t.state.step, a->gain.mean);
    if (g->per_row && 10 * g->bad_rows > g->rows)
        doubt(p, "khat", "the weights of %ld of %ld rows are too uneven: their posteriors are "
              "wider or of another shape than the family's", g->bad_rows, g->rows);
    if (!g->per_row && g->weight != NULL && p->posterior.weight == NULL)
        doubt(p, "khat", "the importance weights are too uneven (k-hat %.2f for a limit of %.2f, "
              "%.0f effective draws of %ld): what is reported is the family's own posterior, "
              "which may be wrong in its means and too narrow", g->psis.khat, g->psis.threshold,
              g->psis.ess, p->posterior.M);
}

/* ---- what is said ---------------------------------------------------------------------------- */

static json_t *summaries(const Guided *g, const double *weight)
{
    const Drawn *d = &g->p->posterior;
    json_t *object = json_object();

    for (int i = 0; i < g->p->posterior.n; i++) {
        const DgmOutput *out = &g->p->model->encode->outputs[g->output[i]];
        long all = out->count * (out->rows ? g->t.plan.N : 1);

        json_object_set_new(object, d->latents[i].name,
                            all == d->latents[i].shape.count
                                ? summary_json(&d->latents[i], d->M, weight)
                                : json_pack("{s:I, s:s}", "numbers", (json_int_t)all, "omitted",
                                            "too many for this file: `encode` writes them"));
    }
    for (int i = 0; i < d->reporting.n; i++)
        json_object_set_new(object, d->reporting.quantities[i].name,
                            summary_json(&d->reporting.quantities[i], d->M, weight));
    return object;
}

static json_t *parameters_json(Guided *g)
{
    json_t *object = json_object();

    if (g->p->model->constrain == NULL)
        return object;
    Gathered of = parameters(g);
    for (int i = 0; i < of.program->n_outputs; i++) {
        const DgmOutput *out = &of.program->outputs[i];

        json_object_set_new(object, out->name,
                            reals_json(of.value[i], shape_of(false, 1, out->rank, out->shape),
                                       DGM_ELEM_REAL, 0));
    }
    gathered_free(&of);
    return object;
}

/* Is best.safetensors of an earlier step, whose held-out objective was better than that of the last
 * mean, which everything here is of? */
static bool best_is_earlier(const Guided *g)
{
    const RunState *s = &g->t.state;

    return g->t.dir != NULL && g->t.has_valid && isfinite(s->best) && s->best_step < s->step;
}

static json_t *valid_json(const Guided *g)
{
    const Likelihood *l = &g->valid_likelihood;
    json_t *object = json_pack("{s:I, s:o}", "rows", (json_int_t)g->t.valid.N, "elbo",
                               json_number(running_report(g->valid).elbo));

    json_object_set_new(object, "log_likelihood", json_number(l->known ? l->mean : NAN));
    json_object_set_new(object, "log_likelihood_se", json_number(l->known ? l->se : NAN));
    if (best_is_earlier(g))
        json_object_set_new(object, "best", json_pack("{s:I, s:o}", "step",
                                                      (json_int_t)g->t.state.best_step, "objective",
                                                      json_number(g->t.state.best)));
    return object;
}

static json_t *report_json(Guided *g)
{
    const Posterior *p = g->p;
    const Automatic *a = &g->t.state.automatic;
    json_t *root = json_object();

    json_object_set_new(root, "model", json_string(p->model->name));
    json_object_set_new(root, "converged", json_boolean(a->converged));
    json_object_set_new(root, "elbo", json_number(g->elbo));
    json_object_set_new(root, "elbo_se", json_number(g->elbo_se));
    json_object_set_new(root, "khat", json_number(g->psis.khat));
    json_object_set_new(root, "khat_limit", json_number(g->psis.threshold));
    json_object_set_new(root, "ess", json_number(g->psis.ess));
    if (g->per_row)
        json_object_set_new(root, "khat_of_rows",
                            json_pack("{s:I, s:I}", "rows", (json_int_t)g->rows, "above_limit",
                                      (json_int_t)g->bad_rows));
    json_object_set_new(root, "draws", json_integer(p->posterior.M));
    json_object_set_new(root, "warnings", posterior_warnings(p));
    json_object_set_new(root, "method", posterior_method(p));
    json_object_set_new(root, "posterior_by", json_string(p->source));
    json_object_set_new(root, "gradient", posterior_gradient(p));
    json_object_set_new(root, "gain", json_pack("{s:o, s:o, s:o, s:o}", "last",
                                                json_number(a->gain.mean), "se",
                                                json_number(a->gain.se), "limit",
                                                json_number(a->limit), "tolerance",
                                                json_number(a->tolerance)));
    if (g->fixed)
        json_object_set_new(root, "fixed_draws", json_integer(a->draws));
    else
        json_object_set_new(root, "step_size", json_number(a->rate));
    json_object_set_new(root, "batch", json_integer(g->t.plan.batch));
    json_object_set_new(root, "steps", json_integer((json_int_t)g->t.state.step));
    json_object_set_new(root, "seconds", json_number(p->seconds));
    json_object_set_new(root, "seed", json_integer((json_int_t)g->t.s.seed));
    if (!g->per_row && g->weight != NULL)
        json_object_set_new(root, "evidence", json_pack("{s:o, s:o}", "log",
                                                        json_number(g->evidence), "se",
                                                        json_number(g->evidence_se)));
    if (g->valid != NULL)
        json_object_set_new(root, "held_out", valid_json(g));
    json_object_set_new(root, "parameters", parameters_json(g));
    json_t *family = summaries(g, NULL);
    json_object_set_new(root, "posterior", p->posterior.weight == NULL
                        ? json_incref(family) : summaries(g, p->posterior.weight));
    json_object_set_new(root, "family", family);
    return root;
}

static void print(const Guided *g)
{
    const Posterior *p = g->p;
    const Automatic *a = &g->t.state.automatic;
    const Drawn *d = &p->posterior;

    printf("%s: %llu steps on %ld ", p->model->name, (unsigned long long)g->t.state.step,
           g->fixed ? a->draws : g->t.plan.batch);
    if (g->fixed)
        printf("fixed draws");
    else
        printf("rows, last of size %g", a->rate);
    printf(", %.2f s\n  method %s: %s\n", p->seconds, p->method, p->why_method);
    printf("  elbo %.3f (se %.3f)\n", g->elbo, g->elbo_se);
    printf("  gradient signal-to-noise %.3f over %d steps (%.3f by chance)\n", p->snr,
           (int)SNR_DRAWS, 1 / sqrt(SNR_DRAWS));
    if (g->per_row)
        printf("  k-hat of %ld rows: %.2f in the middle, %ld above %.2f; the posterior is %s\n",
               g->rows, g->psis.khat, g->bad_rows, g->psis.threshold, p->source);
    else if (g->weight != NULL)
        printf("  k-hat %.2f (limit %.2f), %.0f effective draws of %ld, by %s\n", g->psis.khat,
               g->psis.threshold, g->psis.ess, d->M, p->source);
    if (g->valid != NULL)
        printf("  held out: elbo %.4f, log likelihood %.4f (se %.4f) nats a row, %ld rows\n",
               running_report(g->valid).elbo, g->valid_likelihood.mean, g->valid_likelihood.se,
               g->t.valid.N);
    if (best_is_earlier(g))
        printf("  this is the last mean; best.safetensors is of step %llu, the best held out\n",
               (unsigned long long)g->t.state.best_step);
    printf("\n");
    summaries_print(d->latents, d->n, d->M, d->weight);
    if (d->reporting.n > 0)
        summaries_print(d->reporting.quantities, d->reporting.n, d->M, d->weight);
}

void guided_say(Guided *g)
{
    if (!g->t.s.quiet && !option_flag(g->p->options, OPT_JSON))
        print(g);
    if (!posterior_is_kept(g->p))
        return;
    posterior_publish(g->p, report_json(g));
    if (g->t.dir != NULL)
        pictures_of_run(&g->t.s, &g->t.train, g->t.dir);
}
