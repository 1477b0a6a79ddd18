/* evaluate.c - `eval`: how well a trained model explains data it is given.
 *
 * elbo, kl, reconstruction: averages over all rows, the last short batch included, and K draws of
 * each; the random draws of a row are keyed by its number, so that the result does not depend on
 * the batch size.
 *
 * log_likelihood: the importance-weighted bound of Burda et al. (2016),
 *     log p(x[n]) ~ log 1/K sum_k p(x[n], z_k) / q(z_k | x[n]),     z_k ~ q,
 * by a running logsumexp in double over blocks of draws, so K costs time and no memory. A model
 * with latents shared by all rows has one such number for the whole data set; it is reported as
 * `log_likelihood_total`, and divided by N.
 */
#include "train/train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_PER_BATCH 200
#define DRAWS_PER_BLOCK 10

/* ---- terms ---------------------------------------------------------------------------------- */

/* Adds one pass over the rows: local terms as sums, global ones as values of the first batch. */
static void add_pass(const Session *s, DataSet *d, long batch, long samples, uint64_t pass,
                     double *local, double *global, Moment moment)
{
    for (long first = 0; first < d->N;) {
        long B = d->N - first < batch ? d->N - first : batch;
        DgmCtx c;

        context_bind(s, d, &c, s->model->eval, DGM_STREAM_EVAL, B, samples);
        c.step = pass;
        for (; first + B <= d->N; first += B) {
            data_in_order(d, first, B);
            c.first_row = first;
            c.N = d->N;
            c.program->run(&c);
            if (c.bad_term >= 0)
                fail_term(&c, moment);
            for (int t = 0; t < s->model->n_terms; t++) {
                local[t] += c.terms[t];
                if (first == 0)
                    global[t] += c.terms[t];
            }
        }
        context_unbind(&c);
    }
}

Running *evaluate_passes(const Session *s, DataSet *d, long batch, long samples, long first,
                         long passes, double N, Moment moment)
{
    const DgmModel *m = s->model;
    double *local = dgm_alloc((size_t)(2 * m->n_terms + 1) * sizeof *local);
    double *global = local + m->n_terms;
    Running *r = running_new(m);

    if (m->full_batch || batch > d->N)
        batch = d->N;
    data_room(d, batch);
    for (long pass = first; pass < first + passes; pass++)
        add_pass(s, d, batch, samples, (uint64_t)pass, local, global, moment);
    for (int t = 0; t < m->n_terms; t++) {
        const DgmTerm *term = &m->terms[t];

        r->share[t] = term_share(term, (term->local ? local : global)[t] / (double)passes,
                                 (double)d->N, N);
        r->objective += r->share[t];
    }
    r->count = 1;
    free(local);
    return r;
}

Running *evaluate_terms(const Session *s, DataSet *d, long batch, long samples, double N,
                        Moment moment)
{
    return evaluate_passes(s, d, batch, samples, 0, 1, N, moment);
}

/* ---- log-likelihood ------------------------------------------------------------------------- */

typedef struct LogSum { double largest, sum; } LogSum;       /* log of sum * exp(largest) */

static void logsum_add(LogSum *l, double value)
{
    if (value == -INFINITY)
        return;
    if (value <= l->largest) {
        l->sum += exp(value - l->largest);
    } else {
        l->sum = l->sum * exp(l->largest - value) + 1;
        l->largest = value;
    }
}

/* Log weights of K draws for the rows of the batch, into l[0..B) or l[0]. */
static void add_draws(const Session *s, DataSet *d, long first, long B, long K, LogSum *l,
                      bool per_row)
{
    for (long done = 0; done < K;) {
        long S = K - done < DRAWS_PER_BLOCK ? K - done : DRAWS_PER_BLOCK;
        DgmCtx c;

        context_bind(s, d, &c, s->model->weight, DGM_STREAM_WEIGHT, B, S);
        c.first_row = first;
        c.N = d->N;
        const Real *w = c.out[output_find(s->model->weight, "log_weight")];
        for (; done + S <= K; done += S) {
            c.step = (uint64_t)(done / DRAWS_PER_BLOCK);
            c.program->run(&c);
            for (long r = 0; r < (per_row ? B : 1); r++)
                for (long k = 0; k < S; k++)
                    logsum_add(&l[r], (double)w[r * S + k]);
        }
        context_unbind(&c);
    }
}

static Likelihood summarise(const LogSum *l, long n, long K, bool per_row, long N)
{
    Likelihood result = {.known = true, .per_row = per_row, .se = NAN};
    double sum = 0, squares = 0;

    for (long r = 0; r < n; r++)
        sum += l[r].largest + log(l[r].sum) - log((double)K);
    result.total = sum;
    result.mean = sum / (double)N;
    for (long r = 0; r < n; r++) {
        double x = l[r].largest + log(l[r].sum) - log((double)K) - result.mean;

        squares += x * x;
    }
    if (per_row && n > 1)
        result.se = sqrt(squares / (double)(n - 1) / (double)n);
    return result;
}

