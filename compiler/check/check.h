/* check.h - inside the checker: its state, and what its files offer each other.
 *
 * Two walks. resolve*.c finds declarations (Ast.decl) and binds size names. infer*.c types: models
 * once, in order; bodies of functions, nets and layers once for each kind of arguments, in a Frame
 * that gives types to their arguments and locals. A check that fails reports, and yields KIND_BAD,
 * which every rule lets pass in silence.
 */
#ifndef DGMC_CHECK_H
#define DGMC_CHECK_H

#include "type.h"

/* ---- scope.c --------------------------------------------------------------------------------- */
typedef enum {
    SPACE_VALUE,                       /* variables, indices, arguments */
    SPACE_CALL,                        /* what stands before `(` or after `|>` */
    SPACE_TYPE,                        /* supports */
    SPACE_SIZE,                        /* sizes bound by axes */
    SPACE_LATER,                 /* values declared somewhere below: for previous(), and messages */
    N_SPACES
} Space;

typedef struct Scope Scope;
struct Scope {
    Scope *up;
    Map *names[N_SPACES];              /* Str -> declaration; NULL while empty */
    Str *list[N_SPACES];               /* vec: the same names, for suggestions */
    bool plate; /* of a `for` or `scan`: holds its index only, what is declared
                   inside belongs to the scope around it */
    bool scan;                         /* names are visible in their own definition */
    bool shadows;                      /* arguments of a function or net: any name may be reused */
};

/* Types of arguments and locals of one application of a function, net, layer or library body. */
typedef struct Frame {
    struct Frame *up;
    Map *types;                        /* declaration -> Type */
    Span call;                         /* where it was applied */
    Str what;                          /* "f", "dense" */
} Frame;

/* The plates a variable was declared in, outermost first: canonical BINDERs. */
typedef struct PlateList { Ast **binders; } PlateList;

typedef struct NotYet { Str what; Span at; } NotYet;

typedef struct Check {
    Ctx *c;
    Ast *file, *library;
    Scope *scope;                      /* resolve: innermost */
    Map *model_scopes;                 /* MODEL -> Scope at its end */
    Map *plates_of;                    /* DECLNAME -> PlateList */
    Ast **defining;                    /* resolve: vec of DECLNAMEs being defined */
    Ast *model;                        /* model being walked, of a family too */
    Ast *family;                       /* family being walked, or NULL */
    Frame *frame;                      /* innermost application, or NULL in a model */
    int depth;                         /* of applications */
    Ast **plates;                      /* vec: canonical BINDERs around the expression */
    Ast **guarded;                    /* vec: IFs around the expression; BINDERs under an `if` or
                                          `where` that compares them */
    Map *rigid;                        /* size NAMEs bound by data: never bound anew by a call */
    Map *guided;                       /* latent DECLNAME -> its place in the family */
    Ast **opened;                      /* vec: canonical BINDERs of the plates of the model */
    Map *observed;                     /* text of what was observed -> SITE */
    Map *scans;                        /* canonical BINDERs of scans */
    Map *local;                        /* FUNCTIONs declared inside a body */
    Map *applied;                      /* Str -> Type: results of applications */
    Map *busy;                         /* LETs being inferred -> Type that is assumed of them */
    Type *open;                        /* in its place of a LET whose expression stands for it */
    Map *assumed;                      /* LETs below -> Type that previous() gave them */
    Ast **later;                       /* vec: LETs below that were inferred when asked for */
    Type *initial;                     /* of the init of the previous() being inferred, or NULL */
    Map *shapes;                       /* SUPPORT -> Type of a value */
    Type *sample;                      /* event drawn by the SAMPLE body being typed, or NULL */
    NotYet *not_yet;                   /* vec: constructs that later stages do not implement */
} Check;

Scope *scope_open(Check *s);
void   scope_close(Check *s);
void   scope_put_in(Check *s, Scope *scope, Space space, Str name, Ast *decl);
void   scope_put(Check *s, Space space, Str name, Ast *decl);
Ast   *scope_here(const Scope *scope, Space space, Str name);
Ast   *scope_find(const Check *s, Space space, Str name);
Str    scope_nearest(Check *s, Str word, Space space);

