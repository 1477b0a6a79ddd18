/* iwae.c - bounds of several draws: importance-weighted, and Rényi's.
 *
 *     log p(x) >= E_q[ log 1/K sum_k w_k ],  w_k = p(x, z_k) / q(z_k | x)   (Burda et al. 2016)
 *     L_alpha   = E_q[ 1/(1 - alpha) log 1/K sum_k w_k^(1 - alpha) ]         (Li and Turner 2016)
 * The first is the second with alpha = 0. log w is the sum of the terms that depend on draws, exact
 * and sampled; they are also reported, and what depends on no draw stays a term of its own. Rows
 * whose latents are all their own have a bound each; else the weights are of the whole data.
 *
 * Gradient of what is drawn through noise, doubly reparameterized (Tucker et al. 2019, appendix for
 * the powers of w): with the shares s_k = w_k^(1-a) / sum w^(1-a), held constant,
 *     sum_k s_k                 slope of log p(x, z_k) by what it reads beside the draws
 *     sum_k (a s_k + (1-a) s_k^2)     slope of log w_k by the draws
 * `gradient: total` is the slope of the bound itself. Of what is drawn by its score: the signal of
 * draw k is the bound, less the bound in which the others stand in for it (Mnih and Rezende 2016).
 */
#include "words.h"

#include <string.h>

typedef struct Bound {
    Derive *d;
    Query *q;
    bool local;                        /* one for each row */
    bool scored;                       /* a latent is drawn by its score */
    Span at;
} Bound;

static Ast *call(const Bound *b, const char *name, Ast *e)
{
    return make_call(b->d->c, name, real_scalar(b->d->c), b->at, e, NULL);
}

static Ast *with_power(const Bound *b, const char *name, Ast *f)
{
    Ast *alpha = ast_num(b->d->c, b->at, b->d->m->training.alpha);
    return make_call(b->d->c, name, real_scalar(b->d->c), b->at, f, alpha);
}

static bool depends_on_draws(const Bound *b, Ast *e)
{
    Var **reads = model_reads(b->d->c, b->d->m, e);
    for (size_t i = 0; i < vec_len(b->d->latents); i++)
        if (!is_point(&b->d->latents[i])
            && (reads_has(reads, b->d->latents[i].var)
                || reads_has(reads, b->d->latents[i].drawn)))
            return true;
    return false;
}

/* Terms of log w go into it and are reported. */
static void weigh(Bound *b)
{
    const Model *m = b->d->m;
    b->local = m->rows != NULL;
    for (size_t i = 0; i < vec_len(b->d->latents); i++) {
        const Latent *z = &b->d->latents[i];
        if (is_point(z))
            continue;
        b->local &= z->var->plate && m->rows && plate_within(z->var->plate, m->rows);
        b->scored |= z->score;
    }
    for (size_t i = 0; i < vec_len(b->q->terms); i++) {
        Term *t = &b->q->terms[i];
        t->reported = depends_on_draws(b, t->expr);
        b->local &= t->local || !t->reported;
    }
}

/* log w, or without those of its terms that are log q of what is drawn through noise. */
static Ast *log_weight(const Bound *b, bool joint_alone)
{
    Ast *sum = NULL;
    for (size_t i = 0; i < vec_len(b->q->terms); i++) {
        const Term *t = &b->q->terms[i];
        if (!t->reported || (joint_alone && t->kind == TERM_ENTROPY))
            continue;
        Ast *number = ast_num(b->d->c, b->at, (double)i);
        if (sum)
            ast_push(b->d->c, sum, ast_new(b->d->c, AST_ARG, b->at, NULL, 1, number));
        else
            sum = call(b, b->local ? "row_terms" : "all_terms", number);
    }
    return sum;
}

static void add(const Bound *b, const char *name, Ast *e, Plate *plate, Var *of)
{
    Term t = make_term(b->d, str(b->d->c, name), TERM_SURROGATE, 1, e, plate, b->at);
    t.of = of;
    vec_push(b->d->c, b->q->surrogates, t);
}

static void doubly(const Bound *b, Plate *plate)
{
    Ctx *c = b->d->c;
    double alpha = b->d->m->training.alpha;
    Ast *s = with_power(b, "shares", log_weight(b, false));
    Ast *joint = make_binary(c, "*", call(b, "stop_gradient", s),
                             call(b, "past_draws", log_weight(b, true)));
    add(b, "by_parameters", call(b, "sum_draws", joint), plate, NULL);
    Ast *square = make_binary(c, "*", ast_num(c, b->at, 1 - alpha), make_binary(c, "*", s, s));
    Ast *both = make_binary(c, "+", make_binary(c, "*", ast_num(c, b->at, alpha), s), square);
    Ast *path = make_binary(c, "*", call(b, "stop_gradient", both),
                            call(b, "through_draws", log_weight(b, false)));
    add(b, "by_draws", call(b, "sum_draws", path), plate, NULL);
}

