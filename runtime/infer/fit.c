/* fit.c - the whole way: a start, the bound climbed with draws enough, weighted draws.
 *
 * The number of fixed draws grows until what they leave open is small: until the standard error of
 * every mean, in posterior standard deviations, is below MEAN_ERROR.
 */
#include "infer/infer.h"

#include <math.h>
#include <stdlib.h>

enum { FEWEST_DRAWS = 64, MOST_DRAWS = 4096, ROUNDS = 6, HALVINGS = 20 };
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
        for (int k = 0; k < HALVINGS && !isfinite(f->bound.elbo); k++) {     /* it was too wide */
            gaussian_scale(&f->q, 0.5);
            f->bound = elbo_fit(t, &f->q, f->rules.seed, round, M);
        }
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

    *error = INFINITY;

    for (long i = 0; i < M; i++)
        top = x[i] > top ? x[i] : top;
    if (!isfinite(top))
        return top;
    for (long i = 0; i < M; i++) {
        double w = isfinite(x[i]) ? exp(x[i] - top) : 0;

        sum += w / (double)M;
        square += w * w / (double)M;
    }
    *error = sqrt((square / (sum * sum) - 1) / (double)M);
    return top + log(sum);
}

/* The log weights become weights. */
static void take_weights(Fit *f)
{
    f->evidence = log_mean(f->draws, f->weight, &f->evidence_se);
    f->psis = psis_smooth(f->draws, f->weight);
}

/* Fresh draws of q with their weights, and the bound. */
static void weigh(Target *t, Fit *f)
{
    long M = f->draws = f->rules.draws, n = t->n, noise = gaussian_noise(&f->q);
    double *E = dgm_alloc((size_t)(M * noise + 1) * sizeof *E), sum = 0, square = 0;
    double *log_q = dgm_alloc((size_t)M * sizeof *log_q);

    f->U = dgm_alloc((size_t)(M * n + 1) * sizeof *f->U);
    f->weight = dgm_alloc((size_t)M * sizeof *f->weight);
    noise_normal(f->rules.seed, 0, M, noise, E);
    gaussian_draw(&f->q, M, E, f->U);
    gaussian_log_density(&f->q, M, f->U, log_q);
    target_rows(t, M, f->U, f->weight, NULL);
    for (long i = 0; i < M; i++) {
        f->weight[i] -= log_q[i];
        f->lost += !isfinite(f->weight[i]);
        sum += f->weight[i] / (double)M;
    }
    for (long i = 0; i < M && f->lost == 0; i++)
        square += pow(f->weight[i] - sum, 2) / (double)M;
    f->elbo = sum;
    f->elbo_se = f->lost == 0 ? sqrt(square / (double)M) : INFINITY;
    take_weights(f);
    f->plain = f->psis;
    free(log_q);
    free(E);
}

/* Where those weights are too uneven: by way of laws in between, of more until it will do. */
static void refine(Target *t, Fit *f)
{
    static const struct { long levels, draws; } rounds[] = { { 6, 2000 }, { 24, 2000 },
                                                             { 96, 1000 } };

    for (size_t k = 0; k < sizeof rounds / sizeof *rounds; k++) {
        if (psis_reliable(&f->psis, f->draws) || f->lost == f->draws)
            return;
        f->draws = rounds[k].draws < f->rules.draws ? rounds[k].draws : f->rules.draws;
        f->levels = rounds[k].levels;
        anneal(t, &f->q, f->levels, f->rules.seed, 1000 * (k + 1), f->draws, f->U, f->weight);
        take_weights(f);
    }
}

Fit fit_posterior(Target *t, FitRules rules)
{
    Fit f = {.rules = rules, .start = start_find(t, rules.seed)};

    if (!f.start.found)
        return f;
    f.q = gaussian_from(&f.start, rules.kind, rules.rank);
    climb(t, &f);
    weigh(t, &f);
    refine(t, &f);
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
