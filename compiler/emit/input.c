/* input.c - Derivation, lowered programs and plans -> EmitInput, the tables of the emitted file.
 *
 * requires:    every size but the row plate's is bound (lowering has seen to it)
 * establishes: one row per parameter, data array, term, size and program, in the order in which the
 *              programs number them
 */
#include "input.h"

#include <math.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

static EmitParam emit_param(const LowParam *p)
{
    static const EmitInit inits[] = { [INIT_CONST] = EMIT_INIT_CONST,
                                      [INIT_UNIFORM] = EMIT_INIT_UNIFORM,
                                      [INIT_NORMAL] = EMIT_INIT_NORMAL };
    EmitParam e = { .name = p->name, .rank = p->rank, .init = inits[p->init], .a = p->a, .b = p->b,
                    .support = p->support, .line = span_line(p->span), .average = p->average,
                    .latent = p->latent };
    for (int i = 0; i < p->rank; i++)
        e.shape[i] = p->shape[i];
    return e;
}

static const EmitElem elems[] = { [ELEM_REAL] = EMIT_REAL, [ELEM_BIT] = EMIT_BIT,
                                  [ELEM_INDEX] = EMIT_INDEX, [ELEM_COUNT] = EMIT_COUNT,
                                  [ELEM_INTEGER] = EMIT_COUNT };

/* The bounds that a file is checked against, and what they are called. */
static void type_bounds(Ctx *c, const Type *t, EmitData *e)
{
    int64_t k;
    Str missing;
    Type element = *t;
    element.array = NULL;
    e->support = type_text(c, &element);
    e->lower = -INFINITY;
    e->upper = INFINITY;
    if (t->elem == ELEM_BIT) {
        e->lower = 0;
        e->upper = 1;
    } else if (t->elem == ELEM_INDEX || t->elem == ELEM_COUNT) {
        e->lower = 0;
        if (t->classes && size_value(c, t->classes, &k, &missing))
            e->upper = (double)(t->elem == ELEM_INDEX ? k - 1 : k);
    } else if (t->support == str(c, "positive")) {
        e->lower = 0;
        e->open_lower = true;
    } else if (t->support == str(c, "nonnegative")) {
        e->lower = 0;
    } else if (t->support == str(c, "unit") || t->support == str(c, "simplex")) {
        e->lower = 0;
        e->upper = 1;
    } else if (t->support == str(c, "interval") && vec_len(t->bounds) == 2) {
        if (t->bounds[0]->kind == AST_NUM)
            e->lower = t->bounds[0]->num;
        if (t->bounds[1]->kind == AST_NUM)
            e->upper = t->bounds[1]->num;
    }
}

static void data_cells(EmitData *e, const Ast *data)
{
    static const char *const rules[][2] = { { "rows", "RAGGED" }, { "lengths", "LENGTHS" },
                                            { "absent", "ABSENT" }, { "place", "PLACE" } };
    const Ast *rule = data->kids[DATA_RULE], *missing = data->kids[DATA_MISSING];
    e->sentinel = missing_sentinel(data);
    e->cells = missing ? "MISSING" : NULL;
    for (size_t i = 0; rule && i < sizeof rules / sizeof *rules; i++)
        if (!strcmp(rule->name, rules[i][0])) {
            e->cells = rules[i][1];
            e->of = rule->kids[0]->name;
        }
}

/* Data that are positions: the shortest axis bounds them. */
static void position_bounds(Ctx *c, const Type *t, EmitData *e)
{
    for (size_t i = 0; i < vec_len(t->positions); i++) {
        const Position *p = &t->positions[i];
        int64_t n;
        if (!size_value(c, p->axis, &n, NULL))
            continue;
        double low = (double)-p->by, high = (double)(n - 1 - p->by);
        bool tighter = low > e->lower || high < e->upper;
        e->whole = true;
        e->lower = low > e->lower ? low : e->lower;
        e->upper = high < e->upper ? high : e->upper;
        if (tighter)
            e->support = str_fmt(c, "%.0f .. %.0f (positions of `%s`)", e->lower,
                                 e->upper, p->of ? p->of : "an array");
    }
}

