/* source.c - the model's data arrays, found in files, checked, and held in the files' own types.
 *
 * Idea: everything that can be wrong with data is found here, before the first step: shapes, number
 * of rows, values outside the declared support (named with row and element), gray images where bits
 * are declared and nobody said how to make bits of them. Afterwards loading a row cannot fail.
 */
#include "data/data.h"
#include "data/csv.h"
#include "data/open.h"
#include "data/read.h"
#include "data/vectors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- shape ----------------------------------------------------------------------------------- */

static long rows_of(const SourceArray *a)
{
    return a->decl->rows && a->array.rank > 0 ? a->array.shape[0] : 1;
}

/* Same axes, axes of length 1 left aside. */
static bool same_shape(const long *a, int rank_a, const long *b, int rank_b)
{
    int i = 0, j = 0;

    for (;;) {
        while (i < rank_a && a[i] == 1)
            i++;
        while (j < rank_b && b[j] == 1)
            j++;
        if (i == rank_a || j == rank_b)
            return i == rank_a && j == rank_b;
        if (a[i++] != b[j++])
            return false;
    }
}

static void shape_text(int rank, const long *shape, char *buffer, size_t size)
{
    DgmArray a = { .rank = rank };

    memcpy(a.shape, shape, (size_t)rank * sizeof *shape);
    array_shape_text(&a, buffer, size);
}

/* Keeps the first name, and asks for no other. */
static bool first_name(void *to, const char *name)
{
    snprintf(to, 64, "%s", name);
    return false;
}

/* What to write for a file of more columns than the model has: a name of its header, or places. */
static void help_columns(const SourceArray *a, char *help, size_t size)
{
    const char *format;
    char name[64] = "";
    DataError ignored = { 0 };

    if (a->decl->count == 1)
        array_members(a->path, &format, first_name, name, &ignored);
    if (*name)
        snprintf(help, size, "choose a column by its name, for example %s=FILE:%s", a->decl->name,
                 name);
    else
        snprintf(help, size, "choose columns, for example %s=FILE:0-%ld", a->decl->name,
                 a->decl->count - 1);
}

static bool shape_check(Opening *o, SourceArray *a)
{
    const DgmData *d = a->decl;
    int skip = d->rows;                  /* the row axis */
    char have[256], want[256];

    if (a->array.count == 0)
        return data_fail(o->e, NULL, "%s: %s holds no rows", d->name, a->path);
    if (skip && a->array.rank == 0)
        return data_fail(o->e, "write a list, [x], though it has one number",
                         "%s: %s is one number, but the model declares an axis of them (%s:%d)",
                         d->name, a->path, o->model->spec_path, d->line);
    long each = a->array.count / rows_of(a);
    shape_text(a->array.rank - skip, a->array.shape + skip, have, sizeof have);
    shape_text(d->rank, d->shape, want, sizeof want);
    if (each != d->count) {
        bool wide = strcmp(a->array.format, "csv") == 0 && each > d->count && a->array.rank == 2;
        char help[128] = "compile the model for these data: dgmc SPEC --data NAME=FILE";

        if (wide)
            help_columns(a, help, sizeof help);
        return data_fail(o->e, help, "%s: %s has %s %s, but the model declares %s (%s:%d)", d->name,
                         a->path, skip ? "rows of shape" : "shape", have, want, o->model->spec_path,
                         d->line);
    }
    if (!same_shape(a->array.shape + skip, a->array.rank - skip, d->shape, d->rank))
        snprintf(a->note, sizeof a->note, "%.80s: %.160s: %s %.80s, used as %.80s", d->name,
                 a->path, skip ? "rows are" : "shape is", have, want);
    return true;
}

