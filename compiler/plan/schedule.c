/* schedule.c - which part of a step waits for which: phases and their bodies.
 *
 * Idea: a value with the row axis that reads other rows' values only at its own row belongs to
 * ROWS; a large product that sums over rows to PANELS; everything else is small and SERIAL. Phase
 * numbers count 3k serial, 3k + 1 rows, 3k + 2 panels: a value gets the least number of its kind
 * not below its operands'. Last comes UPDATE: a gradient, with whatever only it needs, is computed
 * by panels, each followed by the optimiser. An update writes a parameter in place, so nothing in
 * UPDATE may read another parameter, nor this one outside the panel; such nodes stay behind.
 * Cheap arithmetic is repeated where it is needed instead of being stored between phases.
 * requires:    nodes
 * establishes: every live node is in one body; bodies are in phases; a barrier between phases
 *              satisfies every use that crosses bodies
 */
#include "plan.h"

/* ---- cheap values are repeated --------------------------------------------------------------- */

#define CLONE_OPS 6                    /* operations repeated rather than stored, per element */
#define CLONE_SCALAR_OPS 16

static bool cheap_op(const Node *n)
{
    switch (n->op) {
    case OP_NEG: case OP_ADD: case OP_SUB: case OP_MUL: case OP_DIV: case OP_SQ: case OP_ABS:
    case OP_SIGN: case OP_FLOOR: case OP_MIN: case OP_MAX: case OP_RELU: case OP_IOTA:
    case OP_LT: case OP_LE: case OP_GT: case OP_GE: case OP_EQ: case OP_NE: case OP_AND:
    case OP_OR: case OP_NOT: case OP_SELECT:
        return n->class == NODE_LOOP && !n->store && n->term < 0;
    default:
        return false;
    }
}

/* Adds the operations of n's tree to *ops and its stored leaves to *reads; false: not cheap. */
static bool cheap_tree(const Node *n, int *ops, int *reads, bool params)
{
    if (n->class == NODE_SOURCE) {
        bool param = n->op == OP_INPUT && n->buffer->space == SPACE_PARAM;
        *reads += n->n_axes > 0;
        return params || !param;
    }
    if (n->store && n->class != NODE_SOURCE) {
        *reads += n->n_axes > 0;
        return true;
    }
    if (!cheap_op(n) || ++*ops > CLONE_SCALAR_OPS)
        return false;
    for (int i = 0; i < n->n_in; i++)
        if (!cheap_tree(n->in[i].node, ops, reads, params))
            return false;
    return true;
}

bool node_cheap(const Node *n, bool params)
{
    int ops = 0, reads = 0;
    if (!cheap_op(n) || !cheap_tree(n, &ops, &reads, params))
        return false;
    return n->n_axes == 0 || (ops <= CLONE_OPS && reads <= 2);
}

Node *node_repeat(Plan *p, const Node *n)
{
    Node *r = node_new(p, n->op, n->class, n->axes, n->n_axes, n->v);
    int id = r->id;
    *r = *n;
    r->id = id;
    r->clone_of = (Node *)n;
    return r;
}

/* Were it stored in b, every chunk or panel would write it. */
static bool written_by_all(const Body *b, const Node *n)
{
    return b->domain && n->n_axes && !node_has(n, b->domain);
}

/* The copy of cheap node n that lives in the given body, made at need; copies its operands too. */
static Node *clone_into(Plan *p, Body *b, Node *n)
{
    if (n->class == NODE_SOURCE || n->store || n->body == b || written_by_all(b, n))
        return n;
    for (size_t i = 0; i < vec_len(b->nodes); i++)
        if (b->nodes[i]->clone_of == n)
            return b->nodes[i];
    Node *r = node_repeat(p, n);
    r->body = b;
    r->phase = -1;
    for (int i = 0; i < r->n_in; i++)
        r->in[i].node = clone_into(p, b, r->in[i].node);
    vec_push(p->c, b->nodes, r);
    return r;
}

static void clone_operands(Plan *p, Body *b, PhaseKind kind)
{
    for (size_t i = 0; i < vec_len(b->nodes); i++) {
        Node *n = b->nodes[i];
        for (int k = 0; k < n->n_in; k++) {
            Node *o = n->in[k].node;
            if (o->class != NODE_LOOP || o->body == b || !use_same(&n->in[k]))
                continue;
            if (written_by_all(b, o))
                continue;
            if (n->class == NODE_LOOP && node_cheap(o, kind != PHASE_UPDATE))
                n->in[k].node = clone_into(p, b, o);
        }
    }
}

/* ---- phase numbers --------------------------------------------------------------------------- */

static bool over_has(const Node *n, const Axis *a)
{
    for (int i = 0; i < n->n_over; i++)
        if (n->over[i] == a)
            return true;
    return false;
}

