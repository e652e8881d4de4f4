#include "agent/api/internal.h"
#include "agent/api/lookup.h"
#include "agent/views/sale_returned.h"
#include "agent/views/sale_view.h"
#include "hal/base/cleanup.h"

enum { ARENA_MAX_BYTES = 8 * 1024 * 1024, ANSWER_MAX_BYTES = 4 * 1024 * 1024 };

static void record(struct api_call *call)
{
    api_write(call, CAPTURE_SALE, NULL, 201);
}

/* What is already returned of each line, and what was paid for it after all discounts. */
static void write_returned(const struct sale *sale, const struct history *history, struct jsonw *w)
{
    jsonw_array(w, "lines");
    for (size_t i = 0; i < sale->line_count; i++) {
        jsonw_object(w, NULL);
        jsonw_int(w, "line", sale->lines[i].line);
        jsonw_int(w, "returned", history->lines[i].units);
        jsonw_int(w, "paid", sale->lines[i].gross_minor);
        jsonw_end(w);
    }
    jsonw_end(w);
}

static enum err write_sale(struct api_call *call, const struct sale_row *row,
                           const char *authorisation, struct jsonw *w, struct fault *fault)
{
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, ARENA_MAX_BYTES);
    struct sale_found found CLEANUP(sale_found_cleanup) = {0};
    enum err err = sale_view_load(&call->api->views, &row->id, &arena, &found, fault);
    struct sale_returned returned;
    if (!err)
        err = sale_returned_read(&call->api->views, &found, NULL, &arena, &returned, fault);
    if (err)
        return err;
    char id[ID_TEXT + 1];
    id_format(&row->id, id);
    jsonw_object(w, NULL);
    jsonw_text(w, "sale_id", id);
    jsonw_int(w, "seq", found.seq);
    jsonw_raw(w, "sale", found.data);
    if (authorisation)
        jsonw_text(w, "authorisation", authorisation);
    write_returned(&found.sale, &returned.history, w);
    jsonw_end(w);
    return ERR_OK;
}

static enum err find_rows(struct api_call *call, struct sale_row *rows, size_t *count,
                          struct fault *fault)
{
    const char *receipt = http_request_query(call->request, "receipt");
    const char *order = http_request_query(call->request, "order");
    const char *gtin = http_request_query(call->request, "gtin");
    const char *sku = http_request_query(call->request, "sku");
    enum err err = http_request_check_query(call->request, "receipt order gtin sku", fault);
    if (err)
        return err;
    if (!!receipt + !!order + !!gtin + !!sku != 1)
        return fault_set(fault, ERR_INVALID, "receipt",
                         "ask for one of receipt, order, gtin or sku");
    if (receipt) {
        err = sale_view_by_receipt(&call->api->views, receipt, &rows[0], fault);
        *count = err ? 0 : 1;
        /* What the customer holds may be the number of an order, or of an authorisation. */
        return err == ERR_NOT_FOUND
                   ? sale_view_list(&call->api->views, SALE_BY_ORDER, receipt, rows, count, fault)
                   : err;
    }
    enum sale_by by = gtin ? SALE_BY_GTIN : sku ? SALE_BY_SKU : SALE_BY_ORDER;
    const char *wanted = gtin ? gtin : sku ? sku : order;
    return sale_view_list(&call->api->views, by, wanted, rows, count, fault);
}

/* The number that was asked for, if it is one under which the centre authorised a return. */
static enum err find_authorisation(struct api_call *call, const char **number, struct fault *fault)
{
    struct arena arena CLEANUP(arena_free);
    struct slice data;
    const char *asked = http_request_query(call->request, "receipt");
    arena_init(&arena, ARENA_MAX_BYTES);
    *number = NULL;
    if (!asked)
        return ERR_OK;
    enum err err = sale_view_authorised(&call->api->views, asked, &arena, &data, fault);
    if (!err)
        *number = asked;
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static void list(struct api_call *call)
{
    struct fault fault;
    if (lookup_asks(call))
        return;
    struct sale_row rows[SALE_VIEW_LIST_MAX];
    size_t count = 0;
    struct buf body CLEANUP(buf_free);
    buf_init(&body, ANSWER_MAX_BYTES);
    struct jsonw w = jsonw_to(&body);
    const char *authorisation = NULL;
    enum err err = find_rows(call, rows, &count, &fault);
    if (!err)
        err = find_authorisation(call, &authorisation, &fault);
    jsonw_object(&w, NULL);
    jsonw_array(&w, "sales");
    for (size_t i = 0; !err && i < count; i++)
        err = write_sale(call, &rows[i], authorisation, &w, &fault);
    jsonw_end(&w);
    jsonw_end(&w);
    if (err)
        api_fail(call->request, err, &fault);
    else
        api_answer(call->request, 200, &body);
}

const struct api_route api_sale_routes[] = {
    {"POST", "/v1/sales", API_TILL, record},
    {"GET", "/v1/sales", API_CLIENT, list},
    {0},
};
