/* infer.h - everything inside infer/, sectioned by the file that implements it: a posterior density
 * of free numbers is approximated by a Gaussian, and draws of it are weighted.
 *
 * Vectors are double and row-major: draws [M][n]. Pointers that a `_new` returns are released by
 * the matching `_free`. Nothing here prints, reads files or knows a model.
 */
#ifndef DGM_INFER_H
#define DGM_INFER_H

#include "dgm.h"

/* ---- target.c: the density ------------------------------------------------------------------- */

/* log p(u), up to a constant, on R^n and its gradient [n] (or NULL); -inf or NaN: impossible. */
typedef double LogDensity(void *of, const double *u, double *gradient);

/* Bounds after each step of a climb, as they come. */
typedef struct Trace { double *bound; long n, room; } Trace;
void trace_add(Trace *trace, double bound);                  /* trace NULL: nothing */

typedef struct Target {
    long n;
    LogDensity *log_density;
    void *const *of;                   /* [copies], for as many threads */
    int copies;
    long evaluations;                  /* so far */
    double seconds;                    /* of one, as last measured */
    double work;                       /* of one, in operations, about; 0: next to nothing */
    const char *stage;                 /* what it is being evaluated for */
    Trace *trace;                      /* NULL: none is kept */
    /* Two labels change places, in one of so many ways: the density at v is that at u. */
    void (*exchange)(void *of, long way, const double *u, double *v);
    long exchanges;
    double labellings;                 /* orders of the labels that they lead to */
    bool (*late)(void *clock);         /* is it time to end with what there is? NULL: never */
    void *clock;
} Target;

bool target_late(const Target *t);

double target_at(Target *t, const double *u, double *gradient);
/* At each of M rows of U: values [M], and gradients [M][n] unless NULL. */
void target_rows(Target *t, long M, const double *U, double *value, double *gradient);

/* ---- lbfgs.c: descent ------------------------------------------------------------------------ */

/* f(x) and its gradient [n]; inf where f is not defined. */
typedef double Objective(void *of, const double *x, double *gradient);

typedef struct Descent {
    double f;                          /* at x */
    double slope;                      /* squared norm of the gradient in the scales */
    long iterations;
    bool converged;
} Descent;

typedef struct DescentRules {
    double tolerance;                  /* converged where slope / 2 is below this, or f stands */
    long iterations;                   /* at most */
    /* NULL, or called at each point that f has reached; false: end there. */
    bool (*visit)(void *of, const double *x, double f, const double *gradient);
} DescentRules;

/* Limited-memory BFGS (Nocedal & Wright 2006, algorithms 7.4 and 3.5) from x, in place. */
Descent lbfgs(Objective *f, void *of, long n, double *x, DescentRules rules);

/* ---- dense.c: small matrices, row-major ------------------------------------------------------ */

bool dense_cholesky(long n, double *A);                      /* lower, in place; zeros above */
double dense_dot(long n, const double *x, const double *y);
double dense_square(long n, const double *x);                /* |x|^2 */
void dense_solve_lower(long n, const double *L, double *x);  /* L^-1 x in place */
void dense_solve_rows(long M, long n, const double *L, double *X);     /* L^-1 x for each row x */
void dense_solve_rows_upper(long M, long n, const double *L, double *X);   /* L'^-1 x */
void dense_solve_upper(long n, const double *L, double *x);  /* L'^-1 x in place */
void dense_lower_inverse(long n, const double *L, double *inverse);
/* C[m,n] = beta C + op(A) op(B); inner size k. */
void dense_product(bool ta, bool tb, long m, long n, long k, const double *A, const double *B,
                   double beta, double *C);
/* X [M][n] times L [n][n], lower triangular, or its transpose; in place. */
void dense_times_lower(bool transposed, long M, long n, const double *L, double *X);
/* U [M][n] += E F', rows of E `stride` apart; F [n][rank]. */
void dense_times_factor(long M, long n, long rank, const double *E, long stride, const double *F,
                        double *U);
/* S [n][rank] = G' E / M. */
void dense_slope(long M, long n, long rank, const double *G, const double *E, long stride,
                 double *S);

/* ---- noise.c: standard normal numbers -------------------------------------------------------- */

