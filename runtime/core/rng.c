/* rng.c - counter-based random numbers, filled in vectors.
 *
 * Idea: eight consecutive Philox4x32-10 blocks are computed side by side, one in each lane, which
 * is plain C that vectorises (with AVX-512 the product of two words is an intrinsic). They make one
 * batch: 32 values in f32 (a word each), 16 in f64 (two words each). A batch is small, so that a
 * fill of a few numbers computes few too many. Value j of a batch is made of place j % 16 of its
 * words, so lanes never have to be transposed.
 *
 * Element i of a stream is value i % BATCH of batch i / BATCH, and a batch is always computed whole
 * by the same code; a fill that needs part of one copies that part. So any subrange has the bits
 * that the whole fill has, whoever computes it. rng.h: the counter.
 *
 * Normals by Box and Muller: words (0, 1) and (2, 3) of a block are (radius, angle), in f64 both of
 * two words; the two top bits of the angle choose a quarter turn, the rest an angle in
 * [-pi/4, pi/4) about it.
 */
#include "rng.h"

#include <string.h>
#ifdef __AVX512F__
#include <immintrin.h>
#endif

enum { LANES = 8, WORDS = 4, PLACES = 2 * LANES };

#ifdef DGM_F64
enum { BATCH = PLACES };
#else
enum { BATCH = 2 * PLACES };
#endif

/* In f64 a word has the low half of 64 bits: two are joined by a shift. */
#ifdef DGM_F64
typedef uint64_t Word;
#else
typedef uint32_t Word;
#endif

/* Of eight blocks: words 0 and then words 2, words 1 and then words 3. */
typedef struct Words {
    _Alignas(64) Word even[PLACES], odd[PLACES];
} Words;

/* Blocks 8 batch .. 8 batch + 7, and of the next batch. The low three bits of the counter are the
 * lane, and a pair of batches begins with an even one where there are two: no carry. */
#ifdef __AVX512F__

typedef uint64_t Eight __attribute__((vector_size(64)));
typedef struct Blocks { Eight w[WORDS]; } Blocks;      /* words in the low halves of the lanes */

/* b times the low halves of a. From C the compiler makes a product of 64 bits, thrice as slow. */
static inline Eight low_product(Eight a, uint64_t b)
{
    return (Eight)_mm512_mul_epu32((__m512i)a, _mm512_set1_epi64((long long)b));
}

static inline Blocks philox_round(Blocks c, uint32_t k0, uint32_t k1)
{
    Eight p0 = low_product(c.w[0], 0xD2511F53u), p1 = low_product(c.w[2], 0xCD9E8D57u);
    return (Blocks){ { (p1 >> 32) ^ c.w[1] ^ k0, p1, (p0 >> 32) ^ c.w[3] ^ k1, p0 } };
}

static inline void store_words(Word *to, Eight a, Eight b)
{
#ifdef DGM_F64
    _mm512_store_si512(to, (__m512i)(a & 0xffffffffu));
    _mm512_store_si512(to + LANES, (__m512i)(b & 0xffffffffu));
#else
    const __m512i low = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28,
                                          30);
    _mm512_store_si512(to, _mm512_permutex2var_epi32((__m512i)a, low, (__m512i)b));
#endif
}

/* Two batches side by side where more than one is wanted: a round waits for the one before. */
static inline __attribute__((always_inline)) void
philox_lanes(philox4x32_ctr_t ctr, philox4x32_key_t key, int batches, Words *out)
{
    Eight lanes = { 0, 1, 2, 3, 4, 5, 6, 7 }, none = lanes * 0;
    Blocks x[2] = { { { lanes + ctr.v[0], none + ctr.v[1], none + ctr.v[2], none + ctr.v[3] } } };
    x[1] = x[0];
    x[1].w[0] += LANES;
    for (uint32_t round = 0; round < 10; round++) {
        uint32_t k0 = key.v[0] + round * 0x9E3779B9u, k1 = key.v[1] + round * 0xBB67AE85u;
        for (int b = 0; b < batches; b++)
            x[b] = philox_round(x[b], k0, k1);
    }
    for (int b = 0; b < batches; b++) {
        store_words(out[b].even, x[b].w[0], x[b].w[2]);
        store_words(out[b].odd, x[b].w[1], x[b].w[3]);
    }
}

#else

static inline void philox_lanes(philox4x32_ctr_t ctr, philox4x32_key_t key, int batches,
                                Words *out)
{
    for (int b = 0; b < batches; b++) {
#pragma omp simd
        for (uint32_t lane = 0; lane < LANES; lane++) {
            uint32_t c0 = ctr.v[0] + (uint32_t)b * LANES + lane;
            uint32_t c1 = ctr.v[1], c2 = ctr.v[2], c3 = ctr.v[3];
            uint32_t k0 = key.v[0], k1 = key.v[1];
            for (int round = 0; round < 10; round++) {
                uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
                c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
                c1 = (uint32_t)p1;
                c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
                c3 = (uint32_t)p0;
                k0 += 0x9E3779B9u;
                k1 += 0xBB67AE85u;
            }
            out[b].even[lane] = c0;
            out[b].odd[lane] = c1;
            out[b].even[LANES + lane] = c2;
            out[b].odd[LANES + lane] = c3;
        }
    }
}

#endif

#ifdef DGM_F64

/* rng_unit of the two words at place j. */
static inline double unit_of(const Words *in, int j)
{
    uint64_t w = (in->even[j] << 32 | in->odd[j]) >> 12;
    return dgm_from_bits_d(w | 0x3ff0000000000000ULL) - (1 - 0x1p-53);
}

