/* dump.c - the tree as s-expressions, for --dump=ast and the golden tests.
 *
 *     (site @9:5 (index @9:5 (name x @9:5) (name n @9:7)) (call bernoulli @9:12 ..) -)
 * A node is its kind, name, number and place, then its kids; an empty slot is `-`. What fits on a
 * line stands on one.
 */
#include "ast.h"

#include <string.h>

enum { LINE_WIDTH = 100 };

static void dump_head(Ctx *c, Out *o, const Ast *a)
{
    out_printf(o, "(%s", ast_kind_name(a->kind));
    if (a->kind == AST_STRING) out_printf(o, " %s", quote_c(c, a->name, strlen(a->name)));
    else if (a->name) out_printf(o, " %s", a->name);
    if (a->num != 0 && a->kind != AST_NUM) out_printf(o, " #%.17g", a->num);
    if (a->span.src) out_printf(o, " @%d:%d", span_line(a->span), span_col(a->span));
    if (a->doc) out_printf(o, " doc %s", quote_c(c, a->doc, strlen(a->doc)));
}

static void dump_flat(Ctx *c, Out *o, const Ast *a)
{
    if (!a) {
        out_puts(o, "-");
        return;
    }
    dump_head(c, o, a);
    for (size_t i = 0; i < vec_len(a->kids); i++) {
        out_puts(o, " ");
        dump_flat(c, o, a->kids[i]);
    }
    out_puts(o, ")");
}

/* Columns of the flat form, given up beyond LINE_WIDTH: so that a deep tree costs no square. */
static size_t flat_width(const Ast *a)
{
    if (!a) return 1;
    size_t width = strlen(ast_kind_name(a->kind)) + (a->name ? strlen(a->name) : 0) + 12;
    if (a->doc) width += strlen(a->doc);
    for (size_t i = 0; i < vec_len(a->kids) && width <= LINE_WIDTH; i++)
        width += 1 + flat_width(a->kids[i]);
    return width;
}

static void dump(Ctx *c, Out *o, const Ast *a)
{
    if (!a || out_column(o) + flat_width(a) <= LINE_WIDTH) {
        dump_flat(c, o, a);
        return;
    }
    dump_head(c, o, a);
    out_indent(o, 1);
    for (size_t i = 0; i < vec_len(a->kids); i++) {
        out_puts(o, "\n");
        dump(c, o, a->kids[i]);
    }
    out_indent(o, -1);
    out_puts(o, ")");
}

void ast_dump(Out *o, const Ast *a)
{
    dump(out_ctx(o), o, a);
    out_puts(o, "\n");
}
