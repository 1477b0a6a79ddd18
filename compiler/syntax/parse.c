/* parse.c - from text to tree: runs the grammar on a text and reports what does not follow it.
 *
 * Idea: reader.c hands tokens to bison; here are the doors (file, text, library, expression), the
 * checks of a text before it is scanned, and those of a tree that the grammar is too coarse for.
 * requires: a Source.   establishes: a tree that passes ast_verify and is at most LIMIT_DEPTH deep,
 * or NULL and at least one error.
 */
#include "parse.h"
#include "dgm.tab.h"
#include "std.h"

#include <string.h>

Span parser_span(const Parser *p, uint32_t start, uint32_t end)
{
    return (Span){p->source, start, end};
}

Ast *documented(Ast *a, Str doc)
{
    a->doc = doc ? doc : a->doc;
    return a;
}

/* A backslash, i bytes into a string literal that stands at `at`, with a character of n bytes. */
static void bad_escape(Parser *p, Span at, const char *text, size_t i, size_t n)
{
    Span here = { at.src, at.start + 1 + (uint32_t)i, at.start + 2 + (uint32_t)(i + n) };
    diag_error(p->c, E_ESCAPE, here, str_n(p->c, text + i + 1, n));
    diag_help(p->c, "a backslash itself is written \\\\");
}

/* The text of a string literal, given what stands between its quotes. */
Str unescape(Parser *p, Span at, const char *text, size_t n)
{
    char *out = arena_alloc(p->c->arena, n + 1);
    size_t size = 0;
    for (size_t i = 0; i < n; i++) {
        if (text[i] != '\\' || i + 1 == n) {
            out[size++] = text[i];
            continue;
        }
        uint32_t u;
        char e = text[++i];
        size_t len = utf8_decode(text + i, n - i, &u);
        if (e == 'n') out[size++] = '\n';
        else if (e == 't') out[size++] = '\t';
        else if (e == '\\' || e == '"') out[size++] = e;
        else bad_escape(p, at, text, i - 1, len ? len : 1);
    }
    return str_n(p->c, out, size);
}

/* ---- before: the text ------------------------------------------------------------------------ */

static bool check_text(Ctx *c, const Source *s)
{
    if (s->length > LIMIT_FILE) return diag_error(c, E_FILE_LIMIT, (Span){s, 0, 0}, LIMIT_FILE);
    for (size_t i = 0; i < s->length;) {
        uint32_t u;
        size_t n = utf8_decode(s->text + i, s->length - i, &u);
        Span at = {s, (uint32_t)i, (uint32_t)i + 1};
        if (n == 0) return diag_error(c, E_UTF8, at, (unsigned char)s->text[i]);
        if (u == 0) return diag_error(c, E_NUL, at);
        i += n;
    }
    return true;
}

/* ---- after: the tree ------------------------------------------------------------------------- */

/* Says where the tree is too deep: at the first node with as many above it as are allowed. */
static bool check_depth(Ctx *c, const Ast *a)
{
    int limit = LIMIT_DEPTH;
    if (a->depth <= limit) return true;
    while (limit-- > 0) {
        const Ast *deepest = NULL;
        for (size_t i = 0; i < vec_len(a->kids); i++)
            if (a->kids[i] && (!deepest || a->kids[i]->depth > deepest->depth))
                deepest = a->kids[i];
        a = deepest;
    }
    Span at = a->span;
    if (at.end > at.start + 1) at.end = at.start + 1;
    return diag_error(c, E_DEPTH_LIMIT, at, LIMIT_DEPTH);
}

static bool is_expression(const Ast *a) { return a->kind >= AST_NUM && a->kind <= AST_HOLE; }

static bool is_site_lhs(const Ast *a)
{
    if (a->kind == AST_INDEX) return is_site_lhs(a->kids[INDEX_BASE]);
    if (a->kind == AST_TUPLE) {
        for (size_t i = 0; i < vec_len(a->kids); i++)
            if (a->kids[i]->kind == AST_TUPLE || !is_site_lhs(a->kids[i])) return false;
        return true;
    }
    return a->kind == AST_NAME;
}

