/* size.c - sizes: polynomials with integer coefficients over size names.
 *
 * Idea: a Size *is* its canonical text, interned: equal sizes are equal pointers without a table of
 * their own. Arithmetic reads the text into terms, works on these, and writes the text again.
 *     terms   coefficient * atom * atom ...      atoms sorted; equal atoms repeat (K*K)
 *     atom    a name, or a group in parentheses: ((K*K + K)/2) floor division, (2^(A)) a power,
 *             (T - first[i]) any other text: a size known at load only
 * establishes: texts are canonical; overflow gives the group (too large), which has no value
 */
#include "type.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TERMS 64                   /* a size with more terms is no size a person wrote */
#define MAX_ATOMS 12

typedef struct Term {
    int64_t coef;
    int n;                             /* number of atoms */
    Str atoms[MAX_ATOMS];              /* interned, sorted by text */
} Term;

typedef struct Poly {
    int n;
    bool bad;                          /* overflow, or too many terms */
    Term terms[MAX_TERMS];
} Poly;

static int term_order(const Term *a, const Term *b)
{
    if (a->n != b->n) return b->n - a->n;
    for (int i = 0; i < a->n; i++) {
        int d = strcmp(a->atoms[i], b->atoms[i]);
        if (d) return d;
    }
    return 0;
}

/* Adds t into p, keeping p sorted and free of zero terms. */
static void poly_push(Poly *p, const Term *t)
{
    int i = 0;
    if (!t->coef) return;
    while (i < p->n && term_order(&p->terms[i], t) < 0) i++;
    if (i < p->n && term_order(&p->terms[i], t) == 0) {
        if (__builtin_add_overflow(p->terms[i].coef, t->coef, &p->terms[i].coef)) p->bad = true;
        if (p->terms[i].coef == 0) {
            memmove(&p->terms[i], &p->terms[i + 1], (size_t)(p->n - i - 1) * sizeof(Term));
            p->n--;
        }
        return;
    }
    if (p->n == MAX_TERMS) { p->bad = true; return; }
    memmove(&p->terms[i + 1], &p->terms[i], (size_t)(p->n - i) * sizeof(Term));
    p->terms[i] = *t;
    p->n++;
}

static void term_push(Poly *p, Term *t, Str atom)
{
    int i = t->n;
    if (t->n == MAX_ATOMS) { p->bad = true; return; }
    while (i > 0 && strcmp(t->atoms[i - 1], atom) > 0) {
        t->atoms[i] = t->atoms[i - 1];
        i--;
    }
    t->atoms[i] = atom;
    t->n++;
}

/* ---- text -> terms -------------------------------------------------------------------------- */
static const char *group_end(const char *p)
{
    int depth = 0;
    do {
        if (*p == '(') depth++;
        if (*p == ')') depth--;
        p++;
    } while (depth > 0 && *p);
    return p;
}

static Poly *poly_new(Ctx *c)
{
    return arena_alloc(c->arena, sizeof(Poly));
}

static const char *term_read(Ctx *c, Poly *p, const char *q, int64_t sign)
{
    Term t = { .coef = sign };
    for (;; q++) {                     /* at a factor; factors are joined by '*' */
        const char *end = q;
        if (isdigit((unsigned char)*q)) {
            char *stop;
            t.coef *= strtoll(q, &stop, 10);
            end = stop;
        } else {
            if (*q == '(') end = group_end(q);
            else while (*end && *end != '*' && *end != ' ') end++;
            term_push(p, &t, str_n(c, q, (size_t)(end - q)));
        }
        q = end;
        if (*q != '*') break;
    }
    poly_push(p, &t);
    return q;
}

static Poly *poly_read(Ctx *c, const Size *s)
{
    Poly *p = poly_new(c);
    const char *q = (const char *)s;
    int64_t sign = 1;
    if (*q == '-') { sign = -1; q++; }
    while (*q) {
        q = term_read(c, p, q, sign);
        if (*q == ' ') {               /* " + " or " - " */
            sign = q[1] == '-' ? -1 : 1;
            q += 3;
        }
    }
    return p;
}

/* ---- terms -> text -------------------------------------------------------------------------- */
static Size *size_overflow(Ctx *c)
{
    return (Size *)str(c, "(too large)");
}

