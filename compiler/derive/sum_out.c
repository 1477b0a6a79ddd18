/* sum_out.c - finite discrete latents are summed out of the joint density, exactly.
 *
 *     for n in N { latent c : index(K) ~ categorical(pi); x[n] ~ normal(mu[c], s) }
 *  -> term x, plate n:  + sum_states(c, logpdf(categorical(pi), c) + logpdf(normal(..), x[n]))
 * with sum_states(c, e) = log sum over the states of c of exp e; for modes, max_states(c, e) is the
 * largest of e; for draws of the states it is draw_states(c, e). Idea: variable elimination. The
 * statements that read a discrete latent are log factors; the deepest latent goes first, with all
 * factors that read it: their sum over the plates between becomes one factor of what is left.
 * One whose elements other statements read together, sum[j in J](g[j] * b[j]), is summed over their
 * joint states, as one latent of the plate around: sum_states(g, sum_j log p(g[j]) + ..).
 * One that the positions of another plate pick by an index of data stays in its own: picked.c.
 * A chain, whose law at one step of a `scan` reads earlier steps, is summed over its paths:
 *     log sum over z of exp sum_t (log p(z[t] | z[t - 1]) + ..)            the forward algorithm
 * together with the chains of the same sequence that its factors read: sum_states(z, e, u).
 * establishes: no term reads a discrete latent except under its sum_states
 */
#include "derive.h"

#include <string.h>

/* A log factor still to be put into a term. */
typedef struct Part {
    Ast *expr;
    Plate *plate;
    Span span;
    Str name;                          /* of what is observed in it, or NULL */
    Var **states;                      /* vec: discrete latents that it reads */
    const Var *chain;                  /* whose paths it is the sum over, or NULL */
} Part;

/* ---- what reads what ------------------------------------------------------------------------- */

static void add_states(Derive *d, Var ***states, Var **reads)
{
    for (size_t i = 0; i < vec_len(reads); i++)
        if (var_is_summed(reads[i]) && !reads_has(*states, reads[i]))
            vec_push(d->c, *states, reads[i]);
}

static Var **own_state(Derive *d, Var *v)
{
    Var **states = NULL;
    vec_push(d->c, states, v);
    return states;
}

static Var **site_states(Derive *d, const Site *s)
{
    Var **states = var_is_summed(s->var) ? own_state(d, s->var) : NULL;
    add_states(d, &states, model_reads(d->c, d->m, s->law));
    add_states(d, &states, model_reads(d->c, d->m, s->lhs));
    return states;
}

bool site_is_summed(Derive *d, const Site *s)
{
    return vec_len(site_states(d, s)) > 0;
}

bool factor_is_summed(Derive *d, const Factor *f)
{
    Var **states = NULL;
    add_states(d, &states, model_reads(d->c, d->m, f->value));
    return vec_len(states) > 0;
}

static Part *collect(Derive *d)
{
    Part *parts = NULL;
    for (size_t i = 0; i < vec_len(d->m->sites); i++) {
        Site *s = &d->m->sites[i];
        Part p = { .plate = s->plate, .span = s->span, .states = site_states(d, s),
                   .name = s->observed ? s->var->name : NULL };
        if (!p.states)
            continue;
        p.expr = joint_site(d, s);
        if (!p.expr)                   /* flat: every state has weight 1 */
            p.expr = ast_num(d->c, s->span, 0);
        vec_push(d->c, parts, p);
        Ast *entry = s->observed ? NULL : table_entry(d, s->var);
        if (entry)
            vec_push(d->c, parts, ((Part){ .expr = entry, .plate = s->plate, .span = s->span,
                                           .states = own_state(d, s->var) }));
    }
    for (size_t i = 0; i < vec_len(d->m->factors); i++) {
        Factor *f = &d->m->factors[i];
        Part p = { .expr = f->value, .plate = f->plate, .span = f->span,
                   .name = str(d->c, "factor") };
        add_states(d, &p.states, model_reads(d->c, d->m, f->value));
        if (p.states && !f->penalty)
            vec_push(d->c, parts, p);
    }
    return parts;
}

