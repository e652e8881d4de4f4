/* The technician's routes: only for technicians who are signed in, and this machine's command line.
 */
#include "agent/api/internal.h"
#include "agent/returns/cardnumber.h"
#include "hal/base/cleanup.h"
#include "hal/base/json.h"
#include "hal/ports.h"
#include "provisioning/code.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BODY_MAX_BYTES = 1024,
    PORTS_MAX_BYTES = 64 * 1024,
    TIMEOUT_S_MAX = 120,
    NAME_BYTES_MAX = 64,
    URL_BYTES_MAX = 256,
    CODE_BYTES_MAX = CODE_INPUT_MAX + URL_BYTES_MAX,
};

struct wanted {
    const char *lane;
    const char *device;
    const char *technician;
    int64_t timeout_s;
    const char *code;
    const char *enrol;
};

static const struct json_field wanted_fields[] = {
    {.name = "lane",
     .kind = JSON_TEXT,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct wanted, lane),
     .min = 1,
     .max = SCANNER_LANE_MAX},
    {.name = "device",
     .kind = JSON_TEXT,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct wanted, device),
     .min = 1,
     .max = PORT_DEVICE_MAX},
    {.name = "technician",
     .kind = JSON_TEXT,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct wanted, technician),
     .min = 1,
     .max = NAME_BYTES_MAX},
    {.name = "timeout_s",
     .kind = JSON_INT,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct wanted, timeout_s),
     .min = 1,
     .max = TIMEOUT_S_MAX},
    {.name = "code",
     .kind = JSON_TEXT,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct wanted, code),
     .min = 1,
     .max = CODE_BYTES_MAX},
    {.name = "enrol",
     .kind = JSON_TEXT,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct wanted, enrol),
     .min = 1,
     .max = URL_BYTES_MAX},
};
static const struct json_table wanted_table = {
    wanted_fields, sizeof wanted_fields / sizeof *wanted_fields, sizeof(struct wanted), false};

/* A request that waits for the desk. */
struct asking {
    struct api *api;
    struct http_request *request;
    enum service_wish wish;
    char person[ID_TEXT + 1]; /* "": the command line */
    char lane[SCANNER_LANE_MAX + 1];
};

/* What was granted changes the appliance, or leaves it. */
static void note(const struct asking *asking)
{
    const char *by = asking->person[0] ? asking->person : ACCESS_BY_CLI;
    struct access access = {.person = asking->person, .lane = "", .by = by};
    if (asking->wish == SERVICE_BIND)
        access = (struct access){
            .act = ACCESS_SCANNER_BOUND, .person = "", .lane = asking->lane, .by = by};
    else if (asking->wish == SERVICE_DIAG)
        access.act = ACCESS_DIAGNOSTICS_TAKEN;
    else if (asking->wish == SERVICE_COMMISSION)
        access.act = ACCESS_REPORT_SIGNED;
    else
        return;
    api_note_access(asking->api, &access, 1, NULL);
}

static void answered(void *context, enum err err, const struct fault *fault, struct slice body)
{
    static const struct http_header attachment = {
        "Content-Disposition", "attachment; filename=\"tillback-diagnostics.tar.gz\""};
    struct asking *asking = context;
    if (!err)
        note(asking);
    if (err)
        api_fail(asking->request, err, fault);
    else if (asking->wish == SERVICE_DIAG)
        http_answer(asking->request, 200, "application/gzip", body, &attachment, 1);
    else
        http_answer(asking->request, 200, "application/json", body, NULL, 0);
    free(asking);
}

