/* test_kernels.c - every kernel equals its plain twin (kernel/ref.c) over random shapes, strides,
 * transpositions and beta, within the rounding of a sum of that length; results do not depend on
 * the thread count, on the order of chunks, or on what the output held before when beta is 0; those
 * of thin products not even on how their columns are split over calls.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dgm.h"
#include "kernel/ref.h"
#include "kernel/thin.h"

#ifdef DGM_F64
static const double EPS = 0x1p-52;
#else
static const double EPS = 0x1p-23;
#endif

typedef struct Draw {
    uint64_t at;                       /* how many numbers were taken */
} Draw;

static long draw_size(Draw *d, long most)
{
    return (long)(dgm_random_u64(11, DGM_STREAM_CHECK, 1, d->at++) % (uint64_t)(most + 1));
}

static bool draw_bit(Draw *d) { return draw_size(d, 1) == 1; }

static Real *draw_array(Draw *d, long n)
{
    Real *a = malloc(sizeof(Real) * (size_t)(n + 1));
    for (long i = 0; i < n; i++)
        a[i] = (Real)(2 * dgm_random_unit(11, DGM_STREAM_CHECK, 2, d->at++) - 1);
    return a;
}

static Real *copy_array(const Real *a, long n)
{
    Real *b = malloc(sizeof(Real) * (size_t)(n + 1));
    memcpy(b, a, sizeof(Real) * (size_t)n);
    return b;
}

/* Every element, also those between rows that must stay: entries are in [-1, 1], sums have k. */
static void assert_near(const Real *got, const Real *want, long n, long k, const char *what)
{
    for (long i = 0; i < n; i++)
        if (!(fabs((double)got[i] - (double)want[i]) <= 2 * (double)(k + 2) * EPS))
            fail_msg("%s: element %ld is %.9g, its twin says %.9g (sums of %ld)", what, i,
                     (double)got[i], (double)want[i], k);
}

static void gemm(void **state)
{
    (void)state;
    Draw d = { 0 };
    for (int round = 0; round < 600; round++) {
        long most = round % 3 == 0 ? 7 : round % 3 == 1 ? 40 : 130;
        bool ta = draw_bit(&d), tb = draw_bit(&d);
        long m = draw_size(&d, most), n = draw_size(&d, most), k = draw_size(&d, most);
        long lda = (ta ? m : k) + draw_size(&d, 5) + 1, ldb = (tb ? k : n) + draw_size(&d, 5) + 1;
        long ldc = n + draw_size(&d, 5) + 1;
        Real beta = draw_bit(&d);
        Real *A = draw_array(&d, lda * ((ta ? k : m) + 1));
        Real *B = draw_array(&d, ldb * ((tb ? n : k) + 1));
        Real *C = draw_array(&d, ldc * (m + 1)), *R = copy_array(C, ldc * (m + 1));
        dgm_gemm(ta, tb, m, n, k, A, lda, B, ldb, beta, C, ldc);
        dgm_ref_gemm(ta, tb, m, n, k, A, lda, B, ldb, beta, R, ldc);
        assert_near(C, R, ldc * (m + 1), k, "gemm");
        free(A), free(B), free(C), free(R);
    }
}

/* Columns cut anywhere, also within a vector. */
static void thin_columns(void **state)
{
    (void)state;
    Draw d = { 0 };
    for (int round = 0; round < 300; round++) {
        bool ta = draw_bit(&d), tb = draw_bit(&d);
        long m = 1 + draw_size(&d, 24), n = 2 + draw_size(&d, 120), k = 1 + draw_size(&d, 200);
        long lda = ta ? m : k, ldb = tb ? k : n, cut = 1 + draw_size(&d, n - 2);
        Real beta = draw_bit(&d);
        Real *A = draw_array(&d, m * k), *B = draw_array(&d, n * k);
        Real *C = draw_array(&d, m * n), *R = copy_array(C, m * n);
        thin_gemm(ta, tb, m, n, k, A, lda, B, ldb, beta, C, n);
        thin_gemm(ta, tb, m, cut, k, A, lda, B, ldb, beta, R, n);
        thin_gemm(ta, tb, m, n - cut, k, A, lda, B + (tb ? cut * ldb : cut), ldb, beta, R + cut,
                  n);
        assert_memory_equal(C, R, sizeof(Real) * (size_t)(m * n));
        free(A), free(B), free(C), free(R);
    }
}

