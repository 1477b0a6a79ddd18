/* checkpoint.c - writes and strictly reads safetensors files with checksums.
 *
 * Layout: u64 N, N bytes of JSON padded with spaces to a multiple of 8, then the tensors without
 * gaps in header order. "checksum:NAME" in __metadata__ is XXH3 of a tensor's bytes; "checksum" is
 * XXH3 of every name, type, shape and text of the header in order. The reader accepts exactly what
 * the writer can write, so that any changed bit is found.
 */
#include "train/checkpoint.h"
#include "data/read.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEADER_MAX ((size_t)16 << 20)
#define META "__metadata__"

static const struct { const char *name; size_t bytes; } types[] = {
    [TENSOR_F32] = { "F32", 4 }, [TENSOR_F64] = { "F64", 8 },
};

long tensor_count(const Tensor *t)
{
    long count = 1;

    for (int i = 0; i < t->rank; i++)
        count *= t->shape[i];
    return count;
}

static size_t tensor_bytes(const Tensor *t)
{
    return (size_t)tensor_count(t) * types[t->type].bytes;
}

static void hash_text(char text[17], uint64_t hash)
{
    snprintf(text, 17, "%016llx", (unsigned long long)hash);
}

/* The header's own checksum: a chain over its parts, independent of how JSON is laid out. */
static void header_hash(const Tensor *tensors, int n_tensors, const CheckpointText *texts,
                        int n_texts, char text[17])
{
    uint64_t hash = 0;

    for (int i = 0; i < n_tensors; i++) {
        const Tensor *t = &tensors[i];
        int64_t numbers[2 + DGM_MAX_RANK] = { (int64_t)t->type, t->rank };

        for (int k = 0; k < t->rank; k++)
            numbers[2 + k] = t->shape[k];
        hash = data_hash(t->name, strlen(t->name) + 1, hash);
        hash = data_hash(numbers, (size_t)(2 + t->rank) * sizeof *numbers, hash);
    }
    for (int i = 0; i < n_texts; i++) {
        hash = data_hash(texts[i].key, strlen(texts[i].key) + 1, hash);
        hash = data_hash(texts[i].value, strlen(texts[i].value) + 1, hash);
    }
    hash_text(text, hash);
}

/* ---- writing --------------------------------------------------------------------------------- */

static json_t *metadata_json(const Tensor *tensors, int n_tensors, const CheckpointText *texts,
                             int n_texts)
{
    json_t *meta = json_object();
    char hash[17], key[512];

    for (int i = 0; i < n_texts; i++)
        json_object_set_new(meta, texts[i].key, json_string(texts[i].value));
    for (int i = 0; i < n_tensors; i++) {
        snprintf(key, sizeof key, "checksum:%s", tensors[i].name);
        hash_text(hash, data_hash(tensors[i].data, tensor_bytes(&tensors[i]), 0));
        json_object_set_new(meta, key, json_string(hash));
    }
    header_hash(tensors, n_tensors, texts, n_texts, hash);
    json_object_set_new(meta, "checksum", json_string(hash));
    return meta;
}

static json_t *tensor_json(const Tensor *t, size_t begin)
{
    json_t *shape = json_array();

    for (int i = 0; i < t->rank; i++)
        json_array_append_new(shape, json_integer(t->shape[i]));
    return json_pack("{s:s, s:o, s:[I,I]}", "dtype", types[t->type].name, "shape", shape,
                     "data_offsets", (json_int_t)begin, (json_int_t)(begin + tensor_bytes(t)));
}

/* The header's JSON, padded to a multiple of 8. NULL: a name or text is no UTF-8, or too much. */
static char *header_json(const Tensor *tensors, int n_tensors, const CheckpointText *texts,
                         int n_texts, size_t *n)
{
    json_t *root = json_object();
    size_t at = 0;

    json_object_set_new(root, META, metadata_json(tensors, n_tensors, texts, n_texts));
    for (int i = 0; i < n_tensors; i++) {
        json_object_set_new(root, tensors[i].name, tensor_json(&tensors[i], at));
        at += tensor_bytes(&tensors[i]);
    }
    bool complete = json_object_size(root) == (size_t)n_tensors + 1
        && json_object_size(json_object_get(root, META)) == (size_t)(n_tensors + n_texts) + 1;
    size_t length = complete ? json_dumpb(root, NULL, 0, JSON_COMPACT) : 0;
    char *text = NULL;
    *n = (length + 7) / 8 * 8;
    if (length > 0 && *n <= HEADER_MAX) {
        text = dgm_alloc(*n + 1);
        memset(text, ' ', *n);
        json_dumpb(root, text, length, JSON_COMPACT);
    }
    json_decref(root);
    return text;
}

