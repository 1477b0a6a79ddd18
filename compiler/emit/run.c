/* run.c - the run function of a program: its phases in order, shared out to threads.
 *
 *     for chunk of rows: step_rows_0      a phase over rows
 *     step_serial_1                       by one thread
 *     for t of step_tasks_2: ..           panels, large ones first, each with one owner
 * There is a barrier after each phase; too little work is done by one thread, outside of a region.
 */
#include <string.h>

#include "program.h"

#define PARALLEL_FLOPS 1e5             /* less work than this a step is done by one thread */

typedef struct Run {
    Emit *e;
    Out *o;
    int n_tasks;
    bool parallel, tasks;
} Run;

/* ---- panels ---------------------------------------------------------------------------------- */

Task *collect_tasks(const Emit *e, const Phase *ph, int number)
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

void emit_tasks(Emit *e, const Phase *ph, int number, const Task *tasks)
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

void emit_run(Emit *e, int n_tasks)
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
