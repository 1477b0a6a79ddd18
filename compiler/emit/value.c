/* value.c - what the value of a node is in the C text: an address, an expression or a name.
 *
 * Idea: an operand is a constant, a local variable of the loop, text written into its one user, or
 * an element of a buffer. Asking for it notes what the function's parameters have to be.
 */
#include <ctype.h>
#include <string.h>

#include "../plan/loops.h"
#include "value.h"

/* How tightly the outermost operator of a text binds. */
enum { PREC_SUM = 1, PREC_PRODUCT, PREC_ATOM };

/* ---- addresses ------------------------------------------------------------------------------- */

void value_buffer(Printer *q, Buffer *b)
{
    if (b->space == SPACE_TERMS)
        q->terms = true;
    for (size_t i = 0; i < vec_len(q->buffers); i++)
        if (q->buffers[i] == b)
            return;
    vec_push(q->e->c, q->buffers, b);
}

Str value_extent(Printer *q, Extent x)
{
    q->rows |= x.rows > 0;
    q->samples |= x.samples > 0;
    q->chunks |= x.chunks > 0;
    return text_extent(q->e, x);
}

/* Along axis `part` of the operand of a FLATTEN, or along that of a SPLIT. */
static Str point_text(Printer *q, const Node *n, const Axis *part)
{
    Ctx *c = q->e->c;
    Str a = text_axis(q->e, n->to[0]);
    if (n->op == OP_FLATTEN && flat_in_place(n))
        return part == n->over[0] ? str(c, "0") : a;
    if (n->op == OP_SPLIT)
        return str_fmt(c, "(%s)",
                       text_sum(q->e, text_product(q->e, a, value_extent(q, extent_axis(
                                q->e->p, n->to[1]))), text_axis(q->e, n->to[1])));
    return str_fmt(c, "(%s %s %lld)", a, part == n->over[0] ? "/" : "%",
                   (long long)n->over[1]->size);
}

static Str dynamic_index(Printer *q, const Node *gather, Extent size)
{
    Value v = value_operand(q, gather, 1);
    return str_fmt(q->e->c, "position(%s, %s)", v.text, value_extent(q, size));
}

Str value_index(Printer *q, const Use *u, const Node *gather)
{
    Ctx *c = q->e->c;
    Str sum = str(c, "0");
    const Node *n = u->node;
    for (int i = 0; i < n->n_axes; i++) {
        Str at = str_fmt(c, "%lld", (long long)u->shift[i]);
        if (!u->index[i]) {
            bool computed = gather->op != OP_FLATTEN && gather->op != OP_SPLIT;
            at = computed ? dynamic_index(q, gather, extent_axis(q->e->p, n->axes[i]))
                          : point_text(q, gather, u->part[i]);
        } else if (u->index[i] != axis_fixed) {
            q->chunk |= u->index[i] == q->e->p->chunk;
            at = text_axis(q->e, u->index[i]);
        }
        if (u->shift[i] && u->index[i] != axis_fixed)
            at = str_fmt(c, "(%s %c %lld)", at, u->shift[i] < 0 ? '-' : '+',
                         (long long)(u->shift[i] < 0 ? -u->shift[i] : u->shift[i]));
        Str stride = value_extent(q, node_stride(q->e->p, n, i));
        sum = text_sum(q->e, sum, text_product(q->e, at, stride));
    }
    return sum;
}

static Str term_cell(Printer *q, const Node *n)
{
    int columns = (int)vec_len(q->e->program->terms);
    value_buffer(q, n->buffer);
    if (!n->partial)
        return str_fmt(q->e->c, "terms[%d]", n->term);
    q->chunk = true;
    return str_fmt(q->e->c, "terms[chunk * %d + %d]", columns, n->term);
}

Str value_cell(Printer *q, Node *n)
{
    if (n->buffer->space == SPACE_TERMS)
        return term_cell(q, n);
    Use u = use_whole(n);
    value_buffer(q, n->buffer);
    return str_fmt(q->e->c, "%s[%s]", n->buffer->name, value_index(q, &u, NULL));
}

/* ---- expressions ----------------------------------------------------------------------------- */

Value value_atom(Str text)
{
    return (Value){text, PREC_ATOM};
}

static Value constant(Printer *q, double x)
{
    Str text = text_number(q->e->c, x);
    return (Value){text, text[0] == '-' ? PREC_SUM : PREC_ATOM};
}

Value value_operand(Printer *q, const Node *user, int i)
{
    const Use *u = &user->in[i];
    Node *n = u->node;
    if (n->op == OP_CONST)
        return constant(q, n->num);
    if (node_is_scalar_input(n)) {
        value_buffer(q, n->buffer);
        return value_atom(n->buffer->name);
    }
    if (n->class == NODE_LOOP && loops_local(user, u)) {
        Value *v = map_get(q->values, n);
        if (!v)
            ice("emit: %%%d has no text yet", n->id);
        return *v;
    }
    Str old = map_get(q->old, n->buffer);
    if (old && n->kernel != q->k)
        return value_atom(old);
    value_buffer(q, n->buffer);
    return value_atom(str_fmt(q->e->c, "%s[%s]", n->buffer->name, value_index(q, u, user)));
}

