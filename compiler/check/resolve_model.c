/* resolve_model.c - names in models, families and training blocks.
 *
 * Idea: everything a model declares, in whatever plate, belongs to one scope (outside its plate a
 * name is an array over it); only indices and arguments are local. Size names are bound by the axes
 * of data, wherever the data stands in the model. A family sees the names of its model.
 */
#include "check.h"

#include <string.h>

/* ---- what is declared below ------------------------------------------------------------------ */
static Ast *names_of(const Ast *st)
{
    switch (st->kind) {
    case AST_DATA: return st->kids[DATA_NAMES];
    case AST_LATENT: return st->kids[LATENT_NAMES];
    case AST_PARAM: return st->kids[PARAM_NAMES];
    case AST_LET: return st->kids[LET_NAMES];
    case AST_REPORT: return st->kids[REPORT_NAMES];
    case AST_DRAWN: return st->kids[DRAWN_NAMES];
    default: return NULL;
    }
}

static void collect_later(Check *s, Ast *block)
{
    for (size_t i = 0; i < list_len(block); i++) {
        Ast *st = block->kids[i], *names = names_of(st);
        for (size_t k = 0; k < list_len(names); k++)
            scope_put(s, SPACE_LATER, names->kids[k]->name, names->kids[k]);
        if (st->kind == AST_FOR) collect_later(s, st->kids[FOR_BODY]);
        if (st->kind == AST_SCAN) collect_later(s, st->kids[SCAN_BODY]);
    }
}

/* A size from an axis of data, unless an argument or a value of the model has this name. */
static void bind_axis(Check *s, Ast *axis)
{
    if (axis->kind == AST_BINDER) axis = axis->kids[BINDER_DOMAIN];
    if (axis->kind != AST_NAME || scope_find(s, SPACE_VALUE, axis->name)
        || scope_find(s, SPACE_LATER, axis->name) || scope_find(s, SPACE_SIZE, axis->name))
        return;
    axis->decl = axis;
    map_put(s->rigid, axis, axis);
    scope_put(s, SPACE_SIZE, axis->name, axis);
}

static void bind_data_sizes(Check *s, Ast *block)
{
    for (size_t i = 0; i < list_len(block); i++) {
        Ast *st = block->kids[i];
        if (st->kind == AST_FOR) bind_data_sizes(s, st->kids[FOR_BODY]);
        if (st->kind == AST_SCAN) bind_data_sizes(s, st->kids[SCAN_BODY]);
        if (st->kind != AST_DATA) continue;
        for (size_t k = 0; k < list_len(st->kids[DATA_NAMES]); k++) {
            Ast *name = st->kids[DATA_NAMES]->kids[k];
            for (size_t j = 0; j < vec_len(name->kids); j++) bind_axis(s, name->kids[j]);
        }
        Ast *axes = st->kids[DATA_TYPE] ? st->kids[DATA_TYPE]->kids[TYPE_AXES] : NULL;
        for (size_t k = 0; k < list_len(axes); k++) bind_axis(s, axes->kids[k]);
    }
}

/* ---- declarations ---------------------------------------------------------------------------- */
/* Axes on a name: `i in N` opens an index (into a scope the caller opened), others are sizes. */
static void resolve_axes(Check *s, Ast *name)
{
    for (size_t i = 0; i < vec_len(name->kids); i++) {
        Ast *axis = name->kids[i];
        if (axis->kind == AST_BINDER) {
            resolve_binder(s, axis);
        } else if (axis->kind == AST_NAME && !scope_find(s, SPACE_VALUE, axis->name)
                   && !scope_find(s, SPACE_SIZE, axis->name)) {
            unknown_size(s, axis);
        } else {
            resolve_expr(s, axis);
        }
    }
}

static bool in_scan(const Check *s)
{
    for (const Scope *scope = s->scope; scope && scope->plate; scope = scope->up)
        if (scope->scan) return true;
    return false;
}

/* LATENT, PARAM, LET, DATA, REPORT, DRAWN: the axes' indices are visible in type and value; the
 * name itself is visible in its own definition only inside a scan, where it may read its past. */
