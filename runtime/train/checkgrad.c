/* checkgrad.c - `check-grad`: the gradient that training follows, against central differences.
 *
 * The objective is run with the same random streams at shifted parameters, so it is a plain
 * deterministic function and its differences are exact derivatives of what is computed. Each
 * difference is extrapolated to step 0 (Ridders 1982), which in f64 leaves about 10 digits.
 * For every parameter tensor: all elements if there are few, else a deterministic choice of them,
 * and one derivative along a direction through the whole tensor (half gradient, half random), which
 * no wrong element can hide from. Parameters are perturbed first: at a fresh start many are 0 and
 * would hide errors. Those of a run (--run) are taken as they are.
 *
 * A relative error is taken against the larger of the two values, but never below what rounding of
 * the objective can resolve: noise(h) / tolerance.
 *
 * requires: model->step and model->eval
 */
#include "train/check.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FEW_ELEMENTS 24                /* checked one by one per tensor */
#define ROWS_CHECKED 6
#define ROWS_MADE_UP 12                /* twice the batch: the plate scale N/B is checked too */
#define DIRECTION (-1L)                /* "element" number of the directional derivative */

#ifdef DGM_F64
#define LEVELS 8
#define TOLERANCE 1e-6
#else
#define LEVELS 2
#define TOLERANCE 5e-2
#endif
#define FIRST_STEP 0.03125             /* powers of 2: x + h is exact or nearly so */

typedef struct Finding {
    const DgmParam *param;
    int checked;
    long worst;                        /* element, or DIRECTION */
    double error, gradient, difference;
} Finding;

/* ---- differences ---------------------------------------------------------------------------- */

double check_run(Check *k, DgmCtx *c)
{
    c->program->run(c);
    if (c->bad_term >= 0)
        fail_term(c, (Moment){"at the parameters tried", NULL});
    k->size = 0;
    for (int t = 0; t < c->model->n_terms; t++)
        k->size += fabs(term_share(&c->model->terms[t], c->terms[t], (double)c->B, (double)c->N));
    return objective_value(c);
}

double check_shifted(Check *k, const Line *line, double h)
{
    Real *x = k->s.param + line->offset;
    const Real *at = k->at + line->offset;

    for (long i = 0; i < line->count; i++)
        x[i] = (Real)(at[i] + h * line->direction[i]);
    double value = check_run(k, &k->eval);
    memcpy(x, at, (size_t)line->count * sizeof *x);
    return value;
}

/* Derivative along the line; *noise: what rounding may add to it. */
static double line_derivative(Check *k, const Line *line, double *noise)
{
    double table[LEVELS][LEVELS], best = 0, least = INFINITY, h = FIRST_STEP;

    *noise = 0;
    for (int i = 0; i < LEVELS; i++, h /= 4) {
        double factor = 1;

        table[i][0] = (check_shifted(k, line, h) - check_shifted(k, line, -h)) / (2 * h);
        for (int j = 1; j <= i; j++) {
            factor *= 16;
            table[i][j] = (factor * table[i][j - 1] - table[i - 1][j - 1]) / (factor - 1);
            double error = fmax(fabs(table[i][j] - table[i][j - 1]),
                                fabs(table[i][j] - table[i - 1][j - 1]));
            if (error < least) {
                least = error;
                best = table[i][j];
                *noise = 8 * ROUNDING * k->size / h;
            }
        }
        if (least <= 1e-10 * fabs(best))
            break;
    }
    return best;
}

/* ---- one tensor ----------------------------------------------------------------------------- */

static void compare(Check *k, Finding *f, long element, double gradient, const Line *line)
{
    double noise, difference = line_derivative(k, line, &noise);
    double scale = fmax(fmax(fabs(gradient), fabs(difference)), noise / k->tol);
    double error = fabs(gradient - difference) / fmax(scale, DBL_MIN);

    f->checked++;
    if (f->checked == 1 || !(error <= f->error)) {
        f->worst = element;
        f->error = error;
        f->gradient = gradient;
        f->difference = difference;
    }
}

