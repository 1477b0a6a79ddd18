/* csv.c - reads numbers from CSV text: two passes over the bytes, no intermediate copy.
 *
 * Idea: the first pass checks everything (every row as wide as the first, every chosen cell a
 * number) and learns the element type, u8 if all values are whole and in 0..255, f64 otherwise; the
 * second pass stores. Line 1 is a header if none of its cells is a number.
 *
 * Cells are separated by tab, `;`, `,` or blanks: the first of these that line 1 contains. They may
 * be quoted ("" inside is a quote); lines end in LF, CRLF or CR; a UTF-8 byte order mark and blank
 * lines at the end are skipped. Numbers are decimal with a point, whatever the locale says; NA, and
 * an empty cell among others, is NaN.
 */
#include "data/csv.h"
#include "data/read.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Csv {
    const char *name;                  /* of the file */
    const char *start, *at, *end;
    char comma;                        /* the separator; ' ' for runs of blanks */
    long line;                         /* of `at`, from 1 */
    bool row_ended;                    /* the cell just read was the last of its row */
    DataError *e;
} Csv;

typedef struct Cell {
    const char *text;                  /* without quotes and surrounding blanks */
    size_t n;
    long line;
    bool quoted;
} Cell;

/* Which columns are wanted: place[c] is the output column of input column c, or -1. */
typedef struct Columns {
    long *place;
    long all, wanted;
} Columns;

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_end_of_line(const Csv *c)
{
    return c->at == c->end || *c->at == '\n' || *c->at == '\r';
}

static void skip_blanks(Csv *c)
{
    while (c->at < c->end && is_blank(*c->at) && (c->comma == ' ' || *c->at != c->comma))
        c->at++;
}

static void line_end(Csv *c)
{
    if (c->at < c->end && *c->at == '\r')
        c->at++;
    if (c->at < c->end && *c->at == '\n' )
        c->at++;
    c->line++;
}

static bool cell_quoted(Csv *c, Cell *cell)
{
    cell->text = ++c->at;
    cell->quoted = true;
    for (;; c->at++) {
        if (c->at == c->end)
            return data_fail(c->e, "add the closing quote", "%s:%ld: a quoted cell does not end",
                             c->name, cell->line);
        if (*c->at == '\n')
            c->line++;
        if (*c->at != '"')
            continue;
        if (c->at + 1 == c->end || c->at[1] != '"')
            break;
        c->at++;                         /* "" stays as it is: no number contains it */
    }
    cell->n = (size_t)(c->at - cell->text);
    c->at++;
    skip_blanks(c);
    if (is_end_of_line(c) || *c->at == c->comma || (c->comma == ' ' && is_blank(c->at[-1])))
        return true;
    return data_fail(c->e, "put the whole cell in quotes, and write a quote inside it twice",
                     "%s:%ld: text follows a closing quote", c->name, c->line);
}

/* Reads the next cell of a row, and the separator or line end after it. */
static bool cell_next(Csv *c, Cell *cell)
{
    skip_blanks(c);
    *cell = (Cell){ .text = c->at, .line = c->line };
    if (c->at < c->end && *c->at == '"') {
        if (!cell_quoted(c, cell))
            return false;
    } else {
        while (!is_end_of_line(c) && *c->at != c->comma && !(c->comma == ' ' && is_blank(*c->at)))
            c->at++;
        cell->n = (size_t)(c->at - cell->text);
        while (cell->n > 0 && is_blank(cell->text[cell->n - 1]))
            cell->n--;
        if (c->comma == ' ')
            skip_blanks(c);
    }
    c->row_ended = is_end_of_line(c);
    if (c->row_ended)
        line_end(c);
    else if (c->comma != ' ')
        c->at++;
    return true;
}

static void rewind_to(Csv *c, const char *at, long line)
{
    c->at = at;
    c->line = line;
}

