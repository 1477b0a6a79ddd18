/* lower.c - queries of a Derivation as functions of the tensor IR.
 *
 * For each query: bindings give the latents their values in order (a draw is noise over plates,
 * samples and event axes, pushed through the law's sampler), terms become scalars summed over all
 * their axes and averaged over samples, results become arrays.
 *     E_q[log p(x | z)], plate n    ->    term x = 1/S sum_{n,s,p} (x * l - softplus(l))
 * requires:    a verified derivation, all sizes but the row plate's bound
 * establishes: verified TirFns without gradients; the list of trainable tensors
 */
#include "lower.h"

#include <string.h>

/* ---- bindings, terms, results ---------------------------------------------------------------- */

static Axis *sample_axis(Lower *L)
{
    if (!L->samples)
        L->samples = tir_axis(L->f, AXIS_SAMPLE, str(L->c, "s"), 0);
    return L->samples;
}

/* Opens the binders of a declaration `b[j in J]`, so that its law may use j; axes are its array
 * axes. */
static Env *open_declared(Lower *L, const Var *v, Axis *const *axes)
{
    Env *env = NULL;
    for (size_t i = 0; v->decl && v->decl->kind == AST_DECLNAME && !v->spread
         && i < vec_len(v->decl->kids); i++) {
        const Ast *binder = v->decl->kids[i];
        if (binder->kind != AST_BINDER)
            continue;
        Val *index = val_tensor(L, tir_iota(L->f, axes[i]), NULL, 0);
        index->index_of = axes[i];
        env = env_bind(L, env, binder->name, index);
    }
    return env;
}

/* What b binds, over the axes of the type of its variable; the plate is entered. */
Val *lower_bound(Lower *L, const Bind *b)
{
    L->at = b->span;
    Axis *axes[LIMIT_RANK];
    int n = lower_type_axes(L, b->var, axes);
    Val *v = eval(L, open_declared(L, b->like ? b->like : b->var, axes), b->expr);
    if (b->kind == BIND_DRAW) {
        Axis *implicit[LIMIT_RANK];
        int m = 0;
        for (size_t i = 0; i < vec_len(L->active); i++)
            implicit[m++] = L->active[i].axis;
        implicit[m++] = sample_axis(L);
        v = dist_draw(L, v, implicit, m, axes, n, b->site);
        if (b->held)
            v = val_op1(L, OP_STOP_GRADIENT, v);
        if (b->weight)
            vec_push(L->c, L->strata, ((Strata){ lower_plate_axis(L, b->plate),
                                                 eval(L, NULL, b->weight)->t }));
    }
    bool element = v->kind == VAL_TENSOR && v->n_axes < n && tir_has_axis(v->t, axes[0]);
    if (element) {                     /* that of the index of the declaration */
        v = val_rename(L, v, axes + (n - v->n_axes));
        v = val_tensor(L, tir_expand(L->f, v->t, axes, n), axes, n);
    }
    if (v->kind == VAL_TENSOR && v->n_axes == n)
        v = val_rename(L, v, axes);
    if (v->kind == VAL_TENSOR)
        tir_label(v->t, b->var->name, b->span);
    return v;
}

static void lower_bind(Lower *L, const Bind *b)
{
    enter_plate(L, b->plate);
    Val *v = map_get(L->equations, b->var) ? var_value(L, b->var) : lower_bound(L, b);
    if (v->kind == VAL_TENSOR && b->kind == BIND_DRAW && L->query == &L->d->step)
        lower_drawn_by(L, v->t, L->d->model->sites[b->site / 2].var->name);
    if (v->kind == VAL_TENSOR && b->kind == BIND_DRAW)
        vec_push(L->c, L->draws, v->t);
    map_put(L->values, b->var, v);
}

/* t summed over the strata of the draws that it depends on, by their weights. */
static Tir *over_strata(Lower *L, Tir *t)
{
    for (size_t i = 0; i < vec_len(L->strata); i++) {
        Axis *axis = L->strata[i].axis;
        if (tir_has_axis(t, axis))
            t = tir_reduce(L->f, OP_SUM, tir_map(L->f, OP_MUL, L->strata[i].weight, t, NULL), &axis,
                           1);
    }
    return t;
}

static Tir *input_scalar(Lower *L, const char *name)
{
    return tir_input(L->f, INPUT_SCALAR, str(L->c, name), NULL, 0);
}

