#include "agent/api/health.h"
#include "agent/api/internal.h"
#include "agent/api/link.h"
#include "agent/api/prints.h"
#include "documents.h"
#include "hal/base/cleanup.h"

#include <stdio.h>
#include <string.h>

enum { STATUS_MAX_BYTES = 64 * 1024 };

static struct health judge(const struct api *api)
{
    struct eventlog_status log;
    struct uplink_status link = {0};
    eventlog_status(api->config.log, &log);
    if (api->config.uplink)
        uplink_status(api->config.uplink, &link);
    return health_judge(&log, api->config.identity, api->config.uplink ? &link : NULL,
                        clock_monotonic_ms(api->config.clock));
}

static void show(struct api_call *call)
{
    struct api *api = call->api;
    struct clock_reading now = clock_read(api->config.clock);
    struct buf body CLEANUP(buf_free);
    buf_init(&body, STATUS_MAX_BYTES);
    struct jsonw w = jsonw_to(&body);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "device", api->config.device);
    jsonw_text(&w, "store", api->config.store);
    jsonw_text(&w, "version", api->config.version);
    jsonw_time(&w, "time", now.wall_ms);
    jsonw_bool(&w, "time_trusted", now.trusted);
    struct health health = judge(api);
    jsonw_text(&w, "health", health.code);
    if (!health.healthy)
        jsonw_text(&w, "health_reason", health.reason);
    api_link_write(api, &w);
    if (api->config.describe_config)
        api->config.describe_config(api->config.config_context, &w);
    api_printers_write(api, &w);
    jsonw_end(&w);
    api_answer(call->request, 200, &body);
}

static void healthy(struct api_call *call)
{
    struct health health = judge(call->api);
    struct buf body CLEANUP(buf_free);
    buf_init(&body, STATUS_MAX_BYTES);
    struct jsonw w = jsonw_to(&body);
    jsonw_object(&w, NULL);
    jsonw_bool(&w, "healthy", health.healthy);
    if (!health.healthy) {
        jsonw_text(&w, "code", health.code);
        jsonw_text(&w, "reason", health.reason);
    }
    jsonw_end(&w);
    http_answer(call->request, health.healthy ? 200 : 503, "application/json", buf_slice(&body),
                NULL, 0);
}

static void openapi(struct api_call *call)
{
    for (size_t i = 0; i < sizeof document_files / sizeof *document_files; i++)
        if (strcmp(document_files[i].path, "openapi.json") == 0)
            http_answer(call->request, 200, "application/json",
                        (struct slice){(const char *)document_files[i].data, document_files[i].len},
                        NULL, 0);
}

/* Prometheus text format 0.0.4. */
static void metrics(struct api_call *call)
{
    struct eventlog_status status;
    eventlog_status(call->api->config.log, &status);
    struct buf body CLEANUP(buf_free);
    buf_init(&body, STATUS_MAX_BYTES);
    buf_append_text(&body, "# HELP tillback_log_head Last seq of a stream.\n"
                           "# TYPE tillback_log_head gauge\n");
    for (size_t i = 0; i < STREAMS_OF_APPLIANCE; i++)
        buf_printf(&body, "tillback_log_head{stream=\"%s\"} %lld\n", stream_name((enum stream)i),
                   (long long)status.streams[i].head);
    buf_append_text(&body, "# HELP tillback_log_waiting Events that the hub doesn't hold yet.\n"
                           "# TYPE tillback_log_waiting gauge\n");
    for (size_t i = 0; i < STREAMS_OF_APPLIANCE; i++)
        buf_printf(&body, "tillback_log_waiting{stream=\"%s\"} %lld\n", stream_name((enum stream)i),
                   (long long)(status.streams[i].head - status.streams[i].through));
    http_answer(call->request, 200, "text/plain; version=0.0.4", buf_slice(&body), NULL, 0);
}

const struct api_route api_status_routes[] = {
    {"GET", "/v1/status", API_OPEN, show},
    {"GET", "/healthz", API_OPEN, healthy},
    {"GET", "/openapi.json", API_OPEN, openapi},
    {"GET", "/metrics", API_OPEN, metrics},
    {0},
};
