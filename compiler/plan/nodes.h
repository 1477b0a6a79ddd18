/* nodes.h - what the files that make nodes share. */
#ifndef DGMC_NODES_H
#define DGMC_NODES_H

#include "plan.h"
#include "../tensor/tir_build.h"

/* ---- nodes_axes.c ---------------------------------------------------------------------------- */
void    plan_unify_axes(Plan *p, Tir *const *order);
Axis   *plan_axis(const Plan *p, Axis *a);             /* what it became */
AxisSet plan_axes(const Plan *p, Axis *const *axes, int n);
AxisSet axes_without(const AxisSet *s, const AxisSet *less);
/* In the order of layouts and loops: rows first, or draws and then rows. */
AxisSet rows_first(const Plan *p, const AxisSet *s);
bool    plan_draws_outside(const Plan *p, Tir *const *order);  /* once axes are unified */

/* ---- nodes_make.c ---------------------------------------------------------------------------- */
Node *node_map(Plan *p, Op op, const Use *in, int n_in, Axis *const *axes, int n, const Tir *v);
void  node_add_in(Node *n, Use u);

/* ---- nodes_calls.c --------------------------------------------------------------------------- */
Node *node_matrix(Plan *p, const Tir *v, Use a);       /* CHOLESKY, INVERSE */
Node *node_trisolve(Plan *p, const Tir *v, Use L, Use b);
Node *node_scan(Plan *p, const Tir *v, const Use *in);
Node *node_draw(Plan *p, const Tir *v, const Use *in); /* RANDOM ops */
Node *node_sequential(Plan *p, const Tir *v, const Use *in);   /* CUMSUM, SCATTER */

#endif