static void resolve_declaration(Check *s, Ast *st, const int *slots, int n_slots)
{
    Ast *names = names_of(st);
    bool early = in_scan(s);
    for (size_t i = 0; i < list_len(names); i++) {
        Ast *name = names->kids[i];
        name->decl = st;
        if (early) declare(s, SPACE_VALUE, name->name, name, name->span);
        else vec_push(s->c, s->defining, name);
    }
    Scope *indices = scope_open(s);
    indices->plate = true;
    for (size_t i = 0; i < list_len(names); i++) {
        if (i && vec_len(names->kids[i]->kids)) {   /* `a[i in I], b[i in J]`: each has its own i */
            scope_close(s);
            scope_open(s)->plate = true;
        }
        resolve_axes(s, names->kids[i]);
    }
    for (int i = 0; i < n_slots; i++) {
        Ast *kid = st->kids[slots[i]];
        bool word = kid && kid->kind == AST_NAME && !strcmp(kid->name, "missing");
        bool law = (st->kind == AST_LATENT && slots[i] == LATENT_LAW)
                || (st->kind == AST_PARAM && slots[i] == PARAM_LAW)
                || (st->kind == AST_DRAWN && slots[i] == DRAWN_LAW);
        if (kid && kid->kind == AST_TYPE) resolve_type(s, kid);
        else if (law) resolve_law(s, kid);
        else if (!word) resolve_expr(s, kid);
    }
    scope_close(s);
    if (early) return;
    for (size_t i = 0; i < list_len(names); i++) {
        Ast *name = names->kids[i];
        ((size_t *)s->defining)[-1]--;
        declare(s, SPACE_VALUE, name->name, name, name->span);
    }
}

static void resolve_plate(Check *s, Ast *binder, Ast *body, bool scan)
{
    Scope *scope = scope_open(s);
    scope->plate = true;
    scope->scan = scan;
    resolve_binder(s, binder);
    for (size_t i = 0; i < list_len(body); i++) resolve_statement(s, body->kids[i]);
    scope_close(s);
}

/* The DECLNAME that a left-hand side stands on. */
static Ast *base_decl(Ast *lhs)
{
    while (lhs->kind == AST_INDEX) lhs = lhs->kids[INDEX_BASE];
    return lhs->kind == AST_NAME ? lhs->decl : NULL;
}

/* A name left of `~` or after `predict`, maybe indexed; true unless nothing has this name. */
static bool resolve_subject(Check *s, Ast *lhs)
{
    if (lhs->kind != AST_INDEX) {
        int before = diag_count(s->c);
        resolve_expr(s, lhs);
        return lhs->kind != AST_NAME || diag_count(s->c) == before
            || scope_find(s, SPACE_LATER, lhs->name);
    }
    bool known = resolve_subject(s, lhs->kids[INDEX_BASE]);
    for (size_t i = 1; i < vec_len(lhs->kids); i++)
        if (known) resolve_expr(s, lhs->kids[i]);
    return known;
}

static Str subject_name(const Ast *lhs)
{
    while (lhs->kind == AST_INDEX) lhs = lhs->kids[INDEX_BASE];
    return lhs->name;
}

static void resolve_site(Check *s, Ast *site)
{
    Str name = subject_name(site->kids[SITE_LHS]);
    if (!resolve_subject(s, site->kids[SITE_LHS]))
        diag_help(s->c, "declare it: `latent %s : real ~ ..`, or `data %s : real` if observed",
                  name, name);
    site->decl = base_decl(site->kids[SITE_LHS]);
    resolve_law(s, site->kids[SITE_LAW]);
    resolve_expr(s, site->kids[SITE_ALONG]);
}

void resolve_statement(Check *s, Ast *st)
{
    switch (st->kind) {
    case AST_DATA:
        resolve_declaration(s, st, (int[]){ DATA_TYPE, DATA_MISSING }, 2);
        break;
    case AST_LATENT:
        resolve_declaration(s, st, (int[]){ LATENT_TYPE, LATENT_LAW }, 2);
        break;
    case AST_PARAM:
        resolve_declaration(s, st, (int[]){ PARAM_TYPE, PARAM_LAW, PARAM_INIT }, 3);
        break;
    case AST_LET: resolve_declaration(s, st, (int[]){ LET_VALUE }, 1); break;
    case AST_REPORT: resolve_declaration(s, st, (int[]){ REPORT_VALUE }, 1); break;
    case AST_NET: case AST_FUNCTION: case AST_FLOW:
        resolve_function(s, st);
        declare(s, SPACE_CALL, st->name, st, st->span);
        break;
    case AST_ORDERING:
        resolve_expr(s, st->kids[ORDERING_VALUE]);
        declare(s, SPACE_VALUE, st->name, st, st->span);
        break;
    case AST_FOR: resolve_plate(s, st->kids[FOR_BINDER], st->kids[FOR_BODY], false); break;
    case AST_SCAN: resolve_plate(s, st->kids[SCAN_BINDER], st->kids[SCAN_BODY], true); break;
    case AST_SITE: resolve_site(s, st); break;
    case AST_DRAWN: resolve_declaration(s, st, (int[]){ DRAWN_TYPE, DRAWN_LAW }, 2); break;
    case AST_PREDICT:
        if (!resolve_subject(s, st->kids[PREDICT_LHS]))
            diag_help(s->c, "`predict %s ~ d` draws something new; `predict y` needs declared data",
                      subject_name(st->kids[PREDICT_LHS]));
        break;
    default: resolve_expr(s, st);      /* FACTOR; the value at the end of a block */
    }
}

