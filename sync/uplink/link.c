#include "sync/uplink/link.h"
#include "hal/base/cleanup.h"
#include "hal/base/random.h"
#include "sync/contract/link_state.h"
#include "sync/contract/topic.h"
#include "sync/uplink/backoff.h"

#include <assert.h>
#include <stdlib.h>

enum { WILL_MAX = 512 };

/* One connection, being made or established. */
struct attempt {
    struct link *link;
    struct mqtt *mqtt;
    struct id session;
};

enum { FIRST, SCOUT, ATTEMPTS };

struct link {
    struct loop *loop;
    struct link_config config;
    struct link_listener listener;
    struct attempt attempts[ATTEMPTS];
    struct attempt *online;
    enum uplink_state state;
    struct fault last;
    struct backoff backoff;
    struct loop_timer *timer; /* to the next attempt */
    struct id_source ids;
};

static void begin(struct link *link);

static void set_state(struct link *link, enum uplink_state state)
{
    if (link->state == state)
        return;
    link->state = state;
    link->listener.changed(link->listener.context);
}

static void drop_attempt(struct attempt *attempt, bool clean)
{
    mqtt_close(attempt->mqtt, clean);
    attempt->mqtt = NULL;
}

static void wait_for_next(struct link *link)
{
    uint32_t random;
    random_fill(NULL, (uint8_t *)&random, sizeof random);
    int64_t wait_ms = backoff_next(&link->backoff, random);
    loop_timer_start(link->timer, wait_ms, 0);
}

static void failed(struct attempt *attempt, const struct fault *fault)
{
    struct link *link = attempt->link;
    drop_attempt(attempt, true);
    if (link->last.code != fault->code || link->state == UPLINK_ONLINE)
        diag_fault(link->config.diag, DIAG_WARN, "uplink.unreachable", fault);
    link->last = *fault;
    if (!link->attempts[FIRST].mqtt && !link->attempts[SCOUT].mqtt) {
        wait_for_next(link);
        set_state(link, UPLINK_OFFLINE);
    }
}

static void on_connected(void *context, enum err err, const struct fault *fault)
{
    struct attempt *attempt = context;
    struct link *link = attempt->link;
    if (err) {
        failed(attempt, fault);
        return;
    }
    for (size_t i = 0; i < ATTEMPTS; i++)
        if (&link->attempts[i] != attempt)
            drop_attempt(&link->attempts[i], true);
    loop_timer_stop(link->timer);
    link->online = attempt;
    char session[ID_TEXT + 1];
    id_format(&attempt->session, session);
    diag_write(link->config.diag, DIAG_INFO, "uplink.connected", "session %s", session);
    set_state(link, UPLINK_ONLINE);
    link->listener.connected(link->listener.context);
}

static void lose(struct link *link, const struct fault *fault)
{
    drop_attempt(link->online, false);
    link->online = NULL;
    link->last = *fault;
    diag_fault(link->config.diag, DIAG_WARN, "uplink.disconnected", fault);
    wait_for_next(link);
    set_state(link, UPLINK_OFFLINE);
    link->listener.lost(link->listener.context);
}

static void on_disconnected(void *context, enum err err, const struct fault *fault)
{
    (void)err;
    struct attempt *attempt = context;
    if (attempt == attempt->link->online)
        lose(attempt->link, fault);
}

static void on_message(void *context, const struct mqtt_message *message)
{
    struct link *link = ((struct attempt *)context)->link;
    link->listener.message(link->listener.context, message);
}

static void on_published(void *context, int token, int reason)
{
    struct link *link = ((struct attempt *)context)->link;
    link->listener.published(link->listener.context, token, reason);
}

static void on_subscribed(void *context, int token, enum err err)
{
    struct link *link = ((struct attempt *)context)->link;
    link->listener.subscribed(link->listener.context, token, err);
}

static void write_will(struct buf *out, const struct id *session)
{
    const struct link_state gone = {.session = *session, .online = false};
    struct jsonw w = jsonw_to(out);
    jsonw_object(&w, NULL);
    link_state_write(&w, &gone);
    jsonw_end(&w);
}

