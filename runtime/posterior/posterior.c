/* posterior.c - `posterior`: the posterior of the latents given data, without any tuning.
 *
 *     --family NAME     auto, meanfield, lowrank(K), fullrank, mixture(K), laplace or map
 *     --method NAME     auto or deterministic
 *     --valid FILE      held-out data, for their predictive density
 *     --draws M         weighted draws
 *     --budget SECONDS  ends the fit, as Ctrl-C does, with the best answer so far
 *     --out DIR         report.json and pictures
 *     --save-draws      equally weighted draws there too
 *     --json            report.json on stdout
 *     --strict          exit code 7 where the answer is doubtful
 * The approximation is made on the free numbers (infer/); its draws become values of the latents,
 * and with their importance weights the posterior that is reported, where those can be trusted.
 */
#include "posterior/posterior.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SNR_STREAM = 600000 };          /* of noise, which the fit does not use */

/* ---- the density as a target ----------------------------------------------------------------- */

/* On a terminal, what goes on: a few times a second, from the first copy alone. */
static void show(const Copy *copy)
{
    Posterior *p = copy->owner;
    double now = clock_seconds();

    if (now < p->shown + 0.2)
        return;
    p->shown = now;
    fprintf(stderr, "\r\033[K%s: %ld evaluations, %.0f s", p->target.stage, p->target.evaluations,
            now - p->start);
    fflush(stderr);
}

/* By the budget or by a signal. Once late, always late. */
static bool late(void *clock)
{
    Posterior *p = clock;

    p->cut = p->cut || signals_stop() != 0 || clock_seconds() > p->start + p->budget;
    return p->cut;
}

static double log_density(void *of, const double *u, double *gradient)
{
    const Copy *copy = of;

    if (copy->shows)
        show(copy);
    return density_log_prob(copy->density, copy->form, u, NULL, gradient);
}

/* Draws are dealt out to the threads: each has a density of its own, which runs alone. */
static void open_target(Posterior *p)
{
    int n = p->session.threads;

    p->copies = dgm_alloc((size_t)n * sizeof *p->copies);
    p->target = (Target){.log_density = log_density, .copies = n, .late = late, .clock = p};
    p->target.of = p->pointers = dgm_alloc((size_t)n * sizeof *p->pointers);
    for (int i = 0; i < n; i++) {
        p->copies[i] = (Copy){.density = density_new(p->model, p->data.source, 1),
                              .form = FORM_FREE, .owner = p,
                              .shows = i == 0 && !p->session.quiet && dgm_stderr_redraws()};
        p->pointers[i] = &p->copies[i];
    }
    p->density = p->copies[0].density;
    p->target.n = density_count(p->density, FORM_FREE);
    p->target.work = program_work(p->model->log_prob_free, density_rows(p->density));
}

static void take_form(Posterior *p, DensityForm form)
{
    p->form = form;
    for (int i = 0; i < p->target.copies; i++)
        p->copies[i].form = form;
}

static void close_target(Posterior *p)
{
    for (int i = 0; i < p->target.copies; i++)
        dgm_density_free(p->copies[i].density);
    free(p->copies);
    free(p->pointers);
}

/* ---- draws ----------------------------------------------------------------------------------- */

/* Free numbers [M][n] as values of the latents, and what the model reports of them. */
static Drawn drawn(Posterior *p, const Sample *s, const double *weight)
{
    const DgmModel *m = p->model;
    Drawn d = {.M = s->M, .weight = weight, .n = m->n_latents};
    Reporting *r = &d.reporting;
    double *x = dgm_alloc((size_t)(density_count(p->density, FORM_VALUES) + 1) * sizeof *x);

    *r = (Reporting){.model = m, .M = s->M, .N = p->data.N};
    r->latent = dgm_alloc(((size_t)m->n_latents + 1) * sizeof *r->latent);
    d.latents = dgm_alloc(((size_t)m->n_latents + 1) * sizeof *d.latents);
    for (int i = 0; i < m->n_latents; i++) {
        Shape shape = shape_of_latent(&m->latents[i], density_rows(p->density));

        r->latent[i] = dgm_alloc((size_t)(s->M * shape.count + 1) * sizeof **r->latent);
        d.latents[i] = (Quantity){m->latents[i].name, shape, DGM_ELEM_REAL, r->latent[i]};
    }
    for (long k = 0; k < s->M; k++) {
        density_map(p->density, p->form, s->U + k * p->target.n, x);
        for (int i = 0; i < m->n_latents; i++) {
            long at, n = density_latent(p->density, FORM_VALUES, i, &at);

            memcpy(r->latent[i] + k * n, x + at, (size_t)n * sizeof *x);
        }
    }
    free(x);
    if (m->report != NULL || m->n_predicted > 0)
        report_all(r, &p->session, &p->data);
    return d;
}

