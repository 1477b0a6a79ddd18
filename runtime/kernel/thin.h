/* thin.h - register tiles for products with a small dimension; gemm.c chooses between them and
 * BLAS. */
#ifndef DGM_KERNEL_THIN_H
#define DGM_KERNEL_THIN_H

#include "dgm.h"

/* dgm_gemm for any shape with k > 0: fast where m, or k, is small. */
void thin_gemm(bool ta, bool tb, long m, long n, long k, const Real *A, long lda, const Real *B,
               long ldb, Real beta, Real *C, long ldc);

#endif
