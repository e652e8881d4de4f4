/*
 * The hub's database and who works on it: the handle of the worker and its thread, the handle of
 * the loop, the auditor who reads it through, and the vault of the customers' keys. When another
 * database has taken its place, or it is found damaged and opening it would rescue it, the hub is
 * asked to begin anew (hub.h). Loop thread; opening blocks on the disk.
 */
#ifndef SYNC_HUB_STRONGROOM_H
#define SYNC_HUB_STRONGROOM_H

#include "sync/hub/auditor.h"
#include "sync/hub/hub_config.h"
#include "sync/hub/ingest/vault.h"
#include "sync/hub/ingest/worker.h"

/* The first part is for all to use. */
struct strongroom {
    struct hubdb *db;      /* the worker's, once that has its thread */
    struct hubdb *reader;  /* the loop's */
    struct worker *worker; /* NULL until strongroom_begin; stays, closed, after strongroom_end */
    struct auditor *auditor;
    struct vault vault;
    struct loop *loop;
    const struct hub_config *config;
    void (*changed)(void *context);
    void *context;
    bool ending; /* asked for already, or begun */
};

/* `room` is zeroed, `config` outlives it. strongroom_close it even when it fails. */
enum err strongroom_open(struct strongroom *room, struct loop *loop,
                         const struct hub_config *config, struct fault *fault) MUST_CHECK;
/* The worker gets its thread. `changed` as worker_config has it. */
enum err strongroom_begin(struct strongroom *room, void (*changed)(void *context), void *context,
                          struct fault *fault) MUST_CHECK;
/* The worker finishes, see worker_close; the hub is asked nothing any more. */
void strongroom_end(struct strongroom *room);
/* After that. What is posted already may still come, so the memory stays for it. */
void strongroom_close(struct strongroom *room);

#endif
