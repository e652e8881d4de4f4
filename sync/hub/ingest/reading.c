#include "sync/hub/ingest/reading.h"
#include "hal/base/cleanup.h"
#include "hal/base/json_scan.h"
#include "sync/contract/batch.h"

#include <string.h>

static void copy_text(char *to, size_t size, const char *text)
{
    size_t len = strlen(text);
    if (len >= size)
        len = size - 1;
    while (len && ((unsigned char)text[len] & 0xc0) == 0x80)
        len--;
    memcpy(to, text, len);
    to[len] = '\0';
}

void reading_park(struct reading *reading, const char *code, const char *detail)
{
    reading->parked = true;
    copy_text(reading->code, sizeof reading->code, code);
    copy_text(reading->detail, sizeof reading->detail, detail);
}

/* The id of a body that can't be read as an event, if it has one. */
static void claimed_id(struct slice body, struct arena *arena, struct reading *reading)
{
    const struct json_limits limits = {.bytes = BATCH_BYTES_MAX, .depth = EVENT_DEPTH_MAX};
    struct json_scan scan;
    struct json_part part;
    bool found = true;
    if (json_scan_begin(&scan, body, limits, '{', NULL) != ERR_OK)
        return;
    while (json_scan_next(&scan, &part, &found, NULL) == ERR_OK && found) {
        struct slice text;
        if (slice_is(part.key, "id") && json_scan_text(part.value, arena, &text) == ERR_OK)
            reading->has_id = id_parse(text, &reading->id) == ERR_OK;
    }
}

static const char *reason_code(enum err err)
{
    return err == ERR_UNSUPPORTED ? "unknown_type" : "unreadable";
}

/* The centre also tells what happens to a return elsewhere: in a warehouse, at a bank. */
static bool may_tell(enum stream stream, enum event_type type)
{
    enum stream kept = event_type_stream(type);
    return kept == stream || (stream == STREAM_CENTRE && kept == STREAM_RETURNS);
}

void reading_make(struct reading *reading, struct slice body, enum stream stream,
                  struct arena *arena)
{
    struct fault why = {0};
    enum err err = event_read_checked(body, arena, &reading->event, &why);
    if (err) {
        char detail[ACK_DETAIL_MAX] = "";
        struct buf text CLEANUP(buf_free);
        buf_init(&text, sizeof why);
        buf_printf(&text, "%s%s%s", why.where, *why.where ? ": " : "", why.text);
        copy_text(detail, sizeof detail, text.data ? text.data : err_text(err));
        reading_park(reading, reason_code(err), detail);
        claimed_id(body, arena, reading);
        return;
    }
    reading->has_id = true;
    reading->id = reading->event.id;
    bool mended = stream == STREAM_CENTRE && reading->event.has_replaces;
    if (!may_tell(stream, reading->event.type) && !mended)
        reading_park(reading, "wrong_stream", "this type isn't kept in this stream");
}
