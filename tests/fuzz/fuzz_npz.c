/* fuzz_npz.c - any bytes as an .npz file: the only member, a named one, one that is not there. */
#include "fuzz_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_read("fuzz.npz", NULL, "npz", data, size);
    fuzz_read("fuzz.npz", "a", "npz", data, size);
    fuzz_read("fuzz.npz", "none", "npz", data, size);
    return 0;
}
