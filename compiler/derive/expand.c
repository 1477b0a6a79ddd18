/* expand.c - members of distributions with their arguments put in: what a closed form comes to.
 *
 *     kl(normal(q.mu, q.sigma), normal(0, 1))
 *  -> -log(q.sigma) + (sq(q.sigma) + sq(q.mu)) / 2 - 0.5
 * Explain prints the result beside the rule; the lowering inlines the same members by itself, but
 * takes the location and scale of a non-centred latent from here. Constants are folded, because
 * log(1) and (mu - 0) teach nothing.
 */
#include "derive.h"

#include <string.h>

typedef struct Bound { Str name; Ast *value; struct Bound *up; } Bound;

typedef struct Expand {
    const Derive *d;
    const Ast *body;                   /* of the distribution: its lets and functions */
    bool broadcasts;                   /* a number given for a vector may stay a number */
    bool failed;                       /* met what cannot be written as one expression */
    int depth;
} Expand;

static Ast *expand(Expand *x, Bound *b, Ast *e);

/* ---- folding --------------------------------------------------------------------------------- */

static bool is_num(const Ast *e, double value)
{
    return e->kind == AST_NUM && e->num == value;
}

static Ast *num(const Expand *x, const Ast *at, double value)
{
    return ast_num(x->d->c, at->span, value);
}

static Ast *negate(const Expand *x, Ast *e)
{
    if (e->kind == AST_NUM)
        return num(x, e, -e->num);
    if (e->kind == AST_UNARY && !strcmp(e->name, "-"))
        return e->kids[UNARY_A];
    return ast_new(x->d->c, AST_UNARY, e->span, str(x->d->c, "-"), 1, e);
}

static bool is_negative(const Ast *e)
{
    return (e->kind == AST_UNARY && !strcmp(e->name, "-")) || (e->kind == AST_NUM && e->num < 0);
}

static Ast *binary(const Expand *x, const Ast *at, const char *name, Ast *a, Ast *b)
{
    return ast_new(x->d->c, AST_BINARY, at->span, str(x->d->c, name), 2, a, b);
}

static bool is_quotient(const Ast *e)
{
    return e->kind == AST_BINARY && !strcmp(e->name, "/");
}

static bool is_one_over(const Ast *e)
{
    return is_quotient(e) && is_num(e->kids[BINARY_A], 1);
}

static Ast *fold_binary(const Expand *x, Ast *e)
{
    Ast *a = e->kids[BINARY_A], *b = e->kids[BINARY_B];
    bool both = a->kind == AST_NUM && b->kind == AST_NUM;
    switch (e->name[1] ? 0 : e->name[0]) {
    case '+':
        if (both) return num(x, e, a->num + b->num);
        if (is_num(a, 0)) return b;
        if (is_num(b, 0)) return a;
        if (is_negative(b))
            return ast_new(x->d->c, AST_BINARY, e->span, str(x->d->c, "-"), 2, a, negate(x, b));
        return e;
    case '-':
        if (both) return num(x, e, a->num - b->num);
        if (is_num(b, 0)) return a;
        if (is_num(a, 0)) return negate(x, b);
        if (is_negative(b))
            return ast_new(x->d->c, AST_BINARY, e->span, str(x->d->c, "+"), 2, a, negate(x, b));
        return e;
    case '*':
        if (both) return num(x, e, a->num * b->num);
        if (is_num(a, 0) || is_num(b, 0)) return num(x, e, 0);
        if (is_num(a, 1)) return b;
        if (is_num(b, 1)) return a;
        if (a->kind == AST_NUM && a->num < 0)
            return negate(x, binary(x, e, "*", num(x, a, -a->num), b));
        if (is_one_over(b))
            return binary(x, e, "/", a, b->kids[BINARY_B]);
        return e;
    case '/':
        if (both && b->num != 0 && a->num == 0) return num(x, e, 0);
        if (is_num(b, 1)) return a;
        if (is_quotient(b) && b->kids[BINARY_A]->kind == AST_NUM)    /* a / (c / d) = a d / c */
            return fold_binary(x, binary(x, e, "/", binary(x, e, "*", a, b->kids[BINARY_B]),
                                         b->kids[BINARY_A]));
        return e;
    default:
        return e;
    }
}

static Ast *call(const Expand *x, const Ast *at, const char *name, Ast *a)
{
    return ast_call(x->d->c, at->span, name, 1, a);
}

