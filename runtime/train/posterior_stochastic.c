/* posterior_stochastic.c - `posterior` by stochastic training: where the density of all latents is
 * not to be had (nets, drawn discrete latents), or the spec says what to fit (a family, a batch).
 *
 * The family of the spec is trained by `optimizer auto` (automatic.c), in DIR if there is one. Its
 * draws are those of `encode`. Where no latent belongs to the rows, `weight` gives the importance
 * weight of each, by the same random numbers, and the posterior is weighted where that can be
 * trusted. Where all do, the weights are of single rows and say how good the family is; the
 * posterior is the family's own. Latents of more than MOST_NUMBERS numbers are for `encode`.
 */
#include "train/posterior.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BLOCK = 10,                        /* draws of a run of a program */
    MOST_NUMBERS = 20000, SHOWN = 20, ROWS_PER_BATCH = 200, ROWS_WEIGHED = 100,
    FEWEST_PASSES = 8, MOST_PASSES = 200, GRADIENTS = 64
};

typedef struct Guided {
    Posterior *p;                      /* what is reported: draws, warnings */
    Training t;
    int *output;                       /* of `encode`, of each latent that is drawn */
    double elbo, elbo_se, snr;
    Psis psis;                         /* of all data, or of the row in the middle */
    bool per_row;
    double *weight, evidence, evidence_se;
    long rows, bad_rows;               /* weighed; above the limit of k-hat */
    Running *valid;
    Likelihood valid_likelihood;
} Guided;

const char *stochastic_reason(const Options *o)
{
    const DgmModel *m = o->model;

    if (m->step == NULL || m->encode == NULL)
        return NULL;
    if (m->log_prob_free == NULL && o->value[OPT_FAMILY].source == FROM_COMMAND)
        dgm_fail(DGM_EXIT_USAGE, "leave out --family: the one of the spec is trained",
                 "--family %s: `%s` has no density of all latents, since it has nets or discrete "
                 "latents that are drawn", option_text(o, OPT_FAMILY), m->name);
    if (m->log_prob_free == NULL)
        return "the model has nets or discrete latents that are drawn";
    if (o->value[OPT_FAMILY].source == FROM_COMMAND)
        return NULL;
    if (m->guided)
        return "the spec says what the latents are drawn from, or by which gradient";
    return m->batch > 0 ? "the train block says minibatches" : NULL;
}

/* ---- training -------------------------------------------------------------------------------- */

/* What `train` takes from the train block and its defaults. */
static void training_options(Options *o)
{
    enum { SMALL = 2000, BATCH = 200 };
    const DgmModel *m = o->model;
    char text[40];

    snprintf(text, sizeof text, "%ld", m->batch);
    option_put(o, OPT_BATCH, text, FROM_MODEL);
    option_put(o, OPT_OPTIMIZER, "auto", FROM_DEFAULT);
    option_put(o, OPT_CLIP, "0", FROM_DEFAULT);
    option_put(o, OPT_LOG_EVERY, "0", FROM_DEFAULT);
    option_put(o, OPT_SAVE_EVERY, "0", FROM_DEFAULT);
    if (m->samples > 0) {
        snprintf(text, sizeof text, "%d", m->samples);
        option_put(o, OPT_SAMPLES_TRAIN, text, FROM_MODEL);
    }
}

/* A directory may hold an earlier posterior, which gives way; not a run of somebody's training. */
static void check_directory(const char *dir)
{
    char *run = path_join(dir, "run.json"), *report = path_join(dir, "report.json");

    if (path_exists(run) && !path_exists(report))
        dgm_fail(DGM_EXIT_USAGE, "choose another --out", "%s already holds a run of `train`", dir);
    free(run);
    free(report);
    directory_make(dir);
}

static void fit(Guided *g)
{
    Options *o = g->p->options;
    Training *t = &g->t;

    training_options(o);
    t->dir = option_text(o, OPT_OUT_POSTERIOR);
    if (t->dir != NULL)
        check_directory(t->dir);
    posterior_check_options(g->p);
    training_open(t, o, false);
    g->p->session = t->s;
    g->p->data = t->train;
    training_loop(t);
    metrics_close(&t->metrics);
    signals_end();
}

/* ---- draws of the family --------------------------------------------------------------------- */

