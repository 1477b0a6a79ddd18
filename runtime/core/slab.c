/* slab.c - one aligned allocation that holds all the buffers of a program.
 *
 * Idea: a layout function is run twice with the same calls of dgm_slab_take: first with NULL to
 * add up the sizes, then with the memory to hand out the pieces. Every piece starts at a multiple
 * of 64 bytes of the slab in f32 (128 in f64), so vectors are aligned and threads share no line.
 */
#include "dgm.h"

#include <stdlib.h>
#include <string.h>

enum { SLAB_ALIGN = 64, SLAB_UNIT = 16 };

Real *dgm_slab_new(size_t reals)
{
    size_t bytes, rounded;
    void *p;
    if (__builtin_mul_overflow(reals > 0 ? reals : 1, sizeof(Real), &bytes) ||
        __builtin_add_overflow(bytes, (size_t)SLAB_ALIGN - 1, &rounded))
        dgm_fail(DGM_EXIT_FAILED, "use a smaller batch or fewer samples",
                 "the buffers of this model need more memory than can be addressed");
    rounded &= ~(size_t)(SLAB_ALIGN - 1);
    p = aligned_alloc(SLAB_ALIGN, rounded);
    if (p == NULL)
        dgm_fail(DGM_EXIT_FAILED, "use a smaller batch or fewer samples",
                 "out of memory: %zu bytes for the buffers of the model", rounded);
    return memset(p, 0, rounded);
}

void dgm_slab_free(Real *slab) { free(slab); }

Real *dgm_slab_take(Real *slab, size_t *at, size_t reals)
{
    size_t first = *at, rounded;
    if (__builtin_add_overflow(reals, (size_t)SLAB_UNIT - 1, &rounded) ||
        __builtin_add_overflow(first, rounded & ~(size_t)(SLAB_UNIT - 1), at))
        dgm_fail(DGM_EXIT_FAILED, "use a smaller batch or fewer samples",
                 "the buffers of this model need more memory than can be addressed");
    return slab != NULL ? slab + first : NULL;
}
