/*
 * The refunds that a provider or the bank must show one day: one for each refund.issued on a
 * tender that is settled elsewhere (card, wallet, online payment), with all that a settlement line
 * may know it by. Followed up from the ledger's events in the order in which they were applied;
 * exceptions that stores raise come to the centre's list the same way.
 * Inside the caller's transaction.
 */
#ifndef SYNC_HUB_CONNECT_EXPECTED_H
#define SYNC_HUB_CONNECT_EXPECTED_H

#include "sync/hub/connect/told.h"
#include "sync/hub/ingest/exception.h"

enum { EXPECTED_EVENTS_MAX = 200, EXPECTED_TEXT_MAX = 140, EXPECTED_CANDIDATES_MAX = 32 };

struct expected {
    int64_t number;
    struct id correlation;
    char return_number[EXPECTED_TEXT_MAX + 1];
    char company[EXPECTED_TEXT_MAX + 1];
    char receipt[EXPECTED_TEXT_MAX + 1];
    char terminal[EXPECTED_TEXT_MAX + 1];
    char own[EXPECTED_TEXT_MAX + 1];
    char reference[EXPECTED_TEXT_MAX + 1];
    char payment[EXPECTED_TEXT_MAX + 1];
    char tender[32];
    char currency[4];
    int64_t tender_no;
    int64_t position; /* of the tender in the return's plan */
    int64_t amount_minor;
    int64_t day;
    bool settled;
    bool closed; /* settled or written off */
    bool charged_back;
    bool missed; /* a person was told that it isn't settled */
};

/* Follows up to EXPECTED_EVENTS_MAX applied events; *more: there are further ones. */
enum err expected_follow(struct database *db, int64_t now_ms, struct told *told, bool *more,
                         struct fault *fault) MUST_CHECK;

/* What a settlement line may be about. */
struct expected_keys {
    const char *reference;
    const char *own;
    const char *payment;
    int64_t amount_minor; /* those of this amount come first */
};

/* Asks a server ahead what expected_candidates will: as long as none of them changes. */
enum err expected_ask(struct database *db, const struct expected_keys *keys,
                      struct fault *fault) MUST_CHECK;
/* Up to EXPECTED_CANDIDATES_MAX that share a key. */
enum err expected_candidates(struct database *db, const struct expected_keys *keys,
                             struct expected found[static EXPECTED_CANDIDATES_MAX], size_t *count,
                             struct fault *fault) MUST_CHECK;
/* ERR_NOT_FOUND. */
enum err expected_find(struct database *db, int64_t number, struct expected *found,
                       struct fault *fault) MUST_CHECK;
/*
 * It is missed no more, if it was: the exception is resolved with what was done. `queue` as struct
 * exception has it.
 */
enum err expected_found(struct database *db, const struct expected *refund, const char *how,
                        int64_t now_ms, struct centre_queue *queue, struct fault *fault) MUST_CHECK;
/* "open", "settled", "written_off". */
enum err expected_set_state(struct database *db, int64_t number, const char *state, int64_t day,
                            struct fault *fault) MUST_CHECK;
enum err expected_set_charged_back(struct database *db, int64_t number, bool charged_back,
                                   struct fault *fault) MUST_CHECK;

/*
 * Tells people of refunds that should have been settled by `before_day`, at most 50 at a time.
 * *more: there may be further ones.
 */
enum err expected_tell_missing(struct database *db, int64_t before_day, int64_t now_ms,
                               struct told *told, bool *more, struct fault *fault) MUST_CHECK;

#endif
