/* simplify_parts.c - what was put together of parts and is taken apart again.
 *
 *     before  %2 = pad{a -> v, 0} %1; %4 = pad{b -> v, 5} %3     after  %7 = rename{b -> c} %3
 *             %5 = add %2 %4; %6 = slice{v -> c, 5} %5
 * Idea: values side by side in a vector are a sum of pads, of flattened values where a part has
 * several axes. A slice that lies within one of them reads that part alone, and a split undoes a
 * flatten; so a value that goes through a vector and comes out again is a renaming, no copy.
 *
 * requires:    operands simplified
 * establishes: an equal value, which may lack axes along which it is constant
 */
#include "simplify.h"

typedef struct Range { const Axis *axis; int64_t from, size; } Range;

/* Is v zero on the whole range? */
static bool is_zero_on(const Tir *v, Range r)
{
    if (v->op == OP_ADD)
        return is_zero_on(v->in[0], r) && is_zero_on(v->in[1], r);
    if (v->op == OP_CONST)
        return v->num == 0;
    return v->op == OP_PAD && v->to[0] == r.axis
        && (r.from + r.size <= v->offset || r.from >= v->offset + v->over[0]->size);
}

/* A slice of nothing but one summand, of a pad's own range or of its zeros. */
Tir *simp_slice(Simp *s, Tir *a, Axis *from, Axis *to, int64_t offset)
{
    Range r = { from, offset, to->size };
    while (a->op == OP_ADD && (is_zero_on(a->in[0], r) || is_zero_on(a->in[1], r)))
        a = a->in[is_zero_on(a->in[0], r) ? 1 : 0];
    if (is_zero_on(a, r))
        return tir_const(s->f, 0);
    bool inside = a->op == OP_PAD && a->to[0] == from && offset >= a->offset
               && offset + to->size <= a->offset + a->over[0]->size;
    if (inside && !tir_has_axis(a->in[0], to))
        return simp_slice(s, a->in[0], a->over[0], to, offset - a->offset);
    if (!offset && from->size == to->size && !tir_has_axis(a, to))
        return tir_rename(s->f, a, &from, &to, 1);
    return tir_slice(s->f, a, from, to, offset);
}

static bool renames(Axis *const *from, Axis *const *to)
{
    return from[0]->size == to[0]->size && from[1]->size == to[1]->size;
}

Tir *simp_split(Simp *s, Tir *a, Axis *from, Axis *const *to)
{
    if (a->op == OP_FLATTEN && a->to[0] == from && renames(a->over, to))
        return tir_rename(s->f, a->in[0], a->over, to, 2);
    return tir_split(s->f, a, from, to);
}

Tir *simp_flatten(Simp *s, Tir *a, Axis *const *from, Axis *to)
{
    if (a->op == OP_SPLIT && a->to[0] == from[0] && a->to[1] == from[1])
        return tir_rename(s->f, a->in[0], a->over, &to, 1);
    return tir_flatten(s->f, a, from, to);
}

/* The new axis of a flatten or a pad under another name; NULL if that does not make it. */
Tir *simp_renamed_part(Simp *s, const Tir *v, Tir *a)
{
    Axis *to = v->to[0];
    bool made = v->n_over == 1 && (a->op == OP_FLATTEN || a->op == OP_PAD)
             && v->over[0] == a->to[0] && !tir_has_axis(a->in[0], to);
    if (!made)
        return NULL;
    return a->op == OP_FLATTEN ? tir_flatten(s->f, a->in[0], a->over, to)
                               : tir_pad(s->f, a->in[0], a->over[0], to, a->offset);
}
