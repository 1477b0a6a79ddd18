/* kernel.c - one C function per loop kernel, printed from its tree of loops.
 *
 * Idea: walk the tree and print. A value that one statement of the same loop reads is written into
 * that statement; others become locals named after the model. Operands come in as restrict
 * pointers; the innermost loop gets `omp simd` with its sums (emit_eights: short ones). What the
 * body used decides the parameter list, so the body is printed first.
 *     static void step_h_1(long r0, long r1, const Real *restrict encoder_b, Real *restrict h)
 *     {
 *         for (long n = r0; n < r1; n++) {
 *             #pragma omp simd
 *             for (long j = 0; j < 500; j++)
 *                 h[n * 500 + j] = dgm_tanh(h[n * 500 + j] + encoder_b[j]);
 *         }
 *     }
 */
#include <string.h>

#include "../plan/loops.h"
#include "value.h"

#define INLINE_TEXT 72                 /* longest expression written into its user */

static void print_line(Printer *q, Str text)
{
    text_wrapped(q->o, text);
    out_puts(q->o, "\n");
}

/* ---- statements ------------------------------------------------------------------------------ */

/* The one statement that may contain n's text, or NULL. */
static const Node *single_user(const Printer *q, const Node *n)
{
    const Node *user = NULL;
    for (size_t i = 0; i < vec_len(q->k->nodes); i++) {
        const Node *u = q->k->nodes[i];
        for (int k = 0; k < u->n_in; k++) {
            if (u->in[k].node != n)
                continue;
            bool once = op_info[u->op].kind != OP_KIND_MAP || u->op == OP_STOP_GRADIENT ||
                        value_mentions(u, k) == 1;
            if (user || !once || u->depth != n->depth || u->path[u->depth] != n->path[n->depth])
                return NULL;
            user = u;
        }
    }
    return user;
}

static bool is_read(const Printer *q, const Node *n)
{
    for (size_t i = 0; i < vec_len(q->k->nodes); i++)
        for (int k = 0; k < q->k->nodes[i]->n_in; k++)
            if (q->k->nodes[i]->in[k].node == n &&
                loops_local(q->k->nodes[i], &q->k->nodes[i]->in[k]))
                return true;
    return false;
}

/* The logistic to a softplus of the same value, or the softplus to a logistic: they share most of
 * their work. */
static const Node *twin_of(const Printer *q, const Node *n)
{
    Op other = n->op == OP_SOFTPLUS ? OP_LOGISTIC : OP_SOFTPLUS;
    if (n->op != OP_SOFTPLUS && n->op != OP_LOGISTIC)
        return NULL;
    for (size_t i = 0; i < vec_len(q->k->nodes); i++) {
        const Node *m = q->k->nodes[i];
        if (m->op == other && m->in[0].node == n->in[0].node && use_same(&m->in[0]) &&
            use_same(&n->in[0]) && m->depth == n->depth && m->path[m->depth] == n->path[n->depth])
            return m;
    }
    return NULL;
}

/* Computes n and its twin, and names both. */
static void emit_twins(Printer *q, const Node *n, const Node *twin)
{
    bool first = n->op == OP_SOFTPLUS;
    Str softplus = value_local_name(q, first ? n : twin);
    Str logistic = value_local_name(q, first ? twin : n);
    out_printf(q->o, "Real %s;\n", logistic);
    print_line(q, str_fmt(q->e->c, "const Real %s = dgm_softplus_logistic(%s, &%s);", softplus,
                          value_operand(q, n, 0).text, logistic));
    value_set(q, n, value_atom(first ? softplus : logistic));
    value_set(q, twin, value_atom(first ? logistic : softplus));
}

static void emit_reduction(Printer *q, Node *n)
{
    Value v = value_text(q, n);
    Str cell = loops_memory_sum(n) ? value_cell(q, n) : ((Value *)map_get(q->values, n))->text;
    if (n->op == OP_SUM)
        print_line(q, str_fmt(q->e->c, "%s += %s;", cell, v.text));
    else
        print_line(q, str_fmt(q->e->c, "%s = dgm_max(%s, %s);", cell, cell, v.text));
}

