/* test_rt_checkpoint.c - checkpoints: what is written is read back; anything else is refused with a
 * sentence; the old file survives a failed or killed write. */
#include "rt_files.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "train/checkpoint.h"

/* ---- a sample -------------------------------------------------------------------------------- */

static float w[6] = { 1, -2.5f, 1e-40f, INFINITY, 5, 6 };
static double v[6] = { 1, 0.1, -0.0, 4, 5, 1e300 };
static float scalar = 7;

static const Tensor sample[] = {
    { "decoder.dense_1.W", TENSOR_F32, 2, { 2, 3 }, w },
    { "v/\"quoted\" \\ \xc3\xa9", TENSOR_F64, 1, { 6 }, v },
    { "sigma", TENSOR_F32, 0, { 0 }, &scalar },
    { "empty", TENSOR_F32, 2, { 3, 0 }, w },
};
static const CheckpointText texts[] = { { "step", "9223372036854775807" }, { "spec_hash", "00ff" },
                                        { "note", "line\nbreak \"and\" quotes" } };

static size_t sample_bytes(uint8_t *bytes, size_t room)
{
    char *path = scratch("sample");
    DataError e;

    w[3] = NAN;                          /* weights are data: NaN comes back as it was */
    assert_true(checkpoint_write_try(path, sample, 4, texts, 3, &e));
    size_t n = file_get(path, bytes, room);
    unlink(path);
    free(path);
    return n;
}

static bool parses(const uint8_t *bytes, size_t n, DataError *e)
{
    uint8_t *exact = malloc(n + 1);      /* so that sanitizers see a read beyond the end */

    memcpy(exact, bytes, n);
    e->text[0] = '\0';
    Checkpoint *c = checkpoint_read_memory("c", exact, n, e);
    free(exact);
    if (c == NULL)
        assert_true(strlen(e->text) > 10);
    checkpoint_free(c);
    return c != NULL;
}

static void round_trip(void **state)
{
    char *path = scratch("a b.safetensors");
    const long two_three[] = { 2, 3 }, three_two[] = { 3, 2 };
    float back[6];
    DataError e;

    (void)state;
    w[3] = NAN;
    checkpoint_write(path, sample, 4, texts, 3);
    Checkpoint *c = checkpoint_read(path);
    assert_int_equal(c->n_tensors, 4);
    assert_int_equal(c->n_texts, 3);
    for (int i = 0; i < 3; i++)
        assert_string_equal(checkpoint_text(c, texts[i].key), texts[i].value);
    assert_null(checkpoint_text(c, "checksum"));
    for (int i = 0; i < 4; i++) {
        const Tensor *t = checkpoint_tensor(c, sample[i].name);

        assert_non_null(t);
        assert_int_equal(t->rank, sample[i].rank);
        assert_int_equal(tensor_count(t), tensor_count(&sample[i]));
        size_t width = t->type == TENSOR_F32 ? 4 : 8;
        assert_memory_equal(t->data, sample[i].data, (size_t)tensor_count(t) * width);
    }
    checkpoint_fetch(c, "decoder.dense_1.W", TENSOR_F32, 2, two_three, back);
    assert_memory_equal(back, w, sizeof w);
    assert_false(checkpoint_fetch_try(c, "decoder.dense_1.W", TENSOR_F32, 2, three_two, back, &e));
    assert_contains(e.text, "has shape [2, 3], but the model declares [3, 2]");
    assert_false(checkpoint_fetch_try(c, "decoder.dense_1.W", TENSOR_F64, 2, two_three, back, &e));
    assert_contains(e.text, "is F32, but the trainer computes in F64");
    assert_false(checkpoint_fetch_try(c, "other", TENSOR_F32, 2, two_three, back, &e));
    assert_contains(e.text, "no tensor other");
    checkpoint_free(c);
    assert_null(checkpoint_read_try(scratch_dir, &e));
    assert_contains(e.text, "not a regular file");
    unlink(path);
    assert_null(checkpoint_read_try(path, &e));
    assert_contains(e.text, strerror(ENOENT));
    free(path);
}

static void refused_writes(void **state)
{
    char *path = scratch("x");
    const Tensor same[] = { sample[0], sample[0] };
    const Tensor meta = { "__metadata__", TENSOR_F32, 0, { 0 }, w };
    const Tensor latin = { "\xe9", TENSOR_F32, 0, { 0 }, w };
    DataError e;

    (void)state;
    assert_false(checkpoint_write_try(path, same, 2, NULL, 0, &e));
    assert_false(checkpoint_write_try(path, &meta, 1, NULL, 0, &e));
    assert_false(checkpoint_write_try(path, &latin, 1, NULL, 0, &e));
    assert_contains(e.text, "equal or not UTF-8");
    assert_int_not_equal(access(path, F_OK), 0);
    free(path);
}

