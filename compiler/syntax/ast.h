/* ast.h - the tree of a .dgm file. One node type; ast.def has a row for every kind.
 *
 * Grammar actions call ast_new and nothing else. The checker fills `decl` and `type`; no later
 * stage changes a node that came from source. Stages that need new expressions build new nodes
 * (with the span of what they stem from).
 */
#ifndef DGMC_AST_H
#define DGMC_AST_H

#include "../base/base.h"

typedef enum {
#define AST(id, name, ...) AST_##id,
#include "ast.def"
#undef AST
    N_AST
} AstKind;

#define AST(id, name, ...) enum { __VA_ARGS__ };
#include "ast.def"
#undef AST

typedef struct Ast Ast;
struct Ast {
    AstKind kind;
    Span span;
    Str name;                          /* as the row of ast.def says, or NULL */
    double num;                        /* as the row says, or 0 */
    Ast **kids;                        /* vec: fixed slots (may be NULL), then the list */
    Str doc;                           /* `///` comment above a declaration, or NULL */
    Ast *decl;                         /* resolve: what a NAME, CALL, TYPE or REDUCE refers to */
    struct Type *type;                 /* infer: type of the expression */
    int depth;                         /* nodes from here down to the deepest leaf */
};

/* ast.c */
Ast *ast_new(Ctx *c, AstKind kind, Span span, Str name, size_t n, ...);   /* n kids, may be NULL */
Ast *ast_push(Ctx *c, Ast *list, Ast *kid);           /* returns list */
Ast *ast_num(Ctx *c, Span span, double value);
Ast *ast_name(Ctx *c, Span span, Str name, Ast *decl);
Ast *ast_call(Ctx *c, Span span, const char *name, size_t n, ...);  /* n positional arguments */
Ast *ast_argument(const Ast *call, const char *name);  /* its value, or NULL */
Ast *ast_copy(Ctx *c, const Ast *a);                  /* deep; keeps decl and type */
/* Calls visit on every node, parents first; visit returns false to skip the kids. */
void ast_walk(Ast *a, bool (*visit)(Ast *, void *), void *data);
bool ast_equal(const Ast *a, const Ast *b);           /* spans, decl and type aside */
const char *ast_kind_name(AstKind kind);
int  ast_slots(AstKind kind);                         /* fixed slots of a kind */
void ast_verify(const Ast *a);                        /* slot counts and kinds; ice() if broken */

/* parse.c */
Ast *parse_file(Ctx *c, const char *path);            /* NULL after errors */
Ast *parse_text(Ctx *c, Source *source);              /* the same for a text in memory */
Ast *parse_library(Ctx *c);                           /* all of lang/std as one FILE */
/* Lines `NAME by METHOD` ("NAME=METHOD") put into the train block of a model (NULL: the first).
 * False after an error. */
bool override_estimators(Ctx *c, Ast *file, const char *model_name, const char *const *given);
Ast *parse_expression(Ctx *c, Source *source);        /* one expression */

/* fmt.c */
void ast_dump(Out *o, const Ast *a);                  /* --dump=ast: s-expressions */
void fmt_file(Ctx *c, Out *o, const Ast *file);       /* source again; comments kept */
Str  fmt_expr(Ctx *c, const Ast *e);                  /* one line, as a person would write it */

#endif
