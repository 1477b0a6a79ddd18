/* test_ops.c - laws over every row of ops.def.
 *
 * Adjoint = central differences, for every operand of every op: elementwise rows at random points
 * of their domain, rows that change axes on random axes (operands that lack some, diagonals,
 * views). A new row is tested by being there; a new op that changes axes needs a case in
 * build_instance.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "law.h"

/* ---- elementwise rows -------------------------------------------------------------------- */

typedef struct Domain { Op op; double low[3], high[3]; } Domain;

/* Where the operands lie; [-2, 2] if not listed. Points closer than 0.03 to a kink are redrawn. */
static const Domain domains[] = {
    { OP_DIV, { -2, 0.5 }, { 2, 3 } },
    { OP_POW, { 0.3, -2 }, { 2.5, 2 } },
    { OP_SQRT, { 0.2 }, { 4 } },
    { OP_LOG, { 0.2 }, { 4 } },
    { OP_LOG1P, { -0.8 }, { 3 } },
    { OP_TAN, { -1.2 }, { 1.2 } },
    { OP_NORMAL_QUANTILE, { 0.05 }, { 0.95 } },
    { OP_LGAMMA, { 0.3 }, { 5 } },
    { OP_DIGAMMA, { 0.3 }, { 5 } },
    { OP_TRIGAMMA, { 0.3 }, { 5 } },
    { OP_GAMMA_P, { 0.5, 0.5 }, { 4, 4 } },
    { OP_GAMMA_DSHAPE, { 0.5, 0.5 }, { 4, 4 } },
    { OP_BETA_I, { 0.5, 0.5, 0.1 }, { 4, 4, 0.9 } },
    { OP_BETA_I_BY_A, { 0.5, 0.5, 0.1 }, { 4, 4, 0.9 } },
    { OP_BETA_I_BY_B, { 0.5, 0.5, 0.1 }, { 4, 4, 0.9 } },
    { OP_BINOMIAL_QUANTILE, { 0.1, 1, 0.1 }, { 0.9, 9, 0.9 } },
    { OP_LBETA, { 0.3, 0.3 }, { 5, 5 } },
    { OP_LOG_NORMAL_CDF, { -4 }, { 4 } },
    { OP_LOG_BESSEL_I0E, { 0.1 }, { 40 } },
    { OP_BESSEL_GAP, { 0.1 }, { 40 } },
    { OP_IDIV, { 1, 1 }, { 9, 4 } },
    { OP_MOD, { 1, 1 }, { 9, 4 } },
};

static Domain domain_of(Op op)
{
    for (size_t i = 0; i < sizeof domains / sizeof *domains; i++)
        if (domains[i].op == op)
            return domains[i];
    return (Domain){ op, { -2, -2, -2 }, { 2, 2, 2 } };
}

/* Not a derivative by definition, or of whole numbers only: the cell 0 is a choice. */
static bool exempt(Op op, int k)
{
    return op == OP_STOP_GRADIENT || op == OP_IDIV || op == OP_MOD || (op == OP_SELECT && k == 0);
}

static bool near_kink(const double *x)
{
    bool close = false;
    for (int k = 0; k < 3; k++)
        close = close || fabs(x[k] - round(x[k])) < 0.03;
    return close || fabs(x[0] - x[1]) < 0.03;
}

static void draw_points(Law *l, Op op, double *const *x, int64_t n)
{
    Domain d = domain_of(op);
    for (int64_t i = 0; i < n; i++) {
        double at[3] = { 0.4, 0.3, 0.2 };
        do
            for (int k = 0; k < op_info[op].arity; k++)
                at[k] = law_uniform(l, d.low[k], d.high[k]);
        while (near_kink(at));
        for (int k = 0; k < op_info[op].arity; k++)
            x[k][i] = at[k];
    }
}

