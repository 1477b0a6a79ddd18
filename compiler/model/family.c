/* family.c - the family of a model: one Guide, the law that it is drawn from, for every latent.
 *
 * Idea: the family block is walked like the model; re-opening `for n in N` enters the model's own
 * plate. What has no line of its own gets what `others` or `all` says, or the default, mean field.
 *     family for m { (a, b) ~ fullrank; others ~ meanfield }  guides: {a, b} fullrank, c meanfield
 * establishes: every latent in exactly one guide; a guide reads only latents drawn above it.
 */
#include "build.h"

#include <string.h>

/* ---- selection ------------------------------------------------------------------------------- */

static bool is_for(const Ast *item, const Model *m)
{
    return item->kind == AST_FAMILY
        && (item->decl == m->node
            || (item->kids[FAMILY_FOR] && item->kids[FAMILY_FOR]->name == m->name));
}

bool family_select(Build *b)
{
    Model *m = b->m;
    Ast *with = m->training.node ? m->training.node->kids[TRAIN_WITH] : NULL;
    Ast *found = NULL, *named = NULL;
    int n_named = 0;
    for (size_t i = 0; i < vec_len(m->file->kids); i++) {
        Ast *item = m->file->kids[i];
        if (!is_for(item, m))
            continue;
        if (with ? item->name == with->name : !item->name)
            found = item;
        if (item->name) {
            n_named++;
            named = item;
        }
    }
    if (!found && n_named) {
        diag_error(b->c, E_FAMILY_CHOICE, named->span, m->name, n_named);
        diag_help(b->c, "write `train %s with %s { .. }`, or leave out the name", m->name,
                  named->name);
        return false;
    }
    b->family = found;
    return true;
}

static bool is_drawn(const Var *v)
{
    return v->kind == VAR_LATENT && !var_is_summed(v);
}

/* ---- guides ---------------------------------------------------------------------------------- */

static void guide_push(Build *b, Guide g)
{
    vec_push(b->c, b->m->family->guides, g);
}

static bool has_guide(const Family *f, const Var *latent)
{
    for (size_t i = 0; i < vec_len(f->guides); i++)
        if (reads_has(f->guides[i].latents, latent))
            return true;
    return false;
}

/* A family of the compiler's own, not a distribution of that name. */
static bool is_word(const Ast *law, const char *word)
{
    bool distribution = law->decl
        && (law->decl->kind == AST_DISTRIBUTION || law->decl->kind == AST_ALSO);
    return (law->kind == AST_NAME || law->kind == AST_CALL) && !distribution
        && !strcmp(law->name, word);
}

/* What a law makes: a Guide without latents. */
static Guide guide_of(const Ast *s)
{
    static const struct { const char *name; GuideKind kind; bool joint; } words[] = {
#define FAMILY_LAW(name, guide, joint, min, max, doc) { #name, GUIDE_##guide, joint },
#include "../check/families.def"
#undef FAMILY_LAW
    };
    Ast *law = s->kids[SITE_LAW];
    Guide g = { .kind = GUIDE_LAW, .law = law, .span = s->span };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (is_word(law, words[i].name))
            g = (Guide){ .kind = words[i].kind, .joint = words[i].joint, .count = law->type->size,
                         .span = s->span };
    g.noncentred = is_word(law, "noncentered");
    return g;
}

/* The innermost plate that all of them stand in, or NULL. */
static Plate *shared_plate(Var *const *latents)
{
    Plate *p = latents[0]->plate;
    for (size_t i = 1; i < vec_len(latents); i++)
        while (p && !plate_within(latents[i]->plate, p))
            p = p->outer;
    return p;
}

/* One guide for the group, if it is joint, or one for each of the latents. */
static void guide_group(Build *b, Guide g, Var **latents)
{
    if (vec_len(latents) == 0)
        return;
    if (g.joint) {
        g.latents = latents;
        g.plate = shared_plate(latents);
        guide_push(b, g);
        return;
    }
    for (size_t i = 0; i < vec_len(latents); i++) {
        Var **one = NULL;
        vec_push(b->c, one, latents[i]);
        g.latents = one;
        g.plate = latents[i]->plate;
        guide_push(b, g);
    }
}

static bool is_rest(const Ast *lhs)
{
    return lhs->kind == AST_NAME && (!strcmp(lhs->name, "all") || !strcmp(lhs->name, "others"))
        && (!lhs->decl || lhs->decl->kind != AST_DECLNAME);
}

static void build_guide(Build *b, Ast *s)
{
    Ast *lhs = s->kids[SITE_LHS];
    Var **latents = NULL;
    if (is_rest(lhs))
        return;
    Guide g = guide_of(s);
    size_t n = lhs->kind == AST_TUPLE ? vec_len(lhs->kids) : 1;
    for (size_t i = 0; i < n; i++) {
        Ast *base = index_base(lhs->kind == AST_TUPLE ? lhs->kids[i] : lhs);
        Var *v = base ? model_var(b->m, base->decl) : NULL;
        if (v && var_is_summed(v)) {
            diag_error(b->c, E_SUMMED_GUIDE, s->span, v->name);
            diag_help(b->c, "leave this line out, or `%s by sum`", v->name);
        } else if (v && v->kind == VAR_LATENT && !has_guide(b->m->family, v)) {
            vec_push(b->c, latents, v);
        }
    }
    if (g.kind == GUIDE_LAW && vec_len(latents) > 1) {
        diag_error(b->c, E_ND_JOINT, s->span);
        diag_help(b->c, "give each latent its own line, or use `fullrank`");
        return;
    }
    guide_group(b, g, latents);
}

