/* fmt.c - the source again, in one style: statements, blocks, comments.
 *
 * Idea: the tree is printed; comments, which it does not hold, are found again in the source text
 * and written where they stood: on their own line before what followed them, or behind the
 * statement whose last line they shared. A comment inside a statement moves before it. One blank
 * line between statements is kept. Indentation is 2, lines are broken beyond 98 columns.
 * A block stays on one line if it was on one, fits, and is short (one statement, or a value or
 * training block); `-` at the beginning of a line would go on with the line before, so there the
 * statement before ends in `;`.
 * establishes: fmt(fmt(x)) = fmt(x); the tree is unchanged; every comment is kept.
 */
#include "fmt.h"

#include <string.h>

enum { WIDTH = 98 };

void put(Fmt *f, const char *text)
{
    f->used += strlen(text);
    if (f->measure && f->used > f->room) f->over = true;
    if (f->measure && !f->keep) return;
    if (f->fresh && *text) {
        for (int i = 0; i < f->line_indent; i++) out_puts(f->o, "  ");
        f->fresh = false;
    }
    out_puts(f->o, text);
}

void put_line(Fmt *f)
{
    if (f->measure) {
        f->over = true;
        return;
    }
    out_puts(f->o, "\n");
    f->fresh = true;
    f->line_indent = f->indent;
}

/* The line just begun belongs to the present level. */
static void settle(Fmt *f)
{
    if (f->fresh) f->line_indent = f->indent;
}

static Fmt measuring(const Fmt *f)
{
    Fmt m = *f;
    size_t column = f->fresh ? 2 * (size_t)f->indent : out_column(f->o);
    m.measure = true;
    m.over = false;
    m.used = 0;
    m.room = column < WIDTH ? WIDTH - column : 0;
    return m;
}

bool fits(Fmt *f, const Ast *a, int prec)
{
    Fmt m = measuring(f);
    put_expr(&m, a, prec);
    return !m.over;
}

/* ---- comments -------------------------------------------------------------------------------- */

static void find_comments(Fmt *f)
{
    const char *text = f->source->text;
    bool own = true, string = false;
    for (uint32_t i = 0; i < f->source->length; i++) {
        char b = text[i];
        if (b == '\n') own = true, string = false;
        else if (string && b == '\\') i++;
        else if (b == '"') string = !string, own = false;
        else if (!string && b == '/' && text[i + 1] == '/') {
            uint32_t end = i;
            while (end < f->source->length && text[end] != '\n') end++;
            uint32_t trimmed = end;
            while (strchr(" \t\r", text[trimmed - 1])) trimmed--;
            vec_push(f->c, f->comments, ((Comment){i, trimmed, own}));
            i = end - 1;
        } else if (b != ' ' && b != '\t' && b != '\r') {
            own = false;
        }
    }
}

static const Comment *pending(const Fmt *f)
{
    return f->next < vec_len(f->comments) ? &f->comments[f->next] : NULL;
}

static int line_of(const Fmt *f, uint32_t offset)
{
    return span_line((Span){f->source, offset, offset});
}

static void put_comment(Fmt *f, bool keep_doc)
{
    Comment k = f->comments[f->next++];
    const char *text = f->source->text + k.start;
    int n = (int)(k.end - k.start);
    /* `///` that documented nothing must not begin to: it becomes `//`. */
    bool doc = n >= 3 && text[2] == '/' && (n == 3 || text[3] != '/');
    Str shown = doc && !keep_doc ? str_fmt(f->c, "//%.*s", n - 3, text + 3)
                                 : str_n(f->c, text, (size_t)n);
    put(f, shown);
    f->last_line = line_of(f, k.start);
}

/* One blank line where the source had some, except at the beginning of a block. */
static void keep_blank(Fmt *f, uint32_t start)
{
    if (f->last_line > 0 && line_of(f, start) > f->last_line + 1) {
        f->fresh = false;
        out_puts(f->o, "\n");
        f->fresh = true;
    }
}

/* Comments that stand before `before`, each on its line. `inside`: of a statement, moved out. */
static void put_comments(Fmt *f, uint32_t before, bool inside)
{
    for (const Comment *k; (k = pending(f)) && k->start < before;) {
        settle(f);
        if (!inside) keep_blank(f, k->start);
        put_comment(f, k->own_line && !inside);
        put_line(f);
    }
}