/* Rows of latent i that are kept. */
static long rows_kept(const Guided *g, int i)
{
    const DgmOutput *out = &g->p->model->encode->outputs[g->output[i]];
    long N = out->rows ? g->t.plan.N : 1;

    if (N * out->count <= MOST_NUMBERS || option_flag(g->p->options, OPT_SAVE_DRAWS))
        return N;
    return out->rows ? (SHOWN + out->count - 1) / out->count : 1;
}

static bool is_draw(const DgmOutput *out)
{
    const char *dot = strrchr(out->name, '.');

    return dot == NULL || (strcmp(dot, ".mean") != 0 && strcmp(dot, ".sd") != 0);
}

static void latents_new(Guided *g, long M)
{
    const DgmProgram *p = g->p->model->encode;
    int n = 0;

    g->output = dgm_alloc((size_t)p->n_outputs * sizeof *g->output);
    for (int i = 0; i < p->n_outputs; i++)
        if (is_draw(&p->outputs[i]))
            g->output[n++] = i;
    g->p->posterior = (Drawn){.M = M, .n = n};
    g->p->posterior.latents = dgm_alloc((size_t)(n + 1) * sizeof(Quantity));
    for (int i = 0; i < n; i++) {
        const DgmOutput *out = &p->outputs[g->output[i]];
        Shape shape = shape_of(out->rows, rows_kept(g, i), out->rank, out->shape);

        g->p->posterior.latents[i] = (Quantity){out->name, shape, out->elem, NULL};
        g->p->posterior.latents[i].draws =
            dgm_alloc((size_t)(M * shape.count + 1) * sizeof(double));
    }
}

/* From the buffer of a run, [rows][draws][count], to the draws, [draws][rows][count]. */
static void keep(const Guided *g, const DgmCtx *c, long first, long block)
{
    for (int i = 0; i < g->p->posterior.n; i++) {
        const DgmOutput *out = &c->program->outputs[g->output[i]];
        Quantity *q = &g->p->posterior.latents[i];
        long rows = out->rows ? rows_kept(g, i) - first : 1;

        rows = rows < c->B || !out->rows ? rows : c->B;
        for (long r = 0; r < rows && (out->rows || first == 0); r++)
            for (long s = 0; s < BLOCK; s++) {
                long each = out->samples ? s : 0, per = out->samples ? BLOCK : 1;
                const Real *from = c->out[g->output[i]] + (r * per + each) * out->count;
                double *to = q->draws + (block * BLOCK + s) * q->shape.count
                           + (out->rows ? (first + r) * out->count : 0);

                for (long k = 0; k < out->count; k++)
                    to[k] = (double)from[k];
            }
    }
}

static void draw(Guided *g)
{
    const DgmModel *m = g->p->model;
    DataSet *d = &g->t.train;
    long M = (long)option_count(g->p->options, OPT_POSTERIOR_DRAWS, 0) / BLOCK * BLOCK, most = 1;

    latents_new(g, M);
    for (int i = 0; i < g->p->posterior.n; i++)
        most = rows_kept(g, i) > most ? rows_kept(g, i) : most;
    long batch = m->full_batch ? d->N : most < ROWS_PER_BATCH ? most : ROWS_PER_BATCH;
    data_room(d, batch);
    for (long first = 0, B; first < most; first += B) {
        DgmCtx c;

        B = most - first < batch && !m->full_batch ? most - first : batch;
        context_bind(&g->t.s, d, &c, m->encode, DGM_STREAM_WEIGHT, B, BLOCK);
        data_in_order(d, first, B);
        c.first_row = first;
        for (long block = 0; block < M / BLOCK; block++) {
            c.step = (uint64_t)block;
            c.program->run(&c);
            keep(g, &c, first, block);
        }
        context_unbind(&c);
    }
}

/* ---- weights --------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* [rows][M] log weights; rows 1: of all data. */
static double *log_weights(Guided *g, long rows, long M)
{
    const DgmProgram *p = g->p->model->weight;
    DataSet *d = &g->t.train;
    double *log_weight = dgm_alloc((size_t)(rows * M + 1) * sizeof *log_weight);
    DgmCtx c;

    data_room(d, g->per_row ? rows : d->N);
    data_in_order(d, 0, g->per_row ? rows : d->N);
    context_bind(&g->t.s, d, &c, p, DGM_STREAM_WEIGHT, g->per_row ? rows : d->N, BLOCK);
    const Real *w = c.out[output_find(p, "log_weight")];
    for (long block = 0; block < M / BLOCK; block++) {
        c.step = (uint64_t)block;
        c.program->run(&c);
        for (long r = 0; r < rows; r++)
            for (long s = 0; s < BLOCK; s++)
                log_weight[r * M + block * BLOCK + s] = (double)w[r * BLOCK + s];
    }
    context_unbind(&c);
    return log_weight;
}

