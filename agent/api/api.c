#include "agent/api/api.h"
#include "agent/api/internal.h"
#include "agent/api/lookup.h"
#include "agent/api/stream.h"
#include "agent/capture/access_note.h"

#include <stdlib.h>
#include <string.h>

static const struct api_route *const route_tables[] = {
    api_return_routes,  api_sale_routes,   api_stream_routes,    api_status_routes,
    api_session_routes, api_policy_routes, api_exception_routes, api_page_routes,
    api_poslog_routes,  api_replay_routes, api_parked_routes,    api_print_routes,
    api_service_routes,
};

void api_note_access(void *context, const struct access *acts, size_t count,
                     const struct access_copy *copy)
{
    const struct api *api = context;
    access_note(api->config.log, api->config.diag, acts, count, copy);
}

void api_note_act(const struct api_call *call, enum access_act act, const struct id *of)
{
    char text[ID_TEXT + 1] = "";
    const char *by = call->local ? ACCESS_BY_CLI : ACCESS_BY_TILL;
    if (of)
        id_format(of, text);
    api_note_access(call->api,
                    &(struct access){.act = act,
                                     .person = call->actor.person,
                                     .lane = call->actor.lane,
                                     .by = call->person ? call->actor.person : by,
                                     .of = text},
                    1, NULL);
}

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
    api->lookup = lookup_open(api);
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

void api_answer(struct http_request *request, int status, const struct buf *json)
{
    struct fault fault;
    enum err err = buf_check(json, &fault, "answer");
    if (err)
        api_fail(request, err, &fault);
    else
        http_answer(request, status, "application/json", buf_slice(json), NULL, 0);
}

bool api_switched_off(struct api_call *call, bool feature)
{
    struct fault fault;
    if (feature)
        return false;
    (void)fault_set(&fault, ERR_FORBIDDEN, "", "this is switched off here by the configuration");
    api_fail(call->request, ERR_FORBIDDEN, &fault);
    return true;
}

void api_fail(struct http_request *request, enum err err, const struct fault *fault)
{
    http_problem(request, http_status_of(err), fault);
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

/* RFC 6750, section 2.1. */
static bool token_holder_of(struct api_call *call)
{
    const char *value = http_request_header(call->request, "Authorization");
    static const char scheme[] = "Bearer ";
    if (!value || strncasecmp(value, scheme, sizeof scheme - 1) != 0)
        return false;
    struct slice token = slice_of(value + sizeof scheme - 1);
    call->local = local_is(&call->api->local, token);
    if (call->local)
        return true;
    if (tokens_find(call->api->tokens, token, &call->holder) != ERR_OK)
        return false;
    call->actor.lane = call->holder.lane;
    return true;
}

static void refuse_stranger(struct http_request *request)
{
    static const char text[] =
        "{\"type\":\"about:blank\",\"title\":\"not signed in\",\"status\":401,\"detail\":\"sign in "
        "at POST /v1/session, or send Authorization: Bearer TOKEN; `tillback token add --lane 01` "
        "makes one\"}";
    static const struct http_header header = {"WWW-Authenticate", "Bearer"};
    http_answer(request, 401, "application/problem+json", SLICE_LITERAL(text), &header, 1);
}

static void refuse(struct http_request *request, const char *where, const char *text)
{
    struct fault fault;
    api_fail(request, fault_set(&fault, ERR_FORBIDDEN, where, "%s", text), &fault);
}

/* The lane that the page stands at, as it says; a text that can't be one is none. */
static const char *lane_said(struct http_request *request)
{
    const char *lane = http_request_header(request, "Tillback-Lane");
    if (!lane || strlen(lane) > TOKEN_LANE_MAX || strpbrk(lane, " \t/\"\\"))
        return "";
    return lane;
}

/* What the page does by itself, unasked, is no use of the session. */
static bool is_used(struct http_request *request)
{
    const char *mark = http_request_header(request, "X-Tillback");
    return mark && strcmp(mark, "idle") != 0;
}

static bool person_of(struct api_call *call)
{
    call->session = api_session_cookie(call->request);
    if (call->session.len == 0)
        return false;
    call->person = people_of_session(call->api->people, call->session, is_used(call->request));
    if (!call->person)
        return false;
    call->actor.person = call->person->id;
    call->actor.lane = lane_said(call->request);
    call->actor.manager = call->person->role == ROLE_MANAGER;
    return true;
}

static void run_for_person(const struct api_route *route, struct api_call *call)
{
    if (strcmp(route->method, "GET") != 0 && !api_same_origin(call->request))
        return;
    if (call->person->one_time && route->access != API_PERSON)
        refuse(call->request, "pin", "this PIN was for one sign-in: choose your own first");
    else
        route->handle(call);
}

static void run_for_technician(const struct api_route *route, struct api_call *call)
{
    if (token_holder_of(call) && call->local)
        route->handle(call);
    else if (!person_of(call))
        refuse_stranger(call->request);
    else if (call->person->role != ROLE_TECHNICIAN)
        refuse(call->request, "", "only a technician may do this");
    else
        run_for_person(route, call);
}

static void run_for_manager(const struct api_route *route, struct api_call *call)
{
    bool token = token_holder_of(call);
    if (!token && !person_of(call))
        refuse_stranger(call->request);
    else if (token || !call->actor.manager)
        refuse(call->request, "", "only a manager may do this");
    else
        run_for_person(route, call);
}

static void run_route(const struct api_route *route, struct api_call *call)
{
    call->actor = (struct capture_actor){.lane = "", .person = ""};
    if (route->access == API_OPEN)
        route->handle(call);
    else if (route->access == API_SERVICE)
        run_for_technician(route, call);
    else if (route->access == API_MANAGER)
        run_for_manager(route, call);
    else if (route->access != API_PERSON && token_holder_of(call))
        route->handle(call);
    else if (!person_of(call))
        refuse_stranger(call->request);
    else if (route->access == API_TILL)
        refuse(call->request, "", "only a till may do this");
    else
        run_for_person(route, call);
}

void api_handle(void *context, struct http_request *request)
{
    struct api_call call = {.api = context, .request = request};
    const char *path = http_request_path(request);
    const char *method = http_request_method(request);
    bool known = false;
    for (size_t t = 0; t < sizeof route_tables / sizeof *route_tables; t++) {
        for (const struct api_route *route = route_tables[t]; route->method; route++) {
            if (!path_fits(route->path, path, &call.rest))
                continue;
            known = true;
            if (strcmp(route->method, method) == 0) {
                run_route(route, &call);
                return;
            }
        }
    }
    struct fault fault;
    if (known) {
        fault_set(&fault, ERR_UNSUPPORTED, "", "%s can't be asked of this address", method);
        http_problem(request, 405, &fault);
    } else {
        fault_set(&fault, ERR_NOT_FOUND, "", "there is nothing at %.100s; see /openapi.json", path);
        http_problem(request, 404, &fault);
    }
}

enum err api_subject(const struct api_call *call, struct id *id, struct fault *fault)
{
    if (id_parse(call->rest, id) != ERR_OK)
        return fault_set(fault, ERR_NOT_FOUND, "id",
                         "a return's id looks like "
                         "0193f2c4-7b1e-7c3a-9d55-0123456789ab");
    return ERR_OK;
}
