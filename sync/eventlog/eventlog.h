/*
 * The event log: the one truth of an appliance, in one SQLite database.
 *
 * Two streams (returns, sales), each a log with its own id, gapless `seq` from 1 and hash chain
 * (sync/contract/chain.h). A body is the exact CloudEvents JSON that goes on the wire. Everything
 * else in the database is a view: registered by its owner, updated in the transaction that appends,
 * rebuildable from the log. Messages received from the hub are kept in the inbox for that reason.
 *
 * Threads: one writer thread inside. Commands are decided on it, each wholly or not, in the order
 * of submission, seeing what earlier commands of the same group did; what arrived while the last
 * fsync ran goes into the next transaction (natural group commit). `done` is called on the writer
 * thread, after COMMIT and after the head file is written: nobody answers, beeps or prints before.
 * A disk that is full while COMMIT writes undoes the group for certain: ERR_DISK_FULL. After any
 * other failed COMMIT every command of the group gets ERR_UNKNOWN_OUTCOME and the database is
 * opened and read again; until that succeeds, commands get the reason why it did not.
 * Readers are handles of their own, one for each thread that reads.
 *
 * The log knows no domain. It never deletes what the other side has not backed up.
 */
#ifndef SYNC_EVENTLOG_EVENTLOG_H
#define SYNC_EVENTLOG_EVENTLOG_H

#include "hal/base/diag.h"
#include "hal/clock.h"
#include "hal/database.h"
#include "sync/contract/ack.h"
#include "sync/contract/event.h"
#include "sync/contract/inbox.h"

struct eventlog;
struct eventlog_txn;
struct eventlog_reader;

/* One stored event. Slices are borrowed for the call that hands it over. */
struct eventlog_record {
    enum stream stream; /* STREAM_CENTRE for an inbox message */
    struct id log;
    int64_t seq;        /* inbox: the hub's number */
    struct sha256 hash; /* the chain at this event; inbox: of the body */
    struct slice body;
    struct event event; /* the body, read */
};

/*
 * A view: tables made from events. `apply` runs on the writer thread in the appending transaction,
 * for each event of each stream and the inbox, in order; it may fail only for reasons of the disk.
 * A new `version` drops and rebuilds it at start.
 */
struct eventlog_view {
    const char *name;
    int version;
    const char *create; /* SQL script */
    const char *drop;   /* SQL script; must succeed when nothing is there */
    const struct database_sql *statements;
    size_t statement_count;
    enum err (*apply)(void *context, struct database_statements *sql,
                      const struct eventlog_record *record, struct fault *fault);
    void *context;
};

struct eventlog_config {
    const char *folder;    /* state directory; holds tillback.db and head */
    const char *device_id; /* for `source`, as of eventlog_identify */
    const char *store;
    const char *vfs; /* NULL, or a test's */
    struct clock *clock;
    struct diag *diag; /* may be NULL */
    const struct eventlog_view *views;
    size_t view_count;
    int64_t reserve_bytes; /* kept back on the disk to finish what is begun; 0: 4 MiB */
    /*
     * Called on the writer thread after each commit that appended or moved a watermark, and when
     * `can_save` or `tight` of the status has changed.
     */
    void (*committed)(void *context);
    void *context;
};

/*
 * Opens or creates, migrates, verifies the tail against the chain and the head file, applies what
 * a view has missed, starts the writer. ERR_NEWER_SCHEMA, ERR_READ_ONLY, ERR_DISK_FULL, ...
 * A log that is behind its head file has lost its tail: it is continued as a fork, told by
 * eventlog_status.
 * A damaged database, with its write-ahead log, is moved to a folder quarantine-TIME and kept
 * there; every event in it that verifies against its neighbour's stored hash goes into a new log
 * that names the old one as its parent, and is sent again (event ids make that harmless). What is
 * missing then is told by `lost` of the status and by eventlog_lost. So it goes, too, when damage
 * shows later: at once when the writer meets it, at the next start when only the verification did.
 * The caller holds the lock on the folder.
 */