/* ---- builtins.c: ops.def, builtins.def, fixits.def, supports.def as tables ------------------- */
typedef enum {
    RULE_MAP,                          /* row of ops.def: elementwise */
    RULE_REDUCE, RULE_ARGMAX, RULE_CONCAT, RULE_CUMSUM, RULE_CHOLESKY, RULE_DIAG, RULE_DIAGONAL,
    RULE_LOGDET, RULE_SOLVE, RULE_SQUARE, RULE_DRAW, RULE_LOGPDF, RULE_DIST_SCALAR, RULE_KL,
    RULE_FLAT, RULE_DELTA, RULE_TRUNCATE, RULE_PREVIOUS, RULE_MARGINAL, RULE_MODE, RULE_ODE,
    RULE_METHOD,
    RULE_OPAQUE                        /* named and counted only */
} BuiltinRule;

typedef struct Builtin {
    const char *name;
    BuiltinRule rule;
    int min, max;                      /* positional arguments */
    const char *keys;                  /* named arguments, separated by blanks */
    bool available;                    /* later stages implement it */
    bool reduces;                      /* also name[k in K](e) */
    const char *doc;
    Range range;
} Builtin;

typedef struct SupportRow {
    const char *name;
    Elem elem;
    Range range;
    int core;                         /* event axes it needs: 0 number, 1 vector, 2 square matrix */
    int bounds_min, bounds_max;        /* arguments in parentheses */
    const char *doc;
} SupportRow;

const Builtin *builtin_find(Ctx *c, Str name, size_t n_args);
Str *builtin_names(Ctx *c, Space space, Str *list);
const SupportRow *support_row(Str name);
typedef struct FamilyLaw { const char *name; int min, max; const char *doc; } FamilyLaw;
const FamilyLaw *family_law(Str name);
const char *fixit(Str word);           /* how a name of another system is written here, or NULL */

/* ---- range.c --------------------------------------------------------------------------------- */
Range range_real(void);
Range range_from(double lo, double hi);
Range range_open(double lo, double hi);
Range range_point(double v);
bool  range_inside(Range a, Range b);  /* a within the closure of b */
bool  range_apart(Range a, Range b);   /* no number in common */
Range range_union(Range a, Range b);
Range range_meet(Range a, Range b);
Range range_negate(Range a);
Range range_binary(const char *op, Range a, Range b);
Range range_map(Str op, const Range *x, size_t n, Range otherwise);
const char *range_name(Range r);

/* ---- weights.c: bounds of weighted means, or `otherwise` ------------------------------------- */
Range range_mixture(Check *s, Ast *a, Ast *b, Range otherwise);      /* of a + b */
Range range_product(Check *s, Ast *a, Ast *b, Range otherwise);      /* of a * b */
Range range_weighted(Check *s, Ast *e, const Ast *binder, Range otherwise);  /* of a sum of e */
Range range_inner(const Type *a, const Type *b, Range otherwise);    /* of a @ b */

/* ---- simplex_sum.c --------------------------------------------------------------------------- */
/* An error for a list that cannot sum to 1, given for the simplex `param` of `of`. */
bool check_simplex_sum(Check *s, const Ast *value, Str of, Str param);

/* ---- data_values.c --------------------------------------------------------------------------- */
/* A size that follows from data, `max(g) + 1`, gets its value where their file is known. */
void define_from_values(Check *s, Ast *e, Size *size);
/* The largest value of the data that e reads, n[j]; NULL: it is not known. */
Size *largest_value(Check *s, const Ast *e);

/* ---- shares.c: bounds of a / b where a is a part of b, or `otherwise` ----------------------- */
Range range_share(Check *s, Ast *a, Ast *b, Range otherwise);

