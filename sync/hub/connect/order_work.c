#include "sync/hub/connect/order_work.h"
#include "sync/contract/money.h"
#include "sync/hub/connect/claim.h"
#include "sync/hub/ingest/ingest.sql.h"

#include <stddef.h>
#include <stdio.h>

enum { ARENA_MAX = 512 * 1024, DEPTH = 8 };

static const struct json_field line_fields[] = {
    ORDER_WHOLE("line", 0, struct order_line, line),
    ORDER_WHOLE("quantity", 1, struct order_line, quantity),
};
const struct json_table order_line_table = {line_fields, sizeof line_fields / sizeof *line_fields,
                                            sizeof(struct order_line), true};

enum err order_work_open(struct order_work *work, struct database *db, struct order *order,
                         const struct json_table *table, void *document, struct fault *fault)
{
    const struct json_limits limits = {.bytes = ORDER_BYTES_MAX, .depth = DEPTH};
    *work = (struct order_work){.db = db, .order = order, .fault = fault};
    arena_init(&work->arena, ARENA_MAX);
    buf_init(&work->body, EVENT_BODY_MAX);
    buf_init(&work->text, ORDER_BYTES_MAX);
    enum err err = json_parse(order->text, limits, &work->json, fault);
    if (!err)
        err = json_read(work->json, table, document, &work->arena, fault);
    if (err)
        return err;
    json_print(work->json, &work->text);
    return buf_check(&work->text, fault, "document");
}

void order_work_close(struct order_work *work)
{
    json_free(work->json);
    buf_free(&work->text);
    buf_free(&work->body);
    arena_free(&work->arena);
}

enum err order_work_known(struct order_work *work, const struct centre_fact *fact,
                          const char *field, bool *known)
{
    enum err err = centre_knows(work->db, fact, known, work->fault);
    return err == ERR_CONFLICT
               ? fault_set(work->fault, ERR_CONFLICT, field, "is known with other content")
               : err;
}

struct push {
    struct order_work *work;
    const char *receipt;
    enum err err;
};

static enum err hold_sale(struct order_work *work, const char *receipt, const char *device)
{
    struct statement *s;
    enum err err = database_statement(work->db, INGEST_SALE_HOLDER_INSERT, &s, work->fault);
    if (err)
        return err;
    bind_text(s, 1, receipt);
    bind_text(s, 2, device);
    return database_run(work->db, s, work->fault);
}

static void pushed(void *context, const char *device)
{
    struct push *push = context;
    told_add(push->work->order->told, device);
    if (push->receipt && !push->err)
        push->err = hold_sale(push->work, push->receipt, device);
}

enum err order_work_push(struct order_work *work, const char *store, const char *receipt)
{
    struct push push = {work, receipt, ERR_OK};
    const struct order *order = work->order;
    const char *at = order->stores ? order->stores : store;
    enum err err = ERR_OK;
    for (int i = 0; !err && at && *at && i < ORDER_STORES_MAX; i++) {
        char name[ORDER_NAME_BYTES + 1];
        const char *comma = strchr(at, ',');
        size_t len = comma ? (size_t)(comma - at) : strlen(at);
        if (len > ORDER_NAME_BYTES)
            return fault_set(work->fault, ERR_INVALID, "stores",
                             "must be store numbers with commas");
        memcpy(name, at, len);
        name[len] = '\0';
        err = centre_tell_store(work->db, name, buf_slice(&work->body), order->now_ms, pushed,
                                &push, work->fault);
        err = err ? err : push.err;
        at = comma ? comma + 1 : NULL;
    }
    return err;
}
