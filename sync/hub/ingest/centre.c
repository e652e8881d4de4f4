#include "sync/hub/ingest/centre.h"
#include "hal/base/cleanup.h"
#include "sync/hub/ingest/device.h"
#include "sync/hub/ingest/fact.h"
#include "sync/hub/ingest/inbox.h"
#include "sync/hub/ingest/ingest.sql.h"

#include <stdio.h>
#include <string.h>

static enum err make_log(struct database *db, int64_t now_ms, struct stream_log *log,
                         struct fault *fault)
{
    struct id_source ids;
    id_source_init(&ids, NULL, NULL);
    *log = (struct stream_log){.id = id_next(&ids, now_ms), .stream = STREAM_CENTRE};
    (void)snprintf(log->device, sizeof log->device, "%s", CENTRE_DEVICE);
    enum err err = device_seen(db, CENTRE_DEVICE, now_ms, fault);
    return err ? err : stream_log_insert(db, log, now_ms, fault);
}

static enum err open_log(struct database *db, int64_t now_ms, struct stream_log *log,
                         struct fault *fault)
{
    bool found;
    enum err err = stream_log_centre(db, &found, log, fault);
    return err || found ? err : make_log(db, now_ms, log, fault);
}

static enum err next_sequence(struct database *db, const struct id *correlation, int64_t *sequence,
                              struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_statement(db, INGEST_CENTRE_SEQUENCE, &s, fault);
    if (err)
        return err;
    bind_blob(s, 1, correlation->bytes, ID_BYTES);
    err = database_step(db, s, &row, fault);
    if (err)
        return err;
    *sequence = column_int(s, 0);
    statement_reset(s);
    return ERR_OK;
}

struct id centre_id(const struct id *about, const char *kind, const char *key)
{
    const struct slice parts[] = {{about ? (const char *)about->bytes : "", about ? ID_BYTES : 0},
                                  slice_of(kind),
                                  SLICE_LITERAL("\n"),
                                  slice_of(key)};
    const struct sha256 hash = sha256_of_all(parts, sizeof parts / sizeof *parts);
    struct id id;
    memcpy(id.bytes, hash.bytes, ID_BYTES);
    id.bytes[6] = (uint8_t)(0x80 | (id.bytes[6] & 0x0f));
    id.bytes[8] = (uint8_t)(0x80 | (id.bytes[8] & 0x3f));
    return id;
}

static struct id id_of_key(const struct centre_fact *fact)
{
    return centre_id(&fact->correlation, event_type_name(fact->type), fact->key);
}

static enum err is_recorded(struct database *db, const struct centre_fact *fact, bool *recorded,
                            struct fault *fault)
{
    struct statement *s;
    *recorded = false;
    if (!fact->key)
        return ERR_OK;
    const struct id id = id_of_key(fact);
    enum err err = database_statement(db, INGEST_EVENT_BODY_BY_ID, &s, fault);
    if (err)
        return err;
    bind_blob(s, 1, id.bytes, ID_BYTES);
    err = database_step(db, s, recorded, fault);
    statement_reset(s);
    return err;
}

static enum err write_body(struct database *db, const struct centre_fact *fact, struct buf *body,
                           struct fault *fault)
{
    struct id_source ids;
    char id[ID_TEXT + 1];
    char subject[sizeof "return/" + ID_TEXT];
    id_source_init(&ids, NULL, NULL);
    id_format(&fact->correlation, id);
    (void)snprintf(subject, sizeof subject, "return/%s", id);
    struct event event = {
        .id = fact->key ? id_of_key(fact) : id_next(&ids, fact->now_ms),
        .type = fact->type,
        .source = SLICE_LITERAL("/centre"),
        .subject = slice_of(fact->subject ? fact->subject : subject),
        .time_ms = fact->now_ms,
        .time_trusted = true,
        .correlation = fact->correlation,
        .data = fact->data,
    };
    enum err err =
        fact->unordered ? ERR_OK : next_sequence(db, &fact->correlation, &event.sequence, fault);
    if (err)
        return err;
    event_write(body, &event);
    return buf_check(body, fault, "event");
}

static enum err append(struct database *db, struct stream_log *log, struct slice body,
                       const char *device, int64_t now_ms, int64_t *event_no, struct fault *fault)
{
    const struct fact_place place = {
        .log = log, .seq = log->through + 1, .received_ms = now_ms, .device = device};
    struct fact_memory memory = {0};
    struct fact_stored stored = {0};
    struct statement *s;
    log->hash = chain_next(&log->hash, body);
    log->through++;
    log->backed_up_through = log->through;
    enum err err = fact_store(db, &place, &memory, body, &stored, fault);
    if (!err)
        err = database_statement(db, INGEST_ENTRY_INSERT, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, log->no);
    bind_int(s, 2, log->through);
    bind_int(s, 3, stored.event_no);
    bind_blob(s, 4, log->hash.bytes, SHA256_BYTES);
    err = database_send(db, s, fault);
    if (err)
        return err;
    *event_no = stored.event_no;
    return stream_log_update(db, log, now_ms, fault);
}

