/* operators.c - types of operators: shapes joined by one rule, bounds and elements by arithmetic.
 *
 * Idea: event axes of two operands are equal, or one side is a number; only `@` and the transpose
 * know of axes. A sum of sizes is a size again.
 */
#include "check.h"

#include <math.h>
#include <string.h>

/* Where a side of a shape error comes from. */
static void note_origin(Check *s, Ast *e, const Type *t)
{
    Ast *base = e;
    while (base->kind == AST_INDEX || base->kind == AST_FIELD) base = base->kids[0];
    if (base->kind == AST_NAME && base->decl && base->decl->kind == AST_DECLNAME)
        diag_note(s->c, base->decl->span, "`%s` is %s, declared here", fmt_expr(s->c, e),
                  type_text(s->c, t));
    else
        diag_note(s->c, e->span, "this is %s", type_text(s->c, t));
}

/* Joint event axes of two operands, or false after an error. */
bool broadcast(Check *s, Ast *at, Ast *ea, const Type *a, Ast *eb, const Type *b, Size ***event)
{
    *event = vec_len(a->event) ? a->event : b->event;
    if (!vec_len(a->event) || !vec_len(b->event) || axes_agree(s, a->event, b->event)) return true;
    FAIL(s, E_SHAPES, at->span, fmt_expr(s->c, at));
    note_origin(s, ea, a);
    note_origin(s, eb, b);
    if (vec_len(a->event) != vec_len(b->event))
        diag_help(s->c, "only numbers broadcast; both sides need the same axes");
    else
        diag_help(s->c, "elementwise operations need equal axes; `@` joins the last axis of the "
                  "left with the first of the right");
    return false;
}

static void help_transpose(Check *s, const char *side, Ast *e)
{
    bool already = e->kind == AST_UNARY && e->name[0] == '\'';
    if (already)
        diag_help(s->c, "leave the %s side as it is: `%s`", side, fmt_expr(s->c, e->kids[UNARY_A]));
    else
        diag_help(s->c, "transpose the %s side: `%s'`", side, fmt_expr(s->c, e));
}

static Type *infer_matmul(Check *s, Ast *e, Type *a, Type *b)
{
    a = type_flat(s, a), b = type_flat(s, b);
    size_t n = vec_len(a->event), m = vec_len(b->event);
    if (!n || !m) {
        FAIL(s, E_MATMUL, e->span, type_text(s->c, a), type_text(s->c, b));
        diag_help(s->c, "a number is multiplied with `*`");
        return type_bad(s);
    }
    if (!sizes_agree(s, a->event[n - 1], b->event[0])) {
        FAIL(s, E_MATMUL, e->span, type_text(s->c, a), type_text(s->c, b));
        note_origin(s, e->kids[BINARY_A], a);
        note_origin(s, e->kids[BINARY_B], b);
        if (m == 2 && sizes_agree(s, a->event[n - 1], b->event[1]))
            help_transpose(s, "right", e->kids[BINARY_B]);
        else if (n == 2 && sizes_agree(s, a->event[0], b->event[0]))
            help_transpose(s, "left", e->kids[BINARY_A]);
        return type_bad(s);
    }
    Range r = range_binary("*", a->range, b->range);
    r = range_inner(a, b, r.lo >= 0 ? range_from(0, INFINITY) : range_real());
    return type_value(s, ELEM_REAL, r, sizes_join(s, sizes_from(s, a->event, 0, n - 1),
                                                  sizes_from(s, b->event, 1, m - 1)));
}

static bool is_logic(const char *op)
{
    return strchr("=!<>", op[0]) || !strcmp(op, "and") || !strcmp(op, "or");
}

