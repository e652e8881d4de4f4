/*
 * Inside of following up what the ledger applied (expected_follow): one event at work, and what
 * each kind of it does to refunds, payments, claims and measures. Inside the caller's transaction.
 */
#ifndef SYNC_HUB_CONNECT_FOLLOW_H
#define SYNC_HUB_CONNECT_FOLLOW_H

#include "hal/base/json.h"
#include "sync/hub/connect/told.h"
#include "sync/hub/ingest/measure.h"

/* One applied event at work, and what was read of it. */
struct follow {
    struct database *db;
    int64_t now_ms;
    struct told *told;
    struct fault *fault;
    int64_t event_no;
    int64_t received_ms;
    struct event event;
    struct arena arena;
    struct cJSON *data;
    struct cJSON *created; /* the data of its return.created; NULL: not looked for */
    int64_t created_ms;
    bool created_here; /* the centre accepted the return itself */
};

/* A member's text; "" when there is none. */
const char *follow_text(const struct cJSON *object, const char *name);
/* The centre said it. */
bool follow_is_ours(const struct follow *f);
/* It happened a minute or more before it arrived: without the centre. */
bool follow_was_offline(const struct follow *f);
/* The document's day. */
int64_t follow_day(const struct follow *f);
/* Reads the return.created of the event's return, once, if it is there. */
enum err follow_read_created(struct follow *f) MUST_CHECK;
/* How long it took from the return's capture. */
enum err follow_measure(struct follow *f, enum measure measure, int64_t at_ms) MUST_CHECK;
/* Adds to a sum of the event's day. */
enum err follow_count(struct follow *f, const char *name, const char *currency,
                      int64_t amount_minor) MUST_CHECK;

/* Less is owed than before: who was told that the money is late hears when none is. */
enum err follow_paid(struct follow *f) MUST_CHECK;
/* What is to be refunded by the hub is asked for. */
enum err follow_request_refunds(struct follow *f) MUST_CHECK;

/* The kinds of events, refunds first. */
typedef enum err follow_kind(struct follow *f);
follow_kind follow_issued;
follow_kind follow_failed;
follow_kind follow_disputed;
follow_kind follow_requested;
follow_kind follow_received;
follow_kind follow_created;
follow_kind follow_approved;
follow_kind follow_declined;
follow_kind follow_checked;
follow_kind follow_voided;
follow_kind follow_disposed;
follow_kind follow_settled;
follow_kind follow_completed;

#endif
