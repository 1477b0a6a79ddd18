/* buffers.c - one memory plan for a program: which values share memory, and what it is called.
 *
 * Idea: kernels are numbered in order of execution; a buffer is live from the kernel that writes
 * it to the last that reads it. Buffers of equal size whose lives do not meet share a slot. Equal
 * size makes this safe while chunks of rows run side by side: row r is at the same place in both,
 * and only the thread that owns r touches it. An elementwise value may overwrite an operand that
 * dies in the same loop. Kernels of PANELS and UPDATE run at once and count as one position.
 * requires:    kernels with loop nests
 * establishes: every stored node has a buffer with name and slot; inplace is set
 */
#include <limits.h>
#include <string.h>

#include "loops.h"
#include "plan.h"

/* ---- lives ----------------------------------------------------------------------------------- */

static void number_kernels(Plan *p)
{
    int at = 0;
    for (size_t i = 0; i < vec_len(p->phases); i++) {
        bool together = p->phases[i].kind >= PHASE_PANELS;
        for (size_t k = 0; k < vec_len(p->phases[i].bodies); k++) {
            Body *b = p->phases[i].bodies[k];
            for (size_t j = 0; j < vec_len(b->kernels); j++)
                b->kernels[j]->position = together ? at : at++;
        }
        at++;
    }
}

static void add_buffer(Plan *p, Node *n)
{
    if (n->class == NODE_CALL && n->inplace && !n->buffer) {
        n->buffer = n->inplace->buffer;
        n->buffer->node = n;           /* the name of the sum */
        return;
    }
    if (!n->buffer) {
        n->buffer = arena_alloc(p->c->arena, sizeof *n->buffer);
        *n->buffer = (Buffer){.space = SPACE_SLAB, .index = -1, .node = n};
    }
    Buffer *b = n->buffer;
    b->size = node_size(p, n);
    b->wide |= n->wide;
    b->slot = -1;
    b->first = n->kernel->position;
    b->last = b->space == SPACE_SLAB && b->index < 0 ? b->first : INT_MAX;
    vec_push(p->c, p->buffers, b);
}

static void for_nodes(Plan *p, void (*f)(Plan *, Node *))
{
    for (size_t i = 0; i < vec_len(p->phases); i++)
        for (size_t k = 0; k < vec_len(p->phases[i].bodies); k++) {
            Body *b = p->phases[i].bodies[k];
            for (size_t j = 0; j < vec_len(b->nodes); j++)
                f(p, b->nodes[j]);
        }
}

static void find_stored(Plan *p, Node *n)
{
    if (n->store || n->buffer)
        add_buffer(p, n);
}

static void find_sources(Plan *p, Node *n)
{
    for (int i = 0; i < n->n_in; i++) {
        Node *o = n->in[i].node;
        if (o->class == NODE_SOURCE && o->buffer && !o->buffer->last) {
            o->buffer->last = INT_MAX;
            o->buffer->size = node_size(p, o);
            vec_push(p->c, p->buffers, o->buffer);
        } else if (o->class != NODE_SOURCE && o->buffer &&
                   o->buffer->last < n->kernel->position) {
            o->buffer->last = n->kernel->position;
        }
    }
}

/* ---- in place -------------------------------------------------------------------------------- */

static bool same_layout(const Node *a, const Node *b)
{
    if (a->n_axes != b->n_axes || a->wide != b->wide)
        return false;
    for (int i = 0; i < a->n_axes; i++)
        if (a->axes[i] != b->axes[i])
            return false;
    return true;
}

/* Is o read only by statements of v's innermost loop, each at the loop's own position? */
static bool dies_in_loop(const Node *o, const Node *v)
{
    const Kernel *k = v->kernel;
    if (!o->buffer || o->buffer->space != SPACE_SLAB || o->buffer->index >= 0 || o->kernel == k ||
        o->buffer->last != k->position || !same_layout(o, v))
        return false;
    for (size_t i = 0; i < vec_len(k->nodes); i++) {
        const Node *u = k->nodes[i];
        for (int j = 0; j < u->n_in; j++)
            if (u->in[j].node->buffer == o->buffer &&
                (!use_same(&u->in[j]) || u->depth != v->depth ||
                 u->path[u->depth] != v->path[v->depth]))
                return false;
        if (u != v && u->inplace && u->inplace->buffer == o->buffer)
            return false;
    }
    return true;
}

static bool named(const Node *n)
{
    return n->v && n->v->label && n->op != OP_CONTRACT;
}

