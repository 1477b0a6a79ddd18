/* tiny_model.h - a model small enough to have exact answers, hand-made for tests of the trainer.
 *
 *     z[n] ~ normal(0, 1)      x[n] ~ normal(w z[n], 1), w : real[P]      so x[n] ~ N(0, I + w w')
 *     q(z[n]) = normal(a . x[n], exp(ls)),   a : real[P], ls : real
 *
 * The marginal likelihood and the posterior are known, so eval and training can be checked.
 * tiny_model(wrong) with `wrong` has a step whose gradient of w is 1 % off.
 */
#ifndef TINY_MODEL_H
#define TINY_MODEL_H

#include "dgm.h"

#include <math.h>
#include <string.h>

#define TINY_P 4

enum { TINY_W = 0, TINY_A = 16, TINY_LS = 32, TINY_REALS = 48 };
enum { TINY_SITE_Z, TINY_SITE_X };

typedef struct TinyState {
    Real *eps, *z;                     /* [B][S] */
    Real *mean, *sd;                   /* [B] */
} TinyState;

static inline size_t tiny_layout_common(DgmCtx *c, Real *slab, TinyState *t)
{
    size_t at = 0, n = (size_t)(c->B * c->S);

    t->eps = dgm_slab_take(slab, &at, n);
    t->z = dgm_slab_take(slab, &at, n);
    t->mean = dgm_slab_take(slab, &at, (size_t)c->B);
    t->sd = dgm_slab_take(slab, &at, (size_t)c->B);
    return at;
}

static size_t tiny_layout(DgmCtx *c, Real *slab)
{
    TinyState scratch;

    return tiny_layout_common(c, slab, slab ? c->state : &scratch);
}

static void tiny_draw(DgmCtx *c)
{
    TinyState *t = c->state;

    dgm_load_rows(c, 0, c->B);
    dgm_fill_normal(c, TINY_SITE_Z, t->eps, c->first_row * c->S, c->B * c->S);
    for (long r = 0; r < c->B; r++) {
        t->mean[r] = 0;
        t->sd[r] = (Real)exp((double)c->param[TINY_LS]);
        for (int j = 0; j < TINY_P; j++)
            t->mean[r] += c->param[TINY_A + j] * c->data[0][r * TINY_P + j];
        for (long s = 0; s < c->S; s++)
            t->z[r * c->S + s] = t->mean[r] + t->sd[r] * t->eps[r * c->S + s];
    }
}

static double tiny_log_x(const DgmCtx *c, long r, double z)
{
    double sum = 0;

    for (int j = 0; j < TINY_P; j++) {
        double e = (double)c->data[0][r * TINY_P + j] - (double)c->param[TINY_W + j] * z;

        sum -= 0.5 * e * e + 0.91893853320467274;
    }
    return sum;
}

static void tiny_eval(DgmCtx *c)
{
    TinyState *t = c->state;
    double terms[2] = {0, 0}, ls = (double)c->param[TINY_LS];

    tiny_draw(c);
    for (long r = 0; r < c->B; r++) {
        double m = (double)t->mean[r], s = (double)t->sd[r];

        for (long k = 0; k < c->S; k++)
            terms[0] += tiny_log_x(c, r, (double)t->z[r * c->S + k]) / (double)c->S;
        terms[1] += 0.5 * (m * m + s * s - 1) - ls;
    }
    dgm_sum_terms(c, terms, 1);
}