Likelihood evaluate_likelihood(const Session *s, DataSet *d, long batch, long K)
{
    const DgmProgram *p = s->model->weight;
    int out = p ? output_find(p, "log_weight") : -1;

    if (out < 0 || K == 0)
        return (Likelihood){.known = false};
    bool per_row = p->outputs[out].rows;
    if (!per_row || batch > d->N)
        batch = d->N;
    LogSum *l = dgm_alloc((size_t)d->N * sizeof *l);
    for (long r = 0; r < d->N; r++)
        l[r].largest = -INFINITY;
    Progress progress = progress_begin("log-likelihood", 0, (uint64_t)d->N, s->quiet);
    data_room(d, batch);
    for (long first = 0; first < d->N; first += batch) {
        long B = d->N - first < batch ? d->N - first : batch;

        data_in_order(d, first, B);
        add_draws(s, d, first, B, K, l + (per_row ? first : 0), per_row);
        if (progress.redraw && progress_due(&progress))
            progress_show(&progress, (uint64_t)(first + B), "", "rows/s");
    }
    progress_break(&progress);
    Likelihood result = summarise(l, per_row ? d->N : 1, K, per_row, d->N);
    free(l);
    return result;
}

/* ---- results -------------------------------------------------------------------------------- */

typedef struct Evaluation {
    Running *terms;
    Likelihood likelihood;
    long n, K;
    uint64_t step;                     /* of the checkpoint */
    const char *checkpoint;
} Evaluation;

static void print_json(const Session *s, const Evaluation *e)
{
    const DgmModel *m = s->model;
    Report report = running_report(e->terms);
    json_t *root = json_object(), *terms = json_object();
    const Likelihood *l = &e->likelihood;

    metrics_put(root, "", "objective", report.objective);
    metrics_put(root, "", "elbo", report.elbo);
    metrics_put(root, "", "kl", report.kl);
    metrics_put(root, "", "reconstruction", report.reconstruction);
    metrics_put(root, "", "log_likelihood", l->known ? l->mean : NAN);
    metrics_put(root, "", "log_likelihood_se", l->known ? l->se : NAN);
    metrics_put(root, "", "log_likelihood_total", l->known ? l->total : NAN);
    metrics_put(root, "", "elbo_total", report.elbo * (double)e->n);
    for (int t = 0; t < m->n_terms; t++)
        json_object_set_new(terms, m->terms[t].name, json_number(running_term(e->terms, t)));
    json_object_set_new(root, "terms", terms);
    json_object_set_new(root, "n", json_integer(e->n));
    json_object_set_new(root, "samples", json_integer(e->K));
    json_object_set_new(root, "seed", json_integer((json_int_t)s->seed));
    json_object_set_new(root, "step", json_integer((json_int_t)e->step));
    json_object_set_new(root, "checkpoint", json_string(e->checkpoint));
    json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    printf("\n");
    json_decref(root);
}

static void print_row(const char *name, double value, const char *note)
{
    printf("  %-18s %14.6f   %s\n", name, value, note);
}

static void print_table(const Session *s, const Evaluation *e)
{
    Report report = running_report(e->terms);
    char note[120] = "";

    printf("%ld rows, %s (step %llu), nats per row\n", e->n, e->checkpoint,
           (unsigned long long)e->step);
    print_row("elbo", report.elbo, "reconstruction - kl");
    print_row("reconstruction", report.reconstruction, "E_q log p(data | latents)");
    print_row("kl", report.kl, "from the prior to the posterior approximation");
    if (e->likelihood.known) {
        int n = snprintf(note, sizeof note, "importance-weighted, %ld samples", e->K);

        if (isfinite(e->likelihood.se))
            snprintf(note + n, sizeof note - (size_t)n, ", se %.3f", e->likelihood.se);
        print_row("log_likelihood", e->likelihood.mean, note);
        if (!e->likelihood.per_row)
            print_row("  of all data", e->likelihood.total, "");
    }
    for (int t = 0; t < s->model->n_terms; t++)
        print_row(s->model->terms[t].name, running_term(e->terms, t), s->model->terms[t].formula);
}

int command_eval(Options *o)
{
    program_needed(o->model->eval, "eval", "this trainer was made without its objective");
    runjson_options_of(o, o->operand);
    Session s = session_open(o);
    RunState state = {0};
    char *path = state_choose(o);
    Evaluation e = {.checkpoint = path, .K = (long)option_count(o, OPT_SAMPLES, 100)};

    state_load(&s, NULL, &state, path);
    DataSet d = data_open(&s, OPT_DATA, 0);
    long batch = (long)option_count(o, OPT_BATCH, ROWS_PER_BATCH);
    batch = batch > 0 ? batch : d.N;
    e.n = d.N;
    e.step = state.step;
    long S = o->model->samples > 0 ? o->model->samples : 1;    /* iwae: what its bound means */
    long passes = e.K > S && model_has_latents(o->model) ? (e.K + S - 1) / S : 1;
    e.terms = evaluate_passes(&s, &d, batch, S, 0, passes, (double)d.N,
                              (Moment){"in the evaluation", NULL});
    e.likelihood = evaluate_likelihood(&s, &d, batch, e.K);
    if (!model_has_latents(o->model)) {                      /* nothing is integrated out */
        double mean = running_report(e.terms).reconstruction;

        e.likelihood = (Likelihood){true, true, mean, NAN, mean * (double)d.N};
    }
    if (option_flag(o, OPT_JSON))
        print_json(&s, &e);
    else
        print_table(&s, &e);
    free(e.terms);
    free(path);
    data_close(&d);
    session_close(&s);
    return DGM_OK;
}
