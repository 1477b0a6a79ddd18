/* dgm.h - the one header that emitted C includes, and the whole public runtime.
 *
 * A trainer is: the emitted tables and programs (what the model *is*) plus this library (reading
 * data, random numbers, optimisers, checkpoints, metrics, pictures, the command line). Emitted
 * main() is `return dgm_main(&model, argc, argv);`. Hand-written trainers use the same calls.
 *
 * Precision is a property of a build: the same sources make libdgm_f32.a and libdgm_f64.a.
 * Sizes are long, counts of bytes size_t. Objectives, terms and log-likelihoods are in nats.
 * Ownership: what a `_new`/`_open`/`_read` returns is freed by the matching `_free`. Pointers in
 * DgmModel tables are static. Errors that a user can cause go through dgm_fail (core/fail.c).
 */
#ifndef DGM_H
#define DGM_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define DGM_VERSION "0.1.0"
#define DGM_ABI_MAJOR 1
#define DGM_ABI_MINOR 5
#define DGM_MAX_RANK 8                 /* axes of one array; reported by the compiler as E-limit */

#ifdef DGM_F64
typedef double Real;
#else
typedef float Real;
#endif

/* ---- the model tables: what the compiler writes -------------------------------------------- */

typedef enum { DGM_ELEM_REAL, DGM_ELEM_BIT, DGM_ELEM_COUNT, DGM_ELEM_INDEX } DgmElem;

/* How a parameter starts. a, b: uniform(a, b), normal(mean a, sd b), constant a. */
typedef enum { DGM_INIT_CONST, DGM_INIT_UNIFORM, DGM_INIT_NORMAL } DgmInit;

/* A trainable tensor, stored on the unconstrained scale, row-major. */
typedef struct DgmParam {
    const char *name;                  /* "decoder.dense_1.W", "sigma", "z.mu" */
    int rank;
    long shape[DGM_MAX_RANK];
    long offset, count;                /* in Reals, into DgmCtx.param and .grad; offset % 16 == 0 */
    DgmInit init;
    double a, b;
    const char *support;               /* declared support, e.g. "real", "positive" */
    int line;                          /* of the spec */
    bool average;                      /* no gradient moves it: see dgm_average */
    const char *latent;                /* that the family draws by it (the first); NULL: none */
} DgmParam;

/* A data array of the model. Axes: the row plate first if `rows`, then `shape`. */
/* Has every cell of a data array a value in its file, and if it has no file, what is it made of?
 * `of` is the other array that a row names. */
typedef enum {
    DGM_CELLS_ALL,                     /* every cell has one */
    DGM_CELLS_MISSING,                 /* some may be NA, or `sentinel` */
    DGM_CELLS_RAGGED,                  /* rows may be shorter: as long as `of` says */
    DGM_CELLS_LENGTHS,                 /* made: how long each row of `of` is (or read) */
    DGM_CELLS_ABSENT,                  /* made: 1 where `of` is missing */
    DGM_CELLS_PLACE                    /* made: how many are missing in `of` before the cell */
} DgmCells;

typedef struct DgmData {
    const char *name, *field;          /* field: what files call it, NULL: name */
    DgmElem elem;
    double from;                       /* first label in files; in the program it is 0 */
    DgmCells cells; const char *of;
    double sentinel;                   /* NaN: none */
    bool rows;                         /* has the minibatched plate as first axis */
    int rank;
    long shape[DGM_MAX_RANK];          /* axes after the plate */
    long count;                        /* product of shape: elements of a row (or of the whole) */
    double lower, upper;              /* every value lies in [lower, upper] (closed; inf allowed) */
    bool open_lower, open_upper;       /* bounds are excluded */
    bool whole;                        /* every value is a whole number, whatever elem is */
    const char *support; /* as written, for messages: "bit", "index(10)", "positive" */
    int line;
} DgmData;