enum err eventlog_open(struct eventlog **log, const struct eventlog_config *config,
                       struct fault *fault) MUST_CHECK;
/* Decides and commits what was submitted, then stops. Takes NULL. */
void eventlog_close(struct eventlog *log);

/*
 * Who the appliance is from now on: later commands' events carry it as `source`. `store` may be
 * empty before it is assigned one. Both are copied. Any thread.
 */
void eventlog_identify(struct eventlog *log, const char *device_id, const char *store);

/*
 * A command: decided on the writer thread, and committed once. The struct is the caller's and must
 * live until `done`. When a command of the same transaction fails after it has written, all of them
 * are undone and decided again: what `decide` or `replay` has left in its context counts for
 * nothing then. With a key: if the key is known with the same request hash, `replay` is called with
 * the first event of the earlier command instead of `decide`; with another hash the command ends
 * with ERR_CONFLICT.
 */
struct eventlog_command {
    struct slice key;               /* empty: not idempotent */
    struct slice request_hash;      /* base64url SHA-256 of the request; empty without a key */
    struct slice request_hash_also; /* one that stands for the same request; empty: none */
    /* Reads views, appends events. An error rolls this command back, and only this one. */
    enum err (*decide)(void *context, struct eventlog_txn *txn, struct fault *fault);
    enum err (*replay)(void *context, struct eventlog_txn *txn, const struct eventlog_record *first,
                       struct fault *fault);
    void (*done)(void *context, enum err err, const struct fault *fault);
    void *context;
    struct eventlog_command *next; /* the log's own */
};

/* Any thread. Never blocks on the disk. */
void eventlog_submit(struct eventlog *log, struct eventlog_command *command);

/*
 * Appends one event. The caller gives type, subject, correlation, sequence, traceparent and data;
 * the log gives id, source, times, causation (the first event of the command), key and hash, and
 * fills `draft` and `seq` with them. The stream follows from the type.
 */
enum err eventlog_append(struct eventlog_txn *txn, struct event *draft, int64_t *seq,
                         struct fault *fault) MUST_CHECK;
/* A view's statements, to read what it holds inside this transaction. */
struct database_statements *eventlog_txn_view(struct eventlog_txn *txn, const char *view);
/* The time that the events of this command carry. */
struct clock_reading eventlog_txn_now(const struct eventlog_txn *txn);
/* How many events of a stream are told as lost, as eventlog_status. */
int64_t eventlog_txn_lost(const struct eventlog_txn *txn, enum stream stream);
/* The events of one correlation, oldest first, as eventlog_history. */
typedef enum err eventlog_visit(void *context, const struct eventlog_record *record,
                                struct fault *fault);
enum err eventlog_txn_history(struct eventlog_txn *txn, const struct id *correlation,
                              eventlog_visit *visit, void *context, struct fault *fault) MUST_CHECK;

struct eventlog_parked;
/* What the hub has parked of the event with that id: ERR_NOT_FOUND when it is nothing. */
enum err eventlog_txn_parked(struct eventlog_txn *txn, const struct id *event,
                             struct eventlog_parked *parked, struct fault *fault) MUST_CHECK;

/* --- Delivery -------------------------------------------------------------------------------- */

struct eventlog_stream_status {
    struct id log;
    bool forked; /* has a parent */
    struct chain_parent parent;
    int64_t head; /* last seq, 0 when empty */
    struct sha256 head_hash;
    int64_t through; /* the hub's watermark, 0 at first */
    int64_t backed_up_through;
    int64_t first_kept; /* first seq not pruned */
    int64_t parked;     /* items that the hub parked */
};

/* Events that were saved once and are not in the log any more: seqs of the log they were in. */
struct eventlog_lost {
    struct id log; /* zeros when nobody knows */
    enum stream stream;
    int64_t first;
    int64_t last;
    int64_t at_ms;   /* wall time at which they were missed */
    char reason[80]; /* "damaged", "the tail was lost", ... */
};

