/* prove_plates.c - decides which plate has the rows that minibatches are taken from.
 *
 * Idea: the rows may come and go only if nothing binds them together (mixing.c) and nothing that
 * is kept between steps has their number as a length: no latent of the plate with parameters of its
 * own per row, no parameter or latent array over the same size. Then
 *     log p(x) = sum over n of log p(x_n | ..),   estimated by N/B times a sum over B rows.
 * A plate whose size is left to run time must be that plate, or the spec is refused with the line
 * that stands against it; one whose size is known may also be used whole, at every step.
 * With sizes_later, sizes are still to be given: that they are unknown is then no error by itself.
 * establishes: Model.rows, Plate.rows, Model.full_batch; data of the rows lose that axis and get
 *              Var.plate; every other plate and array axis has a size.
 */
#include "rows.h"

#include <string.h>

static bool size_known(Ctx *c, const Size *s)
{
    int64_t n;
    Str missing;
    return size_value(c, s, &n, &missing);
}

static bool reads_data(Ctx *c, const Model *m, Ast *e)
{
    Var **reads = model_reads(c, m, e);
    for (size_t i = 0; i < vec_len(reads); i++)
        if (reads[i]->kind == VAR_DATA)
            return true;
    return false;
}

bool plate_draws_data(const Model *m, const Plate *p)
{
    for (size_t i = 0; i < vec_len(m->sites); i++)
        if (m->sites[i].observed && m->sites[i].plate && plate_within(m->sites[i].plate, p))
            return true;
    return false;
}

/* By a statement `x[n] ~ ..`, or by a factor that reads data. */
static bool observed_in(Ctx *c, const Model *m, const Plate *p)
{
    if (plate_draws_data(m, p))
        return true;
    for (size_t i = 0; i < vec_len(m->factors); i++)
        if (m->factors[i].plate && plate_within(m->factors[i].plate, p)
            && reads_data(c, m, m->factors[i].value))
            return true;
    return false;
}

/* How many rows there are is read off the data that have them. */
static bool has_data(const Model *m, const Plate *p)
{
    for (size_t i = 0; i < vec_len(m->vars); i++) {
        const Var *v = m->vars[i];
        if (v->kind == VAR_DATA && vec_len(v->type->array) > 0 && v->type->array[0] == p->size)
            return true;
    }
    return false;
}

/* ---- what stands against a plate as rows ----------------------------------------------------- */

typedef struct Against { Str why; Span span; Str note; } Against;

/* One of the latents that stands in plate p; NULL: none. */
static const Var *own_in(Var *const *latents, const Plate *p)
{
    for (size_t i = 0; i < vec_len(latents); i++)
        if (latents[i]->plate && plate_within(latents[i]->plate, p))
            return latents[i];
    return NULL;
}

static bool kept_per_row(Ctx *c, const Model *m, const Plate *p, Against *a)
{
    for (size_t i = 0; m->family && i < vec_len(m->family->guides); i++) {
        const Guide *g = &m->family->guides[i];
        const Var *v = own_in(g->latents, p);
        if (g->kind == GUIDE_LAW || !v)
            continue;
        a->why = str_fmt(c, "latent `%s` has variational parameters of its own for every %s",
                         v->name, p->index);
        a->span = v->decl->span;
        a->note = str(c, "or write a family whose law reads the data of the row, through a net: "
                         "`family for ..`");
        return true;
    }
    return false;
}

static bool array_over(const Var *v, const Size *size)
{
    for (size_t i = 0; i < vec_len(v->type->array); i++)
        if (v->type->array[i] == size)
            return true;
    for (size_t i = 0; i < vec_len(v->type->event); i++)
        if (v->type->event[i] == size)
            return true;
    return false;
}

static bool array_per_row(Ctx *c, Var *const *vars, const Plate *p, Against *a)
{
    for (size_t i = 0; i < vec_len(vars); i++) {
        const Var *v = vars[i];
        bool own = v->plate && plate_within(v->plate, p) && v->kind == VAR_PARAM;
        if (v->kind != VAR_PARAM && v->kind != VAR_LATENT)
            continue;
        if (!own && !array_over(v, p->size))
            continue;
        a->why = str_fmt(c, "`%s` has one value for every %s", v->name, p->index);
        a->span = v->decl->span;
        return true;
    }
    return false;
}

