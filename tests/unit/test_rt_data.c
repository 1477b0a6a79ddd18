/* test_rt_data.c - the data readers: right files give right arrays, hostile files give sentences.
 *
 * Every small sample is also cut off at every byte. Archives: test_rt_npz.c. Sources, writers:
 * test_rt_source.c.
 */
#include "rt_arrays.h"

#include <math.h>
#include <zlib.h>

#include "data/csv.h"
#include "data/read.h"

/* ---- numbers --------------------------------------------------------------------------------- */

static void numbers(void **state)
{
    static const char *const good[] = {
        "0", "-0", "12", "+7", "1.5", ".5", "5.", "1e3", "-2.5E-3", "0.1",
        "123456789012345678", "9007199254740993", "1.7976931348623157e308", "4.9e-324",
        "1e-400", "0.1000000000000000055511151231257827", "0000000000000000000012.5", "1e22",
        "1e23",
        "2.2250738585072011e-308", "6.02214076e23"
    };
    static const char *const bad[] = {
        "", "-", ".", "e5", "1e", "1e+", "0x1p3", "0x10", "1,5", "1 2", "1,000",
        "--1", "1.2.3", "nano", "in", "N", "?", "1f", "\xc2\xa0" "1", "1_000", "nan(1)"
    };
    double v;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(csv_number(good[i], strlen(good[i]), &v), CSV_NUMBER);
        double want = strtod(good[i], NULL);
        assert_memory_equal(&v, &want, sizeof v);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(csv_number(bad[i], strlen(bad[i]), &v), CSV_NOT_A_NUMBER);
    assert_int_equal(csv_number("1e999", 5, &v), CSV_TOO_LARGE);
    assert_int_equal(csv_number("-1e309", 6, &v), CSV_TOO_LARGE);
    assert_int_equal(csv_number("NaN", 3, &v), CSV_NUMBER);
    assert_true(isnan(v));
    assert_int_equal(csv_number("-Infinity", 9, &v), CSV_NUMBER);
    assert_true(isinf(v) && v < 0);
}

static void number_round_trip(void **state)
{
    uint64_t bits = 88172645463325252u;
    char text[48];

    (void)state;
    for (int i = 0; i < 20000; i++) {
        double x, back;

        bits ^= bits << 13, bits ^= bits >> 7, bits ^= bits << 17;
        memcpy(&x, &bits, sizeof x);
        if (!isfinite(x))
            continue;
        dgm_double_text(x, text, sizeof text);
        assert_int_equal(csv_number(text, strlen(text), &back), CSV_NUMBER);
        assert_memory_equal(&x, &back, sizeof x);
        Real r = (Real)fmod(x, 1e30), again;
        dgm_real_text(r, text, sizeof text);
        assert_int_equal(csv_number(text, strlen(text), &back), CSV_NUMBER);
        again = (Real)back;
        assert_true(again == r);
    }
    dgm_double_text(-NAN, text, sizeof text);
    assert_string_equal(text, "nan");
    dgm_double_text(-INFINITY, text, sizeof text);
    assert_string_equal(text, "-inf");
}

/* ---- npy ------------------------------------------------------------------------------------- */