static void gemv(void **state)
{
    (void)state;
    Draw d = { 0 };
    for (int round = 0; round < 600; round++) {
        bool ta = draw_bit(&d);
        long m = draw_size(&d, 90), n = draw_size(&d, 90), ix = 1 + draw_size(&d, 2);
        long iy = 1 + draw_size(&d, 2), lda = (ta ? m : n) + draw_size(&d, 4) + 1;
        Real beta = draw_bit(&d);
        Real *A = draw_array(&d, lda * ((ta ? n : m) + 1)), *x = draw_array(&d, n * ix + 1);
        Real *y = draw_array(&d, m * iy + 1), *r = copy_array(y, m * iy + 1);
        dgm_gemv(ta, m, n, A, lda, x, ix, beta, y, iy);
        dgm_ref_gemv(ta, m, n, A, lda, x, ix, beta, r, iy);
        assert_near(y, r, m * iy + 1, n, "gemv");
        free(A), free(x), free(y), free(r);
    }
}

static void dot_and_ger(void **state)
{
    (void)state;
    Draw d = { 0 };
    for (int round = 0; round < 400; round++) {
        long m = draw_size(&d, 60), n = draw_size(&d, 300), ix = 1 + draw_size(&d, 2);
        long iy = 1 + draw_size(&d, 2), lda = n + draw_size(&d, 4) + 1;
        Real beta = draw_bit(&d);
        Real *x = draw_array(&d, (m > n ? m : n) * ix + 1), *y = draw_array(&d, n * iy + 1);
        Real *A = draw_array(&d, lda * (m + 1)), *R = copy_array(A, lda * (m + 1));
        Real dot = dgm_dot(n, x, ix, y, iy), ref = dgm_ref_dot(n, x, ix, y, iy);
        assert_near(&dot, &ref, 1, n, "dot");
        dgm_ger(m, n, x, ix, y, iy, beta, A, lda);
        dgm_ref_ger(m, n, x, ix, y, iy, beta, R, lda);
        assert_near(A, R, lda * (m + 1), 1, "ger");
        free(x), free(y), free(A), free(R);
    }
}

/* A = G G' / n + I: well conditioned, so the factors themselves agree closely. */
static Real *draw_covariance(Draw *d, long batch, long n)
{
    Real *A = malloc(sizeof(Real) * (size_t)(batch * n * n + 1));
    for (long b = 0; b < batch; b++) {
        Real *G = draw_array(d, n * n), *one = A + b * n * n;
        dgm_ref_gemm(false, true, n, n, n, G, n, G, n, 0, one, n);
        for (long i = 0; i < n * n; i++)
            one[i] = one[i] / (Real)(n > 0 ? n : 1) + (i % (n + 1) == 0);
        free(G);
    }
    return A;
}

static void cholesky_and_solve(void **state)
{
    (void)state;
    Draw d = { 0 };
    for (int round = 0; round < 120; round++) {
        long batch = 1 + draw_size(&d, 2), n = draw_size(&d, round % 2 ? 12 : 90);
        long m = draw_size(&d, 20), nn = batch * n * n, nm = batch * n * m;
        bool trans = draw_bit(&d);
        Real *A = draw_covariance(&d, batch, n), *L = malloc(sizeof(Real) * (size_t)(nn + 1));
        Real *R = malloc(sizeof(Real) * (size_t)(nn + 1));
        dgm_cholesky(batch, n, A, L);
        dgm_ref_cholesky(batch, n, A, R);
        assert_near(L, R, nn, 4 * n, "cholesky");
        Real *B = draw_array(&d, nm), *X = copy_array(B, nm), *Y = copy_array(B, nm);
        dgm_trisolve(batch, trans, n, m, L, B, X);
        dgm_ref_trisolve(batch, trans, n, m, L, B, Y);
        assert_near(X, Y, nm, 8 * n, "trisolve");
        memcpy(Y, B, sizeof(Real) * (size_t)nm);       /* in place */
        dgm_trisolve(batch, trans, n, m, L, Y, Y);
        assert_memory_equal(X, Y, sizeof(Real) * (size_t)nm);
        free(A), free(L), free(R), free(B), free(X), free(Y);
    }
}

