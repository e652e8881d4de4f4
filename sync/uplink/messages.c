#include "hal/base/cleanup.h"
#include "sync/contract/inbox.h"
#include "sync/uplink/internal.h"
#include "sync/uplink/unpack.h"

enum { INBOX_REFUSED_MS = 5000, SMALL_MAX = 4 * 1024 };

static struct inbox_ack held(struct uplink *uplink)
{
    struct eventlog_status log;
    eventlog_status(uplink->config.log, &log);
    return (struct inbox_ack){
        .hub_epoch = log.inbox_epoch, .through = log.inbox_through, .takes_batches = true};
}

void messages_tell(struct uplink *uplink)
{
    struct fault fault;
    struct buf body CLEANUP(buf_free);
    buf_init(&body, SMALL_MAX);
    uplink->inbox_told = held(uplink);
    inbox_ack_write(&body, &uplink->inbox_told);
    struct mqtt_message message = {
        .payload = buf_slice(&body), .qos = 1, .content_type = "application/json"};
    if (uplink_publish(uplink, "inbox-ack", &message, &fault) != ERR_OK)
        diag_fault(uplink->config.diag, DIAG_INFO, "uplink.inbox_ack", &fault);
}

/* Since it was told: a message that can't be read is held, too. */
static bool holds_more(struct uplink *uplink)
{
    struct inbox_ack now = held(uplink);
    return now.hub_epoch != uplink->inbox_told.hub_epoch ||
           now.through != uplink->inbox_told.through;
}

/*
 * A message that doesn't fit is answered too, so that the hub can go back, but not in a flood. Of
 * several that came together the last is answered for all.
 */
static void inbox_stored(struct errand *errand)
{
    struct uplink *uplink = errand->owner;
    int64_t now = uplink_now_ms(uplink);
    uplink->inbox_coming--;
    if (errand->err) {
        diag_fault(uplink->config.diag, DIAG_WARN, "uplink.inbox", &errand->fault);
        uplink->inbox_refused = true;
    }
    if (!uplink->subscribed || uplink->inbox_coming > 0)
        return;
    bool refused = uplink->inbox_refused && !holds_more(uplink);
    uplink->inbox_refused = false;
    if (refused && now - uplink->inbox_refused_ms < INBOX_REFUSED_MS)
        return;
    if (refused)
        uplink->inbox_refused_ms = now;
    messages_tell(uplink);
}

static const char *get_property(void *context, const char *name)
{
    return mqtt_property_of(context, name);
}

static void receive(struct uplink *uplink, const struct inbox_place *place, struct slice body)
{
    struct errand *errand = errand_new(uplink->errands, inbox_stored);
    if (!errand)
        return;
    uplink->inbox_coming++;
    eventlog_receive(uplink->config.log, place, body, errand_done, errand);
}

static void receive_some(struct uplink *uplink, const struct inbox_place *place,
                         const struct mqtt_message *message)
{
    struct fault fault;
    struct slice bodies[BATCH_EVENTS_MAX];
    size_t count = 0;
    struct slice text;
    struct buf unpacked CLEANUP(buf_free);
    buf_init(&unpacked, BATCH_BYTES_MAX);
    enum err err = unpack(message, &unpacked, &text, &fault);
    if (!err)
        err = batch_cut(text, bodies, BATCH_EVENTS_MAX, &count, &fault);
    if (!err && (int64_t)count != place->last - place->number + 1)
        err = fault_set(&fault, ERR_INVALID, "last", "another number of messages came");
    if (err)
        diag_fault(uplink->config.diag, DIAG_WARN, "uplink.inbox_unreadable", &fault);
    for (size_t i = 0; i < count && !err; i++) {
        int64_t number = place->number + (int64_t)i;
        const struct inbox_place one = {.hub_epoch = place->hub_epoch,
                                        .number = number,
                                        .after = i ? number - 1 : place->after,
                                        .last = number};
        receive(uplink, &one, bodies[i]);
    }
}

void messages_came(struct uplink *uplink, const struct mqtt_message *message)
{
    struct fault fault;
    struct inbox_place place;
    struct mqtt_message read = *message;
    if (inbox_place_read(&place, get_property, &read, &fault) != ERR_OK) {
        diag_fault(uplink->config.diag, DIAG_WARN, "uplink.inbox_unreadable", &fault);
        return;
    }
    if (restore_is_busy(uplink->restore))
        return; /* it comes again when the restoring is over */
    if (place.last > place.number)
        receive_some(uplink, &place, message);
    else
        receive(uplink, &place, message->payload);
}
