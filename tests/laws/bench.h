/* bench.h - a distribution of lang/std on its own: its arguments at test values that follow from
 * their declared types, expressions over them lowered as a model would use them and run by the
 * reference interpreter.
 */
#ifndef DGMC_TESTS_BENCH_H
#define DGMC_TESTS_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "../../compiler/lower/lower.h"
#include "interp.h"

enum { MAX_INPUTS = 16 };

typedef struct Bench {
    Ctx *c;
    Ast *library;
    Lower L;
    InterpArray inputs[MAX_INPUTS];
    int n_inputs;
} Bench;

void bench_open(Bench *b);
void bench_begin(Bench *b);                            /* a new fn, without inputs */
/* An array of these sizes, with a value for each point of `outer` if that is not NULL. */
Val *input(Bench *b, const char *name, const double *data, Axis *outer, int rank,
           const int64_t *dims);
/* The law (DISTRIBUTION or ALSO) at its test values, variant 0 or 1; names of inputs begin with
 * prefix. */
Val *law_value(Bench *b, const Ast *law, const char *prefix, int variant);
Val *eval_text(Bench *b, Env *env, const char *text);
double *run(Bench *b, Val *v, Axis *grid);             /* numbers of v, points of grid outermost */

/* Members of a law, or of its base. */
bool has(const Ast *law, const Ast *base, AstKind kind, const char *name);
const char *support_name(const Ast *base);
int event_rank(const Ast *base);

#endif
