/* interp_gen.c - build tool: prints the C text of every MAP row of ops.def as one case of a switch.
 *
 * The rows hold C as strings, so that the emitter can print them; the reference interpreter
 * compiles the very same texts (as interp_ops.h), so that a mistake in a cell is found by the laws.
 */
#include <stdio.h>

enum { MAP, RANDOM, SHAPE, SOURCE };

int main(void)
{
    static const struct { const char *id, *text; int kind; } rows[] = {
#define OP(id, name, kind, arity, range, da, db, dc, ctext, doc) { "OP_" #id, ctext, kind },
#include "../../compiler/ops.def"
#undef OP
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].kind == MAP)
            printf("case %s: return %s;\n", rows[i].id, rows[i].text);
    return 0;
}
