/* read.c - tensor IR from the text of print.c, for tests, dumps and bug reports.
 *
 * Every line is checked: an unknown name, a wrong count or a result type that is not the op's is
 * reported on c->err with its line, and tir_read returns NULL. A `;` separates like a line end.
 * What print.c always writes may be left out: the kind of an input (data if it has axes, else
 * scalar), the number of an output, the type of a result, comments. A comment that begins with a
 * name followed by a comma or the end of the line gives the value's label.
 *
 * requires:    any text
 * establishes: verified IR, or an error message
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "tir_build.h"

typedef struct Reader {
    Ctx *c;
    TirFn *f;
    const char *at;
    int line;
    bool failed;
    Map *values;                       /* Str "%12" -> Tir */
    Map *fns;                          /* Str -> TirFn: steps of sequences, read before */
    int n_outs[4];                     /* by OutKind */
} Reader;

/* What stands between an op's name and the end of its line. */
typedef struct Line {
    Op op;
    Axis *over[LIMIT_RANK], *to[LIMIT_RANK];
    int n_over, n_to;
    int64_t number;                    /* offset or site */
    bool flag;
    TirFn *body;                       /* step of a SCAN */
    Tir *in[3];
    int n_in;
    Axis *axes[LIMIT_RANK];
    int n_axes;
} Line;

static bool fail(Reader *r, const char *what, const char *text)
{
    if (!r->failed)
        fprintf(r->c->err, "tensor IR, line %d: %s%s%s\n", r->line, what, *text ? ": " : "", text);
    r->failed = true;
    return false;
}

/* ---- words ------------------------------------------------------------------------------- */

static void skip_blanks(Reader *r)
{
    while (*r->at == ' ' || *r->at == '\t' || *r->at == '\r')
        r->at++;
}

static bool at_comment(const Reader *r)
{
    return r->at[0] == '/' && r->at[1] == '/';
}

static bool at_end_of_line(Reader *r)
{
    skip_blanks(r);
    return !*r->at || *r->at == '\n' || *r->at == ';' || at_comment(r);
}

static bool accept(Reader *r, const char *mark)
{
    skip_blanks(r);
    size_t n = strlen(mark);
    if (strncmp(r->at, mark, n))
        return false;
    r->at += n;
    return true;
}

static bool expect(Reader *r, const char *mark)
{
    return accept(r, mark) || fail(r, "expected", mark);
}

static bool word_char(const char *p)
{
    unsigned char ch = (unsigned char)*p;
    return isalnum(ch) || ch >= 128 || (ch && strchr("_.%'+", ch))
        || (ch == '-' && p[1] != '>');
}

/* A name or number, NULL if there is none. */
static Str word(Reader *r)
{
    skip_blanks(r);
    const char *start = r->at;
    while (word_char(r->at))
        r->at++;
    if (r->at == start || r->at - start > 4 * LIMIT_NAME) {
        fail(r, "expected", "a name or number");
        return NULL;
    }
    return str_n(r->c, start, (size_t)(r->at - start));
}

static bool integer(Reader *r, int64_t limit, int64_t *value)
{
    Str s = word(r);
    char *end;
    if (!s)
        return false;
    *value = strtoll(s, &end, 10);
    if (*end || *value < 0 || *value > limit)
        return fail(r, "not a number in range", s);
    return true;
}

static Axis *find_axis(Reader *r, Str name)
{
    for (size_t i = 0; i < vec_len(r->f->axes); i++)
        if (r->f->axes[i]->name == name)
            return r->f->axes[i];
    fail(r, "unknown axis", name ? name : "");
    return NULL;
}

static Tir *operand(Reader *r)
{
    Str name = word(r);
    Tir *v = name ? map_get(r->values, name) : NULL;
    if (!v)
        fail(r, "unknown value", name ? name : "");
    return v;
}