/* ---- elimination ----------------------------------------------------------------------------- */

static int depth(const Plate *p)
{
    int n = 0;
    for (; p; p = p->outer)
        n++;
    return n;
}

/* A state of a sequence that a later step reads: its paths are summed, not its states. */
static bool is_chain(Derive *d, const Part *parts, const Var *v)
{
    bool chain = false;
    for (size_t i = 0; plate_sequence(v->plate) && i < vec_len(parts); i++)
        chain |= reads_has(parts[i].states, v)
              && model_reads_past(d->c, d->m, parts[i].expr, v);
    return chain;
}

/* ---- joint states ---------------------------------------------------------------------------- */

typedef struct Elsewhere { const Var *v; size_t indices; } Elsewhere;

static bool visit_elsewhere(Ast *e, void *data)
{
    Elsewhere *look = data;
    if (e->kind == AST_CALL && !strcmp(e->name, "sum_picked"))
        return false;                  /* what it reads is of the positions that pick */
    if (e->kind == AST_INDEX && e->kids[INDEX_BASE]->kind == AST_NAME
        && e->kids[INDEX_BASE]->decl == look->v->decl && vec_len(e->kids) > look->indices + 1)
        look->indices = vec_len(e->kids) - 1;
    return true;
}

/* Indices of z[n + 1] in plate n: z[n] is the name alone there. */
static size_t read_elsewhere(const Var *v, Ast *e)
{
    Elsewhere look = { v, 0 };
    if (v->spread)
        ast_walk(e, visit_elsewhere, &look);
    return look.indices;
}

/* v[i, ..] by which the positions of the part pick v, where all states that it reads of the plates
 * of v are those of the same positions; or NULL. */
static Ast *picked_read(Derive *d, const Var *v, const Part *p)
{
    Ast *read = picked_by(d, v, p->expr, p->plate);
    for (size_t i = 0; read && i < vec_len(p->states); i++) {
        const Var *u = p->states[i];
        if (!u->plate || !plate_within(v->plate, u->plate) || plate_within(p->plate, u->plate))
            continue;
        const Ast *other = picked_by(d, u, p->expr, p->plate);
        int inside = depth(v->plate) - depth(u->plate);
        if (!other || !first_indices(d->c, other, read, inside))
            return NULL;
    }
    return read;
}

/* The plate in which the part knows all states of v that it reads: that of v, or one around it. */
static Plate *known_in(Derive *d, const Var *v, const Part *p)
{
    Plate *to = v->plate;
    if (picked_read(d, v, p))
        return to;
    while (to && !(p->plate && plate_within(p->plate, to)))
        to = to->outer;
    Plate *own = v->plate;
    for (size_t n = read_elsewhere(v, p->expr); n && own; n--)
        own = own->outer;
    return depth(own) < depth(to) ? own : to;
}

/* Where v is summed out: in its plate, or over joint states of its plates inside of this one. */
static Plate *summed_in(Derive *d, const Part *parts, const Var *v)
{
    Plate *to = v->plate;
    for (size_t i = 0; i < vec_len(parts); i++)
        if (reads_has(parts[i].states, v) && depth(known_in(d, v, &parts[i])) < depth(to))
            to = known_in(d, v, &parts[i]);
    return to;
}

/* Can v be summed over joint states of its elements in its plates up to `to`? Not of rows, of the
 * steps of a sequence, or where a condition says which count. */
static bool is_joint(const Var *v, const Plate *to)
{
    if (to == v->plate)
        return false;
    for (const Plate *p = v->plate; p != to; p = p->outer)
        if (p->rows || p->sequence || p->when)
            return false;
    return true;
}

/* Does a statement that picks v read states of its own plates? They go before it. */
static bool waits(Derive *d, const Part *parts, const Var *v)
{
    bool waits = false;
    for (size_t i = 0; i < vec_len(parts); i++) {
        const Part *p = &parts[i];
        bool picks = reads_has(p->states, v) && picked_read(d, v, p);
        for (size_t k = 0; picks && k < vec_len(p->states); k++)
            waits |= p->states[k]->plate && p->states[k] != v
                  && plate_within(p->plate, p->states[k]->plate)
                  && !plate_within(v->plate, p->states[k]->plate);
    }
    return waits;
}

