/* positions.c - which data are positions, `a[g[n]]`, `a[g[n] - 1]` or a `let` of such values, and
 * which are drawn by a discrete law although they are declared as real numbers.
 *
 *     data g[N] : count;  latent a[3] : ..;  .. a[g[n] - 1] ..    ->    values of g are 1, 2, 3
 *     data y[N] : real;  for n in N { y[n] ~ bernoulli(p) }       ->    values of y are 0, 1
 * Idea: where every value is read so, whatever others are, the axis or the law bounds the values of
 * the file, and the trainer refuses others at load. Under an `if` or `where`, in a part of a range
 * or on ragged rows some values may not count: nothing is said of them.
 */
#include "check.h"

#include <math.h>
#include <string.h>

static bool is_whole_number(const Ast *e)
{
    return e->kind == AST_NUM && e->num == floor(e->num) && fabs(e->num) < 1e9;
}

/* Indices i, j of binders over all positions, as in g[i, j]. */
static bool all_positions(const Ast *e)
{
    for (size_t i = INDEX_BASE + 1; i < vec_len(e->kids); i++) {
        const Ast *k = e->kids[i];
        if (k->kind != AST_NAME || !k->decl || k->decl->kind != AST_BINDER) return false;
        const Ast *domain = k->decl->kids[BINDER_DOMAIN];
        const Type *of = e->kids[INDEX_BASE]->type;
        bool whole = domain->kind == AST_NAME
                  || (of && i <= vec_len(of->array) && domain->type
                      && domain->type->size == of->array[i - 1]);
        if (!whole || k->decl->kids[BINDER_WHERE]) return false;
    }
    return true;
}

/* The data that `e` is, shifted by *by; NULL where it is anything else. */
static const Ast *shifted_data(const Ast *e, int64_t *by, int depth)
{
    if (depth > 4) return NULL;
    if (e->kind == AST_BINARY && strchr("+-", e->name[0]) && is_whole_number(e->kids[BINARY_B])) {
        double x = e->kids[BINARY_B]->num;
        *by += (int64_t)(e->name[0] == '-' ? -x : x);
        return shifted_data(e->kids[BINARY_A], by, depth + 1);
    }
    const Ast *base = e->kind == AST_INDEX ? e->kids[INDEX_BASE] : e;
    if (base->kind != AST_NAME || !base->decl || base->decl->kind != AST_DECLNAME) return NULL;
    const Ast *statement = base->decl->decl;
    if ((e->kind == AST_INDEX && !all_positions(e)) || !statement) return NULL;
    if (statement->kind == AST_DATA)
        return statement->kids[DATA_RULE] || statement->kids[DATA_MISSING] ? NULL : base->decl;
    if (statement->kind != AST_LET) return NULL;
    for (size_t i = 0; i < vec_len(base->decl->kids); i++) {
        const Ast *axis = base->decl->kids[i];
        bool all = axis->kind == AST_BINDER && !axis->kids[BINDER_WHERE]
                && axis->kids[BINDER_DOMAIN]->kind == AST_NAME;
        if (!all) return NULL;
    }
    return shifted_data(statement->kids[LET_VALUE], by, depth + 1);
}

void note_position(Check *s, const Ast *base, const Ast *index, Size *axis)
{
    int64_t by = 0;
    const Ast *data = vec_len(s->guarded) || s->frame ? NULL : shifted_data(index, &by, 0);
    if (!data || is_bad(data->type) || data->type->classes) return;
    while (base->kind == AST_INDEX) base = base->kids[INDEX_BASE];
    Position p = { axis, by, base->kind == AST_NAME ? base->name : NULL };
    vec_push(s->c, data->type->positions, p);
}

void note_length(Check *s, const Ast *end, Size *axis, Str of)
{
    int64_t by = 0;
    const Ast *data = s->frame ? NULL : shifted_data(end, &by, 0);
    if (!data || is_bad(data->type) || data->type->classes) return;
    Position p = { size_add(s->c, axis, size_const(s->c, 1)), by, of };
    vec_push(s->c, data->type->positions, p);
}

bool note_drawn(Check *s, const Ast *lhs, const Ast *law, const Type *of)
{
    int64_t by = 0;
    bool all = !vec_len(s->guarded) && !s->frame && law->kind != AST_IF;
    const Ast *data = all && of->elem != ELEM_REAL ? shifted_data(lhs, &by, 0) : NULL;
    if (!data || is_bad(data->type) || data->type->core) return false;
    Drawn d = { of, by };
    vec_push(s->c, data->type->drawn, d);
    return true;
}
