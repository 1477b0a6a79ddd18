/* vars.c - the value of a variable of the model, over the axes of its plates and its type.
 *
 *     data x[n]  in plate n     ->    an input over the rows; outside of the plate an array
 *     latent z   given          ->    an input over all of its plates; drawn: see lower.c
 */
#include "lower.h"

/* ---- plates ---------------------------------------------------------------------------------- */

static int64_t plate_size(Lower *L, const Plate *p)
{
    int64_t n = 0;
    Str missing = NULL;
    if (p->rows)
        return 0;
    if (!size_value(L->c, p->size, &n, &missing)) {
        diag_error(L->c, E_LOWER_UNBOUND, p->span, missing);
        diag_help(L->c, "give it on the command line: -D %s=..., or --data NAME=FILE", missing);
        return 1;
    }
    return n;
}

Axis *lower_plate_axis(Lower *L, const Plate *p)
{
    Str key = str_fmt(L->c, "plate %p", (const void *)p);
    return axis_keyed(L, key, p->rows ? AXIS_ROW : AXIS_PLATE, p->index, plate_size(L, p));
}

/* The plates from the top down to `plate`; returns how many. */
static int plate_chain(Plate *plate, Plate **chain)
{
    int n = 0;
    for (Plate *p = plate; p && n < LIMIT_RANK; p = p->outer)
        n++;
    int at = n;
    for (Plate *p = plate; at > 0; p = p->outer)
        chain[--at] = p;
    return n;
}

ActivePlate *lower_plates(Lower *L, Plate *plate)
{
    ActivePlate *plates = NULL;
    Plate *chain[LIMIT_RANK];
    int n = plate_chain(plate, chain);
    for (int i = 0; i < n; i++)
        vec_push(L->c, plates, ((ActivePlate){ chain[i], lower_plate_axis(L, chain[i]) }));
    return plates;
}

void enter_plate(Lower *L, Plate *plate)
{
    L->active = lower_plates(L, plate);
}

bool plate_is_among(const ActivePlate *active, const Plate *p)
{
    for (size_t i = 0; i < vec_len(active); i++)
        if (active[i].plate == p)
            return true;
    return false;
}

/* ---- variables ------------------------------------------------------------------------------- */

int lower_type_axes(Lower *L, const Var *v, Axis **axes)
{
    const Type *type = v->type;
    int n = 0;
    for (size_t i = 0; i < vec_len(type->array) + vec_len(type->event) && n < LIMIT_RANK; i++) {
        Size *s = i < vec_len(type->array) ? type->array[i] : type->event[i - vec_len(type->array)];
        int64_t size = 1;
        Str missing;
        if (!size_value(L->c, s, &size, &missing)) {
            diag_error(L->c, E_LOWER_UNBOUND, v->statement ? v->statement->span : L->at, missing);
            diag_help(L->c, "give it on the command line: -D %s=..., or --data NAME=FILE", missing);
        }
        axes[n] = axis_keyed(L, str_fmt(L->c, "var %p %d", (const void *)v, n), AXIS_EVENT,
                             str_fmt(L->c, "%s_%d", v->name, n), size);
        n++;
    }
    return n;
}

/* The data, and where they have no value that of the latent of the missing cells. */
static Val *completed(Lower *L, const Var *v, Val *data)
{
    Val *values = var_value(L, v->missing);
    Axis *cells = values->axes[0];
    Tir *place = val_rename(L, var_value(L, v->place), data->axes)->t;
    Val *absent = val_rename(L, var_value(L, v->absent), data->axes);
    Tir *t = tir_gather(L->f, tir_expand(L->f, values->t, &cells, 1), cells, place);
    return val_select(L, absent, val_tensor(L, t, data->axes, data->n_axes), data);
}

static Val *data_value(Lower *L, const Var *v)
{
    Axis *explicit[LIMIT_RANK], *all[LIMIT_RANK];
    int n = lower_type_axes(L, v, explicit), m = 0;
    if (v->plate)
        all[m++] = lower_plate_axis(L, v->plate);
    for (int i = 0; i < n && m < LIMIT_RANK; i++)
        all[m++] = explicit[i];
    Tir *t = tir_input(L->f, INPUT_DATA, v->name, all, m);
    Val *data = val_tensor(L, tir_label(t, v->name, v->decl->span), explicit, n);
    return v->missing ? completed(L, v, data) : data;
}

/* Given values of a latent that has some in the cells that count only: in the others, which may be
 * NaN, stands what free numbers 0 are, so that no derivative meets them. */
static Val *filled(Lower *L, const Var *v, Val *given)
{
    ActivePlate *saved = L->active;
    int64_t shape[LIMIT_RANK];
    Axis *axes[LIMIT_RANK];
    int n = free_shape(L, v->type, shape);
    for (int i = 0; i < n; i++)
        axes[i] = axis_keyed(L, str_fmt(L->c, "rest %p %d", (const void *)v, i), AXIS_EVENT,
                             str_fmt(L->c, "%s_%d", v->name, i), shape[i]);
    enter_plate(L, v->plate);
    Tir *zero = tir_expand(L->f, tir_const(L->f, 0), axes, n);
    Val *rest = support_apply(L, "constrain", v->type, val_tensor(L, zero, axes, n));
    for (const Plate *p = v->plate; p; p = p->outer)
        if (p->when)
            given = val_select(L, eval(L, NULL, p->when), given, rest);
    L->active = saved;
    return given;
}

