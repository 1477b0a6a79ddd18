/* syntax_error.c - what the user reads when the grammar fails.
 *
 * Idea: bison says which tokens would have been accepted; a person wants to hear "an expression" or
 * "an operator" and at most four names. Some mistakes are known by their shape (an assignment, a
 * `while`, chained comparisons, a statement outside of its model) and get their own sentence.
 */
#include "parse.h"
#include "dgm.tab.h"

#include <string.h>

enum { MOST_NAMES = 4 };

static const char *const starters[] = {
    "a number", "a name", "`(`", "`[`", "`{`", "`{` of a record", "`-`", "`not`", "`if`",
    "`repeat`", "`implicit`", "`...`",
};
static const char *const operators[] = {
    "`|>`", "`or`", "`and`", "`==`", "`!=`", "`<`", "`<=`", "`>`", "`>=`", "`+`", "`-`", "`*`",
    "`/`", "`@`", "`div`", "`mod`", "`^`", "`'`", "`.`", "`[`", "`(`", "`epochs`",
};
#define COUNT(a) (sizeof(a) / sizeof *(a))

static bool among(const char *name, const char *const *set, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(name, set[i]) == 0) return true;
    return false;
}

static int without(const char **names, int n, const char *const *set, size_t n_set)
{
    int kept = 0;
    for (int i = 0; i < n; i++)
        if (!among(names[i], set, n_set)) names[kept++] = names[i];
    return kept;
}

/* "`]`, `,` or an operator": groups first, then the list is cut. */
static Str expected_text(Ctx *c, const char **names, int n)
{
    const char *group = NULL;
    if (among("`distribution`", names, (size_t)n))
        return str(c, "`model`, `family`, `train` or another declaration");
    if (among("`data`", names, (size_t)n)) return str(c, "a statement or `}`");
    if (among("a number", names, (size_t)n) && among("`(`", names, (size_t)n)) {
        group = "an expression";
        n = without(names, n, starters, COUNT(starters));
    } else if (among("`+`", names, (size_t)n)) {
        group = "an operator";
        n = without(names, n, operators, COUNT(operators));
    } else {
        static const char *const never[] = {"`...`", "`epochs`"};
        n = without(names, n, never, COUNT(never));
    }
    const char *shown[MOST_NAMES + 1] = {NULL};
    int total = 0;
    if (group && strcmp(group, "an expression") == 0) shown[total++] = group;
    for (int i = 0; i < n && total < MOST_NAMES; i++) shown[total++] = names[i];
    if (group && (total == 0 || shown[0] != group) && total < MOST_NAMES) shown[total++] = group;
    if (total == 0) return str(c, "something else");
    Str text = str(c, shown[0]);
    for (int i = 1; i < total; i++)
        text = str_fmt(c, "%s%s%s", text, i + 1 == total ? " or " : ", ", shown[i]);
    return text;
}

static bool is_comparison(int kind)
{
    return kind == EQ || kind == NE || kind == LT || kind == LE || kind == GT || kind == GE;
}

static Str unexpected_text(Parser *p, Span at, int kind)
{
    enum { LONGEST = 40 };
    if (kind == 0) return str(p->c, "end of the file");
    if (kind == SEP) return str(p->c, at.end < p->source->length && p->source->text[at.end] == ';'
                                      ? "`;`" : "end of the statement");
    Str text = span_text(p->c, at);
    if (strlen(text) <= LONGEST) return str_fmt(p->c, "`%s`", text);
    return str_fmt(p->c, "`%.*s..`", LONGEST, text);
}

static const char *foreign_loop(const char *word)
{
    static const char *const words[] = {"while", "if", "do", "return", "repeat", "loop", "var",
                                        "def", "function", "const", "import", "print"};
    for (size_t i = 0; i < COUNT(words); i++)
        if (strcmp(words[i], word) == 0) return words[i];
    return NULL;
}

/* The text between two places, without blanks around it. */
static Str trimmed(Parser *p, uint32_t from, uint32_t to)
{
    Str text = span_text(p->c, parser_span(p, from, to));
    text += strspn(text, " \t\n");
    size_t n = strlen(text);
    while (n > 0 && strchr(" \t\n", text[n - 1])) n--;
    return str_n(p->c, text, n);
}

