#include "sync/eventlog/parked.h"
#include "sync/eventlog/internal.h"

#include <stdio.h>

enum err parked_read(struct statement *row, struct eventlog_parked *parked, struct fault *fault)
{
    struct ack_parked *item = &parked->item;
    if (column_bytes(row, 0, item->id.bytes, ID_BYTES) ||
        column_bytes(row, 5, parked->log.bytes, ID_BYTES))
        return fault_set(fault, ERR_CORRUPT, "parked", "an id has a wrong length");
    parked->stream = log_stream(column_int(row, 1));
    item->seq = column_int(row, 2);
    struct slice code = column_slice(row, 3);
    struct slice detail = column_slice(row, 4);
    (void)snprintf(item->code, sizeof item->code, "%.*s", (int)code.len, code.data);
    (void)snprintf(item->detail, sizeof item->detail, "%.*s", (int)detail.len, detail.data);
    return ERR_OK;
}

enum err eventlog_txn_parked(struct eventlog_txn *txn, const struct id *event,
                             struct eventlog_parked *parked, struct fault *fault)
{
    struct database *db = txn->log->db;
    struct statement *s;
    bool there;
    enum err err =
        database_find_bytes(db, LOG_PARKED_BY_ID, event->bytes, ID_BYTES, &s, &there, fault);
    if (err)
        return err;
    err = there ? parked_read(s, parked, fault)
                : fault_set(fault, ERR_NOT_FOUND, "id", "the hub has no event of this id parked");
    statement_reset(s);
    return err;
}
