/* text.c - small pieces of C: numbers, sizes, addresses. */
#include <math.h>
#include <string.h>

#include "emit.h"

Str text_number(Ctx *c, double x)
{
    if (isnan(x))
        return str(c, "(Real)NAN");
    if (isinf(x))
        return str(c, x > 0 ? "(Real)INFINITY" : "-(Real)INFINITY");
    if (!c->f64 && fabs(x) > 3.4028234e38)             /* a literal out of range is an error */
        return str(c, x > 0 ? "(Real)INFINITY" : "-(Real)INFINITY");
    char text[40];
    for (int digits = c->f64 ? 15 : 6; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, x);
        double back;
        sscanf(text, "%lf", &back);
        if (c->f64 ? back == x : (float)back == (float)x)
            break;
    }
    if (!strpbrk(text, ".e"))
        strcat(text, ".0");
    return str_fmt(c, "%s%s", text, c->f64 ? "" : "f");
}

Str text_double(Ctx *c, double x)
{
    if (isinf(x))
        return str(c, x > 0 ? "INFINITY" : "-INFINITY");
    return isnan(x) ? str(c, "NAN") : str_fmt(c, "%.17g", x);
}

Str text_string(Ctx *c, Str text)
{
    return text ? quote_c(c, text, strlen(text)) : str(c, "NULL");
}

Str text_elem(EmitElem elem)
{
    static const char *const elems[] = { "DGM_ELEM_REAL", "DGM_ELEM_BIT", "DGM_ELEM_COUNT",
                                         "DGM_ELEM_INDEX" };
    return elems[elem];
}

Str text_axes(Ctx *c, const int64_t *shape, int rank)
{
    Str list = "";
    for (int i = 0; i < rank; i++)
        list = str_fmt(c, "%s%s%lld", list, i ? ", " : "", (long long)shape[i]);
    return str_fmt(c, "{%s}", rank ? list : "0");
}

int64_t shape_count(const int64_t *shape, int rank)
{
    int64_t n = 1;
    for (int i = 0; i < rank; i++)
        n *= shape[i];
    return n;
}

Str text_shape(Ctx *c, const int64_t *shape, int rank)
{
    return str_fmt(c, "%d, %s, %lld", rank, text_axes(c, shape, rank),
                   (long long)shape_count(shape, rank));
}

Str text_axis(const Emit *e, const Axis *a)
{
    return map_get(e->p->axis_var, a);
}

Str text_extent(const Emit *e, Extent x)
{
    Str text = str(e->c, "1");
    for (int i = 0; i < x.chunks; i++)
        text = text_product(e, text, str(e->c, "chunks"));
    for (int i = 0; i < x.rows; i++)
        text = text_product(e, text, str(e->c, "B"));
    for (int i = 0; i < x.samples; i++)
        text = text_product(e, text, str(e->c, "S"));
    return text_product(e, text, str_fmt(e->c, "%lld", (long long)x.n));
}

Str text_size(const Emit *e, const Axis *a)
{
    return text_extent(e, extent_axis(e->p, a));
}

static Str bracketed(const Emit *e, Str a)
{
    return strpbrk(a, "+-") && a[0] != '(' ? str_fmt(e->c, "(%s)", a) : a;
}

Str text_product(const Emit *e, Str a, Str b)
{
    if (!strcmp(a, "0") || !strcmp(b, "1"))
        return a;
    if (!strcmp(b, "0") || !strcmp(a, "1"))
        return b;
    return str_fmt(e->c, "%s * %s", bracketed(e, a), bracketed(e, b));
}

Str text_sum(const Emit *e, Str a, Str b)
{
    if (!strcmp(a, "0"))
        return b;
    return !strcmp(b, "0") ? a : str_fmt(e->c, "%s + %s", a, b);
}

static int64_t padded(int64_t n)
{
    return (n + 15) / 16 * 16;
}

