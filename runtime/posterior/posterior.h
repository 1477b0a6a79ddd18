/* posterior.h - what the files of the `posterior` command share. */
#ifndef DGM_POSTERIOR_H
#define DGM_POSTERIOR_H

#include "density/density.h"
#include "infer/infer.h"
#include "query/query.h"
#include "train/train.h"

/* Draws as values of the latents, and the quantities of `report` and `predict` for each. */
typedef struct Drawn {
    long M;
    const double *weight;              /* NULL: equal ones */
    Reporting reporting;
    Quantity *latents;                 /* draws in reporting.latent */
    int n;                             /* of the latents */
} Drawn;

enum { MOST_WARNINGS = 10 };
typedef struct Warning { const char *code; char text[400]; } Warning;

typedef struct Posterior Posterior;
typedef struct Labels Labels;

typedef enum { METHOD_AUTO, METHOD_DETERMINISTIC, METHOD_STOCHASTIC } MethodKind;
enum { FEWEST_ASKED = 100 };            /* of --draws */

/* What the posterior predicts for held-out data. */
typedef struct HeldOut {
    bool wanted, by_rows;              /* of each row; else of all data at once */
    long rows, draws;
    double log_density, se;            /* se: over rows */
    double monte_carlo;                /* error from the number of draws, of all data at once */
    double *row;                       /* [rows] */
} HeldOut;

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
    Labels *labels;                    /* those that may change places */
    char family_text[40], why_family[120];                   /* "fullrank"; "as asked for" */
    const char *why_form;
    MethodKind asked;
    const char *method, *why_method;   /* what ran: "deterministic"; why */
    Fit fit;
    double snr;                        /* of the gradient at the fit; NaN: there is none */
    Drawn family, posterior;           /* the raw fit; what is reported */
    HeldOut held_out;
    const char *source;                /* of `posterior`: "importance weights", .. */
    Warning warnings[MOST_WARNINGS];
    int n_warnings;
    double start, shown, seconds;      /* clock at the start, of the last progress; of the fit */
    double budget;                     /* seconds; inf: no limit */
    bool cut;                          /* the fit ended by it, or by a signal */
};

enum { SNR_DRAWS = 200 };              /* gradients whose mean is set against their noise */

int command_posterior(Options *o);

/* posterior.c: by the density. Is report.json wanted? It goes to stdout first, which a disk that is
 * full does not take away; then to the directory, with draws if asked for, and pictures. */
void posterior_by_density(Posterior *p);
bool posterior_is_kept(const Posterior *p);
void posterior_publish(const Posterior *p, json_t *report);  /* takes the report */
/* method.c: checks the options and gives the reason; is it the family of the spec? Then
 * what is settled once data are there: fixed draws, or why not. */
bool method_choose(Posterior *p);
void method_settle(Posterior *p, bool fixed, const char *why_not);
/* family.c: what --family asks for, without draws and seed; then name and reason of what
 * was fitted. */
FitRules family_rules(Posterior *p);
void family_describe(Posterior *p);
/* nowhere.c: ends the program where no point was found to begin at, and says why. */
_Noreturn void fail_nowhere(Posterior *p);
/* labels.c: those that may change places become the target's; names of their latents. */
void labels_find(Posterior *p);
void labels_text(const Posterior *p, char *text, size_t size);
void labels_free(Posterior *p);
/* verdict.c: what is doubtful about the fit; verdict_open.c: directions that nothing ends. */
void verdict(Posterior *p);
void verdict_open(Posterior *p);
void doubt(Posterior *p, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* heldout.c: by --valid. heldout_check fails where there is no such density. */
void heldout_check(const Posterior *p);
void heldout_score(Posterior *p);
json_t *heldout_json(const Posterior *p);                    /* `held_out` of the report */
void heldout_print(const Posterior *p);
/* report.c. The name of a free number: "mu", or "theta[3]" where a latent has several. */
void posterior_free_name(const Posterior *p, long number, char *text, size_t size);
void posterior_print(const Posterior *p);
json_t *posterior_json(Posterior *p);                        /* report.json */
json_t *posterior_warnings(const Posterior *p);
json_t *posterior_method(const Posterior *p);
json_t *posterior_gradient(const Posterior *p);
/* guided.c: by the family of the spec. */
void posterior_guided(Posterior *p);
/* evidence.c: the field `evidence` of the report. */
json_t *posterior_evidence(Posterior *p);
/* draws.c: files of equally weighted draws; the number of the draw that each one is. */
void posterior_draws(const Posterior *p, const char *dir);
long *posterior_resample(const Posterior *p);
/* pictures.c */
void posterior_pictures(const Posterior *p, const char *dir);

#endif