static enum err find_device(struct database *db, const struct id *correlation,
                            char device[static DEVICE_ID_MAX + 1], struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_statement(db, INGEST_DEVICE_OF_RETURN, &s, fault);
    if (err)
        return err;
    bind_blob(s, 1, correlation->bytes, ID_BYTES);
    err = database_step(db, s, &row, fault);
    if (err)
        return err;
    struct slice found = row ? column_slice(s, 0) : (struct slice){"", 0};
    (void)snprintf(device, DEVICE_ID_MAX + 1, "%.*s", (int)found.len, found.data);
    statement_reset(s);
    return ERR_OK;
}

enum err centre_store(struct database *db, const struct centre_fact *fact, struct buf *body,
                      int64_t *event_no, struct fault *fault)
{
    struct stream_log log;
    bool recorded;
    *event_no = 0;
    enum err err = is_recorded(db, fact, &recorded, fault);
    if (err || recorded)
        return err;
    err = write_body(db, fact, body, fault);
    if (!err)
        err = open_log(db, fact->now_ms, &log, fault);
    return err ? err : append(db, &log, buf_slice(body), NULL, fact->now_ms, event_no, fault);
}

enum err centre_record(struct database *db, const struct centre_fact *fact,
                       char device[static DEVICE_ID_MAX + 1], struct fault *fault)
{
    struct buf body CLEANUP(buf_free);
    int64_t event_no;
    int64_t number;
    buf_init(&body, EVENT_BODY_MAX);
    *device = '\0';
    enum err err = centre_store(db, fact, &body, &event_no, fault);
    if (err || !event_no)
        return err;
    if (fact->device)
        (void)snprintf(device, DEVICE_ID_MAX + 1, "%s", fact->device);
    else
        err = find_device(db, &fact->correlation, device, fault);
    if (err || !*device)
        return err;
    return inbox_put(db, device, buf_slice(&body), fact->now_ms, &number, fault);
}

enum err centre_knows(struct database *db, const struct centre_fact *fact, bool *known,
                      struct fault *fault)
{
    struct arena arena CLEANUP(arena_free);
    const struct id id = id_of_key(fact);
    struct event event = {.data = {"", 0}};
    struct statement *s;
    bool row;
    arena_init(&arena, EVENT_BODY_MAX);
    enum err err = database_statement(db, INGEST_EVENT_BODY_BY_ID, &s, fault);
    if (err)
        return err;
    bind_blob(s, 1, id.bytes, ID_BYTES);
    err = database_step(db, s, &row, fault);
    if (err)
        return err;
    if (row)
        err = event_read(column_slice(s, 0), &arena, &event, fault);
    bool same = !row || err || slice_equal(event.data, fact->data);
    statement_reset(s);
    if (err || !same)
        return err ? err
                   : fault_set(fault, ERR_CONFLICT, "Idempotency-Key", "was used for another");
    *known = row;
    return ERR_OK;
}

enum err centre_mend(struct database *db, const struct event *event, const char *device,
                     int64_t now_ms, int64_t *event_no, struct fault *fault)
{
    struct buf body CLEANUP(buf_free);
    struct stream_log log;
    buf_init(&body, EVENT_BODY_MAX);
    event_write(&body, event);
    enum err err = buf_check(&body, fault, "event");
    if (!err)
        err = open_log(db, now_ms, &log, fault);
    return err ? err : append(db, &log, buf_slice(&body), device, now_ms, event_no, fault);
}

enum { STORE_DEVICES_MAX = 16 };

enum err centre_tell_store(struct database *db, const char *store, struct slice body,
                           int64_t now_ms, centre_told *told, void *context, struct fault *fault)
{
    char devices[STORE_DEVICES_MAX][DEVICE_ID_MAX + 1];
    size_t count = 0;
    struct statement *s;
    bool row = true;
    int64_t number;
    enum err err = database_statement(db, INGEST_STORE_DEVICES, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, store);
    while (count < STORE_DEVICES_MAX && (err = database_step(db, s, &row, fault)) == ERR_OK &&
           row) {
        struct slice found = column_slice(s, 0);
        (void)snprintf(devices[count++], DEVICE_ID_MAX + 1, "%.*s", (int)found.len, found.data);
    }
    statement_reset(s);
    for (size_t i = 0; !err && i < count; i++) {
        err = inbox_put(db, devices[i], body, now_ms, &number, fault);
        if (!err)
            told(context, devices[i]);
    }
    return err;
}
