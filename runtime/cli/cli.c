/* cli.c - dgm_main: the table of commands, and the way from argv to one of them.
 *
 * requires:    tables of a compiled model whose ABI matches this library
 * establishes: exit codes as documented in runtime/README.md; results on stdout, the rest on stderr
 */
#include "cli/cli.h"
#include "posterior/posterior.h"

#include <locale.h>
#include <string.h>

static const Command command_rows[] = {
    {'t', "train", NULL, "fit the model to data",
     "{self} train{data} --out run", command_train},
    {'e', "eval", "DIR", "bounds and log-likelihood of data under a trained model",
     "{self} eval run{test} --json", command_eval},
    {'s', "sample", "DIR", "draw new data",
     "{self} sample run -n 64 --out samples", command_sample},
    {'n', "encode", "DIR", "posterior mean and sd of the latents",
     "{self} encode run{data} --out codes", command_encode},
    {'r', "reconstruct", "DIR", "data as the model sees them through its latents",
     "{self} reconstruct run{test} --out means", command_reconstruct},
    {'l', "log-prob", NULL, "log joint density and its gradient at given values",
     "{self} log-prob{data} --at values.json --json", command_log_prob},
    {'u', "simulate", NULL, "draw latents and data from the model itself",
     "{self} simulate --seed 1 --out simulated.json", command_simulate},
    {'p', "report", NULL, "report quantities and predictions for draws of the latents",
     "{self} report{data} --draws draws.json --out report.json", command_report},
    {'o', "posterior", NULL, "the posterior of the latents given data",
     "{self} posterior{data} --out fit", command_posterior},
    {'c', "check-grad", NULL, "compare the gradient with central differences",
     "{self} check-grad", command_check_grad},
    {'i', "info", NULL, "the model, its objective, parameters and build",
     "{self} info --json", command_info},
};
#define N_COMMANDS ((int)(sizeof command_rows / sizeof command_rows[0]))

int command_count(void)
{
    return N_COMMANDS;
}

const Command *command_row(int i)
{
    return &command_rows[i];
}

static const Command *command_find(const char *program, const char *name)
{
    int best = 3, nearest = -1;
    char help[200];

    for (int i = 0; i < N_COMMANDS; i++) {
        int edits = edit_distance(name, command_rows[i].name);

        if (edits == 0)
            return &command_rows[i];
        if (edits < best) {
            best = edits;
            nearest = i;
        }
    }
    if (nearest >= 0)
        snprintf(help, sizeof help, "did you mean `%s`?", command_rows[nearest].name);
    else
        snprintf(help, sizeof help, "`%s --help` lists the commands", program);
    dgm_fail(DGM_EXIT_USAGE, help, "there is no command `%s`", name);
}

/* A trainer and this library must agree on the layout of the tables. */
static void check_abi(const DgmModel *model)
{
    if (model->abi_major != DGM_ABI_MAJOR || model->abi_minor > DGM_ABI_MINOR)
        dgm_fail(DGM_EXIT_INTERNAL, "compile the model again with the dgmc of this runtime",
                 "model `%s` was compiled for runtime ABI %d.%d, this is %d.%d", model->name,
                 model->abi_major, model->abi_minor, DGM_ABI_MAJOR, DGM_ABI_MINOR);
    if (model->real_bytes != (int)sizeof(Real))
        dgm_fail(DGM_EXIT_INTERNAL, "link libdgm_f32 or libdgm_f64 as the model was compiled",
                 "model `%s` has numbers of %d bytes, this library of %d", model->name,
                 model->real_bytes, (int)sizeof(Real));
}

static int run_command(const DgmModel *model, const Command *command, int argc, char **argv)
{
    Options o = {.program = argv[0], .model = model, .command = command};
    int code = DGM_OK;

    signals_file_limit();
    options_parse(&o, argc - 2, argv + 2);
    if (option_flag(&o, OPT_HELP)) {
        help_command(&o);
    } else if (option_flag(&o, OPT_HELP_JSON)) {
        help_json(model, argv[0]);
    } else {
        spin_briefly(argv);
        options_complete(&o);
        if (command->operand != NULL && o.operand == NULL)
            dgm_fail(DGM_EXIT_USAGE, "give the directory that `train --out` wrote",
                     "`%s` needs the directory of a trained run", command->name);
        code = command->run(&o);
    }
    stdout_finish();
    options_free(&o);
    return code;
}

static bool is_any(const char *word, const char *a, const char *b, const char *c)
{
    return strcmp(word, a) == 0 || strcmp(word, b) == 0 || strcmp(word, c) == 0;
}

static int dispatch(const DgmModel *model, int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "--help";

    check_abi(model);
    if (is_any(word, "--help", "-h", "help")) {
        help_overview(model, argv[0]);
    } else if (strcmp(word, "--help-json") == 0) {
        help_json(model, argv[0]);
    } else if (is_any(word, "--version", "-V", "version")) {
        printf("%s (model %s, dgmc %s, runtime %s, ABI %d.%d, f%d)\n", argv[0], model->name,
               model->dgmc_version, DGM_VERSION, DGM_ABI_MAJOR, DGM_ABI_MINOR,
               8 * (int)sizeof(Real));
    } else if (word[0] == '-') {
        dgm_fail(DGM_EXIT_USAGE, "write the command first, for example `train`",
                 "there is no command `%s`", word);
    } else {
        return run_command(model, command_find(argv[0], word), argc, argv);
    }
    stdout_finish();
    return DGM_OK;
}

int dgm_main(const DgmModel *model, int argc, char **argv)
{
    /* Numbers are written with a point, whatever the host program set. */
    locale_t plain = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0), before = (locale_t)0;

    if (plain != (locale_t)0)
        before = uselocale(plain);
    int code = dispatch(model, argc, argv);
    if (plain != (locale_t)0) {
        uselocale(before);
        freelocale(plain);
    }
    return code;
}
