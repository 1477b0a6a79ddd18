/* model.c - statements of models, families and bodies, in order: declarations, plates, sites.
 *
 * Idea: a declared name has a type of its own, plus the plates it stands in as leading array axes.
 * FORs over one size at one level are one plate, also when a family opens it again.
 */
#include "check.h"

#include <math.h>
#include <string.h>

/* ---- declarations ---------------------------------------------------------------------------- */
Size **plate_sizes(Check *s)
{
    Size **sizes = NULL;
    for (size_t i = 0; i < vec_len(s->plates); i++) {
        Size *size = s->plates[i]->type && !is_bad(s->plates[i]->type)
                   ? binder_size(s, s->plates[i]) : NULL;
        vec_push(s->c, sizes, size ? size : size_opaque(s->c, s->plates[i]->name));
    }
    return sizes;
}

Type *with_axes(Check *s, Type *own, Size **axes)
{
    if (is_bad(own) || !vec_len(axes)) return own;
    Type *t = type_copy(s, own);
    if (own->kind == KIND_RECORD) {
        t->fields = NULL;
        for (size_t i = 0; i < vec_len(own->fields); i++)
            vec_push(s->c, t->fields, with_axes(s, own->fields[i], axes));
        return t;
    }
    t->array = sizes_join(s, axes, own->array);
    if (vec_len(t->array)) t->size = NULL;
    return t;
}

void note_plates(Check *s, Ast *name)
{
    PlateList *list = arena_alloc(s->c->arena, sizeof *list);
    for (size_t i = 0; i < vec_len(s->plates); i++) vec_push(s->c, list->binders, s->plates[i]);
    map_put(s->plates_of, name, list);
}

/* Gives a declared name its type; in a model, with the plates around it. */
static void declare_type(Check *s, Ast *name, Type *own)
{
    if (s->frame) {
        set_type(s, name, own);
        return;
    }
    note_plates(s, name);
    name->type = with_axes(s, own, plate_sizes(s));
}

/* Axes on a name: indices are opened, sizes collected; false after an error. */
bool name_axes(Check *s, Ast *name, Size ***axes)
{
    bool good = true;
    *axes = NULL;
    for (size_t i = 0; i < vec_len(name->kids); i++) {
        Ast *axis = name->kids[i];
        Size *size;
        if (axis->kind == AST_BINDER) {
            size = is_bad(infer_binder(s, axis)) ? NULL : binder_size(s, axis);
        } else {
            size = infer_size(s, axis);
        }
        if (size) vec_push(s->c, *axes, size);
        else good = false;
    }
    int64_t n;
    for (size_t i = 0; i < vec_len(*axes); i++)
        if (size_value(s->c, (*axes)[i], &n, NULL) && n < 1) {
            FAIL(s, E_SIZE_VALUE, name->span, size_text(s->c, (*axes)[i]), (long long)n);
            good = false;
        }
    return good;
}

/* Bounds that are no numbers: the range of the type holds all that they may be. */
static bool has_computed_bounds(const Type *t)
{
    for (size_t i = 0; i < vec_len(t->bounds); i++) {
        const Type *bound = t->bounds[i]->type;
        if (!bound || bound->kind != KIND_VALUE || bound->range.lo != bound->range.hi) return true;
    }
    return false;
}

/* A latent takes the narrower of its declared support and the law's. */
static Type *narrower(Check *s, Type *own, const Type *law)
{
    if (is_bad(own) || is_bad(law) || law->any_event || own->core) return own;
    if (has_computed_bounds(own)) return own;
    const Type *of = law->of;
    bool smaller = range_inside(of->range, own->range)
                && !(own->range.lo == of->range.lo && own->range.hi == of->range.hi);
    smaller |= range_inside(of->range, own->range) && vec_len(of->bounds) && !vec_len(own->bounds);
    bool discrete = of->elem != ELEM_REAL && own->elem == ELEM_REAL;
    if (!smaller && !discrete && !(of->core && of->core <= (int)vec_len(own->event))) return own;
    if (of->elem == ELEM_REAL && own->elem != ELEM_REAL) return own;
    Type *t = type_copy(s, of);
    t->event = own->event;
    t->array = own->array;
    t->declared = true;
    return t;
}

