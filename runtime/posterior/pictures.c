/* pictures.c - pictures of a posterior: densities.png, pairs.png, elbo.png.
 *
 * Densities are kernel estimates from the weighted draws. At the smallest and the largest draw the
 * kernels are reflected, so that an end of the support shows as one. Pairs are the most correlated
 * ones, as equally weighted draws.
 */
#include "posterior/posterior.h"
#include "math/order.h"
#include "plot/canvas.h"
#include "plot/plot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CURVES = 16, PAIRS = 6, SEARCHED = 100, DOTS = 1000, GRID = 160 };
enum { PANEL = 300, TALL = 230, MARGIN = 26, HEAD = 52 };

static const Colour blue = { 31, 98, 190 }, shade = { 205, 220, 242 };

/* One number of a latent. */
typedef struct Scalar {
    char name[240];
    const double *draws;
    long stride;
    double mean, sd;
} Scalar;

static double weight_of(const Drawn *d, long k)
{
    return d->weight != NULL ? d->weight[k] : 1 / (double)d->M;
}

static void moments(const Drawn *d, Scalar *s)
{
    double sum = 0, square = 0;

    for (long k = 0; k < d->M; k++)
        if (weight_of(d, k) > 0)
            sum += weight_of(d, k) * s->draws[k * s->stride];
    for (long k = 0; k < d->M; k++)
        if (weight_of(d, k) > 0)
            square += weight_of(d, k) * pow(s->draws[k * s->stride] - sum, 2);
    s->mean = sum;
    s->sd = sqrt(square);
}

/* Up to `most` numbers of the latents that vary, in their order. */
static long scalars(const Posterior *p, Scalar *s, long most)
{
    long n = 0;

    for (int i = 0; i < p->posterior.n; i++) {
        const Quantity *q = &p->posterior.latents[i];

        for (long j = 0; j < q->shape.count && n < most; j++) {
            s[n] = (Scalar){.draws = q->draws + j, .stride = q->shape.count};
            element_text(q->name, q->shape, j, s[n].name, sizeof s[n].name);
            moments(&p->posterior, &s[n]);
            n += isfinite(s[n].sd) && s[n].sd > 1e-12 * fabs(s[n].mean);
        }
    }
    return n;
}

/* ---- panels ---------------------------------------------------------------------------------- */

/* Panel i of rows of `columns`: its frame, and its title. */
static void panel(Canvas *c, long i, long columns, const char *title, Scale *x, Scale *y)
{
    long left = MARGIN + i % columns * (PANEL + MARGIN), top = HEAD + i / columns * (TALL + MARGIN);
    char text[48];
    long room = PANEL / 12;            /* letters */

    x->from = (double)left + (y->step > 0 ? 52 : 0);
    x->to = (double)(left + PANEL);
    y->from = (double)(top + TALL - 34);
    y->to = (double)(top + 26);
    if (strlen(title) > (size_t)room)
        snprintf(text, sizeof text, "%.*s..", (int)room - 2, title);
    else
        snprintf(text, sizeof text, "%s", title);
    draw_text(c, left, top, text, 2, false);
}

static Canvas panels_new(const Posterior *p, const char *what, long n, long columns)
{
    long across = n < columns ? n : columns, rows = (n + columns - 1) / columns;
    char text[200];
    Canvas c = canvas_new(MARGIN + (across > 2 ? across : 2) * (PANEL + MARGIN),
                          HEAD + rows * (TALL + MARGIN));

    snprintf(text, sizeof text, "%.60s: %s", p->model->name, what);
    draw_text(&c, MARGIN, 18, text, 2, false);
    return c;
}

static void written(const Posterior *p, bool ok, const DataError *e, const char *what,
                    const char *path)
{
    if (!ok)
        dgm_fail(DGM_EXIT_IO, e->help[0] ? e->help : NULL, "%s", e->text);
    if (!p->session.quiet && !option_flag(p->options, OPT_JSON))
        printf("  %-16s %s\n", what, path);
}

