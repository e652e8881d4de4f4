/* MQTT at the broker: connected, own topics and nobody else's, and whether anything moves. */
#include "agent/service/check.h"
#include "hal/storage.h"
#include "sync/transport/mqtt.h"

#include <unistd.h>

enum { MQTT_MS = 20000, STALLED_MS = 60 * 1000 };

struct attempt {
    struct wait wait;
    struct mqtt *mqtt;
    struct rights rights;
    const char *device;
    bool connected;
    enum rights_found found;
};

static void on_rights(void *context, enum rights_found found)
{
    struct attempt *a = context;
    a->found = found;
    wait_end(&a->wait, NULL);
}

static void on_connected(void *context, enum err err, const struct fault *why)
{
    struct attempt *a = context;
    struct fault fault;
    if (err) {
        wait_end(&a->wait, why);
        return;
    }
    a->connected = true;
    if (rights_begin(&a->rights, a->mqtt, a->device, on_rights, a, &fault) != ERR_OK)
        wait_end(&a->wait, &fault);
}

static void on_subscribed(void *context, int token, enum err err)
{
    struct attempt *a = context;
    (void)err;
    (void)rights_subscribed(&a->rights, token);
}

static void on_published(void *context, int token, int reason)
{
    struct attempt *a = context;
    (void)rights_published(&a->rights, token, reason);
}

static void on_message(void *context, const struct mqtt_message *message)
{
    struct attempt *a = context;
    (void)rights_message(&a->rights, message);
}

static void on_disconnected(void *context, enum err err, const struct fault *fault)
{
    (void)err;
    wait_end(&((struct attempt *)context)->wait, fault);
}

static void try_broker(struct examination *x, struct attempt *a)
{
    const struct mqtt_listener listener = {.connected = on_connected,
                                           .message = on_message,
                                           .published = on_published,
                                           .subscribed = on_subscribed,
                                           .disconnected = on_disconnected,
                                           .context = a};
    struct tls_context *tls = NULL;
    char runtime[STORAGE_SCRATCH_MAX] = "";
    const struct doctor_subject *s = x->subject;
    a->device = s->member->device;
    enum err err = wait_open(&a->wait, &x->mqtt);
    if (err)
        return;
    err = storage_make_scratch(runtime, &x->mqtt);
    if (!err)
        err = membership_tls(s->member, IDENTITY_CURRENT, s->clock, &tls, &x->mqtt);
    const struct mqtt_config config = {.url = s->member->broker_url,
                                       .proxy = settings_text(s->settings, "broker.proxy"),
                                       .tls = tls,
                                       .client_id = s->member->device,
                                       .runtime_folder = runtime,
                                       .dial_timeout_ms = MQTT_MS};
    if (!err)
        err = mqtt_open(&a->mqtt, a->wait.loop, &config, &listener, &x->mqtt);
    if (!err) {
        wait_run(&a->wait, MQTT_MS);
        x->mqtt = a->wait.fault;
    }
    mqtt_close(a->mqtt, true);
    wait_close(&a->wait);
    tls_context_close(tls);
    if (runtime[0])
        (void)rmdir(runtime);
}

static void ask_running(struct examination *x)
{
    static const char next[] = "See what failed above; with nothing there, look at the broker.";
    const struct uplink_status *link = &x->subject->running->link;
    if (!x->subject->running->has_uplink)
        finding_set(x->at, FINDING_SKIPPED, "", "it captures only: no broker, or not enrolled");
    else if (link->state == UPLINK_ONLINE)
        finding_set(x->at, FINDING_OK, "", "tillbackd is connected");
    else if (link->last.text[0])
        finding_set(x->at, FINDING_FAIL, next, "tillbackd has no connection: %s", link->last.text);
    else
        finding_set(x->at, FINDING_FAIL, next, "tillbackd has no connection yet");
    x->connected = x->at->result == FINDING_OK;
    x->rights = x->subject->running->rights;
}

