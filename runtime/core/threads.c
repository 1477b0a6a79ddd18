/* threads.c - how rows are split, how many threads there are, and which processor this is.
 *
 * Idea: the split of B rows into chunks depends on B alone. Threads take chunks; sums over rows are
 * sums over chunks in their order. So no result depends on the number of threads.
 *
 * A chunk costs the products one packing of their weights (BLAS packs in every call): chunks of 128
 * rows make a training step 5 % faster than chunks of 64 and 3 % slower than chunks of 256
 * (784-500-20-500-784, 2 threads, B = 2000). Smaller batches need more chunks, for threads.
 * Sixteen rows are a vector: a loop over the rows of a chunk then has none left over at its end.
 */
#define _GNU_SOURCE                    /* sched_getaffinity */
#include "dgm.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    CHUNK_ROWS_LEAST = 64,             /* the most rows of a chunk, up to CHUNKS_FEW of them */
    CHUNKS_FEW = 4,
    CHUNK_ROWS = 128,                  /* the most rows of a chunk, up to CHUNKS_MAX of them */
    CHUNKS_MAX = 64,
    UNIT_FEW = 4,                      /* chunks are whole units of so many rows; */
    UNIT_MANY = 16,                    /* where they have UNITS of them, of so many */
    UNITS = 6,
    CPUS_MAX = 1024
};

static long at_most(long a, long b)
{
    return a < b ? a : b;
}

static long pieces(long B, long rows)
{
    return B > 0 ? (B - 1) / rows + 1 : 1;
}

long dgm_chunks(long B)
{
    long few = at_most(pieces(B, CHUNK_ROWS_LEAST), CHUNKS_FEW);
    long many = at_most(pieces(B, CHUNK_ROWS), CHUNKS_MAX);
    return few > many ? few : many;
}

/* Chunks are whole units but for the last, and differ by one unit at most. */
void dgm_chunk(long B, long k, long *r0, long *r1)
{
    long n = dgm_chunks(B), unit = B / n >= UNITS * UNIT_MANY ? UNIT_MANY : UNIT_FEW;
    long units = pieces(B, unit), share = units / n, more = units % n;
    long u0 = k * share + (k < more ? k : more), u1 = u0 + share + (k < more);
    *r0 = at_most(u0 * unit, B);
    *r1 = at_most(u1 * unit, B);
}

/* A thread count from the environment; 0 if the variable is not set. OMP_NUM_THREADS may be a list,
 * one number for each level of nesting: the first counts. */
static int threads_from(const char *variable)
{
    const char *text = getenv(variable);
    if (text == NULL || *text == '\0')
        return 0;
    char *end;
    errno = 0;
    long n = strtol(text, &end, 10);
    if (end == text || (*end != '\0' && *end != ',') || errno != 0 || n < 1 || n > CPUS_MAX)
        dgm_fail(DGM_EXIT_USAGE, "set it to a number from 1 to 1024, or unset it",
                 "the environment variable %s is \"%s\", which is not a number of threads",
                 variable, text);
    return (int)n;
}

/* Is this the first of the hardware threads that share its core? Unknown counts as yes. */
static bool first_of_core(int cpu)
{
    char path[96], line[32];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu);
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return true;
    bool read = fgets(line, sizeof line, f) != NULL;
    fclose(f);
    return !read || atoi(line) == cpu;
}

/* Processors that the control group may use at once (Linux containers); INT_MAX if unlimited. */
static int group_limit(void)
{
    FILE *f = fopen("/sys/fs/cgroup/cpu.max", "re");
    long quota, period;
    if (f == NULL)
        return INT_MAX;
    int n = fscanf(f, "%ld %ld", &quota, &period);
    fclose(f);
    if (n != 2 || quota <= 0 || period <= 0)
        return INT_MAX;
    long cpus = (quota + period - 1) / period;
    return cpus < INT_MAX ? (int)cpus : INT_MAX;
}

int dgm_threads_default(void)
{
    int n = threads_from("DGM_THREADS");
    if (n == 0)
        n = threads_from("OMP_NUM_THREADS");
    if (n > 0)
        return n;
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) {
        for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
            if (CPU_ISSET(cpu, &allowed) && first_of_core(cpu))
                n++;
        if (n == 0)                    /* only second hardware threads are allowed */
            n = CPU_COUNT(&allowed);
    }
    int limit = group_limit();
    n = n > limit ? limit : n;
    return n > 0 ? n : 1;
}
