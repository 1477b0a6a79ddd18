/* state.c - a run on disk: DIR/last, previous and best.safetensors.
 *
 * A checkpoint holds the parameters under their names, the optimiser's slabs ("optimizer.m", ...),
 * and as strings what else the next step depends on: step, seed, batch, running averages. Data
 * order and random streams are pure functions of (seed, step), so there is nothing more to keep.
 *
 * `last` is replaced atomically and the one before it kept as `previous`; a damaged `last` is
 * reported and `previous` used. Parameters that are not finite are never saved.
 *
 * requires:    a session whose model is the one the checkpoint is for
 * establishes: state_load: parameters, slabs and state exactly as saved, or exit code 6 with the
 *              field that differs
 */
#include "train/train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT "dgm-run-1"
#define MOST_SLABS 8

/* ---- running averages as text --------------------------------------------------------------- */

static json_t *running_json(const Running *r)
{
    json_t *shares = json_array();

    for (int t = 0; t < r->model->n_terms; t++)
        json_array_append_new(shares, json_number(r->share[t]));
    return json_pack("{s:I, s:o, s:o}", "count", (json_int_t)r->count, "objective",
                     json_number(r->objective), "shares", shares);
}

static void running_read(Running *r, json_t *json)
{
    json_t *shares = json_object_get(json, "shares");

    r->count = (long)json_integer_value(json_object_get(json, "count"));
    r->objective = json_number_value(json_object_get(json, "objective"));
    for (int t = 0; t < r->model->n_terms; t++)
        r->share[t] = json_number_value(json_array_get(shares, (size_t)t));
}

static char *averages_text(const RunState *state)
{
    json_t *root = json_pack("{s:o, s:o}", "window", running_json(state->window), "epoch",
                             running_json(state->epoch));
    char *text = json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(17));

    json_decref(root);
    return text;
}

/* ---- `optimizer auto` as text ---------------------------------------------------------------- */

static char *automatic_text(const Automatic *a)
{
    json_t *root = json_pack(
        "{s:f, s:f, s:I, s:I, s:I, s:i, s:i, s:i, s:i, s:b}", "rate", a->rate, "first", a->first,
        "from", (json_int_t)a->from, "upto", (json_int_t)a->upto, "stride", (json_int_t)a->stride,
        "windows", a->windows, "tests", a->tests, "small", a->small, "retreats", a->retreats,
        "converged", a->converged);
    char *text = json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(17));

    json_decref(root);
    return text;
}

/* False: no state that automatic_text writes. */
static bool automatic_read(Automatic *a, json_t *json)
{
    json_int_t from = 0, upto = 0, stride = 0;
    int converged = 0, bad;

    bad = json_unpack(json, "{s:f, s:f, s:I, s:I, s:I, s:i, s:i, s:i, s:i, s:b}", "rate", &a->rate,
                "first", &a->first, "from", &from, "upto", &upto, "stride", &stride, "windows",
                &a->windows, "tests", &a->tests, "small", &a->small, "retreats", &a->retreats,
                "converged", &converged);
    a->from = (uint64_t)from;
    a->upto = (uint64_t)upto;
    a->stride = (uint64_t)stride;
    a->converged = converged;
    return bad == 0 && (a->rate == 0 || (a->rate > 0 && from >= 0 && upto > from && stride > 0));
}

/* ---- writing -------------------------------------------------------------------------------- */

static int fill_tensors(const Session *s, DgmOptim *optim, Tensor *tensors, char (*names)[64])
{
    const DgmModel *m = s->model;
    int n = 0;

    for (int i = 0; i < m->n_params; i++) {
        const DgmParam *p = &m->params[i];
        Tensor *t = &tensors[n++];

        *t = (Tensor){.name = p->name, .type = TENSOR_REAL, .rank = p->rank,
                      .data = s->param + p->offset};
        memcpy(t->shape, p->shape, sizeof t->shape);
    }
    if (optim != NULL) {
        const char *slab_names[MOST_SLABS];
        Real *slabs[MOST_SLABS];
        int n_slabs = dgm_optim_state(optim, slab_names, slabs);

        for (int i = 0; i < n_slabs; i++) {
            snprintf(names[i], sizeof names[i], "optimizer.%s", slab_names[i]);
            tensors[n++] = (Tensor){.name = names[i], .type = TENSOR_REAL, .rank = 1,
                                    .shape = {m->param_reals}, .data = slabs[i]};
        }
    }
    return n;
}

