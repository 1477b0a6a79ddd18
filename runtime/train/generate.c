/* generate.c - `sample`, `encode`, `reconstruct`: what a trained model can make.
 *
 * Each gathers the outputs of one program and writes them: arrays to --out (or CSV to stdout when
 * nothing else was asked for), pictures to --png.
 */
#include "train/train.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_PER_BATCH 200
#define PICTURE_COLUMNS 8

/* ---- what the three commands share ---------------------------------------------------------- */

static Session open_trained(Options *o)
{
    runjson_options_of(o, o->operand);
    Session s = session_open(o);
    RunState state = {0};
    char *path = state_choose(o);

    state_load(&s, NULL, &state, path);
    session_note(&s, "%s, step %llu\n", path, (unsigned long long)state.step);
    free(path);
    return s;
}

static long batch_of(const Options *o)
{
    long batch = (long)option_count(o, OPT_BATCH, ROWS_PER_BATCH);

    return batch > 0 ? batch : LONG_MAX;
}

/* The first data array with pictures in it that the program returns; -1 if there is none. */
static int picture_array(const DgmModel *m, const DgmProgram *p, long *h, long *w)
{
    for (int a = 0; a < m->n_data; a++) {
        const DgmData *d = &m->data[a];

        if (d->rows && image_shape(d->rank, d->shape, d->count, h, w)
            && output_for_data(p, m, a) >= 0)
            return a;
    }
    return -1;
}

static int picture_array_needed(const DgmModel *m, const DgmProgram *p, long *h, long *w)
{
    int a = picture_array(m, p, h, w);

    if (a < 0)
        dgm_fail(DGM_EXIT_USAGE, "write the numbers with --out",
                 "no data array of `%s` has the shape of a picture ([h, w], or a square number)",
                 m->name);
    return a;
}

/* Outputs that carry the name of a data array; all of them if there is none. */
static bool *wanted_data(const DgmModel *m, const DgmProgram *p)
{
    bool *wanted = dgm_alloc((size_t)p->n_outputs + 1), any = false;

    for (int a = 0; a < m->n_data; a++) {
        int i = output_find(p, m->data[a].name);

        if (i >= 0)
            any = wanted[i] = true;
    }
    for (int i = 0; !any && i < p->n_outputs; i++)
        wanted[i] = true;
    return wanted;
}

static void write_arrays(const Options *o, const Gathered *g, const bool *wanted)
{
    const char *out = option_text(o, OPT_OUT_FILE);

    if (out == NULL && option_given(o, OPT_PNG))
        return;
    arrays_write(out ? out : "-", g, wanted);
}

/* ---- sample --------------------------------------------------------------------------------- */

int command_sample(Options *o)
{
    const DgmModel *m = o->model;
    const DgmProgram *p = program_needed(m->sample, "sample", "its prior or likelihood cannot be "
                                         "drawn from");
    Session s = open_trained(o);
    DataSet d;
    long h, w, n = (long)option_count(o, OPT_COUNT, 64);

    if (option_given(o, OPT_DATA)) {
        d = data_open(&s, OPT_DATA, 0);
        if (!option_given(o, OPT_COUNT) || n > d.N)
            n = d.N;
    } else if (sample_is_free(m)) {
        d = data_none(m, n);
    } else {
        dgm_fail(DGM_EXIT_USAGE, "give it with --data: what is drawn depends on it",
                 "`%s` has data that are not drawn by the model", m->name);
    }
    if (n == 0)
        dgm_fail(DGM_EXIT_USAGE, "give 1 or more", "-n 0 asks for no samples");
    Gathered g = gather(&s, &d, p, DGM_STREAM_SAMPLE, n, 1, batch_of(o));
    bool *wanted = wanted_data(m, p);
    write_arrays(o, &g, wanted);
    if (option_given(o, OPT_PNG)) {
        int a = picture_array_needed(m, p, &h, &w);

        image_grid(option_text(o, OPT_PNG), &m->data[a], g.value[output_for_data(p, m, a)], n, h,
                   w, n < PICTURE_COLUMNS ? n : 0);
    }
    free(wanted);
    gathered_free(&g);
    data_close(&d);
    session_close(&s);
    return DGM_OK;
}

/* ---- reconstruct ---------------------------------------------------------------------------- */

/* Rows of originals above rows of their reconstructions, in one array of pictures. */
static Real *interleave(const Real *above, const Real *below, long n, long size, long columns,
                        long *pictures)
{
    long lines = (n + columns - 1) / columns;
    Real *all = dgm_slab_new((size_t)(2 * lines * columns * size));

    memset(all, 0, (size_t)(2 * lines * columns * size) * sizeof *all);
    for (long i = 0; i < n; i++) {
        long at = i / columns * 2 * columns + i % columns;

        memcpy(all + at * size, above + i * size, (size_t)size * sizeof *all);
        memcpy(all + (at + columns) * size, below + i * size, (size_t)size * sizeof *all);
    }
    *pictures = 2 * lines * columns;
    return all;
}

void reconstruction_grid(const Session *s, DataSet *d, const Gathered *g, int a, long n,
                         long stride, long h, long w, const char *path)
{
    const DgmModel *m = s->model;
    long pictures, columns = n < PICTURE_COLUMNS ? n : PICTURE_COLUMNS;
    Real *data = gather_data(s, d, a, n, stride);
    Real *all = interleave(data, g->value[output_for_data(g->program, m, a)], n, h * w, columns,
                           &pictures);

    image_grid(path, &m->data[a], all, pictures, h, w, columns);
    dgm_slab_free(all);
    dgm_slab_free(data);
}

