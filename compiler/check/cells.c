/* cells.c - data that have not a value in every cell, said in the rest of the language.
 *
 *     data w[m in M, L[m]] : index(V)       data L[M] : count(L_max)     (lengths of the rows of w)
 *     for i in L[m] { .. }             ->   data w[M, L_max] : index(V)
 *                                           for i in L_max where i < L[m] { .. }
 *
 *     data y[N] : real missing         ->   data y_absent[N] : bit       (1 where y has no value)
 *                                           data y_place[N] : index(y_gaps)    (of how many before)
 *                                           latent y_missing[y_gaps] : real ~ flat
 * Of bits, counts and labels y_absent alone is declared: their cells are summed out.
 * The trainer makes the arrays that DATA_RULE names, when it has read the one that they are of; a
 * read of y takes y_missing[y_place] where it is absent (lower.c), so that the statement of y is
 * the law of both.
 * requires:    a parsed file, and what the data files say of sizes as defines
 * establishes: no axis of data depends on another; y_gaps of real y is an argument of the model
 */
#include "check.h"

#include <math.h>
#include <string.h>

typedef struct Cells {
    Ctx *c;
    Ast *model;
    Ast *at;                           /* the BLOCK with the statement */
    Str *ragged;                       /* vec: L of every L[m] that is an axis of data */
} Cells;

Str cells_name(Ctx *c, Str of, CellsName what)
{
    static const char *const suffixes[] = {
        [CELLS_VALUES] = "missing", [CELLS_ABSENT] = "absent", [CELLS_PLACE] = "place",
        [CELLS_GAPS] = "gaps", [CELLS_LONGEST] = "max",
    };
    return str_fmt(c, "%s_%s", of, suffixes[what]);
}

static bool is_defined_zero(const Ctx *c, Str name)
{
    for (size_t i = 0; i < vec_len(c->defines); i++)
        if (c->defines[i].name == name)
            return c->defines[i].value == 0;
    return false;
}

static void add_argument(Cells *s, Str name, Span at)
{
    Ast *args = s->model->kids[MODEL_ARGS];
    for (size_t i = 0; i < vec_len(args->kids); i++)
        if (args->kids[i]->name == name)
            return;
    ast_push(s->c, args, ast_new(s->c, AST_ARGDECL, at, name, 2, NULL, NULL));
}

static Ast *type_node(Cells *s, Span at, const char *name, Ast *arg, const Ast *like)
{
    Ast *args = ast_new(s->c, AST_LIST, at, NULL, 0), *axes = ast_new(s->c, AST_LIST, at, NULL, 0);
    if (arg)
        ast_push(s->c, args, arg);
    const Ast *had = like ? like->kids[TYPE_AXES] : NULL;
    for (size_t i = 0; had && i < vec_len(had->kids); i++)
        ast_push(s->c, axes, ast_copy(s->c, had->kids[i]));
    return ast_new(s->c, AST_TYPE, at, str(s->c, name), 2, args, axes);
}

static Ast *data_rule(Cells *s, Span at, const char *rule, Str array)
{
    Ast *of = ast_new(s->c, AST_STRING, at, array, 0);
    return ast_new(s->c, AST_LIST, at, str(s->c, rule), 1, of);
}

/* data NAME : TYPE, made from the array `of` by a rule. */
static Ast *derived_data(Cells *s, Ast *declname, Ast *type, const char *rule, Str of)
{
    Span at = declname->span;
    Ast *names = ast_new(s->c, AST_LIST, at, NULL, 1, declname);
    return ast_new(s->c, AST_DATA, at, NULL, 6, names, type, NULL, NULL, NULL,
                   data_rule(s, at, rule, of));
}

/* ---- ragged axes ----------------------------------------------------------------------------- */

/* L of the second axis L[m], where m is the index of the first; or NULL. */
static Str lengths_of(const Ast *declname)
{
    const Ast *e = declname->kids[1];
    if (e->kind != AST_INDEX || e->kids[INDEX_BASE]->kind != AST_NAME || vec_len(e->kids) != 2
        || e->kids[1]->kind != AST_NAME)
        return NULL;
    const Ast *first = declname->kids[0];
    return first->kind == AST_BINDER && first->name == e->kids[1]->name
        ? e->kids[INDEX_BASE]->name : NULL;
}

typedef struct Look { Str name; bool found; } Look;

