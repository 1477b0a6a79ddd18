/* dgm.y - grammar of the language: tokens to the tree of compiler/syntax/ast.def.
 *
 * Idea: actions call constructors and nothing else. What depends on context is settled before, by
 * the reader in compiler/syntax/parse.c:
 *   - a word is a keyword only where a statement begins, or in the one place of a statement where
 *     it has a meaning (`from`, `init`, `along`, ...); elsewhere it is a NAME;
 *   - SEP is the end of a statement: a newline or `;`, but no newline inside ( ) or [ ] or a
 *     record, nor after or before an operator (any of | > ~ = : , . .. < + - * / @ ^ and their
 *     like, `and or div mod in where along then else`), nor after `{`. So a line that begins with
 *     `-` goes on with the line before. Each statement is followed by exactly one SEP, also before
 *     `}`, and a statement that ends in a block by one after it;
 *   - `{` is LBRACE when it opens a block, LRECORD when a record `{ mu: .., sigma: .. }`.
 *
 * Operators, from loose to tight:
 *     |>                                left; a stage: value, network or distribution through it
 *     if c then a else b                the else branch reaches as far as it can
 *     or
 *     and
 *     not
 *     == != < <= > >=                   do not chain
 *     + -                               left
 *     * / @ div mod                     left
 *     - (sign)                          so -a^b is -(a^b)
 *     ^                                 right; a^-b is allowed
 *     x'  x[..]  x.field  f(..)
 * `..` stands only in an index or a domain and is looser than all of them.
 */
%code requires {
#include "parse.h"
#define SPEC_LTYPE Span
}

%define api.pure full
%define api.prefix {spec_}
%define api.location.type {Span}
%define parse.lac full
%define parse.error custom
%locations
%expect 0
%param { Parser *p }

%union {
    Str str;                           /* text of a word or number; doc comment of a keyword */
    double num;
    Token token;
    Ast *ast;
}

%code {
#include <string.h>

static int spec_lex(SPEC_STYPE *value, Span *at, Parser *p);
static void spec_error(Span *at, Parser *p, const char *message);

#define C (p->c)
#define YYLLOC_DEFAULT(current, rhs, n)                                                            \
    ((current) = (n) ? span_join(YYRHSLOC(rhs, 1), YYRHSLOC(rhs, n))                               \
                     : (Span){YYRHSLOC(rhs, 0).src, YYRHSLOC(rhs, 0).end, YYRHSLOC(rhs, 0).end})

static Ast *list(Parser *p, Span at, Ast *first)
{
    Ast *l = ast_new(p->c, AST_LIST, at, NULL, 0);
    return first ? ast_push(p->c, l, first) : l;
}

static Ast *push(Parser *p, Span at, Ast *l, Ast *kid)
{
    l->span = at;
    return kid ? ast_push(p->c, l, kid) : l;
}

/* The list's items behind the slots of a node of another kind. */
static Ast *take(Parser *p, Ast *node, const Ast *items)
{
    for (size_t i = 0; items && i < vec_len(items->kids); i++)
        ast_push(p->c, node, items->kids[i]);
    return node;
}

/* A declared name that is read instead: y, y[T .. T + 2]. */
static Ast *read(Parser *p, Ast *decl)
{
    Span at = decl->span;
    at.end = at.start + (uint32_t)strlen(decl->name);
    Ast *name = ast_name(p->c, at, decl->name, NULL);
    if (vec_len(decl->kids) == 0)
        return name;
    return take(p, ast_new(p->c, AST_INDEX, decl->span, NULL, 1, name), decl);
}

static Ast *retag(Ast *l, AstKind kind, Span at)
{
    l->kind = kind;
    l->span = at;
    return l;
}

static Ast *flagged(Ast *a)
{
    a->num = 1;
    return a;
}

static Ast *number(Parser *p, Span at, Token t)
{
    Ast *a = ast_new(p->c, AST_NUM, at, t.text, 0);
    a->num = t.num;
    return a;
}

static Ast *binary(Parser *p, Span at, const char *op, Ast *a, Ast *b)
{
    return ast_new(p->c, AST_BINARY, at, str(p->c, op), 2, a, b);
}

static Ast *unary(Parser *p, Span at, const char *op, Ast *a)
{
    return ast_new(p->c, AST_UNARY, at, str(p->c, op), 1, a);
}

/* The stages of `repeat k in K { a; b; c }` as the chain a |> b |> c. */
static Ast *chain(Parser *p, const Ast *stages)
{
    Ast *all = NULL;
    for (size_t i = 0; i < vec_len(stages->kids); i++) {
        Ast *s = stages->kids[i];
        all = all ? ast_new(p->c, AST_PIPE, span_join(all->span, s->span), NULL, 2, all, s) : s;
    }
    return all;
}

/* A block whose value is its last statement; says so if that is no expression. A list with an
 * error in it is flagged: its last statement may be missing for that reason. */
static Ast *value_block(Parser *p, Span at, Ast *l)
{
    size_t n = vec_len(l->kids);
    AstKind last = n ? l->kids[n - 1]->kind : AST_LET;
    bool whole = l->num == 0;
    l->num = 0;
    if (!whole) return retag(l, AST_BLOCKEXPR, at);
    if (last == AST_LET || last == AST_FUNCTION || last == AST_LATENT || last == AST_PARAM) {
        diag_error(p->c, E_BLOCK_VALUE, n ? l->kids[n - 1]->span : at);
        diag_help(p->c, "end it with its value: `{ let u = ..; u * a }`");
    }
    return retag(l, AST_BLOCKEXPR, at);
}
}

