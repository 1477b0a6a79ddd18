/* log_prob.c - the log joint density as a function of the latents, for whoever samples or optimises
 * from outside.
 *
 *     log_prob         z given            log p(x, z): one term for every statement
 *     log_prob_free    u given            the same at z = constrain(u), and log |det dz/du|
 *     to_values        u given            z
 *     to_free          z given            u = unconstrain(z)
 *     log_prob_noncentred, to_values_noncentred: as _free and to_values, with every latent that
 *                      --noncenter=auto would take non-centred: the same posterior in coordinates
 *                      that may be easier, for a fitter that tries both
 * The free numbers of a non-centred latent are its standard values (noncenter.c): then its value
 * reads other latents, and in log_prob_free its law is the standard one, Jacobian included.
 * A latent of a plate with a condition has a free number for each cell. Those of the cells that do
 * not count have the standard normal density, so that the density stays a proper one: they are
 * independent of all others, and integrate to 1. In to_values, these cells are NaN.
 * Parameters of the model are given as latents are; a law that they have is a term. The gradient is
 * taken by what is given. Nothing is drawn and no family is read, so the terms are exact.
 */
#include "derive.h"

static bool is_given(const Var *v)
{
    return !v->synthetic && !var_is_discrete(v) && (v->kind == VAR_LATENT || v->kind == VAR_PARAM);
}

static bool is_own(Derive *d, const Var *v)
{
    return is_free(d, v) && v->centring != NONCENTRED && !var_is_partial(v);
}

/* Free numbers of a variable: those that its mean field draws, or new ones. */
static Var *free_numbers(Derive *d, Var *v)
{
    for (size_t i = 0; i < vec_len(d->latents); i++) {
        const Latent *z = &d->latents[i];
        if (z->var == v && z->drawn != v && z->guide->kind == GUIDE_MEANFIELD)
            return z->drawn;
    }
    Str name = str_fmt(d->c, "%s_free", v->name);
    return make_value(d, name, free_type(d, v), v->plate, v->decl->span);
}

/* A member of the support of g, which the type of the call names. */
static Ast *map_call(Derive *d, const char *member, const Given *g, const Var *x)
{
    Span at = g->var->decl->span;
    return make_call(d->c, member, g->var->type, at, make_name(d->c, x, at), NULL);
}

/* ---- terms ----------------------------------------------------------------------------------- */

static const Given *given_of(const Derive *d, const Var *v)
{
    for (size_t i = 0; i < vec_len(d->d->givens); i++)
        if (d->d->givens[i].var == v)
            return &d->d->givens[i];
    ice("`%s` is not given", v->name);
}

static Term standard_term(Derive *d, const Site *s)
{
    Ast *u = make_name(d->c, given_of(d, s->var)->free, s->span);
    Term t = make_term(d, s->var->name, TERM_PRIOR, 1, standard_prior(d, s, u), s->plate, s->span);
    t.noncentred = s->var;
    t.moved = noncentred_value(d, s->var, u);
    return t;
}

void log_joint_terms(Derive *d, Query *q, bool free)
{
    d->taken = NULL;
    for (size_t i = 0; i < vec_len(d->m->sites); i++) {
        const Site *s = &d->m->sites[i];
        if (site_is_summed(d, s))
            continue;
        if (free && !s->observed && s->var->centring == NONCENTRED) {
            vec_push(d->c, q->terms, standard_term(d, s));
            continue;
        }
        Ast *e = joint_site(d, s);
        TermKind kind = s->observed ? TERM_LIKELIHOOD : TERM_PRIOR;
        if (e)
            vec_push(d->c, q->terms, make_term(d, s->var->name, kind, 1, e, s->plate, s->span));
    }
    sum_out(d, q);
    joint_factors(d, q, false);
    joint_factors(d, q, true);
}

static void jacobian_terms(Derive *d, Query *q)
{
    for (size_t i = 0; i < vec_len(d->d->givens); i++) {
        const Given *g = &d->d->givens[i];
        Str name = str_fmt(d->c, "jacobian_%s", g->var->name);
        if (is_free(d, g->var))
            continue;
        Ast *e = map_call(d, "log_jacobian", g, g->free);
        vec_push(d->c, q->terms, make_term(d, name, TERM_JACOBIAN, 1, e, g->var->plate,
                                           g->var->decl->span));
    }
}

/* Of the free numbers of the cells that do not count. */
static void rest_terms(Derive *d, Query *q)
{
    Ctx *c = d->c;
    for (size_t i = 0; i < vec_len(d->d->givens); i++) {
        const Given *g = &d->d->givens[i];
        Span at = g->var->decl->span;
        if (!var_is_partial(g->var))
            continue;
        Ast *law = make_law(d, "normal", at, ast_num(c, at, 0), NULL, ast_num(c, at, 1));
        Ast *density = make_call(c, "logpdf", real_scalar(c), at, law, make_name(c, g->free, at));
        Ast *none = ast_num(c, at, 0);
        none->type = real_scalar(c);
        Ast *e = make_partial(c, g->var->plate, none, density);
        vec_push(c, q->terms, make_whole_term(d, str_fmt(c, "rest_%s", g->var->name), TERM_PRIOR, 1,
                                              e, g->var->plate, at));
    }
}

/* ---- queries --------------------------------------------------------------------------------- */

