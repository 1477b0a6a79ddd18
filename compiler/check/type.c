/* type.c - types: making, comparing, printing.
 *
 * establishes: a Type is never changed after it was handed out; rules copy and change the copy.
 */
#include "check.h"

#include <math.h>
#include <string.h>

Type *type_new(Check *s, TypeKind kind)
{
    Type *t = arena_alloc(s->c->arena, sizeof *t);
    t->kind = kind;
    t->range = range_real();
    t->support = str(s->c, "real");
    return t;
}

Type *type_bad(Check *s) { return type_new(s, KIND_BAD); }

static const char *const names[] = { "real", "bit", "index", "count", "integer" };   /* by Elem */

bool support_is_counted(const char *name)
{
    for (size_t i = ELEM_BIT; i < sizeof names / sizeof *names; i++)
        if (!strcmp(name, names[i]))
            return true;
    return false;
}

Type *type_value(Check *s, Elem elem, Range range, Size **event)
{
    Type *t = type_new(s, KIND_VALUE);
    t->elem = elem;
    t->range = elem == ELEM_BIT ? range_meet(range, range_from(0, 1)) : range;
    t->event = event;
    t->support = str(s->c, elem == ELEM_REAL ? range_name(range) : names[elem]);
    return t;
}

Type *type_real(Check *s, Size **event)
{
    return type_value(s, ELEM_REAL, range_real(), event);
}

Type *type_dist(Check *s, Type *of)
{
    Type *t = type_new(s, KIND_DIST);
    t->of = of;
    return t;
}

Type *type_copy(Check *s, const Type *t)
{
    Type *copy = arena_alloc(s->c->arena, sizeof *copy);
    *copy = *t;
    return copy;
}

Type *type_flat(Check *s, const Type *t)
{
    Type *copy = type_copy(s, t);
    if (t->kind != KIND_VALUE) return copy;
    copy->event = sizes_join(s, t->array, t->event);
    copy->array = NULL;
    return copy;
}

Type *type_strip(Check *s, const Type *t)
{
    if (t->kind != KIND_VALUE) return type_copy(s, t);
    Type *copy = type_value(s, t->elem, t->range, t->event);
    copy->array = t->array;
    copy->classes = t->classes;
    return copy;
}

bool is_bad(const Type *t) { return !t || t->kind == KIND_BAD; }

bool is_scalar(const Type *t)
{
    return t->kind == KIND_VALUE && !vec_len(t->array) && !vec_len(t->event);
}

/* ---- axes ------------------------------------------------------------------------------------ */
Size **sizes_from(Check *s, Size **from, size_t first, size_t n)
{
    Size **list = NULL;
    for (size_t i = 0; i < n; i++) vec_push(s->c, list, from[first + i]);
    return list;
}

Size **sizes_join(Check *s, Size **a, Size **b)
{
    Size **list = NULL;
    for (size_t i = 0; i < vec_len(a); i++) vec_push(s->c, list, a[i]);
    for (size_t i = 0; i < vec_len(b); i++) vec_push(s->c, list, b[i]);
    return list;
}

/* Equal polynomials agree. A number agrees with a name that has this value, or none yet; two
 * different names never do, even where their values happen to be equal. */
bool sizes_agree(Check *s, Size *a, Size *b)
{
    int64_t x, y, n;
    if (a == b) return true;
    bool a_const = size_is_const(a, &n), b_const = size_is_const(b, &n);
    bool a_known = size_value(s->c, a, &x, NULL), b_known = size_value(s->c, b, &y, NULL);
    if (a_known && b_known) return x == y && (a_const || b_const);
    return (a_const && !b_known) || (b_const && !a_known);
}

bool axes_agree(Check *s, Size **a, Size **b)
{
    if (vec_len(a) != vec_len(b)) return false;
    for (size_t i = 0; i < vec_len(a); i++)
        if (!sizes_agree(s, a[i], b[i])) return false;
    return true;
}

bool type_same_shape(const Type *a, const Type *b)
{
    if (vec_len(a->array) != vec_len(b->array) || vec_len(a->event) != vec_len(b->event))
        return false;
    for (size_t i = 0; i < vec_len(a->array); i++)
        if (a->array[i] != b->array[i]) return false;
    for (size_t i = 0; i < vec_len(a->event); i++)
        if (a->event[i] != b->event[i]) return false;
    return true;
}

/* ---- text ------------------------------------------------------------------------------------ */
static void print_axes(Ctx *c, Out *o, Size **axes, size_t n)
{
    for (size_t i = 0; i < n; i++) out_printf(o, "%s%s", i ? ", " : "", size_text(c, axes[i]));
}

Str axes_text(Check *s, Size **axes)
{
    Out *o = out_new(s->c);
    size_t n;
    print_axes(s->c, o, axes, vec_len(axes));
    const char *text = out_text(o, &n);
    return str_n(s->c, text, n);
}

static void print_support(Ctx *c, Out *o, const Type *t)
{
    if (t->elem == ELEM_INDEX || (t->elem == ELEM_COUNT && t->classes)) {
        out_puts(o, t->elem == ELEM_INDEX ? "index" : "count");
        if (t->classes) out_printf(o, "(%s)", size_text(c, t->classes));
        return;
    }
    out_puts(o, t->support);
    if (!vec_len(t->bounds)) return;
    for (size_t i = 0; i < vec_len(t->bounds); i++)
        out_printf(o, "%s%s", i ? ", " : "(", fmt_expr(c, t->bounds[i]));
    out_puts(o, ")");
}

Str support_text(Check *s, const Type *t)
{
    Out *o = out_new(s->c);
    size_t n;
    print_support(s->c, o, t);
    const char *text = out_text(o, &n);
    return str_n(s->c, text, n);
}

static void print_type(Ctx *c, Out *o, const Type *t)
{
    size_t n_event = vec_len(t->event);
    switch (t->kind) {
    case KIND_VALUE:
        if (vec_len(t->array)) {
            out_puts(o, "array[");
            print_axes(c, o, t->array, vec_len(t->array));
            out_puts(o, "] of ");
        }
        print_support(c, o, t);
        if (t->core == 2) n_event--;   /* covariance[K] is K x K, written once */
        if (n_event) {
            out_puts(o, "[");
            print_axes(c, o, t->event, n_event);
            out_puts(o, "]");
        }
        break;
    case KIND_DIST:
        if (t->any_event) out_puts(o, "distribution");
        else {
            out_puts(o, "distribution on ");
            print_type(c, o, t->of);
        }
        break;
    case KIND_RECORD:
        out_puts(o, "{ ");
        for (size_t i = 0; i < vec_len(t->names); i++) {
            out_printf(o, "%s%s: ", i ? ", " : "", t->names[i]);
            print_type(c, o, t->fields[i]);
        }
        out_puts(o, " }");
        break;
    case KIND_FUNCTION: out_puts(o, "function"); break;
    case KIND_SIZE: out_puts(o, "size"); break;
    case KIND_BAD: out_puts(o, "(error)"); break;
    }
}

Str type_text(Ctx *c, const Type *t)
{
    Out *o = out_new(c);
    size_t n;
    print_type(c, o, t);
    const char *text = out_text(o, &n);
    return str_n(c, text, n);
}
