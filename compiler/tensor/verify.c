/* verify.c - what legal tensor IR is, as rows: one rule each, for one op or for all.
 *
 * The compiler's own mistake if one is broken: ice() names the rule and prints the value. Runs
 * after every pass in tests; passes rely on nothing that is not stated here.
 */
#include <math.h>
#include <string.h>

#include "tir_build.h"

typedef struct Rule {
    int op;                            /* -1: every value */
    const char *text;
    bool (*holds)(const TirFn *f, const Tir *v);
} Rule;

static bool fn_has_axis(const TirFn *f, const Axis *a)
{
    for (size_t i = 0; i < vec_len(f->axes); i++)
        if (f->axes[i] == a)
            return true;
    return false;
}

static bool arity_ok(const TirFn *f, const Tir *v)
{
    (void)f;
    for (int k = 0; k < 3; k++)
        if ((k < v->n_in) != !!v->in[k])
            return false;
    return v->n_in == op_info[v->op].arity;
}

static bool operands_older(const TirFn *f, const Tir *v)
{
    (void)f;
    for (int k = 0; k < v->n_in; k++)
        if (v->in[k]->id >= v->id)
            return false;
    return true;
}

static bool axes_known(const TirFn *f, const Tir *v)
{
    for (int i = 0; i < v->n_axes; i++)
        if (!fn_has_axis(f, v->axes[i]))
            return false;
    for (int i = 0; i < v->n_over; i++)
        if (!fn_has_axis(f, v->over[i]))
            return false;
    for (int i = 0; i < LIMIT_RANK; i++)
        if (v->to[i] && !fn_has_axis(f, v->to[i]))
            return false;
    return true;
}

static bool axes_once(const TirFn *f, const Tir *v)
{
    (void)f;
    AxisSet s = { .n = 0 };
    for (int i = 0; i < v->n_axes; i++)
        axes_add(&s, v->axes[i]);
    return s.n == v->n_axes && s.n <= LIMIT_RANK;
}

static bool shape_ok(const TirFn *f, const Tir *v)
{
    (void)f;
    AxisSet s = tir_shape(v);
    for (int i = 0; i < v->n_axes; i++)
        if (!axes_has(&s, v->axes[i]))
            return false;
    return s.n == v->n_axes;
}

/* The runtime reads rows in chunks and numbers random draws by row. */
static bool row_outermost(const TirFn *f, const Tir *v)
{
    (void)f;
    for (int i = 1; i < v->n_axes; i++)
        if (v->axes[i]->kind == AXIS_ROW)
            return false;
    return true;
}

static bool over_in_a(const TirFn *f, const Tir *v)
{
    (void)f;
    for (int i = 0; i < v->n_over; i++)
        if (!tir_has_axis(v->in[0], v->over[i]))
            return false;
    return v->n_over > 0;
}

static bool over_in_both(const TirFn *f, const Tir *v)
{
    for (int i = 0; i < v->n_over; i++)
        if (!tir_has_axis(v->in[1], v->over[i]))
            return false;
    return over_in_a(f, v);
}

static bool over_in_one(const TirFn *f, const Tir *v)
{
    (void)f;
    for (int i = 0; i < v->n_over; i++)
        if (!tir_has_axis(v->in[0], v->over[i]) && !tir_has_axis(v->in[1], v->over[i]))
            return false;
    return true;
}

static bool over_not_in_a(const TirFn *f, const Tir *v)
{
    (void)f;
    for (int i = 0; i < v->n_over; i++)
        if (tir_has_axis(v->in[0], v->over[i]))
            return false;
    return true;
}

static bool scalar_input_ok(const TirFn *f, const Tir *v)
{
    (void)f;
    return v->name && (v->input != INPUT_SCALAR || v->n_axes == 0);
}

static bool draw_has_parameters(const TirFn *f, const Tir *v)
{
    (void)f;
    for (int k = 0; k < v->n_in; k++)
        if (!axes_subset(v->in[k], v))
            return false;
    return true;
}

static bool rename_sizes(const TirFn *f, const Tir *v)
{
    for (int i = 0; i < v->n_over; i++)
        if (!v->to[i] || v->over[i]->size != v->to[i]->size)
            return false;
    return over_in_a(f, v);
}

static bool scatter_target(const TirFn *f, const Tir *v)
{
    (void)f;
    return v->to[0] && v->to[0]->size > 0;
}

