/* joint.c - the log joint density, a term for each statement.
 *
 *     for n in N { x[n] ~ bernoulli(logits: decoder(z)) }
 *  -> term x, plate n:  + logpdf(bernoulli(logits: decoder(z)), x[n])
 * `if c then d else e` between laws becomes an `if` between their log densities; `flat` is zero. A
 * latent on a narrower support than its law's loses the log of the mass that the law has there.
 */
#include "derive.h"

#include <math.h>
#include <string.h>

Term make_term(Derive *d, Str name, TermKind kind, double sign, Ast *expr, Plate *plate, Span span)
{
    for (const Plate *p = plate; p; p = p->outer)
        expr = make_counted(d->c, p, expr);
    return make_whole_term(d, name, kind, sign, expr, plate, span);
}

Term make_whole_term(Derive *d, Str name, TermKind kind, double sign, Ast *expr, Plate *plate,
                     Span span)
{
    Term t = { .name = fresh_name(d, name), .kind = kind, .sign = sign, .weight = 1, .expr = expr,
               .plate = plate, .span = span };
    t.local = plate && d->m->rows && plate_within(plate, d->m->rows);
    return t;
}

/* log P(lower < X < upper) at every element of x, summed; a bound of NULL is infinite. */
Ast *joint_log_mass(Derive *d, Ast *law, Ast *x, Ast *lower, Ast *upper)
{
    Ctx *c = d->c;
    Ast *call = ast_call(c, law->span, "log_mass", 4, law, x,
                         lower ? lower : ast_num(c, law->span, -INFINITY),
                         upper ? upper : ast_num(c, law->span, INFINITY));
    call->type = real_scalar(c);
    return call;
}

static bool reads_latent(Derive *d, Ast *e)
{
    Var **reads = model_reads(d->c, d->m, e);
    for (size_t i = 0; i < vec_len(reads); i++)
        if (reads[i]->kind == VAR_LATENT)
            return true;
    return false;
}

/* Can the distribution function of `law` be asked for? */
bool joint_offers_cdf(Derive *d, Ast *law, Span at, const char *what)
{
    const Ast *called = law_called(law);
    if (called && law_rank(law) == 0 && law_member(called, AST_FUNCTION, "cdf", NULL))
        return true;
    diag_error(d->c, E_NO_CDF, at, what, fmt_expr(d->c, law));
    if (law->kind == AST_IF)
        diag_help(d->c, "`|>` takes the whole `if`: write it in each branch that it is meant for, "
                  "in parentheses, `if .. then (.. |> ..) else (.. |> ..)`");
    else if (law->kind == AST_PIPE)
        diag_help(d->c, "cut once, with both bounds, and censor what is cut: "
                  "`d |> truncate(lower: a, upper: b) |> censor(lower: l, upper: u)`");
    else
        diag_help(d->c, "give the distribution a `cdf(x) = ..`, or choose another law");
    return false;
}

/* density where every element of x lies in the law's support and between the bounds, else -inf. */
static Ast *within(Derive *d, Ast *law, Ast *x, Ast *lower, Ast *upper, Ast *density)
{
    Ctx *c = d->c;
    Ast *inside = ast_call(c, law->span, "inside", 4, law, x,
                           lower ? lower : ast_num(c, law->span, -INFINITY),
                           upper ? upper : ast_num(c, law->span, INFINITY));
    inside->type = make_type(c, "bit", NULL, NULL);
    return make_choice(c, law->span, inside, density, ast_num(c, law->span, -INFINITY));
}

/* Do the ends of its support depend on its arguments? Data may then lie outside of it. */
static bool support_varies(const Ast *law)
{
    const Ast *support = law_base(law_called(law))->kids[DIST_SUPPORT];
    const Ast *ends = support->kids[TYPE_ARGS];
    for (size_t i = 0; !strcmp(support->name, "interval") && i < vec_len(ends->kids); i++)
        if (ends->kids[i]->kind == AST_NAME && ends->kids[i]->decl
            && ends->kids[i]->decl->kind == AST_ARGDECL)
            return true;
    return false;
}

/* A law between two bounds; NULL: there is none. */
typedef struct Between { Ast *law, *lower, *upper; } Between;

/* d, or what d |> truncate(lower: a, upper: b) is cut from. */
static Between between(Derive *d, Ast *law)
{
    Ast *stage = law->kind == AST_PIPE ? law->kids[PIPE_B] : NULL;
    if (!stage || strcmp(stage->name, "truncate"))
        return (Between){ law, NULL, NULL };
    return (Between){ law_see(d->m, law->kids[PIPE_A]), ast_argument(stage, "lower"),
                      ast_argument(stage, "upper") };
}

/* x >= limit: the law's mass beyond the limit, of that between its bounds; else its density at x.
 * The limit is only looked at where it was met, so it may be infinite elsewhere. */
static Ast *censored(Derive *d, Between b, Ast *x, Ast *limit, bool upper, Ast *density)
{
    Ast *met = make_binary(d->c, upper ? ">=" : "<=", x, limit);
    Ast *beyond = upper ? joint_log_mass(d, b.law, x, x, b.upper)
                        : joint_log_mass(d, b.law, x, b.lower, x);
    if (b.lower || b.upper)
        beyond = make_binary(d->c, "-", beyond, joint_log_mass(d, b.law, x, b.lower, b.upper));
    return make_choice(d->c, b.law->span, met, beyond, density);
}

