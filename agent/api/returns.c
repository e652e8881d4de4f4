#include "agent/api/approval.h"
#include "agent/api/cursor.h"
#include "agent/api/internal.h"
#include "agent/api/lookup.h"
#include "agent/views/return_answer.h"
#include "agent/views/return_view.h"
#include "hal/base/cleanup.h"
#include "hal/base/rfc3339.h"

#include <stdio.h>
#include <string.h>

enum { ANSWER_MAX_BYTES = 4 * 1024 * 1024 };

static int64_t watermark(const struct api *api)
{
    struct eventlog_status status;
    eventlog_status(api->config.log, &status);
    return status.streams[STREAM_RETURNS].through;
}

/* A manager who asks for a return is an associate in that: another one has to approve it. */
static void create(struct api_call *call)
{
    if (lookup_reserves(call))
        return;
    call->actor.manager = false;
    api_write(call, CAPTURE_RETURN, NULL, 201);
}

static void exchange(struct api_call *call)
{
    if (api_switched_off(call, call->api->features.exchanges) || lookup_reserves(call))
        return;
    api_write(call, CAPTURE_EXCHANGE, NULL, 201);
}

static void quote(struct api_call *call)
{
    struct fault fault;
    struct buf body CLEANUP(buf_free);
    buf_init(&body, EVENT_BODY_MAX);
    if (lookup_reserves(call))
        return;
    call->actor.manager = false;
    enum err err = capture_check_space(call->api->config.capture, &fault);
    if (!err)
        err = capture_quote(call->api->config.capture, call->api->reader,
                            &(struct capture_question){.body = http_request_body(call->request),
                                                       .actor = call->actor},
                            &body, &fault);
    if (err)
        api_fail(call->request, err, &fault);
    else
        api_answer(call->request, 200, &body);
}

static void change(struct api_call *call, enum capture_kind kind)
{
    struct fault fault;
    struct id id;
    enum err err = api_subject(call, &id, &fault);
    if (err)
        api_fail(call->request, err, &fault);
    else
        api_write(call, kind, &id, 200);
}

/* Others may have taken the same goods back since it was asked for. */
static void approve(struct api_call *call)
{
    struct id id;
    struct return_state state;
    if (api_subject(call, &id, NULL) == ERR_OK &&
        return_view_find(&call->api->views, &id, &state, NULL) == ERR_OK &&
        lookup_reserves_return(call, &state))
        return;
    api_decide(call, CAPTURE_APPROVE);
}

static void decline(struct api_call *call)
{
    api_decide(call, CAPTURE_DECLINE);
}

static void receive(struct api_call *call)
{
    change(call, CAPTURE_RECEIVE);
}

static void refund(struct api_call *call)
{
    change(call, CAPTURE_REFUND);
}

static void dispose(struct api_call *call)
{
    change(call, CAPTURE_DISPOSE);
}

static void take_back(struct api_call *call)
{
    change(call, CAPTURE_VOID);
}

static void dispute(struct api_call *call)
{
    change(call, CAPTURE_DISPUTE);
}

/* Finds the return that the path names, by its id or by the number on the customer's receipt. */
static enum err find(struct api_call *call, struct id *id, struct fault *fault)
{
    if (call->rest.len == 0 || call->rest.data[0] != 'R')
        return api_subject(call, id, fault);
    char number[RETURN_NUMBER_MAX + 1];
    (void)snprintf(number, sizeof number, "%.*s", (int)call->rest.len, call->rest.data);
    struct return_state state;
    enum err err = return_view_by_number(&call->api->views, number, &state, fault);
    if (!err)
        *id = state.id;
    return err;
}

static void show(struct api_call *call)
{
    struct fault fault;
    struct id id;
    struct buf body CLEANUP(buf_free);
    buf_init(&body, ANSWER_MAX_BYTES);
    struct return_answer how = {.with_history = true, .through = watermark(call->api)};
    enum err err = find(call, &id, &fault);
    if (!err)
        err = return_answer_write(&call->api->views, &id, &how, &body, &fault);
    if (err)
        api_fail(call->request, err, &fault);
    else
        api_answer(call->request, 200, &body);
}

struct listing {
    struct api_call *call;
    struct jsonw w;
    struct return_answer how;
    size_t count;
    struct return_state last;
};

