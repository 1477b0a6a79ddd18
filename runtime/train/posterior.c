/* posterior.c - `posterior`: the posterior of the latents given data, without any tuning.
 *
 *     --family NAME     auto, meanfield, lowrank(K) or fullrank
 *     --draws M         weighted draws
 *     --out DIR         report.json
 * The approximation is made on the free numbers (infer/); its draws become values of the latents,
 * and with their importance weights the posterior that is reported.
 */
#include "density/density.h"
#include "infer/infer.h"
#include "train/train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct Posterior {
    const DgmModel *model;
    Options *options;
    Session session;
    DataSet data;
    DgmDensity *density;               /* the first of the copies */
    void **copies;                     /* [threads] densities */
    Target target;
    Fit fit;
    Reporting reporting;               /* latents at the draws, and quantities of `report` */
    Quantity *latents;                 /* [n_latents], draws in reporting.latent */
    double seconds;
} Posterior;

static double log_density(void *of, const double *u, double *gradient)
{
    return density_log_prob(of, FORM_FREE, u, NULL, gradient);
}

/* Draws are dealt out to the threads: each has a density of its own, which runs alone. */
static void open_target(Posterior *p)
{
    int copies = p->session.threads;

    p->copies = dgm_alloc((size_t)copies * sizeof *p->copies);
    for (int i = 0; i < copies; i++)
        p->copies[i] = density_new(p->model, p->data.source, 1);
    p->density = p->copies[0];
    p->target = (Target){.n = density_count(p->density, FORM_FREE), .log_density = log_density,
                         .of = p->copies, .copies = copies};
}

static void close_target(Posterior *p)
{
    for (int i = 0; i < p->target.copies; i++)
        dgm_density_free(p->copies[i]);
    free(p->copies);
}

/* ---- options ----------------------------------------------------------------------------------- */

_Noreturn static void fail_family(const char *text)
{
    dgm_fail(DGM_EXIT_USAGE, "known are auto, meanfield, lowrank(K) and fullrank",
             "there is no family `%s`", text);
}

/* Full rank while its parameters are not too many to fit. */
static void choose_family(const Posterior *p, FitRules *rules)
{
    enum { FULL_UP_TO = 1200, RANK = 10 };
    const char *text = option_text(p->options, OPT_FAMILY);
    char rest;
    int rank = RANK;

    rules->kind = p->target.n <= FULL_UP_TO ? FAMILY_FULLRANK : FAMILY_LOWRANK;
    if (strcmp(text, "meanfield") == 0)
        rules->kind = FAMILY_MEANFIELD;
    else if (strcmp(text, "fullrank") == 0)
        rules->kind = FAMILY_FULLRANK;
    else if (strcmp(text, "lowrank") == 0
             || (sscanf(text, "lowrank(%d%c", &rank, &rest) == 2 && rest == ')' && rank > 0))
        rules->kind = FAMILY_LOWRANK;
    else if (strcmp(text, "auto") != 0)
        fail_family(text);
    rules->rank = rank < p->target.n ? rank : p->target.n;
}

/* ---- draws ------------------------------------------------------------------------------------- */

/* The draws of the fit as values of the latents. */
static void constrain(Posterior *p)
{
    const DgmModel *m = p->model;
    Reporting *r = &p->reporting;
    long values = density_count(p->density, FORM_VALUES);
    double *x = dgm_alloc((size_t)(values + 1) * sizeof *x);

    *r = (Reporting){.model = m, .M = p->fit.draws, .N = p->data.N};
    r->latent = dgm_alloc(((size_t)m->n_latents + 1) * sizeof *r->latent);
    p->latents = dgm_alloc(((size_t)m->n_latents + 1) * sizeof *p->latents);
    for (int i = 0; i < m->n_latents; i++) {
        Shape s = shape_of_latent(&m->latents[i], density_rows(p->density));

        r->latent[i] = dgm_alloc((size_t)(r->M * s.count + 1) * sizeof **r->latent);
        p->latents[i] = (Quantity){m->latents[i].name, s, DGM_ELEM_REAL, r->latent[i]};
    }
    for (long k = 0; k < r->M; k++) {
        density_map(p->density, FORM_FREE, p->fit.U + k * p->target.n, x);
        for (int i = 0; i < m->n_latents; i++) {
            long at, n = density_latent(p->density, FORM_VALUES, i, &at);

            memcpy(r->latent[i] + k * n, x + at, (size_t)n * sizeof *x);
        }
    }
    free(x);
}

