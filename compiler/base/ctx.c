/* ctx.c - one compilation: its arena, its strings, its diagnostics, its options. */
#include "base.h"

#include <stdlib.h>

Ctx *ctx_new(void)
{
    Arena *arena = arena_new();
    Ctx *c = arena_alloc(arena, sizeof *c);
    c->arena = arena;
    c->err = stderr;
    return c;
}

void ctx_free(Ctx *c)
{
    if (c) arena_free(c->arena);       /* the Ctx itself lives in it */
}
