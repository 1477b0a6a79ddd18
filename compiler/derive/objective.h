/* objective.h - what is to be computed, as mathematics with provenance.
 *
 * A Derivation is an objective (a sum of terms) and the queries that a trainer answers. A query is
 * a list of bindings (how each latent gets its value) and of results. Expressions are AST nodes in
 * the language itself; derived ones use its functions on distributions:
 *     logpdf(d, x)  kl(q, p)  entropy(d)  mean(d)  variance(d)
 *     constrain(u), log_jacobian(u), unconstrain(x)    node->type is the constrained type (its
 *                                                      support and bounds)
 *     log_mass(d, x, a, b)  quantile(d, u, a, b)       between two bounds
 *     placed(x, x[i], e)    sorted(x)                  x with e at its elements [i]
 *     terms(k, ..)          others(e)                  sum of those terms of the query, at the
 *                                                      present positions and draw (all_terms: at
 *                                                      all positions, row_terms: in all of the
 *                                                      row); mean of e over the other draws
 *     bound(f, a)    bound_without(f, a)               1/(1-a) log mean over draws of exp((1-a) f);
 *                                                      where f of this draw is the others' mean
 *     shares(f, a)   sum_draws(e)                      of a draw in that mean; sum over draws
 *     shaped(v)                        the numbers of vector v over the axes of the call's type,
 *                                      the last the fastest
 *     through_draws(e)    past_draws(e)                e, whose slope is by the draws alone, or by
 *                                                      all but them
 * NAMEs of synthetic variables have decl = Var.decl of that variable. Nothing here knows tensors:
 * `explain` prints this structure.
 */
#ifndef DGMC_OBJECTIVE_H
#define DGMC_OBJECTIVE_H

#include "../model/model.h"

typedef enum {
#define RULE(id, name, sentence, latex) RULE_##id,
#include "rules.def"
#undef RULE
    N_RULES
} RuleId;

typedef struct RuleInfo { const char *name, *sentence, *latex; } RuleInfo;
extern const RuleInfo rule_info[N_RULES];

/* One line of the derivation of a term: rule, what came out, why. */
typedef struct Step { RuleId rule; Str text; Str latex; Span span; } Step;

typedef enum {                         /* mirrors DgmTermKind of the runtime */
    TERM_LIKELIHOOD, TERM_PRIOR, TERM_ENTROPY, TERM_JACOBIAN, TERM_KL, TERM_PENALTY,
    TERM_BOUND,                        /* of several draws: the others are reported beside it */
    TERM_SURROGATE,                    /* of Query.surrogates, known to the compiler alone */
    TERM_AVERAGE                       /* also: parameter `of` follows the mean of `expr` */
} TermKind;

typedef struct Term {
    Str name;                          /* "x", "kl_z", "entropy_w": legal C identifier, unique */
    TermKind kind;
    double sign;                       /* +1 or -1; objective = sum sign * weight * term */
    double weight;                     /* 1, or beta */
    Ast *expr;                         /* scalar once summed over events; may depend on samples */
    Plate *plate;                      /* summed over this plate and its outers; NULL: global */
    bool local;                        /* plate is, or lies in, the row plate */
    bool reported;                     /* no part of the objective: its value is only shown */
    bool held;                         /* surrogates have its slope */
    Span span;                         /* of the statement in the spec it comes from */
    const Var *noncentred; Ast *moved; /* of the prior of a standard value: the latent, which is
                                          `moved`; else NULL */
    Step *steps;                       /* vec: how it came to be; the last is its final form */
    Str text, latex;                   /* formula */
    Var *of;                           /* TERM_SURROGATE: what is drawn; TERM_AVERAGE: the
                                          parameter; else NULL */
} Term;

typedef enum { BIND_DRAW, BIND_VALUE } BindKind;
/* Gives a variable its value in a query: a reparameterized draw from a law (one per sample), or an
 * expression. Variables without binding: data and params are inputs, lets are inlined. */
typedef struct Bind {
    BindKind kind;
    Var *var;
    Ast *expr;                         /* distribution, or value */
    Plate *plate;
    int site;                          /* DRAW: number of the random stream; same in every query:
                                          2 k for site k of the model drawn from the family, 2 k + 1
                                          from the model; a full-rank group has that of its first */
    Span span;
    const Var *like;                   /* whose declared indices the law reads; NULL: of var */
    bool held;                         /* DRAW: no derivative passes through it */
    bool recursive;                    /* VALUE in a sequence: may read earlier steps of itself and
                                          of others that are bound so, also below */
    Ast *weight;                       /* DRAW by strata: its innermost plate is that of the
                                          components, over which what reads it is summed with
                                          these weights; else NULL */
} Bind;

