/* train.c - `train`: from options to a prepared run, and its closing words.
 *
 * Order matters and reads top to bottom in command_train: decide whether the directory may be used,
 * take over the options of a run being resumed, open data, plan the steps, make or load parameters,
 * write run.json, save once (so that a full disk shows before the work), loop, draw, summarise.
 */
#include "train/train.h"

#include "optim/optim.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_EPOCHS "20"
#define DEFAULT_STEPS_WHOLE "2000"     /* when the batch is the whole data set */
#define DEFAULT_STEPS_AUTO "100000"    /* at most */
#define LOG_LINES 500
#define REPORTS 200

/* ---- the directory -------------------------------------------------------------------------- */

static const char *const run_files[] = {
    "last.safetensors", "previous.safetensors", "best.safetensors", "metrics.jsonl", "run.json",
    "loss.png", "samples.png", "reconstructions.png",
};

static void forget_run(const char *dir)
{
    for (size_t i = 0; dir != NULL && i < sizeof run_files / sizeof run_files[0]; i++) {
        char *path = path_join(dir, run_files[i]);

        unlink(path);
        free(path);
    }
}

static void check_directory(Options *o, const char *dir)
{
    char *record = path_join(dir, "run.json");
    bool resume = option_flag(o, OPT_RESUME), overwrite = option_flag(o, OPT_OVERWRITE);

    if (resume && overwrite)
        dgm_fail(DGM_EXIT_USAGE, "choose one of them", "--resume and --overwrite contradict");
    if (path_exists(record) && !resume && !overwrite)
        dgm_fail(DGM_EXIT_USAGE, "go on with --resume, start anew with --overwrite, or choose "
                 "another --out", "%s already holds a run", dir);
    if (!path_exists(record) && resume)
        dgm_fail(DGM_EXIT_USAGE, "leave out --resume to start a run",
                 "there is no run in %s to resume", dir);
    if (resume)
        runjson_options_of(o, dir);
    else
        directory_make(dir);
    free(record);
}

/* ---- the plan ------------------------------------------------------------------------------- */

/* Of --steps and --epochs the one from the stronger source counts; the other is dropped. */
static void settle_length(Options *o, bool automatic, bool whole)
{
    OptionSource steps = o->value[OPT_STEPS].source, epochs = o->value[OPT_EPOCHS].source;

    if (steps == FROM_COMMAND && epochs == FROM_COMMAND)
        dgm_fail(DGM_EXIT_USAGE, "give one of them", "--steps %s and --epochs %s contradict",
                 option_text(o, OPT_STEPS), option_text(o, OPT_EPOCHS));
    if (steps == FROM_NOWHERE && epochs == FROM_NOWHERE) {
        if (automatic)
            option_put(o, OPT_STEPS, DEFAULT_STEPS_AUTO, FROM_DEFAULT);
        else if (whole)
            option_put(o, OPT_STEPS, DEFAULT_STEPS_WHOLE, FROM_DEFAULT);
        else
            option_put(o, OPT_EPOCHS, DEFAULT_EPOCHS, FROM_DEFAULT);
    } else {
        option_drop(o, steps >= epochs ? OPT_EPOCHS : OPT_STEPS);
    }
}

static uint64_t at_least_1(double x)
{
    return x < 1 ? 1 : (uint64_t)x;
}

static Plan plan_make(Options *o, const Session *s, bool automatic, long N)
{
    const DgmModel *m = o->model;
    Plan plan = {.N = N, .batch = (long)option_count(o, OPT_BATCH, 0)};

    if (m->full_batch && plan.batch != 0 && plan.batch != N
        && o->value[OPT_BATCH].source == FROM_COMMAND)
        dgm_fail(DGM_EXIT_USAGE, "leave out --batch",
                 "`%s` cannot be trained on parts of its data: %s", m->name,
                 m->full_batch_reason ? m->full_batch_reason : "its rows depend on each other");
    if (plan.batch > N && o->value[OPT_BATCH].source == FROM_COMMAND)
        session_note(s, "note: --batch %ld is more than the %ld rows; all rows are one batch\n",
                     plan.batch, N);
    if (m->full_batch || plan.batch == 0 || plan.batch > N)
        plan.batch = N;
    plan.per_epoch = (uint64_t)(N / plan.batch);
    settle_length(o, automatic, plan.batch == N);
    double epochs = option_real(o, OPT_EPOCHS, 0);
    plan.total = option_given(o, OPT_STEPS) ? option_count(o, OPT_STEPS, 0)
                                            : at_least_1(round(epochs * (double)plan.per_epoch));
    if (plan.total == 0)
        dgm_fail(DGM_EXIT_USAGE, "give 1 or more", "--steps 0 asks for no training");
    plan.log_every = option_count(o, OPT_LOG_EVERY, 0);
    if (plan.log_every == 0)
        plan.log_every = at_least_1((double)(plan.total / (automatic ? 10000 : LOG_LINES)));
    plan.save_every = option_count(o, OPT_SAVE_EVERY, 0);
    uint64_t whole = plan.total / plan.per_epoch;
    plan.report_every = plan.per_epoch * ((whole + REPORTS - 1) / REPORTS + (whole == 0));
    return plan;
}