static void tiny_gradient(DgmCtx *c, double w_factor)
{
    TinyState *t = c->state;
    double g[TINY_REALS] = {0}, scale = 1 / (double)c->B;

    for (long r = 0; r < c->B; r++) {
        const Real *x = c->data[0] + r * TINY_P;
        double dm = -(double)t->mean[r], s = (double)t->sd[r], dls = 1 - s * s;

        for (long k = r * c->S; k < (r + 1) * c->S; k++) {
            double z = (double)t->z[k], dz = 0;

            for (int j = 0; j < TINY_P; j++) {
                double w = (double)c->param[TINY_W + j], e = (double)x[j] - w * z;

                g[TINY_W + j] += w_factor * e * z * scale / (double)c->S;
                dz += e * w / (double)c->S;
            }
            dm += dz;
            dls += dz * s * (double)t->eps[k];
        }
        for (int j = 0; j < TINY_P; j++)
            g[TINY_A + j] += dm * (double)x[j] * scale;
        g[TINY_LS] += dls * scale;
    }
    for (int i = 0; i < TINY_REALS; i++)
        c->grad[i] = (Real)g[i];
}

static void tiny_step_with(DgmCtx *c, double w_factor)
{
    static const long offset[] = {TINY_W, TINY_A, TINY_LS}, count[] = {TINY_P, TINY_P, 1};

    tiny_eval(c);
    if (c->bad_term >= 0)
        return;
    tiny_gradient(c, w_factor);
    for (int k = 0; k < 3; k++)
        dgm_update(c, k, offset[k], count[k]);
    dgm_update_norm(c);
    for (int k = 0; k < 3 && c->optim != NULL && c->clip > 0; k++)
        dgm_update_clipped(c, offset[k], count[k]);
}

static void tiny_step(DgmCtx *c)
{
    tiny_step_with(c, 1);
}

static void tiny_step_wrong(DgmCtx *c)
{
    tiny_step_with(c, 1.01);
}

static size_t tiny_weight_layout(DgmCtx *c, Real *slab)
{
    TinyState scratch;
    size_t at = tiny_layout_common(c, slab, slab ? c->state : &scratch);
    Real *out = dgm_slab_take(slab, &at, (size_t)(c->B * c->S));

    if (slab)
        c->out[0] = out;
    return at;
}

static void tiny_weight(DgmCtx *c)
{
    TinyState *t = c->state;

    tiny_draw(c);
    for (long i = 0; i < c->B * c->S; i++) {
        double z = (double)t->z[i], eps = (double)t->eps[i];

        c->out[0][i] = (Real)(tiny_log_x(c, i / c->S, z) + 0.5 * (eps * eps - z * z)
                              + (double)c->param[TINY_LS]);
    }
}

static size_t tiny_encode_layout(DgmCtx *c, Real *slab)
{
    TinyState scratch, *t = slab ? c->state : &scratch;
    size_t at = tiny_layout_common(c, slab, t);

    if (slab) {
        c->out[0] = t->mean;
        c->out[1] = t->sd;
    }
    return at;
}

static size_t tiny_x_layout(DgmCtx *c, Real *slab)
{
    TinyState scratch;
    size_t at = tiny_layout_common(c, slab, slab ? c->state : &scratch);
    Real *out = dgm_slab_take(slab, &at, (size_t)c->B * TINY_P);

    if (slab)
        c->out[0] = out;
    return at;
}

static void tiny_reconstruct(DgmCtx *c)
{
    TinyState *t = c->state;

    tiny_draw(c);
    for (long i = 0; i < c->B * TINY_P; i++)
        c->out[0][i] = c->param[TINY_W + i % TINY_P] * t->z[i / TINY_P];
}

static void tiny_sample(DgmCtx *c)
{
    TinyState *t = c->state;

    dgm_fill_normal(c, TINY_SITE_Z, t->z, c->first_row, c->B);
    dgm_fill_normal(c, TINY_SITE_X, c->out[0], c->first_row * TINY_P, c->B * TINY_P);
    for (long i = 0; i < c->B * TINY_P; i++)
        c->out[0][i] += c->param[TINY_W + i % TINY_P] * t->z[i / TINY_P];
}

