/* program.c - one program of the model: its buffers, kernels, phases and run function.
 *
 *     struct step_buffers        where values live between kernels
 *     step_layout                the memory plan: slots of the slab
 *     step_KERNEL                fused loops (kernel.c)
 *     step_rows_1, step_serial_2, step_update_W     what one thread does with one unit of a phase
 *     step_tasks, step_run       panels; the parallel region with a barrier between phases
 */
#include <string.h>

#include "emit.h"

#define PARALLEL_FLOPS 1e5             /* less work than this a step is done by one thread */

typedef struct Run {
    Emit *e;
    Out *o;
    int n_tasks;
    bool parallel, tasks;
} Run;

static const char *prefix(const Emit *e)
{
    return e->p->name;
}

static int n_terms(const Emit *e)
{
    return (int)vec_len(e->program->terms);
}

static bool has_terms(const Emit *e)
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

static bool has_word(const char *text, const char *word)
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

static Str body_function(const Emit *e, const Phase *ph, int number, const Body *b)
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

/* ---- panels ---------------------------------------------------------------------------------- */

typedef struct Task { const Body *body; Str function; int64_t lo, hi; double cost; } Task;

static Task *collect_tasks(const Emit *e, const Phase *ph, int number)
{
    Task *tasks = NULL;
    for (size_t i = 0; i < vec_len(ph->bodies); i++) {
        const Body *b = ph->bodies[i];
        int64_t size = b->domain ? b->domain->size : 1, panel = b->domain ? b->panel : 1;
        for (int64_t lo = 0; lo < size; lo += panel) {
            int64_t hi = lo + panel < size ? lo + panel : size;
            Task t = {b, vec_len(b->kernels) ? body_function(e, ph, number, b) : NULL, lo, hi,
                      (b->cost + 20 * (double)b->param_size.n) * (double)(hi - lo) / (double)size};
            vec_push(e->c, tasks, t);
        }
    }
    for (size_t i = 0; i < vec_len(tasks); i++)        /* large ones first: they balance best */
        for (size_t j = i; j > 0 && tasks[j - 1].cost < tasks[j].cost; j--) {
            Task t = tasks[j];
            tasks[j] = tasks[j - 1];
            tasks[j - 1] = t;
        }
    return tasks;
}

static bool is_average(const Emit *e, Str name)
{
    for (size_t i = 0; i < vec_len(e->in->params); i++)
        if (e->in->params[i].name == name)
            return e->in->params[i].average;
    return false;
}

static bool has_average(const Emit *e)
{
    for (size_t i = 0; i < vec_len(e->in->params); i++)
        if (e->in->params[i].average)
            return true;
    return false;
}

static void emit_tasks(Emit *e, const Phase *ph, int number, const Task *tasks)
{
    Out *o = e->o;
    bool update = ph->kind == PHASE_UPDATE;
    out_puts(o, update ? "/* Panels of the gradient: who computes elements [lo, hi), and where "
                         "the parameters lie. */\n"
                       : "/* Panels of sums over rows. */\n");
    out_puts(o, "static const struct {\n");
    out_printf(o, "    void (*run)(DgmCtx *, const struct %s_buffers *, long, long);\n", prefix(e));
    out_puts(o, "    long lo, hi, offset, count;\n");
    bool average = update && has_average(e);
    if (average)
        out_puts(o, "    bool average;\n");
    out_printf(o, "} %s_tasks_%d[] = {\n", prefix(e), number);
    for (size_t i = 0; i < vec_len(tasks); i++) {
        const Task *t = &tasks[i];
        int64_t whole = t->body->domain ? t->body->domain->size : 1;
        int64_t inner = update ? t->body->param_size.n / whole : 0;
        long offset = update ? text_param_offset(e, t->body->param) : 0;
        out_printf(o, "    {%s, %lld, %lld, %lld, %lld%s},\n", t->function ? t->function : "NULL",
                   (long long)t->lo, (long long)t->hi, (long long)(offset + t->lo * inner),
                   (long long)((t->hi - t->lo) * inner),
                   average && is_average(e, t->body->param) ? ", true" : average ? ", false" : "");
    }
    out_puts(o, "};\n\n");
}

