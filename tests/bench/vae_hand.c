/* vae_hand.c - a variational autoencoder written by hand on the public runtime: the yardstick.
 *
 *     z[n] ~ normal(0, 1)^D            x[n] ~ bernoulli(logits: W4' tanh(W3' z[n] + b3) + b4)
 *     q:  h = tanh(W1' x[n] + b1),  z[n] ~ normal(Wm' h + bm, softplus(Ws' h + bs))
 *
 * The structure is the one generated code is measured against: one parallel region a step; fixed
 * chunks of rows go forward and back through all layers while they are in cache; then weight
 * gradients by panel, each owned by one thread that runs the whole sum over rows and at once the
 * optimiser on that panel. No private gradients, no reduction, no atomics, and the same bits for
 * any number of threads. Products are single-threaded CBLAS calls; all else is fused loops.
 *
 * Build:  cc -O3 -march=native [-DP=784 -DH=500 -DD=20] vae_hand.c libdgm_f32.a ...
 * Run:    ./vae_hand train --data x=binarized_mnist_train-idx3-ubyte.gz --out run
 */
#include "dgm.h"

#include <math.h>
#include <string.h>

#ifndef P
#define P 784                          /* pixels */
#endif
#ifndef H
#define H 500                          /* hidden units */
#endif
#ifndef D
#define D 20                           /* latent dimensions */
#endif

/* ---- parameters, in the order of the slab --------------------------------------------------- */

#define PAD(n) (((n) + 15L) / 16 * 16)

enum { W1, B1, WM, BM, WS, BS, W3, B3, W4, B4, N_PARAMS };

#define AT_W1 0L
#define AT_B1 (AT_W1 + PAD((long)P * H))
#define AT_WM (AT_B1 + PAD(H))
#define AT_BM (AT_WM + PAD((long)H * D))
#define AT_WS (AT_BM + PAD(D))
#define AT_BS (AT_WS + PAD((long)H * D))
#define AT_W3 (AT_BS + PAD(D))
#define AT_B3 (AT_W3 + PAD((long)D * H))
#define AT_W4 (AT_B3 + PAD(H))
#define AT_B4 (AT_W4 + PAD((long)H * P))
#define PARAM_REALS (AT_B4 + PAD(P))

/* a = fan in; main turns it into uniform(-1/sqrt(a), 1/sqrt(a)). */
#define MATRIX(title, in, out, at)                                                                 \
    {.name = title, .rank = 2, .shape = {in, out}, .offset = at, .count = (long)(in) * (out),      \
     .init = DGM_INIT_UNIFORM, .a = in, .support = "real", .line = __LINE__}
#define VECTOR(title, in, out, at)                                                                 \
    {.name = title, .rank = 1, .shape = {out}, .offset = at, .count = out,                         \
     .init = DGM_INIT_UNIFORM, .a = in, .support = "real", .line = __LINE__}

static const DgmParam param_table[N_PARAMS] = {
    [W1] = MATRIX("encoder.W1", P, H, AT_W1),      [B1] = VECTOR("encoder.b1", P, H, AT_B1),
    [WM] = MATRIX("encoder.mu.W", H, D, AT_WM),    [BM] = VECTOR("encoder.mu.b", H, D, AT_BM),
    [WS] = MATRIX("encoder.sigma.W", H, D, AT_WS), [BS] = VECTOR("encoder.sigma.b", H, D, AT_BS),
    [W3] = MATRIX("decoder.W3", D, H, AT_W3),      [B3] = VECTOR("decoder.b3", D, H, AT_B3),
    [W4] = MATRIX("decoder.W4", H, P, AT_W4),      [B4] = VECTOR("decoder.b4", H, P, AT_B4),
};

enum { TERM_X, TERM_KL, N_TERMS };
enum { SITE_Z, SITE_X };               /* numbers of the random draws */

/* ---- buffers: M = B * S rows behind the draw of z ------------------------------------------- */

