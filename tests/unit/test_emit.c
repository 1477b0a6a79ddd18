/* test_emit.c - the back end against the reference interpreter, and the shape of its plans.
 *
 * Every .tir file of tests/structure is a case; comments at its head say what to do:
 *     // structure: kernels 3, gemm 5        what plan_count must say
 *     // emitted: dgm_sum8 3                how many lines of the C have that word
 *     // run: B 70, S 2                      emit, compile, run; compare with the interpreter
 * and `grad` anywhere in these lines differentiates first. A run is compiled in double precision by
 * gcc and by clang with all warnings as errors, and once with sanitizers; terms, gradients and
 * outputs must agree with the interpreter to 1e-11, and 1, 2 and 3 threads must agree bit for bit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../laws/interp.h"
#include "../structure/emit_case.h"

#ifndef TEST_ROOT
#define TEST_ROOT "."
#endif
#ifndef TEST_BUILD
#define TEST_BUILD "build"
#endif
#ifndef TEST_LIBS
#define TEST_LIBS "-lopenblas"
#endif

#define TOLERANCE 1e-11
enum { SITES = 8, DRAWS = 20000 };     /* as in emit_driver.c */

extern char **environ;

typedef struct Case {
    const char *file;
    char *text;
    bool run, grad;
    int64_t B, S;
} Case;

/* ---- files and processes --------------------------------------------------------------------- */

static char *read_file(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        fail_msg("cannot read %s", path);
    size_t room = 1 << 16, used = 0, got;
    char *text = malloc(room + 1);
    while (text && (got = fread(text + used, 1, room - used, f)) > 0)
        if ((used += got) == room)
            text = realloc(text, (room *= 2) + 1);
    fclose(f);
    assert_non_null(text);
    text[used] = 0;
    if (n)
        *n = used;
    return text;
}

