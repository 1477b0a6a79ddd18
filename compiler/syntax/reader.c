/* reader.c - between scanner and grammar: what a token means where it stands.
 *
 * Idea: a window of raw tokens is enough to decide (1) which words are keywords, from what began
 * the statement and what the innermost brace opened; (2) whether a line break ends a statement;
 * (3) what a brace opens. Brackets are matched here, so their errors are exact and stop the run at
 * once. After a syntax error the reader itself skips to the end of the statement, balanced brackets
 * included, so that one error makes one message.
 * establishes: the stream of tokens that the head of dgm.y describes.
 */
#include "parse.h"
#include "dgm.tab.h"

#include <string.h>

/* ---- words ----------------------------------------------------------------------------------- */

typedef struct Word {
    const char *text;
    int token;
    int contexts;                      /* IN_...: where a statement may begin with it */
    int after;                         /* only in a statement begun by this token; 0: in any */
} Word;

enum { IN_STORY = IN_MODEL | IN_FAMILY, ANYWHERE = ~0 };

/* Words that begin a statement. Those of a model are known at file level too, for the message. */
static const Word first_words[] = {
    {"model", MODEL, IN_FILE, 0},          {"family", FAMILY, IN_FILE, 0},
    {"train", TRAIN, IN_FILE, 0},          {"distribution", DISTRIBUTION, IN_FILE, 0},
    {"layer", LAYER, IN_FILE, 0},          {"support", SUPPORT, IN_FILE, 0},
    {"flow", FLOW, IN_FILE, 0},
    {"let", LET, ANYWHERE & ~IN_STAGES, 0},
    {"data", DATA, IN_FILE | IN_STORY, 0}, {"latent", LATENT, IN_FILE | IN_STORY, 0},
    {"param", PARAM, IN_FILE | IN_STORY | IN_LAYER, 0},
    {"net", NET, IN_FILE | IN_STORY | IN_TRAIN, 0},
    {"for", FOR, IN_FILE | IN_STORY, 0},   {"scan", SCAN, IN_FILE | IN_STORY, 0},
    {"factor", FACTOR, IN_FILE | IN_STORY, 0},
    {"ordering", ORDERING, IN_FILE | IN_MODEL, 0},
    {"report", REPORT, IN_FILE | IN_MODEL, 0},
    {"predict", PREDICT, IN_FILE | IN_MODEL, 0},
    {"sample", SAMPLE, IN_DIST, 0},        {"also", ALSO, IN_DIST, 0},
    {"kl", KL, IN_DIST, 0},                {"until", UNTIL, IN_TRAIN, 0},
};

/* Words with a meaning only directly after an operand, where no name can stand. */
static const Word inner_words[] = {
    {"and", AND, ANYWHERE, 0},       {"or", OR, ANYWHERE, 0},
    {"div", DIV, ANYWHERE, 0},       {"mod", MOD, ANYWHERE, 0},
    {"in", IN, ANYWHERE, 0},         {"where", WHERE, ANYWHERE, 0},
    {"then", THEN, ANYWHERE, 0},     {"else", ELSE, ANYWHERE, 0},
    {"along", ALONG, ANYWHERE, NAME}, {"by", BY, IN_TRAIN, 0},
    {"from", FROM, ANYWHERE, DATA},  {"missing", MISSING, ANYWHERE, DATA},
    {"init", INIT, ANYWHERE, PARAM}, {"with", WITH, ANYWHERE, TRAIN},
    {"on", ON, ANYWHERE, DISTRIBUTION}, {"free", FREE, ANYWHERE, SUPPORT},
    {"for", FOR, ANYWHERE, FAMILY},
};

static int context(const Parser *p)
{
    return p->n_open ? p->open[p->n_open - 1].context : p->outermost;
}

static int find_word(const Word *words, size_t n, Str text, int contexts, int keyword)
{
    for (size_t i = 0; i < n; i++)
        if ((words[i].contexts & contexts) && (!words[i].after || words[i].after == keyword)
            && strcmp(words[i].text, text) == 0) return words[i].token;
    return NAME;
}

#define FIND(table, text, contexts, keyword)                                                       \
    find_word(table, sizeof(table) / sizeof *(table), text, contexts, keyword)

/* ---- the window ------------------------------------------------------------------------------ */

