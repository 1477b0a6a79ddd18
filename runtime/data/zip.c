/* zip.c - finds and expands one member of a zip file, as numpy.savez writes them.
 *
 * Idea: only the central directory is believed, and the local header must agree with it. Names that
 * could escape a directory, duplicate names, encryption, spanning and other methods than stored and
 * deflated are refused for the whole file, whichever member is wanted. Zip64 is understood.
 */
#include "data/read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define MEMBERS_MAX 4096

static uint64_t little(const uint8_t *b, int bytes)
{
    uint64_t v = 0;

    for (int i = bytes - 1; i >= 0; i--)
        v = v << 8 | b[i];
    return v;
}

bool zip_match(const uint8_t *head, size_t n)
{
    return n >= 4 && head[0] == 'P' && head[1] == 'K'
        && ((head[2] == 3 && head[3] == 4) || (head[2] == 5 && head[3] == 6));
}

static bool damaged(const DataFile *zip, size_t at, const char *what, DataError *e)
{
    return data_fail(e, "copy it again, or save it again with numpy.savez",
                     "%s: damaged zip file, byte %zu: %s", zip->name, at, what);
}

typedef struct Directory {
    size_t at, size;
    uint64_t members;
} Directory;

/* The larger fields of a zip64 file stand in a second end record before the first. */
static bool directory64(const DataFile *zip, size_t end, Directory *d, DataError *e)
{
    const uint8_t *b = zip->bytes;

    if (end < 20 || little(b + end - 20, 4) != 0x07064b50)
        return damaged(zip, end, "the zip64 locator is missing", e);
    uint64_t at = little(b + end - 12, 8);
    if (at > end - 20 || end - 20 - at < 56 || little(b + at, 4) != 0x06064b50)
        return damaged(zip, end - 12, "the zip64 end record is not where it should be", e);
    d->members = little(b + at + 32, 8);
    d->size = little(b + at + 40, 8);
    d->at = little(b + at + 48, 8);
    return true;
}

static bool directory(const DataFile *zip, Directory *d, DataError *e)
{
    const uint8_t *b = zip->bytes;
    size_t end;

    if (zip->n < 22)
        return damaged(zip, 0, "too short", e);
    for (end = zip->n - 22;; end--) {
        if (little(b + end, 4) == 0x06054b50 && end + 22 + little(b + end + 20, 2) == zip->n)
            break;
        if (end == 0 || zip->n - end > 22 + 65535)
            return damaged(zip, zip->n, "no end record: the file was cut off", e);
    }
    if (little(b + end + 4, 2) != 0 && little(b + end + 4, 2) != 0xffff)
        return damaged(zip, end, "it is one part of several", e);
    d->members = little(b + end + 10, 2);
    d->size = little(b + end + 12, 4);
    d->at = little(b + end + 16, 4);
    if ((d->members == 0xffff || d->size == 0xffffffff || d->at == 0xffffffff)
        && !directory64(zip, end, d, e))
        return false;
    if (d->at > end || d->size > end - d->at)
        return damaged(zip, end, "the directory lies outside the file", e);
    if (d->members > MEMBERS_MAX)
        return data_fail(e, "split it", "%s: %llu members; at most %d are read", zip->name,
                         (unsigned long long)d->members, MEMBERS_MAX);
    return true;
}

/* In zip64 files, fields that are all ones stand in an extra field, in this order. */
static bool extra64(const uint8_t *extra, size_t n, uint64_t *size, uint64_t *stored, uint64_t *at)
{
    uint64_t *fields[3] = { size, stored, at };

    while (n >= 4) {
        size_t id = little(extra, 2), length = little(extra + 2, 2);

        if (length > n - 4)
            return false;
        for (int i = 0; id == 1 && i < 3; i++) {
            if (*fields[i] != 0xffffffff)
                continue;
            if (length < 8)
                return false;
            *fields[i] = little(extra + 4, 8);
            extra += 8;
            n -= 8;
            length -= 8;
        }
        if (id == 1)
            return true;
        extra += 4 + length;
        n -= 4 + length;
    }
    return *size != 0xffffffff && *stored != 0xffffffff && *at != 0xffffffff;
}

