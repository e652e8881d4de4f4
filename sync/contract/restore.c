#include "sync/contract/restore.h"
#include "hal/base/cleanup.h"
#include "hal/base/jsonw.h"
#include "sync/contract/compression.h"

#include <stddef.h>
#include <string.h>

enum { DEPTH_MAX = 4, ENCODINGS_MAX = 16, ARENA_MAX = 64 * 1024 };

#define SEQ_MAX (INT64_C(1) << 40)

struct ask_text {
    const char *log;
    int64_t first;
    const char **encodings;
    size_t encoding_count;
};

static const struct json_field ask_fields[] = {
    {.name = "log_id",
     .kind = JSON_TEXT,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct ask_text, log),
     .max = ID_TEXT},
    {.name = "first",
     .kind = JSON_INT,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct ask_text, first),
     .min = 1,
     .max = SEQ_MAX},
    {.name = "accept_encoding",
     .kind = JSON_TEXTS,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct ask_text, encodings),
     .max = ENCODINGS_MAX,
     .count_offset = offsetof(struct ask_text, encoding_count)},
};

static const struct json_table ask_table = {
    .fields = ask_fields,
    .count = sizeof ask_fields / sizeof *ask_fields,
    .item_size = sizeof(struct ask_text),
    .allow_unknown = true,
};

void restore_ask_write(struct buf *out, const struct restore_ask *ask)
{
    char log[ID_TEXT + 1];
    struct jsonw w = jsonw_to(out);
    jsonw_object(&w, NULL);
    if (ask->has_log) {
        id_format(&ask->log, log);
        jsonw_text(&w, "log_id", log);
        jsonw_int(&w, "first", ask->first);
    }
    if (ask->reads_compressed) {
        jsonw_array(&w, "accept_encoding");
        jsonw_text(&w, NULL, COMPRESSION_NAME);
        jsonw_end(&w);
    }
    jsonw_end(&w);
}

enum err restore_ask_read(struct slice text, struct restore_ask *ask, struct fault *fault)
{
    const struct json_limits limits = {.bytes = RESTORE_BYTES_MAX, .depth = DEPTH_MAX};
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct arena arena CLEANUP(arena_free);
    struct ask_text read = {0};
    struct restore_ask made = {0};
    arena_init(&arena, ARENA_MAX);
    enum err err = json_parse(text, limits, &doc, fault);
    if (!err)
        err = json_read(doc, &ask_table, &read, &arena, fault);
    if (err)
        return err;
    made.has_log = read.log != NULL;
    made.first = read.first;
    for (size_t i = 0; i < read.encoding_count; i++)
        made.reads_compressed |= strcmp(read.encodings[i], COMPRESSION_NAME) == 0;
    if (made.has_log && (id_parse(slice_of(read.log), &made.log) != ERR_OK || !read.first))
        return fault_set(fault, ERR_INVALID, "log_id", "must be a UUID, and first must be there");
    *ask = made;
    return ERR_OK;
}

/* --- The list -------------------------------------------------------------------------------- */

struct log_text {
    const char *log;
    const char *stream;
    int64_t through;
};

struct logs_text {
    struct log_text *logs;
    size_t count;
};

static const struct json_field log_fields[] = {
    {.name = "log_id", .kind = JSON_TEXT, .offset = offsetof(struct log_text, log), .max = ID_TEXT},
    {.name = "stream", .kind = JSON_TEXT, .offset = offsetof(struct log_text, stream), .max = 16},
    {.name = "through",
     .kind = JSON_INT,
     .offset = offsetof(struct log_text, through),
     .max = SEQ_MAX},
};

static const struct json_table log_table = {
    .fields = log_fields,
    .count = sizeof log_fields / sizeof *log_fields,
    .item_size = sizeof(struct log_text),
    .allow_unknown = true,
};

static const struct json_field logs_fields[] = {
    {.name = "logs",
     .kind = JSON_LIST,
     .offset = offsetof(struct logs_text, logs),
     .max = RESTORE_LOGS_MAX,
     .items = &log_table,
     .count_offset = offsetof(struct logs_text, count)},
};

static const struct json_table logs_table = {
    .fields = logs_fields,
    .count = sizeof logs_fields / sizeof *logs_fields,
    .item_size = sizeof(struct logs_text),
    .allow_unknown = true,
};

void restore_logs_write(struct buf *out, const struct restore_logs *logs)
{
    struct jsonw w = jsonw_to(out);
    jsonw_object(&w, NULL);
    jsonw_array(&w, "logs");
    for (size_t i = 0; i < logs->count; i++) {
        char log[ID_TEXT + 1];
        id_format(&logs->list[i].id, log);
        jsonw_object(&w, NULL);
        jsonw_text(&w, "log_id", log);
        jsonw_text(&w, "stream", stream_name(logs->list[i].stream));
        jsonw_int(&w, "through", logs->list[i].through);
        jsonw_end(&w);
    }
    jsonw_end(&w);
    jsonw_end(&w);
}

static enum err take_log(const struct log_text *text, struct restore_log *log, struct fault *fault)
{
    log->through = text->through;
    if (id_parse(slice_of(text->log), &log->id) != ERR_OK)
        return fault_set(fault, ERR_INVALID, "log_id", "must be a UUID");
    if (stream_find(slice_of(text->stream), &log->stream) != ERR_OK || log->stream == STREAM_CENTRE)
        return fault_set(fault, ERR_INVALID, "stream", "must be returns or sales");
    return ERR_OK;
}

enum err restore_logs_read(struct slice text, struct restore_logs *logs, struct fault *fault)
{
    const struct json_limits limits = {.bytes = RESTORE_BYTES_MAX, .depth = DEPTH_MAX};
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct arena arena CLEANUP(arena_free);
    struct logs_text read = {0};
    struct restore_logs made = {.count = 0};
    arena_init(&arena, ARENA_MAX);
    enum err err = json_parse(text, limits, &doc, fault);
    if (!err)
        err = json_read(doc, &logs_table, &read, &arena, fault);
    for (size_t i = 0; !err && i < read.count; i++)
        err = take_log(&read.logs[i], &made.list[made.count++], fault);
    if (!err)
        *logs = made;
    return err;
}
