/* cut.c - the normaliser of a law of numbers that is cut to a support of vectors.
 *
 *     latent g : zerosum[K] ~ normal(0, tau)        + log tau: K - 1 of the K numbers are free
 *     latent c : ordered(0, inf)[K] ~ normal(m, s)  - K log P(0 < X)
 * Idea: a constant may be left out, what depends on a latent may not. Of K numbers of one law in
 * order it is the mass between the ends, to the power K, over K!; of normal numbers of sum 0 it is
 * the density of their sum there. Others have no formula: they are refused, unless `unnormalised`
 * says so.
 */
#include "derive.h"

#include <math.h>
#include <string.h>

bool cut_of_one_law(const Ast *law)
{
    for (size_t i = 0; i < vec_len(law->kids); i++) {
        const Type *t = law->kids[i]->kids[ARG_VALUE]->type;
        if (!t || t->kind != KIND_VALUE || vec_len(t->array) + vec_len(t->event) > 0)
            return false;
    }
    return true;
}

Ast *cut_bound(Ctx *c, const Type *t, size_t i)
{
    Ast *bound = i < vec_len(t->bounds) ? t->bounds[i] : NULL;
    if (!bound || (bound->kind == AST_NUM && isinf(bound->num)))
        return NULL;
    Str text = fmt_expr(c, bound);
    return strcmp(text, "inf") && strcmp(text, "-inf") ? bound : NULL;
}

bool cut_is_centred(const Ast *law, const Type *t)
{
    const Ast *called = law_called(law);
    return !strcmp(law_base(called)->name, "normal") && called->span.src->library
        && !strcmp(t->support, "zerosum");
}

static Ast *number(const Ast *like, Ctx *c, double value)
{
    Ast *e = ast_num(c, like->span, value);
    e->type = like->type;
    return e;
}

/* -log of the density that the sum of K normal numbers has at 0, less a constant, of every vector
 * of x: log s + K/2 (m/s)^2. */
static Ast *centred_term(Derive *d, Ast *law, const Type *x)
{
    Ctx *c = d->c;
    int64_t n = 1, k = 1, rows = 1, last = 1;
    Ast *location = expand_part(d, law, "location"), *scale = expand_part(d, law, "scale");
    for (size_t i = 0; i < vec_len(x->array); i++)
        rows *= size_value(c, x->array[i], &n, NULL) ? n : 1;
    for (size_t i = 0; i < vec_len(x->event); i++, k *= last)
        last = size_value(c, x->event[i], &n, NULL) ? n : 1;
    Ast *ratio = make_binary(c, "/", location, scale);
    Ast *square = make_call(c, "sq", scale->type, law->span, ratio, NULL);
    Ast *log_scale = make_call(c, "log", scale->type, law->span, scale, NULL);
    Ast *one = make_binary(c, "+", log_scale,
                           make_binary(c, "*", number(scale, c, 0.5 * (double)last), square));
    return make_binary(c, "*", number(scale, c, (double)(rows * k / last)), one);
}

Ast *cut_density(Derive *d, Ast *law, Ast *x, const Var *v, Ast *density)
{
    Ctx *c = d->c;
    const Type *t = v->type;
    bool one = cut_of_one_law(law), ordered = !strcmp(t->support, "ordered");
    if (one && ordered) {
        Ast *lower = cut_bound(c, t, 0), *upper = cut_bound(c, t, 1);
        if (!lower && !upper)
            return density;
        if (!joint_offers_cdf(d, law, law->span, "a normaliser that depends on a latent"))
            return density;
        return make_binary(c, "-", density, joint_log_mass(d, law, x, lower, upper));
    }
    if (one && cut_is_centred(law, t))
        return make_binary(c, "+", density, centred_term(d, law, x->type));
    diag_error(c, E_NORMALISER, law->span, fmt_expr(c, law), type_text(c, t));
    diag_help(c, "`%s |> unnormalised` leaves it out", fmt_expr(c, law));
    return density;
}