/* The argument of `name(..)`, or NULL. */
static Ast *inside(const Ast *e, const char *name)
{
    bool is = e->kind == AST_CALL && vec_len(e->kids) == 1 && !strcmp(e->name, name);
    return is ? e->kids[0]->kids[ARG_VALUE] : NULL;
}

static Ast *fold_number(const Expand *x, Ast *e, double v)
{
    if (!strcmp(e->name, "log") && v == 1) return num(x, e, 0);
    if (!strcmp(e->name, "sq")) return num(x, e, v * v);
    if (!strcmp(e->name, "sqrt") && (v == 1 || v == 0)) return num(x, e, v);
    if (!strcmp(e->name, "exp") && v == 0) return num(x, e, 1);
    return e;
}

/* log(exp u) = u, log(1 / u) = -log u, log(sqrt u) = log(u) / 2, sq(1 / sqrt u) = 1 / u */
static Ast *fold_call(const Expand *x, Ast *e)
{
    Ast *u = vec_len(e->kids) == 1 ? e->kids[0]->kids[ARG_VALUE] : NULL, *v;
    if (!u)
        return e;
    if (u->kind == AST_NUM)
        return fold_number(x, e, u->num);
    if (!strcmp(e->name, "log")) {
        if ((v = inside(u, "exp"))) return v;
        if ((v = inside(u, "sqrt")))
            return binary(x, e, "*", num(x, e, 0.5), call(x, e, "log", v));
        if (is_one_over(u))
            return negate(x, fold_call(x, call(x, e, "log", u->kids[BINARY_B])));
    }
    if (!strcmp(e->name, "sq")) {
        if ((v = inside(u, "sqrt"))) return v;
        if (is_one_over(u))
            return binary(x, e, "/", num(x, e, 1),
                          fold_call(x, call(x, e, "sq", u->kids[BINARY_B])));
    }
    return e;
}

static Ast *fold(const Expand *x, Ast *e)
{
    if (e->kind == AST_BINARY)
        return fold_binary(x, e);
    if (e->kind == AST_CALL)
        return fold_call(x, e);
    if (e->kind == AST_UNARY && !strcmp(e->name, "-"))
        return negate(x, e->kids[UNARY_A]);
    return e;
}

/* ---- substitution ---------------------------------------------------------------------------- */

static Bound *bind(const Expand *x, Bound *up, Str name, Ast *value)
{
    Bound *b = arena_alloc(x->d->c->arena, sizeof *b);
    *b = (Bound){ name, value, up };
    return b;
}

static const Ast *local(const Expand *x, AstKind kind, Str name)
{
    for (size_t i = 0; x->body && i < vec_len(x->body->kids); i++) {
        const Ast *s = x->body->kids[i];
        if (s->kind == kind && kind == AST_LET && s->kids[LET_NAMES]->kids[0]->name == name)
            return s;
        if (s->kind == kind && kind == AST_FUNCTION && s->name == name)
            return s;
    }
    return NULL;
}

static Ast *expand_name(Expand *x, Bound *b, Ast *e)
{
    for (Bound *k = b; k; k = k->up)
        if (k->name == e->name)
            return k->value;
    const Ast *let = local(x, AST_LET, e->name);
    return let ? expand(x, b, let->kids[LET_VALUE]) : e;
}

/* a[i, j] of `let a[r in R, q in R] = ..`: its value at r = i, q = j. NULL: no such element. */
static Ast *expand_element(Expand *x, Bound *b, Ast *e)
{
    const Ast *base = e->kids[INDEX_BASE];
    const Ast *let = base->kind == AST_NAME ? local(x, AST_LET, base->name) : NULL;
    const Ast *name = let ? let->kids[LET_NAMES]->kids[0] : NULL;
    if (!name || vec_len(name->kids) == 0 || vec_len(name->kids) + 1 != vec_len(e->kids))
        return NULL;
    Bound *inner = b;
    for (size_t i = 0; i < vec_len(name->kids); i++)
        inner = bind(x, inner, name->kids[i]->name, expand(x, b, e->kids[i + 1]));
    return expand(x, inner, let->kids[LET_VALUE]);
}

