/* diag.c - diagnostics: what a person or an editor reads when a spec is wrong.
 *
 * Idea: messages are rows of errors.def; here they get place, source line and carets:
 *     vae.dgm:6:12: error[E0401]: shapes differ in `bernoulli(logits: decoder(z))`
 *       6 |     x[n] ~ bernoulli(logits: decoder(z))
 *         |            ^^^^^^^^^
 *       help: end the network with dense(784)
 * Everything is printed at once, so nothing is lost when a later stage fails. With json_errors each
 * message is one JSON object on its line instead; notes and helps follow their error.
 * requires: c->err open.   establishes: no control character reaches the terminal; at most
 * MAX_ERRORS errors are shown, one for each place, all are counted.
 */
#include "base.h"

#include <stdlib.h>
#include <string.h>

typedef struct Place { const Source *src; uint32_t start; } Place;

struct Diag {
    int count;                         /* errors, shown or not */
    bool muted;                        /* the last error was not shown: nor are its notes */
    bool said_more;                    /* "further errors" was printed */
    int held;                          /* diag_hold() that are open */
    Place *places;                     /* vec: where errors were shown */
};

typedef struct Row {
    const char *code, *message, *explanation, *bad, *good;
} Row;

static const Row rows[] = {
#define ERROR(id, code, message, explanation, bad, good) {code, message, explanation, bad, good},
#include "errors.def"
#undef ERROR
    {NULL, NULL, NULL, NULL, NULL},    /* keeps the table legal while it is empty */
};

enum {
    SNIPPET_WIDTH = 100,               /* columns of source shown of a line */
    TAB_WIDTH = 4,
};

static struct Diag *diag(Ctx *c)
{
    if (!c->diag) c->diag = arena_alloc(c->arena, sizeof *c->diag);
    return c->diag;
}

int diag_count(const Ctx *c) { return c->diag ? c->diag->count : 0; }

/* ---- text for terminals and JSON ------------------------------------------------------------- */

/* Printable on one line: control characters, bidirectional marks and bad bytes become visible. */
static void print_clean(FILE *f, const char *text, size_t n)
{
    for (size_t i = 0; i < n;) {
        uint32_t u;
        size_t len = utf8_decode(text + i, n - i, &u);
        if (len == 0) {
            fprintf(f, "\\x%02X", (unsigned char)text[i]);
            len = 1;
        } else if (u == '\n') {
            fputs("\\n", f);
        } else if (u < ' ' || (u >= 0x7F && u < 0xA0)) {
            fprintf(f, "\\x%02X", u);
        } else if ((u >= 0x200B && u <= 0x200F) || (u >= 0x2028 && u <= 0x202E)
                   || (u >= 0x2066 && u <= 0x2069) || u == 0xFEFF) {
            fprintf(f, "\\u%04X", u);
        } else {
            fwrite(text + i, 1, len, f);
        }
        i += len;
    }
}

static void print_json(FILE *f, const char *text)
{
    size_t n = strlen(text);
    fputc('"', f);
    for (size_t i = 0; i < n;) {
        uint32_t u;
        size_t len = utf8_decode(text + i, n - i, &u);
        if (len == 0) {
            fputs("\\ufffd", f);
            len = 1;
        } else if (u == '"' || u == '\\') {
            fprintf(f, "\\%c", (int)u);
        } else if (u < ' ' || u == 0x7F) {
            fprintf(f, "\\u%04x", u);
        } else {
            fwrite(text + i, 1, len, f);
        }
        i += len;
    }
    fputc('"', f);
}

/* ---- snippets -------------------------------------------------------------------------------- */

