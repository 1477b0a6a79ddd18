/* mixing.c - finds every read that binds the rows of a plate together.
 *
 * Idea: inside `for n in N` a variable of the plate may be read at n only; outside it may not be
 * read at all. The walk follows lets, nets and functions to where data is read, and carries what
 * indices stand for, so that `let d[i in N] = x[i]` read as d[n] is x[n]: allowed.
 *     x[n]  own row    x[n - 1]  another row    x, mean(x)  the whole array    z outside: all rows
 * What it cannot show to be the own row is a mixing read: the proof errs on the safe side only.
 * requires: a checked tree; establishes nothing: prove_plates decides what the reads mean.
 */
#include "rows.h"

/* nodes walked in all: bodies inlined into bodies may explode */
#define BUDGET 200000

/* What an index or argument stands for, and the names its meaning is to be read in. */
typedef struct Means Means;
struct Means { const Ast *decl; Ast *expr; Means *in; Means *up; };

typedef struct Walk {
    Ctx *c;
    Model *m;
    Plate *rows;
    bool inside;                       /* the read happens for one row */
    Means *means;
    Through *through;
    bool load;                         /* in a let of data only */
    Map *seen_inside, *seen_outside;   /* lets and bodies walked without bound indices */
    Mixing *found;                     /* vec */
    long budget;
} Walk;

static void walk(Walk *w, Ast *e);

static void found(Walk *w, Span span, const char *what)
{
    for (size_t i = 0; i < vec_len(w->found); i++)
        if (w->found[i].span.src == span.src && w->found[i].span.start == span.start)
            return;
    vec_push(w->c, w->found, ((Mixing){ span, str(w->c, what), span_text(w->c, span), w->through,
                                        w->load }));
}

/* ---- what is in the plate -------------------------------------------------------------------- */

static bool is_row_array(const Walk *w, const Var *v)
{
    return v->kind == VAR_DATA && vec_len(v->type->array) > 0 && v->type->array[0] == w->rows->size;
}

static bool in_rows(const Walk *w, const Var *v)
{
    return v->plate && plate_within(v->plate, w->rows);
}

/* Is e the plate's own index, through names of arguments and binders? */
static bool own_index(const Walk *w, const Ast *e)
{
    Means *m = w->means;
    for (int depth = 0; e && e->kind == AST_NAME && depth < LIMIT_INLINE; depth++) {
        for (size_t i = 0; i < vec_len(w->rows->binders); i++)
            if (e->decl == w->rows->binders[i])
                return w->inside;
        Means *k = m;
        while (k && k->decl != e->decl)
            k = k->up;
        if (!k)
            return false;
        e = k->expr;
        m = k->in;
    }
    return false;
}

static bool mentions_rows(Ast *e, void *data)
{
    void **state = data;
    const Walk *w = state[0];
    if (e->kind == AST_NAME)
        for (size_t i = 0; i < vec_len(w->rows->binders); i++)
            if (e->decl == w->rows->binders[i])
                state[1] = e;
    return true;
}

static bool data_only(Walk *w, Ast *e)
{
    Var **reads = model_reads(w->c, w->m, e);
    for (size_t i = 0; i < vec_len(reads); i++)
        if (reads[i]->kind != VAR_DATA)
            return false;
    return vec_len(reads) > 0;
}

/* ---- bodies ---------------------------------------------------------------------------------- */

static void walk_through(Walk *w, Ast *body, Span span, Str what)
{
    Through *up = w->through, here = { span, what, up };
    Through *kept = arena_alloc(w->c->arena, sizeof *kept);
    *kept = here;
    w->through = kept;
    walk(w, body);
    w->through = up;
}

/* A body read as it stands is walked once inside and once outside the plate. */
static bool walked(Walk *w, const void *key)
{
    Map *seen = w->inside ? w->seen_inside : w->seen_outside;
    if (map_get(seen, key))
        return true;
    map_put(seen, key, w);
    return false;
}

static void walk_let(Walk *w, Var *v, Span span)
{
    bool load = w->load;
    if (!v->value)
        return;
    w->load = load || data_only(w, v->value);
    walk_through(w, v->value, span, v->name);
    w->load = load;
}

/* d[n, k] of `let d[i in N, j in K] = e`: e with i standing for n. */
static void walk_let_at(Walk *w, Var *v, Ast *index)
{
    Means *before = w->means;
    size_t k = 1;
    for (size_t i = 0; i < vec_len(v->decl->kids) && k < vec_len(index->kids); i++, k++) {
        Means *m = arena_alloc(w->c->arena, sizeof *m);
        *m = (Means){ v->decl->kids[i], index->kids[k], before, w->means };
        w->means = m;
    }
    walk_let(w, v, index->span);
    w->means = before;
}

static void walk_function(Walk *w, Ast *call, Ast *fn)
{
    Means *before = w->means;
    if (fn->span.src && fn->span.src->library)
        return;                        /* the library knows no model */
    Ast *args = fn->kids[FUNCTION_ARGS];
    for (size_t i = 0; args && i < vec_len(args->kids) && i < vec_len(call->kids); i++) {
        Means *m = arena_alloc(w->c->arena, sizeof *m);
        *m = (Means){ args->kids[i], call->kids[i]->kids[ARG_VALUE], before, w->means };
        w->means = m;
    }
    walk_through(w, fn->kids[FUNCTION_BODY], call->span, fn->name);
    w->means = before;
}

