/* plan.c - the kernel IR as a whole: building, order, costs, printing, verifying.
 *
 *     plan step: 3 phases, 9 kernels, 7 buffers in 5 slots
 *       rows over n
 *         gemm h.product [n, h] = x [n, p] * encoder.W [p, h]
 *         kernel h
 *           for n
 *             for h
 *               %14 = tanh %13 : [n, h] -> h           // h, vae.dgm:4
 */
#include <string.h>

#include "loops.h"
#include "plan.h"

Plan *plan_build(Ctx *c, const TirFn *f)
{
    Plan *p = arena_alloc(c->arena, sizeof *p);
    p->c = c;
    p->fn = f;
    p->name = f->name;
    p->use_of = map_new(c);
    for (size_t i = 0; i < vec_len(f->axes); i++) {
        if (f->axes[i]->kind == AXIS_ROW)
            p->row = f->axes[i];
        if (f->axes[i]->kind == AXIS_SAMPLE)
            p->sample = f->axes[i];
    }
    p->chunk = arena_alloc(c->arena, sizeof *p->chunk);
    *p->chunk = (Axis){.id = -1, .kind = AXIS_PLATE, .name = str(c, "chunk")};
    plan_nodes(p);
    plan_schedule(p);
    plan_fuse(p);
    plan_buffers(p);
    plan_needs(p);
    plan_verify(p);
    return p;
}

/* ---- order ----------------------------------------------------------------------------------- */

static void visit(Plan *p, Node *n, Node ***order)
{
    if (n->visit != -1)
        return;
    n->visit = 1;
    for (int i = 0; i < n->n_in; i++)
        visit(p, n->in[i].node, order);
    vec_push(p->c, *order, n);
}

Node **plan_topological(Plan *p, Node **nodes)
{
    Node **order = NULL;
    for (size_t i = 0; i < vec_len(p->nodes); i++)
        p->nodes[i]->visit = 0;
    for (size_t i = 0; i < vec_len(nodes); i++)
        nodes[i]->visit = -1;
    for (int pass = 0; pass < 2; pass++)               /* originals first: a stable order */
        for (size_t i = 0; i < vec_len(nodes); i++)
            if (pass || !nodes[i]->clone_of)
                visit(p, nodes[i], &order);
    return order;
}

/* ---- costs ----------------------------------------------------------------------------------- */

static double axes_product(const Plan *p, Axis *const *axes, int n, double rows, double draws)
{
    double x = 1;
    for (int i = 0; i < n; i++)
        x *= extent_guess(extent_axis(p, axes[i]), rows, draws);
    return x;
}

double node_cost(const Plan *p, const Node *n, double rows, double draws)
{
    double size = extent_guess(node_size(p, n), rows, draws);
    if (n->call == CALL_GEMM)
        return 2 * size * axes_product(p, n->over, n->n_over, rows, draws);
    if (n->class == NODE_LOOP)
        return op_cost(n->op) * axes_product(p, n->iter, n->n_iter, rows, draws);
    if (n->op == OP_CHOLESKY || n->op == OP_INVERSE || n->op == OP_TRISOLVE) {
        Extent last = extent_axis(p, n->axes[n->n_axes - 1]);
        return size * extent_guess(last, rows, draws);
    }
    if (n->op == OP_SCAN) {
        double result = extent_guess(extent_axis(p, n->axes[n->n_axes - 1]), rows, draws);
        return size / result * (20 + n->step->flops_once);
    }
    return op_cost(n->op) * size;
}

/* ---- printing -------------------------------------------------------------------------------- */

static void print_axes(Out *o, Axis *const *axes, int n)
{
    out_puts(o, "[");
    for (int i = 0; i < n; i++)
        out_printf(o, "%s%s", i ? ", " : "", axes[i] ? axes[i]->name : "*");
    out_puts(o, "]");
}

static void print_place(Out *o, const Node *n)
{
    static const char *const spaces[] = {"param ", "grad ", "data ", "", "", "term "};
    if (n->buffer && n->class == NODE_SOURCE)
        out_printf(o, "%s%s", spaces[n->buffer->space], n->buffer->key);
    else if (n->buffer)
        out_printf(o, "%s%s", spaces[n->buffer->space], n->buffer->name);
    else if (n->op == OP_CONST)
        out_printf(o, "%.17g", n->num);
    else
        out_printf(o, "%%%d", n->id);
}