%token START_FILE START_EXPRESSION
%token SEP "end of statement"
%token <str> NAME "a name"
%token <str> STRING "a string"
%token <token> NUM "a number"
%token <str> UNIT_WORD "`epochs`"
%token HOLE "`...`"

%token <str> MODEL "`model`" FAMILY "`family`" TRAIN "`train`" DISTRIBUTION "`distribution`"
%token <str> LAYER "`layer`" SUPPORT "`support`" FLOW "`flow`" LET "`let`" DATA "`data`"
%token <str> LATENT "`latent`" PARAM "`param`" NET "`net`" FOR "`for`" SCAN "`scan`"
%token <str> FACTOR "`factor`" ORDERING "`ordering`" REPORT "`report`" PREDICT "`predict`"
%token <str> SAMPLE "`sample`" ALSO "`also`" KL "`kl`" UNTIL "`until`"
%token WITH "`with`" ON "`on`" FREE "`free`" FROM "`from`" MISSING "`missing`" INIT "`init`"
%token ALONG "`along`" BY "`by`" IN "`in`" WHERE "`where`" IF "`if`" THEN "`then`" ELSE "`else`"
%token REPEAT "`repeat`" IMPLICIT "`implicit`"
%token AND "`and`" OR "`or`" NOT "`not`" DIV "`div`" MOD "`mod`"
%token PIPE "`|>`" EQ "`==`" NE "`!=`" LT "`<`" LE "`<=`" GT "`>`" GE "`>=`" DOTDOT "`..`"
%token '+' "`+`" '-' "`-`" '*' "`*`" '/' "`/`" '@' "`@`" '^' "`^`" '\'' "`'`"
%token '~' "`~`" '=' "`=`" ':' "`:`" ',' "`,`" '.' "`.`" ';' "`;`"
%token '(' "`(`" ')' "`)`" '[' "`[`" ']' "`]`"
%token LBRACE "`{`" RBRACE "`}`" LRECORD "`{` of a record" RRECORD "`}` of a record"

%left PIPE
%precedence ELSE
%left OR
%left AND
%precedence NOT
%nonassoc EQ NE LT LE GT GE
%left '+' '-'
%left '*' '/' '@' DIV MOD
%precedence SIGN
%right '^'

%type <ast> items item opt_params params args argdecl opt_default opt_axes axes axis opt_free
%type <ast> opt_block block statements statement train_block train_statements train_statement
%type <ast> body_block body_statements body_statement value_statements value_statement stages
%type <ast> function let net decls decl predicted opt_field type types opt_from opt_missing
%type <ast> opt_law opt_init
%type <ast> binder domain opt_where names expr list_of_exprs postfix indexed primary call arguments
%type <ast> argument opt_arguments indices index range binders fields layer_body opt_name_of