/* Searches v's operands in the kernel for a buffer to overwrite. */
static Node *victim(const Node *v, const Node *at)
{
    for (int i = 0; i < at->n_in; i++) {
        Node *o = at->in[i].node;
        if (o->class == NODE_SOURCE)
            continue;
        if (dies_in_loop(o, v) && !(named(o) && named(v)))
            return o;
        if (o->kernel == v->kernel && !node_reduces(o) && o->depth == v->depth) {
            Node *deeper = victim(v, o);
            if (deeper)
                return deeper;
        }
    }
    return NULL;
}

static void replace_buffer(Plan *p, Buffer *old, Buffer *new)
{
    for (size_t i = 0; i < vec_len(p->nodes); i++)
        if (p->nodes[i]->buffer == old)
            p->nodes[i]->buffer = new;
}

static void overwrite(Plan *p, Node *v)
{
    if (v->class != NODE_LOOP || !v->buffer || v->buffer->space != SPACE_SLAB || node_reduces(v) ||
        v->inplace)
        return;
    Node *o = victim(v, v);
    if (!o)
        return;
    Buffer *old = o->buffer, *new = v->buffer;
    new->first = old->first;
    old->slot = -2;                    /* gone */
    replace_buffer(p, old, new);
    v->inplace = o;
}

/* ---- slots ----------------------------------------------------------------------------------- */

typedef struct Slot { Extent size; bool wide; int last; } Slot;

static void assign_slots(Plan *p)
{
    Slot *slots = NULL;
    Buffer **live = NULL;
    for (size_t i = 0; i < vec_len(p->buffers); i++)
        if (p->buffers[i]->slot != -2)
            vec_push(p->c, live, p->buffers[i]);
    p->buffers = live;
    for (size_t i = 0; i < vec_len(live); i++)          /* by first kernel; insertion is stable */
        for (size_t j = i; j > 0 && live[j - 1]->first > live[j]->first; j--) {
            Buffer *b = live[j];
            live[j] = live[j - 1];
            live[j - 1] = b;
        }
    for (size_t i = 0; i < vec_len(live); i++) {
        Buffer *b = live[i];
        if (b->space != SPACE_SLAB)
            continue;
        for (size_t s = 0; s < vec_len(slots) && b->slot < 0; s++)
            if (extent_equal(slots[s].size, b->size) && slots[s].wide == b->wide &&
                slots[s].last < b->first)
                b->slot = (int)s;
        if (b->slot < 0) {
            Slot fresh = {b->size, b->wide, 0};
            b->slot = (int)vec_len(slots);
            vec_push(p->c, slots, fresh);
        }
        slots[b->slot].last = b->last;
    }
    p->n_slots = (int)vec_len(slots);
}

/* ---- names ----------------------------------------------------------------------------------- */

static bool is_main(const Plan *p, const Node *n)
{
    const Use *u = n->v ? map_get(p->use_of, n->v) : NULL;
    return u && u->node == n;
}

/* The term that a sum over rows ends in, if that is all it is for. */
static Str term_of(const Plan *p, const Node *n)
{
    if (n->term >= 0)
        for (size_t i = 0; i < vec_len(p->terms); i++)
            if (p->terms[i].index == n->term)
                return p->terms[i].name;
    return NULL;
}

/* The name in the model, or of the labelled value it is made for, with what it is. */
static Str describe(const Plan *p, const Node *n)
{
    Ctx *c = p->c;
    Str label = n->v ? n->v->label : NULL;
    if (label && (is_main(p, n) || n->op == OP_STOP_GRADIENT))
        return label;
    if (label)
        return str_fmt(c, "%s_%s", label, n->partial ? "part" : op_info[n->op].name);
    for (size_t i = 0; i < vec_len(p->grads); i++)
        if (p->grads[i].node->n_in && p->grads[i].node->in[0].node == n)
            return str_fmt(c, "d_%s", p->grads[i].name);
    if (n->v && op_info[n->v->op].kind == OP_KIND_RANDOM)
        return str_fmt(c, "noise%d", n->v->site);
    if (n->call == CALL_GEMM)
        return str(c, n->partial ? "product_part" : "product");
    return str_fmt(c, "%s%s", op_info[n->op].name, n->partial ? "_part" : "");
}

/* Dots of a qualified name read as underscores; the rest is quoted by mangle. */
Str plan_identifier(Ctx *c, const char *text)
{
    size_t n = strlen(text);
    char *flat = arena_alloc(c->arena, n + 1);
    bool upper = n > 2;
    for (size_t i = 0; i < n; i++) {
        flat[i] = text[i] == '.' ? '_' : text[i];
        upper &= (flat[i] >= 'A' && flat[i] <= 'Z') || (flat[i] >= '0' && flat[i] <= '9') ||
                 flat[i] == '_';
    }
    Str name = mangle(c, flat);
    bool ours = !strncmp(name, "dgm_", 4) || !strncmp(name, "Dgm", 3) ||
                !strncmp(name, "omp_", 4) ||
                !strcmp(name, "Real") || !strcmp(name, "unix") || !strcmp(name, "linux") ||
                !strcmp(name, "I") || !strcmp(name, "bool") || !strcmp(name, "true") ||
                !strcmp(name, "false") || !strncmp(name, "at__", 4);
    return upper || ours ? str_fmt(c, "%s_v", name) : name;   /* macros of headers are upper case */
}

