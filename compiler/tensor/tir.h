/* tir.h - the tensor IR: an SSA graph of values over named axes.
 *
 * A value is a set of numbers indexed by axes. An axis is an identity (compare pointers), not a
 * position: elementwise ops align by axis and broadcast over axes an operand lacks; a contraction
 * names the axes it sums. Vectorising over a plate or over Monte Carlo samples is adding an axis.
 * The order of `axes` is the layout in memory, outermost first: row plate, plates, samples, then
 * event axes (tir_order). Building is hash-consing: equal values are the same pointer (this is the
 * common-subexpression elimination; RANDOM ops are distinguished by site).
 *
 * Text, one value a line, read back by tir_read:
 *     fn step
 *       axis n row; axis s sample; axis d0 event 20; axis h event 500
 *       %1 = input x [n, p]
 *       %3 = contract{p} %1 %2 : [n, h]
 *       %4 = tanh %3 : [n, h]                     // h, vae.dgm:4
 *       term 0 kl_z %9     surrogate 1 score_h %11     grad decoder.dense_1.W %12     out z.mean %7
 */
#ifndef DGMC_TIR_H
#define DGMC_TIR_H

#include "../base/base.h"

typedef enum { OP_KIND_MAP, OP_KIND_RANDOM, OP_KIND_SHAPE, OP_KIND_SOURCE } OpKind;
typedef enum {
#define OP(id, name, kind, arity, range, da, db, dc, ctext, doc) OP_##id,
#include "../ops.def"
#undef OP
    N_OPS
} Op;

typedef struct OpInfo {
    const char *name;
    OpKind kind;
    int arity;
    const char *adjoint[3];            /* text; NULL zero; OP_FN and OP_NONE are sentinels */
    const char *ctext, *doc;
} OpInfo;
extern const OpInfo op_info[N_OPS];
double op_cost(Op op);                 /* of an element, about: an addition is 1 */
bool op_slow(Op op);                   /* many instructions, and there is a vector form */
extern const char OP_FN[], OP_NONE[];

typedef enum {
    AXIS_ROW,                         /* the minibatched plate: B at run time; at most one per fn */
    AXIS_PLATE,                        /* any other plate: constant size */
    AXIS_SAMPLE,                       /* Monte Carlo samples: S at run time; at most one per fn */
    AXIS_EVENT                         /* constant size */
} AxisKind;

typedef struct Axis {
    int id;                            /* order of creation within the fn */
    AxisKind kind;
    Str name;                          /* for printing and loop variables; unique in the fn */
    int64_t size;                      /* constant, or 0 for B and S */
} Axis;

typedef enum { INPUT_PARAM, INPUT_DATA, INPUT_SCALAR, INPUT_GIVEN } InputKind;
/* INPUT_GIVEN: a latent whose value comes from outside. INPUT_SCALAR names: inv_rows (1/B),
 * inv_total (1/N), inv_samples (1/S), total (N), weight_K (of term K). */

typedef struct Tir Tir;
struct Tir {
    Op op;
    int id;                            /* in order of creation */
    int n_in;
    Tir *in[3];
    int n_axes;
    Axis *axes[LIMIT_RANK];            /* layout order */
    /* attributes, by op */
    double num;                        /* CONST */
    InputKind input;                   /* INPUT */
    Str name;                          /* INPUT: "decoder.dense_1.W" */
    int site;                          /* RANDOM: number of the draw */
    /* SUM MAXIMUM LOGSUMEXP CONTRACT: over is removed; EXPAND: added. IOTA: over[0]. RENAME: from
     * over to to. GATHER: over[0] of a. SCATTER: over is summed, to[0] new. SLICE, PAD: over[0]
     * becomes to[0]. FLATTEN: over[0] and over[1] become to[0]; SPLIT: over[0] becomes to[0] and
     * to[1]. CHOLESKY, INVERSE: over[0] rows, over[1] columns. TRISOLVE: over[0] rows of L,
     * over[1] columns of L, to[0] the axis of b and of the result. SCAN: over[0] the steps,
     * over[1..3] the vectors of the state, of what a step is given and of what all are given; to[0]
     * that of the result. */
    int n_over;
    Axis *over[LIMIT_RANK];
    Axis *to[LIMIT_RANK];
    int64_t offset;                    /* SLICE, PAD */
    bool flag;                         /* CUMSUM, SCAN: reverse; TRISOLVE: transposed */
    struct TirFn *body;                /* SCAN: one step */
    Tir **adjoints, *adjoint_of;       /* SCAN: of its operands, once asked for; of this g */
    /* provenance; no meaning */
    Str label;                         /* name in the model: "h", "logits", "kl_z" */
    Span span;
};