static int run_words(char *const *argv, const char *in, const char *out)
{
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int status = -1;
    posix_spawn_file_actions_init(&actions);
    if (in)
        posix_spawn_file_actions_addopen(&actions, 0, in, O_RDONLY, 0);
    if (out)
        posix_spawn_file_actions_addopen(&actions, 1, out, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    int rc = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (rc)
        return 127;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static bool have(const char *program)
{
    char *argv[] = {(char *)program, (char *)"--version", NULL};
    return run_words(argv, NULL, "/dev/null") == 0;
}

/* ---- cases ----------------------------------------------------------------------------------- */

static long number_after(const char *text, const char *end, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = text; p + n < end; p++)
        if (!strncmp(p, word, n) && p[n] == ' ' && (p == text || p[-1] == ' '))
            return strtol(p + n, NULL, 10);
    return -1;
}

/* The head of the file: comment lines before `fn`. */
static const char *head_end(const char *text)
{
    const char *end = strstr(text, "\nfn ");
    return end ? end : text + strlen(text);
}

static Case case_read(const char *file)
{
    char path[600];
    snprintf(path, sizeof path, TEST_ROOT "/tests/structure/%s", file);
    Case k = {.file = file, .text = read_file(path, NULL)};
    const char *end = head_end(k.text), *run = strstr(k.text, "// run:");
    const char *grad = strstr(k.text, "grad");
    k.grad = grad && grad < end;
    k.run = run && run < end;
    k.B = k.run ? number_after(run, end, "B") : 1;
    k.S = k.run ? number_after(run, end, "S") : 1;
    return k;
}

/* Each `word number` of the structure line is a count of the plan. */
static void check_structure(const Case *k, const Plan *p)
{
    const char *line = strstr(k->text, "// structure:");
    if (!line || line > head_end(k->text))
        return;
    line += strlen("// structure:");
    char word[40];
    int want, used;
    while (sscanf(line, " %39[a-z0-9_] %d%n", word, &want, &used) == 2) {
        if (strcmp(word, "grad") && plan_count(p, word) != want)
            fail_msg("%s: %s %d, expected %d", k->file, word, plan_count(p, word), want);
        line += used;
        line += *line == ',';
    }
}

/* Each `word number` of the emitted line: so many lines of the C have the word. */
static void check_emitted(Ctx *c, const Case *k, const EmitInput *in)
{
    const char *line = strstr(k->text, "// emitted:");
    if (!line || line > head_end(k->text))
        return;
    line += strlen("// emitted:");
    Out *o = out_new(c);
    emit_program(c, o, in);
    char word[40];
    int want, used;
    while (sscanf(line, " %39[a-z0-9_] %d%n", word, &want, &used) == 2) {
        int lines = 0;
        for (const char *at = out_text(o, NULL); (at = strstr(at, word)) != NULL; lines++)
            at += strcspn(at, "\n");
        if (lines != want)
            fail_msg("%s: %d lines of C with %s, expected %d", k->file, lines, word, want);
        line += used;
        line += *line == ',';
    }
}

/* ---- numbers --------------------------------------------------------------------------------- */

static double random_number(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(*state >> 11) / 9007199254740992.0 * 1.6 - 0.8;
}

typedef struct Numbers { double *all; InterpArray *arrays; size_t n; } Numbers;

static int64_t count_of(const Case *k, const Tir *v)
{
    Interp in = {.rows = k->B, .samples = k->S};
    return interp_count(&in, v);
}

/* Parameters then data, each in the order in which the program names them. */
static Numbers make_numbers(Ctx *c, const Case *k, const TirFn *f)
{
    Numbers r = {0};
    uint64_t state = 12345;
    Tir **order = tir_order(f);
    for (int kind = INPUT_PARAM; kind <= INPUT_DATA; kind++)
        for (size_t i = 0; i < vec_len(order); i++) {
            const Tir *v = order[i];
            if (v->op != OP_INPUT || v->input != (InputKind)kind)
                continue;
            size_t n = (size_t)count_of(k, v);
            double *x = arena_alloc(c->arena, sizeof *x * (n + 1));
            bool whole = !strcmp(v->name, "word") || !strcmp(v->name, "label");
            for (size_t j = 0; j < n; j++) {
                x[j] = random_number(&state);
                if (whole)
                    x[j] = floor((x[j] + 0.8) * 3);
                vec_push(c, r.all, x[j]);
            }
            InterpArray a = {v->name, x};
            vec_push(c, r.arrays, a);
        }
    return r;
}

static void add_draws(Ctx *c, const TirFn *f, Numbers *r, const double *draws)
{
    Tir **order = tir_order(f);
    for (size_t i = 0; i < vec_len(order); i++) {
        const Tir *v = order[i];
        bool uniform = v->op == OP_RANDOM_UNIFORM;
        if (v->op != OP_RANDOM_NORMAL && !uniform)
            continue;
        assert_true(v->site < SITES);
        InterpArray a = {str_fmt(c, "@%d", v->site), draws + (uniform * SITES + v->site) * DRAWS};
        vec_push(c, r->arrays, a);
    }
}

/* ---- emitting, compiling, running ------------------------------------------------------------ */

typedef struct Tools { char dir[64]; } Tools;

static void compile_case(const Case *k, const Tools *t, const char *cc, const char *extra,
                         const char *exe)
{
    char emitted[200], target[100], driver[600], include[600], lib[600];
    char *argv[40];
    int n = 0;
    snprintf(emitted, sizeof emitted, "-DEMITTED=\"%s/case.c\"", t->dir);
    snprintf(target, sizeof target, "%s/%s", t->dir, exe);
    snprintf(driver, sizeof driver, TEST_ROOT "/tests/structure/emit_driver.c");
    snprintf(include, sizeof include, "-I" TEST_ROOT "/runtime");
    snprintf(lib, sizeof lib, TEST_BUILD "/libdgm_f64.a");
    const char *const words[] = {cc, "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-fno-math-errno",
                                 "-fno-trapping-math", "-fopenmp", "-DDGM_F64", emitted, include};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        argv[n++] = (char *)words[i];
    argv[n++] = (char *)(extra ? "-O1" : "-O2");
    if (extra)
        argv[n++] = (char *)extra;
    const char *const rest[] = {driver, lib, TEST_LIBS, "-lpng", "-lz", "-ljansson", "-lm", "-o",
                                target, NULL};
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++)
        argv[n++] = (char *)rest[i];
    if (run_words(argv, NULL, NULL))
        fail_msg("%s: %s does not take the emitted C, kept as %s/case.c", k->file, cc, t->dir);
}

