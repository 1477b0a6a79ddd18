/* fuzz_json.c - any bytes as JSON: the only field, a named one, each of the fields listed. */
#include "fuzz_read.h"
#include "data/read.h"

typedef struct Bytes {
    const uint8_t *data;
    size_t size;
    int left;                          /* fields still to be read */
} Bytes;

static bool read_member(void *to, const char *name)
{
    Bytes *b = to;

    fuzz_read("fuzz.json", name, "json", b->data, b->size);
    return --b->left > 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Bytes bytes = { data, size, 8 };
    DataFile file = { .name = "fuzz.json", .bytes = (uint8_t *)data, .n = size, .whole = true };
    DataError e = { .text = "" };
    bool named;

    fuzz_read("fuzz.json", NULL, "json", data, size);
    fuzz_read("fuzz.json", "y", "json", data, size);
    if (!json_members(&file, read_member, &bytes, &named, &e) && bytes.left > 0
        && e.text[0] == '\0')
        abort();
    return 0;
}
