/* build.h - shared by the files that build a Model; nobody else includes it. */
#ifndef DGMC_MODEL_BUILD_H
#define DGMC_MODEL_BUILD_H

#include "model.h"

typedef struct Build {
    Ctx *c;
    Model *m;
    Ast *family;                       /* FAMILY node that was selected, or NULL */
} Build;

/* build.c */
Plate *build_plate(Build *b, Ast *loop, Plate *outer); /* of a FOR or SCAN; NULL after an error */
Var   *build_var(Build *b, VarKind kind, Ast *decl, Ast *statement, Plate *plate);

/* spread.c */
/* The plate that an array declared as `name` in `plate` stands in; *n: how many of its axes. */
Plate *spread_plates(Build *b, Ast *name, const Ast *law, Plate *plate, int *n);
void   own_indices(Build *b, Ast *tree); /* z[n] in plate n becomes z, where z stands in it */

/* missing.c: data with missing cells */
void   missing_link(Ctx *c, Model *m);
bool   missing_check(Ctx *c, const Model *m);

/* partial.c: latents that have a value at some positions of their plates only */
bool   partial_check(Ctx *c, const Model *m);

/* family.c: selects the family and makes its guides */
bool   family_select(Build *b);
void   family_build(Build *b);
/* drawn.c: which discrete latents the family draws */
void   choose_drawn(Build *b);
/* training.c: the train block */
bool   training_select(Build *b);
void   training_build(Build *b);
/* refuse.c: what is parsed and typed but not derived yet, in one walk over a tree */
void   refuse_tree(Ctx *c, Ast *tree);
/* the narrower of declared and law; refuses half-priors */
bool   latent_support(Ctx *c, Var *latent);

#endif
