/* canvas.h - drawing on an RGB picture: boxes, smooth segments and dots, text, axes with ticks. */
#ifndef DGM_TRAIN_CANVAS_H
#define DGM_TRAIN_CANVAS_H

#include "data/data.h"

typedef struct Colour { uint8_t r, g, b; } Colour;

static const Colour ink = { 45, 48, 56 }, faint = { 226, 229, 235 }, paper = { 255, 255, 255 };

typedef struct Canvas { long width, height; uint8_t *pixels; } Canvas;

/* One axis: values low..high at pixels from..to. */
typedef struct Scale {
    double low, high, step;            /* step between ticks */
    double from, to;
} Scale;

Canvas canvas_new(long width, long height);                  /* all paper */
void canvas_free(Canvas *c);
bool canvas_write_try(const Canvas *c, const char *path, DataError *e);

void draw_box(Canvas *c, long x, long y, long w, long h, Colour colour);
/* Mixes the colour into a pixel; cover 0..1. */
void draw_pixel(Canvas *c, long x, long y, Colour colour, double cover);
/* (x, y): the top left corner. upright: the text runs upwards, (x, y) is its bottom left. */
void draw_text(Canvas *c, long x, long y, const char *text, int size, bool upright);
long text_width(const char *text, int size);
/* A segment 2.4 pixels wide, inside the frame of the scales only. */
void draw_segment(Canvas *c, const Scale *x, const Scale *y, double x0, double y0, double x1,
                  double y1, Colour colour);
void draw_dot(Canvas *c, double x, double y, double radius, Colour colour, double cover);

/* With about this many ticks; a range of no length gets some. */
Scale scale_new(double low, double high, int ticks, double from, double to);
double scale_place(const Scale *s, double v);                /* its pixel */
/* Lines, ticks and their numbers; an axis y whose step is 0 has none. size: of the text. */
void draw_axes(Canvas *c, const Scale *x, const Scale *y, int size);

#endif
