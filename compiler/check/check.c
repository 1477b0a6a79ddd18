/* check.c - the entry: names, then types, then what later stages rely on.
 *
 * requires:    parsed trees.   establishes: decl and type as type.h says; every error reported.
 */
#include "check.h"

#include <string.h>

void not_yet(Check *s, const char *what, Span at)
{
    for (size_t i = 0; i < vec_len(s->not_yet); i++)
        if (!strcmp(s->not_yet[i].what, what)) return;
    NotYet n = { str(s->c, what), at };
    vec_push(s->c, s->not_yet, n);
}

/* One error for all constructs that have no derivation yet, and only if nothing else is wrong. */
static void report_not_yet(Check *s)
{
    size_t n = vec_len(s->not_yet);
    if (!n) return;
    diag_error(s->c, E_NOT_YET, s->not_yet[0].at, s->not_yet[0].what);
    for (size_t i = 1; i < n; i++)
        diag_note(s->c, s->not_yet[i].at, "nor is `%s`", s->not_yet[i].what);
}

static Check *state_new(Ctx *c, Ast *file, Ast *library)
{
    Check *s = arena_alloc(c->arena, sizeof *s);
    s->c = c;
    s->file = file;
    s->library = library;
    s->model_scopes = map_new(c);
    s->plates_of = map_new(c);
    s->rigid = map_new(c);
    s->scans = map_new(c);
    s->local = map_new(c);
    s->applied = map_new(c);
    s->busy = map_new(c);
    s->open = type_bad(s);
    s->assumed = map_new(c);
    s->observed = map_new(c);
    return s;
}

/* The sizes of a body are its own: what -D and data say of a K is that of the model. */
static void check_items(Check *s, Ast *file)
{
    Define *of_model = s->c->defines;
    s->c->defines = NULL;
    for (size_t i = 0; file && i < vec_len(file->kids); i++) check_library(s, file->kids[i]);
    s->c->defines = of_model;
}

static void warn_unread(Check *s, Ast *file)
{
    for (size_t i = 0; i < vec_len(file->kids); i++)
        if (file->kids[i]->kind == AST_MODEL) warn_unread_data(s, file->kids[i]);
}

bool check(Ctx *c, Ast *file, Ast *library)
{
    int before = diag_count(c);
    Check *s = state_new(c, file, library);
    rewrite_forecasts(c, file);
    rewrite_conditions(c, file);
    report_marginals(c, file);
    rewrite_cells(c, file);
    rewrite_lengths(c, file);
    rewrite_law_functions(c, file, library);
    rewrite_mixtures(c, file, library);
    rewrite_joint_latents(c, file, library);
    resolve(s);
    check_items(s, library);
    if (file != library) {
        check_items(s, file);
        check_models(s);
    }
    if (diag_count(c) == before) report_not_yet(s);
    if (diag_count(c) == before) warn_unread(s, file);
    return diag_count(c) == before;
}

/* ---- after the checker ----------------------------------------------------------------------- */
static bool is_expression(const Ast *a)
{
    switch (a->kind) {
    case AST_NUM: case AST_NAME: case AST_CALL: case AST_REDUCE: case AST_INDEX: case AST_FIELD:
    case AST_UNARY: case AST_BINARY: case AST_PIPE: case AST_IF: case AST_VECTOR: case AST_RECORD:
        return true;
    default: return false;
    }
}

static void verify_expression(const Ast *a)
{
    if (a && is_expression(a) && !a->type) ice_span(a->span, "check: expression without type");
    if (a && a->type && a->type->kind == KIND_BAD) ice_span(a->span, "check: BAD without error");
}

static void verify_names(const Ast *names)
{
    for (size_t i = 0; i < list_len(names); i++) {
        const Ast *name = names->kids[i];
        if (!name->type || !name->decl)
            ice_span(name->span, "check: `%s` without type", name->name);
    }
}