typedef struct Buffers {
    Real *h1, *mu, *raw, *sd;          /* [B][H], [B][D] x3: encoder; sd = softplus(raw) */
    Real *eps, *z, *h2, *logit;        /* [M][D], [M][D], [M][H], [M][P] */
    Real *dh2, *dz;                    /* [M][H], [M][D]; logit becomes its own gradient */
    Real *dmu, *draw, *dh1;            /* [B][D], [B][D], [B][H] */
    double *partial;                   /* [chunks][N_TERMS] */
} Buffers;

static double *take_doubles(Real *slab, size_t *at, size_t n)
{
    return (double *)dgm_slab_take(slab, at, n * sizeof(double) / sizeof(Real));
}

static void layout_encoder(DgmCtx *c, Real *slab, size_t *at, Buffers *b)
{
    size_t B = (size_t)c->B, M = B * (size_t)c->S;

    b->h1 = dgm_slab_take(slab, at, B * H);
    b->mu = dgm_slab_take(slab, at, B * D);
    b->raw = dgm_slab_take(slab, at, B * D);
    b->sd = dgm_slab_take(slab, at, B * D);
    b->eps = dgm_slab_take(slab, at, M * D);
    b->z = dgm_slab_take(slab, at, M * D);
}

static void layout_decoder(DgmCtx *c, Real *slab, size_t *at, Buffers *b)
{
    size_t M = (size_t)c->B * (size_t)c->S;

    b->h2 = dgm_slab_take(slab, at, M * H);
    b->logit = dgm_slab_take(slab, at, M * P);
    b->partial = take_doubles(slab, at, (size_t)dgm_chunks(c->B) * N_TERMS);
}

/* With slab NULL the size is counted into a scratch struct, for c->state may not exist yet. */
static Buffers *layout_target(DgmCtx *c, Real *slab, Buffers *scratch)
{
    return slab != NULL ? c->state : scratch;
}

static size_t eval_layout(DgmCtx *c, Real *slab)
{
    Buffers scratch, *b = layout_target(c, slab, &scratch);
    size_t at = 0;

    layout_encoder(c, slab, &at, b);
    layout_decoder(c, slab, &at, b);
    return at;
}

static size_t step_layout(DgmCtx *c, Real *slab)
{
    Buffers scratch, *b = layout_target(c, slab, &scratch);
    size_t at = 0, B = (size_t)c->B, M = B * (size_t)c->S;

    layout_encoder(c, slab, &at, b);
    layout_decoder(c, slab, &at, b);
    b->dh2 = dgm_slab_take(slab, &at, M * H);
    b->dz = dgm_slab_take(slab, &at, M * D);
    b->dmu = dgm_slab_take(slab, &at, B * D);
    b->draw = dgm_slab_take(slab, &at, B * D);
    b->dh1 = dgm_slab_take(slab, &at, B * H);
    return at;
}

/* ---- fused elementwise kernels -------------------------------------------------------------- */

/* y = tanh(y + bias), rows of n */
static void bias_tanh(Real *restrict y, const Real *restrict bias, long rows, long n)
{
    for (long r = 0; r < rows; r++, y += n) {
        #pragma omp simd
        for (long j = 0; j < n; j++)
            y[j] = dgm_tanh(y[j] + bias[j]);
    }
}

/* dy *= 1 - y^2: through the tanh that made y */
static void tanh_back(Real *restrict dy, const Real *restrict y, long count)
{
    #pragma omp simd
    for (long i = 0; i < count; i++)
        dy[i] *= 1 - y[i] * y[i];
}

/* mu += bm; raw += bs; sd = softplus(raw); returns the sum of KL(q(z) || normal(0, 1)) */
static double head_kl(Real *restrict mu, Real *restrict raw, Real *restrict sd,
                      const Real *restrict bm, const Real *restrict bs, long rows)
{
    double kl = 0;

    for (long r = 0; r < rows; r++, mu += D, raw += D, sd += D) {
        Real sum = 0;

        #pragma omp simd reduction(+ : sum)
        for (long j = 0; j < D; j++) {
            mu[j] += bm[j];
            raw[j] += bs[j];
            sd[j] = dgm_softplus(raw[j]);
            sum += (Real)0.5 * (mu[j] * mu[j] + sd[j] * sd[j] - 1) - dgm_log(sd[j]);
        }
        kl += sum;
    }
    return kl;
}

