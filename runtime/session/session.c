/* session.c - a model, its parameters and a data set brought together in a context.
 *
 * A DataSet is rows from files (a DgmSource and its batch buffers), rows made up within their
 * support (check-grad), or rows still to be drawn (sample). context_bind hides the difference.
 *
 * Initial parameters are a pure function of (seed, name of the parameter, element): adding or
 * reordering parameters does not change the others.
 *
 * requires:    well-formed tables; options that options.c accepted
 * establishes: contexts that a program can run on at once
 */
#include "session/session.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_THREADS 1024

/* ---- the session ---------------------------------------------------------------------------- */

Session session_open(const Options *o)
{
    Session s = {.model = o->model, .options = o, .quiet = option_flag(o, OPT_QUIET)};
    uint64_t threads = option_count(o, OPT_THREADS, 0);

    if (!option_given(o, OPT_THREADS))
        threads = (uint64_t)dgm_threads_default();
    if (threads < 1 || threads > MOST_THREADS)
        dgm_fail(DGM_EXIT_USAGE, "give a number from 1 to 1024", "%llu threads (from the %s)",
                 (unsigned long long)threads, option_source_name(o->value[OPT_THREADS].source));
    s.threads = (int)threads;
    s.seed = option_count(o, OPT_SEED, 1);
    dgm_blas_setup();
    s.param = dgm_slab_new((size_t)o->model->param_reals);
    return s;
}

void session_close(Session *s)
{
    dgm_slab_free(s->param);
    if (s->grad != NULL)
        dgm_slab_free(s->grad);
    s->param = s->grad = NULL;
}

void session_note(const Session *s, const char *format, ...)
{
    va_list arguments;

    if (s->quiet)
        return;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
}

/* ---- parameters ----------------------------------------------------------------------------- */

/* FNV-1a: a number for a name that never changes. */
static uint64_t name_hash(const char *name)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (; *name != '\0'; name++)
        hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
    return hash;
}

static double random_normal(uint64_t seed, DgmPurpose purpose, uint64_t key, uint64_t i)
{
    double u = dgm_random_unit(seed, purpose, key, 2 * i);
    double v = dgm_random_unit(seed, purpose, key, 2 * i + 1);

    return sqrt(-2 * log(u)) * cos(6.283185307179586477 * v);
}

void params_initialise(const DgmModel *model, uint64_t seed, Real *param)
{
    memset(param, 0, (size_t)model->param_reals * sizeof *param);
    for (int k = 0; k < model->n_params; k++) {
        const DgmParam *p = &model->params[k];
        uint64_t key = name_hash(p->name);
        Real *x = param + p->offset;

        for (long i = 0; i < p->count; i++) {
            switch (p->init) {
            case DGM_INIT_CONST:
                x[i] = (Real)p->a;
                break;
            case DGM_INIT_UNIFORM:
                x[i] = (Real)(p->a + (p->b - p->a)
                                     * dgm_random_unit(seed, DGM_STREAM_INIT, key, (uint64_t)i));
                break;
            case DGM_INIT_NORMAL:
                x[i] = (Real)(p->a + p->b * random_normal(seed, DGM_STREAM_INIT, key, (uint64_t)i));
                break;
            }
        }
    }
}

const DgmParam *params_nonfinite(const DgmModel *model, const Real *slab)
{
    for (int k = 0; k < model->n_params; k++)
        for (long i = 0; i < model->params[k].count; i++)
            if (!isfinite(slab[model->params[k].offset + i]))
                return &model->params[k];
    return NULL;
}

/* ---- data sets ------------------------------------------------------------------------------ */

static Real **no_arrays(const DgmModel *model)
{
    return dgm_alloc((size_t)(model->n_data + 1) * sizeof(Real *));
}

static DataSet open_files(const Session *s, const OptionValue *files, const SourceOptions *how)
{
    DataSet d = {.model = s->model, .made = no_arrays(s->model)};

    d.source = source_open(s->model, (const char *const *)files->text, files->n, how, !s->quiet);
    d.N = d.source->N;
    return d;
}

DataSet data_open(const Session *s, OptionId id, double scale)
{
    const Options *o = s->options;
    const OptionValue *files = &o->value[id];
    SourceOptions how = {.binarise = option_text(o, OPT_BINARISE), .seed = s->seed};

    if (s->model->n_data == 0 && files->n == 0)
        return data_none(s->model, 1);
    if (files->n == 0)
        dgm_fail(DGM_EXIT_USAGE, "`--help` shows an example", "`%s` needs --%s %s=FILE",
                 o->command->name, option_row(id)->name, s->model->data[0].name);
    how.scale = scale > 0 ? scale : option_real(o, OPT_SCALE, 0);
    return open_files(s, files, &how);
}

DataSet data_open_some(const Session *s, const bool *optional)
{
    return open_files(s, &s->options->value[OPT_DATA],
                      &(SourceOptions){.seed = s->seed, .optional = optional});
}

DataSet data_none(const DgmModel *model, long N)
{
    return (DataSet){.model = model, .made = no_arrays(model), .N = N};
}

