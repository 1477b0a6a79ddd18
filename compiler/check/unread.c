/* unread.c - models that are told no data: a likelihood that was forgotten.
 *
 * Data that nothing reads are no mistake by themselves: every field of a file must be declared. But
 * they are one where the model observes nothing and has no factor.
 */
#include "check.h"

static bool find_evidence(Ast *e, void *found)
{
    *(bool *)found |= e->kind == AST_SITE || e->kind == AST_FACTOR;
    return true;
}

static bool note_read(Ast *e, void *read)
{
    if (e->kind == AST_NAME && e->decl && e->decl->kind == AST_DECLNAME)
        map_put(read, e->decl, e->decl);
    return true;
}

static void warn_block(Check *s, const Ast *block, Map *read)
{
    for (size_t i = 0; i < list_len(block); i++) {
        Ast *st = block->kids[i];
        if (st->kind == AST_FOR || st->kind == AST_SCAN) warn_block(s, st->kids[FOR_BODY], read);
        if (st->kind != AST_DATA || st->kids[DATA_RULE]) continue;
        Ast *names = st->kids[DATA_NAMES];
        for (size_t k = 0; k < list_len(names); k++)
            if (!map_get(read, names->kids[k]))
                diag_warn(s->c, names->kids[k]->span, "no statement reads the data `%s`: "
                          "is their law forgotten?", names->kids[k]->name);
    }
}

void warn_unread_data(Check *s, Ast *model)
{
    Map *read = map_new(s->c);
    bool evidence = false;
    ast_walk(model->kids[MODEL_BODY], find_evidence, &evidence);
    if (evidence) return;
    ast_walk(model->kids[MODEL_BODY], note_read, read);
    for (size_t i = 0; i < vec_len(s->file->kids); i++)
        if (s->file->kids[i]->decl == model) ast_walk(s->file->kids[i], note_read, read);
    warn_block(s, model->kids[MODEL_BODY], read);
}