/* `all ~ ..` and `others ~ ..`: the latents that no line names. */
static void build_rest(Build *b, Ast *s)
{
    Var **latents = NULL;
    if (!is_rest(s->kids[SITE_LHS]))
        return;
    Guide g = guide_of(s);
    g.implied = true;
    for (size_t i = 0; i < vec_len(b->m->vars); i++)
        if (is_drawn(b->m->vars[i]) && !has_guide(b->m->family, b->m->vars[i]))
            vec_push(b->c, latents, b->m->vars[i]);
    guide_group(b, g, latents);
}

static void family_var(Build *b, VarKind kind, Ast *decl, Ast *s, Plate *plate)
{
    Var *v = build_var(b, kind, decl, s, plate);
    if (kind == VAR_LET)
        v->value = s->kids[LET_VALUE];
    vec_push(b->c, b->m->family->vars, v);
}

static void walk_family(Build *b, Ast *block, Plate *plate, bool rest)
{
    for (size_t i = 0; i < vec_len(block->kids); i++) {
        Ast *s = block->kids[i];
        if (s->kind == AST_SITE && rest)
            build_rest(b, s);
        else if (s->kind == AST_SITE)
            build_guide(b, s);
        else if (s->kind == AST_FOR) {
            Plate *inner = build_plate(b, s, plate);
            if (inner)
                walk_family(b, s->kids[FOR_BODY], inner, rest);
        } else if (s->kind == AST_SCAN && !rest)
            diag_error(b->c, E_ND_SCAN, s->kids[SCAN_BINDER]->span);
        else if (s->kind == AST_LET && !rest)
            family_var(b, VAR_LET, s->kids[LET_NAMES]->kids[0], s, plate);
        else if (s->kind == AST_NET && !rest)
            family_var(b, VAR_NET, s, s, plate);
        else if (s->kind == AST_PARAM && !rest)
            for (size_t k = 0; k < vec_len(s->kids[PARAM_NAMES]->kids); k++)
                family_var(b, VAR_PARAM, s->kids[PARAM_NAMES]->kids[k], s, plate);
    }
}

/* ---- order of drawing ------------------------------------------------------------------------ */

/* What is no law of the user depends on nothing: drawn first, any law may read it. */
static void free_first(Build *b)
{
    Guide *sorted = NULL, *guides = b->m->family->guides;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < vec_len(guides); i++)
            if ((guides[i].kind == GUIDE_LAW) == (pass == 1))
                vec_push(b->c, sorted, guides[i]);
    b->m->family->guides = sorted;
}

static void check_order(Build *b)
{
    Family *f = b->m->family;
    Var **drawn = NULL;
    for (size_t i = 0; i < vec_len(f->guides); i++) {
        Guide *g = &f->guides[i];
        Var **reads = model_reads(b->c, b->m, g->law);
        for (size_t k = 0; k < vec_len(reads); k++) {
            if (reads[k]->kind == VAR_DATA && g->plate)
                g->amortized = true;
            if (reads[k]->kind != VAR_LATENT || reads_has(drawn, reads[k]))
                continue;
            diag_error(b->c, E_GUIDE_ORDER, g->law->span, g->latents[0]->name, reads[k]->name);
            diag_help(b->c, "put the line of `%s` above", reads[k]->name);
        }
        for (size_t k = 0; k < vec_len(g->latents); k++)
            vec_push(b->c, drawn, g->latents[k]);
    }
}

void family_build(Build *b)
{
    Model *m = b->m;
    bool any = false;
    for (size_t i = 0; i < vec_len(m->vars); i++)
        any |= is_drawn(m->vars[i]);
    if (!any)
        return;
    m->family = arena_alloc(b->c->arena, sizeof *m->family);
    m->family->node = b->family;
    m->family->name = b->family ? b->family->name : NULL;
    if (b->family) {
        refuse_tree(b->c, b->family);
        walk_family(b, b->family->kids[FAMILY_BODY], NULL, false);
        walk_family(b, b->family->kids[FAMILY_BODY], NULL, true);
    }
    Var **left = NULL;
    for (size_t i = 0; i < vec_len(m->vars); i++)
        if (is_drawn(m->vars[i]) && !has_guide(m->family, m->vars[i]))
            vec_push(b->c, left, m->vars[i]);
    Guide meanfield = { .kind = GUIDE_MEANFIELD, .implied = true, .span = m->node->span };
    guide_group(b, meanfield, left);
    free_first(b);
    check_order(b);
}
