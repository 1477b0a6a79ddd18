/* array.c - finds out what a file is and has it read: the table of formats.
 *
 * Idea: magic bytes decide, never the name, except for CSV, which has none. A gzipped file is
 * expanded first: its head tells the format and what the header promises, and that promise bounds
 * the expansion.
 * establishes: a->count is the product of a->shape, and a->data holds exactly that many elements.
 */
#include "data/read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#define XXH_INLINE_ALL                 /* header only: nothing to link */
#include <xxhash.h>

static const DataFormat formats[] = {
    { "npy", "npy", npy_match, npy_promised, npy_read, NULL },
    { "npz", "npz", zip_match, NULL, npz_read, NULL },
    { "idx", "", idx_match, idx_promised, idx_read, NULL },
    { "json", "json", json_match, NULL, json_read, json_members },
    { "csv", "csv tsv txt dat data amat", NULL, NULL, csv_read, csv_members },
};

#define N_FORMATS (sizeof formats / sizeof formats[0])

static const struct { const char *name; size_t bytes; } types[ARRAY_TYPES] = {
    [ARRAY_BOOL] = { "bool", 1 }, [ARRAY_U8] = { "u8", 1 },   [ARRAY_I8] = { "i8", 1 },
    [ARRAY_U16] = { "u16", 2 },   [ARRAY_I16] = { "i16", 2 }, [ARRAY_U32] = { "u32", 4 },
    [ARRAY_I32] = { "i32", 4 },   [ARRAY_U64] = { "u64", 8 }, [ARRAY_I64] = { "i64", 8 },
    [ARRAY_F32] = { "f32", 4 },   [ARRAY_F64] = { "f64", 8 },
};

void data_error(DataError *e, const char *help, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(e->text, sizeof e->text, format, args);
    va_end(args);
    snprintf(e->help, sizeof e->help, "%s", help ? help : "");
    for (char *at = e->text; *at; at++)  /* a file must not be able to write to the terminal */
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            *at = '?';
}

size_t array_type_bytes(ArrayType type)
{
    return types[type].bytes;
}

const char *array_type_name(ArrayType type)
{
    return types[type].name;
}

void array_free(DgmArray *a)
{
    free(a->data);
    a->data = NULL;
}

void array_shape_text(const DgmArray *a, char *buffer, size_t size)
{
    size_t at = (size_t)snprintf(buffer, size, "[");

    for (int i = 0; i < a->rank && at < size; i++)
        at += (size_t)snprintf(buffer + at, size - at, "%s%ld", i ? ", " : "", a->shape[i]);
    if (at < size)
        snprintf(buffer + at, size - at, "]");
}

double array_value(const DgmArray *a, long i)
{
    switch (a->type) {
    case ARRAY_BOOL: case ARRAY_U8: return ((const uint8_t *)a->data)[i];
    case ARRAY_I8:  return ((const int8_t *)a->data)[i];
    case ARRAY_U16: return ((const uint16_t *)a->data)[i];
    case ARRAY_I16: return ((const int16_t *)a->data)[i];
    case ARRAY_U32: return ((const uint32_t *)a->data)[i];
    case ARRAY_I32: return ((const int32_t *)a->data)[i];
    case ARRAY_U64: return (double)((const uint64_t *)a->data)[i];
    case ARRAY_I64: return (double)((const int64_t *)a->data)[i];
    case ARRAY_F32: return (double)((const float *)a->data)[i];
    case ARRAY_F64: return ((const double *)a->data)[i];
    case ARRAY_TYPES: break;
    }
    return 0;
}

uint64_t data_hash(const void *bytes, size_t n, uint64_t seed)
{
    return XXH3_64bits_withSeed(bytes, n, seed);
}

uint64_t array_hash(const DgmArray *a)
{
    int64_t head[2 + ARRAY_MAX_RANK] = { (int64_t)a->type, a->rank };

    for (int i = 0; i < a->rank; i++)
        head[2 + i] = a->shape[i];
    return data_hash(a->data, (size_t)a->count * types[a->type].bytes,
                     data_hash(head, sizeof head, 0));
}

