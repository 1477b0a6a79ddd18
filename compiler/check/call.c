/* call.c - calls: functions and nets, primitives of ops.def, structural functions of builtins.def.
 *
 * Idea: the row of a builtin names a rule; a rule is one function from the arguments' types to the
 * result's. What later stages do not implement is typed all the same, and noted (not_yet).
 * The rules of sequences: call_previous.c; of differential equations: call_ode.c.
 */
#include "call.h"

#include <math.h>
#include <string.h>

Type *bad_argument(Check *s, Args *a, size_t i, const char *needs)
{
    FAIL(s, E_ARGUMENT_SHAPE, a->asts[i]->span, a->row->name, needs, fmt_expr(s->c, a->asts[i]),
         type_text(s->c, a->types[i]));
    return type_bad(s);
}

static bool all_values(Check *s, Args *a)
{
    bool good = true;
    for (size_t i = 0; i < a->n; i++) {
        a->types[i] = as_value(s, a->asts[i], a->types[i]);
        if (is_bad(a->types[i])) good = false;
        else a->types[i] = type_flat(s, a->types[i]);
    }
    return good;
}

/* ---- primitives ------------------------------------------------------------------------------ */
static Elem map_elem(const char *name, const Args *a, Range r)
{
    bool whole = true, bit = !strcmp(name, "min") || !strcmp(name, "max");
    for (size_t i = 0; i < a->n; i++) {
        whole &= a->types[i]->elem != ELEM_REAL;
        bit &= a->types[i]->elem == ELEM_BIT;
    }
    if (bit) return ELEM_BIT;
    if (!strcmp(name, "floor")) return r.lo >= 0 ? ELEM_COUNT : ELEM_INTEGER;
    static const char *const bits[] = { "lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not" };
    for (size_t i = 0; i < sizeof bits / sizeof *bits; i++)
        if (!strcmp(name, bits[i])) return ELEM_BIT;
    static const char *const keep[] = { "abs", "sq", "neg", "min", "max", "add", "sub", "mul",
                                        "idiv", "mod", "sign", "relu", "stop_gradient" };
    for (size_t i = 0; whole && i < sizeof keep / sizeof *keep; i++)
        if (!strcmp(name, keep[i])) return r.lo >= 0 ? ELEM_COUNT : ELEM_INTEGER;
    return ELEM_REAL;
}

static Type *rule_map(Check *s, Args *a)
{
    Range ranges[MAX_ARGS];
    Size **event = NULL;
    Ast *shaped = NULL;
    if (!all_values(s, a)) return type_bad(s);
    for (size_t i = 0; i < a->n; i++) {
        Type joint = { .kind = KIND_VALUE, .event = event };
        ranges[i] = a->types[i]->range;
        if (!shaped || !vec_len(event)) {
            event = a->types[i]->event;
            shaped = a->asts[i];
        } else if (!broadcast(s, a->at, shaped, &joint, a->asts[i], a->types[i], &event)) {
            return type_bad(s);
        }
    }
    Range r = range_map(str(s->c, a->row->name), ranges, a->n, a->row->range);
    return type_value(s, map_elem(a->row->name, a, r), r, event);
}

/* ---- reductions ------------------------------------------------------------------------------ */
static Type *reduced(Check *s, const char *name, const Type *t, Size **event)
{
    Range r = t->range, sum = r.lo >= 0 ? range_from(0, INFINITY) : range_real();
    if (!strcmp(name, "any") || !strcmp(name, "all"))
        return type_value(s, ELEM_BIT, range_from(0, 1), event);
    if (!strcmp(name, "count")) return type_value(s, ELEM_COUNT, range_from(0, INFINITY), event);
    if (!strcmp(name, "mean")) return type_value(s, ELEM_REAL, r, event);
    if (!strcmp(name, "min") || !strcmp(name, "max")) {
        Type *m = type_value(s, t->elem == ELEM_INDEX ? ELEM_COUNT : t->elem, r, event);
        return m;
    }
    if (!strcmp(name, "prod")) {
        Range unit = r.hi <= 1 ? range_from(0, 1) : range_from(0, INFINITY);
        return type_value(s, t->elem == ELEM_REAL ? ELEM_REAL : ELEM_INTEGER,
                          r.lo >= 0 ? unit : range_real(), event);
    }
    if (!strcmp(name, "sd") || !strcmp(name, "variance"))
        return type_value(s, ELEM_REAL, range_from(0, INFINITY), event);
    if (!strcmp(name, "logsumexp")) return type_value(s, ELEM_REAL, range_real(), event);
    if (t->range.lo == 0 && t->range.lo_open) sum = range_open(0, INFINITY);
    if (t->range.lo > 0) sum = range_open(0, INFINITY);
    return type_value(s, t->elem == ELEM_REAL ? ELEM_REAL : sum.lo >= 0 ? ELEM_COUNT : ELEM_INTEGER,
                      sum, event);
}

