/* values.c - numbers by name, as the field writes them: JSON objects of nested arrays.
 *
 *     {"mu": 0.3, "theta": [1, 2], "A": [[0.9, 0.1], [0.2, 0.8]]}
 * The rows of the row plate are the outermost axis.
 */
#include "session/session.h"

#include <stdlib.h>
#include <string.h>

Shape shape_of(bool rows, long N, int rank, const long *axes)
{
    Shape s = {.count = 1};

    if (rows)
        s.axis[s.rank++] = N;
    for (int i = 0; i < rank; i++)
        s.axis[s.rank++] = axes[i];
    for (int i = 0; i < s.rank; i++)
        s.count *= s.axis[i];
    return s;
}

Shape shape_of_variable(const DgmVariable *v, long N)
{
    return shape_of(v->rows, N, v->rank, v->shape);
}

Shape shape_of_latent(const DgmLatent *z, long N)
{
    return shape_of(z->rows, N, z->rank, z->shape);
}

/* ---- reading -------------------------------------------------------------------------------- */

typedef struct Names {
    const DgmModel *model;
    void (*each)(void *to, const char *name);
    void *to;
} Names;

static bool known_name(void *to, const char *name)
{
    const Names *n = to;

    if (!model_declares(n->model, name))
        dgm_fail(DGM_EXIT_DATA, "`info` lists the latents and parameters",
                 "the values name `%s`, which is no latent of model %s", name, n->model->name);
    if (n->each != NULL)
        n->each(n->to, name);
    return true;
}

void values_names(const DgmModel *m, const char *file, void (*each)(void *to, const char *name),
                  void *to)
{
    Names n = {.model = m, .each = each, .to = to};
    const char *format;
    DataError e;

    if (!array_members(file, &format, known_name, &n, &e))
        dgm_fail(DGM_EXIT_DATA, e.help[0] ? e.help : NULL, "%s", e.text);
}

/* Axes of length 1 count for nothing. */
static bool shape_fits(const Shape *s, const DgmArray *a)
{
    int k = 0;

    for (int i = 0; i < a->rank; i++) {
        while (k < s->rank && s->axis[k] == 1 && a->shape[i] != 1)
            k++;
        if (k < s->rank && s->axis[k] == a->shape[i])
            k++;
        else if (a->shape[i] != 1)
            return false;
    }
    while (k < s->rank && s->axis[k] == 1)
        k++;
    return k == s->rank;
}

void values_read(const DgmModel *m, const char *file, const char *name, Shape s, int line,
                 double *x)
{
    char *path = dgm_alloc(strlen(file) + strlen(name) + 2), have[256], want[256];
    DgmArray a, declared = {.rank = s.rank};
    DataError e;

    sprintf(path, "%s:%s", file, name);
    if (!array_read(path, &a, &e))
        dgm_fail(DGM_EXIT_DATA, e.help[0] ? e.help : NULL, "%s", e.text);
    array_shape_text(&a, have, sizeof have);
    memcpy(declared.shape, s.axis, (size_t)s.rank * sizeof *s.axis);
    array_shape_text(&declared, want, sizeof want);
    if (a.count != s.count || !shape_fits(&s, &a))
        dgm_fail(DGM_EXIT_DATA, "arrays are nested, outermost axis first",
                 "%s: `%s` has shape %s, but the model declares %ld number%s, %s (%s:%d)", file,
                 name, have, s.count, s.count == 1 ? "" : "s", want, m->spec_path, line);
    for (long k = 0; k < s.count; k++)
        x[k] = array_value(&a, k);
    array_free(&a);
    free(path);
}

/* ---- writing -------------------------------------------------------------------------------- */

static json_t *nested(const double *x, int rank, const long *axis, bool whole)
{
    if (rank == 0)
        return whole ? json_integer((json_int_t)x[0]) : json_number(x[0]);
    long each = 1;
    json_t *array = json_array();
    for (int i = 1; i < rank; i++)
        each *= axis[i];
    for (long i = 0; i < axis[0]; i++)
        json_array_append_new(array, nested(x + i * each, rank - 1, axis + 1, whole));
    return array;
}

void element_text(const char *name, Shape s, long j, char *text, size_t size)
{
    int n = snprintf(text, size, "%s", name);
    long rest = s.count;

    for (int a = 0; a < s.rank && n < (int)size; a++) {
        rest /= s.axis[a];
        n += snprintf(text + n, size - (size_t)n, "%s%ld%s", a == 0 ? "[" : ", ",
                      j / rest % s.axis[a], a == s.rank - 1 ? "]" : "");
    }
}

json_t *json_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *values_json(const double *x, Shape s, DgmElem elem)
{
    return nested(x, s.rank, s.axis, elem != DGM_ELEM_REAL);
}

json_t *reals_json(const Real *x, Shape s, DgmElem elem, double from)
{
    double *copy = dgm_alloc((size_t)(s.count + 1) * sizeof *copy);

    for (long i = 0; i < s.count; i++)
        copy[i] = (double)x[i] + from;
    json_t *array = values_json(copy, s, elem);
    free(copy);
    return array;
}

void json_write(json_t *root, const char *path)
{
    char *text = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(sizeof(Real) == 8 ? 17 : 9));
    Output *out = output_open(path);

    if (text == NULL)
        dgm_fail(DGM_EXIT_INTERNAL, NULL, "no memory");
    output_write(out, text, strlen(text));
    output_write(out, "\n", 1);
    output_finish(out);
    free(text);
    json_decref(root);
}
