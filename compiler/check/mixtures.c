/* mixtures.c - mixtures as laws: each gets a distribution of its own, written in the language.
 *
 *     y[n] ~ mixture(w, normal(mu, s))            mu, s: one for each component, or one for all
 *  -> distribution mixture_of_normal(w : simplex[Parts], mu : real[Parts], sigma : positive[Parts])
 *       on real { logpdf(x) = logsumexp[i in Parts](log(w[i]) + logpdf(normal(..mu[i]..), x)); .. }
 *     y[n] ~ mixture_of_normal(w, mu, s)
 *     y[n] ~ mixture(w, normal(mu, s), cauchy(0, 5))                      component by component
 *  -> y[n] ~ mixture_of_normal_and_cauchy(w, mu0: mu, sigma0: s, mu1: 0, sigma1: 5)
 * Idea: a density, a distribution function, a sampler and moments of a mixture are sums over those
 * of its components, which the library can say; so every stage after this one, and every place for
 * a law, has mixtures without a rule for them. Components on supports of which one is wider are
 * laws on the wider one, with density 0 outside of their own.
 * requires:    a parsed file and library, names not yet resolved
 * establishes: no call of `mixture` outside of families, but for wrong ones, which are reported
 */
#include "check.h"

#include <string.h>

typedef struct Mixtures {
    Ctx *c;
    const Ast *file, *library;
    Ast **made;                        /* vec: distributions, for the item at hand */
    Map *known;                        /* by name, those of the file */
} Mixtures;

/* A component as the new distribution says it. */
typedef struct Component {
    const Ast *law;                    /* DISTRIBUTION or ALSO; NULL: delta */
    Str element;                       /* what stands behind its parameters: "[i]", "0" */
    Str call;                          /* normal(mu: mu[i], sigma: sigma[i]), or what delta is at */
    Str outside, inner;                /* test of x outside of its support, a value within; NULL */
    Str below, above;                  /* tests of x where its distribution function is 0, is 1 */
} Component;

/* ---- the law of a component ------------------------------------------------------------------ */

static Ast *find_distribution(const Mixtures *m, Str name)
{
    Ast *made = map_get(m->known, name);
    return made ? made : distribution_named(m->file, m->library, name);
}

/* The law that a call means, before names are resolved; NULL: none, or its arguments are wrong. */
static const Ast *law_of(const Mixtures *m, const Ast *call)
{
    Ast *dist = find_distribution(m, call->name);
    if (!dist)
        return NULL;
    Ast **laws = law_parameterizations(m->c, dist);
    for (size_t i = 1; i < vec_len(laws); i++)
        laws[i]->decl = dist;
    return law_chosen(m->c, dist, call);
}

static bool is_delta(const Ast *call)
{
    return call->kind == AST_CALL && !strcmp(call->name, "delta") && vec_len(call->kids) == 1;
}

static const Ast *support_of_law(const Ast *law)
{
    return law_base(law)->kids[DIST_SUPPORT];
}

static bool is_param(Ctx *c, const Ast *law, Str name)
{
    Ast **params = law_params(c, law);
    for (size_t i = 0; i < vec_len(params); i++)
        if (params[i]->name == name)
            return true;
    return false;
}

static bool names_param(Ctx *c, const Ast *law, Str name)
{
    return is_param(c, law, name) || is_param(c, law_base(law), name);
}

/* An expression in the parameters of a law: each is that of the component. */
static Str with_elements(Ctx *c, const Ast *e, const Component *k)
{
    Ast *copy = ast_copy(c, e);
    Ast **todo = NULL;
    vec_push(c, todo, copy);
    for (size_t i = 0; i < vec_len(todo); i++) {
        Ast *a = todo[i];
        if (a->kind == AST_NAME && names_param(c, k->law, a->name))
            a->name = str_fmt(c, "%s%s", a->name, k->element);
        for (size_t j = 0; j < vec_len(a->kids); j++)
            if (a->kids[j])
                vec_push(c, todo, a->kids[j]);
    }
    return fmt_expr(c, copy);
}

/* Do the bounds of a support depend on the parameters? Sizes do not count. */
static bool is_fixed(Ctx *c, const Ast *law)
{
    const Ast *args = support_of_law(law)->kids[TYPE_ARGS];
    for (size_t i = 0; i < list_len(args); i++) {
        const Ast *e = args->kids[i];
        if (e->kind == AST_NAME && names_param(c, law, e->name))
            return false;
    }
    return true;
}