/* ---- type.c ---------------------------------------------------------------------------------- */
Type *type_new(Check *s, TypeKind kind);
Type *type_bad(Check *s);
Type *type_value(Check *s, Elem elem, Range range, Size **event);
Type *type_real(Check *s, Size **event);
Type *type_dist(Check *s, Type *of);
Type *type_copy(Check *s, const Type *t);
Type *type_flat(Check *s, const Type *t);             /* array axes become event axes */
Type *type_strip(Check *s, const Type *t); /* a computed value of this shape: no support, no size */
bool  is_bad(const Type *t);
bool  is_scalar(const Type *t);
Size **sizes_from(Check *s, Size **from, size_t first, size_t n);
Size **sizes_join(Check *s, Size **a, Size **b);
bool  sizes_agree(Check *s, Size *a, Size *b);        /* as far as can be known now */
bool  axes_agree(Check *s, Size **a, Size **b);
Str   support_text(Check *s, const Type *t);          /* "positive", "index(K)", "simplex" */
Str   axes_text(Check *s, Size **axes);               /* "K, D" */

/* ---- resolve.c, resolve_model.c, names.c ----------------------------------------------------- */
void resolve(Check *s);
void resolve_expr(Check *s, Ast *e);
void resolve_law(Check *s, Ast *e);                   /* where a law is expected */
void resolve_stage(Check *s, Ast *e);                 /* right of |> */
void resolve_list(Check *s, Ast *list);
void resolve_type(Check *s, Ast *type);
void resolve_binder(Check *s, Ast *binder);           /* leaves its name in the scope */
void resolve_args(Check *s, Ast *list);               /* ARGDECLs, declared into the scope */
void resolve_statement(Check *s, Ast *st);            /* of a model, family or block */
void resolve_function(Check *s, Ast *f);             /* FUNCTION NET FLOW, declared by the caller */
void resolve_model(Check *s, Ast *model);
void resolve_family(Check *s, Ast *family);
void resolve_train(Check *s, Ast *train);
void resolve_distribution(Check *s, Ast *dist);       /* resolve_library.c */
void resolve_layer(Check *s, Ast *layer);
void resolve_support(Check *s, Ast *support);
/* with the test for duplicates */
void declare(Check *s, Space space, Str name, Ast *decl, Span at);
Ast *size_bound_by(Ast *axis);                        /* K, or the K of K - 1 */
void bind_axes(Check *s, Ast *list);                  /* NAMEs in a LIST of sizes become sizes */
void unknown_value(Check *s, Ast *name);              /* names.c: the messages */
void unknown_call(Check *s, Span at, Str name);
void unknown_size(Check *s, Ast *name);
void unknown_type(Check *s, Ast *type);
size_t list_len(const Ast *list);                     /* of a LIST or BLOCK, or NULL: 0 */
Ast  *find_item(const Check *s, AstKind kind, Str name);   /* MODEL or FAMILY of the file */
Span  name_span(const Ast *decl);                     /* where the declaration is best shown */

