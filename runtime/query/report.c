/* report.c - `report`: the quantities of `report` and the data of `predict`, for draws of the
 * latents.
 *
 *     --draws FILE.json    {"mu": [.., ..], "theta": [[..], [..]]}: each latent with the draws as
 *                          its first axis, as a sampler writes them
 * Data are predicted by their own statements, given the draw and the data that they read. Discrete
 * latents are drawn with them, or are those of a draw from their posterior: see derive/predict.c of
 * the compiler. Where there are no other latents, -n says how many such draws are made.
 */
#include "density/density.h"
#include "query/query.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- draws of the latents -------------------------------------------------------------------- */

/* How many draws the file has: elements of the first latent over those of one draw. */
static long count_draws(const Reporting *r, const char *file)
{
    const DgmLatent *z = &r->model->latents[0];
    Shape s = shape_of_latent(z, r->N);
    char *path = dgm_alloc(strlen(file) + strlen(z->name) + 2);
    DgmArray a;
    DataError e;

    sprintf(path, "%s:%s", file, z->name);
    if (!array_read(path, &a, &e))
        dgm_fail(DGM_EXIT_DATA, e.help[0] ? e.help : NULL, "%s", e.text);
    long draws = a.count % s.count == 0 && a.rank > 0 ? a.count / s.count : 0;
    if (draws == 0)
        dgm_fail(DGM_EXIT_DATA, "the first axis counts the draws: one number for each",
                 "%s: `%s` has %ld numbers, which is no whole number of draws of %ld", file,
                 z->name, a.count, s.count);
    array_free(&a);
    free(path);
    return draws;
}

static void read_draws(Reporting *r, const char *file)
{
    const DgmModel *m = r->model;

    if (file != NULL)
        values_names(m, file, NULL, NULL);
    if (m->n_latents > 0)
        r->M = count_draws(r, file);
    r->latent = dgm_alloc(((size_t)m->n_latents + 1) * sizeof *r->latent);
    for (int i = 0; i < m->n_latents; i++) {
        Shape one = shape_of_latent(&m->latents[i], r->N);
        Shape all = shape_of(true, r->M, one.rank, one.axis);

        r->latent[i] = dgm_alloc(((size_t)all.count + 1) * sizeof **r->latent);
        values_read(m, file, m->latents[i].name, all, m->latents[i].line, r->latent[i]);
    }
}

/* Each draw lies in the supports of the latents. */
static void check_draws(const Reporting *r, const DataSet *data, const char *file)
{
    DgmDensity *d = density_new(r->model, data->source, 0);
    double *x = dgm_alloc(((size_t)density_count(d, FORM_VALUES) + 1) * sizeof *x);

    for (long k = 0; k < r->M; k++) {
        for (int i = 0; i < r->model->n_latents; i++) {
            long at, n = density_latent(d, FORM_VALUES, i, &at);

            memcpy(x + at, r->latent[i] + k * n, (size_t)n * sizeof *x);
        }
        supports_check(r->model, d, file, x);
    }
    free(x);
    dgm_density_free(d);
}

static const double *draw_of(const Reporting *r, const char *name, long number)
{
    for (int i = 0; i < r->model->n_latents; i++)
        if (strcmp(r->model->latents[i].name, name) == 0)
            return r->latent[i] + number * shape_of_latent(&r->model->latents[i], r->N).count;
    return NULL;
}

static void to_reals(Real *to, const double *from, long n)
{
    for (long k = 0; k < n; k++)
        to[k] = (Real)from[k];
}

static void to_doubles(double *to, const Real *from, long n)
{
    for (long k = 0; k < n; k++)
        to[k] = (double)from[k];
}

/* ---- programs of the latents and tables ------------------------------------------------------ */

typedef struct Evaluation {
    DgmCtx c;
    const DgmProgram *program;         /* NULL: the model has none */
    Real **given;                      /* [n_variables] */
} Evaluation;

static Evaluation evaluation_new(const Session *s, DataSet *d, const DgmProgram *p,
                                 DgmPurpose purpose)
{
    Evaluation e = {.program = p};

    if (p == NULL)
        return e;
    e.given = dgm_alloc(((size_t)p->n_variables + 1) * sizeof *e.given);
    for (int i = 0; i < p->n_variables; i++) {
        size_t count = (size_t)shape_of_variable(&p->variables[i], d->N).count + 1;

        e.given[i] = dgm_slab_new(count);
        memset(e.given[i], 0, count * sizeof(Real));
    }
    context_bind(s, d, &e.c, p, purpose, d->N, 1);
    e.c.given = e.given;
    return e;
}