static Token *peek(Parser *p, int ahead)
{
    while (p->n_window <= ahead) {
        Token *t = &p->window[p->n_window];
        bool ended = p->n_window > 0 && t[-1].kind == 0;
        *t = ended ? t[-1] : (Token){0};
        if (!ended) scan_token(t, p, p->scanner);
        p->n_window++;
    }
    return &p->window[ahead];
}

static void drop(Parser *p)
{
    p->n_window--;
    memmove(p->window, p->window + 1, (size_t)p->n_window * sizeof *p->window);
}

static void enqueue(Parser *p, int kind, uint32_t start, uint32_t end)
{
    p->queue[p->n_queue++] = (Token){.kind = kind, .start = start, .end = end};
}

/* ---- line breaks ----------------------------------------------------------------------------- */

/* Can an expression end with this token? Then what follows is no operand, so no name. */
static bool ends_operand(int kind)
{
    return kind == NAME || kind == NUM || kind == STRING || kind == UNIT_WORD || kind == ')'
        || kind == ']' || kind == RBRACE || kind == RRECORD || kind == '\'' || kind == HOLE
        || kind == MISSING;
}

/* Does a line that begins so go on with the line before? */
static bool continues(const Parser *p, const Token *t)
{
    switch (t->kind) {
    case PIPE: case EQ: case NE: case LT: case LE: case GT: case GE: case DOTDOT:
    case '+': case '-': case '*': case '/': case '@': case '^': case '~': case '=': case ':':
    case ',': case '.':
        return true;
    case NAME: {
        int word = FIND(inner_words, t->text, context(p), p->keyword);
        return word == AND || word == OR || word == DIV || word == MOD || word == IN
            || word == WHERE || word == ALONG || word == THEN || word == ELSE;
    }
    default:
        return false;
    }
}

static bool at_statement_start(const Parser *p)
{
    return p->last.kind == 0 || p->last.kind == SEP || p->last.kind == LBRACE;
}

/* Does the statement end before the raw token t? Line breaks count only directly in a block. */
static bool statement_ends(const Parser *p, const Token *t)
{
    if (context(p) & (IN_PAREN | IN_RECORD) || at_statement_start(p)) return false;
    if (t->kind == ';' || t->kind == 0 || t->kind == '}' || t->kind == HOLE)
        return t->kind != HOLE || ends_operand(p->last.kind);
    if (p->last.kind == HOLE) return t->kind != PIPE;
    if (!t->newline || !ends_operand(p->last.kind)) return false;
    if (t->kind == '{' && p->header && p->n_open == p->header_depth) return false;
    return !continues(p, t);
}

/* ---- brackets -------------------------------------------------------------------------------- */

static Str bracket_text(Parser *p, int c) { return str_fmt(p->c, "%c", c); }

static int stop(Parser *p)
{
    p->fatal = true;
    return 0;
}

static bool open_bracket(Parser *p, const Token *t, char bracket, int inside, bool statement)
{
    Span at = parser_span(p, t->start, t->end);
    if (p->n_open == LIMIT_NEST) return diag_error(p->c, E_NEST_LIMIT, at, LIMIT_NEST);
    p->open[p->n_open++] = (Open){inside, bracket, statement, p->keyword, at};
    return true;
}

/* A brace opens what its header says, a record if a field name follows, or else a value's block. */
static int open_brace(Parser *p, const Token *t)
{
    if (p->header && p->n_open == p->header_depth) {
        int inside = p->header;
        p->header = 0;
        return open_bracket(p, t, '{', inside, p->header_statement) ? LBRACE : stop(p);
    }
    if (peek(p, 1)->kind == NAME && peek(p, 2)->kind == ':')
        return open_bracket(p, t, '{', IN_RECORD, false) ? LRECORD : stop(p);
    return open_bracket(p, t, '{', IN_EXPR, false) ? LBRACE : stop(p);
}

static int close_bracket(Parser *p, const Token *t)
{
    Span at = parser_span(p, t->start, t->end);
    Str text = bracket_text(p, t->kind);
    Open top = p->open[p->n_open - 1];
    char wanted = top.bracket == '(' ? ')' : top.bracket == '[' ? ']' : '}';
    if (t->kind != wanted) {
        diag_error(p->c, E_MISMATCH, at, text, bracket_text(p, top.bracket));
        diag_note(p->c, top.span, "opened here");
        return stop(p);
    }
    p->n_open--;
    if (p->n_open < p->header_depth) p->header = 0;
    p->keyword = top.keyword;
    p->closed_statement = top.statement;
    if (top.statement) enqueue(p, SEP, t->end, t->end);
    return t->kind != '}' ? t->kind : top.context == IN_RECORD ? RRECORD : RBRACE;
}