bool checkpoint_write_try(const char *path, const Tensor *tensors, int n_tensors,
                          const CheckpointText *texts, int n_texts, DataError *e)
{
    size_t n;
    uint8_t length[8];
    char *header = header_json(tensors, n_tensors, texts, n_texts, &n);

    if (header == NULL)
        return data_fail(e, NULL, "cannot write %s: two names are equal or not UTF-8, or the "
                         "header exceeds %zu bytes", path, HEADER_MAX);
    Output *o = output_open(path);
    for (int i = 0; i < 8; i++)
        length[i] = (uint8_t)((uint64_t)n >> (8 * i));
    output_write(o, length, sizeof length);
    output_write(o, header, n);
    for (int i = 0; i < n_tensors; i++)
        output_write(o, tensors[i].data, tensor_bytes(&tensors[i]));
    free(header);
    return output_finish_try(o, e);
}

void checkpoint_write(const char *path, const Tensor *tensors, int n_tensors,
                      const CheckpointText *texts, int n_texts)
{
    DataError e;

    if (!checkpoint_write_try(path, tensors, n_tensors, texts, n_texts, &e))
        dgm_fail(DGM_EXIT_IO, e.help[0] ? e.help : NULL, "%s", e.text);
}

/* ---- reading --------------------------------------------------------------------------------- */

typedef struct Reading {
    Checkpoint *c;
    const uint8_t *buffer;             /* behind the header */
    size_t n;                          /* bytes of the buffer */
    size_t at;                         /* where the next tensor must begin */
    DataError *e;
} Reading;

static bool bad(const Reading *r, const char *name, const char *what)
{
    return data_fail(r->e, "use another checkpoint of the run, or train again", "%s: %s%s%s",
                     r->c->path, name ? name : "", name ? ": " : "", what);
}

static bool read_shape(const Reading *r, Tensor *t, const json_t *shape)
{
    long span = (long)types[t->type].bytes;

    if (!json_is_array(shape) || json_array_size(shape) > DGM_MAX_RANK)
        return bad(r, t->name, "the shape is not a list of at most 8 sizes");
    t->rank = (int)json_array_size(shape);
    for (int i = 0; i < t->rank; i++) {
        const json_t *size = json_array_get(shape, (size_t)i);

        if (!json_is_integer(size) || json_integer_value(size) < 0)
            return bad(r, t->name, "a size in the shape is not a whole number >= 0");
        t->shape[i] = (long)json_integer_value(size);
        if (__builtin_mul_overflow(span, t->shape[i] ? t->shape[i] : 1, &span))
            return bad(r, t->name, "the shape is larger than memory can hold");
    }
    return true;
}

static bool read_offsets(Reading *r, Tensor *t, const json_t *offsets)
{
    const json_t *begin = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);

    if (json_array_size(offsets) != 2 || !json_is_integer(begin) || !json_is_integer(end))
        return bad(r, t->name, "data_offsets is not a pair of whole numbers");
    if (json_integer_value(begin) < 0 || (size_t)json_integer_value(begin) != r->at)
        return bad(r, t->name, "the data do not begin where the tensor before ends (a hole or an "
                   "overlap)");
    if (json_integer_value(end) < 0 || (size_t)json_integer_value(end) > r->n)
        return bad(r, t->name, "the data go beyond the end of the file: it was cut off");
    if ((size_t)json_integer_value(end) - r->at != tensor_bytes(t)
        || json_integer_value(end) < json_integer_value(begin))
        return bad(r, t->name, "the number of bytes does not fit the shape");
    t->data = (void *)(r->buffer + r->at);
    r->at = (size_t)json_integer_value(end);
    return true;
}

