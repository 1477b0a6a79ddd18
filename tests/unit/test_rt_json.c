/* test_rt_json.c - fields of JSON objects as arrays, and models whose data are bound by name. */
#include "rt_files.h"

#include <math.h>
#include <zlib.h>

#include "data/data.h"
#include "data/read.h"

/* ---- helpers --------------------------------------------------------------------------------- */

static void reads(const char *text, const char *field, ArrayType type, DgmArray *a)
{
    DataError e;

    if (!array_read_memory("a.json", field, NULL, text, strlen(text), a, &e))
        fail_msg("%s", e.text);
    assert_string_equal(a->format, "json");
    assert_int_equal(a->type, type);
}

/* help NULL: whatever it is. */
static void refuses(const char *text, const char *field, const char *want, const char *help)
{
    DgmArray a;
    DataError e = { .text = "" };

    assert_false(array_read_memory("a.json", field, NULL, text, strlen(text), &a, &e));
    assert_null(a.data);
    assert_string_equal(e.text, want);
    if (help != NULL)
        assert_string_equal(e.help, help);
}

static void reads_scalar(const char *text, ArrayType type, double want)
{
    DgmArray a;

    reads(text, "v", type, &a);
    assert_int_equal(a.rank, 0);
    assert_int_equal(a.count, 1);
    assert_true(array_value(&a, 0) == want);
    array_free(&a);
}

static char *file_of(const char *name, const char *text)
{
    char *path = scratch(name);

    file_put(path, text, strlen(text));
    return path;
}

static void file_gone(char *path)
{
    assert_int_equal(unlink(path), 0);
    free(path);
}

/* ---- values ---------------------------------------------------------------------------------- */

static void scalars(void **state)
{
    DgmArray a;

    (void)state;
    reads_scalar("{\"v\": 8}", ARRAY_I64, 8);
    reads_scalar(" \r\n\t{\"u\": \"text\", \"v\": -3}", ARRAY_I64, -3);
    reads_scalar("{\"v\": 2.0}", ARRAY_I64, 2);
    reads_scalar("{\"v\": 0.5}", ARRAY_F64, 0.5);
    reads_scalar("{\"v\": 4.9e-324}", ARRAY_F64, 4.9e-324);
    reads_scalar("{\"v\": true}", ARRAY_I64, 1);
    reads_scalar("{\"v\": false}", ARRAY_I64, 0);
    reads_scalar("{\"v\": 9007199254740991}", ARRAY_I64, 9007199254740991.0);
    reads_scalar("{\"v\": 9007199254740992}", ARRAY_F64, 9007199254740992.0);
    reads_scalar("{\"v\": -1e300}", ARRAY_F64, -1e300);
    reads("7", NULL, ARRAY_I64, &a);     /* the file is the value, as its name says */
    assert_int_equal(a.rank, 0);
    assert_true(array_value(&a, 0) == 7);
    array_free(&a);
}

/* What JSON has no numbers for; one of them makes the field real. */
static void not_numbers(void **state)
{
    DgmArray a;

    (void)state;
    reads("{\"v\": [1, null, \"NA\", \"NaN\", \"Inf\", \"-Inf\", \"infinity\", \"-Infinity\", 2]}",
          "v", ARRAY_F64, &a);
    assert_int_equal(a.count, 9);
    for (int i = 1; i < 4; i++)
        assert_true(isnan(array_value(&a, i)));
    for (int i = 4; i < 8; i++)
        assert_true(isinf(array_value(&a, i)) && (array_value(&a, i) < 0) == i % 2);
    assert_true(array_value(&a, 0) == 1 && array_value(&a, 8) == 2);
    array_free(&a);
    reads_scalar("{\"v\": \"+Inf\"}", ARRAY_F64, INFINITY);
    reads("{\"v\": null}", "v", ARRAY_F64, &a);
    assert_true(isnan(array_value(&a, 0)));
    array_free(&a);
}

