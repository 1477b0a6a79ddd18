/* automatic.c - `optimizer auto`: training without a step size and a number of steps to choose.
 *
 *     race     the first step size: short runs from the start, on the same rows and random numbers
 *     window   steps of one size; the mean of the iterates is what a window has reached
 *     test     what has a window gained over the one before? Both means are compared in pairs of
 *              evaluations on the same rows and random numbers (compare.c)
 *         more than the tolerance, or it cannot be told:  the next window is twice as long
 *         certainly less:   go on from the mean with half the step size; the third time in a row,
 *                           that is where halving the step gains nothing either, stop
 *         certainly a loss: back to the mean before, with half the step size
 *     and if the gain is small beside what the last iterate lacks of the mean, the noise of the
 *     steps holds the run up: half the step size
 * Adam's steps do not depend on the scale of the objective, and the race finds that of the
 * parameters (ascent with constant steps, means of iterates and halving at standstill: Welandawe,
 * Andersen, Vehtari & Huggins 2024).
 *
 * All that decides is in RunState.automatic and the optimiser's slabs, so that a run which was
 * stopped goes on with the same bits.
 */
#include "train/train.h"

#include "optim/optim.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double FIRST_RATE = 0.03, RATE_FACTOR = 3.1622776601683795;
enum {
    RACE_STEPS = 50, RACE_JUDGED = 10, MOST_RACES = 12,
    FIRST_WINDOW = 100, MEANS = 100,   /* iterates in the mean of a window: this to twice this */
    PAIRS_SHARE = 2, SMALL_ENOUGH = 3, MOST_RETREATS = 20
};

bool training_is_automatic(const Training *t)
{
    return t->optim->info->automatic;
}

/* ---- the race -------------------------------------------------------------------------------- */

static void copy(const Training *t, Real *to, const Real *from)
{
    memcpy(to, from, (size_t)t->s.model->param_reals * sizeof *to);
}

static void clear_moments(Training *t)
{
    for (int s = 0; s < DGM_AUTO_MEAN; s++)
        memset(t->optim->slabs[s], 0, (size_t)t->optim->reals * sizeof(Real));
}

/* Mean objective of the last steps of a short run from `start`; -inf if it breaks. */
static double race(Training *t, const Real *start, double rate)
{
    double sum = 0;

    copy(t, t->s.param, start);
    clear_moments(t);
    t->optim->rate = rate;
    for (t->state.step = 0; t->state.step < RACE_STEPS; t->state.step++) {
        training_run(t);
        if (t->c.bad_term >= 0 || !isfinite(t->c.grad_norm))
            return -INFINITY;
        if (t->state.step >= RACE_STEPS - RACE_JUDGED)
            sum += objective_value(&t->c);
    }
    return isfinite(sum) ? sum : -INFINITY;
}

/* Up from FIRST_RATE while that is better, else down. */
static double fastest(Training *t, const Real *start)
{
    double rate = FIRST_RATE, best = race(t, start, rate), factor = RATE_FACTOR;

    for (int i = 0; i < MOST_RACES; i++) {
        double other = race(t, start, rate * factor);

        if (other > best || best == -INFINITY) {
            best = other;
            rate *= factor;
        } else if (factor > 1 && rate == FIRST_RATE) {
            factor = 1 / factor;
        } else {
            break;
        }
        if (best == -INFINITY)
            factor = 1 / RATE_FACTOR;
    }
    return rate;
}

/* ---- windows --------------------------------------------------------------------------------- */

static void window_begin(Training *t, uint64_t length)
{
    Automatic *a = &t->state.automatic;

    a->length = a->upto - a->from;
    a->from = t->state.step;
    a->upto = a->from + length;
    a->stride = length / MEANS > 1 ? length / MEANS : 1;
    memset(t->optim->slabs[DGM_AUTO_MEAN], 0, (size_t)t->optim->reals * sizeof(Real));
}

static long averaged(const Training *t)
{
    const Automatic *a = &t->state.automatic;

    return a->stride > 0 ? (long)((t->state.step - a->from) / a->stride) : 0;
}

static void window_add(Training *t)
{
    const Automatic *a = &t->state.automatic;
    Real *mean = t->optim->slabs[DGM_AUTO_MEAN], share;

    if ((t->state.step - a->from) % a->stride != 0)
        return;
    share = (Real)(1.0 / (double)averaged(t));
    for (long i = 0; i < t->optim->reals; i++)
        mean[i] += share * (t->s.param[i] - mean[i]);
}

