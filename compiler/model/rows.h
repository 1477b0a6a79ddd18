/* rows.h - between prove_plates.c (which plate has the rows) and mixing.c (is it independent). */
#ifndef DGMC_MODEL_ROWS_H
#define DGMC_MODEL_ROWS_H

#include "model.h"

/* Where a read happens: the site or factor, then every let, net or function gone through. */
typedef struct Through { Span span; Str what; struct Through *from; } Through;

/* A read that binds rows together. */
typedef struct Mixing {
    Span span;                         /* of the expression that reads */
    Str what;                          /* "it is another row", "it is the whole array" */
    Str text;                          /* the expression, as written */
    Through *through;
    bool load;                         /* within a let of data and arguments only */
} Mixing;

/* Every read across `rows` in the model and its family, in order; NULL: the rows are
 * independent. */
Mixing *rows_mixing(Ctx *c, Model *m, Plate *rows);

#endif
