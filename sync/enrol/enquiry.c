#include "sync/enrol/enquiry.h"
#include "hal/base/hex.h"
#include "hal/base/random.h"
#include "sync/contract/enrol.h"
#include "sync/contract/topic.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    TIMEOUT_MS = 20 * 1000,
    AGAIN_MS = 500,
    NONCE_BYTES = 16,
    NO_SUBSCRIBERS = 0x10, /* the broker took it, for nobody: the hub isn't there yet */
};

struct enquiry {
    struct tls_context *tls;
    struct mqtt *mqtt;
    struct loop_timer *timer;
    struct loop_timer *again;
    struct buf question;
    char client_id[DEVICE_ID_MAX + 1];
    enquiry_done *done;
    void *context;
    bool over;
};

static void end(struct enquiry *enquiry, struct slice answer, const struct fault *fault)
{
    if (enquiry->over)
        return;
    enquiry->over = true;
    loop_timer_stop(enquiry->timer);
    loop_timer_stop(enquiry->again);
    enquiry->done(enquiry->context, answer, fault);
}

static void fail(struct enquiry *enquiry, const struct fault *fault)
{
    end(enquiry, (struct slice){"", 0}, fault);
}

static void on_connected(void *context, enum err err, const struct fault *why)
{
    struct enquiry *enquiry = context;
    struct fault fault;
    char filter[TOPIC_MAX];
    int token;
    if (err) {
        fail(enquiry, why);
        return;
    }
    topic_write(filter, enquiry->client_id, TOPIC_DOWN, "enrol");
    if (mqtt_subscribe(enquiry->mqtt, filter, 1, &token, &fault) != ERR_OK)
        fail(enquiry, &fault);
}

static void publish(void *context)
{
    struct enquiry *enquiry = context;
    struct fault fault;
    char topic[TOPIC_MAX];
    int token;
    topic_write(topic, enquiry->client_id, TOPIC_UP, "enrol");
    const struct mqtt_message message = {
        .topic = topic,
        .payload = buf_slice(&enquiry->question),
        .qos = 1,
        .content_type = "application/json",
        .correlation = slice_of(enquiry->client_id),
    };
    if (mqtt_publish(enquiry->mqtt, &message, &token, &fault) != ERR_OK)
        fail(enquiry, &fault);
}

static void on_subscribed(void *context, int token, enum err err)
{
    (void)token;
    struct fault fault;
    if (err) {
        (void)fault_set(&fault, err, "", "the broker refused the subscription");
        fail(context, &fault);
        return;
    }
    publish(context);
}

static void on_published(void *context, int token, int reason)
{
    (void)token;
    struct enquiry *enquiry = context;
    struct fault fault;
    if (reason == NO_SUBSCRIBERS && !enquiry->over) {
        loop_timer_start(enquiry->again, AGAIN_MS, 0);
    } else if (reason) {
        (void)fault_set(&fault, ERR_REFUSED, "", "the broker refused the question (reason 0x%02x)",
                        reason);
        fail(enquiry, &fault);
    }
}

static void on_message(void *context, const struct mqtt_message *message)
{
    struct enquiry *enquiry = context;
    if (slice_is(message->correlation, enquiry->client_id))
        end(enquiry, message->payload, NULL);
}

static void on_disconnected(void *context, enum err err, const struct fault *fault)
{
    (void)err;
    fail(context, fault);
}

static void on_timeout(void *context)
{
    struct fault fault;
    (void)fault_set(&fault, ERR_TIMEOUT, "", "the hub didn't answer in time: try again");
    fail(context, &fault);
}

static void choose_id(struct enquiry *enquiry)
{
    uint8_t nonce[NONCE_BYTES];
    char text[2 * NONCE_BYTES + 1];
    random_fill(NULL, nonce, sizeof nonce);
    hex_encode(nonce, sizeof nonce, text);
    (void)snprintf(enquiry->client_id, sizeof enquiry->client_id, "enrol-%s", text);
}

static enum err begin(struct enquiry *enquiry, struct loop *loop,
                      const struct enquiry_config *config, struct fault *fault)
{
    const int64_t timeout_ms = config->timeout_ms ? config->timeout_ms : TIMEOUT_MS;
    const struct mqtt_listener listener = {on_connected,  on_message,      on_published,
                                           on_subscribed, on_disconnected, enquiry};
    const struct tls_config tls = {
        .role = TLS_CLIENT,
        .ca_file = config->ca_file,
        .clock = config->clock,
    };
    enquiry->timer = loop_timer_open(loop, on_timeout, enquiry);
    enquiry->again = loop_timer_open(loop, publish, enquiry);
    if (!enquiry->timer || !enquiry->again || enquiry->question.failed)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    enum err err = tls_context_open(&enquiry->tls, &tls, fault);
    const struct mqtt_config mqtt = {
        .url = config->url,
        .proxy = config->proxy,
        .tls = enquiry->tls,
        .client_id = enquiry->client_id,
        .runtime_folder = config->runtime_folder,
        .dial_timeout_ms = timeout_ms,
        .diag = config->diag,
    };
    if (!err)
        err = mqtt_open(&enquiry->mqtt, loop, &mqtt, &listener, fault);
    if (!err)
        loop_timer_start(enquiry->timer, timeout_ms, 0);
    return err;
}

enum err enquiry_open(struct enquiry **out, struct loop *loop, const struct enquiry_config *config,
                      struct slice question, enquiry_done *done, void *context, struct fault *fault)
{
    struct enquiry *enquiry = calloc(1, sizeof *enquiry);
    if (!enquiry)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    enquiry->done = done;
    enquiry->context = context;
    buf_init(&enquiry->question, ENROL_ASK_MAX);
    buf_append(&enquiry->question, question.data, question.len);
    choose_id(enquiry);
    enum err err = begin(enquiry, loop, config, fault);
    if (err) {
        enquiry_close(enquiry);
        return err;
    }
    *out = enquiry;
    return ERR_OK;
}

void enquiry_close(struct enquiry *enquiry)
{
    if (!enquiry)
        return;
    mqtt_close(enquiry->mqtt, true);
    loop_timer_close(enquiry->timer);
    loop_timer_close(enquiry->again);
    tls_context_close(enquiry->tls);
    buf_free(&enquiry->question);
    free(enquiry);
}
