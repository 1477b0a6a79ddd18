/* file_fields.c - what a data file that names its arrays holds: `dgmc FILE --data DATA.json` binds
 * sizes by name, as the trainer binds arrays.
 */
#include "shape_file.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <zlib.h>

/* The whole file, plain or gzipped; nothing of one that is not text. NULL with a reason. */
static char *read_whole(Ctx *c, const char *path, size_t *n, Str *why)
{
    gzFile f = gzopen(path, "rb");
    if (!f) {
        *why = str_fmt(c, "cannot open: %s", errno ? strerror(errno) : "out of memory");
        return NULL;
    }
    size_t room = 1 << 16;
    char *text = malloc(room);
    int got = 0;
    for (*n = 0; text && (got = gzread(f, text + *n, (unsigned)(room - *n))) > 0;) {
        *n += (size_t)got;
        if (memchr(text, 0, *n < 4096 ? *n : 4096)) {
            *n = 0;
            break;
        }
        char *more = *n == room ? realloc(text, room *= 2) : text;
        if (!more)
            free(text);
        text = more;
    }
    gzclose(f);
    if (!text || got < 0) {
        *why = str(c, text ? "cannot be read" : "out of memory");
        free(text);
        return NULL;
    }
    return text;
}

static const Asked *asked_for(const Asked *asked, Str name)
{
    for (size_t i = 0; i < vec_len(asked); i++)
        if (asked[i].name == name)
            return &asked[i];
    return NULL;
}

static void see_value(FileField *f, bool missing, double x)
{
    f->missing += missing;
    if (!missing && x > f->largest)
        f->largest = x;
}

/* ---- JSON ------------------------------------------------------------------------------------ */

/* The most elements at every level, and what the values are. */
static void json_measure(FileField *f, const json_t *v, int depth, double sentinel)
{
    if (!json_is_array(v)) {
        const char *text = json_string_value(v);
        bool na = text && (!strcasecmp(text, "NA") || !strcasecmp(text, "NaN"));
        double x = json_is_number(v) ? json_number_value(v) : json_is_true(v);
        see_value(f, json_is_null(v) || na || x == sentinel, x);
        return;
    }
    if (depth == LIMIT_RANK)
        return;
    int64_t n = (int64_t)json_array_size(v);
    f->shape.rank = depth + 1 > f->shape.rank ? depth + 1 : f->shape.rank;
    f->shape.dims[depth] = n > f->shape.dims[depth] ? n : f->shape.dims[depth];
    for (int64_t i = 0; i < n; i++)
        json_measure(f, json_array_get(v, (size_t)i), depth + 1, sentinel);
}

static FileField json_field(Ctx *c, const char *name, const json_t *v, const Asked *asked)
{
    FileField f = { .name = str(c, name), .largest = -INFINITY };
    const Asked *a = asked_for(asked, f.name);
    double x = json_number_value(v);
    f.whole = json_is_number(v) && x == floor(x) && x >= 0 && x < 9e15;
    f.value = f.whole ? (int64_t)x : 0;
    f.number = json_is_number(v) && !f.whole;
    f.x = x;
    json_measure(&f, v, 0, a ? a->sentinel : NAN);
    f.missing = a ? f.missing : 0;
    return f;
}

static json_t *json_root(Ctx *c, const char *text, size_t n, Str *why)
{
    json_error_t error;
    json_t *root = json_loadb(text, n, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);
    if (!root)
        *why = str_fmt(c, "line %d: %s", error.line, error.text);
    return root;
}

static bool json_fields(Ctx *c, const char *text, size_t n, const Asked *asked,
                        FileField **fields, bool *object, Str *why)
{
    json_t *root = json_root(c, text, n, why), *value;
    const char *key;
    *object = json_is_object(root);
    if (*object)
        json_object_foreach(root, key, value)
            vec_push(c, *fields, json_field(c, key, value, asked));
    json_decref(root);
    return root != NULL;
}

bool json_shape(Ctx *c, const char *path, Str name, FileShape *shape, Str *why)
{
    size_t n;
    char *text = read_whole(c, path, &n, why);
    json_t *root = text ? json_root(c, text, n, why) : NULL;
    const json_t *v = !json_is_object(root) ? root : name ? json_object_get(root, name)
        : json_object_size(root) == 1 ? json_object_iter_value(json_object_iter(root)) : NULL;
    if (v)
        *shape = json_field(c, "", v, NULL).shape;
    else if (root)
        *why = name ? str_fmt(c, "the object has no field `%s`", name)
                    : str(c, "an object of several fields: choose one, FILE:FIELD");
    json_decref(root);
    free(text);
    return v != NULL;
}

/* ---- CSV with a header ----------------------------------------------------------------------- */

static Str trimmed(Ctx *c, const char *at, size_t n)
{
    while (n && strchr(" \t\r\"", at[0]))
        at++, n--;
    while (n && strchr(" \t\r\"", at[n - 1]))
        n--;
    return str_n(c, at, n);
}

/* The values of a column. Those that are empty, NA or the sentinel are missing. text: the lines
 * after the header. */
static void csv_column(Ctx *c, const char *text, const char *end, char comma, size_t column,
                       double sentinel, FileField *f)
{
    size_t at = 0;
    for (const char *p = text, *q; p < end; p = q + 1) {
        for (q = p; q < end && *q != comma && *q != '\n'; q++)
            ;
        if (at == column && (q > p || at > 0 || (q < end && *q == comma))) {
            Str cell = trimmed(c, p, (size_t)(q - p));
            double x = strtod(cell, NULL);
            see_value(f, !*cell || !strcasecmp(cell, "NA") || !strcasecmp(cell, "NaN")
                         || x == sentinel, x);
        }
        at = q < end && *q == comma ? at + 1 : 0;
    }
}

static void csv_fields(Ctx *c, const char *text, size_t n, int64_t rows, const Asked *asked,
                       FileField **fields)
{
    const char *eol = memchr(text, '\n', n);
    size_t first = eol ? (size_t)(eol - text) : n, start = 0;
    bool number = false;
    char comma = memchr(text, '\t', first) ? '\t' : memchr(text, ';', first) ? ';' : ',';
    for (size_t i = 0; i <= first; i++) {
        if (i < first && text[i] != comma)
            continue;
        Str name = trimmed(c, text + start, i - start);
        char *end;
        strtod(name, &end);
        number |= *name && !*end;
        FileField f = { .name = name, .shape = { 1, { rows } }, .largest = -INFINITY };
        const Asked *a = asked_for(asked, name);
        if (eol && a)
            csv_column(c, eol + 1, text + n, comma, vec_len(*fields), a->sentinel, &f);
        vec_push(c, *fields, f);
        start = i + 1;
    }
    if (number)                            /* no header: one array */
        *fields = NULL;
}

bool file_fields(Ctx *c, const char *path, const Asked *asked, FileField **fields, bool *object,
                 Str *why)
{
    size_t n;
    char *text = read_whole(c, path, &n, why);
    if (!text)
        return false;
    size_t at = n >= 3 && !memcmp(text, "\xEF\xBB\xBF", 3) ? 3 : 0;
    while (at < n && strchr(" \t\r\n", text[at]) && text[at])
        at++;
    bool ok = true;
    FileShape shape;
    *object = false;
    if (at < n && (text[at] == '{' || text[at] == '['))
        ok = json_fields(c, text + at, n - at, asked, fields, object, why);
    else if (n > 0 && shape_file(c, path, &shape, why)
             && shape.rank == 2)
        csv_fields(c, text, n, shape.dims[0], asked, fields);
    free(text);
    return ok;
}
