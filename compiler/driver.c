/* driver.c - the whole compiler, in order. STAGE verifies what a stage made, prints it under
 * --dump=NAME and stops after it under --stop=NAME.
 */
#include "driver.h"

#include "base/shape_file.h"
#include "check/type.h"
#include "derive/objective.h"
#include "emit/input.h"
#include "model/model.h"
#include "syntax/ast.h"
#include "tensor/lower.h"
#include "tensor/plan.h"

#include <string.h>

enum { DONE = 0, WRONG = 1, BAD_DATA = 3, CANNOT_WRITE = 4 };

static const char *const stages[] = { "ast", "types", "graph", "objective", "tir", "grad", "ir",
                                      "kernels", "c" };

bool stage_exists(const char *name)
{
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++)
        if (!strcmp(stages[i], name))
            return true;
    return false;
}

static bool listed(const char *list, const char *name)
{
    size_t n = strlen(name);
    for (const char *p = list; p && *p; p += strcspn(p, ","), p += *p == ',')
        if (!strncmp(p, name, n) && (p[n] == ',' || !p[n]))
            return true;
    return false;
}

/* ---- sizes from arguments and data ------------------------------------------------------------------ */

static bool is_defined(const Ctx *c, Str name)
{
    for (size_t i = 0; i < vec_len(c->defines); i++)
        if (c->defines[i].name == name)
            return true;
    return false;
}

static void define_axis(Ctx *c, const Ast *size, int64_t value, Str from)
{
    const Ast *name = size->kind == AST_BINDER ? size->kids[BINDER_DOMAIN] : size;
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
    int64_t all = 1;
    for (size_t i = 0; i < rest; i++)
        all *= s->dims[n_array + i];
    for (size_t i = 0; i < n_event; i++)
        if (n_event == rest)
            define_axis(c, axes->kids[i], s->dims[n_array + i], from);
        else if (n_event == 1)
            define_axis(c, axes->kids[i], all, from);
}

typedef struct DataSearch { Ctx *c; Str name; const Ast *statement, *declared; size_t n; } DataSearch;

static bool visit_data(Ast *a, void *p)
{
    DataSearch *s = p;
    if (a->kind != AST_DATA)
        return true;
    const Ast *names = a->kids[DATA_NAMES];
    for (size_t i = 0; i < vec_len(names->kids); i++)
        if (!s->name || names->kids[i]->name == s->name) {
            s->statement = a;
            s->declared = names->kids[i];
            s->n++;
        }
    return false;
}

static int define_from_data(Ctx *c, Ast *file, const DataArg *arg)
{
    DataSearch s = { c, arg->name, NULL, NULL, 0 };
    FileShape shape;
    Str why;
    ast_walk(file, visit_data, &s);
    if (s.n != 1) {
        fprintf(c->err, "dgmc: error: --data %s: the model has %s\n", arg->name ? arg->name : arg->path,
                s.n ? "several data arrays; write --data NAME=FILE" : "no data of this name");
        return 2;
    }
    if (!shape_file(c, arg->path, &shape, &why)) {
        fprintf(c->err, "dgmc: error: --data %s=%s: %s\n", s.declared->name, arg->path, why);
        return BAD_DATA;
    }
    define_from_shape(c, s.statement, s.declared, &shape, arg->path);
    return DONE;
}

/* Whole-number defaults of model arguments, unless -D or a file has said otherwise. */
static void define_defaults(Ctx *c, const Ast *file)
{
    for (size_t i = 0; i < vec_len(file->kids); i++) {
        const Ast *args = file->kids[i]->kind == AST_MODEL ? file->kids[i]->kids[MODEL_ARGS] : NULL;
        for (size_t k = 0; args && k < vec_len(args->kids); k++) {
            const Ast *value = args->kids[k]->kids[ARGDECL_DEFAULT];
            if (value && value->kind == AST_NUM && value->num == (double)(int64_t)value->num
                && !is_defined(c, args->kids[k]->name))
                vec_push(c, c->defines, ((Define){ args->kids[k]->name, (int64_t)value->num,
                                                   str(c, "default") }));
        }
    }
}

/* ---- the pipeline ------------------------------------------------------------------------------------- */

static bool wants(const Job *job, const char *stage)
{
    return listed(job->dump, stage);
}

static void flush_dump(Ctx *c, Out *o)
{
    size_t n;
    const char *text = out_text(o, &n);
    (void)c;
    fwrite(text, 1, n, stdout);
}

#define STAGE(name, verify, print)                                                                 \
    do {                                                                                           \
        verify;                                                                                    \
        if (wants(job, name)) {                                                                    \
            Out *o = out_new(c);                                                                   \
            print;                                                                                 \
            flush_dump(c, o);                                                                      \
        }                                                                                          \
        if (job->stop && !strcmp(job->stop, name))                                                 \
            return DONE;                                                                           \
    } while (0)

static void print_fns(Out *o, const Lowered *l)
{
    for (size_t i = 0; i < vec_len(l->programs); i++)
        if (l->programs[i].fn)
            tir_print(o, l->programs[i].fn);
}

static void verify_fns(const Lowered *l)
{
    for (size_t i = 0; i < vec_len(l->programs); i++)
        if (l->programs[i].fn)
            tir_verify(l->programs[i].fn);
}