/* normal(mu: mu[i], sigma: sigma[i]) */
static Str call_of(Ctx *c, const Ast *law, Str element)
{
    Ast **params = law_params(c, law);
    Str text = str_fmt(c, "%s(", law_base(law)->name);
    for (size_t i = 0; i < vec_len(params); i++)
        text = str_fmt(c, "%s%s%s: %s%s", text, i ? ", " : "", params[i]->name, params[i]->name,
                       element);
    return str_fmt(c, "%s)", text);
}

/* ---- supports -------------------------------------------------------------------------------- */

/* Tests of x outside of a support that is narrower than the mixture's. */
static void bound_component(Ctx *c, Component *k)
{
    const Ast *s = k->law ? support_of_law(k->law) : NULL;
    if (!s)
        return;
    const Ast *args = s->kids[TYPE_ARGS];
    Str lower = list_len(args) > 1 ? with_elements(c, args->kids[0], k) : NULL;
    Str upper = list_len(args) ? with_elements(c, args->kids[list_len(args) - 1], k) : NULL;
    bool to_end = upper && !strcmp(upper, "inf");
    if (!strcmp(s->name, "positive") || !strcmp(s->name, "nonnegative")) {
        k->below = str(c, s->name[0] == 'p' ? "x <= 0" : "x < 0");
        k->inner = str(c, "1");
    } else if (!strcmp(s->name, "unit")) {
        k->below = str(c, "x <= 0");
        k->above = str(c, "x >= 1");
        k->inner = str(c, "0.5");
    } else if (!strcmp(s->name, "interval") && lower) {
        k->below = str_fmt(c, "x < %s", lower);
        k->above = to_end ? NULL : str_fmt(c, "x > %s", upper);
        k->inner = to_end ? str_fmt(c, "%s + 1", lower)
                          : str_fmt(c, "0.5 * (%s + %s)", lower, upper);
    } else if (!strcmp(s->name, "count") && upper) {
        k->above = str_fmt(c, "x > %s", upper);
    } else if (!strcmp(s->name, "bit")) {
        k->above = str(c, "x > 1");
    }
    if (!strcmp(s->name, "count") || !strcmp(s->name, "bit")) {
        k->below = str(c, "x < 0");
        k->inner = str(c, "0");
    }
    k->outside = k->below && k->above ? str_fmt(c, "%s or %s", k->below, k->above)
               : k->below             ? k->below
                                      : k->above;
}

static bool is_number(const char *support)
{
    static const char *const names[] = { "real", "positive", "nonnegative", "unit", "interval" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(support, names[i]))
            return true;
    return false;
}

static bool is_whole(const char *support)
{
    return !strcmp(support, "count") || !strcmp(support, "bit") || !strcmp(support, "integer");
}

/* Supports of numbers, all real or all whole: the widest. NULL: they have none in common. */
static Str widest(Ctx *c, const Component *k, size_t n)
{
    size_t real = 0, whole = 0, deltas = 0, integer = 0;
    for (size_t i = 0; i < n; i++) {
        const Ast *s = k[i].law ? support_of_law(k[i].law) : NULL;
        bool scalar = s && !list_len(s->kids[TYPE_AXES]);
        deltas += !k[i].law;
        real += scalar && is_number(s->name);
        whole += scalar && is_whole(s->name);
        integer += s && !strcmp(s->name, "integer");
    }
    if (real == n)
        return str(c, "real");
    return whole && whole + deltas == n ? str(c, integer ? "integer" : "count") : NULL;
}

/* The support of the mixture; what of its components is narrower knows where. NULL: none. */
static Str find_support(Ctx *c, Component *k, size_t n)
{
    const Ast *first = k[0].law ? support_of_law(k[0].law) : NULL;
    bool same = first != NULL;
    for (size_t i = 0; i < n && same; i++)
        same = k[i].law && is_fixed(c, k[i].law)
            && !strcmp(fmt_expr(c, support_of_law(k[i].law)), fmt_expr(c, first));
    if (same)
        return fmt_expr(c, first);
    Str support = widest(c, k, n);
    for (size_t i = 0; i < n && support; i++)
        if (!k[i].law || strcmp(support_of_law(k[i].law)->name, support)
            || list_len(support_of_law(k[i].law)->kids[TYPE_ARGS]))
            bound_component(c, &k[i]);
    return support;
}

/* ---- members --------------------------------------------------------------------------------- */

/* `f(d, x)`, and outside of its support what `else` stands for. */
static Str guarded(Ctx *c, const Component *k, const char *f)
{
    if (!k->outside)
        return str_fmt(c, "%s(%s, x)", f, k->call);
    return str_fmt(c, "%s(%s, if %s then %s else x)", f, k->call, k->outside, k->inner);
}

