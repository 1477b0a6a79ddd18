/* explain.c - the derivation as a person would write it on a board, each line linked to its source.
 *
 * Sections: model, log joint, family, estimators, from the marginal likelihood to the bound, the
 * bound term by term, the rules that were used, training. The right margin names file and line.
 * requires: a described Derivation; adds nothing to it.
 */
#include "explain.h"

#include <string.h>

#define MARGIN 84                      /* column of the place; longer lines are followed by it */

/* ---- shared with explain_latex.c ------------------------------------------------------------- */

Str place_text(Ctx *c, Span at)
{
    if (!at.src)
        return str(c, "");
    const char *path = at.src->path, *slash = strrchr(path, '/');
    if (!at.src->library && slash)
        path = slash + 1;
    return str_fmt(c, "%s:%d", path, span_line(at));
}

/* x_n, or b_j where the declaration has an index of its own. */
Str site_lhs(const Explain *x, const Site *s)
{
    return math_expr(&x->math, s->observed ? s->lhs : make_element(x->c, s->var, s->span));
}

Str statement_text(const Explain *x, const Site *s)
{
    return str_fmt(x->c, "%s %s %s", site_lhs(x, s), x->math.latex ? "\\sim" : "~",
                   math_law(&x->math, s->law));
}

Str bind_text(const Explain *x, const Bind *b)
{
    const char *sign = b->kind == BIND_VALUE ? "=" : x->math.latex ? "\\sim" : "~";
    Str text = str_fmt(x->c, "%s %s %s", math_var(&x->math, b->var), sign,
                       math_law(&x->math, b->expr));
    if (!b->weight)
        return text;
    return str_fmt(x->c, x->math.latex ? "%s \\text{ with probability } %s"
                                       : "%s with probability %s",
                   text, math_expr(&x->math, b->weight));
}

Str type_words(const Explain *x, const Var *v)
{
    return v->type && v->kind != VAR_NET ? type_text(x->c, v->type) : str(x->c, "");
}

static void mark_rules(const Step *steps, bool *used)
{
    for (size_t i = 0; i < vec_len(steps); i++)
        used[steps[i].rule] = true;
}

bool draws_latents(const Query *q)
{
    for (size_t i = 0; i < vec_len(q->binds); i++)
        if (q->binds[i].kind == BIND_DRAW)
            return true;
    return false;
}

static bool draws_through(const Query *q)
{
    for (size_t i = 0; i < vec_len(q->binds); i++)
        if (q->binds[i].kind == BIND_DRAW && !q->binds[i].held)
            return true;
    return false;
}

void rules_used(const Derivation *d, bool *used)
{
    memset(used, 0, N_RULES * sizeof *used);
    mark_rules(d->steps, used);
    for (size_t i = 0; i < vec_len(d->step.terms); i++) {
        mark_rules(d->step.terms[i].steps, used);
        used[RULE_PLATE] |= d->step.terms[i].plate != NULL;
    }
    for (size_t i = 0; i < vec_len(d->step.surrogates); i++)
        mark_rules(d->step.surrogates[i].steps, used);
    used[RULE_REPARAM] |= draws_through(&d->step);
}

/* As the title says it, or as what is maximised. */
Str objective_words(Ctx *c, const Derivation *d, bool title)
{
    static const struct { const char *name, *title, *maximised; } words[] = {
        { "elbo", "the evidence lower bound", "bound" },
        { "iwae", "the importance-weighted bound", "importance-weighted bound" },
        { "renyi", "the Rényi bound", "Rényi bound" },
        { "map", "maximum a posteriori", "log posterior" },
        { "likelihood", "maximum likelihood", "log likelihood" },
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(d->objective, words[i].name))
            return str(c, title ? words[i].title : words[i].maximised);
    return d->objective;
}

Str training_words(Ctx *c, const Derivation *d)
{
    const Training *t = &d->model->training;
    Str out = str_fmt(c, "maximise the %s by %s", objective_words(c, d, false),
                      t->optimizer && strcmp(t->optimizer, "auto")
                          ? t->optimizer : "Adam with step sizes and end chosen by the trainer");
    for (size_t i = 0; i < vec_len(t->hyper_names); i++)
        out = str_fmt(c, "%s%s%s %g", out, i ? ", " : " (", t->hyper_names[i], t->hyper_values[i]);
    if (vec_len(t->hyper_names))
        out = str_fmt(c, "%s)", out);
    if (d->model->family && t->samples_said)
        out = str_fmt(c, "%s, %d draw%s a step", out, t->samples, t->samples == 1 ? "" : "s");
    if (t->epochs > 0)
        out = str_fmt(c, "%s, %g epochs", out, t->epochs);
    if (t->steps)
        out = str_fmt(c, "%s, %ld steps", out, t->steps);
    return out;
}

