/* simulate.c - `simulate`: latents and data drawn from the model, into one JSON object.
 *
 * Idea: the emitted program draws every variable anew, given the values of all. It is run with the
 * same random numbers until nothing changes: a value is right as soon as those that its law reads
 * are. Each run makes at least one more value right, which bounds their number.
 *     --at VALUES.json    these latents stay as they are; those that cannot be drawn must be given
 *     --data FILE         covariates, and what of the data no statement draws
 */
#include "density/density.h"
#include "query/query.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the variables --------------------------------------------------------------------------- */

static long count_of(const Simulation *s, int i)
{
    return shape_of_variable(&s->variables[i], s->N).count;
}

Simulation simulation_new(const DgmModel *m)
{
    const DgmProgram *p = program_needed(m->simulate, "simulate", "`dgmc explain` says why");

    return (Simulation){.model = m, .program = p, .variables = p->variables, .n = p->n_variables};
}

/* Data start as their file has them: no statement may draw all of them. */
static void start_data(Simulation *s)
{
    for (int i = 0; i < s->n; i++) {
        int a = s->variables[i].data ? data_index(s->model, s->variables[i].name) : -1;

        if (a < 0 || s->source == NULL || s->source->arrays[a].path == NULL)
            continue;
        for (long k = 0; k < count_of(s, i); k++)
            s->value[i][k] = (Real)source_value(s->source, a, 0, k);
    }
}

void simulation_bind(Simulation *s, const Session *session, DataSet *data)
{
    s->N = data->N;
    s->source = data->source;
    s->value = dgm_alloc((size_t)s->n * sizeof *s->value);
    s->fixed = dgm_alloc((size_t)s->n * sizeof *s->fixed);
    s->output = dgm_alloc((size_t)s->n * sizeof *s->output);
    for (int i = 0; i < s->n; i++) {
        size_t count = (size_t)count_of(s, i) + 1;

        s->value[i] = dgm_slab_new(count);
        memset(s->value[i], 0, count * sizeof(Real));
        s->output[i] = output_find(s->program, s->variables[i].name);
    }
    start_data(s);
    data_room(data, data->N);
    context_bind(session, data, &s->c, s->program, DGM_STREAM_SAMPLE, data->N, 1);
    s->c.given = s->value;
}

void simulation_free(Simulation *s)
{
    context_unbind(&s->c);
    for (int i = 0; i < s->n; i++)
        dgm_slab_free(s->value[i]);
    free(s->value);
    free(s->fixed);
    free(s->output);
}

int simulation_find(const Simulation *s, const char *name)
{
    for (int i = 0; i < s->n; i++)
        if (strcmp(s->variables[i].name, name) == 0)
            return i;
    return -1;
}

/* ---- what is given --------------------------------------------------------------------------- */

/* As many as the model was compiled for, `-D N=100`; 0: that is open. */
static uint64_t rows_compiled(const DgmModel *m)
{
    for (int i = 0; i < m->n_sizes; i++)
        if (m->plate != NULL && strcmp(m->sizes[i], m->plate) == 0)
            return (uint64_t)m->size_values[i];
    return m->fixed_rows > 0 ? (uint64_t)m->fixed_rows : 0;
}

/* Data arrays that are drawn need no file; the others do. */
static DataSet open_data(const Simulation *s, const Session *session)
{
    const DgmModel *m = s->model;
    const Options *o = session->options;
    bool *drawn = dgm_alloc((size_t)m->n_data + 1);
    bool needed = option_given(o, OPT_DATA);
    uint64_t n = option_count(o, OPT_COUNT, rows_compiled(m));

    for (int a = 0; a < m->n_data; a++) {
        int i = simulation_find(s, m->data[a].name);

        drawn[a] = cells_made(&m->data[a]) || (i >= 0 && s->variables[i].only_given == NULL);
        needed |= !drawn[a];
    }
    DataSet data = needed ? data_open_some(session, drawn) : data_none(m, 1);
    for (int i = 0; i < s->n; i++)
        if (s->variables[i].data && s->variables[i].only_given != NULL)
            session_note(session, "%s:%d: `%s` stays as it is in the file: %s\n", m->spec_path,
                         s->variables[i].line, s->variables[i].name, s->variables[i].only_given);
    free(drawn);
    if (m->plate == NULL || (data.source != NULL && data.source->counted))
        return data;
    if (n == 0)
        dgm_fail(DGM_EXIT_USAGE, "give it: -n 100", "how many rows (`%s`) are to be drawn?",
                 m->plate);
    data.N = (long)n;
    return data;
}

static void fix(void *to, const char *name)
{
    Simulation *s = to;

    for (int i = 0; i < s->n; i++)
        if (!s->variables[i].data && strcmp(s->variables[i].name, name) == 0)
            s->fixed[i] = true;
}

