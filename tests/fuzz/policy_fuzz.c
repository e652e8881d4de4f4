/* Any policy that is taken decides a return of a fixed sale, within what was paid. */
#include "agent/returns/decide.h"
#include "hal/base/cleanup.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decide(const struct policy *policy, struct arena *arena)
{
    struct sale_tax tax = {.jurisdiction = "DE", .rate = "19", .amount_minor = 160};
    struct sale_line sold = {
        .line = 1, .sku = "a", .quantity = 3, .amount_minor = 1000, .taxes = &tax, .tax_count = 1};
    struct sale_tender paid[] = {{1, TENDER_CARD, 400, "tok"}, {2, TENDER_CASH, 600, NULL}};
    struct sale sale = {.receipt = "R1",
                        .store = "1",
                        .currency_code = "EUR",
                        .prices_include_tax = true,
                        .lines = &sold,
                        .line_count = 1,
                        .tenders = paid,
                        .tender_count = 2};
    struct request_line asked = {.line = 1,
                                 .quantity = 2,
                                 .reason = policy->reasons[0].code,
                                 .condition = policy->conditions[0].code};
    if (policy->reasons[0].means == REASON_PRICE_ADJUST) {
        asked.has_amount = true;
        asked.amount_minor = 10;
    }
    struct return_request request = {
        .receipt = "R1", .lines = &asked, .line_count = 1, .in_hand = true};
    struct facts facts = {.clock_trusted = true, .currency = "EUR"};
    struct decide_input in = {
        .sale = &sale,
        .history = NULL,
        .request = &request,
        .policy = policy,
        .facts = &facts,
    };
    struct decision decision;
    if (sale_check(&sale, NULL, arena, NULL) != ERR_OK ||
        returns_decide(&in, arena, &decision, NULL) != ERR_OK)
        abort();
    int64_t sum = 0;
    for (size_t i = 0; i < decision.tender_count; i++)
        sum += decision.tenders[i].amount_minor;
    if (sum != decision.total_minor || sum < 0 || sum > sale.gross_minor)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cJSON *json CLEANUP(json_cleanup) = NULL;
    struct arena arena CLEANUP(arena_free);
    struct policy policy;
    struct fault fault;
    arena_init(&arena, 16 * 1024 * 1024);
    if (json_parse((struct slice){(const char *)data, size}, JSON_LIMITS_DEFAULT, &json, &fault) ==
            ERR_OK &&
        policy_read(json, &arena, &policy, &fault) == ERR_OK)
        decide(&policy, &arena);
    return 0;
}