static Size *size_arithmetic(Check *s, const char *op, Size *a, Size *b)
{
    int64_t n;
    if (!a || !b) return NULL;
    switch (op[0]) {
    case '+': return size_add(s->c, a, b);
    case '-': return size_sub(s->c, a, b);
    case '*': return size_mul(s->c, a, b);
    case '^': return size_pow(s->c, a, b);
    case 'd': case '/': return size_is_const(b, &n) && n > 0 ? size_div(s->c, a, n) : NULL;
    default: return NULL;
    }
}

static Elem elem_arithmetic(const char *op, const Type *a, const Type *b, Range r)
{
    if (a->elem == ELEM_REAL || b->elem == ELEM_REAL || op[0] == '/') return ELEM_REAL;
    if (op[0] == '^' && b->range.lo < 0) return ELEM_REAL;
    return r.lo >= 0 ? ELEM_COUNT : ELEM_INTEGER;
}

bool check_bit(Check *s, Ast *e, const Type *t, Str op)
{
    if (t->elem == ELEM_BIT) return true;
    FAIL(s, E_COND, e->span, op, fmt_expr(s->c, e), type_text(s->c, t));
    diag_help(s->c, "compare it: `%s > 0`", fmt_expr(s->c, e));
    return false;
}

Type *infer_binary(Check *s, Ast *e)
{
    Ast *ea = e->kids[BINARY_A], *eb = e->kids[BINARY_B];
    bool join = !strcmp(e->name, "@");
    Type *a = join ? infer_value(s, ea) : infer_element(s, ea);
    Type *b = join ? infer_value(s, eb) : infer_element(s, eb);
    Size **event;
    if (is_bad(a) || is_bad(b)) return type_bad(s);
    if (join) return infer_matmul(s, e, a, b);
    if (!broadcast(s, e, ea, a, eb, b, &event)) return type_bad(s);
    if (is_logic(e->name)) {
        bool words = e->name[0] == 'a' || e->name[0] == 'o';
        if (words && (!check_bit(s, ea, a, e->name) || !check_bit(s, eb, b, e->name)))
            return type_bad(s);
        return type_value(s, ELEM_BIT, range_from(0, 1), event);
    }
    Range r = range_binary(e->name, a->range, b->range);
    switch (e->name[0]) {
    case '+': r = range_mixture(s, ea, eb, r); break;
    case '*': r = range_product(s, ea, eb, r); break;
    case '/': r = range_share(s, ea, eb, r); break;
    }
    Type *t = type_value(s, elem_arithmetic(e->name, a, b, r), r, event);
    t->size = size_arithmetic(s, e->name, a->size, b->size);
    return t;
}

static Type *infer_transpose(Check *s, Ast *e)
{
    Type *t = infer_value(s, e->kids[UNARY_A]);
    if (is_bad(t)) return t;
    t = type_flat(s, t);
    if (vec_len(t->event) != 2) {
        FAIL(s, E_TRANSPOSE, e->span, fmt_expr(s->c, e->kids[UNARY_A]), type_text(s->c, t));
        if (vec_len(t->event) == 1)
            diag_help(s->c, "a vector needs no transpose: `a @ b` is the inner product");
        return type_bad(s);
    }
    Size **event = NULL;
    vec_push(s->c, event, t->event[1]);
    vec_push(s->c, event, t->event[0]);
    return type_value(s, t->elem, t->range, event);
}

Type *infer_unary(Check *s, Ast *e)
{
    if (e->name[0] == '\'') return infer_transpose(s, e);
    Type *a = infer_element(s, e->kids[UNARY_A]);
    if (is_bad(a)) return a;
    if (!strcmp(e->name, "not")) {
        if (!check_bit(s, e->kids[UNARY_A], a, e->name)) return type_bad(s);
        return type_value(s, ELEM_BIT, range_from(0, 1), a->event);
    }
    Range r = range_negate(a->range);
    Type *t = type_value(s, a->elem == ELEM_REAL ? ELEM_REAL : ELEM_INTEGER, r, a->event);
    if (a->size) t->size = size_sub(s->c, size_const(s->c, 0), a->size);
    return t;
}
