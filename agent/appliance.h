/*
 * The appliance's process: opens everything in order, ties it together, closes it in reverse. The
 * only place that knows all parts. One loop thread; the event log has its writer thread.
 */
#ifndef AGENT_APPLIANCE_H
#define AGENT_APPLIANCE_H

#include "hal/settings.h"

struct appliance;

/* `folder` is the state directory; made if it isn't there. ERR_LOCKED when it is in use. */
enum err appliance_open(struct appliance **appliance, const char *folder,
                        const struct settings *settings, struct fault *fault) MUST_CHECK;
/* "127.0.0.1:8080": where it serves. Borrowed. */
const char *appliance_address(const struct appliance *appliance);
/*
 * Serves until SIGTERM or SIGINT: false. True when the appliance has got another identity
 * (`tillback provision`): close it, and open it again.
 */
bool appliance_run(struct appliance *appliance);
/* Takes NULL and half-built ones. What was accepted is on disk when this returns. */
void appliance_close(struct appliance *appliance);

#endif