static Str logpdf_of(Ctx *c, const Component *k)
{
    if (!k->law)
        return str_fmt(c, "(if x == %s then 0 else -inf)", k->call);
    Str inside = guarded(c, k, "logpdf");
    return k->outside ? str_fmt(c, "(if %s then -inf else %s)", k->outside, inside) : inside;
}

static Str cdf_of(Ctx *c, const Component *k)
{
    if (!k->law)
        return str_fmt(c, "(if x >= %s then 1 else 0)", k->call);
    Str e = guarded(c, k, "cdf");
    e = k->above ? str_fmt(c, "(if %s then 1 else %s)", k->above, e) : e;
    return k->below ? str_fmt(c, "(if %s then 0 else %s)", k->below, e) : e;
}

static Str mean_of(Ctx *c, const Component *k)
{
    return k->law ? str_fmt(c, "mean(%s)", k->call) : k->call;
}

static Str square_of(Ctx *c, const Component *k)      /* about `centre` */
{
    return k->law ? str_fmt(c, "(variance(%s) + sq(mean(%s) - centre))", k->call, k->call)
                  : str_fmt(c, "sq(%s - centre)", k->call);
}

/* A distribution as it is written. */
typedef struct Text {
    Ctx *c;
    const Component *k;                /* [n]; one of them stands for all where n is 1 */
    size_t n;
    Str support, w, i, parts;          /* names of weights, index and size that no parameter has */
} Text;

/* The sum of w_k e_k. */
static Str weighed(const Text *t, Str (*e)(Ctx *, const Component *))
{
    if (t->n == 1)
        return str_fmt(t->c, "sum[%s in %s](%s[%s] * %s)", t->i, t->parts, t->w, t->i,
                       e(t->c, t->k));
    Str text = str(t->c, "");
    for (size_t i = 0; i < t->n; i++)
        text = str_fmt(t->c, "%s%s%s[%zu] * %s", text, i ? " + " : "", t->w, i,
                       e(t->c, &t->k[i]));
    return text;
}

static Str log_density(const Text *t)
{
    if (t->n == 1)
        return str_fmt(t->c, "logsumexp[%s in %s](log(%s[%s]) + %s)", t->i, t->parts, t->w, t->i,
                       logpdf_of(t->c, t->k));
    Str text = str(t->c, "logsumexp([");
    for (size_t i = 0; i < t->n; i++)
        text = str_fmt(t->c, "%s%slog(%s[%zu]) + %s", text, i ? ", " : "", t->w, i,
                       logpdf_of(t->c, &t->k[i]));
    return str_fmt(t->c, "%s])", text);
}

/* A component by its weight, then a draw of it. */
static Str sampler(const Text *t)
{
    Ctx *c = t->c;
    Str size = t->n == 1 ? t->parts : str_fmt(c, "%zu", t->n), pick = NULL;
    Str text = str_fmt(c, "%s : index(%s) ~ categorical(%s)", t->i, size, t->w);
    for (size_t i = 0; i < t->n; i++)
        if (t->k[i].law)
            text = str_fmt(c, "%s; x%zu : %s ~ %s", text, i, t->support, t->k[i].call);
    for (size_t i = t->n; i-- > 0;) {
        Str x = t->k[i].law ? str_fmt(c, "x%zu", i) : t->k[i].call;
        pick = pick ? str_fmt(c, "if %s == %zu then %s else %s", t->i, i, x, pick) : x;
    }
    return str_fmt(c, "%s; %s", text, pick);
}

static bool all_have(const Text *t, AstKind kind, const char *name)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->k[i].law && !law_member(t->k[i].law, kind, name, NULL))
            return false;
    return true;
}

/* ---- the distribution ------------------------------------------------------------------------ */

static bool has_axis(const Ast *law, Str name)
{
    const Ast *args = law_base(law)->kids[DIST_ARGS];
    for (size_t i = 0; i < vec_len(args->kids); i++) {
        const Ast *type = args->kids[i]->kids[ARGDECL_TYPE];
        for (size_t k = 0; type && k < list_len(type->kids[TYPE_AXES]); k++)
            if (type->kids[TYPE_AXES]->kids[k]->name == name)
                return true;
    }
    return false;
}

/* The name, or a longer one, that no component has. */
static Str unused(Ctx *c, const char *like, const Component *k, size_t n)
{
    Str name = str(c, like);
    for (size_t i = 0; i < n; i++)
        if (k[i].law && (names_param(c, k[i].law, name) || has_axis(k[i].law, name)))
            return unused(c, str_fmt(c, "%s_", like), k, n);
    return name;
}