/* What a term of the objective is, so that `elbo`, `kl` and `reconstruction` can be reported. */
typedef enum {
    DGM_TERM_LIKELIHOOD,               /* + E_q log p(data | ...)      -> reconstruction          */
    DGM_TERM_PRIOR,                    /* + E_q log p(latent)          -> -kl                     */
    DGM_TERM_ENTROPY,                  /* + H(q) or - E_q log q        -> -kl                     */
    DGM_TERM_JACOBIAN,                 /* + E_q log |dT|               -> -kl                     */
    DGM_TERM_KL,                       /* - KL(q || p), value is KL >= 0 -> kl                    */
    DGM_TERM_PENALTY,                  /* + log prior of a param, or a factor                     */
    DGM_TERM_BOUND                     /* + a bound of several draws; the others are shown beside */
} DgmTermKind;

typedef struct DgmTerm {
    const char *name;                  /* "x", "kl_z": legal C identifier */
    const char *formula;               /* "E_q[log bernoulli(x[n]; logits: decoder(z))]" */
    DgmTermKind kind;
    double sign;                       /* objective = sum sign * weight * value */
    bool local;                        /* a sum over rows of the batch; else once for all data */
    int line;                          /* of the spec */
    bool reported;                     /* only shown: no part of the objective */
} DgmTerm;

/* A named result of a program: axes are [rows][samples] shape. */
typedef struct DgmOutput {
    const char *name;                  /* site name: "x", "z", "z.mean", "z.sd", "log_weight" */
    bool rows, samples;
    int rank;
    long shape[DGM_MAX_RANK];
    long count;                        /* product of shape */
    DgmElem elem;
} DgmOutput;

/* What the free numbers of a latent are: its own, by the map of its support; those too, but they
 * could be its standard values (dgmc --noncenter); its standard values. */
typedef enum { DGM_CENTRED, DGM_NONCENTRABLE, DGM_NONCENTRED } DgmCentring;

/* A latent, or a parameter of the model, as the log_prob programs take it: DgmCtx.given[i] holds
 * [rows] shape values, or free_count free numbers a row. Its gradient is the output of its name. */
typedef struct DgmLatent {
    const char *name;
    bool rows;                         /* stands in the row plate */
    int rank;
    long shape[DGM_MAX_RANK];          /* axes after the plate */
    long count, free_count;            /* of a row */
    const char *support;               /* "positive", "simplex[3]" */
    DgmCentring centring;
    bool of_data;                      /* has a value for each position of a plate with data */
    int line;
} DgmLatent;

/* An input of a program that is given more than the latents: DgmCtx.given[i]. Its new value is the
 * output of its name, if it has one. */
typedef struct DgmVariable {
    const char *name;
    bool rows, data;                   /* stands in the row plate; is a data array */
    int rank;
    long shape[DGM_MAX_RANK];          /* axes after the plate */
    long count;                        /* of a row */
    DgmElem elem;
    double lower, upper;               /* every value lies in [lower, upper] */
    const char *support;               /* "bit", "index(3)", "positive" */
    const char *only_given;            /* NULL: it is an output; else why not */
    int line;
} DgmVariable;

typedef struct DgmCtx DgmCtx;

/* One compiled function over a batch.
 *   layout(c, NULL) returns the Reals needed for c->B and c->S; layout(c, slab) places buffers.
 *   run(c) reads c->param, c->data, c->given; writes c->terms, c->grad, c->out. */
typedef struct DgmProgram {
    const char *name;
    const DgmTerm *terms; int n_terms; /* NULL, 0: it has none */
    size_t (*layout)(DgmCtx *c, Real *slab);
    void (*run)(DgmCtx *c);
    size_t state_bytes;                /* of the emitted struct of buffer pointers, c->state */
    int n_tasks;                       /* parameter panels updated by run: size of c->norm2 */
    double flops_once, flops_row, flops_draw;          /* estimate per call, row, draw of a row */
    const DgmOutput *outputs;
    int n_outputs;
    const DgmVariable *variables; int n_variables;    /* NULL, 0: given are the model's latents */
    const struct DgmProgram *once;     /* run when the data come: its outputs are given, behind the
                                          latents; NULL: none */
} DgmProgram;

