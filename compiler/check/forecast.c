/* forecast.c - a sequence that runs on beyond its data, said with other predictions.
 *
 *     scan t in T { latent z : real ~ normal(a * previous(z, 0), q)
 *                   y[t] ~ normal(z + 0.1 * t, r) }
 *     predict y[T .. T + 12]
 *  -> scan t in 12 { predict z_next : real ~ normal(a * previous(z_next, z[T - 1]), q)
 *                    predict y_next : real ~ normal(z_next + 0.1 * (T + t), r) }
 * A discrete latent goes on from its last state, which is drawn from its posterior.
 * `predict y[i, T .. T + 12]` runs on the sequences of a plate i, which is opened again; plates
 * inside of the sequence are written again with it.
 * Idea: the statements of the sequence are written again. What it declares or draws gets a new
 * name; a read m steps back is one of the new values, and before them of the last old ones.
 * requires:    a parsed file, names not yet resolved
 * establishes: no `predict` of a range whose sequence can be run on
 */
#include "check.h"

#include <string.h>

typedef struct Step {                  /* a statement of the sequence, written again */
    Ast *statement;
    Str *names;                        /* vec: that it declares */
    Str *needs;                        /* vec: those of the same step that it reads */
} Step;

/* What the sequence declares or draws: in which of its plates, and the `y[t, j]` of data. */
typedef struct Own { Str name; Ast **inside; const Ast *drawn; } Own;

typedef struct Forecast {
    Ctx *c;
    const Ast *model, *scan, *predict;
    Ast **loops;                       /* vec: plates around the sequence, outermost first */
    Own *own;                          /* vec */
    Str **needs;                       /* of the statement at hand */
    Ast **inside;                      /* vec: plates of the sequence around it */
    bool failed;
} Forecast;

static const Ast *binder_of(const Forecast *f)
{
    return f->scan->kids[SCAN_BINDER];
}

/* The end of the sequence: T of `t in T` and of `t in K .. T`. */
static const Ast *steps_of(const Forecast *f)
{
    const Ast *domain = binder_of(f)->kids[BINDER_DOMAIN];
    return domain->kind == AST_RANGE ? domain->kids[RANGE_B] : domain;
}

static Ast *refuse(Forecast *f, Span at, const char *help)
{
    if (!f->failed) {
        diag_error(f->c, E_ND_PREDICT, f->predict->span,
                   fmt_expr(f->c, f->predict->kids[PREDICT_LHS]));
        diag_note(f->c, at, "because of this");
        diag_help(f->c, "%s", help);
    }
    f->failed = true;
    return ast_num(f->c, at, 0);
}

static bool has(Str *names, Str name)
{
    for (size_t i = 0; i < vec_len(names); i++)
        if (names[i] == name)
            return true;
    return false;
}

static const Own *own_of(const Forecast *f, Str name)
{
    for (size_t i = 0; i < vec_len(f->own); i++)
        if (f->own[i].name == name)
            return &f->own[i];
    return NULL;
}

/* Does the statement at hand stand in the plates that x is declared in? */
static bool is_inside(const Forecast *f, const Own *x)
{
    bool inside = vec_len(x->inside) <= vec_len(f->inside);
    for (size_t i = 0; inside && i < vec_len(x->inside); i++)
        inside = x->inside[i] == f->inside[i];
    return inside;
}

/* ---- expressions ----------------------------------------------------------------------------- */

static Ast *binary(Forecast *f, Span at, const char *op, Ast *a, Ast *b)
{
    return ast_new(f->c, AST_BINARY, at, str(f->c, op), 2, a, b);
}

static Ast *index_of_step(Forecast *f, Span at)
{
    return ast_name(f->c, at, binder_of(f)->name, NULL);
}

static Ast *next_name(Forecast *f, Span at, Str name)
{
    return ast_name(f->c, at, str_fmt(f->c, "%s_next", name), NULL);
}

static Ast *now(Forecast *f, Span at, Str name)
{
    if (!has(*f->needs, name))
        vec_push(f->c, *f->needs, name);
    return next_name(f, at, name);
}