/* ---- the optimiser -------------------------------------------------------------------------- */

_Noreturn static void fail_hyper(const DgmOptim *optim, const char *text)
{
    DgmHyper known[3 * DGM_OPTIM_MAX_HYPER];
    int n = dgm_optim_values(optim, known, 3 * DGM_OPTIM_MAX_HYPER);
    char help[400] = "the names are";
    size_t used = strlen(help);

    for (int i = 0; i < n && used < sizeof help; i++)
        used += (size_t)snprintf(help + used, sizeof help - used, " %s", known[i].name);
    dgm_fail(DGM_EXIT_USAGE, help, "--set %s: not NAME=VALUE of optimiser %s", text,
             optim->info->name);
}

static void set_hyper(DgmOptim *optim, const char *text)
{
    const char *equals = strchr(text, '=');
    char name[64];
    double value;

    if (equals == NULL || !parse_real(equals + 1, &value))
        fail_hyper(optim, text);
    snprintf(name, sizeof name, "%.*s", (int)(equals - text), text);
    if (!dgm_optim_set(optim, name, value))
        fail_hyper(optim, text);
}

/* Who gives a step size, or how it changes, and no optimiser, wants one that obeys. */
static void choose_optimizer(Options *o)
{
    if (o->value[OPT_OPTIMIZER].source <= FROM_DEFAULT
        && (option_given(o, OPT_LR) || option_given(o, OPT_SET) || option_given(o, OPT_SCHEDULE)))
        option_put(o, OPT_OPTIMIZER, "adam", FROM_DEFAULT);
}

static DgmOptim *optimizer_make(Options *o)
{
    choose_optimizer(o);
    const char *name = option_text(o, OPT_OPTIMIZER), *schedule = option_text(o, OPT_SCHEDULE);
    char help[300] = "known are";
    size_t used = strlen(help);

    for (int i = 0; i < dgm_optim_count() && used < sizeof help; i++)
        used += (size_t)snprintf(help + used, sizeof help - used, " %s", dgm_optim_info(i)->name);
    if (dgm_optim_find(name) == NULL)
        dgm_fail(DGM_EXIT_USAGE, help, "there is no optimiser `%s` (from the %s)", name,
                 option_source_name(o->value[OPT_OPTIMIZER].source));
    DgmOptim *optim = dgm_optim_new(name, o->model);   /* with the numbers of the train block */
    if (optim->info->automatic && schedule != NULL)
        dgm_fail(DGM_EXIT_USAGE, "leave out one of them",
                 "--schedule %s and optimiser auto both choose step sizes", schedule);
    if (schedule != NULL && !dgm_optim_set_schedule(optim, schedule)) {
        used = (size_t)snprintf(help, sizeof help, "known are");
        for (int i = 0; i < dgm_schedule_count() && used < sizeof help; i++)
            used += (size_t)snprintf(help + used, sizeof help - used, " %s",
                                     dgm_schedule_info(i)->name);
        dgm_fail(DGM_EXIT_USAGE, help, "there is no schedule `%s`", schedule);
    }
    for (int i = 0; i < o->value[OPT_SET].n; i++)
        set_hyper(optim, o->value[OPT_SET].text[i]);
    if (option_given(o, OPT_LR))
        dgm_optim_set(optim, "lr", option_real(o, OPT_LR, 0));
    return optim;
}

/* ---- preparing ------------------------------------------------------------------------------ */

static void open_data(Training *t)
{
    const Options *o = t->s.options;

    /* A word at once: big files take a while. */
    for (int i = 0; i < o->value[OPT_DATA].n && !t->silent; i++)
        session_note(&t->s, "reading %s\n", o->value[OPT_DATA].text[i]);
    t->train = data_open(&t->s, OPT_DATA, 0);
    t->has_valid = option_given(o, OPT_VALID);
    if (!t->has_valid)
        return;
    t->valid = data_open(&t->s, OPT_VALID, source_scale(t->train.source));
}

