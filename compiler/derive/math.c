/* math.c - expressions of the language as mathematics, in Unicode text or LaTeX.
 *
 *     sq(x[n] - mu) / (2 * sq(sigma))     (x_n - μ)² / (2 σ²)     \frac{(x_n - \mu)^2}{2\,\sigma^2}
 * Variables of a plate carry its index (z becomes z_n), Greek names become Greek letters, and a
 * parenthesis is written only where precedence asks for it. What has no mathematical form of its
 * own is printed as the language writes it.
 */
#include "derive.h"

#include <ctype.h>
#include <stdlib.h>
#include <math.h>
#include <string.h>

enum { P_IF, P_OR, P_COMPARE, P_SUM, P_PRODUCT, P_SIGN, P_POWER, P_ATOM };

static Str form(const Math *m, const Ast *e, int least);

/* ---- names ----------------------------------------------------------------------------------- */

static const struct { const char *name, *text; } greek[] = {
    { "alpha", "α" }, { "beta", "β" }, { "gamma", "γ" }, { "delta", "δ" }, { "epsilon", "ε" },
    { "zeta", "ζ" }, { "eta", "η" }, { "theta", "θ" }, { "iota", "ι" }, { "kappa", "κ" },
    { "lambda", "λ" }, { "mu", "μ" }, { "nu", "ν" }, { "xi", "ξ" }, { "rho", "ρ" },
    { "sigma", "σ" }, { "tau", "τ" }, { "phi", "φ" }, { "chi", "χ" }, { "psi", "ψ" },
    { "omega", "ω" }, { "Gamma", "Γ" }, { "Delta", "Δ" }, { "Theta", "Θ" }, { "Lambda", "Λ" },
    { "Sigma", "Σ" }, { "Phi", "Φ" }, { "Psi", "Ψ" }, { "Omega", "Ω" }, { "pi", "π" },
};

static Str piece(const Math *m, Str name);

/* mu0: μ₀. NULL if the name does not end in digits after letters. */
static Str with_digits(const Math *m, Str name)
{
    size_t n = strlen(name), head = n;
    while (head > 0 && name[head - 1] >= '0' && name[head - 1] <= '9')
        head--;
    if (head == 0 || head == n)
        return NULL;
    Str out = piece(m, str_n(m->c, name, head));
    if (m->latex)
        return str_fmt(m->c, "%s_{%s}", out, name + head);
    for (const char *p = name + head; *p; p++)
        out = str_fmt(m->c, "%s\xE2\x82%c", out, 0x80 + (*p - '0'));      /* subscript digits */
    return out;
}

static Str piece(const Math *m, Str name)
{
    for (size_t i = 0; i < sizeof greek / sizeof *greek; i++)
        if (!strcmp(name, greek[i].name))
            return m->latex ? str_fmt(m->c, "\\%s", name) : str(m->c, greek[i].text);
    if (!m->latex || strlen(name) == 1)
        return name;
    return str_fmt(m->c, "\\mathrm{%s}", name);
}

/* mu_a: μ with subscript a; further underscores separate parts of the subscript. */
Str math_name(const Math *m, Str name)
{
    const char *cut = strchr(name, '_');
    Str digits = cut ? NULL : with_digits(m, name);
    if (digits)
        return digits;
    if (!cut || cut == name || !cut[1])
        return m->latex && cut
                   ? str_fmt(m->c, "\\mathrm{%s\\_}", str_n(m->c, name, strlen(name) - 1))
                   : piece(m, name);
    Str head = piece(m, str_n(m->c, name, (size_t)(cut - name)));
    Str tail = NULL;
    for (const char *p = cut + 1; ; ) {
        size_t n = strcspn(p, "_");
        Str part = piece(m, str_n(m->c, p, n));
        tail = !tail ? part : m->latex ? str_fmt(m->c, "%s,%s", tail, part)
                                       : str_fmt(m->c, "%s_%s", tail, part);
        if (!p[n])
            break;
        p += n + 1;
    }
    return str_fmt(m->c, m->latex ? "%s_{%s}" : "%s_%s", head, tail);
}

