/* family.c - families: every latent has one law, on its own support.
 *
 * Idea: sites are collected in order; words (meanfield, fullrank, ..) take any support, since they
 * work in unconstrained space; a distribution must have the latent's support exactly. `all` and
 * `others` stand for the latents not named. Finite discrete latents may be left out: they are
 * summed.
 */
#include "check.h"

#include <string.h>

/* ---- the latents of a model ------------------------------------------------------------------ */
static bool collect_latent(Ast *a, void *data)
{
    Ast ***list = ((void **)data)[0];
    Check *s = ((void **)data)[1];
    if (a->kind == AST_LATENT)
        for (size_t i = 0; i < list_len(a->kids[LATENT_NAMES]); i++)
            vec_push(s->c, *list, a->kids[LATENT_NAMES]->kids[i]);
    return a->kind == AST_MODEL || a->kind == AST_BLOCK || a->kind == AST_FOR ||
           a->kind == AST_SCAN;
}

static Ast **latents_of(Check *s, Ast *model)
{
    Ast **list = NULL;
    void *data[] = { &list, s };
    ast_walk(model, collect_latent, data);
    return list;
}

static void help_latents(Check *s)
{
    Ast **latents = latents_of(s, s->model);
    Out *o = out_new(s->c);
    size_t length;
    for (size_t i = 0; i < vec_len(latents); i++)
        out_printf(o, "%s%s", i ? ", " : "", latents[i]->name);
    if (vec_len(latents))
        diag_help(s->c, "the latents of %s are: %s", s->model->name, out_text(o, &length));
    else
        diag_help(s->c, "model %s has no latents", s->model->name);
}

/* ---- sites ----------------------------------------------------------------------------------- */
static bool claim(Check *s, Ast *name, Ast *at)
{
    Ast *before = map_get(s->guided, name);
    if (before) {
        FAIL(s, E_FAMILY_TWICE, at->span, name->name);
        diag_note(s->c, before->span, "the first is here");
        return false;
    }
    map_put(s->guided, name, at);
    return true;
}

/* The latent that a left-hand side names, or NULL after an error. */
static Ast *latent_of(Check *s, Ast *lhs)
{
    Ast *base = lhs;
    while (base->kind == AST_INDEX) base = base->kids[INDEX_BASE];
    if (base->kind != AST_NAME || !base->decl) {
        if (base->kind != AST_NAME) FAIL(s, E_FAMILY_LHS, lhs->span, fmt_expr(s->c, lhs));
        return NULL;
    }
    Ast *decl = base->decl;
    bool latent = decl->kind == AST_DECLNAME && decl->decl && decl->decl->kind == AST_LATENT;
    if (latent) return decl;
    FAIL(s, E_FAMILY_LHS, lhs->span, fmt_expr(s->c, lhs));
    diag_note(s->c, decl->span, "`%s` is declared here", base->name);
    help_latents(s);
    return NULL;
}

static bool is_word(Ast *lhs, const char *word)
{
    return lhs->kind == AST_NAME && !lhs->decl && !strcmp(lhs->name, word);
}

static void check_word(Check *s, Ast *law, const FamilyLaw *row)
{
    size_t n = law->kind == AST_CALL ? vec_len(law->kids) : 0;
    Size *count = NULL;
    for (size_t i = 0; i < n; i++) count = infer_count(s, law->kids[i]->kids[ARG_VALUE]);
    if ((int)n < row->min || (int)n > row->max)
        FAIL(s, E_ARGUMENT_COUNT, law->span, row->name, row->min, row->min == 1 ? "" : "s", (int)n);
    law->type = type_dist(s, type_real(s, NULL));
    law->type->any_event = true;
    law->type->size = count;
}

static void claim_all(Check *s, Ast *lhs)
{
    Ast **latents = latents_of(s, s->model);
    for (size_t i = 0; i < vec_len(latents); i++)
        if (!map_get(s->guided, latents[i])) map_put(s->guided, latents[i], lhs);
}

static bool same_support(const Type *a, const Type *b)
{
    if (a->core || b->core) {
        bool real = !strcmp(a->support, "real") && !strcmp(b->support, "real");
        return real || (a->core == b->core && a->support == b->support);
    }
    if (a->elem != b->elem) return false;
    return a->range.lo == b->range.lo && a->range.hi == b->range.hi;
}