bool array_measure(DgmArray *a, const char *name, size_t *bytes, DataError *e)
{
    long count = 1, span = 1;            /* span ignores zeros: [2^62, 0, 4] is refused too */
    size_t total;
    bool over = false;

    for (int i = 0; i < a->rank; i++) {
        over |= __builtin_mul_overflow(span, a->shape[i] ? a->shape[i] : 1, &span);
        count = over ? 0 : count * a->shape[i];
    }
    over |= __builtin_mul_overflow((size_t)span, types[a->type].bytes, &total);
    over |= total > SIZE_MAX / 4;
    if (over) {
        char shape[256];

        array_shape_text(a, shape, sizeof shape);
        return data_fail(e, "the file is damaged or was not written as an array",
                         "%s: the header says shape %s, more than memory can hold", name, shape);
    }
    a->count = count;
    *bytes = (size_t)count * types[a->type].bytes;
    return true;
}

static void swap_bytes(void *data, size_t count, size_t width)
{
    uint16_t *h = data;
    uint32_t *w = data;
    uint64_t *d = data;

    for (size_t i = 0; width == 2 && i < count; i++)
        h[i] = __builtin_bswap16(h[i]);
    for (size_t i = 0; width == 4 && i < count; i++)
        w[i] = __builtin_bswap32(w[i]);
    for (size_t i = 0; width == 8 && i < count; i++)
        d[i] = __builtin_bswap64(d[i]);
}

bool array_take(DgmArray *a, DataFile *f, size_t offset, size_t bytes, bool big_endian,
                DataError *e)
{
    if (f->n - offset != bytes) {
        bool less = f->n - offset < bytes;

        return data_fail(e, less ? "the file was cut off; copy or download it again"
                                 : "the file holds more than one array, or is damaged",
                         "%s: the array should end at byte %zu, but the file %s byte %zu", f->name,
                         offset + bytes, less ? "ends at" : "goes on to", f->n);
    }
    memmove(f->bytes, f->bytes + offset, bytes);
    a->data = f->bytes;
    f->bytes = NULL;
    void *fit = realloc(a->data, bytes ? bytes : 1);
    if (fit != NULL)
        a->data = fit;
    if (big_endian != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__))
        swap_bytes(a->data, (size_t)a->count, types[a->type].bytes);
    return true;
}

bool array_no_selector(const DataFile *f, const char *selector, DataError *e)
{
    if (selector == NULL)
        return true;
    return data_fail(e, "leave `:...` out; it chooses a field of JSON, a member of .npz or columns "
                     "of CSV",
                     "%s holds one array, there is nothing to select with `:%s`", f->name,
                     selector);
}

/* ---- which format ---------------------------------------------------------------------------- */

static bool name_has_ending(const char *name, const char *endings)
{
    size_t n = strlen(name);

    if (n > 3 && strcasecmp(name + n - 3, ".gz") == 0)
        n -= 3;
    for (const char *at = endings; *at; at += strspn(at, " ")) {
        size_t k = strcspn(at, " ");

        if (n > k + 1 && name[n - k - 1] == '.' && strncasecmp(name + n - k, at, k) == 0)
            return true;
        at += k;
    }
    return false;
}

/* Text without a known ending is CSV if its head is printable. */
static bool looks_like_text(const uint8_t *head, size_t n)
{
    size_t m = n < 512 ? n : 512;

    for (size_t i = 0; i < m; i++)
        if (head[i] < 0x20 && !strchr("\t\r\n", head[i]))
            return false;
    return m > 0 && memchr("0123456789+-.\"", head[0], 14) != NULL;
}

static const DataFormat *format_find(const char *name, const char *wanted, const uint8_t *head,
                                     size_t n)
{
    for (size_t i = 0; i < N_FORMATS; i++) {
        const DataFormat *f = &formats[i];

        if (wanted ? strcmp(f->name, wanted) == 0 : f->match != NULL && f->match(head, n))
            return f;
    }
    for (size_t i = 0; i < N_FORMATS; i++)
        if (wanted == NULL && name_has_ending(name, formats[i].endings))
            return &formats[i];          /* its reader will say what is wrong with the magic */
    return wanted == NULL && looks_like_text(head, n) ? &formats[N_FORMATS - 1] : NULL;
}

