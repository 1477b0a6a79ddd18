/* fit.c - the whole way: a start, the bound climbed (or the curvature at the mode taken, or the
 * mode alone), weighted draws, and these moved where weights are not enough. */
#include "infer/infer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FEW_DRAWS = 400 };              /* where it is late */
static const double AHEAD = 1;         /* nats by which another start must be better */
static const double FAR = 5;           /* of the spread of log p - log q, by the root of n */

Sample sample_new(long M, long n)
{
    return (Sample){.M = M, .U = dgm_alloc((size_t)(M * n + 1) * sizeof(double)),
                    .weight = dgm_alloc((size_t)(M + 1) * sizeof(double)),
                    .log_weight = dgm_alloc((size_t)(M + 1) * sizeof(double))};
}

void sample_free(Sample *s)
{
    free(s->U);
    free(s->weight);
    free(s->log_weight);
}

/* The log weights become weights. Balanced draws come as pairs i and M / 2 + i, which are not
 * independent: what varies is the mean of a pair. */
static void take_weights(Sample *s, bool balanced)
{
    long H = s->M / 2;

    memcpy(s->log_weight, s->weight, (size_t)s->M * sizeof *s->weight);
    if (balanced) {
        double *pair = dgm_alloc((size_t)s->M * sizeof *pair), unused;

        for (long i = 0; i < H; i++)
            pair[i] = log_mean(2, (double[]){s->weight[i], s->weight[H + i]}, &unused);
        s->evidence = log_mean(H, pair, &s->evidence_se);
        free(pair);
    } else {
        s->evidence = log_mean(s->M, s->weight, &s->evidence_se);
    }
    s->psis = psis_smooth(s->M, s->weight);
}

bool fit_resolved(const Fit *f)
{
    bool resolved = true;

    for (long k = 0; k < f->q.parts && !fit_is_point(f); k++)
        resolved = resolved && gaussian_resolved(&f->q.part[k]);
    return resolved;
}

/* Fresh draws of q with their weights, and the bound. They are balanced too: means and variances of
 * the free numbers under q are exact. */
static void weigh(Target *t, Fit *f)
{
    long M = target_late(t) && f->rules.draws > FEW_DRAWS ? FEW_DRAWS : f->rules.draws, H = M / 2;
    Sample s = sample_new(M, t->n);
    double sum = 0, square = 0;

    t->stage = "weighing draws";
    mixture_round(&f->q, M);
    mixture_log_ratio(&f->q, t, f->rules.seed, 0, M, s.U, s.weight);
    for (long i = 0; i < M; i++) {
        f->lost += !isfinite(s.weight[i]);
        sum += s.weight[i] / (double)M;
    }
    for (long i = 0; i < H && f->lost == 0; i++)
        square += pow((s.weight[i] + s.weight[H + i]) / 2 - sum, 2) / (double)H;
    f->elbo = fit_resolved(f) ? sum : -INFINITY;
    f->elbo_se = f->lost == 0 ? sqrt(square / (double)H) : INFINITY;
    take_weights(&s, true);
    f->plain = s;
}

/* Where those weights are too uneven: by way of laws in between, of more until it will do. Of one
 * part the first round brings the draws near enough to be moved on. */
static void anneal_rounds(Target *t, Fit *f)
{
    static const struct { long levels, draws; } rounds[] = { { 6, 1000 }, { 24, 2000 },
                                                             { 96, 1000 } };
    size_t most = f->q.parts > 1 ? sizeof rounds / sizeof *rounds : 1;

    t->stage = "annealing draws";
    for (size_t k = 0; k < most && !fit_reliable(f) && !target_late(t); k++) {
        Sample s = sample_new(rounds[k].draws < f->rules.draws ? rounds[k].draws : f->rules.draws,
                              t->n);

        s.levels = rounds[k].levels;
        mixture_anneal(t, &f->q, s.levels, f->rules.seed, 1000 * (k + 1), s.M, s.U, s.weight);
        take_weights(&s, false);
        sample_free(&f->annealed);
        f->annealed = s;
    }
}

static void take_bridge(const Fit *f, Sample *s)
{
    double *x = dgm_alloc((size_t)(s->M + 1) * sizeof *x);

    mixture_log_density(&f->q, s->M, s->U, x);
    for (long i = 0; i < s->M; i++)
        x[i] = s->log_weight[i] - x[i];
    s->evidence = bridge(f->plain.M, f->plain.log_weight, s->M, x, s->psis.ess, &s->evidence_se);
    free(x);
}