static void check_map(Op op)
{
    Law l = law_new(op + 1);
    const OpInfo *info = &op_info[op];
    AxisSet axes = { .n = 2, .axis = { l.i, l.m } };
    Tir *in[3] = { 0 };
    double *x[3] = { 0 };
    int active = 0;
    for (int k = 0; k < info->arity; k++) {
        bool moves = info->adjoint[k] != OP_NONE && !exempt(op, k);
        in[k] = law_input(&l, moves ? INPUT_PARAM : INPUT_DATA, &axes, 0, 1, false);
        x[k] = (double *)l.arrays[k].data;
        active += moves;
    }
    draw_points(&l, op, x, 20);
    if (op == OP_SELECT)
        for (int i = 0; i < 20; i++)
            x[0][i] = i % 2;
    law_term(&l, tir_map(l.f, op, in[0], in[1], in[2]), 0);
    tir_verify(l.f);
    if (active)
        law_check_gradient(&l, l.f, law_gradient(&l, l.f), info->name);
    assert_true(isfinite(law_objective(&l, l.f)));
    law_free(&l);
}

static void test_map_rows(void **state)
{
    (void)state;
    for (int op = 0; op < N_OPS; op++)
        if (op_info[op].kind == OP_KIND_MAP)
            check_map((Op)op);
}

/* Operands that lack axes: the adjoint is summed over them. */
static void test_broadcasting(void **state)
{
    (void)state;
    for (int seed = 0; seed < 60; seed++) {
        static const Op ops[] = { OP_ADD, OP_SUB, OP_MUL, OP_DIV };
        Law l = law_new((uint64_t)seed + 1000);
        AxisSet a = law_axes(&l, 3), b = law_axes(&l, 3);
        Tir *p = law_param(&l, &a), *q = law_input(&l, INPUT_PARAM, &b, 0.5, 2, false);
        law_term(&l, tir_map(l.f, ops[seed % 4], p, q, NULL), 0);
        law_check_gradient(&l, l.f, law_gradient(&l, l.f), "broadcasting");
        law_free(&l);
    }
}

/* ---- draws ------------------------------------------------------------------------------- */

static void test_random_rows(void **state)
{
    (void)state;
    for (int op = 0; op < N_OPS; op++) {
        if (op_info[op].kind != OP_KIND_RANDOM)
            continue;
        Law l = law_new((uint64_t)op + 1);
        AxisSet axes = { .n = 2, .axis = { l.n, l.s } }, few = { .n = 1, .axis = { l.i } };
        const OpInfo *info = &op_info[op];
        Tir *a = law_input(&l, INPUT_PARAM, &few, 0.5, 4, false), *in[3] = { 0 };
        for (int k = 0; k < info->arity; k++)       /* a draw without derivative: of data */
            in[k] = info->adjoint[k] != OP_NONE ? a
                  : law_input(&l, INPUT_DATA, &few, k ? 0.1 : 2, k ? 0.9 : 9, k == 0);
        Tir *v = tir_random(l.f, (Op)op, 1, in, axes.axis, axes.n);
        Tir *w = tir_random(l.f, (Op)op, 2, in, axes.axis, axes.n);
        assert_ptr_not_equal(v, w);
        law_term(&l, tir_map(l.f, OP_MUL, v, tir_map(l.f, OP_ADD, w, a, NULL), NULL), 0);
        law_check_gradient(&l, l.f, law_gradient(&l, l.f), op_info[op].name);
        law_free(&l);
    }
}

/* ---- rows that change axes --------------------------------------------------------------- */

static AxisSet with_axes(Law *l, int most, Axis *a, Axis *b)
{
    AxisSet s = law_axes(l, most);
    if (a)
        axes_add(&s, a);
    if (b)
        axes_add(&s, b);
    return s;
}

static void remove_axis(AxisSet *s, const Axis *a)
{
    for (int i = 0; i < s->n; i++)
        if (s->axis[i] == a)
            s->axis[i--] = s->axis[--s->n];
    axes_sort(s);
}