static void read_fixed(Simulation *s, const char *file)
{
    if (file != NULL)
        values_names(s->model, file, fix, s);
    for (int i = 0; i < s->n; i++) {
        const DgmVariable *v = &s->variables[i];
        Shape shape = shape_of_variable(v, s->N);

        if (!s->fixed[i] && !v->data && v->only_given != NULL)
            dgm_fail(DGM_EXIT_USAGE, "give its value: --at VALUES.json, {\"NAME\": ..}",
                     "%s:%d: `%s` cannot be drawn: %s", s->model->spec_path, v->line, v->name,
                     v->only_given);
        if (!s->fixed[i])
            continue;
        double *x = dgm_alloc((size_t)(shape.count + 1) * sizeof *x);
        values_read(s->model, file, v->name, shape, v->line, x);
        whole_check(s->model, v, shape, file, x);
        for (long k = 0; k < shape.count; k++)
            s->value[i][k] = (Real)x[k];
        free(x);
    }
}

/* The latents that are given, beside those that free numbers 0 are for the others. */
static void check_fixed(const Simulation *s, DgmSource *source, const char *file)
{
    const DgmModel *m = s->model;
    bool any = false;

    for (int i = 0; i < s->n; i++)
        any |= s->fixed[i];
    if (!any || m->to_free == NULL || m->to_values == NULL)
        return;
    DgmDensity *d = density_new_rows(m, source, s->N, 0);
    double *x = dgm_alloc(((size_t)density_count(d, FORM_VALUES) + 1) * sizeof *x);
    double *u = dgm_alloc(((size_t)density_count(d, FORM_FREE) + 1) * sizeof *u);

    density_map(d, FORM_FREE, u, x);
    for (int i = 0; i < m->n_latents; i++) {
        int v = simulation_find(s, m->latents[i].name);
        long at, n = density_latent(d, FORM_VALUES, i, &at);

        for (long k = 0; v >= 0 && s->fixed[v] && k < n; k++)
            x[at + k] = (double)s->value[v][k];
    }
    supports_check(m, d, file, x);
    free(x);
    free(u);
    dgm_density_free(d);
}

/* ---- drawing --------------------------------------------------------------------------------- */

/* Runs the program once; did a value change? */
static bool sweep(Simulation *s)
{
    bool changed = false;

    s->program->run(&s->c);
    for (int i = 0; i < s->n; i++) {
        size_t bytes = (size_t)count_of(s, i) * sizeof(Real);

        if (s->fixed[i] || s->output[i] < 0
            || memcmp(s->value[i], s->c.out[s->output[i]], bytes) == 0)
            continue;
        memcpy(s->value[i], s->c.out[s->output[i]], bytes);
        changed = true;
    }
    return changed;
}

/* Does element k of variable i count? A latent of a plate with a condition has an output that says
 * so; elsewhere it has no value, which is NaN. */
static bool counts(const Simulation *s, int i, long k)
{
    char name[240];

    snprintf(name, sizeof name, "%s.counts", s->variables[i].name);
    int n = output_find(s->program, name);
    if (n < 0)
        return true;
    const DgmOutput *out = &s->program->outputs[n];
    long cells = shape_of(out->rows, s->N, out->rank, out->shape).count;
    return s->c.out[n][k / (count_of(s, i) / cells)] != 0;
}

void simulation_settle(Simulation *s, uint64_t number)
{
    long left = 2;

    s->c.step = number;
    for (int i = 0; i < s->n; i++)
        left += count_of(s, i);
    while (sweep(s))
        if (left-- == 0)
            dgm_fail(DGM_EXIT_NUMERIC, NULL, "the draws of %s do not settle: a value depends on "
                     "itself", s->model->name);
}

void simulation_draw(Simulation *s, uint64_t number)
{
    simulation_settle(s, number);
    for (int i = 0; i < s->n; i++)
        for (long k = 0; s->output[i] >= 0 && k < count_of(s, i); k++)
            if (isnan(s->c.out[s->output[i]][k]) && !(s->fixed[i] && !s->variables[i].data)
                && counts(s, i, k))
                dgm_fail(DGM_EXIT_NUMERIC, "its law has a parameter outside of its domain",
                         "%s:%d: a draw of `%s` (element %ld, from 0) is not a number",
                         s->model->spec_path, s->variables[i].line, s->variables[i].name, k);
}

/* ---- the result ------------------------------------------------------------------------------ */