/* The separator of line 1, outside quotes. */
static char find_comma(const Csv *c)
{
    bool tab = false, semicolon = false, comma = false, blank = false, quoted = false, text = false;

    for (const char *at = c->at; at < c->end && (quoted || (*at != '\n' && *at != '\r')); at++) {
        quoted ^= *at == '"';
        if (quoted)
            continue;
        tab |= *at == '\t';
        semicolon |= *at == ';';
        comma |= *at == ',';
        blank |= text && is_blank(*at);
        text |= !is_blank(*at);
    }
    return tab ? '\t' : semicolon ? ';' : comma ? ',' : blank ? ' ' : ',';
}

static bool open_text(Csv *c, const DataFile *f, DataError *e)
{
    *c = (Csv){ .name = f->name, .start = (const char *)f->bytes, .line = 1, .e = e };
    c->end = c->start + f->n;
    c->at = c->start;
    if (f->n >= 3 && memcmp(c->at, "\xef\xbb\xbf", 3) == 0)
        c->at += 3;
    const char *nul = memchr(c->start, 0, f->n);
    if (nul != NULL)
        return data_fail(e, "if it is UTF-16, save it as UTF-8",
                         "%s: byte %zu is NUL: this is not CSV text", f->name,
                         (size_t)(nul - c->start));
    while (c->end > c->at && strchr(" \t\r\n", c->end[-1]) != NULL)
        c->end--;                        /* blank lines at the end */
    if (c->at == c->end)
        return data_fail(e, NULL, "%s holds no values", f->name);
    c->comma = find_comma(c);
    if (c->comma == '\t')                /* an empty last cell is not a blank line */
        c->end = c->start + f->n;
    while (c->end > c->at && (c->end[-1] == '\n' || c->end[-1] == '\r'))
        c->end--;
    return true;
}

/* Counts the cells of line 1 and finds out whether it is a header. */
static bool first_row(Csv *c, long *columns, bool *header)
{
    bool number = false, text = false;

    *columns = 0;
    do {
        Cell cell;
        double value = 0;

        if (!cell_next(c, &cell))
            return false;
        ++*columns;
        number |= csv_number(cell.text, cell.n, &value) != CSV_NOT_A_NUMBER && !isnan(value);
        text |= cell.n > 0;
    } while (!c->row_ended);
    *header = text && !number;
    return true;
}

/* ---- selected columns ------------------------------------------------------------------------ */

static bool column_add(Csv *c, Columns *columns, long k, DataError *e)
{
    if (columns->place[k] >= 0)
        return data_fail(e, NULL, "%s: column %ld is selected twice", c->name, k);
    columns->place[k] = columns->wanted++;
    return true;
}

static bool column_by_name(Csv *c, Columns *columns, const char *item, size_t n, DataError *e)
{
    long found = -1;

    for (long k = 0; k < columns->all; k++) {
        Cell cell;

        if (!cell_next(c, &cell))
            return false;
        if (cell.n != n || memcmp(cell.text, item, n) != 0)
            continue;
        if (found >= 0)
            return data_fail(e, "select by position: FILE:0-3",
                             "%s:1: columns %ld and %ld are both named `%.*s`", c->name,
                             found, k, (int)n, item);
        found = k;
    }
    if (found < 0)
        return data_fail(e, "select columns by name, by position from 0, or by ranges: x,3,5-9",
                         "%s:1: the header has no column `%.*s`", c->name, (int)n, item);
    return column_add(c, columns, found, e);
}

/* "5" or "5-9"; false if it is neither. */
static bool parse_range(const char *item, size_t n, unsigned long *a, unsigned long *b)
{
    unsigned long v[2] = { 0, 0 };
    int k = 0;
    size_t digits = 0;

    for (size_t i = 0; i < n; i++) {
        if (item[i] == '-' && k == 0 && digits > 0) {
            k = 1;
            digits = 0;
        } else if (item[i] >= '0' && item[i] <= '9' && ++digits < 16) {
            v[k] = v[k] * 10 + (unsigned long)(item[i] - '0');
        } else {
            return false;
        }
    }
    *a = v[0];
    *b = k ? v[1] : v[0];
    return digits > 0;
}

