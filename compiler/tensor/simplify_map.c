/* simplify_map.c - elementwise algebra: constant folding, the rows of simplify.def, products.
 *
 * Idea: simp_map builds op(a, b, c) and rewrites at the root until no row matches. A row is matched
 * as a tree against the graph with backtracking over the order of + and *; its replacement is built
 * through simp_map again. What rows cannot say because it depends on axes is code: products are
 * grouped so that factors with fewer axes are multiplied first, outside the loops of the others.
 *
 * requires:    simplified operands
 * establishes: a value equal to op(a, b, c) wherever that is defined, perhaps of fewer axes
 */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "simplify.h"

const char *const simp_rule_text[][3] = {
#define RULE(name, pattern, replacement) { #name, pattern, replacement },
#include "simplify.def"
#undef RULE
};
const int n_simp_rules = sizeof simp_rule_text / sizeof *simp_rule_text;

void simp_read_rules(Simp *s)
{
    for (int i = 0; i < n_simp_rules; i++) {
        SimpRule *r = arena_alloc(s->c->arena, sizeof *r);
        *r = (SimpRule){ simp_rule_text[i][0], expr_parse(s->c, simp_rule_text[i][1]),
                         expr_parse(s->c, simp_rule_text[i][2]) };
        if (r->pattern->kind != EXPR_CALL)
            ice("rule %s: the pattern is no operation", r->name);
        vec_push(s->c, s->rules[r->pattern->op], r);
    }
}

Tir *simp_num(Simp *s, double value)
{
    return tir_const(s->f, value);
}

static bool is_const(const Tir *v)
{
    return v->op == OP_CONST;
}

bool simp_positive(const Tir *v)
{
    enum { real, positive, nonnegative, unit, bit, count, integer, same };
    static const unsigned char range[N_OPS] = {
#define OP(id, name, kind, arity, range, da, db, dc, ctext, doc) range,
#include "../ops.def"
#undef OP
    };
    bool all = v->n_in > 0;
    switch (v->op) {
    case OP_CONST:
        return v->num > 0;
    case OP_ADD: case OP_MUL: case OP_DIV: case OP_SQ: case OP_SQRT: case OP_ABS: case OP_RENAME:
    case OP_MIN: case OP_SUM: case OP_MAXIMUM: case OP_CONTRACT: case OP_STOP_GRADIENT:
        for (int k = 0; k < v->n_in; k++)
            all = all && simp_positive(v->in[k]);
        return all;
    case OP_SLICE: case OP_SPLIT: case OP_FLATTEN:
        return simp_positive(v->in[0]);
    case OP_SELECT:
        return simp_positive(v->in[1]) && simp_positive(v->in[2]);
    default:
        return range[v->op] == positive || range[v->op] == unit;
    }
}

/* ---- constant folding -------------------------------------------------------------------- */

static double fold_compare(Op op, double a, double b)
{
    switch (op) {
    case OP_LT:  return a < b;
    case OP_LE:  return a <= b;
    case OP_GT:  return a > b;
    case OP_GE:  return a >= b;
    case OP_EQ:  return a == b;
    case OP_NE:  return a != b;
    case OP_AND: return a != 0 && b != 0;
    case OP_OR:  return a != 0 || b != 0;
    case OP_NOT: return a == 0;
    default:     return NAN;
    }
}