typedef struct Texts {
    CheckpointText list[20];
    char value[20][80];                /* room for the numbers among them */
    int n;
} Texts;

static void text_put(Texts *t, const char *key, const char *value)
{
    t->list[t->n++] = (CheckpointText){key, value};
}

static void number_put(Texts *t, const char *key, uint64_t value)
{
    snprintf(t->value[t->n], sizeof t->value[0], "%llu", (unsigned long long)value);
    text_put(t, key, t->value[t->n]);
}

static void fill_texts(const Session *s, const RunState *state, const char *averages,
                       const char *automatic, Texts *t)
{
    text_put(t, "format", FORMAT);
    text_put(t, "model", s->model->name);
    text_put(t, "spec_hash", s->model->spec_hash);
    text_put(t, "dgmc_version", s->model->dgmc_version);
    text_put(t, "runtime_version", DGM_VERSION);
    number_put(t, "abi_major", DGM_ABI_MAJOR);
    number_put(t, "step", state->step);
    number_put(t, "total", state->total);
    number_put(t, "seed", state->seed);
    number_put(t, "batch", (uint64_t)state->batch);
    number_put(t, "N", (uint64_t)state->N);
    number_put(t, "data_hash", state->data_hash);
    number_put(t, "samples", (uint64_t)state->samples);
    number_put(t, "best_step", state->best_step);
    snprintf(t->value[t->n], sizeof t->value[0], "%.17g", state->best);
    text_put(t, "best", t->value[t->n]);
    text_put(t, "optimizer", state->optimizer);
    text_put(t, "averages", averages);
    text_put(t, "automatic", automatic);
}

void state_save(const Session *s, DgmOptim *optim, const RunState *state, const char *dir,
                const char *name)
{
    Tensor *tensors = dgm_alloc((size_t)(s->model->n_params + MOST_SLABS) * sizeof *tensors);
    char names[MOST_SLABS][64], *averages = averages_text(state);
    char *automatic = automatic_text(&state->automatic);
    Texts texts = {.n = 0};
    char *path = path_join(dir, name);
    int n = fill_tensors(s, optim, tensors, names);

    fill_texts(s, state, averages, automatic, &texts);
    if (strcmp(name, "last.safetensors") == 0 && path_exists(path)) {
        char *previous = path_join(dir, "previous.safetensors");

        file_keep_as(path, previous);
        free(previous);
    }
    checkpoint_write(path, tensors, n, texts.list, texts.n);
    free(path);
    free(averages);
    free(automatic);
    free(tensors);
}

/* ---- reading -------------------------------------------------------------------------------- */

_Noreturn static void fail_differs(const char *path, const char *field, const char *there,
                                   const char *here)
{
    dgm_fail(DGM_EXIT_CHECKPOINT, "use the trainer that wrote it, or train anew",
             "%s: `%s` is %s in the checkpoint, but %s here", path, field,
             there ? there : "missing", here);
}

static const char *text_of(const Checkpoint *c, const char *key, const char *path)
{
    const char *text = checkpoint_text(c, key);

    if (text == NULL)
        dgm_fail(DGM_EXIT_CHECKPOINT, "give a checkpoint that `train` wrote",
                 "%s: there is no `%s` in the checkpoint", path, key);
    return text;
}

static uint64_t number_of(const Checkpoint *c, const char *key, const char *path)
{
    const char *text = text_of(c, key, path);
    uint64_t value = 0;

    if (!parse_count(text, &value) || value > INT64_MAX)
        dgm_fail(DGM_EXIT_CHECKPOINT, "give a checkpoint that `train` wrote",
                 "%s: `%s` is `%s`, not a number in range", path, key, text);
    return value;
}

static void check_same(const Checkpoint *c, const char *key, const char *here, const char *path)
{
    const char *there = checkpoint_text(c, key);

    if (there == NULL || strcmp(there, here) != 0)
        fail_differs(path, key, there, here);
}

/* A resumed run must mean the same rows and random numbers by "step k". */
static void check_expected(const Checkpoint *c, const RunState *state, const char *path)
{
    char number[40];

    check_same(c, "optimizer", state->optimizer, path);
    snprintf(number, sizeof number, "%llu", (unsigned long long)state->seed);
    check_same(c, "seed", number, path);
    snprintf(number, sizeof number, "%ld", state->batch);
    check_same(c, "batch", number, path);
    snprintf(number, sizeof number, "%ld", state->N);
    check_same(c, "N", number, path);
    snprintf(number, sizeof number, "%llu", (unsigned long long)state->data_hash);
    check_same(c, "data_hash", number, path);
}

