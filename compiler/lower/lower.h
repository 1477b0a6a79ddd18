/* lower.h - from mathematics to tensors: queries of a Derivation become functions of the tensor IR.
 *
 * The lowering is an interpreter of typed AST expressions whose values are tensors (Val). An index
 * of a plate, of the samples or of a binder is an *implicit* axis of a value: it is on its Tir and
 * broadcasts by itself. Array and event axes are *explicit*: listed in Val.axes in order, and
 * aligned by position from the last. `x[n]` thus turns an explicit axis into an implicit one, and a
 * reduction over a binder removes an implicit one.
 */
#ifndef DGMC_LOWER_H
#define DGMC_LOWER_H

#include "../derive/objective.h"
#include "../tensor/tir.h"

/* ---- what the driver gets -------------------------------------------------------------------- */

typedef enum { INIT_CONST, INIT_UNIFORM, INIT_NORMAL } InitKind;

/* A trainable tensor as stored: on the unconstrained scale. */
typedef struct LowParam {
    Str name;                          /* "decoder.dense_1.W" */
    int rank;
    int64_t shape[LIMIT_RANK];
    Axis *axes[LIMIT_RANK];            /* of the fn being lowered */
    TirFn *axes_of;                    /* that fn */
    InitKind init;
    double a, b;
    Str support;
    Span span;
    bool average;                      /* it follows an average: see dgm_average of the runtime */
    Str latent;                        /* that the step draws by it (the first), or NULL */
} LowParam;

typedef struct LowResult {             /* an OUT_VALUE of a program */
    Str name;
    bool rows, samples;
    int rank;
    int64_t shape[LIMIT_RANK];
    Elem elem;
} LowResult;

typedef struct LowProgram {
    Str name;                          /* "step", "eval", "weight", ... */
    TirFn *fn;                         /* NULL: the query is absent */
    Str absent;
    LowResult *results;                /* vec; of a gradient by what is given, those come last */
    const Query *query;                /* what it answers; NULL: no terms */
    Tir **given;                       /* vec: inputs of fn, in order of query->given; then .. */
    Str once;                          /* .. the results of this program of the data, or NULL */
} LowProgram;

/* A latent or parameter as the log_prob programs take it, and how many free numbers it has. */
typedef struct LowGiven {
    Str name;
    bool rows;
    bool of_data;                      /* its outermost plate draws data */
    int rank;
    int64_t shape[LIMIT_RANK], free_count;            /* of a row */
    Str support;
    Centring centring;
    Span span;
} LowGiven;

typedef struct Lowered {
    LowParam **params;                 /* vec, in order of first use */
    LowGiven *givens;                  /* vec, in order of declaration */
    LowProgram *programs;              /* vec: step (no gradient yet), eval (step, that stays so),
                                          then the other queries */
} Lowered;

/* requires: a verified derivation; library is the FILE of lang/std, file the user's. NULL after
 * errors (sizes unbound, expressions that later stages cannot compute). */
Lowered *lower(Ctx *c, const Derivation *d, const Ast *file, const Ast *library);
/* Has p a gradient? Then its seeds of reverse mode, one scalar per term output of p->fn: of step, d
 * objective per datum / d term k; of a log joint, the signs of its terms. */
bool lower_has_gradient(const LowProgram *p);
Tir **lower_seeds(Ctx *c, const LowProgram *p);
/* Axes of an input of a program beside the rows; returns how many. */
int lower_table_shape(const Tir *given, int64_t *shape, bool *rows);
LowProgram *lowered_program(const Lowered *l, const char *name);
/* once.c: takes what depends on the data alone out of main and puts it into *once, whose results
 * main is then given; false: there is nothing of the kind. */
bool lower_once(Ctx *c, LowProgram *main, LowProgram *once);
void lowered_print(Out *o, const Lowered *l);
void lowered_verify(const Lowered *l);

/* ---- between the lower_*.c files ------------------------------------------------------------- */

typedef enum { VAL_TENSOR, VAL_DIST, VAL_RECORD } ValKind;

