/* words.c - every term in words: its formula, and the rules that made it, line by line.
 *
 *     x     E_q[ Σ_n log bernoulli(x_n; logits: decoder(z_n)) ]
 *           density              = E_q[ Σ_n Σ_p x_n·decoder(z_n) - softplus(decoder(z_n)) ]
 *           Monte Carlo          z_n ~ q, 1 draw per step
 *           minibatch            Σ_n over B rows, times N/B
 * requires: terms with their expressions; changes only text, latex and steps.
 */
#include "words.h"

#include <string.h>

Words words_of(Derive *d)
{
    return (Words){ .d = d, .text = { d->c, d->m, false }, .latex = { d->c, d->m, true } };
}

Both both_expr(const Words *w, const Ast *e)
{
    return (Both){ math_expr(&w->text, e), math_expr(&w->latex, e) };
}

Both both_law(const Words *w, const Ast *law)
{
    return (Both){ math_law(&w->text, law), math_law(&w->latex, law) };
}

Both both_var(const Words *w, const Var *v)
{
    return (Both){ math_var(&w->text, v), math_var(&w->latex, v) };
}

/* `pattern` with its one or two %s filled in: patterns are literals of this folder. */
static Str fill(Ctx *c, const char *pattern, Str a, Str b)
{
    Str out = str(c, "");
    Str next[2] = { a, b };
    int used = 0;
    for (const char *p = pattern; ; ) {
        const char *hole = strstr(p, "%s");
        if (!hole || used == 2)
            return str_fmt(c, "%s%s", out, p);
        out = str_fmt(c, "%s%s%s", out, str_n(c, p, (size_t)(hole - p)), next[used++]);
        p = hole + 2;
    }
}

Both both_fmt(const Words *w, const char *text, const char *latex, Both a)
{
    return (Both){ fill(w->d->c, text, a.text, NULL), fill(w->d->c, latex, a.latex, NULL) };
}

Both both_fmt2(const Words *w, const char *text, const char *latex, Both a, Both b)
{
    return (Both){ fill(w->d->c, text, a.text, b.text), fill(w->d->c, latex, a.latex, b.latex) };
}

Step step_make(RuleId rule, Both formula, Span span)
{
    return (Step){ rule, formula.text, formula.latex, span };
}

bool reads_draws(const Words *w, Ast *e)
{
    Var **reads = w->given ? NULL : model_reads(w->d->c, w->d->m, e);
    for (size_t i = 0; i < vec_len(reads); i++)
        if (reads[i]->kind == VAR_LATENT && !var_is_summed(reads[i])
            && !var_is_point(w->d, reads[i]))
            return true;
    return false;
}

/* ---- sums ------------------------------------------------------------------------------------ */

static Both over_plate(const Words *w, const Plate *p, Both inner)
{
    Both sum = { math_sum(&w->text, p), math_sum(&w->latex, p) };
    return both_fmt2(w, "%s%s", "%s%s", sum, inner);
}

/* Elementwise densities are summed over the axes of the event: Σ_p for an axis of size P. */
static Both over_axes(const Words *w, Size **axes, size_t n, Both inner)
{
    Ctx *c = w->d->c;
    Both out = both_fmt(w, "(%s)", "\\left(%s\\right)", inner);
    for (size_t i = n; i-- > 0;) {
        Str size = size_text(c, axes[i]);
        bool letter = size[0] >= 'A' && size[0] <= 'Z' && !size[1];
        Str index = letter ? str_fmt(c, "%c", size[0] - 'A' + 'a') : str(c, "i");
        Both sum = { str_fmt(c, "Σ_%s ", index),
                     str_fmt(c, "\\sum_{%s=1}^{%s} ", index, math_size(&w->latex, size)) };
        out = both_fmt2(w, "%s%s", "%s%s", sum, out);
    }
    return out;
}

