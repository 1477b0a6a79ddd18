/* test_syntax.c - scanner, reader, grammar, formatter, on every .dgm file and on hostile text.
 *
 * usage: test_syntax [promote]      promote rewrites the .ast files that exist
 * Every file of tests/golden/syntax, lang/std and examples must parse, format to a fixed point
 * with the same tree, and keep its comments wherever they are put.
 */
#include "syntax/parse.h"

#include <glob.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char folder[] = TEST_ROOT;
static bool promote;                   /* set once, by main */

typedef struct Said { char *text; size_t n; } Said;

/* A compilation whose messages are kept. */
static Ctx *quiet(Said *s)
{
    Ctx *c = ctx_new();
    c->err = open_memstream(&s->text, &s->n);
    return c;
}

static void done(Ctx *c, Said *s)
{
    fclose(c->err);
    free(s->text);
    ctx_free(c);
}

static Ast *tree(Ctx *c, const char *text, size_t n)
{
    return parse_tree(c, source_text(c, "t.dgm", text, n, false), false);
}

static const char *formatted(Ctx *c, const Ast *file)
{
    Out *o = out_new(c);
    fmt_file(c, o, file);
    return out_text(o, NULL);
}

static glob_t spec_files(void)
{
    static const char *const patterns[] = {
        "tests/golden/syntax/*.dgm", "lang/std/*.dgm", "lang/std/*/*.dgm", "examples/*/*.dgm",
    };
    glob_t g = {0};
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", folder, patterns[i]);
        glob(path, i ? GLOB_APPEND : 0, NULL, &g);
    }
    assert_true(g.gl_pathc > 30);
    return g;
}

/* ---- good programs --------------------------------------------------------------------------- */

static void trees_are_as_expected(void **state)
{
    (void)state;
    char pattern[4096];
    glob_t g;
    int compared = 0;
    snprintf(pattern, sizeof pattern, "%s/tests/golden/syntax/*.ast", folder);
    assert_int_equal(glob(pattern, 0, NULL, &g), 0);
    for (size_t i = 0; i < g.gl_pathc; i++) {
        Ctx *c = ctx_new();
        const char *path = g.gl_pathv[i];
        Str spec = str_fmt(c, "%.*s.dgm", (int)strlen(path) - 4, path);
        Ast *file = parse_tree(c, source_read(c, spec), false);
        assert_non_null(file);
        Out *o = out_new(c);
        ast_dump(o, file);
        if (promote) assert_true(out_save(c, o, path));
        Source *expected = source_read(c, path);
        if (strcmp(out_text(o, NULL), expected->text) != 0) fail_msg("tree of %s differs", spec);
        compared++;
        ctx_free(c);
    }
    globfree(&g);
    assert_true(compared >= 12);
}

static void check_fixed_point(const char *path, const char *text, size_t n)
{
    Ctx *c = ctx_new();
    Ast *file = tree(c, text, n);
    if (!file) fail_msg("%s does not parse", path);
    const char *once = formatted(c, file);
    Ast *again = tree(c, once, strlen(once));
    if (!again) fail_msg("%s does not parse once formatted:\n%s", path, once);
    if (!ast_equal(file, again)) fail_msg("formatting changes the tree of %s:\n%s", path, once);
    const char *twice = formatted(c, again);
    if (strcmp(once, twice) != 0)
        fail_msg("formatting %s again changes it:\n%s\n----\n%s", path, once, twice);
    ctx_free(c);
}

static void formatting_is_a_fixed_point(void **state)
{
    (void)state;
    glob_t g = spec_files();
    for (size_t i = 0; i < g.gl_pathc; i++) {
        Ctx *c = ctx_new();
        Source *s = source_read(c, g.gl_pathv[i]);
        assert_non_null(s);
        check_fixed_point(g.gl_pathv[i], s->text, s->length);
        ctx_free(c);
    }
    globfree(&g);
}

static int count(const char *text, const char *part)
{
    int n = 0;
    for (; (text = strstr(text, part)); text += strlen(part)) n++;
    return n;
}

/* Where a comment may be put: after a blank or line break that is in no comment and no string. */
static uint32_t *gaps(Ctx *c, const Source *s)
{
    uint32_t *all = NULL;
    bool comment = false, string = false;
    for (uint32_t i = 0; i < s->length; i++) {
        char b = s->text[i];
        if (b == '\n') comment = string = false;
        if (!comment && b == '"') string = !string;
        if (!string && b == '/' && s->text[i + 1] == '/') comment = true;
        if (!comment && !string && (b == '\n' || b == ',' || b == '{' || b == '}')) {
            uint32_t at = i + 1;
            vec_push(c, all, at);
        }
    }
    return all;
}

