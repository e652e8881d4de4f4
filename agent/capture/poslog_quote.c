#include "agent/capture/poslog_quote.h"
#include "agent/views/return_answer.h"
#include "agent/views/return_view.h"
#include "hal/base/cleanup.h"

#include <string.h>

static const struct json_limits limits = {.bytes = EVENT_BODY_MAX, .depth = 16};

static int type_of(const struct cJSON *tender)
{
    const char *type = json_member_text(tender, "type");
    return type ? word_find(tender_words, type) : -1;
}

static bool at_counter(const struct cJSON *tender)
{
    const char *executor = json_member_text(tender, "executor");
    return executor && (strcmp(executor, "till") == 0 || strcmp(executor, "terminal") == 0);
}

static bool disagree(struct fault *why, const char *where, const char *text)
{
    fault_set(why, ERR_REFUSED, where, "%s", text);
    return false;
}

static bool tenders_agree(const struct poslog_order *order, const struct cJSON *refund,
                          struct fault *why)
{
    int64_t planned[TENDER_COUNT] = {0};
    int64_t total = 0;
    const struct cJSON *tender = json_first(json_member(refund, "tenders"));
    for (; tender; tender = json_next(tender)) {
        int type = type_of(tender);
        if (type < 0)
            return disagree(why, "tenders", "the plan has a tender of unknown type");
        if (type == TENDER_ROUNDING)
            continue;
        if (!at_counter(tender))
            return disagree(why, "tenders.executor",
                            "the till paid what the centre would pay: it would be paid twice");
        planned[type] += json_member_int(tender, "amount", 0);
        total += json_member_int(tender, "amount", 0);
    }
    if (total != order->paid_total_minor) {
        fault_set(why, ERR_REFUSED, "refund.total", "the till paid %lld, the receipt allows %lld",
                  (long long)order->paid_total_minor, (long long)total);
        return false;
    }
    for (int type = 0; type < TENDER_COUNT; type++)
        if (type != TENDER_ROUNDING && planned[type] != order->paid_minor[type]) {
            fault_set(
                why, ERR_REFUSED, "tenders", "the till paid %lld by %s, the receipt allows %lld",
                (long long)order->paid_minor[type], tender_words[type], (long long)planned[type]);
            return false;
        }
    return true;
}

/* What came back in an exchange paid for the new goods all that the customer didn't. */
static bool worth_agrees(const struct poslog_order *order, const struct cJSON *refund,
                         struct fault *why)
{
    int64_t worth_minor = order->sale_minor - order->taken_minor + order->paid_total_minor;
    int64_t total_minor = json_member_int(refund, "total", 0);
    if (order->kind != POSLOG_ORDER_EXCHANGE || worth_minor == total_minor)
        return true;
    fault_set(why, ERR_REFUSED, "refund.total",
              "the till gave %lld for what came back, the receipt allows %lld",
              (long long)worth_minor, (long long)total_minor);
    return false;
}

bool poslog_agrees(const struct poslog_order *order, const struct cJSON *decision,
                   struct fault *why)
{
    const char *outcome = json_member_text(decision, "decision");
    const struct cJSON *refund = json_member(decision, "refund");
    const char *currency = json_member_text(refund, "currency");
    if (!outcome || strcmp(outcome, "accepted") != 0) {
        const char *code = json_member_text(json_first(json_member(decision, "reasons")), "code");
        fault_set(why, ERR_REFUSED, code ? code : "decision",
                  "the till took it back and paid %lld, this store decides: %s",
                  (long long)order->paid_total_minor, outcome ? outcome : "nothing");
        return false;
    }
    if (!currency || strcmp(currency, order->currency->code) != 0)
        return disagree(why, "currency", "the till paid in another currency");
    return worth_agrees(order, refund, why) && tenders_agree(order, refund, why);
}

/* --- What was recorded before ------------------------------------------------------------------
 */

struct search {
    const struct views *views;
    struct slice key;
    struct poslog_found found;
};

