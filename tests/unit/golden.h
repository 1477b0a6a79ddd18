/* golden.h - what a test prints against a committed file; DGM_PROMOTE=1 writes the file instead. */
#ifndef TEST_GOLDEN_H
#define TEST_GOLDEN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The first megabyte of a file, to be freed; NULL if it cannot be opened. */
static inline char *read_all(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return NULL;
    char *text = calloc(1, 1 << 20);
    size_t n = fread(text, 1, (1 << 20) - 1, f);
    text[n] = 0;
    fclose(f);
    return text;
}

static inline bool golden_same(const char *path, const char *text)
{
    if (getenv("DGM_PROMOTE")) {
        FILE *f = fopen(path, "wb");
        assert_non_null(f);
        fputs(text, f);
        fclose(f);
        return true;
    }
    char *expected = read_all(path);
    bool same = expected && !strcmp(expected, text);
    if (!same)
        print_error("%s: expected\n%s\ngot\n%s\n", path, expected ? expected : "(no file)", text);
    free(expected);
    return same;
}

#endif
