/* noncenter.c - latents of a law that is moved and stretched, by their standard values.
 *
 *     theta ~ normal(mu, tau)     ->     theta = mu + tau * u,  u ~ normal(0, 1)
 *     s ~ lognormal(m, w)         ->     s = constrain(m + w * u),  constrain(u) ~ lognormal(0, 1)
 * Idea: theta and tau depend on each other however well the data are known (a funnel); u and tau do
 * not. The law says how it is moved: its facts `location` and `scale`, of the free number before
 * the map of the support, and the law `standard` without them. The density of u is that law's, so
 * log |d theta / d u| is in it, and nothing is divided by tau.
 * In a sequence, level ~ normal(previous(level, m), q) is level = previous(level, m) + q * u, a
 * recursion of its own (scan.c in lower). The laws of an `if` must have one standard law.
 * A latent is non-centred by the family, `theta ~ noncentered`, or by the option --noncenter.
 * establishes: Var.centring of every latent
 */
#include "derive.h"

#include <string.h>

typedef struct Affine {
    Ast *location, *scale, *standard;
    bool matrix;                       /* location + scale @ u */
} Affine;

/* ---- the law --------------------------------------------------------------------------------- */

static const Site *site_of(const Derive *d, const Var *v)
{
    for (size_t i = 0; i < vec_len(d->m->sites); i++)
        if (d->m->sites[i].var == v && !d->m->sites[i].observed)
            return &d->m->sites[i];
    return NULL;
}

static bool affine_of(Derive *d, Ast *law, Affine *a);

static Ast *chosen(Derive *d, const Ast *law, Ast *a, Ast *b)
{
    Ast *e = make_choice(d->c, law->span, law->kids[IF_COND], a, b);
    e->type = a->type;
    return e;
}

/* Both laws of an `if`, where they are one standard law moved and stretched. */
static bool affine_of_both(Derive *d, const Ast *law, Affine *a)
{
    Affine x, y;
    if (!affine_of(d, law->kids[IF_THEN], &x) || !affine_of(d, law->kids[IF_ELSE], &y)
        || x.matrix != y.matrix
        || strcmp(fmt_expr(d->c, x.standard), fmt_expr(d->c, y.standard)))
        return false;
    *a = (Affine){ chosen(d, law, x.location, y.location), chosen(d, law, x.scale, y.scale),
                   x.standard, x.matrix };
    return true;
}

/* False if the law does not say how it is moved. */
static bool affine_of(Derive *d, Ast *law, Affine *a)
{
    law = law_see(d->m, law);
    if (law->kind == AST_IF)
        return affine_of_both(d, law, a);
    const Ast *member = law_member(law_called(law), AST_FACT, "scale", NULL);
    const Type *t = member ? member->kids[FACT_VALUE]->type : NULL;
    *a = (Affine){ expand_part(d, law, "location"), expand_part(d, law, "scale"),
                   expand_part(d, law, "standard"), false };
    a->matrix = t && (int)vec_len(t->event) > law_rank(law);
    return a->location && a->scale && a->standard;
}

static Affine affine(Derive *d, const Var *v)
{
    Affine a;
    if (!affine_of(d, site_of(d, v)->law, &a))
        ice_span(v->decl->span, "`%s` is not moved and stretched", v->name);
    return a;
}

/* ---- may it be non-centred? ------------------------------------------------------------------ */

static bool on_the_same_support(const Var *v, const Ast *law)
{
    const Ast *support = law_base(law_called(law))->kids[DIST_SUPPORT];
    return v->type->support && !strcmp(v->type->support, support->name);
}

/* Does a matrix that multiplies the elements differ along an axis that has no index? */
static bool has_many_scales(Derive *d, const Ast *law)
{
    Ast **params = law_params(d->c, law_called(law));
    for (size_t i = 0; i < vec_len(law->kids); i++) {
        const Ast *p = law_param(params, law->kids[i], i);
        const Type *t = law->kids[i]->kids[ARG_VALUE]->type;
        int rank = p ? declared_rank(p->kids[ARGDECL_TYPE]) : 0;
        if (rank > 1 && t && (int)(vec_len(t->array) + vec_len(t->event)) > rank)
            return true;
    }
    return false;
}

static bool partly_indexed(const Var *v)
{
    size_t indexed = 0;
    for (size_t i = 0; i < vec_len(v->decl->kids); i++)
        indexed += v->decl->kids[i]->kind == AST_BINDER;
    return indexed > 0 && indexed < vec_len(v->type->array);
}