static Size *poly_write(Ctx *c, const Poly *p)
{
    Out *o = out_new(c);
    if (p->bad) return size_overflow(c);
    for (int i = 0; i < p->n; i++) {
        const Term *t = &p->terms[i];
        int64_t coef = t->coef;
        if (coef == INT64_MIN) return size_overflow(c);
        if (i) out_puts(o, coef < 0 ? " - " : " + ");
        else if (coef < 0) out_puts(o, "-");
        if (coef < 0) coef = -coef;
        if (coef != 1 || t->n == 0) out_printf(o, "%lld%s", (long long)coef, t->n ? "*" : "");
        for (int k = 0; k < t->n; k++) out_printf(o, "%s%s", k ? "*" : "", t->atoms[k]);
    }
    if (!p->n) out_puts(o, "0");
    size_t n;
    const char *text = out_text(o, &n);
    if (n > 2000) return size_overflow(c);
    return (Size *)str_n(c, text, n);
}

/* ---- constructors ---------------------------------------------------------------------------- */
Size *size_const(Ctx *c, int64_t n)
{
    if (n == INT64_MIN) return size_overflow(c);
    return (Size *)str_fmt(c, "%lld", (long long)n);
}

Size *size_name(Ctx *c, Str name)
{
    return (Size *)str(c, name);
}

/* Parentheses inside must balance, or the text could not be read back: others become blanks. */
Size *size_opaque(Ctx *c, const char *text)
{
    size_t n = strlen(text);
    char *copy = arena_alloc(c->arena, n + 1);
    int depth = 0;
    for (size_t i = 0; i < n; i++) {
        copy[i] = text[i];
        if (text[i] == '(') depth++;
        if (text[i] == ')' && --depth < 0) { copy[i] = ' '; depth = 0; }
    }
    for (size_t i = n; depth > 0 && i-- > 0;)
        if (copy[i] == '(') { copy[i] = ' '; depth--; }
    return (Size *)str_fmt(c, "(%s)", copy);
}

static Size *add_scaled(Ctx *c, Size *a, Size *b, int64_t factor)
{
    Poly *p = poly_read(c, a), *q = poly_read(c, b);
    for (int i = 0; i < q->n; i++) {
        Term t = q->terms[i];
        if (__builtin_mul_overflow(t.coef, factor, &t.coef)) p->bad = true;
        poly_push(p, &t);
    }
    p->bad |= q->bad;
    return poly_write(c, p);
}

Size *size_add(Ctx *c, Size *a, Size *b) { return add_scaled(c, a, b, 1); }
Size *size_sub(Ctx *c, Size *a, Size *b) { return add_scaled(c, a, b, -1); }

Size *size_mul(Ctx *c, Size *a, Size *b)
{
    Poly *p = poly_read(c, a), *q = poly_read(c, b), *r = poly_new(c);
    r->bad = p->bad || q->bad;
    for (int i = 0; i < p->n; i++)
        for (int j = 0; j < q->n; j++) {
            Term t = p->terms[i];
            if (__builtin_mul_overflow(t.coef, q->terms[j].coef, &t.coef)) r->bad = true;
            for (int k = 0; k < q->terms[j].n; k++) term_push(r, &t, q->terms[j].atoms[k]);
            poly_push(r, &t);
        }
    return poly_write(c, r);
}

static int64_t floor_div(int64_t a, int64_t n)
{
    return a / n - (a % n != 0 && (a < 0) != (n < 0));
}

Size *size_div(Ctx *c, Size *a, int64_t n)
{
    Poly *p = poly_read(c, a);
    bool exact = true;
    int64_t value;
    if (n == 0) return size_overflow(c);
    if (size_is_const(a, &value)) return size_const(c, floor_div(value, n));
    for (int i = 0; i < p->n; i++) exact &= p->terms[i].coef % n == 0;
    if (!exact) return (Size *)str_fmt(c, "((%s)/%lld)", (const char *)a, (long long)n);
    for (int i = 0; i < p->n; i++) p->terms[i].coef /= n;
    return poly_write(c, p);
}

Size *size_pow(Ctx *c, Size *a, Size *b)
{
    int64_t k, base;
    if (!size_is_const(b, &k)) return (Size *)str_fmt(c, "((%s)^(%s))", (const char *)a,
                                                      (const char *)b);
    if (k < 0 || (k > 62 && !(size_is_const(a, &base) && base >= -1 && base <= 1)))
        return size_overflow(c);
    Size *r = size_const(c, 1);
    for (int64_t i = 0; i < (k > 63 ? 63 + k % 2 : k); i++) r = size_mul(c, r, a);
    return r;
}

