/* pictures.c - the PNG files of a run: loss curve, samples, reconstructions.
 *
 * Pictures are drawn where they make sense: grids only if rows of a data array have the shape of an
 * image, samples only if the model can be sampled without data. Their failure is a disk failure.
 */
#include "train/train.h"

#include "plot/plot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define GRID 64                        /* samples */
#define PAIRS 32                       /* reconstructions */
#define SMALLEST_SIDE 4                /* fewer pixels are not an image but a short vector */
#define WIDEST_ASPECT 4                /* a table of [2, 50] is not an image either */

bool image_shape(int rank, const long *shape, long count, long *h, long *w)
{
    long side = lround(sqrt((double)count));

    if (rank == 3 && shape[2] == 1)
        rank = 2;
    if (rank == 2) {
        *h = shape[0];
        *w = shape[1];
    } else if (rank == 1 && side * side == count) {
        *h = *w = side;
    } else {
        return false;
    }
    return *h >= SMALLEST_SIDE && *w >= SMALLEST_SIDE && *h <= WIDEST_ASPECT * *w
           && *w <= WIDEST_ASPECT * *h;
}

/* Black and white: the bounds of the data, else the values found. */
static void gray_range(const DgmData *data, const Real *pixels, long n, double *low, double *high)
{
    *low = data->lower;
    *high = data->upper;
    if (isfinite(*low) && isfinite(*high) && *high > *low)
        return;
    *low = INFINITY;
    *high = -INFINITY;
    for (long i = 0; i < n; i++) {
        *low = fmin(*low, (double)pixels[i]);
        *high = fmax(*high, (double)pixels[i]);
    }
    if (!(*high > *low))
        *high = *low + 1;
}

void image_grid(const char *path, const DgmData *data, const Real *pixels, long n, long h, long w,
                long columns)
{
    long count = n * h * w;
    Real *gray = dgm_slab_new((size_t)count);
    double low, high;

    gray_range(data, pixels, count, &low, &high);
    for (long i = 0; i < count; i++)
        gray[i] = (Real)(((double)pixels[i] - low) / (high - low));
    picture_grid(path, gray, n, h, w, columns);
    dgm_slab_free(gray);
}

static void announce(const Session *s, const char *what, const char *path)
{
    if (!s->quiet)
        printf("  %-16s %s\n", what, path);
}

static void draw_samples(const Session *s, int a, long h, long w, const char *dir)
{
    const DgmProgram *p = s->model->sample;
    char *path = path_join(dir, "samples.png");
    DataSet none = data_none(s->model, GRID);
    Gathered g = gather(s, &none, p, DGM_STREAM_SAMPLE, GRID, 1, GRID);

    image_grid(path, &s->model->data[a], g.value[output_for_data(p, s->model, a)], GRID, h, w, 0);
    announce(s, "samples", path);
    gathered_free(&g);
    data_close(&none);
    free(path);
}

/* Rows spread over the data set, for files are often sorted. */
static void draw_reconstructions(const Session *s, DataSet *d, int a, long h, long w,
                                 const char *dir)
{
    char *path = path_join(dir, "reconstructions.png");
    long n = d->N < PAIRS ? d->N : PAIRS, stride = d->N / n;
    Gathered g = gather(s, d, s->model->reconstruct, DGM_STREAM_SAMPLE, n, stride, n);

    reconstruction_grid(s, d, &g, a, n, stride, h, w, path);
    announce(s, "reconstructions", path);
    gathered_free(&g);
    free(path);
}

static void draw_curve(const Session *s, const char *dir)
{
    const char *key = model_has_latents(s->model) ? "elbo" : "objective";
    char valid_key[40], *path = path_join(dir, "loss.png");
    const char *valid_keys[] = {"valid_elbo", "valid_objective"};

    snprintf(valid_key, sizeof valid_key, "%s", valid_keys[strcmp(key, "elbo") != 0]);
    Curve train = metrics_curve(dir, "step", key), valid = metrics_curve(dir, "epoch", valid_key);
    PlotLine lines[] = {{"train", train.x, train.y, train.n}, {"valid", valid.x, valid.y, valid.n}};

    if (train.n > 1) {
        plot_lines(path, s->model->name, "step", key, lines, valid.n > 0 ? 2 : 1);
        announce(s, "training curve", path);
    }
    curve_free(&train);
    curve_free(&valid);
    free(path);
}

void pictures_of_run(const Session *s, DataSet *d, const char *dir)
{
    const DgmModel *m = s->model;
    long h, w;

    draw_curve(s, dir);
    for (int a = 0; a < m->n_data; a++) {
        if (!m->data[a].rows || !image_shape(m->data[a].rank, m->data[a].shape, m->data[a].count,
                                             &h, &w))
            continue;
        if (sample_is_free(m) && output_for_data(m->sample, m, a) >= 0)
            draw_samples(s, a, h, w, dir);
        if (m->reconstruct != NULL && !m->full_batch && output_for_data(m->reconstruct, m, a) >= 0)
            draw_reconstructions(s, d, a, h, w, dir);
        return;                                      /* the first array with pictures in it */
    }
}
