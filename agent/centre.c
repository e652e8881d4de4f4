#include "agent/centre.h"
#include "hal/base/cleanup.h"
#include "hal/base/hex.h"
#include "hal/base/version.h"
#include "hal/storage.h"
#include "provisioning/assignment.h"

#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_TEXT_MAX = 80, DATA_MAX = 2048, RESULT_MAX = 16 * 1024, RESTART_MS = 500 };

struct centre {
    struct centre_config config;
    char folder[PATH_MAX];
    struct pushed *pushed;
    struct keeper *keeper;
    struct orders *orders;
    struct loop_timer *restart;
    bool stopped;
};

/* --- The event of a configuration's fate ----------------------------------------------------- */

struct fate {
    struct eventlog_command command;
    struct config_report report;
    struct diag *diag;
    char subject[sizeof "device/" + DEVICE_ID_MAX];
    char key[KEY_TEXT_MAX];
    char hash[REQUEST_HASH_TEXT + 1];
};

/* Writer thread. */
static enum err decide_fate(void *context, struct eventlog_txn *txn, struct fault *fault)
{
    struct fate *fate = context;
    struct id_source ids;
    struct buf data CLEANUP(buf_free);
    int64_t seq;
    buf_init(&data, DATA_MAX);
    id_source_init(&ids, NULL, NULL);
    struct jsonw w = jsonw_to(&data);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "scope", "device");
    jsonw_int(&w, "version", fate->report.version);
    jsonw_text(&w, "result", config_state_name(fate->report.state));
    if (fate->report.path[0])
        jsonw_text(&w, "path", fate->report.path);
    if (fate->report.reason[0])
        jsonw_text(&w, "reason", fate->report.reason);
    jsonw_end(&w);
    struct event draft = {
        .type = EVENT_CONFIG_APPLIED,
        .subject = slice_of(fate->subject),
        .correlation = id_next(&ids, eventlog_txn_now(txn).wall_ms),
        .data = buf_slice(&data),
    };
    enum err err = buf_check(&data, fault, "config");
    return err ? err : eventlog_append(txn, &draft, &seq, fault);
}

static enum err know_fate(void *context, struct eventlog_txn *txn,
                          const struct eventlog_record *first, struct fault *fault)
{
    (void)context;
    (void)txn;
    (void)first;
    (void)fault;
    return ERR_OK;
}

/* Writer thread. What could not be noted is noted at the next start. */
static void fate_noted(void *context, enum err err, const struct fault *fault)
{
    struct fate *fate = context;
    if (err)
        diag_fault(fate->diag, DIAG_WARN, "config.fate_not_noted", fault);
    free(fate);
}

/* Keyed by version and fate: told again at each start, it is noted once. */
static void on_settled(void *context, const struct config_report *report)
{
    struct centre *centre = context;
    struct fate *fate = report->version ? calloc(1, sizeof *fate) : NULL;
    struct buf hash CLEANUP(buf_free);
    buf_init(&hash, REQUEST_HASH_TEXT);
    if (!fate)
        return;
    fate->report = *report;
    fate->diag = centre->config.diag;
    base64_encode(&hash, report->hash.bytes, SHA256_BYTES, true);
    (void)snprintf(fate->hash, sizeof fate->hash, "%s", hash.data ? hash.data : "");
    (void)snprintf(fate->subject, sizeof fate->subject, "device/%s", centre->config.device);
    (void)snprintf(fate->key, sizeof fate->key, "centre:config:%lld:%s", (long long)report->version,
                   config_state_name(report->state));
    fate->command = (struct eventlog_command){
        .key = slice_of(fate->key),
        .request_hash = slice_of(fate->hash),
        .decide = decide_fate,
        .replay = know_fate,
        .done = fate_noted,
        .context = fate,
    };
    eventlog_submit(centre->config.log, &fate->command);
}

/* --- Telling --------------------------------------------------------------------------------- */

static void publish(struct centre *centre, const char *name, struct mqtt_message *message)
{
    struct fault fault;
    struct uplink *uplink = centre->config.pushed.uplink;
    if (uplink && !centre->stopped && uplink_publish(uplink, name, message, &fault) != ERR_OK)
        diag_fault(centre->config.diag, DIAG_INFO, "centre.not_told", &fault);
}

static void tell_report(void *context, struct slice report)
{
    struct mqtt_message message = {
        .payload = report, .qos = 1, .retain = true, .content_type = "application/json"};
    publish(context, "config", &message);
}

static void tell_reply(void *context, struct mqtt_message *message)
{
    publish(context, "reply", message);
}

/* --- Commands -------------------------------------------------------------------------------- */

void centre_describe(struct centre *centre, struct jsonw *w)
{
    struct config_report report;
    keeper_report(centre->keeper, &report);
    jsonw_object(w, "config");
    jsonw_text(w, "state", config_state_name(report.state));
    jsonw_int(w, "version", report.version);
    jsonw_int(w, "applied", report.applied_version);
    if (report.path[0])
        jsonw_text(w, "path", report.path);
    if (report.reason[0])
        jsonw_text(w, "reason", report.reason);
    jsonw_array(w, "drift");
    for (int i = 0; i < CONFIG_SECTION_COUNT; i++)
        if (report.drift[i])
            jsonw_text(w, NULL, config_section_name((enum config_section)i));
    jsonw_end(w);
    jsonw_end(w);
}

