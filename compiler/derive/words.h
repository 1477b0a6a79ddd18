/* words.h - between words.c (terms), bound.c (the bound as a whole) and explain*.c. */
#ifndef DGMC_DERIVE_WORDS_H
#define DGMC_DERIVE_WORDS_H

#include "derive.h"

/* A formula in both writings. */
typedef struct Both { Str text, latex; } Both;

typedef struct Words {
    Derive *d;
    Math text, latex;
    bool given;                        /* latents are given: no expectation, no minibatch */
} Words;

Words words_of(Derive *d);
Both  both_expr(const Words *w, const Ast *e);
Both  both_law(const Words *w, const Ast *law);
Both  both_var(const Words *w, const Var *v);
Both  both_fmt(const Words *w, const char *text, const char *latex, Both a);       /* one %s each */
Both  both_fmt2(const Words *w, const char *text, const char *latex, Both a, Both b);
Step  step_make(RuleId rule, Both formula, Span span);
bool  reads_draws(const Words *w, Ast *e);      /* does its value depend on draws of latents? */
void  describe_term(const Words *w, Term *t);   /* words.c */
bool  describe_strata(const Words *w, Term *t); /* mixture.c: does t read draws by strata? */
Estimate describe_point(const Words *w, const Latent *z);       /* point.c */
void  describe_weighted(const Words *w, Term *t);  /* iwae.c: the term of the bound */
void  describe_score(const Words *w, Query *q); /* score.c: its surrogates */
void  describe_bound(const Words *w);           /* bound.c: steps and formula of the derivation */
void  describe_estimates(const Words *w);       /* bound.c */

#endif
