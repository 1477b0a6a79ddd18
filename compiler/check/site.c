/* site.c - `x ~ d`: do the shapes of variable and law agree, and can the law draw such values?
 *
 * Idea: a law of one number broadcasts over the axes of the variable (each drawn independently); a
 * law on vectors takes the last axes. Data must lie in the law's support, as far as the declared
 * type tells; a latent may be declared narrower (a half-prior) or wider (it takes the law's).
 */
#include "check.h"

#include <string.h>

/* A net called in the law: where the shape of a parameter is decided. */
static bool find_net(Ast *e, void *found)
{
    if (e->kind == AST_CALL && e->decl && e->decl->kind == AST_NET) *(Ast **)found = e->decl;
    return true;
}

/* `X[n] * b` of two vectors. */
static bool find_elementwise(Ast *e, void *found)
{
    bool product = e->kind == AST_BINARY && !strcmp(e->name, "*");
    for (size_t i = 0; product && i < 2; i++) {
        const Type *t = e->kids[i]->type;
        product = t && t->kind == KIND_VALUE && vec_len(t->event) == 1;
    }
    if (product) *(Ast **)found = e;
    return true;
}

static void help_shapes(Check *s, const Type *var, const Type *of, Ast *lhs, Ast *law)
{
    Ast *net = NULL, *product = NULL;
    ast_walk(law, find_net, &net);
    ast_walk(law, find_elementwise, &product);
    size_t n = vec_len(var->event), m = vec_len(of->event);
    if (net && n && m == n) {
        diag_note(s->c, net->span, "the shape comes from net `%s`", net->name);
        diag_help(s->c, "end the network with dense(%s)", size_text(s->c, var->event[n - 1]));
    } else if (n == m + 1 && lhs->kind == AST_NAME) {
        Str axis = size_text(s->c, var->event[0]);
        diag_help(s->c, "draw each: `for i in %s { %s[i] ~ .. }`", axis, lhs->name);
    } else if (n == 0 && product) {
        diag_help(s->c, "`*` is elementwise; the inner product is `%s @ %s`",
                  fmt_expr(s->c, product->kids[BINARY_A]), fmt_expr(s->c, product->kids[BINARY_B]));
    } else if (m > n) {
        diag_help(s->c, "index the arguments of the distribution, or declare more axes for `%s`",
                  fmt_expr(s->c, lhs));
    }
}

static bool check_shapes(Check *s, const Type *var, Ast *lhs, Ast *law, const Type *of)
{
    size_t n = vec_len(var->event), m = vec_len(of->event);
    bool fits = m <= n;
    for (size_t i = 0; fits && i < m; i++)
        fits = sizes_agree(s, var->event[n - m + i], of->event[i]);
    /* elementwise laws do not repeat rows */
    if (fits && m < n && m > (size_t)of->core) fits = false;
    if (fits) return true;
    FAIL(s, E_SITE_SHAPE, law->span, fmt_expr(s->c, lhs), type_text(s->c, var),
         type_text(s->c, of));
    if (lhs->kind == AST_DECLNAME) {
        diag_note(s->c, lhs->span, "`%s` is declared here", lhs->name);
    } else {
        Ast *base = lhs;
        while (base->kind == AST_INDEX) base = base->kids[INDEX_BASE];
        if (base->kind == AST_NAME && base->decl)
            diag_note(s->c, base->decl->span, "`%s` is declared here", base->name);
    }
    help_shapes(s, var, of, lhs, law);
    return false;
}

static Ast *declaration(Ast *lhs)
{
    while (lhs->kind == AST_INDEX) lhs = lhs->kids[INDEX_BASE];
    return lhs->kind == AST_DECLNAME ? lhs : lhs->decl;
}

static Str lhs_text(Check *s, Ast *lhs)
{
    return lhs->kind == AST_DECLNAME ? lhs->name : fmt_expr(s->c, lhs);
}

