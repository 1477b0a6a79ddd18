/* json.c - reads one field of a JSON object, in the layout of the field: nested arrays, outermost
 * axis first, and scalars.
 *
 *     {"J": 8, "y": [28, 8, -3], "X": [[1, 0.5], [1, null]]}       FILE:y, FILE:X
 * null and "NA" are missing: NaN. "Inf", "-Inf" and "NaN" are the numbers that JSON cannot write;
 * true and false are 1 and 0. Every level of an array has one length. A file that is an array or a
 * number itself needs no selector.
 */
#include "data/read.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Bytes of a byte order mark at the beginning. */
static size_t mark(const uint8_t *bytes, size_t n)
{
    return n >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
}

bool json_match(const uint8_t *head, size_t n)
{
    size_t at = mark(head, n);

    while (at < n && strchr(" \t\r\n", head[at]) != NULL && head[at] != '\0')
        at++;
    return at < n && (head[at] == '{' || head[at] == '[');
}

/* ---- values ---------------------------------------------------------------------------------- */

typedef struct Filling {
    const char *file, *field;          /* field: "" if the file is the value itself */
    DgmArray *array;                   /* data NULL: only checks */
    DataError *e;
    const json_t *top;                 /* the value */
    long width;                        /* DataFile's */
    bool whole;                        /* every value so far is an integer below 2^53 */
    long at, index[ARRAY_MAX_RANK];
} Filling;

static bool text_value(const char *text, double *value)
{
    static const struct { const char *text; double value; } words[] = {
        { "NA", NAN }, { "NaN", NAN }, { "Inf", INFINITY }, { "Infinity", INFINITY },
        { "+Inf", INFINITY }, { "-Inf", -INFINITY }, { "-Infinity", -INFINITY },
    };

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(text, words[i].text) == 0) {
            *value = words[i].value;
            return true;
        }
    return false;
}

static bool scalar(const json_t *v, double *value)
{
    switch (json_typeof(v)) {
    case JSON_INTEGER: *value = (double)json_integer_value(v); return true;
    case JSON_REAL:    *value = json_real_value(v); return true;
    case JSON_TRUE:    *value = 1; return true;
    case JSON_FALSE:   *value = 0; return true;
    case JSON_NULL:    *value = NAN; return true;
    case JSON_STRING:  return text_value(json_string_value(v), value);
    default:           return false;
    }
}

/* "`y[2][0]`" of the value `depth` axes down. */
static void place_text(const Filling *f, int depth, char *buffer, size_t size)
{
    size_t at = (size_t)snprintf(buffer, size, "`%.80s", f->field);

    for (int i = 0; i < depth && at < size; i++)
        at += (size_t)snprintf(buffer + at, size - at, "[%ld]", f->index[i]);
    if (at == 1)
        snprintf(buffer, size, "the value");
    else if (at < size)
        snprintf(buffer + at, size - at, "`");
}

static long longest(const json_t *rows, long least)
{
    for (size_t i = 0; i < json_array_size(rows); i++) {
        long n = (long)json_array_size(json_array_get(rows, i));

        least = n > least ? n : least;
    }
    return least;
}

/* The shape that the first elements show. */
static bool measure(Filling *f, const json_t *v)
{
    DgmArray *a = f->array;
    char place[280];

    place_text(f, 0, place, sizeof place);
    a->rank = 0;
    for (; json_is_array(v); v = json_array_get(v, 0)) {
        if (a->rank == ARRAY_MAX_RANK)
            return data_fail(f->e, NULL, "%s: %s is nested more than %d deep", f->file, place,
                             ARRAY_MAX_RANK);
        a->shape[a->rank++] = (long)json_array_size(v);
        if (a->rank == 2 && f->width > 0)
            a->shape[1] = longest(f->top, f->width);
    }
    return true;
}

static bool refuse(Filling *f, const json_t *v, int depth)
{
    char place[280];

    place_text(f, depth, place, sizeof place);
    if (json_is_array(v) && depth < f->array->rank)
        return data_fail(f->e, "every level of an array has one length; pad it, or give flat ones",
                         "%s: %s has %zu elements, others at this level have %ld", f->file,
                         place, json_array_size(v), f->array->shape[depth]);
    if (json_is_string(v))
        return data_fail(f->e, "write numbers, null for a missing one",
                         "%s: %s is the text \"%.60s\"", f->file, place, json_string_value(v));
    return data_fail(f->e, "write nested arrays of numbers", "%s: %s is %s", f->file, place,
                     json_is_object(v) ? "an object" : json_is_array(v) ? "an array, where others "
                     "at this level are numbers" : "a single value, where others at this level are "
                     "arrays");
}

/* The cells that a short row lacks. */
static void pad(Filling *f, long n)
{
    for (int i = 2; i < f->array->rank; i++)
        n *= f->array->shape[i];
    f->whole &= n == 0;
    for (long i = 0; i < n && f->array->data != NULL; i++)
        ((double *)f->array->data)[f->at++] = NAN;
}

