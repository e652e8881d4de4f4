#include "sync/uplink/uplink.h"
#include "hal/base/cleanup.h"
#include "sync/contract/inbox.h"
#include "sync/contract/link_state.h"
#include "sync/contract/topic.h"
#include "sync/uplink/accepted.h"
#include "sync/uplink/encoding.h"
#include "sync/uplink/errand.h"
#include "sync/uplink/hub_time.h"
#include "sync/uplink/parcel.h"
#include "sync/uplink/parked_pages.h"
#include "sync/uplink/replay.h"
#include "sync/uplink/restore.h"
#include "sync/uplink/rights.h"
#include "sync/uplink/unpack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ACK_TIMEOUT_MS = 10 * 1000,
    DIAL_TIMEOUT_MS = 15 * 1000,
    SCOUT_MS = 1500,
    BACKOFF_BASE_MS = 100,
    BACKOFF_CAP_MS = 1500,
    STATE_INTERVAL_MS = 60 * 1000,
    BATCH_BYTES = 64 * 1024,
    WINDOW_BYTES = 2 * 1024 * 1024,
    WIRE_BATCHES = 8,
    BATCH_EVENTS = 200,
    OVERTAKE_EVENTS = 16 * BATCH_EVENTS,
    PROBE_MS = 800,    /* while no hub is there to receive */
    LOST_AGE_MS = 500, /* taken so long ago and not with a hub that has just spoken: lost */
    INBOX_REFUSED_MS = 5000,
    SMALL_MAX = 4 * 1024,
    REFUSAL = 0x80,       /* MQTT 5 reason codes from here on are refusals */
    NO_SUBSCRIBERS = 0x10 /* the broker took it, for nobody */
};

struct uplink {
    struct loop *loop;
    struct uplink_config config;
    struct uplink_listener listener;
    struct link *link;
    struct eventlog_reader *reader;
    struct loop_timer *timer; /* the next deadline, probe or state */
    struct query_list *queries;
    struct window window;
    struct parcel parcel;
    struct encoding encoding;
    bool kept_accepted; /* what is kept of it for the next process */
    struct replay replay;
    struct eventlog_status log;            /* as of the last look */
    struct ack acks[STREAMS_OF_APPLIANCE]; /* the newest of this process's life */
    bool heard[STREAMS_OF_APPLIANCE];      /* acks[] holds one of the current log */
    bool storing[STREAMS_OF_APPLIANCE];    /* the log is taking one */
    bool behind[STREAMS_OF_APPLIANCE];     /* ... and a newer one waits for its turn */
    struct rights rights;
    bool subscribed;
    int64_t subscribe_ms; /* when to give up waiting for that */
    int64_t probe_ms;     /* nothing is sent before */
    int64_t state_ms;     /* when to tell the state again */
    int64_t since_ms;
    int64_t progress_ms;
    struct inbox_place inbox_newest; /* what the log was given last ... */
    int inbox_coming;                /* ... and how much of what it was given it is still taking */
    bool inbox_refused;              /* some of that did not fit */
    int64_t inbox_refused_ms;        /* when the hub was last told of a message that doesn't fit */
    struct errands *errands;
    struct restore *restore;
    struct parked_pages *parked;
    struct hub_time *hub_time;
};

static int64_t or_default(int64_t value, int64_t fallback)
{
    return value ? value : fallback;
}

static int64_t now_ms(struct uplink *uplink)
{
    return loop_now_ms(uplink->loop);
}

/* --- The log as it is ------------------------------------------------------------------------ */

static void look_at_log(struct uplink *uplink)
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
        uplink->heard[i] = false;
        uplink->behind[i] = false;
    }
}

static int64_t waiting_in_all(struct uplink *uplink)
{
    return window_waiting(&uplink->window, STREAM_RETURNS) +
           window_waiting(&uplink->window, STREAM_SALES);
}

/* --- Sending --------------------------------------------------------------------------------- */

enum err uplink_publish(struct uplink *uplink, const char *name, struct mqtt_message *message,
                        struct fault *fault)
{
    char topic[TOPIC_MAX];
    int token;
    struct mqtt *mqtt = link_mqtt(uplink->link);
    if (!mqtt)
        return fault_set(fault, ERR_CLOSED, name, "there is no link to the hub");
    topic_write(topic, uplink->config.target.device, TOPIC_UP, name);
    message->topic = topic;
    enum err err = mqtt_publish(mqtt, message, &token, fault);
    message->topic = NULL;
    return err;
}