/* ---- run ------------------------------------------------------------------------------------- */

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

/* `for` over units of work: shared by the threads of the region, or plain. */
static void open_for(Run *r, const char *var, const char *count)
{
    if (r->parallel)
        out_puts(r->o, "#pragma omp for schedule(dynamic, 1)\n");
    out_printf(r->o, "for (long %s = 0; %s < %s; %s++)", var, var, count, var);
}

static void emit_single(Run *r, const char *text)
{
    if (r->parallel)
        out_puts(r->o, "#pragma omp single\n");
    if (r->parallel && strchr(text, '\n') != strrchr(text, '\n'))
        out_printf(r->o, "{\n    %s}\n", text);
    else
        out_printf(r->o, "%s", text);
}

static void run_update(Run *r, int number, int count)
{
    Out *o = r->o;
    Str tasks = str_fmt(r->e->c, "%s_tasks_%d", prefix(r->e), number);
    Str n = str_fmt(r->e->c, "%d", count);
    open_for(r, "t", n);
    out_puts(o, " {\n");
    out_printf(o, "    if (%s[t].run)\n", tasks);
    out_printf(o, "        %s[t].run(c, buf, %s[t].lo, %s[t].hi);\n", tasks, tasks, tasks);
    if (has_average(r->e))
        out_printf(o, "    if (%s[t].average)\n"
                      "        dgm_average(c, t, %s[t].offset, %s[t].count);\n    else\n    ",
                   tasks, tasks, tasks);
    out_printf(o, "    dgm_update(c, t, %s[t].offset, %s[t].count);\n}\n", tasks, tasks);
    emit_single(r, "dgm_update_norm(c);\n");
    out_puts(o, "if (c->optim && c->clip > 0) {\n");
    out_indent(o, 1);
    open_for(r, "t", n);
    Str moved = has_average(r->e) ? str_fmt(r->e->c, "if (!%s[t].average)\n        ", tasks)
                                  : str(r->e->c, "");
    out_printf(o, "\n    %sdgm_update_clipped(c, %s[t].offset, %s[t].count);\n", moved, tasks,
               tasks);
    out_indent(o, -1);
    out_puts(o, "}\n");
}

static void run_panels(Run *r, int number, int count)
{
    Str tasks = str_fmt(r->e->c, "%s_tasks_%d", prefix(r->e), number);
    open_for(r, "t", str_fmt(r->e->c, "%d", count));
    out_printf(r->o, "\n    %s[t].run(c, buf, %s[t].lo, %s[t].hi);\n", tasks, tasks, tasks);
}

/* The phases after the serial one that may stand before the region. */
static void run_phases(Run *r, size_t first)
{
    Emit *e = r->e;
    const Phase *ph = e->p->phases;
    size_t n = vec_len(ph), updates = n && ph[n - 1].kind == PHASE_UPDATE ? n - 1 : n;
    Str sums = has_terms(e) ? str(e->c, "dgm_sum_terms(c, buf->terms, chunks);\n") : str(e->c, "");
    for (size_t i = first; i < updates; i++) {
        Str name = body_function(e, &ph[i], (int)i, ph[i].bodies[0]);
        bool last = i + 1 == updates;
        if (ph[i].kind == PHASE_ROWS) {
            open_for(r, "chunk", "chunks");
            out_printf(r->o, "\n    %s(c, buf, chunk);\n", name);
        } else if (ph[i].kind == PHASE_PANELS) {
            run_panels(r, (int)i, (int)vec_len(collect_tasks(e, &ph[i], (int)i)));
        } else {
            const char *pad = last && *sums && r->parallel ? "    " : "";
            emit_single(r, str_fmt(e->c, "%s(c, buf);\n%s%s", name, pad, last ? sums : ""));
            if (last)
                sums = str(e->c, "");
        }
    }
    if (*sums)
        emit_single(r, sums);
    if (updates < n) {
        out_puts(r->o, has_terms(e) ? "if (c->bad_term < 0) {\n" : "{\n");
        out_indent(r->o, 1);
        run_update(r, (int)updates, r->n_tasks);
        out_indent(r->o, -1);
        out_puts(r->o, "}\n");
    }
}

