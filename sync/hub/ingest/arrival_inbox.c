#include "sync/contract/inbox.h"
#include "sync/hub/ingest/arrival_kind.h"
#include "sync/hub/ingest/device.h"
#include "sync/hub/ingest/inbox.h"

enum { INBOX_BATCH_BYTES = 64 * 1024 };

/* One alone goes as it is. */
static enum err next_messages(struct arrival *arrival, struct database *db, struct fault *fault)
{
    struct inbox_place *place = &arrival->place;
    enum err err =
        inbox_next_some(db, arrival->device, INBOX_BATCH_BYTES, &arrival->reply, place, fault);
    if (err || place->last > place->number)
        return err ? err : arrival_pack(arrival, fault);
    buf_reset(&arrival->reply);
    return inbox_next(db, arrival->device, &arrival->reply, place, fault);
}

static enum err run_inbox_ack(struct work *work, struct database *db, struct fault *fault)
{
    struct arrival *arrival = arrival_of(work);
    struct inbox_ack ack;
    enum err err = inbox_ack_read(buf_slice(&arrival->payload), &ack, fault);
    if (!err)
        err = device_seen(db, arrival->device, arrival->received_ms, fault);
    /*
     * An appliance that names an earlier epoch, or has lost its log, holds none of this epoch's
     * messages.
     */
    int64_t ours = arrival->desk->rules.hub_epoch;
    if (!err && ack.hub_epoch <= ours)
        err = inbox_acknowledge(db, arrival->device, ack.hub_epoch == ours ? ack.through : 0,
                                arrival->received_ms, fault);
    if (!err && ack.takes_batches)
        return next_messages(arrival, db, fault);
    return err ? err : inbox_next(db, arrival->device, &arrival->reply, &arrival->place, fault);
}

void arrival_end_with_inbox(struct work *work, enum err err, const struct fault *fault)
{
    struct arrival *arrival = arrival_of(work);
    arrival->place.hub_epoch = arrival->desk->rules.hub_epoch;
    const struct arrival_answer answer = {
        .device = arrival->device,
        .name = arrival->packed ? "inbox-batch" : "inbox",
        .payload = buf_slice(&arrival->reply),
        .place = arrival->place,
        .packed = arrival->packed,
    };
    arrival_end(arrival, err, fault, arrival->place.number ? &answer : NULL);
}

const struct arrival_kind arrival_inbox_ack = {
    .name = "inbox-ack", .run = run_inbox_ack, .done = arrival_end_with_inbox};

static enum err run_push(struct work *work, struct database *db, struct fault *fault)
{
    struct arrival *arrival = arrival_of(work);
    return inbox_next(db, arrival->device, &arrival->reply, &arrival->place, fault);
}

enum err arrival_push(struct arrival_desk *desk, struct worker *worker, const char *device)
{
    static const struct arrival_kind kind = {.run = run_push, .done = arrival_end_with_inbox};
    struct arrival *arrival = arrival_new(desk, device, &kind, (struct slice){"", 0});
    return arrival ? arrival_send(arrival, worker) : ERR_NO_MEMORY;
}
