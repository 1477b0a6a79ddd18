/* report.c - quantities of `report`, for given values of the latents.
 *
 *     report        latents, and tables given             the value of each report
 *     marginals     latents, and tables of zeros given    d log p / d table
 *     modes         the same, of the largest log p        d log p / d table
 * Idea: a table t has a number for each state of a discrete latent z. Added to the log weights of
 * the states, it makes log p a function of t whose derivative at 0 is p(z | data, the other
 * latents), whatever else is summed out and however (Darwiche 2003, "A differential approach to
 * inference in Bayesian networks", theorem 1). With the largest weight in place of the sum over
 * states the derivative is 1 at the best joint state, and 0 elsewhere. Of a chain these are the
 * forward-backward and the Viterbi algorithm.
 */
#include "derive.h"

#include <math.h>
#include <string.h>

/* ---- tables ---------------------------------------------------------------------------------- */

static Size *states_of(Ctx *c, const Var *v)
{
    if (v->type->elem == ELEM_BIT)
        return size_const(c, 2);
    return v->type->elem == ELEM_COUNT ? size_add(c, v->type->classes, size_const(c, 1))
                                       : v->type->classes;
}

static Var *new_table(Derive *d, const Var *v, const char *suffix)
{
    Size **event = NULL;
    vec_push(d->c, event, states_of(d->c, v));
    return make_value(d, str_fmt(d->c, "%s_%s", v->name, suffix),
                      make_type(d->c, "real", NULL, event), v->plate, v->decl->span);
}

Table *derivation_table(const Derivation *d, const Var *latent)
{
    for (size_t i = 0; i < vec_len(d->tables); i++)
        if (d->tables[i].latent == latent)
            return &d->tables[i];
    return NULL;
}

static Var *summary_table(const Table *t, Summary summary)
{
    return summary == SUMMARY_MODE ? t->mode : t->marginal;
}

Ast *table_entry(Derive *d, const Var *v)
{
    const Table *t = d->summary ? derivation_table(d->d, v) : NULL;
    const Var *table = t ? summary_table(t, d->summary) : NULL;
    if (!table)
        return NULL;
    Ast **index = NULL;
    for (const Plate *p = v->plate; p; p = p->outer)
        if (p->sequence)               /* there, the first index is that of the step */
            vec_push(d->c, index, plate_index_name(d->c, p, v->decl->span));
    vec_push(d->c, index, make_name(d->c, v, v->decl->span));
    Ast *e = make_index(d->c, make_name(d->c, table, v->decl->span), index);
    e->type = real_scalar(d->c);
    return e;
}

/* ---- what reports read ----------------------------------------------------------------------- */

typedef struct Look { Derive *d; Span at; } Look;

static bool ask_summary(Look *l, Ast *call)
{
    bool mode = !strcmp(call->name, "mode");
    Ast *base = index_base(call->kids[0]->kids[ARG_VALUE]);
    Var *v = base->kind == AST_NAME ? model_var(l->d->m, base->decl) : NULL;
    if (!v || !var_is_summed(v)) {
        diag_error(l->d->c, E_ND_SUMMARY, call->span, call->name);
        diag_help(l->d->c, "it summarises a discrete latent by its name: `%s(z)`", call->name);
        return false;
    }
    if (!derivation_table(l->d->d, v))
        vec_push(l->d->c, l->d->d->tables, ((Table){ .latent = v }));
    Table *t = derivation_table(l->d->d, v);
    if (mode && !t->mode)
        t->mode = new_table(l->d, v, "mode");
    if (!mode && !t->marginal)
        t->marginal = new_table(l->d, v, "marginal");
    return false;
}

static bool visit_report(Ast *e, void *data)
{
    Look *l = data;
    if (e->kind == AST_CALL && !e->decl
        && (!strcmp(e->name, "marginal") || !strcmp(e->name, "mode")))
        return ask_summary(l, e);
    Var *v = e->kind == AST_NAME && e->decl ? model_var(l->d->m, e->decl) : NULL;
    bool states = v && var_is_discrete(v);
    if (v && v->kind == VAR_LET) {
        Var **reads = model_reads(l->d->c, l->d->m, v->value);
        for (size_t i = 0; i < vec_len(reads) && !v->reported; i++)
            states |= var_is_discrete(reads[i]);
    }
    if (states) {
        diag_error(l->d->c, E_REPORT_STATES, e->span, v->name);
        diag_help(l->d->c, "report its probabilities, `marginal(..)`, or its best state, "
                  "`mode(..)`");
    }
    return !states;
}

/* ---- queries --------------------------------------------------------------------------------- */

