/*
 * Whether batches go compressed: to a hub that says in its acknowledgements that it reads them, and
 * only as long as it does. An older hub never says so. One that has taken a newer one's place may
 * say nothing at all to what it can't read, while the broker still keeps what the newer one said:
 * after an acknowledgement that didn't come, only one made since counts. And a hub that takes its
 * word back has met a batch that it couldn't read: then they go as they are until the next
 * connection. So no batch is ever lost for being compressed.
 *
 * Pure.
 */
#ifndef SYNC_UPLINK_ENCODING_H
#define SYNC_UPLINK_ENCODING_H

#include <stdbool.h>

struct encoding {
    bool accepted; /* as told last */
    bool doubted;  /* what was kept by the broker doesn't count */
    bool refused;  /* on this connection */
};

void encoding_connected(struct encoding *encoding);
/* An acknowledgement. True if what is on the road compressed is to be sent again as it is. */
bool encoding_told(struct encoding *encoding, bool accepts, bool retained);
/* Batches were not acknowledged in time. */
void encoding_unanswered(struct encoding *encoding);
bool encoding_compresses(const struct encoding *encoding);

#endif