/* Outermost axis first; whole numbers stay whole, one real makes all of them real. */
static void nested(void **state)
{
    static const char text[] =
        "{\"a\": [1, 2, 3], \"b\": [[1, 2, 3], [4, 5, true]], \"r\": [[1], [2.5]],"
        " \"c\": [[[0, 1], [2, 3], [4, 5]], [[6, 7], [8, 9], [10, 11]]], \"d\": [[[[[[[[7]]]]]]]]}";
    DgmArray a;
    char shape[64];

    (void)state;
    reads(text, "a", ARRAY_I64, &a);
    array_shape_text(&a, shape, sizeof shape);
    assert_string_equal(shape, "[3]");
    assert_true(array_value(&a, 2) == 3);
    array_free(&a);
    reads(text, "b", ARRAY_I64, &a);
    array_shape_text(&a, shape, sizeof shape);
    assert_string_equal(shape, "[2, 3]");
    assert_true(array_value(&a, 3) == 4 && array_value(&a, 5) == 1);
    array_free(&a);
    reads(text, "r", ARRAY_F64, &a);
    assert_true(array_value(&a, 0) == 1 && array_value(&a, 1) == 2.5);
    array_free(&a);
    reads(text, "c", ARRAY_I64, &a);
    array_shape_text(&a, shape, sizeof shape);
    assert_string_equal(shape, "[2, 3, 2]");
    for (int i = 0; i < 12; i++)
        assert_true(array_value(&a, i) == i);
    array_free(&a);
    reads(text, "d", ARRAY_I64, &a);
    assert_int_equal(a.rank, ARRAY_MAX_RANK);
    array_free(&a);
    reads("[[1, 2], [3, 4]]", NULL, ARRAY_I64, &a);      /* the file is the array */
    array_shape_text(&a, shape, sizeof shape);
    assert_string_equal(shape, "[2, 2]");
    array_free(&a);
}

static void empty(void **state)
{
    DgmArray a;

    (void)state;
    reads("{\"v\": []}", "v", ARRAY_I64, &a);
    assert_int_equal(a.rank, 1);
    assert_int_equal(a.count, 0);
    array_free(&a);
    reads("{\"v\": [[], []]}", "v", ARRAY_I64, &a);
    assert_int_equal(a.rank, 2);
    assert_int_equal(a.shape[0], 2);
    assert_int_equal(a.shape[1], 0);
    array_free(&a);
    refuses("{\"v\": [[], [1]]}", "v",
            "a.json: `v[1]` has 1 elements, others at this level have 0", NULL);
    refuses("{\"v\": [[], 1]}", "v",
            "a.json: `v[1]` is a single value, where others at this level are arrays", NULL);
}

/* ---- selectors ------------------------------------------------------------------------------- */

static void selectors(void **state)
{
    static const char two[] = "{\"y\": [1], \"J\": 8}";
    DgmArray a;

    (void)state;
    refuses(two, NULL, "a.json is an object: choose a field, FILE:FIELD",
            "its fields are: y, J");
    refuses(two, "z", "a.json has no field `z`", "its fields are: y, J");
    refuses(two, "Y", "a.json has no field `Y`", "its fields are: y, J");
    refuses("{}", "y", "a.json has no field `y`", "its fields are: ");
    refuses("[1, 2]", "y", "a.json holds one array, there is nothing to select with `:y`", NULL);
    reads("{\"y\": [5, 6]}", NULL, ARRAY_I64, &a);       /* the only one */
    assert_true(a.count == 2 && array_value(&a, 1) == 6);
    array_free(&a);
    reads(two, "J", ARRAY_I64, &a);
    assert_int_equal(a.count, 1);
    array_free(&a);
}

