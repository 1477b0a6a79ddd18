/* simulate.c - everything drawn from the model itself: latents from their priors, data from their
 * laws.
 *
 *     simulate     latents, parameters and data that have a law given     each drawn anew
 *     scan t in T { y[t] ~ normal(m * previous(y, 0), s) }
 *  -> y_draw ~ normal(m * previous(y, 0), s), y with y_draw at [t]
 * Idea: a run draws all statements at once, given the values of the run before, with the same
 * random numbers; the trainer repeats it until nothing changes. A value is right as soon as those
 * that it reads are, so a sequence of T steps takes T runs, and needs no rule of its own.
 * What cannot be drawn is only given: Query.only_given says why.
 */
#include "derive.h"

#include <math.h>
#include <string.h>

typedef struct Sim {
    Derive *d;
    Query *q;
    int stream;                        /* number of the next draw */
    /* of the statement being drawn */
    const Site *site;
    Type *type;                        /* of what it draws */
    Str why;                           /* why it cannot be drawn, or NULL */
    /* of `latent (a, b) ~ d`, drawn last */
    const Factor *joint;
    Ast *vector;
} Sim;

/* ---- draws from laws ------------------------------------------------------------------------- */

static Ast *refuse(Sim *s, Str why)
{
    s->why = s->why ? s->why : why;
    return ast_num(s->d->c, s->site->span, 0);
}

/* Whose declaration has the indices that the law may use; data are indexed by their plates. */
static const Var *declared(const Site *site) { return site->observed ? NULL : site->var; }

/* The name of a new variable that is drawn from `law`. */
static Ast *drawn_from(Sim *s, Ast *law, const char *suffix)
{
    const Site *site = s->site;
    Str name = str_fmt(s->d->c, "%s_%s", site->var->name, suffix);
    Var *v = make_value(s->d, name, s->type, site->plate, site->span);
    vec_push(s->d->c, s->q->binds,
             ((Bind){ .kind = BIND_DRAW, .var = v, .expr = law, .plate = site->plate,
                      .site = s->stream++, .span = site->span, .like = declared(site) }));
    return make_name(s->d->c, v, site->span);
}

static Ast *typed(Sim *s, Ast *e)
{
    e->type = s->type;
    return e;
}

/* By the inverse of the distribution function, between two bounds (NULL: the law's own ends). */
static Ast *drawn_between(Sim *s, Ast *law, Ast *lower, Ast *upper)
{
    Ctx *c = s->d->c;
    Span at = s->site->span;
    const Ast *called = law_called(law);
    if (!called || law_rank(law) > 0 || !law_member(called, AST_FUNCTION, "cdf", NULL))
        return refuse(s, str_fmt(c, "its law %s has neither `sample` nor `cdf`", fmt_expr(c, law)));
    if (declared(s->site) && has_declared_binders(s->site->var))
        return refuse(s, str(c, "its law is cut off and reads the index of its declaration"));
    Ast *uniform = make_law(s->d, "uniform", at, ast_num(c, at, 0), NULL, ast_num(c, at, 1));
    Ast *u = drawn_from(s, uniform, "uniform");
    return typed(s, ast_call(c, at, "quantile", 4, law, u,
                             lower ? lower : ast_num(c, at, -INFINITY),
                             upper ? upper : ast_num(c, at, INFINITY)));
}

/* Numbers of one law, cut to a vector support: in order, those between the bounds sorted; of sum 0,
 * normal ones less their mean, which is independent of what is left. */
static Ast *drawn_vector(Sim *s, Ast *law)
{
    Ctx *c = s->d->c;
    const Type *t = s->site->var->type;
    bool same = cut_of_one_law(law);
    if (same && !strcmp(t->support, "ordered")) {
        Ast *lower = cut_bound(c, t, 0), *upper = cut_bound(c, t, 1);
        Ast *x = lower || upper ? drawn_between(s, law, lower, upper)
                                : drawn_from(s, law, "draw");
        return typed(s, ast_call(c, law->span, "sorted", 1, x));
    }
    if (same && cut_is_centred(law, t))
        return typed(s, ast_call(c, law->span, "centred", 1, drawn_from(s, law, "draw")));
    return refuse(s, str_fmt(c, "its law is cut to %s", type_text(c, t)));
}

/* A draw from a distribution, cut to the support that its latent has. */
static Ast *drawn_whole(Sim *s, Ast *law)
{
    const Var *v = s->site->var;
    if (v->half && !s->site->observed)
        return drawn_between(s, law, v->lower, v->upper);
    if (!law_member(law_called(law), AST_SAMPLE, NULL, NULL))
        return drawn_between(s, law, NULL, NULL);
    if (!v->unscaled || s->site->observed)
        return drawn_from(s, law, "draw");
    return drawn_vector(s, law);
}

static Ast *drawn(Sim *s, Ast *law);

