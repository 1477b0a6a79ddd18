/* number.c - reads one decimal number, correctly rounded, whatever the locale.
 *
 * Idea: up to 15 digits and a power of ten up to 10^22 are both exact doubles, so that one
 * multiplication or division rounds correctly (Clinger 1990); nearly all numbers in files are of
 * this kind. The others go to strtod in the C locale, after the syntax has been checked here.
 */
#define _GNU_SOURCE                    /* strtod_l */
#include "data/csv.h"

#include <locale.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TEXT_MAX 400                   /* longer than any exact decimal that people write */

typedef struct Decimal {
    bool negative;
    uint64_t digits;                   /* the first 19 significant ones */
    int significant;                   /* how many there are */
    long exponent;                     /* value = digits * 10^exponent, if significant <= 19 */
} Decimal;

/* Digits at text[*i..]; after_point counts them down in the exponent. Returns how many. */
static size_t read_digits(const char *text, size_t n, size_t *i, bool after_point, Decimal *d)
{
    size_t start = *i;

    for (; *i < n && text[*i] >= '0' && text[*i] <= '9'; ++*i) {
        if (d->significant < 19)
            d->digits = d->digits * 10 + (uint64_t)(text[*i] - '0');
        if (d->significant > 0 || text[*i] != '0')
            d->significant++;
        d->exponent -= after_point;
    }
    return *i - start;
}

static bool scan(const char *text, size_t n, Decimal *d)
{
    size_t i = 0, seen;

    *d = (Decimal){ .negative = n > 0 && text[0] == '-' };
    if (n > 0 && (text[0] == '-' || text[0] == '+'))
        i++;
    seen = read_digits(text, n, &i, false, d);
    if (i < n && text[i] == '.') {
        i++;
        seen += read_digits(text, n, &i, true, d);
    }
    if (seen == 0)
        return false;
    if (i < n && (text[i] == 'e' || text[i] == 'E')) {
        bool negative = i + 1 < n && text[i + 1] == '-';
        long e = 0;
        size_t first = i += 1 + (i + 1 < n && (negative || text[i + 1] == '+'));

        for (; i < n && text[i] >= '0' && text[i] <= '9'; i++)
            e = e < 100000 ? e * 10 + (text[i] - '0') : e;
        if (i == first)
            return false;
        d->exponent += negative ? -e : e;
    }
    return i == n;
}

static bool word(const char *text, size_t n, double *value)
{
    static const struct { const char *name; double value; } words[] = {
        { "nan", NAN }, { "na", NAN }, { "inf", INFINITY }, { "infinity", INFINITY },
    };
    bool sign = n > 0 && (text[0] == '-' || text[0] == '+');

    for (size_t k = 0; k < sizeof words / sizeof words[0]; k++)
        if (n - sign == strlen(words[k].name)
            && strncasecmp(text + sign, words[k].name, n - sign) == 0) {
            *value = sign && text[0] == '-' ? -words[k].value : words[k].value;
            return true;
        }
    *value = n == 4 && strncasecmp(text, "true", 4) == 0;
    return *value == 1 || (n == 5 && strncasecmp(text, "false", 5) == 0);
}

/* strtod in the C locale. The syntax is known to be right. */
static double slow(const char *text, size_t n)
{
    char copy[TEXT_MAX + 1];
    locale_t c = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);

    memcpy(copy, text, n);
    copy[n] = '\0';
    double value = c != (locale_t)0 ? strtod_l(copy, NULL, c) : strtod(copy, NULL);
    if (c != (locale_t)0)
        freelocale(c);
    return value;
}

CsvNumber csv_number(const char *text, size_t n, double *value)
{
    static const double ten[] = { 1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
                                  1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21,
                                  1e22 };
    Decimal d;

    if (n == 0 || n > TEXT_MAX)
        return CSV_NOT_A_NUMBER;
    if (!scan(text, n, &d))
        return word(text, n, value) ? CSV_NUMBER : CSV_NOT_A_NUMBER;
    if (d.significant <= 15 && d.exponent >= -22 && d.exponent <= 22) {
        double v = (double)d.digits;

        v = d.exponent < 0 ? v / ten[-d.exponent] : v * ten[d.exponent];
        *value = d.negative ? -v : v;
        return CSV_NUMBER;
    }
    *value = slow(text, n);
    return isinf(*value) ? CSV_TOO_LARGE : CSV_NUMBER;
}