static bool needs_bits(const char *name)
{
    return !strcmp(name, "any") || !strcmp(name, "all") || !strcmp(name, "count");
}

static bool check_bits(Check *s, Ast *e, const Type *t, const char *name)
{
    if (!needs_bits(name) || t->elem == ELEM_BIT) return true;
    FAIL(s, E_COND, e->span, name, fmt_expr(s->c, e), type_text(s->c, t));
    diag_help(s->c, "compare: `%s > 0`", fmt_expr(s->c, e));
    return false;
}

/* A sum that a simplex weighs lies where its terms do. */
static Type *weighed(Check *s, Type *sum, Ast *e, const Ast *binder)
{
    if (sum->elem != ELEM_REAL) return sum;
    return type_value(s, ELEM_REAL, range_weighted(s, e, binder, sum->range), sum->event);
}

static Type *rule_reduce(Check *s, Args *a)
{
    if (!is_bad(a->types[0]) && a->types[0]->kind == KIND_DIST) {
        Type *of = a->types[0]->of;
        if (!strcmp(a->row->name, "mean")) return type_strip(s, of);
        if (!strcmp(a->row->name, "variance") || !strcmp(a->row->name, "sd"))
            return type_value(s, ELEM_REAL, range_from(0, INFINITY), of->event);
    }
    if (!all_values(s, a) || !check_bits(s, a->asts[0], a->types[0], a->row->name))
        return type_bad(s);
    if (!vec_len(a->types[0]->event)) {
        bad_argument(s, a, 0, "a vector or array");
        diag_help(s->c, "a reduction over an index is written `%s[i in I](..)`", a->row->name);
        return type_bad(s);
    }
    Type *t = reduced(s, a->row->name, a->types[0], NULL);
    return strcmp(a->row->name, "sum") ? t : weighed(s, t, a->asts[0], NULL);
}

static Type *rule_argmax(Check *s, Args *a)
{
    if (!all_values(s, a)) return type_bad(s);
    if (vec_len(a->types[0]->event) != 1) return bad_argument(s, a, 0, "a vector");
    Type *t = type_value(s, ELEM_INDEX, range_from(0, INFINITY), NULL);
    t->classes = a->types[0]->event[0];
    return t;
}

Type *infer_reduce(Check *s, Ast *e)
{
    const Builtin *b = builtin_find(s->c, e->name, 1);
    bool bad = !b || !b->reduces;
    size_t guards = vec_len(s->guarded);
    for (size_t i = 0; i < list_len(e->kids[REDUCE_BINDERS]); i++)
        bad |= is_bad(infer_binder(s, e->kids[REDUCE_BINDERS]->kids[i]));
    Type *t = infer_element(s, e->kids[REDUCE_VALUE]);
    if (s->guarded) ((size_t *)s->guarded)[-1] = guards;
    if (bad || is_bad(t) || !check_bits(s, e->kids[REDUCE_VALUE], t, e->name)) return type_bad(s);
    Ast *binder = e->kids[REDUCE_BINDERS]->kids[0];
    bool one = list_len(e->kids[REDUCE_BINDERS]) == 1 && !binder->kids[BINDER_WHERE]
            && binder->kids[BINDER_DOMAIN]->kind != AST_RANGE;
    if (b->rule == RULE_REDUCE) {
        Type *all = reduced(s, e->name, t, t->event);
        one &= !strcmp(e->name, "sum");
        return one ? weighed(s, all, e->kids[REDUCE_VALUE], binder) : all;
    }
    Type *i = type_value(s, ELEM_INDEX, range_from(0, INFINITY), NULL);
    i->classes = binder->type ? binder->type->classes : NULL;
    return i;
}

/* ---- vectors and matrices -------------------------------------------------------------------- */
static bool is_square(Check *s, const Type *t)
{
    size_t n = vec_len(t->event);
    return n == 2 && sizes_agree(s, t->event[0], t->event[1]);
}

static Type *matrix(Check *s, Size *rows, Size *columns, const char *support)
{
    Size **event = NULL;
    vec_push(s->c, event, rows);
    vec_push(s->c, event, columns);
    Type *t = type_value(s, ELEM_REAL, range_real(), event);
    if (support) {
        t->support = str(s->c, support);
        t->core = 2;
    }
    return t;
}