/* Replaces a gzipped file by what is in it. */
static bool expand(DataFile *f, const char *wanted, bool shape_only, DataError *e)
{
    uint8_t *out = NULL;
    size_t n = 0, limit = gz_cap(f->n), total;
    bool ended, promised = false;

    if (!gz_inflate(f->name, f->bytes, f->n, false, DATA_HEAD, &out, &n, &ended, e))
        return false;
    const DataFormat *format = format_find(f->name, wanted, out, n);
    if (gz_match(out, n)) {
        free(out);
        return data_fail(e, "gunzip it once", "%s is a gzip file inside a gzip file", f->name);
    }
    if (!ended && format != NULL && format->promised != NULL
        && format->promised(out, n, &total) && total < limit) {
        limit = total + 1;               /* one more, to find out whether there is more */
        promised = true;
    }
    if (!ended && format != NULL && !(shape_only && format->promised != NULL)) {
        free(out);
        out = NULL;
        if (!gz_inflate(f->name, f->bytes, f->n, false, limit, &out, &n, &ended, e))
            return false;
        if (!ended && !promised) {
            free(out);
            return data_fail(e, "if it is what you want, expand it with gunzip first",
                             "%s expands to more than 1000 times its size (%zu bytes)", f->name,
                             f->n);
        }
    }
    free(f->bytes);
    f->bytes = out;
    f->n = n;
    f->whole = ended;
    return true;
}

/* The format of a file, which is expanded if it is gzipped; NULL after an error. */
static const DataFormat *open_format(DataFile *f, const char *wanted, bool shape_only,
                                     DataError *e)
{
    if (f->n == 0) {
        data_error(e, NULL, "%s is empty", f->name);
        return NULL;
    }
    if (gz_match(f->bytes, f->n) && !expand(f, wanted, shape_only, e))
        return NULL;
    if (f->n == 0) {
        data_error(e, NULL, "%s holds an empty file", f->name);
        return NULL;
    }
    const DataFormat *format = format_find(f->name, wanted, f->bytes, f->n);
    if (format == NULL)
        data_error(e, "use JSON, .npy, .npz, IDX or CSV, each also gzipped",
                   "%s is in no format that can be read: it begins with bytes %02x %02x %02x %02x",
                   f->name, f->bytes[0], f->n > 1 ? f->bytes[1] : 0, f->n > 2 ? f->bytes[2] : 0,
                   f->n > 3 ? f->bytes[3] : 0);
    return format;
}

static bool read_file(DataFile *f, const char *selector, const char *wanted, bool shape_only,
                      DgmArray *out, DataError *e)
{
    memset(out, 0, sizeof *out);
    const DataFormat *format = open_format(f, wanted, shape_only, e);
    if (format == NULL)
        return false;
    if (!format->read(f, selector, shape_only, out, e)) {
        array_free(out);
        return false;
    }
    out->format = format->name;
    if (shape_only)
        array_free(out);
    return true;
}

/* ---- from disk ------------------------------------------------------------------------------- */

static bool read_all(int fd, DataFile *f, DataError *e)
{
    for (size_t done = 0; done < f->n;) {
        ssize_t got = read(fd, f->bytes + done, f->n - done);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return data_fail(e, NULL, "cannot read %s at byte %zu: %s", f->name, done,
                             strerror(errno));
        if (got == 0)
            return data_fail(e, "wait until it is complete", "%s became shorter while it was read",
                             f->name);
        done += (size_t)got;
    }
    return true;
}

/* Reads the whole file, or of an npy or IDX file whose shape only is wanted the head. */
static bool load(DataFile *f, bool shape_only, DataError *e)
{
    struct stat st;
    int fd = open(f->name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        return data_fail(e, "check the name", "cannot open %s: %s", f->name, strerror(errno));
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return data_fail(e, "store the data in a file first", "%s is not a regular file", f->name);
    }
    size_t size = (size_t)st.st_size, head = size < DATA_HEAD ? size : DATA_HEAD;
    f->bytes = malloc(size + 1);
    if (f->bytes == NULL) {
        close(fd);
        return data_fail(e, "use a machine with more memory", "%s: no memory for its %zu bytes",
                         f->name, size);
    }
    f->n = head;
    bool ok = read_all(fd, f, e);
    const DataFormat *format = ok && head > 0 ? format_find(f->name, NULL, f->bytes, head) : NULL;
    f->whole = head == size;
    if (ok && !f->whole && !(shape_only && format != NULL && format->promised != NULL)) {
        DataFile rest = { .name = f->name, .bytes = f->bytes + head, .n = size - head };

        ok = read_all(fd, &rest, e);
        f->n = size;
        f->whole = true;
    }
    close(fd);
    return ok;
}

