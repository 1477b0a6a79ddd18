/* plot.h - line plots as PNG: the loss curve of a run. */
#ifndef DGM_TRAIN_PLOT_H
#define DGM_TRAIN_PLOT_H

#include "data/data.h"

typedef struct PlotLine {
    const char *label;                 /* ASCII; "" for none */
    const double *x, *y;               /* [n]; points that are not finite are left out */
    long n;
} PlotLine;

/* Up to 6 lines. The y axis covers the last 95 % of each line well: a steep start may be cut. */
void plot_lines(const char *path, const char *title, const char *x_label, const char *y_label,
                const PlotLine *lines, int n_lines);
bool plot_lines_try(const char *path, const char *title, const char *x_label, const char *y_label,
                    const PlotLine *lines, int n_lines, DataError *e);

#endif
