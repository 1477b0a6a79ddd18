/* test_rt_npz.c - archives of npy files: members are found and unpacked, one that lies about itself
 * is refused with a sentence.
 *
 * Small samples are also cut off at every byte and changed at every bit. A single npy file, and
 * gzip: test_rt_data.c.
 */
#include "rt_arrays.h"

#include <zlib.h>

/* ---- archives with any fault ----------------------------------------------------------------- */

typedef struct Member {
    const char *name;
    const uint8_t *bytes;
    size_t n;
    bool deflated, zip64;
    int flags, method;                 /* method -1: as deflated says */
    long crc_change, size_change;
    const char *local_name;            /* NULL: name */
} Member;

static void member_body(const Member *m, Bytes *body)
{
    z_stream z = { 0 };

    body->n = 0;
    if (!m->deflated) {
        put(body, m->bytes, m->n);
        return;
    }
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)m->bytes;
    z.avail_in = (uInt)m->n;
    z.next_out = body->b;
    z.avail_out = sizeof body->b;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    body->n = z.total_out;
    deflateEnd(&z);
}

/* The fields that the local header and the directory share: flags .. extra length. */
static void member_fields(Bytes *o, const Member *m, size_t stored, const char *name,
                          bool directory)
{
    bool wide = m->zip64;

    put_little(o, (uint64_t)m->flags, 2);
    put_little(o, m->method >= 0 ? (uint64_t)m->method : m->deflated ? 8 : 0, 2);
    put_little(o, 0, 4);
    put_little(o, crc32(0, m->bytes, (uInt)m->n) + (uint64_t)m->crc_change, 4);
    put_little(o, wide ? 0xffffffff : stored, 4);
    put_little(o, wide ? 0xffffffff : m->n + (size_t)m->size_change, 4);
    put_little(o, strlen(name), 2);
    put_little(o, wide ? directory ? 28 : 20 : 0, 2);
}

static void member_extra(Bytes *o, const Member *m, size_t stored, size_t at, bool directory)
{
    if (!m->zip64)
        return;
    put_little(o, 1, 2);
    put_little(o, directory ? 24 : 16, 2);
    put_little(o, m->n + (size_t)m->size_change, 8);
    put_little(o, stored, 8);
    if (directory)
        put_little(o, at, 8);
}

static void zip(Bytes *o, const Member *members, int n)
{
    size_t at[8], stored[8];
    Bytes *body = malloc(sizeof *body);

    o->n = 0;
    for (int i = 0; i < n; i++) {
        const Member *m = &members[i];
        const char *name = m->local_name ? m->local_name : m->name;

        member_body(m, body);
        at[i] = o->n;
        stored[i] = body->n;
        put_little(o, 0x04034b50, 4);
        put_little(o, 20, 2);
        member_fields(o, m, stored[i], name, false);
        put(o, name, strlen(name));
        member_extra(o, m, stored[i], at[i], false);
        put(o, body->b, body->n);
    }
    size_t directory = o->n;
    for (int i = 0; i < n; i++) {
        const Member *m = &members[i];

        put_little(o, 0x02014b50, 4);
        put_little(o, 20, 2);
        put_little(o, 20, 2);
        member_fields(o, m, stored[i], m->name, true);
        put_little(o, 0, 8);
        put_little(o, 0, 2);
        put_little(o, m->zip64 ? 0xffffffff : at[i], 4);
        put(o, m->name, strlen(m->name));
        member_extra(o, m, stored[i], at[i], true);
    }
    size_t size = o->n - directory;
    put_little(o, 0x06054b50, 4);
    put_little(o, 0, 4);
    put_little(o, (uint64_t)n, 2);
    put_little(o, (uint64_t)n, 2);
    put_little(o, size, 4);
    put_little(o, directory, 4);
    put_little(o, 0, 2);
    free(body);
}

/* ---- the reader ------------------------------------------------------------------------------ */

static void npz_files(void **state)
{
    Bytes a, b, o;
    DgmArray got;
    uint8_t big[5000];

    (void)state;
    memset(big, 3, sizeof big);
    npy(&a, 1, DICT("|u1", "False", "(5000,)"), big, sizeof big);
    npy(&b, 1, DICT("<f4", "False", "(1,)"), "\0\0\xc0\x3f", 4);
    const Member m[] = {
        { .name = "a.npy", .bytes = a.b, .n = a.n, .deflated = true, .method = -1 },
        { .name = "b.npy", .bytes = b.b, .n = b.n, .zip64 = true, .method = -1 },
    };
    zip(&o, m, 2);
    reads("x.npz", "a", o.b, o.n, &got);
    assert_memory_equal(got.data, big, sizeof big);
    assert_string_equal(got.format, "npz");
    array_free(&got);
    reads("x.npz", "b.npy", o.b, o.n, &got);
    assert_true(array_value(&got, 0) == 1.5);
    array_free(&got);
    refuses("x.npz", NULL, o.b, o.n, "holds 2 arrays: a, b; say which");
    refuses("x.npz", "c", o.b, o.n, "no array `c`; it has a, b");
    zip(&o, m + 1, 1);
    reads("x.npz", NULL, o.b, o.n, &got);
    array_free(&got);
    refuses_every_cut("x.npz", NULL, &o);
    zip(&o, m, 1);
    refuses_every_cut("x.npz", NULL, &o);
    zip(&o, m, 0);
    refuses("x.npz", NULL, o.b, o.n, "no arrays");
}

static void npz_hostile(void **state)
{
    Bytes a, o;

    (void)state;
    npy(&a, 1, DICT("|u1", "False", "(3,)"), "abc", 3);
    const Member good = { .name = "a.npy", .bytes = a.b, .n = a.n, .method = -1 };
    struct { Member m; const char *part; } t[] = {
        { good, "checksum" },      { good, "unsafe name" },   { good, "unsafe name" },
        { good, "unsafe name" },   { good, "encrypted" },     { good, "method 12" },
        { good, "two sizes" },     { good, "another size" },  { good, "two sizes" },
        { good, "differs from the directory" },               { good, "bytes, but the zip" },
        { good, "more than 1000 times" },
    };
    t[0].m.crc_change = 1;
    t[1].m.name = "../x.npy";
    t[2].m.name = "/etc/x.npy";
    t[3].m.name = "a\\..\\x.npy";
    t[4].m.flags = 1;
    t[5].m.method = 12;
    t[6].m.size_change = 5;
    t[7].m.deflated = true, t[7].m.size_change = -1;
    t[8].m.zip64 = true, t[8].m.size_change = 1L << 40;
    t[9].m.local_name = "b.npy";
    t[10].m.n -= 1;
    t[11].m.deflated = t[11].m.zip64 = true, t[11].m.size_change = 1L << 40;
    t[7].part = "size";
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        zip(&o, &t[i].m, 1);
        refuses("x.npz", NULL, o.b, o.n, t[i].part);
    }
    const Member twice[] = { good, good };
    zip(&o, twice, 2);
    refuses("x.npz", "a", o.b, o.n, "two members");
    zip(&o, &good, 1);
    for (size_t i = 0; i < o.n; i++)     /* no changed bit may do harm */
        for (int bit = 0; bit < 8; bit++) {
            DgmArray got;
            DataError e;

            o.b[i] ^= (uint8_t)(1 << bit);
            if (array_read_memory("x.npz", NULL, NULL, o.b, o.n, &got, &e))
                array_free(&got);
            o.b[i] ^= (uint8_t)(1 << bit);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(npz_files),
        cmocka_unit_test(npz_hostile),
    };

    return cmocka_run_group_tests_name("npz", tests, NULL, NULL);
}
