/* simd.c - which loops of a kernel are written for the vector unit, and how (kernel.c writes them).
 *
 * Idea: every innermost loop gets `omp simd`, unless no compiler vectorises what stands in it, or
 * the loop is so short that it is better written out.
 * Where it has sums over few points, the additions that join the lanes at its end are most of its
 * time; such a loop goes by eights (see emit_eights).
 */
#include "../plan/loops.h"
#include "emit.h"

/* Points of a loop by eights: with fewer there is no eight, with more the end matters little and
 * the widest vector more. That holds all the sooner with slow functions; but sixteen numbers of
 * single precision, the widest vector there is, are not filled by fewer points. */
enum { EIGHTS_LEAST = 8, EIGHTS_MOST = 128, EIGHTS_MOST_SLOW = 15 };

/* Points at most of loops that compilers write out, where tests of the position then vanish, and
 * where all gain: numbers that do not fill a vector are stored by a mask, and loads wait for it. */
enum { UNROLLED = 16, TINY = 4 };

static bool innermost(const Item *loop)
{
    for (size_t i = 0; i < vec_len(loop->items); i++)
        if (loop->items[i]->kind == ITEM_LOOP)
            return false;
    return true;
}

/* Loops that no compiler vectorises (clang says so, which is an error under -Werror), or that test
 * the position at a few points. */
static bool vectorises(const Item *loop)
{
    for (size_t i = 0; i < vec_len(loop->items); i++) {
        if (loop->items[i]->kind != ITEM_STMT)
            continue;
        const Node *n = loop->items[i]->node;
        switch (n->op) {
        case OP_MAXIMUM: case OP_LGAMMA: case OP_DIGAMMA: case OP_TRIGAMMA: case OP_GAMMA_P:
        case OP_GAMMA_DSHAPE: case OP_BETA_I: case OP_NORMAL_CDF: case OP_NORMAL_QUANTILE:
        case OP_LBETA: case OP_LOG_NORMAL_CDF: case OP_LOG_BESSEL_I0E: case OP_BESSEL_GAP:
        case OP_BINOMIAL_QUANTILE: case OP_BETA_I_BY_A: case OP_BETA_I_BY_B:
            return false;
        case OP_PAD:                   /* unrolled, its tests of the position are none */
            if (n->to[0] == loop->axis && loop->axis->size <= UNROLLED)
                return false;
            break;
        case OP_FLATTEN:               /* positions by division */
            if (n->to[0] == loop->axis && !flat_in_place(n))
                return false;
            break;
        default:
            break;
        }
    }
    return true;
}

bool simd_loop(const Item *loop)
{
    bool tiny = loop->axis->size > 0 && loop->axis->size <= TINY;
    return innermost(loop) && !tiny && vectorises(loop);
}

bool simd_local_sum(const Item *item)
{
    return item->kind == ITEM_STMT && node_reduces(item->node) && !loops_memory_sum(item->node);
}

/* Draws are taken to be few. Only sums over rows are kept in double. */
bool simd_eights(const Plan *p, const Kernel *k, const Item *loop)
{
    if (loop->axis == k->body->domain || !simd_loop(loop))
        return false;
    Extent x = extent_axis(p, loop->axis);
    bool sums = false, slow = false, draws = loop->axis == p->sample;
    bool constant = !x.rows && !x.samples && !x.chunks;
    for (size_t i = 0; i < vec_len(loop->items); i++) {
        const Node *n = loop->items[i]->node;
        bool sum = simd_local_sum(loop->items[i]);
        if (sum && n->wide)
            return false;
        sums |= sum;
        slow |= op_slow(n->op);
    }
    int most = slow ? EIGHTS_MOST_SLOW : EIGHTS_MOST;
    return sums && (draws || (constant && x.n >= EIGHTS_LEAST && x.n <= most));
}