static bool read_tensor(Reading *r, const char *name, const json_t *json)
{
    Tensor *t = &r->c->tensors[r->c->n_tensors++];
    const char *dtype = json_string_value(json_object_get(json, "dtype"));

    t->name = name;
    if (!json_is_object(json) || json_object_size(json) != 3 || dtype == NULL)
        return bad(r, name, "expected exactly dtype, shape and data_offsets");
    if (strcmp(dtype, "F32") != 0 && strcmp(dtype, "F64") != 0)
        return bad(r, name, "the dtype is neither F32 nor F64");
    t->type = strcmp(dtype, "F32") == 0 ? TENSOR_F32 : TENSOR_F64;
    return read_shape(r, t, json_object_get(json, "shape"))
        && read_offsets(r, t, json_object_get(json, "data_offsets"));
}

/* Collects the caller's texts; the checksums are verified, not kept. */
static bool read_metadata(Reading *r, json_t *meta, const char **checksum)
{
    const char *key;
    json_t *value;

    if (!json_is_object(meta))
        return bad(r, NULL, "the header has no " META);
    *checksum = NULL;
    r->c->texts = dgm_alloc((json_object_size(meta) + 1) * sizeof *r->c->texts);
    json_object_foreach(meta, key, value) {
        if (!json_is_string(value))
            return bad(r, key, "a text in " META " is not a string");
        if (strcmp(key, "checksum") == 0)
            *checksum = json_string_value(value);
        else if (strncmp(key, "checksum:", 9) != 0)
            r->c->texts[r->c->n_texts++] = (CheckpointText){ key, json_string_value(value) };
    }
    return *checksum != NULL || bad(r, NULL, "the checksum is missing: another program wrote it");
}

static bool verify(const Reading *r, const json_t *meta, const char *checksum)
{
    const Checkpoint *c = r->c;
    char hash[17], key[512];

    header_hash(c->tensors, c->n_tensors, c->texts, c->n_texts, hash);
    if (strcmp(hash, checksum) != 0)
        return bad(r, NULL, "the header was changed or damaged (checksum)");
    if (json_object_size(meta) != (size_t)(c->n_tensors + c->n_texts) + 1)
        return bad(r, NULL, "a checksum belongs to no tensor");
    for (int i = 0; i < c->n_tensors; i++) {
        const Tensor *t = &c->tensors[i];

        snprintf(key, sizeof key, "checksum:%s", t->name);
        const char *stated = json_string_value(json_object_get(meta, key));
        hash_text(hash, data_hash(t->data, tensor_bytes(t), 0));
        if (stated == NULL || strcmp(hash, stated) != 0)
            return bad(r, t->name, "the values were changed or damaged (checksum)");
    }
    return true;
}

static bool read_entries(Reading *r, json_t *root)
{
    json_t *meta = json_object_get(root, META), *value;
    const char *key, *checksum = NULL;

    r->c->tensors = dgm_alloc((json_object_size(root) + 1) * sizeof *r->c->tensors);
    if (!read_metadata(r, meta, &checksum))
        return false;
    json_object_foreach(root, key, value)
        if (value != meta && !read_tensor(r, key, value))
            return false;
    if (r->at != r->n)
        return bad(r, NULL, "bytes follow the last tensor");
    return verify(r, meta, checksum);
}

/* The header: its length, its JSON, spaces. */
static bool read_header(Reading *r, const uint8_t *bytes, size_t n)
{
    uint64_t length = 0;
    json_error_t why;

    for (int i = 7; i >= 0 && n >= 8; i--)
        length = length << 8 | bytes[i];
    if (n < 8 || length > n - 8)
        return bad(r, NULL, "the file ends inside its header: it was cut off");
    if (length > HEADER_MAX)
        return bad(r, NULL, "the header is larger than 16 MB");
    const char *text = (const char *)bytes + 8;
    size_t end = (size_t)length;
    while (end > 0 && text[end - 1] == ' ')
        end--;
    if (end == 0 || text[0] != '{' || text[end - 1] != '}')
        return bad(r, NULL, "the header is not a JSON object: not a checkpoint");
    r->c->json = json_loadb(text, end, JSON_REJECT_DUPLICATES, &why);
    if (!json_is_object((json_t *)r->c->json)) {
        char what[256];

        snprintf(what, sizeof what, "the header is not valid JSON: %.160s", why.text);
        return bad(r, NULL, what);
    }
    r->buffer = bytes + 8 + length;
    r->n = n - 8 - (size_t)length;
    return true;
}

/* Takes bytes, which must be malloc'd. */
static Checkpoint *parse(const char *name, void *bytes, size_t n, DataError *e)
{
    Checkpoint *c = dgm_alloc(sizeof *c);
    Reading r = { .c = c, .e = e };

    c->bytes = bytes;
    c->path = dgm_alloc(strlen(name) + 1);
    strcpy(c->path, name);
    if (read_header(&r, bytes, n) && read_entries(&r, c->json))
        return c;
    checkpoint_free(c);
    return NULL;
}

