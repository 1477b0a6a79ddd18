/* dense.c - factors and products of small double matrices, whatever Real is. */
#include "infer/infer.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

bool dense_cholesky(long n, double *A)
{
    for (long i = 0; i < n; i++)
        for (long j = 0; j < n; j++) {
            double *a = &A[i * n + j];

            if (j > i) {
                *a = 0;
                continue;
            }
            *a -= cblas_ddot((int)j, A + i * n, 1, A + j * n, 1);
            if (j < i)
                *a /= A[j * n + j];
            else if (*a > 0 && isfinite(*a))
                *a = sqrt(*a);
            else
                return false;
        }
    return true;
}

void dense_solve_lower(long n, const double *L, double *x)
{
    cblas_dtrsv(CblasRowMajor, CblasLower, CblasNoTrans, CblasNonUnit, (int)n, L, (int)n, x, 1);
}

void dense_solve_upper(long n, const double *L, double *x)
{
    cblas_dtrsv(CblasRowMajor, CblasLower, CblasTrans, CblasNonUnit, (int)n, L, (int)n, x, 1);
}

void dense_lower_inverse(long n, const double *L, double *inverse)
{
    memset(inverse, 0, (size_t)(n * n) * sizeof *inverse);
    for (long i = 0; i < n; i++)
        inverse[i * n + i] = 1;
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
