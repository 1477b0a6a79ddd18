/* loop.c - the training loop.
 *
 * Everything that decides a value is a function of (options, step): rows of the batch, random
 * numbers, step size, when a line of metrics is written, when validation happens. The clock decides
 * only what is shown and how often `last` is saved in between. Hence a run that was stopped after
 * any step and resumed passes through the same numbers, bit for bit.
 *
 * requires:    a Training that train.c prepared, at state.step <= plan.total
 * establishes: state.step == plan.total or `optimizer auto` has converged, and everything saved, or
 *              the process has ended by a signal (after saving) or through dgm_fail (with the last
 *              good checkpoint in place)
 */
#include "train/train.h"

#include "optim/optim.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SECONDS_BETWEEN_SAVES 1.0

/* ---- saving --------------------------------------------------------------------------------- */

static void save_best(Training *t)
{
    Session best = t->s;
    RunState state = t->state;

    best.param = t->best_param;
    state.step = t->state.best_step;
    state_save(&best, NULL, &state, t->dir, "best.safetensors");
    t->best_pending = false;
}

void training_save(Training *t)
{
    const DgmParam *bad = params_nonfinite(t->s.model, t->s.param);

    if (bad != NULL)
        dgm_fail(DGM_EXIT_NUMERIC, "try a smaller --lr, or --clip; the last checkpoint stands",
                 "%s:%d: parameter `%s` is not finite after step %llu", t->s.model->spec_path,
                 bad->line, bad->name, (unsigned long long)t->state.step);
    if (t->dir == NULL)                              /* nothing is kept */
        return;
    if (t->best_pending)
        save_best(t);
    state_save(&t->s, t->optim, &t->state, t->dir, "last.safetensors");
    t->saved_step = t->state.step;
    t->saved_clock = clock_seconds();
}

/* ---- one step ------------------------------------------------------------------------------- */

/* The whole data set in one batch, drawn once: its rows never move. */
static bool rows_stand(const Training *t)
{
    return t->train.source == NULL
           || (t->plan.batch == t->plan.N && !t->train.source->dynamic);
}

static void choose_rows(Training *t)
{
    uint64_t step = t->state.step, epoch = step / t->plan.per_epoch;

    if (rows_stand(t))
        return;
    source_epoch(t->train.source, t->s.seed, epoch);
    source_batch_rows(t->train.source, (long)(step % t->plan.per_epoch), t->plan.batch,
                      t->train.buffers->rows);
}

static Moment moment(Training *t)
{
    snprintf(t->when, sizeof t->when, "at step %llu", (unsigned long long)t->state.step);
    snprintf(t->help, sizeof t->help, "try another --seed, or look at the data");
    if (t->dir != NULL)
        snprintf(t->help, sizeof t->help, "%s/last.safetensors (step %llu) stands; try a smaller "
                 "--lr, or --clip", t->dir, (unsigned long long)t->saved_step);
    return (Moment){t->when, t->help};
}

/* The parameters of `last` are the ones that give no number: `previous`, from which steps were
 * made, takes its place. False if there is none. */
static bool retreat(Training *t)
{
    if (t->dir == NULL)
        return false;
    char *last = path_join(t->dir, "last.safetensors");
    char *previous = path_join(t->dir, "previous.safetensors");
    char why[1100];
    bool good = path_exists(previous) && state_readable(previous, why, sizeof why);

    if (good) {
        state_load(&t->s, NULL, &t->state, previous);
        good = t->state.step < t->saved_step;
    }
    if (good) {
        file_keep_as(previous, last);
        t->saved_step = t->state.step;
    }
    free(previous);
    free(last);
    return good;
}

_Noreturn static void stop_not_finite(Training *t)
{
    Moment m = moment(t);
    const DgmParam *bad = params_nonfinite(t->s.model, t->s.grad);

    if (t->state.step == t->saved_step) {
        uint64_t step = t->state.step;
        bool good = retreat(t);

        t->state.step = step;
        m = moment(t);
        if (!good)
            m.help = "no step was made from here: look at the data, or try another --seed";
    }
    if (t->c.bad_term >= 0)
        fail_term(&t->c, m);
    dgm_fail(DGM_EXIT_NUMERIC, m.help, "%s:%d: the gradient of `%s` is not finite %s",
             t->s.model->spec_path, bad ? bad->line : 0, bad ? bad->name : "the parameters",
             m.when);
}

void training_run(Training *t)
{
    choose_rows(t);
    t->c.step = t->state.step;
    dgm_optim_begin(t->optim, t->state.step, t->plan.total);
    t->c.program->run(&t->c);
}

/* False: the numbers were not finite, and no step was made. */
static bool take_step(Training *t)
{
    training_run(t);
    if (t->c.bad_term >= 0 || !isfinite(t->c.grad_norm)) {
        if (!automatic_retreat(t))
            stop_not_finite(t);
        return false;
    }
    running_add(t->state.window, &t->c);
    running_add(t->state.epoch, &t->c);
    t->state.step++;
    automatic_after_step(t);
    return true;
}