void check_direction(const Check *k, const DgmParam *p, uint64_t key, double *direction)
{
    const Real *g = k->s.grad + p->offset;
    double g2 = 0, r2 = 0, length2 = 0;

    for (long i = 0; i < p->count; i++) {
        direction[i] = dgm_random_unit(k->s.seed, DGM_STREAM_CHECK, key, (uint64_t)i) - 0.5;
        g2 += (double)g[i] * g[i];
        r2 += direction[i] * direction[i];
    }
    for (long i = 0; i < p->count; i++) {
        direction[i] = direction[i] / sqrt(r2) + (g2 > 0 ? g[i] / sqrt(g2) : 0);
        length2 += direction[i] * direction[i];
    }
    for (long i = 0; i < p->count; i++)
        direction[i] /= sqrt(length2);
}

static Finding check_tensor(Check *k, int number)
{
    const DgmParam *p = &k->s.model->params[number];
    const Real *g = k->s.grad + p->offset;
    Finding f = {.param = p};
    double one = 1, slope = 0;
    long n = p->count < FEW_ELEMENTS ? p->count : FEW_ELEMENTS;

    for (long i = 0; i < n; i++) {
        long element = i;

        if (p->count > FEW_ELEMENTS)
            element = (long)(dgm_random_u64(k->s.seed, DGM_STREAM_CHECK, (uint64_t)number,
                                            UINT64_C(1) << 40 | (uint64_t)i)
                             % (uint64_t)p->count);
        compare(k, &f, element, g[element], &(Line){p->offset + element, 1, &one});
    }
    if (p->count > 1) {
        double *direction = dgm_alloc((size_t)p->count * sizeof *direction);

        check_direction(k, p, UINT64_C(1) << 32 | (uint64_t)number, direction);
        for (long i = 0; i < p->count; i++)
            slope += direction[i] * (double)g[i];
        compare(k, &f, DIRECTION, slope, &(Line){p->offset, p->count, direction});
        free(direction);
    }
    return f;
}

/* ---- the whole ------------------------------------------------------------------------------ */

static void perturbed_start(const Session *s)
{
    const DgmModel *m = s->model;

    params_initialise(m, s->seed, s->param);
    for (int i = 0; i < m->n_params; i++)
        for (long j = 0; j < m->params[i].count; j++)
            s->param[m->params[i].offset + j] +=
                (Real)(0.4 * (dgm_random_unit(s->seed, DGM_STREAM_CHECK,
                                              UINT64_C(1) << 33 | (uint64_t)i, (uint64_t)j) - 0.5));
}

static void parameters_of(const Session *s, const char *dir)
{
    Options at = *s->options;
    RunState state = {0};

    at.operand = dir;
    char *path = state_choose(&at);
    state_load(s, NULL, &state, path);
    free(path);
}

static Check check_open(Options *o)
{
    const char *dir = option_text(o, OPT_AT_RUN);
    const DgmModel *m = o->model;

    if (dir != NULL)
        runjson_options_of(o, dir);
    Check k = {.s = session_open(o), .tol = option_real(o, OPT_TOL, TOLERANCE)};
    k.s.grad = dgm_slab_new((size_t)m->param_reals);
    if (dir != NULL)
        parameters_of(&k.s, dir);
    else
        perturbed_start(&k.s);
    k.at = dgm_slab_new((size_t)m->param_reals);
    memcpy(k.at, k.s.param, (size_t)m->param_reals * sizeof *k.at);
    return k;
}

static void check_bind(Check *k)
{
    const Options *o = k->s.options;
    const DgmModel *m = o->model;
    long S = m->samples > 0 ? m->samples : 1;

    if (option_given(o, OPT_DATA))
        k->d = data_open(&k->s, OPT_DATA, 0);
    else
        k->d = data_synthetic(m, m->fixed_rows > 0 ? m->fixed_rows : ROWS_MADE_UP, k->s.seed);
    long B = (long)option_count(o, OPT_BATCH, ROWS_CHECKED);
    if (m->full_batch || B == 0 || B > k->d.N)
        B = k->d.N;
    data_room(&k->d, B);
    data_in_order(&k->d, 0, B);
    context_bind(&k->s, &k->d, &k->step, m->step, DGM_STREAM_CHECK, B, S);
    context_bind(&k->s, &k->d, &k->eval, m->eval, DGM_STREAM_CHECK, B, S);
}

