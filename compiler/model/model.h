/* model.h - the model graph: variables, plates, sites and their dependencies, and one family.
 *
 * Built from the typed AST of one model (and the family selected for it); mathematics only, no
 * tensors. Expressions stay AST nodes. Everything lives in the Ctx arena.
 */
#ifndef DGMC_MODEL_H
#define DGMC_MODEL_H

#include "../check/type.h"

/* A plate: `for index in size`. FORs over the same size at the same level are one plate, and so is
 * its re-opening in a family. */
typedef struct Plate Plate;
struct Plate {
    Str index;                         /* "n" */
    Size *size;
    Plate *outer;                      /* NULL at the top */
    Ast **binders;                     /* vec: every BINDER that opens it */
    bool rows;                   /* the minibatched plate: its axis is the row axis (at most one) */
    bool sequence;                     /* of a `scan`: what is in it may read earlier steps */
    Ast *low;                          /* first value of the index; NULL: 0 */
    Ast *when;                         /* which positions count, where only the data say; or NULL */
    Ast *start;                        /* of a sequence with `when`: its first step */
    Span span;
};

/* VAR_DRAWN: of `predict z ~ d`, no part of the density. */
typedef enum { VAR_DATA, VAR_PARAM, VAR_LATENT, VAR_LET, VAR_NET, VAR_DRAWN } VarKind;

/* Of a latent: its free number is its own; could be that of its standard law; is it. */
typedef enum { CENTRED, NONCENTRABLE, NONCENTRED } Centring;

typedef struct Var {
    VarKind kind;
    Str name;
    Ast *decl;                         /* DECLNAME (or NET): what NAME nodes have as decl */
    Ast *statement;                    /* DATA, PARAM, LATENT, LET, NET */
    Type *type;                        /* without the plates it is declared in */
    Plate *plate; /* innermost plate it is declared in, or NULL. A data array whose
                     first axis is the row plate's size: that plate, and the axis is
                     not in `type.array` */
    Ast *law;                          /* latent, penalised param: distribution; else NULL */
    bool half;                         /* declared support narrower than the law's: truncated at */
    Ast *lower, *upper;                /* these, NULL: the law's own end */
    bool unscaled;                     /* cut to a vector support: its constant normaliser is left
                                          out */
    Ast *value;                        /* LET: expression */
    bool reported;                     /* LET: of a `report`: its value is wanted of every draw */
    int spread;                        /* discrete latent, draw: leading axes of its declaration
                                          that are plates, as if it stood in them */
    struct Var *absent, *place, *missing;     /* data with missing cells: where, which of the values
                                                 of the latent `missing` stand there; else NULL */
    Centring centring;                 /* latent: decided by derive */
    bool filler;                       /* it is one of those of other data */
    bool drawn;                        /* discrete latent that the family draws */
    bool average;                      /* parameter that follows an average: no gradient moves it */
    bool synthetic;                    /* made by derive: variational parameter or free value;
                                          stands in Family.vars */
} Var;

/* `lhs ~ law`: a latent's own statement or an observation. */
typedef struct Site {
    Var *var;
    Ast *lhs;                          /* x[n], or the NAME of a latent */
    Ast *law;                          /* distribution expression */
    Plate *plate;                      /* innermost plate the statement stands in, or NULL */
    bool observed;
    Span span;
    Var **reads;                       /* vec: variables in the law, lets seen through */
} Site;

typedef struct Factor {
    Ast *value;
    Plate *plate;
    Span span;
    bool penalty;
    bool joint;                        /* logpdf(d, [a, b]), of `latent (a, b) ~ d` */
} Factor;

/* Which word of a family makes which: families.def. */
typedef enum { GUIDE_LAW, GUIDE_MEANFIELD, GUIDE_FULLRANK, GUIDE_LOWRANK, GUIDE_MIXTURE,
               GUIDE_POINT } GuideKind;
/* The law of one latent, or of a group, in the family. */
typedef struct Guide {
    GuideKind kind;
    Var **latents;                     /* vec: one, unless joint */
    bool joint;                        /* their free numbers are drawn as one vector */
    Ast *law;                          /* LAW: user's distribution */
    Size *count;                       /* LOWRANK: columns of the factor; MIXTURE: components */
    Plate *plate;                      /* the innermost that all its latents stand in, or NULL */
    bool noncentred;                   /* MEANFIELD: of the standard values; if implied, where it
                                          helps */
    bool amortized;                    /* reads data of its plate */
    bool implied;                    /* no line in the spec: the default, or from `others`, `all` */
    Span span;
} Guide;

typedef struct Family {
    Str name;                          /* NULL: anonymous or default */
    Ast *node;                         /* NULL: default mean field */
    Var **vars;                        /* vec: lets and nets of the family, in order */
    Guide *guides;                     /* vec: every latent exactly once, in order of drawing */
} Family;