/* One row of log bernoulli(x; logits a + bias). With scale > 0, a becomes scale * d/da. */
static double bernoulli_row(const Real *restrict x, Real *restrict a, const Real *restrict bias,
                            Real scale)
{
    Real sum = 0;

    #pragma omp simd reduction(+ : sum)
    for (long j = 0; j < P; j++) {
        Real l = a[j] + bias[j], on;

        sum += x[j] * l - dgm_softplus_logistic(l, &on);
        a[j] = scale > 0 ? scale * (x[j] - on) : l;
    }
    return sum;
}

/* ---- layers over the rows [r0, r1) of the batch --------------------------------------------- */

static void encoder_rows(DgmCtx *c, long r0, long r1, double *kl)
{
    const Buffers *b = c->state;
    const Real *w = c->param, *x = c->data[0] + r0 * P;
    long n = r1 - r0;
    Real *h1 = b->h1 + r0 * H, *mu = b->mu + r0 * D, *raw = b->raw + r0 * D;

    dgm_gemm(false, false, n, H, P, x, P, w + AT_W1, H, 0, h1, H);
    bias_tanh(h1, w + AT_B1, n, H);
    dgm_gemm(false, false, n, D, H, h1, H, w + AT_WM, D, 0, mu, D);
    dgm_gemm(false, false, n, D, H, h1, H, w + AT_WS, D, 0, raw, D);
    *kl = head_kl(mu, raw, b->sd + r0 * D, w + AT_BM, w + AT_BS, n);
}

/* z = mu + sd eps, S draws a row; the draws of a row depend on its number, not on the batch. */
static void draw_rows(DgmCtx *c, long r0, long r1)
{
    const Buffers *b = c->state;
    long S = c->S;

    dgm_fill_normal(c, SITE_Z, b->eps + r0 * S * D, (c->first_row + r0) * S * D,
                    (r1 - r0) * S * D);
    for (long r = r0; r < r1; r++) {
        const Real *mu = b->mu + r * D, *sd = b->sd + r * D;

        for (long s = r * S; s < (r + 1) * S; s++)
            for (long j = 0; j < D; j++)
                b->z[s * D + j] = mu[j] + sd[j] * b->eps[s * D + j];
    }
}

/* Decoder up to the logits, bias not yet added. */
static void decoder_rows(DgmCtx *c, long m0, long m1)
{
    const Buffers *b = c->state;
    const Real *w = c->param;
    long n = m1 - m0;

    dgm_gemm(false, false, n, H, D, b->z + m0 * D, D, w + AT_W3, H, 0, b->h2 + m0 * H, H);
    bias_tanh(b->h2 + m0 * H, w + AT_B3, n, H);
    dgm_gemm(false, false, n, P, H, b->h2 + m0 * H, H, w + AT_W4, P, 0, b->logit + m0 * P, P);
}

/* Forward through everything; terms of the chunk into partial. scale: see bernoulli_row. */
static void forward_chunk(DgmCtx *c, long k, Real scale)
{
    const Buffers *b = c->state;
    const Real *bias = c->param + AT_B4;
    double kl, log_p = 0;
    long r0, r1, S = c->S;

    dgm_chunk(c->B, k, &r0, &r1);
    dgm_load_rows(c, r0, r1);
    encoder_rows(c, r0, r1, &kl);
    draw_rows(c, r0, r1);
    decoder_rows(c, r0 * S, r1 * S);
    for (long m = r0 * S; m < r1 * S; m++)
        log_p += bernoulli_row(c->data[0] + m / S * P, b->logit + m * P, bias, scale);
    b->partial[k * N_TERMS + TERM_X] = log_p / (double)S;
    b->partial[k * N_TERMS + TERM_KL] = kl;
}

