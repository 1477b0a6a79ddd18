/* rng.h - how a random stream is addressed: the Philox counter and key of one block of four words.
 *
 *   word 0   block, bits 0-31
 *   word 1   block, bits 32-47 | site, bits 0-15
 *   word 2   step, bits 0-31
 *   word 3   step, bits 32-47 | site, bits 16-23 | purpose (7 bits; the 8th marks gamma draws)
 *   key      seed, 64 bits
 *
 * Distinct (seed, purpose, step, site, block) with step and block below 2^48 and site below 2^24
 * are distinct inputs of a bijection under one key: streams never overlap.
 */
#ifndef DGM_RNG_H
#define DGM_RNG_H

#include "dgm.h"

#include <Random123/philox.h>

static inline philox4x32_ctr_t rng_counter(const DgmCtx *c, uint32_t site, uint64_t block,
                                           bool gamma)
{
    uint32_t purpose = (uint32_t)c->purpose & 0x7f;
    philox4x32_ctr_t ctr = { { (uint32_t)block,
                               (uint32_t)(block >> 32 & 0xffff) | site << 16,
                               (uint32_t)c->step,
                               (uint32_t)(c->step >> 32 & 0xffff) | (site >> 16 & 0xff) << 16 |
                                   (purpose | (gamma ? 0x80u : 0)) << 24 } };
    return ctr;
}

static inline philox4x32_key_t rng_key(uint64_t seed)
{
    philox4x32_key_t key = { { (uint32_t)seed, (uint32_t)(seed >> 32) } };
    return key;
}

/* (0, 1), 52 bits and a half: neither end is possible. */
static inline double rng_unit(uint32_t high, uint32_t low)
{
    uint64_t w = ((uint64_t)high << 32 | low) >> 12;
    return dgm_from_bits_d(w | 0x3ff0000000000000ULL) - (1 - 0x1p-53);
}

#endif
