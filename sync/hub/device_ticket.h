/*
 * Tickets for technicians (provisioning/ticket.h): signed by the hub's signer, written to a file
 * that is carried to the appliance on a stick. Blocks on the disk.
 */
#ifndef SYNC_HUB_DEVICE_TICKET_H
#define SYNC_HUB_DEVICE_TICKET_H

#include "sync/hub/device_words.h"
#include "sync/hub/fleet/roster.h"

/*
 * Makes one for the appliance, as the words say: name (to whom), reason, action, hours, out. Says
 * what to do with it. ERR_INVALID for a word that is missing or wrong.
 */
enum err device_ticket_make(const char *state, const struct roster_device *device,
                            const struct device_words *words, int64_t now_ms,
                            struct fault *fault) MUST_CHECK;

#endif