/* [M][n], number `stream` of the seed. */
void noise_normal(uint64_t seed, uint64_t stream, long M, long n, double *E);
/* M even: pairs of e and -e whose second moments are those of the normal law, exactly if
 * M / 2 > n, so that a Gaussian density is integrated without error. */
void noise_balanced(uint64_t seed, uint64_t stream, long M, long n, double *E);

/* ---- start.c: where the mass may be ---------------------------------------------------------- */

/* A Gaussian at the mode or on the way to it: u = mean + factor e, factor [n][n] lower; with more
 * than MOST_DENSE numbers u = mean + sd e, and factor is NULL. */
enum { MOST_DENSE = 1200, MOST_MOVED = 10000 };
typedef struct Mode {
    double *mean, bound;               /* of a Gaussian there; -inf if a climb led elsewhere .. */
    double begun;                      /* .. and then what it was */
} Mode;
typedef struct Start {
    long n;
    double *mean, *sd, *factor;
    double elbo, spread;               /* of a few draws; sd of log p - log q over them */
    Mode *other;                       /* [others] modes seen besides, by falling bound; descents
                                          that end at the same one may make it several */
    long others;
    double log_density;                /* at the mode */
    bool found;                        /* else no point with a finite density was found */
    bool mode;                         /* it is where the descent ended */
} Start;

/* Where it is late, the first that is found. */
Start start_find(Target *t, uint64_t seed);
/* The highest mode that the descents reach, and the Gaussian of the curvature there; mode is
 * false where the density still rose at the end of the way. */
Start start_mode(Target *t, uint64_t seed);
/* By one descent from a point. */
Start start_from(Target *t, const double *from, uint64_t seed);
/* The Gaussian at a mode. */
Start start_at(Target *t, const double *mode, uint64_t seed);
/* The highest of s and its others is s then, if it is a mode indeed. */
void start_take_highest(Target *t, Start *s, uint64_t seed);
/* One descent from u, in place. */
void start_descend(Target *t, double *u);
/* The best bound of s and its others. */
double start_bound(const Start *s);
/* Adds a mode to the others, in falling order of their bounds; takes its mean. */
void start_keep(Start *best, Mode m);
void start_free(Start *s);

/* ---- far.c: modes far from there ------------------------------------------------------------- */

/* Modes far from that of s, as far as descents from the best of points about it lead to them, join
 * its others. */
void modes_far(Target *t, Start *s, uint64_t seed);

/* ---- gaussian.c: families of the free numbers ------------------------------------------------ */

typedef enum { FAMILY_MEANFIELD, FAMILY_LOWRANK, FAMILY_FULLRANK, N_FAMILIES } FamilyKind;

/* q(u) = normal(mean, factor factor' + diag(sd^2)): factor [n][rank], lower if rank is n. */
typedef struct Gaussian {
    FamilyKind kind;
    long n, rank;                      /* rank: 0 mean field, n full rank */
    double *mean, *sd, *factor;        /* sd: zeros in full rank */
} Gaussian;

const char *family_name(FamilyKind kind);
Gaussian gaussian_from(const Start *s, FamilyKind kind, long rank);
Gaussian gaussian_copy(const Gaussian *q);
void gaussian_free(Gaussian *q);
long gaussian_noise(const Gaussian *q);                      /* normal numbers of one draw */
void gaussian_draw(const Gaussian *q, long M, const double *E, double *U);
void gaussian_log_density(const Gaussian *q, long M, const double *U, double *value);
/* M balanced draws of q, from this stream of noise, into U [M][n], and log p - log q of each. */
void gaussian_log_ratio(const Gaussian *q, Target *t, uint64_t seed, uint64_t stream, long M,
                        double *U, double *ratio);
/* log q(u) and its gradient [n]; inner: of gaussian_inner, full rank: NULL. */
double gaussian_log_density_at(const Gaussian *q, const double *inner, const double *u,
                               double *gradient);
/* V = C^-1 (u - mean) for each row u of U. */
void gaussian_scores(const Gaussian *q, long M, const double *U, double *V);
/* Of a family with a diagonal: Cholesky factor [rank][rank] of I + F' sd^-2 F, to be freed; and
 * half the logarithm of the determinant of the covariance by it (of full rank: NULL). */
