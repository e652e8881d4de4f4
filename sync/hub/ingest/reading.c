#include "sync/hub/ingest/reading.h"
#include "hal/base/json_scan.h"
#include "sync/contract/ack.h"
#include "sync/contract/batch.h"

#include <stdio.h>

enum { TEXT_MAX = 200 }; /* that people look for */

void reading_park(struct reading *reading, const char *code, const char *detail)
{
    reading->parked = true;
    reading->code = code;
    reading->detail = detail;
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

/* The fault as a text that an acknowledgement has room for, cut between two characters. */
static const char *detail_of(enum err err, const struct fault *why, struct arena *arena)
{
    char text[FAULT_WHERE_MAX + FAULT_TEXT_MAX + 2];
    (void)snprintf(text, sizeof text, "%s%s%s", why->where, *why->where ? ": " : "", why->text);
    struct slice detail = slice_of(text);
    if (detail.len >= ACK_DETAIL_MAX) {
        detail.len = ACK_DETAIL_MAX - 1;
        while (detail.len && ((unsigned char)text[detail.len] & 0xc0) == 0x80)
            detail.len--;
    }
    const char *kept = arena_slice_text(arena, detail);
    return kept ? kept : err_text(err);
}

static struct slice short_text(struct slice value, struct arena *arena)
{
    struct slice text;
    if (!value.data || json_scan_text(value, arena, &text) != ERR_OK || text.len > TEXT_MAX)
        return (struct slice){"", 0};
    return text;
}

/* They stand near the beginning; what follows is most of the event. */
static void read_names(struct reading *reading, struct arena *arena)
{
    struct json_scan scan = {0};
    struct json_part part;
    bool found = true;
    enum err err = json_scan_begin(&scan, reading->event.data, JSON_LIMITS_CHECKED, '{', NULL);
    while (!err && !(reading->number.len && reading->receipt.len) &&
           (err = json_scan_next(&scan, &part, &found, NULL)) == ERR_OK && found) {
        if (slice_is(part.key, "number"))
            reading->number = short_text(part.value, arena);
        else if (slice_is(part.key, "receipt"))
            reading->receipt = short_text(part.value, arena);
    }
}

void reading_make(struct reading *reading, struct slice body, enum stream stream,
                  struct arena *arena)
{
    struct fault why = {0};
    reading->body = body;
    reading->hash = sha256_of(body);
    enum err err = event_read_checked(body, arena, &reading->event, &why);
    if (err) {
        reading_park(reading, reason_code(err), detail_of(err, &why, arena));
        claimed_id(body, arena, reading);
        return;
    }
    reading->has_id = true;
    reading->id = reading->event.id;
    bool mended = stream == STREAM_CENTRE && reading->event.has_replaces;
    if (!may_tell(stream, reading->event.type) && !mended)
        reading_park(reading, "wrong_stream", "this type isn't kept in this stream");
    else if (reading->event.type == EVENT_RETURN_CREATED)
        read_names(reading, arena);
}
