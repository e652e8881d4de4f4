/*
 * POSLog into capture: a document is read whole, then its transactions are captured one after the
 * other, each for the till that made it and under a key of its own, so that sending it again, by
 * another way or after a crash, changes nothing. A bad document captures nothing; a bad transaction
 * is refused with its reason and the others go on.
 *
 * A return that a legacy till made is already paid. It is recorded only if this store's decision
 * comes to the same: accepted, the same total, by the same tenders, payable at the counter; then
 * the refund is recorded as issued. Otherwise it is refused, and a person decides. Goods sold in
 * the same transaction make it an exchange, in which the return has to be worth what they cost,
 * less what was paid, or more what was paid back. Loop thread only; reads are short, writes wait
 * for the log's writer without blocking.
 */
#ifndef AGENT_CAPTURE_POSLOG_H
#define AGENT_CAPTURE_POSLOG_H

#include "agent/capture/capture.h"
#include "agent/capture/poslog_mapping.h"
#include "hal/loop.h"

struct poslog_desk;

struct poslog_config {
    struct loop *loop;
    struct capture *capture;
    const struct eventlog_config *log_config; /* for a reader of its own */
    const char *mapping_file;                 /* NULL: the one that ships */
};

enum err poslog_open(struct poslog_desk **desk, const struct poslog_config *config,
                     struct fault *fault) MUST_CHECK;
/* Before the event log is closed: documents under way end with ERR_BUSY, nothing more is asked. */
void poslog_stop(struct poslog_desk *desk); /* takes NULL */
/* After the loop has run what the log's last commits posted. Takes NULL. */
void poslog_close(struct poslog_desk *desk);

struct poslog_counts {
    size_t captured;
    size_t duplicates;
    size_t refused;
    size_t skipped;
};

/* Borrowed for the call. */
struct poslog_answer {
    enum err err; /* of the kind that may be asked again; the document isn't finished */
    const struct fault *fault; /* when err */
    struct slice body;         /* JSON: transactions, captured, duplicates, refused, skipped */
    struct poslog_counts counts;
};
typedef void poslog_done(void *context, const struct poslog_answer *answer);

/*
 * Refuses a document that can't be read at once. Else `done` comes once, on the loop's thread,
 * maybe before this returns.
 */
enum err poslog_take(struct poslog_desk *desk, struct slice xml, poslog_done *done, void *context,
                     struct fault *fault) MUST_CHECK;

/*
 * Tells people of a document that was refused whole, called `name` where it lies, by an exception:
 * one, however often it comes. For documents that nobody waits for. `done` comes once, on the
 * loop's thread.
 */
enum err poslog_tell_refused(struct poslog_desk *desk, const char *name, struct slice xml,
                             const struct fault *why, capture_done *done, void *context,
                             struct fault *fault) MUST_CHECK;

#endif