/* ---- report.json ------------------------------------------------------------------------------- */

static json_t *posterior_json(const Posterior *p, const double *weight)
{
    json_t *object = json_object();

    for (int i = 0; i < p->model->n_latents; i++)
        json_object_set_new(object, p->latents[i].name,
                            summary_json(&p->latents[i], p->fit.draws, weight));
    for (int i = 0; i < p->reporting.n; i++)
        json_object_set_new(object, p->reporting.quantities[i].name,
                            summary_json(&p->reporting.quantities[i], p->fit.draws, weight));
    return object;
}

static void write_report(const Posterior *p, const char *dir)
{
    const Fit *f = &p->fit;
    json_t *root = json_object();
    char *path = path_join(dir, "report.json");

    json_object_set_new(root, "converged", json_boolean(f->bound.converged));
    json_object_set_new(root, "elbo", json_number(f->elbo));
    json_object_set_new(root, "elbo_se", json_number(f->elbo_se));
    json_object_set_new(root, "evidence", json_number(f->evidence));
    json_object_set_new(root, "evidence_se", json_number(f->evidence_se));
    json_object_set_new(root, "khat", json_number(f->psis.khat));
    json_object_set_new(root, "ess", json_number(f->psis.ess));
    json_object_set_new(root, "error", json_number(f->bound.error));
    json_object_set_new(root, "fixed_draws", json_integer(f->bound.draws));
    json_object_set_new(root, "steps", json_integer(f->bound.iterations));
    json_object_set_new(root, "evaluations", json_integer(p->target.evaluations));
    json_object_set_new(root, "seconds", json_number(p->seconds));
    json_object_set_new(root, "posterior", posterior_json(p, f->weight));
    json_object_set_new(root, "family", posterior_json(p, NULL));
    json_write(root, path);
    free(path);
}

/* ---- the command ------------------------------------------------------------------------------- */

int command_posterior(Options *o)
{
    Posterior p = {.model = o->model, .options = o};
    const char *dir = option_text(o, OPT_OUT_POSTERIOR);

    program_needed(o->model->log_prob_free, "posterior", "`dgmc explain` says why");
    if (sizeof(Real) != sizeof(double))
        dgm_fail(DGM_EXIT_USAGE, "compile the model with --precision f64",
                 "posterior computes in double precision, and %s in single", o->model->name);
    if (dir != NULL)
        directory_make(dir);
    p.session = session_open(o);
    p.data = data_open(&p.session, OPT_DATA, 0);
    double start = clock_seconds();
    open_target(&p);
    FitRules rules = {.draws = (long)option_count(o, OPT_POSTERIOR_DRAWS, 4000),
                      .seed = p.session.seed};
    choose_family(&p, &rules);
    p.fit = fit_posterior(&p.target, rules);
    p.seconds = clock_seconds() - start;
    if (!p.fit.start.found)
        dgm_fail(DGM_EXIT_NUMERIC, "`log-prob --at` shows which term is not finite",
                 "no point with a finite density was found");
    constrain(&p);
    if (dir != NULL)
        write_report(&p, dir);
    summaries_print(p.latents, o->model->n_latents, p.fit.draws, p.fit.weight);
    printf("elbo %.3f (se %.3f)  evidence %.3f (se %.3f)  khat %.2f  ess %.0f  error %.3f  draws %ld"
           "  steps %ld evals %ld levels %ld plain %.2f %.0f  %.2f s\n", p.fit.elbo, p.fit.elbo_se, p.fit.evidence,
           p.fit.evidence_se, p.fit.psis.khat, p.fit.psis.ess, p.fit.bound.error, p.fit.bound.draws,
           p.fit.bound.iterations, p.target.evaluations, p.fit.levels, p.fit.plain.khat, p.fit.plain.ess, p.seconds);
    reporting_free(&p.reporting);
    free(p.latents);
    fit_free(&p.fit);
    close_target(&p);
    data_close(&p.data);
    session_close(&p.session);
    return DGM_OK;
}