static void weigh_rows(Guided *g, double *log_weight, long M)
{
    double *khat = dgm_alloc((size_t)(g->rows + 1) * sizeof *khat);

    for (long r = 0; r < g->rows; r++) {
        Psis psis = psis_smooth(M, log_weight + r * M);

        g->bad_rows += !psis_reliable(&psis, M) && psis.khat > psis.threshold;
        khat[r] = isnan(psis.khat) ? -INFINITY : psis.khat;
        g->psis = psis;
    }
    qsort(khat, (size_t)g->rows, sizeof *khat, compare);
    g->psis.khat = khat[g->rows / 2];
    g->psis.ess = NAN;
    free(khat);
}

static void weigh(Guided *g)
{
    const DgmProgram *p = g->p->model->weight;
    long M = g->p->posterior.M;
    int out = p != NULL ? output_find(p, "log_weight") : -1;

    g->psis = (Psis){.khat = NAN, .threshold = NAN, .ess = NAN, .spread = NAN};
    g->p->source = "the family itself";
    if (out < 0)
        return;
    g->per_row = p->outputs[out].rows;
    g->rows = !g->per_row ? 1 : g->t.plan.N < ROWS_WEIGHED ? g->t.plan.N : ROWS_WEIGHED;
    g->weight = log_weights(g, g->rows, M);
    if (g->per_row) {
        weigh_rows(g, g->weight, M);
        return;
    }
    g->evidence = log_mean(M, g->weight, &g->evidence_se);
    g->psis = psis_smooth(M, g->weight);
    if (psis_reliable(&g->psis, M)) {
        g->p->posterior.weight = g->weight;
        g->p->source = "importance weights";
    }
}

/* ---- the bound and its gradient -------------------------------------------------------------- */

/* Fresh draws: passes over all rows, each with random numbers of its own. */
static void bound(Guided *g)
{
    const Training *t = &g->t;
    long N = t->plan.N, passes = 1000000 / N, batch = N < ROWS_PER_BATCH ? N : ROWS_PER_BATCH;
    double sum = 0, squares = 0;

    passes = passes < FEWEST_PASSES ? FEWEST_PASSES : passes > MOST_PASSES ? MOST_PASSES : passes;
    for (long k = 0; k < passes; k++) {
        Running *r = evaluate_passes(&t->s, &g->t.train, batch, t->state.samples, (1L << 40) + k, 1,
                                     (double)N, (Moment){"in the evaluation", NULL});
        double elbo = running_report(r).elbo * (double)N;

        sum += elbo;
        squares += elbo * elbo;
        free(r);
    }
    g->elbo = sum / (double)passes;
    g->elbo_se = sqrt(fmax(0, squares / (double)passes - g->elbo * g->elbo)
                      / (double)(passes - 1));
}

/* Norm of the mean gradient over the root of the variance of the gradient of one step, both summed
 * over the parameters; the noise of the mean itself is taken off. */
static void signal_to_noise(Guided *g)
{
    Training *t = &g->t;
    long n = t->s.model->param_reals;
    double *mean = dgm_alloc((size_t)(2 * n + 1) * sizeof *mean), *squares = mean + n;
    double signal = 0, noise = 0;

    data_room(&t->train, t->plan.batch);
    data_attach(&t->train, &t->c);
    t->c.optim = NULL;
    for (int k = 0; k < GRADIENTS; k++) {
        training_run(t);
        t->state.step++;
        for (long i = 0; i < n; i++) {
            mean[i] += (double)t->s.grad[i] / GRADIENTS;
            squares[i] += (double)t->s.grad[i] * (double)t->s.grad[i] / GRADIENTS;
        }
    }
    t->state.step -= GRADIENTS;
    t->c.optim = t->optim;
    for (long i = 0; i < n; i++) {
        double variance = (squares[i] - mean[i] * mean[i]) * GRADIENTS / (GRADIENTS - 1);

        signal += mean[i] * mean[i] - variance / GRADIENTS;
        noise += variance;
    }
    g->snr = noise > signal * 1e-12 ? sqrt(fmax(0, signal) / noise) : NAN;
    free(mean);
}