static void run_status(void *context, struct order *order, const struct command *command)
{
    (void)command;
    struct centre *centre = context;
    struct eventlog_status log;
    struct buf result CLEANUP(buf_free);
    buf_init(&result, RESULT_MAX);
    eventlog_status(centre->config.log, &log);
    struct jsonw w = jsonw_to(&result);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "version", TILLBACK_VERSION);
    jsonw_time(&w, "time", clock_wall_ms(centre->config.clock));
    jsonw_bool(&w, "time_trusted", clock_read(centre->config.clock).trusted);
    jsonw_object(&w, "streams");
    for (int i = 0; i < STREAMS_OF_APPLIANCE; i++) {
        jsonw_object(&w, stream_name((enum stream)i));
        jsonw_int(&w, "head", log.streams[i].head);
        jsonw_int(&w, "through", log.streams[i].through);
        jsonw_int(&w, "parked", log.streams[i].parked);
        jsonw_end(&w);
    }
    jsonw_end(&w);
    jsonw_bool(&w, "can_save", log.can_save);
    jsonw_int(&w, "free_bytes", log.free_bytes);
    centre_describe(centre, &w);
    jsonw_end(&w);
    order_end(order, COMMAND_DONE, "", buf_slice(&result));
}

struct replay_asked {
    int stream;
    int64_t from;
    int64_t to;
};

static const char *const stream_words[] = {"returns", "sales", NULL};
static const struct json_field replay_fields[] = {
    {.name = "stream",
     .kind = JSON_CHOICE,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct replay_asked, stream),
     .choices = stream_words},
    {.name = "from",
     .kind = JSON_INT,
     .offset = offsetof(struct replay_asked, from),
     .min = 1,
     .max = INT64_C(1) << 40},
    {.name = "to",
     .kind = JSON_INT,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct replay_asked, to),
     .min = 1,
     .max = INT64_C(1) << 40},
};
static const struct json_table replay_table = {.fields = replay_fields,
                                               .count =
                                                   sizeof replay_fields / sizeof *replay_fields,
                                               .item_size = sizeof(struct replay_asked)};

static void end_with(struct order *order, enum err err, const struct fault *fault)
{
    char why[COMMAND_DETAIL_MAX + 1];
    (void)snprintf(why, sizeof why, "%s%s%.300s", fault->where, fault->where[0] ? ": " : "",
                   fault->text);
    order_end(order, err_class(err) == ERR_CLASS_PARK ? COMMAND_REFUSED : COMMAND_FAILED, why,
              (struct slice){"", 0});
}

static void run_replay(void *context, struct order *order, const struct command *command)
{
    struct centre *centre = context;
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct arena arena CLEANUP(arena_free);
    struct replay_asked asked = {.to = INT64_MAX};
    struct fault fault = {0};
    int64_t count = 0;
    char told[80];
    arena_init(&arena, DATA_MAX);
    enum err err = json_parse(command->arguments, JSON_LIMITS_DEFAULT, &doc, &fault);
    if (!err)
        err = json_read(doc, &replay_table, &asked, &arena, &fault);
    if (!err)
        err = uplink_replay(centre->config.pushed.uplink, (enum stream)asked.stream, asked.from,
                            asked.to, &count, &fault);
    (void)snprintf(told, sizeof told, "%lld events are sent once more", (long long)count);
    if (err)
        end_with(order, err, &fault);
    else
        order_end(order, COMMAND_BEGUN, told, (struct slice){"", 0});
}

static void resubmitted(void *context, const struct capture_answer *answer)
{
    struct order *order = context;
    if (answer->err)
        end_with(order, answer->err, answer->fault);
    else
        order_end(order, COMMAND_BEGUN, "the centre is asked to try it again",
                  (struct slice){"", 0});
}

static void run_resubmit(void *context, struct order *order, const struct command *command)
{
    struct centre *centre = context;
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct buf body CLEANUP(buf_free);
    struct fault fault = {0};
    struct capture_order resubmit = {.kind = CAPTURE_RESUBMIT,
                                     .actor = {.lane = "", .person = "", .manager = true}};
    resubmit.loop = centre->config.loop;
    buf_init(&body, DATA_MAX);
    enum err err = json_parse(command->arguments, JSON_LIMITS_DEFAULT, &doc, &fault);
    const char *event = json_member_text(doc, "event");
    const char *reason = json_member_text(doc, "reason");
    if (!err && (!event || !reason || id_parse(slice_of(event), &resubmit.subject) != ERR_OK))
        err = fault_set(&fault, ERR_INVALID, "arguments", "must have the event's id, and a reason");
    if (!err) {
        struct jsonw w = jsonw_to(&body);
        jsonw_object(&w, NULL);
        jsonw_text(&w, "reason", reason);
        jsonw_end(&w);
        resubmit.body = buf_slice(&body);
        err = capture_submit(centre->config.pushed.capture, &resubmit, resubmitted, order, &fault);
    }
    if (err)
        end_with(order, err, &fault);
}

