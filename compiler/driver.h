/* driver.h - one compilation from a file name to a result. */
#ifndef DGMC_DRIVER_H
#define DGMC_DRIVER_H

#include "syntax/ast.h"

#define DGMC_VERSION "0.1.0"

typedef enum { TASK_BUILD, TASK_CHECK, TASK_EXPLAIN, TASK_FMT, TASK_RUN } Task;

typedef struct DataArg { Str name, path; } DataArg;   /* --data x=FILE; name NULL: the only array */

typedef struct Job {
    Task task;
    const char *path;
    const char *precision;             /* NULL: what suits the model */
    const char *output;                /* NULL: derived from path */
    const char *model;                 /* NULL: the only one */
    const char *only;                  /* comma-separated programs, or NULL: all */
    const char *cc;                    /* NULL: the default */
    const char *dump;                  /* comma-separated stages, or NULL */
    const char *stop;                  /* stage, or NULL */
    const char *command;               /* the command line, for the header of the emitted file */
    DataArg *data;                     /* vec */
    const char **passed;               /* vec: words for the trainer, of `run` */
    const char **estimators;           /* vec: "NAME=METHOD" */
    bool emit_c, latex, fmt_write, fmt_check;
} Job;

/* Exit codes of the process. */
enum { DONE = 0, WRONG = 1, USAGE = 2, BAD_DATA = 3, CANNOT_WRITE = 4 };

int compile(Ctx *c, const Job *job);                  /* driver.c */
bool stage_exists(const char *name);
bool query_exists(const char *name);

/* data_sizes.c: sizes of the model's axes from the shapes of its data files, as defines. Returns an
 * exit code. The checker adds defaults of arguments that neither -D nor a file has given. */
int define_from_files(Ctx *c, Ast *file, const DataArg *data);
/* requires: a checked file. A name of -D that it does not have is an error; what a data file says
 * of such names is dropped. Returns an exit code. */
int check_names_given(Ctx *c, Ast *file);

#endif