static bool can_move(const Target *t, const Fit *f)
{
    return t->n > 0 && t->n <= MOST_MOVED && f->lost < f->plain.M && !fit_is_point(f);
}

bool fit_stands(Target *t, Fit *f)
{
    if (!can_move(t, f))
        return true;
    const Sample *s = fit_sample(f);
    if (!psis_has_variance(&s->psis, s->M) && settle_cheap(t))
        return false;
    t->stage = "checking draws";
    return settle_check(t, &f->q, s, f->rules.seed);
}

void fit_move(Target *t, Fit *f, const Sample *from)
{
    if (!can_move(t, f))
        return;
    t->stage = "moving draws";
    Sample s = settle_draws(t, &f->q, from, f->rules.seed, f->passes, &f->shift);
    s.levels = from->levels;
    take_bridge(f, &s);
    sample_free(&f->moved);
    f->moved = s;
}

void fit_refine(Target *t, Fit *f)
{
    bool good = fit_reliable(f);

    if (!can_move(t, f))
        return;
    if (t->n <= MOST_DENSE)
        anneal_rounds(t, f);
    if ((!good || !fit_stands(t, f)) && !target_late(t))
        fit_move(t, f, fit_sample(f));
}

const Sample *fit_sample(const Fit *f)
{
    return f->moved.M > 0 ? &f->moved : f->annealed.M > 0 ? &f->annealed : &f->plain;
}

bool fit_is_point(const Fit *f)
{
    return f->rules.by == FIT_MAP;
}

static bool weights_reliable(const Fit *f)
{
    const Sample *s = f->annealed.M > 0 ? &f->annealed : &f->plain;

    if (psis_reliable(&s->psis, s->M))
        return true;
    /* Draws that have moved are where the density is, however uneven their weights. */
    return s->levels > 0 && s->psis.khat < s->psis.threshold && s->psis.ess > 0.1 * (double)s->M;
}

/* Moves do not lead from one mode to another: how much each has is by weights. */
bool fit_reliable(const Fit *f)
{
    if (fit_is_point(f))
        return true;
    if (f->moved.M > 0 && f->q.parts == 1)
        return f->shift <= 1;
    return weights_reliable(f) && f->shift <= 1;
}

/* Where no Gaussian is near the density, one of independent numbers is climbed first: it cannot
 * collapse onto a few draws, and brings the others near. */
static void begin_nearer(Target *t, Start *s, uint64_t seed)
{
    long n = s->n;
    Mixture q = mixture_of(gaussian_from(s, FAMILY_MEANFIELD, 0));
    BoundFit fit = climb(t, &q, seed, (ClimbRules){-INFINITY, .scout = true});

    if (fit.fresh > s->elbo) {
        s->elbo = fit.fresh;
        for (long i = 0; i < n * n; i++)
            s->factor[i] = i / n == i % n ? q.part[0].sd[i / n] : 0;
        for (long i = 0; i < n; i++)
            s->mean[i] = q.part[0].mean[i];
    }
    mixture_free(&q);
}

/* Gaussians at other modes are fitted by themselves: the trace is that of the first. */
static void climb_gaussian(Target *t, Fit *f)
{
    const FitRules *r = &f->rules;

    f->q = mixture_of(gaussian_from(&f->start, r->kind, r->rank));
    f->bound = climb(t, &f->q, r->seed,
                     (ClimbRules){-INFINITY, .rough = r->modes && t->n <= MOST_MOVED});
    t->trace = NULL;
    if (r->modes)
        modes_join(t, &f->start, &f->q, &f->bound, r->rank, r->seed);
}

static void climb_mixture(Target *t, Fit *f)
{
    const FitRules *r = &f->rules;

    f->q = modes_begin(t, &f->start, r->kind, r->rank, r->parts, r->seed);
    f->bound = climb(t, &f->q, r->seed, (ClimbRules){.floor = -INFINITY});
    t->trace = NULL;
}

/* Even weights say nothing of modes where the law has no draws. Faint ones join it, unless the
 * weights are worse with them. */