static Type *rule_matrix(Check *s, Args *a)
{
    if (!all_values(s, a)) return type_bad(s);
    Type *t = a->types[0];
    if (a->row->rule == RULE_DIAG) {
        if (vec_len(t->event) != 1) return bad_argument(s, a, 0, "a vector");
        Type *m = matrix(s, t->event[0], t->event[0], NULL);   /* a covariance and its factor */
        if (t->range.lo >= 0) m->range = range_from(0, INFINITY);
        return m;
    }
    if (!is_square(s, t)) return bad_argument(s, a, 0, "a square matrix");
    switch (a->row->rule) {
    case RULE_CHOLESKY: {
        bool corr = t->core == 2 && !strcmp(t->support, "corr");
        return matrix(s, t->event[0], t->event[1], corr ? "corr_cholesky" : "cholesky");
    }
    case RULE_DIAGONAL: {
        bool positive = t->core == 2;
        return type_value(s, ELEM_REAL, positive ? range_open(0, INFINITY) : t->range,
                          sizes_from(s, t->event, 0, 1));
    }
    case RULE_LOGDET: return type_real(s, NULL);
    default: {
        bool symmetric = t->core == 2 && !strstr(t->support, "cholesky");
        return matrix(s, t->event[0], t->event[1], symmetric ? "covariance" : NULL);
    }
    }
}

static Type *rule_solve(Check *s, Args *a)
{
    if (!all_values(s, a)) return type_bad(s);
    if (!is_square(s, a->types[0])) return bad_argument(s, a, 0, "a square matrix");
    if (!vec_len(a->types[1]->event)
        || !sizes_agree(s, a->types[0]->event[1], a->types[1]->event[0]))
        return bad_argument(s, a, 1, str_fmt(s->c, "a vector or matrix with %s rows",
                                             size_text(s->c, a->types[0]->event[1])));
    return type_real(s, a->types[1]->event);
}

static Type *rule_concat(Check *s, Args *a)
{
    Size *total = size_const(s->c, 0);
    if (!all_values(s, a)) return type_bad(s);
    Type *t = type_strip(s, a->types[0]);
    for (size_t i = 0; i < a->n; i++) {
        Size **event = a->types[i]->event;
        if (vec_len(event) > 1) return bad_argument(s, a, i, "numbers and vectors");
        total = size_add(s->c, total, vec_len(event) ? event[0] : size_const(s->c, 1));
        t = type_union(s, t, type_strip(s, a->types[i]), NULL);
    }
    vec_push(s->c, t->event, total);
    return t;
}

static Type *rule_cumsum(Check *s, Args *a)
{
    if (!all_values(s, a)) return type_bad(s);
    if (vec_len(a->types[0]->event) != 1) return bad_argument(s, a, 0, "a vector");
    Type *t = reduced(s, "sum", a->types[0], a->types[0]->event);
    if (a->types[0]->core == 1 && !strcmp(a->types[0]->support, "simplex"))
        t->range = range_from(0, 1);
    return t;
}

/* ---- randomness, distributions as values ----------------------------------------------------- */
/* A draw with parameters: one for each number of them. */
static Type *drawn(Check *s, Args *a)
{
    Type joint = { .kind = KIND_VALUE, .event = a->types[0]->event };
    Size **event = joint.event;
    for (size_t i = 1; i < a->n; i++, joint.event = event)
        if (!broadcast(s, a->at, a->asts[0], &joint, a->asts[i], a->types[i], &event))
            return type_bad(s);
    if (!strcmp(a->row->name, "random_gamma"))
        return type_value(s, ELEM_REAL, range_open(0, INFINITY), event);
    if (!strcmp(a->row->name, "random_von_mises"))
        return type_value(s, ELEM_REAL, range_real(), event);
    return type_value(s, ELEM_COUNT, range_from(0, INFINITY), event);
}

static Type *rule_draw(Check *s, Args *a)
{
    if (!all_values(s, a)) return type_bad(s);
    if (!s->sample) {
        FAIL(s, E_DRAW_PLACE, a->at->span, a->row->name);
        diag_help(s->c, "draw a latent: `latent u : unit ~ uniform(0, 1)`");
        return type_bad(s);
    }
    if (a->n) return drawn(s, a);
    bool unit = !strcmp(a->row->name, "random_uniform");
    return type_value(s, ELEM_REAL, unit ? range_open(0, 1) : range_real(), s->sample->event);
}

static bool is_dist(Check *s, Args *a, size_t i)
{
    if (is_bad(a->types[i])) return false;
    if (a->types[i]->kind == KIND_DIST) return true;
    bad_argument(s, a, i, "a distribution");
    return false;
}

