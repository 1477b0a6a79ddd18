/* queries.c - what else a trainer can be asked: weights, samples, codes, reconstructions.
 *
 *     weight       latents ~ family                  log p(x, z) - log q(z), exactly
 *     sample       global latents ~ family,          the draws, and the means of the data's laws
 *                  local latents and data ~ model
 *     encode       latents ~ family                  their draws, and closed means and deviations
 *     reconstruct  latents ~ family                  the means of the data's laws
 *     constrain    -                                 every parameter on its own support
 * Draws have the same number of random stream in every query: 2 k from the family, 2 k + 1 from the
 * model, k the position of the site. A query that cannot be answered says why.
 */
#include "derive.h"

#include <string.h>

/* ---- bindings from the family ---------------------------------------------------------------- */

static bool is_local(const Derive *d, const Plate *p)
{
    return p && d->m->rows && plate_within(p, d->m->rows);
}

static void bind_draw(Derive *d, Query *q, const Latent *z)
{
    Bind b = { .kind = BIND_DRAW, .var = z->drawn, .expr = z->q, .plate = z->guide->plate,
               .site = 2 * z->number, .span = z->free->span, .held = z->score };
    if (z->strata && q == &d->d->step) {
        b.expr = z->component;
        b.plate = z->strata;
        b.weight = z->weight;
    }
    if (z->first)
        vec_push(d->c, q->binds, b);
}

static void bind_value(Derive *d, Query *q, const Latent *z)
{
    if (z->drawn == z->var)
        return;
    if (z->var->centring == NONCENTRED) {
        vec_push(d->c, q->binds, noncentred_bind(d, z->var, z->free));
        return;
    }
    Ast *value = z->free;
    if (z->mapped)
        value = make_call(d->c, "constrain", z->var->type, z->var->decl->span, z->free, NULL);
    vec_push(d->c, q->binds, ((Bind){ .kind = BIND_VALUE, .var = z->var, .expr = value,
                                      .plate = z->var->plate, .span = z->var->decl->span }));
}

/* Non-centred latents come last, in the order of the model: their values read others. */
void family_binds(Derive *d, Query *q, bool local_too)
{
    for (size_t i = 0; i < vec_len(d->latents); i++) {
        const Latent *z = &d->latents[i];
        if (!local_too && is_local(d, z->var->plate))
            continue;
        bind_draw(d, q, z);
        if (z->var->centring != NONCENTRED)
            bind_value(d, q, z);
    }
    for (size_t k = 0; k < vec_len(d->m->sites); k++)
        for (size_t i = 0; i < vec_len(d->latents); i++) {
            const Latent *z = &d->latents[i];
            if (z->number == (int)k && z->var->centring == NONCENTRED
                && (local_too || !is_local(d, z->var->plate)))
                bind_value(d, q, z);
        }
}

/* ---- results --------------------------------------------------------------------------------- */

static void add_result(Derive *d, Query *q, Str name, Ast *expr, Plate *plate, bool samples)
{
    vec_push(d->c, q->results, ((Result){ name, expr, plate, samples }));
}

/* mean(law), where every law in it offers one. */
static Ast *mean_of(Derive *d, Ast *law, Type *type)
{
    law = law_see(d->m, law);
    if (law->kind == AST_IF) {
        Ast *a = mean_of(d, law->kids[IF_THEN], type), *b = mean_of(d, law->kids[IF_ELSE], type);
        Ast *e =
            a && b ? ast_new(d->c, AST_IF, law->span, NULL, 3, law->kids[IF_COND], a, b) : NULL;
        if (e)
            e->type = type;
        return e;
    }
    if (!law_called(law) || !law_member(law_called(law), AST_FACT, "mean", NULL))
        return NULL;
    return make_call(d->c, "mean", type, law->span, law, NULL);
}

static Type *real_like(Ctx *c, const Type *t)
{
    return make_type(c, "real", t ? t->array : NULL, t ? t->event : NULL);
}

static void data_means(Derive *d, Query *q)
{
    for (size_t i = 0; i < vec_len(d->m->sites); i++) {
        Site *s = &d->m->sites[i];
        bool offered = s->observed && !site_is_summed(d, s);
        Ast *mean = offered ? mean_of(d, s->law, real_like(d->c, s->lhs->type)) : NULL;
        if (mean)
            add_result(d, q, str_fmt(d->c, "%s.mean", s->var->name), mean, s->plate, false);
    }
}