static Tir *instance_rename(Law *l)
{
    AxisSet s = with_axes(l, 2, l->i, law_choice(l, 2) ? l->j : NULL);
    Axis *t = tir_axis(l->f, AXIS_EVENT, str(l->c, "t"), 4);
    Axis *from[] = { l->i, l->j }, *to[3][2] = { { t, t }, { l->j, l->i }, { l->j, l->j } };
    int which = law_choice(l, 3);      /* the diagonal by a new name, a swap, or by an old name */
    return tir_rename(l->f, law_param(l, &s), from, to[which], 2);
}

static Tir *instance_indexed(Law *l, Op op)
{
    Axis *k = l->m;
    AxisSet a = law_axes(l, 3), b = law_axes(l, 2), over = { .n = 0 };
    if (op == OP_GATHER && law_choice(l, 4))
        axes_add(&a, k);
    if (op == OP_GATHER) {
        Tir *p = law_param(l, &a), *index = law_input(l, INPUT_DATA, &b, 0, 5, true);
        return tir_gather(l->f, p, k, index);
    }
    for (int i = 0; i < a.n + b.n; i++) {
        Axis *x = i < a.n ? a.axis[i] : b.axis[i - a.n];
        if (x == k || law_choice(l, 2))
            axes_add(&over, x);
    }
    Tir *p = law_param(l, &a), *index = law_input(l, INPUT_DATA, &b, 0, 5, true);
    return tir_scatter(l->f, p, index, over.axis, over.n, k);
}

/* A positive definite matrix from a parameter: a a' + 2 on the diagonal. */
static Tir *positive_definite(Law *l, bool batch)
{
    Axis *t = tir_axis(l->f, AXIS_EVENT, str(l->c, "t"), 4);
    AxisSet s = { .n = 2, .axis = { l->i, t } };
    if (batch)
        axes_add(&s, l->k);
    Tir *a = law_param(l, &s), *b = tir_rename(l->f, a, &l->i, &l->j, 1);
    Tir *same = tir_map(l->f, OP_EQ, tir_iota(l->f, l->i), tir_iota(l->f, l->j), NULL);
    Tir *two = tir_map(l->f, OP_MUL, tir_const(l->f, 2), same, NULL);
    return tir_map(l->f, OP_ADD, tir_contract(l->f, a, b, &t, 1), two, NULL);
}

static Tir *instance_trisolve(Law *l)
{
    Axis *u = tir_axis(l->f, AXIS_EVENT, str(l->c, "u"), 4);
    Axis *axis = (Axis *[]){ l->i, l->j, u }[law_choice(l, 3)];
    AxisSet b = with_axes(l, 2, axis, NULL), m = { .n = 2, .axis = { l->j, l->i } };
    if (law_choice(l, 2))
        axes_add(&m, l->k);
    for (int k = 0; k < 2; k++)
        if ((k ? l->j : l->i) != axis)
            remove_axis(&b, k ? l->j : l->i);
    Tir *L = law_param(l, &m), *iota[] = { tir_iota(l->f, l->i), tir_iota(l->f, l->j) };
    Tir *three = tir_map(l->f, OP_MUL, tir_const(l->f, 3),
                         tir_map(l->f, OP_EQ, iota[0], iota[1], NULL), NULL);
    L = tir_map(l->f, OP_ADD, L, three, NULL);      /* well away from singular */
    return tir_trisolve(l->f, L, l->i, l->j, law_choice(l, 2), law_param(l, &b), axis);
}

/* A state of 4, 3 numbers at each of 5 steps, 4 for all; what comes out is 6 long. The second step
 * has more values on its way than operands. */
