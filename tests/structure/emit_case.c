/* emit_case.c - tables for a bare tensor IR program: every input becomes a parameter or data array,
 * in the order in which the program names them.
 */
#include "emit_case.h"

#include <math.h>

static Tir *seed_of(TirFn *f, int term)
{
    Tir *inv = tir_input(f, INPUT_SCALAR, str(f->c, "inv_rows"), NULL, 0);
    return term % 2 ? tir_map(f, OP_NEG, inv, NULL, NULL) : inv;
}

TirFn *emit_case_read(Ctx *c, const char *text, bool grad)
{
    TirFn *f = tir_read(c, text);
    if (!f)
        return NULL;
    Tir **seeds = NULL;
    for (size_t i = 0; i < vec_len(f->outs); i++)
        if (f->outs[i].kind == OUT_TERM)
            vec_push(c, seeds, seed_of(f, f->outs[i].index));
    if (grad && seeds)
        f = tir_grad(c, f, seeds, NULL);
    f = tir_simplify(c, f);
    tir_verify(f);
    return f;
}

static void add_input(Ctx *c, EmitInput *in, EmitProgram *program, const Tir *v)
{
    if (v->input == INPUT_PARAM) {
        EmitParam p = {.name = v->name, .rank = v->n_axes, .init = EMIT_INIT_CONST,
                       .support = str(c, "real"), .line = 1};
        for (int i = 0; i < v->n_axes; i++)
            p.shape[i] = v->axes[i]->size;
        vec_push(c, in->params, p);
    } else if (v->input == INPUT_DATA) {
        EmitData d = {.name = v->name, .lower = -INFINITY, .upper = INFINITY,
                      .support = str(c, "real"), .line = 1};
        d.rows = v->n_axes && v->axes[0]->kind == AXIS_ROW;
        for (int i = d.rows; i < v->n_axes; i++)
            d.shape[d.rank++] = v->axes[i]->size;
        vec_push(c, in->data, d);
    } else if (v->input == INPUT_GIVEN) {
        vec_push(c, program->given, v->name);
    }
}

static void add_out(Ctx *c, EmitProgram *program, const TirOut *out)
{
    if (out->kind == OUT_TERM) {
        EmitTerm t = {.name = out->name, .formula = out->name, .kind = str(c, "LIKELIHOOD"),
                      .sign = out->index % 2 ? -1 : 1, .local = true, .line = 1};
        vec_push(c, program->terms, t);
    } else if (out->kind == OUT_VALUE) {
        EmitOutput o = {.name = out->name};
        for (int i = 0; i < out->value->n_axes; i++) {
            const Axis *a = out->n_axes ? out->axes[i] : out->value->axes[i];
            o.rows |= a->kind == AXIS_ROW;
            o.samples |= a->kind == AXIS_SAMPLE;
            if (a->size)
                o.shape[o.rank++] = a->size;
        }
        vec_push(c, program->outputs, o);
    }
}

EmitInput *emit_case_input(Ctx *c, const TirFn *f)
{
    EmitInput *in = arena_alloc(c->arena, sizeof *in);
    Tir **order = tir_order(f);
    EmitProgram program = {.name = f->name, .plan = plan_build(c, f)};
    *in = (EmitInput){.name = f->name, .spec_path = str(c, "case.dgm"), .spec_hash = str(c, "0"),
                      .version = str(c, "test"), .command = str(c, "test"),
                      .objective = str(c, "likelihood"), .formula = str(c, ""),
                      .optimizer = str(c, "adam"), .samples = 1, .cc = str(c, "cc"),
                      .cflags = str(c, "")};
    for (size_t i = 0; i < vec_len(order); i++)
        if (order[i]->op == OP_INPUT)
            add_input(c, in, &program, order[i]);
    for (size_t i = 0; i < vec_len(f->outs); i++)
        add_out(c, &program, &f->outs[i]);
    vec_push(c, in->programs, program);
    return in;
}