/* ---- damage ---------------------------------------------------------------------------------- */

static void every_cut(void **state)
{
    uint8_t bytes[4096];
    size_t n = sample_bytes(bytes, sizeof bytes - 16);
    DataError e;

    (void)state;
    assert_true(parses(bytes, n, &e));
    for (size_t k = 0; k < n; k++)
        assert_false(parses(bytes, k, &e));
    memset(bytes + n, 0, 16);
    for (size_t k = 1; k <= 16; k++) {
        assert_false(parses(bytes, n + k, &e));
        assert_contains(e.text, "follow the last tensor");
    }
}

static void every_bit(void **state)
{
    uint8_t bytes[4096];
    size_t n = sample_bytes(bytes, sizeof bytes);
    DataError e;

    (void)state;
    for (size_t i = 0; i < n; i++)
        for (int bit = 0; bit < 8; bit++) {
            bytes[i] ^= (uint8_t)(1 << bit);
            if (parses(bytes, n, &e))
                fail_msg("bit %d of byte %zu may be changed", bit, i);
            bytes[i] ^= (uint8_t)(1 << bit);
        }
    assert_true(parses(bytes, n, &e));
}

static void hostile_headers(void **state)
{
#define T(dtype, shape, a, b)                                                                      \
    "{\"__metadata__\":{\"checksum\":\"0\"},\"t\":{\"dtype\":\"" dtype "\",\"shape\":" shape       \
    ",\"data_offsets\":[" a "," b "]}}"
    static const struct { const char *header, *part; } t[] = {
        { T("F32", "[2]", "0", "8"), "header was changed or damaged" },
        { T("F16", "[4]", "0", "8"), "neither F32 nor F64" },
        { T("f32", "[2]", "0", "8"), "neither F32 nor F64" },
        { T("F32", "[3]", "0", "8"), "does not fit the shape" },
        { T("F32", "[1]", "0", "4"), "bytes follow the last tensor" },
        { T("F32", "[1]", "4", "8"), "a hole or an overlap" },
        { T("F32", "[4]", "0", "16"), "beyond the end" },
        { T("F32", "[2]", "8", "0"), "a hole or an overlap" },
        { T("F32", "[2]", "0", "-8"), "beyond the end" },
        { T("F32", "[2]", "0", "8.0"), "pair of whole numbers" },
        { T("F32", "[2]", "0", "8,8"), "pair of whole numbers" },
        { T("F32", "[2]", "0", "1e1"), "pair of whole numbers" },
        { T("F32", "[2]", "0", "18446744073709551624"), "not valid JSON" },
        { T("F32", "[-2]", "0", "8"), "not a whole number >= 0" },
        { T("F32", "[2.0]", "0", "8"), "not a whole number >= 0" },
        { T("F32", "2", "0", "8"), "not a list" },
        { T("F32", "[1,1,1,1,1,1,1,1,2]", "0", "8"), "at most 8" },
        { T("F32", "[4611686018427387904,4]", "0", "8"), "larger than memory" },
        { T("F32", "[9223372036854775807,0]", "0", "8"), "larger than memory" },
        { "{\"t\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", "no __metadata__" },
        { "{\"__metadata__\":{},\"t\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
          "checksum is missing" },
        { "{\"__metadata__\":{\"checksum\":\"0\",\"step\":3}}", "not a string" },
        { "{\"__metadata__\":[]}", "no __metadata__" },
        { "{\"__metadata__\":{\"checksum\":\"0\"},\"t\":{\"dtype\":\"F32\",\"shape\":[2]}}",
          "exactly dtype, shape and data_offsets" },
        { "{\"__metadata__\":{\"checksum\":\"0\"},\"t\":7}", "exactly dtype" },
        { "{\"__metadata__\":{\"checksum\":\"0\"},\"__metadata__\":{}}", "duplicate" },
        { "{\"a\":1,\"a\":1}", "duplicate" },
        { "[]", "not a JSON object" },
        { " {}", "not a JSON object" },
        { "{} {}", "not valid JSON" },
        { "{\"\xff\":1}", "not valid JSON" },
        { "{\"a\":}", "not valid JSON" },
        { "", "not a JSON object" },
    };
    Bytes o;
    DataError e;

    (void)state;
    for (size_t i = 0; i < sizeof t / sizeof t[0]; i++) {
        o.n = 0;
        put_little(&o, strlen(t[i].header), 8);
        put(&o, t[i].header, strlen(t[i].header));
        put(&o, "\0\0\0\0\0\0\0\0", 8);
        assert_false(parses(o.b, o.n, &e));
        assert_contains(e.text, t[i].part);
    }
}

