/* plan.h - the kernel IR: how a tensor program is executed.
 *
 * A Plan is a list of phases with a barrier between any two. A phase has bodies; a body is a list
 * of kernels that one thread runs in order over a range of the body's domain axis:
 *     SERIAL   one body, no domain: one thread
 *     ROWS     one body over the row axis: a chunk of rows is a unit of work
 *     PANELS   one body per value that contracts the row axis: a panel of its first axis is a unit
 *     UPDATE   the same for parameter gradients; each panel is followed by the optimiser
 * A kernel is a call (product, factorization, random fill) or a tree of loops. Nodes are the values
 * of the tensor IR after views (rename, expand, slice) were folded into the way operands are
 * indexed. A node that only its own loop reads is a local variable; others have a buffer.
 *
 * Bits never depend on the number of threads: chunks and panels are functions of sizes only, and
 * every sum has one order.
 */
#ifndef DGMC_PLAN_H
#define DGMC_PLAN_H

#include "../tensor/tir.h"

#define PLAN_RANK (LIMIT_RANK + 1)     /* a rank more, for the axis of chunks */
#define PLAN_KERNEL_NODES 60           /* nodes of one loop kernel: emitted functions stay small */

typedef struct Node Node;
typedef struct Body Body;
typedef struct Kernel Kernel;
typedef struct Item Item;

/* A product n * B^rows * S^samples * chunks^chunks. */
typedef struct Extent { int64_t n; int rows, samples, chunks; } Extent;

typedef enum {
    SPACE_PARAM,                       /* c->param + offset */
    SPACE_GRAD,                        /* c->grad + offset */
    SPACE_DATA,                        /* c->data[i] */
    SPACE_GIVEN,                       /* c->given[i] */
    SPACE_SCALAR,                      /* a number of the run, by name */
    SPACE_SLAB,                        /* a slot of the program's own memory */
    SPACE_TERMS                        /* column of the double matrix [chunks][terms] */
} Space;

typedef struct Buffer {
    Str name;                          /* C identifier, unique in the plan */
    Space space;
    Str key;                           /* PARAM, GRAD, DATA, SCALAR: name in the model */
    int index;                         /* TERMS: term; SLAB: number of the output, or -1 */
    Node *node;                        /* whose layout it has (an owner of the slot) */
    Extent size;                       /* elements */
    bool wide;                         /* double, whatever Real is */
    int slot;                          /* SLAB: buffers of one slot share memory */
    int first, last;                   /* SLAB: positions of the kernels that write and read it */
} Buffer;

/* An operand: axis j of `node` is walked by loop axis index[j], shifted. */
typedef struct Use {
    Node *node;
    Axis *index[PLAN_RANK];            /* NULL: at a computed position (GATHER, FLATTEN, SPLIT) */
    Axis *part[PLAN_RANK];             /* FLATTEN: which of its two axes is at that position */
    int64_t shift[PLAN_RANK];
} Use;
extern Axis *const axis_fixed;         /* an index that no loop walks: the shift is the position */

typedef enum { NODE_SOURCE, NODE_LOOP, NODE_CALL } NodeClass;

/* How a contraction is computed; decided by choose.c alone. */
typedef enum { CALL_NONE, CALL_GEMM, CALL_OTHER } CallKind;

/* C[m,n] = A[m,k] B[k,n], once for every point of `loops`. A group of axes counts as one. */
typedef struct Gemm {
    bool swap;                         /* the second operand plays A */
    bool ta, tb;
    Axis *m[PLAN_RANK], *n[PLAN_RANK], *k[PLAN_RANK], *loops[PLAN_RANK];
    int n_m, n_n, n_k, n_loops;
    Extent lda, ldb, ldc;
} Gemm;

struct Node {
    int id;
    Op op;                             /* STOP_GRADIENT: a copy */
    NodeClass class;
    CallKind call;
    const Tir *v;                      /* the value it came from: label, span, attributes */
    Use in[3];
    int n_in;
    Axis *axes[PLAN_RANK];             /* of the result: its layout if stored */
    int n_axes;
    Axis *iter[PLAN_RANK];             /* LOOP: axes of its loops, outermost first */
    int n_iter;
    Axis *over[PLAN_RANK], *to[PLAN_RANK];
    int n_over;
    double num;                        /* CONST */
    Gemm gemm;
    struct Plan *step;                 /* SCAN: of its step; one of Plan.steps */
    bool wide;                         /* accumulates in double */
    bool partial;                      /* one result per chunk of rows */
    bool store;                        /* needs a buffer */
    bool kept;                         /* another body reads it */
    Buffer *buffer;
    Node *inplace;                     /* whose buffer it overwrites, element by element; a product
                                          adds to it */
    Node *clone_of;                    /* the node this one repeats */
    int term;                          /* TERMS column it is, or -1 */
    int phase;                         /* number in order of execution */
    Body *body;
    int level;                         /* in the body: loops even, calls odd */
    Kernel *kernel;
    Item *path[PLAN_RANK + 1];         /* LOOP: path[0] is the root, then its loops */
    int depth;                         /* number of loops around it */
    int done;                          /* it is complete inside path[done] */
    int visit;                         /* scratch of a pass */
};

typedef enum { ITEM_LOOP, ITEM_INIT, ITEM_STMT, ITEM_DONE } ItemKind;
/* INIT and DONE surround the outermost loop of a reduction. */
struct Item {
    ItemKind kind;
    Axis *axis;                        /* LOOP; NULL for the root */
    Node *node;                        /* others */
    Item **items;                      /* LOOP: vec */
};

