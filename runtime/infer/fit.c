/* fit.c - the whole way: a start, the bound climbed with draws enough, weighted draws.
 *
 * The number of fixed draws grows until what they leave open is small: until the standard error of
 * every mean, in posterior standard deviations, is below MEAN_ERROR.
 */
#include "infer/infer.h"

#include <math.h>
#include <stdlib.h>

enum { FEWEST_DRAWS = 64, MOST_DRAWS = 4096, ROUNDS = 6, HALVINGS = 20, STRETCHES = 15, STRETCHES_EARLY = 3, FRESH = 500000 };
static const double MEAN_ERROR = 0.03, MOST_NUMBERS = 4e6;    /* of noise */

static long even(long M)
{
    return M + M % 2;
}

/* With M draws, stretch after stretch. Narrower first where the bound is not finite. */
static void climb_with(Target *t, Fit *f, uint64_t round, long M, int stretches)
{
    long iterations = 0;

    for (int k = 0; k < stretches; k++) {
        f->bound = elbo_fit(t, &f->q, f->rules.seed, round, M);
        for (int h = 0; h < HALVINGS && !isfinite(f->bound.elbo); h++) {
            gaussian_scale(&f->q, 0.5);
            f->bound = elbo_fit(t, &f->q, f->rules.seed, round, M);
        }
        f->bound.iterations = iterations += f->bound.iterations;
        if (f->bound.converged)
            return;
    }
}

/* The bound of q by draws that it was not fitted to. */
static double fresh_bound(Target *t, const Fit *f, uint64_t round, long M)
{
    long n = t->n, noise = gaussian_noise(&f->q);
    double *E = dgm_alloc((size_t)(M * (noise + n + 2) + 1) * sizeof *E), *U = E + M * noise;
    double *value = U + M * n, *log_q = value + M, sum = 0;

    noise_balanced(f->rules.seed, FRESH + round, M, noise, E);
    gaussian_draw(&f->q, M, E, U);
    gaussian_log_density(&f->q, M, U, log_q);
    target_rows(t, M, U, value, NULL);
    for (long i = 0; i < M; i++)
        sum += (value[i] - log_q[i]) / (double)M;
    free(E);
    return sum;
}

/* Draws enough for MEAN_ERROR. A climb that goes on and on may follow the few draws that it has
 * instead of the density: it is broken off, and goes on with more. */
static double draws_wanted(const Fit *f)
{
    double M = (double)f->bound.draws, more = pow(f->bound.error / MEAN_ERROR, 2);

    if (!f->bound.converged)
        return 4 * M;
    return more <= 1 ? 0 : 1.2 * more * M;
}

static void climb(Target *t, Fit *f)
{
    long noise = gaussian_noise(&f->q), M = FEWEST_DRAWS, iterations = 0;
    long most = (long)fmin(MOST_DRAWS, MOST_NUMBERS / (double)(noise + 1));

    t->stage = "climbing the bound";
    if (f->q.kind == FAMILY_FULLRANK && M < 2 * (noise + 8))
        M = 2 * (noise + 8);           /* fewer would leave directions that no draw sees */
    most = even(most < M ? M : most);
    double before = fresh_bound(t, f, 0, M);
    for (uint64_t round = 1; round <= ROUNDS; round++) {
        bool last = round == ROUNDS || M >= most;
        Gaussian q = gaussian_copy(&f->q);

        climb_with(t, f, round, M, last ? STRETCHES : STRETCHES_EARLY);
        f->bound.iterations = iterations += f->bound.iterations;
        double wanted = draws_wanted(f), after = fresh_bound(t, f, round, M);
        double slack = 0.1 * (double)f->q.n + 1;             /* noise of both */
        bool better = (after > before - slack || !isfinite(before))
                   && after < f->bound.elbo + slack;         /* else q is singular */
        if (!better) {                 /* it fits these draws and no others */
            gaussian_free(&f->q);
            f->q = q;
            f->bound.converged = false;
            wanted = 4 * (double)M;
        } else {
            gaussian_free(&q);
            before = after;
        }
        if (last || wanted == 0)
            break;
        M = wanted < (double)most ? even((long)wanted) : most;
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
                    .weight = dgm_alloc((size_t)(M + 1) * sizeof(double))};
}

/* The log weights become weights. Balanced draws come as pairs i and M / 2 + i, which are not
 * independent: what varies is the mean of a pair. */
static void take_weights(Sample *s, bool balanced)
{
    long H = s->M / 2;

    if (balanced) {
        double *pair = dgm_alloc((size_t)s->M * sizeof *pair), unused;

        for (long i = 0; i < H; i++)
            pair[i] = log_mean(2, (double[]){s->weight[i], s->weight[H + i]}, &unused);
        s->evidence = log_mean(H, pair, &s->evidence_se);
        free(pair);
    } else {
        s->evidence = log_mean(s->M, s->weight, &s->evidence_se);
    }
    s->psis = psis_smooth(s->M, s->weight);
}

/* Fresh draws of q with their weights, and the bound. They are balanced too: means and variances of
 * the free numbers under q are exact. */
static void weigh(Target *t, Fit *f)
{
    long M = f->rules.draws, H = M / 2, n = t->n, noise = gaussian_noise(&f->q);
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
    for (long i = 0; i < H && f->lost == 0; i++)
        square += pow((s.weight[i] + s.weight[H + i]) / 2 - sum, 2) / (double)H;
    f->elbo = sum;
    f->elbo_se = f->lost == 0 ? sqrt(square / (double)H) : INFINITY;
    take_weights(&s, true);
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
        take_weights(&s, false);
        free(f->annealed.U);
        free(f->annealed.weight);
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
        free(f->plain.U);
        free(f->plain.weight);
        free(f->annealed.U);
        free(f->annealed.weight);
    }
    start_free(&f->start);
}