/* A latent that the law reads and that has no value yet when v gets its own, or NULL. Those of the
 * same sequence are read at earlier steps, with which they are computed in turn. */
static const Var *read_too_early(Derive *d, const Site *s)
{
    Var **reads = model_reads(d->c, d->m, s->law);
    bool below = false;
    for (size_t i = 0; i < vec_len(d->m->sites); i++) {
        const Site *other = &d->m->sites[i];
        below |= other->var == s->var;
        bool earlier = plate_sequence(s->plate)
                    && plate_sequence(other->plate) == plate_sequence(s->plate);
        if (below && !earlier && !other->observed && reads_has(reads, other->var))
            return other->var;
    }
    return NULL;
}

static const Guide *guide_of(const Derive *d, const Var *v)
{
    for (size_t i = 0; i < vec_len(d->m->family->guides); i++)
        if (reads_has(d->m->family->guides[i].latents, v))
            return &d->m->family->guides[i];
    return NULL;
}

static const Var *read_by_family(Derive *d, const Var *v)
{
    for (size_t i = 0; i < vec_len(d->m->family->guides); i++) {
        const Guide *g = &d->m->family->guides[i];
        if (reads_has(model_reads(d->c, d->m, g->law), v))
            return g->latents[0];
    }
    return NULL;
}

/* What of a law of v, or of a branch of it, stands in the way; NULL: nothing. */
static Str why_not_of_law(Derive *d, const Var *v, Ast *law)
{
    Ctx *c = d->c;
    Affine a;
    law = law_see(d->m, law);
    if (law->kind == AST_IF) {
        Str why = why_not_of_law(d, v, law->kids[IF_THEN]);
        why = why ? why : why_not_of_law(d, v, law->kids[IF_ELSE]);
        return why || affine_of(d, law, &a) ? why
             : str(c, "the laws of its `if` are not one, moved and stretched");
    }
    if (law_is_flat(law))
        return str(c, "its prior is flat");
    if (law->kind == AST_PIPE || v->half || v->unscaled)
        return str(c, "its law is cut off");
    if (!law_called(law))
        return str_fmt(c, "`%s` is no distribution", fmt_expr(c, law));
    if (!affine_of(d, law, &a))
        return str_fmt(c, "%s states no `location`, `scale` and `standard`",
                       law_base(law_called(law))->name);
    if (!on_the_same_support(v, law))
        return str_fmt(c, "it lies in %s, its law on another support", type_text(c, v->type));
    if (a.matrix && has_many_scales(d, law))
        return str(c, "its scales are an array: declare it with an index, `z[j in J]`");
    return NULL;
}

/* Why it must stay as it is; NULL: it need not. */
static Str why_centred(Derive *d, const Var *v)
{
    Ctx *c = d->c;
    const Site *s = site_of(d, v);
    const Var *other;
    Str why;
    if (var_is_discrete(v))
        return str(c, "it is discrete");
    if (!s)
        return str(c, "it stands for missing cells");
    if ((why = why_not_of_law(d, v, s->law)))
        return why;
    if (site_is_summed(d, s))
        return str(c, "its law reads a latent that is summed out");
    if ((other = read_too_early(d, s)))
        return str_fmt(c, "its law reads `%s`, which is declared below", other->name);
    if (guide_of(d, v)->kind == GUIDE_LAW)
        return str(c, "the family has a law of its own for it");
    if (guide_of(d, v)->kind == GUIDE_POINT)
        return str(c, "the family takes a point for it, which has its prior as stated");
    if ((other = read_by_family(d, v)))
        return str_fmt(c, "the family's law of `%s` reads it", other->name);
    if (partly_indexed(v))
        return str(c, "only some of its axes have an index");
    return NULL;
}

/* Is it moved or stretched by other latents? */
static bool depends(Derive *d, const Var *v)
{
    Affine a = affine(d, v);
    Ast *parts[] = { a.location, a.scale };
    for (size_t k = 0; k < 2; k++) {
        Var **reads = model_reads(d->c, d->m, parts[k]);
        for (size_t i = 0; i < vec_len(reads); i++)
            if (reads[i]->kind == VAR_LATENT)
                return true;
    }
    return false;
}

/* ---- which are ------------------------------------------------------------------------------- */

