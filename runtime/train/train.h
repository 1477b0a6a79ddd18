/* train.h - everything inside train/, sectioned by the file that implements it.
 *
 * The folder is the command line of a trainer: options become a Session (model, parameters,
 * random seed, threads), data sets are bound to programs, and each command is one function over
 * those. Pointers that a `_new`/`_open` returns are released by the matching `_free`/`_close`.
 * User mistakes and machine failures end the process through dgm_fail.
 */
#ifndef DGM_TRAIN_H
#define DGM_TRAIN_H

#include "dgm.h"

#include "data/data.h"
#include "optim/stationary.h"
#include "train/checkpoint.h"

#include <jansson.h>

/* ---- options.c, options.def ----------------------------------------------------------------- */

typedef enum { KIND_FLAG, KIND_TEXT, KIND_LIST, KIND_COUNT, KIND_REAL } OptionKind;

/* Where a value came from; a larger one wins. */
typedef enum {
    FROM_NOWHERE, FROM_DEFAULT, FROM_MODEL, FROM_CONFIG, FROM_ENVIRONMENT, FROM_RUN, FROM_COMMAND
} OptionSource;

typedef struct OptionRow {
    const char *name;                  /* without dashes; a single letter takes one dash */
    OptionKind kind;
    const char *argument;              /* how the help calls it; NULL for a flag */
    const char *otherwise;             /* default, or NULL */
    const char *environment;           /* variable, or NULL */
    const char *commands;              /* letters of the commands that take it */
    const char *help;
} OptionRow;

typedef enum {
#define OPTION(id, name, kind, argument, otherwise, environment, commands, help) OPT_##id,
#include "train/options.def"
#undef OPTION
    N_OPTIONS
} OptionId;

typedef struct OptionValue {
    char **text;                       /* n values as written; more than one only for a list */
    int n;
    OptionSource source;
} OptionValue;

typedef struct Options Options;

typedef struct Command {
    char letter;                       /* in the commands column of options.def */
    const char *name, *operand;        /* operand: "DIR", or NULL if it takes none */
    const char *summary;
    const char *example;               /* {self}, {data}, {test} are filled in */
    int (*run)(Options *o);      /* returns the exit code */
} Command;

struct Options {
    const char *program;               /* argv[0] */
    const DgmModel *model;
    const Command *command;
    const char *operand;               /* DIR as written, or NULL */
    OptionValue value[N_OPTIONS];
};

const OptionRow *option_row(OptionId id);
const char *option_source_name(OptionSource source);
const char *option_dashes(const OptionRow *row);             /* "-" or "--" */
void options_parse(Options *o, int argc, char **argv);       /* the words after the command */
void options_complete(Options *o);                           /* environment, model, defaults */
void options_of_gradients(Options *o);  /* what the train block says of batches, draws, clipping */
void options_free(Options *o);
/* Puts a value if its source is at least as strong as the present one. */
void option_drop(Options *o, OptionId id);
void option_put(Options *o, OptionId id, const char *text, OptionSource source);
bool option_given(const Options *o, OptionId id);
const char *option_text(const Options *o, OptionId id);      /* NULL if there is none */
uint64_t option_count(const Options *o, OptionId id, uint64_t otherwise);
double option_real(const Options *o, OptionId id, double otherwise);
bool option_flag(const Options *o, OptionId id);
bool parse_count(const char *text, uint64_t *value);         /* digits only */
bool parse_real(const char *text, double *value);            /* finite */
int edit_distance(const char *a, const char *b);
char *text_copy(const char *text);

/* ---- cli.c, help.c -------------------------------------------------------------------------- */

int command_count(void);
const Command *command_row(int i);
void help_overview(const DgmModel *model, const char *program);
void help_command(const Options *o);
void help_json(const DgmModel *model, const char *program);
void print_example(const DgmModel *model, const char *program, const char *example);

/* ---- files.c -------------------------------------------------------------------------------- */

char *path_join(const char *dir, const char *name);          /* to be freed */
bool path_exists(const char *path);
bool path_is_directory(const char *path);
bool path_ends(const char *path, const char *ending);
void directory_make(const char *dir);                        /* with those above it; writable */
void file_write(const char *path, const char *text);         /* output.c's guarantees */
void file_keep_as(const char *from, const char *to);         /* second name, then replaceable */
void stdout_finish(void);                                    /* flushed, or a proper failure */

/* ---- session.c: model, parameters and data brought together --------------------------------- */

typedef struct Session {
    const DgmModel *model;
    const Options *options;
    uint64_t seed;
    int threads;
    bool quiet;
    Real *param, *grad;                /* [param_reals] each; grad only where a command needs it */
} Session;

typedef struct DataSet {
    const DgmModel *model;
    DgmSource *source;                 /* NULL: made up, or no data at all */
    SourceBuffers *buffers;            /* of the present batch; NULL without a source */
    Real **made;                       /* [n_data] made-up arrays, else NULLs */
    long N;
} DataSet;

