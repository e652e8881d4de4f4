/* The technician's commands: doctor, ports, selftest, commission, diag. */
#include "agent/cli/cli.h"
#include "agent/people/local.h"
#include "agent/service/binding.h"
#include "agent/service/record.h"
#include "agent/service/selftest.h"
#include "agent/service/setup.h"
#include "hal/base/cleanup.h"
#include "hal/base/json.h"
#include "hal/base/json_scan.h"
#include "hal/base/version.h"
#include "hal/storage.h"
#include "hal/time_floor.h"
#include "provisioning/envelope.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    ANSWER_MAX = 1024 * 1024,
    TIMEOUT_S_MAX = 120,
    LINE_BYTES_MAX = 512,
    FILE_BYTES_MAX = 4 * 1024 * 1024
};

/* An appliance that doesn't run, looked at from here; the lock keeps it from starting meanwhile. */
struct visit {
    bool running; /* it does, and answers: it is asked, and nothing below is there */
    int lock;
    struct settings *settings;
    struct clock *clock;
    struct membership member;
    struct fault member_fault;
    struct eventlog_view views[VIEWS_COUNT];
    struct eventlog_config log_config;
    struct doctor_subject subject;
};

static void visit_close(struct visit *visit)
{
    if (visit->lock >= 0)
        storage_unlock(visit->lock);
    settings_close(visit->settings);
    clock_close(visit->clock);
}

/* --config and --set, as tillbackd takes them. */
static enum err load_settings(const struct cli *cli, struct settings **settings,
                              struct fault *fault)
{
    enum err err = settings_open(settings, appliance_settings, appliance_setting_count, fault);
    for (int i = 0; !err && i + 1 < cli->argc; i++) {
        if (strcmp(cli->argv[i], "--config") == 0)
            err = settings_load(*settings, cli->argv[++i], fault);
        else if (strcmp(cli->argv[i], "--set") == 0)
            err = settings_set(*settings, cli->argv[++i], fault);
    }
    return err;
}

static bool answers(const struct cli *cli)
{
    struct buf answer CLEANUP(buf_free);
    struct fault fault;
    buf_init(&answer, ANSWER_MAX);
    return cli_get(cli, "/v1/status", &answer, &fault) == ERR_OK;
}

/* A folder that isn't there can't be in use. */
static enum err lock_folder(struct visit *visit, const char *folder, struct fault *fault)
{
    if (access(folder, F_OK) != 0)
        return ERR_OK;
    enum err err = storage_lock(folder, &visit->lock, fault);
    if (err == ERR_LOCKED)
        return fault_set(fault, ERR_UNREACHABLE, folder,
                         "tillbackd runs there and doesn't answer: wait, or restart it");
    return err == ERR_READ_ONLY || err == ERR_FORBIDDEN ? ERR_OK : err; /* the doctor says so */
}

static enum err visit_open(struct visit *visit, const struct cli *cli, struct fault *fault)
{
    *visit = (struct visit){.lock = -1};
    if (answers(cli)) {
        visit->running = true;
        return ERR_OK;
    }
    if (cli->url)
        return fault_set(fault, ERR_UNREACHABLE, cli->url, "the appliance can't be reached");
    enum err err = lock_folder(visit, cli->state, fault);
    if (!err)
        err = load_settings(cli, &visit->settings, fault);
    if (!err)
        err = clock_open(&visit->clock, time_floor_read(cli->state, TILLBACK_BUILD_MS), fault);
    if (err)
        return err;
    views_define(visit->views);
    visit->log_config = (struct eventlog_config){.folder = cli->state,
                                                 .device_id = "",
                                                 .store = "",
                                                 .clock = visit->clock,
                                                 .views = visit->views,
                                                 .view_count = VIEWS_COUNT};
    bool member = membership_read(&visit->member, cli->state, visit->settings,
                                  &visit->member_fault) == ERR_OK;
    visit->subject = (struct doctor_subject){.folder = cli->state,
                                             .settings = visit->settings,
                                             .member = member ? &visit->member : NULL,
                                             .member_fault = &visit->member_fault,
                                             .log_config = &visit->log_config,
                                             .clock = visit->clock,
                                             .root = ""};
    return ERR_OK;
}

