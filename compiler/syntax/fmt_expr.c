/* fmt_expr.c - expressions as a person would write them: few parentheses, broken where too long.
 *
 * Idea: put_expr writes an expression flat if that fits on the line; otherwise it breaks the
 * outermost construct (before `|>` and loose operators, after the brackets of a call) and tries
 * again inside. Whether something fits is found by writing it in measuring mode, by the same code.
 */
#include "fmt.h"

#include <string.h>

static int precedence(const Ast *e)
{
    switch (e->kind) {
    case AST_PIPE: return PREC_PIPE;
    case AST_IF:   return PREC_IF;
    case AST_NUM:  return e->name[0] == '-' ? PREC_SIGN : PREC_POSTFIX;
    case AST_UNARY:
        return !strcmp(e->name, "not") ? PREC_NOT : !strcmp(e->name, "-") ? PREC_SIGN
             : PREC_POSTFIX;
    case AST_BINARY:
        switch (e->name[0]) {
        case 'o': return PREC_OR;
        case 'a': return PREC_AND;
        case '=': case '!': case '<': case '>': return PREC_COMPARE;
        case '+': case '-': return PREC_ADD;
        case '^': return PREC_POWER;
        default:  return PREC_MUL;     /* * / @ div mod */
        }
    default: return PREC_POSTFIX;
    }
}

/* Parts in brackets: `(a, b)` on the line, or one part to a line. */
static void put_parts(Fmt *f, const Ast *a, size_t from, bool broken)
{
    if (broken) {
        f->indent++;
        put_line(f);
    }
    for (size_t i = from; i < vec_len(a->kids); i++) {
        put_expr(f, a->kids[i], PREC_ANY);
        if (i + 1 < vec_len(a->kids)) put(f, broken ? "," : ", ");
        if (broken && i + 1 < vec_len(a->kids)) put_line(f);
    }
    if (broken) {
        f->indent--;
        put_line(f);
    }
}

void put_list(Fmt *f, const Ast *list, size_t from, const char *open, const char *close)
{
    put(f, open);
    bool broken = false;
    if (!f->measure) {
        Fmt m = *f;
        m.measure = true;
        m.over = false;
        m.used = 0;
        size_t column = f->fresh ? 2 * (size_t)f->indent : out_column(f->o);
        m.room = column < 98 ? 98 - column : 0;
        put_parts(&m, list, from, false);
        broken = m.over && vec_len(list->kids) > from;
    }
    put_parts(f, list, from, broken);
    put(f, close);
}

static void put_string(Fmt *f, const char *text)
{
    put(f, "\"");
    for (; *text; text++) {
        char one[3] = {*text, 0, 0};
        if (*text == '\n') memcpy(one, "\\n", 2);
        else if (*text == '\t') memcpy(one, "\\t", 2);
        else if (*text == '"' || *text == '\\') one[0] = '\\', one[1] = *text;
        put(f, one);
    }
    put(f, "\"");
}

/* A line break with the next line set in, or a blank. */
static void put_gap(Fmt *f, bool broken)
{
    if (!broken) {
        put(f, " ");
        return;
    }
    f->indent++;
    put_line(f);
    f->indent--;
}

static void put_if(Fmt *f, const Ast *e, bool broken)
{
    put(f, "if ");
    put_expr(f, e->kids[IF_COND], PREC_ANY);
    put(f, " then ");
    put_expr(f, e->kids[IF_THEN], PREC_ANY);
    put_gap(f, broken);
    put(f, "else ");
    put_expr(f, e->kids[IF_ELSE], PREC_IF);
}

static void put_binary(Fmt *f, const Ast *e, bool broken)
{
    int prec = precedence(e);
    const Ast *right = e->kids[BINARY_B];
    bool power = prec == PREC_POWER, sign = right->kind == AST_UNARY && right->name[0] == '-';
    put_expr(f, e->kids[BINARY_A], power || prec == PREC_COMPARE ? prec + 1 : prec);
    if (power) {
        put(f, "^");
    } else {
        put_gap(f, broken && prec <= PREC_ADD);
        put(f, e->name);
        put(f, " ");
    }
    put_expr(f, right, power ? (sign ? PREC_SIGN : PREC_POWER) : prec + 1);
}

static void put_pipe(Fmt *f, const Ast *e, bool broken)
{
    put_expr(f, e->kids[PIPE_A], PREC_PIPE);
    put_gap(f, broken);
    put(f, "|> ");
    put_expr(f, e->kids[PIPE_B], PREC_IF);
}

/* Stages of a repeat, last first in the chain: written apart, as they were. */
static void put_stages(Fmt *f, const Ast *chain, bool broken)
{
    if (chain->kind == AST_PIPE) {
        put_stages(f, chain->kids[PIPE_A], broken);
        put(f, broken ? "" : "; ");
        if (broken) put_line(f);
        chain = chain->kids[PIPE_B];
    }
    put_expr(f, chain, PREC_ANY);
}

static void put_repeat(Fmt *f, const Ast *e)
{
    put(f, "repeat ");
    put_expr(f, e->kids[REPEAT_BINDER], PREC_ANY);
    bool broken = !f->measure && !fits(f, e->kids[REPEAT_BODY], PREC_ANY);
    put(f, broken ? " {" : " { ");
    if (broken) {
        f->indent++;
        put_line(f);
    }
    put_stages(f, e->kids[REPEAT_BODY], broken);
    if (broken) {
        f->indent--;
        put_line(f);
    }
    put(f, broken ? "}" : " }");
}

