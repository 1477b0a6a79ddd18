/* checkestimate.c - `check-grad` where the gradient is an estimate: is it one without bias?
 *
 * The slope of a score or of a reweighted draw is no derivative of what is computed; only its mean
 * is that of the expected objective. So over many repetitions, each with random streams of its own,
 *     g = the gradient of the step, along a direction of a parameter
 *     D = difference of the objective at shifted parameters with the same random numbers
 * whose mean is that of the expected objective: the mean of g - D must be 0 within its standard
 * error. z is their ratio, less what the difference itself may be off: D is extrapolated from three
 * steps, and the last correction and the rounding are allowed.
 * Also printed: the variance of the gradient, summed over the elements of the parameter, by which
 * estimators and control variates are compared. Averages that serve as control variates are first
 * let settle, and then stand.
 * requires: model->step and model->eval
 */
#include "train/check.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SETTLING 200                   /* repetitions before */
#define FIRST_STEP 0.05
#define LEVELS 3
#define DIRECTIONS 2
#define MOST_Z 4.0
#define REPEATS 500

typedef struct Mean { double mean, square; long n; } Mean;         /* Welford */

typedef struct Slope {
    Line line;
    double *direction;
    Mean gradient, off, level[LEVELS];
} Slope;

typedef struct Estimate {
    const DgmParam *param;
    Slope slope[DIRECTIONS];
    double z, variance;
    int worst;                         /* slope */
} Estimate;

static void mean_add(Mean *m, double x)
{
    double before = x - m->mean;

    m->mean += before / (double)++m->n;
    m->square += before * (x - m->mean);
}

static double standard_error(const Mean *m)
{
    return m->n > 1 ? sqrt(m->square / (double)(m->n - 1) / (double)m->n) : 0;
}

static void repeat(Check *k, uint64_t number)
{
    k->step.step = k->eval.step = number;
    check_run(k, &k->step);
}

/* Averages take what they follow; the mean gradient of the repetitions goes to k->s.grad, as the
 * direction in which an error is likely to show. */
static void settle(Check *k)
{
    const DgmModel *m = k->s.model;
    double *sum = dgm_alloc((size_t)m->param_reals * sizeof *sum);

    for (uint64_t r = 0; r < SETTLING; r++) {
        repeat(k, r);
        for (long i = 0; i < m->param_reals; i++)
            sum[i] += (double)k->s.grad[i];
        for (int p = 0; p < m->n_params; p++)
            for (long i = 0; i < m->params[p].count && m->params[p].average; i++)
                k->s.param[m->params[p].offset + i] +=
                    (Real)0.1 * k->s.grad[m->params[p].offset + i];
    }
    memcpy(k->at, k->s.param, (size_t)m->param_reals * sizeof *k->at);
    for (long i = 0; i < m->param_reals; i++)
        k->s.grad[i] = (Real)(sum[i] / SETTLING);
    free(sum);
}

static void choose_directions(Check *k, Estimate *e, int number)
{
    for (int i = 0; i < DIRECTIONS; i++) {
        Slope *s = &e->slope[i];

        s->direction = dgm_alloc((size_t)e->param->count * sizeof *s->direction);
        s->direction[0] = 1;
        if (e->param->count > 1)
            check_direction(k, e->param, UINT64_C(3) << 40 | (uint64_t)i << 32 | (uint64_t)number,
                            s->direction);
        s->line = (Line){e->param->offset, e->param->count, s->direction};
    }
}

/* One repetition of one slope; the gradient lies in k->s.grad. */
static void slope_add(Check *k, Slope *s)
{
    double gradient = 0, d[LEVELS], h = FIRST_STEP;

    for (long i = 0; i < s->line.count; i++)
        gradient += s->direction[i] * (double)k->s.grad[s->line.offset + i];
    for (int i = 0; i < LEVELS; i++, h *= 2) {
        d[i] = (check_shifted(k, &s->line, h) - check_shifted(k, &s->line, -h)) / (2 * h);
        mean_add(&s->level[i], d[i]);
    }
    mean_add(&s->gradient, gradient);
    mean_add(&s->off, gradient - (64 * d[0] - 20 * d[1] + d[2]) / 45);
}

/* What the mean difference itself may be off: the last extrapolation, and rounding. */
static double slack(const Check *k, const Slope *s)
{
    double near = (4 * s->level[0].mean - s->level[1].mean) / 3;
    double far = (4 * s->level[1].mean - s->level[2].mean) / 3;

    return fabs(near - far) / 15 + 8 * ROUNDING * k->size / FIRST_STEP;
}

static double slope_z(const Check *k, const Slope *s)
{
    double off = fabs(s->off.mean) - slack(k, s), error = standard_error(&s->off);

    return off <= 0 ? 0 : off / fmax(error, DBL_MIN);
}