static const Ast *data_of(const Forecast *f, Str name, const Ast **statement);

/* A number, a size, or arithmetic of them. */
static bool is_size(const Forecast *f, const Ast *e)
{
    bool size = e->kind == AST_NUM || (e->kind == AST_NAME && !data_of(f, e->name, NULL))
             || e->kind == AST_BINARY;
    for (size_t i = 0; size && i < vec_len(e->kids); i++)
        size = is_size(f, e->kids[i]);
    return size;
}

/* K of `t in K .. T`, if it is a size: what the sequence declares has no values before; or NULL. */
static Ast *first_step(const Forecast *f)
{
    const Ast *domain = binder_of(f)->kids[BINDER_DOMAIN];
    bool later = domain->kind == AST_RANGE && is_size(f, domain->kids[RANGE_A]);
    return later ? domain->kids[RANGE_A] : NULL;
}

/* x at a step: data with the indices of all plates, others with those inside of the sequence. */
static Ast *at_step(Forecast *f, Span at, Str name, Ast *step)
{
    const Own *own = own_of(f, name);
    if (own->drawn) {
        Ast *e = ast_copy(f->c, own->drawn);
        e->kids[vec_len(f->loops) + 1] = step;
        return e;
    }
    Ast *first = first_step(f);
    if (first)
        step = binary(f, at, "-", step, ast_copy(f->c, first));
    Ast *e = ast_new(f->c, AST_INDEX, at, NULL, 2, ast_name(f->c, at, name, NULL), step);
    for (size_t i = 0; i < vec_len(own->inside); i++)
        ast_push(f->c, e, ast_name(f->c, at, own->inside[i]->kids[FOR_BINDER]->name, NULL));
    return e;
}

/* T + t - k */
static Ast *before(Forecast *f, Span at, Ast *k)
{
    Ast *now = binary(f, at, "+", ast_copy(f->c, steps_of(f)), index_of_step(f, at));
    return binary(f, at, "-", now, k);
}

/* previous(x_next, x at the last steps of the data, lag: k) */
static Ast *back(Forecast *f, Span at, Str name, Ast *k)
{
    Ast *last = binary(f, at, "-", ast_copy(f->c, steps_of(f)), ast_num(f->c, at, 1));
    if (k->kind != AST_NUM || k->num > 1)
        last = ast_call(f->c, at, "min", 2, before(f, at, ast_copy(f->c, k)), last);
    Ast *call = ast_call(f->c, at, "previous", 2, next_name(f, at, name),
                         at_step(f, at, name, last));
    return ast_push(f->c, call, ast_new(f->c, AST_ARG, at, str(f->c, "lag"), 1, k));
}

/* m of `t - m`, 0 of `t`; -1 of anything else. */
static double lag_of(const Forecast *f, const Ast *e)
{
    if (e->kind == AST_NAME)
        return e->name == binder_of(f)->name ? 0 : -1;
    bool minus = e->kind == AST_BINARY && !strcmp(e->name, "-") && e->kids[1]->kind == AST_NUM;
    return minus && lag_of(f, e->kids[0]) == 0 ? e->kids[1]->num : -1;
}

static Ast *ahead(Forecast *f, const Ast *e);

/* Is it the same number at all steps, or one that the index of a reduction decides? */
static bool is_lag(const Forecast *f, const Ast *e)
{
    bool good = e && e->kind != AST_INDEX
             && !(e->kind == AST_NAME && e->name == binder_of(f)->name);
    for (size_t i = 0; good && i < vec_len(e->kids); i++)
        good = is_lag(f, e->kids[i]);
    return good;
}

/* 1 + k of `t - 1 - k`, as it is beyond the data; NULL of anything else. */
static Ast *steps_back(Forecast *f, const Ast *e)
{
    if (e->kind != AST_BINARY || strcmp(e->name, "-") || !is_lag(f, e->kids[1]))
        return NULL;
    Ast *last = ahead(f, e->kids[1]);
    if (lag_of(f, e->kids[0]) == 0)
        return last;
    Ast *first = steps_back(f, e->kids[0]);
    return first ? binary(f, e->span, "+", first, last) : NULL;
}

