/* explain_latex.c - the same explanation as a LaTeX article: needs amsmath and amssymb only. */
#include "explain.h"

#include <string.h>

/* User text outside of formulas. */
static Str escape(Ctx *c, Str text)
{
    Str out = str(c, "");
    for (const char *p = text; *p; p++) {
        if (*p == '\\')
            out = str_fmt(c, "%s\\textbackslash{}", out);
        else if (*p == '~' || *p == '^')
            out = str_fmt(c, "%s\\%c{}", out, *p);
        else if (strchr("#$%&_{}", *p))
            out = str_fmt(c, "%s\\%c", out, *p);
        else
            out = str_fmt(c, "%s%c", out, *p);
    }
    return out;
}

/* The few characters of our own sentences that plain LaTeX lacks. */
static Str sentence(Ctx *c, Str text)
{
    static const struct { const char *from, *to; } marks[] = {
        { "‖", "$\\|$" }, { "≥", "$\\ge$" }, { "`", "\\texttt{" },
    };
    Str out = str(c, "");
    bool open = false;
    for (const char *p = text; *p;) {
        if (*p == '`') {
            out = str_fmt(c, "%s%s", out, open ? "}" : marks[2].to);
            open = !open;
            p++;
            continue;
        }
        if (!strncmp(p, marks[0].from, 3) || !strncmp(p, marks[1].from, 3)) {
            out = str_fmt(c, "%s%s", out, marks[!strncmp(p, marks[1].from, 3)].to);
            p += 3;
            continue;
        }
        Str one = str_n(c, p++, 1);
        out = str_fmt(c, "%s%s", out, escape(c, one));
    }
    return out;
}

static void section(Explain *x, const char *title)
{
    out_printf(x->o, "\n\\section*{%s}\n", title);
}

static void open_align(Explain *x)
{
    out_puts(x->o, "\\begin{align*}\n");
}

static void close_align(Explain *x)
{
    out_puts(x->o, "\\end{align*}\n");
}

static void row(Explain *x, bool *first, Str formula, Str right)
{
    if (!*first)
        out_puts(x->o, " \\\\\n");
    *first = false;
    out_printf(x->o, "  %s", formula);
    if (right && *right)
        out_printf(x->o, " && \\text{\\footnotesize %s}", right);
}

static Str place(Explain *x, Span at)
{
    return str_fmt(x->c, "\\texttt{%s}", escape(x->c, place_text(x->c, at)));
}

static void model_section(Explain *x)
{
    bool first = true;
    section(x, "Model");
    open_align(x);
    for (size_t i = 0; i < vec_len(x->m->sites); i++) {
        const Site *s = &x->m->sites[i];
        Str lhs = site_lhs(x, s), law = math_law(&x->math, s->law);
        Str plate = s->plate ? str_fmt(x->c, ", \\quad %s", "\\text{for }") : str(x->c, "");
        for (const Plate *p = s->plate; p; p = p->outer)
            plate = str_fmt(x->c, "%s%s = 1, \\ldots, %s%s", plate, math_name(&x->math, p->index),
                            math_size(&x->math, size_text(x->c, p->size)), p->outer ? ";\\; " : "");
        row(x, &first, str_fmt(x->c, "%s &\\sim %s%s", lhs, law, plate), place(x, s->span));
    }
    for (size_t i = 0; i < vec_len(x->m->factors); i++) {
        const Factor *f = &x->m->factors[i];
        row(x, &first, str_fmt(x->c, "\\text{%s}\\; &%s%s", f->penalty ? "penalty" : "factor",
                               math_sum(&x->math, f->plate), math_expr(&x->math, f->value)),
            place(x, f->span));
    }
    out_puts(x->o, "\n");
    close_align(x);
}

