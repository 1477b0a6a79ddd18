/* dense.c - factors and products of small double matrices, whatever Real is. */
#include "infer/infer.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

/* Fortran: column-major, so its upper triangle is the lower one here. */
void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info, size_t length);

bool dense_cholesky(long n, double *A)
{
    int order = (int)n, info = 0;

    if (n == 0)
        return true;
    dpotrf_("U", &order, A, &order, &info, 1);
    for (long i = 0; i < n; i++) {     /* a NaN passes potrf's own test of the pivot */
        if (info != 0 || !(A[i * n + i] > 0) || !isfinite(A[i * n + i]))
            return false;
        for (long j = i + 1; j < n; j++)
            A[i * n + j] = 0;
    }
    return true;
}

double dense_dot(long n, const double *x, const double *y)
{
    double sum = 0;

    for (long i = 0; i < n; i++)
        sum += x[i] * y[i];
    return sum;
}

double dense_square(long n, const double *x)
{
    return dense_dot(n, x, x);
}

void dense_solve_lower(long n, const double *L, double *x)
{
    if (n == 0)
        return;
    cblas_dtrsv(CblasRowMajor, CblasLower, CblasNoTrans, CblasNonUnit, (int)n, L, (int)n, x, 1);
}

void dense_solve_rows(long M, long n, const double *L, double *X)
{
    if (n == 0)
        return;
    cblas_dtrsm(CblasRowMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit, (int)M, (int)n,
                1, L, (int)n, X, (int)n);
}

void dense_solve_rows_upper(long M, long n, const double *L, double *X)
{
    if (n == 0)
        return;
    cblas_dtrsm(CblasRowMajor, CblasRight, CblasLower, CblasNoTrans, CblasNonUnit, (int)M, (int)n,
                1, L, (int)n, X, (int)n);
}

void dense_times_lower(bool transposed, long M, long n, const double *L, double *X)
{
    if (M > 0 && n > 0)
        cblas_dtrmm(CblasRowMajor, CblasRight, CblasLower, transposed ? CblasTrans : CblasNoTrans,
                    CblasNonUnit, (int)M, (int)n, 1, L, (int)n, X, (int)n);
}

void dense_solve_upper(long n, const double *L, double *x)
{
    if (n == 0)
        return;
    cblas_dtrsv(CblasRowMajor, CblasLower, CblasTrans, CblasNonUnit, (int)n, L, (int)n, x, 1);
}

void dense_lower_inverse(long n, const double *L, double *inverse)
{
    memset(inverse, 0, (size_t)(n * n) * sizeof *inverse);
    for (long i = 0; i < n; i++)
        inverse[i * n + i] = 1;
    if (n == 0)
        return;
    cblas_dtrsm(CblasRowMajor, CblasLeft, CblasLower, CblasNoTrans, CblasNonUnit, (int)n, (int)n,
                1, L, (int)n, inverse, (int)n);
}

void dense_product(bool ta, bool tb, long m, long n, long k, const double *A, const double *B,
                   double beta, double *C)
{
    if (m == 0 || n == 0 || k == 0) {
        for (long i = 0; beta == 0 && i < m * n; i++)
            C[i] = 0;
        return;
    }
    cblas_dgemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans,
                (int)m, (int)n, (int)k, 1, A, (int)(ta ? m : k), B, (int)(tb ? k : n), beta, C,
                (int)n);
}

void dense_times_factor(long M, long n, long rank, const double *E, long stride, const double *F,
                        double *U)
{
    if (M > 0 && rank > 0)
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)M, (int)n, (int)rank, 1, E,
                    (int)stride, F, (int)rank, 1, U, (int)n);
}

void dense_slope(long M, long n, long rank, const double *G, const double *E, long stride,
                 double *S)
{
    if (rank > 0)
        cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)n, (int)rank, (int)M,
                    1 / (double)M, G, (int)n, E, (int)stride, 0, S, (int)rank);
}
