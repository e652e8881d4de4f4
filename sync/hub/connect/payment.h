/*
 * The refunds that the hub itself must have paid out (tenders whose executor is `hub`), in its
 * database: one payment for each place in a return's plan, asked for under one key however often.
 * The key follows from the return and the place alone, so that a hub that was restored to an older
 * state finds at the provider what it has forgotten. What became of it is an event of the centre,
 * refund.issued or refund.failed, told to the store.
 *
 *   ready    to be asked for, after a look whether it was asked for before
 *   pending  the provider has it; its answer comes late, by a webhook or by looking again
 *   issued, failed
 *   parked   a person must decide: nobody here pays such a tender, or the answer doesn't fit
 *
 * Inside the caller's transaction; the asking itself happens outside of any (payer.h).
 */
#ifndef SYNC_HUB_CONNECT_PAYMENT_H
#define SYNC_HUB_CONNECT_PAYMENT_H

#include "sync/hub/connect/told.h"

#include "hal/base/id.h"
#include "hal/database.h"

enum {
    PAYMENT_KEY_MAX = ID_TEXT + 24,
    PAYMENT_TEXT_MAX = 140,
    PAYMENT_REASON_MAX = 300,
    PAYMENT_BATCH_MAX = 10,
};

struct cJSON;

struct payment {
    int64_t number;
    char key[PAYMENT_KEY_MAX + 1]; /* "<return>/<position>/<round>" */
    struct id correlation;
    int64_t position; /* in the plan, from 0 */
    int64_t tender;
    char type[32];
    char token[PAYMENT_TEXT_MAX + 1]; /* of the original payment */
    char return_number[PAYMENT_TEXT_MAX + 1];
    char currency[4];
    int64_t amount_minor;
    bool pending;
};

/* What is asked for, as refund.requested has it. */
struct payment_request {
    struct id event; /* its id */
    struct id correlation;
    const struct cJSON *data;
    const struct cJSON *created; /* the data of its return.created; NULL: not known */
    int64_t now_ms;
};

/* refund.requested was applied. The same place again, unless it failed, changes nothing. */
enum err payment_request(struct database *db, const struct payment_request *request,
                         struct fault *fault) MUST_CHECK;

/* Takes up to `limit` that are due, and holds them for `lease_ms`: so long nobody else does. */
enum err payment_pick(struct database *db, size_t limit, int64_t now_ms, int64_t lease_ms,
                      struct payment payments[static PAYMENT_BATCH_MAX], size_t *count,
                      struct fault *fault) MUST_CHECK;
/* Makes due what a crash left held. Only at the start of the only hub on a database. */
enum err payment_release(struct database *db, struct fault *fault) MUST_CHECK;

enum payment_answer_kind { PAYMENT_ISSUED, PAYMENT_DECLINED, PAYMENT_PENDING };

struct payment_answer {
    const char *key;
    int kind;              /* enum payment_answer_kind */
    const char *reference; /* the provider's; may be "" */
    const char *reason;    /* of a decline */
    const char *currency;  /* NULL, or what the provider says it paid */
    int64_t amount_minor;
};

/*
 * What the provider, or a person, says of one. The same again changes nothing. An answer about
 * another amount parks it. ERR_NOT_FOUND: there is no payment of this key.
 */
enum err payment_take_answer(struct database *db, const struct payment_answer *answer,
                             int64_t now_ms, struct told *told, struct fault *fault) MUST_CHECK;
/* There was no answer: tried again at `next_ms`, or parked if the error says so. */
enum err payment_put_off(struct database *db, const struct payment *payment, int64_t next_ms,
                         int64_t now_ms, const struct fault *why, struct fault *fault) MUST_CHECK;

/* What a person does with one that is parked or failed. */
enum payment_verdict { PAYMENT_ASK_AGAIN, PAYMENT_SAY_ISSUED, PAYMENT_SAY_FAILED };

/* ERR_NOT_FOUND; ERR_CONFLICT when it is neither parked nor failed. */
enum err payment_decide(struct database *db, int64_t number, enum payment_verdict verdict,
                        const char *reason, int64_t now_ms, struct told *told,
                        struct fault *fault) MUST_CHECK;

#endif
