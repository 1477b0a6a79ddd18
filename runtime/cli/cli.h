/* cli.h - the table of commands, and the help that is made of it. */
#ifndef DGM_CLI_H
#define DGM_CLI_H

#include "session/session.h"

/* ---- cli.c, help.c -------------------------------------------------------------------------- */

int command_count(void);
const Command *command_row(int i);
void help_overview(const DgmModel *model, const char *program);
void help_command(const Options *o);
void help_json(const DgmModel *model, const char *program);
void print_example(const DgmModel *model, const char *program, const char *example);

/* ---- spin.c ---------------------------------------------------------------------------------- */

/* Begins the process again with threads that wait for each other sleeping soon, unless the
 * environment says how they wait. argv: of main. */
void spin_briefly(char **argv);

/* ---- info.c ---------------------------------------------------------------------------------- */

int command_info(Options *o);

#endif