/* [n, p] */
static bool axis_list(Reader *r, Axis **axes, int *n)
{
    *n = 0;
    if (!expect(r, "["))
        return false;
    while (!accept(r, "]")) {
        if (*n && !expect(r, ","))
            return false;
        if (*n == LIMIT_RANK)
            return fail(r, "too many axes", "");
        if (!(axes[*n] = find_axis(r, word(r))))
            return false;
        for (int i = 0; i < *n; i++)
            if (axes[i] == axes[*n])
                return fail(r, "axis given twice", axes[i]->name);
        ++*n;
    }
    return true;
}

/* ---- attributes -------------------------------------------------------------------------- */

static bool attribute(Reader *r, Line *l)
{
    if (isdigit((unsigned char)*r->at))
        return integer(r, INT32_MAX, &l->number);
    if (!accept(r, "->")) {
        Str name = word(r);
        if (name && ((l->op == OP_CUMSUM && l->n_over == 1 && !strcmp(name, "reverse"))
                     || (l->op == OP_TRISOLVE && !strcmp(name, "transposed"))))
            return l->flag = true;
        if (l->op == OP_SCAN && l->n_to == 1) {
            if (l->body)
                return l->flag = name && !strcmp(name, "reverse");
            l->body = name ? map_get(r->fns, name) : NULL;
            return l->body || fail(r, "unknown fn", name ? name : "");
        }
        if (l->op == OP_SPLIT && l->n_to == 1)
            return (l->to[l->n_to++] = find_axis(r, name)) != NULL;
        if (l->n_over == LIMIT_RANK)
            return fail(r, "too many axes", "");
        if (!(l->over[l->n_over] = find_axis(r, name)))
            return false;
        l->n_over++;
        if (!accept(r, "->"))
            return true;
    }
    if (l->n_to == LIMIT_RANK)
        return fail(r, "too many axes", "");
    return (l->to[l->n_to++] = find_axis(r, word(r))) != NULL;
}

static bool attributes(Reader *r, Line *l)
{
    if (!accept(r, "{"))
        return true;
    while (!accept(r, "}")) {
        if (!attribute(r, l))
            return false;
        skip_blanks(r);
        if (*r->at != '}' && !expect(r, ","))
            return false;
        skip_blanks(r);
    }
    return true;
}

/* ---- building a line; what the builders would ice() about is an error here --------------- */

static bool has_all(const Tir *v, Axis *const *axes, int n)
{
    for (int i = 0; i < n; i++)
        if (!tir_has_axis(v, axes[i]))
            return false;
    return true;
}

static Tir *bad(Reader *r, const char *what)
{
    fail(r, what, "");
    return NULL;
}

static bool square(const Line *l, const Tir *a)
{
    return has_all(a, l->over, 2) && l->over[0] != l->over[1] && l->over[0]->size
        && l->over[0]->size == l->over[1]->size;
}

static bool has_over(const Line *l, const Axis *a)
{
    for (int i = 0; i < l->n_over; i++)
        if (l->over[i] == a)
            return true;
    return false;
}

static Tir *build_matrix(Reader *r, Line *l)
{
    Axis **o = l->over;
    if (l->op != OP_TRISOLVE)
        return l->n_over == 2 && square(l, l->in[0])
             ? tir_matrix(r->f, l->op, l->in[0], o[0], o[1])
             : bad(r, "a square matrix is over {rows, columns}");
    Tir *L = l->in[0], *b = l->in[1];
    if (l->n_over != 3 || !square(l, L) || !tir_has_axis(b, o[2]) || o[2]->size != o[0]->size)
        return bad(r, "trisolve{rows, columns, axis}");
    for (int i = 0; i < 2; i++)
        if (o[i] != o[2] && tir_has_axis(b, o[i]))
            return bad(r, "trisolve: the right side has an axis of the matrix");
    if (tir_has_axis(L, o[2]) && o[2] != o[0] && o[2] != o[1])
        return bad(r, "trisolve along a batch axis of the matrix");
    return tir_trisolve(r->f, L, o[0], o[1], l->flag, b, o[2]);
}

