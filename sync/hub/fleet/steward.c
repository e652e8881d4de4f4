#include "sync/hub/fleet/steward.h"
#include "hal/base/cleanup.h"
#include "provisioning/envelope.h"
#include "sync/contract/topic.h"
#include "sync/hub/fleet/commands.h"
#include "sync/hub/fleet/rollouts.h"
#include "sync/hub/ingest/log_exception.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    STEP_DEVICES = 50,
    RETRY_MS = 1000,
    ROUND_MS = 1000,     /* while a rollout or a command is open */
    LOOK_MS = 10 * 1000, /* otherwise */
    SIGNER_MS = 10 * 60 * 1000,
    AGAIN_MS = 30 * 1000, /* what wasn't heard is sent once more */
    REPLY_TOPIC_MAX = TOPIC_MAX,
};

/* What a step or a report wants sent: copied in the transaction, sent after its commit. */
struct parcel {
    struct parcel *next;
    char device[DEVICE_ID_MAX + 1];
    char name[64];
    struct buf payload;
    char correlation[ID_TEXT + 1];
    uint32_t expiry_s;
    bool retain;
};

/* On the database's handle; made by the first work on the worker's thread, and its own. */
struct office {
    struct database *db;
    struct desired *desired;
    struct rollouts *rollouts;
    struct commands *commands;
    struct signer signer;
    int64_t signer_ms; /* when it was read; 0: never */
};

struct steward {
    struct work work;
    struct loop *loop;
    struct steward_config config;
    struct loop_timer *timer;
    struct office office; /* the worker's thread's */
    struct parcel *outgoing;
    struct parcel **last;
    bool more;
    bool open;
    bool running;
    bool again;
    bool closed;
    unsigned messages; /* on their way through the worker */
};

static struct steward *steward_of(struct work *work)
{
    return (struct steward *)((char *)work - offsetof(struct steward, work));
}

/* --- Parcels --------------------------------------------------------------------------------- */

static void parcels_free(struct parcel *list)
{
    while (list) {
        struct parcel *next = list->next;
        buf_free(&list->payload);
        free(list);
        list = next;
    }
}

/* A parcel that memory lacks for is sent with the next look at what wasn't heard. */
static struct parcel *parcel_new(const char *device, const char *name, struct slice payload)
{
    struct parcel *parcel = calloc(1, sizeof *parcel);
    if (!parcel)
        return NULL;
    (void)snprintf(parcel->device, sizeof parcel->device, "%s", device);
    (void)snprintf(parcel->name, sizeof parcel->name, "%s", name);
    buf_init(&parcel->payload, ENVELOPE_BYTES_MAX);
    buf_append(&parcel->payload, payload.data, payload.len);
    if (parcel->payload.failed) {
        parcels_free(parcel);
        return NULL;
    }
    return parcel;
}

static void send_parcel(struct steward *steward, const struct parcel *parcel)
{
    char topic[REPLY_TOPIC_MAX];
    topic_write(topic, parcel->device, TOPIC_UP, "reply");
    const struct arrival_answer answer = {
        .device = parcel->device,
        .name = parcel->name,
        .payload = buf_slice(&parcel->payload),
        .retain = parcel->retain,
        .correlation = slice_of(parcel->correlation),
        .response_topic = parcel->correlation[0] ? topic : NULL,
        .expiry_s = parcel->expiry_s,
    };
    steward->config.answer(steward->config.context, &answer);
}

/* --- On the worker's thread ------------------------------------------------------------------ */

static enum err open_office(struct steward *steward, struct database *db, struct fault *fault)
{
    struct office *office = &steward->office;
    if (office->db)
        return ERR_OK;
    enum err err = office->desired ? ERR_OK : desired_open(&office->desired, db, fault);
    if (!err && !office->rollouts)
        err = rollouts_open(&office->rollouts, db, office->desired, fault);
    if (!err && !office->commands)
        err = commands_open(&office->commands, db, fault);
    if (!err)
        office->db = db;
    return err;
}

/* Read anew now and then: another takes its place in time. A hub whose authority is elsewhere has
 * none. */
static enum err need_signer(struct steward *steward, int64_t now_ms, struct fault *fault)
{
    struct office *office = &steward->office;
    if (office->signer_ms && now_ms < office->signer_ms + SIGNER_MS)
        return ERR_OK;
    signer_close(&office->signer);
    enum err err = signer_open(&office->signer, steward->config.state, now_ms, fault);
    office->signer_ms = err ? 0 : now_ms;
    return err;
}

static void close_office(struct office *office)
{
    rollouts_close(office->rollouts);
    commands_close(office->commands);
    desired_close(office->desired);
    signer_close(&office->signer);
}

static void put(struct steward *steward, struct parcel *parcel)
{
    if (!parcel)
        return;
    *steward->last = parcel;
    steward->last = &parcel->next;
}

static void on_document(void *context, const char *device, struct slice envelope)
{
    struct parcel *parcel = parcel_new(device, "config", envelope);
    if (parcel)
        parcel->retain = true;
    put(context, parcel);
}

