/* joint.c - the log joint density, a term for each statement.
 *
 *     for n in N { x[n] ~ bernoulli(logits: decoder(z)) }
 *  -> term x, plate n:  + logpdf(bernoulli(logits: decoder(z)), x[n])
 * `if c then d else e` between laws becomes an `if` between their log densities; `flat` is zero.
 */
#include "derive.h"

Term make_term(Derive *d, Str name, TermKind kind, double sign, Ast *expr, Plate *plate, Span span)
{
    Term t = { .name = fresh_name(d, name), .kind = kind, .sign = sign, .weight = 1, .expr = expr,
               .plate = plate, .span = span };
    t.local = plate && d->m->rows && plate_within(plate, d->m->rows);
    return t;
}

static Ast *density_branch(Derive *d, Ast *law, Ast *x)
{
    Ast *e = joint_logpdf(d, law, x);
    return e ? e : ast_num(d->c, law->span, 0);
}

Ast *joint_logpdf(Derive *d, Ast *law, Ast *x)
{
    Ast *seen = law_see(d->m, law);
    if (law_is_flat(seen))
        return NULL;
    if (seen->kind == AST_IF) {
        Ast *a = density_branch(d, seen->kids[IF_THEN], x);
        Ast *b = density_branch(d, seen->kids[IF_ELSE], x);
        Ast *e = ast_new(d->c, AST_IF, law->span, NULL, 3, seen->kids[IF_COND], a, b);
        e->type = real_scalar(d->c);
        return e;
    }
    if (!law_called(seen)) {
        diag_error(d->c, E_ND_LAW, law->span, fmt_expr(d->c, law));
        diag_help(d->c, "write a distribution of lang/std or of this file");
        return NULL;
    }
    return make_call(d->c, "logpdf", real_scalar(d->c), law->span, seen, x);
}

void joint_likelihood(Derive *d, Query *q)
{
    for (size_t i = 0; i < vec_len(d->m->sites); i++) {
        Site *s = &d->m->sites[i];
        Ast *e = s->observed ? joint_logpdf(d, s->law, s->lhs) : NULL;
        if (e)
            vec_push(d->c, q->terms, make_term(d, s->var->name, TERM_LIKELIHOOD, 1, e, s->plate,
                                               s->span));
    }
}

static bool reads_latent(Derive *d, Ast *e)
{
    Var **reads = model_reads(d->c, d->m, e);
    for (size_t i = 0; i < vec_len(reads); i++)
        if (reads[i]->kind == VAR_LATENT)
            return true;
    return false;
}

/* Penalties are the laws of parameters; plain factors are part of the log joint. */
void joint_factors(Derive *d, Query *q, bool penalties)
{
    for (size_t i = 0; i < vec_len(d->m->factors); i++) {
        Factor *f = &d->m->factors[i];
        if (f->penalty != penalties)
            continue;
        Ast *e = f->value;
        Str name = str(d->c, "factor");
        if (f->penalty) {              /* logpdf(law, param), built by the model */
            Ast *law = e->kids[0]->kids[ARG_VALUE];
            Var *v = model_var(d->m, e->kids[1]->kids[ARG_VALUE]->decl);
            e = joint_logpdf(d, law, make_element(d->c, v, f->span));
            name = str_fmt(d->c, "penalty_%s", v->name);
            e = e ? make_declared_sum(d->c, v, e) : NULL;
        }
        TermKind kind = !f->penalty && reads_latent(d, e) ? TERM_PRIOR : TERM_PENALTY;
        if (e)
            vec_push(d->c, q->terms, make_term(d, name, kind, 1, e, f->plate, f->span));
    }
}

Ast *joint_prior(Derive *d, const Latent *z)
{
    Ast *e = joint_logpdf(d, z->site->law, make_element(d->c, z->var, z->site->span));
    return e ? make_declared_sum(d->c, z->var, e) : NULL;
}
