/* info.c - `info`: what was compiled, in words and as JSON. Reads the tables, runs nothing.
 *
 * requires:    a model whose tables are well formed
 * establishes: nothing; prints to stdout
 */
#include "cli/cli.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static long count_parameters(const DgmModel *m)
{
    long n = 0;

    for (int i = 0; i < m->n_params; i++)
        n += m->params[i].count;
    return n;
}

/* Flops of one optimiser step at the batch of the train block (or one row). */
static double flops_per_step(const DgmModel *m)
{
    double rows = m->batch > 0 ? (double)m->batch : m->fixed_rows > 0 ? (double)m->fixed_rows : 1;
    double draws = m->samples > 0 ? m->samples : 1;

    if (!m->step)
        return 0;
    return m->step->flops_once + rows * (m->step->flops_row + draws * m->step->flops_draw);
}

static const char *kind_name(DgmTermKind kind)
{
    static const char *const names[] = {"likelihood", "prior", "entropy", "jacobian", "kl",
                                        "penalty"};
    return names[kind];
}

/* "[784, 500]", "" for a number; with the plate in front if rows. */
static const char *shape_text(char *text, size_t size, const char *plate, int rank,
                              const long *shape)
{
    int n = 0;

    text[0] = '\0';
    if (plate == NULL && rank == 0)
        return text;
    n += snprintf(text, size, "[%s", plate ? plate : "");
    for (int i = 0; i < rank && n < (int)size; i++)
        n += snprintf(text + n, size - (size_t)n, "%s%ld", i > 0 || plate ? ", " : "", shape[i]);
    snprintf(text + n, n < (int)size ? size - (size_t)n : 0, "]");
    return text;
}

/* ---- text ----------------------------------------------------------------------------------- */

static void print_model(const DgmModel *m)
{
    printf("model       %s   (%s, hash %s)\n", m->name, m->spec_path, m->spec_hash);
    printf("objective   %s = %s\n", m->objective, m->formula);
    for (int i = 0; i < m->n_sizes; i++)
        printf("%s %s = %ld\n", i == 0 ? "sizes      " : "           ", m->sizes[i],
               m->size_values[i]);
    for (int i = 0; i < m->n_numbers; i++)
        printf("%s %s = %.15g\n", i == 0 ? "arguments  " : "           ", m->numbers[i].name,
               m->numbers[i].value);
    if (m->plate != NULL)
        printf("plate       %s%s%s%s\n", m->plate, m->full_batch ? ", whole data only" : "",
               m->full_batch && m->full_batch_reason ? ": " : "",
               m->full_batch && m->full_batch_reason ? m->full_batch_reason : "");
}

static void print_latents(const DgmModel *m)
{
    static const char *const words[] = {"", "   could be non-centred", "   non-centred"};
    char shape[200];

    if (m->n_latents > 0)
        printf("\nlatents and parameters of the model, and their free numbers\n");
    for (int i = 0; i < m->n_latents; i++) {
        const DgmLatent *z = &m->latents[i];

        printf("  %-24s %-16s %-24s %10ld   line %d%s\n", z->name, z->support,
               shape_text(shape, sizeof shape, z->rows ? m->plate : NULL, z->rank, z->shape),
               z->free_count, z->line, words[z->centring]);
    }
}

static void print_tables(const DgmModel *m)
{
    char shape[200];

    printf("\ndata\n");
    for (int i = 0; i < m->n_data; i++) {
        const DgmData *d = &m->data[i];

        printf("  %-24s %-16s %-24s line %d\n", d->name, d->support,
               shape_text(shape, sizeof shape, d->rows ? (m->plate ? m->plate : "N") : NULL,
                          d->rank, d->shape), d->line);
    }
    printf("\nparameters  %ld numbers, %.3f MB\n", count_parameters(m),
           (double)count_parameters(m) * (double)sizeof(Real) / 1e6);
    for (int i = 0; i < m->n_params; i++) {
        const DgmParam *p = &m->params[i];

        printf("  %-24s %-16s %-24s %10ld   line %d\n", p->name, p->support,
               shape_text(shape, sizeof shape, NULL, p->rank, p->shape), p->count, p->line);
    }
    print_latents(m);
    printf("\nterms of the objective\n");
    for (int i = 0; i < m->n_terms; i++) {
        const DgmTerm *t = &m->terms[i];

        printf("  %c %-14s %-10s %-10s %s   line %d\n", t->sign < 0 ? '-' : '+', t->name,
               kind_name(t->kind), t->local ? "per row" : "once", t->formula, t->line);
    }
}

