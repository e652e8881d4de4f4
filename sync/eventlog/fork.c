#include "sync/eventlog/internal.h"

/* Chains one event of the old log into the new one; `*hash` is the chain before and after. */
static enum err move_event(struct database *db, int64_t from, int64_t to, struct sha256 *hash,
                           struct fault *fault)
{
    sqlite3_stmt *s;
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
    sqlite3_reset(s);
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

static enum err move_tail(struct database *db, const struct state_log *old, int64_t seq,
                          struct state_log *made, struct fault *fault)
{
    enum err err = ERR_OK;
    made->head = 0;
    made->hash = made->row.before_hash;
    while (seq + made->head < old->head && !err) {
        made->head++;
        err = move_event(db, log_position(old->row.no, seq + made->head),
                         log_position(made->row.no, made->head), &made->hash, fault);
    }
    return err;
}

static enum err move_parked(struct database *db, const struct state_log *old, int64_t seq,
                            const struct state_log *made, struct fault *fault)
{
    sqlite3_stmt *s;
    enum err err = database_statement(db, LOG_PARKED_MOVE, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, old->row.no);
    bind_int(s, 2, seq);
    bind_int(s, 3, made->row.no);
    return database_run(db, s, fault);
}

enum err fork_open(struct eventlog *log, enum stream stream, int64_t seq, int64_t now_ms,
                   struct fault *fault)
{
    struct state_log *old = &log->state.logs[stream];
    struct chain_parent parent = {.log = old->row.id, .seq = seq};
    bool found;
    enum err err = log_hash_at(log->db, &old->row, seq, &parent.hash, &found, fault);
    if (!err && !found)
        err = fault_set(fault, ERR_CORRUPT, "event", "%s %lld is missing", stream_name(stream),
                        (long long)seq);
    struct id id = id_next(&log->ids, now_ms);
    struct state_log made = {.parked = old->parked};
    if (!err)
        err = log_add(log->db, old->row.no + 1, &id, &parent, &made.row, fault);
    if (!err)
        err = move_tail(log->db, old, seq, &made, fault);
    if (!err)
        err = move_parked(log->db, old, seq, &made, fault);
    if (err)
        return err;
    *old = made;
    log->state.changes++;
    return views_rebuild(&log->views, fault);
}
