#include "sync/hub/ingest/fact.h"
#include "sync/hub/ingest/ingest.sql.h"
#include "sync/hub/ingest/log_exception.h"
#include "sync/hub/ingest/restore.h"

#include <string.h>

/*
 * "/store/<store>/device/<device>"; what was captured before enrolment says "unenrolled", and what
 * an appliance's disk held when it got another identity names the one before.
 */
static enum err names_itself(struct database *db, struct slice source, const char *device,
                             bool *itself, struct fault *fault)
{
    static const char mark[] = "/device/";
    const char *at = memmem(source.data, source.len, mark, sizeof mark - 1);
    *itself = false;
    if (!at)
        return ERR_OK;
    at += sizeof mark - 1;
    struct slice name = {at, (size_t)(source.data + source.len - at)};
    *itself = slice_is(name, device) || slice_is(name, "unenrolled");
    return *itself ? ERR_OK : restore_is_successor(db, device, name, itself, fault);
}

static enum err bind_of_another(struct database *db, const char *device,
                                const struct id *correlation, struct statement **ready,
                                struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_EVENT_OF_ANOTHER, &s, fault);
    if (err)
        return err;
    bind_blob(s, 1, correlation->bytes, ID_BYTES);
    bind_text(s, 2, device);
    *ready = s;
    return ERR_OK;
}

/* A device speaks for itself and of its own sales and returns; anything else is parked. */
static enum err check_owner(struct database *db, const char *device, struct fact_memory *memory,
                            struct reading *reading, struct fault *fault)
{
    bool itself;
    enum err err = names_itself(db, reading->event.source, device, &itself, fault);
    if (err)
        return err;
    if (!itself) {
        reading_park(reading, "wrong_source",
                     "the event names another device than the one that sent it");
        return ERR_OK;
    }
    if (id_equal(&memory->owned, &reading->event.correlation))
        return ERR_OK;
    struct statement *s;
    bool row;
    err = bind_of_another(db, device, &reading->event.correlation, &s, fault);
    if (err)
        return err;
    err = database_step(db, s, &row, fault);
    if (err)
        return err;
    statement_reset(s);
    if (row)
        reading_park(reading, "wrong_source", "another device captured what this event is about");
    else
        memory->owned = reading->event.correlation;
    return ERR_OK;
}

static void bind_reading(struct statement *s, const struct reading *reading)
{
    const struct event *event = &reading->event;
    bind_blob(s, 1, reading->id.bytes, ID_BYTES);
    bind_text(s, 5, event_type_name(event->type));
    if (event->subject.len)
        bind_slice(s, 6, event->subject);
    bind_blob(s, 7, event->correlation.bytes, ID_BYTES);
    bind_int(s, 8, event->sequence);
    bind_int(s, 9, event->time_ms);
}

static const char *device_of(const struct fact_place *place)
{
    return place->device ? place->device : place->log->device;
}

static enum err find_last(struct database *db, struct fact_memory *memory, struct fault *fault)
{
    struct statement *s;
    bool row;
    if (memory->last_no)
        return ERR_OK;
    enum err err = database_first(db, INGEST_EVENT_LAST, &s, &row, fault);
    if (err)
        return err;
    memory->last_no = column_int(s, 0);
    statement_reset(s);
    return ERR_OK;
}

static enum err bind_event(struct database *db, size_t statement, const struct fact_place *place,
                           const struct reading *reading, int64_t event_no,
                           struct statement **ready, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, statement, &s, fault);
    if (err)
        return err;
    if (!reading->parked)
        bind_reading(s, reading);
    bind_text(s, 2, device_of(place));
    bind_int(s, 3, place->log->no);
    bind_int(s, 4, place->seq);
    bind_int(s, 10, place->received_ms);
    bind_blob(s, 11, reading->hash.bytes, SHA256_BYTES);
    bind_blob(s, 12, reading->body.data, reading->body.len);
    bind_int(s, 13, event_no);
    *ready = s;
    return ERR_OK;
}

/* *event_no is 0 when an event of that id was there before. */
static enum err insert_event(struct database *db, const struct fact_place *place,
                             struct fact_memory *memory, const struct reading *reading,
                             int64_t *event_no, struct fault *fault)
{
    struct statement *s;
    bool sure = memory->unseen && !reading->parked;
    enum err err = find_last(db, memory, fault);
    if (!err)
        err = bind_event(db, INGEST_EVENT_INSERT, place, reading, memory->last_no + 1, &s, fault);
    if (!err)
        err = sure ? database_send_row(db, s, fault) : database_run(db, s, fault);
    if (err)
        return err;
    *event_no = sure || database_changes(db) ? ++memory->last_no : 0;
    return ERR_OK;
}

