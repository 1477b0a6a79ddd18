/* vectors.h - data on supports of vectors and matrices. */
#ifndef DGM_DATA_VECTORS_H
#define DGM_DATA_VECTORS_H

#include "data/array.h"
#include "dgm.h"

/* What is wrong with vector (or matrix) *number of the array, in words; NULL: all lie in the
 * support that the data declare, or it is one of single numbers. */
const char *vector_fault(const DgmData *d, const DgmArray *a, long *number);

#endif
