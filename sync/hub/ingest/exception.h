/*
 * The way of an exception: raised (here, or by log_exception_raise for a log), given to somebody,
 * resolved with what was done. Each has a team that owns it and a time by which it should be
 * settled. One that is raised again after it was resolved is open again. Each step with an
 * exception of a return is an event of the centre as well, for the return's trail and its store.
 * Inside the caller's transaction.
 */
#ifndef SYNC_HUB_INGEST_EXCEPTION_H
#define SYNC_HUB_INGEST_EXCEPTION_H

#include "sync/hub/ingest/centre_queue.h"

struct exception {
    const char *code;
    struct id correlation; /* the return; zero: of none */
    int64_t subject;       /* what of it: with the code and the return it names the exception */
    const char *key;       /* ... the same on every hub, where `subject` is a row; else NULL */
    const char *detail;
    const struct id *id; /* under which a store raised it, and told it itself; else NULL */
    int64_t now_ms;
    struct centre_queue *queue; /* takes its event, and names the device; NULL: recorded at once */
};

/* One that the centre raised, by what names it, and how the centre settled it itself. */
struct exception_end {
    const char *code;
    struct id correlation;
    int64_t subject;
    const char *how;
    int64_t now_ms;
    struct centre_queue *queue; /* as above */
};

/* Who changes one, and what is left of it. */
struct exception_step {
    int64_t number;
    const char *person; /* who takes it */
    const char *how;
    int64_t now_ms;
    char device[DEVICE_ID_MAX + 1]; /* out: whose inbox has something new; "" nobody's */
};

/* `device` as in the step. */
enum err exception_raise(struct database *db, const struct exception *exception,
                         char device[static DEVICE_ID_MAX + 1], struct fault *fault) MUST_CHECK;
/* ERR_NOT_FOUND when there is none of that number that is not resolved. */
enum err exception_assign(struct database *db, struct exception_step *step,
                          struct fault *fault) MUST_CHECK;
enum err exception_resolve(struct database *db, struct exception_step *step,
                           struct fault *fault) MUST_CHECK;
/* What the centre itself settled of one that it raised; nothing happens when no such is open. */
enum err exception_settle(struct database *db, const char *code, int64_t subject, const char *how,
                          int64_t now_ms, struct fault *fault) MUST_CHECK;
/* The same of what is known by the return, too, and there may be many such. */
enum err exception_settle_of(struct database *db, const struct exception_end *end,
                             struct fault *fault) MUST_CHECK;
/* What a store resolved itself; nothing happens when no such is open. */
enum err exception_resolved_by_store(struct database *db, const struct id *id, const char *how,
                                     int64_t now_ms, struct fault *fault) MUST_CHECK;

#endif
