/* states.c - sums over the states of discrete latents, and over the paths of chains.
 *
 *     sum_states(c, e)                log sum over the states of c of exp e
 *     sum_states(z, sum_t e, u, ..)   over the paths of the chains z, u, .. of one sequence
 *     max_states(..)                  the largest in place of the log sum
 *     draw_states(..)                 the log sum; its slope is that of one state, which is drawn
 * Outside of plates of c these are the joint states of all its elements in them.
 * Idea: every state that e reads has an axis: of a chain its state now, 0, and its states 1 .. m
 * steps before, as far back as e looks. With M[t, z0 .. zm] the value of e at step t, the forward
 * algorithm (Rabiner 1989, eq. 19-21) of the last m states is, in logs,
 *     a[t, z0 .. z(m-1)] = log sum over zm of exp(a[t - 1, z1 .. zm] + M[t, z0 .. zm])
 * Chains that read each other have the axes of all: what is summed is a path of joint states.
 * Reverse mode hands the slope of a log sum down to what is summed, to each state its share. With
 * draw_states one state, drawn with these shares as probabilities, gets all of it: what comes down
 * to the states is 1 at a joint draw of all of them, for a chain by forward filtering and backward
 * sampling (Scott 2002, "Bayesian methods for hidden Markov models", sec. 2.2).
 */
#include "lower.h"

#include <math.h>
#include <string.h>

/* ---- states ---------------------------------------------------------------------------------- */

static int64_t count_states(Lower *L, const Var *v)
{
    int64_t n = 2;
    Str missing;
    if (v->type->elem != ELEM_BIT && !size_value(L->c, v->type->classes, &n, &missing)) {
        diag_error(L->c, E_LOWER_UNBOUND, v->decl->span, missing);
        diag_help(L->c, "give it on the command line: -D %s=..., or --data NAME=FILE", missing);
    }
    return n + (v->type->elem == ELEM_COUNT);          /* 0 .. K */
}

/* The positions along an axis of states. */
static Val *states_along(Lower *L, Axis *axis)
{
    Val *states = val_tensor(L, tir_iota(L->f, axis), NULL, 0);
    states->index_of = axis;
    return states;
}

/* Values of lets that read v are not those of another state of v. */
static void forget_readers(Lower *L, const Var *v)
{
    const Model *m = L->d->model;
    for (size_t i = 0; i < vec_len(m->vars); i++)
        if (m->vars[i]->kind == VAR_LET && map_get(L->values, m->vars[i])
            && reads_has(model_reads(L->c, m, m->vars[i]->value), v))
            map_put(L->values, m->vars[i], NULL);
}

/* ---- what becomes of a number for each state ------------------------------------------------- */

typedef enum { OVER_SUM, OVER_BEST, OVER_DRAW } Over;

static Over over_of(const Ast *call)
{
    return !strcmp(call->name, "max_states") ? OVER_BEST
         : !strcmp(call->name, "draw_states") ? OVER_DRAW : OVER_SUM;
}

/* Stream `part` of the draws of v: a Gumbel number -log(-log u) for each of its positions in the
 * plates around, along `own` axes. Other states may share it: one of them alone is drawn. */
static Tir *gumbel_noise(Lower *L, const Var *v, int part, Axis *const *own, int n_own)
{
    const Model *m = L->d->model;
    Tir *none[3] = { 0 };
    Axis *axes[LIMIT_RANK];
    int n = 0, number = 0;
    while (m->vars[number] != v)
        number++;
    for (size_t i = 0; i < vec_len(L->active); i++)
        axes[n++] = L->active[i].axis;
    for (int i = 0; i < n_own; i++)
        axes[n++] = own[i];
    Tir *u = tir_random(L->f, OP_RANDOM_UNIFORM, 2 * number + part, none, axes, n);
    Tir *wait = tir_map(L->f, OP_NEG, tir_map(L->f, OP_LOG, u, NULL, NULL), NULL, NULL);
    wait = tir_map(L->f, OP_MAX, wait, tir_const(L->f, 1e-30), NULL);  /* u may round to 1 */
    return tir_map(L->f, OP_NEG, tir_map(L->f, OP_LOG, wait, NULL, NULL), NULL, NULL);
}

