/* test_rt_source.c - sources: shapes, supports, binarisation, order, batches; and the writers. */
#include "rt_files.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <signal.h>
#include <sys/resource.h>

#include "data/data.h"
#include "plot/plot.h"

/* ---- a model to open sources for ------------------------------------------------------------- */

static const DgmData bits = { .name = "x", .elem = DGM_ELEM_BIT, .rows = true, .rank = 1,
                              .shape = { 4 }, .count = 4, .upper = 1, .support = "bit", .line = 2 };

static DgmModel model_of(const DgmData *data, int n)
{
    return (DgmModel){ .name = "m", .spec_path = "m.dgm", .data = data, .n_data = n, .plate = "N" };
}

static char *csv_file(const char *name, const char *text)
{
    char *path = scratch(name);

    file_put(path, text, strlen(text));
    return path;
}

/* Opens one array from CSV text; NULL with the error in e. */
static DgmSource *open_text(const DgmModel *m, const char *text, const SourceOptions *o,
                            DgmExit *code, DataError *e)
{
    char *path = csv_file("x.csv", text);
    const char *pairs[] = { path };
    DgmSource *s = source_open_try(m, pairs, 1, o, code, e);

    unlink(path);
    free(path);
    return s;
}

static DgmSource *opens(const DgmModel *m, const char *text, const SourceOptions *o)
{
    DataError e;
    DgmExit code;
    DgmSource *s = open_text(m, text, o, &code, &e);

    if (s == NULL)
        fail_msg("%s", e.text);
    return s;
}

static void refuses(const DgmModel *m, const char *text, const SourceOptions *o, DgmExit want,
                    const char *part)
{
    DataError e;
    DgmExit code;

    assert_null(open_text(m, text, o, &code, &e));
    assert_int_equal(code, want);
    assert_contains(e.text, part);
}

/* ---- shapes and supports --------------------------------------------------------------------- */

static void shapes(void **state)
{
    DgmData square = bits;
    DgmModel m = model_of(&bits, 1), q = model_of(&square, 1);
    DataError e;
    DgmExit code;

    (void)state;
    DgmSource *s = opens(&m, "0,1,0,1\n1,1,0,0\n0,0,0,1\n", NULL);
    assert_int_equal(s->N, 3);
    assert_string_equal(s->arrays[0].note, "");
    assert_true(source_value(s, 0, 2, 3) == 1);
    assert_contains(s->arrays[0].binarisation, "none");
    source_free(s);
    square.rank = 2, square.shape[0] = square.shape[1] = 2;
    s = opens(&q, "0,1,0,1\n", NULL);
    assert_contains(s->arrays[0].note, "rows are [4], used as [2, 2]");
    source_free(s);
    refuses(&m, "0,1,0\n", NULL, DGM_EXIT_DATA, "rows of shape [3], but the model declares [4]");
    square.rank = 0, square.count = 1;
    assert_null(open_text(&q, "len,age\n0,1\n", NULL, &code, &e));
    assert_contains(e.help, "choose a column by its name, for example x=FILE:len");
    assert_null(open_text(&q, "0,1\n", NULL, &code, &e));
    assert_contains(e.help, "choose columns, for example x=FILE:0-0");
}

