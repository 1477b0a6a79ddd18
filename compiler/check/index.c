/* index.c - x[i, j], x[a .. b]: which axes go, which stay, and whether positions are in range.
 *
 * Idea: indices take axes from the left, array axes first. Inside its scan a variable carries the
 * step by itself, and its first index is another step: h[t-1]. Inside its plate n, z[n] is z.
 * What is certainly out of range is an error; what a test on the index guards, or what depends on
 * data, is left to the check at load.
 */
#include "check.h"

#include <math.h>
#include <string.h>

/* ---- positions ------------------------------------------------------------------------------- */
static bool is_guarded(const Check *s, Ast *index)
{
    if (index->kind != AST_NAME || !index->decl || index->decl->kind != AST_BINDER) return false;
    for (size_t i = 0; i < vec_len(s->guarded); i++)
        if (s->guarded[i] == canonical(index->decl)) return true;
    return false;
}

/* The size that all values of an index stay below: for `j in k`, k in K, it is K - 1. */
static Size *index_limit(Check *s, const Ast *index, const Type *t)
{
    bool binder = index->kind == AST_NAME && index->decl && index->decl->kind == AST_BINDER;
    const Ast *end = binder ? index->decl->kids[BINDER_DOMAIN] : NULL;
    if (end && end->kind == AST_RANGE) end = end->kids[RANGE_B];
    bool below = end && !is_bad(end->type) && !end->type->size && end->type->elem == ELEM_INDEX
              && end->type->classes;
    if (!below) return t->classes;
    return size_sub(s->c, index_limit(s, end, end->type), size_const(s->c, 1));
}

static bool plain(const Ast *index)
{
    return index->kind == AST_NAME || (index->kind == AST_INDEX
                                       && index->kids[INDEX_BASE]->kind == AST_NAME);
}

static void note_base(Check *s, Ast *base)
{
    while (base->kind == AST_INDEX) base = base->kids[INDEX_BASE];
    if (base->kind == AST_NAME && base->decl && base->decl->kind == AST_DECLNAME)
        diag_note(s->c, base->decl->span, "`%s` is declared here", base->name);
}

/* The index that `t - 2` or `t + 1` counts from, and how far; NULL where it is none. */
static Ast *shifted(Ast *index, int64_t *by)
{
    if (index->kind != AST_BINARY || !strchr("+-", index->name[0])) return NULL;
    Ast *from = index->kids[BINARY_A], *step = index->kids[BINARY_B];
    if (step->kind != AST_NUM || from->kind != AST_NAME || !from->decl) return NULL;
    *by = (int64_t)(index->name[0] == '-' ? -step->num : step->num);
    return from->decl->kind == AST_BINDER ? from : NULL;
}

static void help_neighbour(Check *s, Ast *base, Ast *from, long long by, Size *axis)
{
    Str t = from->name, x = fmt_expr(s->c, base);
    if (by > 0) {
        diag_help(s->c, "end `%s` earlier, or guard the read: `if %s < %s - %lld then .. else ..`",
                  t, t, size_text(s->c, axis), by);
        return;
    }
    if (map_get(s->scans, canonical(from->decl)) && base->kind == AST_NAME)
        diag_help(s->c, "say what stands before the start: `previous(%s, init%s)`", x,
                  by == -1 ? "" : str_fmt(s->c, ", lag: %lld", -by));
    diag_help(s->c, "let `%s` begin at %lld, or guard the read: `if %s < %lld then .. else ..`", t,
              -by, t, -by);
}

/* `y[t - 1]` at the first t, `y[t + 1]` at the last, where no test on t guards the read. */
static bool check_neighbour(Check *s, Ast *base, Ast *index, const Type *t, Size *axis)
{
    int64_t by, a, b, excess;
    Ast *from = shifted(index, &by);
    if (!from || is_bad(from->type) || is_guarded(s, from)) return true;
    Size *limit = from->type->classes;
    bool known = limit && size_value(s->c, axis, &a, NULL) && size_value(s->c, limit, &b, NULL);
    bool after = known ? b + by > a
               : limit && size_is_const(size_sub(s->c, axis, limit), &excess) && excess < by;
    if (by < 0 ? t->range.lo >= 0 : !by || !after) return true;
    FAIL(s, E_INDEX_RANGE, index->span, fmt_expr(s->c, index), size_text(s->c, axis));
    note_base(s, base);
    if (by < 0) diag_note(s->c, from->decl->span, "`%s` begins at %g", from->name,
                          from->type->range.lo);
    else diag_note(s->c, from->decl->span, "`%s` goes on to %s - 1", from->name,
                   size_text(s->c, limit));
    help_neighbour(s, base, from, (long long)by, axis);
    return false;
}

