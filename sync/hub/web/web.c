#include "sync/hub/web/web.h"
#include "hal/base/cleanup.h"
#include "sync/hub/web/answers.h"
#include "sync/hub/web/changes.h"
#include "sync/hub/web/files.h"
#include "sync/hub/web/finance.h"
#include "sync/hub/web/fleet.h"
#include "sync/hub/web/forged.h"
#include "sync/hub/web/metrics.h"
#include "sync/hub/web/traces.h"
#include "sync/hub/web/uploads.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { ANSWER_MAX = 64 * 1024 * 1024, BODY_MAX = 16 * 1024 * 1024, METHODS_MAX = 64 };

struct web {
    struct web_config config;
    struct http_server *server;
    struct answers *answers;
    struct fleet *fleet;
    int64_t forged_ms; /* when a forged webhook was last noted */
};

/* A path, who may read it, and what answers it. A path that ends in '/' takes one more part. */
struct route {
    const char *path;
    const char *content_type; /* NULL: of the format that was asked for */
    unsigned roles;
    enum err (*write)(struct answers *answers, const struct answers_asked *asked, struct buf *out,
                      struct fault *fault);
    const char *query; /* names that may be asked for, with spaces between */
};

static const char json[] = "application/json";
static const char text[] = "text/plain; version=0.0.4; charset=utf-8";

#define VIEWER ACCESS_BIT(ACCESS_VIEWER)
#define IT ACCESS_BIT(ACCESS_IT)
#define FINANCE ACCESS_BIT(ACCESS_FINANCE)
#define BACK_OFFICE ACCESS_BACK_OFFICE
#define LOOKERS (BACK_OFFICE | VIEWER)

static const struct route routes[] = {
    {"/metrics", text, LOOKERS, metrics_answer, ""},
    {"/v1/measures", json, LOOKERS, finance_measures, "from_day"},
    {"/v1/reconciliation", json, LOOKERS, finance_reconciliation, ""},
    {"/v1/devices", json, VIEWER | IT, answers_devices, "from"},
    {"/v1/devices/", json, VIEWER | IT, answers_device, ""},
    {"/v1/events", json, IT, answers_events, "device from"},
    {"/v1/returns", json, ACCESS_ANYBODY, answers_find_returns, "receipt number posted device seq"},
    {"/v1/returns/", json, ACCESS_ANYBODY, answers_return, ""},
    {"/v1/traces/", json, LOOKERS, traces_answer, ""},
    {"/v1/parked", json, BACK_OFFICE, answers_parked, "from"},
    {"/v1/exceptions", json, BACK_OFFICE, finance_exceptions, "from resolved"},
    {"/v1/connectors", json, BACK_OFFICE, finance_connectors, ""},
    {"/v1/outlets", json, BACK_OFFICE, finance_outlets, ""},
    {"/v1/deliveries", json, BACK_OFFICE, finance_deliveries, "from state"},
    {"/v1/audit", json, BACK_OFFICE, answers_audit, "from"},
    {"/v1/journal", json, FINANCE, answers_journal, "from return state"},
    {"/v1/journal/export", NULL, FINANCE, answers_export, "format from_day to_day"},
    {"/v1/closing", json, FINANCE, finance_closing, "month from"},
    {"/v1/settlements", json, FINANCE, finance_files, "from"},
    {"/v1/settlement-lines", json, FINANCE, finance_lines, "from state"},
    {"/v1/refunds", json, FINANCE, finance_refunds, "from state"},
    {"/v1/batches", json, FINANCE, finance_batches, "from state"},
    {"/v1/payments", json, FINANCE, finance_payments, "from state"},
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

static const char *export_type(struct http_request *request)
{
    const char *format = http_request_query(request, "format");
    return format && strcmp(format, "csv") == 0 ? "text/csv; charset=utf-8"
                                                : "text/plain; charset=utf-8";
}

static void answer(struct http_request *request, const char *type, const struct buf *body,
                   enum err err, struct fault *fault)
{
    if (!err)
        err = buf_check(body, fault, "answer");
    if (err)
        http_problem(request, http_status_of(err), fault);
    else
        http_answer(request, 200, type, buf_slice(body), NULL, 0);
}

static void answer_route(struct web *web, const struct route *route, const char *rest,
                         enum access_role role, struct http_request *request)
{
    struct fault fault = {0};
    struct buf body CLEANUP(buf_free);
    buf_init(&body, ANSWER_MAX);
    const struct answers_asked asked = {.request = request, .rest = rest, .role = role};
    enum err err = access_check(route->roles, role, &fault);
    if (!err)
        err = http_request_check_query(request, route->query, &fault);
    if (!err)
        err = route->write(web->answers, &asked, &body, &fault);
    answer(request, route->content_type ? route->content_type : export_type(request), &body, err,
           &fault);
}

static void answer_health(struct web *web, struct http_request *request)
{
    struct fault fault = {0};
    struct buf body CLEANUP(buf_free);
    buf_init(&body, ANSWER_MAX);
    const struct answers_asked asked = {.request = request, .rest = ""};
    enum err err = answers_health(web->answers, &asked, &body, &fault);
    answer(request, json, &body, err, &fault);
}

/* Who asks, and what that one may read and do: for the dashboard, which shows no more. */
static void answer_me(const struct access_holder *holder, struct http_request *request)
{
    struct fault fault = {0};
    struct buf body CLEANUP(buf_free);
    buf_init(&body, ANSWER_MAX);
    struct jsonw w = jsonw_to(&body);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "name", holder->name);
    jsonw_text(&w, "role", access_role_name(holder->role));
    jsonw_array(&w, "reads");
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
        if (routes[i].roles & ACCESS_BIT(holder->role))
            jsonw_text(&w, NULL, routes[i].path);
    fleet_readable(holder->role, &w);
    jsonw_end(&w);
    jsonw_array(&w, "may");
    changes_allowed(holder->role, &w);
    uploads_allowed(holder->role, &w);
    fleet_allowed(holder->role, &w);
    jsonw_end(&w);
    jsonw_end(&w);
    answer(request, json, &body, ERR_OK, &fault);
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
    if (dot && strcmp(dot, ".json") == 0)
        return json;
    return "text/html; charset=utf-8";
}