static Tir *instance_scan(Law *l)
{
    static const char start[] =
        "fn step; axis s event 4; axis x event 3; axis c event 4; axis y event 6\n"
        "%1 = input given state [s]; %2 = input given each [x]; %3 = input given fixed [c]\n"
        "%4 = rename{c -> s} %3; %5 = mul %1 %4; %6 = sum{x} %2; %7 = add %5 %6; %8 = tanh %7\n";
    static const char *const ends[] = {
        "%9 = pad{s -> y, 1} %8; %10 = pad{x -> y, 3} %2; %11 = add %9 %10; out next %11\n",
        "%9 = sin %8; %10 = tanh %9; %11 = sin %10; %12 = tanh %11; %13 = mul %12 %10\n"
        "%14 = pad{s -> y, 0} %13; out next %14\n",
    };
    Str text = str_fmt(l->c, "%s%s", start, ends[law_choice(l, 2)]);
    Axis *vectors[3] = { l->i, l->k, l->j }, *y = tir_axis(l->f, AXIS_EVENT, str(l->c, "y"), 6);
    Tir *in[3];
    for (int k = 0; k < 3; k++) {
        AxisSet s = law_axes(l, 3);
        for (int i = 0; i < 3; i++)
            remove_axis(&s, vectors[i]);
        remove_axis(&s, l->m);
        axes_add(&s, vectors[k]);
        if (k == SCAN_EACH && law_choice(l, 4))
            axes_add(&s, l->m);
        in[k] = law_param(l, &s);
    }
    TirFn *step = tir_read(l->c, text);
    assert_non_null(step);
    return tir_scan(l->f, step, l->m, law_choice(l, 2), in, vectors, y);
}

static Tir *build_instance(Law *l, Op op)
{
    AxisSet a = law_axes(l, 3), over = with_axes(l, 1, law_choice(l, 4) ? l->m : NULL, NULL);
    Axis *short_one = tir_axis(l->f, AXIS_EVENT, str(l->c, "short"), 3);
    Axis *long_one = tir_axis(l->f, AXIS_EVENT, str(l->c, "long"), 7);
    switch (op) {
    case OP_RENAME:
        return instance_rename(l);
    case OP_EXPAND:
        return tir_expand(l->f, law_param(l, &a), over.axis, over.n);
    case OP_SUM: case OP_MAXIMUM: case OP_LOGSUMEXP:
        if (law_choice(l, 4))
            axes_add(&a, l->m);
        return tir_reduce(l->f, op, law_param(l, &a), over.axis, over.n);
    case OP_CONTRACT: {
        AxisSet b = with_axes(l, 2, l->m, NULL);
        if (law_choice(l, 4))
            axes_add(&a, l->m);
        Tir *p = law_param(l, &a), *q = law_param(l, &b);
        return tir_contract(l->f, p, q, over.axis, over.n);
    }
    case OP_GATHER: case OP_SCATTER:
        return instance_indexed(l, op);
    case OP_SLICE:
        axes_add(&a, l->m);
        return tir_slice(l->f, law_param(l, &a), l->m, short_one, law_choice(l, 3));
    case OP_PAD:
        return tir_pad(l->f, law_param(l, &a), l->m, long_one, law_choice(l, 3));
    case OP_FLATTEN: case OP_SPLIT: {
        Axis *two[] = { short_one, l->m };             /* 3 times 5 */
        Axis *one = tir_axis(l->f, AXIS_EVENT, str(l->c, "points"), 15);
        if (op == OP_SPLIT || law_choice(l, 4))
            axes_add(&a, op == OP_SPLIT ? one : short_one);
        if (op == OP_FLATTEN && law_choice(l, 4))
            axes_add(&a, l->m);
        if (op == OP_SPLIT)
            remove_axis(&a, l->m);
        Tir *p = law_param(l, &a);
        return op == OP_SPLIT ? tir_split(l->f, p, one, two) : tir_flatten(l->f, p, two, one);
    }
    case OP_CUMSUM:
        return tir_cumsum(l->f, law_param(l, &a), l->m, law_choice(l, 2));
    case OP_CHOLESKY: case OP_INVERSE:
        return tir_matrix(l->f, op, positive_definite(l, law_choice(l, 2)), l->i, l->j);
    case OP_TRISOLVE:
        return instance_trisolve(l);
    case OP_SCAN:
        return instance_scan(l);
    default:
        fail_msg("no instance of `%s`: add one to test_ops.c", op_info[op].name);
        return NULL;
    }
}

