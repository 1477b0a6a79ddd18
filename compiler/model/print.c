/* print.c - --dump=graph: a Model as text, one line for each plate, variable, site and guide.
 *
 *     model vae
 *       plate n in N rows
 *       data x : bit[P] in n                                   vae.dgm:2
 *       site z ~ normal(0, 1) in n                             vae.dgm:5
 *       site x[n] ~ bernoulli(logits: decoder(z)) in n observed reads decoder, z
 *       guide z law normal(q.mu, q.sigma) in n amortized
 */
#include "model.h"

static const char *kind_name(VarKind kind)
{
    static const char *const names[] = { "data", "param", "latent", "let", "net" };
    return names[kind];
}

static void print_end(Ctx *c, Out *o, const Plate *plate, Span span)
{
    if (plate) {
        Str in = plate->index;
        for (const Plate *p = plate->outer; p; p = p->outer)
            in = str_fmt(c, "%s, %s", p->index, in);
        out_printf(o, " in %s", in);
    }
    if (span.src)
        out_printf(o, "    // line %d", span_line(span));
    out_puts(o, "\n");
}

static void print_vars(Ctx *c, Out *o, Var *const *vars)
{
    for (size_t i = 0; i < vec_len(vars); i++) {
        const Var *v = vars[i];
        out_printf(o, "%s%s %s", v->synthetic ? "synthetic " : "", kind_name(v->kind), v->name);
        if (v->kind != VAR_NET && v->kind != VAR_LET && v->type)
            out_printf(o, " : %s", type_text(c, v->type));
        if (v->kind == VAR_LET)
            out_printf(o, " = %s", fmt_expr(c, v->value));
        print_end(c, o, v->plate, v->decl->span);
    }
}

static void print_site(Ctx *c, Out *o, const Site *s)
{
    out_printf(o, "site %s ~ %s%s", fmt_expr(c, s->lhs), fmt_expr(c, s->law),
               s->observed ? " observed" : "");
    for (size_t i = 0; i < vec_len(s->reads); i++)
        out_printf(o, "%s%s", i ? ", " : " reads ", s->reads[i]->name);
    print_end(c, o, s->plate, s->span);
}

static void print_guide(Ctx *c, Out *o, const Guide *g)
{
    static const char *const kinds[] = { "law", "meanfield", "fullrank", "lowrank", "mixture",
                                         "point" };
    out_puts(o, "guide ");
    for (size_t i = 0; i < vec_len(g->latents); i++)
        out_printf(o, "%s%s", i ? ", " : "", g->latents[i]->name);
    out_printf(o, " %s%s%s%s%s", kinds[g->kind], g->law ? " " : "",
               g->law ? fmt_expr(c, g->law) : "", g->amortized ? " amortized" : "",
               g->implied ? " implied" : "");
    print_end(c, o, g->plate, g->span);
}

static void print_training(Out *o, const Training *t)
{
    out_printf(o, "train %s samples %d beta %g optimizer %s", t->objective ? t->objective : "auto",
               t->samples, t->beta, t->optimizer ? t->optimizer : "auto");
    for (size_t i = 0; i < vec_len(t->hyper_names); i++)
        out_printf(o, " %s %g", t->hyper_names[i], t->hyper_values[i]);
    if (t->clip > 0)
        out_printf(o, " clip %g", t->clip);
    if (t->seed > 0)
        out_printf(o, " seed %ld", t->seed);
    if (t->batch)
        out_printf(o, " batch %ld", t->batch);
    if (t->epochs > 0)
        out_printf(o, " epochs %g", t->epochs);
    if (t->steps)
        out_printf(o, " steps %ld", t->steps);
    out_puts(o, "\n");
}

void model_print(Ctx *c, Out *o, const Model *m)
{
    out_printf(o, "model %s\n", m->name);
    out_indent(o, 1);
    for (size_t i = 0; i < vec_len(m->plates); i++) {
        const Plate *p = m->plates[i];
        out_printf(o, "plate %s%s", plate_text(c, p), p->rows ? " rows" : "");
        print_end(c, o, p->outer, p->span);
    }
    if (m->full_batch)
        out_printf(o, "full batch: %s\n", m->full_batch);
    print_vars(c, o, m->vars);
    for (size_t i = 0; i < vec_len(m->sites); i++)
        print_site(c, o, &m->sites[i]);
    for (size_t i = 0; i < vec_len(m->factors); i++) {
        const Factor *f = &m->factors[i];
        out_printf(o, "%s %s", f->penalty ? "penalty" : "factor", fmt_expr(c, f->value));
        print_end(c, o, f->plate, f->span);
    }
    if (m->family) {
        out_printf(o, "family %s\n", m->family->name ? m->family->name
                   : m->family->node ? "(anonymous)" : "(default)");
        out_indent(o, 1);
        print_vars(c, o, m->family->vars);
        for (size_t i = 0; i < vec_len(m->family->guides); i++)
            print_guide(c, o, &m->family->guides[i]);
        out_indent(o, -1);
    }
    print_training(o, &m->training);
    out_indent(o, -1);
}
