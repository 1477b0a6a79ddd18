/* runjson.c - DIR/run.json: everything needed to know, judge and repeat a run.
 *
 * Every option with its value and where that came from; seed; versions and hashes of spec and data;
 * how data became numbers; the optimiser with every number in force; BLAS, processor, compiler.
 * Written atomically before the first step. A resumed run reads its options back from here, and so
 * do the other commands for the binarisation; each resume is added to the list "resumed".
 */
#include "train/train.h"

#include "optim/optim.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DIGITS JSON_REAL_PRECISION(17)

/* ---- writing -------------------------------------------------------------------------------- */

static json_t *value_json(const OptionRow *row, const OptionValue *value)
{
    const char *text = value->n > 0 ? value->text[value->n - 1] : NULL;
    uint64_t count;
    double real;

    if (row->kind == KIND_FLAG)
        return json_boolean(text != NULL);
    if (row->kind == KIND_LIST) {
        json_t *list = json_array();

        for (int i = 0; i < value->n; i++)
            json_array_append_new(list, json_string(value->text[i]));
        return list;
    }
    if (text == NULL)
        return json_null();
    if (row->kind == KIND_COUNT && parse_count(text, &count) && count <= INT64_MAX)
        return json_integer((json_int_t)count);
    if (row->kind == KIND_REAL && parse_real(text, &real))
        return json_number(real);
    return json_string(text);
}

static json_t *options_json(const Options *o)
{
    json_t *all = json_object();

    for (int i = 0; i < N_OPTIONS; i++) {
        const OptionRow *row = option_row((OptionId)i);

        if (strchr(row->commands, o->command->letter) == NULL || i == OPT_HELP
            || i == OPT_HELP_JSON)
            continue;
        json_object_set_new(all, row->name,
                            json_pack("{s:o, s:s}", "value", value_json(row, &o->value[i]),
                                      "source", option_source_name(o->value[i].source)));
    }
    return all;
}

static json_t *data_json(const DataSet *d)
{
    json_t *all = json_object();

    for (int a = 0; d->source != NULL && a < d->model->n_data; a++) {
        const SourceArray *array = &d->source->arrays[a];
        json_t *shape = json_array();
        char hash[24];

        for (int i = 0; i < array->array.rank; i++)
            json_array_append_new(shape, json_integer(array->array.shape[i]));
        snprintf(hash, sizeof hash, "%016llx", (unsigned long long)array->hash);
        json_object_set_new(all, d->model->data[a].name,
                            json_pack("{s:s, s:s, s:s, s:o, s:s, s:o, s:o, s:s}", "file",
                                      array->path, "format", array->array.format, "type",
                                      array_type_name(array->array.type), "shape", shape, "hash",
                                      hash, "min", json_number(array->min), "max",
                                      json_number(array->max), "binarisation",
                                      array->binarisation));
    }
    json_object_set_new(all, "rows", json_integer(d->N));
    return all;
}

static json_t *optimizer_json(const DgmOptim *optim)
{
    DgmHyper values[3 * DGM_OPTIM_MAX_HYPER];
    int n = dgm_optim_values(optim, values, 3 * DGM_OPTIM_MAX_HYPER);
    json_t *all = json_object();

    json_object_set_new(all, "name", json_string(optim->info->name));
    if (optim->schedule != NULL)
        json_object_set_new(all, "schedule", json_string(optim->schedule->name));
    for (int i = 0; i < n; i++)
        json_object_set_new(all, values[i].name, json_number(values[i].value));
    return all;
}

static json_t *model_json(const DgmModel *m)
{
    json_t *sizes = json_object();

    for (int i = 0; i < m->n_sizes; i++)
        json_object_set_new(sizes, m->sizes[i], json_integer(m->size_values[i]));
    for (int i = 0; i < m->n_numbers; i++)
        json_object_set_new(sizes, m->numbers[i].name, json_real(m->numbers[i].value));
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "name", m->name, "spec", m->spec_path,
                     "spec_hash", m->spec_hash, "objective", m->objective, "formula", m->formula,
                     "sizes", sizes);
}

static json_t *plan_json(const Plan *plan)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "rows", (json_int_t)plan->N, "batch",
                     (json_int_t)plan->batch, "steps_per_epoch", (json_int_t)plan->per_epoch,
                     "steps", (json_int_t)plan->total, "log_every", (json_int_t)plan->log_every,
                     "report_every", (json_int_t)plan->report_every);
}