Session session_open(const Options *o);
void session_close(Session *s);
void session_note(const Session *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));                   /* to stderr unless quiet */
void params_initialise(const DgmModel *model, uint64_t seed, Real *param);
const DgmParam *params_nonfinite(const DgmModel *model, const Real *slab); /* first, or NULL */

/* Opens the files of option `id` (--data or --valid). */
DataSet data_open(const Session *s, OptionId id, double scale);  /* scale 0: that of --scale */
/* --data with some arrays left out: optional[i] says which may be. */
DataSet data_open_some(const Session *s, const bool *optional);
DataSet data_none(const DgmModel *model, long N);            /* N rows still to be drawn */
DataSet data_synthetic(const DgmModel *model, long N, uint64_t seed);
uint64_t data_set_hash(const DataSet *d);                    /* of all arrays; 0 if made up */
void data_close(DataSet *d);
void data_room(DataSet *d, long B);                          /* buffers for batches of B rows */
void data_in_order(DataSet *d, long first, long B);          /* rows first .. first + B - 1 */
void data_attach(DataSet *d, DgmCtx *c);                     /* again, after data_room */

/* Binds p for batches of B rows of d with S draws. The data set must outlive the context. */
void context_bind(const Session *s, DataSet *d, DgmCtx *c, const DgmProgram *p,
                  DgmPurpose purpose, long B, long S);
void context_unbind(DgmCtx *c);
const DgmProgram *program_needed(const DgmProgram *p, const char *command, const char *why_not);
int output_find(const DgmProgram *p, const char *name);      /* index, or -1 */
double program_work(const DgmProgram *p, long rows);         /* operations of a run, one draw */
bool output_is_draw(const DgmOutput *out);                   /* and not NAME.mean, NAME.sd */
typedef struct Moment {
    const char *when;                  /* "at step 12", "in the evaluation" */
    const char *help;                  /* or NULL */
} Moment;

/* Exit 5 with the name, formula and spec line of the term that is not finite. */
_Noreturn void fail_term(const DgmCtx *c, Moment moment);

/* ---- objective.c ---------------------------------------------------------------------------- */

typedef struct Report { double objective, elbo, kl, reconstruction; } Report;

/* Sums of per-datum values over `count` batches. */
typedef struct Running {
    const DgmModel *model;
    long count;
    double objective;
    double share[];                    /* [n_terms] with sign, without weight */
} Running;

double term_share(const DgmTerm *term, double value, double rows, double N);
double objective_value(const DgmCtx *c);                     /* per datum, of the last run */
bool model_has_latents(const DgmModel *model);
bool model_has_global_latents(const DgmModel *model);        /* one draw of them for all rows */
Running *running_new(const DgmModel *model);                 /* released by free */
void running_clear(Running *r);
void running_add(Running *r, const DgmCtx *c);
Report running_report(const Running *r);
double running_term(const Running *r, int t);                /* average value, without sign */

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

/* ---- metrics.c, progress.c, signals.c, runjson.c, pictures.c -------------------------------- */

typedef struct Curve { double *x, *y; long n, room; } Curve;

Metrics metrics_open(const char *dir, bool resume, uint64_t step);   /* NULL: none are kept */
void metrics_write(Metrics *m, json_t *line);                /* takes the line */
void metrics_close(Metrics *m);
json_t *json_number(double value);                           /* null if not finite */
void metrics_put(json_t *line, const char *prefix, const char *name, double value);
void metrics_put_running(json_t *line, const char *prefix, const Running *r);
Curve metrics_curve(const char *dir, const char *kind, const char *key);
void curve_free(Curve *curve);

typedef struct Progress {
    const char *what;                  /* first word of each line */
    uint64_t first, total;             /* counts at the start and at the end */
    double start, shown;               /* clock */
    bool redraw, quiet, drawn;
} Progress;

double clock_seconds(void);
Progress progress_begin(const char *what, uint64_t first, uint64_t total, bool quiet);
bool progress_due(const Progress *p);
void progress_show(Progress *p, uint64_t done, const char *text, const char *unit);
void progress_end(Progress *p, uint64_t done, const char *text, const char *unit);
void progress_break(Progress *p);                            /* clears the line for a message */
double progress_rate(const Progress *p, uint64_t done);

void signals_file_limit(void);                               /* EFBIG instead of SIGXFSZ */
void signals_begin(void);
void signals_end(void);
int signals_stop(void);                                      /* signal number, or 0 */
bool signals_save(void);                                     /* SIGUSR1 came since last asked */
_Noreturn void signals_reraise(int number);

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

/* ---- values.c: numbers by name -------------------------------------------------------------- */

typedef struct Shape { int rank; long axis[DGM_MAX_RANK + 1], count; } Shape;    /* rows first */

Shape shape_of(bool rows, long N, int rank, const long *axes);
Shape shape_of_variable(const DgmVariable *v, long N);
Shape shape_of_latent(const DgmLatent *z, long N);
/* Calls each (or not, NULL) with every name of a JSON object; exit 3 for one of no variable. */
void values_names(const DgmModel *m, const char *file, void (*each)(void *to, const char *name),
                  void *to);
/* The numbers of one name into x [s.count]; exit 3 if they have another shape. line: of the
 * spec. */
