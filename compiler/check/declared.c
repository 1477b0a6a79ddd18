/* declared.c - written types, sizes and indices: TYPE nodes to types, expressions to sizes.
 *
 * establishes: axes have at least one position and not more than LIMIT_SIZE elements, as far as
 * values are known; bounds of supports are in order.
 */
#include "check.h"

#include <math.h>
#include <string.h>

/* ---- sizes ----------------------------------------------------------------------------------- */
static bool depends_on_unknowns(Ast *e, void *found)
{
    if (e->kind == AST_NAME && e->decl && e->decl->kind == AST_DECLNAME && e->decl->decl) {
        AstKind kind = e->decl->decl->kind;
        if (kind == AST_LATENT || kind == AST_PARAM) *(Ast **)found = e;
    }
    return true;
}

static Size *written_size(Check *s, Ast *e, Type *t)
{
    Ast *unknown = NULL;
    if (is_bad(t)) return NULL;
    ast_walk(e, depends_on_unknowns, &unknown);
    bool whole = t->elem != ELEM_REAL || t->size
              || !(t->range.lo == t->range.hi && floor(t->range.lo) != t->range.lo);
    if (!is_scalar(t) || unknown || !whole) {
        FAIL(s, E_NOT_SIZE, e->span, fmt_expr(s->c, e), type_text(s->c, t));
        if (unknown)
            diag_help(s->c, "a size follows from data and arguments only, `%s` is inferred",
                      unknown->name);
        else
            diag_help(s->c,
                      "a size is a whole number: an argument, an axis of data, or arithmetic");
        return NULL;
    }
    return t->size ? t->size
         : e->kind == AST_NAME && e->decl && e->decl->kind != AST_BINDER
         ? size_name(s->c, e->name) : size_opaque(s->c, fmt_expr(s->c, e));
}

Size *as_size(Check *s, Ast *e, Type *t)
{
    Size *size = written_size(s, e, t);
    if (size) define_from_values(s, e, size);
    return size;
}

Size *infer_size(Check *s, Ast *e) { return as_size(s, e, infer_value(s, e)); }

/* An axis of this size can exist. */
static bool check_axis(Check *s, Size *size, Span at)
{
    int64_t value;
    Str missing;
    if (size_value(s->c, size, &value, &missing)) {
        if (value >= 1 && value <= LIMIT_SIZE) return true;
        if (value < 1) FAIL(s, E_SIZE_VALUE, at, size_text(s->c, size), (long long)value);
        else FAIL(s, E_SIZE_LIMIT, at, size_text(s->c, size));
        return false;
    }
    if (missing && missing != str(s->c, "too large")) return true;
    FAIL(s, E_SIZE_LIMIT, at, size_text(s->c, size));
    return false;
}

Size *infer_count(Check *s, Ast *e)
{
    Size *size = infer_size(s, e);
    return size && check_axis(s, size, e->span) ? size : NULL;
}

static bool check_elements(Check *s, Size **axes, Span at)
{
    int64_t product = 1, value;
    for (size_t i = 0; i < vec_len(axes); i++) {
        if (!size_value(s->c, axes[i], &value, NULL)) continue;
        if (__builtin_mul_overflow(product, value, &product) || product > LIMIT_SIZE) {
            FAIL(s, E_SIZE_LIMIT, at, axes_text(s, axes));
            return false;
        }
    }
    return true;
}

/* ---- types ----------------------------------------------------------------------------------- */
static bool read_axes(Check *s, Ast *list, Type *t)
{
    for (size_t i = 0; i < list_len(list); i++) {
        Size *size = infer_size(s, list->kids[i]);
        if (!size || !check_axis(s, size, list->kids[i]->span)) return false;
        vec_push(s->c, t->event, size);
    }
    return true;
}

