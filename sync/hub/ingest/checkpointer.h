/*
 * Moves what the write-ahead log holds into the database's file on a thread and a handle of its
 * own, so that the writer needn't wait for a second copy of all that it has made durable already.
 *
 * The log can begin anew only when all of it is moved and nobody reads in it. A writer that goes on
 * without a pause, and readers who follow each other without one, leave no such moment. So when the
 * log has become long the writer moves the little that is left itself, and if that doesn't help
 * waits for the readers a little: whoever reads beside it does so in short transactions.
 */
#ifndef SYNC_HUB_INGEST_CHECKPOINTER_H
#define SYNC_HUB_INGEST_CHECKPOINTER_H

#include "sync/hub/ingest/hubdb.h"

struct checkpointer;

/*
 * The handle of `hub`, which is the writer's and outlives it, makes no checkpoint by itself from
 * now on. A server's database needs none: *checkpointer is NULL then.
 */
enum err checkpointer_open(struct checkpointer **checkpointer, struct hubdb *hub,
                           struct fault *fault) MUST_CHECK;
/* Does first what it was asked for. Takes NULL. */
void checkpointer_close(struct checkpointer *checkpointer);
/* The writer's thread, after a commit. Blocks only when the log is too long. Takes NULL. */
void checkpointer_tend(struct checkpointer *checkpointer);

#endif