static Type *rule_logpdf(Check *s, Args *a)
{
    if (!is_dist(s, a, 0)) return type_bad(s);
    a->types[1] = as_value(s, a->asts[1], a->types[1]);
    if (is_bad(a->types[1])) return type_bad(s);
    Type *of = a->types[0]->of, *x = type_flat(s, a->types[1]);
    size_t n = vec_len(of->event);
    if (!a->types[0]->any_event && n && !axes_agree(s, of->event, x->event)) {
        if (!(vec_len(x->event) == 0 && n > 0 && of->core == 0))
            return bad_argument(s, a, 1, type_text(s->c, of));
    }
    bool cdf = !strcmp(a->row->name, "cdf");
    return type_value(s, ELEM_REAL, cdf ? range_from(0, 1) : range_real(),
                      cdf ? n ? of->event : x->event : NULL);
}

static Type *rule_dist(Check *s, Args *a)
{
    for (size_t i = 0; i < a->n; i++)
        if (!is_dist(s, a, i)) return type_bad(s);
    return type_real(s, NULL);
}

/* d |> truncate(lower: a, upper: b): the same event, fewer values. */
static Type *rule_truncate(Check *s, Args *a)
{
    if (!is_dist(s, a, 0)) return type_bad(s);
    Ast *lower = ast_argument(a->at, "lower"), *upper = ast_argument(a->at, "upper");
    if (*a->row->keys && !lower && !upper) {
        FAIL(s, E_ARG_MISSING, a->at->span, a->row->name, "lower` or `upper");
        diag_help(s->c, "`d |> %s(lower: a, upper: b)`; one of them is enough", a->row->name);
        return type_bad(s);
    }
    Type *lo = lower ? as_value(s, lower, lower->type) : NULL;
    Type *hi = upper ? as_value(s, upper, upper->type) : NULL;
    if ((lo && is_bad(lo)) || (hi && is_bad(hi))) return type_bad(s);
    if (!lo || !hi || lo->range.lo < hi->range.hi) return a->types[0];
    FAIL(s, E_SUPPORT_BOUNDS, a->at->span, lo->range.lo, hi->range.hi);
    diag_help(s->c, "the smaller bound is `lower`");
    return type_bad(s);
}

static Type *rule_delta(Check *s, Args *a)
{
    if (!all_values(s, a)) return type_bad(s);
    Type *t = type_dist(s, a->types[0]);
    t->any_event = true;
    return t;
}

/* ---- discrete latents ------------------------------------------------------------------------ */
static Type *rule_marginal(Check *s, Args *a)
{
    a->types[0] = as_element(s, a->asts[0], a->types[0]);
    if (is_bad(a->types[0])) return type_bad(s);
    Type *t = a->types[0];
    if (t->elem == ELEM_REAL || vec_len(t->event))
        return bad_argument(s, a, 0, "a discrete latent");
    Type *p = type_value(s, ELEM_REAL, range_from(0, 1), NULL);
    if (!t->classes) return p;
    Size *n = t->elem == ELEM_COUNT ? size_add(s->c, t->classes, size_const(s->c, 1)) : t->classes;
    vec_push(s->c, p->event, n);
    p->support = str(s->c, "simplex");
    p->core = 1;
    return p;
}

static Type *rule_mode(Check *s, Args *a)
{
    a->types[0] = as_value(s, a->asts[0], a->types[0]);
    if (is_bad(a->types[0])) return type_bad(s);
    if (a->types[0]->elem == ELEM_REAL) return bad_argument(s, a, 0, "a discrete latent");
    return type_strip(s, a->types[0]);
}

/* ---- dispatch -------------------------------------------------------------------------------- */
static Type *apply_rule(Check *s, Args *a)
{
    switch (a->row->rule) {
    case RULE_MAP: return rule_map(s, a);
    case RULE_REDUCE: return rule_reduce(s, a);
    case RULE_ARGMAX: return rule_argmax(s, a);
    case RULE_CONCAT: return rule_concat(s, a);
    case RULE_CUMSUM: return rule_cumsum(s, a);
    case RULE_CHOLESKY: case RULE_DIAG: case RULE_DIAGONAL: case RULE_LOGDET: case RULE_SQUARE:
        return rule_matrix(s, a);
    case RULE_SOLVE: return rule_solve(s, a);
    case RULE_DRAW: return rule_draw(s, a);
    case RULE_LOGPDF: return rule_logpdf(s, a);
    case RULE_DIST_SCALAR: case RULE_KL: return rule_dist(s, a);
    case RULE_DELTA: case RULE_FLAT: return rule_delta(s, a);
    case RULE_TRUNCATE: return rule_truncate(s, a);
    case RULE_PREVIOUS: return rule_previous(s, a);
    case RULE_MARGINAL: return rule_marginal(s, a);
    case RULE_MODE: return rule_mode(s, a);
    case RULE_ODE: return rule_ode(s, a);
    case RULE_METHOD: return rule_method(s, a);
    case RULE_OPAQUE: break;
    }
    if (a->n && !is_bad(a->types[0]) && a->types[0]->kind == KIND_DIST) return a->types[0];
    return type_bad(s);
}