/* Is every operand that has axis a read at the loop's own position? */
static bool aligned(const Node *n, const Axis *a)
{
    for (int k = 0; k < n->n_in; k++) {
        const Use *u = &n->in[k];
        for (int i = 0; i < u->node->n_axes; i++)
            if ((u->node->axes[i] == a) != (u->index[i] == a) ||
                (u->index[i] == a && u->shift[i]))
                return false;
    }
    return true;
}

static bool is_rows(const Plan *p, const Node *n)
{
    if (!p->row || !(node_has(n, p->row) || n->partial) || !aligned(n, p->row))
        return false;
    if (n->class == NODE_CALL && n->call == CALL_OTHER)
        return !over_has(n, p->row) && n->to[0] != p->row;
    return true;
}

static bool is_panel(const Plan *p, const Node *n)
{
    return n->call == CALL_GEMM && !n->partial && p->row && over_has(n, p->row);
}

static void number_phases(Plan *p)
{
    for (size_t i = 0; i < vec_len(p->nodes); i++) {
        Node *n = p->nodes[i];
        int at = 0;
        for (int k = 0; k < n->n_in; k++)
            at = n->in[k].node->phase > at ? n->in[k].node->phase : at;
        int kind = is_panel(p, n) ? 2 : is_rows(p, n) ? 1 : 0;
        if (kind == 2 && at % 3 == 2)
            at++;
        while (at % 3 != kind)
            at++;
        n->phase = n->class == NODE_SOURCE ? 0 : at;
        if (n->partial && kind != 1)
            ice("a sum over chunks of rows outside the rows");
    }
}

/* ---- update bodies --------------------------------------------------------------------------- */

/* Can a panel of axis d be computed alone? */
static bool by_panels(const Node *n, const Axis *d)
{
    if (!node_has(n, d) || !aligned(n, d) || over_has(n, d))
        return false;
    if (n->class == NODE_LOOP)
        return true;
    const Gemm *g = &n->gemm;
    bool ok = n->call == CALL_GEMM && (g->m[0] == d || g->n[0] == d);
    for (int i = 0; n->call == CALL_GEMM && i < g->n_loops; i++)
        ok |= g->loops[i] == d;
    return ok;
}

static bool reads_other_param(const Node *n, Str own)
{
    for (int k = 0; k < n->n_in; k++) {
        const Node *o = n->in[k].node;
        if (o->buffer && o->buffer->space == SPACE_PARAM && o->buffer->key != own)
            return true;
    }
    return false;
}

static bool joins(const Plan *p, const Node *n, const Body *b)
{
    if (n->class == NODE_SOURCE || n->partial || n->phase % 3 == 1 || n->term >= 0)
        return false;
    if (n->buffer && (n->buffer->space != SPACE_GRAD || n->buffer->key != b->param))
        return false;
    if (b->domain ? !by_panels(n, b->domain) : n->class == NODE_CALL && !is_panel(p, n))
        return false;
    return !reads_other_param(n, b->param);
}

/* Users of every node: user_body is the one UPDATE body all are in, or NULL. */
static void pull_exclusive(Plan *p, Body *const *update)
{
    for (size_t i = vec_len(p->nodes); i-- > 0;) {
        Node *n = p->nodes[i];
        Body *body = NULL;
        bool one = n->visit == 0;      /* no user outside UPDATE so far */
        for (size_t k = 0; k < vec_len(p->grads); k++)
            if (p->grads[k].node == n)
                body = update[k];
        if (!body)
            body = n->body;
        if (one && body && joins(p, n, body)) {
            n->body = body;
            for (int k = 0; k < n->n_in; k++) {
                Node *o = n->in[k].node;
                if (o->body && o->body != body)
                    o->visit = 1;
                o->body = body;
            }
        } else {
            n->body = NULL;
            for (int k = 0; k < n->n_in; k++)
                n->in[k].node->visit = 1;
        }
    }
}

/* A small gradient that needs no work by panels is left to the serial phase. */
static bool worthwhile(const Plan *p, const Body *b)
{
    if (b->domain)
        return true;
    for (size_t i = 0; i < vec_len(p->nodes); i++) {
        const Node *n = p->nodes[i];
        if (n->body == b && (is_panel(p, n) || (over_has(n, p->chunk) && n->n_axes > 0)))
            return true;
    }
    return false;
}

static Body *body_new(Plan *p, Str name, Axis *domain)
{
    Body *b = arena_alloc(p->c->arena, sizeof *b);
    b->name = name;
    b->domain = domain;
    return b;
}

static Body *update_body(Plan *p, const PlanOut *grad)
{
    Node *n = grad->node;
    Axis *d = NULL;
    for (int i = 0; i < n->n_axes && !d; i++)
        if (n->axes[i]->size > 1)
            d = n->axes[i];
    if (d && choose_panel(p, n, d) == d->size)
        d = NULL;
    Body *b = body_new(p, grad->name, d);
    b->param = grad->name;
    b->param_size = node_size(p, n);
    b->panel = d ? choose_panel(p, n, d) : 0;
    return b;
}

