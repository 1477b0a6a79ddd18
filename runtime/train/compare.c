/* compare.c - what one point of a run has gained over another.
 *
 * Both are evaluated in pairs on the same rows and random numbers; what can be said of the mean of
 * the differences is in optim/stationary.h. Tolerance: 0.005 nats for each number of a latent, 0.02
 * at least (a mean that is off by 0.1 standard deviations costs 0.005 nats); where no latent is
 * shared by all rows, also a ten-thousandth of all that has been gained since the start.
 */
#include "train/train.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double TOLERANCE = 5e-3, SHARE = 1e-4, NOISE_SHARE = 0.2;
enum { FEWEST_PAIRS = 16, FEWEST_NUMBERS = 4, FIRST_BATCHES = 100 };

/* ---- evaluations ----------------------------------------------------------------------------- */

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

/* ---- the tolerance --------------------------------------------------------------------------- */

double latent_numbers(const Training *t)
{
    const DgmProgram *p = t->s.model->encode;
    double n = 0;

    for (int i = 0; p != NULL && i < p->n_outputs; i++)
        if (output_is_draw(&p->outputs[i]))
            n += (double)p->outputs[i].count * (double)(p->outputs[i].rows ? t->plan.N : 1);
    return n > 0 ? n : (double)t->plan.N;
}

double compare_tolerance(const Training *t)
{
    return TOLERANCE * fmax(FEWEST_NUMBERS, latent_numbers(t));
}

/* In nats per row, as objectives are. */
static double tolerance(const Training *t, double reached)
{
    double absolute = compare_tolerance(t) / (double)t->plan.N;
    double relative = SHARE * (reached - t->state.automatic.first);

    return model_has_global_latents(t->s.model) ? absolute : fmax(absolute, relative);
}

/* ---- the test -------------------------------------------------------------------------------- */

static Judgement judgement(const Automatic *a)
{
    if (a->limit < 0)
        return -a->limit > a->tolerance ? LOST : SMALL;
    return a->limit < a->tolerance ? SMALL : OPEN;
}

Judgement compare_points(Training *t, const Real *now, const Real *before, long most)
{
    Automatic *a = &t->state.automatic;
    long n = 0;
    double *difference, reached = 0, iterate = 0;
    Probe p;

    probe_open(&p, t, most);
    most /= (long)p.batches;
    most = most > FEWEST_PAIRS ? most : FEWEST_PAIRS;
    difference = dgm_alloc((size_t)most * sizeof *difference);
    /* Pairs are added until something can be said. */
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

void compare_begin(Training *t)
{
    Automatic *a = &t->state.automatic;
    Probe p;

    a->first = 0;
    probe_open(&p, t, FIRST_BATCHES);
    for (uint64_t n = 0; n < FEWEST_PAIRS; n++)
        a->first += probe(&p, t->s.param, n) / FEWEST_PAIRS;
    probe_close(&p);
    a->first = isfinite(a->first) ? a->first : DBL_MAX;      /* nothing has been gained yet */
}
