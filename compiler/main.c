/* main.c - the command line: options.def says what there is, this file parses it.
 * A line that is wrong ends with USAGE and what would have been right.
 */
#include "derive/objective.h"
#include "driver.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct Command { const char *name, *argument, *help, *example; } Command;
static const Command commands[] = {
#define COMMAND(name, argument, help, example) { #name, argument, help, example },
#include "options.def"
#undef COMMAND
};
enum { N_COMMANDS = sizeof commands / sizeof *commands };

typedef enum {
#define OPTION(id, name, letter, arg, where, help) OPT_##id,
#include "options.def"
#undef OPTION
    N_OPTIONS
} OptionId;

typedef struct OptionRow { const char *name, *letter, *arg, *where, *help; } OptionRow;
static const OptionRow options[] = {
#define OPTION(id, name, letter, arg, where, help) { name, letter, arg, where, help },
#include "options.def"
#undef OPTION
};

static const char task_letters[] = "bcefr";     /* by Task */

static int usage_error(const char *format, const char *what, const char *hint)
{
    fprintf(stderr, "dgmc: error: ");
    fprintf(stderr, format, what);
    fprintf(stderr, "\n");
    if (hint)
        fprintf(stderr, "  help: did you mean `%s`?\n", hint);
    else
        fprintf(stderr, "  help: `dgmc --help` lists commands and options\n");
    return USAGE;
}

static void print_help(void)
{
    printf("dgmc %s - compiles generative models to C trainers\n\nusage:\n", DGMC_VERSION);
    for (int i = 0; i < N_COMMANDS; i++)
        printf("  dgmc %s %s%*s %s\n", commands[i].name, commands[i].argument,
               (int)(14 - strlen(commands[i].name) - strlen(commands[i].argument)), "",
               commands[i].help);
    printf("\nexamples:\n"
           "  dgmc examples/vae/vae.dgm --data x=images.idx3-ubyte.gz   # makes ./vae\n");
    for (int i = 0; i < N_COMMANDS; i++)
        printf("  %s\n", commands[i].example);
    printf("\noptions:\n");
    for (int i = 0; i < N_OPTIONS; i++) {
        const OptionRow *o = &options[i];
        int n = printf("  %s%s%s%s%s", o->letter, *o->letter ? ", " : "", o->name,
                       *o->arg ? "=" : "", o->arg);
        printf("%*s %s\n", n < 34 ? 34 - n : 0, "", o->help);
    }
    printf("\nexit codes: 0 done, 1 the spec is wrong, 2 usage, 3 bad data file, 4 cannot write, "
           "70 internal error\n");
}

/* The option that an argument begins with; its value if joined (--x=V, -xV) goes to *value. */
static int find_option(const char *arg, const char **value)
{
    *value = NULL;
    for (int i = 0; i < N_OPTIONS; i++) {
        size_t n = strlen(options[i].name);
        if (!strncmp(arg, options[i].name, n) && (arg[n] == 0 || arg[n] == '=')) {
            *value = arg[n] ? arg + n + 1 : NULL;
            return i;
        }
        n = strlen(options[i].letter);
        if (n && !strncmp(arg, options[i].letter, n) && arg[1] != '-') {
            *value = arg[n] ? arg + n : NULL;
            return i;
        }
    }
    return -1;
}

static Str nearest_option(Ctx *c, const char *arg)
{
    Str names[N_OPTIONS];
    for (int i = 0; i < N_OPTIONS; i++)
        names[i] = str(c, options[i].name);
    size_t n = strcspn(arg, "=");
    return nearest(c, str_n(c, arg, n), names, N_OPTIONS);
}

static bool is_given(const Ctx *c, Str name)
{
    for (size_t i = 0; i < vec_len(c->defines); i++)
        if (c->defines[i].name == name)
            return true;
    for (size_t i = 0; i < vec_len(c->numbers); i++)
        if (c->numbers[i].name == name)
            return true;
    return false;
}