/* Why a number cannot be where a parameter of this type starts, or NULL. */
static Str init_misfit(Check *s, const Type *t, const Type *declared)
{
    if (!is_scalar(t)) return str_fmt(s->c, "it is %s", type_text(s->c, t));
    if (declared->core) return str(s->c, "its elements cannot all be one number");
    bool known = t->range.lo == t->range.hi;
    bool inside = t->range.lo > declared->range.lo && t->range.lo < declared->range.hi;
    return known && !inside ? str(s->c, "it is not inside the support") : NULL;
}

/* Where a parameter starts: a law on the unconstrained scale, or a number of its own support. */
static void infer_init(Check *s, Ast *init, const Type *declared)
{
    if (law_called(init)) {
        infer_law(s, init, declared);
        return;
    }
    Type *t = infer_element(s, init);
    if (is_bad(t) || is_bad(declared)) return;
    Str why = init_misfit(s, t, declared);
    if (!why) return;
    FAIL(s, E_INIT, init->span, fmt_expr(s->c, init), type_text(s->c, declared), why);
    diag_help(s->c,
              "write a number inside, or draw on the unconstrained scale: `init normal(0, 0.1)`");
}

static void infer_drawn(Check *s, Ast *st, Ast *names, Ast *type, Ast *law, bool latent)
{
    Type *declared = NULL;
    bool joint = latent && st->num == 1;
    size_t n = list_len(names);
    Type **own = NULL;
    Size **axes = NULL;
    for (size_t i = 0; i < n; i++) {
        bool good = name_axes(s, names->kids[i], &axes);
        if (!declared) declared = type ? type_from_ast(s, type) : type_real(s, NULL);
        Type *t = type_copy(s, good ? declared : type_bad(s));
        t->array = sizes_join(s, axes, declared->array);
        vec_push(s->c, own, t);
        declare_type(s, names->kids[i], t);
    }
    if (!law) {
        if (latent && !s->frame) {
            FAIL(s, E_LATENT_NO_LAW, names->kids[0]->span, names->kids[0]->name);
            diag_help(s->c, "write `~ flat` for density 1 on the declared support");
        }
        return;
    }
    const Type *event = declared;
    if (joint && !is_bad(declared)) {
        Type *all = type_copy(s, declared);
        all->event = NULL;
        vec_push(s->c, all->event, size_const(s->c, (int64_t)n));
        all->event = sizes_join(s, all->event, declared->event);
        event = all;
    }
    Type *t = infer_law(s, law, event);
    if (is_bad(t) || is_bad(declared)) return;
    if (!check_site_law(s, event, names->kids[0], law, t, st->kind)) return;
    for (size_t i = 0; i < n && latent && !joint; i++)
        declare_type(s, names->kids[i], narrower(s, own[i], t));
}

/* `index(K) from 1`. */
static void infer_labels(Check *s, Ast *st, const Type *declared)
{
    Ast *from = st->kids[DATA_FROM], *name = st->kids[DATA_NAMES]->kids[0];
    if (!from || is_bad(declared)) return;
    if (declared->elem != ELEM_INDEX) {
        FAIL(s, E_LABELS, from->span, name->name, type_text(s->c, declared));
        diag_note(s->c, name->span, "declared here");
        diag_help(s->c, "leave out `from %s`, or declare labels: `index(K) from 1`", from->name);
    } else if (floor(from->num) != from->num) {
        FAIL(s, E_INDEX_TYPE, from->span, from->name, "real");
        diag_help(s->c, "labels that start at 1 are `index(K) from 1`");
    }
}

static void infer_data(Check *s, Ast *st)
{
    Ast *names = st->kids[DATA_NAMES], *type = st->kids[DATA_TYPE];
    Type *declared = NULL;
    for (size_t i = 0; i < list_len(names); i++) {
        Size **axes;
        bool good = name_axes(s, names->kids[i], &axes);
        if (!declared) declared = type ? type_from_ast(s, type) : type_real(s, NULL);
        Type *t = type_copy(s, good ? declared : type_bad(s));
        t->array = axes;
        if (!vec_len(axes) && !vec_len(t->event) && t->kind == KIND_VALUE && t->elem != ELEM_REAL)
            t->size = size_name(s->c, names->kids[i]->name);
        declare_type(s, names->kids[i], t);
    }
    infer_labels(s, st, declared);
    Ast *missing = st->kids[DATA_MISSING];
    if (missing && !(missing->kind == AST_NAME && !missing->decl)) infer_element(s, missing);
}

