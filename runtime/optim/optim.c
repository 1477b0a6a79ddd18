/* optim.c - the table of optimisers, their state, and the calls that emitted code makes.
 *
 * Idea: a panel is updated by the thread that computed its gradient, while both are in its cache;
 * the squared norm is taken in the same pass over blocks of 1024 elements. With clipping on, the
 * update must wait for the norm of all panels: dgm_update only measures, dgm_update_norm adds up in
 * panel order, dgm_update_clipped updates.
 *
 * An update of an element depends on that element alone, so panels may be cut anywhere. The norm is
 * a sum, so its bits depend on the panels; those are fixed by the emitted program.
 */
#include "optim.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK = 1024, LANES = 16 };

#define AVERAGE_KEEP 0.9               /* of a moving average, from step to step */

static const DgmOptimInfo optimisers[] = {
    { "sgd", "gradient ascent with momentum",
      { { "lr", 0.01, "step size" }, { "momentum", 0, "fraction of the last step kept" } }, 2,
      { "velocity" }, 1, dgm_sgd_update, 5, 5, false },
    { "adagrad", "steps shrink with the squares of past gradients (Duchi et al. 2011)",
      { { "lr", 0.01, "step size" }, { "eps", 1e-10, "added to the root" } }, 2,
      { "squares" }, 1, dgm_adagrad_update, 7, 5, false },
    { "adam", "moving averages of gradient and square, bias-corrected (Kingma & Ba 2015)",
      { { "lr", 1e-3, "step size" }, { "beta1", 0.9, "memory of the gradient" },
        { "beta2", 0.999, "memory of its square" }, { "eps", 1e-8, "added to the root" } }, 4,
      { "m", "v" }, 2, dgm_adam_update, 12, 7, false },
    { "auto", "Adam; the step size is raced for at the start and halved where the objective "
              "stands; the result is a mean of iterates, and the run ends where it gains no more",
      { { "lr", 0, "first step size; 0: the best of a race" },
        { "beta1", 0.9, "memory of the gradient" }, { "beta2", 0.999, "memory of its square" },
        { "eps", 1e-8, "added to the root" } }, 4,
      { "m", "v", "mean", "before" }, 4, dgm_adam_update, 12, 7, true },
};

int dgm_optim_count(void) { return sizeof optimisers / sizeof *optimisers; }

const DgmOptimInfo *dgm_optim_info(int i) { return &optimisers[i]; }

const DgmOptimInfo *dgm_optim_find(const char *name)
{
    for (int i = 0; i < dgm_optim_count(); i++)
        if (strcmp(optimisers[i].name, name) == 0)
            return &optimisers[i];
    return NULL;
}

/* ---- state ---------------------------------------------------------------------------------- */

/* The train block's numbers belong to the optimiser it names; another keeps its own defaults. */
static void take_model_values(DgmOptim *o, const DgmModel *model)
{
    if (model->optimizer == NULL || strcmp(model->optimizer, o->info->name) != 0)
        return;
    for (int pass = 0; pass < 2; pass++)       /* the schedule first: it brings names of its own */
        for (int i = 0; i < model->n_hyper; i++) {
            const char *name = model->hyper_names[i];
            bool chooses = strncmp(name, "schedule.", 9) == 0;
            if (chooses == (pass == 0) && !dgm_optim_set(o, name, model->hyper_values[i]))
                dgm_fail(DGM_EXIT_INTERNAL, NULL, "the model sets \"%s\", which optimiser %s does "
                         "not have", name, o->info->name);
        }
}

DgmOptim *dgm_optim_new(const char *name, const DgmModel *model)
{
    const DgmOptimInfo *info = dgm_optim_find(name);
    if (info == NULL)
        dgm_fail(DGM_EXIT_USAGE, "the optimisers are sgd, adagrad, adam and auto",
                 "there is no optimiser \"%s\"", name);
    DgmOptim *o = dgm_alloc(sizeof *o);
    o->info = info;
    memcpy(o->hyper, info->hyper, sizeof o->hyper);
    dgm_optim_set_schedule(o, "constant");
    o->reals = model->param_reals;
    for (int s = 0; s < info->n_slabs; s++)
        o->slabs[s] = dgm_slab_new((size_t)o->reals);
    take_model_values(o, model);
    dgm_optim_begin(o, 0, 0);
    return o;
}

void dgm_optim_free(DgmOptim *o)
{
    for (int s = 0; o != NULL && s < o->info->n_slabs; s++)
        dgm_slab_free(o->slabs[s]);
    free(o);
}

static bool set_in(DgmHyper *hyper, int n, const char *name, double value)
{
    for (int i = 0; i < n; i++)
        if (strcmp(hyper[i].name, name) == 0) {
            hyper[i].value = value;
            return true;
        }
    return false;
}

bool dgm_optim_set(DgmOptim *o, const char *hyper, double value)
{
    if (strcmp(hyper, "warmup") == 0) {
        o->warmup = value;
        return true;
    }
    if (strncmp(hyper, "schedule.", 9) == 0)
        return dgm_optim_set_schedule(o, value != 0 ? hyper + 9 : "constant");
    return set_in(o->hyper, o->info->n_hyper, hyper, value) ||
           set_in(o->schedule_hyper, o->schedule->n_hyper, hyper, value);
}

