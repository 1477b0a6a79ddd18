/* order.c - the order of rows in an epoch: a shuffle without replacement that can be recomputed.
 *
 * Fisher and Yates from the identity, with numbers keyed by (seed, epoch, position): no state is
 * carried from epoch to epoch, so that a resumed run sees the same rows in the same order. A 64-bit
 * number is brought into 0..i by the high half of a product; the bias is below i / 2^64.
 */
#include "data/data.h"

static void shuffle(long *order, long n, uint64_t seed, uint64_t epoch)
{
    source_rows_in_order(0, n, order);
    for (long i = n - 1; i > 0; i--) {
        uint64_t u = dgm_random_u64(seed, DGM_STREAM_SHUFFLE, epoch, (uint64_t)i);
        long j = (long)(uint64_t)(((unsigned __int128)u * (uint64_t)(i + 1)) >> 64);
        long row = order[i];

        order[i] = order[j];
        order[j] = row;
    }
}

void source_epoch(DgmSource *s, uint64_t seed, uint64_t epoch)
{
    if (s->shuffled && s->seed == seed && s->epoch == epoch)
        return;
    s->seed = seed;
    s->epoch = epoch;
    s->shuffled = true;
    shuffle(s->order, s->N, seed, epoch);
}

void source_batch_rows(const DgmSource *s, long k, long B, long *rows)
{
    if (B == s->N) {
        source_rows_in_order(0, B, rows);
        return;
    }
    for (long i = 0; i < B; i++)
        rows[i] = s->order[k * B + i];
}

void source_rows_in_order(long first, long count, long *rows)
{
    for (long i = 0; i < count; i++)
        rows[i] = first + i;
}
