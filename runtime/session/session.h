/* session.h - a command line, a model and its data brought together; what all commands use.
 *
 * Options become a Session (model, parameters, random seed, threads), data sets are bound to
 * programs. Sectioned by the file that implements it. Pointers that a `_new`/`_open` returns are
 * released by the matching `_free`/`_close`. User mistakes and machine failures end the process
 * through dgm_fail.
 */
#ifndef DGM_SESSION_H
#define DGM_SESSION_H

#include "data/data.h"
#include "session/options.h"

#include <jansson.h>

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
json_t *json_number(double value);                           /* null if not finite */
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

/* ---- arrays.c: what programs return, gathered over batches ----------------------------------- */

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
/* ---- progress.c, signals.c ------------------------------------------------------------------ */

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

/* ---- build.c --------------------------------------------------------------------------------- */

json_t *build_json(const DgmModel *m);                       /* versions, compiler, machine */

#endif