static Tir *build_scan(Reader *r, Line *l)
{
    if (l->n_over != 4 || l->n_to != 1 || !l->body)
        return bad(r, "scan{steps, state, each, fixed -> result, STEP}");
    Axis *result = l->to[0];
    bool fits = result->size == tir_scan_result(l->body)->size && l->over[0]->size
             && l->over[1]->size <= result->size;
    for (int k = 0; k < 3; k++) {
        int64_t size = tir_scan_size(l->body, k);
        fits = fits && l->over[k + 1]->size && (!size || size == l->over[k + 1]->size);
        for (int i = 0; i < k + 1; i++)
            fits = fits && l->over[i] != l->over[k + 1];
        for (int i = 0; i < l->in[k]->n_axes; i++)
            for (int j = 0; j < 5; j++) {
                const Axis *other = j < 4 ? l->over[j] : result;
                bool own = j == k + 1 || (k == SCAN_EACH && j == 0);
                fits = fits && (own || l->in[k]->axes[i] != other);
            }
    }
    return fits ? tir_scan(r->f, l->body, l->over[0], l->flag, l->in, l->over + 1, result)
                : bad(r, "the vectors of a scan do not fit its step");
}

static Tir *build_moved(Reader *r, Line *l)
{
    Tir *a = l->in[0];
    if (l->n_over != 1 || l->n_to != 1 || !has_all(a, l->over, 1))
        return bad(r, "expected {from -> to, offset}");
    int64_t from = l->over[0]->size, to = l->to[0]->size, end = l->number;
    end += l->op == OP_SLICE ? to : from;
    if (!from || !to || end > (l->op == OP_SLICE ? from : to))
        return bad(r, "the range leaves the axis");
    return l->op == OP_SLICE ? tir_slice(r->f, a, l->over[0], l->to[0], l->number)
                             : tir_pad(r->f, a, l->over[0], l->to[0], l->number);
}

static Tir *build_points(Reader *r, Line *l)
{
    bool split = l->op == OP_SPLIT;
    Axis **two = split ? l->to : l->over, *one = split ? l->over[0] : l->to[0];
    if (l->n_over != (split ? 1 : 2) || l->n_to != (split ? 2 : 1)
        || !has_all(l->in[0], l->over, l->n_over))
        return bad(r, "flatten{a, b -> one} or split{one -> a, b}");
    if (!two[0]->size || !two[1]->size || two[0] == two[1] || one->size % two[0]->size
        || one->size / two[0]->size != two[1]->size)
        return bad(r, "two axes have other points than the one");
    for (int i = 0; i < l->n_to; i++)
        if (tir_has_axis(l->in[0], l->to[i]) && !has_over(l, l->to[i]))
            return bad(r, "an axis that the operand keeps");
    return split ? tir_split(r->f, l->in[0], one, two) : tir_flatten(r->f, l->in[0], two, one);
}

static Tir *build_scatter(Reader *r, Line *l)
{
    if (l->n_to != 1 || !l->to[0]->size)
        return bad(r, "scatter{summed -> to}");
    bool keeps = tir_has_axis(l->in[0], l->to[0]) || tir_has_axis(l->in[1], l->to[0]);
    for (int i = 0; i < l->n_over; i++) {
        keeps = keeps && l->over[i] != l->to[0];
        if (!tir_has_axis(l->in[0], l->over[i]) && !tir_has_axis(l->in[1], l->over[i]))
            return bad(r, "scatter over an axis that the operands lack");
    }
    if (keeps)
        return bad(r, "scatter along an axis that the operands keep");
    return tir_scatter(r->f, l->in[0], l->in[1], l->over, l->n_over, l->to[0]);
}