/* A latent with states outside the rows is summed over after them: the rows do not add up. */
static bool summed_after(Ctx *c, const Model *m, const Plate *p, Against *a)
{
    for (size_t i = 0; i < vec_len(m->vars); i++) {
        const Var *v = m->vars[i];
        if (!var_is_summed(v) || (v->plate && plate_within(v->plate, p)))
            continue;
        Site **blanket = model_blanket(c, m, v);
        for (size_t k = 0; k < vec_len(blanket); k++)
            if (blanket[k]->plate && plate_within(blanket[k]->plate, p)) {
                a->why = str_fmt(c, "latent `%s` is summed out after all rows are", v->name);
                a->span = v->decl->span;
                return true;
            }
    }
    return false;
}

/* Rows must be the first axis of every array that has them. */
static bool rows_elsewhere(Ctx *c, const Model *m, const Plate *p, Against *a)
{
    for (size_t i = 0; i < vec_len(m->vars); i++) {
        const Var *v = m->vars[i];
        if (v->kind != VAR_DATA)
            continue;
        bool other = false;
        for (size_t k = 1; k < vec_len(v->type->array); k++)
            other |= v->type->array[k] == p->size;
        for (size_t k = 0; k < vec_len(v->type->event); k++)
            other |= v->type->event[k] == p->size;
        if (!other)
            continue;
        a->why = str_fmt(c, "%s is not the first axis of `%s`", size_text(c, p->size), v->name);
        a->span = v->decl->span;
        a->note = v->name;
        return true;
    }
    return false;
}

/* ---- messages -------------------------------------------------------------------------------- */

static void help_size(Ctx *c, const Plate *p)
{
    Str *names = size_names(c, p->size);
    diag_help(c, "fix the size: -D %s=..., or --data NAME=FILE%s", vec_len(names) ? names[0] : "N",
              p->outer ? "" : "; the whole data is then used at every step");
}

static void note_path(Ctx *c, const Through *t)
{
    for (; t; t = t->from) {
        if (t->from)
            diag_note(c, t->span, "read through `%s`", t->what);
        else if (!strcmp(t->what, "factor") || !strcmp(t->what, "report"))
            diag_note(c, t->span, "in this %s", t->what);
        else
            diag_note(c, t->span, "in the law of `%s`", t->what);
    }
}

/* "it is not row %" with the index of the plate for %. */
static Str fill_index(Ctx *c, Str what, Str index)
{
    const char *hole = strchr(what, '%');
    if (!hole)
        return what;
    return str_fmt(c, "%.*s%s%s", (int)(hole - what), what, index, hole + 1);
}

static void report_mixing(Ctx *c, const Plate *p, const Mixing *found)
{
    for (size_t i = 0; i < vec_len(found); i++) {
        const Mixing *f = &found[i];
        if (f->load)
            diag_error(c, E_ND_LOAD, f->span);
        else
            diag_error(c, E_ROWS_MIXED, f->span, f->text, plate_text(c, p),
                       fill_index(c, f->what, p->index));
        note_path(c, f->through);
        help_size(c, p);
    }
}

static void report_against(Ctx *c, const Plate *p, const Against *a)
{
    diag_error(c, E_PLATE_SIZE, p->span, plate_text(c, p), a->why);
    if (a->span.src)
        diag_note(c, a->span, "here");
    help_size(c, p);
    if (a->note)
        diag_help(c, "%s", a->note);
}

/* ---- choice ---------------------------------------------------------------------------------- */

/* Can `p` have the rows? If not: an error for a plate of run-time size, else the reason in *why. */
static bool try_rows(Ctx *c, Model *m, Plate *p, bool run_time, Str *why)
{
    Against a = { 0 };
    if (p->sequence || p->low) {
        a.why = str(c, p->sequence ? "it is a sequence, whose steps are not independent"
                                   : "it does not begin at 0");
        a.span = NOSPAN;
    } else if (!observed_in(c, m, p)) {
        a.why = str(c, "nothing is observed in it");
        a.span = NOSPAN;
    } else if (rows_elsewhere(c, m, p, &a)) {
        if (run_time) {
            diag_error(c, E_ROW_AXIS, a.span, a.note);
            help_size(c, p);
            return false;
        }
    } else if (!has_data(m, p)) {
        a.why = str(c, "no data have an axis of its size");
        a.span = NOSPAN;
    } else if (!summed_after(c, m, p, &a) && !kept_per_row(c, m, p, &a)
               && !array_per_row(c, m->vars, p, &a)
               && !(m->family && array_per_row(c, m->family->vars, p, &a))) {
        Mixing *found = rows_mixing(c, m, p);
        if (!found)
            return true;
        if (run_time)
            report_mixing(c, p, found);
        else
            *why = str_fmt(c, "`%s` (line %d) mixes the rows of plate `%s`", found[0].text,
                           span_line(found[0].span), plate_text(c, p));
        return false;
    }
    if (run_time)
        report_against(c, p, &a);
    else
        *why = a.why;
    return false;
}