/* Comments put where a line may end, in every file: all survive, and nothing else changes. */
static void comments_are_kept_anywhere(void **state)
{
    (void)state;
    static const char *const kinds[] = {"// @%d\n", "/// @%d\n", "  // @%d\n\n", "\n// @%d\n\n\n"};
    glob_t g = spec_files();
    uint64_t seed = 1;
    int tried = 0;
    for (size_t i = 0; i < g.gl_pathc; i++) {
        Ctx *c = ctx_new();
        Source *s = source_read(c, g.gl_pathv[i]);
        uint32_t *places = gaps(c, s);
        for (int round = 0; round < 12 && vec_len(places) > 0; round++) {
            Out *o = out_new(c);
            int put = 0;
            uint32_t from = 0;
            for (size_t k = 0; k < vec_len(places); k++) {
                seed = seed * 6364136223846793005u + 1442695040888963407u;
                if ((seed >> 40) % 8 != 0) continue;
                out_puts(o, str_n(c, s->text + from, places[k] - from));
                char text[64];
                snprintf(text, sizeof text, kinds[(seed >> 50) % 4], put++);
                out_puts(o, text);
                from = places[k];
            }
            out_puts(o, s->text + from);
            size_t n;
            const char *text = out_text(o, &n);
            Said said;
            Ctx *probe = quiet(&said);
            Ast *file = tree(probe, text, n);
            if (file) {                /* a break after `}` may part a statement: then none */
                check_fixed_point(g.gl_pathv[i], text, n);
                const char *once = formatted(probe, file);
                if (count(once, "// @") != put)
                    fail_msg("%s: a comment was lost:\n%s\n----\n%s", g.gl_pathv[i], text, once);
                tried++;
            }
            done(probe, &said);
        }
        ctx_free(c);
    }
    globfree(&g);
    assert_true(tried > 300);
}

static void expressions_print_as_written(void **state)
{
    (void)state;
    static const char *const same[] = {
        "a + b * c", "(a + b) * c", "a - (b - c)", "-a^b", "(-a)^b", "a^-b", "a^b^c", "(a^b)^c",
        "not (a or b)", "not a == b", "(not a) == b", "a < b and b < c", "x'", "(x @ y)'", "-x'",
        "if a then b else c", "(if a then b else c) + 1", "if a then b else c |> d",
        "a |> (if b then c else d |> e)", "sum[k in 0 .. K where k != 1](x[k])",
        "f(x, scale: 1e-3, { mu: a, sigma: b |> softplus })", "x[1 .. D, 0].mu", "[a, [b, c]]",
        "repeat k in 6 { residual(relu |> conv(3)); relu }",
        "implicit { e : real[D] ~ normal(0, 1); e }",
        "{ let u = x; -u }", "warmup(0, 1, 10 epochs)", "- -x", "a mod b div c", "a / (b / c)",
    };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        Ctx *c = ctx_new();
        Ast *e = parse_expression(c, source_text(c, "e", same[i], strlen(same[i]), false));
        assert_non_null(e);
        const char *wanted = strcmp(same[i], "- -x") == 0 ? "--x" : same[i];
        assert_string_equal(fmt_expr(c, e), wanted);
        ctx_free(c);
    }
}

static void the_library_is_embedded(void **state)
{
    (void)state;
    Ctx *c = ctx_new();
    Ast *library = parse_library(c);
    assert_non_null(library);
    bool normal = false;
    for (size_t i = 0; i < vec_len(library->kids); i++) {
        const Ast *a = library->kids[i];
        assert_true(a->span.src->library);
        if (a->kind == AST_DISTRIBUTION && strcmp(a->name, "normal") == 0)
            normal = a->doc && strstr(a->doc, "Normal");
    }
    assert_true(normal);
    ctx_free(c);
}

static void trees_are_copied_whole(void **state)
{
    (void)state;
    Ctx *c = ctx_new();
    Ast *library = parse_library(c), *copy = ast_copy(c, library);
    assert_true(ast_equal(library, copy));
    ast_verify(copy);
    copy->kids[0]->name = str(c, "another");
    assert_false(ast_equal(library, copy));
    ctx_free(c);
}

/* ---- bad programs ---------------------------------------------------------------------------- */

/* The codes of the errors, in order, separated by blanks. */
static void expect_codes(const char *text, size_t n, const char *codes)
{
    Said s;
    Ctx *c = quiet(&s);
    Ast *file = parse_text(c, source_text(c, "t.dgm", text, n, false));
    fflush(c->err);
    char found[1024] = "";
    for (const char *p = s.text; (p = strstr(p, "error[")); p++)
        snprintf(found + strlen(found), sizeof found - strlen(found), "%s%.5s", found[0] ? " " : "",
                 p + 6);
    if (strcmp(found, codes) != 0)
        fail_msg("expected `%s`, found `%s`:\n%.500s\n%s", codes, found, text, s.text);
    assert_true((file == NULL) == (codes[0] != 0));
    done(c, &s);
}

