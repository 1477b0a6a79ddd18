/* score.c - the gradient by the score of q, for draws that no derivative passes through.
 *
 *     grad E_q[f(z)] = E_q[f(z) grad log q(z)]
 *  -> surrogate  stop(f_z - b) * log q(z),   whose slope is an estimate of it without bias
 * Rao-Blackwell: f_z is the sum of only those terms of the bound that read z, or a latent that the
 * family draws from z, at the positions of z: the others are independent of z given what is drawn
 * before it, and add noise alone (Ranganath, Gerrish and Blei 2014, section 4). `terms: all` weighs
 * the whole bound, for comparison.
 * Control variates: b may be anything that does not depend on this draw, as E_q[grad log q] = 0:
 *     loo       the mean of f_z over the other draws of the step  (Kool, van Hoof and Welling 2019)
 *     average   a moving average of f_z over the steps before     (Mnih and Gregor 2014)
 * The draw itself and log q where it is a part of f_z are constants for the derivative.
 * requires:    the terms and binds of the query
 * establishes: Query.surrogates, for each latent with `score`
 */
#include "words.h"

#include <string.h>

static Ast *stopped(Derive *d, Ast *e)
{
    return make_call(d->c, "stop_gradient", real_scalar(d->c), e->span, e, NULL);
}

/* Does the value of e depend on the draw that z is a part of? */
static bool depends_on(Derive *d, Ast *e, const Latent *z)
{
    Var **reads = model_reads(d->c, d->m, e);
    if (reads_has(reads, z->drawn))
        return true;
    for (size_t i = 0; i < vec_len(d->latents); i++) {
        const Latent *other = &d->latents[i];
        if (other->drawn == z->drawn && reads_has(reads, other->var))
            return true;
        for (size_t k = 0; k < vec_len(z->guide->latents); k++)
            if ((reads_has(reads, other->var) || reads_has(reads, other->drawn))
                && other->drawn != z->drawn && depends_on_draw(d, other, z->guide->latents[k], 0))
                return true;
    }
    return false;
}

/* terms(0, 2): those that depend on z; all_terms(0, 1, 2). NULL: none. */
static Ast *blanket(Derive *d, const Query *q, const Latent *z)
{
    Ast *call = NULL;
    for (size_t i = 0; i < vec_len(q->terms); i++) {
        if (!z->whole && !depends_on(d, q->terms[i].expr, z))
            continue;
        Ast *number = ast_num(d->c, z->free->span, (double)i);
        Ast *arg = ast_new(d->c, AST_ARG, z->free->span, NULL, 1, number);
        if (!call)
            call = make_call(d->c, z->whole ? "all_terms" : "terms", real_scalar(d->c),
                             z->free->span, number, NULL);
        else
            ast_push(d->c, call, arg);
    }
    return call;
}

Ast *score_average(Derive *d, Query *q, const Latent *z, Ast *f, Plate *plate)
{
    Span at = z->free->span;
    Str name = str_fmt(d->c, "%s_average", z->var->name);
    Var *average = make_param(d, name, real_scalar(d->c), ast_num(d->c, at, 0), at);
    average->average = true;
    Term t = make_term(d, name, TERM_AVERAGE, 1, f, plate, at);
    t.of = average;
    vec_push(d->c, q->surrogates, t);
    return make_name(d->c, average, at);
}

static Ast *control(Derive *d, Query *q, const Latent *z, Ast *f)
{
    if (z->control == CONTROL_NONE)
        return f;
    Ast *b = z->control == CONTROL_AVERAGE
           ? score_average(d, q, z, f, z->guide->plate)
           : make_call(d->c, "others", real_scalar(d->c), z->free->span, f, NULL);
    return make_binary(d->c, "-", f, b);
}

void score_surrogates(Derive *d, Query *q)
{
    for (size_t i = 0; i < vec_len(d->latents); i++) {
        const Latent *z = &d->latents[i];
        Ast *f = z->score && z->first ? blanket(d, q, z) : NULL;
        if (!f)
            continue;
        Ast *e = make_binary(d->c, "*", stopped(d, control(d, q, z, f)), log_q(d, z));
        Term t = make_term(d, str_fmt(d->c, "score_%s", z->var->name), TERM_SURROGATE, 1, e,
                           z->guide->plate, z->free->span);
        t.of = z->drawn;
        vec_push(d->c, q->surrogates, t);
    }
}

