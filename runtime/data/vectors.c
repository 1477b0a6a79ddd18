/* vectors.c - data on supports of vectors and matrices: simplex[K], ordered[K], covariance[K] and
 * others. Bounds of single numbers are checked before; here is what binds those of one together.
 */
#include "data/vectors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double TOLERANCE = 1e-6;  /* of numbers that were written as text */

static double sum(const double *x, long n)
{
    double s = 0;

    for (long k = 0; k < n; k++)
        s += x[k];
    return s;
}

static double square(const double *x, long n)
{
    double s = 0;

    for (long k = 0; k < n; k++)
        s += x[k] * x[k];
    return s;
}

static double largest(const double *x, long n)
{
    double most = 1;

    for (long k = 0; k < n; k++)
        most = fmax(most, fabs(x[k]));
    return most;
}

static bool not_one(double x)
{
    return !(fabs(x - 1) <= TOLERANCE);
}

/* ---- what is wrong with one; NULL: nothing --------------------------------------------------- */

static const char *simplex_fault(double *x, long n)
{
    return not_one(sum(x, n)) ? "its sum is not 1" : NULL;
}

static const char *zerosum_fault(double *x, long n)
{
    return fabs(sum(x, n)) <= TOLERANCE * largest(x, n) ? NULL : "its sum is not 0";
}

static const char *ordered_fault(double *x, long n)
{
    for (long k = 1; k < n; k++)
        if (x[k] < x[k - 1])
            return "it does not increase";
    return NULL;
}

static const char *unit_vector_fault(double *x, long n)
{
    return not_one(square(x, n)) ? "its length is not 1" : NULL;
}

static const char *cholesky_fault(double *L, long n)
{
    for (long i = 0; i < n; i++)
        for (long j = i; j < n; j++)
            if (j == i ? !(L[i * n + i] > 0) : L[i * n + j] != 0)
                return j == i ? "its diagonal is not above 0" : "it is not lower triangular";
    return NULL;
}

static const char *corr_cholesky_fault(double *L, long n)
{
    const char *fault = cholesky_fault(L, n);

    for (long i = 0; i < n && fault == NULL; i++)
        if (not_one(square(L + i * n, n)))
            fault = "its rows are not of length 1";
    return fault;
}

/* S becomes its Cholesky factor. */
static const char *covariance_fault(double *S, long n)
{
    double within = TOLERANCE * largest(S, n * n);

    for (long i = 0; i < n; i++)
        for (long j = 0; j < i; j++)
            if (!(fabs(S[i * n + j] - S[j * n + i]) <= within))
                return "it is not symmetric";
    for (long j = 0; j < n; j++) {
        double root = S[j * n + j] - square(S + j * n, j);

        if (!(root > 0))
            return "it is not positive definite";
        S[j * n + j] = sqrt(root);
        for (long i = j + 1; i < n; i++) {
            for (long k = 0; k < j; k++)
                S[i * n + j] -= S[i * n + k] * S[j * n + k];
            S[i * n + j] /= S[j * n + j];
        }
    }
    return NULL;
}

static const char *corr_fault(double *R, long n)
{
    for (long i = 0; i < n; i++)
        if (not_one(R[i * n + i]))
            return "its diagonal is not 1";
    return covariance_fault(R, n);
}

static const struct {
    const char *support;
    int rank;                          /* axes of one */
    const char *(*fault)(double *x, long n);
} rules[] = {
    { "simplex", 1, simplex_fault },          { "zerosum", 1, zerosum_fault },
    { "ordered", 1, ordered_fault },          { "unit_vector", 1, unit_vector_fault },
    { "cholesky", 2, cholesky_fault },        { "corr_cholesky", 2, corr_cholesky_fault },
    { "covariance", 2, covariance_fault },    { "corr", 2, corr_fault },
};

/* ---- all of an array ----------------------------------------------------------------------- */

static int rule_of(const DgmData *d)
{
    size_t n = strcspn(d->support, "[(");

    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (strlen(rules[i].support) == n && strncmp(d->support, rules[i].support, n) == 0)
            return d->rank >= rules[i].rank ? (int)i : -1;
    return -1;
}

const char *vector_fault(const DgmData *d, const DgmArray *a, long *number)
{
    int r = rule_of(d);

    if (r < 0)
        return NULL;
    long n = d->shape[d->rank - 1], size = rules[r].rank == 2 ? n * n : n;
    double *x = malloc((size_t)(size + 1) * sizeof *x);
    const char *fault = x == NULL ? "there is no memory to check it" : NULL;

    for (*number = 0; fault == NULL && (*number + 1) * size <= a->count; ++*number) {
        for (long k = 0; k < size; k++)
            x[k] = array_value(a, *number * size + k);
        fault = rules[r].fault(x, n);
        if (fault != NULL)
            break;
    }
    free(x);
    return fault;
}
