/* bound.c - from the marginal likelihood to the bound, and how each latent is estimated.
 *
 *     log p(x) = log ∫ p(x, z) dz                                     [marginal]
 *              = log E_q[ p(x, z) / q(z | x) ]                        [multiply by q/q]
 *              ≥ E_q[ log p(x, z) - log q(z | x) ]                    [Jensen]
 *              = E_q[ log p(x | z) ] - KL( q(z | x) ‖ p(z) )          [product rule, KL]
 * The entropy enters with a plus: -E_q[log q] = +H(q).
 */
#include "words.h"

#include <string.h>

/* ---- who is in the model --------------------------------------------------------------------- */

typedef struct Cast {
    Both data, given, latents;         /* "x", "X", "z": lists; empty text if none */
    Both points;                       /* latents that are parameters; among the given, too */
    bool amortized;
} Cast;

static void list(const Words *w, Both *to, const Var *v)
{
    Both name = { math_symbol(&w->text, v), math_symbol(&w->latex, v) };
    *to = *to->text ? both_fmt2(w, "%s, %s", "%s, %s", *to, name) : name;
}

static bool is_observed(const Model *m, const Var *v)
{
    for (size_t i = 0; i < vec_len(m->sites); i++)
        if (m->sites[i].var == v && m->sites[i].observed)
            return true;
    return false;
}

static bool is_read(const Model *m, const Var *v)
{
    for (size_t i = 0; i < vec_len(m->sites); i++)
        if (reads_has(m->sites[i].reads, v))
            return true;
    return false;
}

static Cast cast_of(const Words *w)
{
    const Model *m = w->d->m;
    Str none = str(w->d->c, "");
    Cast k = { { none, none }, { none, none }, { none, none }, { none, none }, false };
    for (size_t i = 0; i < vec_len(m->vars); i++) {
        const Var *v = m->vars[i];
        if (v->synthetic)
            continue;
        if (v->kind == VAR_LATENT && var_is_point(w->d, v)) {
            list(w, &k.points, v);
            list(w, &k.given, v);
        } else if (v->kind == VAR_LATENT && !var_is_summed(v))
            list(w, &k.latents, v);
        else if (is_observed(m, v))
            list(w, &k.data, v);
        else if (v->kind == VAR_DATA && is_read(m, v))
            list(w, &k.given, v);
    }
    for (size_t i = 0; m->family && i < vec_len(m->family->guides); i++)
        k.amortized |= m->family->guides[i].amortized;
    return k;
}

/* p(what | given), with either list possibly empty. */
static Both probability(const Words *w, const char *p, Both what, Both given)
{
    Both head = { str(w->d->c, p), str(w->d->c, p) };
    Both inside = *given.text ? both_fmt2(w, "%s | %s", "%s \\mid %s", what, given) : what;
    return both_fmt2(w, "%s(%s)", "%s(%s)", head, inside);
}

static Both join(const Words *w, Both a, Both b)
{
    if (!*a.text || !*b.text)
        return *a.text ? a : b;
    return both_fmt2(w, "%s, %s", "%s, %s", a, b);
}

/* ---- the bound ------------------------------------------------------------------------------- */

static void push(const Words *w, RuleId rule, Both f, Span span)
{
    vec_push(w->d->c, w->d->d->steps, step_make(rule, f, span));
}

static bool all_closed(const Query *q)
{
    for (size_t i = 0; i < vec_len(q->terms); i++)
        if (q->terms[i].kind == TERM_ENTROPY || q->terms[i].kind == TERM_PRIOR
            || q->terms[i].kind == TERM_JACOBIAN)
            return false;
    return true;
}

/* log p(x, τ) = log p(x | τ) + log p(τ): what follows bounds the first. */
static void point_step(const Words *w, const Cast *k)
{
    Str none = str(w->d->c, "");
    Both nothing = { none, none };
    if (!*k->points.text || !*k->data.text)
        return;
    Both f = both_fmt2(w, "log %s = log %s", "\\log %s &= \\log %s",
                       probability(w, "p", join(w, k->data, k->points), nothing),
                       probability(w, "p", k->data, k->given));
    Both prior = probability(w, "p", k->points, nothing);
    push(w, RULE_POINT, both_fmt2(w, "%s + log %s", "%s + \\log %s", f, prior),
         w->d->m->node->span);
}

