#include "sync/uplink/internal.h"

enum {
    NO_SUBSCRIBERS = 0x10, /* the broker took it, for nobody */
    PROBE_MS = 800,        /* while no hub is there to receive */
    LOST_AGE_MS = 500,     /* taken so long ago and not with a hub that has just spoken: lost */
};

void delivery_look(struct uplink *uplink)
{
    struct eventlog_status before = uplink->log;
    eventlog_status(uplink->config.log, &uplink->log);
    for (int i = 0; i < STREAMS_OF_APPLIANCE; i++) {
        const struct eventlog_stream_status *stream = &uplink->log.streams[i];
        if (id_equal(&stream->log, &before.streams[i].log)) {
            window_grow(&uplink->window, (enum stream)i, stream->head);
            continue;
        }
        window_begin(&uplink->window, (enum stream)i, stream->head, stream->through);
        if (uplink->replay.ranges[0].stream == (enum stream)i)
            replay_restart(&uplink->replay);
        uplink->heard[i] = false;
    }
}

int64_t delivery_waiting(const struct uplink *uplink)
{
    return window_waiting(&uplink->window, STREAM_RETURNS) +
           window_waiting(&uplink->window, STREAM_SALES);
}

/* --- Sending --------------------------------------------------------------------------------- */

static enum err send_one(struct uplink *uplink, const struct window_choice *choice,
                         struct fault *fault)
{
    const struct eventlog_stream_status *log = &uplink->log.streams[choice->stream];
    struct window_batch batch = {
        .stream = choice->stream, .sent_ms = uplink_now_ms(uplink), .replay = choice->replay};
    enum err err = parcel_pack(&uplink->parcel, uplink->reader, log, choice, fault);
    if (!err)
        err = parcel_publish(&uplink->parcel, link_mqtt(uplink->link), uplink->config.target.device,
                             encoding_compresses(&uplink->encoding), &batch.token, fault);
    if (err)
        return err;
    batch.first = uplink->parcel.header.first;
    batch.last = uplink->parcel.header.last;
    batch.bytes = uplink->parcel.sent_bytes;
    window_sent(&uplink->window, &batch);
    return ERR_OK;
}

/* The timer rings at the next thing that has to be done without being told. */
void delivery_set_timer(struct uplink *uplink)
{
    int64_t now = uplink_now_ms(uplink);
    int64_t at = uplink->state_ms;
    int64_t deadline =
        uplink->subscribed ? window_deadline_ms(&uplink->window) : uplink->subscribe_ms;
    if (deadline < at)
        at = deadline;
    if (uplink->probe_ms > now && uplink->probe_ms < at)
        at = uplink->probe_ms;
    loop_timer_start(uplink->timer, at > now ? at - now : 0, 0);
}

/* Somebody asked for it; it goes behind all that the hub doesn't hold. */
static enum err send_replay(struct uplink *uplink, struct fault *fault)
{
    struct replay_range next;
    if (!replay_next(&uplink->replay, &next) || !window_has_room(&uplink->window))
        return ERR_OK;
    const struct eventlog_stream_status *log = &uplink->log.streams[next.stream];
    int64_t events = next.last - next.first + 1;
    const struct window_choice choice = {.stream = next.stream,
                                         .first = next.first,
                                         .max_events =
                                             events < BATCH_EVENTS ? events : BATCH_EVENTS,
                                         .max_bytes = uplink->window.batch_bytes,
                                         .replay = true};
    bool gone = !id_equal(&next.log, &log->log) || next.first < log->first_kept;
    enum err err = gone ? fault_set(fault, ERR_NOT_FOUND, "replay", "the log was forked or pruned")
                        : send_one(uplink, &choice, fault);
    if (!err)
        replay_sent(&uplink->replay, uplink->parcel.header.last);
    else if (err == ERR_NOT_FOUND)
        replay_drop(&uplink->replay);
    return err;
}

void delivery_forget_road(struct uplink *uplink)
{
    window_restart(&uplink->window);
    replay_restart(&uplink->replay);
}

void delivery_pump(struct uplink *uplink)
{
    struct window_choice choice;
    struct fault fault;
    enum err err = ERR_OK;
    if (!uplink->subscribed)
        return;
    bool may = uplink_now_ms(uplink) >= uplink->probe_ms;
    while (may && !err && window_next(&uplink->window, &choice))
        err = send_one(uplink, &choice, &fault);
    if (may && !err)
        err = send_replay(uplink, &fault);
    if (err == ERR_TOO_LARGE)
        window_bound(&uplink->window);
    if (err) {
        diag_fault(uplink->config.diag, DIAG_ERROR, "uplink.cant_send", &fault);
        uplink->probe_ms = uplink_now_ms(uplink) + PROBE_MS;
    }
    if (!delivery_waiting(uplink))
        parcel_rest(&uplink->parcel);
    delivery_set_timer(uplink);
}

/* For the next process's first batch. */
void delivery_keep_accepted(struct uplink *uplink)
{
    struct fault fault;
    bool accepts = encoding_compresses(&uplink->encoding);
    if (accepts == uplink->kept_accepted)
        return;
    uplink->kept_accepted = accepts;
    if (accepted_keep(uplink->config.reader.folder, uplink->config.target.url, accepts, &fault))
        diag_fault(uplink->config.diag, DIAG_INFO, "uplink.encoding_not_kept", &fault);
}

