/*
 * An invitation as the command line shows it: the code, the picture that a scanner or a phone
 * reads, and what to type on the appliance; or all that as JSON. Prints.
 */
#ifndef SYNC_HUB_DEVICE_INVITATION_H
#define SYNC_HUB_DEVICE_INVITATION_H

#include "sync/hub/device_words.h"
#include "sync/hub/fleet/invite.h"

enum err device_invitation_tell(const struct invite_order *order, const struct code *code,
                                const struct device_words *words, int64_t now_ms,
                                struct fault *fault) MUST_CHECK;

#endif
