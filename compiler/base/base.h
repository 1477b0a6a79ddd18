/* base.h - what every part of the compiler stands on; knows nothing of models.
 *
 * Ownership: everything a compilation makes lives in Ctx.arena and is never freed piecewise.
 * Two voices: diag_error() tells the user what is wrong in the spec, where, and the way out;
 * ice() says the compiler is wrong. Nothing else prints to stderr.
 */
#ifndef DGMC_BASE_H
#define DGMC_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* ---- arena.c: bump allocation by lifetime ---------------------------------------------------- */
typedef struct Arena Arena;
Arena *arena_new(void);
void   arena_free(Arena *a);
void  *arena_alloc(Arena *a, size_t bytes);           /* zeroed, aligned to 16; never NULL */

/* ---- str.c: interned strings (compare with ==) and a string builder -------------------------- */
typedef const char *Str;               /* interned: equal text <=> equal pointer */
typedef struct Ctx Ctx;
Str  str(Ctx *c, const char *text);                   /* intern a NUL-terminated text */
Str  str_n(Ctx *c, const char *text, size_t n);
bool str_listed(const char *list, const char *name);  /* between commas; list may be NULL */
Str  str_fmt(Ctx *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- vec.h: growable array in an arena. Use: Ast **list = NULL; vec_push(c, list, x). -------- */
#define vec_len(v) ((v) ? ((size_t *)(v))[-1] : (size_t)0)
#define vec_push(c, v, x) ((v) = vec_grow((c), (v), sizeof *(v)), (v)[vec_len(v) - 1] = (x))
void *vec_grow(Ctx *c, void *v, size_t item);         /* length + 1; capacity doubles */
void *vec_new(Ctx *c, size_t n, size_t item);         /* n zeroed items; NULL if n is 0 */

/* ---- map.c: pointer-keyed hash map (keys are Str or node pointers) --------------------------- */
typedef struct Map Map;
Map  *map_new(Ctx *c);
void *map_get(const Map *m, const void *key);         /* NULL if absent */
void  map_put(Map *m, const void *key, void *value);

/* ---- source.c: files, spans, lines ----------------------------------------------------------- */
typedef struct Source {
    Str path;                          /* as given, for messages */
    const char *text;                  /* NUL-terminated; length bytes, may contain NUL inside */
    size_t length;
    uint32_t *line_start;              /* offsets; n_lines of them */
    int n_lines;
    bool library;                      /* embedded lang/std file */
} Source;

/* A span of bytes in a source. src NULL: made by the compiler. */
typedef struct Span { const Source *src; uint32_t start, end; } Span;

Source *source_read(Ctx *c, const char *path);        /* NULL after an error was reported */
Source *source_text(Ctx *c, const char *name, const char *text, size_t n, bool library);
int  span_line(Span s);                               /* 1-based; 0 for no source */
int  span_col(Span s);                                /* 1-based, in bytes */
Span span_join(Span a, Span b);
Str  span_text(Ctx *c, Span s);                       /* the text itself, one line, blanks folded */

/* ---- diag.c: diagnostics. Codes and sentences are rows of errors.def. ------------------------ */
typedef enum {
#define ERROR(id, code, message, explanation, bad, good) id,
#include "errors.def"
#undef ERROR
    N_ERRORS
} ErrorId;

/* Reports error `id` at `at`; the arguments fill the row's printf-style message. Errors at one
 * place are reported once; after MAX_ERRORS the rest is counted. Returns false, so that a check
 * can end with `return diag_error(...)`. */
bool diag_error(Ctx *c, ErrorId id, Span at, ...);
/* Belong to the error just reported: a second place with its own snippet, and the way out. */
void diag_note(Ctx *c, Span at, const char *format, ...) __attribute__((format(printf, 3, 4)));
void diag_help(Ctx *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
void diag_warn(Ctx *c, Span at, const char *format, ...) __attribute__((format(printf, 3, 4)));
int  diag_count(const Ctx *c);                        /* errors so far */
/* A trial: until diag_release(c, diag_hold(c)) nothing is shown. Release says how many errors there
 * were, and forgets them. Trials may be nested. */
int  diag_hold(Ctx *c);
int  diag_release(Ctx *c, int held);
bool diag_explain(FILE *out, const char *code);       /* dgmc --explain; false: no such code */
Str  nearest(Ctx *c, Str word, const Str *candidates, size_t n);   /* "did you mean", or NULL */

#define MAX_ERRORS 20

_Noreturn void ice_at(const char *file, int line, Span at, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
#define NOSPAN ((Span){0})
#define ice(...) ice_at(__FILE__, __LINE__, NOSPAN, __VA_ARGS__)
#define ice_span(span, ...) ice_at(__FILE__, __LINE__, (span), __VA_ARGS__)

/* ---- out.c: the writer used by every printer and by the C emitter ---------------------------- */
typedef struct Out Out;
Out  *out_new(Ctx *c);                                /* in memory */
void  out_printf(Out *o, const char *format, ...) __attribute__((format(printf, 2, 3)));
void  out_puts(Out *o, const char *text);             /* text may contain newlines: indented */
void  out_indent(Out *o, int delta);                  /* by 4 columns from the next line on */
size_t out_column(const Out *o);
Ctx  *out_ctx(const Out *o);
const char *out_text(const Out *o, size_t *n);        /* NUL-terminated */
bool  out_save(Ctx *c, const Out *o, const char *path);  /* temp + rename; "-" is stdout */
/* User text made safe: for a C comment, for a C string literal (with quotes), as C identifier. */
Str   quote_comment(Ctx *c, const char *text);
Str   quote_c(Ctx *c, const char *text, size_t n);
Str   mangle(Ctx *c, const char *name);               /* legal C identifier, injective */
/* Bytes of the UTF-8 sequence at s, at most n, and its code point; 0 if it is invalid. n > 0. */
size_t utf8_decode(const char *s, size_t n, uint32_t *point);

/* ---- limits.h in one place: reported by their own error -------------------------------------- */
#define LIMIT_FILE (16u << 20)         /* bytes of a spec */
#define LIMIT_TOKEN 65536              /* bytes of a token */
#define LIMIT_NAME 255                 /* bytes of a name */
#define LIMIT_NEST 256                 /* nested brackets */
#define LIMIT_DEPTH 1000               /* nodes from the root of a tree to a leaf */
#define LIMIT_RANK 8                   /* axes of a value */
#define LIMIT_SIZE ((int64_t)1 << 40)  /* elements of an array */
#define LIMIT_JOINT 65536      /* joint states of the elements of a discrete latent */
#define LIMIT_TABLE ((int64_t)1 << 27) /* numbers in the table of the states of a sequence */
#define LIMIT_INLINE 200               /* depth of function inlining */

/* ---- Ctx: one compilation, passed first everywhere ------------------------------------------- */
typedef struct Define { Str name; int64_t value; Str source; } Define;   /* -D P=784, or a file */
typedef struct Number { Str name; double value; Str source; } Number;   /* -D a=0.5: no size */
/* What a data file says of the values of an array: it is one number, or the largest. */
typedef struct Values { Str name; bool single; double largest; Str source; } Values;

struct Ctx {
    Arena *arena;
    struct StrTable *strings;
    struct Diag *diag;
    /* options (options.def) */
    Define *defines;                   /* vec */
    Number *numbers;                   /* vec: arguments that are no whole numbers of 0 or more */
    Values *values;                    /* vec: of data */
    Define *computed;                  /* vec: sizes that follow from values, by their text */
    bool f64;
    const char *noncenter;             /* "auto", or names of latents; NULL: none */
    bool color;
    bool json_errors;
    FILE *err;                         /* stderr, or a test's buffer */
};
Ctx *ctx_new(void);
void ctx_free(Ctx *c);

#endif
