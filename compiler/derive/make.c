/* make.c - new nodes and variables: what the derivation writes, in the language itself.
 *
 * A made node has the span of the statement that it stems from, so that whatever is later said
 * about it names a line of the spec.
 */
#include "derive.h"

#include <math.h>
#include <string.h>

static bool is_taken(const Derive *d, Str name)
{
    for (size_t i = 0; i < vec_len(d->taken); i++)
        if (d->taken[i] == name)
            return true;
    return false;
}

Str fresh_name(Derive *d, Str wanted)
{
    Str name = wanted;
    for (int i = 2; is_taken(d, name); i++)
        name = str_fmt(d->c, "%s_%d", wanted, i);
    vec_push(d->c, d->taken, name);
    return name;
}

Type *make_type(Ctx *c, const char *support, Size **array, Size **event)
{
    Type *t = arena_alloc(c->arena, sizeof *t);
    t->kind = KIND_VALUE;
    t->elem = ELEM_REAL;
    t->array = array;
    t->event = event;
    t->support = str(c, support);
    return t;
}

Type *real_scalar(Ctx *c)
{
    return make_type(c, "real", NULL, NULL);
}

Ast *make_name(Ctx *c, const Var *v, Span span)
{
    Ast *name = ast_name(c, span, v->name, v->decl);
    name->type = v->type;
    return name;
}

Ast *make_index(Ctx *c, Ast *base, Ast **index)
{
    if (vec_len(index) == 0)
        return base;
    Ast *e = ast_new(c, AST_INDEX, base->span, NULL, 1, base);
    for (size_t i = 0; i < vec_len(index); i++)
        ast_push(c, e, index[i]);
    return e;
}

Ast *make_call(Ctx *c, const char *name, Type *type, Span span, Ast *a, Ast *b)
{
    Ast *call = ast_call(c, span, name, b ? 2 : 1, a, b);
    call->type = type;
    return call;
}

Ast *make_binary(Ctx *c, const char *op, Ast *a, Ast *b)
{
    Ast *e = ast_new(c, AST_BINARY, a->span, str(c, op), 2, a, b);
    e->type = strchr("<=>", *op) ? make_type(c, "bit", NULL, NULL) : real_scalar(c);
    return e;
}

Ast *make_choice(Ctx *c, Span at, Ast *condition, Ast *a, Ast *b)
{
    Ast *e = ast_new(c, AST_IF, at, NULL, 3, condition, a ? a : ast_num(c, at, 0),
                     b ? b : ast_num(c, at, 0));
    e->type = real_scalar(c);
    return e;
}

Ast *make_counted(Ctx *c, const Plate *p, Ast *e)
{
    return p->when ? make_choice(c, e->span, p->when, e, NULL) : e;
}

Ast *make_partial(Ctx *c, const Plate *p, Ast *e, Ast *otherwise)
{
    Type *type = e->type;
    for (; p; p = p->outer)
        if (p->when) {
            e = make_choice(c, e->span, p->when, e, otherwise);
            e->type = type;
        }
    return e;
}

Ast *make_known(Ctx *c, const Var *v, Ast *e)
{
    return var_is_partial(v) ? make_partial(c, v->plate, e, ast_num(c, e->span, NAN)) : e;
}

/* Distributions that the derivation itself uses are those of lang/std, whatever the user
 * shadows. */
static Ast *std_distribution(Derive *d, const char *name)
{
    for (size_t i = 0; i < vec_len(d->library->kids); i++) {
        Ast *item = d->library->kids[i];
        if (item->kind == AST_DISTRIBUTION && !strcmp(item->name, name))
            return item;
    }
    ice("lang/std has no distribution %s", name);
}

Ast *make_law(Derive *d, const char *name, Span span, Ast *a, Str key, Ast *b)
{
    Ast *call = ast_call(d->c, span, name, b ? 2 : 1, a, b);
    call->kids[b ? 1 : 0]->name = key;
    call->decl = law_chosen(d->c, std_distribution(d, name), call);
    return call;
}

Ast *law_with(Derive *d, Ast *law, const char *key, Ast *argument)
{
    ast_push(d->c, law, ast_new(d->c, AST_ARG, law->span, str(d->c, key), 1, argument));
    law->decl = law_chosen(d->c, std_distribution(d, law->name), law);
    return law;
}

Ast *make_size(Ctx *c, const Size *s, Span span)
{
    int64_t value;
    Str missing;
    if (size_value(c, s, &value, &missing))
        return ast_num(c, span, (double)value);
    return ast_name(c, span, size_text(c, s), NULL); /* shown by explain; lowering needs numbers */
}

/* ---- variables ------------------------------------------------------------------------------- */

static Var *synthetic(Derive *d, VarKind kind, Str name, Type *type, Plate *plate, Span span)
{
    Var *v = arena_alloc(d->c->arena, sizeof *v);
    v->kind = kind;
    v->name = fresh_name(d, name);
    v->decl = ast_new(d->c, AST_DECLNAME, span, v->name, 0);
    v->decl->type = type;
    v->type = type;
    v->plate = plate;
    v->synthetic = true;
    if (d->m->family)
        vec_push(d->c, d->m->family->vars, v);
    else
        vec_push(d->c, d->m->vars, v);
    return v;
}

