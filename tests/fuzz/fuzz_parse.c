/* fuzz_parse.c - any bytes as a spec: no crash, no hang; a tree or a message; formatting is
 * stable. */
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
