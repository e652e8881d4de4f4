#include "agent/service/desk.h"
#include "agent/service/binding.h"
#include "agent/service/inspection.h"
#include "agent/service/print_round.h"
#include "agent/service/probe.h"
#include "agent/service/provision.h"
#include "agent/service/record.h"
#include "hal/base/cleanup.h"
#include "provisioning/assignment.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ANSWER_MAX = 1024 * 1024,
    HUB_MS = 20000,
    PRINT_MS = 40000,
    NAME_TEXT_MAX = 80,
    LANE_TEXT_MAX = 16,
    LINE_BYTES_MAX = 512,
};

#define SERVICE_WISH_WORD(upper, lower) [SERVICE_##upper] = #lower,
static const char *const wish_words[] = {SERVICE_WISHES(SERVICE_WISH_WORD)};

/* The wish under way. */
struct wish {
    enum service_wish wish;
    char lane[LANE_TEXT_MAX + 1];
    char device[PORT_DEVICE_MAX + 1];
    char person[NAME_TEXT_MAX + 1];
    char name[NAME_TEXT_MAX + 1];
    service_done *done;
    void *context;
    struct inspection inspection; /* of those that are one */
    struct buf body;
};

struct service {
    struct service_config config;
    struct worker *worker;
    struct loop_timer *timer;
    struct wish *wish;        /* NULL: none */
    struct findings selftest; /* the last result of each step */
    struct binding *binding;
    struct provision *provision;
    struct probe *probe;
    struct print_round round;
};

/* --- The end of a wish ----------------------------------------------------------------------- */

static void wish_free(struct wish *wish)
{
    inspection_free(&wish->inspection);
    buf_free(&wish->body);
    free(wish);
}

static void finish(struct service *s, enum err err, const struct fault *fault)
{
    struct wish *wish = s->wish;
    struct fault too_large;
    s->wish = NULL;
    loop_timer_stop(s->timer);
    binding_close(s->binding);
    s->binding = NULL;
    provision_close(s->provision);
    s->provision = NULL;
    probe_close(s->probe);
    s->probe = NULL;
    s->round.done = NULL;
    if (!err && wish->body.failed) {
        err = fault_set(&too_large, ERR_TOO_LARGE, "answer", "is too large");
        fault = &too_large;
    }
    wish->done(wish->context, err, fault, buf_slice(&wish->body));
    wish_free(wish);
}

static void write_finding(struct wish *wish, const struct finding *finding)
{
    const struct findings one = {.list = {*finding}, .count = 1};
    struct jsonw w = jsonw_to(&wish->body);
    jsonw_object(&w, NULL);
    findings_write(&one, &w, "findings");
    jsonw_end(&w);
}

/* A step of the self-test has ended: kept for the report. */
static void finish_step(struct service *s, const struct finding *finding)
{
    struct finding *kept = NULL;
    for (size_t i = 0; i < s->selftest.count; i++)
        if (strcmp(s->selftest.list[i].id, finding->id) == 0)
            kept = &s->selftest.list[i];
    if (!kept)
        kept = findings_add(&s->selftest, finding->id, "");
    *kept = *finding;
    write_finding(s->wish, finding);
    finish(s, ERR_OK, NULL);
}

static struct finding step(const struct service *s)
{
    struct finding finding = {.result = FINDING_SKIPPED, .next = ""};
    (void)snprintf(finding.id, sizeof finding.id, "%s", wish_words[s->wish->wish]);
    return finding;
}

/* --- Inspections ----------------------------------------------------------------------------- */

static void on_inspected(void *context, enum err err, const struct fault *fault,
                         const struct finding *quote)
{
    struct service *s = context;
    if (quote)
        finish_step(s, quote);
    else
        finish(s, err, fault);
}

static void begin_inspection(struct service *s, enum inspection_of of)
{
    struct wish *wish = s->wish;
    wish->inspection = (struct inspection){.of = of,
                                           .house = &s->config,
                                           .worker = s->worker,
                                           .technician = wish->name,
                                           .selftest = &s->selftest,
                                           .body = &wish->body,
                                           .done = on_inspected,
                                           .context = s};
    inspection_begin(&wish->inspection);
}

/* --- Printing -------------------------------------------------------------------------------- */

static void on_printed(void *context, const struct finding *finding)
{
    finish_step(context, finding);
}

static void begin_print(struct service *s)
{
    s->round = (struct print_round){
        .prints = s->config.prints, .finding = step(s), .done = on_printed, .context = s};
    loop_timer_start(s->timer, PRINT_MS, 0);
    print_round_begin(&s->round);
}

/* --- Scanning -------------------------------------------------------------------------------- */