/* A comment on the line where a statement or an opening brace ended, before `limit`. */
static void put_trailing(Fmt *f, uint32_t end, uint32_t limit)
{
    const Comment *k = pending(f);
    if (!k || k->own_line || k->start < end || k->start >= limit
        || line_of(f, k->start) != line_of(f, end ? end - 1 : 0)) return;
    put(f, "  ");
    put_comment(f, true);
}

/* ---- blocks ---------------------------------------------------------------------------------- */

bool must_break(Fmt *f, const Ast *block)
{
    if (!f->source || !block->span.src) return false;
    if (line_of(f, block->span.start) != line_of(f, block->span.end)) return true;
    const Comment *k = pending(f);
    return k && k->start < block->span.end;
}

static bool goes_on(const char *text)
{
    static const char *const words[] = {"and", "or", "div", "mod", "in", "where", "along", "then",
                                        "else"};
    if (*text == '-') return true;
    size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz");
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i]) == n && strncmp(words[i], text, n) == 0) return true;
    return false;
}

/* Would a line that begins with this statement be read as part of the line before? */
static bool needs_semicolon(Fmt *f, const Ast *s)
{
    enum { ENOUGH = 64 };
    Fmt m = {.c = f->c, .o = out_new(f->c), .measure = true, .keep = true, .room = ENOUGH};
    put_statement(&m, s, false);
    return goes_on(out_text(m.o, NULL));
}

static void put_statements(Fmt *f, const Ast *block, uint32_t end)
{
    bool local = block->kind == AST_BLOCKEXPR;
    size_t n = vec_len(block->kids);
    for (size_t i = 0; i < n; i++) {
        const Ast *s = block->kids[i], *next = i + 1 < n ? block->kids[i + 1] : NULL;
        put_comments(f, s->span.start, false);
        settle(f);
        keep_blank(f, s->span.start);
        put_statement(f, s, local);
        bool may_go_on = next && (next->kind == AST_SITE || next->kind == AST_SETTING
                                  || next->kind >= AST_NUM);
        if (may_go_on && needs_semicolon(f, next)) put(f, ";");
        put_trailing(f, s->span.end, next ? next->span.start : end);
        f->last_line = line_of(f, s->span.end ? s->span.end - 1 : 0);
        put_line(f);
        put_comments(f, s->span.end, true);
    }
    put_comments(f, end, false);
}

static bool may_be_flat(const Ast *block)
{
    size_t n = vec_len(block->kids);
    bool settings = true;
    for (size_t i = 0; i < n; i++) {
        AstKind k = block->kids[i]->kind;
        settings = settings && (k == AST_SETTING || k == AST_UNTIL || k == AST_BY);
    }
    return n <= 1 || settings || block->kind == AST_BLOCKEXPR;
}

static void put_flat_block(Fmt *f, const Ast *block)
{
    size_t n = vec_len(block->kids);
    put(f, n ? "{ " : "{");
    for (size_t i = 0; i < n; i++) {
        put_statement(f, block->kids[i], block->kind == AST_BLOCKEXPR);
        if (i + 1 < n) put(f, "; ");
    }
    put(f, " }");
}

void put_block(Fmt *f, const Ast *block)
{
    if (f->measure) {
        if (f->source && (must_break(f, block) || !may_be_flat(block))) f->over = true;
        if (!f->over) put_flat_block(f, block);
        return;
    }
    Fmt m = measuring(f);
    put_block(&m, block);
    if (!m.over) {
        put_flat_block(f, block);
        return;
    }
    uint32_t start = block->span.start, end = block->span.end;
    const Ast *first = vec_len(block->kids) ? block->kids[0] : NULL;
    put(f, "{");
    put_trailing(f, start + 1, first ? first->span.start : end);
    put_line(f);
    f->indent++;
    f->last_line = 0;
    put_statements(f, block, end);
    f->indent--;
    settle(f);
    put(f, "}");
    f->last_line = line_of(f, end);
}

/* ---- statements ------------------------------------------------------------------------------ */

static void put_words(Fmt *f, const char *keyword, const char *name)
{
    put(f, keyword);
    if (name) {
        put(f, " ");
        put(f, name);
    }
}

static void put_after(Fmt *f, const char *mark, const Ast *e)
{
    if (!e) return;
    put(f, mark);
    put_expr(f, e, PREC_ANY);
}

