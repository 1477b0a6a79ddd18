/* bind.c - which file, or which field of it, is which data array of the model.
 *
 *     --data x=FILE                    one array
 *     --data FILE.json, FILE.csv       the fields or columns that are named like arrays
 * Of JSON every field must be of the model: an array, a size or another argument, which must be as
 * compiled, or else one whole number (a size that other models need).
 */
#include "data/open.h"
#include "data/read.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- which file is which array --------------------------------------------------------------- */

static void list_arrays(const DgmModel *m, char *buffer, size_t size)
{
    size_t at = 0;

    buffer[0] = '\0';
    for (int d = 0; d < m->n_data && at + 1 < size; d++)
        at += (size_t)snprintf(buffer + at, size - at, "%s%s", d ? ", " : "", m->data[d].name);
}

int data_index(const DgmModel *m, const char *name)
{
    for (int a = 0; a < m->n_data; a++)
        if (strcmp(m->data[a].name, name) == 0)
            return a;
    return -1;
}

const char *data_field(const DgmData *d)
{
    return d->field != NULL ? d->field : d->name;
}

/* The array of a name, as the spec or as files call it; -1: none. */
static int array_find(const DgmModel *m, const char *name, size_t n)
{
    for (int d = 0; d < m->n_data; d++) {
        const char *names[] = { m->data[d].name, data_field(&m->data[d]) };

        for (int k = 0; k < 2; k++)
            if (strlen(names[k]) == n && strncmp(names[k], name, n) == 0)
                return d;
    }
    return -1;
}

bool model_declares(const DgmModel *m, const char *name)
{
    for (int i = 0; i < m->n_latents; i++)
        if (strcmp(m->latents[i].name, name) == 0)
            return true;
    for (int i = 0; m->simulate != NULL && i < m->simulate->n_variables; i++)
        if (strcmp(m->simulate->variables[i].name, name) == 0)
            return true;
    return array_find(m, name, strlen(name)) >= 0;
}

static bool assign(Opening *o, SourceArray *a, const char *file, const char *member)
{
    char *path = malloc(strlen(file) + (member ? strlen(member) : 0) + 2);

    if (path == NULL)
        return data_fail(o->e, NULL, "no memory");
    sprintf(path, "%s%s%s", file, member ? ":" : "", member ? member : "");
    if (a->path != NULL) {
        data_error(o->e, NULL, "data array %s is given twice: %s and %s", a->decl->name, a->path,
                   path);
        free(path);
        return false;
    }
    a->path = path;
    return true;
}

/* ---- files that name what they hold ---------------------------------------------------------- */

typedef struct Binding {
    Opening *o;
    SourceArray *arrays;
    const char *file;
    bool strict;                       /* every name must be one of the model */
    bool bound;
} Binding;

static bool field_read(const Binding *b, const char *name, DgmArray *a, DataError *e)
{
    char *path = malloc(strlen(b->file) + strlen(name) + 2);

    if (path == NULL)
        return data_fail(e, NULL, "no memory");
    sprintf(path, "%s:%s", b->file, name);
    bool ok = array_read(path, a, e);
    free(path);
    return ok;
}

static bool is_whole(double x)
{
    return x >= 0 && x < 9e15 && x == floor(x);
}

/* One number, as a size or another argument of the model is. */
static bool number_read(Binding *b, const char *name, bool whole, double *x)
{
    DgmArray a;

    if (!field_read(b, name, &a, b->o->e))
        return false;
    bool ok = a.count == 1;
    *x = ok ? array_value(&a, 0) : 0;
    ok = ok && isfinite(*x) && (!whole || is_whole(*x));
    array_free(&a);
    return ok || data_fail(b->o->e, NULL,
                           whole ? "%s: %s is a size of %s: it must be one whole number"
                                 : "%s: %s is an argument of %s: it must be one number",
                           b->file, name, b->o->model->name);
}

/* One whole number that the model has no name for. Files that serve several models have sizes that
 * not all of these need. */
static bool is_size_of_others(const Binding *b, const char *name)
{
    DataError ignored = { 0 };
    DgmArray a;

    if (!field_read(b, name, &a, &ignored))
        return false;
    bool size = a.rank == 0 && is_whole(array_value(&a, 0));
    array_free(&a);
    return size;
}

/* What the model was compiled for, of a size or of another argument. */
static bool compiled_value(const DgmModel *m, const char *name, bool *whole, double *value)
{
    *whole = true;
    for (int i = 0; i < m->n_sizes; i++)
        if (strcmp(m->sizes[i], name) == 0)
            return *value = (double)m->size_values[i], true;
    *whole = false;
    for (int i = 0; i < m->n_numbers; i++)
        if (strcmp(m->numbers[i].name, name) == 0)
            return *value = m->numbers[i].value, true;
    return false;
}

/* A field that holds a size or an argument: it must be that one; the size of the row plate, that of
 * these data. */
