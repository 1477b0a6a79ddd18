/* test_base.c - arena, vectors, strings, maps, sources, diagnostics, writer, quoting. */
#include "base/base.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static int setup(void **state)
{
    *state = ctx_new();
    return 0;
}

static int teardown(void **state)
{
    ctx_free(*state);
    return 0;
}

static void arena_is_zeroed_and_aligned(void **state)
{
    Ctx *c = *state;
    for (size_t n = 0; n < 200000; n = 3 * n + 1) {
        unsigned char *p = arena_alloc(c->arena, n);
        assert_true((uintptr_t)p % 16 == 0);
        for (size_t i = 0; i < n; i++) assert_int_equal(p[i], 0);
        memset(p, 0xAA, n);
    }
    assert_non_null(arena_alloc(c->arena, (size_t)40 << 20));
}

static void vec_keeps_its_items(void **state)
{
    Ctx *c = *state;
    int *v = NULL;
    assert_int_equal(vec_len(v), 0);
    for (int i = 0; i < 10000; i++) vec_push(c, v, i);
    assert_int_equal(vec_len(v), 10000);
    for (int i = 0; i < 10000; i++) assert_int_equal(v[i], i);
    double *w = vec_new(c, 3, sizeof *w);
    assert_int_equal(vec_len(w), 3);
    assert_true((uintptr_t)w % 16 == 0);
    vec_push(c, w, 2.5);
    assert_true(vec_len(w) == 4 && w[2] == 0 && w[3] == 2.5);
    assert_null(vec_new(c, 0, 8));
}

static void strings_are_interned(void **state)
{
    Ctx *c = *state;
    Str *all = NULL;
    for (int i = 0; i < 5000; i++) vec_push(c, all, str_fmt(c, "name%d", i));
    for (int i = 0; i < 5000; i++) {
        char text[32];
        sprintf(text, "name%d", i);
        assert_ptr_equal(all[i], str(c, text));
    }
    assert_ptr_equal(str_n(c, "abcdef", 3), str(c, "abc"));
    assert_ptr_not_equal(str_n(c, "a\0b", 3), str(c, "a"));
}

static void maps_find_the_last_value(void **state)
{
    Ctx *c = *state;
    Map *m = map_new(c);
    assert_null(map_get(m, "x"));
    for (intptr_t i = 1; i < 3000; i++) map_put(m, str_fmt(c, "k%d", (int)i), (void *)i);
    map_put(m, str(c, "k7"), (void *)(intptr_t)77);
    for (intptr_t i = 1; i < 3000; i++)
        assert_ptr_equal(map_get(m, str_fmt(c, "k%d", (int)i)), (void *)(i == 7 ? 77 : i));
    assert_null(map_get(m, str(c, "other")));
}

static void places_are_lines_and_columns(void **state)
{
    Ctx *c = *state;
    Source *s = source_text(c, "f", "ab\n\ncd e\n", 9, false);
    assert_int_equal(s->n_lines, 4);
    const int at[][3] = {{0, 1, 1}, {2, 1, 3}, {3, 2, 1}, {4, 3, 1}, {7, 3, 4}, {9, 4, 1}};
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        Span p = {s, (uint32_t)at[i][0], (uint32_t)at[i][0]};
        assert_int_equal(span_line(p), at[i][1]);
        assert_int_equal(span_col(p), at[i][2]);
    }
    assert_int_equal(span_line(NOSPAN), 0);
    assert_string_equal(span_text(c, (Span){s, 0, 9}), "ab cd e");
    Span joined = span_join((Span){s, 4, 6}, (Span){s, 0, 2});
    assert_true(joined.start == 0 && joined.end == 6);
}

/* ---- what the user reads --------------------------------------------------------------------- */

typedef struct Said { char *text; size_t n; FILE *file; } Said;

static void listen(Ctx *c, Said *s)
{
    s->file = c->err = open_memstream(&s->text, &s->n);
}

static void said(Said *s, const char *expected)
{
    fclose(s->file);
    assert_string_equal(s->text, expected);
    free(s->text);
}

static void errors_show_place_line_and_caret(void **state)
{
    Ctx *c = *state;
    Said s;
    listen(c, &s);
    const char *text = "model m {\n\tx ~ \xC3\xA9 normal(0)\n}\n";
    Source *f = source_text(c, "a.dgm", text, strlen(text), false);
    assert_false(diag_error(c, E_NUMBER_FORM, (Span){f, 18, 24}, "2x"));
    diag_note(c, (Span){f, 0, 5}, "from %s", "here");
    diag_help(c, "write %d", 3);
    diag_error(c, E_NUMBER_FORM, (Span){f, 18, 20}, "same place: not shown");
    diag_note(c, (Span){f, 0, 5}, "nor its note");
    diag_help(c, "nor its help");
    diag_warn(c, NOSPAN, "careful\033[1m");
    assert_int_equal(diag_count(c), 1);
    said(&s, "a.dgm:2:9: error[E0114]: malformed number `2x`\n"
             "  2 |     x ~ \xC3\xA9 normal(0)\n"
             "    |           ^^^^^^\n"
             "a.dgm:1:1: note: from here\n"
             "  1 | model m {\n"
             "    | ^^^^^\n"
             "  help: write 3\n"
             "dgmc: warning: careful\\x1B[1m\n");
}

