/*
 * The state of one return, folded from its events in their order. What a return is now, and what
 * it was after an earlier command (fold fewer events), follow from the same function. Pure.
 */
#ifndef AGENT_VIEWS_RETURN_STATE_H
#define AGENT_VIEWS_RETURN_STATE_H

#include "agent/returns/tracks.h"
#include "sync/eventlog/eventlog.h"

/* As long as requests may have them: cut short, they would be others. */
enum { RETURN_NUMBER_MAX = 24, RECEIPT_MAX = 80, RETURN_PARTY_MAX = 80, RETURN_STORE_MAX = 80 };

struct return_state {
    struct id id;
    char number[RETURN_NUMBER_MAX + 1];
    char store[RETURN_STORE_MAX + 1]; /* that captured it, or "centre"; "" in events of old */
    char receipt[RECEIPT_MAX + 1];    /* "" without a receipt */
    bool has_sale;
    struct id sale;
    char person[RETURN_PARTY_MAX + 1];   /* who asked for it at the counter; "" if a till */
    char customer[RETURN_PARTY_MAX + 1]; /* a token; "" if none was given */
    int64_t total_minor;
    int64_t created_ms;
    int64_t updated_ms;
    int64_t created_seq;
    int64_t sequence; /* of the last of its own events */
    struct tracks tracks;
};

/*
 * Applies one event of the return; events that don't concern its tracks only count. ERR_INVALID,
 * with the state left as it was, for data that says nothing of a return. A transition that the
 * tables refuse is ERR_CONFLICT and leaves the state: the event came from elsewhere and too late.
 */
enum err return_state_apply(struct return_state *state, const struct eventlog_record *record,
                            struct fault *fault) MUST_CHECK;

/* What return.created says of the goods and the money, as it stands there; no data when missing. */
struct return_given {
    struct slice lines;
    struct slice refund;
    struct slice authorisation;
};

/* As return_state_apply with a return.created, which is read but once for both. */
enum err return_state_create(struct return_state *state, struct return_given *given,
                             const struct eventlog_record *record, struct fault *fault) MUST_CHECK;

/*
 * Whether this store captured it. Those of others, and of the centre, are known here so that their
 * pieces count; only where they were captured they go on.
 */
bool return_state_is_of(const struct return_state *state, const char *store);
bool return_state_is_of_centre(const struct return_state *state);

/* True while what the return gave back still counts against its receipt. */
bool return_state_live(const struct return_state *state);

#endif