Checkpoint *checkpoint_read_memory(const char *name, const void *bytes, size_t n, DataError *e)
{
    void *copy = dgm_alloc(n + 1);

    if (n > 0)
        memcpy(copy, bytes, n);
    return parse(name, copy, n, e);
}

static void *read_whole(int fd, const char *path, size_t n, DataError *e)
{
    char *bytes = malloc(n + 1);
    size_t done = 0;

    while (bytes != NULL && done < n) {
        ssize_t got = read(fd, bytes + done, n - done);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            data_error(e, NULL, "cannot read %s: %s", path, got < 0 ? strerror(errno)
                                                                   : "it became shorter");
            free(bytes);
            return NULL;
        }
        done += (size_t)got;
    }
    if (bytes == NULL)
        data_error(e, "use a machine with more memory", "%s: no memory for its %zu bytes", path, n);
    return bytes;
}

Checkpoint *checkpoint_read_try(const char *path, DataError *e)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0) {
        data_error(e, "check the name", "cannot open %s: %s", path, strerror(errno));
        return NULL;
    }
    void *bytes = NULL;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        data_error(e, NULL, "%s is not a regular file", path);
    else
        bytes = read_whole(fd, path, (size_t)st.st_size, e);
    close(fd);
    return bytes != NULL ? parse(path, bytes, (size_t)st.st_size, e) : NULL;
}

Checkpoint *checkpoint_read(const char *path)
{
    DataError e;
    Checkpoint *c = checkpoint_read_try(path, &e);

    if (c == NULL)
        dgm_fail(DGM_EXIT_CHECKPOINT, e.help[0] ? e.help : NULL, "%s", e.text);
    return c;
}

void checkpoint_free(Checkpoint *c)
{
    if (c == NULL)
        return;
    json_decref(c->json);
    free(c->tensors);
    free(c->texts);
    free(c->bytes);
    free(c->path);
    free(c);
}

/* ---- looking up ------------------------------------------------------------------------------ */

const char *checkpoint_text(const Checkpoint *c, const char *key)
{
    for (int i = 0; i < c->n_texts; i++)
        if (strcmp(c->texts[i].key, key) == 0)
            return c->texts[i].value;
    return NULL;
}

const Tensor *checkpoint_tensor(const Checkpoint *c, const char *name)
{
    for (int i = 0; i < c->n_tensors; i++)
        if (strcmp(c->tensors[i].name, name) == 0)
            return &c->tensors[i];
    return NULL;
}

static void shape_text(int rank, const long *shape, char *buffer, size_t size)
{
    DgmArray a = { .rank = rank };

    memcpy(a.shape, shape, (size_t)rank * sizeof *shape);
    array_shape_text(&a, buffer, size);
}

bool checkpoint_fetch_try(const Checkpoint *c, const char *name, TensorType type, int rank,
                          const long *shape, void *dst, DataError *e)
{
    const Tensor *t = checkpoint_tensor(c, name);
    char have[256], want[256];

    if (t == NULL)
        return data_fail(e, "it belongs to another model", "%s has no tensor %s", c->path, name);
    if (t->type != type)
        return data_fail(e, "compile the model with the --precision of the run",
                         "%s: tensor %s is %s, but the trainer computes in %s", c->path, name,
                         types[t->type].name, types[type].name);
    if (t->rank != rank || (rank && memcmp(t->shape, shape, (size_t)rank * sizeof *shape))) {
        shape_text(t->rank, t->shape, have, sizeof have);
        shape_text(rank, shape, want, sizeof want);
        return data_fail(e, "compile the model with the sizes of the run",
                         "%s: tensor %s has shape %s, but the model declares %s", c->path, name,
                         have, want);
    }
    memcpy(dst, t->data, tensor_bytes(t));
    return true;
}

void checkpoint_fetch(const Checkpoint *c, const char *name, TensorType type, int rank,
                      const long *shape, void *dst)
{
    DataError e;

    if (!checkpoint_fetch_try(c, name, type, rank, shape, dst, &e))
        dgm_fail(DGM_EXIT_CHECKPOINT, e.help[0] ? e.help : NULL, "%s", e.text);
}
