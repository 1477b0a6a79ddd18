/* kl.c - the part of the bound between family and prior, closed where the library offers it.
 *
 *     E_q[log p(z | ..) - log q(z)]  =  - KL(q || p)            one closed term, or
 *                                    =  + E_q[log p(z | ..)]    sampled
 *                                       + E_q[log |T'(u)|]      if z = T(u)
 *                                       + H(q)                  closed, or sampled as - E_q[log q]
 * The closed divergence is exact given the latents drawn so far, so it stays inside the expectation
 * over those: E_q[KL(q(z | a) || p(z | a))]. It must not be used where the prior reads a latent
 * that the family draws after z and from z.
 */
#include "derive.h"

/* Does the family draw `later` with a law that depends on z? */
bool depends_on_draw(Derive *d, const Latent *later, const Var *z, int depth)
{
    if (depth > LIMIT_INLINE)
        return true;
    Var **reads = model_reads(d->c, d->m, later->guide->law);
    if (reads_has(reads, z))
        return true;
    for (size_t i = 0; i < vec_len(d->latents); i++)
        if (reads_has(reads, d->latents[i].var) && d->latents[i].var != later->var
            && depends_on_draw(d, &d->latents[i], z, depth + 1))
            return true;
    return false;
}

/* Arguments must give the law all its axes, or none: then the sum over events is unambiguous. */
static bool axes_fit(Derive *d, const Latent *z, int most)
{
    Type *beyond = beyond_event(d->c, z->drawn->type, law_rank(z->q));
    int n = (int)(vec_len(beyond->array) + vec_len(beyond->event));
    return most == 0 || most == n;
}

/* The family's law at the elements of `b[j in J]`, for mean field only. */
static Ast *element_law(Derive *d, const Latent *z, const Ast *element)
{
    Ast *q = ast_copy(d->c, z->q);
    for (size_t i = 0; i < vec_len(q->kids); i++) {
        Ast *arg = q->kids[i], *value = arg->kids[ARG_VALUE];
        Ast **index = NULL;
        for (size_t k = 1; value->kind == AST_INDEX && k < vec_len(value->kids); k++)
            vec_push(d->c, index, value->kids[k]);
        for (size_t k = 1; k < vec_len(element->kids); k++)
            vec_push(d->c, index, element->kids[k]);
        Ast *base = value->kind == AST_INDEX ? value->kids[INDEX_BASE] : value;
        Ast *at = make_index(d->c, base, index);
        at->type = make_type(d->c, value->type->support, NULL, value->type->event);
        arg->kids[ARG_VALUE] = at;
    }
    return q;
}

bool kl_closed(Derive *d, const Latent *z, Ast **expr, Str *why)
{
    bool standard = z->var->centring == NONCENTRED;
    Ast *p = standard ? standard_law(d, z->var) : law_see(d->m, z->site->law);
    bool declared = has_declared_binders(z->var);
    if (law_is_flat(p))
        return *why = str(d->c, "a flat prior is no distribution"), false;
    if (is_point(z))
        return *why = str(d->c, "the latent is a point"), false;
    if (z->guide->joint)
        return *why = str(d->c, "the latent is drawn jointly with its group"), false;
    if (z->mapped)
        return *why = str_fmt(d->c, "the family draws a free number, mapped onto `%s`",
                              z->var->type->support), false;
    const Ast *lq = law_called(z->q), *lp = law_called(p), *holder;
    if (site_is_summed(d, z->site))
        return *why = str(d->c, "the prior reads a latent that is summed out"), false;
    if (z->var->half)
        return *why = str(d->c, "the prior is a half-prior"), false;
    if (!lp)
        return *why = str(d->c, "the prior is chosen by an `if`, or cut off"), false;
    Str q_name = law_base(lq)->name, p_name = law_base(lp)->name;
    if (!law_kl(lq, lp, &holder))
        return *why = str_fmt(d->c, "%s offers no closed KL against %s", q_name, p_name), false;
    if (declared && z->guide->kind != GUIDE_MEANFIELD)
        return *why = str(d->c, "the prior differs by index"), false;
    int most_q = batch_rank(d->c, z->q), most_p = batch_rank(d->c, p);
    if (!declared && !axes_fit(d, z, most_p > most_q ? most_p : most_q))
        return *why = str(d->c, "its arguments broadcast over some of the axes only"), false;
    Var **reads = model_reads(d->c, d->m, p);
    bool after = false;
    for (size_t i = 0; i < vec_len(d->latents); i++) {
        const Latent *other = &d->latents[i];
        after |= other->var == z->var;
        if (after && other->var != z->var && reads_has(reads, other->var)
            && depends_on_draw(d, other, z->var, 0))
            return *why = str_fmt(d->c, "the prior reads `%s`, which the family draws from `%s`",
                                  other->var->name, z->var->name), false;
    }
    Ast *element = make_element(d->c, z->var, z->site->span);
    Ast *q = declared ? element_law(d, z, element) : z->q;
    const Type *t = declared ? element->type : z->drawn->type;
    *expr = make_call(d->c, "kl", beyond_event(d->c, t, law_rank(p)), z->site->span, q, p);
    *expr = make_declared_sum(d->c, z->var, *expr);
    *why = str_fmt(d->c, "%s offers its KL against %s in closed form", q_name, p_name);
    return true;
}

