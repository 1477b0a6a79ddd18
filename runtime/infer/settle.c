/* settle.c - weighted draws moved on until they stand still.
 *
 * Idea: steps that leave the density as it is (hamilton.c) change nothing of draws of it. Weights
 * cannot tell of mass where the law that was drawn from has none; draws that are moved run into it.
 * So some are taken by weight and moved, and windows of snapshots are compared, each as long as all
 * before: as long as a mean, a width or the mean log density shifts between them by more than its
 * noise, the draws have not been those of the density, and move on. These are many short chains
 * instead of a long one: their noise is known from the chains themselves (Margossian et al. 2024).
 * Of a mixture each draw moves in the scales of the part that it is nearest to (strata.c).
 */
#include "infer/infer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHAINS = 500, FEWEST = 32, SNAPSHOTS = 8, MOST_LEAPS = 12, STREAM = 1000000 };
enum { MOST_SEEN = 2000000 };          /* numbers of a snapshot */
/* Moves: of a check, where weights are all but equal and where not, unless it costs more than what
 * went before; of all draws at least, and more if that is no more than LONG_WORK, for drifts into
 * heavy tails that are too slow to show from window to window; at most where they drift; at most
 * where fewer than two of each chain are effective. CHEAP: evaluations that a check may cost
 * anyway, if they are no more work than CHEAP_WORK; of more, a check costs an eighth of what went
 * before. */
enum { CHECK = 16, CHECK_UNEVEN = 32, LEAST = 64, MOST = 512, MOST_FOR_DRAWS = 128 };
enum { CHEAP = 16000, LEAPS = 4 };     /* LEAPS: of a move, about */
enum { CHAINS_FOR_EACH = 5 };          /* chains for each number, to have scales of their own */
static const double CHEAP_WORK = 4e9, MOVED_WORK = 1e8, LONG_WORK = 5e8;
static const double BESIDE = 4;        /* moves of so many times what went before are cheap */
static const double ACCEPTED = 0.8;    /* share wanted of moves by the whole step */
static const double WAY = 1.5;         /* of a trajectory, on average */
/* Shifts that matter: of a mean in sds, of a variance and of a mean square as shares. */
static const double MATTERS = 0.1, MATTERS_SQUARE = 0.2;
static const double CLIP = 4;          /* sds: what lies further counts as that far */

typedef enum { BEGINNING, BEFORE, LAST, WINDOWS } Window;

/* Chains, those of each part in turn; and what they visited. */
typedef struct Chains {
    Target *t;
    const Mixture *q;
    long n, C;
    double *weight;                    /* [C] what one counts for; the sum is 1 */
    Particles *group;                  /* [parts] */
    double **factor;                   /* [parts], or standard deviations */
    double *step;                      /* [parts] */
    double *seen[WINDOWS];             /* [snapshots][C][n + 1]: u and log p */
    long snapshots[WINDOWS];
    uint64_t seed;
    long moves;
} Chains;

/* ---- chains ---------------------------------------------------------------------------------- */

static void take_row(const double *from, long row, long n, double *to)
{
    memcpy(to, from + row * n, (size_t)n * sizeof *to);
}

/* The factor of the covariance; of many numbers their standard deviations. */
static double *scales_of(const Gaussian *q)
{
    if (q->n <= MOST_DENSE)
        return gaussian_factor(q);
    double *sd = dgm_alloc((size_t)q->n * sizeof *sd);
    gaussian_sds(q, sd);
    return sd;
}

static double first_step(long n)
{
    return 0.8 * pow((double)n, -0.25);
}