static void errors_have_their_codes(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"model m { factor 1 }", ""},
        {"\xEF\xBB\xBFmodel m {\r\n factor 1\r\n}", ""},
        {"", "E0207"},
        {"// only a comment", "E0207"},
        {"model m { factor 1 ", "E0202"},
        {"model m { factor (1 }", "E0203"},
        {"model m { factor [1) }", "E0203"},
        {"model m { factor 1) }\nmodel n { factor 1 2 }", "E0204 E0201"},
        {"} model m { factor 1 }", "E0204"},
        {"model m { ... }", "E0205"},
        {"let f(x) = { let u = x }", "E0206"},
        {"let f(x) = { }", "E0206"},
        {"model m { while (x) { y } }", "E0208"},
        {"model m { x = 1 }", "E0209"},
        {"data x : real", "E0210"},
        {"let f(x) = 0 < x < 1", "E0211"},
        {"let f(x) = 0 == x == 1", "E0211"},
        {"model m { x + 1 }", "E0212"},
        {"model m { x + 1 ~ d }", "E0213"},
        {"let f(x) = (x, 1)", "E0214"},
        {"model m { let x = (a, b) + 1 }", "E0214"},
        {"model m { factor $ }", "E0106"},
        {"model m { factor \xCE\xBC + 1 }", "E0106"},
        {"model m { factor a && b || !c }", "E0106 E0106 E0106"},
        {"model m { data x = \"abc : real\n factor 1 2 }", "E0107 E0201"},
        {"model m { data x = \"\\q\" : real }", "E0108"},
        {"model m { factor 1e999 + 1e-999 + 0e5 + 1e308 }", "E0113 E0113"},
        {"model m { factor 1. + .5 + 2x + 1e + 1e+ }", "E0114 E0114 E0114 E0114 E0114"},
        {"model m { /* no\n */ factor 1 }", "E0115"},
        {"model m { /* never", "E0115 E0202"},
        {"a \xFF b", "E0105"},
        {"\xC0\xAF", "E0105"},
        {"\xED\xA0\x80", "E0105"},
        /* several in one run, each once */
        {"model m {\n data x[N] real\n for n on N { x[n] ~ d(1 2) }\n let y = 1 +\n}\n"
         "modle k { }\nmodel k { latent : real\n let z = f(1,\n 2 3,\n 4)\n factor 1 1\n}",
         "E0201 E0201 E0201 E0201 E0201 E0201 E0201"},
        {"let f(x) = { let u = ; u }\nlet g(x) = { + }\nlet h(x) = x x", "E0201 E0201 E0201"},
        {"let f(x) = x |> repeat k in K { a b\n c } |> d\nlet g(x) = x x", "E0201 E0201"},
        {"let f(x) = { mu: 1 2, sigma: { a: 1 } }\nlet g(x) = x x", "E0201 E0201"},
        {"model m { let f(x) = { let u = 1 + } \n factor 1 1 }", "E0201 E0201"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_codes(cases[i][0], strlen(cases[i][0]), cases[i][1]);
    expect_codes("model m { \0 }", 13, "E0104");
}

/* before, then n times the piece, a middle, n times the other piece, after. */
static void expect_repeated(const char *before, const char *piece, int n, const char *middle,
                            const char *other, const char *after, const char *codes)
{
    size_t a = strlen(piece), b = strlen(other);
    char *text = malloc(strlen(before) + (a + b) * (size_t)n + strlen(middle) + strlen(after) + 1);
    char *p = text + sprintf(text, "%s", before);
    for (int i = 0; i < n; i++, p += a) memcpy(p, piece, a);
    p += sprintf(p, "%s", middle);
    for (int i = 0; i < n; i++, p += b) memcpy(p, other, b);
    p += sprintf(p, "%s", after);
    expect_codes(text, (size_t)(p - text), codes);
    free(text);
}