static enum err keep_binding(struct service *s, const char *device, struct fault *fault)
{
    struct buf line CLEANUP(buf_free);
    buf_init(&line, LINE_BYTES_MAX);
    enum err err = binding_keep(s->config.folder, device, s->wish->lane, &line, fault);
    if (err)
        return err;
    char *equals = strchr(line.data, '=');
    char *name = strchr(line.data, '.') + 1;
    *equals = '\0';
    err = s->config.bind(s->config.context, name, equals + 1, fault);
    *equals = '=';
    struct jsonw w = jsonw_to(&s->wish->body);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "lane", s->wish->lane);
    jsonw_text(&w, "device", device);
    jsonw_text(&w, "setting", line.data);
    jsonw_end(&w);
    return err;
}

static void end_binding(struct service *s, const struct binding_scan *scan)
{
    char device[PORT_DEVICE_MAX + 1];
    struct fault fault;
    enum err err;
    if (!scan) {
        err = fault_set(&fault, ERR_REFUSED, "scan",
                        "nothing was scanned in time: is the scanner plugged in, and set to act as "
                        "a serial port or a keyboard?");
    } else if (scan->scanner[0] && scan->lane[0]) {
        err = fault_set(&fault, ERR_CONFLICT, "lane",
                        "that scanner is set up already, as \"%s\" of lane %s", scan->scanner,
                        scan->lane);
    } else if (scan->scanner[0]) {
        err = fault_set(&fault, ERR_CONFLICT, "lane",
                        "that scanner is set up already, as \"%s\", of no lane", scan->scanner);
    } else {
        (void)snprintf(device, sizeof device, "%s", scan->device);
        binding_close(s->binding); /* the port is free again */
        s->binding = NULL;
        err = keep_binding(s, device, &fault);
    }
    finish(s, err, &fault);
}

static void on_scan(void *context, const struct binding_scan *scan)
{
    struct service *s = context;
    if (s->wish->wish == SERVICE_BIND) {
        end_binding(s, scan);
        return;
    }
    struct finding finding = step(s);
    if (!scan)
        finding_set(&finding, FINDING_FAIL,
                    "Look at the scanner's plug; bind it to its lane by a test scan.",
                    "nothing was scanned in time");
    else if (scan->scanner[0])
        finding_set(&finding, FINDING_OK, "", "%zu characters from %s", scan->bytes, scan->scanner);
    else
        finding_set(&finding, FINDING_WARN, "Bind it to its lane.",
                    "%zu characters from a scanner that isn't set up, at %.200s", scan->bytes,
                    scan->device);
    finish_step(s, &finding);
}

static enum err begin_scan(struct service *s, int64_t timeout_ms, struct fault *fault)
{
    struct used_devices used = {.count = 0};
    enum err err = used_devices_find(&used, s->config.settings, s->config.folder, fault);
    if (err)
        return err;
    const struct binding_config config = {.loop = s->config.loop,
                                          .timeout_ms = timeout_ms,
                                          .used = used.names,
                                          .used_count = used.count,
                                          .extra = s->wish->device[0] ? s->wish->device : NULL,
                                          .root = ""};
    return binding_open(&s->binding, &config, on_scan, s, fault);
}

void service_scanned(struct service *s, const struct scan *scan)
{
    if (s->binding)
        binding_told(s->binding, scan);
}

/* --- To the hub and back --------------------------------------------------------------------- */

static void end_hub(struct service *s, enum finding_result result, const char *cause)
{
    struct finding finding = step(s);
    finding_set(&finding, result,
                result == FINDING_FAIL ? "Run the doctor: it says where the road ends." : "", "%s",
                cause);
    finish_step(s, &finding);
}

static void on_probed(void *context, enum finding_result result, const char *cause)
{
    end_hub(context, result, cause);
}

static void begin_hub(struct service *s)
{
    struct uplink_status link = {0};
    struct fault fault;
    if (!s->config.uplink) {
        end_hub(s, FINDING_SKIPPED, "it captures only: no broker is set up, or it isn't enrolled");
        return;
    }
    uplink_status(s->config.uplink, &link);
    if (link.state != UPLINK_ONLINE)
        end_hub(s, FINDING_FAIL, link.last.text[0] ? link.last.text : "there is no link");
    else if (probe_open(&s->probe, s->config.loop, s->config.log, s->wish->person, on_probed, s,
                        &fault) != ERR_OK)
        end_hub(s, FINDING_FAIL, fault.text);
    else
        loop_timer_start(s->timer, HUB_MS, 0);
}

void service_committed(struct service *s)
{
    if (s->probe)
        probe_committed(s->probe);
}

/* --- A code ---------------------------------------------------------------------------------- */

static enum err tell_assignment(struct service *s, struct fault *fault)
{
    struct arena arena CLEANUP(arena_free);
    struct bundle now;
    arena_init(&arena, ASSIGNMENT_MAX);
    enum err err =
        assignment_read(s->config.member->folder, ASSIGNMENT_CURRENT, &arena, &now, fault);
    if (err)
        return err;
    struct jsonw w = jsonw_to(&s->wish->body);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "device", now.device);
    jsonw_text(&w, "store", now.store);
    jsonw_end(&w);
    return ERR_OK;
}

