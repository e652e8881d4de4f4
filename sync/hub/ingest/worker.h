/*
 * The thread that owns the hub's database: work is handed over from the loop, done in the order it
 * came, and answered on the loop after COMMIT.
 *
 * What arrived while the last commit ran goes into the next transaction together (natural group
 * commit), each piece in a savepoint of its own. When the transaction can't be committed none of
 * its pieces happened; each is told so, and whoever sent them will send again. The queue is
 * bounded: what doesn't fit is refused at once.
 *
 * Work that is patient (booking, posting, matching) gives way: to make durable what stores send
 * comes first, so that a backlog of theirs isn't held up by its own books. It is done in the first
 * moment of quiet, and without one every second all the same.
 *
 * It has a file's write-ahead log kept short, too (checkpointer.h), after an answer, not before.
 */
#ifndef SYNC_HUB_INGEST_WORKER_H
#define SYNC_HUB_INGEST_WORKER_H

#include "hal/base/diag.h"
#include "hal/loop.h"
#include "sync/hub/ingest/hubdb.h"

struct worker;

/* A piece of work, part of its owner's struct; the owner keeps it until `done`. */
struct work {
    /* On the worker's thread, inside the transaction. An error undoes this piece only. */
    enum err (*run)(struct work *work, struct database *db, struct fault *fault);
    /* On the loop's thread, after COMMIT, or with why it did not happen. */
    void (*done)(struct work *work, enum err err, const struct fault *fault);
    size_t bytes; /* what it holds in memory, for the queue's bound */
    bool erases;  /* nothing of what it overwrote may stay in the write-ahead log */
    bool patient;
    struct work *next;
    enum err err;
    struct fault fault;
};

struct worker_config {
    size_t max_waiting_bytes;
    struct diag *diag;
    /*
     * On the loop's thread: another process changed the database (a backup). Looked for about
     * every `watch_ms` while idle; 0 never looks.
     */
    void (*changed)(void *context);
    /*
     * On the loop's thread: hubdb_begin said that another database is there now. Until it is opened
     * anew nothing is done any more, and all is refused as if it couldn't be reached. May come
     * several times.
     */
    void (*replaced)(void *context);
    /* On the loop's thread: a file couldn't be read, see worker_fails. After each such group. */
    void (*corrupt)(void *context);
    void *context;
    int64_t watch_ms;
};

/* `hub` belongs to the worker's thread until worker_close. */
enum err worker_open(struct worker **worker, struct loop *loop, struct hubdb *hub,
                     const struct worker_config *config, struct fault *fault) MUST_CHECK;
/* Finishes what was submitted; those `done` are called by loop_close at the latest. Takes NULL. */
void worker_close(struct worker *worker);
/*
 * Any thread. Why what was to be committed last could not be, until something is again: the
 * database is full, or can't be reached. False: it could.
 */
bool worker_fails(struct worker *worker, struct fault *fault);
/* Loop thread. ERR_BUSY when the queue is full: `done` will not come. */
enum err worker_submit(struct worker *worker, struct work *work) MUST_CHECK;

#endif