/* Data that discrete laws draw: their values are those of the laws. */
static void law_bounds(Ctx *c, const Type *t, EmitData *e)
{
    for (size_t i = 0; i < vec_len(t->drawn); i++) {
        EmitData law = { 0 };
        type_bounds(c, t->drawn[i].of, &law);
        double low = law.lower - (double)t->drawn[i].by, high = law.upper - (double)t->drawn[i].by;
        bool tighter = t->elem == ELEM_REAL || low > e->lower || high < e->upper;
        e->whole = true;
        e->lower = low > e->lower ? low : e->lower;
        e->upper = high < e->upper ? high : e->upper;
        if (tighter)
            e->support = !t->drawn[i].by ? law.support
                       : isinf(high) ? str_fmt(c, "%.0f, %.0f, ..", low, low + 1)
                                     : str_fmt(c, "%.0f .. %.0f", low, high);
    }
}

/* In files, of data or of what `predict` draws. */
static double first_label(const Ast *statement)
{
    const Ast *from = statement->kind == AST_DATA ? statement->kids[DATA_FROM] : statement;
    return from ? from->num : 0;
}

static EmitData emit_data(Ctx *c, const Var *v)
{
    EmitData e = { .name = v->name,
                   .elem = elems[v->type->elem],
                   .rows = v->plate && v->plate->rows,
                   .from = first_label(v->statement),
                   .line = span_line(v->decl->span) };
    const Ast *field = v->statement->kids[DATA_FIELD];
    if (field)
        e.field = field->name;
    data_cells(&e, v->statement);
    const Type *t = v->type;
    size_t n_array = vec_len(t->array);
    for (size_t i = 0; i < n_array + vec_len(t->event) && e.rank < LIMIT_RANK; i++) {
        Str missing;
        Size *s = i < n_array ? t->array[i] : t->event[i - n_array];
        if (!size_value(c, s, &e.shape[e.rank++], &missing))
            ice_span(v->decl->span, "size %s of %s is unbound", missing, v->name);
    }
    type_bounds(c, t, &e);
    position_bounds(c, t, &e);
    law_bounds(c, t, &e);
    return e;
}

static EmitTerm emit_term(Ctx *c, const Term *t)
{
    static const char *const kinds[] = {
        [TERM_LIKELIHOOD] = "LIKELIHOOD", [TERM_PRIOR] = "PRIOR", [TERM_ENTROPY] = "ENTROPY",
        [TERM_JACOBIAN] = "JACOBIAN", [TERM_KL] = "KL", [TERM_PENALTY] = "PENALTY",
        [TERM_BOUND] = "BOUND",
    };
    return (EmitTerm){ .name = t->name, .formula = t->text, .kind = str(c, kinds[t->kind]),
                       .sign = t->sign * t->weight, .local = t->local, .reported = t->reported,
                       .line = span_line(t->span) };
}

static EmitVariable emit_variable(Ctx *c, const LowProgram *p, size_t i)
{
    const Var *v = p->query->given[i];
    EmitVariable e = { .name = v->name, .data = v->kind == VAR_DATA, .elem = elems[v->type->elem],
                       .only_given = p->query->only_given[i], .line = span_line(v->decl->span) };
    e.rank = lower_table_shape(p->given[i], e.shape, &e.rows);
    EmitData type = { 0 };
    type_bounds(c, v->type, &type);
    e.lower = type.lower;
    e.upper = type.upper;
    e.support = type.support;
    return e;
}

static EmitProgram emit_program_row(Ctx *c, const LowProgram *p, Plan *plan)
{
    EmitProgram e = { .name = p->name, .plan = plan, .once = p->once };
    for (size_t i = 0; plan && vec_len(plan->terms) && i < vec_len(p->query->terms); i++)
        vec_push(c, e.terms, emit_term(c, &p->query->terms[i]));
    for (size_t i = 0; i < vec_len(p->given); i++)
        vec_push(c, e.given, p->given[i]->name);
    for (size_t i = 0; i < vec_len(p->given) && p->query->only_given; i++)
        vec_push(c, e.variables, emit_variable(c, p, i));
    for (size_t i = 0; i < vec_len(p->results); i++) {
        const LowResult *r = &p->results[i];
        EmitOutput out = { .name = r->name, .rows = r->rows, .samples = r->samples, .rank = r->rank,
                           .elem = elems[r->elem] };
        for (int k = 0; k < r->rank; k++)
            out.shape[k] = r->shape[k];
        vec_push(c, e.outputs, out);
    }
    return e;
}