/* ---- reads ----------------------------------------------------------------------------------- */

static void walk_name(Walk *w, Ast *e)
{
    Var *v = model_var(w->m, e->decl);
    if (!v) {
        if (e->decl && e->decl->kind == AST_NET && !walked(w, e->decl))
            walk_through(w, e->decl->kids[NET_BODY], e->span, e->name);
        return;
    }
    if (v->kind == VAR_DATA && is_row_array(w, v))
        found(w, e->span, w->inside ? "it is the whole array, not row %" : "it has all rows");
    else if (v->kind == VAR_LET && !walked(w, v))
        walk_let(w, v, e->span);
    else if (v->kind == VAR_NET && !walked(w, v))
        walk_through(w, v->statement->kids[NET_BODY], e->span, v->name);
    else if ((v->kind == VAR_LATENT || v->kind == VAR_PARAM) && in_rows(w, v) && !w->inside)
        found(w, e->span, "it is one value per row, read outside of the plate");
}

static void walk_index(Walk *w, Ast *e)
{
    Ast *base = e->kids[INDEX_BASE], *first = e->kids[1];
    Var *v = base->kind == AST_NAME ? model_var(w->m, base->decl) : NULL;
    void *state[2] = { w, NULL };
    if (v && v->kind == VAR_DATA && is_row_array(w, v)) {
        if (!own_index(w, first))
            found(w, e->span,
                  w->inside ? "it is not row %" : "it has rows, read outside of the plate");
    } else if (v && v->kind == VAR_LET && vec_len(v->decl->kids) > 0) {
        walk_let_at(w, v, e);
    } else {
        ast_walk(first, mentions_rows, state);
        if (v && v->kind == VAR_LATENT && in_rows(w, v) && w->inside && state[1])
            found(w, e->span, "inside the plate the name alone is row %");
        else
            walk(w, base);
    }
    for (size_t k = 1; k < vec_len(e->kids); k++)
        walk(w, e->kids[k]);
}

static void walk_kids(Walk *w, Ast *e)
{
    for (size_t i = 0; i < vec_len(e->kids); i++)
        if (e->kids[i])
            walk(w, e->kids[i]);
}

static void walk(Walk *w, Ast *e)
{
    if (!e || --w->budget < 0)
        return;
    switch (e->kind) {
    case AST_NAME:
        walk_name(w, e);
        break;
    case AST_INDEX:
        walk_index(w, e);
        break;
    case AST_CALL:
        walk_kids(w, e);
        if (e->decl && e->decl->kind == AST_FUNCTION)
            walk_function(w, e, e->decl);
        else if (e->decl && e->decl->kind == AST_NET)
            walk_name(w, e);
        break;
    case AST_TYPE:
        break;
    default:
        walk_kids(w, e);
    }
}

static void walk_from(Walk *w, Ast *e, const Plate *plate, Span span, Str what)
{
    w->inside = plate && plate_within(plate, w->rows);
    w->means = NULL;
    w->through = NULL;
    w->load = false;
    if (e)
        walk_through(w, e, span, what);
}

/* interval(max(y), inf) */
static void walk_bounds(Walk *w, const Var *v)
{
    bool support = v->kind == VAR_LATENT || v->kind == VAR_PARAM;
    for (size_t i = 0; support && i < vec_len(v->type->bounds); i++)
        walk_from(w, v->type->bounds[i], v->plate, v->decl->span, v->name);
}

Mixing *rows_mixing(Ctx *c, Model *m, Plate *rows)
{
    Walk w = { .c = c, .m = m, .rows = rows, .budget = BUDGET, .seen_inside = map_new(c),
               .seen_outside = map_new(c) };
    for (size_t i = 0; i < vec_len(m->sites); i++) {
        Site *s = &m->sites[i];
        walk_from(&w, s->law, s->plate, s->span, s->var->name);
        if (s->observed)
            walk_from(&w, s->lhs, s->plate, s->span, s->var->name);
    }
    for (size_t i = 0; i < vec_len(m->factors); i++)
        walk_from(&w, m->factors[i].value, m->factors[i].plate, m->factors[i].span,
                  str(c, "factor"));
    for (size_t i = 0; i < vec_len(m->vars); i++)
        walk_bounds(&w, m->vars[i]);
    for (size_t i = 0; i < vec_len(m->vars); i++)
        if (m->vars[i]->reported)
            walk_from(&w, m->vars[i]->value, m->vars[i]->plate, m->vars[i]->decl->span,
                      str(c, "report"));
    for (size_t i = 0; i < vec_len(m->drawn); i++)
        walk_from(&w, m->drawn[i].law, m->drawn[i].plate, m->drawn[i].span, m->drawn[i].var->name);
    for (size_t i = 0; i < vec_len(m->plates); i++)
        walk_from(&w, m->plates[i]->when, m->plates[i], m->plates[i]->span, m->plates[i]->index);
    for (size_t i = 0; m->family && i < vec_len(m->family->guides); i++) {
        Guide *g = &m->family->guides[i];
        walk_from(&w, g->law, g->plate, g->span, g->latents[0]->name);
    }
    if (w.budget < 0)
        found(&w, rows->span, "its expressions are too large to prove anything");
    return w.found;
}
