/* law.c - what a law is: a DISTRIBUTION, or an ALSO, the same with some of its parameters replaced.
 *
 *     distribution normal(mu : real, sigma : positive) on real {
 *       also (prec : positive) = (sigma: 1 / sqrt(prec)) { .. }       parameters: mu, prec
 * Every stage asks here which parameters a law has, which law the arguments of a call mean, and
 * which body holds a member: that of the ALSO first, then that of its DISTRIBUTION.
 * requires: ALSO.decl is its DISTRIBUTION, and a pattern kl(normal(m, s)) has its law as decl.
 */
#include "type.h"

#include <string.h>

Ast *distribution_named(const Ast *file, const Ast *library, Str name)
{
    const Ast *in[2] = { file, library };
    for (int k = 0; k < 2; k++)
        for (size_t i = 0; i < vec_len(in[k]->kids); i++) {
            Ast *item = in[k]->kids[i];
            if (item->kind == AST_DISTRIBUTION && item->name == name) return item;
        }
    return NULL;
}

const Ast *law_called(const Ast *call)
{
    bool named = call && call->kind == AST_CALL && call->decl;
    bool law = named && (call->decl->kind == AST_DISTRIBUTION || call->decl->kind == AST_ALSO);
    return law ? call->decl : NULL;
}

const Ast *law_base(const Ast *law)
{
    return law->kind == AST_ALSO ? law->decl : law;
}

static const Ast *law_body(const Ast *law)
{
    return law->kind == AST_ALSO ? law->kids[ALSO_BODY] : law->kids[DIST_BODY];
}

static bool is_computed(const Ast *also, Str name)
{
    const Ast *base = also->kids[ALSO_BASE];
    for (size_t i = 0; i < vec_len(base->kids); i++)
        if (base->kids[i]->name == name) return true;
    return false;
}

Ast **law_params(Ctx *c, const Ast *law)
{
    Ast **params = NULL;
    const Ast *own = law_base(law)->kids[DIST_ARGS];
    bool placed = false;
    for (size_t i = 0; i < vec_len(own->kids); i++) {
        if (law->kind != AST_ALSO || !is_computed(law, own->kids[i]->name)) {
            vec_push(c, params, own->kids[i]);
            continue;
        }
        const Ast *args = law->kids[ALSO_ARGS];
        for (size_t k = 0; !placed && k < vec_len(args->kids); k++)
            vec_push(c, params, args->kids[k]);
        placed = true;
    }
    return params;
}

Ast *law_param(Ast **params, const Ast *arg, size_t position)
{
    if (!arg->name) return position < vec_len(params) ? params[position] : NULL;
    for (size_t k = 0; k < vec_len(params); k++)
        if (params[k]->name == arg->name) return params[k];
    return NULL;
}

int law_missing(Ctx *c, Ast **params, const Ast *call, Ast **first)
{
    Map *given = map_new(c);
    for (size_t i = 0; i < vec_len(call->kids); i++) {
        Ast *param = law_param(params, call->kids[i], i);
        if (!param || map_get(given, param)) return -1;
        map_put(given, param, call->kids[i]);
    }
    int missing = 0;
    for (size_t k = vec_len(params); k-- > 0;)
        if (!map_get(given, params[k]) && !params[k]->kids[ARGDECL_DEFAULT]) {
            missing++;
            *first = params[k];
        }
    return missing;
}

Ast **law_parameterizations(Ctx *c, Ast *distribution)
{
    Ast **laws = NULL, *body = distribution->kids[DIST_BODY];
    vec_push(c, laws, distribution);
    for (size_t i = 0; i < vec_len(body->kids); i++)
        if (body->kids[i]->kind == AST_ALSO) vec_push(c, laws, body->kids[i]);
    return laws;
}

Ast *law_chosen(Ctx *c, Ast *distribution, const Ast *call)
{
    Ast **laws = law_parameterizations(c, distribution), *first;
    for (size_t i = 0; i < vec_len(laws); i++)
        if (law_missing(c, law_params(c, laws[i]), call, &first) == 0) return laws[i];
    return NULL;
}

/* ---- members --------------------------------------------------------------------------------- */
static Ast *member_in(const Ast *law, AstKind kind, const char *name)
{
    const Ast *body = law_body(law);
    for (size_t i = 0; body && i < vec_len(body->kids); i++)
        if (body->kids[i]->kind == kind && (!name || !strcmp(body->kids[i]->name, name)))
            return body->kids[i];
    return NULL;
}

Ast *support_member(const Ast *support, const char *name)
{
    const Ast *body = support->kids[SUPPORT_BODY];
    for (size_t i = 0; i < vec_len(body->kids); i++)
        if (body->kids[i]->kind == AST_FUNCTION && !strcmp(body->kids[i]->name, name))
            return body->kids[i];
    return NULL;
}

Ast *law_member(const Ast *law, AstKind kind, const char *name, const Ast **holder)
{
    const Ast *laws[2] = { law, law ? law_base(law) : NULL };
    for (int i = 0; law && i < 2; i++) {
        Ast *member = member_in(laws[i], kind, name);
        if (holder) *holder = laws[i];
        if (member) return member;
    }
    return NULL;
}

Ast *law_kl(const Ast *q, const Ast *p, const Ast **holder)
{
    const Ast *from[2] = { q, law_base(q) }, *to[2] = { p, law_base(p) };
    for (int i = 0; i < 2; i++) {
        const Ast *body = law_body(from[i]);
        *holder = from[i];
        for (int j = 0; j < 2; j++)
            for (size_t k = 0; body && k < vec_len(body->kids); k++)
                if (body->kids[k]->kind == AST_KL && body->kids[k]->kids[KL_OTHER]->decl == to[j])
                    return body->kids[k];
    }
    return NULL;
}

int declared_rank(const Ast *type)
{
    return type && type->type ? (int)vec_len(type->type->event) : 0;
}