int command_reconstruct(Options *o)
{
    const DgmModel *m = o->model;
    const DgmProgram *p = program_needed(m->reconstruct, "reconstruct", "it has no latents to see "
                                         "the data through");
    Session s = open_trained(o);
    DataSet d = data_open(&s, OPT_DATA, 0);
    bool only_picture = option_given(o, OPT_PNG) && !option_given(o, OPT_OUT_FILE);
    long h, w, n = (long)option_count(o, OPT_COUNT, only_picture ? 32 : (uint64_t)d.N);

    n = n < d.N && n > 0 ? n : d.N;
    Gathered g = gather(&s, &d, p, DGM_STREAM_SAMPLE, n, 1, batch_of(o));
    bool *wanted = wanted_data(m, p);
    write_arrays(o, &g, wanted);
    if (option_given(o, OPT_PNG)) {
        int a = picture_array_needed(m, p, &h, &w);

        reconstruction_grid(&s, &d, &g, a, n, 1, h, w, option_text(o, OPT_PNG));
    }
    free(wanted);
    gathered_free(&g);
    data_close(&d);
    session_close(&s);
    return DGM_OK;
}

/* ---- encode --------------------------------------------------------------------------------- */

static bool ends_in(const char *name, const char *ending)
{
    const char *dot = strrchr(name, '.');

    return dot != NULL && strcmp(dot + 1, ending) == 0;
}

static const char *const columns[] = {"mean", "sd", "q05", "q50", "q95"};
#define N_COLUMNS ((int)(sizeof columns / sizeof columns[0]))

/* The sibling of output i ("w.mean") in another column ("w.sd"), or -1. */
static int sibling(const DgmProgram *p, int i, const char *column)
{
    const char *name = p->outputs[i].name;
    char other[200];

    snprintf(other, sizeof other, "%.*s.%s", (int)(strrchr(name, '.') - name), name, column);
    return output_find(p, other);
}

static void print_latents(const Gathered *g, bool heading)
{
    const DgmProgram *p = g->program;

    for (int i = 0; i < p->n_outputs; i++) {
        if (p->outputs[i].rows || !ends_in(p->outputs[i].name, "mean"))
            continue;
        if (heading) {
            printf("%-24s", "latent");
            for (int c = 0; c < N_COLUMNS; c++)
                if (sibling(p, i, columns[c]) >= 0)
                    printf(" %14s", columns[c]);
            printf("\n");
            heading = false;
        }
        for (long j = 0; j < p->outputs[i].count; j++) {
            const DgmOutput *out = &p->outputs[i];
            char stem[200], name[240];

            snprintf(stem, sizeof stem, "%.*s", (int)(strrchr(out->name, '.') - out->name),
                     out->name);
            element_text(stem, shape_of(false, 1, out->rank, out->shape), j, name, sizeof name);
            printf("%-24s", name);
            for (int c = 0; c < N_COLUMNS; c++) {
                int k = sibling(p, i, columns[c]);

                if (k >= 0)
                    printf(" %14.6g", (double)g->value[k][j]);
            }
            printf("\n");
        }
    }
}

static void print_latents_json(const Gathered *g)
{
    const DgmProgram *p = g->program;
    json_t *root = json_object();

    for (int i = 0; i < p->n_outputs; i++) {
        json_t *values = json_array();

        for (long j = 0; !p->outputs[i].rows && j < p->outputs[i].count; j++)
            json_array_append_new(values, json_number((double)g->value[i][j]));
        if (p->outputs[i].rows)
            json_decref(values);
        else
            json_object_set_new(root, p->outputs[i].name, values);
    }
    json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(sizeof(Real) == 8 ? 17 : 9));
    printf("\n");
    json_decref(root);
}

static bool has_rows(const DgmProgram *p)
{
    for (int i = 0; i < p->n_outputs; i++)
        if (p->outputs[i].rows)
            return true;
    return false;
}

static bool has_whole(const DgmProgram *p)
{
    for (int i = 0; i < p->n_outputs; i++)
        if (!p->outputs[i].rows)
            return true;
    return false;
}

int command_encode(Options *o)
{
    const DgmModel *m = o->model;
    const DgmProgram *p = program_needed(m->encode, "encode", "it has no latents");
    Session s = open_trained(o);
    bool rows = has_rows(p), whole = has_whole(p), *wanted = dgm_alloc((size_t)p->n_outputs + 1);
    DataSet d = rows || option_given(o, OPT_DATA) ? data_open(&s, OPT_DATA, 0) : data_none(m, 1);
    Gathered g = gather(&s, &d, p, DGM_STREAM_SAMPLE, d.N, 1, batch_of(o));

    for (int i = 0; i < p->n_outputs; i++)
        wanted[i] = p->outputs[i].rows == rows
                    && (ends_in(p->outputs[i].name, "mean") || ends_in(p->outputs[i].name, "sd"));
    if (whole && option_flag(o, OPT_JSON))
        print_latents_json(&g);
    else if (whole)
        print_latents(&g, true);
    if (option_given(o, OPT_OUT_FILE))
        arrays_write(option_text(o, OPT_OUT_FILE), &g, wanted);
    else if (rows && !whole)
        arrays_write("-", &g, wanted);
    free(wanted);
    gathered_free(&g);
    data_close(&d);
    session_close(&s);
    return DGM_OK;
}
