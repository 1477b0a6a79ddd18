/* log_prob.c - `log-prob`: the log joint density at given values, term by term, and its gradient.
 *
 *     --at VALUES.json      {"mu": 0.3, "theta": [1, 2]}: values on their own supports
 *     --unconstrained       the density of the free numbers, with the Jacobian of the map; then
 *                           VALUES.json may also be one array, [0.3, -1.2, ..], of those
 * Everything is in double: a trainer of single precision is refused.
 */
#include "density/density.h"
#include "query/query.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct Point {
    const DgmModel *model;
    DgmDensity *density;
    DensityForm form;                  /* of x */
    double *x, *terms, *gradient;
    double *values;                    /* of the latents; NULL: free numbers were given */
    double log_prob;
} Point;

/* ---- reading values -------------------------------------------------------------------------- */

static void read_latent(const Point *p, const char *file, int i, double *x)
{
    const DgmLatent *z = &p->model->latents[i];
    long offset;

    density_latent(p->density, FORM_VALUES, i, &offset);
    values_read(p->model, file, z->name, shape_of_latent(z, density_rows(p->density)), z->line,
                x + offset);
}

static void read_free(Point *p, const char *file)
{
    long n = density_count(p->density, FORM_FREE);
    DgmArray a;
    DataError e;

    if (!array_read(file, &a, &e))
        dgm_fail(DGM_EXIT_DATA, e.help[0] ? e.help : NULL, "%s", e.text);
    if (a.count != n || a.rank > 1)
        dgm_fail(DGM_EXIT_DATA, "`info` lists the latents; give an object by name to be sure",
                 "%s holds %ld numbers, but there are %ld free numbers", file, a.count, n);
    for (long k = 0; k < n; k++)
        p->x[k] = array_value(&a, k);
    array_free(&a);
}

static void count_name(void *to, const char *name)
{
    (void)name;
    ++*(int *)to;
}

static void read_point(Point *p, const char *file)
{
    double *values = dgm_alloc((size_t)(density_count(p->density, FORM_VALUES) + 1)
                               * sizeof *values);
    int names = 0;

    values_names(p->model, file, count_name, &names);
    if (names == 0 && p->form == FORM_FREE) {
        read_free(p, file);
    } else if (names == 0 && p->model->n_latents > 0) {
        dgm_fail(DGM_EXIT_DATA, "one array of all free numbers goes with --unconstrained",
                 "%s is no object with a field for each latent and parameter", file);
    } else {
        for (int i = 0; i < p->model->n_latents; i++)
            read_latent(p, file, i, values);
        supports_check(p->model, p->density, file, values);
        p->values = dgm_alloc((size_t)(density_count(p->density, FORM_VALUES) + 1)
                              * sizeof *values);
        memcpy(p->values, values, (size_t)density_count(p->density, FORM_VALUES) * sizeof *values);
        if (p->form == FORM_FREE)
            density_map(p->density, FORM_VALUES, values, p->x);
        else
            memcpy(p->x, values, (size_t)density_count(p->density, FORM_VALUES) * sizeof *values);
    }
    free(values);
}

/* ---- writing --------------------------------------------------------------------------------- */

static json_t *vector_json(const double *x, long n)
{
    json_t *array = json_array();

    for (long i = 0; i < n; i++)
        json_array_append_new(array, json_number(x[i]));
    return array;
}

/* The gradient by a latent's values, in its shape; by its free numbers, as a vector. */
static json_t *gradient_json(const Point *p)
{
    json_t *object = json_object();

    if (p->form == FORM_FREE) {
        json_decref(object);
        return vector_json(p->gradient, density_count(p->density, FORM_FREE));
    }
    for (int i = 0; i < p->model->n_latents; i++) {
        const DgmLatent *z = &p->model->latents[i];
        long offset;

        density_latent(p->density, FORM_VALUES, i, &offset);
        json_object_set_new(object, z->name,
                            values_json(p->gradient + offset,
                                        shape_of_latent(z, density_rows(p->density)),
                                        DGM_ELEM_REAL));
    }
    return object;
}

