/* ref.h - the plain twins of the kernels in dgm.h: same contract, no speed. For tests. */
#ifndef DGM_KERNEL_REF_H
#define DGM_KERNEL_REF_H

#include "dgm.h"

void dgm_ref_gemm(bool ta, bool tb, long m, long n, long k, const Real *A, long lda, const Real *B,
                  long ldb, Real beta, Real *C, long ldc);
void dgm_ref_gemv(bool ta, long m, long n, const Real *A, long lda, const Real *x, long incx,
                  Real beta, Real *y, long incy);
Real dgm_ref_dot(long n, const Real *x, long incx, const Real *y, long incy);
void dgm_ref_ger(long m, long n, const Real *x, long incx, const Real *y, long incy, Real beta,
                 Real *A, long lda);
void dgm_ref_cholesky(long batch, long n, const Real *A, Real *L);
void dgm_ref_trisolve(long batch, bool trans, long n, long m, const Real *L, const Real *B,
                      Real *X);

#endif