/* Checks v, which is `depth` axes down; stores its elements if there is room for them. */
static bool fill(Filling *f, const json_t *v, int depth)
{
    if (depth == f->array->rank) {
        double x;

        if (json_is_array(v) || !scalar(v, &x))
            return refuse(f, v, depth);
        f->whole &= x == floor(x) && fabs(x) < 9007199254740992.0;
        if (f->array->data != NULL && f->array->type == ARRAY_I64)
            ((int64_t *)f->array->data)[f->at++] = (int64_t)x;
        else if (f->array->data != NULL)
            ((double *)f->array->data)[f->at++] = x;
        return true;
    }
    long short_by = f->array->shape[depth] - (long)json_array_size(v);
    bool may_be_short = depth == 1 && f->width > 0 && short_by > 0;

    if (!json_is_array(v) || (short_by != 0 && !may_be_short))
        return refuse(f, v, depth);
    for (size_t i = 0; i < json_array_size(v); i++) {
        f->index[depth] = (long)i;
        if (!fill(f, json_array_get(v, i), depth + 1))
            return false;
    }
    if (may_be_short)
        pad(f, short_by);
    return true;
}

/* Checks before it allocates: [[1, .. 1000], [], .. 1000] is a small file, and no large array.
 * Whole numbers are held as such, so that labels and counts are seen to be whole. */
static bool read_value(Filling *f, const json_t *v, bool shape_only)
{
    DgmArray *a = f->array;
    size_t bytes;

    a->type = ARRAY_F64;
    f->top = v;
    if (!measure(f, v) || !array_measure(a, f->file, &bytes, f->e))
        return false;
    if (shape_only)
        return true;
    if (!fill(f, v, 0))
        return false;
    a->type = f->whole ? ARRAY_I64 : ARRAY_F64;
    a->data = malloc(bytes ? bytes : 1);
    if (a->data == NULL)
        return data_fail(f->e, NULL, "%s: no memory", f->file);
    return fill(f, v, 0);
}

/* ---- the file -------------------------------------------------------------------------------- */

static void list_fields(const json_t *object, char *buffer, size_t size)
{
    const char *key;
    json_t *value;
    size_t at = 0;

    buffer[0] = '\0';
    json_object_foreach((json_t *)object, key, value)
        if (at + 1 < size)
            at += (size_t)snprintf(buffer + at, size - at, "%s%s", at ? ", " : "", key);
}

static const char *invalid_help(const char *why)
{
    if (strstr(why, "'NaN'") != NULL || strstr(why, "Infinity'") != NULL)
        return "JSON has no such number: write null for a missing value, \"Inf\" in quotes for an "
               "infinite one";
    if (strstr(why, "too big integer") != NULL)
        return "write a whole number beyond 2^63 with a point";
    return "the file is no valid JSON";
}

static json_t *parse(const DataFile *f, DataError *e)
{
    json_error_t error;
    size_t at = mark(f->bytes, f->n);
    json_t *root = json_loadb((const char *)f->bytes + at, f->n - at,
                              JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (root == NULL)
        data_error(e, invalid_help(error.text), "%s:%d:%d: %s", f->name, error.line, error.column,
                   error.text);
    return root;
}

/* Of *field, or of the only one there is: then it is named there. */
static const json_t *find_field(const DataFile *f, const json_t *root, const char **field,
                                DataError *e)
{
    const char *selector = *field;
    char fields[200], help[256];

    if (!json_is_object(root)) {
        *field = "";
        return array_no_selector(f, selector, e) ? root : NULL;
    }
    list_fields(root, fields, sizeof fields);
    snprintf(help, sizeof help, "its fields are: %s", fields);
    if (selector == NULL && json_object_size(root) == 1) {
        void *only = json_object_iter((json_t *)root);

        *field = json_object_iter_key(only);
        return json_object_iter_value(only);
    }
    if (selector == NULL) {
        data_error(e, help, "%s is an object: choose a field, FILE:FIELD", f->name);
        return NULL;
    }
    const json_t *v = json_object_get(root, selector);
    if (v == NULL)
        data_error(e, help, "%s has no field `%s`", f->name, selector);
    return v;
}

bool json_read(DataFile *f, const char *selector, bool shape_only, DgmArray *out, DataError *e)
{
    json_t *root = parse(f, e);
    const json_t *v = root ? find_field(f, root, &selector, e) : NULL;
    Filling filling = { .file = f->name, .field = selector, .array = out, .e = e,
                        .width = f->width, .whole = true };
    bool ok = v != NULL && read_value(&filling, v, shape_only);

    json_decref(root);
    return ok;
}

bool json_members(const DataFile *f, DataMember add, void *to, bool *named, DataError *e)
{
    json_t *root = parse(f, e), *value;
    const char *key;
    bool ok = root != NULL;

    *named = json_is_object(root);
    if (*named)
        json_object_foreach(root, key, value)
            ok = ok && add(to, key);
    json_decref(root);
    return ok;
}
