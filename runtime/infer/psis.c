/* psis.c - importance weights with a Pareto tail (Vehtari, Simpson, Gelman, Yao & Gabry 2024).
 *
 * The largest weights are replaced by the quantiles of a generalised Pareto law fitted to them by
 * the estimator of Zhang & Stephens (2009), its shape drawn a little towards 1/2. The shape,
 * k-hat, says how many moments the weights have: below 0.7 the weighted means are reliable.
 */
#include "infer/infer.h"

#include <math.h>
#include <stdlib.h>

/* Shares of the draws that must be effective: with a k-hat that is good, one that is well below the
 * limit, and whatever it is. Where most weight is on few draws, standard deviations come out too
 * small before k-hat shows it. */
static const double ENOUGH = 0.4, ENOUGH_IF_LOW = 0.25, NEARLY_ALL = 0.9, LOW = 0.5;
enum { FEWEST = 5 };                   /* weights to which a tail is fitted */

typedef struct Ranked { double value; long at; } Ranked;

static int by_value(const void *a, const void *b)
{
    const Ranked *x = a, *y = b;

    return x->value != y->value ? (x->value > y->value) - (x->value < y->value)
                                : (x->at > y->at) - (x->at < y->at);
}

typedef struct Pareto { double shape, scale; } Pareto;

/* Of n exceedances in rising order, all positive. */
static Pareto pareto_fit(long n, const double *x)
{
    enum { PRIOR = 3 };
    long m = 30 + (long)sqrt((double)n);
    double *theta = dgm_alloc((size_t)(2 * m) * sizeof *theta), *profile = theta + m, best = 0;
    double quarter = x[(long)((double)n / 4 + 0.5) - 1], sum = 0, weighted = 0;

    for (long j = 0; j < m; j++) {
        double k = 0;

        theta[j] = 1 / x[n - 1]
                 + (1 - sqrt((double)m / ((double)j + 0.5))) / (PRIOR * quarter);
        for (long i = 0; i < n; i++)
            k += log1p(-theta[j] * x[i]);
        k /= (double)n;
        profile[j] = (double)n * (log(-theta[j] / k) - k - 1);
        if (j == 0 || profile[j] > best)
            best = profile[j];
    }
    for (long j = 0; j < m; j++) {
        double w = exp(profile[j] - best);

        sum += w;
        weighted += w * theta[j];
    }
    double t = weighted / sum, shape = 0;
    for (long i = 0; i < n; i++)
        shape += log1p(-t * x[i]) / (double)n;
    free(theta);
    return (Pareto){((double)n * shape + 10 * 0.5) / ((double)n + 10), -shape / t};
}

static double pareto_quantile(Pareto p, double share)
{
    if (fabs(p.shape) < 1e-12)
        return -p.scale * log1p(-share);
    return p.scale * expm1(-p.shape * log1p(-share)) / p.shape;
}

static double spread_of(long M, const double *x)
{
    double sum = 0, square = 0;

    for (long i = 0; i < M; i++)
        sum += x[i] / (double)M;
    for (long i = 0; i < M; i++)
        square += (x[i] - sum) * (x[i] - sum) / (double)M;
    return sqrt(square);
}

/* Smooths the `tail` largest of rising log weights that end at 0, without those that are as large
 * as the next one below; the fitted shape. */
static double smooth_tail(long M, long tail, Ranked *rank)
{
    double cut = exp(rank[M - tail - 1].value);

    while (tail > 0 && !(exp(rank[M - tail].value) - cut > 0))
        tail--;
    if (tail < FEWEST)                 /* the largest are all the same, or a few stand out */
        return tail == 0 ? -INFINITY : INFINITY;
    double *x = dgm_alloc((size_t)tail * sizeof *x);
    for (long i = 0; i < tail; i++)
        x[i] = exp(rank[M - tail + i].value) - cut;
    Pareto p = pareto_fit(tail, x);
    for (long i = 0; i < tail && isfinite(p.shape); i++) {
        double value = log(cut + pareto_quantile(p, ((double)i + 0.5) / (double)tail));

        rank[M - tail + i].value = value < 0 ? value : 0;    /* no weight above the largest */
    }
    free(x);
    return p.shape;
}

Psis psis_smooth(long M, double *log_weight)
{
    long tail = (long)ceil(fmin(0.2 * (double)M, 3 * sqrt((double)M)));
    Ranked *rank = dgm_alloc((size_t)M * sizeof *rank);
    Psis p = {.khat = NAN, .threshold = fmin(1 - 1 / log10((double)M), 0.7),
              .spread = spread_of(M, log_weight)};
    double sum = 0, square = 0;

    for (long i = 0; i < M; i++)
        rank[i] = (Ranked){isnan(log_weight[i]) ? -INFINITY : log_weight[i], i};
    qsort(rank, (size_t)M, sizeof *rank, by_value);
    double top = rank[M - 1].value;
    for (long i = 0; i < M && isfinite(top); i++)
        rank[i].value -= top;
    if (tail >= FEWEST && isfinite(top))
        p.khat = smooth_tail(M, tail, rank);
    for (long i = 0; i < M; i++) {
        log_weight[rank[i].at] = isfinite(top) ? exp(rank[i].value) : 1;
        sum += log_weight[rank[i].at];
    }
    for (long i = 0; i < M; i++) {
        log_weight[i] /= sum;
        square += log_weight[i] * log_weight[i];
    }
    p.ess = isfinite(top) ? 1 / square : 0;
    free(rank);
    return p;
}

bool psis_even(const Psis *p, long M)
{
    return p->ess > NEARLY_ALL * (double)M;
}

bool psis_reliable(const Psis *p, long M)
{
    double share = p->ess / (double)M;

    return psis_even(p, M) || (p->khat < p->threshold && share > ENOUGH)
        || (p->khat < LOW && share > ENOUGH_IF_LOW);
}

bool psis_has_variance(const Psis *p, long M)
{
    return psis_even(p, M) || p->khat < LOW;
}

double log_mean(long M, const double *log_weight, double *error)
{
    double top = -INFINITY, sum = 0, square = 0;

    *error = INFINITY;
    for (long i = 0; i < M; i++)
        top = log_weight[i] > top ? log_weight[i] : top;
    if (!isfinite(top))
        return top;
    for (long i = 0; i < M; i++) {
        double w = isfinite(log_weight[i]) ? exp(log_weight[i] - top) : 0;

        sum += w / (double)M;
        square += w * w / (double)M;
    }
    *error = sqrt(fmax(0, square / (sum * sum) - 1) / (double)M);     /* delta method */
    return top + log(sum);
}

double log_mean_of(long M, long K, const double *log_weight, double *error)
{
    long groups = M / K;
    double sum = 0, square = 0, unused;

    for (long g = 0; g < groups; g++) {
        double x = log_mean(K, log_weight + g * K, &unused);

        sum += x / (double)groups;
        square += x * x / (double)groups;
    }
    *error = isfinite(sum) ? sqrt(fmax(0, square - sum * sum) / (double)groups) : INFINITY;
    return sum;
}
