/* emit_tool.c - from tensor IR text to kernels or C, by hand: emit_tool [-g] [-p] [-d] FILE > OUT
 *     -g  differentiate first       -p  print the plan instead of C       -d  double precision
 */
#include <stdlib.h>
#include <string.h>

#include "emit_case.h"

static char *read_all(const char *path)
{
    FILE *f = fopen(path, "r");
    if (!f)
        return NULL;
    char *text = calloc(1, 1 << 20);
    size_t n = text ? fread(text, 1, (1 << 20) - 1, f) : 0;
    fclose(f);
    if (text)
        text[n] = 0;
    return text;
}

int main(int argc, char **argv)
{
    bool grad = false, plan = false;
    Ctx *c = ctx_new();
    for (; argc > 2; argc--, argv++) {
        grad |= !strcmp(argv[1], "-g");
        plan |= !strcmp(argv[1], "-p");
        c->f64 |= !strcmp(argv[1], "-d");
    }
    char *text = argc == 2 ? read_all(argv[1]) : NULL;
    TirFn *f = text ? emit_case_read(c, text, grad) : NULL;
    free(text);
    if (!f)
        return 1;
    EmitInput *in = emit_case_input(c, f);
    Out *o = out_new(c);
    if (plan)
        plan_print(o, in->programs[0].plan);
    else
        emit_program(c, o, in);
    fputs(out_text(o, NULL), stdout);
    ctx_free(c);
    return 0;
}