/* Does a go before b? What does not wait does, then what is summed in the deeper plate; in one
 * plate what is no chain, then what is declared last. */
static bool goes_first(Derive *d, const Part *parts, const Var *a, const Var *b)
{
    bool wait_a = waits(d, parts, a), wait_b = waits(d, parts, b);
    if (wait_a != wait_b)
        return wait_b;
    int deep_a = depth(summed_in(d, parts, a)), deep_b = depth(summed_in(d, parts, b));
    if (deep_a != deep_b)
        return deep_a > deep_b;
    bool chain_a = is_chain(d, parts, a), chain_b = is_chain(d, parts, b);
    return chain_a != chain_b ? chain_b : a->decl->span.start > b->decl->span.start;
}

static Var *next_latent(Derive *d, const Part *parts)
{
    Var *best = NULL;
    for (size_t i = 0; i < vec_len(parts); i++)
        for (size_t k = 0; k < vec_len(parts[i].states); k++)
            if (!best || goes_first(d, parts, parts[i].states[k], best))
                best = parts[i].states[k];
    return best;
}

static bool reads_any(const Part *p, Var **vars)
{
    bool any = false;
    for (size_t i = 0; i < vec_len(vars); i++)
        any |= reads_has(p->states, vars[i]);
    return any;
}

/* v, and if it is a chain those of its sequence that statements join to it. */
static Var **joined(Derive *d, const Part *parts, Var *v)
{
    Var **group = own_state(d, v);
    size_t before = 0;
    while (is_chain(d, parts, v) && before < vec_len(group)) {
        before = vec_len(group);
        for (size_t i = 0; i < vec_len(parts); i++)
            for (size_t k = 0; reads_any(&parts[i], group) && k < vec_len(parts[i].states); k++) {
                Var *u = parts[i].states[k];
                if (u->plate == v->plate && !reads_has(group, u) && is_chain(d, parts, u))
                    vec_push(d->c, group, u);
            }
    }
    return group;
}

/* e summed over the plates from `from` up to, and without, `to`. */
static Ast *sum_plates(Derive *d, Ast *e, const Plate *from, const Plate *to)
{
    for (const Plate *p = from; p != to; p = p->outer) {
        e = make_counted(d->c, p, e);
        Ast *list = ast_new(d->c, AST_LIST, e->span, NULL, 1, p->binders[0]);
        e = ast_new(d->c, AST_REDUCE, e->span, str(d->c, "sum"), 2, list, e);
        e->type = real_scalar(d->c);
    }
    return e;
}

/* In a plate within its sequence a chain has a path for each position: none may miss a step. */
static bool chain_fits(Derive *d, const Var *v)
{
    for (const Plate *p = v->plate; p != plate_sequence(v->plate); p = p->outer)
        if (p->when) {
            diag_error(d->c, E_ND_DISCRETE, v->decl->span, v->name);
            diag_note(d->c, p->when->span, "with this condition its path may miss steps");
            diag_help(d->c, "put the sequence into the plate: `for %s .. { scan %s .. { .. } }`",
                      p->index, plate_sequence(v->plate)->index);
            return false;
        }
    return true;
}

/* The read by whose indices the positions of the part pick all of the group; or NULL. */
static Ast *picked_together(Derive *d, Var **group, const Part *p)
{
    Ast *read = NULL;
    bool all = true;
    for (size_t i = 0; i < vec_len(group); i++)
        if (reads_has(p->states, group[i])) {
            read = picked_read(d, group[i], p);
            all &= read != NULL;
        }
    return all ? read : NULL;
}