/* Rows of a ragged array are as long as the array of their lengths says. */
static void cut_rows(const Simulation *s, const DgmData *d, json_t *rows)
{
    int lengths = d->cells == DGM_CELLS_RAGGED ? data_index(s->model, d->of) : -1;

    for (size_t r = 0; lengths >= 0 && r < json_array_size(rows); r++) {
        json_t *row = json_array_get(rows, r);

        while ((double)json_array_size(row) > source_value(s->source, lengths, 0, (long)r))
            json_array_remove(row, json_array_size(row) - 1);
    }
}

static json_t *covariate_json(const Simulation *s, int array)
{
    const DgmData *d = &s->model->data[array];
    Shape shape = shape_of(d->rows, s->N, d->rank, d->shape);
    Real *x = dgm_slab_new((size_t)shape.count + 1);

    for (long k = 0; k < shape.count; k++)
        x[k] = (Real)source_value(s->source, array, 0, k);
    json_t *json = reals_json(x, shape, d->elem, d->from);
    dgm_slab_free(x);
    cut_rows(s, d, json);
    return json;
}

/* null in the cells that have no value in the data, and what was drawn there to the end of
 * `hidden`; *k: the number of the first cell. */
static void hide_cells(const Simulation *s, int absent, json_t *cells, json_t *hidden, long *k)
{
    for (size_t i = 0; i < json_array_size(cells); i++) {
        json_t *cell = json_array_get(cells, i);

        if (json_is_array(cell)) {
            hide_cells(s, absent, cell, hidden, k);
        } else if (source_value(s->source, absent, 0, (*k)++) != 0) {
            json_array_append(hidden, cell);
            json_array_set_new(cells, i, json_null());
        }
    }
}

/* Data with missing cells keep them; their latent, where they have one, has what was drawn. */
static void hide_missing(const Simulation *s, const DgmData *d, json_t *cells, json_t *root)
{
    const DgmModel *m = s->model;
    json_t *hidden = json_array();
    long k = 0;

    for (int a = 0; a < m->n_data; a++)
        if (m->data[a].cells == DGM_CELLS_ABSENT && strcmp(m->data[a].of, d->name) == 0
            && s->source != NULL && s->source->arrays[a].path != NULL)
            hide_cells(s, a, cells, hidden, &k);
    for (int i = 0; i < m->n_latents; i++) {
        size_t n = strlen(d->name);

        if (strncmp(m->latents[i].name, d->name, n) == 0
            && strcmp(m->latents[i].name + n, "_missing") == 0 && json_array_size(hidden) > 0)
            json_object_set(root, m->latents[i].name, hidden);
    }
    json_decref(hidden);
}

static json_t *result_json(const Simulation *s)
{
    json_t *root = json_object();

    for (int i = 0; i < s->n; i++) {
        const DgmVariable *v = &s->variables[i];
        int a = v->data ? data_index(s->model, v->name) : -1;
        const DgmData *d = a >= 0 ? &s->model->data[a] : NULL;

        json_t *json = reals_json(s->value[i], shape_of_variable(v, s->N), v->elem,
                                  d ? d->from : 0);

        if (d != NULL)
            cut_rows(s, d, json);
        if (d != NULL && d->cells == DGM_CELLS_MISSING)
            hide_missing(s, d, json, root);
        json_object_set_new(root, d ? data_field(d) : v->name, json);
    }
    for (int a = 0; a < s->model->n_data; a++)
        if (simulation_find(s, s->model->data[a].name) < 0 && s->source != NULL
            && !cells_made(&s->model->data[a]))
            json_object_set_new(root, data_field(&s->model->data[a]), covariate_json(s, a));
    return root;
}

/* ---- the command ----------------------------------------------------------------------------- */

/* JSON has no word for a number that is not finite. */
static void check_finite(const Simulation *s)
{
    for (int i = 0; i < s->n; i++)
        for (long k = 0; s->output[i] >= 0 && k < count_of(s, i); k++)
            if (isinf(s->value[i][k]))
                dgm_fail(DGM_EXIT_NUMERIC, "its law has a parameter outside of its domain, or a "
                         "tail beyond the largest number: another --seed, or --at",
                         "%s:%d: a draw of `%s` (element %ld, from 0) is infinite",
                         s->model->spec_path, s->variables[i].line, s->variables[i].name, k);
}

int command_simulate(Options *o)
{
    Session session = session_open(o);
    Simulation s = simulation_new(o->model);
    DataSet data = open_data(&s, &session);

    simulation_bind(&s, &session, &data);
    read_fixed(&s, option_text(o, OPT_FIXED));
    check_fixed(&s, data.source, option_text(o, OPT_FIXED));
    simulation_draw(&s, 0);
    check_finite(&s);
    json_write(result_json(&s), option_text(o, OPT_OUT_JSON));
    simulation_free(&s);
    data_close(&data);
    session_close(&session);
    return DGM_OK;
}
