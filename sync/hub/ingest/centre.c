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

/* --- What is there --------------------------------------------------------------------------- */

enum {
    FACTS_AT_ONCE = 16, /* as many as centre_facts asks for */
    ARENA_MAX = 64 * 1024
};

/* A fact on its way into the log. */
struct recording {
    const struct centre_fact *fact;
    struct buf body;
    int64_t sequence;   /* of the centre's next event of this return */
    int64_t inbox_next; /* of the device; 0: not known, -1: its message is counted */
    int64_t event_no;   /* 0: nothing was stored */
    int64_t seq;        /* in the log, with the chain there */
    struct sha256 hash;
    struct id id;
    char device[DEVICE_ID_MAX + 1];
    bool recorded; /* it was before */
};

/* The centre's log while facts are appended to it. */
struct session {
    struct stream_log log;
    struct fact_memory memory;
    bool moved;
};

static void begin_recording(const struct centre_fact *fact, struct id_source *ids,
                            struct recording *recording)
{
    *recording = (struct recording){.fact = fact};
    buf_init(&recording->body, EVENT_BODY_MAX);
    recording->id = fact->key ? id_of_key(fact) : id_next(ids, fact->now_ms);
}

static void read_recording(struct statement *s, struct recording *recording)
{
    struct slice device = column_slice(s, column_is_null(s, 14) ? 16 : 14);
    recording->recorded = column_int(s, 12) > 0;
    recording->sequence = column_int(s, 13) + 1;
    if (recording->fact->device)
        device = slice_of(recording->fact->device);
    else
        recording->inbox_next = column_int(s, 15);
    (void)snprintf(recording->device, sizeof recording->device, "%.*s", (int)device.len,
                   device.data);
}

/* What the first row says of the log, which goes on from there. */
static enum err read_session(struct statement *s, struct session *session, struct fault *fault)
{
    if (session->log.no || column_is_null(s, 0))
        return ERR_OK;
    session->memory.last_no = column_int(s, 11);
    return stream_log_read_centre(s, &session->log, fault);
}

static enum err look_up(struct database *db, struct session *session, struct recording *recordings,
                        size_t count, struct fault *fault)
{
    struct statement *s;
    bool row = true;
    enum err err =
        database_statement(db, count == 1 ? INGEST_CENTRE_FACT : INGEST_CENTRE_FACTS, &s, fault);
    if (err)
        return err;
    for (size_t i = 0; i < count; i++) {
        if (recordings[i].fact->key)
            bind_blob(s, (int)i * 2 + 1, recordings[i].id.bytes, ID_BYTES);
        bind_blob(s, (int)i * 2 + 2, recordings[i].fact->correlation.bytes, ID_BYTES);
    }
    for (size_t i = 0; !err && i < count; i++) {
        err = database_step(db, s, &row, fault);
        if (!err && row) {
            err = read_session(s, session, fault);
            read_recording(s, &recordings[i]);
        }
    }
    statement_reset(s);
    return err;
}

enum err centre_ask(struct database *db, const struct centre_fact *fact, struct fault *fault)
{
    const struct id id = id_of_key(fact);
    struct statement *s;
    if (!database_asks(db))
        return ERR_OK;
    enum err err = database_statement(db, INGEST_CENTRE_FACT, &s, fault);
    if (err)
        return err;
    bind_blob(s, 1, id.bytes, ID_BYTES);
    bind_blob(s, 2, fact->correlation.bytes, ID_BYTES);
    return database_ask(db, s, fault);
}

/* --- Recording ------------------------------------------------------------------------------- */

static enum err write_body(struct recording *recording, struct fault *fault)
{
    const struct centre_fact *fact = recording->fact;
    char id[ID_TEXT + 1];
    char subject[sizeof "return/" + ID_TEXT];
    id_format(&fact->correlation, id);
    (void)snprintf(subject, sizeof subject, "return/%s", id);
    const struct event event = {
        .id = recording->id,
        .type = fact->type,
        .source = SLICE_LITERAL("/centre"),
        .subject = slice_of(fact->subject ? fact->subject : subject),
        .time_ms = fact->now_ms,
        .time_trusted = true,
        .correlation = fact->correlation,
        .sequence = fact->unordered ? 0 : recording->sequence,
        .data = fact->data,
    };
    event_write(&recording->body, &event);
    return buf_check(&recording->body, fault, "event");
}