static void drawn_free(Drawn *d)
{
    reporting_free(&d->reporting);
    free(d->latents);
}

/* Moved draws where there are any; weighted where the weights can be trusted; else the family. */
static void take_posterior(Posterior *p)
{
    const Sample *best = fit_sample(&p->fit), *plain = &p->fit.plain;

    p->family = drawn(p, plain, NULL);
    if (fit_is_point(&p->fit)) {
        p->posterior = drawn(p, plain, NULL);
        p->source = "the mode alone";
    } else if (best->moves > 0 || fit_reliable(&p->fit)) {
        p->posterior = drawn(p, best, best->weight);
        p->source = best->moves > 0 ? "moved draws"
                  : best->levels > 0 ? "annealed importance weights" : "importance weights";
    } else {
        p->posterior = drawn(p, plain, NULL);
        p->source = "the family itself";
    }
}

/* ---- the command ----------------------------------------------------------------------------- */

static void check_density(const Posterior *p)
{
    program_needed(p->model->log_prob_free, "posterior", "`dgmc explain` says why");
    if (sizeof(Real) != sizeof(double))
        dgm_fail(DGM_EXIT_USAGE, "compile the model with --precision f64",
                 "posterior computes in double precision, and %s in single", p->model->name);
}

static void open_all(Posterior *p)
{
    check_density(p);
    if (option_given(p->options, OPT_HELD_OUT))
        heldout_check(p);
    if (option_given(p->options, OPT_OUT_POSTERIOR))
        directory_make(option_text(p->options, OPT_OUT_POSTERIOR));
    p->session = session_open(p->options);
    p->data = data_open(&p->session, OPT_DATA, 0);
    data_room(&p->data, p->data.N);
    open_target(p);
}

/* The same posterior where hierarchies are non-centred; the one of the higher bound is kept as
 * p->fit, and the other returned. */
static Fit fit_noncentred(Posterior *p)
{
    take_form(p, FORM_NONCENTRED);
    Fit other = fit_posterior(&p->target, p->fit.rules);
    if (other.start.found && other.elbo > p->fit.elbo) {
        Fit centred = p->fit;

        p->fit = other;
        p->why_form = "non-centred: its bound is higher";
        return centred;
    }
    take_form(p, FORM_FREE);
    p->why_form = "centred: its bound is higher";
    return other;
}

/* Non-centred draws in the free numbers of the centred form; [M][n] in place. */
static void to_centred(Posterior *p, const Sample *s)
{
    double *x = dgm_alloc((size_t)(density_count(p->density, FORM_VALUES) + 1) * sizeof *x);

    for (long k = 0; k < s->M; k++) {
        density_map(p->density, FORM_NONCENTRED, s->U + k * p->target.n, x);
        density_map(p->density, FORM_VALUES, x, s->U + k * p->target.n);
    }
    free(x);
}

/* Where scales are near 0 only the non-centred numbers move freely, and elsewhere often the centred
 * ones alone: draws are moved as the one, then as the other. There is no way back. */
static void refine_both(Posterior *p, Fit *noncentred)
{
    take_form(p, FORM_NONCENTRED);
    noncentred->passes = true;
    fit_refine(&p->target, noncentred);
    take_form(p, FORM_FREE);
    const Sample *s = fit_sample(noncentred);
    to_centred(p, s);
    fit_move(&p->target, &p->fit, s);
}

