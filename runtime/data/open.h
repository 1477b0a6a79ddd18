/* open.h - between bind.c and source.c, which open the data of a model. */
#ifndef DGM_DATA_OPEN_H
#define DGM_DATA_OPEN_H

#include "data/data.h"

typedef struct Opening {
    const DgmModel *model;
    const SourceOptions *options;
    DgmExit code;                      /* what a failure is */
    long rows_wanted;                  /* by a field named like the row plate's size; -1: none */
    DataError *e;
} Opening;

/* bind.c: gives every array its file and field, as the command line and the files themselves say;
 * false: one is missing, named twice, or not of the model. */
bool pairs_assign(Opening *o, SourceArray *arrays, const char *const *pairs, int n);

#endif