static void print_build(const DgmModel *m)
{
    printf("\ntraining    optimizer %s, batch %ld, ", m->optimizer ? m->optimizer : "auto",
           m->batch);
    if (m->steps > 0)
        printf("%ld steps", m->steps);
    else
        printf("%g epochs", m->epochs);
    if (m->samples > 0)
        printf(", %d draws", m->samples);
    printf("\n");
    printf("flops       %.4g a step\n", flops_per_step(m));
    printf("build       dgmc %s, runtime %s, ABI %d.%d, f%d\n", m->dgmc_version, DGM_VERSION,
           DGM_ABI_MAJOR, DGM_ABI_MINOR, 8 * (int)sizeof(Real));
    printf("compiler    %s %s\n", m->cc ? m->cc : "", m->cflags ? m->cflags : "");
    printf("blas        %s\n", dgm_blas_name());
    printf("processor   %s\n", dgm_cpu_name());
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static json_t *shape_json(int rank, const long *shape)
{
    json_t *list = json_array();

    for (int i = 0; i < rank; i++)
        json_array_append_new(list, json_integer(shape[i]));
    return list;
}

static json_t *data_json(const DgmModel *m)
{
    static const char *const elems[] = {"real", "bit", "count", "index"};
    json_t *list = json_array();

    for (int i = 0; i < m->n_data; i++) {
        const DgmData *d = &m->data[i];

        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:b, s:o, s:i}", "name", d->name,
                                              "element", elems[d->elem], "support", d->support,
                                              "rows", d->rows, "shape",
                                              shape_json(d->rank, d->shape), "line", d->line));
    }
    return list;
}

static json_t *latents_json(const DgmModel *m)
{
    static const char *const words[] = {"centred", "noncentrable", "noncentred"};
    json_t *list = json_array();

    for (int i = 0; i < m->n_latents; i++) {
        const DgmLatent *z = &m->latents[i];

        json_array_append_new(list, json_pack("{s:s, s:b, s:o, s:I, s:s, s:s, s:i}", "name",
                                              z->name, "rows", z->rows, "shape",
                                              shape_json(z->rank, z->shape), "free",
                                              (json_int_t)z->free_count, "support", z->support,
                                              "centring", words[z->centring], "line", z->line));
    }
    return list;
}

static json_t *params_json(const DgmModel *m)
{
    json_t *list = json_array();

    for (int i = 0; i < m->n_params; i++) {
        const DgmParam *p = &m->params[i];

        json_array_append_new(list, json_pack("{s:s, s:o, s:I, s:s, s:i}", "name", p->name,
                                              "shape", shape_json(p->rank, p->shape), "count",
                                              (json_int_t)p->count, "support", p->support, "line",
                                              p->line));
    }
    return list;
}

static json_t *terms_json(const DgmModel *m)
{
    json_t *list = json_array();

    for (int i = 0; i < m->n_terms; i++) {
        const DgmTerm *t = &m->terms[i];

        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:f, s:b, s:i}", "name", t->name,
                                              "formula", t->formula, "kind", kind_name(t->kind),
                                              "sign", t->sign, "local", t->local, "line",
                                              t->line));
    }
    return list;
}

static json_t *programs_json(const DgmModel *m)
{
    const DgmProgram *programs[] = {m->step, m->eval, m->weight, m->sample, m->encode,
                                    m->reconstruct, m->constrain};
    json_t *list = json_array();

    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++)
        if (programs[i] != NULL)
            json_array_append_new(list, json_string(programs[i]->name));
    return list;
}

static void print_json(const DgmModel *m)
{
    json_t *sizes = json_object(), *root = json_object();
    long n = count_parameters(m);

    for (int i = 0; i < m->n_sizes; i++)
        json_object_set_new(sizes, m->sizes[i], json_integer(m->size_values[i]));
    for (int i = 0; i < m->n_numbers; i++)
        json_object_set_new(sizes, m->numbers[i].name, json_real(m->numbers[i].value));
    json_object_set_new(root, "model", json_string(m->name));
    json_object_set_new(root, "spec", json_string(m->spec_path));
    json_object_set_new(root, "spec_hash", json_string(m->spec_hash));
    json_object_set_new(root, "objective", json_string(m->objective));
    json_object_set_new(root, "formula", json_string(m->formula));
    json_object_set_new(root, "sizes", sizes);
    json_object_set_new(root, "plate", m->plate ? json_string(m->plate) : json_null());
    json_object_set_new(root, "full_batch", json_boolean(m->full_batch));
    json_object_set_new(root, "data", data_json(m));
    json_object_set_new(root, "latents", latents_json(m));
    json_object_set_new(root, "parameters", params_json(m));
    json_object_set_new(root, "parameter_count", json_integer(n));
    json_object_set_new(root, "bytes", json_integer(n * (long)sizeof(Real)));
    json_object_set_new(root, "terms", terms_json(m));
    json_object_set_new(root, "programs", programs_json(m));
    json_object_set_new(root, "flops_per_step", json_number(flops_per_step(m)));
    json_object_set_new(root, "build", build_json(m));
    json_dumpf(root, stdout, JSON_INDENT(2));
    printf("\n");
    json_decref(root);
}

int command_info(Options *o)
{
    if (option_flag(o, OPT_JSON)) {
        print_json(o->model);
    } else {
        print_model(o->model);
        print_tables(o->model);
        print_build(o->model);
    }
    return DGM_OK;
}
