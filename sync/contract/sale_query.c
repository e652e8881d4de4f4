#include "sync/contract/sale_query.h"
#include "hal/base/cleanup.h"
#include "hal/base/json_scan.h"
#include "hal/base/jsonw.h"
#include "hal/base/rfc3339.h"

#include <assert.h>
#include <string.h>

enum { BYTES_MAX = 4096, DEPTH_MAX = 4 };

/* The member's exact bytes; one that isn't there is ERR_INVALID. */
static enum err locate(struct slice text, struct json_limits limits, const char *key,
                       struct slice *value, struct fault *fault)
{
    enum err err = json_scan_member(text, limits, key, value, fault);
    return err == ERR_NOT_FOUND ? ERR_INVALID : err;
}

/* A text of 1 to `max` bytes. */
static enum err read_text(struct slice text, struct json_limits limits, const char *key, size_t max,
                          char *out, struct fault *fault)
{
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, BYTES_MAX);
    struct slice value;
    struct slice read;
    enum err err = locate(text, limits, key, &value, fault);
    if (err)
        return err;
    err = json_scan_text(value, &arena, &read);
    if (err == ERR_NO_MEMORY)
        return fault_set(fault, err, key, "out of memory");
    if (err || read.len == 0 || read.len > max)
        return fault_set(fault, ERR_INVALID, key, "must be a text of 1 to %zu bytes", max);
    memcpy(out, read.data, read.len);
    out[read.len] = '\0';
    return ERR_OK;
}

static enum err read_receipt(struct slice text, struct json_limits limits,
                             char receipt[static SALE_QUERY_RECEIPT_MAX + 1], struct fault *fault)
{
    return read_text(text, limits, "receipt", SALE_QUERY_RECEIPT_MAX, receipt, fault);
}

/* Absent stands for "". */
static enum err read_store(struct slice text, struct json_limits limits,
                           char store[static SALE_QUERY_STORE_MAX + 1], struct fault *fault)
{
    struct slice value;
    enum err err = json_scan_member(text, limits, "store", &value, fault);
    if (err == ERR_NOT_FOUND)
        return ERR_OK;
    return err ? err : read_text(text, limits, "store", SALE_QUERY_STORE_MAX, store, fault);
}

void return_news_write(struct jsonw *w, const struct return_news *of)
{
    char id[ID_TEXT + 1];
    if (!of->events)
        return;
    id_format(&of->id, id);
    jsonw_text(w, "return", id);
    jsonw_int(w, "events", of->events);
}

void sale_query_write(struct buf *out, const struct sale_query *query)
{
    assert(query->receipt[0]);
    struct jsonw w = jsonw_to(out);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "receipt", query->receipt);
    if (query->store[0])
        jsonw_text(&w, "store", query->store);
    if (query->reserve)
        jsonw_bool(&w, "reserve", true);
    return_news_write(&w, &query->of);
    jsonw_end(&w);
}

/* Absent stands for false. */
static enum err read_flag(struct slice text, struct json_limits limits, const char *key, bool *flag,
                          struct fault *fault)
{
    struct slice value;
    enum err err = json_scan_member(text, limits, key, &value, fault);
    if (err == ERR_NOT_FOUND)
        return ERR_OK;
    *flag = !err && slice_is(value, "true");
    return err || *flag || slice_is(value, "false")
               ? err
               : fault_set(fault, ERR_INVALID, key, "must be true or false");
}

/* Absent stands for none. */
static enum err read_news(struct slice text, struct json_limits limits, struct return_news *of,
                          struct fault *fault)
{
    struct return_news read;
    struct slice events;
    char id[ID_TEXT + 1];
    enum err err = json_scan_member(text, limits, "events", &events, fault);
    if (err == ERR_NOT_FOUND)
        return ERR_OK;
    if (!err)
        err = read_text(text, limits, "return", ID_TEXT, id, fault);
    if (err)
        return err;
    if (id_parse(slice_of(id), &read.id) != ERR_OK)
        return fault_set(fault, ERR_INVALID, "return", "must be a UUID");
    if (json_scan_int(events, &read.events) != ERR_OK || read.events < 1)
        return fault_set(fault, ERR_INVALID, "events", "must be a number from 1");
    *of = read;
    return ERR_OK;
}

