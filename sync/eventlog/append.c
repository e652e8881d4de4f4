#include "sync/eventlog/internal.h"
#include "sync/eventlog/record.h"

#include <assert.h>

enum err txn_will_write(struct eventlog_txn *txn, struct fault *fault)
{
    if (txn->wrote)
        return ERR_OK;
    enum err err = txn->saves ? database_run_plain(txn->log->db, LOG_SAVEPOINT, fault) : ERR_OK;
    txn->wrote = !err;
    return err;
}

static void fill_draft(struct eventlog_txn *txn, struct event *draft)
{
    struct eventlog *log = txn->log;
    draft->id = id_next(&log->ids, txn->now.wall_ms);
    draft->source = slice_of(log->source);
    draft->time_ms = txn->now.wall_ms;
    draft->monotonic_ms = txn->now.monotonic_ms;
    draft->boot_id = slice_of(txn->now.boot_id);
    draft->time_trusted = txn->now.trusted;
    draft->has_causation = txn->has_first;
    draft->causation = txn->first;
    const struct slice none = {"", 0};
    draft->idempotency_key = txn->has_first ? none : txn->command->key;
    draft->request_hash = txn->has_first ? none : txn->command->request_hash;
}

static enum err insert(struct eventlog *log, const struct eventlog_record *record, int64_t pos,
                       struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(log->db, LOG_EVENT_INSERT, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, pos);
    bind_int(s, 2, log->state.ordinal + 1);
    bind_blob(s, 3, record->event.correlation.bytes, ID_BYTES);
    if (record->event.idempotency_key.len)
        bind_slice(s, 4, record->event.idempotency_key);
    bind_blob(s, 5, record->hash.bytes, SHA256_BYTES);
    bind_blob(s, 6, record->body.data, record->body.len);
    return database_run(log->db, s, fault);
}

static enum err store(struct eventlog *log, struct eventlog_record *record, struct fault *fault)
{
    struct state_log *stream = &log->state.logs[record->stream];
    record->log = stream->row.id;
    record->seq = stream->head + 1;
    record->hash = chain_next(&stream->hash, record->body);
    enum err err = insert(log, record, log_position(stream->row.no, record->seq), fault);
    if (!err)
        err = views_apply(&log->views, record, fault);
    if (err)
        return err;
    stream->head = record->seq;
    stream->hash = record->hash;
    log->state.ordinal++;
    log->state.changes++;
    return ERR_OK;
}

/* What couldn't be read later is refused now; a view sees the same event now and at a rebuild. */
static enum err write_body(struct eventlog *log, const struct event *draft,
                           struct eventlog_record *record, struct fault *fault)
{
    if (!draft->data.len)
        return fault_set(fault, ERR_INVALID, "data", "an event needs data");
    buf_reset(&log->body);
    event_write(&log->body, draft);
    record->body = buf_slice(&log->body);
    record->event = *draft;
    enum err err = buf_check(&log->body, fault, "data");
    return err ? err : event_check(draft, fault);
}

enum err eventlog_append(struct eventlog_txn *txn, struct event *draft, int64_t *seq,
                         struct fault *fault)
{
    struct eventlog_record record = {.stream = event_type_stream(draft->type)};
    assert(record.stream != STREAM_CENTRE);
    fill_draft(txn, draft);
    enum err err = write_body(txn->log, draft, &record, fault);
    if (!err)
        err = txn_will_write(txn, fault);
    if (!err)
        err = store(txn->log, &record, fault);
    if (err)
        return err;
    if (!txn->has_first)
        txn->first = draft->id;
    txn->has_first = true;
    *seq = record.seq;
    return ERR_OK;
}

struct database_statements *eventlog_txn_view(struct eventlog_txn *txn, const char *view)
{
    return views_find(&txn->log->views, view);
}

struct clock_reading eventlog_txn_now(const struct eventlog_txn *txn)
{
    return txn->now;
}

int64_t eventlog_txn_lost(const struct eventlog_txn *txn, enum stream stream)
{
    return txn->log->state.lost[stream];
}

enum err eventlog_txn_history(struct eventlog_txn *txn, const struct id *correlation,
                              eventlog_visit *visit, void *context, struct fault *fault)
{
    return record_history(txn->log->db, correlation, visit, context, fault);
}