/* `to`: the plate that v is summed in. */
static bool fits(Derive *d, const Var *v, const Part *p, const Plate *to, bool picked)
{
    bool inside = !v->plate || (p->plate && plate_within(p->plate, v->plate));
    bool elsewhere = inside && read_elsewhere(v, p->expr);
    bool scalar = vec_len(v->type->array) + vec_len(v->type->event) == 0;
    if (((inside && !elsewhere) || picked || is_joint(v, to)) && scalar)
        return true;
    diag_error(d->c, E_ND_DISCRETE, v->decl->span, v->name);
    if (vec_len(v->type->event) == 1) {
        diag_note(d->c, v->decl->span, "it is a vector");
        diag_help(d->c, "declare an array of states, `latent %s[%s] : ..`, and read `%s[j]`",
                  v->name, size_text(d->c, v->type->event[0]), v->name);
        return false;
    }
    if (p->chain) {
        diag_note(d->c, p->chain->decl->span, "the paths of `%s` read it at all their steps",
                  p->chain->name);
        diag_help(d->c, "what a chain reads stands in its own `scan` and plate, or above its scan");
        return false;
    }
    diag_note(d->c, p->span, elsewhere ? "read here at another position"
                             : inside ? "it is an array" : "read here, outside its plate");
    diag_help(d->c, "declare it in the plate of the statements that read it");
    return false;
}

/* sum_states(v, body, ..) of the group; num is 1 where it is over joint states of v. */
static Ast *sum_states(Derive *d, Var **group, Ast *body, bool joint)
{
    Span at = group[0]->decl->span;
    const char *over = d->summary == SUMMARY_MODE ? "max_states"
                     : d->summary == SUMMARY_DRAW ? "draw_states" : "sum_states";
    Ast *call = make_call(d->c, over, real_scalar(d->c), at, make_name(d->c, group[0], at), body);
    call->num = joint;
    for (size_t i = 1; i < vec_len(group); i++)
        ast_push(d->c, call, ast_new(d->c, AST_ARG, at, NULL, 1, make_name(d->c, group[i], at)));
    return call;
}

/* Takes all parts that read v out of *parts, and puts back their sum over its states. */
static bool eliminate(Derive *d, Part **parts, Var *v)
{
    bool chain = is_chain(d, *parts, v);
    Plate *to = chain ? v->plate : summed_in(d, *parts, v);
    Part *left = NULL, merged = { .plate = to, .span = v->decl->span };
    Ast *body = NULL;
    Var **group = joined(d, *parts, v);
    if (chain && !chain_fits(d, v))
        return false;
    for (size_t i = 0; i < vec_len(*parts); i++) {
        Part *p = &(*parts)[i];
        if (!reads_any(p, group)) {
            vec_push(d->c, left, *p);
            continue;
        }
        Ast *read = to == v->plate ? picked_together(d, group, p) : NULL;
        for (size_t k = 0; k < vec_len(group); k++)
            if (reads_has(p->states, group[k]) && !fits(d, group[k], p, to, read))
                return false;
        Ast *e = read ? sum_picked(d, v, read, p->expr, p->plate)
                      : sum_plates(d, p->expr, p->plate, to);
        body = body ? make_binary(d->c, "+", body, e) : e;
        merged.name = merged.name ? merged.name : p->name;
        for (size_t k = 0; k < vec_len(p->states); k++)
            if (!reads_has(group, p->states[k]) && !reads_has(merged.states, p->states[k]))
                vec_push(d->c, merged.states, p->states[k]);
    }
    Plate *sequence = chain ? plate_sequence(v->plate) : NULL;
    if (chain) {
        merged.plate = sequence->outer;
        merged.chain = v;
        body = sum_plates(d, body, sequence, merged.plate);
    }
    merged.expr = sum_states(d, group, body, to != v->plate);
    if (chain)
        merged.expr = sum_plates(d, merged.expr, v->plate, sequence);
    vec_push(d->c, left, merged);
    *parts = left;
    return true;
}

void sum_out(Derive *d, Query *q)
{
    Part *parts = collect(d);
    for (Var *v; (v = next_latent(d, parts)) != NULL;)
        if (!eliminate(d, &parts, v))
            return;
    for (size_t i = 0; i < vec_len(parts); i++)
        vec_push(d->c, q->terms,
                 make_term(d, parts[i].name ? parts[i].name : str(d->c, "states"),
                           TERM_LIKELIHOOD, 1, parts[i].expr, parts[i].plate, parts[i].span));
}
