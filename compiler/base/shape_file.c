/* shape_file.c - reads only the head of a data file: `dgmc FILE --data x=IMAGES` wants sizes.
 *
 * The formats are told apart by their first bytes, as the trainer does, which reads and checks the
 * whole file. zlib's gz functions read plain and gzipped files alike.
 */
#include "shape_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { HEAD = 1 << 16 };

static uint32_t big32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint32_t little(const unsigned char *p, int n)
{
    uint32_t v = 0;
    for (int i = n; i-- > 0;)
        v = v << 8 | p[i];
    return v;
}

static bool idx_shape(const unsigned char *p, size_t n, FileShape *s)
{
    s->rank = p[3];
    if (s->rank < 1 || s->rank > LIMIT_RANK || n < 4 + 4 * (size_t)s->rank)
        return false;
    for (int i = 0; i < s->rank; i++)
        s->dims[i] = big32(p + 4 + 4 * i);
    return true;
}

/* 'shape': (60000, 784), */
static bool npy_shape(const unsigned char *p, size_t n, FileShape *s)
{
    if (n < 12)
        return false;
    int wide = p[6] >= 2 ? 4 : 2;
    size_t at = 8 + (size_t)wide, length = little(p + 8, wide);
    if (length > n - at)
        return false;
    char head[HEAD + 1];
    memcpy(head, p + at, length);
    head[length] = 0;
    char *q = strstr(head, "'shape'");
    q = q ? strchr(q, '(') : NULL;
    if (!q)
        return false;
    for (q++; *q && *q != ')';) {
        char *end;
        long long v = strtoll(q, &end, 10);
        if (end == q || v < 0 || s->rank == LIMIT_RANK)
            return false;
        s->dims[s->rank++] = v;
        q = end + strspn(end, ", ");
    }
    return true;
}

/* The first member of a zip archive, stored or deflated. */
static bool npz_shape(const unsigned char *p, size_t n, FileShape *s)
{
    if (n < 30)
        return false;
    unsigned method = little(p + 8, 2);
    size_t at = 30 + (size_t)little(p + 26, 2) + little(p + 28, 2);
    if (at >= n)
        return false;
    if (method == 0)
        return !memcmp(p + at, "\x93NUMPY", 6) && npy_shape(p + at, n - at, s);
    static const size_t room = 4096;
    unsigned char out[4096];
    z_stream z = { .next_in = (unsigned char *)p + at, .avail_in = (unsigned)(n - at),
                   .next_out = out, .avail_out = (unsigned)room };
    if (method != 8 || inflateInit2(&z, -15) != Z_OK)
        return false;
    int rc = inflate(&z, Z_SYNC_FLUSH);
    size_t got = room - z.avail_out;
    inflateEnd(&z);
    return (rc == Z_OK || rc == Z_STREAM_END || rc == Z_BUF_ERROR) && got > 12
        && !memcmp(out, "\x93NUMPY", 6) && npy_shape(out, got, s);
}

static bool line_is_numbers(const char *line, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!strchr("0123456789+-.eE,; \t\r\"", line[i]))
            return false;
    return true;
}

/* Rows and columns; a first line with letters is a header. The rest is counted by reading on. */
static bool csv_shape(gzFile f, const unsigned char *p, size_t n, FileShape *s, const char *columns)
{
    const unsigned char *eol = memchr(p, '\n', n);
    size_t first = eol ? (size_t)(eol - p) : n;
    int64_t width = 1, rows = 0;
    bool quoted = false, pending = false;
    for (size_t i = 0; i < first; i++) {
        quoted ^= p[i] == '"';
        width += p[i] == ',' && !quoted;
    }
    bool header = !line_is_numbers((const char *)p, first);
    unsigned char buffer[HEAD];
    const unsigned char *at = p;
    for (int got = (int)n; got > 0; got = gzread(f, buffer, HEAD), at = buffer)
        for (int i = 0; i < got; i++) {
            rows += at[i] == '\n' && pending;
            pending = at[i] == '\n' ? false : pending || (at[i] != '\r' && at[i] != ' ');
        }
    rows += pending;
    s->rank = 2;
    s->dims[0] = rows - header;
    s->dims[1] = width;
    if (columns) {
        char *end;
        long long a = strtoll(columns, &end, 10), b = *end == '-' ? strtoll(end + 1, &end, 10) : a;
        bool range = *columns >= '0' && *columns <= '9' && !*end && a >= 0 && b >= a && b < width;
        s->rank = range && b > a ? 2 : 1;
        s->dims[1] = b - a + 1;
    }
    return rows > header;
}

bool shape_file(Ctx *c, const char *path, FileShape *s, Str *why)
{
    unsigned char head[HEAD];
    const char *colon = strrchr(path, ':');
    *s = (FileShape){ 0 };
    gzFile f = gzopen(path, "rb");
    Str columns = NULL, name = path;
    if (!f && colon) {                     /* FILE:COLUMNS or FILE:MEMBER */
        columns = str(c, colon + 1);
        name = str_n(c, path, (size_t)(colon - path));
        f = gzopen(name, "rb");
    }
    if (!f) {
        *why = str_fmt(c, "cannot open: %s", errno ? strerror(errno) : "out of memory");
        return false;
    }
    int n = gzread(f, head, HEAD), at = 0;
    while (at < n && strchr(" \t\r\n", head[at]) && head[at])
        at++;
    if (at < n && (head[at] == '[' || head[at] == '{')) {
        gzclose(f);
        return json_shape(c, name, columns, s, why);
    }
    bool ok = false;
    if (n >= 4 && !memcmp(head, "PK\3\4", 4))
        ok = npz_shape(head, (size_t)n, s);
    else if (n >= 10 && !memcmp(head, "\x93NUMPY", 6))
        ok = npy_shape(head, (size_t)n, s);
    else if (n >= 4 && head[0] == 0 && head[1] == 0 && head[2] >= 8 && head[2] <= 14)
        ok = idx_shape(head, (size_t)n, s);
    else if (n > 0 && !memchr(head, 0, (size_t)n))
        ok = csv_shape(f, head, (size_t)n, s, columns);
    gzclose(f);
    if (!ok)
        *why = str(c, "neither a readable npy, npz, IDX, CSV nor JSON file");
    return ok;
}
