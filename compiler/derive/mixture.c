/* mixture.c - a mixture as a family, drawn by strata: every component by itself, weighed.
 *
 *     q(u) = Σ_k w_k q_k(u)
 *     E_q[f(u)] = Σ_k w_k E_{q_k}[f(u_k)],   u_k = mu_k + L_k e_k
 *  -> draw u ~ mvnormal(mu[k], chol: L[k]) in k, weighed w[k]
 * Idea: which component is drawn is a choice without derivative, so all are drawn, each by noise of
 * its own. Given the draws the gradient by w is exact, that by mu and L passes through them; log q
 * is that of the whole mixture (Morningstar et al. 2021). The component is a plate around the
 * draws: every term that reads them is summed over it with the weights; a term that reads two such
 * groups, over all pairs. Where no gradient is wanted the law itself is drawn; by its score it is a
 * law as any other.
 * establishes: Latent.component, weight and strata, of what is drawn so in the step
 */
#include "words.h"

static Plate *strata(Derive *d, const Latent *z)
{
    Ctx *c = d->c;
    Plate *p = arena_alloc(c->arena, sizeof *p);
    p->index = fresh_name(d, str(c, "k"));
    p->size = z->guide->count;
    p->outer = z->guide->plate;
    p->span = guide_span(z);
    Ast *size = make_size(c, p->size, p->span);
    Ast *binder = ast_new(c, AST_BINDER, p->span, p->index, 2, size, NULL);
    binder->type = make_type(c, "index", NULL, NULL);
    binder->type->elem = ELEM_INDEX;
    binder->type->classes = p->size;
    vec_push(c, p->binders, binder);
    return p;
}

/* Argument i of the mixture's law, of component k. */
static Ast *of_component(Derive *d, const Latent *z, const Plate *k, size_t i)
{
    Ast *whole = z->q->kids[i]->kids[ARG_VALUE], **index = NULL;
    vec_push(d->c, index, plate_index_name(d->c, k, k->span));
    Ast *e = make_index(d->c, whole, index);
    const Type *t = whole->type;
    Size **axes = NULL;
    for (size_t a = vec_len(t->array) ? 0 : 1; a < vec_len(t->event); a++)
        vec_push(d->c, axes, t->event[a]);
    e->type = make_type(d->c, t->support, NULL, axes);
    return e;
}

static void refuse(Derive *d, const Latent *z, const char *why, const char *way_out)
{
    diag_error(d->c, E_MIXTURE, z->guide->span, z->var->name, why);
    diag_help(d->c, way_out, z->var->name);
}

/* The signal of a score is a mean over the components; such a latent would be drawn for one. */
static void check_scores(Derive *d, const Latent *z)
{
    for (size_t i = 0; i < vec_len(d->latents); i++) {
        const Latent *other = &d->latents[i];
        for (size_t k = 0; k < vec_len(z->guide->latents) && other->score; k++)
            if (depends_on_draw(d, other, z->guide->latents[k], 0)) {
                refuse(d, z, "the law of a latent that is drawn by its score reads it",
                       "write `%s by score` in the train block");
                diag_note(d->c, other->guide->span, "that law");
                return;
            }
    }
}

void mixture_strata(Derive *d, Latent **members, size_t n)
{
    Latent *z = members[0];
    if (plate_sequence(z->guide->plate)) {
        refuse(d, z, "it stands in a sequence, whose steps read each other",
               "give it `fullrank`, or write `%s by score` in the train block");
        return;
    }
    check_scores(d, z);
    Plate *k = strata(d, z);
    Ast *component = make_law(d, "mvnormal", k->span, of_component(d, z, k, 1),
                              str(d->c, "chol"), of_component(d, z, k, 2));
    for (size_t i = 0; i < n; i++) {
        members[i]->strata = k;
        members[i]->component = component;
        members[i]->weight = of_component(d, z, k, 0);
    }
}

void mixture_check_weighted(Derive *d)
{
    for (size_t i = 0; i < vec_len(d->latents); i++)
        if (d->latents[i].strata && d->latents[i].first)
            refuse(d, &d->latents[i], "the weights of single draws are of no component",
                   "write `objective elbo`, or `%s by score` in the train block");
}

/* ---- words ----------------------------------------------------------------------------------- */

static bool reads_group(const Words *w, Ast *e, const Latent *first)
{
    Var **reads = model_reads(w->d->c, w->d->m, e);
    for (size_t i = 0; i < vec_len(w->d->latents); i++) {
        const Latent *z = &w->d->latents[i];
        if (z->guide == first->guide && (reads_has(reads, z->var) || reads_has(reads, z->drawn)))
            return true;
    }
    return false;
}

/* E_q[f] = Σ_k w_k E_q[f | k] */
bool describe_strata(const Words *w, Term *t)
{
    Str none = str(w->d->c, "");
    Both sums = { none, none }, given = { none, none };
    for (size_t i = 0; i < vec_len(w->d->latents); i++) {
        const Latent *z = &w->d->latents[i];
        if (!z->strata || !z->first || !reads_group(w, t->expr, z))
            continue;
        Str k = z->strata->index;
        Both index = { math_name(&w->text, k), math_name(&w->latex, k) };
        Both sum = both_fmt2(w, "Σ_%s %s ", "\\sum_{%s} %s\\, ", index, both_expr(w, z->weight));
        sums = both_fmt2(w, "%s%s", "%s%s", sums, sum);
        given = *given.text ? both_fmt2(w, "%s, %s", "%s, %s", given, index) : index;
    }
    if (!*given.text)
        return false;
    Both f = both_fmt2(w, "E_q[f] = %sE_q[f | %s]",
                       "\\mathbb{E}_q[f] = %s\\mathbb{E}_q[f \\mid %s]", sums, given);
    vec_push(w->d->c, t->steps, step_make(RULE_STRATIFIED, f, t->span));
    return true;
}