/* More fields than a message holds. */
static void many_fields(void **state)
{
    char text[4096] = "{", name[32];
    DgmArray a;
    DataError e;

    (void)state;
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "%s\"field%d\": %d", i ? ", " : "", i, i);
        strcat(text, name);
    }
    strcat(text, "}");
    assert_false(array_read_memory("a.json", "x", NULL, text, strlen(text), &a, &e));
    assert_contains(e.help, "its fields are: field0, field1, field2, ");
    reads(text, "field99", ARRAY_I64, &a);
    assert_true(array_value(&a, 0) == 99);
    array_free(&a);
}

/* ---- what is refused ------------------------------------------------------------------------- */

static void ragged(void **state)
{
    static const char help[] = "every level of an array has one length; pad it, or give flat ones";

    (void)state;
    refuses("{\"v\": [[1, 2], [3, 4], [5]]}", "v",
            "a.json: `v[2]` has 1 elements, others at this level have 2", help);
    refuses("{\"v\": [[[1], [2]], [[3], [4, 5]]]}", "v",
            "a.json: `v[1][1]` has 2 elements, others at this level have 1", help);
    refuses("{\"v\": [[1], []]}", "v",
            "a.json: `v[1]` has 0 elements, others at this level have 1", help);
    refuses("{\"v\": [1, 2, [3]]}", "v",
            "a.json: `v[2]` is an array, where others at this level are numbers", NULL);
    refuses("{\"v\": [[1], null]}", "v",
            "a.json: `v[1]` is a single value, where others at this level are arrays", NULL);
    refuses("[[1], [2, 3]]", NULL, "a.json: `[1]` has 2 elements, others at this level have 1",
            help);
    refuses("{\"v\": [[1], [2, 3]]}", NULL,              /* the only field has its name */
            "a.json: `v[1]` has 2 elements, others at this level have 1", help);
}

/* A few kilobytes that promise an array of 160^8 numbers: refused before any is allocated. */
static void promises(void **state)
{
    char *text = malloc(65536);
    size_t at = 0;

    (void)state;
    for (int depth = 0; depth < 7; depth++)
        text[at++] = '[';
    at += (size_t)sprintf(text + at, "[0");
    for (int i = 1; i < 160; i++)
        at += (size_t)sprintf(text + at, ",0");
    text[at++] = ']';
    for (int depth = 0; depth < 7; depth++) {
        for (int i = 1; i < 160; i++)
            at += (size_t)sprintf(text + at, ",[]");
        text[at++] = ']';
    }
    text[at] = '\0';
    refuses(text, NULL, "a.json: `[0][0][0][0][0][0][1]` has 0 elements, others at this level "
            "have 160", NULL);
    free(text);
}

static void no_numbers(void **state)
{
    (void)state;
    refuses("{\"v\": {\"x\": 1}}", "v", "a.json: `v` is an object",
            "write nested arrays of numbers");
    refuses("{\"v\": [1, {\"x\": 1}]}", "v", "a.json: `v[1]` is an object", NULL);
    refuses("{\"v\": [[1], {}]}", "v", "a.json: `v[1]` is an object", NULL);
    refuses("{\"v\": \"seven\"}", "v", "a.json: `v` is the text \"seven\"",
            "write numbers, null for a missing one");
    refuses("{\"v\": [[1, 2], [3, \"4\"]]}", "v", "a.json: `v[1][1]` is the text \"4\"", NULL);
    refuses("{\"v\": [\"\\u001b[2J\"]}", "v", "a.json: `v[0]` is the text \"?[2J\"", NULL);
    refuses("\"abc\"", NULL, "a.json: the value is the text \"abc\"", NULL);
}

static void deep(void **state)
{
    char *text = malloc(200001);
    DgmArray a;
    DataError e;

    (void)state;
    refuses("{\"v\": [[[[[[[[[1]]]]]]]]]}", "v", "a.json: `v` is nested more than 8 deep", NULL);
    refuses("{\"v\": [[[[[[[[[]]]]]]]]]}", "v", "a.json: `v` is nested more than 8 deep", NULL);
    refuses("[[[[[[[[[1]]]]]]]]]", NULL, "a.json: the value is nested more than 8 deep", NULL);
    memset(text, '[', 200000);           /* must not take the stack */
    text[200000] = '\0';
    assert_false(array_read_memory("a.json", NULL, NULL, text, 200000, &a, &e));
    assert_contains(e.text, "a.json:1:");
    free(text);
}

