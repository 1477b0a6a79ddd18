/* gemm.c - products of matrices and vectors: the seam between emitted code and BLAS.
 *
 * Idea: every product of a program goes through one of these calls, on one thread; emitted code
 * parallelises over fixed chunks around them. Products with a small dimension go to register tiles
 * of our own (thin.c), very small ones, where the call would cost more than the work, are plain
 * loops, the others are BLAS.
 *
 * Which path runs depends on the sizes alone, so equal calls give equal bits. Different splits of
 * the rows of one product need not (BLAS has other code for the last rows): use dgm_chunk.
 *
 * beta = 0 never reads the result's old contents, NaN included. Twins: ref.c.
 */
#include "dgm.h"

#include <cblas.h>
#include <limits.h>

#include "thin.h"

#ifdef DGM_F64
#define CBLAS(name) cblas_d##name
#else
#define CBLAS(name) cblas_s##name
#endif

enum {
    SMALL_PRODUCT = 128, SMALL_MATRIX = 64, SMALL_VECTOR = 16,
    THIN = 16,                         /* the small dimension at most, */
    THIN_TRANSPOSED = 32,              /* where BLAS would pack a transposed operand; */
    THIN_COLUMNS = 8                   /* columns at least: with fewer no vector is full */
};

/* BLAS counts in int. */
static int blas_int(long n)
{
    if (n > INT_MAX || n < INT_MIN)
        dgm_fail(DGM_EXIT_FAILED, "use a smaller batch", "an array axis of %ld is beyond what BLAS "
                 "can count", n);
    return (int)n;
}

static void clear(long m, long n, Real *C, long ldc)
{
    for (long i = 0; i < m; i++)
        for (long j = 0; j < n; j++)
            C[i * ldc + j] = 0;
}

/* Row i of C gathers multiples of rows of B: the inner loop is contiguous unless tb. */
static void small_gemm(bool ta, bool tb, long m, long n, long k, const Real *A, long lda,
                       const Real *B, long ldb, Real *C, long ldc)
{
    for (long i = 0; i < m; i++) {
        Real *row = C + i * ldc;
        for (long p = 0; p < k; p++) {
            Real a = ta ? A[p * lda + i] : A[i * lda + p];
            if (tb)
                for (long j = 0; j < n; j++)
                    row[j] += a * B[j * ldb + p];
            else
                for (long j = 0; j < n; j++)
                    row[j] += a * B[p * ldb + j];
        }
    }
}

/* Measured against OpenBLAS 0.3.21: 1.1 to 2.5 times as fast below these bounds, from equal to a
 * third slower above. Without AVX-512 BLAS transposes better than we do. */
static bool is_thin(bool transposed, long m, long n, long k)
{
    if (n < THIN_COLUMNS)
        return false;
#ifdef __AVX512F__
    if (transposed)
        return m <= THIN_TRANSPOSED || n <= THIN_TRANSPOSED || k <= THIN_TRANSPOSED;
    return m <= THIN || k <= THIN;
#else
    return !transposed && m > 1 && m <= THIN && k > 1;
#endif
}

void dgm_gemm(bool ta, bool tb, long m, long n, long k, const Real *A, long lda, const Real *B,
              long ldb, Real beta, Real *C, long ldc)
{
    if (m <= 0 || n <= 0)
        return;
    bool small = m * n <= SMALL_PRODUCT && m * n * k <= SMALL_PRODUCT;
    if (beta == 0 && (small || k <= 0))
        clear(m, n, C, ldc);
    if (k <= 0)
        return;
    if (small) {
        small_gemm(ta, tb, m, n, k, A, lda, B, ldb, C, ldc);
        return;
    }
    if (is_thin(ta || tb, m, n, k)) {
        thin_gemm(ta, tb, m, n, k, A, lda, B, ldb, beta, C, ldc);
        return;
    }
    CBLAS(gemm)(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans,
                blas_int(m), blas_int(n), blas_int(k), 1, A, blas_int(lda), B, blas_int(ldb), beta,
                C, blas_int(ldc));
}

/* Four sums side by side: a fixed order that does not wait for each addition. */
static Real small_dot(long n, const Real *x, long incx, const Real *y, long incy)
{
    Real s[4] = { 0, 0, 0, 0 };
    long i = 0;
    for (; i + 4 <= n; i += 4)
        for (long j = 0; j < 4; j++)
            s[j] += x[(i + j) * incx] * y[(i + j) * incy];
    for (; i < n; i++)
        s[0] += x[i * incx] * y[i * incy];
    return (s[0] + s[1]) + (s[2] + s[3]);
}

Real dgm_dot(long n, const Real *x, long incx, const Real *y, long incy)
{
    if (n <= SMALL_VECTOR)
        return small_dot(n, x, incx, y, incy);
    return CBLAS(dot)(blas_int(n), x, blas_int(incx), y, blas_int(incy));
}

void dgm_gemv(bool ta, long m, long n, const Real *A, long lda, const Real *x, long incx, Real beta,
              Real *y, long incy)
{
    if (m <= 0)
        return;
    if (beta == 0)
        for (long i = 0; i < m; i++)
            y[i * incy] = 0;
    if (n <= 0)
        return;
    if (m * n > SMALL_MATRIX) {
        CBLAS(gemv)(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, blas_int(ta ? n : m),
                    blas_int(ta ? m : n), 1, A, blas_int(lda), x, blas_int(incx), 1, y,
                    blas_int(incy));
        return;
    }
    if (!ta) {
        for (long i = 0; i < m; i++)
            y[i * incy] += small_dot(n, A + i * lda, 1, x, incx);
        return;
    }
    for (long p = 0; p < n; p++)
        for (long i = 0; i < m; i++)
            y[i * incy] += A[p * lda + i] * x[p * incx];
}

void dgm_ger(long m, long n, const Real *x, long incx, const Real *y, long incy, Real beta, Real *A,
             long lda)
{
    for (long i = 0; i < m; i++) {
        Real *row = A + i * lda, a = x[i * incx];
        if (beta == 0)
            for (long j = 0; j < n; j++)
                row[j] = a * y[j * incy];
        else
            for (long j = 0; j < n; j++)
                row[j] = beta * row[j] + a * y[j * incy];
    }
}
