#include "sync/contract/batch.h"
#include "hal/base/json_scan.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { NUMBER_TEXT = 24 };

/* --- Header ---------------------------------------------------------------------------------- */

static void put_id(batch_put *put, void *context, const char *name, const struct id *id)
{
    char text[ID_TEXT + 1];
    id_format(id, text);
    put(context, name, text);
}

static void put_number(batch_put *put, void *context, const char *name, int64_t number)
{
    char text[NUMBER_TEXT];
    (void)snprintf(text, sizeof text, "%" PRId64, number);
    put(context, name, text);
}

static void put_hash(batch_put *put, void *context, const char *name, const struct sha256 *hash)
{
    char text[SHA256_TEXT + 1];
    sha256_format(hash, text);
    put(context, name, text);
}

void batch_header_write(const struct batch_header *header, batch_put *put, void *context)
{
    put_id(put, context, "log_id", &header->log);
    put(context, "stream", stream_name(header->stream));
    put_number(put, context, "first", header->first);
    put_number(put, context, "last", header->last);
    put_hash(put, context, "prev", &header->prev);
    put_hash(put, context, "hash", &header->hash);
    if (!header->has_parent)
        return;
    put_id(put, context, "parent_log", &header->parent.log);
    put_number(put, context, "parent_seq", header->parent.seq);
    put_hash(put, context, "parent_hash", &header->parent.hash);
}

/*
 * Reads the properties one by one; after the first that is wrong, `err` is set and nothing more is
 * read.
 */
struct source {
    batch_get *get;
    void *context;
    struct fault *fault;
    enum err err;
};

/* The property's text; NULL after any failure. */
static const char *property(struct source *s, const char *name)
{
    if (s->err)
        return NULL;
    const char *text = s->get(s->context, name);
    if (!text)
        s->err = fault_set(s->fault, ERR_INVALID, name, "is missing");
    return text;
}

static void get_id(struct source *s, const char *name, struct id *id)
{
    const char *text = property(s, name);
    if (text && id_parse(slice_of(text), id) != ERR_OK)
        s->err = fault_set(s->fault, ERR_INVALID, name, "must be a UUID");
}

static void get_number(struct source *s, const char *name, int64_t min, int64_t *number)
{
    const char *text = property(s, name);
    if (text && (json_scan_int(slice_of(text), number) != ERR_OK || *number < min))
        s->err =
            fault_set(s->fault, ERR_INVALID, name, "must be a whole number from %" PRId64, min);
}

static void get_hash(struct source *s, const char *name, struct sha256 *hash)
{
    const char *text = property(s, name);
    if (text && sha256_parse(slice_of(text), hash) != ERR_OK)
        s->err = fault_set(s->fault, ERR_INVALID, name, "must be a SHA-256 in hexadecimal");
}

static void get_stream(struct source *s, enum stream *stream)
{
    const char *text = property(s, "stream");
    if (text && (stream_find(slice_of(text), stream) != ERR_OK || *stream == STREAM_CENTRE))
        s->err = fault_set(s->fault, ERR_INVALID, "stream", "must be one of: returns, sales");
}

enum err batch_header_read(struct batch_header *header, batch_get *get, void *context,
                           struct fault *fault)
{
    struct source s = {get, context, fault, ERR_OK};
    struct batch_header read = {0};
    get_id(&s, "log_id", &read.log);
    get_stream(&s, &read.stream);
    get_number(&s, "first", 1, &read.first);
    get_number(&s, "last", 1, &read.last);
    get_hash(&s, "prev", &read.prev);
    get_hash(&s, "hash", &read.hash);
    read.has_parent = get(context, "parent_log") != NULL;
    if (read.has_parent) {
        get_id(&s, "parent_log", &read.parent.log);
        get_number(&s, "parent_seq", 0, &read.parent.seq);
        get_hash(&s, "parent_hash", &read.parent.hash);
    }
    if (s.err)
        return s.err;
    if (read.last < read.first || read.last - read.first >= BATCH_EVENTS_MAX)
        return fault_set(fault, ERR_INVALID, "last", "must be at most %d events from first",
                         BATCH_EVENTS_MAX);
    *header = read;
    return ERR_OK;
}

/* --- Body ------------------------------------------------------------------------------------ */

void batch_begin(struct buf *out)
{
    buf_append_char(out, '[');
}

void batch_add(struct buf *out, struct slice body)
{
    assert(out->failed || out->len > 0);
    if (!out->failed && out->data[out->len - 1] != '[')
        buf_append_char(out, ',');
    buf_append(out, body.data, body.len);
}

void batch_end(struct buf *out)
{
    buf_append_char(out, ']');
}

enum err batch_cut(struct slice text, struct slice *bodies, size_t max, size_t *count,
                   struct fault *fault)
{
    const struct json_limits limits = {.bytes = BATCH_BYTES_MAX, .depth = EVENT_DEPTH_MAX + 1};
    struct json_scan scan;
    struct json_part part;
    bool found = true;
    size_t n = 0;
    enum err err = json_scan_begin(&scan, text, limits, '[', fault);
    while (!err && (err = json_scan_next(&scan, &part, &found, fault)) == ERR_OK && found) {
        if (n == max)
            return fault_set(fault, ERR_TOO_LARGE, "", "more than %zu events", max);
        if (part.value.data[0] != '{')
            return fault_set(fault, ERR_INVALID, "", "event %zu of the batch is no object", n);
        bodies[n++] = part.value;
    }
    if (err)
        return err;
    *count = n;
    return ERR_OK;
}

enum err batch_verify(const struct batch_header *header, const struct slice *bodies, size_t count,
                      struct sha256 *hashes, struct fault *fault)
{
    if ((int64_t)count != header->last - header->first + 1)
        return fault_set(fault, ERR_INVALID, "last", "%zu events aren't first to last", count);
    if (header->first == 1) {
        const struct chain_parent *parent = header->has_parent ? &header->parent : NULL;
        struct sha256 origin = chain_origin(&header->log, parent);
        if (!sha256_equal(&origin, &header->prev))
            return fault_set(fault, ERR_INVALID, "prev", "is not the origin of this log");
    }
    struct sha256 hash = header->prev;
    for (size_t i = 0; i < count; i++) {
        hash = chain_next(&hash, bodies[i]);
        if (hashes)
            hashes[i] = hash;
    }
    if (!sha256_equal(&hash, &header->hash))
        return fault_set(fault, ERR_INVALID, "hash", "is not where these events lead from prev");
    return ERR_OK;
}