static void emit_stmt(Printer *q, Node *n)
{
    if (node_reduces(n)) {
        emit_reduction(q, n);
        return;
    }
    const Node *twin = twin_of(q, n);
    if (twin && !map_get(q->values, n))
        emit_twins(q, n, twin);
    Value v = twin ? *(Value *)map_get(q->values, n) : value_text(q, n);
    if (!n->buffer && single_user(q, n) && strlen(v.text) <= INLINE_TEXT) {
        value_set(q, n, v);
        return;
    }
    if (is_read(q, n) && !twin) {
        Str name = value_local_name(q, n);
        print_line(q, str_fmt(q->e->c, "const Real %s = %s;", name, v.text));
        v = value_atom(name);
        value_set(q, n, v);
    }
    if (n->buffer)
        print_line(q, str_fmt(q->e->c, "%s = %s;", value_cell(q, n), v.text));
}

static void open_loop(Printer *q, const Axis *a)
{
    const Body *b = q->k->body;
    Str i = text_axis(q->e, a), from = str(q->e->c, "0"), to;
    if (a == b->domain) {
        text_from(q->e, b, &from, &to);
        q->range = true;
    } else {
        to = value_extent(q, extent_axis(q->e->p, a));
    }
    out_printf(q->o, "for (long %s = %s; %s < %s; %s++) {\n", i, from, i, to, i);
    out_indent(q->o, 1);
}

static void close_loop(Printer *q)
{
    out_indent(q->o, -1);
    out_puts(q->o, "}\n");
}

static void emit_init(Printer *q, Node *n)
{
    const char *zero = n->op == OP_SUM ? "0" : "-(Real)INFINITY";
    if (!loops_memory_sum(n)) {
        Str name = value_local_name(q, n);
        out_printf(q->o, "%s %s = %s;\n", n->wide ? "double" : "Real", name, zero);
        value_set(q, n, value_atom(name));
        return;
    }
    int opened = 0;
    for (int i = 0; i < n->n_axes; i++) {
        bool fixed = n->axes[i] == q->e->p->chunk && n->partial;
        for (int k = 1; k <= n->done; k++)
            fixed |= n->path[k]->axis == n->axes[i];
        if (!fixed) {
            open_loop(q, n->axes[i]);
            opened++;
        }
    }
    out_printf(q->o, "%s = %s;\n", value_cell(q, n), zero);
    while (opened--)
        close_loop(q);
}

static void emit_done(Printer *q, Node *n)
{
    if (!loops_memory_sum(n) && n->buffer)
        out_printf(q->o, "%s = %s;\n", value_cell(q, n), ((Value *)map_get(q->values, n))->text);
}

/* ---- loops ----------------------------------------------------------------------------------- */

static void emit_items(Printer *q, const Item *list);

/* Values that this loop overwrites and other statements still read. */
static void load_old(Printer *q, const Item *list)
{
    for (size_t i = 0; i < vec_len(list->items); i++) {
        Node *n = list->items[i]->kind == ITEM_STMT ? list->items[i]->node : NULL;
        if (!n || !n->inplace)
            continue;
        int reads = 0;
        for (size_t j = 0; j < vec_len(q->k->nodes); j++)
            for (int k = 0; k < q->k->nodes[j]->n_in; k++) {
                const Node *o = q->k->nodes[j]->in[k].node;
                reads += o->buffer == n->buffer && o->kernel != q->k ? 1 : 0;
            }
        if (reads < 2)
            continue;
        Str name = str_fmt(q->e->c, "%s_old", n->buffer->name);
        while (value_name_taken(q, name))
            name = str_fmt(q->e->c, "%s_", name);
        vec_push(q->e->c, q->names, name);
        out_printf(q->o, "const Real %s = %s;\n", name, value_cell(q, n));
        map_put(q->old, n->buffer, (void *)name);
    }
}

static void emit_simd(Printer *q, const Item *loop)
{
    Str sums = str(q->e->c, "");
    for (size_t i = 0; i < vec_len(loop->items); i++) {
        if (!simd_local_sum(loop->items[i]))
            continue;
        Str name = ((Value *)map_get(q->values, loop->items[i]->node))->text;
        sums = str_fmt(q->e->c, "%s%s%s", sums, *sums ? ", " : "", name);
    }
    out_puts(q->o, "#pragma omp simd");
    if (*sums)
        out_printf(q->o, " reduction(+ : %s)", sums);
    out_puts(q->o, "\n");
}

/* The loop from one point to before another. */
static void emit_points(Printer *q, const Item *loop, Str from, Str to)
{
    Str i = text_axis(q->e, loop->axis);
    out_printf(q->o, "for (long %s = %s; %s < %s; %s++) {\n", i, from, i, to, i);
    out_indent(q->o, 1);
    emit_items(q, loop);
    close_loop(q);
}