static void drop(struct uplink *uplink, enum err err, const char *why)
{
    struct fault fault;
    (void)fault_set(&fault, err, uplink->config.target.url, "%s", why);
    link_drop(uplink->link, &fault);
}

static void tell_state(struct uplink *uplink)
{
    struct fault fault;
    struct buf body CLEANUP(buf_free);
    buf_init(&body, LINK_STATE_BYTES_MAX);
    struct link_state state = {
        .session = *link_session(uplink->link),
        .online = true,
        .has_logs = true,
        .time_ms = clock_wall_ms(uplink->config.clock),
    };
    for (int i = 0; i < STREAMS_OF_APPLIANCE; i++) {
        state.waiting[i] = window_waiting(&uplink->window, (enum stream)i);
        state.logs[i] = uplink->log.streams[i].log;
    }
    struct jsonw w = jsonw_to(&body);
    jsonw_object(&w, NULL);
    link_state_write(&w, &state);
    if (uplink->listener.describe)
        uplink->listener.describe(uplink->listener.context, &w);
    jsonw_end(&w);
    struct mqtt_message message = {
        .payload = buf_slice(&body),
        .retain = true,
        .qos = 1,
        .content_type = "application/json",
    };
    enum err err = buf_check(&body, &fault, "state");
    if (!err)
        err = uplink_publish(uplink, "state", &message, &fault);
    if (err)
        diag_fault(uplink->config.diag, DIAG_WARN, "uplink.state_untold", &fault);
    uplink->state_ms = now_ms(uplink) + uplink->config.limits.state_interval_ms;
}

void uplink_tell_state(struct uplink *uplink)
{
    if (link_mqtt(uplink->link))
        tell_state(uplink);
}

static enum err send_one(struct uplink *uplink, const struct window_choice *choice,
                         struct fault *fault)
{
    const struct eventlog_stream_status *log = &uplink->log.streams[choice->stream];
    struct window_batch batch = {.stream = choice->stream, .sent_ms = now_ms(uplink)};
    enum err err = parcel_pack(&uplink->parcel, uplink->reader, log, choice->stream, choice->first,
                               choice->max_events, choice->max_bytes, fault);
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
static void set_timer(struct uplink *uplink)
{
    int64_t now = now_ms(uplink);
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
                                         .max_bytes = uplink->window.batch_bytes};
    bool gone = !id_equal(&next.log, &log->log) || next.first < log->first_kept;
    enum err err = gone ? fault_set(fault, ERR_NOT_FOUND, "replay", "the log was forked or pruned")
                        : send_one(uplink, &choice, fault);
    if (!err)
        replay_sent(&uplink->replay, uplink->parcel.header.last);
    else if (err == ERR_NOT_FOUND)
        replay_drop(&uplink->replay);
    return err;
}

static void forget_road(struct uplink *uplink)
{
    window_restart(&uplink->window);
    replay_restart(&uplink->replay);
}

static void pump(struct uplink *uplink)
{
    struct window_choice choice;
    struct fault fault;
    enum err err = ERR_OK;
    if (!uplink->subscribed)
        return;
    bool may = now_ms(uplink) >= uplink->probe_ms;
    while (may && !err && window_next(&uplink->window, &choice))
        err = send_one(uplink, &choice, &fault);
    if (may && !err)
        err = send_replay(uplink, &fault);
    if (err) {
        diag_fault(uplink->config.diag, DIAG_ERROR, "uplink.cant_send", &fault);
        uplink->probe_ms = now_ms(uplink) + PROBE_MS;
    }
    set_timer(uplink);
}

void uplink_committed(struct uplink *uplink)
{
    bool idle = waiting_in_all(uplink) == 0;
    look_at_log(uplink);
    if (idle)
        uplink->progress_ms = clock_monotonic_ms(uplink->config.clock);
    pump(uplink);
}

/* For the next process's first batch. */
static void keep_accepted(struct uplink *uplink)
{
    struct fault fault;
    bool accepts = encoding_compresses(&uplink->encoding);
    if (accepts == uplink->kept_accepted)
        return;
    uplink->kept_accepted = accepts;
    if (accepted_keep(uplink->config.reader.folder, uplink->config.target.url, accepts, &fault))
        diag_fault(uplink->config.diag, DIAG_INFO, "uplink.encoding_not_kept", &fault);
}