%%

start:
    START_FILE items                   { p->root = retag($2, AST_FILE, @2); }
  | START_EXPRESSION expr SEP          { p->root = $2; }
  ;

/* ---- file level ------------------------------------------------------------------------------ */

items:
    %empty                             { $$ = list(p, @$, NULL); }
  | items item SEP                     { $$ = push(p, span_join($1->span, @2), $1, $2); }
  | items error SEP                    { $$ = $1; yyerrok; }
  ;

item:
    MODEL NAME opt_params block
        { $$ = documented(ast_new(C, AST_MODEL, @$, $2, 2, $3, $4), $1); }
  | FAMILY NAME FOR NAME block
        { $$ = documented(ast_new(C, AST_FAMILY, @$, $2, 2, ast_name(C, @4, $4, NULL), $5), $1); }
  | FAMILY FOR NAME block
        { $$ = documented(ast_new(C, AST_FAMILY, @$, NULL, 2, ast_name(C, @3, $3, NULL), $4), $1); }
  | TRAIN NAME opt_name_of train_block
        { $$ = documented(ast_new(C, AST_TRAIN, @$, $2, 2, $3, $4), $1); }
  | DISTRIBUTION NAME params ON type body_block
        { $$ = documented(ast_new(C, AST_DISTRIBUTION, @$, $2, 3, $3, $5, $6), $1); }
  | LAYER NAME params '(' argdecl ')' layer_body
        { $$ = documented(ast_new(C, AST_LAYER, @$, $2, 3, $3, $5, $7), $1); }
  | SUPPORT NAME opt_params opt_axes opt_free body_block
        { $$ = documented(ast_new(C, AST_SUPPORT, @$, $2, 4, $3, $4, $5, $6), $1); }
  | FLOW NAME opt_params '=' expr
        { $$ = documented(ast_new(C, AST_FLOW, @$, $2, 2, $3, $5), $1); }
  | function
  ;

opt_name_of:
    %empty                             { $$ = NULL; }
  | WITH NAME                          { $$ = ast_name(C, @2, $2, NULL); }
  ;

opt_params:
    %empty                             { $$ = list(p, @$, NULL); }
  | params
  ;

params:
    '(' ')'                            { $$ = list(p, @$, NULL); }
  | '(' args ')'                       { $$ = $2; $$->span = @$; }
  ;

args:
    argdecl                            { $$ = list(p, @$, $1); }
  | args ',' argdecl                   { $$ = push(p, @$, $1, $3); }
  ;

argdecl:
    NAME opt_axes opt_default
        { $$ = take(p, ast_new(C, AST_ARGDECL, @$, $1, 2, NULL, $3), $2); }
  | NAME opt_axes ':' type opt_default
        { $$ = take(p, ast_new(C, AST_ARGDECL, @$, $1, 2, $4, $5), $2); }
  ;

opt_default:
    %empty                             { $$ = NULL; }
  | '=' expr                           { $$ = $2; }
  ;

opt_free:
    %empty                             { $$ = NULL; }
  | FREE '[' list_of_exprs ']'         { $$ = $3; }
  ;

layer_body:
    LBRACE value_statements RBRACE     { $$ = value_block(p, @$, $2); }
  ;

function:
    LET NAME params '=' expr
        { $$ = documented(ast_new(C, AST_FUNCTION, @$, $2, 2, $3, $5), $1); }
  ;

/* ---- blocks of a model or family ------------------------------------------------------------- */

opt_block:
    %empty                             { $$ = NULL; }
  | body_block
  ;

block:
    LBRACE statements RBRACE           { $$ = retag($2, AST_BLOCK, @$); }
  ;

statements:
    %empty                             { $$ = list(p, @$, NULL); }
  | statements statement SEP           { $$ = push(p, span_join($1->span, @2), $1, $2); }
  | statements error SEP               { $$ = $1; yyerrok; }
  ;