/* `mu : real` -> `mu : real[Parts]`, or `mu0 : real` */
static Str parameter(const Text *t, const Ast *param, Str element)
{
    const Ast *type = param->kids[ARGDECL_TYPE];
    if (t->n > 1)
        return str_fmt(t->c, "%s%s : %s", param->name, element,
                       type ? fmt_expr(t->c, type) : "real");
    if (!type)
        return str_fmt(t->c, "%s : real[%s]", param->name, t->parts);
    Ast *copy = ast_copy(t->c, type);
    Ast *axes = ast_new(t->c, AST_LIST, type->span, NULL, 1,
                        ast_name(t->c, type->span, t->parts, NULL));
    for (size_t i = 0; i < list_len(type->kids[TYPE_AXES]); i++)
        ast_push(t->c, axes, copy->kids[TYPE_AXES]->kids[i]);
    copy->kids[TYPE_AXES] = axes;
    return str_fmt(t->c, "%s : %s", param->name, fmt_expr(t->c, copy));
}

static void write_parameters(const Text *t, Out *o)
{
    Str size = t->n == 1 ? t->parts : str_fmt(t->c, "%zu", t->n);
    out_printf(o, "%s : simplex[%s]", t->w, size);
    for (size_t i = 0; i < t->n; i++) {
        const Component *k = &t->k[i];
        Ast **params = k->law ? law_params(t->c, k->law) : NULL;
        for (size_t j = 0; j < vec_len(params); j++)
            out_printf(o, ", %s", parameter(t, params[j], k->element));
        if (!k->law)
            out_printf(o, ", %s : %s", k->call, t->support);
    }
}

static Str write_law(const Text *t, Str name)
{
    bool scalar = !strchr(t->support, '[');
    Out *o = out_new(t->c);
    out_printf(o, "distribution %s(", name);
    write_parameters(t, o);
    out_printf(o, ") on %s {\n  logpdf(x) = %s\n", t->support, log_density(t));
    if (scalar && all_have(t, AST_FUNCTION, "cdf"))
        out_printf(o, "  cdf(x) = %s\n", weighed(t, cdf_of));
    if (all_have(t, AST_SAMPLE, NULL))
        out_printf(o, "  sample { %s }\n", sampler(t));
    if (scalar && all_have(t, AST_FACT, "mean")) {
        out_printf(o, "  mean = %s\n", weighed(t, mean_of));
        if (all_have(t, AST_FACT, "variance"))
            out_printf(o, "  variance = {\n    let centre = %s\n    %s\n  }\n",
                       weighed(t, mean_of), weighed(t, square_of));
    }
    out_printf(o, "}\n");
    size_t length;
    return str(t->c, out_text(o, &length));
}

/* mixture_of_normal, mixture_of_normal_prec, mixture_of_delta_and_poisson */
static Str name_of(Ctx *c, const Component *k, size_t n)
{
    Str name = str(c, "mixture_of");
    for (size_t i = 0; i < n; i++) {
        const Ast *law = k[i].law;
        name = str_fmt(c, "%s%s_%s", name, i ? "_and" : "", law ? law_base(law)->name : "delta");
        for (size_t j = 0; law && law->kind == AST_ALSO && j < list_len(law->kids[ALSO_ARGS]); j++)
            if (!is_param(c, law_base(law), law->kids[ALSO_ARGS]->kids[j]->name))
                name = str_fmt(c, "%s_%s", name, law->kids[ALSO_ARGS]->kids[j]->name);
    }
    return name;
}

static bool declare_law(Mixtures *m, Str name, const Text *t)
{
    if (map_get(m->known, name))
        return true;
    Str text = write_law(t, name);
    Ast *file = parse_text(m->c, source_text(m->c, str_fmt(m->c, "%s.dgm", name), text,
                                             strlen(text), true));
    if (!file || vec_len(file->kids) != 1)
        return false;
    map_put(m->known, name, file->kids[0]);
    vec_push(m->c, m->made, file->kids[0]);
    return true;
}

/* ---- calls ----------------------------------------------------------------------------------- */