static void put_unary(Fmt *f, const Ast *e)
{
    if (e->name[0] == '\'') {
        put_expr(f, e->kids[UNARY_A], PREC_POSTFIX);
        put(f, "'");
    } else {
        put(f, e->name);
        if (e->name[0] == 'n') put(f, " ");
        put_expr(f, e->kids[UNARY_A], precedence(e));
    }
}

static void put_named(Fmt *f, const Ast *e, const char *separator, const Ast *value)
{
    if (e->name) {
        put(f, e->name);
        put(f, separator);
    }
    put_expr(f, value, PREC_ANY);
}

static void put_binder(Fmt *f, const Ast *e)
{
    put_named(f, e, " in ", e->kids[BINDER_DOMAIN]);
    if (e->kids[BINDER_WHERE]) {
        put(f, " where ");
        put_expr(f, e->kids[BINDER_WHERE], PREC_ANY);
    }
}

static void put_type(Fmt *f, const Ast *t)
{
    put(f, t->name);
    if (vec_len(t->kids[TYPE_ARGS]->kids)) put_list(f, t->kids[TYPE_ARGS], 0, "(", ")");
    if (vec_len(t->kids[TYPE_AXES]->kids)) put_list(f, t->kids[TYPE_AXES], 0, "[", "]");
}

static void put_argdecl(Fmt *f, const Ast *a)
{
    put(f, a->name);
    if (vec_len(a->kids) > ARGDECL_DEFAULT + 1) put_list(f, a, ARGDECL_DEFAULT + 1, "[", "]");
    if (a->kids[ARGDECL_TYPE]) {
        put(f, " : ");
        put_type(f, a->kids[ARGDECL_TYPE]);
    }
    if (a->kids[ARGDECL_DEFAULT]) {
        put(f, " = ");
        put_expr(f, a->kids[ARGDECL_DEFAULT], PREC_ANY);
    }
}

static void put_brackets(Fmt *f, const Ast *e)
{
    switch (e->kind) {
    case AST_CALL:
        put(f, e->name);
        put_list(f, e, 0, "(", ")");
        break;
    case AST_REDUCE:
        put(f, e->name);
        put_list(f, e->kids[REDUCE_BINDERS], 0, "[", "]");
        put(f, "(");
        put_expr(f, e->kids[REDUCE_VALUE], PREC_ANY);
        put(f, ")");
        break;
    case AST_INDEX:
        put_expr(f, e->kids[INDEX_BASE], PREC_POSTFIX);
        put_list(f, e, 1, "[", "]");
        break;
    case AST_DECLNAME:
        put(f, e->name);
        if (vec_len(e->kids)) put_list(f, e, 0, "[", "]");
        break;
    case AST_VECTOR: put_list(f, e, 0, "[", "]"); break;
    case AST_TUPLE:  put_list(f, e, 0, "(", ")"); break;
    case AST_RECORD: put_list(f, e, 0, "{ ", " }"); break;
    default: ice_span(e->span, "fmt: no way to write a %s", ast_kind_name(e->kind));
    }
}

static void put_plain(Fmt *f, const Ast *e, bool broken)
{
    switch (e->kind) {
    case AST_NUM:
    case AST_NAME:      put(f, e->name); break;
    case AST_HOLE:      put(f, "..."); break;
    case AST_STRING:    put_string(f, e->name); break;
    case AST_UNIT:
        put(f, ast_num(f->c, e->span, e->num)->name);
        put(f, " ");
        put(f, e->name);
        break;
    case AST_ARG:       put_named(f, e, ": ", e->kids[ARG_VALUE]); break;
    case AST_ARGDECL:   put_argdecl(f, e); break;
    case AST_TYPE:      put_type(f, e); break;
    case AST_BINDER:    put_binder(f, e); break;
    case AST_FIELD:
        put_expr(f, e->kids[FIELD_BASE], PREC_POSTFIX);
        put(f, ".");
        put(f, e->name);
        break;
    case AST_UNARY:     put_unary(f, e); break;
    case AST_BINARY:    put_binary(f, e, broken); break;
    case AST_PIPE:      put_pipe(f, e, broken); break;
    case AST_IF:        put_if(f, e, broken); break;
    case AST_RANGE:
        put_expr(f, e->kids[RANGE_A], PREC_ANY);
        put(f, " .. ");
        put_expr(f, e->kids[RANGE_B], PREC_ANY);
        break;
    case AST_BLOCKEXPR: put_block(f, e); break;
    case AST_REPEAT:    put_repeat(f, e); break;
    case AST_IMPLICIT:
        put(f, "implicit ");
        put_block(f, e->kids[IMPLICIT_BODY]);
        break;
    case AST_LIST:      put_list(f, e, 0, "", ""); break;
    default:            put_brackets(f, e); break;
    }
}

void put_expr(Fmt *f, const Ast *e, int prec)
{
    if (f->over) return;               /* measuring, and it is too long already */
    bool parens = precedence(e) < prec;
    if (parens) put(f, "(");
    put_plain(f, e, !f->measure && !fits(f, e, PREC_ANY));
    if (parens) put(f, ")");
}

Str fmt_expr(Ctx *c, const Ast *e)
{
    Out *o = out_new(c);
    Fmt f = {.c = c, .o = o, .measure = true, .keep = true, .room = SIZE_MAX};
    put_expr(&f, e, PREC_ANY);
    size_t n;
    const char *text = out_text(o, &n);
    return str_n(c, text, n);
}
