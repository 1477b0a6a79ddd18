/* plot.c - line plots as PNG: smooth lines, ticks and a legend on a canvas. */
#include "plot/plot.h"
#include "plot/canvas.h"
#include "math/order.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 1080, HEIGHT = 640, LEFT = 118, RIGHT = 32, TOP = 62, BOTTOM = 78, LINES = 6 };

static const Colour colours[LINES] = { { 31, 98, 190 },  { 222, 98, 30 },  { 34, 139, 84 },
                                       { 190, 44, 76 },  { 122, 82, 180 }, { 120, 110, 90 } };

/* ---- ranges ---------------------------------------------------------------------------------- */

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
        values_sort(sorted, m);
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

/* ---- the picture ----------------------------------------------------------------------------- */

static void draw_line(Canvas *canvas, const Scale *x, const Scale *y, const PlotLine *line,
                      Colour c)
{
    double px = NAN, py = NAN;
    double limit = 4 * HEIGHT;           /* values far outside are cut, but keep their slopes */
    long points = 0;

    for (long i = 0; i < line->n; i++) {
        if (!isfinite(line->x[i]) || !isfinite(line->y[i]))
            continue;
        double qx = scale_place(x, line->x[i]);
        double qy = fmin(fmax(scale_place(y, line->y[i]), -limit), limit);

        draw_segment(canvas, x, y, isnan(px) ? qx : px, isnan(px) ? qy : py, qx, qy, c);
        px = qx;
        py = qy;
        points++;
    }
    if (points == 1)                     /* no line yet: a dot that can be seen */
        draw_box(canvas, lround(px) - 4, lround(py) - 4, 9, 9, c);
}

static void draw_legend(Canvas *canvas, const PlotLine *lines, int n)
{
    long x = WIDTH - RIGHT;

    for (int k = n - 1; k >= 0; k--) {
        if (lines[k].label == NULL || lines[k].label[0] == '\0')
            continue;
        x -= text_width(lines[k].label, 2);
        draw_text(canvas, x, 26, lines[k].label, 2, false);
        x -= 38;
        draw_box(canvas, x, 31, 30, 4, colours[k]);
        x -= 26;
    }
}

bool plot_lines_try(const char *path, const char *title, const char *x_label, const char *y_label,
                    const PlotLine *lines, int n_lines, DataError *e)
{
    Canvas canvas = canvas_new(WIDTH, HEIGHT);
    double x0, x1, y0, y1;
    int n = n_lines < LINES ? n_lines : LINES;

    x_range(lines, n, &x0, &x1);
    y_range(lines, n, &y0, &y1);
    if (!(x0 <= x1) || !(y0 <= y1))      /* nothing to draw: empty axes */
        x0 = y0 = 0, x1 = y1 = 1;
    double room = (y1 - y0) * 0.04;
    Scale x = scale_new(x0, x1, 8, LEFT, WIDTH - RIGHT);
    Scale y = scale_new(y0 - room, y1 + room, 7, HEIGHT - BOTTOM, TOP);
    draw_axes(&canvas, &x, &y, 2);
    for (int k = 0; k < n; k++)
        draw_line(&canvas, &x, &y, &lines[k], colours[k]);
    draw_legend(&canvas, lines, n);
    draw_text(&canvas, LEFT, 24, title, 2, false);
    draw_text(&canvas, LEFT + (WIDTH - LEFT - RIGHT - text_width(x_label, 2)) / 2, HEIGHT - 32,
              x_label, 2, false);
    draw_text(&canvas, 14, TOP + (HEIGHT - TOP - BOTTOM + text_width(y_label, 2)) / 2, y_label, 2,
              true);
    bool ok = canvas_write_try(&canvas, path, e);
    canvas_free(&canvas);
    return ok;
}

void plot_lines(const char *path, const char *title, const char *x_label, const char *y_label,
                const PlotLine *lines, int n_lines)
{
    DataError e;

    if (!plot_lines_try(path, title, x_label, y_label, lines, n_lines, &e))
        dgm_fail(DGM_EXIT_IO, e.help[0] ? e.help : NULL, "%s", e.text);
}