/* d |> truncate(lower: a, upper: b), d |> censor(upper: c), d |> unnormalised. */
static Ast *stage_logpdf(Derive *d, Ast *pipe, Ast *x, const Var *half)
{
    Ast *law = law_see(d->m, pipe->kids[PIPE_A]), *stage = pipe->kids[PIPE_B];
    Ast *lower = ast_argument(stage, "lower"), *upper = ast_argument(stage, "upper");
    Ast *density = joint_logpdf(d, law, x, NULL);
    if (!density || !strcmp(stage->name, "unnormalised"))
        return density;
    bool truncates = !strcmp(stage->name, "truncate");
    Between b = truncates ? (Between){ law, NULL, NULL } : between(d, law);
    if (!joint_offers_cdf(d, b.law, stage->span, str_fmt(d->c, "`%s`", stage->name)))
        return density;
    if (truncates) {
        lower = half && half->lower ? half->lower : lower;
        upper = half && half->upper ? half->upper : upper;
        density = make_binary(d->c, "-", density, joint_log_mass(d, law, x, lower, upper));
        return half ? density : within(d, law, x, lower, upper, density);
    }
    if (upper)
        density = censored(d, b, x, upper, true, density);
    return lower ? censored(d, b, x, lower, false, density) : density;
}

Ast *joint_logpdf(Derive *d, Ast *law, Ast *x, const Var *half)
{
    Ast *seen = law_see(d->m, law);
    if (law_is_flat(seen))
        return NULL;
    if (seen->kind == AST_IF)
        return make_choice(d->c, law->span, seen->kids[IF_COND],
                           joint_logpdf(d, seen->kids[IF_THEN], x, half),
                           joint_logpdf(d, seen->kids[IF_ELSE], x, half));
    bool counted = x->type && x->type->elem != ELEM_REAL;      /* a density has no point mass */
    if (counted && law_is_delta(seen)) {
        Ast *at = make_binary(d->c, "==", x, seen->kids[0]->kids[ARG_VALUE]);
        return make_choice(d->c, law->span, at, NULL, ast_num(d->c, law->span, -INFINITY));
    }
    if (seen->kind == AST_PIPE)
        return stage_logpdf(d, seen, x, half);
    if (!law_called(seen)) {
        diag_error(d->c, E_ND_LAW, law->span, fmt_expr(d->c, law));
        if (law_is_delta(seen))
            diag_help(d->c, "a real number with a point mass has no density: `factor if c then "
                      "(if x == v then 0 else -inf) else logpdf(.., x)` weighs one");
        else
            diag_help(d->c, "write a distribution of lang/std or of this file");
        return NULL;
    }
    Ast *density = make_call(d->c, "logpdf", real_scalar(d->c), law->span, seen, x);
    if (half && half->unscaled && reads_latent(d, seen))
        density = cut_density(d, seen, x, half, density);
    if (!half && support_varies(seen))
        return within(d, seen, x, NULL, NULL, density);
    if (!half || !half->half || !joint_offers_cdf(d, seen, law->span, "a half-prior"))
        return density;
    return make_binary(d->c, "-", density, joint_log_mass(d, seen, x, half->lower, half->upper));
}

/* y[n] -> y_absent[n] */
static Ast *absent_at(Derive *d, const Site *s)
{
    Ast *absent = make_name(d->c, s->var->absent, s->span);
    if (s->lhs->kind != AST_INDEX)
        return absent;
    Ast *e = ast_copy(d->c, s->lhs);
    e->kids[INDEX_BASE] = absent;
    return e;
}

Ast *joint_site(Derive *d, const Site *s)
{
    if (!s->observed)
        return joint_prior(d, s);
    Ast *e = joint_logpdf(d, s->law, s->lhs, NULL);
    bool summed = e && s->var->absent && !s->var->missing;
    return summed ? make_choice(d->c, s->span, absent_at(d, s), NULL, e) : e;
}

void joint_likelihood(Derive *d, Query *q)
{
    for (size_t i = 0; i < vec_len(d->m->sites); i++) {
        Site *s = &d->m->sites[i];
        bool here = s->observed && !site_is_summed(d, s);
        Ast *e = here ? joint_site(d, s) : NULL;
        if (e)
            vec_push(d->c, q->terms, make_term(d, s->var->name, TERM_LIKELIHOOD, 1, e, s->plate,
                                               s->span));
    }
    sum_out(d, q);
}

/* Penalties are the laws of parameters; plain factors are part of the log joint. */
void joint_factors(Derive *d, Query *q, bool penalties)
{
    for (size_t i = 0; i < vec_len(d->m->factors); i++) {
        Factor *f = &d->m->factors[i];
        if (f->penalty != penalties || factor_is_summed(d, f))
            continue;
        Ast *e = f->value;
        Str name = str(d->c, "factor");
        if (f->penalty) {              /* logpdf(law, param), built by the model */
            Ast *law = e->kids[0]->kids[ARG_VALUE];
            Var *v = model_var(d->m, e->kids[1]->kids[ARG_VALUE]->decl);
            e = joint_logpdf(d, law, make_element(d->c, v, f->span), v);
            name = str_fmt(d->c, "penalty_%s", v->name);
            e = e ? make_declared_sum(d->c, v, e) : NULL;
        }
        TermKind kind = !f->penalty && reads_latent(d, e) ? TERM_PRIOR : TERM_PENALTY;
        if (e)
            vec_push(d->c, q->terms, make_term(d, name, kind, 1, e, f->plate, f->span));
    }
}

Ast *joint_prior(Derive *d, const Site *s)
{
    Ast *e = joint_logpdf(d, s->law, make_element(d->c, s->var, s->span), s->var);
    return e ? make_declared_sum(d->c, s->var, e) : NULL;
}