bool entropy_closed(Derive *d, const Latent *z, Ast **expr, Str *why)
{
    const Ast *law = law_called(z->q);
    Str name = law_base(law)->name;
    if (!law_member(law, AST_FACT, "entropy", NULL))
        return *why = str_fmt(d->c, "%s offers no entropy", name), false;
    if (!axes_fit(d, z, batch_rank(d->c, z->q)))
        return *why = str(d->c, "its arguments broadcast over some of the axes only"), false;
    *expr = make_call(d->c, "entropy", beyond_event(d->c, z->drawn->type, law_rank(z->q)),
                      z->free->span, z->q, NULL);
    *why = str_fmt(d->c, "%s offers its entropy", name);
    return true;
}

/* Closed forms have no draws that cancel those of the other terms. */
static bool by_path(const Derive *d)
{
    return d->m->training.gradient == GRADIENT_PATH;
}

bool uses_closed(const Derive *d, const Latent *z)
{
    return z->by != BY_REPARAM && (z->score || z->by == BY_CLOSED || !by_path(d));
}

/* ---- terms ----------------------------------------------------------------------------------- */

static void add(Derive *d, Query *q, const Latent *z, const char *prefix, TermKind kind,
                double sign, double weight, Ast *expr, Span span)
{
    Term t = make_term(d, str_fmt(d->c, "%s_%s", prefix, z->var->name), kind, sign, expr,
                       kind == TERM_ENTROPY ? z->guide->plate : z->var->plate, span);
    t.weight = weight;
    if (z->var->centring == NONCENTRED && (kind == TERM_PRIOR || kind == TERM_KL)) {
        t.noncentred = z->var;
        t.moved = noncentred_value(d, z->var, z->free);
    }
    vec_push(d->c, q->terms, t);
}

static Ast *prior_of(Derive *d, const Latent *z)
{
    if (site_is_summed(d, z->site))
        return NULL;
    return z->var->centring == NONCENTRED ? standard_prior(d, z->site, z->free)
                                          : joint_prior(d, z->site);
}

static Ast *drawn_name(Derive *d, const Latent *z)
{
    return make_name(d->c, z->drawn, z->free->span);
}

static Ast *log_jacobian(Derive *d, const Latent *z)
{
    return make_call(d->c, "log_jacobian", z->var->type, z->var->decl->span, z->free, NULL);
}

Ast *log_q(Derive *d, const Latent *z)
{
    return make_call(d->c, "logpdf", real_scalar(d->c), z->free->span, z->q, drawn_name(d, z));
}

/* Of a latent by its score the slope of log q has mean 0: it would be noise. By the path of the
 * draws alone, so has that by the parameters. */
static Ast *sampled_log_q(Derive *d, const Latent *z)
{
    Ast *e = log_q(d, z);
    const char *held = z->score ? "stop_gradient" : by_path(d) ? "through_draws" : NULL;
    return held ? make_call(d->c, held, real_scalar(d->c), e->span, e, NULL) : e;
}

static void one_latent(Derive *d, Query *q, const Latent *z)
{
    double beta = d->m->training.beta;
    Span guide = z->free->span;
    Ast *e;
    Str why;
    if (is_point(z)) {
        point_term(d, q, z);
        return;
    }
    bool closed = kl_closed(d, z, &e, &why);
    if (z->by == BY_CLOSED && !closed) {
        diag_error(d->c, E_NO_CLOSED, z->by_at->span, z->var->name, why);
        diag_help(d->c, "leave the line out, or choose a prior and a family of one kind");
    }
    if (closed && uses_closed(d, z)) {
        add(d, q, z, "kl", TERM_KL, -1, beta, e, z->site->span);
        return;
    }
    Ast *prior = prior_of(d, z);
    if (prior)
        add(d, q, z, "prior", TERM_PRIOR, 1, beta, prior, z->site->span);
    if (z->mapped)
        add(d, q, z, "jacobian", TERM_JACOBIAN, 1, beta, log_jacobian(d, z), z->var->decl->span);
    if (!z->first)
        return;
    if (uses_closed(d, z) && entropy_closed(d, z, &e, &why))
        add(d, q, z, "entropy", TERM_ENTROPY, 1, beta, e, guide);
    else
        add(d, q, z, "log_q", TERM_ENTROPY, -1, beta, sampled_log_q(d, z), guide);
}

/* Terms come in the order of the model, whatever order the family draws in. */
static const Latent *latent_of(const Derive *d, const Var *v)
{
    for (size_t i = 0; i < vec_len(d->latents); i++)
        if (d->latents[i].var == v)
            return &d->latents[i];
    ice("latent %s has no law in the family", v->name);
}

void kl_terms(Derive *d, Query *q)
{
    for (size_t i = 0; i < vec_len(d->m->sites); i++)
        if (!d->m->sites[i].observed && !var_is_summed(d->m->sites[i].var))
            one_latent(d, q, latent_of(d, d->m->sites[i].var));
}

void weight_terms(Derive *d, Query *q)
{
    for (size_t i = 0; i < vec_len(d->m->sites); i++) {
        if (d->m->sites[i].observed || var_is_summed(d->m->sites[i].var))
            continue;
        const Latent *z = latent_of(d, d->m->sites[i].var);
        if (is_point(z)) {
            if (q == &d->d->step)
                point_term(d, q, z);
            continue;
        }
        Ast *prior = prior_of(d, z);
        if (prior)
            add(d, q, z, "prior", TERM_PRIOR, 1, 1, prior, z->site->span);
        if (z->mapped)
            add(d, q, z, "jacobian", TERM_JACOBIAN, 1, 1, log_jacobian(d, z), z->var->decl->span);
        if (z->first)
            add(d, q, z, "log_q", TERM_ENTROPY, -1, 1, log_q(d, z), z->free->span);
    }
}