static Tir *build_rename(Reader *r, Line *l)
{
    if (!l->n_over || l->n_to != l->n_over || !has_all(l->in[0], l->over, l->n_over))
        return bad(r, "rename{axis -> axis}");
    for (int i = 0; i < l->n_over; i++)
        if (l->over[i]->size != l->to[i]->size || l->over[i] == l->to[i])
            return bad(r, "rename between axes of different sizes, or to itself");
    return tir_rename(r->f, l->in[0], l->over, l->to, l->n_over);
}

static Tir *build_expand(Reader *r, Line *l)
{
    if (l->n_over)
        return tir_expand(r->f, l->in[0], l->over, l->n_over);
    if (l->n_axes != l->in[0]->n_axes || !has_all(l->in[0], l->axes, l->n_axes))
        return bad(r, "expand{} is a copy in another order");
    Tir v = { .op = OP_EXPAND, .n_in = 1, .in = { l->in[0] }, .n_axes = l->n_axes };
    memcpy(v.axes, l->axes, sizeof v.axes);
    return tir_intern(r->f, &v);
}

static Tir *build_shape(Reader *r, Line *l)
{
    Tir *a = l->in[0], *b = l->in[1];
    if (l->op == OP_EXPAND)
        return build_expand(r, l);
    if (!l->n_over && l->op != OP_SCATTER)
        return bad(r, "axes expected in braces");
    bool in_a = l->op != OP_SCAN && has_all(a, l->over, l->n_over);
    switch (l->op) {
    case OP_RENAME:   return build_rename(r, l);
    case OP_SUM: case OP_MAXIMUM: case OP_LOGSUMEXP:
        return in_a ? tir_reduce(r->f, l->op, a, l->over, l->n_over)
                    : bad(r, "reduction over an axis the operand lacks");
    case OP_CONTRACT:
        return in_a && has_all(b, l->over, l->n_over)
            ? tir_contract(r->f, a, b, l->over, l->n_over)
            : bad(r, "contraction over an axis an operand lacks");
    case OP_GATHER:
        return in_a && l->n_over == 1 ? tir_gather(r->f, a, l->over[0], b)
                                      : bad(r, "gather{axis}");
    case OP_CUMSUM:
        return in_a && l->n_over == 1 ? tir_cumsum(r->f, a, l->over[0], l->flag)
                                      : bad(r, "cumsum{axis}");
    case OP_SCATTER:  return build_scatter(r, l);
    case OP_SLICE: case OP_PAD:
        return build_moved(r, l);
    case OP_FLATTEN: case OP_SPLIT:
        return build_points(r, l);
    case OP_SCAN:     return build_scan(r, l);
    default:          return build_matrix(r, l);
    }
}

/* ---- sources ----------------------------------------------------------------------------- */

static Tir *read_const(Reader *r)
{
    Str s = word(r);
    char *end;
    if (!s)
        return NULL;
    double value = strtod(s, &end);
    return *end ? bad(r, "expected a number") : tir_const(r->f, value);
}

static Tir *read_input(Reader *r)
{
    static const char *const kinds[] = { "param", "data", "scalar", "given" };
    Line l = { .n_axes = 0 };
    Str name = word(r);
    int kind = -1;
    skip_blanks(r);
    for (int k = 0; name && k < 4 && *r->at != '['; k++)
        if (!strcmp(name, kinds[k]))
            kind = k;
    if (kind >= 0)
        name = word(r);
    if (!name || !axis_list(r, l.axes, &l.n_axes))
        return NULL;
    if (kind < 0)
        kind = l.n_axes ? INPUT_DATA : INPUT_SCALAR;
    if (kind == INPUT_SCALAR && l.n_axes)
        return bad(r, "a scalar of the run has no axes");
    for (int i = 1; i < l.n_axes; i++)
        if (l.axes[i]->kind == AXIS_ROW)
            return bad(r, "the row axis comes first");
    return tir_input(r->f, (InputKind)kind, name, l.axes, l.n_axes);
}