static void supports(void **state)
{
    DgmData d = { .name = "y", .elem = DGM_ELEM_INDEX, .rows = true, .count = 1, .upper = 9,
                  .support = "index(10)", .line = 3 };
    DgmModel m = model_of(&d, 1);
    DataError e;
    DgmExit code;

    (void)state;
    source_free(opens(&m, "0\n9\n", NULL));
    refuses(&m, "0\n10\n", NULL, DGM_EXIT_DATA, "row 1, element 0 (both from 0): 10 is outside");
    refuses(&m, "0\n-1\n", NULL, DGM_EXIT_DATA, "-1 is outside the support index(10) (m.dgm:3)");
    refuses(&m, "0\n1.5\n", NULL, DGM_EXIT_DATA, "1.5 is not a whole number");
    refuses(&m, "0\nnan\n", NULL, DGM_EXIT_DATA, "nan is not finite");
    assert_null(open_text(&m, "1\n10\n", NULL, &code, &e));
    assert_contains(e.help, "`index(10) from 1`");
    d = (DgmData){ .name = "y", .elem = DGM_ELEM_REAL, .rows = true, .count = 1, .upper = INFINITY,
                   .open_lower = true, .support = "positive", .line = 3 };
    source_free(opens(&m, "0.5\n1e300\n", NULL));
    refuses(&m, "1\n0\n", NULL, DGM_EXIT_DATA, "row 1, element 0 (both from 0): 0 is outside");
    refuses(&m, "1\ninf\n", NULL, DGM_EXIT_DATA, "inf is not finite");
}

static void pairs(void **state)
{
    const DgmData real = { .elem = DGM_ELEM_REAL, .rows = true, .count = 1, .lower = -INFINITY,
                           .upper = INFINITY, .support = "real" };
    DgmData two[2] = { real, real };
    DgmModel m;
    DataError e;
    DgmExit code;
    char *a = csv_file("a=b.csv", "1\n2\n"), *b = csv_file("b.csv", "1\n2\n3\n");
    char x[256], y[256], z[256];

    (void)state;
    two[0].name = "x", two[1].name = "y";
    m = model_of(two, 2);
    snprintf(x, sizeof x, "x=%s", a);
    snprintf(y, sizeof y, "y=%s", b);
    snprintf(z, sizeof z, "z=%s", b);
    const char *both[] = { y, x }, *twice[] = { x, x }, *other[] = { x, z }, *bare[] = { a };
    assert_null(source_open_try(&m, both, 2, NULL, &code, &e));
    assert_contains(e.text, "x has 2 rows");
    assert_int_equal(code, DGM_EXIT_DATA);
    assert_null(source_open_try(&m, both, 1, NULL, &code, &e));
    assert_contains(e.text, "data array x is missing");
    assert_int_equal(code, DGM_EXIT_USAGE);
    assert_null(source_open_try(&m, twice, 2, NULL, &code, &e));
    assert_contains(e.text, "given twice");
    assert_null(source_open_try(&m, other, 2, NULL, &code, &e));
    assert_contains(e.text, "the model's data arrays are x, y");
    m.n_data = 1;
    DgmSource *s = source_open_try(&m, bare, 1, NULL, &code, &e);
    assert_non_null(s);                  /* a name with `=` in it */
    source_free(s);
    two[1].rows = false;                 /* whole arrays do not count rows */
    two[1].rank = 1, two[1].shape[0] = two[1].count = 3;
    m.n_data = 2;
    s = source_open_try(&m, both, 2, NULL, &code, &e);
    assert_non_null(s);
    assert_int_equal(s->N, 2);
    SourceBuffers *buffers = source_buffers_new(s, 1);
    assert_true(buffers->data[1][2] == 3);
    source_buffers_free(buffers);
    source_free(s);
    unlink(a), unlink(b), free(a), free(b);
}

/* ---- binarisation ---------------------------------------------------------------------------- */

static const char grays[] = "0,8,9,16\n16,0,0,16\n4,4,4,4\n";

static void load_all(DgmSource *s, Real *out, long piece)
{
    SourceBuffers *b = source_buffers_new(s, s->N);
    DgmCtx c = { .data = b->data, .rows = b->rows, .source = s, .B = s->N };

    for (long r = 0; r < s->N; r += piece)
        dgm_load_rows(&c, r, r + piece < s->N ? r + piece : s->N);
    memcpy(out, b->data[0], (size_t)(s->N * s->model->data[0].count) * sizeof *out);
    source_buffers_free(b);
}