static bool ended(const Training *t)
{
    return t->state.step == t->plan.total || automatic_done(t);
}

/* ---- reports -------------------------------------------------------------------------------- */

static json_t *line_new(const Training *t, const char *kind)
{
    uint64_t epoch = (t->state.step - 1) / t->plan.per_epoch + 1;

    return json_pack("{s:s, s:I, s:I}", "kind", kind, "step", (json_int_t)t->state.step, "epoch",
                     (json_int_t)epoch);
}

static void log_step(Training *t)
{
    json_t *line = line_new(t, "step");
    double now = clock_seconds(), seconds = now - t->window_clock;

    metrics_put_running(line, "", t->state.window);
    metrics_put(line, "", "grad_norm", t->c.grad_norm);
    metrics_put(line, "", "lr", dgm_optim_lr(t->optim));
    metrics_put(line, "", "steps_per_second",
                seconds > 0 ? (double)t->state.window->count / seconds : NAN);
    metrics_write(&t->metrics, line);
    running_clear(t->state.window);
    t->window_clock = now;
}

static void validate(Training *t, json_t *line)
{
    long batch = t->plan.batch < 200 ? t->plan.batch : 200;
    Session at = t->s;
    at.param = (Real *)automatic_result(t);
    Running *r = evaluate_terms(&at, &t->valid, batch, t->state.samples, (double)t->plan.N,
                                moment(t));
    double objective = running_report(r).objective;

    metrics_put_running(line, "valid_", r);
    if (!(objective <= t->state.best)) {             /* also when there is none yet */
        t->state.best = objective;
        t->state.best_step = t->state.step;
        memcpy(t->best_param, at.param, (size_t)t->s.model->param_reals * sizeof(Real));
        t->best_pending = true;
    }
    free(r);
}

static void report_epoch(Training *t)
{
    json_t *line = line_new(t, "epoch");

    metrics_put_running(line, "", t->state.epoch);
    if (t->has_valid)
        validate(t, line);
    metrics_write(&t->metrics, line);
    running_clear(t->state.epoch);
}

/* ---- what a person sees --------------------------------------------------------------------- */

static void progress_text(const Training *t, char *text, size_t size)
{
    const Running *r = t->state.window->count > 0 ? t->state.window : t->state.epoch;
    bool latents = model_has_latents(t->s.model);
    Report report = running_report(r);
    uint64_t epoch = (t->state.step - (t->state.step > 0)) / t->plan.per_epoch + 1;
    uint64_t epochs = (t->plan.total + t->plan.per_epoch - 1) / t->plan.per_epoch;
    int n = 0;

    if (t->plan.per_epoch > 1)
        n = snprintf(text, size, "epoch %llu/%llu  ", (unsigned long long)epoch,
                     (unsigned long long)epochs);
    if (r->count > 0)
        n += snprintf(text + n, size - (size_t)n, "%s %.4f", latents ? "elbo" : "objective",
                      latents ? report.elbo : report.objective);
    if (t->has_valid && isfinite(t->state.best))
        snprintf(text + n, size - (size_t)n, "  best %.4f", t->state.best);
}

/* ---- the loop ------------------------------------------------------------------------------- */

_Noreturn static void stop_for_signal(Training *t, Progress *progress, int number)
{
    if (t->saved_step != t->state.step)
        training_save(t);
    metrics_close(&t->metrics);
    progress_break(progress);
    if (t->dir == NULL)
        signals_reraise(number);
    session_note(&t->s, "stopped after step %llu, saved in %s/last.safetensors; go on with "
                 "`%s train --resume --out %s`\n", (unsigned long long)t->state.step, t->dir,
                 t->s.options->program, t->dir);
    signals_reraise(number);
}

static void after_step(Training *t)
{
    uint64_t step = t->state.step;
    bool last = ended(t), boundary = step % t->plan.report_every == 0 || last;

    if (step % t->plan.log_every == 0 || last)
        log_step(t);
    if (boundary)
        report_epoch(t);
    if (last || signals_save() || (t->plan.save_every > 0 && step % t->plan.save_every == 0)
        || (boundary && clock_seconds() - t->saved_clock >= SECONDS_BETWEEN_SAVES))
        training_save(t);
}

void training_loop(Training *t)
{
    Progress progress = progress_begin("step", t->state.step, t->plan.total, t->s.quiet);
    char text[160] = "";

    t->window_clock = t->saved_clock = clock_seconds();
    if (rows_stand(t) && t->train.source != NULL)
        source_batch_rows(t->train.source, 0, t->plan.batch, t->train.buffers->rows);
    automatic_begin(t);
    while (!ended(t)) {
        if (take_step(t))
            after_step(t);
        if (progress_due(&progress)) {
            progress_text(t, text, sizeof text);
            progress_show(&progress, t->state.step, text, "steps/s");
        }
        if (signals_stop() != 0)
            stop_for_signal(t, &progress, signals_stop());
    }
    automatic_end(t);
    if (progress.drawn || progress.total > progress.first)
        progress_end(&progress, t->state.step, "", "steps/s");
}
