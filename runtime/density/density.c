/* density.c - the log joint density of a model and its data, as a function of one vector.
 *
 * Idea: the latents, one after the other in the order of DgmModel.latents, row-major, are a vector:
 * of values on their own supports, or of free numbers on the whole of R^n. Emitted programs do
 * the work; here vectors are dealt out to the latents and gathered again. Numbers are double
 * outside, Real inside. Nothing is allocated after dgm_density_create.
 */
#include "density/density.h"

#include <stdlib.h>
#include <string.h>

struct DgmDensity {
    const DgmModel *model;
    DgmSource *source, *owned;         /* owned: opened here */
    SourceBuffers *buffers;
    long N;
    int threads;
    Real *slab[N_FORMS];               /* of the vectors */
    Real **given[N_FORMS];             /* [n_latents], into slab */
    long count[N_FORMS];
    DgmCtx log_prob[N_FORMS], map[N_FORMS];            /* map[f]: from form f to the other */
    DgmCtx once[N_FORMS];              /* what log_prob keeps of the data */
};

static long latent_count(const DgmDensity *d, DensityForm form, int i)
{
    const DgmLatent *z = &d->model->latents[i];

    return (z->rows ? d->N : 1) * (form == FORM_VALUES ? z->count : z->free_count);
}

/* given NULL: the program reads none. */
static void bind_to(DgmDensity *d, DgmCtx *c, const DgmProgram *p, Real **given)
{
    c->model = d->model;
    c->B = c->N = d->N;
    c->S = 1;
    c->purpose = DGM_STREAM_CHECK;
    c->threads = d->threads;
    if (d->source != NULL) {
        source_attach(d->source, d->buffers, c);
        c->N = d->source->N;
    }
    c->given = given;
    dgm_bind(c, p, d->N, 1);
}

/* p NULL: the trainer was made without it, and nobody runs it. What it keeps of the data is given
 * behind the latents. */
static void bind(DgmDensity *d, DgmCtx *c, const DgmProgram *p, DensityForm form)
{
    if (p == NULL)
        return;
    if (p->once != NULL) {
        DgmCtx *once = &d->once[form];
        int n = d->model->n_latents;

        bind_to(d, once, p->once, NULL);
        for (int i = 0; i < p->once->n_outputs; i++)
            d->given[form][n + i] = once->out[i];
    }
    bind_to(d, c, p, d->given[form]);
}

/* Without data nobody asks for the density: there the maps are all that is wanted. */
static void keep_of_data(DgmDensity *d)
{
    bool there = d->source != NULL || d->model->n_data == 0;

    for (int f = 0; f < N_FORMS; f++)
        if (there && d->once[f].program != NULL)
            d->once[f].program->run(&d->once[f]);
}

static int kept_count(const DgmProgram *p)
{
    return p != NULL && p->once != NULL ? p->once->n_outputs : 0;
}

/* Over N rows of the source, or without one. */
static DgmDensity *density_of(const DgmModel *model, DgmSource *source, long N, int threads)
{
    DgmDensity *d = dgm_alloc(sizeof *d);

    d->model = model;
    d->source = source;
    d->threads = threads;
    d->N = N;
    if (source != NULL) {
        d->buffers = source_buffers_new(source, d->N);
        source_rows_in_order(0, d->N, d->buffers->rows);
    }
    const DgmProgram *log_prob[N_FORMS] = {[FORM_VALUES] = model->log_prob,
                                           [FORM_FREE] = model->log_prob_free,
                                           [FORM_NONCENTRED] = model->log_prob_noncentred};
    for (int f = 0; f < N_FORMS; f++) {
        size_t at = 0, n = (size_t)(model->n_latents + kept_count(log_prob[f]) + 1);

        for (int i = 0; i < model->n_latents; i++)
            d->count[f] += latent_count(d, f, i);
        d->slab[f] = dgm_slab_new((size_t)d->count[f] + 16 * ((size_t)model->n_latents + 1));
        d->given[f] = dgm_alloc(n * sizeof *d->given[f]);
        for (int i = 0; i < model->n_latents; i++)
            d->given[f][i] = dgm_slab_take(d->slab[f], &at, (size_t)latent_count(d, f, i));
    }
    for (int f = 0; f < N_FORMS; f++)
        bind(d, &d->log_prob[f], log_prob[f], (DensityForm)f);
    bind(d, &d->map[FORM_NONCENTRED], model->to_values_noncentred, FORM_NONCENTRED);
    bind(d, &d->map[FORM_VALUES], model->to_free, FORM_VALUES);
    bind(d, &d->map[FORM_FREE], model->to_values, FORM_FREE);
    keep_of_data(d);
    return d;
}

