/* gz.c - expands gzip and raw deflate data into memory, never further than it is told.
 *
 * Idea: memory grows by doubling as output really arrives, so that a lie about the size costs
 * nothing, and a bomb stops at the limit. Corrupt, truncated and trailing data are told apart.
 */
#include "data/read.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define CHUNK_MAX ((size_t)1 << 30)    /* zlib counts in unsigned int */

bool gz_match(const uint8_t *head, size_t n)
{
    return n >= 2 && head[0] == 0x1f && head[1] == 0x8b;
}

size_t gz_cap(size_t n)
{
    size_t cap;

    if (__builtin_mul_overflow(n, (size_t)1000, &cap)
        || __builtin_add_overflow(cap, (size_t)64 << 20, &cap) || cap > SIZE_MAX / 4)
        return SIZE_MAX / 4;
    return cap;
}

typedef struct Growth {
    uint8_t *bytes;
    size_t n, room, limit;
} Growth;

static bool grow(Growth *g)
{
    size_t room = g->room ? g->room * 2 : 16384;

    if (room > g->limit)
        room = g->limit;
    uint8_t *bytes = realloc(g->bytes, room ? room : 1);
    if (bytes == NULL)
        return false;
    g->bytes = bytes;
    g->room = room;
    return true;
}

/* After a member: true if nothing but zero padding follows. */
static bool only_zeros(const uint8_t *at, size_t n)
{
    while (n > 0 && *at == 0) {
        at++;
        n--;
    }
    return n == 0;
}

/* Runs until the stream ends, the limit comes, or something is wrong. Returns a zlib code:
 * Z_STREAM_END, Z_OK (limit), Z_BUF_ERROR (input ended), others as zlib says. */
static int run(z_stream *z, const uint8_t *in, size_t n, bool raw, Growth *g, size_t *used)
{
    const uint8_t *end = in + n;
    int rc = Z_OK;

    z->next_in = (Bytef *)in;
    for (;;) {
        size_t left = (size_t)(end - z->next_in);

        if (g->n == g->room && g->n < g->limit && !grow(g))
            return Z_MEM_ERROR;
        size_t space = g->room - g->n;
        z->avail_in = (uInt)(left < CHUNK_MAX ? left : CHUNK_MAX);
        z->avail_out = (uInt)(space < CHUNK_MAX ? space : CHUNK_MAX);
        z->next_out = g->bytes + g->n;
        uInt before = z->avail_out;
        rc = inflate(z, Z_NO_FLUSH);
        g->n += before - z->avail_out;
        *used = (size_t)(z->next_in - in);
        left = n - *used;
        if (rc == Z_STREAM_END) {
            if (raw || only_zeros(z->next_in, left))
                return Z_STREAM_END;
            if (!gz_match(z->next_in, left))
                return Z_DATA_ERROR;
            inflateReset(z);             /* another gzip member follows */
        } else if (rc != Z_OK && rc != Z_BUF_ERROR) {
            return rc;
        } else if (g->n == g->limit && z->avail_out == 0 && rc == Z_BUF_ERROR) {
            return Z_OK;
        } else if (left == 0 && z->avail_out > 0) {
            return Z_BUF_ERROR;
        }
    }
}

bool gz_inflate(const char *name, const uint8_t *in, size_t n, bool raw, size_t limit,
                uint8_t **out, size_t *out_n, bool *ended, DataError *e)
{
    z_stream z;
    Growth g = { .limit = limit ? limit : 1 };
    size_t used = 0;

    memset(&z, 0, sizeof z);
    if (inflateInit2(&z, raw ? -MAX_WBITS : MAX_WBITS + 16) != Z_OK)
        return data_fail(e, NULL, "%s: no memory", name);
    int rc = run(&z, in, n, raw, &g, &used);
    char reason[96] = "damaged";
    if (z.msg != NULL)
        strncpy(reason, z.msg, sizeof reason - 1);
    inflateEnd(&z);
    *ended = rc == Z_STREAM_END;
    if (rc == Z_STREAM_END || rc == Z_OK) {
        *out = g.bytes;
        *out_n = g.n;
        return true;
    }
    free(g.bytes);
    if (rc == Z_MEM_ERROR)
        return data_fail(e, "use a machine with more memory", "%s: no memory to expand it", name);
    if (rc == Z_BUF_ERROR)
        return data_fail(e, "copy or download it again",
                         "%s was cut off: its compressed data go on beyond byte %zu", name, n);
    return data_fail(e, "copy or download it again",
                     "%s: the compressed data are damaged near byte %zu (%s)", name, used, reason);
}
