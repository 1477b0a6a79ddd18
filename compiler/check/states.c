/* states.c - missing cells of bits, counts and labels that other statements read.
 *
 *     for n in N { x[n] ~ bernoulli(p); y[n] ~ normal(a + b * x[n], 1) }
 *  -> for n in N { latent x_state : bit ~ bernoulli(p); x[n] ~ delta(x_state)
 *                  y[n] ~ normal(a + b * x_state, 1) }
 * Idea: delta says what the state is where the cell is known; where it is absent the statement says
 * nothing: the state is summed out as any discrete latent. In a sequence x[t - 1] is the state of
 * the step before. Only reads below the statement of x in its own plate, wherever that is opened,
 * can be meant by it, and those of reports and predictions, which have a draw of the state: if
 * there is another, all stays as it is, and model/missing.c says where.
 * requires: a parsed model, whose data are declared by check/cells.c
 */
#include "check.h"

#include <string.h>

typedef struct States {
    Ctx *c;
    const Ast *data;                   /* DECLNAME of x */
    Ast *block, *site, *loop, *around; /* of x; the FOR or SCAN around it; and the BLOCK of that */
    size_t at, loop_at;                /* of the site and of the loop in their blocks */
    Str index;                         /* of the loop, or of one that opens its plate again */
    int sites, reads, own;             /* of x: statements; reads; those that a state can answer */
    bool replace;
} States;

/* ---- the statement of x ---------------------------------------------------------------------- */

static bool is_read(const Ast *e, Str name)
{
    return e->kind == AST_NAME && e->name == name;
}

/* x[i, ..] with names as indices */
static bool is_cell(const Ast *lhs, Str name)
{
    if (lhs->kind != AST_INDEX || !is_read(lhs->kids[INDEX_BASE], name))
        return false;
    for (size_t k = 1; k < vec_len(lhs->kids); k++)
        if (lhs->kids[k]->kind != AST_NAME)
            return false;
    return true;
}

/* In the loop at `loop_at` of the block `around`, or outside of all. */
static void find_site(States *s, Ast *block, Ast *around, size_t loop_at)
{
    for (size_t i = 0; i < vec_len(block->kids); i++) {
        Ast *st = block->kids[i];
        if (st->kind == AST_FOR || st->kind == AST_SCAN)
            find_site(s, st->kids[FOR_BODY], block, i);
        if (st->kind != AST_SITE || !is_cell(st->kids[SITE_LHS], s->data->name))
            continue;
        s->sites++;
        s->block = block;
        s->site = st;
        s->around = around;
        s->loop = around ? around->kids[loop_at] : NULL;
        s->loop_at = loop_at;
        s->at = i;
    }
}

static bool visit_read(Ast *e, void *data)
{
    States *s = data;
    s->reads += is_read(e, s->data->name);
    return e->kind != AST_PREDICT;
}

/* ---- reads that a state can answer ----------------------------------------------------------- */

/* What the k-th index of the cell is called in the loop at hand. */
static Str index_name(const States *s, size_t k)
{
    Str name = s->site->kids[SITE_LHS]->kids[k]->name;
    return name == s->loop->kids[FOR_BINDER]->name ? s->index : name;
}

/* Is x a sequence from its first cell on, whose steps are its last index? */
static bool is_sequence(const States *s)
{
    const Ast *lhs = s->site->kids[SITE_LHS], *binder = s->loop->kids[FOR_BINDER];
    return s->loop->kind == AST_SCAN && binder->kids[BINDER_DOMAIN]->kind != AST_RANGE
        && lhs->kids[vec_len(lhs->kids) - 1]->name == binder->name;
}

/* The state that x[..] is, or NULL. */
static Ast *state_of(const States *s, const Ast *e)
{
    const Ast *lhs = s->site->kids[SITE_LHS];
    size_t n = vec_len(lhs->kids), same = 1;
    if (e->kind != AST_INDEX || !is_read(e->kids[INDEX_BASE], s->data->name)
        || vec_len(e->kids) != n)
        return NULL;
    while (same < n && is_read(e->kids[same], index_name(s, same)))
        same++;
    Ast *state = ast_name(s->c, e->span, str_fmt(s->c, "%s_state", s->data->name), NULL);
    if (same == n)
        return state;
    bool earlier = same == n - 1 && is_sequence(s) && e->kids[same]->kind != AST_RANGE;
    return earlier ? ast_new(s->c, AST_INDEX, e->span, NULL, 2, state, e->kids[same]) : NULL;
}

/* Does e open an index of the name of one of the statement's? */
static bool hides_index(const States *s, const Ast *e)
{
    const Ast *lhs = s->site->kids[SITE_LHS];
    bool hides = false;
    for (size_t k = 1; k < vec_len(lhs->kids) && e->kind == AST_BINDER; k++)
        hides |= e->name == index_name(s, k);
    bool deeper = e->kind == AST_LIST || e->kind == AST_DECLNAME;
    for (size_t k = 0; deeper && k < vec_len(e->kids); k++)
        hides |= e->kids[k] && hides_index(s, e->kids[k]);
    return hides;
}

