/* driver.h - one compilation from a file name to a result. */
#ifndef DGMC_DRIVER_H
#define DGMC_DRIVER_H

#include "base/base.h"

#define DGMC_VERSION "0.1.0"

typedef enum { TASK_BUILD, TASK_CHECK, TASK_EXPLAIN, TASK_FMT } Task;

typedef struct DataArg { Str name, path; } DataArg;   /* --data x=FILE; name NULL: the only array */

typedef struct Job {
    Task task;
    const char *path;
    const char *output;                /* NULL: derived from path */
    const char *model;                 /* NULL: the only one */
    const char *cc;                    /* NULL: the default */
    const char *dump;                  /* comma-separated stages, or NULL */
    const char *stop;                  /* stage, or NULL */
    const char *command;               /* the command line, for the header of the emitted file */
    DataArg *data;                     /* vec */
    bool emit_c, latex, fmt_write, fmt_check;
} Job;

/* Exit code of the process: 0, 1 (the spec is wrong), 3 (data file), 4 (cannot write). */
int compile(Ctx *c, const Job *job);
bool stage_exists(const char *name);

#endif
