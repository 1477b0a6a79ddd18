/* program.c - one program of the model: its buffers, kernels, phases and run function.
 *
 *     struct step_buffers        where values live between kernels
 *     step_layout                the memory plan: slots of the slab
 *     step_KERNEL                fused loops (kernel.c)
 *     step_rows_1, step_serial_2, step_update_W     what one thread does with one unit of a phase
 *     step_tasks, step_run       panels; the parallel region with a barrier between phases (run.c)
 *     program_step               the tables of what goes in and comes out (table.c)
 */
#include <string.h>

#include "program.h"

const char *prefix(const Emit *e)
{
    return e->p->name;
}

int n_terms(const Emit *e)
{
    return (int)vec_len(e->program->terms);
}

bool has_terms(const Emit *e)
{
    return vec_len(e->p->terms) > 0;
}

/* ---- buffers and layout ---------------------------------------------------------------------- */

static void buffer_comment(const Emit *e, const Buffer *b, Out *o)
{
    out_puts(o, "/* [");
    for (int i = 0; i < b->node->n_axes; i++)
        out_printf(o, "%s%s", i ? ", " : "", text_axis(e, b->node->axes[i]));
    Str place = text_place(e, b->node);
    out_printf(o, "]%s%s */", *place ? "  " : "", place);
}

static void emit_struct(const Emit *e)
{
    Out *o = e->o;
    int members = 0;
    out_printf(o, "struct %s_buffers {\n", prefix(e));
    out_indent(o, 1);
    for (size_t i = 0; i < vec_len(e->p->buffers); i++) {
        const Buffer *b = e->p->buffers[i];
        if (b->space != SPACE_SLAB)
            continue;
        out_printf(o, "%s *%s;  ", b->wide ? "double" : "Real", b->name);
        buffer_comment(e, b, o);
        out_puts(o, "\n");
        members++;
    }
    if (has_terms(e))
        out_puts(o, "double *terms;  /* [chunk, term] partial sums of the terms */\n");
    else if (!members)
        out_puts(o, "char none;\n");
    out_indent(o, -1);
    out_puts(o, "};\n\n");
}

/* A size in the layout function, where there are no locals for B and S. */
static Str layout_size(const Emit *e, const Buffer *b)
{
    Ctx *c = e->c;
    Str text = str_fmt(c, "(size_t)%lld", (long long)b->size.n);
    for (int i = 0; i < b->size.rows; i++)
        text = str_fmt(c, "%s * (size_t)c->B", text);
    for (int i = 0; i < b->size.samples; i++)
        text = str_fmt(c, "%s * (size_t)c->S", text);
    for (int i = 0; i < b->size.chunks; i++)
        text = str_fmt(c, "%s * (size_t)dgm_chunks(c->B)", text);
    return b->wide ? str_fmt(c, "%s * sizeof(double) / sizeof(Real)", text) : text;
}

static void layout_buffer(const Emit *e, const Buffer *b, const Buffer **owner)
{
    Out *o = e->o;
    if (owner[b->slot]) {
        out_printf(o, "buf->%s = buf->%s;\n", b->name, owner[b->slot]->name);
    } else {
        owner[b->slot] = b;
        text_wrapped(o, str_fmt(e->c, "buf->%s = %sdgm_slab_take(slab, &at, %s);", b->name,
                                b->wide ? "(double *)" : "", layout_size(e, b)));
        out_puts(o, "\n");
    }
}

static void emit_layout(const Emit *e)
{
    Out *o = e->o;
    const Plan *p = e->p;
    const Buffer **owner = arena_alloc(e->c->arena, sizeof *owner * (size_t)(p->n_slots + 1));
    out_printf(o, "static size_t %s_layout(DgmCtx *c, Real *slab)\n{\n", prefix(e));
    out_indent(o, 1);
    out_printf(o, "struct %s_buffers scratch, *buf = slab ? c->state : &scratch;\n", prefix(e));
    out_puts(o, "size_t at = 0;\n");
    for (size_t i = 0; i < vec_len(p->buffers); i++)
        if (p->buffers[i]->space == SPACE_SLAB)
            layout_buffer(e, p->buffers[i], owner);
    if (has_terms(e)) {
        text_wrapped(o, str_fmt(e->c, "buf->terms = (double *)dgm_slab_take(slab, &at, "
                                      "(size_t)dgm_chunks(c->B) * %d * sizeof(double) / "
                                      "sizeof(Real));", n_terms(e)));
        out_puts(o, "\n");
    }
    if (vec_len(p->values)) {
        out_puts(o, "if (slab) {\n");
        for (size_t i = 0; i < vec_len(p->values); i++)
            out_printf(o, "    c->out[%d] = buf->%s;\n", p->values[i].index,
                       p->values[i].node->buffer->name);
        out_puts(o, "}\n");
    }
    out_puts(o, "(void)buf;\nreturn at;\n");
    out_indent(o, -1);
    out_puts(o, "}\n\n");
}

