#include "hal/base/cleanup.h"
#include "sync/contract/link_state.h"
#include "sync/contract/topic.h"
#include "sync/uplink/internal.h"

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
    BATCH_BYTES = 256 * 1024,
    FIRST_BYTES = 64 * 1024,
    WINDOW_BYTES = 2 * 1024 * 1024,
    WIRE_BATCHES = 2,
    WINDOW_BATCHES = 32,
    OVERTAKE_EVENTS = 16 * BATCH_EVENTS,
    REFUSAL = 0x80, /* MQTT 5 reason codes from here on are refusals */
    TOO_LARGE = 0x95
};

static int64_t or_default(int64_t value, int64_t fallback)
{
    return value ? value : fallback;
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

void uplink_drop(struct uplink *uplink, enum err err, const char *why)
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
    uplink->state_ms = uplink_now_ms(uplink) + uplink->config.limits.state_interval_ms;
}

void uplink_tell_state(struct uplink *uplink)
{
    if (link_mqtt(uplink->link))
        tell_state(uplink);
}

void uplink_committed(struct uplink *uplink)
{
    bool idle = delivery_waiting(uplink) == 0;
    delivery_look(uplink);
    if (idle)
        uplink->progress_ms = clock_monotonic_ms(uplink->config.clock);
    delivery_pump(uplink);
}

static void on_timer(void *context)
{
    struct uplink *uplink = context;
    int64_t now = uplink_now_ms(uplink);
    if (!uplink->subscribed) {
        uplink_drop(uplink, ERR_TIMEOUT, "the broker did not answer the subscription in time");
        return;
    }
    if (now >= window_deadline_ms(&uplink->window)) {
        window_shrink(&uplink->window);
        encoding_unanswered(&uplink->encoding);
        delivery_keep_accepted(uplink);
        uplink_drop(uplink, ERR_TIMEOUT, "the hub did not acknowledge in time");
        return;
    }
    if (now >= uplink->state_ms)
        tell_state(uplink);
    delivery_pump(uplink);
}

/* --- The link's news ------------------------------------------------------------------------- */

static void on_restored(struct uplink *uplink)
{
    if (uplink->subscribed)
        messages_tell(uplink);
}

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
        delivery_acknowledged(uplink, topic.name + 4, message);
    else if (strcmp(topic.name, "inbox") == 0 || strcmp(topic.name, "inbox-batch") == 0)
        messages_came(uplink, message);
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
        if (reason == TOO_LARGE)
            window_bound(&uplink->window);
        uplink_drop(uplink, ERR_REFUSED, why);
        return;
    }
    delivery_published(uplink, token, reason);
}

static void on_connected(void *context)
{
    struct uplink *uplink = context;
    struct fault fault;
    char filter[TOPIC_MAX];
    int token;
    delivery_forget_road(uplink);
    encoding_connected(&uplink->encoding);
    uplink->probe_ms = 0;
    (void)snprintf(filter, sizeof filter, "tb/v1/%s/down/#", uplink->config.target.device);
    if (mqtt_subscribe(link_mqtt(uplink->link), filter, 1, &token, &fault) != ERR_OK)
        diag_fault(uplink->config.diag, DIAG_ERROR, "uplink.cant_subscribe", &fault);
    tell_state(uplink);
    uplink->subscribe_ms = uplink_now_ms(uplink) + uplink->config.limits.ack_timeout_ms;
    delivery_set_timer(uplink);
}

static void on_subscribed(void *context, int token, enum err err)
{
    struct uplink *uplink = context;
    if (rights_subscribed(&uplink->rights, token))
        return;
    if (err) {
        uplink_drop(uplink, err, "the broker refused the subscription");
        return;
    }
    uplink->subscribed = true;
    delivery_look(uplink);
    messages_tell(uplink);
    restore_begin(uplink->restore);
    if (uplink->listener.subscribed)
        uplink->listener.subscribed(uplink->listener.context);
    hub_time_begin(uplink->hub_time);
    delivery_pump(uplink);
}

static void on_lost(void *context)
{
    struct uplink *uplink = context;
    uplink->subscribed = false;
    hub_time_end(uplink->hub_time);
    parked_pages_lost(uplink->parked);
    loop_timer_stop(uplink->timer);
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
        .batches = WINDOW_BATCHES,
        .bytes = limits->window_bytes,
        .batch_bytes = limits->batch_bytes,
        .first_bytes = limits->batch_bytes < FIRST_BYTES ? limits->batch_bytes : FIRST_BYTES,
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
    delivery_recall_accepted(uplink);
    delivery_look(uplink);
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
        .progress_ms = delivery_waiting(uplink) ? uplink->progress_ms
                                                : clock_monotonic_ms(uplink->config.clock),
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
    uplink->window.limits.batch_bytes = uplink->config.limits.batch_bytes;
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
    delivery_look(uplink);
    const struct eventlog_stream_status *log = &uplink->log.streams[stream];
    const struct replay_range range = {stream, log->log, first,
                                       last < log->through ? last : log->through};
    if (last < first)
        return fault_set(fault, ERR_INVALID, "to", "must not be before from");
    if (first < 1 || first > log->head)
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
    delivery_pump(uplink);
    return ERR_OK;
}

enum err uplink_query(struct uplink *uplink, const struct sale_query *question, query_done *done,
                      void *context, struct fault *fault)
{
    if (!uplink->subscribed)
        return fault_set(fault, ERR_CLOSED, "", "there is no link to the hub");
    const struct query_road road = {
        .mqtt = link_mqtt(uplink->link),
        .device = uplink->config.target.device,
        .now_ms = clock_wall_ms(uplink->config.clock),
    };
    return query_ask(uplink->queries, &road, question, done, context, fault);
}

enum err uplink_try_rights(struct uplink *uplink, rights_done *done, void *context,
                           struct fault *fault)
{
    if (!uplink->subscribed)
        return fault_set(fault, ERR_CLOSED, "", "there is no link to the hub");
    return rights_begin(&uplink->rights, link_mqtt(uplink->link), uplink->config.target.device,
                        done, context, fault);
}
