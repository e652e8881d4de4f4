/*
 * Ends a live session at the broker. A broker with a new revocation list turns away whoever comes,
 * but not who is there. It knows its clients by their certificates' names, and a second client of a
 * name ends the first: so the hub, which has the authority, makes itself a certificate of that name
 * for a few minutes, connects once, and leaves. Needs nothing of the broker but MQTT. Loop thread.
 */
#ifndef SYNC_HUB_EVICTION_H
#define SYNC_HUB_EVICTION_H

#include "sync/hub/fleet/authorities.h"
#include "sync/transport/mqtt.h"

struct eviction;

struct eviction_config {
    const char *url;
    const char *proxy;
    const char *ca_file;
    const char *runtime_folder;
    const char *device;
    struct clock *clock;
    struct diag *diag;
    /* Comes once; the object is then only good for eviction_close. */
    void (*ended)(void *context, enum err err, const struct fault *fault);
    void *context;
};

/* The authority is needed for this call only. Texts are borrowed until the end. */
enum err eviction_open(struct eviction **eviction, struct loop *loop,
                       const struct eviction_config *config, struct authority *authority,
                       struct fault *fault) MUST_CHECK;
void eviction_close(struct eviction *eviction); /* takes NULL */

#endif
