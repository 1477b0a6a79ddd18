/* call.h - between call.c and the files of its longer rules. */
#ifndef DGMC_CHECK_CALL_H
#define DGMC_CHECK_CALL_H

#include "check.h"

enum { MAX_ARGS = 16 };

typedef struct Args {
    size_t n;                          /* positional */
    Ast *asts[MAX_ARGS];
    Type *types[MAX_ARGS];
    Ast *at;
    const Builtin *row;
} Args;

/* Reports argument i, which is not what the builtin needs; the bad type. */
Type *bad_argument(Check *s, Args *a, size_t i, const char *needs);

Type *rule_previous(Check *s, Args *a);                       /* call_previous.c */
Type *rule_ode(Check *s, Args *a);                            /* call_ode.c */
Type *rule_method(Check *s, Args *a);

#endif