static bool rows_check(Opening *o, const SourceArray *arrays, long *n, bool *counted)
{
    const SourceArray *first = NULL;

    for (int d = 0; d < o->model->n_data; d++) {
        const SourceArray *a = &arrays[d];

        if (!a->decl->rows || a->path == NULL)
            continue;
        if (first != NULL && rows_of(a) != rows_of(first))
            return data_fail(o->e, "give files of the same rows",
                             "%s has %ld rows (%s), but %s has %ld (%s)", first->decl->name,
                             rows_of(first), first->path, a->decl->name, rows_of(a), a->path);
        first = first ? first : a;
    }
    *counted = first || o->rows_wanted > 0;
    *n = first ? rows_of(first) : *counted ? o->rows_wanted
       : o->model->fixed_rows > 0 ? o->model->fixed_rows : 1;
    if (first != NULL && o->model->fixed_rows > 0 && *n != o->model->fixed_rows)
        return data_fail(o->e, NULL, "%s: %s has %ld rows, but the model declares %ld (%s:%d)",
                         first->decl->name, first->path, *n, o->model->fixed_rows,
                         o->model->spec_path, first->decl->line);
    if (first != NULL && o->rows_wanted >= 0 && *n != o->rows_wanted)
        return data_fail(o->e, NULL, "%s is %ld, but %s has %ld rows (%s)", o->model->plate,
                         o->rows_wanted, first->decl->name, *n, first->path);
    return true;
}

/* ---- values ---------------------------------------------------------------------------------- */

typedef struct Range {
    double min, max;
    bool finite, whole;                /* all values are */
} Range;

static Range range_of(const DgmArray *a)
{
    Range r = { array_value(a, 0), array_value(a, 0), true, true };

    if (a->type == ARRAY_U8 || a->type == ARRAY_BOOL) {
        const uint8_t *v = a->data;
        uint8_t min = 255, max = 0;

        for (long i = 0; i < a->count; i++) {
            min = v[i] < min ? v[i] : min;
            max = v[i] > max ? v[i] : max;
        }
        return (Range){ min, max, true, true };
    }
    for (long i = 0; i < a->count; i++) {
        double v = array_value(a, i);

        r.finite &= isfinite(v) != 0;
        r.whole &= v == floor(v);
        r.min = v < r.min ? v : r.min;
        r.max = v > r.max ? v : r.max;
    }
    return r;
}

/* What values may be: the declared support, or the gray values that are going to be bits. */
typedef struct Allowed {
    double lower, upper;
    bool open_lower, open_upper, whole;
} Allowed;

static Allowed allowed_by(const DgmData *d)
{
    return (Allowed){ d->lower + d->from, d->upper + d->from, d->open_lower, d->open_upper,
                      d->whole || d->elem != DGM_ELEM_REAL };
}

static bool value_fits(const Allowed *l, double v)
{
    if (!isfinite(v) || (l->whole && v != floor(v)))
        return false;
    return (l->open_lower ? v > l->lower : v >= l->lower)
        && (l->open_upper ? v < l->upper : v <= l->upper);
}

/* Names the first value that is not allowed. There is one. */
static bool value_refuse(Opening *o, const SourceArray *a, const Allowed *l, const char *help)
{
    const DgmData *d = a->decl;
    long i = 0;
    char value[40], reason[128];

    while (i + 1 < a->array.count && value_fits(l, array_value(&a->array, i)))
        i++;
    double v = array_value(&a->array, i);
    dgm_double_text(v, value, sizeof value);
    if (!isfinite(v))
        snprintf(reason, sizeof reason, "is not finite");
    else if (l->whole && v != floor(v))
        snprintf(reason, sizeof reason, "is not a whole number, as %.80s needs", d->support);
    else
        snprintf(reason, sizeof reason, "is outside the support %.80s", d->support);
    if (isnan(v))
        help = "leave such rows out, or declare the data `missing`";
    if (d->rows)
        return data_fail(o->e, help, "%s: %s: row %ld, element %ld (both from 0): %s %s (%s:%d)",
                         d->name, a->path, i / d->count, i % d->count, value, reason,
                         o->model->spec_path, d->line);
    return data_fail(o->e, help, "%s: %s: element %ld (from 0): %s %s (%s:%d)", d->name, a->path, i,
                     value, reason, o->model->spec_path, d->line);
}

