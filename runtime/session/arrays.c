/* arrays.c - outputs of a program gathered over batches, and written to files.
 *
 * A program returns one batch at a time in its own buffers; commands want whole arrays. Random
 * draws are keyed by row number, so that neither the batch size nor the threads change a value.
 *
 * requires:    a bound parameter slab
 * establishes: arrays_write: complete files or exit code 4
 */
#include "session/session.h"

#include <stdlib.h>
#include <string.h>

/* ---- gathering ------------------------------------------------------------------------------ */

static Gathered gathered_new(const DgmProgram *p, long rows)
{
    Gathered g = {.program = p, .rows = rows};

    g.value = dgm_alloc((size_t)(p->n_outputs + 1) * sizeof *g.value);
    for (int i = 0; i < p->n_outputs; i++)
        g.value[i] = dgm_slab_new((size_t)((p->outputs[i].rows ? rows : 1) * p->outputs[i].count));
    return g;
}

void gathered_free(Gathered *g)
{
    for (int i = 0; i < g->program->n_outputs; i++)
        dgm_slab_free(g->value[i]);
    free(g->value);
}

static void set_rows(DataSet *d, long first, long B, long stride)
{
    for (long r = 0; d->buffers != NULL && r < B; r++)
        d->buffers->rows[r] = (first + r) * stride;
}

/* Rows of a batch buffer are in order when the data were converted once (c->source is NULL), so a
 * batch of all rows must not be asked for with gaps; a gap implies fewer rows than N. */
static void run_batch(DgmCtx *c, DataSet *d, long first, long stride, Gathered *g)
{
    set_rows(d, first, c->B, stride);
    c->first_row = first;
    c->program->run(c);
    for (int i = 0; i < g->program->n_outputs; i++) {
        const DgmOutput *out = &g->program->outputs[i];
        long count = out->count;

        if (out->rows)
            memcpy(g->value[i] + first * count, c->out[i], (size_t)(c->B * count) * sizeof(Real));
        else if (first == 0)
            memcpy(g->value[i], c->out[i], (size_t)count * sizeof(Real));
    }
}

Gathered gather(const Session *s, DataSet *d, const DgmProgram *p, DgmPurpose purpose, long n,
                long stride, long batch)
{
    Gathered g = gathered_new(p, n);
    long first = 0;

    if (s->model->full_batch || batch > n)
        batch = n;
    data_room(d, batch);
    while (first < n) {
        long B = n - first < batch ? n - first : batch;
        DgmCtx c;

        context_bind(s, d, &c, p, purpose, B, 1);
        for (; first + B <= n; first += B)
            run_batch(&c, d, first, stride, &g);
        context_unbind(&c);
    }
    return g;
}

Real *gather_data(const Session *s, DataSet *d, int array, long n, long stride)
{
    long count = d->model->data[array].count;
    Real *values = dgm_slab_new((size_t)(n * count));
    DgmCtx c = {.model = s->model, .B = n, .seed = s->seed};

    data_room(d, n);
    data_attach(d, &c);
    set_rows(d, 0, n, stride);
    dgm_load_rows(&c, 0, n);
    memcpy(values, c.data[array], (size_t)(n * count) * sizeof(Real));
    return values;
}

bool sample_is_free(const DgmModel *m)
{
    for (int a = 0; a < m->n_data; a++)
        if (m->sample == NULL || output_find(m->sample, m->data[a].name) < 0)
            return false;
    return m->sample != NULL;
}

int output_for_data(const DgmProgram *p, const DgmModel *m, int a)
{
    char mean[200];

    snprintf(mean, sizeof mean, "%s.mean", m->data[a].name);
    int found = output_find(p, mean);
    return found >= 0 ? found : output_find(p, m->data[a].name);
}

/* ---- writing -------------------------------------------------------------------------------- */

static int output_rank(const DgmOutput *out, long rows, long *shape)
{
    int rank = 0;

    if (out->rows)
        shape[rank++] = rows;
    for (int i = 0; i < out->rank && rank < DGM_MAX_RANK; i++)
        shape[rank++] = out->shape[i];
    return rank;
}

static void write_npy(const char *path, const Gathered *g, int i)
{
    long shape[DGM_MAX_RANK];
    int rank = output_rank(&g->program->outputs[i], g->rows, shape);

    dgm_npy_write(path, rank, shape, g->value[i]);
}

/* NAME.npy for each output. */
static void write_directory(const char *dir, const Gathered *g)
{
    directory_make(dir);
    for (int i = 0; i < g->program->n_outputs; i++) {
        char name[300];

        snprintf(name, sizeof name, "%s.npy", g->program->outputs[i].name);
        char *path = path_join(dir, name);
        write_npy(path, g, i);
        free(path);
    }
}

/* Column names "z.mean[0]", "z.mean[1]", ... or the plain name of a single number. */
static char **column_names(const Gathered *g, const bool *wanted, bool rows, long columns)
{
    char **names = dgm_alloc((size_t)columns * sizeof *names);
    long at = 0;

    for (int i = 0; i < g->program->n_outputs; i++) {
        const DgmOutput *out = &g->program->outputs[i];

        for (long j = 0; wanted[i] && out->rows == rows && j < out->count; j++) {
            char name[240];

            snprintf(name, sizeof name, out->rank == 0 ? "%s" : "%s[%ld]", out->name, j);
            names[at++] = text_copy(name);
        }
    }
    return names;
}

/* One row a datum; only outputs that have a row axis, or only those that have none. */
static void write_csv(const char *path, const Gathered *g, const bool *wanted)
{
    bool rows = false;
    long columns = 0, n = 1;

    for (int i = 0; i < g->program->n_outputs; i++)
        rows = rows || (wanted[i] && g->program->outputs[i].rows);
    for (int i = 0; i < g->program->n_outputs; i++)
        if (wanted[i] && g->program->outputs[i].rows == rows)
            columns += g->program->outputs[i].count;
    if (rows)
        n = g->rows;
    Real *table = dgm_slab_new((size_t)(n * columns));
    for (long r = 0; r < n; r++) {
        long at = r * columns;

        for (int i = 0; i < g->program->n_outputs; i++) {
            long count = g->program->outputs[i].count;

            if (!wanted[i] || g->program->outputs[i].rows != rows)
                continue;
            memcpy(table + at, g->value[i] + r * count, (size_t)count * sizeof *table);
            at += count;
        }
    }
    char **names = column_names(g, wanted, rows, columns);
    dgm_csv_write(path, (const char *const *)names, n, columns, table);
    for (long j = 0; j < columns; j++)
        free(names[j]);
    free(names);
    dgm_slab_free(table);
}

void arrays_write(const char *path, const Gathered *g, const bool *wanted)
{
    int first = -1;

    for (int i = g->program->n_outputs - 1; i >= 0; i--)
        if (wanted[i])
            first = i;
    if (first < 0)
        dgm_fail(DGM_EXIT_USAGE, "`info` lists what this trainer can do",
                 "program `%s` returns nothing to write to %s", g->program->name, path);
    if (strcmp(path, "-") == 0 || path_ends(path, ".csv"))
        write_csv(path, g, wanted);
    else if (path_ends(path, ".npy"))
        write_npy(path, g, first);
    else
        write_directory(path, g);
}