/* The place in web_files; -1 if there is no such file. */
static int find_file(const char *path)
{
    const char *name = strcmp(path, "/") == 0 ? "index.html" : path + 1;
    for (size_t i = 0; i < sizeof web_files / sizeof *web_files; i++)
        if (strcmp(web_files[i].path, name) == 0)
            return (int)i;
    return -1;
}

static void answer_file(int place, struct http_request *request)
{
    const struct slice body = {(const char *)web_files[place].data, web_files[place].len};
    http_answer(request, 200, type_of(web_files[place].path), body, NULL, 0);
}

static bool is_provider(const struct web *web, const struct http_request *request)
{
    return web->config.provider_secret &&
           strcmp(http_request_path(request), UPLOADS_PROVIDER_PATH) == 0;
}

/* The payment provider is known by what it signs, not by a token. */
static enum err check_provider(struct web *web, struct http_request *request,
                               struct access_holder *holder, struct fault *fault)
{
    const struct webhook webhook = {.id = http_request_header(request, "webhook-id"),
                                    .timestamp = http_request_header(request, "webhook-timestamp"),
                                    .signature = http_request_header(request, "webhook-signature"),
                                    .body = http_request_body(request)};
    *holder = (struct access_holder){.name = "payment provider", .role = ACCESS_PROVIDER};
    enum err err = webhook_verify(web->config.provider_secret, &webhook,
                                  clock_wall_ms(web->config.clock), fault);
    if (err)
        forged_note(&web->config, fault, &web->forged_ms);
    return err;
}