static bool column_is_named(Csv *c, const Columns *columns, const char *name)
{
    const char *line1 = c->at;
    bool found = false;
    Cell cell;

    for (long k = 0; k < columns->all && !found && cell_next(c, &cell); k++)
        found = cell.n == strlen(name) && memcmp(cell.text, name, cell.n) == 0;
    rewind_to(c, line1, 1);
    return found;
}

/* selector: the name of a column, or items separated by commas. The header, if there is one, begins
 * at c->at. */
static bool select_columns(Csv *c, Columns *columns, const char *selector, bool header,
                           DataError *e)
{
    const char *line1 = c->at;
    bool one = header && column_is_named(c, columns, selector);

    for (const char *item = selector;; item++) {
        size_t n = one ? strlen(item) : strcspn(item, ",");
        unsigned long a, b;

        if (!one && parse_range(item, n, &a, &b)) {
            if (a > b || b >= (unsigned long)columns->all)
                return data_fail(e, "positions count from 0; ranges go upwards",
                                 "%s: columns %.*s: the file has columns 0 to %ld", c->name,
                                 (int)n, item, columns->all - 1);
            for (; a <= b; a++)
                if (!column_add(c, columns, (long)a, e))
                    return false;
        } else if (!header) {
            return data_fail(e, "select by position, from 0: FILE:0-3", "%s: no column `%.*s`: the "
                             "file has no header", c->name, (int)n, item);
        } else {
            rewind_to(c, line1, 1);
            if (!column_by_name(c, columns, item, n, e))
                return false;
        }
        item += n;
        if (*item == '\0')
            return true;
    }
}

static bool columns_open(Csv *c, Columns *columns, const char *selector, bool header, DataError *e)
{
    columns->place = malloc(((size_t)columns->all + 1) * sizeof *columns->place);
    if (columns->place == NULL)
        return data_fail(e, NULL, "%s: no memory for %ld columns", c->name, columns->all);
    for (long k = 0; k < columns->all; k++)
        columns->place[k] = selector ? -1 : k;
    columns->wanted = selector ? 0 : columns->all;
    return selector == NULL || select_columns(c, columns, selector, header, e);
}

/* ---- the two passes -------------------------------------------------------------------------- */

static bool cell_refuse(const Csv *c, const Cell *cell, long column, CsvNumber kind)
{
    int n = (int)(cell->n < 40 ? cell->n : 40);

    if (cell->n == 0)
        return data_fail(c->e, "fill it in, write NA, or leave the row out",
                         "%s:%ld: column %ld is empty", c->name, cell->line, column);
    if (kind == CSV_TOO_LARGE)
        return data_fail(c->e, NULL, "%s:%ld: column %ld: %.*s is too large for a double", c->name,
                         cell->line, column, n, cell->text);
    return data_fail(c->e, "numbers are written like 12, -0.5 or 6.02e23, with a point and without "
                     "thousands separators; select columns of numbers with FILE:0-3 or FILE:name",
                     "%s:%ld: column %ld: `%.*s` is not a number", c->name, cell->line, column, n,
                     cell->text);
}

typedef struct Pass {
    const Columns *columns;
    long rows;
    bool bytes;                        /* all values so far are whole and in 0..255 */
    ArrayType type;                    /* of data */
    void *data;                        /* NULL in the first pass */
} Pass;

static void pass_value(Pass *p, long column, double value)
{
    size_t at = (size_t)(p->rows * p->columns->wanted + column);

    if (p->data == NULL)
        p->bytes = p->bytes && value >= 0 && value <= 255 && value == (double)(int)value;
    else if (p->type == ARRAY_U8)
        ((uint8_t *)p->data)[at] = (uint8_t)value;
    else
        ((double *)p->data)[at] = value;
}

