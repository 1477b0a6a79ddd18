/* query.h - questions that a compiled model answers without being trained: its density at given
 * values, draws from its laws, reports and predictions for given draws.
 *
 * Sectioned by the file that implements it; conventions are those of session.h.
 */
#ifndef DGM_QUERY_H
#define DGM_QUERY_H

#include "session/session.h"

/* ---- simulate.c ------------------------------------------------------------------------------ */

/* Everything of a model drawn from its laws. */
typedef struct Simulation {
    const DgmModel *model;
    const DgmProgram *program;
    const DgmVariable *variables;
    const DgmSource *source;           /* NULL: no data */
    long N;
    DgmCtx c;                          /* c.out: the last draws */
    int n;
    Real **value;                      /* [n] what the laws read */
    bool *fixed;                       /* [n] value stays */
    int *output;                       /* [n] index of its draws, or -1 */
} Simulation;

Simulation simulation_new(const DgmModel *m);                /* exit 2 if it cannot be simulated */
void simulation_bind(Simulation *s, const Session *session, DataSet *data);
int simulation_find(const Simulation *s, const char *name);  /* a variable, or -1 */
/* Draws what is not fixed, until every value is drawn given those that it reads. Each number has
 * draws of its own. */
void simulation_draw(Simulation *s, uint64_t number);
void simulation_settle(Simulation *s, uint64_t number);      /* the same; draws may be no number */
void simulation_free(Simulation *s);
int command_simulate(Options *o);

/* ---- summary.c: means, sds and quantiles of draws -------------------------------------------- */

typedef struct Quantity {
    const char *name;
    Shape shape;
    DgmElem elem;
    double *draws;                     /* [M][shape.count] */
} Quantity;

/* Of M draws with these weights (sum 1), or with equal ones: NULL. */
void summaries_print(const Quantity *q, int n, long M, const double *weight);
/* {"mean": .., "sd": .., "q05": .., "q50": .., "q95": ..}, each in the shape of the quantity. */
json_t *summary_json(const Quantity *q, long M, const double *weight);
json_t *quantity_json(const Quantity *q, long M);            /* the draws, first axis */

/* ---- report.c ------------------------------------------------------------------------------ */

typedef struct Reporting {
    const DgmModel *model;
    long M, N;
    double **latent;                   /* [n_latents] [M][count] */
    Quantity *quantities;              /* of report and predict */
    int n;
} Reporting;

/* Quantities for each draw of the latents in r. */
void report_all(Reporting *r, const Session *session, DataSet *d);
void reporting_free(Reporting *r);
int command_report(Options *o);


/* ---- log_prob.c ----------------------------------------------------------------------------- */

int command_log_prob(Options *o);

#endif
