#include "sync/hub/ingest/reread.h"
#include "hal/base/cleanup.h"
#include "sync/hub/ingest/fact.h"
#include "sync/hub/ingest/ingest.sql.h"

#include <string.h>

enum { ARENA_MAX = 64 * 1024 };

struct parked_body {
    struct buf body;
    char device[DEVICE_ID_MAX + 1];
    enum stream stream;
};

static enum err load_parked(struct database *db, int64_t event_no, struct parked_body *parked,
                            struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_find(db, INGEST_EVENT_PARKED, event_no, &s, &row, fault);
    if (err)
        return err;
    if (!row)
        return fault_set(fault, ERR_NOT_FOUND, "event", "there is no such event");
    struct slice body = column_slice(s, 0);
    struct slice device = column_slice(s, 1);
    buf_append(&parked->body, body.data, body.len);
    if (device.len <= DEVICE_ID_MAX)
        memcpy(parked->device, device.data, device.len);
    err = stream_find(column_slice(s, 2), &parked->stream);
    statement_reset(s);
    return err ? fault_set(fault, ERR_REFUSED, "event", "its log is of an unknown stream")
               : buf_check(&parked->body, fault, "event");
}

static enum err update_event(struct database *db, int64_t event_no, const struct event *event,
                             struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_EVENT_REREAD, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, event_no);
    bind_blob(s, 2, event->id.bytes, ID_BYTES);
    bind_text(s, 3, event_type_name(event->type));
    if (event->subject.len)
        bind_slice(s, 4, event->subject);
    bind_blob(s, 5, event->correlation.bytes, ID_BYTES);
    bind_int(s, 6, event->sequence);
    bind_int(s, 7, event->time_ms);
    err = database_run(db, s, fault);
    if (!err && database_changes(db) == 0)
        return fault_set(fault, ERR_REFUSED, "id", "another event with this id is here");
    return err;
}

enum err reread_event(struct database *db, int64_t event_no, struct fault *fault)
{
    struct arena arena CLEANUP(arena_free);
    struct parked_body parked = {.device = ""};
    struct reading reading = {0};
    arena_init(&arena, ARENA_MAX);
    buf_init(&parked.body, EVENT_BODY_MAX);
    enum err err = load_parked(db, event_no, &parked, fault);
    if (!err) {
        reading_make(&reading, buf_slice(&parked.body), parked.stream, &arena);
        err = reading.parked ? fault_set(fault, ERR_REFUSED, reading.code, "%s", reading.detail)
                             : update_event(db, event_no, &reading.event, fault);
    }
    if (!err && reading.event.type == EVENT_RETURN_CREATED)
        err = fact_index_return(db, parked.device, &reading, event_no, fault);
    buf_free(&parked.body);
    return err;
}