static void syntax(void **state)
{
    static const char *const bad[] = {
        "{", "{\"a\"", "{\"a\": 1", "[1, 2", "[1,]", "{\"a\": 01}", "{\"a\": .5}", "{\"a\": NaN}",
        "{\"a\": Infinity}", "{'a': 1}", "{a: 1}", "[1] [2]", "[1]x", "{\"a\": 1e999}",
        "{\"a\": 99999999999999999999}", "{\"a\": \"\xff\"}", "{\"a\\u0000b\": 1}",
        "{\"a\": 1, // one\n \"b\": 2}",
    };
    DgmArray a;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        DataError e = { .text = "" };

        if (array_read_memory("a.json", "a", NULL, bad[i], strlen(bad[i]), &a, &e))
            fail_msg("%s is read", bad[i]);
        assert_contains(e.text, "a.json:");
        bool constant = strstr(bad[i], "NaN") || strstr(bad[i], "Infinity");
        assert_contains(e.help, constant ? "write null for a missing value"
                              : strstr(bad[i], "9999") ? "write a whole number beyond 2^63"
                                                       : "the file is no valid JSON");
    }
    refuses("{\"a\": 1,\n \"b\": [1, 2\n 3]}", "a", "a.json:3:2: ']' expected near '3'", NULL);
    refuses("{\"a\": 1, \"a\": 2}", "a", "a.json:1:12: duplicate object key near '\"a\"'", NULL);
}

/* ---- files ----------------------------------------------------------------------------------- */

static void shape_only(void **state)
{
    char *path = file_of("s.json", "{\"X\": [[1, 2, 3], [4, 5, \"x\"]], \"J\": 2}"), of[256];
    DgmArray a;
    DataError e;

    (void)state;
    snprintf(of, sizeof of, "%s:X", path);
    assert_false(array_read(of, &a, &e));
    assert_true(array_shape(of, &a, &e));
    assert_null(a.data);                 /* no value was looked at */
    assert_int_equal(a.rank, 2);
    assert_true(a.shape[0] == 2 && a.shape[1] == 3 && a.count == 6);
    snprintf(of, sizeof of, "%s:J", path);
    assert_true(array_shape(of, &a, &e));
    assert_int_equal(a.rank, 0);
    snprintf(of, sizeof of, "%s:Z", path);
    assert_false(array_shape(of, &a, &e));
    assert_string_equal(e.help, "its fields are: X, J");
    file_gone(path);
}

static char *gzip_file_of(const char *name, const char *text)
{
    char *path = scratch(name);
    gzFile z = gzopen(path, "wb");

    assert_non_null(z);
    assert_int_equal(gzwrite(z, text, (unsigned)strlen(text)), strlen(text));
    assert_int_equal(gzclose(z), Z_OK);
    return path;
}

/* A field may have colons in its name; the file is the longest name of one. */
static void colons(void **state)
{
    char *path = file_of("c.json", "{\"b\": 1, \"a:b\": 2}"), of[256];
    DgmArray a;
    DataError e;

    (void)state;
    snprintf(of, sizeof of, "%s:a:b", path);
    assert_true(array_read(of, &a, &e));
    assert_true(array_value(&a, 0) == 2);
    array_free(&a);
    char *longer = file_of("c.json:a", "{\"b\": 3}");
    assert_true(array_read(of, &a, &e));
    assert_true(array_value(&a, 0) == 3);
    array_free(&a);
    file_gone(longer);
    file_gone(path);
}

typedef struct Names {
    char text[256];
    int n, most;
} Names;