double *gaussian_inner(const Gaussian *q);
double gaussian_half_log_det(const Gaussian *q, const double *inner);
void gaussian_scale(Gaussian *q, double by);                 /* its standard deviations */
double *gaussian_factor(const Gaussian *q);                  /* Cholesky, [n][n]; to be freed */
void gaussian_covariance(const Gaussian *q, double *C);
void gaussian_sds(const Gaussian *q, double *sd);            /* of the free numbers */
/* Are its sds wide enough that doubles tell draws apart? Where they are not, differences of numbers
 * are rounded away, and a bound that is high because they vanish is none. */
bool gaussian_resolved(const Gaussian *q);

/* ---- mixture.c: several parts ---------------------------------------------------------------- */

/* q(u) = sum of weight_k q_k(u), weights of sum 1. A Gaussian is a mixture of one part. */
typedef struct Mixture {
    long n, parts;
    double *weight;                    /* [parts] */
    Gaussian *part;                    /* [parts] */
} Mixture;

enum { STREAMS_OF_PART = 10000000 };   /* of noise, from one part to the next */

Mixture mixture_new(long n);                                 /* of no part */
Mixture mixture_of(Gaussian q);                              /* takes it */
void mixture_add(Mixture *q, Gaussian part, double weight);  /* takes the part */
Mixture mixture_copy(const Mixture *q);
void mixture_free(Mixture *q);
/* By logarithms, up to a constant; no part gets less than 1e-4 of the largest. */
void mixture_weigh(Mixture *q, const double *log_weight);
/* Weights become shares of M draws in pairs, at least a pair for each part: what is drawn M times
 * needs this first. mixture_share: the draws of part k. */
void mixture_round(Mixture *q, long M);
long mixture_share(const Mixture *q, long k, long M);
/* M balanced draws [M][n], of all parts in turn; k and M/2 + k are a pair. */
void mixture_draw(const Mixture *q, uint64_t seed, uint64_t stream, long M, double *U);
/* M draws of part k, and log p - log q of each. */
void mixture_part_log_ratio(const Mixture *q, long k, Target *t, uint64_t seed, uint64_t stream,
                            long M, double *U, double *ratio);
void mixture_log_density(const Mixture *q, long M, const double *U, double *value);
void mixture_log_ratio(const Mixture *q, Target *t, uint64_t seed, uint64_t stream, long M,
                       double *U, double *ratio);            /* as gaussian_log_ratio */
bool mixture_reaches(const Mixture *q, const double *u);     /* may q have draws near u? */
void mixture_mean(const Mixture *q, double *mean);
void mixture_covariance(const Mixture *q, double *C);
void mixture_sds(const Mixture *q, double *sd);

/* ---- coordinates.c: a Gaussian as a vector --------------------------------------------------- */

/* Free parameters of a Gaussian, as steps from another of its kind; at 0 it is that one. */
long coordinates_count(const Gaussian *q);
void coordinates_set(const Gaussian *from, const double *x, Gaussian *q);
/* g = gradient by x, of slopes by mean [n], sd [n] (not of full rank) and factor [n][rank]; with
 * full rank plus `entropy` times that of log |factor|. */
void coordinates_gradient(const Gaussian *from, const Gaussian *q, const double *x,
                          const double *by_mean, const double *by_sd, const double *by_factor,
                          double entropy, double *g);

/* ---- elbo.c: the bound by fixed draws -------------------------------------------------------- */

typedef struct BoundFit {
    double elbo;                       /* of the draws that it was fitted to */
    double fresh;                      /* of draws that it was not fitted to; set by climb */
    double error;                      /* largest standard error of a mean, in sds, that comes from
                                          the number of draws */
    long draws, iterations;
    bool converged;
} BoundFit;

/* The worst of both, and the iterations of both. */
void bound_join(BoundFit *all, const BoundFit *fit);

enum { STRETCH = 40 };                 /* iterations of elbo_fit at most */
/* Climbs the bound from q, in place, with M draws of this stream, for a stretch of iterations: then
 * q has learnt scales in which it is better to go on. */
