/* draws.c - `posterior --save-draws`: equally weighted draws as files beside report.json.
 *
 *     posterior.zarr    the layout of ArviZ's InferenceData (zarr.c)
 *     draws.json        the latents, as `report --draws` takes them
 *     draws.csv         one column per number of a latent or report, where they are few
 * Draws with weights become equally weighted ones by systematic resampling (Kitagawa 1996): draw i
 * is taken as often as points u, u + 1/M, u + 2/M .. fall on its share of [0, 1].
 */
#include "posterior/posterior.h"
#include "posterior/zarr.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_COLUMNS = 200 };

long *posterior_resample(const Posterior *p)
{
    const Drawn *d = &p->posterior;
    long *from = dgm_alloc((size_t)(d->M + 1) * sizeof *from), i = 0;
    double u = dgm_random_unit(p->session.seed, DGM_STREAM_POSTERIOR, ~(uint64_t)0, 0);
    double upto = d->weight != NULL ? d->weight[0] : 0;

    for (long k = 0; k < d->M; k++) {
        if (d->weight == NULL) {
            from[k] = k;
            continue;
        }
        while (i + 1 < d->M && ((double)k + u) / (double)d->M >= upto)
            upto += d->weight[++i];
        while (d->weight[i] == 0)      /* past the end by rounding: the last that has a share */
            i--;
        from[k] = i;
    }
    return from;
}

/* The draws `from` of q, in their order. */
static Quantity picked(const Quantity *q, long M, const long *from)
{
    Quantity to = *q;
    size_t each = (size_t)q->shape.count;

    to.draws = dgm_alloc(((size_t)M * each + 1) * sizeof *to.draws);
    for (long k = 0; k < M; k++)
        memcpy(to.draws + (size_t)k * each, q->draws + (size_t)from[k] * each,
               each * sizeof *to.draws);
    return to;
}

static void announce(const Posterior *p, const char *what, const char *path)
{
    if (!p->session.quiet && !option_flag(p->options, OPT_JSON))
        printf("  %-16s %s\n", what, path);
}

/* ---- draws.json, draws.csv ------------------------------------------------------------------- */

static void write_json(const Posterior *p, const Quantity *q, long M, const char *dir)
{
    char *path = path_join(dir, "draws.json");
    json_t *root = json_object();

    for (int i = 0; i < p->posterior.n; i++)
        json_object_set_new(root, q[i].name, quantity_json(&q[i], M));
    json_write(root, path);
    announce(p, "draws", path);
    free(path);
}

static void write_names(Output *out, const Quantity *q, int n)
{
    for (int i = 0; i < n; i++)
        for (long j = 0; j < q[i].shape.count; j++) {
            char name[240];

            element_text(q[i].name, q[i].shape, j, name, sizeof name);
            output_print(out, strchr(name, ',') != NULL ? "%s\"%s\"" : "%s%s",
                         i + j > 0 ? "," : "", name);
        }
    output_print(out, "\n");
}

static void write_csv(const Posterior *p, const Quantity *q, int n, long M, const char *dir)
{
    char *path = path_join(dir, "draws.csv"), text[48];
    long columns = 0;

    for (int i = 0; i < n; i++)
        columns += q[i].shape.count;
    if (columns <= MOST_COLUMNS) {
        Output *out = output_open(path);

        write_names(out, q, n);
        for (long k = 0; k < M; k++) {
            for (int i = 0; i < n; i++)
                for (long j = 0; j < q[i].shape.count; j++) {
                    dgm_double_text(q[i].draws[k * q[i].shape.count + j], text, sizeof text);
                    output_print(out, "%s%s", i + j > 0 ? "," : "", text);
                }
            output_print(out, "\n");
        }
        output_finish(out);
        announce(p, "draws", path);
    }
    free(path);
}

/* ---- posterior.zarr -------------------------------------------------------------------------- */

