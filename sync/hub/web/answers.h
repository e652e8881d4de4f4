/*
 * What the hub's HTTP API says: each function writes one answer from the database. Reads only.
 * Lists are pages: `cursor` in the answer is what to ask `from` next, null at the end.
 */
#ifndef SYNC_HUB_WEB_ANSWERS_H
#define SYNC_HUB_WEB_ANSWERS_H

#include "sync/hub/ingest/access.h"
#include "sync/hub/web/web.h"

struct answers;

struct answers_asked {
    const struct http_request *request; /* for its query */
    const char *rest;                   /* the path's last part: an id */
    enum access_role role;              /* of who asks */
};

enum err answers_open(struct answers **answers, const struct web_config *config,
                      struct fault *fault) MUST_CHECK;
void answers_close(struct answers *answers); /* takes NULL */

/* A return by its id or number: ERR_NOT_FOUND when there is none of that number. */
enum err answers_find(struct answers *answers, const char *text, struct id *correlation,
                      struct fault *fault) MUST_CHECK;

/* Each: appends to `out`; ERR_NOT_FOUND, ERR_INVALID (a bad `from` or id), or the database's. */
typedef enum err answers_write(struct answers *answers, const struct answers_asked *asked,
                               struct buf *out, struct fault *fault);
answers_write answers_health;
answers_write answers_devices;
answers_write answers_device;
answers_write answers_events; /* ?device=&from= */
/* The trail of one return, its id or number; for the back office what is personal, and entries. */
answers_write answers_return;
answers_write answers_find_returns; /* ?receipt= or ?number= or ?posted= or ?device=&seq= */
answers_write answers_journal;      /* ?return= (id) or ?state=, ?from= */
answers_write answers_export;       /* ?format=csv|ledger, ?from_day=&to_day= */
answers_write answers_parked;       /* ?from=; events, and journal entries that are parked */
answers_write answers_audit;        /* ?from= */

#endif
