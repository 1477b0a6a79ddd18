/* fmt.h - private to fmt.c (statements, comments) and fmt_expr.c (expressions). */
#ifndef DGMC_FMT_H
#define DGMC_FMT_H

#include "ast.h"

typedef struct Comment {
    uint32_t start, end;               /* bytes, without the line break */
    bool own_line;                     /* nothing but blanks before it on its line */
} Comment;

typedef struct Fmt {
    Ctx *c;
    Out *o;
    const Source *source;              /* NULL: a tree without comments */
    Comment *comments;                 /* vec, in order */
    size_t next;                       /* first comment not yet written */
    int indent;                        /* levels */
    int line_indent;                   /* that of the line begun last */
    bool fresh;                        /* a line was begun, its indentation not yet written */
    bool measure;                      /* all on one line, only counted: does it fit? */
    bool keep;                         /* measuring, and the text is written all the same */
    bool over;                         /* it does not */
    size_t used, room;                 /* columns counted, columns there are */
    int last_line;                     /* source line on which the last thing written ended */
} Fmt;

enum { PREC_ANY, PREC_PIPE, PREC_IF, PREC_OR, PREC_AND, PREC_NOT, PREC_COMPARE, PREC_ADD, PREC_MUL,
       PREC_SIGN, PREC_POWER, PREC_POSTFIX };

void put(Fmt *f, const char *text);
void put_line(Fmt *f);                               /* ends the line */
bool fits(Fmt *f, const Ast *a, int prec);           /* on the rest of this line */
void put_expr(Fmt *f, const Ast *e, int prec);       /* parenthesised if looser than prec */
void put_list(Fmt *f, const Ast *list, size_t from, const char *open, const char *close);
void put_block(Fmt *f, const Ast *block);            /* BLOCK or BLOCKEXPR, braces included */
bool must_break(Fmt *f, const Ast *block);           /* written on several lines, or commented */
void put_statement(Fmt *f, const Ast *s, bool local);

#endif
