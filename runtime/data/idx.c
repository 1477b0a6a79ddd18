/* idx.c - reads the IDX format of the MNIST files.
 *
 * Two zero bytes, the type, the number of axes, the axes as big-endian 32-bit numbers, the values
 * in C order, big-endian. The file must end exactly where the array ends.
 */
#include "data/read.h"

static bool type_of(uint8_t code, ArrayType *type)
{
    static const struct { uint8_t code; ArrayType type; } codes[] = {
        { 0x08, ARRAY_U8 },  { 0x09, ARRAY_I8 },  { 0x0B, ARRAY_I16 },
        { 0x0C, ARRAY_I32 }, { 0x0D, ARRAY_F32 }, { 0x0E, ARRAY_F64 },
    };

    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        if (codes[i].code == code) {
            *type = codes[i].type;
            return true;
        }
    return false;
}

bool idx_match(const uint8_t *head, size_t n)
{
    ArrayType type;

    return n >= 4 && head[0] == 0 && head[1] == 0 && type_of(head[2], &type);
}

static bool header(const char *name, const uint8_t *head, size_t n, DgmArray *a, size_t *offset,
                   size_t *bytes, DataError *e)
{
    if (n < 4)
        return data_fail(e, "copy or download it again",
                         "%s: an IDX file of %zu bytes has no header", name, n);
    if (head[0] != 0 || head[1] != 0 || !type_of(head[2], &a->type))
        return data_fail(e, "an IDX file begins with 00 00, then 08, 09, 0b, 0c, 0d or 0e",
                         "%s: %02x %02x %02x %02x is not the start of an IDX file", name, head[0],
                         head[1], head[2], head[3]);
    a->rank = head[3];
    if (a->rank < 1 || a->rank > ARRAY_MAX_RANK)
        return data_fail(e, NULL, "%s: byte 3 says %d axes; 1 to %d can be read", name, a->rank,
                         ARRAY_MAX_RANK);
    *offset = 4 + 4 * (size_t)a->rank;
    if (n < *offset)
        return data_fail(e, "copy or download it again",
                         "%s was cut off: its header ends at byte %zu, the file at byte %zu", name,
                         *offset, n);
    for (int i = 0; i < a->rank; i++) {
        const uint8_t *b = head + 4 + 4 * i;

        a->shape[i] = (long)((uint32_t)b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3]);
    }
    return array_measure(a, name, bytes, e);
}

bool idx_promised(const uint8_t *head, size_t n, size_t *total)
{
    DgmArray a = { 0 };
    DataError e;
    size_t offset, bytes;

    if (!header("", head, n, &a, &offset, &bytes, &e))
        return false;
    *total = offset + bytes;
    return true;
}

bool idx_read(DataFile *f, const char *selector, bool shape_only, DgmArray *out, DataError *e)
{
    size_t offset, bytes;

    if (!array_no_selector(f, selector, e)
        || !header(f->name, f->bytes, f->n, out, &offset, &bytes, e))
        return false;
    return (shape_only && !f->whole) || array_take(out, f, offset, bytes, true, e);
}
