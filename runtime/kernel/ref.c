/* ref.c - what the kernels compute, as their definition: one element at a time, in double. */
#include "ref.h"

static double operand(bool transposed, const Real *A, long lda, long i, long j)
{
    return (double)(transposed ? A[j * lda + i] : A[i * lda + j]);
}

/* beta 0 means: do not look at the old value. */
static double kept(Real beta, Real old) { return beta == 0 ? 0 : (double)beta * (double)old; }

void dgm_ref_gemm(bool ta, bool tb, long m, long n, long k, const Real *A, long lda, const Real *B,
                  long ldb, Real beta, Real *C, long ldc)
{
    for (long i = 0; i < m; i++)
        for (long j = 0; j < n; j++) {
            double s = kept(beta, C[i * ldc + j]);
            for (long p = 0; p < k; p++)
                s += operand(ta, A, lda, i, p) * operand(tb, B, ldb, p, j);
            C[i * ldc + j] = (Real)s;
        }
}

void dgm_ref_gemv(bool ta, long m, long n, const Real *A, long lda, const Real *x, long incx,
                  Real beta, Real *y, long incy)
{
    for (long i = 0; i < m; i++) {
        double s = kept(beta, y[i * incy]);
        for (long j = 0; j < n; j++)
            s += operand(ta, A, lda, i, j) * (double)x[j * incx];
        y[i * incy] = (Real)s;
    }
}

Real dgm_ref_dot(long n, const Real *x, long incx, const Real *y, long incy)
{
    double s = 0;
    for (long i = 0; i < n; i++)
        s += (double)x[i * incx] * (double)y[i * incy];
    return (Real)s;
}

void dgm_ref_ger(long m, long n, const Real *x, long incx, const Real *y, long incy, Real beta,
                 Real *A, long lda)
{
    for (long i = 0; i < m; i++)
        for (long j = 0; j < n; j++)
            A[i * lda + j] = (Real)(kept(beta, A[i * lda + j]) +
                                    (double)x[i * incx] * (double)y[j * incy]);
}

void dgm_ref_cholesky(long batch, long n, const Real *A, Real *L)
{
    for (long b = 0; b < batch; b++, A += n * n, L += n * n) {
        bool good = true;
        for (long i = 0; i < n * n; i++)
            L[i] = 0;
        for (long j = 0; j < n && good; j++)
            for (long i = j; i < n && good; i++) {
                double s = (double)A[i * n + j];
                for (long k = 0; k < j; k++)
                    s -= (double)L[i * n + k] * (double)L[j * n + k];
                good = i > j || (s > 0 && isfinite(s));
                L[i * n + j] = (Real)(i > j ? s / (double)L[j * n + j] : sqrt(s));
            }
        for (long i = 0; i < n * n && !good; i++)
            L[i] = (Real)NAN;
    }
}

void dgm_ref_trisolve(long batch, bool trans, long n, long m, const Real *L, const Real *B, Real *X)
{
    for (long b = 0; b < batch; b++, L += n * n, B += n * m, X += n * m)
        for (long c = 0; c < m; c++)
            for (long step = 0; step < n; step++) {
                long i = trans ? n - 1 - step : step;
                double s = (double)B[i * m + c];
                for (long k = trans ? i + 1 : 0; k < (trans ? n : i); k++)
                    s -= operand(trans, L, n, i, k) * (double)X[k * m + c];
                X[i * m + c] = (Real)(s / (double)L[i * n + i]);
            }
}