static Chains chains_new(Target *t, const Mixture *q, const Sample *from, long C, uint64_t seed)
{
    C = C < from->M ? C : from->M;
    C = C < MOST_SEEN / t->n ? C : MOST_SEEN / t->n;
    Strata strata = strata_take(q, from, C);
    long n = t->n, first = 0;
    size_t window = (size_t)(SNAPSHOTS * strata.C * (n + 1)) * sizeof(double);
    Chains c = {.t = t, .q = q, .n = n, .C = strata.C, .seed = seed,
                .weight = dgm_alloc((size_t)strata.C * sizeof *c.weight),
                .group = dgm_alloc((size_t)q->parts * sizeof *c.group),
                .factor = dgm_alloc((size_t)q->parts * sizeof *c.factor),
                .step = dgm_alloc((size_t)q->parts * sizeof *c.step),
                .seen = {dgm_alloc(window / SNAPSHOTS), dgm_alloc(window), dgm_alloc(window)}};

    for (long k = 0; k < q->parts; k++) {
        long M = strata.count[k];

        c.factor[k] = scales_of(&q->part[k]);
        c.group[k] = n <= MOST_DENSE ? particles_new(t, q->part[k].mean, c.factor[k], NULL, M)
                                     : particles_new(t, q->part[k].mean, NULL, c.factor[k], M);
        c.step[k] = first_step(n);
        for (long i = 0; i < M * n; i++)
            c.group[k].z[i] = strata.U[first * n + i] - q->part[k].mean[i % n];
        for (long i = first; i < first + M; i++)
            c.weight[i] = strata.share[k] / (double)M;
        particles_take(&c.group[k]);
        particles_look(&c.group[k]);
        first += M;
    }
    strata_free(&strata);
    return c;
}

static void chains_free(Chains *c)
{
    for (long k = 0; k < c->q->parts; k++) {
        particles_free(&c->group[k]);
        free(c->factor[k]);
    }
    free(c->weight);
    free(c->group);
    free(c->factor);
    free(c->step);
    for (int k = 0; k < WINDOWS; k++)
        free(c->seen[k]);
}

/* ---- moves ----------------------------------------------------------------------------------- */

/* Steps of several lengths, for necks that are narrower than the rest. In between a single step of
 * the first length, however few are accepted: where the density jumps its gradient does not say so,
 * and no shorter step is accepted more often, until it is too short to get anywhere. */
static void move_all(Chains *c)
{
    static const double part[] = {1, 0.5, 1, 0.2, -1};             /* -1: that single step */
    uint64_t stream = STREAM + (uint64_t)c->moves;
    double share = part[(size_t)c->moves % (sizeof part / sizeof *part)];
    double way = WAY * (0.5 + dgm_random_unit(c->seed, DGM_STREAM_POSTERIOR, stream, 0));

    for (long k = 0; k < c->q->parts; k++) {
        double step = share < 0 ? first_step(c->n) : c->step[k] * share;
        long leaps = share < 0 ? 1 : (long)(way / step + 0.5);

        if (c->group[k].M == 0)
            continue;
        leaps = leaps < 1 ? 1 : leaps > MOST_LEAPS ? MOST_LEAPS : leaps;
        double accepted = particles_move(&c->group[k], 1, step, leaps, c->seed,
                                         stream + (uint64_t)k * STREAMS_OF_PART);
        if (share == 1)
            c->step[k] *= exp(accepted - ACCEPTED);
    }
    c->moves++;
}

/* The draws of part k that the last window has seen, [rows][n]. */
static double *rows_of_part(const Chains *c, long k, long *rows)
{
    long first = 0, M = c->group[k].M, n = c->n, S = c->snapshots[LAST];
    double *U = dgm_alloc((size_t)(S * M * n + 1) * sizeof *U);

    for (long j = 0; j < k; j++)
        first += c->group[j].M;
    for (long s = 0; s < S; s++)
        for (long i = 0; i < M; i++)
            take_row(c->seen[LAST] + (s * c->C + first + i) * (n + 1), 0, n, U + (s * M + i) * n);
    *rows = S * M;
    return U;
}

/* Where draws have come to be much wider than their part, they move on in scales of their own. */
static void rescale_all(Chains *c)
{
    for (long k = 0; k < c->q->parts && c->n <= c->C / CHAINS_FOR_EACH; k++) {
        long rows;
        double *U = rows_of_part(c, k, &rows), *L = rescale(rows, c->n, U, c->factor[k]);

        free(U);
        if (L == NULL)
            continue;
        particles_scale(&c->group[k], L);
        free(c->factor[k]);
        c->factor[k] = L;
        c->step[k] = first_step(c->n);
    }
}

static void snapshot(Chains *c, Window w)
{
    long n = c->n, row = 0;
    double *to = c->seen[w] + c->snapshots[w]++ * c->C * (n + 1);

    for (long k = 0; k < c->q->parts; k++) {
        const Particles *p = &c->group[k];

        particles_place(p, p->u);
        for (long i = 0; i < p->M; i++, row++) {
            take_row(p->u, i, n, to + row * (n + 1));
            to[row * (n + 1) + n] = p->log_p[i];
        }
    }
}