/* Where the step stands among the indices of x[..], of which data have *n with those of the plates.
 * 0: the others are not these. */
static size_t step_position(const Forecast *f, const Ast *e, size_t *n)
{
    const Own *own = own_of(f, e->kids[INDEX_BASE]->name);
    size_t at = own->drawn ? vec_len(f->loops) + 1 : 1;
    *n = own->drawn ? vec_len(own->drawn->kids) - 1 : 1;
    if (vec_len(e->kids) < *n + 1 || !is_inside(f, own))
        return 0;
    for (size_t i = 1; i <= *n; i++)
        if (i != at && (e->kids[i]->kind != AST_NAME
                        || e->kids[i]->name != own->drawn->kids[i]->name))
            return 0;
    return at;
}

/* x[t - m, ..] of the sequence, or x[0, ..], which is the same at all steps */
static Ast *read_ahead(Forecast *f, const Ast *e)
{
    Str name = e->kids[INDEX_BASE]->name;
    size_t n, at = step_position(f, e, &n);
    bool here = at && lag_of(f, e->kids[at]) == 0, fixed = at && e->kids[at]->kind == AST_NUM;
    Ast *k = at && !here && !fixed ? steps_back(f, e->kids[at]) : NULL;
    if (!here && !fixed && !k)
        return refuse(f, e->span, "beyond the data a law reads its own step, those a number of "
                      "steps back, `y[t - 1 - k]`, or one that has a number, `y[0]`");
    Ast *x = here ? now(f, e->span, name)
           : k ? back(f, e->span, name, k) : at_step(f, e->span, name, ast_copy(f->c, e->kids[at]));
    if (vec_len(e->kids) == n + 1)
        return x;
    Ast *element = ast_new(f->c, AST_INDEX, e->span, NULL, 1, x);
    for (size_t i = n + 1; i < vec_len(e->kids); i++)
        ast_push(f->c, element, ahead(f, e->kids[i]));
    return element;
}

static Ast *previous_ahead(Forecast *f, const Ast *e)
{
    const Ast *x = e->kids[0]->kids[ARG_VALUE], *lag = ast_argument(e, "lag");
    const Own *own = x->kind == AST_NAME ? own_of(f, x->name) : NULL;
    if (!own || !is_inside(f, own))
        return refuse(f, e->span, "`previous` of a value of the sequence, by its name, has a next");
    return back(f, e->span, x->name, lag ? ahead(f, lag) : ast_num(f->c, e->span, 1));
}

/* A covariate as long as the sequence ends with it. */
static bool ends_with_data(const Forecast *f, const Ast *e)
{
    const Ast *name = data_of(f, e->kids[INDEX_BASE]->name, NULL);
    for (size_t i = 1; name && i < vec_len(e->kids) && i <= vec_len(name->kids); i++) {
        const Ast *axis = name->kids[i - 1];
        const Ast *size = axis->kind == AST_BINDER ? axis->kids[BINDER_DOMAIN] : axis;
        if (lag_of(f, e->kids[i]) >= 0 && fmt_expr(f->c, size) == fmt_expr(f->c, steps_of(f)))
            return true;
    }
    return false;
}