/* Where the free numbers of each latent stand: name -> [first, count]. */
static json_t *layout_json(const Point *p)
{
    json_t *object = json_object();

    for (int i = 0; i < p->model->n_latents; i++) {
        long offset, n = density_latent(p->density, FORM_FREE, i, &offset);

        json_object_set_new(object, p->model->latents[i].name,
                            json_pack("[I, I]", (json_int_t)offset, (json_int_t)n));
    }
    return object;
}

static void print_json(const Point *p, const DgmProgram *program)
{
    json_t *root = json_object(), *terms = json_object(), *lines = json_object();

    json_object_set_new(root, "log_prob", json_number(p->log_prob));
    for (int t = 0; t < program->n_terms; t++) {
        const DgmTerm *term = &program->terms[t];

        json_object_set_new(terms, term->name, json_number(term->sign * p->terms[t]));
        json_object_set_new(lines, term->name, json_integer(term->line));
    }
    json_object_set_new(root, "terms", terms);
    json_object_set_new(root, "lines", lines);
    json_object_set_new(root, "gradient", gradient_json(p));
    if (p->form == FORM_FREE) {
        json_object_set_new(root, "layout", layout_json(p));
        json_object_set_new(root, "unconstrained",
                            vector_json(p->x, density_count(p->density, FORM_FREE)));
    }
    json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    printf("\n");
    json_decref(root);
}

static void print_table(const Point *p, const DgmProgram *program)
{
    enum { SHOWN = 6 };
    char text[64];

    for (int t = 0; t < program->n_terms; t++) {
        const DgmTerm *term = &program->terms[t];

        dgm_double_text(term->sign * p->terms[t], text, sizeof text);
        printf("  %-18s %22s   %s:%d: %s\n", term->name, text, p->model->spec_path, term->line,
               term->formula);
    }
    dgm_double_text(p->log_prob, text, sizeof text);
    printf("  %-18s %22s   %s\n", "log_prob", text, p->form == FORM_FREE
           ? "of the free numbers, with the Jacobian" : "of the values");
    printf("gradient\n");
    for (int i = 0; i < p->model->n_latents; i++) {
        long offset, n = density_latent(p->density, p->form, i, &offset);

        printf("  %-18s", p->model->latents[i].name);
        for (long k = 0; k < n && k < SHOWN; k++)
            printf(" %.6g", p->gradient[offset + k]);
        printf(n > SHOWN ? " .. (%ld numbers: --json shows all)\n" : "\n", n);
    }
}

/* ---- the command ----------------------------------------------------------------------------- */

int command_log_prob(Options *o)
{
    const DgmModel *m = o->model;
    Session s = session_open(o);
    Point p = { .model = m, .form = option_flag(o, OPT_UNCONSTRAINED) ? FORM_FREE : FORM_VALUES };
    const char *file = option_text(o, OPT_AT);

    const DgmProgram *program =
        program_needed(p.form == FORM_FREE ? m->log_prob_free : m->log_prob, "log-prob",
                       "`dgmc explain` says why");
    if (sizeof(Real) != sizeof(double))
        dgm_fail(DGM_EXIT_USAGE, "compile the model with --precision f64",
                 "log-prob computes in double precision, and %s in single", m->name);
    if (file == NULL)
        dgm_fail(DGM_EXIT_USAGE, "`--help` shows an example", "`log-prob` needs --at VALUES.json");
    DataSet d = data_open(&s, OPT_DATA, 0);
    p.density = density_new(m, d.source, 0);
    size_t n = (size_t)density_count(p.density, p.form) + 1;
    p.x = dgm_alloc(n * sizeof *p.x);
    p.gradient = dgm_alloc(n * sizeof *p.gradient);
    p.terms = dgm_alloc(((size_t)program->n_terms + 1) * sizeof *p.terms);
    read_point(&p, file);
    p.log_prob = density_log_prob(p.density, p.form, p.x, p.terms, p.gradient);
    if (isnan(p.log_prob) && p.values != NULL)
        supports_refuse_edge(m, p.density, file, p.values);
    if (option_flag(o, OPT_JSON))
        print_json(&p, program);
    else
        print_table(&p, program);
    free(p.x);
    free(p.values);
    free(p.gradient);
    free(p.terms);
    dgm_density_free(p.density);
    data_close(&d);
    session_close(&s);
    return DGM_OK;
}