/* P, 2 D + 1: a name, or the text of a size, whose names are written as math_name does. */
Str math_size(const Math *m, Str text)
{
    Str out = str(m->c, "");
    for (const char *p = text; *p;) {
        size_t n = 0;
        while (isalnum((unsigned char)p[n]) || p[n] == '_')
            n++;
        bool name = n > 0 && !isdigit((unsigned char)*p);
        Str part = str_n(m->c, p, n ? n : 1);
        out = str_fmt(m->c, "%s%s", out, name ? math_name(m, part) : part);
        p += n ? n : 1;
    }
    return out;
}

/* w_mu, made by derive, is the mean of q(w): μ_w. */
static const struct { const char *suffix, *text, *latex; } made[] = {
    { "_mu", "μ", "\\mu" },
    { "_sd", "σ", "\\sigma" },
    { "_chol", "L", "L" },
    { "_free", "u", "u" },
};

Str math_symbol(const Math *m, const Var *v)
{
    for (size_t i = 0; v->synthetic && i < sizeof made / sizeof *made; i++) {
        size_t n = strlen(v->name), k = strlen(made[i].suffix);
        if (n <= k || strcmp(v->name + n - k, made[i].suffix))
            continue;
        Str of = math_name(m, str_n(m->c, v->name, n - k));
        return m->latex ? str_fmt(m->c, "%s_{%s}", made[i].latex, of)
                        : str_fmt(m->c, "%s_%s", made[i].text, of);
    }
    return math_name(m, v->name);
}

static Str plate_indices(const Math *m, const Plate *p)
{
    Str own = p ? math_name(m, p->index) : NULL;
    return p && p->outer ? str_fmt(m->c, "%s,%s", plate_indices(m, p->outer), own) : own;
}

/* A name with indices: x_n, x[n, k], \mu_{a,n}. */
static Str indexed(const Math *m, Str symbol, Str index)
{
    if (!index)
        return symbol;
    if (!m->latex) {
        bool simple = !strpbrk(index, " ,+-*/.([_") && !strchr(symbol, '_');
        return str_fmt(m->c, simple ? "%s_%s" : "%s[%s]", symbol, index);
    }
    size_t n = strlen(symbol);
    if (n > 2 && symbol[n - 1] == '}' && strchr(symbol, '_'))
        return str_fmt(m->c, "%s,%s}", str_n(m->c, symbol, n - 1), index);
    return str_fmt(m->c, "%s_{%s}", symbol, index);
}

Str math_var(const Math *m, const Var *v)
{
    return indexed(m, math_symbol(m, v), plate_indices(m, v->plate));
}

Str math_sum(const Math *m, const Plate *p)
{
    if (!p)
        return str(m->c, "");
    Str size = math_size(m, size_text(m->c, p->size)), index = math_name(m, p->index);
    Str own = m->latex ? str_fmt(m->c, "\\sum_{%s=1}^{%s} ", index, size)
                       : str_fmt(m->c, "Σ_%s ", index);
    return str_fmt(m->c, "%s%s", math_sum(m, p->outer), own);
}

/* ---- pieces ---------------------------------------------------------------------------------- */

static Str brackets(const Math *m, Str inner)
{
    bool tall = m->latex && (strstr(inner, "\\frac") || strstr(inner, "\\sum"));
    return str_fmt(m->c, tall ? "\\left(%s\\right)" : "(%s)", inner);
}

static Str guard(const Math *m, Str text, int has, int least)
{
    return has < least ? brackets(m, text) : text;
}

static Str number(const Math *m, const Ast *e)
{
    if (e->num == 0.5)
        return str(m->c, m->latex ? "\\tfrac{1}{2}" : "½");
    const char *power = strchr(e->name, 'e');
    if (m->latex && power)
        return str_fmt(m->c, "%s \\cdot 10^{%d}", str_n(m->c, e->name, (size_t)(power - e->name)),
                       atoi(power + 1));
    return e->name;
}

