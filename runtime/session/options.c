/* options.c - the option table, and how a command line becomes a set of values with sources.
 *
 * Every value remembers where it came from. A value may only be replaced by one from a stronger
 * source: command line > run being resumed > environment > --config > train block > default.
 * That single rule (option_put) is all there is to precedence, so the order in which sources are
 * read does not matter.
 *
 * requires:    options.def is well formed; a command letter of the table in cli.c
 * establishes: every value given on the command line or in the environment is well formed for its
 *              kind; wrong ones end the program with exit code 2 and a way out
 */
#include "session/session.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const OptionRow option_rows[N_OPTIONS] = {
#define OPTION(id, name, kind, argument, otherwise, environment, commands, help)                   \
    [OPT_##id] = {name, KIND_##kind, argument, otherwise, environment, commands, help},
#include "session/options.def"
#undef OPTION
};

const OptionRow *option_row(OptionId id)
{
    return &option_rows[id];
}

const char *option_source_name(OptionSource source)
{
    static const char *const names[] = {"unset",       "default", "train block", "config file",
                                        "environment", "run",     "command line"};
    return names[source];
}

const char *option_dashes(const OptionRow *row)
{
    return row->name[1] == '\0' ? "-" : "--";
}

/* ---- numbers: strict, whole text, "C" locale (dgm_main sets it) ----------------------------- */

bool parse_count(const char *text, uint64_t *value)
{
    char *end;

    if (text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    *value = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0';
}

bool parse_real(const char *text, double *value)
{
    char *end;

    if (text[0] == '\0' || strchr(" \t\n\v\f\r", text[0]) != NULL)
        return false;
    *value = strtod(text, &end);
    return *end == '\0' && isfinite(*value);
}

/* What is wrong with a value of this kind, or NULL. */
static const char *kind_complaint(OptionKind kind, const char *text)
{
    uint64_t count;
    double real;

    if (kind == KIND_COUNT && !parse_count(text, &count))
        return "a whole number, 0 or more";
    if (kind == KIND_REAL && (!parse_real(text, &real) || real < 0))
        return "a finite number, 0 or more";
    if ((kind == KIND_TEXT || kind == KIND_LIST) && text[0] == '\0')
        return "some text";
    return NULL;
}

/* ---- putting values ------------------------------------------------------------------------- */

char *text_copy(const char *text)
{
    size_t n = strlen(text) + 1;

    return memcpy(dgm_alloc(n), text, n);
}

static void value_clear(OptionValue *value)
{
    for (int i = 0; i < value->n; i++)
        free(value->text[i]);
    free(value->text);
    *value = (OptionValue){0};
}

static void value_append(OptionValue *value, const char *text)
{
    char **grown = dgm_alloc((size_t)(value->n + 1) * sizeof *grown);

    if (value->n > 0)
        memcpy(grown, value->text, (size_t)value->n * sizeof *grown);
    free(value->text);
    grown[value->n++] = text_copy(text);
    value->text = grown;
}

void option_put(Options *o, OptionId id, const char *text, OptionSource source)
{
    OptionValue *value = &o->value[id];

    if (source < value->source)
        return;
    if (source > value->source || option_rows[id].kind != KIND_LIST)
        value_clear(value);
    value_append(value, text);
    value->source = source;
}

void option_drop(Options *o, OptionId id)
{
    value_clear(&o->value[id]);
}

void options_free(Options *o)
{
    for (int i = 0; i < N_OPTIONS; i++)
        value_clear(&o->value[i]);
}

/* ---- reading values ------------------------------------------------------------------------- */

bool option_given(const Options *o, OptionId id)
{
    return o->value[id].n > 0;
}

const char *option_text(const Options *o, OptionId id)
{
    return o->value[id].n > 0 ? o->value[id].text[o->value[id].n - 1] : NULL;
}

uint64_t option_count(const Options *o, OptionId id, uint64_t otherwise)
{
    uint64_t value = otherwise;

    if (option_given(o, id))
        parse_count(option_text(o, id), &value);
    return value;
}

double option_real(const Options *o, OptionId id, double otherwise)
{
    double value = otherwise;

    if (option_given(o, id))
        parse_real(option_text(o, id), &value);
    return value;
}

bool option_flag(const Options *o, OptionId id)
{
    return option_given(o, id);
}

/* ---- did you mean --------------------------------------------------------------------------- */

#define LONGEST_WORD 40

/* Edits (insert, delete, replace, swap of neighbours) that turn a into b. */
int edit_distance(const char *a, const char *b)
{
    int d[LONGEST_WORD + 1][LONGEST_WORD + 1];
    int n = (int)strlen(a), m = (int)strlen(b);

    if (n > LONGEST_WORD || m > LONGEST_WORD)
        return LONGEST_WORD;
    for (int i = 0; i <= n; i++)
        d[i][0] = i;
    for (int j = 0; j <= m; j++)
        d[0][j] = j;
    for (int i = 1; i <= n; i++) {
        for (int j = 1; j <= m; j++) {
            int best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

            best = best < d[i - 1][j] + 1 ? best : d[i - 1][j] + 1;
            best = best < d[i][j - 1] + 1 ? best : d[i][j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]
                && d[i - 2][j - 2] + 1 < best)
                best = d[i - 2][j - 2] + 1;
            d[i][j] = best;
        }
    }
    return d[n][m];
}

