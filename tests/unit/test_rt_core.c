/* test_rt_core.c - slabs, binding, chunks, terms, failing, the machine, random streams. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/rng.h"

/* ---- slabs and binding ---------------------------------------------------------------------- */

static void slabs(void **state)
{
    (void)state;
    size_t at = 0, count = 0;
    Real *slab = dgm_slab_new(100);
    assert_int_equal((uintptr_t)slab % 64, 0);
    for (int i = 0; i < 100; i++)
        assert_true(slab[i] == 0);
    const size_t sizes[] = { 1, 16, 17, 0, 5 };
    for (int i = 0; i < 5; i++) {
        Real *piece = dgm_slab_take(slab, &at, sizes[i]);
        assert_null(dgm_slab_take(NULL, &count, sizes[i]));
        assert_int_equal((uintptr_t)piece % 64, 0);
        assert_int_equal(at, count);
    }
    assert_int_equal(at, 16 + 16 + 32 + 0 + 16);
    dgm_slab_free(slab);
    dgm_slab_free(NULL);
}

typedef struct ToyState {
    Real *a, *b;
} ToyState;

static size_t toy_layout(DgmCtx *c, Real *slab)
{
    ToyState *s = c->state;
    size_t at = 0;
    s->a = dgm_slab_take(slab, &at, (size_t)(c->B * c->S));
    s->b = dgm_slab_take(slab, &at, 3);
    c->out[0] = s->a;
    return at;
}

static const DgmTerm toy_terms[] = { { .name = "x" }, { .name = "kl" }, { .name = "prior" } };
static const DgmOutput toy_outputs[] = { { .name = "x", .count = 1 } };
static const DgmModel toy_model = { .name = "toy", .terms = toy_terms, .n_terms = 3 };
static const DgmProgram toy = { .name = "step", .layout = toy_layout, .terms = toy_terms,
                                .n_terms = 3,
                                .state_bytes = sizeof(ToyState), .n_tasks = 5,
                                .outputs = toy_outputs, .n_outputs = 1 };

static void binding(void **state)
{
    (void)state;
    DgmCtx c = { .model = &toy_model, .threads = 3 };
    for (long B = 1; B < 200; B += 66) {               /* the second bind frees the first */
        dgm_bind(&c, &toy, B, 2);
        ToyState *s = c.state;
        assert_true(c.out[0] == s->a && s->b >= s->a + 2 * B && c.B == B && c.S == 2);
        for (long i = 0; i < 2 * B; i++)
            s->a[i] = 1;                               /* the slab is that large (ASan) */
        assert_true(c.terms[2] == 0 && c.norm2[4] == 0 && c.bad_term == -1 && c.threads == 3);
    }
    dgm_unbind(&c);
    assert_true(c.state == NULL && c.out == NULL && c.terms == NULL && c.norm2 == NULL);
    dgm_unbind(&c);
}

static void terms(void **state)
{
    (void)state;
    DgmCtx c = { .model = &toy_model };
    dgm_bind(&c, &toy, 1, 1);
    double partial[] = { 1, 2, 1e16, 10, 20, 1, 100, 200, -1e16 };
    dgm_sum_terms(&c, partial, 3);
    assert_true(c.terms[0] == 111 && c.terms[1] == 222 && c.bad_term == -1);
    assert_true(c.terms[2] == 0);                      /* in order: 1e16 + 1 loses the 1 */
    partial[1] = INFINITY;
    partial[8] = NAN;
    dgm_sum_terms(&c, partial, 3);
    assert_int_equal(c.bad_term, 1);
    dgm_unbind(&c);
}

/* ---- chunks --------------------------------------------------------------------------------- */

