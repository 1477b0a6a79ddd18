/* law.h - what the laws of the tensor IR share: random numbers and inputs, finite differences. */
#ifndef DGMC_TESTS_LAW_H
#define DGMC_TESTS_LAW_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "interp.h"
#include "../../compiler/tensor/tir_build.h"

typedef struct Law {
    Ctx *c;
    TirFn *f;
    uint64_t state;                    /* of the random numbers */
    InterpArray *arrays;               /* vec: numbers of the inputs made so far */
    int64_t *counts;                   /* vec, beside arrays */
    int n_inputs;
    Axis *n, *s, *i, *j, *k, *m;       /* row, sample, 4, 4, 3, 5 */
} Law;

Law   law_new(uint64_t seed);
void  law_free(Law *l);

double law_uniform(Law *l, double low, double high);
int   law_choice(Law *l, int n);                       /* 0 .. n-1 */
/* A random subset of the law's axes, at most `most`, in random order but rows first. */
AxisSet law_axes(Law *l, int most);
/* A fresh input with random numbers in [low, high]; whole numbers if `whole`. */
Tir  *law_input(Law *l, InputKind kind, const AxisSet *axes, double low, double high, bool whole);
Tir  *law_param(Law *l, const AxisSet *axes);          /* in [-1.2, 1.2] */
/* Adds the term sum(v * w), w data over some of v's axes: an adjoint that lacks axes. */
void  law_term(Law *l, Tir *v, int index);

Interp law_interp(const Law *l);
double law_objective(const Law *l, const TirFn *f);    /* sum_k (1.5 - 0.5 k) term_k */
TirFn *law_gradient(Law *l, TirFn *f);                 /* of that objective; verified */
/* Gradients of `g` (from law_gradient, perhaps simplified) against differences of law_objective(f):
 * |difference| <= 1e-6 max(1, |derivative|), for every element of every parameter. */
void  law_check_gradient(Law *l, const TirFn *f, const TirFn *g, const char *what);
/* Same outputs: |x - y| <= tolerance * max(1, |x|); NaN agrees with anything. */
void  law_check_equal(Law *l, const TirFn *f, const TirFn *g, double tolerance, const char *what);
const char *law_text(Law *l, const TirFn *f);

#endif