/* `device`: whose event it is; NULL: the centre's own. */
static enum err store(struct database *db, struct session *session, struct recording *recording,
                      const char *device, int64_t now_ms, struct fault *fault)
{
    struct stream_log *log = &session->log;
    struct slice body = buf_slice(&recording->body);
    const struct fact_place place = {
        .log = log, .seq = log->through + 1, .received_ms = now_ms, .device = device};
    struct fact_stored stored = {0};
    struct reading reading = {0};
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, ARENA_MAX);
    log->hash = chain_next(&log->hash, body);
    log->through++;
    log->backed_up_through = log->through;
    session->moved = true;
    recording->seq = log->through;
    recording->hash = log->hash;
    reading_make(&reading, body, log->stream, &arena);
    enum err err = fact_store(db, &place, &session->memory, &reading, &stored, fault);
    if (!err && stored.created)
        err =
            fact_index_return(db, device ? device : log->device, &reading, stored.event_no, fault);
    if (!err)
        recording->event_no = stored.event_no;
    return err;
}

static enum err insert_entry(struct database *db, const struct session *session,
                             const struct recording *recording, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_ENTRY_INSERT, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, session->log.no);
    bind_int(s, 2, recording->seq);
    bind_int(s, 3, recording->event_no);
    bind_blob(s, 4, recording->hash.bytes, SHA256_BYTES);
    return database_send_row(db, s, fault);
}

static enum err end_session(struct database *db, const struct session *session, int64_t now_ms,
                            struct fault *fault)
{
    return session->moved ? stream_log_update(db, &session->log, now_ms, fault) : ERR_OK;
}

/*
 * Facts further on in the list: one with the same id is recorded already, and one of the same
 * return comes after this one in its sequence.
 */
static void tell_others(const struct recording *recording, struct recording *others, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct centre_fact *other = others[i].fact;
        if (id_equal(&others[i].id, &recording->id))
            others[i].recorded = true;
        if (!recording->fact->unordered &&
            id_equal(&other->correlation, &recording->fact->correlation))
            others[i].sequence++;
    }
}

/* Each step for all facts before the next: a server then takes the rows of a table together. */
static enum err store_all(struct database *db, struct session *session,
                          struct recording *recordings, size_t count, struct fault *fault)
{
    enum err err = look_up(db, session, recordings, count, fault);
    for (size_t i = 0; !err && i < count; i++) {
        struct recording *recording = &recordings[i];
        if (recording->recorded)
            continue;
        if (!session->log.no)
            err = open_log(db, recording->fact->now_ms, &session->log, fault);
        if (!err)
            err = write_body(recording, fault);
        session->memory.unseen = true;
        if (!err)
            err = store(db, session, recording, NULL, recording->fact->now_ms, fault);
        tell_others(recording, recording + 1, count - i - 1);
    }
    for (size_t i = 0; !err && i < count; i++)
        if (recordings[i].event_no)
            err = insert_entry(db, session, &recordings[i], fault);
    return err;
}

enum err centre_store(struct database *db, const struct centre_fact *fact, struct buf *body,
                      int64_t *event_no, struct fault *fault)
{
    struct session session = {.moved = false};
    struct recording recording;
    struct id_source ids;
    id_source_init(&ids, NULL, NULL);
    begin_recording(fact, &ids, &recording);
    enum err err = store_all(db, &session, &recording, 1, fault);
    if (!err)
        err = end_session(db, &session, fact->now_ms, fault);
    *event_no = recording.event_no;
    buf_append(body, recording.body.data, recording.body.len);
    buf_free(&recording.body);
    return err ? err : buf_check(body, fault, "event");
}

/* --- Telling --------------------------------------------------------------------------------- */

static bool goes_to(const struct recording *recording, const char *device)
{
    return recording->event_no && recording->inbox_next > 0 &&
           strcmp(recording->device, device) == 0;
}