static void chunks(void **state)
{
    (void)state;
    for (long B = 0; B < 20000; B += B < 600 ? 1 : 977) {
        long n = dgm_chunks(B), at = 0, least = B, most = 0;
        long want = B <= 256 ? (B + 63) / 64 : B <= 512 ? 4 : B <= 8192 ? (B + 127) / 128 : 64;
        long unit = B / n >= 96 ? 16 : 4;
        assert_int_equal(n, B == 0 ? 1 : want);
        for (long k = 0; k < n; k++) {
            long r0, r1;
            dgm_chunk(B, k, &r0, &r1);
            assert_true(r0 == at && r0 % unit == 0 && (r1 > r0 || B == 0));
            at = r1;
            least = r1 - r0 < least ? r1 - r0 : least;
            most = r1 - r0 > most ? r1 - r0 : most;
        }
        assert_int_equal(at, B);
        assert_true(most - least < 2 * unit);          /* one unit, and the odd rows at the end */
    }
}

/* ---- failing: in a child, whose stderr comes back through a pipe ---------------------------- */

static int in_child(void (*run)(void), char *text, size_t size)
{
    int ends[2], status;
    assert_int_equal(pipe(ends), 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], 2);
        close(ends[0]);
        run();
        _exit(99);
    }
    close(ends[1]);
    size_t n = 0;
    for (ssize_t r = 1; r > 0 && n + 1 < size; n += r > 0 ? (size_t)r : 0)
        r = read(ends[0], text + n, size - 1 - n);
    text[n] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void fail_with_help(void)
{
    dgm_fail(DGM_EXIT_DATA, "look at it", "row %d is %s", 3, "odd");
}
static void fail_alone(void) { dgm_fail(DGM_EXIT_IO, NULL, "disk full"); }
static void warn_and_leave(void) { dgm_warn("slow: %g", 0.5), _exit(0); }
static void too_large(void) { dgm_slab_new((size_t)-1 / sizeof(Real)); }
static void too_many(void)
{
    size_t at = (size_t)-1 - 20;
    dgm_slab_take(NULL, &at, 100);
}
static void bad_threads(void) { setenv("DGM_THREADS", "many", 1), dgm_threads_default(); }
static void zero_threads(void) { setenv("DGM_THREADS", "0", 1), dgm_threads_default(); }
static void dgm_first(void)
{
    setenv("DGM_THREADS", "5", 1);
    setenv("OMP_NUM_THREADS", "3", 1);
    _exit(dgm_threads_default());
}
static void omp_list(void)
{
    unsetenv("DGM_THREADS");
    setenv("OMP_NUM_THREADS", "7,2", 1);
    _exit(dgm_threads_default());
}
static void cores(void)
{
    unsetenv("DGM_THREADS");
    unsetenv("OMP_NUM_THREADS");
    int n = dgm_threads_default();
    _exit(n >= 1 && n <= sysconf(_SC_NPROCESSORS_CONF) ? 0 : 1);
}

static void failing(void **state)
{
    (void)state;
    char text[1000];
    assert_int_equal(in_child(fail_with_help, text, sizeof text), DGM_EXIT_DATA);
    assert_string_equal(text, "error: row 3 is odd\n  help: look at it\n");
    assert_int_equal(in_child(fail_alone, text, sizeof text), DGM_EXIT_IO);
    assert_string_equal(text, "error: disk full\n");
    assert_int_equal(in_child(warn_and_leave, text, sizeof text), 0);
    assert_string_equal(text, "warning: slow: 0.5\n");
    assert_int_equal(in_child(too_large, text, sizeof text), DGM_EXIT_FAILED);
    assert_non_null(strstr(text, "smaller batch"));
    assert_int_equal(in_child(too_many, text, sizeof text), DGM_EXIT_FAILED);
}

static void thread_counts(void **state)
{
    (void)state;
    char text[1000];
    assert_int_equal(in_child(bad_threads, text, sizeof text), DGM_EXIT_USAGE);
    assert_non_null(strstr(text, "DGM_THREADS is \"many\""));
    assert_int_equal(in_child(zero_threads, text, sizeof text), DGM_EXIT_USAGE);
    assert_int_equal(in_child(dgm_first, text, sizeof text), 5);
    assert_int_equal(in_child(omp_list, text, sizeof text), 7);
    assert_int_equal(in_child(cores, text, sizeof text), 0);
}

