/* data_sizes.c - sizes read from the data files named on the command line.
 *
 *     data x[N] : bit[P]    --data x=FILE of 60000 x 28 x 28    ->    N = 60000, P = 784
 * requires:    a parsed file
 * establishes: defines for axes that are plain names; what -D says stays. Once the file is checked,
 * every define is of a name that the file has.
 */
#include "driver.h"

#include "base/shape_file.h"
#include "check/type.h"

#include <string.h>

static bool is_defined(const Ctx *c, Str name)
{
    for (size_t i = 0; i < vec_len(c->defines); i++)
        if (c->defines[i].name == name)
            return true;
    for (size_t i = 0; i < vec_len(c->numbers); i++)
        if (c->numbers[i].name == name)
            return true;
    return false;
}

static void define_axis(Ctx *c, const Ast *size, int64_t value, Str from)
{
    const Ast *name = size->kind == AST_BINDER ? size->kids[BINDER_DOMAIN] : size;
    if (name->kind == AST_INDEX && name->kids[INDEX_BASE]->kind == AST_NAME) {
        Str longest = cells_name(c, name->kids[INDEX_BASE]->name, CELLS_LONGEST);
        if (!is_defined(c, longest))
            vec_push(c, c->defines, ((Define){ longest, value, from }));
        return;
    }
    if (name->kind == AST_NAME && !is_defined(c, name->name))
        vec_push(c, c->defines, ((Define){ name->name, value, from }));
}

/* File axes are array axes, then event axes; more file axes than event axes are taken as one. */
static void define_from_shape(Ctx *c, const Ast *data, const Ast *declared, const FileShape *s,
                              Str from)
{
    size_t n_array = vec_len(declared->kids);
    const Ast *axes = data->kids[DATA_TYPE] ? data->kids[DATA_TYPE]->kids[TYPE_AXES] : NULL;
    size_t n_event = axes ? vec_len(axes->kids) : 0;
    for (size_t i = 0; i < n_array && i < (size_t)s->rank; i++)
        define_axis(c, declared->kids[i], s->dims[i], from);
    if (n_event == 0 || n_array >= (size_t)s->rank)
        return;
    size_t rest = (size_t)s->rank - n_array;
    if (support_core(data->kids[DATA_TYPE]->name) == 2 && n_event + 1 == rest)
        rest = n_event;                /* covariance[K]: K x K */
    int64_t all = 1;
    for (size_t i = 0; i < rest; i++)
        all *= s->dims[n_array + i];
    for (size_t i = 0; i < n_event; i++)
        if (n_event == rest)
            define_axis(c, axes->kids[i], s->dims[n_array + i], from);
        else if (n_event == 1)
            define_axis(c, axes->kids[i], all, from);
}

/* How many cells are missing: see check/cells.c. */
static void define_gaps(Ctx *c, const Ast *data, const Ast *declared, int64_t missing, Str from)
{
    Str name = cells_name(c, declared->name, CELLS_GAPS);
    if (data->kids[DATA_MISSING] && !is_defined(c, name))
        vec_push(c, c->defines, ((Define){ name, missing, from }));
}

typedef struct DataSearch {
    Ctx *c;
    Str name;
    const Ast *statement, *declared;
    size_t n;
} DataSearch;

static bool visit_data(Ast *a, void *p)
{
    DataSearch *s = p;
    if (a->kind != AST_DATA)
        return true;
    const Ast *names = a->kids[DATA_NAMES];
    for (size_t i = 0; i < vec_len(names->kids); i++)
        if (!s->name || names->kids[i]->name == s->name
            || (a->kids[DATA_FIELD] && a->kids[DATA_FIELD]->name == s->name)) {
            s->statement = a;
            s->declared = names->kids[i];
            s->n++;
        }
    return false;
}

/* A field is a data array by its own name or that in files, or else a size. */
static void define_from_field(Ctx *c, Ast *file, const FileField *field, Str from)
{
    DataSearch s = { c, field->name, NULL, NULL, 0 };
    ast_walk(file, visit_data, &s);
    if (s.n) {
        define_from_shape(c, s.statement, s.declared, &field->shape, from);
        define_gaps(c, s.statement, s.declared, field->missing, from);
        bool single = field->shape.rank == 0 && (field->whole || field->number);
        double x = single ? field->x : field->largest;
        vec_push(c, c->values, ((Values){ s.declared->name, single, x, from }));
    } else if (field->whole && !is_defined(c, field->name))
        vec_push(c, c->defines, ((Define){ field->name, field->value, from }));
    else if (field->number && !is_defined(c, field->name))
        vec_push(c, c->numbers, ((Number){ field->name, field->x, from }));
}

typedef struct Asking { Ctx *c; Asked *asked; const Ast *file; } Asking;

static void ask(Asking *a, const Ast *data, Str name)
{
    const Ast *field = data->kids[DATA_FIELD];
    double sentinel = missing_sentinel(data);
    vec_push(a->c, a->asked, ((Asked){ name, sentinel }));
    if (field)
        vec_push(a->c, a->asked, ((Asked){ field->name, sentinel }));
}

static bool visit_gaps(Ast *e, void *p)
{
    if (e->kind != AST_DATA)
        return true;
    const Ast *names = e->kids[DATA_NAMES];
    for (size_t i = 0; e->kids[DATA_MISSING] && i < vec_len(names->kids); i++)
        ask(p, e, names->kids[i]->name);
    return false;
}

