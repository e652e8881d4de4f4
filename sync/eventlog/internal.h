/*
 * The event log as its own files see it. Nobody else includes this.
 *
 * The writer thread owns everything from `db` to `source`; what is under `lock` is shared.
 */
#ifndef SYNC_EVENTLOG_INTERNAL_H
#define SYNC_EVENTLOG_INTERNAL_H

#include "sync/eventlog/eventlog.h"
#include "sync/eventlog/space.h"
#include "sync/eventlog/state.h"
#include "sync/eventlog/syncer.h"
#include "sync/eventlog/views.h"
#include "sync/eventlog/wal.h"

#include <limits.h>
#include <pthread.h>

enum { SOURCE_TEXT_MAX = 200 };

struct eventlog {
    struct eventlog_config config; /* what it points to is borrowed */
    char path[PATH_MAX];           /* of the database */

    struct database *db; /* NULL while it is lost */
    struct views views;
    struct head_file *head;
    struct id_source ids;
    struct state state;
    struct space space;
    struct wal wal;
    struct syncer syncer;
    struct buf body; /* of the event that is being appended */
    bool forked_at_start;
    bool suspect; /* damage was met: the next open reads everything */
    bool shrinks; /* pages were given back: the files become shorter after this group */
    bool had_wal; /* the database was not closed properly before it was opened */
    char source[SOURCE_TEXT_MAX + 1];

    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct eventlog_command *first; /* waiting, in order of submission */
    struct eventlog_command *last;
    size_t waiting; /* so many */
    size_t told;    /* so many were in the last group */
    bool stopping;
    char next_source[SOURCE_TEXT_MAX + 1];
    struct eventlog_status status;

    pthread_t writer;
    bool writing; /* the thread is there */
    pthread_t verifier;
    bool verifying;
};

/* One command on the writer thread. */
struct eventlog_txn {
    struct eventlog *log;
    const struct eventlog_command *command;
    struct clock_reading now;
    bool saves;      /* with a savepoint of its own */
    bool wrote;      /* and its savepoint, if it saves, is open */
    bool has_first;  /* it has appended */
    struct id first; /* its first event */
    struct state before;
};

/* Before the command's first write: opens its savepoint, if it has one. */
enum err txn_will_write(struct eventlog_txn *txn, struct fault *fault) MUST_CHECK;

/* Opens the database, migrates, reads the state, compares with the head file, feeds the views. */
enum err log_open_database(struct eventlog *log, struct fault *fault) MUST_CHECK;
void log_close_database(struct eventlog *log);
/* Makes `status` what the writer has. */
void log_publish(struct eventlog *log);

/* In a transaction: lists what was lost. */
enum err lost_note(struct eventlog *log, const struct eventlog_lost *lost,
                   struct fault *fault) MUST_CHECK;
/* Reads everything, views apart: ERR_CORRUPT names the first thing that is wrong. */
enum err verify_database(struct database *db, struct fault *fault) MUST_CHECK;

/*
 * With the lock held: is it time for a group? Who was just answered is on the way with the next,
 * and waiting for those while the head file is synced costs little, since the answers wait for it
 * too.
 */
bool log_gathered(const struct eventlog *log);
/* The writer thread's function; the argument is the log. */
void *writer_run(void *context);
/* The verifying thread's. */
void *verifier_run(void *context);

/*
 * In a transaction: continues a stream under a new log id that leaves `from`, the stream's newest
 * log or one before it, at `seq`, which is there; later events, of that log and of those after it,
 * are chained anew into the new one, and the views rebuilt.
 */
enum err fork_open(struct eventlog *log, enum stream stream, const struct log_row *from,
                   int64_t seq, int64_t now_ms, struct fault *fault) MUST_CHECK;

#endif
