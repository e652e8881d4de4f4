/*
 * A request becomes a command: read and checked on the caller's thread, decided on the event log's
 * writer thread, answered after it is on disk, where the asker wants to hear of it. Every write of
 * the appliance goes through here, whoever asks: a till, the store page, a drop folder.
 */
#ifndef AGENT_CAPTURE_CAPTURE_H
#define AGENT_CAPTURE_CAPTURE_H

#include "agent/capture/contact_keys.h"
#include "agent/returns/policy.h"
#include "hal/loop.h"
#include "sync/contract/reservation.h"
#include "sync/eventlog/eventlog.h"

struct capture;

/* Who asks: told in events, and what the rules want to know of them. Texts are copied. */
struct capture_actor {
    const char *lane;   /* "" when the request came from no lane */
    const char *person; /* a person's id; "" for a till */
    bool manager;
    bool confirmed; /* of this very request the hub has said, just now, that it knows it all */
};

enum capture_kind {
    CAPTURE_SALE,
    CAPTURE_RETURN,
    CAPTURE_APPROVE,
    CAPTURE_DECLINE,
    CAPTURE_RECEIVE,
    CAPTURE_REFUND,
    CAPTURE_DISPOSE,
    CAPTURE_VOID,
    CAPTURE_DISPUTE,
    CAPTURE_EXCHANGE,
    CAPTURE_ASSIGN,
    CAPTURE_RESOLVE,
    CAPTURE_RAISE, /* an exception of no return: {"code", "detail"} */
    CAPTURE_RESUBMIT,
    CAPTURE_DISCARD,
    CAPTURE_KIND_COUNT,
};

struct capture_order {
    enum capture_kind kind;
    struct id subject;        /* the return, exception or event; not for what is new */
    struct slice body;        /* JSON as it came */
    struct slice key;         /* Idempotency-Key; empty: none */
    struct slice traceparent; /* may be empty */
    struct capture_actor actor;
    struct loop *loop; /* whose thread is told how it ended; NULL: the log's writer thread */
};

/* How it ended. Borrowed for the call; body is JSON. */
struct capture_answer {
    enum err err;
    const struct fault *fault; /* when err */
    struct slice body;         /* when not */
    bool replayed;             /* the key was known: this is the earlier answer */
};
typedef void capture_done(void *context, const struct capture_answer *answer);

/* What the rules need to know of the store. Texts are borrowed for the capture's life. */
struct capture_store {
    const char *number;   /* "0042" */
    const char *country;  /* ISO 3166-1 */
    const char *currency; /* ISO 4217 */
};

struct capture_config {
    struct eventlog *log;
    struct clock *clock;
    struct capture_store store;
    const struct policy *policy; /* borrowed */
    /* What looks like a card number and isn't one: the retailer's receipts. May be NULL. */
    const struct known_formats *known;
    struct contact_keys *contacts; /* borrowed */
    /* Any thread: whether the link is up now. */
    bool (*link_up)(void *context);
    void *context;
    bool *due; /* as of views_tell_due: without it, capture_sweep has nothing to do. May be NULL. */
};

enum err capture_open(struct capture **capture, const struct capture_config *config,
                      struct fault *fault) MUST_CHECK;
/* No command may be under way: close the log first. Takes NULL. */
void capture_close(struct capture *capture);
/*
 * Every command decided from now on is decided by these, borrowed as those before them were, which
 * are used no more when it returns; NULL leaves one as it is. Loop thread; waits for the writer,
 * which stands still between two commands meanwhile. ERR_BUSY: nothing has changed.
 */
enum err capture_use(struct capture *capture, const struct policy *policy,
                     const struct known_formats *known, struct fault *fault) MUST_CHECK;

/*
 * Reads the order; a bad one is refused at once, with nothing submitted. Otherwise `done` comes
 * once, on the order's loop or on the writer thread, after the commit.
 */
enum err capture_submit(struct capture *capture, const struct capture_order *order,
                        capture_done *done, void *context, struct fault *fault) MUST_CHECK;

/*
 * Whether something new can be saved: to be asked before anybody tells a customer yes, and asked by
 * capture_submit. ERR_DISK_FULL. Any thread; doesn't block.
 */
enum err capture_check_space(struct capture *capture, struct fault *fault) MUST_CHECK;

/*
 * Completes the returns whose three tracks have closed, also by news from the centre: appends
 * return.completed. Asked after each commit, from one thread.
 */
void capture_sweep(struct capture *capture);

/*
 * Another store has a receipt in hand (sync/contract/reservation.h): no return of it is accepted
 * here from now on, for as long as is asked; ERR_BUSY is what who tries gets. `done` comes once, on
 * the loop's thread, with what was captured here of it before. A reminder changes nothing of what
 * is held.
 */
typedef void capture_reserved(void *context, enum err err, const struct fault *fault,
                              const struct reserved *reserved);
enum err capture_reserve(struct capture *capture, const struct reservation *asked, bool reminder,
                         struct loop *loop, capture_reserved *done, void *context,
                         struct fault *fault) MUST_CHECK;

/* What is asked without saving it. */
struct capture_question {
    struct slice body; /* as of CAPTURE_RETURN */
    struct capture_actor actor;
    int64_t exchange_minor; /* what new goods of an exchange come to; 0: none */
};
/* Decides a return without saving it; on the calling thread, which owns the reader. */
enum err capture_quote(struct capture *capture, struct eventlog_reader *reader,
                       const struct capture_question *question, struct buf *answer,
                       struct fault *fault) MUST_CHECK;

#endif
