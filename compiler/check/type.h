/* type.h - element, shape and support of every expression; sizes as polynomials of names.
 *
 * A shape is array axes (must be indexed) followed by event axes (elementwise). Sizes are interned
 * polynomials with integer coefficients over size names: equal sizes are equal pointers.
 */
#ifndef DGMC_TYPE_H
#define DGMC_TYPE_H

#include "../syntax/ast.h"

/* ---- size.c ------------------------------------------------------------------------------------ */
typedef struct Size Size;
Size *size_const(Ctx *c, int64_t n);
Size *size_name(Ctx *c, Str name);
Size *size_add(Ctx *c, Size *a, Size *b);
Size *size_sub(Ctx *c, Size *a, Size *b);
Size *size_mul(Ctx *c, Size *a, Size *b);
Size *size_div(Ctx *c, Size *a, int64_t n);           /* exact when it divides; else kept as a floor term */
Str   size_text(Ctx *c, const Size *s);               /* "K - 1" */
/* Value under ctx->defines (arguments, -D, --data); false while a name is unbound (named in *missing). */
bool  size_value(Ctx *c, const Size *s, int64_t *value, Str *missing);

/* ---- type.c ------------------------------------------------------------------------------------ */
typedef enum { ELEM_REAL, ELEM_BIT, ELEM_INDEX, ELEM_COUNT, ELEM_INTEGER } Elem;

typedef enum {
    KIND_VALUE,                        /* number or array */
    KIND_DIST,                         /* distribution: `of` is its event */
    KIND_RECORD,                       /* names[], fields[] */
    KIND_FUNCTION,                     /* function, net, layer applied by a call or |> */
    KIND_SIZE,                         /* a size used as a number: value type count */
    KIND_BAD                           /* after an error: silences what follows */
} TypeKind;

typedef struct Type Type;
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
};

Str  type_text(Ctx *c, const Type *t);                /* "real[D]", "simplex[K]", "array[N] of bit[784]" */
bool type_same_shape(const Type *a, const Type *b);

/* check.c - the entry: names, sizes, types of the whole file, library included. Reports every error
 * it finds; returns false if there were any. After it, every NAME/CALL/TYPE has decl (NULL only for
 * builtins, see builtins.def) and every model-level expression has type. */
bool check(Ctx *c, Ast *file, Ast *library);
void check_verify(Ctx *c, const Ast *file);           /* ice() if an annotation is missing */
void check_dump(Ctx *c, Out *o, const Ast *file);     /* --dump=types: declarations with types */

#endif
