/* npy.c - reads NumPy's .npy files, versions 1 to 3.
 *
 * Magic, version, header length, then a Python dict literal with exactly `descr`, `fortran_order`
 * and `shape`, then the values. The dict is read by a parser of its own: nothing is evaluated,
 * nothing but these keys is accepted, pickled objects are refused. Fortran order is turned into C
 * order, big-endian values into native ones. The file must end exactly where the array ends.
 */
#include "data/read.h"

#include <stdlib.h>
#include <string.h>

#define HEADER_MAX 60000               /* NumPy itself stops at 10,000; must stay below DATA_HEAD */

typedef struct NpyHeader {
    const char *name;                  /* file, for messages */
    const char *text, *at, *end;       /* the dict; where we are; its end */
    size_t base;                       /* offset of text in the file */
    DataError *e;
    bool big_endian, fortran;
    bool has_descr, has_fortran, has_shape;
} NpyHeader;

static bool bad(NpyHeader *h, const char *what)
{
    return data_fail(h->e, "save it again with numpy.save", "%s: header, byte %zu: %s", h->name,
                     h->base + (size_t)(h->at - h->text), what);
}

static void skip_blanks(NpyHeader *h)
{
    while (h->at < h->end && (*h->at == ' ' || *h->at == '\n' || *h->at == '\t' || *h->at == '\r'))
        h->at++;
}

static bool accept(NpyHeader *h, char c)
{
    skip_blanks(h);
    if (h->at == h->end || *h->at != c)
        return false;
    h->at++;
    return true;
}

/* A quoted string without escapes, into buffer. */
static bool quoted(NpyHeader *h, char *buffer, size_t size)
{
    skip_blanks(h);
    if (h->at == h->end || (*h->at != '\'' && *h->at != '"'))
        return bad(h, "expected a quoted string");
    const char *start = h->at + 1, *stop = memchr(start, *h->at, (size_t)(h->end - start));
    if (stop == NULL)
        return bad(h, "a quoted string does not end");
    if ((size_t)(stop - start) >= size || memchr(start, '\\', (size_t)(stop - start)))
        return bad(h, "this string is neither a key nor a type that can be read");
    memcpy(buffer, start, (size_t)(stop - start));
    buffer[stop - start] = '\0';
    h->at = stop + 1;
    return true;
}