/* What `predict` names: an output of simulate. The discrete latents `anew` are drawn with it, from
 * their laws; the others are those of `states`. */
typedef struct DgmPredicted {
    const char *name;
    const char *const *anew; int n_anew;
    double from;                       /* first label in files; in the program it is 0 */
} DgmPredicted;

/* Where `states` puts a discrete latent: a number for each of its states, on the last axis. */
typedef struct DgmState {
    const char *latent, *table;        /* variable of simulate, output of states */
} DgmState;

typedef struct DgmNumber { const char *name; double value; } DgmNumber;

typedef struct DgmModel {
    const char *name, *spec_path, *spec_hash, *dgmc_version;
    int abi_major, abi_minor, real_bytes;
    const char *objective;             /* "elbo", "map", "likelihood" */
    const char *formula;               /* one line, for info */
    const DgmParam *params;  int n_params;  long param_reals;   /* slab size */
    const DgmData  *data;    int n_data;
    const DgmTerm  *terms;   int n_terms;             /* of the objective: of step and eval */
    const DgmLatent *latents; int n_latents;
    const char *const *sizes; const long *size_values; int n_sizes;   /* bound at compile time */
    const char *plate;                 /* name of the row plate's size ("N"), NULL if none */
    long fixed_rows;                   /* > 0: the spec says the number of rows, `y[5]` */
    bool full_batch;                   /* minibatching is not licensed (reason below) */
    const char *full_batch_reason;
    /* programs; NULL where the model has none */
    const DgmProgram *step;            /* terms + gradient (+ update) on a training batch */
    const DgmProgram *eval;            /* terms only, same random streams as step */
    const DgmProgram *weight;          /* output log_weight: log p(x,z) - log q(z), per row if all
                                          latents are local, else one per sample for all data */
    const DgmProgram *sample;          /* latents from the prior, data from the likelihood */
    const DgmProgram *encode;          /* NAME.mean, NAME.sd (and NAME: one draw) of each latent */
    const DgmProgram *reconstruct;     /* mean of each data site given z ~ q */
    const DgmProgram *constrain;       /* params on their own support */
    const DgmProgram *log_prob;        /* terms: log joint at given values; outputs: its gradient by
                                          each latent */
    const DgmProgram *log_prob_free;   /* the same at free numbers, with the Jacobian's terms */
    const DgmProgram *to_values, *to_free;            /* of each latent, given the other form */
    /* log_prob_free and to_values where all latents that can be are non-centred; NULL: none can */
    const DgmProgram *log_prob_noncentred, *to_values_noncentred;
    const DgmProgram *simulate;        /* each of its variables drawn anew, given the others */
    const DgmProgram *report;          /* the report quantities, given latents and tables */
    const DgmProgram *marginals, *modes;  /* the tables, given latents and tables of zeros */
    const DgmProgram *states;          /* tables with 1 at the states drawn, from their posterior */
    const DgmState *state_tables; int n_state_tables;
    const DgmPredicted *predicted; int n_predicted;
    /* defaults from the train block */
    const char *optimizer;             /* "adam"; NULL: the trainer chooses */
    const char *const *hyper_names; const double *hyper_values; int n_hyper;
    long batch;                        /* 0: whole data */
    double epochs;                     /* 0: not given */
    long steps;                        /* 0: not given */
    int samples;                       /* S of the objective; 0: not given */
    double clip; long seed;            /* 0: not given */
    bool guided;                       /* the spec says what latents are drawn from, or how */
    bool estimated;                    /* the gradient of step is right in its mean only: no
                                          derivative of what one run of it computes */
    const char *cc, *cflags;           /* how it was compiled */
    const DgmNumber *numbers; int n_numbers;   /* arguments that are no sizes, as compiled */
} DgmModel;

/* In every emitted file: its tables. Compiled with -DDGM_NO_MAIN it has no main(). */
const DgmModel *dgm_model(void);

/* ---- core: running a program --------------------------------------------------------------- */