/* e at a step beyond the data */
static Ast *ahead(Forecast *f, const Ast *e)
{
    if (!e)
        return NULL;
    if (e->kind == AST_NAME && e->name == binder_of(f)->name)
        return binary(f, e->span, "+", ast_copy(f->c, steps_of(f)), index_of_step(f, e->span));
    const Own *own = e->kind == AST_NAME ? own_of(f, e->name) : NULL;
    if (own && own->drawn)
        return refuse(f, e->span, "beyond the data not all of it is known");
    if (own)
        return is_inside(f, own) ? now(f, e->span, e->name)
             : refuse(f, e->span, "what a plate of the sequence declares is read in that plate");
    if (e->kind == AST_INDEX && e->kids[INDEX_BASE]->kind == AST_NAME) {
        if (own_of(f, e->kids[INDEX_BASE]->name))
            return read_ahead(f, e);
        if (ends_with_data(f, e))
            return refuse(f, e->span, "it has no value beyond the data: declare it longer than "
                          "the sequence, `data x[L]`");
    }
    if (e->kind == AST_CALL && !strcmp(e->name, "previous") && vec_len(e->kids) > 1)
        return previous_ahead(f, e);
    Ast *copy = ast_copy(f->c, e);
    for (size_t i = 0; i < vec_len(e->kids); i++)
        copy->kids[i] = ahead(f, e->kids[i]);
    return copy;
}

/* ---- statements ------------------------------------------------------------------------------ */

/* The DECLNAME of data of this name at the top of the model, and its statement; or NULL. */
static const Ast *data_of(const Forecast *f, Str name, const Ast **statement)
{
    const Ast *body = f->model->kids[MODEL_BODY];
    for (size_t i = 0; i < vec_len(body->kids); i++) {
        const Ast *st = body->kids[i];
        for (size_t k = 0; st->kind == AST_DATA && k < vec_len(st->kids[DATA_NAMES]->kids); k++)
            if (st->kids[DATA_NAMES]->kids[k]->name == name) {
                if (statement)
                    *statement = st;
                return st->kids[DATA_NAMES]->kids[k];
            }
    }
    return NULL;
}

/* Which name stands at index k of what is drawn: those of the plates around the sequence, the step,
 * those of its own plates. */
static Str index_at(const Forecast *f, size_t k)
{
    size_t n = vec_len(f->loops);
    return k <= n ? f->loops[k - 1]->kids[FOR_BINDER]->name
         : k == n + 1 ? binder_of(f)->name : f->inside[k - n - 2]->kids[FOR_BINDER]->name;
}

/* y of `y[t] ~ d`, in plates of `y[i, t, j] ~ d`; or NULL. */
static Str drawn_at(const Forecast *f, const Ast *st)
{
    const Ast *lhs = st->kind == AST_SITE ? st->kids[SITE_LHS] : NULL;
    bool good = lhs && lhs->kind == AST_INDEX && lhs->kids[INDEX_BASE]->kind == AST_NAME
             && vec_len(lhs->kids) == 2 + vec_len(f->loops) + vec_len(f->inside);
    for (size_t i = 1; good && i < vec_len(lhs->kids); i++)
        good = lhs->kids[i]->kind == AST_NAME && lhs->kids[i]->name == index_at(f, i);
    return good ? lhs->kids[INDEX_BASE]->name : NULL;
}

static Ast *named(Forecast *f, const Ast *at, Str name)
{
    Ast *declname = ast_new(f->c, AST_DECLNAME, at->span, str_fmt(f->c, "%s_next", name), 0);
    return ast_new(f->c, AST_LIST, at->span, NULL, 1, declname);
}

static void add_step(Forecast *f, Step **steps, Step step)
{
    vec_push(f->c, *steps, step);
}

static void latent_ahead(Forecast *f, const Ast *st, Step **steps)
{
    const Ast *names = st->kids[LATENT_NAMES], *type = st->kids[LATENT_TYPE];
    if (st->num == 1 || !st->kids[LATENT_LAW]) {
        refuse(f, st->span, "each latent of the sequence must have its own law");
        return;
    }
    for (size_t i = 0; i < vec_len(names->kids); i++) {
        const Ast *name = names->kids[i];
        Step step = { 0 };
        vec_push(f->c, step.names, name->name);
        f->needs = &step.needs;
        if (vec_len(name->kids))
            refuse(f, name->span, "arrays of latents in a sequence are not run on");
        step.statement = ast_new(f->c, AST_DRAWN, st->span, NULL, 3, named(f, name, name->name),
                                 ast_copy(f->c, type), ahead(f, st->kids[LATENT_LAW]));
        add_step(f, steps, step);
    }
}