static void npy_types(void **state)
{
    static const struct {
        const char *descr;
        ArrayType type;
        uint8_t bytes[8];
        double value;
    } t[] = {
        { "|b1", ARRAY_BOOL, { 1 }, 1 },          { "|u1", ARRAY_U8, { 200 }, 200 },
        { "|i1", ARRAY_I8, { 200 }, -56 },        { "<u2", ARRAY_U16, { 1, 255 }, 65281 },
        { ">u2", ARRAY_U16, { 1, 255 }, 511 },    { "<i2", ARRAY_I16, { 1, 255 }, -255 },
        { ">i4", ARRAY_I32, { 255, 255, 255, 254 }, -2 },
        { "<u4", ARRAY_U32, { 0, 0, 0, 128 }, 0x1p31 },
        { "<i8", ARRAY_I64, { 5 }, 5 },
        { ">u8", ARRAY_U64, { 0, 0, 0, 0, 0, 0, 1, 0 }, 256 },
        { "<f4", ARRAY_F32, { 0, 0, 0xc0, 0x3f }, 1.5 },
        { ">f4", ARRAY_F32, { 0x3f, 0xc0, 0, 0 }, 1.5 },
        { "<f8", ARRAY_F64, { 0, 0, 0, 0, 0, 0, 0xf8, 0x3f }, 1.5 },
        { ">f8", ARRAY_F64, { 0x3f, 0xf8, 0, 0, 0, 0, 0, 0 }, 1.5 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        Bytes o;
        DgmArray a;
        char dict[128];

        snprintf(dict, sizeof dict, "{'descr': '%s', 'fortran_order': False, 'shape': (1,), }",
                 t[i].descr);
        npy(&o, 1 + (int)i % 3, dict, t[i].bytes, array_type_bytes(t[i].type));
        reads("a.npy", NULL, o.b, o.n, &a);
        assert_int_equal(a.type, t[i].type);
        assert_int_equal(a.rank, 1);
        assert_true(array_value(&a, 0) == t[i].value);
        array_free(&a);
    }
}

static void npy_order(void **state)
{
    const uint8_t columns[] = { 0, 3, 1, 4, 2, 5 };
    const uint8_t all[24] = { 0, 12, 4, 16, 8, 20, 1, 13, 5, 17, 9, 21,
                              2, 14, 6, 18, 10, 22, 3, 15, 7, 19, 11, 23 };
    Bytes o;
    DgmArray a;

    (void)state;
    npy(&o, 1, DICT("|u1", "True", "(2, 3)"), columns, 6);
    reads("a.npy", NULL, o.b, o.n, &a);
    for (int i = 0; i < 6; i++)
        assert_true(array_value(&a, i) == i);
    array_free(&a);
    npy(&o, 1, DICT("|u1", "True", "(2, 3, 4)"), all, 24);
    reads("a.npy", NULL, o.b, o.n, &a);
    for (int i = 0; i < 24; i++)
        assert_true(array_value(&a, i) == i);
    array_free(&a);
    npy(&o, 1, DICT("|u1", "False", "()"), columns + 3, 1);
    reads("a.npy", NULL, o.b, o.n, &a);
    assert_int_equal(a.rank, 0);
    assert_int_equal(a.count, 1);
    array_free(&a);
    npy(&o, 1, "{\"shape\":(3L,),'fortran_order':False,'descr':'u1'}", columns, 3);
    reads("a.npy", NULL, o.b, o.n, &a);
    assert_int_equal(a.count, 3);
    array_free(&a);
}

static void npy_hostile(void **state)
{
    static const struct { const char *dict, *part; } t[] = {
        { DICT("<f4", "False", "(9223372036854775808,)"), "larger than 2^63" },
        { DICT("<f4", "False", "(9223372036854775807,)"), "more than memory" },
        { DICT("<f4", "False", "(4611686018427387904, 0)"), "more than memory" },
        { DICT("<f4", "False", "(2147483648, 2147483648, 2)"), "more than memory" },
        { DICT("<f4", "False", "(-1,)"), "whole numbers" },
        { DICT("<f4", "False", "(1.0,)"), "expected `,`" },
        { DICT("<f4", "False", "(1,1,1,1,1,1,1,1,1)"), "more than 8 axes" },
        { DICT("<f4", "False", "[1]"), "tuple" },
        { DICT("<f4", "False", "((1,),)"), "whole numbers" },
        { DICT("<f4", "False", "(1"), "whole numbers >= 0" },
        { DICT("<f4", "Maybe", "(1,)"), "True or False" },
        { DICT("|O", "False", "(1,)"), "pickled" },
        { DICT("O", "False", "(1,)"), "pickled" },
        { DICT("<f2", "False", "(1,)"), "'<f2' cannot be read" },
        { DICT("<c8", "False", "(1,)"), "cannot be read" },
        { DICT("<U3", "False", "(1,)"), "cannot be read" },
        { DICT("", "False", "(1,)"), "cannot be read" },
        { "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", "structured" },
        { "{'descr': '<f4', 'fortran_order': False}", "must all be there" },
        { "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", "twice" },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1}", "only keys" },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} + 1", "follows" },
        { "{'descr': '<f4' 'fortran_order': False, 'shape': (1,)}", "expected `,` or `}`" },
        { "{[[[[[[[[[[", "quoted string" },
        { "{'descr", "does not end" },
        { "__import__('os')", "expected `{`" },
        { DICT("<f4", "False", "(2,)"), "ends at" },
        { DICT("|u1", "False", "(3,)"), "goes on to" },
    };
    Bytes o;

    (void)state;
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        npy(&o, 1, t[i].dict, "\0\0\0\0", 4);
        refuses("a.npy", NULL, o.b, o.n, t[i].part);
    }
    npy(&o, 1, DICT("<f4", "False", "(1,)"), "\0\0\0\0", 4);
    refuses("a.npy", "x", o.b, o.n, "nothing to select");
    o.b[8] = o.b[9] = 0xff;
    refuses("a.npy", NULL, o.b, o.n, "claims 65535");
    o.b[9] = 0x10;
    refuses("a.npy", NULL, o.b, o.n, "cut off");
    o.b[6] = 4;
    refuses("a.npy", NULL, o.b, o.n, "version 4.0");
    refuses("a.npy", NULL, "not numpy", 9, "no .npy file");
}