static bool read_bounds(Check *s, Ast *type, Type *t)
{
    Ast *args = type->kids[TYPE_ARGS];
    if (!list_len(args)) return true;
    if (t->elem == ELEM_INDEX || t->elem == ELEM_COUNT) {
        t->classes = infer_size(s, args->kids[0]);
        int64_t n;
        if (t->classes && size_value(s->c, t->classes, &n, NULL))
            t->range.hi = (double)(t->elem == ELEM_INDEX ? n - 1 : n), t->range.hi_open = false;
        return t->classes && check_axis(s, t->classes, args->kids[0]->span);
    }
    Range bounds[2] = { range_real(), range_real() };
    for (size_t i = 0; i < list_len(args); i++) {
        Type *b = infer_element(s, args->kids[i]);
        if (is_bad(b)) return false;
        vec_push(s->c, t->bounds, args->kids[i]);
        if (i < 2) bounds[i] = b->range;
    }
    if (list_len(args) != 2) return true;
    bool backwards = bounds[0].lo == bounds[0].hi && bounds[1].lo == bounds[1].hi
                  && bounds[0].lo >= bounds[1].hi;
    if (backwards && !(type->span.src && type->span.src->library)) {
        FAIL(s, E_SUPPORT_BOUNDS, type->span, bounds[0].lo, bounds[1].lo);
        diag_help(s->c, "the smaller bound comes first");
        return false;
    }
    t->range = (Range){ bounds[0].lo, bounds[1].hi, true, true };
    return true;
}

/* The value of a support without a row of its own: what its `constrain` makes. */
static bool user_shape(Check *s, Ast *type, Type *t)
{
    Ast *support = type->decl, *constrain = NULL;
    Ast *body = support->kids[SUPPORT_BODY], *axes = support->kids[SUPPORT_AXES];
    size_t n = list_len(axes);
    if (vec_len(t->event) < n) {
        FAIL(s, E_TYPE_AXES, type->span, type->name, (int)n);
        return false;
    }
    for (size_t i = 0; i < list_len(body); i++)
        if (body->kids[i]->kind == AST_FUNCTION && !strcmp(body->kids[i]->name, "constrain"))
            constrain = body->kids[i];
    if (!constrain) return true;
    size_t lead = vec_len(t->event) - n;
    frame_push(s, type->span, type->name);
    for (size_t i = 0; i < n; i++) {
        Type *size = type_value(s, ELEM_COUNT, range_from(1, INFINITY), NULL);
        size->size = t->event[lead + i];
        set_type(s, axes->kids[i], size);
    }
    Ast *args = support->kids[SUPPORT_ARGS];
    for (size_t i = 0; i < list_len(args); i++) set_type(s, args->kids[i], type_real(s, NULL));
    Type *value = support_shape(s, support);
    frame_pop(s);
    if (is_bad(value)) return false;
    if (n) t->core = (int)vec_len(value->event);
    t->range = value->range;
    if (n) t->event = sizes_join(s, sizes_from(s, t->event, 0, lead), value->event);
    return true;
}

static bool row_shape(Check *s, Ast *type, const SupportRow *row, Type *t)
{
    size_t n = vec_len(t->event), n_args = list_len(type->kids[TYPE_ARGS]);
    t->core = row->core;
    if (row->core && !n) {
        FAIL(s, E_TYPE_AXES, type->span, type->name, 1);
        diag_help(s->c, "write %s[K]", type->name);
        return false;
    }
    if ((int)n_args < row->bounds_min || (int)n_args > row->bounds_max
        || (row->bounds_max == 2 && n_args == 1)) {
        FAIL(s, E_TYPE_ARGS, type->span, type->name, row->bounds_max == 1 ? "a size" :
             row->bounds_max == 2 ? "two bounds" : "nothing",
             n_args ? str_fmt(s->c, "%d", (int)n_args) : str(s->c, "nothing"));
        if (row->bounds_max == 1) diag_help(s->c, "write %s(K)", type->name);
        if (row->bounds_max == 2) diag_help(s->c, "write %s(0, inf)%s", type->name,
                                            row->core ? "[K]" : "");
        if (row->bounds_max == 0) diag_help(s->c, "brackets are axes: %s[..]", type->name);
        return false;
    }
    if (row->core == 2) vec_push(s->c, t->event, t->event[n - 1]);
    return true;
}

Type *type_from_ast(Check *s, Ast *type)
{
    const SupportRow *row = support_row(type->name);
    bool own = type->decl && !(type->decl->span.src && type->decl->span.src->library);
    if (!type->decl && !row) {
        if (strcmp(type->name, "size")) return type->type = type_bad(s);
        return type->type = type_new(s, KIND_SIZE);
    }
    if (own) row = NULL;
    Type *t = type_value(s, row ? row->elem : ELEM_REAL, row ? row->range : range_real(), NULL);
    t->support = type->name;
    t->support_decl = type->decl;
    t->declared = true;
    bool good = read_axes(s, type->kids[TYPE_AXES], t);
    good = good && (row ? row_shape(s, type, row, t) : user_shape(s, type, t));
    good = good && read_bounds(s, type, t) && check_elements(s, t->event, type->span);
    if (good && vec_len(t->event) > LIMIT_RANK) {
        FAIL(s, E_RANK_LIMIT, type->span, LIMIT_RANK);
        good = false;
    }
    return type->type = good ? t : type_bad(s);
}