static bool pass_row(Csv *c, Pass *p)
{
    long line = c->line, k = 0;

    c->row_ended = false;
    for (; !c->row_ended; k++) {
        Cell cell;
        double value;

        if (!cell_next(c, &cell))
            return false;
        if (k == 0 && c->row_ended && cell.n == 0 && !cell.quoted && p->columns->all > 1)
            return data_fail(c->e, "remove it", "%s:%ld: the line is empty", c->name, line);
        if (k >= p->columns->all || p->columns->place[k] < 0)
            continue;
        bool missing = cell.n == 0 && p->columns->all > 1;
        CsvNumber kind = csv_number(missing ? "NA" : cell.text, missing ? 2 : cell.n, &value);
        if (kind != CSV_NUMBER)
            return cell_refuse(c, &cell, k, kind);
        pass_value(p, p->columns->place[k], value);
    }
    if (k != p->columns->all)
        return data_fail(c->e, "every row needs the same number of cells",
                         "%s:%ld: %ld cells, but line 1 has %ld", c->name, line, k,
                         p->columns->all);
    p->rows++;
    return true;
}

static bool pass_run(Csv *c, Pass *p)
{
    p->rows = 0;
    while (c->at < c->end)
        if (!pass_row(c, p))
            return false;
    return true;
}

/* From the first data row, which begins at `at`. */
static bool fill(Csv *c, const Columns *columns, const char *at, long line, bool shape_only,
                 DgmArray *out, DataError *e)
{
    Pass p = { .columns = columns, .bytes = true };
    size_t bytes;

    rewind_to(c, at, line);
    if (!pass_run(c, &p))
        return false;
    out->type = p.type = p.bytes ? ARRAY_U8 : ARRAY_F64;
    out->rank = columns->wanted == 1 ? 1 : 2;
    out->shape[0] = p.rows;
    out->shape[1] = columns->wanted;
    if (p.rows == 0)
        return data_fail(e, NULL, "%s has a header, but no rows", c->name);
    if (!array_measure(out, c->name, &bytes, e))
        return false;
    if (shape_only)
        return true;
    out->data = p.data = malloc(bytes + 1);
    if (p.data == NULL)
        return data_fail(e, "use a machine with more memory", "%s: no memory for %ld x %ld numbers",
                         c->name, p.rows, columns->wanted);
    rewind_to(c, at, line);
    return pass_run(c, &p);
}

bool csv_read(DataFile *f, const char *selector, bool shape_only, DgmArray *out, DataError *e)
{
    Csv c;
    Columns columns = { 0 };
    bool header;

    if (!open_text(&c, f, e))
        return false;
    const char *line1 = c.at;
    if (!first_row(&c, &columns.all, &header))
        return false;
    const char *line2 = c.at;
    long number2 = c.line;
    rewind_to(&c, line1, 1);
    bool ok = columns_open(&c, &columns, selector, header, e)
        && fill(&c, &columns, header ? line2 : line1, header ? number2 : 1, shape_only, out, e);
    free(columns.place);
    return ok;
}

bool csv_members(const DataFile *f, DataMember add, void *to, bool *named, DataError *e)
{
    Csv c;
    long columns;
    bool header;

    if (!open_text(&c, f, e))
        return false;
    const char *line1 = c.at;
    if (!first_row(&c, &columns, &header))
        return false;
    rewind_to(&c, line1, 1);
    *named = header;
    for (long k = 0; header && k < columns; k++) {
        char name[256];
        Cell cell;

        if (!cell_next(&c, &cell))
            return false;
        snprintf(name, sizeof name, "%.*s", (int)(cell.n < 255 ? cell.n : 255), cell.text);
        if (!add(to, name))
            return false;
    }
    return true;
}
