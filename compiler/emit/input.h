/* input.h - gathers what the emitter writes from what the stages before it know. */
#ifndef DGMC_EMIT_INPUT_H
#define DGMC_EMIT_INPUT_H

#include "../lower/lower.h"
#include "emit.h"

/* plans: one per program of `l`, NULL where the query is absent. */
const EmitInput *emit_input(Ctx *c, const Source *source, const char *command, const char *cc,
                            const char *version, const Derivation *d, const Lowered *l,
                            Plan **plans);

#endif