static bool slice_inside(const TirFn *f, const Tir *v)
{
    return over_in_a(f, v) && v->n_over == 1 && v->offset >= 0 && v->to[0]->size > 0
        && v->offset + v->to[0]->size <= v->over[0]->size;
}

static bool pad_inside(const TirFn *f, const Tir *v)
{
    return over_in_a(f, v) && v->n_over == 1 && v->offset >= 0 && v->over[0]->size > 0
        && v->offset + v->over[0]->size <= v->to[0]->size;
}

/* Do over and to, two axes and one or one and two, count the same points? */
static bool same_points(const TirFn *f, const Tir *v)
{
    bool split = v->op == OP_SPLIT;
    Axis *const *two = split ? v->to : v->over;
    const Axis *one = split ? v->over[0] : v->to[0];
    return over_in_a(f, v) && v->n_over == (split ? 1 : 2) && one && two[0] && two[1]
        && two[0] != two[1] && two[0]->size > 0 && one->size % two[0]->size == 0
        && one->size / two[0]->size == two[1]->size;
}

static bool one_axis_of_a(const TirFn *f, const Tir *v)
{
    return v->n_over == 1 && over_in_a(f, v);
}

static bool square_matrix(const TirFn *f, const Tir *v)
{
    return v->n_over == 2 && over_in_a(f, v) && v->over[0] != v->over[1]
        && v->over[0]->size > 0 && v->over[0]->size == v->over[1]->size;
}

static bool solve_axes(const TirFn *f, const Tir *v)
{
    if (!square_matrix(f, v) || !v->to[0] || !tir_has_axis(v->in[1], v->to[0]))
        return false;
    for (int i = 0; i < v->in[1]->n_axes; i++) {
        const Axis *a = v->in[1]->axes[i];
        if (a != v->to[0] && (a == v->over[0] || a == v->over[1]))
            return false;
    }
    return v->to[0]->size == v->over[0]->size;
}

/* The operands have their own vectors only; the state is not longer than the result. */
static bool scan_vectors(const TirFn *f, const Tir *v)
{
    (void)f;
    if (v->n_over != 4 || !v->body || !tir_is_step(v->body) || !v->to[0])
        return false;
    bool ok = v->to[0]->size == tir_scan_result(v->body)->size && v->over[0]->size > 0
           && v->over[1]->size <= v->to[0]->size && tir_has_axis(v->in[SCAN_EACH], v->over[0]);
    for (int k = 0; k < 3; k++) {
        int64_t size = tir_scan_size(v->body, k);
        ok = ok && (!size || size == v->over[k + 1]->size) && !tir_has_axis(v->in[k], v->to[0]);
        for (int j = 0; j < 4; j++) {
            bool own = j == k + 1 || (k == SCAN_EACH && j == 0);
            ok = ok && tir_has_axis(v->in[k], v->over[j]) == own;
        }
    }
    return ok;
}