static void strip_rows(Ctx *c, Model *m, Plate *rows)
{
    m->rows = rows;
    rows->rows = true;
    for (size_t i = 0; i < vec_len(m->vars); i++) {
        Var *v = m->vars[i];
        if (v->kind != VAR_DATA || vec_len(v->type->array) == 0 || v->type->array[0] != rows->size)
            continue;
        Type *t = arena_alloc(c->arena, sizeof *t);
        *t = *v->type;
        t->array = NULL;
        for (size_t k = 1; k < vec_len(v->type->array); k++)
            vec_push(c, t->array, v->type->array[k]);
        v->type = t;
        v->plate = rows;
    }
}

static bool is_plate_size(const Model *m, const Size *s)
{
    for (size_t i = 0; i < vec_len(m->plates); i++)
        if (m->plates[i]->size == s)
            return true;
    return false;
}

/* Every other plate, and every axis of an array of data, has its size when compiling. */
static void check_sizes(Ctx *c, const Model *m)
{
    for (size_t i = 0; i < vec_len(m->plates); i++) {
        Plate *p = m->plates[i];
        if (p->rows || size_known(c, p->size))
            continue;
        Against a = { .why = str(c, m->rows ? "another plate has the rows" : "it has no rows") };
        if (p->outer)
            a.why = str(c, "it lies in another plate");
        report_against(c, p, &a);
    }
    for (size_t i = 0; i < vec_len(m->vars); i++) {
        const Var *v = m->vars[i];
        for (size_t k = 0; v->kind == VAR_DATA && k < vec_len(v->type->array); k++) {
            Size *s = v->type->array[k];
            if (size_known(c, s) || is_plate_size(m, s))
                continue;              /* of a plate: reported there */
            diag_error(c, E_DATA_AXIS, v->decl->span, size_text(c, s), v->name);
            diag_help(c, "give it: -D %s=..., or --data %s=FILE", size_text(c, s), v->name);
        }
    }
}

bool prove_plates(Ctx *c, Model *m, bool sizes_later)
{
    int before = diag_count(c);
    Plate *open = NULL;                /* the one of run-time size */
    Str why = NULL;
    for (size_t i = 0; i < vec_len(m->plates); i++) {
        Plate *p = m->plates[i];
        if (p->outer || size_known(c, p->size) || (sizes_later && (p->sequence || p->low)))
            continue;
        if (open && open->size != p->size) {
            if (sizes_later)
                return true;           /* which of them has the rows is not said yet */
            diag_error(c, E_TWO_ROW_PLATES, p->span, plate_text(c, open), plate_text(c, p));
            diag_note(c, open->span, "the other plate");
            diag_help(c, "fix one of them: -D %s=...", size_text(c, p->size));
            return false;
        }
        open = p;
    }
    if (open) {
        if (try_rows(c, m, open, !sizes_later, &why))
            strip_rows(c, m, open);
    } else {
        for (size_t i = 0; !m->rows && i < vec_len(m->plates); i++)
            if (!m->plates[i]->outer && try_rows(c, m, m->plates[i], false, &why))
                strip_rows(c, m, m->plates[i]);
    }
    if (diag_count(c) > before)
        return false;
    if (!m->rows)
        m->full_batch = why ? why : str(c, "the model has no plate of observations");
    if (!sizes_later)
        check_sizes(c, m);
    const Ast *node = m->training.node;
    if (!m->rows && m->training.batch > 0) {
        diag_error(c, E_NO_MINIBATCH, node->span, m->full_batch);
        diag_help(c, "leave out `batch`");
    }
    return diag_count(c) == before;
}
