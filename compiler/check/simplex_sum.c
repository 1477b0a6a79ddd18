/* simplex_sum.c - lists of probabilities that cannot sum to 1: [0.9, 0.2], [p * q, p * (1 - q), p].
 *
 * Idea: a sum of polynomials (and quotients) in variables that vary freely is 1 for all values, or
 * for almost none (Schwartz 1980, "Fast probabilistic algorithms for verification of polynomial
 * identities"). So one point decides, at which no variable is a number that stands in a program.
 * Free are latents and parameters that are numbers; a list with anything else in it passes.
 */
#include "check.h"

#include <math.h>
#include <string.h>

enum { MAX_DEPTH = 32, MAX_VARIABLES = 16 };
static const double MAX_ROUNDING = 1e-6;                     /* of [0.333333, 0.333333, 0.333334] */
static const double GOLDEN = 0.6180339887498949;

typedef struct Point {
    Check *s;
    size_t n;
    Str name[MAX_VARIABLES];
    double at[MAX_VARIABLES];
} Point;

/* Within r, another number for each k. */
static double number_within(Range r, size_t k)
{
    double u = fmod((double)(k + 1) * GOLDEN, 1);
    if (isfinite(r.lo)) return isfinite(r.hi) ? r.lo + u * (r.hi - r.lo) : r.lo + u;
    return isfinite(r.hi) ? r.hi - u : u;
}

/* A number that is drawn or trained, free of all others. */
static bool varies_freely(const Ast *e)
{
    const Ast *base = e->kind == AST_INDEX ? e->kids[INDEX_BASE] : e;
    if (base->kind != AST_NAME || !base->decl || base->decl->kind != AST_DECLNAME) return false;
    const Ast *st = base->decl->decl;
    const Type *t = base->decl->type;
    bool drawn = st && st->kind == AST_LATENT && st->num != 1
              && !(st->kids[LATENT_LAW] && st->kids[LATENT_LAW]->kind == AST_CALL
                   && !strcmp(st->kids[LATENT_LAW]->name, "delta"));
    return (drawn || (st && st->kind == AST_PARAM)) && is_scalar(e->type)
        && t && t->kind == KIND_VALUE && !t->core && e->type->elem == ELEM_REAL;
}

static double variable_at(Point *p, const Ast *e)
{
    Str name = fmt_expr(p->s->c, e);
    size_t k = 0;
    if (!varies_freely(e)) return NAN;
    while (k < p->n && p->name[k] != name) k++;
    if (k == MAX_VARIABLES) return NAN;
    if (k == p->n) {
        p->name[p->n] = name;
        p->at[p->n++] = number_within(e->type->range, k);
    }
    return p->at[k];
}

/* What stands for the name of a `let` without indices, or NULL. */
static const Ast *let_value(const Ast *e)
{
    if (e->kind != AST_NAME || !e->decl || e->decl->kind != AST_DECLNAME) return NULL;
    const Ast *st = e->decl->decl;
    return st && st->kind == AST_LET && !vec_len(e->decl->kids) ? st->kids[LET_VALUE] : NULL;
}

static double value_at(Point *p, const Ast *e, int depth);

static double operation_at(Point *p, const Ast *e, int depth)
{
    double a = value_at(p, e->kids[BINARY_A], depth), b = value_at(p, e->kids[BINARY_B], depth);
    switch (e->name[0]) {
    case '+': return a + b;
    case '-': return a - b;
    case '*': return a * b;
    case '/': return a / b;
    case '^': return e->kids[BINARY_B]->kind == AST_NUM ? pow(a, b) : NAN;
    }
    return NAN;
}

/* e at the point; NaN where it is more than a quotient of polynomials in free variables. */
static double value_at(Point *p, const Ast *e, int depth)
{
    const Ast *named = let_value(e);
    if (depth == MAX_DEPTH || !e->type || is_bad(e->type)) return NAN;
    if (named) return value_at(p, named, depth + 1);
    if (is_scalar(e->type) && e->type->range.lo == e->type->range.hi) return e->type->range.lo;
    if (e->kind == AST_UNARY && !strcmp(e->name, "-"))
        return -value_at(p, e->kids[UNARY_A], depth + 1);
    if (e->kind == AST_BINARY && !e->name[1]) return operation_at(p, e, depth + 1);
    return variable_at(p, e);
}

bool check_simplex_sum(Check *s, const Ast *value, Str of, Str param)
{
    Point p = { .s = s };
    Str where = str(s->c, "");
    double sum = 0;
    if (value->kind != AST_VECTOR) return true;
    for (size_t i = 0; i < vec_len(value->kids); i++) sum += value_at(&p, value->kids[i], 0);
    if (!isfinite(sum) || fabs(sum - 1) < MAX_ROUNDING) return true;
    Str list = fmt_expr(s->c, value);
    diag_error(s->c, E_SIMPLEX_SUM, value->span, list, param, of, sum);
    if (!p.n) diag_help(s->c, "normalise it: `%s / sum(%s)`", list, list);
    for (size_t k = 0; k < p.n; k++)
        where = str_fmt(s->c, "%s%s`%s` is %.4g", where, k == 0 ? "" : k + 1 < p.n ? ", " : " and ",
                        p.name[k], p.at[k]);
    if (p.n) diag_help(s->c, "that is where %s; shares of a whole sum to 1 everywhere", where);
    return false;
}