BoundFit elbo_fit(Target *t, Gaussian *q, uint64_t seed, uint64_t stream, long M);
/* Half the logarithm of det(sd^2 + F F'), and its gradient by sd [n] and F [n][rank]. */
double elbo_diagonal_entropy(const Gaussian *q, double *by_sd, double *by_factor);
/* Standard error of the means, in standard deviations of q, from the choice of the noise: by the
 * gradients G at M draws in pairs. */
double elbo_mean_error(const Gaussian *q, long M, const double *G);

/* ---- mixture_elbo.c: the same of a mixture --------------------------------------------------- */

BoundFit mixture_elbo_fit(Target *t, Mixture *q, uint64_t seed, uint64_t stream, long M);

/* ---- climb.c: with as many draws as it takes ------------------------------------------------- */

typedef struct ClimbRules {
    double floor;                      /* a bound that will stay below it is not followed further */
    bool rough;                        /* where weights would be poor anyway, means to 0.1 sds will
                                          do: draws are moved then */
    bool scout;                        /* with the fewest draws alone */
} ClimbRules;

/* From q, in place; what it says is of the last fit. */
BoundFit climb(Target *t, Mixture *q, uint64_t seed, ClimbRules rules);

/* ---- psis.c: Pareto-smoothed weights --------------------------------------------------------- */

typedef struct Psis {
    double khat;                       /* shape of the tail of the weights; NaN: too few */
    double threshold;                  /* khat must be below this for these many draws */
    double ess;                        /* of the smoothed weights */
    double spread;                     /* standard deviation of the log weights before */
} Psis;

/* Are they all but equal? Then they have no tail, and k-hat is noise. */
bool psis_even(const Psis *p, long M);
/* Can means under the weights be trusted? */
bool psis_reliable(const Psis *p, long M);
/* Have the weights a variance? Where they have none, means may be right, but standard deviations,
 * which live in the tails, come out too small. */
bool psis_has_variance(const Psis *p, long M);
/* Of log weights, before: log of their mean and its standard error; and the mean over groups of K
 * of the log of the group's mean, a lower bound whose gap closes as K grows (Burda et al. 2016). */
double log_mean(long M, const double *log_weight, double *error);
double log_mean_of(long M, long K, const double *log_weight, double *error);

/* Log weights [M] become normalised weights that sum to 1, smoothed in the tail (Vehtari, Simpson,
 * Gelman, Yao & Gabry 2024). */
Psis psis_smooth(long M, double *log_weight);

/* ---- hamilton.c: draws moved so that a law stays as it is ------------------------------------ */

/* Of q^(1 - b) p^b, where z is standard normal under q. */
typedef struct Particles {
    Target *t;
    const double *mean, *L, *sd;       /* u = mean + L z, or where L is NULL mean + sd z */
    long M, n;
    double log_volume;                 /* log det L - log normaliser of the normal law */
    double *z, *u;                     /* [M][n] */
    double *log_p, *by_z;              /* [M], [M][n]: log p and its gradient by z */
    double *momentum;
    double *z0, *by0, *log0;           /* before a move */
} Particles;

Particles particles_new(Target *t, const double *mean, const double *L, const double *sd, long M);
void particles_take(const Particles *p);                     /* z from u - mean in its place */
void particles_free(Particles *p);
void particles_place(const Particles *p, double *u);         /* u [M][n] of z */
void particles_look(Particles *p);                           /* u, log p and its gradient at z */
/* The same draws in other scales: u = mean + L z. L must live as long as they. */
void particles_scale(Particles *p, const double *L);
/* One trajectory of each, of so many steps, accepted or not; the mean probability of that. A draw
 * that is refused has its old z, but not its old u. */
double particles_move(Particles *p, double b, double step, long leaps, uint64_t seed,
                      uint64_t stream);

/* ---- rescale.c: scales of draws that have become wider than a law ---------------------------- */

/* The factor [n][n] of the covariance of the rows of U [M][n] if in the coordinates of the factor L
 * they are twice as wide as 1; else NULL. U is scratch afterwards. */
double *rescale(long M, long n, double *U, const double *L);

/* ---- anneal.c: weighted draws by way of K laws between q and the density --------------------- */

/* Draws [M][n] and their log weights. Uses 2 K + 2 streams of noise from `stream`. */
void anneal(Target *t, const Gaussian *q, long K, uint64_t seed, uint64_t stream, long M, double *U,
            double *log_weight);

