/* Acknowledgements: what the hub holds becomes the watermark, or shows that one side went back. */
#include "sync/eventlog/internal.h"

#include <stdlib.h>

struct delivery {
    struct eventlog_command command;
    struct eventlog *log;
    enum stream stream;
    struct ack ack;
    bool forked;
    void (*done)(void *context, enum err err, const struct fault *fault);
    void *context;
};

static bool is_news(const struct ack *ack, const struct state_log *log)
{
    struct ack had = {.ack_no = log->row.ack_no, .hub_epoch = log->row.hub_epoch};
    return ack_newer(ack, &had);
}

/*
 * Does the hub hold what we hold, up to `through`? If not, *common is the last seq that both have:
 * what the hub acknowledged before, unless it takes even that back.
 */
static enum err compare(struct eventlog *log, const struct state_log *ours, const struct ack *ack,
                        bool *same, int64_t *common, struct fault *fault)
{
    int64_t oldest = ours->row.first_kept - 1;
    *common = ours->row.through;
    *same = ack->through <= ours->head;
    if (!*same || ack->through < oldest)
        return ERR_OK;
    struct sha256 hash;
    bool found;
    enum err err = log_hash_at(log->db, &ours->row, ack->through, &hash, &found, fault);
    if (err)
        return err;
    *same = ack->through == 0 || (found && sha256_equal(&hash, &ack->hash));
    if (!*same && ack->through <= ours->row.through)
        *common = oldest;
    return ERR_OK;
}

static enum err put_parked(struct database *db, int64_t no, const struct ack_parked *item,
                           struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, LOG_PARKED_PUT, &s, fault);
    if (err)
        return err;
    bind_blob(s, 1, item->id.bytes, ID_BYTES);
    bind_int(s, 2, no);
    bind_int(s, 3, item->seq);
    bind_text(s, 4, item->code);
    bind_text(s, 5, item->detail);
    return database_run(db, s, fault);
}

static enum err clear_parked(struct database *db, int64_t no, const struct ack *ack,
                             struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, LOG_PARKED_CLEAR, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, no);
    bind_int(s, 2, ack->parked_above);
    bind_int(s, 3, ack->parked_below ? ack->parked_below : INT64_MAX);
    return database_run(db, s, fault);
}

/*
 * Takes the parked items of an acknowledgement. Within its bounds that is the whole list: what is
 * missing from it was settled.
 */
static enum err take_parked(struct eventlog *log, enum stream stream, const struct ack *ack,
                            struct fault *fault)
{
    int64_t no = log->state.logs[stream].row.no;
    bool whole = ack->parked_count < ACK_PARKED_MAX || ack->parked_total;
    enum err err = whole ? clear_parked(log->db, no, ack, fault) : ERR_OK;
    for (size_t i = 0; i < ack->parked_count && !err; i++)
        err = put_parked(log->db, no, &ack->parked[i], fault);
    return err ? err : state_count_parked(&log->state, log->db, stream, fault);
}

static enum err take_watermark(struct eventlog *log, enum stream stream, const struct ack *ack,
                               struct fault *fault)
{
    struct log_row *row = &log->state.logs[stream].row;
    int64_t oldest = row->first_kept - 1;
    if (ack->through < oldest)
        diag_write(
            log->config.diag, DIAG_ERROR, "eventlog.pruned_wanted",
            "the hub holds %s up to %lld only; what is pruned up to %lld can't be sent again",
            stream_name(stream), (long long)ack->through, (long long)oldest);
    row->through = ack->through < oldest ? oldest : ack->through;
    row->backed_up_through =
        ack->backed_up_through < row->through ? ack->backed_up_through : row->through;
    row->ack_no = ack->ack_no;
    row->hub_epoch = ack->hub_epoch;
    log->state.changes++;
    return log_save_ack(log->db, row, fault);
}

/*
 * An acknowledgement of a log that this one was forked from. Of interest only when the hub was
 * restored since, to a time before the fork, and has lost of it what we still hold.
 */
