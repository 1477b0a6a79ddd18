/* gaussian.c - Gaussian laws of free numbers: mean field, low rank plus diagonal, full rank. */
#include "infer/infer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double RESOLUTION = 1e-10;         /* of an sd, by the mean */

static const char *const names[N_FAMILIES] = { "meanfield", "lowrank", "fullrank" };

const char *family_name(FamilyKind kind)
{
    return names[kind];
}

/* The columns of the start's covariance that matter most are found by pivoting: column k explains
 * the largest variance that is left. The rest stays on the diagonal. */
static void leading_columns(long n, long rank, const double *factor, double *F, double *sd)
{
    double *C = dgm_alloc((size_t)(n * n) * sizeof *C);

    dense_product(false, true, n, n, n, factor, factor, 0, C);
    for (long i = 0; i < n; i++)
        sd[i] = C[i * n + i];
    for (long k = 0; k < rank; k++) {
        long pivot = 0;

        for (long i = 1; i < n; i++)   /* relative: free numbers have scales of their own */
            if (sd[i] / C[i * n + i] > sd[pivot] / C[pivot * n + pivot])
                pivot = i;
        double root = sqrt(sd[pivot]);
        for (long i = 0; i < n; i++) {
            double c = C[i * n + pivot];

            for (long l = 0; l < k; l++)
                c -= F[i * rank + l] * F[pivot * rank + l];
            F[i * rank + k] = root > 0 ? 0.9 * c / root : 0;
        }
        for (long i = 0; i < n; i++) {
            double left = sd[i] - F[i * rank + k] * F[i * rank + k];

            sd[i] = left > 1e-4 * C[i * n + i] ? left : 1e-4 * C[i * n + i];
        }
    }
    for (long i = 0; i < n; i++)
        sd[i] = sqrt(sd[i]);
    free(C);
}

Gaussian gaussian_from(const Start *s, FamilyKind kind, long rank)
{
    long n = s->n;
    Gaussian q = {kind, n, kind == FAMILY_FULLRANK ? n : kind == FAMILY_MEANFIELD ? 0 : rank, NULL,
                  NULL, NULL};

    q.mean = dgm_alloc((size_t)(n + 1) * sizeof *q.mean);
    q.sd = dgm_alloc((size_t)(n + 1) * sizeof *q.sd);
    q.factor = dgm_alloc((size_t)(n * q.rank + 1) * sizeof *q.factor);
    memcpy(q.mean, s->mean, (size_t)n * sizeof *q.mean);
    if (s->factor == NULL) {
        noise_normal(1, 0, n, q.rank, q.factor);             /* 0 would be a saddle */
        memcpy(q.sd, s->sd, (size_t)n * sizeof *q.sd);
        for (long i = 0; i < n * q.rank; i++)
            q.factor[i] *= 0.1 * s->sd[i / q.rank] / sqrt((double)q.rank);
    } else if (kind == FAMILY_FULLRANK) {
        memcpy(q.factor, s->factor, (size_t)(n * n) * sizeof *q.factor);
    } else {
        leading_columns(n, q.rank, s->factor, q.factor, q.sd);
    }
    if (kind == FAMILY_MEANFIELD && s->factor != NULL) {     /* as wide as the conditionals */
        double *inverse = dgm_alloc((size_t)(n * n) * sizeof *inverse);

        dense_lower_inverse(n, s->factor, inverse);
        for (long i = 0; i < n; i++) {
            double p = 0;

            for (long k = i; k < n; k++)
                p += inverse[k * n + i] * inverse[k * n + i];
            q.sd[i] = 1 / sqrt(p);
        }
        free(inverse);
    }
    return q;
}

Gaussian gaussian_copy(const Gaussian *q)
{
    Gaussian to = *q;
    size_t n = (size_t)q->n, f = n * (size_t)q->rank;

    to.mean = memcpy(dgm_alloc((n + 1) * sizeof(double)), q->mean, n * sizeof(double));
    to.sd = memcpy(dgm_alloc((n + 1) * sizeof(double)), q->sd, n * sizeof(double));
    to.factor = memcpy(dgm_alloc((f + 1) * sizeof(double)), q->factor, f * sizeof(double));
    return to;
}

void gaussian_free(Gaussian *q)
{
    free(q->mean);
    free(q->sd);
    free(q->factor);
}

static bool has_diagonal(const Gaussian *q)
{
    return q->kind != FAMILY_FULLRANK;
}

