/* cells.c - data arrays that have not a value in every cell, and the arrays that are made of them.
 *
 *     [[3, 1], [2]]       rows [[3, 1], [2, 0]], lengths [2, 1]
 *     [0.5, NA, NA]       values [0.5, 0, 0], absent [0, 1, 1], place [0, 0, 1]
 * What stands in a cell without value is some value of the support: the program never reads it.
 */
#include "data/data.h"
#include "data/read.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The array that is made of `of` by a rule, or NULL. */
static SourceArray *made_of(const DgmModel *m, SourceArray *arrays, const DgmData *of,
                            DgmCells rule)
{
    for (int d = 0; d < m->n_data; d++)
        if (m->data[d].cells == rule && strcmp(m->data[d].of, of->name) == 0)
            return &arrays[d];
    return NULL;
}

static double some_value(const DgmData *d)
{
    bool low = isfinite(d->lower), high = isfinite(d->upper);

    if (d->elem != DGM_ELEM_REAL)
        return d->from + (low ? d->lower : 0);
    return low && high ? (d->lower + d->upper) / 2 : low ? d->lower + 1 : high ? d->upper - 1 : 0;
}

/* Its values as doubles, so that they can be changed. */
static double *as_doubles(DgmArray *a)
{
    double *x = dgm_alloc(((size_t)a->count + 1) * sizeof *x);

    for (long i = 0; i < a->count; i++)
        x[i] = array_value(a, i);
    free(a->data);
    a->data = x;
    a->type = ARRAY_F64;
    return x;
}

/* Zeros, in the shape of `like` with its first `rank` axes. */
static int64_t *make(SourceArray *a, const SourceArray *like, int rank)
{
    char text[320];

    a->array = (DgmArray){.type = ARRAY_I64, .rank = rank, .format = "made", .count = 1};
    for (int i = 0; i < rank; i++)
        a->array.count *= a->array.shape[i] = like->array.shape[i];
    a->array.data = dgm_alloc(((size_t)a->array.count + 1) * sizeof(int64_t));
    memset(a->array.data, 0, ((size_t)a->array.count + 1) * sizeof(int64_t));
    snprintf(text, sizeof text, "(made of %.280s)", like->path);
    a->path = strdup(text);
    return a->array.data;
}

/* ---- missing cells --------------------------------------------------------------------------- */

/* A value that the data have; so their law can draw it. */
static double present_value(const DgmData *d, const double *x, long n)
{
    for (long i = 0; i < n; i++)
        if (!isnan(x[i]) && x[i] != d->sentinel)
            return x[i];
    return some_value(d);
}

/* A place for each if they are latents; without one they are summed out, however many. */
static bool fill_missing(const DgmModel *m, SourceArray *arrays, SourceArray *a, DataError *e)
{
    SourceArray *absent = made_of(m, arrays, a->decl, DGM_CELLS_ABSENT);
    SourceArray *place = made_of(m, arrays, a->decl, DGM_CELLS_PLACE);
    double *x = as_doubles(&a->array), some = present_value(a->decl, x, a->array.count);
    long missing = 0, places = place != NULL ? (long)place->decl->upper + 1 : 0;
    bool summed = absent != NULL && place == NULL;
    int64_t *is_absent = absent != NULL ? make(absent, a, a->array.rank) : NULL;
    int64_t *at = place != NULL ? make(place, a, a->array.rank) : NULL;

    for (long i = 0; i < a->array.count; i++) {
        if (!isnan(x[i]) && x[i] != a->decl->sentinel)
            continue;
        x[i] = some;
        if (is_absent != NULL && (summed || missing < places))
            is_absent[i] = 1;
        if (at != NULL && missing < places)
            at[i] = missing;
        missing++;
    }
    if (!summed && missing != places)
        return data_fail(e, "compile the model for these data: dgmc SPEC --data FILE",
                         "%s: %s has %ld missing cells, but the model was compiled for %ld",
                         a->decl->name, a->path, missing, places);
    return true;
}

/* ---- ragged rows ----------------------------------------------------------------------------- */

static bool fill_rows(const DgmModel *m, SourceArray *arrays, SourceArray *a, DataError *e)
{
    SourceArray *lengths = &arrays[data_index(m, a->decl->of)];
    long rows = a->array.shape[0], width = a->array.rank > 1 ? a->array.shape[1] : 1;
    long each = rows && width ? a->array.count / rows / width : 1;
    double *x = as_doubles(&a->array);
    int64_t *made = lengths->path == NULL ? make(lengths, a, 1) : NULL;

    if (made == NULL && lengths->array.count != rows)
        return data_fail(e, NULL, "%s has %ld rows (%s), but %s has %ld lengths (%s)",
                         a->decl->name, rows, a->path, lengths->decl->name, lengths->array.count,
                         lengths->path);
    for (long r = 0; r < rows; r++) {
        long n = width;

        while (n > 0 && isnan(x[(r * width + n) * each - 1]))
            n--;
        if (made != NULL)
            made[r] = n;
        else if (array_value(&lengths->array, r) != (double)n)
            return data_fail(e, NULL, "%s: %s: row %ld (from 0) has %ld elements, but %s says %g",
                             a->decl->name, a->path, r, n, lengths->decl->name,
                             array_value(&lengths->array, r));
        for (long i = n * each; i < width * each; i++)
            x[r * width * each + i] = some_value(a->decl);
    }
    return true;
}

bool cells_fill(const DgmModel *m, SourceArray *arrays, DataError *e)
{
    for (int d = 0; d < m->n_data; d++) {
        SourceArray *a = &arrays[d];

        if (a->path == NULL)
            continue;
        if (a->decl->cells == DGM_CELLS_MISSING && !fill_missing(m, arrays, a, e))
            return false;
        if (a->decl->cells == DGM_CELLS_RAGGED && !fill_rows(m, arrays, a, e))
            return false;
    }
    return true;
}

bool cells_made(const DgmData *d)
{
    return d->cells == DGM_CELLS_ABSENT || d->cells == DGM_CELLS_PLACE;
}
