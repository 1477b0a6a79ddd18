/* surrogate.c - what only the gradient of a step needs: surrogates, and averages over draws.
 *
 *     stop(terms(0) - others(terms(0))) * logpdf(q, h)    ->   surrogate score_h = 1/S sum_{n,s} ..
 * A surrogate is a scalar whose slope is added to that of the terms; reverse mode uses it up, and
 * its value is never computed. An average is a parameter b with the surrogate -1/2 (stop(f) - b)^2:
 * its slope f - b says how far b is from the mean of f.
 */
#include "lower.h"

#include <string.h>

static Tir *scalar(Lower *L, const char *name)
{
    return tir_input(L->f, INPUT_SCALAR, str(L->c, name), NULL, 0);
}

static Tir *mul(Lower *L, Tir *a, Tir *b)
{
    return tir_map(L->f, OP_MUL, a, b, NULL);
}

static bool is_row(const ActivePlate *active)
{
    for (size_t i = 0; i < vec_len(active); i++)
        if (active[i].axis->kind == AXIS_ROW)
            return true;
    return false;
}

/* One term at the positions `at`. Seen from outside of the rows, their sum is estimated from those
 * of the batch, N / B times; seen from a row, what is outside counts B / N times as part of all. */
static Tir *term_at(Lower *L, const Term *term, const ActivePlate *at, bool from_row)
{
    Tir *t = lower_density(L, term, at);
    Axis *rows = is_row(at) ? NULL : lower_row_axis(t);
    Tir *scale = mul(L, scalar(L, "total"), scalar(L, "inv_rows"));
    if (rows)
        t = tir_reduce(L->f, OP_SUM, t, &rows, 1);
    if (rows && !from_row)
        t = mul(L, t, scale);
    if (!rows && !term->local && from_row)
        t = tir_map(L->f, OP_DIV, t, scale, NULL);
    return mul(L, tir_const(L->f, term->sign * term->weight), t);
}

static ActivePlate *rows_of(Lower *L, const ActivePlate *active)
{
    ActivePlate *rows = NULL;
    for (size_t i = 0; i < vec_len(active); i++)
        if (active[i].axis->kind == AXIS_ROW)
            vec_push(L->c, rows, active[i]);
    return rows;
}

/* terms(k, ..): with signs and weights, at the present positions of plates; row_terms: in all of
 * the present row; all_terms: in all rows. */
Val *eval_terms(Lower *L, Env *env, const Ast *call)
{
    (void)env;
    ActivePlate *here = L->active;
    ActivePlate *at = !strcmp(call->name, "terms") ? here
                    : !strcmp(call->name, "row_terms") ? rows_of(L, here) : NULL;
    Tir *sum = tir_const(L->f, 0);
    for (size_t i = 0; i < vec_len(call->kids); i++) {
        size_t k = (size_t)call->kids[i]->kids[ARG_VALUE]->num;
        sum = tir_map(L->f, OP_ADD, sum, term_at(L, &L->query->terms[k], at, is_row(here)), NULL);
    }
    L->active = here;
    return val_tensor(L, sum, NULL, 0);
}

static LowParam *param_named(const Lower *L, Str name)
{
    for (size_t i = 0; i < vec_len(L->params); i++)
        if (L->params[i]->name == name)
            return L->params[i];
    ice("no parameter %s", name);
}

static void mark(Lower *L, const Tir *t, Str latent, Map *seen)
{
    for (size_t i = 0; i < vec_len(L->draws); i++)
        if (L->draws[i] == t)
            return;                    /* what is drawn above has marked its own */
    if (map_get(seen, t))
        return;
    map_put(seen, t, (void *)t);
    if (t->op == OP_INPUT && t->input == INPUT_PARAM && !param_named(L, t->name)->latent)
        param_named(L, t->name)->latent = latent;
    for (int k = 0; k < t->n_in; k++)
        mark(L, t->in[k], latent, seen);
}

void lower_drawn_by(Lower *L, const Tir *draw, Str latent)
{
    mark(L, draw, latent, map_new(L->c));
}

/* t over rows, draws and plates: its mean. */
static Tir *mean_of_all(Lower *L, Tir *t)
{
    for (int i = t->n_axes; i-- > 0;) {
        Axis *axis = t->axes[i];
        Tir *share = axis->kind == AXIS_ROW      ? scalar(L, "inv_rows")
                   : axis->kind == AXIS_SAMPLE ? scalar(L, "inv_samples")
                                                 : tir_const(L->f, 1 / (double)axis->size);
        t = mul(L, share, tir_reduce(L->f, OP_SUM, t, &axis, 1));
    }
    return t;
}

static Tir *average(Lower *L, const Term *term)
{
    Tir *f = mean_of_all(L, lower_density(L, term, lower_plates(L, term->plate)));
    Tir *b = var_value(L, term->of)->t;
    param_named(L, term->of->name)->average = true;
    Tir *off = tir_map(L->f, OP_SUB, tir_map(L->f, OP_STOP_GRADIENT, f, NULL, NULL), b, NULL);
    return mul(L, tir_const(L->f, -0.5), tir_map(L->f, OP_SQ, off, NULL, NULL));
}

void lower_surrogates(Lower *L, const Query *q)
{
    for (size_t i = 0; i < vec_len(q->surrogates); i++) {
        const Term *term = &q->surrogates[i];
        Tir *t = term->kind == TERM_AVERAGE ? average(L, term) : lower_total(L, term);
        tir_out(L->f, OUT_SURROGATE, term->name, (int)(vec_len(q->terms) + i),
                tir_label(t, term->name, term->span));
    }
}