/* NAME=VALUE, a size or another number. Returns 0, or the exit code of a usage error. */
static int add_define(Ctx *c, const char *text)
{
    const char *eq = strchr(text, '=');
    char *end;
    if (!eq || eq == text || !eq[1])
        return usage_error("-D takes NAME=NUMBER: `%s`", text, NULL);
    double x = strtod(eq + 1, &end);
    if (*end || !isfinite(x) || strpbrk(eq + 1, "xX \t\n"))
        return usage_error("-D takes NAME=NUMBER: `%s`", text, NULL);
    bool size = x >= 0 && x == floor(x);
    if (size && x > (double)LIMIT_SIZE && !strpbrk(eq + 1, ".eE"))
        return usage_error("-D %s: a size is at most 2^40", text, NULL);
    Str name = str_n(c, text, (size_t)(eq - text)), source = str(c, "-D");
    if (is_given(c, name))
        return usage_error("-D gives `%s` twice", name, NULL);
    if (size && x <= (double)LIMIT_SIZE)
        vec_push(c, c->defines, ((Define){ name, (int64_t)x, source }));
    else
        vec_push(c, c->numbers, ((Number){ name, x, source }));
    return 0;
}

static void add_data(Ctx *c, Job *job, const char *text)
{
    const char *eq = text + strcspn(text, "=/.");         /* a path is no name */
    eq = *eq == '=' ? eq : NULL;
    DataArg d = { eq ? str_n(c, text, (size_t)(eq - text)) : NULL, str(c, eq ? eq + 1 : text) };
    vec_push(c, job->data, d);
}

static bool all_exist(const char *list, bool (*exists)(const char *name))
{
    char name[32];
    while (*list) {
        size_t n = strcspn(list, ",");
        if (n >= sizeof name)
            return false;
        memcpy(name, list, n);
        name[n] = 0;
        if (!exists(name))
            return false;
        list += n + (list[n] == ',');
    }
    return true;
}

/* Returns 0, or the exit code of a usage error. */
static int take_option(Ctx *c, Job *job, OptionId id, const char *v)
{
    const char *bad = "bad value `%s`";
    switch (id) {
    case OPT_OUTPUT:    job->output = v; return 0;
    case OPT_DEFINE:
        return add_define(c, v);
    case OPT_DATA:      add_data(c, job, v); return 0;
    case OPT_PRECISION:
        c->f64 = !strcmp(v, "f64");
        job->precision = v;
        return c->f64 || !strcmp(v, "f32")
                   ? 0
                   : usage_error("--precision is f32 or f64, not `%s`", v, NULL);
    case OPT_EMIT:
        job->emit_c = true;
        return !strcmp(v, "c") ? 0 : usage_error("--emit knows only `c`, not `%s`", v, NULL);
    case OPT_ONLY:
        job->only = v;
        return all_exist(v, query_exists) ? 0 : usage_error("no such program in --only=%s", v,
                                                            NULL);
    case OPT_NONCENTER: c->noncenter = strcmp(v, "none") ? v : NULL; return 0;
    case OPT_ESTIMATOR: vec_push(c, job->estimators, v); return 0;
    case OPT_CC:        job->cc = v; return 0;
    case OPT_MODEL:     job->model = v; return 0;
    case OPT_LATEX:     job->latex = true; return 0;
    case OPT_WRITE:     job->fmt_write = true; return 0;
    case OPT_FMT_CHECK: job->fmt_check = true; return 0;
    case OPT_DUMP:
        job->dump = v;
        return all_exist(v, stage_exists) ? 0 : usage_error("no such stage in --dump=%s", v, NULL);
    case OPT_STOP:
        job->stop = v;
        return stage_exists(v) ? 0 : usage_error("no such stage: --stop=%s", v, NULL);
    case OPT_COLOR:
        c->color = !strcmp(v, "always") || (!strcmp(v, "auto") && c->color);
        return !strcmp(v, "always") || !strcmp(v, "auto") || !strcmp(v, "never") ? 0
            : usage_error(bad, v, NULL);
    case OPT_DIAG:
        c->json_errors = !strcmp(v, "json");
        return c->json_errors || !strcmp(v, "text") ? 0 : usage_error(bad, v, NULL);
    default:
        return 0;
    }
}

static bool color_wanted(void)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(2) && !(no && *no) && !(term && !strcmp(term, "dumb"));
}

static Str join_command(Ctx *c, int argc, char **argv)
{
    Str s = str(c, "dgmc");
    for (int i = 1; i < argc; i++)
        s = str_fmt(c, "%s %s", s, argv[i]);
    return s;
}

/* What has been read of the command line so far. */
typedef struct CommandLine {
    Ctx *c;
    Job *job;
    bool only_files;                   /* after `--` */
    bool task_seen;
    bool answered;                     /* by --help and the like: nothing is left to do */
    bool given[N_OPTIONS];
} CommandLine;

