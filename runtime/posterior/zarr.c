/* zarr.c - a directory of arrays in the zarr format, version 2, as ArviZ and xarray read it.
 *
 *     posterior.zarr/.zgroup .zmetadata           all metadata again in one file ("consolidated")
 *         posterior/.zgroup .zattrs
 *             theta/.zarray .zattrs 0.0.0         one chunk, in the byte order of the machine
 *             theta_dim_0/ chain/ draw/           coordinates: 0, 1, 2 ..
 * Everything is written to PATH.tmp, which takes the place of PATH at the end; where a file cannot
 * be written, PATH stays as it was. Specification: zarr-specs.readthedocs.io, "Zarr storage
 * specification version 2".
 */
#define _XOPEN_SOURCE 700               /* nftw */
#include "posterior/zarr.h"
#include "data/read.h"

#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct Zarr {
    char *path, *temporary;
    json_t *metadata;                  /* by key: "posterior/theta/.zarray" */
    bool failed;                       /* then nothing more is written */
    DataError error;
};

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

static void remove_tree(const char *path)
{
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void fail_at(Zarr *z, const char *doing, const char *path)
{
    if (z->failed)
        return;
    z->failed = true;
    data_error(&z->error, errno == ENOSPC ? "free some space, or choose another directory" : "",
               "cannot %s %s: %s", doing, path, strerror(errno));
}

static char *key_join(const char *a, const char *b)
{
    return a[0] != '\0' ? path_join(a, b) : text_copy(b);
}

/* ---- files ----------------------------------------------------------------------------------- */

static void write_bytes(Zarr *z, const char *key, const void *bytes, size_t n)
{
    char *path = path_join(z->temporary, key);

    if (!z->failed) {
        Output *out = output_open(path);

        output_write(out, bytes, n);
        z->failed = !output_finish_try(out, &z->error);
    }
    free(path);
}

/* folder/name, and in the consolidated metadata; takes value. */
static void write_meta(Zarr *z, const char *folder, const char *name, json_t *value)
{
    char *key = key_join(folder, name), *text = json_dumps(value, JSON_INDENT(4));

    if (text == NULL)
        dgm_fail(DGM_EXIT_INTERNAL, NULL, "no memory");
    write_bytes(z, key, text, strlen(text));
    json_object_set_new(z->metadata, key, value);
    free(text);
    free(key);
}

static void make_folder(Zarr *z, const char *key)
{
    char *path = path_join(z->temporary, key);

    if (!z->failed && mkdir(path, 0777) != 0)
        fail_at(z, "make the directory", path);
    free(path);
}

static bool has(const Zarr *z, const char *folder, const char *name)
{
    char *key = key_join(folder, name);
    bool found = json_object_get(z->metadata, key) != NULL;

    free(key);
    return found;
}

/* ---- arrays ---------------------------------------------------------------------------------- */

/* One chunk that holds all of x, as 64-bit numbers. */
static void write_chunk(Zarr *z, const char *folder, int rank, bool whole, long count,
                        const double *x)
{
    char name[4 * DGM_MAX_RANK + 8] = "0";
    int64_t *integers = dgm_alloc((size_t)(count + 1) * sizeof *integers);

    for (int i = 1; i < rank; i++)
        strcat(name, ".0");
    for (long k = 0; k < count && whole; k++)
        integers[k] = (int64_t)x[k];
    char *key = path_join(folder, name);
    write_bytes(z, key, whole ? (const void *)integers : x, (size_t)count * 8);
    free(key);
    free(integers);
}

/* An array with named dimensions. */
static void write_array(Zarr *z, const char *group, const char *name, int rank, const long *axis,
                        json_t *dimensions, bool whole, const double *x)
{
    char *folder = path_join(group, name);
    char type[4] = { __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? '>' : '<', whole ? 'i' : 'f', '8' };
    json_t *shape = json_array(), *chunks = json_array();
    long count = 1;

    for (int i = 0; i < rank; i++) {
        count *= axis[i];
        json_array_append_new(shape, json_integer(axis[i]));
        json_array_append_new(chunks, json_integer(axis[i] > 0 ? axis[i] : 1));
    }
    make_folder(z, folder);
    write_meta(z, folder, ".zarray",
               json_pack("{s:i, s:o, s:o, s:s, s:n, s:n, s:s, s:n}", "zarr_format", 2, "shape",
                         shape, "chunks", chunks, "dtype", type, "compressor", "fill_value",
                         "order", "C", "filters"));
    write_meta(z, folder, ".zattrs", json_pack("{s:o}", "_ARRAY_DIMENSIONS", dimensions));
    if (count > 0)
        write_chunk(z, folder, rank, whole, count, x);
    free(folder);
}

/* The coordinate of a dimension: 0, 1, .. n - 1. */
static void write_coordinate(Zarr *z, const char *group, const char *name, long n)
{
    double *x = dgm_alloc((size_t)(n + 1) * sizeof *x);
    char *folder = path_join(group, name);

    for (long k = 0; k < n; k++)
        x[k] = (double)k;
    if (!has(z, folder, ".zarray"))
        write_array(z, group, name, 1, &n, json_pack("[s]", name), true, x);
    free(folder);
    free(x);
}

static void need_group(Zarr *z, const char *group)
{
    if (has(z, group, ".zgroup"))
        return;
    if (group[0] != '\0')
        make_folder(z, group);
    write_meta(z, group, ".zgroup", json_pack("{s:i}", "zarr_format", 2));
    write_meta(z, group, ".zattrs", group[0] == '\0' ? json_object()
               : json_pack("{s:s, s:s}", "inference_library", "dgmc", "inference_library_version",
                           DGM_VERSION));
}

/* lead: axes before those of the shape; their names are in dimensions already. */
static void put(Zarr *z, const char *group, const char *name, Shape shape, int lead,
                const long *before, json_t *dimensions, DgmElem elem, const double *x)
{
    long axis[DGM_MAX_RANK + 3];

    for (int i = 0; i < lead; i++)
        axis[i] = before[i];
    for (int i = 0; i < shape.rank; i++) {
        char dimension[300];

        snprintf(dimension, sizeof dimension, "%s_dim_%d", name, i);
        write_coordinate(z, group, dimension, shape.axis[i]);
        json_array_append_new(dimensions, json_string(dimension));
        axis[lead + i] = shape.axis[i];
    }
    write_array(z, group, name, lead + shape.rank, axis, dimensions, elem != DGM_ELEM_REAL, x);
}

/* ---- the calls ------------------------------------------------------------------------------- */

Zarr *zarr_open(const char *path)
{
    Zarr *z = dgm_alloc(sizeof *z);

    z->path = text_copy(path);
    z->temporary = dgm_alloc(strlen(path) + 5);
    sprintf(z->temporary, "%s.tmp", path);
    z->metadata = json_object();
    remove_tree(z->temporary);
    make_folder(z, "");
    need_group(z, "");
    return z;
}

void zarr_draws(Zarr *z, const char *group, const Quantity *q, long M)
{
    need_group(z, group);
    write_coordinate(z, group, "chain", 1);
    write_coordinate(z, group, "draw", M);
    bool taken = strcmp(q->name, "chain") == 0 || strcmp(q->name, "draw") == 0;
    char *name = dgm_alloc(strlen(q->name) + 2);
    sprintf(name, "%s%s", q->name, taken ? "_" : "");
    put(z, group, name, q->shape, 2, (const long[]){1, M}, json_pack("[s, s]", "chain", "draw"),
        q->elem, q->draws);
    free(name);
}

void zarr_values(Zarr *z, const char *group, const char *name, Shape shape, DgmElem elem,
                 const double *x)
{
    need_group(z, group);
    put(z, group, name, shape, 0, NULL, json_array(), elem, x);
}

/* PATH.tmp in the place of PATH; what was there is kept until then. */
static void replace(Zarr *z)
{
    char *old = dgm_alloc(strlen(z->path) + 5);

    sprintf(old, "%s.old", z->path);
    remove_tree(old);
    bool kept = rename(z->path, old) == 0;
    if (rename(z->temporary, z->path) != 0) {
        fail_at(z, "rename to", z->path);
        if (kept)
            rename(old, z->path);
    } else {
        remove_tree(old);
    }
    free(old);
}

void zarr_close(Zarr *z)
{
    json_t *all = json_pack("{s:i, s:O}", "zarr_consolidated_format", 1, "metadata", z->metadata);
    char *text = json_dumps(all, JSON_INDENT(4));

    if (text == NULL)
        dgm_fail(DGM_EXIT_INTERNAL, NULL, "no memory");
    write_bytes(z, ".zmetadata", text, strlen(text));
    if (!z->failed)
        replace(z);
    if (z->failed) {
        remove_tree(z->temporary);
        dgm_fail(DGM_EXIT_IO, z->error.help[0] ? z->error.help : NULL, "%s", z->error.text);
    }
    json_decref(all);
    json_decref(z->metadata);
    free(text);
    free(z->path);
    free(z->temporary);
    free(z);
}
