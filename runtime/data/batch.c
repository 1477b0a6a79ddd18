/* batch.c - rows of a source become Reals: the inner loop of data loading.
 *
 * Plain loops over one element type each, which the compiler vectorises. Any thread may load any
 * range of rows: nothing is written but the destination. Dynamic binarisation draws a 64-bit key
 * from (seed, epoch, row) and hashes (key, element) with the finaliser of splitmix64 (Steele, Lea,
 * Flood 2014), 24 bits an element: a pure function of its place, hence the same for any threads.
 */
#include "data/data.h"

#include <stdlib.h>

typedef void Convert(const void *src, long first, long n, double level, Real *restrict dst);

/* Two loops for one element type: the values, and whether they are above a level. */
#define LOOPS(NAME, TYPE)                                                                          \
    static void plain_##NAME(const void *src, long first, long n, double level,                    \
                             Real *restrict dst)                                                   \
    {                                                                                              \
        const TYPE *restrict v = (const TYPE *)src + first;                                        \
        (void)level;                                                                               \
        for (long i = 0; i < n; i++)                                                               \
            dst[i] = (Real)v[i];                                                                   \
    }                                                                                              \
    static void above_##NAME(const void *src, long first, long n, double level,                    \
                             Real *restrict dst)                                                   \
    {                                                                                              \
        const TYPE *restrict v = (const TYPE *)src + first;                                        \
        for (long i = 0; i < n; i++)                                                               \
            dst[i] = (Real)((double)v[i] > level);                                                 \
    }

LOOPS(u8, uint8_t)   LOOPS(i8, int8_t)
LOOPS(u16, uint16_t) LOOPS(i16, int16_t)
LOOPS(u32, uint32_t) LOOPS(i32, int32_t)
LOOPS(u64, uint64_t) LOOPS(i64, int64_t)
LOOPS(f32, float)    LOOPS(f64, double)

static const struct { Convert *plain, *above; } loops[ARRAY_TYPES] = {
    [ARRAY_BOOL] = { plain_u8, above_u8 },
    [ARRAY_U8] = { plain_u8, above_u8 },    [ARRAY_I8] = { plain_i8, above_i8 },
    [ARRAY_U16] = { plain_u16, above_u16 }, [ARRAY_I16] = { plain_i16, above_i16 },
    [ARRAY_U32] = { plain_u32, above_u32 }, [ARRAY_I32] = { plain_i32, above_i32 },
    [ARRAY_U64] = { plain_u64, above_u64 }, [ARRAY_I64] = { plain_i64, above_i64 },
    [ARRAY_F32] = { plain_f32, above_f32 }, [ARRAY_F64] = { plain_f64, above_f64 },
};

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

#define GOLDEN 0x9e3779b97f4a7c15u
#define BLOCK 256

/* dst holds the gray values: bit = u < value / scale. u < 1, so that white is always 1. */
static void draw_bits(uint64_t key, Real scale, long n, Real *restrict dst)
{
    float u[BLOCK];                      /* multiples of 2^-24: exact */

    for (long at = 0; at < n; at += BLOCK) {
        long m = n - at < BLOCK ? n - at : BLOCK;

        for (long i = 0; i < BLOCK / 2; i++) {
            uint64_t z = mix(key + (uint64_t)(at / 2 + i + 1) * GOLDEN);

            u[i] = (float)(int32_t)(z >> 40) * 0x1p-24f;
            u[i + BLOCK / 2] = (float)(int32_t)((z >> 8) & 0xffffff) * 0x1p-24f;
        }
        for (long i = 0; i < m; i++)
            dst[at + i] = (Real)((Real)u[i] < dst[at + i] / scale);
    }
}

/* Rows row .. row+n-1 of array d. */
static void convert_rows(const DgmSource *s, int d, long row, long n, Real *dst)
{
    const SourceArray *a = &s->arrays[d];
    long count = a->decl->count;

    if (a->path == NULL)
        return;
    Convert *convert = a->mode == BINARISE_THRESHOLD ? loops[a->array.type].above
                                                     : loops[a->array.type].plain;

    convert(a->array.data, row * count, n * count, a->level, dst);
    for (long r = 0; a->mode == BINARISE_DYNAMIC && r < n; r++) {
        uint64_t key = dgm_random_u64(s->seed, DGM_STREAM_BINARISE, s->epoch, (uint64_t)(row + r));

        draw_bits(mix(key + (uint64_t)d * GOLDEN), (Real)a->scale, count, dst + r * count);
    }
}

void dgm_load_rows(DgmCtx *c, long r0, long r1)
{
    const DgmSource *s = c->source;

    for (int d = 0; s != NULL && d < s->model->n_data; d++) {
        long count = s->arrays[d].decl->count;

        if (!s->arrays[d].decl->rows)
            continue;
        for (long r = r0, n; r < r1; r += n) {      /* neighbours in the file go together */
            for (n = 1; r + n < r1 && c->rows[r + n] == c->rows[r] + n;)
                n++;
            convert_rows(s, d, c->rows[r], n, c->data[d] + r * count);
        }
    }
}

SourceBuffers *source_buffers_new(const DgmSource *s, long B)
{
    SourceBuffers *b = dgm_alloc(sizeof *b);
    size_t reals = 0;
    int n = s->model->n_data;

    b->B = B;
    b->data = dgm_alloc(((size_t)n + 1) * sizeof *b->data);
    b->rows = dgm_alloc(((size_t)B + 1) * sizeof *b->rows);
    for (int pass = 0; pass < 2; pass++) {
        reals = 0;
        for (int d = 0; d < n; d++) {
            const DgmData *decl = s->arrays[d].decl;
            size_t need = (size_t)decl->count * (decl->rows ? (size_t)B : 1);

            b->data[d] = dgm_slab_take(b->slab, &reals, need);
        }
        if (pass == 0) {
            b->slab = dgm_slab_new(reals + 16);
            memset(b->slab, 0, (reals + 16) * sizeof *b->slab);
        }
    }
    for (int d = 0; d < n; d++)
        if (!s->arrays[d].decl->rows)
            convert_rows(s, d, 0, 1, b->data[d]);
    source_rows_in_order(0, B, b->rows);
    return b;
}

void source_buffers_free(SourceBuffers *b)
{
    if (b == NULL)
        return;
    dgm_slab_free(b->slab);
    free(b->data);
    free(b->rows);
    free(b);
}

void source_attach(DgmSource *s, SourceBuffers *b, DgmCtx *c)
{
    c->data = b->data;
    c->rows = b->rows;
    c->N = s->N;
    c->source = s;
    if (b->B != s->N || s->dynamic)
        return;
    source_rows_in_order(0, b->B, b->rows);
    dgm_load_rows(c, 0, b->B);
    c->source = NULL;
}