/* Counts what the first of them put, and all others of the same device. */
static enum err count_messages(struct database *db, struct recording *recordings, size_t count,
                               struct fault *fault)
{
    struct recording *first = &recordings[0];
    int64_t messages = 0;
    for (size_t i = 0; i < count; i++) {
        if (!goes_to(&recordings[i], first->device))
            continue;
        messages++;
        if (i > 0)
            recordings[i].inbox_next = -1;
    }
    return inbox_count_on(db, first->device, messages, fault);
}

static enum err put_message(struct database *db, struct recording *recordings, size_t count,
                            struct fault *fault)
{
    const struct recording *first = &recordings[0];
    for (size_t i = 1; i < count; i++)
        if (goes_to(&recordings[i], first->device))
            recordings[i].inbox_next++;
    return inbox_put_at(db, first->device, first->inbox_next, buf_slice(&first->body),
                        first->fact->now_ms, fault);
}

static enum err tell_all(struct database *db, struct recording *recordings, size_t count,
                         struct fault *fault)
{
    enum err err = ERR_OK;
    for (size_t i = 0; !err && i < count; i++)
        if (recordings[i].event_no && recordings[i].inbox_next > 0)
            err = put_message(db, &recordings[i], count - i, fault);
    for (size_t i = 0; !err && i < count; i++) {
        struct recording *recording = &recordings[i];
        if (recording->event_no && recording->inbox_next > 0)
            err = count_messages(db, recording, count - i, fault);
        else if (recording->event_no && recording->inbox_next == 0 && *recording->device)
            err = inbox_add(db, recording->device, buf_slice(&recording->body),
                            recording->fact->now_ms, fault);
    }
    return err;
}

/* Of up to FACTS_AT_ONCE. */
static enum err record_some(struct database *db, struct session *session,
                            const struct centre_fact *facts, size_t count,
                            char (*devices)[DEVICE_ID_MAX + 1], struct fault *fault)
{
    struct recording recordings[FACTS_AT_ONCE];
    struct id_source ids;
    id_source_init(&ids, NULL, NULL);
    for (size_t i = 0; i < count; i++)
        begin_recording(&facts[i], &ids, &recordings[i]);
    enum err err = store_all(db, session, recordings, count, fault);
    if (!err)
        err = tell_all(db, recordings, count, fault);
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(devices[i], sizeof devices[i], "%s",
                       recordings[i].event_no ? recordings[i].device : "");
        buf_free(&recordings[i].body);
    }
    return err;
}

enum err centre_record_all(struct database *db, const struct centre_fact *facts, size_t count,
                           char (*devices)[DEVICE_ID_MAX + 1], struct fault *fault)
{
    struct session session = {.moved = false};
    enum err err = ERR_OK;
    for (size_t done = 0; !err && done < count; done += FACTS_AT_ONCE) {
        size_t some = count - done < FACTS_AT_ONCE ? count - done : FACTS_AT_ONCE;
        err = record_some(db, &session, facts + done, some, devices + done, fault);
    }
    return err || !count ? err : end_session(db, &session, facts[count - 1].now_ms, fault);
}

enum err centre_record(struct database *db, const struct centre_fact *fact,
                       char device[static DEVICE_ID_MAX + 1], struct fault *fault)
{
    char devices[1][DEVICE_ID_MAX + 1] = {""};
    enum err err = centre_record_all(db, fact, 1, devices, fault);
    memcpy(device, devices[0], sizeof devices[0]);
    return err;
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
    struct session session = {.moved = false};
    struct recording recording = {.recorded = false};
    buf_init(&recording.body, EVENT_BODY_MAX);
    event_write(&recording.body, event);
    enum err err = buf_check(&recording.body, fault, "event");
    if (!err)
        err = open_log(db, now_ms, &session.log, fault);
    if (!err)
        err = store(db, &session, &recording, device, now_ms, fault);
    if (!err)
        err = insert_entry(db, &session, &recording, fault);
    if (!err)
        err = end_session(db, &session, now_ms, fault);
    if (!err)
        *event_no = recording.event_no;
    buf_free(&recording.body);
    return err;
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
