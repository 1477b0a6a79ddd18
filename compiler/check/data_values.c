/* data_values.c - sizes that follow from values of data: `let J = max(g) + 1`, `data K : count`.
 *
 * Idea: sizes shape the emitted program, so such a one is a constant of it, for the data that it is
 * compiled for. In a `let` that is used as a size, `max(g)` stands for that number from then on:
 * other data may have smaller values, but none beyond, which is checked when they are loaded, like
 * positions are. A number of the data that a size follows from must be the same again.
 */
#include "check.h"

#include <math.h>
#include <string.h>

enum { MAX_DEPTH = 32 };

/* The names of numbers that were read, and the calls of `max` with their arrays. */
typedef struct Largest { Ast *call, *array; } Largest;
typedef struct Reading { Check *s; Ast **single; Largest *largest; Str source; } Reading;

static const Ast *data_statement(const Ast *name)
{
    const Ast *decl = name->kind == AST_NAME ? name->decl : NULL;
    const Ast *st = decl && decl->kind == AST_DECLNAME ? decl->decl : NULL;
    return st && st->kind == AST_DATA ? st : NULL;
}

static const Values *values_of(const Ctx *c, Str name)
{
    for (size_t i = 0; i < vec_len(c->values); i++)
        if (c->values[i].name == name) return &c->values[i];
    return NULL;
}

/* What `max` of e is the largest of: g, or g[n] in `max[n in N](g[n])`. */
static Ast *whole_array(const Ast *e)
{
    Ast *of = e->kind == AST_REDUCE ? e->kids[REDUCE_VALUE] : e->kids[0]->kids[ARG_VALUE];
    if (e->kind != AST_REDUCE) return of;
    const Ast *binders = e->kids[REDUCE_BINDERS];
    if (of->kind != AST_INDEX || vec_len(of->kids) != list_len(binders) + 1) return NULL;
    for (size_t i = 0; i < list_len(binders); i++)
        if (binders->kids[i]->kids[BINDER_WHERE] || of->kids[i + 1]->decl != binders->kids[i])
            return NULL;
    return of->kids[INDEX_BASE];
}

/* The largest value of data in the program, where labels start at 0; NAN: it is not known. */
static double largest_of(Ctx *c, const Ast *name, bool single, Str *source)
{
    const Ast *st = name ? data_statement(name) : NULL;
    const Values *v = st ? values_of(c, name->name) : NULL;
    if (!v || v->single != single || !isfinite(v->largest)) return NAN;
    *source = v->source;
    return v->largest - (st->kids[DATA_FROM] ? st->kids[DATA_FROM]->num : 0);
}

static double read_number(Reading *r, Ast *name)
{
    double x = largest_of(r->s->c, name, true, &r->source);
    if (!isnan(x)) vec_push(r->s->c, r->single, name);
    return x;
}

static double read_largest(Reading *r, Ast *call)
{
    Largest l = { call, whole_array(call) };
    double x = largest_of(r->s->c, l.array, false, &r->source);
    if (!isnan(x)) vec_push(r->s->c, r->largest, l);
    return x;
}

static double value_of(Reading *r, Ast *e, int depth);

static double name_value(Reading *r, Ast *e, int depth)
{
    int64_t n;
    const Ast *decl = e->decl, *st = decl && decl->kind == AST_DECLNAME ? decl->decl : NULL;
    if (e->type && e->type->size && size_value(r->s->c, e->type->size, &n, NULL)) return (double)n;
    if (st && st->kind == AST_LET && !vec_len(decl->kids))
        return value_of(r, st->kids[LET_VALUE], depth + 1);
    return e->type && e->type->size ? read_number(r, e) : NAN;
}

static double operation_value(Reading *r, Ast *e, int depth)
{
    double a = value_of(r, e->kids[BINARY_A], depth), b = value_of(r, e->kids[BINARY_B], depth);
    if (!strcmp(e->name, "+")) return a + b;
    if (!strcmp(e->name, "-")) return a - b;
    if (!strcmp(e->name, "*")) return a * b;
    if (!strcmp(e->name, "/")) return a / b;
    if (!strcmp(e->name, "^")) return pow(a, b);
    if (!strcmp(e->name, "div")) return floor(a / b);
    return !strcmp(e->name, "mod") ? a - b * floor(a / b) : NAN;
}

static double value_of(Reading *r, Ast *e, int depth)
{
    if (depth == MAX_DEPTH || !e->type || is_bad(e->type)) return NAN;
    bool call = e->kind == AST_CALL || e->kind == AST_REDUCE;
    bool max = call && !e->decl && !strcmp(e->name, "max");
    switch (e->kind) {
    case AST_NUM: return e->num;
    case AST_NAME: return name_value(r, e, depth);
    case AST_UNARY: return !strcmp(e->name, "-") ? -value_of(r, e->kids[0], depth + 1) : NAN;
    case AST_BINARY: return operation_value(r, e, depth + 1);
    case AST_REDUCE: return max ? read_largest(r, e) : NAN;
    case AST_CALL: break;
    default: return NAN;
    }
    if (max && vec_len(e->kids) == 1) return read_largest(r, e);
    if (!max || vec_len(e->kids) != 2) return NAN;
    double a = value_of(r, e->kids[0]->kids[ARG_VALUE], depth + 1);
    double b = value_of(r, e->kids[1]->kids[ARG_VALUE], depth + 1);
    return isnan(a) || isnan(b) ? NAN : fmax(a, b);
}

/* Nothing beyond the largest value may come at run time. */
static void bound_values(Check *s, const Ast *name, Str of)
{
    Str source;
    Type *t = name->decl->type;
    double most = largest_of(s->c, name, false, &source);
    Position p = { size_const(s->c, (int64_t)most + 1), 0, of };
    if (t->elem == ELEM_INDEX || t->elem == ELEM_COUNT) vec_push(s->c, t->positions, p);
}

static bool has_value(const Check *s, const Size *size)
{
    int64_t n;
    return size_value(s->c, size, &n, NULL);
}

void define_from_values(Check *s, Ast *e, Size *size)
{
    Ctx *c = s->c;
    Reading r = { .s = s };
    if (!vec_len(c->values) || s->frame || has_value(s, size)) return;
    double x = value_of(&r, e, 0);
    if (!(fabs(x) < 9e15 && x == floor(x)) || !r.source) return;
    for (size_t i = 0; i < vec_len(r.single); i++) {
        double one = largest_of(c, r.single[i], true, &r.source);
        vec_push(c, c->defines, ((Define){ r.single[i]->name, (int64_t)one, r.source }));
    }
    if (e->type->size) return;         /* arithmetic of sizes, which have values now */
    vec_push(c, c->computed, ((Define){ (Str)size, (int64_t)x, r.source }));
    for (size_t i = 0; i < vec_len(r.largest); i++) {
        Ast *call = r.largest[i].call, *array = r.largest[i].array, *number;
        number = ast_num(c, call->span, largest_of(c, array, false, &r.source));
        number->type = call->type;
        bound_values(s, array, size_text(c, size));
        if (e->kind == AST_NAME) *call = *number;
    }
}

Size *largest_value(Check *s, const Ast *e)
{
    Str source;
    Ast *base = e->kind == AST_INDEX ? e->kids[INDEX_BASE] : NULL;
    double most = base && !s->frame ? largest_of(s->c, base, false, &source) : NAN;
    if (!(most >= 0 && most < 9e15 && most == floor(most))) return NULL;
    bound_values(s, base, base->name);
    return size_const(s->c, (int64_t)most);
}