/* `gradient:` of an objective: the default, the slope of what is computed, by the path of the draws
 * alone (elbo), doubly reparameterized (iwae, renyi). */
typedef enum { GRADIENT_AUTO, GRADIENT_TOTAL, GRADIENT_PATH, GRADIENT_DOUBLY } GradientWord;

/* The train block, with defaults filled in by derive where it says nothing. */
typedef struct Training {
    Ast *node;                         /* TRAIN or NULL */
    Str objective;                     /* "elbo" "map" "likelihood", or NULL: choose */
    Ast *objective_at;                 /* the SETTING, or NULL */
    int samples;                       /* S */
    bool samples_said;                 /* else S is 1, and a trainer may take more */
    double beta;                       /* weight of the KL part, 1 */
    double alpha;                      /* of renyi; iwae: 0 */
    GradientWord gradient;
    Str optimizer;                     /* "adam"; NULL: the trainer chooses */
    Str *hyper_names; double *hyper_values;   /* vecs: "lr" ... */
    long batch;                        /* 0: whole data */
    double epochs; long steps;         /* 0: not given */
    double clip; long seed;            /* 0: not given */
} Training;

typedef struct Model {
    Str name;
    Ast *node;
    Plate **plates;                    /* vec, outermost first */
    Plate *rows;                       /* the row plate or NULL */
    Str full_batch;                    /* why minibatches are not licensed, or NULL */
    Var **vars;                        /* vec, in order of declaration */
    Site *sites;                       /* vec, generative order */
    Factor *factors;                   /* vec */
    Var **predicted;                   /* vec: what `predict` names */
    Site *drawn;                       /* vec: statements of VAR_DRAWN */
    Family *family;                    /* NULL if no latents */
    Training training;
    Ast *file;                        /* FILE it comes from: the user's distributions stand there */
} Model;

/* build.c: the (only, or named) model of a checked file. NULL after errors. Refuses, each with its
 * own error, what later stages do not derive yet (scan, discrete latents, missing, orderings,
 * ...). */
Model *model_build(Ctx *c, Ast *file, Str name);
/* prove_plates.c: decides Model.rows; every read across it is an error naming the line that mixes.
 * sizes_later: sizes of other plates and arrays may be unknown. */
bool   prove_plates(Ctx *c, Model *m, bool sizes_later);
bool   var_is_discrete(const Var *v);                 /* a latent of whole numbers */
bool   var_is_summed(const Var *v);                   /* and summed out: no family draws it */
/* partial.c: latents of plates with a condition, `for n in N where seen[n]` */
const Plate *plate_partial(const Plate *p);  /* the innermost plate around p that has one; NULL */
/* a latent or a draw of `predict`, of real numbers: some of its cells may not count */
bool   var_is_partial(const Var *v);
/* Does the file say what the latents are drawn from, or how gradients by them are estimated? */
bool   model_is_guided(const Model *m);
bool   model_is_net(const Model *m);                  /* has nets beside those of its family */
bool   model_has_nets(const Model *m);                /* of the model itself or its family */
Var   *model_var(const Model *m, const Ast *decl);    /* by declaration, family's included; NULL */
void   model_print(Ctx *c, Out *o, const Model *m);   /* --dump=graph */

/* graph.c: what an expression depends on; lets, functions and nets are seen through. */
Var  **model_reads(Ctx *c, const Model *m, Ast *e);   /* vec, in order of first mention */
bool   reads_has(Var **reads, const Var *v);
/* Does e read v of a sequence at another step than its own? */
bool   model_reads_past(Ctx *c, const Model *m, Ast *e, const Var *v);
/* The sites whose density mentions v: its own and its children (the Markov blanket of v is what
 * these sites read and draw). */
Site **model_blanket(Ctx *c, const Model *m, const Var *v);
bool   plate_draws_data(const Model *m, const Plate *p);      /* by a statement within p */
bool   plate_within(const Plate *p, const Plate *outer);      /* p is outer or lies in it */
Plate *model_plate(const Model *m, const Ast *binder);        /* that `binder` opens, or NULL */
bool   model_has_states(const Model *m);              /* discrete latents that are summed out */
Plate *plate_sequence(Plate *p);       /* the innermost sequence that p lies in, or NULL */
bool   plate_has_index(const Plate *p, const Ast *e);         /* e is the name of its index */
Str    plate_text(Ctx *c, const Plate *p);                    /* "n in N" */
Ast   *index_base(Ast *e);             /* x of x, x[n] and x[n][d] */
/* A law behind the names of lets: `let d = normal(0, 1)`, `x ~ d`. */
Ast   *law_see(const Model *m, Ast *law);
void   model_verify(const Model *m);

#endif