/* ---- reading --------------------------------------------------------------------------------- */
Str size_text(Ctx *c, const Size *s)
{
    const char *t = (const char *)s;
    size_t n = strlen(t);
    if (t[0] == '(' && group_end(t) == t + n) return str_n(c, t + 1, n - 2);
    return (Str)t;
}

bool size_is_const(const Size *s, int64_t *value)
{
    const char *t = (const char *)s, *p = t + (*t == '-');
    if (!isdigit((unsigned char)*p)) return false;
    while (isdigit((unsigned char)*p)) p++;
    if (*p) return false;
    *value = strtoll(t, NULL, 10);
    return true;
}

static bool power(int64_t base, int64_t k, int64_t *value)
{
    int64_t r = 1;
    if (k < 0 || (k > 63 && (base > 1 || base < -1))) return false;
    for (k = k > 63 ? 62 + k % 2 : k; k > 0; k--)
        if (__builtin_mul_overflow(r, base, &r)) return false;
    *value = r;
    return true;
}

/* A group: "((P)/n)", "((P)^(Q))", or opaque. */
static bool group_value(Ctx *c, Str atom, int64_t *value, Str *missing)
{
    size_t n = strlen(atom);
    const char *inside = atom + 1, *end = *inside == '(' ? group_end(inside) : inside;
    int64_t a, b;
    if (*missing == NULL) *missing = str_n(c, inside, n - 2);
    if (end == inside || (*end != '/' && *end != '^')) return false;
    Str reason = NULL;
    Size *p = (Size *)str_n(c, inside + 1, (size_t)(end - inside) - 2);
    bool known = size_value(c, p, &a, &reason);
    if (known && *end == '/') {
        b = strtoll(end + 1, NULL, 10);
        if (b == 0) known = false;
        else *value = floor_div(a, b);
    } else if (known) {
        size_t m = (size_t)(atom + n - 2 - (end + 2));
        known = size_value(c, (Size *)str_n(c, end + 2, m), &b, &reason) && power(a, b, value);
    }
    *missing = known ? NULL : reason;
    return known;
}

static bool atom_value(Ctx *c, Str atom, int64_t *value, Str *missing)
{
    *missing = NULL;
    for (size_t i = 0; i < vec_len(c->computed); i++)
        if (c->computed[i].name == atom) { *value = c->computed[i].value; return true; }
    if (*atom == '(') return group_value(c, atom, value, missing);
    for (size_t i = vec_len(c->defines); i-- > 0;)
        if (c->defines[i].name == atom) { *value = c->defines[i].value; return true; }
    *missing = atom;
    return false;
}

bool size_value(Ctx *c, const Size *s, int64_t *value, Str *missing)
{
    Poly *p = poly_read(c, s);
    int64_t sum = 0;
    Str dummy;
    if (!missing) missing = &dummy;
    *missing = NULL;
    for (int i = 0; i < p->n; i++) {
        int64_t product = p->terms[i].coef, x;
        for (int k = 0; k < p->terms[i].n; k++) {
            if (!atom_value(c, p->terms[i].atoms[k], &x, missing)) return false;
            if (__builtin_mul_overflow(product, x, &product)) return false;
        }
        if (__builtin_add_overflow(sum, product, &sum)) return false;
    }
    *value = sum;
    return !p->bad;
}

static Str *atom_names(Ctx *c, Str atom, Str *names)
{
    const char *p = atom;
    if (*atom != '(') {
        vec_push(c, names, atom);
        return names;
    }
    while (*p) {                       /* every identifier inside the group */
        const char *end = p;
        while (isalnum((unsigned char)*end) || *end == '_') end++;
        if (end > p && isalpha((unsigned char)*p))
            vec_push(c, names, str_n(c, p, (size_t)(end - p)));
        p = end > p ? end : p + 1;
    }
    return names;
}

Str *size_names(Ctx *c, const Size *s)
{
    Poly *p = poly_read(c, s);
    Str *names = NULL;
    for (int i = 0; i < p->n; i++)
        for (int k = 0; k < p->terms[i].n; k++) names = atom_names(c, p->terms[i].atoms[k], names);
    return names;
}