/* The signal of a latent's score is the same for all its positions in a row. */
static void score(const Bound *b, const Latent *z, Plate *plate)
{
    Ctx *c = b->d->c;
    Ast *f = log_weight(b, false), *signal = with_power(b, "bound", f);
    if (z->control == CONTROL_LOO)
        signal = make_binary(c, "-", signal, with_power(b, "bound_without", f));
    else if (z->control == CONTROL_AVERAGE)
        signal = make_binary(c, "-", signal, score_average(b->d, b->q, z, signal, plate));
    Ast *e = make_binary(c, "*", call(b, "stop_gradient", signal), log_q(b->d, z));
    Str name = str_fmt(c, "score_%s", z->var->name);
    add(b, name, call(b, "sum_draws", e), z->guide->plate, z->drawn);
}

/* A bound of the whole data cannot be estimated from some of its rows. */
static void need_all_rows(const Bound *b)
{
    Model *m = b->d->m;
    if (b->local || !m->rows)
        return;
    m->full_batch = str(b->d->c, "the importance weights are of the whole data");
    if (m->training.batch) {
        diag_error(b->d->c, E_NO_MINIBATCH, b->at, m->full_batch);
        diag_help(b->d->c, "leave out `batch`, or write `objective elbo`");
    }
}

void step_weighted(Derive *d, Query *q)
{
    const Ast *at = d->m->training.objective_at;
    Bound b = { .d = d, .q = q, .at = at ? at->span : d->m->node->span };
    mixture_check_weighted(d);
    joint_likelihood(d, q);
    joint_factors(d, q, false);
    weight_terms(d, q);
    weigh(&b);
    joint_factors(d, q, true);
    family_binds(d, q, true);
    need_all_rows(&b);
    if (b.scored && d->m->training.gradient == GRADIENT_DOUBLY) {
        diag_error(d->c, E_OBJECTIVE_FIT, b.at, d->d->objective,
                   "`gradient: doubly` passes through all draws, and one is by its score");
        diag_help(d->c, "write `gradient: total`, or leave it out");
    }
    Plate *plate = b.local ? d->m->rows : NULL;
    Term t = make_term(d, d->d->objective, TERM_BOUND, 1,
                       with_power(&b, "bound", log_weight(&b, false)), plate, b.at);
    t.held = !b.scored && d->m->training.gradient != GRADIENT_TOTAL;
    if (t.held)
        doubly(&b, plate);
    for (size_t i = 0; i < vec_len(d->latents); i++)
        if (d->latents[i].score && d->latents[i].first)
            score(&b, &d->latents[i], plate);
    vec_push(d->c, q->terms, t);
}

/* ---- words ----------------------------------------------------------------------------------- */

/* "x + prior_z - log_q_z" */
static Both weight_words(const Words *w)
{
    Ctx *c = w->d->c;
    Both out = { str(c, ""), str(c, "") };
    const Query *q = &w->d->d->step;
    for (size_t i = 0; i < vec_len(q->terms); i++) {
        const Term *t = &q->terms[i];
        if (!t->reported)
            continue;
        const char *sign = t->sign < 0 ? " - " : *out.text ? " + " : "";
        out.text = str_fmt(c, "%s%s%s", out.text, sign, t->name);
        out.latex = str_fmt(c, "%s%s%s", out.latex, sign, math_name(&w->latex, t->name));
    }
    return out;
}

static void push(const Words *w, Term *t, RuleId rule, Both f)
{
    vec_push(w->d->c, t->steps, step_make(rule, f, t->span));
}

/* Of the term of the bound: E_q[ Σ_n log 1/K Σ_k w_k ], what w is, and how its slope is taken. */
void describe_weighted(const Words *w, Term *t)
{
    Ctx *c = w->d->c;
    const Training *train = &w->d->m->training;
    Both sum = { math_sum(&w->text, t->plate), math_sum(&w->latex, t->plate) };
    double power = 1 - train->alpha;
    bool plain = train->alpha == 0;
    Both f = { plain ? str_fmt(c, "E_q[ %slog 1/%d Σ_k w_k ]", sum.text, train->samples)
                     : str_fmt(c, "E_q[ %s1/%g log 1/%d Σ_k w_k^%g ]", sum.text, power,
                               train->samples, power),
               plain ? str_fmt(c, "\\mathbb{E}_q\\left[ %s\\log \\tfrac1{%d} \\sum_k w_k \\right]",
                               sum.latex, train->samples)
                     : str_fmt(c, "\\mathbb{E}_q\\left[ %s\\tfrac1{%g} \\log \\tfrac1{%d} \\sum_k "
                               "w_k^{%g} \\right]", sum.latex, power, train->samples, power) };
    t->text = f.text;
    t->latex = f.latex;
    push(w, t, plain ? RULE_WEIGHTED : RULE_RENYI, f);
    push(w, t, RULE_IMPORTANCE, both_fmt(w, "log w = %s", "\\log w = %s", weight_words(w)));
    if (t->held)
        push(w, t, RULE_DOUBLY, (Both){ str(c, "gradient: doubly reparameterized"),
                                        str(c, "\\text{doubly reparameterized}") });
}