/* ---- one token ------------------------------------------------------------------------------- */

static void begin_header(Parser *p, int inside, bool statement)
{
    p->header = inside;
    p->header_depth = p->n_open;
    p->header_statement = statement;
}

/* What the next brace opens, once the statement's first word is known. */
static void note_header(Parser *p, int kind)
{
    switch (kind) {
    case MODEL:        begin_header(p, IN_MODEL, true); break;
    case FAMILY:       begin_header(p, IN_FAMILY, true); break;
    case TRAIN:        begin_header(p, IN_TRAIN, true); break;
    case DISTRIBUTION:
    case ALSO:         begin_header(p, IN_DIST, true); break;
    case LAYER:        begin_header(p, IN_LAYER, true); break;
    case SUPPORT:      begin_header(p, IN_SUPPORT, true); break;
    case SAMPLE:       begin_header(p, IN_EXPR, true); break;
    case FOR:
    case SCAN:
        if (p->keyword == kind) begin_header(p, context(p), true);
        break;
    case REPEAT:       begin_header(p, IN_STAGES, false); break;
    case IMPLICIT:     begin_header(p, IN_EXPR, false); break;
    default: break;
    }
}

/* Words of a distribution's body are keywords only in their own form: a fact may be named `kl`. */
static int first_word(Parser *p, const Token *t)
{
    int kind = FIND(first_words, t->text, context(p), 0), next = peek(p, 1)->kind;
    if ((kind == ALSO || kind == KL) && next != '(') return NAME;
    if (kind == SAMPLE && next != '{') return NAME;
    if (kind == UNTIL && next != NAME) return NAME;
    return kind;
}

static int word_kind(Parser *p, const Token *t)
{
    if (at_statement_start(p)) {
        int kind = first_word(p, t);
        if (kind != NAME) return kind;
    }
    int last = p->last.kind, next = peek(p, 1)->kind;
    if (last == FAMILY && strcmp(t->text, "for") == 0) return FOR;
    if (last == LATENT && next == NAME && strcmp(t->text, "net") == 0) return NET;
    if (ends_operand(last)) {
        const char *w = t->text;
        if (last == NUM && (!strcmp(w, "epochs") || !strcmp(w, "epoch") || !strcmp(w, "steps")
                            || !strcmp(w, "step"))) return UNIT_WORD;
        return FIND(inner_words, w, context(p) | IN_FILE, p->keyword);
    }
    if (strcmp(t->text, "if") == 0) return IF;
    if (strcmp(t->text, "not") == 0) return NOT;
    if (next == NAME && strcmp(t->text, "repeat") == 0) return REPEAT;
    if (next == '{' && strcmp(t->text, "implicit") == 0) return IMPLICIT;
    return NAME;
}

static int classify(Parser *p, const Token *t)
{
    switch (t->kind) {
    case NAME: return word_kind(p, t);
    case '(':  return open_bracket(p, t, '(', IN_PAREN, false) ? '(' : stop(p);
    case '[':  return open_bracket(p, t, '[', IN_PAREN, false) ? '[' : stop(p);
    case '{':  return open_brace(p, t);
    case ')':
    case ']':
    case '}':  return close_bracket(p, t);
    default:   return t->kind;
    }
}

/* Drops closing brackets for which nothing is open: `)` and `]` in a block, any at file level. */
static void drop_stray(Parser *p)
{
    for (;; drop(p)) {
        Token *t = peek(p, 0);
        bool closes = t->kind == ')' || t->kind == ']' || t->kind == '}';
        bool block = p->n_open > 0 && p->open[p->n_open - 1].bracket == '{';
        if (!closes || (p->n_open > 0 && (t->kind == '}' || !block))) return;
        diag_error(p->c, E_STRAY_CLOSE, parser_span(p, t->start, t->end), bracket_text(p, t->kind));
    }
}

/* The end of the file, or the bracket that was open there. */
static int end_of_file(Parser *p)
{
    if (p->n_open == 0) return 0;
    const Open *top = &p->open[p->n_open - 1];
    diag_error(p->c, E_UNCLOSED, top->span, bracket_text(p, top->bracket));
    return stop(p);
}

/* ---- after an error -------------------------------------------------------------------------- */