long gaussian_noise(const Gaussian *q)
{
    return (has_diagonal(q) ? q->n : 0) + q->rank;
}

/* The noise of a draw is that of the diagonal, then that of the factor. */
void gaussian_draw(const Gaussian *q, long M, const double *E, double *U)
{
    long n = q->n, noise = gaussian_noise(q), first = noise - q->rank;

    for (long i = 0; i < M; i++)
        for (long j = 0; j < n; j++)
            U[i * n + j] = q->mean[j] + (first > 0 ? q->sd[j] * E[i * noise + j] : 0);
    dense_times_factor(M, n, q->rank, E + first, noise, q->factor, U);
}

void gaussian_covariance(const Gaussian *q, double *C)
{
    dense_product(false, true, q->n, q->n, q->rank, q->factor, q->factor, 0, C);
    for (long i = 0; i < q->n && has_diagonal(q); i++)
        C[i * q->n + i] += q->sd[i] * q->sd[i];
}

double *gaussian_factor(const Gaussian *q)
{
    double *L = dgm_alloc((size_t)(q->n * q->n + 1) * sizeof *L);

    if (q->kind == FAMILY_FULLRANK) {
        memcpy(L, q->factor, (size_t)(q->n * q->n) * sizeof *L);
    } else {
        gaussian_covariance(q, L);
        dense_cholesky(q->n, L);
    }
    return L;
}

static double log_diagonal(long n, const double *L)
{
    double sum = 0;

    for (long i = 0; i < n; i++)
        sum += log(fabs(L[i * n + i]));
    return sum;
}

/* Cholesky factor [rank][rank] of I + F' D F with D = sd^-2, for det and inverse of sd^2 + F F' by
 * the lemma of the determinant and by Woodbury. */
double *gaussian_inner(const Gaussian *q)
{
    long n = q->n, r = q->rank;
    double *L = dgm_alloc((size_t)(r * r + 1) * sizeof *L);
    double *scaled = dgm_alloc((size_t)(n * r + 1) * sizeof *scaled);

    for (long i = 0; i < n * r; i++)
        scaled[i] = q->factor[i] / q->sd[i / r];
    dense_product(true, false, r, r, n, scaled, scaled, 0, L);
    for (long k = 0; k < r; k++)
        L[k * r + k] += 1;
    dense_cholesky(r, L);
    free(scaled);
    return L;
}

double gaussian_half_log_det(const Gaussian *q, const double *inner)
{
    double sum = has_diagonal(q) ? log_diagonal(q->rank, inner) : log_diagonal(q->n, q->factor);

    for (long i = 0; i < q->n && has_diagonal(q); i++)
        sum += log(q->sd[i]);
    return sum;
}

/* x' C^-1 x for rows x of X, which are overwritten. */
static void distances(const Gaussian *q, const double *inner, long M, double *X, double *value)
{
    long n = q->n, r = q->rank;
    double *Y = dgm_alloc((size_t)(M * r + 1) * sizeof *Y);
    double *F = dgm_alloc((size_t)(n * r + 1) * sizeof *F);

    if (has_diagonal(q)) {             /* |D x|^2 - |inner^-1 F' D^2 x|^2, D = sd^-1 */
        for (long m = 0; m < M; m++)
            for (long i = 0; i < n; i++)
                X[m * n + i] /= q->sd[i];
        for (long i = 0; i < n * r; i++)
            F[i] = q->factor[i] / q->sd[i / r];
        dense_product(false, false, M, r, n, X, F, 0, Y);
        dense_solve_rows(M, r, inner, Y);
    } else {
        dense_solve_rows(M, n, q->factor, X);
    }
    for (long i = 0; i < M; i++)
        value[i] = dense_square(n, X + i * n) - (has_diagonal(q) ? dense_square(r, Y + i * r) : 0);
    free(F);
    free(Y);
}

/* X = U - mean, by rows. */
static void centred(const Gaussian *q, long M, const double *U, double *X)
{
    for (long m = 0; m < M; m++)
        for (long i = 0; i < q->n; i++)
            X[m * q->n + i] = U[m * q->n + i] - q->mean[i];
}

void gaussian_log_density(const Gaussian *q, long M, const double *U, double *value)
{
    long n = q->n;
    double *X = dgm_alloc((size_t)(M * n + 1) * sizeof *X), *inner = NULL;

    if (has_diagonal(q))
        inner = gaussian_inner(q);
    centred(q, M, U, X);
    distances(q, inner, M, X, value);
    double constant = -(double)n / 2 * log(2 * M_PI) - gaussian_half_log_det(q, inner);
    for (long i = 0; i < M; i++)
        value[i] = constant - value[i] / 2;
    free(inner);
    free(X);
}

