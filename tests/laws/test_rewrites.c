/* test_rewrites.c - laws of the simplifier, the printer and the differentiation of whole graphs.
 *
 * Every row of simplify.def keeps the value and is really applied; random graphs keep their value
 * under simplify, which is idempotent; printing and reading give the same graph back; gradients of
 * random graphs, plain and simplified, agree with central differences.
 */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "law.h"
#include "../../compiler/tensor/simplify.h"

/* ---- rows of simplify.def ---------------------------------------------------------------- */

/* Gives every letter of the pattern a value: over `axes`, or over random axes if NULL. */
static void bind_letters(Law *l, Tir **letters, const AxisSet *axes, double low)
{
    static const double numbers[] = { 0.75, 2.5, -1.25, 3.5, -0.4, 1.75 };
    for (int i = 0; i < 26; i++) {
        char ch = (char)('a' + i);
        AxisSet some = axes ? *axes : law_axes(l, 3);
        Tir *x = law_input(l, INPUT_DATA, &some, low, 2.2, false);
        letters[i] = ch == 'k' || ch == 'm' ? tir_const(l->f, numbers[law_choice(l, 6)])
                   : ch == 'p' ? tir_map(l->f, OP_EXP, x, NULL, NULL) : x;
    }
}

static const char *const names[26] = { "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l",
    "m", "n", "o", "p", "q", "r", "s", "t", "u", "v", "w", "x", "y", "z" };

static Tir *without_expand(Tir *v)
{
    return v->op == OP_EXPAND ? v->in[0] : v;
}

/* Random points, some of them outside the domain (there the left side is NaN and says nothing). */
static int check_value(const char *const *rule, uint64_t seed, double low)
{
    Law l = law_new(seed);
    Tir *letters[26];
    bind_letters(&l, letters, NULL, low);
    Tir *left = tir_expr(l.f, rule[1], names, letters, 26);
    Tir *right = tir_expr(l.f, rule[2], names, letters, 26);
    tir_out(l.f, OUT_VALUE, str(l.c, "left"), 0, left);
    TirFn *f = l.f, *g = tir_fn_like(l.c, l.f);
    g = l.f = tir_simplify(l.c, f);
    tir_verify(g);
    law_check_equal(&l, f, g, 1e-9, rule[0]);
    l.f = f;
    f->outs = NULL;
    tir_out(f, OUT_VALUE, str(l.c, "left"), 0, left);
    tir_out(f, OUT_VALUE, str(l.c, "right"), 1, tir_expand_like(f, right, left));
    Interp in = law_interp(&l);
    double **outs = interp_run(l.c->arena, f, &in);
    int points = 0;
    for (int64_t i = 0; i < interp_count(&in, left); i++) {
        double x = outs[0][i], y = outs[1][i];
        points += isfinite(x);
        if (isfinite(x) && !(fabs(x - y) <= 1e-9 * fmax(1, fabs(x))))
            fail_msg("rule %s: %s = %.17g, but %s = %.17g", rule[0], rule[1], x, rule[2], y);
    }
    law_free(&l);
    return points;
}

/* Both sides in one fn: if the row is applied, they become one value. */
static void check_applied(const char *const *rule)
{
    Law l = law_new(3);
    AxisSet axes = { .n = 1, .axis = { l.i } };
    Tir *letters[26];
    bind_letters(&l, letters, &axes, 0.2);
    for (int k = 1; k < 3; k++)
        tir_out(l.f, OUT_VALUE, str(l.c, rule[k]), k,
                tir_expr(l.f, rule[k], names, letters, 26));
    TirFn *g = tir_simplify(l.c, l.f);
    if (without_expand(g->outs[0].value) != without_expand(g->outs[1].value))
        fail_msg("rule %s is not applied:\n%s", rule[0], law_text(&l, g));
    law_free(&l);
}

static void test_rows(void **state)
{
    (void)state;
    for (int i = 0; i < n_simp_rules; i++) {
        int points = 0;
        for (uint64_t seed = 0; seed < 6; seed++)
            points += check_value(simp_rule_text[i], 50 * (uint64_t)i + seed,
                                  seed % 2 ? 0.2 : -2.2);
        if (points < 10)
            fail_msg("rule %s was tried at %d points only", simp_rule_text[i][0], points);
        check_applied(simp_rule_text[i]);
    }
}

/* ---- random graphs ----------------------------------------------------------------------- */

static Tir *map1(Law *l, Op op, Tir *a) { return tir_map(l->f, op, a, NULL, NULL); }
static Tir *map2(Law *l, Op op, Tir *a, Tir *b) { return tir_map(l->f, op, a, b, NULL); }

static Tir *positive(Law *l, Tir *a)
{
    Tir *y = map1(l, law_choice(l, 2) ? OP_SOFTPLUS : OP_LOGISTIC, a);
    return law_choice(l, 2) ? map2(l, OP_ADD, y, tir_const(l->f, 0.3)) : y;
}