static void family_section(Explain *x)
{
    const Family *f = x->m->family;
    bool first = true;
    if (!f)
        return;
    section(x, f->name ? str_fmt(x->c, "Family %s", escape(x->c, f->name)) : f->node ? "Family"
               : "Family (default: mean field over unconstrained space)");
    open_align(x);
    for (size_t i = 0; i < vec_len(f->vars); i++) {
        const Var *v = f->vars[i];
        if (v->kind == VAR_LET && !v->synthetic && v->value)
            row(x, &first, str_fmt(x->c, "%s &= %s", math_var(&x->math, v),
                                   math_expr(&x->math, v->value)), place(x, v->decl->span));
    }
    for (size_t i = 0; i < vec_len(x->d->step.binds); i++) {
        const Bind *b = &x->d->step.binds[i];
        row(x, &first, str_fmt(x->c, "%s &%s %s", math_var(&x->math, b->var),
                               b->kind == BIND_DRAW ? "\\sim" : "=", math_law(&x->math, b->expr)),
            place(x, b->span));
    }
    out_puts(x->o, "\n");
    close_align(x);
}

static void bound_section(Explain *x)
{
    bool first = true, elbo = !strcmp(x->d->objective, "elbo");
    section(x, elbo ? "From the marginal likelihood to the bound" : "Objective");
    open_align(x);
    for (size_t i = 0; i < vec_len(x->d->steps); i++)
        row(x, &first, x->d->steps[i].latex, escape(x->c, rule_info[x->d->steps[i].rule].name));
    out_puts(x->o, "\n");
    close_align(x);
    if (elbo && draws_latents(&x->d->step))
        out_puts(x->o, "The gap is $\\mathrm{KL}(q \\,\\|\\, p(\\,\\cdot \\mid \\text{data}))$: "
                       "the bound is tight where $q$ is the posterior.\n");
}

/* A term: its formula, then each rule on a line of its own. */
static void term_latex(Explain *x, const Term *t)
{
    Str name = escape(x->c, t->name);
    Str weight = t->weight == 1 ? str(x->c, "") : str_fmt(x->c, " %g \\times", t->weight);
    out_printf(x->o, "\n\\paragraph{$%c$%s \\texttt{%s}} %s\n", t->sign < 0 ? '-' : '+',
               *weight ? str_fmt(x->c, " $%s$", weight) : "", name, place(x, t->span));
    open_align(x);
    for (size_t i = 0; i < vec_len(t->steps); i++) {
        bool first = i == 0;
        if (!first)
            out_puts(x->o, " \\\\\n");
        out_printf(x->o, "  &%s && \\text{\\footnotesize %s}", t->steps[i].latex,
                   escape(x->c, rule_info[t->steps[i].rule].name));
    }
    out_puts(x->o, "\n");
    close_align(x);
}

static void rules_section(Explain *x)
{
    bool used[N_RULES];
    rules_used(x->d, used);
    section(x, "Rules");
    out_puts(x->o, "\\begin{description}\n");
    for (int i = 0; i < N_RULES; i++)
        if (used[i])
            out_printf(x->o, "\\item[%s] %s: $%s$\n", escape(x->c, rule_info[i].name),
                       sentence(x->c, str(x->c, rule_info[i].sentence)), rule_info[i].latex);
    out_puts(x->o, "\\end{description}\n");
}

static void training_section(Explain *x)
{
    section(x, "Training");
    out_printf(x->o, "%s; %s.\n", sentence(x->c, training_words(x->c, x->d)),
               sentence(x->c, rows_words(x->c, x->m)));
}

void explain_latex(Explain *x)
{
    out_puts(x->o, "\\documentclass{article}\n\\usepackage{amsmath,amssymb}\n"
                   "\\usepackage[margin=2cm]{geometry}\n\\allowdisplaybreaks\n");
    out_printf(x->o, "\\title{%s, by %s}\n\\date{}\n\\begin{document}\n\\maketitle\n",
               escape(x->c, x->m->name), objective_words(x->c, x->d, true));
    model_section(x);
    family_section(x);
    bound_section(x);
    section(x, "Term by term");
    for (size_t i = 0; i < vec_len(x->d->step.terms); i++)
        term_latex(x, &x->d->step.terms[i]);
    for (size_t i = 0; i < vec_len(x->d->step.surrogates); i++)
        if (vec_len(x->d->step.surrogates[i].steps))
            term_latex(x, &x->d->step.surrogates[i]);
    rules_section(x);
    training_section(x);
    out_puts(x->o, "\\end{document}\n");
}