/* Columns a code point takes: tabs are expanded, combining marks take none, wide scripts two. */
static int point_width(uint32_t u)
{
    if (u == '\t') return TAB_WIDTH;
    if ((u >= 0x300 && u <= 0x36F) || (u >= 0x200B && u <= 0x200F) || u == 0xFE0F) return 0;
    bool wide = (u >= 0x1100 && u <= 0x115F) || (u >= 0x2E80 && u <= 0xA4CF)
             || (u >= 0xAC00 && u <= 0xD7A3) || (u >= 0xF900 && u <= 0xFAFF)
             || (u >= 0xFE30 && u <= 0xFE6F) || (u >= 0xFF00 && u <= 0xFF60)
             || (u >= 0x1F300 && u <= 0x1FAFF) || (u >= 0x20000 && u <= 0x3FFFD);
    return wide ? 2 : 1;
}

/* One step through a line: bytes taken, columns shown; what cannot be shown becomes `?`. */
static size_t line_step(const char *line, size_t n, int *width, bool *shown)
{
    uint32_t u;
    size_t len = utf8_decode(line, n, &u);
    *shown = len > 0 && (u >= ' ' || u == '\t') && !(u >= 0x7F && u < 0xA0)
          && !(u >= 0x200B && u <= 0x200F) && !(u >= 0x2028 && u <= 0x202E)
          && !(u >= 0x2066 && u <= 0x2069);
    *width = *shown ? point_width(u) : 1;
    return len ? len : 1;
}

static int columns(const char *line, size_t n)
{
    int total = 0, width;
    bool shown;
    for (size_t i = 0; i < n; total += width) i += line_step(line + i, n - i, &width, &shown);
    return total;
}

/* The part of the line in columns [from, to), tabs as blanks. */
static void print_window(FILE *f, const char *line, size_t n, int from, int to)
{
    int at = 0, width;
    bool shown;
    for (size_t i = 0; i < n && at < to; at += width) {
        size_t len = line_step(line + i, n - i, &width, &shown);
        if (at >= from && !shown) fputc('?', f);
        else if (at >= from && line[i] == '\t') fprintf(f, "%*s", width, "");
        else if (at >= from) fwrite(line + i, 1, len, f);
        i += len;
    }
}

static void print_snippet(Ctx *c, Span at)
{
    const Source *s = at.src;
    if (!s) return;
    uint32_t start = at.start < s->length ? at.start : (uint32_t)s->length;
    int number = span_line(at);
    uint32_t first = s->line_start[number - 1], last = first;
    const char *stop = memchr(s->text + first, '\n', s->length - first);
    last = stop ? (uint32_t)(stop - s->text) : (uint32_t)s->length;
    while (last > first && s->text[last - 1] == '\r') last--;
    if (start > last) start = last;
    const char *line = s->text + first;
    size_t n = last - first;
    uint32_t end = at.end < last ? at.end : last;
    int caret = columns(line, start - first), width = columns(line, n);
    int marks = end > start ? columns(s->text + start, end - start) : 1;
    if (marks < 1) marks = 1;
    int from = 0, to = width;
    if (width > SNIPPET_WIDTH) {       /* clip around the caret */
        from = caret > SNIPPET_WIDTH / 3 ? caret - SNIPPET_WIDTH / 3 : 0;
        if (from > width - SNIPPET_WIDTH) from = width - SNIPPET_WIDTH;
        to = from + SNIPPET_WIDTH;
        if (marks > to - caret && to > caret) marks = to - caret;
    }
    char label[16];
    int pad = snprintf(label, sizeof label, "%d", number);
    const char *lead = from > 0 ? "..." : "", *blue = c->color ? "\033[34m" : "";
    const char *green = c->color ? "\033[1;32m" : "", *plain = c->color ? "\033[0m" : "";
    fprintf(c->err, "  %s%s |%s %s", blue, label, plain, lead);
    print_window(c->err, line, n, from, to);
    fprintf(c->err, "%s\n  %s%*s |%s %*s%s", to < width ? "..." : "", blue, pad, "", plain,
            (int)strlen(lead) + caret - from, "", green);
    for (int i = 0; i < marks; i++) fputc('^', c->err);
    fprintf(c->err, "%s\n", plain);
}

/* ---- messages -------------------------------------------------------------------------------- */

