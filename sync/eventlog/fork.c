#include "sync/eventlog/internal.h"

/* Chains one event of the old log into the new one; `*hash` is the chain before and after. */
static enum err move_event(struct database *db, int64_t from, int64_t to, struct sha256 *hash,
                           struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, LOG_EVENT_BODY, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, from);
    bool there;
    err = database_step(db, s, &there, fault);
    if (err)
        return err;
    if (!there)
        return fault_set(fault, ERR_CORRUPT, "event", "seq %lld is missing",
                         (long long)log_position_seq(from));
    struct sha256 next = chain_next(hash, column_slice(s, 0));
    statement_reset(s);
    err = database_statement(db, LOG_EVENT_MOVE, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, from);
    bind_int(s, 2, to);
    bind_blob(s, 3, next.bytes, SHA256_BYTES);
    err = database_run(db, s, fault);
    if (!err)
        *hash = next;
    return err;
}

static enum err move_parked(struct database *db, const struct log_row *from, int64_t seq,
                            const struct state_log *made, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, LOG_PARKED_MOVE, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, from->no);
    bind_int(s, 2, seq);
    bind_int(s, 3, made->row.no);
    bind_int(s, 4, made->head);
    return database_run(db, s, fault);
}

/* Moves what a log holds above `seq` behind what the new one has. */
static enum err move_tail(struct database *db, const struct log_row *from, int64_t seq,
                          struct state_log *made, struct fault *fault)
{
    int64_t last;
    struct sha256 unused;
    enum err err = log_head(db, from, &last, &unused, fault);
    if (!err)
        err = move_parked(db, from, seq, made, fault);
    while (!err && seq < last) {
        seq++;
        made->head++;
        err = move_event(db, log_position(from->no, seq), log_position(made->row.no, made->head),
                         &made->hash, fault);
    }
    return err;
}

/* The same of every log after `from` up to the newest: forks that the other side doesn't know. */
static enum err move_forks(struct database *db, const struct log_row *from, int64_t newest,
                           struct state_log *made, struct fault *fault)
{
    struct log_row row = *from;
    bool found = true;
    enum err err = ERR_OK;
    while (!err && found && row.no < newest) {
        err = log_after(db, row.no, &row, &found, fault);
        if (!err && found)
            err = move_tail(db, &row, row.first_kept - 1, made, fault);
    }
    return err;
}

enum err fork_open(struct eventlog *log, enum stream stream, const struct log_row *from,
                   int64_t seq, int64_t now_ms, struct fault *fault)
{
    struct state_log *old = &log->state.logs[stream];
    const struct log_row leaves = *from; /* it may be the one that gives way */
    struct chain_parent parent = {.log = leaves.id, .seq = seq};
    bool found;
    enum err err = log_hash_at(log->db, &leaves, seq, &parent.hash, &found, fault);
    if (!err && !found)
        err = fault_set(fault, ERR_CORRUPT, "event", "%s %lld is missing", stream_name(stream),
                        (long long)seq);
    struct id id = id_next(&log->ids, now_ms);
    struct state_log made = {.parked = old->parked};
    if (!err)
        err = log_add(log->db, old->row.no + 1, &id, &parent, &made.row, fault);
    made.hash = made.row.before_hash;
    if (!err)
        err = move_tail(log->db, &leaves, seq, &made, fault);
    if (!err)
        err = move_forks(log->db, &leaves, old->row.no, &made, fault);
    if (err)
        return err;
    *old = made;
    log->state.changes++;
    return views_rebuild(&log->views, fault);
}
