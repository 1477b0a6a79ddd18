/* grad.c - reverse-mode differentiation.
 *
 * Idea: copy the fn; walk its values from the youngest to the oldest, so that when a value is met
 * its adjoint is complete; push each adjoint through the op's adjoint rule to the operands. Only
 * values that depend on a parameter take part, so rules that say NONE matter only on such paths.
 *
 *     before  %3 = mul %1 %2 : [n]         after  ... and  %5 = mul seed %1 : [n]   // d_w
 *             %4 = sum{n} %3 : []                 grad w %5
 *
 * requires:    verified IR; seeds are scalars of the same fn, by index of the term
 * establishes: verified IR with one OUT_GRAD for every parameter the outputs reach, laid out as it,
 *              and one OUT_VALUE for each given value
 * never:       changes the terms; sums contributions in another order than from last use to first
 */
#include <string.h>

#include "tir_build.h"

typedef struct Grad {
    Ctx *c;
    TirFn *f;                          /* the new fn */
    Tir **values;                      /* vec: the copied values, operands first */
    bool *active;                      /* by id: depends on a parameter or what is given */
    Tir **adjoint;                     /* by id: sum of the contributions so far; NULL zero */
} Grad;

/* Copies all values the outputs and the seeds need; returns a map from old ids to copies. */
static Tir **copy_values(TirFn *to, const TirFn *f, Tir *const *seeds, size_t n_seeds)
{
    TirFn view = *f;                   /* the same fn, with the seeds as outputs too */
    view.outs = NULL;
    for (size_t i = 0; i < vec_len(f->outs); i++)
        vec_push(f->c, view.outs, f->outs[i]);
    for (size_t i = 0; i < n_seeds; i++)
        if (seeds[i])
            vec_push(f->c, view.outs, ((TirOut){ .name = f->name, .value = seeds[i] }));
    return tir_copies(to, &view);
}

static bool is_wanted(const Tir *v)
{
    return v->op == OP_INPUT && (v->input == INPUT_PARAM || v->input == INPUT_GIVEN);
}

static void find_active(Grad *d)
{
    for (size_t i = 0; i < vec_len(d->values); i++) {
        const Tir *v = d->values[i];
        d->active[v->id] = is_wanted(v);
        for (int k = 0; k < v->n_in; k++)
            if (op_info[v->op].adjoint[k] && d->active[v->in[k]->id])
                d->active[v->id] = true;
    }
}

static void add_adjoint(Grad *d, const Tir *v, Tir *part)
{
    Tir **sum = &d->adjoint[v->id];
    *sum = *sum ? tir_adjoint_add(d->f, *sum, part) : part;
}

/* The adjoint of v is complete: gives it v's name, and each operand its part of it. */
static bool push_adjoint(Grad *d, Tir *v)
{
    Tir *g = d->adjoint[v->id];
    if (v->label && g->op != OP_INPUT)
        tir_label(g, str_fmt(d->c, "d_%s", v->label), v->span);
    for (int k = 0; k < v->n_in; k++) {
        if (!op_info[v->op].adjoint[k] || !d->active[v->in[k]->id])
            continue;
        if (op_info[v->op].adjoint[k] == OP_NONE) {
            diag_error(d->c, E_NOT_DIFFERENTIABLE, v->span, op_info[v->op].name);
            diag_help(d->c, "argument %d would need a derivative; as a constant it is written "
                      "`stop_gradient(..)`", k + 1);
            return false;
        }
        Tir *part = tir_adjoint(d->f, v, k, g);
        if (part) {
            tir_label(part, NULL, v->span);
            add_adjoint(d, v->in[k], part);
        }
    }
    return true;
}

static bool is_followed(const TirOut *o)
{
    return o->kind == OUT_TERM || o->kind == OUT_SURROGATE;
}

static void add_seeds(Grad *d, const TirFn *f, Tir *const *seeds, Tir *const *copy)
{
    for (size_t i = 0; i < vec_len(f->outs); i++) {
        const TirOut *o = &f->outs[i];
        if (!is_followed(o) || !seeds[o->index])
            continue;
        if (seeds[o->index]->n_axes)
            ice_span(o->value->span, "seed of term %s is not a scalar", o->name);
        add_adjoint(d, copy[o->value->id], copy[seeds[o->index]->id]);
    }
}