typedef struct DgmOptim DgmOptim;
typedef struct DgmSource DgmSource;

/* Streams of random numbers by purpose; results never depend on threads or on call order. */
typedef enum {
    DGM_STREAM_TRAIN = 1, DGM_STREAM_EVAL, DGM_STREAM_WEIGHT, DGM_STREAM_SAMPLE, DGM_STREAM_INIT,
    DGM_STREAM_SHUFFLE, DGM_STREAM_BINARISE, DGM_STREAM_CHECK, DGM_STREAM_POSTERIOR,
    DGM_STREAM_STATES
} DgmPurpose;

/* Everything a running program sees. Filled by the trainer (train/) or by hand. */
struct DgmCtx {
    const DgmModel *model;
    const DgmProgram *program;
    Real *param;                       /* [param_reals] */
    Real *grad;                     /* [param_reals] gradient of the objective per datum (ascent) */
    Real *const *data;                 /* [n_data] converted rows [B][count], or whole [count] */
    Real *const *given;                /* [n_latents] values or free numbers; NULL: none needed */
    const long *rows;                /* [B] row numbers in the source: what dgm_load_rows fetches */
    DgmSource *source;                 /* NULL: c->data is already filled */
    long B;                            /* rows in this batch */
    long N;                            /* rows in the data set; the plate's scale is N / B */
    long S;                            /* samples */
    long first_row;                    /* number of row 0 in random streams (0 in training) */
    int threads;
    bool terms_only;                   /* outputs that are a gradient need not be made */
    uint64_t seed;
    uint64_t step;                     /* counter of the random streams */
    DgmPurpose purpose;
    double *weight;                    /* [n_terms] annealing factor, 1 unless scheduled */
    double *terms;                     /* [n_terms] of the program, out: raw sums over the rows */
    int bad_term;                   /* -1, or first term that was NaN or Inf: nothing was updated */
    Real **out;                        /* [n_outputs] set by layout */
    void *state;                       /* emitted struct of buffers */
    DgmOptim *optim;                   /* NULL: gradient only */
    double clip;                       /* > 0: global gradient norm is limited to this */
    double *norm2;                     /* [n_tasks] squared gradient norm by panel */
    double grad_norm;                  /* out */
};

/* core/slab.c - one aligned allocation (64 bytes), then none. dgm_slab_take advances *at by n
 * Reals rounded up to 16; with slab NULL it only counts. */
Real *dgm_slab_new(size_t reals);
void  dgm_slab_free(Real *slab);
Real *dgm_slab_take(Real *slab, size_t *at, size_t reals);

/* core/run.c - binds a program to a context: sizes, layout, allocation. dgm_unbind frees. */
void dgm_bind(DgmCtx *c, const DgmProgram *p, long B, long S);
void dgm_unbind(DgmCtx *c);

/* core/threads.c - fixed partition of B rows into chunks: depends on B only, never on threads.
 * Bitwise equality for any thread count rests on it. dgm_chunk: rows [*r0, *r1) of chunk k. */
long dgm_chunks(long B);
void dgm_chunk(long B, long k, long *r0, long *r1);
int  dgm_threads_default(void);        /* DGM_THREADS, OMP_NUM_THREADS, physical cores */
void dgm_blas_setup(void);             /* single-threaded BLAS; called once */
const char *dgm_blas_name(void);       /* "OpenBLAS 0.3.21 ... SkylakeX" */
const char *dgm_blas_warning(void);    /* NULL, or a sentence: library runs below the processor */
const char *dgm_cpu_name(void);

/* core/terms.c - ordered sum of per-chunk partial sums [chunks][n_terms] into c->terms; sets
 * c->bad_term. Called by one thread. */
void dgm_sum_terms(DgmCtx *c, const double *partial, long chunks);