/* ---- the machine ---------------------------------------------------------------------------- */

/* OpenBLAS reads its variable when it is loaded: run this program again with the variable set. */
static void say_blas(void)
{
    setenv("OPENBLAS_CORETYPE", "Nehalem", 1);
    execl("/proc/self/exe", "test_rt_core", "--blas", (char *)NULL);
}

static void machine(void **state)
{
    (void)state;
    char text[1000];
    assert_true(strlen(dgm_blas_name()) > 0 && strlen(dgm_cpu_name()) > 0);
    assert_ptr_equal(dgm_cpu_name(), dgm_cpu_name());
    if (strstr(dgm_blas_name(), "OpenBLAS") == NULL) {
        assert_non_null(dgm_blas_warning());
        return;
    }
    assert_int_equal(in_child(say_blas, text, sizeof text), 0);
#if defined __x86_64__
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        assert_true(strstr(text, "Nehalem") != NULL && strstr(text, "OPENBLAS_CORETYPE") != NULL);
    else
        assert_string_equal(text, "");
#endif
}

/* ---- random streams ------------------------------------------------------------------------- */

static DgmCtx stream(uint64_t seed, DgmPurpose purpose, uint64_t step)
{
    return (DgmCtx){ .seed = seed, .purpose = purpose, .step = step };
}

/* The vectors of the Random123 distribution (kat_vectors, philox4x32 10). */
static void known_answers(void **state)
{
    (void)state;
    const struct { uint32_t ctr[4], key[2], want[4]; } rows[] = {
        { { 0, 0, 0, 0 }, { 0, 0 }, { 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 } },
        { { ~0u, ~0u, ~0u, ~0u }, { ~0u, ~0u },
          { 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd } },
        { { 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344 }, { 0xa4093822, 0x299f31d0 },
          { 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 } },
    };
    for (int i = 0; i < 3; i++) {
        philox4x32_ctr_t ctr;
        philox4x32_key_t key;
        memcpy(ctr.v, rows[i].ctr, sizeof ctr.v);
        memcpy(key.v, rows[i].key, sizeof key.v);
        philox4x32_ctr_t r = philox4x32(ctr, key);
        assert_memory_equal(r.v, rows[i].want, sizeof r.v);
    }
}

/* Uniforms are the words of Random123's own Philox, placed as rng.c says. */
static void fills_are_philox(void **state)
{
    (void)state;
    enum { N = 500, LANES = 8 };
    static const int word[] = { 0, 2, 1, 3 };          /* of the groups of a batch, in f32 */
    Real u[N];
    DgmCtx c = stream(0x123456789abcdefULL, DGM_STREAM_EVAL, 0x123456789aULL);
    const long first = 0x123456789cL;
    dgm_fill_uniform(&c, 0xabcde, u, first, N);
    for (long k = 0; k < N; k++) {
        long i = first + k, per = LANES * 4 * 4 / (long)sizeof(Real);
        uint64_t block = (uint64_t)(i / per * LANES + i % LANES);
        long group = i % per / LANES;
        philox4x32_ctr_t r = philox4x32(rng_counter(&c, 0xabcde, block, false), rng_key(c.seed));
        double want = sizeof(Real) == 8 ? rng_unit(r.v[2 * (group % 2)], r.v[2 * (group % 2) + 1])
                                        : ((double)(r.v[word[group]] >> 9) + 0.5) * 0x1p-23;
        assert_true((double)u[k] == want);
    }
    /* the counter keeps all its parts apart */
    philox4x32_ctr_t ctr = rng_counter(&c, 0xabcdef, 0x123456789abcULL, true);
    assert_true(ctr.v[0] == 0x56789abc && ctr.v[1] == 0xcdef1234 && ctr.v[2] == 0x3456789a);
    assert_true(ctr.v[3] == ((0x80u | DGM_STREAM_EVAL) << 24 | 0xab0012));
}