static bool name_add(void *to, const char *name)
{
    Names *names = to;

    strcat(strcat(names->text, names->n ? "|" : ""), name);
    return ++names->n < names->most;
}

static void members_are(char *path, const char *format, const char *names)
{
    Names seen = { .most = 100 };
    const char *found;
    DataError e;

    if (!array_members(path, &found, name_add, &seen, &e))
        fail_msg("%s", e.text);
    assert_true((found == NULL) == (format == NULL));
    if (format != NULL)
        assert_string_equal(found, format);
    assert_string_equal(seen.text, names);
    file_gone(path);
}

static void members(void **state)
{
    static const char npy[] = "\x93NUMPY\1\0\x46\0{'descr': '|u1', 'fortran_order': False, "
                              "'shape': (1,), }            \n\7";
    char *path;
    const char *found;
    Names seen = { .most = 2 };
    DataError e;

    (void)state;
    members_are(file_of("m.json", "{\"y\": 1, \"J\": [2], \"a\": {\"b\": 1}}"), "json", "y|J|a");
    members_are(file_of("m.json", "{}"), "json", "");
    members_are(file_of("m.json", "[1, 2]"), NULL, "");
    members_are(gzip_file_of("m.json.gz", "{\"y\": 1, \"J\": [2]}"), "json", "y|J");
    members_are(file_of("m.csv", "y,\"a, b\",x 1\n1,2,3\n"), "csv", "y|a, b|x 1");
    members_are(file_of("m.csv", "1,2\n3,4\n"), NULL, "");
    members_are(gzip_file_of("m.csv.gz", "y;x\n1;2\n"), "csv", "y|x");
    path = scratch("m.npy");
    file_put(path, npy, sizeof npy - 1);
    members_are(path, NULL, "");
    path = file_of("m.json", "{\"y\": 1, \"J\": 2, \"K\": 3}");
    assert_false(array_members(path, &found, name_add, &seen, &e));      /* stopped */
    assert_string_equal(seen.text, "y|J");
    file_gone(path);
    path = file_of("m.json", "{\"y\": }");
    assert_false(array_members(path, &found, name_add, &seen, &e));
    assert_contains(e.text, "m.json:1:7: ");
    file_gone(path);
    path = scratch("none.json");
    assert_false(array_members(path, &found, name_add, &seen, &e));
    assert_contains(e.text, "cannot open ");
    free(path);
}

static void gzipped(void **state)
{
    char *path = gzip_file_of("z.json.gz", "{\"y\": [1, 2.5], \"J\": 2}"), of[256];
    DgmArray a;
    DataError e;

    (void)state;
    snprintf(of, sizeof of, "%s:y", path);
    assert_true(array_read(of, &a, &e));
    assert_int_equal(a.count, 2);
    assert_true(array_value(&a, 1) == 2.5);
    assert_string_equal(a.format, "json");
    array_free(&a);
    file_gone(path);
}

/* ---- labels that start elsewhere ------------------------------------------------------------- */

static void count_from_0(void **state)
{
    (void)state;
    for (int type = 0; type < ARRAY_TYPES; type++) {
        union { uint8_t u8[3]; uint16_t u16[3]; uint32_t u32[3]; uint64_t u64[3]; float f[3];
                double d[3]; } v;
        DgmArray a = { .type = (ArrayType)type, .rank = 1, .shape = { 3 }, .count = 3, .data = &v };

        for (int i = 0; i < 3; i++)
            switch (type) {
            case ARRAY_BOOL: case ARRAY_U8: case ARRAY_I8: v.u8[i] = (uint8_t)(1 + i); break;
            case ARRAY_U16: case ARRAY_I16: v.u16[i] = (uint16_t)(1 + i); break;
            case ARRAY_U32: case ARRAY_I32: v.u32[i] = (uint32_t)(1 + i); break;
            case ARRAY_F32: v.f[i] = (float)(1 + i); break;
            case ARRAY_F64: v.d[i] = 1 + i; break;
            default: v.u64[i] = (uint64_t)(1 + i); break;
            }
        array_count_from_0(&a, 1);
        for (int i = 0; i < 3; i++)
            assert_true(array_value(&a, i) == i);
    }
}