static bool support_check(Opening *o, SourceArray *a, Range r)
{
    const DgmData *d = a->decl;
    Allowed l = allowed_by(d);
    char help[256] = "";

    if (r.finite && (!l.whole || r.whole) && value_fits(&l, r.min) && value_fits(&l, r.max))
        return true;
    if (d->elem == DGM_ELEM_INDEX && d->from == 0 && r.whole && r.min >= 1
        && r.max == d->upper + 1)
        snprintf(help, sizeof help, "labels that start at 1 are declared so: `%.80s from 1`",
                 d->support);
    else
        snprintf(help, sizeof help, "check the file, or declare another support in %.180s",
                 o->model->spec_path);
    return value_refuse(o, a, &l, help);
}

/* Of vectors and matrices, what no bound of single numbers says. */
static bool vectors_check(Opening *o, const SourceArray *a)
{
    const DgmData *d = a->decl;
    long number;
    const char *fault = d->cells == DGM_CELLS_ALL ? vector_fault(d, &a->array, &number) : NULL;

    return fault == NULL
        || data_fail(o->e, "check the file, or declare another support",
                     "%s: %s: %s %ld (from 0) is outside the support %s: %s (%s:%d)", d->name,
                     a->path, d->rows && d->rank <= 2 ? "row" : "vector or matrix", number,
                     d->support, fault, o->model->spec_path, d->line);
}

/* ---- bits of gray images --------------------------------------------------------------------- */

/* "threshold", "threshold=LEVEL", "dynamic"; level stays NAN unless given. */
static bool binarise_parse(Opening *o, BinariseMode *mode, double *level)
{
    const char *text = o->options->binarise;
    DgmExit code = o->code;

    *mode = BINARISE_NONE;
    *level = NAN;
    if (text == NULL)
        return true;
    o->code = DGM_EXIT_USAGE;
    if (strcmp(text, "dynamic") == 0)
        *mode = BINARISE_DYNAMIC;
    else if (strcmp(text, "threshold") == 0)
        *mode = BINARISE_THRESHOLD;
    else if (strncmp(text, "threshold=", 10) == 0
             && csv_number(text + 10, strlen(text + 10), level) == CSV_NUMBER && isfinite(*level))
        *mode = BINARISE_THRESHOLD;
    else
        return data_fail(o->e, "choose threshold, threshold=LEVEL or dynamic",
                         "--binarise %s is not known", text);
    o->code = code;
    return true;
}

static double scale_default(const SourceArray *a)
{
    bool image = a->array.type == ARRAY_U8 && strcmp(a->array.format, "csv") != 0;

    return image ? 255 : a->max <= 1 ? 1 : a->max;
}

static bool binarise_ask(Opening *o, const SourceArray *a)
{
    char scale[40], help[256];

    dgm_double_text(a->scale, scale, sizeof scale);
    snprintf(help, sizeof help, "say how gray becomes bits: --binarise threshold (1 above half of "
             "%s) or --binarise dynamic (1 with probability value/%s, drawn anew every epoch)",
             scale, scale);
    return data_fail(o->e, help, "%s: %s holds values from %g to %g, but the model declares %s "
                     "(%s:%d)", a->decl->name, a->path, a->min, a->max, a->decl->support,
                     o->model->spec_path, a->decl->line);
}

static bool binarise(Opening *o, SourceArray *a, Range r)
{
    double level, scale = o->options->scale;
    const Allowed gray = { .upper = INFINITY };
    BinariseMode mode;
    char low[40], white[40];

    if (!binarise_parse(o, &mode, &level))
        return false;
    if (r.finite && r.whole && r.min >= 0 && r.max <= 1) {
        snprintf(a->binarisation, sizeof a->binarisation, "none: values are 0 and 1");
        return true;
    }
    if (!r.finite || r.min < 0)
        return value_refuse(o, a, &gray, "gray values start at 0");
    a->scale = scale > 0 ? scale : scale_default(a);
    if (mode == BINARISE_NONE)
        return binarise_ask(o, a);
    if (r.max > a->scale)
        return data_fail(o->e, "give the value of white: --scale MAX",
                         "%s: %s has value %g, above the scale %g", a->decl->name, a->path, r.max,
                         a->scale);
    a->mode = mode;
    a->level = isnan(level) ? a->scale / 2 : level;
    dgm_double_text(a->level, low, sizeof low);
    dgm_double_text(a->scale, white, sizeof white);
    if (mode == BINARISE_THRESHOLD)
        snprintf(a->binarisation, sizeof a->binarisation, "threshold: value > %s of %s",
                 low, white);
    else
        snprintf(a->binarisation, sizeof a->binarisation,
                 "dynamic: Bernoulli(value / %s), anew every epoch", white);
    return true;
}