/* Reads on to the end of the statement in which the error was; brackets it opened are skipped. */
static void skip_statement(Parser *p)
{
    for (;; drop(p)) {
        Token *t = peek(p, 0);
        if (t->kind == 0) return;
        bool next_line = t->newline && p->recover_braces == 0;
        bool outside = p->recover_others <= 0
                    || (t->kind == NAME && FIND(first_words, t->text, context(p), 0) != NAME);
        if (p->recover_braces == 0 && t->kind == '}') return;
        if (p->recover_braces == 0 && t->kind == ';' && p->recover_others <= 0) return;
        if (next_line && outside && !continues(p, t)) return;
        if (t->kind == '{') p->recover_braces++;
        if (t->kind == '}') p->recover_braces--;
        if (t->kind == '(' || t->kind == '[') p->recover_others++;
        if ((t->kind == ')' || t->kind == ']') && p->recover_others > 0) p->recover_others--;
    }
}

/* Called with the token at which the grammar failed: brackets of this statement are forgotten. */
void begin_recovery(Parser *p)
{
    Token t = p->last;
    p->header = 0;
    p->n_queue = 0;
    if (t.kind == SEP) return;         /* the statement has ended already */
    if (t.kind == RBRACE) {            /* hand it out again, behind the end of the statement */
        if (p->rescued == t.start) p->fatal = true;
        p->rescued = t.start;
        enqueue(p, SEP, t.start, t.start);
        enqueue(p, RBRACE, t.start, t.end);
        if (p->closed_statement) enqueue(p, SEP, t.end, t.end);
        return;
    }
    p->recovering = true;
    p->recover_braces = p->recover_others = 0;
    if (t.kind == LBRACE) {
        p->n_open--;
        p->recover_braces++;
    }
    while (p->n_open > 0 && (p->open[p->n_open - 1].context & (IN_PAREN | IN_RECORD))) {
        if (p->open[--p->n_open].context == IN_RECORD) p->recover_braces++;
        else p->recover_others++;
    }
}

/* ---- the stream ------------------------------------------------------------------------------ */

static int hand_out(Parser *p, Token *token, Token t)
{
    if (p->fatal) t.kind = 0;
    bool starts = at_statement_start(p);
    p->last = t;
    if (starts && t.kind != SEP && t.kind != RBRACE) {
        p->first = t;
        p->begun = p->ended;
        p->keyword = t.kind;
    }
    if (t.kind == SEP) {
        p->header = 0;
        p->ended = t.end;
    }
    note_header(p, t.kind);
    *token = t;
    return t.kind;
}

int next_token(Parser *p, Token *token)
{
    if (p->start_token) {
        *token = (Token){.kind = p->start_token};
        p->start_token = 0;
        return token->kind;
    }
    if (p->fatal) return hand_out(p, token, (Token){.start = p->last.end, .end = p->last.end});
    if (p->recovering) {
        skip_statement(p);
        p->recovering = false;
        uint32_t here = peek(p, 0)->start;
        return hand_out(p, token, (Token){.kind = SEP, .start = here, .end = here});
    }
    while (p->n_queue > 0) {
        Token due = p->queue[0];
        p->n_queue--;
        memmove(p->queue, p->queue + 1, (size_t)p->n_queue * sizeof *p->queue);
        if (due.kind != SEP || !at_statement_start(p)) return hand_out(p, token, due);
    }
    for (drop_stray(p); peek(p, 0)->kind == ';' && at_statement_start(p)
                        && !(context(p) & (IN_PAREN | IN_RECORD)); drop_stray(p))
        drop(p);
    Token t = *peek(p, 0);
    if (statement_ends(p, &t)) {
        if (t.kind == ';') drop(p);
        return hand_out(p, token, (Token){.kind = SEP, .start = p->last.end, .end = p->last.end});
    }
    int kind = t.kind == 0 ? end_of_file(p) : classify(p, &t);
    drop(p);
    t.kind = kind;
    return hand_out(p, token, t);
}

/* The word that may begin a statement here and looks like this one, or NULL. */
Str word_near(Parser *p, Str word)
{
    enum { N = sizeof first_words / sizeof *first_words };
    Str candidates[N];
    size_t n = 0;
    for (size_t i = 0; i < N; i++)
        if (first_words[i].contexts & context(p)) candidates[n++] = str(p->c, first_words[i].text);
    return nearest(p->c, word, candidates, n);
}