static bool name_is_safe(const uint8_t *name, size_t n)
{
    if (n == 0 || n > 255 || name[0] == '/' || memchr(name, '\\', n) || memchr(name, ':', n))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (name[i] < 0x20 || name[i] == 0x7f)
            return false;
        if (name[i] == '.' && (i == 0 || name[i - 1] == '/')
            && (i + 1 == n || name[i + 1] == '/'
                || (name[i + 1] == '.' && (i + 2 == n || name[i + 2] == '/'))))
            return false;
    }
    return true;
}

/* The local header must agree with the directory; behind it are the data. */
static bool locate(const DataFile *zip, const Directory *d, const uint8_t *entry, uint64_t at,
                   ZipMember *m, DataError *e)
{
    const uint8_t *b = zip->bytes;
    size_t name = little(entry + 28, 2);

    if (at > d->at || d->at - at < 30 || little(b + at, 4) != 0x04034b50)
        return damaged(zip, (size_t)(entry - b), "a member is not where the directory says", e);
    size_t skip = 30 + little(b + at + 26, 2) + little(b + at + 28, 2);
    if (little(b + at + 26, 2) != name || skip > d->at - at || memcmp(b + at + 30, entry + 46, name)
        || memcmp(b + at + 6, entry + 8, 4))
        return damaged(zip, at, "a member's own header differs from the directory", e);
    if (m->stored > d->at - at - skip)
        return damaged(zip, at, "a member is larger than the file", e);
    if (!m->deflated && m->stored != m->size)
        return damaged(zip, at, "a stored member has two sizes", e);
    m->data = b + at + skip;
    return true;
}

/* Reads one entry of the directory. The name is left in the file; *length is its whole length. */
static bool entry_read(const DataFile *zip, const Directory *d, size_t at, ZipMember *m,
                       const uint8_t **name, size_t *name_n, size_t *length, DataError *e)
{
    const uint8_t *entry = zip->bytes + at;
    size_t left = d->at + d->size - at;

    if (left < 46 || little(entry, 4) != 0x02014b50)
        return damaged(zip, at, "the directory is broken", e);
    *name_n = little(entry + 28, 2);
    size_t extra = little(entry + 30, 2);
    *length = 46 + *name_n + extra + little(entry + 32, 2);
    if (*length > left)
        return damaged(zip, at, "the directory is broken", e);
    *name = entry + 46;
    if (!name_is_safe(*name, *name_n))
        return data_fail(e, "do not trust this file", "%s: member `%.*s` has an unsafe name",
                         zip->name, (int)*name_n, (const char *)*name);
    unsigned flags = (unsigned)little(entry + 8, 2), method = (unsigned)little(entry + 10, 2);
    if (flags & 0x2041)
        return data_fail(e, "save it without a password", "%s: member `%.*s` is encrypted",
                         zip->name, (int)*name_n, (const char *)*name);
    if (method != 0 && method != 8)
        return data_fail(e, "save it with numpy.savez or numpy.savez_compressed",
                         "%s: member `%.*s` is compressed by method %u; stored (0) and deflated "
                         "(8) can be read", zip->name, (int)*name_n, (const char *)*name, method);
    uint64_t stored = little(entry + 20, 4), size = little(entry + 24, 4);
    uint64_t where = little(entry + 42, 4);
    if (!extra64(entry + 46 + *name_n, extra, &size, &stored, &where))
        return damaged(zip, at, "the zip64 field is broken", e);
    *m = (ZipMember){ .stored = stored, .size = size, .deflated = method == 8,
                      .crc = (uint32_t)little(entry + 16, 4) };
    return locate(zip, d, entry, where, m, e);
}

static bool name_is(const ZipMember *m, const char *wanted)
{
    size_t n = strlen(wanted);

    return strncmp(m->name, wanted, n) == 0 && (m->name[n] == '\0' || !strcmp(m->name + n, ".npy"));
}