/* An array in `max(..)` or `max[..](..)`, of which a size may be made, or in `i in n[j]`. */
static bool visit_largest(Ast *e, void *p)
{
    Asking *a = p;
    bool call = e->kind == AST_CALL || e->kind == AST_REDUCE;
    if (e->kind != AST_BINDER && !(call && !strcmp(e->name, "max")))
        return true;
    Ast **todo = NULL;
    vec_push(a->c, todo, e->kind == AST_BINDER ? e->kids[BINDER_DOMAIN] : e);
    for (size_t i = 0; i < vec_len(todo); i++) {
        DataSearch s = { a->c, todo[i]->name, NULL, NULL, 0 };
        if (todo[i]->kind == AST_NAME)
            ast_walk((Ast *)a->file, visit_data, &s);
        if (s.n)
            ask(a, s.statement, todo[i]->name);
        for (size_t k = 0; k < vec_len(todo[i]->kids); k++)
            if (todo[i]->kids[k])
                vec_push(a->c, todo, todo[i]->kids[k]);
    }
    return true;
}

/* *named: the file names what it holds, and all of it is defined. */
static int define_from_fields(Ctx *c, Ast *file, const DataArg *arg, bool *named)
{
    FileField *fields = NULL;
    Str why;
    *named = false;
    if (arg->name)
        return DONE;
    Asking asking = { .c = c, .file = file };
    ast_walk(file, visit_gaps, &asking);
    ast_walk(file, visit_largest, &asking);
    if (!file_fields(c, arg->path, asking.asked, &fields, named, &why)) {
        fprintf(c->err, "dgmc: error: --data %s: %s\n", arg->path, why);
        return BAD_DATA;
    }
    for (size_t i = 0; i < vec_len(fields); i++) {
        DataSearch s = { c, fields[i].name, NULL, NULL, 0 };
        ast_walk(file, visit_data, &s);
        *named |= s.n > 0;
    }
    for (size_t i = 0; *named && i < vec_len(fields); i++)
        define_from_field(c, file, &fields[i], arg->path);
    return DONE;
}

static int define_from_data(Ctx *c, Ast *file, const DataArg *arg)
{
    DataSearch s = { c, arg->name, NULL, NULL, 0 };
    FileShape shape;
    Str why;
    bool named;
    int rc = define_from_fields(c, file, arg, &named);
    if (rc || named)
        return rc;
    ast_walk(file, visit_data, &s);
    if (s.n != 1) {
        fprintf(c->err, "dgmc: error: --data %s: the model has %s\n",
                arg->name ? arg->name : arg->path,
                s.n ? "several data arrays; write --data NAME=FILE, or give a JSON object or a CSV "
                      "with a header" : "no data of this name");
        return USAGE;
    }
    if (!shape_file(c, arg->path, &shape, &why)) {
        fprintf(c->err, "dgmc: error: --data %s=%s: %s\n", s.declared->name, arg->path, why);
        return BAD_DATA;
    }
    define_from_shape(c, s.statement, s.declared, &shape, arg->path);
    return DONE;
}

int define_from_files(Ctx *c, Ast *file, const DataArg *data)
{
    for (size_t i = 0; i < vec_len(data); i++) {
        int rc = define_from_data(c, file, &data[i]);
        if (rc)
            return rc;
    }
    return DONE;
}

/* ---- names that no model has ----------------------------------------------------------------- */

typedef struct NameSearch { Ctx *c; Str name, *candidates; bool found; } NameSearch;

static bool visit_name(Ast *a, void *p)
{
    NameSearch *s = p;
    bool argument = a->kind == AST_ARGDECL;
    bool size = a->kind == AST_NAME && a->type && a->type->size && a->decl
             && a->decl->kind != AST_BINDER;
    s->found |= (argument || size) && a->name == s->name;
    const Ast *gaps = a->kind == AST_DATA && a->kids[DATA_MISSING] ? a->kids[DATA_NAMES] : NULL;
    for (size_t i = 0; gaps && i < vec_len(gaps->kids); i++)   /* of no gaps there is no size */
        s->found |= cells_name(s->c, gaps->kids[i]->name, CELLS_GAPS) == s->name;
    if (argument)
        vec_push(s->c, s->candidates, a->name);
    return true;
}

static bool is_named(Ctx *c, Ast *file, Str name, Str *near)
{
    NameSearch s = { .c = c, .name = name };
    ast_walk(file, visit_name, &s);
    *near = nearest(c, name, s.candidates, vec_len(s.candidates));
    return s.found;
}

/* A name of -D must be one of the file; one of a data file is left to the trainer to refuse. */
static bool keep_name(Ctx *c, Ast *file, Str name, Str source, bool *good)
{
    Str near;
    if (is_named(c, file, name, &near))
        return true;
    if (strcmp(source, "-D"))
        return false;
    *good = false;
    fprintf(c->err, "dgmc: error: -D %s: the model has no argument or size of this name\n", name);
    if (near)
        fprintf(c->err, "  help: did you mean `%s`?\n", near);
    return false;
}

int check_names_given(Ctx *c, Ast *file)
{
    Define *sizes = NULL;
    Number *numbers = NULL;
    bool good = true;
    for (size_t i = 0; i < vec_len(c->defines); i++)
        if (keep_name(c, file, c->defines[i].name, c->defines[i].source, &good))
            vec_push(c, sizes, c->defines[i]);
    for (size_t i = 0; i < vec_len(c->numbers); i++)
        if (keep_name(c, file, c->numbers[i].name, c->numbers[i].source, &good))
            vec_push(c, numbers, c->numbers[i]);
    c->defines = sizes;
    c->numbers = numbers;
    return good ? DONE : USAGE;
}
