/* type.h - element, shape and support of every expression; sizes as polynomials of names.
 *
 * A shape is array axes (must be indexed) followed by event axes (elementwise). Sizes are interned
 * polynomials with integer coefficients over size names: equal sizes are equal pointers.
 *
 * What check() leaves in the tree (Ast.decl, Ast.type):
 *   NAME     of a variable: its DECLNAME, whose own decl is the statement (DATA LATENT PARAM LET
 *            REPORT); of a plate or reduction index: its BINDER; of an argument: its ARGDECL; of a
 *            size: the NAME that bound it first (a data axis), or the ARGDECL or DECLNAME that
 *            holds it; in a distribution body also FACT; in kl(normal(m, s)): the NAME m itself;
 *            of a function passed on (`x |> tanh`, ode(rate, ..)): as for CALL
 *   CALL     FUNCTION NET LAYER FLOW DISTRIBUTION, or the ALSO that its arguments chose (whose own
 *            decl is its DISTRIBUTION); NULL: builtin (ops.def, builtins.def)
 *            in kl(normal(m, s)): the DISTRIBUTION or ALSO likewise
 *   ARG      of a distribution call: the ARGDECL (of the DISTRIBUTION or ALSO) that it fills
 *   TYPE     its SUPPORT, or NULL for real, bit, index, count, integer, size
 *   BINDER   that re-opens a plate: the BINDER that opened it first; else NULL. type: its index
 *   SITE     in a family: the DECLNAME of the latent; in a model: the DECLNAME of the data or let
 *   FAMILY, TRAIN  their MODEL; TRAIN_WITH: the FAMILY
 *   DECLNAME type: as seen from outside all plates (plates first among the array axes). A NAME
 *            has the type seen where it stands: the axes of the plates it stands in are gone.
 */
#ifndef DGMC_TYPE_H
#define DGMC_TYPE_H

#include "../syntax/ast.h"

/* ---- size.c ---------------------------------------------------------------------------------- */
typedef struct Size Size;
Size *size_const(Ctx *c, int64_t n);
Size *size_name(Ctx *c, Str name);
Size *size_add(Ctx *c, Size *a, Size *b);
Size *size_sub(Ctx *c, Size *a, Size *b);
Size *size_mul(Ctx *c, Size *a, Size *b);
Size *size_div(Ctx *c, Size *a, int64_t n);   /* exact when it divides; else kept as a floor term */
Size *size_pow(Ctx *c, Size *a, Size *b);             /* 2^A; a power of a sum is multiplied out */
Size *size_opaque(Ctx *c, const char *text);      /* a size known at load only, named by its text */
Str   size_text(Ctx *c, const Size *s);               /* "K - 1" */
bool  size_is_const(const Size *s, int64_t *value);   /* a number, whatever is defined */
/* Value under ctx->defines (arguments, -D, --data); false while a name is unbound (named in
 * *missing) or the value overflows (*missing NULL then). */
bool  size_value(Ctx *c, const Size *s, int64_t *value, Str *missing);
Str  *size_names(Ctx *c, const Size *s);              /* vec: the names in it */

/* ---- range.c: bounds of a number, as far as known -------------------------------------------- */
typedef struct Range {
    double lo, hi;
    bool lo_open, hi_open;             /* the bound itself excluded; only used to name supports */
} Range;

/* ---- type.c ---------------------------------------------------------------------------------- */
typedef enum { ELEM_REAL, ELEM_BIT, ELEM_INDEX, ELEM_COUNT, ELEM_INTEGER } Elem;

typedef enum {
    KIND_VALUE,                        /* number or array */
    KIND_DIST,                         /* distribution: `of` is its event */
    KIND_RECORD,                       /* names[], fields[] */
    KIND_FUNCTION,                     /* function, net, layer applied by a call or |> */
    KIND_SIZE,       /* formal type of `H : size`; a size used as a number is a VALUE with `size` */
    KIND_BAD                           /* after an error: silences what follows */
} TypeKind;

typedef struct Type Type;
/* Values of data, `by` added, are positions on `axis` of the array called `of` (or NULL). */
typedef struct Position { Size *axis; int64_t by; Str of; } Position;
/* A discrete law draws the values of data, `by` added: they must be of its type. */
typedef struct Drawn { const Type *of; int64_t by; } Drawn;

struct Type {
    TypeKind kind;
    Elem elem;
    Size *classes;                     /* index(K): K; count(K): K; else NULL */
    Size **array;                      /* vec: axes that must be indexed, outermost first */
    Size **event;                      /* vec: elementwise axes */
    Str support;                       /* "real", "positive", "simplex", "interval", ... */
    Ast **bounds;                      /* vec: arguments of the support, interval(0, 1 - a) */
    Ast *support_decl;                 /* its SUPPORT in lang/std/support */
    Type *of;                          /* KIND_DIST: the event */
    Str *names;                        /* vec: KIND_RECORD */
    Type **fields;                     /* vec: KIND_RECORD */
    int core;            /* trailing event axes that belong to the support: simplex 1, cholesky 2 */
    Range range;                       /* of every element */
    Size *size;                        /* value as a size (D, K - 1, 3), or NULL; of a word that is
                                          a law in a family, its argument */
    Position *positions;               /* vec: of data that are read as positions */
    Drawn *drawn;                      /* vec: of data that discrete laws draw */
    bool declared;                     /* the support was written in the spec, not computed */
    bool any_event;                    /* KIND_DIST: flat, delta(v): fits every variable */
    Ast *callable;                     /* KIND_FUNCTION: FUNCTION NET LAYER FLOW; NULL: builtin */
};

