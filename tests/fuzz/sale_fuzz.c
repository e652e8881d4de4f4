/* What sale_read takes adds up, and returning all of it at once gives back what was paid. */
#include "agent/returns/history.h"
#include "agent/returns/refund.h"
#include "hal/base/cleanup.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void require_whole(const struct sale *sale, struct arena *arena)
{
    struct history history;
    struct refund_terms terms = {.goods_ours = true};
    if (history_init(sale, arena, &history, NULL) != ERR_OK)
        return;
    int64_t sum = 0;
    for (size_t i = 0; i < sale->line_count; i++) {
        struct decided_tax taxes[SALE_TAXES_MAX];
        struct decided_line line = {
            .sale_index = i, .quantity = sale->lines[i].quantity, .taxes = taxes};
        refund_goods(sale, &history.lines[i], &terms, &line);
        require(line.gross_minor == sale->lines[i].gross_minor);
        require(line.net_minor == sale->lines[i].net_minor);
        sum += line.gross_minor;
    }
    require(sum == sale->gross_minor);
    for (size_t i = 0; i < sale->tender_count; i++)
        sum -= sale->tenders[i].amount_minor;
    require(sum == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cJSON *json CLEANUP(json_cleanup) = NULL;
    struct arena arena CLEANUP(arena_free);
    struct sale sale;
    struct fault fault;
    arena_init(&arena, 16 * 1024 * 1024);
    if (json_parse((struct slice){(const char *)data, size}, JSON_LIMITS_DEFAULT, &json, &fault) ==
            ERR_OK &&
        sale_read(json, NULL, &arena, &sale, &fault) == ERR_OK)
        require_whole(&sale, &arena);
    return 0;
}