void delivery_recall_accepted(struct uplink *uplink)
{
    const char *url = uplink->config.target.url;
    uplink->kept_accepted = url && accepted_recall(uplink->config.reader.folder, url);
    uplink->encoding.accepted = uplink->kept_accepted;
}

void delivery_published(struct uplink *uplink, int token, int reason)
{
    if (reason == NO_SUBSCRIBERS) {
        size_t before = uplink->window.count;
        window_undelivered(&uplink->window, token);
        if (uplink->window.count < before) {
            uplink->probe_ms = uplink_now_ms(uplink) + PROBE_MS;
            replay_restart(&uplink->replay);
        }
    } else {
        window_taken(&uplink->window, token);
    }
    delivery_pump(uplink);
}

/* --- Acknowledgements ------------------------------------------------------------------------ */

static void store_ack(struct uplink *uplink, enum stream stream);

static void ack_stored(struct errand *errand)
{
    struct uplink *uplink = errand->owner;
    enum stream stream = errand->stream;
    uplink->storing[stream] = false;
    if (errand->err)
        diag_fault(uplink->config.diag, errand->err == ERR_FORKED ? DIAG_WARN : DIAG_ERROR,
                   "uplink.ack", &errand->fault);
    delivery_look(uplink);
    if (uplink->behind[stream])
        store_ack(uplink, stream);
    else if (uplink->heard[stream] && uplink->subscribed)
        parked_pages_acknowledged(uplink->parked, stream, &uplink->acks[stream]);
    delivery_pump(uplink);
}

/* One at a time for each stream: the newest speaks for those before it. */
static void store_ack(struct uplink *uplink, enum stream stream)
{
    uplink->behind[stream] = uplink->storing[stream];
    if (uplink->storing[stream])
        return;
    struct errand *errand = errand_new(uplink->errands, ack_stored);
    if (!errand)
        return;
    errand->stream = stream;
    uplink->storing[stream] = true;
    eventlog_acknowledge(uplink->config.log, stream, &uplink->acks[stream], errand_done, errand);
}

static void other_stored(struct errand *errand)
{
    struct uplink *uplink = errand->owner;
    if (errand->err)
        diag_fault(uplink->config.diag, DIAG_WARN, "uplink.ack", &errand->fault);
    delivery_look(uplink);
    delivery_pump(uplink);
}

/* Of a log before the last fork: the log knows whether that still means anything. */
static void store_other(struct uplink *uplink, enum stream stream, const struct ack *ack)
{
    struct errand *errand = errand_new(uplink->errands, other_stored);
    if (errand)
        eventlog_acknowledge(uplink->config.log, stream, ack, errand_done, errand);
}

/* `kept`: the broker had it, from before anything was sent here; it answers no batch. */
static void take_ack(struct uplink *uplink, enum stream stream, const struct ack *ack, bool kept)
{
    const struct ack *last = &uplink->acks[stream];
    int64_t now = uplink_now_ms(uplink);
    if (!id_equal(&ack->log, &uplink->log.streams[stream].log)) {
        store_other(uplink, stream, ack);
        return;
    }
    if (uplink->heard[stream] && ack_newer(last, ack))
        return;
    bool again = uplink->heard[stream] && !ack_newer(ack, last);
    uplink->acks[stream] = *ack;
    uplink->heard[stream] = true;
    /* What is pruned can't be asked for again. */
    struct ack seen = *ack;
    if (seen.through < uplink->log.streams[stream].first_kept - 1)
        seen.through = uplink->log.streams[stream].first_kept - 1;
    bool covered = window_acknowledge(&uplink->window, stream, &seen, now);
    bool replayed = !kept && window_replayed(&uplink->window, stream);
    if (replayed)
        replay_answered(&uplink->replay);
    if (covered || replayed) {
        uplink->progress_ms = clock_monotonic_ms(uplink->config.clock);
        uplink->probe_ms = 0;
        link_useful(uplink->link);
    } else if (again && window_drop_old(&uplink->window, now, LOST_AGE_MS)) {
        diag_write(uplink->config.diag, DIAG_INFO, "uplink.resend",
                   "the hub came back without what was on the way");
        replay_restart(&uplink->replay);
    }
    if (!again)
        store_ack(uplink, stream);
    delivery_pump(uplink);
}

void delivery_acknowledged(struct uplink *uplink, const char *stream_text,
                           const struct mqtt_message *message)
{
    struct fault fault;
    struct ack ack;
    enum stream stream;
    if (stream_find(slice_of(stream_text), &stream) != ERR_OK || stream == STREAM_CENTRE)
        return;
    if (ack_read(message->payload, &ack, &fault) != ERR_OK) {
        diag_fault(uplink->config.diag, DIAG_WARN, "uplink.ack_unreadable", &fault);
        return;
    }
    if (encoding_told(&uplink->encoding, ack.reads_compressed, message->retain)) {
        diag_write(uplink->config.diag, DIAG_WARN, "uplink.encoding_refused",
                   "the hub doesn't read compressed batches: they go again as they are");
        delivery_forget_road(uplink);
    }
    delivery_keep_accepted(uplink);
    take_ack(uplink, stream, &ack, message->retain);
}
