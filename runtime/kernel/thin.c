/* thin.c - products with a small dimension, in register tiles.
 *
 * Idea: BLAS packs both operands in most calls, which for a product like 10 by 25 by 1000 takes as
 * long as the product. Here nothing is packed but B where it is stored transposed, or ends within a
 * vector that cannot be loaded in part. A tile is some rows of C by some vectors of columns; its
 * sums stay in registers along k, and every element of C is one sum in the order of k. So its bits
 * do not depend on the tile that it is in, nor on how rows and columns are split over calls.
 *
 *     C[i..i+10, j..j+16] += A[i..i+10, p] * B[p, j..j+16]      for each p, in order
 *
 * In the product of one row or two by a transposed B, sums run along the vector: lane l adds what
 * stands at l, l + 8 and so on. They are joined by halves for as many elements of C as a vector has
 * lanes at a time, in one order for all.
 *
 * The compilers keep sums in registers only where the loops over them are unrolled: UNROLL asks for
 * it, in each compiler's words.
 */
#include "thin.h"

#include <string.h>
#ifdef __AVX512F__
#include <immintrin.h>
#define WIDTH 64                       /* bytes of a vector */
#elif defined __AVX__
#define WIDTH 32
#else
#define WIDTH 16
#endif

#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif
#define FIXED static inline __attribute__((always_inline))

typedef Real Vec __attribute__((vector_size(WIDTH)));
typedef Real Loose __attribute__((vector_size(WIDTH), aligned(sizeof(Real)), may_alias));

enum {
    LANES = WIDTH / sizeof(Real),
    REGISTERS = WIDTH == 64 ? 32 : 16,
    LOW = 5, WIDE = REGISTERS / 8,     /* rows at most, and vectors, of low tiles */
    HIGH = REGISTERS == 32 ? 10 : LOW, /* rows of high ones, which have two vectors */
    COLUMNS = WIDE * LANES,
    DEPTH = 128,                       /* rows of B that are packed at a time */
    FEW = 2                            /* rows for which a transposed B is not packed */
};

FIXED Vec load(const Real *x) { return *(const Loose *)x; }
FIXED void store(Real *x, Vec v) { *(Loose *)x = v; }

/* load_part, store_part: the first n numbers of a vector, n <= LANES; loaded, the others are 0.
 * pick: lane l is that of a and b, one behind the other, at from[l]. */
#ifdef __AVX512F__
enum { LOADS_PARTS = true };
FIXED unsigned first(long n) { return (1u << n) - 1; }
#ifdef DGM_F64
typedef long long Lanes __attribute__((vector_size(WIDTH)));
static const Lanes lanes = { 0, 1, 2, 3, 4, 5, 6, 7 };
FIXED Vec load_part(const Real *x, long n) { return (Vec)_mm512_maskz_loadu_pd(first(n), x); }
FIXED void store_part(Real *x, Vec v, long n) { _mm512_mask_storeu_pd(x, first(n), (__m512d)v); }
FIXED Vec pick(Vec a, Lanes from, Vec b)
{
    return (Vec)_mm512_permutex2var_pd((__m512d)a, (__m512i)from, (__m512d)b);
}
#else
typedef int Lanes __attribute__((vector_size(WIDTH)));
static const Lanes lanes = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
FIXED Vec load_part(const Real *x, long n) { return (Vec)_mm512_maskz_loadu_ps(first(n), x); }
FIXED void store_part(Real *x, Vec v, long n) { _mm512_mask_storeu_ps(x, first(n), (__m512)v); }
FIXED Vec pick(Vec a, Lanes from, Vec b)
{
    return (Vec)_mm512_permutex2var_ps((__m512)a, (__m512i)from, (__m512)b);
}
#endif
/* For rows i and i + d: their elements whose lane has not bit d, side by side; and those with it.
 * Done for each d of a matrix this swaps the bits of row and lane. */
FIXED Lanes without(int d) { return lanes + (((lanes & d) != 0) & (LANES - d)); }
FIXED Lanes with(int d) { return without(d) + d; }
#else
enum { LOADS_PARTS = false };
FIXED Vec load_part(const Real *x, long n)
{
    Vec v = { 0 };
    memcpy(&v, x, (size_t)n * sizeof(Real));
    return v;
}
FIXED void store_part(Real *x, Vec v, long n) { memcpy(x, &v, (size_t)n * sizeof(Real)); }
#endif

static long at_most(long a, long b) { return a < b ? a : b; }

/* ---- packing --------------------------------------------------------------------------------- */

typedef struct Panel {
    _Alignas(64) Real at[DEPTH][COLUMNS];
} Panel;