static void start(struct link *link, struct attempt *attempt)
{
    struct fault fault = {0};
    struct buf body CLEANUP(buf_free);
    char topic[TOPIC_MAX];
    buf_init(&body, WILL_MAX);
    attempt->session = id_next(&link->ids, clock_wall_ms(link->config.clock));
    write_will(&body, &attempt->session);
    topic_write(topic, link->config.target.device, TOPIC_UP, "state");
    const struct mqtt_message will = {
        .topic = topic,
        .payload = buf_slice(&body),
        .retain = true,
        .qos = 1,
        .content_type = "application/json",
    };
    const struct mqtt_config config = {
        .url = link->config.target.url,
        .proxy = link->config.target.proxy,
        .tls = link->config.target.tls,
        .client_id = link->config.target.device,
        .runtime_folder = link->config.target.runtime_folder,
        .will = &will,
        .dial_timeout_ms = link->config.dial_timeout_ms,
        .diag = link->config.diag,
    };
    const struct mqtt_listener listener = {on_connected,  on_message,      on_published,
                                           on_subscribed, on_disconnected, attempt};
    enum err err = buf_check(&body, &fault, "will");
    if (!err)
        err = mqtt_open(&attempt->mqtt, link->loop, &config, &listener, &fault);
    if (err)
        failed(attempt, &fault);
}

/* The timer: nothing is under way, or what is takes long. */
static void begin(struct link *link)
{
    struct attempt *first = &link->attempts[FIRST];
    struct attempt *scout = &link->attempts[SCOUT];
    loop_timer_start(link->timer, link->config.scout_ms, 0);
    set_state(link, UPLINK_CONNECTING);
    if (!first->mqtt) {
        start(link, first);
        return;
    }
    drop_attempt(scout, true);
    start(link, scout);
}

static void on_timer(void *context)
{
    begin(context);
}

enum err link_open(struct link **out, struct loop *loop, const struct link_config *config,
                   const struct link_listener *listener, struct fault *fault)
{
    struct link *link = calloc(1, sizeof *link);
    if (!link)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    link->loop = loop;
    link->config = *config;
    link->listener = *listener;
    link->backoff = (struct backoff){config->backoff_base_ms, config->backoff_cap_ms, 0};
    for (size_t i = 0; i < ATTEMPTS; i++)
        link->attempts[i].link = link;
    id_source_init(&link->ids, NULL, NULL);
    link->timer = loop_timer_open(loop, on_timer, link);
    if (!link->timer) {
        free(link);
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    }
    loop_timer_start(link->timer, 0, 0);
    *out = link;
    return ERR_OK;
}

void link_close(struct link *link)
{
    if (!link)
        return;
    for (size_t i = 0; i < ATTEMPTS; i++)
        drop_attempt(&link->attempts[i], false);
    loop_timer_close(link->timer);
    free(link);
}

enum uplink_state link_state(const struct link *link)
{
    return link->state;
}

const struct fault *link_fault(const struct link *link)
{
    return &link->last;
}

struct mqtt *link_mqtt(struct link *link)
{
    return link->online ? link->online->mqtt : NULL;
}

const struct id *link_session(const struct link *link)
{
    assert(link->online);
    return &link->online->session;
}

void link_drop(struct link *link, const struct fault *fault)
{
    if (link->online)
        lose(link, fault);
}

void link_useful(struct link *link)
{
    backoff_reset(&link->backoff);
}

void link_use(struct link *link, const struct uplink_target *target)
{
    struct fault moved;
    (void)fault_set(&moved, ERR_CLOSED, "", "other connection settings");
    link->config.target = *target;
    backoff_reset(&link->backoff);
    if (link->online) {
        lose(link, &moved);
        return;
    }
    for (size_t i = 0; i < ATTEMPTS; i++)
        drop_attempt(&link->attempts[i], true);
    loop_timer_start(link->timer, 0, 0);
}
