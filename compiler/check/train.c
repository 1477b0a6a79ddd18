/* train.c - training blocks: known settings, methods and their arguments; latents of `by`.
 *
 * Words of a training block (elbo, adam, ..) are rows of settings.def, not names of the spec: only
 * the nets and functions of the block, and the latents of `by`, are looked up.
 */
#include "check.h"

#include <string.h>

typedef struct SettingRow { const char *name; bool method; } SettingRow;
typedef struct MethodRow {
    const char *setting, *name;
    int min, max;                      /* positional arguments */
    const char *keys;                  /* named arguments, separated by blanks */
} MethodRow;

enum { KIND_NUMBER = false, KIND_METHOD = true };

static const SettingRow settings[] = {
#define SETTING(name, kind, doc) { #name, KIND_##kind },
#include "settings.def"
#undef SETTING
};

static const MethodRow methods[] = {
#define METHOD(setting, name, min, max, keys, doc) { #setting, #name, min, max, keys },
#include "settings.def"
#undef METHOD
};

#define COUNT(table) (sizeof table / sizeof *table)

static const SettingRow *setting_row(Str name)
{
    for (size_t i = 0; i < COUNT(settings); i++)
        if (!strcmp(settings[i].name, name)) return &settings[i];
    return NULL;
}

static Str list_methods(Check *s, const char *setting)
{
    Out *o = out_new(s->c);
    size_t n, shown = 0;
    for (size_t i = 0; i < COUNT(methods); i++)
        if (!strcmp(methods[i].setting, setting))
            out_printf(o, "%s%s", shown++ ? ", " : "", methods[i].name);
    const char *text = out_text(o, &n);
    return str_n(s->c, text, n);
}

static void unknown_setting(Check *s, Ast *st)
{
    Str *names = NULL;
    for (size_t i = 0; i < COUNT(settings); i++) vec_push(s->c, names, str(s->c, settings[i].name));
    Str near = nearest(s->c, st->name, names, vec_len(names));
    FAIL(s, E_SETTING_UNKNOWN, st->span, st->name);
    if (near) diag_help(s->c, "did you mean `%s`?", near);
    else diag_help(s->c, "settings are objective, optimizer, schedule, step, batch, epochs, steps, "
                   "samples, clip, seed, restarts, until");
}

static const MethodRow *method_row(Check *s, const char *setting, Ast *value)
{
    Str *names = NULL;
    for (size_t i = 0; i < COUNT(methods); i++) {
        if (strcmp(methods[i].setting, setting)) continue;
        if (!strcmp(methods[i].name, value->name)) return &methods[i];
        vec_push(s->c, names, str(s->c, methods[i].name));
    }
    Str near = vec_len(names) ? nearest(s->c, value->name, names, vec_len(names)) : NULL;
    FAIL(s, E_METHOD_UNKNOWN, value->span, value->name, setting);
    if (near) diag_help(s->c, "did you mean `%s`?", near);
    else diag_help(s->c, "known: %s", list_methods(s, setting));
    return NULL;
}

static bool key_known(const char *keys, Str name)
{
    size_t n = strlen(name);
    for (const char *p = keys; (p = strstr(p, name)); p += n)
        if ((p == keys || p[-1] == ' ') && (p[n] == ' ' || !p[n])) return true;
    return false;
}

static void check_method(Check *s, const char *setting, Ast *value)
{
    if (value->kind != AST_NAME && value->kind != AST_CALL) {
        FAIL(s, E_SETTING_METHOD, value->span, setting, list_methods(s, setting));
        return;
    }
    const MethodRow *row = method_row(s, setting, value);
    int positional = 0;
    for (size_t i = 0; row && value->kind == AST_CALL && i < vec_len(value->kids); i++) {
        Ast *arg = value->kids[i];
        positional += arg->name == NULL;
        for (size_t k = 0; arg->name && k < i; k++)
            if (value->kids[k]->name == arg->name)
                FAIL(s, E_ARG_TWICE, arg->span, arg->name, value->name);
        if (!arg->name || key_known(row->keys, arg->name)) continue;
        FAIL(s, E_ARG_UNKNOWN, arg->span, value->name, arg->name);
        if (*row->keys) diag_help(s->c, "its arguments: %s", row->keys);
        else diag_help(s->c, "it takes no named arguments");
        return;
    }
    if (row && (positional < row->min || positional > row->max))
        FAIL(s, E_ARGUMENT_COUNT, value->span, row->name, row->max, row->max == 1 ? "" : "s",
             positional);
}