struct Kernel {
    Str name;                          /* of the emitted function */
    bool call;
    Node **nodes;                      /* vec; one if call */
    Item *root;                        /* unless call */
    int position;                      /* in order of execution within the plan */
    Body *body;
    bool for_terms;                    /* a term needs it, itself or by way of others */
};

struct Body {
    Str name;
    Axis *domain;                      /* split axis; NULL: none */
    int64_t panel;                     /* PANELS, UPDATE: size of a range of the domain */
    Str param;                         /* UPDATE: gradient of */
    Extent param_size;                 /* UPDATE */
    Node **nodes;                      /* vec, operands first */
    Kernel **kernels;                  /* vec, in order */
    double cost;                       /* operations, with 100 rows and 4 samples */
};

typedef enum { PHASE_SERIAL, PHASE_ROWS, PHASE_PANELS, PHASE_UPDATE } PhaseKind;
typedef struct Phase { PhaseKind kind; Body **bodies; } Phase;

typedef struct PlanOut { Str name; int index; Node *node; } PlanOut;

typedef struct Plan {
    Ctx *c;
    const TirFn *fn;
    Str name;
    Axis *row, *sample;                /* NULL: none */
    Axis *chunk;                       /* one point per chunk of rows */
    bool draws_outside;                /* values with rows and draws: rows innermost */
    Axis **axis_rep;                   /* by axis id: axes that renames made one */
    Map *use_of;                       /* Tir -> Use */
    Map *flattened;                    /* Tir -> Tir: the FLATTEN that it is computed for */
    Map *exact;                        /* Tir -> Tir: its last digit decides an integer or a bit */
    Map *reciprocal_of;                /* Tir -> Use: 1 / it, where many values are divided by it */
    Map *axis_var;                     /* Axis -> Str: its loop variable */
    Node **nodes;                      /* vec, operands first */
    PlanOut *grads, *values, *terms;   /* vecs */
    int n_terms;
    bool loads_rows;                   /* reads row-plated data */
    struct Plan **steps;               /* vec: of the steps of its sequences, each once */
    Phase *phases;                     /* vec */
    Buffer **buffers;                  /* vec */
    int n_slots;
    double flops_once, flops_row, flops_draw;          /* per call, row, and draw of a row */
} Plan;

/* plan.c: the whole back half of the compiler for one program: nodes, schedule, fuse, buffers. */
Plan *plan_build(Ctx *c, const TirFn *f);
void  plan_print(Out *o, const Plan *p);              /* --dump=kernels */
void  plan_verify(const Plan *p);
/* Of the structure tests: "kernels", "phases", "gemm", "calls", "buffers", "slots", "scalar" (slow
 * functions that run for one number at a time), "draws_outside" (1: true), or the name of an op. */
int   plan_count(const Plan *p, const char *what);
double node_cost(const Plan *p, const Node *n, double rows, double draws);   /* operations */
Node **plan_topological(Plan *p, Node **nodes);       /* vec: the same nodes, operands first */

/* nodes.c: TirFn -> nodes, with contractions chosen. */
void plan_nodes(Plan *p);

/* nodes_make.c: one node and its operands. */
Node *node_new(Plan *p, Op op, NodeClass class, Axis *const *axes, int n, const Tir *v);
Use   use_whole(Node *n);
bool  use_same(const Use *u);          /* element by element */
bool  flat_in_place(const Node *n);    /* FLATTEN: its two axes follow each other in memory */
bool  use_walks(const Use *u, const Axis *a);
bool  node_has(const Node *n, const Axis *a);
Node *node_copy(Plan *p, Use u, Axis *const *axes, int n, const Tir *v);
bool  node_reduces(const Node *n);     /* SUM or MAXIMUM */
bool  node_is_scalar_input(const Node *n);

/* choose.c: the one place that decides how a contraction is computed. The node has its operands,
 * axes and over; false: as loops. */
bool choose_product(Plan *p, Node *n);
/* Is the result small enough to be summed per chunk of rows? */
bool choose_partial(const Plan *p, const Node *n);
int64_t choose_panel(const Plan *p, const Node *n, Axis *domain);

/* extent.c */
Extent extent_one(void);
Extent extent_axis(const Plan *p, const Axis *a);
Extent extent_mul(Extent a, Extent b);
bool   extent_equal(Extent a, Extent b);
double extent_guess(Extent e, double rows, double draws);
Extent node_stride(const Plan *p, const Node *n, int axis);
Extent node_size(const Plan *p, const Node *n);
/* Stride of loop axis a in the operand's buffer; n = 0 if it does not walk it. */
Extent use_stride(const Plan *p, const Use *u, const Axis *a);

/* needs.c: Kernel.for_terms. */
void plan_needs(Plan *p);

/* schedule.c: nodes -> phases and bodies.   fuse.c: bodies -> kernels.   buffers.c: memory. */
bool  node_cheap(const Node *n, bool params);         /* repeat, not store; may read params */
Node *node_repeat(Plan *p, const Node *n);
void plan_schedule(Plan *p);
void plan_fuse(Plan *p);
void plan_buffers(Plan *p);
Str  plan_identifier(Ctx *c, const char *text);        /* a C identifier for a name of the model */

#endif
