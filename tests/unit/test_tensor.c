/* test_tensor.c - the tensor IR: building, reading, verifying, and passes on golden files.
 *
 * usage: test_tensor [SOURCE_FOLDER [promote]]    promote rewrites the expected files
 * A case is tests/golden/tir/NAME.tir; its first line names the passes, NAME.out is the text after
 * them. The laws (tests/laws) say that passes are right; the cases show what they do.
 */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../compiler/tensor/tir_build.h"

#ifndef TEST_ROOT
#define TEST_ROOT "."
#endif
static const char *folder = TEST_ROOT;
static bool promote;

typedef struct Fix {
    Ctx *c;
    TirFn *f;
    Axis *n, *s, *i, *j, *k;           /* row, sample, 4, 4, 3 */
    Tir *x;                            /* data [n, k] */
    Tir *w;                            /* param [j, i] */
} Fix;

static Fix fix(void)
{
    Fix t = { .c = ctx_new() };
    t.f = tir_fn(t.c, str(t.c, "t"));
    t.n = tir_axis(t.f, AXIS_ROW, str(t.c, "n"), 0);
    t.s = tir_axis(t.f, AXIS_SAMPLE, str(t.c, "s"), 0);
    t.i = tir_axis(t.f, AXIS_EVENT, str(t.c, "i"), 4);
    t.j = tir_axis(t.f, AXIS_EVENT, str(t.c, "j"), 4);
    t.k = tir_axis(t.f, AXIS_EVENT, str(t.c, "k"), 3);
    t.x = tir_input(t.f, INPUT_DATA, str(t.c, "x"), (Axis *[]){ t.n, t.k }, 2);
    t.w = tir_input(t.f, INPUT_PARAM, str(t.c, "w"), (Axis *[]){ t.j, t.i }, 2);
    return t;
}

static void assert_axes(const Tir *v, int n, Axis *const *axes)
{
    assert_int_equal(v->n_axes, n);
    for (int i = 0; i < n; i++)
        assert_ptr_equal(v->axes[i], axes[i]);
}

#define AXES(v, ...) \
    assert_axes((v), (int)(sizeof (Axis *[]){ __VA_ARGS__ } / sizeof(Axis *)), \
                (Axis *[]){ __VA_ARGS__ })

/* ---- building ---------------------------------------------------------------------------- */

static void test_sharing(void **state)
{
    (void)state;
    Fix t = fix();
    Tir *a = tir_map(t.f, OP_EXP, t.x, NULL, NULL), *b = tir_map(t.f, OP_EXP, t.x, NULL, NULL);
    assert_ptr_equal(a, b);
    assert_ptr_equal(tir_const(t.f, 0.0), tir_const(t.f, -0.0));
    assert_ptr_not_equal(tir_const(t.f, 1), tir_const(t.f, 2));
    Tir *const none[3] = { NULL };
    Tir *u = tir_random(t.f, OP_RANDOM_NORMAL, 0, none, &t.n, 1);
    Tir *v = tir_random(t.f, OP_RANDOM_NORMAL, 1, none, &t.n, 1);
    assert_ptr_not_equal(u, v);        /* two draws are two values */
    assert_ptr_equal(u, tir_random(t.f, OP_RANDOM_NORMAL, 0, none, &t.n, 1));
    for (int i = 0; i < 5000; i++)     /* the table grows */
        tir_const(t.f, i + 0.5);
    assert_ptr_equal(a, tir_map(t.f, OP_EXP, t.x, NULL, NULL));
    assert_string_equal(tir_axis(t.f, AXIS_EVENT, t.i->name, 9)->name, "i_1");
    ctx_free(t.c);
}