static void infer_let(Check *s, Ast *names, Ast *value)
{
    Ast *name = names->kids[0];
    Size **axes;
    size_t guards = vec_len(s->guarded);
    bool good = name_axes(s, name, &axes);
    if (!s->frame) note_plates(s, name);               /* in a scan it may read its own past */
    Type *t = infer_own_past(s, name, axes, value);
    if (s->guarded) ((size_t *)s->guarded)[-1] = guards;
    if (t->kind == KIND_DIST && vec_len(axes)) {
        FAIL(s, E_NOT_VALUE, value->span, fmt_expr(s->c, value), type_text(s->c, t));
        t = type_bad(s);
    }
    if (vec_len(axes) && t->kind == KIND_VALUE && vec_len(t->array))
        t = as_element(s, value, t);
    if (t->kind == KIND_VALUE && t->declared) {
        t = type_copy(s, t);
        t->declared = false;
    }
    if (t->kind == KIND_VALUE || t->kind == KIND_RECORD) t = with_axes(s, t, axes);
    declare_type(s, name, good && check_assumed(s, name, t) ? t : type_bad(s));
}

/* Numbers and arrays have a mean and quantiles. */
static void check_reported(Check *s, Ast *report)
{
    const Type *t = report->kids[REPORT_VALUE]->type;
    Ast *value = report->kids[REPORT_VALUE], *name = report->kids[REPORT_NAMES]->kids[0];
    if (is_bad(t) || is_bad(name->type) || t->kind == KIND_VALUE) return;
    FAIL(s, E_NOT_VALUE, value->span, fmt_expr(s->c, value), type_text(s->c, t));
    if (t->kind == KIND_RECORD)
        diag_help(s->c, "report each field, `report %s = ..`", t->names[0]);
    else
        diag_help(s->c, "`predict z ~ d` draws of a distribution; `report m = mean(d)` is its "
                  "mean");
    name->type = type_bad(s);
}

/* ---- plates ---------------------------------------------------------------------------------- */
static bool same_chain(Check *s, const PlateList *list)
{
    if (vec_len(list->binders) != vec_len(s->plates)) return false;
    for (size_t i = 0; i < vec_len(s->plates); i++)
        if (list->binders[i] != s->plates[i]) return false;
    return true;
}

static bool same_condition(Check *s, const Ast *a, const Ast *b)
{
    return a && b ? fmt_expr(s->c, a) == fmt_expr(s->c, b) : a == b;
}

/* The plate of the model that this one opens again: same place, domain and condition. */
static Ast *reopened(Check *s, Ast *binder, Size *size, bool scan)
{
    for (size_t i = 0; i < vec_len(s->opened); i++) {
        Ast *other = s->opened[i];
        PlateList *around = map_get(s->plates_of, other);
        if (!around || !same_chain(s, around) || (map_get(s->scans, other) != NULL) != scan)
            continue;
        if (!same_condition(s, binder->kids[BINDER_WHERE], other->kids[BINDER_WHERE])) continue;
        Ast *a = binder->kids[BINDER_DOMAIN], *b = other->kids[BINDER_DOMAIN];
        if (a->kind == AST_RANGE || b->kind == AST_RANGE) {
            if (a->kind != b->kind || fmt_expr(s->c, a) != fmt_expr(s->c, b)) continue;
        }
        if (binder_size(s, other) == size) return other;
    }
    return NULL;
}

