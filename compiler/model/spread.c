/* spread.c - arrays of discrete latents, as if they were declared in plates.
 *
 *     latent z[N] : index(K) ~ d       for n in N { latent z : index(K) ~ d
 *     for n in N { .. z[n] .. }    ->               .. z .. }
 * Idea: a state is summed out at its own position, so it must be one of a plate. Then the index of
 * the plates that a variable stands in says nothing, and is taken away: of such arrays, and of what
 * a `report` reads.
 */
#include "build.h"

static bool reads_arrays(const Ast *law)
{
    for (size_t i = 0; i < vec_len(law->kids); i++) {
        const Type *t = law->kids[i]->kind == AST_ARG ? law->kids[i]->kids[ARG_VALUE]->type : NULL;
        if (t && t->kind == KIND_VALUE && vec_len(t->array) > 0)
            return true;
    }
    return law->kind != AST_CALL;
}

Plate *spread_plates(Build *b, Ast *name, const Ast *law, Plate *plate, int *n)
{
    size_t depth = vec_len(name->type->array) - vec_len(name->kids);
    *n = 0;
    if (name->type->elem == ELEM_REAL || !law || reads_arrays(law))
        return plate;
    for (size_t i = 0; i < vec_len(name->kids); i++) {
        Ast *binder = name->kids[i];
        if (binder->kind != AST_BINDER) {
            binder = ast_new(b->c, AST_BINDER, binder->span, str_fmt(b->c, "%s_%zu", name->name, i),
                             2, binder, NULL);
            Type *type = arena_alloc(b->c->arena, sizeof *type);
            *type = (Type){ .kind = KIND_VALUE, .elem = ELEM_INDEX,
                            .classes = name->type->array[depth + i] };
            binder->type = type;
        }
        Ast *loop = ast_new(b->c, AST_FOR, name->span, NULL, 2, binder, NULL);
        Plate *inner = build_plate(b, loop, plate);
        if (!inner)
            return plate;
        plate = inner;
        ++*n;
    }
    return plate;
}

static Plate *plate_at(const Var *v, size_t depth)
{
    size_t n = 0;
    Plate *p;
    for (p = v->plate; p; p = p->outer)
        n++;
    for (p = v->plate; p && n > depth + 1; p = p->outer)
        n--;
    return n == depth + 1 ? p : NULL;
}

static bool visit_own_index(Ast *e, void *data)
{
    Build *b = data;
    const Ast *base = e->kind == AST_INDEX ? e->kids[INDEX_BASE] : NULL;
    const Var *v = base && base->kind == AST_NAME ? model_var(b->m, base->decl) : NULL;
    size_t own = 0, n = vec_len(e->kids);
    if (!v || v->kind == VAR_DATA)
        return true;
    for (Plate *p; own + 1 < n && (p = plate_at(v, own)) && !p->sequence; own++)
        if (!plate_has_index(p, e->kids[own + 1]))
            break;
    if (own + 1 == n) {
        e->kind = AST_NAME;
        e->name = base->name;
        e->decl = base->decl;
        e->kids = NULL;
        return false;
    }
    Ast **kids = NULL;
    for (size_t i = 0; i < n; i++)
        if (i == 0 || i > own)
            vec_push(b->c, kids, e->kids[i]);
    e->kids = kids;
    return true;
}

void own_indices(Build *b, Ast *tree)
{
    ast_walk(tree, visit_own_index, b);
}