static void check_close(Check *k)
{
    context_unbind(&k->step);
    context_unbind(&k->eval);
    dgm_slab_free(k->at);
    data_close(&k->d);
    session_close(&k->s);
}

static void print_findings(const Check *k, const Finding *f, bool passed)
{
    const DgmModel *m = k->s.model;

    printf("%-28s %8s %12s %16s %16s  %s\n", "parameter", "checked", "rel. error", "gradient",
           "difference", "worst element");
    for (int i = 0; i < m->n_params; i++) {
        char where[40] = "direction";

        if (f[i].worst != DIRECTION)
            snprintf(where, sizeof where, "%ld", f[i].worst);
        printf("%-28s %8d %12.3e %16.9g %16.9g  %s%s\n", f[i].param->name, f[i].checked,
               f[i].error, f[i].gradient, f[i].difference, where,
               f[i].error <= k->tol ? "" : "   WRONG");
    }
    printf("%s: %s at relative %g (f%d)\n", m->name,
           passed ? "the gradient is right" : "the gradient is WRONG", k->tol,
           8 * (int)sizeof(Real));
}

static void print_findings_json(const Check *k, const Finding *f, bool passed)
{
    json_t *list = json_array();

    for (int i = 0; i < k->s.model->n_params; i++) {
        json_t *row = json_pack("{s:s, s:i, s:o, s:o, s:o, s:b}", "name", f[i].param->name,
                                "checked", f[i].checked, "error", json_number(f[i].error),
                                "gradient", json_number(f[i].gradient), "difference",
                                json_number(f[i].difference), "passed", f[i].error <= k->tol);

        json_object_set_new(row, "worst", f[i].worst == DIRECTION ? json_string("direction")
                                                                  : json_integer(f[i].worst));
        json_array_append_new(list, row);
    }
    json_t *root = json_pack("{s:s, s:b, s:f, s:i, s:i, s:o}", "model", k->s.model->name, "passed",
                             passed, "tol", k->tol, "bits", 8 * (int)sizeof(Real), "rows",
                             (int)k->step.B, "parameters", list);
    json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    printf("\n");
    json_decref(root);
}

int command_check_grad(Options *o)
{
    const DgmModel *m = o->model;
    Finding *f = dgm_alloc((size_t)(m->n_params + 1) * sizeof *f);
    bool passed = true;

    program_needed(m->step, "check-grad", "there is nothing to differentiate");
    program_needed(m->eval, "check-grad", "this trainer was made without its objective");
    Check k = check_open(o);
    check_bind(&k);
    if (sizeof(Real) == 4)
        session_note(&k.s, "note: f32 differences are coarse; compile with --precision f64 for a "
                     "check at 1e-6\n");
    double followed = check_run(&k, &k.step), compared = check_run(&k, &k.eval);
    if (!(fabs(followed - compared) <= 1e4 * ROUNDING * k.size)) {
        dgm_warn("the step program computes %.17g, the eval program %.17g at the same point",
                 followed, compared);
        passed = false;
    }
    if (m->estimated || option_given(o, OPT_REPEATS)) {
        passed = check_estimates(&k) && passed;
        check_close(&k);
        free(f);
        return passed ? DGM_OK : DGM_EXIT_FAILED;
    }
    for (int i = 0; i < m->n_params; i++) {
        f[i] = check_tensor(&k, i);
        passed = passed && f[i].error <= k.tol;
    }
    if (option_flag(o, OPT_JSON))
        print_findings_json(&k, f, passed);
    else
        print_findings(&k, f, passed);
    check_close(&k);
    free(f);
    return passed ? DGM_OK : DGM_EXIT_FAILED;
}
