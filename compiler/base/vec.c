/* vec.c - a growable array in an arena: two counts before the first item, read by vec_len.
 *
 * Idea: `Ast **list = NULL; vec_push(c, list, x);` The array moves when it grows; what it leaves
 * behind stays in the arena, at most as much again as the final size.
 */
#include "base.h"

#include <string.h>

enum { HEADER = 2 * sizeof(size_t) };  /* capacity, length; keeps the items aligned to 16 */

void *vec_grow(Ctx *c, void *v, size_t item)
{
    size_t length = vec_len(v), capacity = v ? ((size_t *)v)[-2] : 0;
    if (length == capacity) {
        size_t wider = capacity ? 2 * capacity : 4;
        if (wider > (SIZE_MAX / 4) / item) ice("vec_grow: %zu items of %zu bytes", wider, item);
        char *block = (char *)arena_alloc(c->arena, HEADER + wider * item) + HEADER;
        if (v) memcpy(block, v, length * item);
        v = block;
        ((size_t *)v)[-2] = wider;
    }
    ((size_t *)v)[-1] = length + 1;
    return v;
}

void *vec_new(Ctx *c, size_t n, size_t item)
{
    if (n == 0) return NULL;
    if (n > (SIZE_MAX / 4) / item) ice("vec_new: %zu items of %zu bytes", n, item);
    char *v = (char *)arena_alloc(c->arena, HEADER + n * item) + HEADER;
    ((size_t *)(void *)v)[-2] = n;
    ((size_t *)(void *)v)[-1] = n;
    return v;
}