static void put_args(Fmt *f, const Ast *args, bool always)
{
    if (always || vec_len(args->kids)) put_list(f, args, 0, "(", ")");
}

static void put_declaration(Fmt *f, const char *keyword, const Ast *names, bool joint)
{
    put(f, keyword);
    put_list(f, names, 0, joint ? "(" : "", joint ? ")" : "");
}

static void put_top(Fmt *f, const Ast *s)
{
    switch (s->kind) {
    case AST_MODEL:
        put_words(f, "model", s->name);
        put_args(f, s->kids[MODEL_ARGS], false);
        break;
    case AST_FAMILY:
        put_words(f, "family", s->name);
        put_after(f, " for ", s->kids[FAMILY_FOR]);
        break;
    case AST_TRAIN:
        put_words(f, "train", s->name);
        put_after(f, " with ", s->kids[TRAIN_WITH]);
        break;
    case AST_DISTRIBUTION:
        put_words(f, "distribution", s->name);
        put_args(f, s->kids[DIST_ARGS], true);
        put_after(f, " on ", s->kids[DIST_SUPPORT]);
        break;
    case AST_LAYER:
        put_words(f, "layer", s->name);
        put_args(f, s->kids[LAYER_ARGS], true);
        put(f, "(");
        put_expr(f, s->kids[LAYER_INPUT], PREC_ANY);
        put(f, ")");
        break;
    default:                           /* support */
        put_words(f, "support", s->name);
        put_args(f, s->kids[SUPPORT_ARGS], false);
        if (vec_len(s->kids[SUPPORT_AXES]->kids)) put_list(f, s->kids[SUPPORT_AXES], 0, "[", "]");
        if (s->kids[SUPPORT_FREE]) put_list(f, s->kids[SUPPORT_FREE], 0, " free [", "]");
        break;
    }
    put(f, " ");
    put_block(f, s->kids[ast_slots(s->kind) - 1]);
}

static void put_data(Fmt *f, const Ast *s)
{
    put_declaration(f, "data ", s->kids[DATA_NAMES], false);
    put_after(f, " = ", s->kids[DATA_FIELD]);
    put_after(f, " : ", s->kids[DATA_TYPE]);
    put_after(f, " from ", s->kids[DATA_FROM]);
    const Ast *missing = s->kids[DATA_MISSING];
    bool bare = missing && missing->kind == AST_NAME && !strcmp(missing->name, "missing");
    if (bare) put(f, " missing");
    else put_after(f, " missing ", missing);
}

static void put_definition(Fmt *f, const Ast *s)
{
    switch (s->kind) {
    case AST_FUNCTION:
        put_words(f, s->num == 1 ? s->name : "let", s->num == 1 ? NULL : s->name);
        put_args(f, s->kids[FUNCTION_ARGS], true);
        put_after(f, " = ", s->kids[FUNCTION_BODY]);
        break;
    case AST_FLOW:
        put_words(f, "flow", s->name);
        put_args(f, s->kids[FLOW_ARGS], false);
        put_after(f, " = ", s->kids[FLOW_BODY]);
        break;
    case AST_NET:
        put_words(f, s->num == 1 ? "latent net" : "net", s->name);
        put_args(f, s->kids[NET_ARGS], true);
        put_after(f, " = ", s->kids[NET_BODY]);
        put_after(f, " ~ ", s->kids[NET_LAW]);
        break;
    case AST_ALSO:
        put(f, "also ");
        put_args(f, s->kids[ALSO_ARGS], true);
        put(f, " = ");
        put_args(f, s->kids[ALSO_BASE], true);
        if (s->kids[ALSO_BODY]) {
            put(f, " ");
            put_block(f, s->kids[ALSO_BODY]);
        }
        break;
    case AST_KL:
        put_after(f, "kl(", s->kids[KL_OTHER]);
        put_after(f, ") = ", s->kids[KL_VALUE]);
        break;
    default:
        ice_span(s->span, "fmt: no way to write a %s", ast_kind_name(s->kind));
    }
}