static enum err take_ancestors(struct delivery *delivery, struct eventlog_txn *txn,
                               struct fault *fault)
{
    struct eventlog *log = txn->log;
    const struct ack *ack = &delivery->ack;
    const struct log_row *ours = &log->state.logs[delivery->stream].row;
    struct log_row row;
    bool found;
    int64_t head = 0;
    struct sha256 hash;
    enum err err = log_by_id(log->db, &ack->log, &row, &found, fault);
    if (err || !found || log_stream(row.no) != delivery->stream)
        return err;
    if (ack->hub_epoch <= row.hub_epoch || ack->hub_epoch <= ours->hub_epoch)
        return ERR_OK;
    err = log_head(log->db, &row, &head, &hash, fault);
    if (err || ack->through >= head)
        return err;
    int64_t common = row.first_kept - 1;
    if (ack->through > common)
        err = log_hash_at(log->db, &row, ack->through, &hash, &found, fault);
    if (!err && ack->through > common && found && sha256_equal(&hash, &ack->hash))
        common = ack->through;
    row.hub_epoch = ack->hub_epoch;
    row.through = common;
    if (!err)
        err = txn_will_write(txn, fault);
    if (!err)
        err = log_save_ack(log->db, &row, fault);
    delivery->forked = !err;
    return err ? err : fork_open(log, delivery->stream, &row, common, txn->now.wall_ms, fault);
}

/* Only what is parked: the watermark in it may be older than what we know. */
static enum err take_page(struct delivery *delivery, struct eventlog_txn *txn, struct fault *fault)
{
    enum err err = txn_will_write(txn, fault);
    txn->log->state.changes++;
    return err ? err : take_parked(txn->log, delivery->stream, &delivery->ack, fault);
}

static enum err decide(void *context, struct eventlog_txn *txn, struct fault *fault)
{
    struct delivery *delivery = context;
    struct eventlog *log = txn->log;
    const struct ack *ack = &delivery->ack;
    const struct state_log *ours = &log->state.logs[delivery->stream];
    delivery->forked = false;
    bool of_this_log = id_equal(&ack->log, &ours->row.id);
    if (ack->parked_below)
        return of_this_log ? take_page(delivery, txn, fault) : ERR_OK;
    if (!of_this_log)
        return take_ancestors(delivery, txn, fault);
    if (!is_news(ack, ours))
        return ERR_OK;
    bool same;
    int64_t common;
    enum err err = compare(log, ours, ack, &same, &common, fault);
    if (!err)
        err = txn_will_write(txn, fault);
    if (err)
        return err;
    if (same) {
        err = take_watermark(log, delivery->stream, ack, fault);
        return err ? err : take_parked(log, delivery->stream, ack, fault);
    }
    delivery->forked = true;
    if (ack->through > ours->head) {
        struct eventlog_lost missed = {
            .log = ours->row.id,
            .stream = delivery->stream,
            .first = ours->head + 1,
            .last = ack->through,
            .at_ms = txn->now.wall_ms,
            .reason = "only the hub has them: this side went back in time",
        };
        err = lost_note(log, &missed, fault);
        if (err)
            return err;
    }
    return fork_open(log, delivery->stream, &ours->row, common, txn->now.wall_ms, fault);
}

static void finish(void *context, enum err err, const struct fault *fault)
{
    struct delivery *delivery = context;
    struct fault forked;
    if (!err && delivery->forked) {
        err = fault_set(&forked, ERR_FORKED, stream_name(delivery->stream),
                        "the hub holds another history at %lld; continued as a new log",
                        (long long)delivery->ack.through);
        fault = &forked;
        diag_fault(delivery->log->config.diag, DIAG_ERROR, "eventlog.forked", fault);
    }
    delivery->done(delivery->context, err, fault);
    free(delivery);
}

void eventlog_acknowledge(struct eventlog *log, enum stream stream, const struct ack *ack,
                          void (*done)(void *context, enum err err, const struct fault *fault),
                          void *context)
{
    struct delivery *delivery = calloc(1, sizeof *delivery);
    if (!delivery) {
        struct fault fault;
        done(context, fault_set(&fault, ERR_NO_MEMORY, "", "out of memory"), &fault);
        return;
    }
    delivery->command.decide = decide;
    delivery->command.done = finish;
    delivery->command.context = delivery;
    delivery->log = log;
    delivery->stream = stream;
    delivery->ack = *ack;
    delivery->done = done;
    delivery->context = context;
    eventlog_submit(log, &delivery->command);
}
