/* print.c - --dump=objective: a Derivation as text, nothing left out, in the language's own
 * writing.
 *
 *     objective elbo
 *       param w_mu : real[P]
 *       query step
 *         draw 0 z ~ normal(q.mu, q.sigma) in n
 *         + likelihood x = logpdf(bernoulli(logits: decoder(z)), x[n]) in n local
 *         - kl kl_z = kl(normal(q.mu, q.sigma), normal(0, 1)) in n local
 */
#include "derive.h"

static const char *term_kind(TermKind kind)
{
    static const char *const names[] = { "likelihood", "prior", "entropy", "jacobian", "kl",
                                         "penalty", "bound", "surrogate", "average" };
    return names[kind];
}

static void print_plate(Ctx *c, Out *o, const Plate *plate)
{
    if (!plate)
        return;
    Str in = plate->index;
    for (const Plate *p = plate->outer; p; p = p->outer)
        in = str_fmt(c, "%s, %s", p->index, in);
    out_printf(o, " in %s", in);
}

static void print_bind(Ctx *c, Out *o, const Bind *b)
{
    if (b->kind == BIND_DRAW)
        out_printf(o, "draw %d %s ~ %s%s", b->site, b->var->name, fmt_expr(c, b->expr),
                   b->weight ? str_fmt(c, " weighed %s", fmt_expr(c, b->weight))
                             : b->held ? " held" : "");
    else
        out_printf(o, "value %s = %s", b->var->name, fmt_expr(c, b->expr));
    print_plate(c, o, b->plate);
    out_puts(o, "\n");
}

static void print_term(Ctx *c, Out *o, const Term *t)
{
    out_printf(o, "%c ", t->sign < 0 ? '-' : '+');
    if (t->weight != 1)
        out_printf(o, "%g ", t->weight);
    out_printf(o, "%s%s", t->reported ? "reported " : "", t->held ? "held " : "");
    out_printf(o, "%s %s = %s", term_kind(t->kind), t->name, fmt_expr(c, t->expr));
    print_plate(c, o, t->plate);
    out_printf(o, "%s", t->local ? " local" : "");
    for (size_t i = 0; i < vec_len(t->steps); i++)
        out_printf(o, "%s%s", i ? ", " : "    // ", rule_info[t->steps[i].rule].name);
    out_puts(o, "\n");
}

static void print_surrogate(Ctx *c, Out *o, const Term *t)
{
    if (t->kind == TERM_AVERAGE)
        out_printf(o, "average %s of %s", t->of->name, fmt_expr(c, t->expr));
    else
        out_printf(o, "surrogate %s = %s", t->name, fmt_expr(c, t->expr));
    print_plate(c, o, t->plate);
    out_printf(o, "%s\n", t->local ? " local" : "");
}

static void print_query(Ctx *c, Out *o, const Query *q)
{
    out_printf(o, "query %s%s%s\n", q->name, q->absent ? " absent: " : "",
               q->absent ? q->absent : "");
    out_indent(o, 1);
    for (size_t i = 0; i < vec_len(q->given); i++)
        out_printf(o, "given %s : %s\n", q->given[i]->name, type_text(c, q->given[i]->type));
    for (size_t i = 0; i < vec_len(q->binds); i++)
        print_bind(c, o, &q->binds[i]);
    for (size_t i = 0; i < vec_len(q->terms); i++)
        print_term(c, o, &q->terms[i]);
    for (size_t i = 0; i < vec_len(q->surrogates); i++)
        print_surrogate(c, o, &q->surrogates[i]);
    for (size_t i = 0; i < vec_len(q->results); i++) {
        const Result *r = &q->results[i];
        out_printf(o, "result %s = %s", r->name, fmt_expr(c, r->expr));
        print_plate(c, o, r->plate);
        out_printf(o, "%s\n", r->samples ? " samples" : "");
    }
    out_indent(o, -1);
}

void derivation_print(Ctx *c, Out *o, const Derivation *d)
{
    out_printf(o, "objective %s\n", d->objective);
    out_indent(o, 1);
    for (size_t i = 0; i < vec_len(d->params); i++)
        out_printf(o, "param %s : %s\n", d->params[i]->name, type_text(c, d->params[i]->type));
    for (size_t i = 0; i < N_QUERIES; i++)
        print_query(c, o, &d->query[i]);
    out_indent(o, -1);
}
