/* derive.h - shared by the files of the derivation; nobody else includes it. */
#ifndef DGMC_DERIVE_H
#define DGMC_DERIVE_H

#include "objective.h"

typedef enum { BY_AUTO, BY_REPARAM, BY_CLOSED } ByMethod;
typedef enum { CONTROL_NONE, CONTROL_AVERAGE, CONTROL_LOO } Control;

/* How a latent gets its value from the family. */
typedef struct Latent {
    Var *var;
    Site *site;                        /* its prior */
    Guide *guide;
    int number;                        /* position of the site in the model */
    bool identity;                     /* what is drawn is the latent itself */
    bool mapped;                       /* what is drawn is mapped onto the support */
    Var *drawn;                       /* variable drawn: `var`, or its free value, or the group's */
    Ast *free;                         /* free value as an expression: NAME, or part of the group */
    Ast *component, *weight;           /* of a mixture: law of component k of `drawn`, and its */
    Plate *strata;                     /* probability, in this plate; NULL: not drawn by strata */
    Size *from, *length;               /* of a group: where its numbers begin, and how many */
    Ast *q;                            /* law of `drawn`; NULL, as that: a point */
    bool first;                        /* first of its group: the group is drawn, and its entropy
                                          counted, here */
    ByMethod by;
    Ast *by_at;                        /* the BY statement, or NULL */
    bool score;                        /* no derivative passes through the draw: see score.c */
    Control control;                   /* of the score */
    bool whole;                        /* the score weighs all terms, without Rao-Blackwell */
    Str why;                           /* the score, or NULL: through the draw */
} Latent;

/* Of discrete latents, by tables added to the log weights of their states: see report.c. */
typedef enum { SUMMARY_NONE, SUMMARY_MARGINAL, SUMMARY_MODE, SUMMARY_DRAW } Summary;

typedef struct Derive {
    Ctx *c;
    Model *m;
    Derivation *d;
    Ast *library;                      /* lang/std */
    Latent *latents;                   /* vec, in order of drawing */
    Summary summary;                   /* that the terms being made are for */
    Str *taken;                        /* vec: names of terms and variables already used */
} Derive;

/* make.c: new nodes */
Str   fresh_name(Derive *d, Str wanted);
Type *make_type(Ctx *c, const char *support, Size **array, Size **event);
Ast  *make_name(Ctx *c, const Var *v, Span span);
Ast  *make_index(Ctx *c, Ast *base, Ast **index);               /* base if index is empty */
/* b may be NULL */
Ast  *make_call(Ctx *c, const char *name, Type *type, Span span, Ast *a, Ast *b);
/* of lang/std; key: of the last argument; b may be NULL */
Ast  *make_law(Derive *d, const char *name, Span span, Ast *a, Str key, Ast *b);
/* a law of lang/std with one more argument, by name */
Ast  *law_with(Derive *d, Ast *law, const char *key, Ast *argument);
/* real numbers combined or compared; `op` as the language writes it */
Ast  *make_binary(Ctx *c, const char *op, Ast *a, Ast *b);
/* if condition then a else b; NULL: 0 */
Ast  *make_choice(Ctx *c, Span at, Ast *condition, Ast *a, Ast *b);
Ast  *make_counted(Ctx *c, const Plate *p, Ast *e);             /* e at positions of p that count */
/* e at the positions of p and its outers that count, otherwise at the others; of the type of e */
Ast  *make_partial(Ctx *c, const Plate *p, Ast *e, Ast *otherwise);
/* e of the plates of v: NaN in the cells of v that do not count */
Ast  *make_known(Ctx *c, const Var *v, Ast *e);
Ast  *make_size(Ctx *c, const Size *s, Span span);
/* sizes of p and of the plates around it up to, without, `outer`; positions in them */
void  push_plate_sizes(Ctx *c, const Plate *p, const Plate *outer, Size ***sizes);
void  push_plate_indices(Ctx *c, const Plate *p, const Plate *outer, Ast ***index, Span span);
Var  *make_param(Derive *d, Str name, Type *type, Ast *init, Span span);
Var  *make_value(Derive *d, Str name, Type *type, Plate *plate, Span span);
Ast  *plate_index_name(Ctx *c, const Plate *p, Span span);
/* sum over the declared binders of `b[j in J]` of e; e if there are none. */
Ast  *make_declared_sum(Ctx *c, const Var *v, Ast *e);
bool  has_declared_binders(const Var *v);
Ast  *make_element(Ctx *c, const Var *v, Span span);            /* b[j], or b */
Ast  *make_element_of(Ctx *c, const Var *v, Ast *whole);        /* of another array like b */
Type *real_scalar(Ctx *c);

