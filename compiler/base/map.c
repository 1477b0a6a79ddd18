/* map.c - hash map from pointers (interned strings, nodes) to pointers; no removal.
 *
 * Idea: open addressing with linear probing in the arena, at most half full.
 * requires: keys are not NULL.   establishes: the last value put under a key is got.
 */
#include "base.h"

typedef struct Pair { const void *key; void *value; } Pair;

struct Map {
    Ctx *c;
    Pair *pairs;                       /* key NULL: free */
    size_t size, used;                 /* size: a power of two, or 0 */
};

Map *map_new(Ctx *c)
{
    Map *m = arena_alloc(c->arena, sizeof *m);
    m->c = c;
    return m;
}

static Pair *map_find(Pair *pairs, size_t size, const void *key)
{
    uint64_t h = (uint64_t)(uintptr_t)key * 0x9e3779b97f4a7c15u;
    size_t at = (size_t)(h >> 20) & (size - 1);
    while (pairs[at].key && pairs[at].key != key) at = (at + 1) & (size - 1);
    return &pairs[at];
}

void *map_get(const Map *m, const void *key)
{
    return m->used && key ? map_find(m->pairs, m->size, key)->value : NULL;
}

void map_put(Map *m, const void *key, void *value)
{
    if (!key) ice("map_put: no key");
    if (2 * (m->used + 1) > m->size) {
        size_t size = m->size ? 2 * m->size : 16;
        Pair *pairs = arena_alloc(m->c->arena, size * sizeof *pairs);
        for (size_t i = 0; i < m->size; i++)
            if (m->pairs[i].key) *map_find(pairs, size, m->pairs[i].key) = m->pairs[i];
        m->pairs = pairs;
        m->size = size;
    }
    Pair *p = map_find(m->pairs, m->size, key);
    if (!p->key) m->used++;
    *p = (Pair){key, value};
}