/* Reverse mode on the step, in stable form; the other programs have no gradient. */
static void add_gradients(Ctx *c, const Derivation *d, Lowered *l)
{
    LowProgram *step = lowered_program(l, "step");
    step->fn = tir_simplify(c, step->fn);
    step->fn = tir_grad(c, step->fn, lower_seeds(c, d, step->fn));
}

static void simplify_all(Ctx *c, Lowered *l)
{
    for (size_t i = 0; i < vec_len(l->programs); i++)
        if (l->programs[i].fn)
            l->programs[i].fn = tir_simplify(c, l->programs[i].fn);
}

static Plan **plan_all(Ctx *c, const Lowered *l)
{
    Plan **plans = NULL;
    for (size_t i = 0; i < vec_len(l->programs); i++)
        vec_push(c, plans, l->programs[i].fn ? plan_build(c, l->programs[i].fn) : NULL);
    return plans;
}

static void print_plans(Out *o, Plan **plans)
{
    for (size_t i = 0; i < vec_len(plans); i++)
        if (plans[i])
            plan_print(o, plans[i]);
}

static void verify_plans(Plan **plans)
{
    for (size_t i = 0; i < vec_len(plans); i++)
        if (plans[i])
            plan_verify(plans[i]);
}

static int print_explanation(Ctx *c, const Job *job, const Derivation *d)
{
    Out *o = out_new(c);
    explain(c, o, d, job->latex ? EXPLAIN_LATEX : EXPLAIN_TEXT);
    flush_dump(c, o);
    return DONE;
}

/* vae.dgm -> vae, in the working directory. */
static Str output_name(Ctx *c, const Job *job)
{
    if (job->output)
        return str(c, job->output);
    const char *base = strrchr(job->path, '/');
    base = base ? base + 1 : job->path;
    size_t n = strlen(base);
    if (n > 4 && !strcmp(base + n - 4, ".dgm"))
        n -= 4;
    return str_fmt(c, "%.*s%s", (int)n, base, job->emit_c ? ".c" : "");
}

static int back_end(Ctx *c, const Job *job, const Ast *file, const Ast *library, const Source *source,
                    const Derivation *d)
{
    Lowered *l = lower(c, d, file, library);
    if (!l)
        return WRONG;
    STAGE("tir", verify_fns(l), print_fns(o, l));
    add_gradients(c, d, l);
    if (diag_count(c))
        return WRONG;
    STAGE("grad", verify_fns(l), print_fns(o, l));
    simplify_all(c, l);
    STAGE("ir", verify_fns(l), print_fns(o, l));
    Plan **plans = plan_all(c, l);
    STAGE("kernels", verify_plans(plans), print_plans(o, plans));
    Out *text = out_new(c);
    emit_program(c, text, emit_input(c, source, job->command, job->cc, DGMC_VERSION, d, l, plans));
    STAGE("c", (void)0, (void)0);
    if (wants(job, "c"))
        flush_dump(c, text);
    Str out = output_name(c, job);
    if (job->emit_c)
        return out_save(c, text, out) ? DONE : CANNOT_WRITE;
    return run_cc(c, job->cc, text, out) ? DONE : diag_count(c) ? CANNOT_WRITE : WRONG;
}

static int compile_file(Ctx *c, const Job *job, Ast *file, const Source *source)
{
    for (size_t i = 0; i < vec_len(job->data); i++) {
        int rc = define_from_data(c, file, &job->data[i]);
        if (rc)
            return rc;
    }
    define_defaults(c, file);
    Ast *library = parse_library(c);
    if (!check(c, file, library))
        return WRONG;
    STAGE("types", check_verify(c, file), check_dump(c, o, file));
    Model *m = model_build(c, file, job->model ? str(c, job->model) : NULL);
    if (!m)
        return WRONG;
    if (job->task == TASK_CHECK && !vec_len(c->defines))
        return DONE;
    if (!prove_plates(c, m))
        return WRONG;
    STAGE("graph", model_verify(m), model_print(c, o, m));
    Derivation *d = derive(c, m);
    if (!d)
        return WRONG;
    STAGE("objective", derivation_verify(d), derivation_print(c, o, d));
    if (job->task == TASK_EXPLAIN)
        return print_explanation(c, job, d);
    return job->task == TASK_CHECK ? DONE : back_end(c, job, file, library, source, d);
}

static int format_file(Ctx *c, const Job *job, const Ast *file, const Source *source)
{
    Out *o = out_new(c);
    fmt_file(c, o, file);
    size_t n;
    const char *text = out_text(o, &n);
    bool same = n == source->length && !memcmp(text, source->text, n);
    if (job->fmt_check)
        return same ? DONE : WRONG;
    if (job->fmt_write)
        return same || out_save(c, o, job->path) ? DONE : CANNOT_WRITE;
    flush_dump(c, o);
    return DONE;
}

int compile(Ctx *c, const Job *job)
{
    Source *source = source_read(c, job->path);
    Ast *file = source ? parse_text(c, source) : NULL;
    if (!file)
        return WRONG;
    STAGE("ast", ast_verify(file), ast_dump(o, file));
    if (job->task == TASK_FMT)
        return format_file(c, job, file, source);
    return compile_file(c, job, file, source);
}