/* The binders of a declaration `b[j in J]`. */
static Both over_binders(const Words *w, const Ast *binders, Both inner)
{
    for (size_t i = vec_len(binders->kids); i-- > 0;) {
        Str name = binders->kids[i]->name;
        Both index = { math_name(&w->text, name), math_name(&w->latex, name) };
        inner = both_fmt2(w, "Σ_%s %s", "\\sum_{%s} %s", index, inner);
    }
    return inner;
}

static Both expectation(const Words *w, const Ast *e, Both inner)
{
    if (!reads_draws(w, (Ast *)e))
        return inner;
    return both_fmt(w, "E_q[ %s ]", "\\mathbb{E}_q\\left[ %s \\right]", inner);
}

/* ---- what a call comes to -------------------------------------------------------------------- */

static Ast *arg(const Ast *call, size_t i)
{
    return call->kids[i]->kids[ARG_VALUE];
}

static size_t rank_of(const Type *t)
{
    return t ? vec_len(t->array) + vec_len(t->event) : 0;
}

/* Axes of the value that a density or closed form is summed over: those beyond the event of the
 * law, or, for a Jacobian, beyond that of the support. */
static Size **summed_axes(const Words *w, const Ast *call)
{
    Ctx *c = w->d->c;
    Type *t = call->type;
    if (!strcmp(call->name, "logpdf")) {
        Ast *x = arg(call, 1);
        t = x->type ? beyond_event(c, x->type, law_rank(law_see(w->d->m, arg(call, 0)))) : NULL;
    } else if (!strcmp(call->name, "log_jacobian")) {
        const Ast *s = support_of(w->d, call->type);
        t = beyond_event(c, call->type, s ? (int)vec_len(s->kids[SUPPORT_AXES]->kids) : 0);
    }
    Size **axes = NULL;
    for (size_t i = 0; i < rank_of(t); i++)
        vec_push(c, axes, i < vec_len(t->array) ? t->array[i] : t->event[i - vec_len(t->array)]);
    return axes;
}

static Ast *expanded(const Words *w, Ast *call)
{
    Ast *a = arg(call, 0);
    if (!strcmp(call->name, "logpdf"))
        return expand_logpdf(w->d, law_see(w->d->m, a), arg(call, 1));
    if (!strcmp(call->name, "kl"))
        return expand_kl(w->d, a, law_see(w->d->m, arg(call, 1)));
    if (!strcmp(call->name, "entropy"))
        return expand_fact(w->d, a, "entropy");
    if (!strcmp(call->name, "log_jacobian"))
        return expand_support(w->d, call->type, "log_jacobian", a);
    return NULL;
}

/* The call itself, or within the sum over a declaration's binders. */
/* The log P(..) that a truncated law loses, or NULL. */
static Ast *mass_of(Ast *e)
{
    if (e->kind == AST_REDUCE)
        e = e->kids[REDUCE_VALUE];
    Ast *mass = e->kind == AST_BINARY ? e->kids[BINARY_B] : NULL;
    return mass && mass->kind == AST_CALL && !strcmp(mass->name, "log_mass") ? mass : NULL;
}

static Ast *core_call(Ast *e)
{
    bool truncated = mass_of(e) != NULL;
    if (e->kind == AST_REDUCE)
        e = e->kids[REDUCE_VALUE];
    if (truncated)
        e = e->kids[BINARY_A];
    return e->kind == AST_CALL && vec_len(e->kids) > 0 ? e : NULL;
}

static void push(const Words *w, Term *t, RuleId rule, Both formula, Span span)
{
    vec_push(w->d->c, t->steps, step_make(rule, formula, span));
}

