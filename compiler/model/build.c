/* build.c - typed AST of one model, its family and its train block -> Model.
 *
 * Idea: one walk over the statements in generative order. Every declared name becomes a Var, every
 * `~` a Site, every FOR enters a Plate; FORs over one size at one level are one plate. Expressions
 * stay AST nodes.
 *     for n in N { latent z : real ~ normal(0, 1)     Plate n; Var z (latent, plate n); Site z
 *                  x[n] ~ normal(z, 1) }              Site x, observed, reads z
 * requires:    a checked file without errors
 * establishes: Site.reads, one Guide for every latent, Training; rows not yet chosen (prove_plates)
 */
#include "build.h"

#include <string.h>

static void build_block(Build *b, Ast *block, Plate *plate);

/* ---- plates ---------------------------------------------------------------------------------- */

static bool find_index(Ast *e, void *data)
{
    bool *found = data;
    *found |= e->kind == AST_NAME && e->decl && e->decl->kind == AST_BINDER;
    return !*found;
}

/* NULL: it differs between positions, or is known when the data are. */
static Size *expr_size(Ctx *c, Ast *e)
{
    bool found = false;
    ast_walk(e, find_index, &found);
    if (found || (e->kind == AST_NAME && e->decl && e->decl->kind == AST_DECLNAME))
        return NULL;
    if (e->type && e->type->size)
        return e->type->size;
    if (e->kind == AST_NUM)
        return size_const(c, (int64_t)e->num);
    if (e->kind == AST_NAME)
        return size_name(c, e->name);
    return NULL;
}

/* Of names and numbers only: a text such as `last[i]` is no size. */
static bool is_named(Ctx *c, const Size *size)
{
    Str *names = size_names(c, size);
    for (size_t i = 0; i < vec_len(names); i++)
        if (strpbrk(names[i], "[](). "))
            return false;
    return true;
}

/* The size that the end of a range stays below: t or t + 1, where t is a position or a label. */
static Size *size_above(Ctx *c, const Ast *binder, const Ast *end)
{
    bool next = end->kind == AST_BINARY && end->name[0] == '+'
             && end->kids[BINARY_B]->kind == AST_NUM && end->kids[BINARY_B]->num == 1;
    const Type *of = next ? end->kids[BINARY_A]->type : end->type;
    Size *limit = binder->type ? binder->type->classes : NULL;
    bool position = of && of->elem == ELEM_INDEX && of->classes;
    return position && limit && is_named(c, limit) ? limit : NULL;
}

static Size *binder_size(Build *b, Ast *binder)
{
    Ast *domain = binder->kids[BINDER_DOMAIN];
    if (domain->kind == AST_INDEX) {
        diag_error(b->c, E_ND_RAGGED, domain->span, fmt_expr(b->c, domain));
        diag_help(b->c, "declare the rows so, `data w[m in M, L[m]] : ..`, or run over all "
                  "positions: `for %s in N where %s < %s`", binder->name, binder->name,
                  fmt_expr(b->c, domain));
        return NULL;
    }
    if (domain->kind == AST_RANGE) {
        Size *from = expr_size(b->c, domain->kids[RANGE_A]);
        Size *to = expr_size(b->c, domain->kids[RANGE_B]);
        if (from && to)
            return size_sub(b->c, to, from);
        if (!to)
            to = size_above(b->c, binder, domain->kids[RANGE_B]);
        if (to)
            return to;                 /* all positions; `when` says which count */
        diag_error(b->c, E_ND_RANGE_PLATE, domain->span);
        diag_help(b->c, "run over the whole size with a condition: `for %s in N where %s < ..`",
                  binder->name, binder->name);
        return NULL;
    }
    if (binder->type && binder->type->classes)
        return binder->type->classes;
    Size *size = expr_size(b->c, domain);
    if (!size)
        diag_error(b->c, E_ND_RANGE_PLATE, domain->span);
    return size;
}