static void evaluation_free(Evaluation *e)
{
    if (e->program == NULL)
        return;
    for (int i = 0; i < e->program->n_variables; i++)
        dgm_slab_free(e->given[i]);
    free(e->given);
    context_unbind(&e->c);
}

enum { MARGINALS, MODES, STATES, N_SUMMARIES };        /* programs of tables */

/* Runs it at one draw of the latents; tables are those that the summaries have put out. */
static void evaluate(const Reporting *r, Evaluation *e, const Evaluation *summaries, long number)
{
    const DgmProgram *p = e->program;

    for (int i = 0; p != NULL && i < p->n_variables; i++) {
        const DgmVariable *v = &p->variables[i];
        const double *draw = draw_of(r, v->name, number);
        long count = shape_of_variable(v, r->N).count;

        if (draw != NULL)
            to_reals(e->given[i], draw, count);
        for (int k = 0; k < N_SUMMARIES && draw == NULL && summaries != NULL; k++) {
            const DgmProgram *from = summaries[k].program;
            int out = from != NULL ? output_find(from, v->name) : -1;

            if (out >= 0)
                memcpy(e->given[i], summaries[k].c.out[out], (size_t)count * sizeof(Real));
        }
    }
    e->c.step = (uint64_t)number;
    if (p != NULL)
        p->run(&e->c);
}

/* ---- predictions ----------------------------------------------------------------------------- */

static bool is_anew(const DgmPredicted *p, const char *latent)
{
    for (int i = 0; i < p->n_anew; i++)
        if (strcmp(p->anew[i], latent) == 0)
            return true;
    return false;
}

static void largest(Real *to, const Real *table, long n, long states)
{
    for (long k = 0; k < n; k++, table += states) {
        long best = 0;

        for (long i = 1; i < states; i++)
            best = table[i] > table[best] ? i : best;
        to[k] = (Real)best;
    }
}

/* Discrete latents that are not drawn anew with p are those of the draw from their posterior. */
static void fix_states(const Reporting *r, Simulation *s, const Evaluation *states,
                       const DgmPredicted *p)
{
    for (int i = 0; i < r->model->n_state_tables; i++) {
        const DgmState *t = &r->model->state_tables[i];
        int v = simulation_find(s, t->latent), out = output_find(states->program, t->table);
        const DgmOutput *table = &states->program->outputs[out];

        s->fixed[v] = !is_anew(p, t->latent);
        if (s->fixed[v])
            largest(s->value[v], states->c.out[out],
                    shape_of_variable(&s->variables[v], r->N).count, table->shape[table->rank - 1]);
    }
}

/* Continuous latents are those of the draw; data are read as they are. */
static void predict(const Reporting *r, Simulation *s, const Evaluation *states,
                    const DgmPredicted *p, long number)
{
    for (int i = 0; i < s->n; i++) {
        const double *draw = draw_of(r, s->variables[i].name, number);

        s->fixed[i] = s->variables[i].data || draw != NULL;
        if (draw != NULL)
            to_reals(s->value[i], draw, shape_of_variable(&s->variables[i], r->N).count);
    }
    fix_states(r, s, states, p);
    simulation_draw(s, (uint64_t)number);
}

/* ---- results --------------------------------------------------------------------------------- */

static Quantity quantity(const Reporting *r, const DgmOutput *out)
{
    Quantity q = {.name = out->name, .shape = shape_of(out->rows, r->N, out->rank, out->shape),
                  .elem = out->elem};

    q.draws = dgm_alloc(((size_t)(r->M * q.shape.count) + 1) * sizeof *q.draws);
    return q;
}

/* Labels are kept as files have them, from `from` on. */
static void keep(Quantity *q, const DgmCtx *c, int output, double from, long number)
{
    double *draw = q->draws + number * q->shape.count;

    to_doubles(draw, c->out[output], q->shape.count);
    for (long k = 0; k < q->shape.count; k++)
        draw[k] += from;
}

static void write_draws(const Reporting *r, const char *path)
{
    json_t *root = json_object();

    for (int i = 0; i < r->n; i++) {
        const Quantity *q = &r->quantities[i];

        json_object_set_new(root, q->name, quantity_json(q, r->M));
    }
    json_write(root, path);
}

static void print_json(const Reporting *r)
{
    json_t *root = json_object();

    for (int i = 0; i < r->n; i++)
        json_object_set_new(root, r->quantities[i].name,
                            summary_json(&r->quantities[i], r->M, NULL));
    json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    printf("\n");
    json_decref(root);
}

/* ---- the command ----------------------------------------------------------------------------- */