typedef struct Env Env;
typedef struct Val {
    ValKind kind;
    Tir *t;                            /* TENSOR */
    int n_axes;
    Axis *axes[LIMIT_RANK];            /* TENSOR: explicit axes, outermost first */
    Axis *index_of;                    /* TENSOR: it is the position along this axis, and .. */
    int64_t first;                     /* .. this number more; 0: the plain position */
    const Ast *law;                    /* DIST: DISTRIBUTION or ALSO */
    Env *args;                         /* DIST: its parameters; RECORD: its fields */
} Val;

/* Names in scope, innermost first: a value, a value still to be computed, or a function. */
struct Env {
    Str name;
    Val *val;                          /* NULL until a LET is asked for */
    const Ast *node;                   /* LET's DECLNAME statement, or FUNCTION */
    Env *scope;                        /* where node is to be evaluated */
    Env *up;
};

typedef struct ActivePlate { Plate *plate; Axis *axis; } ActivePlate;

/* Discrete latents of one sequence whose paths are summed together: states.c. */
enum { LIMIT_MEMORY = 3 };             /* steps back that the law of a state may look */

typedef struct Chain {
    Var *v;
    int memory;                        /* how many steps back it is read */
    Axis *axis[LIMIT_MEMORY + 1];      /* of its states now, one step before, .. */
    Val *state[LIMIT_MEMORY + 1];      /* in which the step is being evaluated */
} Chain;

typedef struct Chains {
    struct Chains *up;                 /* of a sequence around */
    Chain *each;                       /* vec */
    bool probing;                      /* how far back are they read? */
    bool starts;                       /* the first steps differ: previous(z, init) was read */
    int step;                          /* being evaluated: 0, 1, ..; LIMIT_MEMORY: a later one */
} Chains;

/* Of what is drawn by strata: the axis of its components, and their weights, which have it. */
typedef struct Strata { Axis *axis; Tir *weight; } Strata;

typedef struct Lower {
    Ctx *c;
    const Derivation *d;
    const Query *query;                /* being lowered */
    Map *decls;                    /* Str -> DISTRIBUTION, LAYER, SUPPORT, FUNCTION at file level */
    Map *nets;                         /* Str -> NET of the model and family */
    LowParam **params;                 /* vec */
    /* of the fn being lowered */
    TirFn *f;
    Map *values;                       /* Var -> Val */
    Map *equations;                    /* Var -> Bind: of values of a sequence by earlier ones */
    Map *axes;                         /* interned key -> Axis */
    Axis *samples;                     /* NULL until a draw needs it */
    Tir **draws;                       /* vec: what was drawn */
    Strata *strata;                    /* vec */
    ActivePlate *active;               /* vec: plates around the expression, outermost first */
    Axis **open;                       /* vec: binder axes being evaluated under */
    struct Recursion *recursion;       /* whose equations are being evaluated, or NULL */
    Map *recursion_known;              /* Var -> Val: lets that are known at all steps */
    int errors;                        /* reported before it began */
    struct Chains *chains;             /* whose paths are being summed, or NULL */
    /* of the draw being lowered */
    Axis *draw_axes[LIMIT_RANK]; int n_draw, n_draw_event; int draw_site, draw_sub;
    /* of the net being applied */
    Str prefix; Map *counters;
    int depth;
    Span at;                           /* nearest source place, for errors and labels */
} Lower;

/* value.c */
Val *val_tensor(Lower *L, Tir *t, Axis *const *axes, int n);
Val *val_const(Lower *L, double x);
Val *val_map(Lower *L, Op op, Val *a, Val *b, Val *c);             /* aligns explicit axes */
Val *val_op1(Lower *L, Op op, Val *a);
Val *val_op2(Lower *L, Op op, Val *a, Val *b);
Val *val_select(Lower *L, Val *condition, Val *yes, Val *no);
Val *val_sum_all(Lower *L, Val *v);                                /* over its explicit axes */
/* Removes explicit axis `position` by taking the element at i. */
Val *val_at(Lower *L, Val *v, int position, Val *i);
/* A vector of n elements along a new axis, which `key` names. */
Val *val_stack(Lower *L, Str key, Val *const *elements, size_t n);
Val *val_rename(Lower *L, const Val *v, Axis *const *to);          /* explicit axes to these */
Tir *element_of(Lower *L, Tir *t, Axis *axis, int64_t i);          /* t, of axis, at i */
Axis *axis_keyed(Lower *L, Str key, AxisKind kind, Str name, int64_t size);
Env *env_bind(Lower *L, Env *up, Str name, Val *val);
Env *env_later(Lower *L, Env *up, Str name, const Ast *node);
Env *env_find(Env *e, Str name, bool function);