/* Nothing but these options, each with a value. */
static bool only_options(const struct cli *cli, int first, const char *const *options)
{
    for (int i = first; i < cli->argc; i += 2) {
        bool known = false;
        for (size_t o = 0; options[o]; o++)
            known |= strcmp(cli->argv[i], options[o]) == 0;
        if (!known || i + 1 >= cli->argc)
            return false;
    }
    return true;
}

/* --- Telling --------------------------------------------------------------------------------- */

static void print_finding(const struct cJSON *item)
{
    const char *id = json_member_text(item, "id");
    const char *subject = json_member_text(item, "subject");
    const char *result = json_member_text(item, "result");
    const char *cause = json_member_text(item, "cause");
    const char *next = json_member_text(item, "next");
    char name[64];
    (void)snprintf(name, sizeof name, "%.20s%s%.40s", id ? id : "", subject ? " " : "",
                   subject ? subject : "");
    printf("%-8s %-18s %s\n", result ? result : "", name, cause ? cause : "");
    if (next)
        printf("%-27s > %s\n", "", next);
}

/* A document with a list of findings; 1 when one of them failed. */
static enum cli_exit tell_findings(const struct cli *cli, const struct buf *answer)
{
    struct fault fault = {0};
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    const struct json_limits limits = {.bytes = ANSWER_MAX, .depth = 6};
    if (json_parse(buf_slice(answer), limits, &doc, &fault) != ERR_OK)
        return cli_fail(&fault);
    enum cli_exit verdict = CLI_FINE;
    for (const struct cJSON *item = json_first(json_member(doc, "findings")); item;
         item = json_next(item)) {
        const char *result = json_member_text(item, "result");
        if (result && strcmp(result, "fail") == 0)
            verdict = CLI_PROBLEM;
        if (!cli->json)
            print_finding(item);
    }
    if (cli->json)
        cli_print(answer);
    return verdict;
}

static void write_findings(const struct findings *findings, struct buf *out)
{
    struct jsonw w = jsonw_to(out);
    jsonw_object(&w, NULL);
    findings_write(findings, &w, "findings");
    jsonw_end(&w);
}

/* --- doctor ---------------------------------------------------------------------------------- */

static const char *const setting_options[] = {"--config", "--set", NULL};

enum cli_exit cli_doctor(struct cli *cli)
{
    struct visit visit CLEANUP(visit_close) = {.lock = -1};
    struct fault fault = {0};
    struct buf answer CLEANUP(buf_free);
    buf_init(&answer, ANSWER_MAX);
    if (!only_options(cli, 0, setting_options))
        return cli_usage("doctor takes --config FILE and --set KEY=VALUE, as tillbackd does");
    enum err err = visit_open(&visit, cli, &fault);
    if (!err && visit.running)
        err = cli_get(cli, "/v1/service/doctor", &answer, &fault);
    if (err)
        return cli_fail(&fault);
    if (!visit.running) {
        struct findings findings = {.count = 0};
        doctor_run(&visit.subject, &findings);
        write_findings(&findings, &answer);
    }
    return tell_findings(cli, &answer);
}

/* --- ports ----------------------------------------------------------------------------------- */

static enum cli_exit tell_ports(const struct cli *cli, const struct buf *answer)
{
    struct fault fault = {0};
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    if (cli->json) {
        cli_print(answer);
        return CLI_FINE;
    }
    if (json_parse(buf_slice(answer), JSON_LIMITS_DEFAULT, &doc, &fault) != ERR_OK)
        return cli_fail(&fault);
    const struct cJSON *item = json_first(json_member(doc, "ports"));
    if (!item)
        puts("No serial device and no keyboard is plugged in.");
    for (; item; item = json_next(item)) {
        const char *lane = json_member_text(item, "lane");
        printf("%s\n    %s %s%s%s%s%s\n", json_member_text(item, "device"),
               json_member_text(item, "vendor"), json_member_text(item, "product"),
               *json_member_text(item, "serial_number") ? ", number " : "",
               json_member_text(item, "serial_number"), *lane ? ", lane " : "", lane);
    }
    return CLI_FINE;
}