static void limits_are_stated(void **state)
{
    (void)state;
    static const struct { int n; const char *codes; } nest[] = {
        {254, ""}, {255, ""}, {256, "E0111"}, {256000, "E0111"},
    };
    for (size_t i = 0; i < 4; i++) {   /* one brace is open already */
        expect_repeated("model m { factor ", "(", nest[i].n, "1", ")", " }", nest[i].codes);
        expect_repeated("model m { factor ", "[", nest[i].n, "1", "]", " }", nest[i].codes);
        expect_repeated("model m { factor ", "{ ", nest[i].n, "1", " }", " }", nest[i].codes);
        expect_repeated("model m { factor ", "{a: ", nest[i].n, "1", "}", " }", nest[i].codes);
    }
    static const char *const chains[] = {"-", "not ", "if a then ", "a |> ", "a + ", "a^", "a and ",
                                         "if a then b else ", "f(x) * "};
    for (size_t i = 0; i < sizeof chains / sizeof *chains; i++) {
        const char *tail = strcmp(chains[i], "if a then ") == 0 ? " else b" : "";
        expect_repeated("model m { factor ", chains[i], 900, "1", tail, " }", "");
        expect_repeated("model m { factor ", chains[i], 1001, "1", tail, " }", "E0112");
        expect_repeated("model m { factor ", chains[i], 100000, "1", tail, " }", "E0112");
    }
    expect_repeated("model m { factor x", "'", 1001, "", "", " }", "E0112");
    expect_repeated("model m { factor x", "[1]", 100000, "", "", " }", "E0112");
    expect_repeated("model m { factor x", ".y", 100000, "", "", " }", "E0112");
    expect_repeated("model m { factor ", "a", 255, "", "", " }", "");
    expect_repeated("model m { factor ", "a", 256, "", "", " }", "E0110");
    expect_repeated("model m { factor ", "a", 10000000, "", "", " }", "E0110");
    expect_repeated("model m { factor ", "0", 65536, "", "", " }", "");
    expect_repeated("model m { factor ", "0", 65537, "", "", " }", "E0109");
    expect_repeated("model m { data x = \"", "b", 10000000, "\"", "", " : real }", "E0109");
    expect_repeated("// ", "c", 10000000, "\nlet f(x) = x", "", "", "");
    expect_repeated("let f(x) = x // ", " ", LIMIT_FILE, "", "", "", "E0103");
    expect_repeated("model m { factor 1", "}", 21, "", "", "",
                    "E0204 E0204 E0204 E0204 E0204 E0204 E0204 E0204 E0204 E0204 "
                    "E0204 E0204 E0204 E0204 E0204 E0204 E0204 E0204 E0204 E0204");
}

static void table_examples_give_their_code(void **state)
{
    (void)state;
    static const struct { const char *code, *bad, *good; } rows[] = {
#define ERROR(id, code, message, explanation, bad, good) {code, bad, good},
#include "base/errors.def"
#undef ERROR
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strncmp(rows[i].code, "E01", 3) != 0 && strncmp(rows[i].code, "E02", 3) != 0) continue;
        if (!rows[i].bad[0]) continue;
        expect_codes(rows[i].bad, strlen(rows[i].bad), rows[i].code);
        expect_codes(rows[i].good, strlen(rows[i].good), "");
    }
}

/* Every prefix of every file, and every file with one byte changed: no crash, no hang, and either
 * a tree or a message. */
static void damaged_text_is_survived(void **state)
{
    (void)state;
    static const char bytes[] = "(){}[]\"/\n;~=:,.-'|x0 \\";
    glob_t g = spec_files();
    uint64_t seed = 2;
    for (size_t i = 0; i < g.gl_pathc; i++) {
        Ctx *c = ctx_new();
        Source *s = source_read(c, g.gl_pathv[i]);
        char *text = malloc(s->length + 1);
        for (int round = 0; round < 60; round++) {
            memcpy(text, s->text, s->length + 1);
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            size_t at = (seed >> 33) % (s->length + 1), n = s->length;
            if (round % 2) n = at;
            else text[at] = bytes[(seed >> 20) % (sizeof bytes - 1)];
            Said said;
            Ctx *probe = quiet(&said);
            Ast *file = tree(probe, text, n);
            assert_true(file ? diag_count(probe) == 0 : diag_count(probe) > 0);
            if (file) formatted(probe, file);
            done(probe, &said);
        }
        free(text);
        ctx_free(c);
    }
    globfree(&g);
}

int main(int argc, char **argv)
{
    promote = argc > 1 && strcmp(argv[1], "promote") == 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trees_are_as_expected), cmocka_unit_test(formatting_is_a_fixed_point),
        cmocka_unit_test(comments_are_kept_anywhere),
        cmocka_unit_test(expressions_print_as_written), cmocka_unit_test(the_library_is_embedded),
        cmocka_unit_test(trees_are_copied_whole), cmocka_unit_test(errors_have_their_codes),
        cmocka_unit_test(limits_are_stated), cmocka_unit_test(table_examples_give_their_code),
        cmocka_unit_test(damaged_text_is_survived),
    };
    return cmocka_run_group_tests_name("syntax", tests, NULL, NULL);
}