static Ast *type_node(Ctx *c, const Type *type, Span span)
{
    Ast *list = ast_new(c, AST_LIST, span, NULL, 0);
    return ast_new(c, AST_TYPE, span, type->support, 2, list, ast_new(c, AST_LIST, span, NULL, 0));
}

Var *make_param(Derive *d, Str name, Type *type, Ast *init, Span span)
{
    Var *v = synthetic(d, VAR_PARAM, name, type, NULL, span);
    Ast *names = ast_new(d->c, AST_LIST, span, NULL, 1, v->decl);
    v->statement = ast_new(d->c, AST_PARAM, span, NULL, 4, names, type_node(d->c, type, span), NULL,
                           init);
    v->decl->decl = v->statement;
    vec_push(d->c, d->d->params, v);
    return v;
}

Var *make_value(Derive *d, Str name, Type *type, Plate *plate, Span span)
{
    Var *v = synthetic(d, VAR_LATENT, name, type, plate, span);
    Ast *names = ast_new(d->c, AST_LIST, span, NULL, 1, v->decl);
    v->statement =
        ast_new(d->c, AST_LATENT, span, NULL, 3, names, type_node(d->c, type, span), NULL);
    v->decl->decl = v->statement;
    return v;
}

/* ---- indices --------------------------------------------------------------------------------- */

Ast *plate_index_name(Ctx *c, const Plate *p, Span span)
{
    Ast *name = ast_name(c, span, p->index, p->binders[0]);
    name->type = p->binders[0]->type;
    return name;
}

void push_plate_sizes(Ctx *c, const Plate *p, const Plate *outer, Size ***sizes)
{
    if (!p || p == outer)
        return;
    push_plate_sizes(c, p->outer, outer, sizes);
    vec_push(c, *sizes, p->size);
}

void push_plate_indices(Ctx *c, const Plate *p, const Plate *outer, Ast ***index, Span span)
{
    if (!p || p == outer)
        return;
    push_plate_indices(c, p->outer, outer, index, span);
    Ast *at = plate_index_name(c, p, span), *position = at;
    if (p->low) {
        position = make_binary(c, "-", at, p->low);
        position->type = at->type;
    }
    vec_push(c, *index, position);
}

bool has_declared_binders(const Var *v)
{
    size_t n = v->decl->kind == AST_DECLNAME ? vec_len(v->decl->kids) : 0;
    for (size_t i = (size_t)v->spread; i < n; i++)
        if (v->decl->kids[i]->kind == AST_BINDER)
            return true;
    return false;
}

/* The binders of the declaration; axes without one get a binder of their own. */
static Ast **declared_binders(Ctx *c, const Var *v)
{
    Ast **binders = NULL;
    for (size_t i = 0; i < vec_len(v->decl->kids); i++) {
        Ast *axis = v->decl->kids[i];
        if (axis->kind != AST_BINDER) {
            Type *type = make_type(c, "index", NULL, NULL);
            type->elem = ELEM_INDEX;
            type->classes = v->type->array[i];
            axis = ast_new(c, AST_BINDER, axis->span, str_fmt(c, "i%zu", i), 2, axis, NULL);
            axis->type = type;
        }
        vec_push(c, binders, axis);
    }
    return binders;
}

/* In its sequence the first index of a variable is the step: h[t] */
static Ast *at_step(Ctx *c, const Var *v, Ast *whole)
{
    const Plate *sequence = plate_sequence(v->plate);
    Ast **step = NULL;
    if (!sequence || whole->kind != AST_NAME)
        return whole;
    vec_push(c, step, plate_index_name(c, sequence, whole->span));
    Ast *e = make_index(c, whole, step);
    e->type = v->type;
    return e;
}

Ast *make_element_of(Ctx *c, const Var *v, Ast *whole)
{
    Ast **index = NULL;
    if (!has_declared_binders(v))
        return whole;
    Ast **binders = declared_binders(c, v);
    for (size_t i = 0; i < vec_len(binders); i++) {
        Ast *name = ast_name(c, whole->span, binders[i]->name, binders[i]);
        name->type = binders[i]->type;
        vec_push(c, index, name);
    }
    Ast *e = make_index(c, at_step(c, v, whole), index);
    e->type = make_type(c, "real", NULL, v->type->event);
    return e;
}

Ast *make_element(Ctx *c, const Var *v, Span span)
{
    return make_element_of(c, v, make_name(c, v, span));
}

Ast *make_declared_sum(Ctx *c, const Var *v, Ast *e)
{
    if (!has_declared_binders(v))
        return e;
    Ast *list = ast_new(c, AST_LIST, e->span, NULL, 0), **binders = declared_binders(c, v);
    for (size_t i = 0; i < vec_len(binders); i++)
        ast_push(c, list, binders[i]);
    Ast *sum = ast_new(c, AST_REDUCE, e->span, str(c, "sum"), 2, list, e);
    sum->type = real_scalar(c);
    return sum;
}