static void expand_step(const Words *w, Term *t, RuleId rule)
{
    Ast *call = core_call(t->expr);
    Ast *e = call ? expanded(w, call) : NULL;
    if (!e)
        return;
    Size **axes = summed_axes(w, call);
    Both f = both_expr(w, e);
    if (vec_len(axes))
        f = over_axes(w, axes, vec_len(axes), f);
    else if ((t->plate || t->expr->kind == AST_REDUCE) && e->kind == AST_BINARY)
        f = both_fmt(w, "(%s)", "\\left(%s\\right)", f);
    if (t->expr->kind == AST_REDUCE)
        f = over_binders(w, t->expr->kids[REDUCE_BINDERS], f);
    f = expectation(w, e, over_plate(w, t->plate, f));
    push(w, t, rule, both_fmt(w, "= %s", "= %s", f), call->span);
}

/* ---- the steps after the formula ------------------------------------------------------------- */


static void sampled_step(const Words *w, Term *t)
{
    int s = w->d->m->training.samples;
    if (!reads_draws(w, t->expr))
        return;
    const char *of = describe_strata(w, t) ? "each component" : "q";
    Both f = { s == 1 ? str_fmt(w->d->c, "E_q ≈ the value at one draw from %s", of)
                      : str_fmt(w->d->c, "E_q ≈ the mean over %d draws from %s", s, of),
               str_fmt(w->d->c, s == 1 ? "\\mathbb{E}_q[f] \\approx f(z^{(1)}),\\; z^{(1)} \\sim q"
                       : "\\mathbb{E}_q[f] \\approx \\tfrac{1}{%d} \\sum_{s=1}^{%d} f(z^{(s)}),\\; "
                         "z^{(s)} \\sim q", s, s) };
    push(w, t, RULE_SAMPLED, f, t->span);
}

static void scale_step(const Words *w, Term *t)
{
    const Plate *rows = w->d->m->rows;
    if (!t->local || w->given)
        return;
    Both index = { math_name(&w->text, rows->index), math_name(&w->latex, rows->index) };
    Both size = { size_text(w->d->c, rows->size),
                  math_size(&w->latex, size_text(w->d->c, rows->size)) };
    push(w, t, RULE_PLATE_SCALE,
         both_fmt2(w, "Σ_%s ≈ %s/B times the sum over the B rows of a minibatch",
                   "\\sum_{%s=1}^{%s} f \\approx \\frac{N}{B} \\sum_{\\mathcal{B}} f", index, size),
         rows->span);
}

static void weight_step(const Words *w, Term *t)
{
    if (t->weight == 1)
        return;
    Both f = { str_fmt(w->d->c, "weighted by β = %g", t->weight),
               str_fmt(w->d->c, "\\beta = %g", t->weight) };
    const Ast *at = w->d->m->training.objective_at;
    push(w, t, RULE_BETA, f, at ? at->span : t->span);
}

/* Which latent, and how many states: "c has states 0 .. K - 1". */
static Both states_words(const Words *w, const Ast *sum)
{
    const Var *v = model_var(w->d->m, arg(sum, 0)->decl);
    bool bit = v->type->elem == ELEM_BIT, count = v->type->elem == ELEM_COUNT;
    Str last = bit ? str(w->d->c, "1") : size_text(w->d->c, v->type->classes);
    Both name = { math_symbol(&w->text, v), math_symbol(&w->latex, v) };
    Both end = { last, math_size(&w->latex, last) };
    if (vec_len(sum->kids) > 2) {
        for (size_t i = 2; i < vec_len(sum->kids); i++) {
            const Var *other = model_var(w->d->m, arg(sum, i)->decl);
            name = (Both){ str_fmt(w->d->c, "%s, %s", name.text, math_symbol(&w->text, other)),
                           str_fmt(w->d->c, "%s, %s", name.latex, math_symbol(&w->latex, other)) };
        }
        return both_fmt(w, "over the paths of the joint states of %s: forward algorithm",
                        "\\text{over the paths of the joint states of } %s", name);
    }
    if (arg(sum, 1)->kind == AST_REDUCE && v->plate && v->plate->sequence)
        return both_fmt2(w, bit || count ? "over the paths of %s in 0 .. %s: forward algorithm"
                                         : "over the paths of %s in 0 .. %s - 1: forward algorithm",
                         "\\text{over the paths of } %s \\text{ up to } %s", name, end);
    if (bit || count)
        return both_fmt2(w, "over %s = 0 .. %s", "\\text{over } %s = 0, \\ldots, %s", name, end);
    return both_fmt2(w, "over %s = 0 .. %s - 1", "\\text{over } %s = 0, \\ldots, %s - 1", name,
                     end);
}

