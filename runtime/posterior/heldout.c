/* heldout.c - `--valid`: the log density that the posterior predicts for held-out data.
 *
 * Where the likelihood is a product over the row plate, for each row i
 *
 *     log p(y_i | data) = log of the mean of p(y_i | latents) over the posterior's draws,
 *
 * their sum, and its standard error over the rows (Vehtari, Gelman & Gabry 2017, equations 3 and
 * 23). Else of all the held-out data at once, with the Monte Carlo error of that mean. A latent
 * with a value for each position of a plate that draws data is refused: those of held-out positions
 * are not among the draws, and their law given the draws would have to be integrated over.
 */
#include "posterior/posterior.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>

static const double MOST_WORK = 2e10;  /* floating-point operations; else some draws are left out */
enum { LEAST_WORK = 500, FEWEST_DRAWS = 100 };               /* of one evaluation; that are left */

typedef struct Draws {
    long M, stride;                    /* of the sample; every stride-th is taken */
    const double *U, *weight;          /* weight NULL: equal ones */
} Draws;

/* ---- which models ---------------------------------------------------------------------------- */

static const DgmProgram *program_of(const Posterior *p)
{
    return p->form == FORM_NONCENTRED ? p->model->log_prob_noncentred : p->model->log_prob_free;
}

/* Of held-out rows, the density of each; else of all that is held out. */
static bool by_rows(const Posterior *p)
{
    const DgmProgram *program = program_of(p);

    for (int t = 0; t < program->n_terms; t++)
        if (program->terms[t].kind == DGM_TERM_LIKELIHOOD && !program->terms[t].local)
            return false;
    return p->model->plate != NULL;
}

static const char *no_data = "the model draws no data";

/* What held-out data cannot be scored by; NULL: nothing. name: of what stands in the way. */
static const char *obstacle(const Posterior *p, const char **name)
{
    const DgmModel *m = p->model;
    const DgmProgram *program = program_of(p);
    bool any = false;

    for (int i = 0; i < m->n_latents; i++) {
        *name = m->latents[i].name;
        if (m->latents[i].rows || m->latents[i].of_data)
            return "has a value for each position of data, and those of held-out data are not "
                   "known";
    }
    for (int a = 0; a < m->n_data; a++) {
        *name = m->data[a].name;
        if (m->data[a].cells == DGM_CELLS_MISSING)
            return "has missing cells, whose values are latents of the data that were fitted";
    }
    for (int t = 0; t < program->n_terms; t++) {
        const DgmTerm *term = &program->terms[t];

        *name = term->name;
        any = any || term->kind == DGM_TERM_LIKELIHOOD;
        if (term->kind != DGM_TERM_LIKELIHOOD && term->kind != DGM_TERM_JACOBIAN && term->local)
            return "weighs rows by a factor, which is the law of no data";
    }
    return any ? NULL : no_data;
}

void heldout_check(const Posterior *p)
{
    const char *name, *why = obstacle(p, &name);

    if (why == no_data)
        dgm_fail(DGM_EXIT_USAGE, NULL, "--valid: %s", why);
    if (why != NULL)
        dgm_fail(DGM_EXIT_USAGE, "leave --valid out", "--valid: `%s` %s", name, why);
}

/* ---- densities ------------------------------------------------------------------------------- */

/* Log likelihood at u of the rows that d has. */
static double log_likelihood(const Posterior *p, DgmDensity *d, const double *u, double *terms)
{
    const DgmProgram *program = program_of(p);
    double sum = 0;

    density_log_prob(d, p->form, u, terms, NULL);
    for (int t = 0; t < program->n_terms; t++)
        if (program->terms[t].kind == DGM_TERM_LIKELIHOOD)
            sum += program->terms[t].sign * terms[t];
    return isnan(sum) ? -INFINITY : sum;
}

/* Log of the mean over the draws of what d has; *error: of Monte Carlo. */
static double predicted(const Posterior *p, DgmDensity *d, const Draws *draws, double *error)
{
    double *terms = dgm_alloc((size_t)(program_of(p)->n_terms + 1) * sizeof *terms);
    double top = -INFINITY, all = 0, sum = 0, square = 0;
    long count = (draws->M + draws->stride - 1) / draws->stride, k = 0;
    double *value = dgm_alloc((size_t)(2 * count + 1) * sizeof *value), *weight = value + count;

    for (long m = 0; m < draws->M; m += draws->stride, k++) {
        weight[k] = draws->weight != NULL ? draws->weight[m] : 1;
        value[k] = weight[k] > 0 ? log_likelihood(p, d, draws->U + m * p->target.n, terms)
                                 : -INFINITY;
        top = value[k] > top ? value[k] : top;
        all += weight[k];
    }
    for (k = 0; k < count; k++)
        sum += weight[k] / all * exp(value[k] - top);
    for (k = 0; k < count; k++)
        square += pow(weight[k] / all * (exp(value[k] - top) - sum), 2);
    *error = sqrt(square) / sum;
    free(value);
    free(terms);
    return isfinite(top) ? top + log(sum) : -INFINITY;
}

