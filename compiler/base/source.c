/* source.c - files, spans of them, and their lines.
 *
 * Idea: a file is read whole, once, and kept; a span is two byte offsets, from which line and
 * column are found by bisection only when a message needs them.
 * requires: a path, or a text in memory.   establishes: text is NUL-terminated and has a line
 * table; only regular files of at most LIMIT_FILE bytes are read, so that nothing blocks.
 */
#include "base.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

Source *source_text(Ctx *c, const char *name, const char *text, size_t n, bool library)
{
    Source *s = arena_alloc(c->arena, sizeof *s);
    char *copy = arena_alloc(c->arena, n + 1);
    memcpy(copy, text, n);
    s->path = str(c, name);
    s->text = copy;
    s->length = n;
    s->library = library;
    int lines = 1;
    for (size_t i = 0; i < n; i++) lines += text[i] == '\n';
    s->line_start = arena_alloc(c->arena, (size_t)lines * sizeof *s->line_start);
    s->n_lines = 1;
    for (size_t i = 0; i < n; i++)
        if (text[i] == '\n') s->line_start[s->n_lines++] = (uint32_t)(i + 1);
    return s;
}

static const char *file_kind(mode_t mode)
{
    return S_ISDIR(mode) ? "a directory" : S_ISFIFO(mode) ? "a pipe" : S_ISCHR(mode) ? "a device"
         : S_ISBLK(mode) ? "a device" : S_ISSOCK(mode) ? "a socket" : "something else";
}

/* Reads what fstat promised, and no more than the limit even if the file grows meanwhile. */
static Source *read_open_file(Ctx *c, const char *path, int fd)
{
    struct stat st;
    if (fstat(fd, &st) != 0) {
        diag_error(c, E_READ, NOSPAN, path, strerror(errno));
        return NULL;
    }
    if (!S_ISREG(st.st_mode)) {
        diag_error(c, E_NOT_FILE, NOSPAN, path, file_kind(st.st_mode));
        return NULL;
    }
    if (st.st_size > (off_t)LIMIT_FILE) {
        Source *empty = source_text(c, path, "", 0, false);
        diag_error(c, E_FILE_LIMIT, (Span){empty, 0, 0}, LIMIT_FILE);
        return NULL;
    }
    size_t room = (size_t)st.st_size, n = 0;
    char *buffer = arena_alloc(c->arena, room + 1);
    while (n < room) {
        ssize_t got = read(fd, buffer + n, room - n);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            diag_error(c, E_READ, NOSPAN, path, strerror(errno));
            return NULL;
        }
        if (got == 0) break;
        n += (size_t)got;
    }
    return source_text(c, path, buffer, n, false);
}

Source *source_read(Ctx *c, const char *path)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);   /* a FIFO must not hang us */
    if (fd < 0) {
        diag_error(c, E_READ, NOSPAN, path, strerror(errno));
        return NULL;
    }
    Source *s = read_open_file(c, path, fd);
    close(fd);
    return s;
}

/* 0-based line that holds the offset. */
static int line_at(const Source *s, uint32_t offset)
{
    int low = 0, high = s->n_lines - 1;
    while (low < high) {
        int middle = low + (high - low + 1) / 2;
        if (s->line_start[middle] <= offset) low = middle;
        else high = middle - 1;
    }
    return low;
}

int span_line(Span s) { return s.src ? line_at(s.src, s.start) + 1 : 0; }

int span_col(Span s)
{
    return s.src ? (int)(s.start - s.src->line_start[line_at(s.src, s.start)]) + 1 : 0;
}

Span span_join(Span a, Span b)
{
    if (!a.src) return b;
    if (!b.src || a.src != b.src) return a;
    if (b.start < a.start) a.start = b.start;
    if (b.end > a.end) a.end = b.end;
    return a;
}

Str span_text(Ctx *c, Span s)
{
    if (!s.src) return str(c, "");
    uint32_t end = s.end < s.src->length ? s.end : (uint32_t)s.src->length;
    size_t room = end > s.start ? end - s.start : 0, n = 0;
    char *buffer = arena_alloc(c->arena, room + 1);
    for (uint32_t i = s.start; i < end; i++) {
        char b = s.src->text[i];
        if (b == ' ' || b == '\t' || b == '\n' || b == '\r' || b == 0) {
            if (n > 0 && buffer[n - 1] != ' ') buffer[n++] = ' ';
        } else {
            buffer[n++] = b;
        }
    }
    while (n > 0 && buffer[n - 1] == ' ') n--;
    return str_n(c, buffer, n);
}