static void time_text(char *text, size_t size)
{
    time_t now = time(NULL);
    struct tm utc;

    gmtime_r(&now, &utc);
    strftime(text, size, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

/* "started" and "resumed" of the run so far, with this start added. */
static void put_times(json_t *root, const Training *t, json_t *before)
{
    json_t *started = json_object_get(before, "started");
    json_t *resumed = json_object_get(before, "resumed");
    char now[40];

    time_text(now, sizeof now);
    json_object_set(root, "started", json_is_string(started) ? started : NULL);
    if (!json_is_string(started))
        json_object_set_new(root, "started", json_string(now));
    if (before == NULL)
        return;
    resumed = json_is_array(resumed) ? json_deep_copy(resumed) : json_array();
    json_array_append_new(resumed, json_pack("{s:s, s:I}", "time", now, "step",
                                             (json_int_t)t->state.step));
    json_object_set_new(root, "resumed", resumed);
}

void runjson_write(const Training *t, bool resume)
{
    if (t->dir == NULL)
        return;
    const Options *o = t->s.options;
    char *path = path_join(t->dir, "run.json"), seed[24];
    json_t *before = resume ? runjson_read(path) : NULL, *root = json_object();

    snprintf(seed, sizeof seed, "%llu", (unsigned long long)t->s.seed);
    json_object_set_new(root, "model", model_json(t->s.model));
    json_object_set_new(root, "seed", t->s.seed <= INT64_MAX
                                          ? json_integer((json_int_t)t->s.seed)
                                          : json_string(seed));
    json_object_set_new(root, "threads", json_integer(t->s.threads));
    json_object_set_new(root, "plan", plan_json(&t->plan));
    json_object_set_new(root, "optimizer", optimizer_json(t->optim));
    json_object_set_new(root, "options", options_json(o));
    json_object_set_new(root, "data", data_json(&t->train));
    if (t->has_valid)
        json_object_set_new(root, "valid", data_json(&t->valid));
    if (t->train.source != NULL)
        json_object_set_new(root, "scale", json_number(source_scale(t->train.source)));
    json_object_set_new(root, "build", build_json(t->s.model));
    put_times(root, t, before);
    char *text = json_dumps(root, JSON_INDENT(2) | DIGITS);
    file_write(path, text);
    free(text);
    free(path);
    json_decref(root);
    json_decref(before);
}

/* ---- reading -------------------------------------------------------------------------------- */

json_t *runjson_read(const char *path)
{
    json_error_t e;
    json_t *root = NULL;

    if (path_exists(path)) {
        root = json_load_file(path, 0, &e);
        if (root == NULL)
            dgm_fail(DGM_EXIT_CHECKPOINT, "train anew with --overwrite", "%s:%d: %s", path, e.line,
                     e.text);
    }
    return root;
}

static void put_value(Options *o, OptionId id, json_t *value, OptionSource source)
{
    char text[64];

    if (json_is_string(value)) {
        option_put(o, id, json_string_value(value), source);
    } else if (json_is_integer(value)) {
        snprintf(text, sizeof text, "%lld", (long long)json_integer_value(value));
        option_put(o, id, text, source);
    } else if (json_is_real(value)) {
        snprintf(text, sizeof text, "%.17g", json_real_value(value));
        option_put(o, id, text, source);
    } else if (json_is_true(value)) {
        option_put(o, id, "yes", source);
    }
}

static void put_list(Options *o, OptionId id, json_t *list, OptionSource source)
{
    size_t i;
    json_t *item;

    json_array_foreach(list, i, item)
        put_value(o, id, item, source);
}

/* Numbers given with --set add to those of the run, and win over them. */
static void put_set(Options *o, json_t *list, OptionSource source)
{
    OptionValue given = o->value[OPT_SET];

    o->value[OPT_SET] = (OptionValue){0};
    put_list(o, OPT_SET, list, given.n > 0 ? FROM_COMMAND : source);
    for (int i = 0; i < given.n; i++) {
        option_put(o, OPT_SET, given.text[i], FROM_COMMAND);
        free(given.text[i]);
    }
    free(given.text);
}

/* Options about this call and not about the run. */
static bool belongs_to_call(OptionId id)
{
    return id == OPT_RESUME || id == OPT_OVERWRITE || id == OPT_QUIET || id == OPT_OUT
           || id == OPT_THREADS || id == OPT_CONFIG || id == OPT_HELP || id == OPT_HELP_JSON;
}

void runjson_options(Options *o, const char *path, OptionSource source)
{
    json_t *root = runjson_read(path), *options = json_object_get(root, "options");
    double scale = json_number_value(json_object_get(root, "scale"));
    char text[40];

    for (int i = 0; i < N_OPTIONS; i++) {
        const OptionRow *row = option_row((OptionId)i);
        json_t *entry = json_object_get(options, row->name);
        const char *was = json_string_value(json_object_get(entry, "source"));
        json_t *value = json_object_get(entry, "value");
        bool taken = o->command->letter == 't' ? !belongs_to_call((OptionId)i)
                                               : i == OPT_BINARISE;

        if (!taken || was == NULL || strcmp(was, "unset") == 0
            || strchr(row->commands, o->command->letter) == NULL)
            continue;
        if (i == OPT_SET)
            put_set(o, value, source);
        else if (json_is_array(value))
            put_list(o, (OptionId)i, value, source);
        else
            put_value(o, (OptionId)i, value, source);
    }
    if (scale > 0) {
        snprintf(text, sizeof text, "%.17g", scale);
        option_put(o, OPT_SCALE, text, source);
    }
    json_decref(root);
}

void runjson_options_of(Options *o, const char *dir)
{
    char *path = path_join(dir, "run.json");

    runjson_options(o, path, FROM_RUN);
    free(path);
}