static Str name_form(const Math *m, const Ast *e)
{
    Var *v = model_var(m->m, e->decl);
    if (!v && !strcmp(e->name, "inf"))
        return str(m->c, m->latex ? "\\infty" : "∞");
    return v && v->kind != VAR_DATA ? math_var(m, v) : math_size(m, e->name);
}

static Str function_name(const Math *m, Str name)
{
    static const char *const known[] = { "log", "exp", "sin", "cos", "tan", "tanh", "min", "max" };
    if (!m->latex)
        return name;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(name, known[i]))
            return str_fmt(m->c, "\\%s", name);
    Str safe = str(m->c, "");
    for (const char *p = name; *p; p++)
        safe = str_fmt(m->c, *p == '_' ? "%s\\_" : "%s%c", safe, *p);
    return str_fmt(m->c, "\\operatorname{%s}", safe);
}

static Str arguments(const Math *m, const Ast *call, size_t from)
{
    Str out = str(m->c, "");
    for (size_t i = from; i < vec_len(call->kids); i++) {
        const Ast *arg = call->kids[i];
        Str value = form(m, arg->kids[ARG_VALUE], P_IF);
        if (arg->name)
            value = m->latex ? str_fmt(m->c, "\\text{%s: }%s", arg->name, value)
                             : str_fmt(m->c, "%s: %s", arg->name, value);
        out = str_fmt(m->c, "%s%s%s", out, i > from ? ", " : "", value);
    }
    return out;
}

Str math_law(const Math *m, const Ast *law)
{
    if (law->kind == AST_CALL)
        return str_fmt(m->c, "%s(%s)", function_name(m, law->name), arguments(m, law, 0));
    return form(m, law, P_IF);
}

static const Ast *argument(const Ast *call, size_t i)
{
    return call->kids[i]->kids[ARG_VALUE];
}

/* log normal(x; mu, sigma) */
static Str density(const Math *m, const Ast *call)
{
    const Ast *law = law_see(m->m, (Ast *)argument(call, 0));
    Str x = form(m, argument(call, 1), P_IF);
    if (law->kind != AST_CALL)
        return str_fmt(m->c, "%s p(%s)", m->latex ? "\\log" : "log", x);
    Str args = arguments(m, law, 0);
    return str_fmt(m->c, "%s %s(%s%s%s)", m->latex ? "\\log" : "log", function_name(m, law->name),
                   x, *args ? "; " : "", args);
}

/* ---- calls ----------------------------------------------------------------------------------- */

typedef struct CallForm { const char *name, *text, *latex; int least, has; } CallForm;
/* %s is the argument, written with at least this precedence; the form has that one. */
static const CallForm forms[] = {
    { "sq", "%s²", "%s^{2}", P_ATOM, P_POWER },
    { "sqrt", "√(%s)", "\\sqrt{%s}", P_IF, P_ATOM },
    { "abs", "|%s|", "\\left|%s\\right|", P_IF, P_ATOM },
    { "lgamma", "log Γ(%s)", "\\log \\Gamma\\left(%s\\right)", P_IF, P_ATOM },
    { "digamma", "ψ(%s)", "\\psi\\left(%s\\right)", P_IF, P_ATOM },
    { "entropy", "H( %s )", "\\mathbb{H}\\left(%s\\right)", P_IF, P_ATOM },
    { "logdet", "log |%s|", "\\log\\left|%s\\right|", P_IF, P_PRODUCT },
    { "log_jacobian", "log |T'(%s)|", "\\log\\left|T'\\left(%s\\right)\\right|", P_IF, P_PRODUCT },
    { "constrain", "T(%s)", "T\\left(%s\\right)", P_IF, P_ATOM },
    { "sum", "Σ %s", "\\sum %s", P_PRODUCT, P_SUM },
    { "random_normal", "ε", "\\epsilon", P_IF, P_ATOM },
    { "random_uniform", "ε", "\\epsilon", P_IF, P_ATOM },
};