static void test_layouts(void **state)
{
    (void)state;
    Fix t = fix();
    AXES(tir_map(t.f, OP_TANH, t.w, NULL, NULL), t.j, t.i);
    AXES(tir_map(t.f, OP_ADD, tir_iota(t.f, t.i), t.w, NULL), t.j, t.i);
    AXES(tir_map(t.f, OP_MUL, t.w, t.x, NULL), t.n, t.i, t.j, t.k);
    AXES(tir_reduce(t.f, OP_SUM, t.w, &t.j, 1), t.i);
    Tir *h = tir_contract(t.f, t.w, tir_rename(t.f, t.x, &t.k, &t.k, 1), &t.j, 1);
    AXES(h, t.n, t.i, t.k);
    AXES(tir_relayout(t.f, h, (Axis *[]){ t.k, t.n, t.i }, 3), t.k, t.n, t.i);
    Tir *copy = tir_relayout(t.f, t.w, (Axis *[]){ t.i, t.j }, 2);
    assert_int_equal(copy->op, OP_EXPAND);
    AXES(copy, t.i, t.j);
    AXES(tir_rename(t.f, t.w, (Axis *[]){ t.i, t.j }, (Axis *[]){ t.j, t.i }, 2), t.i, t.j);
    AXES(tir_rename(t.f, t.w, &t.i, &t.j, 1), t.j);
    AXES(tir_expand(t.f, t.w, (Axis *[]){ t.s, t.n }, 2), t.n, t.s, t.i, t.j);
    AXES(tir_gather(t.f, t.w, t.j, t.x), t.n, t.i, t.k);
    ctx_free(t.c);
}

/* What an operand lacks, it is constant along. */
static void test_missing_axes(void **state)
{
    (void)state;
    Fix t = fix();
    Tir *v = tir_reduce(t.f, OP_SUM, t.x, &t.i, 1);
    assert_int_equal(v->op, OP_MUL);
    assert_true(v->in[0]->num == 4 && v->in[1] == t.x);
    assert_ptr_equal(tir_reduce(t.f, OP_MAXIMUM, t.x, &t.i, 1), t.x);
    v = tir_reduce(t.f, OP_SUM, t.w, &t.n, 1);
    assert_int_equal(v->op, OP_SUM);
    assert_int_equal(v->in[0]->op, OP_EXPAND);
    assert_ptr_equal(tir_rename(t.f, t.x, &t.i, &t.j, 1), t.x);
    assert_ptr_equal(tir_gather(t.f, t.x, t.i, tir_const(t.f, 2)), t.x);
    assert_ptr_equal(tir_expand(t.f, t.x, &t.n, 1), t.x);
    v = tir_contract(t.f, t.x, t.w, &t.i, 1);          /* x lacks i: x * sum w */
    assert_int_equal(v->op, OP_MUL);
    assert_int_equal(v->in[1]->op, OP_SUM);
    ctx_free(t.c);
}

static void test_expr(void **state)
{
    (void)state;
    Fix t = fix();
    static const char *const names[] = { "a", "b" };
    Tir *a = tir_iota(t.f, t.i), *b = tir_iota(t.f, t.j), *values[] = { a, b };
    Tir *two = tir_const(t.f, 2);
    Tir *v = tir_expr(t.f, "-a + b * 2 - 1.5e0 / max(a, b)", names, values, 2);
    Tir *product = tir_map(t.f, OP_MUL, b, two, NULL);
    Tir *sum = tir_map(t.f, OP_ADD, tir_map(t.f, OP_NEG, a, NULL, NULL), product, NULL);
    Tir *most = tir_map(t.f, OP_MAX, a, b, NULL);
    Tir *quotient = tir_map(t.f, OP_DIV, tir_const(t.f, 1.5), most, NULL);
    assert_ptr_equal(v, tir_map(t.f, OP_SUB, sum, quotient, NULL));
    assert_ptr_equal(tir_expr(t.f, "a - b - 2", names, values, 2),
                     tir_expr(t.f, "(a - b) - 2", names, values, 2));
    Tir *c = tir_expr(t.f, "select(a <= b, a, -2)", names, values, 2);
    assert_int_equal(c->in[0]->op, OP_LE);
    assert_true(c->in[2]->op == OP_CONST && c->in[2]->num == -2);
    ctx_free(t.c);
}

/* Every adjoint cell of ops.def parses and names only what there is. */
static void test_cells(void **state)
{
    (void)state;
    Fix t = fix();
    static const char *const names[] = { "g", "y", "a", "b", "c" };
    for (int op = 0; op < N_OPS; op++) {
        assert_int_equal(op_by_name(op_info[op].name, strlen(op_info[op].name)), op);
        for (int k = 0; k < 3; k++) {
            const char *cell = op_info[op].adjoint[k];
            if (!cell || cell == OP_FN || cell == OP_NONE)
                continue;
            assert_true(k < op_info[op].arity);
            Tir *values[] = { t.x, t.x, t.x, op_info[op].arity > 1 ? t.x : NULL,
                              op_info[op].arity > 2 ? t.x : NULL };
            assert_non_null(tir_expr(t.f, cell, names, values, 5));
        }
    }
    ctx_free(t.c);
}