/* `z[0]` or `z[k]`, k in K, where z has elements: meant is z[t, 0]. */
static bool check_first_index(Check *s, Ast *base, Ast *index, const Type *t, Size *steps)
{
    Size *limit = t->classes ? index_limit(s, index, t) : NULL;
    if (limit ? sizes_agree(s, limit, steps) : index->kind != AST_NUM) return true;
    PlateList *list = map_get(s->plates_of, base->decl);
    Str step = str(s->c, "t");
    for (size_t i = 0; list && i < vec_len(list->binders); i++)
        if (map_get(s->scans, list->binders[i])) step = list->binders[i]->name;
    Str text = fmt_expr(s->c, index);
    FAIL(s, E_STEP_INDEX, index->span, base->name, text, base->name);
    diag_help(s->c, "the element at this step is `%s[%s, %s]`", base->name, step, text);
    return false;
}

/* `h[t + 1]` of what is declared in the scan: a step that is not there yet. `whole`: all elements
 * are taken. */
static bool check_step(Check *s, Ast *base, Ast *index, const Type *t, Size *steps, bool whole)
{
    int64_t by;
    Ast *from = shifted(index, &by);
    if (whole && !from && !check_first_index(s, base, index, t, steps)) return false;
    if (!from || !map_get(s->scans, canonical(from->decl))) return true;
    if (by <= 0) return check_neighbour(s, base, index, t, steps);
    FAIL(s, E_LATER_STEP, index->span, fmt_expr(s->c, base), fmt_expr(s->c, index));
    diag_help(s->c, "earlier steps may be read: `%s[%s - %lld]`", fmt_expr(s->c, base), from->name,
              (long long)by);
    return false;
}

static void wrong_axis(Check *s, Ast *base, Ast *index, Size *limit, Size *axis)
{
    Str text = fmt_expr(s->c, index);
    FAIL(s, E_AXIS_INDEX, index->span, text, size_text(s->c, limit), fmt_expr(s->c, base),
         size_text(s->c, axis));
    note_base(s, base);
    if (index->kind == AST_NAME && index->decl && index->decl->kind == AST_BINDER)
        diag_note(s->c, index->decl->span, "`%s` runs over %s", index->name,
                  size_text(s->c, limit));
    else
        note_base(s, index);
    diag_help(s->c, "use one size for both, or guard the read: `if %s < %s then .. else ..`", text,
              size_text(s->c, axis));
}

/* What an index is computed of: sizes, numbers, and each index of a plate or sum once. */
typedef struct Terms { const Check *s; Ast *binders[8]; size_t n; bool exact; } Terms;

static bool note_term(Ast *e, void *data)
{
    Terms *terms = data;
    bool sum = e->kind == AST_BINARY && strchr("+-*", e->name[0]);
    if (e->kind == AST_NUM || sum || !terms->exact) return terms->exact;
    terms->exact = e->kind == AST_NAME && e->type && e->type->kind == KIND_VALUE;
    if (!terms->exact || e->type->size || (e->decl && e->decl->kind == AST_ARGDECL)) return true;
    Ast *binder = e->decl && e->decl->kind == AST_BINDER ? e->decl : NULL;
    Ast *domain = binder ? binder->kids[BINDER_DOMAIN] : NULL;
    bool fixed = domain && (domain->kind == AST_RANGE || (domain->type && domain->type->size));
    terms->exact = fixed && !is_guarded(terms->s, e) && terms->n < 8;
    for (size_t i = 0; i < terms->n; i++) terms->exact &= terms->binders[i] != binder;
    if (terms->exact) terms->binders[terms->n++] = binder;
    return true;
}

/* Some value of a computed index lies beyond an axis of n: its bounds are attained. */
static bool reaches_past(const Check *s, Ast *index, const Type *t, int64_t n)
{
    Terms terms = { .s = s, .exact = index->kind == AST_BINARY };
    if (t->range.hi == INFINITY || t->range.hi < (double)n) return false;
    ast_walk(index, note_term, &terms);
    return terms.exact;
}

/* Does the index read one that a condition around it may keep inside? */
static bool reads_guarded(const Check *s, Ast *e)
{
    bool found = e && e->kind == AST_NAME && is_guarded(s, e);
    for (size_t i = 0; e && !found && i < vec_len(e->kids); i++)
        found = reads_guarded(s, e->kids[i]);
    return found;
}