/* Squashed, so that depth does not make numbers explode. */
static Tir *tame(Law *l, Tir *a)
{
    return map1(l, OP_TANH, a);
}

static Tir *random_map(Law *l, Tir *a, Tir *b)
{
    static const double numbers[] = { 1, 0.5, 2, -1, 0, 3 };
    Tir *number = tir_const(l->f, numbers[law_choice(l, 6)]);
    switch (law_choice(l, 15)) {
    case 0:  return map2(l, OP_ADD, a, b);
    case 1:  return map2(l, OP_SUB, a, b);
    case 2:  return map2(l, OP_MUL, a, b);
    case 3:  return map2(l, OP_MUL, a, number);
    case 4:  return map2(l, OP_ADD, number, a);
    case 5:  return map2(l, OP_SUB, number, b);
    case 6:  return map2(l, OP_DIV, a, positive(l, b));
    case 7:  return map1(l, OP_LOG, positive(l, a));
    case 8:  return map1(l, OP_EXP, tame(l, a));
    case 9:  return map1(l, OP_SQ, a);
    case 10: return map1(l, OP_NEG, a);
    case 11: return map1(l, OP_SQRT, map2(l, OP_ADD, tir_const(l->f, 0.5), positive(l, a)));
    case 12: return map2(l, OP_POW, positive(l, a), number);
    case 13: return map1(l, OP_LOG, map2(l, OP_SUB, tir_const(l->f, 1), map1(l, OP_LOGISTIC, a)));
    default: return map1(l, OP_SIN, a);
    }
}

static Tir *random_shape(Law *l, Tir *a, Tir *b)
{
    static const Op reductions[] = { OP_SUM, OP_LOGSUMEXP, OP_SUM };
    AxisSet over = law_axes(l, 2), one = { .n = 1, .axis = { l->m } };
    switch (law_choice(l, 8)) {
    case 0: case 1:
        return tame(l, tir_reduce(l->f, reductions[law_choice(l, 3)], a, over.axis, over.n));
    case 2:
        return tame(l, tir_contract(l->f, a, b, over.axis, over.n));
    case 3:
        return tame(l, tir_reduce(l->f, OP_SUM, map2(l, OP_MUL, a, b), over.axis, over.n));
    case 4:
        return tir_rename(l->f, a, &l->i, &l->j, 1);
    case 5:
        return tir_expand(l->f, a, over.axis, over.n);
    case 6:
        return tir_gather(l->f, a, l->m, law_input(l, INPUT_DATA, &over, 0, 5, true));
    default:
        return tame(l, tir_cumsum(l->f, a, one.axis[0], false));
    }
}

static Law random_graph(uint64_t seed)
{
    Law l = law_new(seed);
    Tir *pool[24];
    int n = 0;
    for (; n < 4; n++) {
        AxisSet axes = law_axes(&l, 2);
        pool[n] = n < 3 ? law_param(&l, &axes)
                        : law_input(&l, INPUT_DATA, &axes, -1, 1, false);
    }
    while (n < 14) {
        Tir *a = pool[law_choice(&l, n)], *b = pool[n - 1 - law_choice(&l, 3)];
        bool wide = a->n_axes + b->n_axes > 5;
        Tir *v = law_choice(&l, 3) && !wide ? random_map(&l, a, b)
               : wide ? tame(&l, tir_reduce(l.f, OP_SUM, b, b->axes, b->n_axes))
                      : random_shape(&l, b, a);
        pool[n++] = v;
    }
    law_term(&l, tame(&l, pool[n - 1]), 0);
    law_term(&l, tame(&l, map2(&l, OP_ADD, pool[n - 2], pool[n - 3])), 1);
    tir_out(l.f, OUT_VALUE, str(l.c, "v"), 0, pool[n - 4]);
    return l;
}

static bool reaches_param(const TirFn *f)
{
    Tir **order = tir_order(f);
    for (size_t i = 0; i < vec_len(order); i++)
        if (order[i]->op == OP_INPUT && order[i]->input == INPUT_PARAM)
            return true;
    return false;
}

static void test_graph_values(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 300; seed++) {
        Law l = random_graph(seed + 1);
        tir_verify(l.f);
        TirFn *g = tir_simplify(l.c, l.f);
        tir_verify(g);
        law_check_equal(&l, l.f, g, 1e-8, "simplify");
        assert_string_equal(law_text(&l, g), law_text(&l, tir_simplify(l.c, g)));
        law_free(&l);
    }
}

static void test_graph_text(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++) {
        Law l = random_graph(seed + 1);
        TirFn *f = seed % 2 ? tir_simplify(l.c, l.f) : law_gradient(&l, l.f);
        TirFn *g = tir_read(l.c, law_text(&l, f));
        assert_non_null(g);
        tir_verify(g);
        assert_string_equal(law_text(&l, f), law_text(&l, g));
        if (seed % 2 == 0)
            law_check_equal(&l, f, g, 0, "print and read");
        law_free(&l);
    }
}

