/* fuzz_parse.c - any bytes as a spec: no crash, no hang; a tree or a message; formatting is stable.
 *
 * With clang -fsanitize=fuzzer -DFUZZER it is a libFuzzer target; otherwise a program that runs
 * each file named on its command line, and, with `-r N`, N damaged copies of each (always the same),
 * so that the committed corpus is a test under any compiler.
 */
#include "syntax/parse.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *said = NULL;
    size_t n_said = 0;
    Ctx *c = ctx_new();
    c->err = open_memstream(&said, &n_said);
    if (!c->err) abort();
    Source *source = source_text(c, "fuzz.dgm", (const char *)data, size, false);
    Ast *file = parse_tree(c, source, false);
    if ((file != NULL) != (diag_count(c) == 0)) abort();
    if (file) {
        Out *once = out_new(c), *twice = out_new(c), *dump = out_new(c);
        ast_dump(dump, file);
        fmt_file(c, once, file);
        size_t n;
        const char *text = out_text(once, &n);
        Ast *again = parse_tree(c, source_text(c, "once.dgm", text, n, false), false);
        if (!again || !ast_equal(file, again)) abort();
        fmt_file(c, twice, again);
        if (strcmp(text, out_text(twice, NULL)) != 0) abort();
    }
    fclose(c->err);
    free(said);
    ctx_free(c);
    return 0;
}

#ifndef FUZZER

static uint8_t *read_all(const char *path, size_t *n)
{
    enum { MOST = 1 << 20 };
    FILE *f = fopen(path, "rb");
    if (!f) {
        perror(path);
        exit(2);
    }
    uint8_t *data = malloc(MOST);
    *n = fread(data, 1, MOST, f);
    fclose(f);
    return data;
}

/* Copies `from` with a few bytes changed, a piece doubled or dropped. */
static size_t damage(uint8_t *to, const uint8_t *from, size_t n, uint64_t *seed)
{
    static const char bytes[] = "(){}[]\"/\n;~=:,.-'|>x0 \\and if let for else then";
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        *seed = *seed * 6364136223846793005u + 1442695040888963407u;
        uint32_t r = (uint32_t)(*seed >> 33);
        if (r % 97 == 0) {
            to[used++] = (uint8_t)bytes[(r >> 8) % (sizeof bytes - 1)];
        } else if (r % 193 == 1 && i > 8) {
            memcpy(to + used, from + i - 8, 8);
            used += 8;
        } else if (r % 89 != 2) {
            to[used++] = from[i];
        }
    }
    return used;
}

int main(int argc, char **argv)
{
    int rounds = 0, first = 1, runs = 0;
    if (argc > 2 && strcmp(argv[1], "-r") == 0) {
        rounds = atoi(argv[2]);
        first = 3;
    }
    uint64_t seed = 1;
    for (int i = first; i < argc; i++) {
        size_t n;
        uint8_t *data = read_all(argv[i], &n), *copy = malloc(9 * n + 16);
        LLVMFuzzerTestOneInput(data, n);
        for (int k = 0; k < rounds; k++, runs++)
            LLVMFuzzerTestOneInput(copy, damage(copy, data, n, &seed));
        free(data);
        free(copy);
        runs++;
    }
    printf("%d inputs\n", runs);
    return runs > 0 ? 0 : 1;
}

#endif
