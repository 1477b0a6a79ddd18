/* automatic.c - `optimizer auto`: training without a step size and a number of steps to choose.
 *
 *     race     the first step size: short runs from the start, on the same rows and random numbers
 *     window   steps of one size; the mean of the iterates is what a window has reached
 *     test     what has a window gained over the one before? Both means are compared in pairs of
 *              evaluations on the same rows and random numbers (optim/stationary.h)
 *         more than the tolerance, or it cannot be told:  the next window is twice as long
 *         certainly less:   go on from the mean with half the step size; the second time in a row,
 *                           that is where halving the step gains nothing either, stop
 *         certainly a loss: back to the mean before, with half the step size
 *     and if the gain is small beside what the last iterate lacks of the mean, the noise of the
 *     steps holds the run up: half the step size
 * Tolerance: 0.005 nats for each number of a latent, 0.02 at least (a mean that is off by 0.1
 * standard deviations costs 0.005 nats); where no latent is shared by all rows, also a thousandth
 * of all that has been gained since the start. Adam's steps do not depend on the scale of the
 * objective, and the race finds that of the parameters (ascent with constant steps, means of
 * iterates and halving at standstill: Welandawe, Andersen, Vehtari & Huggins 2024).
 *
 * All that decides is in RunState.automatic and the optimiser's slabs, so that a run which was
 * stopped goes on with the same bits.
 */
#include "train/train.h"

