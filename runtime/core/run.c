/* run.c - binds a program to a context.
 *
 * Idea: everything that a program needs to run at batch B with S samples is allocated here, once;
 * running it allocates nothing. The context must be zero before the first dgm_bind.
 *
 * dgm_bind establishes c->program, B, S, state, out, terms, weight (ones), norm2 (all owned by the
 * binding), bad_term = -1, and a thread count if none was set. param, grad, data, rows, source,
 * seed and optim belong to the caller and are left alone. Binding again frees the old one first.
 */
#include "dgm.h"

#include <stdlib.h>

/* In front of the emitted state: the slab its pointers point into. One cache line, so that the
 * state behind it is aligned as malloc would have it. */
typedef struct StateHead {
    _Alignas(64) Real *slab;
} StateHead;

static StateHead *state_head(const DgmCtx *c) { return (StateHead *)c->state - 1; }

static void *state_new(size_t bytes)
{
    size_t whole = (sizeof(StateHead) + bytes + 63) & ~(size_t)63;
    StateHead *head = (StateHead *)dgm_slab_new((whole + sizeof(Real) - 1) / sizeof(Real));
    head->slab = NULL;
    return head + 1;
}

void dgm_bind(DgmCtx *c, const DgmProgram *p, long B, long S)
{
    dgm_unbind(c);
    c->program = p;
    c->B = B;
    c->S = S;
    c->bad_term = -1;
    if (c->threads < 1)
        c->threads = dgm_threads_default();
    c->state = state_new(p->state_bytes);
    c->out = dgm_alloc(sizeof *c->out * (size_t)(p->n_outputs > 0 ? p->n_outputs : 1));
    c->norm2 = dgm_alloc(sizeof *c->norm2 * (size_t)(p->n_tasks > 0 ? p->n_tasks : 1));
    size_t n_terms = (size_t)(p->n_terms > 0 ? p->n_terms : 1);
    c->terms = dgm_alloc(sizeof *c->terms * n_terms);
    c->weight = dgm_alloc(sizeof *c->weight * n_terms);
    for (size_t t = 0; t < n_terms; t++)
        c->weight[t] = 1;
    if (p->layout != NULL) {
        Real *slab = dgm_slab_new(p->layout(c, NULL));
        state_head(c)->slab = slab;
        p->layout(c, slab);
    }
}

void dgm_unbind(DgmCtx *c)
{
    if (c->state != NULL) {
        dgm_slab_free(state_head(c)->slab);
        free(state_head(c));
    }
    free(c->out);
    free(c->norm2);
    free(c->terms);
    free(c->weight);
    c->state = NULL;
    c->out = NULL;
    c->norm2 = NULL;
    c->terms = NULL;
    c->weight = NULL;
    c->program = NULL;
}
