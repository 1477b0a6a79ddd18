/* plot.c - line plots as PNG: a small rasteriser with smooth lines, ticks and a legend.
 *
 * Idea: one RGB canvas; a segment of a line is drawn by the distance of each nearby pixel to it,
 * which gives smooth edges without a library. Data are mapped to pixels by two Scales, whose ticks
 * are 1, 2 or 5 times a power of ten.
 */
#include "train/plot.h"
#include "train/font.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 1080, HEIGHT = 640, LEFT = 118, RIGHT = 32, TOP = 62, BOTTOM = 78, LINES = 6 };

typedef struct Colour { uint8_t r, g, b; } Colour;

static const Colour ink = { 45, 48, 56 }, faint = { 226, 229, 235 }, paper = { 255, 255, 255 };
static const Colour colours[LINES] = { { 31, 98, 190 },  { 222, 98, 30 },  { 34, 139, 84 },
                                       { 190, 44, 76 },  { 122, 82, 180 }, { 120, 110, 90 } };

/* One axis: values low..high at pixels from..to. */
typedef struct Scale {
    double low, high, step;            /* step between ticks */
    double from, to;
} Scale;

static void blend(uint8_t *canvas, long x, long y, Colour c, double cover)
{
    if (x < 0 || y < 0 || x >= WIDTH || y >= HEIGHT || cover <= 0)
        return;
    uint8_t *p = canvas + 3 * (y * WIDTH + x), ink3[3] = { c.r, c.g, c.b };

    for (int i = 0; i < 3; i++)
        p[i] = (uint8_t)(p[i] + (ink3[i] - p[i]) * (cover < 1 ? cover : 1) + 0.5);
}

static void box(uint8_t *canvas, long x, long y, long w, long h, Colour c)
{
    for (long j = y; j < y + h; j++)
        for (long i = x; i < x + w; i++)
            blend(canvas, i, j, c, 1);
}

static double distance(double x, double y, double x0, double y0, double x1, double y1)
{
    double dx = x1 - x0, dy = y1 - y0, length2 = dx * dx + dy * dy;
    double t = length2 > 0 ? ((x - x0) * dx + (y - y0) * dy) / length2 : 0;

    t = t < 0 ? 0 : t > 1 ? 1 : t;
    return hypot(x - x0 - t * dx, y - y0 - t * dy);
}

/* ---- text ------------------------------------------------------------------------------------ */

static long text_width(const char *text, int size)
{
    return (long)strlen(text) * (FONT_WIDTH + 1) * size - size;
}

/* (x, y): the top left corner. upright: the text runs upwards, (x, y) is its bottom left. */
static void draw_text(uint8_t *canvas, long x, long y, const char *text, int size, bool upright)
{
    for (long k = 0; text[k]; k++) {
        unsigned char c = (unsigned char)text[k];
        const uint8_t *rows = font[c < 128 ? c : '?'];

        if (c != ' ' && !memcmp(rows, font[0], FONT_HEIGHT))
            rows = font['?'];
        for (long row = 0; row < FONT_HEIGHT; row++)
            for (long column = 0; column < FONT_WIDTH; column++) {
                long along = (k * (FONT_WIDTH + 1) + column) * size, down = row * size;

                if (rows[row] >> (FONT_WIDTH - 1 - column) & 1)
                    box(canvas, upright ? x + down : x + along,
                        upright ? y - along - size : y + down, size, size, ink);
            }
    }
}

/* ---- scales ---------------------------------------------------------------------------------- */

static double tick_step(double span, int about)
{
    double raw = span / about, power = pow(10, floor(log10(raw))), m = raw / power;

    return power * (m < 1.5 ? 1 : m < 3.5 ? 2 : m < 7.5 ? 5 : 10);
}

static Scale scale_new(double low, double high, int ticks, double from, double to)
{
    if (!(high > low)) {
        double room = fabs(low) > 0 ? fabs(low) * 0.05 : 1;

        low -= room;
        high += room;
    }
    return (Scale){ low, high, tick_step(high - low, ticks), from, to };
}