/* Counts the reads in *e that a state can answer; with `replace`, puts it there. */
static void answer(States *s, Ast **e)
{
    Ast *state = state_of(s, *e);
    if (state) {
        s->own++;
        if (s->replace) *e = state;
        e = state->kind == AST_INDEX ? &state->kids[1] : NULL;
        if (e) answer(s, e);
        return;
    }
    for (size_t k = 0; k < vec_len((*e)->kids); k++)
        if ((*e)->kids[k] && hides_index(s, (*e)->kids[k])) return;
    bool previous = (*e)->kind == AST_CALL && !strcmp((*e)->name, "previous") && is_sequence(s);
    for (size_t k = 0; k < vec_len((*e)->kids); k++) {
        Ast *kid = (*e)->kids[k];
        if (previous && k == 0 && is_read(kid->kids[ARG_VALUE], s->data->name)) {
            s->own++;
            if (s->replace) kid->kids[ARG_VALUE]->name = str_fmt(s->c, "%s_state", s->data->name);
        } else if (kid) {
            answer(s, &(*e)->kids[k]);
        }
    }
}

/* Does the loop open the plate of x again? */
static bool opens_again(const States *s, const Ast *loop)
{
    if (loop->kind != s->loop->kind)
        return false;
    const Ast *a = loop->kids[FOR_BINDER], *b = s->loop->kids[FOR_BINDER];
    return ast_equal(a->kids[BINDER_DOMAIN], b->kids[BINDER_DOMAIN])
        && ast_equal(a->kids[BINDER_WHERE], b->kids[BINDER_WHERE]);
}

/* Counts, or replaces, the reads x[e] in *e, whatever e is. */
static void answer_anywhere(States *s, Ast **e)
{
    Ast *base = (*e)->kind == AST_INDEX ? (*e)->kids[INDEX_BASE] : NULL;
    bool cell = base && is_read(base, s->data->name) && vec_len((*e)->kids) == 2
             && (*e)->kids[1]->kind != AST_RANGE;
    s->own += cell;
    if (cell && s->replace)
        (*e)->kids[INDEX_BASE] = ast_name(s->c, base->span,
                                          str_fmt(s->c, "%s_state", s->data->name), NULL);
    for (size_t k = cell; k < vec_len((*e)->kids); k++)
        if ((*e)->kids[k]) answer_anywhere(s, &(*e)->kids[k]);
}

/* In the reports and predictions of a block behind the loop, where the state is an array. */
static void answer_drawn(States *s, Ast *block, size_t from)
{
    for (size_t i = from; i < vec_len(block->kids); i++) {
        Ast *st = block->kids[i];
        bool loop = st->kind == AST_FOR || st->kind == AST_SCAN;
        if (loop && !opens_again(s, st))
            answer_drawn(s, st->kids[FOR_BODY], 0);
        if (st->kind == AST_REPORT)
            answer_anywhere(s, &st->kids[REPORT_VALUE]);
        if (st->kind == AST_DRAWN)
            answer_anywhere(s, &st->kids[DRAWN_LAW]);
    }
}

/* Does the loop run over whole x[n], so that the state is an array as x is? */
static bool is_whole(const States *s, const Ast *body)
{
    const Ast *binder = s->loop->kids[FOR_BINDER];
    return s->around == body && vec_len(s->site->kids[SITE_LHS]->kids) == 2
        && binder->kids[BINDER_DOMAIN]->kind != AST_RANGE && !binder->kids[BINDER_WHERE];
}

static void answer_all(States *s, const Ast *body)
{
    if (is_whole(s, body))
        answer_drawn(s, s->around, s->loop_at + 1);
    s->index = s->loop->kids[FOR_BINDER]->name;
    answer(s, &s->site->kids[SITE_LAW]);
    for (size_t i = s->at + 1; i < vec_len(s->block->kids); i++)
        answer(s, &s->block->kids[i]);
    for (size_t i = s->loop_at + 1; i < vec_len(s->around->kids); i++) {
        Ast *loop = s->around->kids[i];
        if (!opens_again(s, loop))
            continue;
        s->index = loop->kids[FOR_BINDER]->name;
        answer(s, &loop->kids[FOR_BODY]);
    }
}

/* ---- the rewrite ----------------------------------------------------------------------------- */

/* latent x_state : type ~ law; x[n] ~ delta(x_state) */
static void split_site(States *s, const Ast *type)
{
    Ctx *c = s->c;
    Span at = s->site->span;
    Str name = str_fmt(c, "%s_state", s->data->name);
    Ast *declname = ast_new(c, AST_DECLNAME, at, name, 0);
    Ast *latent = ast_new(c, AST_LATENT, at, NULL, 3, ast_new(c, AST_LIST, at, NULL, 1, declname),
                          ast_copy(c, type), s->site->kids[SITE_LAW]);
    s->site->kids[SITE_LAW] = ast_call(c, at, "delta", 1, ast_name(c, at, name, NULL));
    Ast **statements = NULL;
    for (size_t i = 0; i < vec_len(s->block->kids); i++) {
        if (i == s->at) vec_push(c, statements, latent);
        vec_push(c, statements, s->block->kids[i]);
    }
    s->block->kids = statements;
}

void rewrite_states(Ctx *c, Ast *model, const Ast *data, const Ast *x)
{
    const Ast *type = data->kids[DATA_TYPE];
    bool many = vec_len(type->kids[TYPE_AXES]->kids) > 0;
    if (many || (!strcmp(type->name, "count") && !vec_len(type->kids[TYPE_ARGS]->kids)))
        return;
    States s = { .c = c, .data = x };
    find_site(&s, model->kids[MODEL_BODY], NULL, 0);
    if (s.sites != 1 || !s.loop)
        return;
    ast_walk(model->kids[MODEL_BODY], visit_read, &s);
    s.reads--;                         /* left of its own `~` */
    answer_all(&s, model->kids[MODEL_BODY]);
    if (!s.own || s.own != s.reads)
        return;
    s.replace = true;
    answer_all(&s, model->kids[MODEL_BODY]);
    split_site(&s, type);
}