statement:
    DATA decls opt_field ':' type opt_from opt_missing
        { $$ = documented(ast_new(C, AST_DATA, @$, NULL, 6, $2, $5, $3, $6, $7, NULL), $1); }
  | LATENT decls ':' type opt_law
        { $$ = documented(ast_new(C, AST_LATENT, @$, NULL, 3, $2, $4, $5), $1); }
  | LATENT '(' decls ')' ':' type opt_law
        { $$ = documented(flagged(ast_new(C, AST_LATENT, @$, NULL, 3, $3, $6, $7)), $1); }
  | LATENT net                         { $$ = documented(flagged($2), $1); $$->span = @$; }
  | PARAM decls ':' type opt_law opt_init
        { $$ = documented(ast_new(C, AST_PARAM, @$, NULL, 4, $2, $4, $5, $6), $1); }
  | let
  | function
  | net
  | FOR binder block                   { $$ = ast_new(C, AST_FOR, @$, NULL, 2, $2, $3); }
  | SCAN binder block                  { $$ = ast_new(C, AST_SCAN, @$, NULL, 2, $2, $3); }
  | expr '~' expr                      { $$ = ast_new(C, AST_SITE, @$, NULL, 3, $1, $3, NULL); }
  | expr ALONG postfix '~' expr        { $$ = ast_new(C, AST_SITE, @$, NULL, 3, $1, $5, $3); }
  | FACTOR expr                        { $$ = ast_new(C, AST_FACTOR, @$, NULL, 1, $2); }
  | ORDERING NAME '=' expr
        { $$ = documented(ast_new(C, AST_ORDERING, @$, $2, 1, $4), $1); }
  | REPORT decl '=' expr
        { $$ = documented(ast_new(C, AST_REPORT, @$, NULL, 2, list(p, @2, $2), $4), $1); }
  | PREDICT predicted                  { $$ = ast_new(C, AST_PREDICT, @$, NULL, 1, read(p, $2)); }
  | PREDICT predicted '~' expr
        { $$ = ast_new(C, AST_DRAWN, @$, NULL, 3, list(p, @2, $2), NULL, $4); }
  | PREDICT predicted ':' type '~' expr
        { $$ = ast_new(C, AST_DRAWN, @$, NULL, 3, list(p, @2, $2), $4, $6); }
  | expr
  ;

let:
    LET decl '=' expr
        { $$ = documented(ast_new(C, AST_LET, @$, NULL, 2, list(p, @2, $2), $4), $1); }
  ;

net:
    NET NAME params '=' expr opt_law
        { $$ = documented(ast_new(C, AST_NET, @$, $2, 3, $3, $5, $6), $1); }
  ;

decls:
    decl                               { $$ = list(p, @$, $1); }
  | decls ',' decl                     { $$ = push(p, @$, $1, $3); }
  ;

decl:
    NAME opt_axes                      { $$ = take(p, ast_new(C, AST_DECLNAME, @$, $1, 0), $2); }
  ;

opt_axes:
    %empty                             { $$ = list(p, @$, NULL); }
  | '[' axes ']'                       { $$ = $2; }
  ;

predicted:                             /* a name to read or to declare: `~` says which */
    decl
  | NAME '[' range ']'
        { $$ = take(p, ast_new(C, AST_DECLNAME, @$, $1, 0), list(p, @3, $3)); }
  | NAME '[' axes ',' range ']'
        { $$ = take(p, ast_new(C, AST_DECLNAME, @$, $1, 0), push(p, @$, $3, $5)); }
  ;

axes:
    axis                               { $$ = list(p, @$, $1); }
  | axes ',' axis                      { $$ = push(p, @$, $1, $3); }
  ;

axis:
    expr
  | binder
  ;

opt_field:
    %empty                             { $$ = NULL; }
  | '=' STRING                         { $$ = ast_new(C, AST_STRING, @2, $2, 0); }
  ;

type:
    NAME
        { $$ = ast_new(C, AST_TYPE, @$, $1, 2, list(p, @$, NULL), list(p, @$, NULL)); }
  | NAME '(' types ')'
        { $$ = ast_new(C, AST_TYPE, @$, $1, 2, $3, list(p, @4, NULL)); }
  | NAME '[' list_of_exprs ']'
        { $$ = ast_new(C, AST_TYPE, @$, $1, 2, list(p, @1, NULL), $3); }
  | NAME '(' types ')' '[' list_of_exprs ']'
        { $$ = ast_new(C, AST_TYPE, @$, $1, 2, $3, $6); }
  ;

