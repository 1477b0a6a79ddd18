/* test_rt_train.c - the trainer's command line, on a model with exact answers (tiny_model.h).
 *
 * Each command runs in a child process with its output in files, as a shell would run it; what is
 * compared is exit codes, bytes of checkpoints, and numbers against the exact marginal likelihood.
 * If this fails: runtime/train.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tiny_model.h"
#include "cli/cli.h"
#include "train/train.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROWS 100

static const double true_w[TINY_P] = {1.0, -0.7, 0.4, 0.2};

/* A directory of its own for each test, which becomes the current one. */
static int enter_scratch(void **state)
{
    char name[] = "/tmp/test_rt_train.XXXXXX";

    if (mkdtemp(name) == NULL || chdir(name) != 0)
        return -1;
    *state = strdup(name);
    FILE *f = fopen("x.csv", "w");
    for (int n = 0; n < ROWS; n++) {
        double z = sin(1.7 * n) * 1.3;

        for (int j = 0; j < TINY_P; j++)
            fprintf(f, "%s%.9g", j ? "," : "", true_w[j] * z + cos(3.1 * n + 1.9 * j));
        fputc('\n', f);
    }
    return fclose(f);
}

static int leave_scratch(void **state)
{
    char command[200];

    snprintf(command, sizeof command, "rm -rf '%s'", (char *)*state);
    free(*state);
    return chdir("/tmp") == 0 && system(command) == 0 ? 0 : -1;
}

/* ---- running commands ----------------------------------------------------------------------- */

static pid_t start(const DgmModel *model, const char *line)
{
    char words[600], *argv[40];
    int argc = 0;

    fflush(NULL);
    pid_t child = fork();
    if (child != 0)
        return child;
    snprintf(words, sizeof words, "./tiny %s", line);
    for (char *word = strtok(words, " "); word != NULL; word = strtok(NULL, " "))
        argv[argc++] = word;
    argv[argc] = NULL;
    if (freopen("stdout.txt", "w", stdout) == NULL || freopen("stderr.txt", "w", stderr) == NULL)
        _exit(99);
    exit(dgm_main(model, argc, argv));
}