static Ast *compared(Ctx *c, Ast *binder, const char *op, Ast *with)
{
    Ast *index = ast_name(c, binder->span, binder->name, binder);
    return ast_new(c, AST_BINARY, with->span, str(c, op), 2, index, with);
}

static Ast *both(Ctx *c, Ast *a, Ast *b)
{
    return a && b ? ast_new(c, AST_BINARY, a->span, str(c, "and"), 2, a, b) : a ? a : b;
}

/* Where a range has ends that data decide, its plate is over all positions, and these count. */
static void set_range(Build *b, Plate *p, Ast *binder)
{
    Ast *domain = binder->kids[BINDER_DOMAIN];
    p->when = binder->kids[BINDER_WHERE];
    if (domain->kind != AST_RANGE)
        return;
    Ast *from = domain->kids[RANGE_A], *to = domain->kids[RANGE_B];
    if (expr_size(b->c, from) && expr_size(b->c, to)) {
        p->low = from;
        return;
    }
    bool first = from->kind == AST_NUM && from->num == 0;
    Ast *inside = both(b->c, first ? NULL : compared(b->c, binder, ">=", from),
                       compared(b->c, binder, "<", to));
    p->start = from;
    p->when = both(b->c, inside, p->when);
}

static bool same_text(Ctx *c, Ast *a, Ast *b)
{
    return (a ? fmt_expr(c, a) : NULL) == (b ? fmt_expr(c, b) : NULL);
}

Plate *build_plate(Build *b, Ast *loop, Plate *outer)
{
    Ast *binder = loop->kids[FOR_BINDER];
    Size *size = binder_size(b, binder);
    if (!size)
        return NULL;
    Plate found = { .sequence = loop->kind == AST_SCAN };
    set_range(b, &found, binder);
    for (size_t i = 0; i < vec_len(b->m->plates); i++) {
        Plate *p = b->m->plates[i];
        if (p->outer == outer && p->size == size && p->sequence == found.sequence
            && same_text(b->c, p->low, found.low) && same_text(b->c, p->when, found.when)) {
            vec_push(b->c, p->binders, binder);
            return p;
        }
    }
    Plate *p = arena_alloc(b->c->arena, sizeof *p);
    *p = found;
    p->index = binder->name;
    p->size = size;
    p->outer = outer;
    p->span = binder->span;
    vec_push(b->c, p->binders, binder);
    vec_push(b->c, b->m->plates, p);
    return p;
}

/* ---- variables ------------------------------------------------------------------------------- */

/* The declared type without the axes of the plates that the declaration stands in. */
static Type *inner_type(Ctx *c, Type *type, const Plate *plate)
{
    size_t depth = 0;
    for (; plate; plate = plate->outer)
        depth++;
    if (!type || depth == 0)
        return type;
    Type *t = arena_alloc(c->arena, sizeof *t);
    *t = *type;
    t->array = NULL;
    for (size_t i = depth; i < vec_len(type->array); i++)
        vec_push(c, t->array, type->array[i]);
    return t;
}

Var *build_var(Build *b, VarKind kind, Ast *decl, Ast *statement, Plate *plate)
{
    Var *v = arena_alloc(b->c->arena, sizeof *v);
    v->kind = kind;
    v->name = decl->name;
    v->decl = decl;
    v->statement = statement;
    v->type = inner_type(b->c, decl->type, plate);
    v->plate = plate;
    return v;
}

static Var *add_var(Build *b, VarKind kind, Ast *decl, Ast *statement, Plate *plate)
{
    Var *v = build_var(b, kind, decl, statement, plate);
    vec_push(b->c, b->m->vars, v);
    return v;
}

static void build_data(Build *b, Ast *s, Plate *plate)
{
    Ast *names = s->kids[DATA_NAMES];
    for (size_t i = 0; i < vec_len(names->kids); i++)
        add_var(b, VAR_DATA, names->kids[i], s, plate);
}

/* NAME node that stands for the variable itself. */
static Ast *own_name(Ctx *c, const Var *v)
{
    Ast *name = ast_name(c, v->decl->span, v->name, v->decl);
    name->type = v->type;
    return name;
}

