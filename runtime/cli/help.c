/* help.c - everything the option and command tables say when asked: --help, --help-json, examples.
 *
 * Examples are made from the model's own program name and data names, so that a line copied from
 * the help runs as soon as the files exist.
 *
 * requires:    options.def and the command table
 * establishes: nothing; prints to stdout
 */
#include "cli/cli.h"

#include "optim/optim.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define HELP_COLUMN 26
#define HELP_WIDTH 96

/* Prints text from `column` on, wrapped; the cursor is at `at`. */
static void print_wrapped(const char *text, int at, int column)
{
    if (at >= column) {
        printf("\n");
        at = 0;
    }
    printf("%*s", column - at, "");
    at = column;
    for (bool first = true; *text != '\0'; first = false) {
        int word = (int)strcspn(text, " ");

        if (!first && at + 1 + word > HELP_WIDTH) {
            printf("\n%*s", column, "");
            at = column;
        } else if (!first) {
            at += printf(" ");
        }
        at += printf("%.*s", word, text);
        text += word;
        text += strspn(text, " ");
    }
    printf("\n");
}

/* `--data x=x.npy --data y=y.npy`, with a tag such as "test-" before each file name. */
static void print_data(const DgmModel *model, const char *option, const char *tag)
{
    for (int i = 0; i < model->n_data; i++)
        printf(" --%s %s=%s%s.npy", option, model->data[i].name, tag, model->data[i].name);
}

void print_example(const DgmModel *model, const char *program, const char *example)
{
    printf("  ");
    while (*example != '\0') {
        int plain = (int)strcspn(example, "{");

        printf("%.*s", plain, example);
        example += plain;
        if (*example != '{')
            break;
        int tag = (int)strcspn(example, "}");
        if (strncmp(example, "{self}", 6) == 0)
            printf("%s", program);
        else if (strncmp(example, "{data}", 6) == 0)
            print_data(model, "data", "");
        else if (strncmp(example, "{test}", 6) == 0)
            print_data(model, "data", "test-");
        example += tag + 1;
    }
    printf("\n");
}

static void print_option(const OptionRow *row)
{
    int at;

    at = printf("  %s%s%s%s", option_dashes(row), row->name, row->argument ? " " : "",
                row->argument ? row->argument : "");
    char text[400];
    int n = snprintf(text, sizeof text, "%s", row->help);
    if (row->otherwise != NULL)
        n += snprintf(text + n, sizeof text - (size_t)n, " [%s]", row->otherwise);
    if (row->environment != NULL)
        snprintf(text + n, sizeof text - (size_t)n, " [environment: %s]", row->environment);
    print_wrapped(text, at, HELP_COLUMN);
}

/* The optimisers with their hyperparameters, from their own table. */
static void print_optimizers(const DgmModel *model)
{
    printf("\nOptimisers (--optimizer NAME), with the names for --set:\n");
    for (int i = 0; i < dgm_optim_count(); i++) {
        const DgmOptimInfo *info = dgm_optim_info(i);
        int at = printf("  %s", info->name);
        char text[600];
        int n = snprintf(text, sizeof text, "%s:", info->doc);

        for (int h = 0; h < info->n_hyper && n < (int)sizeof text; h++)
            n += snprintf(text + n, sizeof text - (size_t)n, " %s=%g", info->hyper[h].name,
                          info->hyper[h].value);
        print_wrapped(text, at, HELP_COLUMN);
    }
    if (model->optimizer != NULL)
        printf("  this model's train block says: %s\n", model->optimizer);
}

static void print_schedules(void)
{
    printf("\nSchedules (--schedule NAME), all with warmup=STEPS:\n");
    for (int i = 0; i < dgm_schedule_count(); i++) {
        const DgmScheduleInfo *info = dgm_schedule_info(i);
        int at = printf("  %s", info->name);
        char text[600];
        int n = snprintf(text, sizeof text, "%s%s", info->doc, info->n_hyper > 0 ? ":" : "");

        for (int h = 0; h < info->n_hyper && n < (int)sizeof text; h++)
            n += snprintf(text + n, sizeof text - (size_t)n, " %s=%g", info->hyper[h].name,
                          info->hyper[h].value);
        print_wrapped(text, at, HELP_COLUMN);
    }
}

void help_command(const Options *o)
{
    const Command *command = o->command;

    printf("%s %s - %s\n\nExample:\n", o->program, command->name, command->summary);
    print_example(o->model, o->program, command->example);
    printf("\nUsage: %s %s%s%s [options]\n\nOptions:\n", o->program, command->name,
           command->operand ? " " : "", command->operand ? command->operand : "");
    for (int i = 0; i < N_OPTIONS; i++)
        if (strchr(option_row((OptionId)i)->commands, command->letter) != NULL)
            print_option(option_row((OptionId)i));
    if (command->letter == 't') {
        print_optimizers(o->model);
        print_schedules();
    }
}

void help_overview(const DgmModel *model, const char *program)
{
    printf("%s - the model `%s` of %s, compiled by dgmc %s\n\nUsage: %s COMMAND [options]\n\n"
           "Commands:\n", program, model->name, model->spec_path, model->dgmc_version, program);
    for (int i = 0; i < command_count(); i++) {
        int at = printf("  %s", command_row(i)->name);

        print_wrapped(command_row(i)->summary, at, 16);
    }
    printf("\nExamples:\n");
    for (int i = 0; i < command_count(); i++)
        print_example(model, program, command_row(i)->example);
    printf("\n`%s COMMAND --help` lists the options of a command; --version prints the version.\n"
           "Exit codes: 0 done, 1 failed, 2 usage, 3 data, 4 disk, 5 not a number, 6 checkpoint, "
           "70 internal.\n", program);
}

/* ---- --help-json ---------------------------------------------------------------------------- */

static json_t *option_json(const OptionRow *row)
{
    static const char *const kinds[] = {"flag", "text", "list", "count", "real"};

    return json_pack("{s:s, s:s, s:s?, s:s?, s:s?, s:s}", "name", row->name, "kind",
                     kinds[row->kind], "argument", row->argument, "default", row->otherwise,
                     "environment", row->environment, "help", row->help);
}

void help_json(const DgmModel *model, const char *program)
{
    json_t *commands = json_array();

    for (int c = 0; c < command_count(); c++) {
        const Command *command = command_row(c);
        json_t *options = json_array();

        for (int i = 0; i < N_OPTIONS; i++)
            if (strchr(option_row((OptionId)i)->commands, command->letter) != NULL)
                json_array_append_new(options, option_json(option_row((OptionId)i)));
        json_array_append_new(commands, json_pack("{s:s, s:s, s:s?, s:o}", "name", command->name,
                                                  "summary", command->summary, "operand",
                                                  command->operand, "options", options));
    }
    json_t *root = json_pack("{s:s, s:s, s:s, s:o}", "program", program, "model", model->name,
                             "version", DGM_VERSION, "commands", commands);
    json_dumpf(root, stdout, JSON_INDENT(2));
    printf("\n");
    json_decref(root);
}
