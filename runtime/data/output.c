/* output.c - files that appear complete or not at all.
 *
 * Idea: bytes go to PATH.tmp in the same directory; only when all are written and synced is it
 * renamed over PATH, and the directory synced. So a reader, after a full disk or a kill, sees
 * the old file or the new one. The temporary is opened exclusively and never through a link; one
 * that a killed run left behind is removed first. A link at PATH is replaced, not followed.
 */
#include "data/data.h"
#include "data/read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER 65536

struct Output {
    char *path, *temporary;            /* temporary NULL: written directly */
    int fd;
    int reason;                        /* errno of the first failure, 0: none */
    const char *doing;                 /* what failed: "write", "rename" */
    size_t n;
    char buffer[BUFFER];
};

static void failed(Output *o, const char *doing)
{
    if (o->reason == 0) {
        o->reason = errno ? errno : EIO;
        o->doing = doing;
    }
}

static bool is_special(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && !S_ISREG(st.st_mode);
}

Output *output_open(const char *path)
{
    Output *o = dgm_alloc(sizeof *o);
    bool standard = strcmp(path, "-") == 0;
    const char *name = standard ? "stdout" : path;

    o->path = dgm_alloc(strlen(name) + 1);
    strcpy(o->path, name);
    if (standard) {
        fflush(stdout);
        o->fd = STDOUT_FILENO;
    } else if (is_special(path)) {
        o->fd = open(path, O_WRONLY | O_CLOEXEC);
    } else {
        o->temporary = dgm_alloc(strlen(path) + 5);
        sprintf(o->temporary, "%s.tmp", path);
        unlink(o->temporary);
        o->fd = open(o->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    }
    if (o->fd < 0)
        failed(o, "open");
    return o;
}

static void flush(Output *o, const char *bytes, size_t n)
{
    while (n > 0 && o->reason == 0) {
        errno = 0;
        ssize_t wrote = write(o->fd, bytes, n);

        if (wrote > 0) {
            bytes += wrote;
            n -= (size_t)wrote;
        } else if (errno != EINTR) {
            failed(o, "write");
        }
    }
}

void output_write(Output *o, const void *bytes, size_t n)
{
    if (o->reason != 0)
        return;
    if (n > BUFFER - o->n) {
        flush(o, o->buffer, o->n);
        o->n = 0;
    }
    if (n > BUFFER) {
        flush(o, bytes, n);
        return;
    }
    memcpy(o->buffer + o->n, bytes, n);
    o->n += n;
}

void output_print(Output *o, const char *format, ...)
{
    char text[1024];
    va_list args;

    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    output_write(o, text, n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

static int sync_retry(int fd)
{
    int rc;

    do
        rc = fsync(fd);
    while (rc != 0 && errno == EINTR);
    return rc;
}

/* Makes the rename last. File systems that cannot sync a directory are left in peace. */
static void sync_directory(Output *o)
{
    char *slash = strrchr(o->path, '/'), *dir = o->path;

    if (slash == NULL)
        dir = ".";
    else if (slash == o->path)
        dir = "/";
    else
        *slash = '\0';
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0 && sync_retry(fd) != 0 && errno != EINVAL && errno != ENOTSUP && errno != EROFS)
        failed(o, "sync the directory of");
    if (fd >= 0)
        close(fd);
    if (slash != NULL)
        *slash = '/';
}

static void output_free(Output *o)
{
    free(o->path);
    free(o->temporary);
    free(o);
}

static const char *help_for(int reason)
{
    switch (reason) {
    case ENOSPC: case EDQUOT: return "free some space, or choose another directory";
    case EACCES: case EPERM: case EROFS: return "choose a directory that you may write to";
    case ENOENT: return "make the directory first";
    default: return "";
    }
}

/* Closes, and puts the temporary in place or removes it. */
static void settle(Output *o)
{
    if (o->temporary != NULL && o->fd >= 0 && o->reason == 0 && sync_retry(o->fd) != 0)
        failed(o, "sync");
    errno = 0;
    if (o->fd > STDERR_FILENO && close(o->fd) != 0 && errno != EINTR)
        failed(o, "close");
    bool made = o->fd >= 0;
    o->fd = -1;
    if (o->temporary == NULL)
        return;
    if (o->reason == 0 && rename(o->temporary, o->path) != 0)
        failed(o, "rename");
    if (o->reason != 0) {
        if (made)
            unlink(o->temporary);
        return;
    }
    sync_directory(o);
}

bool output_finish_try(Output *o, DataError *e)
{
    flush(o, o->buffer, o->n);
    settle(o);
    int reason = o->reason;
    if (reason != 0)
        data_error(e, help_for(reason), "cannot %s %s: %s", o->doing, o->path, strerror(reason));
    output_free(o);
    return reason == 0;
}

void output_finish(Output *o)
{
    DataError e;

    if (!output_finish_try(o, &e))
        dgm_fail(DGM_EXIT_IO, e.help[0] ? e.help : NULL, "%s", e.text);
}

void output_abandon(Output *o)
{
    errno = ECANCELED;
    failed(o, "write");
    settle(o);
    output_free(o);
}