/* ---- part.c: what one part of a mixture answers for ------------------------------------------ */

/* r_k p with r_k = w_k q_k / q; q stays the caller's and as it is. */
Target part_target(const Target *p, const Mixture *q, long k);
void part_target_free(Target *t, Target *p);                 /* its evaluations count for p */

/* ---- snr.c: is the gradient noise? ----------------------------------------------------------- */

/* Of the bound by the means of q, over M fresh independent draws of each part: the norm of the mean
 * of the draws' gradients over the root of the mean square of their noise about it; of several
 * parts the largest. At an optimum it is 1 / sqrt(M), by chance; NaN where a gradient is not
 * finite. */
double gradient_snr(Target *t, const Mixture *q, uint64_t seed, uint64_t stream, long M);

/* ---- mixture_anneal.c: the parts of a mixture led to the density ---------------------------- */

/* The weights of the parts that fit weighted draws of all of them best. */
void mixture_by_evidence(Target *t, Mixture *q, uint64_t seed, uint64_t stream);
/* As anneal, the draws in the order of the parts. */
void mixture_anneal(Target *t, const Mixture *q, long K, uint64_t seed, uint64_t stream, long M,
                    double *U, double *log_weight);

/* ---- modes.c: parts that begin at modes ------------------------------------------------------ */

/* A mode with exp(-RIVAL) of the mass can still be seen in a mean. */
enum { RIVAL = 5 };

/* Are two ends of descents one mode, by standard deviations there? */
bool modes_same(long n, const double *sd, const double *u, const double *v);
/* The Gaussian of the curvature at a mode, with the mode for its mean; *bound (or NULL): of it. */
Gaussian modes_gaussian(Target *t, const double *mode, uint64_t seed, double *bound);
/* Can the mass of part k be seen in a mean? */
bool modes_seen(const Mixture *q, long k);

/* For a mixture of so many parts: at the best mode, at others that its part does not reach, and
 * where these are fewer, at points near them, wider. */
Mixture modes_begin(Target *t, const Start *s, FamilyKind kind, long rank, long parts,
                    uint64_t seed);
/* q has one part, fitted as *fit says. Of modes that it does not reach, those whose bound, of the
 * Gaussian at the mode, is within RIVAL of the best of these: each is climbed, joins q and *fit;
 * then the weights are by evidence. A mode that leads to a part which is there has no bound of its
 * own: it becomes -inf. Parts whose mass cannot be seen do not count in *fit. */
void modes_join(Target *t, Start *s, Mixture *q, BoundFit *fit, long rank, uint64_t seed);
/* Of modes with little of the mass, and of those that became -inf, Gaussians as they are at modes
 * that can be seen in a width and lie beyond a valley join q; then the weights are by evidence.
 * False: there are none. */
bool modes_join_faint(Target *t, const Start *s, Mixture *q, long rank, uint64_t seed);
/* The best bound of a mode that q does not reach, less the best of those that it does (of the
 * start, if there are none); -inf: no mode is left. */
double modes_left(const Start *s, const Mixture *q);

/* ---- labels.c: labels that may change places ------------------------------------------------- */

/* The modes of s that may matter, with labels exchanged, join its others: as far as there are few
 * orders of the labels. */
void labels_complete(Target *t, Start *s, uint64_t seed);
/* Are there modes, those of parts of q with labels exchanged, that q does not reach? */
bool labels_left(const Target *t, const Mixture *q);
/* Has q modes that differ in the order of their labels alone, and all of them? */
bool labels_mixed(const Target *t, const Mixture *q);

/* ---- fit.c: from a density to weighted draws ------------------------------------------------- */

/* By the bound; by the curvature at the mode; the mode alone. */
typedef enum { FIT_BOUND, FIT_LAPLACE, FIT_MAP } FitBy;

typedef struct FitRules {
    FamilyKind kind;                   /* of the Gaussian, or of each part of a mixture */
    long rank;                         /* of low rank */
    long draws;                        /* to be returned */
    uint64_t seed;
    long parts;                        /* of a mixture whose bound is climbed; 0: one Gaussian */
    bool modes;                        /* and Gaussians at other modes join it, if they matter */
    FitBy by;
} FitRules;