/* Eights of points with a sum for each place in an eight, then the points left over:
 *     Real sum_8[8] = {0};
 *     for (long i_8 = 0; i_8 < 24; i_8 += 8) {
 *         #pragma omp simd
 *         for (long i = i_8; i < i_8 + 8; i++) {
 *             sum_8[i - i_8] += x[n * 25 + i] * w[i];
 *         }
 *     }
 *     for (long i = 24; i < 25; i++) {
 *         sum += x[n * 25 + i] * w[i];
 *     }
 *     sum += dgm_sum8(sum_8);
 * A reduction of `omp simd` adds the lanes of its vector one after the other, through memory, which
 * in a short loop takes longer than the loop; dgm_sum8 adds halves of a register. */
static void emit_eights(Printer *q, const Item *loop)
{
    Ctx *c = q->e->c;
    Extent x = extent_axis(q->e->p, loop->axis);
    Str size = value_extent(q, x);
    Str eights = x.samples ? str_fmt(c, "%s / 8 * 8", size)
                           : str_fmt(c, "%lld", (long long)x.n / 8 * 8);
    Str i = text_axis(q->e, loop->axis), from = value_new_name(q, str_fmt(c, "%s_8", i));
    Value *sums = NULL;                /* vec: each sum, then its eight */
    for (size_t k = 0; k < vec_len(loop->items); k++) {
        const Node *n = loop->items[k]->node;
        if (!simd_local_sum(loop->items[k]))
            continue;
        Value sum = *(Value *)map_get(q->values, n);
        Value eight = value_atom(value_new_name(q, str_fmt(c, "%s_8", sum.text)));
        out_printf(q->o, "Real %s[8] = {0};\n", eight.text);
        value_set(q, n, value_atom(str_fmt(c, "%s[%s - %s]", eight.text, i, from)));
        vec_push(c, sums, sum);
        vec_push(c, sums, eight);
    }
    out_printf(q->o, "for (long %s = 0; %s < %s; %s += 8) {\n", from, from, eights, from);
    out_indent(q->o, 1);
    out_puts(q->o, "#pragma omp simd\n");
    emit_points(q, loop, from, str_fmt(c, "%s + 8", from));
    close_loop(q);
    for (size_t k = 0, s = 0; k < vec_len(loop->items); k++)
        if (simd_local_sum(loop->items[k]))
            value_set(q, loop->items[k]->node, sums[2 * s++]);
        else
            map_put(q->values, loop->items[k]->node, NULL);    /* it is computed anew */
    if (strcmp(eights, size))
        emit_points(q, loop, eights, size);
    for (size_t s = 0; s < vec_len(sums); s += 2)
        out_printf(q->o, "%s += dgm_sum8(%s);\n", sums[s].text, sums[s + 1].text);
}

static void emit_items(Printer *q, const Item *list)
{
    load_old(q, list);
    for (size_t i = 0; i < vec_len(list->items); i++) {
        Item *item = list->items[i];
        switch (item->kind) {
        case ITEM_INIT: emit_init(q, item->node); break;
        case ITEM_STMT: emit_stmt(q, item->node); break;
        case ITEM_DONE: emit_done(q, item->node); break;
        case ITEM_LOOP:
            if (simd_eights(q->e->p, q->k, item)) {
                emit_eights(q, item);
                break;
            }
            if (simd_loop(item))
                emit_simd(q, item);
            open_loop(q, item->axis);
            emit_items(q, item);
            close_loop(q);
        }
    }
}

/* ---- loops of their own: running sums and scatters ------------------------------------------- */

bool call_is_function(const Node *n)
{
    return n->op == OP_CUMSUM || n->op == OP_SCATTER;
}

static void emit_cumsum(Printer *q, Node *n)
{
    const Axis *along = n->over[0];
    int opened = 0;
    for (int i = 0; i < n->n_axes; i++)
        if (n->axes[i] != along) {
            open_loop(q, n->axes[i]);
            opened++;
        }
    Str i = text_axis(q->e, along), size = value_extent(q, extent_axis(q->e->p, along));
    out_puts(q->o, "Real sum = 0;\n");
    if (n->v->flag)
        out_printf(q->o, "for (long %s = %s - 1; %s >= 0; %s--) {\n", i, size, i, i);
    else
        out_printf(q->o, "for (long %s = 0; %s < %s; %s++) {\n", i, i, size, i);
    out_indent(q->o, 1);
    out_printf(q->o, "sum += %s;\n", value_operand(q, n, 0).text);
    out_printf(q->o, "%s = sum;\n", value_cell(q, n));
    for (opened++; opened > 0; opened--)
        close_loop(q);
}