Str rows_words(Ctx *c, const Model *m)
{
    if (!m->rows)
        return str_fmt(c, "the whole data at every step: %s", m->full_batch);
    Str batch = m->training.batch ? str_fmt(c, "minibatches of %ld rows", m->training.batch)
                                  : str(c, "minibatches (default: the whole data)");
    return str_fmt(c, "%s of plate `%s`, proven independent", batch, plate_text(c, m->rows));
}

/* ---- text ------------------------------------------------------------------------------------ */

/* Columns of UTF-8 text: combining marks do not occur in what we write. */
static size_t columns(const char *s)
{
    size_t n = 0;
    for (; *s; s++)
        n += ((unsigned char)*s & 0xC0) != 0x80;
    return n;
}

static void line(Explain *x, int indent, Str text, Str right)
{
    size_t used = (size_t)indent + columns(text);
    out_printf(x->o, "%*s%s", indent, "", text);
    if (right && *right) {
        size_t pad = used + 2 <= MARGIN ? MARGIN - used : 2;
        out_printf(x->o, "%*s%s", (int)pad, "", right);
    }
    out_puts(x->o, "\n");
}

static void section(Explain *x, const char *title)
{
    out_printf(x->o, "\n%s\n", title);
    for (size_t i = 0; i < columns(title); i++)
        out_puts(x->o, "-");
    out_puts(x->o, "\n");
}

static int plate_depth(const Plate *p)
{
    int n = 0;
    for (; p; p = p->outer)
        n++;
    return n;
}

/* Opens in the text the plates of `to` that are not open already. */
static void enter(Explain *x, const Plate *to, const Plate **open)
{
    if (to && to != *open && !plate_within(*open, to)) {
        enter(x, to->outer, open);
        line(x, 2 + 2 * plate_depth(to->outer),
             str_fmt(x->c, "%s %s%s", to->sequence ? "scan" : "for", plate_text(x->c, to),
                     to->rows ? "        (the rows)" : ""),
             place_text(x->c, to->span));
    }
    *open = to;
}

static Str missing_words(Explain *x, const Var *v)
{
    if (v->missing)
        return str_fmt(x->c, "; missing cells: %s", math_symbol(&x->math, v->missing));
    return str(x->c, v->absent ? "; missing cells are summed out" : "");
}

static void model_section(Explain *x)
{
    const Plate *open = NULL;
    section(x, "Model");
    for (size_t i = 0; i < vec_len(x->m->vars); i++) {
        const Var *v = x->m->vars[i];
        if (v->synthetic || v->filler || (v->kind != VAR_DATA && v->kind != VAR_PARAM))
            continue;
        line(x, 2, str_fmt(x->c, "%-5s  %s : %s%s%s", v->kind == VAR_DATA ? "data" : "param",
                           math_symbol(&x->math, v), type_words(x, v),
                           v->plate && v->plate->rows ? ", one for each row" : "",
                           missing_words(x, v)),
             place_text(x->c, v->decl->span));
    }
    for (size_t i = 0; i < vec_len(x->m->sites); i++) {
        const Site *s = &x->m->sites[i];
        enter(x, s->plate, &open);
        Str text = str_fmt(x->c, "%s%s%s", statement_text(x, s), s->observed ? "" : "    in ",
                           s->observed ? "" : type_words(x, s->var));
        line(x, 2 + 2 * plate_depth(s->plate), text, place_text(x->c, s->span));
    }
    for (size_t i = 0; i < vec_len(x->m->factors); i++) {
        const Factor *f = &x->m->factors[i];
        line(x, 2, str_fmt(x->c, "%s %s%s", f->penalty ? "penalty" : "factor",
                           math_sum(&x->math, f->plate), math_expr(&x->math, f->value)),
             place_text(x->c, f->span));
    }
}