/* ---- infer.c and its parts ------------------------------------------------------------------- */
Type *infer(Check *s, Ast *e);                        /* any expression; sets e->type */
Type *infer_value(Check *s, Ast *e);                  /* number or array: else an error and BAD */
Type *infer_element(Check *s, Ast *e);                /* a value without array axes */
Type *as_value(Check *s, Ast *e, Type *t);           /* the same tests on a type already inferred */
Type *as_element(Check *s, Ast *e, Type *t);
Size *as_size(Check *s, Ast *e, Type *t);
/* a distribution for a variable of this type, or NULL */
Type *infer_law(Check *s, Ast *e, const Type *event);
Size *infer_count(Check *s, Ast *e);        /* of at least 1 */
Size *infer_size(Check *s, Ast *e);          /* an expression that stands for a size; NULL: error */
Type *infer_index(Check *s, Ast *e);                  /* index.c: INDEX */
Type *infer_slice(Check *s, Ast *e, bool open_end);
/* positions.c: data that an index reads are positions of the axis, which the trainer checks. */
void note_position(Check *s, const Ast *base, const Ast *index, Size *axis);
/* Data that are the end of a loop over `axis` are at most its size. */
void note_length(Check *s, const Ast *end, Size *axis, Str of);
/* Likewise, that the discrete law draws them. False: lhs is no data, or some may not count. */
bool note_drawn(Check *s, const Ast *lhs, const Ast *law, const Type *of);
Type *infer_binder(Check *s, Ast *binder);            /* sets its type; returns it */
Size *binder_size(Check *s, Ast *binder); /* after infer_binder: its number of positions, or NULL */
Type *infer_call(Check *s, Ast *e, const Type *event);/* call.c */
Type *builtin_stage(Check *s, Type *input, Ast *from, Ast *stage);
Type *infer_reduce(Check *s, Ast *e);
Type *infer_pipe(Check *s, Ast *e, const Type *event);/* apply.c */
Type *apply_stage(Check *s, Type *input, Ast *stage, Ast *at);
Type *apply_function(Check *s, Ast *f, Type **args, size_t n, Ast *at);
Type *infer_blockexpr(Check *s, Ast *e, const Type *event);
Type *type_of_decl(Check *s, Ast *decl);
void  set_type(Check *s, Ast *decl, Type *t);
/* recursion.c: lets that read their own past */
Type *infer_own_past(Check *s, Ast *name, Size **axes, Ast *value);
Type *later_type(Check *s, Ast *decl);                /* of a LET below, read through previous() */
bool  check_assumed(Check *s, Ast *name, const Type *own);
Type *infer_previous_argument(Check *s, Ast *call, size_t i);
Type *with_axes(Check *s, Type *own, Size **axes);    /* model.c: axes before those of its own */
Size **plate_sizes(Check *s);                         /* of the plates around */
bool  name_axes(Check *s, Ast *name, Size ***axes);   /* those written on it; false: an error */
void  note_plates(Check *s, Ast *name);               /* it is declared in the plates around */
Type *type_from_ast(Check *s, Ast *type);             /* declared.c: a written TYPE, checked */
/* ways.c: a parameterization as a call sees it */
typedef struct Way { Ast *node; Ast **formals; } Way;
Way  *ways_of(Check *s, Ast *dist);                   /* vec */
Way  *choose_way(Check *s, Ast *call, Ast *dist, Way *ways);        /* NULL after an error */
bool  check_labels(Check *s, Ast *call, Ast *dist, Way *ways, const Way *way);
bool  known_anywhere(Way *ways, Str name, Ast **formal);
bool  bind_pattern(Check *s, Ast *pattern, Ast *dist);
Type *infer_dist_call(Check *s, Ast *call, const Type *event);      /* dist.c */
Type *bind_formal(Check *s, Ast *formal, const Type *actual, Ast *at, Str of, Size ***batch);
Str   fmt_type(Check *s, Ast *type);
/* site.c */
bool  check_site_law(Check *s, const Type *var, Ast *lhs, Ast *law, const Type *t, AstKind kind);
void  check_family_site(Check *s, Ast *site);
void  check_models(Check *s);                         /* model.c */
void  warn_unread_data(Check *s, Ast *model);         /* unread.c */
void  infer_block(Check *s, Ast *block);
void  infer_statement(Check *s, Ast *st);
void  check_family(Check *s, Ast *family);            /* family.c */
void  check_train(Check *s, Ast *train);              /* train.c */
void  check_library(Check *s, Ast *item);         /* library.c: distribution layer support bodies */
Type *support_shape(Check *s, Ast *support);
void  not_yet(Check *s, const char *what, Span at);
void  frame_push(Check *s, Span call, Str what);      /* frame.c */
void  frame_pop(Check *s);
Type *local_type(const Check *s, const Ast *decl);    /* in the frames around, or NULL */
Span  place(Check *s, Span at);                       /* where a person reads of an error at `at` */
void  called_from(Check *s, Span at);                 /* notes after an error inside a body */
Ast  *canonical(Ast *binder);

Type *infer_binary(Check *s, Ast *e);                 /* operators.c */
Type *infer_unary(Check *s, Ast *e);
bool  check_bit(Check *s, Ast *e, const Type *t, Str op);     /* an operand of `op` is 0 or 1 */
bool  broadcast(Check *s, Ast *at, Ast *ea, const Type *a, Ast *eb, const Type *b, Size ***event);
Type *type_union(Check *s, const Type *a, const Type *b, Size **event);

/* Reports and yields BAD, with the chain of calls that led here. */
#define FAIL(s, id, at, ...) \
    (diag_error((s)->c, id, place((s), at), ##__VA_ARGS__), called_from((s), at), type_bad(s))

#endif