static void describe_density(const Words *w, Term *t)
{
    static const struct { RuleId first, expand; } rules[] = {
        [TERM_LIKELIHOOD] = { RULE_CHAIN, RULE_DENSITY },
        [TERM_PRIOR] = { RULE_CHAIN, RULE_DENSITY },
        [TERM_ENTROPY] = { RULE_ENTROPY, RULE_ENTROPY_CLOSED },
        [TERM_JACOBIAN] = { RULE_CHANGE_OF_VARIABLES, RULE_CHANGE_OF_VARIABLES },
        [TERM_KL] = { RULE_KL, RULE_KL_CLOSED },
        [TERM_PENALTY] = { RULE_MAP, RULE_DENSITY },
    };
    Ast *call = core_call(t->expr);
    bool density = call && !strcmp(call->name, "logpdf");
    Both inner = both_expr(w, t->expr);
    if (t->plate && inner.text && t->expr->kind == AST_BINARY)
        inner = both_fmt(w, "(%s)", "\\left(%s\\right)", inner);
    Both f = expectation(w, t->expr, over_plate(w, t->plate, inner));
    RuleId first = rules[t->kind].first;
    if (t->kind == TERM_PENALTY && !density)
        first = RULE_FACTOR;
    if (t->kind == TERM_PRIOR && !density)
        first = RULE_FACTOR;
    t->text = f.text;
    t->latex = f.latex;
    push(w, t, first, f, t->span);
    if (t->expr->kind == AST_CALL && !strcmp(t->expr->name, "sum_states"))
        push(w, t, RULE_SUMMED_OUT, states_words(w, t->expr), t->expr->span);
    if (t->noncentred)
        push(w, t, RULE_NONCENTRED,
             both_fmt2(w, "%s = %s", "%s = %s",
                       both_expr(w, make_element(w->d->c, t->noncentred, t->span)),
                       both_expr(w, t->moved)), t->span);
    expand_step(w, t, density ? RULE_DENSITY : rules[t->kind].expand);
    if (mass_of(t->expr))
        push(w, t, RULE_TRUNCATED, both_expr(w, mass_of(t->expr)), t->span);
    sampled_step(w, t);
    scale_step(w, t);
    weight_step(w, t);
}

void describe_term(const Words *w, Term *t)
{
    Ast *whole = t->expr;
    bool call = whole->kind == AST_CALL, path = call && !strcmp(whole->name, "through_draws");
    if (t->kind == TERM_BOUND) {
        describe_weighted(w, t);
        return;
    }
    if (path || (call && t->kind == TERM_ENTROPY && !strcmp(whole->name, "stop_gradient")))
        t->expr = arg(whole, 0);       /* how it is differentiated is no part of its formula */
    describe_density(w, t);
    t->expr = whole;
    if (path)
        push(w, t, RULE_PATH, (Both){ str(w->d->c, "gradient: by the draws alone"),
                                      str(w->d->c, "\\text{gradient: by the draws alone}") },
             whole->span);
}

void describe(Derive *d)
{
    Words w = words_of(d);
    for (size_t i = 0; i < N_QUERIES; i++) {
        Query *q = &d->d->query[i];
        w.given = vec_len(q->given) > 0;
        for (size_t k = 0; k < vec_len(q->terms); k++)
            describe_term(&w, &q->terms[k]);
    }
    w.given = false;
    describe_score(&w, &d->d->step);
    describe_bound(&w);
    describe_estimates(&w);
}