static bool begins_with_hole(const Ast *a)
{
    while (a->kind == AST_PIPE) a = a->kids[PIPE_A];
    return a->kind == AST_HOLE;
}

/* What the grammar lets pass so that the message can be better. `after_hole`: in a paper example
 * the dots may have swallowed the beginning of a statement. */
static void check_form(Ctx *c, const Ast *a, bool holes)
{
    if (!a) return;
    bool after_hole = false;
    for (size_t i = 0; i < vec_len(a->kids); i++) {
        const Ast *kid = a->kids[i];
        if (!kid) continue;
        bool lhs = (a->kind == AST_SITE && i == SITE_LHS) || (a->kind == AST_BY && i == BY_TARGET)
                || (a->kind == AST_PREDICT && i == PREDICT_LHS);
        bool excused = holes && (after_hole || begins_with_hole(kid));
        if (a->kind == AST_BLOCK && is_expression(kid) && kid->kind != AST_HOLE && !excused) {
            Str text = span_text(c, kid->span);
            diag_error(c, E_NO_STATEMENT, kid->span, text);
            if (strstr(text, "<-")) diag_help(c, "a definition is `let x = e`, a law `x ~ d`");
            else diag_help(c, "name it: `let y = %s`, or add it to the log density: `factor %s`",
                           text, text);
        } else if (lhs && !is_site_lhs(kid)) {
            Str text = span_text(c, kid->span);
            diag_error(c, E_LEFT_SIDE, kid->span, text);
            if (a->kind == AST_SITE)
                diag_help(c, "a density of what is computed is `factor logpdf(.., %s)`", text);
        } else if (kid->kind == AST_TUPLE && !lhs) {
            diag_error(c, E_TUPLE, kid->span);
            diag_help(c, "a vector is written [a, b]");
        } else if (kid->kind == AST_HOLE && !holes) {
            diag_error(c, E_HOLE, kid->span);
            diag_help(c, "write what belongs there");
        }
        after_hole = kid->kind == AST_HOLE;
        check_form(c, kid, holes);
    }
}

/* ---- doors ----------------------------------------------------------------------------------- */

static Ast *parse(Ctx *c, Source *source, int start, bool holes)
{
    int before = diag_count(c);
    if (!check_text(c, source)) return NULL;
    Parser *p = arena_alloc(c->arena, sizeof *p);
    p->c = c;
    p->source = source;
    p->start_token = start;
    p->outermost = start == START_FILE ? IN_FILE : IN_EXPR;
    p->rescued = UINT32_MAX;
    scan_begin(p);
    int failed = spec_parse(p);
    scan_end(p);
    if (diag_count(c) > before) return NULL;
    if (failed || !p->root) ice("the parser failed and did not say why");
    if (!check_depth(c, p->root)) return NULL;
    check_form(c, p->root, holes);
    if (diag_count(c) > before) return NULL;
    ast_verify(p->root);
    return p->root;
}

Ast *parse_tree(Ctx *c, Source *source, bool expression)
{
    return parse(c, source, expression ? START_EXPRESSION : START_FILE, true);
}

Ast *parse_text(Ctx *c, Source *source)
{
    Ast *file = parse(c, source, START_FILE, false);
    if (file && vec_len(file->kids) == 0) {
        diag_error(c, E_EMPTY_FILE, (Span){source, 0, 0});
        diag_help(c, "begin with `model NAME { .. }`");
        return NULL;
    }
    return file;
}

Ast *parse_file(Ctx *c, const char *path)
{
    Source *source = source_read(c, path);
    return source ? parse_text(c, source) : NULL;
}

Ast *parse_expression(Ctx *c, Source *source)
{
    return parse(c, source, START_EXPRESSION, false);
}

Ast *parse_library(Ctx *c)
{
    Ast *all = ast_new(c, AST_FILE, NOSPAN, NULL, 0);
    bool fine = true;
    for (size_t i = 0; i < std_files_count; i++) {
        const StdFile *f = &std_files[i];
        Ast *file = parse_text(c, source_text(c, f->name, f->text, f->n, true));
        fine = fine && file;
        for (size_t k = 0; file && k < vec_len(file->kids); k++) ast_push(c, all, file->kids[k]);
    }
    return fine ? all : NULL;
}