struct eventlog_status {
    struct eventlog_stream_status streams[STREAMS_OF_APPLIANCE];
    /*
     * What this log has lost for good, if anything. While returns are among it, what was returned
     * of a receipt may be more than the views know.
     */
    int64_t lost[STREAMS_OF_APPLIANCE];
    int64_t lost_at_ms; /* the last time that something was missed; 0: never */
    int64_t hub_epoch;
    int64_t inbox_epoch; /* of inbox_through: the numbering that it is of */
    int64_t inbox_through;
    /*
     * False when the disk is nearly full: what is begun can be finished, but nobody should be told
     * yes to something new. True again, without a restart, when there is space.
     */
    bool can_save;
    bool tight;           /* the disk is filling: diagnostics and the like should be shed */
    int64_t free_bytes;   /* on the disk, besides what is kept back */
    bool forked_at_start; /* the tail was lost */
    bool verified;        /* the background verification reached the end, all is well */
    bool damaged;         /* it found damage; the diagnostics name it */
};

/* Any thread; as of the last commit. */
void eventlog_status(struct eventlog *log, struct eventlog_status *status);

/*
 * Takes an acknowledgement: ignores an older one (ack_newer), stores the watermark and the parked
 * items, and opens a fork when the hub's hash or `through` shows that one side went back in time.
 * `done` gets ERR_FORKED then, and the status tells the new log. Of a page of what is parked
 * (parked_below), only that is taken.
 */
void eventlog_acknowledge(struct eventlog *log, enum stream stream, const struct ack *ack,
                          void (*done)(void *context, enum err err, const struct fault *fault),
                          void *context);

/*
 * Takes a message of the hub: stored and applied to the views in one transaction. A number at or
 * below the inbox's watermark, or of an older epoch, is ERR_OK and changes nothing; one that must
 * come after what isn't here is ERR_CONFLICT; a newer epoch restarts the numbering at 1 (message
 * ids make that harmless). A message that can't be read or has an unknown type is kept, moves the
 * watermark so that it blocks nothing, is applied to no view, and `done` gets its error
 * (ERR_INVALID, ERR_UNSUPPORTED, ...). `body` is copied.
 */
void eventlog_receive(struct eventlog *log, const struct inbox_place *place, struct slice body,
                      void (*done)(void *context, enum err err, const struct fault *fault),
                      void *context);

/*
 * The hub holds a log that may once have been ours: unless it is known here, its events through
 * that seq are noted as lost, until they come back.
 */
void eventlog_expect(struct eventlog *log, const struct id *id, enum stream stream, int64_t through,
                     void (*done)(void *context, enum err err, const struct fault *fault),
                     void *context);
/*
 * Takes back what is noted as lost from header->first on: stored beside the hub's messages and
 * applied to the views, each event once, and the note is shortened by it. They are not sent again.
 * The bodies are verified by the caller (batch_verify), and copied. What nobody misses changes
 * nothing.
 */
void eventlog_restore(struct eventlog *log, const struct batch_header *header,
                      const struct slice *bodies, size_t count,
                      void (*done)(void *context, enum err err, const struct fault *fault),
                      void *context);

/*
 * Takes what the hub says of a receipt: events that other appliances captured, at most
 * BATCH_EVENTS_MAX. Stored beside the hub's messages and applied to the views, each once; they are
 * not sent again. The bodies are copied.
 */
void eventlog_learn(struct eventlog *log, const struct slice *bodies, size_t count,
                    void (*done)(void *context, enum err err, const struct fault *fault),
                    void *context);

/* --- Reading --------------------------------------------------------------------------------- */

/* A read-only handle of the calling thread. */
enum err eventlog_reader_open(struct eventlog_reader **reader, const struct eventlog_config *config,
                              struct fault *fault) MUST_CHECK;
void eventlog_reader_close(struct eventlog_reader *reader); /* takes NULL */
/*
 * When the log was salvaged, another file stands under its name: this makes the handle read that
 * one. The reader's own functions do so by themselves; who reads views calls it after a commit.
 */
