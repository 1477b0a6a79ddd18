/* shape_file.h - the shape of a data file, read from its header. */
#ifndef DGMC_SHAPE_FILE_H
#define DGMC_SHAPE_FILE_H

#include "base.h"

typedef struct FileShape { int rank; int64_t dims[LIMIT_RANK]; } FileShape;

/* npy, npz (its first array), IDX, CSV; each also gzipped. `path.csv:A-B` counts columns A..B.
 * False, with a sentence in *why, if the file cannot be read or is none of these. */
bool shape_file(Ctx *c, const char *path, FileShape *shape, Str *why);

#endif
