/* test_errors.c - what the compiler says when a spec is wrong, to the byte.
 *
 * tests/errors/STAGE/CASE.dgm must be refused with the text of CASE.err; a first line
 * `// sizes: N=5 P=2` stands for -D. DGM_PROMOTE=1 writes what came out instead of comparing: read
 * it as a user would. Every code of errors.def has a case, or stands in `elsewhere`.
 */
#include "lower/lower.h"

#include <dirent.h>

#include "golden.h"

static const char root[] = TEST_ROOT "/tests/";
static const char *const stages[] = { "syntax", "check", "derive", "lower" };

static const char *const codes[] = {
#define ERROR(id, code, message, explanation, bad, good) code,
#include "base/errors.def"
#undef ERROR
};
enum { N_CODES = sizeof codes / sizeof *codes, N_STAGES = sizeof stages / sizeof *stages };

/* Codes that no small text file can show: what the file system says, limits, bytes of no text. */
static const struct { const char *code, *test; } elsewhere[] = {
    { "E0961", "systems/run.sh" },
    { "E0965", "systems/estimators.sh" },
    { "E0101", "systems/hostile.sh" }, { "E0102", "systems/hostile.sh" },
    { "E0103", "unit/test_syntax.c" }, { "E0104", "unit/test_syntax.c" },
    { "E0105", "unit/test_syntax.c" }, { "E0109", "unit/test_syntax.c" },
    { "E0110", "unit/test_syntax.c" }, { "E0111", "unit/test_syntax.c" },
    { "E0112", "unit/test_syntax.c" }, { "E0116", "unit/test_base.c" },
};

/* ---- one case -------------------------------------------------------------------------------- */

static void define_sizes(Ctx *c, const char *program)
{
    static const char mark[] = "// sizes:";
    char name[64];
    long value;
    int used;
    if (strncmp(program, mark, sizeof mark - 1))
        return;
    for (const char *p = program + sizeof mark - 1;
         sscanf(p, " %63[^=\n]=%ld%n", name, &value, &used) == 2; p += used)
        vec_push(c, c->defines, ((Define){ str(c, name), value, str(c, "-D") }));
}

/* As far as the gradient, as the driver does. */
static void compile_program(Ctx *c, const char *name, const char *program)
{
    Ast *library = parse_library(c);
    Ast *file = parse_text(c, source_text(c, name, program, strlen(program), false));
    if (!file || !check(c, file, library))
        return;
    Model *m = model_build(c, file, NULL);
    if (!m || !prove_plates(c, m, false))
        return;
    Derivation *d = derive(c, m, library);
    if (!d || !check_sizes_bound(c, file, m->node))
        return;
    Lowered *l = lower(c, d, file, library);
    if (!l)
        return;
    LowProgram *step = lowered_program(l, "step");
    step->fn = tir_simplify(c, step->fn);
    tir_grad(c, step->fn, lower_seeds(c, step), NULL);
}

/* A case is named STAGE/CASE.dgm; the messages name CASE.dgm. Notes the codes that it shows. */
static bool check_case(const char *stage, const char *name, bool *shown)
{
    char path[600];
    snprintf(path, sizeof path, "%serrors/%s/%s", root, stage, name);
    char *program = read_all(path), *text = NULL;
    size_t length = 0;
    Ctx *c = ctx_new();
    c->err = open_memstream(&text, &length);
    define_sizes(c, program);
    compile_program(c, name, program);
    fclose(c->err);
    bool refused = diag_count(c) > 0;
    ctx_free(c);
    if (!refused)
        print_error("%s: accepted\n", path);
    for (int i = 0; i < N_CODES; i++) {
        char mark[32];
        snprintf(mark, sizeof mark, "error[%s]", codes[i]);
        shown[i] |= strstr(text, mark) != NULL;
    }
    strcpy(path + strlen(path) - 3, "err");
    bool same = golden_same(path, text);
    free(program);
    free(text);
    return refused && same;
}

static int check_stage(const char *stage, bool *shown, int *cases)
{
    char folder[600];
    int wrong = 0;
    snprintf(folder, sizeof folder, "%serrors/%s", root, stage);
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *d; (d = readdir(dir));) {
        size_t n = strlen(d->d_name);
        if (n < 5 || strcmp(d->d_name + n - 4, ".dgm"))
            continue;
        ++*cases;
        wrong += !check_case(stage, d->d_name, shown);
    }
    closedir(dir);
    return wrong;
}

/* ---- every code ------------------------------------------------------------------------------ */

static bool tested_elsewhere(const char *code)
{
    for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++) {
        if (strcmp(elsewhere[i].code, code))
            continue;
        char path[600];
        snprintf(path, sizeof path, "%s%s", root, elsewhere[i].test);
        char *text = read_all(path);
        bool found = text && strstr(text, code);
        free(text);
        return found;
    }
    return false;
}

static void every_error_has_its_exact_text(void **state)
{
    (void)state;
    bool shown[N_CODES] = { false };
    int cases = 0, wrong = 0;
    for (int i = 0; i < N_STAGES; i++)
        wrong += check_stage(stages[i], shown, &cases);
    for (int i = 0; i < N_CODES; i++)
        if (!shown[i] && !tested_elsewhere(codes[i])) {
            print_error("%s: no case in tests/errors\n", codes[i]);
            wrong++;
        }
    print_message("%d cases\n", cases);
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_error_has_its_exact_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