static Ast *in_order(Forecast *f, Step *steps);
static void statement_ahead(Forecast *f, const Ast *st, Step **steps);

/* A plate of the sequence. */
static void plate_ahead(Forecast *f, Ast *st, Step **steps)
{
    Step step = { 0 }, *inner = NULL;
    const Ast *body = st->kids[FOR_BODY];
    vec_push(f->c, f->inside, st);
    for (size_t i = 0; i < vec_len(body->kids) && !f->failed; i++)
        statement_ahead(f, body->kids[i], &inner);
    ((size_t *)f->inside)[-1]--;
    for (size_t i = 0; i < vec_len(inner); i++) {
        for (size_t k = 0; k < vec_len(inner[i].names); k++)
            vec_push(f->c, step.names, inner[i].names[k]);
        for (size_t k = 0; k < vec_len(inner[i].needs); k++)
            vec_push(f->c, step.needs, inner[i].needs[k]);
    }
    step.statement = ast_new(f->c, AST_FOR, st->span, NULL, 2, ast_copy(f->c, st->kids[FOR_BINDER]),
                             in_order(f, inner));
    add_step(f, steps, step);
}

static void statement_ahead(Forecast *f, const Ast *st, Step **steps)
{
    const Ast *data = NULL;
    Str drawn = drawn_at(f, st);
    Step step = { 0 };
    f->needs = &step.needs;
    if (st->kind == AST_LATENT) {
        latent_ahead(f, st, steps);
        return;
    }
    if (st->kind == AST_FOR) {
        plate_ahead(f, (Ast *)st, steps);
        return;
    }
    if (st->kind == AST_LET && !vec_len(st->kids[LET_NAMES]->kids[0]->kids)) {
        const Ast *name = st->kids[LET_NAMES]->kids[0];
        vec_push(f->c, step.names, name->name);
        step.statement = ast_new(f->c, AST_LET, st->span, NULL, 2, named(f, name, name->name),
                                 ahead(f, st->kids[LET_VALUE]));
    } else if (drawn && data_of(f, drawn, &data)) {
        vec_push(f->c, step.names, drawn);
        step.statement = ast_new(f->c, AST_DRAWN, st->span, NULL, 3, named(f, st, drawn),
                                 ast_copy(f->c, data->kids[DATA_TYPE]),
                                 ahead(f, st->kids[SITE_LAW]));
        const Ast *from = data->kids[DATA_FROM];
        step.statement->num = from ? from->num : 0;
    } else {
        refuse(f, st->span, "a sequence of laws `y[t] ~ d`, latents, `let` and plates of them is "
                            "run on");
        return;
    }
    add_step(f, steps, step);
}

/* Is it declared by one of the steps that are not done? */
static bool is_pending(const Step *steps, Str name, Str *done)
{
    for (size_t i = 0; i < vec_len(steps); i++)
        if (has(steps[i].names, name))
            return !has(done, name);
    return false;
}

/* What the steps declare, so that each stands below what it reads. */
static Ast *in_order(Forecast *f, Step *steps)
{
    Ast *block = ast_new(f->c, AST_BLOCK, f->scan->span, NULL, 0);
    Str *done = NULL;
    for (size_t left = vec_len(steps), found = 1; left && found; left -= found) {
        found = 0;
        for (size_t i = 0; i < vec_len(steps); i++) {
            bool ready = !vec_len(steps[i].names) || !has(done, steps[i].names[0]);
            for (size_t k = 0; k < vec_len(steps[i].needs); k++)
                ready = ready && (has(steps[i].names, steps[i].needs[k])
                                  || !is_pending(steps, steps[i].needs[k], done));
            if (!ready)
                continue;
            ast_push(f->c, block, steps[i].statement);
            for (size_t k = 0; k < vec_len(steps[i].names); k++)
                vec_push(f->c, done, steps[i].names[k]);
            found++;
        }
    }
    if (vec_len(block->kids) < vec_len(steps))
        refuse(f, f->scan->span, "values of one step read each other");
    return block;
}

