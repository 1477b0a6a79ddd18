/* scan.c - runs the program of one step along a sequence.
 *
 * Idea: the step is a program like any other, in a context of its own whose given values are the
 * vectors of this step. Its buffers are small and live on the stack; a step of more than
 * STACK_REALS takes memory for the call. A step that left the state as it was leaves it again where
 * it is given the same numbers: it is not run (an equation solver that has reached its time).
 */
#include "dgm.h"

#include <string.h>

enum { STACK_REALS = 16384 };

/* memcpy is a call that takes longer than a short vector, unless the size is a constant. */
static void copy(Real *to, const Real *from, long n)
{
    long i = 0;
    for (; i + 4 <= n; i += 4)
        memcpy(to + i, from + i, 4 * sizeof *to);
    if (n & 2)
        memcpy(to + i, from + i, 2 * sizeof *to);
    if (n & 1)
        to[n - 1] = from[n - 1];
}

static inline bool same(const Real *a, const Real *b, long n)
{
    return n == 0 || (memcmp(a, b, sizeof *a) == 0 && memcmp(a, b, (size_t)n * sizeof *a) == 0);
}

void dgm_scan(const DgmProgram *step, long steps, bool reverse, long n_each, long n_out,
              const Real *state, const Real *each, const Real *fixed, Real *out)
{
    _Alignas(64) Real stack[STACK_REALS];
    void *buffers[step->state_bytes / sizeof(void *) + 1];
    Real *given[3] = { NULL, NULL, (Real *)fixed }, *next[1] = { NULL };
    DgmCtx c = { .program = step, .given = given, .out = next, .B = 1, .N = 1, .S = 1, .threads = 1,
                 .bad_term = -1, .state = buffers };
    size_t reals = step->layout(&c, NULL);
    Real *slab = reals <= STACK_REALS ? stack : dgm_slab_new(reals);
    step->layout(&c, slab);
    bool still = false;
    for (long i = 0; i < steps; i++) {
        long t = reverse ? steps - 1 - i : i;
        const Real *now = each + t * n_each, *result = state;
        if (!still || !same(now, given[1], n_each)) {
            given[0] = (Real *)state;
            given[1] = (Real *)now;
            step->run(&c);
            result = next[0];
            still = same(result, state, n_out);
        }
        copy(out + t * n_out, result, n_out);
        state = out + t * n_out;
    }
    if (slab != stack)
        dgm_slab_free(slab);
}
