/* predict.c - what `predict` draws, and where the discrete latents come from that it reads.
 *
 *     latent s : index(K) ~ ..
 *     for n in N { latent c : bit ~ bernoulli(p[s]); y[n] ~ normal(mu[c], 1) }
 *     predict y                  s from its posterior, given the draw; c[n] from its law
 *     predict w ~ normal(c[0], 1)                      c from its posterior too
 * Idea: data that are drawn again are those of other positions of their plates, so a latent of
 * these plates is drawn anew with them. Of every other state the data know more than its law: it is
 * read from a draw of its posterior (the query `states`, see report.c), which is one draw of all.
 * requires:    log_prob_queries, simulate_query
 * establishes: Derivation.predicted; tables for the states that are read from their posterior
 */
#include "derive.h"

typedef struct Reading {
    Derive *d;
    const Var *predicted;
    Var **shared;                      /* vec: read from the posterior */
    Var **anew;                        /* vec: drawn with it, unless they are shared too */
} Reading;

static Str not_drawn(const Derive *d, const Var *v)
{
    const Query *s = &d->d->simulate;
    for (size_t i = 0; i < vec_len(s->given); i++)
        if (s->given[i] == v)
            return s->only_given[i];
    return s->absent ? s->absent : str(d->c, "no statement draws it");
}

/* Does every position of the plate have a value of v of its own, which can be drawn with it? */
static bool is_local(const Reading *r, const Var *v, const Plate *plate)
{
    return r->predicted->kind == VAR_DATA && v->plate && plate && plate_within(plate, v->plate)
        && !not_drawn(r->d, v);
}

/* The states that the statements of v read. */
static void read_by(Reading *r, const Var *v)
{
    Derive *d = r->d;
    const Site *sites = v->kind == VAR_DRAWN ? d->m->drawn : d->m->sites;
    for (size_t i = 0; i < vec_len(sites); i++) {
        Var **reads = sites[i].var == v ? model_reads(d->c, d->m, sites[i].law) : NULL;
        for (size_t k = 0; k < vec_len(reads); k++) {
            if (!var_is_summed(reads[k]))
                continue;
            Var ***to = is_local(r, reads[k], sites[i].plate) ? &r->anew : &r->shared;
            if (!reads_has(*to, reads[k]))
                vec_push(d->c, *to, reads[k]);
        }
    }
}

/* Draws of the posterior need the density. */
static bool can_be_read(Derive *d, const Reading *r)
{
    if (!r->shared || !d->d->log_prob.absent)
        return true;
    const Var *shared = r->shared[0];
    diag_error(d->c, E_ND_PREDICT, r->predicted->decl->span, r->predicted->name);
    diag_note(d->c, shared->decl->span, "of this latent the data know more than its law");
    diag_help(d->c, "its states are not drawn from their posterior: %s", d->d->log_prob.absent);
    return false;
}

static Predicted predicted(Derive *d, Var *v)
{
    Reading r = { .d = d, .predicted = v };
    Predicted p = { .var = v };
    Str why = not_drawn(d, v);
    if (why) {
        diag_error(d->c, E_ND_PREDICT, v->decl->span, v->name);
        diag_help(d->c, "it cannot be drawn: %s", why);
        return p;
    }
    read_by(&r, v);
    for (size_t i = 0; i < vec_len(r.anew); i++)
        read_by(&r, r.anew[i]);
    if (!can_be_read(d, &r))
        return p;
    for (size_t i = 0; i < vec_len(r.shared); i++)
        ask_draw(d, r.shared[i]);
    for (size_t i = 0; i < vec_len(r.anew); i++)
        if (!reads_has(r.shared, r.anew[i]))
            vec_push(d->c, p.anew, r.anew[i]);
    return p;
}

void predict_queries(Derive *d)
{
    for (size_t i = 0; i < vec_len(d->m->predicted); i++)
        vec_push(d->c, d->d->predicted, predicted(d, d->m->predicted[i]));
}