/* The option of this command nearest to a mistyped name, or N_OPTIONS. */
static OptionId option_nearest(const char *name, char command)
{
    OptionId nearest = N_OPTIONS;
    int best = 1 + (int)strlen(name) / 2;

    if (best > 3)
        best = 3;
    for (int i = 0; i < N_OPTIONS; i++) {
        int edits = edit_distance(name, option_rows[i].name);

        if (strchr(option_rows[i].commands, command) != NULL && edits < best) {
            best = edits;
            nearest = (OptionId)i;
        }
    }
    return nearest;
}

/* ---- the command line ----------------------------------------------------------------------- */

static OptionId option_find(const char *name, char command)
{
    for (int i = 0; i < N_OPTIONS; i++)
        if (strcmp(option_rows[i].name, name) == 0 && strchr(option_rows[i].commands, command))
            return (OptionId)i;
    return N_OPTIONS;
}

_Noreturn static void fail_unknown(const Options *o, const char *written, const char *name)
{
    OptionId nearest = option_nearest(name, o->command->letter);
    char help[200];

    if (nearest != N_OPTIONS)
        snprintf(help, sizeof help, "did you mean `%s%s`?", option_dashes(&option_rows[nearest]),
                 option_rows[nearest].name);
    else
        snprintf(help, sizeof help, "`%s %s --help` lists the options", o->program,
                 o->command->name);
    dgm_fail(DGM_EXIT_USAGE, help, "`%s` has no option `%s`", o->command->name, written);
}

/* Takes argv[at] (an option, maybe with its argument in the next word); returns words used. */
static int option_take(Options *o, int argc, char **argv, int at)
{
    const char *word = argv[at], *name = word + (word[1] == '-' ? 2 : 1);
    const char *equals = strchr(name, '='), *argument = equals ? equals + 1 : NULL;
    char key[LONGEST_WORD + 1];
    int used = 1;

    snprintf(key, sizeof key, "%.*s", equals ? (int)(equals - name) : LONGEST_WORD, name);
    if (strcmp(word, "-h") == 0)
        snprintf(key, sizeof key, "help");
    if (word[1] != '-' && key[0] >= 'a' && key[0] <= 'z' && key[1] >= '0' && key[1] <= '9') {
        argument = name + 1;                         /* -n64 */
        key[1] = '\0';
    }
    OptionId id = option_find(key, o->command->letter);
    if (id == N_OPTIONS)
        fail_unknown(o, word, key);
    const OptionRow *row = &option_rows[id];
    if (row->kind == KIND_FLAG) {
        if (argument != NULL)
            dgm_fail(DGM_EXIT_USAGE, "write it alone", "`--%s` takes no value, but has `%s`",
                     row->name, argument);
        option_put(o, id, "yes", FROM_COMMAND);
        return used;
    }
    if (argument == NULL) {
        if (at + 1 >= argc)
            dgm_fail(DGM_EXIT_USAGE, row->help, "`%s%s` needs a value: %s%s %s",
                     option_dashes(row), row->name, option_dashes(row), row->name, row->argument);
        argument = argv[at + 1];
        used = 2;
    }
    const char *complaint = kind_complaint(row->kind, argument);
    if (complaint != NULL)
        dgm_fail(DGM_EXIT_USAGE, row->help, "`%s%s %s`: expected %s", option_dashes(row), row->name,
                 argument, complaint);
    option_put(o, id, argument, FROM_COMMAND);
    return used;
}

