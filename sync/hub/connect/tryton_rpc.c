#include "sync/hub/connect/tryton_rpc.h"
#include "hal/base/cleanup.h"
#include "hal/base/hex.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REQUEST_MAX = 8 * 1024 * 1024, AUTHORIZATION_MAX = 1024, ANSWER_DEPTH = 12 };
enum { STATUS_OK = 200, STATUS_UNAUTHORIZED = 401, STATUS_FORBIDDEN = 403, STATUS_NOT_FOUND = 404 };
enum { STATUS_CONFLICT = 409, STATUS_LOCKED = 423, STATUS_TOO_MANY = 429, STATUS_INSIDE = 500 };

struct tryton_rpc {
    struct http_call *http;
    char *user;
    char *password;
    char url[HTTP_URL_MAX];
    struct buf authorization; /* empty: no session */
    struct buf params;
    struct jsonw writer;
    struct http_answer answer;
};

enum err tryton_rpc_open(struct tryton_rpc **out, const struct tryton_rpc_config *config,
                         struct fault *fault)
{
    struct tryton_rpc *rpc = calloc(1, sizeof *rpc);
    if (!rpc)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    const struct http_call_config http = {config->ca_file, config->timeout_ms};
    size_t len = strlen(config->url);
    const char *slash = len && config->url[len - 1] == '/' ? "" : "/";
    buf_init(&rpc->authorization, AUTHORIZATION_MAX);
    buf_init(&rpc->params, REQUEST_MAX);
    buf_init(&rpc->answer.body, HTTP_ANSWER_MAX);
    rpc->user = strdup(config->user);
    rpc->password = strdup(config->password);
    int written =
        snprintf(rpc->url, sizeof rpc->url, "%s%s%s/", config->url, slash, config->database);
    enum err err = http_call_check_url(config->url, fault);
    if (!err && (written < 0 || (size_t)written >= sizeof rpc->url))
        err = fault_set(fault, ERR_INVALID, "url", "is too long");
    if (!err && (!rpc->user || !rpc->password))
        err = fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    if (!err)
        err = http_call_open(&rpc->http, &http, fault);
    if (err) {
        tryton_rpc_close(rpc);
        return err;
    }
    *out = rpc;
    return ERR_OK;
}

void tryton_rpc_close(struct tryton_rpc *rpc)
{
    if (!rpc)
        return;
    http_call_close(rpc->http);
    buf_free(&rpc->authorization);
    buf_free(&rpc->params);
    buf_free(&rpc->answer.body);
    free(rpc->user);
    free(rpc->password);
    free(rpc);
}

/* --- One request ----------------------------------------------------------------------------- */

static enum err ask(struct tryton_rpc *rpc, const char *method, struct slice params,
                    struct fault *fault)
{
    struct buf body CLEANUP(buf_free);
    buf_init(&body, REQUEST_MAX);
    struct jsonw w = jsonw_to(&body);
    jsonw_object(&w, NULL);
    jsonw_int(&w, "id", 1);
    jsonw_text(&w, "method", method);
    jsonw_raw(&w, "params", params);
    jsonw_end(&w);
    enum err err = buf_check(&body, fault, method);
    if (err)
        return err;
    struct http_request request = {
        .method = "POST",
        .url = rpc->url,
        .headers = {{"Content-Type", "application/json"}},
        .header_count = 1,
        .body = buf_slice(&body),
    };
    if (rpc->authorization.len)
        request.headers[request.header_count++] =
            (struct http_call_header){"Authorization", rpc->authorization.data};
    return http_call_run(rpc->http, &request, &rpc->answer, fault);
}

static enum err check_status(const struct tryton_rpc *rpc, const char *method, struct fault *fault)
{
    int status = rpc->answer.status;
    switch (status) {
    case STATUS_OK:
        return ERR_OK;
    case STATUS_FORBIDDEN:
        return fault_set(fault, ERR_FORBIDDEN, "Tryton", "user %.60s may not call %.80s", rpc->user,
                         method);
    case STATUS_NOT_FOUND:
        return fault_set(fault, ERR_UNREACHABLE, "Tryton", "there is no database at %.200s",
                         rpc->url);
    case STATUS_CONFLICT:
    case STATUS_LOCKED:
    case STATUS_TOO_MANY:
        return fault_set(fault, ERR_BUSY, "Tryton", "answers %d: later", status);
    case STATUS_INSIDE: /* it undid what it had begun; mostly others were at the same rows */
        return fault_set(fault, ERR_IO, "Tryton",
                         "failed inside at %.80s (status 500): its own log says why", method);
    default: /* a proxy in between, or an overloaded server: it may have been done */
        return fault_set(fault, ERR_UNKNOWN_OUTCOME, "Tryton", "answers %d to %.80s", status,
                         method);
    }
}

/* {"error": [kind, [text, ...]]}, {"error": [text, trace]} */
static enum err read_error(const struct cJSON *error, struct fault *fault)
{
    struct buf said CLEANUP(buf_free);
    const struct cJSON *kind = json_first(error);
    const struct cJSON *details = kind ? json_next(kind) : NULL;
    const struct cJSON *text = json_first(details);
    buf_init(&said, 64 * 1024);
    json_print(text ? text : kind, &said);
    struct buf name CLEANUP(buf_free);
    buf_init(&name, 1024);
    json_print(kind, &name);
    enum err err = slice_is(buf_slice(&name), "\"ConcurrencyException\"") ? ERR_BUSY : ERR_REFUSED;
    return fault_set(fault, err, "Tryton", "%.300s", said.data ? said.data : "gives no reason");
}

