/* scope.c - declarations by name: nested scopes, each with a space for values, for what stands
 * before `(`, for types, and for sizes. */
#include "check.h"

Scope *scope_open(Check *s)
{
    Scope *scope = arena_alloc(s->c->arena, sizeof *scope);
    scope->up = s->scope;
    s->scope = scope;
    return scope;
}

void scope_close(Check *s)
{
    s->scope = s->scope->up;
}

void scope_put_in(Check *s, Scope *scope, Space space, Str name, Ast *decl)
{
    if (!scope->names[space]) scope->names[space] = map_new(s->c);
    if (!map_get(scope->names[space], name)) vec_push(s->c, scope->list[space], name);
    map_put(scope->names[space], name, decl);
}

void scope_put(Check *s, Space space, Str name, Ast *decl)
{
    scope_put_in(s, s->scope, space, name, decl);
}

Ast *scope_here(const Scope *scope, Space space, Str name)
{
    return scope->names[space] ? map_get(scope->names[space], name) : NULL;
}

Ast *scope_find(const Check *s, Space space, Str name)
{
    for (const Scope *scope = s->scope; scope; scope = scope->up) {
        Ast *decl = scope_here(scope, space, name);
        if (decl) return decl;
    }
    return NULL;
}

Str scope_nearest(Check *s, Str word, Space space)
{
    Str *list = NULL;
    for (const Scope *scope = s->scope; scope; scope = scope->up)
        for (size_t i = 0; i < vec_len(scope->list[space]); i++)
            vec_push(s->c, list, scope->list[space][i]);
    list = builtin_names(s->c, space, list);
    return vec_len(list) ? nearest(s->c, word, list, vec_len(list)) : NULL;
}
