/* comment.c - the comment above an emitted kernel: what it computes, where the model says so, and
 * what that costs.
 */
#include "emit.h"

static void print_ops(Emit *e, const Kernel *k)
{
    int ops = 0;
    double cost = 0;
    for (size_t i = 0; i < vec_len(k->nodes); i++) {
        ops += op_info[k->nodes[i]->op].kind == OP_KIND_MAP;
        cost += node_cost(e->p, k->nodes[i], 100, 1);
    }
    out_printf(e->o, " *   %d operations fused, about %.3g flop for 100 rows", ops, cost);
}

/* What the kernel computes, with spec lines: labelled values it stores, then terms. */
void emit_kernel_comment(Emit *e, const Kernel *k)
{
    Str seen = NULL;
    out_printf(e->o, "/* %s_%s\n", e->p->name, k->name);
    for (size_t i = 0; i < vec_len(k->nodes); i++) {
        const Node *n = k->nodes[i];
        if (n->term >= 0) {
            const EmitTerm *t = &e->program->terms[n->term];
            out_printf(e->o, " *   term %s = %.200s  [line %d]\n", quote_comment(e->c, t->name),
                       t->formula ? quote_comment(e->c, t->formula) : "", t->line);
        } else if (n->v && n->v->label && n->v->label != seen) {
            seen = n->v->label;
            Str text = n->v->span.src ? quote_comment(e->c, span_text(e->c, n->v->span)) : "";
            out_printf(e->o, " *   %s: %.60s  [%s]\n", quote_comment(e->c, seen), text,
                       text_place(e, n));
        }
    }
    print_ops(e, k);
    out_puts(e->o, " */\n");
}