typedef void Fill(const DgmCtx *c, uint32_t site, Real *dst, long first, long count);

static void fill_gammas(const DgmCtx *c, uint32_t site, Real *dst, long first, long count)
{
    Real shape[3000];
    for (long i = 0; i < count; i++)
        shape[i] = (Real)(0.05 + 0.1 * (double)((first + i) % 40));
    dgm_fill_gamma(c, site, dst, shape, first, count);
}

static Fill *const fills[] = { dgm_fill_uniform, dgm_fill_normal, fill_gammas };
enum { FILLS = 3, WHOLE = 3000 };

static void subranges(void **state)
{
    (void)state;
    DgmCtx c = stream(42, DGM_STREAM_TRAIN, 7);
    static const long bases[] = { 0, 1L << 36 };
    for (int f = 0; f < FILLS; f++)
        for (int b = 0; b < 2; b++) {
            Real whole[WHOLE], part[WHOLE + 1];
            fills[f](&c, 5, whole, bases[b], WHOLE);
            for (uint64_t t = 0; t < 300; t++) {
                long first = (long)(dgm_random_u64(1, DGM_STREAM_CHECK, t, 0) % WHOLE);
                long most = t % 2 ? 20 : WHOLE - first;
                uint64_t draw = dgm_random_u64(1, DGM_STREAM_CHECK, t, 1);
                long count = (long)(draw % (uint64_t)(most + 1));
                count = count > WHOLE - first ? WHOLE - first : count;
                part[count] = 77;
                fills[f](&c, 5, part, bases[b] + first, count);
                assert_memory_equal(part, whole + first, (size_t)count * sizeof(Real));
                assert_true(part[count] == 77);
            }
        }
}

/* Changing any part of the address changes the stream. */
static void addresses(void **state)
{
    (void)state;
    DgmCtx c[] = { stream(1, DGM_STREAM_TRAIN, 1), stream(2, DGM_STREAM_TRAIN, 1),
                   stream(1ULL << 32 | 1, DGM_STREAM_TRAIN, 1), stream(1, DGM_STREAM_EVAL, 1),
                   stream(1, DGM_STREAM_TRAIN, 2), stream(1, DGM_STREAM_TRAIN, 1ULL << 33 | 1) };
    enum { N = 64, STREAMS = 8 };
    for (int f = 0; f < FILLS; f++) {
        Real x[STREAMS][N];
        for (int s = 0; s < STREAMS; s++)
            fills[f](&c[s < 6 ? s : 0], s < 6 ? 1 : s == 6 ? 2 : 1 << 20 | 1, x[s], 0, N);
        for (int s = 0; s < STREAMS; s++)
            for (int t = 0; t < s; t++) {
                int same = 0;
                for (int i = 0; i < N; i++)
                    same += x[s][i] == x[t][i];
                assert_true(same <= 1);
            }
    }
    uint64_t one = dgm_random_u64(1, DGM_STREAM_INIT, 2, 3);
    assert_true(one != dgm_random_u64(1, DGM_STREAM_INIT, 3, 2));
    assert_true(one != dgm_random_u64(1, DGM_STREAM_SHUFFLE, 2, 3));
    assert_true(one != dgm_random_u64(2, DGM_STREAM_INIT, 2, 3));
    assert_true(rng_unit(0, 0) > 0 && rng_unit(~0u, ~0u) < 1);
}

static int by_value(const void *a, const void *b)
{
    Real x = *(const Real *)a, y = *(const Real *)b;
    return (x > y) - (x < y);
}

enum { DRAWS = 200000 };

