/*
 * A return of a receipt that another store wrote, holds, or has just asked for: that store is told
 * what becomes of it, so that it takes the same pieces back no more, with the link or, later,
 * without. Of the centre's
 * own returns, which no store captured, it is told how goods and money go on, too. Inside the
 * caller's transaction.
 */
#ifndef SYNC_HUB_CONNECT_HOME_STORE_H
#define SYNC_HUB_CONNECT_HOME_STORE_H

#include "hal/database.h"
#include "sync/hub/connect/told.h"

/* Asks a server ahead what home_store_tell will want to know of it; `ours`: the centre said it. */
enum err home_store_ask(struct database *db, enum event_type type, bool ours,
                        const struct id *correlation, int64_t now_ms,
                        struct fault *fault) MUST_CHECK;
/* Puts the event, as it came, into the inboxes of those stores, if it concerns them. */
enum err home_store_tell(struct database *db, const struct event *event, struct slice body,
                         int64_t now_ms, struct told *told, struct fault *fault) MUST_CHECK;

#endif
