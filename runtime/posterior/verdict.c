/* verdict.c - what is doubtful about a posterior, each in a sentence with a way out. */
#include "posterior/posterior.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

static const double MEAN_ERROR = 0.05;

void doubt(Posterior *p, const char *code, const char *format, ...)
{
    va_list args;

    if (p->n_warnings == MOST_WARNINGS)
        return;
    Warning *w = &p->warnings[p->n_warnings++];
    w->code = code;
    va_start(args, format);
    vsnprintf(w->text, sizeof w->text, format, args);
    va_end(args);
}

static void weights(Posterior *p)
{
    const Sample *s = fit_sample(&p->fit);

    if (s->moves > 0 && p->fit.shift > 1)
        doubt(p, "drift", "the draws still drift after %ld moves towards the posterior: what is "
              "reported may be wrong in its means and too narrow, and the posterior may be "
              "improper; try another parameterization or narrower priors", s->moves);
    if (s->moves > 0 || fit_reliable(&p->fit))
        return;
    doubt(p, "khat", "the importance weights are too uneven (k-hat %.2f for a limit of %.2f, %.0f "
         "effective draws of %ld): what is reported is the family's own posterior, which may be "
         "wrong in its means and too narrow; try another parameterization, or a family that fits "
         "better", s->psis.khat, s->psis.threshold, s->psis.ess, s->M);
}

static void labels(Posterior *p)
{
    char names[200];

    labels_text(p, names, sizeof names);
    doubt(p, "labels", "the labels of %s can change places, in %.0f orders, and the density stays "
          "as it is: the posterior is that of some of these orders, not of all; an `ordered` "
          "support or priors that differ tell the labels apart", names, p->target.labellings);
}

static void modes(Posterior *p)
{
    const Fit *f = &p->fit;

    if (f->left > -RIVAL)
        doubt(p, "modes", "there is another mode, with a bound %.1f nats %s that of the one "
             "reported: the posterior is that of one of them;%s an `ordered` support or a stronger "
             "prior tells equal states apart", fabs(f->left),
             f->left > 0 ? "above" : "below",
             f->rules.modes ? "" : " --family auto reports several;");
    else if (f->rules.modes && f->q.parts > 1 && !fit_reliable(f))
        doubt(p, "modes", "there are %ld modes, and how much of the posterior each has is not "
             "known well; an `ordered` support or a stronger prior tells equal states apart",
             f->q.parts);
    else if (labels_left(&p->target, &f->q))
        labels(p);
}

/* Of how the family was climbed: no matter where the draws were moved on until they stood still;
 * nor do its means matter where weights correct them. */
static void bound(Posterior *p)
{
    const Fit *f = &p->fit;

    if (f->moved.M > 0 && f->q.parts == 1 && fit_reliable(f))
        return;
    if (f->rules.by != FIT_BOUND && !f->bound.converged)
        doubt(p, "converged", "the density was still rising where the descents ended: it may have "
             "no mode");
    else if (!f->bound.converged)
        doubt(p, "converged", "the bound was still rising after %ld steps: the posterior may be "
             "improper (a latent that data and prior leave open), or have a shape that the family "
             "cannot follow", f->bound.iterations);
    if (f->bound.error > MEAN_ERROR && !fit_reliable(f))
        doubt(p, "draws", "the family's means are known to %.2f of a standard deviation only: "
             "%ld fixed draws were not enough", f->bound.error, f->bound.draws);
}

void verdict(Posterior *p)
{
    const Fit *f = &p->fit;

    if (p->cut)
        doubt(p, "budget", "the fit was ended after %.0f s, before it was done: this is the best "
              "answer so far", p->seconds);
    if (fit_is_point(f))
        doubt(p, "point", "this is the mode of the free numbers alone: it has no spread, and may "
             "lie far from the mean; --family laplace takes the curvature there");
    bound(p);
    if (f->lost > 0)
        doubt(p, "support", "the density is 0 or not finite at %ld of %ld draws of the family",
             f->lost, f->plain.M);
    modes(p);
    weights(p);
    verdict_open(p);
}
