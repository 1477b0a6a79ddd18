/* files.c - paths, directories, a second name for a file, and stdout done properly.
 *
 * Any failure names the file and the reason and ends with exit code 4, leaving what was there
 * before. Writing itself is data/output.c's.
 */
#include "session/session.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *path_join(const char *dir, const char *name)
{
    size_t n = strlen(dir);
    char *path = dgm_alloc(n + strlen(name) + 2);

    sprintf(path, "%s%s%s", dir, n > 0 && dir[n - 1] == '/' ? "" : "/", name);
    return path;
}

bool path_exists(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0;
}

bool path_is_directory(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool path_ends(const char *path, const char *ending)
{
    size_t n = strlen(path), m = strlen(ending);

    return n > m && strcmp(path + n - m, ending) == 0;
}

/* Makes dir and the missing directories above it. */
void directory_make(const char *dir)
{
    char *path = text_copy(dir);

    for (char *at = path + 1;; at++) {
        char end = *at;

        if (end != '/' && end != '\0')
            continue;
        *at = '\0';
        if (mkdir(path, 0777) != 0 && errno != EEXIST)
            dgm_fail(DGM_EXIT_IO, "choose a directory that you may write to",
                     "cannot make the directory %s: %s", path, strerror(errno));
        *at = end;
        if (end == '\0')
            break;
    }
    if (!path_is_directory(dir))
        dgm_fail(DGM_EXIT_IO, "choose another name", "%s is there, but is not a directory", dir);
    if (access(dir, W_OK | X_OK) != 0)
        dgm_fail(DGM_EXIT_IO, "choose a directory that you may write to", "cannot write in %s: %s",
                 dir, strerror(errno));
    free(path);
}

void file_write(const char *path, const char *text)
{
    Output *o = output_open(path);

    output_write(o, text, strlen(text));
    output_finish(o);
}

_Noreturn static void fail_keep(const char *from, const char *to, int reason)
{
    dgm_fail(DGM_EXIT_IO, "free some space or choose another directory",
             "cannot rename %s to %s: %s", from, to, strerror(reason));
}

static bool cannot_link(int reason)
{
    return reason == EPERM || reason == EOPNOTSUPP || reason == ENOSYS || reason == EMLINK;
}

/* Keeps what `from` holds under the name `to` as well, so that `from` may then be replaced. On a
 * file system without links `from` is missing until then. */
void file_keep_as(const char *from, const char *to)
{
    char *temporary = dgm_alloc(strlen(to) + 8);

    sprintf(temporary, "%s.tmp", to);
    unlink(temporary);
    if (link(from, temporary) == 0) {
        int reason = rename(temporary, to) != 0 ? errno : 0;

        unlink(temporary);               /* rename of two links to one file leaves both */
        if (reason != 0)
            fail_keep(from, to, reason);
    } else if (!cannot_link(errno) || rename(from, to) != 0) {
        fail_keep(from, to, errno);
    }
    free(temporary);
}

void stdout_finish(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return;
    if (errno == EPIPE) {                /* the reader has seen enough: end as quietly as SIGPIPE */
        signal(SIGPIPE, SIG_DFL);
        raise(SIGPIPE);
        _exit(128 + SIGPIPE);
    }
    dgm_fail(DGM_EXIT_IO, "free some space or choose another file", "cannot write to stdout: %s",
             strerror(errno));
}
