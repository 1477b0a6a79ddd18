/* str.c - interned strings and the user's text made safe for C.
 *
 * Idea: one open-addressed table per compilation holds every distinct text once, so that names are
 * compared as pointers. The quoting functions are the only door through which user text reaches
 * emitted C; whatever comes in, what goes out cannot end a comment, a literal or a line.
 * requires: a Ctx made by ctx_new.   establishes: equal text <=> equal pointer.
 */
#include "base.h"

#include <stdlib.h>
#include <string.h>

typedef struct Entry {
    const char *text;                  /* NULL: free */
    size_t n;
    uint64_t hash;
} Entry;

struct StrTable {
    Entry *slots;                      /* a power of two of them, at most half full */
    size_t n_slots, used;
};

static uint64_t hash_bytes(const char *text, size_t n)
{
    uint64_t h = 0xcbf29ce484222325u;  /* FNV-1a, then mixed: the table takes the low bits */
    for (size_t i = 0; i < n; i++) h = (h ^ (unsigned char)text[i]) * 0x100000001b3u;
    h ^= h >> 32;
    return h * 0x9e3779b97f4a7c15u ^ h >> 29;
}

static void table_resize(Ctx *c, struct StrTable *t)
{
    size_t n = t->n_slots ? 2 * t->n_slots : 1024;
    Entry *slots = arena_alloc(c->arena, n * sizeof *slots);
    for (size_t i = 0; i < t->n_slots; i++) {
        if (!t->slots[i].text) continue;
        size_t at = t->slots[i].hash & (n - 1);
        while (slots[at].text) at = (at + 1) & (n - 1);
        slots[at] = t->slots[i];
    }
    t->slots = slots;
    t->n_slots = n;
}

Str str_n(Ctx *c, const char *text, size_t n)
{
    if (!c->strings) c->strings = arena_alloc(c->arena, sizeof *c->strings);
    struct StrTable *t = c->strings;
    if (2 * (t->used + 1) > t->n_slots) table_resize(c, t);
    uint64_t hash = hash_bytes(text, n);
    size_t at = hash & (t->n_slots - 1);
    for (; t->slots[at].text; at = (at + 1) & (t->n_slots - 1)) {
        Entry *e = &t->slots[at];
        if (e->hash == hash && e->n == n && memcmp(e->text, text, n) == 0) return e->text;
    }
    char *copy = arena_alloc(c->arena, n + 1);
    memcpy(copy, text, n);
    t->slots[at] = (Entry){copy, n, hash};
    t->used++;
    return copy;
}

Str str(Ctx *c, const char *text) { return str_n(c, text, strlen(text)); }

Str str_fmt(Ctx *c, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0) ice("str_fmt: bad format `%s`", format);
    char *buffer = arena_alloc(c->arena, (size_t)n + 1);
    vsnprintf(buffer, (size_t)n + 1, format, again);
    va_end(again);
    return str_n(c, buffer, (size_t)n);
}

/* Length of the UTF-8 sequence at s (n bytes left) and its code point; 0 if it is none. */
size_t utf8_decode(const char *s, size_t n, uint32_t *point)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char b = (unsigned char)s[0];
    size_t len = b < 0x80 ? 1 : b >> 5 == 6 ? 2 : b >> 4 == 14 ? 3 : b >> 3 == 30 ? 4 : 0;
    if (len == 0 || len > n) return 0;
    uint32_t u = len == 1 ? b : b & (0x7Fu >> len);
    for (size_t i = 1; i < len; i++) {
        if (((unsigned char)s[i] & 0xC0) != 0x80) return 0;
        u = u << 6 | ((unsigned char)s[i] & 0x3F);
    }
    if (u < least[len] || u > 0x10FFFF || (u >= 0xD800 && u < 0xE000)) return 0;
    *point = u;
    return len;
}

/* ---- text that goes into emitted C ----------------------------------------------------------- */

/* For both kinds of comment: no line break, no comment mark, no trigraph, no backslash before a
 * line end, ASCII only (a right-to-left mark would make the comment lie). */