/* One value within the support of the array. */
static double made_up_value(const DgmData *data, uint64_t seed, uint64_t key, uint64_t i)
{
    double u = dgm_random_unit(seed, DGM_STREAM_CHECK, key, i);
    bool low = isfinite(data->lower), high = isfinite(data->upper);

    switch (data->elem) {
    case DGM_ELEM_BIT:
        return u < 0.5;
    case DGM_ELEM_COUNT:
    case DGM_ELEM_INDEX: {
        double first = low ? data->lower : 0, last = high ? data->upper : first + 9;
        double value = first + floor(u * (last - first + 1));

        return value < last ? value : last;
    }
    case DGM_ELEM_REAL:
        break;
    }
    if (low && high)
        return data->lower + (0.1 + 0.8 * u) * (data->upper - data->lower);
    if (low)
        return data->lower - log(u);
    if (high)
        return data->upper + log(u);
    return random_normal(seed, DGM_STREAM_CHECK, key, i);
}

/* A simplex must sum to 1: the last axis of the array is divided by its sum. */
static void made_up_simplex(const DgmData *data, Real *values, long rows)
{
    long n = data->rank > 0 ? data->shape[data->rank - 1] : 1;

    for (long i = 0; i + n <= rows * data->count; i += n) {
        double sum = 0;

        for (long j = 0; j < n; j++)
            sum += values[i + j];
        for (long j = 0; j < n; j++)
            values[i + j] = (Real)(values[i + j] / sum);
    }
}

DataSet data_synthetic(const DgmModel *model, long N, uint64_t seed)
{
    DataSet d = data_none(model, N);

    for (int a = 0; a < model->n_data; a++) {
        const DgmData *data = &model->data[a];
        long rows = data->rows ? N : 1;

        d.made[a] = dgm_slab_new((size_t)(rows * data->count));
        for (long i = 0; i < rows * data->count; i++)
            d.made[a][i] = (Real)made_up_value(data, seed, name_hash(data->name), (uint64_t)i);
        if (data->support != NULL && strncmp(data->support, "simplex", 7) == 0)
            made_up_simplex(data, d.made[a], rows);
    }
    return d;
}

uint64_t data_set_hash(const DataSet *d)
{
    uint64_t hash = 0;

    for (int a = 0; d->source != NULL && a < d->model->n_data; a++)
        hash = hash * UINT64_C(0x9e3779b97f4a7c15) + d->source->arrays[a].hash;
    return hash >> 1;                                /* fits a signed number of 64 bits */
}

void data_close(DataSet *d)
{
    for (int a = 0; a < d->model->n_data; a++)
        if (d->made[a] != NULL)
            dgm_slab_free(d->made[a]);
    free(d->made);
    if (d->buffers != NULL)
        source_buffers_free(d->buffers);
    if (d->source != NULL)
        source_free(d->source);
}

void data_room(DataSet *d, long B)
{
    if (d->source == NULL || (d->buffers != NULL && d->buffers->B == B))
        return;
    if (d->buffers != NULL)
        source_buffers_free(d->buffers);
    d->buffers = source_buffers_new(d->source, B);
}

void data_in_order(DataSet *d, long first, long B)
{
    if (d->buffers != NULL)
        source_rows_in_order(first, B, d->buffers->rows);
}

void data_attach(DataSet *d, DgmCtx *c)
{
    if (d->source != NULL) {
        source_attach(d->source, d->buffers, c);
    } else {
        c->data = d->made;
        c->source = NULL;
    }
    c->N = d->N;
}

/* ---- contexts ------------------------------------------------------------------------------- */

void context_bind(const Session *s, DataSet *d, DgmCtx *c, const DgmProgram *p,
                  DgmPurpose purpose, long B, long S)
{
    memset(c, 0, sizeof *c);
    c->model = s->model;
    c->param = s->param;
    c->grad = s->grad;
    c->threads = s->threads;
    c->seed = s->seed;
    c->purpose = purpose;
    c->bad_term = -1;
    c->B = B;
    c->S = S;
    data_attach(d, c);
    dgm_bind(c, p, B, S);
}

void context_unbind(DgmCtx *c)
{
    dgm_unbind(c);
}

const DgmProgram *program_needed(const DgmProgram *p, const char *command, const char *why_not)
{
    if (p == NULL)
        dgm_fail(DGM_EXIT_USAGE, "`info` lists what this trainer can do",
                 "this model has no `%s`: %s", command, why_not);
    return p;
}

int output_find(const DgmProgram *p, const char *name)
{
    for (int i = 0; i < p->n_outputs; i++)
        if (strcmp(p->outputs[i].name, name) == 0)
            return i;
    return -1;
}

double program_work(const DgmProgram *p, long rows)
{
    return p->flops_once + (double)rows * (p->flops_row + p->flops_draw);
}

bool output_is_draw(const DgmOutput *out)
{
    const char *dot = strrchr(out->name, '.');

    return dot == NULL || (strcmp(dot, ".mean") != 0 && strcmp(dot, ".sd") != 0);
}

void fail_term(const DgmCtx *c, Moment moment)
{
    const DgmTerm *t = &c->program->terms[c->bad_term];

    dgm_fail(DGM_EXIT_NUMERIC, moment.help, "%s:%d: term `%s` is not a finite number (%g) %s: %s",
             c->model->spec_path, t->line, t->name, c->terms[c->bad_term], moment.when, t->formula);
}
