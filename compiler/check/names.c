/* names.c - what to say when a name is not found: declared below, misspelt, or of another
 * system. */
#include "check.h"

#include <ctype.h>
#include <string.h>

size_t list_len(const Ast *list) { return list ? vec_len(list->kids) : 0; }

Span name_span(const Ast *decl) { return decl->span; }

Ast *find_item(const Check *s, AstKind kind, Str name)
{
    for (size_t i = 0; i < vec_len(s->file->kids); i++)
        if (s->file->kids[i]->kind == kind && s->file->kids[i]->name == name)
            return s->file->kids[i];
    return NULL;
}

/* Help for a word that is nowhere: the name it has here, the nearest one, or none. */
static void suggest(Check *s, Str word, Space space)
{
    const char *ours = space == SPACE_VALUE ? NULL : fixit(word);
    Str near = scope_nearest(s, word, space);
    if (ours && strchr(ours, '`')) diag_help(s->c, "%s", ours);
    else if (ours) diag_help(s->c, "`%s` is written `%s` here", word, ours);
    else if (near) diag_help(s->c, "did you mean `%s`?", near);
}

static bool within_scan(const Check *s)
{
    for (const Scope *scope = s->scope; scope; scope = scope->up)
        if (scope->scan) return true;
    return false;
}

void unknown_value(Check *s, Ast *name)
{
    Ast *later = scope_find(s, SPACE_LATER, name->name);
    for (size_t i = 0; later && i < vec_len(s->defining); i++)
        if (s->defining[i] == later) {
            diag_error(s->c, E_SELF, name->span, name->name);
            diag_help(s->c, "a value that depends on its own past belongs in `scan t in T { .. }`");
            return;
        }
    if (later) {
        diag_error(s->c, E_BELOW, name->span, name->name);
        diag_note(s->c, name_span(later), "declared here");
        if (within_scan(s))
            diag_help(s->c, "move the declaration above this line; the step before is "
                      "`previous(%s, init)`, which may stand above it", name->name);
        else
            diag_help(s->c, "move the declaration above this line");
        return;
    }
    diag_error(s->c, E_UNKNOWN_NAME, name->span, name->name);
    suggest(s, name->name, SPACE_VALUE);
}

/* A file-level declaration below the use. */
static const Ast *declared_below(const Check *s, Str name)
{
    for (size_t i = 0; i < vec_len(s->file->kids); i++) {
        const Ast *item = s->file->kids[i];
        bool called = item->kind == AST_DISTRIBUTION || item->kind == AST_LAYER
                   || item->kind == AST_FLOW || item->kind == AST_FUNCTION;
        if (called && item->name == name) return item;
    }
    return NULL;
}

void unknown_call(Check *s, Span at, Str name)
{
    const Ast *below = declared_below(s, name);
    Ast *value = scope_find(s, SPACE_VALUE, name);
    if (value) {
        diag_error(s->c, E_NOT_CALLABLE, at, name);
        diag_note(s->c, name_span(value), "declared here");
        diag_help(s->c, "index with brackets: %s[..]; multiply with `*`", name);
        return;
    }
    if (below) {
        bool inside = at.src == below->span.src && at.start >= below->span.start
                   && at.end <= below->span.end;
        diag_error(s->c, inside ? E_SELF : E_BELOW, at, name);
        if (inside) diag_help(s->c, "there is no recursion: a repetition is `scan` or `repeat`");
        else {
            diag_note(s->c, name_span(below), "declared here");
            diag_help(s->c, "move the declaration above this line");
        }
        return;
    }
    diag_error(s->c, E_UNKNOWN_CALL, at, name);
    suggest(s, name, SPACE_CALL);
}

void unknown_size(Check *s, Ast *name)
{
    Ast *later = scope_find(s, SPACE_LATER, name->name);
    Str near = NULL;
    if (later) {
        diag_error(s->c, E_BELOW, name->span, name->name);
        diag_note(s->c, name_span(later), "declared here");
        return;
    }
    diag_error(s->c, E_SIZE_UNBOUND, name->span, name->name);
    if (strlen(name->name) > 1) near = scope_nearest(s, name->name, SPACE_SIZE);
    if (near && scope_find(s, SPACE_SIZE, near)) diag_help(s->c, "did you mean `%s`?", near);
    else if (s->model)
        diag_help(s->c, "add %s to the arguments of the model: `model %s(%s)`", name->name,
                  s->model->name, name->name);
    else diag_help(s->c, "add %s to the arguments", name->name);
}

void unknown_type(Check *s, Ast *type)
{
    diag_error(s->c, E_UNKNOWN_TYPE, type->span, type->name);
    suggest(s, type->name, SPACE_TYPE);
}