Str quote_comment(Ctx *c, const char *text)
{
    Out *o = out_new(c);
    size_t n = strlen(text);
    char last = 0;
    for (size_t i = 0; i < n;) {
        uint32_t u;
        size_t len = utf8_decode(text + i, n - i, &u);
        if (len == 0) {
            out_printf(o, "<%02X>", (unsigned char)text[i]);
            last = '>';
            i++;
            continue;
        }
        i += len;
        if (u >= 0x7F) {
            out_printf(o, "<U+%04X>", u);
            last = '>';
        } else if (u < ' ') {
            if (last != ' ') out_puts(o, " ");
            last = ' ';
        } else if (u == '\\') {
            out_puts(o, "{\\}");
            last = '}';
        } else {
            bool mark = (last == '*' && u == '/') || (last == '/' && (u == '*' || u == '/'));
            if (mark || (last == '?' && u == '?')) out_puts(o, " ");
            out_printf(o, "%c", (int)u);
            last = (char)u;
        }
    }
    size_t size;
    const char *done = out_text(o, &size);
    return str_n(c, done, size);
}

Str quote_c(Ctx *c, const char *text, size_t n)
{
    char *buffer = arena_alloc(c->arena, 4 * n + 3), *p = buffer;
    *p++ = '"';
    for (size_t i = 0; i < n; i++) {
        unsigned char b = (unsigned char)text[i];
        if (b == '"' || b == '\\' || b == '?') {
            *p++ = '\\';               /* `\?`: no trigraph can form */
            *p++ = (char)b;
        } else if (b == '\n') {
            *p++ = '\\';
            *p++ = 'n';
        } else if (b < ' ' || b >= 0x7F) {
            p += sprintf(p, "\\%03o", b);   /* three digits: the next character cannot join */
        } else {
            *p++ = (char)b;
        }
    }
    *p++ = '"';
    return str_n(c, buffer, (size_t)(p - buffer));
}

/* ---- names ----------------------------------------------------------------------------------- */

/* Words to which a C or C++ compiler, its headers or our runtime give a meaning. */
static const char *const reserved_words[] = {
    "BUFSIZ", "CHAR_BIT", "DBL_EPSILON", "DBL_MAX", "DBL_MIN", "DOMAIN", "E2BIG", "EACCES",
    "EDOM", "EINTR", "EINVAL", "EOF", "ERANGE", "EXIT_FAILURE", "EXIT_SUCCESS", "FLT_EPSILON",
    "FLT_MAX", "FLT_MIN", "HUGE", "HUGE_VAL", "INFINITY", "INT_MAX", "INT_MIN", "LONG_MAX",
    "MAXFLOAT", "M_E", "M_LN2", "M_PI", "NAN", "NULL", "OVERFLOW", "PATH_MAX", "RAND_MAX", "Real",
    "SEEK_CUR", "SEEK_END", "SEEK_SET", "SIZE_MAX", "UNDERFLOW",
    "abort", "abs", "accept", "access", "acos", "acosh", "alarm", "alignas", "alignof", "alloca",
    "and", "and_eq", "asin", "asinh", "asm", "assert", "atan", "atan2", "atanh", "atexit", "atof",
    "atoi", "atomic_cancel", "atomic_commit", "atomic_noexcept", "auto", "bind", "bitand", "bitor",
    "bool", "break", "brk", "calloc", "case", "catch", "cbrt", "ceil", "char", "char16_t",
    "char32_t", "char8_t", "chdir", "class", "clock", "close", "co_await", "co_return", "co_yield",
    "compl", "complex", "concept", "connect", "const", "const_cast", "consteval", "constexpr",
    "constinit", "continue", "copysign", "cos", "cosh", "creat", "daemon", "decltype", "default",
    "delete", "div", "do", "double", "drem", "dup", "dynamic_cast", "else", "enum", "environ",
    "erf", "erfc", "errno", "exit", "exp", "exp10", "exp2", "explicit", "expm1", "export",
    "extern", "fabs", "false", "fclose", "fdim", "ffs", "fileno", "finite", "float", "floor",
    "fma", "fmax", "fmin", "fmod", "fopen", "for", "fork", "free", "frexp", "friend", "gamma",
    "getc", "getenv", "gets", "getw", "goto", "hypot", "i386", "if", "ilogb", "imaginary", "index",
    "inline", "int", "int16_t", "int32_t", "int64_t", "int8_t", "isalpha", "isfinite", "isinf",
    "isnan", "isnormal", "j0", "j1", "jn", "kill", "labs", "ldexp", "ldiv", "lgamma", "link",
    "linux", "listen", "llrint", "lockf", "log", "log10", "log1p", "log2", "logb", "long",
    "lrand48",
    "lrint", "lround", "main", "malloc", "memcmp", "memcpy", "memmove", "memset", "mktemp", "modf",
    "mutable", "namespace", "nan", "nearbyint", "new", "nextafter", "nice", "noexcept", "noreturn",
    "not", "not_eq", "nullptr", "offsetof", "open", "operator", "or", "or_eq", "pause", "perror",
    "pipe", "pow", "printf", "private", "protected", "ptrdiff_t", "public", "putc", "puts", "qsort",
    "raise", "rand", "random", "read", "realloc", "recv", "reflexpr", "register",
    "reinterpret_cast", "remainder", "remove", "remquo", "rename", "requires", "restrict", "return",
    "rewind", "rindex", "rint", "round", "sbrk", "scalb", "scalbn", "scanf", "select", "send",
    "setbuf", "setenv", "short", "shutdown", "sigmask", "signal", "signbit", "signed",
    "significand",
    "sin", "sincos", "sinh", "size_t", "sizeof", "sleep", "socket", "sprintf", "sqrt", "srand",
    "sscanf", "ssize_t", "stat", "static", "static_assert", "static_cast", "stderr", "stdin",
    "stdout", "stpcpy", "strcat", "strchr", "strcmp", "strcpy", "strdup", "strlen", "strstr",
    "strtod", "struct", "switch", "swab", "symlink", "sync", "synchronized", "sysconf", "system",
    "tan", "tanh", "template", "tgamma", "this", "thread_local", "throw", "time", "times",
    "tmpfile",
    "true", "trunc", "truncate", "try", "typedef", "typeid", "typename", "typeof", "typeof_unqual",
    "uint16_t", "uint32_t", "uint64_t", "uint8_t", "ungetc", "union", "unix", "unlink", "unsigned",
    "using", "virtual", "void", "volatile", "vfork", "wait", "wchar_t", "while", "write", "xor",
    "xor_eq", "y0", "y1", "yn",
};