double tir_fold(Op op, const double *x)
{
    double a = x[0], b = x[1], c = x[2];
    switch (op) {
    case OP_NEG:      return -a;
    case OP_ADD:      return a + b;
    case OP_SUB:      return a - b;
    case OP_MUL:      return a * b;
    case OP_DIV:      return a / b;
    case OP_POW:      return pow(a, b);
    case OP_SQ:       return a * a;
    case OP_SQRT:     return sqrt(a);
    case OP_ABS:      return fabs(a);
    case OP_SIGN:     return (a > 0) - (a < 0);
    case OP_FLOOR:    return floor(a);
    case OP_MIN:      return a < b ? a : b;
    case OP_MAX:      return a > b ? a : b;
    case OP_IDIV:     return floor(a / b);
    case OP_MOD:      return a - b * floor(a / b);
    case OP_EXP:      return exp(a);
    case OP_EXPM1:    return expm1(a);
    case OP_LOG:      return log(a);
    case OP_LOG1P:    return log1p(a);
    case OP_TANH:     return tanh(a);
    case OP_LOGISTIC: return 1 / (1 + exp(-a));
    case OP_SOFTPLUS: return (a > 0 ? a : 0) + log1p(exp(-fabs(a)));
    case OP_RELU:     return a > 0 ? a : 0;
    case OP_SIN:      return sin(a);
    case OP_COS:      return cos(a);
    case OP_TAN:      return tan(a);
    case OP_ATAN:     return atan(a);
    case OP_ERF:      return erf(a);
    case OP_NORMAL_CDF: return 0.5 * erfc(-a * 0.70710678118654752);
    case OP_LGAMMA:   return a > 0 ? lgamma(a) : NAN;
    case OP_SELECT:   return a != 0 ? b : c;
    case OP_STOP_GRADIENT: return a;
    default:          return fold_compare(op, a, b);
    }
}

static Tir *fold_map(Simp *s, Op op, Tir *const *in)
{
    double x[3] = { 0 };
    for (int k = 0; k < op_info[op].arity; k++) {
        if (!is_const(in[k]))
            return NULL;
        x[k] = in[k]->num;
    }
    double y = tir_fold(op, x);
    return isfinite(y) ? simp_num(s, y) : NULL;
}

/* ---- rows -------------------------------------------------------------------------------- */

typedef struct Bind { Tir *letter[26]; } Bind;
typedef struct Goal Goal;
struct Goal { const Expr *e; Tir *v; const Goal *next; };

static bool commutes(Op op)
{
    return op == OP_ADD || op == OP_MUL;
}

static bool bind_letter(const Expr *e, Tir *v, Bind *b)
{
    char ch = e->name[0];
    if (e->name[1] || !islower((unsigned char)ch))
        ice("simplify.def: `%s` is not a letter", e->name);
    Tir **slot = &b->letter[ch - 'a'];
    if (*slot)
        return *slot == v;
    if (((ch == 'k' || ch == 'm') && !is_const(v)) || (ch == 'p' && !simp_positive(v)))
        return false;
    *slot = v;
    return true;
}

/* Matches all goals, or leaves *b in any state and returns false. */
static bool match(const Goal *goal, Bind *b)
{
    if (!goal)
        return true;
    const Expr *e = goal->e;
    Tir *v = goal->v;
    if (e->kind == EXPR_NUM)
        return is_const(v) && v->num == e->num && match(goal->next, b);
    if (e->kind == EXPR_NAME)
        return bind_letter(e, v, b) && match(goal->next, b);
    if (v->op != e->op)
        return false;
    Goal third = { e->arg[2], v->in[2], goal->next };
    const Goal *rest = v->n_in == 3 ? &third : goal->next;
    Goal second = { e->arg[1], v->in[1], rest };
    Goal first = { e->arg[0], v->in[0], v->n_in > 1 ? &second : goal->next };
    if (!commutes(e->op))
        return match(&first, b);
    Bind kept = *b;
    if (match(&first, b))
        return true;
    *b = kept;
    first.v = v->in[1];
    second.v = v->in[0];
    return match(&first, b);
}

static Tir *replace(Simp *s, const Expr *e, const Bind *b)
{
    Tir *in[3] = { 0 };
    if (e->kind == EXPR_NUM)
        return simp_num(s, e->num);
    if (e->kind == EXPR_NAME)
        return b->letter[e->name[0] - 'a'];
    for (int k = 0; k < op_info[e->op].arity; k++)
        in[k] = replace(s, e->arg[k], b);
    return simp_map(s, e->op, in[0], in[1], in[2]);
}

static Tir *apply_rows(Simp *s, Tir *v)
{
    for (size_t i = 0; i < vec_len(s->rules[v->op]); i++) {
        const SimpRule *r = s->rules[v->op][i];
        Bind b = { { 0 } };
        Goal goal = { r->pattern, v, NULL };
        if (match(&goal, &b))
            return replace(s, r->replacement, &b);
    }
    return NULL;
}

/* ---- products ---------------------------------------------------------------------------- */

