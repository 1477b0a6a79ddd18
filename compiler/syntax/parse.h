/* parse.h - private to parse.c, the scanner (lang/dgm.l) and the grammar (lang/dgm.y).
 *
 * Three layers: the scanner cuts text into raw tokens; the reader (parse.c) decides what depends on
 * context - which words are keywords here, which line breaks end a statement, what a brace opens -
 * so that the grammar is plain LALR(1).
 */
#ifndef DGMC_PARSE_H
#define DGMC_PARSE_H

#include "ast.h"

typedef struct Token {
    int kind;                          /* token of the grammar; 0 at the end of the file */
    uint32_t start, end;               /* bytes */
    Str text;                          /* NAME, NUM (as written), STRING (unescaped) */
    Str doc;                           /* `///` comment that stands directly above, or NULL */
    double num;                        /* NUM */
    bool newline;                      /* first on its line */
} Token;

/* What a brace has opened: which words begin a statement there. Bits, for the keyword table. */
enum {
    IN_FILE = 1, IN_MODEL = 2, IN_FAMILY = 4, IN_TRAIN = 8, IN_DIST = 16, IN_LAYER = 32,
    IN_SUPPORT = 64, IN_EXPR = 128, IN_STAGES = 256, IN_RECORD = 512, IN_PAREN = 1024,
};

typedef struct Open {
    int context;                       /* IN_... */
    char bracket;                      /* ( [ { */
    bool statement;                    /* a closing brace ends the statement too */
    int keyword;                       /* that began the statement around the bracket */
    Span span;
} Open;

enum { WINDOW = 4, QUEUE = 4 };

typedef struct Parser {
    Ctx *c;
    const Source *source;
    void *scanner;                     /* flex's yyscan_t */
    uint32_t offset;                   /* of the scanner: end of the last match */
    Str doc;                           /* doc comment gathered for the next token */
    bool newline;                      /* no token since the last line break */
    bool commented;                    /* nor a blank line: this one holds a comment */
    Token window[WINDOW];              /* raw tokens read ahead */
    int n_window;
    Token queue[QUEUE];                /* tokens made by the reader, due before the window */
    int n_queue;
    Open open[LIMIT_NEST];             /* brackets open now */
    int n_open;
    int outermost;                     /* context outside all brackets */
    int header;                        /* context the next brace opens, 0: that of an expression */
    int header_depth;                  /* n_open where the header began */
    bool header_statement;             /* its block ends the statement */
    int keyword;                       /* kind of the token that began this statement */
    Token first;                       /* that token */
    Token last;                        /* handed out last */
    uint32_t ended;                    /* end of the last statement handed out whole */
    uint32_t begun;                    /* end of the one before that of `first` */
    uint32_t bad;                      /* end of the last text that is no token; 0: none */
    bool recovering;                   /* the grammar reported an error: skip to a statement end */
    int recover_braces, recover_others; /* brackets that the skip must see closed */
    uint32_t rescued;                  /* a closing brace handed out twice: not a third time */
    bool closed_statement;             /* the brace closed last ended a statement */
    bool fatal;                        /* nothing more is read or said */
    int start_token;                   /* START_FILE or START_EXPRESSION, then 0 */
    Ast *root;                         /* the result */
} Parser;

/* lang/dgm.l */
int  scan_token(Token *token, Parser *p, void *scanner);
void scan_begin(Parser *p);
void scan_end(Parser *p);

/* parse.c, for the scanner and the grammar */
int  next_token(Parser *p, Token *token);
Str  unescape(Parser *p, Span at, const char *text, size_t n);
void syntax_error(Parser *p, Span at, int kind, const char **expected, int n_expected);
void begin_recovery(Parser *p);
Str  word_near(Parser *p, Str word);
Span parser_span(const Parser *p, uint32_t start, uint32_t end);
Ast *documented(Ast *a, Str doc);
/* The tree of a text, holes of paper examples included; NULL after errors. */
Ast *parse_tree(Ctx *c, Source *source, bool expression);

#endif