static void npy_cuts(void **state)
{
    Bytes o;
    DgmArray a;

    (void)state;
    npy(&o, 1, DICT("<i2", "False", "(3, 2)"), "abcdefghijkl", 12);
    reads("a.npy", NULL, o.b, o.n, &a);
    array_free(&a);
    refuses_every_cut("a.npy", "npy", &o);
    npy(&o, 2, DICT("<i2", "True", "(3, 2)"), "abcdefghijkl", 12);
    refuses_every_cut("a.npy", NULL, &o);
}

/* ---- IDX ------------------------------------------------------------------------------------- */

static void idx(Bytes *o, uint8_t type, int rank, const uint32_t *shape, const void *values,
                size_t n)
{
    const uint8_t head[4] = { 0, 0, type, (uint8_t)rank };

    o->n = 0;
    put(o, head, 4);
    for (int i = 0; i < rank; i++) {
        const uint8_t b[4] = { (uint8_t)(shape[i] >> 24), (uint8_t)(shape[i] >> 16),
                               (uint8_t)(shape[i] >> 8), (uint8_t)shape[i] };

        put(o, b, 4);
    }
    put(o, values, n);
}

static void idx_files(void **state)
{
    static const struct { uint8_t code; ArrayType type; uint8_t bytes[8]; double value; } t[] = {
        { 8, ARRAY_U8, { 7 }, 7 },            { 9, ARRAY_I8, { 255 }, -1 },
        { 11, ARRAY_I16, { 1, 2 }, 258 },     { 12, ARRAY_I32, { 0, 0, 1, 0 }, 256 },
        { 13, ARRAY_F32, { 0x3f, 0xc0 }, 1.5 }, { 14, ARRAY_F64, { 0x3f, 0xf8 }, 1.5 },
    };
    const uint32_t one[] = { 1 }, shape[] = { 2, 2, 3 }, huge[] = { ~0u, ~0u, ~0u, ~0u };
    const uint32_t nothing[] = { ~0u, ~0u, 0, ~0u };
    Bytes o;
    DgmArray a;

    (void)state;
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        idx(&o, t[i].code, 1, one, t[i].bytes, array_type_bytes(t[i].type));
        reads("a.idx", NULL, o.b, o.n, &a);
        assert_int_equal(a.type, t[i].type);
        assert_true(array_value(&a, 0) == t[i].value);
        array_free(&a);
        refuses_every_cut("a", "idx", &o);
    }
    idx(&o, 8, 3, shape, "abcdefghijkl", 12);
    reads("images", NULL, o.b, o.n, &a);
    assert_int_equal(a.rank, 3);
    assert_int_equal(a.shape[2], 3);
    assert_memory_equal(a.data, "abcdefghijkl", 12);
    array_free(&a);
    refuses_every_cut("images", NULL, &o);
    put(&o, "!", 1);
    refuses("images", NULL, o.b, o.n, "goes on to byte 29");
    idx(&o, 14, 4, huge, "", 0);
    refuses("images", NULL, o.b, o.n, "more than memory");
    idx(&o, 14, 4, nothing, "", 0);
    refuses("images", NULL, o.b, o.n, "more than memory");
    idx(&o, 8, 0, one, "", 0);
    refuses("images", NULL, o.b, o.n, "0 axes");
    o.b[3] = 200;
    refuses("images", NULL, o.b, o.n, "200 axes");
    refuses("images", NULL, "\0\0\x0a\1", 4, "no format");
}