static void finish(const Check *k, Estimate *e, const Mean *element)
{
    for (int i = 0; i < DIRECTIONS; i++) {
        double z = slope_z(k, &e->slope[i]);

        if (i == 0 || !(z <= e->z)) {
            e->z = z;
            e->worst = i;
        }
        free(e->slope[i].direction);
    }
    for (long i = 0; i < e->param->count; i++) {
        const Mean *m = &element[e->param->offset + i];

        e->variance += m->n > 1 ? m->square / (double)(m->n - 1) : 0;
    }
}

static int estimate_all(Check *k, Estimate *e, uint64_t repeats)
{
    const DgmModel *m = k->s.model;
    Mean *element = dgm_alloc((size_t)m->param_reals * sizeof *element);
    int n = 0;

    settle(k);
    for (int p = 0; p < m->n_params; p++) {
        if (m->params[p].average)
            continue;
        e[n].param = &m->params[p];
        choose_directions(k, &e[n++], p);
    }
    for (uint64_t r = 0; r < repeats; r++) {
        repeat(k, SETTLING + r);
        for (long i = 0; i < m->param_reals; i++)
            mean_add(&element[i], (double)k->s.grad[i]);
        for (int i = 0; i < n; i++)
            for (int j = 0; j < DIRECTIONS; j++)
                slope_add(k, &e[i].slope[j]);
    }
    for (int i = 0; i < n; i++)
        finish(k, &e[i], element);
    free(element);
    return n;
}

static bool same_latent(const Estimate *a, const Estimate *b)
{
    return a->param->latent != NULL && b->param->latent != NULL
        && strcmp(a->param->latent, b->param->latent) == 0;
}

/* By what the parameters draw: the sum of the variances, the largest z. */
static void print_latents(const Estimate *e, int n)
{
    for (int i = 0; i < n; i++) {
        double z = 0, variance = 0;
        bool before = e[i].param->latent == NULL;

        for (int j = 0; j < n && !before; j++) {
            before = j < i && same_latent(&e[i], &e[j]);
            if (!same_latent(&e[i], &e[j]))
                continue;
            z = fmax(z, e[j].z);
            variance += e[j].variance;
        }
        if (!before)
            printf("%-28s %14s %14s %12s %8.2f %14.6g\n", e[i].param->latent, "(its family)", "",
                   "", z, variance);
    }
}

static void print_estimates(const Check *k, const Estimate *e, int n, bool passed, double most)
{
    const DgmModel *m = k->s.model;

    printf("%-28s %14s %14s %12s %8s %14s\n", "parameter", "mean gradient", "difference",
           "std. error", "z", "variance");
    for (int i = 0; i < n; i++) {
        const Slope *s = &e[i].slope[e[i].worst];

        printf("%-28s %14.6g %14.6g %12.3g %8.2f %14.6g%s\n", e[i].param->name, s->gradient.mean,
               s->gradient.mean - s->off.mean, standard_error(&s->off), e[i].z, e[i].variance,
               e[i].z < most ? "" : "   BIASED");
    }
    print_latents(e, n);
    printf("%s: the estimate of the gradient %s over %ld repetitions of %ld rows, %ld draw%s "
           "(|z| < %g)\n", m->name, passed ? "shows no bias" : "is BIASED",
           e[0].slope[0].off.n, k->step.B, k->step.S, k->step.S == 1 ? "" : "s", most);
}

static void print_estimates_json(const Check *k, const Estimate *e, int n, bool passed, double most)
{
    json_t *list = json_array();

    for (int i = 0; i < n; i++) {
        const Slope *s = &e[i].slope[e[i].worst];
        json_t *row = json_pack("{s:s, s:s?, s:o, s:o, s:o, s:o, s:o, s:b}", "name",
                                e[i].param->name, "latent", e[i].param->latent, "gradient",
                                json_number(s->gradient.mean), "difference",
                                json_number(s->gradient.mean - s->off.mean), "error",
                                json_number(standard_error(&s->off)), "z", json_number(e[i].z),
                                "variance", json_number(e[i].variance), "passed", e[i].z < most);

        json_array_append_new(list, row);
    }
    json_t *root = json_pack("{s:s, s:b, s:f, s:i, s:i, s:i, s:i, s:o}", "model", k->s.model->name,
                             "passed", passed, "most_z", most, "bits", 8 * (int)sizeof(Real),
                             "rows", (int)k->step.B, "draws", (int)k->step.S, "repeats",
                             (int)e[0].slope[0].off.n, "parameters", list);
    json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    printf("\n");
    json_decref(root);
}

bool check_estimates(Check *k)
{
    const Options *o = k->s.options;
    double most = option_real(o, OPT_MAX_Z, MOST_Z);
    Estimate *e = dgm_alloc((size_t)(k->s.model->n_params + 1) * sizeof *e);
    uint64_t repeats = option_count(o, OPT_REPEATS, REPEATS);
    int n = estimate_all(k, e, repeats < 2 ? 2 : repeats);
    bool passed = true;

    for (int i = 0; i < n; i++)
        passed = passed && e[i].z < most;
    if (option_flag(o, OPT_JSON))
        print_estimates_json(k, e, n, passed, most);
    else
        print_estimates(k, e, n, passed, most);
    free(e);
    return passed;
}
