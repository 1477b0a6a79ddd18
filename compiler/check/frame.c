/* frame.c - one application of a function, net, layer or body: types of its arguments and locals,
 * and where a person reads of an error inside it.
 */
#include "check.h"

void frame_push(Check *s, Span call, Str what)
{
    Frame *f = arena_alloc(s->c->arena, sizeof *f);
    f->up = s->frame;
    f->types = map_new(s->c);
    f->call = call;
    f->what = what;
    s->frame = f;
    s->depth++;
}

void frame_pop(Check *s)
{
    s->frame = s->frame->up;
    s->depth--;
}

static bool in_library(Span at)
{
    return at.src && at.src->library;
}

/* An error in a library's body is the fault of the call in the spec that led there. */
Span place(Check *s, Span at)
{
    if (!in_library(at)) return at;
    for (Frame *f = s->frame; f; f = f->up)
        if (f->call.src && !in_library(f->call)) return f->call;
    return at;
}

void called_from(Check *s, Span at)
{
    Span shown = place(s, at);
    int n = 0;
    if (shown.src != at.src) diag_note(s->c, at, "the error arises here");
    for (Frame *f = s->frame; f && n < 3; f = f->up) {
        bool same = f->call.src == shown.src && f->call.start == shown.start;
        if (!f->call.src || in_library(f->call) || !f->what || same) continue;
        diag_note(s->c, f->call, "called from here, as `%s`", f->what);
        n++;
    }
}

void set_type(Check *s, Ast *decl, Type *t)
{
    if (s->frame) map_put(s->frame->types, decl, t);
    decl->type = t;
}

Type *local_type(const Check *s, const Ast *decl)
{
    for (const Frame *f = s->frame; f; f = f->up) {
        Type *t = map_get(f->types, decl);
        if (t) return t;
    }
    return NULL;
}