/* log sum of exp t over the axes, with the slope of the largest of t + noise: with Gumbel noise
 * that is at each state with its share of the sum (Maddison, Tarlow & Minka 2014, "A* sampling",
 * sec. 2). Where all is impossible there is nothing to draw. */
static Tir *sum_of_drawn(Lower *L, Tir *t, Tir *noise, Axis **over, int n)
{
    TirFn *f = L->f;
    Tir *sum = tir_reduce(f, OP_LOGSUMEXP, tir_map(f, OP_STOP_GRADIENT, t, NULL, NULL), over, n);
    Tir *best = tir_reduce(f, OP_MAXIMUM, tir_map(f, OP_ADD, t, noise, NULL), over, n);
    Tir *held = tir_map(f, OP_STOP_GRADIENT, best, NULL, NULL);
    Tir *some = tir_map(f, OP_GT, held, tir_const(f, -INFINITY), NULL);
    Tir *slope = tir_map(f, OP_SELECT, some, tir_map(f, OP_SUB, best, held, NULL), tir_const(f, 0));
    return tir_map(f, OP_ADD, sum, slope, NULL);
}

/* t over the states of v along the axes; `own`: those of its states and steps in t. */
static Tir *over_states(Lower *L, Over how, Tir *t, Axis **over, int n, const Var *v, int part,
                        Axis *const *own, int n_own)
{
    if (how != OVER_DRAW)
        return tir_reduce(L->f, how == OVER_BEST ? OP_MAXIMUM : OP_LOGSUMEXP, t, over, n);
    return sum_of_drawn(L, t, gumbel_noise(L, v, part, own, n_own), over, n);
}

/* ---- one state ------------------------------------------------------------------------------- */

static Val *in_state(Lower *L, Env *env, Var *v, Val *state, const Ast *body)
{
    map_put(L->values, v, state);
    Val *value = eval(L, env, body);
    map_put(L->values, v, NULL);
    forget_readers(L, v);
    return value;
}

/* Plates of v that are not around the expression: it is summed over the joint states of all its
 * elements in them, outermost first. */
static int joint_plates(Lower *L, const Var *v, Axis **axes)
{
    int n = 0;
    for (const Plate *p = v->plate; p; p = p->outer)
        if (!active_axis(L, p))
            n++;
    int at = n;
    for (const Plate *p = v->plate; p && at > 0; p = p->outer)
        if (!active_axis(L, p))
            axes[--at] = lower_plate_axis(L, p);
    return n;
}

/* The states of the elements in every joint state: its digits in base `each`, the last element's
 * first. */
static Val *digits(Lower *L, Axis *joint, double each, Axis *const *plates, int n)
{
    Val *below = val_const(L, 0);      /* digits behind that of the element */
    for (int i = 0; i < n; i++) {
        Val *size = val_const(L, (double)plates[i]->size);
        Val *left = val_const(L, (double)plates[i]->size - 1);
        Val *at = val_op2(L, OP_SUB, left, val_tensor(L, tir_iota(L->f, plates[i]), NULL, 0));
        below = val_op2(L, OP_ADD, val_op2(L, OP_MUL, below, size), at);
    }
    Val *power = val_op2(L, OP_POW, val_const(L, each), below);
    Val *unit = val_op1(L, OP_FLOOR, val_op2(L, OP_ADD, power, val_const(L, 0.5)));
    Val *shifted = val_op1(L, OP_FLOOR, val_op2(L, OP_DIV, states_along(L, joint), unit));
    return val_op2(L, OP_MOD, shifted, val_const(L, each));
}

static bool joint_fits(Lower *L, const Var *v, double states)
{
    if (states <= LIMIT_JOINT)
        return true;
    diag_error(L->c, E_JOINT_STATES, v->decl->span, v->name, states);
    diag_help(L->c, "declare it in the plate of the statements that read it, or let the family "
              "draw it: `train .. { %s by score }`", v->name);
    return false;
}

