/* options.h - what the user asked for: the words of the command line, environment, defaults.
 *
 * A command is a row of cli/cli.c; an option is a row of options.def. User mistakes end the process
 * through dgm_fail.
 */
#ifndef DGM_SESSION_OPTIONS_H
#define DGM_SESSION_OPTIONS_H

#include "dgm.h"

/* ---- options.c, options.def ----------------------------------------------------------------- */

typedef enum { KIND_FLAG, KIND_TEXT, KIND_LIST, KIND_COUNT, KIND_REAL } OptionKind;

/* Where a value came from; a larger one wins. */
typedef enum {
    FROM_NOWHERE, FROM_DEFAULT, FROM_MODEL, FROM_CONFIG, FROM_ENVIRONMENT, FROM_RUN, FROM_COMMAND
} OptionSource;

typedef struct OptionRow {
    const char *name;                  /* without dashes; a single letter takes one dash */
    OptionKind kind;
    const char *argument;              /* how the help calls it; NULL for a flag */
    const char *otherwise;             /* default, or NULL */
    const char *environment;           /* variable, or NULL */
    const char *commands;              /* letters of the commands that take it */
    const char *help;
} OptionRow;

typedef enum {
#define OPTION(id, name, kind, argument, otherwise, environment, commands, help) OPT_##id,
#include "session/options.def"
#undef OPTION
    N_OPTIONS
} OptionId;

typedef struct OptionValue {
    char **text;                       /* n values as written; more than one only for a list */
    int n;
    OptionSource source;
} OptionValue;

typedef struct Options Options;

typedef struct Command {
    char letter;                       /* in the commands column of options.def */
    const char *name, *operand;        /* operand: "DIR", or NULL if it takes none */
    const char *summary;
    const char *example;               /* {self}, {data}, {test} are filled in */
    int (*run)(Options *o);      /* returns the exit code */
} Command;

struct Options {
    const char *program;               /* argv[0] */
    const DgmModel *model;
    const Command *command;
    const char *operand;               /* DIR as written, or NULL */
    OptionValue value[N_OPTIONS];
};

const OptionRow *option_row(OptionId id);
const char *option_source_name(OptionSource source);
const char *option_dashes(const OptionRow *row);             /* "-" or "--" */
void options_parse(Options *o, int argc, char **argv);       /* the words after the command */
void options_complete(Options *o);                           /* environment, model, defaults */
void options_of_gradients(Options *o);  /* what the train block says of batches, draws, clipping */
void options_free(Options *o);
/* Puts a value if its source is at least as strong as the present one. */
void option_drop(Options *o, OptionId id);
void option_put(Options *o, OptionId id, const char *text, OptionSource source);
bool option_given(const Options *o, OptionId id);
const char *option_text(const Options *o, OptionId id);      /* NULL if there is none */
uint64_t option_count(const Options *o, OptionId id, uint64_t otherwise);
double option_real(const Options *o, OptionId id, double otherwise);
bool option_flag(const Options *o, OptionId id);
bool parse_count(const char *text, uint64_t *value);         /* digits only */
bool parse_real(const char *text, double *value);            /* finite */
int edit_distance(const char *a, const char *b);
char *text_copy(const char *text);

#endif
