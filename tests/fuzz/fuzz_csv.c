/* fuzz_csv.c - any bytes as CSV: all columns, by position, by name. */
#include "fuzz_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_read("fuzz.csv", NULL, "csv", data, size);
    fuzz_read("fuzz.csv", "0-1", "csv", data, size);
    fuzz_read("fuzz.csv", "x,1", "csv", data, size);
    return 0;
}