/* dmu, draw from dz and the KL: per row, draws summed in order; d softplus = logistic. */
static void latent_back(DgmCtx *c, long r0, long r1)
{
    const Buffers *b = c->state;
    Real kl_scale = (Real)(c->weight[TERM_KL] / (double)c->B);
    long S = c->S;

    for (long r = r0; r < r1; r++) {
        const Real *mu = b->mu + r * D, *raw = b->raw + r * D, *sd = b->sd + r * D;
        Real *restrict dmu = b->dmu + r * D, *restrict draw = b->draw + r * D;

        for (long j = 0; j < D; j++) {
            dmu[j] = -kl_scale * mu[j];
            draw[j] = kl_scale * (1 / sd[j] - sd[j]);
        }
        for (long s = r * S; s < (r + 1) * S; s++)
            for (long j = 0; j < D; j++) {
                dmu[j] += b->dz[s * D + j];
                draw[j] += b->dz[s * D + j] * b->eps[s * D + j];
            }
        for (long j = 0; j < D; j++)
            draw[j] *= dgm_logistic(raw[j]);
    }
}

static void backward_chunk(DgmCtx *c, long k)
{
    const Buffers *b = c->state;
    const Real *w = c->param;
    long r0, r1, S = c->S;

    dgm_chunk(c->B, k, &r0, &r1);
    long m0 = r0 * S, m = (r1 - r0) * S, n = r1 - r0;
    Real *dh2 = b->dh2 + m0 * H, *dh1 = b->dh1 + r0 * H;
    dgm_gemm(false, true, m, H, P, b->logit + m0 * P, P, w + AT_W4, P, 0, dh2, H);
    tanh_back(dh2, b->h2 + m0 * H, m * H);
    dgm_gemm(false, true, m, D, H, dh2, H, w + AT_W3, H, 0, b->dz + m0 * D, D);
    latent_back(c, r0, r1);
    dgm_gemm(false, true, n, H, D, b->dmu + r0 * D, D, w + AT_WM, D, 0, dh1, H);
    dgm_gemm(false, true, n, H, D, b->draw + r0 * D, D, w + AT_WS, D, 1, dh1, H);
    tanh_back(dh1, b->h1 + r0 * H, n * H);
}

/* ---- weight gradients by owner -------------------------------------------------------------- */

typedef struct Panel { int param; long part, parts; } Panel;

#define EIGHT(p) {p, 0, 8}, {p, 1, 8}, {p, 2, 8}, {p, 3, 8}, {p, 4, 8}, {p, 5, 8}, {p, 6, 8},      \
                 {p, 7, 8}

/* Large ones first, so that the small ones fill the gaps at the end. */
static const Panel panels[] = {
    EIGHT(W4), EIGHT(W1), {WM, 0, 1}, {WS, 0, 1}, {W3, 0, 1},
    {B4, 0, 1}, {B3, 0, 1}, {B1, 0, 1}, {BM, 0, 1}, {BS, 0, 1},
};
#define N_PANELS ((int)(sizeof panels / sizeof panels[0]))

/* g[j] = sum over rows of dy[r][j], rows in order */
static void column_sums(const Real *restrict dy, long rows, long n, Real *restrict g)
{
    memset(g, 0, (size_t)n * sizeof *g);
    for (long r = 0; r < rows; r++)
        for (long j = 0; j < n; j++)
            g[j] += dy[r * n + j];
}

/* The input, the gradient of the output, and the number of rows of the layer with parameter p. */
static long layer_of(const DgmCtx *c, int p, const Real **input, const Real **dy)
{
    const Buffers *b = c->state;

    *input = p == W1 ? c->data[0] : p == W3 ? b->z : p == W4 ? b->h2 : b->h1;
    switch (p) {
    case W1: case B1: *dy = b->dh1; return c->B;
    case WM: case BM: *dy = b->dmu; return c->B;
    case WS: case BS: *dy = b->draw; return c->B;
    case W3: case B3: *dy = b->dh2; return c->B * c->S;
    default:          *dy = b->logit; return c->B * c->S;
    }
}

static void panel_range(int k, long *offset, long *count)
{
    const Panel *panel = &panels[k];
    const DgmParam *p = &param_table[panel->param];
    long width = p->rank == 2 ? p->shape[1] : 1, rows = p->shape[0];
    long i0 = rows * panel->part / panel->parts, i1 = rows * (panel->part + 1) / panel->parts;

    *offset = p->offset + i0 * width;
    *count = (i1 - i0) * width;
}