static const DgmParam tiny_params[] = {
    {.name = "w", .rank = 1, .shape = {TINY_P}, .offset = TINY_W, .count = TINY_P,
     .init = DGM_INIT_NORMAL, .a = 0, .b = 0.5, .support = "real", .line = 3},
    {.name = "a", .rank = 1, .shape = {TINY_P}, .offset = TINY_A, .count = TINY_P,
     .init = DGM_INIT_UNIFORM, .a = -0.5, .b = 0.5, .support = "real", .line = 5},
    {.name = "ls", .rank = 0, .offset = TINY_LS, .count = 1, .init = DGM_INIT_CONST, .a = -0.25,
     .support = "real", .line = 6},
};
static const DgmData tiny_data[] = {
    {.name = "x", .elem = DGM_ELEM_REAL, .rows = true, .rank = 1, .shape = {TINY_P},
     .count = TINY_P, .lower = -INFINITY, .upper = INFINITY, .support = "real", .line = 2},
};
static const DgmTerm tiny_terms[] = {
    {"x", "E_q[log normal(x[n]; w z[n], 1)]", DGM_TERM_LIKELIHOOD, 1, true, 8, false},
    {"kl_z", "KL(q(z[n]) || normal(0, 1))", DGM_TERM_KL, -1, true, 7, false},
};
static const DgmOutput tiny_weight_out[] = {
    {.name = "log_weight", .rows = true, .samples = true, .count = 1}};
static const DgmOutput tiny_encode_out[] = {{.name = "z.mean", .rows = true, .count = 1},
                                            {.name = "z.sd", .rows = true, .count = 1}};
static const DgmOutput tiny_x_out[] = {
    {.name = "x", .rows = true, .rank = 1, .shape = {TINY_P}, .count = TINY_P}};

#define TINY_PROGRAM(title, lay, fn, tasks, outs, n)                                               \
    {.name = title, .layout = lay, .run = fn, .state_bytes = sizeof(TinyState), .n_tasks = tasks,  \
     .flops_row = 100, .outputs = outs, .n_outputs = n, .terms = tiny_terms, .n_terms = 2}
static const DgmProgram tiny_programs[] = {
    TINY_PROGRAM("step", tiny_layout, tiny_step, 3, NULL, 0),
    TINY_PROGRAM("step", tiny_layout, tiny_step_wrong, 3, NULL, 0),
    TINY_PROGRAM("eval", tiny_layout, tiny_eval, 0, NULL, 0),
    TINY_PROGRAM("weight", tiny_weight_layout, tiny_weight, 0, tiny_weight_out, 1),
    TINY_PROGRAM("sample", tiny_x_layout, tiny_sample, 0, tiny_x_out, 1),
    TINY_PROGRAM("encode", tiny_encode_layout, tiny_draw, 0, tiny_encode_out, 2),
    TINY_PROGRAM("reconstruct", tiny_x_layout, tiny_reconstruct, 0, tiny_x_out, 1),
};
static const char *const tiny_hypers[] = {"lr"};
static const double tiny_hyper_values[] = {0.02};

static inline DgmModel tiny_model(bool wrong)
{
    return (DgmModel){
        .name = "tiny", .spec_path = "tiny.dgm", .spec_hash = "0123456789abcdef",
        .dgmc_version = DGM_VERSION, .abi_major = DGM_ABI_MAJOR, .abi_minor = DGM_ABI_MINOR,
        .real_bytes = sizeof(Real), .objective = "elbo", .formula = "E_q[log p(x | z)] - KL",
        .params = tiny_params, .n_params = 3, .param_reals = TINY_REALS, .data = tiny_data,
        .n_data = 1, .terms = tiny_terms, .n_terms = 2, .plate = "N",
        .step = &tiny_programs[wrong], .eval = &tiny_programs[2], .weight = &tiny_programs[3],
        .sample = &tiny_programs[4], .encode = &tiny_programs[5],
        .reconstruct = &tiny_programs[6], .optimizer = "adam", .hyper_names = tiny_hypers,
        .hyper_values = tiny_hyper_values, .n_hyper = 1, .batch = 10, .epochs = 3, .samples = 1,
        .cc = "cc", .cflags = "",
    };
}

#endif