static inline void uniform_batch(const Words *in, Real *out)
{
    for (int j = 0; j < PLACES; j++)
        out[j] = unit_of(in, j);
}

static inline void normal_batch(const Words *in, Real *out)
{
    for (int l = 0; l < LANES; l++) {
        double radius = dgm_sqrt_d(-2 * dgm_log_scaled_d(unit_of(in, l), 0));
        uint64_t w = in->even[LANES + l] << 32 | in->odd[LANES + l];
        double part = dgm_from_bits_d((w << 2) >> 12 | 0x3ff0000000000000ULL) - 1.5;
        double angle = part * 0x1.921fb54442d18p+0;
        double s = dgm_sin_poly_d(angle), c = dgm_cos_poly_d(angle);
        uint64_t swap = 0 - (w >> 62 & 1), sign = w & 0x8000000000000000ULL;
        uint64_t sb = dgm_bits_d(s), cb = dgm_bits_d(c);
        out[l] = radius * dgm_from_bits_d(((sb & swap) | (cb & ~swap)) ^ sign);
        out[LANES + l] = radius * dgm_from_bits_d(((cb & swap) | (sb & ~swap)) ^ sign);
    }
}

#else

static inline void uniform_batch(const Words *in, Real *out)
{
    for (int j = 0; j < PLACES; j++) { /* 23 bits and a half: exact in a float */
        out[j] = ((float)(int32_t)(in->even[j] >> 9) + 0.5f) * 0x1p-23f;
        out[PLACES + j] = ((float)(int32_t)(in->odd[j] >> 9) + 0.5f) * 0x1p-23f;
    }
}

static inline void normal_batch(const Words *in, Real *out)
{
    for (int j = 0; j < PLACES; j++) {
        /* 32 bits of radius: u from 2^-33 to 1, so normals reach 6.7 in magnitude */
        uint32_t v = in->even[j], w = in->odd[j];
        float u = ((float)(int32_t)(v >> 16) * 0x1p16f + (float)(int32_t)(v & 0xffff)) + 0.5f;
        float radius = dgm_sqrt_f(-2 * dgm_log_scaled_f(u * 0x1p-32f, 0));
        float angle = (float)(int32_t)(w << 2) * (0x1.921fb6p-1f * 0x1p-31f);
        float s = dgm_sin_poly_f(angle), c = dgm_cos_poly_f(angle);
        uint32_t swap = 0 - (w >> 30 & 1), sign = w & 0x80000000u;
        uint32_t sb = dgm_bits_f(s), cb = dgm_bits_f(c);
        out[j] = radius * dgm_from_bits_f(((sb & swap) | (cb & ~swap)) ^ sign);
        out[PLACES + j] = radius * dgm_from_bits_f(((cb & swap) | (sb & ~swap)) ^ sign);
    }
}

#endif

static void uniform_batches(const Words *in, int batches, Real *out)
{
    for (int b = 0; b < batches; b++)
        uniform_batch(&in[b], out + b * BATCH);
}

static void normal_batches(const Words *in, int batches, Real *out)
{
    for (int b = 0; b < batches; b++)
        normal_batch(&in[b], out + b * BATCH);
}

typedef void BatchesFunction(const Words *in, int batches, Real *out);

/* Whole pairs of batches go straight to dst, the ends through a buffer: the same code computes
 * both. */
static inline void fill(const DgmCtx *c, uint32_t site, Real *dst, long first, long count,
                        BatchesFunction *batches_of)
{
    philox4x32_key_t key = rng_key(c->seed);
    long end = first + count;
    for (long at = first; at < end;) {
        long batch = at / BATCH, skip = at - batch * BATCH, left = end - at;
        int batches = batch % 2 == 0 && skip + left > BATCH ? 2 : 1;
        long whole = batches * BATCH, n = whole - skip < left ? whole - skip : left;
        philox4x32_ctr_t ctr = rng_counter(c, site, (uint64_t)batch * LANES, false);
        Words words[2];
        Real part[2 * BATCH], *to = dst + (at - first);
        if (batches == 2)
            philox_lanes(ctr, key, 2, words);
        else
            philox_lanes(ctr, key, 1, words);
        batches_of(words, batches, n == whole ? to : part);
        if (n < whole)
            memcpy(to, part + skip, (size_t)n * sizeof(Real));
        at += n;
    }
}

void dgm_fill_uniform(const DgmCtx *c, uint32_t site, Real *dst, long first, long count)
{
    fill(c, site, dst, first, count, uniform_batches);
}

void dgm_fill_normal(const DgmCtx *c, uint32_t site, Real *dst, long first, long count)
{
    fill(c, site, dst, first, count, normal_batches);
}

/* Under another key than the fills, so that (a, b) may use the whole counter. */
uint64_t dgm_random_u64(uint64_t seed, DgmPurpose purpose, uint64_t a, uint64_t b)
{
    philox4x32_ctr_t ctr = { { (uint32_t)a, (uint32_t)(a >> 32),
                               (uint32_t)b, (uint32_t)(b >> 32) } };
    uint64_t mixed = seed ^ 0x9E3779B97F4A7C15ULL * ((uint64_t)purpose + 1);
    philox4x32_ctr_t r = philox4x32(ctr, rng_key(mixed));
    return (uint64_t)r.v[0] << 32 | r.v[1];
}

double dgm_random_unit(uint64_t seed, DgmPurpose purpose, uint64_t a, uint64_t b)
{
    uint64_t r = dgm_random_u64(seed, purpose, a, b);
    return rng_unit((uint32_t)(r >> 32), (uint32_t)r);
}
