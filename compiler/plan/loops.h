/* loops.h - loop nests of fused kernels (loops.c), shared by fuse, buffers, the verifier, emit. */
#ifndef DGMC_LOOPS_H
#define DGMC_LOOPS_H

#include "plan.h"

/* Builds k->root from k->nodes, in order. */
void loops_build(Plan *p, Kernel *k);
/* Can `user` read this operand from the local variable that holds it? */
bool loops_local(const Node *user, const Use *u);
/* A reduction whose accumulator is an array: result axes lie inside a summed axis. */
bool loops_memory_sum(const Node *n);

#endif