static void check_guide(Check *s, Ast *name, Ast *lhs, Ast *law)
{
    Type *var = infer(s, lhs);
    if (is_bad(var)) { infer(s, law); return; }
    var = type_flat(s, var);
    Type *t = infer_law(s, law, var);
    if (is_bad(t)) return;
    if (t->any_event) {
        FAIL(s, E_SUPPORT_GUIDE, law->span, fmt_expr(s->c, lhs), support_text(s, var),
             fmt_expr(s->c, law));
        diag_help(s->c, "a family needs a proper distribution, such as meanfield");
        return;
    }
    Type loose = *var;                 /* shapes first, supports by the stricter rule below */
    loose.range = t->of->range;
    loose.elem = t->of->elem;
    loose.classes = t->of->classes;
    loose.core = t->of->core;
    loose.support = t->of->support;
    if (!check_site_law(s, &loose, lhs, law, t, AST_LATENT) || same_support(var, t->of)) return;
    FAIL(s, E_SUPPORT_GUIDE, law->span, fmt_expr(s->c, lhs), support_text(s, var),
         support_text(s, t->of));
    diag_note(s->c, name->span, "`%s` is declared here", name->name);
    if (!strcmp(var->support, "positive"))
        diag_help(s->c, "on positive numbers: lognormal, gamma; or `%s ~ meanfield`", name->name);
    else if (!strcmp(var->support, "unit"))
        diag_help(s->c, "on (0, 1): beta; or `%s ~ meanfield`", name->name);
    else
        diag_help(s->c, "choose a distribution on `%s`, or `%s ~ meanfield`", support_text(s, var),
                  name->name);
}

void check_family_site(Check *s, Ast *site)
{
    Ast *lhs = site->kids[SITE_LHS], *law = site->kids[SITE_LAW];
    bool call = law->kind == AST_NAME || law->kind == AST_CALL;
    const FamilyLaw *word = call && !law->decl ? family_law(law->name) : NULL;
    if (word) check_word(s, law, word);
    if (lhs->kind == AST_TUPLE) {
        for (size_t i = 0; i < vec_len(lhs->kids); i++) {
            Ast *name = latent_of(s, lhs->kids[i]);
            if (name) claim(s, name, lhs->kids[i]);
            if (name) infer(s, lhs->kids[i]);
        }
        if (!word) infer_law(s, law, NULL);
        return;
    }
    if (is_word(lhs, "all") || is_word(lhs, "others")) {
        claim_all(s, lhs);
        if (word) return;
        FAIL(s, E_FAMILY_ALL, law->span, lhs->name, fmt_expr(s->c, law));
        diag_help(s->c, "laws for several latents are words: meanfield, fullrank, lowrank(K), "
                  "mixture(K), point");
        return;
    }
    Ast *name = latent_of(s, lhs);
    if (name) site->decl = name;
    bool good = name && claim(s, name, lhs);
    if (word) {
        if (good) infer(s, lhs);
        return;
    }
    if (good) check_guide(s, name, lhs, law);
    else infer(s, law);
}

/* ---- families -------------------------------------------------------------------------------- */
static void check_complete(Check *s, Ast *family)
{
    Ast **latents = latents_of(s, s->model);
    for (size_t i = 0; i < vec_len(latents); i++) {
        Type *t = latents[i]->type;
        bool discrete = is_bad(t) || t->elem != ELEM_REAL;
        if (map_get(s->guided, latents[i]) || discrete) continue;
        FAIL(s, E_FAMILY_MISSING, family->kids[FAMILY_FOR]->span, latents[i]->name);
        diag_note(s->c, latents[i]->span, "declared here");
        diag_help(s->c, "add `%s ~ ..`, or `others ~ meanfield`", latents[i]->name);
        return;
    }
}

/* One anonymous family for each model is its default; a second must be named. */
static void check_anonymous(Check *s, Ast *family)
{
    for (size_t i = 0; !family->name && i < vec_len(s->file->kids); i++) {
        Ast *other = s->file->kids[i];
        if (other == family) return;
        if (other->kind != AST_FAMILY || other->name || other->decl != family->decl) continue;
        FAIL(s, E_ONE_FAMILY, family->span, s->model->name);
        diag_note(s->c, other->span, "the first is here");
        diag_help(s->c, "name it, `family NAME for %s`, and select it: `train %s with NAME`",
                  s->model->name, s->model->name);
        return;
    }
}

void check_family(Check *s, Ast *family)
{
    int before = diag_count(s->c);
    s->model = family->decl;
    s->family = family;
    s->guided = map_new(s->c);
    check_anonymous(s, family);
    infer_block(s, family->kids[FAMILY_BODY]);
    if (diag_count(s->c) == before) check_complete(s, family);
    s->family = NULL;
    s->model = NULL;
}
