/* element.h - numbers of one element's own, where a sampler needs a random number of them.
 *
 * Idea: block i of a stream gives element i a key and a counter, hence a stream of its own: what it
 * draws is a pure function of the stream and i, whatever its neighbours do. gamma.c does the same.
 */
#ifndef DGM_ELEMENT_H
#define DGM_ELEMENT_H

#include "../core/rng.h"

typedef struct Element { philox4x32_key_t key; philox4x32_ctr_t at; } Element;

static inline Element element_stream(const DgmCtx *c, uint32_t site, long i)
{
    philox4x32_ctr_t b = philox4x32(rng_counter(c, site, (uint64_t)i, true), rng_key(c->seed));
    return (Element){ { { b.v[0], b.v[1] } }, { { 0, b.v[2], b.v[3], 0 } } };
}

/* The next two uniforms on (0, 1). */
static inline void element_next(Element *e, double *u, double *v)
{
    philox4x32_ctr_t r = philox4x32(e->at, e->key);
    e->at.v[0]++;
    *u = rng_unit(r.v[0], r.v[1]);
    *v = rng_unit(r.v[2], r.v[3]);
}

#endif