static void test_graph_gradients(void **state)
{
    (void)state;
    int checked = 0;
    for (uint64_t seed = 0; seed < 60; seed++) {
        Law l = random_graph(seed + 5000);
        if (reaches_param(l.f)) {
            TirFn *g = law_gradient(&l, l.f), *h = tir_simplify(l.c, g);
            TirFn *later = law_gradient(&l, tir_simplify(l.c, l.f));
            tir_verify(h);
            law_check_gradient(&l, l.f, g, "random graph");
            law_check_equal(&l, g, h, 1e-7, "simplified gradient");
            law_check_gradient(&l, l.f, tir_simplify(l.c, later), "gradient of the simplified");
            checked++;
        }
        law_free(&l);
    }
    assert_true(checked > 40);
}

/* A value of two axes and one of one go into a vector side by side and come out again. */
static void test_parts(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        Law l = law_new(seed + 9000);
        AxisSet a = { .n = 3, .axis = { l.n, l.k, l.i } }, b = { .n = 2, .axis = { l.n, l.m } };
        Axis *two[2] = { law_choice(&l, 2) ? l.k : l.i, NULL }, *t[2];
        two[1] = two[0] == l.k ? l.i : l.k;
        Axis *q = tir_axis(l.f, AXIS_EVENT, str(l.c, "q"), 12);
        Axis *v = tir_axis(l.f, AXIS_EVENT, str(l.c, "v"), 18);
        Axis *x = tir_axis(l.f, AXIS_EVENT, str(l.c, "x"), 12);
        Axis *y = tir_axis(l.f, AXIS_EVENT, str(l.c, "y"), 3);
        for (int i = 0; i < 2; i++)
            t[i] = tir_axis(l.f, AXIS_EVENT, str(l.c, "t"), two[i]->size);
        Tir *flat = tir_flatten(l.f, law_param(&l, &a), two, q);
        Tir *sum = map2(&l, OP_ADD, tir_pad(l.f, law_param(&l, &b), l.m, v, 0),
                        tir_pad(l.f, flat, q, v, 6));
        Tir *whole = tir_split(l.f, tir_slice(l.f, sum, v, x, 6), x, t);
        tir_out(l.f, OUT_VALUE, str(l.c, "whole"), 0, whole);
        tir_out(l.f, OUT_VALUE, str(l.c, "inner"), 1, tir_slice(l.f, sum, v, y, 1));
        tir_out(l.f, OUT_VALUE, str(l.c, "zero"), 2, tir_element(l.f, sum, v, 5));
        TirFn *g = tir_simplify(l.c, l.f);
        tir_verify(g);
        law_check_equal(&l, l.f, g, 0, "parts");
        Tir **order = tir_order(g);
        for (size_t i = 0; i < vec_len(order); i++)
            assert_true(order[i]->op != OP_PAD && order[i]->op != OP_ADD
                        && order[i]->op != OP_FLATTEN && order[i]->op != OP_SPLIT);
        law_free(&l);
    }
}

/* Parts side by side, summed along another axis, and along the vector too. */
static void test_sums_of_parts(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        Law l = law_new(seed + 12000);
        AxisSet a = { .n = 2, .axis = { l.n, l.k } }, b = { .n = 2, .axis = { l.n, l.m } };
        Axis *v = tir_axis(l.f, AXIS_EVENT, str(l.c, "v"), 18);
        Axis *x = tir_axis(l.f, AXIS_EVENT, str(l.c, "x"), l.k->size);
        Tir *sum = map2(&l, OP_ADD, tir_pad(l.f, law_param(&l, &b), l.m, v, 0),
                        tir_pad(l.f, law_param(&l, &a), l.k, v, 9));
        Tir *total = tir_reduce(l.f, OP_SUM, sum, &l.n, 1);
        tir_out(l.f, OUT_VALUE, str(l.c, "part"), 0, tir_slice(l.f, total, v, x, 9));
        tir_out(l.f, OUT_VALUE, str(l.c, "zero"), 1, tir_element(l.f, total, v, 8));
        tir_out(l.f, OUT_VALUE, str(l.c, "all"), 2,
                tir_reduce(l.f, OP_SUM, sum, (Axis *[]){ l.n, v }, 2));
        TirFn *g = tir_simplify(l.c, l.f);
        tir_verify(g);
        law_check_equal(&l, l.f, g, 1e-14, "sums of parts");
        Tir **order = tir_order(g);
        for (size_t i = 0; i < vec_len(order); i++)
            assert_true(order[i]->op != OP_PAD && order[i]->op != OP_SLICE);
        law_free(&l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_sums_of_parts),
        cmocka_unit_test(test_graph_values),
        cmocka_unit_test(test_graph_text),
        cmocka_unit_test(test_graph_gradients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