/* number.c */
Op   op_of_operator(Str text, int operands);                       /* N_OPS: none */
bool op_named(Str name, OpKind kind, Op *op);
bool constant_value(const Ast *name, double *x);      /* pi, unless a model declares it */
bool argument_value(Lower *L, Str name, double *x);                /* of an argument of the model */
bool eval_number(Lower *L, Env *env, const Ast *e, double *x);     /* false: not known now */
int64_t eval_size(Lower *L, Env *env, const Ast *e);               /* constant, or an error and 1 */

/* expr.c */
Val *eval(Lower *L, Env *env, const Ast *e);
Env *eval_statements(Lower *L, Env *env, const Ast *block, Val **last);
Val *eval_matmul(Lower *L, Val *a, Val *b);     /* last axis of a with first of b */
Val *eval_builtin(Lower *L, Str name, Val **a, size_t n, const Ast *e);      /* builtin.c */

/* reduce.c */
Val *eval_let(Lower *L, Env *env, const Ast *let);    /* value of a LET, binders opened */
Val *eval_reduce(Lower *L, Env *env, const Ast *e);
Tir *reduce_over(Lower *L, Str name, Tir *t, const Val *mask, Axis *const *over, int n);
/* Opens a plate within those around: returns what L->active was. */
ActivePlate *lower_enter(Lower *L, Plate *plate, Axis *axis);

/* states.c: functions that derive/sum_out.c writes */
Val *eval_sum_states(Lower *L, Env *env, const Ast *call);
bool is_chain(const Lower *L, const Var *v);          /* whose paths are being summed */
/* Is v such a chain? *before: its state that many steps back, NULL before the first; there it has
 * another value, `init`, or is never used. */
bool chain_before(Lower *L, const Var *v, int64_t lag, bool init, Span at, Val **before);

/* picked.c: a function that derive/picked.c writes */
Val *eval_sum_picked(Lower *L, Env *env, const Ast *call);

/* lower.c. d may be NULL: expressions of the library alone. lower_begin starts a fn. */
Lower lower_open(Ctx *c, const Derivation *d, const Ast *file, const Ast *library);
void lower_begin(Lower *L, Str name);
/* The expression of a term, summed over its events, arrays and the constant plates that are not
 * among `keep` (a vec); rows and draws remain. lower_total: a scalar, the sum over rows and the
 * mean over draws. Both leave the term's plates active. */
Tir *lower_density(Lower *L, const Term *term, const ActivePlate *keep);
Tir *lower_total(Lower *L, const Term *term);
Axis *lower_row_axis(const Tir *t);                   /* NULL: it has none */
/* An error: the checker accepts `what`, lowering has no rule for it. */
void not_lowered(Lower *L, Span at, const char *what);

/* vars.c */
Axis *lower_plate_axis(Lower *L, const Plate *p);
ActivePlate *lower_plates(Lower *L, Plate *plate);    /* vec: from the top down to `plate` */
void enter_plate(Lower *L, Plate *plate);             /* makes exactly these the active ones */
bool plate_is_among(const ActivePlate *active, const Plate *p);
int lower_type_axes(Lower *L, const Var *v, Axis **axes);      /* explicit axes of v; how many */
/* The value of a variable in the present query. Of the plates it stands in, those around the
 * expression stay implicit; the others become explicit leading axes: outside its plate a name is an
 * array over it. */
Val *var_value(Lower *L, Var *v);
Val *lower_bound(Lower *L, const Bind *b);                         /* lower.c */
Val *let_plain(Lower *L, const Var *v);               /* evaluated in its plates, not remembered */
Tir *given_input(Lower *L, Var *v);                   /* its value comes from outside */

/* dist.c. Batch axes: those of a value before the `rank` ones that its type declares. */
Val *eval_dist(Lower *L, Env *env, const Ast *call, const Ast *law);
bool is_dist_builtin(Str name);
Val *eval_dist_builtin(Lower *L, Env *env, const Ast *call);
Val *eval_random(Lower *L, Env *env, Op op, const Ast *call);
Val *dist_draw(Lower *L, Val *dist, Axis *const *implicit, int n_implicit, Axis *const *axes, int n,
               int site);