/* v has fewer axes than w: it is computed outside a loop of w. */
static bool lighter(const Tir *v, const Tir *w)
{
    return v->n_axes < w->n_axes && axes_subset(v, w);
}

/* other * (q * r), regrouped so that light factors meet first; NULL if it is best as it is. */
static Tir *regroup(Simp *s, Tir *other, Tir *q, Tir *r)
{
    if (lighter(q, r)) {
        if (axes_subset(other, q))
            return simp_map(s, OP_MUL, simp_map(s, OP_MUL, other, q, NULL), r, NULL);
        if (!q->n_axes && !lighter(r, other))
            return simp_map(s, OP_MUL, q, simp_map(s, OP_MUL, other, r, NULL), NULL);
    } else if (is_const(q) && !is_const(r) && !is_const(other) && !lighter(r, other)) {
        return simp_map(s, OP_MUL, q, simp_map(s, OP_MUL, other, r, NULL), NULL);
    }
    return NULL;
}

static Tir *group_product(Simp *s, Tir *a, Tir *b)
{
    Tir *v = NULL;
    for (int swap = 0; swap < 2 && !v; swap++) {
        Tir *other = swap ? b : a, *product = swap ? a : b;
        if (product->op != OP_MUL)
            continue;
        v = regroup(s, other, product->in[0], product->in[1]);
        if (!v)
            v = regroup(s, other, product->in[1], product->in[0]);
    }
    return v;
}

/* One order for sums and products, so that equal ones meet: 2 * s * x and x + s + 2, that is light
 * factors first and light summands last; among equals the older first. */
static bool in_order(Op op, const Tir *a, const Tir *b)
{
    if (is_const(a) != is_const(b))
        return is_const(a) == (op == OP_MUL);
    if (a->n_axes != b->n_axes)
        return (a->n_axes < b->n_axes) == (op == OP_MUL);
    return a->id <= b->id;
}

/* The scalars of a run are counts and shares: above 0. */
static bool is_never_zero(const Tir *v)
{
    switch (v->op) {
    case OP_CONST: return v->num != 0;
    case OP_INPUT: return v->input == INPUT_SCALAR;
    case OP_NEG:   return is_never_zero(v->in[0]);
    case OP_MUL:   return is_never_zero(v->in[0]) && is_never_zero(v->in[1]);
    default:       return false;
    }
}

static Tir *simp_equal(Simp *s, const Tir *a, const Tir *b)
{
    bool apart = (is_const(a) && a->num == 0 && is_never_zero(b))
              || (is_const(b) && b->num == 0 && is_never_zero(a));
    return apart ? tir_const(s->f, 0) : NULL;
}

/* a^b of an a that is positive by its form, whose logarithm is often known, by functions that there
 * are in vectors. Powers of constants stay: those of whole numbers are exact. */
static Tir *simp_power(Simp *s, Tir *a, Tir *b)
{
    if (is_const(a) || !simp_positive(a))
        return NULL;
    Tir *log_a = simp_map(s, OP_LOG, a, NULL, NULL);
    return simp_map(s, OP_EXP, simp_map(s, OP_MUL, b, log_a, NULL), NULL, NULL);
}

Tir *simp_map(Simp *s, Op op, Tir *a, Tir *b, Tir *c)
{
    Tir *in[3] = { a, b, c };
    Tir *v = fold_map(s, op, in);
    if (v)
        return v;
    if (op == OP_STOP_GRADIENT && s->final)
        return a;
    bool swap = commutes(op) && !in_order(op, a, b);
    Tir *plain = tir_map(s->f, op, swap ? b : a, swap ? a : b, c);
    if (s->fuel <= 0)
        return plain;
    s->fuel--;
    v = apply_rows(s, plain);
    if (!v && op == OP_MUL)
        v = group_product(s, plain->in[0], plain->in[1]);
    if (!v && op == OP_LOG)
        v = simp_log(s, a);
    if (!v && op == OP_EQ)
        v = simp_equal(s, a, b);
    if (!v && op == OP_POW)
        v = simp_power(s, a, b);
    if (!v)
        v = simp_choice(s, plain);
    return v ? v : plain;
}
