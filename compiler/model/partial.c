/* partial.c - latents of plates with a condition: which they are, and who may read them.
 *
 *     for n in N where seen[n] { latent u : real ~ normal(0, s); y[n] ~ normal(u, 1) }
 * Such a latent has a number for every cell of its plates, and those of the cells that do not count
 * mean nothing. So it may be read where its own cell counts: where the condition of its plate, with
 * the index it is read at, is one of a plate, a reduction or an `if` around. `sum[i in N where
 * seen[i]](u[i])`, `if seen[g[k]] then u[g[k]] else 0`. In a sequence, `previous` knows where the
 * first step is.
 * requires: reads of the own cell are bare names (spread.c)
 */
#include "build.h"

#include <string.h>

/* A binder of a reduction or definition around the expression. */
typedef struct Open { Ast *binder; struct Open *up; } Open;

/* The condition of an `if` around the expression, which holds there, or does not. */
typedef struct Fact { const Ast *condition; bool holds; struct Fact *up; } Fact;

typedef struct Walk {
    Ctx *c;
    const Model *m;
    const Plate *plate;                /* of the statement */
    Open *open;
    Fact *facts;
    bool inlined;                      /* in the body of a function: its names may hide others */
    bool states;                       /* values of discrete latents are read too */
    Map *seen;                         /* bodies of functions and nets already walked */
} Walk;

const Plate *plate_partial(const Plate *p)
{
    while (p && !p->when)
        p = p->outer;
    return p;
}

bool var_is_partial(const Var *v)
{
    bool inferred = v->kind == VAR_LATENT || v->kind == VAR_DRAWN;
    return inferred && !v->synthetic && v->type->elem == ELEM_REAL && plate_partial(v->plate);
}

/* ---- which names ----------------------------------------------------------------------------- */

static bool has_gaps(const Walk *w, const Var *v)
{
    return var_is_partial(v) || (w->states && var_is_summed(v) && plate_partial(v->plate));
}

/* A latent, or what is computed from one in its plate. */
static bool is_partial(const Walk *w, const Var *v)
{
    if (v->kind != VAR_LET || !plate_partial(v->plate))
        return has_gaps(w, v);
    Var **reads = model_reads(w->c, w->m, v->value);
    for (size_t i = 0; i < vec_len(reads); i++)
        if (has_gaps(w, reads[i]))
            return true;
    return false;
}

/* ---- cells that count ------------------------------------------------------------------------ */

static bool same_text(Ctx *c, const Ast *a, const Ast *b)
{
    return a && b ? fmt_expr(c, a) == fmt_expr(c, b) : a == b;
}

/* Does e run over the positions of p that count: an index of the name, the range and the condition
 * of the plate? */
static bool runs_over(const Walk *w, const Ast *e, const Plate *p)
{
    const Open *o = w->open;
    while (o && o->binder != e->decl)
        o = o->up;
    for (size_t i = 0; o && i < vec_len(p->binders); i++) {
        const Ast *own = p->binders[i];
        if (own->name == o->binder->name
            && same_text(w->c, own->kids[BINDER_DOMAIN], o->binder->kids[BINDER_DOMAIN])
            && same_text(w->c, own->kids[BINDER_WHERE], o->binder->kids[BINDER_WHERE]))
            return true;
    }
    return false;
}

/* A cell of an array: where it stands in the plates that the statement is outside of. */
typedef struct Cell {
    const Walk *w;
    const Plate *plate[LIMIT_RANK];
    const Ast *at[LIMIT_RANK];
    size_t n;
} Cell;

static bool is_operation(const Ast *e, AstKind kind, const char *name)
{
    return e->kind == kind && !strcmp(e->name, name);
}

static bool same_declaration(const Walk *w, const Ast *a, const Ast *b)
{
    const Plate *p = model_plate(w->m, a);
    return a == b || (p && p == model_plate(w->m, b));
}

/* "<" for ">", NULL for what is no comparison. */
static const char *mirrored(const Ast *e)
{
    static const char *const pairs[][2] = { { "<", ">" }, { "<=", ">=" } };
    for (size_t i = 0; e->kind == AST_BINARY && i < sizeof pairs / sizeof *pairs; i++)
        for (int k = 0; k < 2; k++)
            if (!strcmp(e->name, pairs[i][k]))
                return pairs[i][1 - k];
    return NULL;
}