Str type_text(Ctx *c, const Type *t); /* "real[D]", "simplex[K]", "array[N] of bit[784]" */
bool type_same_shape(const Type *a, const Type *b);
bool support_is_counted(const char *name);   /* whole numbers: bit, index, count, integer */

/* ---- builtins.c ------------------------------------------------------------------------------ */
bool builtin_constant(Str name, double *value);       /* pi, e, .. of builtins.def */
int  support_core(Str name);         /* event axes it is made of, by supports.def: 2 is a square */

/* ---- law.c: a law is a DISTRIBUTION, or an ALSO: another parameterization of one ------------- */
/* By name, that of the file before that of the library; NULL: none. */
Ast *distribution_named(const Ast *file, const Ast *library, Str name);
const Ast *law_called(const Ast *call);               /* by a checked CALL; NULL: no distribution */
const Ast *law_base(const Ast *law);                  /* its DISTRIBUTION */
Ast *support_member(const Ast *support, const char *name);    /* a FUNCTION of a SUPPORT; NULL */
Ast **law_parameterizations(Ctx *c, Ast *distribution);       /* vec: it, then its ALSOs */
Ast **law_params(Ctx *c, const Ast *law);             /* vec: its ARGDECLs, in order of position */
Ast *law_param(Ast **params, const Ast *arg, size_t position); /* that an ARG fills, or NULL */
/* How many parameters a call leaves without value (*first of them), -1 if an argument has no
 * place. */
int  law_missing(Ctx *c, Ast **params, const Ast *call, Ast **first);
/* whose parameters a call gives, or NULL */
Ast *law_chosen(Ctx *c, Ast *distribution, const Ast *call);
/* A member, or NULL, also if law is NULL; *holder (may be NULL): the law, or its base, in whose
 * body it stands. */
Ast *law_member(const Ast *law, AstKind kind, const char *name, const Ast **holder);
/* The KL of q against p, as given or against p's base; *holder: q or its base. */
Ast *law_kl(const Ast *q, const Ast *p, const Ast **holder);
int  declared_rank(const Ast *type);                  /* event axes of a value of a checked TYPE */

/* check.c - the entry: names, sizes, types of the whole file, library included. Reports every error
 * it finds; returns false if there were any. After it, every NAME/CALL/TYPE has decl (NULL only for
 * builtins, see builtins.def) and every model-level expression has type.
 * Defaults of model arguments that are sizes become defines with source "default" (those of the
 * last model; check_model_defines puts another model's in their place). */
bool check(Ctx *c, Ast *file, Ast *library);
/* forecast.c: `predict y[T .. T + 12]` in terms of other predictions; before check. */
void rewrite_forecasts(Ctx *c, Ast *file);
/* conditions.c: arrays declared with a condition in terms of plates; before check. */
void rewrite_conditions(Ctx *c, Ast *file);
/* marginals.c: reports of a model of discrete latents alone. */
void report_marginals(Ctx *c, Ast *file);
/* cells.c: missing cells and ragged axes in terms of other data and a latent; before check. */
void rewrite_cells(Ctx *c, Ast *file);
/* lengths.c: loops up to lengths that data say, over arrays; before check. */
void rewrite_lengths(Ctx *c, Ast *file);
/* law_functions.c: calls of functions that are laws, in terms of these laws; before check. */
void rewrite_law_functions(Ctx *c, Ast *file, const Ast *library);
/* mixtures.c: calls of `mixture` in terms of distributions that it declares; before check. */
void rewrite_mixtures(Ctx *c, Ast *file, const Ast *library);
/* joint_latents.c: `latent (a, b) ~ d` as latents and a factor; before check. */
void rewrite_joint_latents(Ctx *c, Ast *file, const Ast *library);
/* states.c: missing cells of x, declared by `data`, that other statements read. */
void rewrite_states(Ctx *c, Ast *model, const Ast *data, const Ast *x);
/* Names that it gives: y_missing, y_absent, y_place, y_gaps of data y; L_max of lengths L. */
typedef enum { CELLS_VALUES, CELLS_ABSENT, CELLS_PLACE, CELLS_GAPS, CELLS_LONGEST } CellsName;
Str cells_name(Ctx *c, Str of, CellsName what);
double missing_sentinel(const Ast *data);      /* the number that stands for NA, or NaN */
void check_verify(Ctx *c, const Ast *file);           /* ice() if an annotation is missing */
void check_dump(Ctx *c, Out *o, const Ast *file);     /* --dump=types: declarations with types */

/* Once a model is chosen: its defaults become defines, in place of those of another. */
void check_model_defines(Ctx *c, const Ast *model);
/* Before a model is lowered: every size that shapes a parameter, a latent, an event or a layer has
 * a value. Plate sizes may stay unbound. Reports the others. */
bool check_sizes_bound(Ctx *c, Ast *file, Ast *model);

#endif