static enum err take_found(struct database *db, struct statement *s, int64_t *event_no,
                           struct sha256 *body_hash, struct fault *fault)
{
    bool row;
    enum err err = database_step(db, s, &row, fault);
    if (err)
        return err;
    if (row) {
        *event_no = column_int(s, 0);
        err = column_bytes(s, 1, body_hash->bytes, SHA256_BYTES);
    }
    statement_reset(s);
    if (err || !row)
        return fault_set(fault, ERR_CORRUPT, "event", "an event that is there can't be found");
    return ERR_OK;
}

static enum err bind_by_id(struct database *db, const struct id *id, struct statement **ready,
                           struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_EVENT_BY_ID, &s, fault);
    if (err)
        return err;
    bind_blob(s, 1, id->bytes, ID_BYTES);
    *ready = s;
    return ERR_OK;
}

static enum err find_by_id(struct database *db, const struct id *id, int64_t *event_no,
                           struct sha256 *body_hash, struct fault *fault)
{
    struct statement *s;
    enum err err = bind_by_id(db, id, &s, fault);
    return err ? err : take_found(db, s, event_no, body_hash, fault);
}

static enum err find_nameless(struct database *db, const char *device,
                              const struct sha256 *body_hash, int64_t *event_no,
                              struct fault *fault)
{
    struct statement *s;
    struct sha256 same;
    enum err err = database_statement(db, INGEST_EVENT_NAMELESS, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, device);
    bind_blob(s, 2, body_hash->bytes, SHA256_BYTES);
    return take_found(db, s, event_no, &same, fault);
}

static enum err insert_parked(struct database *db, const struct fact_place *place, int64_t event_no,
                              const struct reading *reading, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_PARKED_INSERT, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, place->log->no);
    bind_int(s, 2, place->seq);
    bind_int(s, 3, event_no);
    if (reading->has_id)
        bind_blob(s, 4, reading->id.bytes, ID_BYTES);
    bind_text(s, 5, reading->code);
    bind_text(s, 6, reading->detail);
    bind_int(s, 7, place->received_ms);
    return database_send(db, s, fault);
}

enum err fact_index_return(struct database *db, const char *device, const struct reading *reading,
                           int64_t event_no, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_RETURN_INSERT, &s, fault);
    if (err)
        return err;
    bind_blob(s, 1, reading->event.correlation.bytes, ID_BYTES);
    bind_int(s, 2, event_no);
    bind_text(s, 3, device);
    if (reading->number.len)
        bind_slice(s, 4, reading->number);
    if (reading->receipt.len)
        bind_slice(s, 5, reading->receipt);
    bind_int(s, 6, reading->event.time_ms);
    return database_send_row(db, s, fault);
}

/* Stores a body under no id, and parks it, unless that was done before. */
static enum err store_parked(struct database *db, const struct fact_place *place,
                             struct fact_memory *memory, const struct reading *reading,
                             struct fact_stored *stored, struct fault *fault)
{
    int64_t event_no;
    enum err err = insert_event(db, place, memory, reading, &event_no, fault);
    if (err)
        return err;
    bool fresh = event_no != 0;
    err = fresh ? insert_parked(db, place, event_no, reading, fault)
                : find_nameless(db, device_of(place), &reading->hash, &event_no, fault);
    if (!err)
        *stored = (struct fact_stored){.event_no = event_no, .fresh = fresh, .parked = fresh};
    return err;
}

/* What is here of the event may be damaged, and is written again. */
static enum err heal_body(struct database *db, int64_t event_no, const struct reading *reading,
                          struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_EVENT_HEAL_BODY, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, event_no);
    bind_blob(s, 2, reading->body.data, reading->body.len);
    bind_blob(s, 3, reading->hash.bytes, SHA256_BYTES);
    return database_run(db, s, fault);
}

/* An event of this id is here: the same one again, or another under the same name. */
static enum err meet_again(struct database *db, const struct fact_place *place,
                           struct fact_memory *memory, struct reading *reading,
                           struct fact_stored *stored, struct fault *fault)
{
    int64_t event_no = 0;
    struct sha256 known;
    enum err err = find_by_id(db, &reading->id, &event_no, &known, fault);
    if (err)
        return err;
    if (sha256_equal(&known, &reading->hash)) {
        *stored = (struct fact_stored){.event_no = event_no};
        return place->recalled ? heal_body(db, event_no, reading, fault) : ERR_OK;
    }
    reading_park(reading, "id_body_conflict", "another event with this id was here before");
    err = store_parked(db, place, memory, reading, stored, fault);
    const struct log_exception exception = {.code = reading->code,
                                            .device = device_of(place),
                                            .log = place->log->id,
                                            .seq = place->seq,
                                            .detail = reading->detail,
                                            .now_ms = place->received_ms};
    return err || !stored->fresh ? err : log_exception_raise(db, &exception, fault);
}

