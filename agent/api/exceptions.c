#include "agent/api/cursor.h"
#include "agent/api/internal.h"
#include "agent/returns/words.h"
#include "agent/views/exception_view.h"
#include "hal/base/cleanup.h"

enum { ANSWER_MAX_BYTES = 1024 * 1024, PAGE = 50 };

static void change(struct api_call *call, enum capture_kind kind)
{
    struct fault fault;
    struct id id;
    if (id_parse(call->rest, &id) == ERR_OK) {
        api_write(call, kind, &id, 200);
        return;
    }
    enum err err = fault_set(&fault, ERR_NOT_FOUND, "id", "no exception has this id");
    api_fail(call->request, err, &fault);
}

static void assign(struct api_call *call)
{
    change(call, CAPTURE_ASSIGN);
}

static void resolve(struct api_call *call)
{
    change(call, CAPTURE_RESOLVE);
}

struct listing {
    struct jsonw w;
    int64_t now_ms;
    size_t count;
    struct exception_state last;
};

static enum err list_one(void *context, const struct exception_state *state, struct fault *fault)
{
    (void)fault;
    struct listing *listing = context;
    exception_state_write(state, listing->now_ms, &listing->w);
    listing->count++;
    listing->last = *state;
    return ERR_OK;
}

static enum err read_query(struct api_call *call, struct exception_view_query *query,
                           struct fault *fault)
{
    const char *state = http_request_query(call->request, "state");
    const char *cursor = http_request_query(call->request, "cursor");
    *query = (struct exception_view_query){.step = -1, .after_ms = -1, .max = PAGE};
    enum err err = http_request_check_query(call->request, "state cursor", fault);
    if (err)
        return err;
    if (state && (query->step = word_find(exception_step_words, state)) < 0)
        return fault_set(fault, ERR_INVALID, "state", "must be open, assigned or resolved");
    return cursor ? cursor_read(cursor, &query->after_ms, &query->after_id, fault) : ERR_OK;
}

static void write_cursor(struct listing *listing)
{
    if (listing->count < PAGE)
        return;
    char cursor[CURSOR_TEXT + 1];
    cursor_write(cursor, listing->last.raised_ms, &listing->last.id);
    jsonw_text(&listing->w, "cursor", cursor);
}

static void list(struct api_call *call)
{
    struct fault fault;
    struct exception_view_query query;
    struct buf body CLEANUP(buf_free);
    buf_init(&body, ANSWER_MAX_BYTES);
    struct listing listing = {.w = jsonw_to(&body),
                              .now_ms = clock_wall_ms(call->api->config.clock)};
    enum err err = read_query(call, &query, &fault);
    jsonw_object(&listing.w, NULL);
    jsonw_array(&listing.w, "exceptions");
    if (!err)
        err = exception_view_list(&call->api->views, &query, list_one, &listing, &fault);
    jsonw_end(&listing.w);
    write_cursor(&listing);
    jsonw_end(&listing.w);
    if (err)
        api_fail(call->request, err, &fault);
    else
        api_answer(call->request, 200, &body);
}

const struct api_route api_exception_routes[] = {
    {"GET", "/v1/exceptions", API_CLIENT, list},
    {"POST", "/v1/exceptions/{}/assign", API_CLIENT, assign},
    {"POST", "/v1/exceptions/{}/resolve", API_MANAGER, resolve},
    {0},
};