static bool descr(NpyHeader *h, DgmArray *a)
{
    static const struct { const char *code; ArrayType type; } codes[] = {
        { "b1", ARRAY_BOOL }, { "u1", ARRAY_U8 },  { "i1", ARRAY_I8 },  { "u2", ARRAY_U16 },
        { "i2", ARRAY_I16 },  { "u4", ARRAY_U32 }, { "i4", ARRAY_I32 }, { "u8", ARRAY_U64 },
        { "i8", ARRAY_I64 },  { "f4", ARRAY_F32 }, { "f8", ARRAY_F64 },
    };
    char text[32];

    skip_blanks(h);
    if (h->at < h->end && *h->at == '[')
        return data_fail(h->e, "save one field: numpy.save(file, a['field'])",
                         "%s: a structured array (records) is not an array of numbers", h->name);
    if (!quoted(h, text, sizeof text))
        return false;
    const char *code = text + (strchr("<>=|", text[0]) != NULL && text[0] != '\0');
    h->big_endian = text[0] == '>' || (text[0] != '<' && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (strcmp(code, codes[i].code) == 0) {
            a->type = codes[i].type;
            return true;
        }
    if (code[0] == 'O')
        return data_fail(h->e, "save numbers: numpy.save(file, a.astype('float32'))",
                         "%s holds pickled Python objects (dtype object), which can run code and "
                         "are never read", h->name);
    return data_fail(h->e, "save it as a.astype('float32') or another plain type",
                     "%s: element type '%s' cannot be read; bool, 8 to 64-bit integers, float32 "
                     "and float64 can", h->name, text);
}

static bool fortran_order(NpyHeader *h)
{
    skip_blanks(h);
    if (h->end - h->at >= 4 && memcmp(h->at, "True", 4) == 0) {
        h->fortran = true;
        h->at += 4;
        return true;
    }
    if (h->end - h->at >= 5 && memcmp(h->at, "False", 5) == 0) {
        h->at += 5;
        return true;
    }
    return bad(h, "fortran_order must be True or False");
}

static bool axis(NpyHeader *h, long *size)
{
    long value = 0;

    skip_blanks(h);
    if (h->at == h->end || *h->at < '0' || *h->at > '9')
        return bad(h, "the shape must be a tuple of whole numbers >= 0");
    for (; h->at < h->end && *h->at >= '0' && *h->at <= '9'; h->at++)
        if (__builtin_mul_overflow(value, 10L, &value)
            || __builtin_add_overflow(value, (long)(*h->at - '0'), &value))
            return bad(h, "a size in the shape is larger than 2^63 - 1");
    if (h->at < h->end && *h->at == 'L')
        h->at++;                         /* written by Python 2 */
    *size = value;
    return true;
}

static bool shape(NpyHeader *h, DgmArray *a)
{
    if (!accept(h, '('))
        return bad(h, "the shape must be a tuple");
    a->rank = 0;
    while (!accept(h, ')')) {
        if (a->rank == ARRAY_MAX_RANK)
            return bad(h, "the array has more than 8 axes");
        if (!axis(h, &a->shape[a->rank]))
            return false;
        a->rank++;
        if (!accept(h, ',')) {
            if (accept(h, ')'))
                return true;
            return bad(h, "expected `,` or `)` in the shape");
        }
    }
    return true;
}

static bool entry(NpyHeader *h, DgmArray *a)
{
    char key[32];
    bool *seen;

    if (!quoted(h, key, sizeof key))
        return false;
    if (!accept(h, ':'))
        return bad(h, "expected `:` after a key");
    seen = strcmp(key, "descr") == 0 ? &h->has_descr
         : strcmp(key, "fortran_order") == 0 ? &h->has_fortran
         : strcmp(key, "shape") == 0 ? &h->has_shape : NULL;
    if (seen == NULL)
        return bad(h, "the only keys are descr, fortran_order and shape");
    if (*seen)
        return bad(h, "a key is there twice");
    *seen = true;
    return seen == &h->has_descr ? descr(h, a) : seen == &h->has_shape ? shape(h, a)
         : fortran_order(h);
}

static bool dict(NpyHeader *h, DgmArray *a)
{
    if (!accept(h, '{'))
        return bad(h, "expected `{`");
    while (!accept(h, '}')) {
        if (!entry(h, a))
            return false;
        if (!accept(h, ',')) {
            if (accept(h, '}'))
                break;
            return bad(h, "expected `,` or `}`");
        }
    }
    skip_blanks(h);
    if (h->at != h->end)
        return bad(h, "something follows the header's `}`");
    if (!h->has_descr || !h->has_fortran || !h->has_shape)
        return bad(h, "descr, fortran_order and shape must all be there");
    return true;
}

/* Parses everything before the values; *offset is where they begin. */
static bool header(const char *name, const uint8_t *b, size_t n, DgmArray *a, NpyHeader *h,
                   size_t *offset, size_t *bytes, DataError *e)
{
    if (!npy_match(b, n))
        return data_fail(e, "save it again with numpy.save",
                         "%s does not begin with \\x93NUMPY: it is no .npy file", name);
    if (n < 8 || b[6] < 1 || b[6] > 3 || b[7] != 0)
        return data_fail(e, "versions 1.0, 2.0 and 3.0 can be read", "%s: version %d.%d of .npy",
                         name, n > 6 ? b[6] : 0, n > 7 ? b[7] : 0);
    size_t start = b[6] == 1 ? 10 : 12;
    if (n < start)
        return data_fail(e, "copy or download it again",
                         "%s was cut off at byte %zu, in the header", name, n);
    size_t length = b[8] | (size_t)b[9] << 8;
    if (b[6] > 1)
        length |= (size_t)b[10] << 16 | (size_t)b[11] << 24;
    if (length > HEADER_MAX)
        return data_fail(e, "the file is damaged, or holds records",
                         "%s: the header claims %zu bytes; at most %d are read", name, length,
                         HEADER_MAX);
    if (length > n - start)
        return data_fail(e, "copy or download it again",
                         "%s was cut off: its header ends at byte %zu, the file at byte %zu", name,
                         start + length, n);
    *h = (NpyHeader){ .name = name, .base = start, .e = e };
    h->text = h->at = (const char *)b + start;
    h->end = h->text + length;
    *offset = start + length;
    return dict(h, a) && array_measure(a, name, bytes, e);
}

bool npy_match(const uint8_t *head, size_t n)
{
    return n >= 6 && memcmp(head, "\x93NUMPY", 6) == 0;
}

bool npy_promised(const uint8_t *head, size_t n, size_t *total)
{
    DgmArray a = { 0 };
    NpyHeader h;
    DataError e;
    size_t offset, bytes;

    if (!header("", head, n, &a, &h, &offset, &bytes, &e))
        return false;
    *total = offset + bytes;
    return true;
}

/* Fortran order to C order: walks the result in C order, adding column-major strides. */
static bool transpose(DgmArray *a, const char *name, DataError *e)
{
    size_t width = array_type_bytes(a->type), step[ARRAY_MAX_RANK], from = 0, stride = 1;
    long index[ARRAY_MAX_RANK] = { 0 };
    uint8_t *c = malloc((size_t)a->count * width + 1);

    if (c == NULL)
        return data_fail(e, "save it in C order: numpy.ascontiguousarray(a)",
                         "%s: no memory to turn Fortran order into C order", name);
    for (int i = 0; i < a->rank; i++) {
        step[i] = stride;
        stride *= (size_t)a->shape[i];
    }
    for (long k = 0; k < a->count; k++) {
        memcpy(c + (size_t)k * width, (const uint8_t *)a->data + from * width, width);
        for (int i = a->rank - 1; i >= 0; i--) {
            from += step[i];
            if (++index[i] < a->shape[i])
                break;
            from -= step[i] * (size_t)a->shape[i];
            index[i] = 0;
        }
    }
    free(a->data);
    a->data = c;
    return true;
}

bool npy_read(DataFile *f, const char *selector, bool shape_only, DgmArray *out, DataError *e)
{
    NpyHeader h;
    size_t offset, bytes;

    if (!array_no_selector(f, selector, e)
        || !header(f->name, f->bytes, f->n, out, &h, &offset, &bytes, e))
        return false;
    if (shape_only && !f->whole)
        return true;
    return array_take(out, f, offset, bytes, h.big_endian, e)
        && (!h.fortran || out->rank < 2 || transpose(out, f->name, e));
}