static void infer_plate(Check *s, Ast *binder, Ast *body, bool scan)
{
    size_t guards = vec_len(s->guarded);
    Type *t = infer_binder(s, binder);
    Size *size = is_bad(t) ? NULL : binder_size(s, binder);
    Ast *plate = size ? reopened(s, binder, size, scan) : NULL;
    binder->decl = plate;
    if (!plate) {
        PlateList *list = arena_alloc(s->c->arena, sizeof *list);
        for (size_t i = 0; i < vec_len(s->plates); i++) vec_push(s->c, list->binders, s->plates[i]);
        map_put(s->plates_of, binder, list);
        vec_push(s->c, s->opened, binder);
        if (scan) map_put(s->scans, binder, binder);
        plate = binder;
    }
    vec_push(s->c, s->plates, plate);
    infer_block(s, body);
    ((size_t *)s->plates)[-1]--;
    if (s->guarded) ((size_t *)s->guarded)[-1] = guards;
}

/* ---- sites ----------------------------------------------------------------------------------- */
/* `x ~ d` a second time for the same x. */
static bool check_once(Check *s, Ast *site)
{
    Ast *lhs = site->kids[SITE_LHS];
    Str key = str_fmt(s->c, "%p %p %s", (void *)site->decl,
                      (void *)(vec_len(s->plates) ? s->plates[vec_len(s->plates) - 1] : NULL),
                      fmt_expr(s->c, lhs));
    Ast *before = map_get(s->observed, key);
    if (before) {
        FAIL(s, E_SECOND_DRAW, lhs->span, fmt_expr(s->c, lhs));
        diag_note(s->c, before->span, "the first is here");
        diag_help(s->c, "a further term of the density is `factor logpdf(%s, %s)`",
                  fmt_expr(s->c, site->kids[SITE_LAW]), fmt_expr(s->c, lhs));
        return false;
    }
    map_put(s->observed, key, site);
    return true;
}

static bool check_lhs(Check *s, Ast *site)
{
    Ast *lhs = site->kids[SITE_LHS], *name = site->decl;
    AstKind kind = name && name->kind == AST_DECLNAME && name->decl ? name->decl->kind : AST_FILE;
    if (kind == AST_DATA || kind == AST_LET) return true;
    Str text = fmt_expr(s->c, lhs);
    if (!name && lhs->kind == AST_NAME && !lhs->decl) return false;    /* unknown name, reported */
    FAIL(s, E_SITE_LHS, lhs->span, text);
    if (kind == AST_LATENT) {
        diag_note(s->c, name->span, "`%s` has its distribution here", name->name);
        diag_help(s->c, "a further term of the density is `factor logpdf(.., %s)`", text);
    } else if (kind == AST_PARAM) {
        diag_note(s->c, name->span, "`%s` is declared here", name->name);
        diag_help(s->c, "a penalty stands where the parameter is declared: `param %s : .. ~ ..`",
                  name->name);
    } else if (lhs->kind == AST_TUPLE) {
        Str inner = str_fmt(s->c, "%.*s", (int)strlen(text) - 2, text + 1);
        diag_help(s->c, "the joint density of several columns is `factor logpdf(.., [%s])`; or "
                  "declare one column of vectors, `data y[N] : real[%zu]`", inner,
                  vec_len(lhs->kids));
    } else {
        diag_help(s->c, "left of `~` stand data, or computed data");
    }
    return false;
}

static void infer_site(Check *s, Ast *site)
{
    Ast *lhs = site->kids[SITE_LHS], *law = site->kids[SITE_LAW];
    if (s->family) {
        check_family_site(s, site);
        return;
    }
    bool good = check_lhs(s, site);
    Type *var = infer(s, lhs);
    if (!is_bad(var)) var = type_flat(s, as_value(s, lhs, var));
    if (good) good = check_once(s, site);
    Type *t = infer_law(s, law, var);
    if (site->kids[SITE_ALONG]) {
        infer(s, site->kids[SITE_ALONG]);
    }
    if (good && !is_bad(var) && !is_bad(t)) check_site_law(s, var, lhs, law, t, AST_DATA);
}

static void infer_factor(Check *s, Ast *st)
{
    Ast *e = st->kids[FACTOR_VALUE];
    Type *t = infer_element(s, e);
    if (is_bad(t) || is_scalar(t)) return;
    FAIL(s, E_FACTOR_SHAPE, e->span, type_text(s->c, t));
    diag_help(s->c, "add its elements: `factor sum(%s)`", fmt_expr(s->c, e));
}

