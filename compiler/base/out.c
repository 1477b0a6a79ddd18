/* out.c - the writer behind every printer and the C emitter: text in memory, indented by lines.
 *
 * Idea: indentation is written when the first character of a line is, so out_indent may be called
 * anywhere and blank lines stay empty. A file is written beside its place and renamed, so a full
 * disk or a kill leaves the old one whole.
 */
#include "base.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct Out {
    Ctx *c;
    char *text;                        /* in the arena, NUL-terminated */
    size_t n, room;                    /* bytes written; bytes there are, without the NUL */
    size_t line;                       /* offset of the current line */
    int indent;                        /* columns */
};

Out *out_new(Ctx *c)
{
    Out *o = arena_alloc(c->arena, sizeof *o);
    o->c = c;
    o->room = 240;
    o->text = arena_alloc(c->arena, o->room + 1);
    return o;
}

static void out_bytes(Out *o, const char *bytes, size_t n)
{
    if (n > o->room - o->n) {
        size_t room = 2 * (o->room + n);
        char *wider = arena_alloc(o->c->arena, room + 1);
        memcpy(wider, o->text, o->n);
        o->text = wider;
        o->room = room;
    }
    memcpy(o->text + o->n, bytes, n);
    o->n += n;
    o->text[o->n] = 0;
}

static void out_line_piece(Out *o, const char *piece, size_t n)
{
    if (n == 0) return;
    if (o->n == o->line)
        for (int i = 0; i < o->indent; i++) out_bytes(o, " ", 1);
    out_bytes(o, piece, n);
}

void out_puts(Out *o, const char *text)
{
    for (const char *end; (end = strchr(text, '\n')); text = end + 1) {
        out_line_piece(o, text, (size_t)(end - text));
        out_bytes(o, "\n", 1);
        o->line = o->n;
    }
    out_line_piece(o, text, strlen(text));
}

void out_printf(Out *o, const char *format, ...)
{
    char small[512];
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(small, sizeof small, format, args);
    va_end(args);
    if (n < 0) ice("out_printf: bad format `%s`", format);
    char *text = small;
    if ((size_t)n >= sizeof small) {
        text = arena_alloc(o->c->arena, (size_t)n + 1);
        vsnprintf(text, (size_t)n + 1, format, again);
    }
    va_end(again);
    out_puts(o, text);
}

void out_indent(Out *o, int delta)
{
    o->indent += 4 * delta;
    if (o->indent < 0) ice("out_indent: below column 0");
}

/* Of the next character; an unstarted line stands at its indentation. */
size_t out_column(const Out *o) { return o->n == o->line ? (size_t)o->indent : o->n - o->line; }

Ctx *out_ctx(const Out *o) { return o->c; }

const char *out_text(const Out *o, size_t *n)
{
    if (n) *n = o->n;
    return o->text;
}

static bool write_all(FILE *f, const Out *o)
{
    bool fine = fwrite(o->text, 1, o->n, f) == o->n;
    return fflush(f) == 0 && fine;
}

/* To a new file beside path, then renamed over it. errno says why not. */
static bool replace_file(Ctx *c, const Out *o, const char *path)
{
    size_t n = strlen(path);
    char *temp = arena_alloc(c->arena, n + 8);
    memcpy(temp, path, n);
    memcpy(temp + n, ".XXXXXX", 8);
    int fd = mkstemp(temp);
    if (fd < 0) return false;
    mode_t mask = umask(0);
    umask(mask);
    FILE *f = fdopen(fd, "w");
    bool fine = f && fchmod(fd, 0666 & ~mask) == 0 && write_all(f, o);
    int why = errno;
    if (f ? fclose(f) != 0 : close(fd) != 0) {
        if (fine) why = errno;
        fine = false;
    }
    if (fine && rename(temp, path) != 0) {
        why = errno;
        fine = false;
    }
    if (!fine) unlink(temp);
    errno = why;
    return fine;
}

bool out_save(Ctx *c, const Out *o, const char *path)
{
    if (strcmp(path, "-") == 0)
        return write_all(stdout, o)
            || diag_error(c, E_WRITE, NOSPAN, "standard output", strerror(errno));
    struct stat st;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {   /* /dev/null, a pipe: no renaming there */
        FILE *f = fopen(path, "w");
        bool fine = f && write_all(f, o);
        int why = errno;
        if (f && fclose(f) != 0) fine = false;
        return fine || diag_error(c, E_WRITE, NOSPAN, path, strerror(why));
    }
    return replace_file(c, o, path) || diag_error(c, E_WRITE, NOSPAN, path, strerror(errno));
}