void resolve_model(Check *s, Ast *model)
{
    Scope *scope = scope_open(s);
    scope->shadows = true;             /* a model may reuse names of the file */
    s->model = model;
    resolve_args(s, model->kids[MODEL_ARGS]);
    collect_later(s, model->kids[MODEL_BODY]);
    bind_data_sizes(s, model->kids[MODEL_BODY]);
    for (size_t i = 0; i < list_len(model->kids[MODEL_BODY]); i++)
        resolve_statement(s, model->kids[MODEL_BODY]->kids[i]);
    map_put(s->model_scopes, model, scope);
    s->model = NULL;
    scope_close(s);
}

/* ---- families -------------------------------------------------------------------------------- */
static bool is_family_word(Str name)
{
    return family_law(name) != NULL || !strcmp(name, "all") || !strcmp(name, "others");
}

static void resolve_family_lhs(Check *s, Ast *lhs)
{
    if (lhs->kind == AST_TUPLE) {
        for (size_t i = 0; i < vec_len(lhs->kids); i++) resolve_family_lhs(s, lhs->kids[i]);
        return;
    }
    bool word = lhs->kind == AST_NAME && !scope_find(s, SPACE_VALUE, lhs->name)
             && is_family_word(lhs->name);
    if (!word) resolve_expr(s, lhs);
}

static void resolve_family_site(Check *s, Ast *site)
{
    Ast *law = site->kids[SITE_LAW];
    resolve_family_lhs(s, site->kids[SITE_LHS]);
    site->decl = base_decl(site->kids[SITE_LHS]);
    bool word = (law->kind == AST_NAME || law->kind == AST_CALL) && family_law(law->name)
             && !scope_find(s, SPACE_CALL, law->name);
    if (word && law->kind == AST_CALL)
        for (size_t i = 0; i < vec_len(law->kids); i++) resolve_expr(s, law->kids[i]);
    else if (!word)
        resolve_law(s, law);
    resolve_expr(s, site->kids[SITE_ALONG]);
}

static void resolve_family_block(Check *s, Ast *block)
{
    for (size_t i = 0; i < list_len(block); i++) {
        Ast *st = block->kids[i];
        bool loop = st->kind == AST_FOR || st->kind == AST_SCAN;
        if (st->kind == AST_SITE) {
            resolve_family_site(s, st);
        } else if (loop) {
            Scope *scope = scope_open(s);
            scope->plate = true;
            scope->scan = st->kind == AST_SCAN;
            resolve_binder(s, st->kids[FOR_BINDER]);
            resolve_family_block(s, st->kids[FOR_BODY]);
            scope_close(s);
        } else {
            resolve_statement(s, st);
        }
    }
}

/* The model's scope below a new one; false if there is no such model. */
static bool enter_model(Check *s, Ast *at, Str name, Ast *node, Scope **outside)
{
    Ast *model = find_item(s, AST_MODEL, name);
    Scope *scope = model ? map_get(s->model_scopes, model) : NULL;
    *outside = s->scope;
    if (!scope) {
        diag_error(s->c, model ? E_BELOW : E_UNKNOWN_MODEL, at->span, name);
        if (model) diag_note(s->c, model->span, "declared here");
        else diag_help(s->c, "a family or training block stands in the file of its model");
        return false;
    }
    node->decl = model;
    s->model = model;
    s->scope = scope;
    scope_open(s);
    return true;
}

void resolve_family(Check *s, Ast *family)
{
    Ast *name = family->kids[FAMILY_FOR];
    Scope *outside;
    if (!enter_model(s, name, name->name, family, &outside)) return;
    name->decl = family->decl;
    resolve_family_block(s, family->kids[FAMILY_BODY]);
    s->scope = outside;
    s->model = NULL;
}

/* Settings have words of their own (train.c); only nets and functions of the block are names. */
void resolve_train(Check *s, Ast *train)
{
    Scope *outside;
    if (!enter_model(s, train, train->name, train, &outside)) return;
    for (size_t i = 0; i < list_len(train->kids[TRAIN_BODY]); i++) {
        Ast *st = train->kids[TRAIN_BODY]->kids[i];
        if (st->kind == AST_NET || st->kind == AST_FUNCTION || st->kind == AST_LET)
            resolve_statement(s, st);
        if (st->kind == AST_BY) {
            Ast *target = st->kids[BY_TARGET];
            if (target->kind == AST_NAME) target->decl = scope_find(s, SPACE_VALUE, target->name);
        }
    }
    s->scope = outside;
    s->model = NULL;
}
