/* train.h - training, and what a trained model is asked: bounds, samples, codes.
 *
 * Sectioned by the file that implements it; conventions are those of session.h.
 */
#ifndef DGM_TRAIN_H
#define DGM_TRAIN_H

#include "optim/stationary.h"
#include "session/session.h"
#include "train/checkpoint.h"

/* ---- evaluate.c ----------------------------------------------------------------------------- */

/* Averages of the terms over a data set; N is what global terms are divided by; moment: for
 * fail_term. */
Running *evaluate_terms(const Session *s, DataSet *d, long batch, long samples, double N,
                        Moment moment);
/* The same, each term the mean over passes with random numbers of their own. */
Running *evaluate_passes(const Session *s, DataSet *d, long batch, long samples, long first,
                         long passes, double N, Moment moment);

typedef struct Likelihood {
    bool known, per_row;
    double mean, se, total;            /* nats; se over rows, NaN if there are none */
} Likelihood;

/* The importance-weighted bound of K draws; per row if all latents are local. */
Likelihood evaluate_likelihood(const Session *s, DataSet *d, long batch, long K);
int command_eval(Options *o);

/* ---- state.c: a run on disk ----------------------------------------------------------------- */

/* Where `optimizer auto` stands (automatic.c); all 0: not begun. */
typedef struct Automatic {
    double rate;                       /* of the steps now */
    double first;                      /* objective at the start */
    uint64_t from, upto, stride;       /* the window; steps between the iterates in its mean */
    uint64_t length;                   /* of the window before */
    int windows, tests, small, retreats;       /* small: windows in a row that gained nothing */
    DgmGain gain;                      /* of the last window over the one before, nats per row */
    double limit, tolerance;           /* the gain is surely below the limit */
    double noise;                      /* what the last iterate lacks of the mean of the window */
    long draws;                        /* of the last climb (fixed_draws.c) */
    bool converged;
} Automatic;

/* What a checkpoint holds besides parameters and optimiser slabs. */
typedef struct RunState {
    uint64_t step, total;              /* steps done; steps planned */
    uint64_t seed, data_hash;
    long batch, N;
    int samples;
    char optimizer[32];
    double best;                       /* best validation objective so far, NaN: none */
    uint64_t best_step;
    Running *window, *epoch;           /* since the last line of metrics; since the epoch began */
    Automatic automatic;
} RunState;

void state_save(const Session *s, DgmOptim *optim, const RunState *state, const char *dir,
                const char *name);
/* Reads a checkpoint; optim NULL: parameters only. Wrong or foreign files end with exit code 6; so
 * do, when optim is given, a seed, batch, N or optimiser other than what `state` says already. */
void state_load(const Session *s, DgmOptim *optim, RunState *state, const char *path);
/* Path of the checkpoint that a command should use (to be freed). */
char *state_choose(const Options *o);
char *state_last(const char *dir);                           /* last, or previous with a warning */
/* True if the file is a whole checkpoint, whatever it holds; why: what is wrong with it. */
bool state_readable(const char *path, char *why, size_t size);

/* ---- train.c, loop.c ------------------------------------------------------------------------ */

typedef struct Metrics { FILE *file; char *path; } Metrics;

/* How a run goes, all in steps; a function of the options and N alone. */
typedef struct Plan {
    long batch, N;
    uint64_t per_epoch;                /* floor(N / batch), at least 1 */
    uint64_t total, log_every, save_every;
    uint64_t report_every;             /* epoch lines, validation: whole epochs, about 200 a run */
} Plan;

typedef struct Training {
    Session s;
    DataSet train, valid;
    bool has_valid;
    Plan plan;
    DgmOptim *optim;
    DgmCtx c;
    RunState state;
    const char *dir;                   /* NULL: nothing is kept */
    bool silent;                       /* no notes, but progress */
    Metrics metrics;
    Real *best_param;                  /* [param_reals] of state.best_step */
    bool best_pending;                 /* best_param is newer than best.safetensors */
    uint64_t saved_step;               /* of last.safetensors */
    double saved_clock, window_clock;
    char when[40], help[600];          /* text of a Moment */
} Training;