static void threshold(void **state)
{
    const DgmModel m = model_of(&bits, 1);
    SourceOptions half = { .binarise = "threshold" }, low = { .binarise = "threshold=3" };
    SourceOptions wide = { .binarise = "threshold", .scale = 255 }, small = wide;
    SourceOptions odd = { .binarise = "thresh" };
    Real out[12];

    (void)state;
    small.scale = 15;
    refuses(&m, grays, NULL, DGM_EXIT_DATA, "values from 0 to 16, but the model declares bit");
    refuses(&m, grays, &small, DGM_EXIT_DATA, "value 16, above the scale 15");
    refuses(&m, grays, &odd, DGM_EXIT_USAGE, "--binarise thresh is not known");
    refuses(&m, "0,1,2,-1\n", &half, DGM_EXIT_DATA, "-1 is outside");
    refuses(&m, "0,1,0.5,nan\n", &half, DGM_EXIT_DATA, "nan is not finite");
    DgmSource *s = opens(&m, grays, &half);
    const Real want[12] = { 0, 0, 1, 1, 1, 0, 0, 1, 0, 0, 0, 0 };
    load_all(s, out, 1);
    assert_memory_equal(out, want, sizeof want);
    assert_string_equal(s->arrays[0].binarisation, "threshold: value > 8 of 16");
    assert_true(source_scale(s) == 16);
    source_free(s);
    s = opens(&m, grays, &low);
    load_all(s, out, 3);
    for (int i = 8; i < 12; i++)
        assert_true(out[i] == 1);
    source_free(s);
    s = opens(&m, grays, &wide);
    load_all(s, out, 3);
    for (int i = 0; i < 12; i++)
        assert_true(out[i] == 0);
    source_free(s);
    s = opens(&m, "0,0.4,0.6,1\n", &half);       /* not bytes */
    load_all(s, out, 1);
    assert_true(out[0] == 0 && out[1] == 0 && out[2] == 1 && out[3] == 1);
    source_free(s);
}

/* Bits follow the gray values, anew every epoch, whatever the pieces; white is always 1. */
static void dynamic(void **state)
{
    const DgmModel m = model_of(&bits, 1);
    SourceOptions o = { .binarise = "dynamic", .seed = 5 };
    DgmSource *s = opens(&m, grays, &o);
    Real out[12], again[12], sum[12] = { 0 };
    const int epochs = 4000;
    int changed = 0;

    (void)state;
    assert_true(s->dynamic);
    for (int k = 0; k < epochs; k++) {
        source_epoch(s, 5, (uint64_t)k);
        load_all(s, out, 1);
        load_all(s, again, 2);
        assert_memory_equal(out, again, sizeof out);
        for (int i = 0; i < 12; i++)
            sum[i] += out[i];
        source_epoch(s, 5, (uint64_t)k + 1);
        load_all(s, again, 3);
        changed += memcmp(out, again, sizeof out) != 0;
    }
    assert_true(changed > epochs / 2);
    for (int i = 0; i < 12; i++) {
        double p = source_value(s, 0, i / 4, i % 4) / 16, sd = sqrt(p * (1 - p) / epochs);

        assert_true(fabs((double)sum[i] / epochs - p) <= 5 * sd);
    }
    source_free(s);
}

/* ---- order and batches ----------------------------------------------------------------------- */

static void order(void **state)
{
    const DgmModel m = model_of(&bits, 1);
    char text[1000 * 8 + 1] = "";
    long first[1000], batch[100];
    int seen[1000] = { 0 };
    double displaced = 0;

    (void)state;
    for (int i = 0; i < 1000; i++)
        memcpy(text + 8 * i, "0,1,0,1\n", 9);
    DgmSource *s = opens(&m, text, NULL), *t = opens(&m, text, NULL);
    source_epoch(s, 7, 3);
    memcpy(first, s->order, sizeof first);
    for (int k = 0; k < 10; k++) {
        source_batch_rows(s, k, 100, batch);
        for (int i = 0; i < 100; i++) {
            assert_in_range(batch[i], 0, 999);
            seen[batch[i]]++;
            displaced += fabs((double)(batch[i] - (100 * k + i)));
        }
    }
    for (int i = 0; i < 1000; i++)
        assert_int_equal(seen[i], 1);    /* without replacement */
    assert_true(fabs(displaced / 1000 - 333) < 40);
    source_epoch(s, 7, 4);
    assert_memory_not_equal(first, s->order, sizeof first);
    source_epoch(t, 7, 3);               /* no memory of the epochs before */
    assert_memory_equal(first, t->order, sizeof first);
    source_epoch(t, 8, 3);
    assert_memory_not_equal(first, t->order, sizeof first);
    source_free(s);
    source_free(t);
}