static void joint_section(Explain *x)
{
    bool first = true;
    section(x, "Log joint density");
    for (size_t i = 0; i < vec_len(x->m->sites); i++) {
        const Site *s = &x->m->sites[i];
        Ast *lhs = s->observed ? s->lhs : make_element(x->c, s->var, s->span);
        Ast *e = ast_call(x->c, s->span, "logpdf", 2, s->law, lhs);
        if (law_is_flat(law_see(x->m, s->law)))
            continue;                  /* density 1 */
        if (!s->observed)
            e = make_declared_sum(x->c, s->var, e);
        line(x, 2, str_fmt(x->c, "%s %s%s", first ? " " : "+", math_sum(&x->math, s->plate),
                           math_expr(&x->math, e)), place_text(x->c, s->span));
        first = false;
    }
    for (size_t i = 0; i < vec_len(x->m->factors); i++) {
        const Factor *f = &x->m->factors[i];
        line(x, 2, str_fmt(x->c, "%s %s%s", first ? " " : "+", math_sum(&x->math, f->plate),
                           math_expr(&x->math, f->value)), place_text(x->c, f->span));
        first = false;
    }
}

static void family_section(Explain *x)
{
    const Plate *open = NULL;
    const Family *f = x->m->family;
    if (!f)
        return;
    section(x, f->name ? str_fmt(x->c, "Family %s", f->name) : f->node ? "Family" :
               "Family (default: mean field over unconstrained space)");
    for (size_t i = 0; i < vec_len(f->vars); i++) {
        const Var *v = f->vars[i];
        if (v->kind == VAR_LET && !v->synthetic && v->value) {
            enter(x, v->plate, &open);
            line(x, 2 + 2 * plate_depth(v->plate),
                 str_fmt(x->c, "%s = %s", math_var(&x->math, v), math_expr(&x->math, v->value)),
                 place_text(x->c, v->decl->span));
        }
    }
    for (size_t i = 0; i < vec_len(x->d->step.binds); i++) {
        const Bind *b = &x->d->step.binds[i];
        enter(x, b->plate, &open);
        line(x, 2 + 2 * plate_depth(b->plate), bind_text(x, b), place_text(x->c, b->span));
    }
    section(x, "Estimators");
    for (size_t i = 0; i < vec_len(x->d->estimates); i++) {
        const Estimate *e = &x->d->estimates[i];
        line(x, 2, str_fmt(x->c, "%s: %s", math_symbol(&x->math, e->latent), e->family),
             place_text(x->c, e->span));
        line(x, 6, e->estimator, NULL);
        line(x, 6, e->reason, NULL);
    }
}

static Str in_brackets(Ctx *c, RuleId rule)
{
    return str_fmt(c, "[%s]", rule_info[rule].name);
}

static void bound_section(Explain *x)
{
    bool elbo = !strcmp(x->d->objective, "elbo");
    section(x, x->m->family ? "From the marginal likelihood to the bound" : "Objective");
    size_t hang = 0;
    for (size_t i = 0; i < vec_len(x->d->steps); i++) {
        const Step *s = &x->d->steps[i];
        const char *sign = strstr(s->text, " = ");
        if (i == 0 && sign)
            hang = columns(str_n(x->c, s->text, (size_t)(sign - s->text))) + 1;
        line(x, 2 + (i ? (int)hang : 0), s->text, in_brackets(x->c, s->rule));
    }
    if (elbo && draws_latents(&x->d->step))
        line(x, 2,
             str(x->c, "The gap is the divergence of q from the posterior: the bound is tight "
                       "where they agree."),
             NULL);
}

static void term_text(Explain *x, const Term *t)
{
    Str weight = t->weight == 1 ? str(x->c, "") : str_fmt(x->c, "%g ", t->weight);
    line(x, 2, str_fmt(x->c, "%c %s%s%s", t->sign < 0 ? '-' : '+', weight, t->name,
                       t->reported ? "    (a part of log w)" : ""),
         place_text(x->c, t->span));
    for (size_t i = 0; i < vec_len(t->steps); i++) {
        const Step *s = &t->steps[i];
        const char *equals = strncmp(s->text, "= ", 2) && i ? "" : i ? "" : "  ";
        line(x, 6, str_fmt(x->c, "%s%s", equals, s->text), in_brackets(x->c, s->rule));
    }
}

static void terms_section(Explain *x)
{
    section(x, x->m->family ? "The bound, term by term" : "Term by term");
    for (size_t i = 0; i < vec_len(x->d->step.terms); i++)
        term_text(x, &x->d->step.terms[i]);
}