static enum err read_timeout(const struct cli *cli, int64_t *timeout_s, struct fault *fault)
{
    const char *text = cli_option(cli, "--timeout-s");
    if (text && (json_scan_int(slice_of(text), timeout_s) != ERR_OK || *timeout_s < 1 ||
                 *timeout_s > TIMEOUT_S_MAX))
        return fault_set(fault, ERR_INVALID, "--timeout-s", "must be 1 to %d", TIMEOUT_S_MAX);
    return ERR_OK;
}

struct hearing {
    struct loop *loop;
    char device[PORT_DEVICE_MAX + 1];
};

static void on_scan(void *context, const struct binding_scan *scan)
{
    struct hearing *hearing = context;
    if (scan)
        (void)snprintf(hearing->device, sizeof hearing->device, "%s", scan->device);
    loop_stop(hearing->loop);
}

/* Without tillbackd: every port is listened to from here. */
static enum err hear(const char *extra, int64_t timeout_s, struct hearing *hearing,
                     struct fault *fault)
{
    struct binding *binding = NULL;
    enum err err = loop_open(&hearing->loop, fault);
    if (err)
        return err;
    const struct binding_config config = {
        .loop = hearing->loop, .timeout_ms = timeout_s * 1000, .extra = extra, .root = ""};
    err = binding_open(&binding, &config, on_scan, hearing, fault);
    if (!err)
        loop_run(hearing->loop);
    binding_close(binding);
    loop_close(hearing->loop);
    if (!err && !hearing->device[0])
        err = fault_set(fault, ERR_REFUSED, "scan",
                        "nothing was scanned in time: is the scanner plugged in, and set to act as "
                        "a serial port or a keyboard?");
    return err;
}

/* Into the file that was named, or into the state directory, where tillbackd finds it. */
static enum err keep(const struct cli *cli, struct slice line, struct fault *fault)
{
    char path[PATH_MAX];
    const char *file = cli_option(cli, "--config");
    enum err err = file ? ERR_OK : ports_conf_path(cli->state, path, sizeof path, fault);
    return err ? err : binding_save(file ? file : path, line, fault);
}

static enum err bind_here(const struct cli *cli, const char *lane, int64_t timeout_s,
                          struct buf *answer, struct fault *fault)
{
    struct hearing hearing = {.device = ""};
    struct buf line CLEANUP(buf_free);
    buf_init(&line, LINE_BYTES_MAX);
    enum err err = binding_line("", lane, &line, fault); /* a bad lane before anybody scans */
    if (!err)
        err = hear(cli_option(cli, "--device"), timeout_s, &hearing, fault);
    buf_reset(&line);
    if (!err)
        err = binding_line(hearing.device, lane, &line, fault);
    if (!err)
        err = keep(cli, buf_slice(&line), fault);
    if (err)
        return err;
    struct jsonw w = jsonw_to(answer);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "lane", lane);
    jsonw_text(&w, "device", hearing.device);
    jsonw_slice(&w, "setting", buf_slice(&line));
    jsonw_end(&w);
    return ERR_OK;
}

static enum err bind_there(const struct cli *cli, const char *lane, int64_t timeout_s,
                           struct buf *answer, struct fault *fault)
{
    struct buf body CLEANUP(buf_free);
    buf_init(&body, LINE_BYTES_MAX);
    struct jsonw w = jsonw_to(&body);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "lane", lane);
    jsonw_int(&w, "timeout_s", timeout_s);
    if (cli_option(cli, "--device"))
        jsonw_text(&w, "device", cli_option(cli, "--device"));
    jsonw_end(&w);
    return cli_post(cli, "/v1/service/ports/bind", body.data, answer, fault);
}

