/*
 * The door through which the store's screens, tills and tools come in: the HTTP server, with TLS
 * when the settings name a certificate, before the one who answers. A certificate that can't be
 * used is told, and looked at until it can be; meanwhile the last good one serves. Loop thread
 * only.
 */
#ifndef AGENT_DOOR_H
#define AGENT_DOOR_H

#include "hal/settings.h"
#include "sync/transport/http.h"

struct door;

/* All borrowed. */
struct door_config {
    struct loop *loop;
    struct clock *clock;
    struct diag *diag;
    const struct settings *settings;
    const char *folder; /* state directory */
    void (*handle)(void *context, struct http_request *request);
    void *context;
};

enum err door_open(struct door **door, const struct door_config *config,
                   struct fault *fault) MUST_CHECK;
/* "https://127.0.0.1:8080" */
void door_url(const struct door *door, struct buf *url);
/* Without "https://". Borrowed. */
const char *door_address(const struct door *door);
/* Nobody comes in any more; answers that are still to come go nowhere. Takes NULL. */
void door_stop(struct door *door);
void door_close(struct door *door); /* after the loop; takes NULL */

#endif
