/* schedule.c - learning-rate schedules: the factor on the base rate as a function of (step, total).
 *
 * Nothing is remembered from step to step, so a resumed run is on the same curve. total = 0 means
 * that the length of the run is not known: those that need it then stay at 1.
 */
#include "optim.h"

#include <string.h>

static double progress(double step, double total)
{
    return total > 0 ? (step < total ? step / total : 1) : 0;
}

static double constant(const DgmHyper *h, double step, double total)
{
    (void)h, (void)step, (void)total;
    return 1;
}

static double decay(const DgmHyper *h, double step, double total)
{
    return pow(h[0].value, progress(step, total));
}

static double cosine(const DgmHyper *h, double step, double total)
{
    double low = h[0].value;
    return low + (1 - low) * 0.5 * (1 + cos(3.14159265358979323846 * progress(step, total)));
}

static double linear(const DgmHyper *h, double step, double total)
{
    return 1 + (h[0].value - 1) * progress(step, total);
}

/* Robbins and Monro's conditions hold for 1/2 < forgetting <= 1. Steps are counted from 1. */
static double robbins_monro(const DgmHyper *h, double step, double total)
{
    (void)total;
    return pow(step + 1 + h[0].value, -h[1].value);
}

static const DgmScheduleInfo schedules[] = {
    { "constant", "the rate stays", { { 0 } }, 0, constant },
    { "decay", "exponential, from the rate to final times the rate",
      { { "final", 0.01, "fraction of the rate at the last step" } }, 1, decay },
    { "cosine", "half a cosine, from the rate to final times the rate",
      { { "final", 0.01, "fraction of the rate at the last step" } }, 1, cosine },
    { "linear", "a straight line, from the rate to final times the rate",
      { { "final", 0.01, "fraction of the rate at the last step" } }, 1, linear },
    { "robbins_monro", "rate (t + delay)^-forgetting at step t = 1, 2, ...",
      { { "delay", 1, "slows the first steps" },
        { "forgetting", 0.7, "power, in (1/2, 1] for convergence" } }, 2, robbins_monro },
};

int dgm_schedule_count(void) { return sizeof schedules / sizeof *schedules; }

const DgmScheduleInfo *dgm_schedule_info(int i) { return &schedules[i]; }

const DgmScheduleInfo *dgm_schedule_find(const char *name)
{
    for (int i = 0; i < dgm_schedule_count(); i++)
        if (strcmp(schedules[i].name, name) == 0)
            return &schedules[i];
    return NULL;
}