static void long_lines_are_clipped(void **state)
{
    Ctx *c = *state;
    Said s;
    char text[5001];
    memset(text, 'a', 5000);
    text[2500] = 'B';
    text[5000] = 0;
    Source *f = source_text(c, "a.dgm", text, 5000, false);
    listen(c, &s);
    diag_error(c, E_NUL, (Span){f, 2500, 2501});
    fclose(s.file);
    const char *line = strchr(s.text, '\n') + 1, *carets = strchr(line, '\n') + 1;
    assert_true(carets - line < 120);
    assert_int_equal(strchr(line, 'B') - line, strchr(carets, '^') - carets);
    free(s.text);
}

static void errors_are_counted_beyond_the_limit(void **state)
{
    Ctx *c = *state;
    Said s;
    Source *f = source_text(c, "a.dgm", "0123456789012345678901234567890", 31, false);
    listen(c, &s);
    for (uint32_t i = 0; i < 30; i++) diag_error(c, E_NUL, (Span){f, i, i + 1});
    assert_int_equal(diag_count(c), 30);
    fclose(s.file);
    int lines = 0;
    for (const char *p = s.text; (p = strstr(p, "error[")); p++) lines++;
    assert_int_equal(lines, MAX_ERRORS);
    assert_non_null(strstr(s.text, "further errors are counted, not shown"));
    free(s.text);
}

static void errors_as_json(void **state)
{
    Ctx *c = *state;
    Said s;
    c->json_errors = true;
    Source *f = source_text(c, "a\"\n.dgm", "x", 1, false);
    listen(c, &s);
    diag_error(c, E_CHAR, (Span){f, 0, 1}, "\"\\\x01\xFF");
    diag_help(c, "h");
    said(&s, "{\"kind\": \"error\", \"code\": \"E0106\", \"file\": \"a\\\"\\u000a.dgm\", \"line\""
             ": 1, \"column\": 1, \"start\": 0, \"end\": 1, "
             "\"message\": \"unexpected character \\\"\\\\\\u0001\\ufffd\"}\n"
             "{\"kind\": \"help\", \"message\": \"h\"}\n");
}

static void every_error_is_explained(void **state)
{
    (void)state;
    static const char *const codes[] = {
#define ERROR(id, code, message, explanation, bad, good) code,
#include "base/errors.def"
#undef ERROR
    };
    static const char *const reasons[] = {
#define ERROR(id, code, message, explanation, bad, good) explanation,
#include "base/errors.def"
#undef ERROR
    };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        char *text;
        size_t n;
        FILE *f = open_memstream(&text, &n);
        assert_true(diag_explain(f, codes[i]));
        fclose(f);
        if (strlen(reasons[i]) < 20) fail_msg("%s is not explained:\n%s", codes[i], text);
        if (strchr(text, '%')) fail_msg("%s: a format is left:\n%s", codes[i], text);
        free(text);
        assert_true(strlen(codes[i]) == 5 && codes[i][0] == 'E');
        for (size_t k = 0; k < i; k++) assert_string_not_equal(codes[i], codes[k]);
    }
    assert_false(diag_explain(stdout, "E9999"));
}

static void near_words_are_found(void **state)
{
    Ctx *c = *state;
    Str words[] = {str(c, "normal"), str(c, "lognormal"), str(c, "logistic")};
    assert_ptr_equal(nearest(c, str(c, "nromal"), words, 3), words[0]);
    assert_ptr_equal(nearest(c, str(c, "logisti"), words, 3), words[2]);
    assert_null(nearest(c, str(c, "zzz"), words, 3));
    assert_null(nearest(c, str(c, "normal"), words, 1));
}

/* ---- text that goes into C ------------------------------------------------------------------- */

static void comments_cannot_be_left(void **state)
{
    Ctx *c = *state;
    static const char *const evil[] = {"*/ x", "/* x", "//\\\n x", "a\\", "a\nb", "?\?/\nx", "**//",
                                       "\xE2\x80\xAE", "*\\/", "\xFF", "/*/", "*//*"};
    for (size_t i = 0; i < sizeof evil / sizeof *evil; i++) {
        Str q = quote_comment(c, evil[i]);
        assert_null(strstr(q, "*/"));
        assert_null(strstr(q, "/*"));
        assert_null(strstr(q, "//"));
        assert_null(strstr(q, "?\?/"));
        assert_true(strlen(q) == 0 || q[strlen(q) - 1] != '\\');
        for (const char *p = q; *p; p++) assert_true(*p >= ' ' && *p < 0x7F);
    }
    assert_string_equal(quote_comment(c, "x[n] ~ normal(mu, 1)"), "x[n] ~ normal(mu, 1)");
    assert_string_equal(quote_c(c, "a\"\\\n?\x01" "1\xC3", 8), "\"a\\\"\\\\\\n\\?\\0011\\303\"");
}