static void decide(Derive *d, Var *v)
{
    const Guide *g = var_is_discrete(v) ? NULL : guide_of(d, v);
    bool automatic = d->c->noncenter && !strcmp(d->c->noncenter, "auto");
    bool option = !automatic && str_listed(d->c->noncenter, v->name);
    bool line = g && g->noncentred && !g->implied;
    Str why = why_centred(d, v);
    if (why && (option || line)) {
        diag_error(d->c, E_NONCENTER, line ? g->span : v->decl->span, v->name, why);
        diag_help(d->c, line ? "give it `meanfield`" : "leave it out of --noncenter");
    }
    if (why)
        return;
    bool helps = depends(d, v), wanted = automatic || (g->noncentred && g->implied);
    v->centring = option || line || (helps && wanted) ? NONCENTRED
                : helps ? NONCENTRABLE : CENTRED;
}

/* Every name of the option is one of a latent. */
static void check_names(Derive *d)
{
    for (const char *p = d->c->noncenter; p && *p && strcmp(p, "auto");) {
        Str name = str_n(d->c, p, strcspn(p, ","));
        bool known = false;
        for (size_t i = 0; i < vec_len(d->m->vars); i++)
            known |= d->m->vars[i]->kind == VAR_LATENT && d->m->vars[i]->name == name;
        if (!known) {
            diag_error(d->c, E_NONCENTER, d->m->node->span, name, "it is no latent of the model");
            diag_help(d->c, "--noncenter takes `auto`, `none`, or names of latents");
            return;
        }
        p += strlen(name);
        p += *p == ',';
    }
}

void noncenter(Derive *d)
{
    check_names(d);
    for (size_t i = 0; i < vec_len(d->m->vars); i++)
        if (d->m->vars[i]->kind == VAR_LATENT)
            decide(d, d->m->vars[i]);
}

/* ---- values and densities -------------------------------------------------------------------- */

static bool is_num(const Ast *e, double value)
{
    return e->kind == AST_NUM && e->num == value;
}

static Ast *binary(Derive *d, const char *op, Ast *a, Ast *b, Type *type)
{
    Ast *e = make_binary(d->c, op, a, b);
    e->type = type;
    return e;
}

static Ast *transposed(Derive *d, Ast *matrix)
{
    return ast_new(d->c, AST_UNARY, matrix->span, str(d->c, "'"), 1, matrix);
}

/* e, an element of v or all of it, or its image under a map of the support. */
static Ast *mapped(Derive *d, const Var *v, const char *member, Ast *e)
{
    Type *type = arena_alloc(d->c->arena, sizeof *type);
    *type = *v->type;
    if (has_declared_binders(v))
        type->array = NULL;
    return is_free(d, v) ? e : make_call(d->c, member, type, v->decl->span, e, NULL);
}

Ast *standard_law(Derive *d, const Var *v)
{
    return affine(d, v).standard;
}

Ast *noncentred_value(Derive *d, const Var *v, Ast *u)
{
    Affine a = affine(d, v);
    Ast *x = make_element_of(d->c, v, u);
    Type *type = x->type;
    if (a.matrix)
        x = binary(d, "@", x, transposed(d, a.scale), type);
    else if (!is_num(a.scale, 1))
        x = binary(d, "*", a.scale, x, type);
    if (!is_num(a.location, 0))
        x = binary(d, "+", a.location, x, type);
    return mapped(d, v, "constrain", x);
}

Bind noncentred_bind(Derive *d, Var *v, Ast *u)
{
    return (Bind){ .kind = BIND_VALUE, .var = v, .expr = noncentred_value(d, v, u),
                   .plate = v->plate, .span = v->decl->span, .like = v,
                   .recursive = plate_sequence(v->plate) != NULL };
}

Ast *noncentred_free(Derive *d, const Var *v)
{
    Affine a = affine(d, v);
    Ast *x = mapped(d, v, "unconstrain", make_element(d->c, v, v->decl->span));
    Type *type = x->type;
    if (!is_num(a.location, 0))
        x = binary(d, "-", x, a.location, type);
    if (a.matrix) {
        Ast *inverse = ast_call(d->c, v->decl->span, "inverse", 1, a.scale);
        return binary(d, "@", x, transposed(d, inverse), type);
    }
    return is_num(a.scale, 1) ? x : binary(d, "/", x, a.scale, type);
}

Ast *standard_prior(Derive *d, const Site *s, Ast *u)
{
    Ast *x = mapped(d, s->var, "constrain", make_element_of(d->c, s->var, u));
    Ast *e = make_call(d->c, "logpdf", real_scalar(d->c), s->span, standard_law(d, s->var), x);
    return make_declared_sum(d->c, s->var, e);
}