/* ---- reading ----------------------------------------------------------------------------- */

static const char *const bad_texts[] = {
    "", "x", "fn", "fn a; fn b", "fn a; axis", "fn a; axis i", "fn a; axis i event",
    "fn a; axis i event 0", "fn a; axis i event -1", "fn a; axis i event 99999999999999999",
    "fn a; axis i round 2", "fn a; axis i row; axis j row", "fn a; axis i event 2; axis i event 2",
    "fn a; %1", "fn a; %1 =", "fn a; %1 = nothing", "fn a; %1 = const", "fn a; %1 = const x",
    "fn a; %1 = exp %1", "fn a; %1 = const 1; %1 = const 2", "fn a; %1 = const 1; %2 = add %1",
    "fn a; %1 = const 1; %2 = exp %1 %1", "fn a; %1 = const 1; %2 = exp %1 %1 %1 %1",
    "fn a; %1 = input x [i]", "fn a; axis i event 2; %1 = input x [i, i]",
    "fn a; axis i event 2; %1 = input scalar x [i]", "fn a; axis i event 2; %1 = input x [i",
    "fn a; axis i event 2; axis n row; %1 = input x [i, n]", "fn a; %1 = iota i",
    "fn a; axis i event 2; %1 = const 1; %2 = sum{i} %1", "fn a; %1 = const 1; %2 = sum %1",
    "fn a; axis i event 2; %1 = iota i; %2 = exp %1 : []",
    "fn a; axis i event 2; %1 = iota i; term x %1", "fn a; term x %1", "fn a; grad x",
    "fn a; axis i event 2; axis j event 3; %1 = iota i; %2 = rename{i -> j} %1",
    "fn a; axis i event 2; axis j event 3; %1 = iota i; %2 = slice{i -> j, 0} %1",
    "fn a; axis i event 2; axis j event 3; %1 = iota j; %2 = slice{j -> i, 2} %1",
    "fn a; axis i event 2; axis j event 3; %1 = iota i; %2 = pad{i -> j, 2} %1",
    "fn a; axis i event 2; %1 = iota i; %2 = cholesky{i, i} %1",
    "fn a; axis i event 2; axis j event 2; %1 = iota i; %2 = trisolve{i, j, i} %1 %1",
    "fn a; axis i event 2; %1 = iota i; %2 = gather{} %1 %1",
    "fn a; axis i event 2; %1 = iota i; %2 = scatter{i -> } %1 %1",
    "fn a; axis i event 2; %1 = iota i; %2 = contract{i %1 %1",
    "fn a; axis i event 2; %1 = iota i; %2 = sum{i, i, i, i, i, i, i, i, i} %1",
    "fn a; axis i event 2; %1 = iota i; out v %1 [i, i]", "fn a; axis i event 2; %1 = iota i ]",
};

static void test_bad_texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_texts / sizeof *bad_texts; i++) {
        Ctx *c = ctx_new();
        char *said = NULL;
        size_t n = 0;
        c->err = open_memstream(&said, &n);
        if (tir_read(c, bad_texts[i]))
            fail_msg("accepted: %s", bad_texts[i]);
        fclose(c->err);
        assert_non_null(strstr(said, "tensor IR, line 1: "));
        free(said);
        ctx_free(c);
    }
}

/* ---- verifying --------------------------------------------------------------------------- */

static void break_arity(Fix *t, Tir *v) { (void)t; v->n_in = 1; }
static void break_axes(Fix *t, Tir *v) { v->axes[0] = t->k; }
static void break_rank(Fix *t, Tir *v) { (void)t; v->n_axes = 1; }
static void break_twice(Fix *t, Tir *v) { (void)t; v->axes[1] = v->axes[0]; }
static void break_order(Fix *t, Tir *v) { (void)t; v->id = 0; }
static void break_over(Fix *t, Tir *v) { v->over[0] = t->k; }

