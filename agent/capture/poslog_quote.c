#include "agent/capture/poslog_quote.h"
#include "agent/views/return_view.h"
#include "hal/base/cleanup.h"

#include <string.h>

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

bool poslog_agrees(const struct poslog_order *order, struct slice decision, struct fault *why)
{
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct json_limits limits = {.bytes = EVENT_BODY_MAX, .depth = 16};
    if (json_parse(decision, limits, &doc, why) != ERR_OK)
        return false;
    const char *outcome = json_member_text(doc, "decision");
    const struct cJSON *refund = json_member(doc, "refund");
    const char *currency = json_member_text(refund, "currency");
    if (!outcome || strcmp(outcome, "accepted") != 0) {
        const char *code = json_member_text(json_first(json_member(doc, "reasons")), "code");
        fault_set(why, ERR_REFUSED, code ? code : "decision",
                  "the till paid %lld, this store decides: %s", (long long)order->paid_total_minor,
                  outcome ? outcome : "nothing");
        return false;
    }
    if (!currency || strcmp(currency, order->currency->code) != 0)
        return disagree(why, "currency", "the till paid in another currency");
    return tenders_agree(order, refund, why);
}

/* --- What was recorded before ------------------------------------------------------------------
 */

struct search {
    const struct views *views;
    struct slice key;
    bool found;
};

static enum err look_at_event(void *context, const struct eventlog_record *record,
                              struct fault *fault)
{
    (void)fault;
    struct search *search = context;
    struct slice key = record->event.idempotency_key; /* "01:" and ours */
    size_t before = key.len > search->key.len ? key.len - search->key.len : 0;
    struct slice ours = {key.data + before, key.len - before};
    search->found = search->found || (before && slice_equal(ours, search->key));
    return ERR_OK;
}

static enum err look_at_return(void *context, const struct return_state *state, struct fault *fault)
{
    struct search *search = context;
    return search->found ? ERR_OK
                         : views_history(search->views, &state->id, look_at_event, search, fault);
}

static enum err recorded_before(struct eventlog_reader *reader, const struct poslog_order *order,
                                bool *found, struct fault *fault)
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

enum err poslog_quote(struct capture *capture, struct eventlog_reader *reader,
                      const struct poslog_order *order, const struct capture_actor *actor,
                      struct fault *fault)
{
    bool before = false;
    enum err err = recorded_before(reader, order, &before, fault);
    if (err || before)
        return err;
    struct buf quote CLEANUP(buf_free);
    buf_init(&quote, EVENT_BODY_MAX);
    err = capture_quote(capture, reader, buf_slice(&order->body), actor, &quote, fault);
    if (err)
        return err;
    return poslog_agrees(order, buf_slice(&quote), fault) ? ERR_OK : ERR_REFUSED;
}
