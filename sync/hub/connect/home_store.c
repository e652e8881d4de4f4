#include "sync/hub/connect/home_store.h"
#include "sync/hub/ingest/inbox.h"
#include "sync/hub/ingest/ingest.sql.h"

#include <stdio.h>

enum { HOMES_MAX = 16 };

struct homes {
    char devices[HOMES_MAX][DEVICE_ID_MAX + 1];
    size_t count;
    bool of_centre; /* the return is the centre's own */
};

/* Events that change how much of a receipt counts as returned. */
static bool counts(enum event_type type)
{
    return type == EVENT_RETURN_CREATED || type == EVENT_RETURN_APPROVED ||
           type == EVENT_RETURN_DECLINED || type == EVENT_RETURN_VOIDED ||
           type == EVENT_RETURN_CHECKED;
}

/* The centre says these of its own returns and, where it pays out, of those of stores. */
static bool goes_on(enum event_type type, bool ours)
{
    return ours && (type == EVENT_ITEM_RECEIVED || type == EVENT_REFUND_ISSUED ||
                    type == EVENT_REFUND_FAILED || type == EVENT_REFUND_SETTLED);
}

static enum err bind(struct database *db, const struct id *correlation, int64_t now_ms,
                     struct statement **ready, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_HOMES_OF_RETURN, &s, fault);
    if (err)
        return err;
    bind_blob(s, 1, correlation->bytes, ID_BYTES);
    bind_int(s, 2, now_ms);
    *ready = s;
    return ERR_OK;
}

enum err home_store_ask(struct database *db, enum event_type type, bool ours,
                        const struct id *correlation, int64_t now_ms, struct fault *fault)
{
    struct statement *s;
    if (!counts(type) && !goes_on(type, ours))
        return ERR_OK;
    enum err err = bind(db, correlation, now_ms, &s, fault);
    return err ? err : database_ask(db, s, fault);
}

static enum err find(struct database *db, const struct id *correlation, int64_t now_ms,
                     struct homes *homes, struct fault *fault)
{
    struct statement *s;
    bool row = true;
    enum err err = bind(db, correlation, now_ms, &s, fault);
    if (err)
        return err;
    while (homes->count < HOMES_MAX && (err = database_step(db, s, &row, fault)) == ERR_OK && row) {
        (void)snprintf(homes->devices[homes->count++], DEVICE_ID_MAX + 1, "%s", column_text(s, 0));
        homes->of_centre = (int)column_int(s, 1) != 0;
    }
    statement_reset(s);
    return err;
}

enum err home_store_tell(struct database *db, const struct event *event, struct slice body,
                         int64_t now_ms, struct told *told, struct fault *fault)
{
    struct homes homes = {.count = 0};
    int64_t number;
    if (!counts(event->type) && !goes_on(event->type, slice_is(event->source, "/centre")))
        return ERR_OK;
    enum err err = find(db, &event->correlation, now_ms, &homes, fault);
    if (err || (!counts(event->type) && !homes.of_centre))
        return err;
    for (size_t i = 0; !err && i < homes.count; i++) {
        told_add(told, homes.devices[i]);
        err = inbox_put(db, homes.devices[i], body, now_ms, &number, fault);
    }
    return err;
}
