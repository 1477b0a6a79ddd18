/* support.c - values given by name must lie in the supports of their latents.
 *
 * Idea: the free numbers of a value are numbers, and lead back to it where a support has fewer of
 * them than values: no support needs code of its own. At an edge (a probability of 0) they may be
 * infinite or none; then values moved towards the inside by a tiny part are asked instead. Only the
 * pole of unit_vector, which its map leaves out, is no edge: there the length decides. Cells that
 * do not count have no value: that of free numbers 0 is NaN there, and what is given is not looked
 * at.
 */
#include "density/density.h"
#include "session/session.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define INWARDS 1e-9
#define TOLERANCE (sizeof(Real) == sizeof(double) ? 1e-6 : 1e-3)     /* of numbers in JSON */

static const struct { const char *support, *words; } meaning[] = {
    { "positive", "above 0" }, { "nonnegative", "not below 0" }, { "unit", "between 0 and 1" },
    { "interval", "between its ends" }, { "simplex", "not below 0, and of sum 1" },
    { "ordered", "increasing, between its ends" }, { "zerosum", "of sum 0" },
    { "unit_vector", "of length 1" }, { "cholesky", "lower triangular, its diagonal above 0" },
    { "covariance", "symmetric and positive definite" },
    { "corr", "symmetric and positive definite, its diagonal 1" },
    { "corr_cholesky", "lower triangular, rows of length 1, its diagonal above 0" },
    { "bit", "0 or 1" }, { "index", "a label" }, { "count", "a whole number" },
};

static bool is_support(const char *support, const char *name)
{
    size_t n = strlen(name);

    return strncmp(support, name, n) == 0 && strchr("[(", support[n]) != NULL;
}

/* ---- to the free numbers and back ------------------------------------------------------------ */

/* Values, their free numbers, and the values of these. */
typedef struct Trip { double *x, *u, *y; } Trip;

static Trip trip_new(DgmDensity *d)
{
    size_t n = (size_t)density_count(d, FORM_VALUES) + 1;
    size_t m = (size_t)density_count(d, FORM_FREE) + 1;

    return (Trip){ dgm_alloc(n * sizeof(double)), dgm_alloc(m * sizeof(double)),
                   dgm_alloc(n * sizeof(double)) };
}

static void trip_free(Trip *t)
{
    free(t->x);
    free(t->u);
    free(t->y);
}

/* t->x: values; the trip to the free numbers and back. */
static void travel(DgmDensity *d, Trip *t)
{
    density_map(d, FORM_VALUES, t->x, t->u);
    density_map(d, FORM_FREE, t->u, t->y);
}

/* The values of free numbers 0. */
static double *middle_new(DgmDensity *d)
{
    size_t n = (size_t)density_count(d, FORM_FREE);
    double *y = dgm_alloc(((size_t)density_count(d, FORM_VALUES) + 1) * sizeof *y);
    double *u = dgm_alloc((n + 1) * sizeof *u);

    memset(u, 0, n * sizeof *u);
    density_map(d, FORM_FREE, u, y);
    free(u);
    return y;
}

/* Values a tiny part of the way from x to those of the middle. */
static void move_inwards(DgmDensity *d, const double *x, const double *middle, Trip *t)
{
    for (long k = 0; k < density_count(d, FORM_VALUES); k++)
        t->x[k] = x[k] + INWARDS * (middle[k] - x[k]);
}

/* ---- what is wrong --------------------------------------------------------------------------- */

static double largest(const double *x, long n)
{
    double most = 1;

    for (long k = 0; k < n; k++)
        most = fmax(most, fabs(x[k]));
    return most;
}

/* The first element of latent i whose trip fails; -1: none. Only cells that count have a middle. */
static long wrong_element(DgmDensity *d, int i, const double *middle, const Trip *t)
{
    long at, n = density_latent(d, FORM_VALUES, i, &at), from;
    long m = density_latent(d, FORM_FREE, i, &from);
    double within = TOLERANCE * largest(t->x + at, n);

    for (long k = 0; m == n && k < n; k++)
        if (isnan(t->u[from + k]))
            return k;
    for (long k = 0; m != n && k < n; k++)
        if (!isnan(middle[at + k]) && !(fabs(t->y[at + k] - t->x[at + k]) <= within))
            return k;
    return -1;
}

