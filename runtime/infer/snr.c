/* snr.c - whether the gradient of the bound, at a law that was fitted, is more than noise.
 *
 * Idea: a draw u = mean_k + factor_k e of part k has the gradient g of log p + log r_k (part.c) by
 * the mean along its path; its mean over draws is that of the bound by the mean, over w_k. Steps of
 * the mean are measured in the scales of the part, g by the norm |g|^2 = g' C_k g, which no linear
 * change of coordinates alters: of a density that is the part itself, every |g|^2 is a chi-squared
 * number with n degrees of freedom.
 */
#include "infer/infer.h"

#include <math.h>
#include <stdlib.h>

/* g' C g for each of M rows. */
static double mean_square(const Gaussian *q, long M, const double *G)
{
    long n = q->n, r = q->rank;
    double *Y = dgm_alloc((size_t)(M * r + 1) * sizeof *Y), sum = 0;

    dense_product(false, false, M, r, n, G, q->factor, 0, Y);
    for (long i = 0; i < M; i++) {
        sum += dense_square(r, Y + i * r) / (double)M;
        for (long j = 0; j < n; j++)
            sum += pow(q->sd[j] * G[i * n + j], 2) / (double)M;
    }
    free(Y);
    return sum;
}

static double of_part(Target *t, const Gaussian *q, uint64_t seed, uint64_t stream, long M)
{
    long n = q->n, noise = gaussian_noise(q);
    size_t size = (size_t)(M * (noise + 2 * n + 1) + n + 1);
    double *E = dgm_alloc(size * sizeof *E), *U = E + M * noise, *G = U + M * n;
    double *mean = G + M * n, *value = mean + n;

    noise_normal(seed, stream, M, noise, E);
    gaussian_draw(q, M, E, U);
    target_rows(t, M, U, value, G);
    for (long i = 0; i < M * n; i++)
        mean[i % n] += G[i] / (double)M;
    double signal = mean_square(q, 1, mean), all = mean_square(q, M, G);
    free(E);
    return sqrt(signal / ((all - signal) * (double)M / (double)(M - 1)));
}

double gradient_snr(Target *t, const Mixture *q, uint64_t seed, uint64_t stream, long M)
{
    double largest = 0;

    t->stage = "checking the gradient";
    if (q->parts == 1)
        return of_part(t, &q->part[0], seed, stream, M);
    for (long k = 0; k < q->parts; k++) {
        Target own = part_target(t, q, k);
        double snr = of_part(&own, &q->part[k], seed, stream + (uint64_t)k * STREAMS_OF_PART, M);

        largest = snr > largest || isnan(snr) ? snr : largest;
        part_target_free(&own, t);
    }
    return largest;
}
