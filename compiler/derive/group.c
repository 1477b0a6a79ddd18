/* group.c - latents drawn as one vector: their free numbers joined, and the laws of that vector.
 *
 *     (a, W, t)   a : real, W : real[J, D], t : positive in plate k
 *     q_free : real[1 + J*D + K] ~ mvnormal(q_mu, chol: q_chol)
 *     a = q_free[0];  W = shaped(q_free[1 .. 1 + J*D]);  t = constrain(q_free[1 + J*D .. ][k])
 * Idea: what is drawn lies on the real line, so members of any support and shape fit, one after the
 * other, the last axis the fastest. The group stands in the innermost plate that all members share;
 * of a member in plates inside of it the numbers of all their elements are in the vector.
 * fullrank    mvnormal(mu, chol: L), all correlations; L starts as the unit matrix
 * mixture(K)  mvnormal_mixture(w, mu, chol), drawn as mixture.c says
 * lowrank(R)  mvnormal(mu, sd: s, factor: F), covariance diag(s)^2 + F F', F with R columns
 */
#include "derive.h"

#include <math.h>

/* ---- members --------------------------------------------------------------------------------- */

/* Axes of a member in the group's plate: inner plates, then those of its free numbers. */
static Size **member_axes(Derive *d, const Latent *z)
{
    Size **axes = NULL;
    Type *t = free_type(d, z->var);
    push_plate_sizes(d->c, z->var->plate, z->guide->plate, &axes);
    for (size_t i = 0; i < vec_len(t->array); i++)
        vec_push(d->c, axes, t->array[i]);
    for (size_t i = 0; i < vec_len(t->event); i++)
        vec_push(d->c, axes, t->event[i]);
    return axes;
}

Ast *group_part(Derive *d, const Latent *z, Ast *whole)
{
    Span at = guide_span(z);
    Size **axes = member_axes(d, z);
    Ast *range = make_size(d->c, z->from, at), **index = NULL;
    if (vec_len(axes) > 0)
        range = ast_new(d->c, AST_RANGE, at, NULL, 2, range,
                        make_size(d->c, size_add(d->c, z->from, z->length), at));
    Ast *e = ast_new(d->c, AST_INDEX, at, NULL, 2, whole, range);
    if (vec_len(axes) > 1)
        e = make_call(d->c, "shaped", make_type(d->c, "real", NULL, axes), at, e, NULL);
    push_plate_indices(d->c, z->var->plate, z->guide->plate, &index, at);
    e = make_index(d->c, e, index);
    e->type = free_type(d, z->var);
    return e;
}

/* Cells of inner plates that do not count would have an entropy and no prior. */
static bool check_member(Derive *d, const Latent *z)
{
    const char *why = var_is_discrete(z->var) ? "it is discrete" : NULL;
    for (const Plate *p = z->var->plate; p != z->guide->plate; p = p->outer)
        if (p->when)
            why = "it has a value in some cells of its plates only";
    if (!why)
        return true;
    diag_error(d->c, E_GROUP_MEMBER, z->guide->span, z->var->name, why);
    diag_help(d->c, "give it `meanfield`, or a law of its own");
    return false;
}

/* ---- laws ------------------------------------------------------------------------------------ */

typedef struct Group {
    Derive *d;
    const Guide *guide;
    Str base;                          /* of the names of its parameters */
    Size *size;                        /* how many free numbers */
    Span span;
} Group;

static Type *numbers(const Group *g, const char *support, Size *a, Size *b)
{
    Size **axes = NULL;
    vec_push(g->d->c, axes, a);
    if (b)
        vec_push(g->d->c, axes, b);
    return make_type(g->d->c, support, NULL, axes);
}

static Ast *parameter(const Group *g, const char *suffix, Type *type, Ast *init)
{
    return plated_param(g->d, str_fmt(g->d->c, "%s_%s", g->base, suffix), type->support, type,
                        g->guide->plate, init, g->span);
}

