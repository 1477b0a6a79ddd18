/* canvas.c - a small rasteriser: boxes, smooth segments, dots, text and axes on one RGB picture.
 *
 * Idea: a segment is drawn by the distance of each nearby pixel to it, which gives smooth edges
 * without a library. Data are mapped to pixels by Scales, whose ticks are 1, 2 or 5 times a power
 * of ten.
 */
#include "plot/canvas.h"
#include "plot/font.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

Canvas canvas_new(long width, long height)
{
    Canvas c = { width, height, dgm_alloc((size_t)3 * (size_t)width * (size_t)height) };

    draw_box(&c, 0, 0, width, height, paper);
    return c;
}

void canvas_free(Canvas *c)
{
    free(c->pixels);
}

bool canvas_write_try(const Canvas *c, const char *path, DataError *e)
{
    return picture_write_try(path, c->pixels, c->width, c->height, 3, e);
}

void draw_pixel(Canvas *c, long x, long y, Colour colour, double cover)
{
    if (x < 0 || y < 0 || x >= c->width || y >= c->height || cover <= 0)
        return;
    uint8_t *p = c->pixels + 3 * (y * c->width + x), mix[3] = { colour.r, colour.g, colour.b };

    for (int i = 0; i < 3; i++)
        p[i] = (uint8_t)(p[i] + (mix[i] - p[i]) * (cover < 1 ? cover : 1) + 0.5);
}

void draw_box(Canvas *c, long x, long y, long w, long h, Colour colour)
{
    for (long j = y; j < y + h; j++)
        for (long i = x; i < x + w; i++)
            draw_pixel(c, i, j, colour, 1);
}

static double distance(double x, double y, double x0, double y0, double x1, double y1)
{
    double dx = x1 - x0, dy = y1 - y0, length2 = dx * dx + dy * dy;
    double t = length2 > 0 ? ((x - x0) * dx + (y - y0) * dy) / length2 : 0;

    t = t < 0 ? 0 : t > 1 ? 1 : t;
    return hypot(x - x0 - t * dx, y - y0 - t * dy);
}

/* ---- text ------------------------------------------------------------------------------------ */

long text_width(const char *text, int size)
{
    return (long)strlen(text) * (FONT_WIDTH + 1) * size - size;
}

void draw_text(Canvas *canvas, long x, long y, const char *text, int size, bool upright)
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
                    draw_box(canvas, upright ? x + down : x + along,
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

Scale scale_new(double low, double high, int ticks, double from, double to)
{
    if (!(high - low > 1e-9 * fmax(fabs(low), fabs(high)))) {    /* else steps would be lost */
        double room = fabs(low) > 0 ? fabs(low) * 0.05 : 1;

        low -= room;
        high += room;
    }
    return (Scale){ low, high, tick_step(high - low, ticks), from, to };
}

double scale_place(const Scale *s, double v)
{
    return s->from + (v - s->low) / (s->high - s->low) * (s->to - s->from);
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

/* ---- lines ----------------------------------------------------------------------------------- */

void draw_segment(Canvas *canvas, const Scale *x, const Scale *y, double x0, double y0, double x1,
                  double y1, Colour colour)
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
            draw_pixel(canvas, i, j, colour,
                       1.7 - distance((double)i, (double)j, x0, y0, x1, y1));
    }
}

void draw_dot(Canvas *c, double x, double y, double radius, Colour colour, double cover)
{
    for (long j = (long)(y - radius - 1); j <= (long)(y + radius + 1); j++)
        for (long i = (long)(x - radius - 1); i <= (long)(x + radius + 1); i++) {
            double inside = radius + 0.5 - hypot((double)i - x, (double)j - y);

            draw_pixel(c, i, j, colour, cover * fmin(inside, 1));
        }
}

/* ---- axes ------------------------------------------------------------------------------------ */

static double first_tick(const Scale *s)
{
    return ceil(s->low / s->step) * s->step;
}

static double last_tick(const Scale *s)
{
    return s->high + s->step * 1e-9;
}

void draw_axes(Canvas *canvas, const Scale *x, const Scale *y, int size)
{
    char text[48];
    long left = (long)x->from, right = (long)x->to, bottom = (long)y->from, top = (long)y->to;

    for (double v = first_tick(y); y->step > 0 && v <= last_tick(y); v += y->step) {
        long at = lround(scale_place(y, v));

        draw_box(canvas, left, at, right - left, 1, faint);
        tick_text(v, y->step, text, sizeof text);
        draw_text(canvas, left - 6 * size - text_width(text, size), at - 7 * size / 2, text, size,
                  false);
    }
    for (double v = first_tick(x); v <= last_tick(x); v += x->step) {
        long at = lround(scale_place(x, v));

        draw_box(canvas, at, top, 1, bottom - top, faint);
        draw_box(canvas, at, bottom, 1, 3 * size, ink);
        tick_text(v, x->step, text, sizeof text);
        draw_text(canvas, at - text_width(text, size) / 2, bottom + 13 * size / 2, text, size,
                  false);
    }
    draw_box(canvas, left, bottom, right - left, 2, ink);
    if (y->step > 0)
        draw_box(canvas, left - 1, top, 2, bottom - top + 2, ink);
}
