#include "sync/contract/inbox.h"
#include "hal/base/json_scan.h"
#include "hal/base/jsonw.h"
#include "sync/contract/compression.h"

#include <inttypes.h>
#include <stdio.h>

enum { ACK_BYTES_MAX = 1024, ACK_DEPTH_MAX = 4, NUMBER_TEXT = 24 };

static void put_number(batch_put *put, void *context, const char *name, int64_t number)
{
    char text[NUMBER_TEXT];
    (void)snprintf(text, sizeof text, "%" PRId64, number);
    put(context, name, text);
}

void inbox_place_write(const struct inbox_place *place, batch_put *put, void *context)
{
    put_number(put, context, "hub_epoch", place->hub_epoch);
    put_number(put, context, "number", place->number);
    if (place->after != place->number - 1)
        put_number(put, context, "after", place->after);
    if (place->last > place->number)
        put_number(put, context, "last", place->last);
}

static enum err check(struct slice value, const char *name, int64_t min, int64_t *number,
                      struct fault *fault)
{
    int64_t read;
    if (json_scan_int(value, &read) != ERR_OK || read < min)
        return fault_set(fault, ERR_INVALID, name, "must be a whole number from %" PRId64, min);
    *number = read;
    return ERR_OK;
}

static enum err get_number(batch_get *get, void *context, const char *name, int64_t *number,
                           struct fault *fault)
{
    const char *text = get(context, name);
    if (!text)
        return fault_set(fault, ERR_INVALID, name, "is missing");
    return check(slice_of(text), name, 1, number, fault);
}

static enum err get_after(batch_get *get, void *context, int64_t number, int64_t *after,
                          struct fault *fault)
{
    const char *text = get(context, "after");
    if (!text) {
        *after = number - 1;
        return ERR_OK;
    }
    enum err err = check(slice_of(text), "after", 0, after, fault);
    if (!err && *after >= number)
        err = fault_set(fault, ERR_INVALID, "after", "must be below number");
    return err;
}

static enum err get_last(batch_get *get, void *context, int64_t number, int64_t *last,
                         struct fault *fault)
{
    const char *text = get(context, "last");
    *last = number;
    if (!text)
        return ERR_OK;
    enum err err = check(slice_of(text), "last", number, last, fault);
    if (!err && *last - number >= BATCH_EVENTS_MAX)
        err = fault_set(fault, ERR_INVALID, "last", "is too far from number");
    return err;
}

enum err inbox_place_read(struct inbox_place *place, batch_get *get, void *context,
                          struct fault *fault)
{
    struct inbox_place read = {0};
    enum err err = get_number(get, context, "hub_epoch", &read.hub_epoch, fault);
    if (!err)
        err = get_number(get, context, "number", &read.number, fault);
    if (!err)
        err = get_after(get, context, read.number, &read.after, fault);
    if (!err)
        err = get_last(get, context, read.number, &read.last, fault);
    if (!err)
        *place = read;
    return err;
}

void inbox_ack_write(struct buf *out, const struct inbox_ack *ack)
{
    struct jsonw w = jsonw_to(out);
    jsonw_object(&w, NULL);
    jsonw_int(&w, "hub_epoch", ack->hub_epoch);
    jsonw_int(&w, "through", ack->through);
    if (ack->takes_batches)
        jsonw_text(&w, "batches", COMPRESSION_NAME);
    jsonw_end(&w);
}

static enum err read_member(struct slice text, const char *key, int64_t *number,
                            struct fault *fault)
{
    const struct json_limits limits = {.bytes = ACK_BYTES_MAX, .depth = ACK_DEPTH_MAX};
    struct slice value;
    enum err err = json_scan_member(text, limits, key, &value, fault);
    if (err)
        return err == ERR_NOT_FOUND ? ERR_INVALID : err;
    return check(value, key, 0, number, fault);
}

/* Those that are packed as we do it. */
static bool takes_batches(struct slice text)
{
    const struct json_limits limits = {.bytes = ACK_BYTES_MAX, .depth = ACK_DEPTH_MAX};
    struct slice value;
    return json_scan_member(text, limits, "batches", &value, NULL) == ERR_OK &&
           slice_is(value, "\"" COMPRESSION_NAME "\"");
}

enum err inbox_ack_read(struct slice text, struct inbox_ack *ack, struct fault *fault)
{
    struct inbox_ack read = {0};
    enum err err = read_member(text, "hub_epoch", &read.hub_epoch, fault);
    if (!err)
        err = read_member(text, "through", &read.through, fault);
    if (!err)
        read.takes_batches = takes_batches(text);
    if (!err)
        *ack = read;
    return err;
}