static void panel_gradient(DgmCtx *c, int k)
{
    const DgmParam *p = &param_table[panels[k].param];
    const Real *input, *dy;
    long rows = layer_of(c, panels[k].param, &input, &dy), offset, count;

    panel_range(k, &offset, &count);
    if (p->rank == 1) {
        column_sums(dy, rows, p->count, c->grad + offset);
    } else {
        long in = p->shape[0], out = p->shape[1];

        dgm_gemm(true, false, count / out, out, rows, input + (offset - p->offset) / out, in, dy,
                 out, 0, c->grad + offset, out);
    }
    dgm_update(c, k, offset, count);
}

/* ---- programs ------------------------------------------------------------------------------- */

static void step_run(DgmCtx *c)
{
    const Buffers *b = c->state;
    long chunks = dgm_chunks(c->B);
    Real scale = (Real)(c->weight[TERM_X] / (double)(c->B * c->S));

    #pragma omp parallel num_threads(c->threads)
    {
        #pragma omp for schedule(dynamic, 1)
        for (long k = 0; k < chunks; k++) {
            forward_chunk(c, k, scale);
            backward_chunk(c, k);
        }
        #pragma omp single
        dgm_sum_terms(c, b->partial, chunks);
        if (c->bad_term < 0) {
            #pragma omp for schedule(dynamic, 1)
            for (int k = 0; k < N_PANELS; k++)
                panel_gradient(c, k);
            #pragma omp single
            dgm_update_norm(c);
            if (c->optim != NULL && c->clip > 0) {
                #pragma omp for schedule(dynamic, 1)
                for (int k = 0; k < N_PANELS; k++) {
                    long offset, count;

                    panel_range(k, &offset, &count);
                    dgm_update_clipped(c, offset, count);
                }
            }
        }
    }
}

static void eval_run(DgmCtx *c)
{
    const Buffers *b = c->state;
    long chunks = dgm_chunks(c->B);

    #pragma omp parallel for schedule(dynamic, 1) num_threads(c->threads)
    for (long k = 0; k < chunks; k++)
        forward_chunk(c, k, 0);
    dgm_sum_terms(c, b->partial, chunks);
}

/* log p(x, z) - log q(z | x), one number a row and draw */
static size_t weight_layout(DgmCtx *c, Real *slab)
{
    size_t at = eval_layout(c, slab);
    Real *out = dgm_slab_take(slab, &at, (size_t)(c->B * c->S));

    if (slab != NULL)
        c->out[0] = out;
    return at;
}

static void weight_rows(DgmCtx *c, long r0, long r1)
{
    const Buffers *b = c->state;
    long S = c->S;

    for (long m = r0 * S; m < r1 * S; m++) {
        const Real *z = b->z + m * D, *eps = b->eps + m * D, *sd = b->sd + m / S * D;
        double w = bernoulli_row(c->data[0] + m / S * P, b->logit + m * P, c->param + AT_B4, 0);

        for (long j = 0; j < D; j++)
            w += 0.5 * ((double)eps[j] * eps[j] - (double)z[j] * z[j]) + log(sd[j]);
        c->out[0][m] = (Real)w;
    }
}

static void weight_run(DgmCtx *c)
{
    long chunks = dgm_chunks(c->B);

    #pragma omp parallel for schedule(dynamic, 1) num_threads(c->threads)
    for (long k = 0; k < chunks; k++) {
        long r0, r1;
        double kl;

        dgm_chunk(c->B, k, &r0, &r1);
        dgm_load_rows(c, r0, r1);
        encoder_rows(c, r0, r1, &kl);
        draw_rows(c, r0, r1);
        decoder_rows(c, r0 * c->S, r1 * c->S);
        weight_rows(c, r0, r1);
    }
}

static void logistic_rows(const Real *logit, const Real *bias, Real *mean, long rows)
{
    for (long i = 0; i < rows * P; i++)
        mean[i] = dgm_logistic(logit[i] + bias[i % P]);
}