/* Positions of `t` on an axis: an error if some are certainly outside. */
static bool check_position(Check *s, Ast *base, Ast *index, const Type *t, Size *axis)
{
    int64_t n, excess, at;
    bool known = size_value(s->c, axis, &n, NULL);
    bool past = known && t->size && size_value(s->c, t->size, &at, NULL) && at >= n;
    bool outside = t->range.hi < 0 || past || (known && t->range.lo >= (double)n);
    if (outside && !reads_guarded(s, index)) {
        FAIL(s, E_INDEX_RANGE, index->span, fmt_expr(s->c, index), size_text(s->c, axis));
        note_base(s, base);
        diag_help(s->c, "positions run from 0 to %s - 1", size_text(s->c, axis));
        return false;
    }
    if (!check_neighbour(s, base, index, t, axis)) return false;
    if (known && reaches_past(s, index, t, n)) {
        FAIL(s, E_INDEX_RANGE, index->span, fmt_expr(s->c, index), size_text(s->c, axis));
        note_base(s, base);
        diag_help(s->c, "positions run from 0 to %lld, and `%s` goes on to %g", (long long)n - 1,
                  fmt_expr(s->c, index), t->range.hi);
        return false;
    }
    if (!t->classes || !plain(index) || is_guarded(s, index)) return true;
    Size *limit = index_limit(s, index, t);
    if (sizes_agree(s, limit, axis)) return true;
    if (strchr(size_text(s->c, limit), '(') || strchr((const char *)axis, '(')) return true;
    if (size_is_const(size_sub(s->c, axis, limit), &excess) && excess >= 0) return true;
    int64_t a, b;
    if (size_value(s->c, axis, &a, NULL) && size_value(s->c, limit, &b, NULL) && b < a)
        return true;
    wrong_axis(s, base, index, limit, axis);
    return false;
}

static bool from_data(Ast *index)
{
    while (index->kind == AST_INDEX) index = index->kids[INDEX_BASE];
    if (index->kind != AST_NAME || !index->decl || index->decl->kind != AST_DECLNAME) return false;
    return index->decl->decl && index->decl->decl->kind == AST_LET;
}

static Type *infer_position(Check *s, Ast *index)
{
    Type *t = infer_element(s, index);
    if (is_bad(t) || t->elem != ELEM_REAL || from_data(index)) return t;
    FAIL(s, E_INDEX_TYPE, index->span, fmt_expr(s->c, index), type_text(s->c, t));
    if (index->kind == AST_BINARY && index->name[0] == '/')
        diag_help(s->c, "`div` divides whole numbers");
    else if (t->declared)
        diag_help(s->c, "declare it `index(K)`, `count` or `integer`");
    else
        diag_help(s->c, "`floor(..)` makes a whole number");
    return type_bad(s);
}

/* The length of a .. b on an axis; NULL after an error. `open_end`: a forecast may run on. */
static Size *slice_size(Check *s, Ast *base, Ast *range, Size *axis, bool open_end)
{
    Ast *from = range->kids[RANGE_A], *to = range->kids[RANGE_B];
    Size *a = infer_size(s, from), *b = infer_size(s, to);
    int64_t x, y, n, over;
    if (!a || !b) return NULL;
    range->type = from->type;
    bool known = size_value(s->c, a, &x, NULL) && size_value(s->c, b, &y, NULL);
    bool beyond = !open_end && ((size_is_const(size_sub(s->c, b, axis), &over) && over > 0)
                || (known && size_value(s->c, axis, &n, NULL) && y > n));
    if (beyond || (known && (x < 0 || y <= x))) {
        FAIL(s, E_SLICE_RANGE, range->span, fmt_expr(s->c, range), size_text(s->c, axis));
        note_base(s, base);
        diag_help(s->c, "`a .. b` starts at a and excludes b: 0 .. %s is all of it",
                  size_text(s->c, axis));
        return NULL;
    }
    return size_sub(s->c, b, a);
}

/* ---- variables of plates and scans ----------------------------------------------------------- */
static bool standing_in(const Check *s, const Ast *binder)
{
    for (size_t i = 0; i < vec_len(s->plates); i++)
        if (s->plates[i] == binder) return true;
    return false;
}

static PlateList *plates_around(Check *s, Ast *base)
{
    if (base->kind != AST_NAME || !base->decl || base->decl->kind != AST_DECLNAME) return NULL;
    return map_get(s->plates_of, base->decl);
}