static bool file_exists(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0;
}

/* Splits "FILE:selector" in place, unless a file of the whole name exists. A field's name may have
 * colons: FILE is the longest name of a file. */
static char *split_selector(char *path)
{
    if (file_exists(path))
        return NULL;
    for (size_t i = strlen(path); i-- > 1;) {
        if (path[i] != ':')
            continue;
        path[i] = '\0';
        if (file_exists(path))
            return path + i + 1;
        path[i] = ':';
    }
    return NULL;
}

static bool read_path(const char *path, bool shape_only, long width, DgmArray *out, DataError *e)
{
    DataFile f = { .name = strdup(path), .width = width };

    memset(out, 0, sizeof *out);
    if (f.name == NULL)
        return data_fail(e, NULL, "no memory");
    char *selector = split_selector((char *)f.name);
    bool ok = load(&f, shape_only, e) && read_file(&f, selector, NULL, shape_only, out, e);
    free(f.bytes);
    free((char *)f.name);
    return ok;
}

bool array_read(const char *path, DgmArray *out, DataError *e)
{
    return read_path(path, false, 0, out, e);
}

bool array_read_ragged(const char *path, long width, DgmArray *out, DataError *e)
{
    return read_path(path, false, width, out, e);
}

bool array_shape(const char *path, DgmArray *out, DataError *e)
{
    return read_path(path, true, 0, out, e);
}

bool array_members(const char *path, const char **format, DataMember add, void *to, DataError *e)
{
    DataFile f = { .name = path };
    bool ok = load(&f, true, e);         /* formats of which the head is enough have no members */
    const DataFormat *found = ok ? open_format(&f, NULL, true, e) : NULL;
    bool named = false;

    if (found != NULL && found->members != NULL)
        ok = found->members(&f, add, to, &named, e);
    *format = named ? found->name : NULL;
    free(f.bytes);
    return ok && found != NULL;
}

void array_count_from_0(DgmArray *a, double first)
{
    for (long i = 0; i < a->count; i++)
        switch (a->type) {
        case ARRAY_BOOL: case ARRAY_U8: ((uint8_t *)a->data)[i] -= (uint8_t)first; break;
        case ARRAY_I8:  ((int8_t *)a->data)[i] -= (int8_t)first; break;
        case ARRAY_U16: ((uint16_t *)a->data)[i] -= (uint16_t)first; break;
        case ARRAY_I16: ((int16_t *)a->data)[i] -= (int16_t)first; break;
        case ARRAY_U32: ((uint32_t *)a->data)[i] -= (uint32_t)first; break;
        case ARRAY_I32: ((int32_t *)a->data)[i] -= (int32_t)first; break;
        case ARRAY_U64: ((uint64_t *)a->data)[i] -= (uint64_t)first; break;
        case ARRAY_I64: ((int64_t *)a->data)[i] -= (int64_t)first; break;
        case ARRAY_F32: ((float *)a->data)[i] -= (float)first; break;
        case ARRAY_F64: ((double *)a->data)[i] -= first; break;
        case ARRAY_TYPES: break;
        }
}

bool array_read_memory(const char *name, const char *selector, const char *format,
                       const void *bytes, size_t n, DgmArray *out, DataError *e)
{
    DataFile f = { .name = name, .bytes = malloc(n + 1), .n = n, .whole = true };

    memset(out, 0, sizeof *out);
    if (f.bytes == NULL)
        return data_fail(e, NULL, "no memory");
    if (n > 0)
        memcpy(f.bytes, bytes, n);
    bool ok = read_file(&f, selector, format, false, out, e);
    free(f.bytes);
    return ok;
}