/* Is b what the condition a says of the cell? */
static bool means(const Cell *cell, const Ast *a, const Ast *b)
{
    const Cell here = { .w = cell->w };
    if (!a || !b)
        return a == b;
    for (size_t i = 0; i < cell->n; i++)
        if (plate_has_index(cell->plate[i], a))
            return means(&here, cell->at[i], b);
    if (b->kind == AST_BINARY && mirrored(a) && !strcmp(mirrored(a), b->name))
        return means(cell, a->kids[BINARY_A], b->kids[BINARY_B])
            && means(cell, a->kids[BINARY_B], b->kids[BINARY_A]);
    bool same = a->kind == b->kind && a->name == b->name && a->num == b->num
             && same_declaration(cell->w, a->decl, b->decl)
             && vec_len(a->kids) == vec_len(b->kids);
    for (size_t i = 0; same && i < vec_len(a->kids); i++)
        same = means(cell, a->kids[i], b->kids[i]);
    return same;
}

/* Does the condition a hold of the cell where `known` holds? */
static bool follows(const Cell *cell, const Ast *a, const Ast *known)
{
    if (known && is_operation(known, AST_BINARY, "and"))
        return follows(cell, a, known->kids[BINARY_A]) || follows(cell, a, known->kids[BINARY_B]);
    return means(cell, a, known);
}

/* Where `known` does not hold? */
static bool follows_from_not(const Cell *cell, const Ast *a, const Ast *known)
{
    if (is_operation(known, AST_UNARY, "not"))
        return means(cell, a, known->kids[UNARY_A]);
    return is_operation(a, AST_UNARY, "not") && means(cell, a->kids[UNARY_A], known);
}

/* By the range and the condition of a binder around. */
static bool follows_from_binder(const Cell *cell, const Ast *a, Ast *binder)
{
    Ctx *c = cell->w->c;
    if (binder->kind != AST_BINDER)
        return false;
    Ast *domain = binder->kids[BINDER_DOMAIN];
    Ast *index = ast_name(c, binder->span, binder->name, binder);
    bool range = domain->kind == AST_RANGE;
    Ast *to = range ? domain->kids[RANGE_B] : domain;
    Ast *below = ast_new(c, AST_BINARY, to->span, str(c, "<"), 2, index, to);
    Ast *from = range ? domain->kids[RANGE_A] : ast_num(c, to->span, 0);
    Ast *above = ast_new(c, AST_BINARY, from->span, str(c, ">="), 2, index, from);
    return follows(cell, a, below) || follows(cell, a, above)
        || follows(cell, a, binder->kids[BINDER_WHERE]);
}

/* `k > 0` of a cell at 1. */
static bool is_true(const Cell *cell, const Ast *a)
{
    double x[2];
    for (int i = 0; i < 2; i++) {
        const Ast *e = a->kind == AST_BINARY ? a->kids[i] : a;
        for (size_t k = 0; k < cell->n; k++)
            if (plate_has_index(cell->plate[k], e))
                e = cell->at[k];
        if (e->kind != AST_NUM)
            return false;
        x[i] = e->num;
    }
    return !strcmp(a->name, "<") ? x[0] < x[1] : !strcmp(a->name, "<=") ? x[0] <= x[1]
         : !strcmp(a->name, ">") ? x[0] > x[1] : !strcmp(a->name, ">=") ? x[0] >= x[1]
         : !strcmp(a->name, "==") ? x[0] == x[1] : !strcmp(a->name, "!=") && x[0] != x[1];
}

/* Do the plates, reductions and branches around say that the condition a holds of the cell? */
static bool holds(const Cell *cell, const Ast *a)
{
    const Walk *w = cell->w;
    if (!a || is_true(cell, a))
        return true;
    if (is_operation(a, AST_BINARY, "and"))
        return holds(cell, a->kids[BINARY_A]) && holds(cell, a->kids[BINARY_B]);
    for (const Plate *p = w->plate; p; p = p->outer)
        if (follows_from_binder(cell, a, p->binders[0]))
            return true;
    for (const Open *o = w->open; o; o = o->up)
        if (follows_from_binder(cell, a, o->binder))
            return true;
    for (const Fact *f = w->facts; f; f = f->up)
        if (f->holds ? follows(cell, a, f->condition) : follows_from_not(cell, a, f->condition))
            return true;
    return false;
}

/* u[m, i], where i and m are positions in the plates of u that the statement does not stand in. */
static bool cell_counts(const Walk *w, const Ast *index, const Var *v)
{
    const Plate *p = v->plate;
    Cell cell = { .w = w };
    for (; p && cell.n < LIMIT_RANK && !plate_within(w->plate, p); p = p->outer)
        cell.plate[cell.n++] = p;
    if (w->inlined || cell.n + 1 > vec_len(index->kids))
        return false;
    for (size_t i = 0; i < cell.n; i++)
        cell.at[i] = index->kids[cell.n - i];
    for (size_t i = 0; i < cell.n; i++)
        if (!runs_over(w, cell.at[i], cell.plate[i]) && !holds(&cell, cell.plate[i]->when))
            return false;
    return true;
}

/* ---- earlier steps --------------------------------------------------------------------------- */

typedef struct Mention { const Model *model; const Plate *plate; bool found; } Mention;