/* Who asks: ERR_FORBIDDEN without a token in force. */
static enum err find_holder(struct web *web, struct http_request *request,
                            struct access_holder *holder, struct fault *fault)
{
    static const char bearer[] = "Bearer ";
    if (is_provider(web, request))
        return check_provider(web, request, holder, fault);
    const char *header = http_request_header(request, "Authorization");
    if (!header || strncasecmp(header, bearer, sizeof bearer - 1) != 0)
        return fault_set(fault, ERR_FORBIDDEN, "Authorization", "needs a bearer token");
    return access_find(web->config.database, slice_of(header + sizeof bearer - 1), holder, fault);
}

/* The token is missing or nobody's: what the client lacks is a token, not a right. */
static void refuse(struct http_request *request, enum err err, const struct fault *fault)
{
    http_problem(request, err == ERR_FORBIDDEN ? 401 : http_status_of(err), fault);
}

static const struct route *find_route(const char *path, const char **rest)
{
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
        if (matches(&routes[i], path, rest))
            return &routes[i];
    return NULL;
}

static bool serves(const char *method, const char *path)
{
    const char *rest;
    if (fleet_serves(method, path))
        return true;
    if (strcmp(method, "GET") == 0)
        return find_route(path, &rest) || strcmp(path, "/v1/me") == 0 ||
               strcmp(path, "/healthz") == 0 || find_file(path) >= 0;
    return strcmp(method, "POST") == 0 && (changes_serve(path) || uploads_serve(path));
}

/* There is no such path, or it isn't there for this method. */
static void refuse_unknown(struct http_request *request)
{
    static const char *const methods[] = {"GET", "POST", "PUT"};
    const char *path = http_request_path(request);
    struct fault fault;
    struct buf allowed CLEANUP(buf_free);
    buf_init(&allowed, METHODS_MAX);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (serves(methods[i], path))
            buf_printf(&allowed, "%s%s", allowed.len ? ", " : "", methods[i]);
    if (allowed.len) {
        http_not_allowed(request, allowed.data);
    } else {
        (void)fault_set(&fault, ERR_NOT_FOUND, "", "there is nothing at %.100s; see /openapi.json",
                        path);
        http_problem(request, 404, &fault);
    }
}

/* For somebody whose token is good. */
static void serve(struct web *web, const struct access_holder *holder, struct http_request *request)
{
    const char *rest = "";
    const char *path = http_request_path(request);
    const char *method = http_request_method(request);
    bool get = strcmp(method, "GET") == 0;
    if (fleet_take(web->fleet, holder, request))
        return;
    if (strcmp(method, "POST") == 0 && (changes_take(&web->config, holder, request) ||
                                        uploads_take(&web->config, holder, request)))
        return;
    const struct route *route = find_route(path, &rest);
    if (get && strcmp(path, "/v1/me") == 0)
        answer_me(holder, request);
    else if (get && route)
        answer_route(web, route, rest, holder->role, request);
    else
        refuse_unknown(request);
}

static void on_request(void *context, struct http_request *request)
{
    struct web *web = context;
    struct fault fault = {0};
    struct access_holder holder = {0};
    const char *path = http_request_path(request);
    bool get = strcmp(http_request_method(request), "GET") == 0;
    int file = get ? find_file(path) : -1;
    if (file >= 0) {
        answer_file(file, request);
        return;
    }
    if (get && strcmp(path, "/healthz") == 0) {
        answer_health(web, request);
        return;
    }
    enum err err = find_holder(web, request, &holder, &fault);
    if (err)
        refuse(request, err, &fault);
    else
        serve(web, &holder, request);
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
        .limits = {.body_bytes = BODY_MAX},
        .handle = on_request,
        .context = web,
        .diag = config->diag,
    };
    enum err err = answers_open(&web->answers, config, fault);
    if (!err)
        err = fleet_open(&web->fleet, config, fault);
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
    fleet_close(web->fleet);
    free(web);
}

void web_use_tls(struct web *web, struct tls_context *tls)
{
    http_server_use_tls(web->server, tls);
}

const char *web_address(const struct web *web)
{
    return http_server_address(web->server);
}