static int finish(pid_t child)
{
    int status;

    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int run(const char *line)
{
    DgmModel model = tiny_model(false);

    return finish(start(&model, line));
}

static char *contents(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    struct stat st = {0};

    if (f)
        fstat(fileno(f), &st);
    char *text = calloc(1, (size_t)st.st_size + 1);
    *size = f ? fread(text, 1, (size_t)st.st_size, f) : 0;
    if (f)
        fclose(f);
    return text;
}

static bool file_has(const char *path, const char *needle)
{
    size_t size;
    char *text = contents(path, &size);
    bool found = strstr(text, needle) != NULL;

    free(text);
    return found;
}

static void assert_same_file(const char *a, const char *b)
{
    size_t n, m;
    char *x = contents(a, &n), *y = contents(b, &m);

    assert_true(n > 0);
    assert_int_equal(n, m);
    assert_memory_equal(x, y, n);
    free(x);
    free(y);
}

/* All lines of two metrics files, without their clock. */
static void assert_same_metrics(const char *a, const char *b)
{
    FILE *f = fopen(a, "r"), *g = fopen(b, "r");
    char x[4000], y[4000];
    int lines = 0;

    while (fgets(x, sizeof x, f) != NULL) {
        assert_non_null(fgets(y, sizeof y, g));
        json_t *p = json_loads(x, 0, NULL), *q = json_loads(y, 0, NULL);

        assert_non_null(p);
        json_object_del(p, "steps_per_second");
        json_object_del(q, "steps_per_second");
        assert_true(json_equal(p, q));
        json_decref(p);
        json_decref(q);
        lines++;
    }
    assert_null(fgets(y, sizeof y, g));
    assert_true(lines > 3);
    fclose(f);
    fclose(g);
}

static double result(const char *key)
{
    json_t *root = json_load_file("stdout.txt", 0, NULL);
    double value = json_number_value(json_object_get(root, key));

    assert_true(json_is_number(json_object_get(root, key)));
    json_decref(root);
    return value;
}

/* ---- the command line ----------------------------------------------------------------------- */

static void test_help(void **state)
{
    (void)state;
    assert_int_equal(run(""), 0);
    assert_true(file_has("stdout.txt", "reconstruct"));
    assert_int_equal(run("--version"), 0);
    assert_int_equal(run("--help-json"), 0);
    json_t *root = json_load_file("stdout.txt", 0, NULL);
    assert_int_equal(json_array_size(json_object_get(root, "commands")), command_count());
    json_decref(root);
    for (int i = 0; i < command_count(); i++) {
        char line[60];

        snprintf(line, sizeof line, "%s --help", command_row(i)->name);
        assert_int_equal(run(line), 0);
        assert_true(file_has("stdout.txt", "Example:\n  ./tiny "));
    }
    assert_true(run("train -h") == 0 && file_has("stdout.txt", "--data x=x.npy --out run"));
    assert_true(run("info --json") == 0);
    assert_true((long)result("parameter_count") == 2 * TINY_P + 1);
}

/* Every option of every command with its last letter doubled: exit 2, and the right suggestion. */
static void test_typos(void **state)
{
    (void)state;
    for (int c = 0; c < command_count(); c++) {
        for (int i = 0; i < N_OPTIONS; i++) {
            const OptionRow *row = option_row((OptionId)i);
            size_t n = strlen(row->name);
            char line[100], wanted[100];

            if (strchr(row->commands, command_row(c)->letter) == NULL || n < 2)
                continue;
            snprintf(line, sizeof line, "%s --%s%c", command_row(c)->name, row->name,
                     row->name[n - 1]);
            snprintf(wanted, sizeof wanted, "did you mean `--%s`?", row->name);
            assert_int_equal(run(line), DGM_EXIT_USAGE);
            assert_true(file_has("stderr.txt", wanted));
        }
    }
    assert_int_equal(run("trian"), DGM_EXIT_USAGE);
    assert_true(file_has("stderr.txt", "did you mean `train`?"));
}

static void test_usage_errors(void **state)
{
    static const char *const bad[] = {
        "nothing", "train", "train --out r", "train --data x.csv", "train --out", "eval",
        "train --data x.csv --out r --steps 0", "train --data x.csv --out r --seed -1",
        "train --data x.csv --out r --seed 1x", "train --data x.csv --out r --epochs nan",
        "train --data x.csv --out r --steps 3 --epochs 2", "train --data x.csv --out r --quiet=no",
        "train --data x.csv --out r --optimizer adamant",
        "train --data x.csv --out r --set beta9=1",
        "train --data x.csv --out r --set lr", "train --data x.csv --out r --schedule sometimes",
        "train --data x.csv --out r --threads 0", "train x=x.csv --out r",
        "train --data x.csv --out r --resume", "--data x.csv", "eval one two --data x.csv",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (run(bad[i]) != DGM_EXIT_USAGE)
            fail_msg("`%s` did not end with exit code 2", bad[i]);
        assert_true(file_has("stderr.txt", "error: "));
        assert_true(file_has("stderr.txt", "  help: "));
    }
    setenv("DGM_SEED", "many", 1);
    assert_int_equal(run("train --data x.csv --out r"), DGM_EXIT_USAGE);
    unsetenv("DGM_SEED");
    assert_true(file_has("stderr.txt", "DGM_SEED"));
}

static void test_exit_codes(void **state)
{
    (void)state;
    assert_int_equal(run("train --data missing.csv --out r"), DGM_EXIT_DATA);
    assert_int_equal(run("train --data x.csv --out x.csv/run"), DGM_EXIT_IO);
    assert_int_equal(run("eval nowhere --data x.csv"), DGM_EXIT_IO);
    assert_int_equal(run("train --data x.csv --out r --steps 20 --lr 1e30"), DGM_EXIT_NUMERIC);
    assert_true(file_has("stderr.txt", "tiny.dgm:"));
    assert_true(file_has("stderr.txt", "r/last.safetensors (step 0) stands"));
    assert_int_equal(run("eval r --data x.csv"), 0);
    assert_int_equal(run("train --data x.csv --out r"), DGM_EXIT_USAGE);
    assert_true(file_has("stderr.txt", "--resume"));
    assert_int_equal(run("train --data x.csv --out r --overwrite --steps 5"), 0);
}

static void test_precedence(void **state)
{
    json_t *root;

    (void)state;
    setenv("DGM_SEED", "7", 1);
    assert_int_equal(run("train --data x.csv --out a --steps 3"), 0);
    assert_int_equal(run("train --data x.csv --out b --steps 3 --seed 8 --batch 20"), 0);
    unsetenv("DGM_SEED");
    root = json_load_file("a/run.json", 0, NULL);
    json_t *options = json_object_get(root, "options"), *seed = json_object_get(options, "seed");
    json_t *batch = json_object_get(options, "batch");
    assert_int_equal(json_integer_value(json_object_get(seed, "value")), 7);
    assert_string_equal(json_string_value(json_object_get(seed, "source")), "environment");
    assert_string_equal(json_string_value(json_object_get(batch, "source")), "train block");
    json_decref(root);
    root = json_load_file("b/run.json", 0, NULL);
    options = json_object_get(root, "options");
    seed = json_object_get(options, "seed");
    assert_int_equal(json_integer_value(json_object_get(seed, "value")), 8);
    assert_string_equal(json_string_value(json_object_get(seed, "source")), "command line");
    assert_int_equal(json_integer_value(json_object_get(json_object_get(root, "plan"), "batch")),
                     20);
    json_decref(root);
}

/* ---- determinism ---------------------------------------------------------------------------- */

static void test_resume_is_exact(void **state)
{
    (void)state;
    assert_int_equal(run("train --data x.csv --valid x.csv --out whole --steps 40 --log-every 3"),
                     0);
    for (int stop = 1; stop < 40; stop += 6) {
        char line[200];

        snprintf(line, sizeof line, "train --data x.csv --valid x.csv --out part --steps %d "
                 "--log-every 3 --overwrite", stop);
        assert_int_equal(run(line), 0);
        assert_int_equal(run("train --out part --resume --steps 40"), 0);
        assert_same_file("whole/last.safetensors", "part/last.safetensors");
    }
}

/* A run ended by a signal passes through the same lines of metrics as one that was not. */
static void test_signal(void **state)
{
    static const int numbers[] = {SIGTERM, SIGINT};
    DgmModel model = tiny_model(false);

    (void)state;
    assert_int_equal(run("train --data x.csv --out whole --steps 100000 --log-every 1000"), 0);
    for (int i = 0; i < 2; i++) {
        pid_t child =
            start(&model, "train --data x.csv --out part --steps 100000 --log-every 1000");

        while (!file_has("part/metrics.jsonl", "\"step\":1000,"))
            usleep(2000);
        kill(child, numbers[i]);
        assert_int_equal(finish(child), 128 + numbers[i]);
        assert_true(file_has("stderr.txt", "--resume"));
        assert_int_equal(run("train --out part --resume"), 0);
        assert_same_file("whole/last.safetensors", "part/last.safetensors");
        assert_same_metrics("whole/metrics.jsonl", "part/metrics.jsonl");
        assert_int_equal(system("rm -r part"), 0);
    }
}

static void test_killed(void **state)
{
    DgmModel model = tiny_model(false);

    (void)state;
    assert_int_equal(run("train --data x.csv --out whole --steps 300 --log-every 50"), 0);
    for (int i = 0; i < 5; i++) {
        pid_t child = start(&model, "train --data x.csv --out part --steps 300 --log-every 50 "
                            "--save-every 7");

        while (!file_has("part/metrics.jsonl", "\"step\":50,"))
            usleep(1000);
        usleep((useconds_t)(i * 1371));
        kill(child, SIGKILL);
        finish(child);
        assert_int_equal(run("train --out part --resume --quiet"), 0);
        assert_same_file("whole/last.safetensors", "part/last.safetensors");
        assert_same_metrics("whole/metrics.jsonl", "part/metrics.jsonl");
        assert_int_equal(system("rm -r part"), 0);
    }
}

static void test_threads_and_streams(void **state)
{
    (void)state;
    assert_int_equal(run("train --data x.csv --out one --steps 25 --threads 1"), 0);
    assert_int_equal(run("train --data x.csv --out two --steps 25 --threads 3"), 0);
    assert_same_file("one/last.safetensors", "two/last.safetensors");
    assert_int_equal(run("train --data x.csv --out other --steps 25 --seed 2"), 0);
    size_t n, m;
    char *a = contents("one/last.safetensors", &n), *b = contents("other/last.safetensors", &m);
    assert_true(n != m || memcmp(a, b, n) != 0);
    free(a);
    free(b);
}

/* ---- checkpoints ---------------------------------------------------------------------------- */

static void test_damaged_last(void **state)
{
    (void)state;
    assert_int_equal(run("train --data x.csv --out r --steps 40 --save-every 10"), 0);
    FILE *f = fopen("r/last.safetensors", "r+");
    fseek(f, -3, SEEK_END);
    fputc(0x55, f);
    fclose(f);
    assert_int_equal(run("eval r --data x.csv --json"), 0);
    assert_true(file_has("stderr.txt", "warning: "));
    assert_int_equal((long)result("step"), 30);
    assert_int_equal(run("train --out r --resume"), 0);
    assert_int_equal(run("eval r --data x.csv --json"), 0);
    assert_int_equal((long)result("step"), 40);
}

static void test_foreign_checkpoint(void **state)
{
    DgmModel other = tiny_model(false);

    (void)state;
    assert_int_equal(run("train --data x.csv --out r --steps 4"), 0);
    other.spec_hash = "fedcba";
    assert_int_equal(finish(start(&other, "eval r --data x.csv")), DGM_EXIT_CHECKPOINT);
    assert_true(file_has("stderr.txt", "spec_hash"));
    assert_int_equal(run("train --out r --resume --steps 9 --seed 5"), DGM_EXIT_CHECKPOINT);
    assert_true(file_has("stderr.txt", "seed"));
    assert_int_equal(run("train --out r --resume --steps 9 --batch 5"), DGM_EXIT_CHECKPOINT);
    assert_int_equal(run("train --out r --resume --steps 9 --optimizer sgd"), DGM_EXIT_CHECKPOINT);
    assert_int_equal(run("eval r --data x.csv --checkpoint run.json"), DGM_EXIT_CHECKPOINT);
}

/* ---- numbers -------------------------------------------------------------------------------- */

/* Exact log-likelihood per row under the trained w: x ~ N(0, I + w w'). */
static double exact_log_likelihood(const double *w)
{
    FILE *f = fopen("x.csv", "r");
    double w2 = 0, sum = 0;

    for (int j = 0; j < TINY_P; j++)
        w2 += w[j] * w[j];
    for (int n = 0; n < ROWS; n++) {
        double x2 = 0, wx = 0;

        for (int j = 0; j < TINY_P; j++) {
            double x;

            assert_int_equal(fscanf(f, "%lf%*c", &x), 1);
            x2 += x * x;
            wx += w[j] * x;
        }
        sum -= 0.5 * (x2 - wx * wx / (1 + w2) + log1p(w2) + TINY_P * 1.8378770664093453);
    }
    fclose(f);
    return sum / ROWS;
}

static void test_eval_is_exact(void **state)
{
    double w[TINY_P];

    (void)state;
    assert_int_equal(run("train --data x.csv --out r --epochs 300 --schedule cosine"), 0);
    Checkpoint *c = checkpoint_read("r/last.safetensors");
    for (int j = 0; j < TINY_P; j++)
        w[j] = (double)((Real *)checkpoint_tensor(c, "w")->data)[j];
    checkpoint_free(c);
    double exact = exact_log_likelihood(w);
    assert_int_equal(run("eval r --data x.csv --json --samples 500"), 0);
    double likelihood = result("log_likelihood"), elbo = result("elbo");
    assert_true(fabs(likelihood - exact) < 0.01);
    assert_true(fabs(elbo - (result("reconstruction") - result("kl"))) < 1e-9);
    assert_true(elbo < exact + 0.1 && elbo > exact - 0.3);
    assert_int_equal(run("eval r --data x.csv --json --samples 500 --batch 7 --threads 2"), 0);
    assert_true(fabs(likelihood - result("log_likelihood")) < 1e-5);
    assert_true(fabs(elbo - result("elbo")) < 1e-5);
}

static void test_check_grad(void **state)
{
    DgmModel wrong = tiny_model(true);

    (void)state;
    assert_int_equal(run("check-grad"), 0);
    assert_int_equal(run("check-grad --data x.csv --json"), 0);
    assert_true(file_has("stdout.txt", "\"passed\": true"));
    int code = finish(start(&wrong, "check-grad --json --tol 1e-3"));
    if (sizeof(Real) == 8) {             /* 1 % is below what f32 differences resolve for sure */
        assert_int_equal(code, DGM_EXIT_FAILED);
        assert_true(file_has("stdout.txt", "\"passed\": false"));
    }
}

static void test_generate(void **state)
{
    DgmArray a;
    DataError e;

    (void)state;
    assert_int_equal(run("train --data x.csv --out r --steps 30"), 0);
    assert_int_equal(run("sample r -n 9 --out s.npy"), 0);
    assert_true(array_read("s.npy", &a, &e));
    assert_true(a.rank == 2 && a.shape[0] == 9 && a.shape[1] == TINY_P);
    array_free(&a);
    assert_int_equal(run("sample r -n5"), 0);
    assert_true(file_has("stdout.txt", "x[0],x[1],x[2],x[3]\n"));
    assert_int_equal(run("encode r --data x.csv --out codes"), 0);
    assert_true(array_read("codes/z.sd.npy", &a, &e));
    assert_true(a.count == ROWS && array_value(&a, 0) > 0);
    array_free(&a);
    assert_int_equal(run("encode r --data x.csv --out codes.csv"), 0);
    assert_true(file_has("codes.csv", "z.mean,z.sd\n"));
    assert_int_equal(run("reconstruct r --data x.csv --out means.npy --batch 9"), 0);
    assert_true(array_read("means.npy", &a, &e) && a.shape[0] == ROWS);
    array_free(&a);
    assert_int_equal(run("sample r --png s.png"), DGM_EXIT_USAGE);
}

static void test_quiet_and_plain(void **state)
{
    size_t size;

    (void)state;
    assert_int_equal(run("train --data x.csv --out r --steps 30 --quiet"), 0);
    free(contents("stdout.txt", &size));
    assert_int_equal(size, 0);
    free(contents("stderr.txt", &size));
    assert_int_equal(size, 0);
    assert_int_equal(run("train --data x.csv --out r --steps 30 --overwrite"), 0);
    assert_false(file_has("stderr.txt", "\r") || file_has("stderr.txt", "\033"));
    assert_true(file_has("stderr.txt", "step 30/30"));
    assert_true(file_has("stdout.txt", "r/last.safetensors"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, enter_scratch, leave_scratch)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_help), TEST(test_typos), TEST(test_usage_errors), TEST(test_exit_codes),
        TEST(test_precedence), TEST(test_resume_is_exact), TEST(test_signal), TEST(test_killed),
        TEST(test_threads_and_streams), TEST(test_damaged_last), TEST(test_foreign_checkpoint),
        TEST(test_eval_is_exact), TEST(test_check_grad), TEST(test_generate),
        TEST(test_quiet_and_plain),
    };

    unsetenv("DGM_THREADS");
    unsetenv("DGM_SEED");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
