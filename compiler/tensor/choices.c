/* choices.c - adjoints that are 0 in a branch: their choice stays outermost.
 *
 * In the branch that is not taken a derivative may be infinite, and 0 times that is no number. So
 *     f'(x) * select(c, g, 0)   is   select(c, f'(x) * g, 0)
 * Every rule is linear in g, so a sum of choices goes by its parts. Where a choice lies within what
 * only moves numbers (a slice of a pad, another name of an axis, the sum over one that the
 * condition has not), it is taken out first: a sequence keeps its values side by side in vectors.
 *
 * requires:    verified values
 * establishes: the same values where all is finite
 */
#include "tir_build.h"

static Tir *map2(TirFn *f, Op op, Tir *a, Tir *b) { return tir_map(f, op, a, b, NULL); }
static bool is_zero(const Tir *v) { return v->op == OP_CONST && v->num == 0; }

/* 1 or 2: the branch of g that is not 0; 0 where g is no choice with 0. */
static int branch_of(const Tir *g)
{
    if (g->op != OP_SELECT)
        return 0;
    return is_zero(g->in[2]) ? 1 : is_zero(g->in[1]) ? 2 : 0;
}

/* `taken` in the branch of `like`, under condition c. */
static Tir *branch_if(TirFn *f, const Tir *like, Tir *c, Tir *taken)
{
    Tir *zero = tir_const(f, 0);
    bool first = branch_of(like) == 1;
    return tir_map(f, OP_SELECT, c, first ? taken : zero, first ? zero : taken);
}

/* A choice with 0, or a sum of such. */
static bool is_chosen(const Tir *g)
{
    return branch_of(g) || (g->op == OP_ADD && is_chosen(g->in[0]) && is_chosen(g->in[1]));
}

/* ---- sums ------------------------------------------------------------------------------------ */

/* a with the choice b in that part of it that has the same condition; NULL if there is none. */
static Tir *add_choice(TirFn *f, Tir *a, Tir *b)
{
    int k = branch_of(a);
    if (k && k == branch_of(b) && a->in[0] == b->in[0])
        return branch_if(f, a, a->in[0], tir_adjoint_add(f, a->in[k], b->in[k]));
    for (int i = 0; a->op == OP_ADD && is_chosen(a) && i < 2; i++) {
        Tir *sum = add_choice(f, a->in[i], b);
        if (sum)
            return map2(f, OP_ADD, i == 0 ? sum : a->in[0], i == 0 ? a->in[1] : sum);
    }
    return NULL;
}

Tir *tir_adjoint_add(TirFn *f, Tir *a, Tir *b)
{
    if (b->op == OP_ADD && is_chosen(b))
        return tir_adjoint_add(f, tir_adjoint_add(f, a, b->in[0]), b->in[1]);
    Tir *sum = branch_of(b) ? add_choice(f, a, b) : NULL;
    return sum ? sum : map2(f, OP_ADD, a, b);
}

/* ---- what only moves numbers ----------------------------------------------------------------- */

static Tir *sum_of(TirFn *f, Tir *a, Tir *b)
{
    return is_zero(a) ? b : is_zero(b) ? a : tir_adjoint_add(f, a, b);
}

static Tir *part(TirFn *f, Tir *a, Axis *from, Axis *to, int64_t offset);

/* Of a pad to the axis of a slice: the slice is all that was padded, or zeros; NULL if neither. */
static Tir *part_of_pad(TirFn *f, const Tir *pad, Axis *to, int64_t offset)
{
    Axis *own = pad->over[0];
    if (offset + to->size <= pad->offset || offset >= pad->offset + own->size)
        return tir_const(f, 0);
    bool all = offset == pad->offset && to->size == own->size && !tir_has_axis(pad->in[0], to);
    return all ? tir_rename(f, pad->in[0], &own, &to, 1) : NULL;
}