Tir *lower_density(Lower *L, const Term *term, const ActivePlate *keep)
{
    enter_plate(L, term->plate);
    L->at = term->span;
    Env *env = NULL;
    Val *v = val_sum_all(L, eval(L, env, term->expr));
    Tir *t = over_strata(L, v->t);
    Axis *over[LIMIT_RANK];
    int n = 0;
    for (size_t i = 0; i < vec_len(L->active); i++)
        if (L->active[i].axis->kind == AXIS_PLATE && !plate_is_among(keep, L->active[i].plate))
            over[n++] = L->active[i].axis;
    if (n)
        t = tir_reduce(L->f, OP_SUM, t, over, n);
    for (size_t i = 0; i < vec_len(L->active); i++)
        if (L->active[i].axis->kind == AXIS_ROW)
            t = tir_expand(L->f, t, &L->active[i].axis, 1);
    return tir_label(t, term->name, term->span);
}

Axis *lower_row_axis(const Tir *t)
{
    for (int i = 0; i < t->n_axes; i++)
        if (t->axes[i]->kind == AXIS_ROW)
            return t->axes[i];
    return NULL;
}

Tir *lower_total(Lower *L, const Term *term)
{
    Tir *t = lower_density(L, term, NULL);
    Axis *over[LIMIT_RANK], *rows = lower_row_axis(t);
    int n = 0;
    bool sampled = L->samples && tir_has_axis(t, L->samples);
    if (rows)
        over[n++] = rows;
    if (sampled)
        over[n++] = L->samples;
    if (n)
        t = tir_reduce(L->f, OP_SUM, t, over, n);
    if (sampled)
        t = tir_map(L->f, OP_MUL, input_scalar(L, "inv_samples"), t, NULL);
    return tir_label(t, term->name, term->span);
}

static void add_result(Lower *L, LowProgram *p, Str name, Tir *t, Axis *const *axes, int n,
                       bool rows, bool samples, Elem elem)
{
    LowResult r = { .name = name, .rows = rows, .samples = samples, .rank = n, .elem = elem };
    Axis *layout[LIMIT_RANK];
    int m = 0;
    for (size_t i = 0; rows && i < vec_len(L->f->axes); i++)
        if (L->f->axes[i]->kind == AXIS_ROW)
            layout[m++] = L->f->axes[i];
    if (samples)
        layout[m++] = sample_axis(L);
    for (int i = 0; i < n && m < LIMIT_RANK; i++) {
        r.shape[i] = axes[i]->size;
        layout[m++] = axes[i];
    }
    t = tir_expand(L->f, t, layout, m);
    tir_out_layout(L->f, name, (int)vec_len(p->results), tir_label(t, name, L->at), layout, m);
    vec_push(L->c, p->results, r);
}

static void lower_result(Lower *L, LowProgram *p, const Result *r)
{
    enter_plate(L, r->plate);
    L->at = r->expr->span;
    Val *v = eval(L, NULL, r->expr);
    if (v->kind != VAL_TENSOR)
        ice_span(L->at, "result %s is no number", r->name);
    Axis *axes[LIMIT_RANK];
    int n = 0;
    bool rows = false;
    for (size_t i = 0; i < vec_len(L->active); i++) {
        if (L->active[i].axis->kind == AXIS_ROW)
            rows = true;
        else
            axes[n++] = L->active[i].axis;
    }
    for (int i = 0; i < v->n_axes && n < LIMIT_RANK; i++)
        axes[n++] = v->axes[i];
    Tir *t = v->t;
    bool sampled = L->samples && tir_has_axis(t, L->samples);
    if (sampled && !r->samples) {
        t = tir_reduce(L->f, OP_SUM, t, &L->samples, 1);
        t = tir_map(L->f, OP_MUL, input_scalar(L, "inv_samples"), t, NULL);
    }
    Elem elem =
        r->expr->type && r->expr->type->kind == KIND_VALUE ? r->expr->type->elem : ELEM_REAL;
    add_result(L, p, r->name, t, axes, n, rows, sampled && r->samples, elem);
}

/* log p(x, z) - log q(z): one number per row and sample where every term is local, else one per
 * sample for the whole data set. */
