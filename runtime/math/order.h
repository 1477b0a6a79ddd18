/* order.h - values in rising order, and quantiles of weighted ones. */
#ifndef DGM_TRAIN_ORDER_H
#define DGM_TRAIN_ORDER_H

typedef struct Weighted { double x, weight; } Weighted;

/* In place. NaN must not be among them. */
void values_sort(double *x, long n);
void weighted_sort(Weighted *w, long n);

/* Of n >= 1 sorted values whose weights sum to 1. Value i lies at the share of the weights before
 * it, of all but its own, so that equal weights give i / (n - 1) (Hyndman & Fan 1996, type 7). */
double weighted_quantile(const Weighted *w, long n, double p);

#endif
