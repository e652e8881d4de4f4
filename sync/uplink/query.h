/*
 * Questions to the hub with an answer or an end within a time limit: MQTT 5 request and response,
 * up/query and down/reply, matched by correlation data. Loop thread only.
 */
#ifndef SYNC_UPLINK_QUERY_H
#define SYNC_UPLINK_QUERY_H

#include "hal/base/id.h"
#include "hal/loop.h"
#include "sync/contract/sale_query.h"
#include "sync/transport/mqtt.h"

enum { QUERY_TIMEOUT_MS = 2000, QUERIES_MAX = 32 };

struct query_list;

/*
 * The hub's answer (JSON, borrowed), or ERR_TIMEOUT, ERR_CLOSED, ... with nothing; ERR_BUSY when
 * the hub still waits for the store that wrote the receipt, and it is to be asked again. Comes
 * once.
 */
typedef void query_done(void *context, enum err err, struct slice answer);

/* NULL on no memory. */
struct query_list *query_list_open(struct loop *loop);
/* Every question that waits ends with ERR_CLOSED. Takes NULL. */
void query_list_close(struct query_list *list);
/* The way that a question takes. */
struct query_road {
    struct mqtt *mqtt;
    const char *device;
    int64_t now_ms; /* wall time, for the question's id */
};

/*
 * Asks what is known of a receipt. ERR_BUSY when QUERIES_MAX wait, ERR_INVALID for a receipt that
 * is empty, ERR_CLOSED without a connection; `done` doesn't come then.
 */
enum err query_ask(struct query_list *list, const struct query_road *road,
                   const struct sale_query *question, query_done *done, void *context,
                   struct fault *fault) MUST_CHECK;
/* An answer came; one that nobody waits for is passed over. */
void query_answered(struct query_list *list, struct slice correlation, struct slice answer);
/* The link is gone: all that wait end with `err`. */
void query_fail_all(struct query_list *list, enum err err);

#endif
