/* emit_case.h - a program given as tensor IR text, made ready for the emitter without a model. */
#ifndef DGMC_TESTS_EMIT_CASE_H
#define DGMC_TESTS_EMIT_CASE_H

#include "../../compiler/emit/emit.h"

/* tir_read; with `grad`, differentiated with seed sign_k / B for term k (k even +1, odd -1); then
 * simplified and verified. NULL after a message. */
TirFn *emit_case_read(Ctx *c, const char *text, bool grad);
/* Tables made up from the inputs and outputs of f; its only program, planned. */
EmitInput *emit_case_input(Ctx *c, const TirFn *f);

#endif