static void bind(Derive *d, Query *q, Var *v, Ast *value, const Var *like)
{
    vec_push(d->c, q->binds, ((Bind){ .kind = BIND_VALUE, .var = v, .expr = value,
                                      .plate = like->plate, .span = like->decl->span,
                                      .like = like }));
}

/* Non-centred latents after the others, which their values read. */
static void give(Derive *d, Query *q, bool free)
{
    const Given *givens = d->d->givens;
    for (size_t i = 0; i < vec_len(givens); i++) {
        const Given *g = &givens[i];
        vec_push(d->c, q->given, free ? g->free : g->var);
        if (free && g->free != g->var && g->var->centring != NONCENTRED)
            bind(d, q, g->var, map_call(d, "constrain", g, g->free), g->var);
    }
    for (size_t i = 0; i < vec_len(givens); i++) {
        const Given *g = &givens[i];
        Ast *u = make_name(d->c, g->free, g->var->decl->span);
        if (free && g->var->centring == NONCENTRED)
            vec_push(d->c, q->binds, noncentred_bind(d, g->var, u));
    }
}

static void map_results(Derive *d, Query *q, bool to_free)
{
    for (size_t i = 0; i < vec_len(d->d->givens); i++) {
        const Given *g = &d->d->givens[i];
        Span at = g->var->decl->span;
        bool moved = to_free && g->var->centring == NONCENTRED;
        if (moved)
            bind(d, q, g->free, noncentred_free(d, g->var), g->var);
        Ast *e = moved ? make_name(d->c, g->free, at)
               : to_free && g->free != g->var ? map_call(d, "unconstrain", g, g->var)
                                              : make_name(d->c, g->var, at);
        if (to_free && var_is_partial(g->var))
            e = make_partial(d->c, g->var->plate, e, ast_num(d->c, at, 0));
        else if (!to_free)
            e = make_known(d->c, g->var, e);
        vec_push(d->c, q->results, ((Result){ g->var->name, e, g->var->plate, false }));
    }
}

static Str why_absent(Derive *d)
{
    static const char *const members[] = { "constrain", "unconstrain", "log_jacobian" };
    bool any = false;
    for (size_t i = 0; i < vec_len(d->m->vars); i++) {
        const Var *v = d->m->vars[i];
        Ast *s = is_given(v) ? support_of(d, v->type) : NULL;
        any |= is_given(v);
        if (v->drawn)
            return str_fmt(d->c, "`%s` is discrete and drawn: there is no slope by it", v->name);
        if (v->kind == VAR_NET)
            return str_fmt(d->c, "the weights of net `%s` are no latents", v->name);
        for (size_t k = 0; s && k < sizeof members / sizeof *members; k++)
            if (!support_member(s, members[k]))
                return str_fmt(d->c, "support `%s` of `%s` has no `%s`", s->name, v->name,
                               members[k]);
    }
    return any || model_has_states(d->m)
         ? NULL : str(d->c, "the model has neither latents nor parameters");
}

static void find_givens(Derive *d)
{
    Derivation *out = d->d;
    out->givens = NULL;
    for (size_t i = 0; i < vec_len(d->m->vars); i++) {
        Var *v = d->m->vars[i];
        if (is_given(v))
            vec_push(d->c, out->givens, ((Given){ v, is_own(d, v) ? v : free_numbers(d, v) }));
    }
}

static void free_queries(Derive *d, Query *log_prob, Query *to_values)
{
    give(d, log_prob, true);
    log_joint_terms(d, log_prob, true);
    jacobian_terms(d, log_prob);
    rest_terms(d, log_prob);
    give(d, to_values, true);
    map_results(d, to_values, false);
}

/* The other parameterization, for the time of these two queries. */
static void noncentred_queries(Derive *d)
{
    Derivation *out = d->d;
    const Given *centred = out->givens;
    Var **moved = NULL;
    for (size_t i = 0; i < vec_len(d->m->vars); i++)
        if (d->m->vars[i]->centring == NONCENTRABLE)
            vec_push(d->c, moved, d->m->vars[i]);
    if (vec_len(moved) == 0) {
        Str why = str(d->c, "no latent is left that could be non-centred");
        out->log_prob_noncentred.absent = out->to_values_noncentred.absent = why;
        return;
    }
    for (size_t i = 0; i < vec_len(moved); i++)
        moved[i]->centring = NONCENTRED;
    find_givens(d);
    free_queries(d, &out->log_prob_noncentred, &out->to_values_noncentred);
    for (size_t i = 0; i < vec_len(moved); i++)
        moved[i]->centring = NONCENTRABLE;
    out->givens = (Given *)centred;
}

void log_prob_queries(Derive *d)
{
    Derivation *out = d->d;
    Str why = why_absent(d);
    out->log_prob.absent = out->log_prob_free.absent = why;
    out->to_values.absent = out->to_free.absent = why;
    out->log_prob_noncentred.absent = out->to_values_noncentred.absent = why;
    if (why)
        return;
    find_givens(d);
    give(d, &out->log_prob, false);
    log_joint_terms(d, &out->log_prob, false);
    free_queries(d, &out->log_prob_free, &out->to_values);
    give(d, &out->to_free, false);
    map_results(d, &out->to_free, true);
    noncentred_queries(d);
}
