#include "sync/hub/ingest/duplicate.h"
#include "sync/hub/ingest/ingest.sql.h"
#include "sync/hub/ingest/log_exception.h"

#include <inttypes.h>
#include <stdio.h>

enum { FORKS_MAX = 64, DETAIL_MAX = 200 };

struct place {
    int64_t log_no;
    int64_t seq;
    struct id log;
};

static enum err find_place(struct database *db, int64_t event_no, struct place *place,
                           struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_find(db, INGEST_EVENT_PLACE, event_no, &s, &row, fault);
    if (err)
        return err;
    if (row) {
        place->log_no = column_int(s, 0);
        place->seq = column_int(s, 1);
        err = column_bytes(s, 2, place->log.bytes, ID_BYTES);
    }
    statement_reset(s);
    return err || !row ? fault_set(fault, ERR_CORRUPT, "event", "an event stands in no log")
                       : ERR_OK;
}

/* Whether `log` came from the other one, by one fork or several. */
static enum err came_from(struct database *db, const struct stream_log *log, const struct id *other,
                          bool *came, struct fault *fault)
{
    struct stream_log at = *log;
    bool found = true;
    enum err err = ERR_OK;
    *came = false;
    for (int i = 0; !err && found && !*came && at.has_parent && i < FORKS_MAX; i++) {
        const struct id parent = at.parent.log;
        *came = id_equal(&parent, other);
        if (!*came)
            err = stream_log_find(db, &parent, &found, &at, fault);
    }
    return err;
}

enum err duplicate_judge(struct database *db, const struct stream_log *log, int64_t seq,
                         int64_t event_no, int64_t now_ms, struct fault *fault)
{
    struct place before = {0};
    char id[ID_TEXT + 1];
    char detail[DETAIL_MAX];
    bool expected = false;
    enum err err = find_place(db, event_no, &before, fault);
    if (!err && before.log_no == log->no)
        expected = before.seq == seq; /* it was held there, and came once more */
    else if (!err)
        err = came_from(db, log, &before.log, &expected, fault);
    if (err || expected)
        return err;
    id_format(&before.log, id);
    (void)snprintf(detail, sizeof detail,
                   "seq %" PRId64 " is the event that log %s has at seq %" PRId64, seq, id,
                   before.seq);
    const struct log_exception exception = {.code = "duplicate_event",
                                            .device = log->device,
                                            .log = log->id,
                                            .detail = detail,
                                            .now_ms = now_ms};
    return log_exception_raise(db, &exception, fault);
}
