/* fuzz_npy.c - any bytes as a .npy file, also gzipped. */
#include "fuzz_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_read("fuzz", NULL, "npy", data, size);
    return 0;
}