static void lower_weight(Lower *L, LowProgram *p, const Query *q)
{
    bool local = true;
    for (size_t i = 0; i < vec_len(q->terms); i++)
        local &= q->terms[i].local;
    Tir *sum = NULL;
    for (size_t i = 0; i < vec_len(q->terms); i++) {
        Tir *t = lower_density(L, &q->terms[i], NULL);
        Axis *rows = lower_row_axis(t);
        if (rows && !local)
            t = tir_reduce(L->f, OP_SUM, t, &rows, 1);
        if (!sum)
            sum = q->terms[i].sign < 0 ? tir_map(L->f, OP_NEG, t, NULL, NULL) : t;
        else
            sum = tir_map(L->f, q->terms[i].sign < 0 ? OP_SUB : OP_ADD, sum, t, NULL);
    }
    L->at = (Span){ 0 };
    add_result(L, p, str(L->c, "log_weight"), sum, NULL, 0, local, true, ELEM_REAL);
}

/* ---- programs -------------------------------------------------------------------------------- */

void not_lowered(Lower *L, Span at, const char *what)
{
    diag_error(L->c, E_LOWER_NOT_YET, at, what);
    diag_help(L->c, "write it otherwise: chapter 9 of lang/manual.md lists what is derived later");
}

void lower_begin(Lower *L, Str name)
{
    L->f = tir_fn(L->c, name);
    L->values = map_new(L->c);
    L->equations = map_new(L->c);
    L->axes = map_new(L->c);
    L->samples = NULL;
    L->draws = NULL;
    L->strata = NULL;
    L->active = NULL;
    L->open = NULL;
    L->n_draw = L->n_draw_event = 0;
    if (L->d && L->d->model->rows)
        lower_plate_axis(L, L->d->model->rows);
}

int lower_table_shape(const Tir *given, int64_t *shape, bool *rows)
{
    int rank = 0;
    for (int k = 0; k < given->n_axes; k++) {
        if (given->axes[k]->kind == AXIS_ROW)
            *rows = true;
        else
            shape[rank++] = given->axes[k]->size;
    }
    return rank;
}

/* The gradient by what is given becomes results of the same names, after the others. */
static void gradient_results(Lower *L, LowProgram *p)
{
    for (size_t i = 0; lower_has_gradient(p) && i < vec_len(p->given); i++) {
        const Tir *g = p->given[i];
        LowResult r = { .name = g->name, .elem = ELEM_REAL };
        r.rank = lower_table_shape(g, r.shape, &r.rows);
        vec_push(L->c, p->results, r);
    }
}

static void lower_query(Lower *L, Lowered *out, const Query *q, const char *name)
{
    LowProgram p = { .name = str(L->c, name), .absent = q->absent, .query = q };
    if (!q->absent) {
        lower_begin(L, p.name);
        L->query = q;
        p.fn = L->f;
        for (size_t i = 0; i < vec_len(q->given); i++)
            vec_push(L->c, p.given, given_input(L, q->given[i]));
        for (size_t i = 0; i < vec_len(q->binds); i++)
            if (q->binds[i].recursive)
                map_put(L->equations, q->binds[i].var, &q->binds[i]);
        for (size_t i = 0; i < vec_len(q->binds); i++)
            lower_bind(L, &q->binds[i]);
        if (!strcmp(name, "weight"))
            lower_weight(L, &p, q);
        else
            for (size_t i = 0; i < vec_len(q->terms); i++)
                tir_out(L->f, OUT_TERM, q->terms[i].name, (int)i, lower_total(L, &q->terms[i]));
        if (lower_has_gradient(&p))
            lower_surrogates(L, q);
        for (size_t i = 0; i < vec_len(q->results); i++)
            lower_result(L, &p, &q->results[i]);
        gradient_results(L, &p);
    }
    vec_push(L->c, out->programs, p);
}

/* File-level declarations by name; the user's come second and so replace the library's. */
static void index_file(Lower *L, const Ast *file)
{
    for (size_t i = 0; file && i < vec_len(file->kids); i++) {
        Ast *item = file->kids[i];
        switch (item->kind) {
        case AST_LAYER: case AST_SUPPORT: case AST_FUNCTION:
            map_put(L->decls, item->name, item);
            break;
        default:
            break;
        }
    }
}

static void index_nets(Lower *L, const Model *m)
{
    for (size_t i = 0; i < vec_len(m->vars); i++)
        if (m->vars[i]->kind == VAR_NET)
            map_put(L->nets, m->vars[i]->name, m->vars[i]->statement);
    for (size_t i = 0; m->family && i < vec_len(m->family->vars); i++)
        if (m->family->vars[i]->kind == VAR_NET)
            map_put(L->nets, m->family->vars[i]->name, m->family->vars[i]->statement);
    const Ast *body = m->node->kids[MODEL_BODY];
    for (size_t i = 0; i < vec_len(body->kids); i++)
        if (body->kids[i]->kind == AST_FUNCTION)
            map_put(L->decls, body->kids[i]->name, body->kids[i]);
}

