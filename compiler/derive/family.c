/* family.c - how every latent gets its value: what is drawn, from which law, through which map.
 *
 *     law        z ~ normal(q.mu, q.sigma)     z itself is drawn from the user's law
 *     meanfield  w : real[P]                   w ~ normal(w_mu, w_sd)
 *                s : positive                  s_free ~ normal(s_mu, s_sd); s = constrain(s_free)
 *     joint      (a, b)                        q_free ~ ..; a = constrain(q_free[0]), ..: group.c
 * The parameters w_mu, w_sd are new variables. A latent of a plate (of fixed size) has a row of
 * them for every element: theta_mu[J], read at [j]. They start at mu ~ normal(0, 0.1), small and
 * unequal so that symmetric latents part, and sd = exp(-1), narrow enough that early gradients are
 * those near the mean.
 */
#include "derive.h"

#include <math.h>
#include <string.h>

/* ---- parameters in plates -------------------------------------------------------------------- */

Ast *plated_param(Derive *d, Str name, const char *support, const Type *inner, Plate *plate,
                  Ast *init, Span span)
{
    Size **array = NULL;
    Ast **index = NULL;
    push_plate_sizes(d->c, plate, NULL, &array);
    for (size_t i = 0; i < vec_len(inner->array); i++)
        vec_push(d->c, array, inner->array[i]);
    push_plate_indices(d->c, plate, NULL, &index, span);
    Var *v = make_param(d, name, make_type(d->c, support, array, inner->event), init, span);
    Ast *e = make_index(d->c, make_name(d->c, v, span), index);
    e->type = make_type(d->c, support, inner->array, inner->event);
    return e;
}

Ast *small_init(Derive *d, Span span)
{
    return make_law(d, "normal", span, ast_num(d->c, span, 0), NULL, ast_num(d->c, span, 0.1));
}

/* ---- supports -------------------------------------------------------------------------------- */

/* Is the latent its own free value? Reports a support without a map. */
bool is_free(Derive *d, const Var *v)
{
    if (!v->type->support || !strcmp(v->type->support, "real"))
        return true;
    Ast *s = support_of(d, v->type);
    if (!s || !support_member(s, "constrain") || !support_member(s, "log_jacobian")) {
        diag_error(d->c, E_ND_SUPPORT, v->decl->span, v->type->support, v->name);
        diag_help(d->c, "declare `support %s { constrain(u) = ..; log_jacobian(u) = .. }`",
                  v->type->support);
    }
    return false;
}

Type *free_type(Derive *d, const Var *v)
{
    return make_type(d->c, "real", v->type->array, support_free(d, v->type, v->decl->span));
}

/* ---- one latent by itself -------------------------------------------------------------------- */

static void latent_law(Derive *d, Latent *z)
{
    Ast *law = law_see(d->m, z->guide->law);
    z->identity = true;
    z->drawn = z->var;
    z->free = make_name(d->c, z->var, z->guide->span);
    z->q = law;
    z->first = true;
    const Ast *called = law_called(law);
    if (!called) {
        diag_error(d->c, E_ND_LAW, z->guide->law->span, fmt_expr(d->c, z->guide->law));
        diag_help(d->c, "the law of a latent in a family is a call of a distribution");
    } else if (!law_member(called, AST_SAMPLE, NULL, NULL)) {
        diag_error(d->c, E_NOT_DRAWN, z->guide->law->span, law_base(called)->name,
                   "its file has no `sample { .. }`");
        diag_note(d->c, law_base(called)->span, "declared here");
    }
}

Span guide_span(const Latent *z)
{
    return z->guide->implied ? z->var->decl->span : z->guide->span;
}

/* Mean field of a discrete latent: log odds, or a log probability for every label. */
static void latent_states(Derive *d, Latent *z, Span span)
{
    Var *v = z->var;
    bool bit = v->type->elem == ELEM_BIT;
    Size **event = v->type->event;
    z->identity = z->first = true;
    z->drawn = v;
    z->free = make_name(d->c, v, span);
    if (v->type->elem == ELEM_INDEX && vec_len(v->type->array) + vec_len(event) == 0) {
        vec_push(d->c, event, v->type->classes);
    } else if (!bit) {
        diag_error(d->c, E_ESTIMATOR, span, v->name, "score", "mean field knows no law for it");
        diag_help(d->c, "give it one in the family: `%s ~ ..`", v->name);
        event = NULL;
    }
    Ast *logits = plated_param(d, str_fmt(d->c, "%s_logits", v->name), "real",
                               make_type(d->c, "real", v->type->array, event), v->plate,
                               small_init(d, span), span);
    z->q = make_law(d, bit ? "bernoulli" : "categorical", span, logits, str(d->c, "logits"), NULL);
}

static void latent_meanfield(Derive *d, Latent *z)
{
    Span span = guide_span(z);
    Var *v = z->var;
    if (var_is_discrete(v)) {
        latent_states(d, z, span);
        return;
    }
    z->mapped = !is_free(d, v);
    z->identity = !z->mapped && v->centring != NONCENTRED;
    Type *u =
        z->identity ? make_type(d->c, "real", v->type->array, v->type->event) : free_type(d, v);
    Ast *mu = plated_param(d, str_fmt(d->c, "%s_mu", v->name), "real", u, v->plate,
                           small_init(d, span), span);
    Ast *sd = plated_param(d, str_fmt(d->c, "%s_sd", v->name), "positive", u, v->plate,
                           ast_num(d->c, span, exp(-1)), span);
    z->q = make_law(d, "normal", span, mu, NULL, sd);
    z->drawn =
        z->identity ? v : make_value(d, str_fmt(d->c, "%s_free", v->name), u, v->plate, span);
    z->free = make_name(d->c, z->drawn, span);
    z->first = true;
}

/* ---- entry ----------------------------------------------------------------------------------- */

static int site_number(const Model *m, const Var *v, Site **site)
{
    for (size_t i = 0; i < vec_len(m->sites); i++) {
        if (m->sites[i].var == v && !m->sites[i].observed) {
            *site = &m->sites[i];
            return (int)i;
        }
    }
    ice("latent %s has no site", v->name);
}

void family_latents(Derive *d)
{
    Family *f = d->m->family;
    size_t n_latents = 0;
    for (size_t i = 0; f && i < vec_len(f->guides); i++)
        n_latents += vec_len(f->guides[i].latents);
    for (size_t i = 0; f && i < vec_len(f->guides); i++)
        for (size_t k = 0; k < vec_len(f->guides[i].latents); k++) {
            Latent z = { .var = f->guides[i].latents[k], .guide = &f->guides[i] };
            z.number = site_number(d->m, z.var, &z.site);
            choose_estimator(d, &z);
            vec_push(d->c, d->latents, z);
        }
    for (size_t i = 0; i < n_latents;) {
        Latent *z = &d->latents[i];
        size_t n = vec_len(z->guide->latents);
        Latent *members[n];
        for (size_t k = 0; k < n; k++)
            members[k] = z + k;
        check_group(d, members, n);
        if (z->guide->joint)
            group_latents(d, members, n);
        else if (is_point(z))
            latent_point(d, z);
        else if (z->guide->kind == GUIDE_LAW)
            latent_law(d, z);
        else
            latent_meanfield(d, z);
        i += n;
    }
}
