/* arena.c - bump allocation by lifetime: everything a compilation makes dies with its Ctx.
 *
 * Idea: memory comes from the system in chunks that double up to a ceiling; a request that does not
 * fit the current chunk gets a new one. Nothing is freed piecewise.
 * requires: nothing.   establishes: zeroed memory aligned to 16 bytes, never NULL.
 */
#include "base.h"

#include <stdlib.h>

typedef struct Chunk {
    struct Chunk *next;                /* the one filled before */
    size_t used, size;                 /* bytes after the header */
} Chunk;

struct Arena {
    Chunk *chunk;                      /* the one being filled */
    size_t next_size;                  /* of the next chunk */
};

enum { FIRST_CHUNK = 1 << 16, LAST_CHUNK = 1 << 24, ALIGN = 16 };

static size_t align_up(size_t n) { return (n + ALIGN - 1) & ~(size_t)(ALIGN - 1); }

static _Noreturn void out_of_memory(size_t bytes)
{
    fprintf(stderr, "dgmc: out of memory (%zu bytes wanted)\n", bytes);
    exit(70);
}

Arena *arena_new(void)
{
    Arena *a = calloc(1, sizeof *a);
    if (!a) out_of_memory(sizeof *a);
    a->next_size = FIRST_CHUNK;
    return a;
}

void arena_free(Arena *a)
{
    if (!a) return;
    for (Chunk *k = a->chunk, *next; k; k = next) {
        next = k->next;
        free(k);
    }
    free(a);
}

void *arena_alloc(Arena *a, size_t bytes)
{
    size_t head = align_up(sizeof(Chunk));
    if (bytes > SIZE_MAX / 2) out_of_memory(bytes);
    size_t need = align_up(bytes ? bytes : 1);
    if (!a->chunk || a->chunk->size - a->chunk->used < need) {
        size_t size = need > a->next_size ? need : a->next_size;
        Chunk *k = calloc(1, head + size);
        if (!k) out_of_memory(size);
        k->size = size;
        k->next = a->chunk;
        a->chunk = k;
        if (a->next_size < LAST_CHUNK) a->next_size *= 2;
    }
    void *p = (char *)a->chunk + head + a->chunk->used;
    a->chunk->used += need;
    return p;
}