Lower lower_open(Ctx *c, const Derivation *d, const Ast *file, const Ast *library)
{
    Lower L = { .c = c, .d = d, .decls = map_new(c), .nets = map_new(c),
                .prefix = str(c, ""), .counters = map_new(c) };
    index_file(&L, library);
    index_file(&L, file);
    if (d)
        index_nets(&L, d->model);
    return L;
}

/* Has v a value for each position of a plate that draws data? */
static bool is_of_data(const Model *m, const Var *v)
{
    const Plate *p = v->plate;
    while (p && p->outer)
        p = p->outer;
    return p && plate_draws_data(m, p);
}

/* Shapes of what is given, from the inputs of the two programs that map one form to the other. */
static LowGiven *given_tables(Lower *L, const Lowered *l)
{
    const LowProgram *values = lowered_program(l, "to_free");
    const LowProgram *free = lowered_program(l, "to_values");
    LowGiven *givens = NULL;
    for (size_t i = 0; i < vec_len(values->given); i++) {
        const Var *v = L->d->givens[i].var;
        Type element = *v->type;
        element.array = NULL;
        LowGiven g = { .name = v->name, .free_count = 1, .support = type_text(L->c, &element),
                       .of_data = is_of_data(L->d->model, v), .centring = v->centring,
                       .span = v->decl->span };
        int64_t shape[LIMIT_RANK];
        int rank = lower_table_shape(free->given[i], shape, &g.rows);
        for (int k = 0; k < rank; k++)
            g.free_count *= shape[k];
        g.rank = lower_table_shape(values->given[i], g.shape, &g.rows);
        vec_push(L->c, givens, g);
    }
    return givens;
}

Lowered *lower(Ctx *c, const Derivation *d, const Ast *file, const Ast *library)
{
    Lower L = lower_open(c, d, file, library);
    Lowered *out = arena_alloc(c->arena, sizeof *out);
    int errors = diag_count(c);
    lower_query(&L, out, &d->step, "step");
    lower_query(&L, out, &d->step, "eval");
    for (size_t i = QUERY_step + 1; i < N_QUERIES; i++)
        lower_query(&L, out, &d->query[i], d->query[i].name);
    out->params = L.params;
    out->givens = given_tables(&L, out);
    return diag_count(c) > errors ? NULL : out;
}

bool lower_has_gradient(const LowProgram *p)
{
    if (!p->query || p->query->absent || !strcmp(p->name, "eval"))
        return false;
    return !strcmp(p->name, "step") || (vec_len(p->given) > 0 && vec_len(p->query->terms) > 0);
}

Tir **lower_seeds(Ctx *c, const LowProgram *p)
{
    Tir **seeds = NULL;
    size_t n = vec_len(p->query->terms);
    for (size_t i = 0; i < n + vec_len(p->query->surrogates); i++) {
        const Term *t = i < n ? &p->query->terms[i] : &p->query->surrogates[i - n];
        Tir *seed = t->reported || t->held ? NULL : tir_const(p->fn, t->sign * t->weight);
        Str scale = str(c, t->local ? "inv_rows" : "inv_total");
        if (seed && !vec_len(p->given) && t->kind != TERM_AVERAGE)
            seed = tir_map(p->fn, OP_MUL, seed, tir_input(p->fn, INPUT_SCALAR, scale, NULL, 0),
                           NULL);
        vec_push(c, seeds, seed);
    }
    return seeds;
}

LowProgram *lowered_program(const Lowered *l, const char *name)
{
    for (size_t i = 0; i < vec_len(l->programs); i++)
        if (!strcmp(l->programs[i].name, name))
            return &l->programs[i];
    return NULL;
}

void lowered_print(Out *o, const Lowered *l)
{
    for (size_t i = 0; i < vec_len(l->programs); i++)
        if (l->programs[i].fn)
            tir_print(o, l->programs[i].fn);
}

void lowered_verify(const Lowered *l)
{
    for (size_t i = 0; i < vec_len(l->programs); i++)
        if (l->programs[i].fn)
            tir_verify(l->programs[i].fn);
}