static void recall_accepted(struct uplink *uplink)
{
    const char *url = uplink->config.target.url;
    uplink->kept_accepted = url && accepted_recall(uplink->config.reader.folder, url);
    uplink->encoding.accepted = uplink->kept_accepted;
}

static void on_timer(void *context)
{
    struct uplink *uplink = context;
    int64_t now = now_ms(uplink);
    if (!uplink->subscribed) {
        drop(uplink, ERR_TIMEOUT, "the broker did not answer the subscription in time");
        return;
    }
    if (now >= window_deadline_ms(&uplink->window)) {
        window_shrink(&uplink->window);
        encoding_unanswered(&uplink->encoding);
        keep_accepted(uplink);
        drop(uplink, ERR_TIMEOUT, "the hub did not acknowledge in time");
        return;
    }
    if (now >= uplink->state_ms)
        tell_state(uplink);
    pump(uplink);
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
    look_at_log(uplink);
    if (uplink->behind[stream])
        store_ack(uplink, stream);
    else if (uplink->heard[stream] && uplink->subscribed)
        parked_pages_acknowledged(uplink->parked, stream, &uplink->acks[stream]);
    pump(uplink);
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
    look_at_log(uplink);
    pump(uplink);
}

/* Of a log before the last fork: the log knows whether that still means anything. */
static void store_other(struct uplink *uplink, enum stream stream, const struct ack *ack)
{
    struct errand *errand = errand_new(uplink->errands, other_stored);
    if (errand)
        eventlog_acknowledge(uplink->config.log, stream, ack, errand_done, errand);
}

static void take_ack(struct uplink *uplink, enum stream stream, const struct ack *ack)
{
    const struct ack *last = &uplink->acks[stream];
    int64_t now = now_ms(uplink);
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
    if (window_acknowledge(&uplink->window, stream, &seen, now)) {
        uplink->progress_ms = clock_monotonic_ms(uplink->config.clock);
        uplink->probe_ms = 0;
        link_useful(uplink->link);
    } else if (again && window_drop_old(&uplink->window, now, LOST_AGE_MS)) {
        diag_write(uplink->config.diag, DIAG_INFO, "uplink.resend",
                   "the hub came back without what was on the way");
        replay_restart(&uplink->replay);
    }
    if (uplink->replay.sent_to && uplink->replay.ranges[0].stream == stream &&
        !window_holds(&uplink->window, stream, uplink->replay.ranges[0].first))
        replay_answered(&uplink->replay);
    if (!again)
        store_ack(uplink, stream);
    pump(uplink);
}

static void on_ack(struct uplink *uplink, const char *stream_text,
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
        forget_road(uplink);
    }
    keep_accepted(uplink);
    take_ack(uplink, stream, &ack);
}

/* --- The inbox ------------------------------------------------------------------------------- */

static void tell_inbox(struct uplink *uplink)
{
    struct fault fault;
    struct buf body CLEANUP(buf_free);
    buf_init(&body, SMALL_MAX);
    struct eventlog_status log;
    eventlog_status(uplink->config.log, &log);
    const struct inbox_ack ack = {
        .hub_epoch = log.inbox_epoch, .through = log.inbox_through, .takes_batches = true};
    inbox_ack_write(&body, &ack);
    struct mqtt_message message = {
        .payload = buf_slice(&body), .qos = 1, .content_type = "application/json"};
    if (uplink_publish(uplink, "inbox-ack", &message, &fault) != ERR_OK)
        diag_fault(uplink->config.diag, DIAG_INFO, "uplink.inbox_ack", &fault);
}

/*
 * A message that doesn't fit is answered too, so that the hub can go back, but not in a flood. Of
 * several that came together the last is answered for all.
 */
