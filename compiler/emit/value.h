/* value.h - text of values (value.c), for the printer of a loop kernel (kernel.c). */
#ifndef DGMC_VALUE_H
#define DGMC_VALUE_H

#include "emit.h"

typedef struct Value { Str text; int prec; } Value;

typedef struct Printer {
    Emit *e;
    const Kernel *k;
    Out *o;
    Map *values;                       /* Node -> Value: its local, or text for its user */
    Map *old;                          /* Buffer -> Str: local that holds the old element */
    Buffer **buffers;                  /* vec: those used */
    Str *names;                        /* vec: locals and loop variables */
    bool rows, samples, chunks, chunk, terms, range;   /* parameters used */
} Printer;

/* The function reads or writes b. */
void  value_buffer(Printer *q, Buffer *b);
Str   value_extent(Printer *q, Extent x);
/* "n * 500 + j" for the operand; gather is the node with a second operand as index, or NULL. */
Str   value_index(Printer *q, const Use *u, const Node *gather);
/* Where the node's own result goes. */
Str   value_cell(Printer *q, Node *n);
Value value_atom(Str text);
Value value_operand(Printer *q, const Node *user, int i);
/* How often the C text of n's op names this operand. */
int   value_mentions(const Node *n, int operand);
Value value_text(Printer *q, const Node *n);
/* What users of n are to read. */
void  value_set(Printer *q, const Node *n, Value v);

bool  value_name_taken(const Printer *q, Str name);
Str   value_new_name(Printer *q, Str plain);          /* and takes it */
Str   value_local_name(Printer *q, const Node *n);

#endif