#ifdef __AVX512F__
FIXED void exchange(Vec *x, int d)
{
    UNROLL
    for (int i = 0; i < LANES; i++) {
        if (i & d)
            continue;
        Vec a = x[i], b = x[i + d];
        x[i] = pick(a, without(d), b);
        x[i + d] = pick(a, with(d), b);
    }
}

/* T[0..k][0..LANES] = B' for B[0..n][0..k], k and n at most LANES; columns from n on are 0. */
FIXED void transpose(long k, long n, const Real *B, long ldb, Real *T)
{
    Vec x[LANES];
    UNROLL
    for (int i = 0; i < LANES; i++)
        x[i] = i < n ? load_part(B + i * ldb, k) : (Vec){ 0 };
    if (LANES == 16)
        exchange(x, LANES / 2);
    exchange(x, 4);
    exchange(x, 2);
    exchange(x, 1);
    UNROLL
    for (int i = 0; i < LANES; i++)
        if (i < k)
            store(T + i * COLUMNS, x[i]);
}
#else
static void transpose(long k, long n, const Real *B, long ldb, Real *T)
{
    for (long p = 0; p < k; p++)
        for (long j = 0; j < LANES; j++)
            T[p * COLUMNS + j] = j < n ? B[j * ldb + p] : 0;
}
#endif

static void pack_transposed(long k, long n, const Real *B, long ldb, Panel *T)
{
    for (long j = 0; j < n; j += LANES)
        for (long p = 0; p < k; p += LANES)
            transpose(at_most(k - p, LANES), at_most(n - j, LANES), B + j * ldb + p, ldb,
                      &T->at[p][j]);
}

static void pack(long k, long n, const Real *B, long ldb, Panel *T)
{
    for (long p = 0; p < k; p++)
        for (long j = 0; j < COLUMNS; j++)
            T->at[p][j] = j < n ? B[p * ldb + j] : 0;
}

/* ---- tiles ----------------------------------------------------------------------------------- */

/* What a tile works on. A[i][p] lies at A + i * row + p * step; the last vector of C has `last`
 * columns, and so has that of B if it is not packed. */
typedef struct Tile {
    const Real *A, *B;
    Real *C;
    long row, step, ldb, ldc, k, last;
    bool packed, keep;                 /* keep: the old C is the first summand */
} Tile;

FIXED void tile(const Tile *t, int rows, int vectors)
{
    Vec sum[HIGH][WIDE];
    int end = vectors - 1;
    long last = t->last, read = t->packed ? LANES : last;
    UNROLL
    for (int i = 0; i < rows; i++)
        UNROLL
        for (int v = 0; v < vectors; v++) {
            const Real *c = t->C + i * t->ldc + v * LANES;
            sum[i][v] = !t->keep ? (Vec){ 0 } : v < end ? load(c) : load_part(c, last);
        }
    const Real *A = t->A, *B = t->B;
    for (long p = 0; p < t->k; p++, A += t->step, B += t->ldb) {
        Vec b[WIDE];
        UNROLL
        for (int v = 0; v < vectors; v++)
            b[v] = v < end || !LOADS_PARTS ? load(B + v * LANES) : load_part(B + v * LANES, read);
        UNROLL
        for (int i = 0; i < rows; i++)
            UNROLL
            for (int v = 0; v < vectors; v++)
                sum[i][v] += A[i * t->row] * b[v];
    }
    UNROLL
    for (int i = 0; i < rows; i++)
        UNROLL
        for (int v = 0; v < vectors; v++) {
            Real *c = t->C + i * t->ldc + v * LANES;
            if (v < end)
                store(c, sum[i][v]);
            else
                store_part(c, sum[i][v], last);
        }
}

/* One function for each shape of tile. */
#define TILE(rows, vectors) \
    static void tile_##rows##_##vectors(const Tile *t) { tile(t, rows, vectors); }
#define TILES(rows) TILE(rows, 1) TILE(rows, 2)
#define NAMES(rows) tile_##rows##_1, tile_##rows##_2
TILES(1) TILES(2) TILES(3) TILES(4) TILES(5)
#ifdef __AVX512F__
#define WIDE_TILES(rows) TILE(rows, 3) TILE(rows, 4)
#define WIDE_NAMES(rows) NAMES(rows), tile_##rows##_3, tile_##rows##_4
WIDE_TILES(1) WIDE_TILES(2) WIDE_TILES(3) WIDE_TILES(4) WIDE_TILES(5)
TILES(6) TILES(7) TILES(8) TILES(9) TILES(10)
#else
#define WIDE_NAMES(rows) NAMES(rows)
#endif

