/* noise.c - standard normal numbers of the fits, plain or in pairs. */
#include "infer/infer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void noise_normal(uint64_t seed, uint64_t stream, long M, long n, double *E)
{
    enum { BLOCK = 1024 };
    DgmCtx c = {.seed = seed, .step = stream, .purpose = DGM_STREAM_POSTERIOR};
    Real block[BLOCK];

    for (long first = 0; first < M * n; first += BLOCK) {
        long count = M * n - first < BLOCK ? M * n - first : BLOCK;

        dgm_fill_normal(&c, 0, block, first, count);
        for (long i = 0; i < count; i++)
            E[first + i] = (double)block[i];
    }
}

/* E <- E L'^-1 with L L' = E'E / H: the second moments of the H rows are the identity. */
static void whiten(long H, long n, double *E)
{
    double *S = dgm_alloc((size_t)(n * n) * sizeof *S);

    dense_product(true, false, n, n, H, E, E, 0, S);
    for (long i = 0; i < n * n; i++)
        S[i] /= (double)H;
    if (dense_cholesky(n, S))
        for (long i = 0; i < H; i++)
            dense_solve_lower(n, S, E + i * n);
    free(S);
}

void noise_balanced(uint64_t seed, uint64_t stream, long M, long n, double *E)
{
    long H = M / 2;

    noise_normal(seed, stream, H, n, E);
    if (H > n)
        whiten(H, n, E);
    for (long i = 0; i < H * n; i++)
        E[H * n + i] = -E[i];
}