/* `logit(p) = e` of BUGS: what undoes the link; NULL of any other name. */
static const char *unlinked(const char *link)
{
    static const char *const rows[][2] = {
        { "logit", "logistic(..)" }, { "log", "exp(..)" }, { "probit", "normal_cdf(..)" },
        { "cloglog", "1 - exp(-exp(..))" }, { "sqrt", "sq(..)" },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        if (!strcmp(rows[i][0], link)) return rows[i][1];
    return NULL;
}

/* `word .. =` at `at`. */
static void assignment(Parser *p, Span at, Span first, Str word)
{
    Str between = trimmed(p, first.end, at.start);
    size_t n = strlen(between);
    const char *undone = unlinked(word);
    if (undone && n > 2 && between[0] == '(' && between[n - 1] == ')') {
        Str of = str_n(p->c, between + 1, strcspn(between + 1, "[ )"));
        diag_error(p->c, E_ASSIGN, first, of, of);
        diag_help(p->c, "a link is undone on the right: `let %s = %s`", of, undone);
        return;
    }
    diag_error(p->c, E_ASSIGN, first, word, word);
    if (!strcmp(word, "target"))
        diag_help(p->c, "what is added to the log density is `factor e`");
}

/* Mistakes with their own sentence; true if one was said. */
static bool known_mistake(Parser *p, Span at, int kind, const char **expected, int n)
{
    Span first = parser_span(p, p->first.start, p->first.end);
    Str word = p->first.end > p->first.start ? span_text(p->c, first) : NULL;
    bool story = kind == DATA || kind == LATENT || kind == PARAM || kind == NET || kind == FOR
              || kind == SCAN || kind == FACTOR || kind == ORDERING || kind == REPORT
              || kind == PREDICT;
    if (story && p->n_open == 0 && p->first.start == at.start) {
        diag_error(p->c, E_OUTSIDE, at, span_text(p->c, at));
        diag_help(p->c, "write it inside `model NAME { .. }`");
        return true;
    }
    if (word && (p->first.kind == NAME || p->first.kind == IF) && foreign_loop(word)) {
        diag_error(p->c, E_NO_WHILE, first, word);
        if (p->first.kind == IF)
            diag_help(p->c, "a law is chosen right of `~`: `y[n] ~ if g[n] then d1 else d2`");
        else
            diag_help(p->c, "`for n in N` is a plate, `scan t in T` a sequence, "
                            "`if c then a else b` a choice");
        return true;
    }
    bool bracketed = p->n_open > 0 && p->open[p->n_open - 1].context == IN_PAREN;
    if (kind == '=' && p->first.kind == NAME && p->n_open > 0 && !bracketed) {
        assignment(p, at, first, word);
        return true;
    }
    if (!is_comparison(kind) || !among("`+`", expected, (size_t)n))
        return false;
    diag_error(p->c, E_CHAIN, at);
    diag_help(p->c, "`a < b < c` is written `a < b and b < c`");
    return true;
}

/* Notations of other systems, by what stands at the error (and, with `word`, in the statement's
 * first word): the way it is written here. */
static const struct { const char *text, *word, *help; } foreign[] = {
    { ":", "for", "positions 0 .. N-1 are `for i in N`, a part of them `for i in a .. b`" },
    { ":", NULL, "a range is written `a .. b`, and leaves b out" },
    { "(", "for", "no parentheses, and all positions, 0 .. N-1, are N: `for n in N { .. }`" },
    { "{", "model", "a model has a name: `model NAME { .. }`" },
    { "", "model", "its statements stand in braces: `model NAME { .. }`, its arguments before "
                   "them: `model NAME(K = 3) { .. }`" },
    { "=", "for", "an index is written `for i in N`" },
    { ",", "for", "one index for each plate: `for i in I { for j in J { .. } }`" },
    { ",", "data", "each type has a statement; names of one type: `data x[N], y[N] : real`" },
    { "~", "data", "declare it first; its law stands in its plate: `for n in N { x[n] ~ .. }`" },
    { "~", "report", "draws of new data are `predict`; `report r = e` is computed" },
    { "<", "latent", "bounds are a type: `positive`, `unit`, `interval(a, b)`" },
    { "<", "data", "bounds are a type: `positive`, `unit`, `interval(a, b)`" },
    { "<", "param", "bounds are a type: `positive`, `unit`, `interval(a, b)`" },
    { "T", NULL, "a law is cut off by `d |> truncate(lower: a, upper: b)`" },
    { "I", NULL, "a law is censored by `d |> censor(upper: c)`" },
    { "*", NULL, "a power is `a ^ b`; `*` is elementwise, `@` the matrix product" },
    { "=", NULL, "an argument by name is written `name: value`; equality is `==`" },
    { "for", NULL, "a reduction is written `sum[k in K](e)`" },
};

#define SIZES "sizes are axes of the data, `data y[N] : real`, or arguments, `model NAME(K = 3)`"
#define NAMES "say what it is: `data b : real`, `latent b : real ~ ..`, `param b : real` or " \
              "`let b = ..`"
#define BLOCKS "no blocks in a model: each statement begins with `data`, `latent`, `param` or `let`"

/* Words with which other systems begin a statement, and ours cannot. */
static const struct { const char *word, *help; } beginnings[] = {
    { "size", SIZES }, { "sizes", SIZES }, { "int", SIZES },
    { "real", NAMES }, { "vector", NAMES }, { "matrix", NAMES }, { "float", NAMES },
    { "positive", NAMES }, { "var", NAMES }, { "array", NAMES }, { "simplex", NAMES },
    { "parameters", BLOCKS }, { "transformed", BLOCKS }, { "generated", BLOCKS },
    { "functions", BLOCKS },
};

static const char *foreign_help(Parser *p, Span at)
{
    Span first = parser_span(p, p->first.start, p->first.end);
    Str text = span_text(p->c, at), word = span_text(p->c, first);
    Str between = trimmed(p, p->first.end, at.start);
    const bool begins = !*between || (*between == '[' && between[strlen(between) - 1] == ']');
    for (size_t i = 0; i < COUNT(foreign); i++)
        if (!strcmp(text, foreign[i].text) && (!foreign[i].word || !strcmp(word, foreign[i].word)))
            return foreign[i].help;
    for (size_t i = 0; i < COUNT(beginnings); i++)
        if (begins && !strcmp(word, beginnings[i].word))
            return beginnings[i].help;
    return NULL;
}

static const char *const types[] = { "real", "positive", "nonnegative", "unit", "bit", "count",
                                     "integer", "index", "interval", "simplex", "ordered" };

/* `latent mu ~ d`, `latent real mu ~ d`, `latent mu = d`, `data y[N]`, `let m <- e`: declared as in
 * another system. True if a help was given. */
static bool declaration_help(Parser *p, Span at, int kind)
{
    Str word = span_text(p->c, parser_span(p, p->first.start, p->first.end));
    Str name = trimmed(p, p->first.end, at.start), text = span_text(p->c, at);
    int first = p->first.kind;
    if (!*name || strlen(name) > 40) return false;
    if (first == LET && kind == LT) {
        diag_help(p->c, "a name is defined once: `let %s = ..`", name);
        return true;
    }
    if (first != LATENT && first != PARAM && first != DATA) return false;
    const char *law = first == LATENT ? " ~ .." : "";
    if (kind == NAME && among(text, types, COUNT(types)))
        diag_help(p->c, "a `:` stands before the type: `%s %s : %s%s`", word, name, text, law);
    else if (kind == NAME && !strpbrk(name, " [:"))
        diag_help(p->c, "the type stands behind the name: `%s %s : %s%s`", word, text, name, law);
    else if (!strchr(name, ':') && (first == LATENT ? kind == SEP || kind == '~'
                                                     : first == PARAM && kind == '~'))
        diag_help(p->c, "write its type: `%s %s : real ~ ..`", word, name);
    else if (kind == SEP && !strchr(name, ':'))
        diag_help(p->c, "write its type: `%s %s : real`", word, name);
    else if (kind == '=' && first == LATENT && !strchr(name, ':'))
        diag_help(p->c, "what is drawn is `latent %s : real ~ ..`, what is computed `let %s = ..`",
                  name, name);
    else
        return false;
    return true;
}

static void say_help(Parser *p, Span at, int kind, const char **expected, int n)
{
    if (declaration_help(p, at, kind)) return;
    const char *ours = foreign_help(p, at);
    if (ours) {
        diag_help(p->c, "%s", ours);
        return;
    }
    Str before = trimmed(p, p->first.end, at.start);
    if (n == 1 && among("`(`", expected, 1) && *before && before[strlen(before) - 1] == ']') {
        diag_help(p->c, "what is reduced stands in parentheses: `sum[k in K](e)`");
        return;
    }
    const bool at_first = p->first.start == at.start && p->first.end == at.end;
    if (p->n_open > 0 && p->open[p->n_open - 1].context == IN_PAREN && kind != ')' && kind != ']'
        && p->last.newline) {
        diag_note(p->c, p->open[p->n_open - 1].span, "this bracket is still open");
    } else if (p->first.kind == NAME && p->first.text && kind != 0) {
        Span between = parser_span(p, p->first.end, at.start);
        bool second = !at_first && p->last.kind == NAME && span_text(p->c, between)[0] == 0;
        Str near = at_first || second ? word_near(p, p->first.text) : NULL;
        if (near) diag_help(p->c, "did you mean `%s`?", near);
    } else if (among("a name", expected, (size_t)n) && p->last.kind != NAME && kind >= MODEL
               && kind <= UNTIL) {
        diag_help(p->c, "`%s` begins a statement; choose another name", span_text(p->c, at));
    }
}

void syntax_error(Parser *p, Span at, int kind, const char **expected, int n_expected)
{
    if (p->fatal) return;
    bool follows = p->bad > p->begun;  /* a character or string was refused in this statement */
    if (!follows && !known_mistake(p, at, kind, expected, n_expected)) {
        Str unexpected = unexpected_text(p, at, kind);
        const char *names[128];
        int n = n_expected < 128 ? n_expected : 128;
        memcpy(names, expected, (size_t)n * sizeof *names);
        diag_error(p->c, E_SYNTAX, at, unexpected, expected_text(p->c, names, n));
        say_help(p, at, kind, expected, n_expected);
    }
    begin_recovery(p);
    if (kind == SEP && p->first.kind == MODEL) p->fatal = true;  /* the rest stands outside of it */
    if (diag_count(p->c) > 2 * MAX_ERRORS) p->fatal = true;
}
