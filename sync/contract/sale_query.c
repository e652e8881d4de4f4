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

static enum err read_receipt(struct slice text, struct json_limits limits,
                             char receipt[static SALE_QUERY_RECEIPT_MAX + 1], struct fault *fault)
{
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, BYTES_MAX);
    struct slice value;
    struct slice read;
    enum err err = locate(text, limits, "receipt", &value, fault);
    if (err)
        return err;
    err = json_scan_text(value, &arena, &read);
    if (err == ERR_NO_MEMORY)
        return fault_set(fault, err, "receipt", "out of memory");
    if (err || read.len == 0 || read.len > SALE_QUERY_RECEIPT_MAX)
        return fault_set(fault, ERR_INVALID, "receipt", "must be a text of 1 to %d bytes",
                         SALE_QUERY_RECEIPT_MAX);
    memcpy(receipt, read.data, read.len);
    receipt[read.len] = '\0';
    return ERR_OK;
}

void sale_query_write(struct buf *out, const struct sale_query *query)
{
    assert(query->receipt[0]);
    struct jsonw w = jsonw_to(out);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "receipt", query->receipt);
    jsonw_end(&w);
}

enum err sale_query_read(struct slice text, struct sale_query *query, struct fault *fault)
{
    const struct json_limits limits = {.bytes = BYTES_MAX, .depth = DEPTH_MAX};
    struct sale_query read = {0};
    enum err err = read_receipt(text, limits, read.receipt, fault);
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
        *reply = read;
    return err;
}
