/* law.c - see law.h. Central differences are of fourth order: (8 (f(h) - f(-h)) - f(2h) + f(-2h))
 * / 12 h with h = 1e-4, exact to about 1e-9 for the functions here. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "law.h"

#define ROWS 3
#define SAMPLES 2

Law law_new(uint64_t seed)
{
    Law l = { .c = ctx_new(), .state = seed * UINT64_C(0x9E3779B97F4A7C15) + 1 };
    l.f = tir_fn(l.c, str(l.c, "law"));
    l.n = tir_axis(l.f, AXIS_ROW, str(l.c, "n"), 0);
    l.s = tir_axis(l.f, AXIS_SAMPLE, str(l.c, "s"), 0);
    l.i = tir_axis(l.f, AXIS_EVENT, str(l.c, "i"), 4);
    l.j = tir_axis(l.f, AXIS_EVENT, str(l.c, "j"), 4);
    l.k = tir_axis(l.f, AXIS_PLATE, str(l.c, "k"), 3);
    l.m = tir_axis(l.f, AXIS_EVENT, str(l.c, "m"), 5);
    return l;
}

void law_free(Law *l)
{
    ctx_free(l->c);
}

static uint64_t next(Law *l)
{
    uint64_t z = l->state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

double law_uniform(Law *l, double low, double high)
{
    return low + (high - low) * ((double)(next(l) >> 11) + 0.5) / 9007199254740992.0;
}

int law_choice(Law *l, int n)
{
    return (int)(next(l) % (uint64_t)n);
}

AxisSet law_axes(Law *l, int most)
{
    Axis *all[] = { l->n, l->s, l->i, l->j, l->k, l->m };
    AxisSet s = { .n = 0 };
    if (law_choice(l, 3) == 0 && most > 0)
        axes_add(&s, l->n);
    for (int tries = law_choice(l, most + 1); tries > 0 && s.n < most; tries--)
        axes_add(&s, all[1 + law_choice(l, 5)]);
    return s;
}

Tir *law_input(Law *l, InputKind kind, const AxisSet *axes, double low, double high, bool whole)
{
    Str name = str_fmt(l->c, "%c%d", kind == INPUT_PARAM ? 'p' : 'x', l->n_inputs++);
    Tir *v = tir_input(l->f, kind, name, axes->axis, axes->n);
    Interp in = law_interp(l);
    int64_t count = interp_count(&in, v);
    double *data = arena_alloc(l->c->arena, sizeof *data * (size_t)count);
    for (int64_t i = 0; i < count; i++) {
        double x = law_uniform(l, low, high);
        data[i] = whole ? floor(x) : x;
    }
    vec_push(l->c, l->arrays, ((InterpArray){ name, data }));
    vec_push(l->c, l->counts, count);
    return v;
}

Tir *law_param(Law *l, const AxisSet *axes)
{
    return law_input(l, INPUT_PARAM, axes, -1.2, 1.2, false);
}

void law_term(Law *l, Tir *v, int index)
{
    AxisSet some = { .n = 0 }, all = axes_of(v);
    for (int i = 0; i < v->n_axes; i++)
        if (law_choice(l, 2) && (v->axes[i] != l->n || !some.n))
            axes_add(&some, v->axes[i]);
    axes_sort(&some);
    Tir *w = law_input(l, INPUT_DATA, &some, 0.5, 1.5, false);
    Tir *vw = tir_map(l->f, OP_MUL, v, w, NULL);
    tir_out(l->f, OUT_TERM, str_fmt(l->c, "t%d", index), index,
            tir_reduce(l->f, OP_SUM, vw, all.axis, all.n));
}

Interp law_interp(const Law *l)
{
    return (Interp){ .rows = ROWS, .samples = SAMPLES, .arrays = l->arrays,
                     .n_arrays = (int)vec_len(l->arrays), .seed = 7 };
}

static double seed_of(int term)
{
    return 1.5 - 0.5 * term;
}

static double objective(const Law *l, const TirFn *f, Arena *a)
{
    Interp in = law_interp(l);
    double **outs = interp_run(a, f, &in), sum = 0;
    for (size_t i = 0; i < vec_len(f->outs); i++)
        if (f->outs[i].kind == OUT_TERM)
            sum += seed_of(f->outs[i].index) * *outs[i];
    return sum;
}

double law_objective(const Law *l, const TirFn *f)
{
    Arena *a = arena_new();
    double y = objective(l, f, a);
    arena_free(a);
    return y;
}

TirFn *law_gradient(Law *l, TirFn *f)
{
    Tir *seeds[16];
    for (int k = 0; k < 16; k++)
        seeds[k] = tir_const(f, seed_of(k));
    TirFn *g = tir_grad(l->c, f, seeds, NULL);
    tir_verify(g);
    return g;
}

static double difference(const Law *l, const TirFn *f, double *x, Arena *a)
{
    static const double h = 1e-4;
    double kept = *x, at[4];
    for (int k = 0; k < 4; k++) {
        *x = kept + h * (double[]){ 1, -1, 2, -2 }[k];
        at[k] = objective(l, f, a);
    }
    *x = kept;
    return (8 * (at[0] - at[1]) - (at[2] - at[3])) / (12 * h);
}

static int find_input(const Law *l, const char *name)
{
    for (size_t i = 0; i < vec_len(l->arrays); i++)
        if (!strcmp(l->arrays[i].name, name))
            return (int)i;
    fail_msg("no input %s", name);
    return -1;
}

void law_check_gradient(Law *l, const TirFn *f, const TirFn *g, const char *what)
{
    Interp in = law_interp(l);
    Arena *a = arena_new();
    double **outs = interp_run(a, g, &in);
    int checked = 0;
    for (size_t o = 0; o < vec_len(g->outs); o++) {
        if (g->outs[o].kind != OUT_GRAD)
            continue;
        int p = find_input(l, g->outs[o].name);
        assert_int_equal(interp_count(&in, g->outs[o].value), l->counts[p]);
        for (int64_t i = 0; i < l->counts[p]; i++) {
            double d = difference(l, f, (double *)&l->arrays[p].data[i], a);
            if (!(fabs(d - outs[o][i]) <= 1e-6 * fmax(1, fabs(d))))
                fail_msg("%s: d/d%s[%d] is %.12g, differences give %.12g\n%s", what,
                         l->arrays[p].name, (int)i, outs[o][i], d, law_text(l, g));
        }
        checked++;
    }
    assert_true(checked > 0);
    arena_free(a);
}

void law_check_equal(Law *l, const TirFn *f, const TirFn *g, double tolerance, const char *what)
{
    Interp in = law_interp(l);
    Arena *a = arena_new();
    double **x = interp_run(a, f, &in), **y = interp_run(a, g, &in);
    assert_int_equal(vec_len(f->outs), vec_len(g->outs));
    for (size_t o = 0; o < vec_len(f->outs); o++) {
        int64_t n = interp_count(&in, f->outs[o].value);
        assert_int_equal(n, interp_count(&in, g->outs[o].value));
        for (int64_t i = 0; i < n; i++)
            if (fabs(x[o][i] - y[o][i]) > tolerance * fmax(1, fabs(x[o][i]))
                || (isnan(y[o][i]) && !isnan(x[o][i])))
                fail_msg("%s: output %d, element %d: %.17g became %.17g\n%s\n%s", what, (int)o,
                         (int)i, x[o][i], y[o][i], law_text(l, f), law_text(l, g));
    }
    arena_free(a);
}

const char *law_text(Law *l, const TirFn *f)
{
    Out *o = out_new(l->c);
    tir_print(o, f);
    return out_text(o, NULL);
}