long text_param_offset(const Emit *e, Str name)
{
    int64_t at = 0;
    for (size_t i = 0; i < vec_len(e->in->params); i++) {
        const EmitParam *p = &e->in->params[i];
        int64_t count = 1;
        for (int k = 0; k < p->rank; k++)
            count *= p->shape[k];
        if (name && !strcmp(p->name, name))
            return at;
        at += padded(count);
    }
    if (name)
        ice("emit: no parameter `%s`", name);
    return at;
}

static int data_index(const Emit *e, Str name)
{
    for (size_t i = 0; i < vec_len(e->in->data); i++)
        if (!strcmp(e->in->data[i].name, name))
            return (int)i;
    ice("emit: no data `%s`", name);
}

static int given_index(const Emit *e, Str name)
{
    for (size_t i = 0; i < vec_len(e->program->given); i++)
        if (e->program->given[i] == name)
            return (int)i;
    ice("emit: `%s` is not given to %s", name, e->program->name);
}

Str text_base(const Emit *e, const Buffer *b)
{
    switch (b->space) {
    case SPACE_PARAM: case SPACE_GRAD: {
        const char *slab = b->space == SPACE_PARAM ? "c->param" : "c->grad";
        long at = text_param_offset(e, b->key);
        return at ? str_fmt(e->c, "%s + %ld", slab, at) : str(e->c, slab);
    }
    case SPACE_DATA:  return str_fmt(e->c, "c->data[%d]", data_index(e, b->key));
    case SPACE_GIVEN: return str_fmt(e->c, "c->given[%d]", given_index(e, b->key));
    case SPACE_TERMS: return str(e->c, "buf->terms");
    case SPACE_SLAB:  return str_fmt(e->c, "buf->%s", b->name);
    case SPACE_SCALAR: break;
    }
    return text_scalar(e, b);
}

Str text_scalar(const Emit *e, const Buffer *b)
{
    static const char *const names[][2] = {
        {"inv_rows", "1 / (Real)c->B"}, {"inv_total", "1 / (Real)c->N"},
        {"inv_samples", "1 / (Real)c->S"}, {"total", "(Real)c->N"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(b->key, names[i][0]))
            return str(e->c, names[i][1]);
    int term;
    if (sscanf(b->key, "weight_%d", &term) == 1)
        return str_fmt(e->c, "(Real)c->weight[%d]", term);
    ice("emit: no scalar `%s`", b->key);
}

void text_from(const Emit *e, const Body *b, Str *lo, Str *hi)
{
    bool rows = b->domain == e->p->row;
    *lo = str(e->c, rows ? "r0" : "lo");
    *hi = str(e->c, rows ? "r1" : "hi");
}

/* May a line break after text[i]? After a comma or an assignment, or before an operator. */
static bool breakable(const char *text, size_t i)
{
    if (text[i] != ' ')
        return false;
    bool operator = text[i + 1] && strchr("+-*/?:", text[i + 1]) && text[i + 2] == ' ';
    bool assigned = i > 1 && text[i - 1] == '=' && text[i - 2] == ' ';
    return operator || assigned || (i > 0 && text[i - 1] == ',');
}

/* Continuation lines are indented by `pad`. */
void text_wrapped(Out *o, const char *text)
{
    size_t room = 99 - out_column(o), pad = 4;
    while (strlen(text) > room) {
        size_t cut = 0;
        int brackets = 0;
        for (size_t i = 0; i < room; i++) {
            brackets += (text[i] == '[') - (text[i] == ']');
            if (!brackets && breakable(text, i))
                cut = i;
        }
        if (!cut)
            break;
        out_printf(o, "%.*s\n%*s", (int)cut, text, (int)pad, "");
        text += cut + 1;
        room = 99 - out_column(o);
    }
    out_puts(o, text);
}

Str text_place(const Emit *e, const Node *n)
{
    if (!n->v || !n->v->span.src)
        return str(e->c, "");
    const char *path = n->v->span.src->path, *slash = strrchr(path, '/');
    return quote_comment(e->c, str_fmt(e->c, "%s:%d", slash ? slash + 1 : path,
                                       span_line(n->v->span)));
}
