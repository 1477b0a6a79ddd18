/* table.c - what goes into a program and comes out of it, as tables that the runtime reads. */
#include "program.h"

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

void emit_tables(const Emit *e, int n_tasks)
{
    emit_variables(e);
    emit_outputs(e);
    emit_terms(e);
    emit_table(e, n_tasks);
}