static void verify_block(const Ast *block)
{
    for (size_t i = 0; i < list_len(block); i++) {
        const Ast *st = block->kids[i];
        switch (st->kind) {
        case AST_DATA: verify_names(st->kids[DATA_NAMES]); break;
        case AST_LATENT:
            verify_names(st->kids[LATENT_NAMES]);
            verify_expression(st->kids[LATENT_LAW]);
            break;
        case AST_PARAM: verify_names(st->kids[PARAM_NAMES]); break;
        case AST_LET:
            verify_names(st->kids[LET_NAMES]);
            verify_expression(st->kids[LET_VALUE]);
            break;
        case AST_SITE: verify_expression(st->kids[SITE_LAW]); break;
        case AST_FACTOR: verify_expression(st->kids[FACTOR_VALUE]); break;
        case AST_FOR: case AST_SCAN:
            if (!st->kids[FOR_BINDER]->type) ice_span(st->span, "check: index without type");
            verify_block(st->kids[FOR_BODY]);
            break;
        default: break;
        }
    }
}

void check_verify(Ctx *c, const Ast *file)
{
    (void)c;
    for (size_t i = 0; i < vec_len(file->kids); i++) {
        const Ast *item = file->kids[i];
        if (item->kind == AST_MODEL) verify_block(item->kids[MODEL_BODY]);
        if (item->kind == AST_FAMILY) verify_block(item->kids[FAMILY_BODY]);
    }
}

/* ---- --dump=types ---------------------------------------------------------------------------- */
static void dump_names(Ctx *c, Out *o, const char *word, const Ast *names)
{
    for (size_t i = 0; i < list_len(names); i++) {
        const Ast *name = names->kids[i];
        out_printf(o, "%s %s : %s\n", word, name->name,
                   name->type ? type_text(c, name->type) : "?");
    }
}

static void dump_block(Ctx *c, Out *o, const Ast *block)
{
    for (size_t i = 0; i < list_len(block); i++) {
        const Ast *st = block->kids[i];
        switch (st->kind) {
        case AST_DATA: dump_names(c, o, "data", st->kids[DATA_NAMES]); break;
        case AST_LATENT: dump_names(c, o, "latent", st->kids[LATENT_NAMES]); break;
        case AST_PARAM: dump_names(c, o, "param", st->kids[PARAM_NAMES]); break;
        case AST_LET: dump_names(c, o, "let", st->kids[LET_NAMES]); break;
        case AST_REPORT: dump_names(c, o, "report", st->kids[REPORT_NAMES]); break;
        case AST_DRAWN: dump_names(c, o, "predict", st->kids[DRAWN_NAMES]); break;
        case AST_NET: {
            const Type *t = st->kids[NET_BODY]->type;
            out_printf(o, "net %s : %s\n", st->name, t ? type_text(c, t) : "not used");
            break;
        }
        case AST_SITE:
            out_printf(o, "%s ~ %s\n", fmt_expr(c, st->kids[SITE_LHS]),
                       st->kids[SITE_LAW]->type ? type_text(c, st->kids[SITE_LAW]->type) : "?");
            break;
        case AST_FOR: case AST_SCAN:
            out_printf(o, "%s %s : %s\n", ast_kind_name(st->kind), st->kids[FOR_BINDER]->name,
                       type_text(c, st->kids[FOR_BINDER]->type));
            out_indent(o, 1);
            dump_block(c, o, st->kids[FOR_BODY]);
            out_indent(o, -1);
            break;
        default: break;
        }
    }
}

void check_dump(Ctx *c, Out *o, const Ast *file)
{
    for (size_t i = 0; i < vec_len(file->kids); i++) {
        const Ast *item = file->kids[i];
        if (item->kind == AST_MODEL) {
            out_printf(o, "model %s\n", item->name);
            out_indent(o, 1);
            for (size_t k = 0; k < list_len(item->kids[MODEL_ARGS]); k++) {
                const Ast *arg = item->kids[MODEL_ARGS]->kids[k];
                out_printf(o, "argument %s : %s\n", arg->name, type_text(c, arg->type));
            }
            dump_block(c, o, item->kids[MODEL_BODY]);
            out_indent(o, -1);
        } else if (item->kind == AST_FAMILY) {
            out_printf(o, "family %s for %s\n", item->name ? item->name : "(default)",
                       item->kids[FAMILY_FOR]->name);
            out_indent(o, 1);
            dump_block(c, o, item->kids[FAMILY_BODY]);
            out_indent(o, -1);
        }
    }
}