/* e in every state of v along `axis`. The two states of a bit are put in as constants, so that what
 * is impossible in one folds away and leaves no log 0 behind. */
static Val *in_states(Lower *L, Env *env, Var *v, Axis *axis, const Ast *e)
{
    Val *states = states_along(L, axis);
    if (v->type->elem != ELEM_BIT)
        return in_state(L, env, v, states, e);
    Val *no = in_state(L, env, v, val_const(L, 0), e);
    Val *yes = in_state(L, env, v, val_const(L, 1), e);
    return val_select(L, states, yes, no);
}

/* ---- chains: what they read ------------------------------------------------------------------ */

static Chain *chain_of(const Lower *L, const Var *v, Chains **among)
{
    for (*among = L->chains; *among; *among = (*among)->up)
        for (size_t i = 0; i < vec_len((*among)->each); i++)
            if ((*among)->each[i].v == v)
                return &(*among)->each[i];
    return NULL;
}

bool is_chain(const Lower *L, const Var *v)
{
    Chains *among;
    return chain_of(L, v, &among) != NULL;
}

bool chain_before(Lower *L, const Var *v, int64_t lag, bool init, Span at, Val **before)
{
    Chains *among;
    Chain *c = chain_of(L, v, &among);
    *before = NULL;
    if (!c)
        return false;
    among->starts |= init;
    if (lag > LIMIT_MEMORY) {
        diag_error(L->c, E_STATE_MEMORY, at, v->name, (long long)lag, LIMIT_MEMORY);
        diag_help(L->c, "what the state must know of the past can be a state of its own");
        lag = LIMIT_MEMORY;
    }
    if (among->probing && c->memory < lag)
        c->memory = (int)lag;
    if (among->probing || lag <= among->step)
        *before = c->state[lag];
    return true;
}

/* e in the states that the chains are put in. */
static Val *at_states(Lower *L, Env *env, const Ast *e)
{
    Chain *each = L->chains->each;
    for (size_t i = 0; i < vec_len(each); i++)
        map_put(L->values, each[i].v, each[i].state[0]);
    Val *value = eval(L, env, e);
    for (size_t i = 0; i < vec_len(each); i++) {
        map_put(L->values, each[i].v, NULL);
        forget_readers(L, each[i].v);
    }
    return value;
}

/* e in all states of the chains from `lag` of the k-th on, those before the first step left out. */
static Val *along_states(Lower *L, Env *env, size_t k, int lag, const Ast *e)
{
    if (k == vec_len(L->chains->each))
        return at_states(L, env, e);
    Chain *c = &L->chains->each[k];
    if (lag > c->memory || lag > L->chains->step)
        return along_states(L, env, k + 1, 0, e);
    Val *states = states_along(L, c->axis[lag]);
    c->state[lag] = states;
    if (c->v->type->elem != ELEM_BIT)
        return along_states(L, env, k, lag + 1, e);
    c->state[lag] = val_const(L, 0);
    Val *no = along_states(L, env, k, lag + 1, e);
    c->state[lag] = val_const(L, 1);
    return val_select(L, states, along_states(L, env, k, lag + 1, e), no);
}

/* ---- chains: their axes ---------------------------------------------------------------------- */

/* The chains that a call names, with the axes of all states that `e` reads. */
static Chains find_chains(Lower *L, Env *env, const Ast *call, const Ast *e)
{
    Chains chains = { .up = L->chains, .probing = true, .step = LIMIT_MEMORY };
    for (size_t i = 0; i < vec_len(call->kids); i++) {
        Chain c = { .v = i == 1 ? NULL : model_var(L->d->model,
                                                   call->kids[i]->kids[ARG_VALUE]->decl) };
        for (int lag = 0; lag <= LIMIT_MEMORY; lag++)
            c.state[lag] = val_const(L, 0);
        if (c.v)
            vec_push(L->c, chains.each, c);
    }
    L->chains = &chains;
    at_states(L, env, e);
    L->chains = chains.up;
    chains.probing = false;
    for (size_t i = 0; i < vec_len(chains.each); i++) {
        Chain *c = &chains.each[i];
        int64_t n = count_states(L, c->v);
        c->memory = c->memory ? c->memory : 1;
        for (int lag = 0; lag <= c->memory; lag++)
            c->axis[lag] = axis_keyed(L, str_fmt(L->c, "states %p %d", (void *)c->v, lag),
                                      AXIS_EVENT, c->v->name, n);
    }
    return chains;
}

