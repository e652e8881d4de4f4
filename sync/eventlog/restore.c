/* What the hub has and the log lacks, lost here or captured elsewhere: into the inbox and views. */
#include "hal/base/cleanup.h"
#include "sync/eventlog/internal.h"
#include "sync/eventlog/lost.h"
#include "sync/eventlog/record.h"

#include <stdlib.h>
#include <string.h>

struct restore {
    struct eventlog_command command;
    struct id log;
    enum stream stream;
    int64_t first;
    int64_t last;
    void (*done)(void *context, enum err err, const struct fault *fault);
    void *context;
    size_t count;
    struct slice bodies[BATCH_EVENTS_MAX];
    char bytes[];
};

static void finish(void *context, enum err err, const struct fault *fault)
{
    struct restore *restore = context;
    restore->done(restore->context, err, fault);
    free(restore);
}

static struct restore *make(const struct id *log, enum stream stream, size_t bytes,
                            void (*done)(void *context, enum err err, const struct fault *fault),
                            void *context)
{
    struct restore *restore = calloc(1, sizeof *restore + bytes);
    struct fault fault;
    if (!restore) {
        done(context, fault_set(&fault, ERR_NO_MEMORY, "", "out of memory"), &fault);
        return NULL;
    }
    restore->command.done = finish;
    restore->command.context = restore;
    restore->log = *log;
    restore->stream = stream;
    restore->done = done;
    restore->context = context;
    return restore;
}

/* --- Expecting ------------------------------------------------------------------------------- */

static enum err is_known(struct database *db, const struct id *log, bool *known,
                         struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, LOG_LOG_KNOWN, &s, fault);
    if (err)
        return err;
    bind_blob(s, 1, log->bytes, ID_BYTES);
    err = database_step(db, s, known, fault);
    if (!err)
        statement_reset(s);
    return err;
}

static enum err decide_expect(void *context, struct eventlog_txn *txn, struct fault *fault)
{
    const struct restore *restore = context;
    bool known;
    enum err err = is_known(txn->log->db, &restore->log, &known, fault);
    if (err || known)
        return err;
    struct eventlog_lost lost = {
        .log = restore->log,
        .stream = restore->stream,
        .first = 1,
        .last = restore->last,
        .at_ms = txn->now.wall_ms,
        .reason = "only the hub has them: this log was not here",
    };
    err = txn_will_write(txn, fault);
    txn->log->state.changes++;
    return err ? err : lost_note(txn->log, &lost, fault);
}

void eventlog_expect(struct eventlog *log, const struct id *id, enum stream stream, int64_t through,
                     void (*done)(void *context, enum err err, const struct fault *fault),
                     void *context)
{
    struct restore *restore = make(id, stream, 0, done, context);
    if (!restore)
        return;
    restore->command.decide = decide_expect;
    restore->last = through;
    eventlog_submit(log, &restore->command);
}

/* --- Taking back ----------------------------------------------------------------------------- */

static enum err is_here(struct database *db, const struct event *event, bool *here,
                        struct fault *fault)
{
    char id[ID_TEXT + 1];
    struct statement *s;
    enum err err = database_statement(db, LOG_EVENT_HERE, &s, fault);
    if (err)
        return err;
    id_format(&event->id, id);
    bind_blob(s, 1, event->correlation.bytes, ID_BYTES);
    bind_text(s, 2, id);
    bind_blob(s, 3, event->id.bytes, ID_BYTES);
    err = database_step(db, s, here, fault);
    if (!err)
        statement_reset(s);
    return err;
}

static enum err insert(struct eventlog *log, const struct eventlog_record *record,
                       struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(log->db, LOG_INBOX_INSERT, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, ++log->state.ordinal);
    bind_int(s, 2, 0);
    bind_int(s, 3, record->seq);
    bind_blob(s, 4, record->event.id.bytes, ID_BYTES);
    bind_blob(s, 5, record->event.correlation.bytes, ID_BYTES);
    bind_blob(s, 6, record->body.data, record->body.len);
    return database_run(log->db, s, fault);
}

static enum err take_one(struct eventlog *log, int64_t seq, struct slice body, struct fault *fault)
{
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, RECORD_ARENA_MAX);
    struct eventlog_record record = {.seq = seq, .hash = sha256_of(body), .body = body};
    bool here;
    /* Unreadable it would be of no use, and it is with the hub. */
    if (event_read(body, &arena, &record.event, NULL) != ERR_OK)
        return ERR_OK;
    record.stream = event_type_stream(record.event.type);
    enum err err = is_here(log->db, &record.event, &here, fault);
    if (err || here)
        return err;
    err = insert(log, &record, fault);
    return err ? err : views_apply(&log->views, &record, fault);
}