static void add_own(Forecast *f, Str name, const Ast *drawn)
{
    Own own = { name, NULL, drawn };
    for (size_t i = 0; i < vec_len(f->inside); i++)
        vec_push(f->c, own.inside, f->inside[i]);
    vec_push(f->c, f->own, own);
}

static void collect(Forecast *f, const Ast *body)
{
    for (size_t i = 0; i < vec_len(body->kids); i++) {
        Ast *st = body->kids[i];
        const Ast *names = st->kind == AST_LATENT ? st->kids[LATENT_NAMES]
                         : st->kind == AST_LET ? st->kids[LET_NAMES] : NULL;
        for (size_t k = 0; names && k < vec_len(names->kids); k++)
            add_own(f, names->kids[k]->name, NULL);
        if (drawn_at(f, st))
            add_own(f, drawn_at(f, st), st->kids[SITE_LHS]);
        if (st->kind == AST_FOR) {
            vec_push(f->c, f->inside, st);
            collect(f, st->kids[FOR_BODY]);
            ((size_t *)f->inside)[-1]--;
        }
    }
}

/* How many steps beyond: 12 of T .. T + 12. */
static Ast *horizon(Forecast *f, const Ast *range)
{
    const Ast *to = range->kids[RANGE_B];
    Str end = fmt_expr(f->c, steps_of(f));
    if (fmt_expr(f->c, range->kids[RANGE_A]) != end)
        refuse(f, range->span, str_fmt(f->c, "the first step beyond the data is %s", end));
    if (to->kind == AST_BINARY && !strcmp(to->name, "+") && fmt_expr(f->c, to->kids[0]) == end)
        return ast_copy(f->c, to->kids[1]);
    return binary(f, to->span, "-", ast_copy(f->c, to), ast_copy(f->c, steps_of(f)));
}

/* ---- models ---------------------------------------------------------------------------------- */

/* In a sequence, also in its plates; a plate that is one has none. */
static bool draws(Forecast *f, const Ast *body, Str y)
{
    bool found = false;
    for (size_t k = 0; k < vec_len(body->kids) && !found; k++) {
        Ast *st = body->kids[k];
        found = drawn_at(f, st) == y;
        if (found || st->kind != AST_FOR || f->scan->kind != AST_SCAN)
            continue;
        vec_push(f->c, f->inside, st);
        found = draws(f, st->kids[FOR_BODY], y);
        ((size_t *)f->inside)[-1]--;
    }
    return found;
}

/* The sequence of the block that draws what is to be predicted, or NULL: at the top of the model,
 * or in plates with the indices of `predict` (anywhere: in any). It may be a plate, whose laws read
 * data alone. */
static const Ast *sequence_of(Forecast *f, const Ast *block, bool anywhere)
{
    const Ast *lhs = f->predict->kids[PREDICT_LHS], *found = NULL;
    size_t depth = vec_len(f->loops), plates = vec_len(lhs->kids) - 2;
    for (size_t i = 0; i < vec_len(block->kids) && !found; i++) {
        Ast *st = block->kids[i];
        f->scan = st;
        if ((st->kind == AST_SCAN || st->kind == AST_FOR) && (anywhere || depth == plates)
            && draws(f, st->kids[SCAN_BODY], lhs->kids[INDEX_BASE]->name)) {
            found = st;
        } else if (st->kind == AST_FOR
                   && (anywhere || (depth < plates && st->kids[FOR_BINDER]->name
                                                      == lhs->kids[depth + 1]->name))) {
            vec_push(f->c, f->loops, st);
            found = sequence_of(f, st->kids[FOR_BODY], anywhere);
            if (!found) ((size_t *)f->loops)[-1]--;
        }
    }
    return f->scan = found;
}

