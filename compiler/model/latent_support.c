/* latent_support.c - where a latent lies: its declared support, or that of its law.
 *
 *     latent s : real ~ gamma(2, 1)         the law lies within: s is positive
 *     latent s : positive ~ normal(0, 5)    the law is cut off: a half-prior, renormalised
 *     latent s : positive ~ d |> truncate(lower: 1)          the law lies within: interval(1, inf)
 * establishes: Var.type on the narrower support; Var.half with the ends that cut the law off
 */
#include "build.h"

#include <math.h>
#include <string.h>

static bool same_name(Str a, const char *b)
{
    return a && !strcmp(a, b);
}

static bool bound_is(const Type *t, size_t i, double value)
{
    return vec_len(t->bounds) > i && t->bounds[i]->kind == AST_NUM && t->bounds[i]->num == value;
}

static bool is_unit(const Type *t)
{
    return same_name(t->support, "unit")
        || (same_name(t->support, "interval") && bound_is(t, 0, 0) && bound_is(t, 1, 1));
}

static bool is_positive(const Type *t)
{
    return same_name(t->support, "positive") || same_name(t->support, "nonnegative");
}

static bool same_bounds(Ctx *c, const Type *a, const Type *b)
{
    if (vec_len(a->bounds) != vec_len(b->bounds))
        return false;
    for (size_t i = 0; i < vec_len(a->bounds); i++)
        if (fmt_expr(c, a->bounds[i]) != fmt_expr(c, b->bounds[i]))
            return false;
    return true;
}

static bool same_support(Ctx *c, const Type *a, const Type *b)
{
    if (is_unit(a) && is_unit(b))
        return true;
    if (is_positive(a) && is_positive(b))
        return true;
    return a->support == b->support && same_bounds(c, a, b);
}

static Str support_name(Ctx *c, const Type *t)
{
    if (!t->support)
        return str(c, "the reals");
    Str out = t->support;
    for (size_t i = 0; i < vec_len(t->bounds); i++)
        out = str_fmt(c, "%s%s%s%s", out, i ? ", " : "(", fmt_expr(c, t->bounds[i]),
                      i + 1 == vec_len(t->bounds) ? ")" : "");
    return str_fmt(c, "`%s`", out);
}

/* ---- half-priors ----------------------------------------------------------------------------- */

/* The ends of a support of numbers. An end that is no number now is an expression only. */
typedef struct Ends { double lo, hi; Ast *lower, *upper; } Ends;

static double end_value(const Ast *bound, double otherwise)
{
    if (bound->kind == AST_NUM)
        return bound->num;
    bool minus = bound->kind == AST_UNARY && bound->name[0] == '-';
    const Ast *e = minus ? bound->kids[0] : bound;
    if (minus && e->kind == AST_NUM)
        return -e->num;
    return same_name(e->name, "inf") && e->kind == AST_NAME ? (minus ? -INFINITY : INFINITY)
                                                            : otherwise;
}

static bool ends_of(Ctx *c, const Type *t, Span at, Ends *e)
{
    *e = (Ends){ .lo = -INFINITY, .hi = INFINITY };
    if (!t->support || same_name(t->support, "real"))
        return true;
    if (is_positive(t) || is_unit(t)) {
        e->lo = 0;
        e->hi = is_unit(t) ? 1 : INFINITY;
        e->lower = ast_num(c, at, 0);
        e->upper = is_unit(t) ? ast_num(c, at, 1) : NULL;
        return true;
    }
    if (!same_name(t->support, "interval") || vec_len(t->bounds) != 2)
        return false;
    e->lo = end_value(t->bounds[0], NAN);
    e->hi = end_value(t->bounds[1], NAN);
    e->lower = e->lo == -INFINITY ? NULL : t->bounds[0];
    e->upper = e->hi == INFINITY ? NULL : t->bounds[1];
    return true;
}

/* The least and the greatest value that a bound may have. */
static Range bound_range(const Ast *bound)
{
    bool known = bound && bound->type && bound->type->kind == KIND_VALUE;
    return known ? bound->type->range : (Range){ .lo = NAN, .hi = NAN };
}

/* The declared support lies within the law's: what it cuts off is renormalised. */
static bool cut_half(Ctx *c, Var *v, const Type *event)
{
    Ends mine, law;
    Span at = v->decl->span;
    if (!ends_of(c, v->type, at, &mine) || !ends_of(c, event, at, &law))
        return false;
    bool low = law.lower == NULL || mine.lo >= law.lo || bound_range(mine.lower).lo >= law.lo;
    bool high = law.upper == NULL || mine.hi <= law.hi || bound_range(mine.upper).hi <= law.hi;
    if (!low || !high)
        return false;
    v->half = true;
    v->lower = mine.lo == law.lo ? NULL : mine.lower;
    v->upper = mine.hi == law.hi ? NULL : mine.upper;
    return true;
}

/* Vectors of a law of numbers, cut to an order or a sum: no distribution function gives the
 * normaliser, which is constant while the law is. */