static void on_restart(void *context)
{
    struct centre *centre = context;
    diag_write(centre->config.diag, DIAG_WARN, "command.restart", "the centre asked for it");
    loop_stop(centre->config.loop);
}

/* Ends the process, RESTART_MS after the answer, so that the answer can leave. */
static void run_restart(void *context, struct order *order, const struct command *command)
{
    (void)command;
    struct centre *centre = context;
    loop_timer_start(centre->restart, RESTART_MS, 0);
    order_end(order, COMMAND_BEGUN, "the program ends now", (struct slice){"", 0});
}

/* --- Open and close -------------------------------------------------------------------------- */

static enum err open_keeper(struct centre *centre, struct fault *fault)
{
    struct keeper_config config = {
        .folder = centre->folder,
        .identity_folder = centre->config.identity_folder,
        .device = centre->config.device,
        .store = centre->config.store,
        .tell = tell_report,
        .settled = on_settled,
        .context = centre,
        .clock = centre->config.clock,
        .diag = centre->config.diag,
    };
    config.parts = pushed_parts(centre->pushed, &config.part_count);
    return keeper_open(&centre->keeper, centre->config.loop, &config, fault);
}

/* What came with the bundle, before the first connection; once there is another it is forgotten. */
static void take_first(struct centre *centre)
{
    struct arena arena CLEANUP(arena_free);
    struct config_report report;
    struct bundle bundle;
    arena_init(&arena, ASSIGNMENT_MAX);
    keeper_report(centre->keeper, &report);
    if (report.version == 0 &&
        assignment_read(centre->config.identity_folder, ASSIGNMENT_CURRENT, &arena, &bundle,
                        NULL) == ERR_OK &&
        bundle.config)
        keeper_take(centre->keeper, slice_of(bundle.config));
}

static enum err open_orders(struct centre *centre, struct fault *fault)
{
    struct orders_config config = {
        .loop = centre->config.loop,
        .log = centre->config.log,
        .clock = centre->config.clock,
        .diag = centre->config.diag,
        .identity_folder = centre->config.identity_folder,
        .device = centre->config.device,
        .handlers = {[COMMAND_STATUS] = {run_status, centre},
                     [COMMAND_REPLAY] = {run_replay, centre},
                     [COMMAND_RESUBMIT] = {run_resubmit, centre},
                     [COMMAND_RESTART] = {run_restart, centre}},
        .reply = tell_reply,
        .context = centre,
    };
    for (int i = 0; i < COMMAND_COUNT; i++)
        if (centre->config.handlers[i].run)
            config.handlers[i] = centre->config.handlers[i];
    return orders_open(&centre->orders, &config, fault);
}

enum err centre_open(struct centre **out, const struct centre_config *config,
                     struct policy_file *policy, struct scan_formats *formats, struct fault *fault)
{
    struct centre *centre = calloc(1, sizeof *centre);
    if (!centre) {
        policy_file_close(policy);
        scan_formats_close(formats);
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    }
    centre->config = *config;
    enum err err = pushed_open(&centre->pushed, &config->pushed, policy, formats, fault);
    if (!err && storage_path(centre->folder, PATH_MAX, config->pushed.folder, "config") != ERR_OK)
        err = fault_set(fault, ERR_TOO_LARGE, config->pushed.folder, "the path is too long");
    if (!err) {
        centre->restart = loop_timer_open(config->loop, on_restart, centre);
        if (!centre->restart)
            err = fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    }
    if (!err)
        err = open_keeper(centre, fault);
    if (!err)
        err = open_orders(centre, fault);
    if (!err)
        take_first(centre);
    if (err) {
        centre_stop(centre);
        centre_close(centre);
        return err;
    }
    *out = centre;
    return ERR_OK;
}

void centre_stop(struct centre *centre)
{
    if (!centre)
        return;
    centre->stopped = true;
    orders_close(centre->orders);
    centre->orders = NULL;
    keeper_close(centre->keeper);
    centre->keeper = NULL;
    loop_timer_close(centre->restart);
    centre->restart = NULL;
}

void centre_close(struct centre *centre)
{
    if (!centre)
        return;
    pushed_close(centre->pushed);
    free(centre);
}

void centre_connected(struct centre *centre)
{
    keeper_connected(centre->keeper);
}

void centre_disconnected(struct centre *centre)
{
    keeper_disconnected(centre->keeper);
}

bool centre_message(struct centre *centre, const char *name, const struct mqtt_message *message)
{
    if (strcmp(name, "config") == 0)
        keeper_take(centre->keeper, message->payload);
    else if (strcmp(name, "config-ack") == 0)
        keeper_acknowledged(centre->keeper, message->payload);
    else if (strncmp(name, "cmd/", 4) == 0)
        orders_take(centre->orders, name + 4, message);
    else
        return false;
    return true;
}
