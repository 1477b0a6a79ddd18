/* recursion.c - types of lets of a sequence that read their own past.
 *
 *     let n[a in A] = if t == 0 then n0[a] else s[a] * n[t - 1, a]
 * Idea: such a let has the type of its value, which reads the let. So a type is assumed while the
 * value is typed: the axes on the name, and the shape and the bounds of what stands before the
 * start (`init` of previous, a branch that does not read the let). By induction over the steps it
 * holds if the value then lies within it; if not, the bounds are widened, in the end to `real`. The
 * past may be read by another let, force = previous(x, init), x = a * force: while the one is typed
 * the other asks for it, and its expression stands for it.
 * previous(x, init) above the declaration of x: x has the shape of init, checked where x is
 * declared; where init is a number, of the axes on its name, or else typed when asked for.
 */
#include "check.h"

#include <math.h>
#include <string.h>

/* ---- what stands before the start ------------------------------------------------------------ */
/* The expression of a let that is being typed and does not read itself, or NULL. */
static Ast *open_value(Check *s, const Ast *decl)
{
    return decl && map_get(s->busy, decl) == s->open ? decl->decl->kids[LET_VALUE] : NULL;
}

enum { MAX_LETS = 8 };                 /* that stand between a let and its past */
typedef struct Look { Check *s; const Ast *decl; int depth; bool found; } Look;

static bool visit_read(Ast *e, void *data)
{
    Look *look = data;
    look->found |= e->kind == AST_NAME && e->decl == look->decl;
    bool follow = !look->found && e->kind == AST_NAME && look->depth < MAX_LETS;
    Ast *value = follow ? open_value(look->s, e->decl) : NULL;
    if (value) {
        look->depth++;
        ast_walk(value, visit_read, look);
        look->depth--;
    }
    return !look->found;
}

static bool reads(Check *s, Ast *e, const Ast *decl)
{
    Look look = { s, decl, 0, false };
    ast_walk(e, visit_read, &look);
    return look.found;
}

typedef struct Start { Check *s; const Ast *decl; int depth; Type *type; } Start;

static void note_start(Start *start, Ast *e)
{
    Check *s = start->s;
    int held = diag_hold(s->c);
    Type *t = infer(s, e);
    if (diag_release(s->c, held) || is_bad(t) || t->kind != KIND_VALUE) return;
    Type *old = start->type;
    bool shaped = old && vec_len(old->array) + vec_len(old->event);
    start->type = type_strip(s, t);
    if (!old) return;
    start->type = type_union(s, old, t, shaped ? old->event : t->event);
    start->type->array = shaped ? old->array : t->array;
}

static bool visit_start(Ast *e, void *data)
{
    Start *start = data;
    if (e->kind == AST_CALL && !e->decl && !strcmp(e->name, "previous") && vec_len(e->kids) > 1) {
        Ast *x = e->kids[0]->kids[ARG_VALUE];
        if (x->kind == AST_NAME && x->decl == start->decl)
            note_start(start, e->kids[1]->kids[ARG_VALUE]);
    }
    bool follow = e->kind == AST_NAME && start->depth < MAX_LETS;
    Ast *value = follow ? open_value(start->s, e->decl) : NULL;
    if (value) {
        start->depth++;
        ast_walk(value, visit_start, start);
        start->depth--;
    }
    if (e->kind != AST_IF || reads(start->s, e->kids[IF_COND], start->decl)) return true;
    bool then = reads(start->s, e->kids[IF_THEN], start->decl);
    bool other = reads(start->s, e->kids[IF_ELSE], start->decl);
    if (then != other) note_start(start, e->kids[then ? IF_ELSE : IF_THEN]);
    return true;
}

/* ---- assumptions ----------------------------------------------------------------------------- */

static bool is_whole(const Type *t)
{
    return t->elem == ELEM_BIT || t->elem == ELEM_COUNT || t->elem == ELEM_INDEX;
}

/* Numbers within r, of a let with these axes on its name, of the shape of t. */
static Type *assumption(Check *s, const Type *t, Size **axes, bool whole, Range r)
{
    Type *a = type_value(s, whole ? ELEM_COUNT : ELEM_REAL, r, NULL);
    if (vec_len(axes)) {
        a->array = axes;
        a->event = t && !vec_len(t->array) ? t->event : NULL;
    } else if (t) {
        a->array = t->array;
        a->event = t->event;
    }
    return a;
}

static bool range_holds(Range a, Range b)
{
    return range_inside(a, b) && !(a.lo == b.lo && b.lo_open && !a.lo_open)
        && !(a.hi == b.hi && b.hi_open && !a.hi_open);
}

static bool holds(const Type *t, const Type *assumed)
{
    return (assumed->elem == ELEM_REAL || is_whole(t)) && range_holds(t->range, assumed->range);
}

