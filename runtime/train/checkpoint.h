/* checkpoint.h - named tensors and strings in one safetensors file, written atomically.
 *
 * The file is data only. __metadata__ holds the caller's strings ("step", "spec_hash", ...), one
 * XXH3 checksum per tensor and one over everything else in the header, so that any changed bit is
 * found. The reader is strict: exact coverage of the buffer, no holes, overlaps, duplicates or
 * trailing bytes, header at most 16 MB. Other tools read the file as plain safetensors.
 */
#ifndef DGM_TRAIN_CHECKPOINT_H
#define DGM_TRAIN_CHECKPOINT_H

#include "data/data.h"

typedef enum { TENSOR_F32, TENSOR_F64 } TensorType;
#ifdef DGM_F64
#define TENSOR_REAL TENSOR_F64
#else
#define TENSOR_REAL TENSOR_F32
#endif

typedef struct Tensor {
    const char *name;
    TensorType type;
    int rank;
    long shape[DGM_MAX_RANK];
    void *data;                        /* row-major; of a Checkpoint: inside its bytes */
} Tensor;

typedef struct CheckpointText { const char *key, *value; } CheckpointText;

typedef struct Checkpoint {
    char *path;                        /* for messages */
    Tensor *tensors;  int n_tensors;   /* in file order */
    CheckpointText *texts;  int n_texts;    /* without the checksums */
    void *bytes;                       /* the file */
    void *json;                        /* owns names and texts */
} Checkpoint;

/* Keys "checksum" and "checksum:*" are taken. Names must be unique. The old file at path, if any,
 * stands until the new one is complete. */
void checkpoint_write(const char *path, const Tensor *tensors, int n_tensors,
                      const CheckpointText *texts, int n_texts);         /* fails with code 4 */
bool checkpoint_write_try(const char *path, const Tensor *tensors, int n_tensors,
                          const CheckpointText *texts, int n_texts, DataError *e);
Checkpoint *checkpoint_read(const char *path);                           /* fails with code 6 */
Checkpoint *checkpoint_read_try(const char *path, DataError *e);         /* NULL: see e */
Checkpoint *checkpoint_read_memory(const char *name, const void *bytes, size_t n, DataError *e);
void checkpoint_free(Checkpoint *c);
const char *checkpoint_text(const Checkpoint *c, const char *key);       /* NULL: not there */
const Tensor *checkpoint_tensor(const Checkpoint *c, const char *name);  /* NULL: not there */
/* Copies a tensor into dst, or says which of name, type and shape differs. */
bool checkpoint_fetch_try(const Checkpoint *c, const char *name, TensorType type, int rank,
                          const long *shape, void *dst, DataError *e);
void checkpoint_fetch(const Checkpoint *c, const char *name, TensorType type, int rank,
                      const long *shape, void *dst);                     /* fails with code 6 */
long tensor_count(const Tensor *t);

#endif
