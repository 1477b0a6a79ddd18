/* point.c - point estimates of latents beside others that are drawn.
 *
 *     tau ~ point     tau_point : real, a parameter; tau = constrain(tau_point)
 *  -> penalty + log p(tau | ..)
 * Idea: a point has no entropy, so what is left of a latent is a parameter of the model with its
 * prior as penalty, as `param tau : positive ~ law` states one: with all latents points, and that
 * alone, the bound is the log posterior, and its maximum the mode of the density on the support.
 * tau_point only moves tau: no density is carried over to it, so no Jacobian counts. The bound is
 * one on log p(data, tau), the weights of draws are those of log p(data | tau).
 * establishes: a Latent without law; Query.binds give it its value, Query.terms its prior
 */
#include "words.h"

bool is_point(const Latent *z)
{
    return z->guide->kind == GUIDE_POINT;
}

bool var_is_point(const Derive *d, const Var *v)
{
    for (size_t i = 0; i < vec_len(d->latents); i++)
        if (d->latents[i].var == v)
            return is_point(&d->latents[i]);
    return false;
}

void latent_point(Derive *d, Latent *z)
{
    Span at = guide_span(z);
    if (var_is_discrete(z->var)) {
        diag_error(d->c, E_POINT, at, z->var->name, "it is discrete");
        diag_help(d->c, "leave its line out: it is summed out if it has finitely many states");
        return;
    }
    if (z->by_at) {
        diag_error(d->c, E_POINT, z->by_at->span, z->var->name,
                   "a `by` line says how the gradient of a draw is estimated");
        diag_help(d->c, "leave the line out, or give it another family");
    }
    z->mapped = !is_free(d, z->var);
    z->free = plated_param(d, str_fmt(d->c, "%s_point", z->var->name), "real",
                           free_type(d, z->var), z->var->plate, small_init(d, at), at);
}

void point_term(Derive *d, Query *q, const Latent *z)
{
    Ast *prior = site_is_summed(d, z->site) ? NULL : joint_prior(d, z->site);
    if (prior)
        vec_push(d->c, q->terms,
                 make_term(d, str_fmt(d->c, "penalty_%s", z->var->name), TERM_PENALTY, 1, prior,
                           z->var->plate, z->site->span));
}

/* ---- words ----------------------------------------------------------------------------------- */

Estimate describe_point(const Words *w, const Latent *z)
{
    Estimate s = { .latent = z->var, .span = z->free->span };
    s.family = str(w->d->c, "point");
    s.estimator = str_fmt(w->d->c, "not drawn: the parameter %s%s", both_expr(w, z->free).text,
                          z->mapped ? str_fmt(w->d->c, ", mapped onto `%s`",
                                              z->var->type->support) : "");
    s.reason = str(w->d->c, "log prior at the point, no entropy");
    return s;
}