static Str from_template(const Math *m, const char *template, Str arg)
{
    const char *hole = strstr(template, "%s");
    if (!hole)
        return str(m->c, template);
    return str_fmt(m->c, "%.*s%s%s", (int)(hole - template), template, arg, hole + 2);
}

/* a < x < b of e(law, .., a, b): ends that are infinite are left out; those of whole numbers are
 * within. */
static Str between(const Math *m, const Ast *e, Str x)
{
    const Ast *lower = argument(e, 2), *upper = argument(e, 3), *law = argument(e, 0);
    bool low = !(lower->kind == AST_NUM && isinf(lower->num));
    bool high = !(upper->kind == AST_NUM && isinf(upper->num));
    bool counted = law->type && law->type->of && law->type->of->elem != ELEM_REAL;
    Str less = str(m->c, !counted ? "<" : m->latex ? "\\le" : "≤");
    Str a = low ? str_fmt(m->c, "%s %s ", form(m, lower, P_SUM), less) : str(m->c, "");
    Str b = high ? str_fmt(m->c, " %s %s", less, form(m, upper, P_SUM)) : str(m->c, "");
    return str_fmt(m->c, "%s%s%s", a, x, b);
}

static Str log_mass(const Math *m, const Ast *e)
{
    return str_fmt(m->c, m->latex ? "\\log P\\left(%s \\mid X \\sim %s\\right)"
                                  : "log P(%s | X ~ %s)", between(m, e, str(m->c, "X")),
                   math_law(m, argument(e, 0)));
}

/* inside(law, x, a, b) */
static Str inside(const Math *m, const Ast *e)
{
    Str x = form(m, argument(e, 1), P_SUM), text = between(m, e, x);
    if (strcmp(text, x))
        return text;
    return str_fmt(m->c, m->latex ? "%s \\in \\operatorname{supp}\\,%s"
                                  : "%s in the support of %s", x, math_law(m, argument(e, 0)));
}

/* The sum of e over the positions at which the indices are those of v: in Iverson's brackets. */
static Str picked(const Math *m, const Ast *e)
{
    const Var *v = model_var(m->m, argument(e, 0)->decl);
    Str sum = str(m->c, "");
    for (size_t i = vec_len(e->kids) - 1; i >= 3; i--)
        sum = str_fmt(m->c, m->latex ? "%s\\sum_{%s} " : "%sΣ_%s ", sum,
                      form(m, argument(e, i), P_ATOM));
    const Ast *read = argument(e, 1);
    const Plate *p = v->plate;
    Str where = NULL;
    for (size_t i = vec_len(read->kids) - 1; i >= 1; i--, p = p->outer) {
        Str one = str_fmt(m->c, "%s = %s", form(m, read->kids[i], P_SUM), math_name(m, p->index));
        where = where ? str_fmt(m->c, "%s, %s", one, where) : one;
    }
    return str_fmt(m->c, m->latex ? "%s[%s] \\left(%s\\right)" : "%s[%s] (%s)", sum, where,
                   form(m, argument(e, 2), P_SUM));
}

