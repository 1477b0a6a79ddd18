/* fit.c - the whole way: a start, the bound climbed with draws enough, weighted draws.
 *
 * The number of fixed draws grows until what they leave open is small: until the standard error of
 * every mean, in posterior standard deviations, is below MEAN_ERROR.
 */
#include "infer/infer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FEWEST_DRAWS = 64, MOST_DRAWS = 4096, ROUNDS = 6, HALVINGS = 20 };
static const double MEAN_ERROR = 0.03, MOST_NUMBERS = 4e6;    /* of noise */

static long even(long M)
{
    return M + M % 2;
}

static void climb(Target *t, Fit *f)
{
    long noise = gaussian_noise(&f->q), M = FEWEST_DRAWS;

    t->stage = "climbing the bound";
    if (f->q.kind == FAMILY_FULLRANK && M < 2 * (noise + 8))
        M = 2 * (noise + 8);           /* fewer would leave directions that no draw sees */
    for (uint64_t round = 1; round <= ROUNDS; round++) {
        f->bound = elbo_fit_traced(t, &f->q, f->rules.seed, round, M, &f->trace);
        for (int k = 0; k < HALVINGS && !isfinite(f->bound.elbo); k++) {     /* it was too wide */
            gaussian_scale(&f->q, 0.5);
            f->bound = elbo_fit_traced(t, &f->q, f->rules.seed, round, M, &f->trace);
        }
        if (f->bound.error <= MEAN_ERROR || M >= MOST_DRAWS)
            break;
        double wanted = (double)M * pow(f->bound.error / MEAN_ERROR, 2);

        wanted = fmin(wanted, MOST_NUMBERS / (double)(noise + 1));
        if (wanted < 1.1 * (double)M)
            break;

        M = even(wanted < MOST_DRAWS ? (long)(1.2 * wanted) : MOST_DRAWS);
    }
}

/* Another mode is one of its own if it lies where q has no draws. */
static void check_rival(Fit *f)
{
    long n = f->q.n;
    double at_mean, at_rival;

    f->rival = -INFINITY;
    if (f->start.rival_mean == NULL)
        return;
    gaussian_log_density(&f->q, 1, f->q.mean, &at_mean);
    gaussian_log_density(&f->q, 1, f->start.rival_mean, &at_rival);
    if (at_mean - at_rival > ((double)n + 25) / 2)
        f->rival = f->start.rival;
}

static Sample sample_new(long M, long n)
{
    return (Sample){.M = M, .U = dgm_alloc((size_t)(M * n + 1) * sizeof(double)),
                    .weight = dgm_alloc((size_t)(M + 1) * sizeof(double)),
                    .log_weight = dgm_alloc((size_t)(M + 1) * sizeof(double))};
}

static void sample_free(Sample *s)
{
    free(s->U);
    free(s->weight);
    free(s->log_weight);
}

/* The log weights become weights. */
static void take_weights(Sample *s)
{
    memcpy(s->log_weight, s->weight, (size_t)s->M * sizeof *s->weight);
    s->evidence = log_mean(s->M, s->weight, &s->evidence_se);
    s->psis = psis_smooth(s->M, s->weight);
}

/* Fresh draws of q with their weights, and the bound. They are balanced too: means and variances of
 * the free numbers under q are exact. */
static void weigh(Target *t, Fit *f)
{
    long M = f->rules.draws, n = t->n, noise = gaussian_noise(&f->q);
    Sample s = sample_new(M, n);
    t->stage = "weighing draws";
    double *E = dgm_alloc((size_t)(M * noise + 1) * sizeof *E), sum = 0, square = 0;
    double *log_q = dgm_alloc((size_t)M * sizeof *log_q);

    noise_balanced(f->rules.seed, 0, M, noise, E);
    gaussian_draw(&f->q, M, E, s.U);
    gaussian_log_density(&f->q, M, s.U, log_q);
    target_rows(t, M, s.U, s.weight, NULL);
    for (long i = 0; i < M; i++) {
        s.weight[i] -= log_q[i];
        f->lost += !isfinite(s.weight[i]);
        sum += s.weight[i] / (double)M;
    }
    for (long i = 0; i < M && f->lost == 0; i++)
        square += pow(s.weight[i] - sum, 2) / (double)M;
    f->elbo = sum;
    f->elbo_se = f->lost == 0 ? sqrt(square / (double)M) : INFINITY;
    take_weights(&s);
    f->plain = s;
    free(log_q);
    free(E);
}

/* Where those weights are too uneven: by way of laws in between, of more until it will do. */
void fit_refine(Target *t, Fit *f)
{
    static const struct { long levels, draws; } rounds[] = { { 6, 2000 }, { 24, 2000 },
                                                             { 96, 1000 } };

    t->stage = "annealing draws";
    if (t->n > MOST_DENSE || f->lost == f->plain.M)
        return;
    for (size_t k = 0; k < sizeof rounds / sizeof *rounds && !fit_reliable(f); k++) {
        Sample s = sample_new(rounds[k].draws < f->rules.draws ? rounds[k].draws : f->rules.draws,
                              t->n);

        s.levels = rounds[k].levels;
        anneal(t, &f->q, s.levels, f->rules.seed, 1000 * (k + 1), s.M, s.U, s.weight);
        take_weights(&s);
        sample_free(&f->annealed);
        f->annealed = s;
    }
}

const Sample *fit_sample(const Fit *f)
{
    return f->annealed.M > 0 ? &f->annealed : &f->plain;
}

bool fit_reliable(const Fit *f)
{
    const Sample *s = fit_sample(f);

    return psis_reliable(&s->psis, s->M);
}

Fit fit_posterior(Target *t, FitRules rules)
{
    t->stage = "looking for a start";
    Fit f = {.rules = rules, .start = start_find(t, rules.seed)};

    if (!f.start.found)
        return f;
    f.q = gaussian_from(&f.start, rules.kind, rules.rank);
    climb(t, &f);
    check_rival(&f);
    weigh(t, &f);
    return f;
}

void fit_free(Fit *f)
{
    if (f->start.found) {
        gaussian_free(&f->q);
        sample_free(&f->plain);
        sample_free(&f->annealed);
        free(f->trace.bound);
    }
    start_free(&f->start);
}