#include "optim/optim.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double TOLERANCE = 5e-3, SHARE = 1e-3, NOISE_SHARE = 0.2;
static const double FIRST_RATE = 0.03, RATE_FACTOR = 3.1622776601683795;
enum {
    RACE_STEPS = 50, RACE_JUDGED = 10, MOST_RACES = 12,
    FIRST_WINDOW = 100, MEANS = 100,   /* iterates in the mean of a window: this to twice this */
    FEWEST_PAIRS = 16, PAIRS_SHARE = 2, FEWEST_NUMBERS = 4, MOST_RETREATS = 20
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

/* ---- comparing two points -------------------------------------------------------------------- */

typedef struct Probe {
    Training *t;
    DataSet data;                      /* the training data, with a batch of its own */
    uint64_t batches;                  /* of one evaluation: all of an epoch, or one at random */
    DgmCtx c;
} Probe;

/* Evaluations that see all rows differ by random numbers alone: they are taken where `most` batches
 * allow it. */
static void probe_open(Probe *p, Training *t, long most)
{
    bool whole = (uint64_t)most >= t->plan.per_epoch * FEWEST_PAIRS;

    p->t = t;
    p->batches = whole ? t->plan.per_epoch : 1;
    p->data = t->train;
    p->data.buffers = NULL;
    data_room(&p->data, t->plan.batch);
    data_in_order(&p->data, 0, t->plan.batch);
    context_bind(&t->s, &p->data, &p->c, t->s.model->eval, DGM_STREAM_EVAL, t->plan.batch,
                 t->state.samples);
}

static void probe_close(Probe *p)
{
    context_unbind(&p->c);
    if (p->data.buffers != NULL)
        source_buffers_free(p->data.buffers);
}

static void choose_rows(Probe *p, uint64_t number, uint64_t batch)
{
    const Plan *plan = &p->t->plan;

    if (plan->batch == plan->N || p->data.buffers == NULL)
        return;
    if (p->batches > 1)
        source_rows_in_order((long)batch * plan->batch, plan->batch, p->data.buffers->rows);
    for (long i = 0; p->batches == 1 && i < plan->batch; i++)
        p->data.buffers->rows[i] =
            (long)(dgm_random_u64(p->t->s.seed, DGM_STREAM_CHECK, number, (uint64_t)i)
                   % (uint64_t)plan->N);
}

/* Objective at these parameters; the rows and random numbers are those of this number. */
static double probe(Probe *p, const Real *param, uint64_t number)
{
    double sum = 0;

    p->c.param = (Real *)param;
    for (uint64_t batch = 0; batch < p->batches; batch++) {
        choose_rows(p, number, batch);
        p->c.step = number * p->batches + batch;
        p->c.program->run(&p->c);
        sum += p->c.bad_term >= 0 ? NAN : objective_value(&p->c);
    }
    return sum / (double)p->batches;
}

/* ---- the test of a window -------------------------------------------------------------------- */

static bool is_draw(const DgmOutput *out)
{
    const char *dot = strrchr(out->name, '.');

    return dot == NULL || (strcmp(dot, ".mean") != 0 && strcmp(dot, ".sd") != 0);
}

/* Numbers that are drawn; without latents, the rows count. */
static double latent_numbers(const Training *t)
{
    const DgmProgram *p = t->s.model->encode;
    double n = 0;

    for (int i = 0; p != NULL && i < p->n_outputs; i++)
        if (is_draw(&p->outputs[i]))
            n += (double)p->outputs[i].count * (double)(p->outputs[i].rows ? t->plan.N : 1);
    return n > 0 ? n : (double)t->plan.N;
}

/* In nats per row, as objectives are. */
static double tolerance(const Training *t, double reached)
{
    double absolute = TOLERANCE * fmax(FEWEST_NUMBERS, latent_numbers(t)) / (double)t->plan.N;
    double relative = SHARE * (reached - t->state.automatic.first);

    return model_has_global_latents(t->s.model) ? absolute : fmax(absolute, relative);
}

typedef enum { OPEN, SMALL, LOST, NOISY } Judgement;

static Judgement judgement(const Automatic *a)
{
    if (a->limit < 0)
        return -a->limit > a->tolerance ? LOST : SMALL;
    return a->limit < a->tolerance ? SMALL : OPEN;
}

/* Pairs are added until something can be said, or they cost as much as the window. */
static Judgement compare(Training *t, const Real *now, const Real *before)
{
    Automatic *a = &t->state.automatic;
    long most = (long)(a->upto - a->from) / PAIRS_SHARE, n = 0;
    double *difference, reached = 0, iterate = 0;
    Probe p;

    probe_open(&p, t, most);
    most /= (long)p.batches;
    most = most > FEWEST_PAIRS ? most : FEWEST_PAIRS;
    difference = dgm_alloc((size_t)most * sizeof *difference);
    for (long upto = FEWEST_PAIRS; ; upto = 2 * upto < most ? 2 * upto : most) {
        for (; n < upto; n++) {
            uint64_t number = ((uint64_t)a->windows << 24) + (uint64_t)n;

            double value = probe(&p, now, number);
            reached += value;
            iterate += probe(&p, t->s.param, number);
            difference[n] = value - probe(&p, before, number);
        }
        a->gain = dgm_gain(n, difference);
        a->limit = dgm_gain_limit(&a->gain, ++a->tests);
        a->tolerance = tolerance(t, reached / (double)n);
        if (judgement(a) != OPEN || a->gain.mean - 2 * a->gain.se > a->tolerance || n == most)
            break;
    }
    probe_close(&p);
    free(difference);
    if (isnan(a->gain.mean))
        return LOST;
    a->noise = (reached - iterate) / (double)n;
    bool noisy = a->gain.mean + 2 * a->gain.se < NOISE_SHARE * a->noise;
    return judgement(a) == OPEN && noisy ? NOISY : judgement(a);
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
    Judgement j = compare(t, mean, before);
    write_window(t, words[j]);
    a->small = j == SMALL ? a->small + 1 : 0;
    a->converged = a->small == 2;
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
    compare(t, mean, before);
    write_window(t, "cut");
    a->upto = now.upto;
    a->tests = now.tests;
    return a->gain.mean > 0 ? mean : before;
}

/* ---- what the loop calls --------------------------------------------------------------------- */

/* Objective where the run begins. */
static double first_objective(Training *t)
{
    Probe p;
    double sum = 0;

    probe_open(&p, t, FIRST_WINDOW);
    for (uint64_t n = 0; n < FEWEST_PAIRS; n++)
        sum += probe(&p, t->s.param, n) / FEWEST_PAIRS;
    probe_close(&p);
    return sum;
}

void automatic_begin(Training *t)
{
    Automatic *a = &t->state.automatic;
    double asked = t->optim->hyper[DGM_ADAM_LR].value;

    if (!training_is_automatic(t))
        return;
    if (a->rate == 0) {
        Real *start = dgm_slab_new((size_t)t->s.model->param_reals);

        a->first = first_objective(t);
        a->first = isfinite(a->first) ? a->first : DBL_MAX;   /* nothing has been gained yet */
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