/* offers.c: declarations by name, axes of laws and supports */
/* at file level: user's, then lang/std */
Ast  *find_declared(const Derive *d, AstKind kind, Str name);
bool  law_is_flat(const Ast *law);
bool  law_is_delta(const Ast *law);
int   law_rank(const Ast *call);                                /* event axes of one draw */
int   batch_rank(Ctx *c, const Ast *call);            /* axes of its arguments beyond those */
Type *beyond_event(Ctx *c, const Type *t, int rank);  /* axes of a draw beyond the event */
Ast  *support_of(const Derive *d, const Type *t);     /* SUPPORT, or NULL: the real line */
Size **support_free(Derive *d, const Type *t, Span at);         /* event axes of the free value */

/* joint.c: log densities of statements */
/* NULL: zero (flat). half: the latent that x is, which may cut the law off; or NULL */
Ast  *joint_logpdf(Derive *d, Ast *law, Ast *x, const Var *half);
Ast  *joint_log_mass(Derive *d, Ast *law, Ast *x, Ast *lower, Ast *upper);
bool  joint_offers_cdf(Derive *d, Ast *law, Span at, const char *what);   /* else an error */
/* cut.c: a law of numbers on a support of vectors. Its density there, where it depends on latents;
 * is it the same for all elements; the finite bounds of the support; are they normal, of sum 0. */
Ast  *cut_density(Derive *d, Ast *law, Ast *x, const Var *v, Ast *density);
bool  cut_of_one_law(const Ast *law);
Ast  *cut_bound(Ctx *c, const Type *t, size_t i);     /* NULL: infinite */
bool  cut_is_centred(const Ast *law, const Type *t);
Ast  *joint_site(Derive *d, const Site *s);         /* its log density; NULL: flat */
void  joint_likelihood(Derive *d, Query *q);
void  joint_factors(Derive *d, Query *q, bool penalties);
Ast  *joint_prior(Derive *d, const Site *s);                    /* log p(z | ..), or NULL: flat */
Term make_term(Derive *d, Str name, TermKind kind, double sign, Ast *expr, Plate *plate, Span span);
/* the same, of an expression that says itself which positions count */
Term make_whole_term(Derive *d, Str name, TermKind kind, double sign, Ast *expr, Plate *plate,
                     Span span);

/* sum_out.c: discrete latents. Statements that read one are put into terms by sum_out alone. */
bool  site_is_summed(Derive *d, const Site *s);
bool  factor_is_summed(Derive *d, const Factor *f);
void  sum_out(Derive *d, Query *q);
/* picked.c: v[i, ..] by which e, in plate `from`, reads v of other plates, if all its reads have
 * these indices, of data; or NULL. And the sum of e over `from`, as one of the plate of v. */
Ast  *picked_by(Derive *d, const Var *v, Ast *e, const Plate *from);
Ast  *sum_picked(Derive *d, const Var *v, Ast *read, Ast *e, Plate *from);
/* Are the indices of a[i, ..] the first of b[i, .., j], which has so many more? */
bool  first_indices(Ctx *c, const Ast *a, const Ast *b, int more);

/* family.c: guides -> latents */
void  family_latents(Derive *d);
bool  is_free(Derive *d, const Var *v);     /* its own free value; an error if there is no map */
Type *free_type(Derive *d, const Var *v);
Span  guide_span(const Latent *z);
/* a new parameter of type `inner` for every element of the plate, read at its indices */
Ast  *plated_param(Derive *d, Str name, const char *support, const Type *inner, Plate *plate,
                   Ast *init, Span span);