static const Rule rules[] = {
    { -1, "has as many operands as its row in ops.def", arity_ok },
    { -1, "is younger than its operands", operands_older },
    { -1, "uses only axes of the fn", axes_known },
    { -1, "has each axis once, at most LIMIT_RANK of them", axes_once },
    { -1, "has the axes its shape rule gives", shape_ok },
    { OP_INPUT, "has the row axis outermost", row_outermost },
    { OP_INPUT, "has a name, and no axes if it is a scalar of the run", scalar_input_ok },
    { OP_RANDOM_UNIFORM, "has the row axis outermost", row_outermost },
    { OP_RANDOM_NORMAL, "has the row axis outermost", row_outermost },
    { OP_RANDOM_GAMMA, "has the row axis outermost", row_outermost },
    { OP_RANDOM_GAMMA, "has the axes of its parameter", draw_has_parameters },
    { OP_RANDOM_POISSON, "has the row axis outermost", row_outermost },
    { OP_RANDOM_POISSON, "has the axes of its parameter", draw_has_parameters },
    { OP_RANDOM_BINOMIAL, "has the row axis outermost", row_outermost },
    { OP_RANDOM_BINOMIAL, "has the axes of its parameters", draw_has_parameters },
    { OP_RANDOM_HYPERGEOMETRIC, "has the row axis outermost", row_outermost },
    { OP_RANDOM_HYPERGEOMETRIC, "has the axes of its parameters", draw_has_parameters },
    { OP_RANDOM_VON_MISES, "has the row axis outermost", row_outermost },
    { OP_RANDOM_VON_MISES, "has the axes of its parameter", draw_has_parameters },
    { OP_SUM, "removes axes of its operand, at least one", over_in_a },
    { OP_MAXIMUM, "removes axes of its operand, at least one", over_in_a },
    { OP_LOGSUMEXP, "removes axes of its operand, at least one", over_in_a },
    { OP_CONTRACT, "sums axes that both operands have, at least one", over_in_both },
    { OP_EXPAND, "adds axes that its operand lacks", over_not_in_a },
    { OP_RENAME, "renames axes of its operand to axes of the same size", rename_sizes },
    { OP_GATHER, "picks along one axis of its operand", one_axis_of_a },
    { OP_SCATTER, "sums axes that an operand has", over_in_one },
    { OP_SCATTER, "adds along an axis of constant size", scatter_target },
    { OP_SLICE, "stays inside the axis", slice_inside },
    { OP_PAD, "stays inside the axis", pad_inside },
    { OP_FLATTEN, "is over two axes that together have the points of one", same_points },
    { OP_SPLIT, "is over one axis that has the points of two", same_points },
    { OP_CUMSUM, "runs along one axis of its operand", one_axis_of_a },
    { OP_SCAN, "has vectors of the sizes of its step", scan_vectors },
    { OP_CHOLESKY, "is over two axes of one size", square_matrix },
    { OP_INVERSE, "is over two axes of one size", square_matrix },
    { OP_TRISOLVE, "solves along an axis of b; L's other axes are not b's", solve_axes },
};

static void verify_axes(const TirFn *f)
{
    int n[4] = { 0 };
    for (size_t i = 0; i < vec_len(f->axes); i++) {
        const Axis *a = f->axes[i];
        n[a->kind]++;
        bool at_run_time = a->kind == AXIS_ROW || a->kind == AXIS_SAMPLE;
        if (at_run_time ? a->size != 0 : a->size <= 0)
            ice("tensor IR `%s`: axis %s has a wrong size", f->name, a->name);
        for (size_t j = 0; j < i; j++)
            if (f->axes[j]->name == a->name || f->axes[j] == a)
                ice("tensor IR `%s`: two axes are called %s", f->name, a->name);
    }
    if (n[AXIS_ROW] > 1 || n[AXIS_SAMPLE] > 1)
        ice("tensor IR `%s`: more than one row or sample axis", f->name);
}

/* An input's name stands for one value; gradients have the axes of their parameter. */
static void verify_names(const TirFn *f, Tir **order)
{
    Map *inputs = map_new(f->c);
    for (size_t i = 0; i < vec_len(order); i++) {
        Tir *v = order[i];
        if (v->op != OP_INPUT)
            continue;
        if (map_get(inputs, v->name))
            ice_span(v->span, "tensor IR `%s`: two inputs are called %s", f->name, v->name);
        map_put(inputs, v->name, v);
    }
    for (size_t i = 0; i < vec_len(f->outs); i++) {
        const TirOut *o = &f->outs[i];
        const Tir *w = o->kind == OUT_GRAD ? map_get(inputs, o->name) : NULL;
        if ((o->kind == OUT_TERM || o->kind == OUT_SURROGATE) && o->value->n_axes)
            ice_span(o->value->span, "tensor IR `%s`: term %s is not a scalar", f->name, o->name);
        if (w && (w->n_axes != o->value->n_axes
                  || memcmp(w->axes, o->value->axes, sizeof(Axis *) * (size_t)w->n_axes)))
            ice_span(w->span, "tensor IR `%s`: gradient of %s does not lie as it", f->name,
                     w->name);
    }
}

void tir_verify(const TirFn *f)
{
    verify_axes(f);
    Tir **order = tir_order(f);
    for (size_t i = 0; i < vec_len(order); i++) {
        const Tir *v = order[i];
        for (size_t r = 0; r < sizeof rules / sizeof *rules; r++)
            if ((rules[r].op < 0 || rules[r].op == (int)v->op) && !rules[r].holds(f, v))
                ice_span(v->span, "tensor IR `%s`: %%%d = %s%s%s: rule broken: a value %s",
                         f->name, v->id, op_info[v->op].name, v->label ? " // " : "",
                         v->label ? v->label : "", rules[r].text);
    }
    verify_names(f, order);
}