static void print_node(Out *o, const Node *n)
{
    out_printf(o, "%%%d = %s", n->id, n->call == CALL_GEMM ? "gemm" : op_info[n->op].name);
    for (int i = 0; i < n->n_over; i++)
        out_printf(o, "%s%s", i ? ", " : "{", n->over[i]->name);
    out_puts(o, n->n_over ? "}" : "");
    for (int i = 0; i < n->n_in; i++) {
        const Use *u = &n->in[i];
        out_puts(o, " ");
        if (u->node->buffer || u->node->op == OP_CONST)
            print_place(o, u->node);
        else
            out_printf(o, "%%%d", u->node->id);
        if (u->node->n_axes && !use_same(u))
            print_axes(o, u->index, u->node->n_axes);
    }
    out_puts(o, " : ");
    print_axes(o, n->axes, n->n_axes);
    if (n->buffer) {
        out_puts(o, " -> ");
        print_place(o, n);
        out_puts(o, n->inplace ? " (in place)" : "");
    }
    if (n->v && n->v->label)
        out_printf(o, "  // %s", n->v->label);
    out_puts(o, "\n");
}

static void print_items(Out *o, Item *const *items)
{
    for (size_t i = 0; i < vec_len(items); i++) {
        const Item *item = items[i];
        if (item->kind == ITEM_LOOP) {
            out_printf(o, "for %s\n", item->axis->name);
            out_indent(o, 1);
            print_items(o, item->items);
            out_indent(o, -1);
        } else if (item->kind == ITEM_STMT) {
            print_node(o, item->node);
        }
    }
}

static void print_body(Out *o, const Body *b)
{
    for (size_t i = 0; i < vec_len(b->kernels); i++) {
        const Kernel *k = b->kernels[i];
        if (k->call) {
            print_node(o, k->nodes[0]);
            continue;
        }
        out_printf(o, "kernel %s\n", k->name);
        out_indent(o, 1);
        print_items(o, k->root->items);
        out_indent(o, -1);
    }
}

void plan_print(Out *o, const Plan *p)
{
    static const char *const kinds[] = {"serial", "rows", "panels", "update"};
    out_printf(o, "plan %s: %d phases, %d kernels, %d products, %d buffers in %d slots\n", p->name,
               plan_count(p, "phases"), plan_count(p, "kernels"), plan_count(p, "gemm"),
               plan_count(p, "buffers"), plan_count(p, "slots"));
    out_indent(o, 1);
    for (size_t i = 0; i < vec_len(p->phases); i++) {
        const Phase *ph = &p->phases[i];
        for (size_t k = 0; k < vec_len(ph->bodies); k++) {
            const Body *b = ph->bodies[k];
            out_printf(o, "%s", kinds[ph->kind]);
            if (ph->kind == PHASE_PANELS || ph->kind == PHASE_UPDATE)
                out_printf(o, " %s", b->name);
            if (b->domain)
                out_printf(o, " over %s", b->domain->name);
            if (b->panel)
                out_printf(o, " by %lld", (long long)b->panel);
            out_puts(o, "\n");
            out_indent(o, 1);
            print_body(o, b);
            out_indent(o, -1);
        }
    }
    out_indent(o, -1);
    for (size_t i = 0; i < vec_len(p->steps); i++)
        plan_print(o, p->steps[i]);
}

/* ---- counting -------------------------------------------------------------------------------- */

/* Slow functions that run for one number at a time: beside a loop, inside another. */
static int count_scalar(const Item *loop, bool inside)
{
    int n = 0, slow = 0, loops = 0;
    for (size_t i = 0; i < vec_len(loop->items); i++) {
        const Item *x = loop->items[i];
        if (x->kind == ITEM_LOOP) {
            n += count_scalar(x, true);
            loops++;
        }
        slow += x->kind == ITEM_STMT && op_slow(x->node->op);
    }
    return n + (inside && loops ? slow : 0);
}