/* The axes of the states from lag `low` on, up to the oldest or, without `oldest`, the one before
 * it; returns how many. */
static int state_axes(const Chains *chains, int low, bool oldest, Axis **axes)
{
    int n = 0;
    for (size_t i = 0; i < vec_len(chains->each); i++) {
        const Chain *c = &chains->each[i];
        for (int lag = low; lag < c->memory + oldest; lag++)
            axes[n++] = c->axis[lag];
    }
    return n;
}

/* Is there room for the states of a step, at all steps, and for their axes? */
static bool table_fits(Lower *L, const Chains *chains, const Axis *steps)
{
    Str names = NULL;
    int n_axes = (int)vec_len(L->active) + 1;
    double size = 1;
    for (size_t i = 0; i < vec_len(chains->each); i++) {
        const Chain *c = &chains->each[i];
        names = names ? str_fmt(L->c, "%s, %s", names, c->v->name) : c->v->name;
        n_axes += c->memory + 1;
        size *= pow((double)c->axis[0]->size, c->memory + 1);
    }
    if (n_axes <= LIMIT_RANK && size * (double)steps->size <= (double)LIMIT_TABLE)
        return true;
    const Var *v = chains->each[0].v;
    diag_error(L->c, E_STATE_TABLE, v->decl->span, names, size, (long long)steps->size);
    if (n_axes > LIMIT_RANK)
        diag_note(L->c, v->decl->span, "with the plates around it has %d axes; the limit is %d",
                  n_axes, LIMIT_RANK);
    else
        diag_note(L->c, v->decl->span, "the limit is %lld numbers", (long long)LIMIT_TABLE);
    diag_help(L->c, "chains are summed together where one statement reads several: give them fewer "
              "states, or let the family draw one");
    return false;
}

/* ---- chains: the sum over paths -------------------------------------------------------------- */

/* log sum (or what `how` says) over the paths of exp sum_t M. It starts at 0 for all states before
 * the first step, along which M is constant there: that counts the paths as often as there are such
 * states. `when`: where a step is taken, or NULL. */
static Tir *sum_paths(Lower *L, const Chains *chains, Tir *M, const Val *when, Axis *steps,
                      Over how)
{
    TirFn *f = L->f;
    const Var *v = chains->each[0].v;
    Axis *now[LIMIT_RANK], *before[LIMIT_RANK], *all[LIMIT_RANK] = { steps }, *oldest[LIMIT_RANK],
         *outer[LIMIT_RANK];
    int n = state_axes(chains, 0, false, now), n_oldest = 0, n_outer = 0;
    state_axes(chains, 1, true, before);
    int n_all = 1 + state_axes(chains, 0, true, all + 1);
    double times = 1;
    for (int i = 0; i < n; i++)
        times *= (double)now[i]->size;
    for (size_t i = 0; i < vec_len(chains->each); i++)
        oldest[n_oldest++] = chains->each[i].axis[chains->each[i].memory];
    M = tir_expand(f, M, all, n_all);
    for (int i = 0; i < M->n_axes; i++) {
        bool own = false;
        for (int k = 0; k < n_all; k++)
            own |= M->axes[i] == all[k];
        if (!own)
            outer[n_outer++] = M->axes[i];
    }
    ScanState s = { 0 }, *states = NULL;
    Axis *carried[LIMIT_RANK];         /* what is carried on, for each state of others too */
    int n_carried = 0;
    for (int i = 0; i < n_outer; i++)
        if (outer[i]->kind == AXIS_EVENT)
            carried[n_carried++] = outer[i];
    for (int i = 0; i < n && n_carried < LIMIT_RANK; i++)
        carried[n_carried++] = now[i];
    Val *past = scan_past(L, &s, now[0]->name, steps, outer, n_outer, carried, n_carried);
    Tir *ways = tir_map(f, OP_ADD, tir_rename(f, past->t, now, before, n), M, NULL);
    Val *next = val_tensor(L, over_states(L, how, ways, oldest, n_oldest, v, 0, all, n_all),
                           now, n);
    scan_next(L, &s, when ? val_select(L, val_tensor(L, when->t, NULL, 0), next, past) : next);
    vec_push(L->c, states, s);
    Tir *a;
    Str name = str_fmt(L->c, "forward_%s", now[0]->name);
    const Tir *bad = scan_lift(f, name, steps, false, states, NULL, &a);
    if (bad)
        ice_span(L->at, "the forward algorithm is no sequence");
    Tir *last = over_states(L, how, element_of(L, a, steps, steps->size - 1), now, n, v, 1, now, n);
    return how == OVER_BEST ? last : tir_map(f, OP_SUB, last, tir_const(f, log(times)), NULL);
}