/* The arguments of component i, with names of their own where there are several components. */
static void pass_arguments(Ctx *c, Ast *to, const Ast *call, const Component *k, size_t n)
{
    Ast **params = k->law ? law_params(c, k->law) : NULL;
    for (size_t j = 0; j < vec_len(call->kids); j++) {
        Ast *arg = call->kids[j];
        Str name = arg->name;
        if (n > 1)
            name = k->law ? str_fmt(c, "%s%s", law_param(params, arg, j)->name, k->element)
                          : k->call;
        ast_push(c, to, ast_new(c, AST_ARG, arg->span, name, 1, arg->kids[ARG_VALUE]));
    }
}

static void refuse_component(Mixtures *m, const Ast *e)
{
    diag_error(m->c, E_MIXTURE_PART, e->span, fmt_expr(m->c, e));
    diag_help(m->c, "a latent that names the component says the same, and is summed out: "
              "`latent c : bit ~ bernoulli(p)`, `y ~ if c == 1 then .. else ..`");
}

/* False: it is reported, or its arguments are wrong, which the checker says. */
static bool read_component(Mixtures *m, Component *k, Ast *arg, bool only)
{
    Ast *call = arg->kids[ARG_VALUE];
    bool delta = !only && !arg->name && is_delta(call);
    bool law = !arg->name && call->kind == AST_CALL && find_distribution(m, call->name);
    if (!delta && !law)
        refuse_component(m, call);
    k->law = law ? law_of(m, call) : NULL;
    return k->law || delta;
}

static bool read_components(Mixtures *m, Ast *e, Component *k, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!read_component(m, &k[i], e->kids[i + 1], n == 1)) {
            *e = *e->kids[i + 1]->kids[ARG_VALUE];
            return false;
        }
    return true;
}

static void name_elements(Ctx *c, Text *t, Component *k)
{
    t->w = unused(c, "w", k, t->n);
    t->i = unused(c, "i", k, t->n);
    t->parts = unused(c, "Parts", k, t->n);
    for (size_t i = 0; i < t->n; i++) {
        k[i].element = t->n == 1 ? str_fmt(c, "[%s]", t->i) : str_fmt(c, "%zu", i);
        k[i].call = k[i].law ? call_of(c, k[i].law, k[i].element) : str_fmt(c, "at%zu", i);
    }
}

static void rewrite_call(Mixtures *m, Ast *e)
{
    Ctx *c = m->c;
    size_t n = vec_len(e->kids) - 1;
    Component *k = vec_new(c, n, sizeof *k);
    Text t = { .c = c, .k = k, .n = n };
    if (!read_components(m, e, k, n))
        return;
    name_elements(c, &t, k);
    t.support = find_support(c, k, n);
    if (!t.support) {
        diag_error(c, E_MIXTURE_SUPPORT, e->span, fmt_expr(c, e));
        diag_help(c, "all are laws of real numbers, or all of whole ones, as delta(v) is");
        *e = *e->kids[1]->kids[ARG_VALUE];
        return;
    }
    Str name = name_of(c, k, n);
    if (!declare_law(m, name, &t))
        ice_span(e->span, "the text of `%s` is wrong", name);
    Ast *to = ast_call(c, e->span, name, 0);
    ast_push(c, to, e->kids[0]);
    for (size_t i = 0; i < n; i++)
        pass_arguments(c, to, e->kids[i + 1]->kids[ARG_VALUE], &k[i], n);
    *e = *to;
}

/* Inner mixtures come first: they are components of outer ones. */
static void rewrite_in(Mixtures *m, Ast *e)
{
    if (!e)
        return;
    for (size_t i = 0; i < vec_len(e->kids); i++)
        rewrite_in(m, e->kids[i]);
    if (e->kind == AST_CALL && !strcmp(e->name, "mixture") && vec_len(e->kids) > 1)
        rewrite_call(m, e);
}

static bool declares_mixture(const Ast *file)
{
    for (size_t i = 0; i < vec_len(file->kids); i++) {
        const Ast *item = file->kids[i];
        if ((item->kind == AST_DISTRIBUTION || item->kind == AST_FUNCTION)
            && !strcmp(item->name, "mixture"))
            return true;
    }
    return false;
}

void rewrite_mixtures(Ctx *c, Ast *file, const Ast *library)
{
    Mixtures m = { .c = c, .file = file, .library = library, .known = map_new(c) };
    Ast **kids = NULL;
    if (declares_mixture(file))
        return;
    for (size_t i = 0; i < vec_len(file->kids); i++) {
        m.made = NULL;
        if (file->kids[i]->kind != AST_FAMILY)
            rewrite_in(&m, file->kids[i]);
        for (size_t k = 0; k < vec_len(m.made); k++)
            vec_push(c, kids, m.made[k]);
        vec_push(c, kids, file->kids[i]);
    }
    file->kids = kids;
}