static bool visit_declares(Ast *a, void *data)
{
    Look *l = data;
    l->found |= a->kind == AST_DECLNAME && a->name == l->name;
    return true;
}

/* By the user, or by an array before. */
static bool is_declared(const Cells *s, Str lengths)
{
    Look l = { lengths, false };
    ast_walk(s->at, visit_declares, &l);
    for (size_t i = 0; i < vec_len(s->ragged); i++)
        l.found |= s->ragged[i] == lengths;
    return l.found;
}

/* The size L_max. */
static Ast *longest(Cells *s, Str lengths, Span at)
{
    return ast_name(s->c, at, cells_name(s->c, lengths, CELLS_LONGEST), NULL);
}

/* w with rows of lengths L, declared by `data`: a statement of its own, after that of L. */
static void rewrite_rows(Cells *s, const Ast *data, Ast *w, Str L, Ast ***out)
{
    Span at = w->kids[1]->span;
    if (data->kids[DATA_MISSING]) {
        diag_error(s->c, E_ND_MISSING, data->kids[DATA_MISSING]->span, w->name, "ragged");
        diag_help(s->c, "leave the cells out: rows may have any lengths");
    }
    if (!is_declared(s, L)) {
        Ast *declname = ast_new(s->c, AST_DECLNAME, at, L, 1,
                                ast_copy(s->c, w->kids[0]->kids[BINDER_DOMAIN]));
        Ast *type = type_node(s, at, "count", longest(s, L, at), NULL);
        vec_push(s->c, *out, derived_data(s, declname, type, "lengths", w->name));
    }
    w->kids[0] = w->kids[0]->kids[BINDER_DOMAIN];
    w->kids[1] = longest(s, L, at);
    Ast *own = ast_copy(s->c, data);
    own->kids[DATA_NAMES] = ast_new(s->c, AST_LIST, w->span, NULL, 1, w);
    own->kids[DATA_RULE] = data_rule(s, at, "rows", L);
    vec_push(s->c, *out, own);
    vec_push(s->c, s->ragged, L);
}

/* Moves the ragged arrays out of a statement; false if none is left in it. */
static bool rewrite_ragged(Cells *s, Ast *data, Ast ***out)
{
    Ast *names = data->kids[DATA_NAMES], **kept = NULL;
    for (size_t i = 0; i < vec_len(names->kids); i++) {
        Ast *w = names->kids[i];
        Str L = vec_len(w->kids) > 1 ? lengths_of(w) : NULL;
        if (L)
            rewrite_rows(s, data, w, L, out);
        else
            vec_push(s->c, kept, w);
    }
    names->kids = kept;
    return vec_len(kept) > 0;
}

/* for i in L[m] -> for i in L_max where i < L[m] */
static bool visit_binder(Ast *a, void *data)
{
    Cells *s = data;
    Ast *domain = a->kind == AST_BINDER ? a->kids[BINDER_DOMAIN] : NULL;
    if (!domain || domain->kind != AST_INDEX || domain->kids[INDEX_BASE]->kind != AST_NAME)
        return true;
    for (size_t i = 0; i < vec_len(s->ragged); i++) {
        if (s->ragged[i] != domain->kids[INDEX_BASE]->name)
            continue;
        Ast *inside = ast_new(s->c, AST_BINARY, domain->span, str(s->c, "<"), 2,
                              ast_name(s->c, domain->span, a->name, NULL), domain);
        Ast *where = a->kids[BINDER_WHERE];
        a->kids[BINDER_WHERE] = where ? ast_new(s->c, AST_BINARY, where->span, str(s->c, "and"), 2,
                                                inside, where) : inside;
        a->kids[BINDER_DOMAIN] = longest(s, s->ragged[i], domain->span);
        break;
    }
    return true;
}

/* ---- missing cells --------------------------------------------------------------------------- */

double missing_sentinel(const Ast *data)
{
    const Ast *e = data->kids[DATA_MISSING];
    bool minus = e && e->kind == AST_UNARY && !strcmp(e->name, "-");
    const Ast *number = minus ? e->kids[0] : e;
    return !number || number->kind != AST_NUM ? NAN : minus ? -number->num : number->num;
}

/* Its missing cells are summed out. */
static bool is_discrete(Str support)
{
    return !strcmp(support, "bit") || !strcmp(support, "count") || !strcmp(support, "index");
}