static void inbox_stored(struct errand *errand)
{
    struct uplink *uplink = errand->owner;
    int64_t now = now_ms(uplink);
    uplink->inbox_coming--;
    if (errand->err) {
        diag_fault(uplink->config.diag, DIAG_WARN, "uplink.inbox", &errand->fault);
        uplink->inbox_refused = true;
    }
    if (!uplink->subscribed || uplink->inbox_coming > 0)
        return;
    bool refused = uplink->inbox_refused;
    uplink->inbox_refused = false;
    if (refused && now - uplink->inbox_refused_ms < INBOX_REFUSED_MS)
        return;
    if (refused)
        uplink->inbox_refused_ms = now;
    tell_inbox(uplink);
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

static void on_inbox(struct uplink *uplink, const struct mqtt_message *message)
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
    if (uplink->inbox_coming > 0 && place.hub_epoch == uplink->inbox_newest.hub_epoch &&
        place.last <= uplink->inbox_newest.last)
        return; /* the log is taking it: asked for twice */
    uplink->inbox_newest = place;
    if (place.last > place.number)
        receive_some(uplink, &place, message);
    else
        receive(uplink, &place, message->payload);
}

static void on_restored(struct uplink *uplink)
{
    if (uplink->subscribed)
        tell_inbox(uplink);
}

/* --- The link's news ------------------------------------------------------------------------- */

static void on_message(void *context, const struct mqtt_message *message)
{
    struct uplink *uplink = context;
    struct topic topic;
    if (rights_message(&uplink->rights, message))
        return;
    if (topic_read(message->topic, &topic) != ERR_OK || topic.direction != TOPIC_DOWN ||
        strcmp(topic.device, uplink->config.target.device) != 0)
        return;
    if (strncmp(topic.name, "ack/", 4) == 0)
        on_ack(uplink, topic.name + 4, message);
    else if (strcmp(topic.name, "inbox") == 0 || strcmp(topic.name, "inbox-batch") == 0)
        on_inbox(uplink, message);
    else if (strcmp(topic.name, "reply") == 0)
        query_answered(uplink->queries, message->correlation, message->payload);
    else if (strcmp(topic.name, "logs") == 0)
        restore_listed(uplink->restore, message);
    else if (strcmp(topic.name, "restored") == 0)
        restore_came(uplink->restore, message);
    else if (strcmp(topic.name, "parked") == 0)
        parked_pages_came(uplink->parked, message);
    else if (strcmp(topic.name, "time") == 0)
        hub_time_came(uplink->hub_time, message);
    else if (uplink->listener.message)
        uplink->listener.message(uplink->listener.context, topic.name, message);
}

static void on_published(void *context, int token, int reason)
{
    struct uplink *uplink = context;
    if (rights_published(&uplink->rights, token, reason))
        return;
    if (reason >= REFUSAL) {
        char why[64];
        (void)snprintf(why, sizeof why, "the broker refused a message (reason 0x%02x)", reason);
        drop(uplink, ERR_REFUSED, why);
        return;
    }
    if (reason == NO_SUBSCRIBERS) {
        size_t before = uplink->window.count;
        window_undelivered(&uplink->window, token);
        if (uplink->window.count < before) {
            uplink->probe_ms = now_ms(uplink) + PROBE_MS;
            replay_restart(&uplink->replay);
        }
    } else {
        window_taken(&uplink->window, token);
    }
    pump(uplink);
}

static void on_connected(void *context)
{
    struct uplink *uplink = context;
    struct fault fault;
    char filter[TOPIC_MAX];
    int token;
    forget_road(uplink);
    encoding_connected(&uplink->encoding);
    uplink->probe_ms = 0;
    (void)snprintf(filter, sizeof filter, "tb/v1/%s/down/#", uplink->config.target.device);
    if (mqtt_subscribe(link_mqtt(uplink->link), filter, 1, &token, &fault) != ERR_OK)
        diag_fault(uplink->config.diag, DIAG_ERROR, "uplink.cant_subscribe", &fault);
    tell_state(uplink);
    uplink->subscribe_ms = now_ms(uplink) + uplink->config.limits.ack_timeout_ms;
    set_timer(uplink);
}

static void on_subscribed(void *context, int token, enum err err)
{
    struct uplink *uplink = context;
    if (rights_subscribed(&uplink->rights, token))
        return;
    if (err) {
        drop(uplink, err, "the broker refused the subscription");
        return;
    }
    uplink->subscribed = true;
    look_at_log(uplink);
    tell_inbox(uplink);
    restore_begin(uplink->restore);
    if (uplink->listener.subscribed)
        uplink->listener.subscribed(uplink->listener.context);
    hub_time_begin(uplink->hub_time);
    pump(uplink);
}