static void operand_take(Options *o, const char *word)
{
    char help[300];

    if (o->command->operand == NULL) {
        const char *eq = strchr(word, '=');

        if (eq != NULL)
            snprintf(help, sizeof help, "did you mean `--data %s`?", word);
        else
            snprintf(help, sizeof help, "`%s %s --help` lists the options", o->program,
                     o->command->name);
        dgm_fail(DGM_EXIT_USAGE, help, "`%s` takes no argument `%s`", o->command->name, word);
    }
    if (o->operand != NULL)
        dgm_fail(DGM_EXIT_USAGE, "quote names that contain spaces",
                 "`%s` takes one %s, but got `%s` and `%s`", o->command->name, o->command->operand,
                 o->operand, word);
    o->operand = word;
}

void options_parse(Options *o, int argc, char **argv)
{
    bool only_operands = false;

    for (int at = 0; at < argc;) {
        const char *word = argv[at];

        if (!only_operands && strcmp(word, "--") == 0) {
            only_operands = true;
            at++;
        } else if (!only_operands && word[0] == '-' && word[1] != '\0') {
            at += option_take(o, argc, argv, at);
        } else {
            operand_take(o, word);
            at++;
        }
    }
}

/* ---- the other sources ---------------------------------------------------------------------- */

static void options_from_environment(Options *o)
{
    for (int i = 0; i < N_OPTIONS; i++) {
        const OptionRow *row = &option_rows[i];
        const char *text = row->environment ? getenv(row->environment) : NULL;

        if (text == NULL || text[0] == '\0' || strchr(row->commands, o->command->letter) == NULL)
            continue;
        const char *complaint = kind_complaint(row->kind, text);
        if (complaint != NULL)
            dgm_fail(DGM_EXIT_USAGE, "unset it or correct it", "environment variable %s is `%s`: "
                     "expected %s", row->environment, text, complaint);
        option_put(o, (OptionId)i, text, FROM_ENVIRONMENT);
    }
}

static void put_real(Options *o, OptionId id, double value, OptionSource source)
{
    char text[40];

    snprintf(text, sizeof text, "%.17g", value);
    option_put(o, id, text, source);
}

/* Batch 0 (whole data) is a statement too. */
void options_of_gradients(Options *o)
{
    const DgmModel *m = o->model;

    put_real(o, OPT_BATCH, (double)m->batch, FROM_MODEL);
    if (m->samples > 0)
        put_real(o, OPT_SAMPLES_TRAIN, m->samples, FROM_MODEL);
    if (m->clip > 0)
        put_real(o, OPT_CLIP, m->clip, FROM_MODEL);
}

/* The train block. */
static void options_from_model(Options *o)
{
    const DgmModel *m = o->model;

    if (o->command->letter != 't')
        return;
    options_of_gradients(o);
    if (m->steps > 0)
        put_real(o, OPT_STEPS, (double)m->steps, FROM_MODEL);
    else if (m->epochs > 0)
        put_real(o, OPT_EPOCHS, m->epochs, FROM_MODEL);
    if (m->seed > 0)
        put_real(o, OPT_SEED, (double)m->seed, FROM_MODEL);
    if (m->optimizer != NULL)
        option_put(o, OPT_OPTIMIZER, m->optimizer, FROM_MODEL);
}

void options_complete(Options *o)
{
    options_from_environment(o);
    options_from_model(o);
    for (int i = 0; i < N_OPTIONS; i++)
        if (option_rows[i].otherwise != NULL
            && strchr(option_rows[i].commands, o->command->letter) != NULL)
            option_put(o, (OptionId)i, option_rows[i].otherwise, FROM_DEFAULT);
}
