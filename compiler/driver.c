/* driver.c - the whole compiler, in order. STAGE verifies what a stage made, prints it under
 * --dump=NAME and stops after it under --stop=NAME.
 */
#include "driver.h"

#include "check/type.h"
#include "derive/objective.h"
#include "emit/input.h"
#include "model/model.h"
#include "syntax/ast.h"
#include "lower/lower.h"
#include "plan/plan.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static const char *const stages[] = { "ast", "types", "graph", "objective", "tir", "grad", "ir",
                                      "kernels", "c" };

bool stage_exists(const char *name)
{
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++)
        if (!strcmp(stages[i], name))
            return true;
    return false;
}

bool query_exists(const char *name)
{
    static const char *const queries[] = {
#define Q(query) #query,
        QUERIES(Q)
#undef Q
    };
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++)
        if (!strcmp(queries[i], name))
            return true;
    return false;
}

/* ---- the pipeline ---------------------------------------------------------------------------- */

static bool wants(const Job *job, const char *stage)
{
    return str_listed(job->dump, stage);
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

/* Reverse mode, in stable form, on the programs that have a gradient. */
static void add_gradients(Ctx *c, Lowered *l)
{
    for (size_t i = 0; i < vec_len(l->programs); i++) {
        LowProgram *p = &l->programs[i];
        if (!lower_has_gradient(p))
            continue;
        p->fn = tir_simplify(c, p->fn);
        p->fn = tir_grad(c, p->fn, lower_seeds(c, p), p->given);
    }
}

static void simplify_all(Ctx *c, Lowered *l)
{
    for (size_t i = 0; i < vec_len(l->programs); i++)
        if (l->programs[i].fn)
            l->programs[i].fn = tir_simplify(c, l->programs[i].fn);
}

/* The densities that samplers ask for again and again, on the same data. */
static void split_once(Ctx *c, Lowered *l)
{
    LowProgram *programs = NULL, once;
    for (size_t i = 0; i < vec_len(l->programs); i++) {
        LowProgram *p = &l->programs[i];
        bool density = c->f64 && p->fn && !strncmp(p->name, "log_prob", 8);
        if (density && lower_once(c, p, &once)) {
            once.fn = tir_simplify(c, once.fn);
            vec_push(c, programs, once);
        }
        vec_push(c, programs, *p);
    }
    l->programs = programs;
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

/* What the trainer's `posterior` needs; and what it trains by where the density cannot be had, or
 * the spec says how to fit. */
#define FOR_RUN "log_prob_free,to_values,log_prob_noncentred,to_values_noncentred,report"
#define FOR_TRAINING ",step,encode,weight,constrain,sample,reconstruct"

static const char *for_run(const Job *job, const Derivation *d)
{
    const Model *m = d->model;
    bool trains = d->log_prob_free.absent || m->training.batch > 0 || model_is_guided(m);
    for (size_t i = 0; i < vec_len(job->passed); i++)
        trains |= !strcmp(job->passed[i], "stochastic");
    return trains ? FOR_RUN FOR_TRAINING : FOR_RUN;
}

/* The table of latents needs their maps; a report what it reads of states, and predictions. */
static bool is_wanted(const char *only, size_t query, Str name)
{
    bool map = query == QUERY_to_values || query == QUERY_to_free;
    bool reported = query == QUERY_marginals || query == QUERY_modes || query == QUERY_simulate
                 || query == QUERY_states;
    return map || str_listed(only, name) || (reported && str_listed(only, "report"));
}

/* The queries that --only does not name are not answered. */
static void leave_out(Ctx *c, const Job *job, Derivation *d)
{
    const char *only = job->task == TASK_RUN ? for_run(job, d) : job->only;
    for (size_t i = 0; i < N_QUERIES && only; i++)
        if (!is_wanted(only, i, d->query[i].name))
            d->query[i] = (Query){ .name = d->query[i].name,
                                   .absent = str(c, "--only leaves it out") };
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

/* The compiler becomes the trainer, which reads the same data. */
static int run_posterior(Ctx *c, const Job *job, const Out *text)
{
    Str trainer = cached_trainer(c, job->cc, text);
    const char **words = NULL;
    if (!trainer)
        return CANNOT_WRITE;
    vec_push(c, words, trainer);
    vec_push(c, words, "posterior");
    for (size_t i = 0; i < vec_len(job->passed); i++)
        vec_push(c, words, job->passed[i]);
    vec_push(c, words, NULL);
    execv(trainer, (char *const *)words);
    diag_error(c, E_WRITE, NOSPAN, trainer, strerror(errno));
    return CANNOT_WRITE;
}

static int refuse_run(Ctx *c, const Job *job, const Derivation *d)
{
    diag_error(c, E_RUN, d->model->node->span, d->encode.absent);
    diag_help(c, "compile a trainer, `dgmc %s`, and use its `train`", job->path);
    return WRONG;
}

static int back_end(Ctx *c, const Job *job, const Ast *file, const Ast *library,
                    const Source *source, Derivation *d)
{
    if (job->task == TASK_RUN && d->log_prob_free.absent && d->encode.absent)
        return refuse_run(c, job, d);
    leave_out(c, job, d);
    Lowered *l = lower(c, d, file, library);
    if (!l)
        return WRONG;
    STAGE("tir", lowered_verify(l), lowered_print(o, l));
    add_gradients(c, l);
    if (diag_count(c))
        return WRONG;
    STAGE("grad", lowered_verify(l), lowered_print(o, l));
    simplify_all(c, l);
    split_once(c, l);
    STAGE("ir", lowered_verify(l), lowered_print(o, l));
    Plan **plans = plan_all(c, l);
    STAGE("kernels", verify_plans(plans), print_plans(o, plans));
    Out *text = out_new(c);
    Str command = job->task == TASK_RUN ? str_fmt(c, "dgmc run %s", job->path) : job->command;
    emit_program(c, text, emit_input(c, source, command, job->cc, DGMC_VERSION, d, l, plans));
    STAGE("c", (void)0, (void)0);
    if (wants(job, "c"))
        flush_dump(c, text);
    if (job->task == TASK_RUN)
        return run_posterior(c, job, text);
    Str out = output_name(c, job);
    if (job->emit_c)
        return out_save(c, text, out) ? DONE : CANNOT_WRITE;
    return run_cc(c, job->cc, text, out) ? DONE : diag_count(c) ? CANNOT_WRITE : WRONG;
}

static int compile_file(Ctx *c, const Job *job, Ast *file, const Source *source)
{
    int rc = define_from_files(c, file, job->data);
    if (rc)
        return rc;
    Ast *library = parse_library(c);
    if (!override_estimators(c, file, job->model, job->estimators))
        return WRONG;
    if (!check(c, file, library))
        return WRONG;
    if ((rc = check_names_given(c, file)))
        return rc;
    STAGE("types", check_verify(c, file), check_dump(c, o, file));
    Model *m = model_build(c, file, job->model ? str(c, job->model) : NULL);
    if (!m)
        return WRONG;
    check_model_defines(c, m->node);
    if (!job->precision)
        c->f64 = !(job->task == TASK_RUN ? model_is_net(m) : model_has_nets(m));
    if (!prove_plates(c, m, job->task == TASK_CHECK))
        return WRONG;
    STAGE("graph", model_verify(m), model_print(c, o, m));
    Derivation *d = derive(c, m, library);
    if (!d)
        return WRONG;
    STAGE("objective", derivation_verify(d), derivation_print(c, o, d));
    if (job->task == TASK_EXPLAIN)
        return print_explanation(c, job, d);
    if (job->task == TASK_CHECK)
        return DONE;
    if (!check_sizes_bound(c, file, m->node))
        return WRONG;
    return back_end(c, job, file, library, source, d);
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