static void header_length(void **state)
{
    static const uint64_t lengths[] = { 100, (uint64_t)1 << 31, (uint64_t)1 << 63, UINT64_MAX,
                                        UINT64_MAX - 7 };
    size_t large = ((size_t)16 << 20) + 16;
    uint8_t *big = malloc(large + 8);
    Bytes o;
    DataError e;

    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        o.n = 0;
        put_little(&o, lengths[i], 8);
        put(&o, "{}", 2);
        assert_false(parses(o.b, o.n, &e));
        assert_contains(e.text, "cut off");
    }
    memset(big, ' ', large + 8);
    o.n = 0;
    put_little(&o, large, 8);
    put(&o, "{}", 2);
    memcpy(big, o.b, o.n);
    assert_false(parses(big, large + 8, &e));
    assert_contains(e.text, "larger than 16 MB");
    memset(big + 8, '[', 100000);        /* deep nesting must not use up the stack */
    memcpy(big, "\xa8\x86\1\0\0\0\0\0{\"a\":", 13);
    big[8 + 100008 - 1] = '}';
    assert_false(parses(big, large, &e));
    free(big);
}

/* Two tensors of one size change places: the checksums know. */
static void swapped(void **state)
{
    float a[4] = { 1, 2, 3, 4 }, b[4] = { 5, 6, 7, 8 };
    const Tensor ab[] = { { "a", TENSOR_F32, 1, { 4 }, a }, { "b", TENSOR_F32, 2, { 2, 2 }, b } };
    char *path = scratch("s");
    uint8_t bytes[2048];
    DataError e;

    (void)state;
    assert_true(checkpoint_write_try(path, ab, 2, NULL, 0, &e));
    size_t n = file_get(path, bytes, sizeof bytes);
    assert_true(parses(bytes, n, &e));
    memcpy(bytes + n - 2 * sizeof a, b, sizeof b);
    memcpy(bytes + n - sizeof b, a, sizeof a);
    assert_false(parses(bytes, n, &e));
    assert_contains(e.text, "a: the values were changed");
    unlink(path);
    free(path);
}

/* ---- failing and killed writes --------------------------------------------------------------- */

static void full_disk(void **state)
{
    char *path = scratch("c"), *tmp = scratch("c.tmp");
    float *large = calloc(100000, sizeof *large);
    const Tensor t = { "large", TENSOR_F32, 1, { 100000 }, large };
    struct rlimit old, limit;
    DataError e;

    (void)state;
    assert_true(checkpoint_write_try(path, sample, 4, texts, 3, &e));
    getrlimit(RLIMIT_FSIZE, &old);
    limit = old;
    limit.rlim_cur = 64 * 1024;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    assert_false(checkpoint_write_try(path, &t, 1, NULL, 0, &e));
    setrlimit(RLIMIT_FSIZE, &old);
    assert_contains(e.text, path);
    assert_contains(e.text, strerror(EFBIG));
    assert_int_not_equal(access(tmp, F_OK), 0);
    Checkpoint *c = checkpoint_read_try(path, &e);
    assert_non_null(c);
    assert_string_equal(checkpoint_text(c, "spec_hash"), "00ff");
    checkpoint_free(c);
    assert_false(checkpoint_write_try("/dev/full", sample, 4, texts, 3, &e));
    assert_contains(e.text, strerror(ENOSPC));
    unlink(path);
    free(path), free(tmp), free(large);
}

/* A child saves again and again and is killed: the file is always a whole checkpoint. */
static void killed(void **state)
{
    char *path = scratch("k"), *tmp = scratch("k.tmp");
    float *large = calloc(20000, sizeof *large);
    const Tensor t = { "large", TENSOR_F32, 1, { 20000 }, large };
    DataError e;

    (void)state;
    assert_true(checkpoint_write_try(path, &t, 1, NULL, 0, &e));
    for (int round = 0; round < 25; round++) {
        pid_t child = fork();

        assert_true(child >= 0);
        for (long k = 0; child == 0; k++) {
            large[k % 20000] = (float)k;
            checkpoint_write_try(path, &t, 1, NULL, 0, &e);
        }
        usleep(1000 + 1700 * (unsigned)round % 20000);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        Checkpoint *c = checkpoint_read_try(path, &e);
        if (c == NULL)
            fail_msg("%s", e.text);
        checkpoint_free(c);
    }
    assert_true(checkpoint_write_try(path, &t, 1, NULL, 0, &e));     /* whatever was left behind */
    assert_int_not_equal(access(tmp, F_OK), 0);
    unlink(path);
    free(path), free(tmp), free(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trip),      cmocka_unit_test(refused_writes),
        cmocka_unit_test(every_cut),       cmocka_unit_test(every_bit),
        cmocka_unit_test(hostile_headers), cmocka_unit_test(header_length),
        cmocka_unit_test(swapped),         cmocka_unit_test(full_disk),
        cmocka_unit_test(killed),
    };

    return cmocka_run_group_tests_name("checkpoint", tests, scratch_make, scratch_remove);
}