static Ast *expand_function(Expand *x, Bound *b, Ast *call, const Ast *fn)
{
    Bound *inner = b;
    const Ast *args = fn->kids[FUNCTION_ARGS];
    for (size_t i = 0; i < vec_len(args->kids) && i < vec_len(call->kids); i++)
        inner = bind(x, inner, args->kids[i]->name, expand(x, b, call->kids[i]->kids[ARG_VALUE]));
    return expand(x, inner, fn->kids[FUNCTION_BODY]);
}

static Ast *expand(Expand *x, Bound *b, Ast *e)
{
    if (!e || x->failed || ++x->depth > 10000) {
        x->failed = true;
        return e;
    }
    if (e->kind == AST_BLOCKEXPR || e->kind == AST_RECORD) {
        x->failed = true;
        return e;
    }
    if (e->kind == AST_NAME)
        return expand_name(x, b, e);
    Ast *element = e->kind == AST_INDEX ? expand_element(x, b, e) : NULL;
    if (element)
        return element;
    const Ast *fn = e->kind == AST_CALL ? local(x, AST_FUNCTION, e->name) : NULL;
    if (fn)
        return expand_function(x, b, e, fn);
    Ast *copy = arena_alloc(x->d->c->arena, sizeof *copy);
    *copy = *e;
    copy->kids = NULL;
    for (size_t i = 0; i < vec_len(e->kids); i++)
        vec_push(x->d->c, copy->kids,
                 e->kids[i] && e->kind != AST_BINDER ? expand(x, b, e->kids[i]) : e->kids[i]);
    return fold(x, copy);
}

/* ---- arguments ------------------------------------------------------------------------------- */

/* The value that the ARGs of a law give its i-th parameter, or NULL. */
static Ast *value_of(Ast **args, Ast **params, size_t i)
{
    for (size_t k = 0; k < vec_len(args); k++)
        if (law_param(params, args[k], k) == params[i])
            return args[k]->kids[ARG_VALUE];
    return NULL;
}

/* The size of axis k of a value's type, arrays first. */
static Size *size_at(const Type *t, size_t k)
{
    size_t n = vec_len(t->array);
    return k < n ? t->array[k] : t->event[k - n];
}

/* `alpha : positive[K]` given a vector or an array of P numbers: K is P. A number given for a
 * vector is spread over it, which a formula with sums over its elements cannot show. */
static Bound *bind_axes(Expand *x, Bound *b, const Ast *param, const Ast *value)
{
    const Ast *type = param->kids[ARGDECL_TYPE], *axes = type ? type->kids[TYPE_AXES] : NULL;
    const Type *t = value->type;
    size_t rank = axes ? vec_len(axes->kids) : 0;
    size_t n = t ? vec_len(t->array) + vec_len(t->event) : 0;
    if (!x->broadcasts && t && rank > n)
        x->failed = true;
    for (size_t i = 0; i < rank && rank <= n; i++) {
        Size *size = size_at(t, n - rank + i);
        Str text = size_text(x->d->c, size);
        Ast *name = make_size(x->d->c, size, value->span);
        if (name->kind == AST_NAME && strchr(text, ' '))
            name->name = str_fmt(x->d->c, "(%s)", text);
        if (axes->kids[i]->kind == AST_NAME)
            b = bind(x, b, axes->kids[i]->name, name);
    }
    return b;
}

static Bound *bind_params(Expand *x, const Ast *law, Ast **args)
{
    Bound *b = NULL;
    Ast **params = law_params(x->d->c, law);
    for (size_t i = 0; i < vec_len(params); i++) {
        Ast *value = value_of(args, params, i);
        if (!value)
            continue;
        b = bind_axes(x, b, params[i], value);
        b = bind(x, b, params[i]->name, value);
    }
    return b;
}

/* The arguments of a call as `holder`, the law called or its base, names them. */
static Bound *bind_as(Expand *x, const Ast *call, const Ast *holder)
{
    const Ast *law = law_called(call);
    Bound *own = bind_params(x, law, call->kids);
    if (law == holder)
        return own;
    const Ast *computed = law->kids[ALSO_BASE];
    Ast **params = law_params(x->d->c, law), **base = law_params(x->d->c, holder), **args = NULL;
    for (size_t i = 0; i < vec_len(computed->kids); i++) {
        Ast *arg = computed->kids[i];
        vec_push(x->d->c, args, ast_new(x->d->c, AST_ARG, arg->span, arg->name, 1,
                                        expand(x, own, arg->kids[ARG_VALUE])));
    }
    for (size_t i = 0; i < vec_len(params); i++) {            /* those that both laws have */
        Ast *value = value_of(call->kids, params, i);
        for (size_t k = 0; value && k < vec_len(base); k++)
            if (base[k] == params[i])
                vec_push(x->d->c, args, ast_new(x->d->c, AST_ARG, value->span, params[i]->name, 1,
                                                value));
    }
    return bind_params(x, holder, args);
}