static bool choose(const DataFile *zip, const ZipMember *all, size_t n, const char *wanted,
                   size_t *index, DataError *e)
{
    char list[400] = "";
    size_t at = 0;

    for (size_t i = 0; i < n; i++) {
        if (wanted != NULL ? name_is(&all[i], wanted) : n == 1) {
            *index = i;
            return true;
        }
        size_t k = strlen(all[i].name);
        int shown = (int)(k > 4 && strcmp(all[i].name + k - 4, ".npy") == 0 ? k - 4 : k);
        if (at < 300)
            at += (size_t)snprintf(list + at, sizeof list - at, "%s%.*s", i ? ", " : "",
                                   shown < 60 ? shown : 60, all[i].name);
    }
    if (n == 0)
        return data_fail(e, NULL, "%s holds no arrays", zip->name);
    if (wanted == NULL)
        return data_fail(e, "write FILE.npz:NAME", "%s holds %zu arrays: %s; say which", zip->name,
                         n, list);
    return data_fail(e, NULL, "%s holds no array `%s`; it has %s", zip->name, wanted, list);
}

static bool read_directory(const DataFile *zip, const Directory *d, ZipMember *all, size_t *n,
                           DataError *e)
{
    size_t at = d->at;

    for (*n = 0; at < d->at + d->size;) {
        const uint8_t *name = NULL;
        size_t name_n = 0, length = 0;
        ZipMember m;

        if (*n == d->members)
            return damaged(zip, at, "the directory has more members than it says", e);
        if (!entry_read(zip, d, at, &m, &name, &name_n, &length, e))
            return false;
        m.name = strndup((const char *)name, name_n);
        if (m.name == NULL)
            return data_fail(e, NULL, "%s: no memory", zip->name);
        all[(*n)++] = m;
        for (size_t i = 0; i + 1 < *n; i++)
            if (strcmp(all[i].name, m.name) == 0)
                return data_fail(e, "save it again with numpy.savez",
                                 "%s: two members have the name `%s`", zip->name, m.name);
        at += length;
    }
    return *n == d->members || damaged(zip, at, "the directory has fewer members than it says", e);
}

bool zip_find(const DataFile *zip, const char *wanted, ZipMember *out, DataError *e)
{
    Directory d = {0};
    size_t n = 0, index = 0;

    if (!directory(zip, &d, e))
        return false;
    ZipMember *all = calloc(d.members + 1, sizeof *all);
    if (all == NULL)
        return data_fail(e, NULL, "%s: no memory", zip->name);
    bool ok = read_directory(zip, &d, all, &n, e) && choose(zip, all, n, wanted, &index, e);
    if (ok) {
        *out = all[index];
        all[index].name = NULL;
    }
    for (size_t i = 0; i < n; i++)
        free(all[i].name);
    free(all);
    return ok;
}

bool zip_expand(const DataFile *zip, const ZipMember *m, size_t limit, DataFile *out, DataError *e)
{
    bool all = limit >= m->size, ended = true;

    if (m->size > gz_cap(m->stored))
        return data_fail(e, "if it is what you want, save it with numpy.savez (not compressed)",
                         "%s: member `%s` expands to more than 1000 times its size", zip->name,
                         m->name);
    out->bytes = NULL;
    out->n = all ? m->size : limit;
    out->whole = all;
    if (m->deflated) {
        size_t n;

        if (!gz_inflate(zip->name, m->data, m->stored, true, out->n + all, &out->bytes, &n, &ended,
                        e))
            return false;
        if (n != out->n || (all && !ended)) {
            free(out->bytes);
            out->bytes = NULL;
            return damaged(zip, (size_t)(m->data - zip->bytes),
                           "a member expands to another size than the directory says", e);
        }
    } else {
        out->bytes = malloc(out->n + 1);
        if (out->bytes == NULL)
            return data_fail(e, NULL, "%s: no memory", zip->name);
        memcpy(out->bytes, m->data, out->n);
    }
    if (all && crc32_z(0, out->bytes, out->n) != m->crc) {
        free(out->bytes);
        out->bytes = NULL;
        return damaged(zip, (size_t)(m->data - zip->bytes), "the checksum (CRC-32) of a member is "
                       "wrong", e);
    }
    return true;
}