static void open_state(Training *t)
{
    enum { FEW = 10 };                 /* draws that cost less than the steps that they save */
    const DgmModel *m = t->s.model;
    const Options *o = t->s.options;
    bool few = training_is_automatic(t) && t->plan.batch == t->plan.N && model_has_latents(m);

    t->state = (RunState){.total = t->plan.total, .seed = t->s.seed, .batch = t->plan.batch,
                          .data_hash = data_set_hash(&t->train), .N = t->plan.N, .best = NAN,
                          .samples = (int)option_count(o, OPT_SAMPLES_TRAIN, few ? FEW : 1)};
    if (t->state.samples < 1)
        dgm_fail(DGM_EXIT_USAGE, "give 1 or more", "--samples 0 asks for no draws");
    snprintf(t->state.optimizer, sizeof t->state.optimizer, "%s", option_text(o, OPT_OPTIMIZER));
    t->state.window = running_new(m);
    t->state.epoch = running_new(m);
    t->s.grad = dgm_slab_new((size_t)m->param_reals);
    memset(t->s.grad, 0, (size_t)m->param_reals * sizeof(Real));
    t->best_param = dgm_slab_new((size_t)m->param_reals);
}

static bool nothing_saved(const char *dir)
{
    char *last = path_join(dir, "last.safetensors");
    char *previous = path_join(dir, "previous.safetensors");
    bool nothing = !path_exists(last) && !path_exists(previous);

    free(last);
    free(previous);
    return nothing;
}

/* A damaged `last` gives way at once: the next save would make it `previous`, the only good one. */
static void replace_last(const char *dir, const char *good)
{
    char *last = path_join(dir, "last.safetensors");

    if (strcmp(good, last) != 0)
        file_keep_as(good, last);
    free(last);
}

/* What is on disk already: the state of the run, or nothing of it any more. */
static void take_over(Training *t, bool resume)
{
    if (!resume || nothing_saved(t->dir)) {          /* a run may end before its first save */
        if (!resume)
            forget_run(t->dir);
        params_initialise(t->s.model, t->s.seed, t->s.param);
        return;
    }
    char *path = state_last(t->dir);
    int samples = t->state.samples;
    uint64_t total = t->state.total;

    state_load(&t->s, t->optim, &t->state, path);
    replace_last(t->dir, path);
    t->state.samples = samples;          /* may be changed on purpose */
    t->state.total = total;
    t->saved_step = t->state.step;
    if (t->state.step > total)
        dgm_fail(DGM_EXIT_USAGE, "ask for more --steps or --epochs", "%s is at step %llu, beyond "
                 "the %llu asked for", path, (unsigned long long)t->state.step,
                 (unsigned long long)total);
    free(path);
}

static void bind_step(Training *t)
{
    data_room(&t->train, t->plan.batch);
    data_in_order(&t->train, 0, t->plan.batch);
    context_bind(&t->s, &t->train, &t->c, t->s.model->step, DGM_STREAM_TRAIN, t->plan.batch,
                 t->state.samples);
    t->c.optim = t->optim;
    t->c.clip = option_real(t->s.options, OPT_CLIP, 0);
}

static void announce(const Training *t, bool resume)
{
    const Plan *p = &t->plan;
    const char *warning = dgm_blas_warning();

    if (t->s.quiet || t->silent)
        return;
    if (warning != NULL)
        dgm_warn("%s", warning);
    session_note(&t->s, "%s %s: %ld rows, batch %ld, %llu steps", resume ? "resuming" : "training",
                 t->s.model->name, p->N, p->batch, (unsigned long long)p->total);
    if (p->per_epoch > 1)
        session_note(&t->s, " (%g epochs)", (double)p->total / (double)p->per_epoch);
    if (resume)
        session_note(&t->s, " from step %llu", (unsigned long long)t->state.step);
    session_note(&t->s, ", %s, seed %llu, %d thread%s\n", t->state.optimizer,
                 (unsigned long long)t->s.seed, t->s.threads, t->s.threads == 1 ? "" : "s");
}

/* ---- closing words -------------------------------------------------------------------------- */

static void print_last(const char *dir, const char *key, const char *title)
{
    Curve curve = metrics_curve(dir, "epoch", key);

    if (curve.n > 0)
        printf("  %-16s %.6f\n", title, curve.y[curve.n - 1]);
    curve_free(&curve);
}

static void print_file(const char *dir, const char *title, const char *name)
{
    char *path = path_join(dir, name);

    if (path_exists(path))
        printf("  %-16s %s\n", title, path);
    free(path);
}