/* All that is predicted, one simulation for each that has discrete latents drawn anew with it, and
 * one for the others; q: the first of their quantities. */
static void predict_all(const Reporting *r, Simulation *s, const Evaluation *states, Quantity *q,
                        long number)
{
    const DgmModel *m = r->model;
    bool drawn = false;

    for (int i = 0; i < 2 * m->n_predicted; i++) {
        const DgmPredicted *p = &m->predicted[i % m->n_predicted];

        if ((p->n_anew > 0) != (i >= m->n_predicted))
            continue;
        if (p->n_anew > 0 || !drawn)
            predict(r, s, states, p, number);
        drawn = true;
        keep(&q[i % m->n_predicted], &s->c, output_find(m->simulate, p->name), p->from, number);
    }
}

void report_all(Reporting *r, const Session *session, DataSet *d)
{
    const DgmModel *m = r->model;
    const DgmProgram *p = m->report;
    Evaluation report = evaluation_new(session, d, p, DGM_STREAM_CHECK), summaries[N_SUMMARIES] = {
        [MARGINALS] = evaluation_new(session, d, m->marginals, DGM_STREAM_CHECK),
        [MODES] = evaluation_new(session, d, m->modes, DGM_STREAM_CHECK),
        [STATES] = evaluation_new(session, d, m->states, DGM_STREAM_STATES)};
    Simulation s = {0};
    int n_reports = p ? p->n_outputs : 0;

    if (m->n_predicted > 0) {
        s = simulation_new(m);
        simulation_bind(&s, session, d);
    }
    r->quantities = dgm_alloc((size_t)(n_reports + m->n_predicted + 1) * sizeof *r->quantities);
    for (int i = 0; i < n_reports; i++)
        r->quantities[r->n++] = quantity(r, &p->outputs[i]);
    for (int i = 0; i < m->n_predicted; i++)
        r->quantities[r->n++] =
            quantity(r, &m->simulate->outputs[output_find(m->simulate, m->predicted[i].name)]);
    for (long k = 0; k < r->M; k++) {
        for (int i = 0; i < N_SUMMARIES; i++)
            evaluate(r, &summaries[i], NULL, k);
        evaluate(r, &report, summaries, k);
        for (int i = 0; i < n_reports; i++)
            keep(&r->quantities[i], &report.c, i, 0, k);
        predict_all(r, &s, &summaries[STATES], r->quantities + n_reports, k);
    }
    evaluation_free(&report);
    for (int i = 0; i < N_SUMMARIES; i++)
        evaluation_free(&summaries[i]);
    if (m->n_predicted > 0)
        simulation_free(&s);
}

void reporting_free(Reporting *r)
{
    for (int i = 0; i < r->n; i++)
        free(r->quantities[i].draws);
    free(r->quantities);
    for (int i = 0; i < r->model->n_latents; i++)
        free(r->latent[i]);
    free(r->latent);
}

enum { DRAWS_ALONE = 4000 };           /* of discrete latents, where there are no others */

int command_report(Options *o)
{
    const DgmModel *m = o->model;
    Reporting r = {.model = m};

    if (m->report == NULL && m->n_predicted == 0)
        dgm_fail(DGM_EXIT_USAGE, "write `report NAME = ..` or `predict NAME` in the model",
                 "model %s reports nothing", m->name);
    const char *draws = option_text(o, OPT_DRAWS);
    if (draws == NULL && m->n_latents > 0)
        dgm_fail(DGM_EXIT_USAGE, "`--help` shows an example", "`report` needs --draws FILE.json");
    if (option_given(o, OPT_COUNT) && m->n_latents > 0)
        dgm_fail(DGM_EXIT_USAGE, NULL, "-n has no place here: the draws of --draws are counted");
    Session session = session_open(o);
    DataSet d = data_open(&session, OPT_DATA, 0);
    bool random = m->n_state_tables > 0 || m->n_predicted > 0;
    r.N = d.N;
    r.M = random ? (long)option_count(o, OPT_COUNT, DRAWS_ALONE) : 1;
    data_room(&d, d.N);
    read_draws(&r, draws);
    if (m->n_latents > 0)
        check_draws(&r, &d, draws);
    report_all(&r, &session, &d);
    if (option_given(o, OPT_OUT_REPORT))
        write_draws(&r, option_text(o, OPT_OUT_REPORT));
    if (option_flag(o, OPT_JSON))
        print_json(&r);
    else if (!option_given(o, OPT_OUT_REPORT))
        summaries_print(r.quantities, r.n, r.M, NULL);
    reporting_free(&r);
    data_close(&d);
    session_close(&session);
    return DGM_OK;
}
