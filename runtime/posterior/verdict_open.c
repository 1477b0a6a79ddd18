/* verdict_open.c - directions that data and prior leave open, as far as a fit shows them.
 *
 * Idea: where the density does not fall along a direction, nothing in the model ends a fit or a
 * draw there: rounding does. Then two numbers are wide apart but known together to fewer than ten
 * digits of their width (a sum of two intercepts, collinear covariates), or values run to the ends
 * of double precision (a product of two scales, a scale that goes to 0). Such answers look settled.
 */
#include "posterior/posterior.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const double RESOLVED = 1e-10;  /* of a number's width: what it may vary by, others given */
static const double FAR = 1e150, SHARE = 0.01;

static const double *row(const Gaussian *q, long i)
{
    return q->factor + i * q->rank;
}

/* Its width, and what is left of it where the numbers before it (of low rank: the factors) are
 * given. */
static double width(const Gaussian *q, long i, double *left)
{
    double square = q->sd[i] * q->sd[i];

    for (long k = 0; k < q->rank; k++)
        square += row(q, i)[k] * row(q, i)[k];
    *left = q->kind == FAMILY_FULLRANK ? fabs(row(q, i)[i]) : q->sd[i];
    return sqrt(square);
}

/* The number that goes most closely with i. */
static long partner(const Gaussian *q, long i)
{
    double most = -1, ignored;
    long best = i == 0 ? q->n - 1 : 0;

    for (long j = 0; j < q->n; j++) {
        double product = 0, size = width(q, j, &ignored);

        for (long k = 0; k < q->rank; k++)
            product += row(q, i)[k] * row(q, j)[k];
        if (j != i && size > 0 && fabs(product) / size > most) {
            most = fabs(product) / size;
            best = j;
        }
    }
    return best;
}

static bool together(Posterior *p, const Gaussian *q)
{
    char a[96], b[96];
    double left;

    for (long i = 0; i < q->n && q->rank > 0 && q->n > 1; i++) {
        double size = width(q, i, &left);

        if (!(size > 0) || left >= RESOLVED * size)
            continue;
        posterior_free_name(p, i, a, sizeof a);
        posterior_free_name(p, partner(q, i), b, sizeof b);
        doubt(p, "open", "`%s` and `%s` are known only together: data and prior leave a direction "
              "open, along which rounding alone ends the posterior (collinear covariates, or one "
              "number too many); leave one out, or give it a proper prior", a, b);
        return true;
    }
    return false;
}

/* Share of the draws in which some value of the latent lies near the ends of double precision. */
static double far_share(const Quantity *latent, long M)
{
    long n = latent->shape.count, far = 0;

    for (long k = 0; k < M; k++)
        for (long i = 0; i < n; i++) {
            double x = fabs(latent->draws[k * n + i]);

            if (x > FAR || (x > 0 && x < 1 / FAR)) {
                far++;
                break;
            }
        }
    return (double)far / (double)M;
}

/* Is a latent said to run to the ends of double precision? */
static bool far_off(Posterior *p)
{
    const Drawn *d = &p->posterior;

    for (int i = 0; i < d->n && d->M > 1; i++) {
        double share = far_share(&d->latents[i], d->M);

        if (share < SHARE)
            continue;
        doubt(p, "open", "%.0f %% of the draws of `%s` are beyond 1e150 or within 1e-150 of 0: the "
              "posterior has no end there, or none that doubles can hold; give it a prior that "
              "does", 100 * share, d->latents[i].name);
        return true;
    }
    return false;
}

void verdict_open(Posterior *p)
{
    const Mixture *q = &p->fit.q;
    bool said = false;

    for (long k = 0; k < q->parts && !said; k++)
        said = together(p, &q->part[k]);
    said = far_off(p) || said;
    if (!said && !fit_resolved(&p->fit))
        doubt(p, "open", "the density is highest where differences of latents are lost to rounding,"
              " and may grow there without end: some scale goes to 0, which data or prior should "
              "keep it from (equal data? a prior such as lognormal or inv_gamma does)");
}
