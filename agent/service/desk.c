#include "agent/service/desk.h"
#include "agent/service/binding.h"
#include "agent/service/harmless.h"
#include "agent/service/print_round.h"
#include "agent/service/probe.h"
#include "agent/service/provision.h"
#include "agent/service/record.h"
#include "agent/service/selftest.h"
#include "hal/base/cleanup.h"
#include "hal/worker.h"
#include "provisioning/assignment.h"

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
    struct worker_job job; /* of those that block */
    struct service *service;
    enum service_wish wish;
    char lane[LANE_TEXT_MAX + 1];
    char device[PORT_DEVICE_MAX + 1];
    char person[NAME_TEXT_MAX + 1];
    char name[NAME_TEXT_MAX + 1];
    service_done *done;
    void *context;
    /* What the worker's thread works with: */
    struct doctor_running running;
    struct doctor_subject subject;
    struct findings selftest; /* a copy */
    struct findings findings;
    struct buf diagnostics;
    struct buf body;
    enum err err;
    struct fault fault;
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
    buf_free(&wish->diagnostics);
    buf_free(&wish->body);
    free(wish);
}

static void finish(struct service *s, enum err err, const struct fault *fault)
{
    struct wish *wish = s->wish;
    s->wish = NULL;
    loop_timer_stop(s->timer);
    binding_close(s->binding);
    s->binding = NULL;
    provision_close(s->provision);
    s->provision = NULL;
    probe_close(s->probe);
    s->probe = NULL;
    s->round.done = NULL;
    if (!err && wish->body.failed)
        err = fault_set(&wish->fault, ERR_TOO_LARGE, "answer", "is too large");
    wish->done(wish->context, err, err && fault ? fault : &wish->fault, buf_slice(&wish->body));
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

/* --- What runs on the worker's thread -------------------------------------------------------- */

static void take_line(void *context, struct slice line)
{
    harmless_line(line, context);
}

static void snapshot(struct service *s, struct wish *wish)
{
    struct doctor_running *running = &wish->running;
    eventlog_status(s->config.log, &running->log);
    running->has_uplink = s->config.uplink != NULL;
    if (s->config.uplink)
        uplink_status(s->config.uplink, &running->link);
    running->now = clock_read(s->config.clock);
    s->config.devices(s->config.context, running);
    wish->selftest = s->selftest;
    wish->subject = (struct doctor_subject){.folder = s->config.folder,
                                            .settings = s->config.settings,
                                            .member = s->config.member,
                                            .running = running,
                                            .log_config = s->config.log_config,
                                            .clock = s->config.clock,
                                            .root = ""};
    if (wish->wish == SERVICE_DIAG)
        diag_recall(s->config.diag, take_line, &wish->diagnostics);
}

/* Done on a worker's thread from a copy of what the loop knows, the broker's answer among it. */
static void begin_work(struct service *s, enum rights_found rights)
{
    s->wish->running.rights = rights;
    snapshot(s, s->wish);
    worker_submit(s->worker, &s->wish->job);
}

static void on_rights(void *context, enum rights_found found)
{
    begin_work(context, found);
}

static void begin_look(struct service *s)
{
    struct fault fault;
    if (s->wish->wish == SERVICE_QUOTE || !s->config.uplink ||
        uplink_try_rights(s->config.uplink, on_rights, s, &fault) != ERR_OK)
        begin_work(s, RIGHTS_UNKNOWN);
}

static enum err write_report(const struct record *record, struct buf *body, struct fault *fault)
{
    struct buf envelope CLEANUP(buf_free);
    struct buf page CLEANUP(buf_free);
    buf_init(&envelope, ENVELOPE_BYTES_MAX);
    buf_init(&page, ANSWER_MAX);
    enum err err = record_report(record, &envelope, &page, fault);
    if (err)
        return err;
    struct jsonw w = jsonw_to(body);
    jsonw_object(&w, NULL);
    jsonw_raw(&w, "report", buf_slice(&envelope));
    jsonw_slice(&w, "page", buf_slice(&page));
    jsonw_end(&w);
    return ERR_OK;
}

static void work(struct worker_job *job)
{
    struct wish *wish = (struct wish *)job;
    const struct record record = {.subject = &wish->subject,
                                  .doctor = &wish->findings,
                                  .selftest = &wish->selftest,
                                  .technician = wish->name,
                                  .now_ms = clock_wall_ms(wish->subject.clock)};
    if (wish->wish == SERVICE_QUOTE) {
        selftest_quote(settings_text(wish->subject.settings, "policy.file"), wish->subject.clock,
                       findings_add(&wish->findings, "quote", ""));
        return;
    }
    doctor_run(&wish->subject, &wish->findings);
    if (wish->wish == SERVICE_COMMISSION) {
        wish->err = write_report(&record, &wish->body, &wish->fault);
    } else if (wish->wish == SERVICE_DIAG) {
        wish->err =
            record_bundle(&record, buf_slice(&wish->diagnostics), &wish->body, &wish->fault);
    } else {
        struct jsonw w = jsonw_to(&wish->body);
        jsonw_object(&w, NULL);
        findings_write(&wish->findings, &w, "findings");
        jsonw_end(&w);
    }
}

static void worked(struct worker_job *job)
{
    struct wish *wish = (struct wish *)job;
    struct service *s = wish->service;
    if (!job->ran)
        finish(s, fault_set(&wish->fault, ERR_CLOSED, "", "the appliance ends"), &wish->fault);
    else if (wish->wish == SERVICE_QUOTE)
        finish_step(s, &wish->findings.list[0]);
    else
        finish(s, wish->err, &wish->fault);
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
    } else if (scan->scanner[0]) {
        err =
            fault_set(&fault, ERR_CONFLICT, "lane", "that scanner is set up already, as \"%s\"%s%s",
                      scan->scanner, scan->lane[0] ? " of lane " : ", of no lane", scan->lane);
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

enum err service_ask(struct service *s, const struct service_order *order, service_done *done,
                     void *context, struct fault *fault)
{
    if (s->wish)
        return fault_set(fault, ERR_BUSY, wish_words[s->wish->wish],
                         "the appliance looks at something else just now; ask again in a moment");
    struct wish *wish = calloc(1, sizeof *wish);
    if (!wish)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    wish->service = s;
    wish->wish = order->wish;
    wish->done = done;
    wish->context = context;
    wish->job.run = work;
    wish->job.done = worked;
    buf_init(&wish->body, ANSWER_MAX);
    buf_init(&wish->diagnostics, (size_t)DIAG_KEPT_LINES * DIAG_KEPT_BYTES);
    (void)snprintf(wish->lane, sizeof wish->lane, "%s", order->lane ? order->lane : "");
    (void)snprintf(wish->device, sizeof wish->device, "%s", order->device ? order->device : "");
    (void)snprintf(wish->person, sizeof wish->person, "%s", order->person ? order->person : "");
    (void)snprintf(wish->name, sizeof wish->name, "%s", order->name ? order->name : "");
    s->wish = wish;
    enum err err = ERR_OK;
    if (wish->wish == SERVICE_PRINT) {
        begin_print(s);
    } else if (wish->wish == SERVICE_HUB) {
        begin_hub(s);
    } else if (wish->wish == SERVICE_SCAN || wish->wish == SERVICE_BIND) {
        err = begin_scan(s, order->timeout_ms, fault);
    } else if (wish->wish == SERVICE_PROVISION) {
        err = begin_provision(s, order, fault);
    } else {
        begin_look(s);
    }
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