/* Is any phase worth several threads? */
static bool is_parallel(const Emit *e)
{
    const Plan *p = e->p;
    for (size_t i = 0; i < vec_len(p->phases); i++) {
        if (p->phases[i].kind == PHASE_ROWS || p->phases[i].kind == PHASE_PANELS)
            return true;
        for (size_t k = 0; k < vec_len(p->phases[i].bodies); k++)
            if (p->phases[i].bodies[k]->domain && p->phases[i].kind == PHASE_UPDATE)
                return true;
    }
    return false;
}

/* Opens the parallel region. Opening and leaving it costs a microsecond, also where an `if` clause
 * gives it one thread only: work that is too small to share, or has one thread, runs plainly. */
static void open_region(Run *r, size_t first)
{
    const Plan *p = r->e->p;
    out_printf(r->o, "if (c->threads == 1 || (double)c->B * %.6g + %.6g <= %g) {\n",
               p->flops_row + p->flops_draw, p->flops_once > 0 ? p->flops_once : 0, PARALLEL_FLOPS);
    out_indent(r->o, 1);
    r->parallel = false;
    run_phases(r, first);
    r->parallel = true;
    out_puts(r->o, "return;\n");
    out_indent(r->o, -1);
    out_puts(r->o, "}\n#pragma omp parallel num_threads(c->threads)\n{\n");
    out_indent(r->o, 1);
}

static void emit_run(Emit *e, int n_tasks)
{
    const Plan *p = e->p;
    Run r = {.e = e, .o = out_new(e->c), .n_tasks = n_tasks, .parallel = is_parallel(e)};
    size_t first = 0;
    out_indent(r.o, 1);
    if (has_terms(e))
        out_printf(r.o, "memset(buf->terms, 0, sizeof(double) * (size_t)chunks * %d);\n",
                   n_terms(e));
    if (r.parallel && vec_len(p->phases) && p->phases[0].kind == PHASE_SERIAL &&
        vec_len(p->phases) > 1) {
        out_printf(r.o, "%s(c, buf);\n", body_function(e, p->phases, 0, p->phases[0].bodies[0]));
        first = 1;
    }
    if (r.parallel)
        open_region(&r, first);
    run_phases(&r, first);
    if (r.parallel) {
        out_indent(r.o, -1);
        out_puts(r.o, "}\n");
    }
    const char *text = out_text(r.o, NULL);
    out_printf(e->o, "static void %s_run(DgmCtx *c)\n{\n", prefix(e));
    if (has_word(text, "buf"))
        out_printf(e->o, "    const struct %s_buffers *buf = c->state;\n", prefix(e));
    if (has_word(text, "chunks"))
        out_puts(e->o, "    const long chunks = dgm_chunks(c->B);\n");
    if (!has_word(text, "c") && !has_word(text, "buf"))
        out_puts(e->o, "    (void)c;\n");
    out_puts(e->o, text);
    out_puts(e->o, "}\n\n");
}

/* ---- entry ----------------------------------------------------------------------------------- */

static void emit_outputs(const Emit *e)
{
    const EmitOutput *out = e->program->outputs;
    if (!vec_len(out))
        return;
    out_printf(e->o, "static const DgmOutput %s_outputs[] = {\n", prefix(e));
    for (size_t i = 0; i < vec_len(out); i++)
        out_printf(e->o, "    {%s, %s, %s, %s, %s},\n", text_string(e->c, out[i].name),
                   out[i].rows ? "true" : "false", out[i].samples ? "true" : "false",
                   text_shape(e->c, out[i].shape, out[i].rank), text_elem(out[i].elem));
    out_puts(e->o, "};\n\n");
}