static bool visit_mention(Ast *e, void *data)
{
    Mention *m = data;
    const Var *v = e->kind == AST_NAME ? model_var(m->model, e->decl) : NULL;
    bool let = v && v->kind == VAR_LET && plate_within(v->plate, m->plate);
    bool function = e->kind == AST_CALL && e->decl && e->decl->kind == AST_FUNCTION;
    m->found |= let || function || plate_has_index(m->plate, e);
    return !m->found;
}

/* May the value of e differ between the positions of p? */
static bool varies(const Model *m, Ast *e, const Plate *p)
{
    Mention mention = { m, p, false };
    ast_walk(e, visit_mention, &mention);
    return mention.found;
}

/* `t >= a and t < b`, where a is the start of the sequence: the steps between two. */
static bool is_interval(const Model *m, const Plate *p, const Ast *when)
{
    Ast *const *kids = when->kids;
    if (when->kind != AST_BINARY)
        return false;
    if (!strcmp(when->name, "and"))
        return is_interval(m, p, kids[BINARY_A]) && is_interval(m, p, kids[BINARY_B]);
    bool from = !strcmp(when->name, ">=") && kids[BINARY_B] == p->start;
    return (from || !strcmp(when->name, "<")) && plate_has_index(p, kids[BINARY_A])
        && !varies(m, kids[BINARY_B], p);
}

/* Where a step of v counts, do those before it that the sequence has? `previous` knows which is
 * the first. */
static bool step_counts(const Walk *w, const Var *v, const Plate *sequence, bool previous)
{
    for (const Plate *p = v->plate; p != sequence; p = p->outer)
        if (p->when && varies(w->m, p->when, sequence))
            return false;
    return !sequence->when || (previous && is_interval(w->m, sequence, sequence->when));
}

/* ---- the walk -------------------------------------------------------------------------------- */

static void refuse(Walk *w, Ast *e, const Var *v)
{
    const Plate *p = plate_partial(v->plate), *sequence = plate_sequence(v->plate);
    diag_error(w->c, E_PARTIAL, e->span, span_text(w->c, e->span), v->name,
               fmt_expr(w->c, p->when));
    diag_note(w->c, v->decl->span, "`%s` is declared here", v->name);
    if (e->kind == AST_INDEX && sequence && step_counts(w, v, sequence, true)
        && plate_within(w->plate, sequence))
        diag_help(w->c, "read the step before as `previous(%s, ..)`, which knows the first step",
                  v->name);
    else if (e->kind == AST_INDEX)
        diag_help(w->c, "read it where its condition is known to hold: in that plate, in a "
                  "reduction with the condition, or in `if .. then %s else ..`",
                  span_text(w->c, e->span));
    else
        diag_help(w->c, "read it in that plate, or in a reduction with its index and condition");
}

static void walk(Walk *w, Ast *e);

static void walk_kids(Walk *w, Ast *e)
{
    for (size_t i = 0; i < vec_len(e->kids); i++)
        if (e->kids[i])
            walk(w, e->kids[i]);
}

/* The body of a function or net that is called, or handed to another. */
static void walk_body(Walk *w, const Ast *decl)
{
    bool inlined = w->inlined;
    Ast *body = decl && decl->kind == AST_FUNCTION ? decl->kids[FUNCTION_BODY]
              : decl && decl->kind == AST_NET ? decl->kids[NET_BODY] : NULL;
    if (!body || map_get(w->seen, decl))
        return;
    map_put(w->seen, decl, w);
    w->inlined = true;
    walk(w, body);
    w->inlined = inlined;
}

static void walk_name(Walk *w, Ast *e)
{
    const Var *v = model_var(w->m, e->decl);
    if (v && is_partial(w, v) && !plate_within(w->plate, plate_partial(v->plate)))
        refuse(w, e, v);
    walk_body(w, e->decl);
}

static void walk_index(Walk *w, Ast *e)
{
    Ast *base = e->kids[INDEX_BASE];
    const Var *v = base->kind == AST_NAME ? model_var(w->m, base->decl) : NULL;
    const Plate *sequence = v ? plate_sequence(v->plate) : NULL;
    bool inside = sequence && plate_within(w->plate, sequence);
    bool earlier = inside && !plate_has_index(sequence, e->kids[1]);
    if (!v || !is_partial(w, v))
        walk(w, base);
    else if (earlier ? !step_counts(w, v, sequence, false)
                     : !plate_within(w->plate, plate_partial(v->plate)) && !cell_counts(w, e, v))
        refuse(w, e, v);
    for (size_t k = 1; k < vec_len(e->kids); k++)
        walk(w, e->kids[k]);
}