static size_t count_seeds(const TirFn *f)
{
    int n = 0;
    for (size_t i = 0; i < vec_len(f->outs); i++)
        if (is_followed(&f->outs[i]) && f->outs[i].index >= n)
            n = f->outs[i].index + 1;
    return (size_t)n;
}

static void copy_outs(TirFn *to, const TirFn *f, Tir *const *copy)
{
    for (size_t i = 0; i < vec_len(f->outs); i++) {
        TirOut o = f->outs[i];
        o.value = copy[o.value->id];
        vec_push(to->c, to->outs, o);
    }
}

static void declare_axis(TirFn *f, Axis *axis)
{
    for (size_t i = 0; i < vec_len(f->axes); i++)
        if (f->axes[i] == axis)
            return;
    vec_push(f->c, f->axes, axis);
}

static void drop_surrogates(TirFn *f)
{
    TirOut *kept = NULL;
    for (size_t i = 0; i < vec_len(f->outs); i++)
        if (f->outs[i].kind != OUT_SURROGATE)
            vec_push(f->c, kept, f->outs[i]);
    f->outs = kept;
}

/* The adjoint with all axes of `v`; zero where nothing depends on it: then nothing else may have
 * its axes. */
static Tir *whole_adjoint(Grad *d, const Tir *v, Tir *adjoint)
{
    for (int i = 0; i < v->n_axes; i++)
        declare_axis(d->f, v->axes[i]);
    Tir *g = tir_expand_like(d->f, adjoint ? adjoint : tir_const(d->f, 0), v);
    return tir_label(g, str_fmt(d->c, "d_%s", v->name), v->span);
}

static void out_params(Grad *d)
{
    int index = 0;
    for (size_t i = 0; i < vec_len(d->values); i++) {
        const Tir *v = d->values[i];
        if (v->op == OP_INPUT && v->input == INPUT_PARAM)
            tir_out(d->f, OUT_GRAD, v->name, index++, whole_adjoint(d, v, d->adjoint[v->id]));
    }
}

static void out_given(Grad *d, Tir *const *given)
{
    int index = 0;
    for (size_t i = 0; i < vec_len(d->f->outs); i++)
        index += d->f->outs[i].kind == OUT_VALUE;
    for (size_t k = 0; k < vec_len(given); k++) {
        const Tir *at = given[k];      /* as it is in this fn: passes may have renamed its axes */
        Tir *adjoint = NULL;
        for (size_t i = 0; i < vec_len(d->values); i++) {
            const Tir *v = d->values[i];
            if (v->op != OP_INPUT || v->input != INPUT_GIVEN || v->name != given[k]->name)
                continue;
            at = v;
            adjoint = d->adjoint[v->id];
        }
        tir_out_layout(d->f, at->name, index++, whole_adjoint(d, at, adjoint), at->axes,
                       at->n_axes);
    }
}

TirFn *tir_grad(Ctx *c, const TirFn *f, Tir *const *seeds, Tir *const *given)
{
    Grad d = { .c = c, .f = tir_fn_like(c, f) };
    Tir **copy = copy_values(d.f, f, seeds, count_seeds(f));
    copy_outs(d.f, f, copy);
    d.values = tir_order(d.f);
    size_t n = (size_t)d.f->n_values;  /* adjoints come after: they are not differentiated */
    d.active = arena_alloc(c->arena, n + 1);
    d.adjoint = arena_alloc(c->arena, sizeof *d.adjoint * (n + 1));
    find_active(&d);
    add_seeds(&d, f, seeds, copy);
    for (size_t i = vec_len(d.values); i-- > 0; ) {
        Tir *v = d.values[i];
        if (d.adjoint[v->id] && d.active[v->id] && !push_adjoint(&d, v))
            break;
    }
    drop_surrogates(d.f);
    out_params(&d);
    out_given(&d, given);
    return d.f;
}