/* ---- gzip ------------------------------------------------------------------------------------ */

static void gzip(Bytes *o, const void *in, size_t n)
{
    z_stream z = { 0 };

    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (Bytef *)in;
    z.avail_in = (uInt)n;
    z.next_out = o->b + o->n;
    z.avail_out = (uInt)(sizeof o->b - o->n);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    o->n += z.total_out;
    deflateEnd(&z);
}

static void gzipped(void **state)
{
    const uint32_t shape[] = { 2, 6 };
    Bytes plain, gz = { .n = 0 }, twice = { .n = 0 };
    DgmArray a, b;

    (void)state;
    idx(&plain, 8, 2, shape, "abcdefghijkl", 12);
    gzip(&gz, plain.b, 7);               /* two members, as `cat a.gz b.gz` makes them */
    gzip(&gz, plain.b + 7, plain.n - 7);
    put(&gz, "\0\0\0", 3);
    reads("x", NULL, plain.b, plain.n, &a);
    reads("x", NULL, gz.b, gz.n, &b);
    assert_int_equal(array_hash(&a), array_hash(&b));
    b.shape[0] = 6, b.shape[1] = 2;
    assert_true(array_hash(&a) != array_hash(&b));
    array_free(&a);
    array_free(&b);
    gzip(&twice, gz.b, gz.n);
    refuses("x.gz", NULL, twice.b, twice.n, "gzip file inside a gzip");
    put(&gz, "junk", 4);
    refuses("x.gz", NULL, gz.b, gz.n, "damaged");
}

static void gzip_damage(void **state)
{
    const uint32_t shape[] = { 100, 6 };
    Bytes plain, gz = { .n = 0 };
    uint8_t values[600];

    (void)state;
    for (int i = 0; i < 600; i++)
        values[i] = (uint8_t)(i * i % 251);
    idx(&plain, 8, 2, shape, values, 600);
    gzip(&gz, plain.b, plain.n);
    refuses_every_cut("x", NULL, &gz);
    for (size_t i = 0; i < gz.n; i++) {  /* a changed byte is found, or was in an unused field */
        DgmArray a;
        DataError e;

        gz.b[i] ^= 0x10;
        if (array_read_memory("x", NULL, NULL, gz.b, gz.n, &a, &e)) {
            assert_true(i < 10);
            assert_memory_equal(a.data, values, 600);
            array_free(&a);
        }
        gz.b[i] ^= 0x10;
    }
}

/* A megabyte of zeros behind a header that promises four bytes; a stream that is stopped. */
static void gzip_bombs(void **state)
{
    const uint32_t shape[] = { 4 };
    size_t n = 1 << 20, got;
    uint8_t *zeros = calloc(n, 1), *out = NULL;
    Bytes head, gz = { .n = 0 };
    DataError e;
    bool ended;

    (void)state;
    idx(&head, 8, 1, shape, "", 0);
    memcpy(zeros, head.b, head.n);
    gzip(&gz, zeros, n);
    refuses("x.gz", NULL, gz.b, gz.n, "goes on to byte 13");
    assert_true(gz_inflate("x", gz.b, gz.n, false, 1000, &out, &got, &ended, &e));
    assert_false(ended);
    assert_int_equal(got, 1000);
    free(out);
    assert_true(gz_inflate("x", gz.b, gz.n, false, n, &out, &got, &ended, &e));
    assert_true(ended);
    assert_int_equal(got, n);
    free(out);
    assert_int_equal(gz_cap(10), 10000 + (64 << 20));
    assert_true(gz_cap(SIZE_MAX) < SIZE_MAX);
    free(zeros);
}

/* ---- CSV ------------------------------------------------------------------------------------- */

