/*
 * Keeps the door: who of the fleet is closed, what the brokers trust, and that a live connection of
 * who was closed ends, or of a box whose name another box has now. It looks again when another
 * process has changed the database, and now and then by itself, so that no revocation list grows
 * too old, and no certificate of the hub or of a server. Loop thread; its looks block on the disk
 * for some milliseconds.
 */
#ifndef SYNC_HUB_DOOR_H
#define SYNC_HUB_DOOR_H

#include "sync/hub/fleet/roster.h"
#include "sync/hub/ingest/worker.h"
#include "sync/transport/mqtt.h"

struct door;

enum { DOOR_BROKERS = 2 };

struct door_config {
    const char *state;                   /* the hub's directory; an authority may be there or not */
    struct database *reader;             /* the loop's */
    struct roster *roster;               /* of the worker's handle */
    struct worker *worker;               /* notes what was done */
    const char *broker_folder;           /* NULL, or where the brokers read their files */
    const char *pid_files[DOOR_BROKERS]; /* of brokers to be told to read again; NULL: none */
    const char *url;                     /* the broker's, for evictions */
    const char *proxy;
    const char *ca_file;
    const char *runtime_folder;
    struct clock *clock;
    struct diag *diag;
    void (*changed)(void *context); /* authorities, lists or certificates are others now */
    void *context;
};

enum err door_open(struct door **door, struct loop *loop, const struct door_config *config,
                   struct fault *fault) MUST_CHECK;
void door_close(struct door *door); /* takes NULL; before worker_close */

/* The database may have changed. */
void door_look(struct door *door);
/* As well; many such calls make one look. */
void door_look_soon(struct door *door);
/* Whether nothing is to be taken from this device; if it speaks all the same, it is evicted again.
 */
bool door_turns_away(struct door *door, const char *device);
/* The earliest nextUpdate of the lists that the brokers read; 0: this hub has no authority. */
int64_t door_list_until_ms(const struct door *door);

#endif