static enum cli_exit bind_lane(struct cli *cli, struct visit *visit)
{
    struct fault fault = {0};
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct buf answer CLEANUP(buf_free);
    const char *lane = cli_option(cli, "--lane");
    int64_t timeout_s = BINDING_TIMEOUT_MS / 1000;
    buf_init(&answer, ANSWER_MAX);
    if (!lane)
        return cli_usage("bind needs --lane");
    enum err err = read_timeout(cli, &timeout_s, &fault);
    if (!err && !cli->json)
        (void)fprintf(stderr, "Scan any code at lane %s now.\n", lane);
    if (!err)
        err = visit->running ? bind_there(cli, lane, timeout_s, &answer, &fault)
                             : bind_here(cli, lane, timeout_s, &answer, &fault);
    if (!err)
        err = json_parse(buf_slice(&answer), JSON_LIMITS_DEFAULT, &doc, &fault);
    if (err)
        return cli_fail(&fault);
    if (cli->json)
        cli_print(&answer);
    else
        puts(json_member_text(doc, "setting"));
    return CLI_FINE;
}

enum cli_exit cli_ports(struct cli *cli)
{
    static const char *const options[] = {"--lane",   "--timeout-s", "--device",
                                          "--config", "--set",       NULL};
    struct visit visit CLEANUP(visit_close) = {.lock = -1};
    struct fault fault = {0};
    struct buf answer CLEANUP(buf_free);
    buf_init(&answer, ANSWER_MAX);
    bool bind = cli->argc > 0 && strcmp(cli->argv[0], "bind") == 0;
    if (!only_options(cli, bind ? 1 : 0, options))
        return cli_usage("ports takes nothing, or bind --lane 01");
    enum err err = visit_open(&visit, cli, &fault);
    if (!err && bind)
        return bind_lane(cli, &visit);
    if (!err && visit.running)
        err = cli_get(cli, "/v1/service/ports", &answer, &fault);
    if (err)
        return cli_fail(&fault);
    if (!visit.running) {
        struct jsonw w = jsonw_to(&answer);
        jsonw_object(&w, NULL);
        record_ports(&visit.subject, &w, "ports");
        jsonw_end(&w);
    }
    return tell_ports(cli, &answer);
}

/* --- selftest -------------------------------------------------------------------------------- */

static const char *const steps[] = {"quote", "print", "scan", "hub"};
enum { STEPS = sizeof steps / sizeof *steps };

/* One step; its finding is copied into the list of all. */
static enum err run_step(const struct cli *cli, const char *step, int64_t timeout_s,
                         struct jsonw *list, struct fault *fault)
{
    char path[64];
    char body[64];
    struct buf answer CLEANUP(buf_free);
    struct buf finding CLEANUP(buf_free);
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    buf_init(&answer, ANSWER_MAX);
    buf_init(&finding, ANSWER_MAX);
    (void)snprintf(path, sizeof path, "/v1/service/selftest/%s", step);
    (void)snprintf(body, sizeof body, "{\"timeout_s\":%lld}", (long long)timeout_s);
    if (strcmp(step, "scan") == 0 && !cli->json)
        (void)fprintf(stderr, "Scan any code now, within %lld s.\n", (long long)timeout_s);
    enum err err = cli_post(cli, path, body, &answer, fault);
    if (!err)
        err = json_parse(buf_slice(&answer), JSON_LIMITS_DEFAULT, &doc, fault);
    if (err)
        return err;
    json_print(json_first(json_member(doc, "findings")), &finding);
    jsonw_raw(list, NULL, buf_slice(&finding));
    return ERR_OK;
}