static EmitLatent emit_latent(const LowGiven *g)
{
    static const char *const centrings[] = { [CENTRED] = "CENTRED",
                                             [NONCENTRABLE] = "NONCENTRABLE",
                                             [NONCENTRED] = "NONCENTRED" };
    EmitLatent e = { .name = g->name, .rows = g->rows, .of_data = g->of_data, .rank = g->rank,
                     .free_count = g->free_count, .centring = centrings[g->centring],
                     .support = g->support, .line = span_line(g->span) };
    for (int i = 0; i < g->rank; i++)
        e.shape[i] = g->shape[i];
    return e;
}

static void emit_predictions(Ctx *c, EmitInput *in, const Derivation *d)
{
    for (size_t i = 0; i < vec_len(d->predicted); i++) {
        EmitPredicted p = { .name = d->predicted[i].var->name,
                            .from = first_label(d->predicted[i].var->statement) };
        for (size_t k = 0; k < vec_len(d->predicted[i].anew); k++)
            vec_push(c, p.anew, d->predicted[i].anew[k]->name);
        vec_push(c, in->predicted, p);
    }
    for (size_t i = 0; i < vec_len(d->tables); i++) {
        const Table *t = &d->tables[i];
        if (t->draw)
            vec_push(c, in->state_tables, ((EmitState){ t->latent->name, t->draw->name }));
    }
}

static Str hash_text(Ctx *c, const Source *source)
{
    return str_fmt(c, "%016llx",
                   (unsigned long long)XXH3_64bits(source->text, source->length));
}

const EmitInput *emit_input(Ctx *c, const Source *source, const char *command, const char *cc,
                            const char *version, const Derivation *d, const Lowered *l,
                            Plan **plans)
{
    EmitInput *in = arena_alloc(c->arena, sizeof *in);
    const Model *m = d->model;
    const Training *t = &m->training;
    int64_t fixed_rows = 0;
    if (m->rows)
        size_is_const(m->rows->size, &fixed_rows);
    *in = (EmitInput){
        .name = m->name, .spec_path = source->path, .spec_hash = hash_text(c, source),
        .version = str(c, version), .command = str(c, command),
        .objective = d->objective, .formula = d->text, .sizes = c->defines,
        .numbers = c->numbers,
        .plate = m->rows ? size_text(c, m->rows->size) : NULL, .fixed_rows = fixed_rows,
        .full_batch = m->full_batch,
        .optimizer = t->optimizer, .hyper_names = t->hyper_names, .hyper_values = t->hyper_values,
        .batch = t->batch, .epochs = t->epochs, .steps = t->steps,
        .samples = t->samples_said ? t->samples : 0,
        .clip = t->clip, .seed = t->seed,
        .cc = cc_name(c, cc), .cflags = cc_flags(c), .estimated = derivation_estimated(d),
        .guided = model_is_guided(m),
    };
    emit_predictions(c, in, d);
    for (size_t i = 0; i < vec_len(l->params); i++)
        vec_push(c, in->params, emit_param(l->params[i]));
    for (size_t i = 0; i < vec_len(m->vars); i++)
        if (m->vars[i]->kind == VAR_DATA)
            vec_push(c, in->data, emit_data(c, m->vars[i]));
    for (size_t i = 0; i < vec_len(l->givens); i++)
        vec_push(c, in->latents, emit_latent(&l->givens[i]));
    for (size_t i = 0; i < vec_len(l->programs); i++) {
        EmitProgram row = emit_program_row(c, &l->programs[i], plans[i]);
        if (i && l->programs[i].query == l->programs[0].query)
            row.terms = in->programs[0].terms;         /* eval: those of step */
        vec_push(c, in->programs, row);
    }
    return in;
}
