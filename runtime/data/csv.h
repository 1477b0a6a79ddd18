/* csv.h - decimal numbers in text, independent of the locale. Shared by csv.c and its tests. */
#ifndef DGM_DATA_CSV_H
#define DGM_DATA_CSV_H

#include <stddef.h>

typedef enum { CSV_NUMBER, CSV_NOT_A_NUMBER, CSV_TOO_LARGE } CsvNumber;

/* [+-] digits [. digits] [e [+-] digits], or nan, inf, infinity in any case: correctly rounded.
 * Hexadecimal, decimal commas and thousands separators are not numbers. */
CsvNumber csv_number(const char *text, size_t n, double *value);

#endif
