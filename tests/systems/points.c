/* points.c - Stan's log densities beside those of log-prob.
 *
 *     points write FILE DIR           parameters of FILE's points to DIR/at-0.json, ..; how many
 *     points compare FILE DIR [lp | solver]     DIR/out-0.json, .. of `log-prob --unconstrained`
 * FILE is as posteriordb's log_density: points of parameters, lp without Jacobian, and the gradient
 * of lp_jacobian by Stan's free numbers. Stan drops constants, so lp is compared by its differences
 * between points, relative to the larger |lp|; a gradient where the maps from free numbers are the
 * same (not with `lp`), which the count of free numbers and of values shows. With `solver` both are
 * compared to what Stan's own solver of differential equations allows (relative 1e-5, absolute 1e-3
 * of the solution); how exact ours is, ode.sh shows.
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#define TOLERANCE 1e-10
#define GRADIENT_TOLERANCE 1e-8        /* of the largest component */
#define SOLVER_TOLERANCE 1e-3
#define SOLVER_GRADIENT_TOLERANCE 5e-3

static json_t *load(const char *dir, const char *name, size_t i)
{
    char path[1024];
    json_error_t e;
    if (dir)
        snprintf(path, sizeof path, "%s/%s-%zu.json", dir, name, i);
    json_t *root = json_load_file(dir ? path : name, 0, &e);
    if (!root) {
        fprintf(stderr, "%s: %s\n", dir ? path : name, e.text);
        exit(2);
    }
    return root;
}

/* Log joint without the Jacobian's terms. */
static double log_prob(const json_t *out)
{
    double lp = json_number_value(json_object_get(out, "log_prob"));
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(out, "terms"), name, value)
        if (!strncmp(name, "jacobian_", 9))
            lp -= json_number_value(value);
    return lp;
}

static size_t count(const json_t *v)
{
    size_t n = json_is_array(v) ? 0 : 1;
    for (size_t i = 0; json_is_array(v) && i < json_array_size(v); i++)
        n += count(json_array_get(v, i));
    return n;
}

/* Largest difference of the gradients of point i, relative; -1 if they are by other numbers. */
static double gradient_error(const json_t *point, const json_t *out)
{
    const json_t *stan = json_object_get(point, "grad_unconstrained");
    const json_t *ours = json_object_get(out, "gradient"), *layout = json_object_get(out, "layout");
    const char *name;
    json_t *value;
    size_t at = 0;
    double worst = 0, largest = 1;
    json_object_foreach(json_object_get(point, "parameters"), name, value) {
        const json_t *place = json_object_get(layout, name);
        size_t n = count(value);
        bool vector = !json_is_array(value) || !json_is_array(json_array_get(value, 0));
        if (!place || !vector || n != (size_t)json_integer_value(json_array_get(place, 1)))
            return -1;                 /* a matrix is column by column in Stan */
        for (size_t k = 0; k < n; k++, at++) {
            size_t here = (size_t)json_integer_value(json_array_get(place, 0)) + k;
            double a = json_number_value(json_array_get(stan, at));
            double b = json_number_value(json_array_get(ours, here));
            largest = fmax(largest, fabs(a));
            worst = fmax(worst, fabs(a - b));
        }
    }
    return at == json_array_size(stan) ? worst / largest : -1;
}

static int compare(const json_t *points, const char *dir, const char *note)
{
    bool solver = !strcmp(note, "solver"), gradients = strcmp(note, "lp") != 0;
    double tolerance = solver ? SOLVER_TOLERANCE : TOLERANCE;
    double gradient_tolerance = solver ? SOLVER_GRADIENT_TOLERANCE : GRADIENT_TOLERANCE;
    size_t n = json_array_size(points);
    double worst = 0, gradient = -1, mine[64], stan[64];
    for (size_t i = 0; i < n && i < 64; i++) {
        const json_t *point = json_array_get(points, i);
        json_t *out = load(dir, "out", i);
        mine[i] = log_prob(out);
        stan[i] = json_number_value(json_object_get(point, "lp"));
        for (size_t k = 0; k < i; k++) {
            double size = fmax(fmax(fabs(stan[i]), fabs(stan[k])), 1);
            double error = fabs((mine[i] - mine[k]) - (stan[i] - stan[k])) / size;
            worst = error <= worst ? worst : error;    /* NaN is worst */
        }
        if (gradients)
            gradient = fmax(gradient, gradient_error(point, out));
        json_decref(out);
    }
    printf("%zu points, lp %.2g", n, worst);
    if (gradient >= 0)
        printf(", gradient %.2g", gradient);
    printf("\n");
    return n > 1 && worst <= tolerance && gradient <= gradient_tolerance ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    json_t *root = load(NULL, argv[2], 0), *points = json_object_get(root, "points");
    int rc = 0;
    if (!strcmp(argv[1], "write")) {
        for (size_t i = 0; i < json_array_size(points); i++) {
            char path[1024];
            snprintf(path, sizeof path, "%s/at-%zu.json", argv[3], i);
            json_t *values = json_object_get(json_array_get(points, i), "parameters");
            rc |= json_dump_file(values, path, JSON_REAL_PRECISION(17));
        }
        printf("%zu\n", json_array_size(points));
    } else {
        rc = compare(points, argv[3], argc > 4 ? argv[4] : "");
    }
    json_decref(root);
    return rc ? 1 : 0;
}