/* Kolmogorov and Smirnov: sqrt(n) D is over 1.95 with probability 0.001. The seed is fixed. */
static void check_distribution(Real *x, double (*cdf)(double, double), double a, const char *what)
{
    double worst = 0;
    qsort(x, DRAWS, sizeof *x, by_value);
    for (long i = 0; i < DRAWS; i++) {
        double p = cdf((double)x[i], a);
        worst = fmax(worst, fmax(fabs(p - (double)i / DRAWS), fabs(p - (double)(i + 1) / DRAWS)));
    }
    if (!(sqrt(DRAWS) * worst < 1.95))
        fail_msg("%s(%g): sqrt(n) D = %.2f", what, a, sqrt(DRAWS) * worst);
}

static double uniform_cdf(double x, double a) { return (void)a, x; }
static double normal_cdf(double x, double a) { return (void)a, dgm_normal_cdf_d(x); }
static double gamma_cdf(double x, double a) { return dgm_gamma_p_d(a, x); }

static void distributions(void **state)
{
    (void)state;
    DgmCtx c = stream(2026, DGM_STREAM_TRAIN, 3);
    Real *x = malloc(sizeof(Real) * DRAWS), *shape = malloc(sizeof(Real) * DRAWS);
    dgm_fill_uniform(&c, 1, x, 0, DRAWS);
    for (long i = 0; i < DRAWS; i++)
        assert_true(x[i] > 0 && x[i] < 1);
    check_distribution(x, uniform_cdf, 0, "uniform");

    /* neighbours at distances where the two halves of Box and Muller sit are not correlated */
    dgm_fill_normal(&c, 1, x, 0, DRAWS);
    for (long lag = 1; lag <= 64; lag *= 2) {
        double sum = 0, sum2 = 0;
        for (long i = lag; i < DRAWS; i++) {
            double a = (double)x[i], b = (double)x[i - lag];
            sum += a * b;
            sum2 += (a * a - 1) * (b * b - 1);
        }
        assert_true(fabs(sum / sqrt(DRAWS)) < 4 && fabs(sum2 / sqrt(DRAWS)) < 8);
    }
    check_distribution(x, normal_cdf, 0, "normal");

    const double shapes[] = { 0.1, 0.7, 1, 3, 50, 2000 };
    for (int s = 0; s < 6; s++) {
        for (long i = 0; i < DRAWS; i++)
            shape[i] = (Real)shapes[s];
        dgm_fill_gamma(&c, 2, x, shape, 0, DRAWS);
        for (long i = 0; i < DRAWS; i++)
            assert_true(x[i] > 0 && isfinite(x[i]));
        check_distribution(x, gamma_cdf, (double)shape[0], "gamma");
    }
    shape[0] = (Real)1e-3, shape[1] = (Real)NAN, shape[2] = -1;
    dgm_fill_gamma(&c, 2, x, shape, 0, 3);
    assert_true(x[0] > 0 && isnan(x[1]) && isnan(x[2]));
    free(x);
    free(shape);
}

/* The extremes of the radius: 6.7 standard deviations in f32, 8.5 in f64, never infinite. */
static void tails(void **state)
{
    (void)state;
    DgmCtx c = stream(9, DGM_STREAM_TRAIN, 0);
    Real x[4096];
    double most = 0;
    for (long k = 0; k < 1000; k++) {
        dgm_fill_normal(&c, 3, x, k * 4096, 4096);
        for (int i = 0; i < 4096; i++) {
            assert_true(isfinite(x[i]));
            most = fmax(most, fabs((double)x[i]));
        }
    }
    assert_true(most > 4.5 && most < 6.7);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--blas") == 0) {
        fputs(dgm_blas_warning() != NULL ? dgm_blas_warning() : "", stderr);
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slabs),         cmocka_unit_test(binding),
        cmocka_unit_test(terms),         cmocka_unit_test(chunks),
        cmocka_unit_test(failing),       cmocka_unit_test(thread_counts),
        cmocka_unit_test(machine),       cmocka_unit_test(known_answers),
        cmocka_unit_test(subranges),     cmocka_unit_test(fills_are_philox),
        cmocka_unit_test(addresses),     cmocka_unit_test(distributions),
        cmocka_unit_test(tails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