static double *run_case(const Case *k, const Tools *t, const char *exe, int threads, size_t *n)
{
    char program[100], in[100], out[100], words[3][24];
    snprintf(program, sizeof program, "%s/%s", t->dir, exe);
    snprintf(in, sizeof in, "%s/in", t->dir);
    snprintf(out, sizeof out, "%s/out", t->dir);
    snprintf(words[0], sizeof words[0], "%lld", (long long)k->B);
    snprintf(words[1], sizeof words[1], "%lld", (long long)k->S);
    snprintf(words[2], sizeof words[2], "%d", threads);
    char *argv[] = {program, words[0], words[1], words[2], NULL};
    int rc = run_words(argv, in, out);
    if (rc)
        fail_msg("%s: the program ended with status %d (%s)", k->file, rc, program);
    size_t bytes;
    double *x = (double *)read_file(out, &bytes);
    *n = bytes / sizeof *x;
    return x;
}

static void write_bytes(const Tools *t, const char *name, const void *bytes, size_t n)
{
    char path[100];
    snprintf(path, sizeof path, "%s/%s", t->dir, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

static void remove_files(const Tools *t)
{
    static const char *const names[] = {"case.c", "in", "out", "gcc", "clang", "san"};
    char path[100];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", t->dir, names[i]);
        unlink(path);
    }
    rmdir(t->dir);
}

static void check_close(const Case *k, const char *what, const double *want, const double *got,
                        int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (!(fabs(want[i] - got[i]) <= TOLERANCE * fmax(1, fabs(want[i]))))
            fail_msg("%s: %s[%lld] is %.17g, the interpreter says %.17g", k->file, what,
                     (long long)i, got[i], want[i]);
}

/* The program's numbers: terms, gradients by parameter, outputs; the interpreter's by output. */
static void compare(Ctx *c, const Case *k, const EmitInput *in, const TirFn *f, Numbers *r,
                    const double *got, size_t n)
{
    size_t at = vec_len(in->programs[0].terms);
    add_draws(c, f, r, got + n - 2 * SITES * DRAWS);
    Interp run = {.rows = k->B, .samples = k->S, .arrays = r->arrays,
                  .n_arrays = (int)vec_len(r->arrays)};
    double **want = interp_run(c->arena, f, &run);
    for (size_t i = 0; i < vec_len(f->outs); i++)
        if (f->outs[i].kind == OUT_TERM)
            check_close(k, f->outs[i].name, want[i], got + f->outs[i].index, 1);
    for (size_t j = 0; j < vec_len(in->params); j++) {
        int64_t count = 1;
        for (int a = 0; a < in->params[j].rank; a++)
            count *= in->params[j].shape[a];
        for (size_t i = 0; i < vec_len(f->outs); i++)
            if (f->outs[i].kind == OUT_GRAD && f->outs[i].name == in->params[j].name)
                check_close(k, f->outs[i].name, want[i], got + at, count);
        at += (size_t)count;
    }
    for (size_t i = 0; i < vec_len(f->outs); i++)
        if (f->outs[i].kind == OUT_VALUE) {
            int64_t count = count_of(k, f->outs[i].value);
            check_close(k, f->outs[i].name, want[i], got + at, count);
            at += (size_t)count;
        }
    assert_int_equal(at, n - 2 * SITES * DRAWS);
}

static void check_threads(const Case *k, const Tools *t, const char *exe, const double *one,
                          size_t n)
{
    for (int threads = 2; threads <= 3; threads++) {
        size_t m;
        double *more = run_case(k, t, exe, threads, &m);
        assert_int_equal(n, m);
        if (memcmp(one, more, n * sizeof *one))
            fail_msg("%s: %d threads give other bits than one", k->file, threads);
        free(more);
    }
}

static void check_run(Ctx *c, const Case *k, const EmitInput *in, const TirFn *f, Tools *t)
{
    static const char *const ccs[] = {"gcc", "clang"};
    Out *o = out_new(c);
    size_t bytes, n;
    emit_program(c, o, in);
    const char *text = out_text(o, &bytes);
    Numbers r = make_numbers(c, k, f);
    write_bytes(t, "case.c", text, bytes);
    write_bytes(t, "in", r.all, vec_len(r.all) * sizeof *r.all);
    for (int i = 0; i < 2; i++) {
        if (!have(ccs[i]))
            continue;
        compile_case(k, t, ccs[i], NULL, ccs[i]);
        double *got = run_case(k, t, ccs[i], 1, &n);
        Numbers again = r;
        again.arrays = NULL;
        for (size_t j = 0; j < vec_len(r.arrays); j++)
            vec_push(c, again.arrays, r.arrays[j]);
        compare(c, k, in, f, &again, got, n);
        check_threads(k, t, ccs[i], got, n);
        free(got);
    }
    compile_case(k, t, "gcc", "-fsanitize=address,undefined", "san");
    free(run_case(k, t, "san", 2, &n));
}

/* Draws whose numbers the runtime makes in its own way, the interpreter in another. */
static bool has_rejection(const TirFn *f)
{
    Tir **order = tir_order(f);
    for (size_t i = 0; i < vec_len(order); i++)
        if (op_info[order[i]->op].kind == OP_KIND_RANDOM && order[i]->n_in)
            return true;
    return false;
}

static void test_file(void **state)
{
    Case k = case_read(*state);
    Ctx *c = ctx_new();
    c->f64 = true;
    TirFn *f = emit_case_read(c, k.text, k.grad);
    if (!f)
        fail_msg("%s: not tensor IR", k.file);
    EmitInput *in = emit_case_input(c, f);
    Out *o = out_new(c);
    plan_print(o, in->programs[0].plan);
    assert_true(strlen(out_text(o, NULL)) > 0);
    check_structure(&k, in->programs[0].plan);
    check_emitted(c, &k, in);
    if (k.run && !has_rejection(f)) {
        Tools t = {"/tmp/test-emit-XXXXXX"};
        assert_non_null(mkdtemp(t.dir));
        check_run(c, &k, in, f, &t);
        remove_files(&t);
    }
    ctx_free(c);
    free(k.text);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct CMUnitTest *)a)->name, ((const struct CMUnitTest *)b)->name);
}

/* All cases, or those named. */
int main(int argc, char **argv)
{
    struct CMUnitTest tests[200];
    size_t n = 0;
    DIR *dir = opendir(TEST_ROOT "/tests/structure");
    for (struct dirent *e; dir && (e = readdir(dir)) && n < 200;) {
        size_t len = strlen(e->d_name);
        bool wanted = argc < 2;
        for (int i = 1; i < argc; i++)
            wanted |= !strcmp(argv[i], e->d_name);
        if (len < 5 || strcmp(e->d_name + len - 4, ".tir") || !wanted)
            continue;
        char *name = strdup(e->d_name);
        tests[n++] = (struct CMUnitTest){name, test_file, NULL, NULL, name};
    }
    if (dir)
        closedir(dir);
    qsort(tests, n, sizeof *tests, by_name);
    int failed = n ? _cmocka_run_group_tests("emit", tests, n, NULL, NULL) : 1;
    for (size_t i = 0; i < n; i++)
        free((char *)tests[i].name);
    return failed;
}