static Body **schedule_updates(Plan *p)
{
    Body **update = NULL;
    for (size_t i = 0; i < vec_len(p->nodes); i++) {
        p->nodes[i]->visit = 0;
        p->nodes[i]->body = NULL;
    }
    for (size_t k = 0; k < vec_len(p->grads); k++)
        vec_push(p->c, update, update_body(p, &p->grads[k]));
    for (size_t i = 0; i < vec_len(p->values); i++)
        p->values[i].node->visit = 1;
    pull_exclusive(p, update);
    for (size_t k = 0; k < vec_len(update); k++) {
        bool keep = worthwhile(p, update[k]);
        for (size_t i = 0; i < vec_len(p->nodes); i++) {
            Node *n = p->nodes[i];
            if (n->body == update[k] && keep)
                vec_push(p->c, update[k]->nodes, n);
            else if (n->body == update[k])
                n->body = NULL;
        }
    }
    return update;
}

/* ---- phases ---------------------------------------------------------------------------------- */

static void add_phase(Plan *p, PhaseKind kind, Body **bodies)
{
    Phase ph = {kind, bodies};
    vec_push(p->c, p->phases, ph);
}

static Body *panel_body(Plan *p, Node *n)
{
    Axis *d = n->axes[0];
    bool split = d->size >= 16 && by_panels(n, d);
    Body *b = body_new(p, n->v->label ? n->v->label : str(p->c, "sum_rows"), split ? d : NULL);
    b->panel = split ? choose_panel(p, n, d) : 0;
    vec_push(p->c, b->nodes, n);
    n->body = b;
    return b;
}

static void add_numbered(Plan *p, int number)
{
    static const char *const names[] = {"serial", "rows", "panels"};
    Body **bodies = NULL, *one = NULL;
    for (size_t i = 0; i < vec_len(p->nodes); i++) {
        Node *n = p->nodes[i];
        if (n->class == NODE_SOURCE || n->body || n->phase != number)
            continue;
        if (number % 3 == 2) {
            vec_push(p->c, bodies, panel_body(p, n));
            continue;
        }
        if (!one) {
            one = body_new(p, str(p->c, names[number % 3]), number % 3 == 1 ? p->row : NULL);
            vec_push(p->c, bodies, one);
        }
        n->body = one;
        vec_push(p->c, one->nodes, n);
    }
    if (bodies)
        add_phase(p, number % 3 == 0 ? PHASE_SERIAL : number % 3 == 1 ? PHASE_ROWS : PHASE_PANELS,
                  bodies);
}

static void visit_sources(Plan *p, Node *n)
{
    for (int i = 0; i < n->n_in; i++)
        if (!n->in[i].node->visit) {
            n->in[i].node->visit = 1;
            visit_sources(p, n->in[i].node);
        }
}

/* Drops nodes that clones made useless, and bodies and phases that became empty. */
static void prune(Plan *p)
{
    for (size_t i = 0; i < vec_len(p->nodes); i++)
        p->nodes[i]->visit = 0;
    for (size_t i = 0; i < vec_len(p->nodes); i++)
        if (p->nodes[i]->buffer && p->nodes[i]->class != NODE_SOURCE) {
            p->nodes[i]->visit = 1;
            visit_sources(p, p->nodes[i]);
        }
    Phase *phases = NULL;
    for (size_t i = 0; i < vec_len(p->phases); i++) {
        Phase ph = {p->phases[i].kind, NULL};
        for (size_t k = 0; k < vec_len(p->phases[i].bodies); k++) {
            Body *b = p->phases[i].bodies[k];
            Node **live = NULL;
            for (size_t j = 0; j < vec_len(b->nodes); j++)
                if (b->nodes[j]->visit)
                    vec_push(p->c, live, b->nodes[j]);
            b->nodes = live;
            if (live || ph.kind == PHASE_UPDATE)
                vec_push(p->c, ph.bodies, b);
        }
        if (ph.bodies)
            vec_push(p->c, phases, ph);
    }
    p->phases = phases;
    for (size_t i = 0; i < vec_len(phases); i++)
        for (size_t k = 0; k < vec_len(phases[i].bodies); k++)
            phases[i].bodies[k]->nodes = plan_topological(p, phases[i].bodies[k]->nodes);
}

void plan_schedule(Plan *p)
{
    number_phases(p);
    Body **update = schedule_updates(p);
    int last = 0;
    for (size_t i = 0; i < vec_len(p->nodes); i++)
        last = p->nodes[i]->phase > last ? p->nodes[i]->phase : last;
    for (int k = 0; k <= last; k++)
        add_numbered(p, k);
    if (update)
        add_phase(p, PHASE_UPDATE, update);
    for (size_t i = 0; i < vec_len(p->phases); i++)
        for (size_t k = 0; k < vec_len(p->phases[i].bodies); k++)
            clone_operands(p, p->phases[i].bodies[k], p->phases[i].kind);
    prune(p);
}
