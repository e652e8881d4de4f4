/*
 * Somebody sent what only the payment provider may send, and it isn't signed by it: the secret was
 * changed on one side only, or it is forged. Told to people as the exception signature_invalid, at
 * most once a minute: who sends such things may send many. Loop thread only.
 */
#ifndef SYNC_HUB_WEB_FORGED_H
#define SYNC_HUB_WEB_FORGED_H

#include "sync/hub/web/web.h"

/* `why` is what was wrong; *noted_ms is when this was last called and did something, 0 at first. */
void forged_note(const struct web_config *config, const struct fault *why, int64_t *noted_ms);

#endif
