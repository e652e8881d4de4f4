#include "agent/api/gate.h"

#include <string.h>
#include <strings.h>

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

/* What the page asks for by itself doesn't count as use of the session. */
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

/* The caller is allowed to; now the body must be JSON, if the route takes JSON. */
static void serve(const struct api_route *route, struct api_call *call)
{
    struct fault fault;
    enum err err = call->takes_xml ? ERR_OK : http_request_check_json(call->request, &fault);
    if (err)
        api_fail(call->request, err, &fault);
    else
        route->handle(call);
}

static void run_for_person(const struct api_route *route, struct api_call *call)
{
    if (strcmp(route->method, "GET") != 0 && !api_same_origin(call->request))
        return;
    if (call->person->one_time && route->access != API_PERSON)
        refuse(call->request, "pin", "this PIN was for one sign-in: choose your own first");
    else
        serve(route, call);
}

static void run_for_technician(const struct api_route *route, struct api_call *call)
{
    bool token = token_holder_of(call);
    if (token && call->local)
        serve(route, call);
    else if (token)
        refuse(call->request, "", "only a technician may do this, on the page or at the box");
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

void gate_pass(const struct api_route *route, struct api_call *call)
{
    call->actor = (struct capture_actor){.lane = "", .person = ""};
    if (route->access == API_OPEN)
        serve(route, call);
    else if (route->access == API_SERVICE)
        run_for_technician(route, call);
    else if (route->access == API_MANAGER)
        run_for_manager(route, call);
    else if (route->access != API_PERSON && token_holder_of(call))
        serve(route, call);
    else if (!person_of(call))
        refuse_stranger(call->request);
    else if (route->access == API_TILL)
        refuse(call->request, "", "only a till may do this");
    else
        run_for_person(route, call);
}