static void emit_scatter(Printer *q, Node *n)
{
    Ctx *c = q->e->c;
    Axis *walked[2 * PLAN_RANK];
    int n_walked = 0, opened = 0;
    for (; opened < n->n_axes; opened++)
        open_loop(q, n->axes[opened]);
    out_printf(q->o, "%s = 0;\n", value_cell(q, n));
    for (; opened > 0; opened--)
        close_loop(q);
    for (int i = 0; i < n->n_axes; i++)
        if (n->axes[i] != n->to[0])
            walked[n_walked++] = n->axes[i];
    for (int i = 0; i < n->n_over; i++)
        walked[n_walked++] = n->over[i];
    for (; opened < n_walked; opened++)
        open_loop(q, walked[opened]);
    Use u = use_whole(n);
    for (int i = 0; i < n->n_axes; i++)
        if (n->axes[i] == n->to[0])
            u.index[i] = NULL;         /* by the second operand, as in a gather */
    Str value = value_operand(q, n, 0).text, cell = value_index(q, &u, n);
    value_buffer(q, n->buffer);
    out_printf(q->o, "%s += %s;\n", str_fmt(c, "%s[%s]", n->buffer->name, cell), value);
    for (; opened > 0; opened--)
        close_loop(q);
}

/* ---- the function ---------------------------------------------------------------------------- */

static bool is_written(const Kernel *k, const Buffer *b)
{
    for (size_t i = 0; i < vec_len(k->nodes); i++)
        if (k->nodes[i]->buffer == b)
            return true;
    return false;
}

static void parameter(Out *types, Out *values, const char *type, Str value)
{
    const char *comma = *out_text(types, NULL) ? ", " : "";
    out_printf(types, "%s%s", comma, type);
    out_printf(values, "%s%s", comma, value);
}

static void parameters(Printer *q, Out *types, Out *values)
{
    Emit *e = q->e;
    Ctx *c = e->c;
    if (q->range) {
        Str lo, hi;
        text_from(e, q->k->body, &lo, &hi);
        parameter(types, values, str_fmt(c, "long %s", lo), lo);
        parameter(types, values, str_fmt(c, "long %s", hi), hi);
    }
    if (q->chunk && q->k->body->domain == e->p->row && e->p->row)
        parameter(types, values, "long chunk", str(c, "chunk"));
    if (q->chunks)
        parameter(types, values, "long chunks", str(c, "chunks"));
    if (q->rows)
        parameter(types, values, "long B", str(c, "B"));
    if (q->samples)
        parameter(types, values, "long S", str(c, "S"));
    for (size_t i = 0; i < vec_len(q->buffers); i++) {
        const Buffer *b = q->buffers[i];
        if (b->space == SPACE_TERMS)
            continue;
        if (b->space == SPACE_SCALAR) {
            parameter(types, values, str_fmt(c, "Real %s", b->name), text_scalar(e, b));
            continue;
        }
        Str type = str_fmt(c, "%s%s *restrict %s", is_written(q->k, b) ? "" : "const ",
                           b->wide ? "double" : "Real", b->name);
        parameter(types, values, type, text_base(e, b));
    }
    if (q->terms)
        parameter(types, values, "double *restrict terms", str(c, "buf->terms"));
}

void emit_kernel(Emit *e, const Kernel *k, Str *call)
{
    Printer q = {.e = e, .k = k, .o = out_new(e->c), .values = map_new(e->c), .old = map_new(e->c)};
    out_indent(q.o, 1);
    if (!k->call)
        emit_items(&q, k->root);
    else if (k->nodes[0]->op == OP_CUMSUM)
        emit_cumsum(&q, k->nodes[0]);
    else
        emit_scatter(&q, k->nodes[0]);
    Out *types = out_new(e->c), *values = out_new(e->c);
    parameters(&q, types, values);
    emit_kernel_comment(e, k);
    text_wrapped(e->o, str_fmt(e->c, "static void %s_%s(%s)", e->p->name, k->name,
                               *out_text(types, NULL) ? out_text(types, NULL) : "void"));
    out_printf(e->o, "\n{\n");
    out_puts(e->o, out_text(q.o, NULL));
    out_puts(e->o, "}\n\n");
    *call = str_fmt(e->c, "%s_%s(%s);", e->p->name, k->name, out_text(values, NULL));
}