static bool has_op(Law *l, Op op)
{
    Tir **order = tir_order(l->f);
    for (size_t i = 0; i < vec_len(order); i++)
        if (order[i]->op == op)
            return true;
    return false;
}

static void test_shape_rows(void **state)
{
    (void)state;
    for (int op = 0; op < N_OPS; op++) {
        int present = 0;
        for (int seed = 0; seed < 60 && op_info[op].kind == OP_KIND_SHAPE; seed++) {
            Law l = law_new((uint64_t)(op * 100 + seed));
            Tir *v = build_instance(&l, (Op)op);
            law_term(&l, v, 0);
            law_term(&l, tir_map(l.f, OP_TANH, v, NULL, NULL), 1);
            tir_verify(l.f);
            TirFn *g = law_gradient(&l, l.f), *h = tir_simplify(l.c, g);
            tir_verify(h);
            law_check_gradient(&l, l.f, g, op_info[op].name);
            law_check_equal(&l, g, h, 1e-10, op_info[op].name);
            present += has_op(&l, (Op)op);
            law_free(&l);
        }
        assert_true(present >= 21 || op_info[op].kind != OP_KIND_SHAPE);
    }
}

/* The gradient of a maximum goes to the first of equals. */
static void test_first_largest(void **state)
{
    (void)state;
    Law l = law_new(5);
    AxisSet axes = { .n = 2, .axis = { l.k, l.i } };
    Tir *p = law_param(&l, &axes);
    double *x = (double *)l.arrays[0].data;
    for (int i = 0; i < 12; i++)
        x[i] = i == 5 || i == 6 || i == 9 ? 2 : 1;
    tir_out(l.f, OUT_TERM, str(l.c, "t"), 0, tir_reduce(l.f, OP_MAXIMUM, p, axes.axis, 2));
    TirFn *g = law_gradient(&l, l.f);
    Interp in = law_interp(&l);
    double **outs = interp_run(l.c->arena, g, &in);
    for (int i = 0; i < 12; i++)
        assert_true(outs[1][i] == (i == 5 ? 1.5 : 0));
    law_free(&l);
}

/* A parameter under an op without derivative is an error of the model, reported at its place. */
static void test_not_differentiable(void **state)
{
    (void)state;
    for (int op = 0; op < N_OPS; op++)
        for (int k = 0; k < op_info[op].arity; k++) {
            if (op_info[op].adjoint[k] != OP_NONE)
                continue;
            Law l = law_new(9);
            AxisSet none = { .n = 0 };
            Tir *in[3] = { 0 };
            for (int i = 0; i < op_info[op].arity; i++)
                in[i] = law_input(&l, i == k ? INPUT_PARAM : INPUT_DATA, &none, 0.2, 0.8, false);
            bool map = op_info[op].kind == OP_KIND_MAP;
            law_term(&l, map ? tir_map(l.f, (Op)op, in[0], in[1], in[2])
                             : tir_random(l.f, (Op)op, 1, in, NULL, 0), 0);
            l.c->err = tmpfile();
            Tir *seed = tir_const(l.f, 1);
            tir_grad(l.c, l.f, &seed, NULL);
            assert_int_equal(diag_count(l.c), 1);
            fclose(l.c->err);
            l.c->err = stderr;
            law_free(&l);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_map_rows),
        cmocka_unit_test(test_broadcasting),
        cmocka_unit_test(test_random_rows),
        cmocka_unit_test(test_shape_rows),
        cmocka_unit_test(test_first_largest),
        cmocka_unit_test(test_not_differentiable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