static void batches(void **state)
{
    const DgmData d = { .name = "x", .elem = DGM_ELEM_REAL, .rows = true, .rank = 1, .shape = { 2 },
                        .count = 2, .lower = -INFINITY, .upper = INFINITY, .support = "real" };
    const DgmModel m = model_of(&d, 1);
    DgmSource *s = opens(&m, "0,0.5\n10,11\n20,21\n30,31\n40,41\n", NULL);
    SourceBuffers *b = source_buffers_new(s, 3), *all = source_buffers_new(s, 5);
    DgmCtx c = { .B = 3 };
    const long rows[] = { 4, 1, 2 };

    (void)state;
    source_attach(s, b, &c);
    assert_ptr_equal(c.source, s);
    assert_int_equal(c.N, 5);
    memcpy(b->rows, rows, sizeof rows);
    dgm_load_rows(&c, 2, 3);
    dgm_load_rows(&c, 0, 2);
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 2; k++)
            assert_true(c.data[0][2 * i + k] == (Real)source_value(s, 0, rows[i], k));
    source_attach(s, all, &c);           /* the whole data set: converted once */
    assert_null(c.source);
    assert_true(c.data[0][1] == (Real)0.5 && c.data[0][9] == 41);
    dgm_load_rows(&c, 0, 5);
    source_buffers_free(b);
    source_buffers_free(all);
    source_free(s);
}

/* ---- writers --------------------------------------------------------------------------------- */

static void arrays_written(void **state)
{
    char *npy = scratch("a.npy"), *csv = scratch("a b.csv");
    const char *const names[] = { "x", "z.mean, 1", "a \"b\"" };
    const Real values[6] = { 1, (Real)0.1, -2, (Real)1e-30, 5, (Real)NAN };
    const long shape[] = { 2, 3 };
    DgmArray a;
    DataError e;
    char text[512];

    (void)state;
    if (setlocale(LC_ALL, "de_DE.UTF-8") == NULL)
        setlocale(LC_ALL, "C.UTF-8");
    dgm_npy_write(npy, 2, shape, values);
    assert_true(array_read(npy, &a, &e));
    assert_int_equal(a.type, sizeof(Real) == 4 ? ARRAY_F32 : ARRAY_F64);
    assert_int_equal(a.shape[1], 3);
    assert_memory_equal(a.data, values, sizeof values);
    array_free(&a);
    assert_int_equal(file_get(npy, text, sizeof text), 128 + sizeof values);
    dgm_csv_write(csv, names, 2, 3, values);
    assert_true(array_read(csv, &a, &e));
    for (int i = 0; i < 5; i++)
        assert_true((Real)array_value(&a, i) == values[i]);
    assert_true(isnan(array_value(&a, 5)));
    array_free(&a);
    text[file_get(csv, text, sizeof text - 1)] = '\0';
    assert_contains(text, "x,\"z.mean, 1\",\"a \"\"b\"\"\"\n1,0.1");
    setlocale(LC_ALL, "C");
    unlink(npy), unlink(csv), free(npy), free(csv);
}

static bool write_kilobytes(const char *path, int n, DataError *e)
{
    char block[1024];
    Output *o = output_open(path);

    memset(block, 'x', sizeof block);
    for (int i = 0; i < n; i++)
        output_write(o, block, sizeof block);
    return output_finish_try(o, e);
}