/* Y A = 1 for matrices whose pivots are in other rows; of a singular matrix it is NaN. */
static void inverse(void **state)
{
    (void)state;
    Draw d = { 0 };
    for (int round = 0; round < 60; round++) {
        long batch = 1 + draw_size(&d, 2), n = 1 + draw_size(&d, round % 2 ? 6 : 60), nn = n * n;
        Real *A = draw_covariance(&d, batch, n), *Y = malloc(sizeof(Real) * (size_t)(batch * nn));
        Real *P = malloc(sizeof(Real) * (size_t)nn), *I = calloc((size_t)nn, sizeof(Real));
        for (long i = 0; i < n; i++)
            I[i * n + i] = 1;
        for (long b = 0; b < batch; b++)
            for (long i = 0; i < n; i++)
                for (long j = 0; j < n; j++)
                    Y[b * nn + i * n + j] = A[b * nn + (i + n / 2) % n * n + j];
        memcpy(A, Y, sizeof(Real) * (size_t)(batch * nn));
        dgm_inverse(batch, n, A, Y);
        for (long b = 0; b < batch; b++) {
            dgm_ref_gemm(false, false, n, n, n, Y + b * nn, n, A + b * nn, n, 0, P, n);
            assert_near(P, I, nn, 64 * n, "inverse");
        }
        if (n > 1) {
            for (long j = 0; j < n; j++)
                A[j] = 0;
            dgm_inverse(1, n, A, A);
            assert_true(isnan(A[0]) && isnan(A[nn - 1]));
        }
        free(A), free(Y), free(P), free(I);
    }
}

/* Not positive definite, or NaN: that matrix is NaN throughout, its neighbours are not. */
static void cholesky_refuses(void **state)
{
    (void)state;
    Draw d = { 0 };
    const long orders[] = { 3, 50 };
    for (int k = 0; k < 4; k++) {
        long n = orders[k % 2], nn = n * n;
        Real *A = draw_covariance(&d, 2, n), *L = malloc(sizeof(Real) * (size_t)(2 * nn));
        A[nn - 1] = k < 2 ? -1 : (Real)NAN;
        dgm_cholesky(2, n, A, L);
        for (long i = 0; i < nn; i++)
            assert_true(isnan(L[i]) && !isnan(L[nn + i]));
        free(A), free(L);
    }
}

/* beta = 0 is not a multiplication: what was there, NaN included, is not read. */
static void old_contents(void **state)
{
    (void)state;
    Draw d = { 0 };
    const long sizes[] = { 3, 70 };
    for (int s = 0; s < 2; s++) {
        long n = sizes[s];
        Real *A = draw_array(&d, n * n), *B = draw_array(&d, n * n), *C = draw_array(&d, n * n);
        for (long k = 0; k <= n; k += n) {
            for (long i = 0; i < n * n; i++)
                C[i] = (Real)NAN;
            dgm_gemm(false, false, n, n, k, A, n, B, n, 0, C, n);
            for (long i = 0; i < n * n; i++)
                assert_true(k == 0 ? C[i] == 0 : isfinite(C[i]));
            for (long i = 0; i < n; i++)
                C[i] = (Real)NAN;
            dgm_gemv(s == 0, n, k, A, n, B, 1, 0, C, 1);
            for (long i = 0; i < n; i++)
                assert_true(k == 0 ? C[i] == 0 : isfinite(C[i]));
        }
        C[0] = (Real)NAN;
        dgm_ger(1, 1, A, 1, B, 1, 0, C, n);
        assert_true(isfinite(C[0]));
        free(A), free(B), free(C);
    }
}

/* Fixed chunks of rows: the same bits for any thread count and order of chunks. */
static void chunks_by_threads(void **state)
{
    (void)state;
    Draw d = { 0 };
    const long shapes[][3] = { { 100, 50, 78 }, { 257, 33, 20 }, { 500, 64, 64 }, { 66, 7, 3 } };
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        long m = shapes[s][0], n = shapes[s][1], k = shapes[s][2], chunks = dgm_chunks(m);
        Real *A = draw_array(&d, m * k), *B = draw_array(&d, k * n);
        Real *first = draw_array(&d, m * n), *C = draw_array(&d, m * n);
        for (int threads = 1; threads <= 8; threads += threads < 3 ? 1 : 5) {
            Real *out = threads == 1 ? first : C;
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
            for (long i = 0; i < chunks; i++) {
                long r0, r1;
                dgm_chunk(m, threads % 2 ? i : chunks - 1 - i, &r0, &r1);
                dgm_gemm(false, false, r1 - r0, n, k, A + r0 * k, k, B, n, 0, out + r0 * n, n);
            }
            assert_memory_equal(first, out, sizeof(Real) * (size_t)(m * n));
        }
        free(A), free(B), free(first), free(C);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gemm),
        cmocka_unit_test(thin_columns),
        cmocka_unit_test(gemv),
        cmocka_unit_test(dot_and_ger),
        cmocka_unit_test(cholesky_and_solve),
        cmocka_unit_test(inverse),
        cmocka_unit_test(cholesky_refuses),
        cmocka_unit_test(old_contents),
        cmocka_unit_test(chunks_by_threads),
    };
    dgm_blas_setup();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