static Tir *read_source(Reader *r, Op op)
{
    if (op == OP_CONST)
        return read_const(r);
    if (op == OP_INPUT)
        return read_input(r);
    Axis *a = find_axis(r, word(r));
    return a ? tir_iota(r->f, a) : NULL;
}

/* ---- lines ------------------------------------------------------------------------------- */

/* A result too large in rank is the text's mistake, not ours. */
static bool rank_ok(Reader *r, const Line *l)
{
    AxisSet s = { .n = 0 };
    for (int k = 0; k < l->n_in; k++)
        for (int i = 0; i < l->in[k]->n_axes; i++)
            axes_add(&s, l->in[k]->axes[i]);
    for (int i = 0; i < l->n_over && l->op == OP_EXPAND; i++)
        if (!axes_has(&s, l->over[i]) && s.n < 2 * LIMIT_RANK)
            axes_add(&s, l->over[i]);
    bool grows = l->op == OP_SCATTER || l->op == OP_SPLIT;
    return s.n < LIMIT_RANK || (s.n == LIMIT_RANK && !grows)
        || fail(r, "too many axes", "");
}

static Tir *read_operation(Reader *r, Op op)
{
    Line l = { .op = op };
    const OpInfo *info = &op_info[op];
    if (!attributes(r, &l))
        return NULL;
    while (!r->failed && !at_end_of_line(r) && *r->at != ':') {
        if (l.n_in == 3)
            return bad(r, "too many operands");
        l.in[l.n_in++] = operand(r);
    }
    bool typed = accept(r, ":");
    if (r->failed || (typed && !axis_list(r, l.axes, &l.n_axes)))
        return NULL;
    if (l.n_in != info->arity)
        return bad(r, "wrong number of operands");
    if (!rank_ok(r, &l))
        return NULL;
    Tir *v;
    if (info->kind == OP_KIND_MAP)
        v = tir_map(r->f, op, l.in[0], l.in[1], l.in[2]);
    else if (info->kind == OP_KIND_RANDOM)
        v = tir_random(r->f, op, (int)l.number, l.in, l.axes, l.n_axes);
    else
        v = build_shape(r, &l);
    if (!v || !typed)
        return v;
    if (v->n_axes != l.n_axes || !has_all(v, l.axes, l.n_axes))
        return bad(r, "the result has other axes");
    return tir_relayout(r->f, v, l.axes, l.n_axes);
}

static void read_label(Reader *r, Tir *v)
{
    skip_blanks(r);
    if (!at_comment(r))
        return;
    r->at += 2;
    skip_blanks(r);
    const char *start = r->at;
    while (word_char(r->at))
        r->at++;
    if (r->at > start && (*r->at == ',' || *r->at == '\n' || !*r->at))
        tir_label(v, str_n(r->c, start, (size_t)(r->at - start)), NOSPAN);
    while (*r->at && *r->at != '\n')
        r->at++;
}

static void read_value(Reader *r, Str name)
{
    if (!expect(r, "="))
        return;
    Str op_name = word(r);
    int op = op_name ? op_by_name(op_name, strlen(op_name)) : -1;
    if (op < 0) {
        fail(r, "unknown operation", op_name ? op_name : "");
        return;
    }
    Tir *v = op_info[op].kind == OP_KIND_SOURCE ? read_source(r, (Op)op)
                                                : read_operation(r, (Op)op);
    if (!v || r->failed)
        return;
    if (map_get(r->values, name))
        fail(r, "value defined twice", name);
    map_put(r->values, name, v);
    read_label(r, v);
}