DgmDensity *density_new_rows(const DgmModel *model, DgmSource *source, long N, int threads)
{
    N = source != NULL ? source->N : model->fixed_rows > 0 ? model->fixed_rows : N;
    return density_of(model, source, N, threads);
}

DgmDensity *density_new_batch(const DgmModel *model, DgmSource *source, long B, int threads)
{
    return density_of(model, source, B, threads);
}

void density_take_rows(DgmDensity *d, long first)
{
    source_rows_in_order(first, d->N, d->buffers->rows);
    keep_of_data(d);
}

DgmDensity *density_new(const DgmModel *model, DgmSource *source, int threads)
{
    return density_new_rows(model, source, 1, threads);
}

long density_count(const DgmDensity *d, DensityForm form)
{
    return d->count[form];
}

long density_latent(const DgmDensity *d, DensityForm form, int i, long *offset)
{
    *offset = 0;
    for (int k = 0; k < i; k++)
        *offset += latent_count(d, form, k);
    return latent_count(d, form, i);
}

long density_rows(const DgmDensity *d)
{
    return d->N;
}

/* Deals x out to the latents. */
static void give(DgmDensity *d, DensityForm form, const double *x)
{
    for (int i = 0; i < d->model->n_latents; i++) {
        long n = latent_count(d, form, i);

        for (long k = 0; k < n; k++)
            d->given[form][i][k] = (Real)x[k];
        x += n;
    }
}

/* The outputs of a program, one for each latent, as one vector. */
static void collect(const DgmDensity *d, DensityForm form, const DgmCtx *c, double *y)
{
    for (int i = 0; i < d->model->n_latents; i++) {
        long n = latent_count(d, form, i);

        for (long k = 0; k < n; k++)
            y[k] = (double)c->out[i][k];
        y += n;
    }
}

double density_log_prob(DgmDensity *d, DensityForm form, const double *x, double *terms,
                        double *gradient)
{
    DgmCtx *c = &d->log_prob[form];
    const DgmProgram *p = c->program;
    double sum = 0;

    give(d, form, x);
    c->terms_only = gradient == NULL;
    p->run(c);
    for (int t = 0; t < p->n_terms; t++) {
        sum += p->terms[t].sign * c->terms[t];
        if (terms != NULL)
            terms[t] = c->terms[t];
    }
    if (gradient != NULL)
        collect(d, form, c, gradient);
    return sum;
}

void density_map(DgmDensity *d, DensityForm from, const double *x, double *y)
{
    DgmCtx *c = &d->map[from];

    give(d, from, x);
    c->program->run(c);
    collect(d, from == FORM_VALUES ? FORM_FREE : FORM_VALUES, c, y);
}

/* ---- the public calls ------------------------------------------------------------------------ */

DgmDensity *dgm_density_create(const DgmModel *model, const char *const *data, int n_data,
                               char *error, size_t size)
{
    DgmSource *source = NULL;
    DataError e = { "", "" };
    DgmExit code;

    if (model->log_prob_free == NULL) {
        snprintf(error, size, "model %s has no log_prob: `dgmc explain` says why", model->name);
        return NULL;
    }
    if (model->n_data > 0 || n_data > 0) {
        source = source_open_try(model, data, n_data, NULL, &code, &e);
        if (source == NULL) {
            snprintf(error, size, "%s", e.text);
            return NULL;
        }
    }
    DgmDensity *d = density_new(model, source, 0);
    d->owned = source;
    return d;
}

long dgm_density_dimension(const DgmDensity *d)
{
    return d->count[FORM_FREE];
}

long dgm_density_values(const DgmDensity *d)
{
    return d->count[FORM_VALUES];
}

double dgm_density_log_density_gradient(DgmDensity *d, const double *u, double *gradient)
{
    return density_log_prob(d, FORM_FREE, u, NULL, gradient);
}

void dgm_density_constrain(DgmDensity *d, const double *u, double *values)
{
    density_map(d, FORM_FREE, u, values);
}

void dgm_density_unconstrain(DgmDensity *d, const double *values, double *u)
{
    density_map(d, FORM_VALUES, values, u);
}

void dgm_density_free(DgmDensity *d)
{
    if (d == NULL)
        return;
    for (int f = 0; f < N_FORMS; f++) {
        dgm_unbind(&d->log_prob[f]);
        dgm_unbind(&d->map[f]);
        dgm_unbind(&d->once[f]);
        dgm_slab_free(d->slab[f]);
        free(d->given[f]);
    }
    if (d->buffers != NULL)
        source_buffers_free(d->buffers);
    source_free(d->owned);
    free(d);
}