double gaussian_log_density_at(const Gaussian *q, const double *inner, const double *u,
                               double *gradient)
{
    long n = q->n, r = q->rank;
    double *y = dgm_alloc((size_t)(r + 1) * sizeof *y), *x = gradient, square;

    for (long i = 0; i < n; i++)
        x[i] = u[i] - q->mean[i];
    if (has_diagonal(q)) {             /* C^-1 x = D^2 x - D^2 F (inner inner')^-1 F' D^2 x */
        for (long i = 0; i < n; i++)
            x[i] /= q->sd[i];
        square = dense_square(n, x);
        for (long i = 0; i < n; i++) {
            x[i] /= q->sd[i];
            for (long k = 0; k < r; k++)
                y[k] += q->factor[i * r + k] * x[i];
        }
        dense_solve_lower(r, inner, y);
        square -= dense_square(r, y);
        dense_solve_upper(r, inner, y);
        for (long i = 0; i < n; i++)
            x[i] -= dense_dot(r, q->factor + i * r, y) / (q->sd[i] * q->sd[i]);
    } else {
        dense_solve_lower(n, q->factor, x);
        square = dense_square(n, x);
        dense_solve_upper(n, q->factor, x);
    }
    for (long i = 0; i < n; i++)
        gradient[i] = -gradient[i];
    free(y);
    return -(double)n / 2 * log(2 * M_PI) - gaussian_half_log_det(q, inner) - square / 2;
}

void gaussian_scores(const Gaussian *q, long M, const double *U, double *V)
{
    long n = q->n, r = q->rank;

    centred(q, M, U, V);
    if (!has_diagonal(q)) {
        dense_solve_rows(M, n, q->factor, V);
        dense_solve_rows_upper(M, n, q->factor, V);
        return;
    }
    double *Y = dgm_alloc((size_t)(M * r + n * r + 1) * sizeof *Y), *F = Y + M * r;
    double *inner = gaussian_inner(q);

    for (long m = 0; m < M; m++)       /* D^2 x - D^2 F (inner inner')^-1 F' D^2 x */
        for (long i = 0; i < n; i++)
            V[m * n + i] /= q->sd[i] * q->sd[i];
    dense_product(false, false, M, r, n, V, q->factor, 0, Y);
    dense_solve_rows(M, r, inner, Y);
    dense_solve_rows_upper(M, r, inner, Y);
    for (long i = 0; i < n * r; i++)
        F[i] = -q->factor[i] / (q->sd[i / r] * q->sd[i / r]);
    dense_times_factor(M, n, r, Y, r, F, V);
    free(inner);
    free(Y);
}

void gaussian_log_ratio(const Gaussian *q, Target *t, uint64_t seed, uint64_t stream, long M,
                        double *U, double *ratio)
{
    long noise = gaussian_noise(q);
    double *E = dgm_alloc((size_t)(M * (noise + 1) + 1) * sizeof *E), *log_q = E + M * noise;

    noise_balanced(seed, stream, M, noise, E);
    gaussian_draw(q, M, E, U);
    gaussian_log_density(q, M, U, log_q);
    target_rows(t, M, U, ratio, NULL);
    for (long i = 0; i < M; i++)
        ratio[i] -= log_q[i];
    free(E);
}

void gaussian_scale(Gaussian *q, double by)
{
    for (long i = 0; i < q->n; i++)
        q->sd[i] *= by;
    for (long i = 0; i < q->n * q->rank; i++)
        q->factor[i] *= by;
}

void gaussian_sds(const Gaussian *q, double *sd)
{
    for (long i = 0; i < q->n; i++) {
        double own = has_diagonal(q) ? q->sd[i] : 0;

        sd[i] = sqrt(own * own + dense_square(q->rank, q->factor + i * q->rank));
    }
}

bool gaussian_resolved(const Gaussian *q)
{
    double *sd = dgm_alloc((size_t)(q->n + 1) * sizeof *sd);
    bool resolved = true;

    gaussian_sds(q, sd);
    for (long i = 0; i < q->n; i++)
        resolved = resolved && sd[i] > RESOLUTION * fabs(q->mean[i]);
    free(sd);
    return resolved;
}