static void test_here(const struct visit *visit, struct findings *findings)
{
    static const char next[] = "Start tillbackd, and ask again.";
    selftest_quote(settings_text(visit->settings, "policy.file"), visit->clock,
                   findings_add(findings, "quote", ""));
    for (size_t i = 1; i < STEPS; i++)
        finding_set(findings_add(findings, steps[i], ""), FINDING_SKIPPED, next,
                    "tillbackd doesn't run");
}

static enum err test_all(const struct cli *cli, const struct visit *visit, struct buf *answer,
                         struct fault *fault)
{
    int64_t timeout_s = BINDING_TIMEOUT_MS / 1000;
    enum err err = read_timeout(cli, &timeout_s, fault);
    if (err)
        return err;
    if (!visit->running) {
        struct findings findings = {.count = 0};
        test_here(visit, &findings);
        write_findings(&findings, answer);
        return ERR_OK;
    }
    struct jsonw w = jsonw_to(answer);
    jsonw_object(&w, NULL);
    jsonw_array(&w, "findings");
    for (size_t i = 0; !err && i < STEPS; i++)
        err = run_step(cli, steps[i], timeout_s, &w, fault);
    jsonw_end(&w);
    jsonw_end(&w);
    return err;
}

enum cli_exit cli_selftest(struct cli *cli)
{
    static const char *const options[] = {"--timeout-s", "--config", "--set", NULL};
    struct visit visit CLEANUP(visit_close) = {.lock = -1};
    struct fault fault = {0};
    struct buf answer CLEANUP(buf_free);
    buf_init(&answer, ANSWER_MAX);
    if (!only_options(cli, 0, options))
        return cli_usage("selftest takes --timeout-s");
    enum err err = visit_open(&visit, cli, &fault);
    if (!err)
        err = test_all(cli, &visit, &answer, &fault);
    return err ? cli_fail(&fault) : tell_findings(cli, &answer);
}

/* --- commission ------------------------------------------------------------------------------ */

static enum err ask_report(const struct cli *cli, const char *technician, struct buf *envelope,
                           struct buf *page, struct fault *fault)
{
    struct buf body CLEANUP(buf_free);
    struct buf answer CLEANUP(buf_free);
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    const struct json_limits limits = {.bytes = ANSWER_MAX, .depth = 4};
    buf_init(&body, LINE_BYTES_MAX);
    buf_init(&answer, ANSWER_MAX);
    struct jsonw w = jsonw_to(&body);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "technician", technician);
    jsonw_end(&w);
    enum err err = cli_post(cli, "/v1/service/report", body.data, &answer, fault);
    if (!err)
        err = json_parse(buf_slice(&answer), limits, &doc, fault);
    if (err)
        return err;
    json_print(json_member(doc, "report"), envelope);
    buf_append_text(page, json_member_text(doc, "page"));
    return buf_check(page, fault, "page");
}

static enum err make_report(const struct visit *visit, const char *technician, struct buf *envelope,
                            struct buf *page, struct fault *fault)
{
    struct findings doctor = {.count = 0};
    struct findings selftest = {.count = 0};
    doctor_run(&visit->subject, &doctor);
    test_here(visit, &selftest);
    const struct record record = {.subject = &visit->subject,
                                  .doctor = &doctor,
                                  .selftest = &selftest,
                                  .technician = technician,
                                  .now_ms = clock_wall_ms(visit->clock)};
    return record_report(&record, envelope, page, fault);
}

/* FILE gets the signed report, and FILE with .html at its end the page. */
static enum err write_report(const char *file, const struct buf *envelope, const struct buf *page,
                             struct fault *fault)
{
    char path[PATH_MAX];
    const char *dot = strrchr(file, '.');
    size_t stem = dot && strcmp(dot, ".json") == 0 ? (size_t)(dot - file) : strlen(file);
    if (snprintf(path, sizeof path, "%.*s.html", (int)stem, file) >= (int)sizeof path)
        return fault_set(fault, ERR_TOO_LARGE, "--out", "the path is too long");
    enum err err = storage_replace(file, buf_slice(envelope), 0644, fault);
    if (!err)
        err = storage_replace(path, buf_slice(page), 0644, fault);
    if (!err)
        (void)fprintf(stderr, "%s: the signed report; %s: to print\n", file, path);
    return err;
}