static void next_window(Chains *c)
{
    double *last = c->seen[LAST];

    c->seen[LAST] = c->seen[BEFORE];
    c->seen[BEFORE] = last;
    c->snapshots[BEFORE] = c->snapshots[LAST];
    c->snapshots[LAST] = 0;
}

static void run_window(Chains *c, long moves)
{
    next_window(c);
    for (long k = 1; k <= moves && (k == 1 || !target_late(c->t)); k++) {
        move_all(c);
        if (k * SNAPSHOTS / moves > (k - 1) * SNAPSHOTS / moves
            || (target_late(c->t) && c->snapshots[LAST] == 0))
            snapshot(c, LAST);
    }
}

/* ---- do they stand still? -------------------------------------------------------------------- */

/* What row r of a window counts for. */
static double row_weight(const Chains *c, Window window, long r)
{
    return c->weight[r % c->C] / (double)c->snapshots[window];
}

/* Mean and standard deviation of number j over a window. */
static void moments(const Chains *c, Window window, long j, double *mean, double *sd)
{
    long rows = c->snapshots[window] * c->C;
    double sum = 0, square = 0;

    for (long r = 0; r < rows; r++)
        sum += row_weight(c, window, r) * c->seen[window][r * (c->n + 1) + j];
    for (long r = 0; r < rows; r++)
        square += row_weight(c, window, r)
                * pow(c->seen[window][r * (c->n + 1) + j] - sum, 2);
    *mean = sum;
    *sd = sqrt(square);
}

/* The mean over a window of chain i, of number j in the scales given, clipped; its square. */
static void chain_means(const Chains *c, Window window, long i, long j, double mean, double sd,
                        double *first, double *second)
{
    *first = *second = 0;
    for (long s = 0; s < c->snapshots[window]; s++) {
        double x = (c->seen[window][(s * c->C + i) * (c->n + 1) + j] - mean) / sd;

        x = x < -CLIP ? -CLIP : x > CLIP ? CLIP : x;
        *first += x / (double)c->snapshots[window];
        *second += x * x / (double)c->snapshots[window];
    }
}

/* A mean of what chains of weight w show, and the sums that its noise is of. */
typedef struct Shift { double by, w2, w2x, w2x2; } Shift;

static void shift_add(Shift *s, double x, double w)
{
    s->by += w * x;
    s->w2 += w * w;
    s->w2x += w * w * x;
    s->w2x2 += w * w * x * x;
}

/* By how many times what matters; 0 where it may be noise. */
static double shift_of(Shift s, double z, double matters)
{
    double error = sqrt(fmax(0, s.w2x2 - 2 * s.by * s.w2x + s.by * s.by * s.w2));

    return fabs(s.by) > z * error ? fabs(s.by) / matters : 0;
}

/* Independent draws that the means of number j over the last window are worth, within parts: how
 * much each part counts is settled by weight. mean, sd: scales. */
static double effective_draws(const Chains *c, long j, double mean, double sd)
{
    double of_one = 0, of_mean = 0;    /* variances */

    for (long k = 0, first = 0; k < c->q->parts; first += c->group[k++].M) {
        double M = (double)c->group[k].M, sum = 0, square = 0, all = 0;
        double share = M > 0 ? M * c->weight[first] : 0;

        for (long i = first; i < first + c->group[k].M; i++) {
            double x[2];

            chain_means(c, LAST, i, j, mean, sd, &x[0], &x[1]);
            sum += x[0] / M;
            square += x[0] * x[0] / M;
            all += x[1] / M;
        }
        of_one += share * (all - sum * sum);
        of_mean += M > 0 ? share * share * (square - sum * sum) / M : 0;
    }
    return of_one / of_mean;
}

/* The largest shift from a window to the last one, by what matters; *effective: independent draws
 * that the last window is worth, of the worst number. */
static double drift(const Chains *c, Window from, double *effective)
{
    double worst = 0, z = 1 + sqrt(2 * log(4 * (double)(c->n + 1)));

    *effective = INFINITY;
    for (long j = 0; j <= c->n; j++) {
        Shift mean = {.by = 0}, square = {.by = 0};
        double m, sd;

        moments(c, LAST, j, &m, &sd);
        for (long i = 0; i < c->C && sd > 0; i++) {
            double before[2], now[2];

            chain_means(c, from, i, j, m, sd, &before[0], &before[1]);
            chain_means(c, LAST, i, j, m, sd, &now[0], &now[1]);
            shift_add(&mean, now[0] - before[0], c->weight[i]);
            shift_add(&square, now[1] - before[1], c->weight[i]);
        }
        worst = fmax(worst, shift_of(mean, z, MATTERS));
        if (j < c->n)
            worst = fmax(worst, shift_of(square, z, MATTERS_SQUARE));
        if (j < c->n && sd > 0)
            *effective = fmin(*effective, effective_draws(c, j, m, sd));
    }
    return worst;
}