/* What is drawn by its score. */
static void gradient_section(Explain *x)
{
    bool any = false;
    for (size_t i = 0; i < vec_len(x->d->step.surrogates); i++) {
        const Term *t = &x->d->step.surrogates[i];
        if (!vec_len(t->steps))
            continue;
        if (!any)
            section(x, "Added to the gradient");
        any = true;
        term_text(x, t);
    }
}

static void rules_section(Explain *x)
{
    bool used[N_RULES];
    rules_used(x->d, used);
    section(x, "Rules");
    for (int i = 0; i < N_RULES; i++)
        if (used[i])
            line(x, 2, str_fmt(x->c, "%s: %s", rule_info[i].name, rule_info[i].sentence), NULL);
}

/* "a, b; predicts y", or NULL. */
static Str wanted_words(Ctx *c, const Model *m)
{
    Str out = NULL;
    for (size_t i = 0; i < vec_len(m->vars); i++)
        if (m->vars[i]->reported)
            out = out ? str_fmt(c, "%s, %s", out, m->vars[i]->name)
                      : str_fmt(c, "reports %s", m->vars[i]->name);
    for (size_t i = 0; i < vec_len(m->predicted); i++)
        out = str_fmt(c, "%s%s %s", out ? out : "", i ? "," : out ? "; predicts" : "predicts",
                      m->predicted[i]->name);
    return out;
}

static bool is_chain(const Model *m, Ctx *c, const Var *v)
{
    bool chain = false;
    for (size_t i = 0; i < vec_len(m->sites); i++)
        chain |= model_reads_past(c, m, m->sites[i].law, v);
    return chain;
}

/* Where the discrete latents come from that reports and predictions read. */
static void states_lines(Explain *x)
{
    Str drawn = NULL;
    bool chain = false, several = false;
    for (size_t i = 0; i < vec_len(x->d->tables); i++) {
        const Var *v = x->d->tables[i].latent;
        if (!x->d->tables[i].draw)
            continue;
        several = drawn != NULL;
        drawn = drawn ? str_fmt(x->c, "%s, %s", drawn, v->name) : v->name;
        chain |= is_chain(x->m, x->c, v);
    }
    if (drawn)
        line(x, 4, str_fmt(x->c, "%s: drawn %s posterior, given such a draw and the data%s", drawn,
                           several ? "together from their" : "from its",
                           chain ? ", by forward filtering, backward sampling" : ""), NULL);
    for (size_t i = 0; i < vec_len(x->d->predicted); i++) {
        const Predicted *p = &x->d->predicted[i];
        Str anew = NULL;
        for (size_t k = 0; k < vec_len(p->anew); k++)
            anew = anew ? str_fmt(x->c, "%s, %s", anew, p->anew[k]->name) : p->anew[k]->name;
        if (anew)
            line(x, 4, str_fmt(x->c, "%s: drawn anew with %s, from %s", anew, p->var->name,
                               vec_len(p->anew) > 1 ? "their laws" : "its law"), NULL);
    }
}

static void training_section(Explain *x)
{
    Str wanted = wanted_words(x->c, x->m);
    section(x, "Training");
    line(x, 2, training_words(x->c, x->d), NULL);
    line(x, 2, rows_words(x->c, x->m), NULL);
    for (size_t i = 0; i < N_QUERIES; i++) {
        const Query *q = &x->d->query[i];
        if (q->absent && i != QUERY_constrain && i <= QUERY_log_prob)
            line(x, 2, str_fmt(x->c, "no `%s`: %s", q->name, q->absent), NULL);
    }
    if (wanted)
        line(x, 2, str_fmt(x->c, "of draws of the latents: %s", wanted), NULL);
    states_lines(x);
}

void explain(Ctx *c, Out *o, const Derivation *d, ExplainFormat format)
{
    Explain x = { c, o, d, d->model, { c, d->model, format == EXPLAIN_LATEX } };
    if (format == EXPLAIN_LATEX) {
        explain_latex(&x);
        return;
    }
    Str title = str_fmt(c, "%s, by %s", d->model->name, objective_words(c, d, true));
    out_printf(o, "%s\n", title);
    for (size_t i = 0; i < columns(title); i++)
        out_puts(o, "=");
    out_puts(o, "\n");
    model_section(&x);
    joint_section(&x);
    family_section(&x);
    bound_section(&x);
    terms_section(&x);
    gradient_section(&x);
    rules_section(&x);
    training_section(&x);
}
