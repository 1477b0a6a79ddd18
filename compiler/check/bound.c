/* bound.c - before lowering: sizes that shape parameters, latents, events and layers have values.
 *
 * Axes of plates come with the data, when the program runs; an array over a plate is no event. All
 * other axes are constants of the emitted program: arguments, -D, or the shape of a data file.
 */
#include "check.h"

#include <string.h>

typedef struct Bound {
    Ctx *c;
    Ast *model;
    Map *said;                         /* names already reported */
    bool good;
} Bound;

/* The data whose axis is called `name`, or NULL. */
static Ast *data_with_axis(Ast *block, Str name)
{
    for (size_t i = 0; i < list_len(block); i++) {
        Ast *st = block->kids[i];
        if (st->kind == AST_FOR || st->kind == AST_SCAN) {
            Ast *found = data_with_axis(st->kids[FOR_BODY], name);
            if (found) return found;
        }
        if (st->kind != AST_DATA) continue;
        Ast *names = st->kids[DATA_NAMES];
        Ast *axes = st->kids[DATA_TYPE] ? st->kids[DATA_TYPE]->kids[TYPE_AXES] : NULL;
        for (size_t k = 0; k < list_len(axes); k++)
            if (axes->kids[k]->name == name) return names->kids[0];
        for (size_t k = 0; k < list_len(names); k++)
            for (size_t j = 0; j < vec_len(names->kids[k]->kids); j++)
                if (names->kids[k]->kids[j]->name == name) return names->kids[k];
    }
    return NULL;
}

/* Not a name that -D may give: a `let`, or an expression. */
static bool is_computed(const Ast *model, Str name)
{
    const Ast *block = model->kids[MODEL_BODY];
    for (size_t i = 0; i < list_len(block); i++)
        if (block->kids[i]->kind == AST_LET
            && block->kids[i]->kids[LET_NAMES]->kids[0]->name == name)
            return true;
    return strpbrk(name, "([ ") != NULL;
}

static void need(Bound *b, Size *size, Span at)
{
    int64_t value;
    Str missing;
    if (size_value(b->c, size, &value, &missing)) return;
    b->good = false;
    Str name = missing ? missing : size_text(b->c, size);
    if (map_get(b->said, name)) return;
    map_put(b->said, name, b->model);
    diag_error(b->c, E_SIZE_NEEDED, at, name);
    Ast *data = data_with_axis(b->model->kids[MODEL_BODY], name);
    if (data) diag_help(b->c, "give it: -D %s=784, or the file it comes from: --data %s=FILE", name,
                        data->name);
    else if (is_computed(b->model, name))
        diag_help(b->c, "it follows from data: give them, --data FILE, JSON or CSV with a header, "
                  "and compute it of `max(..)`, numbers of the data, arguments and sizes");
    else diag_help(b->c, "give it: -D %s=..", name);
}

static void need_all(Bound *b, Size **axes, size_t first, Span at)
{
    for (size_t i = first; i < vec_len(axes); i++) need(b, axes[i], at);
}

static void check_declared(Bound *b, Ast *names, int plates, bool arrays)
{
    for (size_t i = 0; i < list_len(names); i++) {
        Ast *name = names->kids[i];
        const Type *t = name->type;
        if (!t || t->kind != KIND_VALUE) continue;
        if (arrays) need_all(b, t->array, (size_t)plates, name->span);
        need_all(b, t->event, 0, name->span);
    }
}

static bool check_node(Ast *a, void *data)
{
    Bound *b = data;
    bool event = a->kind == AST_CALL || a->kind == AST_PIPE || a->kind == AST_BINARY;
    if (event && a->type && a->type->kind == KIND_VALUE) need_all(b, a->type->event, 0, a->span);
    if (event && a->type && a->type->kind == KIND_DIST && !a->type->any_event)
        need_all(b, a->type->of->event, 0, a->span);
    return true;
}

static void check_block(Bound *b, Ast *block, int plates)
{
    for (size_t i = 0; i < list_len(block); i++) {
        Ast *st = block->kids[i];
        switch (st->kind) {
        case AST_DATA: check_declared(b, st->kids[DATA_NAMES], 0, false); break;
        case AST_PARAM: check_declared(b, st->kids[PARAM_NAMES], plates, true); break;
        case AST_LATENT:
            check_declared(b, st->kids[LATENT_NAMES], plates, true);
            if (st->kids[LATENT_LAW]) ast_walk(st->kids[LATENT_LAW], check_node, b);
            break;
        case AST_NET: ast_walk(st->kids[NET_BODY], check_node, b); break;
        case AST_SITE: ast_walk(st->kids[SITE_LAW], check_node, b); break;
        case AST_FOR: case AST_SCAN: check_block(b, st->kids[FOR_BODY], plates + 1); break;
        default: break;
        }
    }
}

bool check_sizes_bound(Ctx *c, Ast *file, Ast *model)
{
    Bound b = { c, model, map_new(c), true };
    check_block(&b, model->kids[MODEL_BODY], 0);
    for (size_t i = 0; i < vec_len(file->kids); i++)
        if (file->kids[i]->kind == AST_FAMILY && file->kids[i]->decl == model)
            check_block(&b, file->kids[i]->kids[FAMILY_BODY], 0);
    return b.good;
}
