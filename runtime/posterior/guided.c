/* guided.c - `posterior` by the family that the spec states: where the density of all
 * latents is not to be had (nets, drawn discrete latents), or the spec says what to fit (a family,
 * minibatches).
 *
 * The family is fitted with fixed draws (fixed_draws.c) where that suits it, else trained by
 * `optimizer auto` (automatic.c), in DIR if there is one. Its draws are those of `encode`. Where
 * no latent belongs to the rows, `weight` gives the importance weight of each, by the same random
 * numbers, and the posterior is weighted where that can be trusted. Where all do, the weights are
 * of single rows and say how good the family is; the posterior is the family's own. Latents of
 * more than MOST_NUMBERS numbers are for `encode`.
 */
#include "posterior/guided.h"
#include "math/order.h"
#include "optim/stationary.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BLOCK = 10,                        /* draws of a run of a program */
    MOST_NUMBERS = 20000, SHOWN = 20, ROWS_PER_BATCH = 200, ROWS_WEIGHED = 100,
    FEWEST_PASSES = 8, MOST_PASSES = 200
};

/* ---- training -------------------------------------------------------------------------------- */

/* What `train` takes from the train block and its defaults. */
static void training_options(Options *o)
{
    options_of_gradients(o);
    option_put(o, OPT_OPTIMIZER, "auto", FROM_DEFAULT);
    option_put(o, OPT_CLIP, "0", FROM_DEFAULT);
    option_put(o, OPT_LOG_EVERY, "0", FROM_DEFAULT);
    option_put(o, OPT_SAVE_EVERY, "0", FROM_DEFAULT);
    for (int i = 0; i < o->value[OPT_HELD_OUT].n; i++)
        option_put(o, OPT_VALID, o->value[OPT_HELD_OUT].text[i], FROM_COMMAND);
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
    t->silent = true;
    if (t->dir != NULL)
        check_directory(t->dir);
    training_open(t, o, false);
    g->p->session = t->s;
    g->p->data = t->train;
    const char *why_not = o->value[OPT_STEPS].source == FROM_COMMAND ? "--steps counts small ones"
                                                                     : fixed_draws_why_not(t);
    g->fixed = why_not == NULL && g->p->asked != METHOD_STOCHASTIC;
    method_settle(g->p, g->fixed, why_not);
    if (g->fixed && fixed_draws_fit(t))
        training_save(t);
    else if (g->fixed)
        dgm_fail(DGM_EXIT_NUMERIC, "`check-grad` or `log-prob --at` show which term is not finite",
                 "the bound is not finite where the family begins");
    else
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

static void latents_new(Guided *g, long M)
{
    const DgmProgram *p = g->p->model->encode;
    int n = 0;

    g->output = dgm_alloc((size_t)p->n_outputs * sizeof *g->output);
    for (int i = 0; i < p->n_outputs; i++)
        if (output_is_draw(&p->outputs[i]))
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
    values_sort(khat, g->rows);
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

    passes = passes < FEWEST_PASSES ? FEWEST_PASSES : passes > MOST_PASSES ? MOST_PASSES : passes;
    double elbo[MOST_PASSES];
    for (long k = 0; k < passes; k++) {
        Running *r = evaluate_passes(&t->s, &g->t.train, batch, t->state.samples, (1L << 40) + k, 1,
                                     (double)N, (Moment){"in the evaluation", NULL});
        elbo[k] = running_report(r).elbo * (double)N;
        free(r);
    }
    DgmGain all = dgm_gain(passes, elbo);
    g->elbo = all.mean;
    g->elbo_se = all.se;
}

/* Norm of the mean gradient over the root of the variance of the gradient of one step, both summed
 * over the parameters. */
static void signal_to_noise(Guided *g)
{
    Training *t = &g->t;
    long n = t->s.model->param_reals;
    double *mean = dgm_alloc((size_t)(2 * n + 1) * sizeof *mean), *squares = mean + n;
    double signal = 0, noise = 0;

    data_room(&t->train, t->plan.batch);
    data_attach(&t->train, &t->c);
    t->c.optim = NULL;
    for (int k = 0; k < SNR_DRAWS; k++) {
        training_run(t);
        t->state.step++;
        for (long i = 0; i < n; i++) {
            mean[i] += (double)t->s.grad[i] / SNR_DRAWS;
            squares[i] += (double)t->s.grad[i] * (double)t->s.grad[i] / SNR_DRAWS;
        }
    }
    t->state.step -= SNR_DRAWS;
    t->c.optim = t->optim;
    for (long i = 0; i < n; i++) {
        double variance = (squares[i] - mean[i] * mean[i]) * SNR_DRAWS / (SNR_DRAWS - 1);

        signal += mean[i] * mean[i];
        noise += variance;
    }
    g->p->snr = noise > signal * 1e-12 ? sqrt(signal / noise) : NAN;
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

void posterior_guided(Posterior *p)
{
    Guided g = {.p = p};

    p->start = clock_seconds();
    fit(&g);
    bound(&g);
    draw(&g);
    weigh(&g);
    signal_to_noise(&g);
    hold_out(&g);
    guided_report(&g);
    p->seconds = clock_seconds() - p->start;
    guided_doubts(&g);
    guided_say(&g);
    guided_close(&g);
}
