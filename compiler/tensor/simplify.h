/* simplify.h - shared by the files of the simplifier: smart constructors of the fn being built.
 *
 * simp_X builds what tir_X builds, but in the simplest form known. Operands are values of the new
 * fn, themselves simplified. Any of them may lack axes along which it is constant (EXPAND is never
 * built; simplify.c expands at the outputs, builders where an op needs the axis).
 */
#ifndef DGMC_SIMPLIFY_H
#define DGMC_SIMPLIFY_H

#include "tir_build.h"

typedef struct SimpRule {
    const char *name;
    Expr *pattern, *replacement;
} SimpRule;
extern const char *const simp_rule_text[][3];          /* name, pattern, replacement */
extern const int n_simp_rules;

typedef struct Simp {
    Ctx *c;
    TirFn *f;                          /* the new fn */
    SimpRule **rules[N_OPS];           /* vecs, by op at the root of the pattern, in table order */
    bool final;                        /* gradients exist: stop_gradient has done its work */
    int fuel;                          /* rewrites left for the value at hand */
} Simp;

/* simplify_axes.c: the same fn, with axes that renamings connect made one wherever they can be. */
TirFn *simp_axes(Ctx *c, const TirFn *f);

/* simplify_map.c */
void simp_read_rules(Simp *s);
Tir *simp_map(Simp *s, Op op, Tir *a, Tir *b, Tir *c);
Tir *simp_num(Simp *s, double value);
bool simp_positive(const Tir *v);                      /* by the form of its expression */
/* simplify_choice.c: v computed in the branches of a choice that it reads, or NULL. */
Tir *simp_choice(Simp *s, const Tir *v);

/* simplify_sum.c */
Tir *simp_sum(Simp *s, Tir *a, const AxisSet *over);
Tir *simp_logsumexp(Simp *s, Tir *a, const AxisSet *over);
Tir *simp_contract(Simp *s, Tir *a, Tir *b, const AxisSet *over);
/* log(v) where v is a sum of exponentials, a product or quotient with one, or elements of exp or
 * logistic; NULL if it is not. */
Tir *simp_log(Simp *s, Tir *v);

/* ---- simplify_parts.c -------------------------------------------------------------------- */
Tir *simp_slice(Simp *s, Tir *a, Axis *from, Axis *to, int64_t offset);
Tir *simp_split(Simp *s, Tir *a, Axis *from, Axis *const *to);
Tir *simp_flatten(Simp *s, Tir *a, Axis *const *from, Axis *to);
/* rename v of a; NULL: a is not put together of parts. */
Tir *simp_renamed_part(Simp *s, const Tir *v, Tir *a);

#endif
