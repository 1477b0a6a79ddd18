/* fit.c - the whole way: a start, the bound climbed with draws enough, weighted draws.
 *
 * The number of fixed draws grows until what they leave open is small: until the standard error of
 * every mean, in posterior standard deviations, is below MEAN_ERROR.
 */
#include "infer/infer.h"

#include <math.h>
#include <stdlib.h>

enum { FEWEST_DRAWS = 64, MOST_DRAWS = 4096, ROUNDS = 6 };
static const double MEAN_ERROR = 0.02;

static long even(long M)
{
    return M + M % 2;
}

static void climb(Target *t, Fit *f)
{
    long noise = gaussian_noise(&f->q), M = even(2 * (noise + 8));

    M = M < FEWEST_DRAWS ? FEWEST_DRAWS : M;
    for (uint64_t round = 1; round <= ROUNDS; round++) {
        f->bound = elbo_fit(t, &f->q, f->rules.seed, round, M);
        if (f->bound.error <= MEAN_ERROR || M >= MOST_DRAWS)
            break;
        double wanted = (double)M * pow(f->bound.error / MEAN_ERROR, 2);

        M = even(wanted < MOST_DRAWS ? (long)(1.2 * wanted) : MOST_DRAWS);
    }
}

/* log of the mean of exp(x), and its standard error by the delta method. */
static double log_mean(long M, const double *x, double *error)
{
    double top = -INFINITY, sum = 0, square = 0;

    for (long i = 0; i < M; i++)
        top = x[i] > top ? x[i] : top;
    for (long i = 0; i < M; i++) {
        double w = isfinite(x[i]) ? exp(x[i] - top) : 0;

        sum += w / (double)M;
        square += w * w / (double)M;
    }
    *error = sqrt((square / (sum * sum) - 1) / (double)M);
    return top + log(sum);
}

/* Fresh draws of q with their weights; the bound of those that the density allows. */
static void weigh(Target *t, Fit *f)
{
    long M = f->draws = f->rules.draws, n = t->n, noise = gaussian_noise(&f->q), kept = 0;
    double *E = dgm_alloc((size_t)(M * noise + 1) * sizeof *E), sum = 0, square = 0;
    double *log_q = dgm_alloc((size_t)M * sizeof *log_q);

    f->U = dgm_alloc((size_t)(M * n + 1) * sizeof *f->U);
    f->weight = dgm_alloc((size_t)M * sizeof *f->weight);
    noise_normal(f->rules.seed, 0, M, noise, E);
    gaussian_draw(&f->q, M, E, f->U);
    gaussian_log_density(&f->q, M, f->U, log_q);
    target_rows(t, M, f->U, f->weight, NULL);
    for (long i = 0; i < M; i++) {
        double w = f->weight[i] -= log_q[i];

        if (!isfinite(w)) {
            f->weight[i] = -INFINITY;
            f->lost++;
            continue;
        }
        kept++;
        sum += w;
        square += w * w;
    }
    f->elbo = f->lost == 0 ? sum / (double)M : -INFINITY;
    f->elbo_se = sqrt(fmax(0, square / (double)kept - pow(sum / (double)kept, 2)) / (double)kept);
    f->evidence = log_mean(M, f->weight, &f->evidence_se);
    f->psis = psis_smooth(M, f->weight);
    free(log_q);
    free(E);
}

Fit fit_posterior(Target *t, FitRules rules)
{
    Fit f = {.rules = rules, .start = start_find(t, rules.seed)};

    if (!f.start.found)
        return f;
    f.q = gaussian_from(&f.start, rules.kind, rules.rank);
    climb(t, &f);
    weigh(t, &f);
    return f;
}

void fit_free(Fit *f)
{
    if (f->start.found) {
        gaussian_free(&f->q);
        free(f->U);
        free(f->weight);
    }
    start_free(&f->start);
}
