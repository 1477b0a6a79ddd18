/* emit.h - from kernels to C: the emitted file, and running the C compiler on it.
 *
 * The file mirrors the runtime's DgmModel: tables of parameters, data and terms, then for each
 * program a struct of buffers, the kernels, the phases and the run function, then main().
 */
#ifndef DGMC_EMIT_H
#define DGMC_EMIT_H

#include "../plan/plan.h"

typedef enum { EMIT_INIT_CONST, EMIT_INIT_UNIFORM, EMIT_INIT_NORMAL } EmitInit;
typedef enum { EMIT_REAL, EMIT_BIT, EMIT_COUNT, EMIT_INDEX } EmitElem;

typedef struct EmitParam {
    Str name;
    int rank;
    int64_t shape[LIMIT_RANK];
    EmitInit init;
    double a, b;
    Str support;
    int line;
    bool average;
    Str latent;
} EmitParam;

typedef struct EmitData {
    Str name, field;                   /* field: what files call it, NULL: name */
    double from;                       /* first label in files */
    const char *cells;                 /* "MISSING": DGM_CELLS_MISSING; NULL: all */
    Str of;
    double sentinel;
    EmitElem elem;
    bool rows;                         /* first axis is the row plate, not in shape */
    int rank;
    int64_t shape[LIMIT_RANK];
    double lower, upper;
    bool open_lower, open_upper;
    bool whole;                        /* the values are whole numbers, whatever elem is */
    Str support;
    int line;
} EmitData;

typedef struct EmitTerm {
    Str name, formula;
    Str kind;                          /* the end of a DGM_TERM_ name: "LIKELIHOOD" */
    double sign;
    bool local, reported;
    int line;
} EmitTerm;

typedef struct EmitOutput {
    Str name;
    bool rows, samples;
    int rank;
    int64_t shape[LIMIT_RANK];
    EmitElem elem;
} EmitOutput;

/* A latent or parameter of the model, and its free numbers. */
typedef struct EmitLatent {
    Str name;
    bool rows, of_data;
    int rank;
    int64_t shape[LIMIT_RANK], free_count;            /* of a row */
    Str support;
    const char *centring;              /* the end of a DGM_ name: "CENTRED" */
    int line;
} EmitLatent;

typedef struct EmitPredicted { Str name, *anew; double from; } EmitPredicted;  /* anew: vec */
typedef struct EmitState { Str latent, table; } EmitState;

/* An input of a program whose inputs are not the latents alone. */
typedef struct EmitVariable {
    Str name;
    bool rows, data;
    int rank;
    int64_t shape[LIMIT_RANK];         /* of a row */
    EmitElem elem;
    double lower, upper;
    Str support;
    Str only_given;                    /* why it is no output, or NULL: it is one */
    int line;
} EmitVariable;

typedef struct EmitProgram {
    Str name;                          /* "step" "eval" "weight" "sample" "encode" ... */
    Plan *plan;                        /* NULL: the model has none */
    EmitTerm *terms;                   /* vec */
    Str *given;                        /* vec: inputs that stand in c->given, by their position */
    EmitVariable *variables;           /* vec: of the same, where they are not the latents */
    EmitOutput *outputs;               /* vec */
    Str once;                          /* whose outputs are the last of `given`, or NULL */
} EmitProgram;

typedef struct EmitInput {
    Str name, spec_path, spec_hash, version, command;
    Str objective, formula;
    EmitParam *params;                 /* vecs */
    EmitData *data;
    EmitLatent *latents;
    Define *sizes;
    Number *numbers;
    EmitProgram *programs;
    Str plate;                         /* size of the row plate, or NULL */
    int64_t fixed_rows;
    Str full_batch;                    /* reason, or NULL */
    Str optimizer;                     /* NULL: not said */
    Str *hyper_names; double *hyper_values;
    long batch;
    double epochs;
    long steps;
    double clip; long seed;            /* 0: not given */
    int samples;
    EmitPredicted *predicted;          /* vec */
    EmitState *state_tables;           /* vec */
    Str cc, cflags;
    bool guided, estimated;            /* see DgmModel */
} EmitInput;

/* emit.c: the whole file. Nothing in it depends on time or place but the command line quoted. */
void emit_program(Ctx *c, Out *o, const EmitInput *in);

/* cc.c: writes text beside `out` in a temporary directory and compiles it to `out`; no shell. cc
 * NULL: $CC or cc. False after an error was reported. */
/* cache.c: path of a trainer made from this text, compiled if there is none; NULL after an error.
 * */
Str  cached_trainer(Ctx *c, const char *cc, const Out *text);
Str  runtime_library(Ctx *c);
bool run_cc(Ctx *c, const char *cc, const Out *text, Str out);
Str  cc_name(Ctx *c, const char *cc);                 /* what run_cc will call */
Str  cc_flags(Ctx *c);                                /* the flags it will pass */

/* ---- shared by the files of emit/ ------------------------------------------------------------ */

typedef struct Emit {
    Ctx *c;
    const EmitInput *in;
    Out *o;
    const Plan *p;                     /* of the program being written */
    const EmitProgram *program;
} Emit;

/* text.c: small pieces of C. All results are interned. */
Str  text_number(Ctx *c, double x);                   /* a Real literal */
Str  text_double(Ctx *c, double x);                   /* a double literal, exact */
Str  text_string(Ctx *c, Str text);                   /* a C string, or NULL */
Str  text_elem(EmitElem elem);                        /* DGM_ELEM_REAL */
Str  text_axes(Ctx *c, const int64_t *shape, int rank);       /* {3, 4} */
Str  text_shape(Ctx *c, const int64_t *shape, int rank);      /* 2, {3, 4}, 12 */
int64_t shape_count(const int64_t *shape, int rank);          /* 12 */
Str  text_axis(const Emit *e, const Axis *a);         /* loop variable */
Str  text_extent(const Emit *e, Extent x);            /* "c->S * 20" */
Str  text_size(const Emit *e, const Axis *a);         /* number of points of an axis */
Str  text_product(const Emit *e, Str a, Str b);       /* with parentheses where needed; drops 1 */
Str  text_sum(const Emit *e, Str a, Str b);           /* drops "0" */
Str  text_base(const Emit *e, const Buffer *b);       /* "c->param + 392000" */
Str  text_scalar(const Emit *e, const Buffer *b);     /* "1 / (Real)c->B" */
long text_param_offset(const Emit *e, Str name);
void text_from(const Emit *e, const Body *b, Str *lo, Str *hi);   /* names of the domain's range */
void text_wrapped(Out *o, const char *text);          /* breaks lines before column 100 */
Str  text_place(const Emit *e, const Node *n);        /* "vae.dgm:4", or "" */

/* kernel.c: the C function of a loop kernel, CUMSUM or SCATTER, and the call to it. */
void emit_kernel(Emit *e, const Kernel *k, Str *call);
/* comment.c: the comment above it. */
void emit_kernel_comment(Emit *e, const Kernel *k);
/* simd.c: is this loop vectorised; is this item a sum that the loop keeps in a local; does the loop
 * add by eights? */
bool simd_loop(const Item *loop);
bool simd_local_sum(const Item *item);
bool simd_eights(const Plan *p, const Kernel *k, const Item *loop);
/* call.c: a runtime call, in the body's function. */
void emit_call(Emit *e, const Kernel *k, Out *o);
bool call_is_function(const Node *n);                 /* kernel.c emits it */
/* program.c */
void emit_program_functions(Emit *e);

#endif