/* ---- binding by name ------------------------------------------------------------------------- */

static const DgmData eight[2] = {
    { .name = "y", .elem = DGM_ELEM_REAL, .rows = true, .count = 1, .lower = -INFINITY,
      .upper = INFINITY, .support = "real", .line = 2 },
    { .name = "group", .field = "county id", .elem = DGM_ELEM_INDEX, .from = 1, .rows = true,
      .count = 1, .upper = 2, .support = "index(J)", .line = 3 },
};
static const char *const sizes[] = { "J" };
static const long size_values[] = { 3 };

static const DgmModel model = {
    .name = "m", .spec_path = "m.dgm", .data = eight, .n_data = 2, .plate = "N",
    .sizes = sizes, .size_values = size_values, .n_sizes = 1,
};

static DgmSource *open_text(const DgmModel *m, const char *name, const char *text, DgmExit *code,
                            DataError *e)
{
    char *path = file_of(name, text);
    const char *pairs[] = { path };
    DgmSource *s = source_open_try(m, pairs, 1, NULL, code, e);

    file_gone(path);
    return s;
}

static void binds(const DgmModel *m, const char *name, const char *text)
{
    DataError e;
    DgmExit code;
    DgmSource *s = open_text(m, name, text, &code, &e);

    if (s == NULL)
        fail_msg("%s", e.text);
    assert_int_equal(s->N, 3);
    assert_true(source_value(s, 0, 0, 0) == 1.5 && source_value(s, 0, 2, 0) == -2);
    assert_true(s->arrays[1].min == 1 && s->arrays[1].max == 3);         /* as in the file */
    for (long i = 0; i < 3; i++)
        assert_true(source_value(s, 1, i, 0) == 2 - i);  /* labels from 0 */
    source_free(s);
}

static void binds_not(const char *name, const char *text, DgmExit want, const char *part)
{
    DataError e;
    DgmExit code;
    DgmSource *s = open_text(&model, name, text, &code, &e);

    assert_null(s);
    assert_contains(e.text, part);
    assert_int_equal(code, want);
}

#define Y "\"y\": [1.5, 0, -2]"
#define G "\"group\": [3, 2, 1]"

static void bound(void **state)
{
    static const long fixed[] = { 8, 3 };
    static const char *const both[] = { "N", "J" };
    DgmModel m = model;

    (void)state;
    binds(&model, "b.json", "{" Y ", " G "}");
    binds(&model, "b.json", "{\"J\": 3, \"N\": 3, " G ", " Y "}");
    binds(&model, "b.json", "{" Y ", \"county id\": [3, 2, 1]}");        /* as files call it */
    binds(&model, "b.csv", "id,y,group\nno,1.5,3\nnumber,0,2\nhere,-2,1\n");
    binds(&model, "b.csv", "\"county id\";\"y\"\n3;1.5\n2;0\n1;-2\n");
    binds(&model, "b.csv", "J,N,y,group\na,9,1.5,3\nb,9,0,2\nc,9,-2,1\n");       /* no sizes */
    m.sizes = both, m.size_values = fixed, m.n_sizes = 2;
    binds(&m, "b.json", "{\"N\": 3, " Y ", " G "}");     /* held-out data: other rows */
}

/* A column whose name looks like a selection of columns. */
static void bound_column(void **state)
{
    DgmData data[2] = { eight[0], eight[1] };
    DgmModel m = model;

    (void)state;
    m.data = data;
    data[0].field = "0-1";
    data[1].field = "county, id";
    binds(&m, "b.csv", "a;\"county, id\";0-1\n7;3;1.5\n7;2;0\n7;1;-2\n");
}