static void on_provisioned(void *context, enum err err, const struct fault *fault)
{
    struct service *s = context;
    struct fault failed;
    if (!err && (err = tell_assignment(s, &failed)))
        fault = &failed;
    finish(s, err, fault);
}

static enum err begin_provision(struct service *s, const struct service_order *order,
                                struct fault *fault)
{
    const struct provision_place place = {.identity_folder = s->config.member->folder,
                                          .state_folder = s->config.folder,
                                          .clock = s->config.clock};
    const struct provision_wish wish = {.code = order->code,
                                        .enrol_url = order->enrol_url,
                                        .proxy = settings_text(s->config.settings, "broker.proxy")};
    return provision_open(&s->provision, s->config.loop, &place, &wish, on_provisioned, s, fault);
}

/* --- Asking ---------------------------------------------------------------------------------- */

static void on_timer(void *context)
{
    struct service *s = context;
    if (!s->wish)
        return;
    if (s->wish->wish == SERVICE_HUB) {
        end_hub(s, FINDING_FAIL, "the hub didn't acknowledge an event in time");
        return;
    }
    struct finding finding = step(s);
    finding_set(&finding, FINDING_FAIL, "Look at its power, paper and cover.",
                "the test receipt wasn't printed in time");
    finish_step(s, &finding);
}

static enum err begin(struct service *s, const struct service_order *order, struct fault *fault)
{
    switch (order->wish) {
    case SERVICE_DOCTOR:
        begin_inspection(s, INSPECTION_FINDINGS);
        return ERR_OK;
    case SERVICE_QUOTE:
        begin_inspection(s, INSPECTION_QUOTE);
        return ERR_OK;
    case SERVICE_COMMISSION:
        begin_inspection(s, INSPECTION_REPORT);
        return ERR_OK;
    case SERVICE_DIAG:
        begin_inspection(s, INSPECTION_BUNDLE);
        return ERR_OK;
    case SERVICE_PRINT:
        begin_print(s);
        return ERR_OK;
    case SERVICE_HUB:
        begin_hub(s);
        return ERR_OK;
    case SERVICE_SCAN:
    case SERVICE_BIND:
        return begin_scan(s, order->timeout_ms, fault);
    case SERVICE_PROVISION:
        return begin_provision(s, order, fault);
    case SERVICE_WISH_COUNT:
        break;
    }
    assert(false);
    return ERR_OK;
}

enum err service_ask(struct service *s, const struct service_order *order, service_done *done,
                     void *context, struct fault *fault)
{
    if (s->wish)
        return fault_set(fault, ERR_BUSY, wish_words[s->wish->wish],
                         "the appliance looks at something else just now; ask again in a moment");
    struct wish *wish = calloc(1, sizeof *wish);
    if (!wish)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    wish->wish = order->wish;
    wish->done = done;
    wish->context = context;
    buf_init(&wish->body, ANSWER_MAX);
    (void)snprintf(wish->lane, sizeof wish->lane, "%s", order->lane ? order->lane : "");
    (void)snprintf(wish->device, sizeof wish->device, "%s", order->device ? order->device : "");
    (void)snprintf(wish->person, sizeof wish->person, "%s", order->person ? order->person : "");
    (void)snprintf(wish->name, sizeof wish->name, "%s", order->name ? order->name : "");
    s->wish = wish;
    enum err err = begin(s, order, fault);
    if (err) {
        s->wish = NULL;
        wish_free(wish);
    }
    return err;
}

void service_write_ports(struct service *s, struct jsonw *w)
{
    const struct doctor_subject subject = {
        .folder = s->config.folder, .settings = s->config.settings, .root = ""};
    jsonw_object(w, NULL);
    record_ports(&subject, w, "ports");
    jsonw_end(w);
}

/* --- Open and close -------------------------------------------------------------------------- */

enum err service_open(struct service **out, const struct service_config *config,
                      struct fault *fault)
{
    struct service *s = calloc(1, sizeof *s);
    if (!s)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    s->config = *config;
    s->timer = loop_timer_open(config->loop, on_timer, s);
    enum err err = s->timer ? worker_open(&s->worker, config->loop, fault)
                            : fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    if (err) {
        service_close(s);
        return err;
    }
    *out = s;
    return ERR_OK;
}

void service_close(struct service *s)
{
    struct fault fault;
    if (!s)
        return;
    worker_close(s->worker); /* hands back what it has */
    if (s->wish)
        finish(s, fault_set(&fault, ERR_CLOSED, "", "the appliance ends"), &fault);
    loop_timer_close(s->timer);
    free(s);
}