static void infer_predict(Check *s, Ast *st)
{
    Ast *lhs = st->kids[PREDICT_LHS];
    lhs->type = lhs->kind == AST_INDEX ? infer_slice(s, lhs, true) : infer(s, lhs);
}

/* What `predict z ~ d` draws has the type of its law, where none is declared; real, where the law
 * reads z at an earlier step. */
static void infer_drawn_anew(Check *s, Ast *st)
{
    Ast *name = st->kids[DRAWN_NAMES]->kids[0], *type = st->kids[DRAWN_TYPE];
    Ast *law = st->kids[DRAWN_LAW];
    Size **axes = NULL;
    bool good = name_axes(s, name, &axes);
    Type *declared = type ? type_from_ast(s, type) : type_real(s, NULL);
    Type *own = type_copy(s, good ? declared : type_bad(s));
    own->array = axes;
    declare_type(s, name, own);
    Type *t = infer_law(s, law, type ? declared : NULL);
    if (is_bad(t) || is_bad(own)) return;
    if (type) {
        check_site_law(s, declared, name, law, t, AST_LATENT);
    } else if (!t->any_event) {
        own = type_copy(s, t->of);
        own->array = axes;
        own->declared = true;
        declare_type(s, name, own);
    }
}

/* ---- the switch ------------------------------------------------------------------------------ */
void infer_statement(Check *s, Ast *st)
{
    switch (st->kind) {
    case AST_DATA: infer_data(s, st); break;
    case AST_LATENT:
        infer_drawn(s, st, st->kids[LATENT_NAMES], st->kids[LATENT_TYPE], st->kids[LATENT_LAW],
                    true);
        break;
    case AST_PARAM:
        infer_drawn(s, st, st->kids[PARAM_NAMES], st->kids[PARAM_TYPE], st->kids[PARAM_LAW], false);
        if (st->kids[PARAM_INIT])
            infer_init(s, st->kids[PARAM_INIT], st->kids[PARAM_TYPE] ? st->kids[PARAM_TYPE]->type
                                                                     : type_real(s, NULL));
        break;
    case AST_LET: infer_let(s, st->kids[LET_NAMES], st->kids[LET_VALUE]); break;
    case AST_REPORT:
        infer_let(s, st->kids[REPORT_NAMES], st->kids[REPORT_VALUE]);
        check_reported(s, st);
        break;
    case AST_NET: {
        Type *event = type_real(s, NULL);
        event->any_event = true;
        if (st->kids[NET_LAW]) infer_law(s, st->kids[NET_LAW], event);
        break;
    }
    case AST_FUNCTION:
        if (s->frame) map_put(s->local, st, st);
        break;
    case AST_FLOW: break;
    case AST_ORDERING: break;
    case AST_FOR: infer_plate(s, st->kids[FOR_BINDER], st->kids[FOR_BODY], false); break;
    case AST_SCAN:
        infer_plate(s, st->kids[SCAN_BINDER], st->kids[SCAN_BODY], true);
        break;
    case AST_SITE: infer_site(s, st); break;
    case AST_FACTOR: infer_factor(s, st); break;
    case AST_PREDICT: infer_predict(s, st); break;
    case AST_DRAWN: infer_drawn_anew(s, st); break;
    default: infer(s, st);
    }
}

void infer_block(Check *s, Ast *block)
{
    for (size_t i = 0; i < list_len(block); i++) infer_statement(s, block->kids[i]);
}

/* ---- models ---------------------------------------------------------------------------------- */
static bool is_size_default(const Ast *value)
{
    return value && value->kind == AST_NUM && value->num >= 1 && floor(value->num) == value->num
        && value->num < 1e15 && !(value->name && strpbrk(value->name, ".eE"));
}

void check_model_defines(Ctx *c, const Ast *model)
{
    Define *kept = NULL;
    Str word = str(c, "default");
    for (size_t i = 0; i < vec_len(c->defines); i++)
        if (c->defines[i].source != word) vec_push(c, kept, c->defines[i]);
    Ast *args = model->kids[MODEL_ARGS];
    for (size_t i = 0; i < list_len(args); i++) {
        Ast *arg = args->kids[i], *value = arg->kids[ARGDECL_DEFAULT];
        bool given = false;
        for (size_t k = 0; k < vec_len(kept); k++) given |= kept[k].name == arg->name;
        for (size_t k = 0; k < vec_len(c->numbers); k++) given |= c->numbers[k].name == arg->name;
        if (given || !is_size_default(value) || arg->kids[ARGDECL_TYPE]) continue;
        Define d = { arg->name, (int64_t)value->num, word };
        vec_push(c, kept, d);
    }
    c->defines = kept;
}

