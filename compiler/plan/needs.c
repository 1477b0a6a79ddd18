/* needs.c - which kernels the terms of a program need: of a density with its gradient, those that
 * have to run where the density alone is wanted. The others only make the gradient.
 *
 * requires:    kernels in the order of their positions (fuse.c), and memory (buffers.c)
 * establishes: Kernel.for_terms
 */
#include "plan.h"

static void need(const Node *n)
{
    if (n && n->class != NODE_SOURCE && n->kernel)
        n->kernel->for_terms = true;
}

/* What is made before it and read in it, or added to. */
static void need_operands(const Kernel *k)
{
    for (size_t i = 0; i < vec_len(k->nodes); i++) {
        const Node *n = k->nodes[i];
        for (int j = 0; j < n->n_in; j++)
            need(n->in[j].node);
        need(n->inplace);
    }
}

static bool makes_term(const Kernel *k)
{
    for (size_t i = 0; i < vec_len(k->nodes); i++)
        if (k->nodes[i]->term >= 0)
            return true;
    return false;
}

/* Against the order of execution: who reads comes before who is read. */
void plan_needs(Plan *p)
{
    for (size_t i = vec_len(p->phases); i-- > 0;)
        for (size_t b = vec_len(p->phases[i].bodies); b-- > 0;) {
            const Body *body = p->phases[i].bodies[b];
            for (size_t k = vec_len(body->kernels); k-- > 0;) {
                Kernel *kernel = body->kernels[k];
                kernel->for_terms = kernel->for_terms || makes_term(kernel);
                if (kernel->for_terms)
                    need_operands(kernel);
            }
        }
}
