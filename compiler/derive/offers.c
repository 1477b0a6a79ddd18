/* offers.c - what a distribution or support has to offer, read from its file.
 *
 * Idea: the compiler knows no distribution by name (but for the normals of the default family); it
 * looks for members: `sample`, `entropy = ..`, `kl(normal(m, s)) = ..`, first in the
 * parameterization that a call uses, then in the base one.
 * requires: CALLs of laws have the DISTRIBUTION or ALSO as decl; an ALSO its DISTRIBUTION.
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

static Ast *parent_in(const Ast *file, const Ast *also)
{
    for (size_t i = 0; file && i < vec_len(file->kids); i++) {
        Ast *item = file->kids[i];
        for (size_t k = 0; item->kind == AST_DISTRIBUTION && k < vec_len(item->kids[DIST_BODY]->kids);
             k++)
            if (item->kids[DIST_BODY]->kids[k] == also)
                return item;
    }
    return NULL;
}

Ast *law_distribution(const Derive *d, const Ast *law)
{
    if (!law || law->kind != AST_CALL || !law->decl)
        return NULL;
    if (law->decl->kind == AST_DISTRIBUTION)
        return law->decl;
    if (law->decl->kind != AST_ALSO)
        return NULL;
    if (law->decl->decl && law->decl->decl->kind == AST_DISTRIBUTION)
        return law->decl->decl;
    Ast *own = parent_in(d->m->file, law->decl);
    return own ? own : parent_in(d->library, law->decl);
}

Ast *law_also(const Derive *d, const Ast *law)
{
    (void)d;
    return law->decl && law->decl->kind == AST_ALSO ? law->decl : NULL;
}

bool law_is_flat(const Ast *law)
{
    return (law->kind == AST_NAME || law->kind == AST_CALL) && !strcmp(law->name, "flat")
        && (!law->decl || law->decl->kind != AST_DISTRIBUTION);
}

static Ast *member_of(const Ast *body, AstKind kind, const char *name)
{
    for (size_t i = 0; body && i < vec_len(body->kids); i++)
        if (body->kids[i]->kind == kind && (!name || !strcmp(body->kids[i]->name, name)))
            return body->kids[i];
    return NULL;
}

Ast *law_member(const Derive *d, const Ast *law, AstKind kind, const char *name)
{
    Ast *distribution = law_distribution(d, law), *also = law_also(d, law);
    Ast *own = also ? member_of(also->kids[ALSO_BODY], kind, name) : NULL;
    return own || !distribution ? own : member_of(distribution->kids[DIST_BODY], kind, name);
}

/* ---- divergences ------------------------------------------------------------------------------------ */

static bool takes_name(const Ast *args, Str name)
{
    for (size_t i = 0; i < vec_len(args->kids); i++)
        if (args->kids[i]->name == name)
            return true;
    return false;
}

/* kl(normal(m, s)): positions mean the base parameterization; kl(bernoulli(logits: m)): that one. */
static bool pattern_fits(const Ast *pattern, const Ast *distribution, const Ast *also)
{
    if (pattern->name != distribution->name)
        return false;
    const Ast *args = also ? also->kids[ALSO_ARGS] : distribution->kids[DIST_ARGS];
    for (size_t i = 0; i < vec_len(pattern->kids); i++) {
        Str name = pattern->kids[i]->name;
        if (name ? !takes_name(args, name) : also != NULL)
            return false;
    }
    return true;
}

static Ast *kl_in(const Ast *body, const Ast *distribution, const Ast *also)
{
    for (size_t i = 0; body && i < vec_len(body->kids); i++)
        if (body->kids[i]->kind == AST_KL
            && pattern_fits(body->kids[i]->kids[KL_OTHER], distribution, also))
            return body->kids[i];
    return NULL;
}

Ast *law_kl(const Derive *d, const Ast *q, const Ast *p)
{
    Ast *dq = law_distribution(d, q), *dp = law_distribution(d, p);
    if (!dq || !dp)
        return NULL;
    Ast *aq = law_also(d, q), *ap = law_also(d, p);
    const Ast *bodies[2] = { aq ? aq->kids[ALSO_BODY] : NULL, dq->kids[DIST_BODY] };
    for (int i = 0; i < 2; i++) {
        Ast *kl = ap ? kl_in(bodies[i], dp, ap) : NULL;
        kl = kl ? kl : kl_in(bodies[i], dp, NULL);
        if (kl)
            return kl;
    }
    return NULL;
}

/* ---- shapes --------------------------------------------------------------------------------------------- */

static int type_rank(const Derive *d, const Ast *type)
{
    size_t written = type && type->kids[TYPE_AXES] ? vec_len(type->kids[TYPE_AXES]->kids) : 0;
    Ast *s = type ? find_declared(d, AST_SUPPORT, type->name) : NULL;
    size_t own = s ? vec_len(s->kids[SUPPORT_AXES]->kids) : 0;
    return (int)(own > written ? own : written);
}

int law_rank(const Derive *d, const Ast *law)
{
    Ast *distribution = law_distribution(d, law);
    return distribution ? type_rank(d, distribution->kids[DIST_SUPPORT]) : 0;
}

static const Ast *arg_decl(const Ast *params, const Ast *arg, size_t i)
{
    for (size_t k = 0; arg->name && k < vec_len(params->kids); k++)
        if (params->kids[k]->name == arg->name)
            return params->kids[k];
    return !arg->name && i < vec_len(params->kids) ? params->kids[i] : NULL;
}

int batch_rank(const Derive *d, const Ast *law)
{
    Ast *distribution = law_distribution(d, law), *also = law_also(d, law);
    int most = 0;
    if (!distribution)
        return 0;
    const Ast *params = also ? also->kids[ALSO_ARGS] : distribution->kids[DIST_ARGS];
    for (size_t i = 0; i < vec_len(law->kids); i++) {
        const Ast *p = arg_decl(params, law->kids[i], i);
        const Type *t = law->kids[i]->kids[ARG_VALUE]->type;
        if (!p || !t || t->kind != KIND_VALUE)
            continue;
        int rank = (int)(vec_len(t->array) + vec_len(t->event)) - type_rank(d, p->kids[ARGDECL_TYPE]);
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

/* ---- supports -------------------------------------------------------------------------------------------- */

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
        vec_push(d->c, out, size ? size : size_const(d->c, 1));
    }
    return out;
}