static void csv_good(void **state)
{
    static const struct {
        const char *text, *selector;
        int rank;
        long rows, columns;
        ArrayType type;
        double first, last;
    } t[] = {
        { "1,2,3\n4,5,6\n", NULL, 2, 2, 3, ARRAY_U8, 1, 6 },
        { "1,2,3\n4,5,6", NULL, 2, 2, 3, ARRAY_U8, 1, 6 },
        { "a,b\n1,256\n", NULL, 2, 1, 2, ARRAY_F64, 1, 256 },
        { "\xef\xbb\xbf" "a,b\r\n1,2\r\n3,4\r\n\r\n\n", NULL, 2, 2, 2, ARRAY_U8, 1, 4 },
        { "1\n2\n3\n", NULL, 1, 3, 1, ARRAY_U8, 1, 3 },
        { "1\r2\r3", NULL, 1, 3, 1, ARRAY_U8, 1, 3 },
        { "1;2\n3;4.5\n", NULL, 2, 2, 2, ARRAY_F64, 1, 4.5 },
        { "1\t2\n3\t-4\n", NULL, 2, 2, 2, ARRAY_F64, 1, -4 },
        { "  1 2   3\n4 5 6 \n", NULL, 2, 2, 3, ARRAY_U8, 1, 6 },
        { "1, 2 ,3\n 4,5, 6\n", NULL, 2, 2, 3, ARRAY_U8, 1, 6 },
        { "\"1\",\"2\"\n\"3\" ,\"4\"\n", NULL, 2, 2, 2, ARRAY_U8, 1, 4 },
        { "\"a,\"\"x\"\"\n\",b\n1,2\n", NULL, 2, 1, 2, ARRAY_U8, 1, 2 },
        { "1,2,setosa\n4,5,virginica\n", "0-1", 2, 2, 2, ARRAY_U8, 1, 5 },
        { "1,2,setosa\n4,5,virginica\n", "1", 1, 2, 1, ARRAY_U8, 2, 5 },
        { "x,y,z\n1,2,3\n4,5,6\n", "z,x", 2, 2, 2, ARRAY_U8, 3, 4 },
        { "x,y,z\n1,2,3\n4,5,6\n", "y", 1, 2, 1, ARRAY_U8, 2, 5 },
        { "x,y,z\n1,,3\n4,,6\n", "2,0", 2, 2, 2, ARRAY_U8, 3, 4 },
        { "1e3,0.5\n", NULL, 2, 1, 2, ARRAY_F64, 1000, 0.5 },
        { "1,NA,2\n3,,4\n", NULL, 2, 2, 3, ARRAY_F64, 1, 4 },
        { "nan,1\n", "1", 1, 1, 1, ARRAY_U8, 1, 1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        DgmArray a;

        reads("a.csv", t[i].selector, t[i].text, strlen(t[i].text), &a);
        assert_int_equal(a.rank, t[i].rank);
        assert_int_equal(a.shape[0], t[i].rows);
        assert_int_equal(a.count, t[i].rows * t[i].columns);
        assert_int_equal(a.type, t[i].type);
        assert_true(array_value(&a, 0) == t[i].first);
        assert_true(array_value(&a, a.count - 1) == t[i].last);
        array_free(&a);
    }
}

static void csv_hostile(void **state)
{
    static const struct { const char *text, *selector, *part; } t[] = {
        { "1,2\n3\n", NULL, "a.csv:2: 1 cells, but line 1 has 2" },
        { "1,2\n3,4,5\n", NULL, "a.csv:2: 3 cells" },
        { "1,2\n\n3,4\n", NULL, "a.csv:2: the line is empty" },
        { "1\n\n3\n", NULL, "a.csv:2: column 0 is empty" },
        { "1,2\n3,abc\n", NULL, "a.csv:2: column 1: `abc` is not a number" },
        { "1;2\n1,5;3\n", NULL, "`1,5` is not a number" },
        { "1,2\n\"1,000\",3\n", NULL, "`1,000` is not a number" },
        { "1,2\n0x1p3,3\n", NULL, "`0x1p3` is not a number" },
        { "1,2\n1e999,3\n", NULL, "1e999 is too large" },
        { "1,2\n\"3,4\n", NULL, "a.csv:2: a quoted cell does not end" },
        { "1,2\n\"3\"4,5\n", NULL, "text follows a closing quote" },
        { "a,b\n", NULL, "no rows" },
        { "\n\n  \n", NULL, "no values" },
        { "1,2\n", "2", "columns 0 to 1" },
        { "1,2\n", "1-0", "columns 0 to 1" },
        { "1,2\n", "0-99999999999999999999", "no header" },
        { "1,2\n", "x", "no header" },
        { "a,b\n1,2\n", "x", "no column `x`" },
        { "a,b\n1,2\n", "a,a", "selected twice" },
        { "a,a\n1,2\n", "a", "both named `a`" },
        { "a,b\n1,2\n", "", "no column ``" },
        { "a,b\n1,2\n", "a,", "no column ``" },
    };
    char *wide = malloc(2000001);
    DgmArray a;

    (void)state;
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++)
        refuses("a.csv", t[i].selector, t[i].text, strlen(t[i].text), t[i].part);
    refuses("a.csv", NULL, "1,2\0", 4, "NUL");
    refuses("a.csv", NULL, "\xff\xfe" "1\0,\0", 6, "NUL");
    refuses("a.csv", NULL, "", 0, "is empty");
    for (long i = 0; i < 1000000; i++)
        memcpy(wide + 2 * i, i + 1 < 1000000 ? "7," : "7\n", 2);
    reads("a.csv", NULL, wide, 2000000, &a);     /* 10^6 columns */
    assert_int_equal(a.shape[1], 1000000);
    array_free(&a);
    free(wide);
}