static void finish(const Posterior *p, Canvas *c, const char *dir, const char *name,
                   const char *what)
{
    char *path = path_join(dir, name);
    DataError e;
    bool ok = canvas_write_try(c, path, &e);

    canvas_free(c);
    written(p, ok, &e, what, path);
    free(path);
}

/* ---- densities ------------------------------------------------------------------------------- */

/* The draws of s in rising order, those that have a weight; how many. */
static long ranked(const Drawn *d, const Scalar *s, Weighted *r)
{
    long n = 0;

    for (long k = 0; k < d->M; k++)
        if (weight_of(d, k) > 0)
            r[n++] = (Weighted){s->draws[k * s->stride], weight_of(d, k)};
    weighted_sort(r, n);
    return n;
}

static double kernel(double z)
{
    return fabs(z) < 6 ? exp(-z * z / 2) : 0;
}

/* Silverman's width, from the smaller of sd and quartiles, for as many draws as the weights are
 * worth. */
static double width_of(const Scalar *s, const Weighted *r, long n)
{
    double square = 0;
    double quartiles = (weighted_quantile(r, n, 0.75) - weighted_quantile(r, n, 0.25)) / 1.34;

    for (long k = 0; k < n; k++)
        square += r[k].weight * r[k].weight;
    double spread = quartiles > 0 && quartiles < s->sd ? quartiles : s->sd;
    return 0.9 * spread * pow(1 / square, -0.2);
}

static void draw_density(Canvas *c, const Drawn *d, const Scalar *s, long i, long columns)
{
    Weighted *r = dgm_alloc((size_t)(d->M + 1) * sizeof *r);
    long n = ranked(d, s, r);
    double h = width_of(s, r, n), first = r[0].x, last = r[n - 1].x, top = 0, f[GRID + 1];
    double low = fmax(first, weighted_quantile(r, n, 0.002) - 2 * h);
    double high = fmin(last, weighted_quantile(r, n, 0.998) + 2 * h);
    Scale y = {.high = 1}, x = {0};

    panel(c, i, columns, s->name, &x, &y);
    x = scale_new(low, high, 4, x.from, x.to);
    for (int g = 0; g <= GRID; g++) {
        double v = low + (high - low) * g / GRID;

        f[g] = 0;
        for (long k = 0; k < n; k++)
            f[g] += r[k].weight * (kernel((v - r[k].x) / h)
                                   + kernel((v + r[k].x - 2 * first) / h)
                                   + kernel((v + r[k].x - 2 * last) / h));
        top = fmax(top, f[g]);
    }
    for (long at = (long)x.from; at <= (long)x.to; at++) {
        double g = ((double)at - x.from) / (x.to - x.from) * GRID;
        int whole = g < GRID ? (int)g : GRID - 1;
        double value = f[whole] + (g - whole) * (f[whole + 1] - f[whole]);
        long up = lround(value / top * 0.97 * (y.from - y.to));

        draw_box(c, at, (long)y.from - up, 1, up, shade);
    }
    draw_axes(c, &x, &y, 1);
    for (int g = 0; g < GRID; g++) {
        double by = 0.97 * (y.from - y.to) / top, step = (x.to - x.from) / GRID;

        draw_segment(c, &x, &y, x.from + g * step, y.from - f[g] * by, x.from + (g + 1) * step,
                     y.from - f[g + 1] * by, blue);
    }
    free(r);
}

static void draw_densities(const Posterior *p, const char *dir)
{
    Scalar *s = dgm_alloc(CURVES * sizeof *s);
    long n = scalars(p, s, CURVES), columns = n > 4 ? 4 : n;

    if (n > 0) {
        Canvas c = panels_new(p, "marginal densities", n, columns);

        for (long i = 0; i < n; i++)
            draw_density(&c, &p->posterior, &s[i], i, columns);
        finish(p, &c, dir, "densities.png", "densities");
    }
    free(s);
}

/* ---- pairs ----------------------------------------------------------------------------------- */

typedef struct Pair { long a, b; double correlation; } Pair;

static double correlation(const Drawn *d, const Scalar *a, const Scalar *b)
{
    double sum = 0;

    for (long k = 0; k < d->M; k++)
        if (weight_of(d, k) > 0)
            sum += weight_of(d, k) * (a->draws[k * a->stride] - a->mean)
                 * (b->draws[k * b->stride] - b->mean);
    return sum / (a->sd * b->sd);
}