/* ---- bodies ---------------------------------------------------------------------------------- */

/* The text without comments, for asking what it mentions. */
static const char *code_of(Ctx *c, const char *text)
{
    char *code = arena_alloc(c->arena, strlen(text) + 1), *at = code;
    for (bool inside = false; *text; text++) {
        bool open = !inside && text[0] == '/' && text[1] == '*';
        bool close = inside && text[0] == '*' && text[1] == '/';
        if (open)
            inside = true;
        if (!inside)
            *at++ = *text;
        if (close) {
            inside = false;
            text++;
        }
    }
    return code;
}

static bool letter(char c)
{
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool has_word(const char *text, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = text; (p = strstr(p, word)); p++) {
        bool member = p > text && (p[-1] == '>' || p[-1] == '.');
        if (!member && (p == text || !letter(p[-1])) && !letter(p[n]))
            return true;
    }
    return false;
}

/* Is the program one of terms with a gradient that somebody may not want? */
static bool has_spare(const Emit *e)
{
    size_t n = vec_len(e->p->phases);
    return has_terms(e) && vec_len(e->program->outputs) > 0
        && e->p->phases[n - 1].kind != PHASE_UPDATE;
}

static void emit_body_kernel(Emit *e, const Kernel *k, Out *o)
{
    if (k->call && !call_is_function(k->nodes[0])) {
        emit_call(e, k, o);
        return;
    }
    Str call;
    emit_kernel(e, k, &call);
    text_wrapped(o, call);
    out_puts(o, "\n");
}

/* Text of the calls of a body; kernels are written to e->o on the way. Those for the gradient alone
 * are left out where only the terms are wanted. */
static const char *body_text(Emit *e, const Body *b)
{
    Out *o = out_new(e->c);
    bool spare = has_spare(e), inside = false;
    out_indent(o, 1);
    for (size_t i = 0; i < vec_len(b->kernels); i++) {
        bool skipped = spare && !b->kernels[i]->for_terms;
        if (skipped != inside) {
            out_indent(o, inside ? -1 : 0);
            out_puts(o, inside ? "}\n" : "if (!c->terms_only) {\n");
            out_indent(o, inside ? 0 : 1);
            inside = skipped;
        }
        emit_body_kernel(e, b->kernels[i], o);
    }
    if (inside) {
        out_indent(o, -1);
        out_puts(o, "}\n");
    }
    return out_text(o, NULL);
}

static void emit_sizes(Emit *e, const char *body)
{
    const char *text = code_of(e->c, body);
    if (has_word(text, "B"))
        out_puts(e->o, "    const long B = c->B;\n");
    if (has_word(text, "S"))
        out_puts(e->o, "    const long S = c->S;\n");
    if (has_word(text, "chunks"))
        out_puts(e->o, "    const long chunks = dgm_chunks(c->B);\n");
    if (!strstr(text, "buf->"))
        out_puts(e->o, "    (void)buf;\n");
}

Str body_function(const Emit *e, const Phase *ph, int number, const Body *b)
{
    static const char *const kinds[] = {"serial", "rows", "panels", "update"};
    if (ph->kind < PHASE_PANELS)
        return str_fmt(e->c, "%s_%s_%d", prefix(e), kinds[ph->kind], number);
    return str_fmt(e->c, "%s_%s_%d_%s", prefix(e), kinds[ph->kind], number,
                   plan_identifier(e->c, b->name));
}

static void emit_rows(Emit *e, const Body *b, Str name, bool load)
{
    const char *text = body_text(e, b);
    Out *o = e->o;
    out_puts(o, "/* All values of one chunk of rows, in order, while they are in cache. */\n");
    out_printf(o, "static void %s(DgmCtx *c, const struct %s_buffers *buf, long chunk)\n{\n", name,
               prefix(e));
    emit_sizes(e, text);
    out_puts(o, "    long r0, r1;\n    dgm_chunk(c->B, chunk, &r0, &r1);\n");
    if (load)
        out_puts(o, "    dgm_load_rows(c, r0, r1);\n");
    out_puts(o, text);
    const char *code = code_of(e->c, text);
    if (!has_word(code, "r0") && !has_word(code, "r1") && !load)
        out_puts(o, "    (void)r0, (void)r1;\n");
    out_puts(o, "}\n\n");
}