static void on_command(void *context, const struct command_parcel *command)
{
    char name[64];
    (void)snprintf(name, sizeof name, "cmd/%s", command->name);
    struct parcel *parcel = parcel_new(command->device, name, command->envelope);
    if (parcel) {
        (void)snprintf(parcel->correlation, sizeof parcel->correlation, "%.*s",
                       (int)command->correlation.len, command->correlation.data);
        parcel->expiry_s = command->expiry_s;
    }
    put(context, parcel);
}

static enum err step_all(struct steward *steward, int64_t now_ms, struct fault *fault)
{
    struct office *office = &steward->office;
    bool waiting = false;
    const struct rollouts_turn turn = {.signer = &office->signer,
                                       .now_ms = now_ms,
                                       .max = STEP_DEVICES,
                                       .send = on_document,
                                       .context = steward};
    const struct commands_turn asking = {.signer = &office->signer,
                                         .now_ms = now_ms,
                                         .again_ms = now_ms - AGAIN_MS,
                                         .max = STEP_DEVICES,
                                         .send = on_command,
                                         .context = steward};
    enum err err = rollouts_step(office->rollouts, &turn, &steward->more, &steward->open, fault);
    if (!err)
        err = commands_step(office->commands, &asking, &waiting, fault);
    if (!err && !steward->more)
        err = desired_unheard(office->desired, now_ms - AGAIN_MS, now_ms, STEP_DEVICES, on_document,
                              steward, fault);
    steward->open = steward->open || waiting;
    return err;
}

static enum err run(struct work *work, struct database *db, struct fault *fault)
{
    struct steward *steward = steward_of(work);
    int64_t now_ms = clock_wall_ms(steward->config.clock);
    steward->more = steward->open = false;
    bool leads;
    enum err err = database_lead(db, "steward", &leads, fault);
    if (err || !leads) /* of several hubs one drives */
        return err;
    err = open_office(steward, db, fault);
    if (!err)
        err = need_signer(steward, now_ms, fault);
    if (err == ERR_NOT_FOUND) /* nothing can be signed here: nothing to be done */
        return ERR_OK;
    return err ? err : step_all(steward, now_ms, fault);
}

/* --- On the loop's --------------------------------------------------------------------------- */

static void free_if_done(struct steward *steward)
{
    if (!steward->closed || steward->running || steward->messages)
        return;
    close_office(&steward->office);
    parcels_free(steward->outgoing);
    free(steward);
}

static void send_all(struct steward *steward, enum err err)
{
    struct parcel *list = steward->outgoing;
    steward->outgoing = NULL;
    steward->last = &steward->outgoing;
    for (const struct parcel *parcel = list; parcel && !err; parcel = parcel->next)
        send_parcel(steward, parcel);
    parcels_free(list);
}

static void done(struct work *work, enum err err, const struct fault *fault)
{
    struct steward *steward = steward_of(work);
    steward->running = false;
    if (steward->closed) {
        free_if_done(steward);
        return;
    }
    send_all(steward, err);
    if (err)
        diag_fault(steward->config.diag, DIAG_ERROR, "hub.fleet_not_served", fault);
    if (err)
        loop_timer_start(steward->timer, RETRY_MS, 0);
    else if (steward->more || steward->again)
        steward_wake(steward);
    else
        loop_timer_start(steward->timer, steward->open ? ROUND_MS : LOOK_MS, 0);
}

static void on_timer(void *context)
{
    steward_wake(context);
}

void steward_wake(struct steward *steward)
{
    steward->again = steward->running;
    if (steward->running)
        return;
    if (!steward->config.may_send(steward->config.context)) {
        loop_timer_start(steward->timer, RETRY_MS, 0);
        return;
    }
    steward->running = worker_submit(steward->config.worker, &steward->work) == ERR_OK;
    if (!steward->running)
        loop_timer_start(steward->timer, RETRY_MS, 0);
}

/* --- What appliances answer ------------------------------------------------------------------ */

struct answered {
    struct work work;
    struct steward *steward;
    char device[DEVICE_ID_MAX + 1];
    struct buf payload;
    struct config_report report;
    struct desired_document document; /* to be sent */
};

static struct answered *answered_of(struct work *work)
{
    return (struct answered *)((char *)work - offsetof(struct answered, work));
}

static void answered_free(struct answered *answered)
{
    struct steward *steward = answered->steward;
    buf_free(&answered->payload);
    desired_document_free(&answered->document);
    free(answered);
    steward->messages--;
    free_if_done(steward);
}

/* What the appliance was sent isn't signed by us: somebody else writes where only the hub may. */
static enum err tell_forged(const struct answered *answered, struct database *db, int64_t now_ms,
                            struct fault *fault)
{
    const struct config_report *report = &answered->report;
    if (report->state != CONFIG_STATE_REJECTED || strcmp(report->path, "signature") != 0)
        return ERR_OK;
    const struct log_exception exception = {.code = "signature_invalid",
                                            .device = answered->device,
                                            .detail = report->reason,
                                            .now_ms = now_ms};
    return log_exception_raise(db, &exception, fault);
}