/* Is the data array drawn by a statement, or does it only stand in laws? */
static bool observed(const DgmModel *m, const char *name)
{
    const DgmProgram *p = m->log_prob_free != NULL ? m->log_prob_free : m->weight;

    for (int t = 0; p != NULL && t < p->n_terms; t++)
        if (p->terms[t].kind == DGM_TERM_LIKELIHOOD && strcmp(p->terms[t].name, name) == 0)
            return true;
    return false;
}

/* Is there a value in cell k of data array a? */
static bool present(const Posterior *p, int a, long k)
{
    const DgmModel *m = p->model;

    for (int b = 0; b < m->n_data; b++)
        if (m->data[b].cells == DGM_CELLS_ABSENT && strcmp(m->data[b].of, m->data[a].name) == 0)
            return source_value(p->data.source, b, 0, k) == 0;
    return true;
}

/* Data arrays as their files have them; NaN where a cell has no value. */
static void zarr_data(Zarr *z, const Posterior *p, const char *group, bool wanted)
{
    const DgmModel *m = p->model;

    for (int a = 0; a < m->n_data; a++) {
        const DgmData *d = &m->data[a];
        Shape shape = shape_of(d->rows, p->data.N, d->rank, d->shape);

        if (p->data.source == NULL || p->data.source->arrays[a].path == NULL || cells_made(d)
            || observed(m, d->name) != wanted)
            continue;
        double *x = dgm_alloc((size_t)(shape.count + 1) * sizeof *x);
        for (long k = 0; k < shape.count; k++)
            x[k] = present(p, a, k) ? source_value(p->data.source, a, 0, k) : NAN;
        DgmElem elem = d->cells == DGM_CELLS_MISSING ? DGM_ELEM_REAL : d->elem;
        zarr_values(z, group, data_field(d), shape, elem, x);
        free(x);
    }
}

/* The log joint density of each draw, with the Jacobian of its free numbers. */
static void zarr_lp(Zarr *z, const Posterior *p, const long *from)
{
    const Drawn *d = &p->posterior;
    const Sample *s = d->weight != NULL ? fit_sample(&p->fit) : &p->fit.plain;
    double *lp = dgm_alloc((size_t)(d->M + 1) * sizeof *lp);
    Quantity q = {"lp", {.count = 1}, DGM_ELEM_REAL, lp};

    for (long k = 0; k < d->M; k++)
        lp[k] = density_log_prob(p->density, FORM_FREE, s->U + from[k] * p->target.n, NULL, NULL);
    zarr_draws(z, "sample_stats", &q, d->M);
    free(lp);
}

static void write_zarr(const Posterior *p, const Quantity *q, int n, const long *from,
                       const char *dir)
{
    int predicted = n - p->model->n_predicted;
    char *path = path_join(dir, "posterior.zarr");
    Zarr *z = zarr_open(path);

    for (int i = 0; i < n; i++)
        zarr_draws(z, i < predicted ? "posterior" : "posterior_predictive", &q[i], p->posterior.M);
    if (p->density != NULL)
        zarr_lp(z, p, from);
    zarr_data(z, p, "observed_data", true);
    zarr_data(z, p, "constant_data", false);
    zarr_close(z);
    announce(p, "draws for ArviZ", path);
    free(path);
}

void posterior_draws(const Posterior *p, const char *dir)
{
    const Drawn *d = &p->posterior;
    int latents = d->n, n = latents + d->reporting.n;
    Quantity *q = dgm_alloc(((size_t)n + 1) * sizeof *q);
    long *from = posterior_resample(p);

    for (int i = 0; i < n; i++)
        q[i] = picked(i < latents ? &d->latents[i] : &d->reporting.quantities[i - latents], d->M,
                      from);
    write_json(p, q, d->M, dir);
    write_csv(p, q, n, d->M, dir);
    write_zarr(p, q, n, from, dir);
    for (int i = 0; i < n; i++)
        free(q[i].draws);
    free(q);
    free(from);
}
