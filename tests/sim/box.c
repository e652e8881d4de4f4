#include "tests/sim/box.h"
#include "hal/base/cleanup.h"
#include "sync/config/desired.h"
#include "sync/contract/command.h"
#include "sync/contract/link_state.h"

#include <stdio.h>

void box_flush(struct box *box)
{
    size_t len = 0;
    while (box->stream && box->out.len &&
           tls_stream_write(box->stream, box->out.data, box->out.len, &len) == ERR_OK && len)
        buf_consume(&box->out, len);
    box->wrote_ms = loop_now_ms(box->world->loop);
    if (!box->out.len)
        buf_free(&box->out);
}

static void publish(struct box *box, const char *name, struct slice payload, bool retain,
                    struct slice correlation)
{
    char topic[TOPIC_MAX];
    topic_write(topic, box->device, TOPIC_UP, name);
    box->next_id = (uint16_t)(box->next_id % UINT16_MAX + 1);
    packet_publish(&box->out, box->next_id, topic, payload, retain, correlation);
    box_flush(box);
}

void box_tell_state(struct box *box)
{
    struct buf text CLEANUP(buf_free);
    struct id_source ids;
    const int64_t wall = clock_wall_ms(box->world->clock);
    id_source_init(&ids, NULL, NULL);
    const struct link_state state = {
        .session = id_next(&ids, wall), .online = true, .time_ms = wall, .waiting = {box->waiting}};
    buf_init(&text, LINK_STATE_BYTES_MAX);
    struct jsonw w = jsonw_to(&text);
    jsonw_object(&w, NULL);
    link_state_write(&w, &state);
    jsonw_end(&w);
    publish(box, "state", buf_slice(&text), true, (struct slice){"", 0});
}

void box_tell_report(struct box *box)
{
    struct buf text CLEANUP(buf_free);
    buf_init(&text, CONFIG_REPORT_BYTES_MAX);
    config_report_write(&text, &box->report);
    publish(box, "config", buf_slice(&text), true, (struct slice){"", 0});
}

/* --- Configurations and commands ------------------------------------------------------------- */

bool box_take_config(struct box *box, struct slice envelope)
{
    struct buf text CLEANUP(buf_free);
    struct config config;
    struct fault fault = {0};
    enum desired_verdict verdict = DESIRED_KNOWN;
    const struct desired_rules rules = {
        .signer = {.now_ms = clock_wall_ms(box->world->clock), .ca = box->world->ca},
        .device = box->device,
        .store = "",
        .known = &box->report,
    };
    buf_init(&text, CONFIG_BYTES_MAX);
    enum err err = desired_open(envelope, &rules, &text, &config, &verdict, &fault);
    if (err) {
        (void)fprintf(stderr, "%s: %s: %s\n", box->device, fault.where, fault.text);
        return false;
    }
    if (verdict == DESIRED_KNOWN) {
        box_tell_report(box);
        return false;
    }
    box->report.version = box->report.seen = config.version;
    box->report.hash = config_hash(buf_slice(&text));
    box->report.state = CONFIG_STATE_REJECTED;
    if (box->refuses)
        (void)fault_set(&fault, ERR_REFUSED, "settings", "this box was told to refuse");
    else if (config_settings_check(config.settings, &fault) == ERR_OK) {
        box->report.state = CONFIG_STATE_APPLIED;
        box->report.applied_version = config.version;
        box->report.applied = box->report.hash;
    }
    (void)snprintf(box->report.path, sizeof box->report.path, "%s", fault.where);
    (void)snprintf(box->report.reason, sizeof box->report.reason, "%s", fault.text);
    if (!box->silent)
        box_tell_report(box);
    return true;
}

void box_take_command(struct box *box, const struct packet *packet)
{
    struct buf text CLEANUP(buf_free);
    struct buf answer CLEANUP(buf_free);
    struct command command;
    const struct verify_rules rules = {.now_ms = clock_wall_ms(box->world->clock),
                                       .ca = box->world->ca};
    buf_init(&text, COMMAND_BYTES_MAX);
    buf_init(&answer, COMMAND_REPLY_BYTES_MAX);
    if (envelope_open(COMMAND_ENVELOPE, packet->payload, &rules, &text, NULL) != ERR_OK ||
        command_read(buf_slice(&text), &command, NULL) != ERR_OK)
        return;
    const struct command_reply reply = {
        .id = command.id,
        .outcome = command.name == COMMAND_STATUS ? COMMAND_DONE : COMMAND_REFUSED,
        .detail = "a simulated appliance",
    };
    command_reply_write(&answer, &reply);
    publish(box, "reply", buf_slice(&answer), false, packet->correlation);
}