/* Cutting text can leave valid CSV: only safety is asked for. */
static void csv_cuts(void **state)
{
    static const char text[] = "\xef\xbb\xbf" "a,\"b \"\"q\"\"\"\r\n1,\"2\"\r\n-3.5e2,4\r\n";

    (void)state;
    for (size_t n = 0; n < sizeof text; n++) {
        DgmArray a;
        DataError e = { .text = "" };
        char *exact = malloc(n + 1);

        memcpy(exact, text, n);
        if (array_read_memory("a.csv", NULL, NULL, exact, n, &a, &e))
            array_free(&a);
        else
            assert_true(strlen(e.text) > 8);
        free(exact);
    }
}

/* ---- files ----------------------------------------------------------------------------------- */

static void from_disk(void **state)
{
    const uint32_t shape[] = { 300, 400 };
    static uint8_t values[120000];
    DgmArray a;
    DataError e;
    Bytes head, gz = { .n = 0 };

    assert_int_equal(scratch_make(state), 0);
    char *odd = scratch("a:b 'c'.csv"), *plain = scratch("plain.csv");
    char *big = scratch("big"), *selected = scratch("plain.csv:x");
    char *none = scratch("no");
    file_put(odd, "1,2\n", 4);
    file_put(plain, "x,y\n1,2\n", 8);
    assert_true(array_read(odd, &a, &e));
    assert_int_equal(a.count, 2);
    array_free(&a);
    assert_true(array_read(selected, &a, &e));
    assert_int_equal(a.count, 1);
    array_free(&a);
    idx(&head, 8, 2, shape, "", 0);
    memcpy(values, head.b, head.n);
    file_put(big, values, 120000 - 1);           /* shorter than the header promises */
    assert_true(array_shape(big, &a, &e));       /* but its shape can be told from the head */
    assert_int_equal(a.shape[1], 400);
    assert_null(a.data);
    assert_false(array_read(big, &a, &e));
    gzip(&gz, values, 120000);
    file_put(big, gz.b, gz.n);
    assert_true(array_shape(big, &a, &e));
    assert_int_equal(a.shape[0], 300);
    assert_false(array_read(none, &a, &e));
    assert_contains(e.text, "No such file");
    assert_false(array_read(scratch_dir, &a, &e));
    assert_contains(e.text, "not a regular file");
    assert_false(array_read("/dev/zero", &a, &e));
    assert_contains(e.text, "not a regular file");
    unlink(odd), unlink(plain), unlink(big);
    assert_int_equal(scratch_remove(state), 0);
    free(odd), free(plain), free(big), free(selected), free(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),      cmocka_unit_test(number_round_trip),
        cmocka_unit_test(npy_types),    cmocka_unit_test(npy_order),
        cmocka_unit_test(npy_hostile),  cmocka_unit_test(npy_cuts),
        cmocka_unit_test(idx_files),    cmocka_unit_test(gzipped),
        cmocka_unit_test(gzip_damage),  cmocka_unit_test(gzip_bombs),
        cmocka_unit_test(csv_good),     cmocka_unit_test(csv_hostile),
        cmocka_unit_test(csv_cuts),     cmocka_unit_test(from_disk),
    };

    return cmocka_run_group_tests_name("data", tests, NULL, NULL);
}
