/*
 * A payment provider as the hub sees it: asks it to refund, and asks what came of one, over HTTPS
 * with JSON. The dialect is small and ours; what stands between it and a provider's own API
 * translates:
 *
 *   POST <url>/refunds                Authorization: Bearer <key>, Idempotency-Key: <reference>
 *     {"reference","payment"?,"amount":{"value","currency"},"type","return"}
 *   GET  <url>/refunds?reference=...  {"refunds":[...]}
 *
 * Without "payment" it is no refund of one, but something new: a gift card, say, whose number is
 * the answer's "id". A refund: {"id","reference","status":"succeeded"|"pending"|"failed","reason"?,
 * "amount":{"value","currency"}?}. Amounts are minor units. 402 and 422 with a refund are a
 * decline as well. The same object comes later by webhook (webhook.h) for what was pending.
 *
 * Blocks; one thread. The configuration is a JSON file:
 *   {"url","key_file","webhook_secret_file"?,"ca_file"?,"timeout_ms"?,"tenders":["card",...]}
 */
#ifndef SYNC_HUB_CONNECT_PROVIDER_H
#define SYNC_HUB_CONNECT_PROVIDER_H

#include "hal/base/json.h"
#include "sync/hub/connect/payment.h"
#include "sync/hub/connect/webhook.h"

struct provider;

/* What a provider says of a refund; texts live as long as the document. */
struct provider_refund {
    const char *reference; /* our key */
    const char *id;
    int status; /* enum payment_answer_kind */
    const char *reason;
    struct {
        int64_t value;
        const char *currency; /* NULL: not said */
    } amount;
};

enum err provider_open(struct provider **provider, const char *path,
                       struct fault *fault) MUST_CHECK;
void provider_close(struct provider *provider); /* takes NULL */
/* NULL when the file names none. Borrowed. */
const struct webhook_secret *provider_secret(const struct provider *provider);
/* Whether it pays such a tender. */
bool provider_pays(const struct provider *provider, const char *tender_type);

/* A refund object, as in an answer or a webhook. The answer borrows from *document. */
enum err provider_read_refund(const struct cJSON *json, struct arena *arena,
                              struct payment_answer *answer, struct fault *fault) MUST_CHECK;

/* What came of one. */
struct provider_answer {
    struct payment_answer said;
    struct cJSON *document; /* what it borrows from; provider_answer_free */
    struct arena arena;
};
void provider_answer_free(struct provider_answer *answer); /* also zeroed */

/*
 * Looks the payment up by its key, and asks for it if it isn't known. ERR_UNKNOWN_OUTCOME and the
 * rest of class RETRY: later, in the same way. Of class PARK: the provider will not do it, and a
 * person must see to it.
 */
enum err provider_refund(struct provider *provider, const struct payment *payment,
                         struct provider_answer *answer, struct fault *fault) MUST_CHECK;
/* How long it asked to be left alone in its latest answer; 0: it didn't say. */
int64_t provider_asked_pause_ms(const struct provider *provider);

#endif