static enum err run_report(struct work *work, struct database *db, struct fault *fault)
{
    struct answered *answered = answered_of(work);
    struct steward *steward = answered->steward;
    int64_t now_ms = clock_wall_ms(steward->config.clock);
    enum err err = open_office(steward, db, fault);
    if (!err)
        err = need_signer(steward, now_ms, fault);
    if (err == ERR_NOT_FOUND)
        return ERR_OK;
    if (err)
        return err;
    desired_document_free(&answered->document);
    err = desired_report(steward->office.desired, answered->device, &answered->report,
                         &steward->office.signer, now_ms, &answered->document, fault);
    return err ? err : tell_forged(answered, db, now_ms, fault);
}

static void tell_ack(const struct answered *answered)
{
    struct steward *steward = answered->steward;
    struct buf text CLEANUP(buf_free);
    buf_init(&text, CONFIG_REPORT_BYTES_MAX);
    config_ack_write(&text, &(struct config_ack){answered->report.version, answered->report.state});
    const struct arrival_answer answer = {
        .device = answered->device, .name = "config-ack", .payload = buf_slice(&text)};
    if (!text.failed)
        steward->config.answer(steward->config.context, &answer);
}

static void report_done(struct work *work, enum err err, const struct fault *fault)
{
    struct answered *answered = answered_of(work);
    struct steward *steward = answered->steward;
    if (err) {
        diag_fault(steward->config.diag, DIAG_ERROR, "hub.report_not_taken", fault);
    } else if (!steward->closed) {
        tell_ack(answered);
        const struct arrival_answer answer = {.device = answered->device,
                                              .name = "config",
                                              .payload = buf_slice(&answered->document.envelope),
                                              .retain = true};
        if (answered->document.version && answered->report.seen < answered->document.version)
            steward->config.answer(steward->config.context, &answer);
    }
    answered_free(answered);
}

static enum err run_reply(struct work *work, struct database *db, struct fault *fault)
{
    struct answered *answered = answered_of(work);
    struct steward *steward = answered->steward;
    enum err err = open_office(steward, db, fault);
    return err ? err
               : commands_reply(steward->office.commands, answered->device,
                                buf_slice(&answered->payload), clock_wall_ms(steward->config.clock),
                                fault);
}

static void reply_done(struct work *work, enum err err, const struct fault *fault)
{
    struct answered *answered = answered_of(work);
    if (err)
        diag_fault(answered->steward->config.diag, DIAG_WARN, "hub.reply_not_taken", fault);
    answered_free(answered);
}

static enum err submit(struct steward *steward, const char *device,
                       const struct mqtt_message *message, const struct config_report *report,
                       struct fault *fault)
{
    struct answered *answered = calloc(1, sizeof *answered);
    if (!answered)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    steward->messages++;
    answered->steward = steward;
    answered->work.run = report ? run_report : run_reply;
    answered->work.done = report ? report_done : reply_done;
    if (report)
        answered->report = *report;
    (void)snprintf(answered->device, sizeof answered->device, "%s", device);
    buf_init(&answered->payload, COMMAND_REPLY_BYTES_MAX);
    buf_append(&answered->payload, message->payload.data, message->payload.len);
    answered->work.bytes = sizeof *answered + message->payload.len;
    enum err err = buf_check(&answered->payload, fault, "reply");
    if (!err && worker_submit(steward->config.worker, &answered->work) != ERR_OK)
        err = fault_set(fault, ERR_BUSY, "", "the database doesn't keep up");
    if (err)
        answered_free(answered);
    return err;
}

enum err steward_take(struct steward *steward, const struct mqtt_message *message,
                      struct fault *fault)
{
    struct topic topic;
    struct config_report report;
    bool is_report;
    if (topic_read(message->topic, &topic) != ERR_OK || topic.direction != TOPIC_UP)
        return ERR_UNSUPPORTED;
    is_report = strcmp(topic.name, "config") == 0;
    if (!is_report && strcmp(topic.name, "reply") != 0)
        return ERR_UNSUPPORTED;
    enum err err = is_report ? config_report_read(message->payload, &report, fault) : ERR_OK;
    return err ? err : submit(steward, topic.device, message, is_report ? &report : NULL, fault);
}

/* --- Open and close -------------------------------------------------------------------------- */

enum err steward_open(struct steward **out, struct loop *loop, const struct steward_config *config,
                      struct fault *fault)
{
    struct steward *steward = calloc(1, sizeof *steward);
    if (!steward)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    steward->loop = loop;
    steward->config = *config;
    steward->last = &steward->outgoing;
    steward->work = (struct work){.run = run, .done = done, .bytes = sizeof *steward};
    steward->timer = loop_timer_open(loop, on_timer, steward);
    if (!steward->timer) {
        free(steward);
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    }
    loop_timer_start(steward->timer, ROUND_MS, 0);
    *out = steward;
    return ERR_OK;
}

void steward_close(struct steward *steward)
{
    if (!steward)
        return;
    loop_timer_close(steward->timer);
    steward->closed = true;
    free_if_done(steward);
}