static void bound_pairs(void **state)
{
    char *json = file_of("p.json", "{\"J\": 3, " Y "}");
    char *csv = file_of("p.csv", "group\n3\n2\n1\n"), named[256];
    const char *two[] = { json, csv }, *twice[] = { json, csv, json }, *pair[] = { named, json };
    DataError e;
    DgmExit code;

    (void)state;
    DgmSource *s = source_open_try(&model, two, 2, NULL, &code, &e);
    assert_non_null(s);
    assert_true(source_value(s, 1, 0, 0) == 2);
    source_free(s);
    assert_null(source_open_try(&model, twice, 3, NULL, &code, &e));
    assert_contains(e.text, "data array y is given twice: ");
    snprintf(named, sizeof named, "county id=%s", csv);
    s = source_open_try(&model, pair, 2, NULL, &code, &e);
    assert_non_null(s);
    source_free(s);
    file_gone(json);
    file_gone(csv);
}

static void bound_refused(void **state)
{
    DataError e;
    DgmExit code;

    (void)state;
    binds_not("r.json", "{" Y "}", DGM_EXIT_USAGE, "data array group is missing (m.dgm:3)");
    binds_not("r.csv", "y,z\n1,2\n", DGM_EXIT_USAGE, "data array group is missing (m.dgm:3)");
    binds_not("r.csv", "u,v\n1,2\n", DGM_EXIT_USAGE, "the model's data arrays are y, group");
    binds_not("r.json", "[1, 2]", DGM_EXIT_USAGE, "the model's data arrays are y, group");
    binds_not("r.json", "{" Y ", " G, DGM_EXIT_DATA, "r.json:1:");
    assert_null(open_text(&model, "r.json", "{" Y ", " G ", \"w\": 1.5}", &code, &e));
    assert_contains(e.text, "r.json: the model has no data `w`");
    assert_string_equal(e.help, "declare it (`data w : ..`), or leave it out of the file; the "
                        "model's data: y, group");
    assert_int_equal(code, DGM_EXIT_DATA);
    binds_not("r.json", "{" Y ", " G ", \"county id\": [1, 1, 1]}", DGM_EXIT_DATA,
              "data array group is given twice: ");
    binds_not("r.json", "{" Y ", \"group\": [3, 2, 0]}", DGM_EXIT_DATA,
              "r.json:group: row 2, element 0 (both from 0): 0 is outside the support index(J) "
              "(m.dgm:3)");
    binds_not("r.json", "{" Y ", \"group\": [3, 4, 1]}", DGM_EXIT_DATA,
              "row 1, element 0 (both from 0): 4 is outside the support index(J)");
    binds_not("r.json", "{" Y ", \"group\": [3, 1.5, 1]}", DGM_EXIT_DATA,
              "row 1, element 0 (both from 0): 1.5 is not a whole number");
    binds_not("r.json", "{\"y\": [1, 2, null], " G "}", DGM_EXIT_DATA,
              "row 2, element 0 (both from 0): nan is not finite");
    binds_not("r.json", "{\"y\": [1, 2], " G "}", DGM_EXIT_DATA,
              "y has 2 rows (");
    binds_not("r.json", "{\"y\": 1, " G "}", DGM_EXIT_DATA, "y is one number");
    binds_not("r.json", "{\"y\": [], " G "}", DGM_EXIT_DATA, "holds no rows");
    binds_not("r.json", "{\"y\": [[1, 2], [3, 4], [5, 6]], " G "}", DGM_EXIT_DATA,
              "has rows of shape [2], but the model declares []");
    binds_not("r.json", "{\"y\": [\"a\"], " G "}", DGM_EXIT_DATA, "`y[0]` is the text \"a\"");
}