static void emit_variables(const Emit *e)
{
    const EmitVariable *v = e->program->variables;
    if (!vec_len(v))
        return;
    out_puts(e->o, "/* name, rows?, data?, rank, shape, count, kind, bounds, support, why not "
                   "drawn, line */\n");
    out_printf(e->o, "static const DgmVariable %s_variables[] = {\n", prefix(e));
    for (size_t i = 0; i < vec_len(v); i++)
        out_printf(e->o, "    {%s, %s, %s, %s, %s,\n     %s, %s, %s, %s, %d},\n",
                   text_string(e->c, v[i].name),
                   v[i].rows ? "true" : "false", v[i].data ? "true" : "false",
                   text_shape(e->c, v[i].shape, v[i].rank), text_elem(v[i].elem),
                   text_double(e->c, v[i].lower), text_double(e->c, v[i].upper),
                   text_string(e->c, v[i].support), text_string(e->c, v[i].only_given), v[i].line);
    out_puts(e->o, "};\n\n");
}

/* Programs of the same terms share a table: that of the first. */
static const EmitProgram *terms_owner(const Emit *e)
{
    const EmitProgram *p = e->in->programs;
    while (p->terms != e->program->terms || !p->plan)
        p++;
    return p;
}

static void emit_terms(const Emit *e)
{
    Out *o = e->o;
    const EmitTerm *terms = e->program->terms;
    if (!vec_len(terms) || terms_owner(e) != e->program)
        return;
    out_puts(o, "/* name, formula, kind, sign, sum over rows?, line of the spec, only shown? */\n");
    out_printf(o, "static const DgmTerm %s_terms[] = {\n", prefix(e));
    for (size_t i = 0; i < vec_len(terms); i++)
        out_printf(o, "    {%s, %s,\n     DGM_TERM_%s, %s, %s, %d%s},\n",
                   text_string(e->c, terms[i].name), text_string(e->c, terms[i].formula),
                   terms[i].kind, text_double(e->c, terms[i].sign),
                   terms[i].local ? "true" : "false", terms[i].line,
                   terms[i].reported ? ", true" : ", false");
    out_puts(o, "};\n\n");
}

static void emit_table(const Emit *e, int n_tasks)
{
    Out *o = e->o;
    size_t n = vec_len(e->program->outputs);
    out_printf(o, "static const DgmProgram program_%s = {\n", prefix(e));
    out_printf(o, "    .name = \"%s\", .layout = %s_layout, .run = %s_run,\n", prefix(e), prefix(e),
               prefix(e));
    out_printf(o, "    .state_bytes = sizeof(struct %s_buffers), .n_tasks = %d,\n", prefix(e),
               n_tasks);
    out_printf(o, "    .flops_once = %.6g, .flops_row = %.6g, .flops_draw = %.6g,\n",
               e->p->flops_once > 0 ? e->p->flops_once : 0, e->p->flops_row, e->p->flops_draw);
    if (vec_len(e->program->terms))
        out_printf(o, "    .terms = %s_terms, .n_terms = %d,\n", terms_owner(e)->name,
                   n_terms(e));
    if (vec_len(e->program->variables))
        out_printf(o, "    .variables = %s_variables, .n_variables = %zu,\n", prefix(e),
                   vec_len(e->program->variables));
    if (n)
        out_printf(o, "    .outputs = %s_outputs, .n_outputs = %zu,\n", prefix(e), n);
    if (e->program->once)
        out_printf(o, "    .once = &program_%s,\n", e->program->once);
    out_puts(o, "};\n\n");
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
    emit_variables(e);
    emit_outputs(e);
    emit_terms(e);
    emit_table(e, n_tasks);
}
