/* tillback ports: what is plugged in, and which lane it serves. */
#include "agent/cli/visit.h"
#include "agent/service/binding.h"
#include "agent/service/record.h"
#include "hal/base/cleanup.h"
#include "hal/base/json.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { ANSWER_MAX = 1024 * 1024, LINE_BYTES_MAX = 512 };

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

/*
 * Writes the line into the file that was named, or into the state directory's, where tillbackd
 * reads it.
 */
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
    int64_t timeout_s;
    buf_init(&answer, ANSWER_MAX);
    if (!lane)
        return cli_usage("bind needs --lane");
    enum err err = visit_timeout(cli, &timeout_s, &fault);
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
    if (!visit_only_options(cli, bind ? 1 : 0, options))
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