static void add_faint(Target *t, Fit *f)
{
    const FitRules *r = &f->rules;

    if (!r->modes || !weights_reliable(f) || target_late(t))
        return;
    Fit with = *f;
    with.q = mixture_copy(&f->q);
    with.lost = 0;
    bool better = modes_join_faint(t, &f->start, &with.q, r->rank, r->seed);
    if (better) {
        weigh(t, &with);
        better = weights_reliable(&with);
        sample_free(better ? &f->plain : &with.plain);
    }
    mixture_free(better ? &f->q : &with.q);
    *f = better ? with : *f;
}

static void fit_bound(Target *t, Fit *f)
{
    if (f->start.factor != NULL && f->start.spread > FAR * sqrt((double)t->n))
        begin_nearer(t, &f->start, f->rules.seed);
    t->trace = &f->trace;
    if (f->rules.parts > 0)
        climb_mixture(t, f);
    else
        climb_gaussian(t, f);
    f->left = modes_left(&f->start, &f->q);
    weigh(t, f);
    add_faint(t, f);
}

static void fit_laplace(Target *t, Fit *f)
{
    FamilyKind kind = f->start.factor != NULL ? FAMILY_FULLRANK : FAMILY_MEANFIELD;

    f->q = mixture_of(gaussian_from(&f->start, kind, 0));
    f->bound = (BoundFit){.elbo = f->start.elbo, .converged = f->start.mode};
    f->left = modes_left(&f->start, &f->q);
    weigh(t, f);
}

/* The mode is the one draw, with all the weight. */
static void fit_map(Target *t, Fit *f)
{
    Sample s = sample_new(1, t->n);

    f->q = mixture_of(gaussian_from(&f->start, FAMILY_MEANFIELD, 0));
    gaussian_scale(&f->q.part[0], 0);
    f->bound = (BoundFit){.elbo = NAN, .converged = f->start.mode};
    f->left = -INFINITY;
    f->elbo = f->elbo_se = NAN;
    memcpy(s.U, f->start.mean, (size_t)t->n * sizeof *s.U);
    s.weight[0] = 1;
    s.psis = (Psis){.khat = NAN, .threshold = NAN, .ess = NAN, .spread = NAN};
    s.evidence = s.evidence_se = NAN;
    f->plain = s;
}

Fit fit_posterior(Target *t, FitRules rules)
{
    static const struct {
        Start (*start)(Target *t, uint64_t seed);
        void (*fit)(Target *t, Fit *f);
    } by[] = {
        [FIT_BOUND] = {start_find, fit_bound},
        [FIT_LAPLACE] = {start_mode, fit_laplace},
        [FIT_MAP] = {start_mode, fit_map},
    };

    t->stage = "looking for a start";
    Fit f = {.rules = rules, .start = by[rules.by].start(t, rules.seed)};

    if (f.start.found) {
        modes_far(t, &f.start, rules.seed);
        labels_complete(t, &f.start, rules.seed);
        if (rules.by != FIT_BOUND)
            start_take_highest(t, &f.start, rules.seed);
        by[rules.by].fit(t, &f);
    }
    return f;
}

/* The moved draw of the highest density. */
static const double *highest(const Fit *f)
{
    long best = 0;

    for (long i = 1; i < f->moved.M; i++)
        best = f->moved.log_weight[i] > f->moved.log_weight[best] ? i : best;
    return f->moved.U + best * f->q.n;
}

void fit_again(Target *t, Fit *f)
{
    if (f->moved.M == 0 || f->shift <= 1 || f->rules.by != FIT_BOUND || t->n > MOST_DENSE
        || target_late(t))
        return;
    t->stage = "beginning where draws have come to";
    Fit next = {.rules = f->rules, .start = start_from(t, highest(f), f->rules.seed)};
    if (!next.start.found || next.start.elbo < f->elbo + AHEAD) {
        start_free(&next.start);
        return;
    }
    fit_bound(t, &next);
    fit_refine(t, &next);
    Fit worse = next.elbo > f->elbo ? *f : next;
    *f = next.elbo > f->elbo ? next : *f;
    fit_free(&worse);
}

void fit_free(Fit *f)
{
    if (f->start.found) {
        mixture_free(&f->q);
        sample_free(&f->plain);
        sample_free(&f->annealed);
        sample_free(&f->moved);
        free(f->trace.bound);
    }
    start_free(&f->start);
}
