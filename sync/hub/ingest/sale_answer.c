#include "sync/hub/ingest/sale_answer.h"
#include "hal/base/cleanup.h"
#include "sync/contract/sale_query.h"
#include "sync/hub/ingest/ingest.sql.h"

#include <stdio.h>

enum { LEASE_MS = 120 * 1000 }; /* that a receipt is reserved for who asked for it */

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

/* Nobody else is at the receipt for as long as a clerk may need for it, once. */
static enum err reserve(struct database *db, const char *device, int64_t now_ms,
                        struct sale_reply *reply, struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_statement(db, INGEST_LEASE_FIND, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, reply->receipt);
    bind_text(s, 2, device);
    bind_int(s, 3, now_ms);
    err = database_step(db, s, &row, fault);
    if (!err && row)
        reply->reserved_until_ms = column_int(s, 0);
    statement_reset(s);
    if (err || row)
        return err;
    err = database_statement(db, INGEST_LEASE_TAKE, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, reply->receipt);
    bind_text(s, 2, device);
    bind_int(s, 3, now_ms + LEASE_MS);
    return database_run(db, s, fault);
}

enum err sale_answer_write(struct database *db, const char *device, const char *receipt,
                           int64_t now_ms, struct buf *out, struct fault *fault)
{
    struct sale_reply reply = {0};
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, SALE_REPLY_BYTES_MAX);
    (void)snprintf(reply.receipt, sizeof reply.receipt, "%s", receipt);
    enum err err = find_sale(db, &reply, &arena, fault);
    if (!err)
        err = find_returns(db, &reply, &arena, fault);
    if (!err)
        err = reserve(db, device, now_ms, &reply, fault);
    if (err)
        return err;
    sale_reply_write(out, &reply);
    return buf_check(out, fault, "reply");
}