/* z from the prior, x from the likelihood: outputs x, x.mean, z */
static size_t sample_layout(DgmCtx *c, Real *slab)
{
    Buffers scratch, *b = layout_target(c, slab, &scratch);
    size_t at = 0, B = (size_t)c->B;

    layout_encoder(c, slab, &at, b);
    layout_decoder(c, slab, &at, b);
    Real *x = dgm_slab_take(slab, &at, B * P), *mean = dgm_slab_take(slab, &at, B * P);
    if (slab != NULL) {
        c->out[0] = x;
        c->out[1] = mean;
        c->out[2] = b->z;
    }
    return at;
}

static void sample_run(DgmCtx *c)
{
    const Buffers *b = c->state;
    long B = c->B;

    dgm_fill_normal(c, SITE_Z, b->z, c->first_row * D, B * D);
    decoder_rows(c, 0, B);
    logistic_rows(b->logit, c->param + AT_B4, c->out[1], B);
    dgm_fill_uniform(c, SITE_X, c->out[0], c->first_row * P, B * P);
    for (long i = 0; i < B * P; i++)
        c->out[0][i] = c->out[0][i] < c->out[1][i];
}

/* outputs z.mean, z.sd, z */
static size_t encode_layout(DgmCtx *c, Real *slab)
{
    Buffers scratch, *b = layout_target(c, slab, &scratch);
    size_t at = 0;

    layout_encoder(c, slab, &at, b);
    if (slab != NULL) {
        c->out[0] = b->mu;
        c->out[1] = b->sd;
        c->out[2] = b->z;
    }
    return at;
}

static void encode_run(DgmCtx *c)
{
    double kl;

    dgm_load_rows(c, 0, c->B);
    encoder_rows(c, 0, c->B, &kl);
    draw_rows(c, 0, c->B);
}

/* output x: its mean given one draw of z ~ q */
static size_t reconstruct_layout(DgmCtx *c, Real *slab)
{
    size_t at = eval_layout(c, slab);
    Real *mean = dgm_slab_take(slab, &at, (size_t)c->B * P);

    if (slab != NULL)
        c->out[0] = mean;
    return at;
}

static void reconstruct_run(DgmCtx *c)
{
    const Buffers *b = c->state;

    encode_run(c);
    decoder_rows(c, 0, c->B);
    logistic_rows(b->logit, c->param + AT_B4, c->out[0], c->B);
}

/* Every parameter lives on the whole line, so its own support is where it already is. */
static size_t constrain_layout(DgmCtx *c, Real *slab)
{
    for (int i = 0; slab != NULL && i < N_PARAMS; i++)
        c->out[i] = c->param + param_table[i].offset;
    return 16;
}

static void constrain_run(DgmCtx *c)
{
    for (int i = 0; i < N_PARAMS; i++)
        c->out[i] = c->param + param_table[i].offset;
}

/* ---- the model ------------------------------------------------------------------------------ */

static const DgmOutput weight_outputs[] = {
    {.name = "log_weight", .rows = true, .samples = true, .count = 1},
};
static const DgmOutput sample_outputs[] = {
    {.name = "x", .rows = true, .rank = 1, .shape = {P}, .count = P, .elem = DGM_ELEM_BIT},
    {.name = "x.mean", .rows = true, .rank = 1, .shape = {P}, .count = P},
    {.name = "z", .rows = true, .rank = 1, .shape = {D}, .count = D},
};
static const DgmOutput encode_outputs[] = {
    {.name = "z.mean", .rows = true, .rank = 1, .shape = {D}, .count = D},
    {.name = "z.sd", .rows = true, .rank = 1, .shape = {D}, .count = D},
    {.name = "z", .rows = true, .rank = 1, .shape = {D}, .count = D},
};
static const DgmOutput reconstruct_outputs[] = {
    {.name = "x", .rows = true, .rank = 1, .shape = {P}, .count = P},
};