/* core/fail.c - the user's mistakes and the machine's. Exit codes are documented in README.md. */
typedef enum {
    DGM_OK = 0, DGM_EXIT_FAILED = 1, DGM_EXIT_USAGE = 2, DGM_EXIT_DATA = 3, DGM_EXIT_IO = 4,
    DGM_EXIT_NUMERIC = 5, DGM_EXIT_CHECKPOINT = 6, DGM_EXIT_DOUBT = 7, DGM_EXIT_INTERNAL = 70
} DgmExit;
_Noreturn void dgm_fail(DgmExit code, const char *help, const char *format, ...)
    __attribute__((format(printf, 3, 4)));   /* "error: ..." then "  help: ..." if help */
void dgm_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool dgm_stderr_redraws(void);         /* a terminal that obeys control sequences */
void *dgm_alloc(size_t bytes);         /* zeroed; fails with a sentence, never NULL */

/* core/rng.c - Philox4x32-10 (Salmon et al. 2011, via Random123). Element i of a stream is a pure
 * function of (seed, purpose, step, site, i): any subrange can be filled by any thread.
 * `site` is the number the compiler gave to the draw. */
void dgm_fill_uniform(const DgmCtx *c, uint32_t site, Real *dst, long first, long count);
void dgm_fill_normal(const DgmCtx *c, uint32_t site, Real *dst, long first, long count);
/* Gamma(shape[i], 1) by Marsaglia & Tsang (2000), rejection with the element's own stream. */
void dgm_fill_gamma(const DgmCtx *c, uint32_t site, Real *dst, const Real *shape, long first,
                    long count);
/* Poisson(mean[i]) and Binomial(n[i], p[i]) by Hormann (1993), white balls among n[i] drawn from
 * a[i] white and b[i] black ones, sample/counts.c; von Mises angles of concentration[i] about 0 by
 * Best & Fisher (1979). NaN where a parameter is outside its domain. */
void dgm_fill_poisson(const DgmCtx *c, uint32_t site, Real *dst, const Real *mean, long first,
                      long count);
void dgm_fill_binomial(const DgmCtx *c, uint32_t site, Real *dst, const Real *n, const Real *p,
                       long first, long count);
void dgm_fill_hypergeometric(const DgmCtx *c, uint32_t site, Real *dst, const Real *n,
                             const Real *a, const Real *b, long first, long count);
void dgm_fill_von_mises(const DgmCtx *c, uint32_t site, Real *dst, const Real *concentration,
                        long first, long count);
uint64_t dgm_random_u64(uint64_t seed, DgmPurpose purpose, uint64_t a, uint64_t b);
double   dgm_random_unit(uint64_t seed, DgmPurpose purpose, uint64_t a, uint64_t b); /* (0,1) */

/* ---- math: special.c (scalar, exact to a few ulp) and vmath.h (inlined, vectorisable) -------- */
#include "math/special.h"
#include "math/vmath.h"

/* ---- kernel: products and factorizations (kernel/README in the .c files); twins in ref.c */
/* C[m,n] = beta C + op(A)[m,k] op(B)[k,n], row-major, single-threaded; ta/tb: operand is stored
 * transposed. beta is 0 or 1. The seam for own register tiles. */
void dgm_gemm(bool ta, bool tb, long m, long n, long k, const Real *A, long lda, const Real *B,
              long ldb, Real beta, Real *C, long ldc);
/* y[m] = beta y + op(A) x; A is [m,n] as stored (ta: [n,m]). */
void dgm_gemv(bool ta, long m, long n, const Real *A, long lda, const Real *x, long incx, Real beta,
              Real *y, long incy);
Real dgm_dot(long n, const Real *x, long incx, const Real *y, long incy);
void dgm_ger(long m, long n, const Real *x, long incx, const Real *y, long incy, Real beta, Real *A,
             long lda);                /* A = beta A + x y' */
/* L L' = A for each of `batch` row-major n x n matrices; upper part of L is zeroed. A not positive
 * definite fills L with NaN (the trainer then names the term). */