typedef struct Result {
    Str name;                          /* "z.mean" */
    Ast *expr;
    Plate *plate;
    bool samples;                      /* keeps the sample axis if it has one; else averaged */
} Result;

typedef struct Query {
    Str name;                          /* its row of QUERIES */
    Var **given;                       /* vec: latents and parameters whose values come from
                                          outside; the gradient of the terms is by them. Of
                                          simulate also discrete latents and data */
    Str *only_given;                   /* simulate: vec, of each given: why it is not drawn, or
                                          NULL: it is a result */
    Bind *binds;                       /* vec, in order */
    Term *terms;                       /* vec: step: the objective; weight: exact log p - log q */
    Term *surrogates;                  /* vec: step: added to the terms for the gradient alone: the
                                          slope of the sum estimates that of the objective */
    Result *results;                   /* vec */
    Str absent;                       /* why the query cannot be answered; then the rest is empty */
} Query;

/* What a program can be asked; a row is the field, its place in every loop, and its name. `step`
 * is the objective; log_prob(z) the log joint at given values, log_prob_free(u) that at free
 * numbers with the Jacobian; to_values(u) and to_free(z) lead from one to the other; _noncentred:
 * the same where every latent that can be is non-centred. simulate draws
 * latents and data from their laws, given the values that the laws read. report(z, tables) are the
 * quantities of `report`. states(z, tables) draws the discrete latents from their posterior. */
#define QUERIES(Q)                                                                                 \
    Q(step) Q(weight) Q(sample) Q(encode) Q(reconstruct) Q(constrain)                              \
    Q(log_prob) Q(log_prob_free) Q(to_values) Q(to_free)                                           \
    Q(log_prob_noncentred) Q(to_values_noncentred) Q(simulate)                                     \
    Q(report) Q(marginals) Q(modes) Q(states)
#define QUERY_NAME(name) " " #name
#define QUERY_NAMES QUERIES(QUERY_NAME)                /* " step weight .." */
enum {
#define Q(name) QUERY_##name,
    QUERIES(Q)
#undef Q
    N_QUERIES
};

/* A latent, or a parameter of the model, as the densities take it. */
typedef struct Given { Var *var, *free; } Given;      /* free: its free numbers; var: they are it */

/* Of a discrete latent what a `report` or `predict` asks for: a number for each of its states.
 * marginals(z) has them as its gradient by what it adds to the log weights of the states, where
 * that is 0; so has modes(z), of the best joint state instead of the sum over all, and states(z),
 * of one joint state drawn from the posterior: 1 at the state drawn, else 0. */
typedef struct Table { Var *latent, *marginal, *mode, *draw; } Table; /* NULL: not asked for */

/* What `predict` names. Data that it draws again have new values of the discrete latents of their
 * own plates, from their laws; of all others that the laws read there is a draw in Table.draw. */
typedef struct Predicted { Var *var, **anew; } Predicted;             /* anew: vec */

/* What explain says of a latent: family, estimator and the reason. */
typedef struct Estimate { Var *latent; Str family; Str estimator; Str reason; Span span; } Estimate;

typedef struct Derivation {
    Model *model;
    Str objective;                     /* "elbo" "map" "likelihood" */
    Str text, latex;                   /* the bound as one formula */
    Step *steps;                       /* vec: from the marginal likelihood to the bound */
    Var **params;                   /* vec: all trainable variables, synthetic included, nets not */
    Estimate *estimates;               /* vec */
    Given *givens;                     /* vec, as declared; empty if log_prob is absent */
    Table *tables;                     /* vec */
    Predicted *predicted;              /* vec: of each of Model.predicted, in order */
    union {
        struct {
#define Q(name) Query name;
            QUERIES(Q)
#undef Q
        };
        Query query[N_QUERIES];
    };
} Derivation;

/* Is the gradient of the step right in its mean only? */
bool derivation_estimated(const Derivation *d);
Derivation *derive(Ctx *c, Model *m, Ast *library);   /* library: checked; NULL after errors */
Table *derivation_table(const Derivation *d, const Var *latent);       /* NULL: none */
/* The type of a call kl(q, p) or entropy(q) has the axes of its value beyond the law's own event
 * (over which the closed form is summed); that of constrain and log_jacobian is the latent's. */
void derivation_print(Ctx *c, Out *o, const Derivation *d);    /* --dump=objective */
void derivation_verify(const Derivation *d);
typedef enum { EXPLAIN_TEXT, EXPLAIN_LATEX } ExplainFormat;
void explain(Ctx *c, Out *o, const Derivation *d, ExplainFormat format);

#endif