/* The number that -D or a file gives, a size or not. */
static const char *argument_given(Ctx *c, Str name, double *x)
{
    Str word = str(c, "default");
    for (size_t i = 0; i < vec_len(c->defines); i++)
        if (c->defines[i].name == name && c->defines[i].source != word)
            return *x = (double)c->defines[i].value, c->defines[i].source;
    for (size_t i = 0; i < vec_len(c->numbers); i++)
        if (c->numbers[i].name == name)
            return *x = c->numbers[i].value, c->numbers[i].source;
    return NULL;
}

/* What is given must be of the declared type, as the default must. */
static void check_given(Check *s, const Ast *arg, Type *t)
{
    double x;
    const char *source = argument_given(s->c, arg->name, &x);
    bool whole = t->elem == ELEM_REAL || x == floor(x);
    if (!source || (whole && range_inside(range_point(x), t->range))) return;
    diag_error(s->c, E_GIVEN, arg->span, arg->name, x, source, support_text(s, t));
}

/* An argument without type is a size if it has no default, or a whole one; else a number. */
static Type *argument_type(Check *s, Ast *arg)
{
    Ast *value = arg->kids[ARGDECL_DEFAULT];
    Type *v = value ? infer_element(s, value) : NULL;
    int64_t n;
    double x;
    const char *source = argument_given(s->c, arg->name, &x);
    if (arg->kids[ARGDECL_TYPE]) {
        Type *t = type_from_ast(s, arg->kids[ARGDECL_TYPE]);
        if (!is_bad(t) && t->kind == KIND_VALUE) {
            t = type_copy(s, t);
            t->declared = false;
            if (t->elem != ELEM_REAL && !vec_len(t->event)) t->size = size_name(s->c, arg->name);
            if (v && !is_bad(v) && !range_inside(v->range, t->range))
                FAIL(s, E_DEFAULT, value->span, fmt_expr(s->c, value), support_text(s, t));
            check_given(s, arg, t);
            return t;
        }
        if (is_bad(t) || t->kind != KIND_SIZE) return t;
    }
    if (v && is_bad(v)) return v;
    if (source && (x < 0 || x != floor(x))) return type_value(s, ELEM_REAL, range_point(x), NULL);
    Size *size = size_name(s->c, arg->name);
    Str missing;
    bool known = size_value(s->c, size, &n, &missing);
    if (v && !(value->kind == AST_NUM && v->size) && !known) {
        Type *t = type_strip(s, v);
        t->size = NULL;
        return t;
    }
    Type *t = type_value(s, ELEM_COUNT, range_from(1, INFINITY), NULL);
    t->size = size;
    if (known) t->range = range_point((double)n);
    else if (v) t->range = v->range;
    if (t->range.lo < 0) t->elem = ELEM_INTEGER;
    return t;
}

static void check_model(Check *s, Ast *model)
{
    s->model = model;
    check_model_defines(s->c, model);
    Ast *args = model->kids[MODEL_ARGS];
    for (size_t i = 0; i < list_len(args); i++)
        args->kids[i]->type = argument_type(s, args->kids[i]);
    infer_block(s, model->kids[MODEL_BODY]);
    s->model = NULL;
}

void check_models(Check *s)
{
    for (size_t i = 0; i < vec_len(s->file->kids); i++) {
        Ast *item = s->file->kids[i];
        if (item->kind == AST_MODEL) {
            s->opened = NULL;
            check_model(s, item);
            for (size_t k = 0; k < vec_len(s->file->kids); k++) {
                Ast *other = s->file->kids[k];
                if (other->decl != item) continue;
                if (other->kind == AST_FAMILY) check_family(s, other);
                if (other->kind == AST_TRAIN) check_train(s, other);
            }
        }
    }
}