static void print_place(Ctx *c, Span at)
{
    const char *path = at.src ? at.src->path : "dgmc";
    print_clean(c->err, path, strlen(path));
    if (at.src) fprintf(c->err, ":%d:%d", span_line(at), span_col(at));
    fputs(": ", c->err);
}

static void print_message(Ctx *c, const char *kind, const char *code, Span at, const char *text)
{
    const char *bold = c->color ? "\033[1m" : "", *plain = c->color ? "\033[0m" : "";
    const char *hue = !c->color ? "" : kind[0] == 'e' ? "\033[1;31m" : kind[0] == 'w' ? "\033[1;33m"
                    : "\033[1;36m";
    fputs(bold, c->err);
    print_place(c, at);
    fprintf(c->err, "%s%s%s%s%s%s%s: ", plain, hue, kind, code ? "[" : "", code ? code : "",
            code ? "]" : "", plain);
    print_clean(c->err, text, strlen(text));
    fputc('\n', c->err);
    print_snippet(c, at);
}

static void print_json_message(Ctx *c, const char *kind, const char *code, Span at,
                               const char *text)
{
    fprintf(c->err, "{\"kind\": \"%s\"", kind);
    if (code) fprintf(c->err, ", \"code\": \"%s\"", code);
    if (at.src) {
        fputs(", \"file\": ", c->err);
        print_json(c->err, at.src->path);
        fprintf(c->err, ", \"line\": %d, \"column\": %d, \"start\": %u, \"end\": %u",
                span_line(at), span_col(at), at.start, at.end);
    }
    fputs(", \"message\": ", c->err);
    print_json(c->err, text);
    fputs("}\n", c->err);
}

static void say(Ctx *c, const char *kind, const char *code, Span at, const char *text)
{
    if (c->json_errors) print_json_message(c, kind, code, at, text);
    else print_message(c, kind, code, at, text);
    fflush(c->err);
}

static Str format_text(Ctx *c, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (n < 0) ice("bad message format `%s`", format);
    char *text = arena_alloc(c->arena, (size_t)n + 1);
    vsnprintf(text, (size_t)n + 1, format, args);
    return text;
}

bool diag_error(Ctx *c, ErrorId id, Span at, ...)
{
    struct Diag *d = diag(c);
    if (id < 0 || id >= N_ERRORS) ice_span(at, "no error row %d", (int)id);
    d->muted = true;
    if (d->held) {
        d->count++;
        return false;
    }
    for (size_t i = 0; at.src && i < vec_len(d->places); i++)
        if (d->places[i].src == at.src && d->places[i].start == at.start) return false;
    d->count++;
    if (d->count > MAX_ERRORS) {
        if (!d->said_more) say(c, "note", NULL, NOSPAN, "further errors are counted, not shown");
        d->said_more = true;
        return false;
    }
    d->muted = false;
    vec_push(c, d->places, ((Place){at.src, at.start}));
    va_list args;
    va_start(args, at);
    Str text = format_text(c, rows[id].message, args);
    va_end(args);
    say(c, "error", rows[id].code, at, text);
    return false;
}

void diag_note(Ctx *c, Span at, const char *format, ...)
{
    if (diag(c)->muted) return;
    va_list args;
    va_start(args, format);
    say(c, "note", NULL, at, format_text(c, format, args));
    va_end(args);
}

void diag_help(Ctx *c, const char *format, ...)
{
    if (diag(c)->muted) return;
    va_list args;
    va_start(args, format);
    Str text = format_text(c, format, args);
    va_end(args);
    if (c->json_errors) {
        print_json_message(c, "help", NULL, NOSPAN, text);
    } else {
        fprintf(c->err, "  %shelp%s: ", c->color ? "\033[1;36m" : "", c->color ? "\033[0m" : "");
        print_clean(c->err, text, strlen(text));
        fputc('\n', c->err);
    }
    fflush(c->err);
}

void diag_warn(Ctx *c, Span at, const char *format, ...)
{
    va_list args;
    if (diag(c)->held) return;
    va_start(args, format);
    diag(c)->muted = false;
    say(c, "warning", NULL, at, format_text(c, format, args));
    va_end(args);
}