void values_read(const DgmModel *m, const char *file, const char *name, Shape s, int line,
                 double *x);
/* "w", "w[3]", "w[1, 2]" for element j. */
void element_text(const char *name, Shape s, long j, char *text, size_t size);
json_t *values_json(const double *x, Shape s, DgmElem elem);
json_t *reals_json(const Real *x, Shape s, DgmElem elem, double from);     /* x + from */
void json_write(json_t *root, const char *path);             /* takes root; "-" is stdout */

/* ---- support.c ------------------------------------------------------------------------------ */

/* Exit 3 if values x of the latents, from this file, lie outside of their supports. */
void supports_check(const DgmModel *m, DgmDensity *d, const char *file, const double *x);
/* Of values where the density is no number: refuses them if they are at an edge of a support. */
void supports_refuse_edge(const DgmModel *m, DgmDensity *d, const char *file, const double *x);
/* The same for bits, labels and counts, which have no free numbers; real ones pass. */
void whole_check(const DgmModel *m, const DgmVariable *v, Shape s, const char *file,
                 const double *x);

/* ---- generate.c, arrays.c: what programs return, gathered over batches ---------------------- */

typedef struct Gathered {
    const DgmProgram *program;
    long rows;                         /* N of outputs with a row axis */
    Real **value;                      /* [n_outputs] [rows or 1][count] */
} Gathered;

/* Runs p over the rows `first`, first + stride, ... (n of them) of d, or draws n rows. */
Gathered gather(const Session *s, DataSet *d, const DgmProgram *p, DgmPurpose purpose, long n,
                long stride, long batch);
void gathered_free(Gathered *g);
/* Rows 0, stride, ... of a data array, as Reals (to be released by dgm_slab_free). */
Real *gather_data(const Session *s, DataSet *d, int array, long n, long stride);
/* Can the model be sampled without any data? */
bool sample_is_free(const DgmModel *m);
/* Index of the picture-like output for data array `a` ("x.mean" before "x"), or -1. */
int output_for_data(const DgmProgram *p, const DgmModel *m, int a);
/* Writes to PATH.npy, PATH.csv, - or a directory. wanted[i]: outputs that npy and csv hold. */
void arrays_write(const char *path, const Gathered *g, const bool *wanted);
/* Originals of data array `a` above the gathered reconstructions. */
void reconstruction_grid(const Session *s, DataSet *d, const Gathered *g, int a, long n,
                         long stride, long h, long w, const char *path);

int command_sample(Options *o);
int command_encode(Options *o);
int command_reconstruct(Options *o);

/* ---- checkgrad.c, log_prob.c, info.c -------------------------------------------------------- */

int command_check_grad(Options *o);
int command_log_prob(Options *o);
int command_info(Options *o);
json_t *build_json(const DgmModel *m);                       /* versions, compiler, machine */

/* ---- simulate.c, report.c ------------------------------------------------------------------- */

/* Everything of a model drawn from its laws. */
typedef struct Simulation {
    const DgmModel *model;
    const DgmProgram *program;
    const DgmVariable *variables;
    const DgmSource *source;           /* NULL: no data */
    long N;
    DgmCtx c;                          /* c.out: the last draws */
    int n;
    Real **value;                      /* [n] what the laws read */
    bool *fixed;                       /* [n] value stays */
    int *output;                       /* [n] index of its draws, or -1 */
} Simulation;

Simulation simulation_new(const DgmModel *m);                /* exit 2 if it cannot be simulated */
void simulation_bind(Simulation *s, const Session *session, DataSet *data);
int simulation_find(const Simulation *s, const char *name);  /* a variable, or -1 */
/* Draws what is not fixed, until every value is drawn given those that it reads. Each number has
 * draws of its own. */
void simulation_draw(Simulation *s, uint64_t number);
void simulation_settle(Simulation *s, uint64_t number);      /* the same; draws may be no number */
void simulation_free(Simulation *s);
int command_simulate(Options *o);

/* ---- summary.c: means, sds and quantiles of draws -------------------------------------------- */

typedef struct Quantity {
    const char *name;
    Shape shape;
    DgmElem elem;
    double *draws;                     /* [M][shape.count] */
} Quantity;

/* Of M draws with these weights (sum 1), or with equal ones: NULL. */
void summaries_print(const Quantity *q, int n, long M, const double *weight);
/* {"mean": .., "sd": .., "q05": .., "q50": .., "q95": ..}, each in the shape of the quantity. */
json_t *summary_json(const Quantity *q, long M, const double *weight);
json_t *quantity_json(const Quantity *q, long M);            /* the draws, first axis */

/* ---- report.c, posterior.c ------------------------------------------------------------------- */

typedef struct Reporting {
    const DgmModel *model;
    long M, N;
    double **latent;                   /* [n_latents] [M][count] */
    Quantity *quantities;              /* of report and predict */
    int n;
} Reporting;

/* Quantities for each draw of the latents in r. */
void report_all(Reporting *r, const Session *session, DataSet *d);
void reporting_free(Reporting *r);
int command_report(Options *o);
int command_posterior(Options *o);

#endif