static void give(Derive *d, Query *q, Var *v)
{
    if (!v)
        return;
    vec_push(d->c, q->given, v);
    vec_push(d->c, q->only_given, NULL);
}

static void give_latents(Derive *d, Query *q)
{
    for (size_t i = 0; i < vec_len(d->d->givens); i++)
        give(d, q, d->d->givens[i].var);
}

static void summary_query(Derive *d, Query *q, Summary summary)
{
    bool any = false;
    for (size_t i = 0; i < vec_len(d->d->tables); i++)
        any |= summary_table(&d->d->tables[i], summary) != NULL;
    if (!any) {
        q->absent = str_fmt(d->c, "no report asks for a %s",
                            summary == SUMMARY_MODE ? "mode" : "marginal");
        return;
    }
    give_latents(d, q);
    for (size_t i = 0; i < vec_len(d->d->tables); i++)
        give(d, q, summary_table(&d->d->tables[i], summary));
    d->summary = summary;
    log_joint_terms(d, q, false);
    d->summary = SUMMARY_NONE;
}

/* The discrete latent that the statement of v reads and that does not belong to v's own plate; or
 * NULL. It would be drawn from its law, and shared by all that is predicted: data say otherwise. */
static const Var *shared_state(Derive *d, const Var *v)
{
    const Site *sites = v->kind == VAR_DRAWN ? d->m->drawn : d->m->sites;
    for (size_t i = 0; i < vec_len(sites); i++) {
        const Site *s = &sites[i];
        Var **reads = s->var == v ? model_reads(d->c, d->m, s->law) : NULL;
        for (size_t k = 0; k < vec_len(reads); k++)
            if (var_is_summed(reads[k])
                && !(reads[k]->plate && s->plate && plate_within(s->plate, reads[k]->plate)))
                return reads[k];
    }
    return NULL;
}

/* Data that `predict` names must be drawn by simulate. */
static void check_predicted(Derive *d)
{
    const Query *s = &d->d->simulate;
    for (size_t i = 0; i < vec_len(d->m->predicted); i++) {
        const Var *v = d->m->predicted[i], *shared = shared_state(d, v);
        if (shared) {
            diag_error(d->c, E_ND_PREDICT, v->decl->span, v->name);
            diag_note(d->c, shared->decl->span, "of this latent the data know more than its law");
            diag_help(d->c, "its states are not drawn from their posterior: `report` their "
                      "probabilities, `marginal(%s)`", shared->name);
            continue;
        }
        Str why = s->absent ? s->absent : str(d->c, "no statement draws it");
        for (size_t k = 0; k < vec_len(s->given); k++)
            if (s->given[k] == v)
                why = s->only_given[k];
        if (!why)
            continue;
        diag_error(d->c, E_ND_PREDICT, v->decl->span, v->name);
        diag_help(d->c, "it cannot be drawn: %s", why);
    }
}

/* In a plate with a condition it has a value at the positions that count; NaN is a real number. */
static Result report_result(Derive *d, const Var *v)
{
    Ast *e = make_name(d->c, v, v->decl->span);
    if (plate_partial(v->plate) && v->type && v->type->kind == KIND_VALUE) {
        e->type = make_type(d->c, "real", v->type->array, v->type->event);
        e = make_partial(d->c, v->plate, e, ast_num(d->c, v->decl->span, NAN));
    }
    return (Result){ v->name, e, v->plate, false };
}

/* requires: log_prob_queries, simulate_query */
void report_queries(Derive *d)
{
    Derivation *out = d->d;
    Query *q = &out->report;
    Var **reported = NULL;
    for (size_t i = 0; i < vec_len(d->m->vars); i++)
        if (d->m->vars[i]->reported)
            vec_push(d->c, reported, d->m->vars[i]);
    check_predicted(d);
    q->absent = out->log_prob.absent;
    if (!reported && !q->absent)
        q->absent = str(d->c, "the model reports nothing");
    for (size_t i = 0; i < vec_len(reported) && !q->absent; i++) {
        Look l = { d, reported[i]->decl->span };
        ast_walk(reported[i]->value, visit_report, &l);
    }
    if (q->absent) {
        out->marginals.absent = out->modes.absent = q->absent;
        return;
    }
    give_latents(d, q);
    for (size_t i = 0; i < vec_len(out->tables); i++) {
        give(d, q, out->tables[i].marginal);
        give(d, q, out->tables[i].mode);
    }
    for (size_t i = 0; i < vec_len(reported); i++)
        vec_push(d->c, q->results, report_result(d, reported[i]));
    summary_query(d, &out->marginals, SUMMARY_MARGINAL);
    summary_query(d, &out->modes, SUMMARY_MODE);
}