static void put_variable(Fmt *f, const Ast *s, bool local)
{
    switch (s->kind) {
    case AST_DATA: put_data(f, s); break;
    case AST_LATENT:
        put_declaration(f, local ? "" : "latent ", s->kids[LATENT_NAMES], s->num == 1);
        put_after(f, " : ", s->kids[LATENT_TYPE]);
        put_after(f, " ~ ", s->kids[LATENT_LAW]);
        break;
    case AST_PARAM:
        put_declaration(f, "param ", s->kids[PARAM_NAMES], false);
        put_after(f, " : ", s->kids[PARAM_TYPE]);
        put_after(f, " ~ ", s->kids[PARAM_LAW]);
        put_after(f, " init ", s->kids[PARAM_INIT]);
        break;
    case AST_LET:
        put_declaration(f, "let ", s->kids[LET_NAMES], false);
        put_after(f, " = ", s->kids[LET_VALUE]);
        break;
    case AST_REPORT:
        put_declaration(f, "report ", s->kids[REPORT_NAMES], false);
        put_after(f, " = ", s->kids[REPORT_VALUE]);
        break;
    case AST_DRAWN:
        put_declaration(f, "predict ", s->kids[DRAWN_NAMES], false);
        put_after(f, " : ", s->kids[DRAWN_TYPE]);
        put_after(f, " ~ ", s->kids[DRAWN_LAW]);
        break;
    default:                           /* site */
        put_expr(f, s->kids[SITE_LHS], PREC_ANY);
        put_after(f, " along ", s->kids[SITE_ALONG]);
        put_after(f, " ~ ", s->kids[SITE_LAW]);
        break;
    }
}

/* Comments inside a statement go before it, except those inside a block that is spread. */
static void put_inner_comments(Fmt *f, const Ast *s)
{
    const Comment *k = pending(f);
    if (f->measure || !k || k->start >= s->span.end) return;
    uint32_t stop = s->span.end;
    const Ast *a = s;
    while (a && a->kind != AST_BLOCK && a->kind != AST_BLOCKEXPR) {
        const Ast *holder = NULL;      /* the last kid: blocks end statements */
        for (size_t i = 0; i < vec_len(a->kids); i++)
            if (a->kids[i]) holder = a->kids[i];
        a = holder;
    }
    if (a && a->span.src) stop = a->span.start;
    put_comments(f, stop, true);
}

void put_statement(Fmt *f, const Ast *s, bool local)
{
    if (f->over) return;
    put_inner_comments(f, s);
    switch (s->kind) {
    case AST_MODEL: case AST_FAMILY: case AST_TRAIN: case AST_DISTRIBUTION: case AST_LAYER:
    case AST_SUPPORT:
        put_top(f, s);
        break;
    case AST_FUNCTION: case AST_FLOW: case AST_NET: case AST_ALSO: case AST_KL:
        put_definition(f, s);
        break;
    case AST_DATA: case AST_LATENT: case AST_PARAM: case AST_LET: case AST_REPORT:
    case AST_DRAWN: case AST_SITE:
        put_variable(f, s, local);
        break;
    case AST_FOR:
    case AST_SCAN:
        put_after(f, s->kind == AST_FOR ? "for " : "scan ", s->kids[FOR_BINDER]);
        put(f, " ");
        put_block(f, s->kids[FOR_BODY]);
        break;
    case AST_SAMPLE:
        put(f, "sample ");
        put_block(f, s->kids[SAMPLE_BODY]);
        break;
    case AST_FACT:
        put(f, s->name);
        put_after(f, " = ", s->kids[FACT_VALUE]);
        break;
    case AST_FACTOR: put_after(f, "factor ", s->kids[FACTOR_VALUE]); break;
    case AST_ORDERING:
        put_words(f, "ordering", s->name);
        put_after(f, " = ", s->kids[ORDERING_VALUE]);
        break;
    case AST_PREDICT:
        put_after(f, "predict ", s->kids[PREDICT_LHS]);
        break;
    case AST_SETTING:
        put(f, s->name);
        put_after(f, " ", s->kids[SETTING_VALUE]);
        break;
    case AST_BY:
        put_expr(f, s->kids[BY_TARGET], PREC_ANY);
        put_after(f, " by ", s->kids[BY_METHOD]);
        break;
    case AST_UNTIL:
        put_words(f, "until", s->name);
        put_after(f, " ", s->kids[UNTIL_VALUE]);
        break;
    default: put_expr(f, s, PREC_ANY); break;
    }
}

void fmt_file(Ctx *c, Out *o, const Ast *file)
{
    Fmt f = {.c = c, .o = o, .source = file->span.src, .fresh = true};
    if (!f.source) ice("fmt: a tree without its source");
    find_comments(&f);
    put_statements(&f, file, (uint32_t)f.source->length + 1);
}