static Ast *fullrank(const Group *g)
{
    Ast *mu = parameter(g, "mu", numbers(g, "real", g->size, NULL), small_init(g->d, g->span));
    Ast *chol = parameter(g, "chol", numbers(g, "cholesky", g->size, g->size),
                          ast_num(g->d->c, g->span, 0));
    return make_law(g->d, "mvnormal", g->span, mu, str(g->d->c, "chol"), chol);
}

/* The columns of the factor start small and unequal, so that they part. */
static Ast *lowrank(const Group *g)
{
    Ctx *c = g->d->c;
    Type *vector = numbers(g, "real", g->size, NULL);
    Ast *mu = parameter(g, "mu", vector, small_init(g->d, g->span));
    Ast *sd = parameter(g, "sd", numbers(g, "positive", g->size, NULL),
                        ast_num(c, g->span, exp(-1)));
    Ast *factor = parameter(g, "factor", numbers(g, "real", g->size, g->guide->count),
                            small_init(g->d, g->span));
    Ast *q = make_law(g->d, "mvnormal", g->span, mu, str(c, "sd"), sd);
    return law_with(g->d, q, "factor", factor);
}

/* The means start far apart: equal components would never part. */
static Ast *mixture(const Group *g)
{
    Ctx *c = g->d->c;
    Size *count = g->guide->count;
    Type *factors = numbers(g, "cholesky", g->size, g->size);
    vec_push(c, factors->array, count);
    Ast *spread = make_law(g->d, "normal", g->span, ast_num(c, g->span, 0), NULL,
                           ast_num(c, g->span, 2));
    Ast *w = parameter(g, "w", numbers(g, "simplex", count, NULL), ast_num(c, g->span, 0));
    Ast *mu = parameter(g, "mu", numbers(g, "real", count, g->size), spread);
    Ast *chol = parameter(g, "chol", factors, ast_num(c, g->span, 0));
    Ast *q = make_law(g->d, "mvnormal_mixture", g->span, w, str(c, "mu"), mu);
    return law_with(g->d, q, "chol", chol);
}

/* ---- entry ----------------------------------------------------------------------------------- */

static Str group_name(Derive *d, Latent **members, size_t n)
{
    Str name = str(d->c, "q");
    for (size_t i = 0; i < n && n <= 3; i++)
        name = i ? str_fmt(d->c, "%s_%s", name, members[i]->var->name) : members[i]->var->name;
    return name;
}

/* The group is drawn when its first latent is met. */
void group_latents(Derive *d, Latent **members, size_t n)
{
    static Ast *(*const laws[])(const Group *g) = {
        [GUIDE_FULLRANK] = fullrank, [GUIDE_LOWRANK] = lowrank, [GUIDE_MIXTURE] = mixture,
    };
    const Guide *guide = members[0]->guide;
    Group g = { d, guide, group_name(d, members, n), size_const(d->c, 0), guide_span(members[0]) };
    for (size_t i = 0; i < n; i++) {
        Latent *z = members[i];
        if (!check_member(d, z))
            return;
        z->mapped = !is_free(d, z->var);
        z->identity = !z->mapped && z->var->centring != NONCENTRED;
        Size **axes = member_axes(d, z);
        z->length = size_const(d->c, 1);
        for (size_t k = 0; k < vec_len(axes); k++)
            z->length = size_mul(d->c, z->length, axes[k]);
        z->from = g.size;
        g.size = size_add(d->c, g.size, z->length);
    }
    Ast *q = laws[guide->kind](&g);
    Var *u = make_value(d, str_fmt(d->c, "%s_free", g.base), numbers(&g, "real", g.size, NULL),
                        guide->plate, g.span);
    for (size_t i = 0; i < n; i++) {
        members[i]->drawn = u;
        members[i]->q = q;
        members[i]->first = i == 0;
        members[i]->free = group_part(d, members[i], make_name(d->c, u, g.span));
    }
    if (guide->kind == GUIDE_MIXTURE && !members[0]->score)
        mixture_strata(d, members, n);
}