enum err sale_query_read(struct slice text, struct sale_query *query, struct fault *fault)
{
    const struct json_limits limits = {.bytes = BYTES_MAX, .depth = DEPTH_MAX};
    struct sale_query read = {0};
    enum err err = read_receipt(text, limits, read.receipt, fault);
    if (!err)
        err = read_store(text, limits, read.store, fault);
    if (!err)
        err = read_flag(text, limits, "reserve", &read.reserve, fault);
    if (!err)
        err = read_news(text, limits, &read.of, fault);
    if (!err)
        *query = read;
    return err;
}

void sale_reply_write(struct buf *out, const struct sale_reply *reply)
{
    assert(reply->event_count <= SALE_REPLY_EVENTS_MAX);
    struct jsonw w = jsonw_to(out);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "receipt", reply->receipt);
    if (reply->sale.len)
        jsonw_raw(&w, "sale", reply->sale);
    else
        jsonw_null(&w, "sale");
    jsonw_array(&w, "events");
    for (size_t i = 0; i < reply->event_count; i++)
        jsonw_raw(&w, NULL, reply->events[i]);
    jsonw_end(&w);
    if (reply->reserved_until_ms)
        jsonw_time(&w, "reserved_until", reply->reserved_until_ms);
    if (reply->awaits_holder)
        jsonw_bool(&w, "awaits_holder", true);
    if (reply->confirmed)
        jsonw_bool(&w, "confirmed", true);
    jsonw_end(&w);
}

/* Absent when nobody else is at the receipt. */
static enum err read_reserved(struct slice text, struct json_limits limits,
                              struct sale_reply *reply, struct fault *fault)
{
    struct slice value;
    enum err err = json_scan_member(text, limits, "reserved_until", &value, fault);
    if (err == ERR_NOT_FOUND)
        return ERR_OK;
    if (!err && (value.len < 2 || rfc3339_parse((struct slice){value.data + 1, value.len - 2},
                                                &reply->reserved_until_ms) != ERR_OK))
        err = fault_set(fault, ERR_INVALID, "reserved_until", "must be a time");
    return err;
}

static enum err read_sale(struct slice text, struct json_limits limits, struct sale_reply *reply,
                          struct fault *fault)
{
    struct slice value;
    enum err err = locate(text, limits, "sale", &value, fault);
    if (err || slice_is(value, "null"))
        return err;
    if (value.data[0] != '{')
        return fault_set(fault, ERR_INVALID, "sale", "must be an object or null");
    reply->sale = value;
    return ERR_OK;
}

static enum err read_list(struct slice list, struct json_limits limits, struct sale_reply *reply,
                          struct fault *fault)
{
    struct json_scan scan;
    struct json_part part;
    bool found = true;
    enum err err = json_scan_begin(&scan, list, limits, '[', fault);
    while (!err && (err = json_scan_next(&scan, &part, &found, fault)) == ERR_OK && found) {
        if (reply->event_count == SALE_REPLY_EVENTS_MAX)
            return fault_set(fault, ERR_TOO_LARGE, "", "more than %d events",
                             SALE_REPLY_EVENTS_MAX);
        if (part.value.data[0] != '{')
            return fault_set(fault, ERR_INVALID, "", "must be objects");
        reply->events[reply->event_count++] = part.value;
    }
    return err;
}

static enum err read_events(struct slice text, struct json_limits limits, struct sale_reply *reply,
                            struct fault *fault)
{
    struct slice list;
    enum err err = locate(text, limits, "events", &list, fault);
    if (err)
        return err;
    err = read_list(list, limits, reply, fault);
    if (err)
        fault_within(fault, "events");
    return err;
}

enum err sale_reply_read(struct slice text, struct sale_reply *reply, struct fault *fault)
{
    const struct json_limits limits = {.bytes = SALE_REPLY_BYTES_MAX, .depth = EVENT_DEPTH_MAX + 2};
    struct sale_reply read = {0};
    enum err err = read_receipt(text, limits, read.receipt, fault);
    if (!err)
        err = read_sale(text, limits, &read, fault);
    if (!err)
        err = read_events(text, limits, &read, fault);
    if (!err)
        err = read_reserved(text, limits, &read, fault);
    if (!err)
        err = read_flag(text, limits, "awaits_holder", &read.awaits_holder, fault);
    if (!err)
        err = read_flag(text, limits, "confirmed", &read.confirmed, fault);
    if (!err)
        *reply = read;
    return err;
}
