/* tir.c - building the tensor IR: the op table, axes, and values by hash-consing.
 *
 * Idea: a value is described by a prototype (op, operands, attributes, layout); tir_intern looks it
 * up in the fn's table and returns the one existing value, or copies the prototype. So equal
 * subexpressions are shared the moment they are built, and ids are a topological order: operands
 * are always older than their users.
 *
 * requires:    operands and axes of the same fn
 * establishes: what verify.c states, for every value built
 * never:       folds or rewrites (simplify.c does), except that empty operations return the operand
 */
#include <math.h>
#include <string.h>

#include "tir_build.h"

const char OP_FN[] = "FN", OP_NONE[] = "NONE";

#define FN OP_FN
#define NONE OP_NONE
const OpInfo op_info[N_OPS] = {
#define OP(id, name, kind, arity, range, da, db, dc, ctext, doc) \
    { name, OP_KIND_##kind, arity, { da, db, dc }, ctext, doc },
#include "../ops.def"
#undef OP
};
#undef FN
#undef NONE

/* ---- sets of axes ------------------------------------------------------------------------ */

bool axes_has(const AxisSet *s, const Axis *a)
{
    for (int i = 0; i < s->n; i++)
        if (s->axis[i] == a)
            return true;
    return false;
}

void axes_add(AxisSet *s, Axis *a)
{
    if (axes_has(s, a))
        return;
    if (s->n == (int)(sizeof s->axis / sizeof *s->axis))
        ice("more than %d axes in one operation", s->n);
    s->axis[s->n++] = a;
}

AxisSet axes_of(const Tir *v)
{
    AxisSet s = { .n = v->n_axes };
    memcpy(s.axis, v->axes, sizeof(Axis *) * (size_t)v->n_axes);
    return s;
}

static bool axis_before(const Axis *a, const Axis *b)
{
    return a->kind != b->kind ? a->kind < b->kind : a->id < b->id;
}

void axes_sort(AxisSet *s)
{
    for (int i = 1; i < s->n; i++) {
        Axis *a = s->axis[i];
        int j = i;
        for (; j > 0 && axis_before(a, s->axis[j - 1]); j--)
            s->axis[j] = s->axis[j - 1];
        s->axis[j] = a;
    }
}

AxisSet axes_minus(const Tir *v, const Tir *w)
{
    AxisSet s = { .n = 0 };
    for (int i = 0; i < v->n_axes; i++)
        if (!tir_has_axis(w, v->axes[i]))
            axes_add(&s, v->axes[i]);
    return s;
}

bool axes_subset(const Tir *v, const Tir *w)
{
    for (int i = 0; i < v->n_axes; i++)
        if (!tir_has_axis(w, v->axes[i]))
            return false;
    return true;
}

bool axis_runtime(const Axis *a)
{
    return a->size == 0;
}

double axes_cost(const Tir *v)
{
    double cost = 1;
    for (int i = 0; i < v->n_axes; i++) {
        const Axis *a = v->axes[i];
        cost *= !axis_runtime(a) ? (double)a->size : a->kind == AXIS_ROW ? 128 : 8;
    }
    return cost;
}

double op_cost(Op op)
{
    switch (op) {
    case OP_STOP_GRADIENT: case OP_CONST: case OP_INPUT: case OP_IOTA: case OP_PAD: case OP_GATHER:
    case OP_FLATTEN: case OP_SPLIT:
        return 0;
    case OP_EXP: case OP_LOG: case OP_SQRT: case OP_LOGISTIC: case OP_TANH: case OP_SIN:
    case OP_COS:
        return 10;
    case OP_EXPM1: case OP_LOG1P: case OP_SOFTPLUS: case OP_POW: case OP_TAN: case OP_ATAN:
    case OP_ERF: case OP_RANDOM_NORMAL: case OP_RANDOM_UNIFORM:
        return 20;
    case OP_NORMAL_CDF: case OP_NORMAL_QUANTILE: case OP_LGAMMA: case OP_DIGAMMA: case OP_TRIGAMMA:
    case OP_GAMMA_P: case OP_GAMMA_DSHAPE: case OP_BETA_I: case OP_LBETA: case OP_LOG_NORMAL_CDF:
    case OP_LOG_BESSEL_I0E: case OP_BESSEL_GAP: case OP_RANDOM_GAMMA: case OP_RANDOM_POISSON:
    case OP_RANDOM_BINOMIAL: case OP_RANDOM_HYPERGEOMETRIC: case OP_RANDOM_VON_MISES:
    case OP_BINOMIAL_QUANTILE: case OP_BETA_I_BY_A: case OP_BETA_I_BY_B:
        return 100;
    default:
        return 1;
    }
}

bool op_slow(Op op)
{
    return op_cost(op) >= 10 && op_cost(op) < 100;
}

bool tir_has_axis(const Tir *v, const Axis *a)
{
    for (int i = 0; i < v->n_axes; i++)
        if (v->axes[i] == a)
            return true;
    return false;
}

/* ---- the table of values ----------------------------------------------------------------- */

struct TirTable {
    Tir **slot;                        /* open addressing, power of two */
    size_t capacity, used;
};

static uint64_t mix(uint64_t h, uint64_t x)
{
    h = (h ^ x) * UINT64_C(0x9E3779B97F4A7C15);
    return h ^ (h >> 29);
}

static uint64_t tir_hash(const Tir *v)
{
    uint64_t bits;
    memcpy(&bits, &v->num, sizeof bits);
    uint64_t h = mix((uint64_t)v->op, bits);
    for (int i = 0; i < v->n_in; i++)
        h = mix(h, (uint64_t)v->in[i]->id);
    for (int i = 0; i < v->n_axes; i++)
        h = mix(h, (uint64_t)v->axes[i]->id + 1);
    for (int i = 0; i < v->n_over; i++)
        h = mix(h, (uint64_t)v->over[i]->id + 2);
    h = mix(h, (uint64_t)v->input);
    h = mix(h, (uint64_t)(uintptr_t)v->name);
    h = mix(h, (uint64_t)v->site);
    h = mix(h, (uint64_t)v->offset);
    h = mix(h, (uint64_t)(uintptr_t)v->body);
    return mix(h, (uint64_t)v->flag);
}

static bool tir_equal(const Tir *v, const Tir *w)
{
    if (v->op != w->op || v->n_in != w->n_in || v->n_axes != w->n_axes || v->n_over != w->n_over)
        return false;
    if (memcmp(&v->num, &w->num, sizeof v->num) || v->input != w->input || v->name != w->name)
        return false;
    if (v->site != w->site || v->offset != w->offset || v->flag != w->flag
        || v->body != w->body)
        return false;
    return !memcmp(v->in, w->in, sizeof v->in)
        && !memcmp(v->axes, w->axes, sizeof(Axis *) * (size_t)v->n_axes)
        && !memcmp(v->over, w->over, sizeof v->over) && !memcmp(v->to, w->to, sizeof v->to);
}

static Tir **table_find(const struct TirTable *t, const Tir *v)
{
    size_t i = tir_hash(v) & (t->capacity - 1);
    while (t->slot[i] && !tir_equal(t->slot[i], v))
        i = (i + 1) & (t->capacity - 1);
    return &t->slot[i];
}

static void table_grow(Ctx *c, struct TirTable *t)
{
    struct TirTable old = *t;
    t->capacity = old.capacity ? 2 * old.capacity : 256;
    t->slot = arena_alloc(c->arena, t->capacity * sizeof *t->slot);
    for (size_t i = 0; i < old.capacity; i++)
        if (old.slot[i])
            *table_find(t, old.slot[i]) = old.slot[i];
}

Tir *tir_intern(TirFn *f, const Tir *proto)
{
    struct TirTable *t = f->table;
    if (2 * t->used >= t->capacity)
        table_grow(f->c, t);
    Tir **slot = table_find(t, proto);
    if (!*slot) {
        if (f->n_values == INT32_MAX)
            ice("more than %d values in `%s`", f->n_values, f->name);
        Tir *v = arena_alloc(f->c->arena, sizeof *v);
        *v = *proto;
        v->id = f->n_values++;
        v->adjoints = NULL;
        v->adjoint_of = NULL;
        *slot = v;
        t->used++;
    }
    return *slot;
}

/* ---- functions and axes ------------------------------------------------------------------ */

TirFn *tir_fn(Ctx *c, Str name)
{
    TirFn *f = arena_alloc(c->arena, sizeof *f);
    f->c = c;
    f->name = name;
    f->table = arena_alloc(c->arena, sizeof *f->table);
    return f;
}

TirFn *tir_fn_like(Ctx *c, const TirFn *f)
{
    TirFn *h = tir_fn(c, f->name);
    for (size_t i = 0; i < vec_len(f->axes); i++)
        vec_push(c, h->axes, f->axes[i]);
    return h;
}

static bool name_taken(const TirFn *f, Str name)
{
    for (size_t i = 0; i < vec_len(f->axes); i++)
        if (f->axes[i]->name == name)
            return true;
    return false;
}

Axis *tir_axis(TirFn *f, AxisKind kind, Str name, int64_t size)
{
    bool at_run_time = kind == AXIS_ROW || kind == AXIS_SAMPLE;
    if (at_run_time ? size != 0 : size <= 0)
        ice("axis %s of kind %d has size %lld", name, (int)kind, (long long)size);
    for (size_t i = 0; at_run_time && i < vec_len(f->axes); i++)
        if (f->axes[i]->kind == kind)
            ice("axes %s and %s are both of kind %d", f->axes[i]->name, name, (int)kind);
    Str unique = name;
    for (int i = 1; name_taken(f, unique); i++)
        unique = str_fmt(f->c, "%s_%d", name, i);
    int id = 0;                        /* passes drop unused axes: not the count */
    for (size_t i = 0; i < vec_len(f->axes); i++)
        id = f->axes[i]->id >= id ? f->axes[i]->id + 1 : id;
    Axis *a = arena_alloc(f->c->arena, sizeof *a);
    *a = (Axis){ .id = id, .kind = kind, .name = unique, .size = size };
    vec_push(f->c, f->axes, a);
    return a;
}

Axis *tir_axis_like(TirFn *f, const Axis *a)
{
    if (axis_runtime(a))
        ice("axis %s has no constant size: no second axis like it", a->name);
    return tir_axis(f, a->kind, a->name, a->size);
}

/* ---- sources, maps, draws ---------------------------------------------------------------- */

static void set_axes(Tir *v, const AxisSet *s)
{
    if (s->n > LIMIT_RANK)
        ice_span(v->span, "`%s` makes a value of %d axes; the limit is %d", op_info[v->op].name,
                 s->n, LIMIT_RANK);
    v->n_axes = s->n;
    memcpy(v->axes, s->axis, sizeof(Axis *) * (size_t)s->n);
}

Tir *tir_const(TirFn *f, double value)
{
    if (value == 0)
        value = 0;                     /* -0 and 0 are one constant */
    return tir_intern(f, &(Tir){ .op = OP_CONST, .num = value });
}

Tir *tir_input(TirFn *f, InputKind kind, Str name, Axis *const *axes, int n_axes)
{
    Tir v = { .op = OP_INPUT, .input = kind, .name = name };
    AxisSet s = { .n = 0 };
    for (int i = 0; i < n_axes; i++)
        axes_add(&s, axes[i]);
    if (s.n != n_axes || (kind == INPUT_SCALAR && n_axes))
        ice("input %s: an axis twice, or a scalar with axes", name);
    set_axes(&v, &s);
    return tir_intern(f, &v);
}

Tir *tir_iota(TirFn *f, Axis *axis)
{
    Tir v = { .op = OP_IOTA, .n_axes = 1, .axes = { axis }, .over = { axis } };
    return tir_intern(f, &v);
}

Tir *tir_map(TirFn *f, Op op, Tir *a, Tir *b, Tir *c)
{
    const OpInfo *info = &op_info[op];
    int given = !!a + !!b + !!c;
    if (info->kind != OP_KIND_MAP || given != info->arity)
        ice("`%s` is not a map of %d operands", info->name, given);
    Tir v = { .op = op, .n_in = info->arity, .in = { a, b, c } };
    AxisSet s = tir_shape(&v);
    set_axes(&v, &s);
    return tir_intern(f, &v);
}

Tir *tir_random(TirFn *f, Op op, int site, Tir *const in[3], Axis *const *axes, int n_axes)
{
    const OpInfo *info = &op_info[op];
    int given = !!in[0] + !!in[1] + !!in[2];
    if (info->kind != OP_KIND_RANDOM || given != info->arity)
        ice("`%s` is not a draw with %d parameters", info->name, given);
    Tir v = { .op = op, .n_in = info->arity, .in = { in[0], in[1], in[2] }, .site = site };
    AxisSet s = { .n = 0 };
    for (int k = 0; k < given; k++)
        for (int i = 0; i < v.in[k]->n_axes; i++)
            axes_add(&s, v.in[k]->axes[i]);
    for (int i = 0; i < n_axes; i++)
        axes_add(&s, axes[i]);
    axes_sort(&s);
    set_axes(&v, &s);
    return tir_intern(f, &v);
}

/* ---- the same value again ---------------------------------------------------------------- */

static Tir *rebuild_default(TirFn *f, const Tir *v, Tir *const *in)
{
    switch (op_info[v->op].kind) {
    case OP_KIND_MAP:    return tir_map(f, v->op, in[0], in[1], in[2]);
    case OP_KIND_RANDOM: return tir_random(f, v->op, v->site, in, v->axes, v->n_axes);
    default:             break;
    }
    switch (v->op) {
    case OP_CONST:    return tir_const(f, v->num);
    case OP_INPUT:    return tir_input(f, v->input, v->name, v->axes, v->n_axes);
    case OP_IOTA:     return tir_iota(f, v->over[0]);
    case OP_RENAME:   return tir_rename(f, in[0], v->over, v->to, v->n_over);
    case OP_EXPAND:   return tir_expand(f, in[0], v->over, v->n_over);
    case OP_SUM: case OP_MAXIMUM: case OP_LOGSUMEXP:
        return tir_reduce(f, v->op, in[0], v->over, v->n_over);
    case OP_CONTRACT: return tir_contract(f, in[0], in[1], v->over, v->n_over);
    case OP_GATHER:   return tir_gather(f, in[0], v->over[0], in[1]);
    case OP_SCATTER:  return tir_scatter(f, in[0], in[1], v->over, v->n_over, v->to[0]);
    case OP_SLICE:    return tir_slice(f, in[0], v->over[0], v->to[0], v->offset);
    case OP_PAD:      return tir_pad(f, in[0], v->over[0], v->to[0], v->offset);
    case OP_FLATTEN:  return tir_flatten(f, in[0], v->over, v->to[0]);
    case OP_SPLIT:    return tir_split(f, in[0], v->over[0], v->to);
    case OP_CUMSUM:   return tir_cumsum(f, in[0], v->over[0], v->flag);
    case OP_CHOLESKY: case OP_INVERSE:
        return tir_matrix(f, v->op, in[0], v->over[0], v->over[1]);
    case OP_TRISOLVE:
        return tir_trisolve(f, in[0], v->over[0], v->over[1], v->flag, in[1], v->to[0]);
    case OP_SCAN:
        return tir_scan(f, v->body, v->over[0], v->flag, in, v->over + 1, v->to[0]);
    default:          ice("cannot rebuild `%s`", op_info[v->op].name);
    }
}

Tir *tir_rebuild(TirFn *f, const Tir *v, Tir *const *in)
{
    Tir *w = rebuild_default(f, v, in);
    bool same_axes = w->n_axes == v->n_axes && axes_subset(w, v);
    return same_axes && w->op == v->op ? tir_relayout(f, w, v->axes, v->n_axes) : w;
}

Tir *tir_relayout(TirFn *f, Tir *v, Axis *const *axes, int n)
{
    size_t bytes = sizeof(Axis *) * (size_t)n;
    if (v->n_axes == n && !memcmp(v->axes, axes, bytes))
        return v;
    AxisSet given = { .n = 0 };
    for (int i = 0; i < n; i++)
        axes_add(&given, axes[i]);
    for (int i = 0; i < v->n_axes; i++)
        if (given.n != v->n_axes || !axes_has(&given, v->axes[i]))
            ice_span(v->span, "a new layout of %%%d does not have its axes", v->id);
    Tir w;
    switch (v->op) {                   /* these may write their result in any order */
    case OP_SUM: case OP_MAXIMUM: case OP_LOGSUMEXP: case OP_CONTRACT: case OP_GATHER:
    case OP_SCATTER: case OP_EXPAND: case OP_FLATTEN: case OP_SPLIT:
        w = *v;
        break;
    default:
        if (op_info[v->op].kind == OP_KIND_MAP)
            w = *v;
        else                           /* the others need a copy: an expansion by nothing */
            w = (Tir){ .op = OP_EXPAND, .n_in = 1, .in = { v }, .label = v->label,
                       .span = v->span };
    }
    w.n_axes = n;
    memcpy(w.axes, axes, bytes);
    return tir_intern(f, &w);
}

Tir *tir_expand_like(TirFn *f, Tir *v, const Tir *like)
{
    Tir *w = tir_expand(f, v, like->axes, like->n_axes);
    return tir_relayout(f, w, like->axes, like->n_axes);
}

/* ---- outputs, labels, order -------------------------------------------------------------- */

void tir_out(TirFn *f, OutKind kind, Str name, int index, Tir *value)
{
    if ((kind == OUT_TERM || kind == OUT_SURROGATE) && value->n_axes)
        ice_span(value->span, "term %s is not a scalar", name);
    TirOut out = { .kind = kind, .name = name, .index = index, .value = value };
    vec_push(f->c, f->outs, out);
}

void tir_out_layout(TirFn *f, Str name, int index, Tir *value, Axis *const *axes, int n)
{
    if (n != value->n_axes)
        ice_span(value->span, "layout of output %s has %d axes, not %d", name, n, value->n_axes);
    TirOut out = { .kind = OUT_VALUE, .name = name, .index = index, .value = value };
    for (int i = 0; i < n; i++) {
        if (!tir_has_axis(value, axes[i]))
            ice_span(value->span, "output %s has no axis %s", name, axes[i]->name);
        if (axes[i] != value->axes[i])
            out.n_axes = n;
        out.axes[i] = axes[i];
    }
    vec_push(f->c, f->outs, out);
}

Tir *tir_label(Tir *v, Str label, Span span)
{
    if (v->op == OP_CONST)
        return v;                      /* one constant serves many places */
    if (!v->label)
        v->label = label;
    if (!v->span.src)
        v->span = span;
    return v;
}

Tir **tir_order(const TirFn *f)
{
    size_t n = (size_t)f->n_values;
    Tir **by_id = arena_alloc(f->c->arena, (n + 1) * sizeof *by_id);
    bool *needed = arena_alloc(f->c->arena, n + 1);
    for (size_t i = 0; i < f->table->capacity; i++)
        if (f->table->slot[i])
            by_id[f->table->slot[i]->id] = f->table->slot[i];
    for (size_t i = 0; i < vec_len(f->outs); i++) {
        const Tir *v = f->outs[i].value;
        if ((size_t)v->id >= n || by_id[v->id] != v)
            ice_span(v->span, "output %s of `%s` is a value of another fn", f->outs[i].name,
                     f->name);
        needed[v->id] = true;
    }
    for (size_t i = n; i-- > 0; )
        for (int k = 0; needed[i] && k < by_id[i]->n_in; k++)
            needed[by_id[i]->in[k]->id] = true;
    Tir **order = NULL;
    for (size_t i = 0; i < n; i++)
        if (needed[i])
            vec_push(f->c, order, by_id[i]);
    return order;
}

Tir **tir_copies(TirFn *to, const TirFn *from)
{
    Tir **order = tir_order(from);
    Tir **copy = arena_alloc(to->c->arena, sizeof *copy * ((size_t)from->n_values + 1));
    for (size_t i = 0; i < vec_len(order); i++) {
        const Tir *v = order[i];
        Tir *in[3] = { 0 };
        for (int k = 0; k < v->n_in; k++)
            in[k] = copy[v->in[k]->id];
        copy[v->id] = tir_label(tir_rebuild(to, v, in), v->label, v->span);
    }
    return copy;
}