/* A SURROGATE is a scalar that tir_grad follows like a term, and then drops. */
typedef enum { OUT_TERM, OUT_GRAD, OUT_VALUE, OUT_SURROGATE } OutKind;
typedef struct TirOut {
    OutKind kind;
    Str name;                          /* term, parameter or output name */
    int index;                         /* of the term, surrogate (after the terms) or output */
    Tir *value;                        /* TERM: scalar; GRAD: axes of the parameter */
    int n_axes;                        /* VALUE: the layout wanted, when it is not value's own */
    Axis *axes[LIMIT_RANK];            /* (0: value's own); always a permutation of value->axes */
} TirOut;

typedef struct TirFn {
    Ctx *c;
    Str name;                          /* "step" */
    Axis **axes;                       /* vec */
    TirOut *outs;                      /* vec */
    struct TirTable *table;            /* hash-consing */
    int n_values;
    struct TirFn *gradient;            /* of the step of a SCAN, once it was asked for */
} TirFn;

/* ---- tir.c: building. All check their arguments and ice() on misuse. ------------------------- */
TirFn *tir_fn(Ctx *c, Str name);
Axis *tir_axis(TirFn *f, AxisKind kind, Str name, int64_t size);   /* name is made unique */
Tir *tir_const(TirFn *f, double value);
Tir *tir_input(TirFn *f, InputKind kind, Str name, Axis *const *axes, int n_axes);
Tir *tir_iota(TirFn *f, Axis *axis);
Tir *tir_map(TirFn *f, Op op, Tir *a, Tir *b, Tir *c);             /* unused operands NULL */
/* a, b: its parameters, NULL beyond its arity */
Tir *tir_random(TirFn *f, Op op, int site, Tir *const in[3], Axis *const *axes, int n_axes);
Tir *tir_rename(TirFn *f, Tir *a, Axis *const *from, Axis *const *to, int n);
Tir *tir_expand(TirFn *f, Tir *a, Axis *const *axes, int n); /* axes it already has: ignored */
/* Axes the operand lacks count as constant: SUM multiplies by their size (a scalar input for B: not
 * allowed, expand first), the others ignore them. */
Tir *tir_reduce(TirFn *f, Op op, Tir *a, Axis *const *over, int n);
Tir *tir_contract(TirFn *f, Tir *a, Tir *b, Axis *const *over, int n);
Tir *tir_element(TirFn *f, Tir *a, Axis *axis, int64_t at);         /* a slice, without its axis */
Tir *tir_gather(TirFn *f, Tir *a, Axis *axis, Tir *index);
/* y[.., k, ..] = sum over axes `over` of a * [index == k], k along the new axis `to`. */
Tir *tir_scatter(TirFn *f, Tir *a, Tir *index, Axis *const *over, int n, Axis *to);
Tir *tir_slice(TirFn *f, Tir *a, Axis *from, Axis *to, int64_t offset);
Tir *tir_pad(TirFn *f, Tir *a, Axis *from, Axis *to, int64_t offset);
/* Two axes as one, position i * size of b + j; and one as two. */
Tir *tir_flatten(TirFn *f, Tir *a, Axis *const *from, Axis *to);
Tir *tir_split(TirFn *f, Tir *a, Axis *from, Axis *const *to);
Tir *tir_cumsum(TirFn *f, Tir *a, Axis *axis, bool reverse);
Tir *tir_matrix(TirFn *f, Op op, Tir *a, Axis *rows, Axis *columns);
Tir *tir_trisolve(TirFn *f, Tir *L, Axis *rows, Axis *columns, bool trans, Tir *b, Axis *axis);
/* scan.c: a sequence. `step` has up to three inputs, vectors by the names of scan_inputs, and one
 * output, a vector at least as long as the state; all vectors have axes of constant size. */