/* `e` is a sum over the steps of a sequence. The first steps are put in by themselves where they
 * are others, and so are the states of a bit: see in_states. */
static Val *sum_chains(Lower *L, Env *env, const Ast *call, const Ast *e, Plate *p, Over how)
{
    Axis *steps = lower_plate_axis(L, p);
    const Ast *body = e->kids[REDUCE_VALUE];
    if (p->when)
        body = body->kids[IF_THEN];    /* where no step is taken, the states stay */
    ActivePlate *saved = lower_enter(L, p, steps);
    Chains chains = find_chains(L, env, call, body);
    Val *M = val_const(L, 0);
    bool fits = table_fits(L, &chains, steps);
    L->chains = &chains;
    if (fits)
        M = along_states(L, env, 0, 0, body);
    int memory = 0;
    for (size_t i = 0; i < vec_len(chains.each); i++)
        memory = chains.each[i].memory > memory ? chains.each[i].memory : memory;
    for (int step = 0; fits && chains.starts && step < memory; step++) {
        chains.step = step;
        Val *at = val_tensor(L, tir_iota(L->f, steps), NULL, 0);
        Val *first = p->start ? eval(L, env, p->start) : val_const(L, 0);
        Val *here = val_op2(L, OP_EQ, at, val_op2(L, OP_ADD, first, val_const(L, step)));
        M = val_select(L, here, along_states(L, env, 0, 0, body), M);
    }
    L->chains = chains.up;
    Val *when = p->when ? eval(L, env, p->when) : NULL;
    L->active = saved;
    return fits ? val_tensor(L, sum_paths(L, &chains, M->t, when, steps, how), M->axes, M->n_axes)
                : M;
}

Val *eval_sum_states(Lower *L, Env *env, const Ast *call)
{
    Var *v = model_var(L->d->model, call->kids[0]->kids[ARG_VALUE]->decl);
    const Ast *body = call->kids[1]->kids[ARG_VALUE];
    Plate *sequence = plate_sequence(v->plate);
    bool chain = sequence != NULL;
    for (size_t i = 0; i < vec_len(L->active); i++)
        chain &= L->active[i].plate != sequence;
    Over how = over_of(call);
    if (chain)
        return sum_chains(L, env, call, body, sequence, how);
    Axis *plates[LIMIT_RANK];
    int joint = joint_plates(L, v, plates);
    double states = 1, each = (double)count_states(L, v);
    for (int i = 0; i < joint; i++)
        states *= (double)plates[i]->size;
    states = pow(each, states);
    if (joint && !joint_fits(L, v, states))
        return val_const(L, 0);
    Axis *axis = axis_keyed(L, str_fmt(L->c, "states %p", (const void *)v), AXIS_EVENT, v->name,
                            (int64_t)(joint ? states : each));
    Val *e = joint ? in_state(L, env, v, digits(L, axis, each, plates, joint), body)
                   : in_states(L, env, v, axis, body);
    Tir *t = tir_expand(L->f, e->t, &axis, 1);
    return val_tensor(L, over_states(L, how, t, &axis, 1, v, 0, &axis, 1), e->axes, e->n_axes);
}
