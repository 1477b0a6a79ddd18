/* linalg.c - Cholesky factors, inverses and triangular solves of batches of row-major matrices.
 *
 * Idea: matrices up to 32 x 32 (covariances of a few latents, many of them) are factored by plain
 * loops; larger ones by LAPACK's potrf, which OpenBLAS carries. A row-major lower triangle is a
 * column-major upper one, so `U` there is L here without a transposition. Twins: ref.c.
 */
#include "dgm.h"

#include <cblas.h>
#include <limits.h>
#include <string.h>

#ifdef DGM_F64
#define CBLAS(name) cblas_d##name
#define POTRF dpotrf_
#else
#define CBLAS(name) cblas_s##name
#define POTRF spotrf_
#endif

enum { SMALL_ORDER = 32, INVERSE_ORDER = 4096 };

/* Fortran: column-major, by reference, and the length of the character argument last. */
void POTRF(const char *uplo, const int *n, Real *a, const int *lda, int *info, size_t uplo_length);

/* Lower triangle of L in place, row by row; false if a pivot is not positive. */
static bool small_cholesky(long n, Real *L)
{
    for (long i = 0; i < n; i++)
        for (long j = 0; j <= i; j++) {
            Real s = L[i * n + j];
            for (long k = 0; k < j; k++)
                s -= L[i * n + k] * L[j * n + k];
            if (j < i)
                L[i * n + j] = s / L[j * n + j];
            else if (s > 0 && isfinite(s))
                L[i * n + i] = dgm_sqrt(s);
            else
                return false;
        }
    return true;
}

static bool large_cholesky(long n, Real *L)
{
    int order = (int)n, info = 0;
    POTRF("U", &order, L, &order, &info, 1);
    for (long i = 0; i < n; i++)       /* a NaN passes potrf's own test of the pivot */
        if (!(L[i * n + i] > 0) || !isfinite(L[i * n + i]))
            return false;
    return info == 0;
}

void dgm_cholesky(long batch, long n, const Real *A, Real *L)
{
    if (n > INT_MAX)
        dgm_fail(DGM_EXIT_FAILED, NULL, "a matrix of order %ld is beyond what LAPACK can count", n);
    for (long b = 0; b < batch; b++, A += n * n, L += n * n) {
        for (long i = 0; i < n; i++) {
            memmove(L + i * n, A + i * n, (size_t)(i + 1) * sizeof(Real));
            for (long j = i + 1; j < n; j++)
                L[i * n + j] = 0;
        }
        bool good = n <= SMALL_ORDER ? small_cholesky(n, L) : large_cholesky(n, L);
        for (long i = 0; !good && i < n * n; i++)
            L[i] = (Real)NAN;
    }
}

/* Row k of Y is divided by its pivot and taken from all others, in place: column k of the identity
 * beside Y stands where column k of Y has become that of the identity. */
static void eliminate(long n, long k, Real *Y)
{
    Real *row = Y + k * n, inverse = 1 / row[k];
    row[k] = 1;
    for (long j = 0; j < n; j++)
        row[j] *= inverse;
    for (long i = 0; i < n; i++) {
        Real *other = Y + i * n, a = other[k];
        if (i == k)
            continue;
        other[k] = 0;
        #pragma omp simd
        for (long j = 0; j < n; j++)
            other[j] -= a * row[j];
    }
}

static void swap_numbers(long n, Real *a, Real *b, long step)
{
    for (long i = 0; i < n; i++) {
        Real t = a[i * step];
        a[i * step] = b[i * step];
        b[i * step] = t;
    }
}

/* Gauss-Jordan elimination in place, the pivot the largest of its column (Golub, Van Loan, Matrix
 * Computations, 3.4); false if there is none. Rows exchanged in A are columns of its inverse. */
static bool invert(long n, Real *Y)
{
    long pivot[INVERSE_ORDER];
    for (long k = 0; k < n; k++) {
        long best = k;
        for (long i = k + 1; i < n; i++)
            if (dgm_abs(Y[i * n + k]) > dgm_abs(Y[best * n + k]))
                best = i;
        Real size = dgm_abs(Y[best * n + k]);
        if (!(size > 0) || !isfinite(size))
            return false;
        pivot[k] = best;
        if (best != k)
            swap_numbers(n, Y + k * n, Y + best * n, 1);
        eliminate(n, k, Y);
    }
    for (long k = n - 1; k >= 0; k--)
        if (pivot[k] != k)
            swap_numbers(n, Y + k, Y + pivot[k], n);
    return true;
}

void dgm_inverse(long batch, long n, const Real *A, Real *Y)
{
    if (n > INVERSE_ORDER)
        dgm_fail(DGM_EXIT_FAILED, NULL, "a matrix of order %ld cannot be inverted: the limit is %d",
                 n, INVERSE_ORDER);
    for (long b = 0; b < batch; b++, A += n * n, Y += n * n) {
        memmove(Y, A, (size_t)(n * n) * sizeof(Real));
        bool good = invert(n, Y);
        for (long i = 0; !good && i < n * n; i++)
            Y[i] = (Real)NAN;
    }
}

/* Rows of X are finished one after another: from the first for L, from the last for L'. */
static void small_trisolve(bool trans, long n, long m, const Real *L, Real *X)
{
    for (long step = 0; step < n; step++) {
        long i = trans ? n - 1 - step : step;
        for (long done = 0; done < step; done++) {
            long k = trans ? n - 1 - done : done;
            Real a = trans ? L[k * n + i] : L[i * n + k];
            for (long j = 0; j < m; j++)
                X[i * m + j] -= a * X[k * m + j];
        }
        Real pivot = L[i * n + i];
        for (long j = 0; j < m; j++)
            X[i * m + j] /= pivot;
    }
}

void dgm_trisolve(long batch, bool trans, long n, long m, const Real *L, const Real *B, Real *X)
{
    if (n <= 0 || m <= 0)
        return;
    if (n > INT_MAX || m > INT_MAX)
        dgm_fail(DGM_EXIT_FAILED, NULL, "a matrix axis of %ld is beyond what BLAS can count",
                 n > m ? n : m);
    for (long b = 0; b < batch; b++, L += n * n, B += n * m, X += n * m) {
        if (X != B)
            memcpy(X, B, (size_t)(n * m) * sizeof(Real));
        if (n <= SMALL_ORDER)
            small_trisolve(trans, n, m, L, X);
        else
            CBLAS(trsm)(CblasRowMajor, CblasLeft, CblasLower, trans ? CblasTrans : CblasNoTrans,
                        CblasNonUnit, (int)n, (int)m, 1, L, (int)n, X, (int)m);
    }
}
