/*
 * Fetches what the hub has parked beyond what its acknowledgements name, page by page, whenever
 * there is another number of it here than there: so that a store sees all of it. Loop thread only.
 */
#ifndef SYNC_UPLINK_PARKED_PAGES_H
#define SYNC_UPLINK_PARKED_PAGES_H

#include "sync/uplink/uplink.h"

struct parked_pages;

enum err parked_pages_open(struct parked_pages **pages, struct uplink *uplink, struct loop *loop,
                           const struct uplink_config *config, struct fault *fault) MUST_CHECK;
void parked_pages_close(struct parked_pages *pages); /* takes NULL */

/* The log has taken that acknowledgement of the current log. */
void parked_pages_acknowledged(struct parked_pages *pages, enum stream stream,
                               const struct ack *ack);
/* The connection is gone: it begins anew with the next acknowledgement. */
void parked_pages_lost(struct parked_pages *pages);
/* A message under down/parked. */
void parked_pages_came(struct parked_pages *pages, const struct mqtt_message *message);

#endif