/* The source says where the appliance stands: "/store/0042/device/box-a". */
static enum err learn_store(struct database *db, const char *device, struct slice source,
                            struct fault *fault)
{
    static const char head[] = "/store/";
    struct statement *s;
    size_t skip = sizeof head - 1;
    const char *end = source.len > skip ? memchr(source.data + skip, '/', source.len - skip) : NULL;
    if (!end || memcmp(source.data, head, skip) != 0)
        return ERR_OK;
    enum err err = database_statement(db, INGEST_STORE_DEVICE_LEARN, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, device);
    bind_slice(s, 2, (struct slice){source.data + skip, (size_t)(end - source.data) - skip});
    return database_send(db, s, fault);
}

/* Stores a lost event again under the number that it had, to which others still refer. */
static enum err store_again(struct database *db, const struct fact_place *place,
                            const struct reading *reading, struct fact_stored *stored,
                            struct fault *fault)
{
    struct statement *s;
    enum err err = bind_event(db, INGEST_EVENT_HEAL, place, reading, place->event_no, &s, fault);
    if (!err)
        err = database_run(db, s, fault);
    if (!err && !reading->parked && reading->event.type == EVENT_RETURN_CREATED)
        err = fact_index_return(db, device_of(place), reading, place->event_no, fault);
    if (!err)
        *stored = (struct fact_stored){.event_no = place->event_no};
    return err;
}

/* Whether no other number has the event meanwhile, by a fork of the log. */
static enum err number_is_free(struct database *db, const struct fact_place *place,
                               const struct reading *reading, bool *is_free, struct fault *fault)
{
    struct statement *s;
    bool row = false;
    *is_free = true;
    if (reading->parked)
        return ERR_OK;
    enum err err = bind_by_id(db, &reading->id, &s, fault);
    if (err)
        return err;
    err = database_step(db, s, &row, fault);
    if (err)
        return err;
    *is_free = !row || column_int(s, 0) == place->event_no;
    statement_reset(s);
    return ERR_OK;
}

/* --- Ahead ----------------------------------------------------------------------------------- */

/*
 * True for an event that stands earlier in the same batch: what is asked ahead of storing that
 * would say that it isn't here.
 */
static bool came_before(const struct reading *readings, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (id_equal(&readings[i].id, &readings[at].id))
            return true;
    return false;
}

static enum err ask_for_id(struct database *db, const struct id *id, struct fault *fault)
{
    struct statement *s;
    enum err err = bind_by_id(db, id, &s, fault);
    return err ? err : database_ask(db, s, fault);
}

static enum err ask_for_owner(struct database *db, const char *device, const struct id *correlation,
                              struct fault *fault)
{
    struct statement *s;
    enum err err = bind_of_another(db, device, correlation, &s, fault);
    return err ? err : database_ask(db, s, fault);
}

enum err fact_ask(struct database *db, const char *device, const struct reading *readings,
                  size_t count, struct fact_memory *memory, struct fault *fault)
{
    const struct id *owned = NULL;
    enum err err = ERR_OK;
    memory->asked = database_asks(db);
    for (size_t i = 0; memory->asked && !err && i < count; i++) {
        const struct id *correlation = &readings[i].event.correlation;
        if (readings[i].parked)
            continue;
        if (!came_before(readings, i))
            err = ask_for_id(db, &readings[i].id, fault);
        if (!err && (!owned || !id_equal(owned, correlation)))
            err = ask_for_owner(db, device, correlation, fault);
        owned = correlation;
    }
    return err;
}

/* What the database said ahead. */
static enum err look_for_id(struct database *db, struct fact_memory *memory,
                            const struct reading *reading, bool *known, struct fault *fault)
{
    struct statement *s;
    *known = false;
    if (!memory->asked)
        return ERR_OK;
    enum err err = bind_by_id(db, &reading->id, &s, fault);
    if (!err)
        err = database_step(db, s, known, fault);
    if (err)
        return err;
    statement_reset(s);
    memory->unseen = !*known;
    return ERR_OK;
}

enum err fact_store(struct database *db, const struct fact_place *place, struct fact_memory *memory,
                    struct reading *reading, struct fact_stored *stored, struct fault *fault)
{
    const struct stream_log *log = place->log;
    int64_t event_no = 0;
    enum err err = ERR_OK;
    if (!reading->parked && log->stream != STREAM_CENTRE) /* the centre speaks of all */
        err = check_owner(db, log->device, memory, reading, fault);
    bool again = false;
    if (!err && place->event_no)
        err = number_is_free(db, place, reading, &again, fault);
    if (err)
        return err;
    if (again)
        return store_again(db, place, reading, stored, fault);
    if (reading->parked)
        return store_parked(db, place, memory, reading, stored, fault);
    bool known;
    err = look_for_id(db, memory, reading, &known, fault);
    if (!err && !known)
        err = insert_event(db, place, memory, reading, &event_no, fault);
    if (err)
        return err;
    if (!event_no)
        return meet_again(db, place, memory, reading, stored, fault);
    if (place->seq == 1)
        err = learn_store(db, log->device, reading->event.source, fault);
    if (!err)
        *stored = (struct fact_stored){.event_no = event_no,
                                       .fresh = true,
                                       .created = reading->event.type == EVENT_RETURN_CREATED};
    return err;
}