static enum err read_answer(const struct tryton_rpc *rpc, const char *method,
                            struct cJSON **document, const struct cJSON **result,
                            struct fault *fault)
{
    const struct json_limits limits = {.bytes = HTTP_ANSWER_MAX, .depth = ANSWER_DEPTH};
    struct cJSON *doc = NULL;
    if (json_parse(buf_slice(&rpc->answer.body), limits, &doc, NULL) != ERR_OK)
        return fault_set(fault, ERR_UNKNOWN_OUTCOME, "Tryton", "answers no JSON to %.80s", method);
    const struct cJSON *error = json_member(doc, "error");
    if (error) {
        enum err err = read_error(error, fault);
        json_free(doc);
        return err;
    }
    *result = json_member(doc, "result");
    *document = doc;
    return ERR_OK;
}

/* --- Sessions -------------------------------------------------------------------------------- */

static void keep_session(struct tryton_rpc *rpc, int64_t id, const char *key)
{
    struct buf plain CLEANUP(buf_free);
    buf_init(&plain, AUTHORIZATION_MAX / 2);
    buf_printf(&plain, "%s:%" PRId64 ":%s", rpc->user, id, key);
    buf_reset(&rpc->authorization);
    buf_append_text(&rpc->authorization, "Session ");
    base64_encode(&rpc->authorization, (const uint8_t *)plain.data, plain.len, false);
}

/* [user id, session key] */
static enum err read_session(struct tryton_rpc *rpc, const struct cJSON *session,
                             struct fault *fault)
{
    struct buf text CLEANUP(buf_free);
    const struct cJSON *id = json_first(session);
    const struct cJSON *key = id ? json_next(id) : NULL;
    int64_t number;
    buf_init(&text, AUTHORIZATION_MAX / 2);
    if (key)
        json_print(key, &text);
    if (!key || json_whole(id, &number) != ERR_OK || text.len < 3 || text.failed)
        return fault_set(fault, ERR_UNREACHABLE, "Tryton", "gives no session for user %.60s",
                         rpc->user);
    text.data[text.len - 1] = '\0'; /* between its quotes: letters and digits */
    keep_session(rpc, number, text.data + 1);
    return buf_check(&rpc->authorization, fault, "session");
}

/* A refused login is nothing that an entry could be blamed for: later, when it was put right. */
static enum err log_in(struct tryton_rpc *rpc, struct fault *fault)
{
    struct buf params CLEANUP(buf_free);
    struct cJSON *document CLEANUP(json_cleanup) = NULL;
    const struct cJSON *session;
    buf_init(&params, AUTHORIZATION_MAX);
    struct jsonw w = jsonw_to(&params);
    jsonw_array(&w, NULL);
    jsonw_text(&w, NULL, rpc->user);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "password", rpc->password);
    jsonw_end(&w);
    jsonw_end(&w);
    buf_reset(&rpc->authorization);
    enum err err = buf_check(&params, fault, "login");
    if (!err)
        err = ask(rpc, "common.db.login", buf_slice(&params), fault);
    if (!err && rpc->answer.status == STATUS_UNAUTHORIZED)
        return fault_set(fault, ERR_UNREACHABLE, "Tryton", "refuses the login of user %.60s",
                         rpc->user);
    if (!err)
        err = check_status(rpc, "common.db.login", fault);
    if (!err)
        err = read_answer(rpc, "common.db.login", &document, &session, fault);
    if (!err)
        return read_session(rpc, session, fault);
    return err_class(err) == ERR_CLASS_PARK
               ? fault_set(fault, ERR_UNREACHABLE, "Tryton", "refuses the login of user %.60s",
                           rpc->user)
               : err;
}

/* --- Calls ----------------------------------------------------------------------------------- */

struct jsonw *tryton_rpc_begin(struct tryton_rpc *rpc)
{
    buf_reset(&rpc->params);
    rpc->writer = jsonw_to(&rpc->params);
    jsonw_array(&rpc->writer, NULL);
    return &rpc->writer;
}

struct jsonw *tryton_rpc_writer(struct tryton_rpc *rpc)
{
    return &rpc->writer;
}

enum err tryton_rpc_call(struct tryton_rpc *rpc, const char *method, struct cJSON **document,
                         const struct cJSON **result, struct fault *fault)
{
    jsonw_end(&rpc->writer);
    bool fresh = rpc->authorization.len == 0;
    enum err err = buf_check(&rpc->params, fault, method);
    if (!err && fresh)
        err = log_in(rpc, fault);
    if (!err)
        err = ask(rpc, method, buf_slice(&rpc->params), fault);
    /* The session was forgotten, so nothing was done. */
    if (!err && rpc->answer.status == STATUS_UNAUTHORIZED && !fresh) {
        err = log_in(rpc, fault);
        if (!err)
            err = ask(rpc, method, buf_slice(&rpc->params), fault);
    }
    if (!err && rpc->answer.status == STATUS_UNAUTHORIZED) {
        buf_reset(&rpc->authorization);
        return fault_set(fault, ERR_BUSY, "Tryton", "forgets each session at once");
    }
    if (!err)
        err = check_status(rpc, method, fault);
    return err ? err : read_answer(rpc, method, document, result, fault);
}