static long wrong_length(DgmDensity *d, const DgmLatent *z, int i, const double *middle,
                         const double *x)
{
    long at, n = density_latent(d, FORM_VALUES, i, &at), size = z->shape[z->rank - 1];

    for (long k = 0; k < n; k += size) {
        double square = 0;

        for (long j = k; j < k + size; j++)
            square += x[at + j] * x[at + j];
        if (!isnan(middle[at + k]) && !(fabs(sqrt(square) - 1) <= TOLERANCE))
            return k;
    }
    return -1;
}

/* The values of one variable in a file, and the number of the one that is wrong. */
typedef struct Wrong { const char *file, *name, *support; int line; Shape shape; long k; } Wrong;

static _Noreturn void refuse(const DgmModel *m, const Wrong *w, const char *where, double value)
{
    char element[240];
    const char *words = NULL;

    for (size_t i = 0; i < sizeof meaning / sizeof *meaning; i++)
        if (is_support(w->support, meaning[i].support))
            words = meaning[i].words;
    element_text(w->name, w->shape, w->k, element, sizeof element);
    dgm_fail(DGM_EXIT_DATA, NULL, "%s: `%s` (%s:%d) is %s its support %s%s%s%s: %s is %.9g",
             w->file, w->name, m->spec_path, w->line, where, w->support, words ? " (" : "",
             words ? words : "", words ? ")" : "", element, value);
}

/* ---- all latents ----------------------------------------------------------------------------- */

void supports_check(const DgmModel *m, DgmDensity *d, const char *file, const double *x)
{
    Trip here = trip_new(d), inside = trip_new(d);
    double *middle = middle_new(d);

    memcpy(here.x, x, (size_t)density_count(d, FORM_VALUES) * sizeof *x);
    travel(d, &here);
    move_inwards(d, x, middle, &inside);
    travel(d, &inside);
    for (int i = 0; i < m->n_latents; i++) {
        const DgmLatent *z = &m->latents[i];
        long at, k;

        density_latent(d, FORM_VALUES, i, &at);
        if (is_support(z->support, "unit_vector"))
            k = wrong_length(d, z, i, middle, x);
        else if (wrong_element(d, i, middle, &here) < 0)
            k = -1;
        else
            k = wrong_element(d, i, middle, &inside);
        if (k >= 0)
            refuse(m, &(Wrong){ file, z->name, z->support, z->line,
                                shape_of_latent(z, density_rows(d)), k }, "outside of", x[at + k]);
    }
    trip_free(&here);
    trip_free(&inside);
    free(middle);
}

void supports_refuse_edge(const DgmModel *m, DgmDensity *d, const char *file, const double *x)
{
    Trip t = trip_new(d);

    memcpy(t.x, x, (size_t)density_count(d, FORM_VALUES) * sizeof *x);
    travel(d, &t);
    for (int i = 0; i < m->n_latents; i++) {
        const DgmLatent *z = &m->latents[i];
        long at, from, n = density_latent(d, FORM_FREE, i, &from);
        bool single = density_latent(d, FORM_VALUES, i, &at) == n;

        for (long k = 0; k < n; k++)
            if (isinf(t.u[from + k]))
                refuse(m, &(Wrong){ file, z->name, z->support, z->line,
                                    shape_of_latent(z, density_rows(d)), single ? k : 0 },
                       "at the edge of", x[at + (single ? k : 0)]);
    }
    trip_free(&t);
}

void whole_check(const DgmModel *m, const DgmVariable *v, Shape s, const char *file,
                 const double *x)
{
    for (long k = 0; v->elem != DGM_ELEM_REAL && k < s.count; k++)
        if (!(x[k] >= v->lower && x[k] <= v->upper && floor(x[k]) == x[k]))
            refuse(m, &(Wrong){ file, v->name, v->support, v->line, s, k }, "outside of", x[k]);
}
