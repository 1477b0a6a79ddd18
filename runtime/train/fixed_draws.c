/* fixed_draws.c - the objective of the step program with random numbers that stay the same is a
 * smooth function of the parameters: climbed by quasi-Newton steps (lbfgs.c), with more draws until
 * twice as many gain nothing on fresh ones (Giordano, Ingram & Broderick 2024; Burroni, Domke &
 * Sheldon 2023). For families that a spec states, of models all of whose numbers are latents, on
 * data that are one batch.
 *
 * requires:    training_open, before the first step; fixed_draws_why_not(t) == NULL
 * establishes: t->s.param is the fit; state.step counts iterations; state.automatic has the gain of
 *              the last doubling and whether it was small; or false, where the start has no number
 */
#include "train/train.h"

#include "infer/infer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    FIRST_DRAWS = 256, DRAWS_A_NUMBER = 16, DOUBLINGS = 6,
    MOST_NUMBERS = 500, MOST_CELLS = 4000000,    /* latent numbers; rows x draws */
    MOST_ITERATIONS = 1000, MOST_EVALUATIONS = 400
};
static const double EXACTLY = 0.05;    /* of the tolerance: how well a bound is climbed */

static long first_draws(const Training *t)
{
    long draws = DRAWS_A_NUMBER * (long)latent_numbers(t);

    return draws > FIRST_DRAWS ? draws : FIRST_DRAWS;
}

/* Parameters and nets of the model itself make saddles, at which quasi-Newton steps may end. */
static bool learns(const DgmModel *m)
{
    for (int i = 0; i < m->n_params; i++)
        if (m->params[i].latent == NULL)
            return true;
    return false;
}

const char *fixed_draws_why_not(const Training *t)
{
    if (t->s.model->estimated)
        return "its gradient is an estimate, not the slope of what is computed";
    if (learns(t->s.model))
        return "the model has parameters of its own beside its latents";
    if (t->plan.batch != t->plan.N)
        return "the data come in minibatches";
    if (sizeof(Real) != sizeof(double))
        return "it computes in single precision";
    if (latent_numbers(t) > MOST_NUMBERS || t->plan.N * first_draws(t) > MOST_CELLS)
        return "the latents or rows are too many";
    return NULL;
}

typedef struct Descending {
    Training *t;
    DgmCtx c;
    long n;
} Descending;

/* Minus the objective of all data, in nats, and its gradient. */
static double descended(void *of, const double *x, double *gradient)
{
    Descending *down = of;
    Training *t = down->t;
    double N = (double)t->plan.N;

    if (signals_stop() != 0)
        signals_reraise(signals_stop());
    for (long i = 0; i < down->n; i++)
        t->s.param[i] = (Real)x[i];
    down->c.program->run(&down->c);
    for (long i = 0; i < down->n; i++)
        gradient[i] = -N * (double)t->s.grad[i];
    return down->c.bad_term < 0 ? -N * objective_value(&down->c) : INFINITY;
}

/* From x, in place. */
static Descent descend(Training *t, double *x, long draws)
{
    Descending down = {.t = t, .n = t->s.model->param_reals};
    DescentRules rules = {.iterations = MOST_ITERATIONS,
                          .tolerance = EXACTLY * compare_tolerance(t)};

    memset(t->s.grad, 0, (size_t)down.n * sizeof(Real));
    context_bind(&t->s, &t->train, &down.c, t->s.model->step, DGM_STREAM_TRAIN, t->plan.batch,
                 draws);
    down.c.step = (uint64_t)draws;    /* others for every number of draws */
    Descent d = lbfgs(descended, &down, down.n, x, rules);
    context_unbind(&down.c);
    for (long i = 0; i < down.n; i++)
        t->s.param[i] = (Real)x[i];
    return d;
}

bool fixed_draws_fit(Training *t)
{
    Automatic *a = &t->state.automatic;
    long n = t->s.model->param_reals, draws = first_draws(t);
    double *x = dgm_alloc((size_t)n * sizeof *x);
    Real *before = dgm_slab_new((size_t)n);

    data_in_order(&t->train, 0, t->plan.batch);
    compare_begin(t);
    for (long i = 0; i < n; i++)
        x[i] = (double)t->s.param[i];
    for (int k = 0; k < DOUBLINGS && !a->converged; k++, draws *= 2) {
        Descent d;

        memcpy(before, t->s.param, (size_t)n * sizeof *before);
        d = descend(t, x, draws);
        t->state.step += (uint64_t)d.iterations;
        a->windows = k + 1;
        a->draws = draws;
        if (!isfinite(d.f))
            break;
        if (k > 0)
            a->converged = compare_points(t, t->s.param, before, MOST_EVALUATIONS) == SMALL
                           && d.converged;
        if (t->plan.N * 2 * draws > MOST_CELLS)
            break;
    }
    bool found = params_nonfinite(t->s.model, t->s.param) == NULL && a->windows > 0
                 && isfinite(a->first) && (a->windows == 1 || isfinite(a->gain.mean));
    memcpy(t->best_param, t->s.param, (size_t)n * sizeof *before);
    dgm_slab_free(before);
    free(x);
    return found;
}