static void hold_out(Guided *g)
{
    Training *t = &g->t;

    if (!t->has_valid)
        return;
    g->valid = evaluate_passes(&t->s, &t->valid, ROWS_PER_BATCH, t->state.samples, 0, FEWEST_PASSES,
                               (double)t->valid.N, (Moment){"in the evaluation", NULL});
    g->valid_likelihood = evaluate_likelihood(&t->s, &t->valid, ROWS_PER_BATCH, 100);
}

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

static void report(Guided *g)
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

static void doubts(Guided *g)
{
    const Automatic *a = &g->t.state.automatic;
    Posterior *p = g->p;

    if (!a->converged)
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

static json_t *valid_json(const Guided *g)
{
    const Likelihood *l = &g->valid_likelihood;
    json_t *object = json_pack("{s:I, s:o}", "rows", (json_int_t)g->t.valid.N, "elbo",
                               json_number(running_report(g->valid).elbo));

    json_object_set_new(object, "log_likelihood", json_number(l->known ? l->mean : NAN));
    json_object_set_new(object, "log_likelihood_se", json_number(l->known ? l->se : NAN));
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
    json_object_set_new(root, "method", json_string("stochastic"));
    json_object_set_new(root, "method_why", json_string(stochastic_reason(p->options)));
    json_object_set_new(root, "posterior_by", json_string(p->source));
    json_object_set_new(root, "gradient_snr", json_number(g->snr));
    json_object_set_new(root, "gain", json_pack("{s:o, s:o, s:o, s:o}", "last",
                                                json_number(a->gain.mean), "se",
                                                json_number(a->gain.se), "limit",
                                                json_number(a->limit), "tolerance",
                                                json_number(a->tolerance)));
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
        json_object_set_new(root, "valid", valid_json(g));
    json_object_set_new(root, "parameters", parameters_json(g));
    json_object_set_new(root, "posterior", summaries(g, p->posterior.weight));
    json_object_set_new(root, "family", summaries(g, NULL));
    return root;
}

static void print(const Guided *g)
{
    const Posterior *p = g->p;
    const Automatic *a = &g->t.state.automatic;
    const Drawn *d = &p->posterior;

    printf("%s: stochastic (%s), %llu steps of %ld rows, last of size %g, %.2f s\n", p->model->name,
           stochastic_reason(p->options), (unsigned long long)g->t.state.step, g->t.plan.batch,
           a->rate, p->seconds);
    printf("  elbo %.3f (se %.3f), gradient signal to noise %.2g\n", g->elbo, g->elbo_se, g->snr);
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
    printf("\n");
    summaries_print(d->latents, d->n, d->M, d->weight);
    if (d->reporting.n > 0)
        summaries_print(d->reporting.quantities, d->reporting.n, d->M, d->weight);
}

static void say(Guided *g)
{
    const Options *o = g->p->options;
    bool json = option_flag(o, OPT_JSON);

    if (!g->t.s.quiet && !json)
        print(g);
    json_t *report = report_json(g);
    if (json)
        json_write(json_incref(report), "-");
    stdout_finish();
    if (g->t.dir != NULL) {
        char *path = path_join(g->t.dir, "report.json");

        json_write(json_incref(report), path);
        free(path);
        pictures_of_run(&g->t.s, &g->t.train, g->t.dir);
        posterior_files(g->p, g->t.dir);
    }
    json_decref(report);
}

/* ---- the command ----------------------------------------------------------------------------- */

static void guided_close(Guided *g)
{
    for (int i = 0; i < g->p->posterior.n; i++)
        free(g->p->posterior.latents[i].draws);
    free(g->p->posterior.latents);
    reporting_free(&g->p->posterior.reporting);
    free(g->output);
    free(g->weight);
    free(g->valid);
    training_close(&g->t);
}

void posterior_stochastic(Posterior *p)
{
    Guided g = {.p = p};

    p->start = clock_seconds();
    fit(&g);
    bound(&g);
    draw(&g);
    weigh(&g);
    signal_to_noise(&g);
    hold_out(&g);
    report(&g);
    p->seconds = clock_seconds() - p->start;
    doubts(&g);
    say(&g);
    guided_close(&g);
}
