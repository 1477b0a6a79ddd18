/* write.c - numbers as text, and arrays as npy and CSV files.
 *
 * Text reads back to the same bits, with a point whatever the locale says.
 */
#include "data/data.h"
#include "data/csv.h"

#include <math.h>
#include <string.h>

/* printf writes the locale's decimal point, which may be several bytes: make it a point. */
static void number_text(double x, int digits, char *buffer, size_t size)
{
    char *to = buffer;

    if (isnan(x)) {                      /* glibc would keep its sign */
        snprintf(buffer, size, "nan");
        return;
    }
    snprintf(buffer, size, "%.*g", digits, x);
    if (!isfinite(x))
        return;
    for (const char *at = buffer; *at; at++) {
        if (strchr("0123456789+-e", *at) != NULL)
            *to++ = *at;
        else if (to == buffer || to[-1] != '.')
            *to++ = '.';
    }
    *to = '\0';
}

void dgm_double_text(double x, char *buffer, size_t size)
{
    double back;

    for (int digits = 15; digits <= 17; digits++) {
        number_text(x, digits, buffer, size);
        if (!isfinite(x) || (csv_number(buffer, strlen(buffer), &back) == CSV_NUMBER && back == x))
            return;
    }
}

void dgm_real_text(Real x, char *buffer, size_t size)
{
    number_text((double)x, sizeof x == 4 ? 9 : 17, buffer, size);
}

/* The header that numpy.save would write: version 1.0, padded to a multiple of 64 bytes. */
static void npy_header(Output *o, int rank, const long *shape)
{
    char dict[512];
    bool big = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
    int n = snprintf(dict, sizeof dict, "{'descr': '%cf%zu', 'fortran_order': False, 'shape': (",
                     big ? '>' : '<', sizeof(Real));

    for (int i = 0; i < rank; i++)
        n += snprintf(dict + n, sizeof dict - (size_t)n, "%ld%s", shape[i],
                      rank == 1 ? "," : i + 1 < rank ? ", " : "");
    n += snprintf(dict + n, sizeof dict - (size_t)n, "), }");
    int length = (10 + n + 1 + 63) / 64 * 64 - 10;
    uint8_t head[10] = { 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (uint8_t)(length & 255),
                         (uint8_t)(length >> 8) };

    memset(dict + n, ' ', (size_t)(length - 1 - n));
    dict[length - 1] = '\n';
    output_write(o, head, sizeof head);
    output_write(o, dict, (size_t)length);
}

void dgm_npy_write(const char *path, int rank, const long *shape, const Real *values)
{
    Output *o = output_open(path);
    size_t count = 1;

    for (int i = 0; i < rank; i++)
        count *= (size_t)shape[i];
    npy_header(o, rank, shape);
    output_write(o, values, count * sizeof *values);
    output_finish(o);
}

static void name_write(Output *o, const char *name)
{
    if (strpbrk(name, ",\"\n\r; \t") == NULL) {
        output_write(o, name, strlen(name));
        return;
    }
    output_write(o, "\"", 1);
    for (; *name; name++)
        output_write(o, *name == '"' ? "\"\"" : name, *name == '"' ? 2 : 1);
    output_write(o, "\"", 1);
}

void dgm_csv_write(const char *path, const char *const *names, long rows, long columns,
                   const Real *values)
{
    Output *o = output_open(path);
    char text[48];

    for (long k = 0; names != NULL && k < columns; k++) {
        name_write(o, names[k]);
        output_write(o, k + 1 < columns ? "," : "\n", 1);
    }
    for (long i = 0; i < rows * columns; i++) {
        dgm_real_text(values[i], text, sizeof text);
        output_write(o, text, strlen(text));
        output_write(o, (i + 1) % columns ? "," : "\n", 1);
    }
    output_finish(o);
}