static void ask(struct api_call *call, enum service_wish wish, const struct wanted *wanted)
{
    struct fault fault;
    const struct service_order order = {
        .wish = wish,
        .lane = wanted->lane,
        .device = wanted->device,
        .timeout_ms = wanted->timeout_s * 1000,
        .person = call->person ? call->person->id : "",
        .name = call->person ? call->person->name : wanted->technician,
        .code = wanted->code,
        .enrol_url = wanted->enrol,
    };
    struct asking *asking = calloc(1, sizeof *asking);
    if (!asking) {
        api_fail(call->request, fault_set(&fault, ERR_NO_MEMORY, "", "out of memory"), &fault);
        return;
    }
    *asking = (struct asking){.api = call->api, .request = call->request, .wish = wish};
    (void)snprintf(asking->person, sizeof asking->person, "%s", order.person);
    (void)snprintf(asking->lane, sizeof asking->lane, "%s", wanted->lane ? wanted->lane : "");
    enum err err = service_ask(call->api->config.service, &order, answered, asking, &fault);
    if (err) {
        free(asking);
        api_fail(call->request, err, &fault);
    }
}

static void ask_with_body(struct api_call *call, enum service_wish wish)
{
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    struct json_limits limits = {.bytes = BODY_MAX_BYTES, .depth = 2};
    struct wanted wanted = {.lane = NULL};
    struct fault fault = {0};
    enum err err = json_parse(http_request_body(call->request), limits, &doc, &fault);
    if (!err)
        err = json_read(doc, &wanted_table, &wanted, NULL, &fault);
    if (!err && wish == SERVICE_BIND && !wanted.lane)
        err = fault_set(&fault, ERR_INVALID, "lane", "is missing");
    if (!err && wish == SERVICE_PROVISION && !wanted.code)
        err = fault_set(&fault, ERR_INVALID, "code", "is missing");
    if (!err && wanted.device && strncmp(wanted.device, "serial:", 7) != 0 &&
        strncmp(wanted.device, "hid:", 4) != 0)
        err = fault_set(&fault, ERR_INVALID, "device", "must be serial:PATH or hid:PATH");
    if (!err && wish == SERVICE_COMMISSION && !call->person && !wanted.technician)
        err = fault_set(&fault, ERR_INVALID, "technician", "is missing");
    if (!err)
        err = cardnumber_refuse(wanted.technician, "technician", NULL, &fault);
    if (err)
        api_fail(call->request, err, &fault);
    else
        ask(call, wish, &wanted);
}

static void doctor(struct api_call *call)
{
    ask(call, SERVICE_DOCTOR, &(struct wanted){.lane = NULL});
}

static void diag(struct api_call *call)
{
    ask(call, SERVICE_DIAG, &(struct wanted){.lane = NULL});
}

static void ports(struct api_call *call)
{
    struct buf body CLEANUP(buf_free);
    buf_init(&body, PORTS_MAX_BYTES);
    struct jsonw w = jsonw_to(&body);
    service_write_ports(call->api->config.service, &w);
    api_answer(call->request, 200, &body);
}

static void bind_port(struct api_call *call)
{
    ask_with_body(call, SERVICE_BIND);
}

static void commission(struct api_call *call)
{
    ask_with_body(call, SERVICE_COMMISSION);
}

static void provision(struct api_call *call)
{
    ask_with_body(call, SERVICE_PROVISION);
}

static void test_step(struct api_call *call)
{
    static const struct {
        const char *word;
        enum service_wish wish;
    } steps[] = {{"quote", SERVICE_QUOTE},
                 {"print", SERVICE_PRINT},
                 {"scan", SERVICE_SCAN},
                 {"hub", SERVICE_HUB}};
    struct fault fault;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        if (slice_is(call->rest, steps[i].word)) {
            ask_with_body(call, steps[i].wish);
            return;
        }
    }
    api_fail(call->request,
             fault_set(&fault, ERR_NOT_FOUND, "step", "the steps are quote, print, scan and hub"),
             &fault);
}

const struct api_route api_service_routes[] = {
    {"GET", "/v1/service/doctor", API_SERVICE, doctor},
    {"GET", "/v1/service/diag", API_SERVICE, diag},
    {"GET", "/v1/service/ports", API_SERVICE, ports},
    {"POST", "/v1/service/ports/bind", API_SERVICE, bind_port},
    {"POST", "/v1/service/selftest/{}", API_SERVICE, test_step},
    {"POST", "/v1/service/report", API_SERVICE, commission},
    {"POST", "/v1/service/provision", API_SERVICE, provision},
    {0},
};
