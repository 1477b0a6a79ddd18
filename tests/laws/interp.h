/* interp.h - the reference interpreter: what a TirFn means, in double, one element at a time.
 *
 * No cleverness: every op is the loop its definition says. Emitted code, gradients and rewrites are
 * tested against it. Elementwise ops run the C text of ops.def with the runtime's mathematics.
 */
#ifndef DGMC_TESTS_INTERP_H
#define DGMC_TESTS_INTERP_H

#include "../../compiler/tensor/tir.h"

/* An input by name, in the layout of its INPUT; or the draws of a site, by name "@7". */
typedef struct InterpArray { const char *name; const double *data; } InterpArray;

typedef struct Interp {
    int64_t rows, samples;             /* B, S; at least 1 */
    const InterpArray *arrays;
    int n_arrays;
    uint64_t seed;                     /* of draws not given: uniforms u(seed, site, element); a
                                          gamma draw is the quantile of u, so smooth in its shape */
} Interp;
/* Scalars not given: inv_rows 1/B, inv_samples 1/S, total B, inv_total 1/B, weight_K 1. */

/* Elements of a value, and the position of an element in its layout is row-major over axes. */
int64_t interp_count(const Interp *in, const Tir *v);
/* Numbers of every output, in the layout of the output; allocated from `a`. */
double **interp_run(Arena *a, const TirFn *f, const Interp *in);
/* One elementwise operation. */
double interp_map(Op op, double a, double b, double c);

#endif