enum cli_exit cli_commission(struct cli *cli)
{
    static const char *const options[] = {"--technician", "--out", "--config", "--set", NULL};
    struct visit visit CLEANUP(visit_close) = {.lock = -1};
    struct fault fault = {0};
    struct buf envelope CLEANUP(buf_free);
    struct buf page CLEANUP(buf_free);
    const char *technician = cli_option(cli, "--technician");
    const char *file = cli_option(cli, "--out");
    buf_init(&envelope, ANSWER_MAX);
    buf_init(&page, ANSWER_MAX);
    if (!only_options(cli, 0, options) || !technician)
        return cli_usage("commission needs --technician NAME");
    enum err err = visit_open(&visit, cli, &fault);
    if (!err)
        err = visit.running ? ask_report(cli, technician, &envelope, &page, &fault)
                            : make_report(&visit, technician, &envelope, &page, &fault);
    if (!err && file)
        err = write_report(file, &envelope, &page, &fault);
    if (err)
        return cli_fail(&fault);
    if (!file)
        cli_print(&envelope);
    return CLI_FINE;
}

/* --- diag ------------------------------------------------------------------------------------ */

/* What the journal kept of tillbackd's standard error, cut to what may leave. */
static enum err read_lines(const char *file, struct buf *lines, struct fault *fault)
{
    struct buf text CLEANUP(buf_free);
    buf_init(&text, FILE_BYTES_MAX);
    enum err err = file ? storage_read(file, &text, fault) : ERR_OK;
    for (const char *at = text.data; !err && at && *at;) {
        size_t len = strcspn(at, "\n");
        record_line((struct slice){at, len}, lines);
        at += len + (at[len] == '\n');
    }
    return err ? err : buf_check(lines, fault, "--diagnostics");
}

static enum err make_bundle(const struct cli *cli, const struct visit *visit, struct buf *bundle,
                            struct fault *fault)
{
    struct findings doctor = {.count = 0};
    struct findings selftest = {.count = 0};
    struct buf lines CLEANUP(buf_free);
    buf_init(&lines, FILE_BYTES_MAX);
    enum err err = read_lines(cli_option(cli, "--diagnostics"), &lines, fault);
    if (err)
        return err;
    doctor_run(&visit->subject, &doctor);
    const struct record record = {.subject = &visit->subject,
                                  .doctor = &doctor,
                                  .selftest = &selftest,
                                  .now_ms = clock_wall_ms(visit->clock)};
    return record_bundle(&record, buf_slice(&lines), bundle, fault);
}

enum cli_exit cli_diag(struct cli *cli)
{
    static const char *const options[] = {"--out", "--diagnostics", "--config", "--set", NULL};
    struct visit visit CLEANUP(visit_close) = {.lock = -1};
    struct fault fault = {0};
    struct buf bundle CLEANUP(buf_free);
    const char *out = cli_option(cli, "--out");
    const char *file = out ? out : "tillback-diagnostics.tar.gz";
    buf_init(&bundle, BUNDLE_BYTES_MAX);
    if (!only_options(cli, 0, options))
        return cli_usage("diag takes --out FILE and --diagnostics FILE");
    enum err err = visit_open(&visit, cli, &fault);
    if (!err)
        err = visit.running ? cli_get(cli, "/v1/service/diag", &bundle, &fault)
                            : make_bundle(cli, &visit, &bundle, &fault);
    if (!err)
        err = storage_replace(file, buf_slice(&bundle), 0600, &fault);
    if (err)
        return cli_fail(&fault);
    if (cli->json)
        printf("{\"file\":\"%s\",\"bytes\":%zu}\n", file, bundle.len);
    else
        printf("%s: %zu bytes; no secrets and no customers' data are in it\n", file, bundle.len);
    return CLI_FINE;
}