/* The same, before a member of holder's body is expanded. */
static Bound *bind_for(Expand *x, const Ast *call, const Ast *holder)
{
    Bound *b = bind_as(x, call, holder);
    x->body = holder->kind == AST_ALSO ? holder->kids[ALSO_BODY] : holder->kids[DIST_BODY];
    return b;
}

static Ast *finish(Expand *x, Bound *b, Ast *e)
{
    Ast *out = expand(x, b, e);
    return x->failed ? NULL : out;
}

Ast *expand_logpdf(const Derive *d, Ast *law, Ast *value)
{
    const Ast *holder, *member = law_member(law_called(law), AST_FUNCTION, "logpdf", &holder);
    Expand x = { .d = d };
    if (!member || vec_len(member->kids[FUNCTION_ARGS]->kids) != 1)
        return NULL;
    Bound *b = bind_for(&x, law, holder);
    return finish(&x, bind(&x, b, member->kids[FUNCTION_ARGS]->kids[0]->name, value),
                  member->kids[FUNCTION_BODY]);
}

Ast *expand_fact(const Derive *d, Ast *law, const char *name)
{
    const Ast *holder, *member = law_member(law_called(law), AST_FACT, name, &holder);
    Expand x = { .d = d };
    return member ? finish(&x, bind_for(&x, law, holder), member->kids[FACT_VALUE]) : NULL;
}

Ast *expand_part(const Derive *d, Ast *law, const char *name)
{
    const Ast *holder, *member = law_member(law_called(law), AST_FACT, name, &holder);
    Expand x = { .d = d, .broadcasts = true };
    return member ? finish(&x, bind_for(&x, law, holder), member->kids[FACT_VALUE]) : NULL;
}

Ast *expand_sample(const Derive *d, Ast *law)
{
    const Ast *holder, *member = law_member(law_called(law), AST_SAMPLE, NULL, &holder);
    Expand x = { .d = d };
    Ast *body = member ? member->kids[SAMPLE_BODY] : NULL;
    if (!body || vec_len(body->kids) != 1)
        return NULL;
    return finish(&x, bind_for(&x, law, holder), body->kids[0]);
}

Ast *expand_kl(const Derive *d, Ast *q, Ast *p)
{
    const Ast *lq = law_called(q), *lp = law_called(p), *holder;
    Ast *kl = lq && lp ? law_kl(lq, lp, &holder) : NULL;
    Expand x = { .d = d };
    if (!kl)
        return NULL;
    const Ast *pattern = kl->kids[KL_OTHER];
    Bound *other = bind_as(&x, p, pattern->decl);
    Bound *b = bind_for(&x, q, holder);
    for (size_t i = 0; i < vec_len(pattern->kids); i++) {
        Str from = pattern->kids[i]->decl->name;
        Bound *k = other;
        while (k && k->name != from)
            k = k->up;
        if (!k)
            return NULL;
        b = bind(&x, b, pattern->kids[i]->kids[ARG_VALUE]->name, k->value);
    }
    return finish(&x, b, kl->kids[KL_VALUE]);
}

Ast *expand_support(const Derive *d, const Type *t, const char *name, Ast *u)
{
    Ast *s = support_of(d, t);
    Expand x = { .d = d };
    for (size_t i = 0; s && i < vec_len(s->kids[SUPPORT_BODY]->kids); i++) {
        Ast *f = s->kids[SUPPORT_BODY]->kids[i];
        if (f->kind != AST_FUNCTION || strcmp(f->name, name))
            continue;
        Bound *b = bind(&x, NULL, f->kids[FUNCTION_ARGS]->kids[0]->name, u);
        for (size_t k = 0; k < vec_len(t->bounds) && k < vec_len(s->kids[SUPPORT_ARGS]->kids); k++)
            b = bind(&x, b, s->kids[SUPPORT_ARGS]->kids[k]->name, t->bounds[k]);
        return finish(&x, b, f->kids[FUNCTION_BODY]);
    }
    return NULL;
}