/* A model without data: its factors are a density up to a constant, whose log is bounded. */
static void bound_elbo(const Words *w, const Cast *k)
{
    Span span = w->d->m->node->span;
    Str none = str(w->d->c, "");
    Both nothing = { none, none };
    bool data = *k->data.text;
    Both joint = probability(w, data ? "p" : "f", join(w, k->data, k->latents), k->given);
    Both q = probability(w, "q", k->latents, k->amortized ? k->data : nothing);
    Both evidence = { str(w->d->c, "log Z"), str(w->d->c, "\\log Z") };
    if (data)
        evidence = both_fmt(w, "log %s", "\\log %s", probability(w, "p", k->data, k->given));
    Both dz = both_fmt2(w, "log ∫ %s d(%s)", "\\log \\int %s \\, d(%s)", joint, k->latents);
    if (!strchr(k->latents.text, ','))
        dz = both_fmt2(w, "log ∫ %s d%s", "\\log \\int %s \\, d%s", joint, k->latents);
    push(w, RULE_MARGINAL, both_fmt2(w, "%s = %s", "%s &= %s", evidence, dz), span);
    push(w, RULE_IMPORTANCE, both_fmt2(w, "= log E_q[ %s / %s ]",
         "&= \\log \\mathbb{E}_q\\!\\left[ \\frac{%s}{%s} \\right]", joint, q), span);
    push(w, RULE_JENSEN, both_fmt2(w, "≥ E_q[ log %s - log %s ]",
         "&\\ge \\mathbb{E}_q\\left[ \\log %s - \\log %s \\right]", joint, q), span);
    if (data && all_closed(&w->d->d->step)) {
        Both prior = probability(w, "p", k->latents, k->points);
        Both like = probability(w, "p", k->data, join(w, k->latents, k->given));
        Both rest = both_fmt2(w, "log %s - log %s", "\\log %s - \\log %s", prior, q);
        push(w, RULE_CHAIN, both_fmt2(w, "= E_q[ log %s ] + E_q[ %s ]",
             "&= \\mathbb{E}_q\\left[ \\log %s \\right] + \\mathbb{E}_q\\left[ %s \\right]",
             like, rest), span);
        Both kl = both_fmt2(w, "KL( %s ‖ %s )",
                            "\\mathrm{KL}\\left( %s \\,\\middle\\|\\, %s \\right)", q, prior);
        push(w, RULE_KL, both_fmt2(w, "= E_q[ log %s ] - %s",
             "&= \\mathbb{E}_q\\left[ \\log %s \\right] - %s", like, kl), span);
    } else {
        push(w, RULE_ENTROPY,
             both_fmt2(w, "= E_q[ log %s ] + H( %s )",
                       "&= \\mathbb{E}_q\\left[ \\log %s \\right] + \\mathbb{H}\\left( %s \\right)",
                       joint, q),
             span);
    }
}

static bool is_weighted(const Derivation *d)
{
    return !strcmp(d->objective, "iwae") || !strcmp(d->objective, "renyi");
}

/* Of K draws: the log of the mean of their weights p(x, z) / q(z | x). */
static void bound_weighted(const Words *w, const Cast *k)
{
    Span span = w->d->m->node->span;
    Str none = str(w->d->c, "");
    Both nothing = { none, none };
    bool data = *k->data.text;
    const Training *t = &w->d->m->training;
    Both joint = probability(w, data ? "p" : "f", join(w, k->data, k->latents), k->given);
    Both q = probability(w, "q", k->latents, k->amortized ? k->data : nothing);
    Both evidence = { str(w->d->c, "log Z"), str(w->d->c, "\\log Z") };
    if (data)
        evidence = both_fmt(w, "log %s", "\\log %s", probability(w, "p", k->data, k->given));
    Both ratio = both_fmt2(w, "%s / %s", "\\frac{%s}{%s}", joint, q);
    push(w, RULE_IMPORTANCE, both_fmt2(w, "%s = log E_q[ w ],  w = %s",
         "%s &= \\log \\mathbb{E}_q[w],\\quad w = %s", evidence, ratio), span);
    if (t->alpha == 0) {
        Both f = { str_fmt(w->d->c, "≥ E_q[ log 1/%d Σ_k w_k ]", t->samples),
                   str_fmt(w->d->c, "&\\ge \\mathbb{E}_q\\Bigl[\\log \\tfrac1{%d} \\sum_k w_k"
                           "\\Bigr]", t->samples) };
        push(w, RULE_WEIGHTED, f, span);
    } else {
        Both f = { str_fmt(w->d->c, "≥ 1/%g log E_q[ w^%g ]", 1 - t->alpha, 1 - t->alpha),
                   str_fmt(w->d->c, "&\\ge \\tfrac1{%g} \\log \\mathbb{E}_q[w^{%g}]", 1 - t->alpha,
                           1 - t->alpha) };
        push(w, RULE_RENYI, f, span);
    }
}

static void bound_exact(const Words *w, const Cast *k, bool map)
{
    Span span = w->d->m->node->span;
    Both like = probability(w, "p", k->data, k->given);
    if (!*k->data.text)
        like = (Both){ str(w->d->c, "f"), str(w->d->c, "f") };
    if (map)
        push(w, RULE_MAP, both_fmt(w, "log %s + log p(parameters)",
             "&\\log %s + \\log p(\\theta)", like), span);
    else
        push(w, RULE_LIKELIHOOD, both_fmt(w, "log %s", "&\\log %s", like), span);
}

