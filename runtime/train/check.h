/* check.h - between checkgrad.c, for gradients that are derivatives, and checkestimate.c, for those
 * that estimate one. */
#ifndef DGM_TRAIN_CHECK_H
#define DGM_TRAIN_CHECK_H

#include "train/train.h"

#ifdef DGM_F64
#define ROUNDING 2.2204460492503131e-16
#else
#define ROUNDING 1.1920928955078125e-7
#endif

typedef struct Check {
    Session s;
    DataSet d;
    DgmCtx step, eval;
    double tol, size;                  /* size: sum of |share| of the terms, scale of rounding */
    Real *at;                          /* [param_reals] the point where all is checked */
} Check;

/* A line through parameter space: elements [offset, offset + count) move along direction. */
typedef struct Line { long offset, count; const double *direction; } Line;

double check_run(Check *k, DgmCtx *c);                       /* the objective */
double check_shifted(Check *k, const Line *line, double h);  /* by eval, at `at` + h direction */
/* Half the gradient's own direction (of k->s.grad), half a random one; unit length. Of several
 * elements: the two may cancel in one. */
void   check_direction(const Check *k, const DgmParam *p, uint64_t key, double *direction);
bool   check_estimates(Check *k);                            /* checkestimate.c; true: passed */

#endif