Val *dist_logpdf(Lower *L, Val *dist, Val *x);
/* dist with the batch axes of it and of a value x together made implicit. */
Val *dist_for(Lower *L, const Val *dist, const Val *x, int rank, Axis **batch, int *n_batch);
Val *dist_as(Lower *L, const Val *dist, const Ast *holder);    /* by the parameters of its base */
Val *dist_member(Lower *L, const Val *dist, const char *name, Val *x);     /* NULL: not stated */
Val *dist_not_stated(Lower *L, const Ast *law, const char *member, const char *form);  /* error */
Val *hide_batch(Lower *L, const Val *v, int rank, Axis *const *batch, int n_batch);
Val *show_batch(Lower *L, Val *v, Axis *const *batch, int n_batch);

/* mass.c */
Val *dist_cdf(Lower *L, Val *dist, Val *x);           /* over the batch axes of both */
Val *dist_log_mass(Lower *L, Env *env, Val *dist, const Ast *call);
Val *dist_inside(Lower *L, Env *env, Val *dist, const Ast *call);
Val *val_before(Lower *L, Val *x);                     /* the largest whole number below x */

Val *call_function(Lower *L, Env *scope, const Ast *fn, Val **args, size_t n);       /* inlined */
Val *eval_ode(Lower *L, Env *env, const Ast *call);   /* ode.c: the state at all times */

/* simulate.c: functions that derive/simulate.c writes */
Val *eval_quantile(Lower *L, Env *env, const Ast *call);
Val *eval_sorted(Lower *L, Env *env, const Ast *call);
Val *eval_centred(Lower *L, Env *env, const Ast *call);
Val *eval_multinomial(Lower *L, Env *env, const Ast *call);
Val *eval_placed(Lower *L, Env *env, const Ast *call);
Val *eval_summary(Lower *L, Env *env, const Ast *call);        /* marginal(z[i]), mode(z) */

/* surrogate.c */
void lower_surrogates(Lower *L, const Query *q);
void lower_drawn_by(Lower *L, const Tir *draw, Str latent);    /* marks the parameters it reads */
Val *eval_terms(Lower *L, Env *env, const Ast *call);

/* draws.c: functions of draws that the derivation writes */
Val *eval_others(Lower *L, Env *env, const Ast *call);
Val *eval_weights(Lower *L, Env *env, const Ast *call);
Val *eval_sum_draws(Lower *L, Env *env, const Ast *call);
Val *eval_hold(Lower *L, Env *env, const Ast *call);
Val *eval_shaped(Lower *L, Env *env, const Ast *call);

/* scan.c */
Axis *active_axis(const Lower *L, const Plate *p);      /* of a plate around, or NULL */
Val *eval_previous(Lower *L, Env *env, const Ast *call);
/* x[e] inside the scan of x, at step e; further indices are left. Not handled: no such INDEX. */
Val *eval_step(Lower *L, Env *env, const Ast *index, bool *handled);
Val *let_of_sequence(Lower *L, Var *v);
/* The value of state s before a step: over `outer`, the steps and `event`, which are explicit (and
 * may be among `outer`); and what it is after the step. */
Val *scan_past(Lower *L, ScanState *s, const char *name, Axis *steps, Axis *const *outer,
               int n_outer, Axis *const *event, int n_event);
void scan_next(Lower *L, ScanState *s, const Val *v);

/* support.c */
const Ast *type_support(const Lower *L, const Type *type);
/* array axes, then those of the support's unconstrained form; returns how many */
int  free_shape(Lower *L, const Type *type, int64_t *shape);
bool free_number(Lower *L, const Type *type, double x, double *free);        /* of x */
Val *support_apply(Lower *L, const char *member, const Type *type, Val *u);

Val *lower_stage(Lower *L, Env *env, const Ast *stage, Val *x);    /* net.c */
Val *lower_inner(Lower *L, const Ast *stage, Val *v); /* of a chain: named after stage */
Val *call_net(Lower *L, Env *env, const Ast *net, Val **args, size_t n);
Val *param_value(Lower *L, Env *env, Str name, const Type *type, const Ast *type_node,
                 const Ast *declname, const Ast *init, Span span);

#endif