int diag_hold(Ctx *c)
{
    diag(c)->held++;
    return diag(c)->count;
}

int diag_release(Ctx *c, int held)
{
    struct Diag *d = diag(c);
    int errors = d->count - held;
    d->held--;
    d->count = held;
    return errors;
}

/* ---- explain, nearest, ice ------------------------------------------------------------------- */

static void print_example(FILE *out, const char *title, const char *program)
{
    if (!program[0]) return;
    fprintf(out, "\n%s\n\n    ", title);
    for (const char *p = program; *p; p++) {
        fputc(*p, out);
        if (*p == '\n' && p[1]) fputs("    ", out);
    }
    if (program[strlen(program) - 1] != '\n') fputc('\n', out);
}

/* The sentence with `..` for what depends on the spec. */
static void print_sentence(FILE *out, const char *format)
{
    for (const char *p = format; *p; p++) {
        if (*p != '%') {
            fputc(*p, out);
        } else if (p[1] == '%') {
            fputc(*p++, out);
        } else {
            fputs("..", out);
            p += 1 + strspn(p + 1, "-+ #0123456789.*hlzjt");
        }
    }
}

bool diag_explain(FILE *out, const char *code)
{
    enum { WIDTH = 78 };
    for (int id = 0; id < N_ERRORS; id++) {
        const Row *r = &rows[id];
        if (strcmp(r->code, code) != 0) continue;
        fprintf(out, "%s: ", r->code);
        print_sentence(out, r->message);
        fputs("\n\n", out);
        int column = 0;
        for (const char *word = r->explanation; *word;) {
            int n = (int)strcspn(word, " \n");
            if (column > 0 && column + 1 + n > WIDTH) {
                fputc('\n', out);
                column = 0;
            }
            column += fprintf(out, "%s%.*s", column ? " " : "", n, word);
            word += n + (int)strspn(word + n, " \n");
        }
        fputc('\n', out);
        print_example(out, "This gives the error:", r->bad);
        print_example(out, "This does not:", r->good);
        return true;
    }
    return false;
}

/* Optimal string alignment distance of two words; a swap of neighbours counts once. */
static size_t word_distance(const char *a, const char *b)
{
    enum { LONGEST = 64 };
    size_t m = strlen(a), n = strlen(b), rows3[3][LONGEST + 1];
    if (m > LONGEST || n > LONGEST) return SIZE_MAX;
    for (size_t j = 0; j <= n; j++) rows3[0][j] = j;
    for (size_t i = 1; i <= m; i++) {
        size_t *row = rows3[i % 3], *above = rows3[(i + 2) % 3], *twice = rows3[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t best = above[j - 1] + (a[i - 1] != b[j - 1]);
            if (above[j] + 1 < best) best = above[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]
                && twice[j - 2] + 1 < best) best = twice[j - 2] + 1;
            row[j] = best;
        }
    }
    return rows3[m % 3][n];
}

Str nearest(Ctx *c, Str word, const Str *candidates, size_t n)
{
    (void)c;
    size_t limit = strlen(word) < 3 ? 1 : strlen(word) / 3 + 1, best = SIZE_MAX;
    Str found = NULL;
    for (size_t i = 0; i < n; i++) {
        size_t d = candidates[i] && candidates[i] != word ? word_distance(word, candidates[i])
                                                          : SIZE_MAX;
        if (d < best && d <= limit && d < strlen(word)) {
            best = d;
            found = candidates[i];
        }
    }
    return found;
}

_Noreturn void ice_at(const char *file, int line, Span at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "dgmc: internal error at %s:%d", file, line);
    if (at.src) fprintf(stderr, ", for %s:%d:%d", at.src->path, span_line(at), span_col(at));
    fputs(": ", stderr);
    vfprintf(stderr, format, args);
    fputs("\nThis is a mistake in dgmc, not in your spec. Please report it.\n", stderr);
    va_end(args);
    exit(70);
}