/* What is observed must be able to come from the law. */
static bool check_data(Check *s, const Type *var, Ast *lhs, Ast *law, const Type *of)
{
    bool discrete = of->elem != ELEM_REAL && var->elem == ELEM_REAL && var->declared;
    bool outside = !range_inside(var->range, of->range) && (var->declared
                 || range_apart(var->range, of->range));
    bool classes = of->elem == ELEM_INDEX && var->elem == ELEM_INDEX && of->classes && var->classes
                && !sizes_agree(s, var->classes, of->classes);
    bool vectors = of->core && var->core && var->support != of->support
                && !(of->core == 1 && of->support == str(s->c, "real"));
    bool counted = of->elem == ELEM_INDEX && var->elem == ELEM_COUNT && var->declared;
    bool apart = range_apart(var->range, of->range);
    if (!apart && !classes && !vectors && note_drawn(s, lhs, law, of)) return true;
    classes |= counted;
    if (!discrete && !outside && !classes && !vectors) return true;
    /* Labels below a known number of classes lie in range although only sizes are compared. */
    if (!discrete && !classes && !vectors && (var->elem == ELEM_INDEX || var->elem == ELEM_COUNT)
        && of->elem != ELEM_REAL && of->elem != ELEM_BIT)
        return true;
    FAIL(s, E_SUPPORT_DATA, law->span, lhs_text(s, lhs), support_text(s, var), support_text(s, of));
    Ast *decl = declaration(lhs);
    if (decl) diag_note(s->c, decl->span, "`%s` is declared here", decl->name);
    if (classes && var->classes)
        diag_help(s->c, "labels and distribution need the same number of classes");
    else diag_help(s->c, "declare it `%s`, or choose a distribution on `%s`", support_text(s, of),
                   support_text(s, var));
    return false;
}

static bool check_latent(Check *s, const Type *var, Ast *lhs, Ast *law, const Type *of)
{
    bool apart = range_apart(var->range, of->range);
    bool vectors = of->core && var->core && var->support != of->support;
    bool discrete = var->elem != ELEM_REAL && of->elem == ELEM_REAL;
    bool whole = of->elem != ELEM_REAL && var->elem == ELEM_REAL
              && !range_inside(of->range, var->range);
    bool classes = var->elem == ELEM_INDEX && of->elem == ELEM_INDEX && var->classes && of->classes
                && !sizes_agree(s, var->classes, of->classes);
    if (!apart && !vectors && !discrete && !whole && !classes) return true;
    FAIL(s, E_SUPPORT_EMPTY, law->span, lhs_text(s, lhs), support_text(s, var),
         support_text(s, of));
    diag_note(s->c, lhs->span, "declared here");
    diag_help(s->c, "declare it `%s`, or choose a distribution on `%s`", support_text(s, of),
              support_text(s, var));
    return false;
}

/* Each law of a choice by itself: one that cannot draw the value has no density there. */
static bool check_observed(Check *s, const Type *var, Ast *lhs, Ast *law, const Type *t)
{
    if (law->kind == AST_IF)
        return check_observed(s, var, lhs, law->kids[IF_THEN], law->kids[IF_THEN]->type)
            && check_observed(s, var, lhs, law->kids[IF_ELSE], law->kids[IF_ELSE]->type);
    return t->any_event || check_data(s, var, lhs, law, t->of);
}

static bool check_informs(Check *s, Ast *lhs, Ast *law)
{
    if (law->kind != AST_NAME || law->decl || strcmp(law->name, "flat")) return true;
    FAIL(s, E_FLAT_DATA, law->span, lhs_text(s, lhs));
    diag_help(s->c, "give it a distribution, such as `normal(mu, sigma)`");
    return false;
}

static bool check_not_censored(Check *s, Ast *lhs, Ast *law)
{
    if (law->kind != AST_PIPE || law->kids[PIPE_B]->kind != AST_CALL
        || strcmp(law->kids[PIPE_B]->name, "censor"))
        return true;
    FAIL(s, E_CENSORED_LATENT, law->kids[PIPE_B]->span, lhs_text(s, lhs));
    diag_help(s->c, "a law that is cut off is `|> truncate(upper: c)`");
    return false;
}

bool check_site_law(Check *s, const Type *var, Ast *lhs, Ast *law, const Type *t, AstKind kind)
{
    if (!t->any_event && !check_shapes(s, var, lhs, law, t->of)) return false;
    if (kind == AST_DATA)
        return check_informs(s, lhs, law) && check_observed(s, var, lhs, law, t);
    if (!check_not_censored(s, lhs, law)) return false;
    return t->any_event || check_latent(s, var, lhs, law, t->of);
}