types:
    list_of_exprs
  ;

opt_from:
    %empty                             { $$ = NULL; }
  | FROM NUM                           { $$ = number(p, @2, $2); }
  ;

opt_missing:
    %empty                             { $$ = NULL; }
  | MISSING                            { $$ = ast_name(C, @$, str(C, "missing"), NULL); }
  | MISSING expr                       { $$ = $2; }
  ;

opt_law:
    %empty                             { $$ = NULL; }
  | '~' expr                           { $$ = $2; }
  ;

opt_init:
    %empty                             { $$ = NULL; }
  | INIT expr                          { $$ = $2; }
  ;

binder:
    NAME IN domain opt_where           { $$ = ast_new(C, AST_BINDER, @$, $1, 2, $3, $4); }
  ;

domain:
    expr
  | range
  ;

opt_where:
    %empty                             { $$ = NULL; }
  | WHERE expr                         { $$ = $2; }
  ;

/* ---- training blocks ------------------------------------------------------------------------- */

train_block:
    LBRACE train_statements RBRACE     { $$ = retag($2, AST_BLOCK, @$); }
  ;

train_statements:
    %empty                             { $$ = list(p, @$, NULL); }
  | train_statements train_statement SEP { $$ = push(p, span_join($1->span, @2), $1, $2); }
  | train_statements error SEP         { $$ = $1; yyerrok; }
  ;

train_statement:
    NAME                               { $$ = ast_new(C, AST_SETTING, @$, $1, 1, NULL); }
  | NAME expr                          { $$ = ast_new(C, AST_SETTING, @$, $1, 1, $2); }
  | NAME BY expr
        { $$ = ast_new(C, AST_BY, @$, NULL, 2, ast_name(C, @1, $1, NULL), $3); }
  | '(' names ')' BY expr
        { $$ = ast_new(C, AST_BY, @$, NULL, 2, retag($2, AST_TUPLE, span_join(@1, @3)), $5); }
  | UNTIL NAME expr                    { $$ = ast_new(C, AST_UNTIL, @$, $2, 1, $3); }
  | net
  | let
  | function
  | HOLE                               { $$ = ast_new(C, AST_HOLE, @$, NULL, 0); }
  ;

names:
    NAME                               { $$ = list(p, @$, ast_name(C, @1, $1, NULL)); }
  | names ',' NAME                     { $$ = push(p, @$, $1, ast_name(C, @3, $3, NULL)); }
  ;

/* ---- bodies of distributions and supports ---------------------------------------------------- */

body_block:
    LBRACE body_statements RBRACE      { $$ = retag($2, AST_BLOCK, @$); }
  ;

body_statements:
    %empty                             { $$ = list(p, @$, NULL); }
  | body_statements body_statement SEP { $$ = push(p, span_join($1->span, @2), $1, $2); }
  | body_statements error SEP          { $$ = $1; yyerrok; }
  ;

body_statement:
    NAME params '=' expr
        { $$ = flagged(ast_new(C, AST_FUNCTION, @$, $1, 2, $2, $4)); }
  | NAME '=' expr                      { $$ = ast_new(C, AST_FACT, @$, $1, 1, $3); }
  | let
  | function
  | SAMPLE LBRACE value_statements RBRACE
        { $$ = ast_new(C, AST_SAMPLE, @$, NULL, 1, value_block(p, span_join(@2, @4), $3)); }
  | ALSO params '=' '(' arguments ')' opt_block
        { $$ = documented(ast_new(C, AST_ALSO, @$, NULL, 3, $2, $5, $7), $1); }
  | KL '(' call ')' '=' expr           { $$ = ast_new(C, AST_KL, @$, NULL, 2, $3, $6); }
  | HOLE                               { $$ = ast_new(C, AST_HOLE, @$, NULL, 0); }
  ;

/* ---- blocks that are values ------------------------------------------------------------------ */