/* ---- sample ---------------------------------------------------------------------------------- */

/* Why the law of s cannot be drawn from, or NULL. */
static Str not_drawn(Derive *d, const Site *s)
{
    Ast *law = law_see(d->m, s->law);
    if (law_is_flat(law))
        return str_fmt(d->c, "the prior of `%s` is flat: it cannot be drawn from", s->var->name);
    if (law->kind == AST_IF)
        return str_fmt(d->c, "the law of `%s` is chosen by an `if`", s->var->name);
    if (law->kind == AST_PIPE || (!s->observed && s->var->half))
        return str_fmt(d->c, "the law of `%s` is cut off", s->var->name);
    if (!law_member(law_called(law), AST_SAMPLE, NULL, NULL))
        return str_fmt(d->c, "the law of `%s` has no `sample`", s->var->name);
    if (has_declared_binders(s->var) && s->observed)
        return str_fmt(d->c, "`%s` is declared with an index", s->var->name);
    return NULL;
}

/* Data that the laws read and that no draw gives: covariates. */
static Str reads_data(Derive *d, const Query *q, Ast *law, const char *whose)
{
    Var **reads = model_reads(d->c, d->m, law);
    for (size_t i = 0; i < vec_len(reads); i++) {
        bool given = reads[i]->kind != VAR_DATA;
        for (size_t k = 0; k < vec_len(q->binds); k++)
            given |= q->binds[k].var == reads[i];
        if (!given)
            return str_fmt(d->c, "the law of `%s` reads the data `%s`, which has no law", whose,
                           reads[i]->name);
    }
    return NULL;
}

/* x[n] in plate n is x itself once the rows are implicit; whole arrays are themselves. */
static bool draws_itself(const Site *s)
{
    if (s->lhs->kind == AST_NAME)
        return s->plate == s->var->plate;
    return s->plate && s->plate == s->var->plate && s->lhs->kind == AST_INDEX
        && s->lhs->kids[INDEX_BASE]->kind == AST_NAME && vec_len(s->lhs->kids) == 2;
}

static bool read_by_others(const Derive *d, const Site *s)
{
    for (size_t i = 0; i < vec_len(d->m->sites); i++)
        if (&d->m->sites[i] != s && reads_has(d->m->sites[i].reads, s->var))
            return true;
    return false;
}

/* Draws of one datum and its name as results. */
static Str sample_data(Derive *d, Query *q, Site *s, int number)
{
    Var *v = s->var;
    if (v->kind != VAR_DATA)
        return str_fmt(d->c, "`%s` is computed from data", v->name);
    if (!draws_itself(s)) {
        if (read_by_others(d, s))
            return str_fmt(d->c, "`%s` is read by another law before all of it is drawn", v->name);
        Type *element = real_like(d->c, s->lhs->type);
        element->elem = s->lhs->type->elem;
        Var *draw = make_value(d, str_fmt(d->c, "%s_draw", v->name), element, s->plate, s->span);
        v = draw;
    }
    vec_push(d->c, q->binds, ((Bind){ .kind = BIND_DRAW, .var = v, .expr = law_see(d->m, s->law),
                                      .plate = s->plate, .site = 2 * number + 1,
                                      .span = s->span }));
    Ast *lhs = v == s->var ? s->lhs : make_name(d->c, v, s->span);
    add_result(d, q, s->var->name, lhs, s->plate, true);
    return NULL;
}

static void sample_query(Derive *d, Query *q)
{
    for (size_t i = 0; i < vec_len(d->m->plates) && !q->absent; i++)
        if (d->m->plates[i]->sequence)
            q->absent = str(d->c, "drawing a sequence step by step is not derived yet");
    family_binds(d, q, false);
    for (size_t i = 0; i < vec_len(q->binds) && !q->absent; i++)
        q->absent = reads_data(d, q, q->binds[i].expr, q->binds[i].var->name);
    for (size_t i = 0; i < vec_len(d->m->sites) && !q->absent; i++) {
        Site *s = &d->m->sites[i];
        bool from_model = s->observed || is_local(d, s->plate) || var_is_summed(s->var);
        if (from_model)
            q->absent = not_drawn(d, s);
        if (!q->absent && from_model)
            q->absent = reads_data(d, q, s->law, s->var->name);
        if (q->absent)
            break;
        if (s->observed) {
            q->absent = sample_data(d, q, s, (int)i);
            continue;
        }
        if (from_model)
            vec_push(d->c, q->binds,
                     ((Bind){ .kind = BIND_DRAW, .var = s->var, .expr = law_see(d->m, s->law),
                              .plate = s->plate, .site = 2 * (int)i + 1, .span = s->span }));
        add_result(d, q, s->var->name, make_known(d->c, s->var, make_name(d->c, s->var, s->span)),
                   s->plate, true);
    }
    if (!q->absent && vec_len(q->results) == 0)
        q->absent = str(d->c, "the model says nothing that could be drawn");
    if (!q->absent)
        data_means(d, q);
}