/* ---- words ----------------------------------------------------------------------------------- */

/* "x - kl_h": the terms of terms(0, 1), with their signs. */
static Both names_of(const Words *w, const Query *q, const Ast *terms)
{
    Ctx *c = w->d->c;
    Both out = { str(c, ""), str(c, "") };
    for (size_t i = 0; i < vec_len(terms->kids); i++) {
        const Term *t = &q->terms[(size_t)terms->kids[i]->kids[ARG_VALUE]->num];
        const char *sign = t->sign < 0 ? (i ? " - " : "-") : i ? " + " : "";
        Str weight = t->weight == 1 ? str(c, "") : str_fmt(c, "%g ", t->weight);
        out.text = str_fmt(c, "%s%s%s%s", out.text, sign, weight, t->name);
        out.latex = str_fmt(c, "%s%s%s%s", out.latex, sign, weight,
                            math_name(&w->latex, t->name));
    }
    return out;
}

static void push(const Words *w, Term *t, RuleId rule, Both f)
{
    vec_push(w->d->c, t->steps, step_make(rule, f, t->span));
}

/* terms(..) of stop_gradient(terms(..) - b) * log q */
static const Ast *part_of(const Ast *e)
{
    while (e->kind != AST_CALL || !strstr(e->name, "terms"))
        e = e->kind == AST_BINARY ? e->kids[BINARY_A] : e->kids[0]->kids[ARG_VALUE];
    return e;
}

/* What f is: the terms that depend on the draw, or a bound of all draws. */
static void describe_signal(const Words *w, const Query *q, Term *t, const Latent *z)
{
    bool one = t->expr->kind == AST_BINARY;
    if (!one)
        push(w, t, RULE_WEIGHTED, (Both){ str(w->d->c, "f = the bound of all draws, for each"),
                                          str(w->d->c, "f = \\text{the bound of all draws}") });
    else if (z->whole)
        push(w, t, RULE_SCORE, both_fmt(w, "f = %s: all terms, of all positions", "f = %s",
                                        names_of(w, q, part_of(t->expr))));
    else
        push(w, t, RULE_RAO_BLACKWELL,
             both_fmt2(w, "f = %s: the terms that depend on %s",
                       "f = %s \\text{, which depend on } %s", names_of(w, q, part_of(t->expr)),
                       both_var(w, z->var)));
}

static void describe_control(const Words *w, Term *t, const Latent *z)
{
    Ctx *c = w->d->c;
    int others = w->d->m->training.samples - 1;
    bool one = t->expr->kind == AST_BINARY;
    if (z->control == CONTROL_LOO)
        push(w, t, RULE_LEAVE_OUT,
             (Both){ str_fmt(c, one ? "less the mean of f over the other %d draw%s"
                                    : "less the bound where the other %d draw%s stand in for it",
                             others, others == 1 ? "" : "s"),
                     str(c, "f^{(s)} - \\bar f_{-s}") });
    if (z->control == CONTROL_AVERAGE)
        push(w, t, RULE_AVERAGE, (Both){ str(c, "less the average of f over the steps before"),
                                         str(c, "f - b") });
}

static void describe_one(const Words *w, const Query *q, Term *t, const Latent *z)
{
    Both sum = { math_sum(&w->text, t->plate), math_sum(&w->latex, t->plate) };
    Both f = both_fmt2(w, "%sf·∇%s", "%sf\\,\\nabla %s", sum, both_expr(w, log_q(w->d, z)));
    t->text = f.text;
    t->latex = f.latex;
    push(w, t, RULE_SCORE, f);
    describe_signal(w, q, t, z);
    describe_control(w, t, z);
}

void describe_score(const Words *w, Query *q)
{
    for (size_t i = 0; i < vec_len(q->surrogates); i++) {
        Term *t = &q->surrogates[i];
        t->text = t->latex = str(w->d->c, "");
        for (size_t k = 0; k < vec_len(w->d->latents) && t->of; k++)
            if (w->d->latents[k].drawn == t->of && w->d->latents[k].first)
                describe_one(w, q, t, &w->d->latents[k]);
    }
}
