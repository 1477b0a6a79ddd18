/* refuse.c - what the language has and the derivations have not yet: said, never misread.
 *
 * One walk over a tree reports constructs that no later stage can compute, each with its own code
 * and what works today. Statements (scan, latent net, ..) are refused where they are built.
 */
#include "build.h"

#include <string.h>

static const char *const stages[] = { "truncate", "censor", "unnormalised" };
static const struct { const char *name, *way_out; } calls[] = {
    { "ode", "give the solution as data, or write it in closed form" },
    { "previous", "sequences (`scan`) are not derived yet" },
    { "marginal", "discrete latents are not summed out yet" },
    { "mode", "discrete latents are not summed out yet" },
    { "cdf", "write the distribution function out" },
};

static const char *node_name(const Ast *e)
{
    return e->name ? e->name : ast_kind_name(e->kind);
}

static void refuse_pipe(Ctx *c, Ast *e)
{
    Ast *from = e->kids[PIPE_A], *stage = e->kids[PIPE_B];
    if (!from->type || from->type->kind != KIND_DIST)
        return;
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++) {
        if (stage->name && !strcmp(stage->name, stages[i])) {
            diag_error(c, E_ND_STAGE, stage->span, stage->name);
            diag_help(c, "write the density by hand: `factor ..`");
            return;
        }
    }
    diag_error(c, E_ND_FLOW, stage->span, node_name(stage));
    diag_help(c, "use a distribution of lang/std, or write one in this file");
}

static void refuse_call(Ctx *c, Ast *e)
{
    if (e->decl)
        return;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        if (!strcmp(e->name, calls[i].name)) {
            diag_error(c, E_ND_ODE, e->span, e->name);
            diag_help(c, "%s", calls[i].way_out);
        }
    }
}

static void refuse_binder(Ctx *c, Ast *e)
{
    if (e->kids[BINDER_WHERE]) {
        diag_error(c, E_ND_WHERE, e->kids[BINDER_WHERE]->span);
        diag_help(c, "in a reduction: `if .. then e else 0`");
    }
}

static bool visit_refuse(Ast *e, void *data)
{
    Ctx *c = data;
    switch (e->kind) {
    case AST_REPORT:                   /* accepted and not evaluated: explain says so */
    case AST_PREDICT:
    case AST_SCAN:                     /* refused as a whole by build.c */
        return false;
    case AST_LATENT:
        return e->num != 1 || vec_len(e->kids[LATENT_NAMES]->kids) == 1;
    case AST_PIPE:
        refuse_pipe(c, e);
        return true;
    case AST_IMPLICIT:
        diag_error(c, E_ND_IMPLICIT, e->span);
        diag_help(c, "give the law a density: a distribution of lang/std or of this file");
        return false;
    case AST_CALL:
        refuse_call(c, e);
        return true;
    case AST_BINDER:
        refuse_binder(c, e);
        return true;
    default:
        return true;
    }
}

void refuse_tree(Ctx *c, Ast *tree)
{
    ast_walk(tree, visit_refuse, c);
}

/* ---- supports of latents --------------------------------------------------------------------- */

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

/* The laws in `law`: itself, or the branches of an IF. */
static bool law_fits(Ctx *c, Var *v, Ast *law)
{
    if (law->kind == AST_IF)
        return law_fits(c, v, law->kids[IF_THEN]) && law_fits(c, v, law->kids[IF_ELSE]);
    const Type *dist = law->type, *event = dist ? dist->of : NULL;
    if (!event || dist->any_event || !v->type->support || !event->support
        || same_support(c, v->type, event))
        return true;
    if (same_name(v->type->support, "real")) {
        Type *narrow = arena_alloc(c->arena, sizeof *narrow);
        *narrow = *v->type;
        narrow->support = event->support;
        narrow->bounds = event->bounds;
        narrow->support_decl = event->support_decl;
        narrow->core = event->core;
        narrow->range = event->range;
        v->type = narrow;
        return true;
    }
    diag_error(c, E_ND_HALF, law->span, v->name, support_name(c, v->type), support_name(c, event));
    diag_note(c, v->decl->span, "`%s` is declared here", v->name);
    diag_help(c, "choose a law that lies on the declared support");
    return false;
}

bool latent_support(Ctx *c, Var *v)
{
    return law_fits(c, v, v->law);
}
