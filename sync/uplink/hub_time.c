#include "sync/uplink/hub_time.h"
#include "hal/base/cleanup.h"
#include "sync/contract/told_time.h"
#include "sync/contract/topic.h"

#include <stdlib.h>
#include <string.h>

enum { AGAIN_MS = 60 * 60 * 1000, SOON_MS = 60 * 1000, QUESTION_MAX = 64 };

struct hub_time {
    struct uplink *uplink;
    const struct uplink_config *config;
    hub_time_told *told;
    void *context;
    struct id_source ids;
    struct loop_timer *timer;
    struct id asked; /* the question whose answer is awaited */
    bool waits;
    int64_t asked_ms; /* monotonic */
};

static void ask(void *context)
{
    struct hub_time *t = context;
    struct fault fault;
    char reply[TOPIC_MAX];
    struct buf question CLEANUP(buf_free);
    buf_init(&question, QUESTION_MAX);
    told_time_ask(&question);
    topic_write(reply, t->config->target.device, TOPIC_DOWN, "time");
    struct clock_reading now = clock_read(t->config->clock);
    t->asked = id_next(&t->ids, now.wall_ms);
    t->asked_ms = now.monotonic_ms;
    struct mqtt_message message = {
        .payload = buf_slice(&question),
        .qos = 1,
        .content_type = "application/json",
        .response_topic = reply,
        .correlation = {(const char *)t->asked.bytes, ID_BYTES},
        .expiry_s = 2 * HUB_TIME_DOUBT_MS / 1000,
    };
    loop_timer_start(t->timer, SOON_MS, 0);
    t->waits = uplink_publish(t->uplink, "time", &message, &fault) == ERR_OK;
    if (!t->waits)
        diag_fault(t->config->diag, DIAG_INFO, "uplink.time_not_asked", &fault);
}

void hub_time_begin(struct hub_time *t)
{
    ask(t);
}

void hub_time_end(struct hub_time *t)
{
    t->waits = false;
    loop_timer_stop(t->timer);
}

void hub_time_came(struct hub_time *t, const struct mqtt_message *message)
{
    struct fault fault;
    int64_t wall_ms;
    bool awaited = t->waits && message->correlation.len == ID_BYTES &&
                   memcmp(message->correlation.data, t->asked.bytes, ID_BYTES) == 0;
    if (!awaited)
        return; /* of an earlier question: nobody knows how old it is */
    t->waits = false;
    int64_t way_ms = clock_monotonic_ms(t->config->clock) - t->asked_ms;
    if (way_ms > 2 * HUB_TIME_DOUBT_MS) {
        diag_write(t->config->diag, DIAG_INFO, "uplink.time_too_late", "after %lld ms",
                   (long long)way_ms);
    } else if (told_time_read(message->payload, &wall_ms, &fault) != ERR_OK) {
        diag_fault(t->config->diag, DIAG_WARN, "uplink.time_unreadable", &fault);
    } else {
        loop_timer_start(t->timer, AGAIN_MS, 0);
        t->told(t->context, wall_ms + way_ms / 2);
    }
}

enum err hub_time_open(struct hub_time **out, struct uplink *uplink, struct loop *loop,
                       const struct uplink_config *config, hub_time_told *told, void *context,
                       struct fault *fault)
{
    struct hub_time *t = calloc(1, sizeof *t);
    if (t)
        t->timer = loop_timer_open(loop, ask, t);
    if (!t || !t->timer) {
        free(t);
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    }
    t->uplink = uplink;
    t->config = config;
    t->told = told;
    t->context = context;
    id_source_init(&t->ids, NULL, NULL);
    *out = t;
    return ERR_OK;
}

void hub_time_close(struct hub_time *t)
{
    if (!t)
        return;
    loop_timer_close(t->timer);
    free(t);
}