static void add_site(Build *b, Var *v, Ast *lhs, Ast *law, Plate *plate, bool observed, Span span)
{
    Site site = { .var = v, .lhs = lhs, .law = law, .plate = plate, .observed = observed,
                  .span = span };
    vec_push(b->c, b->m->sites, site);
}

static void build_latent(Build *b, Ast *s, Plate *outer)
{
    Ast *names = s->kids[LATENT_NAMES], *law = s->kids[LATENT_LAW];
    if (s->num == 1 && vec_len(names->kids) > 1) {
        diag_error(b->c, E_ND_JOINT, s->span);
        diag_help(b->c, "declare one vector and index it");
        return;
    }
    for (size_t i = 0; i < vec_len(names->kids); i++) {
        int n;
        Plate *plate = spread_plates(b, names->kids[i], law, outer, &n);
        Var *v = add_var(b, VAR_LATENT, names->kids[i], s, plate);
        v->law = law;
        v->spread = n;
        if (law && (var_is_discrete(v) || latent_support(b->c, v)))
            add_site(b, v, own_name(b->c, v), law, plate, false, s->span);
    }
}

static void build_param(Build *b, Ast *s, Plate *plate)
{
    Ast *names = s->kids[PARAM_NAMES];
    for (size_t i = 0; i < vec_len(names->kids); i++) {
        Var *v = add_var(b, VAR_PARAM, names->kids[i], s, plate);
        v->law = s->kids[PARAM_LAW];
        if (v->type->elem != ELEM_REAL)
            diag_error(b->c, E_ND_DISCRETE, v->decl->span, v->name);
        else if (v->law && latent_support(b->c, v))
            add_site(b, v, own_name(b->c, v), v->law, plate, true, s->span);
    }
}

static void build_net(Build *b, Ast *s, Plate *plate)
{
    if (s->num == 1) {
        diag_error(b->c, E_ND_LATENT_NET, s->span);
        diag_help(b->c, "write `net %s(..)`: its weights are then parameters", s->name);
    } else if (s->kids[NET_LAW]) {
        diag_error(b->c, E_ND_NET_LAW, s->kids[NET_LAW]->span, s->name);
        diag_help(b->c, "leave the law out");
    }
    add_var(b, VAR_NET, s, s, plate);
}

/* ---- statements ------------------------------------------------------------------------------ */

static void build_site(Build *b, Ast *s, Plate *plate)
{
    Ast *base = index_base(s->kids[SITE_LHS]);
    Var *v = base && base->kind == AST_NAME ? model_var(b->m, base->decl) : NULL;
    if (s->kids[SITE_ALONG]) {
        diag_error(b->c, E_ND_ORDERING, s->kids[SITE_ALONG]->span);
        diag_help(b->c, "leave out `along %s`: the event is then one factor",
                  s->kids[SITE_ALONG]->name);
        return;
    }
    if (!v)
        ice_span(s->span, "site of no variable");
    add_site(b, v, s->kids[SITE_LHS], s->kids[SITE_LAW], plate, true, s->span);
}

/* ---- what is wanted of draws ----------------------------------------------------------------- */

/* `report r[n in N] = e` has a value for each position of plate n: it is `for n in N { report r = e
 * }`, so that e reads the values of its own position. */
static Plate *report_plate(Build *b, const Ast *name, Plate *plate)
{
    for (size_t i = 0; i < vec_len(name->kids) && name->kids[i]->kind == AST_BINDER; i++) {
        Plate *inner = NULL;
        for (size_t k = 0; k < vec_len(b->m->plates) && !inner; k++) {
            Plate *p = b->m->plates[k];
            bool whole = !p->sequence && !p->low && !p->when && !name->kids[i]->kids[BINDER_WHERE]
                      && name->kids[i]->kids[BINDER_DOMAIN]->kind != AST_RANGE;
            if (whole && p->outer == plate && p->size == binder_size(b, name->kids[i]))
                inner = p;
        }
        if (!inner)
            break;
        vec_push(b->c, inner->binders, name->kids[i]);
        plate = inner;
    }
    return plate;
}