void dgm_cholesky(long batch, long n, const Real *A, Real *L);
/* Y = A^-1 for each of `batch` row-major n x n matrices, n <= 4096; NaN where A is singular. */
void dgm_inverse(long batch, long n, const Real *A, Real *Y);
/* X = L^-1 B (or L^-T B when trans) for `batch` lower-triangular L [n,n] and B [n,m]. */
void dgm_trisolve(long batch, bool trans, long n, long m, const Real *L, const Real *B, Real *X);

/* kernel/scan.c - out[t] = step(state, each[t], fixed) for all steps, from the last to the first if
 * reverse; state: what the step before put out, of which the step reads the first elements, and at
 * the first `state`. The program `step` is given the three vectors and has one output of n_out
 * Reals. each is [steps][n_each], out [steps][n_out]. */
void dgm_scan(const DgmProgram *step, long steps, bool reverse, long n_each, long n_out,
              const Real *state, const Real *each, const Real *fixed, Real *out);

/* ---- optim: optim.c holds the table; one file per rule --------------------------------------- */
/* Ascends the objective. Moments live beside the parameters: m, v [param_reals] each. */
DgmOptim *dgm_optim_new(const char *name, const DgmModel *model);
void      dgm_optim_free(DgmOptim *o);
bool      dgm_optim_set(DgmOptim *o, const char *hyper, double value);  /* false: unknown name */
void      dgm_optim_begin(DgmOptim *o, uint64_t step, uint64_t total);  /* schedules; one thread */
int       dgm_optim_state(DgmOptim *o, const char **names, Real **slabs); /* for checkpoints */
/* Called by emitted code for one panel of one parameter when its gradient is ready: records its
 * squared norm in c->norm2[task]; updates at once unless clipping is on. Any thread. */
void dgm_update(DgmCtx *c, long task, long offset, long count);
/* The same for a parameter that follows a moving average: its gradient says how far it is from the
 * value of this step, of which it takes a tenth, and of the first ones more. No part of the
 * gradient norm. */
void dgm_average(DgmCtx *c, long task, long offset, long count);
/* After all panels, one thread: c->grad_norm, in panel order. */
void dgm_update_norm(DgmCtx *c);
/* With clipping on, after dgm_update_norm: the update of one panel. Any thread. */
void dgm_update_clipped(DgmCtx *c, long offset, long count);

/* ---- data ---------------------------------------------------------------------------------- */
/* Fetches rows c->rows[r0..r1) of every row-plated array into c->data, converted to Real. Called
 * by emitted code first thing in a chunk; no allocation. No-op if c->source is NULL. */
void dgm_load_rows(DgmCtx *c, long r0, long r1);

/* ---- density: the log joint, for a sampler or optimiser of one's own ------------------------- */
/* A model with its data (density/density.c). The latents and parameters, in the order of
 * DgmModel.latents and row-major, are one vector: u [dimension], free numbers on all of R^n, or
 * values [dgm_density_values] on their own supports. One density serves one thread at a time. */
typedef struct DgmDensity DgmDensity;
/* data: as after --data, "FILE" or "NAME=FILE". NULL and a sentence in error[size] if the data do
 * not fit or the model has no log_prob. */
DgmDensity *dgm_density_create(const DgmModel *model, const char *const *data, int n_data,
                               char *error, size_t size);
long   dgm_density_dimension(const DgmDensity *d);
long   dgm_density_values(const DgmDensity *d);
/* Log joint density at constrain(u) plus the log Jacobian of that map; its gradient by u, if
 * wanted, in gradient [dimension]. -inf outside the support, NaN where a term is undefined. */
double dgm_density_log_density_gradient(DgmDensity *d, const double *u, double *gradient);
/* values: NaN in cells that do not count (latents of plates with a condition); there, what
 * dgm_density_unconstrain is given is not looked at. */
void   dgm_density_constrain(DgmDensity *d, const double *u, double *values);
void   dgm_density_unconstrain(DgmDensity *d, const double *values, double *u);
void   dgm_density_free(DgmDensity *d);

/* ---- train: the command line ----------------------------------------------------------------- */
int dgm_main(const DgmModel *model, int argc, char **argv);

#endif