void check_mqtt(struct examination *x)
{
    if (x->subject->running) {
        ask_running(x);
        return;
    }
    if (!x->reachable || !x->dialled || x->dial.code) {
        finding_set(x->at, FINDING_SKIPPED, "", "there is no secure connection to the broker");
        return;
    }
    struct attempt attempt = {.connected = false};
    try_broker(x, &attempt);
    x->connected = attempt.connected;
    x->rights = attempt.found;
    if (x->connected)
        finding_set(x->at, FINDING_OK, "", "the broker takes us as %s", x->subject->member->device);
    else
        finding_set(x->at, FINDING_FAIL,
                    "At the centre: is the appliance known there, not revoked, and the broker's "
                    "revocation list not too old?",
                    "%s", x->mqtt.text);
}

void check_topics(struct examination *x)
{
    static const char next[] =
        "At the centre: compare the broker's acl file with the one that ships.";
    if (!x->connected)
        finding_set(x->at, FINDING_SKIPPED, "", "there is no connection to the broker");
    else if (x->rights == RIGHTS_UNKNOWN)
        finding_set(x->at, FINDING_FAIL, next, "%s",
                    x->mqtt.code ? x->mqtt.text : "the broker didn't answer");
    else if (x->rights == RIGHTS_OWN_REFUSED)
        finding_set(x->at, FINDING_FAIL, next, "the broker refuses this appliance's own topics");
    else if (x->rights == RIGHTS_FOREIGN)
        finding_set(x->at, FINDING_FAIL, next,
                    "the broker lets this appliance at the topics of others");
    else
        finding_set(x->at, FINDING_OK, "", "its own are allowed, another's are refused");
}

/* --- Whether anything moves ------------------------------------------------------------------ */

static const char *waits_next =
    "Look whether the hub runs, and at tillback queue; what waits is safe here.";

static void judge_files(struct examination *x)
{
    struct eventlog_reader *reader = NULL;
    struct eventlog_status status;
    struct fault fault = {0};
    enum err err = eventlog_reader_open(&reader, x->subject->log_config, &fault);
    if (!err)
        err = eventlog_reader_status(reader, &status, &fault);
    eventlog_reader_close(reader);
    int64_t waiting = 0;
    for (int i = 0; !err && i < STREAMS_OF_APPLIANCE; i++)
        waiting += status.streams[i].head - status.streams[i].through;
    if (err)
        finding_set(x->at, FINDING_SKIPPED, "", "there is no event log yet");
    else if (waiting)
        finding_set(x->at, FINDING_WARN, "Start tillbackd: it sends them.",
                    "%lld events wait, and tillbackd doesn't run", (long long)waiting);
    else
        finding_set(x->at, FINDING_OK, "", "the hub holds all");
}

void check_watermark(struct examination *x)
{
    const struct doctor_running *running = x->subject->running;
    if (!running) {
        judge_files(x);
        return;
    }
    if (!running->has_uplink) {
        finding_set(x->at, FINDING_SKIPPED, "", "it captures only: no broker, or not enrolled");
        return;
    }
    int64_t waiting = 0;
    int64_t still_ms = running->now.monotonic_ms - running->link.progress_ms;
    for (int i = 0; i < STREAMS_OF_APPLIANCE; i++)
        waiting += running->link.waiting[i];
    if (!waiting)
        finding_set(x->at, FINDING_OK, "", "the hub holds all");
    else if (running->link.state != UPLINK_ONLINE)
        finding_set(x->at, FINDING_WARN, waits_next, "%lld events wait for the link",
                    (long long)waiting);
    else if (still_ms > STALLED_MS)
        finding_set(x->at, FINDING_FAIL, waits_next,
                    "%lld events wait, and for %lld s the hub has taken none", (long long)waiting,
                    (long long)still_ms / 1000);
    else
        finding_set(x->at, FINDING_OK, "", "it moves; %lld events are on their way",
                    (long long)waiting);
}
