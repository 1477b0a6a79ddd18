/* conditions.c - arrays with values at some positions only, in terms of plates.
 *
 *     latent a[n in N where c[n]] : real ~ normal(0, 1)
 *  -> for n in N where c[n] { latent a : real ~ normal(0, 1) }
 *     let d[i in I, j in i] = x[i] - x[j]     ->     for i in I { for j in i { let d = .. } }
 * Idea: what a plate with a condition declares has values where that holds, and an array declared
 * with one says the same. So every stage after this one knows conditions of plates only.
 * requires:    a parsed file, names not yet resolved
 * establishes: no condition at a name of `latent`, `let` and `report`, nor an axis that is as long
 *              as another's position says
 */
#include "check.h"

#include <string.h>

typedef struct Declared { AstKind kind; int names; } Declared;

static const Declared kinds[] = {
    { AST_LATENT, LATENT_NAMES }, { AST_LET, LET_NAMES }, { AST_REPORT, REPORT_NAMES },
};

static const Declared *declared_by(const Ast *st)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (st->kind == kinds[i].kind)
            return &kinds[i];
    return NULL;
}

typedef struct Mention { const Ast *name; size_t before; bool found; } Mention;

static bool visit_mention(Ast *e, void *data)
{
    Mention *m = data;
    for (size_t i = 0; e->kind == AST_NAME && i < m->before; i++)
        m->found |= m->name->kids[i]->kind == AST_BINDER && m->name->kids[i]->name == e->name;
    return !m->found;
}

/* Does the length of axis i depend on the position along an earlier one? That of ragged data,
 * `L[m]`, is one of their own. */
static bool varies(const Ast *name, size_t i)
{
    Ast *axis = name->kids[i];
    Ast *domain = axis->kind == AST_BINDER ? axis->kids[BINDER_DOMAIN] : axis;
    Mention m = { name, i, false };
    if (domain->kind != AST_INDEX)
        ast_walk(domain, visit_mention, &m);
    return m.found;
}

static bool has_condition(const Ast *name)
{
    for (size_t i = 0; i < vec_len(name->kids); i++)
        if ((name->kids[i]->kind == AST_BINDER && name->kids[i]->kids[BINDER_WHERE])
            || varies(name, i))
            return true;
    return false;
}

/* The statement for one of its names only. */
static Ast *statement_of(Ctx *c, const Ast *st, int names, Ast *name)
{
    Ast *own = ast_copy(c, st);
    own->kids[names] = ast_new(c, AST_LIST, st->kids[names]->span, NULL, 1, name);
    own->doc = st->doc;
    return own;
}

/* The axes of the name, the last one first, become plates around the statement. */
static Ast *plates_around(Ctx *c, Ast *st, Ast *name)
{
    Ast **axes = name->kids;
    name->kids = NULL;
    for (size_t i = vec_len(axes); i-- > 0;) {
        Ast *binder = axes[i], *body = ast_new(c, AST_BLOCK, st->span, NULL, 1, st);
        if (binder->kind != AST_BINDER)
            binder = ast_new(c, AST_BINDER, binder->span, str_fmt(c, "%s_%zu", name->name, i), 2,
                             binder, NULL);
        st = ast_new(c, AST_FOR, name->span, NULL, 2, binder, body);
    }
    return st;
}

static void rewrite_in_block(Ctx *c, Ast *block);

/* The statement without the names that have conditions, which are put into plates behind it. */
static void rewrite_statement(Ctx *c, Ast *st, Ast ***kids)
{
    const Declared *d = declared_by(st);
    Ast **left = NULL, **plates = NULL;
    if (st->kind == AST_FOR || st->kind == AST_SCAN)
        rewrite_in_block(c, st->kids[FOR_BODY]);
    bool alone = d && !(st->kind == AST_LATENT && st->num == 1);
    for (size_t i = 0; alone && i < vec_len(st->kids[d->names]->kids); i++) {
        Ast *name = st->kids[d->names]->kids[i];
        if (has_condition(name))
            vec_push(c, plates, plates_around(c, statement_of(c, st, d->names, name), name));
        else
            vec_push(c, left, name);
    }
    if (!plates || left)
        vec_push(c, *kids, st);
    if (plates && left)
        st->kids[d->names]->kids = left;
    for (size_t i = 0; i < vec_len(plates); i++)
        vec_push(c, *kids, plates[i]);
}

static void rewrite_in_block(Ctx *c, Ast *block)
{
    Ast **kids = NULL;
    for (size_t i = 0; i < vec_len(block->kids); i++)
        rewrite_statement(c, block->kids[i], &kids);
    block->kids = kids;
}

void rewrite_conditions(Ctx *c, Ast *file)
{
    for (size_t i = 0; i < vec_len(file->kids); i++)
        if (file->kids[i]->kind == AST_MODEL)
            rewrite_in_block(c, file->kids[i]->kids[MODEL_BODY]);
}
