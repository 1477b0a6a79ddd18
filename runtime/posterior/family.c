/* family.c - `--family`: which law of the free numbers is fitted, and what it is called.
 *
 *     auto          full rank while its parameters are few, else low rank; where other modes
 *                   matter, the mixture of the Gaussians fitted at each
 *     meanfield     independent numbers
 *     lowrank(K)    a diagonal and K factors
 *     fullrank      any covariance
 *     mixture(K)    K Gaussians, each of full rank while all parameters are few, else of low rank,
 *                   fitted together
 *     laplace       a Gaussian at the mode, by the curvature there
 *     map           the mode alone
 */
#include "posterior/posterior.h"

#include <stdio.h>
#include <string.h>

enum { RANK = 10, PARTS = 2, MOST_PARTS = 20 };

typedef enum {
    ASKED_AUTO, ASKED_MEANFIELD, ASKED_LOWRANK, ASKED_FULLRANK, ASKED_MIXTURE, ASKED_LAPLACE,
    ASKED_MAP
} Asked;

typedef struct FamilyRow {
    const char *name;
    int count, least, most;            /* K if it is not given, and its limits; 0: there is none */
} FamilyRow;

static const FamilyRow rows[] = {
    [ASKED_AUTO] = {"auto", 0, 0, 0},
    [ASKED_MEANFIELD] = {"meanfield", 0, 0, 0},
    [ASKED_LOWRANK] = {"lowrank", RANK, 1, 999999999},
    [ASKED_FULLRANK] = {"fullrank", 0, 0, 0},
    [ASKED_MIXTURE] = {"mixture", PARTS, 2, MOST_PARTS},
    [ASKED_LAPLACE] = {"laplace", 0, 0, 0},
    [ASKED_MAP] = {"map", 0, 0, 0},
};

/* The family of this text, NAME or NAME(K); fails if there is none. */
static Asked find_family(const char *text, int *count)
{
    size_t name = strcspn(text, "(");

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const FamilyRow *row = &rows[i];
        int end = 0;

        if (strlen(row->name) != name || strncmp(row->name, text, name) != 0)
            continue;
        *count = row->count;
        if (text[name] == '\0')
            return (Asked)i;
        if (row->count > 0 && sscanf(text + name, "(%9d)%n", count, &end) == 1 && end > 0
            && text[name + (size_t)end] == '\0' && *count >= row->least && *count <= row->most)
            return (Asked)i;
    }
    dgm_fail(DGM_EXIT_USAGE, "known are auto, meanfield, lowrank(K), fullrank, mixture(K) with K "
             "from 2 to 20, laplace and map", "there is no family `%s`", text);
}

FitRules family_rules(Posterior *p)
{
    bool few = p->target.n <= MOST_DENSE;
    int count;
    Asked asked = find_family(option_text(p->options, OPT_FAMILY), &count);
    FitRules r = {.kind = few ? FAMILY_FULLRANK : FAMILY_LOWRANK, .rank = RANK};

    snprintf(p->why_family, sizeof p->why_family, "%s", asked != ASKED_AUTO ? "as asked for"
             : few ? "up to 1200 free numbers" : "more than 1200 free numbers");
    switch (asked) {
    case ASKED_AUTO:
        r.modes = true;
        break;
    case ASKED_MEANFIELD:
        r.kind = FAMILY_MEANFIELD;
        break;
    case ASKED_LOWRANK:
        r.kind = FAMILY_LOWRANK;
        r.rank = count;
        break;
    case ASKED_FULLRANK:
        if (!few)
            dgm_fail(DGM_EXIT_USAGE, "lowrank(K) goes further",
                     "fullrank is for up to %d free numbers, and %s has %ld", MOST_DENSE,
                     p->model->name, p->target.n);
        r.kind = FAMILY_FULLRANK;
        break;
    case ASKED_MIXTURE:                /* as many parameters as one of full rank may have */
        r.parts = count;
        if ((double)count * (double)p->target.n * (double)p->target.n
            > (double)MOST_DENSE * MOST_DENSE)
            r.kind = FAMILY_LOWRANK;
        break;
    case ASKED_LAPLACE:
        r.by = FIT_LAPLACE;
        break;
    case ASKED_MAP:
        r.by = FIT_MAP;
        break;
    }
    r.rank = r.rank < p->target.n ? r.rank : p->target.n;
    return r;
}

void family_describe(Posterior *p)
{
    const Mixture *q = &p->fit.q;
    size_t at = strlen(p->why_family);

    if (p->target.n == 0) {
        snprintf(p->family_text, sizeof p->family_text, "exact");
        snprintf(p->why_family, sizeof p->why_family, "all latents are summed out");
        return;
    }
    if (q->parts == 1) {
        snprintf(p->family_text, sizeof p->family_text, "%s", fit_is_point(&p->fit) ? "map"
                 : p->fit.rules.by == FIT_LAPLACE ? "laplace" : family_name(q->part[0].kind));
        return;
    }
    snprintf(p->family_text, sizeof p->family_text, "mixture(%ld)", q->parts);
    if (p->fit.rules.modes)
        snprintf(p->why_family + at, sizeof p->why_family - at, "; %ld modes matter, each fitted "
                 "by %s", q->parts, family_name(q->part[0].kind));
}