/* Leading indices that only repeat the plates we stand in. */
static size_t repeated_plates(Check *s, Ast *e, PlateList *list)
{
    size_t n = 0;
    for (size_t i = 0; list && i < vec_len(list->binders); i++) {
        Ast *binder = list->binders[i];
        if (!standing_in(s, binder) || map_get(s->scans, binder)) continue;
        if (1 + n >= vec_len(e->kids)) break;
        Ast *index = e->kids[1 + n];
        if (index->kind != AST_NAME || !index->decl || index->decl->kind != AST_BINDER
            || canonical(index->decl) != binder)
            break;
        index->type = infer(s, index);
        n++;
    }
    return n;
}

/* Inside the scan it was declared in, the steps of a variable are its first axis again. */
static Type *with_history(Check *s, Type *t, PlateList *list)
{
    for (size_t i = list ? vec_len(list->binders) : 0; i-- > 0;) {
        Ast *binder = list->binders[i];
        if (!standing_in(s, binder) || !map_get(s->scans, binder)) continue;
        Type *full = type_copy(s, t);
        Size *size = binder_size(s, binder);
        full->array = NULL;
        vec_push(s->c, full->array, size ? size : size_opaque(s->c, "steps"));
        full->array = sizes_join(s, full->array, t->array);
        return full;
    }
    return NULL;
}

/* ---- the rule -------------------------------------------------------------------------------- */
/* What is left of a value once axes of its support were taken: no vector support any more. */
static void decay(Check *s, Type *t, const Type *from)
{
    if (!from->core) return;
    t->core = 0;
    t->support = str(s->c, range_name(from->range));
    t->support_decl = NULL;
    t->bounds = NULL;
}

static Type *take_axes(Check *s, Ast *e, Type *t, size_t first, bool history, bool open_end)
{
    size_t n_array = vec_len(t->array), n_all = n_array + vec_len(t->event), axis = 0;
    Type *r = type_copy(s, t);
    bool bad = false, core_touched = false;
    r->array = r->event = NULL;
    r->size = NULL;
    for (size_t k = first; k < vec_len(e->kids); k++, axis++) {
        Ast *index = e->kids[k];
        if (axis >= n_all) {
            FAIL(s, E_INDEX_COUNT, e->span, fmt_expr(s->c, e->kids[INDEX_BASE]),
                 type_text(s->c, t), (int)n_all, (int)(vec_len(e->kids) - first));
            note_base(s, e->kids[INDEX_BASE]);
            diag_help(s->c, "one index for each axis, none for the plate that it stands in");
            return type_bad(s);
        }
        Size *size = axis < n_array ? t->array[axis] : t->event[axis - n_array];
        if (axis >= n_array && axis + (size_t)t->core >= n_all) core_touched = true;
        if (index->kind == AST_RANGE) {
            size = slice_size(s, e->kids[INDEX_BASE], index, size, open_end);
            if (!size) bad = true;
            else if (axis < n_array) vec_push(s->c, r->array, size);
            else vec_push(s->c, r->event, size);
            continue;
        }
        Type *i = infer_position(s, index);
        if (is_bad(i)) { bad = true; continue; }
        bool step = history && k == first;
        if (step ? !check_step(s, e->kids[INDEX_BASE], index, i, size,
                               vec_len(e->kids) - first < n_all)
                 : !check_position(s, e->kids[INDEX_BASE], index, i, size))
            bad = true;
        else if (!step)
            note_position(s, e->kids[INDEX_BASE], index, size);
        r->event = sizes_join(s, r->event, i->event);
    }
    for (; axis < n_array; axis++) vec_push(s->c, r->array, t->array[axis]);
    for (; axis < n_all; axis++) vec_push(s->c, r->event, t->event[axis - n_array]);
    if (core_touched) decay(s, r, t);
    return bad ? type_bad(s) : r;
}

Type *infer_slice(Check *s, Ast *e, bool open_end)
{
    Ast *base = e->kids[INDEX_BASE];
    Type *t = infer_value(s, base);
    if (is_bad(t)) {
        for (size_t k = 1; k < vec_len(e->kids); k++)
            if (e->kids[k]->kind != AST_RANGE) infer(s, e->kids[k]);
        return t;
    }
    PlateList *list = plates_around(s, base);
    Type *history = with_history(s, t, list);
    size_t first = 1 + repeated_plates(s, e, list);
    if (first == vec_len(e->kids)) return t;
    if (history) return take_axes(s, e, history, first, true, open_end);
    return take_axes(s, e, t, first, false, open_end);
}

Type *infer_index(Check *s, Ast *e) { return infer_slice(s, e, false); }
