#include "sync/transport/http_request.h"

#include "hal/base/cleanup.h"
#include "hal/base/jsonw.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { PROBLEM_MAX = 4096 };

static const struct http_header fixed_headers[] = {
    {"Content-Security-Policy", "default-src 'self'"},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"Cache-Control", "no-store"},
};

struct http_request *http_request_open(struct MHD_Connection *mhd, const char *path,
                                       const char *method, size_t body_max)
{
    size_t len = strlen(path);
    size_t method_len = strlen(method);
    struct http_request *request = calloc(1, sizeof *request + len + 1);
    if (!request)
        return NULL;
    if (strcmp(method, "HEAD") == 0) { /* MHD itself leaves the body out */
        method = "GET";
        method_len = strlen(method);
    }
    memcpy(request->path, path, len + 1);
    /* One that is longer is no method that anybody serves; cut, it still is none. */
    memcpy(request->method, method, method_len < HTTP_METHOD_MAX ? method_len : HTTP_METHOD_MAX);
    request->mhd = mhd;
    buf_init(&request->body, body_max);
    return request;
}

static void free_request(struct http_request *request)
{
    if (request->response)
        MHD_destroy_response(request->response);
    buf_free(&request->body);
    free(request);
}

void http_request_over(struct http_request *request)
{
    request->mhd = NULL;
    if (request->answered || !request->handled)
        free_request(request);
}

void http_request_respond(struct http_request *request, int status, struct MHD_Response *response)
{
    assert(!request->answered);
    request->answered = true;
    request->status = status;
    request->response = response;
    if (!request->mhd) {
        free_request(request);
    } else if (request->suspended) {
        request->suspended = false;
        MHD_resume_connection(request->mhd);
        loop_timer_start(request->again, 0, 0);
    }
}

static bool holds(const struct http_header *headers, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(headers[i].name, name) == 0)
            return true;
    return false;
}

void http_request_headers(struct MHD_Response *response, const char *content_type,
                          const struct http_header *headers, size_t count)
{
    (void)MHD_add_response_header(response, "Content-Type", content_type);
    for (size_t i = 0; i < sizeof fixed_headers / sizeof *fixed_headers; i++)
        if (!holds(headers, count, fixed_headers[i].name))
            (void)MHD_add_response_header(response, fixed_headers[i].name, fixed_headers[i].value);
    for (size_t i = 0; i < count; i++)
        (void)MHD_add_response_header(response, headers[i].name, headers[i].value);
}

const char *http_request_method(const struct http_request *request)
{
    return request->method;
}

const char *http_request_path(const struct http_request *request)
{
    return request->path;
}

static const char *look_up(const struct http_request *request, enum MHD_ValueKind kind,
                           const char *name)
{
    return request->mhd ? MHD_lookup_connection_value(request->mhd, kind, name) : NULL;
}

const char *http_request_header(const struct http_request *request, const char *name)
{
    return look_up(request, MHD_HEADER_KIND, name);
}

const char *http_request_query(const struct http_request *request, const char *name)
{
    return look_up(request, MHD_GET_ARGUMENT_KIND, name);
}

struct query_check {
    const char *known;
    struct fault *fault;
    enum err err;
};

static enum MHD_Result check_name(void *context, enum MHD_ValueKind kind, const char *name,
                                  const char *value)
{
    struct query_check *check = context;
    (void)kind;
    (void)value;
    if (slice_among(slice_of(name), check->known))
        return MHD_YES;
    check->err = fault_set(check->fault, ERR_INVALID, name, "can't be asked for here; %s%s",
                           *check->known ? "known are: " : "nothing can", check->known);
    return MHD_NO;
}

enum err http_request_check_query(const struct http_request *request, const char *known,
                                  struct fault *fault)
{
    struct query_check check = {.known = known, .fault = fault};
    if (request->mhd)
        (void)MHD_get_connection_values(request->mhd, MHD_GET_ARGUMENT_KIND, check_name, &check);
    return check.err;
}

struct slice http_request_body(const struct http_request *request)
{
    return buf_slice(&request->body);
}

enum err http_request_check_json(const struct http_request *request, struct fault *fault)
{
    static const char *const taken[] = {"application/json", "application/x-www-form-urlencoded",
                                        "text/plain"};
    const char *type = http_request_header(request, "Content-Type");
    if (!type || !*type || request->body.len == 0)
        return ERR_OK;
    size_t len = strcspn(type, "; \t");
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        if (len == strlen(taken[i]) && strncasecmp(type, taken[i], len) == 0)
            return ERR_OK;
    return fault_set(fault, ERR_UNSUPPORTED, "Content-Type", "must be application/json");
}

const char *http_request_peer(const struct http_request *request)
{
    return request->peer;
}

bool http_request_secure(const struct http_request *request)
{
    return request->secure;
}

void http_answer(struct http_request *request, int status, const char *content_type,
                 struct slice body, const struct http_header *headers, size_t header_count)
{
    void *data; /* MHD only reads it, but has no const */
    memcpy(&data, &body.data, sizeof data);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(body.len, data, MHD_RESPMEM_MUST_COPY);
    if (response)
        http_request_headers(response, content_type, headers, header_count);
    http_request_respond(request, status, response);
}

static void write_problem(struct buf *out, int status, const struct fault *fault)
{
    struct buf type CLEANUP(buf_free);
    buf_init(&type, 128);
    buf_printf(&type, "urn:tillback:problem:%s", err_name(fault->code));
    struct jsonw w = jsonw_to(out);
    jsonw_object(&w, NULL);
    jsonw_slice(&w, "type", buf_slice(&type));
    jsonw_text(&w, "title", err_text(fault->code));
    jsonw_int(&w, "status", status);
    jsonw_text(&w, "detail", fault->text);
    jsonw_text(&w, "code", err_name(fault->code));
    if (fault->where[0])
        jsonw_text(&w, "field", fault->where);
    jsonw_end(&w);
}

static void answer_problem(struct http_request *request, int status, const struct fault *fault,
                           const struct http_header *header)
{
    struct buf body CLEANUP(buf_free);
    buf_init(&body, PROBLEM_MAX);
    write_problem(&body, status, fault);
    http_answer(request, status, "application/problem+json", buf_slice(&body), header,
                header ? 1 : 0);
}

void http_problem(struct http_request *request, int status, const struct fault *fault)
{
    static const struct http_header retry = {"Retry-After", "1"};
    static const struct http_header bearer = {"WWW-Authenticate", "Bearer"};
    answer_problem(request, status, fault, status == 401 ? &bearer : status == 503 ? &retry : NULL);
}

void http_not_allowed(struct http_request *request, const char *allowed)
{
    const struct http_header allow = {"Allow", allowed};
    struct fault fault;
    (void)fault_set(&fault, ERR_UNSUPPORTED, "", "%s can't be asked of this address; %s can",
                    request->method, allowed);
    answer_problem(request, 405, &fault, &allow);
}

int http_status_of(enum err err)
{
    switch (err) {
    case ERR_OK:
        return 200;
    case ERR_INVALID:
    case ERR_TOO_DEEP:
        return 400;
    case ERR_FORBIDDEN:
        return 403;
    case ERR_NOT_FOUND:
        return 404;
    case ERR_CONFLICT:
        return 409;
    case ERR_TOO_LARGE:
        return 413;
    case ERR_UNSUPPORTED:
        return 415;
    case ERR_REFUSED:
        return 422;
    case ERR_CORRUPT:
    case ERR_FORKED:
    case ERR_NEWER_SCHEMA:
        return 500;
    default:
        return 503; /* what passes: no memory, no disk, busy, not reachable, not known yet */
    }
}
