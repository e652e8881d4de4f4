/*
 * Events of the centre: facts that arise at the hub (posted, settled, checked), kept in a log of
 * its own, in the trail of their return, and told to the appliance that took the return in. The
 * centre numbers its events of a return from 1, as each source does. Inside the caller's
 * transaction.
 */
#ifndef SYNC_HUB_INGEST_CENTRE_H
#define SYNC_HUB_INGEST_CENTRE_H

#include "hal/database.h"
#include "sync/contract/event.h"

#define CENTRE_DEVICE "centre"

struct centre_fact {
    struct id correlation; /* the return */
    const char *subject;   /* NULL: the return */
    enum event_type type;
    struct slice data; /* its JSON object */
    int64_t now_ms;
    const char *device; /* who is told; NULL: the return's appliance, if there is one */
    bool unordered;     /* it is no step of the return, and takes no place among them */
    /*
     * What it came of (a payment, a line of a settlement). The same fact then has the same id even
     * where a restored hub has forgotten it and records it again; where it has not, what was said
     * first stands, and nothing happens. NULL: it gets an id of its own.
     */
    const char *key;
};

/*
 * The id of what `key` names among what there is of one `kind` about `about` (NULL: about nothing):
 * UUID version 8 (RFC 9562, section 5.8), the same on every hub and after every restore.
 */
struct id centre_id(const struct id *about, const char *kind, const char *key);

/*
 * Stores the event and puts it into the inbox of the return's appliance. `device` is that one, ""
 * when the return is of none, or the fact was recorded before.
 */
enum err centre_record(struct database *db, const struct centre_fact *fact,
                       char device[static DEVICE_ID_MAX + 1], struct fault *fault) MUST_CHECK;

/*
 * Asks a server ahead what recording this fact, which has a key, will want to know: it travels with
 * the caller's next question.
 */
enum err centre_ask(struct database *db, const struct centre_fact *fact,
                    struct fault *fault) MUST_CHECK;

/* Many at once, in their order; devices[i] is that of facts[i]. */
enum err centre_record_all(struct database *db, const struct centre_fact *facts, size_t count,
                           char (*devices)[DEVICE_ID_MAX + 1], struct fault *fault) MUST_CHECK;

/*
 * Whether the centre has recorded this fact, which has a key: ERR_CONFLICT when something else
 * came of the same key.
 */
enum err centre_knows(struct database *db, const struct centre_fact *fact, bool *known,
                      struct fault *fault) MUST_CHECK;

/*
 * Stores an event that a person made to say anew what a device's event said wrongly; it stands in
 * the place of that one, and the centre's log. No appliance is told. *event_no is its row.
 */
enum err centre_mend(struct database *db, const struct event *event, const char *device,
                     int64_t now_ms, int64_t *event_no, struct fault *fault) MUST_CHECK;

/*
 * Stores the event and leaves telling it to the caller (inbox_put): its exact body is appended to
 * `body`. *event_no is its row, 0 when the fact was recorded before.
 */
enum err centre_store(struct database *db, const struct centre_fact *fact, struct buf *body,
                      int64_t *event_no, struct fault *fault) MUST_CHECK;
/* Puts an event's body into the inbox of each appliance of the store. */
typedef void centre_told(void *context, const char *device);
enum err centre_tell_store(struct database *db, const char *store, struct slice body,
                           int64_t now_ms, centre_told *told, void *context,
                           struct fault *fault) MUST_CHECK;

#endif