static enum err run_on_lost(struct database *db, size_t statement, const struct restore *restore,
                            struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, statement, &s, fault);
    if (err)
        return err;
    bind_blob(s, 1, restore->log.bytes, ID_BYTES);
    bind_int(s, 2, restore->stream);
    bind_int(s, 3, restore->first);
    bind_int(s, 4, restore->last + 1);
    return database_run(db, s, fault);
}

/* The note of the loss begins behind what came back, and goes when nothing is left of it. */
static enum err shorten_note(struct eventlog *log, const struct restore *restore,
                             struct fault *fault)
{
    enum err err = run_on_lost(log->db, LOG_LOST_MOVE, restore, fault);
    if (!err)
        err = run_on_lost(log->db, LOG_LOST_RESTORED, restore, fault);
    if (!err)
        err = database_run_plain(log->db, LOG_LOST_FORGET, fault);
    if (!err)
        err = lost_prove(log->db, fault);
    return err ? err : lost_sums(log->db, log->state.lost, &log->state.lost_at_ms, fault);
}

static enum err is_missing(struct database *db, const struct restore *restore, int64_t *last,
                           struct fault *fault)
{
    struct statement *s;
    bool there;
    enum err err = database_statement(db, LOG_LOST_AT, &s, fault);
    if (err)
        return err;
    bind_blob(s, 1, restore->log.bytes, ID_BYTES);
    bind_int(s, 2, restore->stream);
    bind_int(s, 3, restore->first);
    err = database_step(db, s, &there, fault);
    if (err)
        return err;
    *last = there ? column_int(s, 0) : 0;
    statement_reset(s);
    return ERR_OK;
}

static enum err decide_restore(void *context, struct eventlog_txn *txn, struct fault *fault)
{
    struct restore *restore = context;
    struct eventlog *log = txn->log;
    int64_t last = 0;
    enum err err = is_missing(log->db, restore, &last, fault);
    if (err || !last) /* it came twice */
        return err;
    err = txn_will_write(txn, fault);
    if (restore->last > last)
        restore->last = last;
    for (int64_t seq = restore->first; !err && seq <= restore->last; seq++)
        err = take_one(log, seq, restore->bodies[seq - restore->first], fault);
    log->state.changes++;
    return err ? err : shorten_note(log, restore, fault);
}

static struct restore *
make_with(const struct id *log, enum stream stream, const struct slice *bodies, size_t count,
          void (*done)(void *context, enum err err, const struct fault *fault), void *context)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += bodies[i].len;
    struct restore *restore = make(log, stream, bytes, done, context);
    if (!restore)
        return NULL;
    restore->count = count;
    char *at = restore->bytes;
    for (size_t i = 0; i < count; i++) {
        memcpy(at, bodies[i].data, bodies[i].len);
        restore->bodies[i] = (struct slice){at, bodies[i].len};
        at += bodies[i].len;
    }
    return restore;
}

void eventlog_restore(struct eventlog *log, const struct batch_header *header,
                      const struct slice *bodies, size_t count,
                      void (*done)(void *context, enum err err, const struct fault *fault),
                      void *context)
{
    struct restore *restore = make_with(&header->log, header->stream, bodies, count, done, context);
    if (!restore)
        return;
    restore->command.decide = decide_restore;
    restore->first = header->first;
    restore->last = header->last;
    eventlog_submit(log, &restore->command);
}

/* --- Learning -------------------------------------------------------------------------------- */

static enum err decide_learn(void *context, struct eventlog_txn *txn, struct fault *fault)
{
    const struct restore *restore = context;
    enum err err = txn_will_write(txn, fault);
    for (size_t i = 0; !err && i < restore->count; i++)
        err = take_one(txn->log, 0, restore->bodies[i], fault);
    txn->log->state.changes++;
    return err;
}

void eventlog_learn(struct eventlog *log, const struct slice *bodies, size_t count,
                    void (*done)(void *context, enum err err, const struct fault *fault),
                    void *context)
{
    const struct id nobodys = {{0}};
    struct restore *restore = make_with(&nobodys, STREAM_CENTRE, bodies, count, done, context);
    if (!restore)
        return;
    restore->command.decide = decide_learn;
    eventlog_submit(log, &restore->command);
}