static bool taken(const Plan *p, const char *name)
{
    static const char *const reserved[] = {"c", "buf", "chunk", "r0", "r1", "lo", "hi", "S", "B",
                                           "chunks", "at", "slab", "scratch", "terms", "position",
                                           "none"};
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (!strcmp(reserved[i], name))
            return true;
    for (size_t i = 0; i < vec_len(p->fn->axes); i++)
        if (map_get(p->axis_var, p->fn->axes[i]) == name)
            return true;
    for (size_t i = 0; i < vec_len(p->buffers); i++)
        if (p->buffers[i]->name && !strcmp(p->buffers[i]->name, name))
            return true;
    return false;
}

/* Short names of indices are kept; axes with long, made-up names get a letter of their own. */
static void name_axes(Plan *p, bool is_short)
{
    static const char letters[] = "ijklmpqruvwxyz";
    size_t at = 0;
    for (size_t i = 0; i < vec_len(p->fn->axes); i++) {
        Axis *a = p->fn->axes[i];
        Str plain = plan_identifier(p->c, a->name), name = plain;
        if ((strlen(plain) <= 2) != is_short)
            continue;
        while (!is_short && letters[at] && taken(p, name = str_n(p->c, letters + at, 1)))
            at++;
        if (!is_short && !letters[at])
            name = plain;
        for (int k = 2; taken(p, name); k++)
            name = str_fmt(p->c, "%s_%d", plain, k);
        map_put(p->axis_var, a, (void *)name);
    }
    if (is_short)
        map_put(p->axis_var, p->chunk, (void *)p->chunk->name);
}

static void name_buffer(Plan *p, Buffer *b)
{
    Str base = b->key && b->space != SPACE_TERMS ? b->key : describe(p, b->node);
    if (b->space == SPACE_GRAD)
        base = str_fmt(p->c, "d_%s", b->key);
    Str plain = plan_identifier(p->c, base), name = plain;
    for (int i = 2; taken(p, name); i++)
        name = str_fmt(p->c, "%s_%d", plain, i);
    b->name = name;
}

/* What a kernel is about: a value of the model it stores, else a term, else anything stored. */
static Str kernel_subject(const Plan *p, const Kernel *k)
{
    Str stored = NULL, term = NULL;
    for (size_t i = 0; i < vec_len(k->nodes); i++) {
        const Node *n = k->nodes[i];
        if (!n->buffer)
            continue;
        if (n->v && n->v->label && is_main(p, n) && strncmp(n->v->label, "d_", 2))
            return plan_identifier(p->c, n->v->label);
        term = n->term >= 0 ? plan_identifier(p->c, term_of(p, n)) : term;
        stored = n->buffer->space == SPACE_TERMS ? stored : n->buffer->name;
    }
    return term ? term : stored ? stored : str(p->c, "loop");
}

static void name_kernels(Plan *p)
{
    int number = 0;
    for (size_t i = 0; i < vec_len(p->phases); i++)
        for (size_t k = 0; k < vec_len(p->phases[i].bodies); k++) {
            Body *b = p->phases[i].bodies[k];
            for (size_t j = 0; j < vec_len(b->kernels); j++) {
                Kernel *kernel = b->kernels[j];
                kernel->name = str_fmt(p->c, "k%d_%s", ++number, kernel_subject(p, kernel));
            }
        }
}

static void add_flops(Plan *p, Node *n)
{
    double one = node_cost(p, n, 1, 1), draw = node_cost(p, n, 1, 2) - one;
    double row = node_cost(p, n, 2, 1) - one - draw;
    p->flops_draw += draw;
    p->flops_row += row;
    p->flops_once += one - row - draw;
    n->body->cost += node_cost(p, n, 100, 1);
}

void plan_buffers(Plan *p)
{
    number_kernels(p);
    for_nodes(p, find_stored);
    for_nodes(p, find_sources);
    for_nodes(p, overwrite);
    assign_slots(p);
    p->axis_var = map_new(p->c);
    name_axes(p, true);
    for (size_t i = 0; i < vec_len(p->buffers); i++)
        name_buffer(p, p->buffers[i]);
    name_axes(p, false);
    name_kernels(p);
    for_nodes(p, add_flops);
}