static double place(const Scale *s, double v)
{
    return s->from + (v - s->low) / (s->high - s->low) * (s->to - s->from);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Range of y that shows the lines well: a steep start, at most the outer 2.5 % of the values on
 * either side, is cut if it would take more than half of the picture. */
static void y_range(const PlotLine *lines, int n, double *low, double *high)
{
    *low = INFINITY;
    *high = -INFINITY;
    for (int k = 0; k < n; k++) {
        double *sorted = dgm_alloc(((size_t)lines[k].n + 1) * sizeof *sorted);
        long m = 0;

        for (long i = 0; i < lines[k].n; i++)
            if (isfinite(lines[k].y[i]) && isfinite(lines[k].x[i]))
                sorted[m++] = lines[k].y[i];
        qsort(sorted, (size_t)m, sizeof *sorted, by_value);
        if (m > 0) {
            double a = sorted[m / 40], b = sorted[m - 1 - m / 40], first = sorted[0];
            double last = sorted[m - 1], room = (b - a) > 0 ? b - a : last - first;

            *low = fmin(*low, a - first > room ? a : first);
            *high = fmax(*high, last - b > room ? b : last);
        }
        free(sorted);
    }
}

static void x_range(const PlotLine *lines, int n, double *low, double *high)
{
    *low = INFINITY;
    *high = -INFINITY;
    for (int k = 0; k < n; k++)
        for (long i = 0; i < lines[k].n; i++)
            if (isfinite(lines[k].x[i])) {
                *low = fmin(*low, lines[k].x[i]);
                *high = fmax(*high, lines[k].x[i]);
            }
}

static void tick_text(double v, double step, char *buffer, size_t size)
{
    double rounded = fabs(v) < step * 1e-9 ? 0 : round(v / step) * step;
    char text[48];

    snprintf(text, sizeof text, "%.*g", fabs(rounded) < 1e6 ? 7 : 4, rounded);
    for (char *at = text; *at; at++)
        *at = *at == ',' ? '.' : *at;
    snprintf(buffer, size, "%s", text);
}

/* ---- the picture ----------------------------------------------------------------------------- */

static void draw_axes(uint8_t *canvas, const Scale *x, const Scale *y)
{
    char text[48];
    long left = (long)x->from, right = (long)x->to, bottom = (long)y->from, top = (long)y->to;

    for (double v = ceil(y->low / y->step) * y->step; v <= y->high + y->step * 1e-9; v += y->step) {
        long at = lround(place(y, v));

        box(canvas, left, at, right - left, 1, faint);
        tick_text(v, y->step, text, sizeof text);
        draw_text(canvas, left - 12 - text_width(text, 2), at - 7, text, 2, false);
    }
    for (double v = ceil(x->low / x->step) * x->step; v <= x->high + x->step * 1e-9; v += x->step) {
        long at = lround(place(x, v));

        box(canvas, at, top, 1, bottom - top, faint);
        box(canvas, at, bottom, 1, 6, ink);
        tick_text(v, x->step, text, sizeof text);
        draw_text(canvas, at - text_width(text, 2) / 2, bottom + 13, text, 2, false);
    }
    box(canvas, left, bottom, right - left, 2, ink);
    box(canvas, left - 1, top, 2, bottom - top + 2, ink);
}

/* A segment 2.4 pixels wide, inside the frame only. */
static void draw_segment(uint8_t *canvas, const Scale *x, const Scale *y, double x0, double y0,
                         double x1, double y1, Colour c)
{
    long i0 = (long)fmax(x->from, fmin(x0, x1) - 3), i1 = (long)fmin(x->to, fmax(x0, x1) + 3);

    for (long i = i0; i <= i1; i++) {
        /* only the part of the segment near this column, so that steep lines stay cheap */
        double ta = x1 != x0 ? (i - 3 - x0) / (x1 - x0) : 0;
        double tb = x1 != x0 ? (i + 3 - x0) / (x1 - x0) : 1;
        double ya = y0 + fmin(fmax(fmin(ta, tb), 0), 1) * (y1 - y0);
        double yb = y0 + fmin(fmax(fmax(ta, tb), 0), 1) * (y1 - y0);
        long j0 = (long)fmax(y->to, fmin(ya, yb) - 3), j1 = (long)fmin(y->from, fmax(ya, yb) + 3);

        for (long j = j0; j <= j1; j++)
            blend(canvas, i, j, c, 1.7 - distance((double)i, (double)j, x0, y0, x1, y1));
    }
}

static void draw_line(uint8_t *canvas, const Scale *x, const Scale *y, const PlotLine *line,
                      Colour c)
{
    double px = NAN, py = NAN;
    double limit = 4 * HEIGHT;           /* values far outside are cut, but keep their slopes */
    long points = 0;

    for (long i = 0; i < line->n; i++) {
        if (!isfinite(line->x[i]) || !isfinite(line->y[i]))
            continue;
        double qx = place(x, line->x[i]);
        double qy = fmin(fmax(place(y, line->y[i]), -limit), limit);

        draw_segment(canvas, x, y, isnan(px) ? qx : px, isnan(px) ? qy : py, qx, qy, c);
        px = qx;
        py = qy;
        points++;
    }
    if (points == 1)                     /* no line yet: a dot that can be seen */
        box(canvas, lround(px) - 4, lround(py) - 4, 9, 9, c);
}

static void draw_legend(uint8_t *canvas, const PlotLine *lines, int n)
{
    long x = WIDTH - RIGHT;

    for (int k = n - 1; k >= 0; k--) {
        if (lines[k].label == NULL || lines[k].label[0] == '\0')
            continue;
        x -= text_width(lines[k].label, 2);
        draw_text(canvas, x, 26, lines[k].label, 2, false);
        x -= 38;
        box(canvas, x, 31, 30, 4, colours[k]);
        x -= 26;
    }
}

bool plot_lines_try(const char *path, const char *title, const char *x_label, const char *y_label,
                    const PlotLine *lines, int n_lines, DataError *e)
{
    uint8_t *canvas = dgm_alloc((size_t)3 * WIDTH * HEIGHT);
    double x0, x1, y0, y1;
    int n = n_lines < LINES ? n_lines : LINES;

    box(canvas, 0, 0, WIDTH, HEIGHT, paper);
    x_range(lines, n, &x0, &x1);
    y_range(lines, n, &y0, &y1);
    if (!(x0 <= x1) || !(y0 <= y1))      /* nothing to draw: empty axes */
        x0 = y0 = 0, x1 = y1 = 1;
    double room = (y1 - y0) * 0.04;
    Scale x = scale_new(x0, x1, 8, LEFT, WIDTH - RIGHT);
    Scale y = scale_new(y0 - room, y1 + room, 7, HEIGHT - BOTTOM, TOP);
    draw_axes(canvas, &x, &y);
    for (int k = 0; k < n; k++)
        draw_line(canvas, &x, &y, &lines[k], colours[k]);
    draw_legend(canvas, lines, n);
    draw_text(canvas, LEFT, 24, title, 2, false);
    draw_text(canvas, LEFT + (WIDTH - LEFT - RIGHT - text_width(x_label, 2)) / 2, HEIGHT - 32,
              x_label, 2, false);
    draw_text(canvas, 14, TOP + (HEIGHT - TOP - BOTTOM + text_width(y_label, 2)) / 2, y_label, 2,
              true);
    bool ok = picture_write_try(path, canvas, WIDTH, HEIGHT, 3, e);
    free(canvas);
    return ok;
}

void plot_lines(const char *path, const char *title, const char *x_label, const char *y_label,
                const PlotLine *lines, int n_lines)
{
    DataError e;

    if (!plot_lines_try(path, title, x_label, y_label, lines, n_lines, &e))
        dgm_fail(DGM_EXIT_IO, e.help[0] ? e.help : NULL, "%s", e.text);
}
