#include "agent/api/api.h"
#include "agent/api/gate.h"
#include "agent/api/internal.h"
#include "agent/api/lookup.h"
#include "agent/api/stream.h"
#include "hal/base/cleanup.h"

#include <stdlib.h>
#include <string.h>

enum { METHODS_MAX = 64 };

static const struct api_route *const route_tables[] = {
    api_return_routes,  api_sale_routes,   api_stream_routes,    api_status_routes,
    api_session_routes, api_policy_routes, api_exception_routes, api_page_routes,
    api_poslog_routes,  api_replay_routes, api_parked_routes,    api_print_routes,
    api_service_routes,
};

static enum err open_people(struct api *api, struct fault *fault)
{
    struct people_config config = {
        .loop = api->config.loop,
        .clock = api->config.clock,
        .diag = api->config.diag,
        .folder = api->config.folder,
        .told = api_note_access,
        .told_context = api,
    };
    return people_open(&api->people, &config, fault);
}

enum err api_open(struct api **out, const struct api_config *config, struct fault *fault)
{
    struct api *api = calloc(1, sizeof *api);
    if (!api)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    api->config = *config;
    api->features = (struct config_features){.poslog = true, .exchanges = true};
    enum err err = tokens_open(&api->tokens, config->folder, fault);
    if (!err)
        err = tokens_tell(api->tokens, api_note_access, api, fault);
    if (!err)
        err = open_people(api, fault);
    if (!err)
        err = eventlog_reader_open(&api->reader, config->log_config, fault);
    if (!err)
        err = api_stream_begin(api, fault);
    api->lookup = lookup_open(api, api_handle);
    if (!err && !api->lookup)
        err = fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    if (err) {
        api_close(api);
        return err;
    }
    api->views = views_of_reader(api->reader);
    *out = api;
    return ERR_OK;
}

void api_close(struct api *api)
{
    if (!api)
        return;
    local_close(&api->local, api->config.folder);
    api_stream_end(api);
    lookup_close(api->lookup);
    people_close(api->people);
    eventlog_reader_close(api->reader);
    tokens_close(api->tokens);
    free(api);
}

void api_use_policy(struct api *api, const struct policy *policy)
{
    api->config.policy = policy;
}

void api_use_formats(struct api *api, const struct scan_formats *formats)
{
    api->config.formats = formats;
}

void api_use_session_limits(struct api *api, const struct session_limits *limits)
{
    people_use_limits(api->people, limits);
}

void api_staff_given(struct api *api)
{
    people_look(api->people, ACCESS_BY_CENTRE);
}

void api_use_features(struct api *api, const struct config_features *features)
{
    api->features = *features;
}

enum err api_announce(struct api *api, const char *address, struct fault *fault)
{
    return local_open(&api->local, api->config.folder, address, fault);
}

/* True if the path fits, with `rest` set to what {} stands for. */
static bool path_fits(const char *pattern, const char *path, struct slice *rest)
{
    const char *hole = strstr(pattern, "{}");
    *rest = (struct slice){"", 0};
    if (!hole)
        return strcmp(pattern, path) == 0;
    size_t head = (size_t)(hole - pattern);
    if (strncmp(pattern, path, head) != 0)
        return false;
    size_t len = strcspn(path + head, "/");
    *rest = (struct slice){path + head, len};
    return len > 0 && strcmp(hole + 2, path + head + len) == 0;
}

/* The methods that are served at the path, as the header Allow names them; false if there is none.
 */
static bool list_methods(const char *path, struct buf *out)
{
    struct slice rest;
    for (size_t t = 0; t < sizeof route_tables / sizeof *route_tables; t++)
        for (const struct api_route *route = route_tables[t]; route->method; route++)
            if (path_fits(route->path, path, &rest))
                buf_printf(out, "%s%s", out->len ? ", " : "", route->method);
    return out->len > 0;
}

void api_handle(void *context, struct http_request *request)
{
    struct api_call call = {.api = context, .request = request};
    const char *path = http_request_path(request);
    const char *method = http_request_method(request);
    for (size_t t = 0; t < sizeof route_tables / sizeof *route_tables; t++) {
        for (const struct api_route *route = route_tables[t]; route->method; route++) {
            if (strcmp(route->method, method) == 0 && path_fits(route->path, path, &call.rest)) {
                call.takes_xml = route_tables[t] == api_poslog_routes;
                gate_pass(route, &call);
                return;
            }
        }
    }
    struct fault fault;
    struct buf methods CLEANUP(buf_free);
    buf_init(&methods, METHODS_MAX);
    if (list_methods(path, &methods)) {
        http_not_allowed(request, methods.data);
    } else {
        fault_set(&fault, ERR_NOT_FOUND, "", "there is nothing at %.100s; see /openapi.json", path);
        http_problem(request, 404, &fault);
    }
}