enum err eventlog_reader_refresh(struct eventlog_reader *reader, struct fault *fault) MUST_CHECK;
/* A view's statements on this handle. */
struct database_statements *eventlog_reader_view(struct eventlog_reader *reader, const char *view);

/* One stored body on its way to the wire. */
typedef enum err eventlog_visit_body(void *context, int64_t seq, struct slice body,
                                     const struct sha256 *hash, struct fault *fault);
struct eventlog_span {
    struct id log;
    int64_t first; /* seq */
    int64_t max_events;
};

/*
 * Visits the bodies of the span. `before` gets the chain hash before its first. The visitor ends it
 * early with ERR_TOO_LARGE, which is then not an error.
 */
enum err eventlog_range(struct eventlog_reader *reader, const struct eventlog_span *span,
                        struct sha256 *before, eventlog_visit_body *visit, void *context,
                        struct fault *fault) MUST_CHECK;
enum err eventlog_history(struct eventlog_reader *reader, const struct id *correlation,
                          eventlog_visit *visit, void *context, struct fault *fault) MUST_CHECK;

/* What stands on the disk, for who has no running log: `forked_at_start`, `verified` stay false. */
enum err eventlog_reader_status(struct eventlog_reader *reader, struct eventlog_status *status,
                                struct fault *fault) MUST_CHECK;
/* What the hub has parked of both streams, by log and seq. */
struct eventlog_parked {
    enum stream stream;
    struct id log;
    struct ack_parked item;
};
typedef enum err eventlog_visit_parked(void *context, const struct eventlog_parked *parked,
                                       struct fault *fault);
enum err eventlog_parked(struct eventlog_reader *reader, eventlog_visit_parked *visit,
                         void *context, struct fault *fault) MUST_CHECK;

/* What was lost, in the order in which it was missed. */
typedef enum err eventlog_visit_lost(void *context, const struct eventlog_lost *lost,
                                     struct fault *fault);
enum err eventlog_lost(struct eventlog_reader *reader, eventlog_visit_lost *visit, void *context,
                       struct fault *fault) MUST_CHECK;

/* --- Care ------------------------------------------------------------------------------------ */

struct eventlog_finding {
    char what[32]; /* "chain", "body", "gap", "head", "view", "database", "lost", "note" */
    struct id log;
    int64_t seq;
    char text[160];
};
typedef void eventlog_report(void *context, const struct eventlog_finding *finding);

/*
 * Walks a whole log database without changing it: SQLite's own check, every body against the
 * chain, gapless seq, the head file, every view against a rebuild of it. For `tillback verify`;
 * works beside a running writer. `events` counts what was read.
 */
enum err eventlog_verify(const struct eventlog_config *config, eventlog_report *report,
                         void *context, int64_t *events, struct fault *fault) MUST_CHECK;
/* What is kept of a stream; 0: no limit of that kind. */
struct eventlog_retention {
    int64_t max_age_ms;
    int64_t max_events;
    int64_t max_bytes; /* of bodies */
    int64_t least_ms;  /* what is younger is kept, whatever the others say */
};
/*
 * Cuts off what the rules don't keep, oldest first, behind a checkpoint from which the views can be
 * made again; the file shrinks. Never what the hub has not backed up, nor any event of a return of
 * which something is parked, nor what came after such. Blocks for as long as that takes, while the
 * writer goes on; any thread but the writer's, one at a time. ERR_BUSY: the log has forked
 * meanwhile, ask again. *pruned counts events.
 */
enum err eventlog_prune(struct eventlog *log, const struct eventlog_retention *rules,
                        int64_t *pruned, struct fault *fault) MUST_CHECK;
/* Notes in the folder that damage was found: the next start looks at everything and salvages. */
enum err eventlog_suspect(const struct eventlog_config *config, struct fault *fault) MUST_CHECK;
/* Drops and makes every view again; the folder must not be in use by a writer. */
enum err eventlog_rebuild(const struct eventlog_config *config, struct fault *fault) MUST_CHECK;

#endif