static void output_failures(void **state)
{
    char *path = csv_file("f", "old"), *tmp = scratch("f.tmp"), *none = scratch("no/f");
    char *link = scratch("link"), text[8] = "";
    struct rlimit old, limit;
    struct stat st;
    DataError e;

    (void)state;
    getrlimit(RLIMIT_FSIZE, &old);
    limit = old;
    limit.rlim_cur = 100 * 1024;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    assert_false(write_kilobytes(path, 300, &e));        /* EFBIG in the middle */
    setrlimit(RLIMIT_FSIZE, &old);
    assert_contains(e.text, strerror(EFBIG));
    assert_contains(e.text, path);
    assert_int_equal(file_get(path, text, 8), 3);        /* the old file stands */
    assert_int_not_equal(access(tmp, F_OK), 0);          /* and nothing else */
    assert_false(write_kilobytes("/dev/full", 300, &e));
    assert_contains(e.text, strerror(ENOSPC));
    assert_contains(e.help, "free some space");
    assert_false(write_kilobytes(none, 1, &e));
    assert_contains(e.text, strerror(ENOENT));
    assert_false(write_kilobytes(scratch_dir, 1, &e));
    assert_contains(e.text, strerror(EISDIR));
    assert_int_equal(symlink("/etc/passwd", tmp), 0);    /* a trap, or left by a killed run */
    assert_int_equal(symlink(path, link), 0);
    assert_true(write_kilobytes(link, 2, &e));
    assert_int_equal(lstat(link, &st), 0);
    assert_true(S_ISREG(st.st_mode) && st.st_size == 2048);
    assert_true(write_kilobytes(path, 1, &e));
    assert_int_equal(lstat(path, &st), 0);
    assert_int_equal(st.st_size, 1024);
    output_abandon(output_open(path));
    assert_int_not_equal(access(tmp, F_OK), 0);
    unlink(path), unlink(link);
    free(path), free(tmp), free(none), free(link);
}

static void pictures(void **state)
{
    char *path = scratch("p.png");
    const Real images[2 * 4] = { 0, 1, 2, -1, (Real)NAN, (Real)0.5, 0, 1 };
    const double x[] = { 0, 1, 2, NAN }, y[] = { -5, INFINITY, -1, 3 };
    const PlotLine lines[] = { { "train", x, y, 4 }, { "one", x, y, 1 }, { "", NULL, NULL, 0 } };
    uint8_t head[26];
    DataError e;

    (void)state;
    picture_grid(path, images, 2, 2, 2, 0);
    assert_int_equal(file_get(path, head, sizeof head), sizeof head);
    assert_memory_equal(head, "\x89PNG\r\n\x1a\n", 8);
    assert_int_equal(head[18] << 8 | head[19], 2 * 65 + 1);      /* width, 2 pixels as 64 */
    assert_int_equal(head[22] << 8 | head[23], 65 + 1);
    assert_int_equal(head[25], 0);                               /* gray */
    assert_true(plot_lines_try(path, "title", "x", "y", lines, 3, &e));
    assert_int_equal(file_get(path, head, sizeof head), sizeof head);
    assert_int_equal(head[25], 2);                               /* RGB */
    assert_true(plot_lines_try(path, "", "", "", lines + 2, 1, &e));
    assert_false(picture_write_try("/dev/full", head, 1, 1, 1, &e));
    assert_contains(e.text, strerror(ENOSPC));
    assert_false(picture_write_try(path, head, 2000000, 1, 1, &e));
    unlink(path);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes),         cmocka_unit_test(supports),
        cmocka_unit_test(pairs),          cmocka_unit_test(threshold),
        cmocka_unit_test(dynamic),        cmocka_unit_test(order),
        cmocka_unit_test(batches),        cmocka_unit_test(arrays_written),
        cmocka_unit_test(output_failures), cmocka_unit_test(pictures),
    };

    return cmocka_run_group_tests_name("source", tests, scratch_make, scratch_remove);
}
