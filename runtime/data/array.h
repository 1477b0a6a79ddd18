/* array.h - arrays as files hold them: JSON, npy, npz, IDX and CSV, each also gzipped.
 *
 * Knows nothing of models and never exits: every reader returns false and a DataError, so that the
 * fuzz targets and any other program can use these files alone (array.c, npy.c, npz.c, zip.c,
 * idx.c, csv.c, number.c, json.c, gz.c). To add a format: a row in the table of array.c, a file.
 *
 * A path may end in `:selector`: `a.npz:train` names a member, `a.csv:age` a column,
 * `a.csv:0-63` columns by position (from 0, both ends included), `a.csv:x1,x2,7` a list,
 * `a.json:y` a field.
 *
 * Memory: the file itself, and nothing larger than the file + 1 MB before its header is validated.
 * Compressed files expand to what their header promises, at most 1000:1 + 64 MB.
 */
#ifndef DGM_DATA_ARRAY_H
#define DGM_DATA_ARRAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_MAX_RANK 8

/* Why a file cannot be used: one sentence with file, place and reason; and a way out. */
typedef struct DataError {
    char text[1024];
    char help[256];                    /* "" if there is none */
} DataError;

typedef enum {
    ARRAY_BOOL, ARRAY_U8, ARRAY_I8, ARRAY_U16, ARRAY_I16, ARRAY_U32, ARRAY_I32, ARRAY_U64,
    ARRAY_I64, ARRAY_F32, ARRAY_F64, ARRAY_TYPES
} ArrayType;

typedef struct DgmArray {
    ArrayType type;
    int rank;
    long shape[ARRAY_MAX_RANK];
    long count;                        /* product of shape: 1 if rank is 0 */
    void *data;                        /* [count], C order, native byte order; owned */
    const char *format;                /* "npy", "npz", "idx", "json", "csv" */
} DgmArray;

/* array.c */
bool array_read(const char *path, DgmArray *out, DataError *e);
/* Rows (arrays along the second axis of JSON) may be shorter than others and than `width`. */
bool array_read_ragged(const char *path, long width, DgmArray *out, DataError *e);
/* The same from memory, for tests and fuzzing. `name` stands for the path in messages and, by its
 * ending, helps to choose a format. format NULL: sniffed; else only that row of the table. */
bool array_read_memory(const char *name, const char *selector, const char *format,
                       const void *bytes, size_t n, DgmArray *out, DataError *e);
/* Type and shape only (out->data is NULL). Reads no more of npy and IDX than their header. */
bool array_shape(const char *path, DgmArray *out, DataError *e);
/* Names that a selector may give: fields of JSON, columns of CSV; add: false stops. *format: NULL
 * if the file is one array. */
bool array_members(const char *path, const char **format, bool (*add)(void *to, const char *name),
                   void *to, DataError *e);
/* Labels that start at `first`, which no value is below, start at 0. */
void array_count_from_0(DgmArray *a, double first);
void array_free(DgmArray *a);          /* leaves a->data NULL */
size_t array_type_bytes(ArrayType type);
const char *array_type_name(ArrayType type);            /* "u8", "f32" */
double array_value(const DgmArray *a, long i);
void array_shape_text(const DgmArray *a, char *buffer, size_t size);    /* "[5620, 64]" */
uint64_t array_hash(const DgmArray *a); /* XXH3 of type, shape, values: not of the packing */

#endif
