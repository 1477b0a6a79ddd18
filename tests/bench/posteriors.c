/* posteriors.c - a report of `posterior` beside reference draws.
 *
 *     posteriors compare REPORT.json DRAWS.json    worst error of a mean, in standard deviations of
 *                  the reference; worst ratio of standard deviations; k-hat; seconds; one line each
 *                  for `posterior` and for `family`, and how many numbers were compared
 *     posteriors line REPORT.json                  k-hat, effective draws, draws, seconds, warnings
 * DRAWS.json is posteriordb's: a list of chains, each an object of lists by name, as b[1,2] from 1.
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

/* Mean and standard deviation over all chains. */
static void moments(const json_t *chains, const char *name, double *mean, double *sd)
{
    double n = 0, sum = 0, square = 0;

    for (int pass = 0; pass < 2; pass++) {
        for (size_t c = 0; c < json_array_size(chains); c++) {
            const json_t *draws = json_object_get(json_array_get(chains, c), name);

            for (size_t i = 0; i < json_array_size(draws); i++) {
                double x = json_number_value(json_array_get(draws, i));

                if (pass == 0) {
                    sum += x;
                    n++;
                } else {
                    square += (x - sum / n) * (x - sum / n);
                }
            }
        }
    }
    *mean = sum / n;
    *sd = sqrt(square / n);
}

/* The number of `summaries` that NAME or NAME[i,j] stands for; NULL: there is none. */
static const json_t *number(const json_t *summaries, const char *name, const char *statistic)
{
    char base[200];
    size_t length = strcspn(name, "[");
    const char *index = name + length;
    const json_t *value;

    snprintf(base, sizeof base, "%.*s", (int)length, name);
    value = json_object_get(json_object_get(summaries, base), statistic);
    while (*index == '[' || *index == ',') {
        char *end;

        value = json_array_get(value, (size_t)strtol(index + 1, &end, 10) - 1);
        index = end;
    }
    return json_is_array(value) ? NULL : value;
}

/* NaN, which is what a number that is not finite becomes, is the worst of all. */
static double value_of(const json_t *number)
{
    return json_is_number(number) ? json_number_value(number) : NAN;
}

static int compare(const json_t *report, const json_t *chains, const char *which)
{
    const json_t *summaries = json_object_get(report, which);
    double worst = 0, ratio = 1;
    int compared = 0;
    const char *name;
    json_t *unused;

    json_object_foreach(json_array_get(chains, 0), name, unused) {
        const json_t *mean = number(summaries, name, "mean"), *sd = number(summaries, name, "sd");
        double want, spread;

        (void)unused;
        moments(chains, name, &want, &spread);
        if (mean == NULL || !(spread > 0))
            continue;
        double error = fabs(value_of(mean) - want) / spread, r = value_of(sd) / spread;
        compared++;
        if (!(error <= worst))
            worst = error;
        if (!(fabs(log(r)) <= fabs(log(ratio))))
            ratio = r;
    }
    printf("%s %.3f %.3f %.2f %.2f %d\n", which, worst, ratio,
           value_of(json_object_get(report, "khat")), value_of(json_object_get(report, "seconds")),
           compared);
    return compared > 0 ? 0 : 1;
}

static int line(const json_t *report)
{
    size_t i;
    json_t *w;

    printf("%.2f %.0f %.0f %.2f", value_of(json_object_get(report, "khat")),
           value_of(json_object_get(report, "ess")), value_of(json_object_get(report, "draws")),
           value_of(json_object_get(report, "seconds")));
    json_array_foreach(json_object_get(report, "warnings"), i, w)
        printf(" %s", json_string_value(json_object_get(w, "code")));
    printf("\n");
    return 0;
}

int main(int argc, char **argv)
{
    int rc = 2;

    if (argc == 4 && strcmp(argv[1], "compare") == 0) {
        json_t *report = load(argv[2]), *chains = load(argv[3]);

        rc = compare(report, chains, "posterior") + compare(report, chains, "family");
        json_decref(report);
        json_decref(chains);
    } else if (argc == 3 && strcmp(argv[1], "line") == 0) {
        json_t *report = load(argv[2]);

        rc = line(report);
        json_decref(report);
    } else {
        fprintf(stderr, "usage: posteriors compare REPORT DRAWS | posteriors line REPORT\n");
    }
    return rc;
}