static void check_setting(Check *s, Ast *st, Map *seen)
{
    const SettingRow *row = setting_row(st->name);
    Ast *before = map_get(seen, st->name), *value = st->kids[SETTING_VALUE];
    if (!row) {
        unknown_setting(s, st);
        return;
    }
    if (before) {
        FAIL(s, E_SETTING_TWICE, st->span, st->name);
        diag_note(s->c, before->span, "first set here");
        return;
    }
    map_put(seen, st->name, st);
    if (!value) {
        FAIL(s, E_SETTING_EMPTY, st->span, st->name);
        diag_help(s->c, row->method ? "say which: `%s NAME`" : "give a number: `%s 20`", st->name);
        return;
    }
    if (row->method) {
        check_method(s, row->name, value);
        return;
    }
    bool number = value->kind == AST_NUM || value->kind == AST_UNARY || value->kind == AST_BINARY
               || value->kind == AST_CALL;
    if (!number) FAIL(s, E_SETTING_NUMBER, value->span, st->name, fmt_expr(s->c, value));
}

static void check_by(Check *s, Ast *st)
{
    Ast *target = st->kids[BY_TARGET], *method = st->kids[BY_METHOD];
    Ast *decl = target->decl;
    bool latent =
        decl && decl->kind == AST_DECLNAME && decl->decl && decl->decl->kind == AST_LATENT;
    if (!latent) {
        FAIL(s, E_FAMILY_LHS, target->span, fmt_expr(s->c, target));
        if (decl) diag_note(s->c, decl->span, "declared here");
    }
    check_method(s, "by", method);
}

static void check_with(Check *s, Ast *train)
{
    Ast *with = train->kids[TRAIN_WITH];
    Str *names = NULL;
    if (!with) return;
    for (size_t i = 0; i < vec_len(s->file->kids); i++) {
        Ast *item = s->file->kids[i];
        if (item->kind != AST_FAMILY || item->decl != train->decl || !item->name) continue;
        if (item->name == with->name) { with->decl = item; return; }
        vec_push(s->c, names, item->name);
    }
    FAIL(s, E_UNKNOWN_FAMILY, with->span, with->name, train->name);
    Str near = vec_len(names) ? nearest(s->c, with->name, names, vec_len(names)) : NULL;
    if (near) diag_help(s->c, "did you mean `%s`?", near);
    else diag_help(s->c, "declare `family %s for %s { .. }`", with->name, train->name);
}

void check_train(Check *s, Ast *train)
{
    Map *seen = map_new(s->c);
    s->model = train->decl;
    check_with(s, train);
    for (size_t i = 0; i < list_len(train->kids[TRAIN_BODY]); i++) {
        Ast *st = train->kids[TRAIN_BODY]->kids[i];
        switch (st->kind) {
        case AST_SETTING: check_setting(s, st, seen); break;
        case AST_BY: check_by(s, st); break;
        case AST_UNTIL: {
            Ast word = { .kind = AST_NAME, .span = st->span, .name = st->name };
            if (st->name) check_method(s, "until", &word);
            break;
        }
        case AST_NET: case AST_FUNCTION: case AST_LET: infer_statement(s, st); break;
        default: FAIL(s, E_SETTING_UNKNOWN, st->span, ast_kind_name(st->kind));
        }
    }
    s->model = NULL;
}