static enum err look_at_event(void *context, const struct eventlog_record *record,
                              struct fault *fault)
{
    (void)fault;
    struct search *search = context;
    struct poslog_found *found = &search->found;
    const struct event *event = &record->event;
    struct slice key = event->idempotency_key; /* "01:" and ours */
    size_t before = key.len > search->key.len ? key.len - search->key.len : 0;
    struct slice ours = {key.data + before, key.len - before};
    if (before && slice_equal(ours, search->key))
        *found =
            (struct poslog_found){.any = true, .returned = event->correlation, .first = event->id};
    else if (found->any && event->type == EVENT_EXCHANGE_LINKED && event->has_causation &&
             id_equal(&event->causation, &found->first))
        found->linked = true;
    return ERR_OK;
}

static enum err look_at_return(void *context, const struct return_state *state, struct fault *fault)
{
    struct search *search = context;
    return search->found.any
               ? ERR_OK
               : views_history(search->views, &state->id, look_at_event, search, fault);
}

enum err poslog_find(struct eventlog_reader *reader, const struct poslog_order *order,
                     struct poslog_found *found, struct fault *fault)
{
    struct views views = views_of_reader(reader);
    struct search search = {.views = &views, .key = slice_of(order->key)};
    struct return_view_query query = {
        .state = RETURN_VIEW_ANY,
        .receipt = order->receipt,
        .before_ms = INT64_MAX,
        .max = RETURN_VIEW_PAGE_MAX,
    };
    enum err err = return_view_list(&views, &query, look_at_return, &search, fault);
    if (!err)
        *found = search.found;
    return err;
}

enum err poslog_decided(struct eventlog_reader *reader, const struct poslog_found *found,
                        struct cJSON **decision, struct fault *fault)
{
    struct views views = views_of_reader(reader);
    struct return_answer how = {.after = &found->first};
    struct buf answer CLEANUP(buf_free);
    buf_init(&answer, EVENT_BODY_MAX);
    enum err err = return_answer_write(&views, &found->returned, &how, &answer, fault);
    return err ? err : json_parse(buf_slice(&answer), limits, decision, fault);
}

/* --- What is to be asked of capture ------------------------------------------------------------
 */

/* What this store decides of the return; freed by the caller, also after a failure. */
static enum err decide(struct capture *capture, struct eventlog_reader *reader,
                       const struct capture_question *question, struct cJSON **decision,
                       struct fault *fault)
{
    struct buf quote CLEANUP(buf_free);
    buf_init(&quote, EVENT_BODY_MAX);
    enum err err = capture_quote(capture, reader, question, &quote, fault);
    return err ? err : json_parse(buf_slice(&quote), limits, decision, fault);
}

static enum err quote_exchange(struct capture *capture, struct eventlog_reader *reader,
                               struct capture_question *question, const struct poslog_order *order,
                               struct buf *body, struct fault *fault)
{
    struct cJSON *alone CLEANUP(json_cleanup) = NULL;
    struct cJSON *linked CLEANUP(json_cleanup) = NULL;
    enum err err = decide(capture, reader, question, &alone, fault);
    question->exchange_minor = order->sale_minor;
    if (!err)
        err = decide(capture, reader, question, &linked, fault);
    if (!err && !poslog_agrees(order, linked, fault))
        err = ERR_REFUSED;
    if (!err)
        poslog_write_exchange(order, alone, body);
    return err;
}

enum err poslog_quote(struct capture *capture, struct eventlog_reader *reader,
                      const struct poslog_order *order, const struct capture_actor *actor,
                      struct buf *body, struct fault *fault)
{
    struct cJSON *decision CLEANUP(json_cleanup) = NULL;
    struct capture_question question = {.body = buf_slice(&order->body), .actor = *actor};
    if (order->kind == POSLOG_ORDER_EXCHANGE)
        return quote_exchange(capture, reader, &question, order, body, fault);
    enum err err = decide(capture, reader, &question, &decision, fault);
    if (!err && !poslog_agrees(order, decision, fault))
        err = ERR_REFUSED;
    if (!err)
        buf_append(body, order->body.data, order->body.len);
    return err;
}