static enum err list_one(void *context, const struct return_state *state, struct fault *fault)
{
    struct listing *listing = context;
    struct buf one CLEANUP(buf_free);
    buf_init(&one, ANSWER_MAX_BYTES);
    enum err err =
        return_answer_write(&listing->call->api->views, &state->id, &listing->how, &one, fault);
    if (err)
        return err;
    jsonw_raw(&listing->w, NULL, buf_slice(&one));
    listing->count++;
    listing->last = *state;
    return ERR_OK;
}

static enum err query_time(const char *text, const char *name, int64_t *ms, struct fault *fault)
{
    if (text && rfc3339_parse(slice_of(text), ms) != ERR_OK)
        return fault_set(fault, ERR_INVALID, name, "must be a time like 2026-11-22T00:00:00Z");
    return ERR_OK;
}

static enum err query_cursor(const char *text, struct return_view_query *query, struct fault *fault)
{
    query->before_ms = INT64_MAX;
    return text ? cursor_read(text, &query->before_ms, &query->before_id, fault) : ERR_OK;
}

static enum err query_state(const char *text, enum return_view_state *state, struct fault *fault)
{
    *state = RETURN_VIEW_ANY;
    if (!text)
        return ERR_OK;
    if (strcmp(text, "open") == 0)
        *state = RETURN_VIEW_OPEN;
    else if (strcmp(text, "complete") == 0)
        *state = RETURN_VIEW_COMPLETE;
    else
        return fault_set(fault, ERR_INVALID, "state", "must be open or complete");
    return ERR_OK;
}

static enum err read_query(struct api_call *call, struct return_view_query *query,
                           struct fault *fault)
{
    const char *receipt = http_request_query(call->request, "receipt");
    *query = (struct return_view_query){
        .receipt = receipt ? receipt : "", .store = call->api->config.store, .max = 50};
    int64_t to_ms = INT64_MAX;
    enum err err = http_request_check_query(call->request, "state receipt from to cursor", fault);
    if (!err)
        err = query_state(http_request_query(call->request, "state"), &query->state, fault);
    if (!err)
        err = query_time(http_request_query(call->request, "from"), "from", &query->from_ms, fault);
    if (!err)
        err = query_time(http_request_query(call->request, "to"), "to", &to_ms, fault);
    if (!err)
        err = query_cursor(http_request_query(call->request, "cursor"), query, fault);
    if (!err && to_ms < query->before_ms)
        query->before_ms = to_ms;
    return err;
}

static void write_cursor(struct listing *listing, size_t page)
{
    if (listing->count < page)
        return;
    char cursor[CURSOR_TEXT + 1];
    cursor_write(cursor, listing->last.created_ms, &listing->last.id);
    jsonw_text(&listing->w, "cursor", cursor);
}

static void list(struct api_call *call)
{
    struct fault fault;
    struct return_view_query query;
    struct buf body CLEANUP(buf_free);
    buf_init(&body, ANSWER_MAX_BYTES);
    struct listing listing = {
        .call = call, .w = jsonw_to(&body), .how = {.through = watermark(call->api)}};
    enum err err = read_query(call, &query, &fault);
    jsonw_object(&listing.w, NULL);
    jsonw_array(&listing.w, "returns");
    if (!err)
        err = return_view_list(&call->api->views, &query, list_one, &listing, &fault);
    jsonw_end(&listing.w);
    write_cursor(&listing, query.max);
    jsonw_end(&listing.w);
    if (err)
        api_fail(call->request, err, &fault);
    else
        api_answer(call->request, 200, &body);
}

const struct api_route api_return_routes[] = {
    {"POST", "/v1/returns", API_CLIENT, create},
    {"GET", "/v1/returns", API_CLIENT, list},
    {"POST", "/v1/exchanges", API_CLIENT, exchange},
    {"POST", "/v1/returns/quote", API_CLIENT, quote},
    {"GET", "/v1/returns/{}", API_CLIENT, show},
    {"POST", "/v1/returns/{}/approve", API_CLIENT, approve},
    {"POST", "/v1/returns/{}/decline", API_CLIENT, decline},
    {"POST", "/v1/returns/{}/receive", API_CLIENT, receive},
    {"POST", "/v1/returns/{}/refund", API_CLIENT, refund},
    {"POST", "/v1/returns/{}/dispose", API_CLIENT, dispose},
    {"POST", "/v1/returns/{}/void", API_CLIENT, take_back},
    {"POST", "/v1/returns/{}/dispute", API_CLIENT, dispute},
    {0},
};