static void (*const tiles[HIGH][WIDE])(const Tile *) = {
    { WIDE_NAMES(1) }, { WIDE_NAMES(2) }, { WIDE_NAMES(3) }, { WIDE_NAMES(4) }, { WIDE_NAMES(5) },
#ifdef __AVX512F__
    { NAMES(6) }, { NAMES(7) }, { NAMES(8) }, { NAMES(9) }, { NAMES(10) },
#endif
};

/* n columns of C, in tiles of nearly the same height: 11 rows are 6 and 5, not 10 and 1. */
static void column_of_tiles(Tile t, long m, long n)
{
    long pieces = (m + HIGH - 1) / HIGH, vectors = (n + LANES - 1) / LANES;
    t.last = n - (vectors - 1) * LANES;
    for (long piece = 0; piece < pieces; piece++) {
        long rows = m / pieces + (piece < m % pieces);
        tiles[rows - 1][vectors - 1](&t);
        t.A += rows * t.row;
        t.C += rows * t.ldc;
    }
}

/* ---- a row by a transposed matrix ------------------------------------------------------------ */

#ifdef __AVX512F__
FIXED void halve(Vec *x, int d)
{
    UNROLL
    for (int i = 0; i < d; i++)
        x[i] = pick(x[i], without(d), x[i + d]) + pick(x[i], with(d), x[i + d]);
}

/* Lane i of the result is the sum of the lanes of x[i]. */
FIXED Vec sums_of(Vec *x)
{
    if (LANES == 16)
        halve(x, LANES / 2);
    halve(x, 4);
    halve(x, 2);
    halve(x, 1);
    return x[0];
}
#else
FIXED Vec sums_of(Vec *x)
{
    Vec sum = { 0 };
    for (int i = 0; i < LANES; i++) {
        for (int d = LANES / 2; d > 0; d /= 2)
            for (int l = 0; l < d; l++)
                x[i][l] += x[i][l + d];
        sum[i] = x[i][0];
    }
    return sum;
}
#endif

/* n elements of C, n <= LANES; those missing of a whole vector repeat the last. */
FIXED void dots(long n, long k, const Real *a, const Real *B, long ldb, bool keep, Real *C)
{
    Vec x[LANES];
    const Real *row[LANES];
    UNROLL
    for (int i = 0; i < LANES; i++) {
        row[i] = B + (i < n ? i : n - 1) * ldb;
        x[i] = (Vec){ 0 };
    }
    long p = 0;
    for (; p + LANES <= k; p += LANES) {
        Vec v = load(a + p);
        UNROLL
        for (int i = 0; i < LANES; i++)
            x[i] += v * load(row[i] + p);
    }
    if (p < k) {
        Vec v = load_part(a + p, k - p);
        UNROLL
        for (int i = 0; i < LANES; i++)
            x[i] += v * load_part(row[i] + p, k - p);
    }
    Vec sum = sums_of(x);
    store_part(C, keep ? load_part(C, n) + sum : sum, n);
}

static void dots_of_row(long n, long k, const Real *a, const Real *B, long ldb, bool keep,
                        Real *C)
{
    long j = 0;
    for (; j + LANES <= n; j += LANES)
        dots(LANES, k, a, B + j * ldb, ldb, keep, C + j);
    if (j < n)
        dots(n - j, k, a, B + j * ldb, ldb, keep, C + j);
}

/* ---- the product ----------------------------------------------------------------------------- */

void thin_gemm(bool ta, bool tb, long m, long n, long k, const Real *A, long lda, const Real *B,
               long ldb, Real beta, Real *C, long ldc)
{
    if (!ta && tb && m <= FEW) {
        for (long i = 0; i < m; i++)
            dots_of_row(n, k, A + i * lda, B, ldb, beta != 0, C + i * ldc);
        return;
    }
    Panel T;
    long width = m <= LOW ? COLUMNS : 2 * LANES;
    for (long j = 0; j < n; j += width)
        for (long p = 0; p < k; p += DEPTH) {
            long columns = at_most(n - j, width), depth = at_most(k - p, DEPTH);
            bool packed = tb || (!LOADS_PARTS && columns % LANES);
            const Real *from = tb ? B + j * ldb + p : B + p * ldb + j;
            if (packed)
                (tb ? pack_transposed : pack)(depth, columns, from, ldb, &T);
            Tile t = { .A = ta ? A + p * lda : A + p, .row = ta ? 1 : lda, .step = ta ? lda : 1,
                       .B = packed ? T.at[0] : from, .ldb = packed ? COLUMNS : ldb,
                       .C = C + j, .ldc = ldc, .k = depth, .packed = packed,
                       .keep = p > 0 || beta != 0 };
            column_of_tiles(t, m, columns);
        }
}