int command_train(Options *o);
/* A run in t->dir, ready for its first step, or for the next one. */
void training_open(Training *t, Options *o, bool resume);
void training_close(Training *t);
void training_loop(Training *t);       /* to its end, or to a signal */
void training_run(Training *t);        /* the program of step state.step, with its update */
void training_save(Training *t);       /* best if pending, then last */

/* ---- compare.c: what has been gained --------------------------------------------------------- */

/* By these parameters over those before: nothing can be excluded; less than the tolerance; it is a
 * loss; it is little beside what t->s.param lacks of `now`. */
typedef enum { OPEN, SMALL, LOST, NOISY } Judgement;

double latent_numbers(const Training *t);                    /* drawn; if none are, the rows */
double compare_tolerance(const Training *t);                 /* in nats, of all data */
void compare_begin(Training *t);       /* takes the objective where the run begins */
/* By most * 3 evaluations of a batch or fewer (but 16 pairs at least), and test number ++tests of
 * state.automatic, where gain, limit, tolerance and noise are put. */
Judgement compare_points(Training *t, const Real *now, const Real *before, long most);

/* ---- fixed_draws.c: quasi-Newton steps on a bound with fixed draws --------------------------- */

const char *fixed_draws_why_not(const Training *t);          /* NULL: they suit the run */
bool fixed_draws_fit(Training *t);     /* false: no number at the start */

/* ---- automatic.c: `optimizer auto` ----------------------------------------------------------- */

bool training_is_automatic(const Training *t);
void automatic_begin(Training *t);     /* before the first step of a run, or of a resumed one */
void automatic_after_step(Training *t);
bool automatic_retreat(Training *t);   /* from numbers that are not finite; false: no more */
bool automatic_done(const Training *t);
const Real *automatic_result(const Training *t);             /* what a run has come to */
void automatic_end(Training *t);       /* the parameters become the result */

/* ---- metrics.c, runjson.c, pictures.c -------------------------------------------------------- */

typedef struct Curve { double *x, *y; long n, room; } Curve;

Metrics metrics_open(const char *dir, bool resume, uint64_t step);   /* NULL: none are kept */
void metrics_write(Metrics *m, json_t *line);                /* takes the line */
void metrics_close(Metrics *m);
void metrics_put(json_t *line, const char *prefix, const char *name, double value);
void metrics_put_running(json_t *line, const char *prefix, const Running *r);
Curve metrics_curve(const char *dir, const char *kind, const char *key);
void curve_free(Curve *curve);

void runjson_write(const Training *t, bool resume);
json_t *runjson_read(const char *path);                      /* NULL if there is none */
/* Options recorded in a run.json, as values from the given source. */
void runjson_options(Options *o, const char *path, OptionSource source);
void runjson_options_of(Options *o, const char *dir);        /* of DIR/run.json, FROM_RUN */

/* Side lengths if a row of the array looks like an image: [h,w], [h,w,1], or a square number. */
bool image_shape(int rank, const long *shape, long count, long *h, long *w);
/* Grid of n images [h][w]; the model's bounds for `data` (or the values) become black and white. */
void image_grid(const char *path, const DgmData *data, const Real *pixels, long n, long h, long w,
                long columns);
/* samples.png, reconstructions.png and loss.png where they make sense; names of those written are
 * printed on stdout unless quiet. */
void pictures_of_run(const Session *s, DataSet *d, const char *dir);

/* ---- generate.c ------------------------------------------------------------------------------ */

/* Originals of data array `a` above the gathered reconstructions. */
void reconstruction_grid(const Session *s, DataSet *d, const Gathered *g, int a, long n,
                         long stride, long h, long w, const char *path);

int command_sample(Options *o);
int command_encode(Options *o);
int command_reconstruct(Options *o);

/* ---- checkgrad.c ----------------------------------------------------------------------------- */

int command_check_grad(Options *o);

#endif
