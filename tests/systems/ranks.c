/* ranks.c - simulation-based calibration (Talts, Betancourt, Simpson, Vehtari & Gelman 2018).
 *
 *     ranks rank TRUE.json REPORT.json NAME SECTION     the share of draws below the true value, by
 *                  the normal law with mean and standard deviation of that section of the report
 *     ranks test BINS <ranks       chi-squared of shares in equal bins, and its p
 * Where a posterior is exact and normal the shares are uniform on (0, 1).
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

static json_t *load(const char *path)
{
    json_error_t e;
    json_t *root = json_load_file(path, 0, &e);

    if (root == NULL) {
        fprintf(stderr, "%s: %s\n", path, e.text);
        exit(2);
    }
    return root;
}

static int rank(char **argv)
{
    json_t *truth = load(argv[0]), *report = load(argv[1]);
    json_t *of = json_object_get(json_object_get(report, argv[3]), argv[2]);
    double x = json_number_value(json_object_get(truth, argv[2]));
    double mean = json_number_value(json_object_get(of, "mean"));
    double sd = json_number_value(json_object_get(of, "sd"));

    printf("%.12g\n", erfc(-(x - mean) / sd / sqrt(2)) / 2);
    json_decref(truth);
    json_decref(report);
    return sd > 0 ? 0 : 1;
}

/* Upper tail of chi-squared with an even number of degrees of freedom: a Poisson sum. */
static double upper_tail(double x, int freedom)
{
    double term = exp(-x / 2), sum = term;

    for (int k = 1; k < freedom / 2; k++) {
        term *= x / 2 / k;
        sum += term;
    }
    return sum;
}

static int test(int bins)
{
    long count[101] = { 0 }, n = 0;
    double share, square = 0;

    if (bins < 3 || bins > 101 || bins % 2 == 0)
        return 2;
    while (scanf("%lf", &share) == 1) {
        int k = (int)(share * bins);

        count[k < 0 ? 0 : k >= bins ? bins - 1 : k]++;
        n++;
    }
    for (int k = 0; k < bins; k++)
        square += pow((double)count[k] - (double)n / bins, 2) / ((double)n / bins);
    printf("%g %g\n", square, upper_tail(square, bins - 1));
    return n > 5 * bins ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc == 6 && strcmp(argv[1], "rank") == 0)
        return rank(argv + 2);
    if (argc == 3 && strcmp(argv[1], "test") == 0)
        return test(atoi(argv[2]));
    fprintf(stderr, "usage: ranks rank TRUE REPORT NAME SECTION | ranks test BINS\n");
    return 2;
}
