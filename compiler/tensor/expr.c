/* expr.c - the expression syntax of ops.def and simplify.def.
 *
 *     expr  = sum [("<" | "<=" | ">" | ">=" | "==" | "!=") sum]
 *     sum   = term {("+" | "-") term}
 *     term  = unary {("*" | "/") unary}
 *     unary = "-" unary | NUMBER | NAME | OP "(" expr {"," expr} ")" | "(" expr ")"
 *
 * A call names any MAP op. The texts are tables of ours, so a mistake in one is an ice().
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "tir_build.h"

typedef struct Parser {
    Ctx *c;
    const char *text, *at;
} Parser;

int op_by_name(const char *name, size_t n)
{
    for (int op = 0; op < N_OPS; op++)
        if (!strncmp(op_info[op].name, name, n) && !op_info[op].name[n])
            return op;
    return -1;
}

static Expr *parse_compare(Parser *p);

_Noreturn static void expr_error(const Parser *p, const char *expected)
{
    ice("expression `%s`: %s expected at `%s`", p->text, expected, p->at);
}

/* Accepts `word` (punctuation) after blanks. */
static bool accept(Parser *p, const char *word)
{
    while (isspace((unsigned char)*p->at))
        p->at++;
    size_t n = strlen(word);
    if (strncmp(p->at, word, n))
        return false;
    p->at += n;
    return true;
}

static Expr *new_call(Parser *p, Op op, Expr *a, Expr *b)
{
    Expr *e = arena_alloc(p->c->arena, sizeof *e);
    *e = (Expr){ .kind = EXPR_CALL, .op = op, .arg = { a, b } };
    return e;
}

static Expr *parse_number(Parser *p)
{
    char *end;
    Expr *e = arena_alloc(p->c->arena, sizeof *e);
    e->kind = EXPR_NUM;
    e->num = strtod(p->at, &end);
    p->at = end;
    return e;
}

static Expr *parse_call(Parser *p, const char *name, size_t n)
{
    int op = op_by_name(name, n);
    if (op < 0 || op_info[op].kind != OP_KIND_MAP)
        expr_error(p, "the name of an elementwise operation before the parenthesis");
    Expr *e = new_call(p, (Op)op, NULL, NULL);
    for (int k = 0; k < op_info[op].arity; k++) {
        if (k && !accept(p, ","))
            expr_error(p, "`,`");
        e->arg[k] = parse_compare(p);
    }
    if (!accept(p, ")"))
        expr_error(p, "`)`");
    return e;
}

static Expr *parse_name(Parser *p)
{
    const char *start = p->at;
    while (isalnum((unsigned char)*p->at) || *p->at == '_')
        p->at++;
    size_t n = (size_t)(p->at - start);
    if (accept(p, "("))
        return parse_call(p, start, n);
    Expr *e = arena_alloc(p->c->arena, sizeof *e);
    e->kind = EXPR_NAME;
    if (n >= sizeof e->name)
        expr_error(p, "a name of less than 16 letters");
    memcpy(e->name, start, n);
    return e;
}

static Expr *parse_unary(Parser *p)
{
    if (accept(p, "-")) {
        Expr *e = parse_unary(p);
        if (e->kind != EXPR_NUM)
            return new_call(p, OP_NEG, e, NULL);
        e->num = -e->num;              /* -2 is a number */
        return e;
    }
    if (accept(p, "(")) {
        Expr *e = parse_compare(p);
        if (!accept(p, ")"))
            expr_error(p, "`)`");
        return e;
    }
    if (isdigit((unsigned char)*p->at) || *p->at == '.')
        return parse_number(p);
    if (!isalpha((unsigned char)*p->at))
        expr_error(p, "a number, name or `(`");
    return parse_name(p);
}

static Expr *parse_term(Parser *p)
{
    Expr *e = parse_unary(p);
    for (;;) {
        if (accept(p, "*"))
            e = new_call(p, OP_MUL, e, parse_unary(p));
        else if (accept(p, "/"))
            e = new_call(p, OP_DIV, e, parse_unary(p));
        else
            return e;
    }
}

static Expr *parse_sum(Parser *p)
{
    Expr *e = parse_term(p);
    for (;;) {
        if (accept(p, "+"))
            e = new_call(p, OP_ADD, e, parse_term(p));
        else if (accept(p, "-"))
            e = new_call(p, OP_SUB, e, parse_term(p));
        else
            return e;
    }
}

static Expr *parse_compare(Parser *p)
{
    static const struct { const char *text; Op op; } compare[] = {
        { "<=", OP_LE }, { ">=", OP_GE }, { "==", OP_EQ }, { "!=", OP_NE },
        { "<", OP_LT }, { ">", OP_GT },
    };
    Expr *e = parse_sum(p);
    for (size_t i = 0; i < sizeof compare / sizeof *compare; i++)
        if (accept(p, compare[i].text))
            return new_call(p, compare[i].op, e, parse_sum(p));
    return e;
}

Expr *expr_parse(Ctx *c, const char *text)
{
    Parser p = { c, text, text };
    Expr *e = parse_compare(&p);
    accept(&p, "");                    /* trailing blanks */
    if (*p.at)
        expr_error(&p, "the end");
    return e;
}

typedef struct Binding {
    TirFn *f;
    const char *text;
    const char *const *names;
    Tir *const *values;
    int n;
} Binding;

static Tir *build(const Binding *b, const Expr *e)
{
    Tir *arg[3] = { 0 };
    switch (e->kind) {
    case EXPR_NUM:
        return tir_const(b->f, e->num);
    case EXPR_NAME:
        for (int i = 0; i < b->n; i++)
            if (!strcmp(b->names[i], e->name) && b->values[i])
                return b->values[i];
        ice("expression `%s`: nothing is called `%s`", b->text, e->name);
    case EXPR_CALL:
        break;
    }
    for (int k = 0; k < op_info[e->op].arity; k++)
        arg[k] = build(b, e->arg[k]);
    return tir_map(b->f, e->op, arg[0], arg[1], arg[2]);
}

Tir *tir_expr(TirFn *f, const char *text, const char *const *names, Tir *const *values, int n)
{
    Binding b = { f, text, names, values, n };
    return build(&b, expr_parse(f->c, text));
}