/* The array itself and those that its missing cells need. */
static void rewrite_missing(Cells *s, Ast *data, Ast ***out)
{
    const Ast *names = data->kids[DATA_NAMES], *type = data->kids[DATA_TYPE];
    if (support_core(type->name))
        return;                        /* refused by the model graph */
    for (size_t i = 0; i < vec_len(names->kids); i++) {
        const Ast *y = names->kids[i];
        Str gaps = cells_name(s->c, y->name, CELLS_GAPS);
        Span at = data->kids[DATA_MISSING]->span;
        if (is_defined_zero(s->c, gaps))
            continue;
        Ast *absent = ast_copy(s->c, y), *place = ast_copy(s->c, y);
        absent->name = cells_name(s->c, y->name, CELLS_ABSENT);
        place->name = cells_name(s->c, y->name, CELLS_PLACE);
        absent->span = place->span = at;
        vec_push(s->c, *out, derived_data(s, absent, type_node(s, at, "bit", NULL, type), "absent",
                                          y->name));
        if (is_discrete(type->name))
            continue;
        add_argument(s, gaps, at);
        Ast *classes = ast_name(s->c, at, gaps, NULL);
        vec_push(s->c, *out, derived_data(s, place, type_node(s, at, "index", classes, type),
                                          "place", y->name));
        Ast *declname = ast_new(s->c, AST_DECLNAME, at, cells_name(s->c, y->name, CELLS_VALUES), 1,
                                ast_name(s->c, at, gaps, NULL));
        Ast *own = ast_copy(s->c, type);
        own->kids[TYPE_AXES] = ast_new(s->c, AST_LIST, at, NULL, 0);
        vec_push(s->c, *out, ast_new(s->c, AST_LATENT, at, NULL, 3,
                                     ast_new(s->c, AST_LIST, at, NULL, 1, declname), own,
                                     ast_name(s->c, at, str(s->c, "flat"), NULL)));
    }
}

/* ---- models ---------------------------------------------------------------------------------- */

static void rewrite_block(Cells *s, Ast *block)
{
    Ast **out = NULL;
    s->at = block;
    for (size_t i = 0; i < vec_len(block->kids); i++) {
        Ast *st = block->kids[i];
        if (st->kind == AST_DATA && !rewrite_ragged(s, st, &out))
            continue;
        vec_push(s->c, out, st);
        if (st->kind == AST_DATA && st->kids[DATA_MISSING])
            rewrite_missing(s, st, &out);
    }
    block->kids = out;
    if (s->ragged)
        ast_walk(block, visit_binder, s);
}

/* Missing cells of bits, counts and labels, where other statements read them. */
static void rewrite_discrete(Cells *s)
{
    Ast *body = s->model->kids[MODEL_BODY];
    for (size_t i = 0; i < vec_len(body->kids); i++) {
        const Ast *st = body->kids[i];
        bool discrete = st->kind == AST_DATA && st->kids[DATA_MISSING] && !st->kids[DATA_RULE]
                     && is_discrete(st->kids[DATA_TYPE]->name);
        const Ast *names = discrete ? st->kids[DATA_NAMES] : NULL;
        for (size_t k = 0; names && k < vec_len(names->kids); k++)
            if (!is_defined_zero(s->c, cells_name(s->c, names->kids[k]->name, CELLS_GAPS)))
                rewrite_states(s->c, s->model, st, names->kids[k]);
    }
}

/* The loops over ragged rows in the families of the model. */
static void rewrite_families(Cells *s, const Ast *file)
{
    for (size_t i = 0; i < vec_len(file->kids) && s->ragged; i++) {
        Ast *item = file->kids[i];
        const Ast *model = item->kind == AST_FAMILY ? item->kids[FAMILY_FOR] : NULL;
        if (model && model->name == s->model->name)
            ast_walk(item->kids[FAMILY_BODY], visit_binder, s);
    }
}

void rewrite_cells(Ctx *c, Ast *file)
{
    for (size_t i = 0; i < vec_len(file->kids); i++) {
        Cells s = { .c = c, .model = file->kids[i] };
        if (file->kids[i]->kind != AST_MODEL)
            continue;
        rewrite_block(&s, file->kids[i]->kids[MODEL_BODY]);
        rewrite_families(&s, file);
        rewrite_discrete(&s);
    }
}