static Str call_form(const Math *m, const Ast *e, int *has)
{
    *has = P_ATOM;
    size_t n = vec_len(e->kids);
    if (!strcmp(e->name, "logpdf") && n == 2)
        return *has = P_PRODUCT, density(m, e);
    if (!strcmp(e->name, "kl") && n == 2) {
        Str q = math_law(m, argument(e, 0)), p = math_law(m, argument(e, 1));
        return str_fmt(m->c, m->latex ? "\\mathrm{KL}\\left(%s \\,\\middle\\|\\, %s\\right)"
                                      : "KL( %s ‖ %s )", q, p);
    }
    bool best = !strcmp(e->name, "max_states");
    bool sum = !strcmp(e->name, "sum_states") || !strcmp(e->name, "draw_states");
    if (n >= 2 && (best || sum)) {
        static const char *const forms_of[2][2] = {    /* [best][latex] */
            { "log Σ_%s exp( %s )", "\\log \\sum_{%s} \\exp\\left(%s\\right)" },
            { "max_%s ( %s )", "\\max_{%s} \\left(%s\\right)" },
        };
        *has = P_PRODUCT;
        const Ast *state = argument(e, 0);
        Str over = e->num ? math_symbol(m, model_var(m->m, state->decl)) : form(m, state, P_ATOM);
        for (size_t i = 2; i < n; i++)
            over = str_fmt(m->c, "%s,%s", over, form(m, argument(e, i), P_ATOM));
        return str_fmt(m->c, forms_of[best][m->latex], over,
                       form(m, argument(e, 1), P_SUM));
    }
    if (!strcmp(e->name, "sum_picked"))
        return *has = P_PRODUCT, picked(m, e);
    if (!strcmp(e->name, "log_mass") && n == 4)
        return *has = P_PRODUCT, log_mass(m, e);
    if (!strcmp(e->name, "inside") && n == 4)
        return *has = P_IF, inside(m, e);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        const CallForm *f = &forms[i];
        if (strcmp(e->name, f->name) || n > 1)
            continue;
        *has = f->has;
        return from_template(m, m->latex ? f->latex : f->text,
                             n ? form(m, argument(e, 0), f->least) : str(m->c, ""));
    }
    return str_fmt(m->c, "%s%s", function_name(m, e->name), brackets(m, arguments(m, e, 0)));
}

/* ---- operators ------------------------------------------------------------------------------- */

typedef struct Operator { const char *name, *text, *latex; int has, left, right; } Operator;
static const Operator operators[] = {
    { "+", " + ", " + ", P_SUM, P_SUM, P_SUM },
    { "-", " - ", " - ", P_SUM, P_SUM, P_PRODUCT },
    { "*", "·", "\\,", P_PRODUCT, P_PRODUCT, P_SIGN },
    { "@", " ", "\\,", P_PRODUCT, P_PRODUCT, P_SIGN },
    { "/", " / ", " / ", P_PRODUCT, P_PRODUCT, P_POWER },
    { "==", " = ", " = ", P_COMPARE, P_SUM, P_SUM },
    { "!=", " ≠ ", " \\neq ", P_COMPARE, P_SUM, P_SUM },
    { "<=", " ≤ ", " \\le ", P_COMPARE, P_SUM, P_SUM },
    { ">=", " ≥ ", " \\ge ", P_COMPARE, P_SUM, P_SUM },
    { "<", " < ", " < ", P_COMPARE, P_SUM, P_SUM },
    { ">", " > ", " > ", P_COMPARE, P_SUM, P_SUM },
    { "and", " and ", " \\wedge ", P_OR, P_OR, P_COMPARE },
    { "or", " or ", " \\vee ", P_OR, P_OR, P_COMPARE },
    { "div", " div ", " \\operatorname{div} ", P_PRODUCT, P_PRODUCT, P_SIGN },
    { "mod", " mod ", " \\bmod ", P_PRODUCT, P_PRODUCT, P_SIGN },
};

static Str binary_form(const Math *m, const Ast *e, int *has)
{
    const Ast *a = e->kids[BINARY_A], *b = e->kids[BINARY_B];
    if (!strcmp(e->name, "^")) {
        *has = P_POWER;
        return str_fmt(m->c, m->latex ? "%s^{%s}" : "%s^%s", form(m, a, P_ATOM),
                       form(m, b, m->latex ? P_IF : P_ATOM));
    }
    if (m->latex && !strcmp(e->name, "/")) {
        *has = P_POWER;                /* a fraction is bracketed before it is raised to a power */
        return str_fmt(m->c, "\\frac{%s}{%s}", form(m, a, P_IF), form(m, b, P_IF));
    }
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        const Operator *o = &operators[i];
        if (strcmp(e->name, o->name))
            continue;
        const char *sign = m->latex ? o->latex : o->text;
        bool minus = a->kind == AST_UNARY && !strcmp(a->name, "-") && o->has == P_PRODUCT;
        const Ast *first = minus ? a->kids[UNARY_A] : a;
        if (!m->latex && o->name[0] == '*' && first->kind == AST_NUM)
            sign = " ";                /* 2 σ², -½ log(2 π) */
        *has = minus ? P_SUM : o->has;
        return str_fmt(m->c, "%s%s%s%s", minus ? "-" : "", form(m, first, o->left), sign,
                       form(m, b, o->right));
    }
    return *has = P_IF, fmt_expr(m->c, e);
}

