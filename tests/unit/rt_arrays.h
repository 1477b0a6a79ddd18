/* rt_arrays.h - what the tests of data readers share: bytes that are read or refused, npy files. */
#ifndef TEST_RT_ARRAYS_H
#define TEST_RT_ARRAYS_H

#include "rt_files.h"

#include "data/data.h"

static inline void reads(const char *name, const char *selector, const void *bytes, size_t n,
                         DgmArray *a)
{
    DataError e;

    if (!array_read_memory(name, selector, NULL, bytes, n, a, &e))
        fail_msg("%s", e.text);
}

static inline void refuses(const char *name, const char *selector, const void *bytes, size_t n,
                           const char *part)
{
    DgmArray a;
    DataError e = { .text = "" };

    assert_false(array_read_memory(name, selector, NULL, bytes, n, &a, &e));
    assert_null(a.data);
    assert_contains(e.text, name);
    assert_contains(e.text, part);
}

/* The whole reads; every proper beginning is refused with a sentence. */
static inline void refuses_every_cut(const char *name, const char *format, const Bytes *o)
{
    for (size_t n = 0; n < o->n; n++) {
        DgmArray a;
        DataError e = { .text = "" };
        uint8_t *exact = malloc(n + 1);  /* so that sanitizers see a read beyond the end */

        memcpy(exact, o->b, n);
        assert_false(array_read_memory(name, NULL, format, exact, n, &a, &e));
        assert_true(strlen(e.text) > 8);
        free(exact);
    }
}

static inline void npy(Bytes *o, int version, const char *dict, const void *values, size_t n)
{
    size_t length = strlen(dict) + 1;

    o->n = 0;
    put(o, "\x93NUMPY", 6);
    put_little(o, (uint64_t)version, 2);
    put_little(o, length, version == 1 ? 2 : 4);
    put(o, dict, length - 1);
    put(o, "\n", 1);
    put(o, values, n);
}

#define DICT(descr, fortran, shape)                                                                \
    "{'descr': '" descr "', 'fortran_order': " fortran ", 'shape': " shape ", }"

#endif
