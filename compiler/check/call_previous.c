/* call_previous.c - `previous(x, init, lag: m)`: x as it was m steps before, or init before the
 * start of the sequence.
 *
 * Idea: x has a value for each step. It is declared by a scan around, or it is data whose axes are
 * the plates and steps around; its element at the step is meant either way.
 */
#include "call.h"

static bool inside_scan(Check *s)
{
    for (size_t i = 0; i < vec_len(s->plates); i++)
        if (map_get(s->scans, s->plates[i])) return true;
    return false;
}

/* The name of what a scan around declares. */
static bool declared_in_scan(Check *s, const Ast *e)
{
    if (e->kind != AST_NAME || !e->decl || e->decl->kind != AST_DECLNAME) return false;
    PlateList *list = map_get(s->plates_of, e->decl);
    for (size_t i = 0; list && i < vec_len(list->binders); i++)
        for (size_t k = 0; k < vec_len(s->plates); k++)
            if (s->plates[k] == list->binders[i] && map_get(s->scans, s->plates[k])) return true;
    return false;
}

/* Has it a value for each step: data over the steps, or what a scan declares? */
static bool has_steps(Check *s, Ast *e, const Type *t)
{
    if (vec_len(t->array)) return e->kind == AST_NAME || e->kind == AST_INDEX;
    if (e->kind != AST_NAME || !e->decl || e->decl->kind != AST_DECLNAME) return false;
    return s->frame || (e->decl->decl && e->decl->decl->kind == AST_LET);
}

/* Data over the innermost plates, in their order: y[J, T] in `for j in J { scan t in T .. }`. */
static bool is_over_plates(Check *s, const Type *x)
{
    size_t n = vec_len(x->array), depth = vec_len(s->plates);
    bool good = n <= depth, steps = false;
    for (size_t i = 0; good && i < n; i++) {
        Ast *binder = s->plates[depth - n + i];
        Size *limit = binder->type ? binder->type->classes : NULL;
        steps |= map_get(s->scans, binder) != NULL;
        good = limit && sizes_agree(s, limit, x->array[i]);
    }
    return good && steps;
}

static bool check_lag(Check *s, Args *a)
{
    Ast *lag = ast_argument(a->at, "lag");
    if (!lag || is_bad(lag->type)) return !lag;
    bool whole = lag->type->kind == KIND_VALUE && lag->type->elem != ELEM_REAL;
    if (whole && lag->type->range.hi >= 1) return true;
    FAIL(s, E_ARGUMENT_SHAPE, lag->span, "previous",
         "a whole number of steps, at least 1, as `lag`", fmt_expr(s->c, lag),
         type_text(s->c, lag->type));
    diag_help(s->c, "`previous(y, init, lag: 2)` is y two steps before");
    return false;
}

/* What stands before the start of x: a number, or as many as x has at a step. */
static bool check_initial(Check *s, Args *a, const Type *x, const Type *init)
{
    Size **given = sizes_join(s, init->array, init->event);
    if (!vec_len(given) || axes_agree(s, given, sizes_join(s, x->array, x->event))
        || (!vec_len(init->array) && axes_agree(s, given, x->event)))
        return true;
    FAIL(s, E_SHAPES, a->at->span, fmt_expr(s->c, a->at));
    diag_note(s->c, a->asts[0]->span, "at a step `%s` is %s", fmt_expr(s->c, a->asts[0]),
              type_text(s->c, x));
    diag_note(s->c, a->asts[1]->span, "before the start it is %s", type_text(s->c, init));
    return false;
}

Type *rule_previous(Check *s, Args *a)
{
    Type *x = as_value(s, a->asts[0], a->types[0]), *init = as_value(s, a->asts[1], a->types[1]);
    if (is_bad(x) || is_bad(init)) return type_bad(s);
    if (!inside_scan(s)) {
        FAIL(s, E_PREVIOUS, a->at->span);
        diag_help(s->c, "a sequence is written `scan t in T { .. }`");
        return type_bad(s);
    }
    bool own = declared_in_scan(s, a->asts[0]);
    if (!own && !has_steps(s, a->asts[0], x)) {
        Ast *base = a->asts[0]->kind == AST_INDEX ? a->asts[0]->kids[INDEX_BASE] : NULL;
        FAIL(s, E_ARGUMENT_SHAPE, a->asts[0]->span, "previous", "a variable of the sequence",
             fmt_expr(s->c, a->asts[0]), type_text(s->c, x));
        if (base && declared_in_scan(s, base))
            diag_help(s->c, "an index stands behind: `previous(%s, init)[..]`", base->name);
        else
            diag_help(s->c, "`previous(y, init)` is y one step before, or init: the step is not "
                      "written");
        return type_bad(s);
    }
    if (!check_lag(s, a)) return type_bad(s);
    x = type_copy(s, x);
    if (!own && vec_len(x->array) > 1 && !is_over_plates(s, x)) {
        as_element(s, a->asts[0], x);
        diag_help(s->c, "data whose axes are the plates around, in their order, are `previous(%s, "
                  "init)`: of `y[J, T]`, `for j in J { scan t in T { .. } }`",
                  fmt_expr(s->c, a->asts[0]));
        return type_bad(s);
    }
    if (!own) x->array = NULL;         /* data of the scan: its element */
    if (!check_initial(s, a, x, init)) return type_bad(s);
    Type *t = type_union(s, x, init, vec_len(x->event) ? x->event : NULL);
    t->array = x->array;
    if (x->elem == ELEM_BIT && init->elem != ELEM_REAL && range_inside(init->range, x->range))
        t->elem = ELEM_BIT;
    if (x->core) { t->core = 0; t->support = str(s->c, range_name(t->range)); }
    return t;
}
