#include "sync/hub/ingest/sale_answer.h"
#include "hal/base/cleanup.h"
#include "sync/hub/ingest/ingest.sql.h"

#include <stdio.h>

enum { HOLDER_SENDS_MS = 1000 }; /* what it has saved and is not here yet comes before that */

/* A copy of the row's body in the arena. */
static enum err keep_body(struct statement *s, struct arena *arena, struct slice *body,
                          struct fault *fault)
{
    struct slice found = column_slice(s, 0);
    const char *copy = arena_slice_text(arena, found);
    if (!copy)
        return fault_set(fault, ERR_TOO_LARGE, "receipt", "more is known than fits an answer");
    *body = (struct slice){copy, found.len};
    return ERR_OK;
}

static enum err find_sale(struct database *db, struct sale_reply *reply, struct arena *arena,
                          struct fault *fault)
{
    char subject[SALE_QUERY_RECEIPT_MAX + sizeof "receipt/"];
    struct statement *s;
    bool row;
    (void)snprintf(subject, sizeof subject, "receipt/%s", reply->receipt);
    enum err err = database_statement(db, INGEST_SALE_BY_SUBJECT, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, subject);
    err = database_step(db, s, &row, fault);
    if (!err && row)
        err = keep_body(s, arena, &reply->sale, fault);
    statement_reset(s);
    return err;
}

static enum err find_returns(struct database *db, struct sale_reply *reply, struct arena *arena,
                             struct fault *fault)
{
    struct statement *s;
    bool row = true;
    enum err err = database_statement(db, INGEST_EVENTS_OF_RECEIPT, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, reply->receipt);
    bind_int(s, 2, SALE_REPLY_EVENTS_MAX + 1);
    while (!err && (err = database_step(db, s, &row, fault)) == ERR_OK && row) {
        if (reply->event_count == SALE_REPLY_EVENTS_MAX)
            err = fault_set(fault, ERR_TOO_LARGE, "receipt", "more than %d events are known of it",
                            SALE_REPLY_EVENTS_MAX);
        else
            err = keep_body(s, arena, &reply->events[reply->event_count++], fault);
    }
    statement_reset(s);
    return err;
}

static enum err write_facts(struct database *db, struct sale_reply *reply, struct buf *out,
                            struct fault *fault)
{
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, SALE_REPLY_BYTES_MAX);
    enum err err = find_sale(db, reply, &arena, fault);
    if (!err)
        err = find_returns(db, reply, &arena, fault);
    if (err)
        return err;
    sale_reply_write(out, reply);
    return buf_check(out, fault, "reply");
}

enum err sale_answer_write(struct database *db, const char *device, const struct sale_query *query,
                           int64_t now_ms, struct lease_ask *ask, struct buf *out,
                           struct fault *fault)
{
    struct sale_reply reply = {0};
    (void)snprintf(reply.receipt, sizeof reply.receipt, "%s", query->receipt);
    ask->holder[0] = '\0';
    enum err err = lease_take(db, query->receipt, device, now_ms, &reply.reserved_until_ms, fault);
    if (!err && query->reserve && !reply.reserved_until_ms)
        err = lease_ask_holder(db, query, device, now_ms, &reply.awaits_holder, ask, fault);
    if (err)
        return err;
    if (!reply.awaits_holder)
        return write_facts(db, &reply, out, fault);
    sale_reply_write(out, &reply);
    return buf_check(out, fault, "reply");
}

enum err sale_answer_confirmed(struct database *db, const char *holder,
                               const struct reserved *reserved, int64_t now_ms,
                               char device[static DEVICE_ID_MAX + 1], struct buf *out,
                               struct fault *fault)
{
    struct sale_reply reply = {0};
    bool all = true;
    (void)snprintf(reply.receipt, sizeof reply.receipt, "%s", reserved->receipt);
    enum err err = lease_answered(db, reserved->receipt, holder, now_ms, device, fault);
    if (err || !device[0])
        return err;
    err = lease_has_all(db, reserved, &all, fault);
    reply.confirmed = all;
    if (!all)
        reply.reserved_until_ms = now_ms + HOLDER_SENDS_MS;
    return err ? err : write_facts(db, &reply, out, fault);
}