#define WHOLE(title, r, n0, n1, n) {.name = title, .rank = r, .shape = {n0, n1}, .count = (long)n}
static const DgmOutput constrain_outputs[] = {
    WHOLE("encoder.W1", 2, P, H, P * H),      WHOLE("encoder.b1", 1, H, 1, H),
    WHOLE("encoder.mu.W", 2, H, D, H * D),    WHOLE("encoder.mu.b", 1, D, 1, D),
    WHOLE("encoder.sigma.W", 2, H, D, H * D), WHOLE("encoder.sigma.b", 1, D, 1, D),
    WHOLE("decoder.W3", 2, D, H, D * H),      WHOLE("decoder.b3", 1, H, 1, H),
    WHOLE("decoder.W4", 2, H, P, H * P),      WHOLE("decoder.b4", 1, P, 1, P),
};

static const DgmData data_table[] = {
    {.name = "x", .elem = DGM_ELEM_BIT, .rows = true, .rank = 1, .shape = {P}, .count = P,
     .lower = 0, .upper = 1, .support = "bit", .line = 1},
};
static const DgmTerm term_table[N_TERMS] = {
    [TERM_X] = {"x", "E_q[log bernoulli(x[n]; logits: decoder(z[n]))]", DGM_TERM_LIKELIHOOD, 1,
                true, 1},
    [TERM_KL] = {"kl_z", "KL(q(z[n]) || normal(0, 1))", DGM_TERM_KL, -1, true, 1},
};

#define WEIGHTS (2.0 * P * H + 3.0 * H * D)
#define PROGRAM(title, tasks, flops, outs, n)                                                      \
    {.name = #title, .layout = title##_layout, .run = title##_run, .state_bytes = sizeof(Buffers), \
     .n_tasks = tasks, .flops_row = flops, .outputs = outs, .n_outputs = n, .terms = term_table, \
     .n_terms = N_TERMS}

static const DgmProgram program_step = PROGRAM(step, N_PANELS, 6.0 * WEIGHTS, NULL, 0);
static const DgmProgram program_eval = PROGRAM(eval, 0, 2.0 * WEIGHTS, NULL, 0);
static const DgmProgram program_weight = PROGRAM(weight, 0, 2.0 * WEIGHTS, weight_outputs, 1);
static const DgmProgram program_sample = PROGRAM(sample, 0, WEIGHTS, sample_outputs, 3);
static const DgmProgram program_encode = PROGRAM(encode, 0, WEIGHTS, encode_outputs, 3);
static const DgmProgram program_reconstruct =
    PROGRAM(reconstruct, 0, 2.0 * WEIGHTS, reconstruct_outputs, 1);
static const DgmProgram program_constrain = PROGRAM(constrain, 0, 0, constrain_outputs, N_PARAMS);

static const char *const hyper_names[] = {"lr"};
static const double hyper_values[] = {1e-3};

int main(int argc, char **argv)
{
    DgmParam params[N_PARAMS];
    DgmModel model = {
        .name = "vae_hand", .spec_path = __FILE__, .spec_hash = "hand-written",
        .dgmc_version = DGM_VERSION, .abi_major = DGM_ABI_MAJOR, .abi_minor = DGM_ABI_MINOR,
        .real_bytes = sizeof(Real), .objective = "elbo",
        .formula = "sum_n E_q[log p(x[n] | z[n])] - KL(q(z[n]) || p(z[n]))",
        .params = params, .n_params = N_PARAMS, .param_reals = PARAM_REALS,
        .data = data_table, .n_data = 1, .terms = term_table, .n_terms = N_TERMS, .plate = "N",
        .step = &program_step, .eval = &program_eval, .weight = &program_weight,
        .sample = &program_sample, .encode = &program_encode, .reconstruct = &program_reconstruct,
        .constrain = &program_constrain,
        .optimizer = "adam", .hyper_names = hyper_names, .hyper_values = hyper_values,
        .n_hyper = 1, .batch = 100, .epochs = 20, .samples = 1, .cc = __VERSION__, .cflags = "",
    };

    memcpy(params, param_table, sizeof params);
    for (int i = 0; i < N_PARAMS; i++) {
        params[i].b = 1 / sqrt(params[i].a);
        params[i].a = -params[i].b;
    }
    return dgm_main(&model, argc, argv);
}
