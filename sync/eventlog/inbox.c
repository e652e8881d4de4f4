/* The hub's messages: numbered, each stored and applied in one transaction. */
#include "hal/base/cleanup.h"
#include "sync/eventlog/internal.h"
#include "sync/eventlog/record.h"

#include <stdlib.h>
#include <string.h>

struct message {
    struct eventlog_command command;
    struct inbox_place place;
    struct fault unreadable; /* why it can't be read; it is stored all the same */
    void (*done)(void *context, enum err err, const struct fault *fault);
    void *context;
    struct slice body;
    char bytes[];
};

static enum err is_stored(struct database *db, const struct id *id, bool *stored,
                          struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, LOG_INBOX_HAS, &s, fault);
    if (err)
        return err;
    bind_blob(s, 1, id->bytes, ID_BYTES);
    err = database_step(db, s, stored, fault);
    if (!err)
        statement_reset(s);
    return err;
}

/* `event` is NULL for one that can't be read. */
static enum err insert(struct eventlog *log, const struct message *message,
                       const struct event *event, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(log->db, LOG_INBOX_INSERT, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, ++log->state.ordinal);
    bind_int(s, 2, message->place.hub_epoch);
    bind_int(s, 3, message->place.number);
    if (event) {
        bind_blob(s, 4, event->id.bytes, ID_BYTES);
        bind_blob(s, 5, event->correlation.bytes, ID_BYTES);
    }
    bind_blob(s, 6, message->body.data, message->body.len);
    return database_run(log->db, s, fault);
}

static enum err store_new(struct eventlog *log, const struct message *message,
                          const struct event *event, struct fault *fault)
{
    bool stored = false;
    enum err err = is_stored(log->db, &event->id, &stored, fault);
    if (err || stored)
        return err;
    struct eventlog_record record = {
        .stream = event_type_stream(event->type), /* an appliance's, if it captured it */
        .seq = message->place.number,
        .hash = sha256_of(message->body),
        .body = message->body,
        .event = *event,
    };
    err = insert(log, message, event, fault);
    return err ? err : views_apply(&log->views, &record, fault);
}

/* One bad message must not hold up those behind it: it is kept, and its sender is told. */
static enum err store(struct eventlog *log, struct message *message, struct fault *fault)
{
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, RECORD_ARENA_MAX);
    struct event event;
    enum err err = event_read(message->body, &arena, &event, &message->unreadable);
    if (!err)
        return store_new(log, message, &event, fault);
    diag_fault(log->config.diag, DIAG_ERROR, "eventlog.message_unreadable", &message->unreadable);
    return insert(log, message, NULL, fault);
}

static enum err set_mark(struct eventlog *log, const struct message *message, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(log->db, LOG_INBOX_MARK_SET, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, message->place.hub_epoch);
    bind_int(s, 2, message->place.number);
    err = database_run(log->db, s, fault);
    if (err)
        return err;
    log->state.inbox_epoch = message->place.hub_epoch;
    log->state.inbox_through = message->place.number;
    log->state.changes++;
    return ERR_OK;
}

static enum err decide(void *context, struct eventlog_txn *txn, struct fault *fault)
{
    struct message *message = context;
    struct eventlog *log = txn->log;
    int64_t through =
        message->place.hub_epoch == log->state.inbox_epoch ? log->state.inbox_through : 0;
    if (message->place.hub_epoch < log->state.inbox_epoch || message->place.number <= through)
        return ERR_OK;
    if (message->place.after > through)
        return fault_set(fault, ERR_CONFLICT, "number", "%lld came, %lld is next",
                         (long long)message->place.number, (long long)through + 1);
    enum err err = txn_will_write(txn, fault);
    if (!err)
        err = store(log, message, fault);
    return err ? err : set_mark(log, message, fault);
}

static void finish(void *context, enum err err, const struct fault *fault)
{
    struct message *message = context;
    if (!err && message->unreadable.code) {
        fault = &message->unreadable;
        err = fault->code;
    }
    message->done(message->context, err, fault);
    free(message);
}

void eventlog_receive(struct eventlog *log, const struct inbox_place *place, struct slice body,
                      void (*done)(void *context, enum err err, const struct fault *fault),
                      void *context)
{
    struct message *message = calloc(1, sizeof *message + body.len);
    if (!message) {
        struct fault fault;
        done(context, fault_set(&fault, ERR_NO_MEMORY, "", "out of memory"), &fault);
        return;
    }
    message->command.decide = decide;
    message->command.done = finish;
    message->command.context = message;
    message->place = *place;
    message->done = done;
    message->context = context;
    if (body.len)
        memcpy(message->bytes, body.data, body.len);
    message->body = (struct slice){message->bytes, body.len};
    eventlog_submit(log, &message->command);
}
