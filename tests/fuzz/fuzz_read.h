/* fuzz_read.h - one data reader on any bytes: an array that can be walked, or a sentence. */
#ifndef FUZZ_READ_H
#define FUZZ_READ_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "data/array.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads; walks every element; aborts if a promise of array.h is broken. */
static inline void fuzz_read(const char *name, const char *selector, const char *format,
                             const uint8_t *data, size_t size)
{
    DgmArray a;
    DataError e = { .text = "" };
    volatile double sum = 0;
    long count = 1;

    if (!array_read_memory(name, selector, format, data, size, &a, &e)) {
        if (a.data != NULL || e.text[0] == '\0')
            abort();
        return;
    }
    for (int i = 0; i < a.rank; i++)
        count *= a.shape[i];
    if (count != a.count || strcmp(a.format, format) != 0)
        abort();
    for (long i = 0; i < a.count; i++)
        sum = sum + array_value(&a, i);
    array_hash(&a);
    array_free(&a);
}

#endif