static void read_texts(const Session *s, const Checkpoint *c, RunState *state, const char *path)
{
    uint64_t seed;
    char abi[24];

    snprintf(abi, sizeof abi, "%d", DGM_ABI_MAJOR);
    check_same(c, "format", FORMAT, path);
    check_same(c, "abi_major", abi, path);
    check_same(c, "model", s->model->name, path);
    check_same(c, "spec_hash", s->model->spec_hash, path);
    if (!parse_count(text_of(c, "seed", path), &seed))
        fail_differs(path, "seed", text_of(c, "seed", path), "a whole number");
    state->seed = seed;
    state->step = number_of(c, "step", path);
    state->total = number_of(c, "total", path);
    state->batch = (long)number_of(c, "batch", path);
    state->N = (long)number_of(c, "N", path);
    state->data_hash = number_of(c, "data_hash", path);
    state->samples = (int)number_of(c, "samples", path);
    state->best_step = number_of(c, "best_step", path);
    state->best = strtod(text_of(c, "best", path), NULL);
    snprintf(state->optimizer, sizeof state->optimizer, "%s", text_of(c, "optimizer", path));
    json_t *averages = json_loads(text_of(c, "averages", path), 0, NULL);
    if (state->window != NULL)
        running_read(state->window, json_object_get(averages, "window"));
    if (state->epoch != NULL)
        running_read(state->epoch, json_object_get(averages, "epoch"));
    json_decref(averages);
    json_t *automatic = json_loads(text_of(c, "automatic", path), 0, NULL);
    if (!automatic_read(&state->automatic, automatic))
        fail_differs(path, "automatic", text_of(c, "automatic", path), "a state of the step rule");
    json_decref(automatic);
}

void state_load(const Session *s, DgmOptim *optim, RunState *state, const char *path)
{
    Tensor *tensors = dgm_alloc((size_t)(s->model->n_params + MOST_SLABS) * sizeof *tensors);
    char names[MOST_SLABS][64];
    Checkpoint *c = checkpoint_read(path);
    int n = fill_tensors(s, optim, tensors, names);

    if (optim != NULL)
        check_expected(c, state, path);
    read_texts(s, c, state, path);
    for (int i = 0; i < n; i++)
        checkpoint_fetch(c, tensors[i].name, tensors[i].type, tensors[i].rank, tensors[i].shape,
                         tensors[i].data);
    const DgmParam *bad = params_nonfinite(s->model, s->param);
    if (bad != NULL)
        dgm_fail(DGM_EXIT_CHECKPOINT, "use an older checkpoint",
                 "%s: parameter `%s` holds a value that is not finite", path, bad->name);
    checkpoint_free(c);
    free(tensors);
}

/* ---- choosing ------------------------------------------------------------------------------- */

bool state_readable(const char *path, char *why, size_t size)
{
    DataError e;
    Checkpoint *c = checkpoint_read_try(path, &e);

    if (c == NULL) {
        snprintf(why, size, "%s", e.text);
        return false;
    }
    checkpoint_free(c);
    return true;
}

char *state_last(const char *dir)
{
    char *last = path_join(dir, "last.safetensors");
    char *previous = path_join(dir, "previous.safetensors");
    char why[1100] = "";

    if (!path_exists(last))
        snprintf(why, sizeof why, "%s is missing", last);
    if (why[0] == '\0' && state_readable(last, why, sizeof why)) {
        free(previous);
        return last;
    }
    if (!path_exists(previous))
        dgm_fail(DGM_EXIT_CHECKPOINT, "train with --out DIR first", "%s", why);
    dgm_warn("%s; going on from %s", why, previous);
    free(last);
    return previous;
}

char *state_choose(const Options *o)
{
    const char *which = option_text(o, OPT_CHECKPOINT), *dir = o->operand;

    if (!path_is_directory(dir))
        dgm_fail(DGM_EXIT_IO, "give the directory that `train --out` wrote",
                 "%s is not a directory", dir);
    if (which == NULL || strcmp(which, "best") == 0) {
        char *best = path_join(dir, "best.safetensors");

        if (which != NULL || path_exists(best))
            return best;
        free(best);
        return state_last(dir);
    }
    if (strcmp(which, "last") == 0)
        return state_last(dir);
    return path_join(dir, which);
}
