/* posterior.h - what the files of the `posterior` command share. */
#ifndef DGM_TRAIN_POSTERIOR_H
#define DGM_TRAIN_POSTERIOR_H

#include "density/density.h"
#include "infer/infer.h"
#include "train/train.h"

/* Draws as values of the latents, and the quantities of `report` and `predict` for each. */
typedef struct Drawn {
    long M;
    const double *weight;              /* NULL: equal ones */
    Reporting reporting;
    Quantity *latents;                 /* draws in reporting.latent */
    int n;                             /* of the latents */
} Drawn;

enum { MOST_WARNINGS = 8 };
typedef struct Warning { const char *code; char text[400]; } Warning;

typedef struct Posterior Posterior;

/* The density as one thread evaluates it. */
typedef struct Copy {
    DgmDensity *density;
    DensityForm form;
    Posterior *owner;
    bool shows;                        /* progress */
} Copy;

struct Posterior {
    const DgmModel *model;
    Options *options;
    Session session;
    DataSet data;
    DgmDensity *density;               /* the first of the copies */
    Copy *copies;                      /* [threads] */
    void **pointers;                   /* to them */
    DensityForm form;                  /* of the free numbers that were fitted */
    Target target;
    const char *why_family, *why_form;
    Fit fit;
    Drawn family, posterior;           /* the raw fit; what is reported */
    const char *source;                /* of `posterior`: "importance weights", .. */
    Warning warnings[MOST_WARNINGS];
    int n_warnings;
    double start, shown, seconds;      /* clock at the start, of the last progress; of the fit */
};

/* posterior.c: what any method needs. */
void posterior_check_options(const Posterior *p);
void posterior_files(const Posterior *p, const char *dir);   /* draws if asked for, pictures */
/* verdict.c: what is doubtful about the fit. */
void verdict(Posterior *p);
void doubt(Posterior *p, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* posterior_report.c */
void posterior_print(const Posterior *p);
json_t *posterior_json(Posterior *p);                        /* report.json */
json_t *posterior_warnings(const Posterior *p);
/* posterior_guided.c: by the family of the spec, all of it; why so, NULL: it need not be. */
const char *guided_reason(const Options *o);
void posterior_guided(Posterior *p);
/* posterior_evidence.c: the field `evidence` of the report. */
json_t *posterior_evidence(Posterior *p);
/* posterior_draws.c: files of equally weighted draws; the number of the draw that each one is. */
void posterior_draws(const Posterior *p, const char *dir);
long *posterior_resample(const Posterior *p);
/* posterior_pictures.c */
void posterior_pictures(const Posterior *p, const char *dir);

#endif
