/* data.h - from files to batches, and back to files and pictures.
 *
 * array.h       reads a file into an array of its own type (no model, never exits)
 * source.c      DgmSource: the model's data arrays, found in files, checked, held in their own type
 * cells.c       missing cells and ragged rows
 * order.c       shuffled row order of an epoch, rows of a batch
 * batch.c       dgm_load_rows: rows to Real, binarised if asked; buffers for a DgmCtx
 * output.c      files that appear complete or not at all
 * write.c       npy and CSV writers
 * png.c         pictures and grids of pictures
 *
 * Functions named *_try return false and a DataError; the others end the program through dgm_fail:
 * bad data with code 3, disk with code 4, command line with code 2.
 */
#ifndef DGM_DATA_DATA_H
#define DGM_DATA_DATA_H

#include "data/array.h"
#include "dgm.h"

/* ---- source.c -------------------------------------------------------------------------------- */

typedef enum { BINARISE_NONE, BINARISE_THRESHOLD, BINARISE_DYNAMIC } BinariseMode;

typedef struct SourceOptions {
    const char *binarise;              /* NULL, "threshold", "threshold=LEVEL", "dynamic" */
    double scale;                      /* value of white; 0: 255 for u8 images, else the maximum */
    uint64_t seed;                     /* of dynamic binarisation until source_epoch is called */
    const bool *optional;              /* [n_data] may be absent: all zeros then; NULL: none may */
} SourceOptions;

/* One data array of the model, as found in its file. */
typedef struct SourceArray {
    const DgmData *decl;
    char *path;                        /* as given, with selector; NULL: absent */
    DgmArray array;
    uint64_t hash;                     /* array_hash */
    double min, max;                   /* of the values in the file */
    BinariseMode mode;
    double scale, level;               /* values in [0, scale]; threshold: bit = value > level */
    char binarisation[128];            /* "none: values are 0 and 1", "threshold: value > 127.5" */
    char note[512];                    /* "" or "x: a.idx: rows are [28, 28], used as [784]" */
} SourceArray;

struct DgmSource {
    const DgmModel *model;
    SourceArray *arrays;               /* [model->n_data], same order */
    long N;                            /* rows; 1 if the model has no row plate */
    bool counted;                      /* the files say how many there are */
    long *order;                       /* [N] shuffled row numbers of this epoch */
    uint64_t seed, epoch;              /* of order and of dynamic binarisation */
    bool shuffled;                     /* order belongs to (seed, epoch); else it is 0, 1, 2, ... */
    bool dynamic;                      /* some array is binarised anew every epoch */
};

/* Opens and checks all data arrays of the model. Each pair is "NAME=FILE", or "FILE" if the model
 * has one array. Order starts as the identity, epoch 0. With `notes`, source_open says on stderr
 * what it had to assume (SourceArray.note). */
DgmSource *source_open(const DgmModel *model, const char *const *pairs, int n_pairs,
                       const SourceOptions *options, bool notes);
DgmSource *source_open_try(const DgmModel *model, const char *const *pairs, int n_pairs,
                           const SourceOptions *options, DgmExit *code, DataError *e);
void source_free(DgmSource *s);
int data_index(const DgmModel *m, const char *name);         /* a data array, or -1 */
const char *data_field(const DgmData *d);                    /* its name in files */
/* Is it the name of a latent, a parameter or a data array (also as files call it)? */
bool model_declares(const DgmModel *m, const char *name);
/* The scale of the first binarised array, 0 if none: pass it on to validation and test data. */
double source_scale(const DgmSource *s);
double source_value(const DgmSource *s, int array, long row, long element); /* as in the file */

/* ---- cells.c --------------------------------------------------------------------------------- */
/* Fills the cells that have no value, and makes the arrays that say where they are. */
bool cells_fill(const DgmModel *m, SourceArray *arrays, DataError *e);
bool cells_made(const DgmData *d);     /* never in a file */

/* ---- order.c --------------------------------------------------------------------------------- */
/* Order of the rows in an epoch: a pure function of (seed, epoch, N). Also starts the epoch's own
 * dynamic binarisation. Cheap when nothing changes. */
void source_epoch(DgmSource *s, uint64_t seed, uint64_t epoch);
/* Rows k*B .. k*B+B-1 of the epoch's order. If B == N: 0, 1, 2, ... */
void source_batch_rows(const DgmSource *s, long k, long B, long *rows);
void source_rows_in_order(long first, long count, long *rows);

/* ---- batch.c (and dgm_load_rows of dgm.h) ---------------------------------------------------- */
/* Where a context's data lie: c->data and c->rows point in here. */
typedef struct SourceBuffers {
    Real **data;                       /* [n_data]: row arrays [B][count]; else [count], filled */
    long *rows;                        /* [B] row numbers: the trainer fills them for each batch */
    long B;                            /* capacity */
    Real *slab;
} SourceBuffers;

SourceBuffers *source_buffers_new(const DgmSource *s, long B);
void source_buffers_free(SourceBuffers *b);
/* Sets c->data, c->rows, c->N, c->source. When b->B == N and nothing is drawn anew, all rows are
 * converted now, in order, and c->source is NULL: later steps copy nothing (run with c->B == N). */
void source_attach(DgmSource *s, SourceBuffers *b, DgmCtx *c);

/* ---- output.c -------------------------------------------------------------------------------- */
/* A file under construction: temporary name in the same directory; output_finish writes it out,
 * renames and syncs. The first failure is remembered, the rest is skipped, the temporary removed.
 * A target that is no regular file (/dev/stdout, a pipe) is written directly, "-" is stdout. */
typedef struct Output Output;
Output *output_open(const char *path);
void output_write(Output *o, const void *bytes, size_t n);
void output_print(Output *o, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool output_finish_try(Output *o, DataError *e);       /* frees o */
void output_finish(Output *o);         /* frees o; fails with DGM_EXIT_IO */
void output_abandon(Output *o);        /* frees o, removes the temporary */

/* ---- write.c --------------------------------------------------------------------------------- */
void dgm_npy_write(const char *path, int rank, const long *shape, const Real *values);
/* rows x columns; names NULL: no header line. */
void dgm_csv_write(const char *path, const char *const *names, long rows, long columns,
                   const Real *values);
/* %.9g of a float, %.17g of a double, always with a point: "0.1", "nan", "inf", "-inf". */
void dgm_real_text(Real x, char *buffer, size_t size);
void dgm_double_text(double x, char *buffer, size_t size);

/* ---- png.c ----------------------------------------------------------------------------------- */
/* channels 1 (gray) or 3 (RGB), 8 bits, rows from the top. */
void picture_write(const char *path, const uint8_t *pixels, long width, long height, int channels);
bool picture_write_try(const char *path, const uint8_t *pixels, long width, long height,
                       int channels, DataError *e);
/* k images [h][w] of values in [0, 1] (clipped; NaN is black) in a grid with separators of one
 * pixel, enlarged by a whole factor so that small images can be seen. columns 0: near square. */
void picture_grid(const char *path, const Real *values, long k, long h, long w, long columns);

#endif