/* The most correlated pairs first, but for those where one number is the other; how many. */
static long find_pairs(const Drawn *d, const Scalar *s, long n, Pair *best)
{
    long found = 0;

    for (long a = 0; a < n; a++)
        for (long b = 0; b < a; b++) {
            Pair pair = {b, a, correlation(d, &s[b], &s[a])};
            long at = found;

            if (!(fabs(pair.correlation) < 1 - 1e-9))
                continue;
            while (at > 0 && fabs(pair.correlation) > fabs(best[at - 1].correlation))
                at--;
            if (at == PAIRS)
                continue;
            found += found < PAIRS;
            memmove(best + at + 1, best + at, (size_t)(found - 1 - at) * sizeof *best);
            best[at] = pair;
        }
    return found;
}

/* Range of nearly all draws. */
static void range(const Drawn *d, const Scalar *s, Weighted *r, double *low, double *high)
{
    long n = ranked(d, s, r);

    *low = weighted_quantile(r, n, 0.003);
    *high = weighted_quantile(r, n, 0.997);
}

static void draw_pair(Canvas *c, const Drawn *d, const Scalar *a, const Scalar *b, double by,
                      const long *from, long i)
{
    Weighted *r = dgm_alloc((size_t)(d->M + 1) * sizeof *r);
    Scale x = {0}, y = {.step = 1};
    double x0, x1, y0, y1;
    char title[600];

    snprintf(title, sizeof title, "%s, %s", b->name, a->name);
    panel(c, i, 3, title, &x, &y);
    range(d, a, r, &x0, &x1);
    range(d, b, r, &y0, &y1);
    x = scale_new(x0, x1, 4, x.from, x.to);
    y = scale_new(y0, y1, 4, y.from, y.to);
    draw_axes(c, &x, &y, 1);
    long dots = d->M < DOTS ? d->M : DOTS;
    for (long k = 0; k < dots; k++) {
        long at = from[k * d->M / dots];
        double px = scale_place(&x, a->draws[at * a->stride]);
        double py = scale_place(&y, b->draws[at * b->stride]);

        if (px >= x.from && px <= x.to && py >= y.to && py <= y.from)
            draw_dot(c, px, py, 1.4, blue, 0.35);
    }
    snprintf(title, sizeof title, "correlation %.2f", by);
    draw_text(c, (long)x.to - text_width(title, 1), (long)y.to - 4, title, 1, false);
    free(r);
}

static void draw_pairs(const Posterior *p, const char *dir)
{
    Scalar *s = dgm_alloc(SEARCHED * sizeof *s);
    Pair best[PAIRS + 1];
    long n = find_pairs(&p->posterior, s, scalars(p, s, SEARCHED), best);

    if (n > 0) {
        Canvas c = panels_new(p, "most correlated pairs", n, 3);
        long *from = posterior_resample(p);

        for (long i = 0; i < n; i++)
            draw_pair(&c, &p->posterior, &s[best[i].a], &s[best[i].b], best[i].correlation, from,
                      i);
        finish(p, &c, dir, "pairs.png", "pairs");
        free(from);
    }
    free(s);
}

/* ---- the bound ------------------------------------------------------------------------------- */

static void draw_trace(const Posterior *p, const char *dir)
{
    const Trace *t = &p->fit.trace;
    char *path = path_join(dir, "elbo.png");
    double *step = dgm_alloc((size_t)(t->n + 1) * sizeof *step);
    DataError e;

    for (long i = 0; i < t->n; i++)
        step[i] = (double)i;
    PlotLine line = {"", step, t->bound, t->n};
    if (t->n > 1) {
        bool ok = plot_lines_try(path, p->model->name, "step", "elbo", &line, 1, &e);

        written(p, ok, &e, "bound", path);
    }
    free(step);
    free(path);
}

void posterior_pictures(const Posterior *p, const char *dir)
{
    draw_densities(p, dir);
    draw_pairs(p, dir);
    draw_trace(p, dir);
}
