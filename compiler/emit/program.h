/* program.h - between the files that write one program: program.c, run.c, table.c. */
#ifndef DGMC_EMIT_PROGRAM_H
#define DGMC_EMIT_PROGRAM_H

#include "emit.h"

/* A panel of a phase: elements [lo, hi) of a body. */
typedef struct Task { const Body *body; Str function; int64_t lo, hi; double cost; } Task;

/* program.c */
const char *prefix(const Emit *e);                    /* of the names of the program: "step" */
int  n_terms(const Emit *e);
bool has_terms(const Emit *e);
bool has_word(const char *text, const char *word);    /* as a name, not as a member */
Str  body_function(const Emit *e, const Phase *ph, int number, const Body *b);
/* run.c */
Task *collect_tasks(const Emit *e, const Phase *ph, int number);      /* vec */
void emit_tasks(Emit *e, const Phase *ph, int number, const Task *tasks);
void emit_run(Emit *e, int n_tasks);
/* table.c */
void emit_tables(const Emit *e, int n_tasks);

#endif