/* A linear walk: the list need not be kept sorted, and mangling is rare. */
static bool reserved(const char *name)
{
    if (strncmp(name, "dgm", 3) == 0 || strncmp(name, "DGM", 3) == 0) return true;
    for (size_t i = 0; i < sizeof reserved_words / sizeof *reserved_words; i++)
        if (strcmp(reserved_words[i], name) == 0) return true;
    return false;
}

static bool letter(unsigned char b) { return (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z'); }
static bool digit(unsigned char b) { return b >= '0' && b <= '9'; }

/* Plain names stay as they are; a reserved one gets `_`, and so does one that ends in `_`, which
 * keeps the map injective. Anything else (a field of the data named by a string) is `x__` and its
 * bytes, `_` doubled and the rest as `_xHH`; so is a plain name that begins with `x__`; no name at
 * all is what a plain `x` would become, were it not plain. */
Str mangle(Ctx *c, const char *name)
{
    size_t n = strlen(name);
    bool plain = n > 0 && letter((unsigned char)name[0]) && strncmp(name, "x__", 3) != 0;
    for (size_t i = 0; i < n; i++)
        if (!letter((unsigned char)name[i]) && !digit((unsigned char)name[i]) && name[i] != '_')
            plain = false;
    if (plain) return reserved(name) || name[n - 1] == '_' ? str_fmt(c, "%s_", name) : str(c, name);
    if (n == 0) return str(c, "x__x");
    char *buffer = arena_alloc(c->arena, 4 * n + 4), *p = buffer;
    p += sprintf(p, "x__");
    for (size_t i = 0; i < n; i++) {
        unsigned char b = (unsigned char)name[i];
        if (letter(b) || digit(b)) *p++ = (char)b;
        else if (b == '_') p += sprintf(p, "__");
        else p += sprintf(p, "_x%02X", b);
    }
    return str_n(c, buffer, (size_t)(p - buffer));
}

bool str_listed(const char *list, const char *name)
{
    size_t n = strlen(name);
    for (const char *p = list; p && *p; p += strcspn(p, ","), p += *p == ',')
        if (!strncmp(p, name, n) && (p[n] == ',' || !p[n]))
            return true;
    return false;
}