/* d |> truncate(..), d |> censor(..), d |> unnormalised. */
static Ast *drawn_stage(Sim *s, const Ast *pipe)
{
    Ctx *c = s->d->c;
    Ast *law = law_see(s->d->m, pipe->kids[PIPE_A]), *stage = pipe->kids[PIPE_B];
    Ast *lower = ast_argument(stage, "lower"), *upper = ast_argument(stage, "upper");
    if (!strcmp(stage->name, "truncate"))
        return drawn_between(s, law, lower, upper);
    Ast *x = drawn(s, law);
    if (strcmp(stage->name, "censor"))
        return x;
    if (upper)
        x = typed(s, make_choice(c, pipe->span, make_binary(c, ">=", x, upper), upper, x));
    if (lower)
        x = typed(s, make_choice(c, pipe->span, make_binary(c, "<=", x, lower), lower, x));
    return x;
}

static Ast *drawn(Sim *s, Ast *law)
{
    Ctx *c = s->d->c;
    law = law_see(s->d->m, law);
    if (law_is_flat(law))
        return refuse(s, str(c, "its prior is flat"));
    if (law->kind == AST_PIPE)
        return drawn_stage(s, law);
    if (law->kind == AST_IF && declared(s->site) && has_declared_binders(s->site->var))
        return refuse(s, str(c, "its law is an `if` under the index of its declaration"));
    if (law->kind == AST_IF) {
        Ast *a = drawn(s, law->kids[IF_THEN]), *b = drawn(s, law->kids[IF_ELSE]);
        return typed(s, make_choice(c, law->span, law->kids[IF_COND], a, b));
    }
    if (law_is_delta(law))
        return law->kids[0]->kids[ARG_VALUE];
    if (!law_called(law))
        return refuse(s, str_fmt(c, "its law %s is no distribution", fmt_expr(c, law)));
    return drawn_whole(s, law);
}

/* ---- where a draw goes ----------------------------------------------------------------------- */

static size_t indices_of(const Ast *lhs, const Plate *p)
{
    size_t n = 0;
    for (size_t i = 1; lhs->kind == AST_INDEX && i < vec_len(lhs->kids); i++)
        n += plate_has_index(p, lhs->kids[i]);
    return n;
}

/* x[i, 0, t]: each index a number or the index of a plate, and each plate of the statement has one;
 * of the rows it is the first. */
static bool is_placeable(const Sim *s)
{
    const Ast *lhs = s->site->lhs;
    const Plate *rows = s->site->var->plate;
    if (lhs->kind == AST_INDEX && lhs->kids[INDEX_BASE]->kind != AST_NAME)
        return false;
    if (rows && (lhs->kind != AST_INDEX || !plate_has_index(rows, lhs->kids[1])))
        return false;
    for (const Plate *p = s->site->plate; p; p = p->outer)
        if (indices_of(lhs, p) != 1)
            return false;
    for (size_t i = 1; lhs->kind == AST_INDEX && i < vec_len(lhs->kids); i++) {
        bool known = lhs->kids[i]->kind == AST_NUM;
        for (const Plate *p = s->site->plate; p; p = p->outer)
            known |= plate_has_index(p, lhs->kids[i]);
        if (!known)
            return false;
    }
    return true;
}

/* e at the positions of the statement that count, and at the others what stands there; of a latent
 * of numbers nothing does. */
static Ast *counting(Sim *s, Ast *e)
{
    if (var_is_partial(s->site->var))
        return make_known(s->d->c, s->site->var, typed(s, e));
    for (const Plate *p = s->site->plate; p; p = p->outer)
        if (p->when)
            e = typed(s, make_choice(s->d->c, e->span, p->when, e, s->site->lhs));
    return e;
}

/* A name for the value of e in the plates of the statement. */
static Ast *named(Sim *s, Ast *e, Type *type, Plate *plate, const char *suffix)
{
    Str name = str_fmt(s->d->c, "%s_%s", s->site->var->name, suffix);
    Var *v = make_value(s->d, name, type, plate, s->site->span);
    vec_push(s->d->c, s->q->binds,
             ((Bind){ .kind = BIND_VALUE, .var = v, .expr = e, .plate = plate,
                      .span = s->site->span, .like = declared(s->site) }));
    return make_name(s->d->c, v, s->site->span);
}

/* *whole: all of the variable, with the draws of the statements before; it gets those of this. */
static void draw_site(Sim *s, const Site *site, Ast **whole)
{
    Ctx *c = s->d->c;
    Var *v = site->var;
    s->site = site;
    s->type = site->observed ? site->lhs->type : v->type;
    if (reads_has(model_reads(c, s->d->m, site->law), v) && !plate_sequence(site->plate)) {
        refuse(s, str(c, "its law reads it itself"));
        return;
    }
    if (site->observed && !is_placeable(s)) {
        refuse(s, str_fmt(c, "`%s` is no part of it that a statement can fill",
                          fmt_expr(c, site->lhs)));
        return;
    }
    Ast *e = counting(s, drawn(s, site->law));
    if (s->why)
        return;
    if (!site->observed || site->lhs->kind == AST_NAME) {
        *whole = e;
        return;
    }
    e = named(s, e, s->type, site->plate, "new");
    Ast *placed = ast_call(c, site->span, "placed", 3, *whole, site->lhs, e);
    placed->type = v->type;
    *whole = named(s, placed, v->type, v->plate, "whole");
}

