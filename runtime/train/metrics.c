/* metrics.c - DIR/metrics.jsonl: one JSON object a line, flushed, the truth about a run.
 *
 *   {"kind":"step","step":500,"epoch":1,"objective":-190.4,"elbo":..,"kl":..,"reconstruction":..,
 *    "terms":{"x":..,"kl_z":..},"grad_norm":..,"lr":..,"steps_per_second":..}
 *   {"kind":"epoch", the same as averages over the epoch, and valid_* if there is --valid}
 *
 * Nats per datum. `elbo`, `kl` and `reconstruction` are there when the model has latents. NaN and
 * infinities cannot occur (training stops first) but would be written as null. After a resume the
 * file is cut back to the checkpoint's step and appended to: it then equals, but for
 * steps_per_second, that of a run which was never stopped.
 */
#include "train/train.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define JSON_DIGITS JSON_REAL_PRECISION(17)

void metrics_put(json_t *line, const char *prefix, const char *name, double value)
{
    char key[80];

    snprintf(key, sizeof key, "%s%s", prefix, name);
    json_object_set_new(line, key, json_number(value));
}

/* Position after the last complete line whose step is at most `step`. */
static long kept_length(FILE *f, uint64_t step)
{
    char *text = NULL;
    size_t size = 0;
    long kept = 0;
    ssize_t n;

    while ((n = getline(&text, &size, f)) > 0 && text[n - 1] == '\n') {
        json_t *line = json_loads(text, 0, NULL);
        json_t *at = line ? json_object_get(line, "step") : NULL;
        bool keep = json_is_integer(at) && (uint64_t)json_integer_value(at) <= step;

        json_decref(line);
        if (!keep)
            break;
        kept += n;
    }
    free(text);
    return kept;
}

_Noreturn static void fail_write(const char *path)
{
    dgm_fail(DGM_EXIT_IO, "free some space or choose another --out; the last checkpoint stands",
             "cannot write %s: %s", path, strerror(errno));
}

Metrics metrics_open(const char *dir, bool resume, uint64_t step)
{
    if (dir == NULL)
        return (Metrics){0};
    Metrics m = {.path = path_join(dir, "metrics.jsonl")};

    m.file = fopen(m.path, resume ? "r+" : "w");
    if (m.file == NULL && resume)
        m.file = fopen(m.path, "w");
    if (m.file == NULL)
        fail_write(m.path);
    if (resume) {
        long kept = kept_length(m.file, step);

        if (ftruncate(fileno(m.file), kept) != 0 || fseek(m.file, kept, SEEK_SET) != 0)
            fail_write(m.path);
    }
    return m;
}

void metrics_write(Metrics *m, json_t *line)
{
    if (m->file == NULL)
        json_decref(line);
    else if (json_dumpf(line, m->file, JSON_COMPACT | JSON_DIGITS) != 0
             || fputc('\n', m->file) == EOF || fflush(m->file) != 0)
        fail_write(m->path);
    else
        json_decref(line);
}

void metrics_close(Metrics *m)
{
    if (m->file != NULL && fclose(m->file) != 0)
        fail_write(m->path);
    free(m->path);
    *m = (Metrics){0};
}

/* The numbers of a running average, under names with a prefix ("" or "valid_"). */
void metrics_put_running(json_t *line, const char *prefix, const Running *r)
{
    Report report = running_report(r);
    json_t *terms = json_object();

    metrics_put(line, prefix, "objective", report.objective);
    if (model_has_latents(r->model)) {
        metrics_put(line, prefix, "elbo", report.elbo);
        metrics_put(line, prefix, "kl", report.kl);
        metrics_put(line, prefix, "reconstruction", report.reconstruction);
    }
    for (int t = 0; t < r->model->n_terms; t++)
        json_object_set_new(terms, r->model->terms[t].name, json_number(running_term(r, t)));
    char key[80];
    snprintf(key, sizeof key, "%sterms", prefix);
    json_object_set_new(line, key, terms);
}

/* ---- reading back, for the loss curve ------------------------------------------------------- */

static void curve_add(Curve *curve, double x, double y)
{
    if (curve->n == curve->room) {
        long room = curve->room ? 2 * curve->room : 256;
        double *x2 = dgm_alloc((size_t)room * sizeof *x2);
        double *y2 = dgm_alloc((size_t)room * sizeof *y2);

        if (curve->n > 0) {
            memcpy(x2, curve->x, (size_t)curve->n * sizeof *x2);
            memcpy(y2, curve->y, (size_t)curve->n * sizeof *y2);
        }
        curve_free(curve);
        curve->x = x2;
        curve->y = y2;
        curve->room = room;
    }
    curve->x[curve->n] = x;
    curve->y[curve->n++] = y;
}

void curve_free(Curve *curve)
{
    free(curve->x);
    free(curve->y);
}

Curve metrics_curve(const char *dir, const char *kind, const char *key)
{
    Curve curve = {0};
    char *path = path_join(dir, "metrics.jsonl"), *text = NULL;
    FILE *f = fopen(path, "r");
    size_t size = 0;

    while (f != NULL && getline(&text, &size, f) > 0) {
        json_t *line = json_loads(text, 0, NULL);
        const char *is = json_string_value(json_object_get(line, "kind"));
        json_t *step = json_object_get(line, "step"), *value = json_object_get(line, key);

        if (is != NULL && strcmp(is, kind) == 0 && json_is_integer(step) && json_is_number(value))
            curve_add(&curve, (double)json_integer_value(step), json_number_value(value));
        json_decref(line);
    }
    if (f != NULL)
        fclose(f);
    free(text);
    free(path);
    return curve;
}