/* The next wider bounds that have a name. */
static Range widened(Range a, Range b)
{
    Range wider[] = { range_from(0, 1), range_open(0, INFINITY), range_from(0, INFINITY) };
    for (size_t i = 0; i < sizeof wider / sizeof *wider; i++)
        if (range_holds(a, wider[i]) && range_holds(b, wider[i])) return wider[i];
    return range_real();
}

/* Types found under an assumption that may be false are forgotten. */
static void forget_later(Check *s, size_t from)
{
    while (vec_len(s->later) > from) {
        s->later[vec_len(s->later) - 1]->type = NULL;
        ((size_t *)s->later)[-1]--;
    }
}

static Type *infer_under(Check *s, Ast *name, Ast *value, Type *assumed)
{
    bool open = assumed == s->open;
    map_put(s->busy, name, open ? assumed : with_axes(s, assumed, plate_sizes(s)));
    Type *t = infer(s, value);
    map_put(s->busy, name, NULL);
    return t;
}

/* Does the value lie within what is assumed? If not, *assumed is what to assume next, or NULL. */
static bool attempt(Check *s, Ast *name, Ast *value, Type **assumed)
{
    size_t later = vec_len(s->later);
    int held = diag_hold(s->c);
    Type *t = infer_under(s, name, value, *assumed);
    bool failed = diag_release(s->c, held) || is_bad(t) || t->kind != KIND_VALUE;
    forget_later(s, later);
    if (failed || holds(t, *assumed)) return true;
    Type *next = type_copy(s, *assumed);
    next->range = widened((*assumed)->range, t->range);
    if (!is_whole(t)) next->elem = ELEM_REAL;
    bool real = next->range.lo == -INFINITY && next->elem == ELEM_REAL;
    *assumed = real ? NULL : next;
    return false;
}

Type *infer_own_past(Check *s, Ast *name, Size **axes, Ast *value)
{
    Start start = { s, name, 0, NULL };
    bool recursive = !s->frame && reads(s, value, name);
    if (recursive) ast_walk(value, visit_start, &start);
    Type *first = start.type, *real = assumption(s, first, axes, false, range_real());
    Type *assumed = recursive && first ? assumption(s, first, axes, is_whole(first), first->range)
                                       : NULL;
    for (int tries = 0; assumed && tries < 4; tries++)
        if (attempt(s, name, value, &assumed))
            return infer_under(s, name, value, assumed);
    return infer_under(s, name, value, recursive || vec_len(axes) ? real : s->open);
}

/* ---- previous(x, init) above x --------------------------------------------------------------- */

Type *infer_previous_argument(Check *s, Ast *call, size_t i)
{
    Type *saved = s->initial;
    if (i == 0 && vec_len(call->kids) > 1) s->initial = infer(s, call->kids[1]->kids[ARG_VALUE]);
    Type *t = infer(s, call->kids[i]->kids[ARG_VALUE]);
    s->initial = saved;
    return t;
}

/* The type of its expression, given what is assumed of others. Errors are shown where it stands. */
static Type *type_of_open(Check *s, Ast *decl)
{
    Type *initial = s->initial;
    int held = diag_hold(s->c);
    s->initial = NULL;
    Type *t = infer(s, open_value(s, decl));
    s->initial = initial;
    return diag_release(s->c, held) ? type_real(s, NULL) : t;
}

Type *later_type(Check *s, Ast *decl)
{
    Type *busy = map_get(s->busy, decl), *init = s->initial;
    if (busy) return busy == s->open ? type_of_open(s, decl) : busy;
    AstKind kind = decl->decl ? decl->decl->kind : AST_FILE;
    if (kind == AST_LATENT || kind == AST_DRAWN) {
        infer_statement(s, decl->decl);            /* has its own type before its law is typed */
        return decl->type ? decl->type : type_bad(s);
    }
    if (kind != AST_LET) return type_bad(s);
    Size **axes = NULL;
    bool shaped = init && init->kind == KIND_VALUE && vec_len(init->array) + vec_len(init->event);
    bool array = !shaped && vec_len(decl->kids) && name_axes(s, decl, &axes);
    if (!shaped && !array) {
        s->initial = NULL;
        infer_statement(s, decl->decl);
        s->initial = init;
        vec_push(s->c, s->later, decl);
        return decl->type ? decl->type : type_bad(s);
    }
    Type *t = assumption(s, shaped ? init : NULL, axes, false, range_real());
    map_put(s->assumed, decl, t);
    note_plates(s, decl);
    return with_axes(s, t, plate_sizes(s));
}

/* Has the let the shape that a previous() above it has given it? */
bool check_assumed(Check *s, Ast *name, const Type *own)
{
    const Type *before = map_get(s->assumed, name);
    if (!before || is_bad(own)) return true;
    if (own->kind == KIND_VALUE && axes_agree(s, sizes_join(s, own->array, own->event),
                                              sizes_join(s, before->array, before->event)))
        return true;
    FAIL(s, E_PREVIOUS_SHAPE, name->span, name->name, type_text(s->c, own),
         type_text(s->c, before));
    diag_help(s->c, "`previous(%s, init)` above takes its shape from init", name->name);
    return false;
}
