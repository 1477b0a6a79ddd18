/* files.c - paths, directories, whole small files written atomically, and stdout done properly.
 *
 * A file is replaced only by a complete one: temporary name in the same directory, write, fsync,
 * rename, fsync of the directory. Any failure names the file and the reason and ends with exit
 * code 4, leaving what was there before.
 */
#include "train/train.h"

#include <errno.h>
#include <fcntl.h>
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

static void sync_directory(const char *path)
{
    char *dir = text_copy(path), *slash = strrchr(dir, '/');

    if (slash != NULL)
        slash[slash == dir] = '\0';
    int fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY);
    if (fd >= 0) {
        fsync(fd);                       /* some file systems cannot: the rename stands anyway */
        close(fd);
    }
    free(dir);
}

_Noreturn static void fail_temporary(const char *path, const char *temporary)
{
    int reason = errno;

    unlink(temporary);
    dgm_fail(DGM_EXIT_IO, "free some space or choose another directory", "cannot write %s: %s",
             path, strerror(reason));
}

void file_write(const char *path, const char *text)
{
    char *temporary = dgm_alloc(strlen(path) + 8);
    size_t n = strlen(text), done = 0;

    sprintf(temporary, "%s.tmp", path);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (fd < 0)
        dgm_fail(DGM_EXIT_IO, "choose a directory that you may write to", "cannot write %s: %s",
                 path, strerror(errno));
    while (done < n) {
        ssize_t wrote = write(fd, text + done, n - done);

        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            fail_temporary(path, temporary);
        done += (size_t)wrote;
    }
    if (fsync(fd) != 0 || close(fd) != 0 || rename(temporary, path) != 0)
        fail_temporary(path, temporary);
    sync_directory(path);
    free(temporary);
}

/* Keeps what `from` holds under the name `to` as well, so that `from` may then be replaced. */
void file_keep_as(const char *from, const char *to)
{
    char *temporary = dgm_alloc(strlen(to) + 8);

    sprintf(temporary, "%s.tmp", to);
    unlink(temporary);
    if (link(from, temporary) == 0) {
        if (rename(temporary, to) != 0)
            fail_temporary(to, temporary);
        unlink(temporary);               /* rename of two links to one file leaves both */
    } else if (errno != ENOENT && rename(from, to) != 0) {
        dgm_fail(DGM_EXIT_IO, "choose a directory that you may write to",
                 "cannot rename %s to %s: %s", from, to, strerror(errno));
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