/* The indices of `predict` are not those of the plates around the sequence. */
static void refuse_plates(Forecast *f, const Ast *block)
{
    const Ast *lhs = f->predict->kids[PREDICT_LHS], *scan = sequence_of(f, block, true);
    if (!scan)
        return;
    Str all = str_fmt(f->c, "%s[", lhs->kids[INDEX_BASE]->name);
    for (size_t i = 0; i < vec_len(f->loops); i++)
        all = str_fmt(f->c, "%s%s, ", all, f->loops[i]->kids[FOR_BINDER]->name);
    refuse(f, scan->span, str_fmt(f->c, "predict all sequences of its plates: `predict %s%s]`", all,
                                  fmt_expr(f->c, lhs->kids[vec_len(lhs->kids) - 1])));
}

/* The scan that `predict y[T .. T + 12]` means. */
static Ast *run_on(Forecast *f)
{
    const Ast *lhs = f->predict->kids[PREDICT_LHS];
    Step *steps = NULL;
    collect(f, f->scan->kids[SCAN_BODY]);
    Ast *binder = ast_copy(f->c, binder_of(f));
    if (binder->kids[BINDER_WHERE])
        refuse(f, binder->span, "which steps beyond the data meet the condition is not known");
    binder->kids[BINDER_DOMAIN] = horizon(f, lhs->kids[vec_len(lhs->kids) - 1]);
    const Ast *body = f->scan->kids[SCAN_BODY];
    for (size_t i = 0; i < vec_len(body->kids) && !f->failed; i++)
        if (body->kids[i]->kind != AST_REPORT && body->kids[i]->kind != AST_PREDICT)
            statement_ahead(f, body->kids[i], &steps);
    Span at = f->predict->span;
    Ast *loop = ast_new(f->c, AST_SCAN, at, NULL, 2, binder, in_order(f, steps));
    for (size_t i = vec_len(f->loops); i-- > 0;)
        loop = ast_new(f->c, AST_FOR, at, NULL, 2, ast_copy(f->c, f->loops[i]->kids[FOR_BINDER]),
                       ast_new(f->c, AST_BLOCK, at, NULL, 1, loop));
    return loop;
}

static bool is_range(const Ast *st)
{
    const Ast *lhs = st->kind == AST_PREDICT ? st->kids[PREDICT_LHS] : NULL;
    if (!lhs || lhs->kind != AST_INDEX || lhs->kids[INDEX_BASE]->kind != AST_NAME)
        return false;
    for (size_t i = 1; i + 1 < vec_len(lhs->kids); i++)
        if (lhs->kids[i]->kind != AST_NAME)
            return false;
    return lhs->kids[vec_len(lhs->kids) - 1]->kind == AST_RANGE;
}

static Str range_of(Ctx *c, const Ast *predict)
{
    const Ast *lhs = predict->kids[PREDICT_LHS];
    return fmt_expr(c, lhs->kids[vec_len(lhs->kids) - 1]);
}

static bool same_range(Ctx *c, const Ast *a, const Ast *b)
{
    return range_of(c, a) == range_of(c, b);
}

static void rewrite_model(Ctx *c, Ast *model)
{
    Ast *body = model->kids[MODEL_BODY], **out = NULL;
    Forecast *done = NULL;             /* sequences that run on already */
    for (size_t i = 0; i < vec_len(body->kids); i++) {
        Ast *st = body->kids[i];
        Forecast f = { .c = c, .model = model, .predict = st };
        const Ast *scan = is_range(st) ? sequence_of(&f, body, false) : NULL;
        const Forecast *before = NULL;
        if (is_range(st) && !scan)
            refuse_plates(&f, body);
        for (size_t k = 0; k < vec_len(done); k++)
            before = scan && done[k].scan == scan ? &done[k] : before;
        if (before && !same_range(c, before->predict, st))
            refuse(&f, before->predict->span, "all of a sequence runs on to one end");
        if (scan && !before) {
            vec_push(c, done, f);
            st = run_on(&f);
        }
        if (!before && !f.failed)
            vec_push(c, out, st);
    }
    body->kids = out;
}

void rewrite_forecasts(Ctx *c, Ast *file)
{
    for (size_t i = 0; i < vec_len(file->kids); i++)
        if (file->kids[i]->kind == AST_MODEL)
            rewrite_model(c, file->kids[i]);
}