static int count_body(const Body *b, const char *what)
{
    int n = 0;
    bool kernels = !strcmp(what, "kernels"), gemm = !strcmp(what, "gemm");
    bool passes = !strcmp(what, "calls");
    for (size_t i = 0; i < vec_len(b->kernels); i++) {
        const Kernel *k = b->kernels[i];
        n += (kernels && !k->call) || (passes && k->call && k->nodes[0]->call != CALL_GEMM);
        if (!strcmp(what, "scalar")) {
            n += k->call ? 0 : count_scalar(k->root, false);
            continue;
        }
        for (size_t j = 0; j < vec_len(k->nodes); j++) {
            const Node *node = k->nodes[j];
            n += gemm ? node->call == CALL_GEMM : !strcmp(op_info[node->op].name, what);
        }
    }
    return n;
}

int plan_count(const Plan *p, const char *what)
{
    int n = 0;
    if (!strcmp(what, "phases"))
        return (int)vec_len(p->phases);
    if (!strcmp(what, "slots"))
        return p->n_slots;
    if (!strcmp(what, "draws_outside"))
        return p->draws_outside;
    if (!strcmp(what, "buffers")) {
        for (size_t i = 0; i < vec_len(p->buffers); i++)
            n += p->buffers[i]->space == SPACE_SLAB;
        return n;
    }
    for (size_t i = 0; i < vec_len(p->phases); i++)
        for (size_t k = 0; k < vec_len(p->phases[i].bodies); k++)
            n += count_body(p->phases[i].bodies[k], what);
    for (size_t i = 0; i < vec_len(p->steps); i++)
        n += plan_count(p->steps[i], what);
    return n;
}

/* ---- verifying ------------------------------------------------------------------------------- */

static void check(const Plan *p, const Node *n, bool ok, const char *rule)
{
    if (!ok)
        ice("plan %s: %%%d (%s): %s", p->name, n->id, op_info[n->op].name, rule);
}

static void verify_use(const Plan *p, const Node *n, const Use *u, int phase)
{
    const Node *o = u->node;
    if (o->class == NODE_SOURCE)
        return;
    check(p, n, o->body != NULL && o->kernel != NULL, "operand belongs to no kernel");
    check(p, n, o->phase <= phase, "operand is computed in a later phase");
    check(p, n, o->body == n->body || o->phase < phase, "operand of the same phase, other body");
    if (o->body == n->body)
        check(p, n, o->kernel == n->kernel || o->kernel->position < n->kernel->position ||
                    n->kernel->position == o->kernel->position, "operand is computed later");
    check(p, n, o->buffer || (n->class == NODE_LOOP && loops_local(n, u)),
          "operand is out of scope and not stored");
}

static void verify_node(const Plan *p, const Body *b, const Node *n, int phase)
{
    check(p, n, n->body == b, "is listed in another body");
    check(p, n, !n->store || n->buffer, "has to be stored and has no buffer");
    if (b->domain && n->buffer && b->domain != p->row)
        check(p, n, node_has(n, b->domain), "several panels write it");
    if (b->domain && n->buffer && b->domain == p->row)
        check(p, n, node_has(n, p->row) || node_has(n, p->chunk), "several chunks write it");
    for (int i = 0; i < n->n_in; i++)
        verify_use(p, n, &n->in[i], phase);
    if (n->inplace)
        check(p, n, n->buffer == n->inplace->buffer, "in place of another buffer");
}

void plan_verify(const Plan *p)
{
    for (size_t i = 0; i < vec_len(p->phases); i++)
        for (size_t k = 0; k < vec_len(p->phases[i].bodies); k++) {
            const Body *b = p->phases[i].bodies[k];
            for (size_t j = 0; j < vec_len(b->nodes); j++)
                b->nodes[j]->phase = (int)i;
        }
    for (size_t i = 0; i < vec_len(p->phases); i++)
        for (size_t k = 0; k < vec_len(p->phases[i].bodies); k++) {
            const Body *b = p->phases[i].bodies[k];
            for (size_t j = 0; j < vec_len(b->nodes); j++)
                verify_node(p, b, b->nodes[j], (int)i);
        }
}