static void write_window(Training *t, const char *what)
{
    const Automatic *a = &t->state.automatic;
    json_t *line = json_pack("{s:s, s:I, s:I, s:s, s:i}", "kind", "window", "step",
                             (json_int_t)t->state.step, "steps",
                             (json_int_t)(a->upto - a->from), "judgement", what, "pairs",
                             (int)a->gain.n);

    metrics_put(line, "", "lr", a->rate);
    metrics_put(line, "", "gain", a->gain.mean);
    metrics_put(line, "", "gain_se", a->gain.se);
    metrics_put(line, "", "gain_limit", a->limit);
    metrics_put(line, "", "tolerance", a->tolerance);
    metrics_put(line, "", "noise", a->noise);
    metrics_write(&t->metrics, line);
}

/* After the window: the next one, or the end. */
static void window_end(Training *t)
{
    static const char *const words[] = {"open", "small", "lost", "noisy"};
    Automatic *a = &t->state.automatic;
    Real *mean = t->optim->slabs[DGM_AUTO_MEAN], *before = t->optim->slabs[DGM_AUTO_BEFORE];
    uint64_t length = a->upto - a->from;

    if (a->windows++ == 0) {
        copy(t, before, mean);
        window_begin(t, length);
        return;
    }
    Judgement j = compare_points(t, mean, before, (long)length / PAIRS_SHARE);
    write_window(t, words[j]);
    a->small = j == SMALL ? a->small + 1 : 0;
    a->converged = a->small == SMALL_ENOUGH;
    if (j == LOST)
        clear_moments(t);
    else
        copy(t, before, mean);
    if (j != OPEN) {
        copy(t, t->s.param, before);
        a->rate /= 2;
    }
    window_begin(t, j == OPEN ? 2 * length : length);
}

/* The run ends within a window, and could go on later as if nothing had been asked: the mean of the
 * window, or the one before if that is better. */
static const Real *window_cut(Training *t)
{
    Automatic *a = &t->state.automatic, now = *a;
    const Real *mean = t->optim->slabs[DGM_AUTO_MEAN], *before = t->optim->slabs[DGM_AUTO_BEFORE];

    if (averaged(t) == 0)
        return before;
    if (a->windows == 0)
        return mean;
    a->upto = t->state.step;
    compare_points(t, mean, before, (long)(a->upto - a->from) / PAIRS_SHARE);
    write_window(t, "cut");
    a->upto = now.upto;
    a->tests = now.tests;
    return a->gain.mean > 0 ? mean : before;
}

/* ---- what the loop calls --------------------------------------------------------------------- */

void automatic_begin(Training *t)
{
    Automatic *a = &t->state.automatic;
    double asked = t->optim->hyper[DGM_ADAM_LR].value;

    if (!training_is_automatic(t))
        return;
    if (a->rate == 0) {
        Real *start = dgm_slab_new((size_t)t->s.model->param_reals);

        compare_begin(t);
        copy(t, start, t->s.param);
        a->rate = asked > 0 ? asked : fastest(t, start);
        copy(t, t->s.param, start);
        copy(t, t->optim->slabs[DGM_AUTO_BEFORE], start);
        clear_moments(t);
        dgm_slab_free(start);
        t->state.step = 0;
        window_begin(t, FIRST_WINDOW);
    }
    t->optim->rate = a->rate;
}

bool automatic_retreat(Training *t)
{
    Automatic *a = &t->state.automatic;

    if (!training_is_automatic(t) || a->retreats++ == MOST_RETREATS)
        return false;
    copy(t, t->s.param, t->optim->slabs[DGM_AUTO_BEFORE]);
    clear_moments(t);
    t->optim->rate = a->rate /= 4;
    window_begin(t, a->upto - a->from);
    return true;
}

void automatic_after_step(Training *t)
{
    Automatic *a = &t->state.automatic;

    if (!training_is_automatic(t))
        return;
    window_add(t);
    if (t->state.step == a->upto)
        window_end(t);
    t->optim->rate = a->rate;
    if (t->has_valid || (t->state.step < t->plan.total && !a->converged))
        return;
    copy(t, t->best_param, a->converged ? t->s.param : window_cut(t));
    t->state.best_step = t->state.step;
    t->best_pending = true;
}

const Real *automatic_result(const Training *t)
{
    const Automatic *a = &t->state.automatic;

    if (!training_is_automatic(t) || a->converged)
        return t->s.param;
    return t->optim->slabs[averaged(t) > 0 ? DGM_AUTO_MEAN : DGM_AUTO_BEFORE];
}

bool automatic_done(const Training *t)
{
    return training_is_automatic(t) && t->state.automatic.converged;
}

void automatic_end(Training *t)
{
    if (training_is_automatic(t) && t->state.step > 0)
        copy(t, t->s.param, t->has_valid ? automatic_result(t) : t->best_param);
}