static int find_command(const char *word)
{
    for (int k = 0; k < N_COMMANDS; k++)
        if (!strcmp(word, commands[k].name))
            return k;
    return -1;
}

/* The first word may be a command; any other is the file. */
static int take_word(CommandLine *line, const char *word)
{
    bool first = !line->only_files && !line->task_seen && !line->job->path;
    int command = first ? find_command(word) : -1;
    if (command < 0 && line->job->path)
        return usage_error("one file at a time: `%s` is one too many", word, NULL);
    if (command < 0) {
        line->job->path = word;
    } else {
        line->job->task = (Task)command;
        line->task_seen = true;
    }
    return DONE;
}

/* Options that are answered at once; false if `id` is none of them. */
static bool answer(CommandLine *line, OptionId id, const char *value, int *rc)
{
    line->answered = true;
    *rc = DONE;
    switch (id) {
    case OPT_HELP:
        print_help();
        return true;
    case OPT_VERSION:
        printf("dgmc %s\n", DGMC_VERSION);
        return true;
    case OPT_EXPLAIN:
        if (!diag_explain(stdout, value))
            *rc = usage_error("no error has the code `%s`", value, NULL);
        return true;
    default:
        return line->answered = false;
    }
}

static bool passed_on(OptionId id)
{
    return !strcmp(options[id].where, "p");
}

/* Option and value as two words: the trainer reads any value that follows an option. */
static void pass_on(CommandLine *line, const char *name, const char *value)
{
    vec_push(line->c, line->job->passed, name);
    if (value)
        vec_push(line->c, line->job->passed, value);
}

/* `arg` begins with `-`; its value may be `next`, which then is used up. */
static int take_dashed(CommandLine *line, const char *arg, const char *next, bool *used)
{
    const char *value;
    int id = find_option(arg, &value), rc;
    if (id < 0)
        return usage_error("unknown option `%s`", arg, nearest_option(line->c, arg));
    bool wants_value = *options[id].arg;
    *used = wants_value && !value;
    if (*used && !(value = next))
        return usage_error("option `%s` needs a value", options[id].name, NULL);
    if (!wants_value && value)
        return usage_error("option `%s` takes no value", options[id].name, NULL);
    if (answer(line, (OptionId)id, value, &rc))
        return rc;
    line->given[id] = true;
    if (passed_on((OptionId)id) || id == OPT_DATA)
        pass_on(line, options[id].name, value);
    return take_option(line->c, line->job, (OptionId)id, value);
}

static int read_command_line(CommandLine *line, int argc, char **argv)
{
    for (int i = 1; i < argc && !line->answered; i++) {
        bool used = false;
        int rc = DONE;
        if (!line->only_files && !strcmp(argv[i], "--"))
            line->only_files = true;
        else if (line->only_files || argv[i][0] != '-' || !argv[i][1])
            rc = take_word(line, argv[i]);
        else
            rc = take_dashed(line, argv[i], argv[i + 1], &used);
        if (rc)
            return rc;
        i += used;
    }
    if (line->answered)
        return DONE;
    for (int i = 0; i < N_OPTIONS; i++)
        if (line->given[i] && *options[i].where != '*'
            && !strchr(options[i].where, task_letters[line->job->task])
            && !(passed_on((OptionId)i) && line->job->task == TASK_RUN))
            return usage_error("option `%s` does not belong to this command", options[i].name,
                               NULL);
    return line->job->path ? DONE : usage_error("%s", "no file given", NULL);
}

int main(int argc, char **argv)
{
    Ctx *c = ctx_new();
    Job job = { .task = TASK_BUILD };
    CommandLine line = { .c = c, .job = &job };
    c->color = color_wanted();
    job.command = join_command(c, argc, argv);
    int rc = USAGE;
    signal(SIGXFSZ, SIG_IGN);           /* a file size limit is an error of write, not a death */
    if (argc < 2)
        print_help();
    else
        rc = read_command_line(&line, argc, argv);
    if (rc == DONE && !line.answered)
        rc = compile(c, &job);
    if ((fflush(stdout) != 0 || ferror(stdout)) && rc == DONE) {
        diag_error(c, E_WRITE, NOSPAN, "standard output", strerror(errno));
        rc = CANNOT_WRITE;
    }
    ctx_free(c);
    return rc;
}