/* ---- all ------------------------------------------------------------------------------------- */

/* The last window as equally weighted draws. */
static Sample to_sample(const Chains *c, double effective)
{
    long M = c->snapshots[LAST] * c->C, width = c->n + 1;
    double *rows = dgm_alloc((size_t)(2 * M * width + M) * sizeof *rows);
    double *by_chain = rows + M * width, *weight = by_chain + M * width;
    Sample s = sample_new(M, c->n);

    for (long i = 0, row = 0; i < c->C; i++)                   /* chain after chain, as parts are */
        for (long r = i; r < M; r += c->C, row++) {
            weight[row] = row_weight(c, LAST, r);
            take_row(c->seen[LAST], r, width, by_chain + row * width);
        }
    take_by_weight(M, by_chain, weight, width, M, rows);
    for (long r = 0; r < M; r++) {
        take_row(rows + r * width, 0, c->n, s.U + r * c->n);
        s.weight[r] = 1 / (double)M;
        s.log_weight[r] = rows[r * width + c->n];
    }
    free(rows);
    s.moves = c->moves;
    s.psis = (Psis){.khat = NAN, .threshold = NAN, .ess = fmin(effective, (double)M),
                    .spread = NAN};
    return s;
}

/* Had they better be moved on? */
static bool go_on(const Chains *c, double shift, double effective, bool pass)
{
    if (target_late(c->t))
        return false;
    double least = fmax(LEAST, LONG_WORK / (c->t->work * (double)(c->C * LEAPS)));
    return ((double)c->moves < least && c->moves < MOST) || (shift > 1 && c->moves < MOST)
        || (effective < 2.0 * (double)c->C && c->moves < MOST_FOR_DRAWS && !pass);
}

static long at_most(double x, long most)
{
    return x < (double)most ? (long)x : most;
}

/* Evaluations of a check, by what one costs and what went before. */
static long worth(const Target *t)
{
    long cheap = at_most(CHEAP_WORK / t->work, CHEAP);

    return t->work * (double)t->evaluations <= CHEAP_WORK
         ? (t->evaluations > cheap ? t->evaluations : cheap)
         : t->evaluations / 8 > cheap ? t->evaluations / 8 : cheap;
}

static long chains_for(double evaluations)
{
    long C = at_most(evaluations / (SNAPSHOTS * LEAPS), CHAINS);

    return C < FEWEST ? FEWEST : C;
}

bool settle_check(Target *t, const Mixture *q, const Sample *from, uint64_t seed)
{
    long most = psis_even(&from->psis, from->M) ? CHECK : CHECK_UNEVEN, spent = t->evaluations;
    long evaluations = worth(t);
    double unused;
    bool still = true;
    Chains c = chains_new(t, q, from, chains_for((double)evaluations), seed);

    snapshot(&c, BEGINNING);
    for (long moves = SNAPSHOTS; still && c.moves < most && !target_late(t); moves = c.moves) {
        run_window(&c, moves);
        still = drift(&c, BEGINNING, &unused) <= 1;
        if (t->evaluations - spent > evaluations)
            break;
    }
    chains_free(&c);
    return still;
}

bool settle_cheap(const Target *t)
{
    double evaluations = (double)LEAST * CHAINS * LEAPS;

    return t->work * evaluations <= CHEAP_WORK
        || evaluations <= BESIDE * (double)t->evaluations;
}

Sample settle_draws(Target *t, const Mixture *q, const Sample *from, uint64_t seed, bool pass,
                    double *shift)
{
    double effective;
    long C = chains_for(MOVED_WORK / t->work * SNAPSHOTS * LEAPS);
    Chains c = chains_new(t, q, from, C < CHAINS / 5 * 2 ? CHAINS / 5 * 2 : C, seed);
    run_window(&c, SNAPSHOTS);
    do {
        rescale_all(&c);
        run_window(&c, c.moves);
        *shift = drift(&c, BEFORE, &effective);
    } while (go_on(&c, *shift, effective, pass));
    Sample s = to_sample(&c, effective);
    chains_free(&c);
    return s;
}
