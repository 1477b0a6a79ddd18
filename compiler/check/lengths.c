/* lengths.c - loops whose end the data say, over arrays that are as long for every row.
 *
 *     data n[J] : count;  data y[J, K] : real
 *     for k in n[j] { .. y[j, k] .. }        ->    for k in K where k < n[j] { .. }
 *     sum[k in 2 .. n[j]](y[j, k])           ->    sum[k in 2 .. K where k < n[j]](y[j, k])
 * Idea: how many positions there may be is said by the array that is read there. That no row is
 * longer is checked when the data are loaded (positions.c).
 * requires:    a parsed file without ragged axes, names not yet resolved
 * establishes: where such an array is read, the end of the loop is a size
 */
#include "check.h"

#include <string.h>

typedef struct Lengths { Ctx *c; Map *arrays, *statements; } Lengths;

/* A number that the data hold, or one some steps on, `n[j] + 1`: no size by its name. */
static bool is_from_data(const Lengths *l, const Ast *end)
{
    if (end->kind == AST_BINARY && strchr("+-", end->name[0]))
        return end->kids[BINARY_B]->kind == AST_NUM && is_from_data(l, end->kids[BINARY_A]);
    const Ast *base = end->kind == AST_INDEX ? end->kids[INDEX_BASE] : end;
    const Ast *st = base->kind == AST_NAME ? map_get(l->statements, base->name) : NULL;
    return st && st->kind == AST_DATA;
}

typedef struct Search { const Lengths *l; Str index; Ast *axis; } Search;

/* Axis i of an array, as it is declared. */
static Ast *declared_axis(const Lengths *l, Str name, size_t i)
{
    const Ast *declname = map_get(l->arrays, name), *st = map_get(l->statements, name);
    if (!declname) return NULL;
    size_t n = vec_len(declname->kids);
    const Ast *type = st->kind == AST_LET ? NULL : st->kids[1];
    Ast *axis = i < n ? declname->kids[i]
              : type && i - n < list_len(type->kids[TYPE_AXES]) ? type->kids[TYPE_AXES]->kids[i - n]
                                                                : NULL;
    if (!axis || axis->kind != AST_BINDER) return axis;
    return axis->kids[BINDER_WHERE] ? NULL : axis->kids[BINDER_DOMAIN];
}

static bool visit_read(Ast *e, void *data)
{
    Search *s = data;
    bool array = e->kind == AST_INDEX && e->kids[INDEX_BASE]->kind == AST_NAME;
    for (size_t i = 1; array && !s->axis && i < vec_len(e->kids); i++)
        if (e->kids[i]->kind == AST_NAME && e->kids[i]->name == s->index)
            s->axis = declared_axis(s->l, e->kids[INDEX_BASE]->name, i - 1);
    return !s->axis;
}

static void rewrite_binder(const Lengths *l, Ast *binder, Ast *body)
{
    Ctx *c = l->c;
    Ast *domain = binder->kids[BINDER_DOMAIN];
    bool range = domain->kind == AST_RANGE;
    Ast *end = range ? domain->kids[RANGE_B] : domain;
    Search s = { l, binder->name, NULL };
    if (!is_from_data(l, end)) return;
    ast_walk(body, visit_read, &s);
    if (!s.axis || is_from_data(l, s.axis) || s.axis->kind == AST_RANGE) return;
    Ast *size = ast_copy(c, s.axis), *where = binder->kids[BINDER_WHERE];
    Ast *inside = ast_new(c, AST_BINARY, end->span, str(c, "<"), 2,
                          ast_name(c, end->span, binder->name, NULL), end);
    inside->num = 1;                   /* the end: positions.c */
    binder->kids[BINDER_WHERE] = !where ? inside
        : ast_new(c, AST_BINARY, where->span, str(c, "and"), 2, inside, where);
    binder->kids[BINDER_DOMAIN] = !range ? size
        : ast_new(c, AST_RANGE, domain->span, NULL, 2, domain->kids[RANGE_A], size);
}

static bool visit_loop(Ast *e, void *data)
{
    if (e->kind == AST_FOR || e->kind == AST_SCAN)
        rewrite_binder(data, e->kids[FOR_BINDER], e->kids[FOR_BODY]);
    for (size_t i = 0; e->kind == AST_REDUCE && i < list_len(e->kids[REDUCE_BINDERS]); i++)
        rewrite_binder(data, e->kids[REDUCE_BINDERS]->kids[i], e->kids[REDUCE_VALUE]);
    return true;
}

/* Arrays outside of plates: those within have the axes of the plates besides. */
static void note_arrays(Lengths *l, const Ast *block)
{
    for (size_t i = 0; i < vec_len(block->kids); i++) {
        Ast *st = block->kids[i];
        bool declares = st->kind == AST_DATA || st->kind == AST_LATENT || st->kind == AST_PARAM
                     || st->kind == AST_LET;
        for (size_t k = 0; declares && k < list_len(st->kids[0]); k++) {
            map_put(l->arrays, st->kids[0]->kids[k]->name, st->kids[0]->kids[k]);
            map_put(l->statements, st->kids[0]->kids[k]->name, st);
        }
    }
}

void rewrite_lengths(Ctx *c, Ast *file)
{
    for (size_t i = 0; i < vec_len(file->kids); i++) {
        Lengths l = { c, map_new(c), map_new(c) };
        if (file->kids[i]->kind != AST_MODEL) continue;
        note_arrays(&l, file->kids[i]->kids[MODEL_BODY]);
        ast_walk(file->kids[i]->kids[MODEL_BODY], visit_loop, &l);
    }
}
