/*
 * What is to be posted, and what became of it, in the hub's database. Inside the caller's
 * transaction; the posting itself happens outside of any (poster.h).
 */
#ifndef SYNC_HUB_CONNECT_POSTING_H
#define SYNC_HUB_CONNECT_POSTING_H

#include "hal/base/id.h"
#include "hal/database.h"
#include "sync/contract/event.h"
#include "sync/hub/connect/connector.h"
#include "sync/hub/ledger/books.h"

enum { POSTING_BATCH_MAX = 50, POSTING_COMPANY_MAX = 64 };

/* One entry on its way. */
struct posting {
    struct entry entry; /* in the batch's arena */
    int64_t entry_no;
    struct id correlation;
    int64_t day; /* to post on */
    bool may_move;
    bool later_day;           /* finance approved one */
    struct document document; /* in the batch's arena; count is 0: none */
    int64_t attempts;
    bool others_parked; /* another entry of the return was, when this one was picked */
    bool tried;         /* by the connector, in this batch */
    enum err err;       /* what came of it */
    struct fault why;
    struct posted posted;
};

struct posting_batch {
    struct posting items[POSTING_BATCH_MAX];
    size_t count;
    size_t parked; /* that were parked on the way: their period is closed */
    struct arena arena;
    struct cJSON *texts[POSTING_BATCH_MAX * (1 + DOCUMENT_TEXTS)]; /* what is borrowed from */
    size_t text_count;
    char devices[POSTING_BATCH_MAX * 2][DEVICE_ID_MAX + 1]; /* whose inbox has something new */
    size_t device_count;
};

/* Whose entries a connector takes, of all that are ready; {0}: everybody's. */
struct posting_share {
    const char *const *companies; /* borrowed */
    size_t count;
    bool only; /* these; else all but these */
};

/* Zeroed, or reset, before. */
void posting_batch_init(struct posting_batch *batch);
void posting_batch_free(struct posting_batch *batch);

/* Who picks, and where it was: companies take turns. */
struct posting_round {
    const struct books *books;
    const struct connector *connector;
    const char *name; /* of the connector, kept with what it tried */
    struct posting_share share;
    char company[POSTING_COMPANY_MAX + 1]; /* whose turn it was */
};

/*
 * Fills the batch with up to `limit` entries of one company of the share that are ready, and with
 * the documents behind them if the connector asks for them. Those whose period is closed, and that
 * finance's rule doesn't move, are parked here.
 */
enum err posting_pick(struct database *db, struct posting_round *round, size_t limit,
                      int64_t now_ms, struct posting_batch *batch, struct fault *fault) MUST_CHECK;
/* Records what came of those that were tried, and tells the stores. `retry_ms`: when to go on. */
enum err posting_record(struct database *db, const char *connector, int64_t now_ms,
                        int64_t retry_ms, struct posting_batch *batch,
                        struct fault *fault) MUST_CHECK;

enum posting_verdict {
    POSTING_AGAIN,
    POSTING_LATER_DAY, /* the first that is open, whatever the books say of closed periods */
    POSTING_DISCARD,
};

/*
 * A parked entry: ready again, or never. ERR_NOT_FOUND when it isn't parked, or, for a later day,
 * not for its period.
 */
enum err posting_decide(struct database *db, int64_t entry_no, enum posting_verdict verdict,
                        int64_t now_ms, struct fault *fault) MUST_CHECK;

#endif