static Str unary_form(const Math *m, const Ast *e, int *has)
{
    if (!strcmp(e->name, "'")) {
        *has = P_POWER;
        return str_fmt(m->c, m->latex ? "%s^{\\top}" : "%sᵀ", form(m, e->kids[UNARY_A], P_ATOM));
    }
    if (!strcmp(e->name, "not")) {
        *has = P_COMPARE;
        return str_fmt(m->c, m->latex ? "\\neg %s" : "not %s", form(m, e->kids[UNARY_A], P_ATOM));
    }
    *has = P_SUM;                      /* -a b is a sum's member: a - (-b) keeps its parenthesis */
    return str_fmt(m->c, "-%s", form(m, e->kids[UNARY_A], P_PRODUCT));
}

static Str add_indices(const Math *m, Str inside, const Ast *e)
{
    for (size_t i = 1; i < vec_len(e->kids); i++) {
        Str own = form(m, e->kids[i], P_IF);
        inside = inside ? str_fmt(m->c, "%s,%s", inside, own) : own;
    }
    return inside;
}

/* The plates of v whose index n indices leave out: the first is that of the step in a sequence, and
 * those beyond the axes of v are of its last plates. */
static Plate *indexed_in(const Var *v, size_t n)
{
    size_t rank = v->type ? vec_len(v->type->array) + vec_len(v->type->event) : 0;
    Plate *p = v->plate;
    if (p && p->sequence)
        return p->outer;
    for (; v->type && p && n > rank; n--)
        p = p->outer;
    return p;
}

static Str index_form(const Math *m, const Ast *e)
{
    const Ast *base = e->kids[INDEX_BASE], *inner = base->kind == AST_INDEX ? base : NULL;
    if (inner)                         /* h[t][k] is h[t, k] */
        base = inner->kids[INDEX_BASE];
    Var *v = base->kind == AST_NAME ? model_var(m->m, base->decl) : NULL;
    size_t n = vec_len(e->kids) - 1 + (inner ? vec_len(inner->kids) - 1 : 0);
    Str inside = v && v->kind != VAR_DATA ? plate_indices(m, indexed_in(v, n)) : NULL;
    inside = add_indices(m, inner ? add_indices(m, inside, inner) : inside, e);
    Str symbol = v ? math_symbol(m, v) : form(m, base, P_ATOM);
    return indexed(m, symbol, inside);
}

static Str field_form(const Math *m, const Ast *e)
{
    Str base = form(m, e->kids[FIELD_BASE], P_ATOM), field = math_name(m, e->name);
    return m->latex ? str_fmt(m->c, "%s_{%s}", field, base) : str_fmt(m->c, "%s.%s", base, field);
}

