/* guided.h - what the files of `posterior` by the family of the spec share. */
#ifndef DGM_TRAIN_POSTERIOR_GUIDED_H
#define DGM_TRAIN_POSTERIOR_GUIDED_H

#include "posterior/posterior.h"

typedef struct Guided {
    Posterior *p;                      /* what is reported: draws, warnings */
    Training t;
    int *output;                       /* of `encode`, of each latent that is drawn */
    double elbo, elbo_se;
    Psis psis;                         /* of all data, or of the row in the middle */
    bool per_row, fixed;               /* fixed: by fixed_draws.c */
    double *weight, evidence, evidence_se;
    long rows, bad_rows;               /* weighed; above the limit of k-hat */
    Running *valid;
    Likelihood valid_likelihood;
} Guided;

/* guided_report.c: quantities of `report` for the draws; warnings; table, report.json. */
void guided_report(Guided *g);
void guided_doubts(Guided *g);
void guided_say(Guided *g);

#endif