Ast  *small_init(Derive *d, Span span);
/* group.c: latents drawn as one vector */
void  group_latents(Derive *d, Latent **members, size_t n);
/* of `whole`, a vector over the free numbers of z's group, those of z */
Ast  *group_part(Derive *d, const Latent *z, Ast *whole);
/* mixture.c: groups that are drawn by strata in the step */
void  mixture_strata(Derive *d, Latent **members, size_t n);
void  mixture_check_weighted(Derive *d);                        /* refuses them: iwae, renyi */
/* point.c: latents that are parameters */
bool  is_point(const Latent *z);
bool  var_is_point(const Derive *d, const Var *v);
void  latent_point(Derive *d, Latent *z);
void  point_term(Derive *d, Query *q, const Latent *z);
/* noncenter.c: latents that are location + scale * a standard one */
void  expand_law_values(Derive *d);   /* law_values.c: logpdf of `if` and `|>` in the model */
void  noncenter(Derive *d);                                     /* decides Var.centring */
Ast  *standard_law(Derive *d, const Var *v);
/* the latent where u are its free numbers, which have the map of its support still before them */
Ast  *noncentred_value(Derive *d, const Var *v, Ast *u);
Bind  noncentred_bind(Derive *d, Var *v, Ast *u);
Ast  *noncentred_free(Derive *d, const Var *v);                 /* u of the latent */
Ast  *standard_prior(Derive *d, const Site *s, Ast *u);         /* log density of the image of u */
/* estimator.c */
void  choose_estimator(Derive *d, Latent *z);
void  check_group(Derive *d, Latent *const *members, size_t n);
void  check_by(Derive *d);
/* score.c */
void  score_surrogates(Derive *d, Query *q);
/* A parameter that follows the mean of f, which stands in `plate`, as an expression. */
Ast  *score_average(Derive *d, Query *q, const Latent *z, Ast *f, Plate *plate);
/* iwae.c */
void  step_weighted(Derive *d, Query *q);
/* kl.c: the divergence, term by term */
bool  kl_closed(Derive *d, const Latent *z, Ast **expr, Str *why_not);
bool  entropy_closed(Derive *d, const Latent *z, Ast **expr, Str *why_not);
Ast  *log_q(Derive *d, const Latent *z);
bool  uses_closed(const Derive *d, const Latent *z);  /* closed forms, where there are any */
bool  depends_on_draw(Derive *d, const Latent *later, const Var *z, int depth);
void  kl_terms(Derive *d, Query *q);
void  weight_terms(Derive *d, Query *q);                        /* exact log p(z) - log q(z) */
/* queries.c */
void  family_binds(Derive *d, Query *q, bool local_too);
void  derive_queries(Derive *d);
/* log_prob.c */
void  log_prob_queries(Derive *d);
/* one for each statement; free: the prior of non-centred latents is that of their free numbers */
void  log_joint_terms(Derive *d, Query *q, bool free);
/* simulate.c */
void  simulate_query(Derive *d);
/* predict.c */
void  predict_queries(Derive *d);
/* report.c */
void  report_queries(Derive *d);
void  ask_draw(Derive *d, Var *v);          /* a state of v is wanted, drawn from its posterior */
Ast  *table_entry(Derive *d, const Var *v); /* what is added to the log weight of v's state; NULL */
/* words.c: formulas, steps and estimates of what was derived */
void  describe(Derive *d);

/* ---- math.c, expand.c: expressions as mathematics -------------------------------------------- */
typedef struct Math {
    Ctx *c;
    const Model *m;
    bool latex;
} Math;
Str  math_expr(const Math *m, const Ast *e);
Str  math_name(const Math *m, Str name);                        /* mu_a -> μ_a, \mu_{a} */
Str  math_size(const Math *m, Str text);                        /* name or size_text: 2 D + 1 */
Str  math_var(const Math *m, const Var *v);                     /* with the indices of its plates */
Str  math_symbol(const Math *m, const Var *v);                  /* without them */
Str  math_sum(const Math *m, const Plate *p);         /* Σ_n Σ_j  for a plate and its outers */
Str  math_law(const Math *m, const Ast *law);
/* The members of a law with its arguments put in and what is constant folded; NULL if it has
 * none. */
Ast *expand_logpdf(const Derive *d, Ast *law, Ast *x);
Ast *expand_fact(const Derive *d, Ast *law, const char *name);
Ast *expand_part(const Derive *d, Ast *law, const char *name); /* a fact whose value broadcasts */
Ast *expand_kl(const Derive *d, Ast *q, Ast *p);
Ast *expand_support(const Derive *d, const Type *t, const char *name, Ast *u);
Ast *expand_sample(const Derive *d, Ast *law);

#endif