/* Draws of free numbers. */
typedef struct Sample {
    long M;
    double *U;                         /* [M][n] */
    double *weight;                    /* [M], sum 1 */
    double *log_weight;                /* [M] before smoothing; draws k and M/2 + k of plain weights
                                          are a pair */
    Psis psis;                         /* of the weights */
    double evidence, evidence_se;      /* log of the normaliser of the density that they estimate */
    long levels;                       /* of annealing; 0: plain weights */
    long moves;                        /* trajectories of each draw since; 0: weights as above, else
                                          equal ones, and log_weight is the log density */
} Sample;

typedef struct Fit {
    FitRules rules;
    Start start;
    Mixture q;
    BoundFit bound;
    Trace trace;                       /* of all rounds of the bound */
    double elbo, elbo_se;              /* of draws that q was not fitted to */
    long lost;                         /* draws of q with a density of 0 */
    double left;                       /* bound of the best mode that q does not reach, less the
                                          best of those that it does; -inf: none */
    Sample plain;                      /* of q */
    Sample annealed;                   /* M 0: there was no need */
    Sample moved;                      /* M 0: the weighted draws stood still */
    bool passes;                       /* its draws are moved on in other coordinates */
    double shift;                      /* of draws that were moved last, by what matters */
} Fit;

Sample sample_new(long M, long n);
void sample_free(Sample *s);

/* ---- strata.c: draws by weight, part by part ------------------------------------------------- */

typedef struct Strata {
    long parts, C;
    long *count;                       /* [parts] draws; their sum is C */
    double *share;                     /* [parts] what all draws of one count for; the sum is 1 */
    double *U;                         /* [C][n], part after part */
} Strata;

/* About C draws of `from`, which are those of the part of q that they are nearest to. */
Strata strata_take(const Mixture *q, const Sample *from, long C);
void strata_free(Strata *s);
/* C of M rows of n numbers by their weights (systematic resampling: Kitagawa 1996). */
void take_by_weight(long M, const double *U, const double *weight, long n, long C, double *to);

/* ---- settle.c: weighted draws moved until they stand still ----------------------------------- */

/* Do draws by weight, moved a little in the scales of q, stay what they were? */
bool settle_check(Target *t, const Mixture *q, const Sample *from, uint64_t seed);
/* Is it cheap to move draws, by what an evaluation costs or beside what went before? */
bool settle_cheap(const Target *t);
/* Equally weighted draws, moved from those of `from` in the scales of q until they stand still, or
 * have been moved as often as is allowed; no longer for more independent ones if they `pass`, to be
 * moved on from there. *shift: of the last window, by what matters: above 1 they still drift. */
Sample settle_draws(Target *t, const Mixture *q, const Sample *from, uint64_t seed, bool pass,
                    double *shift);

/* ---- bridge.c: the evidence by draws of both laws -------------------------------------------- */

/* Log of the normaliser of p by log p - log q at M draws of q and at N draws of p, of which so many
 * are independent; its standard error. */
double bridge(long M, const double *of_q, long N, const double *of_p, double effective,
              double *error);

/* ---- fit.c, the rest ------------------------------------------------------------------------- */

Fit fit_posterior(Target *t, FitRules rules);                /* start.found tells if there is one */
/* Do the weighted draws stay what they are when they are moved? */
bool fit_stands(Target *t, Fit *f);
/* Draws of the density, nearly, moved until they stand still: then they are f's. */
void fit_move(Target *t, Fit *f, const Sample *from);
/* Anneals where f is not reliable; moves its draws then, and where they do not stand. */
void fit_refine(Target *t, Fit *f);
/* Where draws still drift, f from the highest that they have come to, if its bound is higher. */
void fit_again(Target *t, Fit *f);
const Sample *fit_sample(const Fit *f);                      /* the best weighted one */
bool fit_reliable(const Fit *f);                             /* are its weights to be trusted? */
bool fit_resolved(const Fit *f);                             /* are all its parts? */
/* The mode alone: `plain` is one draw, q has no width, and there are no bound and no evidence. */
bool fit_is_point(const Fit *f);
void fit_free(Fit *f);

#endif
