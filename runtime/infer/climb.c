/* climb.c - the bound climbed with as many fixed draws as it takes.
 *
 * Idea: with few draws a climb is cheap, but what it reaches is theirs. After each stretch, draws
 * that the fit has not seen say whether the bound has really risen; a stretch that served its own
 * draws alone is taken back, and the climb goes on with four times as many. When it has
 * converged, the spread of the gradients over the draws says how far the means may be off, and
 * how many draws would bring that below MEAN_ERROR.
 */
#include "infer/infer.h"

#include <math.h>
#include <stdlib.h>

enum { FEWEST_DRAWS = 64, FEWEST_OF_MIXTURE = 1000, MOST_DRAWS = 4096, ROUNDS = 8, HALVINGS = 20 };
enum { MOST_DRAWS_OF_MANY = 256 };     /* of more than MOST_DENSE numbers: draws are moved anyway */
enum { STRETCHES_EARLY = 5, STRETCHES_LAST = 15, FRESH = 500000 };
/* A standard error of a mean, in sds; and how many numbers of noise there may be. */
static const double MEAN_ERROR = 0.03, ROUGH_ERROR = 0.1, MOST_NUMBERS = 4e6;
enum { JUDGES = 1000 };                /* fresh draws whose weights are looked at .. */
static const double POOR = 0.25;       /* .. of which fewer than this share are effective */

static long even(double M)
{
    return 2 * (long)ceil(M / 2);
}

/* The bound of q by draws that it was not fitted to. */
static double fresh_bound(Target *t, const Mixture *q, uint64_t seed, uint64_t stream, long M)
{
    double *U = dgm_alloc((size_t)(M * (t->n + 1)) * sizeof *U), *ratio = U + M * t->n, all = 0;

    for (long k = 0; k < q->parts; k++) {
        double sum = 0;

        mixture_part_log_ratio(q, k, t, seed, stream, M, U, ratio);
        for (long i = 0; i < M; i++)
            sum += ratio[i] / (double)M;
        all += q->weight[k] * sum;
    }
    free(U);
    return all;
}

/* Noise of two bounds. */
static double slack_of(const Mixture *q)
{
    return 0.1 * (double)q->n + 1;
}

/* One stretch; q is narrower first where the bound is not finite. */
static BoundFit stretch(Target *t, Mixture *q, uint64_t seed, uint64_t round, long M)
{
    BoundFit fit = mixture_elbo_fit(t, q, seed, round, M);

    for (int h = 0; h < HALVINGS && !isfinite(fit.elbo); h++) {
        for (long k = 0; k < q->parts; k++)
            gaussian_scale(&q->part[k], 0.5);
        fit = mixture_elbo_fit(t, q, seed, round, M);
    }
    return fit;
}

/* Stretches until it converges or one is taken back, or would not come up to the floor if all that
 * are left gained as much: then `converged` is false. *bound: of fresh draws, before and after. */
static BoundFit climb_with(Target *t, Mixture *q, uint64_t seed, uint64_t round, long M,
                           int stretches, double floor, double *bound)
{
    double slack = slack_of(q);
    BoundFit all = {.draws = M};

    for (int k = 0; k < stretches && !all.converged && !target_late(t); k++) {
        Mixture before = mixture_copy(q);
        BoundFit fit = stretch(t, q, seed, round, M);
        double fresh = fresh_bound(t, q, seed, FRESH + round, M);
        bool risen = (fresh > *bound - slack || !isfinite(*bound))
                  && fresh < fit.elbo + slack;               /* else q is singular */

        fit.iterations += all.iterations;
        if (!risen) {
            mixture_free(q);
            *q = before;
            all.iterations = fit.iterations;
            return all;
        }
        mixture_free(&before);
        bool low = fresh + (fresh - *bound) * (stretches - k - 1) < floor - slack;
        *bound = fresh;
        all = fit;
        if (low)
            break;
    }
    return all;
}

/* Are the weights of fresh draws of q, of one part, so uneven that these will be moved? */
static bool poor_weights(Target *t, const Mixture *q, uint64_t seed)
{
    double *U = dgm_alloc((size_t)(JUDGES * (t->n + 1)) * sizeof *U), *ratio = U + JUDGES * t->n;

    mixture_log_ratio(q, t, seed, FRESH, JUDGES, U, ratio);
    Psis psis = psis_smooth(JUDGES, ratio);
    free(U);
    return !psis_reliable(&psis, JUDGES) && psis.ess < POOR * JUDGES;
}

/* For means as near as `error`; 0: there are enough. */
static double draws_wanted(const BoundFit *fit, double error)
{
    double M = (double)fit->draws, more = pow(fit->error / error, 2);

    if (!fit->converged)
        return 4 * M;
    return more <= 1 ? 0 : 1.2 * more * M;
}

BoundFit climb(Target *t, Mixture *q, uint64_t seed, ClimbRules rules)
{
    long noise = gaussian_noise(&q->part[0]), iterations = 0;
    long M = q->parts > 1 ? FEWEST_OF_MIXTURE : FEWEST_DRAWS;
    double draws = t->n <= MOST_DENSE ? MOST_DRAWS : MOST_DRAWS_OF_MANY;
    long most = even(fmin(draws, MOST_NUMBERS / (double)(q->parts * (noise + 1))));
    BoundFit fit = {0};

    if (t->n > MOST_DENSE)
        M = most;                      /* fewer would be fitted rather than the density */

    t->stage = "climbing the bound";
    if (q->part[0].kind == FAMILY_FULLRANK && M < 2 * (noise + 8))
        M = 2 * (noise + 8);           /* fewer would leave directions that no draw sees */
    most = most < M ? M : most;
    double bound = fresh_bound(t, q, seed, FRESH, M);
    for (uint64_t round = 1; round <= ROUNDS; round++) {
        bool last = round == ROUNDS || M >= most;

        fit = climb_with(t, q, seed, round, M, last ? STRETCHES_LAST : STRETCHES_EARLY,
                         rules.floor, &bound);
        fit.iterations = iterations += fit.iterations;
        double wanted = draws_wanted(&fit, MEAN_ERROR);
        if (last || wanted == 0 || target_late(t) || bound < rules.floor - slack_of(q)
            || rules.scout)
            break;
        if (rules.rough && wanted > JUDGES && fit.converged && poor_weights(t, q, seed))
            wanted = draws_wanted(&fit, ROUGH_ERROR);
        if (wanted == 0)
            break;
        M = wanted < (double)most ? even(wanted) : most;
    }
    fit.fresh = bound;
    return fit;
}