enum { SCAN_STATE, SCAN_EACH, SCAN_FIXED };
extern const char *const scan_inputs[3];              /* "state" "each" "fixed" */
Tir *tir_scan(TirFn *f, TirFn *step, Axis *steps, bool reverse, Tir *const *in,
              Axis *const *vectors, Axis *result);
Axis *tir_scan_result(const TirFn *step);             /* the axis of its output */
int64_t tir_scan_size(const TirFn *step, int k);      /* of its input k; 0: it does not read it */
/* Values side by side in one vector; each has the axes given, beside those that all share. */
typedef struct ScanPart { Tir *value; int n_axes; Axis *axes[LIMIT_RANK]; } ScanPart;
int64_t scan_part_size(const ScanPart *p);
Tir *scan_pack(TirFn *f, const ScanPart *parts, Axis *vector);     /* parts: vec */
Tir *scan_unpack(TirFn *f, Tir *vector, Axis *axis, int64_t at, const ScanPart *like);
/* scan_lift.c: recursive equations as a SCAN, from the last step to the first where `reverse`. A
 * state stands in `next` as `past`, an input with the part's axes and those of its plates; before
 * the step taken first it is 0. What depends on a past state is computed step by step, and so is
 * what depends on `given`: inputs in the place of values. The values of all states at all steps go
 * to *values; NULL, or a value that no step can compute. */
typedef struct ScanState { Tir *past; ScanPart next; } ScanState;
typedef struct ScanGiven { Tir *input, *value; } ScanGiven;
const Tir *scan_lift(TirFn *f, Str name, Axis *steps, bool reverse, const ScanState *states,
                     const ScanGiven *given, Tir **values);
/* An expression in the syntax of ops.def, e.g. "g * (1 - y * y)", with names bound to values. */
Tir *tir_expr(TirFn *f, const char *text, const char *const *names, Tir *const *values, int n);
void tir_out(TirFn *f, OutKind kind, Str name, int index, Tir *value);
/* OUT_VALUE whose elements are to be stored with these axes, outermost first. */
void tir_out_layout(TirFn *f, Str name, int index, Tir *value, Axis *const *axes, int n);
Tir *tir_label(Tir *v, Str label, Span span);                      /* keeps an earlier label */

bool tir_has_axis(const Tir *v, const Axis *a);
/* All values the outputs need, operands first. */
Tir **tir_order(const TirFn *f);                                   /* vec */

/* ---- print.c read.c verify.c ----------------------------------------------------------------- */
void   tir_print(Out *o, const TirFn *f);
TirFn *tir_read(Ctx *c, const char *text);            /* NULL after an error on c->err */
void   tir_verify(const TirFn *f);                    /* ice() on the first broken rule */

/* ---- passes: each returns a new fn (axes shared), leaving its input alone -------------------- */
/* grad.c: adds the derivatives of sum_k seed_k * term_k, where seeds[k] is a scalar value for term
 * or surrogate output k (NULL: zero): OUT_GRAD by each INPUT_PARAM value of the graph, and
 * OUT_VALUE, after those that f has, by each of `given` (vec of INPUT_GIVEN, by name; in the graph
 * or not). Surrogates are gone after it. */
TirFn *tir_grad(Ctx *c, const TirFn *f, Tir *const *seeds, Tir *const *given);
/* simplify.c: algebra, constant folding, stable forms, dead code, contractions from sums of
 * products. */
TirFn *tir_simplify(Ctx *c, const TirFn *f);
/* Value of a MAP op at three (or fewer) numbers; NAN where the compiler cannot tell. */
double tir_fold(Op op, const double *x);

#endif
