#include "sync/hub/web/web.h"
#include "hal/base/cleanup.h"
#include "sync/hub/web/answers.h"
#include "sync/hub/web/files.h"

#include <stdlib.h>
#include <string.h>

enum { ANSWER_MAX = 4 * 1024 * 1024 };

struct web {
    struct web_config config;
    struct http_server *server;
    struct answers *answers;
};

/* A path, and what answers it. A path that ends in '/' takes one more part. */
struct route {
    const char *path;
    const char *content_type;
    enum err (*write)(struct answers *answers, const struct answers_asked *asked, struct buf *out,
                      struct fault *fault);
};

static const char json[] = "application/json";
static const char text[] = "text/plain; version=0.0.4; charset=utf-8";

static const struct route routes[] = {
    {"/healthz", json, answers_health},           {"/metrics", text, answers_metrics},
    {"/v1/devices", json, answers_devices},       {"/v1/devices/", json, answers_device},
    {"/v1/events", json, answers_events},         {"/v1/returns/", json, answers_return},
    {"/v1/returns", json, answers_find_returns},  {"/v1/parked", json, answers_parked},
    {"/v1/exceptions", json, answers_exceptions},
};

static bool matches(const struct route *route, const char *path, const char **rest)
{
    size_t len = strlen(route->path);
    *rest = "";
    if (route->path[len - 1] != '/')
        return strcmp(route->path, path) == 0;
    *rest = path + len;
    return strncmp(route->path, path, len) == 0 && path[len] && !strchr(path + len, '/');
}

static void answer_route(struct web *web, const struct route *route, const char *rest,
                         struct http_request *request)
{
    struct fault fault = {0};
    struct buf body CLEANUP(buf_free);
    buf_init(&body, ANSWER_MAX);
    const struct answers_asked asked = {.request = request, .rest = rest};
    enum err err = route->write(web->answers, &asked, &body, &fault);
    if (!err)
        err = buf_check(&body, &fault, "answer");
    if (err)
        http_problem(request, http_status_of(err), &fault);
    else
        http_answer(request, 200, route->content_type, buf_slice(&body), NULL, 0);
}

static const char *type_of(const char *path)
{
    const char *dot = strrchr(path, '.');
    if (dot && strcmp(dot, ".css") == 0)
        return "text/css; charset=utf-8";
    if (dot && strcmp(dot, ".js") == 0)
        return "text/javascript; charset=utf-8";
    if (dot && strcmp(dot, ".svg") == 0)
        return "image/svg+xml";
    return "text/html; charset=utf-8";
}

static bool answer_file(const char *path, struct http_request *request)
{
    const char *name = strcmp(path, "/") == 0 ? "index.html" : path + 1;
    for (size_t i = 0; i < sizeof web_files / sizeof *web_files; i++) {
        if (strcmp(web_files[i].path, name) != 0)
            continue;
        const struct slice body = {(const char *)web_files[i].data, web_files[i].len};
        http_answer(request, 200, type_of(name), body, NULL, 0);
        return true;
    }
    return false;
}

static void on_request(void *context, struct http_request *request)
{
    struct web *web = context;
    struct fault fault;
    const char *path = http_request_path(request);
    if (strcmp(http_request_method(request), "GET") != 0) {
        (void)fault_set(&fault, ERR_UNSUPPORTED, "method", "only GET is known here");
        http_problem(request, 405, &fault);
        return;
    }
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        const char *rest;
        if (matches(&routes[i], path, &rest)) {
            answer_route(web, &routes[i], rest, request);
            return;
        }
    }
    if (answer_file(path, request))
        return;
    (void)fault_set(&fault, ERR_NOT_FOUND, "", "nothing is here");
    http_problem(request, 404, &fault);
}

enum err web_open(struct web **out, struct loop *loop, const struct web_config *config,
                  struct fault *fault)
{
    struct web *web = calloc(1, sizeof *web);
    if (!web)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    web->config = *config;
    const struct http_config http = {
        .address = config->address,
        .tls = config->tls,
        .handle = on_request,
        .context = web,
        .diag = config->diag,
    };
    enum err err = answers_open(&web->answers, config, fault);
    if (!err)
        err = http_server_open(&web->server, loop, &http, fault);
    if (err) {
        web_close(web);
        return err;
    }
    *out = web;
    return ERR_OK;
}

void web_close(struct web *web)
{
    if (!web)
        return;
    http_server_close(web->server);
    answers_close(web->answers);
    free(web);
}

const char *web_address(const struct web *web)
{
    return http_server_address(web->server);
}
