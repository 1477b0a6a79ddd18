/* rt_files.h - what the tests of readers and checkpoints share: scratch files, bytes. */
#ifndef TEST_RT_FILES_H
#define TEST_RT_FILES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct Bytes {
    uint8_t b[16384];
    size_t n;
} Bytes;

static inline void put(Bytes *o, const void *bytes, size_t n)
{
    assert_true(o->n + n <= sizeof o->b);
    if (n > 0)
        memcpy(o->b + o->n, bytes, n);
    o->n += n;
}

static inline void put_little(Bytes *o, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        uint8_t b = (uint8_t)(v >> (8 * i));

        put(o, &b, 1);
    }
}

/* The scratch directory of a test program: set-up and tear-down of its group. */
static char scratch_dir[] = "/tmp/dgm-test-XXXXXX";

static inline int scratch_make(void **state)
{
    (void)state;
    return mkdtemp(scratch_dir) ? 0 : -1;
}

static inline int scratch_remove(void **state)
{
    (void)state;
    return rmdir(scratch_dir);           /* fails if a test left anything, a temporary above all */
}

/* A path in the scratch directory; the string is freed by the caller. */
static inline char *scratch(const char *name)
{
    char *path = malloc(strlen(scratch_dir) + strlen(name) + 2);

    sprintf(path, "%s/%s", scratch_dir, name);
    return path;
}

static inline void file_put(const char *path, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static inline size_t file_get(const char *path, void *bytes, size_t room)
{
    FILE *f = fopen(path, "rb");

    assert_non_null(f);
    size_t n = fread(bytes, 1, room, f);
    fclose(f);
    return n;
}

static inline void assert_contains(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("expected \"%s\" in \"%s\"", part, text);
}

#endif
