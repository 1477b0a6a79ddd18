/* report.c - quantities of `report`, for given values of the latents.
 *
 *     report        latents, and tables given             the value of each report
 *     marginals     latents, and tables of zeros given    d log p / d table
 *     modes         the same, of the largest log p        d log p / d table
 *     states        the same, of one joint state, drawn   1 at the state drawn, else 0
 * Idea: a table t has a number for each state of a discrete latent z. Added to the log weights of
 * the states, it makes log p a function of t whose derivative at 0 is p(z | data, the other
 * latents), whatever else is summed out and however (Darwiche 2003, "A differential approach to
 * inference in Bayesian networks", theorem 1). With the largest weight in place of the sum over
 * states the derivative is 1 at the best joint state, and 0 elsewhere. Of a chain these are the
 * forward-backward and the Viterbi algorithm. A name of a discrete latent in a report is its state
 * in the draw.
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
    return summary == SUMMARY_MODE ? t->mode : summary == SUMMARY_DRAW ? t->draw : t->marginal;
}

static Table *wanted_table(Derive *d, Var *v)
{
    if (!derivation_table(d->d, v))
        vec_push(d->c, d->d->tables, ((Table){ .latent = v }));
    return derivation_table(d->d, v);
}

void ask_draw(Derive *d, Var *v)
{
    Table *t = wanted_table(d, v);
    if (!t->draw)
        t->draw = new_table(d, v, "draw");
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

typedef struct Look { Derive *d; } Look;

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
    Table *t = wanted_table(l->d, v);
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
    if (v && var_is_summed(v))
        ask_draw(l->d, v);
    Var **reads = v && v->kind == VAR_LET && !v->reported
                ? model_reads(l->d->c, l->d->m, v->value) : NULL;
    for (size_t i = 0; i < vec_len(reads); i++)
        if (var_is_summed(reads[i]))
            ask_draw(l->d, reads[i]);
    return true;
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
        static const char *const why[] = {
            [SUMMARY_MARGINAL] = "no report asks for a marginal",
            [SUMMARY_MODE] = "no report asks for a mode",
            [SUMMARY_DRAW] = "nothing asks for a draw of discrete latents",
        };
        q->absent = str(d->c, why[summary]);
        return;
    }
    give_latents(d, q);
    for (size_t i = 0; i < vec_len(d->d->tables); i++)
        give(d, q, summary_table(&d->d->tables[i], summary));
    d->summary = summary;
    log_joint_terms(d, q, false);
    d->summary = SUMMARY_NONE;
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

/* z is the state at which its table of the draw has 1. */
static void bind_state(Derive *d, Query *q, const Table *t)
{
    if (!t->draw)
        return;
    Span at = t->latent->decl->span;
    Ast *state = make_call(d->c, "argmax", t->latent->type, at, make_name(d->c, t->draw, at), NULL);
    vec_push(d->c, q->binds, ((Bind){ .kind = BIND_VALUE, .var = t->latent, .expr = state,
                                      .plate = t->latent->plate, .span = at }));
}

/* `reported` are the quantities of the query. */
static void report_query(Derive *d, Query *q, Var **reported)
{
    give_latents(d, q);
    for (size_t i = 0; i < vec_len(d->d->tables); i++) {
        const Table *t = &d->d->tables[i];
        give(d, q, t->marginal);
        give(d, q, t->mode);
        give(d, q, t->draw);
        bind_state(d, q, t);
    }
    for (size_t i = 0; i < vec_len(reported); i++)
        vec_push(d->c, q->results, report_result(d, reported[i]));
}

/* requires: log_prob_queries, predict_queries */
void report_queries(Derive *d)
{
    Derivation *out = d->d;
    Str why = out->log_prob.absent;
    Var **reported = NULL;
    for (size_t i = 0; i < vec_len(d->m->vars); i++)
        if (d->m->vars[i]->reported)
            vec_push(d->c, reported, d->m->vars[i]);
    if (why) {
        out->report.absent = out->marginals.absent = out->modes.absent = out->states.absent = why;
        return;
    }
    Look l = { d };
    for (size_t i = 0; i < vec_len(reported); i++)
        ast_walk(reported[i]->value, visit_report, &l);
    if (reported)
        report_query(d, &out->report, reported);
    else
        out->report.absent = str(d->c, "the model reports nothing");
    summary_query(d, &out->marginals, SUMMARY_MARGINAL);
    summary_query(d, &out->modes, SUMMARY_MODE);
    summary_query(d, &out->states, SUMMARY_DRAW);
}
