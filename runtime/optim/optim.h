/* optim.h - the tables of optimisers and learning-rate schedules, and what the trainer sets.
 *
 * Idea: an optimiser is a row of a table: its name, hyperparameters with defaults, how many slabs
 * of moments it keeps, and a function that updates one panel [offset, offset + count) of the
 * parameters. Everything that depends on the step alone is computed once per step by
 * dgm_optim_begin, so a panel update is one vectorised pass and any thread may run any panel.
 * The sign is that of ascent: c->grad points uphill.
 *
 * Step numbers: `step` counts the updates made, so the first is dgm_optim_begin(o, 0, total) and a
 * resumed run passes what it had. A schedule is a function of (step, total) alone.
 */
#ifndef DGM_OPTIM_H
#define DGM_OPTIM_H

#include "dgm.h"

enum { DGM_OPTIM_MAX_HYPER = 8, DGM_OPTIM_MAX_SLABS = 4 };

/* A named number of an optimiser or a schedule: for --help, --set and run.json. */
typedef struct DgmHyper {
    const char *name;
    double value;                      /* default in a table row, current in an optimiser */
    const char *doc;
} DgmHyper;

/* What dgm_optim_begin leaves for the panel updates of this step. */
typedef struct DgmStepScale {
    double lr;                         /* base rate times schedule and warm-up */
    double correct_m, correct_v;       /* Adam: 1 / (1 - beta^t) and 1 / sqrt(1 - beta2^t) */
} DgmStepScale;

/* One panel. param, grad and slabs point at the panel's first element; scale multiplies grad. */
typedef void DgmPanelUpdate(const DgmOptim *o, Real *param, const Real *grad, Real *const *slabs,
                            long count, Real scale);

typedef struct DgmOptimInfo {
    const char *name, *doc;
    DgmHyper hyper[DGM_OPTIM_MAX_HYPER];
    int n_hyper;
    const char *slab_names[DGM_OPTIM_MAX_SLABS];   /* in checkpoints */
    int n_slabs;
    DgmPanelUpdate *update;
    int flops, bytes_reals;            /* an element: operations; Reals read and written */
    bool automatic;                    /* the trainer chooses its step size and when to stop */
} DgmOptimInfo;

typedef struct DgmScheduleInfo {
    const char *name, *doc;
    DgmHyper hyper[DGM_OPTIM_MAX_HYPER];
    int n_hyper;
    double (*factor)(const DgmHyper *hyper, double step, double total);
} DgmScheduleInfo;

/* A rate of decay, and its logarithm once it was asked for. */
typedef struct DgmDecay { double beta, log; } DgmDecay;

struct DgmOptim {
    const DgmOptimInfo *info;          /* row of the table */
    DgmHyper hyper[DGM_OPTIM_MAX_HYPER];           /* current values */
    const DgmScheduleInfo *schedule;
    DgmHyper schedule_hyper[DGM_OPTIM_MAX_HYPER];
    double warmup;                     /* steps of linear rise from 0 */
    double rate;                       /* > 0: step size in the place of lr */
    DgmDecay m, v;                     /* of Adam's means */
    DgmStepScale now;
    Real *slabs[DGM_OPTIM_MAX_SLABS];  /* [param_reals] each */
    long reals;                        /* of one slab */
};

/* The tables; i from 0 to count - 1. The two that find a name return NULL if it is unknown. */
int dgm_optim_count(void);
const DgmOptimInfo *dgm_optim_info(int i);
const DgmOptimInfo *dgm_optim_find(const char *name);
int dgm_schedule_count(void);
const DgmScheduleInfo *dgm_schedule_info(int i);
const DgmScheduleInfo *dgm_schedule_find(const char *name);

/* False: no schedule of this name. Its numbers ("final", "delay", ...) are set by dgm_optim_set,
 * which looks among the optimiser's own, the schedule's, and "warmup". dgm_optim_set also takes
 * "schedule.NAME" (any value but 0), so that a model's table of (name, value) can choose one. */
bool dgm_optim_set_schedule(DgmOptim *o, const char *name);
double dgm_optim_lr(const DgmOptim *o);              /* of the step begun last */
/* Every number in force, for run.json: fills at most max, returns how many. */
int dgm_optim_values(const DgmOptim *o, DgmHyper *values, int max);

/* The panel updates: sgd.c, adagrad.c, adam.c. Hyperparameters by position in their row. */
enum { DGM_SGD_LR, DGM_SGD_MOMENTUM };
enum { DGM_ADAGRAD_LR, DGM_ADAGRAD_EPS };
enum { DGM_ADAM_LR, DGM_ADAM_BETA1, DGM_ADAM_BETA2, DGM_ADAM_EPS };    /* auto: the same */
enum { DGM_AUTO_MEAN = 2, DGM_AUTO_BEFORE };         /* its slabs beside Adam's m and v */
DgmPanelUpdate dgm_sgd_update, dgm_adagrad_update, dgm_adam_update;

#endif