value_statements:
    %empty                             { $$ = list(p, @$, NULL); }
  | value_statements value_statement SEP { $$ = push(p, span_join($1->span, @2), $1, $2); }
  | value_statements error SEP         { $$ = flagged($1); yyerrok; }
  ;

value_statement:
    let
  | function
  | PARAM decls ':' type opt_law opt_init
        { $$ = documented(ast_new(C, AST_PARAM, @$, NULL, 4, $2, $4, $5, $6), $1); }
  | NAME ':' type '~' expr
        { $$ = ast_new(C, AST_LATENT, @$, NULL, 3,
                       list(p, @1, ast_new(C, AST_DECLNAME, @1, $1, 0)), $3, $5); }
  | expr
  ;

stages:
    expr SEP                           { $$ = list(p, @1, $1); }
  | stages expr SEP                    { $$ = push(p, span_join(@1, @2), $1, $2); }
  | error SEP                          { $$ = list(p, @1, NULL); yyerrok; }
  | stages error SEP                   { $$ = $1; yyerrok; }
  ;

/* ---- expressions ----------------------------------------------------------------------------- */

list_of_exprs:
    expr                               { $$ = list(p, @$, $1); }
  | list_of_exprs ',' expr             { $$ = push(p, @$, $1, $3); }
  ;

expr:
    expr PIPE expr                     { $$ = ast_new(C, AST_PIPE, @$, NULL, 2, $1, $3); }
  | IF expr THEN expr ELSE expr        { $$ = ast_new(C, AST_IF, @$, NULL, 3, $2, $4, $6); }
  | expr OR expr                       { $$ = binary(p, @$, "or", $1, $3); }
  | expr AND expr                      { $$ = binary(p, @$, "and", $1, $3); }
  | NOT expr                           { $$ = unary(p, @$, "not", $2); }
  | expr EQ expr                       { $$ = binary(p, @$, "==", $1, $3); }
  | expr NE expr                       { $$ = binary(p, @$, "!=", $1, $3); }
  | expr LT expr                       { $$ = binary(p, @$, "<", $1, $3); }
  | expr LE expr                       { $$ = binary(p, @$, "<=", $1, $3); }
  | expr GT expr                       { $$ = binary(p, @$, ">", $1, $3); }
  | expr GE expr                       { $$ = binary(p, @$, ">=", $1, $3); }
  | expr '+' expr                      { $$ = binary(p, @$, "+", $1, $3); }
  | expr '-' expr                      { $$ = binary(p, @$, "-", $1, $3); }
  | expr '*' expr                      { $$ = binary(p, @$, "*", $1, $3); }
  | expr '/' expr                      { $$ = binary(p, @$, "/", $1, $3); }
  | expr '@' expr                      { $$ = binary(p, @$, "@", $1, $3); }
  | expr DIV expr                      { $$ = binary(p, @$, "div", $1, $3); }
  | expr MOD expr                      { $$ = binary(p, @$, "mod", $1, $3); }
  | '-' expr %prec SIGN                { $$ = unary(p, @$, "-", $2); }
  | expr '^' expr                      { $$ = binary(p, @$, "^", $1, $3); }
  | postfix
  ;

/* A NAME is kept apart from other operands until it is known whether `name[` is an index or the
 * reduction `name[k in K](e)`. */
postfix:
    NAME                               { $$ = ast_name(C, @$, $1, NULL); }
  | indexed
  ;

indexed:
    primary
  | NAME '[' indices ']'
        { $$ = take(p, ast_new(C, AST_INDEX, @$, NULL, 1, ast_name(C, @1, $1, NULL)), $3); }
  | indexed '[' indices ']'            { $$ = take(p, ast_new(C, AST_INDEX, @$, NULL, 1, $1), $3); }
  | NAME '.' NAME
        { $$ = ast_new(C, AST_FIELD, @$, $3, 1, ast_name(C, @1, $1, NULL)); }
  | indexed '.' NAME                   { $$ = ast_new(C, AST_FIELD, @$, $3, 1, $1); }
  | NAME '\''                          { $$ = unary(p, @$, "'", ast_name(C, @1, $1, NULL)); }
  | indexed '\''                       { $$ = unary(p, @$, "'", $1); }
  ;

