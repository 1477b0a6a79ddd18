/* fail.c - the user's mistakes and the machine's: one voice, one way out.
 *
 * A message is one sentence that names what is wrong; help is the next step. Results already on
 * stdout are flushed first, so that the message comes last on a terminal. Exit codes: README.md.
 */
#include "dgm.h"

#include <stdlib.h>

void dgm_fail(DgmExit code, const char *help, const char *format, ...)
{
    va_list args;
    fflush(stdout);
    flockfile(stderr);
    fputs("error: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    if (help != NULL)
        fprintf(stderr, "  help: %s\n", help);
    funlockfile(stderr);
    exit(code);
}

void dgm_warn(const char *format, ...)
{
    va_list args;
    flockfile(stderr);
    fputs("warning: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    funlockfile(stderr);
}

void *dgm_alloc(size_t bytes)
{
    void *p = calloc(1, bytes > 0 ? bytes : 1);
    if (p == NULL)
        dgm_fail(DGM_EXIT_FAILED, NULL, "out of memory: %zu bytes", bytes);
    return p;
}
