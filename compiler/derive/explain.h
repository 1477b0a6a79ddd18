/* explain.h - the contents of an explanation, in order; explain.c writes text, explain_latex.c
 * LaTeX. */
#ifndef DGMC_EXPLAIN_H
#define DGMC_EXPLAIN_H

#include "derive.h"

typedef struct Explain {
    Ctx *c;
    Out *o;
    const Derivation *d;
    const Model *m;
    Math math;
} Explain;

Str place_text(Ctx *c, Span at); /* "vae.dgm:7": file without folders, or lang/std/.. */
Str   statement_text(const Explain *x, const Site *s);        /* x_n ~ bernoulli(logits: ..) */
Str   site_lhs(const Explain *x, const Site *s);              /* x_n */
Str   bind_text(const Explain *x, const Bind *b);             /* z_n ~ normal(..), s = exp(u_s) */
Str   type_words(const Explain *x, const Var *v);             /* "real[D]" */
bool  draws_latents(const Query *q);
void  rules_used(const Derivation *d, bool *used);            /* [N_RULES] */
Str   objective_words(Ctx *c, const Derivation *d, bool title);   /* "maximum likelihood", .. */
Str   training_words(Ctx *c, const Derivation *d);
Str   rows_words(Ctx *c, const Model *m);
void  explain_latex(Explain *x);

#endif