static bool argument_check(Binding *b, const char *name, const char *field, bool *is_argument)
{
    const DgmModel *m = b->o->model;
    bool rows = m->plate != NULL && strcmp(m->plate, name) == 0, whole;
    double want = -1, have;

    *is_argument = compiled_value(m, name, &whole, &want) || rows;
    if (!*is_argument)
        return true;
    if (!number_read(b, field, whole || rows, &have))
        return false;
    if (rows)
        b->o->rows_wanted = (long)have;
    if (rows || have == want)
        return true;
    return data_fail(b->o->e, "compile the model for these data: dgmc SPEC --data FILE",
                     "%s: %s is %.15g, but %s was compiled for %s = %.15g", b->file, name, have,
                     m->name, name, want);
}

static bool bind_member(void *to, const char *name)
{
    Binding *b = to;
    const DgmModel *m = b->o->model;
    int d = array_find(m, name, strlen(name));
    bool is_argument = false;
    char list[256], help[256];

    if (d >= 0) {
        b->bound = true;
        return (m->data[d].rank > 0 || m->data[d].rows || !b->strict
                || argument_check(b, m->data[d].name, name, &is_argument))
            && assign(b->o, &b->arrays[d], b->file, name);
    }
    if (!b->strict || model_declares(m, name))
        return true;    /* a column is no size, whatever its name; simulations hold latents too */
    if (!argument_check(b, name, name, &is_argument))
        return false;
    if (is_argument || is_size_of_others(b, name))
        return true;
    list_arrays(m, list, sizeof list);
    snprintf(help, sizeof help, "declare it (`data %.60s : ..`), or leave it out of the file; the "
             "model's data: %.120s", name, list);
    return data_fail(b->o->e, help, "%s: the model has no data `%s`", b->file, name);
}

static bool any_member(void *to, const char *name)
{
    (void)to, (void)name;
    return true;
}

/* Binds every array that the file names; *bound: false if it is one array itself. */
static bool bind_file(Opening *o, SourceArray *arrays, const char *file, bool *bound)
{
    const char *format;
    Binding b = { .o = o, .arrays = arrays, .file = file };

    *bound = false;
    o->code = DGM_EXIT_DATA;
    if (!array_members(file, &format, any_member, NULL, o->e))
        return false;
    if (format == NULL)
        return true;
    b.strict = strcmp(format, "json") == 0;
    bool ok = array_members(file, &format, bind_member, &b, o->e);
    *bound = b.strict || b.bound;
    return ok;
}

/* ---- the command line ------------------------------------------------------------------------ */

static bool pair_assign(Opening *o, SourceArray *arrays, const char *pair)
{
    const DgmModel *m = o->model;
    const char *equals = strchr(pair, '=');
    int d = equals != NULL ? array_find(m, pair, (size_t)(equals - pair)) : -1;
    bool bound = false;
    char list[256];
    struct stat st;

    if (d >= 0 && equals[1] == '\0')
        return data_fail(o->e, "write --data NAME=FILE", "--data %s: the file name is missing",
                         pair);
    if (d >= 0)
        return assign(o, &arrays[d], equals + 1, NULL);
    if (stat(pair, &st) == 0 && !bind_file(o, arrays, pair, &bound))
        return false;
    if (bound)
        return true;
    o->code = DGM_EXIT_USAGE;
    if (m->n_data == 1 && (equals == NULL || stat(pair, &st) == 0))
        return assign(o, &arrays[0], pair, NULL);
    list_arrays(m, list, sizeof list);
    return data_fail(o->e, "write --data NAME=FILE, or give a JSON object or a CSV with a header "
                     "that has these names", "--data %s: the model's data arrays are %s", pair,
                     m->n_data ? list : "none");
}

static bool may_lack(const Opening *o, const SourceArray *arrays, int d)
{
    const DgmData *data = &o->model->data[d];
    bool optional = o->options->optional != NULL && o->options->optional[d];

    return optional || cells_made(data)
        || (data->cells == DGM_CELLS_LENGTHS
            && arrays[data_index(o->model, data->of)].path != NULL);
}

bool pairs_assign(Opening *o, SourceArray *arrays, const char *const *pairs, int n)
{
    const DgmModel *m = o->model;

    for (int i = 0; i < n; i++) {
        o->code = DGM_EXIT_USAGE;
        if (!pair_assign(o, arrays, pairs[i]))
            return false;
    }
    o->code = DGM_EXIT_USAGE;
    for (int d = 0; d < m->n_data; d++)
        if (arrays[d].path == NULL && !may_lack(o, arrays, d))
            return data_fail(o->e, "add --data NAME=FILE, or a field of that name",
                             "data array %s is missing (%s:%d)", m->data[d].name, m->spec_path,
                             m->data[d].line);
    o->code = DGM_EXIT_DATA;
    return true;
}