/* ---- indices --------------------------------------------------------------------------------- */
/* How many positions `i in domain` has. */
Size *binder_size(Check *s, Ast *binder)
{
    Ast *domain = binder->kids[BINDER_DOMAIN];
    if (domain->kind != AST_RANGE) return as_size(s, domain, domain->type);
    Ast *from = domain->kids[RANGE_A], *to = domain->kids[RANGE_B];
    Size *a = written_size(s, from, from->type), *b = written_size(s, to, to->type);
    return a && b ? size_sub(s->c, b, a) : NULL;
}

/* The size that all positions of a binder stay below: of `s in t` and `s in 0 .. t + 1`, t in T, it
 * is T, of `s in min(t, 3)` 3. */
static Size *binder_limit(Check *s, Ast *domain)
{
    Ast *end = domain->kind == AST_RANGE ? domain->kids[RANGE_B] : domain;
    bool next = end->kind == AST_BINARY && end->name[0] == '+'
             && end->kids[BINARY_B]->kind == AST_NUM && end->kids[BINARY_B]->num == 1;
    end = next && !end->kids[BINARY_A]->type->size ? end->kids[BINARY_A] : end;
    if (!end->type->size && end->type->elem == ELEM_INDEX) return end->type->classes;
    Size *size = as_size(s, end, end->type);
    int64_t n;
    if (!size || size_value(s->c, size, &n, NULL)) return size;
    if (isfinite(end->type->range.hi)) return size_const(s->c, (int64_t)end->type->range.hi);
    Size *most = largest_value(s, end);
    return most ? most : size;
}

static void infer_where(Check *s, Ast *binder)
{
    Ast *where = binder->kids[BINDER_WHERE];
    if (!where) return;
    Type *c = infer_element(s, where);
    if (!is_bad(c) && (c->elem != ELEM_BIT || !is_scalar(c)))
        FAIL(s, E_COND, where->span, "where", fmt_expr(s->c, where), type_text(s->c, c));
    Ast *end = where->kind == AST_BINARY && !strcmp(where->name, "and") ? where->kids[BINARY_A]
                                                                        : where;
    Size *axis = end->num == 1 && !is_bad(c) ? binder_limit(s, binder->kids[BINDER_DOMAIN]) : NULL;
    if (axis) note_length(s, end->kids[BINARY_B], axis, size_text(s->c, axis));
    vec_push(s->c, s->guarded, canonical(binder));
}

static bool find_index(Ast *e, void *data)
{
    bool *found = data;
    *found |= e->kind == AST_NAME && e->decl && e->decl->kind == AST_BINDER;
    return !*found && e->kind != AST_INDEX;
}

/* The t of `s in t`, which is `s in 0 .. t`: another number at each position. */
static bool counts_positions(Ast *domain)
{
    bool found = false;
    ast_walk(domain, find_index, &found);
    return found;
}

Type *infer_binder(Check *s, Ast *binder)
{
    Ast *domain = binder->kids[BINDER_DOMAIN];
    double from = 0;
    if (domain->kind == AST_RANGE) {
        Type *a = infer_value(s, domain->kids[RANGE_A]);
        infer_value(s, domain->kids[RANGE_B]);
        if (!is_bad(a)) from = a->range.lo;
    } else if (!is_bad(infer_value(s, domain)) && counts_positions(domain)) {
        Ast *zero = ast_num(s->c, domain->span, 0);
        infer_value(s, zero);
        domain = ast_new(s->c, AST_RANGE, domain->span, NULL, 2, zero, domain);
        binder->kids[BINDER_DOMAIN] = domain;
    }
    Size *size = binder_size(s, binder), *limit = size ? binder_limit(s, domain) : NULL;
    Type *t = size ? type_value(s, ELEM_INDEX, range_from(from, INFINITY), NULL) : type_bad(s);
    int64_t n;
    if (size) {
        t->classes = limit;
        if (limit && size_value(s->c, limit, &n, NULL))
            t->range.hi = (double)(n - 1), t->range.hi_open = false;
        if (size_is_const(size, &n)) check_axis(s, size, domain->span);
    }
    set_type(s, binder, t);
    infer_where(s, binder);
    return t;
}