/* Of an array with other names: the slice of the array; NULL if names would meet. */
static Tir *part_of_renamed(TirFn *f, const Tir *v, Axis *from, Axis *to, int64_t offset)
{
    Axis *own = from, *names[LIMIT_RANK], *as[LIMIT_RANK];
    int n = 0;
    if (tir_has_axis(v->in[0], to))
        return NULL;
    for (int k = 0; k < v->n_over; k++)
        if (v->to[k] == from) {
            own = v->over[k];
        } else {
            names[n] = v->over[k];
            as[n++] = v->to[k];
        }
    return tir_rename(f, part(f, v->in[0], own, to, offset), names, as, n);
}

/* The slice of a, of its parts where it is made of such. */
static Tir *part(TirFn *f, Tir *a, Axis *from, Axis *to, int64_t offset)
{
    Tir *v = NULL;
    if (!tir_has_axis(a, from))
        return a;
    if (a->op == OP_ADD)
        v = sum_of(f, part(f, a->in[0], from, to, offset), part(f, a->in[1], from, to, offset));
    else if (a->op == OP_PAD && a->to[0] == from)
        v = part_of_pad(f, a, to, offset);
    else if (a->op == OP_RENAME)
        v = part_of_renamed(f, a, from, to, offset);
    return v ? v : tir_slice(f, a, from, to, offset);
}

/* The condition of a choice that `mover` moves; NULL if a sum would mix what it tells apart. */
static Tir *condition(TirFn *f, const Tir *mover, Tir *c)
{
    bool reads = false;
    for (int i = 0; i < mover->n_over; i++)
        reads = reads || tir_has_axis(c, mover->over[i]);
    return !reads ? c : mover->op == OP_SUM ? NULL : tir_rebuild(f, mover, &c);
}

static Tir *moved(TirFn *f, const Tir *mover, Tir *g);

static Tir *moved_choice(TirFn *f, const Tir *mover, Tir *g)
{
    Tir *c = condition(f, mover, g->in[0]), *taken = g->in[branch_of(g)];
    return c ? branch_if(f, g, c, tir_rebuild(f, mover, &taken)) : NULL;
}

/* What `mover` makes of choices: choices again, or NULL. */
static Tir *moved(TirFn *f, const Tir *mover, Tir *g)
{
    if (branch_of(g))
        return moved_choice(f, mover, g);
    Tir *a = moved(f, mover, g->in[0]), *b = a ? moved(f, mover, g->in[1]) : NULL;
    return b ? tir_adjoint_add(f, a, b) : NULL;
}

static Tir *chosen(TirFn *f, Tir *g);

static Tir *chosen_sum(TirFn *f, Tir *g)
{
    Tir *a = chosen(f, g->in[0]), *b = is_chosen(a) ? chosen(f, g->in[1]) : NULL;
    return b && is_chosen(b) ? tir_adjoint_add(f, a, b) : g;
}

static Tir *chosen_move(TirFn *f, Tir *g)
{
    Tir *a = chosen(f, g->in[0]), *v = is_chosen(a) ? moved(f, g, a) : NULL;
    return v ? v : g;
}

/* g with its choices outermost, where that can be. */
static Tir *chosen(TirFn *f, Tir *g)
{
    if (is_chosen(g))
        return g;
    switch (g->op) {
    case OP_ADD:
        return chosen_sum(f, g);
    case OP_SLICE: {
        Tir *v = part(f, g->in[0], g->over[0], g->to[0], g->offset);
        return v->op == OP_SLICE ? chosen_move(f, v) : chosen(f, v);
    }
    case OP_RENAME: case OP_EXPAND: case OP_SUM: case OP_PAD:
        return chosen_move(f, g);
    default:
        return g;
    }
}

/* ---- rules ----------------------------------------------------------------------------------- */

Tir *tir_by_choice(TirFn *f, Tir *g, LinearRule *linear, Tir *y, const char *rule)
{
    g = chosen(f, g);
    int k = branch_of(g);
    if (k)
        return branch_if(f, g, g->in[0], tir_by_choice(f, g->in[k], linear, y, rule));
    if (!is_chosen(g))
        return linear(f, y, rule, g);
    return tir_adjoint_add(f, tir_by_choice(f, g->in[0], linear, y, rule),
                           tir_by_choice(f, g->in[1], linear, y, rule));
}
