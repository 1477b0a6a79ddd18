/* rescale.c - scales of draws that have become much wider than the law that they are moved in.
 *
 * Idea: steps are sized by the factor L of a law q. Where q is too narrow in some direction, draws
 * of the density creep along it. In the coordinates of q, x = L^-1 u, they are then far wider than
 * 1, and their own covariance is the better scale.
 */
#include "infer/infer.h"

#include <stdlib.h>

static const double WIDE = 4;          /* of a variance that is 1 under q */
enum { ROWS_FOR_EACH = 20 };           /* draws for each number, to have a covariance */

/* Rows of U [M][n], in place, less their mean. */
static void centre(long M, long n, double *U)
{
    for (long j = 0; j < n; j++) {
        double mean = 0;

        for (long i = 0; i < M; i++)
            mean += U[i * n + j] / (double)M;
        for (long i = 0; i < M; i++)
            U[i * n + j] -= mean;
    }
}

double *rescale(long M, long n, double *U, const double *L)
{
    if (M < ROWS_FOR_EACH * n)
        return NULL;
    size_t size = (size_t)(n * n) * sizeof(double);
    double *S = dgm_alloc(size), *wider = NULL, most = 0;

    centre(M, n, U);
    dense_solve_rows(M, n, L, U);
    dense_slope(M, n, n, U, U, n, S);
    for (long j = 0; j < n; j++)
        most = S[j * n + j] > most ? S[j * n + j] : most;
    if (most > WIDE && dense_cholesky(n, S)) {
        wider = dgm_alloc(size);
        dense_product(false, false, n, n, n, L, S, 0, wider);
    }
    free(S);
    return wider;
}