static bool has_key(const char *keys, Str name)
{
    size_t n = strlen(name);
    for (const char *p = keys; (p = strstr(p, name)); p += n)
        if ((p == keys || p[-1] == ' ') && (p[n] == ' ' || !p[n])) return true;
    return false;
}

/* `input`: the type of what `from |>` passes, or NULL. */
static Type *call_builtin(Check *s, Ast *e, Type *input, Ast *from)
{
    Args a = { .at = e };
    size_t n_args = e->kind == AST_CALL ? vec_len(e->kids) : 0;
    if (input) {
        a.asts[0] = from;
        a.types[0] = input;
        a.n = 1;
    }
    size_t positional = a.n;
    for (size_t i = 0; i < n_args; i++) positional += e->kids[i]->name == NULL;
    a.row = builtin_find(s->c, e->name, positional);
    if (!a.row) return type_bad(s);    /* reported when names were resolved */
    bool opaque = a.row->rule == RULE_OPAQUE;
    for (size_t i = 0; i < n_args; i++) {
        Ast *arg = e->kids[i];
        if (arg->name && !has_key(a.row->keys, arg->name)) {
            FAIL(s, E_ARG_UNKNOWN, arg->span, e->name, arg->name);
            if (*a.row->keys) diag_help(s->c, "its named arguments: %s", a.row->keys);
            return type_bad(s);
        }
        Type *t = opaque ? NULL : a.row->rule == RULE_PREVIOUS
                ? infer_previous_argument(s, e, i) : infer(s, arg->kids[ARG_VALUE]);
        if (arg->name || a.n == MAX_ARGS) continue;
        a.asts[a.n] = arg->kids[ARG_VALUE];
        a.types[a.n++] = t;
    }
    bool piped = opaque && input;
    if (!opaque && ((int)positional < a.row->min || (int)positional > a.row->max)) {
        int passed = input != NULL, takes = a.row->min - passed;
        FAIL(s, E_ARGUMENT_COUNT, e->span, e->name, takes, takes == 1 ? "" : "s",
             (int)positional - passed);
        if (a.row->rule != RULE_MAP) diag_help(s->c, "`%s`: %s", e->name, a.row->doc);
        return type_bad(s);
    }
    if (!a.row->available) not_yet(s, a.row->name, e->span);
    if (opaque && !piped) return type_new(s, KIND_FUNCTION);
    return apply_rule(s, &a);
}

Type *builtin_stage(Check *s, Type *input, Ast *from, Ast *stage)
{
    if (is_bad(input)) return input;
    return call_builtin(s, stage, input, from);
}

/* Arguments of a function's call, by position or by name. */
static Type *call_function(Check *s, Ast *e, Ast *f)
{
    Type **args = NULL;
    Ast *formals = f->kids[FUNCTION_ARGS];
    for (size_t i = 0; i < vec_len(e->kids); i++) {
        Ast *arg = e->kids[i];
        if (arg->name && (i >= list_len(formals) || formals->kids[i]->name != arg->name)) {
            FAIL(s, E_ARG_UNKNOWN, arg->span, f->name, arg->name);
            diag_help(s->c, "arguments of a function are given in order");
            return type_bad(s);
        }
        vec_push(s->c, args, infer(s, arg->kids[ARG_VALUE]));
    }
    return apply_function(s, f, args, vec_len(args), e);
}

Type *infer_call(Check *s, Ast *e, const Type *event)
{
    Ast *f = e->decl;
    if (!f) return call_builtin(s, e, NULL, NULL);
    switch (f->kind) {
    case AST_DISTRIBUTION: case AST_ALSO: return infer_dist_call(s, e, event);
    case AST_FUNCTION: case AST_NET: return call_function(s, e, f);
    case AST_LAYER: case AST_FLOW: {
        Type *t = type_new(s, KIND_FUNCTION);
        t->callable = f;
        return t;
    }
    default: ice_span(e->span, "call of %s", ast_kind_name(f->kind));
    }
}
