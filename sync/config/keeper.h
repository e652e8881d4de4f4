/*
 * Keeps the appliance as the hub wants it: takes a signed configuration, checks all of it before
 * anything changes, records it on disk, puts it in force, and reports. What concerns the way to the
 * hub is put in force on trial: it must prove itself by a round trip before a deadline, or the
 * configuration before it comes back; a power cut doesn't lengthen the trial. Loop thread only;
 * blocks on the disk for as long as a small file takes.
 */
#ifndef SYNC_CONFIG_KEEPER_H
#define SYNC_CONFIG_KEEPER_H

#include "hal/base/diag.h"
#include "hal/clock.h"
#include "hal/loop.h"
#include "sync/config/part.h"

struct keeper;

enum { KEEPER_PARTS_MAX = CONFIG_SECTION_COUNT };

struct keeper_config {
    const char *folder;          /* its own, made when there is something to keep */
    const char *identity_folder; /* whom to trust: read anew for each document */
    const char *device;
    const char *store;
    const struct config_part *parts;
    size_t part_count;
    /* Publishes on up/config, retained; may fail: it is told again. */
    void (*tell)(void *context, struct slice report);
    /* A document's fate was settled or has changed: on disk already. Told again at each start. */
    void (*settled)(void *context, const struct config_report *report);
    void *context;
    struct clock *clock;
    struct diag *diag;
};

/*
 * Puts in force what was in force before. A trial that was under way goes on, unless its time is
 * up, the clock went back, or the program has started too often in it.
 */
enum err keeper_open(struct keeper **keeper, struct loop *loop, const struct keeper_config *config,
                     struct fault *fault) MUST_CHECK;
void keeper_close(struct keeper *keeper); /* takes NULL */

/* What came under down/config and down/config-ack. */
void keeper_take(struct keeper *keeper, struct slice envelope);
void keeper_acknowledged(struct keeper *keeper, struct slice ack);
/* There is a connection, made with the settings that are in force now; and: it is gone. */
void keeper_connected(struct keeper *keeper);
void keeper_disconnected(struct keeper *keeper);
/* How it stands now, with what drifted. */
void keeper_report(const struct keeper *keeper, struct config_report *report);

#endif