static void read_axis(Reader *r)
{
    static const char *const kinds[] = { "row", "plate", "sample", "event" };
    Str name = word(r), kind = word(r);
    int k = 0;
    while (kind && k < 4 && strcmp(kind, kinds[k]))
        k++;
    if (r->failed || k == 4) {
        fail(r, "expected", "axis NAME row|plate|sample|event");
        return;
    }
    bool at_run_time = k == AXIS_ROW || k == AXIS_SAMPLE;
    int64_t size = 0;
    if (!at_run_time && (!integer(r, LIMIT_SIZE, &size) || !size)) {
        fail(r, "an axis needs a size", name);
        return;
    }
    for (size_t i = 0; i < vec_len(r->f->axes); i++)
        if (r->f->axes[i]->name == name || (at_run_time && (int)r->f->axes[i]->kind == k)) {
            fail(r, "axis or its kind defined twice", name);
            return;
        }
    tir_axis(r->f, (AxisKind)k, name, size);
}

static void read_out(Reader *r, OutKind kind)
{
    int64_t index = r->n_outs[kind]++;
    skip_blanks(r);
    if (isdigit((unsigned char)*r->at) && !integer(r, INT32_MAX, &index))
        return;
    Str name = word(r);
    Tir *v = operand(r);
    if (v && (kind == OUT_TERM || kind == OUT_SURROGATE) && v->n_axes)
        fail(r, "a term is not a scalar", name);
    Line l = { .n_axes = 0 };
    bool laid_out = kind == OUT_VALUE && !at_end_of_line(r) && axis_list(r, l.axes, &l.n_axes);
    if (laid_out && !r->failed && (v->n_axes != l.n_axes || !has_all(v, l.axes, l.n_axes)))
        fail(r, "the layout has other axes than the value", name);
    if (!r->failed && laid_out)
        tir_out_layout(r->f, name, (int)index, v, l.axes, l.n_axes);
    else if (!r->failed)
        tir_out(r->f, kind, name, (int)index, v);
}

/* A fn before the last one is the step of a sequence. */
static void read_fn(Reader *r)
{
    if (r->f && (map_get(r->fns, r->f->name) || !tir_is_step(r->f))) {
        fail(r, "a second fn of this name, or no step of a scan:", r->f->name);
        return;
    }
    if (r->f)
        map_put(r->fns, r->f->name, r->f);
    Str name = word(r);
    r->f = name ? tir_fn(r->c, name) : NULL;
    r->values = map_new(r->c);
    memset(r->n_outs, 0, sizeof r->n_outs);
}

static void read_line(Reader *r)
{
    Str first = word(r);
    if (!first)
        return;
    if (!r->f && strcmp(first, "fn"))
        fail(r, "expected", "fn NAME");
    else if (!strcmp(first, "fn"))
        read_fn(r);
    else if (r->failed)
        return;
    else if (!strcmp(first, "axis"))
        read_axis(r);
    else if (!strcmp(first, "term"))
        read_out(r, OUT_TERM);
    else if (!strcmp(first, "surrogate"))
        read_out(r, OUT_SURROGATE);
    else if (!strcmp(first, "grad"))
        read_out(r, OUT_GRAD);
    else if (!strcmp(first, "out"))
        read_out(r, OUT_VALUE);
    else if (*first == '%')
        read_value(r, first);
    else
        fail(r, "unknown line", first);
}

TirFn *tir_read(Ctx *c, const char *text)
{
    Reader r = { .c = c, .at = text, .line = 1, .fns = map_new(c) };
    while (*r.at && !r.failed) {
        if (!at_end_of_line(&r)) {
            read_line(&r);
            if (!r.failed && !at_end_of_line(&r))
                fail(&r, "not understood", word(&r) ? "" : "punctuation");
        }
        if (at_comment(&r))
            while (*r.at && *r.at != '\n')
                r.at++;
        if (*r.at == '\n')
            r.line++;
        if (*r.at == '\n' || *r.at == ';')
            r.at++;
    }
    if (!r.f && !r.failed)
        fail(&r, "no fn", "");
    return r.failed ? NULL : r.f;
}
