/* fuzz_files.c - runs a fuzz target without libFuzzer: linked in its place, it makes a program.
 *
 *   fuzz_npy [-r N] FILE...      each file, and N damaged copies of each (the same ones every time)
 *
 * so that the committed corpus is a test under any compiler. libFuzzer itself is
 * run by run.sh.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t next(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

/* A few bytes changed, a number made extreme, a piece dropped or doubled, or the end cut off. */
static size_t damage(uint8_t *to, const uint8_t *from, size_t n, uint64_t *seed)
{
    static const uint8_t extreme[] = { 0x00, 0x01, 0x7f, 0x80, 0xff, 0x2d, 0x39, 0x2c, 0x22, 0x0a,
                                       '(', ')', '{', '}', '[', '~', '=', ':', '/', '>' };

    memcpy(to, from, n);
    for (uint64_t k = 1 + next(seed) % 4; n > 0 && k > 0; k--) {
        size_t at = next(seed) % n, length = 1 + next(seed) % 8;

        length = length < n - at ? length : n - at;
        switch (next(seed) % 6) {
        case 0: to[at] = (uint8_t)next(seed); break;
        case 1: to[at] ^= (uint8_t)(1u << next(seed) % 8); break;
        case 2: memset(to + at, extreme[next(seed) % sizeof extreme], length); break;
        case 3: memmove(to + at, to + at + length, n - at - length); n -= length; break;
        case 4: memmove(to + at + length, to + at, n - at); n += length; break;
        default: n = next(seed) % 4 ? n : at; break;
        }
    }
    return n;
}

static void run_file(const char *path, int rounds, uint64_t *seed)
{
    uint8_t *data = malloc(MOST), *copy = malloc(MOST + 64);
    FILE *f = fopen(path, "rb");

    if (f == NULL) {
        perror(path);
        exit(2);
    }
    size_t n = fread(data, 1, MOST, f);
    fclose(f);
    LLVMFuzzerTestOneInput(data, n);
    for (int k = 0; k < rounds; k++) {
        size_t m = damage(copy, data, n, seed);
        uint8_t *exact = malloc(m + 1);  /* so that sanitizers see a read beyond the end */

        memcpy(exact, copy, m);
        LLVMFuzzerTestOneInput(exact, m);
        free(exact);
    }
    free(data);
    free(copy);
}

int main(int argc, char **argv)
{
    bool some = argc > 2 && strcmp(argv[1], "-r") == 0;
    int rounds = some ? atoi(argv[2]) : 0, first = some ? 3 : 1;
    uint64_t seed = 1;

    for (int i = first; i < argc; i++)
        run_file(argv[i], rounds, &seed);
    printf("%d files, %d damaged copies of each\n", argc - first, rounds);
    return argc > first ? 0 : 1;
}