static void mangled_names_are_legal_and_distinct(void **state)
{
    Ctx *c = *state;
    static const char *const names[] = {
        "int", "int_", "int__", "x", "x_", "class", "alignas", "NULL", "EOF", "dgm_exp", "dgm_exp_",
        "main", "gamma", "a b", "a_x20b", "a__b", "x__a", "x__a_x20b", "", "_", "__", "9",
        "\xC3\xA9",
        "Real", "y0", "theta", "x__", "a-b", "a.b", "x__a__b", "restrict", "INFINITY",
    };
    enum { N = sizeof names / sizeof *names };
    for (size_t i = 0; i < N; i++) {
        Str m = mangle(c, names[i]);
        assert_true((m[0] >= 'a' && m[0] <= 'z') || (m[0] >= 'A' && m[0] <= 'Z'));
        assert_int_equal(strspn(m, "abcdefghijklmnopqrstuvwxyz0123456789_"
                                   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"), strlen(m));
        assert_string_not_equal(m, "int");
        for (size_t k = 0; k < i; k++)
            if (m == mangle(c, names[k])) fail_msg("`%s` and `%s`: %s", names[i], names[k], m);
    }
    assert_string_equal(mangle(c, "theta"), "theta");
    assert_string_equal(mangle(c, "class"), "class_");
}

static void output_is_indented_and_saved(void **state)
{
    Ctx *c = *state;
    Out *o = out_new(c);
    out_puts(o, "a {\n");
    out_indent(o, 1);
    out_printf(o, "b%d;\n\nc", 1);
    assert_int_equal(out_column(o), 5);
    out_indent(o, -1);
    out_puts(o, "\n}\n");
    assert_string_equal(out_text(o, NULL), "a {\n    b1;\n\n    c\n}\n");
    char big[2000];
    memset(big, 'z', sizeof big);
    big[1999] = 0;
    out_printf(o, "%s", big);
    size_t n;
    out_text(o, &n);
    assert_int_equal(n, 21 + 1999);

    char folder[] = "/tmp/dgm test 'XXXXXX", path[64], text[64];
    assert_non_null(mkdtemp(folder));
    sprintf(path, "%s/-o \"x\n", folder);
    Out *small = out_new(c);
    out_puts(small, "hello\n");
    for (int round = 0; round < 2; round++) {
        assert_true(out_save(c, small, path));
        FILE *f = fopen(path, "r");
        assert_non_null(f);
        assert_int_equal(fread(text, 1, sizeof text, f), 6);
        fclose(f);
    }
    assert_int_equal(unlink(path), 0);
    Said s;
    listen(c, &s);
    assert_false(out_save(c, small, "/nonexistent folder/x"));
    said(&s, "dgmc: error[E0116]: cannot write /nonexistent folder/x: "
             "No such file or directory\n");
    assert_int_equal(rmdir(folder), 0);          /* no temporary file was left */
}

static void only_files_are_read(void **state)
{
    Ctx *c = *state;
    char folder[] = "/tmp/dgmXXXXXX", pipe[64];
    assert_non_null(mkdtemp(folder));
    sprintf(pipe, "%s/pipe", folder);
    assert_int_equal(mkfifo(pipe, 0600), 0);
    Said s;
    listen(c, &s);
    assert_null(source_read(c, folder));
    assert_null(source_read(c, "/dev/zero"));
    assert_null(source_read(c, pipe));
    assert_null(source_read(c, "/nonexistent\n"));
    assert_int_equal(diag_count(c), 4);
    fclose(s.file);
    assert_non_null(strstr(s.text, "is a directory, not a file"));
    assert_non_null(strstr(s.text, "/dev/zero is a device, not a file"));
    assert_non_null(strstr(s.text, "is a pipe, not a file"));
    assert_non_null(strstr(s.text, "cannot read /nonexistent\\n: No such file"));
    free(s.text);
    unlink(pipe);
    rmdir(folder);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(arena_is_zeroed_and_aligned), CASE(vec_keeps_its_items), CASE(strings_are_interned),
        CASE(maps_find_the_last_value), CASE(places_are_lines_and_columns),
        CASE(errors_show_place_line_and_caret), CASE(long_lines_are_clipped),
        CASE(errors_are_counted_beyond_the_limit), CASE(errors_as_json),
        CASE(every_error_is_explained), CASE(near_words_are_found),
        CASE(comments_cannot_be_left), CASE(mangled_names_are_legal_and_distinct),
        CASE(output_is_indented_and_saved), CASE(only_files_are_read),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
