/* terms.c - the values of the objective's terms from per-chunk partial sums.
 *
 * Idea: chunks are summed in their order by one thread, in double, so the result does not depend on
 * which thread computed which chunk or when.
 */
#include "dgm.h"

void dgm_sum_terms(DgmCtx *c, const double *partial, long chunks)
{
    int n = c->program->n_terms;
    for (int t = 0; t < n; t++)
        c->terms[t] = 0;
    for (long k = 0; k < chunks; k++)
        for (int t = 0; t < n; t++)
            c->terms[t] += partial[k * n + t];
    c->bad_term = -1;
    for (int t = n - 1; t >= 0; t--)
        if (!isfinite(c->terms[t]))
            c->bad_term = t;
}