/* ---- encode, reconstruct, weight, constrain -------------------------------------------------- */

static Ast *of_member(Derive *d, const Latent *z, Ast *whole)
{
    return z->guide->joint ? group_part(d, z, whole) : whole;
}

static void encode_latent(Derive *d, Query *q, const Latent *z)
{
    Str name = z->var->name;
    if (is_point(z))
        add_result(d, q, str_fmt(d->c, "%s.mean", name),
                   make_known(d->c, z->var, make_name(d->c, z->var, z->free->span)),
                   z->var->plate, false);
    Type *type = is_point(z) ? NULL : real_like(d->c, z->drawn->type);
    bool closed = z->identity && law_member(law_called(z->q), AST_FACT, "mean", NULL)
        && law_member(law_called(z->q), AST_FACT, "variance", NULL);
    if (closed) {
        Ast *mean = make_call(d->c, "mean", type, z->free->span, z->q, NULL);
        Ast *variance = make_call(d->c, "variance", type, z->free->span, z->q, NULL);
        Ast *sd = make_call(d->c, "sqrt", real_like(d->c, z->var->type), z->free->span,
                            of_member(d, z, variance), NULL);
        add_result(d, q, str_fmt(d->c, "%s.mean", name),
                   make_known(d->c, z->var, of_member(d, z, mean)), z->var->plate, false);
        add_result(d, q, str_fmt(d->c, "%s.sd", name), make_known(d->c, z->var, sd), z->var->plate,
                   false);
    }
    add_result(d, q, name, make_known(d->c, z->var, make_name(d->c, z->var, z->free->span)),
               z->var->plate, true);
}

static void encode_query(Derive *d, Query *q)
{
    if (vec_len(d->latents) == 0) {
        q->absent = str(d->c, "the model has no latents");
        return;
    }
    family_binds(d, q, true);
    for (size_t i = 0; i < vec_len(d->latents); i++)
        encode_latent(d, q, &d->latents[i]);
}

static void reconstruct_query(Derive *d, Query *q)
{
    if (vec_len(d->latents) == 0) {
        q->absent = str(d->c, "the model has no latents");
        return;
    }
    data_means(d, q);
    if (vec_len(q->results) == 0)
        q->absent = str(d->c, "no law of the data offers a mean");
    else
        family_binds(d, q, true);
}

static void weight_query(Derive *d, Query *q)
{
    d->taken = NULL;
    joint_likelihood(d, q);
    joint_factors(d, q, false);
    if (vec_len(d->latents) > 0) {
        family_binds(d, q, true);
        weight_terms(d, q);
    }
    if (vec_len(q->terms) == 0)
        q->absent = str(d->c, "nothing has a density");
}

static void constrain_query(Derive *d, Query *q)
{
    for (size_t i = 0; i < vec_len(d->d->params); i++) {
        Var *v = d->d->params[i];
        add_result(d, q, v->name, make_name(d->c, v, v->decl->span), v->plate, false);
    }
    if (vec_len(q->results) == 0)
        q->absent = str(d->c, "there are no parameters but the weights of nets");
}

static void clear_absent(Derivation *d)
{
    for (size_t i = 0; i < N_QUERIES; i++)
        if (d->query[i].absent)
            d->query[i] = (Query){ .name = d->query[i].name, .absent = d->query[i].absent };
}

void derive_queries(Derive *d)
{
    Derivation *out = d->d;
    sample_query(d, &out->sample);     /* first: it may name new variables */
    encode_query(d, &out->encode);
    reconstruct_query(d, &out->reconstruct);
    constrain_query(d, &out->constrain);
    weight_query(d, &out->weight);
    log_prob_queries(d);
    simulate_query(d);
    predict_queries(d);
    report_queries(d);
    clear_absent(out);
}
