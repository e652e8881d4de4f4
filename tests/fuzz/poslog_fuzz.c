/* Any POSLog: what is made of it is JSON within its limits, and the same each time. */
#include "agent/capture/poslog_order.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void require_json(const struct buf *text)
{
    struct cJSON *doc = NULL;
    struct json_limits limits = {.bytes = 1024 * 1024, .depth = 16};
    require(json_parse(buf_slice(text), limits, &doc, NULL) == ERR_OK);
    json_free(doc);
}

static void require_exchange(const struct poslog_order *order)
{
    struct buf body;
    buf_init(&body, 1024 * 1024);
    poslog_write_exchange(order, NULL, &body);
    require_json(&body);
    buf_free(&body);
}

static void require_order(const struct poslog_transaction *t, const struct poslog_mapping *mapping)
{
    struct poslog_order first;
    struct poslog_order again;
    poslog_order_make(t, mapping, &first);
    poslog_order_make(t, mapping, &again);
    require(first.kind == again.kind && strcmp(first.key, again.key) == 0);
    if (first.kind != POSLOG_ORDER_SKIPPED && first.kind != POSLOG_ORDER_REFUSED) {
        require(slice_equal(buf_slice(&first.body), buf_slice(&again.body)));
        require_json(&first.body);
    }
    if (first.kind == POSLOG_ORDER_EXCHANGE)
        require_exchange(&first);
    if (first.kind == POSLOG_ORDER_REFUSED)
        require(*first.code != '\0' && *first.why.text != '\0');
    poslog_order_free(&first);
    poslog_order_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct poslog_mapping *mapping;
    if (!mapping)
        require(poslog_mapping_open(&mapping, NULL, NULL) == ERR_OK);
    struct arena arena;
    struct poslog poslog;
    arena_init(&arena, POSLOG_ARENA_BYTES);
    if (poslog_read((struct slice){(const char *)data, size}, &arena, &poslog, NULL) == ERR_OK)
        for (const struct poslog_transaction *t = poslog.first; t; t = t->next)
            require_order(t, mapping);
    arena_free(&arena);
    return 0;
}
