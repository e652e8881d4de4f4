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
    enum event_type type;
    struct slice data; /* its JSON object */
    int64_t now_ms;
};

/*
 * Stores the event and puts it into the inbox of the return's appliance. `device` is that one, ""
 * when the return is of none.
 */
enum err centre_record(struct database *db, const struct centre_fact *fact,
                       char device[static DEVICE_ID_MAX + 1], struct fault *fault) MUST_CHECK;

#endif
