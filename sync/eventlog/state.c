#include "sync/eventlog/state.h"
#include "sync/eventlog/lost.h"

#include <string.h>

enum err state_count_parked(struct state *state, struct database *db, enum stream stream,
                            struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, LOG_PARKED_COUNT, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, stream);
    bool there;
    err = database_step(db, s, &there, fault);
    if (err)
        return err;
    state->logs[stream].parked = column_int(s, 0);
    statement_reset(s);
    return ERR_OK;
}

static enum err load_log(struct state *state, enum stream stream, struct database *db,
                         struct id_source *ids, int64_t now_ms, struct fault *fault)
{
    struct state_log *log = &state->logs[stream];
    bool found = false;
    enum err err = log_newest(db, stream, &log->row, &found, fault);
    if (!err && !found) {
        struct id id = id_next(ids, now_ms);
        err = log_add(db, (int64_t)stream << 16, &id, NULL, &log->row, fault);
    }
    if (!err)
        err = log_head(db, &log->row, &log->head, &log->hash, fault);
    return err ? err : state_count_parked(state, db, stream, fault);
}

static enum err load_ordinal(struct state *state, struct database *db, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, LOG_ORDINAL_LAST, &s, fault);
    if (err)
        return err;
    bool there;
    err = database_step(db, s, &there, fault);
    if (err)
        return err;
    state->ordinal = column_int(s, 0);
    statement_reset(s);
    return ERR_OK;
}

static enum err load_inbox(struct state *state, struct database *db, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, LOG_INBOX_MARK, &s, fault);
    if (err)
        return err;
    bool there;
    err = database_step(db, s, &there, fault);
    if (err)
        return err;
    state->inbox_epoch = column_int(s, 0);
    state->inbox_through = column_int(s, 1);
    statement_reset(s);
    return ERR_OK;
}

static enum err check_notes(struct database *db, struct fault *fault)
{
    bool sound = true;
    enum err err = lost_check(db, &sound, fault);
    if (!err && !sound)
        err = fault_set(fault, ERR_CORRUPT, "lost", "a note of what was lost is damaged");
    return err ? err : lost_prove(db, fault);
}

enum err state_load(struct state *state, struct database *db, struct id_source *ids, int64_t now_ms,
                    struct fault *fault)
{
    struct state made = {.changes = state->changes};
    enum err err = ERR_OK;
    for (int i = 0; i < STREAMS_OF_APPLIANCE && !err; i++)
        err = load_log(&made, (enum stream)i, db, ids, now_ms, fault);
    if (!err)
        err = load_ordinal(&made, db, fault);
    if (!err)
        err = load_inbox(&made, db, fault);
    if (!err)
        err = check_notes(db, fault);
    if (!err)
        err = lost_sums(db, made.lost, &made.lost_at_ms, fault);
    if (!err)
        *state = made;
    return err;
}

static struct eventlog_stream_status tell_log(const struct state_log *log)
{
    return (struct eventlog_stream_status){
        .log = log->row.id,
        .forked = log->row.forked,
        .parent = log->row.parent,
        .head = log->head,
        .head_hash = log->hash,
        .through = log->row.through,
        .backed_up_through = log->row.backed_up_through,
        .first_kept = log->row.first_kept,
        .parked = log->parked,
    };
}

void state_tell(const struct state *state, struct eventlog_status *status)
{
    status->hub_epoch = 0;
    for (int i = 0; i < STREAMS_OF_APPLIANCE; i++) {
        status->streams[i] = tell_log(&state->logs[i]);
        if (state->logs[i].row.hub_epoch > status->hub_epoch)
            status->hub_epoch = state->logs[i].row.hub_epoch;
    }
    status->inbox_epoch = state->inbox_epoch;
    status->inbox_through = state->inbox_through;
    memcpy(status->lost, state->lost, sizeof status->lost);
    status->lost_at_ms = state->lost_at_ms;
}

struct head state_head(const struct state *state)
{
    struct head head = {0};
    for (int i = 0; i < STREAMS_OF_APPLIANCE; i++)
        head.streams[i] =
            (struct head_entry){state->logs[i].row.id, state->logs[i].head, state->logs[i].hash};
    return head;
}
