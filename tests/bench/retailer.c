#include "tests/bench/retailer.h"
#include "sync/contract/event.h"
#include "sync/hub/ledger/period.h"

#include <inttypes.h>
#include <stdio.h>

enum { DAY_MS = 24 * 60 * 60 * 1000, ID_EVENT = 1, ID_RETURN = 2 };
static const int64_t FIRST_MS = INT64_C(1767225600000); /* 2026-01-01 */

struct id retailer_id(const struct retailer *retailer, int64_t number, uint8_t kind)
{
    struct id id = {{(uint8_t)retailer->part, kind}};
    for (int i = 0; i < 8; i++)
        id.bytes[15 - i] = (uint8_t)(number >> 8 * i);
    id.bytes[6] = 0x70;
    return id;
}

void retailer_device(const struct retailer *retailer, int store, char name[static 64])
{
    (void)snprintf(name, 64, "w%d-box-%d", retailer->part, store);
}

int64_t retailer_time_ms(const struct retailer *retailer, int64_t number)
{
    double part = (double)number / (double)retailer->returns;
    return FIRST_MS + (int64_t)(part * (double)retailer->days * DAY_MS);
}

static void write_created(const struct retailer *retailer, struct buf *data, int store,
                          int64_t number)
{
    buf_printf(
        data,
        "{\"number\":\"R%04d-%d%06" PRId64 "-0\",\"receipt\":\"%04d-%02d-%" PRId64 "\","
        "\"store\":\"%04d\",\"country\":\"DE\",\"currency\":\"EUR\",\"decision\":\"accepted\","
        "\"reasons\":[],\"goods\":\"received\",\"policy\":{\"version\":\"1\",\"rule\":\"default\"},"
        "\"lines\":[{\"line\":1,\"quantity\":1,\"net\":280,\"tax\":[{\"type\":\"vat\",\"class\":"
        "\"standard\",\"jurisdiction\":\"DE\",\"rate\":\"19\",\"amount\":53}],\"gross\":333,"
        "\"fee\":{\"amount\":0,\"tax\":0},\"cost\":200,\"disposition\":\"restock\",\"reason\":"
        "\"unwanted\",\"condition\":\"new_sealed\"}],\"refund\":{\"currency\":\"EUR\",\"total\":"
        "333,\"tenders\":[{\"tender\":1,\"type\":\"card\",\"amount\":333,\"executor\":\"terminal\","
        "\"reference\":\"tok_%d_%" PRId64 "\"}]},\"sale\":{\"lines\":[{\"line\":1,\"sku\":\"4711\","
        "\"gtin\":\"04006381333931\",\"description\":\"Socks\",\"quantity\":3,\"amount\":1000}],"
        "\"tenders\":[{\"tender\":1,\"type\":\"card\",\"amount\":1000}]}}",
        store, retailer->part, number, store, retailer->part + 1, number, store, retailer->part,
        number);
}

static void write_data(const struct retailer *retailer, struct buf *data, int store, int64_t number,
                       int step)
{
    if (step == 0)
        write_created(retailer, data, store, number);
    else if (step == 1)
        buf_append_text(data, "{\"lines\":[{\"line\":1,\"quantity\":1}]}");
    else
        buf_printf(data,
                   "{\"position\":0,\"tender\":1,\"type\":\"card\",\"amount\":333,\"reference\":"
                   "\"RF%d-%" PRId64 "\",\"currency\":\"EUR\"}",
                   retailer->part, number);
}

void retailer_event(const struct retailer *retailer, int store, int64_t number, int step,
                    struct buf *body)
{
    static const enum event_type types[RETAILER_STEPS] = {EVENT_RETURN_CREATED, EVENT_ITEM_RECEIVED,
                                                          EVENT_REFUND_ISSUED};
    struct buf data;
    char device[64];
    char source[96];
    buf_init(&data, EVENT_BODY_MAX);
    write_data(retailer, &data, store, number, step);
    retailer_device(retailer, store, device);
    (void)snprintf(source, sizeof source, "/store/%04d/device/%s", store, device);
    const struct event event = {
        .id = retailer_id(retailer, number * RETAILER_STEPS + step, ID_EVENT),
        .type = types[step],
        .source = slice_of(source),
        .time_ms = retailer_time_ms(retailer, number),
        .correlation = retailer_id(retailer, number, ID_RETURN),
        .sequence = step + 1,
        .data = buf_slice(&data),
    };
    event_write(body, &event);
    buf_free(&data);
}

void retailer_settlement(const struct retailer *retailer, int64_t first, int64_t end,
                         struct buf *text)
{
    char day[DAY_TEXT + 1];
    day_format(day_of_ms(retailer_time_ms(retailer, end)) + RETAILER_SETTLED_AFTER, day);
    buf_append_text(
        text, "Psp Reference,Merchant Reference,Creation Date,Type,Modification Reference,Gross "
              "Currency,Gross Debit (GC),Gross Credit (GC),Net Currency,Net Debit (NC),Net Credit "
              "(NC),Batch Number\n");
    for (int64_t number = first; number < end; number++) {
        if (number % RETAILER_FORGOTTEN == 0)
            continue;
        const char *amount = number % RETAILER_DIFFERING == 1 ? "3.30" : "3.33";
        buf_printf(text,
                   "tok_%d_%" PRId64 ",X,%s 10:00:00,Refunded,RF%d-%" PRId64
                   ",EUR,%s,,EUR,%s,,B%d-%s"
                   "\n",
                   retailer->part, number, day, retailer->part, number, amount, amount,
                   retailer->part, day);
    }
}