/* ELBO = x - kl_z: the terms by name, with their signs and weights. */
static void whole_formula(const Words *w)
{
    Ctx *c = w->d->c;
    Derivation *d = w->d->d;
    Str text = str(c, ""), latex = str(c, "");
    bool first = true;
    for (size_t i = 0; i < vec_len(d->step.terms); i++) {
        const Term *t = &d->step.terms[i];
        if (t->reported)
            continue;
        const char *sign = t->sign < 0 ? !first ? " - " : "-" : !first ? " + " : "";
        Str weight = t->weight == 1 ? str(c, "") : str_fmt(c, "%g ", t->weight);
        text = str_fmt(c, "%s%s%s%s", text, sign, weight, t->text);
        latex = str_fmt(c, "%s%s%s%s%s", latex, first ? "" : "\n  &\\quad ", sign, weight,
                        t->latex);
        first = false;
    }
    d->text = text;
    d->latex = latex;
}

void describe_bound(const Words *w)
{
    Cast k = cast_of(w);
    const char *objective = w->d->d->objective;
    point_step(w, &k);
    if (*k.points.text && !*k.latents.text) {
        if (!*k.data.text)
            bound_exact(w, &k, true);
    } else if (!strcmp(objective, "elbo"))
        bound_elbo(w, &k);
    else if (is_weighted(w->d->d))
        bound_weighted(w, &k);
    else
        bound_exact(w, &k, !strcmp(objective, "map"));
    whole_formula(w);
}

/* ---- estimates ------------------------------------------------------------------------------- */

static Str family_text(const Words *w, const Latent *z)
{
    Both law = both_law(w, z->q);
    static const char *const names[] = {
        [GUIDE_MEANFIELD] = "mean field", [GUIDE_FULLRANK] = "full rank",
        [GUIDE_LOWRANK] = "low rank", [GUIDE_MIXTURE] = "mixture",
    };
    if (z->guide->kind != GUIDE_LAW)
        return str_fmt(w->d->c, "%s%s: %s", names[z->guide->kind],
                       z->var->centring == NONCENTRED ? " of the standard values" : "", law.text);
    return str_fmt(w->d->c, "%s%s", z->guide->amortized ? "amortized: " : "", law.text);
}

static Str draw_text(const Words *w, const Latent *z)
{
    Ast *draw = expand_sample(w->d, z->component ? z->component : z->q);
    if (draw && z->component)
        return str_fmt(w->d->c, "a draw of every component: %s = %s",
                       math_var(&w->text, z->drawn), both_expr(w, draw).text);
    if (!draw)
        return str_fmt(w->d->c, "drawn by the sampler of %s, which is differentiable", z->q->name);
    return str_fmt(w->d->c, "%s = %s", math_var(&w->text, z->drawn), both_expr(w, draw).text);
}

void describe_estimates(const Words *w)
{
    Derive *d = w->d;
    for (size_t i = 0; i < vec_len(d->latents); i++) {
        const Latent *z = &d->latents[i];
        Ast *e;
        Str why, closed_why;
        if (is_point(z)) {
            vec_push(d->c, d->d->estimates, describe_point(w, z));
            continue;
        }
        bool closed = kl_closed(d, z, &e, &why);
        Estimate s = { .latent = z->var, .span = z->free->span };
        s.family = family_text(w, z);
        s.estimator = str_fmt(d->c, z->score ? "by the score: %s" : "reparameterized: %s",
                              draw_text(w, z));
        if (z->mapped)
            s.estimator = str_fmt(d->c, "%s, mapped onto `%s`", s.estimator, z->var->type->support);
        if (z->score)
            s.estimator = str_fmt(d->c, "%s (%s)", s.estimator, z->why);
        bool weighted = is_weighted(d->d);
        if (weighted)
            s.reason = str(d->c, "prior and family sampled: the weights are of single draws");
        else if (d->m->training.gradient == GRADIENT_PATH && !uses_closed(d, z))
            s.reason = str(d->c, "prior and family sampled: the train block says `gradient: path`");
        else if (closed && z->by != BY_REPARAM)
            s.reason = str_fmt(d->c, "closed KL: %s", why);
        else if (z->by == BY_REPARAM)
            s.reason = str(d->c, "prior and family sampled: the train block says `by reparam`");
        else if (entropy_closed(d, z, &e, &closed_why))
            s.reason = str_fmt(d->c, "prior sampled, entropy closed: %s", why);
        else
            s.reason = str_fmt(d->c, "prior and entropy sampled: %s; %s", why, closed_why);
        vec_push(d->c, d->d->estimates, s);
    }
}
