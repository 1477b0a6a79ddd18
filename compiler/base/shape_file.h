/* shape_file.h - shapes of data files: of one array, read from its header, or of every field. */
#ifndef DGMC_SHAPE_FILE_H
#define DGMC_SHAPE_FILE_H

#include "base.h"

typedef struct FileShape { int rank; int64_t dims[LIMIT_RANK]; } FileShape;

/* npy, npz (its first array), IDX, CSV, JSON; each also gzipped. `path.csv:A-B` counts columns
 * A..B, `path.json:FIELD` is a field of its object. False, with a sentence in *why, if the file
 * cannot be read or is none of these. */
bool shape_file(Ctx *c, const char *path, FileShape *shape, Str *why);

/* What a file that names its arrays holds: a field of a JSON object, or a column of a CSV with a
 * header (its shape is that of the rows). */
typedef struct FileField {
    Str name;
    FileShape shape;
    bool whole;                        /* one whole number of 0 or more: */
    int64_t value;
    bool number;                       /* any other one: */
    double x;
    int64_t missing;                   /* of what is asked for: cells without a value, */
    double largest;                    /* and the largest of the others, or -inf */
} FileField;
/* An array of which more is wanted than its shape, by a name that files call it. */
typedef struct Asked {
    Str name;
    double sentinel;                   /* the number that stands for a missing value, or NaN */
} Asked;
/* asked: vec. An empty vec if the file is one array. *object: of JSON, which has these names
 * whatever the model says. False as above. */
bool file_fields(Ctx *c, const char *path, const Asked *asked, FileField **fields, bool *object,
                 Str *why);
/* Of a JSON file: of an array, or of the field of an object (NULL: its only one). */
bool json_shape(Ctx *c, const char *path, Str name, FileShape *shape, Str *why);

#endif