/* ---- the command ----------------------------------------------------------------------------- */

/* So many draws that all rows are done in a while. */
static void take_draws(const Posterior *p, long rows, Draws *draws)
{
    const Sample *s = p->posterior.weight != NULL ? fit_sample(&p->fit) : &p->fit.plain;
    const DgmProgram *program = program_of(p);
    double each = program_work(program, 1) + LEAST_WORK;
    double most = fmax(FEWEST_DRAWS, MOST_WORK / (each * (double)rows));

    *draws = (Draws){.M = s->M, .stride = 1, .U = s->U, .weight = p->posterior.weight};
    if ((double)s->M > most)
        draws->stride = (long)ceil((double)s->M / most);
}

/* Row by row, each with a density of one row; no value depends on the number of threads. */
static void score_rows(Posterior *p, DgmSource *source, const Draws *draws, double *value)
{
    int threads = p->session.threads;
    DgmDensity **d = dgm_alloc((size_t)threads * sizeof *d);

    for (int i = 0; i < threads; i++)
        d[i] = density_new_batch(p->model, source, 1, 1);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (long row = 0; row < source->N; row++) {
        double unused;

        density_take_rows(d[omp_get_thread_num()], row);
        value[row] = predicted(p, d[omp_get_thread_num()], draws, &unused);
    }
    for (int i = 0; i < threads; i++)
        dgm_density_free(d[i]);
    free(d);
}

/* Sum of the values and its standard error over the rows. */
static void sum_rows(HeldOut *h)
{
    double square = 0, N = (double)h->rows;

    for (long i = 0; i < h->rows; i++)
        h->log_density += h->row[i];
    for (long i = 0; i < h->rows; i++)
        square += pow(h->row[i] - h->log_density / N, 2);
    h->se = h->rows > 1 ? sqrt(N * square / (N - 1)) : NAN;
}

void heldout_score(Posterior *p)
{
    DataSet data = data_open(&p->session, OPT_HELD_OUT, 0);
    HeldOut *h = &p->held_out;
    Draws draws;

    h->wanted = true;
    h->by_rows = by_rows(p);
    h->rows = h->by_rows ? data.N : 1;
    take_draws(p, h->rows, &draws);
    h->draws = (draws.M + draws.stride - 1) / draws.stride;
    if (h->by_rows) {
        h->row = dgm_alloc((size_t)(h->rows + 1) * sizeof *h->row);
        score_rows(p, data.source, &draws, h->row);
        sum_rows(h);
        h->monte_carlo = NAN;
    } else {
        DgmDensity *d = density_new(p->model, data.source, 0);

        h->log_density = predicted(p, d, &draws, &h->monte_carlo);
        h->se = NAN;
        dgm_density_free(d);
    }
    data_close(&data);
}

json_t *heldout_json(const Posterior *p)
{
    const HeldOut *h = &p->held_out;
    json_t *rows = json_array();

    for (long i = 0; i < h->rows && h->by_rows; i++)
        json_array_append_new(rows, json_number(h->row[i]));
    return json_pack("{s:s, s:o, s:o, s:o, s:I, s:I, s:o}", "of", h->by_rows ? "rows" : "all data",
                     "log_density", json_number(h->log_density), "se", json_number(h->se),
                     "monte_carlo", json_number(h->monte_carlo), "rows", (json_int_t)h->rows,
                     "draws", (json_int_t)h->draws, "by_row", rows);
}

void heldout_print(const Posterior *p)
{
    const HeldOut *h = &p->held_out;

    if (h->by_rows)
        printf("  held out: log predictive density %.3f (se %.3f) of %ld rows\n", h->log_density,
               h->se, h->rows);
    else
        printf("  held out: log predictive density %.3f of all data at once (Monte Carlo error "
               "%.3f)\n", h->log_density, h->monte_carlo);
}
