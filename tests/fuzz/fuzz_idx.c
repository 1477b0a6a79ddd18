/* fuzz_idx.c - any bytes as a IDX file, also gzipped. */
#include "fuzz_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_read("fuzz", NULL, "idx", data, size);
    return 0;
}
