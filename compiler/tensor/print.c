/* print.c - tensor IR as text, one value a line. read.c reads it back to the same values.
 *
 *     fn step
 *       axis n row
 *       axis p event 784
 *       %1 = input data x [n, p]
 *       %2 = const 0.5
 *       %3 = mul %2 %1 : [n, p]                     // h, vae.dgm:4
 *       %4 = sum{n, p} %3 : []
 *       term 0 x %4
 *
 * Attributes stand in braces: rename{i -> j}, scatter{n -> k}, slice{k -> m, 3}, pad{m -> k, 3},
 * cumsum{k, reverse}, cholesky{i, j}, trisolve{i, j, k, transposed}, random_normal{7} (its site),
 * scan{t, s, x, c -> y, STEP, reverse}; the fn STEP stands before the fn that uses it.
 * An output stored in another order of axes than its value's says so: out 0 z.mean %7 [n, d].
 * Values are numbered in order, from 1. Constants round-trip (%.17g). A comment is the value's name
 * in the model and its line.
 */
#include <string.h>

#include "tir_build.h"

static const char *const axis_kinds[] = { "row", "plate", "sample", "event" };
static const char *const input_kinds[] = { "param", "data", "scalar", "given" };

static void print_axes(Out *o, Axis *const *axes, int n)
{
    for (int i = 0; i < n; i++)
        out_printf(o, "%s%s", i ? ", " : "", axes[i]->name);
}

static void print_attributes(Out *o, const Tir *v)
{
    if (op_info[v->op].kind == OP_KIND_RANDOM)
        out_printf(o, "{%d}", v->site);
    if (op_info[v->op].kind != OP_KIND_SHAPE)
        return;
    out_puts(o, "{");
    switch (v->op) {
    case OP_RENAME:
        for (int i = 0; i < v->n_over; i++)
            out_printf(o, "%s%s -> %s", i ? ", " : "", v->over[i]->name, v->to[i]->name);
        break;
    case OP_SCATTER: case OP_SLICE: case OP_PAD:
        print_axes(o, v->over, v->n_over);
        out_printf(o, "%s-> %s", v->n_over ? " " : "", v->to[0]->name);
        if (v->op != OP_SCATTER)
            out_printf(o, ", %lld", (long long)v->offset);
        break;
    case OP_FLATTEN: case OP_SPLIT:
        print_axes(o, v->over, v->n_over);
        out_puts(o, " -> ");
        print_axes(o, v->to, v->op == OP_SPLIT ? 2 : 1);
        break;
    case OP_SCAN:
        print_axes(o, v->over, v->n_over);
        out_printf(o, " -> %s, %s%s", v->to[0]->name, v->body->name, v->flag ? ", reverse" : "");
        break;
    case OP_TRISOLVE:
        print_axes(o, v->over, v->n_over);
        out_printf(o, ", %s%s", v->to[0]->name, v->flag ? ", transposed" : "");
        break;
    default:
        print_axes(o, v->over, v->n_over);
        if (v->op == OP_CUMSUM && v->flag)
            out_puts(o, ", reverse");
    }
    out_puts(o, "}");
}

static void print_comment(Out *o, const Tir *v)
{
    if (!v->label && !v->span.src)
        return;
    for (size_t column = out_column(o); column < 48; column++)
        out_puts(o, " ");
    out_printf(o, "  // %s", v->label ? v->label : "");
    if (v->span.src) {                 /* the file's name as one word on one line */
        const char *slash = strrchr(v->span.src->path, '/');
        out_printf(o, "%s", v->label ? ", " : "");
        for (const char *p = slash ? slash + 1 : v->span.src->path; *p; p++)
            out_printf(o, "%c", (unsigned char)*p < ' ' ? '?' : *p);
        out_printf(o, ":%d", span_line(v->span));
    }
}

static void print_value(Out *o, const Tir *v, const int *number)
{
    out_printf(o, "%%%d = %s", number[v->id], op_info[v->op].name);
    print_attributes(o, v);
    if (v->op == OP_CONST)
        out_printf(o, " %.17g", v->num);
    if (v->op == OP_IOTA)
        out_printf(o, " %s", v->over[0]->name);
    if (v->op == OP_INPUT) {
        out_printf(o, " %s %s [", input_kinds[v->input], v->name);
        print_axes(o, v->axes, v->n_axes);
        out_puts(o, "]");
    }
    for (int k = 0; k < v->n_in; k++)
        out_printf(o, " %%%d", number[v->in[k]->id]);
    if (op_info[v->op].kind != OP_KIND_SOURCE) {
        out_puts(o, " : [");
        print_axes(o, v->axes, v->n_axes);
        out_puts(o, "]");
    }
    print_comment(o, v);
    out_puts(o, "\n");
}

static void print_fn(Out *o, const TirFn *f, Map *printed);

/* The steps of sequences, each once. */
static void print_steps(Out *o, Tir **order, Map *printed)
{
    for (size_t i = 0; i < vec_len(order); i++) {
        const TirFn *step = order[i]->body;
        if (!step || map_get(printed, step))
            continue;
        map_put(printed, step, (void *)step);
        print_fn(o, step, printed);
    }
}

static void print_fn(Out *o, const TirFn *f, Map *printed)
{
    static const char *const out_kinds[] = { "term", "grad", "out", "surrogate" };
    Tir **order = tir_order(f);
    print_steps(o, order, printed);
    int *number = arena_alloc(f->c->arena, sizeof(int) * ((size_t)f->n_values + 1));
    out_printf(o, "fn %s\n", f->name);
    for (size_t i = 0; i < vec_len(f->axes); i++) {
        const Axis *a = f->axes[i];
        out_printf(o, "  axis %s %s", a->name, axis_kinds[a->kind]);
        if (a->size)
            out_printf(o, " %lld", (long long)a->size);
        out_puts(o, "\n");
    }
    for (size_t i = 0; i < vec_len(order); i++) {
        number[order[i]->id] = (int)i + 1;
        out_puts(o, "  ");
        print_value(o, order[i], number);
    }
    for (size_t i = 0; i < vec_len(f->outs); i++) {
        const TirOut *t = &f->outs[i];
        out_printf(o, "  %s %d %s %%%d", out_kinds[t->kind], t->index, t->name,
                   number[t->value->id]);
        if (t->n_axes) {
            out_puts(o, " [");
            print_axes(o, t->axes, t->n_axes);
            out_puts(o, "]");
        }
        out_puts(o, "\n");
    }
}

void tir_print(Out *o, const TirFn *f)
{
    print_fn(o, f, map_new(f->c));
}