primary:
    NUM                                { $$ = number(p, @$, $1); }
  | NUM UNIT_WORD
        { $$ = ast_new(C, AST_UNIT, @$, $2, 0); $$->num = $1.num; }
  | HOLE                               { $$ = ast_new(C, AST_HOLE, @$, NULL, 0); }
  | call
  | NAME '[' binders ']' '(' expr ')'
        { $$ = ast_new(C, AST_REDUCE, @$, $1, 2, $3, $6); }
  | '(' expr ')'                       { $$ = $2; }
  | '(' expr ',' list_of_exprs ')'
        { $$ = take(p, ast_new(C, AST_TUPLE, @$, NULL, 1, $2), $4); }
  | '[' list_of_exprs ']'              { $$ = retag($2, AST_VECTOR, @$); }
  | LRECORD fields RRECORD             { $$ = retag($2, AST_RECORD, @$); }
  | LBRACE value_statements RBRACE     { $$ = value_block(p, @$, $2); }
  | REPEAT binder LBRACE stages RBRACE
        { $$ = ast_new(C, AST_REPEAT, @$, NULL, 2, $2, chain(p, $4)); }
  | IMPLICIT LBRACE value_statements RBRACE
        { $$ = ast_new(C, AST_IMPLICIT, @$, NULL, 1, value_block(p, span_join(@2, @4), $3)); }
  ;

call:
    NAME '(' opt_arguments ')'         { $$ = take(p, ast_new(C, AST_CALL, @$, $1, 0), $3); }
  ;

opt_arguments:
    %empty                             { $$ = NULL; }
  | arguments
  ;

arguments:
    argument                           { $$ = list(p, @$, $1); }
  | arguments ',' argument             { $$ = push(p, @$, $1, $3); }
  ;

argument:
    expr                               { $$ = ast_new(C, AST_ARG, @$, NULL, 1, $1); }
  | NAME ':' expr                      { $$ = ast_new(C, AST_ARG, @$, $1, 1, $3); }
  ;

fields:
    NAME ':' expr
        { $$ = list(p, @$, ast_new(C, AST_ARG, @$, $1, 1, $3)); }
  | fields ',' NAME ':' expr
        { $$ = push(p, @$, $1, ast_new(C, AST_ARG, span_join(@3, @5), $3, 1, $5)); }
  ;

indices:
    index                              { $$ = list(p, @$, $1); }
  | indices ',' index                  { $$ = push(p, @$, $1, $3); }
  ;

index:
    expr
  | range
  ;

range:
    expr DOTDOT expr                   { $$ = ast_new(C, AST_RANGE, @$, NULL, 2, $1, $3); }
  ;

binders:
    binder                             { $$ = list(p, @$, $1); }
  | binders ',' binder                 { $$ = push(p, @$, $1, $3); }
  ;

%%

/* From the reader: words carry their text, keywords the doc comment above them. */
static int spec_lex(SPEC_STYPE *value, Span *at, Parser *p)
{
    Token t;
    int kind = next_token(p, &t);
    *at = parser_span(p, t.start, t.end);
    if (kind == NUM) value->token = t;
    else if (kind == NAME || kind == STRING || kind == UNIT_WORD) value->str = t.text;
    else value->str = t.doc;
    return kind;
}

/* Only "memory exhausted" comes this way: the stack bound is a bound on nesting. */
static void spec_error(Span *at, Parser *p, const char *message)
{
    (void)message;
    if (!p->fatal) diag_error(p->c, E_DEPTH_LIMIT, *at, LIMIT_DEPTH);
    p->fatal = true;
}

static int yyreport_syntax_error(const yypcontext_t *context, Parser *p)
{
    enum { MOST = 100 };
    yysymbol_kind_t kinds[MOST];
    const char *names[MOST];
    int n = yypcontext_expected_tokens(context, kinds, MOST);
    for (int i = 0; i < n; i++) names[i] = yysymbol_name(kinds[i]);
    syntax_error(p, *yypcontext_location(context), p->last.kind, names, n < 0 ? 0 : n);
    return 0;
}
