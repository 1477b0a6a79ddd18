/* fuzz_safetensors.c - any bytes as a checkpoint: tensors that can be walked, or a sentence. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "train/checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    DataError e = { .text = "" };
    Checkpoint *c = checkpoint_read_memory("fuzz", data, size, &e);

    if (c == NULL && e.text[0] == '\0')
        abort();
    for (int i = 0; c != NULL && i < c->n_tensors; i++) {
        const Tensor *t = &c->tensors[i];
        size_t bytes = (size_t)tensor_count(t) * (t->type == TENSOR_F32 ? 4 : 8);
        void *copy = malloc(bytes + 1);

        if (!checkpoint_fetch_try(c, t->name, t->type, t->rank, t->shape, copy, &e))
            abort();
        free(copy);
    }
    checkpoint_free(c);
    return 0;
}