static void build_report(Build *b, Ast *s, Plate *plate)
{
    Ast *name = s->kids[REPORT_NAMES]->kids[0];
    Var *v = add_var(b, VAR_LET, name, s, report_plate(b, name, plate));
    v->value = s->kids[REPORT_VALUE];
    v->reported = true;
}

/* `predict y`: the statements of y, drawn again. */
static void build_predict(Build *b, Ast *s)
{
    Ast *lhs = s->kids[PREDICT_LHS];
    Var *v = lhs->kind == AST_NAME ? model_var(b->m, lhs->decl) : NULL;
    if (v && v->kind == VAR_DATA) {
        vec_push(b->c, b->m->predicted, v);
        return;
    }
    diag_error(b->c, E_ND_PREDICT, s->span, fmt_expr(b->c, lhs));
    diag_help(b->c, "`predict y` draws the data `y` again, `predict y[T .. T + 12]` runs its "
              "sequence on, and `predict z ~ d` draws something new");
}

/* `predict z[m in M] ~ d` is `for m in M { predict z ~ d }`. */
static void build_drawn(Build *b, Ast *s, Plate *plate)
{
    Ast *name = s->kids[DRAWN_NAMES]->kids[0];
    int n = 0;
    for (; n < (int)vec_len(name->kids) && name->kids[n]->kind == AST_BINDER; n++) {
        Ast *loop = ast_new(b->c, AST_FOR, name->kids[n]->span, NULL, 2, name->kids[n], NULL);
        plate = build_plate(b, loop, plate);
        if (!plate)
            return;
    }
    Var *v = add_var(b, VAR_DRAWN, name, s, plate);
    v->law = s->kids[DRAWN_LAW];
    v->spread = n;
    if (s->kids[DRAWN_TYPE] && !latent_support(b->c, v))
        return;
    vec_push(b->c, b->m->predicted, v);
    vec_push(b->c, b->m->drawn, ((Site){ .var = v, .lhs = own_name(b->c, v), .law = v->law,
                                         .plate = plate, .span = s->span }));
}

static void build_statement(Build *b, Ast *s, Plate *plate)
{
    Plate *inner;
    switch (s->kind) {
    case AST_DATA:
        build_data(b, s, plate);
        break;
    case AST_LATENT:
        build_latent(b, s, plate);
        break;
    case AST_PARAM:
        build_param(b, s, plate);
        break;
    case AST_LET:
        add_var(b, VAR_LET, s->kids[LET_NAMES]->kids[0], s, plate)->value = s->kids[LET_VALUE];
        break;
    case AST_REPORT:
        build_report(b, s, plate);
        break;
    case AST_PREDICT:
        build_predict(b, s);
        break;
    case AST_DRAWN:
        build_drawn(b, s, plate);
        break;
    case AST_NET:
        build_net(b, s, plate);
        break;
    case AST_FOR: case AST_SCAN:
        inner = build_plate(b, s, plate);
        if (inner)
            build_block(b, s->kids[FOR_BODY], inner);
        break;
    case AST_SITE:
        build_site(b, s, plate);
        break;
    case AST_FACTOR:
        vec_push(b->c, b->m->factors,
                 ((Factor){ s->kids[FACTOR_VALUE], plate, s->span, .joint = s->num == 1 }));
        break;
    default:                           /* FUNCTION: inlined; ORDERING: refused where it is used */
        break;
    }
}

static void build_block(Build *b, Ast *block, Plate *plate)
{
    for (size_t i = 0; i < vec_len(block->kids); i++)
        build_statement(b, block->kids[i], plate);
}

