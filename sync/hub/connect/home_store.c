#include "sync/hub/connect/home_store.h"
#include "sync/hub/ingest/inbox.h"
#include "sync/hub/ingest/ingest.sql.h"

#include <stdio.h>

static bool counts(enum event_type type)
{
    return type == EVENT_RETURN_CREATED || type == EVENT_RETURN_APPROVED ||
           type == EVENT_RETURN_DECLINED || type == EVENT_RETURN_VOIDED ||
           type == EVENT_RETURN_CHECKED;
}

enum err home_store_tell(struct database *db, const struct event *event, struct slice body,
                         int64_t now_ms, struct told *told, struct fault *fault)
{
    char home[DEVICE_ID_MAX + 1] = "";
    struct statement *s;
    int64_t number;
    bool row;
    if (!counts(event->type))
        return ERR_OK;
    enum err err = database_statement(db, INGEST_HOME_OF_RETURN, &s, fault);
    if (err)
        return err;
    bind_blob(s, 1, event->correlation.bytes, ID_BYTES);
    err = database_step(db, s, &row, fault);
    if (err)
        return err;
    if (row)
        (void)snprintf(home, sizeof home, "%s", column_text(s, 0));
    statement_reset(s);
    if (!row)
        return ERR_OK;
    told_add(told, home);
    return inbox_put(db, home, body, now_ms, &number, fault);
}
