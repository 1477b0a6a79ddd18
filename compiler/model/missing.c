/* missing.c - data with missing cells, and what check/cells.c has declared for them.
 *
 * Cells of real numbers are a latent that is read in their place. Cells of bits, counts and labels
 * are summed out: as long as nothing but their own law reads them, their law sums to 1, and what
 * they leave is nothing (derive/joint.c).
 * establishes: absent, place and missing of the data; data with missing cells have a law; no read
 *              of a cell that is summed out
 */
#include "build.h"

static Var *named_var(const Model *m, Str wanted)
{
    for (size_t i = 0; i < vec_len(m->vars); i++)
        if (m->vars[i]->name == wanted)
            return m->vars[i];
    return NULL;
}

/* None of the three where the data files have no gap. */
static Var *filler(Ctx *c, const Model *m, const Var *of, CellsName what)
{
    Var *v = named_var(m, cells_name(c, of->name, what));
    if (v)
        v->filler = true;
    return v;
}

static bool has_missing(const Var *v)
{
    return v->kind == VAR_DATA && v->statement->kids[DATA_MISSING];
}

static void refuse(Ctx *c, const Var *v)
{
    diag_error(c, E_ND_MISSING, v->statement->kids[DATA_MISSING]->span, v->name,
               type_text(c, v->type));
}

void missing_link(Ctx *c, Model *m)
{
    for (size_t i = 0; i < vec_len(m->vars); i++) {
        Var *v = m->vars[i];
        if (!has_missing(v))
            continue;
        v->missing = filler(c, m, v, CELLS_VALUES);
        v->absent = filler(c, m, v, CELLS_ABSENT);
        v->place = filler(c, m, v, CELLS_PLACE);
        if (v->type->core) {
            refuse(c, v);
            diag_help(c, "leave out the rows with missing cells");
        }
    }
}

/* Only cells of discrete data that are drawn one by one have a sum to be taken. */
static void check_draws(Ctx *c, const Model *m, const Var *v)
{
    for (size_t i = 0; i < vec_len(m->sites); i++) {
        const Site *s = &m->sites[i];
        if (s->var != v || vec_len(s->lhs->type->array) + vec_len(s->lhs->type->event) == 0)
            continue;
        refuse(c, v);
        diag_note(c, s->span, "drawn as a whole here");
        diag_help(c, "make each cell an element of an array, `%s[N, P]`, and draw `%s[n, p] ~ ..`",
                  v->name, v->name);
    }
}

static void check_read(Ctx *c, const Model *m, const Var *v, Ast *e, Span at)
{
    if (!reads_has(model_reads(c, m, e), v))
        return;
    refuse(c, v);
    diag_note(c, at, "read here: only cells that are read by their indices, in the plate of their "
              "statement and below it, are summed out");
    diag_help(c, "leave out the rows with missing cells, or move the statement of `%s` up",
              v->name);
}

/* Is there a statement that says what the cells of v are drawn from? */
static bool has_law(Ctx *c, const Model *m, const Var *v)
{
    for (size_t i = 0; i < vec_len(m->sites); i++)
        if (m->sites[i].var == v)
            return true;
    for (size_t i = 0; i < vec_len(m->factors) && v->missing; i++)
        if (reads_has(model_reads(c, m, m->factors[i].value), v))
            return true;
    return false;
}

static void check_law(Ctx *c, const Model *m, const Var *v)
{
    if (!has_missing(v) || has_law(c, m, v))
        return;
    diag_error(c, E_MISSING_NO_LAW, v->statement->kids[DATA_MISSING]->span, v->name);
    diag_help(c, "say what its cells are drawn from: `%s%s ~ ..`, in the plate of its rows",
              v->name, vec_len(v->type->array) > 0 ? "[..]" : "");
}

bool missing_check(Ctx *c, const Model *m)
{
    int before = diag_count(c);
    for (size_t i = 0; i < vec_len(m->vars); i++) {
        const Var *v = m->vars[i];
        check_law(c, m, v);
        if (!v->absent || v->missing)
            continue;
        check_draws(c, m, v);
        for (size_t k = 0; k < vec_len(m->sites); k++)
            check_read(c, m, v, m->sites[k].law, m->sites[k].span);
        for (size_t k = 0; k < vec_len(m->factors); k++)
            check_read(c, m, v, m->factors[k].value, m->factors[k].span);
        for (size_t k = 0; k < vec_len(m->vars); k++)
            if (m->vars[k]->reported)
                check_read(c, m, v, m->vars[k]->value, m->vars[k]->decl->span);
        for (size_t k = 0; m->family && k < vec_len(m->family->guides); k++)
            check_read(c, m, v, m->family->guides[k].law, m->family->guides[k].span);
    }
    return diag_count(c) == before;
}
