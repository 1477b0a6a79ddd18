/* fail.c - the user's mistakes and the machine's: one voice, one way out.
 *
 * A message is one sentence that names what is wrong; help is the next step. Results already on
 * stdout are flushed first, so that the message comes last on a terminal, where it takes the place
 * of a progress line. Exit codes: README.md.
 */
#include "dgm.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool dgm_stderr_redraws(void)
{
    const char *term = getenv("TERM"), *ci = getenv("CI");
    return isatty(STDERR_FILENO) && term != NULL && strcmp(term, "dumb") != 0
           && (ci == NULL || ci[0] == '\0');
}

static void begin(const char *kind)
{
    if (dgm_stderr_redraws())
        fputs("\r\033[K", stderr);
    fputs(kind, stderr);
}

void dgm_fail(DgmExit code, const char *help, const char *format, ...)
{
    va_list args;
    fflush(stdout);
    flockfile(stderr);
    begin("error: ");
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
    begin("warning: ");
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
