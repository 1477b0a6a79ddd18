/* npz.c - reads one array of an .npz file: a zip of .npy files.
 *
 * The head of the member is expanded first: what its npy header promises must be the size that the
 * zip directory states, before anything larger is expanded.
 */
#include "data/read.h"

#include <stdio.h>
#include <stdlib.h>

static bool read_member(const DataFile *zip, const ZipMember *m, bool shape_only, DgmArray *out,
                        DataError *e)
{
    DataFile npy = { 0 };
    char name[512];
    size_t promised;

    snprintf(name, sizeof name, "%.240s:%s", zip->name, m->name);
    npy.name = name;
    if (!zip_expand(zip, m, DATA_HEAD, &npy, e))
        return false;
    bool known = npy_promised(npy.bytes, npy.n, &promised), ok = true;
    if (known && promised != m->size) {
        ok = data_fail(e, "save it again with numpy.savez",
                       "%s: the array needs %zu bytes, but the zip directory says %zu", name,
                       promised, m->size);
    } else if (known && !npy.whole && !shape_only) {
        free(npy.bytes);
        ok = zip_expand(zip, m, m->size, &npy, e);
    }
    ok = ok && npy_read(&npy, NULL, shape_only, out, e);
    free(npy.bytes);
    return ok;
}

bool npz_read(DataFile *f, const char *selector, bool shape_only, DgmArray *out, DataError *e)
{
    ZipMember m;

    if (!zip_find(f, selector, &m, e))
        return false;
    bool ok = read_member(f, &m, shape_only, out, e);
    free(m.name);
    return ok;
}