static void test_verify(void **state)
{
    (void)state;
    static void (*const breaks[])(Fix *, Tir *) = { break_arity, break_axes, break_rank,
                                                    break_twice, break_order, break_over };
    for (size_t i = 0; i <= sizeof breaks / sizeof *breaks; i++) {
        Fix t = fix();
        Tir *u = tir_rename(t.f, t.w, &t.i, (Axis *[]){ tir_axis_like(t.f, t.k) }, 0);
        Axis *m = tir_axis(t.f, AXIS_EVENT, str(t.c, "m"), 4);
        Tir *v = tir_contract(t.f, u, tir_rename(t.f, t.w, &t.i, &m, 1), &t.j, 1);
        tir_out(t.f, OUT_VALUE, str(t.c, "v"), 0, v);
        tir_verify(t.f);
        if (i < sizeof breaks / sizeof *breaks) {
            pid_t child = fork();
            if (!child) {              /* ice() leaves with status 70 */
                if (!freopen("/dev/null", "w", stderr))
                    _exit(1);
                breaks[i](&t, v);
                tir_verify(t.f);
                _exit(0);
            }
            int status;
            assert_int_equal(waitpid(child, &status, 0), child);
            if (!WIFEXITED(status) || WEXITSTATUS(status) != 70)
                fail_msg("break %d was not found", (int)i);
        }
        ctx_free(t.c);
    }
}

/* ---- golden files ------------------------------------------------------------------------ */

static char *read_file(const char *path)
{
    FILE *in = fopen(path, "r");
    if (!in)
        return NULL;
    char *text = calloc(1, 1 << 16);
    assert_true(fread(text, 1, (1 << 16) - 1, in) < (1 << 16) - 1);
    fclose(in);
    return text;
}

static TirFn *apply(Ctx *c, TirFn *f, const char *pass, size_t n)
{
    Tir *seeds[8];
    if (!strncmp(pass, "simplify", n))
        return tir_simplify(c, f);
    assert_true(!strncmp(pass, "grad", n));
    for (int i = 0; i < 8; i++)
        seeds[i] = tir_input(f, INPUT_SCALAR, str(c, "inv_rows"), NULL, 0);
    return tir_grad(c, f, seeds, NULL);
}

static const char *run_case(Ctx *c, const char *text)
{
    static const char head[] = "// passes: ";
    TirFn *f = tir_read(c, text);
    assert_non_null(f);
    assert_memory_equal(text, head, sizeof head - 1);
    const char *p = text + sizeof head - 1;
    while (*p != '\n') {
        size_t n = strcspn(p, " \n");
        f = apply(c, f, p, n);
        tir_verify(f);
        p += n + (p[n] == ' ');
    }
    Out *o = out_new(c);
    tir_print(o, f);
    return out_text(o, NULL);
}

static void test_golden(void **state)
{
    (void)state;
    char path[4096];
    glob_t found;
    snprintf(path, sizeof path, "%s/tests/golden/tir/*.tir", folder);
    assert_int_equal(glob(path, 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        Ctx *c = ctx_new();
        char *text = read_file(found.gl_pathv[i]);
        const char *now = run_case(c, text);
        snprintf(path, sizeof path, "%.*s.out", (int)strlen(found.gl_pathv[i]) - 4,
                 found.gl_pathv[i]);
        if (promote) {
            FILE *out = fopen(path, "w");
            assert_non_null(out);
            fputs(now, out);
            fclose(out);
        }
        char *expected = read_file(path);
        if (!expected || strcmp(expected, now))
            fail_msg("%s: the text is now\n%s", path, now);
        free(expected);
        free(text);
        ctx_free(c);
    }
    globfree(&found);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sharing),
        cmocka_unit_test(test_layouts),
        cmocka_unit_test(test_missing_axes),
        cmocka_unit_test(test_expr),
        cmocka_unit_test(test_cells),
        cmocka_unit_test(test_bad_texts),
        cmocka_unit_test(test_verify),
        cmocka_unit_test(test_golden),
    };
    folder = argc > 1 ? argv[1] : TEST_ROOT;
    promote = argc > 2 && !strcmp(argv[2], "promote");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