/* ---- what is drawn --------------------------------------------------------------------------- */

static bool has_site(const Derive *d, const Var *v)
{
    for (size_t i = 0; i < vec_len(d->m->sites); i++)
        if (d->m->sites[i].var == v)
            return true;
    return false;
}

/* Missing cells of data that have a law. */
static bool is_drawn_with_data(const Derive *d, const Var *filler)
{
    for (size_t i = 0; i < vec_len(d->m->vars) && filler->filler; i++)
        if (d->m->vars[i]->missing == filler)
            return has_site(d, d->m->vars[i]);
    return filler->filler;
}

/* The joint law of v and others, and at which place of its vector v stands; or NULL. */
static const Factor *joint_law(const Derive *d, const Var *v, size_t *at)
{
    for (size_t i = 0; i < vec_len(d->m->factors); i++) {
        const Factor *f = &d->m->factors[i];
        const Ast *all = f->joint ? f->value->kids[1]->kids[ARG_VALUE] : NULL;
        for (*at = 0; all && *at < vec_len(all->kids); ++*at)
            if (all->kids[*at]->decl == v->decl)
                return f;
    }
    return NULL;
}

/* Number `at` of a draw from the joint law, one for all its latents. */
static Ast *draw_jointly(Sim *s, const Factor *f, Var *v, size_t at)
{
    Ctx *c = s->d->c;
    Ast *law = f->value->kids[0]->kids[ARG_VALUE];
    if (s->joint != f) {
        Site *site = arena_alloc(c->arena, sizeof *site);
        *site = (Site){ .var = v, .law = law, .plate = f->plate, .span = f->span,
                        .observed = true };
        s->site = site;
        s->type = f->value->kids[1]->kids[ARG_VALUE]->type;
        s->vector = drawn(s, law);
        s->joint = s->why ? NULL : f;
    }
    Ast *e = ast_new(c, AST_INDEX, f->span, NULL, 2, s->vector, ast_num(c, f->span, (double)at));
    e->type = e->kids[1]->type = real_scalar(c);
    return e;
}

static Str weighed_by_factor(Derive *d, const Var *v)
{
    for (size_t i = 0; i < vec_len(d->m->factors); i++) {
        const Factor *f = &d->m->factors[i];
        if (!f->penalty && !f->joint && reads_has(model_reads(d->c, d->m, f->value), v))
            return str(d->c, "a `factor` reads it, which is no law to draw from");
    }
    return NULL;
}

/* Which cells of v count: 1, else 0. */
static Result counts(Derive *d, const Var *v)
{
    Ast *one = ast_num(d->c, v->decl->span, 1);
    one->type = real_scalar(d->c);
    return (Result){ str_fmt(d->c, "%s.counts", v->name),
                     make_partial(d->c, v->plate, one, ast_num(d->c, v->decl->span, 0)), v->plate,
                     false };
}

/* Everything of v anew, as a result; or why not. */
static Str draw_variable(Sim *s, Var *v)
{
    Derive *d = s->d;
    Ast *whole = make_name(d->c, v, v->decl->span);
    size_t binds = vec_len(s->q->binds);
    s->why = v->kind == VAR_PARAM ? str(d->c, "it is a parameter") : weighed_by_factor(d, v);
    const Site *sites = v->kind == VAR_DRAWN ? d->m->drawn : d->m->sites;
    size_t at;
    const Factor *joint = s->why ? NULL : joint_law(d, v, &at);
    if (joint)
        whole = draw_jointly(s, joint, v, at);
    for (size_t i = 0; i < vec_len(sites) && !s->why && !joint; i++)
        if (sites[i].var == v)
            draw_site(s, &sites[i], &whole);
    if (s->why) {
        if (s->q->binds)
            ((size_t *)s->q->binds)[-1] = binds;
        return s->why;
    }
    vec_push(d->c, s->q->results, ((Result){ v->name, whole, v->plate, false }));
    if (var_is_partial(v))
        vec_push(d->c, s->q->results, counts(d, v));
    return NULL;
}

void simulate_query(Derive *d)
{
    Query *q = &d->d->simulate;
    Sim s = { .d = d, .q = q };
    Var **vars = NULL;                 /* draws name new ones */
    for (size_t i = 0; i < vec_len(d->m->vars); i++) {
        Var *v = d->m->vars[i];
        bool latent = v->kind == VAR_LATENT || v->kind == VAR_PARAM || v->kind == VAR_DRAWN;
        if (v->kind == VAR_NET)
            q->absent = str_fmt(d->c, "the weights of net `%s` come from training: `sample` draws "
                                "from a trained model", v->name);
        bool drawn = latent || (v->kind == VAR_DATA && has_site(d, v));
        if (drawn && !v->synthetic && !is_drawn_with_data(d, v))
            vec_push(d->c, vars, v);
    }
    for (size_t i = 0; i < vec_len(vars) && !q->absent; i++) {
        vec_push(d->c, q->given, vars[i]);
        vec_push(d->c, q->only_given, draw_variable(&s, vars[i]));
    }
    if (!q->absent && !q->results)
        q->absent = str(d->c, "the model says nothing that could be drawn");
}