Tir *given_input(Lower *L, Var *v)
{
    Plate *chain[LIMIT_RANK];
    Axis *explicit[LIMIT_RANK], *all[LIMIT_RANK];
    int m = plate_chain(v->plate, chain);
    for (int i = 0; i < m; i++)
        all[i] = lower_plate_axis(L, chain[i]);
    int n = lower_type_axes(L, v, explicit);
    for (int i = 0; i < n && m < LIMIT_RANK; i++)
        all[m++] = explicit[i];
    Tir *t = tir_input(L->f, INPUT_GIVEN, v->name, all, m);
    Val *val = val_tensor(L, tir_label(t, v->name, v->decl->span), explicit, n);
    bool gaps = v->kind == VAR_LATENT && var_is_partial(v);
    map_put(L->values, v, gaps ? filled(L, v, val) : val);
    return t;
}

Val *let_plain(Lower *L, const Var *v)
{
    ActivePlate *saved = L->active;
    enter_plate(L, v->plate);
    const Bind *equation = map_get(L->equations, v);
    Val *val = equation ? lower_bound(L, equation) : eval_let(L, NULL, v->statement);
    L->active = saved;
    return val;
}

/* A parameter declared in plates has a value of its own at each of their positions: they are the
 * leading axes of what is stored, and implicit where it is read. */
static Val *param_of_model(Lower *L, const Var *v)
{
    Plate *chain[LIMIT_RANK];
    int n = plate_chain(v->plate, chain);
    Type type = *v->type;
    type.array = NULL;
    for (int i = 0; i < n; i++)
        vec_push(L->c, type.array, chain[i]->size);
    for (size_t i = 0; i < vec_len(v->type->array); i++)
        vec_push(L->c, type.array, v->type->array[i]);
    Val *stored = param_value(L, NULL, v->name, &type, NULL, v->decl,
                              v->statement ? v->statement->kids[PARAM_INIT] : NULL,
                              v->statement ? v->statement->span : L->at);
    Axis *axes[LIMIT_RANK];
    for (int i = 0; i < stored->n_axes; i++)
        axes[i] = i < n ? lower_plate_axis(L, chain[i]) : stored->axes[i];
    return val_tensor(L, val_rename(L, stored, axes)->t, axes + n, stored->n_axes - n);
}

static Val *own_value(Lower *L, Var *v)
{
    switch (v->kind) {
    case VAR_DATA:
        return data_value(L, v);
    case VAR_PARAM:
        return param_of_model(L, v);
    case VAR_LET:
        return plate_sequence(v->plate) ? let_of_sequence(L, v) : let_plain(L, v);
    default:
        if (map_get(L->equations, v))
            return let_of_sequence(L, v);
        ice_span(L->at, "variable %s has no value in query %s", v->name, L->f->name);
    }
}

/* Of a variable with a mixture for every element of plate p all elements are wanted at once, but
 * their components are those of one element. */
static bool check_strata(Lower *L, const Var *v, const Tir *t, const Axis *plate)
{
    for (size_t i = 0; i < vec_len(L->strata); i++)
        if (tir_has_axis(t, L->strata[i].axis) && tir_has_axis(L->strata[i].weight, plate)) {
            diag_error(L->c, E_MIXTURE, L->at, v->name,
                       str_fmt(L->c, "it has a mixture for each %s, and is read here for all",
                               plate->name));
            diag_help(L->c, "join it with a latent outside of the plate, `(%s, ..) ~ mixture(K)`, "
                            "or write `%s by score` in the train block", v->name, v->name);
            return false;
        }
    return true;
}

Val *var_value(Lower *L, Var *v)
{
    Val *val = map_get(L->values, v);
    if (!val) {
        val = own_value(L, v);
        map_put(L->values, v, val);
    }
    if (val->kind != VAL_TENSOR || v->kind == VAR_DATA)
        return val;
    Axis *axes[LIMIT_RANK];
    int n = 0;
    Plate *chain[LIMIT_RANK];
    int depth = plate_chain(v->plate, chain);
    for (int i = 0; i < depth; i++)
        if (!plate_is_among(L->active, chain[i]))
            axes[n++] = lower_plate_axis(L, chain[i]);
    if (n == 0)
        return val;
    for (int i = 0; i < n; i++)
        if (!check_strata(L, v, val->t, axes[i]))
            return val_const(L, 0);
    for (int i = 0; i < val->n_axes && n < LIMIT_RANK; i++)
        axes[n++] = val->axes[i];
    Val *array = val_tensor(L, val->t, axes, n);
    array->index_of = val->index_of;
    array->first = val->first;
    return array;
}