/* Parameters a person would look at: small, and on their own support. */
static void print_small_parameters(Training *t)
{
    const DgmProgram *p = t->s.model->constrain;
    long shown = 0;

    if (p == NULL)
        return;
    DataSet none = data_none(t->s.model, 1);
    Gathered g = gather(&t->s, &none, p, DGM_STREAM_SAMPLE, 1, 1, 1);
    for (int i = 0; i < p->n_outputs; i++)
        shown += p->outputs[i].count;
    for (int i = 0; shown <= 16 && i < p->n_outputs; i++) {
        printf("  %-16s", p->outputs[i].name);
        for (long j = 0; j < p->outputs[i].count; j++)
            printf(" %.6g", (double)g.value[i][j]);
        printf("\n");
    }
    gathered_free(&g);
    data_close(&none);
}

/* How `optimizer auto` ended. */
static void print_automatic(const Training *t)
{
    const Automatic *a = &t->state.automatic;

    if (automatic_done(t))
        printf("  %-16s the last %llu steps, of size %g, gained less than %.2g (tolerance %.2g)\n",
               "converged", (unsigned long long)a->length, a->rate, a->limit, a->tolerance);
}

static void warn_automatic(const Training *t)
{
    const Automatic *a = &t->state.automatic;

    if (!training_is_automatic(t) || a->converged)
        return;
    if (a->tests == 0)
        dgm_warn("%llu steps are too few to tell whether the objective has stopped rising",
                 (unsigned long long)t->state.step);
    else
        dgm_warn("the objective may still be rising after %llu steps: from window to window by "
                 "%.2g nats a row, with 99 %% confidence by less than %.2g, for a tolerance of "
                 "%.2g; --resume with more --steps goes on", (unsigned long long)t->state.step,
                 a->gain.mean, a->limit, a->tolerance);
}

static void summarise(Training *t, double seconds, uint64_t first)
{
    bool latents = model_has_latents(t->s.model);

    if (t->s.quiet)
        return;
    printf("%s: %llu steps in %.1f s (%.0f steps/s); nats per row, averaged over the last report\n",
           t->s.model->name, (unsigned long long)(t->state.step - first), seconds,
           seconds > 0 ? (double)(t->state.step - first) / seconds : 0.0);
    print_last(t->dir, "objective", "objective");
    if (latents) {
        print_last(t->dir, "elbo", "elbo");
        print_last(t->dir, "reconstruction", "reconstruction");
        print_last(t->dir, "kl", "kl");
    }
    print_last(t->dir, latents ? "valid_elbo" : "valid_objective",
               latents ? "valid elbo" : "valid");
    if (t->has_valid)
        printf("  %-16s %.6f at step %llu\n", "best valid", t->state.best,
               (unsigned long long)t->state.best_step);
    print_automatic(t);
    print_small_parameters(t);
    print_file(t->dir, "checkpoint", "last.safetensors");
    print_file(t->dir, "best", "best.safetensors");
    print_file(t->dir, "metrics", "metrics.jsonl");
    print_file(t->dir, "record", "run.json");
}

void training_open(Training *t, Options *o, bool resume)
{
    t->s = session_open(o);
    open_data(t);
    t->optim = optimizer_make(o);
    t->plan = plan_make(o, &t->s, training_is_automatic(t), t->train.N);
    open_state(t);
    take_over(t, resume);
    bind_step(t);
    announce(t, resume);
    runjson_write(t, resume);
    signals_begin();
    if (t->state.step == 0)
        training_save(t);
    t->metrics = metrics_open(t->dir, resume, t->state.step);
}

void training_close(Training *t)
{
    context_unbind(&t->c);
    dgm_optim_free(t->optim);
    dgm_slab_free(t->best_param);
    free(t->state.window);
    free(t->state.epoch);
    if (t->has_valid)
        data_close(&t->valid);
    data_close(&t->train);
    session_close(&t->s);
}

int command_train(Options *o)
{
    Training t = {.dir = option_text(o, OPT_OUT)};
    bool resume = option_flag(o, OPT_RESUME);

    program_needed(o->model->step, "train", "it has nothing to fit");
    if (option_given(o, OPT_CONFIG)) {
        if (!path_exists(option_text(o, OPT_CONFIG)))
            dgm_fail(DGM_EXIT_USAGE, "give the run.json of another run", "there is no file %s",
                     option_text(o, OPT_CONFIG));
        runjson_options(o, option_text(o, OPT_CONFIG), FROM_CONFIG);
    }
    if (t.dir == NULL)
        dgm_fail(DGM_EXIT_USAGE, "`--help` shows an example", "`train` needs --out DIR");
    check_directory(o, t.dir);
    training_open(&t, o, resume);
    uint64_t first = t.state.step;
    double start = clock_seconds();
    training_loop(&t);
    metrics_close(&t.metrics);
    signals_end();
    summarise(&t, clock_seconds() - start, first);
    warn_automatic(&t);
    pictures_of_run(&t.s, t.has_valid ? &t.valid : &t.train, t.dir);
    training_close(&t);
    return DGM_OK;
}