static void on_lost(void *context)
{
    struct uplink *uplink = context;
    uplink->subscribed = false;
    hub_time_end(uplink->hub_time);
    parked_pages_lost(uplink->parked);
    loop_timer_stop(uplink->timer);
    forget_road(uplink);
    query_fail_all(uplink->queries, ERR_CLOSED);
    rights_end(&uplink->rights);
}

static void on_time(void *context, int64_t wall_ms)
{
    struct uplink *uplink = context;
    if (uplink->listener.time)
        uplink->listener.time(uplink->listener.context, wall_ms);
}

static void on_changed(void *context)
{
    struct uplink *uplink = context;
    struct uplink_status status;
    uplink->since_ms = clock_wall_ms(uplink->config.clock);
    if (!uplink->listener.changed)
        return;
    uplink_status(uplink, &status);
    uplink->listener.changed(uplink->listener.context, &status);
}

/* --- Open, close, ask ------------------------------------------------------------------------ */

static void fill_limits(struct uplink_limits *limits)
{
    limits->ack_timeout_ms = or_default(limits->ack_timeout_ms, ACK_TIMEOUT_MS);
    limits->dial_timeout_ms = or_default(limits->dial_timeout_ms, DIAL_TIMEOUT_MS);
    limits->scout_ms = or_default(limits->scout_ms, SCOUT_MS);
    limits->backoff_cap_ms = or_default(limits->backoff_cap_ms, BACKOFF_CAP_MS);
    limits->state_interval_ms = or_default(limits->state_interval_ms, STATE_INTERVAL_MS);
    if (!limits->batch_bytes)
        limits->batch_bytes = BATCH_BYTES;
    if (!limits->window_bytes)
        limits->window_bytes = WINDOW_BYTES;
}

static enum err open_parts(struct uplink *uplink, struct fault *fault)
{
    const struct uplink_limits *limits = &uplink->config.limits;
    const struct window_limits window = {
        .wire_batches = WIRE_BATCHES,
        .batches = WINDOW_BATCHES_MAX,
        .bytes = limits->window_bytes,
        .batch_bytes = limits->batch_bytes,
        .batch_events = BATCH_EVENTS,
        .overtake_events = OVERTAKE_EVENTS,
        .ack_timeout_ms = limits->ack_timeout_ms,
    };
    const struct link_config link = {
        .target = uplink->config.target,
        .dial_timeout_ms = limits->dial_timeout_ms,
        .scout_ms = limits->scout_ms,
        .backoff_base_ms = BACKOFF_BASE_MS,
        .backoff_cap_ms = limits->backoff_cap_ms,
        .clock = uplink->config.clock,
        .diag = uplink->config.diag,
    };
    const struct link_listener listener = {on_connected, on_lost,       on_changed, on_message,
                                           on_published, on_subscribed, uplink};
    window_init(&uplink->window, &window);
    recall_accepted(uplink);
    look_at_log(uplink);
    uplink->timer = loop_timer_open(uplink->loop, on_timer, uplink);
    uplink->queries = query_list_open(uplink->loop);
    uplink->errands = errands_open(uplink->loop, uplink);
    if (!uplink->timer || !uplink->queries || !uplink->errands)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    enum err err = eventlog_reader_open(&uplink->reader, &uplink->config.reader, fault);
    if (!err)
        err = restore_open(&uplink->restore, uplink, uplink->loop, &uplink->config, uplink->reader,
                           on_restored, fault);
    if (!err)
        err = parked_pages_open(&uplink->parked, uplink, uplink->loop, &uplink->config, fault);
    if (!err)
        err = hub_time_open(&uplink->hub_time, uplink, uplink->loop, &uplink->config, on_time,
                            uplink, fault);
    return err ? err : link_open(&uplink->link, uplink->loop, &link, &listener, fault);
}

enum err uplink_open(struct uplink **out, struct loop *loop, const struct uplink_config *config,
                     const struct uplink_listener *listener, struct fault *fault)
{
    struct uplink *uplink = calloc(1, sizeof *uplink);
    if (!uplink)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    uplink->loop = loop;
    uplink->config = *config;
    uplink->listener = *listener;
    uplink->since_ms = clock_wall_ms(config->clock);
    uplink->progress_ms = clock_monotonic_ms(config->clock);
    fill_limits(&uplink->config.limits);
    parcel_init(&uplink->parcel);
    enum err err = open_parts(uplink, fault);
    if (err) {
        uplink_close(uplink);
        return err;
    }
    *out = uplink;
    return ERR_OK;
}

