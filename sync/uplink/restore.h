/*
 * Brings back what this appliance has lost and the hub still holds: asks which logs there are,
 * notes those that are not here, and asks for the events of each note, a batch after the other. A
 * question that stays without an answer is asked again with the next connection. Loop thread only.
 */
#ifndef SYNC_UPLINK_RESTORE_H
#define SYNC_UPLINK_RESTORE_H

#include "sync/uplink/uplink.h"

struct restore;

/* `config` and `reader` are borrowed. */
enum err restore_open(struct restore **restore, struct uplink *uplink, struct loop *loop,
                      const struct uplink_config *config, struct eventlog_reader *reader,
                      void (*done)(struct uplink *uplink), struct fault *fault) MUST_CHECK;
void restore_close(struct restore *restore); /* takes NULL */

/* There is a link. */
void restore_begin(struct restore *restore);
/*
 * Whether events are still to come back, or it isn't known yet. News of the centre about them has
 * no meaning before; so it waits, but not longer than the hub is given to answer. `done` is
 * called when it is over.
 */
bool restore_is_busy(const struct restore *restore);
/* What came on down/logs and down/restored. */
void restore_listed(struct restore *restore, const struct mqtt_message *message);
void restore_came(struct restore *restore, const struct mqtt_message *message);

#endif