bool dgm_optim_set_schedule(DgmOptim *o, const char *name)
{
    const DgmScheduleInfo *info = dgm_schedule_find(name);
    if (info == NULL)
        return false;
    o->schedule = info;
    memcpy(o->schedule_hyper, info->hyper, sizeof o->schedule_hyper);
    return true;
}

int dgm_optim_values(const DgmOptim *o, DgmHyper *values, int max)
{
    int n = 0;
    for (int i = 0; i < o->info->n_hyper && n < max; i++)
        values[n++] = o->hyper[i];
    for (int i = 0; i < o->schedule->n_hyper && n < max; i++)
        values[n++] = o->schedule_hyper[i];
    if (n < max)
        values[n++] = (DgmHyper){ "warmup", o->warmup, "steps of linear rise from 0" };
    return n;
}

double dgm_optim_lr(const DgmOptim *o) { return o->now.lr; }

int dgm_optim_state(DgmOptim *o, const char **names, Real **slabs)
{
    for (int s = 0; s < o->info->n_slabs; s++) {
        names[s] = o->info->slab_names[s];
        slabs[s] = o->slabs[s];
    }
    return o->info->n_slabs;
}

/* 1 - beta^t */
static double filled(DgmDecay *d, double beta, double t)
{
    if (d->beta != beta)
        *d = (DgmDecay){ beta, log(beta) };
    return -expm1(t * d->log);
}

void dgm_optim_begin(DgmOptim *o, uint64_t step, uint64_t total)
{
    double t = (double)step + 1;
    double factor = o->schedule->factor(o->schedule_hyper, (double)step, (double)total);
    if (t < o->warmup)
        factor *= t / o->warmup;
    double rate = o->rate > 0 ? o->rate : o->hyper[0].value;
    o->now = (DgmStepScale){ .lr = rate * factor, .correct_m = 1, .correct_v = 1 };
    if (o->info->update == dgm_adam_update) {
        o->now.correct_m = 1 / filled(&o->m, o->hyper[DGM_ADAM_BETA1].value, t);
        o->now.correct_v = 1 / sqrt(filled(&o->v, o->hyper[DGM_ADAM_BETA2].value, t));
    }
}

/* ---- panels --------------------------------------------------------------------------------- */

/* Sixteen sums in double, then the rest: a fixed order that vectorises. */
static double sum_of_squares(const Real *g, long n)
{
    double lane[LANES] = { 0 }, sum = 0;
    long i = 0;
    for (; i + LANES <= n; i += LANES)
        for (int l = 0; l < LANES; l++)
            lane[l] += (double)g[i + l] * (double)g[i + l];
    for (; i < n; i++)
        sum += (double)g[i] * (double)g[i];
    for (int l = 0; l < LANES; l++)
        sum += lane[l];
    return sum;
}

static void update_panel(DgmCtx *c, long offset, long count, Real scale)
{
    const DgmOptim *o = c->optim;
    Real *slabs[DGM_OPTIM_MAX_SLABS] = { NULL };
    for (int s = 0; s < o->info->n_slabs; s++)
        slabs[s] = o->slabs[s] + offset;
    o->info->update(o, c->param + offset, c->grad + offset, slabs, count, scale);
}

void dgm_update(DgmCtx *c, long task, long offset, long count)
{
    bool now = c->optim != NULL && !(c->clip > 0) && c->bad_term < 0;
    double squares = 0;
    for (long at = 0; at < count; at += BLOCK) {
        long n = count - at < BLOCK ? count - at : BLOCK;
        squares += sum_of_squares(c->grad + offset + at, n);
        if (now)
            update_panel(c, offset + at, n, 1);
    }
    if (c->norm2 != NULL)
        c->norm2[task] = squares;
}

/* The first step takes all, so that the average does not begin with what it was set to. */
void dgm_average(DgmCtx *c, long task, long offset, long count)
{
    double share = (1 - AVERAGE_KEEP) / -expm1(((double)c->step + 1) * log(AVERAGE_KEEP));
    for (long i = offset; i < offset + count && c->optim != NULL && c->bad_term < 0; i++)
        c->param[i] += (Real)share * c->grad[i];
    if (c->norm2 != NULL)
        c->norm2[task] = 0;
}

void dgm_update_norm(DgmCtx *c)
{
    double sum = 0;
    for (int task = 0; task < c->program->n_tasks; task++)
        sum += c->norm2[task];
    c->grad_norm = sqrt(sum);
}

/* A norm that is not finite updates nothing. */
void dgm_update_clipped(DgmCtx *c, long offset, long count)
{
    if (c->optim == NULL || c->bad_term >= 0 || !isfinite(c->grad_norm))
        return;
    update_panel(c, offset, count,
                 (Real)(c->clip > 0 && c->grad_norm > c->clip ? c->clip / c->grad_norm : 1));
}