void uplink_close(struct uplink *uplink)
{
    if (!uplink)
        return;
    errands_close(uplink->errands);
    query_list_close(uplink->queries);
    link_close(uplink->link);
    restore_close(uplink->restore);
    parked_pages_close(uplink->parked);
    hub_time_close(uplink->hub_time);
    loop_timer_close(uplink->timer);
    eventlog_reader_close(uplink->reader);
    parcel_free(&uplink->parcel);
    free(uplink);
}

void uplink_status(struct uplink *uplink, struct uplink_status *status)
{
    *status = (struct uplink_status){
        .state = link_state(uplink->link),
        .since_ms = uplink->since_ms,
        .progress_ms =
            waiting_in_all(uplink) ? uplink->progress_ms : clock_monotonic_ms(uplink->config.clock),
        .last = *link_fault(uplink->link),
        .hub_epoch = uplink->log.hub_epoch,
        .replaying = replay_left(&uplink->replay),
    };
    for (int i = 0; i < STREAMS_OF_APPLIANCE; i++)
        status->waiting[i] = window_waiting(&uplink->window, (enum stream)i);
}

const char *uplink_state_name(enum uplink_state state)
{
    static const char *const names[] = {
        [UPLINK_OFFLINE] = "offline",
        [UPLINK_CONNECTING] = "connecting",
        [UPLINK_ONLINE] = "online",
    };
    return names[state];
}

void uplink_use(struct uplink *uplink, const struct uplink_target *target)
{
    uplink->config.target = *target;
    link_use(uplink->link, target);
}

void uplink_set_patience(struct uplink *uplink, int64_t ack_timeout_ms, int64_t state_interval_ms)
{
    struct uplink_limits *limits = &uplink->config.limits;
    limits->ack_timeout_ms = or_default(ack_timeout_ms, ACK_TIMEOUT_MS);
    limits->state_interval_ms = or_default(state_interval_ms, STATE_INTERVAL_MS);
    uplink->window.limits.ack_timeout_ms = limits->ack_timeout_ms;
}

void uplink_use_tls(struct uplink *uplink, struct tls_context *tls)
{
    struct uplink_target target = uplink->config.target;
    target.tls = tls;
    uplink_use(uplink, &target);
}

enum err uplink_replay(struct uplink *uplink, enum stream stream, int64_t first, int64_t last,
                       int64_t *count, struct fault *fault)
{
    look_at_log(uplink);
    const struct eventlog_stream_status *log = &uplink->log.streams[stream];
    const struct replay_range range = {stream, log->log, first,
                                       last < log->through ? last : log->through};
    if (first < 1 || last < first || first > log->head)
        return fault_set(fault, ERR_INVALID, "from", "there are seqs from 1 to %lld",
                         (long long)log->head);
    if (first < log->first_kept)
        return fault_set(fault, ERR_NOT_FOUND, "from", "what is before %lld is no longer kept here",
                         (long long)log->first_kept);
    *count = range.last - first + 1;
    if (*count <= 0) { /* all of it waits to be sent anyway */
        *count = 0;
        return ERR_OK;
    }
    if (replay_add(&uplink->replay, &range) != ERR_OK)
        return fault_set(fault, ERR_BUSY, "", "so much is being sent again already: ask later");
    pump(uplink);
    return ERR_OK;
}

enum err uplink_query(struct uplink *uplink, const char *receipt, query_done *done, void *context,
                      struct fault *fault)
{
    if (!uplink->subscribed)
        return fault_set(fault, ERR_CLOSED, "", "there is no link to the hub");
    const struct query_road road = {
        .mqtt = link_mqtt(uplink->link),
        .device = uplink->config.target.device,
        .now_ms = clock_wall_ms(uplink->config.clock),
    };
    return query_ask(uplink->queries, &road, receipt, done, context, fault);
}

enum err uplink_try_rights(struct uplink *uplink, rights_done *done, void *context,
                           struct fault *fault)
{
    if (!uplink->subscribed)
        return fault_set(fault, ERR_CLOSED, "", "there is no link to the hub");
    return rights_begin(&uplink->rights, link_mqtt(uplink->link), uplink->config.target.device,
                        done, context, fault);
}