/* ---- opening --------------------------------------------------------------------------------- */

static bool array_load(Opening *o, SourceArray *a)
{
    const DgmData *d = a->decl;
    long width = d->cells == DGM_CELLS_RAGGED ? d->shape[d->rows ? 0 : 1] : 0;

    if (!array_read_ragged(a->path, width, &a->array, o->e)) {
        DataError inner = *o->e;

        return data_fail(o->e, inner.help, "%s: %.980s", a->decl->name, inner.text);
    }
    return shape_check(o, a);
}

static bool array_check(Opening *o, SourceArray *a)
{
    Range r = range_of(&a->array);
    a->min = r.min;
    a->max = r.max;
    a->hash = array_hash(&a->array);
    if (a->decl->elem == DGM_ELEM_BIT && a->decl->from == 0)
        return binarise(o, a, r);
    if (!support_check(o, a, r) || !vectors_check(o, a))
        return false;
    if (a->decl->from != 0)
        array_count_from_0(&a->array, a->decl->from);
    return true;
}

static bool open_all(Opening *o, DgmSource *s, const char *const *pairs, int n)
{
    for (int d = 0; d < o->model->n_data; d++)
        s->arrays[d].decl = &o->model->data[d];
    if (!pairs_assign(o, s->arrays, pairs, n))
        return false;
    for (int d = 0; d < o->model->n_data; d++)
        if (s->arrays[d].path != NULL && !array_load(o, &s->arrays[d]))
            return false;
    if (!cells_fill(o->model, s->arrays, o->e))
        return false;
    for (int d = 0; d < o->model->n_data; d++) {
        if (s->arrays[d].path != NULL && !array_check(o, &s->arrays[d]))
            return false;
        s->dynamic |= s->arrays[d].mode == BINARISE_DYNAMIC;
    }
    return rows_check(o, s->arrays, &s->N, &s->counted);
}

DgmSource *source_open_try(const DgmModel *model, const char *const *pairs, int n_pairs,
                           const SourceOptions *options, DgmExit *code, DataError *e)
{
    static const SourceOptions none = { 0 };
    Opening o = { .model = model, .options = options ? options : &none,
                  .rows_wanted = -1, .e = e };
    DgmSource *s = dgm_alloc(sizeof *s);

    s->model = model;
    s->arrays = dgm_alloc(((size_t)model->n_data + 1) * sizeof *s->arrays);
    s->seed = o.options->seed;
    if (!open_all(&o, s, pairs, n_pairs)) {
        *code = o.code;
        source_free(s);
        return NULL;
    }
    s->order = dgm_alloc((size_t)s->N * sizeof *s->order);
    source_rows_in_order(0, s->N, s->order);
    return s;
}

DgmSource *source_open(const DgmModel *model, const char *const *pairs, int n_pairs,
                       const SourceOptions *options, bool notes)
{
    DataError e;
    DgmExit code;
    DgmSource *s = source_open_try(model, pairs, n_pairs, options, &code, &e);

    if (s == NULL)
        dgm_fail(code, e.help[0] ? e.help : NULL, "%s", e.text);
    for (int d = 0; notes && d < model->n_data; d++)
        if (s->arrays[d].note[0])
            fprintf(stderr, "note: %s\n", s->arrays[d].note);
    return s;
}

void source_free(DgmSource *s)
{
    if (s == NULL)
        return;
    for (int d = 0; d < s->model->n_data; d++) {
        array_free(&s->arrays[d].array);
        free(s->arrays[d].path);
    }
    free(s->arrays);
    free(s->order);
    free(s);
}

double source_scale(const DgmSource *s)
{
    for (int d = 0; d < s->model->n_data; d++)
        if (s->arrays[d].mode != BINARISE_NONE)
            return s->arrays[d].scale;
    return 0;
}

double source_value(const DgmSource *s, int array, long row, long element)
{
    return array_value(&s->arrays[array].array, row * s->arrays[array].decl->count + element);
}