/* Laws of params are penalties: factors of the objective, not observations. */
static void split_penalties(Build *b)
{
    Site *kept = NULL;
    for (size_t i = 0; i < vec_len(b->m->sites); i++) {
        Site *s = &b->m->sites[i];
        if (s->var->kind != VAR_PARAM) {
            vec_push(b->c, kept, *s);
            continue;
        }
        Ast *value = ast_call(b->c, s->span, "logpdf", 2, s->law, s->lhs);
        vec_push(b->c, b->m->factors, ((Factor){ value, s->plate, s->span, .penalty = true }));
    }
    b->m->sites = kept;
}

/* Draws of `predict` have no place in the density, nor in reports. */
static void refuse_drawn(Build *b, Ast *e)
{
    Var **reads = model_reads(b->c, b->m, e);
    for (size_t i = 0; i < vec_len(reads); i++)
        if (reads[i]->kind == VAR_DRAWN) {
            diag_error(b->c, E_DRAWN_READ, e->span, reads[i]->name);
            diag_note(b->c, reads[i]->decl->span, "drawn here");
            diag_help(b->c, "what follows from a draw is drawn as well: `predict r ~ delta(..)`");
        }
}

static void check_drawn(Build *b)
{
    const Model *m = b->m;
    if (!m->drawn)
        return;
    for (size_t i = 0; i < vec_len(m->sites); i++)
        refuse_drawn(b, m->sites[i].law);
    for (size_t i = 0; i < vec_len(m->factors); i++)
        refuse_drawn(b, m->factors[i].value);
    for (size_t i = 0; i < vec_len(m->vars); i++)
        if (m->vars[i]->reported)
            refuse_drawn(b, m->vars[i]->value);
}

/* ---- entry ----------------------------------------------------------------------------------- */

static Ast *select_model(Ctx *c, Ast *file, Str name)
{
    Ast *found = NULL;
    Str *names = NULL;
    for (size_t i = 0; i < vec_len(file->kids); i++) {
        Ast *item = file->kids[i];
        if (item->kind != AST_MODEL)
            continue;
        vec_push(c, names, item->name);
        if (!name || item->name == name)
            found = item;
    }
    if (!found) {
        diag_error(c, E_NO_MODEL, file->span, name ? " named " : "", name ? name : "");
        Str close = name ? nearest(c, name, names, vec_len(names)) : NULL;
        if (close)
            diag_help(c, "did you mean `%s`?", close);
        else if (!vec_len(names))
            diag_help(c, "add `model NAME { .. }`");
        return NULL;
    }
    if (!name && vec_len(names) > 1) {
        diag_error(c, E_MANY_MODELS, found->span, (int)vec_len(names));
        diag_help(c, "give its name: --model %s", names[0]);
        return NULL;
    }
    return found;
}

Model *model_build(Ctx *c, Ast *file, Str name)
{
    int before = diag_count(c);
    Ast *node = select_model(c, file, name);
    if (!node)
        return NULL;
    Model *m = arena_alloc(c->arena, sizeof *m);
    m->name = node->name;
    m->node = node;
    m->file = file;
    Build b = { .c = c, .m = m };
    refuse_tree(c, node);
    build_block(&b, node->kids[MODEL_BODY], NULL);
    missing_link(c, m);
    own_indices(&b, node->kids[MODEL_BODY]);
    bool selected = training_select(&b) && family_select(&b);
    if (selected)
        choose_drawn(&b);
    if (!selected || diag_count(c) > before)
        return NULL;
    split_penalties(&b);
    check_drawn(&b);
    family_build(&b);
    training_build(&b);
    if (vec_len(m->sites) == 0 && vec_len(m->factors) == 0) {
        diag_error(c, E_NOTHING_SAID, node->span, m->name);
        diag_help(c, "add a line such as `for n in N { x[n] ~ normal(0, 1) }`");
    }
    if (diag_count(c) > before)
        return NULL;
    for (size_t i = 0; i < vec_len(m->sites); i++)
        m->sites[i].reads = model_reads(c, m, m->sites[i].law);
    return missing_check(c, m) && partial_check(c, m) ? m : NULL;
}