static void sizes_refused(void **state)
{
    static const char *const no_size[] = { "2.5", "-1", "null", "\"Inf\"", "1e300", "[1, 2]",
                                           "[]", "\"NA\"" };
    DataError e;
    DgmExit code;
    char text[128];

    (void)state;
    assert_null(open_text(&model, "n.json", "{\"J\": 8, " Y ", " G "}", &code, &e));
    assert_contains(e.text, "n.json: J is 8, but m was compiled for J = 3");
    assert_contains(e.help, "dgmc SPEC --data FILE");
    assert_int_equal(code, DGM_EXIT_DATA);
    binds_not("n.json", "{\"N\": 4, " Y ", " G "}", DGM_EXIT_DATA, "N is 4, but y has 3 rows (");
    binds_not("n.json", "{\"N\": 0, " Y ", " G "}", DGM_EXIT_DATA, "N is 0, but y has 3 rows (");
    for (size_t i = 0; i < 2 * (sizeof no_size / sizeof no_size[0]); i++) {
        snprintf(text, sizeof text, "{\"%s\": %s, " Y ", " G "}", i % 2 ? "N" : "J",
                 no_size[i / 2]);
        binds_not("n.json", text, DGM_EXIT_DATA, "is a size of m: it must be one whole number");
    }
    binds_not("n.json", "{\"J\": \"x\", " Y ", " G "}", DGM_EXIT_DATA, "`J` is the text \"x\"");
}

/* Arrays without rows: shape by axes, elements named by their place in the whole. */
static void whole_arrays(void **state)
{
    const DgmData d = { .name = "X", .elem = DGM_ELEM_REAL, .rank = 2, .shape = { 2, 3 },
                        .count = 6, .upper = INFINITY, .support = "nonnegative", .line = 2 };
    const DgmModel m = { .name = "m", .spec_path = "m.dgm", .data = &d, .n_data = 1 };
    DataError e;
    DgmExit code;

    (void)state;
    DgmSource *s = open_text(&m, "w.json", "{\"X\": [[1, 2, 3], [4, 5, 6]]}", &code, &e);
    assert_non_null(s);
    assert_true(source_value(s, 0, 0, 5) == 6);
    source_free(s);
    s = open_text(&m, "w.json", "[[1, 2, 3], [4, 5, 6]]", &code, &e);    /* the only array */
    assert_non_null(s);
    source_free(s);
    assert_null(open_text(&m, "w.json", "{\"X\": [[1, 2, 3], [4, -5, 6]]}", &code, &e));
    assert_contains(e.text, "w.json:X: element 4 (from 0): -5 is outside the support nonnegative");
    assert_null(open_text(&m, "w.json", "{\"X\": [[1, 2], [4, 5]]}", &code, &e));
    assert_contains(e.text, "has shape [2, 2], but the model declares [2, 3] (m.dgm:2)");
    s = open_text(&m, "w.json", "{\"X\": [1, 2, 3, 4, 5, 6]}", &code, &e);
    assert_non_null(s);
    assert_contains(s->arrays[0].note, "shape is [6], used as [2, 3]");
    source_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars),       cmocka_unit_test(not_numbers),
        cmocka_unit_test(nested),        cmocka_unit_test(empty),
        cmocka_unit_test(selectors),     cmocka_unit_test(many_fields),
        cmocka_unit_test(ragged),        cmocka_unit_test(promises),
        cmocka_unit_test(no_numbers),    cmocka_unit_test(deep),
        cmocka_unit_test(syntax),        cmocka_unit_test(shape_only),
        cmocka_unit_test(colons),        cmocka_unit_test(members),
        cmocka_unit_test(gzipped),       cmocka_unit_test(count_from_0),
        cmocka_unit_test(bound),         cmocka_unit_test(bound_pairs),
        cmocka_unit_test(bound_refused), cmocka_unit_test(sizes_refused),
        cmocka_unit_test(whole_arrays),  cmocka_unit_test(bound_column),
    };

    return cmocka_run_group_tests_name("json", tests, scratch_make, scratch_remove);
}