static bool cut_vector(Ctx *c, Var *v, const Type *event)
{
    Ends law;
    bool real = same_name(v->type->support, "real");
    bool bounded = same_name(v->type->support, "ordered") && ends_of(c, event, v->decl->span, &law)
                && v->type->range.lo >= law.lo && v->type->range.hi <= law.hi;
    bool numbers = !event->support || same_name(event->support, "real") || bounded;
    v->unscaled = numbers && v->type->core == 1 && !real;
    return v->unscaled;
}

static void help_law(Ctx *c, const Type *declared, const Type *event)
{
    Ends law;
    bool of_law = event->support && declared->core == 0 && event->core == 0;
    Ends mine;
    bool computed = of_law && ends_of(c, declared, (Span){ 0 }, &mine)
                 && (isnan(mine.lo) || isnan(mine.hi));
    if (computed)
        diag_help(c, "its ends may lie outside of %s: let their types say that they do not, as "
                  "`data a : positive` does", support_name(c, event));
    else if (of_law)
        diag_help(c, "declare it %s, or choose a law on %s", support_name(c, event),
                  support_name(c, declared));
    else if (same_name(declared->support, "ordered") && ends_of(c, event, (Span){ 0 }, &law)
             && law.lo == 0 && law.hi == INFINITY)
        diag_help(c, "declare it `ordered(0, inf)`");
    else
        diag_help(c, "choose a law that lies on the declared support");
}

/* The law lies within the declared support: the latent does too. */
static bool narrow(Ctx *c, Var *v, const Type *event)
{
    Ends mine, law;
    Span at = v->decl->span;
    bool real = same_name(v->type->support, "real");
    bool within = ends_of(c, v->type, at, &mine) && ends_of(c, event, at, &law)
        && law.lo >= mine.lo && law.hi <= mine.hi;
    if (!real && !within)
        return false;
    Type *t = arena_alloc(c->arena, sizeof *t);
    *t = *v->type;
    t->support = event->support;
    t->bounds = event->bounds;
    t->support_decl = event->support_decl;
    t->core = event->core;
    t->range = event->range;
    v->type = t;
    return true;
}

/* The event of d |> truncate(..): that of d between the bounds. */
static const Type *truncated_event(Ctx *c, const Ast *pipe)
{
    const Type *dist = pipe->kids[PIPE_A]->type, *event = dist ? dist->of : NULL;
    Ends e;
    if (!event || !ends_of(c, event, pipe->span, &e))
        return event;
    const Ast *stage = pipe->kids[PIPE_B];
    for (size_t i = 0; i < vec_len(stage->kids); i++) {
        Ast *bound = stage->kids[i]->kids[ARG_VALUE];
        if (same_name(stage->kids[i]->name, "lower"))
            e.lower = bound, e.lo = end_value(bound, NAN);
        else
            e.upper = bound, e.hi = end_value(bound, NAN);
    }
    Type *t = arena_alloc(c->arena, sizeof *t);
    *t = *event;
    bool positive = e.lo == 0 && e.hi == INFINITY, unit = e.lo == 0 && e.hi == 1;
    t->support = str(c, positive ? "positive" : unit ? "unit" : "interval");
    t->support_decl = NULL;
    t->bounds = NULL;
    t->range = (Range){ .lo = isnan(e.lo) ? -INFINITY : e.lo, .hi = isnan(e.hi) ? INFINITY : e.hi };
    if (!positive && !unit) {
        vec_push(c, t->bounds, e.lower ? e.lower : ast_num(c, pipe->span, -INFINITY));
        vec_push(c, t->bounds, e.upper ? e.upper : ast_num(c, pipe->span, INFINITY));
    }
    return t;
}

/* The laws in `law`: itself, the branches of an IF, or what a stage is applied to. */
static bool law_fits(Ctx *c, Var *v, Ast *law)
{
    if (law->kind == AST_IF)
        return law_fits(c, v, law->kids[IF_THEN]) && law_fits(c, v, law->kids[IF_ELSE]);
    if (law->kind == AST_PIPE && same_name(law->kids[PIPE_B]->name, "unnormalised"))
        return law_fits(c, v, law->kids[PIPE_A]);
    const Type *dist = law->type, *event = dist ? dist->of : NULL;
    if (law->kind == AST_PIPE && same_name(law->kids[PIPE_B]->name, "truncate"))
        event = truncated_event(c, law);
    if (!event || dist->any_event || !v->type->support || !event->support
        || same_support(c, v->type, event) || narrow(c, v, event) || cut_half(c, v, event)
        || cut_vector(c, v, event))
        return true;
    diag_error(c, E_HALF, law->span, v->name, support_name(c, v->type), support_name(c, event));
    diag_note(c, v->decl->span, "`%s` is declared here", v->name);
    help_law(c, v->type, event);
    return false;
}

bool latent_support(Ctx *c, Var *v)
{
    return law_fits(c, v, v->law);
}