/* previous(x, ..) of a name. */
static void walk_previous(Walk *w, Ast *e)
{
    Ast *x = e->kids[0]->kids[ARG_VALUE];
    const Var *v = x->kind == AST_NAME ? model_var(w->m, x->decl) : NULL;
    const Plate *sequence = v && is_partial(w, v) ? plate_sequence(v->plate) : NULL;
    if (sequence && !step_counts(w, v, sequence, true))
        refuse(w, e, v);
}

static void open_binders(Walk *w, Ast *const *binders)
{
    for (size_t i = 0; i < vec_len(binders); i++) {
        Open *o = arena_alloc(w->c->arena, sizeof *o);
        *o = (Open){ binders[i], w->open };
        w->open = o;
    }
}

static void walk_reduce(Walk *w, Ast *e)
{
    Open *up = w->open;
    open_binders(w, e->kids[REDUCE_BINDERS]->kids);
    walk_kids(w, e);
    w->open = up;
}

static void walk_branch(Walk *w, Ast *e, const Ast *condition, bool holds)
{
    Fact fact = { condition, holds, w->facts };
    w->facts = &fact;
    walk(w, e);
    w->facts = fact.up;
}

static void walk(Walk *w, Ast *e)
{
    if (!e)
        return;
    switch (e->kind) {
    case AST_NAME:
        walk_name(w, e);
        break;
    case AST_INDEX:
        walk_index(w, e);
        break;
    case AST_REDUCE:
        walk_reduce(w, e);
        break;
    case AST_IF:
        walk(w, e->kids[IF_COND]);
        walk_branch(w, e->kids[IF_THEN], e->kids[IF_COND], true);
        walk_branch(w, e->kids[IF_ELSE], e->kids[IF_COND], false);
        break;
    case AST_TYPE:
        break;
    case AST_CALL:
        if (!e->decl && (!strcmp(e->name, "marginal") || !strcmp(e->name, "mode")))
            break;                     /* of a cell that does not count: 0 for all states */
        walk_body(w, e->decl);
        if (!e->decl && !strcmp(e->name, "previous"))
            walk_previous(w, e);
        walk_kids(w, e);
        break;
    default:
        walk_kids(w, e);
    }
}

static void walk_from(Ctx *c, const Model *m, const Plate *plate, Ast *e)
{
    Walk w = { .c = c, .m = m, .plate = plate, .seen = map_new(c) };
    walk(&w, e);
}

/* What is drawn after the fit reads states as they are drawn from their posterior. */
static void walk_drawn(Ctx *c, const Model *m, const Site *s)
{
    Walk w = { .c = c, .m = m, .plate = s->plate, .seen = map_new(c), .states = true };
    walk(&w, s->law);
}

/* `let a[m in M] = e`: its binders run over whole sizes. */
static void walk_lets(Ctx *c, const Model *m, Var *const *vars)
{
    for (size_t i = 0; i < vec_len(vars); i++) {
        Walk w = { .c = c, .m = m, .plate = vars[i]->plate, .seen = map_new(c),
                   .states = vars[i]->reported };
        if (vars[i]->kind != VAR_LET)
            continue;
        open_binders(&w, vars[i]->decl->kids);
        walk(&w, vars[i]->value);
    }
}

/* Which cells there are must not depend on what is inferred. */
static void check_conditions(Ctx *c, const Model *m, const Var *v)
{
    for (const Plate *p = v->plate; p; p = p->outer) {
        Var **reads = model_reads(c, m, p->when);
        for (size_t i = 0; i < vec_len(reads); i++)
            if (reads[i]->kind != VAR_DATA) {
                diag_error(c, E_ND_WHERE, p->when->span);
                diag_note(c, v->decl->span, "where `%s` has a value would depend on `%s`", v->name,
                          reads[i]->name);
                diag_help(c, "give the plate of a latent a condition on data");
            }
    }
}

bool partial_check(Ctx *c, const Model *m)
{
    int before = diag_count(c);
    bool any = false;
    for (size_t i = 0; i < vec_len(m->vars); i++)
        if (var_is_partial(m->vars[i])) {
            check_conditions(c, m, m->vars[i]);
            any = true;
        } else {
            any |= var_is_summed(m->vars[i]) && plate_partial(m->vars[i]->plate);
        }
    if (!any)
        return true;
    for (size_t i = 0; i < vec_len(m->sites); i++)
        walk_from(c, m, m->sites[i].plate, m->sites[i].law);
    for (size_t i = 0; i < vec_len(m->factors); i++)
        walk_from(c, m, m->factors[i].plate, m->factors[i].value);
    for (size_t i = 0; i < vec_len(m->drawn); i++)
        walk_drawn(c, m, &m->drawn[i]);
    walk_lets(c, m, m->vars);
    if (m->family)
        walk_lets(c, m, m->family->vars);
    for (size_t i = 0; m->family && i < vec_len(m->family->guides); i++)
        walk_from(c, m, m->family->guides[i].plate, m->family->guides[i].law);
    return diag_count(c) == before;
}
