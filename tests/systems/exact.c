/* exact.c - exact answers that trained models are held against, by linear algebra alone.
 *
 *   exact ppca FILE.csv K
 *       maximum log-likelihood per datum of probabilistic PCA (Tipping & Bishop 1999, eq. 8 with
 *       the maximising sigma^2, W): -1/2 (D log 2pi + sum_{i<=K} log l_i + (D-K) log s2 + D), l:
 *       the eigenvalues of the covariance, s2 the mean of the D-K smallest
 *   exact regression FILE.csv P NOISE PRIOR_B PRIOR_W RUN.safetensors
 *       posterior of y ~ normal(X w + b, NOISE), b ~ normal(0, PRIOR_B), w ~ normal(0, PRIOR_W),
 *       X the first P columns, y the next; prints the largest distance of the fitted mean and
 *       covariance (free vector: b, w; Cholesky factor packed by rows with logarithmic diagonal)
 *       from it
 */
#include <jansson.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ROWS = 5000, MAX_COLUMNS = 80 };

extern void dsyev_(const char *job, const char *uplo, const int *n, double *a, const int *lda,
                   double *w, double *work, const int *lwork, int *info);
extern void dpotrf_(const char *uplo, const int *n, double *a, const int *lda, int *info);
extern void dpotri_(const char *uplo, const int *n, double *a, const int *lda, int *info);

static double table[MAX_ROWS][MAX_COLUMNS];

static int read_csv(const char *path, int *columns)
{
    FILE *f = fopen(path, "r");
    char line[4096];
    int n = 0;
    if (!f || !fgets(line, sizeof line, f)) {
        fprintf(stderr, "exact: cannot read %s\n", path);
        exit(2);
    }
    while (n < MAX_ROWS && fgets(line, sizeof line, f)) {
        char *p = line;
        *columns = 0;
        for (char *end; *p && *p != '\n'; p = end + (*end == ',')) {
            table[n][*columns] = strtod(p, &end);
            if (end == p)
                break;
            ++*columns;
        }
        n++;
    }
    fclose(f);
    return n;
}

static int ppca(const char *path, int k)
{
    int d, n = read_csv(path, &d), lwork = 4 * MAX_COLUMNS, info;
    double mean[MAX_COLUMNS] = { 0 }, cov[MAX_COLUMNS * MAX_COLUMNS] = { 0 }, l[MAX_COLUMNS];
    double work[4 * MAX_COLUMNS], s2 = 0, ll = d * log(2 * M_PI) + d;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < d; j++)
            mean[j] += table[i][j] / n;
    for (int i = 0; i < n; i++)
        for (int a = 0; a < d; a++)
            for (int b = 0; b < d; b++)
                cov[a * d + b] += (table[i][a] - mean[a]) * (table[i][b] - mean[b]) / n;
    dsyev_("N", "U", &d, cov, &d, l, work, &lwork, &info);
    for (int i = 0; i < d - k; i++)
        s2 += l[i] / (d - k);
    for (int i = d - k; i < d; i++)
        ll += log(l[i]);
    printf("%.10f\n", -0.5 * (ll + (d - k) * log(s2)));
    return info != 0;
}

/* The tensor `name` of a safetensors file of doubles, or of floats. */
static int read_tensor(const char *path, const char *suffix, double *out, int max)
{
    FILE *f = fopen(path, "rb");
    uint64_t length = 0;
    if (!f || fread(&length, 8, 1, f) != 1 || length > 1 << 24)
        return -1;
    char *text = malloc(length);
    if (fread(text, 1, length, f) != length)
        return -1;
    json_t *head = json_loadb(text, length, 0, NULL), *value;
    const char *key;
    int count = -1;
    json_object_foreach(head, key, value) {
        size_t n = strlen(key), m = strlen(suffix);
        if (n < m || strcmp(key + n - m, suffix) || strchr(key, '/'))
            continue;
        json_t *at = json_object_get(value, "data_offsets");
        long begin = (long)json_integer_value(json_array_get(at, 0));
        long end = (long)json_integer_value(json_array_get(at, 1));
        int wide = !strcmp(json_string_value(json_object_get(value, "dtype")), "F64");
        count = (int)((end - begin) / (wide ? 8 : 4));
        fseek(f, 8 + (long)length + begin, SEEK_SET);
        for (int i = 0; i < count && i < max; i++) {
            float x = 0;
            if (fread(wide ? (void *)&out[i] : (void *)&x, wide ? 8 : 4, 1, f) != 1)
                return -1;
            if (!wide)
                out[i] = x;
        }
    }
    json_decref(head);
    free(text);
    fclose(f);
    return count;
}

static int regression(const char *path, int p, double noise, double sb, double sw, const char *run)
{
    int columns, n = read_csv(path, &columns), d = p + 1, info;
    double prec[MAX_COLUMNS * MAX_COLUMNS] = { 0 }, xy[MAX_COLUMNS] = { 0 };
    double mean[MAX_COLUMNS] = { 0 }, mu[MAX_COLUMNS], u[MAX_COLUMNS * MAX_COLUMNS];
    for (int i = 0; i < n; i++)
        for (int a = 0; a < d; a++) {
            double xa = a ? table[i][a - 1] : 1;
            xy[a] += xa * table[i][p] / (noise * noise);
            for (int b = 0; b < d; b++)
                prec[a * d + b] += xa * (b ? table[i][b - 1] : 1) / (noise * noise);
        }
    for (int a = 0; a < d; a++)
        prec[a * d + a] += a ? 1 / (sw * sw) : 1 / (sb * sb);
    dpotrf_("U", &d, prec, &d, &info);
    dpotri_("U", &d, prec, &d, &info); /* column-major upper = row-major lower: the covariance */
    for (int a = 0; a < d; a++)
        for (int b = 0; b < a; b++)
            prec[b * d + a] = prec[a * d + b];
    for (int a = 0; a < d; a++)
        for (int b = 0; b < d; b++)
            mean[a] += prec[a * d + b] * xy[b];
    if (read_tensor(run, "mu", mu, MAX_COLUMNS) != d
        || read_tensor(run, "chol", u, MAX_COLUMNS * MAX_COLUMNS) != d * (d + 1) / 2) {
        fprintf(stderr, "exact: %s does not hold the full-rank family of %d numbers\n", run, d);
        return 2;
    }
    double off_mean = 0, off_cov = 0;
    for (int a = 0; a < d; a++) {
        off_mean = fmax(off_mean, fabs(mu[a] - mean[a]));
        for (int b = 0; b <= a; b++) {
            double s = 0;
            for (int k = 0; k <= b; k++) {
                double la = u[a * (a + 1) / 2 + k], lb = u[b * (b + 1) / 2 + k];
                s += (k == a ? exp(la) : la) * (k == b ? exp(lb) : lb);
            }
            off_cov = fmax(off_cov, fabs(s - prec[a * d + b]));
        }
    }
    printf("%.6g %.6g\n", off_mean, off_cov);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 4 && !strcmp(argv[1], "ppca"))
        return ppca(argv[2], atoi(argv[3]));
    if (argc == 8 && !strcmp(argv[1], "regression"))
        return regression(argv[2], atoi(argv[3]), atof(argv[4]), atof(argv[5]), atof(argv[6]),
                          argv[7]);
    fprintf(stderr, "usage: exact ppca FILE K | exact regression FILE P NOISE SB SW RUN\n");
    return 2;
}