static void emit_whole(Emit *e, const Body *b, Str name, bool load)
{
    const char *text = body_text(e, b);
    Out *o = e->o;
    out_puts(o, "/* What does not depend on single rows; one thread. */\n");
    out_printf(o, "static void %s(DgmCtx *c, const struct %s_buffers *buf)\n{\n", name, prefix(e));
    emit_sizes(e, text);
    if (load)
        out_puts(o, "    dgm_load_rows(c, 0, c->B);\n");
    out_puts(o, text);
    if (!has_word(code_of(e->c, text), "c") && !load)
        out_puts(o, "    (void)c;\n");
    out_puts(o, "}\n\n");
}

static void emit_panel(Emit *e, const Body *b, Str name)
{
    const char *text = body_text(e, b);
    Out *o = e->o;
    if (!vec_len(b->kernels))
        return;
    if (b->param)
        out_printf(o, "/* Gradient by %s, elements [lo, hi) of its first axis. */\n",
                   quote_comment(e->c, b->param));
    text_wrapped(o, str_fmt(e->c, "static void %s(DgmCtx *c, const struct %s_buffers *buf, "
                                  "long lo, long hi)", name, prefix(e)));
    out_puts(o, "\n{\n");
    emit_sizes(e, text);
    out_puts(o, text);
    const char *code = code_of(e->c, text);
    if (!has_word(code, "c"))
        out_puts(o, "    (void)c;\n");
    if (!has_word(code, "lo"))
        out_puts(o, "    (void)lo;\n");
    if (!has_word(code, "hi"))
        out_puts(o, "    (void)hi;\n");
    out_puts(o, "}\n\n");
}

/* ---- entry ----------------------------------------------------------------------------------- */

static bool reads_row_data(const Emit *e, const Body *b)
{
    for (size_t i = 0; i < vec_len(b->nodes); i++)
        for (int k = 0; k < b->nodes[i]->n_in; k++) {
            const Node *n = b->nodes[i]->in[k].node;
            if (n->class == NODE_SOURCE && n->buffer && n->buffer->space == SPACE_DATA &&
                e->p->row && node_has(n, e->p->row))
                return true;
        }
    return false;
}

/* The step of a sequence is a program of its own: what it is given are the vectors of dgm_scan. */
static void emit_steps(Emit *e)
{
    const Plan *p = e->p;
    const EmitProgram *program = e->program;
    for (size_t i = 0; i < vec_len(p->steps); i++) {
        EmitProgram step = {.name = p->steps[i]->name, .plan = p->steps[i]};
        for (int k = 0; k < 3; k++)
            vec_push(e->c, step.given, str(e->c, scan_inputs[k]));
        out_printf(e->o, "/* One step of a sequence of `%s`. */\n", p->name);
        e->program = &step;
        e->p = step.plan;
        emit_program_functions(e);
    }
    e->program = program;
    e->p = p;
}

void emit_program_functions(Emit *e)
{
    const Plan *p = e->p;
    bool load = p->loads_rows;
    int n_tasks = 0;
    emit_steps(e);
    emit_struct(e);
    emit_layout(e);
    for (size_t i = 0; i < vec_len(p->phases); i++) {
        const Phase *ph = &p->phases[i];
        for (size_t k = 0; k < vec_len(ph->bodies); k++) {
            const Body *b = ph->bodies[k];
            Str name = body_function(e, ph, (int)i, b);
            bool load_here = load && (ph->kind == PHASE_ROWS || reads_row_data(e, b));
            if (ph->kind == PHASE_ROWS)
                emit_rows(e, b, name, load_here);
            else if (ph->kind == PHASE_SERIAL)
                emit_whole(e, b, name, load_here);
            else
                emit_panel(e, b, name);
            load = load && !load_here;
        }
        if (ph->kind >= PHASE_PANELS) {
            Task *tasks = collect_tasks(e, ph, (int)i);
            emit_tasks(e, ph, (int)i, tasks);
            n_tasks = ph->kind == PHASE_UPDATE ? (int)vec_len(tasks) : n_tasks;
        }
    }
    emit_run(e, n_tasks);
    emit_tables(e, n_tasks);
}