/* Is it a law of the same posterior, nearly? A bound far below is of a climb gone astray, or
 * of scales nowhere near 0. */
static bool comes_near(const Posterior *p, const Fit *other)
{
    return other->start.found && p->fit.q.parts == 1 && other->q.parts == 1
        && other->elbo > p->fit.elbo - (double)p->target.n - 10;
}

static void refine(Posterior *p)
{
    Fit other = {.start.found = false};

    if (p->model->log_prob_noncentred == NULL) {
        fit_refine(&p->target, &p->fit);
        return;
    }
    if ((fit_reliable(&p->fit) && fit_stands(&p->target, &p->fit)) || target_late(&p->target))
        return;
    other = fit_noncentred(p);
    if (p->form == FORM_FREE && comes_near(p, &other) && !target_late(&p->target))
        refine_both(p, &other);
    else
        fit_refine(&p->target, &p->fit);
    fit_free(&other);
}

static void deterministic_fit(Posterior *p)
{
    FitRules rules = family_rules(p);

    p->start = p->shown = clock_seconds();
    p->budget = option_real(p->options, OPT_BUDGET, INFINITY);
    signals_begin();
    rules.seed = p->session.seed;
    rules.draws = (long)option_count(p->options, OPT_POSTERIOR_DRAWS, 0);
    rules.draws += rules.draws % 2;    /* they come in pairs */
    take_form(p, FORM_FREE);
    labels_find(p);
    p->fit = fit_posterior(&p->target, rules);
    if (!p->fit.start.found)
        fail_nowhere(p);
    refine(p);
    fit_again(&p->target, &p->fit);
    p->snr = fit_is_point(&p->fit)
           ? NAN : gradient_snr(&p->target, &p->fit.q, rules.seed, SNR_STREAM, SNR_DRAWS);
    signals_end();
    family_describe(p);
    p->seconds = clock_seconds() - p->start;
    if (p->shown > p->start)
        fprintf(stderr, "\r\033[K");
}

bool posterior_is_kept(const Posterior *p)
{
    return option_flag(p->options, OPT_JSON) || option_given(p->options, OPT_OUT_POSTERIOR);
}

void posterior_publish(const Posterior *p, json_t *report)
{
    const Options *o = p->options;
    const char *dir = option_text(o, OPT_OUT_POSTERIOR);

    if (option_flag(o, OPT_JSON))
        json_write(json_incref(report), "-");
    stdout_finish();
    if (dir != NULL) {
        char *path = path_join(dir, "report.json");

        json_write(json_incref(report), path);
        free(path);
        if (option_flag(o, OPT_SAVE_DRAWS))
            posterior_draws(p, dir);
        if (p->posterior.M > 1)
            posterior_pictures(p, dir);
    }
    json_decref(report);
}

static void results(Posterior *p)
{
    if (!p->session.quiet && !option_flag(p->options, OPT_JSON))
        posterior_print(p);
    if (posterior_is_kept(p))
        posterior_publish(p, posterior_json(p));
}

void posterior_by_density(Posterior *p)
{
    open_all(p);
    deterministic_fit(p);
    take_posterior(p);
    if (option_given(p->options, OPT_HELD_OUT))
        heldout_score(p);
    verdict(p);
    results(p);
    drawn_free(&p->family);
    drawn_free(&p->posterior);
    fit_free(&p->fit);
    free(p->held_out.row);
    labels_free(p);
    close_target(p);
    data_close(&p->data);
    session_close(&p->session);
}

int command_posterior(Options *o)
{
    Posterior p = {.model = o->model, .options = o};

    if (method_choose(&p))
        posterior_guided(&p);
    else
        posterior_by_density(&p);
    for (int i = 0; i < p.n_warnings; i++)
        dgm_warn("%s: %s", p.warnings[i].code, p.warnings[i].text);
    return p.n_warnings > 0 && option_flag(o, OPT_STRICT) ? DGM_EXIT_DOUBT : DGM_OK;
}
