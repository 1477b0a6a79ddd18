/* once.c - what a log density computes of the data alone is computed once.
 *
 *     log_prob         .. - lgamma(c + 1) : [n] ..
 *  -> log_prob_once    out kept_0 = lgamma(c + 1) : [n]
 *     log_prob         .. - kept_0 : [n] ..            kept_0 is given
 * Idea: a density is evaluated many times on the same data. The largest values that depend on data
 * and no more, and cost more than reading them would, become results of a program of their own,
 * which runs when the data come. What they cost as tables is limited.
 * requires:    a simplified fn in double precision, whose values a Real can keep
 * establishes: both programs verified; the first has the results that it had
 */
#include "../lower/lower.h"
#include "plan.h"
#include "../tensor/tir_build.h"

#define WORTH 10                       /* operations that reading a number may replace */
#define MOST_KEPT ((int64_t)1 << 22)   /* numbers of a value, of each row if it has rows */

typedef struct Once {
    Ctx *c;
    const TirFn *from;
    bool *fixed, *worth;               /* by id: of data and constants alone; costs enough */
    Tir **kept;                        /* by id: the input in the value's place */
    Tir **copy;                        /* by id: the value in the fn without them */
    TirFn *f, *once;
} Once;

static bool is_view(Op op)
{
    return op == OP_RENAME || op == OP_EXPAND || op == OP_SLICE;
}

static void classify(Once *o, const Tir *v)
{
    bool source = op_info[v->op].kind == OP_KIND_SOURCE;
    bool fixed = op_info[v->op].kind != OP_KIND_RANDOM && (!source || v->op != OP_INPUT
                                                           || v->input == INPUT_DATA);
    bool map = op_info[v->op].kind == OP_KIND_MAP;
    bool worth = map ? op_cost(v->op) >= WORTH : !source && !is_view(v->op);
    for (int i = 0; i < v->n_in; i++) {
        fixed &= o->fixed[v->in[i]->id];
        worth |= o->worth[v->in[i]->id];
    }
    for (int i = 0; i < v->n_axes; i++)
        fixed &= v->axes[i]->kind != AXIS_SAMPLE;
    o->fixed[v->id] = fixed;
    o->worth[v->id] = fixed && worth;
}

static bool fits(const Tir *v)
{
    int64_t n = 1;
    for (int i = 0; i < v->n_axes && n <= MOST_KEPT; i++)
        n *= v->axes[i]->size ? v->axes[i]->size : 1;
    return n <= MOST_KEPT;
}

/* The value in the fn without what is kept, made at need. */
static Tir *without(Once *o, const Tir *v)
{
    if (o->kept[v->id] || o->copy[v->id])
        return o->kept[v->id] ? o->kept[v->id] : o->copy[v->id];
    Tir new = *v;
    for (int k = 0; k < v->n_in; k++)
        new.in[k] = without(o, v->in[k]);
    return o->copy[v->id] = tir_intern(o->f, &new);
}

static void keep(Once *o, LowProgram *main, LowProgram *once, const Tir *v, Tir *value)
{
    Str name = str_fmt(o->c, "kept_%zu", vec_len(once->results));
    Tir *input = tir_input(o->f, INPUT_GIVEN, name, v->axes, v->n_axes);
    LowResult r = { .name = name, .elem = ELEM_REAL };
    r.rank = lower_table_shape(input, r.shape, &r.rows);
    tir_out(o->once, OUT_VALUE, name, (int)vec_len(once->results), value);
    vec_push(o->c, once->results, r);
    vec_push(o->c, main->given, input);
    o->kept[v->id] = tir_label(input, v->label, v->span);
}

/* Keeps the operands of what is not fixed itself. */
static void keep_operands(Once *o, LowProgram *main, LowProgram *once, const Tir *v, Tir **copies)
{
    for (int k = 0; k < v->n_in; k++) {
        const Tir *x = v->in[k];
        if (o->worth[x->id] && !o->kept[x->id] && fits(x))
            keep(o, main, once, x, copies[x->id]);
    }
}

bool lower_once(Ctx *c, LowProgram *main, LowProgram *once)
{
    const TirFn *from = main->fn;
    size_t n = (size_t)from->n_values + 1;
    Once o = { .c = c, .from = from, .f = tir_fn_like(c, from), .once = tir_fn_like(c, from) };
    Tir **order = tir_order(from), **copies;
    o.fixed = arena_alloc(c->arena, n);
    o.worth = arena_alloc(c->arena, n);
    o.kept = arena_alloc(c->arena, sizeof *o.kept * n);
    o.copy = arena_alloc(c->arena, sizeof *o.copy * n);
    *once = (LowProgram){ .name = str_fmt(c, "%s_once", main->name), .fn = o.once };
    o.once->name = once->name;
    copies = tir_copies(o.once, from);
    for (size_t i = 0; i < vec_len(order); i++) {
        classify(&o, order[i]);
        if (!o.fixed[order[i]->id])
            keep_operands(&o, main, once, order[i], copies);
    }
    if (!once->results)
        return false;
    for (size_t i = 0; i < vec_len(from->outs); i++) {
        TirOut out = from->outs[i];
        out.value = without(&o, out.value);
        vec_push(c, o.f->outs, out);
    }
    main->fn = o.f;
    main->once = once->name;
    return true;
}
