/* builtins.c - the tables of what the language knows by itself, and look-ups in them. */
#include "check.h"

#include <math.h>
#include <string.h>

static Range row_range(const char *word)
{
    if (!strcmp(word, "positive")) return range_open(0, INFINITY);
    if (!strcmp(word, "nonnegative")) return range_from(0, INFINITY);
    if (!strcmp(word, "count")) return range_from(0, INFINITY);
    if (!strcmp(word, "unit")) return range_open(0, 1);
    if (!strcmp(word, "bit")) return range_from(0, 1);
    return range_real();
}

/* MAP rows of ops.def, then builtins.def. `doc` of a MAP row is its range, resolved at look-up. */
typedef struct MapRow { const char *name; bool map; int arity; const char *range, *doc; } MapRow;

#define KIND_IS_MAP true
#define KIND_IS_RANDOM false
#define KIND_IS_SHAPE false
#define KIND_IS_SOURCE false
static const MapRow map_rows[] = {
#define OP(id, name, kind, arity, range, da, db, dc, text, doc) \
    { name, KIND_IS_##kind, arity, #range, doc },
#include "../ops.def"
#undef OP
};

static const Builtin builtins[] = {
#define BUILTIN(name, rule, min, max, keys, available, reduces, doc) \
    { #name, RULE_##rule, min, max, keys, available, reduces, doc, \
      { -INFINITY, INFINITY, true, true } },
#include "builtins.def"
#undef BUILTIN
};

static const SupportRow supports[] = {
#define SUPPORT(name, elem, lo, hi, open, core, bmin, bmax, doc) \
    { #name, ELEM_##elem, { lo, hi, open || lo == -INFINITY, open || hi == INFINITY }, \
      core, bmin, bmax, doc },
#include "supports.def"
#undef SUPPORT
};

static const struct { const char *theirs, *ours; } fixits[] = {
#define FIXIT(theirs, ours) { #theirs, ours },
#include "fixits.def"
#undef FIXIT
};

static const FamilyLaw family_laws[] = {
#define FAMILY_LAW(name, guide, joint, min, max, doc) { #name, min, max, doc },
#include "families.def"
#undef FAMILY_LAW
};

static const struct { const char *name; double value; } constants[] = {
#define CONSTANT(name, value, doc) { #name, value },
#include "builtins.def"
#undef CONSTANT
};

#define COUNT(table) (sizeof table / sizeof *table)

/* A builtin by name; where a primitive and a reduction share it (max, min), the number of arguments
 * decides. The result for a primitive lives in *c's arena. */
const Builtin *builtin_find(Ctx *c, Str name, size_t n_args)
{
    const Builtin *found = NULL;
    for (size_t i = 0; i < COUNT(builtins); i++)
        if (!strcmp(builtins[i].name, name)) found = &builtins[i];
    if (found && (int)n_args >= found->min && (int)n_args <= found->max) return found;
    for (size_t i = 0; i < COUNT(map_rows); i++) {
        if (!map_rows[i].map || strcmp(map_rows[i].name, name)) continue;
        if (found && (int)n_args != map_rows[i].arity) return found;
        Builtin *b = arena_alloc(c->arena, sizeof *b);
        *b = (Builtin){ map_rows[i].name, RULE_MAP, map_rows[i].arity, map_rows[i].arity, "", true,
                        false, map_rows[i].doc, row_range(map_rows[i].range) };
        return b;
    }
    return found;
}

bool builtin_constant(Str name, double *value)
{
    for (size_t i = 0; i < COUNT(constants); i++)
        if (!strcmp(constants[i].name, name)) { *value = constants[i].value; return true; }
    return false;
}

const SupportRow *support_row(Str name)
{
    for (size_t i = 0; i < COUNT(supports); i++)
        if (!strcmp(supports[i].name, name)) return &supports[i];
    return NULL;
}

int support_core(Str name)
{
    const SupportRow *row = support_row(name);
    return row ? row->core : 0;
}

const FamilyLaw *family_law(Str name)
{
    for (size_t i = 0; i < COUNT(family_laws); i++)
        if (!strcmp(family_laws[i].name, name)) return &family_laws[i];
    return NULL;
}

const char *fixit(Str word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i < COUNT(fixits); i++) {
        const char *theirs = fixits[i].theirs;
        bool ending = theirs[0] == '_' && n > strlen(theirs);
        if (!strcmp(theirs, ending ? word + n - strlen(theirs) : word)) return fixits[i].ours;
    }
    return NULL;
}

/* Names of the tables of one name space, added to `list`. */
Str *builtin_names(Ctx *c, Space space, Str *list)
{
    if (space == SPACE_CALL) {
        for (size_t i = 0; i < COUNT(builtins); i++) vec_push(c, list, str(c, builtins[i].name));
        for (size_t i = 0; i < COUNT(map_rows); i++)
            if (map_rows[i].map) vec_push(c, list, str(c, map_rows[i].name));
    }
    if (space == SPACE_VALUE)
        for (size_t i = 0; i < COUNT(constants); i++) vec_push(c, list, str(c, constants[i].name));
    if (space == SPACE_TYPE)
        for (size_t i = 0; i < COUNT(supports); i++) vec_push(c, list, str(c, supports[i].name));
    return list;
}
