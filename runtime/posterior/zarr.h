/* zarr.h - arrays in groups as a zarr store (version 2), which appears complete or not at all. */
#ifndef DGM_TRAIN_ZARR_H
#define DGM_TRAIN_ZARR_H

#include "query/query.h"

typedef struct Zarr Zarr;

Zarr *zarr_open(const char *path);     /* what was there stays until zarr_close */
/* Array q.name with dimensions chain (1), draw (M) and NAME_dim_0 ..; a quantity that is called as
 * one of those gets a `_` behind its name. */
void zarr_draws(Zarr *z, const char *group, const Quantity *q, long M);
/* The same without chains and draws. */
void zarr_values(Zarr *z, const char *group, const char *name, Shape shape, DgmElem elem,
                 const double *x);
void zarr_close(Zarr *z);              /* frees z; exit 4 if a file could not be written */

#endif
