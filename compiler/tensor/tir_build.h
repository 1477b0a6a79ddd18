/* tir_build.h - what the files of tensor/ share below tir.h: interning, rebuilding, expressions.
 *
 * Layout: the order of Tir.axes is part of a value's identity. Builders choose it so:
 *   MAP                that of the first operand that has all axes of the result, else canonical
 *   SUM MAXIMUM ...    that of the operand, removed axes left out; CUMSUM, CHOLESKY, SLICE, PAD,
 *                      RENAME: each axis stays in its place (the first place, for a diagonal)
 *   TRISOLVE           that of b if it has all axes, else canonical
 *   INPUT              as passed;  RANDOM, EXPAND, CONTRACT, GATHER, SCATTER, FLATTEN, SPLIT:
 *                      canonical
 * Canonical: row, plates, samples, event axes, by id within a kind. tir_relayout asks for another.
 */
#ifndef DGMC_TIR_BUILD_H
#define DGMC_TIR_BUILD_H

#include "tir.h"

/* A small set of axes, in order. Room for the union of three operands. */
typedef struct AxisSet {
    int n;
    Axis *axis[3 * LIMIT_RANK + 1];
} AxisSet;

bool    axes_has(const AxisSet *s, const Axis *a);
void    axes_add(AxisSet *s, Axis *a);                 /* ignored if present */
AxisSet axes_of(const Tir *v);
void    axes_sort(AxisSet *s);                         /* canonical order */
AxisSet axes_minus(const Tir *v, const Tir *w);        /* axes of v that w lacks */
bool    axes_subset(const Tir *v, const Tir *w);       /* every axis of v is one of w */
bool    axis_runtime(const Axis *a);                   /* size known only at run time: B or S */
double  axes_cost(const Tir *v);                       /* elements, B taken as 128 and S as 8 */

/* ---- tir.c ------------------------------------------------------------------------------- */
TirFn *tir_fn_like(Ctx *c, const TirFn *f);            /* an empty fn with f's name and axes */
Tir   *tir_intern(TirFn *f, const Tir *proto);         /* the one value equal to proto */
/* The same op over other operands, which may lack axes of v (then so may the result). */
Tir   *tir_rebuild(TirFn *f, const Tir *v, Tir *const *in);
/* All values that the outputs of `from` need, rebuilt in `to`: by the id they have in `from`. */
Tir  **tir_copies(TirFn *to, const TirFn *from);
/* The same numbers in memory in another order of axes; n axes, exactly those of v. */
Tir   *tir_relayout(TirFn *f, Tir *v, Axis *const *axes, int n);
Tir   *tir_expand_like(TirFn *f, Tir *v, const Tir *like);   /* axes and layout of `like` */
Axis  *tir_axis_like(TirFn *f, const Axis *a);         /* a fresh axis of the same kind and size */

/* ---- ops_shape.c ------------------------------------------------------------------------- */
/* Shape rule: the axes of v in default layout, from its operands and attributes. */
AxisSet tir_shape(const Tir *v);

/* ---- ops_adjoint.c ----------------------------------------------------------------------- */
/* Sums g over the axes it has, or is constant along, beyond those of `to`. `y` is the value that g
 * is an adjoint of: axes of y that neither g nor `to` has count with their size. */
Tir *tir_sum_to(TirFn *f, Tir *g, const Tir *y, const Tir *to);
/* Contribution of value y with adjoint g to the adjoint of its operand k; NULL: zero. The result
 * may lack axes of the operand (constant along them). y->op must not be NONE in operand k. */
Tir *tir_adjoint(TirFn *f, Tir *y, int k, Tir *g);

/* ---- choices.c --------------------------------------------------------------------------- */
/* The sum of two contributions: choices between 0 and something stay apart by their condition. */
Tir *tir_adjoint_add(TirFn *f, Tir *a, Tir *b);
/* What a rule that is linear in g makes of it, with the choices of g outermost. */
typedef Tir *LinearRule(TirFn *f, Tir *y, const char *rule, Tir *g);
Tir *tir_by_choice(TirFn *f, Tir *g, LinearRule *linear, Tir *y, const char *rule);

/* ---- scan.c, scan_adjoint.c -------------------------------------------------------------- */
bool tir_is_step(const TirFn *f);                      /* of a SCAN */
Tir *tir_scan_input(const TirFn *step, int k);         /* NULL: the step does not read it */
Tir *tir_scan_adjoint(TirFn *f, Tir *y, int k, Tir *g);

/* ---- expr.c ------------------------------------------------------------------------------ */
typedef struct Expr Expr;
struct Expr {
    enum { EXPR_NUM, EXPR_NAME, EXPR_CALL } kind;
    double num;                        /* EXPR_NUM */
    char name[16];                     /* EXPR_NAME */
    Op op;                             /* EXPR_CALL: a MAP op */
    Expr *arg[3];
};
Expr *expr_parse(Ctx *c, const char *text);            /* ice() on a syntax error: text is ours */
int   op_by_name(const char *name, size_t n);          /* -1 if there is none */

#endif
