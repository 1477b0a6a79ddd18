/* scan.c - SCAN: a sequence, each step a small function of the one before.
 *
 *     y[t] = step(s[t - 1], x[t], c),   s[t] the first elements of y[t],   s[-1] given
 * Idea: what a step reads and writes are vectors, so that SCAN has three operands and one result
 * whatever the step is; scan_pack and scan_unpack put values side by side.
 * establishes: a fn of a step has inputs of INPUT_GIVEN by the names of scan_inputs, and the single
 * output `next`
 */
#include <string.h>

#include "tir_build.h"

const char *const scan_inputs[3] = { "state", "each", "fixed" };

/* ---- vectors ----------------------------------------------------------------------------- */

int64_t scan_part_size(const ScanPart *p)
{
    int64_t n = 1;
    for (int i = 0; i < p->n_axes; i++)
        n *= p->axes[i]->size;
    return n;
}

/* The part as a vector along a fresh axis. */
static Tir *flatten(TirFn *f, const ScanPart *p, Axis **axis)
{
    if (p->n_axes == 1) {
        *axis = p->axes[0];
        return tir_expand(f, p->value, axis, 1);
    }
    Tir *v = tir_expand(f, p->value, p->axes, p->n_axes);
    if (p->n_axes == 0) {
        *axis = tir_axis(f, AXIS_EVENT, str(f->c, "flat"), 1);
        return tir_expand(f, v, axis, 1);
    }
    *axis = p->axes[0];
    for (int i = 1; i < p->n_axes; i++) {
        Axis *two[2] = { *axis, p->axes[i] };
        *axis = tir_axis(f, AXIS_EVENT, str(f->c, "flat"), two[0]->size * two[1]->size);
        v = tir_flatten(f, v, two, *axis);
    }
    return v;
}

Tir *scan_pack(TirFn *f, const ScanPart *parts, Axis *vector)
{
    Tir *sum = NULL;
    int64_t at = 0;
    for (size_t i = 0; i < vec_len(parts); i++) {
        Axis *axis;
        Tir *v = flatten(f, &parts[i], &axis);
        v = tir_pad(f, v, axis, vector, at);
        sum = sum ? tir_map(f, OP_ADD, sum, v, NULL) : v;
        at += scan_part_size(&parts[i]);
    }
    return sum ? sum : tir_expand(f, tir_const(f, 0), &vector, 1);
}

Tir *scan_unpack(TirFn *f, Tir *vector, Axis *axis, int64_t at, const ScanPart *like)
{
    if (like->n_axes <= 1) {
        return like->n_axes ? tir_slice(f, vector, axis, like->axes[0], at)
                            : tir_element(f, vector, axis, at);
    }
    Axis *rest = tir_axis(f, AXIS_EVENT, str(f->c, "flat"), scan_part_size(like));
    Tir *v = tir_slice(f, vector, axis, rest, at);
    for (int i = 0; i < like->n_axes - 1; i++) {
        Axis *two[2] = { like->axes[i], like->axes[i + 1] };
        if (i < like->n_axes - 2)
            two[1] = tir_axis(f, AXIS_EVENT, str(f->c, "flat"), rest->size / two[0]->size);
        v = tir_split(f, v, rest, two);
        rest = two[1];
    }
    return v;
}

/* ---- the op ------------------------------------------------------------------------------ */

/* One output, inputs by name, all vectors of constant size, and no draws. */
bool tir_is_step(const TirFn *f)
{
    bool ok = vec_len(f->outs) == 1 && f->outs[0].kind == OUT_VALUE && !f->outs[0].n_axes
           && f->outs[0].value->n_axes == 1;
    for (size_t i = 0; i < vec_len(f->axes); i++)
        ok = ok && f->axes[i]->kind == AXIS_EVENT;
    Tir **order = ok ? tir_order(f) : NULL;
    for (size_t i = 0; i < vec_len(order); i++) {
        bool known = false;
        for (int k = 0; k < 3; k++)
            known |= order[i]->op == OP_INPUT && !strcmp(order[i]->name, scan_inputs[k])
                  && order[i]->input == INPUT_GIVEN && order[i]->n_axes == 1;
        ok = ok && (order[i]->op != OP_INPUT || known)
          && op_info[order[i]->op].kind != OP_KIND_RANDOM;
    }
    return ok;
}

Axis *tir_scan_result(const TirFn *step)
{
    if (!tir_is_step(step))
        ice("`%s` is not the step of a sequence", step->name);
    return step->outs[0].value->axes[0];
}

Tir *tir_scan_input(const TirFn *step, int k)
{
    Tir **order = tir_order(step);
    for (size_t i = 0; i < vec_len(order); i++)
        if (order[i]->op == OP_INPUT && !strcmp(order[i]->name, scan_inputs[k]))
            return order[i];
    return NULL;
}

int64_t tir_scan_size(const TirFn *step, int k)
{
    const Tir *v = tir_scan_input(step, k);
    return v ? v->axes[0]->size : 0;
}

Tir *tir_scan(TirFn *f, TirFn *step, Axis *steps, bool reverse, Tir *const *in,
              Axis *const *vectors, Axis *result)
{
    Tir v = { .op = OP_SCAN, .n_in = 3, .n_over = 4, .over = { steps }, .to = { result },
              .flag = reverse, .body = step };
    if (result->size != tir_scan_result(step)->size || vectors[SCAN_STATE]->size > result->size)
        ice("scan of `%s`: its result is a vector of another size", step->name);
    for (int k = 0; k < 3; k++) {
        int64_t size = tir_scan_size(step, k);
        if (size && size != vectors[k]->size)
            ice("scan of `%s`: %s is a vector of another size", step->name, scan_inputs[k]);
        v.over[k + 1] = vectors[k];
        v.in[k] = tir_expand(f, in[k], &v.over[k + 1], 1);
    }
    v.in[SCAN_EACH] = tir_expand(f, v.in[SCAN_EACH], v.over, 1);
    AxisSet s = tir_shape(&v);
    if (s.n > LIMIT_RANK)
        ice("scan of `%s` has %d axes; the limit is %d", step->name, s.n, LIMIT_RANK);
    v.n_axes = s.n;
    memcpy(v.axes, s.axis, sizeof(Axis *) * (size_t)s.n);
    return tir_intern(f, &v);
}