static Str reduce_form(const Math *m, const Ast *e, int *has)
{
    static const struct { const char *name, *text, *latex; } signs[] = {
        { "sum", "Σ_", "\\sum_" }, { "prod", "Π_", "\\prod_" }, { "max", "max_", "\\max_" },
        { "min", "min_", "\\min_" }, { "logsumexp", "log Σ_", "\\log \\sum_" },
    };
    Str over = NULL;
    for (size_t i = 0; i < vec_len(e->kids[REDUCE_BINDERS]->kids); i++) {
        Str own = math_name(m, e->kids[REDUCE_BINDERS]->kids[i]->name);
        over = over ? str_fmt(m->c, "%s,%s", over, own) : own;
    }
    *has = P_SUM;
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        if (strcmp(e->name, signs[i].name))
            continue;
        bool logsumexp = i == 4;
        Str value = form(m, e->kids[REDUCE_VALUE], logsumexp ? P_IF : P_PRODUCT);
        if (logsumexp)
            value = str_fmt(m->c, m->latex ? "\\exp\\left(%s\\right)" : "exp(%s)", value);
        return str_fmt(m->c, m->latex ? "%s{%s} %s" : "%s%s %s",
                       m->latex ? signs[i].latex : signs[i].text, over, value);
    }
    *has = P_ATOM;
    return str_fmt(m->c, "%s_{%s}%s", function_name(m, e->name), over,
                   brackets(m, form(m, e->kids[REDUCE_VALUE], P_IF)));
}

static Str list_form(const Math *m, const Ast *e, const char *open, const char *close)
{
    Str out = str(m->c, open);
    for (size_t i = 0; i < vec_len(e->kids); i++) {
        const Ast *kid = e->kids[i]->kind == AST_ARG ? e->kids[i]->kids[ARG_VALUE] : e->kids[i];
        out = str_fmt(m->c, "%s%s%s", out, i ? ", " : "", form(m, kid, P_IF));
    }
    return str_fmt(m->c, "%s%s", out, close);
}

static Str if_form(const Math *m, const Ast *e)
{
    Str cond = form(m, e->kids[IF_COND], P_IF), a = form(m, e->kids[IF_THEN], P_IF);
    Str b = form(m, e->kids[IF_ELSE], P_IF);
    if (m->latex)
        return str_fmt(m->c, "\\begin{cases} %s & %s \\\\ %s & \\text{otherwise} \\end{cases}", a,
                       cond, b);
    return str_fmt(m->c, "if %s then %s else %s", cond, a, b);
}

/* The language's own writing, safe in LaTeX. */
static Str verbatim(const Math *m, const Ast *e)
{
    Str text = fmt_expr(m->c, e);
    if (!m->latex)
        return text;
    Str out = str(m->c, "");
    for (const char *p = text; *p; p++)
        out = *p == '\\' ? str_fmt(m->c, "%s\\textbackslash{}", out)
            : str_fmt(m->c, strchr("#$%&_{}", *p) ? "%s\\%c" : "%s%c", out, *p);
    return str_fmt(m->c, "\\texttt{%s}", out);
}

static Str form(const Math *m, const Ast *e, int least)
{
    int has = P_ATOM;
    Str text;
    switch (e->kind) {
    case AST_NUM:    text = number(m, e); has = e->num < 0 ? P_SUM : P_ATOM; break;
    case AST_NAME:   text = name_form(m, e); break;
    case AST_CALL:   text = call_form(m, e, &has); break;
    case AST_REDUCE: text = reduce_form(m, e, &has); break;
    case AST_INDEX:  text = index_form(m, e); break;
    case AST_FIELD:  text = field_form(m, e); break;
    case AST_UNARY:  text = unary_form(m, e, &has); break;
    case AST_BINARY: text = binary_form(m, e, &has); break;
    case AST_IF:     text = if_form(m, e); has = P_IF; break;
    case AST_RANGE:
        text = str_fmt(m->c, m->latex ? "%s \\ldots %s" : "%s..%s",
                       form(m, e->kids[RANGE_A], P_SUM), form(m, e->kids[RANGE_B], P_SUM));
        break;
    case AST_VECTOR: text = list_form(m, e, "[", "]"); break;
    case AST_TUPLE:  text = list_form(m, e, "(", ")"); break;
    default:         text = verbatim(m, e); has = P_IF; break;
    }
    return guard(m, text, has, least);
}

Str math_expr(const Math *m, const Ast *e)
{
    return form(m, e, P_IF);
}
