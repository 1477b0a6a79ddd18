/* offers.c - declarations by name, axes of laws, free axes of supports: what the derivation asks of
 * the files of distributions and supports beyond the members of a law (check/law.c).
 */
#include "derive.h"

#include <string.h>

static Ast *find_in(const Ast *file, AstKind kind, Str name)
{
    for (size_t i = 0; file && i < vec_len(file->kids); i++)
        if (file->kids[i]->kind == kind && file->kids[i]->name == name)
            return file->kids[i];
    return NULL;
}

Ast *find_declared(const Derive *d, AstKind kind, Str name)
{
    Ast *own = find_in(d->m->file, kind, name);
    return own ? own : find_in(d->library, kind, name);
}

bool law_is_flat(const Ast *law)
{
    return (law->kind == AST_NAME || law->kind == AST_CALL) && !strcmp(law->name, "flat")
        && (!law->decl || law->decl->kind != AST_DISTRIBUTION);
}

bool law_is_delta(const Ast *law)
{
    return law->kind == AST_CALL && !law->decl && !strcmp(law->name, "delta");
}

/* ---- shapes ---------------------------------------------------------------------------------- */

int law_rank(const Ast *call)
{
    const Ast *law = law_called(call);
    return law ? declared_rank(law_base(law)->kids[DIST_SUPPORT]) : 0;
}

int batch_rank(Ctx *c, const Ast *call)
{
    const Ast *law = law_called(call);
    Ast **params = law ? law_params(c, law) : NULL;
    int most = 0;
    for (size_t i = 0; law && i < vec_len(call->kids); i++) {
        const Ast *p = law_param(params, call->kids[i], i);
        const Type *t = call->kids[i]->kids[ARG_VALUE]->type;
        if (!p || !t || t->kind != KIND_VALUE)
            continue;
        int rank =
            (int)(vec_len(t->array) + vec_len(t->event)) - declared_rank(p->kids[ARGDECL_TYPE]);
        most = rank > most ? rank : most;
    }
    return most;
}

Type *beyond_event(Ctx *c, const Type *t, int rank)
{
    Size **array = NULL, **event = NULL;
    size_t n_array = vec_len(t->array), n = n_array + vec_len(t->event);
    size_t keep = n > (size_t)rank ? n - (size_t)rank : 0;
    for (size_t i = 0; i < keep; i++)
        if (i < n_array)
            vec_push(c, array, t->array[i]);
        else
            vec_push(c, event, t->event[i - n_array]);
    return make_type(c, "real", array, event);
}

/* ---- supports -------------------------------------------------------------------------------- */

Ast *support_of(const Derive *d, const Type *t)
{
    if (!t->support || !strcmp(t->support, "real"))
        return NULL;
    return t->support_decl ? t->support_decl : find_declared(d, AST_SUPPORT, t->support);
}

/* A free axis such as K * (K + 1) / 2, with the support's axes standing for sizes of the event. */
static Size *axis_size(Ctx *c, const Ast *e, const Ast *axes, Size **sizes)
{
    if (e->kind == AST_NUM)
        return size_const(c, (int64_t)e->num);
    if (e->kind == AST_NAME) {
        for (size_t i = 0; i < vec_len(axes->kids); i++)
            if (axes->kids[i]->name == e->name)
                return sizes[i];
        return NULL;
    }
    if (e->kind != AST_BINARY)
        return NULL;
    Size *a = axis_size(c, e->kids[BINARY_A], axes, sizes);
    Size *b = axis_size(c, e->kids[BINARY_B], axes, sizes);
    int64_t by;
    if (!a || !b)
        return NULL;
    switch (e->name[0]) {
    case '+': return size_add(c, a, b);
    case '-': return size_sub(c, a, b);
    case '*': return size_mul(c, a, b);
    case '^': return size_pow(c, a, b);
    case 'm': return NULL;
    default:  return size_is_const(b, &by) && by > 0 ? size_div(c, a, by) : NULL;
    }
}

Size **support_free(Derive *d, const Type *t, Span at)
{
    Ast *s = support_of(d, t);
    const Ast *free = s ? s->kids[SUPPORT_FREE] : NULL;
    size_t n_axes = s ? vec_len(s->kids[SUPPORT_AXES]->kids) : 0, n = vec_len(t->event);
    Size **out = NULL;
    if (!free || vec_len(free->kids) == 0 || n_axes > n)
        return t->event;
    for (size_t i = 0; i < n - n_axes; i++)
        vec_push(d->c, out, t->event[i]);
    for (size_t i = 0; i < vec_len(free->kids); i++) {
        Size *size = axis_size(d->c, free->kids[i], s->kids[SUPPORT_AXES], t->event + (n - n_axes));
        if (!size)
            diag_error(d->c, E_ND_SUPPORT, at, s->name, fmt_expr(d->c, free->kids[i]));
        int64_t value;
        if (size && size_value(d->c, size, &value, NULL) && value < 1) {
            diag_error(d->c, E_NO_FREE, at, s->name, size_text(d->c, t->event[n - 1]));
            diag_help(d->c, "its only value is known: leave it out, or make it longer");
            size = NULL;
        }
        vec_push(d->c, out, size ? size : size_const(d->c, 1));
    }
    return out;
}
