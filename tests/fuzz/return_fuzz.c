/*
 * {"sale":..., "0":..., "1":...}: any requests on any sale, one after the other, decided without
 * rules; what was accepted never adds up to more than was paid, and reads back the same.
 */
#include "agent/returns/decide.h"
#include "hal/base/cleanup.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { REQUESTS_MAX = 10 };

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void require_within(const struct sale *sale, const struct history *history)
{
    for (size_t i = 0; i < sale->line_count; i++) {
        const struct history_line *live = &history->lines[i];
        require(live->units <= sale->lines[i].quantity);
        require(live->amount_minor + live->adjusted_minor <= sale->lines[i].paid_minor);
        for (size_t k = 0; k < sale->lines[i].tax_count; k++)
            require(live->taxes_minor[k] + live->adjusted_taxes_minor[k] <=
                    sale->lines[i].taxes[k].amount_minor);
    }
    for (size_t i = 0; i < sale->tender_count; i++)
        require(llabs(history->tenders[i].refunded_minor) <= llabs(sale->tenders[i].amount_minor));
}

/* The history that the written decision gives is the one that the decision gave. */
static void require_same_read(const struct decision *decision, const struct policy *policy,
                              const struct sale *sale, struct arena *arena)
{
    struct history direct;
    struct history read;
    struct buf text CLEANUP(buf_free);
    struct cJSON *json CLEANUP(json_cleanup) = NULL;
    struct fault fault;
    buf_init(&text, 1024 * 1024);
    struct jsonw w = jsonw_to(&text);
    jsonw_object(&w, NULL);
    decision_write(decision, policy, POLICY_EN, &w);
    jsonw_end(&w);
    struct json_limits limits = {.bytes = 1024 * 1024, .depth = 16};
    if (text.failed || history_init(sale, arena, &direct, NULL) != ERR_OK ||
        history_init(sale, arena, &read, NULL) != ERR_OK)
        return;
    require(history_add(&direct, sale, decision, &fault) == ERR_OK);
    require(json_parse(buf_slice(&text), limits, &json, &fault) == ERR_OK);
    require(history_add_json(&read, sale, json, arena, &fault) == ERR_OK);
    require(direct.refunded_minor == read.refunded_minor);
    for (size_t i = 0; i < sale->line_count; i++)
        require(direct.lines[i].units == read.lines[i].units &&
                direct.lines[i].amount_minor == read.lines[i].amount_minor);
}

static void ask(const struct cJSON *json, const struct sale *sale, struct history *history,
                struct arena *arena)
{
    static struct policy_word reasons[] = {{"unwanted", REASON_UNWANTED},
                                           {"price_adjust", REASON_PRICE_ADJUST}};
    static struct policy_word conditions[] = {{"used", CONDITION_USED}};
    struct policy policy = {.version = "fuzz",
                            .reasons = reasons,
                            .reason_count = 2,
                            .conditions = conditions,
                            .condition_count = 1,
                            .no_receipt = {.refund = TENDER_STORE_CREDIT}};
    struct facts facts = {.clock_trusted = true, .currency = "EUR"};
    struct return_request request;
    struct decision decision;
    struct fault fault;
    if (return_request_read(json, NULL, arena, &request, &fault) != ERR_OK)
        return;
    struct decide_input in = {
        .sale = sale,
        .history = history,
        .request = &request,
        .policy = &policy,
        .facts = &facts,
    };
    if (returns_decide(&in, arena, &decision, &fault) != ERR_OK ||
        decision.outcome != OUTCOME_ACCEPTED)
        return;
    require(history_add(history, sale, &decision, &fault) == ERR_OK);
    require_within(sale, history);
    require_same_read(&decision, &policy, sale, arena);
}

struct input {
    const struct cJSON *sale;
    const struct cJSON *requests[REQUESTS_MAX];
};

/* Requests are the members "0", "1", ... beside "sale". */
static void read_input(const struct cJSON *json, struct input *input)
{
    char name[] = "0";
    input->sale = json_member(json, "sale");
    for (int i = 0; i < REQUESTS_MAX; i++) {
        name[0] = (char)('0' + i);
        input->requests[i] = json_member(json, name);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cJSON *json CLEANUP(json_cleanup) = NULL;
    struct arena arena CLEANUP(arena_free);
    struct input input = {0};
    struct sale sale;
    struct history history;
    struct fault fault;
    arena_init(&arena, 16 * 1024 * 1024);
    if (json_parse((struct slice){(const char *)data, size}, JSON_LIMITS_DEFAULT, &json, &fault) !=
        ERR_OK)
        return 0;
    read_input(json, &input);
    if (!input.sale || sale_read(input.sale, NULL, &arena, &sale, &fault) != ERR_OK ||
        history_init(&sale, &arena, &history, &fault) != ERR_OK)
        return 0;
    for (int i = 0; i < REQUESTS_MAX; i++)
        if (input.requests[i])
            ask(input.requests[i], &sale, &history, &arena);
    return 0;
}