static int needed_prec(const Node *n, int i)
{
    switch (n->op) {
    case OP_ADD: case OP_SUB: return i == 0 ? PREC_SUM : PREC_PRODUCT;
    case OP_MUL: case OP_DIV: return i == 0 ? PREC_PRODUCT : PREC_ATOM;
    default:                  return PREC_ATOM;
    }
}

static int own_prec(const Node *n)
{
    switch (n->op) {
    case OP_ADD: case OP_SUB: case OP_NEG: return PREC_SUM;
    case OP_MUL: case OP_DIV:              return PREC_PRODUCT;
    default:                               return PREC_ATOM;
    }
}

static bool word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* Is ctext[i] one of the operand letters, standing alone? */
static int letter_at(const char *t, size_t i)
{
    bool alone = (i == 0 || !word(t[i - 1])) && !word(t[i + 1]);
    return alone && t[i] >= 'a' && t[i] <= 'c' ? t[i] - 'a' : -1;
}

int value_mentions(const Node *n, int operand)
{
    int count = 0;
    const char *t = op_info[n->op].ctext;
    for (size_t i = 0; t[i]; i++)
        count += letter_at(t, i) == operand;
    return count;
}

static bool whole_argument(const char *t, size_t i)
{
    bool before = i > 0 && (t[i - 1] == '(' || (i > 1 && t[i - 1] == ' ' && t[i - 2] == ','));
    return before && (t[i + 1] == ')' || t[i + 1] == ',');
}

/* The op's C text with operands in place of letters. */
static Value map_text(Printer *q, const Node *n)
{
    Out *o = out_new(q->e->c);
    const char *t = op_info[n->op].ctext;
    for (size_t i = 0; t[i]; i++) {
        int k = letter_at(t, i);
        if (k < 0) {
            out_printf(o, "%c", t[i]);
            continue;
        }
        Value v = value_operand(q, n, k);
        bool plain = v.prec >= needed_prec(n, k) || whole_argument(t, i);
        out_printf(o, plain ? "%s" : "(%s)", v.text);
    }
    return (Value){str(q->e->c, out_text(o, NULL)), own_prec(n)};
}

static Value pad_text(Printer *q, const Node *n)
{
    Str i = text_axis(q->e, n->to[0]);
    int64_t from = n->v->offset, to = from + n->over[0]->size;
    return value_atom(str_fmt(q->e->c, "(%s >= %lld && %s < %lld ? %s : 0)", i, (long long)from, i,
                              (long long)to, value_operand(q, n, 0).text));
}

Value value_text(Printer *q, const Node *n)
{
    switch (n->op) {
    case OP_IOTA:
        return value_atom(str_fmt(q->e->c, "(Real)%s", text_axis(q->e, n->axes[0])));
    case OP_PAD:
        return pad_text(q, n);
    case OP_GATHER: case OP_FLATTEN: case OP_SPLIT: case OP_STOP_GRADIENT: case OP_SUM:
    case OP_MAXIMUM:
        return value_operand(q, n, 0);
    default:
        return map_text(q, n);
    }
}

/* ---- names ----------------------------------------------------------------------------------- */

bool value_name_taken(const Printer *q, Str name)
{
    for (size_t i = 0; i < vec_len(q->names); i++)
        if (q->names[i] == name)
            return true;
    for (size_t i = 0; i < vec_len(q->e->p->buffers); i++)
        if (q->e->p->buffers[i]->name == name)
            return true;
    static const char *const others[] = {"r0", "r1", "lo", "hi", "S", "B", "chunks", "chunk",
                                         "terms", "position", "c", "buf"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (!strcmp(others[i], name))
            return true;
    for (size_t i = 0; i < vec_len(q->e->p->fn->axes); i++)
        if (text_axis(q->e, q->e->p->fn->axes[i]) == name)
            return true;
    return false;
}

Str value_new_name(Printer *q, Str plain)
{
    Str name = plain;
    for (int i = 1; value_name_taken(q, name); i++)
        name = str_fmt(q->e->c, "%s_%d", plain, i);
    vec_push(q->e->c, q->names, name);
    return name;
}

Str value_local_name(Printer *q, const Node *n)
{
    Ctx *c = q->e->c;
    const Use *u = n->v ? map_get(q->e->p->use_of, n->v) : NULL;
    const Node *main = u ? u->node : NULL;
    bool own = main && (main == n || main == n->clone_of);
    Str base = n->v && n->v->label && own ? n->v->label : str(c, op_info[n->op].name);
    return value_new_name(q, plan_identifier(c, base));
}

void value_set(Printer *q, const Node *n, Value v)
{
    Value *copy = arena_alloc(q->e->c->arena, sizeof *copy);
    *copy = v;
    map_put(q->values, n, copy);
}
