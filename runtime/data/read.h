/* read.h - what the readers share: bytes of a file, the table of formats, failing with a reason.
 *
 * Internal to array.c, npy.c, npz.c, zip.c, idx.c, csv.c, gz.c. None of it knows models or exits.
 */
#ifndef DGM_DATA_READ_H
#define DGM_DATA_READ_H

#include "data/array.h"

#define DATA_HEAD 65536                /* bytes that are enough for any npy or IDX header */

/* A file in memory. A reader may keep `bytes` as an array's data: it then sets it to NULL here. */
typedef struct DataFile {
    const char *name;                  /* for messages */
    uint8_t *bytes;                    /* malloc'd */
    size_t n;
    bool whole;                        /* false: only the first n bytes were read */
    long width;                        /* shorter rows are padded to it by NaN; 0: none may be */
} DataFile;

/* Takes the name of a member; false: stop. */
typedef bool (*DataMember)(void *to, const char *name);

typedef struct DataFormat {
    const char *name;
    const char *endings;               /* of file names; for formats without magic */
    bool (*match)(const uint8_t *head, size_t n);   /* by magic; NULL: by ending only */
    /* Size of the whole file by its header; false if the head does not tell. NULL: never tells. */
    bool (*promised)(const uint8_t *head, size_t n, size_t *total);
    bool (*read)(DataFile *f, const char *selector, bool shape_only, DgmArray *out, DataError *e);
    /* Names that a selector may give, in order; *named: not one array. NULL: cannot tell. */
    bool (*members)(const DataFile *f, DataMember add, void *to, bool *named, DataError *e);
} DataFormat;

/* Writes the message (control characters become '?'). help may be NULL. data_fail is false. */
void data_error(DataError *e, const char *help, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
#define data_fail(...) (data_error(__VA_ARGS__), false)

/* array.c */
uint64_t data_hash(const void *bytes, size_t n, uint64_t seed);     /* XXH3, 64 bits */
/* Checks rank and shape, sets count and *bytes; place names where the shape stands. */
bool array_measure(DgmArray *a, const char *name, size_t *bytes, DataError *e);
/* Makes a's data of the `bytes` bytes at `offset` of f, in place: takes f's memory. */
bool array_take(DgmArray *a, DataFile *f, size_t offset, size_t bytes, bool big_endian,
                DataError *e);
bool array_no_selector(const DataFile *f, const char *selector, DataError *e);

/* gz.c */
bool gz_match(const uint8_t *head, size_t n);
/* Inflates at most `limit` bytes of in[n] into *out (malloc'd, grown as output really arrives).
 * raw: a deflate stream without header, as in zip; else gzip, any number of members.
 * *ended: false if the limit came first. */
bool gz_inflate(const char *name, const uint8_t *in, size_t n, bool raw, size_t limit,
                uint8_t **out, size_t *out_n, bool *ended, DataError *e);
/* Most bytes that n compressed bytes may become. */
size_t gz_cap(size_t n);

/* zip.c */
typedef struct ZipMember {
    char *name;                        /* "train.npy"; malloc'd */
    const uint8_t *data;               /* inside the zip file */
    size_t stored, size;               /* bytes there, and expanded */
    uint32_t crc;
    bool deflated;
} ZipMember;
bool zip_match(const uint8_t *head, size_t n);
/* Checks the directory and finds a member: `wanted`, or `wanted`.npy; NULL: the only one. */
bool zip_find(const DataFile *zip, const char *wanted, ZipMember *out, DataError *e);
/* Expands the first `limit` bytes, or all of it: then size and CRC are checked too. */
bool zip_expand(const DataFile *zip, const ZipMember *m, size_t limit, DataFile *out,
                DataError *e);

/* npy.c, npz.c, idx.c, csv.c, json.c: rows of the table */
bool npy_match(const uint8_t *head, size_t n);
bool npy_promised(const uint8_t *head, size_t n, size_t *total);
bool npy_read(DataFile *f, const char *selector, bool shape_only, DgmArray *out, DataError *e);
bool npz_read(DataFile *f, const char *selector, bool shape_only, DgmArray *out, DataError *e);
bool idx_match(const uint8_t *head, size_t n);
bool idx_promised(const uint8_t *head, size_t n, size_t *total);
bool idx_read(DataFile *f, const char *selector, bool shape_only, DgmArray *out, DataError *e);
bool csv_read(DataFile *f, const char *selector, bool shape_only, DgmArray *out, DataError *e);
bool csv_members(const DataFile *f, DataMember add, void *to, bool *named, DataError *e);
bool json_match(const uint8_t *head, size_t n);
bool json_read(DataFile *f, const char *selector, bool shape_only, DgmArray *out, DataError *e);
bool json_members(const DataFile *f, DataMember add, void *to, bool *named, DataError *e);

#endif
